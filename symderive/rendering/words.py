"""The fixed labels of documents, in the languages that they are written in.

What rules are called is said by ``derivation.rules``, what verdicts say by
``rendering.sentences``; titles and texts are the author's and stay as given.
"""

from __future__ import annotations

from symderive.errors import UnknownNameError

__all__ = ["LANGUAGES", "words"]

_ENGLISH: dict[str, str] = {
    "gradient": "Gradient with respect to {wrt}",
    "hessian": "Hessian with respect to {wrt}",
    "jacobian": "Jacobian with respect to {wrt}",
    "differential": "Differential with respect to {wrt}",
    "chain": "Derivation",
    "let": "Let",
    "where": "where",
    "and": "and",
    "given": "provided that",
    "result": "Result",
    "by": "by",
    "steps": "Step {number} in detail",
    "step": "Step",
    "left": "Left side",
    "right": "Right side",
    "rule": "Rule",
    "rules": "The rules",
    "colon": ": ",
    "comma": ", ",
    "semicolon": "; ",
    "brackets": " ({text})",
    "stop": ".",
    "verdict": "Verdict",
    "claim": "Claim",
    "objective": "Objective",
    "minimise": "Minimise over {wrt}:",
    "program": "Generated program",
    "training": "Training",
    "data": "Data",
    "method": "method",
    "iterations": "iterations",
    "loss": "loss",
    "gradient_size": "largest gradient entry",
    "seconds": "seconds",
    "difference": "farthest parameter",
    "reference": "(the reference)",
    "curve": "Loss by iteration",
    "cross_check": "Cross-check",
    "reason": "Reason",
    "hint": "Hint",
    "counterexample": "Counterexample",
    "evidence": "Evidence",
    "proof": "Proof",
    "conditions": "Conditions",
    "end_to_end": "End to end",
    "is": "{name} is {shape}",
    "verdicts": "{count} verdicts: {counts}",
    "counted": "{count} {status}",
    "written": "Written",
    "legend": "What the verdicts mean",
    "notation": "Notation",
    "proved": "proved",
    "certified": "certified",
    "checked": "checked",
    "undecided": "undecided",
    "refuted": "refuted",
    "means_proved": "holds for every dimension and every point of the domain; the proof can be replayed",
    "means_certified": "the whole of a bounded domain was covered rigorously",
    "means_checked": "both sides agreed in ball arithmetic at exact random points and several dimensions, "
    "and a search for a violation found none: evidence, not proof",
    "means_undecided": "none of the others; the reason is given",
    "means_refuted": "there is an exact point of the domain where the two sides differ",
    "notation_text": "One-dimensional arrays are columns and functions act entry by entry; ⊙ and ⊘ are the "
    "entrywise product and quotient, 𝟏 is a column of ones, σ(x) = 1/(1 + exp(−x)); indices count from 1.",
}

_CHINESE: dict[str, str] = {
    "gradient": "关于 {wrt} 的梯度",
    "hessian": "关于 {wrt} 的海森矩阵",
    "jacobian": "关于 {wrt} 的雅可比矩阵",
    "differential": "关于 {wrt} 的微分",
    "chain": "推导",
    "let": "设",
    "where": "其中",
    "and": "与",
    "given": "条件为",
    "result": "结果",
    "by": "依据",
    "steps": "第 {number} 步的细节",
    "step": "步骤",
    "left": "左边",
    "right": "右边",
    "rule": "法则",
    "rules": "所用法则",
    "colon": "：",
    "comma": "、",
    "semicolon": "；",
    "brackets": "（{text}）",
    "stop": "。",
    "verdict": "判定",
    "claim": "命题",
    "objective": "目标函数",
    "minimise": "对 {wrt} 求最小：",
    "program": "生成的程序",
    "training": "训练",
    "data": "数据",
    "method": "方法",
    "iterations": "迭代次数",
    "loss": "损失",
    "gradient_size": "梯度最大分量",
    "seconds": "秒",
    "difference": "参数最大偏差",
    "reference": "（基准）",
    "curve": "损失随迭代的变化",
    "cross_check": "有限差分核对",
    "reason": "理由",
    "hint": "提示",
    "counterexample": "反例",
    "evidence": "证据",
    "proof": "证明",
    "conditions": "条件",
    "end_to_end": "整体判定",
    "is": "{name} 为 {shape}",
    "verdicts": "共 {count} 个判定：{counts}",
    "counted": "{status} {count} 个",
    "written": "已写入",
    "legend": "判定的含义",
    "notation": "记号",
    "proved": "已证明",
    "certified": "已核证",
    "checked": "已检验",
    "undecided": "未决",
    "refuted": "已否定",
    "means_proved": "对任意维数与定义域中的每一点成立；证明可以重放",
    "means_certified": "有界定义域已被严格地全部覆盖",
    "means_checked": "在若干维数的精确随机点上，两边在球算术中一致，且未搜索到反例：是证据而非证明",
    "means_undecided": "以上皆非；附有理由",
    "means_refuted": "定义域中存在一个精确的点使两边不等",
    "notation_text": "一维数组为列向量，函数逐元素作用；⊙ 与 ⊘ 为逐元素的积与商，𝟏 为全一列向量，"
    "σ(x) = 1/(1 + exp(−x))；下标从 1 开始。",
}

LANGUAGES = {"en": _ENGLISH, "zh": _CHINESE}
"""The labels by language; every language has every label."""


def words(lang: str) -> dict[str, str]:
    """The labels of a language; an unknown one raises.

    >>> words("en")["rule"], words("zh")["rule"]
    ('Rule', '法则')
    """
    try:
        return LANGUAGES[lang]
    except KeyError:
        raise UnknownNameError(f"no labels in the language {lang!r}; there are {', '.join(LANGUAGES)}") from None
