"""Functions of one scalar among others: slopes, where they are defined, intervals, values and limits at ends.

These are the conditions under which an argument of calculus holds; the checker asks them of every such
argument, and the search makes its goals with the same functions.  All is about scalar nodes built from the
analytic rows of ``ANALYTIC``: they are infinitely differentiable in the interior of where they are defined,
and continuous where they are defined.  A slope is made from the derivative rows of ``language.functions``
(the chain rule, forward).  Source: NIST DLMF 4, 5, 7 for the functions; Rudin, Principles of Mathematical
Analysis, ch. 4-5 for the arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from sympy import Add, Expr, Integer, Mul, pi
from sympy.core.numbers import NegativeInfinity

from symderive.calculus.normal_form import Normaliser
from symderive.calculus.polynomials import NotHandled
from symderive.calculus.signs import Bounds
from symderive.language import build
from symderive.language.domains import interval
from symderive.language.functions import needs, partial
from symderive.language.nodes import ONE, ZERO, Contraction, Leaf, Map, Named, Node, Number, Sum
from symderive.language.statements import Relation

ANALYTIC = frozenset((
    "exp", "log", "log1p", "expm1", "log2", "log10", "exp2", "exp10", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "arctan", "arcsin", "arccos", "arcsinh", "arccosh", "arctanh", "expit", "log_expit", "logaddexp", "logit", "erf",
    "erfc", "ndtr", "log_ndtr", "gamma", "gammaln", "loggamma", "digamma", "polygamma", "power",
))  # fmt: skip
"""Rows that are analytic inside, and continuous on, the set that they and `defined` require."""

_ZERO = Number(ZERO)


def difference(a: Node, b: Node) -> Node:
    """``a - b``."""
    return build.add([(ONE, a), (-ONE, b)], ())


def shown_bounds(normaliser: Normaliser, node: Node) -> Bounds:
    """Bounds from the node as written, its normal form, and its factors."""
    bounds = normaliser.signs.bounds(node)
    if bounds.sign in ("+", "-", "0"):
        return bounds
    try:
        return bounds.meet(normaliser.product_bounds(normaliser.of(node)))
    except NotHandled:  # a negative power of what is 0, for one: then the node as written has to show it
        return bounds


def grants(op: str, node: Node, normaliser: Normaliser) -> bool:
    """Whether ``node op 0`` is shown by signs; op is one of >, >=, !=."""
    wanted = {">": ("+",), ">=": ("+", "0+", "0"), "!=": ("+", "-", "nonzero")}[op]
    return normaliser.signs.bounds(node).sign in wanted or shown_bounds(normaliser, node).sign in wanted


def scalar_analytic(node: Node) -> bool:
    """Whether a node is a scalar made of numbers, leaves, sums, products and rows of `ANALYTIC`."""
    for part in node.walk():
        if part.shape:
            return False
        match part:
            case Contraction():
                if part.label_dims:
                    return False
            case Map():
                if part.function not in ANALYTIC:
                    return False
            case Number():
                if part.value.free_symbols:
                    return False
            case Leaf() | Sum() | Named():
                pass
            case _:
                return False
    return True


def slope(node: Node, variable: Leaf) -> Node:
    """The derivative of a scalar by one of its leaves, by the rows of the functions; nothing is simplified.

    >>> import numpy as np, symderive as sd
    >>> from symderive.language.arrays import Array
    >>> x = sd.array("x")
    >>> str(Array(slope(np.exp(2 * x).node, x.node)))
    '2 * np.exp(2 * x)'
    """
    found: dict[Node, Node] = {}
    for part in node.walk():
        found[part] = _slope(part, variable, found)
    return found[node]


def _slope(part: Node, variable: Leaf, found: dict[Node, Node]) -> Node:
    match part:
        case Leaf():
            return Number(ONE) if part is variable else _ZERO
        case Number():
            return _ZERO
        case Named():
            return found[part.body]
        case Sum():
            return build.add([(w, found[t]) for w, t in part.terms], ())
        case Contraction() if not part.label_dims:
            factors = [f for f, _ in part.factors]
            terms: list[tuple[Expr, Node]] = []
            for k, factor in enumerate(factors):
                if not build.is_zero(found[factor]):
                    others = factors[:k] + factors[k + 1 :]
                    terms.append((part.coefficient, build.multiply(found[factor], *others)))
            return build.add(terms, ())
        case Map():
            terms = []
            for k, argument in enumerate(part.arguments):
                if build.is_zero(found[argument]):
                    continue
                outer = partial(part.function, k, part.arguments)
                if outer is None or part.function not in ANALYTIC:
                    raise NotHandled(f"no derivative of {part.function}")
                terms.append((ONE, build.multiply(outer, found[argument])))
            return build.add(terms, ())
    raise NotHandled(f"no slope of a {type(part).__name__}")


def required(node: Node) -> Iterator[tuple[str, Node]]:
    """What makes a scalar of analytic rows defined and continuous: pairs (op, node) that say ``node op 0``.

    Stricter than the definition where a value is only a convention: 0·log 0 is not granted.
    """
    for part in node.walk():
        if not isinstance(part, Map):
            continue
        if part.function != "power":
            for need in needs(part.function, part.arguments):
                yield need.op, need.node
            continue
        base, exponent = part.arguments
        if isinstance(exponent, Number):
            value = exponent.value
            if value.is_integer:
                if not value.is_nonnegative:
                    yield "!=", base
            else:
                yield (">=" if value.is_positive else ">"), base
        else:
            yield ">", base


def defined(node: Node, normaliser: Normaliser) -> str:
    """Why a scalar is not shown to be defined and continuous; empty if it is."""
    if not scalar_analytic(node):
        return "it is not made of analytic functions"
    for op, part in required(node):
        if grants(op, part, normaliser):
            continue
        return f"it is not shown that {Relation(part, op, _ZERO)}"
    return ""


# -- intervals ---------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class End:
    """An end of the interval over which a variable ranges, the others held; ``side`` +1 for a lower end.

    ``value`` is None for an infinite end.
    """

    side: int
    value: Node | None
    source: Relation | None = None


def is_interval(variable: Leaf) -> bool:
    """Whether a declared scalar ranges over an interval of reals with number ends."""
    entries = variable.domain.entries
    holes = entries.nonzero and not (entries.is_positive or entries.is_negative)
    plain = not (entries.integer or entries.values is not None or entries.symbols or holes)
    return plain and not variable.shape and not variable.domain.structures


def pieces(variable: Leaf) -> tuple[Node, ...]:
    """A scalar's closed ends and the interval between them, or its positive and its negative numbers; else nothing.

    >>> import symderive as sd
    >>> [str(n.domain if isinstance(n, Leaf) else n.value) for n in pieces(sd.array("p", domain=sd.unit_interval).node)]
    ['0', '1', 'interval(0, 1)']
    """
    entries = variable.domain.entries
    if variable.shape or variable.domain.structures or entries.integer or entries.values is not None:
        return ()
    if entries.symbols:
        return ()
    if not is_interval(variable):
        if not (entries.low < 0 < entries.high):
            return ()
        above = interval(0, entries.high, "none" if entries.high_open else "right")
        below = interval(entries.low, 0, "none" if entries.low_open else "left")
        return tuple(Leaf(variable.name, (), part) for part in (above, below))
    ends: list[Node] = []
    for end, open_ in ((entries.low, entries.low_open), (entries.high, entries.high_open)):
        ends += [] if open_ else [Number(end)]
    if not ends or entries.low == entries.high:
        return ()
    return (*ends, Leaf(variable.name, (), interval(entries.low, entries.high)))


def at_end(node: Node, variable: Leaf, end: Node, normaliser: Normaliser) -> Node:
    """A scalar at a value of a variable, with numbers worked out: 0·u and 0**u, u > 0, are 0.

    A product that is defined is 0 where a factor is (0·log 0 = 0 with it), so the scalar has to be defined there.
    """
    found: dict[Node, Node] = {variable: end}
    for part in node.walk():
        if part not in found:
            children = [found[c] for c in part.children]
            found[part] = _worked_out(build.rebuild(part, children) if children else part, normaliser)
    return found[node]


def _worked_out(part: Node, normaliser: Normaliser) -> Node:
    match part:
        case Contraction() if part.coefficient == 0 or any(build.is_zero(f) for f, _ in part.factors):
            return _ZERO
        case Contraction() if not part.label_dims and all(isinstance(f, Number) for f, _ in part.factors):
            return Number(Mul(part.coefficient, *(f.value for f, _ in part.factors if isinstance(f, Number))))
        case Sum() if all(isinstance(t, Number) for _, t in part.terms):
            return Number(Add(*(w * t.value for w, t in part.terms if isinstance(t, Number))))
        case Sum():
            return build.add([(w, t) for w, t in part.terms if not build.is_zero(t)], ())
        case Map(function="power", arguments=(Number() as base, exponent)):
            if base.value == 0 and grants(">", exponent, normaliser):
                return _ZERO
            return Number(ONE) if base.value == 1 else part
        case Map(function="log", arguments=(Number() as base,)) if base.value == 1:
            return _ZERO
    return part


def mentions(relation: Relation, variable: Leaf) -> bool:
    """Whether a relation speaks of a variable."""
    return variable in relation.lhs.leaves() or variable in relation.rhs.leaves()


def gap(relation: Relation) -> Node | None:
    """What an inequality between scalars says to be > 0 or >= 0, the larger side less the other; None for others.

    >>> import symderive as sd
    >>> from symderive.language.arrays import Array
    >>> x, y = sd.array("x"), sd.array("y")
    >>> str(Array(gap(Relation(x.node, "<", y.node)))), gap(Relation(x.node, "==", y.node))
    ('y - x', None)
    """
    match relation.op:
        case ">" | ">=":
            return difference(relation.lhs, relation.rhs)
        case "<" | "<=":
            return difference(relation.rhs, relation.lhs)
    return None


def end_of(relation: Relation, variable: Leaf, given: Sequence[Relation]) -> End | None:
    """The end that ``lhs op rhs``, affine in the variable, sets; the others' relations say the slope's sign."""
    apart = gap(relation)
    if apart is None or not mentions(relation, variable) or not scalar_analytic(apart):
        return None
    try:
        steep = slope(apart, variable)
    except NotHandled:
        return None
    if variable in steep.leaves():
        return None
    others = [r for r in given if not mentions(r, variable)]
    sign = Normaliser(others).signs.bounds(steep).sign
    if sign not in ("+", "-"):
        return None
    rest = build.substitute(apart, {variable: _ZERO})
    value = build.scale(-1, build.multiply(rest, build.power(steep, -1)))
    return End(1 if sign == "+" else -1, value, relation)


def ends(variable: Leaf, given: Sequence[Relation]) -> tuple[End, ...]:
    """The ends that the domain and the given relations set."""
    entries = variable.domain.entries
    found = [
        End(1, Number(entries.low) if entries.low.is_finite else None),
        End(-1, Number(entries.high) if entries.high.is_finite else None),
    ]
    for relation in given:
        end = end_of(relation, variable, given)
        if end is not None:
            found.append(end)
    return tuple(found)


def along(variable: Leaf, point: Node | None, side: int, given: Sequence[Relation]) -> tuple[Relation, ...]:
    """What holds strictly between ``point`` and a place of the variable beyond it, on the side (+1: above).

    Relations that do not speak of the variable hold on, and so do those that bound it on the far side: the
    path ends where they hold.  The others are lost.
    """
    kept = [r for r in given if not mentions(r, variable)]
    for relation in given:
        end = end_of(relation, variable, given)
        if end is not None and end.side == -side:
            kept.append(relation)
    entries = variable.domain.entries
    if point is not None:
        kept.append(Relation(variable, ">" if side > 0 else "<", point))
    far = entries.high if side > 0 else entries.low
    if far.is_finite:
        kept.append(Relation(variable, "<" if side > 0 else ">", Number(far)))
    return tuple(dict.fromkeys(kept))


def without(variable: Leaf, given: Sequence[Relation]) -> tuple[Relation, ...]:
    """The given relations that do not speak of a variable."""
    return tuple(r for r in given if not mentions(r, variable))


# -- values and limits at ends -----------------------------------------------------------


UNBOUNDED = "unbounded above"
"""The answer of `value_at` where a function grows beyond all bounds."""


def value_at(node: Node, variable: Leaf, point: Node | None, side: int, given: Sequence[Relation]) -> Node | str | None:
    """The limit of a scalar as its variable comes to a point from the side (+1: from above; +∞ is side -1).

    The value there where the function is continuous there; else a one-sided limit put together from the
    limits of its parts.  `UNBOUNDED` for +∞, None where nothing is shown.
    """
    others = Normaliser(without(variable, given))
    if point is not None:
        at = {variable: point}
        needed = [(op, build.substitute(part, at)) for op, part in required(node)]
        if all(grants(op, part, others) for op, part in needed):
            return build.substitute(node, at)
    found = _Limits(variable, point, side, others).of(node)
    if found is None or found.kind == "-":
        return None
    return UNBOUNDED if found.kind == "+" else found.value


_Order = tuple[Expr, Expr]


@final
@dataclass(frozen=True)
class _Limit:
    """A limit: kind "finite" with its value, or "+" or "-" for the infinite ones.

    ``order`` bounds the growth: |node| = O(T^order[0]·log(T)^order[1]) with T → ∞ the variable's own scale;
    None where no bound is known.  ``near`` is the sign of the node close to the end, where it is not 0.
    """

    kind: str
    value: Node | None = None
    order: _Order | None = None
    near: str = ""


class _Limits:
    """One-sided limits of the parts of a scalar, T → ∞ being x, -x, 1/(x - e) or 1/(e - x)."""

    def __init__(self, variable: Leaf, point: Node | None, side: int, others: Normaliser) -> None:
        self.variable = variable
        self.point = point
        self.side = side
        self.others = others
        self.memo: dict[Node, _Limit | None] = {}

    def of(self, node: Node) -> _Limit | None:
        """The limit of a node, or None."""
        for part in node.walk():
            if part not in self.memo:
                self.memo[part] = self._with_rate(part, self._one(part))
        return self.memo[node]

    def _with_rate(self, part: Node, limit: _Limit | None) -> _Limit | None:
        """What vanishes at a finite end and has a slope there is O(1/T)."""
        if self.point is None or limit is None or limit.kind != "finite" or limit.order != (ZERO, ZERO):
            return limit
        if self.variable not in part.leaves() or limit.value is None or self._sign(limit.value) != "0":
            return limit
        at = {self.variable: self.point}
        needed = (*required(part), *required(slope(part, self.variable)))
        if all(grants(op, build.substitute(need, at), self.others) for op, need in needed):
            return replace(limit, order=(-ONE, ZERO))
        return limit

    def _affine(self, part: Node) -> bool:
        """Whether a part is a number times the variable plus what does not depend on it, and not constant."""
        steep = slope(part, self.variable)
        return self.variable not in steep.leaves() and self._sign(steep) in ("+", "-")

    def _sign(self, node: Node) -> str:
        return shown_bounds(self.others, node).sign

    def _one(self, part: Node) -> _Limit | None:
        if self.variable not in part.leaves():
            return _Limit("finite", part, (ZERO, ZERO), self._sign(part))
        match part:
            case Leaf():
                if self.point is None:
                    sign = "+" if self.side < 0 else "-"
                    return _Limit(sign, None, (ONE, ZERO), sign)
                near = self._sign(self.point)
                if near not in ("+", "-"):
                    near = "" if near != "0" else ("+" if self.side > 0 else "-")
                return _Limit("finite", self.point, (-ONE if build.is_zero(self.point) else ZERO, ZERO), near)
            case Named():
                return self.memo[part.body]
            case Sum():
                return self._sum([(w, self.memo[t]) for w, t in part.terms])
            case Contraction():
                return self._product(part.coefficient, [self.memo[f] for f, _ in part.factors])
            case Map():
                return self._map(part)
        return None

    def _sum(self, terms: list[tuple[Expr, _Limit | None]]) -> _Limit | None:
        if any(t is None for _, t in terms):
            return None
        found = [(w, t) for w, t in terms if t is not None]
        infinite = set()
        for w, t in found:
            if t.kind != "finite":
                infinite.add(t.kind if w.is_positive else "-" if t.kind == "+" else "+")
        orders = [t.order for _, t in found]
        order = None if any(o is None for o in orders) else max(o for o in orders if o is not None)
        if len(infinite) > 1:
            return None
        if infinite:
            kind = infinite.pop()
            return _Limit(kind, None, order, kind)
        values = [(w, t.value) for w, t in found if t.value is not None]
        value = build.add(values, ())
        near = self._sign(value)
        if near not in ("+", "-"):
            signs = {t.near if w.is_positive else {"+": "-", "-": "+"}.get(t.near, "") for w, t in found}
            near = signs.pop() if len(signs) == 1 else ""
        return _Limit("finite", value, order, near)

    def _product(self, coefficient: Expr, factors: list[_Limit | None]) -> _Limit | None:
        if any(f is None for f in factors):
            return None
        found = [f for f in factors if f is not None]
        near = "" if any(f.near not in ("+", "-") for f in found) else "+"
        if near and (sum(f.near == "-" for f in found) + int(not coefficient.is_positive)) % 2:
            near = "-"
        orders = [f.order for f in found]
        order: _Order | None = None
        if all(o is not None for o in orders):
            known = [o for o in orders if o is not None]
            order = (Add(*(power for power, _ in known)), Add(*(power for _, power in known)))
        if all(f.kind == "finite" for f in found):
            value = build.scale(coefficient, build.multiply(*(f.value for f in found if f.value is not None)))
            return _Limit("finite", value, order, near)
        zero = any(f.kind == "finite" and f.value is not None and self._sign(f.value) not in ("+", "-") for f in found)
        if zero:
            # 0·∞: powers beat logarithms
            if order is not None and bool(order[0] < 0):
                return _Limit("finite", _ZERO, order, near)
            return None
        return _Limit(near, None, order, near) if near else None

    def _map(self, part: Map) -> _Limit | None:
        inner = self.memo[part.arguments[0]]
        if part.function == "power":
            return self._power(part, inner)
        argument, *others = part.arguments
        if inner is None or others:
            return None
        row = _AT_INFINITY.get(part.function)
        if inner.kind != "finite":
            if row is None:
                return None
            limit = row[1] if inner.kind == "+" else row[0]
            if limit is None:
                return None
            if isinstance(limit, str):
                logarithmic = part.function in ("log", "log1p", "log2", "log10", "arcsinh")
                return _Limit(limit, None, (ZERO, ONE) if logarithmic and inner.order else None, limit)
            positive = part.function in _POSITIVE
            fast = part.function == "exp" and self.point is None and _polynomial(argument)
            rate = (NegativeInfinity(), ZERO) if fast and limit == 0 else (ZERO, ZERO)
            return _Limit("finite", Number(limit), rate, "+" if positive or limit.is_positive else "")
        assert inner.value is not None
        value = Map(part.function, (inner.value,))
        if all(grants(op, need, self.others) for op, need in required(value) if need.rank == 0):
            near = self._sign(value)
            if near not in ("+", "-"):
                near = inner.near if part.function in _ODD else ""
            return _Limit("finite", value, (ZERO, ZERO), near)
        shift = {"log": ZERO, "log2": ZERO, "log10": ZERO, "log1p": -ONE}.get(part.function)
        if shift is not None and self._sign(difference(inner.value, Number(shift))) == "0":
            logarithmic = self._affine(argument)
            return _Limit("-", None, (ZERO, ONE) if logarithmic else None, "-")
        return None

    def _power(self, part: Map, inner: _Limit | None) -> _Limit | None:
        exponent = part.arguments[1]
        if inner is None or not isinstance(exponent, Number) or not exponent.value.is_real:
            return None
        e = exponent.value
        order: _Order | None = None
        if inner.order is not None and e.is_positive:
            order = (inner.order[0] * e, inner.order[1] * e)
        near = "+" if (e.is_integer and e.is_even) or not e.is_integer or inner.near == "+" else inner.near
        if inner.kind != "finite":
            if inner.kind == "-" and not e.is_integer:
                return None
            if e.is_positive:
                return _Limit(near, None, order, near)
            # the reciprocal of what tends to infinity; its rate is known for the variable alone
            rate = (e, ZERO) if isinstance(part.arguments[0], Leaf) and self.point is None else (ZERO, ZERO)
            return _Limit("finite", _ZERO, rate, near)
        assert inner.value is not None
        value = build.power(inner.value, e)
        sign = self._sign(inner.value)
        if e.is_positive and (e.is_integer or sign in ("+", "0+", "0")):
            return _Limit("finite", value, order, near)
        if sign == "+" or (sign == "-" and e.is_integer):
            return _Limit("finite", value, (ZERO, ZERO), near)
        if sign == "0" and near in ("+", "-") and e.is_negative:
            rate = (-e, ZERO) if isinstance(part.arguments[0], Leaf) and self.point is not None else None
            return _Limit(near, None, rate, near)
        return None


def _polynomial(node: Node) -> bool:
    """Whether a scalar is a polynomial in each of its leaves."""
    for part in node.walk():
        match part:
            case Map(function="power", arguments=(_, Number(value=e))) if e.is_integer and e.is_nonnegative:
                pass
            case Leaf() | Number() | Sum() | Contraction() | Named():
                pass
            case _:
                return False
    return True


_POSITIVE = frozenset(("exp", "exp2", "exp10", "expit", "ndtr", "erfc"))
_ODD = frozenset(("sin", "tan", "sinh", "tanh", "arctan", "arcsin", "arcsinh", "arctanh", "erf", "expm1"))

_AT_INFINITY: dict[str, tuple[Expr | str | None, Expr | str | None]] = {
    "exp": (ZERO, "+"),
    "expm1": (-ONE, "+"),
    "exp2": (ZERO, "+"),
    "exp10": (ZERO, "+"),
    "log": (None, "+"),
    "log1p": (None, "+"),
    "log2": (None, "+"),
    "log10": (None, "+"),
    "sinh": ("-", "+"),
    "cosh": ("+", "+"),
    "tanh": (-ONE, ONE),
    "expit": (ZERO, ONE),
    "log_expit": ("-", ZERO),
    "arctan": (-pi / 2, pi / 2),
    "arcsinh": ("-", "+"),
    "erf": (-ONE, ONE),
    "erfc": (Integer(2), ZERO),
    "ndtr": (ZERO, ONE),
    "log_ndtr": ("-", ZERO),
    "gamma": (None, "+"),
    "gammaln": (None, "+"),
    "loggamma": (None, "+"),
    "digamma": (None, "+"),
}
"""Limits at -∞ and at +∞ of functions that have them: a number, or the sign of an infinite one."""


__all__ = [
    "ANALYTIC",
    "UNBOUNDED",
    "End",
    "along",
    "at_end",
    "defined",
    "difference",
    "end_of",
    "ends",
    "gap",
    "grants",
    "is_interval",
    "mentions",
    "pieces",
    "required",
    "scalar_analytic",
    "shown_bounds",
    "slope",
    "value_at",
    "without",
]
