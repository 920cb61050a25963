"""Given equations between scalars, solved for one scalar each, as substitutions that lose nothing.

``a + b + c + d == 1`` gives ``d = 1 - a - b - c``; with it ``a*d == b*c`` gives ``b = a(1 - a - c)/(a + c)``,
since a + c > 0.  An equation is solved only where it is linear with a coefficient shown not to be 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Dummy, Expr, Poly, Rational, factor, fraction, together

from symderive.calculus.signs import sign_of
from symderive.judgement.surfaces import rational_form
from symderive.language import build
from symderive.language.nodes import ONE, ZERO, Leaf, Node, Number, Sum
from symderive.language.statements import Relation


@dataclass(frozen=True)
class Elimination:
    """``leaf == value`` by an equation that is given; ``slope`` is what was divided by, and is not 0."""

    leaf: Leaf
    value: Node
    slope: Node
    relation: Relation


def eliminations(given: Sequence[Relation], present: Sequence[Leaf]) -> list[Elimination]:
    """What the equations of ``given`` say of scalars, each value in terms of scalars that no other gives.

    >>> import symderive as sd
    >>> from symderive.language.statements import Relation
    >>> a, b = (sd.array(name, domain=sd.positive) for name in "ab")
    >>> found = eliminations([Relation((a * b + a).node, "==", (3 * b).node)], (a.node, b.node))
    >>> found[0].leaf.name, str(sd.Array(found[0].value))
    ('a', '3 * b / (1 + b)')
    """
    leaves = dict.fromkeys(leaf for r in given for side in (r.lhs, r.rhs) for leaf in side.leaves())
    symbols = {leaf: Dummy(leaf.name) for leaf in leaves if not leaf.shape and leaf in present}
    back = {s: leaf for leaf, s in symbols.items()}
    found: dict[Dummy, tuple[Expr, Expr, Relation]] = {}
    for relation in given:
        if relation.op != "==" or relation.lhs.shape or relation.rhs.shape:
            continue
        left, right = rational_form(relation.lhs, symbols), rational_form(relation.rhs, symbols)
        if left is None or right is None:
            continue
        known = {s: value for s, (value, _, _) in found.items()}
        numerator = fraction(together((left - right).xreplace(known)))[0].expand()
        solved = _solved(numerator, back, tuple(given))
        if solved is None:
            continue
        s, value, slope = solved
        found = {t: (factor(v.xreplace({s: value})), k, r) for t, (v, k, r) in found.items()}
        found[s] = (factor(value), slope, relation)
    return [
        Elimination(back[s], _node_of(value, back), _node_of(slope, back), relation)
        for s, (value, slope, relation) in found.items()
    ]


def _solved(
    numerator: Expr, back: Mapping[Dummy, Leaf], given: tuple[Relation, ...]
) -> tuple[Dummy, Expr, Expr] | None:
    """The scalar, its value and the coefficient divided by, where ``numerator == 0`` gives a scalar."""
    options: list[tuple[int, int, Dummy, Expr, Expr]] = []
    for place, s in enumerate(back):
        if s not in numerator.free_symbols:
            continue
        coefficients = Poly(numerator, s).all_coeffs()
        if len(coefficients) == 2:
            options.append((len(coefficients[0].free_symbols), -place, s, *coefficients))
    for _, _, s, slope, rest in sorted(options, key=lambda o: o[:2]):
        if sign_of(_node_of(slope, back), given).value in ("+", "-", "nonzero"):
            return s, -rest / slope, slope
    return None


def _node_of(expr: Expr, back: Mapping[Dummy, Leaf]) -> Node:
    """A rational function of symbols as a node."""
    if isinstance(expr, Dummy):
        return back[expr]
    if isinstance(expr, Rational):
        return Number(expr)
    parts = [_node_of(a, back) for a in expr.args if isinstance(a, Expr)]
    if expr.is_Add:
        return build.add([(ONE, part) for part in parts], ())
    if expr.is_Pow:
        return build.power(parts[0], expr.args[1])  # type: ignore[arg-type]
    result = parts[0]
    for part in parts[1:]:
        result = build.multiply(result, part)
    return result


def substituted(
    lhs: Node, rhs: Node, given: tuple[Relation, ...]
) -> tuple[Node, Node, tuple[Relation, ...]] | None:
    """Both sides and what is given without the scalars that equations give; None where none is given.

    What the domains of those scalars say, and the signs of the sums that they stand in, is given instead.
    """
    present = dict.fromkeys((*lhs.leaves(), *rhs.leaves()))
    found = eliminations(given, list(present))
    if not found:
        return None
    values: dict[Node, Node] = {e.leaf: e.value for e in found}
    facts: dict[Relation, None] = {}
    for e in found:
        entries = e.leaf.domain.entries
        for end, strict, op in ((entries.low, entries.low_open, ">"), (entries.high, entries.high_open, "<")):
            if end.is_finite and not end.free_symbols:
                facts[Relation(e.value, op if strict else f"{op}=", Number(end))] = None
    sums = [n for side in (lhs, rhs) for n in side.walk() if isinstance(n, Sum) and not n.shape]
    for node in (*sums, *(e.slope for e in found)):
        op = {"+": ">", "0+": ">=", "-": "<", "0-": "<=", "nonzero": "!="}.get(sign_of(node, given).value)
        if op is not None:
            facts[Relation(build.substitute(node, values), op, Number(ZERO))] = None
    solved = [e.relation for e in found]
    kept = [
        Relation(build.substitute(r.lhs, values), r.op, build.substitute(r.rhs, values))
        for r in given
        if r not in solved
    ]
    return build.substitute(lhs, values), build.substitute(rhs, values), (*kept, *facts)


__all__ = ["Elimination", "eliminations", "substituted"]
