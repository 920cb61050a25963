"""Laws of inverses, determinants, factors and eigenvalues, as rewrites.

Each is an identity wherever its left side is defined; what that drops is stated
by the caller as a condition.  Products are split only where every factor is
square: then the product is invertible exactly if each factor is.

Sources: Petersen & Pedersen, The Matrix Cookbook, 1, 3.1-3.2, 5.1-5.4; Golub &
Van Loan, Matrix Computations, 2.4 and 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sympy import Rational

from symderive.calculus.signs import sign_of
from symderive.language import build
from symderive.language.array_functions import product, symmetrised
from symderive.language.nodes import (
    ONE,
    Basis,
    Contraction,
    Delta,
    Factor,
    Labels,
    Leaf,
    Map,
    Merge,
    Node,
    Number,
    Opaque,
    Slice,
    Sum,
)
from symderive.language.symmetry import is_lower, is_symmetric

Blocked = frozenset[Leaf]


# -- functions of matrices -------------------------------------------------------------


def rewritten(node: Opaque, blocked: Blocked) -> tuple[Node, str]:
    """An array function written in simpler terms, and the rule that says so."""
    x = node.arguments[0]
    for rule, law in _LAWS.get(node.function, ()):
        after = law(node, x, blocked)
        if after is not None and after is not node:
            return after, rule
    return node, ""


def _turned(node: Node) -> Node | None:
    """``A`` where the node is the transpose of A laid out as a view; no coefficient, no other factor."""
    if isinstance(node, Contraction) and node.coefficient == 1 and not node.bound and len(node.factors) == 1:
        inner, labels = node.factors[0]
        rank = node.rank
        if labels == (*range(rank - 2), rank - 1, rank - 2):
            return inner
    return None


def transposed(node: Node) -> Node:
    """The transpose of a matrix (of each of a batch)."""
    rank = node.rank
    order = (*range(rank - 2), rank - 1, rank - 2)
    return build.view(node, order, tuple(node.shape[k] for k in order))


def _diagonal(node: Node) -> Node | None:
    """``v`` where the node is diag(v)."""
    if isinstance(node, Delta):
        return build.ones((node.dim,))
    if not isinstance(node, Contraction) or node.rank != 2:
        return None
    deltas = [ls for f, ls in node.factors if isinstance(f, Delta) and set(ls) == {0, 1}]
    if len(deltas) != 1:
        return None
    rest = [(f, ls) for f, ls in node.factors if not (isinstance(f, Delta) and set(ls) == {0, 1})]
    merged = [(f, tuple(0 if x == 1 else x for x in ls)) for f, ls in rest]
    dims = {k: s for k, s in enumerate(node.label_dims) if k != 1}
    return build.contract(node.coefficient, merged, [0], dims)


def chain(node: Node) -> list[Node] | None:
    """The square factors of a matrix product, transposes taken; None where it is no such product."""
    if not isinstance(node, Contraction) or node.rank != 2 or node.coefficient != 1 or not node.bound:
        return None
    if any(f.rank != 2 or f.shape[0] != f.shape[1] for f, _ in node.factors):
        return None
    waiting = list(node.factors)
    at, found = 0, []
    while waiting:
        step = next(((k, f, ls) for k, (f, ls) in enumerate(waiting) if at in ls and ls[0] != ls[1]), None)
        if step is None:
            return None
        k, f, ls = step
        found.append(f if ls[0] == at else transposed(f))
        at = ls[1] if ls[0] == at else ls[0]
        waiting.pop(k)
        if at == 1:
            break
    return found if not waiting and len(found) > 1 and at == 1 else None


def symmetric_part(x: Node, blocked: Blocked) -> Node:
    """What decompositions of symmetric matrices see: x itself where that is symmetric, else (x + x^T)/2.

    A matrix that is symmetric by a declaration that may not be used yet, because it
    will be derived by, moves in all directions; eigenvalues follow its symmetric part.
    """
    return x if is_symmetric(x, blocked) else symmetrised(x)


Law = Callable[[Opaque, Node, Blocked], Node | None]


def _inverse_of_transpose(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    inner = _turned(x)
    return None if inner is None else transposed(build.opaque("inv", inner))


def _inverse_of_inverse(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    return x.arguments[0] if isinstance(x, Opaque) and x.function == "inv" else None


def _inverse_of_multiple(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    c, rest = build.split_coefficient(x)
    if c == 1 or c == 0 or isinstance(rest, Number) or (isinstance(rest, Contraction) and not rest.factors):
        return None
    return build.scale(1 / c, build.opaque("inv", rest))


def _scalar_factor(x: Node) -> tuple[Node, Node] | None:
    """``(t, A)`` where x = t A with a scalar t that is no number."""
    if not isinstance(x, Contraction) or x.rank < 2:
        return None
    scalars = [(f, ls) for f, ls in x.factors if not ls]
    rest = [(f, ls) for f, ls in x.factors if ls]
    if not scalars or not rest:
        return None
    made = build.contract(x.coefficient, rest, range(x.out_rank), dict(enumerate(x.label_dims)))
    return build.multiply(*(f for f, _ in scalars)), made


def _multiple(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    """``(tA)^-1 = A^-1/t``, ``det(tA) = t^n det A`` for a scalar t."""
    found = _scalar_factor(x)
    if found is None:
        return None
    t, a = found
    inner = build.opaque(node.function, a)
    size = x.shape[-1]
    if node.function == "logabsdet":
        size_log = build.apply("log", build.apply("abs", t))
        return build.add([(size, size_log), (ONE, inner)], ()) if x.rank == 2 else None
    factor = build.power(t, size if node.function == "det" else -1)
    out = tuple(range(inner.rank))
    return build.contract(ONE, [(factor, ()), (inner, out)], out, dict(enumerate(inner.shape)))


def _inverse_of_diagonal(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    v = _diagonal(x)
    if v is None:
        return None
    if isinstance(x, Delta):
        return x
    return product("i,ij->ij", build.power(v, -1), Delta(x.shape[0]))


def _inverse_of_orthogonal(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    orthogonal = isinstance(x, Leaf) and x.domain.has("orthogonal") and x not in blocked
    return transposed(x) if orthogonal or (isinstance(x, Opaque) and x.function == "eigvecs") else None


def _without_transpose(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    inner = _turned(x)
    return None if inner is None else build.opaque(node.function, inner)


def _log_of_inverse(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    if isinstance(x, Opaque) and x.function == "inv":
        return build.scale(-1, build.opaque("logabsdet", x.arguments[0]))
    return None


def _det_of_inverse(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    if isinstance(x, Opaque) and x.function == "inv":
        return build.power(build.opaque("det", x.arguments[0]), -1)
    return None


def _log_of_product(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    parts = chain(x)
    if parts is None:
        return None
    return build.add([(ONE, build.opaque("logabsdet", _turned(p) or p)) for p in parts], ())


def _log_of_multiple(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    c, rest = build.split_coefficient(x)
    if c == 1 or not c.is_positive or isinstance(rest, Number) or x.rank != 2:
        return None
    return build.add(
        [(x.shape[0], build.apply("log", Number(c))), (ONE, build.opaque("logabsdet", rest))], ()
    )


def _log_of_diagonal(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    v = _diagonal(x)
    if v is None and x.rank == 2 and is_lower(x) and not (isinstance(x, Leaf) and x in blocked):
        v = build.contract(ONE, [(x, (0, 0))], [0], {0: x.shape[0]})
    if v is None:
        return None
    if isinstance(x, Delta):
        return Number(0 * ONE)
    positive = isinstance(x, Opaque) and x.function == "cholesky"
    return build.reduce_sum(build.apply("log", v if positive else build.apply("abs", v)), [0])


def _det_of_diagonal(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    v = _diagonal(x)
    if v is None and x.rank == 2 and is_lower(x) and not (isinstance(x, Leaf) and x in blocked):
        v = build.contract(ONE, [(x, (0, 0))], [0], {0: x.shape[0]})
    if v is None:
        return None
    return Number(ONE) if isinstance(x, Delta) else build.opaque("prod", v)


def _constant_part(x: Node) -> tuple[Node, Node] | None:
    """``(rest, c)`` where x = rest + c and c does not vary along the last axis."""
    if not isinstance(x, Sum):
        return None
    last = x.rank - 1
    fixed = [(w, n) for w, n in x.terms if _is_fixed(n, last)]
    if not fixed or len(fixed) == len(x.terms):
        return None
    rest = build.add([(w, n) for w, n in x.terms if not _is_fixed(n, last)], x.shape)
    shape = x.shape[:-1]
    return rest, build.add([(w, _squeezed(n, last)) for w, n in fixed], shape)


def _is_fixed(node: Node, axis: int) -> bool:
    if isinstance(node, Number):
        return True
    return isinstance(node, Contraction) and not any(axis in ls for _, ls in node.factors)


def _squeezed(node: Node, axis: int) -> Node:
    if not isinstance(node, Contraction):
        return node
    kept = [k for k in range(len(node.label_dims)) if k != axis]
    dims = {k: node.label_dims[k] for k in kept}
    return build.contract(node.coefficient, node.factors, [k for k in range(node.out_rank) if k != axis], dims)


def _shifted(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    found = _constant_part(x)
    if found is None:
        return None
    rest, constant = found
    inner = build.opaque(node.function, rest)
    if node.shape == x.shape:
        return inner
    return build.add([(ONE, inner), (ONE, constant)], node.shape)


def _scaled_extreme(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    c, rest = build.split_coefficient(x)
    if c == 1 or isinstance(rest, Number) or not (c.is_positive or c.is_negative):
        return None
    other = {"max": "min", "min": "max", "is_max": "is_min", "is_min": "is_max"}[node.function]
    name = node.function if c.is_positive else other
    inner = build.opaque(name, rest)
    return inner if name.startswith("is_") else build.scale(c, inner)


def _largest_of_sorted(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    """Eigenvalues come in ascending order, singular values in descending order."""
    if not (isinstance(x, Opaque) and x.function in ("eigvalsh", "svdvals")):
        return None
    first = (x.function == "eigvalsh") == (node.function == "min")
    size = x.shape[-1]
    return product("i,i->", x, Basis(size, 0 * ONE if first else size - 1))


def _product_of_eigenvalues(node: Opaque, x: Node, blocked: Blocked) -> Node | None:
    if isinstance(x, Opaque) and x.function == "eigvalsh":
        return build.opaque("det", symmetric_part(x.arguments[0], blocked))
    return None


_EXTREME: tuple[tuple[str, Law], ...] = (("shift of a maximum", _shifted), ("multiple of a maximum", _scaled_extreme))

_LAWS: dict[str, tuple[tuple[str, Law], ...]] = {
    "inv": (
        ("inverse of a transpose", _inverse_of_transpose),
        ("inverse of an inverse", _inverse_of_inverse),
        ("inverse of a multiple", _inverse_of_multiple),
        ("inverse of a multiple", _multiple),
        ("inverse of a diagonal matrix", _inverse_of_diagonal),
        ("inverse of an orthogonal matrix", _inverse_of_orthogonal),
    ),
    "det": (
        ("determinant of a transpose", _without_transpose),
        ("determinant of an inverse", _det_of_inverse),
        ("determinant of a multiple", _multiple),
        ("determinant of a triangular matrix", _det_of_diagonal),
    ),
    "logabsdet": (
        ("determinant of a transpose", _without_transpose),
        ("determinant of an inverse", _log_of_inverse),
        ("determinant of a product", _log_of_product),
        ("determinant of a multiple", _log_of_multiple),
        ("determinant of a multiple", _multiple),
        ("determinant of a triangular matrix", _log_of_diagonal),
    ),
    "prod": (("product of eigenvalues", _product_of_eigenvalues),),
    "signdet": (("determinant of a transpose", _without_transpose),),
    "softmax": (("shift of a softmax", _shifted),),
    "log_softmax": (("shift of a softmax", _shifted),),
    "logsumexp": (("shift of log-sum-exp", _shifted),),
    "max": (("ordered values", _largest_of_sorted), *_EXTREME),
    "min": (("ordered values", _largest_of_sorted), *_EXTREME),
    "is_max": _EXTREME,
    "is_min": _EXTREME,
}


def of_map(node: Map, blocked: Blocked) -> tuple[Node, str]:
    """A function of entries that is an array function: log|det A|, x == max x."""
    first = node.arguments[0]
    if node.function == "log":
        inner = first
        if isinstance(inner, Map) and inner.function == "abs":
            inner = inner.arguments[0]
        if isinstance(inner, Opaque) and inner.function == "det":
            return build.opaque("logabsdet", inner.arguments[0]), "log-determinant"
    if node.function == "power" and isinstance(node.arguments[1], Number):
        return _power_of_product(node, first, node.arguments[1])
    if node.function == "power" and isinstance(first, Map) and first.function == "exp":
        exponent, inner = node.arguments[1], first.arguments[0]
        product_ = build.multiply(build.broadcast(exponent, node.shape), build.broadcast(inner, node.shape))
        return build.apply("exp", product_), "power of an exponential"
    if node.function in ("maximum", "minimum") and first is node.arguments[1]:
        return first, "maximum of equals"
    if node.function in ("maximum", "minimum") and build.are_opposite(first, node.arguments[1]):
        size = build.apply("abs", first)
        return (size if node.function == "maximum" else build.scale(-1, size)), "absolute value"
    if node.function == "where" and not blocked:
        return _clipped(node)
    if node.function == "eq":
        for x, best in (node.arguments, node.arguments[::-1]):
            name = _extreme_of(x, best)
            if name:
                return build.opaque(name, x), "largest entries"
    return node, ""


def _clipped(node: Map) -> tuple[Node, str]:
    """``r where |r| <= c, else c·sign r`` is r clipped to [-c, c], for c > 0."""
    mask, inside, outside = node.arguments
    if not (isinstance(mask, Map) and mask.function in ("lt", "le") and isinstance(mask.arguments[0], Map)):
        return node, ""
    size, bound = mask.arguments
    if not (isinstance(size, Map) and size.function == "abs") or sign_of(bound).value != "+":
        return node, ""
    r = size.arguments[0]
    low = build.scale(-1, bound)
    for sign in (1, -1):
        if build.scale(sign, r) is not inside and build.negated(r) is not inside:
            continue
        own = inside
        edge = build.multiply(bound, build.apply("sign", own))
        if outside is edge or outside is build.multiply(build.apply("sign", own), bound):
            return build.apply("clip", own, low, bound), "clip"
    return node, ""


def _power_of_product(node: Map, base: Node, exponent: Number) -> tuple[Node, str]:
    """``(a_i b_j)^k = a_i^k b_j^k`` where no factor varies along all axes; scalars ``(s t)^k`` likewise.

    For a whole k wherever both are defined; for other k the factors may not be negative.
    """
    value = exponent.value
    if not (isinstance(base, Contraction) and value.is_number) or any(isinstance(f, Delta) for f in base.children):
        return node, ""
    parts = components(base)
    if len(parts) < 2 or any(isinstance(f, Slice | Merge) for f in base.children):
        return node, ""
    if (not base.rank and value.is_Integer) or (base.rank and any(len(set(ls)) in (0, base.rank) for _, ls in parts)):
        return node, ""
    if not value.is_Integer:
        free = all(sign_of(f).value in ("+", "0+") for f, _ in parts)
        if not free or not base.coefficient.is_positive:
            return node, ""
    factors = [(build.power(f, value), ls) for f, ls in parts]
    made = build.contract(base.coefficient**value, factors, range(base.out_rank), dict(enumerate(base.shape)))
    return made, "power of a product"


def components(node: Contraction) -> list[Factor]:
    """The factors of a product that share no summed label, each with the output labels that it lies along."""
    groups: list[tuple[set[int], list[Factor]]] = []
    for factor, labels in node.factors:
        inner = {x for x in labels if x >= node.out_rank}
        touching = [g for g in groups if g[0] & inner]
        joined = (inner.union(*(g[0] for g in touching)), [f for g in touching for f in g[1]])
        joined[1].append((factor, labels))
        groups = [g for g in groups if g not in touching] + [joined]
    found: list[Factor] = []
    for inner, factors in groups:
        out = tuple(dict.fromkeys(x for _, ls in factors for x in ls if x < node.out_rank))
        dims = {x: node.label_dims[x] for x in (*out, *inner)}
        found.append((build.contract(ONE, factors, out, dims), out))
    return found


def _extreme_of(x: Node, best: Node) -> str:
    """``is_max`` where ``best`` is the maximum of x along its last axis, laid along the others."""
    labels: Labels = tuple(range(best.rank))
    if isinstance(best, Contraction) and best.coefficient == 1 and len(best.factors) == 1 and not best.bound:
        best, labels = best.factors[0]
    extreme = isinstance(best, Opaque) and best.function in ("max", "min") and best.arguments[0] is x
    return f"is_{best.function}" if extreme and labels == tuple(range(x.rank - 1)) else ""  # type: ignore[union-attr]


# -- products --------------------------------------------------------------------------


def cancelled(node: Contraction, blocked: Blocked) -> tuple[Node, str]:
    """A product with an inverse, a factor or eigenvectors in it, shortened; and the rule."""
    for k, (factor, labels) in enumerate(node.factors):
        if not isinstance(factor, Opaque) or factor.rank != 2 or labels[0] == labels[1]:
            continue
        for rule, step in (
            ("inverse", _inverse_step),
            ("inverse of a product", _opened_inverse),
            ("Cholesky factor", _cholesky_step),
            ("eigenvectors", _eigen_step),
            ("singular vectors", _singular_step),
        ):
            after = step(node, k, factor, labels, blocked)
            if after is not None:
                return after, rule
    for rule, law in (
        ("eigenvalues", _eigenvalue_sum),
        ("Cholesky factor", _cholesky_log),
        ("singular values", _svd_sum),
        ("quotient of equals", _divided),
        ("product of powers", _joined_powers),
    ):
        after = law(node, blocked)
        if after is not None:
            return after, rule
    return node, ""


def _carriers(node: Contraction, label: int) -> list[int]:
    return [k for k, (_, ls) in enumerate(node.factors) if label in ls]


def _replaced(node: Contraction, gone: Sequence[int], new: Sequence[Factor], dead: Sequence[int]) -> Node:
    factors = [f for k, f in enumerate(node.factors) if k not in gone]
    factors[min(gone) : min(gone)] = new
    dims = {k: s for k, s in enumerate(node.label_dims) if k not in dead}
    return build.contract(node.coefficient, factors, range(node.out_rank), dims)


def _inverse_step(node: Contraction, k: int, factor: Opaque, labels: Labels, blocked: Blocked) -> Node | None:
    """``inv(M) M`` is the identity, M written as one factor or as a product."""
    if factor.function != "inv":
        return None
    m = factor.arguments[0]
    sides = [(0, 1), (1, 0)]
    for near, far in sides:
        label = labels[near]
        if label < node.out_rank:
            continue
        # Σ_label inv[far.., label] M[label, other], or the mirror image.
        axis = None if is_symmetric(m, blocked) else 1 - near
        for other, used, dead in _occurrences(node, k, m, label, axis, blocked):
            return _replaced(node, [k, *used], [(Delta(m.shape[0]), (labels[far], other))], [label, *dead])
    return None


def _occurrences(
    node: Contraction, k: int, m: Node, label: int, near: int | None, blocked: Blocked
) -> Iterator[tuple[int, list[int], list[int]]]:
    """Where a matrix stands in a product with its axis ``near`` on a bound label (either axis if None).

    Yields the label of the other axis, the factors used, and the bound labels used up.
    """
    pattern = m if isinstance(m, Contraction) and m.factors else None
    pieces = pattern.factors if pattern is not None else ((m, (0, 1)),)
    if pattern is not None and pattern.coefficient != 1:
        return
    for axis in (0, 1) if near is None else (near,):
        for mapping, used in _matches(node, pieces, {axis: label}, {k}, blocked):
            other = mapping.get(1 - axis)
            if other is None or other == label:
                continue
            inner = [v for p, v in mapping.items() if p > 1]
            inside = [*inner, label]
            allowed = {k, *used}
            closed = all(x >= node.out_rank and set(_carriers(node, x)) <= allowed for x in inside)
            if closed and len(set(inner)) == len(inner) and other not in inner:
                yield other, list(used), inner


def _matches(
    node: Contraction, pieces: Sequence[Factor], mapping: dict[int, int], taken: set[int], blocked: Blocked
) -> Iterator[tuple[dict[int, int], tuple[int, ...]]]:
    """All ways to find the pieces of a product among the factors, labels consistent."""
    if not pieces:
        yield mapping, ()
        return
    first = next((p for p in pieces if any(x in mapping for x in p[1])), None)
    if first is None:
        return
    rest = list(pieces)
    rest.remove(first)
    piece, pattern = first
    orders = [pattern]
    if piece.rank == 2 and pattern[0] != pattern[1] and is_symmetric(piece, blocked):
        orders.append(pattern[::-1])
    for q, (candidate, own) in enumerate(node.factors):
        if q in taken or candidate is not piece:
            continue
        for order in orders:
            new = dict(mapping)
            if all(new.setdefault(p, x) == x for p, x in zip(order, own, strict=True)):
                for found, used in _matches(node, rest, new, taken | {q}, blocked):
                    yield found, (q, *used)


def _opened_inverse(node: Contraction, k: int, factor: Opaque, labels: Labels, blocked: Blocked) -> Node | None:
    """``inv(A B)`` as ``inv(B) inv(A)`` where one of the factors then cancels."""
    if factor.function != "inv":
        return None
    parts = chain(factor.arguments[0])
    if parts is None:
        return None
    # inv(P1 ... Pm)[a, b] = inv(Pm)[a, .] ... inv(P1)[., b]: P1 cancels on b, Pm on a.
    ends = ((labels[1], parts[0], 0), (labels[0], parts[-1], 1))
    if not any(x >= node.out_rank and _touches(node, k, end, x, axis) for x, end, axis in ends):
        return None
    fresh = len(node.label_dims)
    size = factor.shape[0]
    places = [labels[0], *range(fresh, fresh + len(parts) - 1), labels[1]]
    new: list[Factor] = []
    for position, part in enumerate(reversed(parts)):
        inner = _turned(part)
        a, b = places[position], places[position + 1]
        inverse = build.opaque("inv", inner if inner is not None else part)
        new.append((inverse, (b, a) if inner is not None else (a, b)))
    factors = list(node.factors)
    factors[k : k + 1] = new
    dims = dict(enumerate(node.label_dims)) | dict.fromkeys(places[1:-1], size)
    return build.contract(node.coefficient, factors, range(node.out_rank), dims)


def _touches(node: Contraction, k: int, end: Node, label: int, axis: int) -> bool:
    """Whether a factor stands next to an inverse on a label, so that the two cancel."""
    inner = _turned(end)
    wanted = end if inner is None else inner
    place = axis if inner is None else 1 - axis
    carriers = _carriers(node, label)
    return len(carriers) == 2 and any(
        node.factors[q][0] is wanted and node.factors[q][1][place] == label for q in carriers if q != k
    )


def _pair(node: Contraction, k: int, factor: Node, label: int, axis: int) -> int | None:
    """Another copy of a factor on a bound label that only the two carry, on the same axis."""
    carriers = _carriers(node, label)
    if label < node.out_rank or len(carriers) != 2:
        return None
    other = carriers[0] if carriers[1] == k else carriers[1]
    partner, own = node.factors[other]
    return other if other != k and partner is factor and own[axis] == label and own[0] != own[1] else None


def _cholesky_step(node: Contraction, k: int, factor: Opaque, labels: Labels, blocked: Blocked) -> Node | None:
    """``L L^T = A`` and ``L^-T L^-1 = A^-1``."""
    if factor.function == "cholesky":
        other = _pair(node, k, factor, labels[1], 1)
        if other is not None:
            new = (symmetric_part(factor.arguments[0], blocked), (labels[0], node.factors[other][1][0]))
            return _replaced(node, [k, other], [new], [labels[1]])
    inner = factor.arguments[0]
    if factor.function == "inv" and isinstance(inner, Opaque) and inner.function == "cholesky":
        other = _pair(node, k, factor, labels[0], 0)
        if other is not None:
            inverse = build.opaque("inv", symmetric_part(inner.arguments[0], blocked))
            return _replaced(node, [k, other], [(inverse, (labels[1], node.factors[other][1][1]))], [labels[0]])
    return None


def _eigen_step(node: Contraction, k: int, factor: Opaque, labels: Labels, blocked: Blocked) -> Node | None:
    """``V V^T = V^T V = I``, ``V diag(f(λ)) V^T`` for f(λ) = λ and 1/λ."""
    if factor.function != "eigvecs":
        return None
    x = factor.arguments[0]
    for axis in (0, 1):
        other = _pair(node, k, factor, labels[axis], axis)
        if other is not None:
            ends = (labels[1 - axis], node.factors[other][1][1 - axis])
            return _replaced(node, [k, other], [(Delta(x.shape[0]), ends)], [labels[axis]])
    label = labels[1]
    carriers = _carriers(node, label)
    if label < node.out_rank or len(carriers) != 3:
        return None
    copies = [q for q in carriers if node.factors[q][0] is factor and node.factors[q][1][1] == label]
    weights = [q for q in carriers if node.factors[q][1] == (label,)]
    if len(copies) != 2 or len(weights) != 1:
        return None
    value = _value_of(node.factors[weights[0]][0], x, blocked)
    if value is None:
        return None
    ends = tuple(node.factors[q][1][0] for q in copies)
    return _replaced(node, carriers, [(value, ends)], [label])


def _value_of(weight: Node, x: Node, blocked: Blocked) -> Node | None:
    """The matrix f(A) = V diag(f(λ)) V^T for a vector f(λ) that is λ or 1/λ."""
    values = build.opaque("eigvalsh", x)
    if weight is values:
        return symmetric_part(x, blocked)
    if weight is build.power(values, -1):
        return build.opaque("inv", symmetric_part(x, blocked))
    return None


def _singular_step(node: Contraction, k: int, factor: Opaque, labels: Labels, blocked: Blocked) -> Node | None:
    """``U diag(σ) V^T = A``; columns of U and rows of V^T are orthonormal."""
    if factor.function not in ("svd_u", "svd_vt"):
        return None
    axis = 0 if factor.function == "svd_u" else 1
    other = _pair(node, k, factor, labels[axis], axis)
    if other is not None:
        ends = (labels[1 - axis], node.factors[other][1][1 - axis])
        return _replaced(node, [k, other], [(Delta(factor.shape[1 - axis]), ends)], [labels[axis]])
    if factor.function == "svd_vt":
        return None
    x = factor.arguments[0]
    label = labels[1]
    carriers = _carriers(node, label)
    if label < node.out_rank or len(carriers) != 3:
        return None
    rows = [q for q in carriers if node.factors[q][0] is build.opaque("svd_vt", x) and node.factors[q][1][0] == label]
    weights = [q for q in carriers if node.factors[q] == (build.opaque("svdvals", x), (label,))]
    if len(rows) != 1 or len(weights) != 1:
        return None
    return _replaced(node, carriers, [(x, (labels[0], node.factors[rows[0]][1][1]))], [label])


def _only(node: Contraction) -> tuple[Node, int] | None:
    """``(f, label)`` for a sum over a label that one factor f alone carries, f of that axis only."""
    for factor, labels in node.factors:
        if len(labels) == 1 and labels[0] >= node.out_rank and len(_carriers(node, labels[0])) == 1:
            return factor, labels[0]
    return None


def _summed(node: Contraction, label: int, new: Node) -> Node:
    (gone,) = _carriers(node, label)
    return _replaced(node, [gone], [(new, ())], [label])


def _eigenvalue_sum(node: Contraction, blocked: Blocked) -> Node | None:
    """``Σ λ = tr A``, ``Σ λ² = ‖A‖²``, ``Σ log λ = log det A``."""
    found = _only(node)
    if found is None:
        return None
    factor, label = found
    values = factor.arguments[0] if isinstance(factor, Map) else factor
    if not (isinstance(values, Opaque) and values.function == "eigvalsh" and values.rank == 1):
        return None
    x = values.arguments[0]
    if factor is values:
        return _summed(node, label, product("ii->", x))
    x = symmetric_part(x, blocked)
    if factor is build.power(values, 2):
        return _summed(node, label, product("ij,ij->", x, x))
    if factor is build.power(values, -1):
        return _summed(node, label, product("ii->", build.opaque("inv", x)))
    if factor is build.apply("log", values):
        return _summed(node, label, build.opaque("logabsdet", x))
    return None


def _divided(node: Contraction, blocked: Blocked) -> Node | None:
    """A sum times a negative power of itself: ``(Σ_j P_ij) · (Σ_j P_ij)^-1``."""
    powers = [
        (k, f, ls)
        for k, (f, ls) in enumerate(node.factors)
        if isinstance(f, Map) and f.function == "power" and isinstance(f.arguments[1], Number)
        and f.arguments[1].value.is_Integer and f.arguments[1].value < 0
        and isinstance(f.arguments[0], Contraction) and f.arguments[0].bound
    ]  # fmt: skip
    if not powers:
        return None
    parts = components(node)
    for _, f, ls in powers:
        base, exponent = f.arguments
        assert isinstance(exponent, Number)
        for m, (part, out) in enumerate(parts):
            if set(out) != set(ls) or len(set(ls)) < len(ls):
                continue
            if build.view(part, [ls.index(x) for x in out], base.shape) is not base:
                continue
            one = next(q for q, p in enumerate(parts) if p == (f, ls))
            rest = [p for q, p in enumerate(parts) if q not in (m, one)]
            if exponent.value != -1:
                rest.append((build.power(base, exponent.value + 1), ls))
            return build.contract(node.coefficient, rest, range(node.out_rank), dict(enumerate(node.shape)))
    return None


def _joined_powers(node: Contraction, blocked: Blocked) -> Node | None:
    """``b^p b = b^(p+1)`` for an exponent that is an array, so b > 0."""
    for k, (f, ls) in enumerate(node.factors):
        if not (isinstance(f, Map) and f.function == "power") or isinstance(f.arguments[1], Number):
            continue
        base, exponent = f.arguments
        for m, (g, other) in enumerate(node.factors):
            if m == k or other != ls or len(set(ls)) < len(ls):
                continue
            if g is base:
                more: Node = build.ones(f.shape) if f.shape else Number(ONE)
            elif isinstance(g, Map) and g.function == "power" and g.arguments[0] is base:
                more = build.broadcast(g.arguments[1], f.shape)
            else:
                continue
            total = build.add([(ONE, build.broadcast(exponent, f.shape)), (ONE, more)], f.shape)
            joined = base if total is more else build.apply("power", base, total)
            if isinstance(total, Number):
                joined = build.power(base, total.value)
            return _replaced(node, [k, m], [(joined, ls)], [])
    return None


def _cholesky_log(node: Contraction, blocked: Blocked) -> Node | None:
    """``Σ log L_ii = log det(A) / 2``."""
    found = _only(node)
    if found is None or not (isinstance(found[0], Map) and found[0].function == "log"):
        return None
    diagonal = found[0].arguments[0]
    if not (isinstance(diagonal, Contraction) and diagonal.coefficient == 1 and len(diagonal.factors) == 1):
        return None
    factor, labels = diagonal.factors[0]
    if not (isinstance(factor, Opaque) and factor.function == "cholesky" and labels == (0, 0)):
        return None
    half = build.scale(Rational(1, 2), build.opaque("logabsdet", symmetric_part(factor.arguments[0], blocked)))
    return _summed(node, found[1], half)


def _svd_sum(node: Contraction, blocked: Blocked) -> Node | None:
    """``Σ σ² = ‖A‖²``."""
    found = _only(node)
    if found is None or not isinstance(found[0], Map):
        return None
    values = found[0].arguments[0]
    if not (isinstance(values, Opaque) and values.function == "svdvals" and values.rank == 1):
        return None
    if found[0] is not build.power(values, 2):
        return None
    x = values.arguments[0]
    return _summed(node, found[1], product("ij,ij->", x, x))


