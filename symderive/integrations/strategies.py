"""Hypothesis strategies: floating-point points of any domain.

``sd.strategies.entries(domain)`` draws numbers, ``sd.strategies.arrays(domain, shape)`` arrays, and
``sd.strategies.points(X, w, y)`` a dict of arrays for declared ones, with sizes that fit together.
Every array drawn lies in its domain *exactly*, as the numbers that its floats are: rows of a simplex
sum to 1 without rounding (they are multiples of a power of 1/2), a correlation matrix has ones on
its diagonal.  Orthogonal matrices and unit vectors that are exact in floats are few: signs,
permutations and halves; ``exact=False`` draws general ones, right to rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Integer, Symbol

from symderive.errors import MissingExtraError, ShapeError, UnsupportedError
from symderive.judgement.instances import satisfies
from symderive.language.arrays import Array
from symderive.language.domains import AXIS_STRUCTURES, Domain, Entries
from symderive.language.nodes import Leaf

try:
    from hypothesis import assume
    from hypothesis import strategies as st
except ImportError as error:  # the strategies are for those who have hypothesis
    raise MissingExtraError("hypothesis", "test") from error

strategies = sys.modules[__name__]
"""This module, under the name that it has in ``symderive``."""

MAGNITUDE = 1e3
"""Numbers of an unbounded domain are drawn up to this size."""

PARTS = 2**20
"""Probabilities are multiples of one over this: exact in floats, and so are their sums."""

Draw = Callable[[Any], Any]


def entries(domain: Domain, magnitude: float = MAGNITUDE) -> st.SearchStrategy[float]:
    """Single numbers of a domain, as floats (integers and labels too).

    >>> import symderive as sd
    >>> entries(sd.labels(0, 1)).validate()
    """
    return _entries(domain.entries, magnitude)


def _entries(of: Entries, magnitude: float) -> st.SearchStrategy[float]:
    if of.values is not None:
        return st.sampled_from([float(v) for v in of.values])
    low = float(of.low) if of.low.is_finite else None
    high = float(of.high) if of.high.is_finite else None
    if of.integer:
        bottom = int(low) if low is not None else int(-magnitude)
        top = int(high) if high is not None else max(int(magnitude), bottom)
        whole = st.integers(bottom, top).map(float)
        return whole.filter(lambda v: v != 0) if of.nonzero else whole
    if low is not None and high is not None and low == high:
        return st.just(low)
    made = st.floats(
        min_value=low if low is not None else min(-magnitude, (high or 0.0) - magnitude),
        max_value=high if high is not None else max(magnitude, (low or 0.0) + magnitude),
        exclude_min=low is not None and of.low_open,
        exclude_max=high is not None and of.high_open,
        allow_nan=False,
        allow_infinity=False,
        allow_subnormal=False,
    )
    inside = made.filter(lambda v: _inside(of, v))
    return inside.filter(lambda v: v != 0) if of.nonzero else inside


def _inside(of: Entries, value: float) -> bool:
    """Whether a float lies in an interval whose ends need not be floats."""
    return satisfies(Domain(of), np.array(Fraction(value), dtype=object).reshape(()))


@st.composite
def arrays(
    draw: Draw, domain: Domain, shape: int | Sequence[int] = (), *, magnitude: float = 10.0, exact: bool = True
) -> np.ndarray:
    """Float arrays of a shape in a domain (structured ones: each matrix, or each row).

    ``exact`` False draws general orthogonal matrices and unit vectors, right to rounding.

    Raises `UnsupportedError` for a combination of structures with no strategy, `ShapeError` for a
    shape that the domain does not fit.
    """
    sizes = (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(s) for s in shape)
    structures = dict(domain.structures)
    rows = [s for s in structures if s in AXIS_STRUCTURES]
    if structures and len(sizes) < (1 if rows else 2):
        raise ShapeError(f"{domain} needs {'an axis' if rows else 'a matrix'}, got the shape {sizes}")
    if rows:
        axis = structures[rows[0]]
        outer = tuple(np.delete(sizes, axis))
        made = np.empty((*outer, sizes[axis]))
        for index in np.ndindex(outer):
            made[index] = draw(_vectors(domain, rows, sizes[axis], exact))
        made = np.moveaxis(made, -1, axis)
    elif structures:
        made = np.empty(sizes)
        for index in np.ndindex(sizes[:-2]):
            made[index] = draw(_matrices(domain, made.shape[-2], made.shape[-1], magnitude, exact))
    else:
        count = int(np.prod(sizes, dtype=int))
        numbers = draw(st.lists(_entries(domain.entries, magnitude), min_size=count, max_size=count))
        made = np.array(numbers, dtype=float).reshape(sizes)
    curved = {"orthogonal", "unit_norm"} & set(structures)
    if exact or not curved:
        assume(lies_in(domain, made))
    return made


def lies_in(domain: Domain, value: Any) -> bool:
    """Whether floats, taken as the exact numbers that they are, lie in a domain.

    >>> import symderive as sd
    >>> lies_in(sd.simplex, [0.5, 0.5]), lies_in(sd.simplex, [0.1, 0.9 + 1e-16])
    (True, False)
    """
    given = np.asarray(value, dtype=float)
    if not np.all(np.isfinite(given)):
        return False
    whole = np.empty(given.shape, dtype=object)
    for index in np.ndindex(given.shape):
        whole[index] = Fraction(float(given[index]))
    return satisfies(domain, whole)


@st.composite
def points(draw: Draw, *declared: Array, largest: int = 4, magnitude: float = 10.0) -> dict[str, Any]:
    """Values for declared arrays by name, at drawn sizes of their dimensions (1 to ``largest``); scalars are floats.

    >>> import symderive as sd
    >>> X, w = sd.array("X", "n", "d"), sd.array("w", "d")
    >>> points(X, w).validate()
    """
    found: dict[Symbol, int] = {}
    values: dict[str, Any] = {}
    for item in declared:
        if not isinstance(item.node, Leaf):
            raise UnsupportedError(f"points are drawn for declared arrays, got the expression {item}")
        for dim in item.dims:
            for symbol in sorted(dim.free_symbols, key=str):
                if isinstance(symbol, Symbol) and symbol not in found:
                    found[symbol] = draw(st.integers(1, largest))
    numbers = {symbol: Integer(size) for symbol, size in found.items()}
    for item in declared:
        shape = tuple(int(dim.xreplace(numbers)) for dim in item.dims)  # type: ignore[arg-type]
        domain = item.domain.at(found)
        value = draw(arrays(domain, shape, magnitude=magnitude))
        values[str(item.name)] = value if shape else float(value)
    return values


# -- vectors ------------------------------------------------------------------------------------


@st.composite
def _vectors(draw: Draw, domain: Domain, structures: Sequence[str], size: int, exact: bool) -> np.ndarray:
    if "one_hot" in structures:
        return np.eye(size)[draw(st.integers(0, size - 1))]
    if "unit_norm" in structures:
        return _unit(draw, size, exact)
    least = 1 if domain.entries.low_open else 0
    free = PARTS - least * size
    cuts = sorted(draw(st.lists(st.integers(0, free), min_size=size - 1, max_size=size - 1)))
    return (np.diff([0, *cuts, free]) + least) / PARTS


def _unit(draw: Draw, size: int, exact: bool) -> np.ndarray:
    if not exact:
        raw = np.array(draw(st.lists(st.floats(-1, 1), min_size=size, max_size=size)))
        length = float(np.linalg.norm(raw))
        assume(length > 1e-3)
        return raw / length
    made = np.zeros(size)
    count = draw(st.sampled_from([1, 4] if size >= 4 else [1]))
    places = draw(st.permutations(range(size)))[:count]
    for place in places:
        made[place] = draw(st.sampled_from([-1.0, 1.0])) / (1 if count == 1 else 2)
    return made


# -- matrices -------------------------------------------------------------------------------------


def _eighths(magnitude: float) -> st.SearchStrategy[float]:
    """Multiples of 1/8: their products and sums are exact."""
    top = max(int(8 * min(magnitude, 16.0)), 1)
    return st.integers(-top, top).map(lambda v: v / 8)


@st.composite
def _matrices(draw: Draw, domain: Domain, rows: int, columns: int, magnitude: float, exact: bool) -> np.ndarray:
    has = domain.has
    if has("orthogonal"):
        return _orthogonal(draw, rows, exact)
    flat = draw(st.lists(_eighths(magnitude), min_size=rows * columns, max_size=rows * columns))
    made = np.array(flat).reshape(rows, columns)
    low, high = domain.has("lower_triangular"), domain.has("upper_triangular")
    if has("correlation"):
        return _correlation(draw, rows)
    if low and high:
        made = np.diag(np.diag(made)) if rows == columns else made * np.eye(rows, columns)
    elif low or high:
        made = np.tril(made) if low else np.triu(made)
    if has("positive_diagonal") or has("spd") or has("invertible"):
        made = _with_diagonal(made, has("positive_diagonal") or (low and high and has("spd")))
    if has("spd") or has("psd"):
        if low or high:
            return np.abs(made)
        half = np.tril(made)
        return half @ half.T
    if has("symmetric") and not (low or high):
        return np.tril(made) + np.tril(made, -1).T
    return np.tril(made) @ np.triu(_ones(made), 0) if has("invertible") and not (low or high) else made


def _ones(made: np.ndarray) -> np.ndarray:
    """The same with ones on the diagonal, so that a triangle of it is invertible."""
    made = made.copy()
    np.fill_diagonal(made, 1.0)
    return made


def _with_diagonal(made: np.ndarray, positive: bool) -> np.ndarray:
    """The same with no 0 on the diagonal, or with positive numbers there."""
    made = made.copy()
    for k in range(min(made.shape)):
        value = abs(made[k, k]) if positive else made[k, k]
        made[k, k] = value if value else 0.125
    return made


def _correlation(draw: Draw, size: int) -> np.ndarray:
    """A mean of four matrices s sᵀ of signs, mixed with the identity: ones on the diagonal, positive definite."""
    total = np.zeros((size, size))
    for _ in range(4):
        s = np.array(draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=size, max_size=size)))
        total += np.outer(s, s) / 4
    weight = draw(st.integers(0, 15)) / 16
    return weight * total + (1 - weight) * np.eye(size)


def _orthogonal(draw: Draw, size: int, exact: bool) -> np.ndarray:
    if not exact:
        raw = np.array(draw(st.lists(st.floats(-1, 1), min_size=size * size, max_size=size * size)))
        q, r = np.linalg.qr(raw.reshape(size, size) + 2 * np.eye(size))
        return q * np.sign(np.where(np.diag(r) == 0, 1.0, np.diag(r)))
    signs = np.array(draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=size, max_size=size)))
    made = np.eye(size)[list(draw(st.permutations(range(size))))] * signs
    if size >= 4 and draw(st.booleans()):
        block = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
        mixed = np.eye(size)
        mixed[:4, :4] = block
        made = made @ mixed
    return made


__all__ = ["arrays", "entries", "lies_in", "points", "strategies"]
