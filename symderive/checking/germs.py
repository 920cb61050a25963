"""What a function does near a point where its gradient is 0, also where the Hessian says nothing.

A germ is a Taylor polynomial F in the displacement, F(0) = 0, with exact coefficients.  It is a
minimum where F >= 0 nearby, a maximum where F <= 0, a saddle where both signs occur arbitrarily near.

1. *Squares out.*  F = h²·G has the sign of G wherever h is not 0 (exact polynomials only).
2. *Hessian.*  Both signs among its eigenvalues: a saddle.  All of one sign: decided.
3. *Elimination.*  Where the Hessian has rank r, r coordinates with an invertible block are
   eliminated through ∂F = 0; what is left, φ, has no quadratic part, and F is φ plus the block's
   quadratic form in other coordinates (the splitting lemma).  That is what shows that
   (y - x²)(y - 3x²) has no minimum at 0 although it has one on every line.
4. *Lowest form of φ*: of odd degree or of both signs, a saddle; definite, decided.
5. *Blowing up* in two variables: where the lowest form is 0 along some lines only, steps 1 to 5 for
   the function seen along each of these lines.

"Saddle" is said only with two curves into the point along which the lowest term of F was computed
exactly and has the two signs.  What none of this settles stays undecided, with the reason.

Sources: D. Gromoll and W. Meyer, On differentiable functions with isolated critical points,
Topology 8 (1969); J. Milnor, Morse Theory, 1963, 2; E. Brieskorn and H. Knörrer, Plane Algebraic
Curves, 1986, 8.4 (blowing up).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any, final

import numpy as np
from flint import arb, fmpq_poly, fmpz_poly
from sympy import Poly, Symbol, factor_list

from symderive.checking.exact_reals import (
    Exact,
    NotExactError,
    RealField,
    ball_power,
    embedded,
    precision,
    real_roots,
    to_fmpq,
    to_rational,
)

Powers = tuple[int, ...]
Germ = Mapping[Powers, Exact]
"""A polynomial in the displacement: coefficients by exponents."""

Curve = tuple[Mapping[int, Exact], ...]
"""A curve into the point: each coordinate a polynomial in a parameter t > 0."""

MINIMUM, MAXIMUM, SADDLE, FLAT, UNKNOWN = "minimum", "maximum", "saddle", "flat", "unknown"
OPPOSITE = {MINIMUM: MAXIMUM, MAXIMUM: MINIMUM}
ORDERS = (4, 6, 8, 12)
"""The orders to which Taylor polynomials are looked at."""

DEPTH = 16
"""How often a germ may be reduced to another one."""
BOXES = 4000
"""How many boxes a form in three or more variables may be covered with."""


@final
@dataclass(frozen=True)
class Shape:
    """What a germ is, why, and for a saddle the two curves (upwards, downwards).

    ``kind`` is "minimum", "maximum", "saddle", "flat" (the germ is 0) or "unknown"; ``strict``
    whether the value is not taken again nearby, None where that was not found out.
    """

    kind: str
    strict: bool | None
    lines: tuple[str, ...]
    curves: tuple[Curve, ...] = ()


@final
@dataclass(frozen=True)
class Jet:
    """A function near a point: its Taylor polynomials, and whether one of them is all of it.

    ``taylor(order)`` has every term up to the order; ``exact`` says that the function is the
    polynomial ``taylor(None)``.  ``names`` are the coordinates.
    """

    field: RealField
    names: tuple[str, ...]
    taylor: Callable[[int | None], Germ]
    exact: bool


def shape(jet: Jet, orders: Sequence[int] = ORDERS) -> Shape:
    """Classify a critical point by its germ, looking at Taylor polynomials of these orders."""
    found = Shape(UNKNOWN, None, ())
    for order in orders:
        germ = jet.taylor(None if jet.exact else order)
        found = _Analysis(jet, order, jet.exact).run(_clean(germ), DEPTH)
        if found.kind != UNKNOWN:
            return found
    return found


# -- polynomials ------------------------------------------------------------------------------


def _clean(germ: Germ) -> dict[Powers, Exact]:
    return {m: c for m, c in germ.items() if not c.is_zero}


def _degree(m: Powers) -> int:
    return sum(m)


def times(a: Germ, b: Germ, order: int | None) -> dict[Powers, Exact]:
    """The product, up to an order of the terms (None: all of it)."""
    made: dict[Powers, Exact] = {}
    for m, c in a.items():
        for k, d in b.items():
            powers = tuple(i + j for i, j in zip(m, k, strict=True))
            if order is None or sum(powers) <= order:
                made[powers] = made[powers] + c * d if powers in made else c * d
    return _clean(made)


def plus(a: Germ, b: Germ, factor: Any = 1) -> dict[Powers, Exact]:
    """a + factor·b."""
    made = dict(a)
    for m, c in b.items():
        made[m] = made[m] + c * factor if m in made else c * factor
    return _clean(made)


def compose(germ: Germ, inner: Sequence[Germ], order: int | None, one: Germ) -> dict[Powers, Exact]:
    """The germ with a polynomial for each coordinate."""
    powers: list[list[Germ]] = [[one] for _ in inner]
    made: dict[Powers, Exact] = {}
    for m, c in germ.items():
        term: Germ = {next(iter(one)): c}
        for k, e in enumerate(m):
            while len(powers[k]) <= e:
                powers[k].append(times(powers[k][-1], inner[k], order))
            if e:
                term = times(term, powers[k][e], order)
        made = plus(made, term)
    return made


def _part(germ: Germ, degree: int) -> dict[Powers, Exact]:
    return {m: c for m, c in germ.items() if sum(m) == degree}


def _derivative(germ: Germ, k: int) -> dict[Powers, Exact]:
    made = {}
    for m, c in germ.items():
        if m[k]:
            made[(*m[:k], m[k] - 1, *m[k + 1 :])] = c * m[k]
    return made


# -- symmetric matrices -----------------------------------------------------------------------

Matrix = list[list[Exact]]


def signature(matrix: Matrix, field: RealField) -> tuple[int, int]:
    """How many eigenvalues of a symmetric matrix are > 0 and < 0: decided.

    All roots of the characteristic polynomial are real, so that Descartes' rule counts them.
    """
    size = len(matrix)
    coefficients = [field(1)]  # of λ^n, λ^(n-1), ...: Faddeev and LeVerrier
    current = [[field(0)] * size for _ in range(size)]
    for k in range(1, size + 1):
        current = [[current[i][j] + (coefficients[-1] if i == j else 0) for j in range(size)] for i in range(size)]
        current = [
            [sum((matrix[i][q] * current[q][j] for q in range(size)), field(0)) for j in range(size)]
            for i in range(size)
        ]
        trace = sum((current[i][i] for i in range(size)), field(0))
        coefficients.append(trace * to_fmpq(Fraction(-1, k)))
    signs = [c.sign() for c in coefficients]

    def changes(values: Iterable[int]) -> int:
        kept = [v for v in values if v]
        return sum(a != b for a, b in pairwise(kept))

    return changes(signs), changes(s * (-1) ** k for k, s in enumerate(signs))


def solve_linear(matrix: Matrix, right: list[Any], field: RealField) -> list[Any] | None:
    """matrix⁻¹ applied to a list of germs, by Gauss; None where it is singular."""
    size = len(matrix)
    rows = [list(row) for row in matrix]
    sides = [dict(side) for side in right]
    for k in range(size):
        pivot = next((i for i in range(k, size) if not rows[i][k].is_zero), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        sides[k], sides[pivot] = sides[pivot], sides[k]
        inverse = rows[k][k].inverse()
        rows[k] = [x * inverse for x in rows[k]]
        sides[k] = {m: c * inverse for m, c in sides[k].items()}
        for i in range(size):
            if i != k and not rows[i][k].is_zero:
                factor = rows[i][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
                sides[i] = plus(sides[i], sides[k], -factor)
    return sides


# -- polynomials in one variable ------------------------------------------------------------------

Univariate = list[Exact]
"""Coefficients from the constant on; the last is not 0."""


def _trim(p: Sequence[Exact]) -> Univariate:
    kept = list(p)
    while kept and kept[-1].is_zero:
        kept.pop()
    return kept


def _divide(a: Univariate, b: Univariate) -> tuple[Univariate, Univariate]:
    rest, quotient = list(a), []
    inverse = b[-1].inverse()
    for shift in range(len(a) - len(b), -1, -1):
        factor = rest[shift + len(b) - 1] * inverse
        quotient.append(factor)
        for k, c in enumerate(b):
            rest[shift + k] = rest[shift + k] - factor * c
    return _trim(quotient[::-1]), _trim(rest[: len(b) - 1])


def _gcd(a: Univariate, b: Univariate) -> Univariate:
    while b:
        a, b = b, _divide(a, b)[1] if len(a) >= len(b) else a
    inverse = a[-1].inverse()
    return [c * inverse for c in a]


def _slope(p: Univariate) -> Univariate:
    return _trim([c * k for k, c in enumerate(p)][1:])


def _squarefree(p: Univariate) -> list[tuple[Univariate, int]]:
    """Yun: the product of the simple roots, of the double ones, ..., with multiplicities."""
    if len(p) < 2:
        return []
    found: list[tuple[Univariate, int]] = []
    common = _gcd(p, _slope(p))
    b = _divide(p, common)[0]
    c = _divide(_slope(p), common)[0]
    k = 1
    while len(b) > 1:
        difference = _trim(
            [
                (c[i] if i < len(c) else b[0] * 0) - (_slope(b)[i] if i < len(b) - 1 else b[0] * 0)
                for i in range(max(len(c), len(b) - 1))
            ]
        )
        factor = _gcd(b, difference) if difference else [x * b[-1].inverse() for x in b]
        if len(factor) > 1:
            found.append((factor, k))
        b = _divide(b, factor)[0]
        c = _divide(difference, factor)[0] if difference else []
        k += 1
    return found


def _root_count(p: Univariate) -> int:
    """How many different real roots: Sturm."""
    if len(p) < 2:
        return 0
    chain = [p, _slope(p)]
    while len(chain[-1]) > 1:
        rest = _divide(chain[-2], chain[-1])[1]
        if not rest:
            break
        chain.append([-c for c in rest])
    high = [q[-1].sign() for q in chain]
    low = [s * (-1) ** (len(q) - 1) for s, q in zip(high, chain, strict=True)]

    def changes(signs: Sequence[int]) -> int:
        return sum(a != b for a, b in pairwise(signs))

    return changes(low) - changes(high)


@final
@dataclass(frozen=True)
class _Signs:
    """The signs that a polynomial takes, and whether it has a root."""

    up: bool
    down: bool
    touches: bool

    def __or__(self, other: _Signs) -> _Signs:
        return _Signs(self.up or other.up, self.down or other.down, self.touches or other.touches)


def _signs(p: Univariate) -> _Signs:
    """On the whole line, for a polynomial that is not 0."""
    multiple = _squarefree(p)
    if any(k % 2 and _root_count(factor) for factor, k in multiple):
        return _Signs(True, True, True)
    sign = p[-1].sign()  # no sign change: the sign far out is the sign everywhere
    return _Signs(sign > 0, sign < 0, any(_root_count(factor) for factor, _ in multiple))


def _at(p: Univariate, u: Fraction) -> Exact:
    total = p[-1] * 0
    for c in reversed(p):
        total = total * to_fmpq(u) + c
    return total


def _samples(p: Univariate) -> Iterator[Fraction]:
    """Rational places between and around the real roots, then simple ones."""
    numbers = np.array([float(c) for c in reversed(p)])
    real = sorted({round(r.real, 12) for r in np.roots(numbers) if abs(r.imag) < 1e-6 * (1 + abs(r))})
    places = [real[0] - 1, *((a + b) / 2 for a, b in pairwise(real)), real[-1] + 1] if real else []
    for place in places:
        yield Fraction(place).limit_denominator(1000)
    for top, bottom in product(range(-8, 9), (1, 2, 3)):
        yield Fraction(top, bottom)


# -- the analysis -------------------------------------------------------------------------------


class _Analysis:
    """One germ at one order of its Taylor polynomial."""

    def __init__(self, jet: Jet, order: int, exact: bool) -> None:
        self.field = jet.field
        self.names = jet.names
        self.order = order
        self.exact = exact

    def run(self, germ: Germ, depth: int) -> Shape:
        """Steps 1 to 5 of the module's text."""
        if not germ:
            if self.exact:
                return Shape(FLAT, False, ("the function is constant",))
            return Shape(UNKNOWN, None, (f"its Taylor polynomial of order {self.order} is constant",))
        if depth < 0:
            return Shape(UNKNOWN, None, ("the analysis went too deep",))
        if self.exact and self.rational(germ):
            reduced = self.without_squares(germ)
            if reduced is not None:
                return self.from_factors(germ, *reduced, depth)
        linear = _part(germ, 1)
        if linear:
            text = "the linear part is not 0"
            return self.saddle(germ, (text,), self.lines())
        return self.by_hessian(germ, depth)

    def rational(self, germ: Germ) -> bool:
        """Whether all coefficients are fractions."""
        return all(c.is_algebraic and c.polynomial.degree() <= 0 for c in germ.values())

    # -- 1: squares out

    def without_squares(self, germ: Germ) -> tuple[Germ, list[Germ]] | None:
        """G and the factors of h in F = h²·G; None where there is no square to take out."""
        symbols = [Symbol(name) for name in self.names]
        values = {m: to_rational(c.polynomial[0]) for m, c in germ.items()}
        lead, factors = factor_list(Poly(values, *symbols))
        if all(k == 1 and factor.eval(dict.fromkeys(symbols, 0)) == 0 for factor, k in factors):
            return None
        rest: Germ = {(0,) * len(symbols): self.field(lead)}
        squares: list[Germ] = []
        for factor, k in factors:
            made = {tuple(map(int, m)): self.field(c) for m, c in factor.terms()}
            constant = made.get((0,) * len(symbols))
            if constant is not None:  # it keeps its sign near the point
                if k % 2 and constant.sign() < 0:
                    rest = {m: -c for m, c in rest.items()}
                continue
            if k % 2:
                rest = times(rest, made, None)
            if k > 1:
                squares.append(made)
        return rest, squares

    def from_factors(self, germ: Germ, rest: Germ, squares: list[Germ], depth: int) -> Shape:
        """The shape of h²·G, up to a factor > 0, from that of G."""
        zero = (0,) * len(self.names)
        shown = self.text(rest)
        if zero in rest:  # G(0) is not 0
            kind = MINIMUM if rest[zero].sign() > 0 else MAXIMUM
            inner = Shape(kind, True, ())
            line = f"near the point it is {'a positive' if kind == MINIMUM else 'a negative'} function times squares"
        else:
            inner = self.run(rest, depth - 1)
            line = f"near the point it has the sign of {shown}, up to squares"
        lines = (line, *inner.lines)
        if inner.kind in (MINIMUM, MAXIMUM):
            return Shape(inner.kind, self.strictness(inner, squares, depth), lines)
        if inner.kind == SADDLE:
            return self.saddle(germ, lines, [*inner.curves, *self.lines()])
        return Shape(inner.kind, None, lines)

    def strictness(self, inner: Shape, squares: list[Germ], depth: int) -> bool | None:
        """Whether h²·G is 0 at the point only."""
        if inner.strict is not True:
            return inner.strict
        known: list[bool | None] = [True]
        for factor in squares:
            if len(self.names) == 1:
                continue  # a polynomial in one variable has isolated roots
            found = self.run(factor, depth - 1)
            # Both signs around the point, in a neighbourhood that stays connected without it: zeros.
            known.append({SADDLE: False, MINIMUM: found.strict, MAXIMUM: found.strict}.get(found.kind))
        return False if False in known else (None if None in known else True)

    # -- 2 and 3: the Hessian

    def by_hessian(self, germ: Germ, depth: int) -> Shape:
        size = len(self.names)
        matrix = hessian(germ, size, self.field)
        up, down = signature(matrix, self.field)
        spectrum = f"the Hessian has {_count(up, 'positive')}, {_count(down, 'negative')} and " + _count(
            size - up - down, "zero"
        )
        lines = (f"{spectrum} eigenvalue{'' if size - up - down == 1 else 's'}",)
        if up and down:
            return self.saddle(germ, lines, self.bends(matrix))
        if up == size:
            return Shape(MINIMUM, True, lines)
        if down == size:
            return Shape(MAXIMUM, True, lines)
        if up or down:
            return self.split(germ, matrix, up + down, MINIMUM if up else MAXIMUM, lines, depth)
        return self.degenerate(germ, lines, depth)

    def bends(self, matrix: Matrix) -> Iterator[Curve]:
        """Lines along rounded eigenvectors."""
        _, vectors = np.linalg.eigh(np.array([[float(x) for x in row] for row in matrix]))
        for digits in (8, 100, 10_000):
            for column in vectors.T:
                scaled = column / np.abs(column).max()
                yield self.line([Fraction(float(x)).limit_denominator(digits) for x in scaled])
        yield from self.lines()

    def split(self, germ: Germ, matrix: Matrix, rank: int, kind: str, lines: tuple[str, ...], depth: int) -> Shape:
        """Eliminate ``rank`` coordinates; the shape is that of φ beside a definite block of the sign of ``kind``."""
        size = len(self.names)
        for chosen in combinations(range(size), rank):
            block = [[matrix[i][j] for j in chosen] for i in chosen]
            if sum(signature(block, self.field)) == rank:
                break
        else:  # pragma: no cover
            raise AssertionError("a symmetric matrix of rank r has an invertible block of size r")
        free = [k for k in range(size) if k not in chosen]
        inner, finished = self.eliminated(germ, block, chosen, free)
        one = {(0,) * len(free): self.field(1)}
        exact = self.exact and finished
        reduced = compose(germ, inner, None if exact else self.order, one)
        eliminated = ", ".join(f"{self.names[k]} = {self.text(inner[k], free)}{_rest(exact)}" for k in chosen)
        names = tuple(self.names[k] for k in free)
        jet = Jet(self.field, names, lambda order: reduced, exact)
        left = _Analysis(jet, self.order, exact)
        about = f"where its derivative by {', '.join(self.names[k] for k in chosen)} is 0, that is {eliminated}, it is "
        lines = (*lines, f"{about}{self.text(reduced, free)}{_rest(exact)}")
        if not reduced:
            if exact:
                return Shape(kind, False, (*lines, "so that its value is taken along a whole curve or surface"))
            return Shape(UNKNOWN, None, (*lines, f"nothing shows up to order {self.order}"))
        found = left.run(reduced, depth - 1)
        lines = (*lines, *found.lines)
        if found.kind == kind:
            return Shape(kind, found.strict, lines)
        if found.kind in (SADDLE, OPPOSITE[kind]):
            curves = [self.lifted(curve, inner) for curve in found.curves or left.lines()]
            return self.saddle(germ, lines, [*curves, *self.lines()])
        return Shape(UNKNOWN, None, lines)

    def eliminated(
        self, germ: Germ, block: Matrix, chosen: Sequence[int], free: Sequence[int]
    ) -> tuple[list[Germ], bool]:
        """Each coordinate as a power series in the free ones, and whether the series are polynomials."""
        slopes = [_derivative(germ, k) for k in chosen]
        one = {(0,) * len(free): self.field(1)}
        inner: list[Germ] = [{} for _ in self.names]
        for place, k in enumerate(free):
            inner[k] = {tuple(int(place == j) for j in range(len(free))): self.field(1)}
        for order in range(1, self.order):
            left = [compose(slope, inner, order, one) for slope in slopes]
            change = solve_linear(block, left, self.field)
            assert change is not None
            for k, delta in zip(chosen, change, strict=True):
                inner[k] = plus(inner[k], delta, -1)
        finished = all(not compose(slope, inner, None, one) for slope in slopes) if self.exact else False
        return inner, finished

    # -- 4 and 5: without a quadratic part

    def degenerate(self, germ: Germ, lines: tuple[str, ...], depth: int) -> Shape:
        degree = min(map(_degree, germ))
        form = _part(germ, degree)
        if degree > self.order and not self.exact:
            return Shape(UNKNOWN, None, (*lines, f"nothing shows up to order {self.order}"))
        shown = f"its lowest form {self.text(form)}"
        if degree % 2:
            return self.saddle(germ, (*lines, f"{shown} has odd degree"), self.lines())
        size = len(self.names)
        even = self.even(germ) if self.exact else None
        if even is not None:
            return Shape(even.kind, even.strict, (*lines, *even.lines))
        try:
            match size:
                case 1:
                    (coefficient,) = form.values()
                    signs = _Signs(coefficient.sign() > 0, coefficient.sign() < 0, False)
                case 2:
                    signs = self.binary(form, degree)
                case _:
                    signs = self.many(form)
        except NotExactError as error:
            return Shape(UNKNOWN, None, (*lines, str(error)))
        if signs.up and signs.down:
            curves = [*self.directions(form, degree), *self.lines()]
            return self.saddle(germ, (*lines, f"{shown} takes both signs"), curves)
        if not signs.touches and (signs.up or signs.down):
            word = "positive" if signs.up else "negative"
            return Shape(MINIMUM if signs.up else MAXIMUM, True, (*lines, f"{shown} is {word} in every direction"))
        lines = (*lines, f"{shown} vanishes in some direction")
        if size == 2:
            try:
                return self.blown_up(germ, degree, lines, depth)
            except NotExactError as error:
                return Shape(UNKNOWN, None, (*lines, str(error)))
        return Shape(UNKNOWN, None, (*lines, "forms in more than two variables are not followed further"))

    def even(self, germ: Germ) -> Shape | None:
        """All of it one sign times even powers."""
        signs = {c.sign() for c in germ.values()}
        if len(signs) > 1 or any(e % 2 for m in germ for e in m):
            return None
        alone = {k for m in germ for k, e in enumerate(m) if e == sum(m)}
        kind = MINIMUM if signs == {1} else MAXIMUM
        line = f"it is a sum of even powers with {'positive' if signs == {1} else 'negative'} coefficients"
        return Shape(kind, len(alone) == len(self.names), (line,))

    def binary(self, form: Germ, degree: int) -> _Signs:
        """The signs of Σ a_k x^(m-k) y^k off the origin: on the line x = 1, and at (0, 1)."""
        coefficients = [form.get((degree - k, k), self.field(0)) for k in range(degree + 1)]
        signs = _signs(_trim(coefficients))
        last = coefficients[-1].sign()
        return signs | _Signs(last > 0, last < 0, last == 0)

    def directions(self, form: Germ, degree: int) -> Iterator[Curve]:
        """Lines along which a form is not 0, of both signs if it has them."""
        if len(self.names) == 2:
            coefficients = _trim([form.get((degree - k, k), self.field(0)) for k in range(degree + 1)])
            for u in _samples(coefficients):
                yield self.line([Fraction(1), u])

    def many(self, form: Germ) -> _Signs:
        """The signs of a form in three or more variables on the faces of a cube."""
        size = len(self.names)
        up = down = touches = False
        for direction in product(range(-2, 3), repeat=size):
            if any(direction):
                sign = self.value(form, [Fraction(x) for x in direction]).sign()
                up, down, touches = up or sign > 0, down or sign < 0, touches or sign == 0
        if up and down:
            return _Signs(True, True, True)
        if not touches:
            touches = not self.covered(form, up)
        # Where boxes or directions leave a zero open, the other sign is open too.
        return _Signs(up, down, touches)

    def covered(self, form: Germ, up: bool) -> bool:
        """Whether the form was seen to have one sign on every box of the cube's faces."""
        size = len(self.names)
        with precision(64):
            coefficients = [(m, c.ball(64) if up else -c.ball(64)) for m, c in form.items()]
            stack = []
            for k in range(size):  # an even form: the opposite faces say the same
                stack += [[arb(1) if j == k else arb(0, 1) for j in range(size)]]
            for _ in range(BOXES):
                if not stack:
                    return True
                box = stack.pop()
                total = arb(0)
                for m, c in coefficients:
                    term = c
                    for x, e in zip(box, m, strict=True):
                        term = term * ball_power(x, e)
                    total += term
                if total > 0:
                    continue
                widths = [float(x.rad()) for x in box]
                k = int(np.argmax(widths))
                middle, half = box[k].mid(), box[k].rad() / 2
                for side in (middle - half, middle + half):
                    stack.append([arb(side.mid(), half) if j == k else x for j, x in enumerate(box)])
        return False

    def blown_up(self, germ: Germ, degree: int, lines: tuple[str, ...], depth: int) -> Shape:
        """Look along each direction in which the lowest form vanishes: y = x·(u + w), or x = y·w.

        F(x, x·(u + w)) is x^degree·F₁(x, w), so that F has the sign of F₁ there.  Every other
        direction has the sign of the form, and the directions are compact.
        """
        form = _part(germ, degree)
        line_form = _trim([form.get((degree - k, k), self.field(0)) for k in range(degree + 1)])
        signs = self.binary(form, degree)
        wanted = MINIMUM if signs.up else MAXIMUM
        strict: bool | None = True
        charts: list[tuple[RealField, Exact | None]] = [(self.field, None)] if len(line_form) <= degree else []
        charts += [(u.field, u) for u in self.roots(line_form)]
        for field, u in charts:
            moved, back = self.chart(germ, degree, field, u)
            order = self.order - degree
            if not self.exact and order < 2:
                return Shape(UNKNOWN, None, (*lines, f"nothing more is known up to order {self.order}"))
            x, y = self.names
            w = next(name for name in (f"w{'_' * k}" for k in range(DEPTH + 2)) if name not in self.names)
            names = (x, w) if u is not None else (w, y)
            about = f"{y} = {x}*({u} + {w})" if u is not None else f"{x} = {y}*{w}"
            jet = Jet(field, names, lambda order, moved=moved: moved, self.exact)
            found = _Analysis(jet, order, self.exact).run(moved, depth - 1)
            step = (f"with {about}, divided by {x if u is not None else y}**{degree}:", *found.lines)
            if found.kind == wanted:
                lines = (*lines, *step)
                strict = strict if found.strict else None  # zeros may lie at the point itself only
                continue
            if found.kind in (SADDLE, OPPOSITE[wanted]):
                curves = [back(curve) for curve in (*found.curves, *_Analysis(jet, order, self.exact).lines())]
                return self.saddle(germ, (*lines, *step), [*curves, *self.directions(form, degree), *self.lines()])
            return Shape(UNKNOWN, None, (*lines, *step))
        return Shape(wanted, strict, lines)

    def chart(
        self, germ: Germ, degree: int, field: RealField, u: Exact | None
    ) -> tuple[Germ, Callable[[Curve], Curve]]:
        """F₁ of a direction, and how its curves are curves of F."""
        moving = 1 if u is not None else 0  # which coordinate is a multiple of the other
        base = 1 - moving
        inner: list[Germ] = [{}, {}]
        inner[base] = {_unit(base, 1): field(1)}
        inner[moving] = {(1, 1): field(1)}
        if u is not None and not u.is_zero:
            inner[moving] = {(1, 1): field(1), _unit(base, 1): u}
        raised = {m: embedded(c, field) for m, c in germ.items()}
        made = compose(raised, inner, None, {(0, 0): field(1)})
        lowered: dict[Powers, Exact] = {}
        for m, c in made.items():
            powers = list(m)
            powers[base] -= degree
            if self.exact or sum(powers) <= self.order - degree:
                lowered[tuple(powers)] = c

        def back(curve: Curve) -> Curve:
            free = [{(e,): c for e, c in part.items()} for part in curve]
            made = (compose(g, free, None, {(0,): field(1)}) for g in inner)
            return tuple({m[0]: c for m, c in g.items()} for g in made)

        return lowered, back

    def roots(self, p: Univariate) -> list[Exact]:
        """The real roots, each in a field that contains it."""
        found: list[Exact] = []
        total = sum(_root_count(factor) for factor, _ in _squarefree(p))
        if all(c.is_algebraic and c.polynomial.degree() <= 0 for c in p):
            whole = fmpq_poly([c.polynomial[0] for c in p])
            for factor, _ in fmpz_poly(whole.numer()).factor()[1]:
                for index in range(len(real_roots(factor))):
                    field = RealField(fmpq_poly(factor), index)
                    root = field(fmpq_poly([0, 1]))
                    if field.degree == 1:
                        root = self.field(root.polynomial[0])
                    found.append(root)
        else:
            values = {Fraction(float(r.real)).limit_denominator(64) for r in np.roots([float(c) for c in reversed(p)])}
            found = [self.field(to_fmpq(u)) for u in sorted(values) if _at(p, u).is_zero]
        if len(found) < total:
            raise NotExactError("a direction in which its lowest form vanishes is not followed")
        return found

    # -- curves

    def line(self, direction: Sequence[Fraction]) -> Curve:
        """The line along a direction."""
        return tuple({1: self.field(x)} if x else {} for x in direction)

    def lines(self) -> Iterator[Curve]:
        """Lines along simple directions."""
        size = len(self.names)
        reach = range(-3, 4) if size <= 3 else range(-1, 2)
        for direction in sorted(product(reach, repeat=size), key=lambda v: sum(abs(x) for x in v)):
            if any(direction):
                yield self.line([Fraction(x) for x in direction])

    def lifted(self, curve: Curve, inner: Sequence[Germ]) -> Curve:
        """The curve in all coordinates, from the free ones."""
        free = [{(e,): c for e, c in part.items()} for part in curve]
        field = next((c.field for part in curve for c in part.values()), self.field)
        limit = 4 * self.order
        made = []
        for g in inner:
            raised = {m: embedded(c, field) for m, c in g.items()}
            made.append({m[0]: c for m, c in compose(raised, free, limit, {(0,): field(1)}).items()})
        return tuple(made)

    def along(self, germ: Germ, curve: Curve) -> tuple[int, Exact] | None:
        """The lowest term of the germ along a curve, if it is known."""
        coefficients = [c for part in curve for c in part.values()]
        if not coefficients:
            return None
        field = coefficients[0].field
        germ = {m: embedded(c, field) for m, c in germ.items()}
        inner = [{(e,): c for e, c in part.items()} for part in curve]
        lowest = min((e for part in curve for e in part), default=0)
        if not lowest:
            return None
        limit = None if self.exact else lowest * (self.order + 1) - 1
        made = compose(germ, inner, limit, {(0,): field(1)})
        if not made:
            return None
        m = min(made)
        return m[0], made[m]

    def saddle(
        self, germ: Germ, lines: tuple[str, ...], curves: Iterable[Curve]
    ) -> Shape:
        """A saddle, with the first curve upwards and the first downwards."""
        up: tuple[Curve, str] | None = None
        down: tuple[Curve, str] | None = None
        for curve in curves:
            found = self.along(germ, curve)
            if found is None:
                continue
            power, coefficient = found
            sign = coefficient.sign()
            text = f"along {self.curve_text(curve)} it is {_term(coefficient, power)} + ..."
            if sign > 0 and up is None:
                up = (curve, text)
            elif sign < 0 and down is None:
                down = (curve, text)
            if up and down:
                return Shape(SADDLE, None, (*lines, up[1], down[1]), (up[0], down[0]))
        return Shape(UNKNOWN, None, (*lines, "but no two curves were found that show both signs"))

    # -- texts

    def value(self, germ: Germ, at: Sequence[Fraction]) -> Exact:
        """The germ at a rational displacement."""
        total = self.field(0)
        for m, c in germ.items():
            weight = Fraction(1)
            for x, e in zip(at, m, strict=True):
                weight *= x**e
            total = total + c * to_fmpq(weight)
        return total

    def text(self, germ: Germ, which: Sequence[int] | None = None) -> str:
        """A germ in the names of its coordinates, measured from the point."""
        names = [self.names[k] for k in which] if which is not None else list(self.names)
        return germ_text(germ, names)

    def curve_text(self, curve: Curve) -> str:
        parts = []
        for name, part in zip(self.names, curve, strict=True):
            parts.append(f"{name} = {germ_text({(e,): c for e, c in part.items()}, ['t'])}")
        return ", ".join(parts)


def hessian(germ: Germ, size: int, field: RealField) -> Matrix:
    """The matrix of second derivatives at the point."""
    matrix = [[field(0)] * size for _ in range(size)]
    for m, c in germ.items():
        if sum(m) == 2:
            i, j = (k for k, e in enumerate(m) for _ in range(e))
            matrix[i][j] = matrix[j][i] = c * 2 if i == j else c
    return matrix


def germ_text(germ: Germ, names: Sequence[str], most: int = 6) -> str:
    """A polynomial, lowest terms first; a long one is cut."""
    if not germ:
        return "0"
    parts = []
    ordered = sorted(germ, key=lambda m: (sum(m), tuple(-e for e in m)))
    for m in ordered[:most]:
        factors = [n if e == 1 else f"{n}**{e}" for n, e in zip(names, m, strict=True) if e]
        parts.append(_product(str(germ[m]), factors))
    text = " + ".join(parts).replace("+ -", "- ")
    return f"{text} + ..." if len(ordered) > most else text


def _unit(place: int, power: int) -> Powers:
    return (power, 0) if place == 0 else (0, power)


def _term(coefficient: Exact, power: int) -> str:
    return _product(str(coefficient), [f"t**{power}" if power > 1 else "t"])


def _product(coefficient: str, factors: Sequence[str]) -> str:
    if not factors:
        return coefficient
    if coefficient in ("1", "-1"):
        return coefficient[:-1] + "*".join(factors)
    if " " in coefficient.strip():
        coefficient = f"({coefficient})"
    return "*".join([coefficient, *factors])


def _rest(exact: bool) -> str:
    return "" if exact else " + ..."


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}"


__all__ = [
    "FLAT",
    "MAXIMUM",
    "MINIMUM",
    "ORDERS",
    "SADDLE",
    "UNKNOWN",
    "Curve",
    "Germ",
    "Jet",
    "Matrix",
    "Powers",
    "Shape",
    "compose",
    "germ_text",
    "hessian",
    "plus",
    "shape",
    "signature",
    "solve_linear",
    "times",
]
