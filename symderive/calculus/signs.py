"""Signs and bounds of array expressions, proved from what is declared.

Every answer holds for every entry, every point of the declared domains (and of
``given``) at which the expression is defined, and every dimension >= 1.  What
cannot be shown is ``unknown``; nothing is sampled.  The method is interval
arithmetic with open and closed ends (Moore, Kearfott & Cloud, Introduction to
Interval Analysis, 2009, ch. 2 and 5) over the rows of ``language.functions``,
with three additions: equal factors of a product are taken as one power, so that
squares are nonnegative; weights on a simplex give a convex combination; and the
given relations cut the bounds of what they name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import final

from sympy import Expr, Rational, S

from symderive.calculus.structure import Structures, stated
from symderive.language import build
from symderive.language.domains import Entries
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    ONE,
    Basis,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)
from symderive.language.statements import Relation

INFINITY = math.inf
End = Fraction | float
"""An end of an interval: a fraction, or plus or minus infinity."""


@final
@dataclass(frozen=True)
class Sign:
    """A sign with the facts that show it; compares equal to its text, ``sign == "+"``."""

    value: str
    facts: tuple[str, ...] = field(default=(), compare=False)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sign):
            return self.value == other.value
        return self.value == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)

    @property
    def positive(self) -> bool:
        """Whether > 0 is shown."""
        return self.value == "+"

    @property
    def nonnegative(self) -> bool:
        """Whether >= 0 is shown."""
        return self.value in ("+", "0+", "0")

    @property
    def negative(self) -> bool:
        """Whether < 0 is shown."""
        return self.value == "-"

    @property
    def nonpositive(self) -> bool:
        """Whether <= 0 is shown."""
        return self.value in ("-", "0-", "0")

    @property
    def nonzero(self) -> bool:
        """Whether != 0 is shown."""
        return self.value in ("+", "-", "nonzero")


@final
@dataclass(frozen=True)
class Bounds:
    """An interval that holds every entry; ``nonzero`` takes 0 out of it."""

    low: End = -INFINITY
    high: End = INFINITY
    low_open: bool = True
    high_open: bool = True
    nonzero: bool = False

    @property
    def sign(self) -> str:
        """The sign that the bounds show."""
        out = self.nonzero
        if self.low == 0 == self.high:
            return "0"
        if self.low > 0 or (self.low == 0 and (self.low_open or out)):
            return "+"
        if self.high < 0 or (self.high == 0 and (self.high_open or out)):
            return "-"
        if self.low == 0:
            return "0+"
        if self.high == 0:
            return "0-"
        return "nonzero" if out else "unknown"

    def meet(self, other: Bounds) -> Bounds:
        """Both hold."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Bounds(low, high, low_open, not high_closed, self.nonzero or other.nonzero)

    def join(self, other: Bounds) -> Bounds:
        """One of them holds."""
        low, low_open = min((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = max((self.high, not self.high_open), (other.high, not other.high_open))
        nonzero = all(b.sign in ("+", "-", "nonzero") for b in (self, other))
        return Bounds(low, high, low_open, not high_closed, nonzero)

    def spread(self) -> Bounds:
        """Bounds of sums and averages of entries: numbers that are not 0 may cancel."""
        return self if self.sign in ("+", "-") else replace(self, nonzero=False)

    def negate(self) -> Bounds:
        """Bounds of the negative."""
        return Bounds(-self.high, -self.low, self.high_open, self.low_open, self.nonzero)

    def plus(self, other: Bounds) -> Bounds:
        """Bounds of the sum."""
        return Bounds(
            _sum(self.low, other.low),
            _sum(self.high, other.high),
            self.low_open or other.low_open,
            self.high_open or other.high_open,
        )

    def times(self, other: Bounds) -> Bounds:
        """Bounds of the product."""
        ends = []
        for a, a_open in ((self.low, self.low_open), (self.high, self.high_open)):
            for b, b_open in ((other.low, other.low_open), (other.high, other.high_open)):
                if a == 0 or b == 0:
                    # 0 is reached if the end that is 0 is: the other factor is some finite number.
                    reached = (a == 0 and not a_open) or (b == 0 and not b_open)
                    ends.append((Fraction(0), not reached))
                else:
                    ends.append((_product(a, b), a_open or b_open))
        low, low_open = min(ends)
        high, high_closed = max((e, not o) for e, o in ends)
        nonzero = all(b.sign in ("+", "-", "nonzero") for b in (self, other))
        return Bounds(low, high, low_open, not high_closed, nonzero)

    def inverse(self) -> Bounds:
        """Bounds of the reciprocal, where it is defined."""
        sign = self.sign
        if sign in ("+", "0+"):
            low = Fraction(0) if self.high == INFINITY else 1 / Fraction(self.high)
            high = INFINITY if self.low == 0 else 1 / Fraction(self.low)
            return Bounds(low, high, self.high == INFINITY or self.high_open, self.low == 0 or self.low_open, True)
        if sign in ("-", "0-"):
            return self.negate().inverse().negate()
        return Bounds(nonzero=True)

    def power(self, exponent: Expr) -> Bounds:
        """Bounds of a constant power, where it is defined."""
        if not exponent.is_number:
            positive = self.sign == "+" or bool(not exponent.is_integer and exponent.is_negative)
            if positive or self.sign == "0+" or not exponent.is_integer:
                return Bounds(Fraction(0), INFINITY, positive)
            return Bounds(nonzero=self.sign in ("-", "nonzero"))
        if exponent.is_negative:
            return self.power(-exponent).inverse()
        if exponent.is_Integer:
            k = int(exponent)
            if k == 0:
                return exactly(Fraction(1))
            base = self
            if k % 2 == 0:
                base = self.magnitude()
            ends = [-INFINITY if e == -INFINITY else e**k for e in (base.low, base.high)]
            nonzero = base.sign in ("+", "-", "nonzero")
            return Bounds(ends[0], ends[1], base.low_open, base.high_open, nonzero)
        base = self.meet(NONNEGATIVE)  # defined only there
        nonzero = base.sign == "+"
        low_one = base.low >= 1
        high_one = base.high <= 1
        return Bounds(
            Fraction(1) if low_one else Fraction(0),
            Fraction(1) if high_one else INFINITY,
            base.low_open if (low_one and base.low == 1) or base.low == 0 else True,
            base.high_open if high_one and base.high == 1 else True,
            nonzero,
        )

    def magnitude(self) -> Bounds:
        """Bounds of the absolute value."""
        nonzero = self.sign in ("+", "-", "nonzero")
        if self.low >= 0:
            return self
        if self.high <= 0:
            return self.negate()
        high, closed = max((-self.low, not self.low_open), (self.high, not self.high_open))
        return Bounds(Fraction(0), high, False, not closed, nonzero)


def _sum(a: End, b: End) -> End:
    """a + b; Python adds an infinity to a fraction as floats, and long fractions are none."""
    if isinstance(a, float):
        return a
    return b if isinstance(b, float) else a + b


def _product(a: End, b: End) -> End:
    """a·b of numbers that are not 0."""
    if isinstance(a, float) or isinstance(b, float):
        return INFINITY if (a > 0) == (b > 0) else -INFINITY
    return a * b


def exactly(value: Fraction) -> Bounds:
    """The bounds of one number."""
    return Bounds(value, value, False, False, value != 0)


_FREE = Bounds()
_UNIT_OPEN = Bounds(Fraction(0), Fraction(1))
_UNIT = Bounds(Fraction(0), Fraction(1), False, False)
POSITIVE = Bounds(Fraction(0), INFINITY)
NONNEGATIVE = Bounds(Fraction(0), INFINITY, False)
_SIGN = Bounds(Fraction(-1), Fraction(1), False, False)


def _end(value: Expr, up: bool) -> tuple[End, bool]:
    """A SymPy number as an end; an irrational one is rounded outwards (and then open)."""
    if value.is_infinite:
        return (INFINITY if value is S.Infinity else -INFINITY), True
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q)), False  # type: ignore[attr-defined]
    close = Rational(value.evalf(30))  # a float would be infinite for exp(1000)
    near = Fraction(int(close.p), int(close.q))
    slack = (abs(near) + 1) / 2**40
    if (value.is_positive and near < slack) or (value.is_negative and near > -slack):
        return Fraction(0), True
    return (near + slack if up else near - slack), True


def entry_bounds(entries: Entries) -> Bounds:
    """The bounds that a leaf's declared entries give."""
    if entries.symbols:
        # ends in the dimensions: what they are at least, or at most, at all sizes
        least, most = number_bounds(entries.low), number_bounds(entries.high)
        return Bounds(
            least.low,
            most.high,
            entries.low_open or least.low_open,
            entries.high_open or most.high_open,
            bool(entries.is_nonzero),
        )
    entries = entries.tight
    low, outward_low = _end(entries.low, False)
    high, outward_high = _end(entries.high, True)
    return Bounds(
        low, high, entries.low_open or outward_low, entries.high_open or outward_high, bool(entries.is_nonzero)
    )


@lru_cache(maxsize=10_000)
def number_bounds(value: Expr) -> Bounds:
    """Bounds of an expression in the dimensions, each a positive integer."""
    if value.is_Rational:
        return exactly(_end(value, True)[0])  # type: ignore[arg-type]
    if value.is_number and value.is_real:
        low, high = _end(value, False), _end(value, True)
        return Bounds(low[0], high[0], low[1], high[1], bool(value.is_nonzero))
    if value.is_Symbol and value.is_integer and value.is_positive:
        return Bounds(Fraction(1), INFINITY, False)
    if value.is_Add or value.is_Mul:
        parts = [number_bounds(a) for a in value.args]  # type: ignore[arg-type]
        found = parts[0]
        for part in parts[1:]:
            found = found.plus(part) if value.is_Add else found.times(part)
    elif value.is_Pow and value.args[1].is_number:
        found = number_bounds(value.args[0]).power(value.args[1])  # type: ignore[arg-type]
    else:
        found = _FREE
    if value.is_positive:
        return found.meet(POSITIVE)
    if value.is_negative:
        return found.meet(POSITIVE.negate())
    if value.is_nonnegative:
        return found.meet(NONNEGATIVE)
    if value.is_nonpositive:
        return found.meet(NONNEGATIVE.negate())
    return found


def _given_bounds(given: Iterable[Relation]) -> dict[Node, list[tuple[Bounds, str]]]:
    """The given relations as bounds of the nodes that they name (a side, and the difference)."""
    known: dict[Node, list[tuple[Bounds, str]]] = {}

    def note(node: Node, op: str, value: Fraction, text: str) -> None:
        match op:
            case ">" | ">=":
                bounds = Bounds(value, INFINITY, op == ">")
            case "<" | "<=":
                bounds = Bounds(-INFINITY, value, True, op == "<")
            case "==":
                bounds = exactly(value)
            case _ if value == 0:
                bounds = Bounds(nonzero=True)
            case _:
                return
        while isinstance(node, Named):
            node = node.body
        known.setdefault(node, []).append((bounds, text))

    flipped = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
    for relation in given:
        lhs, rhs = build.without_names(relation.lhs), build.without_names(relation.rhs)
        text = f"given: {relation}"
        if isinstance(rhs, Number) and rhs.value.is_Rational:
            note(lhs, relation.op, Fraction(int(rhs.value.p), int(rhs.value.q)), text)  # type: ignore[attr-defined]
        if isinstance(lhs, Number) and lhs.value.is_Rational:
            value = Fraction(int(lhs.value.p), int(lhs.value.q))  # type: ignore[attr-defined]
            note(rhs, flipped[relation.op], value, text)
        shape = lhs.shape or rhs.shape
        if not isinstance(lhs, Number) and not isinstance(rhs, Number):
            note(build.add([(ONE, lhs), (-ONE, rhs)], shape), relation.op, Fraction(0), text)
            note(build.add([(ONE, rhs), (-ONE, lhs)], shape), flipped[relation.op], Fraction(0), text)
    return known


def _given_structures(known: dict[Node, list[tuple[Bounds, str]]]) -> dict[Node, frozenset[str]]:
    """What given bounds of determinants and eigenvalues say of their matrices."""
    found: dict[Node, set[str]] = {}
    for node, bounds in known.items():
        for given, _ in bounds:
            said = stated(node, given.sign)
            if said is not None:
                found.setdefault(said[0], set()).add(said[1])
    return {matrix: frozenset(names) for matrix, names in found.items()}


class Signs:
    """Bounds of nodes under given relations, each node visited once."""

    def __init__(self, given: Sequence[Relation] = ()) -> None:
        self.given = tuple(given)
        self._known = _given_bounds(self.given)
        self._structures = Structures(self.bounds, _given_structures(self._known))
        self._memo: dict[Node, tuple[Bounds, tuple[str, ...]]] = {}

    def structure(self, node: Node) -> frozenset[str]:
        """What a matrix is shown to be; see `structure`."""
        return self._structures.of(node)

    def bounds(self, node: Node) -> Bounds:
        """Bounds of every entry of the node."""
        return self._visit(node)[0]

    def sign(self, node: Node) -> Sign:
        """The sign of every entry of the node, with the facts used."""
        bounds, facts = self._visit(node)
        return Sign(bounds.sign, facts if bounds.sign != "unknown" else ())

    def _visit(self, node: Node) -> tuple[Bounds, tuple[str, ...]]:
        for current in node.walk():
            if current in self._memo:
                continue
            bounds, facts = self._one(current)
            for more, text in self._known.get(current, ()):
                met = bounds.meet(more)
                if met != bounds:
                    bounds, facts = met, (*facts, text)
            self._memo[current] = (bounds, tuple(dict.fromkeys(facts)) if bounds != _FREE else ())
        return self._memo[node]

    def _one(self, node: Node) -> tuple[Bounds, tuple[str, ...]]:
        match node:
            case Leaf():
                bounds = entry_bounds(node.domain.entries)
                if node.domain.has("simplex"):
                    bounds = bounds.meet(_UNIT)
                return bounds, (f"{node.name} is declared {node.domain}",) if bounds != _FREE else ()
            case Number():
                facts = ("dimensions are at least 1",) if node.value.free_symbols else ()
                return number_bounds(node.value), facts
            case Delta() | Basis() | Slice() | Merge():
                return _UNIT, ()
            case Range():
                return NONNEGATIVE, ()
            case Named():
                return self._memo[node.body]
            case Sum():
                total, facts = exactly(Fraction(0)), []
                for weight, term in node.terms:
                    total = total.plus(number_bounds(weight).times(self._memo[term][0]))
                    facts += self._memo[term][1]
                return total, tuple(facts)
            case Contraction():
                return self._contraction(node)
            case Map():
                return self._map(node)
            case Opaque():
                return self._opaque(node)
            case Differential():
                return _FREE, ()
        return _FREE, ()

    def _contraction(self, node: Contraction) -> tuple[Bounds, tuple[str, ...]]:
        exponents: dict[tuple[Node, tuple[int, ...]], Expr] = {}
        facts: list[str] = []
        averaged: set[int] = set()
        picked: set[int] = set()
        for factor, labels in node.factors:
            facts += self._memo[factor][1]
            one = _picks(factor, labels, node.bound)
            if one and averaged.isdisjoint(one):
                averaged.update(one)
                picked.update(one)
                continue
            simplex = _simplex_label(factor, labels)
            if simplex is not None and simplex in node.bound and simplex not in averaged:
                averaged.add(simplex)
                facts.append(f"the weights {_short(factor)} sum to 1")
                continue
            base, exponent = factor, ONE
            while isinstance(base, Named):
                base = base.body
            if isinstance(base, Map) and base.function == "power" and isinstance(base.arguments[1], Number):
                inner = base.arguments[0]
                if inner.shape == base.shape and base.arguments[1].value.is_Integer:
                    base, exponent = inner, base.arguments[1].value
            exponents[base, labels] = exponents.get((base, labels), 0 * ONE) + exponent
        total = exactly(Fraction(1))
        for (base, labels), exponent in exponents.items():
            own = self._memo[base][0].meet(self._on_diagonal(base, labels, facts))
            total = total.times(own.power(exponent) if exponent != 1 else own)
            if exponent.is_even and exponent != 0:
                facts.append("an even power is >= 0")
        if not picked.issuperset(node.bound):
            total = total.spread()
        for label in node.bound:
            if label not in averaged:
                total = _summed(total, node.label_dims[label])
        bounds = number_bounds(node.coefficient).times(total)
        if bounds.low < 0 and self._structures.quadratic(node):
            bounds, facts = bounds.meet(NONNEGATIVE), [*facts, "x^T K x >= 0 where K is positive semidefinite"]
        return bounds, tuple(facts)

    def _on_diagonal(self, node: Node, labels: tuple[int, ...], facts: list[str]) -> Bounds:
        """Bounds of diagonal entries, where both matrix axes carry one label."""
        if len(labels) < 2 or labels[-1] != labels[-2]:
            return _FREE
        found = self._structures.of(node)
        if "pd" in found or (isinstance(node, Opaque) and node.function == "cholesky"):
            facts.append(f"the diagonal of {_short(node)} is > 0")
            return POSITIVE
        if "psd" in found:
            facts.append(f"the diagonal of {_short(node)} is >= 0")
            return NONNEGATIVE
        return _FREE

    def _map(self, node: Map) -> tuple[Bounds, tuple[str, ...]]:
        row = FUNCTIONS[node.function]
        inner = [self._memo[a][0] for a in node.arguments]
        facts = tuple(f for a in node.arguments for f in self._memo[a][1])
        bounds = _function_bounds(node, inner)
        if row.mask:
            return bounds.meet(_UNIT), (*facts, "a mask is 0 or 1")
        if row.sign == "+":
            bounds = bounds.meet(POSITIVE)
            facts = (*facts, f"{row.name} > 0")
        elif row.sign == "0+":
            bounds = bounds.meet(NONNEGATIVE)
            facts = (*facts, f"{row.name} >= 0")
        return bounds, facts

    def _opaque(self, node: Opaque) -> tuple[Bounds, tuple[str, ...]]:
        inner = self._memo[node.arguments[0]][0]
        facts = self._memo[node.arguments[0]][1]
        match node.function:
            case "softmax":
                one = node.shape[-1] == 1
                return (exactly(Fraction(1)) if one else Bounds(Fraction(0), Fraction(1), True, False)), (
                    "softmax entries are in (0, 1]",
                )
            case "log_softmax":
                return Bounds(-INFINITY, Fraction(0), True, False), ("log-softmax entries are <= 0",)
            case "logsumexp":
                return Bounds(inner.low, INFINITY, inner.low_open), facts
            case "prod":
                if inner.sign == "+":
                    low = Fraction(1) if inner.low >= 1 else Fraction(0)
                    high = Fraction(1) if inner.high <= 1 else INFINITY
                    return Bounds(low, high, inner.low_open, inner.high_open, True), facts
                if inner.sign in ("0+", "0"):
                    return Bounds(Fraction(0), Fraction(1) if inner.high <= 1 else INFINITY, False, False), facts
                return Bounds(nonzero=inner.sign in ("-", "nonzero")), facts
            case "max" | "min":
                return inner, facts
            case "is_max" | "is_min":
                return _UNIT, ("a mask is 0 or 1",)
        return self._of_matrix(node)

    def _of_matrix(self, node: Opaque) -> tuple[Bounds, tuple[str, ...]]:
        found = self._structures.of(node.arguments[0])
        what = _short(node.arguments[0])
        bounds = _FREE
        if node.function in ("det", "eigvalsh"):
            if node.function == "eigvalsh" and "symmetric" not in found:
                return _FREE, ()
            if "pd" in found:
                bounds, fact = POSITIVE, f"{what} is positive definite"
            elif "psd" in found:
                bounds, fact = NONNEGATIVE, f"{what} is positive semidefinite"
            elif "invertible" in found:
                bounds, fact = Bounds(nonzero=True), f"{what} is invertible"
            else:
                return _FREE, ()
            if "orthogonal" in found:
                bounds = bounds.meet(_SIGN)
            return bounds, (fact,)
        match node.function:
            case "signdet" if "pd" in found:
                return exactly(Fraction(1)), (f"{what} is positive definite",)
            case "signdet":
                return replace(_SIGN, nonzero="invertible" in found), ("a sign is -1, 0 or 1",)
            case "svdvals":
                return replace(NONNEGATIVE, nonzero="invertible" in found), ("singular values are >= 0",)
            case "eigvecs" | "svd_u" | "svd_vt":
                return _SIGN, ("entries of unit vectors are in [-1, 1]",)
        return bounds, ()


def _short(node: Node) -> str:
    if isinstance(node, Leaf | Named):
        return node.name
    return node.function if isinstance(node, Map | Opaque) else "the matrix"


def _simplex_label(factor: Node, labels: tuple[int, ...]) -> int | None:
    """The label along which a factor's entries are weights that sum to 1."""
    while isinstance(factor, Named):
        factor = factor.body
    if isinstance(factor, Leaf) and factor.domain.has("simplex"):
        label = labels[factor.domain.axis("simplex")]
    elif isinstance(factor, Opaque) and factor.function == "softmax":
        label = labels[-1]
    else:
        return None
    return label if labels.count(label) == 1 else None


def _picks(factor: Node, labels: tuple[int, ...], bound: tuple[int, ...]) -> tuple[int, ...]:
    """The bound labels of which a factor leaves exactly one value, whatever its other labels are."""
    if len(set(labels)) != len(labels):
        return ()
    match factor:
        case Basis() | Slice() if labels[0] in bound:
            return labels[:1]
        case Merge() if labels[0] in bound:
            return labels[:1]
        case Merge() if labels[1] in bound and labels[2] in bound:
            return labels[1:]
    return ()


def _summed(bounds: Bounds, dim: Expr) -> Bounds:
    """Bounds of a sum of ``dim`` entries, ``dim`` at least 1."""
    size = number_bounds(dim)
    if size.low < 1:
        return _FREE
    return bounds.times(Bounds(size.low, size.high, False, size.high == INFINITY))


def _function_bounds(node: Map, inner: list[Bounds]) -> Bounds:
    x = inner[0]
    match node.function:
        case "exp":
            low: End = Fraction(1) + x.low if x.low >= 0 else Fraction(0)  # exp x >= 1 + x
            if low == INFINITY:
                low = Fraction(1)
            strict = x.low_open or x.low > 0 or x.low < 0
            high = Fraction(1) if x.high <= 0 else INFINITY
            return Bounds(low, high, strict, not (x.high == 0 and not x.high_open), True)
        case "log" | "log1p" | "logit" | "ndtri" | "boxcox":
            at = _CROSSES[node.function]
            low = Fraction(0) if x.low >= at else -INFINITY
            high = Fraction(0) if x.high <= at else INFINITY
            nonzero = x.low > at or x.high < at
            return Bounds(
                low, high, x.low_open if x.low == at else nonzero, x.high_open if x.high == at else nonzero, nonzero
            )
        case "exp2" | "exp10":
            strict = x.low != 0 or x.low_open
            up = not (x.high == 0 and not x.high_open)
            return Bounds(
                Fraction(int(x.low >= 0)), Fraction(1) if x.high <= 0 else INFINITY, strict, up, True
            )
        case (
            "expm1" | "tanh" | "sinh" | "arctan" | "arcsinh" | "arctanh" | "arcsin" | "cbrt" | "erf" | "erfinv"
            | "i1" | "i1e"
        ):
            return of_sign(x.sign).meet(_ODD_RANGE.get(node.function, _FREE))
        case "arccos":
            return Bounds(Fraction(0), Fraction(22, 7), x.high < 1 or (x.high == 1 and x.high_open))
        case "arccosh":
            return Bounds(Fraction(0), INFINITY, x.low > 1 or (x.low == 1 and x.low_open))
        case "arctan2":
            return Bounds(Fraction(-22, 7), Fraction(22, 7))
        case "erfc":
            low, high = Fraction(int(x.high <= 0)), Fraction(1 if x.low >= 0 else 2)
            return Bounds(low, high, x.high != 0 or x.high_open, x.low != 0 or x.low_open, True)
        case "erfcx":
            return Bounds(Fraction(0), Fraction(1) if x.low >= 0 else INFINITY, True, x.low != 0 or x.low_open, True)
        case "log_ndtr":
            return Bounds(-INFINITY, Fraction(0))
        case "gamma" | "rgamma" | "gammaln" | "loggamma" | "digamma" | "polygamma" | "beta":
            return _gamma_bounds(node, inner)
        case "gammainc":
            return Bounds(Fraction(0), Fraction(1), inner[1].sign == "+")
        case "gammaincc":
            return Bounds(Fraction(0), Fraction(1), True, inner[1].sign == "+")
        case "i0":
            return Bounds(Fraction(1), INFINITY, x.sign in ("+", "-", "nonzero"))
        case "i0e":
            return Bounds(Fraction(0), Fraction(1), True, x.sign in ("+", "-", "nonzero"))
        case "iv" | "ive":
            even = isinstance(node.arguments[0], Number) and bool(node.arguments[0].value.is_even)
            return of_sign(inner[1].power(ONE * 2).sign if even else inner[1].sign)
        case "spherical_jn" | "sinc":
            return Bounds(Fraction(-1), Fraction(1), False, False)
        case "hypot":
            a, b = x.magnitude(), inner[1].magnitude()
            low, low_open = max((a.low, a.low_open), (b.low, b.low_open))
            return Bounds(low, INFINITY, low_open, True, "+" in (a.sign, b.sign))
        case "floor" | "ceil" | "trunc" | "rint":
            low = x.low if x.low == -INFINITY else Fraction(math.floor(x.low))
            high = x.high if x.high == INFINITY else Fraction(math.ceil(x.high))
            return Bounds(low, high, low == -INFINITY, high == INFINITY)
        case "remainder":
            if inner[1].sign == "+":
                return Bounds(Fraction(0), inner[1].high, False)
            return Bounds(inner[1].low, Fraction(0), True, False) if inner[1].sign == "-" else _FREE
        case "copysign":
            if inner[1].low >= 0:
                return x.magnitude()
            return x.magnitude().negate() if inner[1].sign == "-" else _FREE
        case "expit" | "ndtr":
            half = Fraction(1, 2)
            low = half if x.low >= 0 else Fraction(0)
            high = half if x.high <= 0 else Fraction(1)
            return Bounds(low, high, x.low != 0 or x.low_open, x.high != 0 or x.high_open, True)
        case "cosh":
            return Bounds(Fraction(1), INFINITY, x.sign in ("+", "-", "nonzero"))
        case "sin" | "cos":
            return Bounds(Fraction(-1), Fraction(1), False, False)
        case "log_expit":
            return Bounds(-INFINITY, Fraction(0))
        case "logaddexp" | "logaddexp2":
            low = max(x.low, inner[1].low)
            return Bounds(low)
        case "abs":
            return x.magnitude()
        case "sign":
            match x.sign:
                case "+":
                    return exactly(Fraction(1))
                case "-":
                    return exactly(Fraction(-1))
                case "0":
                    return exactly(Fraction(0))
            bounds = Bounds(Fraction(-1), Fraction(1), False, False, x.sign == "nonzero")
            return bounds.meet(of_sign(x.sign))
        case "maximum":
            return _larger(x, inner[1])
        case "minimum":
            return _smaller(x, inner[1])
        case "clip":
            return _smaller(_larger(x, inner[1]), inner[2])
        case "heaviside":
            if x.sign in ("+", "-"):
                return exactly(Fraction(int(x.sign == "+")))
            return inner[1].join(_UNIT)
        case "where":
            return inner[1].join(inner[2])
        case "power":
            exponent = node.arguments[1]
            if isinstance(exponent, Number):
                return x.power(exponent.value)
            return POSITIVE if x.sign == "+" else _FREE
        case "kl_div":
            return NONNEGATIVE
        case "entr":
            return NONNEGATIVE if x.high <= 1 else _FREE
        case "xlogy" | "rel_entr":
            return _FREE
    return _FREE


_CROSSES = {
    "log": Fraction(1),
    "log1p": Fraction(0),
    "logit": Fraction(1, 2),
    "ndtri": Fraction(1, 2),
    "boxcox": Fraction(1),
}
"""Where increasing functions are 0."""

_ODD_RANGE = {
    "tanh": Bounds(Fraction(-1), Fraction(1)),
    "expm1": Bounds(Fraction(-1)),
    "erf": Bounds(Fraction(-1), Fraction(1)),
    "i1e": Bounds(Fraction(-1), Fraction(1)),
    "arcsin": Bounds(Fraction(-11, 7), Fraction(11, 7)),
    "arctan": Bounds(Fraction(-11, 7), Fraction(11, 7)),
}
"""Between which numbers functions of the sign of their argument stay (π < 22/7)."""


def _gamma_bounds(node: Map, inner: list[Bounds]) -> Bounds:
    """Bounds of gamma functions: Γ > 7/8 on the positive numbers, ψ rises through 0 between 1 and 3/2."""
    x = inner[-1]
    if not all(b.sign == "+" for b in inner):
        return Bounds(nonzero=node.function == "gamma")
    match node.function:
        case "gamma":
            return Bounds(Fraction(7, 8))
        case "rgamma":
            return Bounds(Fraction(0), Fraction(8, 7))
        case "gammaln" | "loggamma":
            high = Fraction(0) if x.low >= 1 and x.high <= 2 else INFINITY
            return Bounds(Fraction(0) if x.low >= 2 else Fraction(-1, 8), high, x.low != 2, high == INFINITY)
        case "digamma":
            return POSITIVE if x.low >= Fraction(3, 2) else POSITIVE.negate() if x.high <= 1 else _FREE
        case "polygamma":
            order = node.arguments[0]
            odd = isinstance(order, Number) and order.value.is_odd
            return POSITIVE if odd else POSITIVE.negate()
    return POSITIVE


def _larger(x: Bounds, y: Bounds) -> Bounds:
    low, low_open = max((x.low, x.low_open), (y.low, y.low_open))
    return Bounds(low, max(x.high, y.high), low_open, False).meet(x.join(y))


def _smaller(x: Bounds, y: Bounds) -> Bounds:
    high, closed = min((x.high, not x.high_open), (y.high, not y.high_open))
    return Bounds(min(x.low, y.low), high, False, not closed).meet(x.join(y))


def of_sign(sign: str) -> Bounds:
    """The bounds that a sign says; none for ``unknown``."""
    match sign:
        case "+":
            return POSITIVE
        case "-":
            return POSITIVE.negate()
        case "0+":
            return NONNEGATIVE
        case "0-":
            return NONNEGATIVE.negate()
        case "0":
            return exactly(Fraction(0))
        case "nonzero":
            return Bounds(nonzero=True)
    return _FREE


def sign_of(node: Node, given: tuple[Relation, ...] = ()) -> Sign:
    """The sign of every entry of a node, at every point of the declared domains.

    The answer is one of ``"+"``, ``"0+"``, ``"0"``, ``"-"``, ``"0-"``,
    ``"nonzero"``, ``"unknown"`` and compares equal to that text; ``.facts``
    says what it rests on.  It holds wherever the node is defined.  ``given``
    are relations that may be used (``x > 0``, ``a >= b``).

    >>> import numpy as np, symderive as sd
    >>> from symderive.calculus.signs import sign_of
    >>> n = sd.dims("n")
    >>> x = sd.array("x", n)
    >>> str(sign_of((1 + np.exp(x)).node)), str(sign_of(np.sum(x**2).node)), str(sign_of(x.node))
    ('+', '0+', 'unknown')
    """
    return Signs(given).sign(node)


def structure(node: Node, given: tuple[Relation, ...] = ()) -> frozenset[str]:
    """What a matrix is at every point of the declared domains: some of `structure.STRUCTURES`.

    The matrix is the last two axes of the node; what is said holds for each
    matrix of a batch, wherever it is defined.  What cannot be shown is left out.

    >>> import numpy as np, symderive as sd
    >>> from symderive.calculus.signs import structure
    >>> n, d = sd.dims("n d")
    >>> X, c = sd.array("X", n, d), sd.array("c", domain=sd.positive)
    >>> sorted(structure((X.T @ X).node)), "pd" in structure((X.T @ X + c * sd.eye(d)).node)
    (['psd', 'symmetric'], True)
    """
    return Signs(given).structure(node)


__all__ = [
    "NONNEGATIVE",
    "POSITIVE",
    "Bounds",
    "Sign",
    "Signs",
    "entry_bounds",
    "exactly",
    "number_bounds",
    "of_sign",
    "sign_of",
    "structure",
]
