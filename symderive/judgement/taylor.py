"""Scalars as truncated Taylor polynomials in several variables, over balls or over exact numbers.

A `Taylor` holds the coefficients ``D^α f / α!`` up to a total order.  Over balls, with each variable a ball that
holds a whole interval, every coefficient encloses its value at every point of the box: that is what mean-value
forms, monotonicity and convexity on a box are read off.  Over `closed_forms.Closed` numbers the coefficients at a
point are exact, which shows that a function and its slopes vanish there.  It speaks the protocol of the ``ball``
forms of ``language.functions`` and knows no rule of calculus: functions are expanded by python-flint over balls, by
their power series over exact numbers, and put into each other.

Sources: R. Moore, R. Kearfott, M. Cloud, Introduction to Interval Analysis, SIAM 2009, ch. 6-9; A. Griewank,
A. Walther, Evaluating Derivatives, SIAM 2008, ch. 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from math import factorial
from typing import Any, NoReturn, final

from flint import arb, arb_series, fmpq
from sympy import Expr, Rational
from sympy import pi as PI

from symderive.deadline import tick
from symderive.errors import SymderiveError
from symderive.judgement import closed_forms
from symderive.judgement.balls import Ball, constant
from symderive.judgement.closed_forms import Closed, NoClosedForm, closed, rational
from symderive.judgement.elements import Hole, Jet, as_ball, power, precision
from symderive.language.functions import function
from symderive.language.nodes import Contraction, Leaf, Map, Named, Node, Number, Sum

Powers = tuple[int, ...]
Span = tuple[Fraction, Fraction]

LARGEST_POWER = 64
"""Whole powers up to this one are products."""


class Gap(Exception):
    """No enclosure, or no exact value: a function may be undefined there, or is not known here."""


# -- numbers ---------------------------------------------------------------------------------


@final
class Balls:
    """Coefficients are balls."""

    def number(self, expr: Expr) -> arb:
        """A constant."""
        value = constant(expr, {})
        if isinstance(value, Hole):
            raise Gap(value.reason)
        return as_ball(value)

    def sign(self, value: arb) -> int | None:
        """1 for >= 0, -1 for <= 0, 0 for an exact 0; None where the ball holds both signs."""
        if value == 0:
            return 0
        return 1 if value >= 0 else -1 if value <= 0 else None

    def positive(self, value: arb) -> bool:
        """Whether > 0 is shown."""
        return bool(value > 0)

    def expansion(self, name: str, at: arb, order: int, *extra: int) -> list[arb]:
        """The coefficients of a function at every point of a ball."""
        with precision(_BITS, order + 1):
            start = Jet(arb_series([at, 1], prec=order + 1)) if order else at
            return self._read(getattr(Ball(start), name)(*extra).value, order)

    def root(self, at: arb, exponent: Fraction, order: int, nonnegative: bool) -> list[arb]:
        """The coefficients of t**exponent, t > 0; or t >= 0, where only the value is asked for."""
        e = fmpq(exponent.numerator, exponent.denominator)
        if nonnegative and not order and exponent > 0 and not at > 0:
            top = at.upper()
            return [arb(0).union(as_ball(power(top, e))) if top > 0 else arb(0)]
        with precision(_BITS, order + 1):
            start = Jet(arb_series([at, 1], prec=order + 1)) if order else at
            return self._read(power(start, e), order)

    def _read(self, value: Any, order: int) -> list[arb]:
        if isinstance(value, Hole):
            raise Gap(value.reason)
        found = [value.ball_series[k] for k in range(order + 1)] if isinstance(value, Jet) else [as_ball(value)]
        if not all(c.is_finite() for c in found):
            raise Gap("the value is out of range")
        return found


@final
class Exact:
    """Coefficients are `Closed` numbers."""

    def number(self, expr: Expr) -> Closed:
        """A constant."""
        return closed_forms.constant(expr)

    def sign(self, value: Closed) -> int:
        """1, -1 or 0; `NoClosedForm` where that is not known."""
        return value.decided()

    def positive(self, value: Closed) -> bool:
        """Whether it is > 0."""
        return value.decided() > 0

    def expansion(self, name: str, at: Closed, order: int, *extra: int) -> list[Any]:
        """The coefficients of a function at a number."""
        if not order:
            return [closed(getattr(at, name)(*extra))]
        row = _SERIES.get(name)
        if row is None:
            raise Gap(f"no exact series of {name}")
        return row(at, order, *extra)

    def root(self, at: Closed, exponent: Fraction, order: int, nonnegative: bool) -> list[Any]:
        """The coefficients of t**exponent at a number > 0, or its value at 0."""
        if nonnegative and not order and exponent > 0 and at.decided() == 0:
            return [rational(0)]
        if at.decided() <= 0:
            raise Gap("a root of a number that is not positive")
        found, c = [], Fraction(1)
        for k in range(order + 1):
            found.append(rational(c) * at.raised(exponent - k))
            c = c * (exponent - k) / (k + 1)
        return found


_BITS = 96
_LONG = 1 << 200
Ring = Balls | Exact


def _point(value: Expr) -> Span | None:
    """Exact bounds of a number."""
    if not isinstance(value, Rational):
        return None
    exact = Fraction(int(value.p), int(value.q))
    return exact, exact


def _derived(value: Callable[[Closed], Any], slope: Callable[[Taylor], Taylor]) -> Callable[..., list[Any]]:
    """A function by its value and the series of its slope."""

    def series(at: Closed, order: int) -> list[Any]:
        inner = Space(1, order - 1).variable(0, at, Exact())
        rates = slope(inner)
        return [closed(value(at)), *(rates.at((k,)) / (k + 1) for k in range(order))]

    return series


def _sines(first: int) -> Callable[[Closed, int], list[Any]]:
    def series(at: Closed, order: int) -> list[Any]:
        turns = (at.sin(), at.cos(), -at.sin(), -at.cos())
        return [turns[(first + k) % 4] / factorial(k) for k in range(order + 1)]

    return series


def _polygammas(at: Closed, order: int, n: int) -> list[Any]:
    return [at.polygamma(n + k) / factorial(k) for k in range(order + 1)]


_SERIES: dict[str, Callable[..., list[Any]]] = {
    "exp": lambda at, order: [at.exp() / factorial(k) for k in range(order + 1)],
    "log": _derived(lambda at: at.log(), lambda x: 1 / x),
    "sin": _sines(0),
    "cos": _sines(1),
    "atan": _derived(lambda at: at.atan(), lambda x: 1 / (1 + x * x)),
    "asin": _derived(lambda at: at.asin(), lambda x: 1 / (1 - x * x).sqrt()),
    "acos": _derived(lambda at: at.acos(), lambda x: -1 / (1 - x * x).sqrt()),
    "erf": _derived(lambda at: at.erf(), lambda x: (-x * x).exp() * 2 / x.pi().sqrt()),
    "gammaln": _derived(lambda at: at.gammaln(), lambda x: x.polygamma(0)),
    "polygamma": _polygammas,
}
"""Series over exact numbers; what they are made of is in `Closed`."""


# -- polynomials -----------------------------------------------------------------------------


@final
class Space:
    """Polynomials in so many variables up to a total order: the monomials, and which two make which."""

    def __init__(self, variables: int, order: int) -> None:
        self.variables = variables
        self.order = order
        every = product(range(order + 1), repeat=variables)
        self.powers: list[Powers] = sorted((p for p in every if sum(p) <= order), key=lambda p: (sum(p), p))
        self.places = {p: k for k, p in enumerate(self.powers)}
        self.products = [
            [self.places.get(tuple(a + b for a, b in zip(p, q, strict=True)), -1) for q in self.powers]
            for p in self.powers
        ]

    def variable(self, index: int, value: Any, ring: Ring) -> Taylor:
        """A variable at a value."""
        terms = {0: value}
        if self.order:
            terms[self.places[tuple(int(k == index) for k in range(self.variables))]] = ring.number(Rational(1))
        return Taylor(self, ring, terms)


@cache
def space(variables: int, order: int) -> Space:
    """The space of so many variables and such an order."""
    return Space(variables, order)


@final
class Taylor:
    """Coefficients by the place of their monomial; those that are missing are 0.

    ``span`` has exact bounds of the value, where it is rational in variables with rational ends: the radius of a
    ball is rounded up, so that the ball of [0, 1] holds numbers < 0.
    """

    __slots__ = ("ring", "space", "span", "terms")

    def __init__(self, space: Space, ring: Ring, terms: dict[int, Any], span: Span | None = None) -> None:
        self.space = space
        self.ring = ring
        self.terms = terms
        self.span = span

    def __getattr__(self, name: str) -> NoReturn:
        """What a row's ball form asks for and is not written below."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise Gap(f"{name} is not expanded")

    def at(self, powers: Powers) -> Any:
        """A coefficient."""
        found = self.terms.get(self.space.places[powers])
        return self.ring.number(Rational(0)) if found is None else found

    @property
    def lead(self) -> Any:
        """The value."""
        return self.at((0,) * self.space.variables)

    def constant(self, value: Any) -> Taylor:
        """A constant of the same kind."""
        return Taylor(self.space, self.ring, {0: value})

    def sign_of_value(self) -> int | None:
        """1 for >= 0, -1 for <= 0, 0 for an exact 0, None where both signs may occur."""
        if self.span is not None and isinstance(self.ring, Balls):
            low, high = self.span
            return (0 if low == high == 0 else 1) if low >= 0 else -1 if high <= 0 else None
        return self.ring.sign(self.lead)

    def _other(self, other: Any) -> Taylor:
        if isinstance(other, Taylor):
            return other
        value = Rational(other)
        return Taylor(self.space, self.ring, {0: self.ring.number(value)}, _point(value))

    # -- arithmetic --------------------------------------------------------------------------

    def __add__(self, other: Any) -> Taylor:
        other = self._other(other)
        terms = dict(self.terms)
        for k, c in other.terms.items():
            terms[k] = terms[k] + c if k in terms else c
        span = None
        if self.span is not None and other.span is not None:
            span = (self.span[0] + other.span[0], self.span[1] + other.span[1])
        return Taylor(self.space, self.ring, terms, span)

    __radd__ = __add__

    def __neg__(self) -> Taylor:
        span = None if self.span is None else (-self.span[1], -self.span[0])
        return Taylor(self.space, self.ring, {k: -c for k, c in self.terms.items()}, span)

    def __sub__(self, other: Any) -> Taylor:
        return self + (-self._other(other))

    def __rsub__(self, other: Any) -> Taylor:
        return self._other(other) - self

    def __mul__(self, other: Any) -> Taylor:
        other = self._other(other)
        terms: dict[int, Any] = {}
        for i, a in self.terms.items():
            row = self.space.products[i]
            for j, b in other.terms.items():
                k = row[j]
                if k >= 0:
                    terms[k] = terms[k] + a * b if k in terms else a * b
        span = None
        if self.span is not None and other.span is not None:
            ends = [a * b for a in self.span for b in other.span]
            span = (min(ends), max(ends)) if all(e.denominator < _LONG for e in ends) else None
        return Taylor(self.space, self.ring, terms, span)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Taylor:
        return self * self._other(other).raised(Fraction(-1))

    def __rtruediv__(self, other: Any) -> Taylor:
        return self._other(other) * self.raised(Fraction(-1))

    def __pow__(self, other: Any) -> Taylor:
        return self.power(self._other(other))

    def power(self, other: Taylor) -> Taylor:
        """self ** other for a base > 0."""
        return (other * self.log()).exp()

    def raised(self, e: Fraction) -> Taylor:
        """A rational power."""
        if e.denominator != 1 or abs(e) > LARGEST_POWER:
            order = self.space.order if any(self.terms) else 0
            return self._put_into(self.ring.root(self.lead, e, order, self.sign_of_value() in (0, 1)))
        if e < 0:
            return self._inverse() if e == -1 else self.raised(-e)._inverse()
        result = self._other(1)
        for _ in range(int(e)):
            result = result * self
        lead = result.terms.get(0)
        if isinstance(lead, arb) and e and e.numerator % 2 == 0 and not lead >= 0:
            # an even power is >= 0, whatever a product of balls says
            result.terms[0] = arb(0).union(lead.upper()) if lead.upper() > 0 else arb(0)
            if result.span is not None:
                result.span = (max(result.span[0], Fraction(0)), result.span[1])
        return result

    def _inverse(self) -> Taylor:
        lead = self.lead
        if not (self.ring.positive(lead) or self.ring.positive(-lead)):
            raise Gap("division by a number that may be 0")
        found = [1 / lead]
        for _ in range(self.space.order):
            found.append(-found[-1] / lead)
        return self._put_into(found)

    def _put_into(self, outer: Sequence[Any]) -> Taylor:
        """Σ outer[k]·(self - value)^k."""
        step = Taylor(self.space, self.ring, {k: c for k, c in self.terms.items() if k})
        result = self.constant(outer[-1])
        for c in reversed(outer[:-1]):
            result = result * step + self.constant(c)
        return result

    def _expanded(self, name: str, *extra: int) -> Taylor:
        order = self.space.order if len(self.terms) > 1 or 0 not in self.terms else 0
        return self._put_into(self.ring.expansion(name, self.lead, order, *extra))

    # -- functions ---------------------------------------------------------------------------

    def exp(self) -> Taylor:
        """exp."""
        return self._expanded("exp")

    def log(self) -> Taylor:
        """The natural logarithm."""
        if not self.ring.positive(self.lead):
            raise Gap("log of a number that may be 0")
        return self._expanded("log")

    def sqrt(self) -> Taylor:
        """The square root."""
        return self.raised(Fraction(1, 2))

    def sin(self) -> Taylor:
        """sin."""
        return self._expanded("sin")

    def cos(self) -> Taylor:
        """cos."""
        return self._expanded("cos")

    def tan(self) -> Taylor:
        """tan."""
        return self.sin() / self.cos()

    def asin(self) -> Taylor:
        """arcsin."""
        return self._expanded("asin")

    def acos(self) -> Taylor:
        """arccos."""
        return self._expanded("acos")

    def atan(self) -> Taylor:
        """arctan."""
        return self._expanded("atan")

    def asinh(self) -> Taylor:
        """arsinh."""
        return (self + (self * self + 1).sqrt()).log()

    def acosh(self) -> Taylor:
        """arcosh."""
        return (self + (self * self - 1).sqrt()).log()

    def atanh(self) -> Taylor:
        """artanh."""
        return ((1 + self).log() - (1 - self).log()) / 2

    def tanh(self) -> Taylor:
        """tanh."""
        return 1 - 2 / ((2 * self).exp() + 1)

    def erf(self) -> Taylor:
        """erf."""
        return self._expanded("erf")

    def erfc(self) -> Taylor:
        """erfc."""
        return 1 - self.erf()

    def ndtr(self) -> Taylor:
        """Φ."""
        return (1 + (self / (self * 0 + 2).sqrt()).erf()) / 2

    def log_ndtr(self) -> Taylor:
        """log Φ."""
        return self.ndtr().log()

    def gammaln(self) -> Taylor:
        """log Γ of a positive number."""
        return self.positive()._expanded("gammaln")

    def rgamma(self) -> Taylor:
        """1/Γ of a positive number."""
        return (-self.gammaln()).exp()

    def polygamma(self, n: int) -> Taylor:
        """The n-th derivative of digamma at a positive number."""
        return self.positive()._expanded("polygamma", n)

    def xlogy(self, other: Taylor) -> Taylor:
        """x·log(y)."""
        return self * other.log()

    def exponential_of(self, base: int) -> Taylor:
        """base ** self."""
        return (self * (self * 0 + base).log()).exp()

    def pi(self) -> Taylor:
        """π, of the same kind."""
        return self.constant(self.ring.number(PI))

    def times_pi(self) -> Taylor:
        """π·self."""
        return self * self.pi()

    def order(self) -> int:
        """A constant integer, as the order of a function."""
        value = self.lead
        found = value.rational if isinstance(value, Closed) else value.unique_fmpz()
        if found is None or len(self.terms) > 1 or int(found) != found:
            raise Gap("the order of a function must be a constant integer")
        return int(found)

    def positive(self) -> Taylor:
        """The same number, defined where it is > 0."""
        if not self.ring.positive(self.lead):
            raise Gap("a function of a number that may not be positive")
        return self

    def nonnegative(self) -> Taylor:
        """The same number, defined where it is >= 0."""
        if self.sign_of_value() not in (0, 1):
            raise Gap("a function of a number that may be negative")
        return self

    # -- kinks: where one sign holds on the whole box, one formula does, up to its edges --------

    def _side(self) -> int:
        # an exact 0 that moves: the face of a box may be that of either side
        sign = self.sign_of_value()
        if sign is None or (sign == 0 and any(self.terms)):
            raise Gap("a kink")
        return sign

    def abs(self) -> Taylor:
        """The absolute value."""
        if not self.space.order and isinstance(self.lead, arb):
            return self.constant(abs(self.lead))
        return -self if self._side() < 0 else self

    def sign(self) -> Taylor:
        """The sign, off 0."""
        value = self.lead
        if not (self.ring.positive(value) or self.ring.positive(-value)):
            raise Gap("the sign of a number that may be 0")
        return self.constant(self.ring.number(Rational(1 if self.ring.positive(value) else -1)))

    def maximum(self, other: Taylor) -> Taylor:
        """The larger of two."""
        return self._larger(other, 1)

    def minimum(self, other: Taylor) -> Taylor:
        """The smaller of two."""
        return self._larger(other, -1)

    def _larger(self, other: Taylor, way: int) -> Taylor:
        a, b = self.lead, other.lead
        if not self.space.order and isinstance(a, arb):
            return self.constant(a.max(b) if way > 0 else a.min(b))
        return self if (self - other)._side() * way >= 0 else other

    def lt(self, other: Taylor) -> Taylor:
        """1 where less, else 0, off the boundary."""
        return self.constant(self.ring.number(Rational(int((self - other).sign().lead < 0))))

    le = lt

    def where(self, yes: Taylor, no: Taylor) -> Taylor:
        """``yes`` where this is not 0, else ``no``."""
        sign = self.ring.sign(self.lead)
        if sign is None or (sign and not (self.ring.positive(self.lead) or self.ring.positive(-self.lead))):
            raise Gap("the condition of a case distinction")
        return yes if sign else no


# -- formulas ------------------------------------------------------------------------------------


def expanded(
    node: Node,
    leaves: Sequence[Leaf],
    values: Sequence[Any],
    order: int,
    ring: Ring,
    spans: Sequence[Span | None] = (),
) -> Taylor:
    """A scalar node as a Taylor polynomial in some leaves, at numbers or balls.

    ``spans`` has exact bounds of the values, where there are any.  Raises `Gap` where there is no
    polynomial: the node may be undefined or not smooth there, or is no scalar formula in the leaves.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x")
    >>> made = expanded(np.exp(2 * x).node, [x.node], [rational(0)], 2, Exact())
    >>> [made.at((k,)).rational for k in range(3)]
    [Fraction(1, 1), Fraction(2, 1), Fraction(2, 1)]
    """
    room = space(len(leaves), order)
    found: dict[Node, Taylor] = {
        leaf: room.variable(k, value, ring) for k, (leaf, value) in enumerate(zip(leaves, values, strict=True))
    }
    for leaf, span in zip(leaves, spans, strict=False):
        found[leaf].span = span
    try:
        for part in node.walk():
            if part not in found:
                found[part] = _part(part, found, room, ring)
    except NoClosedForm as error:
        raise Gap(str(error)) from error
    except (ArithmeticError, SymderiveError) as error:  # a division by 0, for one
        raise Gap(f"{type(error).__name__}: {error}") from error
    return found[node]


def _part(part: Node, found: Mapping[Node, Taylor], room: Space, ring: Ring) -> Taylor:
    tick()

    def number(expr: Expr) -> Taylor:
        return Taylor(room, ring, {0: ring.number(expr)} if expr != 0 else {}, _point(expr))

    match part:
        case Number() if not part.value.free_symbols:
            return number(part.value)
        case Named():
            return found[part.body]
        case Sum() if not part.shape:
            total = number(Rational(0))
            for weight, term in part.terms:
                total = total + (found[term] if weight == 1 else found[term] * number(weight))
            return total
        case Contraction() if not part.label_dims:
            result = number(part.coefficient)
            for factor, _ in part.factors:
                result = result * found[factor]
            return result
        case Map() if not part.shape:
            arguments = [found[a] for a in part.arguments]
            exponent = part.arguments[1] if part.function == "power" else None
            if isinstance(exponent, Number) and isinstance(exponent.value, Rational):
                return arguments[0].raised(Fraction(int(exponent.value.p), int(exponent.value.q)))
            if part.function == "power":
                return arguments[0].power(arguments[1])
            if part.function == "log":
                split = _split_logarithm(part.arguments[0], found, number)
                if split is not None:
                    return split
            return function(part.function).ball(*arguments)
    raise Gap(f"a {type(part).__name__}")


def _split_logarithm(argument: Node, found: Mapping[Node, Taylor], number: Callable[[Expr], Taylor]) -> Taylor | None:
    """The logarithm of a product of powers of numbers > 0 as a sum, which balls enclose more narrowly."""
    if not isinstance(argument, Contraction) or not argument.coefficient.is_positive:
        return None
    total = number(argument.coefficient).log() if argument.coefficient != 1 else number(Rational(0))
    for factor, _ in argument.factors:
        base, exponent = factor, Rational(1)
        match factor:
            case Map(function="power", arguments=(inner, Number(value=Rational() as e))):
                base, exponent = inner, e
        if not found[base].ring.positive(found[base].lead):
            return None
        total = total + found[base].log() * number(exponent)
    return total


__all__ = ["Balls", "Exact", "Gap", "Powers", "Ring", "Space", "Taylor", "expanded", "space"]
