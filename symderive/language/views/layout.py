"""Trees for slices, paddings, reshapes, running sums and triangles.

In a program these are contractions with matrices of zeros and ones (``Slice``,
``Merge``, triangular masks).  A person writes ``w[1:]``, ``np.pad``, ``np.cumsum``,
``np.tril``, ``np.kron``; what has no such form is sliced or reshaped from
``sd.eye``, which is always right.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, floor

from symderive.language.nodes import (
    ONE,
    ZERO,
    Contraction,
    Map,
    Merge,
    Node,
    Number,
    Range,
    Slice,
    Sum,
)
from symderive.language.views import tree as t


def span(start: Expr, step: Expr, count: Expr, size: Expr) -> t.Span:
    """A slice as it is written: ends that NumPy implies are left out, others counted from the near end."""
    last = start + step * (count - 1)
    if step.is_positive:
        first = None if start == 0 else near(start, size)
        stop = last + 1
        every = floor((size - start + step - 1) / step)  # what an open end keeps
        return t.Span(first, None if stop == size or every == count else near(stop, size), step)
    first = None if start == size - 1 else near(start, size)
    return t.Span(first, None if last == 0 or (last + step).is_negative else near(last - 1, size), step)


def near(index: Expr, size: Expr) -> Expr:
    """An index, from the end where that is a plain negative number."""
    back = index - size
    return back if back.is_Integer and back < 0 and not index.is_Integer else index


def sliced(tree: t.Tree, axis: int, node: Slice) -> t.Tree:
    """``tree[..., start:stop:step]`` along an axis."""
    key = span(node.start, node.step, node.count, node.size)
    shape = tuple(node.count if k == axis else s for k, s in enumerate(tree.shape))
    keys: list[t.Key] = [":"] * axis + [key]
    if isinstance(tree, t.Index) and all(k == ":" or isinstance(k, t.Span) for k in tree.keys):
        old = [*tree.keys, *[":"] * (len(tree.shape) - len(tree.keys))]
        if old[axis] == ":":
            old[axis] = key
            while old[-1] == ":":
                old.pop()
            return t.Index(shape, tree.operand, tuple(old))
    return t.Index(shape, tree, tuple(keys))


def padded(tree: t.Tree, axis: int, node: Slice) -> t.Tree | None:
    """The tree put among zeros along an axis; None where the step is not 1 or a full reversal."""
    shape = tuple(node.size if k == axis else s for k, s in enumerate(tree.shape))
    if node.step == -1 and node.count == node.size:
        return sliced(tree, axis, node)
    if node.step != 1:
        return None
    if isinstance(tree, t.Call) and tree.function == "pad":
        widths = list(tree.sizes)
        tree = tree.arguments[0]
    else:
        widths = [ZERO] * (2 * len(shape))
    widths[2 * axis] = widths[2 * axis] + node.start
    widths[2 * axis + 1] = widths[2 * axis + 1] + node.size - node.start - node.count
    return t.Call(shape, "pad", (tree,), sizes=tuple(widths))


def reshaped(tree: t.Tree, shape: t.Shape) -> t.Tree:
    """``tree.reshape(shape)``."""
    if isinstance(tree, t.Call) and tree.function == "reshape":
        tree = tree.arguments[0]
    return tree if tree.shape == shape else t.Call(shape, "reshape", (tree,), sizes=shape)


def slice_matrix(node: Slice) -> t.Tree:
    """The matrix itself: columns of the identity."""
    unit = t.Call((node.size, node.size), "eye", (), sizes=(node.size,))
    return t.Index(node.shape, unit, (":", span(node.start, node.step, node.count, node.size)))


def merge_tensor(node: Merge) -> t.Tree:
    """The tensor itself: the identity with its columns taken apart."""
    size = node.first * node.second
    return reshaped(t.Call((size, size), "eye", (), sizes=(size,)), node.shape)


def triangle(node: Node) -> tuple[int, int, Expr] | None:
    """``(row, column, k)`` where a mask is 1 at and below the k-th diagonal: ``column <= row + k``.

    row and column are 0 and 1, or 1 and 0 for the upper triangle.
    """
    if not (isinstance(node, Map) and node.function in ("lt", "le") and node.rank == 2):
        return None
    low, high = (_counted(a) for a in node.arguments)
    if low is None or high is None or low[0] == high[0]:
        return None
    offset = high[1] - low[1] - (1 if node.function == "lt" else 0)
    return (high[0], low[0], offset) if offset.is_Integer else None


def _counted(node: Node) -> tuple[int, Expr] | None:
    """``(axis, offset)`` of ``arange + offset`` laid along one axis of a matrix."""
    if isinstance(node, Contraction) and node.coefficient == 1 and not node.bound and len(node.factors) == 1:
        factor, labels = node.factors[0]
        if isinstance(factor, Range):
            return labels[0], ZERO
        if isinstance(factor, Sum) and (inner := _counted_sum(factor)) is not None and len(labels) == 1:
            return labels[0], inner
        return None
    if isinstance(node, Sum):
        axis: int | None = None
        offset: Expr = ZERO
        for weight, term in node.terms:
            place = _counted(term) if weight == 1 else None
            if place is not None and axis is None:
                axis, offset = place[0], offset + place[1]
            elif _constant(term):
                offset = offset + weight * _value(term)
            else:
                return None
        return None if axis is None else (axis, offset)
    return None


def _counted_sum(node: Sum) -> Expr | None:
    offset: Expr = ZERO
    ranges = 0
    for weight, term in node.terms:
        if isinstance(term, Range) and weight == 1:
            ranges += 1
        elif _constant(term):
            offset = offset + weight * _value(term)
        else:
            return None
    return offset if ranges == 1 else None


def _constant(node: Node) -> bool:
    return isinstance(node, Number) or (isinstance(node, Contraction) and not node.factors and not node.bound)


def _value(node: Node) -> Expr:
    return node.value if isinstance(node, Number) else node.coefficient  # type: ignore[union-attr]


def tri(node: Map) -> t.Tree:
    """A triangular mask as ``np.tri``."""
    found = triangle(node)
    assert found is not None
    row, _, offset = found
    if row == 0:
        return t.Call(node.shape, "tri", (), sizes=node.shape, offset=int(offset))
    turned = node.shape[::-1]
    return t.Transpose(node.shape, t.Call(turned, "tri", (), sizes=turned, offset=int(offset)))


def as_triangle(tree: t.Tree) -> tuple[bool, int] | None:
    """``(upper, k)`` of a triangular mask as a tree."""
    if isinstance(tree, t.Call) and tree.function == "tri":
        return False, tree.offset
    if isinstance(tree, t.Transpose) and isinstance(tree.operand, t.Call) and tree.operand.function == "tri":
        return True, -tree.operand.offset
    return None


def masked(mask: t.Tree, tree: t.Tree) -> t.Tree | None:
    """``np.tril(tree)`` or ``np.triu(tree)`` for the product of a whole matrix with a triangular mask."""
    found = as_triangle(mask)
    if found is None or tree.shape != mask.shape:
        return None
    upper, offset = found
    return t.Call(tree.shape, "triu" if upper else "tril", (tree,), offset=offset)


def running(mask: t.Tree, tree: t.Tree, axis: int) -> t.Tree | None:
    """A running sum along an axis: the product of a triangular mask of the main diagonal with an array."""
    found = as_triangle(mask)
    if found is None or found[1] != 0:
        return None
    where = axis if len(tree.shape) > 1 else None
    if not found[0]:
        return t.Call(tree.shape, "cumsum", (tree,), axis=where)
    back: tuple[t.Key, ...] = (*[":"] * axis, t.Span(None, None, -ONE))
    turned = t.Index(tree.shape, tree, back)
    return t.Index(tree.shape, t.Call(tree.shape, "cumsum", (turned,), axis=where), back)


def joined(terms: Sequence[tuple[int, t.Tree]], shape: t.Shape) -> t.Tree | None:
    """``np.concatenate`` of terms that are padded so that they tile one axis of a shape."""
    pieces: list[tuple[Expr, Expr, t.Tree]] = []
    axis: int | None = None
    for sign, written in terms:
        term = _padding(written, shape)
        if term is None:
            return None
        wide = [k for k in range(len(term.shape)) if term.sizes[2 * k] != 0 or term.sizes[2 * k + 1] != 0]
        if len(wide) != 1 or (axis is not None and wide[0] != axis):
            return None
        axis = wide[0]
        inner = term.arguments[0]
        pieces.append((term.sizes[2 * axis], inner.shape[axis], t.Neg(inner.shape, inner) if sign < 0 else inner))
    if axis is None or len(pieces) < 2:
        return None
    ordered: list[t.Tree] = []
    start: Expr = Integer(0)
    while pieces:
        found = next((p for p in pieces if (p[0] - start).expand() == 0), None)
        if found is None:
            return None
        pieces.remove(found)
        ordered.append(found[2])
        start = start + found[1]
    if (start - shape[axis]).expand() != 0:
        return None
    return t.Call(shape, "concatenate", tuple(ordered), axis=axis if len(shape) > 1 else None)


def _padding(tree: t.Tree, shape: t.Shape) -> t.Call | None:
    """What is padded, also where only one factor of an outer product is: ``np.outer(x, np.pad(w, (1, 0)))``."""
    if not isinstance(tree, t.Call):
        return None
    if tree.function == "pad" and len(tree.shape) == len(shape):
        return tree
    if tree.function == "pad" and len(shape) == 2:
        tree = t.Call(shape, "outer", (t.Call(shape[:1], "ones", (), sizes=shape[:1]), tree))
    padded = [k for k, a in enumerate(tree.arguments) if isinstance(a, t.Call) and a.function == "pad"]
    if tree.function != "outer" or len(padded) != 1:
        return None
    (axis,) = padded
    pad, other = tree.arguments[axis], tree.arguments[1 - axis]
    assert isinstance(pad, t.Call)
    inner = pad.arguments[0]
    pair = (other, inner) if axis else (inner, other)
    size = (pair[0].shape[0], pair[1].shape[0])
    single = _is_ones(inner) and inner.shape[0] == 1
    body: t.Tree = t.Call(size, "outer", pair)
    if _is_ones(other) and _is_ones(inner):
        body = t.Call(size, "ones", (), sizes=size)
    elif single:
        body = t.Index(size, other, (":", None) if axis else (None, ":"))
    sizes = (ZERO, ZERO, *pad.sizes) if axis else (*pad.sizes, ZERO, ZERO)
    return t.Call(tree.shape, "pad", (body,), sizes=sizes)


def _is_ones(tree: t.Tree) -> bool:
    return isinstance(tree, t.Call) and tree.function == "ones"


def stacked(terms: Sequence[tuple[int, t.Tree]]) -> t.Tree | None:
    """``np.stack`` of vectors laid along the rows (or columns) of a matrix of fixed size."""
    rows: dict[tuple[int, int], t.Tree] = {}
    for sign, term in terms:
        if not (isinstance(term, t.Call) and term.function == "outer"):
            return None
        for k, part in enumerate(term.arguments):
            other = term.arguments[1 - k]
            if isinstance(part, t.Call) and part.function == "basis" and part.shape[0].is_Integer:
                index = part.arguments[0]
                if isinstance(index, t.Num) and index.value.is_Integer:
                    rows[k, int(index.value)] = t.Neg(other.shape, other) if sign < 0 else other
                break
        else:
            return None
    shape = terms[0][1].shape
    for k in (0, 1):
        if shape[k].is_Integer and len(terms) == int(shape[k]) and all((k, j) in rows for j in range(int(shape[k]))):
            return t.Call(shape, "stack", tuple(rows[k, j] for j in range(int(shape[k]))), axis=k)
    return None
