"""Which entries an index picks: integers, slices and arrays of indices, on nodes.

A :class:`Selection` says for each axis of a node what is kept of it.  Reading is one
contraction with matrices of zeros and ones (``Basis`` for an integer, ``Slice`` for a
slice, one-hot rows for an array of indices), and writing is the same contraction the
other way round: new values are placed among zeros, and what was there is multiplied
by 1 less the mask of the places.

NumPy's rules (User Guide, "Indexing on ndarrays") decide where the axes of arrays of
indices go.  Slices keep their meaning for all sizes: a slice that NumPy would cut
short is a ``Slice`` that exists only where the axis is long enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from sympy import Expr, Integer, expand, floor, sympify

from symderive.errors import IndexDomainError, ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    ONE,
    ZERO,
    Basis,
    Contraction,
    Delta,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Shape,
    Slice,
    Sum,
)

Axes = tuple[int | None, ...]


# -- slices ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """The entries ``start, start + step, ...`` of an axis, ``count`` of them."""

    start: Expr
    step: Expr
    count: Expr

    def covers(self, size: Expr) -> bool:
        """Whether it is the whole axis in its own order."""
        return self.start == 0 and self.step == 1 and self.count == size

    @property
    def last(self) -> Expr:
        return self.start + self.step * (self.count - 1)

    def of(self, outer: Span) -> Span:
        """The entries that this span picks of the entries that the outer one picks."""
        start = expand(outer.start + outer.step * self.start)
        return Span(start, outer.step * self.step, self.count)


def _bound(value: object, size: Expr, what: str) -> Expr:
    """An end of a slice, counted from the front.

    An end whose sign depends on the dimensions counts from the front: the slice then
    exists only where the end is inside of the axis.
    """
    if hasattr(value, "__index__") and not isinstance(value, bool | Expr):
        value = Integer(value.__index__())  # type: ignore[attr-defined]
    if not isinstance(value, Expr) or not value.is_integer:
        raise UnsupportedError(f"a slice must begin and end at integers, got {what} {value!r}")
    return expand(size + value) if value.is_negative else value


def span(key: slice, size: Expr) -> Span:
    """What a slice keeps of an axis of a given size.

    >>> from sympy import Symbol
    >>> n = Symbol("n", integer=True, positive=True)
    >>> span(slice(1, None), n), span(slice(None, None, -1), n).start
    (Span(start=1, step=1, count=n - 1), n - 1)
    """
    step = Integer(1) if key.step is None else sympify(key.step)
    if not (isinstance(step, Integer) and step != 0):
        raise UnsupportedError(f"a slice's step must be a non-zero integer, got {key.step!r}")
    ends = (key.start, key.stop)
    if size.is_Integer and all(k is None or isinstance(k, int | Integer) for k in ends):
        start, stop = (None if k is None else int(k) for k in ends)
        kept = range(*slice(start, stop, int(step)).indices(int(size)))
        if not len(kept):
            raise ShapeError(f"the slice {slice_text(key)} of an axis of size {size} is empty")
        return Span(Integer(kept.start), step, Integer(len(kept)))
    down = step < 0
    start = (size - 1 if down else ZERO) if key.start is None else _bound(key.start, size, "start")
    stop = (-ONE if down else size) if key.stop is None else _bound(key.stop, size, "stop")
    length = expand(start - stop if down else stop - start)
    count = length if abs(step) == 1 else floor((length + abs(step) - 1) / abs(step))
    if count.is_nonpositive:
        raise ShapeError(f"the slice {slice_text(key)} of an axis of size {size} is empty")
    made = Span(start, step, count)
    if any(expand(size - 1 - end).is_negative for end in (start, made.last)):
        raise ShapeError(f"the slice {slice_text(key)} runs over the end of an axis of size {size}")
    return made


def slice_text(key: slice) -> str:
    """A slice as it is written: ``1:``, ``::2``."""
    ends = ("" if k is None else str(k) for k in (key.start, key.stop))
    return ":".join(ends) + ("" if key.step is None else f":{key.step}")


def _inside(inner: Span, outer: Span) -> Span | None:
    """Where the inner span lies within the outer one, in the outer one's own counting."""
    one = inner.count == 1
    start = expand((inner.start - outer.start) / outer.step)
    step = ONE if one else inner.step / outer.step
    last = expand(start + step * (inner.count - 1))
    if not (start.is_integer and step.is_integer):
        return None
    within = all(end.is_nonnegative and expand(outer.count - 1 - end).is_nonnegative for end in (start, last))
    return Span(start, step, inner.count) if within else None


def _apart(a: Span, b: Span) -> bool:
    """Whether two spans certainly share no entry."""
    ends = [(s.start, s.last) if s.step.is_positive else (s.last, s.start) for s in (a, b)]
    (low_a, high_a), (low_b, high_b) = ends
    if expand(low_b - high_a).is_positive or expand(low_a - high_b).is_positive:
        return True
    shift = expand(a.start - b.start)
    return abs(a.step) == abs(b.step) and shift.is_Integer and shift % abs(a.step) != 0


NO_INDEX = (
    "an array of indices must hold integers: a declared array with a domain of integers (sd.integers, sd.labels), "
    "np.arange(n), or sums of these"
)

# -- arrays of indices -------------------------------------------------------------------


def integer_bounds(node: Node) -> tuple[Expr, Expr] | None:
    """The least and the largest value of a node whose entries are certainly integers; None where that is open.

    >>> import symderive as sd
    >>> y = sd.array("y", "n", domain=sd.labels(1, 2, 3))
    >>> integer_bounds((2 * y - 1).node), integer_bounds((y / 2).node)
    ((1, 5), None)
    """
    match node:
        case Leaf():
            entries = node.domain.entries
            if not entries.integer:
                return None
            if entries.values is not None:
                return min(entries.values), max(entries.values)
            low, high = sympify(entries.low), sympify(entries.high)
            return None if low.is_infinite or high.is_infinite else (low, high)
        case Number():
            return (node.value, node.value) if node.value.is_integer else None
        case Range():
            return ZERO, node.dim - 1
        case Delta() | Basis() | Slice() | Merge():
            return ZERO, ONE
        case Named():
            return integer_bounds(node.body)
        case Sum():
            return _sum_bounds(node)
        case Contraction():
            return _contraction_bounds(node)
        case Map():
            return _map_bounds(node)
        case Opaque() if node.function in ("max", "min"):
            return integer_bounds(node.arguments[0])
        case Opaque() if ARRAY_FUNCTIONS[node.function].mask and node.function != "signdet":
            return ZERO, ONE
    return None


def _sum_bounds(node: Sum) -> tuple[Expr, Expr] | None:
    spans = [_supports(term) for _, term in node.terms]
    if len(spans) <= MAX_PARTS and all(_disjoint(a, b) for a, b in combinations(spans, 2)):
        return _joined_bounds(node)
    low: Expr = ZERO
    high: Expr = ZERO
    for weight, term in node.terms:
        inner = integer_bounds(term)
        if inner is None or not weight.is_integer or not (weight.is_nonnegative or weight.is_nonpositive):
            return None
        first, last = inner if weight.is_nonnegative else inner[::-1]
        low, high = low + weight * first, high + weight * last
    return expand(low), expand(high)


MAX_PARTS = 64
"""Arrays laid side by side are compared pair by pair up to this many."""


def _joined_bounds(node: Sum) -> tuple[Expr, Expr] | None:
    """The bounds of arrays that are laid side by side among zeros."""
    ends: list[Expr] = [ZERO]
    for weight, term in node.terms:
        inner = integer_bounds(term)
        if inner is None or not weight.is_integer:
            return None
        ends += [weight * e for e in inner]
    low, high = _least(ends), _least([-e for e in ends])
    return None if low is None or high is None else (low, -high)


def _supports(term: Node) -> dict[int, Span]:
    """For each axis on which a term is put among zeros, the places where it stands."""
    if isinstance(term, Basis):
        return {0: Span(term.index, ONE, ONE)}
    found: dict[int, Span] = {}
    for factor, labels in term.factors if isinstance(term, Contraction) else ():
        if labels[:1] and labels[0] < term.rank and labels[0] not in found:
            if isinstance(factor, Basis):
                found[labels[0]] = Span(factor.index, ONE, ONE)
            elif isinstance(factor, Slice):
                found[labels[0]] = Span(factor.start, factor.step, factor.count)
    return found


def _disjoint(a: dict[int, Span], b: dict[int, Span]) -> bool:
    return any(axis in b and _apart(span, b[axis]) for axis, span in a.items())


def _contraction_bounds(node: Contraction) -> tuple[Expr, Expr] | None:
    """A multiple of one array, of which slices, reshapes and unit vectors pick entries."""
    others: list[Node] = []
    picked: set[int] = set()
    among_zeros = False
    for factor, labels in node.factors:
        if isinstance(factor, Basis | Slice | Merge) and labels[0] >= node.out_rank:
            picked.add(labels[0])
        elif isinstance(factor, Merge) and min(labels[1:]) >= node.out_rank:
            picked.update(labels[1:])
        elif isinstance(factor, Delta) and max(labels) >= node.out_rank:
            picked.add(max(labels))
        elif _is_one_hot(factor) and labels[-1] >= node.out_rank and labels[-1] not in labels[:-1]:
            picked.add(labels[-1])
        elif isinstance(factor, Basis | Slice | Merge | Delta):
            among_zeros = True
            picked.update(x for x in labels if x >= node.out_rank)
        else:
            others.append(factor)
    if len(others) > 1 or set(node.bound) != picked or not node.coefficient.is_integer:
        return None
    inner = integer_bounds(others[0]) if others else (ONE, ONE)
    if inner is None or node.coefficient.is_nonnegative is None:
        return None
    ends = [node.coefficient * e for e in inner]
    low, high = ends if node.coefficient.is_nonnegative else ends[::-1]
    if among_zeros:
        if not low.is_nonnegative:
            return None
        low = ZERO
    return low, high


def _is_one_hot(node: Node) -> bool:
    """Whether a node is one-hot rows that an array of indices made: ``index[..., None] == 0, 1, ...``."""
    if not isinstance(node, Map) or node.function != "eq":
        return False
    own, places = node.arguments
    rank = node.rank
    counted = isinstance(places, Contraction) and [f for f, _ in places.factors] == [Range(node.shape[-1])]
    counted = counted and places.factors[0][1] == (rank - 1,)  # type: ignore[union-attr]
    counted = counted or places is Range(node.shape[-1])
    return counted and all(rank - 1 not in ls for _, ls in own.factors) if isinstance(own, Contraction) else counted


def _map_bounds(node: Map) -> tuple[Expr, Expr] | None:
    name = node.function
    if FUNCTIONS[name].mask:
        return ZERO, ONE
    if name == "remainder" and isinstance(node.arguments[1], Number):
        divisor = node.arguments[1].value
        inner = integer_bounds(node.arguments[0])
        return None if inner is None or not (divisor.is_integer and divisor.is_positive) else (ZERO, divisor - 1)
    if name == "abs":
        inner = integer_bounds(node.arguments[0])
        highest = None if inner is None else _least([-inner[1], inner[0]])
        return None if highest is None else (ZERO, -highest)
    if name not in ("where", "maximum", "minimum"):
        return None
    branches = [b for a in node.arguments[-2:] if (b := integer_bounds(a)) is not None]
    if len(branches) < 2:
        return None
    lows, highs = [b[0] for b in branches], [-b[1] for b in branches]
    low = _larger(*lows) if name == "maximum" else _least(lows)
    high = _larger(*highs) if name == "minimum" else _least(highs)
    return None if low is None or high is None else (low, -high)


def _larger(a: Expr, b: Expr) -> Expr:
    """The larger of two numbers in the dimensions; any of them where that is not known."""
    return b if expand(b - a).is_nonnegative else a


def _least(values: Sequence[Expr]) -> Expr | None:
    """What no number in the dimensions is below: the least of them, or 0; None where that is not known."""
    found = next((v for v in values if all(expand(u - v).is_nonnegative for u in values)), None)
    if found is None and all(expand(v).is_nonnegative for v in values):
        return ZERO
    return found


def affine(node: Node) -> Span | None:
    """``start + step * (0, 1, 2, ...)`` as a span: ``np.arange(n)``, ``np.arange(1, n)``, slices of them."""
    match node:
        case Named():
            return affine(node.body)
        case Range():
            return Span(ZERO, ONE, node.dim)
        case Sum() if len(node.shape) == 1:
            moving = [(w, affine(n)) for w, n in node.terms if not _is_constant(n)]
            fixed: Expr = sum((w * _constant(n) for w, n in node.terms if _is_constant(n)), ZERO)
            if len(moving) != 1 or moving[0][1] is None or not fixed.is_integer:
                return None
            weight, inner = moving[0]
            if inner is None or not (weight.is_integer and weight.is_nonzero):
                return None
            return Span(expand(weight * inner.start + fixed), weight * inner.step, inner.count)
        case Contraction(factors=((inner, (0,)),)) if not node.bound and node.coefficient.is_integer:
            own = affine(inner)
            scale = node.coefficient
            return None if own is None or scale == 0 else Span(scale * own.start, scale * own.step, own.count)
        case Contraction(factors=((inner, (k,)), (Slice() as cut, (i, 0)))) if k == i and node.coefficient == 1:
            own = affine(inner)
            return None if own is None else Span(cut.start, cut.step, cut.count).of(own)
    return None


def _is_constant(node: Node) -> bool:
    return isinstance(node, Contraction) and not node.factors and not node.bound


def _constant(node: Node) -> Expr:
    assert isinstance(node, Contraction)
    return node.coefficient


def _check_bounds(node: Node, size: Expr) -> None:
    """An index must be certainly an integer from 0 to size - 1."""
    bounds = integer_bounds(node)
    if bounds is not None and expand(bounds[0]).is_nonnegative and expand(size - 1 - bounds[1]).is_nonnegative:
        return
    leaf, shift = indexing_leaf(node)
    if leaf is not None:
        raise IndexDomainError(leaf.name, expand(size - 1 - shift), -shift)
    if bounds is None:
        raise UnsupportedError(NO_INDEX)
    raise ShapeError(f"an index from {bounds[0]} to {bounds[1]} does not fit an axis of size {size}")


def indexing_leaf(node: Node) -> tuple[Leaf | None, Expr]:
    """The declared array whose entries, plus a constant integer, are an index."""
    match node:
        case Leaf():
            return node, ZERO
        case Named():
            return indexing_leaf(node.body)
        case Contraction() if node.coefficient == 1:
            others = [f for f, _ in node.factors if not isinstance(f, Basis | Slice | Merge | Delta)]
            return indexing_leaf(others[0]) if len(others) == 1 else (None, ZERO)
        case Sum(terms=((weight, term), (shift, constant))) if weight == 1 and _is_constant(constant):
            leaf, inner = indexing_leaf(term)
            added = shift * _constant(constant)
            return (leaf, inner + added) if added.is_integer else (None, ZERO)
    return None, ZERO


@dataclass(frozen=True)
class Indices:
    """An array of indices as a key; ``axes`` are as those of an array (None for length 1)."""

    node: Node
    axes: Axes


@dataclass(frozen=True)
class Places:
    """A list of places on an axis as a key, with so many axes of length 1 before and after its own."""

    places: tuple[Expr, ...]
    before: int = 0
    after: int = 0


# -- selections ----------------------------------------------------------------------------


@dataclass(frozen=True)
class At:
    """One entry of an axis."""

    index: Expr


@dataclass(frozen=True)
class Along:
    """Entries of an axis by an array of indices.

    ``matrix`` has a one-hot row for each index, its first axes running along the index
    axes ``along``; None says that the axis itself is the index axis ``along[0]``.
    ``distinct`` says that no index occurs twice along its axis.
    """

    along: tuple[int, ...]
    matrix: Node | None
    distinct: bool


@dataclass(frozen=True)
class Listed:
    """Entries of an axis written out as a list of places, along the index axis ``along``."""

    along: int
    places: tuple[Expr, ...]


Key = At | Span | Along | Listed


@dataclass(frozen=True)
class Selection:
    """What is kept of each axis of a node.

    ``out`` is the order of the result's axes: axis numbers of the node for spans, and
    ``len(shape) + k`` for the index axis k.
    """

    shape: Shape
    keys: tuple[Key, ...]
    index: Shape = ()
    out: tuple[int, ...] = ()

    @staticmethod
    def whole(shape: Shape) -> Selection:
        """Everything, as it is."""
        return Selection(shape, tuple(Span(ZERO, ONE, s) for s in shape), (), tuple(range(len(shape))))

    @property
    def covers(self) -> bool:
        """Whether everything is kept."""
        return all(isinstance(k, Span) and k.covers(s) for k, s in zip(self.keys, self.shape, strict=True))

    @property
    def distinct(self) -> bool:
        """Whether certainly no entry is written twice at once: each index axis has an array without repetitions."""
        alone = {k.along for k in self.keys if isinstance(k, Along) and k.distinct}
        lists = [k for k in self.keys if isinstance(k, Listed)]
        if not any(isinstance(k, Along) for k in self.keys):
            return True  # lists are written in turn
        alone |= {(k.along,) for k in lists if all((a - b).is_nonzero for a, b in combinations(k.places, 2))}
        return all((k,) in alone for k in range(len(self.index)))

    @property
    def result(self) -> Shape:
        """The shape of what is picked."""
        rank = len(self.shape)
        sizes: list[Expr] = []
        for label in self.out:
            key = self.keys[label] if label < rank else None
            sizes.append(key.count if isinstance(key, Span) else self.index[label - rank])
        return tuple(sizes)

    def pick(self, node: Node) -> Node:
        """The entries of a node that are selected."""
        if self.covers and self.out == tuple(range(node.rank)):
            return node
        terms: list[tuple[Expr, Node]] = []
        for labels in self._cases():
            made = build.contract(ONE, [(node, labels.inside), *labels.factors], labels.out, labels.dims)
            terms.append((ONE, made))
        return terms[0][1] if len(terms) == 1 else build.add(terms, self.result)

    def place(self, value: Node) -> Node:
        """A value of the result's shape (or a scalar), put at the selected places among zeros."""
        terms: list[tuple[Expr, Node]] = []
        for labels in self._cases():
            dims, factors, target = dict(labels.dims), list(labels.factors), list[int]()
            for label in labels.inside:
                if label in target:  # an index axis that is two axes at once, as on a diagonal
                    fresh = max(dims) + 1
                    dims[fresh] = dims[label]
                    factors.append((Delta(dims[label]), (label, fresh)))
                    label = fresh
                target.append(label)
            own = labels.out if value.shape else ()
            terms.append((ONE, build.contract(ONE, [(value, own), *factors], target, dims)))
        return terms[0][1] if len(terms) == 1 else build.add(terms, self.shape)

    def in_turn(self, value: Node) -> Iterator[tuple[Selection, Node]]:
        """What is written where, one after the other: of a list of places that holds one twice, the last counts."""
        listed = self._listed()
        if not listed or any(isinstance(k, Along) for k in self.keys):
            yield self, value
            return
        rank = len(self.shape)
        axes = {along: self.out.index(rank + along) for along in listed}
        out = tuple(x for x in self.out if x < rank)
        kept = [k for k in range(value.rank) if k not in axes.values()]
        for at in self._turns(listed):
            keys = tuple(At(k.places[at[k.along]]) if isinstance(k, Listed) else k for k in self.keys)
            part = value
            if value.shape:
                factors: list[tuple[Node, Sequence[int]]] = [(value, range(value.rank))]
                factors += [(Basis(value.shape[axes[a]], Integer(j)), (axes[a],)) for a, j in at.items()]
                part = build.contract(ONE, factors, kept, dict(enumerate(value.shape)))
            yield Selection(self.shape, keys, (), out), part

    def _listed(self) -> dict[int, int]:
        """The index axes of lists of places, and how many each has."""
        return {k.along: len(k.places) for k in self.keys if isinstance(k, Listed)}

    @staticmethod
    def _turns(listed: Mapping[int, int]) -> Iterator[dict[int, int]]:
        for turn in product(*(range(count) for count in listed.values())):
            yield dict(zip(listed, turn, strict=True))

    def _cases(self) -> Iterator[_Labels]:
        """The contraction's labels; for lists of places, once for each of them."""
        rank = len(self.shape)
        for at in self._turns(self._listed()):
            labels = self._labels([At(k.places[at[k.along]]) if isinstance(k, Listed) else k for k in self.keys])
            labels.factors.extend((Basis(self.index[a], Integer(j)), (rank + a,)) for a, j in at.items())
            yield labels

    def _labels(self, keys: Sequence[Key]) -> _Labels:
        rank = len(self.shape)
        dims: dict[int, Expr] = {rank + k: s for k, s in enumerate(self.index)}
        kept = {rank + k: rank + k for k in range(len(self.index))}
        inside: list[int] = []
        factors: list[tuple[Node, Sequence[int]]] = []
        fresh = rank + len(self.index)
        for axis, (key, size) in enumerate(zip(keys, self.shape, strict=True)):
            label = axis
            match key:
                case At():
                    factors.append((Basis(size, key.index), (axis,)))
                case Span() if key.covers(size):
                    kept[axis] = axis
                case Span():
                    kept[axis] = fresh
                    dims[fresh] = key.count
                    factors.append((Slice(size, key.count, key.start, key.step), (axis, fresh)))
                    fresh += 1
                case Along(matrix=None):
                    label = rank + key.along[0]
                case Along():
                    assert key.matrix is not None
                    factors.append((key.matrix, (*(rank + k for k in key.along), axis)))
            inside.append(label)
            dims[label] = size
        return _Labels(inside, [kept[x] for x in self.out], factors, dims)

    def of(self, part: Selection) -> Selection:
        """The same entries selected from what ``part`` was picked of; ``part`` has integers and slices only."""
        rank, inner = len(part.shape), len(self.shape)
        keys: list[Key] = list(part.keys)
        for position, axis in enumerate(part.out):
            outer, key = part.keys[axis], self.keys[position]
            assert isinstance(outer, Span)
            match key:
                case At():
                    keys[axis] = At(expand(outer.start + outer.step * key.index))
                case Span():
                    keys[axis] = key.of(outer)
                case Listed():
                    keys[axis] = Listed(key.along, tuple(expand(outer.start + outer.step * p) for p in key.places))
                case Along() if not outer.covers(part.shape[axis]):
                    keys[axis] = _shifted(key, outer, part.shape[axis], self.index)
                case _:
                    keys[axis] = key
        out = tuple(part.out[x] if x < inner else rank + x - inner for x in self.out)
        return Selection(part.shape, tuple(keys), self.index, out)


@dataclass(frozen=True)
class _Labels:
    """Labels of the node's axes and of the result's, the factors between them, and all dimensions."""

    inside: list[int]
    out: list[int]
    factors: list[tuple[Node, Sequence[int]]]
    dims: dict[int, Expr]


def _shifted(key: Along, outer: Span, size: Expr, index: Shape) -> Along:
    """Indices into a slice as indices into the whole axis."""
    cut = Slice(size, outer.count, outer.start, outer.step)
    if key.matrix is None:
        return Along(key.along, build.view(cut, (1, 0), (outer.count, size)), key.distinct)
    rank = len(key.along)
    dims = {k: index[x] for k, x in enumerate(key.along)} | {rank: size, rank + 1: outer.count}
    factors: list[tuple[Node, Sequence[int]]] = [(key.matrix, (*range(rank), rank + 1)), (cut, (rank, rank + 1))]
    return Along(key.along, build.contract(ONE, factors, range(rank + 1), dims), key.distinct)


def selection_of(shape: Shape, axes: Axes, keys: Sequence[Any]) -> tuple[Selection, Axes]:
    """NumPy's index as a selection, and the axes of the result.

    ``axes`` are the array's (see :class:`~symderive.language.arrays.Array`), and each
    key is None, a slice, a place counted from the front, :class:`Places` or
    :class:`Indices`; there is one for each axis.  An ellipsis stands for no axis.
    """
    arrays = [k for k in keys if isinstance(k, Indices | Places)]
    index, real = _index_shape(arrays)
    found: list[Key] = [Span(ZERO, ONE, s) for s in shape]
    pattern: list[int | None] = []
    special: list[int] = []
    before = 0
    position = 0
    for place, key in enumerate(keys):
        if key is Ellipsis:
            continue
        if key is None:
            pattern.append(None)
            continue
        axis = axes[position]
        position += 1
        size = ONE if axis is None else shape[axis]
        if isinstance(key, slice):
            kept = span(key, size)
            if axis is not None:
                found[axis] = kept
            pattern.append(axis)
            continue
        if not special:
            before = len(pattern)
        special.append(place)
        if not isinstance(key, Indices | Places):
            if axis is not None:
                found[axis] = At(key)
        elif axis is None:
            raise UnsupportedError("an axis of length 1 that indexing made is not read with an array of indices")
        elif isinstance(key, Places):
            along = real[len(real) - 1 - key.after]
            count = int(index[along]) if len(key.places) == 1 else 1
            found[axis] = Listed(along, key.places * count)
        else:
            found[axis] = _along(key, size, real, index)
    rank = len(shape)
    if arrays:
        together = special == list(range(special[0], special[0] + len(special)))
        place = before if together else 0
        pattern[place:place] = [None if real[k] is None else rank + real[k] for k in range(len(real))]
        out = tuple(x for x in pattern if x is not None)
    else:
        out = tuple(sorted(x for x in pattern if x is not None))
    return Selection(shape, tuple(found), index, out), tuple(None if x is None else out.index(x) for x in pattern)


def _index_shape(arrays: Sequence[Indices | Places]) -> tuple[Shape, list[Any]]:
    """The broadcast shape of arrays of indices; for each of its axes its number, or None for one of length 1."""
    shapes: list[list[Expr | None]] = [
        [None] * a.before + [Integer(len(a.places))] + [None] * a.after
        if isinstance(a, Places)
        else [None if x is None else a.node.shape[x] for x in a.axes]
        for a in arrays
    ]
    rank = max((len(s) for s in shapes), default=0)
    sizes: list[Expr | None] = [None] * rank
    for given in shapes:
        for k, size in enumerate(given):
            place = rank - len(given) + k
            old = sizes[place]
            if size is None or (size == 1 and old is not None):
                continue
            if old is not None and old not in (1, size):
                raise ShapeError(f"arrays of indices do not broadcast: {old} against {size}")
            sizes[place] = size
    shape = tuple(s for s in sizes if s is not None)
    numbers = iter(range(len(shape)))
    return shape, [None if s is None else next(numbers) for s in sizes]


def _along(key: Indices, size: Expr, real: Sequence[Any], index: Shape) -> Along:
    """One array of indices: its one-hot rows, and the index axes along which they run."""
    node, axes = key.node, key.axes
    _check_bounds_or_affine(node, size)
    offset = len(real) - len(axes)
    along = {axis: real[offset + k] for k, axis in enumerate(axes) if axis is not None}
    order = sorted((axis for axis in along if node.shape[axis] == index[along[axis]]), key=lambda axis: along[axis])
    labels = [order.index(k) if k in order else len(order) + k for k in range(node.rank)]  # bound: axes of length 1
    dims = {label: node.shape[k] for k, label in enumerate(labels)}
    node = build.contract(ONE, [(node, labels)], range(len(order)), dims)
    places = tuple(along[axis] for axis in order)
    counted = affine(node)
    if counted is not None:
        if counted.covers(size):
            return Along(places, None, True)
        cut = Slice(size, counted.count, counted.start, counted.step)
        return Along(places, build.view(cut, (1, 0), (counted.count, size)), True)
    shape = (*node.shape, size)
    own = build.view(node, range(node.rank), shape)
    counting = build.view(Range(size), (node.rank,), shape)
    return Along(places, Map("eq", (own, counting)), False)


def _check_bounds_or_affine(node: Node, size: Expr) -> None:
    """Counted indices are held inside by their ``Slice``; others by their domain."""
    counted = affine(node)
    if counted is None:
        _check_bounds(node, size)
    elif counted.start.is_negative or counted.last.is_negative or expand(size - 1 - counted.last).is_negative:
        raise ShapeError(f"indices from {counted.start} to {expand(counted.last)} do not fit an axis of size {size}")


# -- writing ------------------------------------------------------------------------------


def overwritten(node: Node, selection: Selection, value: Node) -> Node:
    """The node with the selected entries replaced by a value of the result's shape (or a scalar).

    Terms that certainly lie elsewhere are left alone, terms that certainly are written over go;
    the others are masked.  The selection must not pick an entry twice.
    """
    kept: list[tuple[Expr, Node]] = []
    masked: list[tuple[Expr, Node]] = []
    if not build.is_zero(node):
        for weight, term in node.terms if isinstance(node, Sum) else ((ONE, node),):
            relation = _relation(term, selection)
            if relation == "apart":
                kept.append((weight, term))
            elif relation == "over":
                masked.append((weight, term))
    terms = kept
    if masked:
        old = build.add(masked, node.shape)
        mask = selection.place(build.ones(selection.result))
        if is_total(old):
            outside = build.add([(ONE, build.ones(node.shape)), (-ONE, mask)], node.shape)
            terms = [*kept, (ONE, build.multiply(old, outside))]
        else:  # what is written over need not be defined
            terms = [*kept, (ONE, Map("where", (mask, Number(ZERO), old)))]
    return build.add([*terms, (ONE, selection.place(value))], node.shape)


def _relation(term: Node, selection: Selection) -> str:
    """How a term lies to the selected places: "apart", "covered" or "over"."""
    supports = _supports(term)
    covered = True
    for axis, (key, size) in enumerate(zip(selection.keys, selection.shape, strict=True)):
        if isinstance(key, Along | Listed):
            covered = False
            continue
        written = Span(key.index, ONE, ONE) if isinstance(key, At) else key
        if written.covers(size) or size == 1:
            continue
        own = supports.get(axis)
        if own is None:
            covered = False
        elif _apart(own, written):
            return "apart"
        elif _inside(own, written) is None:
            covered = False
    return "covered" if covered else "over"


def is_total(node: Node) -> bool:
    """Whether a node is certainly defined at every point."""
    for n in node.walk():
        if isinstance(n, Map):
            if n.function == "power":
                exponent = n.arguments[1].value if isinstance(n.arguments[1], Number) else None
                if exponent is None or not (exponent.is_integer and exponent.is_nonnegative):
                    return False
            elif FUNCTIONS[n.function].requires:
                return False
        elif isinstance(n, Opaque) and ARRAY_FUNCTIONS[n.function].requires:
            return False
    return True
