"""Zeros of equations that have no closed form: small boxes that provably contain exactly one.

Newton's method in floating point proposes; Krawczyk's operator in ball arithmetic disposes.  On a
bounded box all zeros are found by halving: a part is dropped where some equation's ball does not
contain 0, kept where Krawczyk's operator shows exactly one zero, and halved otherwise.

Source: R. E. Moore, R. B. Kearfott and M. J. Cloud, Introduction to Interval Analysis, 2009, 8.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, final

import numpy as np
from flint import arb, arb_mat
from sympy import Add, E, Expr, Float, Mul, Pow, atan, cos, exp, lambdify, log, pi, sin, tan

from symderive.checking.exact_reals import ball_power, precision
from symderive.errors import UnsupportedError

BITS = 200
MOST_BOXES = 20_000
RADIUS = "1e-30"

Box = tuple[Any, ...]
"""A ball for each variable."""


def ball_of(expression: Expr, values: Mapping[Any, Any]) -> Any:
    """An expression in ball arithmetic; not finite where it may be undefined.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> bool(ball_of(exp(x) - 1, {x: arb(0, 0.5)}).contains(0))
    True
    """
    if expression in values:
        return values[expression]
    if expression.is_Rational:
        return arb(int(expression.p)) / int(expression.q)
    if expression == pi:
        return arb.pi()
    if expression == E:
        return arb(1).exp()
    arguments = expression.args
    if isinstance(expression, Add | Mul):
        total = arb(0) if isinstance(expression, Add) else arb(1)
        for part in arguments:
            inner = ball_of(part, values)
            total = total + inner if isinstance(expression, Add) else total * inner
        return total
    if isinstance(expression, exp):
        return ball_of(arguments[0], values).exp()
    if isinstance(expression, Pow):
        base = ball_of(arguments[0], values)
        if arguments[1].is_Integer:
            power = int(arguments[1])
            return ball_power(base, power) if power >= 0 else 1 / ball_power(base, -power)
        return (ball_of(arguments[1], values) * base.log()).exp()
    for kind, name in ((log, "log"), (sin, "sin"), (cos, "cos"), (tan, "tan"), (atan, "atan")):
        if isinstance(expression, kind):
            return getattr(ball_of(arguments[0], values), name)()
    raise UnsupportedError(f"{str(expression)[:60]} is not evaluated in ball arithmetic")


@final
@dataclass(frozen=True)
class Zero:
    """A box with exactly one zero in it; ``point`` are its middles as SymPy floats of 30 digits."""

    box: Box

    @property
    def point(self) -> tuple[Float, ...]:
        return tuple(Float(ball.mid().str(30, radius=False), 30) for ball in self.box)


class Enclosing:
    """Equations in variables, for ball arithmetic and for floats."""

    def __init__(self, equations: Sequence[Expr], variables: Sequence[Any]) -> None:
        self.equations = tuple(equations)
        self.variables = tuple(variables)
        self.jacobian = [[e.diff(v) for v in self.variables] for e in self.equations]
        self.function = lambdify(self.variables, list(self.equations), "numpy")
        self.slope = lambdify(self.variables, self.jacobian, "numpy")

    def values(self, box: Box) -> list[Any]:
        """The equations' balls."""
        at = dict(zip(self.variables, box, strict=True))
        return [ball_of(e, at) for e in self.equations]

    def slopes(self, box: Box) -> arb_mat:
        """The Jacobian's balls."""
        at = dict(zip(self.variables, box, strict=True))
        return arb_mat([[ball_of(e, at) for e in row] for row in self.jacobian])

    # -- proposing

    def near(self, start: Sequence[float]) -> tuple[float, ...] | None:
        """A zero in floating point by Newton's method."""
        x = np.array(start, float)
        with np.errstate(all="ignore"):
            for _ in range(60):
                try:
                    f = np.array(self.function(*x), float)
                    step = np.linalg.solve(np.array(self.slope(*x), float), f)
                except (np.linalg.LinAlgError, ValueError, TypeError, ZeroDivisionError, OverflowError):
                    return None
                if not np.all(np.isfinite(step)):
                    return None
                length = np.abs(step).max()
                x = x - step * min(1.0, 2.0 / length if length else 1.0)
                if length < 1e-13 * (1 + np.abs(x).max()):
                    return tuple(x)
        return None

    # -- disposing

    def only(self, box: Box) -> Box | None:
        """A box inside this one with exactly one zero, which is the only one here; None if that was not shown."""
        middle = tuple(b.mid() for b in box)
        slopes = self.slopes(box)
        centre = self.slopes(middle)
        size = len(box)
        try:
            inverse = arb_mat([[x.mid() for x in row] for row in centre.mid().inv().tolist()])
        except ZeroDivisionError:
            return None
        step = inverse * arb_mat([[v] for v in self.values(middle)])
        rest = arb_mat(size, size, [int(i == j) for i in range(size) for j in range(size)]) - inverse * slopes
        around = arb_mat([[b - m] for b, m in zip(box, middle, strict=True)])
        moved = arb_mat([[m] for m in middle]) - step + rest * around
        made = tuple(moved[i, 0] for i in range(size))
        if all(new.is_finite() and b.contains_interior(new) for new, b in zip(made, box, strict=True)):
            return made
        return None

    def around(self, point: Sequence[float]) -> Zero | None:
        """The one zero next to a point in floating point."""
        with precision(BITS):
            middle = tuple(arb(float(x)) for x in point)
            for _ in range(6):
                try:
                    step = self.slopes(middle).solve(arb_mat([[v] for v in self.values(middle)]))
                except ZeroDivisionError:
                    return None
                middle = tuple((m - step[i, 0]).mid() for i, m in enumerate(middle))
                if not all(m.is_finite() for m in middle):
                    return None
            found = self.only(tuple(m + arb(0, RADIUS) for m in middle))
            return None if found is None else Zero(found)

    def search(self, reach: Sequence[tuple[float, float]]) -> list[Zero]:
        """Zeros that Newton's method finds from a grid of starts."""
        per_axis = {1: 81, 2: 15, 3: 7}.get(len(reach), 3)
        found: list[Zero] = []
        for start in product(*(np.linspace(low, high, per_axis) for low, high in reach)):
            near = self.near(start)
            if near is None or any(np.allclose(near, [float(b) for b in z.point], atol=1e-6) for z in found):
                continue
            zero = self.around(near)
            if zero is not None:
                found.append(zero)
        return sorted(found, key=lambda z: z.point)

    def all_in(self, box: Box) -> list[Zero] | None:
        """Every zero of a bounded box, or None where the halving did not come to an end."""
        found: list[Zero] = []
        waiting = [box]
        with precision(BITS):
            for _ in range(MOST_BOXES):
                if not waiting:
                    return sorted(found, key=lambda z: z.point)
                part = waiting.pop()
                values = self.values(part)
                if any(v.is_finite() and not v.contains(0) for v in values):
                    continue
                # A zero on the border of two parts is found in a part that is a little larger.
                wider = tuple(b + arb(0, b.rad() * arb("0.25")) for b in part)
                one = self.only(wider)
                if one is not None:
                    zero = self.around([float(b.mid()) for b in one])
                    if zero is None or not all(b.contains(z) for b, z in zip(wider, zero.box, strict=True)):
                        return None
                    if not any(all(a.overlaps(b) for a, b in zip(zero.box, z.box, strict=True)) for z in found):
                        found.append(zero)
                    continue
                k = max(range(len(part)), key=lambda i: float(part[i].rad()))
                half = part[k].rad() / 2
                sides = (part[k].mid() - half, part[k].mid() + half)
                waiting += [tuple(side + arb(0, half) if i == k else b for i, b in enumerate(part)) for side in sides]
        return None


def definite_signs(matrix: Sequence[Sequence[Expr]], zero: Zero, variables: Sequence[Any]) -> tuple[int, int] | None:
    """How many eigenvalues of a symmetric matrix are > 0 and < 0 throughout a box; None where one may be 0."""
    at = dict(zip(variables, zero.box, strict=True))
    with precision(BITS):
        whole = arb_mat([[ball_of(e, at) for e in row] for row in matrix])
        coefficients = whole.charpoly().coeffs()  # of 1, λ, ..., λ^n
    if any(not c.is_finite() for c in coefficients) or coefficients[0].contains(0):
        return None
    signs = []
    for c in coefficients:
        if not (c > 0 or c < 0 or c == 0):
            return None
        signs.append(1 if c > 0 else (-1 if c < 0 else 0))

    def changes(values: Sequence[int]) -> int:
        kept = [v for v in values if v]
        return sum(a != b for a, b in pairwise(kept))

    return changes(signs), changes([s * (-1) ** k for k, s in enumerate(signs)])


__all__ = ["Enclosing", "Zero", "ball_of", "definite_signs"]
