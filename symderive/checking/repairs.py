"""Formulas next to a formula: another number, a square more or less, two arguments swapped.

They are what a hint is looked for among.  Floats say which are worth a look; the judge has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from sympy import E, Expr, Integer, Rational, log, pi

from symderive.language import build
from symderive.language.nodes import Contraction, Leaf, Map, Node, Number, Sum

SITES = 14
"""How many numbers of a formula are looked at."""

_CONSTANTS = (log(2), log(3), 1 / E, E, pi, pi / 2, 1 / pi)


def numbers(side: Node) -> Iterator[tuple[Expr, Callable[[Expr], Node]]]:
    """The numbers that stand in a formula, and the formula with another one in their place.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> [(old, str(sd.Array(make(old + 1)))) for old, make in numbers((x**2 / 3).node)]
    [(2, 'x**3 / 3'), (1/3, '4 * x**2 / 3')]
    """
    seen: set[Node] = set()
    for node in side.walk():
        for old, made in _of(node):
            other = build.substitute(side, {node: made(old + 1)})  # an exponent is a number and part of a power
            if other in seen:
                continue
            if len(seen) >= SITES:
                return
            seen.add(other)
            yield old, lambda new, node=node, made=made: build.substitute(side, {node: made(new)})


def _of(node: Node) -> Iterator[tuple[Expr, Callable[[Expr], Node]]]:
    match node:
        case Map(function="power", arguments=(base, Number(value=k))) if k.is_Rational:
            yield k, lambda new: build.power(base, new)
        case Contraction(coefficient=c) if c.is_Rational and c != 1:
            yield c, lambda new: build.scale(new / c, node)
        case Sum(terms=terms):
            for place, (w, term) in enumerate(terms):
                if w.is_Rational and (isinstance(term, Number) or w not in (1, -1)):
                    scaled = term.value if isinstance(term, Number) else Integer(1)
                    yield w * scaled, lambda new, place=place, own=scaled: Sum(
                        tuple((new / own, t) if k == place else (v, t) for k, (v, t) in enumerate(terms))
                    )
        case Number(value=value) if value.is_Rational and value not in (0, 1, -1):
            yield value, lambda new: Number(new)
        case _:
            return


def whole_number(side: Node) -> tuple[Expr, Callable[[Expr], Node]] | None:
    """A side that is nothing but a number, as in `numbers`."""
    if isinstance(side, Number) and not side.value.free_symbols:
        return side.value, lambda new: Number(new)
    return None


def other_values(old: Expr) -> list[Expr]:
    """What a number may have been meant to be: twice, half, one more, its negative."""
    options = (
        *(old * 2, old / 2, -old, old + 1, old - 1, 1 / old if old else old, old * 4, old / 4, Integer(1)),
        *(old * 10, old / 10),
    )
    return [v for v in dict.fromkeys(options) if v != old]


def nearest(old: Expr) -> list[Expr]:
    """Simple numbers, the nearest to a number first."""
    whole = [Rational(k, q) for q in (1, 2, 3, 4, 6, 8, 12) for k in range(-3 * q, 9 * q + 1)]
    whole = [v for v in whole if v.is_Integer] if old.is_Integer else whole
    reach = (0.2 if old.is_Integer else 0.6) * abs(float(old))
    close = [v for v in _CONSTANTS if abs(float(v) - float(old)) < reach]
    found = [v for v in dict.fromkeys((*whole, *close)) if v != old]
    return sorted(found, key=lambda v: abs(float(v) - float(old)))[:60]


def flipped(side: Node) -> Iterator[tuple[Node, Node]]:
    """Terms of the sums in a formula, and the formula with the other sign before them.

    >>> import symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> [(str(sd.Array(term)), str(sd.Array(made))) for term, made in flipped((3 * (x - y)).node)]
    [('x', '3 * (-(x + y))'), ('y', '3 * (x + y)')]
    """
    for node in side.walk():
        if not isinstance(node, Sum):
            continue
        for place, (_, term) in enumerate(node.terms):
            terms = [(-w if k == place else w, t) for k, (w, t) in enumerate(node.terms)]
            yield term, build.substitute(side, {node: build.add(terms, node.shape)})


def multiplied(side: Node) -> Iterator[tuple[Node, Node, Node]]:
    """Parts of a formula, what they may have been meant to be, and the formula with that in their place.

    Twice and half a part, its negative, one more and one less, and times or by a scalar: what a missing 1/2,
    a wrong count or a forgotten factor comes to.
    """
    scalars = [leaf for leaf in side.leaves() if not leaf.shape][:3]
    for node in side.walk():
        if isinstance(node, Number) or node.shape or node is side:
            continue
        half, one = Rational(1, 2), Number(Integer(1))
        for scaled in (build.scale(half, node), build.scale(2, node), build.scale(-1, node)):
            yield node, scaled, build.substitute(side, {node: scaled})
        for shift in (1, -1):
            moved = build.add([(Integer(1), node), (Integer(shift), one)], ())
            yield node, moved, build.substitute(side, {node: moved})
        for leaf in scalars:
            for power in (1, -1):
                times = build.multiply(node, build.power(leaf, power))
                yield node, times, build.substitute(side, {node: times})


def squared(side: Node) -> Iterator[tuple[Node, Node]]:
    """Parts of a formula, and the formula with their square in their place."""
    for node in side.walk():
        if isinstance(node, Map | Leaf) and not node.shape and node is not side:
            yield node, build.substitute(side, {node: build.power(node, Integer(2))})


def swapped(side: Node) -> Iterator[tuple[Leaf, Leaf, Node]]:
    """Pairs of scalars, and the formula with the two swapped."""
    scalars = [leaf for leaf in side.leaves() if not leaf.shape]
    for one, other in list(combinations(scalars, 2))[:6]:
        yield one, other, build.substitute(side, {one: other, other: one})


__all__ = ["flipped", "multiplied", "nearest", "numbers", "other_values", "squared", "swapped", "whole_number"]
