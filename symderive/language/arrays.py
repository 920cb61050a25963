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
from sympy import E, Expr, Integer, Rational, Symbol, expand, log, pi, sqrt, sympify

from symderive.errors import (
    DomainError,
    ShapeError,
    UnknownNameError,
    UnsupportedAttributeError,
    UnsupportedError,
)
from symderive.language import build
from symderive.language.domains import AXIS_STRUCTURES, Domain, real
from symderive.language.functions import FUNCTIONS
from symderive.language.indexing import Axes, Indices, Places, Selection, overwritten, selection_of
from symderive.language.integers import NO_INDEX, indexing_leaf
from symderive.language.nodes import (
    ONE,
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
)
from symderive.language.refusals import NUMPY, refusal

READING: ContextVar[bool] = ContextVar("READING", default=False)
"""Set while a user's function runs on symbolic arrays (:mod:`.function_reader`).

Then arrays that the function made change in place, and ``n == 1`` on dimensions is an
error unless it is decided.
"""

UFUNCS: dict[str, Callable[..., Array]] = {}
"""What each ufunc makes, by its name; :mod:`symderive.language.ufuncs` fills it."""

REDUCERS: dict[tuple[str, str], Callable[..., Array]] = {}
"""What a method of a ufunc makes: ``("add", "reduce")``; :mod:`symderive.language.reductions` fills it."""

ARRAY_FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""What each function of NumPy that takes whole arrays makes; the modules beside this one fill it."""

RESERVED = frozenset(
    {"np", "sd", "numpy", "scipy", "expit", "log_expit", "xlogy", "xlog1py", "entr", "rel_entr", "kl_div"}
)
"""Names that generated text uses itself.  Beside an array named gamma the function is ``scipy.special.gamma``."""


def check_name(name: object, what: str = "an array") -> str:
    """A name that text, LaTeX and generated code can all carry."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise UnknownNameError(
            f"{what} needs a name that is a Python identifier (letters, digits, underscore), got {name!r}"
        )
    if "·" in name:
        raise UnknownNameError(f"names with '·' are those of bound variables; {what} needs another than {name!r}")
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
            why = NUMPY.get(name)
            raise UnsupportedAttributeError(
                f"the method .{name}() is not read on symbolic arrays" + (f"; {why}" if why else "")
            )
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
            "it is not among the functions that symderive reads (arrays to be filled are made by np.zeros)"
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
        if not selection.distinct:
            raise UnsupportedError(
                "assigning to entries by an array of indices that may hold an index twice is not read; "
                "index rows by np.arange(n), or add with np.add.at"
            )
        picked = value._picked if isinstance(value, Array) else None
        if picked is not None and picked.added is not None and picked.is_of(root, selection) and selection.once:
            root._change(build.add([(ONE, root.node), (ONE, selection.place(picked.added))], root.node.shape))
            return
        value = as_array(value)
        root._check_kind(value)
        new = laid(value, selection.result, axes)
        for place, part in selection.in_turn(new):
            root._put(place, part)

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
        result._kind = self.kind
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
        missing = [slice(None)] * (self.ndim - consuming)
        if not any(k is Ellipsis for k in keys):
            return (*keys, *missing)
        place = next(i for i, k in enumerate(keys) if k is Ellipsis)
        # One that stands for no axis still parts the arrays of indices on its sides.
        keys[place : place + 1] = missing or [Ellipsis]
        return tuple(keys)

    def _select(self, keys: tuple[Any, ...]) -> tuple[Selection, Axes]:
        """The keys as a selection of this array's node."""
        found: list[Any] = []
        position = 0
        for k in keys:
            if k is None or k is Ellipsis:
                found.append(k)
                continue
            if isinstance(k, slice):
                found.append(slice(*(_end(end) for end in (k.start, k.stop, k.step))))
            elif isinstance(k, list):
                found.append(Places(tuple(self._index(i, position) for i in k)))
            elif isinstance(k, np.ndarray):
                found.append(self._places(k, position))
            elif _is_index_array(k):
                if k.kind == "f" and indexing_leaf(k.node)[0] is None:
                    raise UnsupportedError(NO_INDEX)
                found.append(Indices(k.node, k.axes))
            else:
                found.append(self._index(k, position))
            position += 1
        return selection_of(self.node.shape, self.axes, found)

    def _places(self, values: np.ndarray, position: int) -> Places | Indices:
        """An array of Python integers of several axes, as np.ix_ makes them."""
        long = [k for k, s in enumerate(values.shape) if s != 1] or [0]
        if len(long) == 1:
            places = tuple(self._index(int(i), position) for i in values.ravel())
            return Places(places, long[0], values.ndim - 1 - long[0])
        if (values < 0).any():
            raise UnsupportedError("negative places in an array of indices of several axes are not read")
        node = constant(values.squeeze()).node
        numbers = iter(range(node.rank))
        return Indices(node, tuple(None if s == 1 else next(numbers) for s in values.shape))

    def _index(self, k: object, position: int) -> Expr:
        """A place on an axis, counted from the front."""
        size = self.dims[position]
        if isinstance(k, Array) and isinstance(k.node, Number) and k.node.value.is_integer:
            value = k.node.value
        elif isinstance(k, bool | np.bool_) or not hasattr(k, "__index__") or isinstance(k, Array):
            raise UnsupportedError(
                f"cannot index with {type(k).__name__}; integers, slices, arrays of indices, '...' and None are read"
            )
        else:
            value = Integer(operator.index(k))  # type: ignore[arg-type]
        place = size + value if value.is_negative else value
        if place.is_negative or expand(size - 1 - place).is_negative:
            raise ShapeError(f"index {value} is out of bounds for axis {position} of size {size}")
        return place

    # -- NumPy's protocols -----------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Masked) for x in inputs):
            return NotImplemented
        if method in ("reduce", "accumulate") and (ufunc.__name__, method) in REDUCERS:
            made = REDUCERS[ufunc.__name__, method](*inputs, **kwargs)
            made._kind = _kind_of_result(ufunc.__name__, inputs)
            return made
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
            known = "__call__" if name not in UFUNCS else method
            raise UnsupportedError(refusal("numpy", name if known == "__call__" else f"{name}.{method}"))
        return elementary(name, *inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, Masked) for t in types):
            return NotImplemented
        maker = ARRAY_FUNCTIONS.get(func)
        if maker is None:
            raise UnsupportedError(refusal(getattr(func, "__module__", None) or "numpy", func.__name__))
        result = maker(*args, **kwargs)
        if isinstance(result, Array) and result._kind is None and not isinstance(result, Dim):
            result._kind = _kind_of_result(func.__name__, [*args, *kwargs.values()])
        return result

    # -- methods ---------------------------------------------------------------------

    def sum(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.mean, self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.prod, self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Array:
        return _dispatched(np.var, self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Array:
        return _dispatched(np.std, self, axis=axis, ddof=ddof, keepdims=keepdims)

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

    def any(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.any, self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Array:
        return _dispatched(np.all, self, axis=axis, keepdims=keepdims)

    def round(self, decimals: int = 0) -> Array:
        return _dispatched(np.round, self, decimals)

    def conj(self) -> Array:
        return self

    def trace(self) -> Array:
        return _dispatched(np.trace, self)

    def diagonal(self) -> Array:
        return _dispatched(np.diagonal, self)

    def transpose(self, *axes: Any) -> Array:
        if len(axes) == 1 and not isinstance(axes[0], int):
            return _dispatched(np.transpose, self, axes[0])
        return _dispatched(np.transpose, self, axes or None)

    def swapaxes(self, a: int, b: int) -> Array:
        return _dispatched(np.swapaxes, self, a, b)

    def squeeze(self, axis: Any = None) -> Array:
        return _dispatched(np.squeeze, self, axis)

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
        """In another type: real numbers are cut off to integers, and all but 0 are true."""
        wanted = kind_of_dtype(dtype)
        if not copy and wanted == self.kind:
            return self
        if wanted == "b" and self.kind != "b":
            made = self != 0
        else:
            made = UFUNCS["trunc"](self) if wanted == "i" and self.kind == "f" else self.copy()
        made._kind = wanted
        return made

    def clip(self, min: Any = None, max: Any = None) -> Array:
        return _dispatched(np.clip, self, min, max)

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
MASKS = "NumPy's product of masks is a mask, not a sum; write mask * 1.0 for zeros and ones"


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
    if given.dtype.kind not in "iu" or not given.ndim or not given.size:
        raise UnsupportedError(f"cannot index with {key!r}; lists of integers are read")
    if given.ndim > 1:
        return [given]
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


def kind_of_dtype(dtype: Any) -> str:
    """The kind of a dtype that a function asks for; complex numbers and objects are refused."""
    kind = np.dtype(dtype).kind
    if kind not in "biuf":
        raise UnsupportedError(f"arrays of {np.dtype(dtype)} are not read; formulas are over real numbers")
    return "i" if kind == "u" else kind


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
    if top == "b" and name in ("matmul", "vecdot"):
        raise UnsupportedError(MASKS)
    if top == "b" and name in ("subtract", "negative"):
        raise UnsupportedError("NumPy has no difference of masks; write a != b, or mask * 1.0 for zeros and ones")
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
        return case_of(_spread(self.mask, self.value.ndim), self.value, as_array(0)).sum()

    def mean(self) -> Array:
        """Their mean: undefined where there are none."""
        return self.sum() / self.size

    @property
    def size(self) -> Array:
        """How many there are."""
        ones_ = Array(build.ones(self.value.node.shape), self.value.axes)
        return (_spread(self.mask, self.value.ndim) * ones_).sum()

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
    nodes, _, axes = joined((condition, x, y), "np.where")
    made = Array(build.apply("where", *nodes), axes)
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


#: Most axes of a declared array; NumPy's einsum has a letter for each, and older NumPy stops at 32.
MOST_AXES = 16


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
    if len(shape) > MOST_AXES:
        raise ShapeError(f"{name}: an array has at most {MOST_AXES} axes, this has {len(shape)}")
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
    """An Array as it is; numbers, small arrays of them, and lists of arrays and numbers as exact constants."""
    if isinstance(value, Array):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, list | tuple) and _has_arrays(value):
        return ARRAY_FUNCTIONS[np.stack]([as_array(v) for v in value])
    if isinstance(value, np.ndarray | list | tuple):
        return constant(value)
    made = Array(Number(exact(value)))
    made._kind = _kind_of_input(value)
    return made


def _has_arrays(values: Sequence[Any]) -> bool:
    return any(isinstance(v, Array) or (isinstance(v, list | tuple) and _has_arrays(v)) for v in values)


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


def joined(arrays: Sequence[Array], what: str) -> tuple[list[Node], Shape, Axes]:
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
    return joined(arrays, what)[0]


def _transpose_hint(arrays: Sequence[Array]) -> str:
    if len(arrays) == 2 and {a.ndim for a in arrays} == {1, 2}:
        vector, matrix = sorted(arrays, key=lambda a: a.ndim)
        if vector.dims[0] == matrix.dims[0]:
            return "; use [:, None] on the vector to lay it along the rows"
    return ""


















# -- arguments ---------------------------------------------------------------------------


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




def no_extras(what: str, **extras: Any) -> None:
    """Refuse arguments such as ``out=`` that a function is given and that are not read."""
    for key, value in extras.items():
        if value is not None and value is not np._NoValue and not (key == "where" and value is True):
            raise UnsupportedError(f"{what}({key}=...) is not read on symbolic arrays")


def solid(a: Array) -> Node:
    """The array as a node whose axes are all real, axes of length 1 included."""
    rank = a.ndim
    labels = [0] * a.node.rank
    for position, axis in enumerate(a.axes):
        if axis is not None:
            labels[axis] = position
    return build.contract(ONE, [(a.node, labels)], range(rank), dict(enumerate(a.dims)))


def single_axis(a: Array, axis: Any, what: str) -> int:
    """The one axis along which a function runs; None means the only one."""
    if axis is None:
        if a.ndim != 1:
            raise UnsupportedError(f"{what} over all axes of a matrix flattens it; give axis=")
        axis = 0
    (position,) = axes_of(a, axis, what)
    if a.axes[position] is None:
        raise UnsupportedError(f"{what} over an axis of length 1 made by indexing is not read")
    return position
