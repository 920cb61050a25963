"""Remainders, floors and signs of powers of polynomials in integers, one residue class at a time.

With n = M·q + r for each r = 0, ..., M - 1 a polynomial in q whose other coefficients are multiples of m has
the remainder of its constant term modulo m.  Every case is looked at, so the argument is exhaustive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import count, product
from math import lcm

from sympy import Dummy, Expr, Poly, Rational, oo
from sympy.polys.polyerrors import PolynomialError

from symderive.judgement.surfaces import rational_form
from symderive.language import build, domains
from symderive.language.nodes import ONE, Leaf, Map, Node, Number
from symderive.language.statements import Relation, names_in

CASES = 100
"""More residue classes than these are not looked at."""


def residue_cases(*sides: Node, given: Sequence[Relation] = ()) -> Iterator[tuple[Node, ...]] | None:
    """Both sides in every residue class of the integers that they round; None where that is no way to go.

    The quotients are new integers, of which nothing is ``given``.

    >>> import numpy as np, symderive as sd
    >>> n = sd.array("n", domain=sd.integers(1, 9))
    >>> cases = list(residue_cases(np.mod(n * n, 4).node, (n * 0).node))
    >>> [str(sd.Array(left)) for left, _ in cases]
    ['0', '1', '0', '1']
    """
    classes = residue_classes(*sides, given=given)
    if classes is None:
        return None
    return (tuple(_folded(build.substitute(side, values)) for side in sides) for values in classes)


def residue_classes(*sides: Node, given: Sequence[Relation] = ()) -> list[dict[Node, Node]] | None:
    """What the integers that the sides round are in each residue class: ``M·quotient + r``; None as above."""
    rounded = [n for side in sides for n in side.walk() if _rounds(n)]
    leaves = rounded_leaves(*sides)
    if not rounded or any(leaf.shape or not leaf.domain.entries.integer for leaf in leaves):
        return None
    modulus = 1
    for node in rounded:
        modulus = lcm(modulus, _modulus(node))
    if modulus ** len(leaves) > CASES:
        return None
    quotients: dict[Node, Leaf] = {}
    taken = names_in(sides, given)
    for leaf in leaves:
        name = next(n for k in count() if (n := f"{leaf.name}_quotient{'_' * k}") not in taken)
        quotients[leaf] = Leaf(name, (), domains.integers(-oo, oo))
        taken.add(name)
    return [
        {
            leaf: build.add([(ONE * modulus, quotients[leaf]), (ONE, Number(Rational(r)))], ())
            for leaf, r in zip(leaves, residues, strict=True)
        }
        for residues in product(range(modulus), repeat=len(leaves))
    ]


def rounded_leaves(*sides: Node) -> list[Leaf]:
    """The leaves inside of remainders, floors and powers of -1."""
    return list(dict.fromkeys(leaf for side in sides for n in side.walk() if _rounds(n) for leaf in n.leaves()))


def _rounds(node: Node) -> bool:
    if not isinstance(node, Map) or node.shape:
        return False
    if any(isinstance(n, Map) and _divides(n) for c in node.children for n in c.walk()):
        return False
    if node.function == "remainder":
        return _whole_number(node.arguments[1]) is not None
    if node.function == "power":
        base, exponent = node.arguments
        return base is Number(-ONE) and not isinstance(exponent, Number)
    return node.function == "floor"


def _divides(node: Map) -> bool:
    """Whether a node may divide: then it is not defined everywhere, and its remainder is left as it is."""
    exponent = node.arguments[-1]
    return node.function == "power" and not (isinstance(exponent, Number) and exponent.value.is_nonnegative)


def _whole_number(node: Node) -> int | None:
    if isinstance(node, Number) and node.value.is_Integer and node.value.is_positive:
        return int(node.value)
    return None


def _modulus(node: Node) -> int:
    """How many residue classes decide a node: by its modulus and the denominators inside."""
    assert isinstance(node, Map)
    if node.function == "power":
        return 2
    symbols = {leaf: Dummy(leaf.name) for leaf in node.leaves()}
    form = rational_form(node.arguments[0], symbols)
    denominator = 1
    if form is not None and symbols:
        for coefficient in _coefficients(form, list(symbols.values())).values():
            denominator = lcm(denominator, coefficient.denominator)
    return denominator * ((_whole_number(node.arguments[1]) or 1) if node.function == "remainder" else 1)


def _coefficients(form: Expr, symbols: list[Dummy]) -> Mapping[tuple[int, ...], Fraction]:
    """The coefficients of a polynomial by exponents; empty where it is none."""
    try:
        terms = Poly(form, *symbols).terms()
    except PolynomialError:
        return {}
    if not all(c.is_Rational for _, c in terms):
        return {}
    return {tuple(powers): Fraction(int(c.p), int(c.q)) for powers, c in terms}


def _folded(node: Node) -> Node:
    """The node with every remainder, floor and power of -1 that the residue class decides put in."""
    done: dict[Node, Node] = {}
    for current in node.walk():
        made = build.rebuild(current, [done[c] for c in current.children]) if current.children else current
        done[current] = _decided(made) if _rounds(made) else made
    return done[node]


def _decided(node: Node) -> Node:
    assert isinstance(node, Map)
    inner = node.arguments[1] if node.function == "power" else node.arguments[0]
    symbols = {leaf: Dummy(leaf.name) for leaf in inner.leaves()}
    form = rational_form(inner, symbols)
    if form is None:
        return node
    if symbols:
        coefficients = _coefficients(form, list(symbols.values()))
    else:
        coefficients = {(0,): Fraction(int(form.p), int(form.q))} if isinstance(form, Rational) else {}
    if not coefficients:
        return node
    modulus = {"power": 2, "floor": 1}.get(node.function) or _whole_number(node.arguments[1])
    assert modulus is not None
    constant = sum((c for powers, c in coefficients.items() if not any(powers)), Fraction(0))
    if any((c / modulus).denominator != 1 for powers, c in coefficients.items() if any(powers)):
        return node
    left = constant - modulus * (constant // modulus)
    match node.function:
        case "remainder":
            return _number(left)
        case "floor":
            return build.add([(ONE, inner), (-ONE, _number(left))], ())
    return node if constant.denominator != 1 else Number(ONE if left == 0 else -ONE)


def _number(value: Fraction) -> Number:
    return Number(Rational(value.numerator, value.denominator))


__all__ = ["residue_cases", "residue_classes", "rounded_leaves"]
