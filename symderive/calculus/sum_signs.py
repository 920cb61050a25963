"""Signs of sums by what their terms are to each other: affine ones at the ends of ranges, quadratics at the vertex,
quotients by numerators, logarithms by what they are of.

``a·p + b·(1 - p)`` with p between 0 and 1 is b at one end and a at the other, and in between it is a mean of
the two.  Atoms are taken as if they were independent of each other, so that what is shown holds all the more.
"""

from __future__ import annotations

from fractions import Fraction

from sympy import Expr

from symderive.calculus.polynomials import ONE, Algebra, Monomial, Polynomial, add, scale
from symderive.calculus.signs import INFINITY, Bounds, of_sign

MOST_TERMS = 12
MOST_ATOMS = 4
TRIES = 3
"""Longer polynomials, ends of more atoms, and more atoms to begin with, are not looked at."""


def corner_bounds(algebra: Algebra, p: Polynomial) -> Bounds:
    """The bounds > 0, >= 0, <= 0 or < 0 of a scalar that is affine in each atom; none where no sign is shown."""
    if not 2 <= len(p) <= MOST_TERMS:
        return Bounds()
    if any(bound or any(labels for _, labels, _ in factors) for factors, bound in p):
        return Bounds()
    if _both_signs(algebra, p):
        return Bounds()
    return of_sign(_sign(algebra, p, MOST_ATOMS, TRIES))


def quotient_bounds(algebra: Algebra, p: Polynomial) -> Bounds:
    """The sign of a sum of quotients whose denominators are > 0, by its numerator: 1/a - 1/(a + b) is > 0 as b is."""
    if not 2 <= len(p) <= MOST_TERMS:
        return Bounds()
    powers: dict[tuple[int, tuple[int, ...]], Fraction] = {}
    for factors, bound in p:
        if bound:
            return Bounds()
        for a, labels, e in factors:
            if labels or isinstance(e, Expr):
                return Bounds()
            if e < 0:
                powers[a, labels] = max(powers.get((a, labels), Fraction(0)), Fraction(-e))
    if not powers or any(algebra.atoms[a].bounds.sign != "+" for a, _ in powers):
        return Bounds()
    cleared = algebra.lifted(p, powers)
    if any(not isinstance(e, Expr) and e < 0 for factors, _ in cleared for _, _, e in factors):
        return Bounds()
    return of_sign(algebra.bounds(cleared).sign)


def _sign(algebra: Algebra, p: Polynomial, depth: int, tries: int = 1) -> str:
    """The sign of a sum, an atom put at its ends first.

    Whichever atom is taken first, the same corners are reached; it matters only to whether 0 is taken out, so
    that some are tried where that is not shown.
    """
    if not p:
        return "0"
    best = algebra.term_bounds(p).meet(quadratic_bounds(algebra, p)).sign
    if depth == 0 or best in ("+", "-"):
        return best
    for a in _affine_in(algebra, p)[:tries]:
        found = _between(algebra, p, a, depth - 1)
        if found == "unknown":
            break
        best = found
        if best in ("+", "-"):
            break
    return best


def quadratic_bounds(algebra: Algebra, p: Polynomial) -> Bounds:
    """Bounds of a quadratic in one atom by its vertex, or by the end of the range that is nearer to it."""
    terms: dict[int, Fraction] = {}
    atoms = set()
    for (factors, bound), c in p.items():
        if bound or len(factors) > 1 or any(labels or e not in (1, 2) for _, labels, e in factors):
            return Bounds()
        atoms |= {a for a, _, _ in factors}
        terms[int(factors[0][2]) if factors else 0] = c  # type: ignore[arg-type]
    a, b, c = (terms.get(k, Fraction(0)) for k in (2, 1, 0))
    if len(atoms) != 1 or not a:
        return Bounds()
    if a < 0:
        return quadratic_bounds(algebra, scale(-1, p)).negate()
    ends, place, open_ = algebra.atoms[atoms.pop()].bounds, -b / (2 * a), False
    if isinstance(ends.low, Fraction) and place <= ends.low:
        place, open_ = ends.low, ends.low_open
    elif isinstance(ends.high, Fraction) and place >= ends.high:
        place, open_ = ends.high, ends.high_open
    return Bounds(a * place**2 + b * place + c, INFINITY, open_)


def logarithm_bounds(algebra: Algebra, p: Polynomial) -> Bounds:
    """The sign of c·log a - c·log b, which is that of a - b, or of c·log a, that of a - 1."""
    parts: list[tuple[Fraction, Polynomial]] = []
    for (factors, bound), c in p.items():
        if bound or len(factors) != 1:
            return Bounds()
        ((a, labels, e),) = factors
        if algebra.atoms[a].kind != "log" or labels or e != 1:
            return Bounds()
        parts.append((c, algebra.atoms[a].inner[0]))
    if not 1 <= len(parts) <= 2 or (len(parts) == 2 and parts[0][0] != -parts[1][0]):
        return Bounds()
    c, first = parts[0]
    gap = add(first, scale(-1, parts[1][1] if len(parts) == 2 else ONE))
    return of_sign(algebra.bounds(scale(1 if c > 0 else -1, gap)).sign if gap else "0")


def _both_signs(algebra: Algebra, p: Polynomial) -> bool:
    """Whether the polynomial takes both signs at points of the ranges, by floats: then there is no sign to look for."""
    try:
        values = [_value_at(algebra, p, share) for share in (0.03, 0.21, 0.5, 0.83, 0.98)]
    except (ArithmeticError, TypeError, ValueError):  # floats say nothing
        return False
    return max(values) > 1e-9 and min(values) < -1e-9


def _value_at(algebra: Algebra, p: Polynomial, share: float) -> float:
    total = 0.0
    for (factors, _), c in p.items():
        term = float(c)
        for a, _, e in factors:
            # atoms in different places of their ranges, by the golden ratio
            term *= _inside(algebra.atoms[a].bounds, (share + 0.618 * a) % 1.0) ** float(e)
        if isinstance(term, complex):
            raise ValueError("a root of a number < 0")
        total += term
    return total


def _inside(bounds: Bounds, share: float) -> float:
    low, high = float(bounds.low), float(bounds.high)
    if low == -INFINITY and high == INFINITY:
        return 4 * share - 2
    if low == -INFINITY:
        return high - share / (1.001 - share)
    if high == INFINITY:
        return low + share / (1.001 - share)
    return low + (high - low) * share


def _affine_in(algebra: Algebra, p: Polynomial) -> list[int]:
    """The atoms with an end that every term has to the first power or not at all, those of few terms first."""
    count: dict[int, int] = {}
    bent: set[int] = set()
    for factors, _ in p:
        for a, _, e in factors:
            count[a] = count.get(a, 0) + 1
            if e != 1:
                bent.add(a)
    ends = {a: algebra.atoms[a].bounds for a in count if a not in bent}
    return sorted((a for a, b in ends.items() if b.low != -INFINITY or b.high != INFINITY), key=lambda a: (count[a], a))


def _between(algebra: Algebra, p: Polynomial, a: int, depth: int) -> str:
    """The sign of ``A + B·x`` for an atom x between its ends; a half-line is what it is at its end, and its slope."""
    bounds = algebra.atoms[a].bounds
    slope: Polynomial = {}
    rest: Polynomial = {}
    for (factors, bound), c in p.items():
        left: Monomial = (tuple(f for f in factors if f[0] != a), bound)
        target = slope if len(left[0]) < len(factors) else rest
        target[left] = target.get(left, Fraction(0)) + c
    slope = {m: c for m, c in slope.items() if c}
    if bounds.low == -INFINITY:
        one = _sign(algebra, _at(rest, slope, bounds.high), depth)
        two = _sign(algebra, scale(-1, slope), depth)
        return _mean(one, two, bounds.high_open, True)
    one = _sign(algebra, _at(rest, slope, bounds.low), depth)
    if bounds.high == INFINITY:
        return _mean(one, _sign(algebra, slope, depth), bounds.low_open, True)
    return _mean(one, _sign(algebra, _at(rest, slope, bounds.high), depth), bounds.low_open, bounds.high_open)


def _at(rest: Polynomial, slope: Polynomial, value: Fraction | float) -> Polynomial:
    return add(rest, scale(Fraction(value), slope))


def _mean(one: str, two: str, one_open: bool, two_open: bool) -> str:
    """The sign of means of what has the sign ``one`` at an end and the sign ``two`` at the other."""
    for up, level in (("+", "0+"), ("-", "0-")):
        signs = (one, two)
        if all(s in (up, level, "0") for s in signs):
            if signs == (up, up) or (one == up and two_open) or (two == up and one_open):
                return up
            return "0" if signs == ("0", "0") else level
    return "unknown"


__all__ = [
    "MOST_ATOMS",
    "MOST_TERMS",
    "TRIES",
    "corner_bounds",
    "logarithm_bounds",
    "quadratic_bounds",
    "quotient_bounds",
]
