"""Functions at arguments that are spelled apart and equal: exp(1/a - 1/(a + b)) and exp(b/(a(a + b))).

The normal form opens quotients in one variable; with several there is no one way to write a sum of them, so that
equal arguments may stand in different atoms.  Here such atoms are found and made one.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sympy import Expr

from symderive.calculus.polynomials import EVEN, ODD, Algebra, Atom, Factor, Monomial, Polynomial, add, scale

IsZero = Callable[[Polynomial], bool]

MOST_ATOMS = 12
"""With more functions of quotients than these nothing is compared."""


def merged_parts(algebra: Algebra, p: Polynomial, is_zero: IsZero) -> list[Polynomial] | None:
    """Polynomials that are all 0 only if ``p`` is, with equal functions made one; None where nothing was found equal.

    The parts are what ``p`` has for each exponential: p = Σ exp(E)·part.
    """
    if not any(_of_quotients(algebra, algebra.atoms[a]) for m in p for a, _, _ in m[0]):
        return None
    changed, p = _same_functions(algebra, p, is_zero)
    groups: list[tuple[Polynomial, Polynomial]] = []
    for m, c in p.items():
        exponent, rest = _without_exponentials(algebra, m, c)
        if exponent is None:
            return [p] if changed else None
        for k, (known, part) in enumerate(groups):
            same = known == exponent
            if same or is_zero(add(known, scale(-1, exponent))):
                changed = changed or not same
                groups[k] = (known, add(part, rest))
                break
        else:
            groups.append((exponent, rest))
    if not changed:
        return None
    return [part for _, part in groups if part]


def _of_quotients(algebra: Algebra, atom: Atom) -> bool:
    """Whether an atom is a function of what has sums in denominators, or of such functions."""
    if not atom.inner or atom.rank:
        return False
    for q in atom.inner:
        for factors, _ in q:
            for a, _, e in factors:
                inner = algebra.atoms[a]
                if inner.kind == "poly" and not isinstance(e, Expr) and e < 0:
                    return True
                if _of_quotients(algebra, inner):
                    return True
    return False


def _without_exponentials(algebra: Algebra, m: Monomial, c: Fraction) -> tuple[Polynomial | None, Polynomial]:
    """A term as an exponent and what it multiplies; no exponent where a bound index stands in one."""
    exponent: Polynomial = {}
    rest: list[Factor] = []
    for f in m[0]:
        atom = algebra.atoms[f[0]]
        if atom.kind != "exp":
            rest.append(f)
            continue
        if f[1] or isinstance(f[2], Expr):
            return None, {}
        exponent = add(exponent, scale(Fraction(f[2]), atom.inner[0]))
    return exponent, {(tuple(rest), m[1]): c}


def _same_functions(algebra: Algebra, p: Polynomial, is_zero: IsZero) -> tuple[bool, Polynomial]:
    """The polynomial with one atom for equal scalar functions, and whether that changed it."""
    found = dict.fromkeys(a for m in p for a, _, _ in m[0] if _of_quotients(algebra, algebra.atoms[a]))
    others = dict.fromkeys(
        a for m in p for a, _, _ in m[0] if algebra.atoms[a].inner and not algebra.atoms[a].rank and a not in found
    )
    if len(found) + len(others) > MOST_ATOMS:
        return False, p
    changed = False
    kept: list[int] = list(others)
    for a in found:
        atom = algebra.atoms[a]
        for b in kept:
            factor = 0 if atom.kind == "exp" else _equal_atoms(atom, algebra.atoms[b], is_zero)
            if factor:
                p = _replaced(algebra, p, a, scale(factor, algebra.single(b)))
                changed = True
                break
        else:
            kept.append(a)
    return changed, p


def _equal_atoms(one: Atom, two: Atom, is_zero: IsZero) -> int:
    """1 where two atoms are equal, -1 where they are each other's negative, else 0."""
    if (one.kind, one.payload, len(one.inner)) != (two.kind, two.payload, len(two.inner)):
        return 0
    if all(is_zero(add(q, scale(-1, r))) for q, r in zip(one.inner, two.inner, strict=True)):
        return 1
    if one.kind in (*ODD, *EVEN) and is_zero(add(one.inner[0], two.inner[0])):
        return -1 if one.kind in ODD else 1
    return 0


def _replaced(algebra: Algebra, p: Polynomial, a: int, made: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for m, c in p.items():
        factors, bound = algebra.open(m)
        powers = [algebra.power(made, e) for b, _, e in factors if b == a]
        if powers:
            rest = algebra.reduce(c, [f for f in factors if f[0] != a], {})
            total = add(total, algebra.contract(algebra.multiply(rest, *powers), bound))
        else:
            total = add(total, {m: c})
    return total


__all__ = ["MOST_ATOMS", "merged_parts"]
