"""The rules as rows: what a line may cite, what it says in general, when and why it holds.

A row has a name, a general form, conditions in words, a reason of one line and a
source, in English and in Chinese.  Steps, proofs and chains cite rows by their
keys; what is printed about a rule is read off its row and stands nowhere else.

Three kinds of row are not written here but made from other tables, so that a new
function or lemma stays one row in one file: ``derivative of F`` and ``definition
of F`` from ``language.functions`` and ``language.array_functions``, and the
lemmas of ``derivation.proofs``.  A function whose plain name would not do in a
Chinese sentence has one in `CHINESE_NAMES`.

`BOOKS` has the books that the sources name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import final

from sympy import Integer

from symderive.derivation.proofs import LEMMAS
from symderive.errors import UnknownNameError
from symderive.language.array_functions import ARRAY_FUNCTIONS, change
from symderive.language.arrays import dimension_symbol
from symderive.language.domains import real
from symderive.language.functions import FUNCTIONS, Function, applied, meaning, partial
from symderive.language.nodes import Differential, Leaf, Node, Number, Opaque
from symderive.language.statements import Relation
from symderive.language.views.formula import (
    ADD,
    OPEN,
    POWER,
    Break,
    Formula,
    Part,
    Piece,
    bracket,
    formula_latex,
    kind_at,
)
from symderive.language.views.latex import name_latex, relation_formula, tree_formula
from symderive.language.views.lift import lift
from symderive.language.views.text import tree_text

LANGUAGES = ("en", "zh")


@final
@dataclass(frozen=True)
class Phrase:
    """The same words in each language."""

    en: str = ""
    zh: str = ""

    def say(self, lang: str) -> str:
        """The words in a language; an unknown one raises `UnknownNameError`."""
        if lang not in LANGUAGES:
            raise UnknownNameError(f"no rules in the language {lang!r}; there are {', '.join(LANGUAGES)}")
        return self.zh if lang == "zh" else self.en


@final
@dataclass(frozen=True)
class Form:
    """A general form, as text and as a formula; it has no words, so it is the same in every language."""

    text: str
    formula: Formula

    @property
    def latex(self) -> str:
        """The formula in LaTeX, on one line."""
        return formula_latex(self.formula)


@final
@dataclass(frozen=True)
class Rule:
    """A named rule.

    ``key`` is what steps and ``by=`` cite; ``form`` the general form; ``example`` is Python that
    derives something by this rule, over the arrays that `SETTING` declares.

    >>> row = rule("chain rule")
    >>> row.name("en"), row.name("zh"), row.form.text
    ('chain rule', '链式法则', "d f(u) = f'(u)·du")
    """

    key: str
    title: Phrase
    form: Form
    condition: Phrase
    why: Phrase
    source: str
    example: str = ""

    def name(self, lang: str = "en") -> str:
        """What the rule is called."""
        return self.title.say(lang)

    def conditions(self, lang: str = "en") -> str:
        """What must hold for the rule to apply, in words; empty if nothing must."""
        return self.condition.say(lang)

    def reason(self, lang: str = "en") -> str:
        """Why the rule holds, in one line."""
        return self.why.say(lang)

    def cite(self, lang: str = "en") -> str:
        """The source, by its authors and the place in it; `BOOKS` has the titles."""
        chapters = re.sub(r", ch\. ([0-9]+)", r"，第 \1 章", self.source)
        sections = re.sub(r", ([0-9.]+)", r"，\1 节", chapters)
        return Phrase(self.source, sections.replace(" & ", "、").replace(", ", "、").replace("; ", "；")).say(lang)


_BETWEEN = Piece(r",\; ", 0.6)


def _form(text: str, *latex: str) -> Form:
    """A form that is written by hand: a line may be broken between its formulas."""
    width = 0.52 * len(text) / len("".join(latex))
    return Form(text, _listed([Formula((Piece(tex, width * len(tex)),), ADD) for tex in latex]))


def _listed(formulas: Sequence[Formula]) -> Formula:
    """Formulas with commas between them."""
    parts: list[Part] = []
    for position, formula in enumerate(formulas):
        parts += [_BETWEEN, Break(), *formula.parts] if position else formula.parts
    return Formula(tuple(parts), ADD)


BOOKS = {
    "Apostol": "T. M. Apostol, Mathematical Analysis, 2nd ed., 1974",
    "Bishop": "C. M. Bishop, Pattern Recognition and Machine Learning, 2006",
    "Boyd & Vandenberghe": "S. Boyd and L. Vandenberghe, Convex Optimization, 2004",
    "Cover & Thomas": "T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2006",
    "DLMF": "NIST Digital Library of Mathematical Functions",
    "Geddes, Czapor & Labahn": "K. O. Geddes, S. R. Czapor and G. Labahn, Algorithms for Computer Algebra, 1992",
    "Giles": "M. B. Giles, Collected matrix derivative results for forward and reverse mode algorithmic "
    "differentiation, 2008",
    "Golub & Van Loan": "G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., 2013",
    "Hardy": "G. H. Hardy, A Course of Pure Mathematics, 10th ed., 1952",
    "Magnus & Neudecker": "J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 3rd ed., 2019",
    "Petersen & Pedersen": "K. B. Petersen and M. S. Pedersen, The Matrix Cookbook, 2012",
    "SciPy": "the documentation of SciPy's special functions",
}
"""The books that sources name, by their authors."""

SETTING = """\
n, d = sd.dims("n d")
x, y, w, X = sd.array("x", n), sd.array("y", n), sd.array("w", d), sd.array("X", n, d)
u, v, t = sd.array("u"), sd.array("v"), sd.array("t", domain=sd.positive)
p, q = sd.array("p", n, domain=sd.simplex), sd.array("q", n, domain=sd.simplex & sd.positive)
S, A = sd.array("S", d, d, domain=sd.symmetric), sd.array("A", d, d)
P, Q = sd.array("P", d, d, domain=sd.spd), sd.array("Q", d, d, domain=sd.orthogonal)
Y, s = sd.array("Y", n, d, domain=sd.one_hot), sd.array("s", n, domain=sd.labels(-1, 1))
"""
"""The arrays that the rows' examples speak of."""

_D = r"\mathrm{d}"

_CALCULUS = (
    Rule(
        "linearity",
        Phrase("linearity", "线性性"),
        _form("d(a·u + b·v) = a·du + b·dv", rf"{_D}(a u + b v) = a\,{_D} u + b\,{_D} v"),
        Phrase("a and b do not change", "a 与 b 不变"),
        Phrase("the change of a sum is the sum of the changes of its terms", "和的变化等于各项变化之和"),
        "Magnus & Neudecker, ch. 8",
        "sd.gradient(2 * np.sum(x) + y @ x, x)",
    ),
    Rule(
        "chain rule",
        Phrase("chain rule", "链式法则"),
        _form("d f(u) = f'(u)·du", rf"{_D} f(u) = f'(u)\,{_D} u"),
        Phrase("f is differentiable at u", "f 在 u 处可微"),
        Phrase(
            "to first order, f multiplies a change of u by its slope there (for arrays, by its Jacobian)",
            "一阶近似下，f 把 u 的变化乘以该处的斜率（对数组则乘以雅可比矩阵）",
        ),
        "Magnus & Neudecker, ch. 5",
        "sd.gradient(np.sum(np.exp(x)), x)",
    ),
    Rule(
        "total derivative",
        Phrase("total derivative", "全微分"),
        _form(
            "d f(u, v) = ∂f/∂u·du + ∂f/∂v·dv",
            rf"{_D} f(u, v) = \frac{{\partial f}}{{\partial u}}\,{_D} u + \frac{{\partial f}}{{\partial v}}\,{_D} v",
        ),
        Phrase("f is differentiable at (u, v)", "f 在 (u, v) 处可微"),
        Phrase(
            "to first order, the effects of small changes of the arguments add",
            "一阶近似下，各自变量微小变化的影响相加",
        ),
        "Magnus & Neudecker, ch. 5",
        "sd.gradient(np.sum(np.logaddexp(x, x**2)), x)",
    ),
    Rule(
        "product rule",
        Phrase("product rule", "乘积法则"),
        _form("d(u·v) = du·v + u·dv", rf"{_D}(u v) = ({_D} u)\,v + u\,{_D} v"),
        Phrase(),
        Phrase(
            "(u + du)(v + dv) - u·v is du·v + u·dv, and du·dv is of second order",
            "(u + du)(v + dv) - u·v 等于 du·v + u·dv 加上二阶小量 du·dv",
        ),
        "Magnus & Neudecker, ch. 8",
        "sd.gradient(w @ S @ w, w)",
    ),
    Rule(
        "derivative of power",
        Phrase("power rule", "幂法则"),
        _form("d/dx x**a = a * x**(a - 1)", rf"\frac{{{_D}}}{{{_D} x}} x^{{a}} = a x^{{a - 1}}"),
        Phrase("a is constant; x > 0 if a is no integer", "a 为常数；a 不是整数时要求 x > 0"),
        Phrase(
            "for an integer a by the product rule, otherwise by x**a = exp(a*log(x))",
            "a 为整数时由乘积法则，否则由 x**a = exp(a*log(x)) 得出",
        ),
        "Hardy, ch. 6",
        "sd.gradient(np.sum(x**3), x)",
    ),
    Rule(
        "constants",
        Phrase("constants", "常数法则"),
        _form("dc = 0", rf"{_D} c = 0"),
        Phrase("the variable does not occur in c", "c 中不出现该变量"),
        Phrase("what does not depend on the variable does not change with it", "不依赖于该变量的量不随之变化"),
        "Magnus & Neudecker, ch. 8",
        "sd.gradient(np.sum(x**2), w)",
    ),
    Rule(
        "read off the derivative",
        Phrase("read off the derivative", "读出导数"),
        _form(
            "dL = ⟨G, dw⟩ ⇒ ∂L/∂w = G",
            rf"{_D} L = \langle G, {_D} w \rangle \;\Rightarrow\; \frac{{\partial L}}{{\partial w}} = G",
        ),
        Phrase("the left side holds for every dw", "左式对任意 dw 成立"),
        Phrase(
            "a linear function of dw has only one coefficient array, and that array is the derivative",
            "dw 的线性函数只有一个系数数组，它就是导数",
        ),
        "Magnus & Neudecker, ch. 5",
        "sd.gradient(np.sum(x**2), x)",
    ),
    Rule(
        "derivative by an entry",
        Phrase("derivative by an entry", "对分量求导"),
        _form(
            "∂w_j/∂w_k = δ_jk",
            r"\frac{\partial w_j}{\partial w_k} = \delta_{jk}",
        ),
        Phrase(),
        Phrase(
            "only the entry that moves changes, so of a sum over j the term j = k is left",
            "只有被移动的分量在变，因此对 j 的求和只剩 j = k 一项",
        ),
        "Magnus & Neudecker, ch. 9",
        'sd.gradient(np.sum(x**2), x, route="components")',
    ),
    Rule(
        "directional derivative",
        Phrase("directional derivative", "方向导数"),
        _form("D_v f(x) = ⟨∇f(x), v⟩", r"D_{v} f(x) = \langle \nabla f(x), v \rangle"),
        Phrase("f is differentiable at x", "f 在 x 处可微"),
        Phrase(
            "the differential is linear in the change dx, and the direction v is one such change",
            "微分关于变化 dx 是线性的，而方向 v 就是这样一个变化",
        ),
        "Magnus & Neudecker, 5.6",
        "sd.directional_derivative(np.sum(x**2), x, y)",
    ),
    Rule(
        "tangent plane",
        Phrase("tangent plane", "切平面"),
        _form("z = f(a) + ⟨∇f(a), x - a⟩", r"z = f(a) + \langle \nabla f(a), x - a \rangle"),
        Phrase("f is differentiable at a", "f 在 a 处可微"),
        Phrase(
            "the only affine function that differs from f by less than first order near a",
            "在 a 附近与 f 之差为一阶以上小量的唯一仿射函数",
        ),
        "Apostol, 12.4",
        "sd.tangent_plane(u**2 * v, [u, v])",
    ),
    Rule(
        "Taylor's formula",
        Phrase("Taylor's formula", "泰勒公式"),
        _form(
            "f(x) = Σ_{k<=m} 1/k! Dᵏf(a)[x - a] + 1/(m+1)! Dᵐ⁺¹f(a + θ(x - a))[x - a]",
            r"f(x) = \sum_{k \le m} \frac{1}{k!} D^{k} f(a)[x - a]"
            r" + \frac{1}{(m+1)!} D^{m+1} f(a + \theta (x - a))[x - a]",
        ),
        Phrase(
            "f has m + 1 derivatives between a and x, and 0 < θ < 1",
            "f 在 a 与 x 之间有 m + 1 阶导数，且 0 < θ < 1",
        ),
        Phrase(
            "along the segment from a to x it is Taylor's formula in one variable",
            "沿从 a 到 x 的线段，它就是一元的泰勒公式",
        ),
        "Apostol, 12.14",
        "sd.taylor(np.exp(u) * v, [u, v])",
    ),
    Rule(
        "symmetric convention",
        Phrase("symmetric convention", "对称约定"),
        _form("∇_S L := G + Gᵀ - diag G", r"\nabla_S L := G + G^{\top} - \operatorname{diag} G"),
        Phrase("S is symmetric", "S 对称"),
        Phrase(
            "an entry off the diagonal and its mirror image move together, so their derivatives add",
            "对角线外的元素与其对称元素同时变动，故两者的导数相加",
        ),
        "Petersen & Pedersen, 2.8",
        'sd.gradient(w @ S @ w, S, convention="symmetric")',
    ),
    Rule(
        "projected convention",
        Phrase("projected convention", "投影约定"),
        _form("∇_w L := P_T(G)", r"\nabla_w L := P_T(G)"),
        Phrase(
            "T is the tangent space of what w may be, and P_T the orthogonal projection on it: "
            "(G + Gᵀ)/2 for symmetric matrices",
            "T 为 w 的取值集合的切空间，P_T 为到 T 的正交投影：对称矩阵时为 (G + Gᵀ)/2",
        ),
        Phrase(
            "w can only move along T, and there G and P_T(G) have the same products with every change",
            "w 只能沿 T 变动，而在 T 上 G 与 P_T(G) 与任一变化的内积相同",
        ),
        "Petersen & Pedersen, 2.8",
        'sd.gradient(w @ A @ S @ w, S, convention="projected")',
    ),
)

_REWRITING = (
    Rule(
        "algebra",
        Phrase("algebra", "代数运算"),
        _form("a·(u + v) = a·u + a·v, u^a·u^b = u^(a+b)", r"a(u + v) = a u + a v", r"u^{a} u^{b} = u^{a + b}"),
        Phrase("both sides are defined", "两边都有定义"),
        Phrase(
            "sums, products and powers rearrange; functions stay closed",
            "和、积与幂可以重排；函数不展开",
        ),
        "Hardy, ch. 1",
        "sd.gradient(u**2 / (1 + u), u)",
    ),
    Rule(
        "masks off their boundary",
        Phrase("masks off their boundary", "边界之外的示性函数"),
        _form(
            "u != 0 ⇒ [u > 0] + [u < 0] = 1, [u > 0] - [u < 0] = sign u",
            r"u \ne 0 \Rightarrow [u > 0] + [u < 0] = 1",
            r"[u > 0] - [u < 0] = \operatorname{sign} u",
        ),
        Phrase("the boundary of the masks is left out", "不含示性函数的边界"),
        Phrase("off the boundary exactly one of the two cases holds", "在边界之外，两种情形恰有一种成立"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(np.maximum(x, 0) + 2 * np.minimum(x, 0)), x)",
    ),
    Rule(
        "clip",
        Phrase("clip", "截断"),
        _form(
            "c > 0 ⇒ where(|r| <= c, r, c·sign r) = clip(r, -c, c)",
            r"c > 0 \Rightarrow \operatorname{where}(\lvert r \rvert \le c, r, c \operatorname{sign} r) = "
            r"\operatorname{clip}(r, -c, c)",
        ),
        Phrase(),
        Phrase(
            "both are r between the bounds and the nearer bound beyond them", "两者在界内都是 r，在界外都是较近的界"
        ),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(np.where(np.abs(x) <= 1, x**2 / 2, np.abs(x) - 0.5)), x)",
    ),
    Rule(
        "quotient of equals",
        Phrase("quotient of equals", "等量之商"),
        _form("u·u^-1 = 1", r"u\,u^{-1} = 1"),
        Phrase("u != 0", "u != 0"),
        Phrase("the definition of the reciprocal", "倒数的定义"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(np.log(np.sum(X, axis=1))) + np.sum(X.T / np.sum(X, axis=1)), X)",
    ),
    Rule(
        "product of powers",
        Phrase("product of powers", "同底幂之积"),
        _form("u^a·u^b = u^(a+b)", r"u^{a} u^{b} = u^{a + b}"),
        Phrase("u > 0", "u > 0"),
        Phrase("a power is exp(a·log u), and exp turns sums into products", "幂即 exp(a·log u)，而 exp 把和变为积"),
        "DLMF, 4.2",
        "sd.gradient(t**u * t, t)",
    ),
    Rule(
        "collect like terms",
        Phrase("collect like terms", "合并同类项"),
        _form("a·u + b·u = (a + b)·u", "a u + b u = (a + b) u"),
        Phrase(),
        Phrase("multiplication distributes over addition", "乘法对加法的分配律"),
        "Hardy, ch. 1",
        "sd.gradient(y @ x + 2 * (x @ y), x)",
    ),
    Rule(
        "common factor",
        Phrase("common factor", "提取公因式"),
        _form("a·u + a·v = a·(u + v)", "a u + a v = a (u + v)"),
        Phrase(),
        Phrase("multiplication distributes over addition", "乘法对加法的分配律"),
        "Hardy, ch. 1",
        "sd.gradient(w @ A @ w, w)",
    ),
    Rule(
        "linearity of the sum",
        Phrase("linearity of the sum", "求和的线性性"),
        _form("Σ (a·u + b·v) = a·Σ u + b·Σ v", r"\sum_i (a u_i + b v_i) = a \sum_i u_i + b \sum_i v_i"),
        Phrase("a and b do not depend on the index", "a 与 b 不依赖于求和指标"),
        Phrase("the terms of a finite sum may be added in any order", "有限和的各项可按任意次序相加"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum((x - np.mean(x))**2), x)",
    ),
    Rule(
        "sum of a constant",
        Phrase("sum of a constant", "常数求和"),
        _form("Σ_{i=1..n} c = n·c", r"\sum_{i=1}^{n} c = n c"),
        Phrase("c does not depend on i", "c 不依赖于 i"),
        Phrase("c is added n times", "c 被加了 n 次"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(x * 0 + u), u)",
    ),
    Rule(
        "product with zero",
        Phrase("product with zero", "与零相乘"),
        _form("0·u = 0", r"0 \cdot u = 0"),
        Phrase("u is defined", "u 有定义"),
        Phrase("zero times a number is zero", "零乘以任何数得零"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(0 * x * y), x)",
    ),
    Rule(
        "index of a delta",
        Phrase("index of a delta", "克罗内克记号换标"),
        _form("Σ_j δ_ij a_j = a_i", r"\sum_j \delta_{ij} a_j = a_i"),
        Phrase(),
        Phrase("δ_ij is 1 where j = i and 0 elsewhere", "δ_ij 当 j = i 时为 1，否则为 0"),
        "Magnus & Neudecker, ch. 1",
        "sd.gradient(w @ sd.eye(d) @ w, w)",
    ),
    Rule(
        "declared symmetry",
        Phrase("symmetry", "对称性"),
        _form("S_ij = S_ji", "S_{ij} = S_{ji}"),
        Phrase("S is symmetric, by its declaration or by its form", "S 对称（由声明或由其形式）"),
        Phrase("a symmetric matrix is its own transpose", "对称矩阵等于其转置"),
        "Magnus & Neudecker, ch. 1",
        "sd.gradient(w @ S @ w, w)",
    ),
    Rule(
        "maximum of equals",
        Phrase("maximum of equals", "相同量的最大值"),
        _form("max(u, u) = u", r"\max(u, u) = u"),
        Phrase(),
        Phrase("there is nothing to choose between", "没有可选择的余地"),
        "Boyd & Vandenberghe, 3.2",
        "sd.gradient(u * np.maximum(v, v), u)",
    ),
    Rule(
        "declared product",
        Phrase("declared product", "已声明的乘积"),
        _form("QᵀQ = I, Σ_i x_i² = 1", r"Q^{\top} Q = I", r"\sum_i x_i^2 = 1"),
        Phrase("Q is declared orthogonal, x of unit length", "Q 声明为正交矩阵，x 声明为单位向量"),
        Phrase("this is what the declaration says", "这正是声明的内容"),
        "Golub & Van Loan, 2.4",
        "sd.gradient(np.sum((Q @ w)**2), w)",
    ),
    Rule(
        "declared sum",
        Phrase("declared sum", "已声明的和"),
        _form("Σ_i p_i = 1", r"\sum_i p_i = 1"),
        Phrase("p lies on the simplex, or is a softmax", "p 在单纯形上，或为 softmax"),
        Phrase("the entries of a distribution add up to 1", "概率分布的各元素之和为 1"),
        "Bishop, 4.3",
        "sd.gradient(np.sum(p) * u**2, u)",
    ),
    Rule(
        "one-hot selection",
        Phrase("one-hot selection", "独热选取"),
        _form("f(Σ_j Y_ij u_ij) = Σ_j Y_ij f(u_ij)", r"f\bigl(\sum_j Y_{ij} u_{ij}\bigr) = \sum_j Y_{ij} f(u_{ij})"),
        Phrase("each row of Y has a single 1, and 0 elsewhere", "Y 的每行只有一个 1，其余为 0"),
        Phrase(
            "such a row selects one entry, before f as well as after it", "这样的一行在 f 之前与之后都选出同一个元素"
        ),
        "Bishop, 4.3.4",
        "sd.gradient(-np.sum(np.log(np.sum(Y * np.exp(X), axis=1))), X)",
    ),
    Rule(
        "use the values of the labels",
        Phrase("use the values of the labels", "利用标签的取值"),
        _form(
            "y ∈ {0, 1} ⇒ y² = y, y = ±1 ⇒ y² = 1",
            r"y \in \{0, 1\} \Rightarrow y^{2} = y",
            r"y = \pm 1 \Rightarrow y^{2} = 1",
        ),
        Phrase("the values of y are declared", "已声明 y 的取值"),
        Phrase(
            "two functions that agree at every value of a label are equal",
            "在标签的每个取值处都相同的两个函数相等",
        ),
        "Bishop, 4.3.2",
        "sd.gradient(np.sum((s - x)**2 * s**2), x)",
    ),
    Rule(
        "log of exp",
        Phrase("log of exp", "指数的对数"),
        _form("log(exp(x)) = x", r"\log(\exp(x)) = x"),
        Phrase(),
        Phrase("log is the inverse function of exp", "log 是 exp 的反函数"),
        "DLMF, 4.2",
        "sd.gradient(np.sum(np.log(np.exp(x))), x)",
    ),
    Rule(
        "exp of log",
        Phrase("exp of log", "对数的指数"),
        _form("exp(log(x)) = x", r"\exp(\log(x)) = x"),
        Phrase("x > 0", "x > 0"),
        Phrase("exp is the inverse function of log", "exp 是 log 的反函数"),
        "DLMF, 4.2",
        "sd.gradient(np.exp(np.log(t)), t)",
    ),
    Rule(
        "power of a power",
        Phrase("power of a power", "幂的幂"),
        _form("(x^a)^b = x^(a·b), (x^2)^(1/2) = |x|", r"(x^{a})^{b} = x^{a b}", r"(x^{2})^{1/2} = \lvert x \rvert"),
        Phrase("for the first, b is an integer or x >= 0", "第一式要求 b 为整数或 x >= 0"),
        Phrase("exponents of one base multiply; a root is never negative", "同底的指数相乘；根式非负"),
        "DLMF, 4.2",
        "sd.gradient(np.sqrt(u**2), u)",
    ),
    Rule(
        "power of a product",
        Phrase("power of a product", "积的幂"),
        _form("(a·b)^k = a^k·b^k", r"(a b)^{k} = a^{k} b^{k}"),
        Phrase("k is an integer", "k 为整数"),
        Phrase("the factors of a product may be put in any order", "乘积的因子可按任意次序排列"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(np.outer(x, y)**2), x)",
    ),
    Rule(
        "absolute value",
        Phrase("absolute value", "绝对值"),
        _form(
            "x >= 0 ⇒ |x| = x, |x|^(2k) = x^(2k)",
            r"x \ge 0 \Rightarrow \lvert x \rvert = x",
            r"\lvert x \rvert^{2 k} = x^{2 k}",
        ),
        Phrase(),
        Phrase("|x| is x or -x, whichever is not negative", "|x| 取 x 与 -x 中非负的一个"),
        "Hardy, ch. 1",
        "sd.gradient(np.abs(t), t)",
    ),
    Rule(
        "logarithm",
        Phrase("logarithm", "对数法则"),
        _form(
            "log(a·b) = log a + log b, log(a/b) = log a - log b, log exp a = a",
            r"\log(a b) = \log a + \log b",
            r"\log(a / b) = \log a - \log b",
            r"\log \exp a = a",
        ),
        Phrase("a > 0 and b > 0 in the first two", "前两式要求 a > 0 且 b > 0"),
        Phrase("log is the inverse of exp, which turns sums into products", "log 是 exp 的反函数，而 exp 把和变为积"),
        "DLMF, 4.8",
        'sd.chain(np.log(t * t)).to(2 * np.log(t), by="logarithm")',
    ),
    Rule(
        "exponential",
        Phrase("exponential", "指数法则"),
        _form("exp(a + b) = exp(a)·exp(b)", r"\exp(a + b) = \exp(a) \exp(b)"),
        Phrase(),
        Phrase("exp turns sums into products", "exp 把和变为积"),
        "DLMF, 4.8",
        'sd.chain(np.exp(u + v)).to(np.exp(u) * np.exp(v), by="exponential")',
    ),
    Rule(
        "sigmoid",
        Phrase("sigmoid", "S 型函数"),
        _form(
            "σ(z) = 1/(1 + exp(-z)), 1 - σ(z) = σ(-z)",
            r"\sigma(z) = \frac{1}{1 + e^{-z}}",
            r"1 - \sigma(z) = \sigma(-z)",
        ),
        Phrase(),
        Phrase("the definition of σ, and exp(z)·exp(-z) = 1", "由 σ 的定义以及 exp(z)·exp(-z) = 1"),
        "Bishop, 4.2",
        'sd.chain(1 - expit(u)).to(expit(-u), by="sigmoid")',
    ),
    Rule(
        "softplus",
        Phrase("softplus", "softplus 函数"),
        _form("log(1 + exp z) = logaddexp(0, z)", r"\log(1 + e^{z}) = \operatorname{logaddexp}(0, z)"),
        Phrase(),
        Phrase(
            "logaddexp(a, b) is log(exp a + exp b), and exp 0 = 1",
            "logaddexp(a, b) 即 log(exp a + exp b)，而 exp 0 = 1",
        ),
        "DLMF, 4.2",
        'sd.chain(np.log(1 + np.exp(u))).to(np.logaddexp(0, u), by="softplus")',
    ),
    Rule(
        "sigmoid and softplus",
        Phrase("sigmoid and softplus", "S 型函数与 softplus 恒等式"),
        _form(
            "exp(z) = σ(z)/σ(-z), σ(z) + σ(-z) = 1, log(1 + exp z) = -log σ(-z)",
            r"e^{z} = \frac{\sigma(z)}{\sigma(-z)}",
            r"\sigma(z) + \sigma(-z) = 1",
            r"\log(1 + e^{z}) = -\log \sigma(-z)",
        ),
        Phrase(),
        Phrase(
            "in s = σ(z) the identities of the exponential family are algebra of polynomials",
            "以 s = σ(z) 表示后，这些指数恒等式化为多项式运算",
        ),
        "Bishop, 4.2",
        "sd.gradient(np.sum(np.log(1 + np.exp(x))), x)",
    ),
    Rule(
        "log-sum-exp",
        Phrase("log-sum-exp", "log-sum-exp 函数"),
        _form("log Σ_j exp(z_j) = logsumexp(z)", r"\log \sum_j e^{z_j} = \operatorname{logsumexp}(z)"),
        Phrase(),
        Phrase("the definition of log-sum-exp, a smooth maximum", "log-sum-exp（光滑的最大值）的定义"),
        "Boyd & Vandenberghe, 3.1.5",
        "sd.gradient(np.log(np.sum(np.exp(x))), x)",
    ),
    Rule(
        "softmax",
        Phrase("softmax", "softmax 函数"),
        _form(
            "softmax(z)_i = exp(z_i) / Σ_j exp(z_j)", r"\operatorname{softmax}(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}}"
        ),
        Phrase(),
        Phrase("the definition of softmax", "softmax 的定义"),
        "Bishop, 4.2",
        "sd.gradient(y @ (np.exp(x) / np.sum(np.exp(x))), x)",
    ),
    Rule(
        "log-softmax",
        Phrase("log-softmax", "log-softmax 函数"),
        _form("log softmax(z) = z - logsumexp(z)", r"\log \operatorname{softmax}(z) = z - \operatorname{logsumexp}(z)"),
        Phrase(),
        Phrase("the logarithm of a quotient is a difference", "商的对数等于对数之差"),
        "Bishop, 4.3.4",
        "sd.gradient(y @ np.log(sd.softmax(x)), x)",
    ),
)

_MATRICES = (
    Rule(
        "inverse",
        Phrase("inverse", "逆矩阵"),
        _form("A⁻¹A = I, AA⁻¹ = I", r"A^{-1} A = I", r"A A^{-1} = I"),
        Phrase("A is invertible", "A 可逆"),
        Phrase("the definition of the inverse", "逆矩阵的定义"),
        "Petersen & Pedersen, ch. 3",
        "sd.gradient(w @ np.linalg.inv(A) @ A @ w, w)",
    ),
    Rule(
        "inverse of a product",
        Phrase("inverse of a product", "乘积的逆"),
        _form("(AB)⁻¹ = B⁻¹A⁻¹", r"(A B)^{-1} = B^{-1} A^{-1}"),
        Phrase("A and B are square and invertible", "A 与 B 为可逆方阵"),
        Phrase("B⁻¹A⁻¹AB = B⁻¹B = I", "B⁻¹A⁻¹AB = B⁻¹B = I"),
        "Petersen & Pedersen, ch. 3",
        "sd.gradient(w @ np.linalg.inv(A @ S) @ A @ w, w)",
    ),
    Rule(
        "inverse of a transpose",
        Phrase("inverse of a transpose", "转置的逆"),
        _form("(Aᵀ)⁻¹ = (A⁻¹)ᵀ", r"(A^{\top})^{-1} = (A^{-1})^{\top}"),
        Phrase("A is invertible", "A 可逆"),
        Phrase("Aᵀ(A⁻¹)ᵀ = (A⁻¹A)ᵀ = I", "Aᵀ(A⁻¹)ᵀ = (A⁻¹A)ᵀ = I"),
        "Petersen & Pedersen, ch. 3",
        "sd.gradient(w @ np.linalg.inv(A.T) @ w, A)",
    ),
    Rule(
        "inverse of an inverse",
        Phrase("inverse of an inverse", "逆的逆"),
        _form("(A⁻¹)⁻¹ = A", r"(A^{-1})^{-1} = A"),
        Phrase("A is invertible", "A 可逆"),
        Phrase("A A⁻¹ = I says that each is the inverse of the other", "A A⁻¹ = I 表明两者互逆"),
        "Petersen & Pedersen, ch. 3",
        "sd.gradient(w @ np.linalg.inv(np.linalg.inv(A)) @ w, A)",
    ),
    Rule(
        "inverse of a multiple",
        Phrase("inverse of a multiple", "数乘的逆"),
        _form("(c·A)⁻¹ = A⁻¹/c", r"(c A)^{-1} = c^{-1} A^{-1}"),
        Phrase("A is invertible and c != 0", "A 可逆且 c != 0"),
        Phrase("c·A·A⁻¹/c = I", "c·A·A⁻¹/c = I"),
        "Petersen & Pedersen, ch. 3",
        "sd.gradient(w @ np.linalg.inv(2 * A) @ w, A)",
    ),
    Rule(
        "inverse of a diagonal matrix",
        Phrase("inverse of a diagonal matrix", "对角矩阵的逆"),
        _form("diag(v)⁻¹ = diag(1/v)", r"\operatorname{diag}(v)^{-1} = \operatorname{diag}(1 / v)"),
        Phrase("no entry of v is 0", "v 的各元素都不为 0"),
        Phrase("diagonal matrices multiply entry by entry", "对角矩阵的乘积是对角元逐个相乘"),
        "Petersen & Pedersen, ch. 3",
        "sd.gradient(w @ np.linalg.inv(np.diag(w)) @ w, w)",
    ),
    Rule(
        "inverse of an orthogonal matrix",
        Phrase("inverse of an orthogonal matrix", "正交矩阵的逆"),
        _form("Q⁻¹ = Qᵀ", r"Q^{-1} = Q^{\top}"),
        Phrase("Q is orthogonal", "Q 为正交矩阵"),
        Phrase("QᵀQ = I by definition", "由定义 QᵀQ = I"),
        "Golub & Van Loan, ch. 2",
        "sd.gradient(w @ np.linalg.inv(Q) @ w, w)",
    ),
    Rule(
        "log-determinant",
        Phrase("log-determinant", "行列式的对数"),
        _form("log |det A| = slogdet(A)[1]", r"\log \lvert \det A \rvert = \operatorname{logabsdet} A"),
        Phrase("A is invertible", "A 可逆"),
        Phrase("the definition of slogdet, which does not overflow", "slogdet 的定义，它不会溢出"),
        "Petersen & Pedersen, ch. 1",
        "sd.gradient(np.log(np.linalg.det(A)), A)",
    ),
    Rule(
        "determinant of a transpose",
        Phrase("determinant of a transpose", "转置的行列式"),
        _form("det Aᵀ = det A", r"\det A^{\top} = \det A"),
        Phrase(),
        Phrase(
            "rows and columns play the same part in the expansion of a determinant", "在行列式的展开中行与列地位相同"
        ),
        "Petersen & Pedersen, ch. 1",
        "sd.gradient(np.linalg.det(A.T), A)",
    ),
    Rule(
        "determinant of an inverse",
        Phrase("determinant of an inverse", "逆的行列式"),
        _form("det A⁻¹ = 1/det A", r"\det A^{-1} = 1 / \det A"),
        Phrase("A is invertible", "A 可逆"),
        Phrase("det A·det A⁻¹ = det I = 1", "det A·det A⁻¹ = det I = 1"),
        "Petersen & Pedersen, ch. 1",
        "sd.gradient(np.linalg.det(np.linalg.inv(A)), A)",
    ),
    Rule(
        "determinant of a product",
        Phrase("determinant of a product", "乘积的行列式"),
        _form(
            "log |det AB| = log |det A| + log |det B|",
            r"\log \lvert \det A B \rvert = \log \lvert \det A \rvert + \log \lvert \det B \rvert",
        ),
        Phrase("A and B are square and invertible", "A 与 B 为可逆方阵"),
        Phrase("det AB = det A·det B", "det AB = det A·det B"),
        "Petersen & Pedersen, ch. 1",
        "sd.gradient(np.linalg.slogdet(A @ A)[1], A)",
    ),
    Rule(
        "determinant of a multiple",
        Phrase("determinant of a multiple", "数乘的行列式"),
        _form(
            "log |det cA| = n·log c + log |det A|",
            r"\log \lvert \det c A \rvert = n \log c + \log \lvert \det A \rvert",
        ),
        Phrase("A is n by n and invertible, and c > 0", "A 为 n 阶可逆方阵，c > 0"),
        Phrase("c goes out of each of the n rows", "从 n 行中各提出一个 c"),
        "Petersen & Pedersen, ch. 1",
        "sd.gradient(np.linalg.slogdet(2 * A)[1], A)",
    ),
    Rule(
        "determinant of a triangular matrix",
        Phrase("determinant of a triangular matrix", "三角矩阵的行列式"),
        _form(
            "det T = Π_i T_ii, log |det T| = Σ_i log |T_ii|",
            r"\det T = \prod_i T_{ii}",
            r"\log \lvert \det T \rvert = \sum_i \log \lvert T_{ii} \rvert",
        ),
        Phrase("T is triangular", "T 为三角矩阵"),
        Phrase("every other product of the expansion has a 0 in it", "展开式中其余各乘积都含有 0"),
        "Petersen & Pedersen, ch. 1",
        "sd.gradient(np.linalg.det(np.diag(w)), w)",
    ),
    Rule(
        "eigenvalues",
        Phrase("eigenvalues", "特征值"),
        _form(
            "Σ_i λ_i = tr A, Σ_i λ_i² = ‖A‖², Σ_i log λ_i = log det A",
            r"\sum_i \lambda_i = \operatorname{tr} A",
            r"\sum_i \lambda_i^{2} = \lVert A \rVert_F^{2}",
            r"\sum_i \log \lambda_i = \log \det A",
        ),
        Phrase("A is symmetric; for the last, positive definite", "A 对称；末式要求 A 正定"),
        Phrase(
            "trace, norm and determinant do not change in the basis of eigenvectors, where A is diagonal",
            "迹、范数与行列式在特征向量基下不变，而在该基下 A 为对角矩阵",
        ),
        "Petersen & Pedersen, ch. 5",
        "sd.gradient(np.sum(np.linalg.eigvalsh(S)), S)",
    ),
    Rule(
        "product of eigenvalues",
        Phrase("product of eigenvalues", "特征值之积"),
        _form("Π_i λ_i = det A", r"\prod_i \lambda_i = \det A"),
        Phrase("A is symmetric", "A 对称"),
        Phrase(
            "the determinant does not change in the basis of eigenvectors, where A is diagonal",
            "行列式在特征向量基下不变，而在该基下 A 为对角矩阵",
        ),
        "Petersen & Pedersen, ch. 5",
        "sd.gradient(np.prod(np.linalg.eigvalsh(S)), S)",
    ),
    Rule(
        "eigenvectors",
        Phrase("eigenvectors", "特征向量"),
        _form(
            "VᵀV = VVᵀ = I, V diag(λ) Vᵀ = A",
            r"V^{\top} V = V V^{\top} = I",
            r"V \operatorname{diag}(\lambda) V^{\top} = A",
        ),
        Phrase("A is symmetric", "A 对称"),
        Phrase(
            "the spectral theorem: a symmetric matrix has an orthonormal basis of eigenvectors",
            "谱定理：对称矩阵有一组标准正交的特征向量",
        ),
        "Petersen & Pedersen, ch. 5",
        "sd.gradient(np.trace(np.linalg.eigh(S)[1] @ np.linalg.eigh(S)[1].T @ A), A)",
    ),
    Rule(
        "singular values",
        Phrase("singular values", "奇异值"),
        _form("Σ_i σ_i² = ‖A‖²", r"\sum_i \sigma_i^{2} = \lVert A \rVert_F^{2}"),
        Phrase(),
        Phrase("orthogonal factors do not change the norm", "正交因子不改变范数"),
        "Petersen & Pedersen, ch. 5",
        "sd.gradient(np.sum(np.linalg.svd(X, compute_uv=False)**2), X)",
    ),
    Rule(
        "singular vectors",
        Phrase("singular vectors", "奇异向量"),
        _form(
            "UᵀU = I, VᵀV = I, U diag(σ) Vᵀ = A",
            r"U^{\top} U = I",
            r"V^{\top} V = I",
            r"U \operatorname{diag}(\sigma) V^{\top} = A",
        ),
        Phrase(),
        Phrase("the definition of the singular value decomposition", "奇异值分解的定义"),
        "Petersen & Pedersen, ch. 5",
        "sd.gradient(np.sum((np.linalg.svd(X, full_matrices=False)[0]"
        " * np.linalg.svd(X, full_matrices=False)[1]) @ np.linalg.svd(X, full_matrices=False)[2] @ w), w)",
    ),
    Rule(
        "Cholesky factor",
        Phrase("Cholesky factor", "楚列斯基因子"),
        _form(
            "L Lᵀ = A, Σ_i log L_ii = log det(A)/2", r"L L^{\top} = A", r"\sum_i \log L_{ii} = \frac{1}{2} \log \det A"
        ),
        Phrase("A is positive definite", "A 正定"),
        Phrase(
            "the definition of the factor; the determinant of a triangular matrix is the product of its diagonal",
            "该因子的定义；三角矩阵的行列式是其对角元之积",
        ),
        "Golub & Van Loan, ch. 4",
        "sd.gradient(np.sum(np.log(np.diag(np.linalg.cholesky(P)))), P)",
    ),
    Rule(
        "shift of a softmax",
        Phrase("shift of a softmax", "softmax 的平移"),
        _form("softmax(z + c) = softmax(z)", r"\operatorname{softmax}(z + c) = \operatorname{softmax}(z)"),
        Phrase("c is the same for all entries", "c 对所有元素相同"),
        Phrase("exp(c) is a factor of numerator and denominator", "exp(c) 是分子与分母的公因子"),
        "Bishop, 4.3.4",
        "sd.gradient(y @ sd.softmax(x + u), x)",
    ),
    Rule(
        "shift of log-sum-exp",
        Phrase("shift of log-sum-exp", "log-sum-exp 的平移"),
        _form(
            "logsumexp(z + c) = logsumexp(z) + c", r"\operatorname{logsumexp}(z + c) = \operatorname{logsumexp}(z) + c"
        ),
        Phrase("c is the same for all entries", "c 对所有元素相同"),
        Phrase("exp(c) goes out of the sum", "exp(c) 可从和式中提出"),
        "Boyd & Vandenberghe, 3.1.5",
        "sd.gradient(sd.logsumexp(x + u), x)",
    ),
    Rule(
        "shift of a maximum",
        Phrase("shift of a maximum", "最大值的平移"),
        _form("max(z + c) = max(z) + c", r"\max(z + c) = \max(z) + c"),
        Phrase("c is the same for all entries", "c 对所有元素相同"),
        Phrase("a shift keeps the order of the entries", "平移保持各元素的大小次序"),
        "Hardy, ch. 1",
        "sd.gradient(np.max(x + u), x)",
    ),
    Rule(
        "multiple of a maximum",
        Phrase("multiple of a maximum", "最大值的倍数"),
        _form(
            "c > 0 ⇒ max(c·z) = c·max(z), c < 0 ⇒ max(c·z) = c·min(z)",
            r"c > 0 \Rightarrow \max(c z) = c \max(z)",
            r"c < 0 \Rightarrow \max(c z) = c \min(z)",
        ),
        Phrase(),
        Phrase(
            "a positive factor keeps the order of the entries, a negative one turns it round",
            "正因子保持各元素的次序，负因子使其反转",
        ),
        "Hardy, ch. 1",
        "sd.gradient(np.max(2 * x), x)",
    ),
    Rule(
        "largest entries",
        Phrase("largest entries", "最大元素"),
        _form("[x_i = max x] = is_max(x)_i", r"[x_i = \max x] = \operatorname{ismax}(x)_i"),
        Phrase(),
        Phrase("the definition of the mask of the largest entries", "最大元素示性函数的定义"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum((x == np.max(x)) * y), y)",
    ),
    Rule(
        "sum over parts",
        Phrase("sum over parts", "分段求和"),
        _form("Σ f(concatenate(a, b)) = Σ f(a) + Σ f(b)", r"\sum_i f((a, b)_i) = \sum_i f(a_i) + \sum_i f(b_i)"),
        Phrase(),
        Phrase("the parts together have each index once", "各段合起来恰好遍历每个下标一次"),
        "Hardy, ch. 1",
        "sd.gradient(np.sum(np.concatenate([x, y])**2), x)",
    ),
    Rule(
        "ordered values",
        Phrase("ordered values", "有序的值"),
        _form(
            "max λ = λ_n, min λ = λ_1, max σ = σ_1",
            r"\max \lambda = \lambda_n",
            r"\min \lambda = \lambda_1",
            r"\max \sigma = \sigma_1",
        ),
        Phrase(),
        Phrase(
            "eigenvalues come in ascending order, singular values in descending order",
            "特征值按升序排列，奇异值按降序排列",
        ),
        "Golub & Van Loan, ch. 2",
        "sd.gradient(np.max(np.linalg.eigvalsh(S)), S)",
    ),
    Rule(
        "power of an exponential",
        Phrase("power of an exponential", "指数函数的幂"),
        _form("exp(x)^a = exp(a·x)", r"\exp(x)^{a} = \exp(a x)"),
        Phrase(),
        Phrase("a power of exp(x) multiplies the exponent", "exp(x) 的幂使指数相乘"),
        "DLMF, 4.2",
        "sd.gradient(np.sum(np.exp(x)**(1 - u)), x)",
    ),
    Rule(
        "index of a slice",
        Phrase("index of a slice", "切片换标"),
        _form("(u[a:b])_i = u_(a+i)", r"(u_{a:b})_i = u_{a + i}"),
        Phrase(),
        Phrase("a slice renumbers entries and changes none", "切片只重新编号，不改变元素"),
        "Golub & Van Loan, ch. 1",
        "sd.gradient(np.trace(np.kron(A, S)), A)",
    ),
)

_REASONING = (
    Rule(
        "definition",
        Phrase("definition", "定义"),
        _form("z := u ⇒ f(z) = f(u)", r"z := u \;\Rightarrow\; f(z) = f(u)"),
        Phrase(),
        Phrase("a name or a function may be replaced by what it stands for", "名称或函数可以换成它所代表的内容"),
        "Magnus & Neudecker, ch. 5",
        'sd.chain(np.tanh(u)).to((np.exp(u) - np.exp(-u)) / (np.exp(u) + np.exp(-u)), by="definition")',
    ),
    Rule(
        "derivative",
        Phrase("derivative", "基本导数"),
        _form("d f(x)/dx = f'(x)", rf"\frac{{{_D}}}{{{_D} x}} f(x) = f'(x)"),
        Phrase("f is differentiable at x", "f 在 x 处可微"),
        Phrase("the derivative that the function's row states", "函数表中该函数一行所列的导数"),
        "DLMF, ch. 4",
        'sd.chain(sd.D(np.exp(u), u)).to(np.exp(u), by="derivative")',
    ),
    Rule(
        "simplex",
        Phrase("simplex", "单纯形"),
        _form("Σ_i p_i = 1", r"\sum_i p_i = 1"),
        Phrase("p lies on the simplex", "p 在单纯形上"),
        Phrase("the entries of a distribution add up to 1", "概率分布的各元素之和为 1"),
        "Bishop, 4.3",
        'sd.chain(np.sum(p) * u).to(u, by="simplex")',
    ),
    Rule(
        "assumption",
        Phrase("assumption", "假设"),
        _form("u = v ⇒ f(u) = f(v)", r"u = v \;\Rightarrow\; f(u) = f(v)"),
        Phrase("a declared domain, or what is given, says that u = v", "已声明的定义域或已给的条件表明 u = v"),
        Phrase("equals may replace equals", "等量可以互相代换"),
        "Hardy, ch. 1",
        'sd.chain(s**2).to(s * 0 + 1, by="assumption")',
    ),
    Rule(
        "normal form",
        Phrase("normal form", "标准形"),
        _form("N(u) = N(v) ⇒ u = v", r"N(u) = N(v) \;\Rightarrow\; u = v"),
        Phrase("both sides are defined", "两边都有定义"),
        Phrase(
            "every step to the normal form N keeps the value, so equal normal forms are equal values",
            "化为标准形 N 的每一步都保持取值，故标准形相同则取值相等",
        ),
        "Geddes, Czapor & Labahn, ch. 3",
        'sd.check("(u + 1)**2", "==", "u**2 + 2*u + 1", shapes={"u": ()})',
    ),
)

RULES: dict[str, Rule] = {row.key: row for row in (*_CALCULUS, *_REWRITING, *_MATRICES, *_REASONING)}
"""The rows that are written by hand; `rule` finds these and the generated ones."""

CHINESE_NAMES = {
    "abs": "绝对值函数", "sign": "符号函数", "expit": "S 型函数 σ", "log_expit": "log σ", "maximum": "最大值函数",
    "minimum": "最小值函数", "clip": "截断函数", "heaviside": "阶跃函数", "where": "分段函数", "lt": "示性函数",
    "le": "示性函数", "eq": "示性函数", "ne": "示性函数", "is_max": "示性函数", "is_min": "示性函数",
    "prod": "连乘积", "max": "最大元素", "min": "最小元素", "inv": "逆矩阵", "det": "行列式",
    "logabsdet": "行列式绝对值的对数", "signdet": "行列式的符号", "cholesky": "楚列斯基因子", "eigvalsh": "特征值",
    "eigvecs": "特征向量", "svdvals": "奇异值", "svd_u": "左奇异向量", "svd_vt": "右奇异向量",
    "logsumexp": "log-sum-exp", "log_softmax": "log-softmax",
}  # fmt: skip
"""What functions are called in a Chinese sentence, where not by their own names."""

_CHINESE_LEMMAS = {
    "log t <= t - 1": ("log t <= t - 1", "log 是凹函数，t - 1 是它在 1 处的切线；仅当 t = 1 时取等号"),
    "log t < t - 1": ("log t < t - 1", "log 严格凹，t - 1 是它在 1 处的切线"),
    "x log(x/y) >= x - y": ("x log(x/y) >= x - y", "log t <= t - 1 取 t = y/x 并乘以 -x；当 x = 0 时即 0 >= -y"),
    "a square is >= 0": ("平方非负", "r**2 = |r|**2"),
    "nonnegative by its sign": ("由符号知非负", "由各部分的符号得出"),
    "|x| >= x": ("|x| >= x", "|x| 取 x 与 -x 中非负的一个"),
    "positive by its sign": ("由符号知为正", "由各部分的符号得出"),
}

REQUIREMENTS = {
    "invertible": Phrase("{} is invertible", "{} 可逆"),
    "positive definite": Phrase("{} is positive definite", "{} 正定"),
    "one largest entry": Phrase("{} has one largest entry", "{} 的最大元素唯一"),
    "one smallest entry": Phrase("{} has one smallest entry", "{} 的最小元素唯一"),
    "simple eigenvalues": Phrase("{} has simple eigenvalues", "{} 的特征值互异"),
    "simple singular values": Phrase("{} has simple singular values, none of them 0", "{} 的奇异值为正且互异"),
}
"""What the rows of array functions ask of their argument, in words."""

_DERIVATIVE, _DEFINITION = "derivative of ", "definition of "


def rule(key: str) -> Rule:
    """The row of a rule.

    ``key`` is a name of `RULES` or of `LEMMAS`, ``derivative of F`` for a function or array
    function F, or ``definition of F`` for a function or any other name.

    Raises
    ------
    UnknownNameError
        There is no such rule; near names are suggested.

    >>> rule("derivative of tanh").form.text
    'd/dx np.tanh(x) = 1 - np.tanh(x)**2'
    """
    if key in RULES:
        return RULES[key]
    if is_rule(key):
        return _generated(key)
    near = get_close_matches(key, known(), 3)
    raise UnknownNameError(f"no rule named {key!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))


def is_rule(key: str) -> bool:
    """Whether there is such a rule."""
    function = key.removeprefix(_DERIVATIVE)
    made = key.startswith(_DEFINITION) or (function != key and function in {*FUNCTIONS, *ARRAY_FUNCTIONS})
    return key in RULES or key in LEMMAS or made


def known() -> tuple[str, ...]:
    """The keys of all rows but the definitions, in the order of their tables.

    >>> "chain rule" in known() and "derivative of exp" in known()
    True
    """
    functions = (f"{_DERIVATIVE}{name}" for name in (*FUNCTIONS, *ARRAY_FUNCTIONS))
    return tuple(dict.fromkeys((*RULES, *LEMMAS, *functions)))


def cited(*keys: str) -> tuple[Rule, ...]:
    """The rows of some keys, each once; keys without a row are left out."""
    return tuple(rule(key) for key in dict.fromkeys(keys) if is_rule(key))


def distinct(rows: Iterable[Rule]) -> tuple[Rule, ...]:
    """One row for each name and form: masks have a row each and say the same."""
    return tuple({(row.name(), row.form): row for row in rows}.values())


@cache
def _generated(key: str) -> Rule:
    """A row made from the table that has the thing itself."""
    if key in LEMMAS:
        return _lemma(key)
    if key.startswith(_DEFINITION):
        return _definition(key.removeprefix(_DEFINITION))
    name = key.removeprefix(_DERIVATIVE)
    return _derivative(name) if name in FUNCTIONS else _differential(name)


def _text(node: Node) -> str:
    return tree_text(lift(node).tree)


def _formula(node: Node) -> Formula:
    return tree_formula(lift(node).tree)


def _named(name: str, text: str) -> Phrase:
    """A name such as "derivative of tanh": the row's own words before the colon, and in Chinese."""
    chinese = CHINESE_NAMES.get(name, name)
    space = "" if "\u4e00" <= chinese[-1] <= "\u9fff" else " "
    return Phrase(text.partition(":")[0] or f"{_DERIVATIVE}{name}", f"{chinese}{space}的导数")


def _because(title: Phrase, form: Form) -> Phrase:
    return Phrase(f"{title.en}: {form.text}", f"{title.zh}：{form.text}")


def _conditions(texts: Iterable[str]) -> Phrase:
    """Relations of which all must hold; "or" in one of them is put in brackets."""
    found = [f"({text})" if " or " in text else text for text in dict.fromkeys(texts)]
    if len(found) == 1:
        found = [found[0].removeprefix("(").removesuffix(")") if " or " in found[0] else found[0]]
    return Phrase(" and ".join(found), " 且 ".join(text.replace(" or ", " 或 ") for text in found))


def _arguments(row: Function) -> list[Node]:
    """What a function is shown with: its arguments by name, and 2 where it takes an order."""
    return [Number(Integer(2)) if name in row.orders else Leaf(name, (), real) for name in row.arguments]


def _derivative(name: str) -> Rule:
    """The partial derivatives of an elementwise function."""
    row = FUNCTIONS[name]
    arguments = _arguments(row)
    value = applied(name, *arguments)
    free = [k for k, argument in enumerate(arguments) if isinstance(argument, Leaf)]
    mark, mark_latex = ("d", _D) if len(free) == 1 else ("∂", r"\partial")
    whole = _formula(value)
    plain = whole.level >= POWER or (whole.level == OPEN and kind_at(whole.parts, 0) == "function")
    operand = whole if plain else bracket(whole)
    texts: list[str] = []
    formulas: list[Formula] = []
    for k in free:
        slope = partial(name, k, arguments)
        if slope is None:
            continue
        texts.append(f"{mark}/{mark}{row.arguments[k]} {_text(value)} = {_text(slope)}")
        below = rf"\frac{{{mark_latex}}}{{{mark_latex} {name_latex(row.arguments[k])}}}\,"
        formulas.append(Formula((Piece(below, 1.8, 1, "fraction"), *_equation(operand, _formula(slope)).parts), ADD))
    form = Form(", ".join(texts), _listed(formulas))
    title = _named(name, row.rule)
    condition = _conditions((*row.requires, *(f"{kink} != 0" for kink in row.kinks)))
    return Rule(f"{_DERIVATIVE}{name}", title, form, condition, _because(title, form), "DLMF; SciPy")


def _equation(left: Formula, right: Formula) -> Formula:
    return Formula((*left.parts, Break(), Piece(" = ", 1.34, 0, "op"), *right.parts), ADD)


def _differential(name: str) -> Rule:
    """The differential of an array function, of a vector or a square matrix."""
    row = ARRAY_FUNCTIONS[name]
    size = dimension_symbol("n")
    argument = Leaf("x", (size,), real) if row.axis else Leaf("A", (size, size), real)
    value = Opaque(name, (argument,))
    left, moved = Differential(value), change(value, Differential(argument))
    form = Form(f"{_text(left)} = {_text(moved)}", _equation(_formula(left), _formula(moved)))
    title = _named(name, row.rule)
    needs = [REQUIREMENTS[text] for text in (row.requires, row.kink) if text]
    english = " and ".join(phrase.en.format(argument.name) for phrase in needs)
    condition = Phrase(english, "且".join(phrase.zh.format(argument.name) for phrase in needs))
    return Rule(
        f"{_DERIVATIVE}{name}", title, form, condition, _because(title, form), "Magnus & Neudecker, ch. 8; Giles"
    )


def _definition(name: str) -> Rule:
    """What a function means in simpler ones, or the general rule for any other name."""
    general = RULES["definition"]
    title = Phrase(f"{_DEFINITION}{name}", f"{name} 的定义")
    form = general.form
    row = FUNCTIONS.get(name)
    if row is not None:
        arguments = _arguments(row)
        opened = meaning(name, arguments)
        if opened is not None:
            value = applied(name, *arguments)
            form = Form(f"{_text(value)} = {_text(opened)}", _equation(_formula(value), _formula(opened)))
    return Rule(f"{_DEFINITION}{name}", title, form, Phrase(), general.why, general.source)


def _lemma(name: str) -> Rule:
    """An axiom of inequalities, from its row."""
    row = LEMMAS[name]
    leaves = [Leaf(argument, (), real) for argument in row.arguments]
    big, small = row.sides(leaves)
    op = ">" if row.strict else ">="
    form = Form(f"{row.big} {op} {row.small}", relation_formula(Relation(big, op, small)))
    chinese, because = _CHINESE_LEMMAS.get(name, (name, row.because))
    return Rule(
        name,
        Phrase(name, chinese),
        form,
        _conditions(row.requires),
        Phrase(row.because, because),
        "Cover & Thomas, 2.6; Boyd & Vandenberghe, 3.1",
    )


__all__ = [
    "BOOKS",
    "CHINESE_NAMES",
    "LANGUAGES",
    "REQUIREMENTS",
    "RULES",
    "SETTING",
    "Form",
    "Phrase",
    "Rule",
    "cited",
    "distinct",
    "is_rule",
    "known",
    "rule",
]
