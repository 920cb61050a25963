"""The same entries in another shape: transposes, reshapes, new axes, repetitions, spreading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from sympy import Expr, Integer, cancel, expand

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    Array,
    as_array,
    as_dimension,
    axes_of,
    highest,
    kind_of_dtype,
    linked,
    no_extras,
    shape_text,
    single_axis,
    solid,
    viewed,
)
from symderive.language.nodes import ONE, Merge, Node, Range


def transpose(a: Any, axes: Any = None) -> Array:
    """``np.transpose``."""
    a = as_array(a)
    order = range(a.ndim)[::-1] if axes is None else axes_of(a, tuple(axes), "transpose")
    if sorted(order) != list(range(a.ndim)):
        raise ShapeError(f"transpose: {axes!r} is no order of the {a.ndim} axes")
    return viewed(a, tuple(a.axes[k] for k in order))


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """``np.swapaxes``."""
    a = as_array(a)
    i, j = axes_of(a, axis1, "swapaxes")[0], axes_of(a, axis2, "swapaxes")[0]
    axes = list(a.axes)
    axes[i], axes[j] = axes[j], axes[i]
    return viewed(a, tuple(axes))


def moveaxis(a: Any, source: int, destination: int) -> Array:
    """``np.moveaxis`` of one axis."""
    a = as_array(a)
    i, j = axes_of(a, source, "moveaxis")[0], axes_of(a, destination, "moveaxis")[0]
    axes = list(a.axes)
    axes.insert(j, axes.pop(i))
    return viewed(a, tuple(axes))


def expand_dims(a: Any, axis: int) -> Array:
    """``np.expand_dims``."""
    a = as_array(a)
    if not -a.ndim - 1 <= axis <= a.ndim:
        raise ShapeError(f"expand_dims: axis {axis} is out of bounds for shape {shape_text(a.dims)}")
    axes = list(a.axes)
    axes.insert(axis % (a.ndim + 1), None)
    return viewed(a, tuple(axes))


def squeeze(a: Any, axis: Any = None) -> Array:
    """``np.squeeze`` of axes of length 1 that indexing or keepdims made."""
    a = as_array(a)
    if axis is None:
        gone = tuple(i for i, x in enumerate(a.axes) if x is None or a.dims[i] == 1)
    else:
        gone = axes_of(a, axis, "squeeze")
    for g in gone:
        if a.axes[g] is not None and a.dims[g] != 1:
            raise ShapeError(f"squeeze: axis {g} has dimension {a.dims[g]}, not 1")
    return a[(*(0 if i in gone else slice(None) for i in range(a.ndim)), Ellipsis)]


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


def taken_apart(node: Node, axis: int, first: Expr, second: Expr) -> Node:
    """An axis of size first·second as two axes, row by row."""
    rank = node.rank
    out = [*range(axis), rank, rank + 1, *range(axis + 1, rank)]
    dims = dict(enumerate(node.shape)) | {rank: first, rank + 1: second}
    factors: list[tuple[Node, Sequence[int]]] = [(node, range(rank)), (Merge(first, second), (axis, rank, rank + 1))]
    return build.contract(ONE, factors, out, dims)


def reshaped(a: Array, sizes: Sequence[Expr]) -> Array:
    """The entries in another shape, row by row: neighbouring axes are joined or taken apart."""
    node = solid(a)
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
            node = taken_apart(node, axis, want, quotient)
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
    fits = len(target) == len(long) and all(sizes[t] in (-1, a.dims[i]) for t, i in zip(target, long, strict=True))
    if fits and sum(1 for s in sizes if s == -1) <= 1:
        places = dict(zip(target, long, strict=True))
        return viewed(a, tuple(a.axes[places[i]] if i in places else None for i in range(len(sizes))))
    return linked(reshaped(a, sizes), a)


def _product(sizes: Sequence[Expr]) -> Expr:
    total: Expr = ONE
    for s in sizes:
        total = total * s
    return total


def repeat(a: Any, repeats: Any, axis: Any = None) -> Array:
    """``np.repeat``: every entry several times in a row."""
    a = as_array(a)
    count = as_dimension(repeats)
    if axis is not None and a.axes[(single := axes_of(a, axis, "np.repeat")[0])] is None:
        wide = (*a.dims[:single], count, *a.dims[single + 1 :])  # of length 1: as long as it is repeated
        return Array(build.view(a.node, [a.axes.index(k) for k in range(a.node.rank)], wide))
    position = single_axis(a, axis, "np.repeat")
    node = solid(a)
    labels = [k if k <= position else k + 1 for k in range(node.rank)]
    shape = (*node.shape[: position + 1], count, *node.shape[position + 1 :])
    return Array(merged(build.view(node, labels, shape), position))


def tile(A: Any, reps: Any) -> Array:
    """``np.tile``: the whole several times in a row, along each axis."""
    a = as_array(A)
    counts = [as_dimension(r) for r in (reps if isinstance(reps, tuple | list) else (reps,))]
    rank = max(a.ndim, len(counts))
    a = a[(None,) * (rank - a.ndim) + (Ellipsis,)]
    node = solid(a)
    for axis, count in enumerate([ONE] * (rank - len(counts)) + counts):
        if count == 1:
            continue
        labels = [k if k < axis else k + 1 for k in range(node.rank)]
        shape = (*node.shape[:axis], count, *node.shape[axis:])
        node = merged(build.view(node, labels, shape), axis)
    return Array(node)


def linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, **extras: Any) -> Array:
    """``np.linspace`` between ends that may be symbolic, with a fixed number of points >= 2."""
    no_extras("np.linspace", **extras)
    if isinstance(num, bool) or not isinstance(num, int | np.integer) or num < 2:
        raise UnsupportedError(f"np.linspace is read with a fixed number of points >= 2, got {num}")
    first, last = as_array(start), as_array(stop)
    if first.ndim or last.ndim:
        raise UnsupportedError("np.linspace is read between numbers")
    return first + (last - first) * (Array(Range(Integer(int(num)))) / (num - 1 if endpoint else num))


def broadcast_to(array: Any, shape: Any) -> Array:
    """``np.broadcast_to``: spread over a shape."""
    a = as_array(array)
    sizes = tuple(as_dimension(s) for s in (shape if isinstance(shape, tuple | list) else (shape,)))
    if len(sizes) < a.ndim:
        raise ShapeError(f"np.broadcast_to: {shape_text(a.dims)} has more axes than {shape_text(sizes)}")
    return linked(a + Array(build.zeros(sizes)), a)


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """``np.broadcast_arrays``: each array spread over the shape of all."""
    given = [as_array(a) for a in args]
    whole = reduce(add, [Array(build.zeros(a.node.shape), a.axes) for a in given])
    return tuple(linked(a + whole, a) for a in given)


def at_least(rank: int) -> Callable[..., Any]:
    """``np.atleast_1d`` and the like."""

    def make(*arys: Any) -> Any:
        made: list[Array] = []
        for a in map(as_array, arys):
            if rank == 3 and a.ndim in (1, 2):
                made.append(a[None, :, None] if a.ndim == 1 else a[..., None])
            else:
                made.append(a[(None,) * max(rank - a.ndim, 0) + (Ellipsis,)])
        return made[0] if len(made) == 1 else tuple(made)

    return make


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    """``np.meshgrid`` of vectors."""
    given = [as_array(x) for x in xi]
    if any(x.ndim != 1 for x in given):
        raise UnsupportedError("np.meshgrid is read for vectors")
    order = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    spread = [
        x[tuple(slice(None) if k == place else None for k in range(len(given)))]
        for place, x in zip(order, given, strict=True)
    ]
    if sparse:
        return tuple(spread)
    shape = [ONE] * len(given)
    for place, x in zip(order, given, strict=True):
        shape[place] = x.dims[0]
    return tuple(broadcast_to(x, tuple(shape)).copy() for x in spread)


def _filled(name: str, value: int) -> Callable[..., Array]:
    def make(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Array:
        no_extras(name, shape=shape)
        return full_like(a, value, dtype)

    return make


def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True) -> Array:
    """``np.full_like``: one value in an array's shape."""
    a = as_array(a)
    value = as_array(fill_value)
    if value.ndim:
        raise UnsupportedError("np.full_like is read for one value; use np.broadcast_to for an array")
    made = Array(build.broadcast(value.node, a.node.shape), a.axes)
    made._kind = a.kind if dtype is None else kind_of_dtype(dtype)
    if highest((made.kind, value.kind)) != made.kind:
        raise UnsupportedError("np.full_like of integers cuts the value off; give dtype=float")
    return made


ARRAY_FUNCTIONS.update(
    {
        **({np.matrix_transpose: lambda x, /: as_array(x).mT} if hasattr(np, "matrix_transpose") else {}),
        np.ones_like: _filled("np.ones_like", 1),
        np.zeros_like: _filled("np.zeros_like", 0),
        np.full_like: full_like,
        np.copy: lambda a, order="K", subok=False: as_array(a).copy(),
        np.shape: lambda a: as_array(a).shape,
        np.ndim: lambda a: as_array(a).ndim,
        np.size: lambda a, axis=None: as_array(a).size if axis is None else as_array(a).shape[axis],
        np.real: lambda val: val,
        np.transpose: transpose,
        np.swapaxes: swapaxes,
        np.moveaxis: moveaxis,
        np.expand_dims: expand_dims,
        np.squeeze: squeeze,
        np.reshape: reshape,
        np.ravel: ravel,
        np.repeat: repeat,
        np.tile: tile,
        np.linspace: linspace,
        np.broadcast_to: broadcast_to,
        np.broadcast_arrays: broadcast_arrays,
        np.atleast_1d: at_least(1),
        np.atleast_2d: at_least(2),
        np.atleast_3d: at_least(3),
        np.meshgrid: meshgrid,
    }
)
