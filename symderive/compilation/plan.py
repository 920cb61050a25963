"""From nodes to a straight-line program of array operations.

A :class:`Plan` turns output nodes into a graph of :class:`Op`: which operands meet in which order,
as a matrix product, an elementwise product or an einsum.  Equal operations are one object, so what
two outputs share is computed once.  Decisions:

* a product of many factors is contracted two at a time, the cheapest pair first, on sizes assumed
  by role (a dimension of the variables is small, a dimension of the data alone is large);
* identity matrices are eliminated by renaming an index; no n×n diagonal is ever built: XᵀDX is
  ``A.T @ A`` with ``A = X * sqrt(d)`` where d >= 0, else ``(X.T * d) @ X``;
* scalars multiply the finished, small side: ``(2 / n) * (X.T @ r)``;
* a sum of squares is a dot product.

An operation may lack axes of the node that it stands for where its value is constant along them:
:class:`Term` says which axes (labels) the operation carries, and in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Rational

from symderive.compilation.stable import bare, constant, is_nonnegative
from symderive.errors import UnsupportedError
from symderive.language.nodes import (
    ONE,
    REDUCING,
    ZERO,
    Basis,
    Contraction,
    Delta,
    Leaf,
    Map,
    Named,
    Node,
    Opaque,
    Range,
    Shape,
    Sum,
)

__all__ = ["Op", "Plan", "Term", "operations"]

#: Assumed sizes for choosing an order of contraction: dimensions of the variables, and the others.
SMALL, LARGE = 30, 1000


@dataclass(frozen=True, eq=False)
class Op:
    """One operation: its kind, operands, parameters, and the dimensions of its axes.

    Kinds: ``var`` (data: name), ``num`` (a SymPy number in the dimensions), ``add`` (weights),
    ``mul`` (coefficient), ``map`` (function row), ``pow`` (exponent), ``matmul``, ``vdot``,
    ``transpose`` (order), ``lay`` and ``pick`` (keys), ``sum`` (axes or None), ``einsum``
    (subscripts), ``diagonal``, ``diag``, ``array`` (function, axis or None), ``eye``, ``unit``
    (dimension, index), ``arange``, ``full`` (the axes' dimensions), ``copy``.
    """

    kind: str
    args: tuple[Op, ...]
    data: Any
    dims: Shape

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.dims)


@dataclass(frozen=True)
class Term:
    """An operation whose axes are the given labels; labels of the whole that it lacks broadcast."""

    op: Op
    labels: tuple[int, ...]


class Plan:
    """Plans nodes; ``output`` gives the operation that makes a node's full array."""

    def __init__(self, small: Iterable[Expr] = ()) -> None:
        self._small = {s for dim in small for s in dim.free_symbols}
        self._ops: dict[tuple[Any, ...], Op] = {}
        self._terms: dict[Node, Term] = {}
        self._nonnegative: set[Op] = set()
        self.names: dict[Op, str] = {}
        self.least: dict[tuple[Expr, Expr], None] = {}

    # -- operations ----------------------------------------------------------------------

    def _op(self, kind: str, args: Sequence[Op], data: Any, dims: Iterable[Expr]) -> Op:
        key = (kind, tuple(args), data, tuple(dims))
        found = self._ops.get(key)
        if found is None:
            found = self._ops[key] = Op(*key)
        return found

    def _has(self, kind: str, args: Sequence[Op], data: Any, dims: Iterable[Expr]) -> bool:
        return (kind, tuple(args), data, tuple(dims)) in self._ops

    def number(self, value: Expr) -> Op:
        """A constant."""
        return self._op("num", (), value, ())

    def _size(self, dims: Iterable[Expr]) -> float:
        size = 1.0
        for dim in dims:
            values = {s: Integer(SMALL if s in self._small else LARGE) for s in dim.free_symbols}
            assumed: Any = dim.xreplace(values)
            size *= float(assumed)
        return size

    def _mul(self, coefficient: Any, args: Sequence[Op]) -> Op:
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
            return self._mul(total * kept[0].data, kept[0].args)
        if len(kept) == 1 and kept[0].kind == "add" and total == -ONE:
            weights = tuple(-w for w in kept[0].data)
            if weights[0].is_positive:
                return self._op("add", kept[0].args, weights, kept[0].dims)
        op = self._op("mul", kept, total, _broadcast(kept))
        if total.is_nonnegative and all(a in self._nonnegative for a in kept):
            self._nonnegative.add(op)
        return op

    def _transpose(self, op: Op, order: tuple[int, ...]) -> Op:
        if order == tuple(range(op.rank)):
            return op
        if op.kind == "transpose":
            return self._transpose(op.args[0], tuple(op.data[i] for i in order))
        return self._op("transpose", (op,), order, [op.dims[i] for i in order])

    def _lay(self, op: Op, labels: Sequence[int], target: Sequence[int]) -> Op:
        """The operation with its axes in the order of ``target``, 1 for those it lacks."""
        order = [x for x in target if x in labels]
        op = self._transpose(op, tuple(labels.index(x) for x in order))
        keys = [":" if x in labels else None for x in target]
        while keys and keys[0] is None:
            keys.pop(0)
        if None not in keys:
            return op
        dims = iter(op.dims)
        return self._op("lay", (op,), tuple(keys), [ONE if k is None else next(dims) for k in keys])

    # -- nodes -----------------------------------------------------------------------------

    def output(self, node: Node, order: Sequence[int] | None = None) -> Op:
        """The operation that makes the whole array of a node, its axes in ``order``, as a new array."""
        order = tuple(range(node.rank)) if order is None else tuple(order)
        term = self.term(node)
        shape = tuple(node.shape[i] for i in order)
        if not shape:
            return term.op
        if len(term.labels) < len(shape):
            if not term.labels:
                return self._op("full", (term.op,), None, shape)
            laid = self._lay(term.op, term.labels, order)
            return self._op("full", (laid,), None, shape)
        op = self._lay(term.op, term.labels, order)
        if op.kind in ("var", "transpose", "lay", "pick", "diagonal"):
            return self._op("copy", (op,), None, op.dims)
        return op

    def term(self, node: Node) -> Term:
        """What is to be computed for a node."""
        found = self._terms.get(node)
        if found is None:
            # Children first, without recursion: programs can be deep.
            for current in node.walk():
                if current not in self._terms:
                    term = self._terms[current] = self._term(current)
                    if is_nonnegative(current):
                        self._nonnegative.add(term.op)
            found = self._terms[node]
        return found

    def _term(self, node: Node) -> Term:
        value = constant(node)
        if value is not None:
            return Term(self.number(value), ())
        match node:
            case Leaf():
                return Term(self._op("var", (), node.name, node.shape), tuple(range(node.rank)))
            case Named():
                term = self._terms[node.body]
                if node.name and term.op.kind not in ("var", "num"):
                    self.names.setdefault(term.op, node.name)
                return term
            case Delta():
                return Term(self._op("eye", (), node.dim, node.shape), (0, 1))
            case Range():
                return Term(self._op("arange", (), node.dim, node.shape), (0,))
            case Basis():
                self.least[node.dim, node.index + 1] = None
                return Term(self._op("unit", (), (node.dim, node.index), node.shape), (0,))
            case Sum():
                return self._sum(node)
            case Map():
                return self._map(node)
            case Opaque():
                return self._opaque(node)
            case Contraction():
                return self._contraction(node)
        raise UnsupportedError(f"code for {type(node).__name__} is not generated: {node}")

    def _aligned(self, terms: Sequence[Term]) -> tuple[list[Op], tuple[int, ...]]:
        """The operations laid on common labels, so that NumPy's broadcasting joins them."""
        labels = {x for t in terms for x in t.labels}
        full = [t.labels for t in terms if len(t.labels) == len(labels)]
        target = full[0] if full else tuple(sorted(labels))
        return [self._lay(t.op, t.labels, target) for t in terms], target

    def _sum(self, node: Sum) -> Term:
        ops, labels = self._aligned([self._terms[n] for _, n in node.terms])
        terms: list[tuple[Expr, Op]] = []
        for (weight, _), op in zip(node.terms, ops, strict=True):
            if op.kind == "mul":
                rest = self._mul(ONE, op.args)
                terms.append((weight * op.data, rest))
            elif op.kind == "num":
                terms.append((ONE, self.number(weight * op.data)))
            else:
                terms.append((weight, op))
        terms = [(w, op) for w, op in terms if not (op.kind == "num" and op.data == 0)]
        if not terms:
            return Term(self.number(Integer(0)), ())
        if len(terms) == 1:
            return Term(self._mul(terms[0][0], [terms[0][1]]), labels)
        # A sum reads better, and needs no unary minus, when it begins with a positive term.
        if not terms[0][0].is_positive and terms[0][1].kind != "num":
            first = next((i for i, (w, _) in enumerate(terms) if w.is_positive), 0)
            terms.insert(0, terms.pop(first))
        weights = tuple(w for w, _ in terms)
        return Term(self._op("add", [op for _, op in terms], weights, _broadcast(ops)), labels)

    def _map(self, node: Map) -> Term:
        arguments = [self._terms[a] for a in node.arguments]
        if node.function == "power":
            exponent = constant(node.arguments[1])
            if exponent is not None:
                base = arguments[0]
                return Term(self._op("pow", (base.op,), exponent, base.op.dims), base.labels)
        ops, labels = self._aligned(arguments)
        return Term(self._op("map", ops, node.function, _broadcast(ops)), labels)

    def _opaque(self, node: Opaque) -> Term:
        argument = node.arguments[0]
        term = self._terms[argument]
        last = argument.rank - 1
        if last not in term.labels:
            term = Term(self.output(argument), tuple(range(argument.rank)))
        axis = term.labels.index(last)
        dims = [s for i, s in enumerate(term.op.dims) if i != axis or node.function not in REDUCING]
        op = self._op("array", (term.op,), (node.function, axis if term.op.rank > 1 else None), dims)
        labels = tuple(x for x in term.labels if x != last or node.function not in REDUCING)
        return Term(op, labels)

    # -- contractions ------------------------------------------------------------------------

    def _contraction(self, node: Contraction) -> Term:
        dims = dict(enumerate(node.label_dims))
        coefficient: Any = node.coefficient
        factors: list[tuple[Node, list[int]]] = [(f, list(labels)) for f, labels in node.factors]
        out = set(range(node.out_rank))
        merged = _without_deltas(factors, out, dims)
        terms: list[Term] = []
        picks: dict[int, Expr] = {}
        for f, labels in merged:
            inner = bare(f)
            if isinstance(inner, Basis) and labels[0] not in out and labels[0] not in picks:
                picks[labels[0]] = inner.index
                self.least[inner.dim, inner.index + 1] = None
        for label in picks:
            del dims[label]
        taken: set[int] = set()
        for f, labels in merged:
            inner = bare(f)
            if isinstance(inner, Basis) and labels[0] in picks and labels[0] not in taken:
                taken.add(labels[0])
                continue
            term = self._terms[f] if f in self._terms else self.term(f)
            terms.append(self._distinct(self._picked(term, labels, picks)))
        scalars = [t.op for t in terms if not t.labels]
        terms = [t for t in terms if t.labels]
        carried = {x for t in terms for x in t.labels}
        for label in list(dims):
            if label not in out and label not in carried:
                coefficient = coefficient * dims.pop(label)
        deltas = [t for t in terms if t.op.kind == "eye"]
        if len(out) == 2 and len(deltas) == 1 and len(terms) > 1:
            # diag(v): the labels are the same along the result, so the rest is a vector.
            eye = deltas[0]
            if set(eye.labels) == out:
                i, j = eye.labels
                rest = [
                    self._distinct(Term(t.op, tuple(i if x == j else x for x in t.labels)))
                    for t in terms
                    if t is not eye
                ]
                inside = {x: s for x, s in dims.items() if x != j}
                vector = self._finish(coefficient, scalars, self._pairs(rest, {i}, inside))
                if vector.labels:
                    shape = (dims[0], dims[1])
                    return Term(self._op("diag", (vector.op,), None, shape), (0, 1))
                return Term(self._mul(ONE, [vector.op, eye.op]), eye.labels)
        if not terms:
            return Term(self._mul(coefficient, scalars), ())
        return self._finish(coefficient, scalars, self._pairs(terms, out, dims))

    def _finish(self, coefficient: Expr, scalars: Sequence[Op], term: Term) -> Term:
        return Term(self._mul(coefficient, [*scalars, term.op]), term.labels)

    def _picked(self, term: Term, labels: Sequence[int], picks: Mapping[int, Expr]) -> Term:
        """The term under the contraction's labels, entries taken where an index is given."""
        own = [labels[x] for x in term.labels]
        if not any(x in picks for x in own):
            return Term(term.op, tuple(own))
        keys = tuple(picks.get(x, ":") for x in own)
        dims = [s for s, x in zip(term.op.dims, own, strict=True) if x not in picks]
        return Term(self._op("pick", (term.op,), keys, dims), tuple(x for x in own if x not in picks))

    def _distinct(self, term: Term) -> Term:
        """The term with a diagonal taken where a label stands twice."""
        if len(set(term.labels)) == len(term.labels):
            return term
        kept = tuple(dict.fromkeys(term.labels))
        dims = [term.op.dims[term.labels.index(x)] for x in kept]
        if term.op.rank == 2:
            return Term(self._op("diagonal", (term.op,), None, dims), kept)
        letters = {x: chr(97 + i) for i, x in enumerate(kept)}
        text = "".join(letters[x] for x in term.labels) + "->" + "".join(letters[x] for x in kept)
        return Term(self._op("einsum", (term.op,), text, dims), kept)

    def _summed(self, term: Term, gone: set[int]) -> Term:
        if not gone:
            return term
        kept = tuple(x for x in term.labels if x not in gone)
        if not kept and term.op.kind == "pow" and term.op.data == 2:
            base = term.op.args[0]
            return Term(self._op("matmul" if base.rank == 1 else "vdot", (base, base), None, ()), ())
        if not kept and term.op.kind == "mul" and len(term.op.args) == 2:
            a, b = term.op.args
            if a.rank == b.rank == 1:
                return Term(self._mul(term.op.data, [self._op("matmul", (a, b), None, ())]), ())
        axes = tuple(i for i, x in enumerate(term.labels) if x in gone)
        dims = [s for s, x in zip(term.op.dims, term.labels, strict=True) if x not in gone]
        if term.op.kind == "mul" and (term.op.data != 1 or any(a.rank == 0 for a in term.op.args)):
            # Constants and scalars are applied to the finished sum.
            scalars = [a for a in term.op.args if a.rank == 0]
            arrays = [a for a in term.op.args if a.rank]
            inner = self._mul(ONE, arrays)
            if inner.rank == term.op.rank:
                summed = self._summed(Term(inner, term.labels), gone)
                return Term(self._mul(term.op.data, [*scalars, summed.op]), summed.labels)
        return Term(self._op("sum", (term.op,), axes if kept else None, dims), kept)

    def _pairs(self, terms: list[Term], out: set[int], dims: Mapping[int, Expr]) -> Term:
        """Contract two at a time, the cheapest pair first."""
        terms = list(terms)
        weighted = self._weighted_gram(terms, out)
        if weighted is not None:
            return weighted
        while True:
            for i, term in enumerate(terms):
                others = {x for k, t in enumerate(terms) if k != i for x in t.labels}
                terms[i] = self._summed(term, set(term.labels) - out - others)
            scalars = [t.op for t in terms if not t.labels]
            terms = [t for t in terms if t.labels]
            if not terms:
                return Term(self._mul(ONE, scalars), ())
            if len(terms) == 1:
                return Term(self._mul(ONE, [*scalars, terms[0].op]), terms[0].labels)
            if len(terms) > 2 and len(terms) + len(scalars) > 2:
                groups: dict[tuple[int, ...], list[Term]] = {}
                for t in terms:
                    groups.setdefault(t.labels, []).append(t)
                repeated = next((g for g in groups.values() if len(g) > 1), None)
                if repeated is not None and (len(groups) > 1 or len(terms) > 2):
                    pair = repeated[:2]
                    product = Term(self._mul(ONE, [pair[0].op, pair[1].op]), pair[0].labels)
                    at = terms.index(pair[0])
                    terms = [t for t in terms if t is not pair[0] and t is not pair[1]]
                    terms[at:at] = [product]
                    terms += [Term(s, ()) for s in scalars]
                    continue
            best: tuple[Any, ...] | None = None
            for i in range(len(terms)):
                for k in range(i + 1, len(terms)):
                    cost = self._cost(terms, i, k, out, dims)
                    if best is None or cost < best[0]:
                        best = (cost, i, k)
            assert best is not None
            _, i, k = best
            rest = [t for j, t in enumerate(terms) if j not in (i, k)]
            keep = out | {x for t in rest for x in t.labels}
            combined = self._combine(terms[i], terms[k], keep, dims)
            rest.insert(i, combined)
            terms = [*rest, *(Term(s, ()) for s in scalars)]

    def _cost(
        self, terms: Sequence[Term], i: int, k: int, out: set[int], dims: Mapping[int, Expr]
    ) -> tuple[float, ...]:
        a, b = terms[i], terms[k]
        keep = out | {x for j, t in enumerate(terms) if j not in (i, k) for x in t.labels}
        both = set(a.labels) | set(b.labels)
        result = self._size(dims[x] for x in both & keep)
        if self._known(a, b, keep):
            return (0.0, result, i, k)
        apart = 0.0 if set(a.labels) & set(b.labels) else 1.0
        return (self._size(dims[x] for x in both) + result, apart, result, i, k)

    def _known(self, a: Term, b: Term, keep: set[int]) -> bool:
        """Whether the product of a matrix and a vector is computed already."""
        if {len(a.labels), len(b.labels)} != {1, 2}:
            return False
        matrix, vector = (a, b) if len(a.labels) == 2 else (b, a)
        (inner,) = vector.labels
        if inner in keep or inner not in matrix.labels:
            return False
        op, kept = self._matrix(matrix, inner)
        return self._has("matmul", (op, vector.op), None, (kept,))

    def _matrix(self, matrix: Term, inner: int) -> tuple[Op, Expr]:
        op = matrix.op if matrix.labels[1] == inner else self._transpose(matrix.op, (1, 0))
        return op, op.dims[0]

    def _combine(self, a: Term, b: Term, keep: set[int], dims: Mapping[int, Expr]) -> Term:
        shared = [x for x in a.labels if x in b.labels]
        inner = [x for x in shared if x not in keep]
        batch = [x for x in shared if x in keep]
        if not inner:
            ops, labels = self._aligned([a, b])
            return Term(self._mul(ONE, ops), labels)
        first = [x for x in a.labels if x not in shared]
        second = [x for x in b.labels if x not in shared]
        if not batch and not first and not second:
            laid = self._transpose(b.op, tuple(b.labels.index(x) for x in a.labels))
            return Term(self._op("matmul" if a.op.rank == 1 else "vdot", (a.op, laid), None, ()), ())
        if not batch and len(inner) == 1 and len(first) <= 1 and len(second) <= 1:
            (e,) = inner
            if not first:
                return self._combine(b, a, keep, dims)
            if second and second[0] < first[0]:
                a, b, first, second = b, a, second, first
            left, rows = self._matrix(a, e)
            if not second:
                return Term(self._op("matmul", (left, b.op), None, (rows,)), tuple(first))
            right = b.op if b.labels[0] == e else self._transpose(b.op, (1, 0))
            return Term(self._op("matmul", (left, right), None, (rows, right.dims[1])), (*first, *second))
        labels = tuple(x for x in sorted({*a.labels, *b.labels}) if x in keep)
        letters = {x: chr(97 + i) for i, x in enumerate(dict.fromkeys((*a.labels, *b.labels)))}
        text = ",".join("".join(letters[x] for x in t.labels) for t in (a, b))
        text += "->" + "".join(letters[x] for x in labels)
        return Term(self._op("einsum", (a.op, b.op), text, [dims[x] for x in labels]), labels)

    def _weighted_gram(self, terms: Sequence[Term], out: set[int]) -> Term | None:
        """Σ_i X_ij s_i X_ik: a Gram matrix with weights, without the diagonal matrix of s."""
        matrices = [t for t in terms if len(t.labels) == 2]
        vectors = [t for t in terms if len(t.labels) == 1]
        if len(matrices) != 2 or not vectors or len(matrices) + len(vectors) != len(terms):
            return None
        a, b = matrices
        label = next((x for x in a.labels if x in b.labels and x not in out), None)
        if label is None or any(v.labels != (label,) for v in vectors):
            return None
        first, second = (next(x for x in t.labels if x != label) for t in (a, b))
        if first == second or {first, second} != out:
            return None
        if second < first:
            a, b, first, second = b, a, second, first
        weights = self._mul(ONE, [v.op for v in vectors])
        left, rows = self._matrix(a, label)
        right = b.op if b.labels[0] == label else self._transpose(b.op, (1, 0))
        shape = (rows, right.dims[1])
        positive = all(v.op in self._nonnegative for v in vectors)
        if self._transpose(left, (1, 0)) is right and positive:
            root = self._op("pow", (weights,), Rational(1, 2), weights.dims)
            scaled = self._mul(ONE, [right, self._lay(root, (0,), (0, 1))])
            return Term(self._op("matmul", (self._transpose(scaled, (1, 0)), scaled), None, shape), (first, second))
        scaled = self._mul(ONE, [left, weights])
        return Term(self._op("matmul", (scaled, right), None, shape), (first, second))


def _broadcast(ops: Sequence[Op]) -> Shape:
    rank = max((op.rank for op in ops), default=0)
    dims: list[Expr] = [ONE] * rank
    for op in ops:
        for i, size in enumerate(op.dims):
            if size != 1:
                dims[rank - op.rank + i] = size
    return tuple(dims)


def _without_deltas(
    factors: Sequence[tuple[Node, list[int]]], out: set[int], dims: dict[int, Expr]
) -> list[tuple[Node, list[int]]]:
    """The factors with identity matrices eliminated where one of their labels is bound."""
    current = [(f, list(labels)) for f, labels in factors]
    while True:
        for k, (f, labels) in enumerate(current):
            if not isinstance(bare(f), Delta):
                continue
            i, j = labels
            if i == j:
                del current[k]
                break
            gone, kept = (j, i) if j not in out else (i, j)
            if gone in out:
                continue
            del current[k]
            del dims[gone]
            current = [(g, [kept if x == gone else x for x in ls]) for g, ls in current]
            break
        else:
            return current


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

