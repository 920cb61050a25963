"""Derivatives, integrals and sums over integers written out: each by a row's law, with what it rests on.

An `Opening` replaces one `Binding` by an equal expression without it.  A derivative is opened by the
function rows' own derivatives (the forward chain rule); where the function has a kink, the opening
holds off the kink only, and says so.  Integrals and sums are opened by `integrals` and `series`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import final

from symderive.calculus.integrals import integrate, variable_of
from symderive.calculus.kinks import remaining_kinks
from symderive.calculus.law_tables import Ends
from symderive.calculus.normal_form import directional, unmet
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.calculus.series import index_of, summed
from symderive.calculus.substitutions import pieces, substitutions
from symderive.calculus.terms import ZERO_NODE, Expansion, minus, plus, tidy, times, to_power, whole_number
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.bindings import opened, range_node, variables_of
from symderive.language.domains import nonzero, positive, real
from symderive.language.integers import is_integer
from symderive.language.nodes import ONE, Binding, Differential, Leaf, Map, Node, Number
from symderive.language.statements import Relation, names_in

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
    assuming: tuple[Relation, ...] = ()
    inner: tuple[Opening, ...] = ()
    """How what stands inside was opened first, where ``assuming`` holds; ``outer`` then is the binding."""
    outer: Node | None = None

    def unmet(self, given: Sequence[Relation]) -> tuple[Relation, ...]:
        """What of its conditions the domains and what is given do not grant.

        ``assuming`` is what bounds the bound variable, which only ``defined`` speaks of.
        """
        first = unmet((), self.conditions, given) if self.assuming else ()
        return (*first, *unmet(self.defined, () if self.assuming else self.conditions, (*given, *self.assuming)))


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
    (low,), (high,) = binding.low, binding.high
    shown = _Shown(tuple(given))
    name = _unused(binding, given)
    is_integral = binding.kind == "integral"
    ends = (low, high)
    leaf, assuming = variable_of(name, ends, shown) if is_integral else index_of(name, ends)
    inside = open_bindings(opened(binding, (leaf,)), (*given, *assuming))
    if has_binding(inside.node):
        raise UnsupportedError("; ".join(inside.reasons))
    within = _Shown((*given, *assuming))
    body = _with_squares(inside.node, leaf, within) if is_integral else inside.node
    defined = (body if is_integral else _without_factorials(body, leaf, high, within),)
    if is_integral:
        value, names, conditions = _integrated(body, leaf, ends, tuple(given))
    else:
        value, names, conditions = summed(body, leaf, ends, shown)
    rule = f"{binding.kind} by: {', '.join(names)}"
    inner = tuple(opening for _, _, opening in inside.lines)
    outer = range_node(binding.kind, inside.node, leaf, low, high) if inner else binding
    return Opening(
        binding, value, rule, (*conditions, *inside.unmet), defined, assuming, inner, outer
    )


class _Shown:
    """Whether ``node op 0`` is granted by domains and what is given."""

    def __init__(self, given: tuple[Relation, ...]) -> None:
        self.given = given
        self.known: dict[tuple[str, Node], bool] = {}

    def __call__(self, op: str, node: Node) -> bool:
        if (op, node) not in self.known:
            try:
                self.known[op, node] = not unmet((node,), (Relation(node, op, ZERO_NODE),), self.given)
            except (NotHandled, TooLarge, UnsupportedError):
                self.known[op, node] = False
        return self.known[op, node]


def _with_squares(body: Node, leaf: Leaf, shown: _Shown) -> Node:
    """Quadratics of which powers or logarithms are taken with their squares completed: that shows their signs."""
    expansion = Expansion(leaf, False, False, lambda op, node: False)
    found: dict[Node, Node] = {}
    for node in body.walk():
        if not isinstance(node, Map) or node.function not in ("power", "log") or leaf not in node.leaves():
            continue
        with suppress(NotHandled):
            constant, linear, square = expansion.quadratic(node.arguments[0])
            known = shown(">", node.arguments[0])
            if linear is not ZERO_NODE and isinstance(square, Number) and not known:
                half = build.scale(1 / (2 * square.value), linear)
                rest = minus(constant, times(square, half, half))
                found[node.arguments[0]] = plus(times(square, to_power(plus(leaf, half), 2)), rest)
    return build.substitute(body, found)


def _without_factorials(body: Node, leaf: Leaf, high: Node | None, shown: _Shown) -> Node:
    """A summand with numbers for what is defined because the index is an integer in its range.

    Positive numbers for Γ(high - k + c), c >= 1; numbers for integer powers of any base, where the
    exponent is shown to be >= 0 or the base not to be 0.
    """
    found: dict[Node, Node] = {}
    for node in body.walk():
        if not isinstance(node, Map) or leaf not in node.leaves():
            continue
        name = f"{leaf.name}·{len(found)}"
        if node.function == "gamma" and high is not None:
            left = build.add([(ONE, high), (-ONE, leaf)], ())
            gap = whole_number(tidy(build.add([(ONE, node.arguments[0]), (-ONE, left)], ())))
            if gap is not None and gap >= 1:
                found[node] = Leaf(name, (), positive)
        elif node.function == "power" and leaf not in node.arguments[0].leaves():
            base, exponent = node.arguments
            if is_integer(exponent) and (shown(">=", exponent) or shown("!=", base)):
                found[node] = Leaf(name, (), positive if shown(">", base) else nonzero if shown("!=", base) else real)
    return build.substitute(body, found)


def _unused(binding: Binding, given: Sequence[Relation]) -> str:
    """A name for the bound variable that no leaf has, nor one of which something is given; the same each time."""
    taken = names_in((binding,), given)
    return next(n for n in (f"{binding.names[0]}·{k}" for k in count()) if n not in taken)


def _integrated(
    body: Node, leaf: Leaf, ends: Ends, given: tuple[Relation, ...]
) -> tuple[Node, tuple[str, ...], tuple[Relation, ...]]:
    """The integral by laws: cut at kinks, and each part as it stands or in another variable."""
    shown = _Shown(given)
    values: list[Node] = []
    names: dict[str, None] = {}
    conditions: dict[Relation, None] = {}
    for part, variable, stretch in pieces(body, leaf, ends, shown, lambda e: variable_of(leaf.name, e, shown)[0]):
        value, laws, needed = _piece(part, variable, stretch, given)
        values.append(value)
        names.update(dict.fromkeys(laws))
        conditions.update(dict.fromkeys(needed))
    return plus(*values), tuple(names), tuple(conditions)


def _piece(
    body: Node, leaf: Leaf, ends: Ends, given: tuple[Relation, ...]
) -> tuple[Node, tuple[str, ...], tuple[Relation, ...]]:
    """One part by the first way that the laws go through."""
    shown = _Shown(given)

    def through(part: Node, variable: Leaf, stretch: Ends) -> tuple[Node, tuple[str, ...], tuple[Relation, ...]]:
        return integrate(part, variable, stretch, shown, _Shown((*given, *variable_of(leaf.name, stretch, shown)[1])))

    try:
        return through(body, leaf, ends)
    except NotHandled as problem:
        first = problem
    ways = substitutions(body, leaf, ends, shown, lambda e: variable_of(leaf.name, e, shown)[0])
    for name, changed in ways:
        try:
            value, names, conditions = through(*changed)
        except NotHandled:
            continue
        if not any(leaf.name == other.name for c in conditions for other in c.lhs.leaves()):
            return value, (name, *names), conditions
    raise first


def _derivative(binding: Binding, given: Sequence[Relation]) -> Opening:
    """The derivative by the function rows, at the binding's point."""
    point = tuple(end for end in binding.low if end is not None)
    variables = tuple(map(_around, variables_of(binding), point))
    moved = {p: v for p, v in zip(point, variables, strict=True) if isinstance(p, Leaf)}
    nearby = tuple(
        Relation(build.substitute(r.lhs, moved), r.op, build.substitute(r.rhs, moved))
        for r in given
        if r.op in ("<", ">", "!=")
    )
    inside = open_bindings(opened(binding, variables), (*given, *nearby))
    if has_binding(inside.node):
        raise UnsupportedError("; ".join(inside.reasons) or "the derivative of what no law opens")
    value, kinks = partial_derivative(inside.node, variables, binding.orders)
    if len(variables) == 1 and kinks and not inside.unmet:
        kinks = remaining_kinks(inside.node, value, variables[0], binding.orders[0], kinks, _Shown(tuple(given)))
    where = dict(zip(variables, point, strict=True))
    conditions = tuple(
        Relation(build.substitute(r.lhs, where), r.op, build.substitute(r.rhs, where)) for r in (*kinks, *inside.unmet)
    )
    after = build.substitute(value, where)
    return Opening(binding, after, DERIVATIVE, conditions, (build.substitute(inside.node, where),))


def _around(variable: Leaf, point: Node) -> Leaf:
    """A variable that runs over a neighbourhood of the point, in the domain of a leaf at which that is open."""
    if isinstance(point, Leaf) and not point.domain.structures and not point.domain.entries.integer:
        entries = point.domain.entries
        if entries.low_open and entries.high_open and not entries.values:
            return Leaf(variable.name, (), point.domain)
    return variable


def partial_derivative(
    node: Node, variables: Sequence[Leaf], orders: Sequence[int]
) -> tuple[Node, tuple[Relation, ...]]:
    """∂^orders of a scalar node, and where it has no kink (relations that have to hold)."""
    kinks: dict[Relation, None] = {}
    for variable, order in zip(variables, orders, strict=True):
        for _ in range(order):
            changed, found = directional(node, variable)
            kinks.update(dict.fromkeys(found))
            node = build.substitute(changed, {Differential(variable): Number(ONE)})
    return node, tuple(kinks)


__all__ = ["DERIVATIVE", "Opened", "Opening", "has_binding", "open_bindings", "open_one", "partial_derivative"]
