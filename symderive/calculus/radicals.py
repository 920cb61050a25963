"""The sign of a sum with a square root, by that of its conjugate: √(x² + 1) + x > 0 since x² + 1 > x²."""

from __future__ import annotations

from fractions import Fraction

from symderive.calculus.polynomials import Algebra, Polynomial, add, scale
from symderive.calculus.signs import INFINITY, Bounds

POSITIVE, NONNEGATIVE = Bounds(Fraction(0)), Bounds(Fraction(0), INFINITY, False)


def conjugate_bounds(algebra: Algebra, p: Polynomial) -> Bounds:
    """Bounds of ``a + s`` with one term s whose square has no such root, by the sign of s² - a²."""
    roots = {m: c for m, c in p.items() if any(isinstance(e, Fraction) and e.denominator == 2 for _, _, e in m[0])}
    if len(roots) != 1 or len(p) < 2 or any(m[1] for m in p):
        return Bounds()
    rest = {m: c for m, c in p.items() if m not in roots}
    square = algebra.multiply(roots, roots)
    gap = add(square, scale(-1, algebra.multiply(rest, rest)))
    sign = algebra.bounds(gap).sign if gap else "0"
    flipped = {"-": "+", "0-": "0+"}
    for larger, known in ((roots, sign), (rest, flipped.get(sign, "0" if sign == "0" else ""))):
        if known not in ("+", "0+", "0"):
            continue
        own = algebra.bounds(larger).sign
        if own in ("+", "0+"):
            return POSITIVE if known == "+" else NONNEGATIVE
        if own in ("-", "0-"):
            return (POSITIVE if known == "+" else NONNEGATIVE).negate()
    return Bounds()


__all__ = ["conjugate_bounds"]
