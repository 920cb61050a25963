"""Array operations: the graph that a plan makes and a printer writes.

Equal operations are one object: :class:`Operations` makes each of them once, and brings simple ones
into one form (a view of a view, a product with a number, a slice of a slice).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from sympy import Expr, Integer

from symderive.language.nodes import ONE, ZERO, Shape, Slice

__all__ = ["VIEWS", "Key", "Op", "Operations", "Term", "broadcast_shape", "operations"]

VIEWS = frozenset({"var", "transpose", "lay", "pick", "diagonal"})
"""Kinds of operations whose value may share memory with what they read."""

Key: TypeAlias = Any
"""What is kept of an axis: ``":"``, an index (an Expr), or a ``(start, step, count, size)``."""


@final
@dataclass(frozen=True, eq=False)
class Op:
    """One operation: its kind, operands, parameters, and the dimensions of its axes.

    * Elementwise: ``num`` (a SymPy number in the dimensions), ``add`` (weights), ``mul``
      (coefficient), ``map`` (function row), ``pow`` (exponent).
    * Inputs and constants: ``var`` (name), ``eye``, ``unit`` (dimension, index), ``arange``, ``tri``
      (offset), ``full``.
    * Views and shapes: ``transpose`` (order), ``lay`` and ``pick`` (keys), ``diagonal``, ``reshape``,
      ``copy``.
    * Sums and products: ``matmul``, ``vdot``, ``sum`` (axes or None), ``einsum`` (subscripts),
      ``cumsum`` (axis), ``array`` (function, axis or None), ``others`` (the product of the other
      entries along the last axis).
    * Gathers: ``index`` (labels as integers), ``take`` (the axes of the labels that the operand carries).
    * Among zeros: ``place`` (keys), ``put`` (how many axes the labels have), ``scatter`` (a sum for
      each label), ``assemble`` (whether there is a base, and the weights), ``concatenate`` and
      ``stack`` (axis), ``diag``, ``triangle`` (name, offset).
    * Matrices: ``cholesky``, ``lu``, ``solve`` and ``inv`` (how), ``det``, ``logabsdet``, ``eigh``,
      ``svd``, ``slogdet``, and ``item`` (which) of these three.
    """

    kind: str
    args: tuple[Op, ...]
    data: Any
    dims: Shape

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.dims)


@final
@dataclass(frozen=True)
class Term:
    """An operation whose axes are the given labels; labels of the whole that it lacks broadcast."""

    op: Op
    labels: tuple[int, ...]


@final
class Operations:
    """Makes operations, equal ones once."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Op] = {}
        #: Operations whose entries are known to be >= 0.
        self.nonnegative: set[Op] = set()

    def op(self, kind: str, args: Sequence[Op], data: Any, dims: Iterable[Expr]) -> Op:
        """The operation, as it is."""
        key = (kind, tuple(args), data, tuple(dims))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Op(*key)
        return found

    def has(self, kind: str, args: Sequence[Op], data: Any, dims: Iterable[Expr]) -> bool:
        """Whether the operation is there already."""
        return (kind, tuple(args), data, tuple(dims)) in self._made

    def number(self, value: Expr) -> Op:
        """A constant."""
        return self.op("num", (), value, ())

    def mul(self, coefficient: Any, args: Sequence[Op]) -> Op:
        """The elementwise product of aligned operations."""
        kept = []
        total: Any = coefficient
        for a in args:
            if a.kind == "num":
                total = total * a.data
            else:
                kept.append(a)
        if not kept or total == ZERO:
            return self.number(total)
        if total == ONE and len(kept) == 1:
            return kept[0]
        if len(kept) == 1 and kept[0].kind == "mul":
            return self.mul(total * kept[0].data, kept[0].args)
        if len(kept) == 1 and kept[0].kind == "add" and total == -ONE:
            weights = tuple(-w for w in kept[0].data)
            if weights[0].is_positive:
                return self.op("add", kept[0].args, weights, kept[0].dims)
        arrays = [a for a in kept if a.rank]
        if len(arrays) == 1 and arrays[0].kind == "place":
            # What stands among zeros is scaled before it is put there.
            inner = self.mul(total, [*(a for a in kept if not a.rank), arrays[0].args[0]])
            return self.op("place", (inner,), arrays[0].data, arrays[0].dims)
        op = self.op("mul", kept, total, broadcast_shape(kept))
        if total.is_nonnegative and all(a in self.nonnegative for a in kept):
            self.nonnegative.add(op)
        return op

    def transpose(self, op: Op, order: tuple[int, ...]) -> Op:
        """The axes in another order."""
        if order == tuple(range(op.rank)):
            return op
        if op.kind == "transpose":
            return self.transpose(op.args[0], tuple(op.data[i] for i in order))
        if op.kind == "eye":
            return op
        return self.op("transpose", (op,), order, [op.dims[i] for i in order])

    def lay(self, op: Op, labels: Sequence[int], target: Sequence[int]) -> Op:
        """The operation with its axes in the order of ``target``, 1 for those it lacks."""
        order = [x for x in target if x in labels]
        op = self.transpose(op, tuple(labels.index(x) for x in order))
        keys = [":" if x in labels else None for x in target]
        while keys and keys[0] is None:
            keys.pop(0)
        if None not in keys:
            return op
        dims = iter(op.dims)
        return self.op("lay", (op,), tuple(keys), [ONE if k is None else next(dims) for k in keys])

    def aligned(self, terms: Sequence[Term]) -> tuple[list[Op], tuple[int, ...]]:
        """The operations laid on common labels, so that NumPy's broadcasting joins them."""
        labels = {x for t in terms for x in t.labels}
        full = [t.labels for t in terms if len(t.labels) == len(labels)]
        target = full[0] if full else tuple(sorted(labels))
        return [self.lay(t.op, t.labels, target) for t in terms], target

    def whole(self, term: Term, order: Sequence[int], shape: Shape) -> Op:
        """The term's value over the labels ``order``, no axis missing."""
        missing = len(term.labels) < len(order)
        if missing and not term.labels:
            return self.op("full", (term.op,), None, shape)
        laid = self.lay(term.op, term.labels, tuple(order))
        return self.op("full", (laid,), None, shape) if missing else laid

    def pick(self, op: Op, axis: int, key: Key) -> Op:
        """``op[..., start:stop:step]``, or one entry, along an axis; picks along several axes are one."""
        keys: list[Key] = [":"] * op.rank
        if op.kind == "pick":
            kept = [k for k, old in enumerate(op.data) if not isinstance(old, Expr)]
            old = op.data[kept[axis]]
            if old == ":" or (_is_reversal(old) and _is_reversal(key)):
                axis, keys, op = kept[axis], list(op.data), op.args[0]
                key = key if old == ":" else ":"
        keys[axis] = key
        if all(k == ":" for k in keys):
            return op
        left = [(k, s) for k, s in zip(keys, op.dims, strict=True) if not isinstance(k, Expr)]
        dims = [s if k == ":" else k[2] for k, s in left]
        return self.op("pick", (op,), tuple(keys), dims)

    def flip(self, op: Op, axis: int) -> Op:
        """``op[::-1]`` along an axis."""
        size = op.dims[axis]
        return self.pick(op, axis, (size - 1, Integer(-1), size, size))

    def place(self, op: Op, axis: int, key: Key, size: Expr) -> Op:
        """The operation's entries at a slice, or at an index, of a new or longer axis; 0 elsewhere."""
        dims = list(op.dims)
        if isinstance(key, Expr):
            dims.insert(axis, size)
        else:
            dims[axis] = size
        keys: list[Key] = [":"] * len(dims)
        if op.kind == "place" and (isinstance(key, Expr) or op.data[axis] == ":"):
            keys = list(op.data)
            if isinstance(key, Expr):
                keys.insert(axis, ":")
            op = op.args[0]
        keys[axis] = key
        return self.op("place", (op,), tuple(keys), dims)

    def reshape(self, op: Op, dims: Shape) -> Op:
        """The entries in the same order, in another shape."""
        if op.kind == "reshape":
            op = op.args[0]
        return op if op.dims == dims else self.op("reshape", (op,), None, dims)

    def power(self, op: Op, exponent: Expr) -> Op:
        """``op ** exponent``."""
        return self.op("pow", (op,), exponent, op.dims)


def span(key: Slice) -> Key:
    """A slice of an axis as a key."""
    return (key.start, key.step, key.count, key.size)


def _is_reversal(key: Key) -> bool:
    return isinstance(key, tuple) and key[1] == -1 and key[2] == key[3]


def broadcast_shape(ops: Sequence[Op]) -> Shape:
    """The shape that NumPy's broadcasting gives aligned operations."""
    rank = max((op.rank for op in ops), default=0)
    dims: list[Expr] = [Integer(1)] * rank
    for op in ops:
        for i, size in enumerate(op.dims):
            if size != 1:
                dims[rank - op.rank + i] = size
    return tuple(dims)


def operations(outputs: Iterable[Op]) -> list[Op]:
    """Each distinct operation below the outputs, operands first."""
    seen: dict[Op, None] = {}
    stack: list[tuple[Op, bool]] = [(op, False) for op in outputs][::-1]
    while stack:
        op, ready = stack.pop()
        if op in seen:
            continue
        if ready or not op.args:
            seen[op] = None
        else:
            stack.append((op, True))
            stack.extend((a, False) for a in reversed(op.args) if a not in seen)
    return list(seen)
