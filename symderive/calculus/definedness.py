"""Where an expression is defined: the requirements of its parts.

A rewrite that loses a requirement (cancelling x/x, log x - log x) has to state
it as a condition, unless the declared domains already grant it.
"""

from __future__ import annotations

from itertools import combinations

from sympy import Expr

from symderive.calculus.signs import sign_of
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.array_functions import array_function, gaps, product
from symderive.language.build import split_coefficient
from symderive.language.functions import needs
from symderive.language.nodes import ONE, ZERO, Basis, Delta, Differential, Map, Node, Number, Opaque, Sum
from symderive.language.statements import Relation, nonnegative, nonzero, positive

_GRANTED = {
    ">": {"+"},
    ">=": {"+", "0+", "0"},
    "!=": {"+", "-", "nonzero"},
}


def requirements(node: Node) -> tuple[Relation, ...]:
    """What must hold for every part of a node to be defined, less what domains grant."""
    found: dict[Relation, None] = {}
    stack, seen = [node], {node}
    while stack:
        current = stack.pop()
        if isinstance(current, Differential):
            continue
        if isinstance(current, Map):
            found.update(dict.fromkeys(_own(current)))
        if isinstance(current, Opaque):
            found.update(dict.fromkeys(existence(current)))
        for child in current.children:
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return tuple(r for r in found if not granted(r))


def _unscaled(node: Node) -> Node:
    """The node without a positive coefficient, which changes no sign."""
    coefficient, rest = split_coefficient(node)
    return rest if coefficient.is_positive and not isinstance(rest, Number) else node


def off_kink(gap: Node) -> Relation:
    """``gap != 0``, asked only where it can be: not of x_i - x_j at i = j, which is 0 whatever x is."""
    relation = nonzero(gap)
    node = relation.lhs
    if not isinstance(node, Sum):
        return relation
    for i, j in combinations(range(node.rank), 2):
        if node.shape[i] == node.shape[j] and isinstance(node, Sum) and _vanishes_where_equal(node, i, j):
            same = build.view(Delta(node.shape[i]), (i, j), node.shape)
            node = build.add([(ONE, node), (ONE, same)], node.shape)
    return Relation(node, relation.op, relation.rhs)


def _vanishes_where_equal(node: Sum, i: int, j: int) -> bool:
    """Whether terms cancel where two indices are equal."""
    labels = [i if axis == j else axis for axis in range(node.rank)]
    out = [axis for axis in range(node.rank) if axis != j]
    total: dict[Node, Expr] = {}
    for weight, term in node.terms:
        there = build.contract(ONE, [(term, labels)], out, dict(enumerate(node.shape)))
        total[there] = total.get(there, ZERO) + weight
    return all(weight == 0 for weight in total.values())


def _not_zero(node: Node) -> Relation:
    """``node != 0`` said of what it is a power of, and as ``> 0`` where it cannot be negative."""
    while isinstance(node, Map) and node.function == "power" and isinstance(node.arguments[1], Number):
        exponent = node.arguments[1].value
        if not exponent.is_number or not exponent.is_positive:
            break
        node = _unscaled(node.arguments[0])
        if not exponent.is_integer:
            return positive(node)
    return positive(node) if sign_of(node).nonnegative else nonzero(node)


def _own(node: Map) -> list[Relation]:
    first = _unscaled(node.arguments[0])
    if node.function == "power":
        exponent = node.arguments[1]
        if not isinstance(exponent, Number) or not exponent.value.is_number:
            return [positive(first)]
        value = exponent.value
        if value.is_integer:
            return [_not_zero(first)] if value.is_negative else []
        return [positive(first)] if value.is_negative else [nonnegative(first)]
    own = needs(node.function, node.arguments)
    return [Relation(need.node, need.op, Number(ZERO)) for need in own if need.guard is None]


def existence(node: Opaque) -> tuple[Relation, ...]:
    """What an array function needs of its argument to have a value."""
    return tuple(_of_array(array_function(node.function).requires, node.arguments[0]))


def smoothness(node: Opaque) -> tuple[Relation, ...]:
    """What an array function needs besides its value to have a derivative, less what domains grant."""
    relations = _of_array(array_function(node.function).kink, node.arguments[0])
    return tuple(r for r in relations if not granted(r))


def _of_array(what: str, x: Node) -> list[Relation]:
    """A property of an array as relations between numbers."""
    match what:
        case "":
            return []
        case "invertible":
            return [nonzero(build.opaque("det", x))]
        case "positive definite":
            values = build.opaque("eigvalsh", x)
            return [positive(product("i,i->", values, Basis(x.shape[-1], ZERO)))]
        case "one largest entry" | "one smallest entry":
            mask = build.opaque("is_max" if what == "one largest entry" else "is_min", x)
            return [Relation(product("i->", mask), "==", Number(ONE))]
        case "simple eigenvalues":
            return [nonzero(_apart(build.opaque("eigvalsh", x)))]
        case "simple singular values":
            values = build.opaque("svdvals", x)
            return [positive(values), nonzero(_apart(values))]
    raise UnsupportedError(f"no relation says {what!r}")


def _apart(values: Node) -> Node:
    """A product that is 0 exactly where two entries are equal."""
    return build.opaque("prod", build.opaque("prod", gaps(values)))


def granted(relation: Relation) -> bool:
    """Whether declared domains alone grant ``node op 0``."""
    if not (isinstance(relation.rhs, Number) and relation.rhs.value == 0):
        return False
    return str(sign_of(relation.lhs).value) in _GRANTED.get(relation.op, set())


def dropped(before: Node, after: Node) -> tuple[Relation, ...]:
    """The conditions under which replacing ``before`` by ``after`` keeps definedness."""
    if before is after:
        return ()
    kept = set(requirements(after))
    return tuple(r for r in requirements(before) if r not in kept)
