"""Formulas as Python functions: the user's own function, run on symbolic arrays.

The function is made anew (``types.FunctionType``) over a *copy* of its globals
in which NumPy, SciPy and ``math`` are stand-ins that accept symbols where the
originals cannot: constructors (``np.zeros(d)``), ``scipy.special.logsumexp``,
``math.log(n)``, ``len``, ``sum``, imports inside the function.  Helpers,
closures, defaults and decorated functions are made anew in the same way.  The
user's module is not touched.

This runs the user's code, so it is for trusted code; text is for anything.
What cannot be followed symbolically (a branch on data, a loop over a dimension,
an assignment into an array) raises with the line of the user's function.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import linecache
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from sympy import E, pi

from symderive.errors import ShapeError, SymderiveError, UnknownNameError, UnsupportedError
from symderive.language import arrays, linear_algebra, reductions, ufuncs
from symderive.language.arrays import READING, UFUNCS, Array, Dim, as_array, shape_text
from symderive.language.nodes import Number
from symderive.language.text_reader import scope_dimensions

_SCIENCE = frozenset({"numpy", "scipy", "math"})
_LEFT_ALONE = frozenset({"symderive", "sympy", *_SCIENCE})
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _symbolic(values: Any) -> bool:
    """Whether there is a symbolic array among the values, or in a list of them."""
    if isinstance(values, Array):
        return True
    if isinstance(values, Mapping):
        return any(_symbolic(v) for v in values.values())
    return isinstance(values, list | tuple) and any(_symbolic(v) for v in values)


def _plain(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


# -- stand-ins for what NumPy, SciPy and math cannot do with symbols ---------------------


def _zeros(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    return arrays.zeros(shape)


def _ones(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    return arrays.ones(shape)


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    return arrays.full(shape, fill_value)


def _eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = None, order: str = "C", **_: Any) -> Array:
    size = arrays.as_dimension(N)
    if k != 0 or (M is not None and arrays.as_dimension(M) != size):
        raise UnsupportedError("np.eye is read for square identity matrices, np.eye(d)")
    return arrays.eye(N)


def _arange(*limits: Any, dtype: Any = None, **_: Any) -> Any:
    if not _symbolic(limits):
        return np.arange(*limits)
    start, stop, step = (0, limits[0], 1) if len(limits) == 1 else (*limits, 1)[:3]
    if step != 1:
        raise UnsupportedError("np.arange with a step is not read for symbolic limits")
    length = as_array(stop) - as_array(start)
    if not isinstance(length.node, Number):
        raise UnsupportedError("the limits of np.arange must be dimensions")
    counted = arrays.arange(Dim(length.node.value))
    return counted if not isinstance(start, Array) and start == 0 else as_array(start) + counted


def _as_given(a: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(a, Array):
        return a
    if _symbolic(a):
        raise UnsupportedError("an array put together from a list of symbolic values is not read yet")
    return np.asarray(a, *args, **kwargs)


def _as_copy(a: Any, *args: Any, **kwargs: Any) -> Any:
    given = _as_given(a) if _symbolic(a) else np.array(a, *args, **kwargs)
    return given.copy()


def _at_least(rank: int) -> Callable[..., Any]:
    def make(a: Any) -> Any:
        if not isinstance(a, Array):
            return np.atleast_1d(a) if rank == 1 else np.atleast_2d(a)
        return a[(None,) * max(rank - a.ndim, 0)] if a.ndim < rank else a

    return make


def _logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Array:
    if return_sign:
        raise UnsupportedError("logsumexp(return_sign=True) is not read")
    return reductions.logsumexp(a, axis=axis, b=b, keepdims=keepdims)


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


_MATH: dict[str, Any] = {
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

_NUMPY: dict[Any, Callable[..., Any]] = {
    np.zeros: _zeros,
    np.ones: _ones,
    np.full: _full,
    np.eye: _eye,
    np.identity: lambda n, dtype=None, **_: arrays.eye(n),
    np.arange: _arange,
    np.array: _as_copy,
    np.asarray: _as_given,
    np.asanyarray: _as_given,
    np.ascontiguousarray: _as_given,
    np.asarray_chkfinite: _as_given,
    np.atleast_1d: _at_least(1),
    np.atleast_2d: _at_least(2),
}

_SCIPY: dict[str, Callable[..., Any]] = {
    "logsumexp": _logsumexp,
    "softmax": lambda x, axis=None: reductions.softmax(x, axis=axis),
    "log_softmax": lambda x, axis=None: reductions.log_softmax(x, axis=axis),
    "polygamma": lambda n, x: ufuncs.polygamma(n, x),
    "spherical_jn": lambda n, z: UFUNCS["spherical_jn"](as_array(n), as_array(z)),
    "norm": lambda a, ord=None, axis=None, keepdims=False, **_: linear_algebra.norm(a, ord, axis, keepdims),
}


class _Ufunc:
    """A ufunc; of plain numbers it makes exact constants: ``np.log(2)`` stays log 2."""

    __slots__ = ("_ufunc",)

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc = ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        make = UFUNCS.get(self._ufunc.__name__)
        if make is not None and not kwargs and args and all(_plain(a) for a in args):
            return make(*(as_array(a) for a in args))
        return self._ufunc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)


class _Normal:
    """``scipy.stats.norm``: of symbolic arrays, its formulas."""

    __slots__ = ("_law",)

    def __init__(self, law: Any) -> None:
        self._law = law

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._law, name)

        def make(*values: Any, **named: Any) -> Any:
            if not _symbolic([*values, *named.values()]):
                return real(*values, **named)
            if name not in ufuncs.NORMAL:
                raise UnsupportedError(
                    f"scipy.stats.norm.{name} is not read; of norm are read {', '.join(ufuncs.NORMAL)}"
                )
            return ufuncs.NORMAL[name](*values, **named)

        return make if callable(real) else real


class _Module:
    """A module whose functions are stand-ins where they have to be; it cannot be written to."""

    __slots__ = ("_module", "_rebinder")

    def __init__(self, module: types.ModuleType, rebinder: _Rebinder) -> None:
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_rebinder", rebinder)

    def __getattr__(self, name: str) -> Any:
        if self._module.__name__ in ("math", "numpy") and name in ("pi", "e"):
            return _MATH[name]
        return self._rebinder.convert(getattr(self._module, name))

    def __setattr__(self, name: str, value: object) -> None:
        raise UnsupportedError(f"the function writes into the module {self._module.__name__}")

    def __repr__(self) -> str:
        return repr(self._module)


# -- stand-ins for Python's own functions -------------------------------------------------


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
    return len(a)


def _sum(items: Any, /, start: Any = 0) -> Any:
    if isinstance(items, Array):
        total = reductions.sum_(items, axis=0)
        return total if not isinstance(start, Array) and start == 0 else start + total
    return sum(items, start)


def _extreme(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def make(*items: Any, **kwargs: Any) -> Any:
        values = items[0] if len(items) == 1 and isinstance(items[0], list | tuple) else items
        if not _symbolic(list(values) if isinstance(values, list | tuple) else values):
            return real(*items, **kwargs)
        if len(values) < 2 or kwargs or any(isinstance(v, Array) and v.ndim for v in values):
            raise UnsupportedError(f"{name}() of an array is not read; np.{name}imum(a, b) is, entry by entry")
        return functools.reduce(lambda a, b: UFUNCS[f"{name}imum"](as_array(a), as_array(b)), values)

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


# -- the user's function, made anew --------------------------------------------------------


def _own_code(function: types.FunctionType) -> bool:
    """Whether a function is the user's, not a library's."""
    top = (function.__module__ or "").split(".")[0]
    if top in _LEFT_ALONE or top in sys.stdlib_module_names:
        return False
    return "site-packages" not in function.__code__.co_filename


def _names(code: types.CodeType) -> Iterator[str]:
    """The names that a function and the functions in it may look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


class _Rebinder:
    """Makes functions anew over copied globals; each object is converted once."""

    def __init__(self) -> None:
        self.spaces: dict[int, dict[str, Any]] = {}
        self.done: dict[int, Any] = {}
        self.kept: list[Any] = []  # what `done` knows by id must stay alive
        self.builtins = {
            **vars(builtins),
            "len": _len,
            "sum": _sum,
            "max": _extreme("max", max),
            "min": _extreme("min", min),
            "range": _range,
            "float": _Float,
            "int": _Int,
            "isinstance": _isinstance,
            "print": _silent,
            "__import__": self.import_,
        }

    def import_(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """``import`` inside the user's function."""
        return self.convert(__import__(name, globals, locals, fromlist, level))

    def owns(self, space: dict[str, Any]) -> bool:
        """Whether a frame's globals are a copy of ours."""
        return any(space is copy for copy in self.spaces.values())

    def convert(self, value: Any) -> Any:
        """The stand-in of a value; most values are their own."""
        if isinstance(value, int | float | str | bytes | None):
            return value
        if id(value) in self.done:
            return self.done[id(value)]
        made = self.make(value)
        self.remember(value, made)
        return made

    def remember(self, value: Any, made: Any) -> None:
        """Note a conversion before its parts are converted: functions may call each other."""
        self.kept.append(value)
        self.done[id(value)] = made

    def make(self, value: Any) -> Any:
        if isinstance(value, Array):
            return arrays.held(value)
        if isinstance(value, types.ModuleType):
            top = value.__name__.split(".")[0]
            if top in _SCIENCE:
                return _Module(value, self)
            if top in _LEFT_ALONE or top in sys.stdlib_module_names:
                return value
            return _Module(value, self)
        if isinstance(value, np.ufunc):
            return _Ufunc(value)
        if isinstance(value, types.FunctionType) and _own_code(value):
            return self.function(value)
        if isinstance(value, types.MethodType) and isinstance(value.__func__, types.FunctionType):
            return types.MethodType(self.convert(value.__func__), self.owner(value.__self__))
        if isinstance(value, functools.partial):
            keywords = {k: self.convert(v) for k, v in value.keywords.items()}
            return functools.partial(self.convert(value.func), *map(self.convert, value.args), **keywords)
        if type(value) is list:
            return [self.convert(v) for v in value]
        if type(value) is tuple:
            return tuple(self.convert(v) for v in value)
        if type(value) is set:
            return set(value)
        if type(value) is dict:
            return {k: self.convert(v) for k, v in value.items()}
        wrapped = getattr(value, "__wrapped__", None)
        if isinstance(wrapped, types.FunctionType) and not isinstance(value, type) and _own_code(wrapped):
            return self.convert(wrapped)  # functools.cache, and the like
        return self.stand_in(value)

    def owner(self, value: Any) -> Any:
        """The object that a method belongs to, with its class's methods made anew; a copy."""
        if id(value) in self.done:
            return self.done[id(value)]
        own = value if isinstance(value, type) else type(value)
        top = own.__module__.split(".")[0]
        library = top in _LEFT_ALONE or top in sys.stdlib_module_names
        hooked = type(own) is not type or "__init_subclass__" in {name for b in own.__mro__[:-1] for name in vars(b)}
        if library or hooked or not (own is value or hasattr(value, "__dict__")):
            return value
        methods: dict[str, Any] = {}
        copy: Any = type(own.__name__, (own,), {"__module__": own.__module__})
        made = copy
        if own is not value:
            made = object.__new__(copy)
            made.__dict__.update({name: self.convert(part) for name, part in vars(value).items()})
        self.remember(value, made)
        for base in reversed(own.__mro__[:-1]):
            methods.update(vars(base))
        for name, part in methods.items():
            if isinstance(part, types.FunctionType):
                setattr(copy, name, self.convert(part))
            elif isinstance(part, staticmethod | classmethod):
                setattr(copy, name, type(part)(self.convert(part.__func__)))
            elif isinstance(part, property) and isinstance(part.fget, types.FunctionType):
                setattr(copy, name, property(self.convert(part.fget), part.fset, part.fdel))
        return made

    @staticmethod
    def stand_in(value: Any) -> Any:
        """The stand-in of a library's function."""
        if not callable(value):
            return value
        try:
            found = _NUMPY.get(value)
        except TypeError:  # unhashable
            return value
        if found is not None:
            return found
        if type(value).__module__.startswith("scipy.stats.") and type(value).__name__ == "norm_gen":
            return _Normal(value)
        module, name = getattr(value, "__module__", None) or "", getattr(value, "__name__", "")
        if module.startswith("scipy.") and name in _SCIPY and not isinstance(value, type):
            return _SCIPY[name]
        if module == "math" and name in _MATH:
            return _MATH[name]
        return value

    def function(self, function: types.FunctionType) -> types.FunctionType:
        space = self.spaces.get(id(function.__globals__))
        if space is None:
            space = {**function.__globals__, "__builtins__": self.builtins}
            self.spaces[id(function.__globals__)] = space
            self.kept.append(function.__globals__)
        cells = tuple(types.CellType() for _ in function.__closure__ or ())
        made = types.FunctionType(function.__code__, space, function.__name__, None, cells or None)
        self.remember(function, made)
        made.__qualname__, made.__module__ = function.__qualname__, function.__module__
        made.__dict__.update(function.__dict__)
        for name in set(_names(function.__code__)):
            if name in function.__globals__ and space[name] is function.__globals__[name]:
                space[name] = self.convert(function.__globals__[name])
        for cell, original in zip(cells, function.__closure__ or (), strict=True):
            try:
                cell.cell_contents = self.convert(original.cell_contents)
            except ValueError:  # an empty cell stays empty
                continue
        if function.__defaults__:
            made.__defaults__ = tuple(self.convert(v) for v in function.__defaults__)
        if function.__kwdefaults__:
            made.__kwdefaults__ = {k: self.convert(v) for k, v in function.__kwdefaults__.items()}
        return made


def _name(source: Any) -> str:
    name = getattr(source, "__name__", None) or type(source).__name__
    return "the lambda" if name == "<lambda>" else name


def _bound(source: Any, declared: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments to call the function with."""
    try:
        signature = inspect.signature(source)
    except (TypeError, ValueError):
        raise UnsupportedError(f"{_name(source)} is no Python function that can be read") from None
    dimensions = scope_dimensions(declared)
    parameters = list(signature.parameters.values())
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    surplus = [name for name in declared if name not in names]
    if surplus and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise UnknownNameError(
            f"{_name(source)} has no parameter {', '.join(surplus)}; its parameters are {', '.join(names) or 'none'}"
        )
    args: list[Any] = []
    kwargs: dict[str, Any] = {name: declared[name] for name in surplus}
    missing: list[str] = []
    in_order = True
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.name in declared:
            if p.name in dimensions and not isinstance(declared[p.name], Dim):
                raise UnknownNameError(f"{p.name!r} is declared as an array and is a dimension of another; rename one")
            value = declared[p.name]
        elif p.name in dimensions:
            value = Dim(dimensions[p.name])
        elif p.default is not p.empty:
            in_order = False
            continue
        else:
            missing.append(p.name)
            continue
        if p.kind is not p.KEYWORD_ONLY and in_order:
            args.append(value)
        elif p.kind is p.POSITIONAL_ONLY:
            raise UnsupportedError(f"{_name(source)}: give the positional parameters before {p.name!r} too")
        else:
            kwargs[p.name] = value
    if missing:
        known = ", ".join(dimensions) or "none"
        raise UnknownNameError(
            f'{_name(source)} needs {", ".join(missing)}: give a shape, e.g. {missing[0]}="n" '
            f'(or {missing[0]}="" for a scalar); dimensions of the shapes given are {known}'
        )
    return args, kwargs


def _place(error: BaseException, rebinder: _Rebinder) -> str:
    """Where in the user's function an error came up."""
    found: tuple[str, int, str] | None = None
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if rebinder.owns(frame.f_globals):
            found = (frame.f_code.co_filename, trace.tb_lineno, frame.f_code.co_name)
        trace = trace.tb_next
    if found is None:
        return ""
    filename, line, name = found
    text = linecache.getline(filename, line).strip()
    shown = "the lambda" if name == "<lambda>" else name
    return f" (in {shown}, line {line}{': ' + text if text else ''})"


def _raise(error: Exception, rebinder: _Rebinder, source: Any) -> NoReturn:
    place = _place(error, rebinder)
    if isinstance(error, SymderiveError):
        try:
            again = type(error)(f"{error}{place}")
        except TypeError:
            raise error from None
        raise again from error
    if isinstance(error, AttributeError) and isinstance(error.obj, Array):
        raise UnsupportedError(f".{error.name} of a symbolic array is not read{place}") from error
    raise UnsupportedError(
        f"{_name(source)} cannot be read; run on symbolic arrays it raised {type(error).__name__}: {error}{place}"
    ) from error


def read_function(source: Callable[..., Any], declared: Mapping[str, Any]) -> Array:
    """Run the user's own function on symbolic arrays; see :func:`symderive.read`."""
    plain = inspect.unwrap(source) if callable(source) else source
    code = getattr(plain, "__code__", None)
    if code is not None and code.co_flags & _GENERATORS:
        raise UnsupportedError(f"{_name(source)} is a generator or a coroutine; a formula returns its value")
    args, kwargs = _bound(source, declared)
    rebinder = _Rebinder()
    call = vars(type(source)).get("__call__")
    method = types.MethodType(call, source) if isinstance(call, types.FunctionType) else source
    function = rebinder.convert(method)
    token = READING.set(True)
    try:
        result = function(
            *(arrays.held(a) if isinstance(a, Array) else a for a in args),
            **{k: arrays.held(a) if isinstance(a, Array) else a for k, a in kwargs.items()},
        )
    except Exception as error:
        _raise(error, rebinder, source)
    finally:
        READING.reset(token)
    number = isinstance(result, np.ndarray) and not result.ndim
    if isinstance(result, bool | np.bool_) or not (isinstance(result, Array | int | float | np.number) or number):
        what = "nothing (None)" if result is None else f"a {type(result).__name__}"
        raise UnsupportedError(f"{_name(source)} returns {what}; a formula returns one array or number")
    made = as_array(result)
    return Array(made.node, made.axes)


__all__ = ["read_function"]
