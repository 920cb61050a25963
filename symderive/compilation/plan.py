"""From nodes to a straight-line program of array operations.

A :class:`Plan` turns output nodes into a graph of :class:`Op`: which operands meet in which order,
as a matrix product, an elementwise product or an einsum.  Equal operations are one object, so what
two outputs share is computed once.  Decisions:

* a product of many factors is contracted two at a time, the cheapest pair first, on sizes assumed
  by role (a dimension of the variables is small, a dimension of the data alone is large);
* identity matrices are eliminated by renaming an index; no n×n diagonal is ever built: XᵀDX is
  ``A.T @ A`` with ``A = X * sqrt(d)`` where d >= 0, else ``(X.T * d) @ X``;
* scalars multiply the finished, small side: ``(2 / n) * (X.T @ r)``;
* a sum of squares is a dot product;
* slices, gathers, reshapes and triangles are indexing, not products with zeros and ones
  (``selecting``); joined arrays are concatenated; an inverse times something is a solve, and
  factorisations are shared (``matrices``).

An operation may lack axes of the node that it stands for where its value is constant along them:
:class:`Term` says which axes (labels) the operation carries, and in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Rational, expand

from symderive.calculus.signs import Signs
from symderive.compilation.matrices import is_inverse, matrix_function, solved
from symderive.compilation.operations import VIEWS, Op, Operations, Term, broadcast_shape, span
from symderive.compilation.selecting import Selecting, is_selection
from symderive.compilation.stable import bare, constant, is_nonnegative
from symderive.errors import UnsupportedError
from symderive.language.nodes import (
    ON_MATRICES,
    ONE,
    REDUCING,
    ZERO,
    Basis,
    Contraction,
    Delta,
    Labels,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Opaque,
    Range,
    Shape,
    Slice,
    Sum,
)
from symderive.language.symmetry import is_symmetric, one_hot_of
from symderive.language.views.layout import triangle

__all__ = ["Plan"]

#: Assumed sizes for choosing an order of contraction: dimensions of the variables, and the others.
SMALL, LARGE = 30, 1000


class Plan:
    """Plans nodes; ``output`` gives the operation that makes a node's full array.

    ``small`` are the dimensions of the variables.  With ``shares_ties`` the masks of largest and
    smallest entries are derivatives of maxima alone, and equal entries share one: their sum would
    be no subgradient.
    """

    def __init__(self, small: Iterable[Expr] = (), shares_ties: bool = False) -> None:
        self._shares_ties = shares_ties
        self._small = {s for dim in small for s in dim.free_symbols}
        self.ops = Operations()
        self._terms: dict[Node, Term] = {}
        self._signs = Signs()
        self.names: dict[Op, str] = {}
        self.least: dict[tuple[Expr, Expr], None] = {}

    def _size(self, dims: Iterable[Expr]) -> float:
        size = 1.0
        for dim in dims:
            values = {s: Integer(SMALL if s in self._small else LARGE) for s in dim.free_symbols}
            assumed: Any = dim.xreplace(values)
            size *= float(assumed)
        return size

    # -- nodes -----------------------------------------------------------------------------

    def output(self, node: Node, order: Sequence[int] | None = None) -> Op:
        """The operation that makes the whole array of a node, its axes in ``order``, as a new array."""
        order = tuple(range(node.rank)) if order is None else tuple(order)
        term = self.term(node)
        shape = tuple(node.shape[i] for i in order)
        if not shape:
            return term.op
        op = self.ops.whole(term, order, shape)
        if op.kind in VIEWS or op.kind in ("reshape", "item"):
            return self.ops.op("copy", (op,), None, op.dims)
        return op

    def term(self, node: Node) -> Term:
        """What is to be computed for a node."""
        found = self._terms.get(node)
        if found is None:
            # Children first, without recursion: programs can be deep.
            for current in node.walk():
                if current not in self._terms:
                    self._need(current)
                    term = self._terms[current] = self._term(current)
                    if is_nonnegative(current):
                        self.ops.nonnegative.add(term.op)
            found = self._terms[node]
        return found

    def _need(self, node: Node) -> None:
        """Note what an index needs of the dimensions."""
        if isinstance(node, Basis):
            self.least[node.dim, node.index + 1] = None
        elif isinstance(node, Slice):
            ends = sorted((node.start, node.last), key=lambda e: 0 if node.step.is_positive == (e is node.start) else 1)
            for dim, need in ((node.count, ONE), (node.size, ends[1] + 1), (ends[0] + 1, ONE)):
                if not (dim - need).is_nonnegative and not (dim.is_Symbol and need == 1):
                    self.least[dim, need] = None

    def _term(self, node: Node) -> Term:
        value = constant(node)
        if value is not None:
            return Term(self.ops.number(value), ())
        match node:
            case Leaf():
                return Term(self.ops.op("var", (), node.name, node.shape), tuple(range(node.rank)))
            case Named():
                term = self._terms[node.body]
                if node.name and term.op.kind not in ("var", "num"):
                    self.names.setdefault(term.op, node.name)
                return term
            case Delta():
                return Term(self.ops.op("eye", (), node.dim, node.shape), (0, 1))
            case Range():
                return Term(self.ops.op("arange", (), node.dim, node.shape), (0,))
            case Slice():
                unit = self.ops.op("eye", (), node.size, (node.size, node.size))
                return Term(self.ops.pick(unit, 1, span(node)), (0, 1))
            case Merge():
                size = node.first * node.second
                unit = self.ops.op("eye", (), size, (size, size))
                return Term(self.ops.reshape(unit, node.shape), (0, 1, 2))
            case Basis():
                return Term(self.ops.op("unit", (), (node.dim, node.index), node.shape), (0,))
            case Sum():
                return self._sum(node)
            case Map():
                return self._map(node)
            case Opaque():
                return self._opaque(node)
            case Contraction():
                return self._contraction(node)
        raise UnsupportedError(f"code for {type(node).__name__} is not generated: {node}")

    def _sum(self, node: Sum) -> Term:
        ops, labels = self.ops.aligned([self._terms[n] for _, n in node.terms])
        terms: list[tuple[Expr, Op]] = []
        for (weight, _), op in zip(node.terms, ops, strict=True):
            if op.kind == "mul":
                rest = self.ops.mul(ONE, op.args)
                terms.append((weight * op.data, rest))
            elif op.kind == "num":
                terms.append((ONE, self.ops.number(weight * op.data)))
            else:
                terms.append((weight, op))
        terms = [(w, op) for w, op in terms if not (op.kind == "num" and op.data == 0)]
        if not terms:
            return Term(self.ops.number(Integer(0)), ())
        if len(terms) == 1:
            return Term(self.ops.mul(terms[0][0], [terms[0][1]]), labels)
        joined = self._joined(terms, broadcast_shape(ops))
        if joined is not None:
            return Term(joined, labels)
        # A sum reads better, and needs no unary minus, when it begins with a positive term.
        if not terms[0][0].is_positive and terms[0][1].kind != "num":
            first = next((i for i, (w, _) in enumerate(terms) if w.is_positive), 0)
            terms.insert(0, terms.pop(first))
        weights = tuple(w for w, _ in terms)
        return Term(self.ops.op("add", [op for _, op in terms], weights, broadcast_shape(ops)), labels)

    def _joined(self, terms: Sequence[tuple[Expr, Op]], dims: Shape) -> Op | None:
        """A sum with parts among zeros: joined end to end, or each added where it belongs."""
        parts = [(w, op) for w, op in terms if op.kind in ("place", "put") and op.dims == dims]
        if not parts:
            return None
        rest = [(w, op) for w, op in terms if (w, op) not in parts]
        if not rest and (ends := self._end_to_end([op for _, op in parts])) is not None:
            axis, order = ends
            pieces = [self.ops.mul(parts[i][0], [parts[i][1].args[0]]) for i in order]
            if all(piece.rank == len(dims) for piece in pieces):
                return self.ops.op("concatenate", pieces, axis, dims)
            if all(piece.rank == len(dims) - 1 for piece in pieces):
                return self.ops.op("stack", pieces, axis, dims)
        base: list[Op] = []
        if rest:
            weights = tuple(w for w, _ in rest)
            whole = [op for _, op in rest]
            base = [self.ops.mul(weights[0], whole) if len(rest) == 1 else self._add(rest)]
            if base[0].dims != dims:
                base = [self.ops.op("full", base, None, dims)]
        return self.ops.op("assemble", [*base, *(op for _, op in parts)], (bool(base), *(w for w, _ in parts)), dims)

    def _add(self, terms: Sequence[tuple[Expr, Op]]) -> Op:
        ops = [op for _, op in terms]
        return self.ops.op("add", ops, tuple(w for w, _ in terms), broadcast_shape(ops))

    def _end_to_end(self, parts: Sequence[Op]) -> tuple[int, list[int]] | None:
        """The axis along which parts follow one another from end to end, and their order."""
        if len(parts) < 2 or any(op.kind != "place" for op in parts):
            return None
        places = [[k for k, key in enumerate(op.data) if key != ":"] for op in parts]
        if any(len(p) != 1 or p != places[0] for p in places):
            return None
        (axis,) = places[0]
        keys = [op.data[axis] for op in parts]
        if any(isinstance(key, tuple) and key[1] != 1 for key in keys):
            return None
        ends = {i: (k, k + 1) if isinstance(k, Expr) else (k[0], expand(k[0] + k[2])) for i, k in enumerate(keys)}
        order: list[int] = []
        at: Expr = ZERO
        while len(order) < len(parts):
            following = [i for i, (start, _) in ends.items() if i not in order and expand(start - at) == 0]
            if len(following) != 1:
                return None
            order += following
            at = ends[following[0]][1]
        return (axis, order) if expand(at - parts[0].dims[axis]) == 0 else None

    def _map(self, node: Map) -> Term:
        if (mask := self._mask(node)) is not None:
            return mask
        arguments = [self._terms[a] for a in node.arguments]
        if node.function == "power":
            exponent = constant(node.arguments[1])
            if exponent is not None:
                base = arguments[0]
                return Term(self.ops.op("pow", (base.op,), exponent, base.op.dims), base.labels)
        ops, labels = self.ops.aligned(arguments)
        return Term(self.ops.op("map", ops, node.function, broadcast_shape(ops)), labels)

    def _mask(self, node: Map) -> Term | None:
        """A triangle as ``np.tri``, labels as rows with one 1."""
        found = triangle(node)
        if found is not None:
            row, column, offset = found
            dims = (node.shape[row], node.shape[column])
            return Term(self.ops.op("tri", (), offset, dims), (row, column))
        looked_up = one_hot_of(node)
        if looked_up is None:
            return None
        leaf, axes, place = looked_up
        dims = (*(node.shape[x] for x in axes), node.shape[place])
        op = self.ops.op("put", (self.ops.number(ONE), self._labels_of(leaf)), len(axes), dims)
        return Term(op, (*axes, place))

    def _labels_of(self, leaf: Leaf) -> Op:
        return self.ops.op("index", (self.term(leaf).op,), None, leaf.shape)

    def _opaque(self, node: Opaque) -> Term:
        argument = node.arguments[0]
        term = self._terms[argument]
        if node.function in ON_MATRICES:
            every = tuple(range(argument.rank))
            whole = self.ops.whole(term, every, argument.shape)
            known = self._signs.structure(argument)
            symmetric = "symmetric" in known or is_symmetric(argument)
            op = matrix_function(self.ops, node.function, whole, node.shape, known, symmetric)
            return Term(op, tuple(range(node.rank)))
        if node.function in ("is_max", "is_min"):
            best = self._opaque(Opaque(node.function.removeprefix("is_"), node.arguments))
            ops, labels = self.ops.aligned([term, best])
            mask = Term(self.ops.op("map", ops, "eq", broadcast_shape(ops)), labels)
            if not self._shares_ties:
                return mask
            last = argument.rank - 1
            # An entry that is the same all along the axis is as often the largest as the axis is long.
            same = Term(self.ops.number(argument.shape[last]), ())
            count = self._summed(mask, {last}) if last in labels else same
            ops, labels = self.ops.aligned([mask, Term(self.ops.power(count.op, -ONE), count.labels)])
            return Term(self.ops.mul(ONE, ops), labels)
        last = argument.rank - 1
        if last not in term.labels:
            term = Term(self.output(argument), tuple(range(argument.rank)))
        axis = term.labels.index(last)
        dims = [s for i, s in enumerate(term.op.dims) if i != axis or node.function not in REDUCING]
        op = self.ops.op("array", (term.op,), (node.function, axis if term.op.rank > 1 else None), dims)
        labels = tuple(x for x in term.labels if x != last or node.function not in REDUCING)
        return Term(op, labels)

    # -- contractions ------------------------------------------------------------------------

    def _contraction(self, node: Contraction) -> Term:
        dims = dict(enumerate(node.label_dims))
        coefficient: Any = node.coefficient
        factors: list[tuple[Node, list[int]]] = [(f, list(labels)) for f, labels in node.factors]
        out = set(range(node.out_rank))
        merged = _without_deltas(factors, out, dims)
        unit = self._unit(merged, out)
        if unit is not None:
            # diag(v): the labels are the same along the result, so the rest is a vector.
            i, j = unit
            rest = [(f, [i if x == j else x for x in ls]) for f, ls in merged if not isinstance(bare(f), Delta)]
            inside = {x: s for x, s in dims.items() if x != j}
            vector = self._product(coefficient, rest, {i}, inside)
            shape = (dims[0], dims[1])
            if vector.labels:
                return Term(self.ops.op("diag", (vector.op,), None, shape), (0, 1))
            return Term(self.ops.mul(ONE, [vector.op, self.ops.op("eye", (), dims[i], shape)]), (0, 1))
        return self._product(coefficient, merged, out, dims)

    def _unit(self, factors: Sequence[tuple[Node, list[int]]], out: set[int]) -> tuple[int, int] | None:
        """The labels of the one identity matrix over a matrix of results, where there is more than it."""
        deltas = [labels for f, labels in factors if isinstance(bare(f), Delta)]
        if len(out) != 2 or len(deltas) != 1 or len(factors) == 1 or set(deltas[0]) != out:
            return None
        return deltas[0][0], deltas[0][1]

    def _product(
        self, coefficient: Any, factors: Sequence[tuple[Node, list[int]]], out: set[int], dims: dict[int, Expr]
    ) -> Term:
        """``coefficient · Σ Π factors`` over the labels ``out``, without identity matrices that are summed."""
        entries: list[tuple[Node, Labels]] = []
        factors, terms = self._without_quotients(factors)
        for f, labels in factors:
            if is_selection(bare(f)):
                entries.append((bare(f), tuple(labels)))
            else:
                term = self._terms[f] if f in self._terms else self.term(f)
                terms.append(self._distinct(Term(term.op, tuple(labels[x] for x in term.labels))))
        if entries:
            work = Selecting(self.ops, self._contracted, self._distinct, self.term, self._labels_of)
            terms = work.done(terms, entries, dims, out)
        scalars = [t.op for t in terms if not t.labels]
        terms = [t for t in terms if t.labels]
        carried = {x for t in terms for x in t.labels}
        for label in list(dims):
            if label not in out and label not in carried:
                coefficient = coefficient * dims.pop(label)
        if not terms:
            return Term(self.ops.mul(coefficient, scalars), ())
        return self._finish(coefficient, scalars, self._pairs(terms, out, dims))

    def _finish(self, coefficient: Expr, scalars: Sequence[Op], term: Term) -> Term:
        return Term(self.ops.mul(coefficient, [*scalars, term.op]), term.labels)

    def _without_quotients(
        self, factors: Sequence[tuple[Node, list[int]]]
    ) -> tuple[list[tuple[Node, list[int]]], list[Term]]:
        """Π x / x_i as the product of the other entries, which is there where x_i = 0 too."""
        left, made = list(factors), []
        for whole, labels in factors:
            inner = bare(whole)
            if not isinstance(inner, Opaque) or inner.function != "prod":
                continue
            (argument,) = inner.arguments
            for part in left:
                base = bare(part[0])
                if (
                    isinstance(base, Map)
                    and base.function == "power"
                    and bare(base.arguments[0]) is bare(argument)
                    and constant(base.arguments[1]) == -1
                    and part[1][:-1] == labels
                ):
                    left = [x for x in left if x is not part and x[0] is not whole]
                    op = self.ops.whole(self.term(argument), tuple(range(argument.rank)), argument.shape)
                    others = self.ops.op("others", (op,), None, argument.shape)
                    made.append(self._distinct(Term(others, tuple(part[1]))))
                    break
        return left, made

    def _contracted(self, terms: list[Term], out: set[int], dims: dict[int, Expr]) -> Term:
        """The product of terms over ``out``, summed over all their other labels."""
        scalars = [t.op for t in terms if not t.labels]
        arrays = [t for t in terms if t.labels]
        if not arrays:
            return Term(self.ops.mul(ONE, scalars), ())
        return self._finish(ONE, scalars, self._pairs(arrays, out, dims))

    def _distinct(self, term: Term) -> Term:
        """The term with a diagonal taken where a label stands twice."""
        if len(set(term.labels)) == len(term.labels):
            return term
        kept = tuple(dict.fromkeys(term.labels))
        dims = [term.op.dims[term.labels.index(x)] for x in kept]
        if term.op.rank == 2:
            return Term(self.ops.op("diagonal", (term.op,), None, dims), kept)
        letters = {x: chr(97 + i) for i, x in enumerate(kept)}
        text = "".join(letters[x] for x in term.labels) + "->" + "".join(letters[x] for x in kept)
        return Term(self.ops.op("einsum", (term.op,), text, dims), kept)

    def _summed(self, term: Term, gone: set[int]) -> Term:
        if not gone:
            return term
        kept = tuple(x for x in term.labels if x not in gone)
        if not kept and term.op.kind == "pow" and term.op.data == 2:
            base = term.op.args[0]
            return Term(self.ops.op("matmul" if base.rank == 1 else "vdot", (base, base), None, ()), ())
        if not kept and term.op.kind == "mul" and len(term.op.args) == 2:
            a, b = term.op.args
            if a.rank == b.rank == 1:
                return Term(self.ops.mul(term.op.data, [self.ops.op("matmul", (a, b), None, ())]), ())
        axes = tuple(i for i, x in enumerate(term.labels) if x in gone)
        dims = [s for s, x in zip(term.op.dims, term.labels, strict=True) if x not in gone]
        scaled = term.op.kind == "mul" and (term.op.data != 1 or any(a.rank == 0 for a in term.op.args))
        if scaled and term.op not in self.names:
            # Constants and scalars are applied to the finished sum.
            scalars = [a for a in term.op.args if a.rank == 0]
            arrays = [a for a in term.op.args if a.rank]
            inner = self.ops.mul(ONE, arrays)
            if inner.rank == term.op.rank:
                summed = self._summed(Term(inner, term.labels), gone)
                return Term(self.ops.mul(term.op.data, [*scalars, summed.op]), summed.labels)
        return Term(self.ops.op("sum", (term.op,), axes if kept else None, dims), kept)

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
                return Term(self.ops.mul(ONE, scalars), ())
            if len(terms) == 1:
                return Term(self.ops.mul(ONE, [*scalars, terms[0].op]), terms[0].labels)
            if len(terms) > 2 and len(terms) + len(scalars) > 2:
                groups: dict[tuple[int, ...], list[Term]] = {}
                for t in terms:
                    groups.setdefault(t.labels, []).append(t)
                repeated = next((g for g in groups.values() if len(g) > 1), None)
                if repeated is not None and (len(groups) > 1 or len(terms) > 2):
                    pair = repeated[:2]
                    product = Term(self.ops.mul(ONE, [pair[0].op, pair[1].op]), pair[0].labels)
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
        if is_inverse(matrix):
            known = solved(Operations(), matrix, vector, inner).op
            return self.ops.has(known.kind, known.args, known.data, known.dims)
        op, kept = self._matrix(matrix, inner)
        return self.ops.has("matmul", (op, vector.op), None, (kept,))

    def _matrix(self, matrix: Term, inner: int) -> tuple[Op, Expr]:
        op = matrix.op if matrix.labels[1] == inner else self.ops.transpose(matrix.op, (1, 0))
        return op, op.dims[0]

    def _combine(self, a: Term, b: Term, keep: set[int], dims: Mapping[int, Expr]) -> Term:
        shared = [x for x in a.labels if x in b.labels]
        inner = [x for x in shared if x not in keep]
        batch = [x for x in shared if x in keep]
        if not inner:
            ops, labels = self.ops.aligned([a, b])
            return Term(self.ops.mul(ONE, ops), labels)
        first = [x for x in a.labels if x not in shared]
        second = [x for x in b.labels if x not in shared]
        if not batch and not first and not second:
            laid = self.ops.transpose(b.op, tuple(b.labels.index(x) for x in a.labels))
            return Term(self.ops.op("matmul" if a.op.rank == 1 else "vdot", (a.op, laid), None, ()), ())
        if not batch and len(inner) == 1 and len(first) <= 1 and len(second) <= 1:
            (e,) = inner
            inverse = next((t for t in (a, b) if is_inverse(t)), None)
            if inverse is not None:
                return solved(self.ops, inverse, b if inverse is a else a, e)
            if not first:
                return self._combine(b, a, keep, dims)
            if second and second[0] < first[0]:
                a, b, first, second = b, a, second, first
            left, rows = self._matrix(a, e)
            if not second:
                return Term(self.ops.op("matmul", (left, b.op), None, (rows,)), tuple(first))
            right = b.op if b.labels[0] == e else self.ops.transpose(b.op, (1, 0))
            return Term(self.ops.op("matmul", (left, right), None, (rows, right.dims[1])), (*first, *second))
        labels = tuple(x for x in sorted({*a.labels, *b.labels}) if x in keep)
        letters = {x: chr(97 + i) for i, x in enumerate(dict.fromkeys((*a.labels, *b.labels)))}
        text = ",".join("".join(letters[x] for x in t.labels) for t in (a, b))
        text += "->" + "".join(letters[x] for x in labels)
        return Term(self.ops.op("einsum", (a.op, b.op), text, [dims[x] for x in labels]), labels)

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
        weights = self.ops.mul(ONE, [v.op for v in vectors])
        left, rows = self._matrix(a, label)
        right = b.op if b.labels[0] == label else self.ops.transpose(b.op, (1, 0))
        shape = (rows, right.dims[1])
        positive = all(v.op in self.ops.nonnegative for v in vectors)
        if self.ops.transpose(left, (1, 0)) is right and positive:
            root = self.ops.op("pow", (weights,), Rational(1, 2), weights.dims)
            scaled = self.ops.mul(ONE, [right, self.ops.lay(root, (0,), (0, 1))])
            turned = self.ops.transpose(scaled, (1, 0))
            return Term(self.ops.op("matmul", (turned, scaled), None, shape), (first, second))
        scaled = self.ops.mul(ONE, [left, weights])
        return Term(self.ops.op("matmul", (scaled, right), None, shape), (first, second))


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
