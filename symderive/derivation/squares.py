"""Polynomials as sums of squares, exactly: Σ w_k·q_k² with rational w_k > 0.

p = mᵀ G m for a vector m of monomials and a positive semidefinite matrix G.  A matrix is looked for
in floating point (projections between the matrices that give p and those that are semidefinite),
rounded to fractions so that it gives p exactly, and taken apart by LDLᵀ in exact arithmetic; what
comes out is multiplied out and compared with p.  A polynomial without such a G may still be >= 0
(Motzkin's); then nothing is said.

Sources: P. Parrilo, Semidefinite programming relaxations for semialgebraic problems, Math. Program.
96 (2003); H. Peyrl and P. Parrilo, Computing sum of squares decompositions with rational
coefficients, Theor. Comput. Sci. 409 (2008); B. Reznick, Extremal psd forms with few terms, Duke
Math. J. 45 (1978), for the monomials that may occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import final

import numpy as np
from sympy import Add, Expr, Integer, Poly, Rational

Powers = tuple[int, ...]

LARGEST = 40
"""How many monomials the squares may have."""

ROUNDS = 2000


@final
@dataclass(frozen=True)
class Squares:
    """Σ weight·(polynomial)², weights > 0."""

    terms: tuple[tuple[Rational, Expr], ...]

    def __str__(self) -> str:
        shown = [f"({q})**2" if w == 1 else f"{w}*({q})**2" for w, q in self.terms]
        return " + ".join(shown) or "0"

    @property
    def expression(self) -> Expr:
        """The sum."""
        return Add(*(w * q**2 for w, q in self.terms))


def sum_of_squares(polynomial: Poly, rounds: int = ROUNDS) -> Squares | None:
    """A polynomial with rational coefficients as a sum of squares, or None where none was found in so many rounds.

    >>> from sympy import Poly, symbols
    >>> x, y = symbols("x y")
    >>> found = sum_of_squares(Poly(x**2 + x*y + y**2, x, y))
    >>> found.expression.expand()
    x**2 + x*y + y**2
    >>> sum_of_squares(Poly(x**2 - y**2, x, y)) is None
    True
    """
    if polynomial.is_zero:
        return Squares(())
    target = {tuple(map(int, m)): Fraction(int(c.p), int(c.q)) for m, c in polynomial.terms()}
    basis = _basis(target)
    if basis is None or len(basis) > LARGEST:
        return None
    groups = _groups(basis)
    if any(m not in groups for m in target):
        return None
    for gram in _candidates(target, basis, groups, rounds):
        terms = _taken_apart(gram, basis, polynomial.gens)
        if terms is None:
            continue
        found = Squares(terms)
        if (Poly(found.expression, *polynomial.gens, domain="QQ") - polynomial).is_zero:
            return found
    return None


def _basis(target: Mapping[Powers, Fraction]) -> list[Powers] | None:
    """The monomials that the squares may have; None where an extreme term is no square."""
    size = len(next(iter(target)))
    highest = max(map(sum, target))
    lowest = min(map(sum, target))
    if highest % 2 or lowest % 2:
        return None
    caps = [max(m[k] for m in target) for k in range(size)]
    floors = [min(m[k] for m in target) for k in range(size)]
    if any(c % 2 for c in caps) or any(f % 2 for f in floors):
        return None
    ranges = [range(f // 2, c // 2 + 1) for f, c in zip(floors, caps, strict=True)]
    basis = [m for m in product(*ranges) if lowest // 2 <= sum(m) <= highest // 2]
    while True:
        # 2m can be met by m·m only: without it in the polynomial (or with a sign < 0) m is no part of a square.
        doubled: dict[Powers, int] = {}
        for a in basis:
            for b in basis:
                total = _sum(a, b)
                doubled[total] = doubled.get(total, 0) + 1
        kept = [m for m in basis if target.get(_sum(m, m), Fraction(0)) > 0 or doubled[_sum(m, m)] > 1]
        if kept == basis:
            return basis
        basis = kept


def _sum(a: Powers, b: Powers) -> Powers:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _groups(basis: list[Powers]) -> dict[Powers, list[tuple[int, int]]]:
    """The places of the matrix whose entries sum to the coefficient of each monomial."""
    groups: dict[Powers, list[tuple[int, int]]] = {}
    for i, a in enumerate(basis):
        for j, b in enumerate(basis):
            groups.setdefault(_sum(a, b), []).append((i, j))
    return groups


def _candidates(
    target: Mapping[Powers, Fraction],
    basis: list[Powers],
    groups: Mapping[Powers, list[tuple[int, int]]],
    rounds: int,
) -> Iterator[list[list[Fraction]]]:
    """Exact matrices that give the polynomial, from matrices that are nearly semidefinite."""
    size = len(basis)
    places = [np.array(p) for p in groups.values()]
    wanted = [float(target.get(m, Fraction(0))) for m in groups]
    # The least-squares matrix is the only one where nothing is left to choose, and often simple enough.
    start = np.zeros((size, size))
    for place, value in zip(places, wanted, strict=True):
        start[place[:, 0], place[:, 1]] = value / len(place)
    yield _exactly(start, target, groups, 10_000)
    scale = max(abs(v) for v in wanted)
    for margin in (0.1, 0.02, 0.003, 0.0):
        gram = start.copy()
        for _ in range(rounds):
            values, vectors = np.linalg.eigh(gram)
            if values[0] > margin * scale / 2 and margin:
                break
            lifted = (vectors * np.maximum(values, margin * scale)) @ vectors.T
            for place, value in zip(places, wanted, strict=True):
                entries = lifted[place[:, 0], place[:, 1]]
                lifted[place[:, 0], place[:, 1]] = entries + (value - entries.sum()) / len(place)
            if np.abs(lifted - gram).max() < 1e-14 * scale:
                break
            gram = lifted
        for digits in (12, 1000, 10**6):
            yield _exactly(gram, target, groups, digits)


def _exactly(
    gram: np.ndarray,
    target: Mapping[Powers, Fraction],
    groups: Mapping[Powers, list[tuple[int, int]]],
    digits: int,
) -> list[list[Fraction]]:
    """The matrix in fractions, moved so that it gives the polynomial exactly."""
    rounded = [[Fraction(float(x)).limit_denominator(digits) for x in row] for row in gram]
    exact = [[(rounded[i][j] + rounded[j][i]) / 2 for j in range(len(gram))] for i in range(len(gram))]
    for m, place in groups.items():
        gap = (target.get(m, Fraction(0)) - sum((exact[i][j] for i, j in place), Fraction(0))) / len(place)
        if gap:
            for i, j in place:
                exact[i][j] += gap
    return exact


def _taken_apart(
    gram: list[list[Fraction]], basis: list[Powers], symbols: tuple[Expr, ...]
) -> tuple[tuple[Rational, Expr], ...] | None:
    """LDLᵀ with exact pivots; None where the matrix is not positive semidefinite."""
    rest = [list(row) for row in gram]
    size = len(rest)
    monomials = []
    for m in basis:
        monomial: Expr = Integer(1)
        for s, e in zip(symbols, m, strict=True):
            monomial *= s**e
        monomials.append(monomial)
    terms: list[tuple[Rational, Expr]] = []
    for k in range(size):
        pivot = rest[k][k]
        if pivot < 0 or (pivot == 0 and any(rest[k])):
            return None
        if pivot == 0:
            continue
        column = list(rest[k])
        row = [x / pivot for x in column]
        inner = Add(*(Rational(x.numerator, x.denominator) * m for x, m in zip(row, monomials, strict=True) if x))
        terms.append((Rational(pivot.numerator, pivot.denominator), inner))
        for i, factor in enumerate(column):
            if factor:
                rest[i] = [x - factor * y for x, y in zip(rest[i], row, strict=True)]
    return tuple(terms)


__all__ = ["Squares", "sum_of_squares"]
