"""Which matrices are symmetric, triangular or one-hot by how they are declared and built.

A syntactic question with a certain answer: True is a fact for every point of the
declared domains, False says only that it does not show.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

from symderive.language.nodes import ONE, Contraction, Delta, Leaf, Map, Named, Node, Number, Opaque, Range, Sum


def is_symmetric(node: Node, blocked: frozenset[Leaf] = frozenset()) -> bool:
    """Whether a matrix is symmetric by how it is declared and built; ``blocked`` declarations do not count.

    Of a batch of matrices the last two axes are meant.

    >>> import symderive as sd
    >>> X = sd.array("X", "n", "d")
    >>> is_symmetric((X.T @ X + sd.eye("d")).node), is_symmetric(sd.array("A", "d", "d").node)
    (True, False)
    """
    rank = node.rank
    if rank < 2 or node.shape[-1] != node.shape[-2]:
        return False
    return parity(node, (rank - 2, rank - 1), blocked) == 1


def parity(node: Node, axes: tuple[int, int], blocked: frozenset[Leaf] = frozenset()) -> int:
    """1 where swapping two axes changes nothing, -1 where it changes the sign, 0 where neither shows."""
    if node.shape[axes[0]] != node.shape[axes[1]]:
        return 0
    match node:
        case Leaf():
            own = node.rank == 2 and node.domain.has("symmetric") and node not in blocked
            return 1 if own else 0
        case Named():
            return parity(node.body, axes, blocked)
        case Delta():
            return 1
        case Opaque(function="inv") if set(axes) == {node.rank - 2, node.rank - 1}:
            return parity(node.arguments[0], axes, blocked)
        case Sum():
            terms = Counter((c * sign, form) for c, n in node.terms for sign, form in (_form(n, None, blocked),))
            turned = Counter((c * sign, form) for c, n in node.terms for sign, form in (_form(n, axes, blocked),))
            if terms == turned:
                return 1
            return -1 if terms == Counter({(-c, form): k for (c, form), k in turned.items()}) else 0
        case Map():
            inner = [parity(a, axes, blocked) if a.shape else 1 for a in node.arguments]
            if all(p == 1 for p in inner):
                return 1
            exponent = node.arguments[-1]
            even = node.function == "power" and isinstance(exponent, Number) and exponent.value.is_even
            return 1 if inner[0] == -1 and (even or node.function == "abs") else 0
        case Contraction():
            (sign, form), (turned_sign, turned_form) = _form(node, None, blocked), _form(node, axes, blocked)
            if form != turned_form:
                return 0
            return 1 if sign == turned_sign else -1
    return 0


def _form(node: Node, axes: tuple[int, int] | None, blocked: frozenset[Leaf]) -> tuple[int, Any]:
    """A sign and what a node is, its axes swapped or not: factors in no order, bound labels without names.

    Nodes that are equal by form are one object, so their identity stands for them.
    """
    if isinstance(node, Contraction):
        coefficient, rank = node.coefficient, node.out_rank
        factors, sizes = list(node.factors), list(node.label_dims)
    else:
        coefficient, rank = ONE, node.rank
        factors, sizes = [(node, tuple(range(node.rank)))], list(node.shape)
    bound = range(rank, len(sizes))
    if len(bound) > _BOUND_CAP:
        return 1, (id(node), axes)
    swap = dict(zip(axes, reversed(axes), strict=True)) if axes else {}
    best: Any = None
    for order in permutations(bound):
        rename = {k: swap.get(k, k) for k in range(rank)} | dict(zip(bound, order, strict=True))
        tied = {max(ls): min(ls) for ls in ([rename[x] for x in ls] for f, ls in factors if isinstance(f, Delta))}
        sign = 1
        parts = []
        for f, ls in factors:
            labels = [rename[x] for x in ls]
            if not isinstance(f, Delta):
                labels = [tied.get(x, x) for x in labels]
            own, labels = _own_order(f, labels, blocked)
            sign *= own
            parts.append((id(f), labels))
        candidate = (sorted(parts), sorted((v, str(sizes[k])) for k, v in rename.items()), -sign)
        if best is None or candidate < best:
            best = candidate
    return -best[2], (coefficient, tuple(best[0]), tuple(best[1]))


_BOUND_CAP = 5


def _own_order(factor: Node, labels: list[int], blocked: frozenset[Leaf]) -> tuple[int, tuple[int, ...]]:
    """A factor's labels in ascending order as far as its own symmetries allow, and the sign that it costs."""
    sign = 1
    for a in range(len(labels)):
        for b in range(a + 1, len(labels)):
            if labels[a] > labels[b] and (p := parity(factor, (a, b), blocked)):
                labels[a], labels[b] = labels[b], labels[a]
                sign *= p
    return sign, tuple(labels)


def one_hot_of(node: Node) -> tuple[Leaf, tuple[int, ...], int] | None:
    """``(y, axes, place)`` where a mask is [y = 0, 1, ..., k - 1]: one 1 along its axis ``place``.

    The entries of y lie in 0, ..., k - 1 by declaration; y lies along ``axes``.
    """
    if not (isinstance(node, Map) and node.function == "eq" and node.rank >= 1):
        return None
    for index, places in (node.arguments, node.arguments[::-1]):
        (leaf, axes), (counted, where) = _laid(index), _laid(places)
        if not isinstance(leaf, Leaf) or not isinstance(counted, Range) or len(where) != 1 or where[0] in axes:
            continue
        entries = leaf.domain.entries
        ends = entries.values or (entries.low, entries.high)
        inside = all((e.is_nonnegative and (counted.dim - 1 - e).is_nonnegative) for e in ends)
        if entries.integer and inside and len(axes) + 1 == node.rank:
            return leaf, axes, where[0]
    return None


def _laid(node: Node) -> tuple[Node, tuple[int, ...]]:
    """A node behind its view, and the axes that it lies along."""
    if isinstance(node, Contraction) and node.coefficient == 1 and len(node.factors) == 1 and not node.bound:
        return node.factors[0]
    return node, tuple(range(node.rank))


def is_lower(node: Node) -> bool:
    """Whether a matrix is lower triangular by how it is declared and built."""
    if isinstance(node, Named):
        return is_lower(node.body)
    if isinstance(node, Leaf):
        return node.domain.has("lower_triangular") or node.domain.has("diagonal")
    if isinstance(node, Opaque):
        return node.function == "cholesky" or (node.function == "inv" and is_lower(node.arguments[0]))
    return isinstance(node, Delta)
