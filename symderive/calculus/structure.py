"""What a matrix is at every point of the domains: symmetric, positive definite, invertible, triangular, ...

Every answer holds for every point of the declared domains at which the matrix is
defined, and for every dimension >= 1; what cannot be shown is left out.  A
matrix is the last two axes of a node; the axes before them are a batch, and the
answer holds for each of its matrices.

The rules are closure properties (Horn & Johnson, Matrix Analysis, 2nd ed.:
congruences 4.5, Gram matrices 7.2, Schur products and entrywise exponentials
7.5): a contraction that reads the same from both ends is H K H^T with its
halves H, and is positive semidefinite if the factors that link the halves
are and the rest is >= 0; a chain of invertible square factors is invertible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, final

from sympy import Expr

from symderive.language import build
from symderive.language.nodes import (
    ONE,
    ZERO,
    Basis,
    Contraction,
    Delta,
    Factor,
    Labels,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Sum,
)

STRUCTURES = (
    "symmetric", "psd", "pd", "invertible", "diagonal", "lower", "upper", "orthogonal",
)  # fmt: skip
"""What a matrix may be shown to be; psd and pd are positive semidefinite and positive definite."""

_IMPLIED = {
    "pd": ("psd", "symmetric", "invertible"),
    "psd": ("symmetric",),
    "diagonal": ("symmetric", "lower", "upper"),
    "orthogonal": ("invertible",),
}
_DECLARED = {
    "spd": "pd",
    "symmetric": "symmetric",
    "invertible": "invertible",
    "diagonal": "diagonal",
    "lower_triangular": "lower",
    "orthogonal": "orthogonal",
}
_TRANSPOSED = {"lower": "upper", "upper": "lower"}
_IDENTITY = frozenset(("pd", "psd", "symmetric", "invertible", "diagonal", "lower", "upper", "orthogonal"))
_NONE: frozenset[str] = frozenset()
_NONZERO = ("+", "-", "nonzero")


class Signed(Protocol):
    """Anything with a sign: "+", "0+", "0", "-", "0-", "nonzero" or "unknown"."""

    @property
    def sign(self) -> str: ...


@final
@dataclass(frozen=True)
class Mirror:
    """A contraction read from both ends: pairs of labels that change places, and what its factors are.

    ``halves`` sit on the first labels of pairs (their mirror images are left
    out), ``links`` on both labels of one pair, ``weights`` on neither;
    ``fixed`` are the bound labels that stay.
    """

    pairs: tuple[tuple[int, int], ...]
    halves: tuple[Factor, ...]
    links: dict[tuple[int, int], tuple[Node, ...]]
    weights: tuple[Factor, ...]
    fixed: Labels


def closed(found: set[str]) -> frozenset[str]:
    """The structures with all that they imply."""
    todo = list(found)
    while todo:
        for more in _IMPLIED.get(todo.pop(), ()):
            if more not in found:
                found.add(more)
                todo.append(more)
    if {"symmetric", "lower"} <= found or {"lower", "upper"} <= found or {"symmetric", "upper"} <= found:
        found |= {"diagonal", "symmetric", "lower", "upper"}
    if {"psd", "invertible"} <= found:
        found.add("pd")
    return frozenset(found)


@final
class Structures:
    """The structures of nodes, each node visited once.

    ``bounds`` gives the sign of every entry of a node; ``given`` are matrices
    with what is known of them besides.
    """

    def __init__(self, bounds: Callable[[Node], Signed], given: dict[Node, frozenset[str]] | None = None) -> None:
        self._bounds = bounds
        self._given = given or {}
        self._memo: dict[Node, frozenset[str]] = {}

    def of(self, node: Node) -> frozenset[str]:
        """What is shown of the matrix (of each matrix of a batch)."""
        found = self._memo.get(node)
        if found is None:
            known = set(self._given.get(node, ()))
            if node.rank >= 2:
                known |= self._find(node)
            found = self._memo[node] = closed(known)
        return found

    def quadratic(self, node: Contraction) -> bool:
        """Whether a contraction is >= 0 as Σ weight · g_i K_ij g_j with K psd and weights >= 0."""
        if not node.bound or self._sign(Number(node.coefficient)) not in ("+", "0+", "0"):
            return False
        factors, dims = build.without_deltas(node)
        bound = [i for i in dims if i >= node.out_rank]
        mirrors = (self._read(factors, pairs, bound) for pairs in self._exchanges(factors, dims, bound, ()))
        return any(
            self._weight(mirror.weights, ONE, dims) in ("+", "0+", "0") and self._all("psd", mirror)
            for mirror in mirrors
            if mirror is not None
        )

    def _sign(self, node: Node) -> str:
        return self._bounds(node).sign

    def _find(self, node: Node) -> set[str]:
        match node:
            case Leaf():
                return {meant for name, meant in _DECLARED.items() if node.domain.has(name)}
            case Delta():
                return set(_IDENTITY)
            case Named():
                return set(self.of(node.body))
            case Sum():
                return self._sum(node)
            case Contraction():
                return self._contraction(node)
            case Opaque():
                return self._opaque(node)
            case Map():
                return self._map(node)
        return set()

    # -- functions -------------------------------------------------------------------

    def _opaque(self, node: Opaque) -> set[str]:
        inner = self.of(node.arguments[0]) if node.arguments[0].rank >= 2 else _NONE
        match node.function:
            case "inv":
                kept = inner & {"symmetric", "psd", "diagonal", "lower", "upper", "orthogonal"}
                return {*kept, "invertible"}
            case "cholesky":
                return {"lower", "invertible"}
            case "eigvecs":
                return {"orthogonal"}
            case "svd_u" | "svd_vt":
                return {"orthogonal"} if node.shape[-1] == node.shape[-2] else set()
        return set()

    def _map(self, node: Map) -> set[str]:
        triangle = _triangle(node)
        if triangle:
            return {triangle}
        found: set[str] = set()
        if all(not a.shape or "symmetric" in self.of(a) for a in node.arguments):
            found.add("symmetric")
        first = node.arguments[0]
        if node.function == "exp" and self._kernel(first):
            found.add("psd")
        if node.function == "power" and isinstance(node.arguments[1], Number):
            exponent = node.arguments[1].value
            if exponent.is_integer and exponent.is_positive:
                found |= self.of(first) & {"psd", "diagonal", "lower", "upper"}
        return found

    def _kernel(self, node: Node) -> bool:
        """Whether exp of it is psd: a psd matrix plus h_i + h_j, as exp(K) and the congruence by exp(h).

        A negative squared distance ``-(u_i - u_j)²`` is ``2 u_i u_j - u_i² - u_j²``.
        """
        while isinstance(node, Named):
            node = node.body
        r, c = node.rank - 2, node.rank - 1
        loose: Counter[Node] = Counter()
        for weight, term in node.terms if isinstance(node, Sum) else ((ONE, node),):
            if self._sign(Number(weight)) in ("+", "0+", "0") and "psd" in self.of(term):
                continue
            if self._is_distance(build.scale(-weight, term)):
                continue
            if not isinstance(term, Contraction):
                return False
            carried = {i for _, ls in term.factors for i in ls} & {r, c}
            if len(carried) == 2:
                return False
            if carried:
                half = build.scale(weight, _ordered(term if r in carried else _swapped(term)))
                loose[half] += 1 if r in carried else -1
        return not any(loose.values())

    def _is_distance(self, node: Node) -> bool:
        """Whether a matrix is ``Σ weight · (u_i - u_j)²`` with weights >= 0 that carry neither i nor j."""
        r, c = node.rank - 2, node.rank - 1
        plain = isinstance(node, Contraction)
        factors = node.factors if plain else ((node, tuple(range(node.rank))),)
        coefficient, dims = (node.coefficient, node.label_dims) if plain else (ONE, node.shape)
        ends = [(f, ls) for f, ls in factors if r in ls or c in ls]
        rest = [(f, ls) for f, ls in factors if (f, ls) not in ends]
        bases = []
        for factor, ls in ends:
            while isinstance(factor, Named):
                factor = factor.body
            if isinstance(factor, Map) and factor.function == "power" and factor.arguments[1] == Number(2 * ONE):
                bases += [(factor.arguments[0], ls)] * 2
            else:
                bases.append((factor, ls))
        if len(bases) != 2 or bases[0] != bases[1]:
            return False
        base, labels = bases[0]
        weight = self._weight(rest, coefficient, dict(enumerate(dims)))
        return weight in ("+", "0+", "0") and _is_difference(base, labels, r, c)

    # -- sums ------------------------------------------------------------------------

    def _sum(self, node: Sum) -> set[str]:
        parts = [(self._sign(Number(w)), self.of(term)) for w, term in node.terms]
        found = {s for s in ("symmetric", "lower", "upper") if all(s in own for _, own in parts)}
        if "symmetric" not in found and _closed_under_transposition(
            [(w, t) for (w, t), (_, own) in zip(node.terms, parts, strict=True) if "symmetric" not in own]
        ):
            found.add("symmetric")
        if all(sign in ("+", "0+", "0") and "psd" in own for sign, own in parts):
            found.add("psd")
            if any(sign == "+" and "pd" in own for sign, own in parts):
                found.add("pd")
        return found

    # -- contractions ----------------------------------------------------------------

    def _contraction(self, node: Contraction) -> set[str]:
        factors, dims = build.without_deltas(node)
        r, c = node.rank - 2, node.rank - 1
        if dims[r] != dims[c]:
            return set()
        corner = next((f for f in factors if isinstance(f[0], Delta) and set(f[1]) == {r, c}), None)
        if corner is not None:
            rest = [(f, tuple(r if i == c else i for i in ls)) for f, ls in factors if (f, ls) != corner]
            sizes = {i: d for i, d in dims.items() if i != c}
            entries = build.contract(node.coefficient, rest, range(r + 1), sizes)
            sign = self._sign(entries)
            found = {"diagonal"}
            if sign in ("+", "0+", "0"):
                found.add("pd" if sign == "+" else "psd")
            elif sign in ("-", "nonzero"):
                found.add("invertible")
            return found
        bound = [i for i in dims if i >= node.rank]
        if self._crossed(factors, dims, (r, c), bound) and self._sign(Number(node.coefficient)) in _NONZERO:
            return {"invertible", *self._mirrored(node, factors, dims, bound)}
        found = self._chain(node.coefficient, factors, dims, node.rank, bound)
        placed = [(f, ls) for f, ls in factors if f.rank >= 2 and set(ls[-2:]) == {r, c}]
        found |= self._zeros(placed, r)
        return found | self._mirrored(node, factors, dims, bound)

    def _crossed(
        self, factors: Sequence[Factor], dims: dict[int, Expr], ends: tuple[int, int], bound: Sequence[int]
    ) -> bool:
        """Whether the factors are a Kronecker product of two invertible square matrices."""
        merges = {ls[0]: ls[1:] for f, ls in factors if isinstance(f, Merge) and ls[0] in ends}
        if len(factors) != 4 or merges.keys() != set(ends) or {*merges[ends[0]], *merges[ends[1]]} != set(bound):
            return False
        wanted = [set(pair) for pair in zip(merges[ends[0]], merges[ends[1]], strict=True)]
        others = [(f, ls) for f, ls in factors if not (isinstance(f, Merge) and ls[0] in ends)]
        return (
            len(bound) == 4
            and len(others) == 2
            and all(dims[i] == dims[j] for i, j in zip(merges[ends[0]], merges[ends[1]], strict=True))
            and all(any(set(ls[-2:]) == pair for _, ls in others) for pair in wanted)
            and all("invertible" in self.of(f) for f, _ in others)
        )

    def _mirrored(
        self, node: Contraction, factors: Sequence[Factor], dims: dict[int, Expr], bound: Sequence[int]
    ) -> set[str]:
        """What a product is that reads the same from both ends."""
        r, c = node.rank - 2, node.rank - 1
        found: set[str] = set()
        for pairs in self._exchanges(factors, dims, bound, ((r, c),)):
            found.add("symmetric")
            mirror = self._read(factors, pairs, bound)
            if mirror is None or not self._all("psd", mirror):
                continue
            weight = self._weight(mirror.weights, node.coefficient, dims)
            if weight in ("+", "0+", "0"):
                found.add("psd")
            if weight == "+" and self._definite(mirror, dims, r):
                found.add("pd")
                break
        return found

    def _weight(self, weights: Sequence[Factor], coefficient: Expr, dims: dict[int, Expr]) -> str:
        labels = sorted({i for _, ls in weights for i in ls})
        return self._sign(build.contract(coefficient, weights, labels, {i: dims[i] for i in labels}))

    def _all(self, structure: str, mirror: Mirror) -> bool:
        return all(structure in self.of(link) for link in chain.from_iterable(mirror.links.values()))

    def _definite(self, mirror: Mirror, dims: dict[int, Expr], r: int) -> bool:
        """Whether H K H^T is positive definite: K is, and H is square and invertible."""
        outer = mirror.pairs[0]
        inner = [pair for pair in mirror.pairs[1:] if pair in mirror.links]
        if not self._all("pd", mirror):
            return False
        if not mirror.pairs[1:] and not mirror.fixed:
            if outer not in mirror.links:
                return False
            labels = sorted({i for _, ls in mirror.halves for i in ls})
            vector = build.contract(1, mirror.halves, labels, {i: dims[i] for i in labels})
            return self._sign(vector) in _NONZERO
        if outer in mirror.links:
            return False
        if len(inner) == 2 and len(mirror.pairs) == 3 and not mirror.fixed and len(mirror.halves) == 1:
            # H is a merge of two axes, a permutation: a Kronecker product
            factor, labels = mirror.halves[0]
            return isinstance(factor, Merge) and labels[0] == r and set(labels[1:]) == {inner[0][0], inner[1][0]}
        if len(inner) == 1 and not mirror.fixed:
            end = inner[0][0]
        elif not inner and len(mirror.fixed) == 1:
            end = mirror.fixed[0]
        else:
            return False
        used = {i for _, ls in mirror.halves for i in ls}
        batch = sorted(i for i in used if i < r)
        if not {end, r} <= used:
            return False
        # a bound label of the half that no factor carries would be a factor of its dimension
        half = build.contract(1, mirror.halves, [*batch, end, r], {i: dims[i] for i in used})
        return "invertible" in self.of(half)

    def _chain(
        self, coefficient: Expr, factors: Sequence[Factor], dims: dict[int, Expr], rank: int, bound: Sequence[int]
    ) -> set[str]:
        """What a product of square matrices is, with vectors on the labels between as diagonal factors."""
        r, c = rank - 2, rank - 1
        matrices: dict[frozenset[int], list[Factor]] = {}
        others: list[Factor] = []
        for factor, ls in factors:
            inner = [i for i in ls if i >= r]
            if len(inner) == 2 and inner == list(ls[-2:]) and inner[0] != inner[1]:
                matrices.setdefault(frozenset(inner), []).append((factor, ls))
            elif len(set(inner)) <= 1:
                others.append((factor, ls))
            else:
                return set()
        here, passed, links = r, {r}, []
        while here != c:
            beside = [pair for pair in matrices if here in pair]
            if len(beside) != 1:
                return set()
            (after,) = beside[0] - {here}
            if after in passed:
                return set()
            links.append(self._entrywise(matrices.pop(beside[0]), here))
            passed.add(after)
            here = after
        if matrices or not passed.issuperset(bound):
            return set()
        found = {side for side in ("lower", "upper") if all(side in own for own in links)}
        labels = sorted({i for _, ls in others for i in ls})
        weight = self._sign(build.contract(coefficient, others, labels, {i: dims[i] for i in labels}))
        if weight in _NONZERO and all("invertible" in own for own in links):
            found.add("invertible")
            if not others and coefficient in (ONE, -ONE) and all("orthogonal" in own for own in links):
                found.add("orthogonal")
        return found

    def _entrywise(self, factors: Sequence[Factor], row: int) -> frozenset[str]:
        """What an entrywise product of matrices is, with ``row`` as the label of its rows."""
        return self._placed_as(*factors[0], row) if len(factors) == 1 else self._zeros(factors, row)

    def _zeros(self, factors: Sequence[Factor], row: int) -> frozenset[str]:
        """Where matrices are zero, and with them their entrywise product with anything."""
        known = (self._placed_as(factor, ls, row) for factor, ls in factors)
        return frozenset().union(*known) & {"lower", "upper", "diagonal"}

    def _placed_as(self, factor: Node, labels: Labels, row: int) -> frozenset[str]:
        """What a factor is, or its transpose where ``row`` is the label of its columns."""
        own = self.of(factor)
        return own if labels[-2] == row else frozenset(_TRANSPOSED.get(s, s) for s in own)

    # -- reading from both ends ------------------------------------------------------

    def _exchanges(
        self,
        factors: Sequence[Factor],
        dims: dict[int, Expr],
        bound: Sequence[int],
        outer: tuple[tuple[int, int], ...],
    ) -> Iterator[tuple[tuple[int, int], ...]]:
        """The pairs of labels whose exchange leaves the product as it is; the ``outer`` pairs are among them."""
        if len(bound) > 6 or len(factors) > 12:
            return
        have = Counter(self._placed(f, ls) for f, ls in factors)
        for chosen in _pairings(list(bound), dims):
            pairs = (*outer, *chosen)
            swap = {i: j for pair in pairs for i, j in (pair, pair[::-1])}
            if pairs and have == Counter(self._placed(f, tuple(swap.get(i, i) for i in ls)) for f, ls in factors):
                yield pairs

    def _placed(self, factor: Node, labels: Labels) -> Factor:
        if len(labels) >= 2 and labels[-2] > labels[-1] and "symmetric" in self.of(factor):
            return factor, (*labels[:-2], labels[-1], labels[-2])
        return factor, labels

    def _read(
        self, factors: Sequence[Factor], pairs: tuple[tuple[int, int], ...], bound: Sequence[int]
    ) -> Mirror | None:
        first, second = {i for i, _ in pairs}, {j for _, j in pairs}
        halves: list[Factor] = []
        weights: list[Factor] = []
        links: dict[tuple[int, int], list[Node]] = {}
        for factor, ls in factors:
            own = set(ls)
            if own & first and own & second:
                pair = next((p for p in pairs if set(ls[-2:]) == set(p)), None)
                if pair is None or len([i for i in ls if i in first | second]) != 2:
                    return None
                links.setdefault(pair, []).append(factor)
            elif own & first:
                halves.append((factor, ls))
            elif not own & second:
                weights.append((factor, ls))
        fixed = tuple(i for i in bound if i not in first | second)
        return Mirror(pairs, tuple(halves), {p: tuple(ns) for p, ns in links.items()}, tuple(weights), fixed)


def stated(node: Node, sign: str) -> tuple[Node, str] | None:
    """The matrix and its structure that a sign of a determinant or of eigenvalues states, or None."""
    if isinstance(node, Contraction) and not node.out_rank and node.coefficient.is_positive:
        match node.factors:
            case ((Opaque(function="eigvalsh") as values, (0,)), (Basis(index=index), (0,))) if index == ZERO:
                node = values
    if not isinstance(node, Opaque):
        return None
    matrix = node.arguments[0]
    if node.function == "eigvalsh" and sign in ("+", "0+"):
        return matrix, "pd" if sign == "+" else "psd"
    if node.function in ("eigvalsh", "det") and sign in _NONZERO:
        return matrix, "invertible"
    return None


def _pairings(labels: list[int], dims: dict[int, Expr]) -> Iterator[tuple[tuple[int, int], ...]]:
    """The ways to pair labels of one dimension, in both orders, some left alone."""
    if not labels:
        yield ()
        return
    first, *rest = labels
    for other in rest:
        if dims[first] == dims[other]:
            for more in _pairings([i for i in rest if i != other], dims):
                yield ((first, other), *more)
                yield ((other, first), *more)
    yield from _pairings(rest, dims)


def _is_difference(node: Node, labels: Labels, r: int, c: int) -> bool:
    """Whether an array is ``u - u'`` where u does not carry the label c, and u' is u with c for r."""
    while isinstance(node, Named):
        node = node.body
    if labels.count(r) != 1 or labels.count(c) != 1:
        return False
    if isinstance(node, Contraction) and not node.bound:  # a difference times what carries neither
        own = {labels.index(r), labels.index(c)}
        inner = [(f, ls) for f, ls in node.factors if own & set(ls)]
        return len(inner) == 1 and _is_difference(inner[0][0], tuple(labels[i] for i in inner[0][1]), r, c)
    if not isinstance(node, Sum) or len(node.terms) != 2:
        return False
    (weight, first), (other, second) = node.terms
    if weight != -other or not isinstance(first, Contraction) or labels.index(r) >= node.rank:
        return False
    swap = list(range(node.rank))
    swap[labels.index(r)], swap[labels.index(c)] = labels.index(c), labels.index(r)
    carried = {i for _, ls in first.factors for i in ls}
    return not {labels.index(r), labels.index(c)} <= carried and _ordered(
        build.view(first, swap, node.shape)
    ) == _ordered(second)


def _swapped(node: Node) -> Node:
    """The transpose of the last two axes."""
    axes = tuple(range(node.rank - 2))
    shape = (*node.shape[:-2], node.shape[-1], node.shape[-2])
    return build.view(node, (*axes, node.rank - 1, node.rank - 2), shape)


def _ordered(node: Node) -> Node:
    """The same product with its factors in an order that does not depend on how it was written."""
    if not isinstance(node, Contraction):
        return node
    out = node.out_rank
    factors = sorted(node.factors, key=lambda f: (id(f[0]), tuple(i if i < out else out for i in f[1])))
    return build.contract(node.coefficient, factors, range(out), dict(enumerate(node.label_dims)))


def _closed_under_transposition(terms: Sequence[tuple[Expr, Node]]) -> bool:
    have = Counter((weight, _ordered(node)) for weight, node in terms)
    return have == Counter((weight, _ordered(_swapped(node))) for weight, node in terms)


def _triangle(node: Map) -> str:
    """Which side of the diagonal a comparison of the last two indices keeps; empty if none."""
    if node.function not in ("le", "lt"):
        return ""
    left, right = (_affine(argument) for argument in node.arguments)
    if left is None or right is None:
        return ""
    gap = {axis: right.get(axis, ZERO) - left.get(axis, ZERO) for axis in left.keys() | right.keys()}
    r, c = node.rank - 2, node.rank - 1
    offset = gap.pop(-1, ZERO) - (1 if node.function == "lt" else 0)
    if not offset.is_nonpositive:
        return ""
    if gap == {r: ONE, c: -ONE}:
        return "lower"
    return "upper" if gap == {r: -ONE, c: ONE} else ""


def _affine(node: Node) -> dict[int, Expr] | None:
    """``Σ coefficient · (the index along an axis)``, with axis -1 for a number; None if it is something else."""
    match node:
        case Number():
            return {-1: node.value}
        case Range():
            return {0: ONE}
        case Sum():
            parts = [(weight, _affine(term)) for weight, term in node.terms]
        case Contraction() if not node.bound and len(node.factors) <= 1:
            if not node.factors:
                return {-1: node.coefficient}
            inner, labels = node.factors[0]
            found = _affine(inner)
            moved = None if found is None else {-1 if k < 0 else labels[k]: x for k, x in found.items()}
            parts = [(node.coefficient, moved)]
        case _:
            return None
    total: dict[int, Expr] = {}
    for weight, part in parts:
        if part is None:
            return None
        for axis, coefficient in part.items():
            total[axis] = total.get(axis, ZERO) + weight * coefficient
    return total


__all__ = ["STRUCTURES", "Structures", "closed", "stated"]
