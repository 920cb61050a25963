"""What a kernel checks of its inputs, once, before anything is computed.

Every error names the array, what it needs in the user's dimension names, and what was given.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
from sympy import Expr, Integer, Symbol

from symderive.errors import DataError, ShapeError, UnknownNameError
from symderive.language.arrays import shape_text
from symderive.language.domains import AXIS_STRUCTURES, Domain, Entries
from symderive.language.nodes import Leaf

__all__ = ["Door", "Inputs", "size_of"]

_ANY = Entries()

#: How far sums, symmetry and orthogonality may be off, relative to the size of the entries.
TOLERANCE = 1e-8


def size_of(dim: Expr, sizes: Mapping[Symbol, int]) -> int:
    """The size of a dimension, given those of the dimensions that it is made from."""
    value: Any = dim.xreplace({symbol: Integer(size) for symbol, size in sizes.items()})
    return int(value)


@dataclass(frozen=True)
class Inputs:
    """Checked inputs: float64 arrays (scalars as floats) by name, and the dimensions' sizes."""

    values: dict[str, Any]
    sizes: dict[str, int]


@dataclass(frozen=True)
class Door:
    """The arrays and dimensions that a kernel needs; ``admit`` checks a set of inputs.

    ``least`` holds pairs (dimension, smallest size), for formulas that pick an entry by its index.
    """

    leaves: tuple[Leaf, ...]
    dimensions: tuple[Symbol, ...]
    least: tuple[tuple[Expr, Expr], ...] = ()

    def admit(self, data: Mapping[str, Any]) -> Inputs:
        """The inputs as float64 arrays, every check passed.

        Raises
        ------
        UnknownNameError
            A name is missing, or is none of the kernel's.
        ShapeError
            A wrong number of axes, dimensions that contradict each other, an empty dimension.
        DataError
            Text, complex numbers, NaN or infinity, or entries outside an array's domain.
        """
        self._check_names(data)
        values = {leaf.name: _numeric(leaf, data[leaf.name]) for leaf in self.leaves}
        sizes = self._sizes(values, data)
        for leaf in self.leaves:
            value = values[leaf.name]
            if not _is_finite(value):
                at = _first(~np.isfinite(value))
                raise DataError(
                    f"{leaf.name} has {value[at]} at index {_index(at)}; every entry must be finite"
                    if value.ndim
                    else f"{leaf.name} is {float(value)}; it must be finite"
                )
            _check_domain(leaf, value, sizes)
        return Inputs(
            {name: value if value.ndim else float(value) for name, value in values.items()}, sizes
        )

    @property
    def listing(self) -> str:
        """The inputs with their shapes, for messages."""
        parts = [f"{leaf.name} {shape_text(leaf.shape) if leaf.shape else '(a scalar)'}" for leaf in self.leaves]
        return ", ".join([*parts, *(f"{s} (a dimension)" for s in self.asked)])

    def _carried(self) -> set[Symbol]:
        return {dim for leaf in self.leaves for dim in leaf.shape if isinstance(dim, Symbol)}

    @property
    def asked(self) -> list[Symbol]:
        """The dimensions that no array carries as an axis: they are inputs."""
        carried = self._carried()
        return [s for s in self.dimensions if s not in carried]

    def _check_names(self, data: Mapping[str, Any]) -> None:
        arrays = [leaf.name for leaf in self.leaves]
        dims = [s.name for s in self.dimensions]
        unknown = [name for name in data if name not in arrays and name not in dims]
        if unknown:
            folded = {name.lower(): name for name in [*dims, *arrays]}
            close = get_close_matches(unknown[0].lower(), folded, n=1, cutoff=0.5)
            hint = f" (did you mean {folded[close[0]]!r}?)" if close else ""
            raise UnknownNameError(
                f"unknown input {', '.join(map(repr, unknown))}{hint}; the inputs are {self.listing}"
            )
        missing = [name for name in [*arrays, *(s.name for s in self.asked)] if name not in data]
        if missing:
            raise UnknownNameError(
                f"missing input {', '.join(map(repr, missing))}; the inputs are {self.listing}"
            )

    def _sizes(self, values: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> dict[str, int]:
        sizes: dict[Symbol, tuple[int, str]] = {}
        for symbol in self.dimensions:
            if symbol.name in data:
                sizes[symbol] = (_dimension(symbol.name, data[symbol.name]), f"{symbol}=")
        for leaf in self.leaves:
            shape = values[leaf.name].shape
            if len(shape) != leaf.rank:
                raise ShapeError(_rank_message(leaf, shape))
            if 0 in shape:
                raise ShapeError(
                    f"{leaf.name} {shape_text(leaf.shape)} has shape {shape}; every dimension must be at least 1"
                )
            for dim, size in zip(leaf.shape, shape, strict=True):
                if isinstance(dim, Symbol):
                    known = sizes.setdefault(dim, (size, leaf.name))
                    if known[0] != size:
                        raise ShapeError(
                            f"{dim} is {known[0]} from {known[1]} but {size} from {leaf.name} "
                            f"(shape {shape}, needed {shape_text(leaf.shape)}); the inputs are {self.listing}"
                        )
        numbers_ = {symbol: size for symbol, (size, _) in sizes.items()}
        for leaf in self.leaves:
            shape = values[leaf.name].shape
            for dim, size in zip(leaf.shape, shape, strict=True):
                if not isinstance(dim, Symbol) and size_of(dim, numbers_) != size:
                    needed = tuple(size_of(s, numbers_) for s in leaf.shape)
                    raise ShapeError(
                        f"{leaf.name} has shape {shape}, needed {shape_text(leaf.shape)} = {needed}"
                    )
        for dim, least in self.least:
            have, need = size_of(dim, numbers_), size_of(least, numbers_)
            if not 1 <= need <= have:
                raise ShapeError(
                    f"the formula takes the entry at index {need - 1} along {dim}, and {dim} is only {have}"
                )
        return {symbol.name: size for symbol, size in numbers_.items()}


def _rank_message(leaf: Leaf, shape: tuple[int, ...]) -> str:
    kinds = {0: "a scalar", 1: "a vector", 2: "a matrix"}
    kind = kinds.get(leaf.rank, f"an array with {leaf.rank} axes")
    needed = f"{leaf.name} must be {kind}" + (f" of shape {shape_text(leaf.shape)}" if leaf.rank else "")
    hint = ""
    if leaf.rank == 1 and len(shape) == 2 and 1 in shape:
        hint = f"; use {leaf.name}.ravel()"
    elif leaf.rank == 2 and len(shape) == 1:
        hint = f"; use {leaf.name}[:, None] for one column or {leaf.name}[None, :] for one row"
    return f"{needed}, got shape {shape}{hint}"


def _dimension(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ShapeError(f"the dimension {name} must be an integer >= 1, got {value!r}")
    return int(value)


def _numeric(leaf: Leaf, value: Any) -> np.ndarray:
    """The value as a float64 array."""
    name = leaf.name
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(f"{name} is not a rectangular array of numbers: {error}") from error
    kind = array.dtype.kind
    if kind == "c":
        raise DataError(f"{name} is complex ({array.dtype}); kernels compute with real numbers: give {name}.real")
    if kind == "O":
        if array.ndim == 0 and not isinstance(value, numbers.Real):
            raise DataError(f"{name} is a {type(value).__name__}; give a dense array of numbers")
        bad = next((x for x in array.flat if not isinstance(x, numbers.Real)), None)
        if bad is not None or None in array.flat:
            raise DataError(f"{name} holds {str(bad)[:40]!r} ({type(bad).__name__}); every entry must be a number")
    elif kind not in "biuf":
        raise DataError(f"{name} holds {_kind(kind)} (dtype {array.dtype}); every entry must be a number")
    return np.asarray(array, dtype=np.float64)


def _kind(kind: str) -> str:
    return {"U": "text", "S": "bytes", "M": "dates", "m": "time differences"}.get(kind, "no numbers")


def _is_finite(value: np.ndarray) -> bool:
    # One pass without a temporary; a sum that overflows is looked at entry by entry.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.sum(value))) or bool(np.all(np.isfinite(value)))


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _index(at: Sequence[int]) -> str:
    return str(at[0]) if len(at) == 1 else str(tuple(at))


@cache
def _ends(entries: Entries) -> tuple[float, float]:
    low = -math.inf if entries.low.free_symbols else float(entries.low)
    return low, math.inf if entries.high.free_symbols else float(entries.high)


def _check_domain(leaf: Leaf, value: np.ndarray, sizes: Mapping[str, int]) -> None:
    domain: Domain = leaf.domain
    # an end in a dimension that these inputs do not say is checked where all inputs are
    entries = domain.entries.at({s: sizes[s.name] for s in domain.entries.symbols if s.name in sizes})
    if entries == _ANY and not domain.structures:
        return
    bad: np.ndarray
    if entries.values is not None:
        bad = np.ones(value.shape, dtype=bool)
        for v in entries.values:
            bad = bad & (value != float(v))
    else:
        low, high = _ends(entries)
        bad = (value <= low) if entries.low_open else (value < low)
        bad = bad | ((value >= high) if entries.high_open else (value > high))
        if entries.nonzero:
            bad = bad | (value == 0)
        if entries.integer:
            bad = bad | (value != np.round(value))
    if np.any(bad):
        at = _first(np.asarray(bad))
        where = f" at index {_index(at)}" if value.ndim else ""
        count = int(np.sum(bad))
        more = f" ({count} entries in all)" if count > 1 else ""
        here = f" = integers({entries.low}, {entries.high})" if domain.entries.symbols else ""
        raise DataError(f"{leaf.name} must be in {domain}{here}; it has {value[at]:g}{where}{more}")
    for structure, axis in domain.structures:
        problem = _structure_problem(structure, axis, value)
        if problem:
            raise DataError(f"{leaf.name} must be {domain}: {problem}")


def _structure_problem(structure: str, axis: int, value: np.ndarray) -> str:
    """What is wrong, or nothing."""
    if structure in AXIS_STRUCTURES:
        squared = structure == "unit_norm"
        worst = float(np.max(np.abs((value**2 if squared else value).sum(axis=axis) - 1)))
        if worst > TOLERANCE:
            what = "squares of entries" if squared else "entries"
            return f"{what} along axis {axis} must sum to 1, and a sum is off by {worst:.3g}"
        return ""
    scale = float(np.max(np.abs(value))) or 1.0
    if structure in ("symmetric", "psd", "spd", "correlation"):
        worst = float(np.max(np.abs(value - value.T)))
        if worst > TOLERANCE * scale:
            return f"it differs from its transpose by {worst:.3g}"
    if structure == "psd" and float(np.linalg.eigvalsh(value)[0]) < -TOLERANCE * scale:
        return "it has a negative eigenvalue"
    if structure == "correlation" and np.any(np.abs(np.diagonal(value) - 1) > TOLERANCE):
        return "its diagonal is not 1"
    if structure in ("spd", "correlation"):
        try:
            np.linalg.cholesky(value)
        except np.linalg.LinAlgError:
            return "it is not positive definite"
    if structure == "diagonal" and np.any(value - np.diag(np.diagonal(value))):
        return "it has entries off the diagonal"
    if structure == "lower_triangular" and np.any(np.triu(value, 1)):
        return "it has entries above the diagonal"
    if structure == "upper_triangular" and np.any(np.tril(value, -1)):
        return "it has entries below the diagonal"
    if structure == "positive_diagonal" and np.any(np.diagonal(value) <= 0):
        return "its diagonal is not positive"
    if structure == "orthogonal":
        worst = float(np.max(np.abs(value.T @ value - np.eye(len(value)))))
        if worst > TOLERANCE:
            return f"its columns are not orthonormal, off by {worst:.3g}"
    if structure == "invertible" and np.linalg.matrix_rank(value) < len(value):
        return "it is singular"
    return ""
