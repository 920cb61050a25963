"""Formulas as Python functions: the user's own function, run on symbolic arrays.

The function is made anew (``types.FunctionType``) over a *copy* of its globals
in which NumPy, SciPy and ``math`` are stand-ins that accept symbols where the
originals cannot (:mod:`symderive.language.stand_ins`): constructors (``np.zeros(d)``), ``scipy.special.logsumexp``,
``math.log(n)``, ``len``, ``sum``, imports inside the function.  Helpers,
closures, defaults and decorated functions are made anew in the same way.  The
user's module is not touched.

This runs the user's code, so it is for trusted code; text is for anything.
Arrays that the function makes change in place (see :class:`~symderive.language.arrays.Array`).
What cannot be followed symbolically (a branch on data, a loop over a dimension, a
change of an argument) raises with the line of the user's function.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import linecache
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from symderive.errors import SymderiveError, UnknownNameError, UnsupportedError
from symderive.language import arrays
from symderive.language.arrays import READING, Array, Dim, as_array
from symderive.language.stand_ins import BUILTINS, MATH, stand_in
from symderive.language.text_reader import scope_dimensions

_SCIENCE = frozenset({"numpy", "scipy", "math"})
_LEFT_ALONE = frozenset({"symderive", "sympy", *_SCIENCE})
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE | inspect.CO_ASYNC_GENERATOR


class _Module:
    """A module whose functions are stand-ins where they have to be; it cannot be written to."""

    __slots__ = ("_module", "_rebinder")

    def __init__(self, module: types.ModuleType, rebinder: _Rebinder) -> None:
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_rebinder", rebinder)

    def __getattr__(self, name: str) -> Any:
        if self._module.__name__ in ("math", "numpy") and name in ("pi", "e"):
            return MATH[name]
        return self._rebinder.convert(getattr(self._module, name))

    def __setattr__(self, name: str, value: object) -> None:
        raise UnsupportedError(f"the function writes into the module {self._module.__name__}")

    def __repr__(self) -> str:
        return repr(self._module)


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
            **BUILTINS,
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

    def handed(self, value: Any) -> Any:
        """An argument: its functions are made anew, its arrays are the function's own."""
        if isinstance(value, Array):
            self.remember(value, value)
        elif isinstance(value, Mapping):
            for part in value.values():
                self.handed(part)
        elif isinstance(value, list | tuple):
            for part in value:
                self.handed(part)
        return self.convert(value)

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
        return stand_in(value)

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


def _followed(source: Callable[..., Any], rebinder: _Rebinder, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the function, made anew, returns for these arguments."""
    plain = inspect.unwrap(source) if callable(source) else source
    code = getattr(plain, "__code__", None)
    if code is not None and code.co_flags & _GENERATORS:
        raise UnsupportedError(f"{_name(source)} is a generator or a coroutine; a formula returns its value")
    call = vars(type(source)).get("__call__")
    method = types.MethodType(call, source) if isinstance(call, types.FunctionType) else source
    function = rebinder.convert(method)
    token = READING.set(True)
    try:
        return function(*args, **kwargs)
    except Exception as error:
        _raise(error, rebinder, source)
    finally:
        READING.reset(token)


def run_function(source: Callable[..., Any], args: Sequence[Any]) -> Any:
    """Run the user's own function on arguments that hold symbolic arrays; what it returns, as it is.

    Arrays among the arguments are the caller's gift: the function may change them in place.  The
    code that runs and what it cannot do are as in :func:`symderive.read`.

    Raises `UnsupportedError` (and `ShapeError`, ...) with the line of the user's function.

    >>> from symderive.language.arrays import array
    >>> str(run_function(lambda p: {"w": 2 * p["w"]}, [{"w": array("w", "d")}])["w"])
    '2 * w'
    """
    rebinder = _Rebinder()
    return _followed(source, rebinder, [rebinder.handed(value) for value in args], {})


def read_function(source: Callable[..., Any], declared: Mapping[str, Any]) -> Array:
    """Run the user's own function on symbolic arrays; see :func:`symderive.read`."""
    args, kwargs = _bound(source, declared)
    result = _followed(
        source,
        _Rebinder(),
        [arrays.held(a) if isinstance(a, Array) else a for a in args],
        {k: arrays.held(a) if isinstance(a, Array) else a for k, a in kwargs.items()},
    )
    number = isinstance(result, np.ndarray) and not result.ndim
    if isinstance(result, bool | np.bool_) or not (isinstance(result, Array | int | float | np.number) or number):
        what = "nothing (None)" if result is None else f"a {type(result).__name__}"
        what = "entries under a mask, as many as the data say" if isinstance(result, arrays.Masked) else what
        raise UnsupportedError(f"{_name(source)} returns {what}; a formula returns one array or number")
    try:
        made = as_array(result)
        return Array(made.node, made.axes)
    except SymderiveError as error:
        raise type(error)(f"{error} (in what {_name(source)} returns)") from None


__all__ = ["read_function", "run_function"]
