"""Picking entries and laying arrays side by side: slices, gathers, stacks, running sums.

A slice is a contraction with a ``Slice`` matrix, a gather ``a[rows, labels]`` one
with the mask ``labels == 0, 1, ...``, a running sum one with a triangular mask,
a stack a sum of arrays put among zeros, a reshape one with ``Merge``.  All are
linear, so their adjoints need no rules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Integer, cancel, expand, sympify

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.array_functions import product, triangle
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    Array,
    as_array,
    as_dimension,
    axes_of,
    linked,
    reduced,
    shape_text,
    viewed,
)
from symderive.language.nodes import ONE, ZERO, Basis, Merge, Node, Number, Range, Slice

# -- running sums, triangles, differences -----------------------------------------------


def _single_axis(a: Array, axis: Any, what: str) -> int:
    if axis is None:
        if a.ndim != 1:
            raise UnsupportedError(f"{what} over all axes of a matrix flattens it; give axis=")
        axis = 0
    (position,) = axes_of(a, axis, what)
    if a.axes[position] is None:
        raise UnsupportedError(f"{what} over an axis of length 1 made by indexing is not read")
    return position


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """``np.cumsum``: running sums, the contraction with the mask j <= i."""
    if dtype is not None or out is not None:
        raise UnsupportedError("np.cumsum is read without dtype and out")
    a = as_array(a)
    position = _single_axis(a, axis, "np.cumsum")
    real = a.axes[position]
    assert real is not None
    size = a.node.shape[real]
    labels = list(range(a.node.rank))
    labels[real] = a.node.rank
    dims = dict(enumerate(a.node.shape)) | {a.node.rank: size}
    mask = triangle(size, size)
    node = build.contract(ONE, [(a.node, labels), (mask, (real, a.node.rank))], range(a.node.rank), dims)
    return Array(node, a.axes)


def cumprod(a: Any, axis: Any = None) -> Array:
    """``np.cumprod``: running products, of the entries up to i and ones beyond."""
    a = as_array(a)
    position = _single_axis(a, axis, "np.cumprod")
    real = a.axes[position]
    assert real is not None
    size = a.node.shape[real]
    rank = a.node.rank
    shape = (*a.node.shape, size)
    own = list(range(rank))
    own[real] = rank
    spread = build.view(a.node, own, shape)
    mask = build.view(triangle(size, size), (real, rank), shape)
    unit = build.ones(shape)
    return Array(build.opaque("prod", build.apply("where", mask, spread, unit)), a.axes)


def tri(rows: Any, columns: Any = None, k: int = 0) -> Array:
    """``np.tri``: ones at and below the k-th diagonal."""
    n = as_dimension(rows)
    m = n if columns is None else as_dimension(columns)
    return Array(triangle(n, m, "le", k))


def _triangle_of(a: Array, upper: bool, k: int) -> Array:
    n, m = a.dims[-2:]
    i, j = Array(Range(n))[:, None], Array(Range(m))[None, :]
    return (i + k <= j) if upper else (j <= i + k)


def triu(m: Any, k: int = 0) -> Array:
    """``np.triu``: the entries at and above the k-th diagonal, zeros below."""
    a = _matrix(m, "np.triu")
    return a * _triangle_of(a, True, k)


def tril(m: Any, k: int = 0) -> Array:
    """``np.tril``: the entries at and below the k-th diagonal, zeros above."""
    a = _matrix(m, "np.tril")
    return a * _triangle_of(a, False, k)


def _matrix(m: Any, what: str) -> Array:
    a = as_array(m)
    if a.ndim < 2 or None in a.axes[-2:]:
        raise ShapeError(f"{what} needs a matrix, got shape {shape_text(a.dims)}")
    return a


def diff(a: Any, n: int = 1, axis: int = -1) -> Array:
    """``np.diff``: differences of neighbours."""
    a = as_array(a)
    position = _single_axis(a, axis, "np.diff")
    for _ in range(n):
        later: list[slice] = [slice(None)] * a.ndim
        earlier: list[slice] = [slice(None)] * a.ndim
        later[position], earlier[position] = slice(1, None), slice(None, -1)
        a = a[tuple(later)] - a[tuple(earlier)]
    return a


def flip(m: Any, axis: Any = None) -> Array:
    """``np.flip``: the order of the entries reversed along axes."""
    a = as_array(m)
    gone = axes_of(a, axis, "np.flip")
    return a[tuple(slice(None, None, -1) if k in gone else slice(None) for k in range(a.ndim))]


def roll(a: Any, shift: int, axis: Any = None) -> Array:
    """``np.roll`` along one axis: the last entries become the first."""
    a = as_array(a)
    position = _single_axis(a, axis, "np.roll")
    keys: list[slice] = [slice(None)] * a.ndim
    last, first = list(keys), list(keys)
    last[position], first[position] = slice(-shift, None), slice(None, -shift)
    return a.copy() if shift == 0 else concatenate([a[tuple(last)], a[tuple(first)]], axis=position)


# -- side by side ----------------------------------------------------------------------


def placed(node: Node, axis: int, size: Expr, start: Expr, step: Expr = ONE) -> Node:
    """The node's axis put among zeros of an axis of another size."""
    count = node.shape[axis]
    if start == 0 and step == 1 and count == size:
        return node
    labels = list(range(node.rank))
    labels[axis] = node.rank
    dims = dict(enumerate(node.shape)) | {axis: size, node.rank: count}
    matrix = Slice(size, count, start, step)
    return build.contract(ONE, [(node, labels), (matrix, (axis, node.rank))], range(node.rank), dims)


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Array:
    """``np.concatenate``: arrays one after the other along an axis."""
    given = [as_array(a) for a in arrays]
    if not given:
        raise ShapeError("np.concatenate needs at least one array")
    first = given[0]
    (position,) = axes_of(first, axis, "np.concatenate")
    nodes: list[Node] = []
    for a in given:
        if a.ndim != first.ndim or any(
            x != y for k, (x, y) in enumerate(zip(a.dims, first.dims, strict=False)) if k != position
        ):
            raise ShapeError(
                f"np.concatenate: the shapes {shape_text(first.dims)} and {shape_text(a.dims)} do not fit on "
                f"axis {position}"
            )
        nodes.append(_solid(a))
    total: Expr = sum((n.shape[position] for n in nodes), ZERO)
    terms: list[tuple[Expr, Node]] = []
    start: Expr = ZERO
    for n in nodes:
        terms.append((ONE, placed(n, position, total, start)))
        start = start + n.shape[position]
    shape = tuple(total if k == position else s for k, s in enumerate(nodes[0].shape))
    return Array(build.add(terms, shape))


def _solid(a: Array) -> Node:
    """The array as a node whose axes are all real, axes of length 1 included."""
    rank = a.ndim
    labels = [0] * a.node.rank
    for position, axis in enumerate(a.axes):
        if axis is not None:
            labels[axis] = position
    return build.contract(ONE, [(a.node, labels)], range(rank), dict(enumerate(a.dims)))


def stack(arrays: Sequence[Any], axis: int = 0) -> Array:
    """``np.stack``: arrays of one shape along a new axis."""
    given = [as_array(a) for a in arrays]
    if not given or any(a.dims != given[0].dims for a in given):
        shapes = ", ".join(shape_text(a.dims) for a in given)
        raise ShapeError(f"np.stack needs arrays of one shape, got {shapes or 'none'}")
    rank = given[0].ndim
    if not -rank - 1 <= axis <= rank:
        raise ShapeError(f"np.stack: axis {axis} is out of bounds for shape {shape_text(given[0].dims)}")
    axis %= rank + 1
    count = Integer(len(given))
    out = [k if k < axis else k + 1 for k in range(rank)]
    shape = (*given[0].dims[:axis], count, *given[0].dims[axis:])
    terms: list[tuple[Expr, Node]] = []
    for k, a in enumerate(given):
        factors: list[tuple[Node, Sequence[int]]] = [(_solid(a), out), (Basis(count, Integer(k)), (axis,))]
        terms.append((ONE, build.contract(ONE, factors, range(rank + 1), dict(enumerate(shape)))))
    return Array(build.add(terms, shape))


def _at_least(a: Array, rank: int) -> Array:
    while a.ndim < rank:
        a = a[None]
    return a


def hstack(arrays: Sequence[Any]) -> Array:
    """``np.hstack``: along the first axis of vectors, the second of matrices."""
    given = [_at_least(as_array(a), 1) for a in arrays]
    return concatenate(given, 0 if given and given[0].ndim == 1 else 1)


def vstack(arrays: Sequence[Any]) -> Array:
    """``np.vstack``: rows under rows."""
    return concatenate([_at_least(as_array(a), 2) for a in arrays], 0)


def column_stack(arrays: Sequence[Any]) -> Array:
    """``np.column_stack``: vectors as columns beside matrices."""
    given = [as_array(a) for a in arrays]
    return concatenate([a[:, None] if a.ndim == 1 else a for a in given], 1)


def append(arr: Any, values: Any, axis: Any = None) -> Array:
    """``np.append`` of vectors, or along a given axis."""
    a, b = as_array(arr), as_array(values)
    if axis is None and (a.ndim > 1 or b.ndim > 1):
        raise UnsupportedError("np.append flattens matrices; give axis=")
    return concatenate([_at_least(a, 1), _at_least(b, 1)], 0 if axis is None else axis)


def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Array:
    """``np.pad`` with zeros."""
    a = as_array(array)
    if mode != "constant" or constant_values != 0:
        raise UnsupportedError("np.pad is read with zeros (mode='constant')")
    widths = _widths(pad_width, a.ndim)
    node = _solid(a)
    for axis, (before, after) in enumerate(widths):
        left, right = as_size(before), as_size(after)
        node = placed(node, axis, node.shape[axis] + left + right, left)
    return Array(node)


def as_size(value: object) -> Expr:
    """A number of entries, 0 allowed."""
    if isinstance(value, Array):
        if not isinstance(value.node, Number):
            raise ShapeError(f"a width must be an integer in the dimensions, got the array {value}")
        value = value.node.value
    size = sympify(value)
    if not isinstance(size, Expr) or not size.is_integer or not size.is_nonnegative:
        raise ShapeError(f"a width must be an integer >= 0, got {value}")
    return size


def _widths(given: Any, rank: int) -> list[tuple[Any, Any]]:
    if not isinstance(given, tuple | list):
        return [(given, given)] * rank
    if all(not isinstance(g, tuple | list) for g in given):
        before, after = given if len(given) == 2 else (given[0], given[0])
        return [(before, after)] * rank
    if len(given) == 1:
        return [tuple(given[0])] * rank
    if len(given) != rank:
        raise ShapeError(f"np.pad: {len(given)} pairs of widths for {rank} axes")
    return [tuple(g) for g in given]


# -- other shapes ------------------------------------------------------------------------


def merged(node: Node, axis: int) -> Node:
    """Two neighbouring axes laid on one, row by row."""
    first, second = node.shape[axis], node.shape[axis + 1]
    if first == 1 or second == 1:
        gone = axis if first == 1 else axis + 1
        return build.reduce_sum(node, [gone])
    rank = node.rank
    new = rank
    out = [*range(axis), new, *range(axis + 2, rank)]
    dims = dict(enumerate(node.shape)) | {new: first * second}
    factors: list[tuple[Node, Sequence[int]]] = [(node, range(rank)), (Merge(first, second), (new, axis, axis + 1))]
    return build.contract(ONE, factors, out, dims)


def split(node: Node, axis: int, first: Expr, second: Expr) -> Node:
    """An axis of size first·second as two axes, row by row."""
    rank = node.rank
    out = [*range(axis), rank, rank + 1, *range(axis + 1, rank)]
    dims = dict(enumerate(node.shape)) | {rank: first, rank + 1: second}
    factors: list[tuple[Node, Sequence[int]]] = [(node, range(rank)), (Merge(first, second), (axis, rank, rank + 1))]
    return build.contract(ONE, factors, out, dims)


def reshaped(a: Array, sizes: Sequence[Expr]) -> Array:
    """The entries in another shape, row by row: neighbouring axes are joined or taken apart."""
    node = _solid(a)
    old = list(node.shape)
    wanted = list(sizes)
    if sum(1 for s in wanted if s == -1) > 1:
        raise ShapeError("a reshape may leave one size open (-1)")
    if -1 in wanted:
        total = _product(old)
        rest = _product([s for s in wanted if s != -1])
        open_size = cancel(total / rest)
        if not open_size.is_integer:
            raise ShapeError(f"{shape_text(old)} cannot be laid out in {shape_text(wanted)}")
        wanted[wanted.index(-ONE)] = open_size
    if expand(_product(old) - _product(wanted)) != 0:
        raise ShapeError(f"{shape_text(old)} has not as many entries as {shape_text(wanted)}")
    axis = 0
    target = list(wanted)
    while axis < len(target):
        have = node.shape[axis] if axis < node.rank else ONE
        want = target[axis]
        if have == want and axis < node.rank:
            axis += 1
            continue
        quotient = cancel(have / want)
        if want == 1:
            shape = (*node.shape[:axis], ONE, *node.shape[axis:])
            places = [k if k < axis else k + 1 for k in range(node.rank)]
            node = build.view(node, places, shape)
        elif axis < node.rank and have == 1:
            node = build.reduce_sum(node, [axis])
        elif axis < node.rank and quotient.is_integer:
            node = split(node, axis, want, quotient)
        elif axis + 1 < node.rank:
            node = merged(node, axis)
        else:
            raise UnsupportedError(f"reshape of {shape_text(old)} to {shape_text(wanted)} is not read")
    while node.rank > len(target):
        if node.shape[-1] != 1:
            raise UnsupportedError(f"reshape of {shape_text(old)} to {shape_text(wanted)} is not read")
        node = build.reduce_sum(node, [node.rank - 1])
    return Array(node)


def ravel(a: Any, order: str = "C") -> Array:
    """``np.ravel``: all entries, row by row."""
    if order not in ("C", "K"):
        raise UnsupportedError("np.ravel is read in C order: row by row")
    a = as_array(a)
    return linked(reshape(a, -1), a)


def reshape(a: Any, shape: Any = None, order: str = "C", **extras: Any) -> Array:
    """``np.reshape``: row by row; neighbouring axes are joined or taken apart."""
    a = as_array(a)
    wanted = shape if isinstance(shape, tuple | list) else (shape,)
    if order != "C" or extras:
        raise UnsupportedError("np.reshape is read in C order: row by row")
    long = [i for i in range(a.ndim) if a.axes[i] is not None]
    sizes = [-ONE if isinstance(s, int) and s == -1 else as_dimension(s) for s in wanted]
    target = [i for i, s in enumerate(sizes) if s != 1]
    fits = len(target) == len(long) and all(
        sizes[t] in (-1, a.dims[i]) for t, i in zip(target, long, strict=True)
    )
    if fits and sum(1 for s in sizes if s == -1) <= 1:
        places = dict(zip(target, long, strict=True))
        return viewed(a, tuple(a.axes[places[i]] if i in places else None for i in range(len(sizes))))
    return linked(reshaped(a, sizes), a)


def _product(sizes: Sequence[Expr]) -> Expr:
    total: Expr = ONE
    for s in sizes:
        total = total * s
    return total


def kron(a: Any, b: Any) -> Array:
    """``np.kron``: the Kronecker product of two matrices, or of two vectors."""
    a, b = as_array(a), as_array(b)
    if a.ndim != b.ndim or a.ndim not in (1, 2):
        raise UnsupportedError(
            f"np.kron is read for two matrices or two vectors, got {shape_text(a.dims)} and {shape_text(b.dims)}"
        )
    x, y = _solid(a), _solid(b)
    if a.ndim == 1:
        return Array(merged(product("i,j->ij", x, y), 0))
    return Array(merged(merged(product("ij,kl->ikjl", x, y), 0), 1))


def repeat(a: Any, repeats: Any, axis: Any = None) -> Array:
    """``np.repeat``: every entry several times in a row."""
    a = as_array(a)
    position = _single_axis(a, axis, "np.repeat")
    node, count = _solid(a), as_dimension(repeats)
    labels = [k if k <= position else k + 1 for k in range(node.rank)]
    shape = (*node.shape[: position + 1], count, *node.shape[position + 1 :])
    return Array(merged(build.view(node, labels, shape), position))


def tile(A: Any, reps: Any) -> Array:
    """``np.tile`` of a vector: the whole of it several times in a row."""
    a = as_array(A)
    if a.ndim != 1:
        raise UnsupportedError("np.tile is read for vectors; use broadcasting for matrices")
    node, count = _solid(a), as_dimension(reps)
    return Array(merged(build.view(node, (1,), (count, node.shape[0])), 0))


def broadcast_to(array: Any, shape: Any) -> Array:
    """``np.broadcast_to``: spread over a shape."""
    a = as_array(array)
    sizes = tuple(as_dimension(s) for s in (shape if isinstance(shape, tuple | list) else (shape,)))
    if len(sizes) < a.ndim:
        raise ShapeError(f"np.broadcast_to: {shape_text(a.dims)} has more axes than {shape_text(sizes)}")
    return linked(a + Array(build.zeros(sizes)), a)


def take(a: Any, indices: Any, axis: Any = None) -> Array:
    """``np.take``: entries along an axis."""
    a = as_array(a)
    position = _single_axis(a, axis, "np.take")
    keys: list[Any] = [slice(None)] * a.ndim
    keys[position] = indices
    return a[tuple(keys)].copy()


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Array:
    """``np.take_along_axis``: for each place of ``indices``, the entry of its line along the axis."""
    a, index = as_array(arr), as_array(indices)
    (position,) = axes_of(a, axis, "np.take_along_axis")
    if axis is None or index.ndim != a.ndim:
        raise ShapeError(
            f"np.take_along_axis needs an axis and indices with {a.ndim} axes (y[:, None] for one a row), "
            f"got {shape_text(index.dims)}"
        )
    keys: list[Any] = []
    for k, size in enumerate(a.dims):
        places = Array(Range(size))[tuple(slice(None) if k == j else None for j in range(a.ndim))]
        keys.append(index if k == position else places)
    return a[tuple(keys)]


def ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Array:
    """``np.ptp``: the largest entry less the smallest."""
    return extreme("max")(a, axis=axis, keepdims=keepdims) - extreme("min")(a, axis=axis, keepdims=keepdims)


def extreme(name: str) -> Callable[..., Array]:
    """``np.max`` and ``np.min`` along an axis, or over all entries."""

    def make(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
        if out is not None or any(v is not np._NoValue and v is not None for v in extras.values()):
            raise UnsupportedError(f"np.{name} is read with axis and keepdims only")
        return reduced(name, a, axis, keepdims)

    return make


def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Array:
    """``np.cov`` of a matrix: variables in rows (``rowvar``) or in columns."""
    a = as_array(m)
    if y is not None or a.ndim != 2:
        raise UnsupportedError("np.cov is read for one matrix")
    x = a if rowvar else a.T
    count = x.shape[1]
    centred = x - np.mean(x, axis=1, keepdims=True)  # type: ignore[call-overload]
    less = ddof if ddof is not None else (0 if bias else 1)
    return centred @ centred.T / (count - less)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.cumsum: cumsum,
    np.cumprod: cumprod,
    np.diff: diff,
    np.flip: flip,
    np.flipud: lambda m: flip(m, 0),
    np.fliplr: lambda m: flip(m, 1),
    np.roll: roll,
    np.concatenate: concatenate,
    np.stack: stack,
    np.hstack: hstack,
    np.vstack: vstack,
    np.column_stack: column_stack,
    np.append: append,
    np.pad: pad,
    np.triu: triu,
    np.tril: tril,
    np.kron: kron,
    np.repeat: repeat,
    np.tile: tile,
    np.broadcast_to: broadcast_to,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.reshape: reshape,
    np.ravel: ravel,
    np.max: extreme("max"),
    np.min: extreme("min"),
    np.amax: extreme("max"),
    np.amin: extreme("min"),
    np.ptp: ptp,
    np.cov: cov,
}

ARRAY_FUNCTIONS.update(FUNCTIONS)
