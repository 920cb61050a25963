"""Differentials, backwards through definitions, as recorded lines.

The state of a computation is ``d(root) = Σ_u <A_u, d(u)>`` over a frontier of
parts u, with the adjoints A_u of shape ``root.shape + u.shape``.  A line opens
parts whose uses are all accounted for: linear parts (sums, contractions with
one changing factor, definitions) together, then functions by their rows (chain
rule), then products (product rule).  It ends at the leaves, where the adjoint
*is* the derivative: d(root) = <G, dw> for every dw means ∂root/∂w = G
(Magnus & Neudecker, Matrix Differential Calculus, ch. 5 and 9).  For a network
this is back-propagation, and A_u is the δ of the layer.

Zero is only ever the answer for a leaf that does not occur.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Expr

from symderive.calculus.definedness import granted, off_kink, requirements, smoothness
from symderive.calculus.rewrites import Rewrite
from symderive.calculus.simplify import simplify
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.array_functions import array_function, change
from symderive.language.arrays import Array
from symderive.language.functions import function, partial, template
from symderive.language.nodes import (
    ONE,
    Basis,
    Contraction,
    Delta,
    Differential,
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
from symderive.language.statements import Relation


@dataclass(frozen=True)
class Line:
    """One line: the state after it, the rule, the rules of the functions in it, and how each part was opened."""

    state: Node
    rule: str
    uses: tuple[str, ...]
    conditions: tuple[Relation, ...]
    openings: tuple[Rewrite, ...]


@dataclass(frozen=True)
class Differentiation:
    """The lines, and the derivative by each leaf (shape ``root.shape + leaf.shape``)."""

    lines: tuple[Line, ...]
    derivatives: dict[Leaf, Node]


def differentiate(root: Node, wrt: Sequence[Leaf]) -> Differentiation:
    """d(root) in terms of the differentials of ``wrt``, line by line."""
    return _Backward(root, tuple(wrt)).run()


def changing_parts(root: Node, wrt: Sequence[Leaf]) -> tuple[set[Node], set[Node]]:
    """The nodes through which the root changes with the leaves, and the masks that do so in jumps alone."""
    active: set[Node] = set()
    masks: set[Node] = set()
    for node in root.walk():
        if isinstance(node, Differential):
            raise UnsupportedError("a second differential d(d(u)) is not read; derive twice instead")
        if node in wrt or any(c in active for c in node.children):
            (masks if _is_mask(node) else active).add(node)
    reached: set[Node] = set()
    stack = [root] if root in active else []
    while stack:
        node = stack.pop()
        if node not in reached:
            reached.add(node)
            stack.extend(c for c in node.children if c in active)
    return reached, masks


def pair(adjoint: Node, inner: Node, out_rank: int) -> Node:
    """``<adjoint, inner>``: contract the adjoint's trailing axes with ``inner``."""
    trailing = tuple(range(out_rank, adjoint.rank))
    return build.contract(
        ONE,
        [(adjoint, tuple(range(adjoint.rank))), (inner, trailing)],
        range(out_rank),
        dict(enumerate(adjoint.shape)),
    )


class _Backward:
    def __init__(self, root: Node, wrt: tuple[Leaf, ...]) -> None:
        self.root = root
        self.wrt = wrt
        self.rank = root.rank
        self.active, self.masks = changing_parts(root, wrt)
        self.waiting: dict[Node, int] = dict.fromkeys(self.active, 0)
        for node in self.active:
            for child in node.children:
                if child in self.active:
                    self.waiting[child] += 1
        self.order = {n: k for k, n in enumerate(root.walk())}
        self.layers = self._layers()
        self.frontier: dict[Node, Node] = {}
        self.lines: list[Line] = []
        self.stated = set(requirements(root))

    def _layers(self) -> dict[Node, str]:
        """Names for the adjoints that several parts use on the way to several variables: the δ of each layer.

        A layer multiplies by a matrix of weights, and there are at least two of them, one
        below a function of the other; counted from the input.
        """
        if len(self.wrt) < 2:
            return {}
        curved: set[Node] = set()
        sites: list[Node] = []
        for node in self.root.walk():
            if node not in self.active:
                continue
            if isinstance(node, Map | Opaque) or any(c in curved for c in node.children):
                curved.add(node)
            if isinstance(node, Sum | Contraction) and node.rank and sum(c in self.active for c in node.children) > 1:
                sites.append(node)
        inner = {c for n in sites for c in n.children}
        sites = [n for n in sites if n not in inner]
        layers = [n for n in sites if any(self._weighs(c) for c in (n, *n.children))]
        if len(layers) < 2 or not any(n in curved for n in layers):
            return {}
        taken = {n.name for n in self.root.walk() if isinstance(n, Leaf | Named)}
        stem = next(s for s in ("delta", "Delta", "adjoint_") if not any(t.startswith(s) for t in taken))
        return {n: f"{stem}{k}" for k, n in enumerate(sites, 1)}

    def _weighs(self, node: Node) -> bool:
        if not isinstance(node, Contraction):
            return False
        return any(f in self.wrt and f.rank > 1 and set(ls) & set(node.bound) for f, ls in node.factors)

    def run(self) -> Differentiation:
        if self.root in self.active:
            self.frontier[self.root] = identity_of(self.root)
            self._to_leaves()
        else:
            self._constant_in_steps()
        derivatives: dict[Leaf, Node] = {}
        for leaf in self.wrt:
            found = self.frontier.get(leaf)
            derivatives[leaf] = build.zeros(self.root.shape + leaf.shape) if found is None else found
        return Differentiation(tuple(self.lines), derivatives)

    def _to_leaves(self) -> None:
        while True:
            ready = self._ready()
            if not ready:
                break
            kinds = {u: kind_of(u, self.active) for u in ready}
            for kind in ("linearity", "chain rule", "product rule"):
                chosen = [u for u in ready if kinds[u] == kind]
                if chosen:
                    self._line(kind, chosen)
                    break
        unopened = [u for u in self.frontier if not isinstance(u, Leaf)]
        if unopened:
            raise UnsupportedError(f"d({Array(unopened[0])}) was never opened; this is a bug in symderive")

    def _constant_in_steps(self) -> None:
        """What changes only in jumps has the differential 0 off them."""
        uses: dict[str, None] = {}
        conditions: dict[Relation, None] = {}
        self._jumps(self.root, uses, conditions)
        if uses:
            zero = build.zeros(self.root.shape)
            rewrite = Rewrite(Differential(self.root), zero, "chain rule", tuple(conditions))
            line = Line(zero, "chain rule", tuple(uses), tuple(conditions), (rewrite,))
            self.lines.append(line)

    def _jumps(self, node: Node, uses: dict[str, None], conditions: dict[Relation, None]) -> None:
        """A part that is constant but for its masks: they must be off their boundaries."""
        for part in node.walk():
            if part in self.masks and isinstance(part, Opaque):
                uses[f"derivative of {part.function}"] = None
                conditions.update(dict.fromkeys(smoothness(part)))
            if part in self.masks and isinstance(part, Map):
                row = function(part.function)
                uses[f"derivative of {row.name}"] = None
                for text in row.kinks:
                    needed = off_kink(template(text, row.arguments)(*part.arguments))
                    if not granted(needed):
                        conditions[needed] = None

    def _ready(self) -> list[Node]:
        ready = [u for u in self.frontier if not isinstance(u, Leaf) and self.waiting[u] == 0]
        return sorted(ready, key=lambda u: -self.order[u])

    def _line(self, kind: str, chosen: list[Node]) -> None:
        uses: dict[str, None] = {}
        conditions: dict[Relation, None] = {}
        openings: list[Rewrite] = []
        while chosen:
            for u in chosen:
                self._open(u, uses, conditions, openings)
            if kind != "linearity":
                break
            chosen = [u for u in self._ready() if kind_of(u, self.active) == kind]
        state = self.state()
        for relation in requirements(state):
            if relation not in self.stated:
                conditions[relation] = None
        for relation in list(conditions):
            stronger = Relation(relation.lhs, ">", relation.rhs)
            if relation.op == "!=" and (stronger in conditions or stronger in self.stated):
                del conditions[relation]
        self.stated.update(conditions)
        self.lines.append(Line(state, kind, tuple(uses), tuple(conditions), tuple(openings)))

    def state(self) -> Node:
        """Σ_u <A_u, d(u)>."""
        terms = [(ONE, pair(a, Differential(u), self.rank)) for u, a in self.frontier.items()]
        return build.add(terms, self.root.shape)

    def _open(
        self, u: Node, uses: dict[str, None], conditions: dict[Relation, None], openings: list[Rewrite]
    ) -> None:
        adjoint = self.frontier.pop(u)
        if u in self.layers and adjoint.children and not isinstance(adjoint, Named):
            adjoint = Named(self.layers[u], adjoint)
        local: list[tuple[Expr, Node]] = []
        for child, weight, forward, use, needs in rules_of(u, self.active):
            if use:
                uses[use] = None
            found = simplify(weight(adjoint, self.rank), self.wrt)
            uses.update(dict.fromkeys(r.rule for r in found.rewrites))
            if child in self.frontier:
                shape = self.root.shape + child.shape
                found = simplify(build.add([(ONE, self.frontier[child]), (ONE, found.node)], shape), self.wrt)
                uses.update(dict.fromkeys(r.rule for r in found.rewrites))
            self.frontier[child] = found.node
            local.append((ONE, forward))
            for relation in needs:
                conditions[relation] = None
        if isinstance(u, Map) and len(local) > 1:
            uses["total derivative"] = None
        for child in u.children:
            if child in self.active:
                self.waiting[child] -= 1
            else:
                self._jumps(child, uses, conditions)
        after = build.add(local, u.shape)
        openings.append(Rewrite(Differential(u), after, kind_of(u, self.active), tuple(conditions)))


def identity_of(root: Node) -> Node:
    """δ over root's axes twice: the derivative of root by itself."""
    rank = root.rank
    factors = [(Delta(size), (k, rank + k)) for k, size in enumerate(root.shape)]
    return build.contract(ONE, factors, range(2 * rank), dict(enumerate(root.shape + root.shape)))


def kind_of(u: Node, active: set[Node]) -> str:
    """The general rule that opens d(u): linearity, the chain rule or the product rule."""
    if isinstance(u, Named | Sum):
        return "linearity"
    if isinstance(u, Contraction):
        changing = sum(1 for f, _ in u.factors if f in active)
        return "linearity" if changing == 1 else "product rule"
    return "chain rule"


Weight = Callable[[Node, int], Node]
Rule = tuple[Node, Weight, Node, str, tuple[Relation, ...]]


def rules_of(u: Node, active: set[Node]) -> list[Rule]:
    """For each changing child: its adjoint from u's, its summand of d(u), the rule it uses, conditions."""
    match u:
        case Named():
            return [(u.body, lambda a, r: a, Differential(u.body), f"definition of {u.name}", ())]
        case Sum():
            return [_sum_rule(w, n) for w, n in u.terms if n in active]
        case Contraction():
            return [_factor_rule(u, k) for k, (f, _) in enumerate(u.factors) if f in active]
        case Map():
            return _map_rules(u, active)
        case Opaque():
            return [_opaque_rule(u)]
        case Leaf() | Number() | Delta() | Basis() | Range() | Slice() | Merge() | Differential():
            pass
    raise UnsupportedError(f"no differential for the node {type(u).__name__}")


def _sum_rule(weight: Expr, node: Node) -> Rule:
    return (
        node,
        lambda a, r: build.scale(weight, a),
        build.scale(weight, Differential(node)),
        "",
        (),
    )


def _through(u: Contraction, k: int) -> Weight:
    """The adjoint of a contraction's k-th factor, from the contraction's own."""
    _, labels = u.factors[k]
    count = len(u.label_dims)

    def weight(adjoint: Node, rank: int) -> Node:
        """A_f[o, l] = Σ A[o, out] · c · Π others, with f's labels l as new outputs."""
        shift = rank
        dims = {k2 + shift: s for k2, s in enumerate(u.label_dims)}
        dims |= {o: adjoint.shape[o] for o in range(rank)}
        factors: list[tuple[Node, Sequence[int]]] = [
            (f, tuple(x + shift for x in ls)) for m, (f, ls) in enumerate(u.factors) if m != k
        ]
        outer = tuple(range(rank)) + tuple(x + shift for x in range(u.out_rank))
        factors.insert(0, (adjoint, outer))
        out: list[int] = list(range(rank))
        fresh = shift + count
        seen: set[int] = set()
        for x in labels:
            label = x + shift
            if label in seen:
                dims[fresh] = dims[label]
                factors.append((Delta(dims[label]), (label, fresh)))
                out.append(fresh)
                fresh += 1
            else:
                seen.add(label)
                out.append(label)
        return build.contract(u.coefficient, factors, out, dims)

    return weight


def _factor_rule(u: Contraction, k: int) -> Rule:
    factor, _ = u.factors[k]
    summand = build.contract(
        u.coefficient,
        [(Differential(f) if m == k else f, ls) for m, (f, ls) in enumerate(u.factors)],
        range(u.out_rank),
        dict(enumerate(u.label_dims)),
    )
    return factor, _through(u, k), summand, "", ()


def _map_rules(u: Map, active: set[Node]) -> list[Rule]:
    row = function(u.function)
    rules: list[Rule] = []
    held = set(requirements(u))
    blocked = tuple(n for n in active if isinstance(n, Leaf))  # they move freely, whatever is declared of them
    for k, argument in enumerate(u.arguments):
        if argument not in active:
            continue
        if u.function == "power" and k == 1 and isinstance(argument, Number):
            continue
        slope = partial(u.function, k, u.arguments)
        if slope is None:
            raise UnsupportedError(f"{u.function} is not differentiable by its argument {row.arguments[k]}")
        needs = [off_kink(template(text, row.arguments)(*u.arguments)) for text in row.kinks]
        needs += [r for r in requirements(slope) if r not in held]
        if u.function != "where" and (not slope.shape or slope.shape == u.shape):  # a branch hides what it leaves out
            slope = simplify(slope, blocked).node
        weight, summand = _elementwise_weight(u, argument, slope)
        ungranted = tuple(r for r in needs if not granted(r))
        rules.append((argument, weight, summand, f"derivative of {row.name}", ungranted))
    return rules


def _is_mask(node: Node) -> bool:
    if isinstance(node, Opaque):
        return array_function(node.function).mask
    return isinstance(node, Map) and function(node.function).mask


def _elementwise_weight(u: Node, argument: Node, slope: Node) -> tuple[Weight, Node]:
    own = tuple(range(u.rank))
    slope_labels = own if slope.shape else ()
    argument_labels = own if argument.shape else ()

    def weight(adjoint: Node, rank: int) -> Node:
        shifted = tuple(range(rank, rank + u.rank))
        out = tuple(range(rank)) + (shifted if argument.shape else ())
        return build.contract(
            ONE,
            [(adjoint, tuple(range(adjoint.rank))), (slope, shifted if slope.shape else ())],
            out,
            dict(enumerate(adjoint.shape)),
        )

    summand = build.contract(
        ONE,
        [(slope, slope_labels), (Differential(argument), argument_labels)],
        own,
        dict(enumerate(u.shape)),
    )
    return weight, summand


def _opaque_rule(u: Opaque) -> Rule:
    """The row's differential; the adjoint is its transpose."""
    argument = u.arguments[0]
    differential = Differential(argument)
    summand = change(u, differential)
    held = set(requirements(u))
    needs = [*smoothness(u), *(r for r in requirements(summand) if r not in held)]

    def weight(adjoint: Node, rank: int) -> Node:
        return transposed(summand, differential, adjoint, rank)

    return argument, weight, summand, f"derivative of {u.function}", tuple(r for r in needs if not granted(r))


def transposed(linear: Node, inner: Differential, adjoint: Node, rank: int) -> Node:
    """``<adjoint, linear>`` is ``<result, inner>``: an expression linear in ``inner``, transposed."""
    shape = adjoint.shape[:rank] + inner.shape
    if linear is inner:
        return adjoint
    if isinstance(linear, Sum):
        return build.add([(w, transposed(n, inner, adjoint, rank)) for w, n in linear.terms], shape)
    if isinstance(linear, Contraction):
        positions = [k for k, (f, _) in enumerate(linear.factors) if f is inner or inner in f.walk()]
        if len(positions) == 1:
            factor, _ = linear.factors[positions[0]]
            return transposed(factor, inner, _through(linear, positions[0])(adjoint, rank), rank)
    if inner not in linear.walk():
        return build.zeros(shape)
    raise UnsupportedError(f"{Array(linear)} is not linear in {Array(inner)}; this is a bug in symderive")
