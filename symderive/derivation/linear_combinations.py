"""A goal as a sum of what is given, times numbers >= 0: Farkas' lemma, and products of two for quadratic goals.

Numbers are looked for by linear programming in floating point, and solved for exactly where it found some that are
not 0.  Nothing rests on this: the checker makes the sum again.  Sources: J. Farkas, J. reine angew. Math. 124 (1902);
D. Handelman, Representing polynomials by positive linear functions, Pacific J. Math. 132 (1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import Expr, Matrix, Poly, PolynomialError, Rational, S

MOST = 60
"""Sums of more candidates are not looked for."""


def combination(goal: Expr, parts: Sequence[Expr]) -> list[tuple[Rational, int]] | None:
    """Numbers > 0 and which parts they weigh, so that the goal is their sum; None where none were found.

    >>> from sympy import symbols
    >>> x, y, z = symbols("x y z")
    >>> combination(2*z - 2*x, [y - x, z - y, z])
    [(2, 0), (2, 1)]
    >>> combination(x - z, [y - x, z - y]) is None
    True
    """
    if not 0 < len(parts) <= MOST:
        return None
    try:
        polynomials = [Poly(part.expand(), *_generators(goal, parts)) for part in (goal, *parts)]
    except PolynomialError:
        return None
    monomials = sorted({m for p in polynomials for m in p.monoms()})
    table = [[p.coeff_monomial(m) for m in monomials] for p in polynomials]
    if not all(c.is_Rational for row in table for c in row):
        return None
    wanted, rows = table[0], table[1:]
    left, right = np.array(rows, float).T, np.array(wanted, float)
    if not (np.all(np.isfinite(left)) and np.all(np.isfinite(right))):
        return None  # numbers beyond floats
    from scipy.optimize import linprog  # slow to load, and few claims need it

    found = linprog(
        np.ones(len(rows)),
        A_eq=left,
        b_eq=right,
        bounds=[(0, None)] * len(rows),
        method="highs-ds",
    )
    if found.x is None or found.status != 0:
        return None
    kept = [k for k, value in enumerate(found.x) if value > 1e-9]
    return _exactly(wanted, [rows[k] for k in kept], kept)


def _generators(goal: Expr, parts: Sequence[Expr]) -> list[Any]:
    """The symbols, and functions of them as if they were symbols of their own."""
    found = {g for part in (goal, *parts) if part.free_symbols for g in Poly(part.expand()).gens}
    return sorted(found, key=str) or [S.One]


def _exactly(
    wanted: Sequence[Expr], rows: Sequence[Sequence[Expr]], kept: Sequence[int]
) -> list[tuple[Rational, int]] | None:
    if not rows:
        return [] if all(c == 0 for c in wanted) else None
    matrix = Matrix([list(row) for row in rows]).T
    target = Matrix(list(wanted))
    try:
        solution, free = matrix.gauss_jordan_solve(target)
    except ValueError:
        return None
    if free.shape[0]:
        solution = solution.subs(dict.fromkeys(free, 0))
    numbers = list(solution)
    if any(n.is_negative for n in numbers):
        return None
    return [(n, k) for n, k in zip(numbers, kept, strict=True) if n]


__all__ = ["combination"]
