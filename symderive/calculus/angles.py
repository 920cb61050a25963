"""Sines and cosines of sums and multiples, by those of common parts of the angles; exact values.

``sin(2x)``, ``sin(x + y)`` and ``cos(x + π/6)`` are written as polynomials in the sines and cosines of x, y and
the largest angle that all multiples in a statement are whole multiples of.  With cos² = 1 - sin² every
identity between such functions becomes one between polynomials (NIST DLMF 4.21(ii), 4.21(iii), 4.17).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

from sympy import pi

from symderive.calculus.polynomials import (
    ONE,
    Algebra,
    Monomial,
    Polynomial,
    add,
    constant_value,
    scale,
)

MULTIPLE = 12
PARTS = 4

_SINES: dict[int, Fraction] = {0: Fraction(0), 2: Fraction(1, 4), 3: Fraction(1, 2), 4: Fraction(3, 4), 6: Fraction(1)}
"""sin²(kπ/12), where it is rational."""

_TANGENTS = {Fraction(1): Fraction(1, 4), Fraction(3): Fraction(1, 3), Fraction(1, 3): Fraction(1, 6)}
"""arctan(√s)/π by s."""


class Angles:
    """Writes sines and cosines by those of parts of the angles; ``note`` all angles of a statement first."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.parts: dict[Any, int] = {}

    def note(self, p: Polynomial) -> None:
        """Let the angles of a statement have common parts with this one."""
        for m, c in p.items():
            self.parts[_key(m)] = lcm(self.parts.get(_key(m), 1), c.denominator)

    def opened(self, name: str, p: Polynomial, plain: Callable[[str, Polynomial], Polynomial]) -> Polynomial | None:
        """sin or cos of a sum, None where it is an atom; ``plain`` makes atoms."""
        whole = _half_turn(self.algebra)
        angles: list[tuple[Polynomial, int]] = []
        cosine, sine = ONE, Polynomial()
        for m, c in p.items():
            if m == whole:
                exact = self.exact(c)
                if exact is not None:
                    cosine, sine = exact
                    continue
            q = lcm(self.parts.get(_key(m), 1), c.denominator)
            times = int(c * q)
            if abs(times) > MULTIPLE:
                return None
            angles.append(({m: Fraction(1, q)}, times))
        if len(angles) > PARTS or (len(angles) == 1 and angles[0][1] == 1 and cosine == ONE):
            return None
        for part, times in angles:
            cosine, sine = self._added((cosine, sine), self._multiple(part, times, plain))
        return sine if name == "sin" else cosine

    def exact_of(self, p: Polynomial) -> tuple[Polynomial, Polynomial] | None:
        """cos and sin of an angle that is a multiple of π, where their squares are rational."""
        whole = _half_turn(self.algebra)
        return self.exact(p[whole]) if set(p) == {whole} else None

    def exact(self, turns: Fraction) -> tuple[Polynomial, Polynomial] | None:
        """cos and sin of a multiple of π, where their squares are rational."""
        if 12 % turns.denominator:
            return None
        k = int(turns * 12)
        found = self._sine(k + 6), self._sine(k)
        return None if found[0] is None or found[1] is None else (found[0], found[1])

    def _sine(self, twelfths: int) -> Polynomial | None:
        square = _SINES.get(min(twelfths % 12, 12 - twelfths % 12))
        if square is None:
            return None
        root = self.algebra.power({(((), ())): square}, Fraction(1, 2)) if square else {}
        return root if twelfths % 24 < 12 else scale(-1, root)

    def _multiple(
        self, part: Polynomial, times: int, plain: Callable[[str, Polynomial], Polynomial]
    ) -> tuple[Polynomial, Polynomial]:
        first = plain("cos", part), plain("sin", part)
        total: tuple[Polynomial, Polynomial] = (ONE, {})
        for _ in range(abs(times)):
            total = self._added(total, first)
        return total if times >= 0 else (total[0], scale(-1, total[1]))

    def _added(
        self, a: tuple[Polynomial, Polynomial], b: tuple[Polynomial, Polynomial]
    ) -> tuple[Polynomial, Polynomial]:
        times = self.algebra.multiply
        cosine = add(times(a[0], b[0]), scale(-1, times(a[1], b[1])))
        return cosine, add(times(a[1], b[0]), times(a[0], b[1]))


def _key(m: Monomial) -> Any:
    return tuple((a, e) for a, _, e in m[0]), m[1]


def _half_turn(algebra: Algebra) -> Monomial:
    ((m, _),) = algebra.constant(pi).items()
    return m


def inverse_value(algebra: Algebra, name: str, p: Polynomial) -> Polynomial | None:
    """arctan or arcsin of a number, where it is a simple multiple of π."""
    square = constant_value(algebra.multiply(p, p)) if p else None
    if square is None:
        return None
    if name == "arctan":
        turns = _TANGENTS.get(square)
    else:
        turns = next((Fraction(k, 12) for k, s in _SINES.items() if s == square), None)
    sign = algebra.bounds(p).sign
    if turns is None or sign not in ("+", "-"):
        return None
    return scale(turns if sign == "+" else -turns, algebra.constant(pi))


__all__ = ["Angles", "inverse_value"]
