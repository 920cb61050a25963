"""Elements: exact rationals, balls, power series of them, and holes; and the functions that send them on.

An *element* is one entry of an evaluated array:

* ``fmpq``: an exact rational; it stays one through sums, products, quotients and integer powers,
  so ties, kinks and zeros are decided exactly;
* ``arb``: a ball that certainly contains the value;
* ``Jet``: a truncated power series in t of either (the value moves as ``value + t·direction``), or
  a ``LogJet``, a polynomial in log |t| of such series (x·log x beside 0);
* ``Hole``: no value, and why.  ``Undefined`` is certain (log of a negative number), ``LogPole`` is
  log 0, which an exact zero cancels (0·log 0 = 0), ``Kink`` means that a value exists but no
  derivative is taken there, ``Unknown`` that this precision cannot tell.

No rule of calculus is known here.  A derivative is read off a power series, which python-flint
computes (F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic",
IEEE Trans. Comput. 66 (2017)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from itertools import product, zip_longest
from operator import mul
from typing import Any

from flint import arb, arb_series, ctx, fmpq, fmpq_series

Element = Any
"""``fmpq``, ``arb``, ``Jet`` or ``Hole``."""

ZERO = fmpq(0)
ONE = fmpq(1)
HUGE_BITS = 20_000
"""Exact powers beyond this size are balls instead."""
MOST_LOGS = 8
"""Higher powers of what has logarithms of 0 are not expanded."""


@contextmanager
def precision(bits: int, cap: int = 1) -> Iterator[None]:
    """Work at ``bits`` bits with series of ``cap`` terms; python-flint's context is put back."""
    old = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, cap
    try:
        yield
    finally:
        ctx.prec, ctx.cap = old


_SIDE = [0]
"""On which side of t = 0 jets are looked at: 1, -1, or 0 for both."""


def is_one_sided() -> bool:
    """Whether jets are looked at on one side of t = 0."""
    return _SIDE[0] != 0


@contextmanager
def one_sided(side: int) -> Iterator[None]:
    """Look at jets for small t of one sign only: comparisons that tie at t = 0 and roots of 0 may be decided then."""
    old = _SIDE[0]
    _SIDE[0] = side
    try:
        yield
    finally:
        _SIDE[0] = old


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
    and the truncation must not make it the root of the constant 0.  Only where the series is
    ``whole`` (nothing was cut off: entries of arrays and sums of them) do zeros make it the number 0.
    """

    __slots__ = ("series", "whole")

    def __init__(self, series: Any, whole: bool = False) -> None:
        self.series = series
        self.whole = whole

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
        if isinstance(other, Hole | LogJet):
            return other + self
        a, b = _same_kind(self.series, other)
        total = a + b
        whole = self.whole and (other.whole if isinstance(other, Jet) else True)
        if whole and type(total) is fmpq_series and not any(total):
            return ZERO
        return Jet(total, whole)

    __radd__ = __add__

    def __mul__(self, other: Element) -> Element:
        if isinstance(other, Hole | LogJet):
            return other * self
        if type(other) is fmpq and other == 0:
            return ZERO  # at every t
        a, b = _same_kind(self.series, other)
        return Jet(a * b, self.whole and not isinstance(other, Jet))

    __rmul__ = __mul__

    def __neg__(self) -> Element:
        return Jet(-self.series, self.whole)

    def __sub__(self, other: Element) -> Element:
        return self + (-other)

    def __rsub__(self, other: Element) -> Element:
        return (-self) + other


class NoSeriesError(Exception):
    """A function was asked for of something that has no power series."""


class LogJet(Jet):
    """``Σ_k parts[k]·(log |t|)^k``, t on one side of 0: sums and products only; its series cannot be asked for."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Element]) -> None:
        self.parts = tuple(parts)

    @property
    def series(self) -> Any:  # type: ignore[override]
        """There is none; raises `NoSeriesError`."""
        raise NoSeriesError("a logarithm has no power series at 0")

    @property
    def whole(self) -> bool:  # type: ignore[override]
        """There is no series that could be whole."""
        return False

    def __repr__(self) -> str:
        return f"LogJet{self.parts}"

    def __add__(self, other: Element) -> Element:
        if isinstance(other, Hole):
            return other + self
        theirs = other.parts if isinstance(other, LogJet) else (other,)
        pairs = zip_longest(self.parts, theirs, fillvalue=ZERO)
        return LogJet([a + b for a, b in pairs])

    __radd__ = __add__

    def __mul__(self, other: Element) -> Element:
        if isinstance(other, Hole):
            return other * self
        theirs = other.parts if isinstance(other, LogJet) else (other,)
        made: list[Element] = [ZERO] * (len(self.parts) + len(theirs) - 1)
        for (i, a), (j, b) in product(enumerate(self.parts), enumerate(theirs)):
            made[i + j] = made[i + j] + a * b
        return LogJet(made)

    __rmul__ = __mul__

    def __neg__(self) -> Element:
        return self * -ONE


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


def analytic(
    value: Element, ball: Callable[[arb], arb], series: Callable[[arb_series], arb_series]
) -> Element:
    """Send an element through a function that is analytic at it."""
    if isinstance(value, Hole):
        return Undefined(value.reason) if isinstance(value, LogPole) else value
    if isinstance(value, LogJet):
        return _composed(series, value)
    if isinstance(value, Jet):
        return Jet(series(value.ball_series))
    result = ball(as_ball(value))
    return result if result.is_finite() else Unknown("the value is out of range")


def _composed(series: Callable[[arb_series], arb_series], value: LogJet) -> Element:
    """A function of ``a + h`` by powers of h, which is 0 at t = 0 for all its logarithms of t."""
    first, *others = value.parts
    lead = first.lead if isinstance(first, Jet) else first
    if any(sign_of(part) != 0 for part in others):
        raise NoSeriesError("a function of what is infinite at 0")
    terms = min((p.series.prec for p in value.parts if isinstance(p, Jet)), default=1)
    outer = series(arb_series([as_ball(lead), 1], prec=terms))
    shifted = value + -lead
    total: Element = LogJet((outer[terms - 1],))
    for k in reversed(range(terms - 1)):
        total = total * shifted + outer[k]
    return total


def join(*values: Element) -> Hole | None:
    """The hole that decides among arguments that a function needs all of, if there is one."""
    holes = [v for v in values if isinstance(v, Hole)]
    if not holes:
        return None
    hole = max(holes, key=lambda h: 3 if isinstance(h, LogPole) else h.weight)
    return Undefined(hole.reason) if isinstance(hole, LogPole) else hole


def logarithm(value: Element) -> Element:
    """log; ``LogPole`` at an exact 0, undefined below."""
    if isinstance(value, Hole):
        return analytic(value, arb.log, arb_series.log)
    sign = sign_of(value)
    if sign is None:
        return Unknown("log at a point that may be 0")
    if sign > 0:
        return analytic(value, arb.log, arb_series.log)
    if sign < 0:
        return Undefined("log of a negative number")
    if not isinstance(value, Jet):
        return LogPole("log of 0")
    split = _first_power(value)
    if isinstance(split, Hole):
        return split if isinstance(split, Undefined) else Kink("log at 0")
    order, unit = split
    return LogJet((logarithm(unit), fmpq(order)))


def _first_power(value: Jet) -> tuple[int, Jet] | Hole:
    """A jet that is 0 at t = 0 as ``|t|^order·unit``, order > 0 and unit > 0, on one side of 0.

    A hole where it is negative there, which has no root and no logarithm, or where that is not known.
    """
    series = value.series
    for order in range(1, series.prec if _SIDE[0] else 1):
        sign = sign_of(series[order])
        if sign is None:
            break
        if sign:
            way = _SIDE[0] ** order
            if sign != way:
                return Undefined("a root or a logarithm of a negative number")
            terms = series.prec - order
            return order, Jet(type(series)([series[order + k] * way for k in range(terms)], prec=terms))
    return Kink("the first power of a series")


def _power_beside_zero(base: Jet, exponent: Element) -> Element:
    """A power, with a plain exponent > 0, of a jet that is 0 at t = 0, where one side of it is looked at."""
    split = _first_power(base)
    if isinstance(split, Undefined):
        return split
    if isinstance(split, Hole) or type(exponent) is not fmpq or exponent <= 0 or (split[0] * exponent).q != 1:
        return Kink("a power at 0")
    order, unit = split
    shift, made = int((order * exponent).p), power(unit, exponent)
    if isinstance(made, Hole):
        return made
    terms = min(made.series.prec + shift, ctx.cap)
    way = _SIDE[0] ** shift
    kept = [made.series[k] * way for k in range(max(0, terms - shift))]
    return Jet(type(made.series)([0] * min(shift, terms) + kept, prec=terms))


def undefined_pole(value: Element) -> Element:
    """A log pole as the hole that it is where nothing cancels it."""
    return Undefined(value.reason) if isinstance(value, LogPole) else value


def divide(a: Element, b: Element) -> Element:
    """a / b; undefined where b is exactly 0."""
    if isinstance(b, Hole):
        return join(a, b)
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


def is_plain_integer(value: Element) -> bool:
    """Whether an element is an exact integer."""
    return type(value) is fmpq and value.q == 1


def power(base: Element, exponent: Element) -> Element:
    """base ** exponent over the reals.

    Integer exponents: any base (not 0 where negative), 0**0 = 1.  Other exponents: positive
    bases, and 0 where the exponent is positive.
    """
    if is_plain_integer(exponent):
        return _integer_power(base, int(exponent.p))
    hole = join(base, exponent)
    if hole is not None:
        return hole
    sign = sign_of(base)
    if sign is None:
        return Unknown("a power of a number that may be 0")
    if sign < 0:
        return Undefined("a fractional power of a negative number")
    if sign == 0:
        if isinstance(base, Jet):
            return _power_beside_zero(base, exponent)
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
    return analytic(value, arb.sqrt, arb_series.sqrt)


def _integer_power(base: Element, n: int) -> Element:
    if isinstance(base, LogPole):
        return base if n > 0 else Undefined(base.reason)
    if isinstance(base, Hole):
        return base
    if n < 0:
        return divide(ONE, _integer_power(base, -n))
    if isinstance(base, LogJet):
        return reduce(mul, [base] * n, ONE) if n <= MOST_LOGS else Kink("a high power of a logarithm at 0")
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
    return analytic(value, arb.exp, arb_series.exp)


def series_tanh(x: arb_series) -> arb_series:
    """tanh of a series."""
    # there is no series tanh; with e = exp(-2|x|) nothing overflows and nothing cancels far out
    if x[0] < 0:
        return -series_tanh(-x)
    e = (x * (-2)).exp()
    return (1 - e) / (1 + e)


def difference_sign(a: Element, b: Element, what: str) -> int | Hole:
    """The certain sign of a - b, or the hole that stands in its way."""
    hole = join(a, b)
    if hole is not None:
        return hole
    d = a - b
    sign = sign_of(d)
    if sign is None:
        return Unknown(what)
    if sign == 0 and isinstance(d, Jet):
        for k in range(1, ctx.cap if _SIDE[0] else 0):
            slope = sign_of(d.series[k])
            if slope:
                return slope * _SIDE[0] ** k
            if slope is None:
                break
        return Kink(f"{what}: equal there")
    return sign
