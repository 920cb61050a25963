"""Slices and reshapes in a program: composed, cancelled, and pushed to what they cut.

``Slice`` and ``Merge`` are matrices of zeros and ones, so what happens between two
of them is decided by their indices alone: a slice of a padded array is the array,
or nothing where the two do not meet; a reshape and its reverse cancel.  A slice of
an elementwise expression is the expression of the slices.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, expand

from symderive.language import build
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
    Named,
    Node,
    Number,
    Opaque,
    Slice,
    Sum,
)

Cut = Slice | Merge | Basis


def selected(node: Contraction) -> Node:
    """The contraction with its slices, reshapes and picks composed, cancelled and pushed inwards."""
    if not any(isinstance(f, Cut) for f, _ in node.factors):
        return node
    current: Node = node
    while isinstance(current, Contraction):
        after = _composed(current)
        if after is None:
            break
        current = after
    if isinstance(current, Contraction):
        current = _pushed(current)
    return current


def parted(node: Contraction) -> Node:
    """A sum over an axis that is put together from pieces, as the sum of the sums over the pieces.

    ``Σ f(concatenate(a, b)) = Σ f(a) + Σ f(b)``: the slices below say where the pieces meet.
    """
    for label in node.bound:
        carriers = [node.factors[k] for k in _carriers(node, label)]
        if not carriers or any(ls.count(label) > 1 or isinstance(f, Cut) for f, ls in carriers):
            continue
        pieces: dict[Slice, None] = {}
        for f, ls in carriers:
            _pieces(f, ls.index(label), pieces)
        order = _tiling(list(pieces), node.label_dims[label])
        if order is None:
            continue
        terms: list[tuple[Expr, Node]] = []
        for piece in order:
            dims = dict(enumerate(node.label_dims)) | {label: piece.count}
            factors = [(cut(f, ls.index(label), piece) if label in ls else f, ls) for f, ls in node.factors]
            part = build.contract(node.coefficient, factors, range(node.out_rank), dims)
            terms.append((ONE, selected(part) if isinstance(part, Contraction) else part))
        return build.add(terms, node.shape)
    return node


def _pieces(node: Node, axis: int, found: dict[Slice, None]) -> None:
    """The slices of step 1 that place parts of an expression on one of its axes."""
    match node:
        case Sum():
            for _, term in node.terms:
                _pieces(term, axis, found)
        case Map():
            for a in node.arguments:
                if a.shape:
                    _pieces(a, axis, found)
        case Contraction():
            for f, ls in node.factors:
                if axis in ls and isinstance(f, Slice) and ls[0] == axis and f.step == 1:
                    found[f] = None
                elif axis in ls and not isinstance(f, Slice):
                    _pieces(f, ls.index(axis), found)
        case _:
            return


def _tiling(pieces: list[Slice], size: Expr) -> list[Slice] | None:
    """The pieces in order, where they cover an axis one after the other."""
    order: list[Slice] = []
    start: Expr = 0 * ONE
    while len(order) < len(pieces):
        found = next((p for p in pieces if p not in order and expand(p.start - start) == 0), None)
        if found is None:
            return None
        order.append(found)
        start = start + found.count
    return order if len(order) > 1 and expand(start - size) == 0 else None


def _carriers(node: Contraction, label: int) -> list[int]:
    return [k for k, (_, ls) in enumerate(node.factors) if label in ls]


def _without(node: Contraction, gone: Sequence[int], new: Sequence[Factor], dead: Sequence[int]) -> Node:
    """The contraction with some factors replaced and some bound labels used up."""
    factors = [f for k, f in enumerate(node.factors) if k not in gone]
    factors[min(gone) : min(gone)] = new
    dims = {k: s for k, s in enumerate(node.label_dims) if k not in dead}
    return build.contract(node.coefficient, factors, range(node.out_rank), dims)


def _zero(node: Contraction) -> Node:
    return build.zeros(node.shape)


def _composed(node: Contraction) -> Node | None:
    """One step: a slice with a slice, a unit vector, or a reshape with its reverse; None if there is none."""
    for k, (factor, labels) in enumerate(node.factors):
        if isinstance(factor, Slice):
            if factor.start == 0 and factor.step == 1 and factor.count == factor.size:
                return _without(node, [k], [(Delta(factor.size), labels)], [])
            if _reverses(factor) and labels[0] < node.out_rank <= labels[1]:
                return _without(node, [k], [(factor, labels[::-1])], [])
            for position, label in enumerate(labels):
                found = _slice_step(node, k, factor, labels, position, label)
                if found is not None:
                    return found
        if isinstance(factor, Merge):
            found = _merge_step(node, k, factor, labels)
            if found is not None:
                return found
        if isinstance(factor, Basis):
            found = _picked_twice(node, k, factor, labels[0])
            if found is not None:
                return found
    return None


def _reverses(factor: Slice) -> bool:
    """Whether a slice turns a whole axis round: a symmetric matrix."""
    return factor.step == -1 and factor.count == factor.size


def _picked_twice(node: Contraction, k: int, factor: Basis, label: int) -> Node | None:
    """``<e_a, e_b>`` is 1 or 0; a single bound unit vector sums to 1."""
    others = [m for m in _carriers(node, label) if m != k]
    if label < node.out_rank or any(not isinstance(node.factors[m][0], Basis) for m in others):
        return None
    if not others:
        return _without(node, [k], [], [label])
    partner = node.factors[others[0]][0]
    assert isinstance(partner, Basis)
    apart = partner.index - factor.index
    if apart == 0:
        return _without(node, [others[0]], [], [])
    return _zero(node) if apart.is_nonzero else None


def _slice_step(
    node: Contraction, k: int, factor: Slice, labels: Labels, position: int, label: int
) -> Node | None:
    if label < node.out_rank or labels[0] == labels[1]:
        return None
    others = [m for m in _carriers(node, label) if m != k]
    other = labels[1 - position]
    if not others and position == 0:  # each place of a slice is one place of the axis
        return _without(node, [k], [], [label])
    if len(others) != 1:
        return None
    partner, own = node.factors[others[0]]
    if own.count(label) > 1:
        return None
    gone = [k, others[0]]
    if isinstance(partner, Basis):
        if position == 1:
            index = factor.start + factor.step * partner.index
            return _without(node, gone, [(Basis(factor.size, index), (other,))], [label])
        if abs(factor.step) != 1:
            return None
        place = (partner.index - factor.start) / factor.step
        if place.is_negative or (place - factor.count).is_nonnegative:
            return _zero(node)
        if place.is_nonnegative and (factor.count - 1 - place).is_nonnegative:
            return _without(node, gone, [(Basis(factor.count, place), (other,))], [label])
        return None
    if not isinstance(partner, Slice) or own[0] == own[1]:
        return None
    end = own[1] if own[0] == label else own[0]
    if own[0] == label and position == 0:
        return _met(node, gone, factor, other, partner, end, label)
    if own[0] == label and position == 1:  # a slice of a slice
        joint = Slice(
            factor.size, partner.count, factor.start + factor.step * partner.start, factor.step * partner.step
        )
        return _without(node, gone, [(joint, (other, end))], [label])
    return None


def _met(
    node: Contraction, gone: list[int], a: Slice, ka: int, b: Slice, kb: int, label: int
) -> Node | None:
    """Two slices of one axis: where they meet."""
    if a is b:
        return _without(node, gone, [(Delta(a.count), (ka, kb))], [label])
    if a.step != 1 or b.step != 1:
        return None
    before = b.start - a.start
    after = a.start + a.count - b.start - b.count
    if (before - a.count).is_nonnegative or (-before - b.count).is_nonnegative:
        return _zero(node)
    if before.is_nonnegative and after.is_nonnegative:
        return _without(node, gone, [(Slice(a.count, b.count, before, ONE), (ka, kb))], [label])
    if before.is_nonpositive and after.is_nonpositive:
        return _without(node, gone, [(Slice(b.count, a.count, -before, ONE), (kb, ka))], [label])
    return None


def _merge_step(node: Contraction, k: int, factor: Merge, labels: Labels) -> Node | None:
    whole, i, j = labels
    if len(set(labels)) < 3:
        return None
    above = [m for m in _carriers(node, whole) if m != k]
    if whole >= node.out_rank and not above:
        return _without(node, [k], [], [whole])
    if whole >= node.out_rank and len(above) == 1:
        partner, own = node.factors[above[0]]
        if partner is factor and own[0] == whole and len(set(own)) == 3:
            new = [(Delta(factor.first), (i, own[1])), (Delta(factor.second), (j, own[2]))]
            return _without(node, [k, above[0]], new, [whole])
    if i >= node.out_rank and j >= node.out_rank:
        left = [m for m in _carriers(node, i) if m != k]
        right = [m for m in _carriers(node, j) if m != k]
        if not left and not right:
            return _without(node, [k], [], [i, j])
        if left == right and len(left) == 1:
            partner, own = node.factors[left[0]]
            if partner is factor and own[1:] == (i, j) and own[0] not in (i, j):
                new = [(Delta(factor.first * factor.second), (whole, own[0]))]
                return _without(node, [k, left[0]], new, [i, j])
    return None


# -- pushing inwards ---------------------------------------------------------------------


def _pushed(node: Contraction) -> Node:
    """A slice (or a reshape undone) of an expression that is itself built of slices, pushed into it."""
    for k, (factor, labels) in enumerate(node.factors):
        if not isinstance(factor, Cut) or labels[0] < node.out_rank or len(set(labels)) < len(labels):
            continue
        whole, *parts = labels
        others = [m for m in _carriers(node, whole) if m != k]
        inner = [node.factors[m] for m in others]
        if not inner or any(ls.count(whole) > 1 for _, ls in inner):
            continue
        if not any(_is_cut(f, ls.index(whole)) for f, ls in inner):
            continue
        new: list[Factor] = []
        for f, ls in inner:
            axis = ls.index(whole)
            new.append((cut(f, axis, factor), (*ls[:axis], *parts, *ls[axis + 1 :])))
        return _without(node, [k, *others], new, [whole])
    return node


def _is_cut(node: Node, axis: int) -> bool:
    """Whether an axis of an expression comes from slices, reshapes or unit vectors below it."""
    match node:
        case Sum():
            return any(_is_cut(term, axis) for _, term in node.terms)
        case Map():
            return any(a.shape and _is_cut(a, axis) for a in node.arguments)
        case Opaque():
            return axis in node.batch and _is_cut(node.arguments[0], axis)
        case Contraction():
            return any(
                isinstance(f, Slice | Merge | Basis) or _is_cut(f, ls.index(axis))
                for f, ls in node.factors
                if axis in ls
            )
    return False


def cut(node: Node, axis: int, by: Cut) -> Node:
    """The node with one axis cut by a slice, taken apart by a reshape, or gone by a pick."""
    extra = by.rank - 2
    parts = list(range(axis, axis + by.rank - 1))
    sizes: tuple[Expr, ...] = by.shape[1:]
    shape = (*node.shape[:axis], *sizes, *node.shape[axis + 1 :])
    match node:
        case Sum():
            return build.add([(w, cut(term, axis, by)) for w, term in node.terms], shape)
        case Map():
            return build.rebuild(node, [cut(a, axis, by) if a.shape else a for a in node.arguments])
        case Opaque() if axis in node.batch:
            return build.rebuild(node, [cut(node.arguments[0], axis, by)])
        case Contraction():
            return _cut_contraction(node, axis, by, shape)
        case Leaf() | Number() | Named() | Opaque() | Delta() | Basis() | Slice() | Merge():
            pass
    labels = [k if k < axis else k + extra for k in range(node.rank)]
    whole = len(shape)
    labels[axis] = whole
    dims = dict(enumerate(shape)) | {whole: node.shape[axis]}
    return build.contract(ONE, [(node, labels), (by, (whole, *parts))], range(len(shape)), dims)


def _cut_contraction(node: Contraction, axis: int, by: Cut, shape: tuple[Expr, ...]) -> Node:
    extra = len(shape) - node.rank
    rename = {k: k if k < axis else k + extra for k in range(len(node.label_dims))}
    whole = len(node.label_dims) + extra
    parts = list(range(axis, axis + by.rank - 1))
    dims = {rename[k]: s for k, s in enumerate(node.label_dims) if k != axis}
    dims |= dict(zip(parts, by.shape[1:], strict=True))
    factors: list[tuple[Node, Sequence[int]]] = []
    left = False
    for f, ls in node.factors:
        if axis not in ls:
            factors.append((f, [rename[x] for x in ls]))
        elif ls.count(axis) == 1 and not isinstance(f, Delta | Basis | Slice | Merge):
            at = ls.index(axis)
            own = [rename[x] for x in ls]
            factors.append((cut(f, at, by), [*own[:at], *parts, *own[at + 1 :]]))
        else:
            left = True
            factors.append((f, [whole if x == axis else rename[x] for x in ls]))
    if left:
        dims[whole] = by.shape[0]
        factors.append((by, (whole, *parts)))
    made = build.contract(node.coefficient, factors, range(len(shape)), dims)
    if isinstance(made, Contraction) and left:
        made = selected(made)
    return made
