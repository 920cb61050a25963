"""Slices as spans: which entries of an axis they keep, and how two of them lie to each other.

Slices keep their meaning for all sizes: a slice that NumPy would cut short is a span that
exists only where the axis is long enough.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, expand, floor, sympify

from symderive.errors import ShapeError, UnsupportedError
from symderive.language.nodes import (
    ONE,
    ZERO,
    Basis,
    Contraction,
    Node,
    Slice,
)


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


def inside(inner: Span, outer: Span) -> Span | None:
    """Where the inner span lies within the outer one, in the outer one's own counting."""
    one = inner.count == 1
    start = expand((inner.start - outer.start) / outer.step)
    step = ONE if one else inner.step / outer.step
    last = expand(start + step * (inner.count - 1))
    if not (start.is_integer and step.is_integer):
        return None
    within = all(end.is_nonnegative and expand(outer.count - 1 - end).is_nonnegative for end in (start, last))
    return Span(start, step, inner.count) if within else None


def apart(a: Span, b: Span) -> bool:
    """Whether two spans certainly share no entry."""
    ends = [(s.start, s.last) if s.step.is_positive else (s.last, s.start) for s in (a, b)]
    (low_a, high_a), (low_b, high_b) = ends
    if expand(low_b - high_a).is_positive or expand(low_a - high_b).is_positive:
        return True
    shift = expand(a.start - b.start)
    return abs(a.step) == abs(b.step) and shift.is_Integer and shift % abs(a.step) != 0


def supports(term: Node) -> dict[int, Span]:
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
