"""The readable form of a program: contracted, collected, factored, recognised.

Children first.  What is done at each node, in this order:

* contraction: deltas go, declared facts of leaves that are summed over are used
  (Σ p = 1), ``exp u / Σ exp u`` is a softmax, factors on one set of labels are
  one elementwise region and are simplified as such;
* sums: like terms are collected, a factor with the same label pattern shared by
  terms goes out if the whole gets shorter;
* elementwise regions: :mod:`symderive.calculus.regions`.

Every change is recorded as a :class:`Rewrite`, so that a derivation can show it
and a checker replay it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import permutations

from sympy import Expr, Rational, gcd

from symderive.calculus import matrix_laws
from symderive.calculus.definedness import dropped
from symderive.calculus.regions import cost, is_elementwise, region_children, simplify_region
from symderive.calculus.rewrites import Rewrite, Rewritten
from symderive.calculus.selecting import parted, selected
from symderive.calculus.signs import sign_of
from symderive.language import build
from symderive.language.nodes import (
    ONE,
    ZERO,
    Contraction,
    Delta,
    Differential,
    Factor,
    Labels,
    Leaf,
    Map,
    Node,
    Number,
    Opaque,
    Sum,
    Term,
)
from symderive.language.symmetry import is_symmetric, one_hot_of
from symderive.language.views.lift import lift_tree
from symderive.language.views.tree import Call, Tree


def simplify(node: Node, blocked: Iterable[Leaf] = (), *, recognise_only: bool = False) -> Rewritten:
    """A shorter equal form, with the rewrites that led there.

    ``blocked`` are leaves whose declared relations may not be used, because the
    expression will still be differentiated by them.  ``recognise_only`` finds the
    functions that a spelling hides (softmax, log-sum-exp, sigmoid, softplus) and
    leaves the shape of sums and products as it was written.
    """
    simplifier = _Simplifier(frozenset(blocked), recognise_only)
    for _ in range(4):
        after = simplifier.run(node)
        if after is node:
            break
        node = after
    return Rewritten(node, tuple(simplifier.rewrites))


_VISITED_CAP = 20_000
_VISITED: dict[tuple[Node, bool, bool, frozenset[Leaf], bool], tuple[Node, tuple[Rewrite, ...]]] = {}
"""What a visit to a node gave: adjoints share most of their parts, and nodes are immutable."""


SPLITS = 48
"""How many sums are distributed for one product, those in its parts included."""


class _Simplifier:
    def __init__(self, blocked: frozenset[Leaf], recognise_only: bool) -> None:
        self.blocked = blocked
        self.shape_too = not recognise_only
        self.rewrites: list[Rewrite] = []
        self.done: dict[Node, Node] = {}
        self.spread: dict[Node, Node] = {}
        self.splits = 0

    def run(self, root: Node) -> Node:
        inner = _inner_of_regions(root)
        for node in root.walk():
            if node in self.done:
                continue
            if not node.children:
                self.done[node] = node
                continue
            rebuilt = build.rebuild(node, [self.done[c] for c in node.children])
            key = (rebuilt, node not in inner, rebuilt is not node, self.blocked, self.shape_too)
            found = _VISITED.get(key)
            if found is None:
                start = len(self.rewrites)
                after = self._visit(rebuilt, node not in inner, rebuilt is not node)
                if len(_VISITED) >= _VISITED_CAP:
                    _VISITED.clear()
                _VISITED[key] = after, tuple(self.rewrites[start:])
            else:
                after = found[0]
                self.rewrites.extend(found[1])
            self.done[node] = after
        return self.done[root]

    def _record(self, before: Node, after: Node, rule: str) -> Node:
        if before is not after:
            self.rewrites.append(Rewrite(before, after, rule, dropped(before, after)))
        return after

    def _visit(self, node: Node, region_root: bool, changed: bool) -> Node:
        if isinstance(node, Contraction):
            node = self._record(node, eliminate_deltas(node), "index of a delta")
        if isinstance(node, Contraction) and _vanishes(node):
            node = self._record(node, build.zeros(node.shape), "product with zero")
        if isinstance(node, Contraction):
            node = self._record(node, sum_constants(node), "sum of a constant")
        if isinstance(node, Contraction):
            node = self._record(node, self._symmetric(node), "declared symmetry")
        if isinstance(node, Contraction):
            node = self._record(node, self._facts(node), "declared sum")
        if isinstance(node, Contraction):
            node = self._record(node, self._declared_products(node), "declared product")
        if isinstance(node, Contraction):
            node = self._record(node, _recognise_softmax(node), "softmax")
        if isinstance(node, Contraction):
            node = self._record(node, selected(node), "index of a slice")
        if isinstance(node, Contraction):
            node = self._record(node, parted(node), "sum over parts")
        while isinstance(node, Contraction):
            after, rule = matrix_laws.cancelled(node, self.blocked)
            if not rule:
                break
            node = self._record(node, after, rule)
        while isinstance(node, Opaque):
            after, rule = matrix_laws.rewritten(node, self.blocked)
            if not rule:
                break
            node = self._record(node, after, rule)
        if isinstance(node, Map):
            after, rule = _recognise_map(node)
            node = self._record(node, after, rule)
        if isinstance(node, Map):
            after, rule = matrix_laws.of_map(node, self.blocked)
            node = self._record(node, after, rule)
        if isinstance(node, Map):
            node = self._record(node, self._selected(node), "one-hot selection")
        if isinstance(node, Sum):
            node = self._record(node, collect(node), "collect like terms")
        if isinstance(node, Sum):
            node = self._record(node, _recognise_log_softmax(node), "log-softmax")
        if isinstance(node, Sum) and self.shape_too:
            node = self._record(node, factor_sum(node), "common factor")
        if isinstance(node, Sum) and self.shape_too and not node.rank:
            node = self._record(node, self._as_one_sum(node), "linearity of the sum")
        if region_root and is_elementwise(node):
            after, rewrites = simplify_region(node, self.blocked)
            if self.shape_too or any(r.rule != "algebra" for r in rewrites):
                self.rewrites.extend(rewrites)
                node = after
        if isinstance(node, Contraction) and self.shape_too:
            node = self._merged_vectors(node)
        if isinstance(node, Contraction) and (self.shape_too or changed):
            node = self._record(node, _content(node), "common factor")
        if isinstance(node, Contraction) and self.shape_too:
            node = self._record(node, self._distributed(node), "linearity of the sum")
        return node

    # -- contractions ------------------------------------------------------------

    def _facts(self, node: Contraction) -> Node:
        """Σ over a simplex axis, carried by nothing else, is 1; squares of one-hot entries go."""
        factors = list(node.factors)
        for position, (factor, labels) in enumerate(factors):
            axis = self._sums_to_one(factor)
            if axis is None:
                continue
            summed = labels[axis]
            others = [ls for k, (_, ls) in enumerate(factors) if k != position]
            if summed < node.out_rank or labels.count(summed) > 1 or any(summed in ls for ls in others):
                continue
            del factors[position]
            dims = {k: s for k, s in enumerate(node.label_dims) if k != summed}
            after = build.contract(node.coefficient, factors, range(node.out_rank), dims)
            return self._facts(after) if isinstance(after, Contraction) else after
        return node

    def _declared_products(self, node: Contraction) -> Node:
        """``Q^T Q = I`` of an orthogonal Q, ``Σ x² = 1`` of a unit vector."""
        for k, (factor, labels) in enumerate(node.factors):
            base, exponent = factor, 1
            if isinstance(factor, Map) and factor.function == "power" and factor.arguments[1] == Number(2 * ONE):
                base, exponent = factor.arguments[0], 2
            if not isinstance(base, Leaf) or base in self.blocked:
                continue
            if base.domain.has("unit_norm") and (after := self._unit(node, k, base, labels, exponent)) is not None:
                return after
            if base.domain.has("orthogonal") and exponent == 1 and base.rank == 2:
                for axis in (0, 1):
                    after = _orthonormal(node, k, base, labels, axis)
                    if after is not None:
                        return after
        return node

    def _unit(self, node: Contraction, k: int, base: Leaf, labels: Labels, exponent: int) -> Node | None:
        summed = labels[base.domain.axis("unit_norm")]
        if summed < node.out_rank or len(set(labels)) < len(labels):
            return None
        carriers = [m for m, (_, ls) in enumerate(node.factors) if summed in ls]
        squares = carriers == [k] and exponent == 2
        twice = exponent == 1 and len(carriers) == 2 and all(node.factors[m] == (base, labels) for m in carriers)
        if not squares and not twice:
            return None
        factors = [f for m, f in enumerate(node.factors) if m not in carriers]
        dims = {x: size for x, size in enumerate(node.label_dims) if x != summed}
        return build.contract(node.coefficient, factors, range(node.out_rank), dims)

    def _selected(self, node: Map) -> Node:
        """f(Σ_j Y_ij u_ij) is Σ_j Y_ij f(u_ij) where each row of Y has a single 1."""
        inner = node.arguments[0]
        if len(node.arguments) > 1 or not isinstance(inner, Contraction) or len(inner.bound) != 1:
            return node
        (bound,) = inner.bound
        for position, (factor, labels) in enumerate(inner.factors):
            axis = self._hot_axis(factor)
            if axis is None or labels[axis] != bound or labels.count(bound) > 1:
                continue
            others = [f for k, f in enumerate(inner.factors) if k != position]
            whole = range(len(inner.label_dims))
            dims = dict(enumerate(inner.label_dims))
            chosen = build.apply(node.function, build.contract(inner.coefficient, others, whole, dims))
            return build.contract(ONE, [(factor, labels), (chosen, tuple(whole))], range(inner.out_rank), dims)
        return node

    def _hot_axis(self, node: Node) -> int | None:
        """The axis along which a node has a single 1 and zeros."""
        if isinstance(node, Leaf):
            return node.domain.axis("one_hot") if node not in self.blocked and node.domain.has("one_hot") else None
        hot = one_hot_of(node)
        return None if hot is None else hot[2]

    def _sums_to_one(self, node: Node) -> int | None:
        """The axis along which the entries of a node sum to 1."""
        if isinstance(node, Leaf) and node not in self.blocked and node.domain.has("simplex"):
            return node.domain.axis("simplex")
        if isinstance(node, Map) and (hot := one_hot_of(node)) is not None:
            return hot[2]
        return -1 if isinstance(node, Opaque) and node.function == "softmax" else None

    def _has_unit_sum(self, node: Node) -> bool:
        if isinstance(node, Contraction):
            return any(self._sums_to_one(f) is not None for f in node.children)
        return self._sums_to_one(node) is not None

    def _distributed(self, node: Contraction) -> Node:
        """Σ f·(a + b) as Σ f·a + Σ f·b where that is shorter: Σ (x - mean x) = 0.

        Sums in the parts are distributed in turn, a bounded number of times: products of many sums
        have more parts than anybody would read.
        """
        known = self.spread.get(node)
        if known is None:
            outermost = self.splits == 0
            known = self._spread_out(node)
            self.spread[node] = known
            if outermost:
                self.splits = 0
        return known

    def _spread_out(self, node: Contraction) -> Node:
        best: Node = node
        for position, (total, labels) in enumerate(node.factors):
            if not isinstance(total, Sum) or not (node.bound or node.out_rank):
                continue
            gains = any(_has_delta(term) or self._has_unit_sum(term) for _, term in total.terms)
            weights = [f for k, (f, _) in enumerate(node.factors) if k != position]
            constant = any(isinstance(term, Contraction) and not term.children for _, term in total.terms)
            gains = gains or (constant and any(self._sums_to_one(f) is not None for f in weights))
            gains = gains or any(isinstance(f, Opaque) and f.function == "inv" for f, _ in node.factors)
            if len(node.factors) > 1 and not gains and "einsum" not in _functions(lift_tree(node)):
                continue
            if self.splits >= SPLITS:
                break
            self.splits += 1
            split = self._split(node, position, total, labels)
            measure = _shared_cost if "einsum" in _functions(lift_tree(node)) else cost
            if measure(split) < measure(best):
                best = split
        return best

    def _as_one_sum(self, node: Sum) -> Node:
        """Sums over one index as the sum of what is summed, where algebra makes that shorter."""
        groups: dict[Expr, list[int]] = {}
        for k, (_, term) in enumerate(node.terms):
            plain = isinstance(term, Contraction) and len(term.bound) == 1
            if isinstance(term, Contraction) and plain and all(len(set(ls)) < 2 for _, ls in term.factors):
                groups.setdefault(term.label_dims[0], []).append(k)
        for dim, places in groups.items():
            if len(places) < 2:
                continue
            parts: list[Term] = []
            for k in places:
                weight, term = node.terms[k]
                assert isinstance(term, Contraction)
                parts.append((weight, build.contract(term.coefficient, term.factors, [0], {0: dim})))
            inner = simplify_region(build.add(parts, (dim,)), self.blocked)[0]
            rest = [t for k, t in enumerate(node.terms) if k not in places]
            joined = build.add([(ONE, build.reduce_sum(inner, [0])), *rest], ())
            if cost(joined) < cost(node):
                return joined
        return node

    def _cancelled(self, node: Contraction) -> Node:
        after: Node = node
        while isinstance(after, Contraction):
            after, rule = matrix_laws.cancelled(after, self.blocked)
            if not rule:
                break
        return after

    def _split(self, node: Contraction, position: int, total: Sum, labels: Labels) -> Node:
        others = [f for k, f in enumerate(node.factors) if k != position]
        dims = dict(enumerate(node.label_dims))
        terms: list[Term] = []
        for weight, term in total.terms:
            part = build.contract(node.coefficient * weight, [*others, (term, labels)], range(node.out_rank), dims)
            for rule in (eliminate_deltas, sum_constants, self._facts, self._cancelled, self._distributed):
                part = rule(part) if isinstance(part, Contraction) else part
            terms.append((ONE, part))
        split = build.add(terms, node.shape)
        if isinstance(split, Sum):
            split = collect(split)
        if isinstance(split, Sum):
            content = sum_content(split.terms)
            split = build.scale(content, build.add([(w / content, n) for w, n in split.terms], split.shape))
        return split

    def _is_symmetric(self, node: Node) -> bool:
        if node.rank != 2 or node.shape[0] != node.shape[1]:
            return False
        return isinstance(node, Leaf | Delta | Sum | Opaque) and is_symmetric(node, self.blocked)

    def _symmetric(self, node: Contraction) -> Node:
        """S_ij = S_ji: the labels of a symmetric part in ascending order."""
        factors = [(f, tuple(sorted(ls))) if self._is_symmetric(f) else (f, ls) for f, ls in node.factors]
        if tuple(factors) == node.factors:
            return node
        return build.contract(node.coefficient, factors, range(node.out_rank), dict(enumerate(node.label_dims)))

    def _merged_vectors(self, node: Contraction) -> Node:
        """Simplify the product of the factors on each set of labels as one region."""
        groups: dict[Labels, list[int]] = {}
        for position, (_, labels) in enumerate(node.factors):
            if len(set(labels)) == len(labels):
                groups.setdefault(tuple(sorted(labels)), []).append(position)
        factors = list(node.factors)
        coefficient = node.coefficient
        gone: set[int] = set()
        for labels, positions in groups.items():
            composite = len(positions) > 1 and any(_is_composite(factors[p][0]) for p in positions)
            if not composite and not _repeats([factors[p] for p in positions]):
                continue
            shape = tuple(node.label_dims[x] for x in labels)
            parts = [_laid(factors[p], labels, shape) for p in positions]
            product = build.multiply(*parts)
            after, rewrites = simplify_region(product, self.blocked)
            if after is product:
                continue
            self.rewrites.extend(rewrites)
            factors[positions[0]] = (after, labels)
            gone.update(positions[1:])
        if not gone and all(a is b for (a, _), (b, _) in zip(factors, node.factors, strict=True)):
            return node
        kept = [f for k, f in enumerate(factors) if k not in gone]
        return build.contract(coefficient, kept, range(node.out_rank), dict(enumerate(node.label_dims)))


def _shared_cost(node: Node) -> float:
    """The cost of a form in which what stands several times is named."""
    tree = lift_tree(node)
    seen: set[Tree] = set()
    repeated = 0

    def visit(part: Tree) -> None:
        nonlocal repeated
        if part in seen and part.children:
            repeated += part.count() - 1
            return
        seen.add(part)
        for child in part.children:
            visit(child)

    visit(tree)
    return cost(node) - repeated + _ODDITY * ("einsum" in _functions(tree))


_ODDITY = 4
"""What an einsum costs beyond its length where a form in matrix products is to be had."""

def _orthonormal(node: Contraction, k: int, base: Leaf, labels: Labels, axis: int) -> Node | None:
    """Two copies of an orthogonal matrix that only they share a summed axis of."""
    summed = labels[axis]
    carriers = [m for m, (_, ls) in enumerate(node.factors) if summed in ls]
    if summed < node.out_rank or len(carriers) != 2 or labels[0] == labels[1]:
        return None
    (other,) = (m for m in carriers if m != k)
    partner, own = node.factors[other]
    if partner is not base or own[axis] != summed or own[0] == own[1]:
        return None
    factors = [f for m, f in enumerate(node.factors) if m not in carriers]
    factors.append((Delta(base.shape[1 - axis]), (labels[1 - axis], own[1 - axis])))
    dims = {x: size for x, size in enumerate(node.label_dims) if x != summed}
    return build.contract(node.coefficient, factors, range(node.out_rank), dims)


def _has_delta(node: Node) -> bool:
    return isinstance(node, Delta) or (isinstance(node, Contraction) and any(_has_delta(f) for f in node.children))


def _functions(tree: Tree) -> set[str]:
    own = {tree.function} if isinstance(tree, Call) else set()
    return own.union(*(_functions(c) for c in tree.children))


def _inner_of_regions(root: Node) -> set[Node]:
    """Elementwise nodes whose every parent is elementwise and of the same region."""
    parents: dict[Node, list[Node]] = {}
    for node in root.walk():
        for child in node.children:
            parents.setdefault(child, []).append(node)
    return {
        node
        for node, above in parents.items()
        if node is not root and is_elementwise(node) and all(_inside(node, p) for p in above)
    }


def _inside(node: Node, parent: Node) -> bool:
    """Whether every use of the node by the parent is in the parent's region."""
    return region_children(parent).count(node) == parent.children.count(node)


def _is_composite(node: Node) -> bool:
    return isinstance(node, Map | Sum)


def _vanishes(node: Contraction) -> bool:
    return node.coefficient == 0 or any(build.is_zero(f) for f, _ in node.factors)


def _repeats(factors: Sequence[Factor]) -> bool:
    return len({f for f, _ in factors}) < len(factors) and len(factors) > 2


def _laid(factor: Factor, labels: Labels, shape: tuple[Expr, ...]) -> Node:
    node, own = factor
    return build.view(node, tuple(labels.index(x) for x in own), shape)


def eliminate_deltas(node: Contraction) -> Node:
    """Rename a bound label away where a delta ties it to another."""
    factors, dims = build.without_deltas(node)
    if len(factors) == len(node.factors):
        return node
    return build.contract(node.coefficient, factors, range(node.out_rank), dims)


def sum_constants(node: Contraction) -> Node:
    """Σ_i of something without i is that many times it."""
    carried = {x for _, labels in node.factors for x in labels}
    constant = [b for b in node.bound if b not in carried]
    if not constant:
        return node
    coefficient = node.coefficient
    for b in constant:
        coefficient = coefficient * node.label_dims[b]
    dims = {k: size for k, size in enumerate(node.label_dims) if k not in constant}
    return build.contract(coefficient, node.factors, range(node.out_rank), dims)


def _content(node: Contraction) -> Node:
    """Take rational content and sign out of sums that are factors."""
    coefficient = node.coefficient
    factors: list[Factor] = []
    changed = False
    sums = [f for f, _ in node.factors if isinstance(f, Sum)]
    flip = node.coefficient.could_extract_minus_sign()
    for factor, labels in node.factors:
        if isinstance(factor, Sum):
            content = sum_content(factor.terms)
            if flip and len(sums) == 1 and _half_negative([w / content for w, _ in factor.terms]):
                content = -content
            if content != 1:
                inner = build.add([(w / content, n) for w, n in factor.terms], factor.shape)
                coefficient = coefficient * content
                factors.append((inner, labels))
                changed = True
                continue
        factors.append((factor, labels))
    if not changed:
        return node
    return build.contract(coefficient, factors, range(node.out_rank), dict(enumerate(node.label_dims)))


def sum_content(terms: Sequence[Term]) -> Expr:
    """The common coefficient of a sum; negative where more terms are negative than positive.

    Of a dimension it takes the power nearest to 0: 2/n and 1/n² have 1/n in common.
    """
    rationals: list[Rational] = []
    powers: list[dict[Expr, Expr]] = []
    for weight, _ in terms:
        number, rest = weight.as_coeff_Mul()
        if not number.is_Rational or number == 0:
            return ONE
        rationals.append(number)
        powers.append(dict(rest.as_powers_dict()) if rest != 1 else {})
    common: Expr = ONE
    for base in dict.fromkeys(b for p in powers for b in p):
        exponents = [p.get(base, ZERO) for p in powers]
        if all(e.is_positive for e in exponents):
            common = common * base ** min(exponents)
        elif all(e.is_negative for e in exponents):
            common = common * base ** max(exponents)
    numerators = reduce(gcd, [abs(r.p) for r in rationals])
    denominators = reduce(gcd, [r.q for r in rationals])
    content = common * Rational(numerators, denominators)
    negative = sum(1 for r in rationals if r < 0)
    return -content if negative * 2 > len(terms) else content


def _half_negative(weights: Sequence[Expr]) -> bool:
    return 2 * sum(1 for w in weights if w.could_extract_minus_sign()) >= len(weights)


# -- sums -----------------------------------------------------------------------------


def collect(node: Sum) -> Node:
    """Equal terms become one; terms that cancel go; a sum turned round is seen term by term."""
    weights: dict[Node, Expr] = {}
    for w, n in node.terms:
        weights[n] = weights.get(n, ZERO) + w
    opened: dict[Node, Expr] = {}
    for w, n in node.terms:
        for c, term in _turned_terms(n):
            opened[term] = opened.get(term, ZERO) + w * c
    if len([w for w in opened.values() if w != 0]) < min(len(node.terms), len(weights)) + 1 and len(opened) < sum(
        len(_turned_terms(n)) for _, n in node.terms
    ):
        weights = opened
    if len(weights) == len(node.terms) and all(w != 0 for w in weights.values()):
        return node
    kept = [(w, n) for n, w in weights.items() if w != 0]
    return build.add(kept, node.shape)


def _turned_terms(node: Node) -> list[Term]:
    """The terms of a sum that is only laid out on other axes; else the node itself."""
    if isinstance(node, Contraction) and len(node.factors) == 1 and not node.bound:
        inner, labels = node.factors[0]
        if isinstance(inner, Sum) and sorted(labels) == list(range(node.out_rank)):
            return [(w * node.coefficient, build.view(n, labels, node.shape)) for w, n in inner.terms]
    return [(ONE, node)]


def _as_product(term: Term) -> tuple[Expr, tuple[Factor, ...], int, tuple[Expr, ...]]:
    weight, node = term
    if isinstance(node, Contraction):
        return weight * node.coefficient, node.factors, node.out_rank, node.label_dims
    return weight, ((node, tuple(range(node.rank))),), node.rank, node.shape


def _pattern(labels: Labels, out_rank: int) -> tuple[int, ...]:
    """Output labels as they are, bound ones by first appearance as -1, -2, ..."""
    seen: dict[int, int] = {}
    return tuple(x if x < out_rank else seen.setdefault(x, -1 - len(seen)) for x in labels)


def factor_sum(node: Sum) -> Node:
    """Pull a factor shared by two or more terms out, if the whole gets shorter."""
    current: Node = node
    for _ in range(6):
        if not isinstance(current, Sum):
            return current
        better = _factor_once(current)
        if better is None:
            break
        current = better
    if isinstance(current, Sum):
        content = sum_content(current.terms)
        if content != 1:
            inner = build.add([(w / content, n) for w, n in current.terms], current.shape)
            scaled = build.scale(content, inner)
            if cost(scaled) < cost(current):
                return scaled
    return current


def _factor_once(node: Sum) -> Node | None:
    products = [_as_product(t) for t in node.terms]
    before = cost(node)
    for parts, wholes_only in ((_with_scalars(products), True), (products, False)):
        shared: dict[tuple[Node, tuple[int, ...]], dict[int, int]] = {}
        for position, (_, factors, out_rank, _) in enumerate(parts):
            for k, (factor, labels) in enumerate(factors):
                shared.setdefault((factor, _pattern(labels, out_rank)), {}).setdefault(position, k)
        groups = [(key, where) for key, where in shared.items() if len(where) >= 2]
        if wholes_only:
            groups = [g for g in groups if not g[0][1] and isinstance(g[0][0], Contraction)]
        groups.sort(key=lambda g: (-len(g[1]), -g[0][0].rank, not isinstance(g[0][0], Differential)))
        for (factor, pattern), where in groups[:6]:
            candidate = _pulled(node, parts, factor, pattern, where)
            if candidate is not None and cost(candidate) < before:
                return candidate
    return None


_Product = tuple[Expr, tuple[Factor, ...], int, tuple[Expr, ...]]


def _with_scalars(products: Sequence[_Product]) -> list[_Product]:
    """Products with the scalars in them, such as w^T S w, as one factor each."""
    made: list[_Product] = []
    for weight, factors, out_rank, dims in products:
        groups: list[tuple[set[int], list[Factor]]] = []
        for factor in factors:
            linked = [g for g in groups if g[0] & {*factor[1]}]
            joined = {*factor[1]}.union(*(g[0] for g in linked))
            members = [f for f in factors if f is factor or any(f in g[1] for g in linked)]
            groups = [g for g in groups if g not in linked] + [(joined, members)]
        new: list[Factor] = []
        taken: set[int] = set()
        for labels, members in groups:
            if labels and len(members) > 1 and all(x >= out_rank for x in labels) and len(groups) > 1:
                new.append((build.contract(ONE, members, (), {x: dims[x] for x in labels}), ()))
                taken |= labels
            else:
                new += members
        kept = [x for x in range(len(dims)) if x not in taken]  # a binder that is taken in is no factor of its own
        place = {x: k for k, x in enumerate(kept)}
        new = [(factor, tuple(place[x] for x in labels)) for factor, labels in new]
        made.append((weight, tuple(new), out_rank, tuple(dims[x] for x in kept)))
    return made


def _pulled(
    node: Sum,
    products: Sequence[_Product],
    factor: Node,
    pattern: tuple[int, ...],
    where: dict[int, int],
) -> Node | None:
    """``Σ F·R_t + rest`` as ``F·(Σ R_t) + rest``.

    The remainders R_t live on F's bound labels and on the output labels that
    any of them carries.  A bound label of a term outside F stays inside R_t.
    """
    out_rank = node.rank
    own_bound = sorted({x for x in pattern if x < 0}, reverse=True)
    carried: set[int] = set()
    for position, k in where.items():
        _, factors, _, _ = products[position]
        for m, (_, labels) in enumerate(factors):
            if m != k:
                carried.update(x for x in labels if x < out_rank)
    covered = carried | {x for x in pattern if x >= 0}
    if covered != set(range(out_rank)):
        carried |= set(range(out_rank)) - covered
    outer = sorted(carried)
    dims: dict[int, Expr] = dict(enumerate(node.shape))
    remainders: list[tuple[Expr, Node]] = []
    for position, k in where.items():
        weight, factors, _, label_dims = products[position]
        rename: dict[int, int] = {}
        for symbol, label in zip(pattern, factors[k][1], strict=True):
            if symbol < 0:
                rename[label] = symbol
                dims[symbol] = label_dims[label]
        sizes: dict[int, Expr] = {x: node.shape[x] for x in outer}
        sizes |= {symbol: dims[symbol] for symbol in own_bound}
        rest: list[tuple[Node, Labels]] = []
        for m, (other, labels) in enumerate(factors):
            if m == k:
                continue
            new = tuple(rename.get(x, x) for x in labels)
            rest.append((other, new))
        for label, size in enumerate(label_dims):
            if label >= out_rank and label not in rename:
                sizes[label] = size
        target = [*own_bound, *outer]
        remainders.append((weight, build.contract(ONE, rest, target, sizes)))
    shape = tuple(dims[x] for x in [*own_bound, *outer])
    if len(shape) > max(node.rank, 2):
        return None
    if node.rank == 1 and len(shape) == 2 and not all(_spans(r) for _, r in remainders):
        return None  # a vector out of (a b^T + ...) w is clearer as vectors
    inner = build.add(remainders, shape)
    if isinstance(inner, Sum):
        inner = collect(inner)
    if isinstance(inner, Sum):
        inner = factor_sum(inner)
    content = sum_content(inner.terms) if isinstance(inner, Sum) else ONE
    if isinstance(inner, Sum) and content != 1:
        inner = build.add([(w / content, n) for w, n in inner.terms], inner.shape)
    pulled = build.contract(content, [(factor, pattern), (inner, (*own_bound, *outer))], range(out_rank), dims)
    rest_terms = [t for position, t in enumerate(node.terms) if position not in where]
    first = min(where)
    before = [t for position, t in enumerate(node.terms) if position not in where and position < first]
    after = rest_terms[len(before) :]
    return build.add([*before, (ONE, pulled), *after], node.shape)


def _spans(node: Node) -> bool:
    """Whether factors link the two axes of a matrix: no outer product, be it of ``A x`` and ``B x``."""
    if not isinstance(node, Contraction) or not (node.factors or node.bound):
        return True
    reached = {0}
    for _ in node.factors:
        for _, labels in node.factors:
            if reached & {*labels}:
                reached |= {*labels}
    return 1 in reached


# -- softmax and its kin ------------------------------------------------------------------


def _sum_of_exponentials(node: Node) -> tuple[Node, int] | None:
    """``(u, axis)`` where node = Σ_axis exp(u), or None."""
    if not isinstance(node, Contraction) or node.coefficient != 1 or len(node.bound) != 1:
        return None
    if len(node.factors) != 1:
        return None
    ((factor, labels),) = node.factors
    if not (isinstance(factor, Map) and factor.function == "exp"):
        return None
    (bound,) = node.bound
    if sorted(labels) != list(range(len(node.label_dims))):
        return None
    order = tuple(labels)
    shape = node.label_dims
    argument = factor.arguments[0]
    laid = build.view(argument, order, shape)
    return laid, bound


def _recognise_map(node: Map) -> tuple[Node, str]:
    """A function of a function as one function, and the rule that says so."""
    first = node.arguments[0]
    if node.function == "log":
        found = _sum_of_exponentials(first)
        if found is not None:
            return build.opaque("logsumexp", found[0]), "log-sum-exp"
        if isinstance(first, Opaque) and first.function == "softmax":
            return build.opaque("log_softmax", first.arguments[0]), "log-softmax"
        if isinstance(first, Map) and first.function == "exp":
            return first.arguments[0], "log of exp"
    if node.function == "exp":
        if isinstance(first, Opaque) and first.function == "log_softmax":
            return build.opaque("softmax", first.arguments[0]), "softmax"
        if isinstance(first, Sum):
            rewritten = _recognise_log_softmax(first)
            if isinstance(rewritten, Opaque) and rewritten.function == "log_softmax":
                return build.opaque("softmax", rewritten.arguments[0]), "softmax"
        if isinstance(first, Map) and first.function == "log":
            return first.arguments[0], "exp of log"
    if node.function == "power" and isinstance(first, Map) and first.function == "power":
        return _power_of_power(node, first), "power of a power"
    if node.function == "power" and isinstance(node.arguments[1], Number) and node.arguments[1].value.is_Integer:
        scale, rest = build.split_coefficient(first)
        if scale.is_number and scale != 1 and (scale**2).is_Rational and not isinstance(rest, Number):
            exponent = node.arguments[1].value
            return build.scale(scale**exponent, build.power(rest, exponent)), "power of a product"
    if node.function == "power" and isinstance(first, Map) and first.function == "abs" and _is_even(node.arguments[1]):
        return build.apply("power", first.arguments[0], node.arguments[1]), "absolute value"
    if node.function == "abs" and sign_of(first).value in ("+", "0+"):
        return first, "absolute value"
    return node, ""


def _is_even(node: Node) -> bool:
    return isinstance(node, Number) and node.value.is_even is True


def _power_of_power(node: Map, inner: Map) -> Node:
    outer_exponent, inner_exponent = node.arguments[1], inner.arguments[1]
    if not (isinstance(outer_exponent, Number) and isinstance(inner_exponent, Number)):
        return node
    a, b = inner_exponent.value, outer_exponent.value
    if not (a.is_number and b.is_number):
        return node
    base = inner.arguments[0]
    if b.is_negative and not (a * b).is_integer:
        return node
    if b.is_integer or sign_of(base).value in ("+", "0+"):
        return build.power(base, a * b)
    if a == 2 and b == Rational(1, 2):
        return build.apply("abs", base)
    return node


def _recognise_log_softmax(node: Sum) -> Node:
    """``u - logsumexp(u)`` over the last axis."""
    for weight, term in node.terms:
        spread = term
        labels: Labels | None = None
        if isinstance(term, Contraction) and len(term.factors) == 1 and not term.bound:
            spread, labels = term.factors[0]
        if not (isinstance(spread, Opaque) and spread.function == "logsumexp" and len(node.terms) == 2):
            continue
        argument = spread.arguments[0]
        if argument.shape != node.shape and argument.rank != node.rank:
            continue
        for other_weight, other in node.terms:
            if other is term or other_weight != -weight:
                continue
            for order in permutations(range(node.rank)):
                laid = build.view(argument, order, node.shape) if _fits(argument, order, node) else None
                expected = tuple(order[k] for k in range(node.rank - 1))
                if laid is other and (labels == expected or (labels is None and not expected)):
                    result = build.view(build.opaque("log_softmax", argument), order, node.shape)
                    return build.scale(other_weight, result)
    return node


def _fits(argument: Node, order: Sequence[int], node: Node) -> bool:
    return all(argument.shape[k] == node.shape[order[k]] for k in range(argument.rank))


def _recognise_softmax(node: Contraction) -> Node:
    """``exp(u) · (Σ exp(u))**-1`` with the reciprocal on exp's other labels."""
    for position, (factor, labels) in enumerate(node.factors):
        if not (isinstance(factor, Map) and factor.function == "power"):
            continue
        exponent = factor.arguments[1]
        if not (isinstance(exponent, Number) and exponent.value == -1):
            continue
        found = _sum_of_exponentials(factor.arguments[0])
        if found is None:
            continue
        u, bound = found
        for other, (candidate, candidate_labels) in enumerate(node.factors):
            if other == position or not (isinstance(candidate, Map) and candidate.function == "exp"):
                continue
            for order in permutations(range(candidate.rank)):
                if candidate.rank != u.rank or not _fits(candidate, order, u):
                    continue
                if build.view(candidate.arguments[0], order, u.shape) is not u:
                    continue
                softmax_labels = [0] * u.rank
                for k in range(candidate.rank):
                    softmax_labels[order[k]] = candidate_labels[k]
                if tuple(softmax_labels[:bound]) != labels:
                    continue
                factors = [f for k, f in enumerate(node.factors) if k not in (position, other)]
                factors.insert(min(position, other), (build.opaque("softmax", u), tuple(softmax_labels)))
                return build.contract(node.coefficient, factors, range(node.out_rank), dict(enumerate(node.label_dims)))
    return node
