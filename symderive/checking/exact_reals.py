"""Exact real numbers: sums of a·exp(b) with a and b in a real number field Q(θ).

Whether such a number is 0, and which sign it has, is decided and never guessed.  In Q(θ) a number
is a polynomial in θ, reduced by θ's irreducible polynomial, and is 0 only as the zero polynomial.
A sum of a·exp(b) with different b and no a = 0 is never 0 (Lindemann and Weierstrass).  The sign of
what is not 0 is read off a ball that does not contain 0.

Source: A. Baker, Transcendental Number Theory, 1975, ch. 1; H. Cohen, A Course in Computational
Algebraic Number Theory, 1993, 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, final

import flint
from flint import arb, fmpq, fmpq_mat, fmpq_poly, fmpz_poly
from sympy import CRootOf, Expr, Integer, Poly, Rational, Symbol, exp, root, sqrt

from symderive.errors import UnsupportedError

BITS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""The precisions at which a sign is looked for."""


class NotExactError(UnsupportedError):
    """A number cannot be written in the form that this module decides."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic with so many bits."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


@final
class RealField:
    """Q(θ) for one real root θ of an irreducible polynomial, counted from the smallest real root."""

    def __init__(self, modulus: fmpq_poly, index: int) -> None:
        lead = modulus[modulus.degree()]
        self.modulus = modulus * (1 / lead)
        self.index = index
        self.roots: dict[int, arb] = {}

    @property
    def degree(self) -> int:
        """The dimension over the rationals."""
        return self.modulus.degree()

    def theta(self, bits: int) -> arb:
        """A ball around θ, narrower with more bits."""
        if bits not in self.roots:
            with precision(bits):
                if self.degree == 1:
                    self.roots[bits] = arb(-self.modulus[0])
                else:
                    self.roots[bits] = real_roots(fmpz_poly(self.modulus.numer()))[self.index]
        return self.roots[bits]

    def __call__(self, value: Any) -> Exact:
        """A rational number, or a polynomial in θ, as an element."""
        if isinstance(value, fmpq_poly):
            return Exact(self, {(): value})
        return Exact(self, {(): fmpq_poly([to_fmpq(value)])})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RealField) and self.modulus == other.modulus and self.index == other.index

    def __hash__(self) -> int:
        return hash((str(self.modulus), self.index))


def real_roots(polynomial: fmpz_poly) -> list[arb]:
    """Disjoint balls around the real roots of a square-free polynomial, from the smallest on."""
    roots: Any = polynomial.complex_roots()
    found = [root.real for root, _ in roots if root.imag == 0]
    return sorted(found, key=lambda ball: ball.mid())


def ball_power(ball: arb, exponent: int) -> arb:
    """A power with an exponent >= 0 of a ball, also of one around 0; even powers are >= 0."""
    if exponent == 0:
        return arb(1)
    if exponent % 2 == 0:
        low, high = ball.abs_lower(), ball.abs_upper()
        return _product(low, exponent).union(_product(high, exponent))
    low, high = ball.lower(), ball.upper()
    return _product(low, exponent).union(_product(high, exponent))


def _product(number: arb, count: int) -> arb:
    total = number
    for _ in range(count - 1):
        total = total * number
    return total


def to_fmpq(value: Any) -> fmpq:
    """A Python or SymPy rational as flint's."""
    if isinstance(value, fmpq):
        return value
    if isinstance(value, Rational):
        return fmpq(int(value.p), int(value.q))
    if isinstance(value, Fraction):
        return fmpq(value.numerator, value.denominator)
    return fmpq(int(value))


def to_rational(value: fmpq) -> Rational:
    """A flint rational as SymPy's."""
    return Rational(int(value.p), int(value.q))


Exponent = tuple[fmpq, ...]
"""The coefficients of a polynomial in θ, by which an exponent is known; () is 0."""


@final
class Exact:
    """Σ a·exp(b) with a, b in one real number field; immutable."""

    __slots__ = ("field", "terms")

    def __init__(self, field: RealField, terms: Mapping[Exponent, fmpq_poly]) -> None:
        self.field = field
        reduced = {b: a % field.modulus for b, a in terms.items()}
        self.terms: dict[Exponent, fmpq_poly] = {b: a for b, a in reduced.items() if a != 0}

    @property
    def is_zero(self) -> bool:
        """Whether the number is 0: decided."""
        return not self.terms

    @property
    def is_algebraic(self) -> bool:
        """Whether no exponential occurs."""
        return all(not b for b in self.terms)

    @property
    def polynomial(self) -> fmpq_poly:
        """The polynomial in θ of an algebraic number."""
        if not self.is_algebraic:
            raise NotExactError(f"{self} is not algebraic")
        return self.terms.get((), fmpq_poly([0]))

    def _lift(self, other: Any) -> Exact:
        if isinstance(other, Exact):
            if other.field != self.field:
                raise ValueError("numbers of two fields do not mix")
            return other
        return self.field(other)

    def __add__(self, other: Any) -> Exact:
        other = self._lift(other)
        terms = dict(self.terms)
        for b, a in other.terms.items():
            terms[b] = terms[b] + a if b in terms else a
        return Exact(self.field, terms)

    __radd__ = __add__

    def __neg__(self) -> Exact:
        return Exact(self.field, {b: -a for b, a in self.terms.items()})

    def __sub__(self, other: Any) -> Exact:
        return self + (-self._lift(other))

    def __rsub__(self, other: Any) -> Exact:
        return self._lift(other) - self

    def __mul__(self, other: Any) -> Exact:
        other = self._lift(other)
        terms: dict[Exponent, fmpq_poly] = {}
        for b, a in self.terms.items():
            for d, c in other.terms.items():
                key = _exponent(fmpq_poly(list(b)) + fmpq_poly(list(d)))
                made = (a * c) % self.field.modulus
                terms[key] = terms[key] + made if key in terms else made
        return Exact(self.field, terms)

    __rmul__ = __mul__

    def inverse(self) -> Exact:
        """The reciprocal, where the number is one a·exp(b)."""
        if self.is_zero:
            raise ZeroDivisionError("1/0")
        if len(self.terms) > 1:
            raise NotExactError(f"1/({self}) is not a sum of a·exp(b)")
        ((b, a),) = self.terms.items()
        _, inverse, _ = a.xgcd(self.field.modulus)
        return Exact(self.field, {_exponent(-fmpq_poly(list(b))): inverse})

    def __truediv__(self, other: Any) -> Exact:
        return self * self._lift(other).inverse()

    def __pow__(self, exponent: int) -> Exact:
        if exponent < 0:
            return self.inverse() ** -exponent
        made = self.field(1)
        for _ in range(exponent):
            made = made * self
        return made

    def exp(self) -> Exact:
        """exp of an algebraic number."""
        return Exact(self.field, {_exponent(self.polynomial): fmpq_poly([1])})

    def ball(self, bits: int = 64) -> arb:
        """A ball around the number, at a working precision."""
        theta = self.field.theta(bits)
        with precision(bits):
            total = arb(0)
            for b, a in self.terms.items():
                total += _at(a, theta) * _at(fmpq_poly(list(b)), theta).exp()
            return total

    def sign(self) -> int:
        """-1, 0 or 1: decided."""
        if self.is_zero:
            return 0
        for bits in BITS:
            ball = self.ball(bits)
            if ball > 0:
                return 1
            if ball < 0:
                return -1
        raise NotExactError(f"the sign of {self} needs more than {BITS[-1]} bits")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact) and self.field == other.field and self.terms == other.terms

    def __hash__(self) -> int:
        return hash((self.field, tuple(sorted((b, str(a)) for b, a in self.terms.items()))))

    def __float__(self) -> float:
        return float(self.ball(128).mid())

    def __str__(self) -> str:
        return str(self.to_sympy())

    __repr__ = __str__

    def to_sympy(self) -> Expr:
        """The number in radicals of low degree, or as a root of its polynomial."""
        total: Expr = Integer(0)
        for b, a in self.terms.items():
            total += algebraic(self.field, a) * exp(algebraic(self.field, fmpq_poly(list(b))))
        return total


def embedded(value: Exact, field: RealField) -> Exact:
    """A number of one field in another, where it is rational or the fields are the same."""
    if value.field == field:
        return value
    if value.polynomial.degree() > 0:
        raise NotExactError(f"{value} is not in the other field")
    return field(value.polynomial[0])


def _exponent(polynomial: fmpq_poly) -> Exponent:
    return tuple(polynomial.coeffs())


def _at(polynomial: fmpq_poly, theta: arb) -> arb:
    total = arb(0)
    for k in range(polynomial.degree(), -1, -1):
        total = total * theta + arb(polynomial[k])
    return total


def minimal_polynomial(field: RealField, element: fmpq_poly) -> fmpz_poly:
    """The irreducible integer polynomial of an element, with a positive leading coefficient."""
    size = field.degree
    rows = []
    power = element % field.modulus
    for _ in range(size):
        rows.append([power[j] for j in range(size)])
        power = (power * fmpq_poly([0, 1])) % field.modulus
    found = fmpq_mat(size, size, [x for row in rows for x in row]).minpoly()
    numerator = fmpz_poly(found.numer())
    return numerator if numerator[numerator.degree()] > 0 else -numerator


def root_index(polynomial: fmpz_poly, ball: Any) -> int:
    """Which real root, from the smallest on, a number is; ``ball(bits)`` encloses it."""
    for bits in BITS:
        with precision(bits):
            around = ball(bits)
            fits = [k for k, other in enumerate(real_roots(polynomial)) if around.overlaps(other)]
        if len(fits) == 1:
            return fits[0]
    raise NotExactError(f"the roots of {polynomial} were not told apart")


def algebraic(field: RealField, element: fmpq_poly) -> Expr:
    """An element as a SymPy number: a fraction, square or higher roots, or a root by its polynomial."""
    element = element % field.modulus
    if element.degree() <= 0:
        return to_rational(element[0])
    polynomial = minimal_polynomial(field, element)
    index = root_index(polynomial, Exact(field, {(): element}).ball)
    return real_root(polynomial, index)


def real_root(polynomial: fmpz_poly, index: int) -> Expr:
    """The real root of an irreducible integer polynomial with this index, from the smallest on."""
    degree = polynomial.degree()
    coefficients = [Integer(int(polynomial[k])) for k in range(degree + 1)]
    count = len(real_roots(polynomial))
    if degree == 1:
        return -coefficients[0] / coefficients[1]
    if degree == 2:
        c, b, a = coefficients
        side = 1 if index else -1
        return -b / (2 * a) + side * sqrt(b * b - 4 * a * c) / (2 * a)
    if all(c == 0 for c in coefficients[1:-1]):  # x^n = q
        value = -coefficients[0] / coefficients[-1]
        if degree % 2:
            return root(abs(value), degree) * (1 if value > 0 else -1)
        return root(value, degree) * (1 if index else -1)
    if degree == 4 and coefficients[1] == coefficients[3] == 0:  # a x^4 + b x^2 + c
        c, _, b, _, a = coefficients
        # Of the squares (-b ± sqrt(D))/2a those > 0 give roots: both where there are four.
        outer = 1 if (count == 2 or index in (0, 3)) else -1
        return sqrt((-b + outer * sqrt(b * b - 4 * a * c)) / (2 * a)) * (1 if index >= count // 2 else -1)
    return CRootOf(Poly(coefficients[::-1], Symbol("t")), index)


def rationals() -> RealField:
    """The rational numbers, as Q(0)."""
    return RealField(fmpq_poly([0, 1]), 0)


__all__ = [
    "BITS",
    "Exact",
    "NotExactError",
    "RealField",
    "algebraic",
    "ball_power",
    "embedded",
    "minimal_polynomial",
    "precision",
    "rationals",
    "real_root",
    "real_roots",
    "root_index",
    "to_fmpq",
    "to_rational",
]
