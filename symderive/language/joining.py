"""Arrays side by side, and taken apart: concatenate, stack, block, pad, split, insert, delete.

A stack is a sum of arrays that are put among zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Integer, sympify

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    Array,
    as_array,
    axes_of,
    elementary,
    highest,
    shape_text,
    single_axis,
    solid,
)
from symderive.language.nodes import ONE, ZERO, Basis, Node, Number, Slice
from symderive.language.reshaping import broadcast_to


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
        nodes.append(solid(a))
    total: Expr = sum((n.shape[position] for n in nodes), ZERO)
    terms: list[tuple[Expr, Node]] = []
    start: Expr = ZERO
    for n in nodes:
        terms.append((ONE, placed(n, position, total, start)))
        start = start + n.shape[position]
    shape = tuple(total if k == position else s for k, s in enumerate(nodes[0].shape))
    made = Array(build.add(terms, shape))
    made._kind = highest(a.kind for a in given)
    return made


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
        factors: list[tuple[Node, Sequence[int]]] = [(solid(a), out), (Basis(count, Integer(k)), (axis,))]
        terms.append((ONE, build.contract(ONE, factors, range(rank + 1), dict(enumerate(shape)))))
    made = Array(build.add(terms, shape))
    made._kind = highest(a.kind for a in given)
    return made


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


def beside(parts: Sequence[Array], *, columns: bool) -> Array:
    """``np.c_`` (vectors as columns, along the last axis) and ``np.r_`` (numbers and vectors in a row)."""
    if columns:
        return concatenate([p[:, None] if p.ndim == 1 else p for p in parts], -1)
    return concatenate([p[None] if not p.ndim else p for p in parts], 0)


def dstack(tup: Sequence[Any]) -> Array:
    """``np.dstack``: along a third axis."""
    given = [as_array(a) for a in tup]
    raised = [a[None, :, None] if a.ndim == 1 else a[..., None] if a.ndim == 2 else a for a in given]
    return concatenate(raised, 2)


def block(arrays: Any) -> Array:
    """``np.block``: nested lists of blocks, the innermost ones along the last axis."""
    depth, inner = 0, arrays
    while isinstance(inner, list):
        if not inner:
            raise ShapeError("np.block needs at least one block in each list")
        depth, inner = depth + 1, inner[0]
    rank = max(depth, *(a.ndim for a in _flat_blocks(arrays)))

    def joined(part: Any, level: int) -> Array:
        if not isinstance(part, list):
            if level != depth:
                raise ShapeError("np.block: the lists are nested to different depths")
            return _at_least(as_array(part), rank)
        return concatenate([joined(p, level + 1) for p in part], level - depth)

    return joined(arrays, 0)


def _flat_blocks(part: Any) -> list[Array]:
    return [a for p in part for a in _flat_blocks(p)] if isinstance(part, list) else [as_array(part)]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """``np.split`` into equal parts of an axis of fixed length, or at places."""
    a = as_array(ary)
    (position,) = axes_of(a, axis, "np.split")
    size = a.dims[position]
    if isinstance(indices_or_sections, int | np.integer):
        sections = int(indices_or_sections)
        if not size.is_Integer or sections < 1 or int(size) % sections:
            raise ShapeError(
                f"np.split into {sections} equal parts needs an axis of fixed length that they divide, got {size}; "
                "give the places, or write slices"
            )
        step = int(size) // sections
        places: list[Any] = [step * k for k in range(1, sections)]
    else:
        places = list(indices_or_sections)
    return _cut_at(a, position, places)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """``np.array_split``: parts of an axis of fixed length, the first ones longer by one; or at places."""
    a = as_array(ary)
    (position,) = axes_of(a, axis, "np.array_split")
    if not isinstance(indices_or_sections, int | np.integer):
        return _cut_at(a, position, list(indices_or_sections))
    size, sections = a.dims[position], int(indices_or_sections)
    if not size.is_Integer or not 0 < sections <= int(size):
        raise ShapeError(f"np.array_split into {sections} parts needs an axis of fixed length >= it, got {size}")
    lengths = [int(size) // sections + (k < int(size) % sections) for k in range(sections)]
    return _cut_at(a, position, [sum(lengths[:k]) for k in range(1, sections)])


def _cut_at(a: Array, position: int, places: Sequence[Any]) -> list[Array]:
    parts: list[Array] = []
    for start, stop in zip([None, *places], [*places, None], strict=True):
        keys: list[Any] = [slice(None)] * a.ndim
        keys[position] = slice(start, stop)
        parts.append(a[tuple(keys)])
    return parts


def split_along(axis: int, what: str) -> Callable[..., list[Array]]:
    """``np.hsplit`` and the like: what splits along one axis."""

    def make(ary: Any, indices_or_sections: Any) -> list[Array]:
        a = as_array(ary)
        if a.ndim <= axis and not (axis == 1 and a.ndim == 1):
            raise ShapeError(f"{what} needs an array with {axis + 1} axes, got {shape_text(a.dims)}")
        return split(a, indices_or_sections, axis if a.ndim > axis else 0)

    return make


def unstack(x: Any, axis: int = 0) -> tuple[Array, ...]:
    """``np.unstack``: the parts along an axis of fixed length."""
    a = as_array(x)
    (position,) = axes_of(a, axis, "np.unstack")
    size = a.dims[position]
    if not size.is_Integer:
        raise UnsupportedError(f"np.unstack along the symbolic dimension {size} has no fixed number of parts")
    return tuple(a[(*[slice(None)] * position, k)] for k in range(int(size)))


def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Array:
    """``np.insert`` of one entry (or row, or column) before a place."""
    a, b = as_array(arr), as_array(values)
    position = single_axis(a, axis, "np.insert")
    place = _place(obj, a.dims[position] + 1, "np.insert")
    shape = tuple(ONE if k == position else s for k, s in enumerate(a.dims))
    if b.ndim == a.ndim - 1 and b.ndim:
        b = b[(*[slice(None)] * position, None)]
    if b.ndim not in (0, a.ndim) or (b.ndim and b.dims[position] != 1):
        raise UnsupportedError(f"np.insert is read for one place, got values of shape {shape_text(b.dims)}")
    return concatenate([*_before(a, position, place), broadcast_to(b, shape), *_after(a, position, place)], position)


def delete(arr: Any, obj: Any, axis: Any = None) -> Array:
    """``np.delete`` of one entry (or row, or column)."""
    a = as_array(arr)
    position = single_axis(a, axis, "np.delete")
    place = _place(obj, a.dims[position], "np.delete")
    parts = [*_before(a, position, place), *_after(a, position, place + 1)]
    if not parts:
        raise ShapeError(f"np.delete leaves nothing of the shape {shape_text(a.dims)}")
    return concatenate(parts, position)


def _place(value: Any, size: Expr, what: str) -> Expr:
    """A place on an axis, counted from the front."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise UnsupportedError(f"{what} is read for one place that is an integer, got {value!r}")
    place = value.node.value if isinstance(value, Array) else Integer(value.__index__())
    place = size + place if place.is_negative else place
    if place.is_negative or (size - 1 - place).is_negative:
        raise ShapeError(f"{what}: the place {value} is not on an axis of size {size}")
    return place


def _before(a: Array, position: int, place: Expr) -> list[Array]:
    keys = (*[slice(None)] * position, slice(None, Array(Number(place))))
    return [] if place == 0 else [a[keys]]


def _after(a: Array, position: int, place: Expr) -> list[Array]:
    keys = (*[slice(None)] * position, slice(Array(Number(place)), None))
    return [] if place == a.dims[position] else [a[keys]]


def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Array:
    """``np.pad`` with zeros."""
    a = as_array(array)
    if mode != "constant" or constant_values != 0:
        raise UnsupportedError("np.pad is read with zeros (mode='constant')")
    widths = _widths(pad_width, a.ndim)
    node = solid(a)
    for axis, (before, after) in enumerate(widths):
        left, right = as_size(before), as_size(after)
        node = placed(node, axis, node.shape[axis] + left + right, left)
    return Array(node)


def as_size(value: object) -> Expr:
    """A number of entries, 0 allowed; one whose sign depends on the dimensions exists where it is not negative."""
    if isinstance(value, Array):
        if not isinstance(value.node, Number):
            raise ShapeError(f"a width must be an integer in the dimensions, got the array {value}")
        value = value.node.value
    size = sympify(value)
    if not isinstance(size, Expr) or not size.is_integer or size.is_negative:
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


def vander(x: Any, N: Any = None, increasing: bool = False) -> Array:
    """``np.vander``: the powers of a vector as columns, a fixed number of them."""
    a = as_array(x)
    count: Any = a.dims[0] if N is None and a.ndim == 1 else N
    if a.ndim != 1 or not isinstance(count, int | Integer) or isinstance(count, bool) or count < 1:
        raise UnsupportedError("np.vander is read for a vector and a fixed number of columns, np.vander(x, 3)")
    unit = Array(build.ones(a.node.shape), a.axes)
    powers = [elementary("power", a, k) if k else unit for k in range(int(count))]
    return stack(powers if increasing else powers[::-1], axis=1)


_LATER = {"unstack": lambda x, /, *, axis=0: unstack(x, axis)}
"""Functions that some versions of NumPy do not have."""

ARRAY_FUNCTIONS.update(
    {
        np.concatenate: concatenate,
        np.stack: stack,
        np.hstack: hstack,
        np.vstack: vstack,
        np.column_stack: column_stack,
        np.append: append,
        np.dstack: dstack,
        np.block: block,
        np.split: split,
        np.array_split: array_split,
        np.vsplit: split_along(0, "np.vsplit"),
        np.hsplit: split_along(1, "np.hsplit"),
        np.dsplit: split_along(2, "np.dsplit"),
        np.insert: insert,
        np.delete: delete,
        np.pad: pad,
        np.vander: vander,
        **{getattr(np, name): make for name, make in _LATER.items() if hasattr(np, name)},
    }
)
