"""What stands in for NumPy, SciPy, ``math`` and Python's own functions while a function is read.

NumPy's functions dispatch to symbolic arrays by themselves.  Here is what does not:
constructors, lists of symbolic entries, SciPy's Python functions, ``math``, ``len``.
What has no stand-in and gets a symbolic array is refused by its name.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sympy import E, pi

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import arrays, joining, linear_algebra, reductions, selections, ufuncs
from symderive.language.arrays import (
    UFUNCS,
    Array,
    Dim,
    as_array,
    elementary,
    highest,
    kind_of_dtype,
    linked,
    shape_text,
)
from symderive.language.nodes import Number
from symderive.language.refusals import refusal


def is_symbolic(values: Any) -> bool:
    """Whether there is a symbolic array among the values, or in a list of them."""
    if isinstance(values, Array | arrays.Masked):
        return True
    if isinstance(values, Mapping):
        return any(is_symbolic(v) for v in values.values())
    return isinstance(values, list | tuple) and any(is_symbolic(v) for v in values)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


# -- constructors --------------------------------------------------------------------------


def _typed(made: Array, dtype: Any, default: str = "f") -> Array:
    made._kind = default if dtype is None else kind_of_dtype(dtype)
    return made


def _zeros(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    return _typed(arrays.zeros(shape), dtype)


def _ones(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    return _typed(arrays.ones(shape), dtype)


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    value = as_array(fill_value)
    made = _typed(arrays.full(shape, value), dtype, value.kind)
    if highest((made.kind, value.kind)) != made.kind:
        raise UnsupportedError("np.full of integers cuts the value off; give dtype=float")
    return made


def _eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    return _typed(selections.eye(N, M, k), dtype)


def _tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None, **_: Any) -> Array:
    return _typed(selections.tri(N, M, k), dtype)


def _arange(*limits: Any, dtype: Any = None, **_: Any) -> Any:
    if not is_symbolic(limits):
        return np.arange(*limits, dtype=dtype)
    start, stop, step = (0, limits[0], 1) if len(limits) == 1 else (*limits, 1)[:3]
    if step != 1:
        raise UnsupportedError("np.arange with a step is not read for symbolic limits")
    length = as_array(stop) - as_array(start)
    if not isinstance(length.node, Number):
        raise UnsupportedError("the limits of np.arange must be dimensions")
    counted = arrays.arange(Dim(length.node.value))
    made = counted if not isinstance(start, Array) and start == 0 else as_array(start) + counted
    return _typed(made, dtype, "i")


def _diag_indices(n: Any, ndim: int = 2) -> tuple[Array, ...]:
    return (arrays.arange(n),) * ndim


def _as_given(a: Any, dtype: Any = None, *_: Any, copy: Any = None, **__: Any) -> Any:
    if not is_symbolic(a):
        return np.asarray(a, dtype)
    given = as_array(a)
    return given if dtype is None else given.astype(dtype, copy=False)


def _as_copy(a: Any, dtype: Any = None, *_: Any, copy: Any = True, ndmin: int = 0, **__: Any) -> Any:
    if not is_symbolic(a):
        return np.array(a, dtype, ndmin=ndmin)
    given = _as_given(a, dtype)
    given = given.copy() if copy and given is a else given
    return given[(None,) * max(ndmin - given.ndim, 0) + (Ellipsis,)]


def _as_contiguous(a: Any, dtype: Any = None) -> Any:
    given = _as_given(a, dtype)
    return linked(given.copy(), given) if given is a and isinstance(given, Array) else given


class _Beside:
    """``np.r_`` and ``np.c_``."""

    __slots__ = ("_columns", "_real")

    def __init__(self, real: Any, columns: bool) -> None:
        self._real, self._columns = real, columns

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if not is_symbolic(keys):
            return self._real[key]
        if any(isinstance(k, str | slice) for k in keys):
            raise UnsupportedError(f"np.{'c_' if self._columns else 'r_'} is read with arrays and numbers only")
        return joining.beside([as_array(k) for k in keys], columns=self._columns)


_NUMPY: dict[Any, Callable[..., Any]] = {
    np.zeros: _zeros,
    np.ones: _ones,
    np.full: _full,
    np.eye: _eye,
    np.identity: lambda n, dtype=None, **_: _typed(arrays.eye(n), dtype),
    np.tri: _tri,
    np.arange: _arange,
    np.diag_indices: _diag_indices,
    np.array: _as_copy,
    np.asarray: _as_given,
    np.asanyarray: _as_given,
    np.asarray_chkfinite: _as_given,
    np.ascontiguousarray: _as_contiguous,
    np.asfortranarray: _as_contiguous,
    np.isscalar: lambda element: not element.ndim if isinstance(element, Array) else np.isscalar(element),
    np.iterable: lambda y: bool(y.ndim) if isinstance(y, Array) else np.iterable(y),
}

_OBJECTS: dict[int, Any] = {id(np.r_): _Beside(np.r_, False), id(np.c_): _Beside(np.c_, True)}

_PAIRS = frozenset({np.dot, np.inner, np.outer, np.vdot, np.kron, np.cross, np.append, np.convolve, np.polyval})
"""Functions whose second argument is an array as the first one is."""

_LISTS = frozenset(
    {np.select, np.piecewise, np.block, np.einsum, np.linalg.multi_dot, np.concatenate, np.stack, np.hstack, np.vstack,
     np.dstack, np.column_stack, np.shape, np.meshgrid, np.broadcast_arrays}
)  # fmt: skip
"""Functions that take lists of arrays."""


# -- SciPy ------------------------------------------------------------------------------------


def _logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Array:
    if return_sign:
        raise UnsupportedError("logsumexp(return_sign=True) is not read")
    return reductions.logsumexp(a, axis=axis, b=b, keepdims=keepdims)


def _eigh(a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, **options: Any) -> Any:
    _plain_options("scipy.linalg.eigh", b=b, **options)
    return linear_algebra.eigvalsh(a) if eigvals_only else tuple(linear_algebra.eigh(a))


def _eigvalsh(a: Any, b: Any = None, *, lower: bool = True, **options: Any) -> Array:
    _plain_options("scipy.linalg.eigvalsh", b=b, **options)
    return linear_algebra.eigvalsh(a)


_NO_MATTER = frozenset(
    ["overwrite_a", "overwrite_b", "overwrite_x", "check_finite", "debug", "driver", "lapack_driver", "type", "turbo"]
)


def _plain_options(what: str, **options: Any) -> None:
    """Options that say how SciPy computes do not matter; others are refused."""
    for key, value in options.items():
        if value is not None and key not in _NO_MATTER:
            raise UnsupportedError(f"{what}({key}=...) is not read on symbolic arrays")


def _scipy_linalg(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        kept = {k: v for k, v in kwargs.items() if k not in _NO_MATTER}
        return make(*args, **kept)

    stand_in.__name__ = name
    return stand_in


def _cdist(XA: Any, XB: Any, metric: str = "euclidean", **options: Any) -> Array:
    _plain_options("scipy.spatial.distance.cdist", **options)
    difference = as_array(XA)[:, None, :] - as_array(XB)[None, :, :]
    if metric == "cityblock":
        return np.sum(np.abs(difference), axis=-1)  # type: ignore[return-value]
    if metric not in ("euclidean", "sqeuclidean"):
        raise UnsupportedError(f"cdist is read for 'euclidean', 'sqeuclidean' and 'cityblock', got {metric!r}")
    squares = reductions.sum_(difference**2, axis=-1)
    return squares if metric == "sqeuclidean" else elementary("sqrt", squares)


_SCIPY: dict[tuple[str, str], Callable[..., Any]] = {
    ("special", "logsumexp"): _logsumexp,
    ("special", "softmax"): lambda x, axis=None: reductions.softmax(x, axis=axis),
    ("special", "log_softmax"): lambda x, axis=None: reductions.log_softmax(x, axis=axis),
    ("special", "polygamma"): lambda n, x: ufuncs.polygamma(n, x),
    ("special", "spherical_jn"): lambda n, z: UFUNCS["spherical_jn"](as_array(n), as_array(z)),
    ("spatial", "cdist"): _cdist,
    ("linalg", "eigh"): _eigh,
    ("linalg", "eigvalsh"): _eigvalsh,
    **{
        ("linalg", name): _scipy_linalg(name, make)
        for name, make in {
            "norm": linear_algebra.norm,
            "inv": linear_algebra.inv,
            "det": linear_algebra.det,
            "solve": linear_algebra.scipy_solve,
            "cholesky": linear_algebra.scipy_cholesky,
            "cho_factor": linear_algebra.cho_factor,
            "cho_solve": linear_algebra.cho_solve,
            "solve_triangular": linear_algebra.solve_triangular,
            "block_diag": linear_algebra.block_diag,
            "svd": linear_algebra.svd,
            "svdvals": linear_algebra.svdvals,
            "toeplitz": linear_algebra.toeplitz,
        }.items()
    },
}
"""By the subpackage of SciPy and the name in it."""


class Normal:
    """``scipy.stats.norm``: of symbolic arrays, its formulas."""

    __slots__ = ("_law",)

    def __init__(self, law: Any) -> None:
        self._law = law

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._law, name)

        def make(*values: Any, **named: Any) -> Any:
            if not is_symbolic([*values, *named.values()]):
                return real(*values, **named)
            if name not in ufuncs.NORMAL:
                raise UnsupportedError(
                    f"scipy.stats.norm.{name} is not read; of norm are read {', '.join(ufuncs.NORMAL)}"
                )
            return ufuncs.NORMAL[name](*values, **named)

        return make if callable(real) else real


# -- math ---------------------------------------------------------------------------------------


def _math_log(x: Any, base: Any = None) -> Any:
    result = UFUNCS["log"](as_array(x))
    return result if base is None else result / UFUNCS["log"](as_array(base))


def _scalar_only(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``math``'s functions take scalars; a vector there is an error, as it is when it runs."""

    def make(*values: Any) -> Any:
        for value in values:
            if isinstance(value, Array) and value.ndim:
                raise ShapeError(f"math.{name} takes a number, got the shape {shape_text(value.dims)}")
        return function(*values)

    return make


def _from_ufunc(name: str) -> Callable[..., Any]:
    return lambda *values: UFUNCS[name](*(as_array(v) for v in values))


MATH: dict[str, Any] = {
    "pi": Array(Number(pi)),
    "e": Array(Number(E)),
    "log": _scalar_only("log", _math_log),
    **{
        name: _scalar_only(name, _from_ufunc(ufunc))
        for name, ufunc in {
            "sqrt": "sqrt", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log2": "log2", "log10": "log10",
            "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh",
            "tanh": "tanh", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
            "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "cbrt": "cbrt", "hypot": "hypot", "erf": "erf",
            "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln", "degrees": "degrees", "radians": "radians",
            "copysign": "copysign", "fmod": "fmod", "floor": "floor", "ceil": "ceil", "trunc": "trunc",
            "fabs": "absolute", "pow": "power",
        }.items()
    },
}  # fmt: skip
"""``math``'s functions and constants."""


# -- Python's own functions ---------------------------------------------------------------------


class _Numeric(type):
    """``isinstance(x, float)`` in the user's function asks for real floats."""

    real: type

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.real)


class _Float(float, metaclass=_Numeric):
    """``float(x)``: of a symbolic scalar, the scalar."""

    real = float  # type: ignore[assignment]
    dtype = np.dtype(float)

    def __new__(cls, value: Any = 0.0) -> Any:
        if isinstance(value, Array):
            return value.item()
        return float(value)


class _Int(int, metaclass=_Numeric):
    """``int(n)``: of a dimension, the dimension."""

    real = int  # type: ignore[assignment]
    dtype = np.dtype(int)

    def __new__(cls, value: Any = 0, *args: Any) -> Any:
        if isinstance(value, Array):
            number = value.node.value if isinstance(value.node, Number) else None
            if number is not None and number.is_Integer:
                return int(number)
            if number is not None and number.is_integer:
                return Dim(number)
            raise UnsupportedError("int() of a symbolic value is not read")
        return int(value, *args)


def _len(a: Any) -> Any:
    if isinstance(a, Array):
        if not a.ndim:
            raise TypeError("len() of a scalar array")
        return a.shape[0]
    if isinstance(a, arrays.Masked):
        return a.size
    return len(a)


def _sum(items: Any, /, start: Any = 0) -> Any:
    if isinstance(items, Array):
        total = reductions.sum_(items, axis=0)
        return total if not isinstance(start, Array) and start == 0 else start + total
    return sum(items, start)


def _extreme(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """``max`` and ``min``: of numbers, of a list of them, of the entries of a vector."""

    def make(*items: Any, **kwargs: Any) -> Any:
        values = items[0] if len(items) == 1 else items
        if not is_symbolic(values if isinstance(values, Array) else list(values)):
            return real(*items, **kwargs)
        if kwargs:
            raise UnsupportedError(f"{name}() of symbolic values is read without key and default")
        if isinstance(values, Array):
            if values.ndim == 1:
                return reductions.reduced(name, values)
            raise UnsupportedError(f"Python's {name}() of a matrix compares rows; write np.{name}(a), with axis=")
        if any(isinstance(v, Array) and v.ndim for v in values):
            raise UnsupportedError(f"{name}() of arrays compares them whole; np.{name}imum(a, b) is entry by entry")
        return functools.reduce(lambda a, b: elementary(f"{name}imum", a, b), values)

    return make


def _range(*limits: Any) -> range:
    for limit in limits:
        if isinstance(limit, Array) and not (isinstance(limit.node, Number) and limit.node.value.is_Integer):
            raise UnsupportedError(
                f"a loop over the symbolic dimension {limit} has no fixed length; write it with whole-array functions"
            )
    return range(*(int(limit) if isinstance(limit, Array) else limit for limit in limits))


def _isinstance(value: Any, kinds: Any) -> bool:
    if isinstance(value, Array) and not isinstance(value, Dim):
        flat = kinds if isinstance(kinds, tuple) else (kinds,)
        if np.ndarray in flat:
            return value.ndim > 0
        if not value.ndim and any(isinstance(k, type) and issubclass(float, k) for k in flat):
            return True
    return isinstance(value, kinds)


def _silent(*_: Any, **__: Any) -> None:
    """``print`` while a function is read: it is read for its formula."""


BUILTINS: dict[str, Any] = {
    "len": _len,
    "sum": _sum,
    "max": _extreme("max", max),
    "min": _extreme("min", min),
    "range": _range,
    "float": _Float,
    "int": _Int,
    "isinstance": _isinstance,
    "print": _silent,
}
"""Python's own functions."""


# -- one stand-in for one value --------------------------------------------------------------------


class Ufunc:
    """A ufunc; of plain numbers it makes exact constants: ``np.log(2)`` stays log 2."""

    __slots__ = ("_ufunc",)

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc = ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self._ufunc.__name__
        if name in UFUNCS and not kwargs and args and all(_is_plain(a) for a in args):
            return elementary(name, *args)
        return self._ufunc(*(_put_together(a) for a in args), **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)


def _put_together(value: Any) -> Any:
    """A list with symbolic entries as an array; anything else as it is."""
    return as_array(value) if isinstance(value, list | tuple) and is_symbolic(value) else value


def _taking_lists(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy that takes a list of symbolic entries where it takes an array."""
    count = 2 if function in _PAIRS else 1

    @functools.wraps(function)
    def make(*args: Any, **kwargs: Any) -> Any:
        return function(*(_put_together(a) for a in args[:count]), *args[count:], **kwargs)

    return make


def _guarded(function: Callable[..., Any], home: str, name: str) -> Callable[..., Any]:
    """A library's function that takes numbers only: a symbolic array is refused by the function's name."""

    @functools.wraps(function, updated=())
    def make(*args: Any, **kwargs: Any) -> Any:
        if is_symbolic([*args, *kwargs.values()]):
            raise UnsupportedError(refusal(home, name))
        return function(*args, **kwargs)

    return make


def stand_in(value: Any) -> Any:
    """The stand-in of a library's function or object; most values are their own."""
    if id(value) in _OBJECTS:
        return _OBJECTS[id(value)]
    if isinstance(value, np.ufunc):
        return Ufunc(value)
    if not callable(value) or isinstance(value, type):
        return value
    try:
        found = _NUMPY.get(value)
    except TypeError:  # unhashable
        return value
    if found is not None:
        return found
    if type(value).__module__.startswith("scipy.stats.") and type(value).__name__ == "norm_gen":
        return Normal(value)
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__name__", "")
    top, *rest = module.split(".")
    if top == "math" and name in MATH:
        return MATH[name]
    if top == "scipy" and rest and (rest[0], name) in _SCIPY:
        return _SCIPY[rest[0], name]
    home = ".".join([top, *(part for part in rest if not part.startswith("_"))][:2])
    if type(value).__name__ == "_ArrayFunctionDispatcher":
        if value not in arrays.ARRAY_FUNCTIONS:
            return _guarded(value, home, name)
        return value if value in _LISTS else _taking_lists(value)
    if top in ("numpy", "scipy") and isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return _guarded(value, home, name)
    return value


__all__ = ["BUILTINS", "MATH", "Normal", "Ufunc", "is_symbolic", "stand_in"]
