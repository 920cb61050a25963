"""Symbolic arrays that NumPy's own functions accept.

An :class:`Array` is a node of :mod:`symderive.language.nodes` seen through
NumPy's eyes: ``axes`` lays the node's axes in the user's order, with ``None``
for axes of length 1 that indexing or ``keepdims`` made.  NumPy dispatches its
functions here by ``__array_ufunc__`` and ``__array_function__``, so a loss is
written in ordinary NumPy.  Nothing is computed, nothing is simplified.
"""

from __future__ import annotations

import keyword
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import E, Expr, Integer, Rational, Symbol, exp, log, pi, sqrt, sympify

from symderive.errors import (
    DomainError,
    ShapeError,
    UnknownNameError,
    UnsupportedAttributeError,
    UnsupportedError,
)
from symderive.language import build, functions
from symderive.language.domains import AXIS_STRUCTURES, Domain, real
from symderive.language.functions import FUNCTIONS
from symderive.language.indexing import Axes, Indices, Selection, integer_bounds, overwritten, selection_of
from symderive.language.nodes import (
    ONE,
    ZERO,
    Basis,
    Contraction,
    Delta,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Range,
    Shape,
    Sum,
)

READING: ContextVar[bool] = ContextVar("READING", default=False)
"""Set while a user's function runs on symbolic arrays (:mod:`.function_reader`).

Then ``a -= b`` rebinds a local array, where nothing else can see the change,
and ``n == 1`` on dimensions is an error unless it is decided.
"""

RESERVED = frozenset(
    {"np", "sd", "numpy", "scipy"} | {row.numpy for row in FUNCTIONS.values() if "." not in row.numpy}
)
"""Names that generated text uses itself."""


def check_name(name: object, what: str = "an array") -> str:
    """A name that text, LaTeX and generated code can all carry."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise UnknownNameError(
            f"{what} needs a name that is a Python identifier (letters, digits, underscore), got {name!r}"
        )
    if len(name) > 60:
        raise UnknownNameError(f"{what} needs a name of at most 60 characters, got one of {len(name)}")
    if name in RESERVED:
        raise UnknownNameError(f"the name {name!r} is taken by generated code; choose another for {what}")
    return name


def dimension_symbol(name: str) -> Symbol:
    """The one maker of dimension symbols: a positive integer."""
    return Symbol(check_name(name, "a dimension"), integer=True, positive=True)


def _known_floats() -> dict[float, Expr]:
    """Roots and logarithms that formulas have, by the floats that Python computes for them: √2, √(2/π), log(2π)/2."""
    found: dict[float, Expr] = {}
    for over, under, name in ((1.0, 1.0, Integer(1)), (math.pi, 1.0, pi), (1.0, math.pi, 1 / pi)):
        for p in range(1, 13):
            for q in range(1, 13):
                root = sqrt(name * Rational(p, q))
                if math.gcd(p, q) > 1 or root.is_Rational:
                    continue
                a, b = p * over, q * under
                spellings = (math.sqrt(a / b), math.sqrt(a) / math.sqrt(b), 1 / math.sqrt(b / a), float(root.evalf(30)))
                found.update(dict.fromkeys(spellings, root))
    logarithms = [(math.pi, pi), (2 * math.pi, 2 * pi), (math.pi / 2, pi / 2), (2 * math.pi * math.e, 2 * pi * E)]
    logarithms += [(p, Integer(p)) for p in (*range(2, 13), 100)]
    for factor in (Integer(1), Rational(1, 2), Integer(2)):
        for value, name in logarithms:
            found.setdefault(float(factor) * math.log(value), factor * log(name))
    return found


def exact(value: object) -> Expr:
    """A Python, NumPy or SymPy number as an exact SymPy one.

    A float means its shortest decimal (0.1 is 1/10), or the simple fraction that it is
    the nearest float to (1/3, which Python has rounded by then); the floats of π, 2π, π/2,
    e and of roots and logarithms such as √2, √(2/π), log 2, log(2π)/2 mean those numbers.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return Integer(int(value))
    if isinstance(value, int):
        return Integer(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DomainError(f"a constant in a formula must be finite, got {value}")
        for part in (1, 2, 3, 4, 6):
            multiple = round(value / math.pi * part)
            if 0 < abs(multiple) <= 16 and multiple * math.pi / part == value:
                return pi * Rational(multiple, part)
        if value == math.e:
            return E
        simple = Fraction(value).limit_denominator(1000)
        if float(simple) == value:
            return Rational(simple.numerator, simple.denominator)
        known = _KNOWN_FLOATS.get(abs(value))
        if known is not None:
            return known if value > 0 else -known
        return Rational(repr(value))
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    if isinstance(value, Expr):
        for symbol in value.free_symbols:
            if not (symbol.is_integer and symbol.is_positive):
                raise UnsupportedError(
                    f"the SymPy symbol {symbol} is not a dimension; declare it as sd.array({str(symbol)!r}), "
                    "or pass the whole expression through sd.from_sympy"
                )
        return value
    raise UnsupportedError(f"cannot use a {type(value).__name__} in a formula: {str(value)[:60]!r}")


def _dim_text(dim: Expr) -> str:
    return str(dim)


def shape_text(shape: Sequence[Expr | int]) -> str:
    """A shape in the user's dimension names: ``(n, d)``."""
    inner = ", ".join(_dim_text(sympify(s)) for s in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


_KNOWN_FLOATS = _known_floats()


class Array(np.lib.mixins.NDArrayOperatorsMixin):
    """A symbolic array: use it as you would use a NumPy array.

    ``.shape`` holds the dimensions' names, ``.T``, ``.sum()``, ``.mean()``,
    ``.dot()``, indexing with ``None``, ``:`` and integers work, and so do
    NumPy's functions.  ``str`` gives NumPy text that :func:`symderive.read`
    reads back, ``.latex`` the formula, ``.to_sympy()`` SymPy sums over indices.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w = sd.array("X", n, d), sd.array("w", d)
    >>> np.sum((X @ w) ** 2).shape
    ()
    """

    __slots__ = ("_base", "_held", "_kind", "_lost", "_node", "_part", "_picked", "_seen", "_version", "axes")
    axes: Axes
    __array_priority__ = 1000.0
    _op_priority = 1000.0

    def __init__(self, node: Node, axes: Axes | None = None) -> None:
        self._node = node
        self.axes = tuple(range(node.rank)) if axes is None else axes
        # What follows is about memory: arrays change in place while a function is read, as NumPy's do.
        self._base: Array | None = None  # the array whose memory this one shares
        self._part: Selection | None = None  # which part of its base a view shows; None where that is not known
        self._version = 0  # how often this array was changed
        self._seen = 0  # the base's version when this view was taken
        self._lost = ""  # why the value is no longer known
        self._held = False  # the caller holds this array; it must not change in place
        self._picked: _Picked | None = None  # where the entries were gathered from, for ``a[rows, columns] += b``
        self._kind: str | None = None  # "b" for truth values, "i" for integers, "f"; None: as the node says

    # -- looks -----------------------------------------------------------------

    @property
    def node(self) -> Node:
        """The value, as a program."""
        self._refresh()
        return self._node

    def _refresh(self) -> None:
        """A view follows its base; one whose part of it is not known cannot."""
        if self._lost:
            raise UnsupportedError(self._lost)
        base = self._base
        if base is None:
            return
        base._refresh()
        if self._seen != base._version:
            if self._part is None:
                raise UnsupportedError(_MAY_SHARE)
            self._node = self._part.pick(base._node)
            self._seen = base._version

    @property
    def kind(self) -> str:
        """What NumPy would hold the entries in: "b" (truth values), "i" (integers) or "f" (floats)."""
        return self._kind or _kind_of(self.node)

    @property
    def dims(self) -> Shape:
        """The shape as SymPy expressions (1 for an axis that indexing made)."""
        return tuple(ONE if a is None else self.node.shape[a] for a in self.axes)

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape: a :class:`Dim` for each named dimension, an int for each fixed one."""
        return tuple(int(s) if s.is_Integer else Dim(s) for s in self.dims)

    @property
    def ndim(self) -> int:
        return len(self.axes)

    @property
    def size(self) -> Any:
        """The number of entries, in the dimensions."""
        size: Expr = ONE
        for s in self.dims:
            size = size * s
        return int(size) if size.is_Integer else Dim(size)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype({"b": bool, "i": int, "f": float}[self.kind])

    @property
    def name(self) -> str:
        """The declared or given name; arrays without one raise."""
        if isinstance(self.node, Leaf | Named):
            return self.node.name
        raise UnknownNameError(f"this array is an expression and has no name: {self}")

    @property
    def domain(self) -> Domain:
        """The declared domain (``real`` for an expression)."""
        return self.node.domain if isinstance(self.node, Leaf) else real

    @property
    def T(self) -> Array:
        """The transpose."""
        return viewed(self, self.axes[::-1])

    @property
    def mT(self) -> Array:
        """The transpose of the last two axes."""
        if self.ndim < 2:
            raise ShapeError("matrix transpose with ndim < 2 is undefined")
        return viewed(self, (*self.axes[:-2], self.axes[-1], self.axes[-2]))

    @property
    def latex(self) -> str:
        """The formula in LaTeX (amsmath)."""
        from symderive.language.views.latex import array_latex

        return array_latex(self)

    def to_sympy(self, *indices: Any) -> Expr:
        """The component view: SymPy ``Sum``/``Indexed`` at the given (or named) indices."""
        from symderive.language.views.components import array_components

        return array_components(self, indices)

    def __str__(self) -> str:
        from symderive.language.views.text import array_text

        return array_text(self)

    def __repr__(self) -> str:
        return f"Array({self}, shape={shape_text(self.dims)})"

    def __hash__(self) -> int:
        return hash((self.node, self.axes))

    def same_form(self, other: Array) -> bool:
        """Whether the other array is the same program, not merely equal in value."""
        return self.node is other.node and self.axes == other.axes

    def __getattr__(self, name: str) -> Any:
        """NumPy's other methods get an answer in words; anything else is no attribute."""
        if not name.startswith("_") and hasattr(np.ndarray, name):
            raise UnsupportedAttributeError(f"the method .{name}() is not read on symbolic arrays")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # -- what a symbol cannot do -------------------------------------------------

    def __bool__(self) -> bool:
        decided = _decided(self.node)
        if decided is not None:
            return decided
        raise UnsupportedError(
            f"the truth of {self} depends on data; use np.where(condition, a, b) for a case distinction"
        )

    def __float__(self) -> float:
        if isinstance(self.node, Number) and self.node.value.is_number:
            return float(self.node.value)
        raise UnsupportedError(f"{self} is symbolic and has no value as a float")

    def __int__(self) -> int:
        if isinstance(self.node, Number) and self.node.value.is_Integer:
            return int(self.node.value)
        raise UnsupportedError(f"{self} is symbolic and has no value as an int")

    __index__ = __int__
    __complex__ = None

    def __len__(self) -> int:
        if not self.axes:
            raise TypeError("len() of a scalar array")
        first = self.dims[0]
        if first.is_Integer:
            return int(first)
        raise UnsupportedError(
            f"len() must be a Python integer, but this array's first dimension is the symbol {first}; "
            "use .shape[0] (inside sd.read(function) len works)"
        )

    def __iter__(self) -> Iterator[Array]:
        if not self.axes:
            raise TypeError("iteration over a scalar array")
        first = self.dims[0]
        if first.is_Integer:
            return iter([self[i] for i in range(int(first))])
        raise UnsupportedError(
            f"a Python loop over the symbolic dimension {first} has no fixed length; "
            "write it with NumPy's whole-array functions"
        )

    def __contains__(self, item: object) -> bool:
        raise UnsupportedError("'in' on a symbolic array depends on data")

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise UnsupportedError(
            f"this NumPy function needs numbers, but {shape_text(self.dims)} is a symbolic array; "
            "it is not among the functions that symderive reads"
        )

    # -- changes in place: while a function is read, of arrays that it made itself ----------

    def __setitem__(self, key: object, value: Any) -> None:
        keys = self._whole_keys(key)
        if isinstance(value, Masked):
            value.put(self, keys)
            return
        mask = next((k for k in keys if _is_mask(k)), None)
        if mask is not None:
            self._check_writable("assigning into")
            Masked(self, mask, keys).set(as_array(value)).put(self, keys)
            return
        selection, axes = self._select(keys)
        root, selection = self._rooted(selection)
        if isinstance(value, Array) and value._base is root and value._part == selection:
            return  # the end of ``a[key] += b``, which has changed the view a[key]
        self._check_writable("assigning into")
        picked = value._picked if isinstance(value, Array) else None
        if picked is not None and picked.added is not None and picked.is_of(root, selection):
            root._change(build.add([(ONE, root.node), (ONE, selection.place(picked.added))], root.node.shape))
            return
        value = as_array(value)
        root._check_kind(value)
        if not selection.distinct:
            raise UnsupportedError(
                "assigning to entries by an array of indices that may hold an index twice is not read; "
                "index rows by np.arange(n), or add with np.add.at"
            )
        root._put(selection, laid(value, selection.result, axes))

    def _check_writable(self, what: str) -> None:
        """In place only while a function is read, and only what the function made itself."""
        if not READING.get():
            raise UnsupportedError(
                f"{what} a symbolic array is read in functions (sd.read) only; build the new array by an expression"
            )
        owner: Array | None = self
        while owner is not None:
            if owner._held:
                raise UnsupportedError(
                    f"{what} an argument would change an array that the caller may hold; work on a copy: a = a.copy()"
                )
            owner = owner._base

    def _check_kind(self, value: Array) -> None:
        if "bif".index(value.kind) > "bif".index(self.kind):
            held = {"b": "truth values", "i": "integers"}[self.kind]
            raise UnsupportedError(
                f"NumPy cuts the values off that are put into an array of {held}; make it with dtype=float"
            )

    def _rooted(self, selection: Selection) -> tuple[Array, Selection]:
        """The array that owns the memory, and a selection of this one as a selection of it."""
        if self._base is None or self._part is None:
            return self, selection
        return self._base, selection.of(self._part)

    def _put(self, selection: Selection, value: Node) -> None:
        self._change(overwritten(self.node, selection, value))

    def _change(self, node: Node) -> None:
        """A new value for an array that owns its memory; what may share it unknowably is lost."""
        self._node = node
        self._version += 1
        base, self._base = self._base, None
        while base is not None:
            base._lost = _MAY_SHARE
            base._version += 1
            base = base._base

    def _become(self, value: Array, added: Array | None = None) -> None:
        """The value of the whole array changes, in its memory; ``added`` says by how much, where that is known."""
        self._check_kind(value)
        if value.dims != self.dims:
            raise ShapeError(
                f"in place, the shape {shape_text(self.dims)} cannot become {shape_text(value.dims)}; "
                "write a = a + b for a new array"
            )
        node = laid(value, self.node.shape, self.axes)
        change = None if added is None else laid(added, self.node.shape, self.axes)
        root, part = self._rooted(Selection.whole(self.node.shape))
        if root is self:
            self._change(node)
        else:
            if change is None:
                root._put(part, node)
            else:
                root._change(build.add([(ONE, root.node), (ONE, part.place(change))], root.node.shape))
            self._node, self._seen = node, root._version
        if self._picked is not None:
            self._picked = self._picked.plus(change, node.shape)

    def _in_place(self, other: Any, op: Callable[[Any, Any], Any], sign: str) -> Array:
        if not self.axes:
            return op(self, other)
        if not READING.get():
            raise UnsupportedError(
                f"in-place a {sign}= b would change an array that the caller may hold; write a = a {sign} b"
            )
        self._check_writable(f"in-place {sign}= on")
        if self.kind == "i" and sign == "/":
            raise UnsupportedError("NumPy does not divide an array of integers in place; make it with dtype=float")
        result = op(self, other)
        added = {"+": lambda: as_array(other), "-": lambda: -as_array(other)}.get(sign)
        self._become(result, added() if added and self.kind == "f" else None)
        return self

    def fill(self, value: Any) -> None:
        self[...] = value

    def __iadd__(self, other: object) -> Array:
        return self._in_place(other, operator.add, "+")

    def __isub__(self, other: object) -> Array:
        return self._in_place(other, operator.sub, "-")

    def __imul__(self, other: object) -> Array:
        return self._in_place(other, operator.mul, "*")

    def __itruediv__(self, other: object) -> Array:
        return self._in_place(other, operator.truediv, "/")

    def __ipow__(self, other: object) -> Array:
        return self._in_place(other, operator.pow, "**")

    def __imatmul__(self, other: object) -> Array:
        return self._in_place(other, operator.matmul, "@")

    # -- indexing ------------------------------------------------------------------

    def __getitem__(self, key: object) -> Any:
        keys = self._whole_keys(key)
        mask = next((k for k in keys if _is_mask(k)), None)
        if mask is not None:
            if not READING.get():
                raise UnsupportedError(_NO_MASKS)
            return Masked(self, mask, keys)
        selection, axes = self._select(keys)
        root, selection = self._rooted(selection)
        result = Array(selection.pick(root.node), axes)
        result._kind = self._kind
        if selection.index:
            result._picked = _Picked(root, selection, root._version)
        elif axes or _has_ellipsis(key):  # a single entry is a number of its own
            result._base, result._part, result._seen = root, selection, root._version
        return result

    def _whole_keys(self, key: object) -> tuple[Any, ...]:
        """One key for each axis: '...' and what is left out at the end are written as slices."""
        given = key if isinstance(key, tuple) else (key,)
        keys = [k for g in given for k in _literal(g)]
        consuming = sum(k.ndim if _is_mask(k) else 1 for k in keys if k is not None and k is not Ellipsis)
        if consuming > self.ndim:
            raise ShapeError(f"too many indices: {consuming} for an array of shape {shape_text(self.dims)}")
        if sum(1 for k in keys if k is Ellipsis) > 1:
            raise ShapeError("an index can have one ellipsis ('...')")
        if not any(k is Ellipsis for k in keys):
            keys.append(Ellipsis)
        place = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[place : place + 1] = [slice(None)] * (self.ndim - consuming)
        return tuple(keys)

    def _select(self, keys: tuple[Any, ...]) -> tuple[Selection, Axes]:
        """The keys as a selection of this array's node."""
        found: list[Any] = []
        position = 0
        for k in keys:
            if k is None:
                found.append(None)
                continue
            if isinstance(k, slice):
                found.append(slice(*(_end(end) for end in (k.start, k.stop, k.step))))
            elif isinstance(k, list):
                found.append(tuple(self._index(i, position) for i in k))
            elif _is_index_array(k):
                if k.kind == "f" and integer_bounds(k.node) is None and not isinstance(k.node, Leaf | Named):
                    raise UnsupportedError(_NO_INDEX)
                found.append(Indices(k.node, k.axes))
            else:
                found.append(self._index(k, position))
            position += 1
        return selection_of(self.node.shape, self.axes, found)

    def _index(self, k: object, position: int) -> Expr:
        size = self.dims[position]
        if isinstance(k, Array) and isinstance(k.node, Number) and k.node.value.is_integer:
            value = k.node.value
            return size + value if value.is_negative else value
        if isinstance(k, bool) or not hasattr(k, "__index__") or isinstance(k, Array):
            raise UnsupportedError(
                f"cannot index with {type(k).__name__}; integers, slices, arrays of indices, '...' and None are read"
            )
        index = operator.index(k)  # type: ignore[arg-type]
        if size.is_Integer and not -int(size) <= index < int(size):
            raise ShapeError(f"index {index} is out of bounds for axis {position} of size {size}")
        return size + index if index < 0 else Integer(index)

    # -- NumPy's protocols -----------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Masked) for x in inputs):
            return NotImplemented
        if method == "reduce":
            return _reduce(ufunc.__name__, *inputs, **kwargs)
        if method == "at":
            return _scattered(ufunc.__name__, *inputs)
        out = kwargs.pop("out", None)
        if out is not None and READING.get():
            (target,) = out
            target[...] = self.__array_ufunc__(ufunc, method, *inputs, **kwargs)
            return target
        if out is not None:
            kwargs["out"] = out
        for key, value in kwargs.items():
            if value is not None and not (key == "where" and value is True):
                raise UnsupportedError(f"np.{ufunc.__name__}({key}=...) is not read on symbolic arrays")
        name = ufunc.__name__
        if method == "outer" and len(inputs) == 2:
            a, b = as_array(inputs[0]), as_array(inputs[1])
            return self.__array_ufunc__(ufunc, "__call__", a[(..., *[None] * b.ndim)], b)
        if method != "__call__" or name not in UFUNCS:
            if name in REFUSED_UFUNCS:
                raise UnsupportedError(f"{name} {REFUSED_UFUNCS[name]}")
            raise UnsupportedError(f"the NumPy function {name!r} ({method}) is not read on symbolic arrays")
        return elementary(name, *inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, Masked) for t in types):
            return NotImplemented
        maker = ARRAY_FUNCTIONS.get(func)
        if maker is None:
            home = getattr(func, "__module__", None) or "numpy"
            raise UnsupportedError(f"the NumPy function {home}.{func.__name__} is not read on symbolic arrays")
        result = maker(*args, **kwargs)
        if isinstance(result, Array) and result._kind is None and not isinstance(result, Dim):
            result._kind = _kind_of_result(func.__name__, [*args, *kwargs.values()])
        return result

    # -- methods ---------------------------------------------------------------------

    def sum(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Array:
        return mean(self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.prod, self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Array:
        return var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Array:
        return std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def dot(self, other: Any) -> Array:
        return _dispatched(np.dot, self, other)

    def max(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.max, self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.min, self, axis=axis, keepdims=keepdims)

    def cumsum(self, axis: Any = None) -> Array:
        return _dispatched(np.cumsum, self, axis=axis)

    def cumprod(self, axis: Any = None) -> Array:
        return _dispatched(np.cumprod, self, axis=axis)

    def take(self, indices: Any, axis: Any = None) -> Array:
        return _dispatched(np.take, self, indices, axis=axis)

    def repeat(self, repeats: Any, axis: Any = None) -> Array:
        return _dispatched(np.repeat, self, repeats, axis=axis)

    def trace(self) -> Array:
        return _dispatched(np.trace, self)

    def diagonal(self) -> Array:
        return diagonal(self)

    def transpose(self, *axes: Any) -> Array:
        if len(axes) == 1 and not isinstance(axes[0], int):
            return transpose(self, axes[0])
        return transpose(self, axes or None)

    def swapaxes(self, a: int, b: int) -> Array:
        return swapaxes(self, a, b)

    def squeeze(self, axis: Any = None) -> Array:
        return squeeze(self, axis)

    def reshape(self, *shape: Any) -> Array:
        return _dispatched(np.reshape, self, shape[0] if len(shape) == 1 else shape)

    def ravel(self) -> Array:
        return _dispatched(np.ravel, self)

    def flatten(self) -> Array:
        return self.ravel().copy()

    def copy(self, order: str = "C") -> Array:
        """The same value, as an array of its own."""
        made = Array(self.node, self.axes)
        made._kind = self._kind
        return made

    def astype(self, dtype: Any, copy: bool = True) -> Array:
        """The same numbers in another type: masks and integers as any, real numbers as floats."""
        wanted = np.dtype(dtype).kind
        if wanted not in "bif" or (self.kind == "f" and wanted == "i") or (self.kind == "i" and wanted == "b"):
            raise UnsupportedError(
                f"astype({dtype!r}) of real numbers cuts them off; write np.trunc(a) for integers, a != 0 for a mask"
            )
        if not copy and wanted == self.kind:
            return self
        made = (self != 0) if wanted == "b" and self.kind == "f" else self.copy()
        made._kind = wanted
        return made

    def clip(self, min: Any = None, max: Any = None) -> Array:
        return clip(self, min, max)

    def item(self) -> Array:
        if self.axes:
            raise ShapeError(f"item() needs a scalar, got shape {shape_text(self.dims)}")
        return self


_MAY_SHARE = (
    "this array may share its memory with one that was changed in place (a reshape, a diagonal, a broadcast); "
    "take a copy() before the change"
)
_NO_MASKS = (
    "a mask picks as many entries as the data say, so a[mask] has no shape; write np.where(mask, a, b), "
    "or multiply by the mask"
)
_NO_INDEX = (
    "an array of indices must hold integers: a declared array with a domain of integers (sd.integers, sd.labels), "
    "np.arange(n), or sums of these"
)


@dataclass(frozen=True)
class _Picked:
    """Where a copy of entries came from, and what was added to them since (None: nothing)."""

    root: Array
    selection: Selection
    version: int
    added: Node | None = None

    def is_of(self, root: Array, selection: Selection) -> bool:
        return self.root is root and self.version == root._version and self.selection == selection

    def plus(self, change: Node | None, shape: Shape) -> _Picked | None:
        if change is None:
            return None
        total = change if self.added is None else build.add([(ONE, self.added), (ONE, change)], shape)
        return replace(self, added=total)


def _is_index_array(key: object) -> bool:
    return isinstance(key, Array) and (bool(key.axes) or not isinstance(key.node, Number))


def _is_mask(key: object) -> bool:
    return isinstance(key, Array) and bool(key.axes) and key.kind == "b"


def _has_ellipsis(key: object) -> bool:
    return any(k is Ellipsis for k in (key if isinstance(key, tuple) else (key,)))


def _literal(key: object) -> list[Any]:
    """A key as NumPy counts it: a list or array of Python integers is a list, one of truth values their places."""
    if isinstance(key, np.ndarray) and key.ndim == 0:
        key = key.item()
    if not isinstance(key, list | tuple | np.ndarray):
        return [key]
    if any(isinstance(k, Array) for k in key):
        raise UnsupportedError("a list of symbolic indices is not read; write the entries out with np.stack([...])")
    try:
        given = np.asarray(key)
    except ValueError:
        raise ShapeError(f"this list of indices is ragged: {key!r}") from None
    if given.dtype == bool and given.any():
        return [[int(k) for k in places] for places in np.nonzero(given)]
    if given.dtype.kind not in "iu" or given.ndim != 1 or not given.size:
        raise UnsupportedError(f"cannot index with {key!r}; one list of integers for an axis is read")
    first, count = int(given[0]), len(given)
    if count > 1 and first >= 0 and list(given) == list(range(first, first + count)):
        counted = Array(Range(Integer(count)))
        return [counted if first == 0 else counted + first]
    return [[int(k) for k in given]]


def _end(value: object) -> Any:
    """An end (or the step) of a slice: None, or an integer in the dimensions."""
    if isinstance(value, Array):
        if not isinstance(value.node, Number):
            raise UnsupportedError(f"a slice must begin and end at fixed places, got {value}")
        return value.node.value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return value
    return operator.index(value)  # type: ignore[arg-type]


def viewed(array: Array, axes: Axes) -> Array:
    """The same entries with the axes in another order; it shares the memory, as NumPy's views do."""
    result = Array(array.node, axes)
    root, part = array._rooted(Selection.whole(array.node.shape))
    result._base, result._part, result._seen, result._kind = root, part, root._version, array._kind
    return result


def linked(made: Array, array: Array) -> Array:
    """A new array that may share its memory with another: after a change of one, the other is not known."""
    root, _ = array._rooted(Selection.whole(array.node.shape))
    made._base, made._seen = root, root._version
    return made


def laid(value: Array, shape: Shape, axes: Axes) -> Node:
    """A value broadcast to an array's axes and laid out as its node is (a scalar stays one).

    ``shape`` is the shape of that node, ``axes`` its axes in the array's order.
    """
    if not value.axes:
        return value.node
    surplus = len(value.axes) - len(axes)
    if surplus > 0 and all(s == 1 for s in value.dims[:surplus]):
        value = value[(0,) * surplus]
        surplus = 0
    sizes = tuple(ONE if a is None else shape[a] for a in axes)
    labels: list[int] = [0] * value.node.rank
    dims = dict(enumerate(shape))
    for position, axis in enumerate(value.axes):
        target = axes[position - surplus] if surplus <= 0 else None
        size = ONE if axis is None else value.node.shape[axis]
        wanted = ONE if target is None else shape[target]
        if surplus > 0 or size not in (1, wanted):
            raise ShapeError(f"the shape {shape_text(value.dims)} does not fit into {shape_text(sizes)}")
        if axis is not None and target is not None and size == wanted:
            labels[axis] = target
        elif axis is not None:
            labels[axis] = len(dims)
            dims[len(dims)] = ONE
    return build.contract(ONE, [(value.node, labels)], range(len(shape)), dims)


def _kind_of(node: Node) -> str:
    match node:
        case Leaf():
            return "i" if node.domain.entries.integer else "f"
        case Number():
            return "i" if node.value.is_integer else "f"
        case Range():
            return "i"
        case Named():
            return _kind_of(node.body)
        case Map():
            return "b" if FUNCTIONS[node.function].mask else "f"
        case Contraction() if node.factors and node.coefficient == 1 and not node.bound:
            return "b" if all(_kind_of(f) == "b" for f, _ in node.factors) else "f"
    return "f"


def _kind_of_input(value: Any) -> str:
    if isinstance(value, Array):
        return value.kind
    if isinstance(value, bool | np.bool_):
        return "b"
    return "i" if isinstance(value, int | np.integer) else "f"


def highest(kinds: Iterable[str]) -> str:
    """The kind that holds all of some kinds."""
    return max(kinds, key="bif".index, default="f")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TRUTHS = _words(
    "less less_equal greater greater_equal equal not_equal logical_and logical_or logical_xor logical_not invert "
    "bitwise_and bitwise_or bitwise_xor"
)
_KEEPING = _words(
    "add subtract multiply negative positive absolute conjugate square power maximum minimum fmax fmin remainder fmod "
    "floor_divide floor ceil trunc rint sign matmul vecdot"
)
_COUNTING = _words("sum prod cumsum cumprod trace count_nonzero")
_FLOATING = _words(
    "mean var std average cov norm vector_norm matrix_norm inv det solve matrix_rank svdvals cholesky"
)


def elementary(name: str, *inputs: Any) -> Array:
    """A ufunc by its name, on arrays and numbers, as NumPy's types have it.

    Between masks NumPy adds by "or" and has no difference; an array of integers has no
    reciprocals (NumPy's are cut off to 0).

    >>> x = array("x", "n")
    >>> print(elementary("add", x > 0, x < 1), "and", elementary("add", x > 0, 1.0))
    np.maximum((x > 0), (x < 1)) and (x > 0) + 1
    """
    kinds = [_kind_of_input(x) for x in inputs]
    given = [as_array(x) for x in inputs]
    top = highest(kinds)
    if top == "b" and name in ("subtract", "negative", "matmul", "vecdot"):
        raise UnsupportedError(f"NumPy's {name} of masks is not that of numbers; write mask * 1.0 for zeros and ones")
    if top != "f" and name == "reciprocal":
        raise UnsupportedError("NumPy's reciprocal of integers is cut off to 0; write 1 / a")
    made = UFUNCS["logical_or" if top == "b" and name == "add" else name](*given)
    if any(made is a for a in given):
        made = made.copy()
    made._kind = "b" if name in _TRUTHS else top if name in _KEEPING else "f"
    return made


def _kind_of_result(name: str, values: Sequence[Any]) -> str | None:
    """The kind of what a function of whole arrays makes."""
    if name in _FLOATING:
        return "f"
    kinds: list[str] = []
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, Array):
            kinds.append(value.kind)
        elif isinstance(value, list | tuple):
            stack.extend(value)
    top = highest(kinds)
    return "i" if top == "b" and name in _COUNTING else top


def _dispatched(function: Callable[..., Any], a: Array, *args: Any, **kwargs: Any) -> Any:
    """A method as NumPy's function of the same name."""
    return a.__array_function__(function, (Array,), (a, *args), kwargs)


def _scattered(name: str, target: Any, index: Any, value: Any = None) -> None:
    """``np.add.at`` and ``np.subtract.at``: entries that are indexed several times are added to several times."""
    if name not in ("add", "subtract") or not isinstance(target, Array):
        raise UnsupportedError(f"np.{name}.at is not read; np.add.at and np.subtract.at of a symbolic array are")
    target._check_writable(f"np.{name}.at on")
    selection, axes = target._select(target._whole_keys(index))
    root, selection = target._rooted(selection)
    change = as_array(value)
    root._check_kind(change)
    placed = selection.place(laid(change, selection.result, axes))
    sign = ONE if name == "add" else -ONE
    root._change(build.add([(ONE, root.node), (sign, placed)], root.node.shape))


class Masked(np.lib.mixins.NDArrayOperatorsMixin):
    """``a[mask]`` while a function is read: it may be changed in place, assigned, computed with, and summed.

    It has no shape of its own, so it is kept as an array of the whole shape of which the
    entries under the mask count.  Elementwise functions of entries under one mask are
    entries under that mask.
    """

    __slots__ = ("mask", "value")
    __array_priority__ = 1001.0

    def __init__(self, array: Array, mask: Array, keys: tuple[Any, ...]) -> None:
        self.mask = mask
        self.value = _under(array, mask, keys)

    def set(self, value: Array) -> Masked:
        """The same places with a value that is the same for all of them."""
        return self._with(self._fit(value))

    def _with(self, value: Array) -> Masked:
        made = object.__new__(Masked)
        made.mask, made.value = self.mask, value
        return made

    def put(self, target: Array, keys: tuple[Any, ...]) -> None:
        """``target[keys] = self``."""
        mask = next((k for k in keys if _is_mask(k)), None)
        if mask is None or not mask.same_form(self.mask):
            raise UnsupportedError("entries under a mask can be assigned to the same mask's places only; " + _NO_MASKS)
        target._check_writable("assigning into")
        view = _under(target, mask, keys)
        view._become(case_of(_spread(mask, view.ndim), self.value, view))

    def _fit(self, value: Any) -> Array:
        if isinstance(value, Masked):
            if not value.mask.same_form(self.mask):
                raise UnsupportedError("entries under different masks do not fit together; " + _NO_MASKS)
            return value.value
        made = as_array(value)
        room = max(self.value.ndim - self.mask.ndim, 0)
        if any(s != 1 for s in made.dims[: max(made.ndim - room, 0)]):
            raise UnsupportedError(f"an array of shape {shape_text(made.dims)} beside a[mask]; " + _NO_MASKS)
        return made

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method != "__call__" or kwargs or ufunc.__name__ not in UFUNCS or (out and out != (self,)):
            raise UnsupportedError(f"np.{ufunc.__name__} of a[mask] is not read this way; " + _NO_MASKS)
        made = self._with(elementary(ufunc.__name__, *(self._fit(x) for x in inputs)))
        if out:
            self.value = made.value
            return self
        return made

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in (np.sum, np.mean) and args[0] is self and not args[1:] and not kwargs:
            return self.sum() if func is np.sum else self.mean()
        raise UnsupportedError(f"np.{func.__name__} of a[mask] is not read; " + _NO_MASKS)

    def sum(self) -> Array:
        """The sum of the entries under the mask."""
        return sum_(case_of(_spread(self.mask, self.value.ndim), self.value, as_array(0)))

    def mean(self) -> Array:
        """Their mean: undefined where there are none."""
        ones_ = Array(build.ones(self.value.node.shape), self.value.axes)
        return self.sum() / sum_(_spread(self.mask, self.value.ndim) * ones_)

    @property
    def size(self) -> Array:
        """How many there are."""
        return sum_(_spread(self.mask, self.value.ndim) * Array(build.ones(self.value.node.shape), self.value.axes))

    def __getattr__(self, name: str) -> Any:
        raise UnsupportedAttributeError(f".{name} of a[mask] is not read; " + _NO_MASKS)

    def _refuse(self, *_: Any) -> Any:
        raise UnsupportedError(_NO_MASKS)

    __array__ = __getitem__ = __setitem__ = __len__ = __iter__ = __bool__ = __float__ = __int__ = _refuse
    __hash__ = None  # type: ignore[assignment]


def _under(array: Array, mask: Array, keys: tuple[Any, ...]) -> Array:
    """The view of an array whose first axes are those of the mask."""
    if keys[0] is not mask:
        raise UnsupportedError("a mask is read as the first index; transpose first")
    view = array[(*[slice(None)] * mask.ndim, *keys[1:])]
    if view.dims[: mask.ndim] != mask.dims:
        raise ShapeError(f"a mask of shape {shape_text(mask.dims)} for an array of shape {shape_text(array.dims)}")
    return view


def _spread(mask: Array, rank: int) -> Array:
    return mask[(..., *[None] * (rank - mask.ndim))]


def case_of(condition: Array, x: Array, y: Array) -> Array:
    """``x`` where a condition holds, ``y`` elsewhere."""
    made = _elementwise("where")(condition, x, y)
    made._kind = highest((x.kind, y.kind))
    return made


def held(array: Array) -> Array:
    """The array as an argument: the caller holds it, so it must not change in place."""
    if isinstance(array, Dim):
        return array
    result = Array(array.node, array.axes)
    result._held, result._kind = True, array._kind
    return result


def _decided(node: Node) -> bool | None:
    """The truth of a comparison between dimensions, where it is the same for all of them."""
    if not isinstance(node, Map) or not all(isinstance(a, Number) for a in node.arguments):
        return None
    left, right = (a.value for a in node.arguments[:2] if isinstance(a, Number))
    difference = right - left
    match node.function:
        case "lt":
            return difference.is_positive
        case "le":
            return difference.is_nonnegative
        case "eq":
            return difference.is_zero
        case "ne":
            return difference.is_nonzero
    return None


class Dim(Array):
    """A dimension: a positive integer, usable as a scalar in formulas and in shapes.

    Equal by name.  ``n + m`` and ``n * m`` are derived dimensions.
    """

    __slots__ = ()

    def __init__(self, value: Expr) -> None:
        super().__init__(Number(value))

    @property
    def value(self) -> Expr:
        assert isinstance(self.node, Number)
        return self.node.value

    @property
    def name(self) -> str:
        return str(self.value)

    def _sympy_(self) -> Expr:
        return self.value

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        if not isinstance(other, Dim | int | Expr):
            return NotImplemented
        value = other.value if isinstance(other, Dim) else sympify(other)
        if self.value == value:
            return True
        if READING.get() and not (self.value - value).is_nonzero:
            raise UnsupportedError(f"whether {self.value} == {value} depends on the dimensions")
        return False

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"Dim({self.value})"


# -- declarations --------------------------------------------------------------------


def dims(names: str) -> Any:
    """Declare dimensions by name: ``n, d = sd.dims("n d")``; one name gives one :class:`Dim`.

    Dimensions are integers >= 1, equal by name; two of them may coincide.
    Anything but names in one text raises :class:`UnknownNameError`.

    >>> n, d = dims("n d")
    >>> array("x", n + d).shape, n == dims("n")
    ((Dim(d + n),), True)
    """
    if not isinstance(names, str) or not names.replace(",", " ").split():
        raise UnknownNameError(f'dims needs names in one text, e.g. sd.dims("n d"), got {names!r}')
    made = tuple(Dim(dimension_symbol(name)) for name in names.replace(",", " ").split())
    return made[0] if len(made) == 1 else made


def as_dimension(value: object) -> Expr:
    """A dimension from a Dim, an int, a name, or a SymPy integer expression."""
    if isinstance(value, str):
        return dimension_symbol(value)
    if isinstance(value, Array):
        if not isinstance(value.node, Number):
            raise ShapeError(f"a dimension must be an integer in the dimensions, got the array {value}")
        value = value.node.value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        value = Integer(int(value))
    if not isinstance(value, Expr):
        raise ShapeError(f"a dimension must be a Dim, a name or an integer >= 1, got {value!r}")
    dim: Any = value
    if not dim.is_integer or (dim.is_number and dim < 1):
        raise ShapeError(f"a dimension must be an integer >= 1, got {dim}")
    return dim


def array(name: str, *shape: Any, domain: Domain = real) -> Array:
    """Declare an array: ``sd.array("X", n, d)``, a vector, a matrix, or (no dimensions) a scalar.

    ``domain`` says where its entries, or the whole of it, range; see
    :mod:`symderive.language.domains`.

    Raises
    ------
    UnknownNameError
        The name is no identifier, or generated code uses it itself.
    ShapeError
        A dimension is no integer >= 1, or the domain does not fit the shape.
    DomainError
        The domain is empty, or no domain.

    >>> import symderive as sd
    >>> sd.array("y", "n", domain=sd.labels(0, 1))
    Array(y, shape=(n,))
    """
    check_name(name)
    if len(shape) == 1 and isinstance(shape[0], tuple | list):
        shape = tuple(shape[0])
    if not isinstance(domain, Domain):
        raise DomainError(f"domain must be one of sd.real, sd.positive, sd.labels(...), ..., got {domain!r}")
    if domain.is_empty:
        raise DomainError(f"the domain {domain} of {name} is empty")
    sizes = tuple(as_dimension(s) for s in shape)
    if any(str(symbol) == name for size in sizes for symbol in size.free_symbols):
        raise UnknownNameError(f"the array {name!r} has a dimension of the same name; rename one of them")
    structures: list[tuple[str, int]] = []
    for structure, axis in domain.structures:
        if structure in AXIS_STRUCTURES:
            if not -len(sizes) <= axis < len(sizes):
                raise ShapeError(f"{name}: {domain} acts on axis {axis}, but the shape is {shape_text(sizes)}")
            axis %= len(sizes)
        elif len(sizes) != 2 or sizes[0] != sizes[1]:
            raise ShapeError(f"{name}: a {structure} array must be a square matrix, got {shape_text(sizes)}")
        structures.append((structure, axis))
    return Array(Leaf(name, sizes, Domain(domain.entries, tuple(structures), domain.text)))


def let(name: str, value: Any) -> Array:
    """Name an intermediate: printed as ``where name = ...`` and computed once.

    The definition has the value's shape; its name is checked as an array's is.

    >>> X, w = array("X", "n", "d"), array("w", "d")
    >>> print(2 * let("z", X @ w))
    2 * z, where z = X @ w
    """
    check_name(name, "a definition")
    value = as_array(value)
    made = Array(Named(name, value.node), value.axes)
    made._kind = value._kind
    return made


def as_array(value: Any) -> Array:
    """An Array as it is; a number as a scalar Array; nested lists and ndarrays are refused."""
    if isinstance(value, Array):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, np.ndarray | list | tuple):
        return constant(value)
    made = Array(Number(exact(value)))
    made._kind = _kind_of_input(value)
    return made


MAX_CONSTANTS = 64


def constant(values: Any) -> Array:
    """A small array of numbers, written out: its entries are exact, as single numbers are.

    Raises ``UnsupportedError`` for more than 64 of them: data are declared, and given when a
    formula is compiled or checked.

    >>> constant([1, 0, 2.5]).shape
    (3,)
    """
    given = np.asarray(values)
    if given.dtype.kind not in "biuf":
        raise UnsupportedError(f"cannot use an array of {given.dtype} in a formula: {str(values)[:60]}")
    if given.size > MAX_CONSTANTS or not given.size:
        raise UnsupportedError(
            f"a formula cannot contain an array of numbers of shape {given.shape}; declare it with "
            "sd.array(name, ...) and give its values when you compile or check"
        )
    shape = tuple(Integer(s) for s in given.shape)
    flat = given.ravel()
    if (flat == flat[0]).all():
        made = Array(build.scale(exact(flat[0]), build.ones(shape)))
    elif given.ndim == 1 and (flat == np.arange(len(flat))).all():
        made = Array(Range(shape[0]))
    else:
        terms: list[tuple[Expr, Node]] = []
        for place, value in np.ndenumerate(given):
            units = [(Basis(s, Integer(k)), (axis,)) for axis, (s, k) in enumerate(zip(shape, place, strict=True))]
            terms.append((exact(value), build.contract(ONE, units, range(len(shape)), dict(enumerate(shape)))))
        made = Array(build.add([t for t in terms if t[0] != 0], shape))
    made._kind = "i" if given.dtype.kind == "u" else given.dtype.kind
    return made


def eye(n: Any) -> Array:
    """The identity matrix of a dimension, shape (n, n).

    >>> print(3 * eye("n"))
    3 * sd.eye(n)
    """
    return Array(Delta(as_dimension(n)))


def _shape(shape: Any) -> Shape:
    return tuple(as_dimension(s) for s in (shape if isinstance(shape, tuple | list) else (shape,)))


def ones(shape: Any) -> Array:
    """An array of ones; ``shape`` is a dimension or a tuple of them.

    >>> ones(("n", "d"))
    Array(sd.ones((n, d)), shape=(n, d))
    """
    return Array(build.ones(_shape(shape)))


def zeros(shape: Any) -> Array:
    """An array of zeros; ``shape`` is a dimension or a tuple of them.

    >>> zeros("n")
    Array(sd.zeros(n), shape=(n,))
    """
    return Array(build.zeros(_shape(shape)))


def full(shape: Any, value: Any) -> Array:
    """An array with one value everywhere."""
    return ones(shape) * as_array(value)


def arange(n: Any) -> Array:
    """The vector 0, 1, ..., n-1.

    >>> arange("n")
    Array(sd.arange(n), shape=(n,))
    """
    return Array(Range(as_dimension(n)))


def basis(n: Any, index: int) -> Array:
    """The unit vector e_index of a dimension (counted from 0; -1 is the last).

    It exists where the dimension is larger than the index.

    >>> array("x", "n") @ basis("n", 0)
    Array(x[0], shape=())
    """
    size = as_dimension(n)
    return Array(Basis(size, size + index if index < 0 else Integer(index)))


# -- broadcasting ----------------------------------------------------------------------


def _joined(arrays: Sequence[Array], what: str) -> tuple[list[Node], Shape, Axes]:
    """Nodes of one shape (or scalars), that shape, and the axes of the result."""
    rank = max(a.ndim for a in arrays)
    sizes: list[Expr | None] = [None] * rank
    for a in arrays:
        offset = rank - a.ndim
        for position, (axis, size) in enumerate(zip(a.axes, a.dims, strict=True)):
            if axis is None or size == 1:
                continue
            old = sizes[offset + position]
            if old is not None and old != size:
                shapes = " and ".join(shape_text(x.dims) for x in arrays)
                raise ShapeError(
                    f"{what}: the shapes {shapes} do not broadcast: {old} against {size}"
                    + _transpose_hint(arrays)
                )
            sizes[offset + position] = size
    for a in arrays:
        offset = rank - a.ndim
        for position, axis in enumerate(a.axes):
            if axis is not None and sizes[offset + position] is None:
                sizes[offset + position] = ONE
    kept = [i for i in range(rank) if sizes[i] is not None]
    shape = tuple(s for s in sizes if s is not None)
    nodes: list[Node] = []
    for a in arrays:
        if not a.node.shape:
            nodes.append(a.node)
            continue
        offset = rank - a.ndim
        labels: list[int] = [0] * a.node.rank
        label_dims = dict(enumerate(shape))
        for position, axis in enumerate(a.axes):
            if axis is None:
                continue
            target = kept.index(offset + position)
            if a.node.shape[axis] != shape[target]:
                target = len(label_dims)
                label_dims[target] = ONE
            labels[axis] = target
        nodes.append(build.contract(ONE, [(a.node, labels)], range(len(shape)), label_dims))
    axes = tuple(kept.index(i) if sizes[i] is not None else None for i in range(rank))
    return nodes, shape, axes


def joined_nodes(arrays: Sequence[Array], what: str) -> list[Node]:
    """The nodes of arrays as NumPy broadcasts them: of one shape, or scalars.

    Axes of length 1 that indexing or ``keepdims`` made are left out where all
    of the arrays have them.
    """
    return _joined(arrays, what)[0]


def _transpose_hint(arrays: Sequence[Array]) -> str:
    if len(arrays) == 2 and {a.ndim for a in arrays} == {1, 2}:
        vector, matrix = sorted(arrays, key=lambda a: a.ndim)
        if vector.dims[0] == matrix.dims[0]:
            return "; use [:, None] on the vector to lay it along the rows"
    return ""


def _elementwise(name: str) -> Callable[..., Array]:
    def make(*arrays: Array) -> Array:
        if len(arrays) != len(FUNCTIONS[name].arguments):
            raise UnsupportedError(f"{name} takes {len(FUNCTIONS[name].arguments)} arguments, got {len(arrays)}")
        nodes, _, axes = _joined(arrays, name)
        return Array(functions.applied(name, *nodes), axes)

    return make


def _add(weights: Sequence[int]) -> Callable[..., Array]:
    def make(*arrays: Array) -> Array:
        nodes, shape, axes = _joined(arrays, "+" if weights[-1] > 0 else "-")
        return Array(build.add(zip(weights, nodes, strict=True), shape), axes)

    return make


def _multiply(a: Array, b: Array) -> Array:
    nodes, shape, axes = _joined((a, b), "*")
    dims_ = dict(enumerate(shape))
    factors = [(n, range(len(shape)) if n.shape else ()) for n in nodes]
    return Array(build.contract(ONE, factors, range(len(shape)), dims_), axes)


def _divide(a: Array, b: Array) -> Array:
    if isinstance(b.node, Number):
        if b.node.value == 0:
            raise DomainError("division by the constant 0")
        return _multiply(a, Array(Number(1 / b.node.value)))
    return _multiply(a, Array(build.power(b.node, -1), b.axes))


def _power(a: Array, b: Array) -> Array:
    if isinstance(b.node, Number):
        if isinstance(a.node, Number) and a.node.value == 0 and b.node.value.is_negative:
            raise DomainError("0 to a negative power")
        return Array(build.power(a.node, b.node.value), a.axes)
    return _elementwise("power")(a, b)


def _numeric(function: Callable[[Expr], Expr], otherwise: Callable[..., Array]) -> Callable[..., Array]:
    """Constants stay constants: np.sqrt(n), np.exp(1)."""

    def make(a: Array) -> Array:
        if isinstance(a.node, Number):
            return Array(Number(function(a.node.value)))
        return otherwise(a)

    return make


def _matmul(a: Array, b: Array) -> Array:
    if not a.ndim or not b.ndim:
        raise ShapeError("matmul: a scalar has no matrix product; use *")
    left, right = a.dims[-1], b.dims[-2] if b.ndim > 1 else b.dims[0]
    if left != right:
        hint = ""
        if a.ndim == 2 and a.dims[0] == right:
            hint = "; the first one transposed (.T) would fit"
        elif b.ndim == 2 and b.dims[1] == left:
            hint = "; the second one transposed (.T) would fit"
        raise ShapeError(
            f"matmul: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit: {left} against {right}{hint}"
        )
    letters = iter(range(1000))
    inner = next(letters)
    a_labels = [*(next(letters) for _ in range(a.ndim - 1)), inner]
    b_labels: list[int]
    if b.ndim == 1:
        b_labels = [inner]
    else:
        b_labels = [*(next(letters) for _ in range(b.ndim - 2)), inner, next(letters)]
    batch_a = a_labels[:-2] if a.ndim > 1 else []
    batch_b = b_labels[:-2] if b.ndim > 1 else []
    out: list[int] = []
    for k in range(1, max(len(batch_a), len(batch_b)) + 1):
        if k <= len(batch_a) and k <= len(batch_b):
            size_a, size_b = a.dims[a.ndim - 2 - k], b.dims[b.ndim - 2 - k]
            if size_a == size_b:
                b_labels[len(batch_b) - k] = a_labels[len(batch_a) - k]
                out.insert(0, a_labels[len(batch_a) - k])
            elif size_a == 1 or size_b == 1:
                out.insert(0, b_labels[len(batch_b) - k] if size_a == 1 else a_labels[len(batch_a) - k])
            else:
                raise ShapeError(f"matmul: batch dimensions {size_a} and {size_b} do not broadcast")
        else:
            out.insert(0, a_labels[len(batch_a) - k] if k <= len(batch_a) else b_labels[len(batch_b) - k])
    if a.ndim > 1:
        out.append(a_labels[-2])
    if b.ndim > 1:
        out.append(b_labels[-1])
    return _contract([(a, a_labels), (b, b_labels)], out)


def _contract(operands: Sequence[tuple[Array, Sequence[int]]], out: Sequence[int]) -> Array:
    """Einstein summation over labelled views; labels of size-1 view axes drop away."""
    sizes: dict[int, Expr] = {}
    for a, labels in operands:
        for axis, label in zip(a.axes, labels, strict=True):
            if axis is None:
                continue
            size = a.node.shape[axis]
            if label in sizes and sizes[label] != size and 1 not in (sizes[label], size):
                raise ShapeError(f"one index stands for two dimensions: {sizes[label]} and {size}")
            if label not in sizes or sizes[label] == 1:
                sizes[label] = size
    fresh = max([*sizes, *(x for _, ls in operands for x in ls), *out], default=0) + 1
    factors: list[tuple[Node, list[int]]] = []
    for a, labels in operands:
        node_labels = [0] * a.node.rank
        for axis, label in zip(a.axes, labels, strict=True):
            if axis is None:
                continue
            if a.node.shape[axis] != sizes[label]:
                label, fresh = fresh, fresh + 1
                sizes[label] = ONE
            node_labels[axis] = label
        factors.append((a.node, node_labels))
    real_out = [label for label in out if label in sizes]
    node = build.contract(ONE, factors, real_out, sizes)
    return Array(node, tuple(real_out.index(x) if x in sizes else None for x in out))


# -- NumPy functions ---------------------------------------------------------------------


def axes_of(a: Array, axis: Any, what: str) -> tuple[int, ...]:
    """The axes that an ``axis=`` argument names, counted from the front; None names them all."""
    if axis is None:
        return tuple(range(a.ndim))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    out: list[int] = []
    for k in given:
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not -a.ndim <= k < a.ndim:
            raise ShapeError(f"{what}: axis {k!r} is out of bounds for an array of shape {shape_text(a.dims)}")
        out.append(int(k) % a.ndim)
    if len(set(out)) != len(out):
        raise ShapeError(f"{what}: the axis is given twice in {axis!r}")
    return tuple(out)


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


def _no_extras(what: str, **extras: Any) -> None:
    for key, value in extras.items():
        if value is not None and value is not np._NoValue and not (key == "where" and value is True):
            raise UnsupportedError(f"{what}({key}=...) is not read on symbolic arrays")


def sum_(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
    """``np.sum``."""
    _no_extras("np.sum", dtype=dtype, out=out, **extras)
    a = as_array(a)
    gone = axes_of(a, axis, "np.sum")
    keepdims = False if keepdims is np._NoValue else keepdims
    node = build.reduce_sum(a.node, [x for g in gone if (x := a.axes[g]) is not None])
    return Array(node, _reduced_axes(a, gone, keepdims))


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
    """``np.mean``."""
    _no_extras("np.mean", dtype=dtype, out=out, **extras)
    a = as_array(a)
    count: Expr = ONE
    for g in axes_of(a, axis, "np.mean"):
        count = count * a.dims[g]
    return sum_(a, axis=axis, keepdims=keepdims) / Array(Number(count))


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
        **extras: Any) -> Array:
    """``np.var``."""
    _no_extras("np.var", dtype=dtype, out=out, **extras)
    a = as_array(a)
    squares = np.square(a - mean(a, axis=axis, keepdims=True))
    count: Expr = ONE
    for g in axes_of(a, axis, "np.var"):
        count = count * a.dims[g]
    return sum_(squares, axis=axis, keepdims=keepdims) / (Array(Number(count)) - ddof)


def std(a: Any, **kwargs: Any) -> Array:
    """``np.std``."""
    return UFUNCS["sqrt"](var(a, **kwargs))


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


def _reduce(name: str, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
            **extras: Any) -> Array:
    """``np.add.reduce`` and the like; ``out`` comes as a tuple."""
    reducers = {"add": sum_, "multiply": prod, "logaddexp": logsumexp}
    if name in ("maximum", "minimum"):
        _no_extras(f"np.{name}.reduce", dtype=dtype, out=out, **extras)
        return reduced(name[:3], a, axis, keepdims)
    if name not in reducers:
        raise UnsupportedError(f"the NumPy function {name!r} (reduce) is not read on symbolic arrays")
    _no_extras(f"np.{name}.reduce", dtype=dtype, out=out, **extras)
    return reducers[name](a, axis=axis, keepdims=keepdims)


def prod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **extras: Any) -> Array:
    """``np.prod`` (of a matrix: along one axis at a time)."""
    _no_extras("np.prod", dtype=dtype, out=out, **extras)
    return reduced("prod", a, axis, keepdims)


def logsumexp(a: Any, axis: Any = None, keepdims: bool = False, b: Any = None) -> Array:
    """log Σ exp(a) along an axis; ``scipy.special.logsumexp`` for symbolic arrays.

    ``axis=None`` sums over all axes, as SciPy does.  ``b`` (weights) gives log Σ b·exp(a).

    >>> print(logsumexp(array("Z", "n", "k"), axis=1))
    sd.logsumexp(Z, axis=1)
    """
    a = as_array(a)
    if b is not None:
        return UFUNCS["log"](sum_(as_array(b) * np.exp(a), axis=axis, keepdims=keepdims))
    return reduced("logsumexp", a, axis, keepdims)


def softmax(x: Any, axis: int | None = None) -> Array:
    """exp(x) / Σ exp(x) along an axis; ``scipy.special.softmax`` for symbolic arrays.

    For a matrix give the axis (SciPy's default, all axes at once, is refused).

    >>> print(softmax(array("z", "k")))
    sd.softmax(z)
    """
    return _softmax(x, axis)


def log_softmax(x: Any, axis: int | None = None) -> Array:
    """x - log Σ exp(x) along an axis; ``scipy.special.log_softmax`` for symbolic arrays.

    >>> print(log_softmax(array("z", "k")))
    sd.log_softmax(z)
    """
    return _log_softmax(x, axis)


def dot(a: Any, b: Any, out: Any = None) -> Array:
    """``np.dot``."""
    _no_extras("np.dot", out=out)
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2:
        return _matmul(a, b)
    left, right = a.dims[-1], b.dims[-2]
    if left != right:
        raise ShapeError(f"dot: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit")
    la = list(range(a.ndim))
    lb = [a.ndim + k for k in range(b.ndim)]
    lb[-2] = la[-1]
    return _contract([(a, la), (b, lb)], [*la[:-1], *lb[:-2], lb[-1]])


def inner(a: Any, b: Any) -> Array:
    """``np.inner``: sum over the last axes."""
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.dims[-1] != b.dims[-1]:
        raise ShapeError(f"inner: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit")
    la = list(range(a.ndim))
    lb = [*range(a.ndim, a.ndim + b.ndim - 1), la[-1]]
    return _contract([(a, la), (b, lb)], [*la[:-1], *lb[:-1]])


def outer(a: Any, b: Any, out: Any = None) -> Array:
    """``np.outer`` of vectors."""
    _no_extras("np.outer", out=out)
    a, b = as_array(a), as_array(b)
    if a.ndim > 1 or b.ndim > 1:
        raise UnsupportedError("np.outer flattens matrices; use np.einsum to say which axes you mean")
    a = a if a.ndim else a[None]
    b = b if b.ndim else b[None]
    return a[:, None] * b[None, :]


def vdot(a: Any, b: Any) -> Array:
    """``np.vdot``: the sum of the products of all entries."""
    a, b = as_array(a), as_array(b)
    if a.dims != b.dims:
        raise ShapeError(f"vdot: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} differ")
    return sum_(a * b)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    """``np.tensordot``."""
    a, b = as_array(a), as_array(b)
    if isinstance(axes, int):
        pairs = list(zip(range(a.ndim - axes, a.ndim), range(axes), strict=True))
    else:
        first, second = (x if isinstance(x, tuple | list) else (x,) for x in axes)
        pairs = [(i % a.ndim, j % b.ndim) for i, j in zip(first, second, strict=True)]
    la, lb = list(range(a.ndim)), [a.ndim + k for k in range(b.ndim)]
    for i, j in pairs:
        if a.dims[i] != b.dims[j]:
            raise ShapeError(f"tensordot: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit")
        lb[j] = la[i]
    used_a, used_b = {i for i, _ in pairs}, {j for _, j in pairs}
    out = [x for i, x in enumerate(la) if i not in used_a] + [x for j, x in enumerate(lb) if j not in used_b]
    return _contract([(a, la), (b, lb)], out)


def einsum(subscripts: Any, *operands: Any, optimize: Any = None, out: Any = None, **extras: Any) -> Array:
    """``np.einsum`` with subscripts as one text, ``...`` included."""
    _no_extras("np.einsum", out=out, **extras)
    if not isinstance(subscripts, str):
        raise UnsupportedError("np.einsum is read with its subscripts as one text, e.g. 'ij,j->i'")
    text = subscripts.replace(" ", "")
    arrays = [as_array(o) for o in operands]
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(arrays):
        raise ShapeError(f"einsum: {subscripts!r} names {len(parts)} operands, got {len(arrays)}")
    letters: dict[str, int] = {}
    dots: list[int] = []

    def label(letter: str) -> int:
        if not letter.isalpha():
            raise ShapeError(f"einsum: {letter!r} in {subscripts!r} is not a letter")
        return letters.setdefault(letter, 100 + len(letters))

    labelled: list[tuple[Array, list[int]]] = []
    for part, a in zip(parts, arrays, strict=True):
        before, ellipsis, after = part.partition("...")
        free = a.ndim - len(before) - len(after)
        if free < 0 or (free and not ellipsis):
            raise ShapeError(f"einsum: {part!r} does not fit the shape {shape_text(a.dims)}")
        if free > len(dots):
            dots = list(range(50 - free, 50))
        middle = list(range(50 - free, 50))
        labelled.append((a, [*(label(c) for c in before), *middle, *(label(c) for c in after)]))
    used = [c for c in left if c.isalpha()]
    if arrow:
        before, ellipsis, after = right.partition("...")
        for c in before + after:
            if c not in letters:
                raise ShapeError(f"einsum: the output index {c!r} is in no operand of {subscripts!r}")
        if len(set(before + after)) != len(before + after):
            raise ShapeError(f"einsum: an output index is repeated in {subscripts!r}")
        result = [*(letters[c] for c in before), *(dots if ellipsis else []), *(letters[c] for c in after)]
    else:
        result = [*dots, *(letters[c] for c in sorted(set(used)) if used.count(c) == 1)]
    return _contract(labelled, result)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Array:
    """``np.trace`` of a square matrix."""
    _no_extras("np.trace", dtype=dtype, out=out)
    return sum_(diagonal(a, offset, axis1, axis2), axis=-1)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """``np.diagonal`` of a square matrix."""
    a = as_array(a)
    if a.ndim != 2 or offset != 0 or {axis1 % 2, axis2 % 2} != {0, 1}:
        raise UnsupportedError("the main diagonal of a matrix is read; no offset, no other axes")
    if a.dims[0] != a.dims[1]:
        raise ShapeError(f"the diagonal is read of square matrices, got the shape {shape_text(a.dims)}")
    picked = _contract([(a, [0, 0])], [0])
    return linked(picked, a)


def diag(v: Any, k: int = 0) -> Array:
    """``np.diag``: a diagonal matrix from a vector, the diagonal from a matrix."""
    v = as_array(v)
    if k != 0:
        raise UnsupportedError("np.diag is read for the main diagonal, k=0")
    if v.ndim == 2:
        return diagonal(v)
    if v.ndim != 1:
        raise ShapeError(f"np.diag needs a vector or a matrix, got shape {shape_text(v.dims)}")
    return _contract([(v, [0]), (Array(Delta(v.dims[0])), [0, 1])], [0, 1])


def norm_2(x: Array, axis: Any = None, keepdims: Any = False) -> Array:
    """The root of the sum of squares."""
    return UFUNCS["sqrt"](sum_(np.square(x), axis=axis, keepdims=keepdims))


def where(condition: Any, x: Any = None, y: Any = None) -> Array:
    """``np.where`` with three arguments."""
    if x is None or y is None:
        raise UnsupportedError("np.where is read with three arguments: np.where(condition, a, b)")
    return case_of(as_array(condition), as_array(x), as_array(y))


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, min: Any = None, max: Any = None) -> Array:
    """``np.clip``."""
    _no_extras("np.clip", out=out)
    low = min if a_min is None or a_min is np._NoValue else a_min
    high = max if a_max is None or a_max is np._NoValue else a_max
    result = as_array(a)
    ends = [as_array(e).node for e in (low, high) if e is not None and e is not np._NoValue]
    if len(ends) == 2 and all(isinstance(e, Number) and e.value.is_number for e in ends):
        return Array(build.apply("clip", result.node, *ends), result.axes)
    if low is not None and low is not np._NoValue:
        result = UFUNCS["maximum"](result, as_array(low))
    if high is not None and high is not np._NoValue:
        result = UFUNCS["minimum"](result, as_array(high))
    return result


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


def _like(value: int) -> Callable[..., Array]:
    def make(a: Any, *args: Any, **extras: Any) -> Array:
        a = as_array(a)
        shape = tuple(s for s, x in zip(a.dims, a.axes, strict=True) if x is not None)
        filled = build.ones(shape) if value else build.zeros(shape)
        order = iter(range(len(shape)))
        return Array(filled, tuple(None if x is None else next(order) for x in a.axes))

    return make


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


def _isclose(*_: Any, **__: Any) -> Array:
    raise UnsupportedError("np.allclose/isclose compare numbers; use sd.check(a, '==', b) on formulas")


def polygamma(n: Any, x: Any) -> Array:
    """The n-th derivative of digamma; ``scipy.special.polygamma`` for symbolic arrays, n a constant integer >= 0.

    >>> print(polygamma(1, array("x")))
    polygamma(1, x)
    """
    return UFUNCS["polygamma"](as_array(n), as_array(x))


def rounded(a: Any, decimals: Any = 0, out: Any = None) -> Array:
    """``np.round``: to the nearest integer (of two the even one), or to a number of decimals."""
    _no_extras("np.round", out=out)
    if isinstance(decimals, bool) or not isinstance(decimals, int | np.integer):
        raise UnsupportedError(f"np.round is read with an integer of decimals, got {decimals!r}")
    if decimals == 0:
        return UFUNCS["rint"](as_array(a))
    scale = as_array(Integer(10) ** int(decimals))
    return UFUNCS["rint"](as_array(a) * scale) / scale


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    """``np.select``: the choice of the first condition that holds, else the default."""
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise ShapeError(f"np.select needs a choice for each condition, got {len(conditions)} and {len(choices)}")
    result = as_array(default)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """``np.piecewise``: functions (or constants) by conditions, the last one that holds; else a default or 0."""
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    pieces = list(funclist)
    if len(pieces) not in (len(conditions), len(conditions) + 1):
        raise ShapeError(
            f"np.piecewise needs {len(conditions)} functions, or one more for the rest, got {len(pieces)}"
        )
    values = [piece(x, *args, **kw) if callable(piece) else piece for piece in pieces]
    result = values.pop() if len(values) > len(conditions) else 0
    for condition, value in zip(conditions, values, strict=True):
        result = where(condition, value, result)
    return as_array(result)


def _is_truth(node: Node) -> bool:
    """Whether a node is of truth values: comparisons, and what and, or and not make of them."""
    match node:
        case Named():
            return _is_truth(node.body)
        case Number():
            return node.value in (0, 1)
        case Map(function="maximum"):
            return all(map(_is_truth, node.arguments))
        case Map():
            return FUNCTIONS[node.function].mask
        case Contraction():
            return node.coefficient == 1 and not node.bound and all(_is_truth(f) for f, _ in node.factors)
        case Sum():
            (one, first), *rest = node.terms
            plain = isinstance(first, Contraction) and not first.factors and not first.bound
            plain = plain or first is Number(ONE)
            return plain and one == 1 and [w for w, _ in rest] == [-1] and _is_truth(rest[0][1])
    return False


def _truth(a: Array) -> Array:
    """NumPy's truth of numbers: 1 where they are not 0."""
    return a if _is_truth(a.node) else UFUNCS["not_equal"](a, as_array(0))


def _negated(a: Array) -> Array:
    opposite = {"lt": "greater_equal", "le": "greater", "eq": "not_equal", "ne": "equal"}
    if isinstance(a.node, Map) and a.node.function in opposite:
        x, y = (Array(n, a.axes if n.shape else ()) for n in a.node.arguments)
        return UFUNCS[opposite[a.node.function]](x, y)
    return 1 - a


def _logical(combine: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *arrays: combine(*map(_truth, arrays))


def _bitwise(sign: str, combine: Callable[..., Array]) -> Callable[..., Array]:
    def make(*arrays: Array) -> Array:
        for a in arrays:
            if not _is_truth(a.node):
                raise UnsupportedError(
                    f"{sign} is read between comparisons, and {a} is none; comparisons need brackets: "
                    f"{'~(a < b)' if sign == '~' else f'(a < b) {sign} (c < d)'}"
                )
        return combine(*arrays)

    return make


def _box_cox(x: Array, lmbda: Array) -> Array:
    if isinstance(lmbda.node, Number) and lmbda.node.value == 0:
        return UFUNCS["log"](x)
    return _elementwise("boxcox")(x, lmbda)


def _inverse_box_cox(x: Array, lmbda: Array) -> Array:
    if isinstance(lmbda.node, Number) and lmbda.node.value == 0:
        return UFUNCS["exp"](x)
    return _elementwise("inv_boxcox")(x, lmbda)


def _scaled(factor: Expr) -> Callable[..., Array]:
    return lambda a: _multiply(a, Array(Number(factor)))


def _normal(of: Callable[[Array], Array], density: int = 0) -> Callable[..., Array]:
    """A function of scipy.stats.norm from that of (x - loc)/scale; densities divide by the scale, logs subtract."""

    def make(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
        x, loc, scale = as_array(x), as_array(loc), as_array(scale)
        shifted = x if loc.node is Number(ZERO) else x - loc
        plain = scale.node is Number(ONE)
        value = of(shifted if plain else shifted / scale)
        if plain or not density:
            return value
        return value / scale if density > 0 else value - np.log(scale)

    return make


def _quantile(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    standard = UFUNCS["ndtri"](as_array(q))
    return as_array(loc) + as_array(scale) * standard


NORMAL: dict[str, Callable[..., Array]] = {
    "pdf": _normal(lambda z: np.exp(-(z**2) / 2) / Array(Number(sqrt(2 * pi))), 1),
    "logpdf": _normal(lambda z: -(z**2) / 2 - Array(Number(log(2 * pi) / 2)), -1),
    "cdf": _normal(lambda z: UFUNCS["ndtr"](z)),
    "logcdf": _normal(lambda z: UFUNCS["log_ndtr"](z)),
    "sf": _normal(lambda z: UFUNCS["ndtr"](-z)),
    "logsf": _normal(lambda z: UFUNCS["log_ndtr"](-z)),
    "ppf": _quantile,
}
"""The methods of ``scipy.stats.norm`` that text and functions may call, with ``loc`` and ``scale``."""


def _flip(name: str) -> Callable[..., Array]:
    make = _elementwise(name)
    return lambda a, b: make(b, a)


UFUNCS: dict[str, Callable[..., Array]] = {
    **{name: _elementwise(name) for name in FUNCTIONS if name not in ("where", "clip")},
    "add": _add((1, 1)),
    "subtract": _add((1, -1)),
    "negative": _add((-1,)),
    "positive": lambda a: a.copy(),
    "multiply": _multiply,
    "divide": _divide,
    "true_divide": _divide,
    "power": _power,
    "float_power": _power,
    "square": lambda a: _power(a, Array(Number(Integer(2)))),
    "sqrt": lambda a: _power(a, Array(Number(Rational(1, 2)))),
    "reciprocal": lambda a: _divide(as_array(1), a),
    "exp": _numeric(lambda v: exp(v), _elementwise("exp")),
    "exp2": _numeric(lambda v: Integer(2) ** v, _elementwise("exp2")),
    "exp10": _numeric(lambda v: Integer(10) ** v, _elementwise("exp10")),
    "absolute": _elementwise("abs"),
    "fabs": _elementwise("abs"),
    "fmax": _elementwise("maximum"),
    "fmin": _elementwise("minimum"),
    "matmul": _matmul,
    "vecdot": lambda a, b: sum_(a * b, axis=-1),
    "less": _elementwise("lt"),
    "less_equal": _elementwise("le"),
    "greater": _flip("lt"),
    "greater_equal": _flip("le"),
    "equal": _elementwise("eq"),
    "not_equal": _elementwise("ne"),
    "psi": _elementwise("digamma"),
    "round": _elementwise("rint"),
    "boxcox": _box_cox,
    "inv_boxcox": _inverse_box_cox,
    "floor_divide": lambda a, b: UFUNCS["floor"](_divide(a, b)),
    "deg2rad": _scaled(pi / 180),
    "radians": _scaled(pi / 180),
    "rad2deg": _scaled(180 / pi),
    "degrees": _scaled(180 / pi),
    "logical_and": _logical(_multiply),
    "logical_or": _logical(_elementwise("maximum")),
    "logical_xor": _logical(_elementwise("ne")),
    "logical_not": _logical(_negated),
    "bitwise_and": _bitwise("&", _multiply),
    "bitwise_or": _bitwise("|", _elementwise("maximum")),
    "bitwise_xor": _bitwise("^", _elementwise("ne")),
    "invert": _bitwise("~", _negated),
    "conjugate": lambda a: a.copy(),
}

_ABOUT_FLOATS = "asks about floating-point numbers; the entries of a formula are real numbers, so leave it out"
REFUSED_UFUNCS: dict[str, str] = {
    **dict.fromkeys(("isfinite", "isnan", "isinf", "signbit", "isnat"), _ABOUT_FLOATS),
    **dict.fromkeys(("nextafter", "spacing", "frexp", "ldexp", "modf"), "is about floating-point numbers, not reals"),
    **dict.fromkeys(("left_shift", "right_shift", "gcd", "lcm", "bitwise_count"), "is about integers, not reals"),
}
"""Why some ufuncs have no meaning for arrays of real numbers."""

ARRAY_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: sum_,
    np.mean: mean,
    np.prod: prod,
    np.var: var,
    np.std: std,
    np.average: average,
    np.dot: dot,
    np.inner: inner,
    np.outer: outer,
    np.vdot: vdot,
    np.tensordot: tensordot,
    np.einsum: einsum,
    np.trace: trace,
    np.diag: diag,
    np.diagonal: diagonal,
    np.linalg.multi_dot: lambda arrays: chain_product(arrays),
    np.linalg.trace: trace,
    np.linalg.outer: outer,
    np.linalg.matmul: lambda a, b: _matmul(as_array(a), as_array(b)),
    np.where: where,
    np.clip: clip,
    np.select: select,
    np.piecewise: piecewise,
    np.round: rounded,
    np.around: rounded,
    np.fix: lambda x, out=None: UFUNCS["trunc"](as_array(x)),
    np.sinc: lambda x: UFUNCS["sinc"](as_array(x)),
    np.i0: lambda x: UFUNCS["i0"](as_array(x)),
    np.transpose: transpose,
    np.swapaxes: swapaxes,
    np.moveaxis: moveaxis,
    np.expand_dims: expand_dims,
    np.squeeze: squeeze,
    np.ones_like: _like(1),
    np.zeros_like: _like(0),
    np.copy: lambda a, **_: as_array(a).copy(),
    np.shape: lambda a: as_array(a).shape,
    np.ndim: lambda a: as_array(a).ndim,
    np.size: lambda a: as_array(a).size,
    np.real: lambda a: a,
    np.allclose: _isclose,
    np.isclose: _isclose,
    np.array_equal: _isclose,
}


def chain_product(arrays: Iterable[Any]) -> Array:
    """``np.linalg.multi_dot``: the matrix product of several arrays, from the left."""
    first, *rest = [as_array(a) for a in arrays]
    for other in rest:
        first = first @ other
    return first


