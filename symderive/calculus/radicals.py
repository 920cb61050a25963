"""Square roots: the sign of a sum with one, by its conjugate (√(x² + 1) + x > 0 since x² + 1 > x²); roots of roots."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from symderive.calculus.polynomials import UNIT, Algebra, Polynomial, add, constant_value, scale
from symderive.calculus.signs import NONNEGATIVE, POSITIVE, Bounds


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


def denested(algebra: Algebra, p: Polynomial) -> Polynomial | None:
    """√(a + c√r) = √u ± √v of numbers with u + v = a and 4uv = c²r, where u and v are rational; else None."""
    if len(p) != 2 or p.get(UNIT, 0) <= 0:
        return None
    ((surd, c),) = ((m, c) for m, c in p.items() if m != UNIT)
    a = p[UNIT]
    square = constant_value(algebra.multiply({surd: c}, {surd: c}))
    rest = None if square is None else _root(a * a - square)
    if rest is None or square is None or square <= 0:
        return None
    u, v = ((a + s * rest) / 2 for s in (1, -1))
    roots = [algebra.power({UNIT: w}, Fraction(1, 2)) for w in (u, v)]
    return add(roots[0], scale(1 if c > 0 else -1, roots[1]))


def _root(value: Fraction) -> Fraction | None:
    """The square root of a rational number, where it is rational."""
    if value < 0:
        return None
    p, q = isqrt(value.numerator), isqrt(value.denominator)
    return Fraction(p, q) if p * p == value.numerator and q * q == value.denominator else None


__all__ = ["conjugate_bounds", "denested"]
