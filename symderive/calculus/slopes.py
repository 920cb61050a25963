"""Equality by slopes: two functions with one derivative on an interval that agree at one point are equal.

The mean value theorem, for one scalar that ranges over an interval whatever the others are:
``arctan(x) + arctan(1/x) == π/2`` for x > 0, since both derivatives are 0 and both sides are π/2 at 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Integer, Rational

from symderive.calculus.normal_form import decide_equal
from symderive.language import build
from symderive.language.nodes import Binding, Differential, Leaf, Node, Number
from symderive.language.statements import Relation

_ANCHORS = (Integer(0), Integer(1), Rational(1, 2), Integer(-1), Integer(2), Rational(-1, 2), Rational(3, 2))


def anchor(lhs: Node, rhs: Node, given: tuple[Relation, ...] = ()) -> tuple[Leaf, Number] | None:
    """A scalar and a value of it by which the two sides are shown equal; None where there is none.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x", domain=sd.positive)
    >>> leaf, at = anchor((np.arctan(x) + np.arctan(1 / x)).node, sd.read("pi/2").node)
    >>> leaf.name, at.value
    ('x', 1)
    """
    for leaf in dict.fromkeys((*lhs.leaves(), *rhs.leaves())):
        if _connected(leaf, given) or not _same_slope(lhs, rhs, leaf, given):
            continue
        for value in _values(leaf):
            if not _same_value(lhs, rhs, leaf, value, given):
                return leaf, value
    return None


def problem(lhs: Node, rhs: Node, leaf: Leaf, value: Number, given: tuple[Relation, ...] = ()) -> str:
    """Why the two sides are not shown equal by their slopes along a scalar and a value of it; empty if they are."""
    found = _connected(leaf, given)
    if found:
        return found
    if not leaf.domain.entries.contains(value.value):
        return f"{value.value} is no value of {leaf.name}"
    if not _same_slope(lhs, rhs, leaf, given):
        return f"the derivatives by {leaf.name} are not shown to be equal everywhere"
    return _same_value(lhs, rhs, leaf, value, given)


def _connected(leaf: Leaf, given: tuple[Relation, ...]) -> str:
    """Why a leaf does not range over an interval whatever the others are; empty if it does."""
    entries = leaf.domain.entries
    if leaf.shape or leaf.domain.structures:
        return f"{leaf.name} is no scalar"
    if entries.integer or entries.values is not None or entries.symbols:
        return f"{leaf.name} does not range over an interval"
    if entries.nonzero and not (entries.is_nonnegative or entries.is_nonpositive):
        return f"{leaf.name} does not range over an interval"
    if any(leaf in side.leaves() for relation in given for side in (relation.lhs, relation.rhs)):
        return f"what is given speaks of {leaf.name}"
    return ""


def _same_slope(lhs: Node, rhs: Node, leaf: Leaf, given: tuple[Relation, ...]) -> bool:
    """Whether both sides are differentiable on the whole interval, with equal derivatives."""
    if any(isinstance(n, Differential | Binding) for side in (lhs, rhs) for n in side.walk()):
        return False
    answer = decide_equal(Differential(lhs), Differential(rhs), given, frozenset({leaf}))
    return bool(answer.equal) and not answer.conditions


def _same_value(lhs: Node, rhs: Node, leaf: Leaf, value: Number, given: tuple[Relation, ...]) -> str:
    """Why the two sides are not shown equal at a value of a scalar; empty if they are."""
    at = {leaf: value}
    answer = decide_equal(build.substitute(lhs, at), build.substitute(rhs, at), given)
    if not answer.equal or answer.conditions:
        return f"the two sides are not shown to be equal at {leaf.name} = {value.value}"
    return ""


def _values(leaf: Leaf) -> Iterator[Number]:
    entries = leaf.domain.entries
    ends = [v for v in (entries.low, entries.high) if v.is_finite]
    middle = [sum(ends, Integer(0)) / 2] if len(ends) == 2 else [v + s for v in ends for s in (1, -1)]
    for value in dict.fromkeys((*_ANCHORS, *ends, *middle)):
        if entries.contains(value):
            yield Number(value)


__all__ = ["anchor", "problem"]
