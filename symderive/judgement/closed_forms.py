"""Exact values of formulas at exact points, to show that two sides are equal there.

Balls show that two numbers differ, and never that they are equal.  A strict relation that fails only
where its sides meet (``H(p) < log 2`` at p = 1/2) is refuted by an exact argument: both sides are written
as sums of rational multiples of products of roots of primes, logarithms of primes, e^r, π and values of
further functions.  Every rewrite is an identity between real numbers, so equal forms are equal numbers;
forms that differ say nothing.  Nothing here knows the normal form of the proofs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
from flint import arb, fmpq
from sympy import E, Expr, Rational, factorint, pi
from sympy import exp as sympy_exp
from sympy import log as sympy_log

from symderive.errors import SymderiveError
from symderive.judgement.balls import Ball, Evaluator
from symderive.judgement.elements import Element, Hole, LogPole, Unknown, as_ball, power, precision, sign_of
from symderive.judgement.instances import Instance
from symderive.language.functions import function
from symderive.language.nodes import ONE, Binding, Contraction, Leaf, Map, Node, Number, Opaque, Sum

BITS = 256
LARGEST = 10**24
"""Integers beyond this are not factored."""

TERMS = 400
POWERS = 64
"""Powers of sums up to this one are expanded."""


class NoClosedForm(Exception):
    """A value is not written in closed form; nothing is said about it."""


@dataclass(frozen=True)
class Generator:
    """What products are made of, and a ball that holds it.

    ``kind`` and ``payload`` are "prime" and p for roots of p, "log" and p for log p, "pi", "exp" and a
    monomial m for e^m, "sum" and a `Closed` number of several terms for its powers, "value" and the name
    and arguments of a function.
    """

    kind: str
    payload: Any = None
    ball: arb = field(default=arb(0), compare=False, repr=False)


Monomial = tuple[tuple[Generator, Fraction], ...]
UNIT: Monomial = ()


class Closed:
    """A real number in closed form, and a ball that holds it.

    It speaks the protocol of the ``ball`` forms of ``language.functions``.

    >>> two = rational(2)
    >>> (two.log() + two.log()) == rational(4).log()
    True
    """

    __slots__ = ("ball", "terms")

    def __init__(self, terms: dict[Monomial, Fraction], ball: arb) -> None:
        if len(terms) > TERMS:
            raise NoClosedForm("too many terms")
        self.terms = terms
        self.ball = ball

    @property
    def rational(self) -> Fraction | None:
        """The rational number that the form shows, if it shows one."""
        if not self.terms:
            return Fraction(0)
        return self.terms[UNIT] if len(self.terms) == 1 and UNIT in self.terms else None

    @property
    def first(self) -> Monomial:
        """The monomial that comes first in a fixed order."""
        return min(self.terms, key=repr)

    def __repr__(self) -> str:
        return f"Closed({sorted(self.terms.items(), key=repr)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Closed | int) and self.terms == closed(other).terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __lt__(self, other: Any) -> bool:
        return (self - closed(other)).decided() < 0

    def __gt__(self, other: Any) -> bool:
        return (self - closed(other)).decided() > 0

    def decided(self) -> int:
        """The sign, -1, 0 or 1; `NoClosedForm` where neither the form nor the ball says."""
        shown = self.rational
        if shown is not None:
            return (shown > 0) - (shown < 0)
        found = sign_of(self.ball)
        if found is None:
            if not self._cleared().terms:
                return 0
            raise NoClosedForm("a number that may be 0")
        return found

    def _cleared(self) -> Closed:
        """The number times its denominators, which are not 0: both are 0 or neither is."""
        number = self
        for _ in range(6):
            least: dict[Generator, Fraction] = {}
            for monomial in number.terms:
                for g, e in monomial:
                    if g.kind == "sum" and e < 0:
                        least[g] = min(least.get(g, Fraction(0)), e)
            if not least:
                break
            total = rational(0)
            for monomial, c in number.terms.items():
                part = rational(c)
                exponents = dict(monomial)
                for g in {**exponents, **least}:
                    part = part * _raised(g, exponents.get(g, Fraction(0)) - least.get(g, Fraction(0)))
                total = total + part
            number = total
        return number

    def tightened(self) -> Element:
        """The rational number that the form is, or a ball around the sum of its terms."""
        shown = self.rational if self._cleared().terms else Fraction(0)
        if shown is not None:
            return fmpq(shown.numerator, shown.denominator)
        # what cancels in the form does not blur this ball: 1 - (1 - exp(-9**9))
        return sum((_product_ball(m) * _ball(c) for m, c in self.terms.items()), arb(0))

    # -- arithmetic --------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Hole):
            return NotImplemented
        other = closed(other)
        terms = dict(self.terms)
        for m, c in other.terms.items():
            _collect(terms, m, c)
        return Closed(terms, self.ball + other.ball)

    __radd__ = __add__

    def __neg__(self) -> Closed:
        return Closed({m: -c for m, c in self.terms.items()}, -self.ball)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return (-self) + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Hole):
            return NotImplemented
        other = closed(other)
        if len(self.terms) * len(other.terms) > TERMS:
            raise NoClosedForm("too many terms")
        for one, two in ((self, other), (other, self)):
            cancelled = one._over(two)
            if cancelled is not None:
                return cancelled
        total: dict[Monomial, Fraction] = {}
        for m, c in self.terms.items():
            for m2, c2 in other.terms.items():
                product, factor = _joined(m, m2)
                _collect(total, product, c * c2 * factor)
        return Closed(total, self.ball * other.ball)

    __rmul__ = __mul__

    def _over(self, other: Closed) -> Closed | None:
        """The product of a sum and a term with a negative power of that sum; None where it is none."""
        if len(self.terms) < 2 or len(other.terms) != 1:
            return None
        ((m, c),) = other.terms.items()
        for g, e in m:
            if g.kind == "sum" and e < 0:
                for sign in (1, -1):
                    weight, rest = (self if sign > 0 else -self)._content()
                    if rest == g.payload:
                        left = tuple((h, k) for h, k in m if h is not g)
                        return Closed({left: sign * weight * c}, _product_ball(left) * _ball(sign * weight * c)) * (
                            _raised(g, e + 1)
                        )
        return None

    def __truediv__(self, other: Any) -> Closed:
        return self * closed(other).raised(Fraction(-1))

    def __rtruediv__(self, other: Any) -> Closed:
        return closed(other) / self

    def __pow__(self, other: Any) -> Closed:
        return self.power(closed(other))

    def power(self, other: Closed) -> Closed:
        """self ** other."""
        e = other.rational
        if e is not None:
            return self.raised(e)
        return (other * self.log()).exp()

    def raised(self, e: Fraction) -> Closed:
        """A rational power."""
        if e.denominator == 1 and 0 <= e <= POWERS:
            result = rational(1)
            for _ in range(int(e)):
                result = result * self
            return result
        sign = self.decided()
        if sign == 0:
            if e > 0:
                return rational(0)
            raise NoClosedForm("a negative power of 0")
        if sign < 0:
            if e.denominator != 1:
                raise NoClosedForm("a root of a negative number")
            return rational(-1 if e.numerator % 2 else 1) * (-self).raised(e)
        if len(self.terms) > 1:
            c, rest = self._content()
            return _rational_power(c, e) * _raised(Generator("sum", rest, rest.ball), e)
        ((m, c),) = self.terms.items()
        result = _rational_power(abs(c), e)
        if e.denominator != 1 and (c < 0 or any(sign_of(_ball_of(g)) != 1 for g, _ in m)):
            raise NoClosedForm("a root of a product of unknown signs")
        if c < 0 and e.numerator % 2:
            result = -result
        for g, k in m:
            result = result * _raised(g, k * e)
        return result

    def _content(self) -> tuple[Fraction, Closed]:
        """A rational factor > 0, and the rest, whose first term has the coefficient 1 or -1."""
        c = abs(self.terms[self.first])
        return c, Closed({m: x / c for m, x in self.terms.items()}, self.ball / _ball(c))

    # -- functions ---------------------------------------------------------------------------

    def exp(self) -> Closed:
        """e to the number."""
        result = rational(1)
        for m, c in self.terms.items():
            g = m[0][0] if len(m) == 1 and m[0][1] == 1 else None
            if g is not None and g.kind == "log":
                result = result * _root(g.payload, c)
            elif g is not None and g.kind == "value" and g.payload[0] == "log":
                result = result * g.payload[1].raised(c)
            else:
                result = result * _raised(Generator("exp", m, _product_ball(m).exp()), c)
        return result

    def log(self) -> Closed | LogPole:
        """The natural logarithm; a log pole at 0."""
        sign = self.decided()
        if sign == 0:
            return LogPole("log of 0")
        if sign < 0:
            raise NoClosedForm("the logarithm of a negative number")
        if len(self.terms) > 1:
            c, rest = self._content()
            return _rational_log(c) + _value("log", rest)
        ((m, c),) = self.terms.items()
        if c < 0 or any(sign_of(_ball_of(g)) != 1 for g, _ in m):
            return _value("log", self)
        total = _rational_log(c)
        for g, e in m:
            total = total + rational(e) * _log_of(g)
        return total

    def sqrt(self) -> Closed:
        """The square root."""
        return self.raised(Fraction(1, 2))

    def cbrt(self) -> Closed:
        """The real cube root."""
        return self.raised(Fraction(1, 3)) if self.decided() >= 0 else -(-self).raised(Fraction(1, 3))

    def abs(self) -> Closed:
        """The absolute value."""
        return -self if self.decided() < 0 else self

    def sign(self) -> Closed:
        """The sign as a number."""
        return rational(self.decided())

    def maximum(self, other: Closed) -> Closed:
        """The larger of two."""
        return self if (self - other).decided() >= 0 else other

    def minimum(self, other: Closed) -> Closed:
        """The smaller of two."""
        return self if (self - other).decided() <= 0 else other

    def lt(self, other: Closed) -> Closed:
        """1 where less, else 0."""
        return rational(int((self - other).decided() < 0))

    def le(self, other: Closed) -> Closed:
        """1 where less or equal, else 0."""
        return rational(int((self - other).decided() <= 0))

    def eq(self, other: Closed) -> Closed:
        """1 where equal, else 0."""
        return rational(int((self - other).decided() == 0))

    def where(self, yes: Any, no: Any) -> Any:
        """``yes`` where this is not 0, else ``no``."""
        return no if self.decided() == 0 else yes

    def heaviside(self, other: Closed) -> Closed:
        """0 below 0, 1 above, ``other`` at 0."""
        sign = self.decided()
        return other if sign == 0 else rational(int(sign > 0))

    def xlogy(self, other: Closed) -> Any:
        """x·log(y), and 0 at x = 0."""
        return rational(0) if self.decided() == 0 else self * other.log()

    def exponential_of(self, base: int) -> Closed:
        """base ** self."""
        return rational(base).power(self)

    def tanh(self) -> Closed:
        """tanh, by e^(2x)."""
        return 1 - 2 / ((2 * self).exp() + 1)

    def sin(self) -> Closed:
        """sin, exact at multiples of π/6 and π/4."""
        return self._of_angle("sin")

    def cos(self) -> Closed:
        """cos, exact at multiples of π/6 and π/4."""
        return self._of_angle("cos")

    def tan(self) -> Closed:
        """tan."""
        return self.sin() / self.cos()

    def _of_angle(self, name: str) -> Closed:
        turns = self.terms.get(_PI) if set(self.terms) <= {_PI} else None
        if not self.terms:
            turns = Fraction(0)
        if turns is None or 12 % turns.denominator:
            return self._odd(name) if name == "sin" else self._even(name)
        k = int(turns * 12) + (0 if name == "sin" else 6)
        square = _SQUARED_SINES.get(min(k % 12, 12 - k % 12))
        if square is None:
            return self._odd(name) if name == "sin" else self._even(name)
        root = rational(square).sqrt()
        return root if k % 24 < 12 else -root

    def _odd(self, name: str) -> Closed:
        """f(-x) = -f(x), and so f(0) = 0."""
        if not self.terms:
            return self
        return _value(name, self) if self.terms[self.first] > 0 else -_value(name, -self)

    def _even(self, name: str) -> Closed:
        """f(-x) = f(x)."""
        return _value(name, self if self.terms[self.first] > 0 else -self)

    def atan(self) -> Closed:
        """arctan, exact at 0, ±1 and ±√3, ±1/√3."""
        if not self.terms:
            return self
        square = (self * self).rational
        turns = None if square is None else _TANGENTS.get(square)
        if turns is None:
            return self._odd("atan")
        return rational(turns * self.decided()) * _pi()

    def asin(self) -> Closed:
        """arcsin, exact where its square is 0, 1/4, 1/2, 3/4 or 1."""
        if not self.terms:
            return self
        square = (self * self).rational
        twelfths = next((k for k, s in _SQUARED_SINES.items() if s == square), None)
        if twelfths is None:
            return self._odd("asin")
        return rational(Fraction(twelfths, 12) * self.decided()) * _pi()

    def acos(self) -> Closed:
        """arccos."""
        return _pi() / 2 - self.asin()

    def erf(self) -> Closed:
        """erf."""
        return self._odd("erf")

    def erfc(self) -> Closed:
        """erfc."""
        return 1 - self.erf()

    def rgamma(self) -> Closed:
        """1/Γ, exact at integers and half-integers."""
        value = self.rational
        if value is not None and value.denominator == 1 and value <= POWERS:
            return rational(Fraction(1, factorial(int(value) - 1)) if value > 0 else 0)
        if value is not None and value.denominator == 2 and 0 < value < POWERS:
            product = Fraction(1)
            while value > 1:
                value -= 1
                product *= value
            return (rational(product) * _pi().sqrt()).raised(Fraction(-1))
        return _value("rgamma", self)

    def gammaln(self) -> Any:
        """log |Γ|."""
        return -self.rgamma().abs().log()

    def polygamma(self, n: int) -> Closed:
        """The n-th derivative of digamma; at integers by that at 1."""
        value = self.rational
        if value is None or value.denominator != 1 or not 0 < value <= POWERS:
            return _value("polygamma", self, order=n)
        steps = sum((Fraction(1, k ** (n + 1)) for k in range(1, int(value))), Fraction(0))
        return _value("polygamma", rational(1), order=n) + rational((-1) ** n * factorial(n) * steps)

    def floor(self) -> Closed:
        """The largest integer that is not larger."""
        value = self.rational
        if value is not None:
            return rational(value.numerator // value.denominator)
        whole = self.ball.floor().unique_fmpz()
        if whole is None:
            raise NoClosedForm("the floor of a number that may be an integer")
        return rational(int(whole))

    def times_pi(self) -> Closed:
        """π·self."""
        return self * _pi()

    def order(self) -> int:
        """A constant integer, as the order of a function."""
        value = self.rational
        if value is None or value.denominator != 1:
            raise NoClosedForm("an order that is no integer")
        return int(value)

    def positive(self) -> Closed:
        """The same number, where it is > 0."""
        if self.decided() <= 0:
            raise NoClosedForm("a function of a number that is not positive")
        return self

    def nonnegative(self) -> Closed:
        """The same number, where it is >= 0."""
        if self.decided() < 0:
            raise NoClosedForm("a function of a negative number")
        return self


_SQUARED_SINES = {2: Fraction(1, 4), 3: Fraction(1, 2), 4: Fraction(3, 4), 6: Fraction(1), 0: Fraction(0)}
"""sin²(kπ/12), where it is rational."""

_TANGENTS = {Fraction(1): Fraction(1, 4), Fraction(3): Fraction(1, 3), Fraction(1, 3): Fraction(1, 6)}
"""arctan(√s)/π by s."""


# -- numbers and generators --------------------------------------------------------------------


def _ball(c: Fraction) -> arb:
    return arb(fmpq(c.numerator, c.denominator))


def rational(c: Fraction | int) -> Closed:
    """A rational number."""
    c = Fraction(c)
    return Closed({UNIT: c} if c else {}, _ball(c))


def unknown(name: str, ball: arb) -> Closed:
    """A number of which nothing is known but that it lies in a ball: what is shown of it holds on the whole ball."""
    return Closed({((Generator("unknown", name, ball), Fraction(1)),): Fraction(1)}, ball)


def closed(value: Any) -> Closed:
    """A number in closed form: of one, of an int, a Fraction or an exact rational of python-flint."""
    if isinstance(value, Closed):
        return value
    if isinstance(value, int | Fraction):
        return rational(value)
    if type(value) is fmpq:
        return rational(Fraction(int(value.p), int(value.q)))
    raise NoClosedForm(f"the number {value!r}")


def _collect(terms: dict[Monomial, Fraction], m: Monomial, c: Fraction) -> None:
    new = terms.get(m, Fraction(0)) + c
    if new:
        terms[m] = new
    else:
        terms.pop(m, None)


def _primes(c: Fraction) -> dict[int, int]:
    if max(c.numerator, c.denominator) > LARGEST:
        raise NoClosedForm("a number with large factors")
    found = {int(p): int(k) for p, k in factorint(c.numerator).items()}
    for p, k in factorint(c.denominator).items():
        found[int(p)] = found.get(int(p), 0) - int(k)
    return {p: k for p, k in found.items() if p != 1 and k}


def _pi() -> Closed:
    return Closed({_PI: Fraction(1)}, arb.pi())


_PI: Monomial = ((Generator("pi"), Fraction(1)),)


def _ball_of(g: Generator) -> arb:
    return arb.pi() if g.kind == "pi" else g.ball


def _product_ball(m: Monomial) -> arb:
    ball = arb(1)
    for g, e in m:
        factor = power(_ball_of(g), fmpq(e.numerator, e.denominator))
        if isinstance(factor, Hole):
            raise NoClosedForm(factor.reason)
        ball = ball * as_ball(factor)
    return ball


def _root(p: int, e: Fraction) -> Closed:
    """p**e: a rational factor, and p to a power between 0 and 1."""
    whole = e.numerator // e.denominator
    if abs(whole) > 4000:
        raise NoClosedForm("a large power")
    factor, left = Fraction(p) ** whole, e - whole
    if not left:
        return rational(factor)
    m: Monomial = ((Generator("prime", p, arb(p)), left),)
    return Closed({m: factor}, _product_ball(m) * _ball(factor))


def _rational_power(c: Fraction, e: Fraction) -> Closed:
    if e.denominator == 1 and abs(e) <= POWERS:
        return rational(c ** int(e))
    result = rational(1)
    for p, k in _primes(c).items():
        result = result * _root(p, k * e)
    return result


def _rational_log(c: Fraction) -> Closed:
    total = rational(0)
    for p, k in _primes(c).items():
        g = Generator("log", p, arb(p).log())
        total = total + Closed({((g, Fraction(1)),): Fraction(k)}, k * g.ball)
    return total


def _raised(g: Generator, e: Fraction) -> Closed:
    """A power of a generator; whole positive powers of sums are expanded."""
    if not e:
        return rational(1)
    if g.kind == "prime":
        return _root(g.payload, e)
    if g.kind == "sum" and e.denominator == 1 and 0 < e <= POWERS:
        return g.payload.raised(e)
    m: Monomial = ((g, e),)
    return Closed({m: Fraction(1)}, _product_ball(m))


def _log_of(g: Generator) -> Any:
    """The logarithm of what a generator > 0 stands for."""
    if g.kind == "prime":
        return _rational_log(Fraction(g.payload))
    if g.kind == "exp":
        return Closed({g.payload: Fraction(1)}, _product_ball(g.payload))
    if g.kind == "sum":
        return g.payload.log()
    return _value("log", _raised(g, Fraction(1)))


def _joined(a: Monomial, b: Monomial) -> tuple[Monomial, Fraction]:
    """The product of two monomials; whole powers of primes are a rational factor."""
    exponents = dict(a)
    factor = Fraction(1)
    for g, e in b:
        total = exponents.get(g, Fraction(0)) + e
        if g.kind == "prime":
            whole = total.numerator // total.denominator
            factor *= Fraction(g.payload) ** whole
            total -= whole
        if total:
            exponents[g] = total
        else:
            exponents.pop(g, None)
    return tuple(sorted(exponents.items(), key=repr)), factor


def _value(name: str, argument: Closed, order: int | None = None) -> Closed:
    """The value of a function that has no simpler form here."""
    ball = getattr(Ball(argument.ball), name)(*(() if order is None else (order,))).value
    if isinstance(ball, Hole) or not as_ball(ball).is_finite():
        raise NoClosedForm(f"no value of {name}")
    g = Generator("value", (name, argument, order), as_ball(ball))
    return Closed({((g, Fraction(1)),): Fraction(1)}, g.ball)


def constant(expr: Any) -> Closed:
    """A SymPy number, or an entry of an instance."""
    if not isinstance(expr, Expr):
        return closed(expr)
    if isinstance(expr, Rational):
        return rational(Fraction(int(expr.p), int(expr.q)))
    if expr is pi:
        return _pi()
    if expr is E:
        return rational(1).exp()
    parts = [constant(a) for a in expr.args]
    if expr.is_Add or expr.is_Mul:
        result = parts[0]
        for part in parts[1:]:
            result = result + part if expr.is_Add else result * part
        return result
    if expr.is_Pow:
        return parts[0].power(parts[1])
    if isinstance(expr, sympy_exp):
        return parts[0].exp()
    if isinstance(expr, sympy_log) and len(parts) == 1:
        return closed(parts[0].log())
    raise NoClosedForm(f"the number {expr}")


# -- formulas ------------------------------------------------------------------------------------


class _ClosedEvaluator(Evaluator):
    """Evaluates nodes at an instance to `Closed` numbers and holes."""

    def step(self, node: Node, get: Callable[[Node], np.ndarray]) -> np.ndarray:
        match node:
            case Leaf():
                return _each(lambda v: constant(v), self.instance.values[node])
            case Number(value=value):
                return _scalar(constant(self._sized(value)))
            case Sum():
                total: Any = 0
                for weight, term in node.terms:
                    total = total + get(term) * _scalar(constant(self._sized(weight)))
                return np.asarray(total, dtype=object)
            case Contraction():
                plain = Contraction(ONE, node.factors, node.out_rank, node.label_dims)
                product = _each(_settled, super().step(plain, get))
                return _each(_settled, product * _scalar(constant(self._sized(node.coefficient))))
            case Map():
                return self._map(node, [get(a) for a in node.arguments])
            case Opaque():
                raise NoClosedForm(f"the function {node.function}")
            case Binding():
                raise NoClosedForm(f"a {node.kind}")
        return _each(_settled, super().step(node, get))

    def _sized(self, expr: Expr) -> Expr:
        return expr.xreplace({k: Rational(v) for k, v in self.sizes.items()})

    def _map(self, node: Map, arguments: list[np.ndarray]) -> np.ndarray:
        row = function(node.function)
        form = Closed.power if node.function == "power" else row.ball
        columns = np.broadcast_arrays(*arguments)
        out = np.empty(columns[0].shape, object)
        for index in np.ndindex(out.shape):
            entries = [c[index] for c in columns]
            needed = entries[:1] if node.function == "where" else entries
            hole = next((e for e in needed if isinstance(e, Hole)), None)
            out[index] = Unknown(hole.reason) if hole is not None else _tried(form, entries)
        return out


def _tried(form: Callable[..., Any], entries: list[Any]) -> Any:
    try:
        return form(*entries)
    except (NoClosedForm, AttributeError) as error:  # an attribute that is missing is a function not written here
        return Unknown(str(error))


def _settled(value: Any) -> Element:
    return value if isinstance(value, Closed | Hole) else closed(value)


def _scalar(value: Any) -> np.ndarray:
    out = np.empty((), object)
    out[()] = value
    return out


def _each(f: Callable[[Any], Any], values: Any) -> np.ndarray:
    array = values if isinstance(values, np.ndarray) else _scalar(values)
    out = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        out[index] = f(array[index])
    return out


class _ExactEvaluator(Evaluator):
    """Balls at a point with irrational entries; what may be 0 is 0 exactly where its closed form is."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self.closed = _ClosedEvaluator(instance)

    def settled(self, node: Node, value: np.ndarray) -> np.ndarray:
        """A scalar that balls do not tell from 0, or cannot make, as the rational number that its closed form is."""
        if value.shape or not _is_open(value[()]):
            return value
        with precision(BITS):
            try:
                found = self.closed.value(node)[()]
                return _scalar(found.tightened()) if isinstance(found, Closed) else value
            except (NoClosedForm, SymderiveError):
                return value


def _is_open(value: Element) -> bool:
    return isinstance(value, Unknown) or (type(value) is arb and sign_of(value) is None)


def evaluator_at(instance: Instance) -> Evaluator:
    """An evaluator at a point; zeros at irrational points are exact where they have a closed form.

    >>> import numpy as np, sympy, symderive as sd
    >>> x = sd.array("x")
    >>> root = Instance({}, {x.node: np.array(sympy.sqrt(2), dtype=object)})
    >>> with precision(64):
    ...     evaluator_at(root).value((1 / (x * x - 2)).node)[()]
    Undefined('division by 0')
    """
    rational_entries = all(
        not isinstance(v, Expr) or isinstance(v, Rational) for a in instance.values.values() for v in a.reshape(-1)
    )
    return Evaluator(instance) if rational_entries else _ExactEvaluator(instance)


def equal_exactly(lhs: Node, rhs: Node, instance: Instance, entry: tuple[int, ...] | None) -> bool:
    """Whether two sides are the same number, in one entry, at a point where both are defined.

    True is an exact argument; False says nothing.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x")
    >>> half = Instance({}, {x.node: np.array(Fraction(1, 2), dtype=object)})
    >>> entropy = -x * np.log(x) - (1 - x) * np.log(1 - x)
    >>> equal_exactly(entropy.node, np.log(sd.array("x") * 4).node, half, None)
    True
    """
    with precision(BITS):
        evaluator = _ClosedEvaluator(instance)
        try:
            sides = np.broadcast_arrays(evaluator.value(lhs), evaluator.value(rhs))
            left, right = (side[entry or ()] for side in sides)
            if isinstance(left, Hole) or isinstance(right, Hole):
                return False
            return not (left - right)._cleared().terms
        except (NoClosedForm, SymderiveError):
            return False


__all__ = ["Closed", "NoClosedForm", "closed", "constant", "equal_exactly", "evaluator_at", "rational", "unknown"]
