"""Derivatives, integrals and sums over integers written out: each by a row's law, with what it rests on.

An `Opening` replaces one `Binding` by an equal expression without it.  A derivative is opened by the
function rows' own derivatives (the forward chain rule); where the function has a kink, the opening
holds off the kink only, and says so.  Integrals and sums are opened by `closed_forms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from symderive.calculus.normal_form import directional, unmet
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.bindings import opened, variables_of
from symderive.language.nodes import ONE as ONE_NUMBER
from symderive.language.nodes import Binding, Differential, Leaf, Node, Number
from symderive.language.statements import Relation

DERIVATIVE = "derivative by the rules"


@final
@dataclass(frozen=True)
class Opening:
    """``before`` is ``after`` by ``rule``, wherever ``defined`` has values and ``conditions`` hold."""

    before: Binding
    after: Node
    rule: str
    conditions: tuple[Relation, ...] = ()
    defined: tuple[Node, ...] = ()

    def unmet(self, given: Sequence[Relation]) -> tuple[Relation, ...]:
        """What of its conditions the domains and what is given do not grant."""
        return unmet(self.defined, self.conditions, given)


@final
@dataclass(frozen=True)
class Opened:
    """A node without the bindings that could be opened, and how: lines ``(before, after, opening)``."""

    node: Node
    lines: tuple[tuple[Node, Node, Opening], ...] = ()
    unmet: tuple[Relation, ...] = ()
    reasons: tuple[str, ...] = field(default=())


def has_binding(*nodes: Node) -> bool:
    """Whether a derivative, integral or sum over integers occurs."""
    return any(isinstance(n, Binding) for node in nodes for n in node.walk())


def open_bindings(node: Node, given: Sequence[Relation] = ()) -> Opened:
    """Open every binding that a law opens, the inner ones first.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> from symderive.language.arrays import Array
    >>> print(Array(open_bindings(sd.derivative(x**3, x).node).node))
    3 * x**2
    """
    lines: list[tuple[Node, Node, Opening]] = []
    lacking: dict[Relation, None] = {}
    reasons: dict[str, None] = {}
    stuck: set[Node] = set()
    current = node
    while True:
        waiting = [n for n in current.walk() if isinstance(n, Binding) and n not in stuck]
        if not waiting:
            return Opened(current, tuple(lines), tuple(lacking), tuple(reasons))
        binding = waiting[0]
        try:
            opening = open_one(binding, given)
            missing = opening.unmet(given)
        except (UnsupportedError, NotHandled, TooLarge) as problem:
            stuck.add(binding)
            reasons[str(problem)] = None
            continue
        after = build.substitute(current, {binding: opening.after})
        lacking.update(dict.fromkeys(missing))
        lines.append((current, after, opening))
        current = after


def open_one(binding: Binding, given: Sequence[Relation] = ()) -> Opening:
    """The opening of one binding; raises `UnsupportedError` where no law opens it."""
    if binding.kind == "derivative":
        return _derivative(binding, given)
    raise UnsupportedError(f"no law for this {binding.kind}")


def _derivative(binding: Binding, given: Sequence[Relation]) -> Opening:
    """The derivative by the function rows, at the binding's point."""
    variables = variables_of(binding)
    inside = open_bindings(opened(binding, variables), given)
    if has_binding(inside.node):
        raise UnsupportedError("; ".join(inside.reasons) or "the derivative of what no law opens")
    value, kinks = partial_derivative(inside.node, variables, binding.orders)
    point = tuple(end for end in binding.low if end is not None)
    where = dict(zip(variables, point, strict=True))
    conditions = tuple(
        Relation(build.substitute(r.lhs, where), r.op, build.substitute(r.rhs, where)) for r in (*kinks, *inside.unmet)
    )
    after = build.substitute(value, where)
    return Opening(binding, after, DERIVATIVE, conditions, (build.substitute(inside.node, where),))


def partial_derivative(
    node: Node, variables: Sequence[Leaf], orders: Sequence[int]
) -> tuple[Node, tuple[Relation, ...]]:
    """∂^orders of a scalar node, and where it has no kink (relations that have to hold)."""
    kinks: dict[Relation, None] = {}
    for variable, order in zip(variables, orders, strict=True):
        for _ in range(order):
            changed, found = directional(node, variable)
            kinks.update(dict.fromkeys(found))
            node = build.substitute(changed, {Differential(variable): Number(ONE_NUMBER)})
    return node, tuple(kinks)


__all__ = ["DERIVATIVE", "Opened", "Opening", "has_binding", "open_bindings", "open_one", "partial_derivative"]
