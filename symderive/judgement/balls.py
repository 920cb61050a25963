"""Evaluate nodes at exact points, rigorously: exact rationals, balls, and power series of balls.

An *element* is one entry of an evaluated array:

* ``fmpq``: an exact rational; it stays one through sums, products, quotients and integer powers,
  so ties, kinks and zeros are decided exactly;
* ``arb``: a ball that certainly contains the value;
* ``Jet``: a truncated power series in t of either (the value moves as ``value + t·direction``);
* ``Hole``: no value, and why.  ``Undefined`` is certain (log of a negative number), ``LogPole`` is
  log 0, which an exact zero cancels (0·log 0 = 0), ``Kink`` means that a value exists but no
  derivative is taken there, ``Unknown`` that this precision cannot tell.

No rule of calculus is known here.  A derivative is read off a power series, which python-flint
computes (F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic",
IEEE Trans. Comput. 66 (2017)).  Products that a δ or a unit vector selects are never formed, so
that ``log(x)[0]`` asks nothing of the other entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx, fmpq, fmpq_series
from sympy import E, Expr, Integer, Rational, Symbol, pi
from sympy import exp as sympy_exp
from sympy import log as sympy_log

from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.instances import Instance
from symderive.language.functions import function
from symderive.language.nodes import (
    Basis,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Sum,
)

Element = Any
"""``fmpq``, ``arb``, ``Jet`` or ``Hole``."""

ZERO = fmpq(0)
ONE = fmpq(1)
HUGE_BITS = 20_000
"""Exact powers beyond this size are balls instead."""


@contextmanager
def precision(bits: int, cap: int = 1) -> Iterator[None]:
    """Work at ``bits`` bits with series of ``cap`` terms; python-flint's context is put back."""
    old = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, cap
    try:
        yield
    finally:
        ctx.prec, ctx.cap = old


# -- holes ---------------------------------------------------------------------------------


class Hole:
    """The absence of a value, with its reason; arithmetic with a hole is a hole."""

    __slots__ = ("reason",)
    weight = 0

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r})"

    def _with(self, other: Element) -> Element:
        if isinstance(other, Hole) and other.weight > self.weight:
            return other
        return self

    def __add__(self, other: Element) -> Element:
        return self._with(other)

    def __mul__(self, other: Element) -> Element:
        if isinstance(other, LogPole):
            return self
        return self._with(other)

    def __neg__(self) -> Element:
        return self

    __radd__ = __sub__ = __rsub__ = __add__

    def __rmul__(self, other: Element) -> Element:
        return self * other


class Unknown(Hole):
    """Not decided at this precision."""

    weight = 1


class Kink(Hole):
    """A value without a derivative: a kink, or the edge of a function's domain."""

    weight = 2


class Undefined(Hole):
    """Certainly no value."""

    weight = 3


class LogPole(Undefined):
    """log 0: no value, but 0·log 0 = 0; sums with values and non-zero multiples stay log poles."""

    weight = 0

    def __add__(self, other: Element) -> Element:
        return other if isinstance(other, Hole) else self

    __radd__ = __sub__ = __rsub__ = __add__

    def __mul__(self, other: Element) -> Element:
        if isinstance(other, Hole):
            return other
        if isinstance(other, Jet):
            return Kink("a multiple of log 0 that changes")
        sign = sign_of(other)
        if sign == 0:
            return ZERO
        if sign is None:
            return Unknown("whether the factor of log 0 is 0")
        return self

    def __rmul__(self, other: Element) -> Element:
        return self * other


# -- jets ----------------------------------------------------------------------------------


class Jet:
    """A truncated power series: exact (``fmpq_series``) or of balls (``arb_series``).

    A wrapper, because NumPy would unpack the series, which is a sequence.  A series whose known
    coefficients beyond the first are 0 is still a jet: |v| along v = 0 + t is the root of 0 + t**2,
    and the truncation must not make it the root of the constant 0.
    """

    __slots__ = ("series",)

    def __init__(self, series: Any) -> None:
        self.series = series

    def __repr__(self) -> str:
        return f"Jet({self.series})"

    @property
    def lead(self) -> Element:
        """The constant coefficient."""
        return self.series[0]

    @property
    def ball_series(self) -> arb_series:
        """The series over balls."""
        return self.series if type(self.series) is arb_series else arb_series(self.series)

    def __add__(self, other: Element) -> Element:
        if isinstance(other, Hole):
            return other + self
        a, b = _same_kind(self.series, other)
        return Jet(a + b)

    __radd__ = __add__

    def __mul__(self, other: Element) -> Element:
        if isinstance(other, Hole):
            return other * self
        if type(other) is fmpq and other == 0:
            return ZERO  # at every t
        a, b = _same_kind(self.series, other)
        return Jet(a * b)

    __rmul__ = __mul__

    def __neg__(self) -> Element:
        return Jet(-self.series)

    def __sub__(self, other: Element) -> Element:
        return self + (-other)

    def __rsub__(self, other: Element) -> Element:
        return (-self) + other


def _same_kind(a: Any, other: Element) -> tuple[Any, Any]:
    b = other.series if isinstance(other, Jet) else other
    if type(a) is fmpq_series and type(b) in (arb, arb_series):
        a = arb_series(a)
    elif type(a) is arb_series and type(b) is fmpq_series:
        b = arb_series(b)
    return a, b


def sign_of(value: Element) -> int | None:
    """1, -1 or 0 where that is certain, else None; of a jet, the sign of its value."""
    if isinstance(value, Jet):
        value = value.lead
    if value > 0:
        return 1
    if value < 0:
        return -1
    return 0 if value == 0 else None


def as_ball(value: Element) -> arb:
    """A plain element as a ball at the current precision."""
    return value if type(value) is arb else arb(value)


# -- functions of elements --------------------------------------------------------------------


def _analytic(
    value: Element, ball: Callable[[arb], arb], series: Callable[[arb_series], arb_series]
) -> Element:
    """Send an element through a function that is analytic at it."""
    if isinstance(value, Hole):
        return Undefined(value.reason) if isinstance(value, LogPole) else value
    if isinstance(value, Jet):
        return Jet(series(value.ball_series))
    result = ball(as_ball(value))
    return result if result.is_finite() else Unknown("the value is out of range")


def _join(*values: Element) -> Hole | None:
    """The hole that decides among arguments that a function needs all of, if there is one."""
    holes = [v for v in values if isinstance(v, Hole)]
    if not holes:
        return None
    hole = max(holes, key=lambda h: 3 if isinstance(h, LogPole) else h.weight)
    return Undefined(hole.reason) if isinstance(hole, LogPole) else hole


def logarithm(value: Element) -> Element:
    """log; ``LogPole`` at an exact 0, undefined below."""
    if isinstance(value, Hole):
        return _analytic(value, arb.log, arb_series.log)
    sign = sign_of(value)
    if sign is None:
        return Unknown("log at a point that may be 0")
    if sign > 0:
        return _analytic(value, arb.log, arb_series.log)
    if sign < 0:
        return Undefined("log of a negative number")
    return Kink("log at 0") if isinstance(value, Jet) else LogPole("log of 0")


def divide(a: Element, b: Element) -> Element:
    """a / b; undefined where b is exactly 0."""
    if isinstance(b, Hole):
        return _join(a, b)
    sign = sign_of(b)
    if sign is None:
        return _worse(a, Unknown("division by a number that may be 0"))
    if sign == 0:
        return Kink("division at 0") if isinstance(b, Jet) else _worse(a, Undefined("division by 0"))
    if isinstance(b, Jet):
        return a * Jet(1 / b.ball_series if type(b.series) is arb_series else b.series.inv())
    return a * (1 / b)


def _worse(a: Element, hole: Hole) -> Hole:
    if isinstance(a, LogPole):
        return hole
    return a if isinstance(a, Hole) and a.weight > hole.weight else hole


def _is_plain_integer(value: Element) -> bool:
    return type(value) is fmpq and value.q == 1


def power(base: Element, exponent: Element) -> Element:
    """base ** exponent over the reals.

    Integer exponents: any base (not 0 where negative), 0**0 = 1.  Other exponents: positive
    bases, and 0 where the exponent is positive.
    """
    if _is_plain_integer(exponent):
        return _integer_power(base, int(exponent.p))
    hole = _join(base, exponent)
    if hole is not None:
        return hole
    sign = sign_of(base)
    if sign is None:
        return Unknown("a power of a number that may be 0")
    if sign < 0:
        return Undefined("a fractional power of a negative number")
    if sign == 0:
        if isinstance(base, Jet):
            return Kink("a power at 0")
        up = sign_of(exponent)
        if isinstance(exponent, Jet):
            return Kink("a power of 0 whose exponent changes") if up != -1 else Undefined("0 to a negative power")
        if up is None:
            return Unknown("0 to a power that may be 0")
        return ZERO if up > 0 else ONE if up == 0 else Undefined("0 to a negative power")
    if type(exponent) is fmpq and exponent.q == 2:
        root = _root(base)
        return _integer_power(root, int(exponent.p))
    return exponential(exponent * logarithm(base))


def _root(value: Element) -> Element:
    """The square root of a certainly positive element, exact for exact squares."""
    if type(value) is fmpq:
        p, q = value.p, value.q
        a, b = p.isqrt(), q.isqrt()
        if a * a == p and b * b == q:
            return fmpq(a, b)
    return _analytic(value, arb.sqrt, arb_series.sqrt)


def _integer_power(base: Element, n: int) -> Element:
    if isinstance(base, LogPole):
        return base if n > 0 else Undefined(base.reason)
    if isinstance(base, Hole):
        return base
    if n < 0:
        return divide(ONE, _integer_power(base, -n))
    if isinstance(base, Jet):
        if n > 10_000:
            return Jet(base.ball_series**n)
        return Jet(base.series**n)
    if type(base) is fmpq and n * base.height_bits() > HUGE_BITS:
        base = arb(base)
    result = base**n
    if type(result) is arb and not result.is_finite():
        return Unknown("the value is out of range")
    return result


def exponential(value: Element) -> Element:
    """exp."""
    return _analytic(value, arb.exp, arb_series.exp)


def _series_tanh(x: arb_series) -> arb_series:
    # there is no series tanh; with e = exp(-2|x|) nothing overflows and nothing cancels far out
    if x[0] < 0:
        return -_series_tanh(-x)
    e = (x * (-2)).exp()
    return (1 - e) / (1 + e)


def _difference_sign(a: Element, b: Element, what: str) -> int | Hole:
    """The certain sign of a - b, or the hole that stands in its way."""
    hole = _join(a, b)
    if hole is not None:
        return hole
    d = a - b
    sign = sign_of(d)
    if sign is None:
        return Unknown(what)
    if sign == 0 and isinstance(d, Jet):
        return Kink(f"{what}: equal there")
    return sign


class Ball:
    """An element seen through the protocol that the ``ball`` forms of ``functions.py`` speak."""

    __slots__ = ("value",)

    def __init__(self, value: Element) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Ball({self.value!r})"

    def __add__(self, other: Ball | int) -> Ball:
        return Ball(self.value + _value(other))

    __radd__ = __add__

    def __sub__(self, other: Ball | int) -> Ball:
        return Ball(self.value - _value(other))

    def __rsub__(self, other: Ball | int) -> Ball:
        return Ball(_value(other) - self.value)

    def __mul__(self, other: Ball | int) -> Ball:
        return Ball(self.value * _value(other))

    __rmul__ = __mul__

    def __neg__(self) -> Ball:
        return Ball(-self.value)

    def __truediv__(self, other: Ball | int) -> Ball:
        return Ball(divide(self.value, _value(other)))

    def __rtruediv__(self, other: Ball | int) -> Ball:
        return Ball(divide(_value(other), self.value))

    def __pow__(self, other: Ball | int) -> Ball:
        return Ball(power(self.value, _value(other)))

    def exp(self) -> Ball:
        """exp."""
        return Ball(exponential(self.value))

    def log(self) -> Ball:
        """The natural logarithm."""
        return Ball(logarithm(self.value))

    def sqrt(self) -> Ball:
        """The square root."""
        return Ball(power(self.value, fmpq(1, 2)))

    def sin(self) -> Ball:
        """sin."""
        return Ball(_analytic(self.value, arb.sin, arb_series.sin))

    def cos(self) -> Ball:
        """cos."""
        return Ball(_analytic(self.value, arb.cos, arb_series.cos))

    def atan(self) -> Ball:
        """arctan."""
        return Ball(_analytic(self.value, arb.atan, arb_series.atan))

    def tanh(self) -> Ball:
        """tanh."""
        return Ball(_analytic(self.value, arb.tanh, _series_tanh))

    def abs(self) -> Ball:
        """The absolute value; a kink for a jet at 0."""
        sign = _difference_sign(self.value, ZERO, "the sign inside an absolute value")
        if isinstance(sign, Unknown) and type(self.value) is arb:
            return Ball(abs(self.value))
        if isinstance(sign, Hole):
            return Ball(sign)
        return Ball(-self.value if sign < 0 else self.value)

    def sign(self) -> Ball:
        """The sign, -1, 0 or 1."""
        sign = _difference_sign(self.value, ZERO, "a sign")
        return Ball(sign if isinstance(sign, Hole) else fmpq(sign))

    def maximum(self, other: Ball) -> Ball:
        """The larger of two."""
        return self._larger(other, 1)

    def minimum(self, other: Ball) -> Ball:
        """The smaller of two."""
        return self._larger(other, -1)

    def _larger(self, other: Ball, way: int) -> Ball:
        a, b = self.value, other.value
        sign = _difference_sign(a, b, "which of two numbers is larger")
        if isinstance(sign, Unknown) and not any(isinstance(v, Jet | Hole) for v in (a, b)):
            x, y = as_ball(a), as_ball(b)
            if x.is_finite() and y.is_finite():
                return Ball(x.max(y) if way > 0 else x.min(y))
        if isinstance(sign, Hole):
            return Ball(sign)
        return Ball(a if sign * way >= 0 else b)

    def heaviside(self, other: Ball) -> Ball:
        """0 below 0, 1 above, ``other`` at 0."""
        if isinstance(other.value, Hole):
            return Ball(_join(self.value, other.value))
        sign = _difference_sign(self.value, ZERO, "the side of a step")
        if isinstance(sign, Hole):
            return Ball(sign)
        return other if sign == 0 else Ball(ONE if sign > 0 else ZERO)

    def where(self, yes: Ball, no: Ball) -> Ball:
        """``yes`` where this is not 0, else ``no``; the other one may be undefined."""
        sign = _difference_sign(self.value, ZERO, "the condition of a case distinction")
        if isinstance(sign, Hole):
            return Ball(sign)
        return no if sign == 0 else yes

    def _compare(self, other: Ball, holds: Callable[[int], bool], what: str) -> Ball:
        sign = _difference_sign(self.value, other.value, what)
        return Ball(sign if isinstance(sign, Hole) else ONE if holds(sign) else ZERO)

    def lt(self, other: Ball) -> Ball:
        """1 where less, else 0."""
        return self._compare(other, lambda s: s < 0, "which of two numbers is less")

    def le(self, other: Ball) -> Ball:
        """1 where less or equal, else 0."""
        return self._compare(other, lambda s: s <= 0, "which of two numbers is less")

    def eq(self, other: Ball) -> Ball:
        """1 where equal, else 0."""
        return self._compare(other, lambda s: s == 0, "whether two numbers are equal")

    def xlogy(self, other: Ball) -> Ball:
        """x·log(y), and 0 at x = 0 whatever y is."""
        x, y = self.value, other.value
        hole = _join(x, y)
        if hole is not None:
            return Ball(hole)
        if sign_of(x) == 0:
            if not isinstance(x, Jet):
                return Ball(ZERO)
            if sign_of(y) != 1:
                return Ball(Kink("x log y at x = 0, where y is not positive"))
        return Ball(_undefined_pole(x * logarithm(y)))

    def power(self, other: Ball) -> Ball:
        """self ** other."""
        return Ball(power(self.value, other.value))


def _undefined_pole(value: Element) -> Element:
    return Undefined(value.reason) if isinstance(value, LogPole) else value


def _value(other: Ball | int) -> Element:
    return other.value if isinstance(other, Ball) else fmpq(other)


# -- numbers in the dimensions ---------------------------------------------------------------


def constant(expr: Expr, sizes: Mapping[Symbol, int]) -> Element:
    """A SymPy number or expression in the dimensions, at given sizes, at the current precision."""
    if isinstance(expr, Rational):
        return fmpq(int(expr.p), int(expr.q))
    if isinstance(expr, Symbol):
        if expr not in sizes:
            raise UnsupportedError(f"the number {expr} is not among the dimensions {', '.join(map(str, sizes))}")
        return fmpq(sizes[expr])
    if expr is pi:
        return arb.pi()
    if expr is E:
        return arb.const_e()
    parts = [constant(a, sizes) for a in expr.args if isinstance(a, Expr)]
    if expr.is_Add:
        total: Element = ZERO
        for part in parts:
            total = total + part
        return total
    if expr.is_Mul:
        product: Element = ONE
        for part in parts:
            product = product * part
        return product
    if expr.is_Pow:
        return power(*parts)
    if isinstance(expr, sympy_exp):
        return exponential(parts[0])
    if isinstance(expr, sympy_log) and len(parts) == 1:
        return logarithm(parts[0])
    if not expr.is_real and expr.is_number:
        return Undefined(f"{expr} is not a real number")
    simple = type(expr).__name__
    if simple in ("sin", "cos", "tanh", "atan", "Abs", "sign") and len(parts) == 1:
        return getattr(Ball(parts[0]), {"Abs": "abs"}.get(simple, simple))().value
    if simple in ("Max", "Min"):
        best = Ball(parts[0])
        for part in parts[1:]:
            best = best.maximum(Ball(part)) if simple == "Max" else best.minimum(Ball(part))
        return best.value
    if not expr.free_symbols and expr.is_Integer is False and expr.is_comparable:
        raise UnsupportedError(f"the constant {expr} has no ball form")
    raise UnsupportedError(f"the number {expr} has no ball form")


def size_of(dim: Expr, sizes: Mapping[Symbol, int]) -> int | None:
    """A dimension (n, 3, n + m, n*m) as an integer; None where it is not an integer."""
    if isinstance(dim, Integer):
        return int(dim)
    if isinstance(dim, Symbol):
        return sizes[dim]
    value = constant(dim, sizes)
    return int(value.p) if _is_plain_integer(value) else None


def from_exact(value: Any) -> Element:
    """An entry of an instance (Fraction, int, or an irrational SymPy number) as an element."""
    if isinstance(value, Fraction):
        return fmpq(value.numerator, value.denominator)
    if isinstance(value, int):
        return fmpq(value)
    return constant(value, {})


# -- arrays of elements ------------------------------------------------------------------------


def _map_array(f: Callable[[Any], Element], array: np.ndarray) -> np.ndarray:
    out = np.empty(array.shape, object)
    flat = out.reshape(-1)
    for i, x in enumerate(array.reshape(-1)):
        flat[i] = f(x)
    return out


def filled(shape: tuple[int, ...], value: Element) -> np.ndarray:
    """An array of one element."""
    out = np.empty(shape, object)
    out.fill(value)
    return out


def _as_object_array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    return filled((), value)


def _scaled(coefficient: Element, array: np.ndarray) -> np.ndarray:
    if type(coefficient) is fmpq and coefficient == 1:
        return array
    return _as_object_array(array * filled((), coefficient))


def _add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _as_object_array(a + b)


def _sum_axis(array: np.ndarray, axis: int) -> np.ndarray:
    return _as_object_array(np.add.reduce(array, axis=axis))


Operand = tuple[np.ndarray, tuple[int, ...]]


def _product(operands: Sequence[Operand], target: tuple[int, ...]) -> np.ndarray:
    """The elementwise product, axes in the order of ``target`` (length 1 where nobody has one)."""
    result: np.ndarray | None = None
    for array, labels in operands:
        order = sorted(range(len(labels)), key=lambda i: target.index(labels[i]))
        index = tuple(slice(None) if t in labels else None for t in target)
        laid = array.transpose(order)[index]
        result = laid if result is None else _as_object_array(result * laid)
    return filled((1,) * len(target), ONE) if result is None else result


def _contract(operands: list[Operand], bound: list[int], out: tuple[int, ...], sizes: Mapping[int, int]) -> np.ndarray:
    """Σ_bound Π operands: labels are eliminated one at a time, the smallest result first."""
    bound = list(bound)
    while bound:
        costs = [prod(sizes[i] for i in {i for _, ls in operands if b in ls for i in ls}) for b in bound]
        label = bound.pop(costs.index(min(costs)))
        having = [o for o in operands if label in o[1]]
        operands = [o for o in operands if label not in o[1]]
        kept = tuple(sorted({i for _, ls in having for i in ls} - {label}))
        operands.append((_sum_axis(_product(having, (*kept, label)), len(kept)), kept))
    return np.broadcast_to(_product(operands, out), tuple(sizes[i] for i in out))


def _strip(node: Node) -> Node:
    while isinstance(node, Named):
        node = node.body
    return node


def _contraction(
    node: Contraction, get: Callable[[Node], np.ndarray], sizes: Mapping[Symbol, int]
) -> np.ndarray:
    dims = [_dim(d, sizes) for d in node.label_dims]
    rep = list(range(len(dims)))

    def find(i: int) -> int:
        while rep[i] != i:
            i = rep[i]
        return i

    fixed: dict[int, list[int]] = {}
    ordinary: list[tuple[Node, tuple[int, ...]]] = []
    for factor, labels in node.factors:
        match _strip(factor):
            case Delta():
                a, b = find(labels[0]), find(labels[1])
                rep[max(a, b)] = min(a, b)
            case Basis(index=index):
                fixed.setdefault(labels[0], []).append(_index(index, dims[labels[0]], sizes))
            case _:
                ordinary.append((factor, labels))
    at: dict[int, int] = {}
    shape = tuple(dims[: node.out_rank])
    empty = False
    for label, positions in fixed.items():
        for position in positions:
            if at.setdefault(find(label), position) != position:
                empty = True
    coefficient = constant(node.coefficient, sizes)
    if empty:
        return _scaled(coefficient, filled(shape, ZERO))

    operands: list[Operand] = []
    for factor, labels in ordinary:
        array = get(factor)
        roots = [find(i) for i in labels]
        index = tuple(at[r] if r in at else slice(None) for r in roots)
        array = _as_object_array(array[index])
        free = [r for r in roots if r not in at]
        while len(set(free)) < len(free):
            i = next(i for i, r in enumerate(free) if r in free[:i])
            j = free.index(free[i])
            array = np.diagonal(array, axis1=j, axis2=i)
            free = [r for k, r in enumerate(free) if k not in (i, j)] + [free[i]]
        operands.append((array, tuple(free)))

    outs = [find(i) for i in range(node.out_rank)]
    active = tuple(dict.fromkeys(r for r in outs if r not in at))
    carried = {r for _, ls in operands for r in ls}
    bound: list[int] = []
    for r in dict.fromkeys(find(i) for i in node.bound):
        if r in at or r in active:
            continue
        if r in carried:
            bound.append(r)
        else:
            coefficient = coefficient * fmpq(dims[r])
    body = _contract(operands, bound, active, dict(enumerate(dims)))
    body = _scaled(coefficient, body)
    if tuple(outs) == active:
        return body
    result = filled(shape, ZERO)
    for index in np.ndindex(body.shape):
        where = dict(zip(active, index, strict=True))
        result[tuple(at[r] if r in at else where[r] for r in outs)] = body[index]
    return result


def _dim(dim: Expr, sizes: Mapping[Symbol, int]) -> int:
    size = size_of(dim, sizes)
    if size is None or size < 1:
        raise ShapeError(f"the dimension {dim} is not a positive integer at {_sizes_text(sizes)}")
    return size


def _index(index: Expr, size: int, sizes: Mapping[Symbol, int]) -> int:
    position = size_of(index, sizes)
    if position is None or not 0 <= position < size:
        raise ShapeError(f"the index {index} is out of bounds for a dimension of size {size}")
    return position


def _sizes_text(sizes: Mapping[Symbol, int]) -> str:
    return ", ".join(f"{k} = {v}" for k, v in sizes.items())


# -- nodes ---------------------------------------------------------------------------------------


class Evaluator:
    """Evaluates nodes at one instance and precision; values are kept, jets are not.

    ``with precision(bits, cap)`` has to surround every use.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.sizes = instance.sizes
        self.values: dict[Node, np.ndarray] = {}

    def value(self, node: Node) -> np.ndarray:
        """The node's value, an array of ``fmpq``, ``arb`` and holes."""
        if node not in self.values:
            for current in node.walk():
                if current not in self.values:
                    if isinstance(current, Differential):
                        raise UnsupportedError("a differential has a value only along a direction")
                    self.values[current] = self._step(current, self.values.__getitem__)
        return self.values[node]

    def jets(self, node: Node, directions: Mapping[Leaf, np.ndarray], cap: int) -> np.ndarray:
        """The node's series to ``cap`` terms, its leaves moving along ``directions``."""
        moved: dict[Node, np.ndarray] = {}
        still: set[Node] = set()
        for current in node.walk():
            if isinstance(current, Leaf) and current in directions:
                moved[current] = self._moving(current, directions[current], cap)
            elif isinstance(current, Differential):
                body = moved.get(current.body)
                if body is None:
                    shape = self.value(current.body).shape
                    moved[current] = _map_array(_no_change, self.value(current.body)).reshape(shape)
                else:
                    moved[current] = _map_array(_change, body)
            elif any(c in moved for c in current.children):
                moved[current] = self._step(current, lambda n: moved[n] if n in moved else self.value(n))
            else:
                still.add(current)
        return moved[node] if node in moved else self.value(node)

    def _moving(self, leaf: Leaf, direction: np.ndarray, cap: int) -> np.ndarray:
        value = self.value(leaf)
        out = np.empty(value.shape, object)
        for index in np.ndindex(value.shape):
            start: Element = value[index]
            slope = from_exact(direction[index])
            kind = fmpq_series if type(start) is fmpq and type(slope) is fmpq else arb_series
            out[index] = Jet(kind([start, slope], prec=cap)) if slope != 0 else start
        return out

    def _step(self, node: Node, get: Callable[[Node], np.ndarray]) -> np.ndarray:
        sizes = self.sizes
        match node:
            case Leaf():
                return _map_array(from_exact, self.instance.values[node])
            case Number(value=value):
                return filled((), constant(value, sizes))
            case Delta(dim=dim):
                n = _dim(dim, sizes)
                out = filled((n, n), ZERO)
                for i in range(n):
                    out[i, i] = ONE
                return out
            case Basis(dim=dim, index=index):
                n = _dim(dim, sizes)
                out = filled((n,), ZERO)
                out[_index(index, n, sizes)] = ONE
                return out
            case Range(dim=dim):
                out = np.empty((_dim(dim, sizes),), object)
                for i in range(len(out)):
                    out[i] = fmpq(i)
                return out
            case Contraction():
                return _contraction(node, get, sizes)
            case Sum():
                total: np.ndarray | None = None
                for weight, term in node.terms:
                    part = _scaled(constant(weight, sizes), get(term))
                    total = part if total is None else _add(total, part)
                assert total is not None
                return total
            case Map():
                return _elementwise(node, [get(a) for a in node.arguments])
            case Opaque():
                return _opaque(node, [get(a) for a in node.arguments])
            case Named():
                return get(node.body)
            case _:
                raise UnsupportedError(f"the judge cannot evaluate a {type(node).__name__}")


def _change(value: Element) -> Element:
    if isinstance(value, Jet):
        return Jet(value.series.derivative())
    return _no_change(value)


def _no_change(value: Element) -> Element:
    return _undefined_pole(value) if isinstance(value, Hole) else ZERO


def _elementwise(node: Map, arguments: list[np.ndarray]) -> np.ndarray:
    row = function(node.function)
    if len(arguments) != len(row.arguments):
        raise ShapeError(f"{node.function} takes {len(row.arguments)} arguments, got {len(arguments)}")
    form = (lambda x, y: Ball(power(x.value, y.value))) if node.function == "power" else row.ball
    shape = next((a.shape for a in arguments if a.shape), ())
    out = np.empty(shape, object)
    flat = out.reshape(-1)
    columns = [np.broadcast_to(a, shape).reshape(-1) for a in arguments]
    for i in range(len(flat)):
        flat[i] = form(*(Ball(c[i]) for c in columns)).value
    return out


def _opaque(node: Opaque, arguments: list[np.ndarray]) -> np.ndarray:
    x = arguments[0]
    if node.function == "prod":
        return _as_object_array(np.multiply.reduce(x, axis=-1))
    if node.function not in ("logsumexp", "softmax", "log_softmax"):
        raise UnsupportedError(f"the judge cannot evaluate {node.function!r}")
    e = _map_array(exponential, x)
    total = _sum_axis(e, x.ndim - 1)
    if node.function == "logsumexp":
        return _map_array(logarithm, total)
    if node.function == "softmax":
        inverse = _map_array(lambda z: divide(ONE, z), total)
        return _as_object_array(e * inverse[..., None])
    logs = _map_array(logarithm, total)
    return _as_object_array(x + _as_object_array(-logs)[..., None])


def depth(node: Node) -> int:
    """How many differentials are nested in the node."""
    deep: dict[Node, int] = {}
    for current in node.walk():
        inner = max((deep[c] for c in current.children), default=0)
        deep[current] = inner + isinstance(current, Differential)
    return deep[node]


def coefficient(value: Element, order: int) -> Element:
    """The t^order coefficient of an element."""
    if isinstance(value, Jet):
        return value.series[order]
    if isinstance(value, Hole):
        return value if order == 0 else _undefined_pole(value)
    return value if order == 0 else ZERO


def evaluate(
    node: Node,
    instance: Instance,
    bits: int = 128,
    directions: Mapping[Leaf, np.ndarray] | None = None,
    order: int = 0,
) -> np.ndarray:
    """Evaluate a node at an exact point: an object array of ``fmpq``, ``arb`` and ``Hole`` elements.

    With ``directions`` (an array of exact numbers of the leaf's shape for each leaf that moves) a
    leaf's value is ``value + t·direction``, ``Differential(u)`` is du/dt, and the result is the
    coefficient of ``t**order``.  Without them a differential raises `UnsupportedError`.

    >>> from fractions import Fraction
    >>> import numpy as np
    >>> from symderive.language.arrays import array
    >>> x = array("x")
    >>> point = Instance({}, {x.node: np.array(Fraction(1, 3), dtype=object)})
    >>> evaluate((x * x).node, point)[()]
    1/9
    """
    with precision(bits, order + depth(node) + 1):
        evaluator = Evaluator(instance)
        if directions is None:
            return evaluator.value(node)
        series = evaluator.jets(node, directions, order + depth(node) + 1)
        return _map_array(lambda v: coefficient(v, order), series)


__all__ = [
    "Ball",
    "Element",
    "Evaluator",
    "Hole",
    "Jet",
    "Kink",
    "LogPole",
    "Undefined",
    "Unknown",
    "as_ball",
    "coefficient",
    "constant",
    "depth",
    "evaluate",
    "from_exact",
    "precision",
    "sign_of",
    "size_of",
]
