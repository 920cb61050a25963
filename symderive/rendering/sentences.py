"""What verdicts say, in Chinese: the sentences of the judge, the checker and the provers as rows.

The floors below speak English, in sentences with formulas in them.  A row has such a
sentence, with ``{}`` where something varies, and the same in Chinese; what stands in
the places is translated in turn, and formulas and names stay as they are.  A sentence
without a row stays English, which a test over the sources does not allow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from symderive.calculus.integrals import LAWS as INTEGRALS
from symderive.calculus.openings import DERIVATIVE
from symderive.calculus.series import LAWS as SERIES
from symderive.calculus.series import LAWS_OF_POLES, OTHER_WAYS
from symderive.calculus.substitutions import SUBSTITUTIONS
from symderive.derivation.proofs import Instance, Line, lemma
from symderive.derivation.proofs import text as node_text
from symderive.derivation.rules import is_rule, rule
from symderive.judgement.verdicts import Counterexample, CrossCheck, Evidence, step_text
from symderive.language.nodes import Node
from symderive.rendering.words import words

__all__ = ["SENTENCES", "counterexample_text", "cross_check_text", "evidence_text", "proof_text", "say"]

SENTENCES: dict[str, str] = {
    # statuses and small parts
    "proved": "已证明",
    "certified": "已核证",
    "checked": "已检验",
    "undecided": "未决",
    "refuted": "已否定",
    "holds": "成立",
    "is defined": "有定义",
    "{} is defined": "{0} 有定义",
    "{}, where {}": "{0}，其中 {1}",
    "{} and {}": "{0} 且 {1}",
    "{}: {}": "{0}：{1}",
    "the left side": "左边",
    "the right side": "右边",
    "the claim": "所给结果",
    "the gradient": "梯度",
    "the hessian": "海森矩阵",
    "the jacobian": "雅可比矩阵",
    "the result": "结果",
    "gradient": "梯度",
    "hessian": "海森矩阵",
    "jacobian": "雅可比矩阵",
    "differential": "微分",
    "(nothing to choose)": "（无可选取）",
    "-1e308 or less": "不超过 -1e308",
    "more than 1e308": "大于 1e308",
    # the judge
    # integrals, series and derivatives in ball arithmetic
    "equal normal forms in each of {} residue classes": "在全部 {0} 个剩余类中范式都相同",
    "both sides are equal there": "两边在该处相等",
    "the two sides seem to meet near {} = {}, which a strict relation excludes, and no exact point shows it":
        "两边似乎在 {0} = {1} 附近相接，而严格关系不容相接，且没有精确的点显示它",
    "its tail": "它的余项",
    "no bound of an integral: {}": "积分没有界：{0}",
    "which end of an integral is larger": "积分的哪个端点较大",
    "an integral over a point where its function is undefined: {}": "积分越过被积函数无定义的点：{0}",
    "a sum whose ends move": "上下限会变动的和",
    "whether an end of a sum is an integer": "和的上下限是否为整数",
    "a sum over all integers whose parameters move": "参数会变动的对所有整数的和",
    "an integral that diverges": "发散的积分",
    "a series that diverges": "发散的级数",
    "it falls so late that it needs too many pieces": "它衰减太晚，需要的分段太多",
    "its derivative by a parameter": "它对参数的导数",
    "a sum whose upper end lies more than one below its lower end": "上限比下限小一以上的和",
    "a sum of {} terms": "{0} 项之和",
    "a sum between ends that are no integers": "上下限不是整数的和",
    "no bound of a series: {}": "级数没有界：{0}",
    "the term k = {} of a sum: {}": "和中 k = {0} 的项：{1}",
    "the term k = {} of a series: {}": "级数中 k = {0} 的项：{1}",
    "it converges too slowly": "它收敛太慢",
    "it needs too many pieces": "需要的分段太多",
    "the derivative where its function is undefined: {}": "函数无定义处的导数：{0}",
    "the function jumps there": "函数在该处跳跃",
    "its sides have different slopes there": "该处左右两侧斜率不同",
    "a derivative at a point beside which the function is undefined": "在两侧附近函数都无定义的点处求导",
    "a derivative where the function is infinitely steep": "在函数斜率无穷大处求导",
    "whether there is a derivative at {} is not known ({})": "在 {0} 处导数是否存在未知（{1}）",
    "an integrand that is defined nowhere": "处处无定义的被积函数",
    "a derivative at a kink: {}": "折点处的导数：{0}",
    "{} points agree": "{0} 点相符",
    "the claim is wrong at an exact point of its domain{}": "命题在其定义域的一个精确的点上不成立{0}",
    # gradients of programs
    "the shapes of the gradient fit only where {}": "仅当 {0} 时梯度的形状才相合",
    "the loss does not need that": "损失函数并不要求这一点",
    "read at {} only: {}": "仅在 {0} 处读入：{1}",
    "read at {}": "在 {0} 处读入",
    "gradient disagrees with central differences in {} of {} components{}":
        "梯度在 {1} 个分量中有 {0} 个与中心差分不符{2}",
    "{} gives different results for the same arguments: it draws fresh random numbers, so that there is no one "
    "gradient to compare with": "{0} 对相同的参数给出不同的结果：它每次抽取新的随机数，故没有唯一的梯度可供比较",
    "hand the random numbers over as data (a mask, a noise array), or a np.random.Generator: every call then gets "
    "a copy that begins anew":
        "请把随机数作为数据传入（掩码、噪声数组），或传入 随机数生成器：每次调用会得到一个从头开始的副本",
    "so do {} fresh points, seeds from {}": "另取 {0} 个新点亦然，种子自 {1} 起",
    "{}: a few choices of values of the kind given": "{0}：同类取值的若干选择",
    "the formula as it is read is right, but the code as it runs is not (integers, overflow, precision?)":
        "所读入的公式是对的，但实际运行的代码不对（整数、溢出或精度？）",
    "finite differences say nothing here: {}": "有限差分在此说明不了什么：{0}",
    "data of one length are taken to be the same samples": "长度相同的数据视为同一批样本",
    "the shape of {} is taken as given: {}": "{0} 的形状视为给定：{1}",
    "the loss depends on no parameter": "损失不依赖任何参数",
    "the loss is not finite": "损失不是有限值",
    "the steps contradict each other in {} entries": "在 {0} 个分量上各步长的结果相互矛盾",
    # hints
    "{} and {} are swapped in {}": "{2}中 {0} 与 {1} 互换了",
    "missing square: {} squared in {} would be right": "缺少平方：{1}中把 {0} 平方即正确",
    "{} in place of {} in {} would be right": "{2}中以 {0} 代替 {1} 即正确",
    "{} at each of {} exact points": "在 {1} 个精确点的每一处都{0}",
    "{} more were skipped ({})": "另有 {0} 点跳过（{1}）",
    "{} more could not be decided ({})": "另有 {0} 点未能判定（{1}）",
    "holds in every one of the {} cases of the domain": "在定义域的全部 {0} 种情形下成立",
    "holds on the whole domain: {} boxes, {} to {} wide, {} of them by slopes where the sides touch, {} bits":
        "在整个定义域上成立：{0} 个盒子，宽 {1} 到 {2}，其中 {3} 个在两边相接处由斜率判定，{4} 位",
    "the domain of {} is empty, so the claim says nothing": "{0} 的定义域为空，故命题无所断言",
    "none of {} drawn points satisfied what is given, so nothing was judged":
        "抽取的 {0} 个点均不满足所给条件，故未作判定",
    "no point of the declared domains was found": "在所声明的定义域中未找到点",
    "a side is undefined, and of the other it is not known, at {} ({})": (
        "在 {0} 处一边无定义，另一边是否有定义未知（{1}）"
    ),
    "a side is undefined, and of the other it is not known,": "一边无定义，另一边是否有定义未知，",
    "a side is undefined where {} changes its sign, near {}": "在 {1} 附近 {0} 变号之处，一边无定义",
    "both sides are undefined at {}": "两边在 {0} 处都无定义",
    "both sides are undefined at {} ({})": "两边在 {0} 处都无定义（{1}）",
    "the two sides could not be told apart, which a strict relation needs, at {}":
        "在 {0} 处无法区分两边，而严格不等需要区分",
    "{} other points agree": "另有 {0} 点相符",
    "for instance at {}: {}": "例如在 {0} 处：{1}",
    "every point had to be skipped ({})": "所有点（{0} 个）都须跳过",
    "no point could be decided": "没有一点能够判定",
    "{} of {} points could not be decided": "{1} 点中有 {0} 点未能判定",
    "no point with {} {} was met": "未遇到满足 {0} {1} 的点",
    "the claim is about differentials, but nothing is said to change": "命题涉及微分，但未指明什么在变化",
    "what is differentiated is undefined: {}": "被微分的量无定义：{0}",
    "no sizes of the dimensions make every dimension positive and every index exist":
        "没有一组维数能使每个维数为正且每个下标存在",
    "the claim is wrong at an exact point of its domain": "命题在其定义域的一个精确点上不成立",
    "the {} side is undefined at a point of the domain: {}": "在定义域的一点上{0}边无定义：{1}",
    "left": "左",
    "right": "右",
    "undefined ({})": "无定义（{0}）",
    "the two sides are too close to tell apart": "两边太接近，无法区分",
    "the value is out of range": "数值超出范围",
    "power series of balls": "球幂级数",
    "ball arithmetic": "球算术",
    "every case in exact or ball arithmetic": "逐一精确计算或球算术",
    "a cover by boxes in ball arithmetic, and points on it": "以球算术用盒子覆盖，并检验其上的点",
    "{}: {} points{}, seed {}": "{0}：{1} 个点{2}，种子 {3}",
    ", {} bits": "，{0} 位",
    ", {} bits, sizes {}": "，{0} 位，维数 {1}",
    ", sizes {}": "，维数 {0}",
    "{}, {} skipped": "{0}，{1} 点跳过",
    "{}, {} unresolved": "{0}，{1} 点未决",
    "{}, {} draws outside the assumptions": "{0}，{1} 次抽取不满足假设",
    "{}, {} evaluations of a search for a violation": "{0}，为寻找反例求值 {1} 次",
    "{}: equal there": "{0}：在该处相等",
    "log at a point that may be 0": "在可能为 0 的点取对数",
    "log of a negative number": "负数的对数",
    "a power of a number that may be 0": "可能为 0 的数的幂",
    "a fractional power of a negative number": "负数的分数次幂",
    "the sign inside an absolute value": "绝对值内的符号",
    "which of two numbers is larger": "两数中哪个较大",
    "the side of a step": "阶跃的哪一侧",
    "the condition of a case distinction": "分段函数的条件",
    "which of two numbers is less": "两数中哪个较小",
    "whether two numbers are equal": "两数是否相等",
    "{} is not a real number": "{0} 不是实数",
    "a multiple of log 0 that changes": "log 0 的倍数在变化",
    "whether the factor of log 0 is 0": "log 0 的因子是否为 0",
    "division by a number that may be 0": "除以可能为 0 的数",
    "division at 0": "在 0 处作除法",
    "division by 0": "除以 0",
    "a root or a logarithm of a negative number": "负数的根或对数",
    "the first power of a series": "级数的首项幂次",
    "a high power of a logarithm at 0": "0 处对数的高次幂",
    "a power at 0": "在 0 处取幂",
    "0 to a power that may be 0": "0 的可能为 0 的次幂",
    "0 to a negative power": "0 的负次幂",
    "a power of 0 whose exponent changes": "0 的幂而指数在变化",
    "x log y at x = 0, where y is not positive": "在 x = 0 处的 x log y，而 y 不为正",
    "{} entries are at a kink": "{0} 个分量处在折点上",
    "{} entries could not be estimated": "{0} 个分量无法估计",
    "direction {}": "方向 {0}",
    "two entries are the largest": "有两个最大元素",
    "which entry is the largest": "哪个元素最大",
    "the Cholesky factor": "楚列斯基因子",
    "the eigenvalues": "特征值",
    "the eigenvectors": "特征向量",
    "the determinant of a matrix of size {} that may be singular": "{0} 阶且可能奇异的矩阵的行列式",
    "the sign of a determinant that may be 0": "可能为 0 的行列式的符号",
    "the sign of a determinant that is 0": "为 0 的行列式的符号",
    "the logarithm of a determinant that may be 0": "可能为 0 的行列式的对数",
    "the eigenvalues at this precision": "在此精度下的特征值",
    "the order of two eigenvalues": "两个特征值的次序",
    "the sign of an eigenvector at this precision": "在此精度下特征向量的符号",
    "the eigenvector at this precision": "在此精度下的特征向量",
    "whether a singular value is 0": "某个奇异值是否为 0",
    "whether a matrix is singular": "矩阵是否奇异",
    "the singular vectors of a singular value that is 0": "为 0 的奇异值的奇异向量",
    "a singular value that is 0": "为 0 的奇异值",
    "the inverse of a singular matrix": "奇异矩阵的逆",
    "{} of a matrix that is not symmetric": "非对称矩阵的{0}",
    "whether a matrix is positive definite": "矩阵是否正定",
    "the Cholesky factor of a matrix that is not positive definite": "非正定矩阵的楚列斯基因子",
    "a number that is not positive": "非正的数",
    "a negative number": "负数",
    "whether a function is taken of {}": "函数的自变量是否为{0}",
    "a function of {}": "自变量为{0}的函数",
    "log at 0": "在 0 处的对数",
    "log of 0": "0 的对数",
    "power series of balls along tangents": "沿切线的球幂级数",
    "{} along the tangents of {}": "沿 {1} 的切线，{0}",
    "a polygamma function": "多伽玛函数",
    "the inverse of erf": "erf 的反函数",
    "a normal quantile": "正态分位数",
    "the sign inside a cube root": "立方根内的符号",
    "whether {} is at a pole": "{0}是否在极点处",
    "{} at a pole": "{0}在极点处",
    "whether P(a, x) is defined": "P(a, x) 是否有定义",
    "P(a, x) outside of a > 0, x >= 0": "P(a, x) 在 a > 0、x >= 0 之外",
    "on which side of the negative half-line a point is": "点在负半轴的哪一侧",
    "an angle on the negative half-line": "负半轴上的辐角",
    "the sign inside a Box-Cox transform": "Box-Cox 变换内的符号",
    "the Box-Cox transform of a number that is not positive": "非正数的 Box-Cox 变换",
    "whether λ is 0 in an inverse Box-Cox transform": "逆 Box-Cox 变换中 λ 是否为 0",
    "the sign inside an inverse Box-Cox transform": "逆 Box-Cox 变换内的符号",
    "the inverse Box-Cox transform outside of its domain": "逆 Box-Cox 变换在其定义域之外",
    "on which side of an integer a number is": "数在整数的哪一侧",
    "the sign of a number to be truncated": "被截断的数的符号",
    "whether {} is inside its domain": "{0}是否在其定义域内",
    "{} outside of its domain": "{0}在其定义域之外",
    "{} at the end of its domain": "{0}在其定义域的端点",
    "floor at an integer": "整数处的向下取整",
    # equalities and inequalities
    "both sides have the same normal form, for every dimension": "对任意维数，两边的标准形相同",
    "derived from the lemmas cited, for every dimension": "由所引引理得出，对任意维数成立",
    "no proof: {}": "未得证明：{0}",
    "no proof that both sides are defined: {}": "未能证明两边都有定义：{0}",
    "the shapes {} and {} differ": "形状 {0} 与 {1} 不同",
    "the normal forms differ": "标准形不同",
    "equal normal forms": "标准形相同",
    "equal in value, but one side is defined where the other is not": "取值相等，但一边在另一边无定义处有定义",
    "{} with equality if and only if {}": "{0}，当且仅当 {1} 时取等号",
    "the inequality itself: {}": "不等式本身：{0}",
    "equality where {}: {}": "在 {0} 处取等号：{1}",
    "the trace of the inequality does not force {}": "不等式的证明推不出 {0}",
    "each summand that is dropped is >= 0 and is 0 only in the equality case of its lemma":
        "每个略去的项都 >= 0，且仅在其引理取等号时为 0",
    "{} is declared {}": "已声明 {0} 为 {1}",
    "given: {}": "已知：{0}",
    "dimensions are at least 1": "维数至少为 1",
    "the weights {} sum to 1": "权重 {0} 之和为 1",
    "the diagonal of {} is > 0": "{0} 的对角元 > 0",
    "the diagonal of {} is >= 0": "{0} 的对角元 >= 0",
    "an even power is >= 0": "偶次幂 >= 0",
    "a mask is 0 or 1": "示性函数取 0 或 1",
    "softmax entries are in (0, 1]": "softmax 的元素在 (0, 1] 内",
    "log-softmax entries are <= 0": "log-softmax 的元素 <= 0",
    "the matrix": "该矩阵",
    "{} is positive definite": "{0} 正定",
    "{} is invertible": "{0} 可逆",
    "singular values are >= 0": "奇异值 >= 0",
    "entries of unit vectors are in [-1, 1]": "单位向量的元素在 [-1, 1] 内",
    "a sign is -1, 0 or 1": "符号取 -1、0 或 1",
    # chains
    "no cited rule differentiates; cite the chain rule or another": "所引法则都不求导；请引用链式法则等",
    "reached by {}": "由 {0} 得出",
    "{} alone does not lead from the line before to this one": "仅凭 {0} 不能由上一行得出本行",
    "the cited rules lead to {}": "所引法则得出 {0}",
    # claims
    "no proof in {} seconds": "{0} 秒内未能证明",
    "judged at points, all entries, by power series": "改在若干点上用幂级数判断所有分量",
    "entries are taken to be within {}: {} in the code stands for what they never reach": (
        "假定各分量的绝对值不超过 {0}：代码中的 {1} 代表它们永远达不到的值"
    ),
    "the shapes differ": "形状不同",
    "stopped after {} seconds": "{0} 秒后中止",
    "stopped: it needs more memory than there is": "中止：所需内存超过现有内存",
    "stopped: it needs more than {} MB of memory": "中止：所需内存超过 {0} 兆字节",
    "stopped: it is nested too deeply": "中止：嵌套过深",
    "(a formula of {} parts)": "（含 {0} 个部分的公式）",
    "by {} with {}": "依据 {0}，取 {1}",
    "provided that {}": "条件为 {0}",
    "stopped: its worker ended": "中止：其工作进程已终止",
    "stopped: its worker ended with {}, as it does where more than {} MB of memory are needed":
        "中止：其工作进程以 {0} 终止，所需内存超过 {1} 兆字节时即如此",
    "even at the smallest sizes that were tried the arrays have too many entries":
        "即便在所试的最小维数下，数组的分量也过多",
    "it has the normal form of the derived {}, whose every line is proved":
        "它与推导所得的{0}标准形相同，而推导的每一行都已证明",
    "equal to the derived {}, which is {}: {}": "等于推导所得的{0}，后者{1}：{2}",
    "equal to the derived {}, which is {}": "等于推导所得的{0}，后者{1}",
    "the claim is not defined: {}": "所给结果无定义：{0}",
    "the claim has shape {}, the {} has {}": "所给结果的形状为 {0}，而{1}的形状为 {2}",
    "undefined (the shapes do not fit)": "无定义（形状不相容）",
    "shape {}": "形状 {0}",
    "{} itself is {}": "{0} 本身{1}",
    "{} if and only if {}": "{0} 当且仅当 {1}",
    "{} where {}": "在 {1} 处有 {0}",
    "{} where {}: {}": "在 {1} 处有 {0}：{2}",
    "the difference of the sides is {} times that of {}, and {} is not 0":
        "两边之差是 {1} 之差的 {0} 倍，而 {2} 不为 0",
    "there is a point with {}": "存在一点满足 {0}",
    "{} in some entry": "某个分量的 {0}",
    "in some entry": "（某个分量）",
    "witness: {}": "见证：{0}",
    "left side{}: {}": "左边{0}：{1}",
    "right side{}: {}": "右边{0}：{1}",
    "in entry {}": "的分量 {0}",
    "at {} the left side{} is {}, the right side {}": "在 {0} 处，左边{1}为 {2}，右边为 {3}",
    "the opposite is proved: {}": "已证明其反面：{0}",
    "{} and {} have the same minimisers over {}": "{0} 与 {1} 关于 {2} 有相同的极小点",
    "their difference is {}, which does not depend on {} ({})": "两者之差为 {0}，不依赖于 {1}（{2}）",
    "their difference does not depend on {} ({})": "两者之差不依赖于 {0}（{1}）",
    "the change of the first is {} times the change of the second, whatever {} is ({})":
        "无论 {1} 取何值，前者的变化都是后者的 {0} 倍（{2}）",
    "their difference is {}, which does not depend on {}": "两者之差为 {0}，不依赖于 {1}",
    "their difference does not depend on {}": "两者之差不依赖于 {0}",
    "the change of the first is {} times the change of the second, whatever {} is":
        "无论 {1} 取何值，前者的变化都是后者的 {0} 倍",
    "their difference depends on {}, which does not settle where the minima are{}":
        "两者之差依赖于 {0}，不足以判定极小点的位置{1}",
    "(the change of the first is {}, of the second {})": "（前者的变化为 {0}，后者为 {1}）",
    "{} is positive semidefinite": "{0} 半正定",
    "it is not symmetric: {}": "它不对称：{0}",
    "vᵀMv >= 0 for every v, and M is symmetric": "对任意 v 有 vᵀMv >= 0，且 M 对称",
    "{} is a stationary point of {}": "{0} 是 {1} 的驻点",
    "{} subject to {}": "{0}，约束为 {1}",
    "the gradient there is 0": "该处梯度为 0",
    "the gradient there is {} times the constraint's (the Lagrange multiplier)":
        "该处梯度是约束梯度的 {0} 倍（拉格朗日乘子）",
    "no multiplier was found: {}": "未找到乘子：{0}",
    "that there is a derivative at {} was not seen: {}": "未能看出在 {0} 处可导：{1}",
    "{} has a derivative at {}": "{0} 在 {1} 处可导",
    "{} lies in the domain of {} ({})": "{0} 在 {1} 的定义域（{2}）内",
    "membership of {} is not decided here": "此处不判定是否属于 {0}",
    "the domain is everything": "定义域为全空间",
    "{} is convex in {}": "{0} 关于 {1} 是凸的",
    "it is not defined everywhere: {}": "它并非处处有定义：{0}",
    "no proof by second derivatives: {}": "未能由二阶导数证明：{0}",
    ", inside the domain": "（在定义域内部）",
    "up to its edge the function is continuous": "函数直到边界都连续",
    "its second derivative was not shown to be >= 0": "未能证明其二阶导数 >= 0",
    "that it is defined needs {}": "要有定义，需要 {0}",
    "more than could be shown": "多于所能证明的条件",
    "it lies below its chords": "它低于各弦",
    "{} has a kink": "{0} 有折点",
    "a case distinction depends on what changes": "分段的条件依赖于变化的量",
    "{} has no derivative where {} is 0, which may happen": "{0} 在 {1} 为 0 处不可导，而这可能发生",
    "a claim of kind {}": "{0} 类命题",
    "{} is concave in {}": "{0} 关于 {1} 是凹的",
    "{} is strictly convex in {}": "{0} 关于 {1} 是严格凸的",
    "{} is strongly convex in {}": "{0} 关于 {1} 是强凸的",
    "{} with modulus {}": "{0}，模为 {1}",
    "{} is convex": "{0} 是凸的",
    "{} is convex: {}": "{0} 是凸的：{1}",
    "{} is concave: {}": "{0} 是凹的：{1}",
    "{} is constant: {}": "{0} 是常数：{1}",
    "{} is affine: {}": "{0} 是仿射的：{1}",
    "{} is concave": "{0} 是凹的",
    "{} is convex and {}": "{0} 是凸的且{1}",
    "{} is concave and {}": "{0} 是凹的且{1}",
    "{} is convex where its argument is {}": "{0} 在自变量 {1} 处是凸的",
    "{} is concave where its argument is {}": "{0} 在自变量 {1} 处是凹的",
    "increasing": "递增",
    "decreasing": "递减",
    "increasing where its argument is {}": "在自变量 {0} 处递增",
    "decreasing where its argument is {}": "在自变量 {0} 处递减",
    "{} is convex and even": "{0} 是凸的偶函数",
    "it is convex": "它是凸的",
    "it is affine": "它是仿射的",
    "it is constant": "它是常数",
    "it is {}": "它是{0}的",
    "convex": "凸",
    "concave": "凹",
    "affine": "仿射",
    "constant": "常数",
    "the second derivative along a direction is positive at an exact point of the domain":
        "在定义域的一个精确点上，沿某方向的二阶导数为正",
    "the second derivative along a direction is negative at an exact point of the domain":
        "在定义域的一个精确点上，沿某方向的二阶导数为负",
    "the left side is the second derivative of the negative": "左边是其相反数的二阶导数",
    "by composition: {}": "由复合法则：{0}",
    "nor by composition": "也未能由复合法则得出",
    "of its negative": "其相反数的",
    "the second derivative {}along any direction {} is {}, which is >= 0{}":
        "沿任意方向 {1}，{0}二阶导数为 {2}，它 >= 0{3}",
    "a sum of convex functions: {}": "凸函数之和：{0}",
    "{} is convex ({})": "{0} 是凸的（{1}）",
    "halfway between two points of the domain {} lies above the chord": "在定义域两点的中点处，{0}高于弦",
    "it": "它",
    "its negative": "其相反数",
    "halfway between two different points it is not below the chord{}": "在两个不同点的中点处，它不低于弦以下{0}",
    "where {} == 0": "（其中 {0} == 0）",
    "it does not depend on {}{}": "它不依赖于 {0}{1}",
    "the same at every point": "在每一点都相同",
    "its second derivative along {} does not depend on the point and is not > 0 here, "
    "so that it is affine along that direction":
        "它沿 {0} 的二阶导数不依赖于点，且在此不 > 0，故沿该方向是仿射的",
    "along the direction (1, ..., 1) its second derivative is 0 everywhere, so that it is affine there":
        "沿方向 (1, ..., 1) 其二阶导数处处为 0，故沿该方向是仿射的",
    "the mean of the values at the two points": "两点处取值的平均",
    "halfway between them": "在两点的中点处",
    "it is convex ({}), and no segment on which it is affine was found": "它是凸的（{0}），且未找到使它仿射的线段",
    "no proof that its second derivative is > 0": "未能证明其二阶导数 > 0",
    "the modulus is m = {}": "模为 m = {0}",
    "the modulus is m = {}, the smallest eigenvalue of its Hessian": "模为 m = {0}，即其海森矩阵的最小特征值",
    "its Hessian {} is constant and positive definite": "其海森矩阵 {0} 为常数且正定",
    "no modulus was found: {}": "未找到模：{0}",
    "no modulus m > 0 was found, and no direction without curvature": "未找到模 m > 0，也未找到无曲率的方向",
    "the second derivative is not > 0 along the direction {} at an exact point, so that no m > 0 is below it":
        "在一个精确点上沿方向 {0} 的二阶导数不 > 0，故没有 m > 0 在其下",
    "∂²f/∂{}² = {} is 0 at isolated points only": "∂²f/∂{0}² = {1} 仅在孤立点为 0",
    "its Hessian is positive definite": "其海森矩阵正定",
    "the leading minors of its Hessian are > 0: {}": "其海森矩阵的顺序主子式 > 0：{0}",
    "its second derivative is at least {}, which is > 0 for every direction but 0":
        "其二阶导数至少为 {0}，它对任意非零方向 > 0",
    "sum of squares: {} is {}{}": "平方和：{0} 等于 {1}{2}",
    "times what is >= 0": "乘以 >= 0 的量",
    "{} is >= 0 by the signs of its factors": "由各因子的符号知 {0} >= 0",
    "a sum with weights of these signs": "带这些符号权重的和",
    "a sum with weights of one sign": "权重同号的和",
    "a product of powers with exponents >= 0 of sum at most 1 (a weighted geometric mean)":
        "指数 >= 0 且和不超过 1 的幂之积（加权几何平均）",
    "a product of negative powers of what is positive": "正的量的负次幂之积",
    "one power over others whose exponents leave at least 1 (as u**2/v)":
        "一个幂除以其他幂，指数之和至少为 1（如 u**2/v）",
    "an even power is convex": "偶次幂是凸的",
    "a power above 1 of what is >= 0 is convex": "非负量的大于 1 次的幂是凸的",
    "a power between 0 and 1 is concave": "0 与 1 之间次的幂是凹的",
    "a negative power of what is > 0 is convex": "正量的负次幂是凸的",
    "the length of an affine vector": "仿射向量的长度",
    "a power 1": "一次幂",
    "a power with an affine exponent is convex": "指数为仿射的幂是凸的",
    "a choice that does not move": "不变动的选择",
    "log-sum-exp is convex and increasing": "log-sum-exp 是凸的且递增",
    "a maximum is convex and increasing": "最大值是凸的且递增",
    "a minimum is concave and increasing": "最小值是凹的且递增",
    "the log-determinant is concave on positive definite matrices": "行列式的对数在正定矩阵上是凹的",
    "the sum of the singular values of an affine matrix is convex": "仿射矩阵的奇异值之和是凸的",
    "the largest singular value of an affine matrix is convex": "仿射矩阵的最大奇异值是凸的",
    "the smallest eigenvalue of an affine symmetric matrix is concave": "仿射对称矩阵的最小特征值是凹的",
    "the largest eigenvalue of an affine symmetric matrix is convex": "仿射对称矩阵的最大特征值是凸的",
    "no witness was found{}": "未找到见证{0}",
    # critical points, multipliers, Lipschitz constants
    "no": "0",
    "minimum": "极小点",
    "maximum": "极大点",
    "saddle": "鞍点",
    "strict minimum": "严格极小点",
    "strict maximum": "严格极大点",
    "global minimum": "全局极小点",
    "global maximum": "全局极大点",
    "global strict minimum": "全局严格极小点",
    "global strict maximum": "全局严格极大点",
    "degenerate": "退化点",
    "degenerate point": "退化点",
    "isolated": "孤立点",
    "a positive": "正的",
    "a negative": "负的",
    "positive": "正",
    "nonnegative": "非负",
    "negative": "负",
    "largest": "最大",
    "smallest": "最小",
    "{} is a {} of {}": "{0} 是 {2} 的{1}",
    "{}, value {}": "{0}，值为 {1}",
    "every point with {} is a {} of {}": "满足 {0} 的每一点都是 {2} 的{1}",
    "all points with {}: {}": "满足 {0} 的所有点：{1}",
    "critical points of {}: {}": "{0} 的临界点：{1}",
    "{} has no other critical points by {}": "{0} 关于 {1} 没有其他临界点",
    "stationary points of {} subject to {}: {}": "{0} 在约束 {1} 下的驻点：{2}",
    "there are no other stationary points of {}": "{0} 没有其他驻点",
    "∇f = 0 was solved exactly over the reals, and every solution was put back into it":
        "∇f = 0 已在实数上精确求解，并把每个解代回验证",
    "∇f = Σ λ ∇g, g = 0 was solved exactly over the reals, and every solution was put back into it":
        "∇f = Σ λ ∇g、g = 0 已在实数上精确求解，并把每个解代回验证",
    "∇f = 0 at {}, exactly": "在 {0} 处精确地有 ∇f = 0",
    "∇f = 0 where {}, exactly": "在 {0} 上精确地有 ∇f = 0",
    "∇f = Σ λ ∇g and g = 0 at {} with {}": "在 {0} 处 ∇f = Σ λ ∇g 且 g = 0，其中 {1}",
    "the Hessian has {} positive, {} negative and {} zero eigenvalues":
        "海森矩阵有 {0} 个正、{1} 个负、{2} 个零特征值",
    "the Hessian has {} positive, {} negative and {} zero eigenvalue":
        "海森矩阵有 {0} 个正、{1} 个负、{2} 个零特征值",
    "with {} from the constraint the second-order form of the Lagrangian has {} positive, {} negative and {} "
    "zero eigenvalues":
        "由约束解出 {0} 后，拉格朗日函数的二阶形式有 {1} 个正、{2} 个负、{3} 个零特征值",
    "with {} from the constraints the second-order form of the Lagrangian has {} positive, {} negative and {} "
    "zero eigenvalues":
        "由各约束解出 {0} 后，拉格朗日函数的二阶形式有 {1} 个正、{2} 个负、{3} 个零特征值",
    "near the point it is {} function times squares": "在该点附近它是{0}函数与平方之积",
    "near the point it has the sign of {}, up to squares": "在该点附近，除平方因子外，它与 {0} 同号",
    "the linear part is not 0": "线性部分不为 0",
    "along {} it is {}": "沿 {0} 它是 {1}",
    "where its derivative by {} is 0, that is {}, it is {}": "在其关于 {0} 的导数为 0 处，即 {1}，它是 {2}",
    "its lowest form {} has odd degree": "其最低次齐次式 {0} 的次数为奇数",
    "its lowest form {} takes both signs": "其最低次齐次式 {0} 取两种符号",
    "its lowest form {} is {} in every direction": "其最低次齐次式 {0} 在每个方向上为{1}",
    "its lowest form {} vanishes in some direction": "其最低次齐次式 {0} 在某个方向上为零",
    "it is a sum of even powers with {} coefficients": "它是系数为{0}的偶次幂之和",
    "with {}, divided by {}:": "令 {0}，除以 {1}：",
    "across the family {} eigenvalues are not 0": "横截该族有 {0} 个特征值不为 0",
    "across the family {} eigenvalue is not 0": "横截该族有 {0} 个特征值不为 0",
    "and they have both signs": "且它们取两种符号",
    "the value is {}, and f - {} is {} times what is not 0 on the family":
        "其值为 {0}，且 f - {1} 等于 {2} 乘以在该族上不为 0 的量",
    "the value is {}, and f - {} has even powers only where it changes: no point is lower":
        "其值为 {0}，且 f - {1} 变化之处只有偶次幂：没有更低的点",
    "the value is {}, and f - {} has even powers only where it changes: no point is higher":
        "其值为 {0}，且 f - {1} 变化之处只有偶次幂：没有更高的点",
    "the value is {}, and everywhere {}, which is proved from lemmas": "其值为 {0}，且处处 {1}，由引理证明",
    "the function is constant, so that every point is a minimum and a maximum":
        "函数为常数，故每一点既是极小点又是极大点",
    "it is a {}: {}": "它是{0}：{1}",
    "the gradient there is not 0": "该处梯度不为 0",
    "f is convex and the constraints are affine": "f 是凸的，且各约束是仿射的",
    "f is concave and the constraints are affine": "f 是凹的，且各约束是仿射的",
    "f is convex and the constraint is affine": "f 是凸的，且约束是仿射的",
    "f is concave and the constraint is affine": "f 是凹的，且约束是仿射的",
    "f is strictly convex or concave and the constraint affine, so that there is one at most":
        "f 是严格凸的或严格凹的，且约束是仿射的，故至多有一个",
    "the constraint set is closed and bounded ({}), and this has the {} value there":
        "约束集有界且闭（{0}），而此处的值是其中{1}的",
    "{} has a definite leading form": "{0} 的首项形式是定的",
    "no closed form of the solution was found": "未找到解的闭式",
    "the gradient of {} by {} has the Lipschitz constant {}": "{0} 关于 {1} 的梯度有利普希茨常数 {2}",
    "the gradient of {} by {} has a Lipschitz constant": "{0} 关于 {1} 的梯度有利普希茨常数",
    "{} has a gradient with constant {}: {}": "{0} 的梯度有常数 {1}：{2}",
    "{} is a constant, and {}": "{0} 是一个这样的常数，且 {1}",
    "the second derivative along {} is larger than {} allows": "沿 {0} 的二阶导数大于 {1} 所允许的",
    "it was neither shown nor refuted{}": "既未证明也未否定{0}",
    "{} == {} is a {} of {}": "{0} == {1} 是 {3} 的{2}",
    "it is stationary, and f is {}, so that it is a global {}": "它是驻点，且 f 是{0}的，故为全局{1}",
    "it is stationary, but {} was not proved: {}": "它是驻点，但未能证明 {0}：{1}",
    "it is stationary; saddles are decided for scalar variables": "它是驻点；鞍点只对标量变量判定",
    "it is stationary": "它是驻点",
    "saddles are decided for scalar variables": "鞍点只对标量变量判定",
    "Gram form: the sum of s * u**2 with {}": "格拉姆形式：s * u**2 之和，其中 {0}",
    "s = {} >= 0, u = {}": "s = {0} >= 0，u = {1}",
    "with s = {} >= 0, u = {}": "以及 s = {0} >= 0，u = {1}",
    # hints
    "wrong sign: {} is minus {}": "符号错误：{0}是{1}的相反数",
    "{} is {} times {}: off by the factor {}": "{0}是{2}的 {1} 倍：相差因子 {3}",
    "{} (missing the factor {})": "{0}（缺少因子 {1}）",
    "missing transpose: {} is {} transposed": "缺少转置：{0}是{1}的转置",
    "missing transpose: the claim is right transposed, (...).T": "缺少转置：所给结果转置 (...).T 后正确",
    "missing transpose: {} would be right": "缺少转置：应为 {0}",
    "missing transpose: {}": "缺少转置：{0}",
    "wrong mask: {} in place of {} would be right": "示性函数错误：应以 {0} 代替 {1}",
    "wrong sign: the term {} of {} has the wrong sign": "符号错误：{1}中的项 {0} 符号不对",
    "{} is missing the term {}": "{0}缺少项 {1}",
    "{} has the term {} too much": "{0}多出项 {1}",
    "{} occurs in {}, but not in {}": "{0} 出现在{1}中，却不在{2}中",
    "true with {} in place of {}": "以 {0} 代替 {1} 则成立",
    "the relation the other way round holds: {}": "反向的关系成立：{0}",
    "true if {}": "若 {0} 则成立",
    "wrong sign: every component is minus the finite difference": "符号错误：每个分量都是有限差分的相反数",
    "every component is off by the same factor {} (missing {}?)": "每个分量都相差同一因子 {0}（是否缺少 {1}？）",
    # gradients of plain functions
    "{} is the gradient of {} by {}": "{0} 是 {1} 关于 {2} 的梯度",
    "the code can only be run, not read: {}": "这段代码只能运行，不能读取：{0}",
    "{} is taken to be {}": "取 {0} 为 {1}",
    "derived: {}": "推导所得：{0}",
    "derived: {}      point: {}   seed {}": "推导所得：{0}      点：{1}   种子 {2}",
    "point: {}   seed {}": "点：{0}   种子 {1}",
    "gradient disagrees with central differences in {} of {} components": "梯度在 {1} 个分量中有 {0} 个与中心差分不符",
    "worst: {}  hand {}   finite difference {}   abs {}  rel {}":
        "最差：{0}  手写 {1}   有限差分 {2}   绝对误差 {3}  相对误差 {4}",
}  # fmt: skip
"""English sentences, with ``{}`` for what varies, and Chinese ones with ``{0}, {1}, ...`` for the same."""


@cache
def _rows() -> tuple[tuple[tuple[str, ...], str], ...]:
    """The rows with places, as the pieces between them; those that say most come first."""
    rows = sorted((row for row in SENTENCES if "{}" in row), key=lambda row: -len(row.replace("{}", "")))
    return tuple((tuple(row.split("{}")), SENTENCES[row]) for row in rows)


def _places(text: str, pieces: tuple[str, ...]) -> list[str] | None:
    """What stands between the pieces, each as short as it can be; None where the text is another sentence."""
    first, *middle, last = pieces
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return None
    end = len(text) - len(last)
    at = len(first)
    found: list[str] = []
    for piece in middle:
        next_at = text.find(piece, at, end)
        if next_at < 0:
            return None
        found.append(text[at:next_at])
        at = next_at + len(piece)
    return [*found, text[at:end]]


def say(text: str, lang: str) -> str:
    """A sentence of a verdict in a language; formulas, names and what has no row stay as they are.

    >>> say("holds at each of 27 exact points; 1 more were skipped (division by 0)", "zh")
    '在 27 个精确点的每一处都成立；另有 1 点跳过（除以 0）'
    """
    if words(lang) is words("en"):
        return text
    return "\n".join(_translated(line) for line in text.split("\n"))


def _translated(text: str) -> str:
    """Sentence by sentence, each by its row."""
    core = text.strip()
    if core in SENTENCES:
        return SENTENCES[core]
    parts = _sentences(core)
    if len(parts) > 1:
        return "；".join(map(_translated, parts))
    for pieces, chinese in _rows():
        found = _places(core, pieces)
        if found is not None:
            return chinese.format(*map(_translated, found))
    names = core.split(", ")
    return "、".join(rule(name).name("zh") for name in names) if all(map(is_rule, names)) else core


def _sentences(text: str) -> list[str]:
    """The text cut at its semicolons, those in brackets excepted."""
    parts: list[str] = []
    for part in text.split("; "):
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += f"; {part}"
        else:
            parts.append(part)
    return parts


# -- the parts of a verdict that are no sentences ----------------------------------------------------


def evidence_text(evidence: Evidence, lang: str) -> str:
    """What was looked at, on one line."""
    if words(lang) is words("en"):
        return str(evidence)
    parts = [f"{_translated(evidence.method)}：{evidence.points} 个点"]
    if evidence.bits is not None:
        parts.append(f"{evidence.bits} 位")
    sizes = [", ".join(f"{k}={v}" for k, v in size.items()) for size in evidence.sizes if size]
    if sizes:
        parts.append("维数 (" + ")、(".join(sizes) + ")")
    for count, what in (
        (evidence.skipped, "{} 点跳过"),
        (evidence.unresolved, "{} 点未决"),
        (evidence.outside, "{} 次抽取不满足假设"),
        (evidence.searched, "为寻找反例求值 {} 次"),
    ):
        if count:
            parts.append(what.format(count))
    if evidence.seed is not None:
        parts.append(f"种子 {evidence.seed}")
    return "；".join(("，".join(parts), *map(_translated, evidence.notes)))


def counterexample_text(example: Counterexample, lang: str) -> str:
    """The point that refutes and both sides there, on one line."""
    if words(lang) is words("en"):
        return "; ".join(str(example).splitlines())
    entry = f"的分量 [{', '.join(map(str, example.entry))}]" if example.entry else ""
    sides = f"左边{entry}：{_translated(example.lhs)}；右边{entry}：{_translated(example.rhs)}"
    note = f"；{_translated(example.note)}" if example.note else ""
    return f"在 {_translated(example.point)} 处；{sides}{note}"


def cross_check_text(check: CrossCheck, lang: str) -> str:
    """The comparison with finite differences, on one line."""
    if words(lang) is words("en"):
        return str(check)
    count = f"{check.checked} 个分量" + (f"与 {check.directions} 个随机方向" if check.directions else "")
    failing = "" if check.ok else f"，其中 {check.failing} 个"
    note = f"；{_translated(check.note)}" if check.note else ""
    return (
        f"梯度与有限差分{'相符' if check.ok else '不符'}（{count}{failing}）；最差 {_translated(check.worst)}："
        f"所给 {check.claimed:.10g}，有限差分 {check.estimated:.10g}，相对误差 {check.relative_error:.1e}，"
        f"绝对误差 {check.absolute_error:.1e}，步长 {check.step:.1e}，误差估计 {check.error_estimate:.1e}{note}"
    )


def proof_text(entry: Any, lang: str) -> str:
    """A line of a proof."""
    if words(lang) is words("en"):
        return step_text(entry)
    if isinstance(entry, Mapping):
        names = "；".join(rule(key).name(lang) for key in entry["rule"].split("; "))
        text = step_text({**entry, "rule": names})
        return "\n".join(" " * (len(line) - len(line.lstrip())) + _translated(line) for line in text.split("\n"))
    if not isinstance(entry, Line):
        return say(str(entry), lang)
    names = "；".join(_called(key, lang) for key in entry.rule.split("; "))
    lines = [f"{_formula(entry.before)} {entry.op} {_formula(entry.after)}    [{names}]"]
    lines += [f"    依据 {_instance(i, lang)}" for i in entry.instances]
    if entry.argument is not None:
        for line in entry.argument.lines(lambda key: _called(key, lang)):
            said = line.lstrip()
            said = re.sub(r" in (\S+) from ([^\]]+)\]$", r"，对 \1，自 \2]", said)
            lines.append(f"    {line[: len(line) - len(line.lstrip())]}{_translated(said)}")
    lines += [f"    条件为 {_translated(str(c))}" for c in entry.conditions]
    lines += [f"    {'；'.join(map(_translated, entry.facts))}"] if entry.facts else []
    return "\n".join(lines)


_WAYS = {
    "sum of parts": "分成若干部分之和",
    "product of parts": "分成若干因子之积",
    "value of a constant": "常数的值",
    "monotone": "单调性",
    "concave": "凹函数在两端非负",
    "cases": "分情形",
    "increasing function": "增函数",
    "wider domain": "在更大的定义域上",
    "parts of the domain": "在定义域的各部分上",
    "pieces of the domain": "在定义域的各端点与各段上",
    "residue classes": "按同余类",
}


_OPENINGS = {"integral": "积分", "series": "级数"}
_ROWS = (*INTEGRALS, *SERIES, *LAWS_OF_POLES)
_LAWS = {**SUBSTITUTIONS, **OTHER_WAYS, **{law.name: law.zh for law in _ROWS}}


def _called(key: str, lang: str) -> str:
    """What a way of arguing, an opening or a rule is called."""
    kind, by, names = key.partition(" by: ")
    if by:
        return f"{_OPENINGS[kind]}：{'、'.join(_LAWS[name] for name in names.split(', '))}"
    if key == DERIVATIVE:
        return "按求导法则"
    return _WAYS[key] if key in _WAYS else rule(key).name(lang)


def _formula(node: Node) -> str:
    return _translated(node_text(node))


def _instance(instance: Instance, lang: str) -> str:
    arguments = zip(lemma(instance.lemma).arguments, instance.arguments, strict=True)
    return (
        f"{rule(instance.lemma).name(lang)}，取 {'、'.join(f'{name} = {_formula(node)}' for name, node in arguments)}"
    )
