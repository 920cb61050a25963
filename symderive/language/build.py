"""Makers of nodes: faithful, they never simplify away a condition.

``x / x`` stays a product of ``x`` and ``x**-1`` here; cancelling is a rule of
``calculus`` that has to say what it drops.  What is done here changes neither
value nor definedness: products of products are one contraction, sums of sums
one sum, a view of a view one view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr, Rational, sympify

from symderive.errors import ShapeError
from symderive.language.nodes import (
    ONE,
    ZERO,
    Binding,
    Contraction,
    Delta,
    Factor,
    Labels,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Shape,
    Sum,
    Term,
)


def number(value: Expr | int | Rational) -> Number:
    """A scalar constant."""
    return Number(sympify(value))


def contract(
    coefficient: Expr | int,
    factors: Iterable[tuple[Node, Sequence[int]]],
    out: Sequence[int],
    dims: Mapping[int, Expr],
) -> Node:
    """``coefficient · Σ Π factors`` with any integer labels.

    ``dims`` gives the dimension of *every* label in play: labels of ``dims``
    that are not in ``out`` are bound, even where no factor carries them.
    Contractions among the factors are taken in; numbers join the coefficient;
    a weighted sum of one term gives its weight.
    """
    coefficient = sympify(coefficient)
    sizes = dict(dims)
    fresh = max(sizes, default=-1) + 1
    flat: list[tuple[Node, Labels]] = []
    stack = [(node, tuple(labels)) for node, labels in factors][::-1]
    while stack:
        node, labels = stack.pop()
        if isinstance(node, Number):
            coefficient = coefficient * node.value
        elif isinstance(node, Sum) and len(node.terms) == 1:
            coefficient = coefficient * node.terms[0][0]
            stack.append((node.terms[0][1], labels))
        elif isinstance(node, Contraction):
            coefficient = coefficient * node.coefficient
            rename = dict(enumerate(labels))
            for b in node.bound:
                rename[b] = fresh
                sizes[fresh] = node.label_dims[b]
                fresh += 1
            stack.extend((f, tuple(rename[i] for i in fl)) for f, fl in reversed(node.factors))
        else:
            flat.append((node, labels))
    return _canonical(coefficient, flat, tuple(out), sizes)


def _canonical(
    coefficient: Expr, factors: list[tuple[Node, Labels]], out: Labels, dims: Mapping[int, Expr]
) -> Node:
    order: dict[int, int] = {}
    for label in out:
        if label in order:
            raise ValueError("an output label may appear once; use Delta for a diagonal")
        order[label] = len(order)
    for _, labels in factors:
        for label in labels:
            if label not in order:
                order[label] = len(order)
    for label in dims:
        if label not in order:
            order[label] = len(order)
    new = tuple((node, tuple(order[i] for i in labels)) for node, labels in factors)
    sizes: list[Expr] = [ONE] * len(order)
    for label, position in order.items():
        sizes[position] = dims[label]
    rank = len(out)
    if coefficient == 1 and len(new) == 1 and new[0][1] == tuple(range(len(sizes))) and rank == len(sizes):
        return new[0][0]
    if not new and not sizes:
        return Number(coefficient)
    return Contraction(coefficient, new, rank, tuple(sizes))


def view(node: Node, labels: Sequence[int], shape: Shape) -> Node:
    """Lay ``node``'s axes on the given output axes of ``shape``; other axes broadcast."""
    if tuple(labels) == tuple(range(len(shape))):
        return node
    return contract(ONE, [(node, labels)], range(len(shape)), dict(enumerate(shape)))


def broadcast(node: Node, shape: Shape) -> Node:
    """A scalar spread over a shape; a node of that shape as it is."""
    if node.shape == shape:
        return node
    if node.shape:
        raise ShapeError(f"cannot spread an array of shape {node.shape} over {shape}")
    return view(node, (), shape)


def scale(coefficient: Expr | int, node: Node) -> Node:
    """``coefficient · node``."""
    coefficient = sympify(coefficient)
    if coefficient == 1:
        return node
    return contract(coefficient, [(node, range(node.rank))], range(node.rank), dict(enumerate(node.shape)))


def zeros(shape: Shape) -> Node:
    """The zero array of a shape."""
    return contract(ZERO, [], range(len(shape)), dict(enumerate(shape)))


def ones(shape: Shape) -> Node:
    """The array of ones of a shape."""
    return contract(ONE, [], range(len(shape)), dict(enumerate(shape)))


def is_zero(node: Node) -> bool:
    """Whether the node is the literal zero array."""
    if isinstance(node, Number):
        return node.value == 0
    return isinstance(node, Contraction) and node.coefficient == 0 and not node.factors


def split_coefficient(node: Node) -> Term:
    """``(c, rest)`` with ``node = c · rest``; the rest has coefficient 1."""
    if isinstance(node, Number):
        return node.value, Number(ONE)
    if isinstance(node, Contraction) and node.coefficient != 1:
        rest = contract(ONE, node.factors, range(node.out_rank), dict(enumerate(node.label_dims)))
        return node.coefficient, rest
    return ONE, node


def add(terms: Iterable[tuple[Expr | int, Node]], shape: Shape) -> Node:
    """``Σ weight · node`` over a shape; scalars among the nodes are spread.

    Sums of sums become one sum; literal zeros and zero weights on constants
    go; the order of the terms is kept.
    """
    flat: list[Term] = []
    stack: list[tuple[Expr, Node]] = [(sympify(c), n) for c, n in terms][::-1]
    while stack:
        weight, node = stack.pop()
        node = broadcast(node, shape)
        if isinstance(node, Sum):
            stack.extend((weight * c, n) for c, n in reversed(node.terms))
            continue
        if is_zero(node):
            continue
        c, rest = split_coefficient(node)
        if isinstance(rest, Sum):
            stack.append((weight * c, rest))
            continue
        if isinstance(rest, Number) or (isinstance(rest, Contraction) and not rest.factors):
            place = next((i for i, (_, n) in enumerate(flat) if n is rest), None)
            if place is not None:
                flat[place] = (flat[place][0] + weight * c, rest)
                continue
        flat.append((weight * c, rest))
    flat = [
        (c, n)
        for c, n in flat
        if not (c == 0 and (isinstance(n, Number) or (isinstance(n, Contraction) and not n.factors)))
    ]
    if not flat:
        return zeros(shape)
    if len(flat) == 1:
        return scale(*flat[0])
    return Sum(tuple(flat))


def negated(node: Node) -> Node:
    """A sum with all its signs turned; another node as it is."""
    if isinstance(node, Sum):
        return add([(-w, n) for w, n in node.terms], node.shape)
    return node


def are_opposite(a: Node, b: Node) -> bool:
    """Whether one node is the other with its signs turned, terms of a sum in any order."""
    (c, x), (d, y) = split_coefficient(a), split_coefficient(b)
    if c == -d and x is y:
        return True
    return c == d and isinstance(x, Sum) and isinstance(y, Sum) and frozenset(negated(x).terms) == frozenset(y.terms)  # type: ignore[attr-defined]


def apply(function: str, *arguments: Node) -> Node:
    """An elementwise function; the arguments are scalars or of one shape."""
    shapes = {a.shape for a in arguments if a.shape}
    if len(shapes) > 1:
        raise ShapeError(f"{function}: the arguments have shapes {shapes}")
    return Map(function, tuple(arguments))


def power(base: Node, exponent: Expr | int) -> Node:
    """``base ** exponent`` for an exponent that is a number."""
    exponent = sympify(exponent)
    if exponent == 1:
        return base
    if isinstance(base, Number) and base.value.is_number and exponent.is_number:
        value = base.value**exponent
        if base.value.is_positive or (base.value.is_nonzero and exponent.is_integer):
            return Number(value)
    return Map("power", (base, Number(exponent)))


def multiply(*nodes: Node) -> Node:
    """The elementwise product of nodes of one shape (scalars spread)."""
    shape: Shape = next((n.shape for n in nodes if n.shape), ())
    out = range(len(shape))
    return contract(ONE, [(n, out if n.shape else ()) for n in nodes], out, dict(enumerate(shape)))


def reduce_sum(node: Node, axes: Iterable[int]) -> Node:
    """Sum over the given axes."""
    gone = set(axes)
    out = [i for i in range(node.rank) if i not in gone]
    return contract(ONE, [(node, range(node.rank))], out, dict(enumerate(node.shape)))


def opaque(function: str, *arguments: Node) -> Node:
    """An array function of ``nodes.Opaque``."""
    return Opaque(function, tuple(arguments))


def rebuild(node: Node, children: Sequence[Node]) -> Node:
    """The same node over other children (of the same shapes)."""
    if all(a is b for a, b in zip(node.children, children, strict=True)):
        return node
    match node:
        case Contraction():
            factors = [(c, labels) for c, (_, labels) in zip(children, node.factors, strict=True)]
            return contract(node.coefficient, factors, range(node.out_rank), dict(enumerate(node.label_dims)))
        case Sum():
            return add(
                [(w, c) for (w, _), c in zip(node.terms, children, strict=True)], node.shape
            )
        case Map():
            if node.function == "power" and isinstance(children[1], Number):
                return power(children[0], children[1].value)
            return Map(node.function, tuple(children))
        case Opaque():
            return Opaque(node.function, tuple(children))
        case Named():
            return Named(node.name, children[0])
        case Binding():
            return node.over(tuple(children))
        case _:
            return type(node)(*children)


def substitute(node: Node, replacements: Mapping[Any, Node]) -> Node:
    """Replace whole nodes (leaves, definitions, ...) wherever they occur."""
    done: dict[Node, Node] = {}
    stack = [(node, False)]
    while stack:
        current, ready = stack.pop()
        if current in done:
            continue
        if current in replacements:
            done[current] = replacements[current]
        elif ready or not current.children:
            done[current] = rebuild(current, [done[c] for c in current.children])
        else:
            stack.append((current, True))
            stack.extend((c, False) for c in current.children)
    return done[node]


def without_deltas(node: Contraction) -> tuple[list[Factor], dict[int, Expr]]:
    """The factors and label dimensions that are left once deltas are used up.

    A delta with a bound label renames that label away, a delta over one label is
    1; a delta between two output labels stays.  The sum over a label that no
    factor carries any more stays explicit in the dimensions.
    """
    factors = list(node.factors)
    dims = dict(enumerate(node.label_dims))
    while True:
        used = next(
            (
                k
                for k, (f, ls) in enumerate(factors)
                if isinstance(f, Delta) and (ls[0] == ls[1] or max(ls) >= node.out_rank)
            ),
            None,
        )
        if used is None:
            return factors, dims
        _, (i, j) = factors.pop(used)
        if i != j:
            gone, kept = (j, i) if j >= node.out_rank else (i, j)
            factors = [(f, tuple(kept if x == gone else x for x in ls)) for f, ls in factors]
            del dims[gone]


def without_names(node: Node) -> Node:
    """The same value with every definition written out."""
    done: dict[Node, Node] = {}
    for current in node.walk():
        if isinstance(current, Named):
            done[current] = done[current.body]
        elif isinstance(current, Leaf) or not current.children:
            done[current] = current
        else:
            done[current] = rebuild(current, [done[c] for c in current.children])
    return done[node]


__all__ = [
    "add",
    "apply",
    "are_opposite",
    "broadcast",
    "contract",
    "is_zero",
    "multiply",
    "negated",
    "number",
    "ones",
    "opaque",
    "power",
    "rebuild",
    "reduce_sum",
    "scale",
    "split_coefficient",
    "substitute",
    "view",
    "without_deltas",
    "without_names",
    "zeros",
]
