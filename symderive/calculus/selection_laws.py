"""What holds between slices, merged axes and the indices of an axis.

A slice ``S_ik = [i = start + step k]`` and a merge ``M_Iij = [I = i b + j]`` are
partial permutations: each column has a single 1.  What is known at the large
index is moved to the small ones (``S_ik i = S_ik (start + step k)``), a slice of a
slice is one slice, two slices of one axis meet in a slice or nowhere, and
``Σ_k S_ik`` is the mask of an interval, written as prefixes ``[i < b]``, so that the
masks of arrays laid end to end add up to 1.  An elementwise function of arrays
laid side by side is taken piece by piece.

That an axis has at least one entry is taken for granted, as for every dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import final

from sympy import Expr, Integer, cancel

from symderive.calculus.polynomials import (
    ONE,
    Algebra,
    Atom,
    Bound,
    Exponent,
    Factor,
    Items,
    Labels,
    Polynomial,
    add,
    exactly_unit,
    raw,
    scale,
)
from symderive.calculus.signs import number_bounds

Span = tuple[Expr, Expr, Expr, Expr]
"""size, count, start and step of a slice."""


def nonnegative(value: Expr) -> bool:
    """Whether an expression in the dimensions is shown to be >= 0."""
    return number_bounds(cancel(value)).sign in ("+", "0+", "0")


@final
class SelectionLaws:
    """The slices, merges and prefixes of one `Algebra`."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra

    # -- atoms -----------------------------------------------------------------------

    def _atom(self, kind: str, payload: tuple[Expr, ...], labels: Labels) -> Polynomial:
        index = self.algebra.atom(kind, payload, len(labels), exactly_unit())
        return self.algebra.single(index, labels)

    def slice(self, span: Span, i: int, k: int) -> Polynomial:
        """1 where ``i = start + step k``; a label is -1 where its axis has size 1."""
        size, count, start, step = span
        if size == 1:
            return ONE
        if count == 1:
            return self._atom("basis", (size, start), (i,))
        if (count, start, step) == (size, 0, 1):
            return self.algebra.single(self.algebra.delta(size), (i, k))
        return self._atom("slice", span, (i, k))

    def merge(self, first: Expr, second: Expr, labels: Labels) -> Polynomial:
        """1 where ``I = i second + j``."""
        whole, i, j = labels
        if first == 1 or second == 1:
            size = first * second
            return ONE if size == 1 else self.algebra.single(self.algebra.delta(size), (whole, j if first == 1 else i))
        return self._atom("merge", (first, second), labels)

    def below(self, size: Expr, bound: Expr, i: int) -> Polynomial:
        """1 where ``i < bound``."""
        if bound == 0:
            return {}
        return ONE if bound == size or size == 1 else self._atom("below", (size, bound), (i,))

    def mask(self, span: Span, i: int) -> Polynomial | None:
        """``Σ_k S_ik``: which indices a slice keeps; None where they are no interval."""
        size, count, start, step = span
        if step == 1:
            first, end = start, start + count
        elif step == -1:
            first, end = start - count + 1, start + 1
        else:
            return None
        return add(self.below(size, cancel(end), i), scale(-1, self.below(size, cancel(first), i)))

    # -- laws --------------------------------------------------------------------------

    def remake(self, atom: Atom, labels: Labels) -> Polynomial:
        """No atom here has an argument."""
        raise NotImplementedError(atom.kind)

    def single(self, atom: Atom, labels: Labels, e: Exponent) -> Polynomial | None:
        """Masks are their own squares."""
        if atom.kind in ("slice", "merge", "below") and isinstance(e, int) and e > 1:
            return raw([(atom.index, labels, 1)])
        return None

    def product(self, index: int, labels: Labels, slot: int) -> Polynomial | None:
        """No product over an axis is known."""
        return None

    def semidefinite(self, atom: Atom) -> bool:
        """No matrix here is symmetric."""
        return False

    def relate(self, c: Fraction, factors: list[Factor], bound: Bound) -> Items | None:
        """The product rewritten by the first relation that applies, or None."""
        for k, (a, _, e) in enumerate(factors):
            match self.algebra.atoms[a].kind:
                case "slice" if e == 1:
                    found = self._of_slice(c, factors, bound, k)
                case "merge" if e == 1:
                    found = self._of_merge(c, factors, bound, k)
                case "below" if e == 1:
                    found = self._of_prefix(c, factors, bound, k)
                case _:
                    continue
            if found is not None:
                return found
        return None

    def _without(
        self,
        c: Fraction,
        factors: list[Factor],
        bound: Bound,
        gone: Sequence[int],
        labels: Sequence[int],
        p: Polynomial,
    ) -> Items:
        """The product without some factors and bound labels, times a polynomial."""
        rest = [f for q, f in enumerate(factors) if q not in gone]
        return self.algebra.replaced(c, rest, {i: d for i, d in bound.items() if i not in labels}, p)

    def _alone(self, factors: list[Factor], bound: Bound, label: int, among: Sequence[int]) -> bool:
        """Whether a label is bound and only the factors named carry it."""
        return label in bound and not any(label in f[1] for q, f in enumerate(factors) if q not in among)

    def _place(self, index: int, label: int, start: Expr, step: Expr) -> Polynomial:
        """``start + step · (the index of a label)``; ``index`` is the atom of the large axis' range."""
        algebra = self.algebra
        return add(algebra.constant(start), algebra.multiply(algebra.constant(step), algebra.single(index, (label,))))

    def _range(self, dim: Expr) -> int:
        return self.algebra.range(dim)

    def _of_slice(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        algebra = self.algebra
        a, (i, j), _ = factors[k]
        span: Span = algebra.atoms[a].payload
        size, count, start, step = span
        if i == j:
            return None
        if self._alone(factors, bound, i, [k]):
            return self._without(c, factors, bound, [k], [i], ONE)
        for q, (b, ls, e) in enumerate(factors):
            other = algebra.atoms[b]
            if q == k or not isinstance(e, int) or e < 1:
                continue
            if other.kind == "range" and ls == (i,):
                place = self._place(self._range(count), j, start, step)
                return self._without(c, factors, bound, [q], [], algebra.integer_power(place, e))
            if other.kind == "basis" and ls in ((i,), (j,)):
                found = self._picked(other.payload[1], span, ls == (i,))
                if found is not None:
                    value = {} if found < 0 else self._pair(span, found, i, j)
                    return self._without(c, factors, bound, [k, q], [], value)
            if other.kind == "below" and ls == (i,) and step == 1:
                value = self._cut(count, other.payload[1] - start, j)
                if value is not None:
                    return self._without(c, factors, bound, [q], [], value)
            if other.kind != "slice":
                continue
            if b == a and ls[1] == j and ls[0] != i:
                unit = algebra.single(algebra.delta(size), (i, ls[0]))
                return self._without(c, factors, bound, [q], [], unit)
            if ls[0] == i and ls[1] != j:
                met = self._met(span, other.payload, j, ls[1])
                if met is not None:
                    value, kept = met
                    return self._without(c, factors, bound, [q if kept else k], [], value)
            if ls[0] == j and ls[1] not in (i, j) and self._alone(factors, bound, j, [k, q]):
                _, fewer, begin, stride = other.payload
                value = self.slice((size, fewer, cancel(start + step * begin), cancel(step * stride)), i, ls[1])
                return self._without(c, factors, bound, [k, q], [j], value)
        if self._alone(factors, bound, j, [k]):
            value = self.mask(span, i)
            if value is not None:
                return self._without(c, factors, bound, [k], [j], value)
        return None

    def _picked(self, index: Expr, span: Span, large: bool) -> Expr | None:
        """Where a unit vector of one axis sits on the small axis; -1 where the slice leaves it out; None if unknown."""
        _, count, start, step = span
        if not large:
            return index
        place = cancel((index - start) / step)
        if place.is_integer is False or nonnegative(-place - 1) or nonnegative(place - count):
            return Integer(-1)
        if place.is_integer and nonnegative(place) and nonnegative(count - 1 - place):
            return place
        return None

    def _pair(self, span: Span, place: Expr, i: int, j: int) -> Polynomial:
        size, count, start, step = span
        return self.algebra.multiply(
            self._atom("basis", (size, cancel(start + step * place)), (i,)), self._atom("basis", (count, place), (j,))
        )

    def _cut(self, size: Expr, bound: Expr, i: int) -> Polynomial | None:
        """``[i < bound]`` over an axis, where it is known how the bound lies."""
        bound = cancel(bound)
        if nonnegative(-bound):
            return {}
        if nonnegative(bound - size):
            return ONE
        return self.below(size, bound, i) if nonnegative(bound) and nonnegative(size - bound) else None

    def _met(self, span: Span, other: Span, j: int, l: int) -> tuple[Polynomial, bool] | None:  # noqa: E741
        """Two slices of one axis: how their own indices are tied, and whether the first is kept (else the other)."""
        _, count, start, step = span
        _, fewer, begin, stride = other
        if (start, step, count) == (begin, stride, fewer):
            return self.algebra.single(self.algebra.delta(count), (j, l)), True
        if step != stride:
            return None
        shift = cancel((begin - start) / step)  # j = l + shift
        if shift.is_integer is False or nonnegative(shift - count) or nonnegative(-shift - fewer):
            return {}, True
        if not shift.is_integer:
            return None
        if nonnegative(shift) and nonnegative(count - shift - fewer):
            return self.slice((count, fewer, shift, Integer(1)), j, l), False
        if nonnegative(-shift) and nonnegative(fewer + shift - count):
            return self.slice((fewer, count, cancel(-shift), Integer(1)), l, j), True
        return None

    def _of_merge(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        algebra = self.algebra
        a, labels, _ = factors[k]
        whole, i, j = labels
        first, second = algebra.atoms[a].payload
        if len(set(labels)) != 3:
            return None
        if self._alone(factors, bound, whole, [k]):
            return self._without(c, factors, bound, [k], [whole], ONE)
        if self._alone(factors, bound, i, [k]) and self._alone(factors, bound, j, [k]):
            return self._without(c, factors, bound, [k], [i, j], ONE)
        for q, (b, ls, e) in enumerate(factors):
            kind = algebra.atoms[b].kind
            if q == k or not isinstance(e, int) or e < 1:
                continue
            if kind == "range" and ls == (whole,):
                place = algebra.multiply(algebra.constant(second), algebra.single(self._range(first), (i,)))
                place = add(place, algebra.single(self._range(second), (j,)))
                return self._without(c, factors, bound, [q], [], algebra.integer_power(place, e))
            if b != a:
                continue
            if ls[0] == whole:
                tie = [(x, y, d) for x, y, d in zip((i, j), ls[1:], (first, second), strict=True) if x != y]
                unit = algebra.multiply(*(algebra.single(algebra.delta(d), (x, y)) for x, y, d in tie))
                return self._without(c, factors, bound, [q], [], unit)
            if ls[1:] == (i, j):
                unit = algebra.single(algebra.delta(first * second), (whole, ls[0]))
                return self._without(c, factors, bound, [q], [], unit)
        return None

    def _of_prefix(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        algebra = self.algebra
        a, (i,), _ = factors[k]
        _, end = algebra.atoms[a].payload
        if self._alone(factors, bound, i, [k]):
            return self._without(c, factors, bound, [k], [i], algebra.constant(end))
        for q, (b, ls, e) in enumerate(factors):
            other = algebra.atoms[b]
            if q == k or ls != (i,) or not isinstance(e, int) or e < 1:
                continue
            if other.kind == "below":
                if nonnegative(other.payload[1] - end):
                    return self._without(c, factors, bound, [q], [], ONE)
                if nonnegative(end - other.payload[1]):
                    return self._without(c, factors, bound, [k], [], ONE)
            if other.kind == "basis":
                value = self._cut_at(end, other.payload[1])
                if value is not None:
                    return self._without(c, factors, bound, [k], [], value)
            if other.kind == "range" and e <= 8 and self._alone(factors, bound, i, [k, q]):
                return self._without(c, factors, bound, [k, q], [i], algebra.power_sum(end, e))
        return None

    def _cut_at(self, bound: Expr, index: Expr) -> Polynomial | None:
        """``[index < bound]`` of numbers, where it is known."""
        if nonnegative(bound - index - 1):
            return ONE
        return {} if nonnegative(index - bound) else None

    # -- functions of arrays laid side by side ------------------------------------------------

    def split(
        self, inner: Sequence[Polynomial], make: Callable[[Sequence[Polynomial]], Polynomial]
    ) -> Polynomial | None:
        """An elementwise function piece by piece: ``f(Σ_k S_ik u_k) = Σ_k S_ik f(u_k)``, and f(0) elsewhere."""
        algebra = self.algebra
        found = next(
            (
                (a, ls)
                for p in inner
                for m in p
                for a, ls, _ in m[0]
                if algebra.atoms[a].kind in ("slice", "merge") and ls[0] >= 0 and all(i < -1 for i in ls[1:])
            ),
            None,
        )
        if found is None:
            return None
        a, (whole, *_) = found
        if algebra.atoms[a].kind == "merge":
            return self._piece(a, whole, inner, make)
        spans = {
            b
            for p in inner
            for m in p
            for b, ls, _ in m[0]
            if algebra.atoms[b].kind == "slice" and ls[0] == whole and ls[1] < -1
        }
        result: Polynomial = {}
        left, current = ONE, list(inner)
        for b in sorted(spans):
            mask = self.mask(algebra.atoms[b].payload, whole)
            if mask is None:
                return None
            result = add(result, algebra.multiply(left, self._piece(b, whole, current, make)))
            left = algebra.multiply(left, add(ONE, scale(-1, mask)))
            current = [
                {m: c for m, c in p.items() if not any(f[0] == b and f[1][0] == whole for f in m[0])} for p in current
            ]
        return add(result, algebra.multiply(left, make(current))) if left else result

    def _piece(
        self,
        a: int,
        whole: int,
        inner: Sequence[Polynomial],
        make: Callable[[Sequence[Polynomial]], Polynomial],
    ) -> Polynomial:
        """``Σ S_ik f(u at i = start + step k)``, or the like of a merge."""
        algebra = self.algebra
        payload = algebra.atoms[a].payload
        dims = payload[1:2] if algebra.atoms[a].kind == "slice" else payload
        size = payload[0] if algebra.atoms[a].kind == "slice" else payload[0] * payload[1]
        own = {algebra.fresh(): d for d in dims}
        selected = algebra.single(a, (whole, *own))
        opened = [algebra.contract(algebra.multiply(selected, p), {whole: size}) for p in inner]
        return algebra.contract(algebra.multiply(selected, make(opened)), own)


__all__ = ["SelectionLaws", "nonnegative"]
