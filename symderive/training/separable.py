"""Losses that are sums over samples, recognised symbolically: what minibatches rest on.

A loss is Σ_terms; a term is a *sample term* if it is a sum over the sample dimension whose inside
looks at one sample at a time, and a *penalty* if it does not see the sample dimension at all.  On a
batch of B of the N samples, N/B times the sample terms plus the penalties is an unbiased estimate
of the loss, and its gradient of the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.arrays import Array, dimension_symbol
from symderive.language.nodes import (
    Basis,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Merge,
    Node,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)

__all__ = ["SampleSum", "sample_sum"]


@dataclass(frozen=True)
class SampleSum:
    """A loss as a sum over samples.

    ``batch_loss`` is the estimate of the loss on a batch: ``dimension`` is then the batch's size,
    ``total`` (a dimension that is an input) the number of all samples.  ``axes`` says which axis
    of which array runs over the samples.
    """

    dimension: Symbol
    total: Symbol
    batch_loss: Array
    axes: dict[str, int]


def sample_sum(loss: Array, variables: tuple[Leaf, ...]) -> SampleSum:
    """Recognise the sample dimension and the sum over it.

    Raises
    ------
    UnsupportedError
        No dimension of the data fits; the message says what stood in the way.
    """
    node = build.without_names(loss.node)
    leaves = node.leaves()
    own = {s for leaf in variables for dim in leaf.shape for s in dim.free_symbols}
    candidates = [
        dim
        for leaf in leaves
        if leaf not in variables
        for dim in leaf.shape
        if isinstance(dim, Symbol) and dim not in own
    ]
    reasons: list[str] = []
    for dim in dict.fromkeys(candidates):
        names = {str(s) for leaf in leaves for size in leaf.shape for s in size.free_symbols}
        names |= {leaf.name for leaf in leaves}
        name = f"{dim}_total"
        while name in names:
            name += "_"
        total = dimension_symbol(name)
        problem, batch = _batch(node, dim, total)
        if batch is not None:
            axes = {leaf.name: leaf.shape.index(dim) for leaf in leaves if dim in leaf.shape}
            return SampleSum(dim, total, Array(batch), axes)
        reasons.append(f"{dim}: {problem}")
    raise UnsupportedError(
        "minibatches need a loss that is a sum or mean over the samples, one dimension of the data; "
        + ("; ".join(reasons) if reasons else "no dimension belongs to the data alone")
    )


def _batch(node: Node, dim: Symbol, total: Symbol) -> tuple[str, Node | None]:
    terms = node.terms if isinstance(node, Sum) else ((build.ONE, node),)
    out: list[tuple[Expr, Node]] = []
    seen = False
    for weight, term in terms:
        weight = weight.subs(dim, total)
        if not _sees(term, dim):
            out.append((weight, _renumbered(term, dim, total)))
            continue
        if not isinstance(term, Contraction):
            return f"{Array(term)} is not a sum over {dim}", None
        bound = [b for b in term.bound if term.label_dims[b] == dim]
        if len(bound) != 1:
            return f"{Array(term)} has {len(bound)} sums over {dim}, not one", None
        for factor, labels in term.factors:
            problem = _problem(factor, dim)
            if problem:
                return problem, None
            axes = [x for x, size in zip(labels, factor.shape, strict=True) if size == dim]
            if axes not in ([], bound):
                return f"{Array(factor)} runs over {dim} twice", None
        seen = True
        new = _renumbered(term, dim, total)
        assert isinstance(new, Contraction)
        out.append((weight * total / dim, new))
    if not seen:
        return "nothing is summed over it", None
    return "", build.add(out, ())


def _sees(node: Node, dim: Symbol) -> bool:
    """Whether arrays over the dimension, or sums over it, occur (numbers such as 1/n do not count)."""
    for inner in node.walk():
        if dim in inner.shape:
            return True
        if isinstance(inner, Contraction) and any(inner.label_dims[b] == dim for b in inner.bound):
            return True
    return False


def _problem(node: Node, dim: Symbol) -> str:
    """Why the node mixes samples, or nothing."""
    for inner in node.walk():
        if any(dim in size.free_symbols and size != dim for size in inner.shape):
            return f"{Array(inner)} has a dimension made from {dim}"
        if inner.shape.count(dim) > 1:
            return f"{Array(inner)} has {dim} as two of its dimensions"
        match inner:
            case Delta() | Basis() | Range() | Slice() | Merge() if dim in inner.shape:
                return f"{Array(inner)} depends on a sample's place"
            case Opaque() if dim in inner.arguments[0].shape[len(inner.batch) :]:
                return f"{Array(inner)} mixes the samples"
            case Contraction():
                if any(inner.label_dims[b] == dim for b in inner.bound):
                    return f"{Array(inner)} sums over the samples inside another function"
            case Differential():
                return f"{Array(inner)} has a free direction"
            case _:
                pass
    return ""


def _renumbered(node: Node, dim: Symbol, total: Symbol) -> Node:
    """The node with the number n in it meaning all samples, its shapes those of a batch."""
    done: dict[Node, Node] = {}
    for current in node.walk():
        children = [done[c] for c in current.children]
        new: Node
        match current:
            case Number():
                new = Number(current.value.subs(dim, total))
            case Sum():
                terms = [(w.subs(dim, total), c) for (w, _), c in zip(current.terms, children, strict=True)]
                new = build.add(terms, current.shape)
            case Contraction():
                factors = [(c, labels) for c, (_, labels) in zip(children, current.factors, strict=True)]
                coefficient = current.coefficient.subs(dim, total)
                dims = dict(enumerate(current.label_dims))
                new = build.contract(coefficient, factors, range(current.out_rank), dims)
            case _:
                new = build.rebuild(current, children)
        done[current] = new
    return done[node]
