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
from functools import lru_cache
from typing import final

from sympy import Expr, Integer, expand

from symderive.calculus.polynomials import (
    ONE,
    Algebra,
    Atom,
    Bound,
    Change,
    Exponent,
    Factor,
    Items,
    Labels,
    Polynomial,
    add,
    constant_value,
    exactly_unit,
    free_labels,
    raw,
    scale,
)
from symderive.calculus.signs import Bounds, number_bounds

ELEMENTWISE = ("exp", "log", "poly", "abs", "sign")
"""The functions of entries in whose arguments indices are put."""
Span = tuple[Expr, Expr, Expr, Expr]
"""size, count, start and step of a slice."""


@lru_cache(maxsize=10_000)
def multiplied(value: Expr) -> Expr:
    """An expression in the dimensions, multiplied out."""
    return expand(value)


@lru_cache(maxsize=10_000)
def nonnegative(value: Expr) -> bool:
    """Whether an expression in the dimensions is shown to be >= 0."""
    return number_bounds(multiplied(value)).sign in ("+", "0+", "0")


@lru_cache(maxsize=10_000)
def meeting(span: Span, other: Span) -> tuple[Span | None, bool] | None:
    """How the own indices j and l of two slices of one axis are tied; None where that is not known.

    ``(tie, True)``: the first slice decides, and l runs over the tie's indices of j; ``(tie, False)``: the
    other decides, and j over those of l.  A tie None: they never meet.
    """
    _, count, start, step = span
    _, fewer, begin, stride = other
    one = Integer(1)
    if (start, step, count) == (begin, stride, fewer):
        return (count, count, Integer(0), one), True
    if step != stride:
        return None
    shift = multiplied((begin - start) / step)  # j = l + shift
    if shift.is_integer is False or nonnegative(shift - count) or nonnegative(-shift - fewer):
        return None, True
    if not shift.is_integer:
        return None
    if nonnegative(shift) and nonnegative(count - shift - fewer):
        return (count, fewer, shift, one), False
    if nonnegative(-shift) and nonnegative(fewer + shift - count):
        return (fewer, count, multiplied(-shift), one), True
    return None


@final
class SelectionLaws:
    """The slices, merges and prefixes of one `Algebra`; ``triangle`` tells "lower" and "upper" matrix atoms."""

    def __init__(self, algebra: Algebra, triangle: Callable[[Atom], str]) -> None:
        self.algebra = algebra
        self._triangle = triangle
        self._has_index: dict[int, bool] = {}

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
        symmetries = ((0, 1), (1, 0)) if count == size else ()  # the reversal
        index = self.algebra.atom("slice", span, 2, exactly_unit(), symmetries=symmetries)
        return self.algebra.single(index, (i, k))

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
        if bound == size or size == 1:
            return ONE
        if bound == 1:
            return self._atom("basis", (size, Integer(0)), (i,))
        if size - bound == 1:
            return add(ONE, scale(-1, self._atom("basis", (size, bound), (i,))))
        return self._atom("below", (size, bound), (i,))

    def mask(self, span: Span, i: int) -> Polynomial | None:
        """``Σ_k S_ik``: which indices a slice keeps; None where they are no interval."""
        size, count, start, step = span
        if step == 1:
            first, end = start, start + count
        elif step == -1:
            first, end = start - count + 1, start + 1
        else:
            return None
        return add(self.below(size, multiplied(end), i), scale(-1, self.below(size, multiplied(first), i)))

    # -- laws --------------------------------------------------------------------------

    def remake(self, atom: Atom, labels: Labels, change: Change = lambda p: p) -> Polynomial:
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

    def bounds(self, p: Polynomial) -> Bounds:
        """No bounds of sums are known."""
        return Bounds()

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
                case "basis" if e == 1:
                    found = self._of_unit(c, factors, bound, k)
                case "sign":
                    found = self._of_order(c, factors, bound, k)
                    found = self._of_look_up(c, factors, bound, k) if found is None else found
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

    def _of_slice(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        algebra = self.algebra
        a, (i, j), _ = factors[k]
        if i == j:
            return None
        if algebra.atoms[a].symmetries:  # the reversal: what is known moves to the label that stays, or the smaller
            if (i in bound, i) < (j in bound, j):
                i, j = j, i
            if i in bound and j in bound and self._by_index(factors, k, j):
                i, j = j, i
            moves = not (i in bound and j in bound) or self._by_index(factors, k, i)
            found = self._of_span(c, factors, bound, k, i, j, moves)
            return self._of_span(c, factors, bound, k, j, i, False) if found is None else found
        return self._of_span(c, factors, bound, k, i, j, True)

    def _by_index(self, factors: list[Factor], k: int, label: int) -> bool:
        """Whether the other factors carry a label only as the index that it is."""
        algebra = self.algebra
        if not all(self._indexes(a) for q, (a, ls, _) in enumerate(factors) if q != k and label in ls):
            return False
        place = algebra.single(algebra.range(algebra.atoms[factors[k][0]].payload[0]), (algebra.fresh(),))
        for q, (a, ls, _) in enumerate(factors):
            if q != k and label in ls:
                moved = self._moved(raw([(a, ls, 1)]), label, place)
                if moved is None or label in free_labels(moved):
                    return False
        return True

    def _of_span(
        self, c: Fraction, factors: list[Factor], bound: Bound, k: int, i: int, j: int, moves: bool
    ) -> Items | None:
        """The relations of a slice from label j to label i; ``moves``: the index of i is put through j."""
        algebra = self.algebra
        a = factors[k][0]
        span: Span = algebra.atoms[a].payload
        size, count, start, step = span
        if self._alone(factors, bound, i, [k]):
            return self._without(c, factors, bound, [k], [i], ONE)
        found = None
        if moves:
            found = self._indexed(
                c, factors, bound, k, i, lambda: self._place(algebra.range(count), j, start, step)
            )
        if found is not None:
            return found
        for q, (b, ls, e) in enumerate(factors):
            other = algebra.atoms[b]
            if q == k or not isinstance(e, int) or e < 1:
                continue
            if other.kind == "basis" and ls in ((i,), (j,)):
                found = self._picked(other.payload[1], span, ls == (i,))
                if found is not None:
                    value = {} if found == -1 else self._pair(span, found, i, j)
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
            if ls == (i, j) and other.payload[3] == step and multiplied(other.payload[2] - start).is_nonzero:
                return []
            if ls[0] == i and ls[1] != j:
                met = self._met(span, other.payload, j, ls[1])
                if met is not None:
                    value, kept = met
                    return self._without(c, factors, bound, [q if kept else k], [], value)
            if ls[0] == j and ls[1] not in (i, j) and self._alone(factors, bound, j, [k, q]):
                _, fewer, begin, stride = other.payload
                value = self.slice((size, fewer, multiplied(start + step * begin), multiplied(step * stride)), i, ls[1])
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
        place = multiplied((index - start) / step)
        if place.is_integer is False or nonnegative(-place - 1) or nonnegative(place - count):
            return Integer(-1)
        if place.is_integer and nonnegative(place) and nonnegative(count - 1 - place):
            return place
        return None

    def _pair(self, span: Span, place: Expr, i: int, j: int) -> Polynomial:
        size, count, start, step = span
        there = self._atom("basis", (size, multiplied(start + step * place)), (i,))
        return self.algebra.multiply(there, self._atom("basis", (count, place), (j,)))

    def _cut(self, size: Expr, bound: Expr, i: int) -> Polynomial | None:
        """``[i < bound]`` over an axis, where it is known how the bound lies."""
        bound = multiplied(bound)
        if nonnegative(-bound):
            return {}
        if nonnegative(bound - size):
            return ONE
        return self.below(size, bound, i) if nonnegative(bound) and nonnegative(size - bound) else None

    def _met(self, span: Span, other: Span, j: int, l: int) -> tuple[Polynomial, bool] | None:  # noqa: E741
        """Two slices of one axis: how their own indices are tied, and whether the first is kept (else the other)."""
        found = meeting(span, other)
        if found is None:
            return None
        tie, first = found
        if tie is None:
            return {}, True
        return self.slice(tie, *((l, j) if first else (j, l))), first

    def _indexes(self, a: int) -> bool:
        """Whether an atom is the index of an axis, or a function of entries that has one inside."""
        known = self._has_index.get(a)
        if known is None:
            atom = self.algebra.atoms[a]
            inside = (f[0] for p in atom.inner for m in p for f in m[0]) if atom.kind in ELEMENTWISE else ()
            known = self._has_index[a] = atom.kind == "range" or any(self._indexes(b) for b in inside)
        return known

    def _moved(self, p: Polynomial, label: int, place: Polynomial) -> Polynomial | None:
        """The polynomial with the index of a label put as ``place``, inside functions too; None if nothing is put."""
        algebra = self.algebra
        total: Polynomial = {}
        changed = False
        for m, c in p.items():
            factors, bound = algebra.open(m)
            plain: list[Factor] = []
            others: list[Polynomial] = []
            for a, ls, e in factors:
                atom = algebra.atoms[a]
                new = None
                if atom.kind == "range" and ls == (label,):
                    new = place
                elif label in ls and self._indexes(a):
                    inner = [algebra.relabel(q, dict(enumerate(ls))) for q in atom.inner]
                    moved = [self._moved(q, label, place) for q in inner]
                    if any(q is not None for q in moved):
                        new = algebra.make(
                            atom.kind, [old if q is None else q for old, q in zip(inner, moved, strict=True)]
                        )
                if new is None:
                    plain.append((a, ls, e))
                else:
                    changed = True
                    others.append(algebra.power(new, e))
            for item in algebra.replaced(c, plain, bound, algebra.multiply(*others) if others else ONE):
                total = add(total, algebra.reduce(*item))
        return total if changed else None

    def _indexed(
        self,
        c: Fraction,
        factors: list[Factor],
        bound: Bound,
        k: int,
        label: int,
        place: Callable[[], Polynomial],
    ) -> Items | None:
        """Put the index of a label, known through factor k, into the other factors."""
        for q, (b, ls, e) in enumerate(factors):
            if q != k and label in ls and isinstance(e, int) and self._indexes(b):
                moved = self._moved(raw([(b, ls, 1)]), label, place())
                if moved is not None:
                    return self._without(c, factors, bound, [q], [], self.algebra.power(moved, e))
        return None

    def _of_unit(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        """``e_m(i) f(i) = e_m(i) f(m)`` for what depends on the index itself."""
        a, (i,), _ = factors[k]
        return self._indexed(c, factors, bound, k, i, lambda: self.algebra.constant(self.algebra.atoms[a].payload[1]))

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

        def place() -> Polynomial:
            steps = algebra.multiply(algebra.constant(second), algebra.single(algebra.range(first), (i,)))
            return add(steps, algebra.single(algebra.range(second), (j,)))

        found = self._indexed(c, factors, bound, k, whole, place)
        if found is not None:
            return found
        for q, (b, ls, e) in enumerate(factors):
            if q == k or b != a or e != 1:
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

    # -- order of indices ------------------------------------------------------------------------

    def order(self, q: Polynomial) -> Polynomial | None:
        """The sign of an index against a number, or of ``i - j ± 1``, in masks; None where it is neither.

        For integers ``sign(t + 1) = sign(t) + [t = 0] + [t = -1]``.
        """
        algebra = self.algebra
        places: dict[tuple[int, int], Fraction] = {}
        rest: Polynomial = {}
        for m, c in q.items():
            if len(m[0]) == 1 and not m[1] and algebra.atoms[m[0][0][0]].kind == "range" and m[0][0][2] == 1:
                places[m[0][0][0], m[0][0][1][0]] = c
            else:
                rest[m] = c
        if len(places) == 1:
            return self._against(*next(iter(places.items())), rest)
        if len(places) != 2:
            return None
        (range_i, i), (range_j, j) = places
        scaled = places[range_i, i]
        shift = constant_value(scale(1 / scaled, rest))
        if places[range_j, j] != -scaled or shift not in (1, -1):
            return None
        if shift < 0:
            range_i, i, range_j, j, scaled = range_j, j, range_i, i, -scaled
        # the sign of scaled · (i - j + 1)
        here, there = algebra.atoms[range_i].payload, algebra.atoms[range_j].payload
        ties = [self._tied(i, here, j, there, t) for t in (0, 1)]
        if ties[0] is None or ties[1] is None:
            return None
        gap = add(algebra.single(range_i, (i,)), scale(-1, algebra.single(range_j, (j,))))
        value = add(algebra.sign(gap), ties[0], ties[1])
        return value if scaled > 0 else scale(-1, value)

    def _tied(self, i: int, here: Expr, j: int, there: Expr, shift: int) -> Polynomial | None:
        """1 where ``j = i + shift`` for a shift of 0 or 1; None where it is not known which indices are left out."""
        algebra = self.algebra
        one, whole = Integer(1), Integer(shift)
        if nonnegative(there - here - shift):
            return self.slice((there, here, whole, one), j, i)
        if nonnegative(here - there) and shift == 0:
            return self.slice((here, there, whole, one), i, j)
        if here != there:
            return None
        k = algebra.fresh()
        sides = [self.slice((here, here - 1, Integer(start), one), label, k) for start, label in ((0, i), (1, j))]
        return algebra.contract(algebra.multiply(*sides), {k: here - 1})

    def _ordered(self, atom: Atom) -> tuple[int, Expr, Expr] | None:
        """±1 and the dimensions where a sign is that of the difference of its two indices, in that order."""
        terms: dict[int, tuple[Expr, Fraction]] = {}
        for m, c in atom.inner[0].items():
            if len(m[0]) != 1 or m[1] or m[0][0][2] != 1 or self.algebra.atoms[m[0][0][0]].kind != "range":
                return None
            terms[m[0][0][1][0]] = (self.algebra.atoms[m[0][0][0]].payload, c)
        if terms.keys() != {0, 1} or terms[0][1] != -terms[1][1]:
            return None
        return 1 if terms[0][1] > 0 else -1, terms[0][0], terms[1][0]

    def _of_order(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        """sign(i - j): its square is 1 - [i = j], triangular matrices absorb it, its sum over j is 2i - n + 1."""
        algebra = self.algebra
        a, labels, e = factors[k]
        found = self._ordered(algebra.atoms[a])
        if found is None:
            return None
        turn, here, there = found
        i, j = labels
        tie = self._tied(i, here, j, there, 0)
        if e == 2 and tie is not None:
            return self._without(c, factors, bound, [k], [], add(ONE, scale(-1, tie)))
        if e != 1 or here != there:
            return None
        if (i in bound, i) > (j in bound, j) and not (i in bound and j in bound):
            return self._without(-c, factors, bound, [k], [], raw([(a, (j, i), e)]))
        for b, ls, power in factors:
            side = self._triangle(algebra.atoms[b]) if len(ls) >= 2 and set(ls[-2:]) == {i, j} else ""
            if side and tie is not None and isinstance(power, int) and power > 0:
                sign = turn * (1 if (ls[-2:] == (i, j)) == (side == "lower") else -1)
                return self._without(sign * c, factors, bound, [k], [], add(ONE, scale(-1, tie)))
        for summed, kept, sign in ((j, i, turn), (i, j, -turn)):
            if self._alone(factors, bound, summed, [k]):
                places = scale(2, algebra.single(algebra.range(here), (kept,)))
                value = add(places, scale(-1, algebra.constant(here)), ONE)
                return self._without(sign * c, factors, bound, [k], [summed], value)
        return None

    def _looked_up(self, atom: Atom) -> tuple[Expr, int] | None:
        """``(k, place)`` where a sign is that of ``y - j`` either way round, with every y in 0, ..., k - 1.

        ``place`` is where the sign has the label of j.
        """
        found: dict[str, tuple[int, Labels, Fraction]] = {}
        for m, c in atom.inner[0].items():
            if len(m[0]) != 1 or m[1] or m[0][0][2] != 1:
                return None
            found[self.algebra.atoms[m[0][0][0]].kind] = (m[0][0][0], m[0][0][1], c)
        if found.keys() != {"leaf", "range"} or found["leaf"][2] != -found["range"][2]:
            return None
        entries = self.algebra.atoms[found["leaf"][0]].payload.domain.entries
        size = self.algebra.atoms[found["range"][0]].payload
        (place,) = found["range"][1]
        ends = entries.values or (entries.low, entries.high)
        inside = entries.integer and all(nonnegative(x) and nonnegative(size - 1 - x) for x in ends)
        return (size, place) if inside and place >= 0 and place not in found["leaf"][1] else None

    def _of_look_up(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        """``sign(y - j)^2 = 1 - [y = j]`` sums to k - 1 over j, and two masks of one y meet where their indices do."""
        algebra = self.algebra
        a, labels, e = factors[k]
        found = self._looked_up(algebra.atoms[a]) if e == 2 else None
        if found is None:
            return None
        size, place = found
        i = labels[place]
        if self._alone(factors, bound, i, [k]):
            return self._without(c, factors, bound, [k], [i], algebra.constant(size - 1))
        for q, (b, ls, power) in enumerate(factors):
            j = ls[place] if b == a else i
            if power != 2 or j == i or ls != (*labels[:place], j, *labels[place + 1 :]):
                continue
            here, there = algebra.single(a, labels, 2), algebra.single(a, ls, 2)
            both = algebra.multiply(algebra.single(algebra.delta(size), (i, j)), add(ONE, scale(-1, here)))
            return self._without(c, factors, bound, [k, q], [], add(here, there, scale(-1, ONE), both))
        return None

    def _against(self, at: tuple[int, int], c: Fraction, rest: Polynomial) -> Polynomial | None:
        """sign(c i + rest) for a number rest: 1 - [i < b] - [i < b + 1] with b = -rest/c an integer on the axis."""
        algebra = self.algebra
        index, i = at
        size = algebra.atoms[index].payload
        bound = algebra.expression(scale(-1 / c, rest))
        if bound is None or not bound.is_integer:
            return None
        parts = [self._cut(size, bound, i), self._cut(size, bound + 1, i)]
        if parts[0] is None or parts[1] is None:
            return None
        value = add(ONE, scale(-1, parts[0]), scale(-1, parts[1]))
        return value if c > 0 else scale(-1, value)

    # -- functions of arrays laid side by side ------------------------------------------------

    def split(
        self, inner: Sequence[Polynomial], make: Callable[[Sequence[Polynomial]], Polynomial]
    ) -> Polynomial | None:
        """An elementwise function piece by piece: ``f(Σ_k S_ik u_k) = Σ_k S_ik f(u_k)``, and f(0) elsewhere."""
        algebra = self.algebra
        pieces = self.pieces(inner)
        if pieces is None:
            return None
        result: Polynomial = {}
        for selected, own, opened in pieces:
            result = add(result, algebra.contract(algebra.multiply(selected, make(opened)), own))
        return result

    def pieces(
        self, inner: Sequence[Polynomial]
    ) -> list[tuple[Polynomial, Bound, Sequence[Polynomial]]] | None:
        """Arrays laid side by side, as ``(where, labels of the piece, the piece)``; None where there are none."""
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
            return [self._piece(a, whole, ONE, inner)]
        spans = {
            b
            for p in inner
            for m in p
            for b, ls, _ in m[0]
            if algebra.atoms[b].kind == "slice" and ls[0] == whole and ls[1] < -1
        }
        result: list[tuple[Polynomial, Bound, Sequence[Polynomial]]] = []
        left, current = ONE, list(inner)
        for b in sorted(spans):
            mask = self.mask(algebra.atoms[b].payload, whole)
            if mask is None:
                return None
            result.append(self._piece(b, whole, left, current))
            left = algebra.multiply(left, add(ONE, scale(-1, mask)))
            current = [
                {m: c for m, c in p.items() if not any(f[0] == b and f[1][0] == whole for f in m[0])} for p in current
            ]
        return [*result, (left, {}, current)] if left else result

    def _piece(
        self, a: int, whole: int, left: Polynomial, inner: Sequence[Polynomial]
    ) -> tuple[Polynomial, Bound, Sequence[Polynomial]]:
        """Where a slice (or merge) lies among what is left, its own labels, and the arrays at its indices."""
        algebra = self.algebra
        payload = algebra.atoms[a].payload
        dims = payload[1:2] if algebra.atoms[a].kind == "slice" else payload
        size = payload[0] if algebra.atoms[a].kind == "slice" else payload[0] * payload[1]
        own = {algebra.fresh(): d for d in dims}
        selected = algebra.single(a, (whole, *own))
        opened = [algebra.contract(algebra.multiply(selected, p), {whole: size}) for p in inner]
        return algebra.multiply(left, selected), own, opened


__all__ = ["SelectionLaws", "nonnegative"]
