"""The matrix view: from index notation to products, transposes and Hadamards.

A contraction is a small graph: labels are vertices, matrices edges, vectors
decorations.  Bound labels go one at a time: two matrices on a label are ``@``
(with ``diag`` between them if vectors sit on it), a matrix and vectors are a
matrix-vector product, two vectors an inner product, one operand a sum.  What
has no such form becomes an einsum; nothing is ever dropped: a bound label that
nothing carries is a factor of its dimension, an output label that nothing
carries a product with ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Rational, fraction
from sympy import Mul as SymMul
from sympy import Pow as SymPow

from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.bindings import opened
from symderive.language.domains import Domain
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    ON_MATRICES,
    ONE,
    Basis,
    Binding,
    Contraction,
    Delta,
    Differential,
    Labels,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Shape,
    Slice,
    Sum,
)
from symderive.language.symmetry import is_symmetric, one_hot_of
from symderive.language.views import layout
from symderive.language.views import tree as t
from symderive.language.views.masks import is_truth, with_numbers


def _bound_names(node: Node) -> set[str]:
    """The names of the variables that the bindings in a template bind, however deep."""
    found: set[str] = set()
    for inner in node.walk():
        if isinstance(inner, Binding):
            found |= {*inner.names, *_bound_names(inner.body)}
    return found


def _free_name(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if it is taken."""
    tried, k = name, 1
    while tried in taken:
        tried, k = f"{name}_{k}", k + 1
    return tried


@dataclass(frozen=True)
class Lifted:
    """A tree and the definitions it uses, in an order that can be evaluated."""

    tree: t.Tree
    definitions: tuple[tuple[str, t.Tree], ...]

    def count(self) -> int:
        """Tree nodes, definitions included."""
        return self.tree.count() + sum(d.count() for _, d in self.definitions)


@dataclass(frozen=True)
class _Item:
    """A tree whose axes carry distinct labels; ``inverse`` puts it in a denominator.

    A ``symmetric`` matrix is its own transpose and is never turned.
    """

    tree: t.Tree
    labels: Labels
    inverse: bool = False
    symmetric: bool = False


def lift(node: Node) -> Lifted:
    """The tree of a node, of the node's shape."""
    lifter = _Lifter()
    return lifter.lifted(lifter.strict(node))


def lift_tree(node: Node) -> t.Tree:
    """The tree of a node alone: its definitions are names and are not looked into."""
    lifter = _Lifter(opened=False)
    return lifter.lifted(lifter.strict(node)).tree


def lift_array(array: Array) -> Lifted:
    """The tree of an array, transposed and with new axes as the array is seen."""
    lifter = _Lifter()
    tree = lifter.strict(array.node)
    order = [a for a in array.axes if a is not None]
    if order != sorted(order):
        tree = transpose(tree) if len(order) == 2 else permute(tree, order)
    if None in array.axes:
        tree = t.Index(array.dims, tree, tuple(None if a is None else ":" for a in array.axes))
    return lifter.lifted(tree)


# -- tree makers that keep the tree small -------------------------------------------


def permute(tree: t.Tree, order: Sequence[int]) -> t.Tree:
    """Transpose by an einsum, for rank 3 and more."""
    letters = "ijklmnopqrstuvwxyz"[: len(order)]
    text = f"{letters}->{''.join(letters[k] for k in order)}"
    return t.Call(tuple(tree.shape[k] for k in order), "einsum", (tree,), subscripts=text)


def transpose(tree: t.Tree) -> t.Tree:
    """``tree.T`` of a matrix, pushed in where that is shorter."""
    shape = tree.shape[::-1]
    match tree:
        case t.Transpose(operand=operand):
            return operand
        case t.MatMul(factors=factors) if all(len(f.shape) == 2 for f in factors):
            return t.MatMul(shape, tuple(transpose(f) for f in reversed(factors)))
        case t.Call(function="diag" | "eye"):
            return tree
        case t.Call(function="outer", arguments=(a, b)):
            return t.Call(shape, "outer", (b, a))
        case t.Call(function="ones" | "zeros"):
            return t.Call(shape, tree.function, (), sizes=shape)
        case t.Call(function="pad", arguments=(operand,), sizes=sizes):
            return t.Call(shape, "pad", (transpose(operand),), sizes=(*sizes[2:], *sizes[:2]))
        case t.Call(function="softmax" | "log_softmax", arguments=(t.Transpose(operand=inner),), axis=1):
            return t.Call(shape, tree.function, (inner,), axis=0)
        case t.Neg(operand=operand):
            return t.Neg(shape, transpose(operand))
        case t.Div(numerator=numerator, denominator=denominator) if not denominator.shape:
            return t.Div(shape, transpose(numerator), denominator)
        case t.Mul(factors=factors) if sum(1 for f in factors if f.shape) == 1:
            return t.Mul(shape, tuple(transpose(f) if f.shape else f for f in factors))
        case t.D(operand=t.Name()):
            return t.Transpose(shape, tree)
    if isinstance(tree, t.Add | t.Mul | t.Pow | t.Call) and _mostly_transposed(tree):
        return _untransposed(tree)
    return t.Transpose(shape, tree)


def _mostly_transposed(tree: t.Tree) -> bool:
    """Whether at least half of an elementwise tree's matrices are transposes."""
    if isinstance(tree, t.Call) and tree.function not in FUNCTIONS:
        return False
    wide = [c for c in tree.children if c.shape]
    if any(c.shape != tree.shape for c in wide):
        return False
    turned = [c for c in wide if isinstance(c, t.Transpose) or (c.children and _mostly_transposed(c))]
    return bool(wide) and 2 * len(turned) >= len(wide)


def _untransposed(tree: t.Tree) -> t.Tree:
    shape = tree.shape[::-1]
    turned = [transpose(c) if c.shape else c for c in tree.children]
    match tree:
        case t.Add(terms=terms):
            return t.Add(shape, tuple((s, c) for (s, _), c in zip(terms, turned, strict=True)))
        case t.Mul():
            return t.Mul(shape, tuple(turned))
        case t.Pow():
            return t.Pow(shape, turned[0], turned[1])
        case t.Call(function=function):
            return t.Call(shape, function, tuple(turned))
    return t.Transpose(shape, tree)


def negate(tree: t.Tree) -> t.Tree:
    """Minus the tree."""
    if isinstance(tree, t.Neg):
        return tree.operand
    return t.Neg(tree.shape, tree)


def scaled(coefficient: Expr, tree: t.Tree) -> t.Tree:
    """``coefficient * tree``: numerator in front, denominator behind, sign outside."""
    if coefficient == 1:
        return tree
    if isinstance(tree, t.Num):
        return number(coefficient * tree.value)
    if coefficient.could_extract_minus_sign():
        return negate(scaled(-coefficient, tree))
    above, below = _root_fraction(coefficient)
    if isinstance(tree, t.Div) and above != 1:
        return scaled(1 / below, t.Div(tree.shape, scaled(above, tree.numerator), tree.denominator))
    result = tree
    if above != 1:
        parts = result.factors if isinstance(result, t.Mul) and _takes_number(result) else (result,)
        result = t.Mul(tree.shape, (number(above), *parts))
    if below != 1:
        if isinstance(result, t.Div) and not result.denominator.shape:
            scalar = t.Mul((), (number(below), result.denominator))
            return t.Div(tree.shape, result.numerator, scalar)
        result = t.Div(tree.shape, result, number(below))
    return result


def _root_fraction(coefficient: Expr) -> tuple[Expr, Expr]:
    """Numerator and denominator; a product of roots as one root, 1/√(2π) rather than √2/(2√π)."""
    if t.decimal(coefficient) is not None and coefficient.p != 1:
        return coefficient, ONE
    above, below = fraction(coefficient)
    if not any(isinstance(p, SymPow) and p.exp.is_Rational and p.exp.q == 2 for p in coefficient.atoms(SymPow)):
        return above, below
    square_above, square_below = fraction(coefficient**2)
    rooted = SymPow(square_above, Rational(1, 2)), SymPow(square_below, Rational(1, 2))
    return min((above, below), rooted, key=lambda pair: _length(pair[0]) + _length(pair[1]))


def _length(value: Expr) -> int:
    """How long a constant is in print, where the roots among its factors are one root."""
    factors = [f for f in SymMul.make_args(value) if f != 1]
    rest = [f for f in factors if not (isinstance(f, SymPow) and f.exp == Rational(1, 2))]
    return sum(1 + int(f.count_ops()) for f in rest) + (len(rest) < len(factors))


def _takes_number(tree: t.Mul) -> bool:
    return not isinstance(tree.factors[0], t.Num)


def number(value: Expr) -> t.Tree:
    """A constant; negative ones as a Neg so that writers see the sign."""
    if (value.is_number and value.is_negative) or (value.is_Mul and value.could_extract_minus_sign()):
        return t.Neg((), t.Num((), -value))
    return t.Num((), value)


def _matmul(shape: Shape, *factors: t.Tree) -> t.Tree:
    flat: list[t.Tree] = []
    for f in factors:
        if isinstance(f, t.MatMul):
            flat.extend(f.factors)
        else:
            flat.append(f)
    return t.MatMul(shape, tuple(flat))


class _Lifter:
    """One walk over one program; collects the definitions it meets."""

    def __init__(self, *, opened: bool = True) -> None:
        self.definitions: dict[str, t.Tree] = {}
        self._opened = opened
        self._masks = False
        self._done: dict[Node, tuple[t.Tree, Labels]] = {}

    def lifted(self, tree: t.Tree) -> Lifted:
        """The tree with the definitions met, masks among them written as numbers where NumPy needs it."""
        if not self._masks:
            return Lifted(tree, tuple(self.definitions.items()))
        truths: set[str] = set()
        definitions: list[tuple[str, t.Tree]] = []
        for name, body in self.definitions.items():
            done = with_numbers(body, truths)
            if is_truth(done, truths):
                truths.add(name)
            definitions.append((name, done))
        return Lifted(with_numbers(tree, truths), tuple(definitions))

    # -- shapes -------------------------------------------------------------------

    def strict(self, node: Node) -> t.Tree:
        """The tree of exactly the node's shape."""
        tree, labels = self.loose(node)
        return self._fill(tree, labels, node.shape)

    def _fill(self, tree: t.Tree, labels: Labels, shape: Shape) -> t.Tree:
        if len(labels) == len(shape):
            return tree
        if isinstance(tree, t.Num) and tree.value == 0:
            return t.Call(shape, "zeros", (), sizes=shape)
        if isinstance(tree, t.Num) and tree.value == 1:
            return t.Call(shape, "ones", (), sizes=shape)
        if len(shape) == 2 and len(labels) == 1:
            missing = 1 - labels[0]
            unit = t.Call((shape[missing],), "ones", (), sizes=(shape[missing],))
            pair = (tree, unit) if missing == 1 else (unit, tree)
            return t.Call(shape, "outer", pair)
        unit = t.Call(shape, "ones", (), sizes=shape)
        if isinstance(tree, t.Num):
            return scaled(tree.value, unit)
        if isinstance(tree, t.Neg) and isinstance(tree.operand, t.Num):
            return negate(scaled(tree.operand.value, unit))
        inner = _expand(tree, labels, tuple(range(len(shape))), shape)
        if isinstance(inner, t.Neg):
            return t.Neg(shape, t.Mul(shape, (inner.operand, unit)))
        return t.Mul(shape, (inner, unit) if not inner.shape else (unit, inner))

    def loose(self, node: Node) -> tuple[t.Tree, Labels]:
        """A tree over the axes that the node really varies along, and which those are."""
        found = self._done.get(node)
        if found is None:
            found = self._loose(node)
            self._done[node] = found
        return found

    def _loose(self, node: Node) -> tuple[t.Tree, Labels]:
        every = tuple(range(node.rank))
        match node:
            case Leaf():
                return t.Name(node.shape, node.name), every
            case Number(value=value):
                return number(value), ()
            case Named():
                if self._opened and node.name not in self.definitions:
                    body = self.strict(node.body)
                    self.definitions[node.name] = body
                return t.Name(node.shape, node.name), every
            case Delta():
                return t.Call(node.shape, "eye", (), sizes=(node.dim,)), every
            case Basis():
                index = layout.near(node.index, node.dim)
                return t.Call(node.shape, "basis", (t.Num((), index),), sizes=(node.dim,)), every
            case Range():
                return t.Call(node.shape, "arange", (), sizes=(node.dim,)), every
            case Slice():
                return layout.slice_matrix(node), every
            case Merge():
                return layout.merge_tensor(node), every
            case Differential():
                return t.D(node.shape, self.strict(node.body)), every
            case Binding():
                return self._binding(node), every
            case Sum():
                return self._sum(node)
            case Map():
                return self._map(node)
            case Opaque():
                return self._opaque(node), every
            case Contraction():
                return self._contraction(node)
        raise TypeError(f"no matrix view of {type(node).__name__}")

    def _binding(self, node: Binding) -> t.Tree:
        """A derivative, integral or sum, its bound variables called so that nothing else is called the same."""
        point = node.low if node.kind == "derivative" else ()
        own = all(isinstance(p, Leaf) for p in point) and len(set(point)) == len(point)
        if point and own and not set(point) & {leaf for a in node.arguments for leaf in a.leaves()}:
            variables = [p for p in point if isinstance(p, Leaf)]
            low: tuple[t.Tree | None, ...] = ()
        else:
            taken = {leaf.name for a in node.arguments for leaf in a.leaves()} | _bound_names(node.body)
            variables = []
            for name in node.names:
                name = _free_name(name, taken)
                taken.add(name)
                variables.append(Leaf(name, (), Domain()))
            low = tuple(None if end is None else self.strict(end) for end in node.low)
        high = tuple(None if end is None else self.strict(end) for end in node.high)
        body = self.strict(build.without_names(opened(node, variables)))
        return t.Bind((), node.kind, body, tuple(v.name for v in variables), low, high, node.orders)

    # -- elementwise -----------------------------------------------------------------

    def _joint(self, nodes: Iterable[Node], shape: Shape) -> tuple[list[t.Tree], Labels]:
        parts = [self.loose(n) for n in nodes]
        labels = tuple(sorted({x for _, ls in parts for x in ls}))
        return [_expand(tree, ls, labels, shape) for tree, ls in parts], labels

    def _sum(self, node: Sum) -> tuple[t.Tree, Labels]:
        trees, labels = self._joint((n for _, n in node.terms), node.shape)
        shape = tuple(node.shape[x] for x in labels)
        terms: list[tuple[int, t.Tree]] = []
        for (weight, _), tree in zip(node.terms, trees, strict=True):
            full = scaled(weight, tree)
            terms.append((-1, full.operand) if isinstance(full, t.Neg) else (1, full))
        flat: list[tuple[int, t.Tree]] = []
        for sign, term in terms:
            if isinstance(term, t.Add) and len(term.shape) <= len(shape):
                flat.extend((sign * s, x) for s, x in term.terms)
            else:
                flat.append((sign, term))
        whole = layout.joined(flat, shape) or layout.stacked(flat)
        if whole is not None:
            return whole, labels
        first = next((i for i, (sign, _) in enumerate(flat) if sign > 0), 0)
        flat.insert(0, flat.pop(first))
        if all(sign < 0 for sign, _ in flat):
            return t.Neg(shape, t.Add(shape, tuple((1, x) for _, x in flat))), labels
        return t.Add(shape, tuple(flat)), labels

    def _map(self, node: Map) -> tuple[t.Tree, Labels]:
        if layout.triangle(node) is not None:
            return layout.tri(node), (0, 1)
        if (hot := one_hot_of(node)) is not None and hot[1] == tuple(range(node.rank - 1)):
            leaf, axes, _ = hot
            size = node.shape[-1]
            index = t.Name(leaf.shape, leaf.name)
            return t.Index(node.shape, t.Call((size, size), "eye", (), sizes=(size,)), (index,)), (*axes, node.rank - 1)
        trees, labels = self._joint(node.arguments, node.shape)
        shape = tuple(node.shape[x] for x in labels)
        self._masks = self._masks or FUNCTIONS[node.function].mask
        if node.function == "power":
            return _power(shape, trees[0], trees[1]), labels
        return t.Call(shape, node.function, tuple(trees)), labels

    def _opaque(self, node: Opaque) -> t.Tree:
        argument = self.strict(node.arguments[0])
        rank = len(argument.shape)
        if node.function in ON_MATRICES:
            return _matrix_function(node, argument)
        function = "max" if node.function == "is_max" else "min" if node.function == "is_min" else node.function
        mask = function != node.function
        self._masks = self._masks or mask
        turned = transpose(argument) if rank == 2 else argument
        shorter = rank == 2 and turned.count() < argument.count()
        if shorter:
            argument = turned
        axis = 0 if shorter else rank - 1 if rank else None
        if mask:
            shape = tuple(ONE if k == axis else s for k, s in enumerate(argument.shape)) if rank > 1 else ()
            best = t.Call(shape, function, (argument,), axis=axis, keepdims=rank > 1)
            made: t.Tree = t.Call(argument.shape, "eq", (argument, best))
        else:
            keeps = node.shape == node.arguments[0].shape
            made = t.Call(argument.shape if keeps else node.shape, function, (argument,), axis=axis)
        return t.Transpose(node.shape, made) if shorter and len(made.shape) == 2 else made

    # -- contractions -------------------------------------------------------------------

    def _contraction(self, node: Contraction) -> tuple[t.Tree, Labels]:
        coefficient = node.coefficient
        out = set(range(node.out_rank))
        factors, dims = build.without_deltas(node)
        items: list[_Item] = []
        picks: dict[int, Expr] = {}
        layouts: list[tuple[Slice | Merge, Labels]] = []
        gathers: list[tuple[Node, Labels]] = []
        for factor, labels in factors:
            if isinstance(factor, Basis) and labels[0] not in out and labels[0] not in picks:
                picks[labels[0]] = factor.index
            elif isinstance(factor, Slice | Merge):
                layouts.append((factor, labels))
            elif isinstance(factor, Map) and one_hot_of(factor) is not None and len(set(labels)) == len(labels):
                gathers.append((factor, labels))
            else:
                items.append(self._item(factor, labels))
        work = _Selecting([_distinct(item) for item in items], picks, layouts, gathers, dims, out)
        for label, size in dims.items():
            if label not in out and label not in work.carried():
                coefficient = coefficient * size
        items = work.done()
        tree, labels = _assemble(items, dims)
        return _with_coefficient(coefficient * work.repeats, _turned_as_one(tree)), labels

    def _item(self, factor: Node, labels: Labels) -> _Item:
        if isinstance(factor, Map) and factor.function == "power":
            base, exponent = factor.arguments
            if isinstance(exponent, Number) and exponent.value.is_number and exponent.value.is_negative:
                tree, own = self.loose(base)
                below = _power(tree.shape, tree, number(-exponent.value))
                return _Item(below, tuple(labels[k] for k in own), inverse=True)
        tree, own = self.loose(factor)
        symmetric = len(own) == factor.rank == 2 and is_symmetric(factor)
        return _Item(tree, tuple(labels[k] for k in own), symmetric=symmetric)


def _at_index(item: _Item, label: int, own: Labels, index: t.Tree) -> _Item | None:
    """The item with an axis taken at an array of indices that lies along ``own``; None where that is not one index."""
    if len(own) != 1:
        return None
    (row,) = own
    position = item.labels.index(label)
    shape = list(item.tree.shape)
    keys: list[t.Key] = [":"] * len(shape)
    keys[position] = index
    if row not in item.labels:
        shape[position] = index.shape[0]
        labels = tuple(row if x == label else x for x in item.labels)
        return _Item(t.Index(tuple(shape), item.tree, tuple(keys[: position + 1])), labels, item.inverse)
    if len(shape) != 2:
        return None
    keys[1 - position] = t.Call(index.shape, "arange", (), sizes=index.shape)
    return _Item(t.Index(index.shape, item.tree, tuple(keys)), (row,), item.inverse)


class _Selecting:
    """Entries, gathers, slices and reshapes among the factors of a contraction, used up one after the other.

    What takes entries of a bound label (an index, an array of indices, a slice, an axis taken
    apart) is applied to all that carries the label, once nothing else makes it.  What places a
    bound label among zeros, or joins two, is applied to the product of all that carries them, once
    the other bound labels are summed.  What fits neither stands as a matrix of its own.
    """

    def __init__(
        self,
        items: list[_Item],
        picks: dict[int, Expr],
        layouts: list[tuple[Slice | Merge, Labels]],
        gathers: list[tuple[Node, Labels]],
        dims: dict[int, Expr],
        out: set[int],
    ) -> None:
        self.items = items
        self.picks = picks
        self.layouts = layouts
        self.gathers = gathers
        self.dims = dims
        self.out = out
        self.repeats: Expr = ONE  # over how many equal terms labels were summed that nothing carries any more

    def carried(self) -> set[int]:
        """The labels that some factor carries."""
        return {*self._on_items(), *self.picks, *self._on(self.layouts), *self._on(self.gathers)}

    def done(self) -> list[_Item]:
        """What is left over the output labels."""
        steps = (self._pick, self._gather, self._cut, self._place, self._look_up_by_rows, self._stand)
        while self.picks or self.gathers or self.layouts:
            # The first step that finds something to do; the last one always does.
            next(step for step in steps if step())
        return self._summed(self._on_items() - self.out)

    def _on_items(self) -> set[int]:
        return {x for item in self.items for x in item.labels}

    @staticmethod
    def _on(entries: Iterable[tuple[Node, Labels]]) -> set[int]:
        return {x for _, labels in entries for x in labels}

    def _summed(self, labels: Iterable[int]) -> list[_Item]:
        return _eliminate(self.items, sorted(labels), self.dims)

    def _pick(self) -> bool:
        busy = self._on(self.layouts) | self._on(self.gathers)
        label = next((x for x in self.picks if x not in busy), None)
        if label is not None:
            index = self.picks.pop(label)
            self.items = [_picked(item, label, index) for item in self.items]
        return label is not None

    def _gather(self) -> bool:
        """``Z[np.arange(n), y]`` for Σ_j [y_i = j] Z_ij."""
        for entry in self.gathers:
            leaf, own, summed = _looked_up(*entry)
            others = self._on(self.layouts) | self._on(g for g in self.gathers if g is not entry)
            if summed in self.out or summed in others or summed in self.picks or summed in own:
                continue
            carriers = [i for i in self.items if summed in i.labels]
            index = t.Name(leaf.shape, leaf.name)
            # An index picks one entry: without anything to pick from, the mask sums to 1.
            picked = [_at_index(i, summed, own, index) if i in carriers else i for i in self.items]
            if None not in picked:
                self.items = [i for i in picked if i is not None]
                self.gathers.remove(entry)
                return True
        return False

    def _look_up_by_rows(self) -> bool:
        """A gather that is left, as rows of the identity."""
        if not self.gathers:
            return False
        leaf, own, summed = _looked_up(*self.gathers.pop(0))
        size = self.dims[summed]
        unit = t.Call((size, size), "eye", (), sizes=(size,))
        rows = t.Index((*leaf.shape, size), unit, (t.Name(leaf.shape, leaf.name),))
        self.items.append(_distinct(_Item(rows, (*own, summed))))
        return True

    def _cut(self) -> bool:
        for entry in self.layouts:
            factor, (whole, *parts) = entry
            others = self._on(e for e in self.layouts if e is not entry) | self._on(self.gathers)
            if whole in self.out or whole in others or whole in self.picks or whole in parts or _repeats(parts):
                continue
            self.items = [_distinct(self._opened(item, whole, factor, parts)) for item in self.items]
            self.layouts.remove(entry)
            for part in parts:
                if part not in self.out | self.carried():
                    self.repeats = self.repeats * self.dims[part]
            return True
        return False

    def _place(self) -> bool:
        ready = [entry for entry in self.layouts if self._is_ready(entry)]
        if ready:
            self.layouts = [entry for entry in self.layouts if entry not in ready]
            busy = {*self.out, *self.picks, *self._on(self.layouts), *self._on(self.gathers), *self._on(ready)}
            on_items = self._on_items()
            missing = {x: self.dims[x] for x in sorted({x for _, ls in ready for x in ls[1:]} - on_items)}
            self.items += [_Item(_ones((size,)), (x,)) for x, size in missing.items()]
            self.items = self._applied(self._summed(on_items - busy), ready)
        return bool(ready)

    def _is_ready(self, entry: tuple[Slice | Merge, Labels]) -> bool:
        """Whether it places bound labels that nothing else takes."""
        factor, (whole, *parts) = entry
        others = self._on(e for e in self.layouts if e is not entry) | self._on(self.gathers)
        if whole in parts or _repeats(parts) or any(x in self.out or x in others or x in self.picks for x in parts):
            return False
        return isinstance(factor, Merge) or factor.step == 1 or (factor.step == -1 and factor.count == factor.size)

    def _stand(self) -> bool:
        factor, labels = self.layouts.pop(0)
        tree = layout.slice_matrix(factor) if isinstance(factor, Slice) else layout.merge_tensor(factor)
        self.items.append(_distinct(_Item(tree, labels)))
        return True

    def _opened(self, item: _Item, whole: int, factor: Slice | Merge, parts: Sequence[int]) -> _Item:
        if whole not in item.labels:
            return item
        axis = item.labels.index(whole)
        labels = (*item.labels[:axis], *parts, *item.labels[axis + 1 :])
        if isinstance(factor, Slice):
            return _Item(layout.sliced(item.tree, axis, factor), labels, item.inverse)
        shape = (*item.tree.shape[:axis], factor.first, factor.second, *item.tree.shape[axis + 1 :])
        return _Item(layout.reshaped(item.tree, shape), labels, item.inverse)

    def _applied(self, items: list[_Item], ready: list[tuple[Slice | Merge, Labels]]) -> list[_Item]:
        """Placements, applied to the items that carry their labels."""
        kron = self._kronecker(items, ready)
        if kron is not None:
            return kron
        for factor, (whole, *parts) in ready:
            group = [i for i in items if set(i.labels) & set(parts)]
            first = items.index(group[0])
            items = [i for i in items if i not in group]
            others = tuple(sorted({x for i in group for x in i.labels} - set(parts)))
            labels = (*others, *parts)
            tree = self._over(group, labels)
            if isinstance(factor, Merge):
                shape = (*(self.dims[x] for x in others), factor.first * factor.second)
                made: t.Tree | None = layout.reshaped(tree, shape)
            else:
                made = layout.padded(tree, len(others), factor)
            assert made is not None
            items.insert(min(first, len(items)), _distinct(self._ordered(_Item(made, (*others, whole)))))
        return items

    def _over(self, group: Sequence[_Item], labels: Labels) -> t.Tree:
        """The product of items over labels in a given order."""
        if len(group) == 1:
            return _align(_upright(group[0]), labels)
        if len(labels) == 2 and sorted(i.labels for i in group) == sorted((x,) for x in labels):
            pair = sorted((_upright(i) for i in group), key=lambda i: labels.index(i.labels[0]))
            return t.Call(tuple(self.dims[x] for x in labels), "outer", tuple(i.tree for i in pair))
        return _broadcast_product(group, labels, self.dims)

    def _ordered(self, item: _Item) -> _Item:
        order = tuple(sorted(item.labels))
        if order == item.labels or len(set(order)) < len(order):
            return item
        return _Item(_align(item, order), order, item.inverse)

    def _kronecker(self, items: list[_Item], ready: list[tuple[Slice | Merge, Labels]]) -> list[_Item] | None:
        """``np.kron`` of two matrices (or vectors) whose axes are joined pairwise."""
        merges = [(labels, factor) for factor, labels in ready if isinstance(factor, Merge)]
        if len(merges) != len(ready) or len(merges) > 2:
            return None
        firsts, seconds = tuple(ls[1] for ls, _ in merges), tuple(ls[2] for ls, _ in merges)
        wholes = tuple(ls[0] for ls, _ in merges)
        left = [i for i in items if set(i.labels) == set(firsts)]
        right = [i for i in items if set(i.labels) == set(seconds)]
        touched = {*firsts, *seconds}
        if len(left) != 1 or len(right) != 1 or any(touched & set(i.labels) for i in items if i not in left + right):
            return None
        a, b = _upright(left[0]), _upright(right[0])
        shape = tuple(self.dims[x] for x in wholes)
        made = _Item(t.Call(shape, "kron", (_align(a, firsts), _align(b, seconds))), wholes)
        rest = [i for i in items if i not in left + right]
        return [self._ordered(made), *rest]


def _repeats(labels: Sequence[int]) -> bool:
    return len(set(labels)) < len(labels)


def _looked_up(mask: Node, labels: Labels) -> tuple[Leaf, Labels, int]:
    """The array of indices of a one-hot mask, the labels of its axes, and the label that it looks up."""
    found = one_hot_of(mask)
    assert found is not None
    leaf, axes, place = found
    return leaf, tuple(labels[a] for a in axes), labels[place]


def _ones(shape: Shape) -> t.Tree:
    return t.Call(shape, "ones", (), sizes=shape)


def _turned_as_one(tree: t.Tree) -> t.Tree:
    """``(A @ B).T`` for ``B.T @ A.T``."""
    if isinstance(tree, t.MatMul) and len(tree.shape) == 2 and all(isinstance(f, t.Transpose) for f in tree.factors):
        inner = tuple(f.operand for f in reversed(tree.factors) if isinstance(f, t.Transpose))
        return t.Transpose(tree.shape, t.MatMul(tree.shape[::-1], inner))
    if isinstance(tree, t.Neg):
        return t.Neg(tree.shape, _turned_as_one(tree.operand))
    if isinstance(tree, t.Mul):
        return t.Mul(tree.shape, tuple(_turned_as_one(f) for f in tree.factors))
    if isinstance(tree, t.Div):
        return t.Div(tree.shape, _turned_as_one(tree.numerator), tree.denominator)
    return tree


def _matrix_function(node: Opaque, argument: t.Tree) -> t.Tree:
    """A function of matrices; the transpose of an argument goes outside where it may."""
    if isinstance(argument, t.Transpose) and node.function == "inv":
        inner = argument.operand
        return t.Transpose(node.shape, t.Call(inner.shape, "inv", (inner,)))
    if isinstance(argument, t.Transpose) and node.function in ("det", "logabsdet", "signdet"):
        argument = argument.operand
    return t.Call(node.shape, node.function, (argument,))


def _with_coefficient(coefficient: Expr, tree: t.Tree) -> t.Tree:
    if coefficient == 0:
        return t.Mul(tree.shape, (t.Num((), coefficient), tree)) if tree.shape else t.Num((), coefficient)
    return scaled(coefficient, tree)


def _power(shape: Shape, base: t.Tree, exponent: t.Tree) -> t.Tree:
    if isinstance(exponent, t.Num) and exponent.value == 1:
        return base
    if isinstance(exponent, t.Neg) and isinstance(exponent.operand, t.Num):
        return t.Div(shape, t.Num((), ONE), _power(base.shape, base, exponent.operand))
    if isinstance(base, t.Num) and isinstance(exponent, t.Num):
        return t.Num((), SymPow(base.value, exponent.value))
    if isinstance(exponent, t.Num) and exponent.value.is_Rational and exponent.value.q == 2:
        length = _euclidean(base)
        if length is not None:
            return _power(shape, length, t.Num((), 2 * exponent.value))
    return t.Pow(shape, base, exponent)


def _euclidean(tree: t.Tree) -> t.Tree | None:
    """The norm whose square a sum of squares is."""
    if isinstance(tree, t.MatMul) and len(tree.factors) == 2 and not tree.shape and tree.factors[0] == tree.factors[1]:
        return t.Call((), "norm", tree.factors[:1])
    if not (isinstance(tree, t.Call) and tree.function == "sum" and tree.axis is None and not tree.shape):
        return None
    (inner,) = tree.arguments
    if not (isinstance(inner, t.Pow) and inner.exponent == t.Num((), Integer(2)) and 1 <= len(inner.shape) <= 2):
        return None
    return t.Call((), "norm", (inner.base,))


def _expand(tree: t.Tree, labels: Labels, target: Labels, shape: Shape) -> t.Tree:
    """Lay a tree over ``labels`` so that it broadcasts against ``target`` labels."""
    if not labels or labels == target[len(target) - len(labels) :]:
        return tree
    keys: list[t.Key] = []
    for x in target:
        if x in labels:
            keys.append(":")
        elif keys:
            keys.append(None)
    sizes = tuple(shape[x] if x in labels else ONE for x in target[len(target) - len(keys) :])
    return t.Index(sizes, tree, tuple(keys))


def _picked(item: _Item, label: int, index: Expr) -> _Item:
    if label not in item.labels:
        return item
    index = layout.near(index, item.tree.shape[item.labels.index(label)])
    keys: tuple[t.Key, ...] = tuple(index if x == label else ":" for x in item.labels)
    while len(keys) > 1 and keys[-1] == ":":
        keys = keys[:-1]
    shape = tuple(s for s, x in zip(item.tree.shape, item.labels, strict=True) if x != label)
    return _Item(t.Index(shape, item.tree, keys), tuple(x for x in item.labels if x != label), item.inverse)


def _distinct(item: _Item) -> _Item:
    """Take the diagonal where a label stands twice on one tree."""
    if len(set(item.labels)) == len(item.labels):
        return item
    unique = tuple(dict.fromkeys(item.labels))
    shape = tuple(item.tree.shape[item.labels.index(x)] for x in unique)
    if len(item.labels) == 2:
        return _Item(t.Call(shape, "diag", (item.tree,)), unique, item.inverse)
    text = f"{_letters(item.labels)}->{_letters(unique)}"
    return _Item(t.Call(shape, "einsum", (item.tree,), subscripts=text), unique, item.inverse)


def _letters(labels: Sequence[int]) -> str:
    alphabet = "ijklmnopqrstuvwxyzabcdefgh"
    return "".join(alphabet[x] for x in labels)


def _align(item: _Item, labels: Labels) -> t.Tree:
    """The item's tree with its axes in the order of ``labels`` (the same set)."""
    if item.labels == labels or item.symmetric:
        return item.tree
    if len(labels) == 2:
        return transpose(item.tree)
    return permute(item.tree, [item.labels.index(x) for x in labels])


def _product(trees: Sequence[t.Tree], shape: Shape) -> t.Tree:
    flat: list[t.Tree] = []
    sign = 1
    for tree in trees:
        if isinstance(tree, t.Neg):
            tree, sign = tree.operand, -sign
        flat.extend(tree.factors if isinstance(tree, t.Mul) else (tree,))
    flat = [f for f in flat if not (isinstance(f, t.Num) and f.value == 1)] or [t.Num((), ONE)]
    masks = [f for f in flat if len(shape) == 2 and layout.as_triangle(f) is not None]
    if len(masks) == 1 and len(flat) > 1:
        rest = _product([f for f in flat if f is not masks[0]], shape)
        cut = layout.masked(masks[0], rest.operand if isinstance(rest, t.Neg) else rest)
        if cut is not None:
            return cut if sign * (-1 if isinstance(rest, t.Neg) else 1) > 0 else t.Neg(shape, cut)
    if len(flat) > 1 and all(f == flat[0] for f in flat):
        result: t.Tree = t.Pow(shape, flat[0], t.Num((), Integer(len(flat))))
    else:
        result = flat[0] if len(flat) == 1 else t.Mul(shape, tuple(flat))
    return result if sign > 0 else t.Neg(shape, result)


def _merge(items: Sequence[_Item], labels: Labels, dims: dict[int, Expr]) -> _Item:
    """The elementwise product of items over one set of labels."""
    shape = tuple(dims[x] for x in labels)
    above = [_align(i, labels) for i in items if not i.inverse]
    below = [_align(i, labels) for i in items if i.inverse]
    if not below:
        return _Item(_product(above, shape), labels)
    if not above:
        return _Item(_product(below, shape), labels, inverse=True)
    return _Item(t.Div(shape, _product(above, shape), _product(below, shape)), labels)


def _upright(item: _Item) -> _Item:
    """A denominator written as 1/x."""
    if not item.inverse:
        return item
    return _Item(t.Div(item.tree.shape, t.Num((), ONE), item.tree), item.labels)


def _eliminate(items: list[_Item], bound: list[int], dims: dict[int, Expr]) -> list[_Item]:
    """Sum the bound labels away, the one that leaves the smallest result first."""
    remaining = list(bound)
    while remaining:
        choices: list[tuple[tuple[int, ...], int]] = []
        for label in remaining:
            touching = [i for i in items if label in i.labels]
            others = {x for i in touching for x in i.labels} - {label}
            matrices = [i for i in touching if len(i.labels) == 2]
            turned = sum(1 for i in matrices if i.labels[0] == label and not i.symmetric)
            if len(matrices) == 2:
                a, b = matrices
                turned = min(_turns(a, b, label), _turns(b, a, label))
            size = max(len(i.labels) for i in touching)
            choices.append(((len(others), size, len(touching), turned, label), label))
        label = min(choices)[1]
        touching = [i for i in items if label in i.labels]
        result = _contract_label(label, touching, dims)
        if result is None:
            return _einsum(items, remaining, dims)
        first = items.index(touching[0])
        items = [i for i in items if label not in i.labels]
        items.insert(min(first, len(items)), result)
        remaining.remove(label)
    return items


def _grouped(items: Sequence[_Item], dims: dict[int, Expr]) -> list[_Item]:
    """Merge items over the same set of labels, in order of appearance."""
    groups: dict[frozenset[int], list[_Item]] = {}
    for item in items:
        groups.setdefault(frozenset(item.labels), []).append(item)
    return [g[0] if len(g) == 1 else _merge(g, g[0].labels, dims) for g in groups.values()]


def _contract_label(label: int, touching: list[_Item], dims: dict[int, Expr]) -> _Item | None:
    vectors = [i for i in touching if i.labels == (label,)]
    wide = _grouped([i for i in touching if i.labels != (label,)], dims)
    if any(len(i.labels) > 2 for i in wide):
        if len(touching) == 1:
            return _summed(touching[0], label)
        return None
    if not wide:
        return _inner(label, vectors, dims)
    if len(wide) == 1:
        (matrix,) = wide
        if not vectors:
            return _summed(matrix, label)
        if not matrix.inverse and not all(v.inverse for v in vectors):
            vector = _upright(_merge(vectors, (label,), dims)).tree
            other = next(x for x in matrix.labels if x != label)
            oriented = _facing(matrix, label, 1)
            total = layout.running(oriented, vector, 0)
            if total is not None:
                return _Item(total, (other,))
            if isinstance(vector, t.Neg):
                product = _matmul((dims[other],), oriented, vector.operand)
                return _Item(t.Neg(product.shape, product), (other,))
            return _Item(_matmul((dims[other],), oriented, vector), (other,))
        together = _broadcast_product([matrix, *vectors], matrix.labels, dims)
        return _summed(_Item(together, matrix.labels), label)
    if len(wide) == 2:
        a, b = (_upright(i) for i in wide)
        if _turns(b, a, label) < _turns(a, b, label):
            a, b = b, a
        left = next(x for x in a.labels if x != label)
        right = next(x for x in b.labels if x != label)
        first, last = _facing(a, label, 1), _facing(b, label, 0)
        shape = (dims[left], dims[right])
        if not vectors:
            total = layout.running(first, last, 0) if layout.as_triangle(first) else None
            if total is None and layout.as_triangle(last):
                total = layout.running(transpose(last), first, 1)
            if total is not None:
                return _Item(total, (left, right))
        if vectors:
            weight = _upright(_merge(vectors, (label,), dims)).tree
            size = (dims[label], dims[label])
            sign = isinstance(weight, t.Neg)
            weight = weight.operand if isinstance(weight, t.Neg) else weight
            product = _matmul(shape, first, t.Call(size, "diag", (weight,)), last)
            return _Item(t.Neg(shape, product) if sign else product, (left, right))
        return _Item(_matmul(shape, first, last), (left, right))
    return None


def _turns(first: _Item, last: _Item, label: int) -> int:
    """How many transposes ``first @ last`` needs."""
    one = first.labels[0] == label and not first.symmetric
    return one + (last.labels[1] == label and not last.symmetric)


def _facing(item: _Item, label: int, position: int) -> t.Tree:
    """A matrix with a label on the given axis."""
    return item.tree if item.symmetric or item.labels[position] == label else transpose(item.tree)


def _inner(label: int, vectors: list[_Item], dims: dict[int, Expr]) -> _Item:
    above = [i for i in vectors if not i.inverse]
    if len(above) >= 2:
        left = _merge([*above[:-1], *(i for i in vectors if i.inverse)], (label,), dims)
        a, b = _upright(left).tree, above[-1].tree
        sign = 1
        if isinstance(a, t.Neg):
            a, sign = a.operand, -sign
        if isinstance(b, t.Neg):
            b, sign = b.operand, -sign
        if a == b and not isinstance(a, t.Name):
            tree: t.Tree = t.Call((), "sum", (t.Pow(a.shape, a, t.Num((), Integer(2))),))
        else:
            a, b = _shorter_order(a, b)
            tree = t.MatMul((), (a, *(b.factors if isinstance(b, t.MatMul) else (b,))))
        return _Item(tree if sign > 0 else t.Neg((), tree), ())
    return _summed(_upright(_merge(vectors, (label,), dims)), label)


def _shorter_order(a: t.Tree, b: t.Tree) -> tuple[t.Tree, t.Tree]:
    """``w @ A @ w`` rather than ``A @ w @ w``."""
    if isinstance(a, t.MatMul) and not isinstance(b, t.MatMul):
        return b, a
    return a, b


def _summed(item: _Item, label: int) -> _Item:
    item = _upright(item)
    position = item.labels.index(label)
    labels = tuple(x for x in item.labels if x != label)
    shape = tuple(s for k, s in enumerate(item.tree.shape) if k != position)
    tree = item.tree
    negative = isinstance(tree, t.Neg)
    if isinstance(tree, t.Neg):
        tree = tree.operand
    square = isinstance(tree, t.Pow) and tree.exponent == t.Num((), Integer(2))
    if square and isinstance(tree, t.Pow) and isinstance(tree.base, t.Name) and not shape and len(tree.shape) == 1:
        summed: t.Tree = t.MatMul((), (tree.base, tree.base))
    elif isinstance(tree, t.Call) and tree.function == "sum" and not shape:
        summed = t.Call(shape, "sum", tree.arguments)
    elif isinstance(tree, t.Call) and tree.function == "diag" and len(tree.arguments[0].shape) == 2:
        summed = t.Call(shape, "trace", tree.arguments)
    else:
        summed = t.Call(shape, "sum", (tree,), axis=position if shape else None)
    return _Item(t.Neg(shape, summed) if negative else summed, labels)


def _broadcast_product(items: Sequence[_Item], labels: Labels, dims: dict[int, Expr]) -> t.Tree:
    """The elementwise product over ``labels`` of items that carry some of them."""
    shape = tuple(dims[x] for x in labels)
    sizes = {k: dims[x] for k, x in enumerate(labels)}
    above: list[t.Tree] = []
    below: list[t.Tree] = []
    for item in _grouped(items, dims):
        order = tuple(x for x in labels if x in item.labels)
        tree = _align(item, order)
        places = tuple(labels.index(x) for x in order)
        full = _expand(tree, places, tuple(range(len(labels))), tuple(sizes[k] for k in range(len(labels))))
        (below if item.inverse else above).append(full)
    top = _product(above, shape) if above else t.Num((), ONE)
    return t.Div(shape, top, _product(below, shape)) if below else top


def _einsum(items: list[_Item], bound: Sequence[int], dims: dict[int, Expr]) -> list[_Item]:
    """Everything that touches a bound label, as one einsum."""
    joined: set[int] = set(bound)
    touching = [_upright(i) for i in items if set(i.labels) & joined]
    rest = [i for i in items if not set(i.labels) & joined]
    out = tuple(sorted({x for i in touching for x in i.labels} - joined))
    used = sorted({x for i in touching for x in i.labels})
    rename = {x: k for k, x in enumerate(used)}
    text = ",".join(_letters([rename[x] for x in i.labels]) for i in touching)
    text += "->" + _letters([rename[x] for x in out])
    shape = tuple(dims[x] for x in out)
    call = t.Call(shape, "einsum", tuple(i.tree for i in touching), subscripts=text)
    return [*rest, _Item(call, out)]


def _assemble(items: list[_Item], dims: dict[int, Expr]) -> tuple[t.Tree, Labels]:
    """Join what is left: scalars in front, Hadamard products, outer products, diagonals."""
    scalars = [i for i in items if not i.labels]
    wide = [i for i in items if i.labels]
    labels = tuple(sorted({x for i in wide for x in i.labels}))
    shape = tuple(dims[x] for x in labels)
    above = [i.tree for i in scalars if not i.inverse]
    below = [i.tree for i in scalars if i.inverse]
    body: t.Tree | None = _wide(wide, labels, dims) if wide else None
    sign = 1
    if isinstance(body, t.Neg):
        body, sign = body.operand, -1
    if body is None:
        top = _product(above, ()) if above else t.Num((), ONE)
    elif above:
        front = _product(above, ())
        if isinstance(front, t.Neg):
            front, sign = front.operand, -sign
        pieces = front.factors if isinstance(front, t.Mul) else (front,)
        if isinstance(body, t.Div) and body.numerator == t.Num((), ONE):
            top = t.Div(shape, front, body.denominator)
        else:
            top = t.Mul(shape, (*pieces, *(body.factors if isinstance(body, t.Mul) else (body,))))
    else:
        top = body
    if isinstance(top, t.Neg):
        top, sign = top.operand, -sign
    tree = t.Div(shape, top, _product(below, ())) if below else top
    return (tree if sign > 0 else t.Neg(shape, tree)), labels


def _wide(items: Sequence[_Item], labels: Labels, dims: dict[int, Expr]) -> t.Tree:
    shape = tuple(dims[x] for x in labels)
    grouped = _grouped(items, dims)
    if len(labels) == 2 and not any(len(i.labels) == 2 for i in grouped) and len(grouped) == 2:
        first, second = sorted((_upright(i) for i in grouped), key=lambda i: i.labels)
        sign = 1
        pair: list[t.Tree] = []
        for tree in (first.tree, second.tree):
            if isinstance(tree, t.Neg):
                tree, sign = tree.operand, -sign
            pair.append(tree)
        outer = t.Call(shape, "outer", tuple(pair))
        return outer if sign > 0 else t.Neg(shape, outer)
    if len(labels) == 2:
        units = [i for i in items if isinstance(i.tree, t.Call) and i.tree.function == "eye"]
        if units:
            rest = [i for i in items if i not in units]
            if not rest:
                return units[0].tree
            diagonal: list[_Item] = []
            for i in rest:
                if len(i.labels) == 2:
                    diagonal.append(_Item(t.Call((shape[0],), "diag", (i.tree,)), (labels[0],), i.inverse))
                else:
                    diagonal.append(_Item(i.tree, (labels[0],), i.inverse))
            return t.Call(shape, "diag", (_upright(_merge(diagonal, (labels[0],), dims)).tree,))
    return _broadcast_product(items, labels, dims)
