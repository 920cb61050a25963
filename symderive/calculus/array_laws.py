"""What holds between array functions: inverses, determinants, decompositions, maxima.

The atoms of array functions have *slots* (the axes of the argument that the
function acts on, which the atom binds) and *outputs* (axes that it makes); the
labels of an atom are those of its batch, then its outputs.  Arguments are made
canonical: scalars and diagonal factors go out, products of square factors are
split, a transposed argument turns the outputs round.  The relations are rewrites
of products, each an identity wherever what was written is defined:

* ``P inv(P) = 1`` on the leading term of P, on both sides, so that sums such as
  ``X^T X + λ`` cancel too;
* ``V V^T = 1``, ``V λ V^T = P``, ``P V = V λ``, ``Σ λ^k = tr P^k``, ``Π λ = det P``; the
  like for singular values; ``L L^T = P``, ``(Π diag L)² = det P``;
* ``[x = max x] x = [x = max x] max x``.

Sources: Horn & Johnson, Matrix Analysis, 0.7-0.8, 2.5, 7.2-7.3; Golub & Van Loan,
Matrix Computations, 2.1.4 and 4.2; Petersen & Pedersen, The Matrix Cookbook, 1 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product
from typing import Any, final

from sympy import Expr, Integer, Min

from symderive.calculus.polynomials import (
    ONE,
    OUTPUTS,
    UNIT,
    Algebra,
    Atom,
    Bound,
    Change,
    Exponent,
    Factor,
    Items,
    Labels,
    Monomial,
    NotHandled,
    Polynomial,
    TooLarge,
    add,
    exactly_unit,
    exponent_of,
    free_labels,
    monomial_key,
    only_factor,
    polynomial_key,
    raw,
    scale,
    times,
    to_sympy,
)
from symderive.calculus.signs import NONNEGATIVE, POSITIVE, Bounds

ROW, COLUMN = 999_998, 999_999
"""Labels that stand for the slots of an argument when two arguments are compared."""

DIAGONAL = "diagonal of cholesky"
_UNIT_BALL = Bounds(Fraction(-1), Fraction(1), False, False)


@final
@dataclass(frozen=True)
class Vectors:
    """Orthonormal vectors of a decomposition: the axis that runs over the values and the axis of the entries.

    ``slots`` are those of the argument P whose contraction with the entries gives
    ``values · partner``: ``P V = V λ``, ``P^T U = V^T s``, ``P V^T = U s``.
    """

    values: str
    along: int
    entries: int
    slots: tuple[int, ...]
    partner: str


VECTORS = {
    "eigvecs": Vectors("eigvalsh", -1, -2, (0, 1), "eigvecs"),
    "svd_u": Vectors("svdvals", -1, -2, (0,), "svd_vt"),
    "svd_vt": Vectors("svdvals", -2, -1, (1,), "svd_u"),
}


@final
@dataclass(frozen=True)
class Lead:
    """The term of an argument that its relations rewrite: ``coefficient · scalars · monomial``."""

    whole: Monomial
    monomial: Monomial
    coefficient: Fraction
    scalars: tuple[Factor, ...]


@final
@dataclass(frozen=True)
class Blocks:
    """The blocks of a matrix over its slots, by the slices (or unit vectors) that place them, and their sizes."""

    parts: dict[tuple[int, int], Polynomial]
    sizes: dict[int, Expr]


class ArrayLaws:
    """The array functions of one `Algebra`.

    ``shown(p, row, column, dim)`` says what a matrix is shown to be, by the
    words of `structure.STRUCTURES`.
    """

    def __init__(
        self, algebra: Algebra, shown: Callable[[Polynomial, int, int, Expr], frozenset[str]]
    ) -> None:
        self.algebra = algebra
        self._shown = shown
        self._flags: dict[int, frozenset[str]] = {}
        self._leads: dict[int, Lead | None] = {}
        self._rules: dict[int, Callable[..., Items | None] | None] = {}

    # -- arguments -------------------------------------------------------------------

    def _wrap(
        self,
        kind: str,
        p: Polynomial,
        slots: Sequence[int],
        payload: Any,
        bounds: Bounds = Bounds(),
        outputs: Sequence[int] = (),
        turns: bool = False,
    ) -> Polynomial:
        """The atom of a function of ``p`` at its ``outputs``; ``turns``: a transposed argument is the same atom.

        Where the outputs are the slots, turning the argument round turns them round.
        """
        algebra = self.algebra
        batch = tuple(sorted(set(free_labels(p)) - set(slots)))
        if len(batch) > 4:
            raise TooLarge("an array function of more than four indices besides its own")
        best: Any = None
        achieved: list[Labels] = []
        for order in permutations(batch):
            for ends in (tuple(slots), tuple(slots)[::-1]) if turns else (tuple(slots),):
                rename = {label: k for k, label in enumerate(order)}
                rename.update({s: len(order) + k for k, s in enumerate(ends) if s >= 0})
                moved = algebra.relabel(p, rename)
                key = polynomial_key(moved)
                labels = (*order, *(ends if tuple(outputs) == tuple(slots) else outputs))
                if best is None or key < best[0]:
                    best, achieved = (key, moved), [labels]
                elif key == best[0]:
                    achieved.append(labels)
        key, moved = best
        first = achieved[0]
        symmetries = tuple(dict.fromkeys(tuple(first.index(x) for x in other) for other in achieved))
        index = algebra.atom(
            kind,
            payload,
            len(first),
            bounds,
            (moved,),
            symmetries if len(symmetries) > 1 else (),
            key=(payload, key),
        )
        algebra.tighten(index, bounds)
        return algebra.single(index, first)

    def argument(self, atom: Atom, labels: Labels, slots: Sequence[int] = (ROW, COLUMN)) -> Polynomial:
        """The argument of an atom at its labels, its slots at given ones."""
        count = atom.rank - OUTPUTS[atom.kind]
        rename = dict(enumerate(labels[:count]))
        rename.update({count + k: s for k, s in enumerate(slots)})
        return self.algebra.relabel(atom.inner[0], rename)

    def remake(self, atom: Atom, labels: Labels, change: Change = lambda p: p) -> Polynomial:
        """The atom made again of a changed argument, or where labels of its batch came together."""
        algebra = self.algebra
        if atom.kind in ("max", "is_max"):
            slot = algebra.fresh()
            p = change(self.argument(atom, labels, (slot,)))
            if atom.kind == "max":
                return self.maximum(p, slot, atom.payload)
            return algebra.relabel(self.is_largest(p, slot, atom.payload), {slot: labels[-1]})
        row, column = algebra.fresh(), algebra.fresh()
        p = change(self.argument(atom, labels, (row, column)))
        outputs = labels[len(labels) - OUTPUTS[atom.kind] :]
        if atom.kind == "det":
            return self.determinant(p, row, column, atom.payload)
        if atom.kind == "inv":
            made = self.inverse(p, row, column, atom.payload)
            return algebra.relabel(made, {row: outputs[0], column: outputs[1]})
        return self.decomposed(atom.kind, p, (row, column), outputs, atom.payload)

    def show(self, p: Polynomial, row: int, column: int, dim: Expr, known: frozenset[str]) -> frozenset[str]:
        """What the matrix is shown to be, by how it was written (``known``) or by its terms."""
        return known | self._shown(p, row, column, dim)

    def _matrix_product(self, x: Polynomial, y: Polynomial, row: int, column: int, dim: Expr) -> Polynomial:
        """``Σ_m x[row, m] y[m, column]``."""
        algebra = self.algebra
        m = algebra.fresh()
        return algebra.contract(
            algebra.multiply(algebra.relabel(x, {column: m}), algebra.relabel(y, {row: m})), {m: dim}
        )

    def _swap(self, p: Polynomial, row: int, column: int) -> Polynomial:
        return self.algebra.relabel(p, {row: column, column: row})

    def _split(
        self, p: Polynomial, row: int, column: int
    ) -> tuple[Polynomial, list[tuple[Polynomial, Exponent]], list[tuple[Polynomial, Exponent]], Polynomial]:
        """``p = scalar · Π rows^k · Π columns^k · core``: factors of no slot, of one, and what carries both."""
        algebra = self.algebra
        c, units, parts = algebra.factorise(p)
        scalar = scale(c, ONE)
        rows: list[tuple[Polynomial, Exponent]] = []
        columns: list[tuple[Polynomial, Exponent]] = []
        core = ONE
        for q, e in [(raw([(a, ls, 1)]), e) for a, ls, e in units] + list(parts):
            carried = {row, column} & set(free_labels(q))
            if len(carried) == 2:
                core = algebra.multiply(core, algebra.power(q, e))
            elif not carried:
                scalar = algebra.multiply(scalar, algebra.power(q, e))
            else:
                (rows if row in carried else columns).append((q, e))
        return scalar, rows, columns, core

    def _diagonal(self, p: Polynomial, row: int, column: int) -> Polynomial | None:
        """The diagonal over ``row`` of a matrix whose every term has δ between its slots."""
        algebra = self.algebra
        total: Polynomial = {}
        for m, c in p.items():
            kept = [f for f in m[0] if not (algebra.atoms[f[0]].kind == "delta" and set(f[1]) == {row, column})]
            if len(kept) == len(m[0]):
                return None
            factors, bound = algebra.open((tuple(kept), m[1]), {column: row})
            total = add(total, algebra.reduce(c, factors, bound))
        return total

    def _peeled(
        self, p: Polynomial, row: int, column: int, dim: Expr
    ) -> tuple[Polynomial, Polynomial] | None:
        """``p = x y`` with square x and y, one of them a single factor that every term has at its end; or None."""
        for end in (column, row):
            found = self._peeled_at(p, row, column, end, dim)
            if found is not None:
                return found
        return None

    def _peeled_at(
        self, p: Polynomial, row: int, column: int, end: int, dim: Expr
    ) -> tuple[Polynomial, Polynomial] | None:
        algebra = self.algebra
        other = row if end == column else column
        signature: tuple[int, Labels] | None = None
        rest: Polynomial = {}
        for m, c in p.items():
            at = [q for q, f in enumerate(m[0]) if end in f[1]]
            if len(at) != 1:
                return None
            a, ls, e = m[0][at[0]]
            joined = [i for i in ls if i < -1]
            if e != 1 or ls.count(end) != 1 or len(joined) != 1 or other in ls or m[1][-2 - joined[0]] != dim:
                return None
            here = (a, algebra.symmetric(a, tuple(ROW if i == joined[0] else COLUMN if i == end else i for i in ls)))
            if signature is not None and here != signature:
                return None
            signature = here
            factors, bound = algebra.open(m)
            name = factors[at[0]][1][ls.index(joined[0])]
            del bound[name]
            kept = [(b, tuple(end if i == name else i for i in l2), x) for q, (b, l2, x) in enumerate(factors)
                    if q != at[0]]
            rest = add(rest, algebra.reduce(c, kept, bound))
        if signature is None or not rest:
            return None
        inner, outer = (row, column) if end == column else (column, row)
        single = algebra.relabel(algebra.single(*signature), {ROW: inner, COLUMN: outer})
        return (rest, single) if end == column else (single, rest)

    def _crossed(
        self, p: Polynomial, row: int, column: int
    ) -> tuple[tuple[Polynomial, Expr], tuple[Polynomial, Expr]] | None:
        """The factors (and their dimensions) of a Kronecker product; None if the matrix is none."""
        algebra = self.algebra
        places = {row: (algebra.fresh(), algebra.fresh()), column: (algebra.fresh(), algebra.fresh())}
        rest: Polynomial = {}
        merge: int | None = None
        for m, c in p.items():
            ends = [f for f in m[0] if f[1][0:1] in ((row,), (column,)) and algebra.atoms[f[0]].kind == "merge"]
            if len(ends) != 2 or {f[1][0] for f in ends} != {row, column} or merge not in (None, ends[0][0]):
                return None
            merge = ends[0][0]
            if ends[1][0] != merge or any(i >= -1 for f in ends for i in f[1][1:]):
                return None
            factors, bound = algebra.open(m)
            own = {ls[0]: ls[1:] for a, ls, _ in factors if a == merge and ls[0] in places}
            if own[row][0] == own[column][1] or own[row][1] == own[column][0]:
                return None
            rename = {i: new for end, labels in own.items() for i, new in zip(labels, places[end], strict=True)}
            kept = [
                (a, tuple(rename.get(i, i) for i in ls), e)
                for a, ls, e in factors
                if not (a == merge and ls[0] in places)
            ]
            for side in (0, 1):
                if own[row][side] == own[column][side]:  # the identity on this side
                    unit = algebra.delta(algebra.atoms[merge].payload[side])
                    kept.append((unit, (places[row][side], places[column][side]), 1))
            rest = add(rest, algebra.reduce(c, kept, {i: d for i, d in bound.items() if i not in rename}))
        if merge is None or not rest:
            return None
        first, second = algebra.atoms[merge].payload
        sides = [ONE, ONE]
        c, units, parts = algebra.factorise(rest)
        for q, e in [(raw([(a, ls, 1)]), e) for a, ls, e in units] + list(parts):
            carried = [any(places[end][side] in free_labels(q) for end in places) for side in (0, 1)]
            if all(carried):
                return None
            at = 1 if carried[1] else 0
            sides[at] = algebra.multiply(sides[at], algebra.power(q, e))
        x, y = (
            algebra.relabel(side, {places[row][k]: row, places[column][k]: column}) for k, side in enumerate(sides)
        )
        return (scale(c, x), first), (y, second)

    def _kronecker(
        self, x: Polynomial, y: Polynomial, row: int, column: int, first: Expr, second: Expr
    ) -> Polynomial:
        """The Kronecker product of two matrices over the same labels."""
        algebra = self.algebra
        merge = algebra.atom("merge", (first, second), 3, exactly_unit())
        i, j, k, l = (algebra.fresh() for _ in range(4))  # noqa: E741
        places = algebra.multiply(algebra.single(merge, (row, i, j)), algebra.single(merge, (column, k, l)))
        value = algebra.multiply(
            places, algebra.relabel(x, {row: i, column: k}), algebra.relabel(y, {row: j, column: l})
        )
        return algebra.contract(value, {i: first, k: first, j: second, l: second})

    # -- inverse -------------------------------------------------------------------------

    def inverse(
        self, p: Polynomial, row: int, column: int, dim: Expr, known: frozenset[str] = frozenset()
    ) -> Polynomial:
        """The inverse of a matrix, over the same labels."""
        algebra = self.algebra
        if not p:
            raise NotHandled("the inverse of a matrix of zeros")
        if dim == 1:
            return algebra.power(p, -1)
        scalar, rows, columns, core = self._split(p, row, column)
        if rows or columns or core != p:
            positive = algebra.bounds(scalar).sign == "+" and not rows and not columns
            known = known - {"orthogonal"} if positive else frozenset()
        parts = [algebra.power(scalar, -1)]
        for pieces, old, new in ((rows, row, column), (columns, column, row)):
            for q, e in pieces:
                parts.append(algebra.power(algebra.power(algebra.relabel(q, {old: new}), e), -1))
        return algebra.multiply(*parts, self._inverse_of_core(core, row, column, dim, known))

    def _inverse_of_core(
        self, p: Polynomial, row: int, column: int, dim: Expr, known: frozenset[str]
    ) -> Polynomial:
        algebra = self.algebra
        diagonal = self._diagonal(p, row, column)
        if diagonal is not None:
            unit = algebra.single(algebra.delta(dim), (row, column))
            return algebra.multiply(unit, algebra.power(diagonal, -1))
        only = only_factor(p)
        if only is not None and algebra.atoms[only[0]].kind == "inv" and set(only[1][-2:]) == {row, column}:
            return self.argument(algebra.atoms[only[0]], only[1], only[1][-2:])
        flags = self.show(p, row, column, dim, known)
        if "orthogonal" in flags:
            return self._swap(p, row, column)
        peeled = self._peeled(p, row, column, dim)
        if peeled is not None:
            x, y = (self.inverse(q, row, column, dim) for q in peeled)
            return self._matrix_product(y, x, row, column, dim)
        crossed = self._crossed(p, row, column)
        if crossed is not None:
            parts = [self.inverse(q, row, column, d) for q, d in crossed]
            return self._kronecker(parts[0], parts[1], row, column, crossed[0][1], crossed[1][1])
        blocks = self._blocks(p, row, column)
        if blocks is not None and all(i == j for i, j in blocks.parts):
            return self._placed(blocks, row, column)
        made = self._wrap("inv", p, (row, column), dim, outputs=(row, column), turns=True)
        only = only_factor(made)
        if only is not None:
            turned = only[1][-2:] != (row, column)
            swapped = {"lower": "upper", "upper": "lower"}
            own = frozenset(swapped.get(s, s) for s in flags) if turned else flags
            self._flags[only[0]] = self._flags.get(only[0], frozenset()) | own
        return made

    # -- determinant -----------------------------------------------------------------------

    def determinant(
        self, p: Polynomial, row: int, column: int, dim: Expr, known: frozenset[str] = frozenset()
    ) -> Polynomial:
        """The determinant of a matrix."""
        algebra = self.algebra
        if dim == 1 or not p:
            return p
        scalar, rows, columns, core = self._split(p, row, column)
        if rows or columns or core != p:
            positive = algebra.bounds(scalar).sign == "+" and not rows and not columns
            known = known - {"orthogonal"} if positive else frozenset()
        parts = [self._to_the(scalar, dim)]
        for pieces, label in ((rows, row), (columns, column)):
            for q, e in pieces:
                parts.append(algebra.product_over(algebra.power(q, e), label, dim))
        return algebra.multiply(*parts, self._determinant_of_core(core, row, column, dim, known))

    def _to_the(self, scalar: Polynomial, dim: Expr) -> Polynomial:
        """``scalar ** dim``, factor by factor."""
        algebra = self.algebra
        c, units, parts = algebra.factorise(scalar)
        result = algebra.constant(to_sympy(c) ** dim)
        for q, e in [(raw([(a, ls, 1)]), e) for a, ls, e in units] + list(parts):
            raised = exponent_of(to_sympy(e) * dim)
            if isinstance(e, int) or algebra.bounds(q).sign == "+":
                result = algebra.multiply(result, algebra.power(q, raised))
            else:
                result = algebra.multiply(result, algebra.power(algebra.power(q, e), exponent_of(dim)))
        return result

    def _determinant_of_core(
        self, p: Polynomial, row: int, column: int, dim: Expr, known: frozenset[str]
    ) -> Polynomial:
        algebra = self.algebra
        diagonal = self._diagonal(p, row, column)
        if diagonal is not None:
            return algebra.product_over(diagonal, row, dim)
        only = only_factor(p)
        if only is not None and algebra.atoms[only[0]].kind == "inv" and set(only[1][-2:]) == {row, column}:
            inner = self.argument(algebra.atoms[only[0]], only[1], only[1][-2:])
            return algebra.power(self.determinant(inner, row, column, dim), -1)
        flags = self.show(p, row, column, dim, known)
        if flags & {"lower", "upper"}:
            return algebra.product_over(algebra.relabel(p, {column: row}), row, dim)
        if not flags & {"orthogonal"}:
            peeled = self._peeled(p, row, column, dim)
            if peeled is not None:
                return algebra.multiply(*(self.determinant(q, row, column, dim) for q in peeled))
            crossed = self._crossed(p, row, column)
            if crossed is not None:
                (x, first), (y, second) = crossed
                return algebra.multiply(
                    self._to_the(self.determinant(x, row, column, first), second),
                    self._to_the(self.determinant(y, row, column, second), first),
                )
            updated = self._of_blocks(p, row, column)
            if updated is None:
                updated = self._rank_one(p, row, column, dim)
            if updated is None:
                updated = self._low_rank(p, row, column, dim, flags)
            if updated is not None:
                return updated
        bounds = Bounds()
        if "pd" in flags:
            bounds = POSITIVE
        elif "psd" in flags:
            bounds = NONNEGATIVE
        elif "invertible" in flags:
            bounds = Bounds(nonzero=True)
        if "orthogonal" in flags:
            bounds = bounds.meet(_UNIT_BALL)
        value = self._wrap("det", p, (row, column), dim, bounds, turns=True)
        return algebra.sign(value) if "orthogonal" in flags else value

    def _rank_one(self, p: Polynomial, row: int, column: int, dim: Expr) -> Polynomial | None:
        """``det(Q + u v^T) = det(Q) (1 + v^T inv(Q) u)`` where Q is shown to be invertible."""
        algebra = self.algebra
        for m in sorted(p, key=monomial_key):
            parts = self._parted(m, row, column)
            if parts is None:
                continue
            rest = {k: c for k, c in p.items() if k != m}
            if "invertible" not in self._shown(rest, row, column, dim):
                continue
            u = scale(p[m], self._loose(parts[0], m, {row: column}))
            v = self._loose(parts[1], m, {column: row})
            middle = self.inverse(rest, row, column, dim)
            inner = algebra.contract(algebra.multiply(v, middle, u), {row: dim, column: dim})
            return algebra.multiply(self.determinant(rest, row, column, dim), add(ONE, inner))
        return None

    def _blocks(self, p: Polynomial, row: int, column: int) -> Blocks | None:
        """A matrix laid out of blocks on the same intervals of rows and columns; None if it is not."""
        algebra = self.algebra
        parts: dict[tuple[int, int], Polynomial] = {}
        for m, c in p.items():
            factors, bound = algebra.open(m)
            ends: dict[int, Factor] = {}
            for f in factors:
                at = f[1][0] if f[1] and algebra.atoms[f[0]].kind in ("slice", "basis") else None
                if at in (row, column):
                    if at in ends:
                        return None
                    ends[at] = f
            if len(ends) != 2 or any(i not in bound for f in ends.values() for i in f[1][1:]):
                return None
            (a, (_, *first), _), (b, (_, *second), _) = ends[row], ends[column]
            kept = [f for f in factors if f is not ends[row] and f is not ends[column]]
            if first and first == second:
                kept.append((algebra.delta(bound[first[0]]), (row, column), 1))
            rename = {**dict.fromkeys(first, row), **({} if first == second else dict.fromkeys(second, column))}
            if any(row in f[1] or column in f[1] for f in kept[: len(factors) - 2]):
                return None
            kept = [(x, tuple(rename.get(i, i) for i in ls), e) for x, ls, e in kept]
            left = {i: d for i, d in bound.items() if i not in first and i not in second}
            parts[a, b] = add(parts.get((a, b), {}), algebra.reduce(c, kept, left))
        parts = {at: q for at, q in parts.items() if q}
        names = sorted({i for at in parts for i in at})
        if len(names) < 2 or {i for i, _ in parts} != set(names) or {j for _, j in parts} != set(names):
            return None
        sizes = {a: algebra.atoms[a].payload[1] if algebra.atoms[a].kind == "slice" else Integer(1) for a in names}
        whole = algebra.atoms[names[0]].payload[0]
        if any(algebra.atoms[a].payload[0] != whole for a in names):
            return None
        total = ONE
        for a in names:
            i = algebra.fresh()
            covered = algebra.single(a, (ROW, i) if algebra.atoms[a].kind == "slice" else (ROW,))
            total = add(total, scale(-1, algebra.contract(covered, {i: sizes[a]} if sizes[a] != 1 else {})))
        return Blocks(parts, sizes) if not total else None

    def _placed(self, blocks: Blocks, row: int, column: int) -> Polynomial:
        """The inverses of diagonal blocks in their places."""
        algebra = self.algebra
        total: Polynomial = {}
        for (a, _), q in blocks.parts.items():
            inverse = self.inverse(q, row, column, blocks.sizes[a])
            if algebra.atoms[a].kind == "basis":
                total = add(total, algebra.multiply(algebra.single(a, (row,)), algebra.single(a, (column,)), inverse))
                continue
            i, j = algebra.fresh(), algebra.fresh()
            ends = algebra.multiply(algebra.single(a, (row, i)), algebra.single(a, (column, j)))
            moved = algebra.relabel(inverse, {row: i, column: j})
            total = add(total, algebra.contract(algebra.multiply(ends, moved), dict.fromkeys((i, j), blocks.sizes[a])))
        return total

    def _of_blocks(self, p: Polynomial, row: int, column: int) -> Polynomial | None:
        """The determinant of a block triangular matrix, or ``det(A) det(D - C inv(A) B)`` where A is invertible."""
        algebra = self.algebra
        blocks = self._blocks(p, row, column)
        if blocks is None:
            return None
        names, parts = sorted(blocks.sizes), blocks.parts
        for order in permutations(names) if len(names) <= 4 else ():
            place = {a: k for k, a in enumerate(order)}
            if all((a, a) in parts for a in names) and all(place[i] >= place[j] for i, j in parts):
                return algebra.multiply(
                    *(self.determinant(parts[a, a], row, column, blocks.sizes[a]) for a in names)
                )
        if len(names) != 2:
            return None
        for a, b in permutations(names):
            size = blocks.sizes[a]
            if (a, a) not in parts or "invertible" not in self._shown(parts[a, a], row, column, size):
                continue
            inverse = self.inverse(parts[a, a], row, column, size)
            i, j = algebra.fresh(), algebra.fresh()
            through = algebra.multiply(
                algebra.relabel(parts[b, a], {column: i}),
                algebra.relabel(inverse, {row: i, column: j}),
                algebra.relabel(parts[a, b], {row: j}),
            )
            through = algebra.contract(through, {i: size, j: size} if size != 1 else {})
            rest = add(parts.get((b, b), {}), scale(-1, through))
            return algebra.multiply(
                self.determinant(parts[a, a], row, column, size), self.determinant(rest, row, column, blocks.sizes[b])
            )
        return None

    def _low_rank(
        self, p: Polynomial, row: int, column: int, dim: Expr, flags: frozenset[str]
    ) -> Polynomial | None:
        """``det(Q + U V) = det(Q) det(1 + V inv(Q) U)`` for the one term that passes through another dimension.

        Of ``det(1 + U V) = det(1 + V U) = ...`` the smallest spelling is taken (Sylvester; Q is shown to be
        invertible).
        """
        algebra = self.algebra
        through = [m for m in p if any(m[1][-2 - k] != dim for k, *_ in self._cuts(m, row, column))]
        if len(through) != 1 or len(p) < 2:
            return None
        term = {through[0]: p[through[0]]}
        rest = {m: c for m, c in p.items() if m not in term}
        if "invertible" not in self._shown(rest, row, column, dim):
            return None
        turned = self._matrix_product(self.inverse(rest, row, column, dim), term, row, column, dim)
        if len(turned) != 1:
            return None
        ((m, c),) = turned.items()
        spellings = [(dim, turned)]
        for k, left, right in self._cuts(m, row, column):
            size = m[1][-2 - k]
            i = algebra.fresh()
            first = self._loose(right, m, {k: row, column: i})
            second = self._loose(left, m, {k: column, row: i})
            spellings.append((size, scale(c, algebra.contract(algebra.multiply(first, second), {i: dim}))))
        keyed = [
            (str(size), min(polynomial_key(q), polynomial_key(self._swap(q, row, column))), size, q)
            for size, q in spellings
        ]
        _, _, size, q = min(keyed, key=lambda found: found[:2])
        bounds = Bounds()
        outer = self.determinant(rest, row, column, dim)
        if "pd" in flags and algebra.bounds(outer).sign == "+":
            bounds = POSITIVE
        elif "invertible" in flags:
            bounds = Bounds(nonzero=True)
        inner = add(self._delta(size, row, column), q)
        if size != 1:
            inner = self._wrap("det", inner, (row, column), size, bounds, turns=True)
        return algebra.multiply(outer, inner)

    def _cuts(self, m: Monomial, row: int, column: int) -> Iterator[tuple[int, list[Factor], list[Factor]]]:
        """The bound labels at which a term falls into a part at the row and one at the column."""
        for k in range(-1 - len(m[1]), -1):
            parts = self._parted(m, row, column, k)
            if parts is not None and all(any(k in f[1] for f in part) for part in parts):
                yield k, *parts

    def _parted(
        self, m: Monomial, row: int, column: int, without: int | None = None
    ) -> tuple[list[Factor], list[Factor]] | None:
        """The factors at the row (and the loose ones) and those at the column, where no bound label ties them.

        The label ``without`` does not count as a tie.
        """
        groups: list[tuple[set[int], list[Factor]]] = []
        for f in m[0]:
            labels = {i for i in f[1] if i < -1 or i in (row, column)} - {without}
            joined = [g for g in groups if g[0] & labels]
            groups = [g for g in groups if not g[0] & labels]
            groups.append((labels.union(*(g[0] for g in joined)), [*(x for g in joined for x in g[1]), f]))
        right = [f for labels, fs in groups if column in labels for f in fs]
        left = [f for labels, fs in groups if column not in labels for f in fs]
        return (left, right) if right and any(row in f[1] for f in left) else None

    def _loose(self, factors: Sequence[Factor], m: Monomial, rename: dict[int, int]) -> Polynomial:
        """Some factors of a term as a polynomial, their other bound labels summed."""
        algebra = self.algebra
        bound: Bound = {}
        for i in {i for _, ls, _ in factors for i in ls if i < -1 and i not in rename}:
            rename = {**rename, i: algebra.fresh()}
            bound[rename[i]] = m[1][-2 - i]
        return algebra.reduce(Fraction(1), [(a, tuple(rename.get(i, i) for i in ls), e) for a, ls, e in factors], bound)

    def log_magnitude(self, p: Polynomial) -> Polynomial:
        """``log |p|``, factor by factor."""
        algebra = self.algebra
        if not p:
            raise NotHandled("the logarithm of 0")
        c, pieces = algebra.magnitudes(p)
        total = algebra.log(scale(abs(c), ONE))
        for q, e in pieces:
            sign = algebra.bounds(q).sign
            only = only_factor(q)
            if only is not None and algebra.atoms[only[0]].kind == "sign":
                continue  # 1 or -1 where the logarithm is defined
            if sign in ("+", "0+"):
                part = algebra.log(q)
            elif sign in ("-", "0-"):
                part = algebra.log(scale(-1, q))
            else:
                part = algebra.log(algebra.size(q), POSITIVE)
            total = add(total, algebra.multiply(algebra.constant(to_sympy(e)), part))
        return total

    # -- decompositions ----------------------------------------------------------------------

    def decomposed(
        self,
        kind: str,
        p: Polynomial,
        slots: tuple[int, int],
        outputs: Sequence[int],
        payload: Any,
        known: frozenset[str] = frozenset(),
    ) -> Polynomial:
        """Eigenvalues, eigenvectors, singular values, singular vectors or a Cholesky factor, at ``outputs``.

        ``payload`` is the dimension of a square matrix, both dimensions for singular values and vectors.
        """
        row, column = slots
        bounds = Bounds()
        if kind in ("eigvalsh", "eigvecs", "cholesky") and p != self._swap(p, row, column):
            raise NotHandled(f"{kind} of a matrix that is not shown to be symmetric")
        if kind in ("eigvecs", "svd_u", "svd_vt"):
            bounds = _UNIT_BALL
        elif kind == "eigvalsh":
            shift, rest = self._shift(p, row, column)
            if shift and rest:
                return add(shift, self.decomposed(kind, rest, slots, outputs, payload))
            flags = self.show(p, row, column, payload, known)
            if "pd" in flags:
                bounds = POSITIVE
            elif "psd" in flags:
                bounds = NONNEGATIVE
            elif "invertible" in flags:
                bounds = Bounds(nonzero=True)
        elif kind == "svdvals":
            square = payload[0] == payload[1]
            invertible = square and "invertible" in self.show(p, row, column, payload[0], known)
            bounds = POSITIVE if invertible else NONNEGATIVE
        elif kind == DIAGONAL:
            bounds = POSITIVE
        return self._wrap(kind, p, slots, payload, bounds, outputs)

    def _shift(self, p: Polynomial, row: int, column: int) -> tuple[Polynomial, Polynomial]:
        """``p = shift · 1 + rest``."""
        shift: Polynomial = {}
        rest: Polynomial = {}
        ends = {row, column}
        for m, c in p.items():
            kept = tuple(f for f in m[0] if not (self.algebra.atoms[f[0]].kind == "delta" and set(f[1]) == ends))
            if len(kept) < len(m[0]) and not any(ends.intersection(f[1]) for f in kept):
                shift[kept, m[1]] = c
            else:
                rest[m] = c
        return shift, rest

    # -- maxima --------------------------------------------------------------------------------

    def _centred(self, p: Polynomial, slot: int) -> tuple[Polynomial, Polynomial]:
        """The terms that do not carry the slot, and those that do."""
        apart: Polynomial = {m: c for m, c in p.items() if not any(slot in ls for _, ls, _ in m[0])}
        return apart, {m: c for m, c in p.items() if m not in apart}

    def _scaled(self, p: Polynomial, slot: int, strict: bool) -> tuple[Polynomial, Polynomial]:
        """``p = factor · rest`` with a factor >= 0 (> 0 if strict) that does not carry the slot."""
        algebra = self.algebra
        c, units, parts = algebra.factorise(p)
        outside, inside = scale(abs(c), ONE), scale(1 if c > 0 else -1, ONE)
        for q, e in [(raw([(a, ls, 1)]), e) for a, ls, e in units] + list(parts):
            raised = algebra.power(q, e)
            sign = "" if slot in free_labels(q) else algebra.bounds(raised).sign
            if sign == "+" or (sign == "0+" and not strict):
                outside = algebra.multiply(outside, raised)
            elif sign == "-" or (sign == "0-" and not strict):
                outside = algebra.multiply(outside, scale(-1, raised))
                inside = scale(-1, inside)
            else:
                inside = algebra.multiply(inside, raised)
        return outside, inside

    def maximum(self, p: Polynomial, slot: int, dim: Expr) -> Polynomial:
        """The largest entry over a label."""
        if dim == 1:
            return p
        apart, rest = self._centred(p, slot)
        if not rest:
            return apart
        outside, inside = self._scaled(rest, slot, False)
        value = self._wrap("max", inside, (slot,), dim, self.algebra.bounds(inside))
        return add(apart, self.algebra.multiply(outside, value))

    def below_maximum(self, index: int, m: Monomial) -> Iterator[tuple[Polynomial, Polynomial, Bound]]:
        """Ways to read a term as ``Σ_bound weight · u_i`` for an atom max u: (weight, max u - u_i, bound labels)."""
        algebra = self.algebra
        atom = algebra.atoms[index]
        if len(atom.inner[0]) != 1:
            return
        ((lead, c),) = atom.inner[0].items()
        factors, bound = algebra.open(m)
        for labels in permutations(sorted({i for _, ls, _ in factors for i in ls}), atom.rank + 1):
            found = algebra.find(lead, labels, factors, bound)
            if found is not None:
                rest, left = found
                gap = add(
                    raw([(index, labels[:-1], 1)]), scale(-1, self.argument(atom, labels[:-1], labels[-1:]))
                )
                yield raw(rest, 1 / c), gap, left

    def is_largest(self, p: Polynomial, slot: int, dim: Expr) -> Polynomial:
        """1 over a label where an entry is the largest, else 0."""
        _, rest = self._centred(p, slot)
        if dim == 1 or not rest:
            return ONE
        _, inside = self._scaled(rest, slot, True)
        return self._wrap("is_max", inside, (slot,), dim, exactly_unit(), (slot,))

    # -- facts of one factor -------------------------------------------------------------------

    def single(self, atom: Atom, labels: Labels, e: Exponent) -> Polynomial | None:
        """What one factor is where its outputs come together or its exponent is no 1."""
        algebra = self.algebra
        if atom.kind == "is_max" and isinstance(e, int) and e > 1:
            return raw([(atom.index, labels, 1)])
        if len(labels) < 2 or labels[-1] != labels[-2]:
            return None
        if atom.kind == "cholesky":
            p = self.argument(atom, labels)
            return algebra.power(self.decomposed(DIAGONAL, p, (ROW, COLUMN), labels[-1:], atom.payload), e)
        if atom.kind == "inv" and self._flags.get(atom.index, frozenset()) & {"lower", "upper"}:
            p = self.argument(atom, labels)
            return algebra.power(algebra.relabel(p, {ROW: labels[-1], COLUMN: labels[-1]}), times(-1, e))
        return None

    def triangle(self, atom: Atom) -> str:
        """Which side of the diagonal a matrix atom may be nonzero on; empty if both."""
        if atom.has("lower_triangular") or atom.kind == "cholesky":
            return "lower"
        if atom.kind == "inv":
            found = self._flags.get(atom.index, frozenset()) & {"lower", "upper"}
            return next(iter(sorted(found)), "")
        return ""

    def semidefinite(self, atom: Atom) -> bool:
        """Whether the matrix over an atom's last two labels is positive semidefinite."""
        if atom.has("spd"):
            return True
        return atom.kind == "inv" and "psd" in self._flags.get(atom.index, frozenset())

    def product(self, index: int, labels: Labels, slot: int) -> Polynomial | None:
        """``Π`` of a factor over its last label."""
        atom = self.algebra.atoms[index]
        if atom.kind == "eigvalsh" and labels.count(slot) == 1 and labels[-1] == slot:
            return self.determinant(self.argument(atom, labels), ROW, COLUMN, atom.payload)
        return None

    # -- relations -----------------------------------------------------------------------------

    def relate(self, c: Fraction, factors: list[Factor], bound: Bound) -> Items | None:
        """The product rewritten by the first relation that applies, or None."""
        for k, (a, _, _) in enumerate(factors):
            if a not in self._rules:
                self._rules[a] = self._rule(self.algebra.atoms[a])
            rule = self._rules[a]
            found = None if rule is None else rule(c, factors, bound, k)
            if found is not None:
                return found
        return None

    def _rule(self, atom: Atom) -> Callable[..., Items | None] | None:
        match atom.kind:
            case "inv":
                return self._of_inverse
            case "eigvecs" | "svd_u" | "svd_vt":
                return self._of_vectors
            case "eigvalsh" | "svdvals":
                return self._of_values
            case "cholesky":
                return self._of_cholesky
            case "log":
                return self._of_logarithm
            case "poly":
                return self._of_shifted
            case "is_max":
                return self._of_mask
        return None

    def _lead(self, atom: Atom) -> Lead | None:
        """The term of the argument that its relations rewrite: of both slots, of highest degree."""
        if atom.index not in self._leads:
            count = atom.rank - OUTPUTS[atom.kind]
            self._leads[atom.index] = self._find_lead(atom.inner[0], count)
        return self._leads[atom.index]

    def _find_lead(self, p: Polynomial, count: int) -> Lead | None:
        algebra = self.algebra
        best: Any = None
        for m, c in p.items():
            carried = {i for _, ls, _ in m[0] for i in ls if i >= count}
            if not carried or any(isinstance(e, Expr) for _, _, e in m[0]):
                continue
            corner = any(algebra.atoms[a].kind == "delta" and min(ls) >= count for a, ls, _ in m[0])
            rank = (len(carried) == 2, not corner, len(m[0]) + len(m[1]), monomial_key(m))
            if best is None or rank > best[0]:
                best = (rank, m, c)
        if best is None:
            return None
        _, m, c = best
        scalars = tuple(
            f
            for f in m[0]
            if all(i < count and i >= -1 for i in f[1])
            and algebra.atoms[f[0]].bounds.sign in ("+", "-", "nonzero")
        )
        return Lead(m, (tuple(f for f in m[0] if f not in scalars), m[1]), c, scalars)

    def _eliminate(
        self,
        c: Fraction,
        factors: list[Factor],
        bound: Bound,
        k: int,
        joined: int,
        slot: int,
        target: Callable[[int], Polynomial],
    ) -> Items | None:
        """``Σ_joined P · factor = target`` used on the leading term of P beside the factor.

        ``slot`` says which slot of P the label ``joined`` takes; ``target`` is given the label of the other one.
        """
        algebra = self.algebra
        a, ls, e = factors[k]
        atom = algebra.atoms[a]
        lead = self._lead(atom)
        batch = ls[: atom.rank - OUTPUTS[atom.kind]]
        if e != 1 or lead is None or joined not in bound or ls.count(joined) != 1 or joined in batch:
            return None
        others = factors[:k] + factors[k + 1 :]
        if not any(len(batch) + 1 - slot in f[1] for f in lead.monomial[0]):
            return None
        for free in sorted({i for _, l2, _ in others for i in l2 if i != joined}):
            labels = (*batch, joined, free) if slot == 0 else (*batch, free, joined)
            found = algebra.find(lead.monomial, labels, others, bound)
            if found is None or any(joined in f[1] for f in found[0]):
                continue
            rest, left = found
            rename = dict(enumerate(labels))
            rest += [(b, tuple(rename.get(i, i) for i in l2), times(-1, x)) for b, l2, x in lead.scalars]
            done = {i: d for i, d in left.items() if i != joined}
            items = algebra.replaced(c / lead.coefficient, rest, done, target(free))
            for m, q in atom.inner[0].items():
                if m != lead.whole:
                    more, inner = algebra.open(m, rename)
                    items.append((-c * q / lead.coefficient, [*rest, factors[k], *more], {**left, **inner}))
            return items
        return None

    def _paired(
        self,
        c: Fraction,
        factors: list[Factor],
        bound: Bound,
        k: int,
        axis: int,
        target: Callable[[int, int], Polynomial],
    ) -> Items | None:
        """Two factors of one atom that share, and alone carry, the summed label at ``axis`` (or one squared)."""
        a, ls, e = factors[k]
        joined, other = ls[axis], -3 - axis
        if joined not in bound or ls.count(joined) != 1:
            return None
        for k2, (b, l2, e2) in enumerate(factors):
            squared = k2 == k and e == 2
            twice = k2 > k and a == b and e == e2 == 1 and l2[:-2] == ls[:-2] and l2[axis] == joined
            if squared or (twice and l2.count(joined) == 1):
                rest = [f for q, f in enumerate(factors) if q not in (k, k2)]
                if any(joined in f[1] for f in rest):
                    return None
                left = {i: d for i, d in bound.items() if i != joined}
                return self.algebra.replaced(c, rest, left, target(ls[other], l2[other]))
        return None

    def _at(self, p: Polynomial, row: int, column: int) -> Polynomial:
        return self.algebra.relabel(p, {ROW: row, COLUMN: column})

    def _delta(self, dim: Expr, i: int, j: int) -> Polynomial:
        return ONE if dim == 1 else self.algebra.single(self.algebra.delta(dim), (i, j))

    def _of_inverse(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        algebra = self.algebra
        a, ls, _ = factors[k]
        atom = algebra.atoms[a]
        for axis, slot in ((-2, 1), (-1, 0)):
            kept = ls[-3 - axis]
            found = self._eliminate(
                c, factors, bound, k, ls[axis], slot, lambda i, kept=kept: self._delta(atom.payload, i, kept)
            )
            if found is not None:
                return found
        only = only_factor(atom.inner[0])
        if only is None or algebra.atoms[only[0]].kind != "cholesky":
            return None
        # M = inv(L), L L^T = P: M^T M = inv(P) and P M^T = L, with M's rows where L has its columns
        row = -2 if only[1][-2] < only[1][-1] else -1
        inner = algebra.atoms[only[0]]
        p = self.argument(inner, tuple(ls[x] for x in only[1][:-2]))
        inverse = self.inverse(p, ROW, COLUMN, inner.payload)
        return self._paired(c, factors, bound, k, row, lambda i, j: self._at(inverse, i, j))

    def _of_cholesky(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        a, ls, _ = factors[k]
        p = self.argument(self.algebra.atoms[a], ls)
        return self._paired(c, factors, bound, k, -1, lambda i, j: self._at(p, i, j))

    # -- proofs of zero ---------------------------------------------------------------------------

    def cleared(self, p: Polynomial) -> Iterator[Polynomial]:
        """``Σ_i P_li p_i`` for the inverses of P over a free label i: it is 0 for every l only where p is 0."""
        algebra = self.algebra
        places: set[tuple[int, Labels, int, int]] = set()
        for m in p:
            for a, ls, e in m[0]:
                atom = algebra.atoms[a]
                if atom.kind != "inv" or e != 1 or any(i < -1 for i in ls[:-2]):
                    continue
                for axis in (-2, -1):
                    if ls[axis] >= 0 and ls.count(ls[axis]) == 1:
                        places.add((a, ls[:-2], axis, ls[axis]))
        for a, batch, axis, i in sorted(places, key=lambda at: (-at[0], at[2:])):
            atom = algebra.atoms[a]
            new = algebra.fresh()
            matrix = self.argument(atom, batch, (new, i) if axis == -2 else (i, new))
            yield algebra.relabel(algebra.contract(algebra.multiply(matrix, p), {i: atom.payload}), {new: i})

    def opened(self, p: Polynomial) -> Iterator[Polynomial]:
        """Polynomials q with ``p = Σ_k a_k q_k`` for a factor ``a_k`` that every term has: p is 0 if q is."""
        algebra = self.algebra
        new = algebra.fresh()
        choices: dict[tuple[int, Labels], list[list[Polynomial]]] = {}
        for count, (m, c) in enumerate(p.items()):
            for q, (a, ls, e) in enumerate(m[0]):
                joined = [i for i in ls if i < -1]
                if e != 1 or len(joined) != 1 or algebra.atoms[a].kind not in ("leaf", "d", "named"):
                    continue
                end = (a, tuple(ROW if i == joined[0] else i for i in ls))
                if len(choices.setdefault(end, [])) < count:
                    continue
                factors, bound = algebra.open(m)
                name = factors[q][1][ls.index(joined[0])]
                rest = [(b, tuple(new if i == name else i for i in l2), x) for k, (b, l2, x) in enumerate(factors)
                        if k != q]
                left = {i: d for i, d in bound.items() if i != name}
                if len(choices[end]) == count:
                    choices[end].append([])
                choices[end][count].append(algebra.reduce(c, rest, left))
        for found in choices.values():
            if len(found) == len(p) and math.prod(len(x) for x in found) <= 16:
                for chosen in product(*found):
                    yield add(*chosen)

    # -- eigenvalues and singular values ----------------------------------------------------------

    def _of_vectors(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        algebra = self.algebra
        a, ls, _ = factors[k]
        atom = algebra.atoms[a]
        row = VECTORS[atom.kind]
        found = self._spectral(c, factors, bound, ls[row.along])
        if found is not None:
            return found
        count = self._count(atom)
        found = self._paired(c, factors, bound, k, row.entries, lambda i, j: self._delta(count, i, j))
        if found is not None:
            return found
        p = self.argument(atom, ls)
        value = self.decomposed(row.values, p, (ROW, COLUMN), (ls[row.along],), atom.payload)

        def target(i: int) -> Polynomial:
            outputs = [i, i]
            outputs[VECTORS[row.partner].along] = ls[row.along]
            return algebra.multiply(value, self.decomposed(row.partner, p, (ROW, COLUMN), outputs, atom.payload))

        for slot in row.slots:
            found = self._eliminate(c, factors, bound, k, ls[row.entries], slot, target)
            if found is not None:
                return found
        return None

    def _count(self, atom: Atom) -> Expr:
        """How many values a decomposition has."""
        return Min(*atom.payload) if isinstance(atom.payload, tuple) else atom.payload

    def _of_values(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        return self._spectral(c, factors, bound, factors[k][1][-1])

    def _spectral(self, c: Fraction, factors: list[Factor], bound: Bound, joined: int) -> Items | None:
        """A sum over the values of a decomposition of products of values and vectors: a power of the matrix."""
        if joined not in bound:
            return None
        algebra = self.algebra
        source: Any = None
        ends: list[tuple[str, int]] = []
        power = 0
        shifted: list[tuple[Polynomial, int]] = []
        users = [q for q, f in enumerate(factors) if joined in f[1]]
        for q in users:
            a, ls, e = factors[q]
            atom = algebra.atoms[a]
            row = VECTORS.get(atom.kind)
            if not isinstance(e, int) or ls.count(joined) != 1:
                return None
            if atom.kind in ("eigvalsh", "svdvals") and ls[-1] == joined:
                power += e
            elif atom.kind == "poly" and (affine := self._affine(atom.inner[0], ls, joined)) is not None:
                shifted.append((affine[1], e))
                atom, ls = affine[0]
            elif row is not None and ls[row.along] == joined and e in (1, 2):
                ends += [(atom.kind, ls[row.entries])] * e
            else:
                return None
            here = (isinstance(atom.payload, tuple), atom.payload, self.argument(atom, ls))
            if source is not None and here != source:
                return None
            source = here
        singular, payload, p = source
        if not singular:
            value = self._eigen(p, payload, ends, power, shifted)
        else:
            value = None if shifted else self._singular(p, payload, ends, power)
        if value is None:
            return None
        rest = [f for q, f in enumerate(factors) if q not in users]
        return algebra.replaced(c, rest, {i: d for i, d in bound.items() if i != joined}, value)

    def _power(self, p: Polynomial, dim: Expr, power: int) -> Polynomial:
        base = self.inverse(p, ROW, COLUMN, dim) if power < 0 else p
        result = base
        for _ in range(abs(power) - 1):
            result = self._matrix_product(result, base, ROW, COLUMN, dim)
        return result

    def _trace(self, p: Polynomial, dim: Expr) -> Polynomial:
        i = self.algebra.fresh()
        return self.algebra.contract(self._at(p, i, i), {i: dim})

    def _affine(
        self, inner: Polynomial, labels: Labels, joined: int
    ) -> tuple[tuple[Atom, Labels], Polynomial] | None:
        """``c λ + s`` as the eigenvalues' atom at its labels and the matrix ``c P + s``; None if it is not that.

        ``inner`` is the argument of an atom at ``labels``; c and s do not depend on which eigenvalue it is.
        """
        algebra = self.algebra
        q = algebra.relabel(inner, dict(enumerate(labels)))
        depends = [m for m in q if any(joined in ls for _, ls, _ in m[0])]
        if len(depends) != 1:
            return None
        (m,) = depends
        at = [f for f in m[0] if joined in f[1]]
        if len(at) != 1 or at[0][2] != 1 or at[0][1].count(joined) != 1 or at[0][1][-1] != joined:
            return None
        a, ls, _ = at[0]
        values = algebra.atoms[a]
        if values.kind != "eigvalsh":
            return None
        factors, bound = algebra.open((tuple(f for f in m[0] if f is not at[0]), m[1]))
        scalar = algebra.reduce(q[m], factors, bound)
        unit = self._delta(values.payload, ROW, COLUMN)
        shift = {k: c for k, c in q.items() if k != m}
        matrix = add(algebra.multiply(scalar, self.argument(values, ls)), algebra.multiply(shift, unit))
        return (values, ls), matrix

    def _eigen(
        self,
        p: Polynomial,
        dim: Expr,
        ends: Sequence[tuple[str, int]],
        power: int,
        shifted: Sequence[tuple[Polynomial, int]],
    ) -> Polynomial | None:
        """``Σ f(λ)`` or ``Σ V f(λ) V^T`` for a product f of powers of λ and of ``c λ + s``."""
        if abs(power) + sum(abs(e) for _, e in shifted) > 4 or len(ends) not in (0, 2):
            return None
        parts = [(p, power)] if power else []
        parts += shifted
        if not parts:
            return self._delta(dim, ends[0][1], ends[1][1]) if ends else None
        value = self._power(*parts[0][:1], dim, parts[0][1])
        for q, e in parts[1:]:
            value = self._matrix_product(value, self._power(q, dim, e), ROW, COLUMN, dim)
        return self._at(value, ends[0][1], ends[1][1]) if ends else self._trace(value, dim)

    def _singular(
        self, p: Polynomial, dims: tuple[Expr, Expr], ends: Sequence[tuple[str, int]], power: int
    ) -> Polynomial | None:
        """``Σ s^power``, ``Σ U s^power V^T``, ``Σ U s^power U^T`` or ``Σ V s^power V^T``."""
        kinds = sorted(kind for kind, _ in ends)
        square = dims[0] == dims[1]
        if len(ends) not in (0, 2) or not -1 <= power <= 8:
            return None
        if kinds == ["svd_u", "svd_vt"]:
            u, v = (next(i for kind, i in ends if kind == wanted) for wanted in kinds)
            if power == -1 and square:
                return self._at(self.inverse(p, ROW, COLUMN, dims[0]), v, u)
            if power < 1 or power % 2 == 0:
                return None
            value = p
            for _ in range(power // 2):
                value = self._matrix_product(value, self._gram(p, dims, 0), ROW, COLUMN, dims[1])
            return self._at(value, u, v)
        if power < 0 or power % 2:
            return None
        left = kinds == ["svd_u", "svd_u"]
        if power == 0:
            return self._delta(dims[0], ends[0][1], ends[1][1]) if ends and square else None
        gram, size = self._gram(p, dims, 1 if left else 0), dims[0 if left else 1]
        value = self._power(gram, size, power // 2)
        return self._at(value, ends[0][1], ends[1][1]) if ends else self._trace(value, size)

    def _gram(self, p: Polynomial, dims: tuple[Expr, Expr], summed: int) -> Polynomial:
        """``P^T P`` (the row slot summed) or ``P P^T``."""
        algebra = self.algebra
        m = algebra.fresh()
        gone, kept = (ROW, COLUMN) if summed == 0 else (COLUMN, ROW)
        first = algebra.relabel(p, {gone: m, kept: ROW})
        second = algebra.relabel(p, {gone: m, kept: COLUMN})
        return algebra.contract(algebra.multiply(first, second), {m: dims[summed]})

    def _of_shifted(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        a, ls, _ = factors[k]
        for joined in {i for m in self.algebra.atoms[a].inner[0] for b, l2, _ in m[0]
                       if self.algebra.atoms[b].kind == "eigvalsh" for i in l2[-1:]}:
            if 0 <= joined < len(ls):
                return self._spectral(c, factors, bound, ls[joined])
        return None

    def _of_logarithm(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        """``Σ log (c λ + s) = log |det (c P + s)|``, ``Σ log diag L = log √det P``."""
        algebra = self.algebra
        a, ls, e = factors[k]
        inner = algebra.relabel(algebra.atoms[a].inner[0], dict(enumerate(ls)))
        only = only_factor(inner)
        if only is not None and algebra.atoms[only[0]].kind == "abs":
            inner = algebra.relabel(algebra.atoms[only[0]].inner[0], dict(enumerate(only[1])))
            only = only_factor(inner)
        for joined in sorted(set(ls).intersection(bound)):
            if e != 1 or ls.count(joined) != 1 or any(joined in f[1] for q, f in enumerate(factors) if q != k):
                continue
            found = self._log_of_values(inner, only, joined)
            if found is not None:
                left = {i: d for i, d in bound.items() if i != joined}
                return algebra.replaced(c, factors[:k] + factors[k + 1 :], left, found)
        return None

    def _log_of_values(
        self, inner: Polynomial, only: tuple[int, Labels] | None, joined: int
    ) -> Polynomial | None:
        """``Σ log |inner|`` over the values of a decomposition."""
        if only is None or self.algebra.atoms[only[0]].kind not in (DIAGONAL, "svdvals"):
            affine = self._affine(inner, (), joined)
            if affine is None:
                return None
            (values, _), matrix = affine
            return self.log_magnitude(self.determinant(matrix, ROW, COLUMN, values.payload))
        values = self.algebra.atoms[only[0]]
        square = values.kind == DIAGONAL or values.payload[0] == values.payload[1]
        if not square or only[1][-1] != joined or only[1].count(joined) != 1:
            return None
        dim = values.payload if values.kind == DIAGONAL else values.payload[0]
        value = self.log_magnitude(self.determinant(self.argument(values, only[1]), ROW, COLUMN, dim))
        return scale(Fraction(1, 2), value) if values.kind == DIAGONAL else value

    # -- masks -----------------------------------------------------------------------------------

    def _of_mask(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Items | None:
        """``[x_i is largest] · x_i = [x_i is largest] · max x``, used on the leading term of x."""
        algebra = self.algebra
        a, ls, _ = factors[k]
        atom = algebra.atoms[a]
        lead = self._lead(atom)
        if lead is None:
            return None
        found = algebra.find(lead.monomial, ls, factors[:k] + factors[k + 1 :], bound)
        if found is None:
            return None
        rest, left = found
        rename = dict(enumerate(ls))
        rest += [(b, tuple(rename.get(i, i) for i in l2), times(-1, x)) for b, l2, x in lead.scalars]
        rest.append(factors[k])
        p = self.argument(atom, ls, (ROW,))
        items = algebra.replaced(c / lead.coefficient, rest, left, self.maximum(p, ROW, atom.payload))
        for m, q in atom.inner[0].items():
            if m != lead.whole:
                more, inner = algebra.open(m, rename)
                items.append((-c * q / lead.coefficient, [*rest, *more], {**left, **inner}))
        return items

    def bounds(self, p: Polynomial) -> Bounds:
        """``max x - x_i >= 0``, at least one entry is the largest, and sums of exp(x_i - max x)."""
        for m, c in p.items():
            if len(m[0]) == 1 and m[0][0][2] == 1 and self.algebra.atoms[m[0][0][0]].kind == "is_max":
                ls = m[0][0][1]
                if c > 0 and len(p) == len(m[1]) == ls.count(-2) == 1 and ls[-1] == -2:
                    return POSITIVE
        found = self._below_maximum(p)
        return found if found != Bounds() else self._shifted_sum(p)

    def _below_maximum(self, p: Polynomial) -> Bounds:
        """The bounds of ``c (max x - x_i)``."""
        algebra = self.algebra
        for m, c in p.items():
            if len(m[0]) != 1 or m[0][0][2] != 1 or m[1]:
                continue
            a, ls, _ = m[0][0]
            if algebra.atoms[a].kind == "max":
                for i in set(free_labels(p)) - set(ls):
                    inner = self.argument(algebra.atoms[a], ls, (i,))
                    if p == scale(c, add({m: Fraction(1)}, scale(-1, inner))):
                        return NONNEGATIVE if c > 0 else NONNEGATIVE.negate()
        return Bounds()

    def _shifted_sum(self, p: Polynomial) -> Bounds:
        """``1 <= Σ exp(x_i - max x) <= k``, with a weight before it: the largest entry gives 1, and none more."""
        algebra = self.algebra
        for m, c in p.items():
            if len(m[1]) != 1 or not any(algebra.atoms[a].kind == "exp" for a, _, _ in m[0]):
                continue
            factors, bound = algebra.open(m)
            (label,) = bound
            gap: Polynomial = {}
            weight: Polynomial = {UNIT: c}
            for a, ls, e in factors:
                if algebra.atoms[a].kind == "exp" and not isinstance(e, Expr):
                    inner = algebra.relabel(algebra.atoms[a].inner[0], dict(enumerate(ls)))
                    gap = add(gap, scale(-Fraction(e), inner))
                elif label not in ls:
                    weight = algebra.multiply(weight, algebra.single(a, ls, e))
                else:
                    gap = {}
                    break
            sign = algebra.bounds(weight).sign
            if not gap or sign not in ("+", "-") or self._below_maximum(gap).low != 0:
                continue
            rest = {other: k for other, k in p.items() if other != m}
            one = algebra.bounds(add(rest, weight))
            every = algebra.bounds(add(rest, algebra.multiply(weight, algebra.constant(m[1][0]))))
            low, high = (one, every) if sign == "+" else (every, one)
            return Bounds(low.low, high.high, low.low_open, high.high_open)
        return Bounds()

    def order(self, q: Polynomial) -> Polynomial | None:
        """``sign(x_i - max x) = [x_i is largest] - 1``."""
        algebra = self.algebra
        for m, c in q.items():
            if len(m[0]) != 1 or m[1] or m[0][0][2] != 1 or algebra.atoms[m[0][0][0]].kind != "max":
                continue
            a, ls, _ = m[0][0]
            atom = algebra.atoms[a]
            for i in set(free_labels(q)) - set(ls):
                p = self.argument(atom, ls, (i,))
                if q == scale(-c, add(p, {m: Fraction(-1)})):
                    mask = self.is_largest(p, i, atom.payload)
                    return scale(1 if c < 0 else -1, add(mask, scale(-1, ONE)))
        return None

    def split(
        self, inner: Sequence[Polynomial], make: Callable[[Sequence[Polynomial]], Polynomial]
    ) -> Polynomial | None:
        """Nothing is laid side by side here."""
        return None


__all__ = ["DIAGONAL", "VECTORS", "ArrayLaws"]
