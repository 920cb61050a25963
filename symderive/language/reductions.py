"""Sums, means, maxima and other functions that drop axes, and those that run along one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sympy import Expr

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.array_functions import triangle
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    REDUCERS,
    UFUNCS,
    Array,
    as_array,
    axes_of,
    elementary,
    no_extras,
    single_axis,
)
from symderive.language.indexing import Axes
from symderive.language.nodes import ONE, Node, Number


def _reduced_axes(a: Array, gone: tuple[int, ...], keepdims: Any) -> Axes:
    real_gone = {a.axes[g] for g in gone}
    order = [x for x in range(a.node.rank) if x not in real_gone]
    out: list[int | None] = []
    for position, axis in enumerate(a.axes):
        if position in gone:
            if keepdims:
                out.append(None)
        else:
            out.append(None if axis is None else order.index(axis))
    return tuple(out)


def sum_(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
    """``np.sum``."""
    no_extras("np.sum", dtype=dtype, out=out, **extras)
    a = as_array(a)
    gone = axes_of(a, axis, "np.sum")
    keepdims = False if keepdims is np._NoValue else keepdims
    node = build.reduce_sum(a.node, [x for g in gone if (x := a.axes[g]) is not None])
    return Array(node, _reduced_axes(a, gone, keepdims))


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
    """``np.mean``."""
    no_extras("np.mean", dtype=dtype, out=out, **extras)
    a = as_array(a)
    count: Expr = ONE
    for g in axes_of(a, axis, "np.mean"):
        count = count * a.dims[g]
    return sum_(a, axis=axis, keepdims=keepdims) / Array(Number(count))


def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **extras: Any
) -> Array:
    """``np.var``."""
    no_extras("np.var", dtype=dtype, out=out, **extras)
    a = as_array(a)
    squares = np.square(a - mean(a, axis=axis, keepdims=True))
    count: Expr = ONE
    for g in axes_of(a, axis, "np.var"):
        count = count * a.dims[g]
    return sum_(squares, axis=axis, keepdims=keepdims) / (Array(Number(count)) - ddof)


def std(a: Any, **kwargs: Any) -> Array:
    """``np.std``."""
    return UFUNCS["sqrt"](var(a, **kwargs))


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: Any = False) -> Array:
    """``np.average`` with weights of the array's shape, or along one axis."""
    if returned:
        raise UnsupportedError("np.average(returned=True) is not read")
    if weights is None:
        return mean(a, axis=axis, keepdims=keepdims)
    a, weights = as_array(a), as_array(weights)
    if weights.ndim != a.ndim:
        if weights.ndim != 1 or axis is None:
            raise ShapeError("np.average: weights must have the array's shape, or be a vector with axis= given")
        position = axes_of(a, axis, "np.average")[0]
        weights = weights[tuple(slice(None) if i == position else None for i in range(a.ndim))]
    return sum_(a * weights, axis=axis, keepdims=keepdims) / sum_(weights, axis=axis, keepdims=keepdims)


def norm_2(x: Array, axis: Any = None, keepdims: Any = False) -> Array:
    """The root of the sum of squares."""
    return UFUNCS["sqrt"](sum_(np.square(x), axis=axis, keepdims=keepdims))


def _last_axis(a: Array, axis: Any, what: str) -> tuple[Node, tuple[int | None, ...], int]:
    """The node with the given (single) axis moved last, for opaque functions."""
    if axis is None and a.ndim > 1:
        raise UnsupportedError(f"{what} over all axes of a matrix is not read; give axis=")
    (position,) = axes_of(a, -1 if axis is None else axis, what) if a.ndim else (None,)
    if position is None:
        raise ShapeError(f"{what} needs an array with at least one axis")
    if a.axes[position] is None:
        raise UnsupportedError(f"{what} over an axis of length 1 made by indexing is not read")
    last = a.axes[position]
    order = [x for x in a.axes if x is not None and x != last] + [last]
    labels = [order.index(x) for x in range(a.node.rank)]
    shape = tuple(a.node.shape[x] for x in order)  # type: ignore[index]
    node = build.view(a.node, labels, shape)
    return node, tuple(None if x is None else order.index(x) for x in a.axes), position


def reduced(name: str, a: Any, axis: Any = None, keepdims: Any = False) -> Array:
    """An array function that drops axes (logsumexp, prod, max, min), over one axis, several, or all."""
    a = as_array(a)
    gone = axes_of(a, axis, name) if a.ndim else ()
    if not gone:
        raise ShapeError(f"{name} needs an array with at least one axis")
    real_gone = [k for k in gone if a.axes[k] is not None]
    kept = [x for x in a.axes if x is not None and x not in {a.axes[k] for k in real_gone}]
    order = [*kept, *(a.axes[k] for k in real_gone)]
    labels = [order.index(x) for x in range(a.node.rank)]
    node = build.view(a.node, labels, tuple(a.node.shape[x] for x in order))  # type: ignore[index]
    for _ in real_gone:
        node = build.opaque(name, node)
    axes: list[int | None] = []
    for k, x in enumerate(a.axes):
        if k in gone:
            if keepdims and keepdims is not np._NoValue:
                axes.append(None)
        else:
            axes.append(None if x is None else kept.index(x))
    return Array(node, tuple(axes))


def _keeping(name: str) -> Callable[..., Array]:
    def make(x: Any, axis: Any = -1) -> Array:
        a = as_array(x)
        node, axes, _ = _last_axis(a, axis, name)
        return Array(build.opaque(name, node), axes)

    return make


_softmax = _keeping("softmax")


_log_softmax = _keeping("log_softmax")


def prod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
    """``np.prod`` (of a matrix: along one axis at a time)."""
    no_extras("np.prod", dtype=dtype, out=out, **extras)
    return reduced("prod", a, axis, keepdims)


def logsumexp(a: Any, axis: Any = None, keepdims: bool = False, b: Any = None) -> Array:
    """log Σ exp(a) along an axis; ``scipy.special.logsumexp`` for symbolic arrays.

    ``axis=None`` sums over all axes, as SciPy does.  ``b`` (weights) gives log Σ b·exp(a).

    >>> import symderive as sd
    >>> print(logsumexp(sd.array("Z", "n", "k"), axis=1))
    sd.logsumexp(Z, axis=1)
    """
    a = as_array(a)
    if b is not None:
        return UFUNCS["log"](sum_(as_array(b) * np.exp(a), axis=axis, keepdims=keepdims))
    return reduced("logsumexp", a, axis, keepdims)


def softmax(x: Any, axis: int | None = None) -> Array:
    """exp(x) / Σ exp(x) along an axis; ``scipy.special.softmax`` for symbolic arrays.

    For a matrix give the axis (SciPy's default, all axes at once, is refused).

    >>> import symderive as sd
    >>> print(softmax(sd.array("z", "k")))
    sd.softmax(z)
    """
    return _softmax(x, axis)


def log_softmax(x: Any, axis: int | None = None) -> Array:
    """x - log Σ exp(x) along an axis; ``scipy.special.log_softmax`` for symbolic arrays.

    >>> import symderive as sd
    >>> print(log_softmax(sd.array("z", "k")))
    sd.log_softmax(z)
    """
    return _log_softmax(x, axis)


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """``np.cumsum``: running sums, the contraction with the mask j <= i."""
    no_extras("np.cumsum", dtype=dtype, out=out)
    a = as_array(a)
    position = single_axis(a, axis, "np.cumsum")
    real = a.axes[position]
    assert real is not None
    size = a.node.shape[real]
    labels = list(range(a.node.rank))
    labels[real] = a.node.rank
    dims = dict(enumerate(a.node.shape)) | {a.node.rank: size}
    mask = triangle(size, size)
    node = build.contract(ONE, [(a.node, labels), (mask, (real, a.node.rank))], range(a.node.rank), dims)
    return Array(node, a.axes)


def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """``np.cumprod``: running products, of the entries up to i and ones beyond."""
    no_extras("np.cumprod", dtype=dtype, out=out)
    a = as_array(a)
    position = single_axis(a, axis, "np.cumprod")
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


def truths(name: str) -> Callable[..., Array]:
    """``np.any`` and ``np.all``: whether some, or every, entry is not 0."""
    what, word = ("max", "np.any") if name == "any" else ("min", "np.all")

    def make(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Array:
        if out is not None or (where is not None and where is not np._NoValue):
            raise UnsupportedError(f"{word} is read with axis and keepdims only")
        a = as_array(a)
        mask = a if a.kind == "b" else elementary("not_equal", a, 0)
        made = reduced(what, mask, axis, keepdims) if mask.ndim else mask.copy()
        made._kind = "b"
        return made

    return make


def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Array:
    """``np.count_nonzero``: how many entries are not 0."""
    made = sum_(elementary("not_equal", as_array(a), 0), axis=axis, keepdims=keepdims)
    made._kind = "i"
    return made


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


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Array:
    """``np.corrcoef`` of a matrix."""
    c = cov(x, y, rowvar)
    deviations = elementary("sqrt", np.diagonal(c))  # type: ignore[arg-type]
    return c / deviations[:, None] / deviations[None, :]


def _reducer(name: str, make: Callable[..., Array]) -> Callable[..., Array]:
    def reduce_(a: Any, axis: Any = 0, keepdims: Any = False, **extras: Any) -> Array:
        no_extras(name, **extras)
        return make(a, axis=axis, keepdims=keepdims)

    return reduce_


REDUCERS.update(
    {
        ("add", "reduce"): _reducer("np.add.reduce", sum_),
        ("multiply", "reduce"): _reducer("np.multiply.reduce", prod),
        ("logaddexp", "reduce"): _reducer("np.logaddexp.reduce", logsumexp),
        ("maximum", "reduce"): _reducer("np.maximum.reduce", extreme("max")),
        ("minimum", "reduce"): _reducer("np.minimum.reduce", extreme("min")),
        ("add", "accumulate"): lambda a, axis=0, dtype=None, out=None: cumsum(a, axis, dtype, out),
        ("multiply", "accumulate"): lambda a, axis=0, dtype=None, out=None: cumprod(a, axis, dtype, out),
    }
)

_LATER = {
    "cumulative_sum": lambda x, /, *, axis=None, dtype=None, out=None: cumsum(x, axis, dtype, out),
    "cumulative_prod": lambda x, /, *, axis=None, dtype=None, out=None: cumprod(x, axis, dtype, out),
}
"""Functions that some versions of NumPy do not have."""

# The entries of a formula are real numbers, so that there is no NaN to leave out.
ARRAY_FUNCTIONS.update(
    {
        np.nansum: sum_,
        np.nanmean: mean,
        np.nanprod: prod,
        np.nanvar: var,
        np.nanstd: std,
        np.nanmax: extreme("max"),
        np.nanmin: extreme("min"),
        np.nancumsum: cumsum,
        np.nancumprod: cumprod,
        np.nan_to_num: lambda x, copy=True, nan=0.0, posinf=None, neginf=None: as_array(x).copy() if copy else x,
    }
)

ARRAY_FUNCTIONS.update(
    {
        np.sum: sum_,
        np.mean: mean,
        np.prod: prod,
        np.var: var,
        np.std: std,
        np.average: average,
        np.max: extreme("max"),
        np.min: extreme("min"),
        np.amax: extreme("max"),
        np.amin: extreme("min"),
        np.ptp: ptp,
        np.any: truths("any"),
        np.all: truths("all"),
        np.count_nonzero: count_nonzero,
        np.cumsum: cumsum,
        np.cumprod: cumprod,
        np.cov: cov,
        np.corrcoef: corrcoef,
        **{getattr(np, name): make for name, make in _LATER.items() if hasattr(np, name)},
    }
)
