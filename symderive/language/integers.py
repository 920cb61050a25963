"""Which integers an array of indices holds: bounds, counted ranges, the declared array behind it.

An index must fit its axis at every point of the declared domains, so that what is known
about it comes from domains of integers, ``np.arange`` and arithmetic between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from sympy import Expr, expand, sympify

from symderive.errors import IndexDomainError, ShapeError, UnsupportedError
from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    ONE,
    ZERO,
    Basis,
    Contraction,
    Delta,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)
from symderive.language.spans import Span, apart, supports


def is_integer(node: Node) -> bool:
    """Whether a scalar is an integer at every point, by its form.

    >>> import symderive as sd
    >>> n = sd.array("n", domain=sd.integers(0, 9))
    >>> is_integer((n * n - 1).node), is_integer((n / 2).node)
    (True, False)
    """
    match node:
        case Leaf():
            return node.domain.entries.integer
        case Number(value=value):
            return bool(value.is_integer)
        case Sum():
            return all(bool(w.is_integer) and is_integer(t) for w, t in node.terms)
        case Contraction() if not node.label_dims:
            return bool(node.coefficient.is_integer) and all(is_integer(f) for f, _ in node.factors)
        case Map(function="floor" | "ceil"):
            return True
        case Map(function="power", arguments=(base, Number(value=n))):
            return bool(n.is_integer and n.is_nonnegative) and is_integer(base)
    return False


def integer_bounds(node: Node) -> tuple[Expr, Expr] | None:
    """The least and the largest value of a node whose entries are certainly integers; None where that is open.

    >>> import symderive as sd
    >>> y = sd.array("y", "n", domain=sd.labels(1, 2, 3))
    >>> integer_bounds((2 * y - 1).node), integer_bounds((y / 2).node)
    ((1, 5), None)
    """
    match node:
        case Leaf():
            entries = node.domain.entries
            if not entries.integer:
                return None
            if entries.values is not None:
                return min(entries.values), max(entries.values)
            low, high = sympify(entries.low), sympify(entries.high)
            return None if low.is_infinite or high.is_infinite else (low, high)
        case Number():
            return (node.value, node.value) if node.value.is_integer else None
        case Range():
            return ZERO, node.dim - 1
        case Delta() | Basis() | Slice() | Merge():
            return ZERO, ONE
        case Named():
            return integer_bounds(node.body)
        case Sum():
            return _sum_bounds(node)
        case Contraction():
            return _contraction_bounds(node)
        case Map():
            return _map_bounds(node)
        case Opaque() if node.function in ("max", "min"):
            return integer_bounds(node.arguments[0])
        case Opaque() if ARRAY_FUNCTIONS[node.function].mask and node.function != "signdet":
            return ZERO, ONE
    return None


def _sum_bounds(node: Sum) -> tuple[Expr, Expr] | None:
    spans = [supports(term) for _, term in node.terms]
    if len(spans) <= MAX_PARTS and all(_disjoint(a, b) for a, b in combinations(spans, 2)):
        return _joined_bounds(node)
    low: Expr = ZERO
    high: Expr = ZERO
    for weight, term in node.terms:
        inner = integer_bounds(term)
        if inner is None or not weight.is_integer or not (weight.is_nonnegative or weight.is_nonpositive):
            return None
        first, last = inner if weight.is_nonnegative else inner[::-1]
        low, high = low + weight * first, high + weight * last
    return expand(low), expand(high)


MAX_PARTS = 64
"""Arrays laid side by side are compared pair by pair up to this many."""


def _joined_bounds(node: Sum) -> tuple[Expr, Expr] | None:
    """The bounds of arrays that are laid side by side among zeros."""
    ends: list[Expr] = [ZERO]
    for weight, term in node.terms:
        inner = integer_bounds(term)
        if inner is None or not weight.is_integer:
            return None
        ends += [weight * e for e in inner]
    low, high = _least(ends), _least([-e for e in ends])
    return None if low is None or high is None else (low, -high)


def _disjoint(a: dict[int, Span], b: dict[int, Span]) -> bool:
    return any(axis in b and apart(span, b[axis]) for axis, span in a.items())


def _contraction_bounds(node: Contraction) -> tuple[Expr, Expr] | None:
    """A multiple of one array, of which slices, reshapes and unit vectors pick entries."""
    others: list[Node] = []
    picked: set[int] = set()
    among_zeros = False
    for factor, labels in node.factors:
        if isinstance(factor, Basis | Slice | Merge) and labels[0] >= node.out_rank:
            picked.add(labels[0])
        elif isinstance(factor, Merge) and min(labels[1:]) >= node.out_rank:
            picked.update(labels[1:])
        elif isinstance(factor, Delta) and max(labels) >= node.out_rank:
            picked.add(max(labels))
        elif _is_one_hot(factor) and labels[-1] >= node.out_rank and labels[-1] not in labels[:-1]:
            picked.add(labels[-1])
        elif isinstance(factor, Basis | Slice | Merge | Delta):
            among_zeros = True
            picked.update(x for x in labels if x >= node.out_rank)
        else:
            others.append(factor)
    if len(others) > 1 or set(node.bound) != picked or not node.coefficient.is_integer:
        return None
    inner = integer_bounds(others[0]) if others else (ONE, ONE)
    if inner is None or node.coefficient.is_nonnegative is None:
        return None
    ends = [node.coefficient * e for e in inner]
    low, high = ends if node.coefficient.is_nonnegative else ends[::-1]
    if among_zeros:
        if not low.is_nonnegative:
            return None
        low = ZERO
    return low, high


def _is_one_hot(node: Node) -> bool:
    """Whether a node is one-hot rows that an array of indices made: ``index[..., None] == 0, 1, ...``."""
    if not isinstance(node, Map) or node.function != "eq":
        return False
    own, places = node.arguments
    rank = node.rank
    counted = isinstance(places, Contraction) and [f for f, _ in places.factors] == [Range(node.shape[-1])]
    counted = counted and places.factors[0][1] == (rank - 1,)  # type: ignore[union-attr]
    counted = counted or places is Range(node.shape[-1])
    return counted and all(rank - 1 not in ls for _, ls in own.factors) if isinstance(own, Contraction) else counted


def _map_bounds(node: Map) -> tuple[Expr, Expr] | None:
    name = node.function
    if FUNCTIONS[name].mask:
        return ZERO, ONE
    if name == "remainder" and isinstance(node.arguments[1], Number):
        divisor = node.arguments[1].value
        inner = integer_bounds(node.arguments[0])
        return None if inner is None or not (divisor.is_integer and divisor.is_positive) else (ZERO, divisor - 1)
    if name in ("trunc", "floor", "ceil", "rint"):
        return integer_bounds(node.arguments[0])
    if name == "abs":
        inner = integer_bounds(node.arguments[0])
        highest = None if inner is None else _least([-inner[1], inner[0]])
        return None if highest is None else (ZERO, -highest)
    if name not in ("where", "maximum", "minimum"):
        return None
    branches = [b for a in node.arguments[-2:] if (b := integer_bounds(a)) is not None]
    if len(branches) < 2:
        return None
    lows, highs = [b[0] for b in branches], [-b[1] for b in branches]
    low = _larger(*lows) if name == "maximum" else _least(lows)
    high = _larger(*highs) if name == "minimum" else _least(highs)
    return None if low is None or high is None else (low, -high)


def _larger(a: Expr, b: Expr) -> Expr:
    """The larger of two numbers in the dimensions; any of them where that is not known."""
    return b if expand(b - a).is_nonnegative else a


def _least(values: Sequence[Expr]) -> Expr | None:
    """What no number in the dimensions is below: the least of them, or 0; None where that is not known."""
    found = next((v for v in values if all(expand(u - v).is_nonnegative for u in values)), None)
    if found is None and all(expand(v).is_nonnegative for v in values):
        return ZERO
    return found


def affine(node: Node) -> Span | None:
    """``start + step * (0, 1, 2, ...)`` as a span: ``np.arange(n)``, ``np.arange(1, n)``, slices of them."""
    match node:
        case Named():
            return affine(node.body)
        case Range():
            return Span(ZERO, ONE, node.dim)
        case Sum() if len(node.shape) == 1:
            moving = [(w, affine(n)) for w, n in node.terms if not _is_constant(n)]
            fixed: Expr = sum((w * _constant(n) for w, n in node.terms if _is_constant(n)), ZERO)
            if len(moving) != 1 or moving[0][1] is None or not fixed.is_integer:
                return None
            weight, inner = moving[0]
            if inner is None or not (weight.is_integer and weight.is_nonzero):
                return None
            return Span(expand(weight * inner.start + fixed), weight * inner.step, inner.count)
        case Contraction(factors=((inner, (0,)),)) if not node.bound and node.coefficient.is_integer:
            own = affine(inner)
            scale = node.coefficient
            return None if own is None or scale == 0 else Span(scale * own.start, scale * own.step, own.count)
        case Contraction(factors=((inner, (k,)), (Slice() as cut, (i, 0)))) if k == i and node.coefficient == 1:
            own = affine(inner)
            return None if own is None else Span(cut.start, cut.step, cut.count).of(own)
    return None


def _is_constant(node: Node) -> bool:
    return isinstance(node, Contraction) and not node.factors and not node.bound


def _constant(node: Node) -> Expr:
    assert isinstance(node, Contraction)
    return node.coefficient


NO_INDEX = (
    "an array of indices must hold integers: a declared array with a domain of integers (sd.integers, sd.labels), "
    "np.arange(n), or sums of these"
)


def _check_bounds(node: Node, size: Expr) -> None:
    """An index must be certainly an integer from 0 to size - 1."""
    bounds = integer_bounds(node)
    if bounds is not None and expand(bounds[0]).is_nonnegative and expand(size - 1 - bounds[1]).is_nonnegative:
        return
    leaf, shift = indexing_leaf(node)
    if leaf is not None:
        raise IndexDomainError(leaf.name, expand(size - 1 - shift), -shift)
    if bounds is None:
        raise UnsupportedError(NO_INDEX)
    raise ShapeError(f"an index from {bounds[0]} to {bounds[1]} does not fit an axis of size {size}")


def indexing_leaf(node: Node) -> tuple[Leaf | None, Expr]:
    """The declared array whose entries, plus a constant integer, are an index."""
    match node:
        case Leaf():
            return node, ZERO
        case Named():
            return indexing_leaf(node.body)
        case Map(function="trunc"):  # what astype(int) makes
            return indexing_leaf(node.arguments[0])
        case Contraction() if node.coefficient == 1:
            others = [f for f, _ in node.factors if not isinstance(f, Basis | Slice | Merge | Delta)]
            return indexing_leaf(others[0]) if len(others) == 1 else (None, ZERO)
        case Sum(terms=((weight, term), (shift, constant))) if weight == 1 and _is_constant(constant):
            leaf, inner = indexing_leaf(term)
            added = shift * _constant(constant)
            return (leaf, inner + added) if added.is_integer else (None, ZERO)
    return None, ZERO


def check_index(node: Node, size: Expr) -> None:
    """Counted indices are held inside by their ``Slice``; others by their domain."""
    counted = affine(node)
    if counted is None:
        _check_bounds(node, size)
    elif counted.start.is_negative or counted.last.is_negative or expand(size - 1 - counted.last).is_negative:
        raise ShapeError(f"indices from {counted.start} to {expand(counted.last)} do not fit an axis of size {size}")
