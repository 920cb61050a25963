"""Convexity by composition: every entry of an array is shown convex, concave or affine from its parts.

Elementwise functions are rows: on which part of their domain they are convex or concave, and in
which arguments they increase or decrease.  A composition φ(g_1, ..., g_k) is convex where φ is and
each g is affine, or convex where φ increases, or concave where φ decreases; sums with nonnegative
weights, maxima, norms, log-sum-exp, products of powers and log-determinants have rules of their
own.  No derivative is taken, so that kinks do no harm.  What no rule shows is "unknown".

Sources: S. Boyd and L. Vandenberghe, Convex Optimization, 2004, 3.1-3.2; M. Grant, S. Boyd and
Y. Ye, Disciplined convex programming, 2006; NIST DLMF 5.4, 7.18 (convexity of special functions).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from sympy import Expr

from symderive.calculus.signs import sign_of, structure
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.nodes import (
    ONE,
    Basis,
    Contraction,
    Differential,
    Factor,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Sum,
)
from symderive.language.statements import Relation

CONSTANT, AFFINE, CONVEX, CONCAVE, UNKNOWN = "constant", "affine", "convex", "concave", "unknown"
OPPOSITE = {CONVEX: CONCAVE, CONCAVE: CONVEX}
UP, DOWN = "increasing", "decreasing"


@final
@dataclass(frozen=True)
class Curve:
    """One row: on the part of the domain where ``where`` holds, the curvature and the slopes by argument.

    ``where`` lists sign conditions, one text for each argument: "" (none), ">= 0", "> 0" or "<= 0".
    ``slopes`` are "increasing", "decreasing" or "" (neither).
    """

    function: str
    curvature: str
    slopes: tuple[str, ...]
    where: tuple[str, ...] = ()


_HALVES = tuple[str, str]


def _s_shaped(*names: str) -> tuple[Curve, ...]:
    """Increasing, convex for x <= 0 and concave for x >= 0."""
    return tuple(
        row
        for name in names
        for row in (Curve(name, CONCAVE, (UP,), (">= 0",)), Curve(name, CONVEX, (UP,), ("<= 0",)))
    )


def _bowls(*names: str) -> tuple[Curve, ...]:
    """Convex, falling for x <= 0 and rising for x >= 0."""
    return tuple(
        row
        for name in names
        for row in (
            Curve(name, CONVEX, (UP,), (">= 0",)),
            Curve(name, CONVEX, (DOWN,), ("<= 0",)),
            Curve(name, CONVEX, ("",)),
        )
    )


CURVES: tuple[Curve, ...] = (
    *(Curve(name, CONVEX, (UP,)) for name in ("exp", "expm1", "exp2", "exp10")),
    *(Curve(name, CONCAVE, (UP,)) for name in ("log", "log1p", "log2", "log10", "log_expit", "log_ndtr", "arccosh")),
    *_bowls("abs", "cosh", "i0"),
    *_s_shaped("tanh", "arctan", "expit", "erf", "ndtr", "arcsinh", "cbrt"),
    Curve("sinh", CONVEX, (UP,), (">= 0",)),
    Curve("sinh", CONCAVE, (UP,), ("<= 0",)),
    Curve("erfc", CONVEX, (DOWN,), (">= 0",)),
    Curve("erfc", CONCAVE, (DOWN,), ("<= 0",)),
    Curve("erfcx", CONVEX, (DOWN,)),
    Curve("maximum", CONVEX, (UP, UP)),
    Curve("minimum", CONCAVE, (UP, UP)),
    Curve("logaddexp", CONVEX, (UP, UP)),
    Curve("logaddexp2", CONVEX, (UP, UP)),
    Curve("hypot", CONVEX, (UP, UP), (">= 0", ">= 0")),
    Curve("hypot", CONVEX, ("", "")),
    Curve("entr", CONCAVE, ("",)),
    Curve("rel_entr", CONVEX, ("", DOWN)),
    Curve("kl_div", CONVEX, ("", "")),
    Curve("gamma", CONVEX, ("",), ("> 0",)),
    Curve("gammaln", CONVEX, ("",), ("> 0",)),
    Curve("digamma", CONCAVE, (UP,), ("> 0",)),
    Curve("betaln", CONVEX, (DOWN, DOWN), ("> 0", "> 0")),
)
"""Where the elementwise functions are convex or concave; the first row that fits is used."""

_IN_LAST: dict[str, tuple[str, ...]] = {"huber": (UP,), "pseudo_huber": (UP,)}
"""Convex and even in the last argument, the first being constant: rising where it is >= 0."""


@final
@dataclass(frozen=True)
class Ruling:
    """What a node is shown to be, by which rule, from its parts."""

    node: Node
    curvature: str
    rule: str
    parts: tuple[Ruling, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The argument, from the parts on: one line for each node that is not obvious."""
        found: dict[str, None] = {}

        def visit(ruling: Ruling) -> None:
            for part in ruling.parts:
                visit(part)
            if ruling.rule:
                found[f"{_text(ruling.node)} is {ruling.curvature}: {ruling.rule}"] = None

        visit(self)
        return tuple(found)


def _text(node: Node) -> str:
    text = str(Array(node))
    return text if len(text) <= 90 else text[:87] + "..."


def curvature(node: Node, leaves: Sequence[Leaf], given: tuple[Relation, ...] = ()) -> Ruling:
    """What every entry of a node is as a function of some arrays jointly.

    The answer holds wherever the node is defined; that it is defined on a convex set is asked elsewhere.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> curvature(np.sum(np.abs(X @ w - y)).node, [w.node]).curvature
    'convex'
    >>> curvature(np.sum(np.tanh(X @ w)).node, [w.node]).curvature
    'unknown'
    """
    return _Composer(leaves, given).of(build.without_names(node))


class _Composer:
    def __init__(self, leaves: Sequence[Leaf], given: tuple[Relation, ...]) -> None:
        self.leaves = frozenset(leaves)
        self.given = given
        self.known: dict[Node, Ruling] = {}

    def of(self, root: Node) -> Ruling:
        """The ruling on a node, its parts first."""
        for node in root.walk():
            if node not in self.known:
                self.known[node] = self.rule(node)
        return self.known[root]

    def rule(self, node: Node) -> Ruling:
        """One node, whose children are known."""
        if isinstance(node, Leaf) and node in self.leaves:
            return Ruling(node, AFFINE, "")
        if all(self.known[c].curvature == CONSTANT for c in node.children):
            return Ruling(node, CONSTANT, "")
        match node:
            case Named():
                return self.known[node.body]
            case Sum():
                return self.sum(node)
            case Contraction():
                return self.contraction(node)
            case Map():
                return self.map(node)
            case Opaque():
                return self.opaque(node)
            case Differential():
                return Ruling(node, UNKNOWN, "")
        return Ruling(node, UNKNOWN, "")

    # -- sums and products

    def sum(self, node: Sum) -> Ruling:
        """A weighted sum."""
        parts = [self.known[term] for _, term in node.terms]
        kinds = [scaled(p.curvature, self.weight(w)) for (w, _), p in zip(node.terms, parts, strict=True)]
        made = joined(kinds)
        return self.made(node, made, "a sum with weights of these signs", parts)

    def weight(self, value: Expr) -> str:
        """The sign of a coefficient."""
        return str(sign_of(Number(value), self.given))

    def contraction(self, node: Contraction) -> Ruling:
        """Σ constants · (what moves): one moving factor, or a product of powers."""
        moving: list[Factor] = []
        constant: list[Factor] = []
        for factor in node.factors:
            (constant if self.known[factor[0]].curvature == CONSTANT else moving).append(factor)
        sign = self.product_sign(node.coefficient, constant)
        parts = [self.known[f] for f, _ in moving]
        if len(moving) == 1:
            ((factor, labels),) = moving
            kind = self.known[factor].curvature
            if isinstance(factor, Opaque) and kind == UNKNOWN:
                kind, rule = self.spectral(node, factor, labels)
                return self.made(node, scaled(kind, sign), rule, [self.known[factor.arguments[0]]])
            return self.made(node, scaled(kind, sign), "a sum with weights of one sign", parts)
        kind, rule, inner = self.product(moving)
        return self.made(node, scaled(kind, sign), rule, inner)

    def product_sign(self, coefficient: Expr, factors: Sequence[Factor]) -> str:
        """The sign of a product of constants, the same factor twice being a square."""
        total = self.weight(coefficient)
        for (factor, _), count in Counter(factors).items():
            sign = str(sign_of(factor, self.given))
            if count % 2 == 0:
                sign = {"+": "+", "-": "+", "nonzero": "+", "0": "0"}.get(sign, "0+")
            total = _times(total, sign)
        return total

    def product(self, moving: Sequence[Factor]) -> tuple[str, str, list[Ruling]]:
        """Π u^a entry by entry, from the exponents."""
        powers: dict[Factor, Expr] = {}
        for factor, labels in moving:
            for base, inner, exponent in self.monomial(factor, labels):
                key = (base, inner if base.shape else ())
                powers[key] = powers.get(key, exponent * 0) + exponent
        parts = [self.known[base] for base, _ in powers]
        if any(not e.is_Rational for e in powers.values()):
            return UNKNOWN, "", parts
        kind, rule = self.powers([(base, e) for (base, _), e in powers.items()])
        return kind, rule, parts

    def monomial(self, factor: Node, labels: Sequence[int]) -> list[tuple[Node, tuple[int, ...], Expr]]:
        """A factor as powers of bases; a power of a product of what is >= 0 is a product of powers."""
        if not (isinstance(factor, Map) and factor.function == "power" and isinstance(factor.arguments[1], Number)):
            return [(factor, tuple(labels), ONE)]
        base, exponent = factor.arguments[0], factor.arguments[1].value
        plain = isinstance(base, Contraction) and not base.bound and base.coefficient == 1 and len(base.factors) > 1
        if isinstance(base, Contraction) and plain and all(
            sign_of(f, self.given).nonnegative and self.known[f].curvature != CONSTANT for f, _ in base.factors
        ):
            return [(f, tuple(labels[i] for i in ls), exponent) for f, ls in base.factors]
        return [(base, tuple(labels), exponent)]

    def powers(self, powers: Sequence[tuple[Node, Expr]]) -> tuple[str, str]:
        """The curvature of Π u^a with affine u, all of them shown >= 0 (> 0 where a < 0)."""
        affine = all(self.known[base].curvature == AFFINE for base, _ in powers)
        signs = [str(sign_of(base, self.given)) for base, _ in powers]
        up = [e for _, e in powers if e > 0]
        total = sum((e for _, e in powers), ONE * 0)
        if len(powers) == 1:
            ((base, exponent),) = powers
            return self.power(base, exponent, signs[0])
        if any(s != "+" for s, (_, e) in zip(signs, powers, strict=True) if e < 0):
            return UNKNOWN, ""
        even = [e.is_Integer and int(e) % 2 == 0 for _, e in powers]
        held = [s in ("+", "0+", "0") or (e and len(up) == 1) for s, e in zip(signs, even, strict=True)]
        if not all(held):
            return UNKNOWN, ""
        concave = all(self.known[base].curvature in (AFFINE, CONCAVE) for base, _ in powers)
        nonnegative = all(s in ("+", "0+", "0") for s in signs)
        if len(up) == len(powers) and total <= 1 and concave and nonnegative:
            return CONCAVE, "a product of powers with exponents >= 0 of sum at most 1 (a weighted geometric mean)"
        if not up and concave:
            return CONVEX, "a product of negative powers of what is positive"
        if len(up) == 1 and total >= 1 and affine:
            return CONVEX, "one power over others whose exponents leave at least 1 (as u**2/v)"
        return UNKNOWN, ""

    def power(self, base: Node, exponent: Expr, sign: str) -> tuple[str, str]:
        """u^a."""
        nonnegative = sign in ("+", "0+", "0")
        whole = bool(exponent.is_Integer)
        if exponent == 1:
            return self.known[base].curvature, "a power 1"
        if exponent == 0:
            return UNKNOWN, ""
        if whole and exponent > 0 and int(exponent) % 2 == 0:
            slope = UP if nonnegative else (DOWN if sign in ("-", "0-") else "")
            return self.composed(CONVEX, [(self.known[base], slope)]), "an even power is convex"
        if not whole and exponent > 0:
            nonnegative = True  # a root is defined there only
        if exponent > 1 and nonnegative:
            return self.composed(CONVEX, [(self.known[base], UP)]), "a power above 1 of what is >= 0 is convex"
        if 0 < exponent < 1:
            if self.sum_of_squares(base) and exponent == ONE / 2:
                return CONVEX, "the length of an affine vector"
            return self.composed(CONCAVE, [(self.known[base], UP)]), "a power between 0 and 1 is concave"
        if exponent < 0 and (sign == "+" or not whole):
            return self.composed(CONVEX, [(self.known[base], DOWN)]), "a negative power of what is > 0 is convex"
        return UNKNOWN, ""

    def sum_of_squares(self, node: Node) -> bool:
        """Whether a node is Σ weight·u², weights >= 0 and u affine, so that its root is a length."""
        match node:
            case Sum():
                return all(self.weight(w) in ("+", "0+") and self.sum_of_squares(t) for w, t in node.terms)
            case Map(function="power", arguments=(base, Number(value=value))) if value == 2:
                return self.known[base].curvature in (AFFINE, CONSTANT)
            case Contraction():
                rest = [f for f in node.factors if self.known[f[0]].curvature != CONSTANT]
                constant = [f for f in node.factors if self.known[f[0]].curvature == CONSTANT]
                if self.product_sign(node.coefficient, constant) not in ("+", "0+"):
                    return False
                if len(rest) == 2:
                    return rest[0] == rest[1] and self.known[rest[0][0]].curvature == AFFINE
                return len(rest) == 1 and self.sum_of_squares(rest[0][0])
        return self.known[node].curvature == CONSTANT and sign_of(node, self.given).nonnegative

    # -- functions

    def map(self, node: Map) -> Ruling:
        """A function of the table, a power, or a choice that does not move."""
        inner = [self.known[a] for a in node.arguments]
        if node.function == "power":
            exponent = node.arguments[1]
            if len(self.monomial(node, range(node.rank))) > 1:
                kind, rule, parts = self.product([(node, tuple(range(node.rank)))])
                return self.made(node, kind, rule, parts)
            if isinstance(exponent, Number) and exponent.value.is_Rational:
                sign = str(sign_of(node.arguments[0], self.given))
                kind, rule = self.power(node.arguments[0], exponent.value, sign)
                return self.made(node, kind, rule, inner[:1])
            if inner[0].curvature == CONSTANT and sign_of(node.arguments[0], self.given).positive:
                kind = CONVEX if inner[1].curvature == AFFINE else UNKNOWN
                return self.made(node, kind, "a power with an affine exponent is convex", inner[1:])
            return Ruling(node, UNKNOWN, "")
        if node.function == "where" and inner[0].curvature == CONSTANT:
            return self.made(node, joined([p.curvature for p in inner[1:]]), "a choice that does not move", inner[1:])
        if node.function in _IN_LAST and inner[0].curvature == CONSTANT:
            sign = sign_of(node.arguments[1], self.given)
            slope = UP if sign.nonnegative else (DOWN if sign.nonpositive else "")
            return self.made(
                node, self.composed(CONVEX, [(inner[1], slope)]), f"{node.function} is convex and even", inner[1:]
            )
        for row in CURVES:
            if row.function == node.function and self.fits(row, node.arguments):
                kind = self.composed(row.curvature, list(zip(inner, row.slopes, strict=True)))
                if kind != UNKNOWN:
                    return self.made(node, kind, _row_text(row), inner)
        return Ruling(node, UNKNOWN, "")

    def fits(self, row: Curve, arguments: Sequence[Node]) -> bool:
        """Whether the arguments are shown to lie where the row speaks."""
        for argument, where in zip(arguments, row.where, strict=False):
            sign = sign_of(argument, self.given)
            shown = {"": True, ">= 0": sign.nonnegative, "> 0": sign.positive, "<= 0": sign.nonpositive}[where]
            if not shown:
                return False
        return True

    def composed(self, outer: str, arguments: Sequence[tuple[Ruling, str]]) -> str:
        """φ(g_1, ..., g_k) with φ of a curvature, from the g's and φ's slopes."""
        for inner, slope in arguments:
            kind = inner.curvature
            if kind in (CONSTANT, AFFINE):
                continue
            if not ((kind == outer and slope == UP) or (kind == OPPOSITE.get(outer) and slope == DOWN)):
                return UNKNOWN
        return outer

    def opaque(self, node: Opaque) -> Ruling:
        """Functions of an axis or of a matrix."""
        inner = self.known[node.arguments[0]]
        match node.function:
            case "logsumexp":
                kind, rule = self.composed(CONVEX, [(inner, UP)]), "log-sum-exp is convex and increasing"
            case "max":
                kind, rule = self.composed(CONVEX, [(inner, UP)]), "a maximum is convex and increasing"
            case "min":
                kind, rule = self.composed(CONCAVE, [(inner, UP)]), "a minimum is concave and increasing"
            case "logabsdet":
                definite = inner.curvature == AFFINE and "pd" in structure(node.arguments[0], self.given)
                kind = CONCAVE if definite else UNKNOWN
                rule = "the log-determinant is concave on positive definite matrices"
            case _:
                return Ruling(node, UNKNOWN, "")
        return self.made(node, kind, rule, [inner])

    def spectral(self, node: Contraction, factor: Opaque, labels: Sequence[int]) -> tuple[str, str]:
        """The sum or the largest of singular values; the largest or smallest eigenvalue; the eigenvalues' sum."""
        argument = self.known[factor.arguments[0]]
        if argument.curvature != AFFINE or factor.function not in ("svdvals", "eigvalsh"):
            return UNKNOWN, ""
        last = labels[-1]
        others = [(f, ls) for f, ls in node.factors if f is not factor and last in ls]
        if last >= node.out_rank and not others and factor.function == "svdvals":
            return CONVEX, "the sum of the singular values of an affine matrix is convex"
        if len(others) != 1 or not isinstance(others[0][0], Basis) or last < node.out_rank:
            return UNKNOWN, ""
        basis = others[0][0]
        if factor.function == "svdvals" and basis.index == 0:
            return CONVEX, "the largest singular value of an affine matrix is convex"
        if factor.function == "eigvalsh" and basis.index == 0:
            return CONCAVE, "the smallest eigenvalue of an affine symmetric matrix is concave"
        if factor.function == "eigvalsh" and basis.index == basis.dim - 1:
            return CONVEX, "the largest eigenvalue of an affine symmetric matrix is convex"
        return UNKNOWN, ""

    def made(self, node: Node, kind: str, rule: str, parts: Sequence[Ruling]) -> Ruling:
        """A ruling; an affine node needs no words."""
        if kind == UNKNOWN:
            return Ruling(node, UNKNOWN, "")
        return Ruling(node, kind, "" if kind == AFFINE else rule, tuple(parts))


def _row_text(row: Curve) -> str:
    slopes = [s for s in row.slopes if s]
    about = f" and {slopes[0]}" if len(slopes) == len(row.slopes) and len(set(slopes)) == 1 else ""
    where = [w for w in row.where if w]
    return f"{row.function} is {row.curvature}{about}{f' where its argument is {where[0]}' if where else ''}"


def scaled(kind: str, sign: str) -> str:
    """The curvature of a multiple, from the multiplier's sign."""
    if kind in (CONSTANT, AFFINE) or sign in ("+", "0+"):
        return kind
    if sign == "0":
        return CONSTANT
    return OPPOSITE.get(kind, UNKNOWN) if sign in ("-", "0-") else UNKNOWN


def joined(kinds: Sequence[str]) -> str:
    """The curvature of a sum."""
    found = set(kinds) - {CONSTANT}
    if not found:
        return CONSTANT
    found -= {AFFINE}
    if not found:
        return AFFINE
    return found.pop() if len(found) == 1 else UNKNOWN


def _times(a: str, b: str) -> str:
    """The sign of a product."""
    if "0" in (a, b):
        return "0"
    if "unknown" in (a, b):
        return "unknown"
    if "nonzero" in (a, b):
        return "nonzero" if {a, b} <= {"nonzero", "+", "-"} else "unknown"
    negative = (a[-1] == "-") != (b[-1] == "-")
    loose = a[0] == "0" or b[0] == "0"
    return ("0" if loose else "") + ("-" if negative else "+")


__all__ = [
    "AFFINE",
    "CONCAVE",
    "CONSTANT",
    "CONVEX",
    "CURVES",
    "UNKNOWN",
    "Curve",
    "Ruling",
    "curvature",
    "joined",
    "scaled",
]
