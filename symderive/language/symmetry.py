"""Which matrices are symmetric or triangular by how they are declared and built.

A syntactic question with a certain answer: True is a fact for every point of the
declared domains, False says only that it does not show.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

from symderive.language.nodes import ONE, Contraction, Delta, Leaf, Map, Named, Node, Opaque, Sum


def is_symmetric(node: Node, blocked: frozenset[Leaf] = frozenset()) -> bool:
    """Whether a matrix is symmetric by how it is declared and built; ``blocked`` declarations do not count.

    >>> import symderive as sd
    >>> X = sd.array("X", "n", "d")
    >>> is_symmetric((X.T @ X + sd.eye("d")).node), is_symmetric(sd.array("A", "d", "d").node)
    (True, False)
    """
    match node:
        case Leaf():
            return node.domain.has("symmetric") and node not in blocked
        case Named():
            return is_symmetric(node.body, blocked)
        case Delta():
            return True
        case Opaque(function="inv"):
            return is_symmetric(node.arguments[0], blocked)
        case Sum():
            return Counter((c, _form(n, False, blocked)) for c, n in node.terms) == Counter(
                (c, _form(n, True, blocked)) for c, n in node.terms
            )
        case Map() if node.function != "where":
            return all(not a.shape or is_symmetric(a, blocked) for a in node.arguments)
        case Contraction():
            return _form(node, False, blocked) == _form(node, True, blocked)
    return False


def _form(node: Node, turned: bool, blocked: frozenset[Leaf]) -> Any:
    """What a matrix is, or its transpose: factors in no order, bound labels without names.

    Nodes that are equal by form are one object, so their identity stands for them.
    """
    if isinstance(node, Contraction):
        coefficient, factors, dims, rank = node.coefficient, node.factors, node.label_dims, node.out_rank
    else:
        coefficient, factors, dims, rank = ONE, ((node, tuple(range(node.rank))),), node.shape, node.rank
    bound = range(rank, len(dims))
    if len(bound) > _BOUND_CAP:
        return node, turned
    swap = {rank - 1: rank - 2, rank - 2: rank - 1} if turned else {}
    best: Any = None
    for order in permutations(bound):
        rename = {k: swap.get(k, k) for k in range(rank)} | dict(zip(bound, order, strict=True))
        form = sorted((id(f), _own_order(f, [rename[x] for x in ls], blocked)) for f, ls in factors)
        sizes = tuple(sorted((v, str(dims[k])) for k, v in rename.items()))
        candidate = (form, sizes)
        if best is None or candidate < best:
            best = candidate
    return coefficient, tuple(best[0]), best[1]


_BOUND_CAP = 5


def _own_order(factor: Node, labels: list[int], blocked: frozenset[Leaf]) -> tuple[int, ...]:
    return tuple(sorted(labels)) if factor.rank == 2 and is_symmetric(factor, blocked) else tuple(labels)


def is_lower(node: Node) -> bool:
    """Whether a matrix is lower triangular by how it is declared and built."""
    if isinstance(node, Named):
        return is_lower(node.body)
    if isinstance(node, Leaf):
        return node.domain.has("lower_triangular") or node.domain.has("diagonal")
    if isinstance(node, Opaque):
        return node.function == "cholesky" or (node.function == "inv" and is_lower(node.arguments[0]))
    return isinstance(node, Delta)
