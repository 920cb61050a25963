"""Entries of arrays: take, flips, rolls, differences, triangles, and changes of entries in place.

Each is written as an index (:mod:`symderive.language.indexing`) or as a product with a mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symderive.errors import ShapeError, UnsupportedError
from symderive.language.array_functions import triangle
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    Array,
    as_array,
    as_dimension,
    axes_of,
    case_of,
    shape_text,
    single_axis,
)
from symderive.language.joining import concatenate
from symderive.language.nodes import Delta, Range
from symderive.language.reductions import sum_
from symderive.language.reshaping import ravel


def tri(N: Any, M: Any = None, k: int = 0) -> Array:
    """``np.tri``: ones at and below the k-th diagonal."""
    n = as_dimension(N)
    m = n if M is None else as_dimension(M)
    made = Array(triangle(n, m, "le", k))
    made._kind = "f"
    return made


def eye(N: Any, M: Any = None, k: int = 0) -> Array:
    """``np.eye``: ones on the k-th diagonal of a matrix that need not be square."""
    n = as_dimension(N)
    m = n if M is None else as_dimension(M)
    if k == 0 and n == m:
        return Array(Delta(n))
    i, j = Array(Range(n))[:, None], Array(Range(m))[None, :]
    return (j - i == k) * 1.0


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
    position = single_axis(a, axis, "np.diff")
    for _ in range(n):
        later: list[slice] = [slice(None)] * a.ndim
        earlier: list[slice] = [slice(None)] * a.ndim
        later[position], earlier[position] = slice(1, None), slice(None, -1)
        a = a[tuple(later)] - a[tuple(earlier)]
    return a


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """``np.trapezoid``: the integral of what joins the points by lines."""
    y = as_array(y)
    position = single_axis(y, axis, "np.trapezoid")
    ahead: list[slice] = [slice(None)] * y.ndim
    behind = list(ahead)
    ahead[position], behind[position] = slice(1, None), slice(None, -1)
    width: Any = dx
    if x is not None:
        x = as_array(x)
        along = tuple(slice(None) if k == position else None for k in range(y.ndim))
        width = diff(x)[along] if x.ndim == 1 else diff(x, axis=position)
    return sum_(width * (y[tuple(ahead)] + y[tuple(behind)]), axis=position) / 2


def flip(m: Any, axis: Any = None) -> Array:
    """``np.flip``: the order of the entries reversed along axes."""
    a = as_array(m)
    gone = axes_of(a, axis, "np.flip")
    return a[tuple(slice(None, None, -1) if k in gone else slice(None) for k in range(a.ndim))]


def roll(a: Any, shift: int, axis: Any = None) -> Array:
    """``np.roll`` along one axis: the last entries become the first."""
    a = as_array(a)
    position = single_axis(a, axis, "np.roll")
    keys: list[slice] = [slice(None)] * a.ndim
    last, first = list(keys), list(keys)
    last[position], first[position] = slice(-shift, None), slice(None, -shift)
    return a.copy() if shift == 0 else concatenate([a[tuple(last)], a[tuple(first)]], axis=position)


def take(a: Any, indices: Any, axis: Any = None) -> Array:
    """``np.take``: entries along an axis."""
    a = as_array(a)
    position = single_axis(a, axis, "np.take")
    keys: list[Any] = [slice(None)] * a.ndim
    keys[position] = indices
    return a[tuple(keys)].copy()


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Array:
    """``np.take_along_axis``: for each place of ``indices``, the entry of its line along the axis."""
    a = as_array(arr)
    return a[_along_axis(a, indices, axis, "np.take_along_axis")]


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    """``np.put_along_axis``: writes what ``take_along_axis`` would read, in place."""
    arr[_along_axis(arr, indices, axis, "np.put_along_axis")] = values


def _along_axis(a: Array, indices: Any, axis: Any, name: str) -> tuple[Any, ...]:
    index = as_array(indices)
    (position,) = axes_of(a, axis, name)
    if axis is None or index.ndim != a.ndim:
        raise ShapeError(
            f"{name} needs an axis and indices with {a.ndim} axes (y[:, None] for one a row), "
            f"got {shape_text(index.dims)}"
        )
    keys: list[Any] = []
    for k, size in enumerate(a.dims):
        places = Array(Range(size))[tuple(slice(None) if k == j else None for j in range(a.ndim))]
        keys.append(index if k == position else places)
    return tuple(keys)


def ix_(*args: Any) -> tuple[Array, ...]:
    """``np.ix_``: vectors of indices, each along an axis of its own."""
    given = [as_array(a) for a in args]
    if any(a.ndim != 1 for a in given):
        raise ShapeError("np.ix_ needs vectors of indices")
    return tuple(a[tuple(slice(None) if j == k else None for j in range(len(given)))] for k, a in enumerate(given))


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Array:
    """``np.rot90`` of the first two axes."""
    a = as_array(m)
    if a.ndim < 2 or tuple(axes) != (0, 1):
        raise UnsupportedError("np.rot90 is read for the first two axes of a matrix")
    turned = np.swapaxes(a, 0, 1)  # type: ignore[arg-type]
    return (a, flip(turned, 0), flip(a, (0, 1)), flip(turned, 1))[k % 4][...]


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """``np.fill_diagonal`` of a square matrix, in place."""
    if not isinstance(a, Array) or a.ndim != 2 or a.dims[0] != a.dims[1]:
        raise UnsupportedError("np.fill_diagonal is read for a square matrix")
    places = Array(Range(a.dims[0]))
    a[places, places] = val


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """``np.copyto``: an assignment into an array, everywhere or under a mask of its shape."""
    if where is True:
        dst[...] = src
    else:
        dst[...] = case_of(as_array(where), as_array(src), as_array(dst))


def putmask(a: Any, mask: Any, values: Any) -> None:
    """``np.putmask`` (and ``np.place``) of one number."""
    if as_array(values).ndim:
        raise UnsupportedError("np.putmask is read for one number; write a[mask] = value")
    a[as_array(mask)] = values


ARRAY_FUNCTIONS.update(
    {
        np.diff: diff,
        np.ediff1d: lambda ary: diff(ravel(ary)),
        np.flip: flip,
        np.flipud: lambda m: flip(m, 0),
        np.fliplr: lambda m: flip(m, 1),
        np.roll: roll,
        np.rot90: rot90,
        np.ix_: ix_,
        np.triu: triu,
        np.tril: tril,
        np.take: take,
        np.take_along_axis: take_along_axis,
        np.put_along_axis: put_along_axis,
        np.fill_diagonal: fill_diagonal,
        np.copyto: copyto,
        np.putmask: putmask,
        np.place: putmask,
        **{getattr(np, name): trapezoid for name in ("trapezoid", "trapz") if hasattr(np, name)},
    }
)
