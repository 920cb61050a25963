"""Points on given equations: some scalars as rational functions of the others, so that points are exact.

Positive numbers with ``a + b + c + d == 1`` are any positive numbers over their sum, ``1/p + 1/q == 1``
gives q by p, and a quadric with a rational point on it (``x**2 + y**2 == 1``) is run through by the lines
through that point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from sympy import Dummy, Expr, Poly, Rational, S, diff, fraction, together
from sympy.polys.polyerrors import PolynomialError

from symderive.judgement.instances import Instance
from symderive.language.nodes import Contraction, Leaf, Map, Named, Node, Number, Sum
from symderive.language.statements import Relation

_NEAR = (0, 1, -1, 2, Rational(1, 2), 3, Rational(3, 5), Rational(4, 5))
"""Coordinates of the points that a quadric is looked through for."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Steps, each of which puts numbers in the place of those drawn for some scalars."""

    steps: tuple[Mapping[Leaf, Expr], ...]
    symbols: Mapping[Leaf, Dummy]

    @property
    def leaves(self) -> frozenset[Leaf]:
        """The scalars that are replaced."""
        return frozenset(leaf for step in self.steps for leaf in step)

    def put(self, instance: Instance) -> Instance | None:
        """The point of the surface that a drawn point leads to; None where a denominator vanishes."""
        values = {leaf: instance.values[leaf][()] for leaf in self.symbols}
        if not all(isinstance(v, Fraction) for v in values.values()):
            return None
        try:
            moved = self.moved(values)
        except ZeroDivisionError:
            return None
        held = dict(instance.values)
        for leaf in self.leaves:
            cell = np.empty((), object)
            cell[()] = Fraction(moved[leaf])
            held[leaf] = cell
        return Instance(instance.sizes, held)

    def moved(self, values: Mapping[Leaf, Any], number: Any = Fraction) -> dict[Leaf, Any]:
        """The same for numbers, or arrays of floats, by scalar; ``number`` makes constants."""
        found = dict(values)
        for step in self.steps:
            scope = {self.symbols[leaf]: found[leaf] for leaf in self.symbols}
            found.update({leaf: _at(expr, scope, number) for leaf, expr in step.items()})
        return found


def surface(given: Sequence[Relation], leaves: Sequence[Leaf]) -> Surface | None:
    """The surface of the equations between scalars of ``given`` that can be solved; None where there is none.

    >>> import symderive as sd
    >>> from symderive.language.statements import Relation
    >>> a, b = sd.array("a"), sd.array("b")
    >>> found = surface([Relation((a + b).node, "==", (a * b).node)], (a.node, b.node))
    >>> moved = found.moved({a.node: Fraction(3), b.node: Fraction(3)})
    >>> moved[a.node] + moved[b.node] == moved[a.node] * moved[b.node] == Fraction(9, 2)
    True
    """
    plain = [
        leaf for leaf in leaves if not leaf.shape and leaf.domain.entries.values is None and not leaf.domain.structures
    ]
    symbols = {leaf: Dummy(leaf.name) for leaf in plain}
    steps: list[dict[Leaf, Expr]] = []
    known: dict[Dummy, Expr] = {}
    for relation in given:
        if relation.op != "==" or relation.lhs.shape or relation.rhs.shape:
            continue
        left, right = rational_form(relation.lhs, symbols), rational_form(relation.rhs, symbols)
        if left is None or right is None:
            continue
        numerator = fraction(together((left - right).xreplace(known)))[0].expand()
        solved = _solved(numerator, symbols)
        if solved is None:
            continue
        # earlier scalars are written by those that are left, later ones by what is then known
        known = {s: together(e.xreplace({symbols[x]: y for x, y in solved.items()})) for s, e in known.items()}
        known.update({symbols[leaf]: expr for leaf, expr in solved.items()})
        steps.insert(0, solved)
    return Surface(tuple(steps), symbols) if steps else None


def rational_form(node: Node, symbols: Mapping[Leaf, Expr]) -> Expr | None:
    """A scalar node as a rational function of symbols for its leaves; None where it is none."""
    match node:
        case Leaf():
            return symbols.get(node)
        case Number(value=value):
            return value if value.is_Rational else None
        case Named():
            return rational_form(node.body, symbols)
        case Sum():
            parts = [(w, rational_form(t, symbols)) for w, t in node.terms]
            if any(p is None or not w.is_Rational for w, p in parts):
                return None
            return S.Zero + sum(w * p for w, p in parts if p is not None)
        case Contraction() if not node.label_dims and node.coefficient.is_Rational:
            result: Expr = node.coefficient
            for factor, _ in node.factors:
                part = rational_form(factor, symbols)
                if part is None:
                    return None
                result = result * part
            return result
        case Map(function="power", arguments=(base, Number(value=exponent))) if exponent.is_Integer:
            inner = rational_form(base, symbols)
            return None if inner is None or (inner == 0 and exponent.is_negative) else inner**exponent
    return None


def _solved(numerator: Expr, symbols: Mapping[Leaf, Dummy]) -> dict[Leaf, Expr] | None:
    """``numerator == 0`` for one scalar in which it is linear, or for all scalars of a quadric."""
    present = {s: leaf for leaf, s in symbols.items() if s in numerator.free_symbols}
    scaled = _scaled(numerator, present)
    if scaled is not None:
        return scaled
    options: list[tuple[tuple[bool, int, int], Leaf, Expr]] = []
    for place, (s, leaf) in enumerate(present.items()):
        try:
            coefficients = Poly(numerator, s).all_coeffs()
        except PolynomialError:
            return None
        if len(coefficients) == 2:
            slope, rest = coefficients
            rank = (leaf.domain.entries.integer, len(slope.free_symbols), -place)
            options.append((rank, leaf, -rest / slope))
    if options:
        _, leaf, expr = min(options, key=lambda o: o[0])
        return {leaf: expr}
    return _quadric(numerator, present)


def _scaled(numerator: Expr, present: Mapping[Dummy, Leaf]) -> dict[Leaf, Expr] | None:
    """``Σ c_i x_i == r`` with all c_i, r > 0 and x_i >= 0: any such numbers, scaled."""
    if len(present) < 2 or not all(leaf.domain.entries.is_nonnegative for leaf in present.values()):
        return None
    if any(leaf.domain.entries.integer for leaf in present.values()):
        return None
    polynomial = Poly(numerator, *present)
    constant = polynomial.nth(*(0 for _ in present))
    slopes = [polynomial.coeff_monomial(s) for s in present]
    if polynomial.total_degree() != 1 or not constant.is_Rational or constant == 0:
        return None
    if not all(c.is_Rational and c * constant < 0 for c in slopes):
        return None
    total = sum((c * s for c, s in zip(slopes, present, strict=True)), S.Zero)
    return {leaf: -constant * s / total for s, leaf in present.items()}


def _quadric(numerator: Expr, present: Mapping[Dummy, Leaf]) -> dict[Leaf, Expr] | None:
    """All points of a quadric: where the line from one of its rational points to the drawn point meets it."""
    names = list(present)
    if not names or len(names) > 3 or Poly(numerator, *names).total_degree() != 2:
        return None
    for place in product(_NEAR, repeat=len(names)):
        at = dict(zip(names, place, strict=True))
        slopes = [diff(numerator, s).subs(at) for s in names]
        if numerator.subs(at) == 0 and any(slopes):
            top = sum(
                (c * _monomial(names, powers) for powers, c in Poly(numerator, *names).terms() if sum(powers) == 2),
                S.Zero,
            )
            line = {s: s - at[s] for s in names}  # a point that is on the quadric stays where it is
            along = sum((g * line[s] for g, s in zip(slopes, names, strict=True)), S.Zero)
            factor = -along / top.xreplace(line)
            return {present[s]: at[s] + factor * line[s] for s in names}
    return None


def _monomial(names: Sequence[Dummy], powers: Sequence[int]) -> Expr:
    result: Expr = S.One
    for s, k in zip(names, powers, strict=True):
        result = result * s**k
    return result


def _at(expr: Expr, scope: Mapping[Any, Any], number: Any) -> Any:
    """A rational function at numbers, in their own arithmetic."""
    if expr in scope:
        return scope[expr]
    if isinstance(expr, Rational):
        return number(Fraction(int(expr.p), int(expr.q)))
    parts = [_at(a, scope, number) for a in expr.args if isinstance(a, Expr)]
    if expr.is_Pow:
        exponent = int(expr.args[1])  # type: ignore[arg-type]
        return parts[0] ** exponent if exponent > 0 else number(1) / parts[0] ** -exponent
    result = parts[0]
    for part in parts[1:]:
        result = result + part if expr.is_Add else result * part
    return result


__all__ = ["Surface", "rational_form", "surface"]
