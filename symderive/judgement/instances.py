"""Exact points at which claims are judged: sizes for the dimensions, rationals for the entries.

Points are drawn by strata, because ordinary random points miss what goes wrong in practice:
far tails, edges of a domain, ties, zeros, both sides of a kink, dimensions of size 1, and two
dimensions that happen to coincide.  Everything is exact (``Fraction``) and follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational, Symbol

from symderive.judgement import structures
from symderive.language.domains import AXIS_STRUCTURES, Domain, Entries
from symderive.language.nodes import (
    Basis,
    Binding,
    Contraction,
    Delta,
    Leaf,
    Merge,
    Node,
    Number,
    Range,
    Slice,
    Sum,
)

STRATA = ("moderate", "special", "tail", "mixed", "zeros", "ties", "small", "far", "edges")
"""Kinds of points: plain rationals, 0 and ±1, far out, a mixture, one array (or all) zero, equal
entries, near 0, one array far out and the others moderate, near (and at) the edges of the domain."""


@dataclass(frozen=True, eq=False)
class Instance:
    """A point: a size for each dimension, an object array of exact numbers for each leaf.

    An entry is a ``Fraction``, or a SymPy number where a declared label is irrational.
    """

    sizes: Mapping[Symbol, int]
    values: Mapping[Leaf, np.ndarray]

    def named_sizes(self) -> dict[str, int]:
        """The sizes by name, in the names' order."""
        return {str(k): v for k, v in sorted(self.sizes.items(), key=lambda kv: str(kv[0]))}

    def named_values(self) -> dict[str, Any]:
        """The values by name: nested tuples of exact numbers."""
        return {leaf.name: _nested(value) for leaf, value in self.values.items()}


def _nested(value: np.ndarray) -> Any:
    if value.ndim == 0:
        return value[()]
    return tuple(_nested(_array(v)) for v in value)


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    out = np.empty((), object)
    out[()] = value
    return out


# -- dimensions --------------------------------------------------------------------------------


def dimensions(nodes: Iterable[Node]) -> tuple[Symbol, ...]:
    """The dimension symbols that occur in nodes, sorted by name."""
    found: set[Symbol] = set()
    for expr, _ in constraints(nodes):
        found |= _symbols(expr)
    for expr in _numbers(nodes):
        found |= _symbols(expr)
    return tuple(sorted(found, key=str))


def _symbols(expr: Expr) -> set[Symbol]:
    if isinstance(expr, Symbol):
        return {expr}
    return set() if isinstance(expr, Rational) else set(expr.free_symbols)  # pyright: ignore[reportReturnType]


def _nodes(nodes: Iterable[Node]) -> Iterable[Node]:
    seen: set[Node] = set()
    for root in nodes:
        for node in root.walk():
            if node not in seen:
                seen.add(node)
                yield node
                if isinstance(node, Binding):
                    yield from _nodes([node.body])


def constraints(nodes: Iterable[Node]) -> list[tuple[Expr, Expr | None]]:
    """What sizes must satisfy: ``(dim, None)``: dim is an integer >= 1; ``(dim, index)``: and 0 <= index < dim."""
    found: dict[tuple[Expr, Expr | None], None] = {}
    for node in _nodes(nodes):
        match node:
            case Leaf():
                found.update(dict.fromkeys((s, None) for s in node.shape))
                entries = node.domain.entries
                if entries.symbols and entries.low.is_finite and entries.high.is_finite:
                    found[entries.high - entries.low + 1, None] = None
            case Contraction():
                found.update(dict.fromkeys((s, None) for s in node.label_dims))
            case Delta() | Range():
                found[node.dim, None] = None
            case Basis():
                found[node.dim, node.index] = None
            case Slice():
                found[node.count, None] = None
                found[node.size, node.start] = None
                found[node.size, node.last] = None
            case Merge():
                found.update(dict.fromkeys((s, None) for s in node.shape))
            case _:
                pass
    return list(found)


def _numbers(nodes: Iterable[Node]) -> Iterable[Expr]:
    for node in _nodes(nodes):
        match node:
            case Number():
                yield node.value
            case Contraction():
                yield node.coefficient
            case Sum():
                for weight, _ in node.terms:
                    yield weight
            case _:
                pass


def integer_at(expr: Expr, sizes: Mapping[Symbol, int]) -> int | None:
    """An expression in the dimensions as an integer, None where it is none."""
    if isinstance(expr, Integer):
        return int(expr)
    if isinstance(expr, Symbol):
        return sizes[expr]
    value = expr.xreplace({k: Integer(v) for k, v in sizes.items()})
    return int(value) if isinstance(value, Integer) else None


def fits(bounds: Sequence[tuple[Expr, Expr | None]], sizes: Mapping[Symbol, int]) -> bool:
    """Whether every dimension is an integer >= 1 and every index lies inside its dimension."""
    for dim, index in bounds:
        size = integer_at(dim, sizes)
        if size is None or size < 1:
            return False
        if index is not None:
            position = integer_at(index, sizes)
            if position is None or not 0 <= position < size:
                return False
    return True


def _lacking(bounds: Sequence[tuple[Expr, Expr | None]], sizes: Mapping[Symbol, int]) -> int:
    """How far sizes are from fitting: 0 where they do."""
    total = 0
    for dim, index in bounds:
        size = integer_at(dim, sizes)
        if size is None:
            total += 1
            continue
        total += max(0, 1 - size)
        if index is not None:
            position = integer_at(index, sizes)
            total += 1 if position is None else max(0, -position, position - size + 1)
    return total


_STEPS = 40


def _repaired(
    bounds: Sequence[tuple[Expr, Expr | None]], sizes: Mapping[Symbol, int], kept: frozenset[Symbol]
) -> dict[Symbol, int] | None:
    """Sizes near the given ones that fit, found one step of one dimension at a time; ``kept`` stay."""
    sizes = dict(sizes)
    for _ in range(_STEPS):
        lack = _lacking(bounds, sizes)
        if not lack:
            return sizes
        moves = [
            {**sizes, s: sizes[s] + step}
            for step in (1, -1)
            for s in sizes
            if s not in kept and sizes[s] + step >= 1
        ]
        if not moves:
            return None
        best = min(moves, key=lambda m: _lacking(bounds, m))
        if _lacking(bounds, best) > lack:
            return None
        sizes = best
    return None


_BASE = ((3, 2, 4, 5, 6), (2, 3, 5, 4, 2), (5, 3, 2, 4, 3), (4, 5, 3, 2, 3))


def settings(nodes: Sequence[Node]) -> list[dict[Symbol, int]]:
    """Sizes to judge at: unequal ones, each dimension once 1, coinciding ones, all 1.

    Only settings at which every derived dimension is a positive integer, every fixed index exists
    and every slice fits; an empty list if none was found.  Without dimensions: one empty setting.
    """
    symbols = dimensions(nodes)
    bounds = constraints(nodes)
    wanted: list[dict[Symbol, int]] = []
    count = len(symbols)

    def propose(sizes: Sequence[int], kept: Sequence[Symbol] = ()) -> None:
        setting = {s: sizes[i % len(sizes)] for i, s in enumerate(symbols)}
        found = _repaired(bounds, setting, frozenset(kept))
        if found is not None and found not in wanted:
            wanted.append(found)

    if not count:
        return [{}] if fits(bounds, {}) else []
    propose(_BASE[0])
    propose(_BASE[1])
    for i in range(min(count, 4)):
        propose([1 if j == i else _BASE[0][(j + i) % 5] for j in range(count)], [symbols[i]])
    propose([2] * count)
    propose([1] * count)
    propose(_BASE[2])
    if count <= 2:
        propose(_BASE[3])
    propose([3] * count)
    if not wanted:
        rng = random.Random("sizes")
        for _ in range(200):
            setting = {s: rng.randint(1, 12) for s in symbols}
            if fits(bounds, setting) and setting not in wanted:
                wanted.append(setting)
                if len(wanted) == 4:
                    break
    return wanted


def shape_at(leaf: Leaf, sizes: Mapping[Symbol, int]) -> tuple[int, ...]:
    """The leaf's shape at given sizes."""
    shape = [integer_at(s, sizes) for s in leaf.shape]
    return tuple(s if s is not None else 0 for s in shape)


# -- entries -----------------------------------------------------------------------------------

_SPECIAL = tuple(Fraction(v) for v in ("0", "1", "-1", "2", "-2", "1/2", "-1/2"))


class Drawer:
    """Draws exact numbers and arrays; everything follows from the seed."""

    def __init__(self, seed: int | str) -> None:
        self.rng = random.Random(seed)

    def moderate(self) -> Fraction:
        """A rational of modest size with a small denominator."""
        q = self.rng.choice((1, 2, 3, 4, 5, 7, 8))
        return Fraction(self.rng.randint(-3 * q, 3 * q), q)

    def small(self) -> Fraction:
        """A rational near 0."""
        sign = self.rng.choice((-1, 1))
        return Fraction(sign * self.rng.randint(1, 9), 10 ** self.rng.randint(2, 8))

    def depth(self, stratum: str) -> int:
        """How many decimal orders to go towards an edge; "edges" and "far" go to the end at times.

        A bound that holds down to 1e-9 and no further has to be met beyond it.
        """
        if stratum not in ("edges", "far"):
            return self.rng.randint(1, 4)
        return self.rng.choice((self.rng.randint(1, 8), self.rng.randint(1, 8), self.rng.randint(9, 40), 300))

    def tail(self, stratum: str = "tail") -> Fraction:
        """A rational far out: mostly tens and hundreds, seldom up to 10**8; "far" goes to 10**40."""
        exponent = self.rng.choice((1, 1, 1, 2, 2, 2, 2, 3, self.rng.randint(3, 8)))
        if stratum == "far":
            exponent = self.rng.choice((exponent, exponent, self.rng.randint(9, 40)))
        sign = self.rng.choice((-1, 1))
        return sign * Fraction(self.rng.randint(10, 99), 10) * 10**exponent

    def free(self, stratum: str) -> Fraction:
        """A real number of a stratum."""
        if stratum == "mixed":
            stratum = self.rng.choice(("moderate", "moderate", "special", "small", "tail"))
        if stratum == "special":
            return self.rng.choice(_SPECIAL)
        if stratum == "small":
            return self.small()
        if stratum in ("tail", "far"):
            return self.tail(stratum)
        return self.moderate()

    def entry(self, entries: Entries, stratum: str) -> Any:
        """One entry of a domain; None if none was found."""
        if entries.values is not None:
            if not entries.values:
                return None
            return exact(self.rng.choice(entries.values))
        low, high = _bound(entries.low), _bound(entries.high)
        for _ in range(40):
            value = self._between(low, high, entries, stratum)
            if entries.integer:
                value = Fraction(round(value))
            if contains(entries, value):
                return value
            stratum = self.rng.choice((stratum, "moderate", "special"))
        return self._fallback(entries, low, high)

    def _between(
        self, low: Fraction | None, high: Fraction | None, entries: Entries, stratum: str
    ) -> Fraction:
        value = self.free("moderate" if stratum == "edges" else stratum)
        if low is None and high is None:
            if stratum != "edges":
                return value
            if entries.nonzero:
                return self.rng.choice((-1, 1)) * self._gap(stratum)
            return self.rng.choice((value, self.small(), self._gap(stratum), -self._gap(stratum), Fraction(0)))
        if low is not None and high is not None:
            return self._inside(low, high, entries, stratum)
        if low is not None:
            end, sign = low, 1
        else:
            assert high is not None
            end, sign = high, -1
        closed = not (entries.low_open if sign > 0 else entries.high_open)
        if stratum == "edges":
            if closed and self.rng.random() < 0.4:
                return end
            return end + sign * self._gap(stratum)
        if stratum == "special" and contains(entries, value):
            return value
        if entries.integer:
            return end + sign * abs(Fraction(floor(value)))
        return end + sign * abs(value)

    def _gap(self, stratum: str) -> Fraction:
        """A positive rational below 1, as far down as the stratum goes."""
        return Fraction(self.rng.randint(1, 9), 10 ** self.depth(stratum))

    def _inside(self, low: Fraction, high: Fraction, entries: Entries, stratum: str) -> Fraction:
        if entries.integer:
            first, last = ceil(low), floor(high)
            if first > last:
                return low
            if stratum in ("edges", "tail", "far") and self.rng.random() < 0.6:
                return Fraction(self.rng.choice((first, last)))
            if stratum in ("moderate", "special") and last - first > 12:
                near = min(max(0, first), last)
                return Fraction(min(max(near + self.rng.randint(-6, 6), first), last))
            return Fraction(self.rng.randint(first, last))
        width = high - low
        if stratum in ("edges", "small", "tail", "far"):
            if self.rng.random() < 0.35:
                at_low = self.rng.random() < 0.5
                if not (entries.low_open if at_low else entries.high_open):
                    return low if at_low else high
            gap = width * self._gap(stratum)
            return low + gap if self.rng.random() < 0.5 else high - gap
        if stratum == "special":
            options = [v for v in (*_SPECIAL, low, high, (low + high) / 2) if contains(entries, v)]
            if options:
                return self.rng.choice(options)
        q = self.rng.choice((4, 5, 6, 7, 8, 9))
        return low + width * Fraction(self.rng.randint(1, q - 1), q)

    def _fallback(self, entries: Entries, low: Fraction | None, high: Fraction | None) -> Fraction | None:
        options = [Fraction(v) for v in range(-3, 4)]
        if low is not None:
            options += [low, low + 1, low + Fraction(1, 2)]
        if high is not None:
            options += [high, high - 1, high - Fraction(1, 2)]
        if low is not None and high is not None:
            options += [(low + high) / 2, Fraction(ceil(low)), Fraction(floor(high))]
            options += [Fraction(ceil(low) + k) for k in range(1, 4)]
        return next((v for v in options if contains(entries, v)), None)

    # -- arrays --------------------------------------------------------------------------------

    def array(self, leaf: Leaf, sizes: Mapping[Symbol, int], stratum: str, tries: int = 12) -> np.ndarray | None:
        """Values for a leaf: entries and structures of its domain hold; None if none was found."""
        shape = shape_at(leaf, sizes)
        domain = leaf.domain.at(sizes)
        if domain.is_empty:
            return None
        if domain.entries.values is not None and len(domain.entries.values) > 1:
            stratum = self.rng.choice((stratum, "moderate"))
        for attempt in range(tries):
            value = self._attempt(domain, shape, stratum if attempt < tries // 2 else "moderate", attempt)
            if value is not None and satisfies(domain, value):
                return value
        return None

    def _attempt(self, domain: Domain, shape: tuple[int, ...], stratum: str, attempt: int) -> np.ndarray | None:
        names = [s for s, _ in domain.structures]
        if stratum == "zeros":
            zero = np.empty(shape, object)
            zero.fill(Fraction(0))
            if satisfies(domain, zero):
                return zero
            stratum = "special"
        if not names:
            return self._plain(domain.entries, shape, stratum)
        if AXIS_STRUCTURES & set(names):
            return self._fibres(domain, shape, stratum)
        if len(shape) < 2:
            return None
        out = np.empty(shape, object)
        for index in np.ndindex(shape[:-2]):
            matrix = self._matrix(domain, shape[-2:], stratum, attempt)
            if matrix is None:
                return None
            out[index] = matrix
        return out

    def _plain(self, entries: Entries, shape: tuple[int, ...], stratum: str) -> np.ndarray | None:
        out = np.empty(shape, object)
        pool: list[Any] = []
        if stratum == "ties":
            pool = [self.entry(entries, "moderate") for _ in range(self.rng.choice((1, 2)))]
        for index in np.ndindex(shape):
            value = self.rng.choice(pool) if pool else self.entry(entries, stratum)
            if value is None:
                return None
            out[index] = value
        return out

    def _fibres(self, domain: Domain, shape: tuple[int, ...], stratum: str) -> np.ndarray | None:
        """Vectors along one axis; where the domain also asks for zeros, of the entries that are left."""
        which = next(s for s in ("one_hot", "simplex", "unit_norm") if domain.has(s))
        if not shape:
            return None
        axis = domain.axis(which) % len(shape)
        out = np.empty(shape, object)
        out.fill(Fraction(0))
        for index in np.ndindex(tuple(1 if k == axis else size for k, size in enumerate(shape))):
            places = [(*index[:axis], i, *index[axis + 1 :]) for i in range(shape[axis])]
            if len(shape) >= 2:
                places = [p for p in places if structures.supported(domain, *p[-2:])]
            if not places:
                return None
            for place, value in zip(places, self._vector(which, len(places), stratum, domain.entries), strict=True):
                positive = len(place) >= 2 and place[-1] == place[-2] and domain.has("positive_diagonal")
                out[place] = abs(value) if positive else value
        return out

    def _vector(self, which: str, size: int, stratum: str, entries: Entries) -> list[Fraction]:
        if which == "one_hot":
            return self._hot(size)
        if which == "simplex":
            return self._probabilities(size, stratum, entries)
        if stratum == "mixed":
            stratum = self.rng.choice(("moderate", "special", "small", "tail"))
        drawn = structures.unit_vector(self.rng, size, stratum)
        return [abs(v) for v in drawn] if entries.is_nonnegative else drawn

    def _hot(self, k: int) -> list[Fraction]:
        at = self.rng.randrange(k)
        return [Fraction(int(i == at)) for i in range(k)]

    def _probabilities(self, k: int, stratum: str, entries: Entries) -> list[Fraction]:
        rng = self.rng
        faces = not entries.low_open and entries.low <= 0
        if stratum == "mixed":
            stratum = rng.choice(("moderate", "edges", "small", "tail"))
        if stratum in ("ties", "special") and rng.random() < 0.5:
            weights = [1] * k
        elif stratum in ("tail", "far"):
            weights = [10 ** (rng.randint(0, 6) if stratum == "tail" else self.depth(stratum)) for _ in range(k)]
        elif stratum == "small":
            weights = [1000 + rng.randint(0, 5) for _ in range(k)]
        elif stratum in ("edges", "special") and faces:
            weights = [rng.randint(0, 4) * rng.randint(0, 1) for _ in range(k)]
            if not any(weights):
                weights[rng.randrange(k)] = 1
        else:
            weights = [rng.randint(1, 9) for _ in range(k)]
        total = sum(weights)
        return [Fraction(w, total) for w in weights]

    def _matrix(self, domain: Domain, shape: tuple[int, ...], stratum: str, attempt: int) -> np.ndarray | None:
        rows, columns = shape
        if rows != columns and any(domain.has(s) for s in ("symmetric", "invertible")):
            return None
        if domain.has("orthogonal"):
            return structures.orthogonal(self.rng, rows, domain)
        if not domain.has("diagonal"):
            for name in ("correlation", "spd", "psd"):
                if domain.has(name):
                    return _DRAWS[name](self.rng, rows, stratum)
        out = self._plain(domain.entries, shape, stratum)
        if out is None:
            return None
        for i in range(rows):
            for j in range(columns):
                if not structures.supported(domain, i, j):
                    out[i, j] = Fraction(0)
                elif j > i and domain.has("symmetric"):
                    out[i, j] = out[j, i]
        for i in range(min(rows, columns)):
            if domain.has("correlation"):
                out[i, i] = Fraction(1)
                continue
            if domain.has("psd") or domain.has("positive_diagonal"):
                out[i, i] = abs(out[i, i])
            regular = domain.has("invertible") or domain.has("positive_diagonal")
            if regular and (out[i, i] == 0 or attempt):
                out[i, i] = out[i, i] + attempt + 1
        return out


_DRAWS = {"correlation": structures.correlation, "spd": structures.spd, "psd": structures.psd}


def exact(value: Expr) -> Any:
    """A SymPy number as a ``Fraction``; irrational ones stay as they are."""
    return Fraction(int(value.p), int(value.q)) if isinstance(value, Rational) else value


def _sympy(value: Any) -> Expr:
    return Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def _bound(value: Expr) -> Fraction | None:
    """A finite end of an interval; an irrational one by a rational at most 1e-15 away."""
    if not value.is_finite:
        return None
    if isinstance(value, Rational):
        return Fraction(int(value.p), int(value.q))
    return Fraction(str(value.evalf(20)))


def contains(entries: Entries, value: Any) -> bool:
    """Whether an exact number is a possible entry."""
    if entries.values is not None:
        return _sympy(value) in entries.values
    if isinstance(value, Fraction):
        if entries.nonzero and value == 0:
            return False
        if entries.integer and value.denominator != 1:
            return False
        for end, sign, is_open in ((entries.low, 1, entries.low_open), (entries.high, -1, entries.high_open)):
            if isinstance(end, Rational):
                gap = sign * (value - Fraction(int(end.p), int(end.q)))
                if gap < 0 or (gap == 0 and is_open):
                    return False
            elif end.is_finite and not entries.contains(_sympy(value)):
                return False
        return True
    return entries.contains(value)


def satisfies(domain: Domain, value: np.ndarray) -> bool:
    """Whether an array of exact numbers lies in a domain: every entry, and every structure."""
    if not all(contains(domain.entries, v) for v in value.reshape(-1)):
        return False
    return all(structures.satisfied(structure, axis, value) for structure, axis in domain.structures)


def draw(
    leaves: Sequence[Leaf], sizes: Mapping[Symbol, int], stratum: str, seed: int | str
) -> Instance | None:
    """A point of the leaves' domains at given sizes; None where a domain has none there.

    ``stratum`` is one of `STRATA`; the same seed gives the same point.
    """
    drawer = Drawer(seed)
    one = drawer.rng.randrange(len(leaves)) if leaves else 0
    alone = stratum == "far" or (stratum == "zeros" and drawer.rng.random() < 0.7)
    values: dict[Leaf, np.ndarray] = {}
    for i, leaf in enumerate(leaves):
        kind = "moderate" if alone and i != one else stratum
        value = drawer.array(leaf, sizes, kind)
        if value is None:
            return None
        values[leaf] = value
    return Instance(dict(sizes), values)


def direction(leaf: Leaf, sizes: Mapping[Symbol, int], seed: int | str) -> np.ndarray:
    """A direction for a leaf to move along: non-zero rationals, free of any structure."""
    drawer = Drawer(seed)
    out = np.empty(shape_at(leaf, sizes), object)
    for index in np.ndindex(out.shape):
        value = drawer.moderate()
        out[index] = value if value else Fraction(1)
    return out


__all__ = [
    "STRATA",
    "Drawer",
    "Instance",
    "constraints",
    "contains",
    "dimensions",
    "direction",
    "draw",
    "fits",
    "integer_at",
    "satisfies",
    "settings",
    "shape_at",
]
