"""Slices, gathers, reshapes, triangles and single entries among the factors of a planned product.

In a program these are matrices of zeros and ones (``Slice``, ``Merge``, ``Basis``, masks).  None of
them is built where an index does it: entries are taken as ``a[1:]``, ``Z[np.arange(n), y]``, put
among zeros by an assignment, summed for each label by ``np.bincount`` or ``np.add.at``, summed up by
``np.cumsum``, cut by ``np.tril``.  What fits none of these stands as a matrix, which is always right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, final

from sympy import Expr

from symderive.compilation.operations import Key, Op, Operations, Term, span
from symderive.language.nodes import ONE, ZERO, Basis, Labels, Leaf, Map, Merge, Node, Slice
from symderive.language.symmetry import one_hot_of
from symderive.language.views.layout import triangle

__all__ = ["Selecting", "is_selection"]

Entry: TypeAlias = tuple[Node, Labels]


def is_selection(node: Node) -> bool:
    """Whether a factor is a matrix of zeros and ones that an index does better."""
    if isinstance(node, Basis | Slice | Merge):
        return True
    return isinstance(node, Map) and (one_hot_of(node) is not None or triangle(node) is not None)


@final
class Selecting:
    """Uses up the selections of one product, one after the other; ``done`` gives what is left.

    ``contract(terms, out, dims)`` plans a product without selections, ``distinct`` takes diagonals
    where a label stands twice, ``dense`` gives a selection as a matrix, ``labels_of`` the array of
    labels of a mask as integers.  Labels that are summed on the way are taken out of ``dims``.
    """

    def __init__(
        self,
        ops: Operations,
        contract: Callable[[list[Term], set[int], dict[int, Expr]], Term],
        distinct: Callable[[Term], Term],
        dense: Callable[[Node], Term],
        labels_of: Callable[[Leaf], Op],
    ) -> None:
        self._ops = ops
        self._contract = contract
        self._distinct = distinct
        self._dense = dense
        self._labels_of = labels_of
        self._terms: list[Term] = []
        self._entries: list[Entry] = []
        self._dims: dict[int, Expr] = {}
        self._out: set[int] = set()

    def done(self, terms: list[Term], entries: list[Entry], dims: dict[int, Expr], out: set[int]) -> list[Term]:
        """The terms that are left when all selections are used."""
        self._terms, self._entries, self._dims, self._out = list(terms), list(entries), dims, out
        while self._entries:
            if not any(self._try(step) for step in (self._take, self._put)):
                factor, labels = self._entries.pop(0)
                own = self._dense(factor)
                self._terms.append(self._distinct(Term(own.op, tuple(labels[x] for x in own.labels))))
        return self._terms

    def _try(self, step: Callable[[Node, Labels, set[int]], bool]) -> bool:
        for entry in self._entries:
            others = {x for e in self._entries if e is not entry for x in e[1]}
            if len(set(entry[1])) == len(entry[1]) and step(*entry, others):
                self._entries = [e for e in self._entries if e is not entry]
                return True
        return False

    # -- entries are taken ---------------------------------------------------------------------

    def _take(self, factor: Node, labels: Labels, others: set[int]) -> bool:
        """Use a selection on all that carries its label, which is summed."""
        if (mask := self._mask(factor, labels)) is not None:
            leaf, own, label = mask
            if self._is_open(label, others):
                self._replace(label, lambda term: self._gathered(term, label, leaf, own))
                return True
            return False
        whole = labels[0]
        if not isinstance(factor, Basis | Slice | Merge) or not self._is_open(whole, others):
            return False
        self._replace(whole, lambda term: self._cut(term, factor, labels))
        return True

    def _is_open(self, label: int, others: set[int]) -> bool:
        return label not in self._out and label not in others

    def _replace(self, label: int, change: Callable[[Term], Term]) -> None:
        self._terms = [self._distinct(change(t)) if label in t.labels else t for t in self._terms]
        del self._dims[label]

    def _mask(self, factor: Node, labels: Labels) -> tuple[Leaf, Labels, int] | None:
        """The labels' array, the labels of its axes, and the label that is looked up."""
        found = one_hot_of(factor)
        if found is None:
            return None
        leaf, axes, place = found
        return leaf, tuple(labels[x] for x in axes), labels[place]

    def _cut(self, term: Term, factor: Node, labels: Labels) -> Term:
        axis = term.labels.index(labels[0])
        before, after = term.labels[:axis], term.labels[axis + 1 :]
        match factor:
            case Basis():
                return Term(self._ops.pick(term.op, axis, factor.index), (*before, *after))
            case Slice():
                return Term(self._ops.pick(term.op, axis, span(factor)), (*before, labels[1], *after))
            case Merge():
                dims = (*term.op.dims[:axis], factor.first, factor.second, *term.op.dims[axis + 1 :])
                return Term(self._ops.reshape(term.op, dims), (*before, *labels[1:], *after))
        raise TypeError(f"{type(factor).__name__} takes no entries")

    def _gathered(self, term: Term, label: int, leaf: Leaf, own: Labels) -> Term:
        """``Z[np.arange(n), y]``: the term's entries at the labels y."""
        index = self._labels_of(leaf)
        shared = tuple(k for k, x in enumerate(own) if x in term.labels)
        rest = tuple(x for x in term.labels if x != label and x not in own)
        order = (*(own[k] for k in shared), label, *rest)
        laid = self._ops.transpose(term.op, tuple(term.labels.index(x) for x in order))
        dims = (*index.dims, *laid.dims[len(shared) + 1 :])
        return Term(self._ops.op("take", (laid, index), shared, dims), (*own, *rest))

    # -- entries are put among zeros, summed for each label, or summed up --------------------------

    def _put(self, factor: Node, labels: Labels, others: set[int]) -> bool:
        """Use a selection on the product of all that it places."""
        if (mask := self._mask(factor, labels)) is not None:
            return self._scattered(*mask, others) or self._put_at(factor, *mask)
        if triangle(factor) is not None:
            return self._running(factor, labels, others) or self._triangle(factor, labels)
        if isinstance(factor, Basis):
            return labels[0] not in others and self._put_entry(factor, labels[0])
        return self._placed(factor, labels, others)

    def _group(self, seeds: Sequence[int], others: set[int], barrier: int | None = None) -> tuple[list[Term], set[int]]:
        """The terms that carry the seeds, with all that is summed with them; and the labels that leave.

        A term that carries the barrier stays out.
        """
        rest = [t for t in self._terms if barrier is None or barrier not in t.labels]
        group = [t for t in rest if set(t.labels) & set(seeds)]
        while True:
            inner = {x for t in group for x in t.labels} - self._out - others - set(seeds)
            more = [t for t in rest if t not in group and set(t.labels) & inner]
            if not more:
                break
            group += more
        # The order of the factors is the order of the code.
        group = [t for t in self._terms if t in group]
        outside = {x for t in self._terms if t not in group for x in t.labels}
        leaving = {x for t in group for x in t.labels if x in self._out or x in others or x in outside}
        return group, leaving | set(seeds)

    def _contracted(self, group: list[Term], leaving: set[int], seeds: Iterable[int]) -> Term:
        """The product of a group over its leaving labels; 1 along the seeds that it does not carry."""
        carried = {x for t in group for x in t.labels}
        ones = [
            Term(self._ops.op("full", (self._ops.number(ONE),), None, (self._dims[x],)), (x,))
            for x in seeds
            if x not in carried
        ]
        found = self._contract([*group, *ones], leaving, self._dims)
        for x in carried - leaving:
            del self._dims[x]
        return found

    def _exchange(self, group: list[Term], new: Term) -> None:
        # By identity: the square of an array is two equal terms.
        gone = [k for k, t in enumerate(self._terms) if any(t is g for g in group)]
        at = gone[0] if gone else 0
        self._terms = [t for k, t in enumerate(self._terms) if k not in gone]
        self._terms.insert(at, self._distinct(new))

    def _placed(self, factor: Node, labels: Labels, others: set[int]) -> bool:
        whole, *parts = labels
        if not all(self._is_open(x, others) for x in parts):
            return False
        group, _ = self._group(parts, others | {whole})
        cut = [self._distinct(self._cut(t, factor, labels)) if whole in t.labels else t for t in group]
        self._terms = [next(c for g, c in zip(group, cut, strict=True) if g is t) if t in group else t
                       for t in self._terms]  # fmt: skip
        group, leaving = self._group(parts, others | {whole})
        inner = self._contracted(group, leaving, parts)
        if isinstance(factor, Slice):
            axis = inner.labels.index(parts[0])
            if factor.step == -1 and factor.count == factor.size:
                op = self._ops.flip(inner.op, axis)
            else:
                op = self._ops.place(inner.op, axis, span(factor), factor.size)
            new = Term(op, tuple(whole if x == parts[0] else x for x in inner.labels))
        else:
            assert isinstance(factor, Merge)
            rest = tuple(sorted(set(inner.labels) - set(parts)))
            laid = self._ops.lay(inner.op, inner.labels, (*rest, *parts))
            dims = (*(self._dims[x] for x in rest), factor.first * factor.second)
            new = Term(self._ops.reshape(laid, dims), (*rest, whole))
        for x in parts:
            del self._dims[x]
        self._exchange(group, new)
        return True

    def _put_entry(self, factor: Basis, label: int) -> bool:
        """An index of the result: everything else stands there, among zeros."""
        if not self._only_entries_left(factor) or not self._terms:
            return False
        picked = [self._cut(t, factor, (label,)) if label in t.labels else t for t in self._terms]
        inner = self._contract(picked, self._out - {label}, self._dims)
        self._drop_summed(picked)
        axis = sum(x < label for x in inner.labels)
        order = tuple(sorted(inner.labels))
        op = self._ops.place(self._ops.lay(inner.op, inner.labels, order), axis, factor.index, factor.dim)
        self._terms = [Term(op, (*order[:axis], label, *order[axis:]))]
        return True

    def _only_entries_left(self, factor: Node) -> bool:
        """Whether the other selections are single entries: these are put last, one after the other."""
        return all(isinstance(e[0], Basis) for e in self._entries if e[0] is not factor)

    def _drop_summed(self, terms: Iterable[Term]) -> None:
        """The labels that these terms carried are summed; those that nothing carries stay for the count."""
        for x in {x for t in terms for x in t.labels} - self._out:
            del self._dims[x]

    def _scattered(self, leaf: Leaf, own: Labels, label: int, others: set[int]) -> bool:
        """Σ_i [y_i = j] g_i: a sum for each label."""
        if not own or label in own or not all(self._is_open(x, others) for x in own):
            return False
        group, _ = self._group(own, others | {label})
        seen = [self._distinct(self._gathered(t, label, leaf, own)) if label in t.labels else t for t in group]
        self._terms = [next(c for g, c in zip(group, seen, strict=True) if g is t) if t in group else t
                       for t in self._terms]  # fmt: skip
        group, leaving = self._group(own, others | {label})
        inner = self._contracted(group, leaving, own)
        rest = tuple(sorted(set(inner.labels) - set(own)))
        value = self._ops.lay(inner.op, inner.labels, (*own, *rest))
        dims = (self._dims[label], *(self._dims[x] for x in rest))
        op = self._ops.op("scatter", (value, self._labels_of(leaf)), None, dims)
        for x in own:
            del self._dims[x]
        self._exchange(group, Term(op, (label, *rest)))
        return True

    def _put_at(self, mask: Node, leaf: Leaf, own: Labels, label: int) -> bool:
        """h_i [y_i = j] over i and j: one entry in each row."""
        if not self._only_entries_left(mask) or label in own or not {*own, label} <= self._out:
            return False
        picked = [self._distinct(self._gathered(t, label, leaf, own)) if label in t.labels else t for t in self._terms]
        inner = self._contract(picked, self._out - {label}, self._dims)
        self._drop_summed(picked)
        rest = tuple(sorted(set(inner.labels) - set(own)))
        value = self._ops.lay(inner.op, inner.labels, (*own, *rest)) if inner.labels else inner.op
        dims = (*(self._dims[x] for x in own), self._dims[label], *(self._dims[x] for x in rest))
        op = self._ops.op("put", (value, self._labels_of(leaf)), len(own), dims)
        self._terms = [Term(op, (*own, label, *rest))]
        return True

    def _running(self, factor: Node, labels: Labels, others: set[int]) -> bool:
        """Running sums: Σ_j [j <= i] g_j, and from the end where rows are summed."""
        found = triangle(factor)
        assert found is not None
        row, column, offset = labels[found[0]], labels[found[1]], found[2]
        rows, columns = self._dims[row], self._dims[column]
        # The sums that are wanted are among the running sums, or 0; a longer shift may leave none.
        if offset < -1 or not (columns - rows - offset).is_nonnegative:
            return False
        if any({row, column} <= set(t.labels) for t in self._terms):
            return False
        for summed, kept, backwards in ((column, row, False), (row, column, True)):
            if not self._is_open(summed, others):
                continue
            group, leaving = self._group((summed,), others | {kept}, barrier=kept)
            if not group:
                continue
            inner = self._contracted(group, leaving, ())
            axis = inner.labels.index(summed)
            op = (self._sums_to_the_end if backwards else self._sums)(inner.op, axis, rows, columns, offset)
            del self._dims[summed]
            self._exchange(group, Term(op, tuple(kept if x == summed else x for x in inner.labels)))
            return True
        return False

    def _sums(self, op: Op, axis: int, rows: Expr, columns: Expr, offset: Expr) -> Op:
        """Σ_j g_j over j <= i + offset, for i = 0, ..., rows - 1."""
        op = self._ops.op("cumsum", (op,), axis, op.dims)
        if offset < 0:
            count = rows + offset
            return self._moved(self._part(op, axis, ZERO, count), axis, -offset, rows)
        return self._part(op, axis, offset, rows)

    def _sums_to_the_end(self, op: Op, axis: int, rows: Expr, columns: Expr, offset: Expr) -> Op:
        """Σ_i g_i over i >= j - offset, for j = 0, ..., columns - 1."""
        if offset >= 0:
            op = self._moved(op, axis, offset, columns)
        turned = self._ops.flip(op, axis)
        op = self._ops.flip(self._ops.op("cumsum", (turned,), axis, turned.dims), axis)
        if offset < 0:
            return self._moved(self._part(op, axis, -offset, rows + offset), axis, ZERO, columns)
        return op

    def _part(self, op: Op, axis: int, start: Expr, count: Expr) -> Op:
        whole = op.dims[axis] == count
        return op if whole else self._ops.pick(op, axis, (start, ONE, count, op.dims[axis]))

    def _moved(self, op: Op, axis: int, start: Expr, size: Expr) -> Op:
        """The entries from ``start`` on, among zeros."""
        whole = op.dims[axis] == size
        return op if whole else self._ops.place(op, axis, (start, ONE, op.dims[axis], size), size)

    def _triangle(self, factor: Node, labels: Labels) -> bool:
        """The triangle of a matrix that is there, or of the whole product."""
        found = triangle(factor)
        assert found is not None
        row, column, offset = labels[found[0]], labels[found[1]], found[2]
        both = [t for t in self._terms if {row, column} <= set(t.labels)]
        if both:
            term = min(both, key=lambda t: len(t.labels))
        elif len(self._entries) == 1 and {row, column} <= self._out and self._terms:
            carried = {x for t in self._terms for x in t.labels}
            if not {row, column} <= carried:
                return False
            term = self._contract(self._terms, self._out, self._dims)
            self._drop_summed(self._terms)
            self._terms = [term]
        else:
            return False
        rest = tuple(x for x in term.labels if x not in (row, column))
        # A matrix whose columns are the rows of the triangle is cut above instead of below.
        turned = term.labels.index(row) > term.labels.index(column)
        last = (column, row) if turned else (row, column)
        laid = self._ops.transpose(term.op, tuple(term.labels.index(x) for x in (*rest, *last)))
        data: Key = ("triu", -offset) if turned else ("tril", offset)
        self._exchange([term], Term(self._ops.op("triangle", (laid,), data, laid.dims), (*rest, *last)))
        return True
