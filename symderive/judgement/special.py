"""Special functions of elements: gamma, error and Bessel functions, inverses, roundings.

Each one takes an exact rational, a ball, a power series of balls or a hole (see ``elements``) and
gives another.  A series of a function that python-flint has no series for is composed of one that it
has: a local expansion at the value (log Γ differentiated for the polygamma functions, a reversion for
an inverse function, 0F1 for the Bessel functions) is put into the argument's own series.

Sources: NIST DLMF 5.15 (polygamma), 7.17 (inverse error functions), 10.39.9 and 10.53 (Bessel
functions as 0F1); F. Johansson, "Arb" (2017) for the enclosures.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

from flint import arb, arb_series, ctx, fmpq

from symderive.errors import UnsupportedError
from symderive.judgement.elements import (
    ONE,
    ZERO,
    Element,
    Hole,
    Jet,
    Kink,
    Undefined,
    Unknown,
    analytic,
    as_ball,
    difference_sign,
    divide,
    exponential,
    join,
    logarithm,
    power,
    sign_of,
    undefined_pole,
)

# -- expansions ------------------------------------------------------------------------------


def _from(lead: arb, x: arb_series) -> arb_series:
    """The series with another constant term, known to as many terms."""
    return arb_series([lead, *x.coeffs()[1:]], prec=x.prec)


def _composed(outer: arb_series, x: arb_series) -> arb_series:
    """``outer(x - x[0])`` for an expansion at x[0]."""
    inner = _from(arb(0), x)
    return outer(inner) if inner.length() else arb_series([outer[0]], prec=x.prec)


def _inverse(value: arb, forward: Callable[[arb_series], arb_series], x: arb_series) -> arb_series:
    """The inverse of ``forward`` as a series at x, ``value`` being the inverse at x[0]."""
    outward = _from(arb(0), forward(arb_series([value, 1])))
    if not outward[1] > 0 or not value.is_finite():
        return arb_series([value, arb("nan")], prec=x.prec)
    return value + _composed(outward.reversion(), x)


def _within(value: Element, ends: tuple[tuple[Element, int], ...], closed: bool, what: str) -> Hole | int | None:
    """The hole that keeps a value out of an interval; the side of the closed end that it is; None inside.

    ``ends`` are pairs of an end and 1 for a lower or -1 for an upper one.
    """
    if isinstance(value, Hole):
        return undefined_pole(value)
    for end, way in ends:
        sign = sign_of((value - end) * fmpq(way))
        if sign is None:
            return Unknown(f"whether {what} is inside its domain")
        if sign < 0 or (sign == 0 and not closed):
            return Undefined(f"{what} outside of its domain")
        if sign == 0:
            return EndOfDomain(f"{what} at the end of its domain", way) if isinstance(value, Jet) else way
    return None


class EndOfDomain(Kink):
    """A moving value at a closed end of a domain; ``way`` is 1 at a lower end, -1 at an upper one."""

    def __init__(self, reason: str, way: int) -> None:
        super().__init__(reason)
        self.way = way


def _half_root(gap: Element, hole: EndOfDomain, then: Callable[[Element], Element]) -> Element:
    """``then(√(gap/2))`` for what is >= 0 inside of a domain, 0 at its end; the hole where the root is not known."""
    root = power(gap * fmpq(1, 2), fmpq(1, 2))
    if isinstance(root, Undefined):
        return Undefined(hole.reason.replace("at the end", "outside"))
    return hole if isinstance(root, Hole) else then(root)


_UNIT = ((-ONE, 1), (ONE, -1))


# -- the gamma family ------------------------------------------------------------------------


def _is_pole(value: Element, what: str) -> Hole | None:
    """The hole at the poles of Γ, 0, -1, -2, ...; None where the value is certainly at none."""
    if isinstance(value, Hole):
        return undefined_pole(value)
    lead = value.lead if isinstance(value, Jet) else value
    if lead > 0:
        return None
    if type(lead) is fmpq:
        return Undefined(f"{what} at a pole") if lead.q == 1 else None
    return Unknown(f"whether {what} is at a pole") if lead.contains_integer() else None


def reciprocal_gamma(value: Element) -> Element:
    """1/Γ, which is entire and 0 at the poles of Γ."""
    if type(value) is fmpq and value.q == 1 and value <= 0:
        return ZERO
    return analytic(value, arb.rgamma, arb_series.rgamma)


def _log_gamma(x: arb_series) -> arb_series:
    """log |Γ| off the poles; reflected for negative numbers: Γ(x) Γ(1 - x) sin(πx) = π."""
    if x[0] > 0:
        return x.lgamma()
    sine = x.sin_pi()
    return arb.pi().log() - (sine if sine[0] > 0 else -sine).log() - (1 - x).lgamma()


def log_gamma(value: Element) -> Element:
    """log |Γ|."""
    hole = _is_pole(value, "log Γ")
    if hole is not None:
        return hole
    return analytic(value, lambda x: _log_gamma(arb_series([x]))[0], _log_gamma)


def polygamma(n: int, value: Element) -> Element:
    """The n-th derivative of digamma, the (n + 1)-th of log |Γ|."""
    hole = _is_pole(value, "a polygamma function")
    if hole is not None:
        return hole

    def expansion(x: arb_series) -> arb_series:
        old = ctx.cap
        ctx.cap = old + n + 1
        try:
            series = _log_gamma(arb_series([x[0], 1]))
            for _ in range(n + 1):
                series = series.derivative()
        finally:
            ctx.cap = old
        return series

    return analytic(
        value, lambda x: expansion(arb_series([x]))[0], lambda x: _composed(expansion(x), x)
    )


def gamma_ratio(a: Element, x: Element, upper: bool = False) -> Element:
    """The incomplete gamma ratio P(a, x), or Q = 1 - P, for a constant a > 0 and x >= 0."""
    hole = join(a, x)
    if hole is not None:
        return hole
    if isinstance(a, Jet):
        raise UnsupportedError("the incomplete gamma function P(a, x) is judged for a constant a only")
    positive, side = sign_of(a), sign_of(x)
    if positive is None or side is None:
        return Unknown("whether P(a, x) is defined")
    if positive <= 0 or side < 0:
        return Undefined("P(a, x) outside of a > 0, x >= 0")
    if side == 0:
        return Kink("P(a, x) at x = 0") if isinstance(x, Jet) else fmpq(int(upper))
    order = as_ball(a)
    if upper:
        return analytic(
            x, lambda z: z.gamma_upper(order, 1), lambda z: arb_series.gamma_upper(order, z, 1)
        )
    return analytic(
        x, lambda z: z.gamma_lower(order, 1), lambda z: arb_series.gamma_lower(order, z, 1)
    )


# -- error functions -------------------------------------------------------------------------


def error(value: Element) -> Element:
    """erf."""
    return analytic(value, arb.erf, arb_series.erf)


def _scaled_tail(x: arb) -> arb:
    """exp(x²) erfc(x) for x > 0, as U(1/2, 1/2, x²)/√π."""
    half = arb(1) / 2
    return (x * x).hypgeom_u(half, half) / arb.pi().sqrt()


def _tail(x: arb) -> arb:
    # far out, python-flint's erfc of a number that is not exact knows no digit of it
    return (-(x * x)).exp() * _scaled_tail(x) if x > 10 else x.erfc()


def complementary_error(value: Element) -> Element:
    """erfc, relatively precise in the right tail."""
    return analytic(value, _tail, lambda x: _from(_tail(x[0]), x.erfc()))


def scaled_error(value: Element) -> Element:
    """exp(x²) erfc(x)."""

    def at(x: arb) -> arb:
        return _scaled_tail(x) if x > 1 else (x * x).exp() * x.erfc()

    return analytic(value, at, lambda x: _from(at(x[0]), (x * x).exp() * x.erfc()))


def normal(value: Element) -> Element:
    """Φ(x) = erfc(-x/√2)/2."""
    if isinstance(value, Hole):
        return undefined_pole(value)
    return complementary_error(value * (-(arb(1) / 2).sqrt())) * fmpq(1, 2)


def log_normal(value: Element) -> Element:
    """log Φ; beyond 0 as log(1 - erfc(x/√2)/2), so that the small value is not lost beside 1."""
    if isinstance(value, Hole):
        return undefined_pole(value)
    if sign_of(value) != 1:
        return logarithm(normal(value))
    tail = normal(-value)
    if isinstance(tail, Hole):
        return tail
    if isinstance(tail, Jet):
        series = (1 - tail.ball_series).log()
        return Jet(_from((-as_ball(tail.lead)).log1p(), series))
    return analytic(-tail, arb.log1p, arb_series.log)


def inverse_error(value: Element) -> Element:
    """The inverse of erf on (-1, 1)."""
    hole = _within(value, _UNIT, False, "the inverse of erf")
    if isinstance(hole, Hole):
        return hole
    return analytic(value, arb.erfinv, lambda x: _inverse(x[0].erfinv(), arb_series.erf, x))


def quantile(value: Element) -> Element:
    """The inverse of Φ on (0, 1): -√2 erfcinv(2p)."""
    hole = _within(value, ((ZERO, 1), (ONE, -1)), False, "a normal quantile")
    if isinstance(hole, Hole):
        return hole
    root = arb(2).sqrt()

    def at(p: arb) -> arb:
        return -root * (2 * p).erfcinv()

    def forward(x: arb_series) -> arb_series:
        return (x * (-1 / root)).erfc() / 2

    return analytic(value, at, lambda p: _inverse(at(p[0]), forward, p))


# -- Bessel functions -----------------------------------------------------------------------


def _hypergeometric(b: arb, w: arb_series) -> arb_series:
    """0F1(; b; w): its expansion at w[0] has the coefficients 0F1(; b + k; w[0]) / ((b)_k k!)."""
    coefficients = []
    rising = arb(1)
    for k in range(ctx.cap):
        coefficients.append(w[0].hypgeom_0f1(b + k) / (rising * factorial(k)))
        rising = rising * (b + k)
    return _composed(arb_series(coefficients), w)


def bessel_i(n: int, value: Element) -> Element:
    """I_n(x) = (x/2)^n/n! 0F1(; n + 1; x²/4)."""

    def series(x: arb_series) -> arb_series:
        half = x / 2
        return half**n / factorial(n) * _hypergeometric(arb(n + 1), half * half)

    return analytic(value, lambda x: series(arb_series([x]))[0], series)


def spherical_bessel(n: int, value: Element) -> Element:
    """j_n(x) = x^n/(2n + 1)!! 0F1(; n + 3/2; -x²/4); from j_0 = sin(x)/x upwards where |x| > 1."""

    def series(x: arb_series) -> arb_series:
        if abs(x[0]) > 1:
            low, high = x.cos() / x, x.sin() / x
            for k in range(n):
                low, high = high, (2 * k + 1) * high / x - low
            return high
        odd = arb(1)
        for k in range(3, 2 * n + 2, 2):
            odd = odd * k
        half = x / 2
        return x**n / odd * _hypergeometric(arb(n) + arb(3) / 2, -(half * half))

    return analytic(value, lambda x: series(arb_series([x]))[0], series)


# -- inverse trigonometric and hyperbolic functions ---------------------------------------------


def tangent(value: Element) -> Element:
    """tan; a pole is at no rational number."""
    return analytic(value, arb.tan, arb_series.tan)


def arcsine(value: Element) -> Element:
    """arcsin on [-1, 1]."""
    hole = _within(value, _UNIT, True, "arcsin")
    if isinstance(hole, EndOfDomain):
        return -_arccosine_at_end(value, hole) + arb.pi() / 2
    if isinstance(hole, Hole):
        return hole
    return analytic(value, arb.asin, arb_series.asin)


def arccosine(value: Element) -> Element:
    """arccos on [-1, 1]."""
    hole = _within(value, _UNIT, True, "arccos")
    if isinstance(hole, EndOfDomain):
        return _arccosine_at_end(value, hole)
    if isinstance(hole, Hole):
        return hole
    return analytic(value, arb.acos, arb_series.acos)


def _arccosine_at_end(value: Element, hole: EndOfDomain) -> Element:
    """arccos x = 2 arcsin √((1 - x)/2), and π minus that of -x."""
    near = _half_root(ONE + value * fmpq(hole.way), hole, lambda root: arcsine(root) * fmpq(2))
    return near if hole.way < 0 else -near + arb.pi()


def inverse_sinh(value: Element) -> Element:
    """arsinh."""
    return analytic(
        value,
        arb.asinh,
        lambda x: _inverse(x[0].asinh(), lambda y: (y.exp() - (-y).exp()) / 2, x),
    )


def inverse_cosh(value: Element) -> Element:
    """arcosh on [1, ∞)."""
    hole = _within(value, ((ONE, 1),), True, "arcosh")
    if isinstance(hole, EndOfDomain):
        return _half_root(value - ONE, hole, lambda root: inverse_sinh(root) * fmpq(2))
    if isinstance(hole, Hole):
        return hole
    return analytic(
        value,
        arb.acosh,
        lambda x: _inverse(x[0].acosh(), lambda y: (y.exp() + (-y).exp()) / 2, x),
    )


def inverse_tanh(value: Element) -> Element:
    """artanh on (-1, 1)."""
    hole = _within(value, _UNIT, False, "artanh")
    if isinstance(hole, Hole):
        return hole

    def series(x: arb_series) -> arb_series:
        return _from(x[0].atanh(), ((1 + x).log() - (1 - x).log()) / 2)

    return analytic(value, arb.atanh, series)


def angle(y: Element, x: Element) -> Element:
    """The angle of the point (x, y), in (-π, π]; 0 at (0, 0), as NumPy has it."""
    hole = join(y, x)
    if hole is not None:
        return hole
    up, right = sign_of(y), sign_of(x)
    moving = isinstance(y, Jet) or isinstance(x, Jet)
    if right == 1:
        return analytic(divide(y, x), arb.atan, arb_series.atan)
    if up is None or (right is None and up == 0):
        return Unknown("on which side of the negative half-line a point is")
    if up == 0:
        if moving:
            return Kink("an angle on the negative half-line")
        return ZERO if right == 0 else arb.pi()
    quarter = arb.pi() / (2 * up)
    return quarter - analytic(divide(x, y), arb.atan, arb_series.atan)


# -- powers ---------------------------------------------------------------------------------


def cube_root(value: Element) -> Element:
    """The real cube root."""
    sign = difference_sign(value, ZERO, "the sign inside a cube root")
    if isinstance(sign, Hole):
        return sign
    if sign == 0:
        return ZERO
    root = power(value if sign > 0 else -value, fmpq(1, 3))
    return root if sign > 0 else -root


def _divided_exponential(u: Element) -> Element:
    """(exp(u) - 1)/u, which is 1 at 0."""
    if isinstance(u, Hole):
        return undefined_pole(u)
    lead = u.lead if isinstance(u, Jet) else u
    if lead == 0:
        if not isinstance(u, Jet):
            return ONE
        expansion = arb_series([arb(1) / factorial(k + 1) for k in range(ctx.cap)])
        return Jet(_composed(expansion, u.ball_series))
    return divide(exponential(u) - ONE, u)


def box_cox(x: Element, exponent: Element) -> Element:
    """(x^λ - 1)/λ, log x at λ = 0, for x > 0."""
    sign = sign_of(x) if not isinstance(x, Hole) else 1
    if sign is None:
        return Unknown("the sign inside a Box-Cox transform")
    if sign <= 0:
        return Undefined("the Box-Cox transform of a number that is not positive")
    log = logarithm(x)
    hole = join(log, exponent)
    return hole if hole is not None else log * _divided_exponential(exponent * log)


def inverse_box_cox(y: Element, exponent: Element) -> Element:
    """(λy + 1)^(1/λ), exp y at λ = 0, for λy > -1."""
    hole = join(y, exponent)
    if hole is not None:
        return hole
    sign = sign_of(exponent)
    if sign is None or (sign == 0 and isinstance(exponent, Jet)):
        return Unknown("whether λ is 0 in an inverse Box-Cox transform")
    if sign == 0:
        return exponential(y)
    inside = sign_of(exponent * y + ONE)
    if inside is None:
        return Unknown("the sign inside an inverse Box-Cox transform")
    if inside <= 0:
        return Undefined("the inverse Box-Cox transform outside of its domain")
    return exponential(divide(logarithm(exponent * y + ONE), exponent))


# -- roundings ------------------------------------------------------------------------------


def floor(value: Element) -> Element:
    """The largest integer that is not larger; it jumps at the integers."""
    if isinstance(value, Hole):
        return undefined_pole(value)
    lead = value.lead if isinstance(value, Jet) else value
    if type(lead) is fmpq:
        if lead.q == 1 and isinstance(value, Jet):
            return Kink("floor at an integer")
        return fmpq(lead.p // lead.q)
    if isinstance(value, Jet) and lead.contains_integer():
        return Unknown("on which side of an integer a number is")
    whole = lead.floor().unique_fmpz()
    return fmpq(whole) if whole is not None else Unknown("on which side of an integer a number is")


def truncated(value: Element) -> Element:
    """The integer towards 0."""
    if isinstance(value, Hole):
        return undefined_pole(value)
    if (value.lead if isinstance(value, Jet) else value) ** 2 < 1:
        return ZERO
    sign = sign_of(value)
    if sign is None:
        return Unknown("the sign of a number to be truncated")
    return floor(value) if sign > 0 else -floor(-value)


def rounded(value: Element) -> Element:
    """The nearest integer, of two the even one."""
    if isinstance(value, Hole):
        return undefined_pole(value)
    lower = floor(value + fmpq(1, 2))
    if type(value) is fmpq and type(lower) is fmpq and lower - value == fmpq(1, 2) and lower.p % 2:
        return lower - ONE
    return lower
