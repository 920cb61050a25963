"""Which entries an index picks: integers, slices and arrays of indices, on nodes.

A :class:`Selection` says for each axis of a node what is kept of it.  Reading is one
contraction with matrices of zeros and ones (``Basis`` for an integer, ``Slice`` for a
slice, one-hot rows for an array of indices), and writing is the same contraction the
other way round: new values are placed among zeros, and what was there is multiplied
by 1 less the mask of the places.

NumPy's rules (User Guide, "Indexing on ndarrays") decide where the axes of arrays of
indices go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from sympy import Expr, Integer, expand

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.functions import FUNCTIONS
from symderive.language.integers import affine, check_index
from symderive.language.nodes import (
    ONE,
    ZERO,
    Basis,
    Delta,
    Map,
    Node,
    Number,
    Opaque,
    Range,
    Shape,
    Slice,
    Sum,
)
from symderive.language.spans import Span, apart, inside, span, supports

Axes = tuple[int | None, ...]


# -- keys -----------------------------------------------------------------------------------


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
        """Whether certainly no entry is written twice at once: lists of places are written in turn."""
        return self.once or not any(isinstance(k, Along) for k in self.keys)

    @property
    def once(self) -> bool:
        """Whether certainly no entry is selected twice: each index axis has an array or a list without repetitions."""
        alone = {k.along for k in self.keys if isinstance(k, Along) and k.distinct}
        lists = [k for k in self.keys if isinstance(k, Listed)]
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
    check_index(node, size)
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
    stands = supports(term)
    covered = True
    for axis, (key, size) in enumerate(zip(selection.keys, selection.shape, strict=True)):
        if isinstance(key, Along | Listed):
            covered = False
            continue
        written = Span(key.index, ONE, ONE) if isinstance(key, At) else key
        if written.covers(size) or size == 1:
            continue
        own = stands.get(axis)
        if own is None:
            covered = False
        elif apart(own, written):
            return "apart"
        elif inside(own, written) is None:
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
