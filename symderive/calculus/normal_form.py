"""The normal form for equality: two expressions are the same polynomial in the same atoms.

`decide_equal` writes both sides as canonical sums of
``rational · Σ_bound Π atom[labels]^exponent`` (see :mod:`polynomials`) and
compares.  Functions are taken back to exp, log, sign and powers by their rows'
meaning; softmax, logsumexp and log_softmax by their definitions.  Values and
definedness are decided apart: what every part of an expression as written
requires (the argument of a log > 0, a denominator != 0, ...) is collected,
what declared domains and signs grant is struck off, and the two lists must
agree.  ``0·log 0`` is 0, so a log below a factor that vanishes with its
argument requires nothing.

`expand_differentials` is the forward chain rule over the function rows; it lets
the normal form decide lines such as d(Σ softplus(z)) = Σ σ(z)·dz.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import factorial
from typing import cast, final

from sympy import Expr, bernoulli, cancel, floor, pi

from symderive.calculus.angles import Angles, inverse_value
from symderive.calculus.array_laws import ArrayLaws
from symderive.calculus.branches import equal_by_cases
from symderive.calculus.definedness import existence, off_kink, smoothness
from symderive.calculus.denormalise import label_dims, to_node
from symderive.calculus.elimination import substituted
from symderive.calculus.merging import merged_parts
from symderive.calculus.polynomials import (
    ONE,
    UNIT,
    Algebra,
    Monomial,
    NotHandled,
    Polynomial,
    TooLarge,
    add,
    constant_value,
    exactly_unit,
    exponent_of,
    free_labels,
    monomial_key,
    polynomial_key,
    scale,
    to_sympy,
)
from symderive.calculus.radicals import conjugate_bounds, denested
from symderive.calculus.residues import residue_cases
from symderive.calculus.selection_laws import SelectionLaws
from symderive.calculus.signs import INFINITY, POSITIVE, Bounds, Signs, entry_bounds, exactly, number_bounds
from symderive.calculus.sum_signs import corner_bounds, logarithm_bounds, quotient_bounds
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language import nodes as language
from symderive.language.array_functions import change
from symderive.language.functions import function, meaning, needs, partial, template
from symderive.language.integers import is_integer
from symderive.language.nodes import (
    Basis,
    Binding,
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

HALF = Fraction(1, 2)
_GAMMAS = frozenset({"gamma", "rgamma", "gammaln", "loggamma", "digamma", "beta", "betaln"})
_STEPS = 8
"""How far the argument of a gamma function is brought down."""


@final
@dataclass(frozen=True)
class Equality:
    """The answer of `decide_equal`.

    ``equal`` is True only with a proof: the two sides have the same value at
    every point of the declared domains where they are defined, for every
    dimension >= 1, and they are defined at the same points, which are those
    where ``conditions`` hold (none: everywhere).  False: the normal forms
    differ, or one side is defined where the other is not (``conditions`` then
    would mend it).  None: nothing is decided (too large, or not understood).
    ``facts`` are the declared facts that were at hand.
    """

    equal: bool | None
    conditions: tuple[Relation, ...] = ()
    facts: tuple[str, ...] = ()
    reason: str = ""


# -- differentials -----------------------------------------------------------------


def expand_differentials(node: Node, changing: AbstractSet[Leaf]) -> Node:
    """Write every ``Differential`` in ``node`` in differentials of the changing leaves.

    The forward chain rule: sums, products over factors, function rows, and the
    rows of logsumexp, softmax, log_softmax and prod.  The differential of a leaf
    that does not change is 0; the second differential of one that does is 0.
    Raises `UnsupportedError` where a function has no derivative row.  Source:
    Magnus & Neudecker, Matrix Differential Calculus, ch. 8.

    >>> import numpy as np, symderive as sd
    >>> from symderive.language.nodes import Differential
    >>> w = sd.array("w")
    >>> from symderive.language.arrays import Array
    >>> expanded = expand_differentials(Differential((w**2).node), frozenset({w.node}))
    >>> decide_equal(expanded, (2 * w * Array(Differential(w.node))).node).equal
    True
    """
    return _Forward(changing).expand(node)


def directional(node: Node, leaf: Leaf) -> tuple[Node, tuple[Relation, ...]]:
    """d(node) where one leaf changes, and what must hold for the rules used: no kink is at the point."""
    forward = _Forward(frozenset((leaf,)))
    changed = forward.change(node)
    return changed, tuple(forward.kinks)


def unmet(
    nodes: Iterable[Node], relations: Iterable[Relation], given: Sequence[Relation] = ()
) -> tuple[Relation, ...]:
    """What nodes require to be defined, and relations to 0, less what domains and ``given`` grant.

    >>> import symderive as sd, numpy as np
    >>> x = sd.array("x")
    >>> [str(r) for r in unmet([np.log(x).node], [])]
    ['x > 0']
    """
    replaced = dict(_substitutions(tuple(given), tuple(nodes)))
    normaliser = Normaliser(given)
    definedness = Definedness(normaliser)
    for node in nodes:
        definedness.visit(build.substitute(node, replaced))
    for relation in relations:
        gap = build.add([(language.ONE, relation.lhs), (-language.ONE, relation.rhs)], relation.lhs.shape)
        gap, op = build.substitute(gap, replaced), relation.op
        if op == "==":
            raise NotHandled(f"the condition {relation}")
        if op in ("<", "<="):
            gap, op = build.scale(-1, gap), {"<": ">", "<=": ">="}[op]
        definedness._require(op, gap, normaliser.labels(gap.shape), (), ())
    return tuple(definedness.settled().values())


class _Forward:
    def __init__(self, changing: AbstractSet[Leaf]) -> None:
        self.changing = changing
        self.memo: dict[Node, Node] = {}
        self.done: dict[Node, Node] = {}
        self.kinks: dict[Relation, None] = {}

    def expand(self, node: Node) -> Node:
        if node not in self.done:
            for current in node.walk():
                if current in self.done:
                    continue
                if isinstance(current, Differential):
                    self.done[current] = self.change(self.done[current.body])
                elif current.children:
                    self.done[current] = build.rebuild(current, [self.done[c] for c in current.children])
                else:
                    self.done[current] = current
        return self.done[node]

    def change(self, node: Node) -> Node:
        """d(node)."""
        for current in node.walk():
            if current not in self.memo:
                self.memo[current] = self._change(current)
        return self.memo[node]

    def _change(self, node: Node) -> Node:
        zero = build.zeros(node.shape)
        moving = [c for c in node.children if not build.is_zero(self.memo[c])]
        match node:
            case Leaf():
                return Differential(node) if node in self.changing else zero
            case Differential():
                return zero
            case Named():
                return self.memo[node.body]
            case Sum():
                return build.add([(w, self.memo[t]) for w, t in node.terms], node.shape)
            case Contraction() if moving:
                dims = dict(enumerate(node.label_dims))
                terms = []
                for k, (factor, _) in enumerate(node.factors):
                    if not build.is_zero(self.memo[factor]):
                        factors = [
                            (self.memo[f] if q == k else f, labels) for q, (f, labels) in enumerate(node.factors)
                        ]
                        terms.append(
                            (language.ONE, build.contract(node.coefficient, factors, range(node.out_rank), dims))
                        )
                return build.add(terms, node.shape)
            case Map() if moving:
                terms = []
                row = function(node.function)
                for text in row.kinks:
                    self.kinks[off_kink(template(text, row.arguments)(*node.arguments))] = None
                if row.mask:
                    return zero
                for k, argument in enumerate(node.arguments):
                    if build.is_zero(self.memo[argument]):
                        continue
                    slope = partial(node.function, k, node.arguments)
                    if slope is None:
                        raise UnsupportedError(f"{node.function} has no derivative by its argument {k}")
                    terms.append(
                        (
                            language.ONE,
                            build.multiply(
                                build.broadcast(slope, node.shape), build.broadcast(self.memo[argument], node.shape)
                            ),
                        )
                    )
                return build.add(terms, node.shape)
            case Opaque() if moving:
                return self._opaque(node)
        if moving:
            raise UnsupportedError(f"no differential of a {type(node).__name__}")
        return zero

    def _opaque(self, node: Opaque) -> Node:
        self.kinks.update(dict.fromkeys(smoothness(node)))
        return change(node, self.memo[node.arguments[0]])


# -- expressions to polynomials ----------------------------------------------------


class Normaliser:
    """Turns nodes into polynomials of one `Algebra`; ``named`` keeps definitions as atoms."""

    def __init__(
        self, given: Sequence[Relation] = (), named: bool = False, budget: int = 60_000, roots: Sequence[Node] = ()
    ) -> None:
        self.algebra = Algebra(budget)
        self.angles = Angles(self.algebra)
        self.opens_angles = False
        self.gammas: list[Polynomial] = []
        self.algebra.special = self._special
        self.algebra.reckon = self._reckoned
        self.algebra.denest = lambda p: denested(self.algebra, p)
        self.signs = Signs(given)
        self.arrays = ArrayLaws(self.algebra, self._shown)
        self.selections = SelectionLaws(self.algebra, self.arrays.triangle)
        self.algebra.laws = (self.arrays, self.selections)
        self.named = named
        self._memo: dict[Node, Polynomial] = {}
        for relation in given:
            self._assume(relation)
        self._look_ahead(roots)

    def _look_ahead(self, roots: Sequence[Node]) -> None:
        """Note what functions of ``roots`` are taken of: angles with common parts, Γ at x and 2x or 1 - x."""
        for root in roots:
            for node in root.walk():
                if isinstance(node, Map) and node.function in _GAMMAS:
                    self.gammas += [self.of(a) for a in node.arguments if not isinstance(a, Number)]
                if isinstance(node, Map) and node.function in ("sin", "cos", "tan"):
                    self.angles.note(self.of(node.arguments[0]))
                    self.opens_angles = True
        self._memo.clear()

    def _special(self, name: str, inner: Sequence[Polynomial]) -> Polynomial | None:
        """What a function of polynomials is in simpler ones, or None."""
        if name in ("arctan", "arcsin"):
            return inverse_value(self.algebra, name, inner[0])
        if name in ("sin", "cos"):
            if self.opens_angles:
                return self.angles.opened(name, inner[0], self._circle)
            exact = self.angles.exact_of(inner[0])
            return None if exact is None else exact[name == "sin"]
        return None

    def _circle(self, name: str, angle: Polynomial) -> Polynomial:
        """sin or cos of an angle that is opened no further."""
        opens, self.opens_angles = self.opens_angles, False
        try:
            return self.algebra.function(name, [angle])
        finally:
            self.opens_angles = opens

    def _assume(self, relation: Relation) -> None:
        p = self.difference(relation.lhs, relation.rhs)
        match relation.op:
            case ">" | ">=":
                bounds = Bounds(Fraction(0), INFINITY, relation.op == ">")
            case "<" | "<=":
                bounds = Bounds(-INFINITY, Fraction(0), True, relation.op == "<")
            case "!=":
                bounds = Bounds(nonzero=True)
            case _:
                if not isinstance(relation.lhs, Leaf) and not isinstance(relation.rhs, Leaf):
                    self.algebra.equate(p)
                    self._memo.clear()
                return
        self.algebra.assume(p, bounds)
        self._memo.clear()

    def difference(self, lhs: Node, rhs: Node) -> Polynomial:
        """lhs - rhs over labels 0, 1, ...; a scalar side is spread."""
        return add(self.of(lhs), scale(-1, self.of(rhs)))

    def of(self, node: Node) -> Polynomial:
        """The node's polynomial; axis k is label k, or -1 where the axis has size 1."""
        for current in node.walk():
            if current not in self._memo:
                self._memo[current] = self._of(current)
        return self._memo[node]

    def at(self, node: Node, labels: Sequence[int]) -> Polynomial:
        """The polynomial with the axes at given labels."""
        rename = {k: label for k, label in enumerate(labels) if node.shape[k] != 1}
        return self.algebra.relabel(self.of(node), rename)

    def labels(self, shape: Sequence[Expr]) -> tuple[int, ...]:
        """Labels 0, 1, ... with -1 for axes of size 1."""
        return tuple(-1 if d == 1 else k for k, d in enumerate(shape))

    def _of(self, node: Node) -> Polynomial:
        algebra = self.algebra
        here = self.labels(node.shape)
        match node:
            case Leaf():
                bounds = self.signs.bounds(node)
                if node.domain.has("simplex") and here[node.domain.axis("simplex")] == -1:
                    return ONE
                return algebra.single(algebra.leaf(node, "leaf", bounds), here)
            case Number():
                return algebra.constant(node.value)
            case Delta():
                return ONE if node.dim == 1 else algebra.single(algebra.delta(node.dim), here)
            case Basis():
                if node.dim == 1:
                    return ONE
                a = algebra.atom("basis", (node.dim, node.index), 1, exactly_unit())
                return algebra.single(a, here)
            case Range():
                if node.dim == 1:
                    return {}
                return algebra.single(algebra.range(node.dim), here)
            case Slice():
                return self.selections.slice((node.size, node.count, node.start, node.step), here[0], here[1])
            case Merge():
                return self.selections.merge(node.first, node.second, here)
            case Named():
                if not self.named:
                    return self.of(node.body)
                a = algebra.atom("named", node, node.rank, self.signs.bounds(node.body))
                return algebra.single(a, here)
            case Differential():
                if not isinstance(node.body, Leaf):
                    raise NotHandled("a differential that is not expanded")
                return algebra.single(algebra.leaf(node.body, "d"), here)
            case Sum():
                return add(*(algebra.multiply(algebra.constant(w), self.of(t)) for w, t in node.terms))
            case Contraction():
                return self._contraction(node)
            case Map():
                return self._map(node)
            case Opaque():
                return self._opaque(node)
        raise NotHandled(f"a {type(node).__name__}")

    def _contraction(self, node: Contraction) -> Polynomial:
        algebra = self.algebra
        names = {k: algebra.fresh() for k in node.bound if node.label_dims[k] != 1}
        place = tuple(-1 if d == 1 else names.get(k, k) for k, d in enumerate(node.label_dims))
        result = algebra.constant(node.coefficient)
        waiting = {names[k]: node.label_dims[k] for k in names}
        parts = [(self.at(f, [place[i] for i in ls]), {place[i] for i in ls}) for f, ls in node.factors]
        # the factors that select (δ, unit vectors) first, so that less is expanded
        parts.sort(key=lambda part: len(part[0]))
        for k, (part, _) in enumerate(parts):
            result = algebra.multiply(result, part)
            later = {i for _, ls in parts[k + 1 :] for i in ls}
            ready = {i: d for i, d in waiting.items() if i not in later}
            if ready:
                result = algebra.contract(result, ready)
                waiting = {i: d for i, d in waiting.items() if i not in ready}
        return algebra.contract(result, waiting)

    def _map(self, node: Map) -> Polynomial:
        algebra = self.algebra
        inner = [self.of(a) for a in node.arguments]
        x = inner[0]
        hint = self.signs.bounds(node.arguments[0])
        match node.function:
            case "exp":
                return algebra.exp(x)
            case "log":
                return algebra.log(x, hint)
            case "power":
                value = constant_value(inner[1])
                exponent = node.arguments[1]
                if isinstance(exponent, Number):
                    return algebra.power(x, exponent_of(exponent.value), hint)
                if value is not None:
                    return algebra.power(x, exponent_of(value), hint)
                if hint.sign == "+" or algebra.bounds(x).sign == "+":
                    return algebra.exp(algebra.multiply(inner[1], algebra.log(x, hint)))
                return algebra.function("power", inner)
            case "abs":
                return algebra.magnitude(x, hint)
            case "rgamma" | "digamma" | "polygamma":
                return self._gamma_at_least(node, inner[-1])
            case "gamma":
                return algebra.power(self._reciprocal_gamma(node), -1)
            case "gammaln":
                return scale(-1, algebra.log(algebra.magnitude(self._reciprocal_gamma(node))))
            case "sign":
                return algebra.sign(x, hint)
            case "maximum" | "minimum":
                gap = add(x, scale(-1, inner[1]))
                size = algebra.magnitude(gap)
                return scale(HALF, add(x, inner[1], scale(1 if node.function == "maximum" else -1, size)))
            case "heaviside":
                s = algebra.sign(x, hint)
                square = algebra.multiply(s, s)
                at_zero = algebra.multiply(inner[1], add(ONE, scale(-1, square)))
                return add(scale(HALF, add(square, s)), at_zero)
            case "lt" | "le" | "eq" | "ne":
                s = algebra.sign(add(inner[1], scale(-1, x)))
                square = algebra.multiply(s, s)
                match node.function:
                    case "lt":
                        return scale(HALF, add(square, s))
                    case "le":
                        return add(ONE, scale(-HALF, add(square, scale(-1, s))))
                    case "eq":
                        return add(ONE, scale(-1, square))
                return square
            case "where":
                mask = self.truth(node.arguments[0])
                other = add(ONE, scale(-1, mask))
                return add(algebra.multiply(mask, inner[1]), algebra.multiply(other, inner[2]))
        simpler = meaning(node.function, node.arguments)
        if simpler is not None:
            return self.of(simpler)
        return algebra.function(node.function, inner, self.signs.bounds(node))

    def _reciprocal_gamma(self, node: Map) -> Polynomial:
        """1/Γ of the argument: the one atom that Γ, log Γ and the beta functions are made of."""
        return self.of(Map("rgamma", node.arguments))

    def _gamma_at_least(self, node: Map, p: Polynomial) -> Polynomial:
        """A gamma function of p + k by that of p, the least number > 0 of its kind: Γ(p + 1) = p Γ(p)."""
        algebra = self.algebra
        steps = 0
        while steps < _STEPS and p.get(UNIT, 0) >= 1:
            less = add(p, scale(-1, ONE))
            if algebra.bounds(less).sign != "+":
                break
            p, steps = less, steps + 1
        between = [add(p, scale(k, ONE)) for k in range(steps)]
        law = self._gamma_law(node.function, p)
        bounds = self.signs.bounds(node) if not steps else Bounds()
        if node.function == "rgamma":
            further = 0 if steps or law is not None or algebra.bounds(p).sign == "+" else self._steps_up(p)
            if law is not None:
                result = law
            elif further:
                # 1/Γ(p) = p/Γ(p + 1) for every p: the largest argument that the statement speaks of
                result = self._gamma_at_least(node, add(p, scale(further, ONE)))
                for k in range(further):
                    result = algebra.multiply(result, add(p, scale(k, ONE)))
            else:
                result = ONE if p == ONE else algebra.function("rgamma", [p], POSITIVE if steps else bounds)
            for q in between:
                result = algebra.multiply(result, algebra.power(q, -1))
            return result
        if node.function == "digamma":
            first = algebra.function("digamma", [p], bounds) if law is None else law
            return add(first, *(algebra.power(q, -1) for q in between))
        n = int(cast(Number, node.arguments[0]).value)
        first = self._polygamma_constant(n, p)
        if first is None:
            first = algebra.function("polygamma", [algebra.constant(language.ONE * n), p], bounds)
        return add(first, *(scale((-1) ** n * factorial(n), algebra.power(q, -n - 1)) for q in between))

    def _polygamma_constant(self, n: int, p: Polynomial) -> Polynomial | None:
        """ψn at 1 and 1/2 for odd n, by ζ at even integers (DLMF 5.15.2, 5.15.3)."""
        if n % 2 == 0 or p not in (ONE, {UNIT: HALF}):
            return None
        size = factorial(n) * (1 if p == ONE else 2 ** (n + 1) - 1)
        number = abs(bernoulli(n + 1)) * 2 ** (n + 1) / (2 * factorial(n + 1)) * size
        return scale(Fraction(int(number.p), int(number.q)), self.algebra.power(self.algebra.constant(pi), n + 1))

    def _steps_up(self, p: Polynomial) -> int:
        """By which integer the largest argument of a gamma function is above p, among those a few steps away."""
        gaps = [constant_value(add(q, scale(-1, p))) for q in self.gammas]
        return max((int(g) for g in gaps if g is not None and g.denominator == 1 and 0 < g <= _STEPS), default=0)

    def _gamma_law(self, name: str, p: Polynomial) -> Polynomial | None:
        """1/Γ or ψ at 1/2, at 2q or at 1 - q by what it is at q, for a q > 0 that the statement speaks of.

        Source: NIST DLMF 5.4.6, 5.4.13, 5.5.3, 5.5.4, 5.5.5 and 5.5.8.
        """
        algebra = self.algebra
        half, turn = {UNIT: HALF}, algebra.constant(pi)
        if p == half and name == "rgamma":
            return algebra.power(turn, -HALF)
        if p == half and name == "digamma":
            at_one = algebra.function("digamma", [ONE], Bounds())
            return add(at_one, scale(-2, algebra.log({UNIT: Fraction(2)})))
        if name not in ("rgamma", "digamma"):
            return None
        for q in self.gammas:
            if algebra.bounds(q).sign != "+" or constant_value(q) is not None:
                continue
            if p == scale(2, q):
                one, other = (algebra.function(name, [r], Bounds()) for r in (q, add(q, half)))
                if name == "digamma":
                    return add(scale(HALF, add(one, other)), algebra.log({UNIT: Fraction(2)}))
                power = algebra.exp(algebra.multiply(add(ONE, scale(-2, q)), algebra.log({UNIT: Fraction(2)})))
                return algebra.multiply(power, algebra.power(turn, HALF), one, other)
            if add(p, q) == ONE and polynomial_key(q) < polynomial_key(p):
                angle = algebra.multiply(turn, q)
                sine, at = algebra.function("sin", [angle]), algebra.function(name, [q], Bounds())
                if name == "digamma":
                    cosine = algebra.function("cos", [angle])
                    return add(at, algebra.multiply(turn, cosine, algebra.power(sine, -1)))
                return algebra.multiply(sine, algebra.power(turn, -1), algebra.power(at, -1))
        return None

    def truth(self, condition: Node) -> Polynomial:
        """The mask that a condition is: itself if it is one, else [condition != 0]."""
        p = self.of(condition)
        if isinstance(condition, Map) and function(condition.function).mask:
            return p
        s = self.algebra.sign(p)
        return self.algebra.multiply(s, s)

    def _opaque(self, node: Opaque) -> Polynomial:
        algebra = self.algebra
        u = node.arguments[0]
        p = self.of(u)
        if node.function in language.ON_MATRICES:
            return self._of_matrix(node, p)
        last = u.rank - 1
        dim = u.shape[-1]
        match node.function:
            case "max":
                return self.arrays.maximum(p, last, dim)
            case "min":
                return scale(-1, self.arrays.maximum(scale(-1, p), last, dim))
            case "is_max" | "is_min":
                return self.arrays.is_largest(p if node.function == "is_max" else scale(-1, p), last, dim)
        if node.function == "prod":
            if dim == 1:
                return p
            slot = algebra.fresh()
            return algebra.product_over(algebra.relabel(p, {last: slot}), slot, dim)
        if node.function not in ("logsumexp", "softmax", "log_softmax"):
            raise NotHandled(f"the function {node.function}")
        e = algebra.exp(p)
        total = e if dim == 1 else algebra.contract(e, {last: dim})
        if node.function == "logsumexp":
            return algebra.log(total, POSITIVE)
        if node.function == "softmax":
            return algebra.multiply(e, algebra.power(total, -1, POSITIVE))
        return add(p, scale(-1, algebra.log(total, POSITIVE)))

    def _of_matrix(self, node: Opaque, p: Polynomial) -> Polynomial:
        """A function of the last two axes; where both have size 1, of one number."""
        u = node.arguments[0]
        row, column = u.rank - 2, u.rank - 1
        rows, dim = u.shape[-2:]
        known = self.signs.structure(u)
        match node.function:
            case "inv":
                return self.arrays.inverse(p, row, column, dim, known)
            case "det":
                return self.arrays.determinant(p, row, column, dim, known)
            case "logabsdet":
                return self.arrays.log_magnitude(self.arrays.determinant(p, row, column, dim, known))
            case "signdet":
                return self.algebra.sign(self.arrays.determinant(p, row, column, dim, known))
            case "eigvalsh" if dim == 1:
                return p
            case "cholesky" if dim == 1:
                return self.algebra.power(p, HALF, POSITIVE)
            case "eigvalsh" | "eigvecs" | "cholesky":
                payload: object = dim
            case _:
                payload = (rows, dim)
        slots = (-1 if rows == 1 else row, -1 if dim == 1 else column)
        return self.arrays.decomposed(node.function, p, slots, self.labels(node.shape), payload, known)

    def _shown(self, p: Polynomial, row: int, column: int, dim: Expr) -> frozenset[str]:
        """What the matrix of a polynomial is shown to be."""
        try:
            dims = label_dims(self.algebra, p) | {row: dim, column: dim}
            batch = sorted(set(dims) - {row, column})
            return self.signs.structure(to_node(self.algebra, p, [*batch, row, column], dims))
        except NotHandled:
            return frozenset()

    def _reckoned(self, p: Polynomial) -> Bounds:
        """Bounds of a sum by what its parts are to each other."""
        found = Bounds()
        for way in (conjugate_bounds, logarithm_bounds, corner_bounds, quotient_bounds):
            found = found.meet(way(self.algebra, p))
            if found.sign in ("+", "-"):
                break
        return found

    def product_bounds(self, p: Polynomial) -> Bounds:
        """Bounds of every entry, from the terms and from the factors."""
        algebra = self.algebra
        bounds = algebra.bounds(p)
        if not p or bounds.sign in ("+", "-"):
            return bounds
        try:
            c, pieces = algebra.magnitudes(p)
        except NotHandled:
            return bounds
        total = exactly(c)
        for q, e in pieces:
            total = total.times(algebra.bounds(q).power(to_sympy(e)))
        return bounds.meet(total)

    # -- is it zero ----------------------------------------------------------------

    def is_zero(self, p: Polynomial, depth: int = 3) -> bool:
        """Whether a polynomial is 0 wherever it is defined: as it stands, or with denominators cleared."""
        if not p:
            return True
        cleared = self._cleared(p)
        if not cleared:
            return True
        if depth == 0:
            return False
        if any(self.is_zero(q, depth - 1) for q in self._summands(p)) or self._by_sign(p, depth - 1):
            return True
        for spelled in (p, cleared):
            parts = merged_parts(self.algebra, spelled, lambda q: self.is_zero(q, depth - 1))
            if parts is not None and all(self.is_zero(q, depth - 1) for q in parts):
                return True
        return self._without_inverses(p, 4)

    def _without_inverses(self, p: Polynomial, depth: int) -> bool:
        """Whether a polynomial is 0 after multiplying by matrices that it has inverses of, or without end factors."""
        algebra = self.algebra
        if depth == 0 or not any(algebra.atoms[a].kind == "inv" for m in p for a, _, _ in m[0]):
            return False
        tried: set[tuple] = set()
        for q in (*self.arrays.cleared(p), *self.arrays.opened(p)):
            key = polynomial_key(q)
            if key not in tried:
                tried.add(key)
                if not q or not self._cleared(q) or self._without_inverses(q, depth - 1):
                    return True
        return False

    def _by_sign(self, p: Polynomial, depth: int) -> bool:
        """Whether a polynomial is 0 in each case of the sign of something."""
        algebra = self.algebra
        found = next(
            (
                (a, ls)
                for m in sorted(p, key=monomial_key)
                for a, ls, _ in m[0]
                if algebra.atoms[a].kind == "sign" and all(i >= -1 for i in ls)
            ),
            None,
        )
        if found is None:
            return False
        a, labels = found
        atom = algebra.atoms[a]
        inner = algebra.relabel(atom.inner[0], dict(enumerate(labels)))
        for value in atom.values:
            case = algebra.assign(p, a, labels, value)
            only = next(iter(inner))
            if value == 0 and len(inner) == 1 and len(only[0]) == 1 and not only[1]:
                case = algebra.vanish(case, only[0][0][0], only[0][0][1])
            if not self.is_zero(case, depth):
                return False
        return True

    def _cleared(self, p: Polynomial) -> Polynomial:
        """The polynomial times the sums that it has in denominators; it is 0 where this is."""
        algebra = self.algebra
        for _ in range(6):
            worst: dict[tuple[int, tuple[int, ...]], Fraction] = {}
            for m in p:
                for a, labels, e in m[0]:
                    if algebra.atoms[a].kind not in ("poly", "cos") or isinstance(e, Expr) or e >= 0:
                        continue
                    if all(i >= -1 for i in labels):
                        worst[a, labels] = max(worst.get((a, labels), Fraction(0)), Fraction(-e))
            if not worst:
                return p
            p = algebra.lifted(p, worst)
        return p

    def _summands(self, p: Polynomial) -> Iterable[Polynomial]:
        """Polynomials whose sum over a new free label is ``p``: it is 0 if one of them is."""
        algebra = self.algebra
        if not any(algebra.atoms[a].kind == "poly" and any(i < -1 for i in ls) for m in p for a, ls, _ in m[0]):
            return
        for dim in sorted({d for m in p for d in m[1]}, key=str):
            choices: list[list[int]] = []
            for m in p:
                of_dim = [-2 - k for k, d in enumerate(m[1]) if d == dim]
                under = [i for i in of_dim if any(algebra.atoms[a].kind == "poly" and i in ls for a, ls, _ in m[0])]
                choices.append(under or of_dim)
            count = 1
            for c in choices:
                count *= len(c)
            if not 0 < count <= 32:
                continue
            for chosen in product(*choices):
                label = algebra.fresh()
                total: Polynomial = {}
                for (m, c), i in zip(p.items(), chosen, strict=True):
                    bound = {-2 - k: d for k, d in enumerate(m[1]) if -2 - k != i}
                    factors, inner = algebra.open((_renamed(m, i, label), m[1]))
                    bound = {q: d for q, d in inner.items() if any(q in ls for _, ls, _ in factors)}
                    total = add(total, algebra.reduce(c, factors, bound))
                yield total


def _renamed(m: Monomial, old: int, new: int) -> tuple:
    return tuple((a, tuple(new if i == old else i for i in ls), e) for a, ls, e in m[0])


# -- where an expression is defined --------------------------------------------------


@final
@dataclass(frozen=True)
class Requirement:
    """``op`` one of "!=", ">", ">=" (of 0), for every index; ``base`` identifies what, ``joint`` its guards."""

    op: str
    base: int
    joint: int = -1


class Definedness:
    """The requirements of an expression as written, less those that are granted."""

    def __init__(self, normaliser: Normaliser) -> None:
        self.normaliser = normaliser
        self.algebra = normaliser.algebra
        self.found: dict[Requirement, Relation] = {}
        self._visited: set[tuple] = set()

    def visit(self, node: Node, labels: Sequence[int] | None = None) -> None:
        """Collect what a node requires."""
        self._visit(node, tuple(self.normaliser.labels(node.shape) if labels is None else labels), (), ())

    def _visit(
        self, node: Node, labels: tuple[int, ...], guards: tuple[Polynomial, ...], strong: tuple[Polynomial, ...]
    ) -> None:
        if not guards and not strong:
            # the same node at other free labels requires the same
            shape = tuple(labels.index(i) for i in labels)
            if (node, shape) in self._visited:
                return
            self._visited.add((node, shape))
        if not node.children and not isinstance(node, Basis | Slice):
            return
        normaliser, algebra = self.normaliser, self.algebra
        match node:
            case Basis():
                if node.index != 0 and node.index != node.dim - 1:
                    self._fits(node.index, node.dim)
            case Slice():
                # a count is a floor where the step is no 1; without the floor the last index is no nearer
                last = node.last.replace(floor, lambda x: x)
                self._fits(last if node.step.is_positive else node.start, node.size)
            case Named():
                self._visit(node.body, labels, guards, strong)
            case Sum():
                for _, term in node.terms:
                    self._visit(term, labels, guards, strong)
            case Contraction():
                self._contraction(node, labels, guards, strong)
            case Map():
                self._map(node, labels, guards, strong)
            case Opaque():
                argument = node.arguments[0]
                acted = argument.shape[len(node.batch) :]
                inner = (*labels[: len(node.batch)], *(-1 if d == 1 else algebra.fresh() for d in acted))
                self._visit(argument, inner, (), strong)
                for relation in existence(node):
                    self._require(relation.op, relation.lhs, labels[: len(node.batch)], (), strong)
            case Differential():
                if not isinstance(node.body, Leaf):
                    raise NotHandled("a differential that is not expanded")
            case _:
                for child in node.children:
                    self._visit(child, labels, (), strong)
        _ = normaliser

    def _fits(self, index: Expr, size: Expr) -> None:
        """Note that an index is below a size, unless it is."""
        gap = cancel(size - index)
        if gap.is_nonpositive:
            raise NotHandled("an index out of bounds")
        if not gap.is_positive and number_bounds(gap).sign != "+":
            base, _ = self.algebra.wrap("index", [self.algebra.constant(gap)])
            self.found[Requirement("index", base)] = Relation(Number(size), ">", Number(index))

    def _contraction(
        self, node: Contraction, labels: tuple[int, ...], guards: tuple[Polynomial, ...], strong: tuple[Polynomial, ...]
    ) -> None:
        algebra, normaliser = self.algebra, self.normaliser
        place = list(labels) + [-1 if node.label_dims[k] == 1 else algebra.fresh() for k in node.bound]
        free = set(labels)
        selectors: list[tuple[Node, tuple[int, ...]]] = []
        for factor, ls in node.factors:
            while isinstance(factor, Named):
                factor = factor.body
            if isinstance(factor, Delta):
                i, j = place[ls[0]], place[ls[1]]
                if i != j:
                    old, new = (i, j) if j in free or i not in free else (j, i)
                    place = [new if x == old else x for x in place]
                    guards = tuple(algebra.relabel(g, {old: new}) for g in guards)
                    strong = tuple(algebra.relabel(g, {old: new}) for g in strong)
            elif isinstance(factor, Basis):
                selectors.append((factor, ls))
        for factor, ls in selectors:
            self._visit(factor, tuple(place[i] for i in ls), (), ())
            strong = (*strong, normaliser.at(factor, [place[i] for i in ls]))
        rest = []
        for f, ls in node.factors:
            stripped = f
            while isinstance(stripped, Named):
                stripped = stripped.body
            if not isinstance(stripped, Delta | Basis):
                rest.append((f, tuple(place[i] for i in ls)))
        for k, (factor, at) in enumerate(rest):
            if not any(isinstance(n, Map | Opaque | Basis | Slice) for n in factor.walk()):
                continue
            siblings: tuple[Polynomial, ...] = ()
            if _has_log(factor):
                siblings = tuple(normaliser.at(f, ls) for q, (f, ls) in enumerate(rest) if q != k)
            self._visit(factor, at, guards + siblings, strong)

    def _map(
        self, node: Map, labels: tuple[int, ...], guards: tuple[Polynomial, ...], strong: tuple[Polynomial, ...]
    ) -> None:
        algebra, normaliser = self.algebra, self.normaliser
        places = [labels if a.shape else () for a in node.arguments]
        if node.function == "where":
            self._visit(node.arguments[0], places[0], (), strong)
            mask = algebra.relabel(
                normaliser.truth(node.arguments[0]),
                {k: i for k, i in enumerate(places[0]) if node.arguments[0].shape[k] != 1},
            )
            self._visit(node.arguments[1], places[1], (), (*strong, mask))
            self._visit(node.arguments[2], places[2], (), (*strong, add(ONE, scale(-1, mask))))
            return
        first = node.arguments[0]
        if node.function == "power":
            exponent = node.arguments[1]
            if isinstance(exponent, Number):
                value = exponent.value
                if value.is_integer and value.is_positive:
                    self._visit(first, places[0], guards, strong)
                    return
                self._visit(first, places[0], (), strong)
                if value.is_integer:
                    if not value.is_nonnegative:
                        self._require("!=", first, places[0], (), strong)
                else:
                    self._require(">=" if value.is_nonnegative else ">", first, places[0], (), strong)
                return
            if isinstance(first, Number) and first.value.is_nonzero and is_integer(exponent):
                self._visit(exponent, places[1], (), strong)
                return
            # 0 to a power > 0 is 0
            shown = normaliser.signs.bounds(exponent).sign == "+"
            self._require(">=" if shown else ">", first, places[0], (), strong)
        else:
            for need in needs(node.function, node.arguments):
                own: tuple[Polynomial, ...] = ()
                if need.guard is not None:
                    own = (normaliser.at(need.guard, labels if need.guard.shape else ()),)
                elif node.function in ("log", "log1p", "log2", "log10"):
                    own = guards
                self._require(need.op, need.node, labels if need.node.shape else (), own, strong)
        for argument, place in zip(node.arguments, places, strict=True):
            self._visit(argument, place, (), strong)

    def _require(
        self,
        op: str,
        node: Node,
        labels: Sequence[int],
        guards: tuple[Polynomial, ...],
        strong: tuple[Polynomial, ...],
    ) -> None:
        hint = self.normaliser.signs.bounds(node)
        p = self.normaliser.at(node, labels)
        self.require(op, p, Relation(node, op, Number(language.ZERO)), hint, guards, strong)

    def require(
        self,
        op: str,
        p: Polynomial,
        relation: Relation,
        hint: Bounds = Bounds(),
        guards: tuple[Polynomial, ...] = (),
        strong: tuple[Polynomial, ...] = (),
    ) -> None:
        """Note ``p op 0`` unless it is granted; broken into what its factors need."""
        algebra = self.algebra
        sign = algebra.bounds(p).meet(hint).sign if p else "0"
        granted = {"!=": ("+", "-", "nonzero"), ">": ("+",), ">=": ("+", "0+", "0")}[op]
        if sign in granted or any(self._masked(op, p, mask) for mask in strong):
            return
        if not p:
            raise NotHandled("something is defined nowhere")
        laid = None if guards or strong else self.normaliser.selections.pieces([p])
        if laid is not None:
            for where, own, (piece,) in laid:
                self.require(op, piece, relation, strong=() if own else (where,))
            return
        picked = algebra.bound_basis([p])
        if picked is not None:
            label, (inner,) = algebra.unpick([p], picked)
            strong = (*strong, algebra.single(picked, (label,)))
            self.require(op, inner, relation, hint, guards, strong)
            return
        c, pieces = algebra.magnitudes(p)
        if op == "!=":
            for q, _ in pieces:
                self._note("!=", q, relation, (), strong)
            return
        if op == ">":
            odd: list[Polynomial] = []
            for q, e in pieces:
                known = algebra.bounds(q).sign
                if len(pieces) == 1 and c > 0 and hint.sign == "0+" and e == 1:
                    known = "0+"
                if known in ("0+", "+") or (isinstance(e, int) and e % 2 == 0):
                    self._note("!=", q, relation, guards if known == "0+" else (), strong)
                elif isinstance(e, int | Expr):
                    odd.append(q if isinstance(e, int) else algebra.power(q, e))
                else:
                    self._note("!=", q, relation, (), strong)
            if odd or c < 0:
                q = algebra.multiply(*odd)
                self._note(">", scale(-1, q) if c < 0 else q, relation, guards, strong)
            return
        if len(pieces) == 1 and isinstance(pieces[0][1], int) and pieces[0][1] % 2:
            p = scale(1 if c > 0 else -1, pieces[0][0])
        self._note(">=", p, relation, (), strong)

    def _masked(self, op: str, p: Polynomial, mask: Polynomial) -> bool:
        """Whether ``p op 0`` holds wherever the mask is 1."""
        algebra = self.algebra
        s = algebra.sign(p)
        square = algebra.multiply(s, s)
        want = {"!=": (square, ONE), ">": (s, ONE), ">=": (s, square)}[op]
        return not add(algebra.multiply(mask, want[0]), scale(-1, algebra.multiply(mask, want[1])))

    def _note(
        self,
        op: str,
        q: Polynomial,
        relation: Relation,
        guards: tuple[Polynomial, ...],
        strong: tuple[Polynomial, ...],
    ) -> None:
        algebra = self.algebra
        sign = algebra.bounds(q).sign
        if sign == "+" or (op == "!=" and sign in ("-", "nonzero")):
            return
        if op == ">=" and sign in ("0+", "0"):
            return
        ((only, _), *more) = q.items()
        if op == "!=" and not more and len(only[0]) == 1 and not only[1]:
            a, ls, _ = only[0][0]
            if algebra.atoms[a].kind == "abs":
                q = algebra.relabel(algebra.atoms[a].inner[0], dict(enumerate(ls)))
        if len(q) == 1 and op == "!=":
            for g in guards:
                if all(_carries(m, next(iter(q))) for m in g):
                    return
        if len(q) > 1 and op == "!=" and any(_proportional(g, q) for g in guards):
            return
        first = min(q.values(), key=abs)
        q = scale(1 / abs(first), q) if op != "!=" else scale(1 / first, q)
        base, _ = algebra.wrap("required", [q])
        joint = -1
        if guards or strong:
            weak = algebra.multiply(*guards) if guards else {}
            hard = algebra.multiply(*strong) if strong else ONE
            joint, _ = algebra.wrap("guarded", [q, weak, hard])
        self.found.setdefault(Requirement(op, base, joint), relation)

    def settled(self, assumed: AbstractSet[Requirement] = frozenset()) -> dict[Requirement, Relation]:
        """The requirements with those that others imply taken out, and pairs joined (>= and != give >)."""
        found = dict(self.found)
        known = {r for r in found if r.joint == -1} | {r for r in assumed if r.joint == -1}
        for r in list(known):
            if r.op == ">=" and Requirement("!=", r.base) in known:
                strict = Requirement(">", r.base)
                if strict not in known:
                    known.add(strict)
                    if r in found or Requirement("!=", r.base) in found:
                        relation = found.get(r) or found[Requirement("!=", r.base)]
                        found[strict] = Relation(relation.lhs, ">" if r in found else "!=", relation.rhs)
        result = {}
        for r, relation in found.items():
            if r in assumed:
                continue
            if r.op in ("!=", ">=") and Requirement(">", r.base) in known:
                continue
            if r.joint != -1 and any(Requirement(op, r.base) in known for op in (r.op, ">")):
                continue
            result[r] = relation
        return {r: relation for r, relation in result.items() if Requirement(r.op, r.base) not in assumed}


def _has_log(node: Node) -> bool:
    return any(isinstance(n, Map) and n.function in ("log", "log1p", "log2", "log10") for n in node.walk())


def _proportional(a: Polynomial, b: Polynomial) -> bool:
    """Whether a polynomial is a number times another."""
    return a.keys() == b.keys() and len({a[m] / b[m] for m in b}) == 1


def _carries(m: Monomial, needle: Monomial) -> bool:
    """Whether a monomial has the needle's factors."""
    have = {(a, ls): e for a, ls, e in m[0]}
    return not needle[1] and all(
        (a, ls) in have and not isinstance(have[a, ls], Expr) and have[a, ls] > 0
        for a, ls, _ in needle[0]  # type: ignore[operator]
    )


# -- the decision --------------------------------------------------------------------


def _substitutions(given: Sequence[Relation], nodes: Sequence[Node]) -> list[tuple[Leaf, Node]]:
    """``leaf == expression`` of given, oriented, each in terms of those before it."""
    present = {leaf for node in nodes for leaf in node.leaves()}
    found: list[tuple[Leaf, Node]] = []
    for relation in given:
        if relation.op != "==":
            continue
        for leaf, value in ((relation.lhs, relation.rhs), (relation.rhs, relation.lhs)):
            if not isinstance(leaf, Leaf) or leaf not in present or leaf in [x for x, _ in found]:
                continue
            for other, meant in found:
                value = build.substitute(value, {other: meant})
            if leaf in value.leaves():
                continue
            value = build.broadcast(value, leaf.shape)
            found = [(x, build.substitute(v, {leaf: value})) for x, v in found]
            found.append((leaf, value))
            break
    return found


def decide_equal(
    lhs: Node,
    rhs: Node,
    given: tuple[Relation, ...] = (),
    changing: AbstractSet[Leaf] = frozenset(),
    budget: int = 60_000,
) -> Equality:
    """Decide whether two nodes are equal in value and definedness; see `Equality`.

    Both sides have one shape, or one is a scalar.  ``given`` relations are used
    as sign facts, and ``leaf == expression`` as a substitution.  ``changing``
    are the leaves along which a ``Differential`` moves; a statement about
    differentials says nothing where the differentiated function has a kink or
    is undefined, and what that excludes is in ``conditions``.  ``budget``
    bounds the number of terms.  No exception for what is not understood: then
    ``equal`` is None with the reason.

    >>> import numpy as np, symderive as sd
    >>> n = sd.dims("n")
    >>> z = sd.array("z", n)
    >>> decide_equal(np.tanh(z).node, (1 - 2 / (1 + np.exp(2 * z))).node).equal
    True
    >>> answer = decide_equal((z / z).node, sd.ones(n).node)
    >>> answer.equal, [str(c.op) for c in answer.conditions]
    (False, ['!='])
    """
    if lhs.shape != rhs.shape:
        if lhs.shape and rhs.shape:
            return Equality(False, reason=f"the shapes {lhs.shape} and {rhs.shape} differ")
        lhs, rhs = build.broadcast(lhs, lhs.shape or rhs.shape), build.broadcast(rhs, lhs.shape or rhs.shape)
    if lhs is rhs and not changing and not any(isinstance(n, Differential) for n in lhs.walk()):
        identical = True
    else:
        identical = False
    shared = any(isinstance(n, Named) for n in lhs.walk()) and any(isinstance(n, Named) for n in rhs.walk())
    answer = Equality(None)
    for named in (True, False) if shared and not identical else (False,):
        try:
            answer = _decide(lhs, rhs, given, changing, named, budget)
        except (TooLarge, NotHandled, UnsupportedError, RecursionError) as problem:
            answer = Equality(None, reason=str(problem) or type(problem).__name__)
        if answer.equal:
            return answer
    if not changing and not any(isinstance(n, Differential | Binding) for side in (lhs, rhs) for n in side.walk()):
        for more in (_without_given, _by_residues, _with_parts):
            try:
                further = more(lhs, rhs, given, budget)
            except (TooLarge, NotHandled, UnsupportedError, RecursionError):
                continue
            if further is not None and further.equal:
                return further
    elif _has_parts(lhs) or _has_parts(rhs):
        with suppress(TooLarge, NotHandled, UnsupportedError, RecursionError):
            opened = _decide(lhs, rhs, given, changing, False, budget, deep=True)
            return opened if opened.equal else answer
    return answer


def _without_given(lhs: Node, rhs: Node, given: tuple[Relation, ...], budget: int) -> Equality | None:
    """The decision after scalars are eliminated by equations that are given."""
    if not any(r.op == "==" for r in given):
        return None
    found = substituted(lhs, rhs, given)
    if found is None:
        return None
    left, right, facts = found
    return _decide(left, right, facts, frozenset(), False, budget)


def _by_residues(lhs: Node, rhs: Node, given: tuple[Relation, ...], budget: int) -> Equality | None:
    """The decision in every residue class of the integers of which remainders and floors are taken."""
    cases = residue_cases(lhs, rhs, given=given)
    if cases is None:
        return None
    known = {leaf for side in (lhs, rhs) for leaf in side.leaves()}
    kept = tuple(r for r in given if not known & {leaf for side in (r.lhs, r.rhs) for leaf in side.leaves()})
    count = 0
    for left, right in cases:
        answer = _decide(left, right, kept, frozenset(), False, budget)
        if not answer.equal or answer.conditions:
            return None
        count += 1
    reason = f"equal normal forms in each of {count} residue classes"
    return Equality(True, (), tuple(f"given: {r}" for r in given), reason)


def _with_parts(lhs: Node, rhs: Node, given: tuple[Relation, ...], budget: int) -> Equality | None:
    """The decision with sines and cosines of sums and multiples opened, and Γ at x related to Γ at 2x and 1 - x."""
    if not (_has_parts(lhs) or _has_parts(rhs)):
        return None
    return _decide(lhs, rhs, given, frozenset(), False, budget, deep=True)


def _has_parts(node: Node) -> bool:
    return any(isinstance(n, Map) and n.function in ("sin", "cos", "tan", *_GAMMAS) for n in node.walk())


def _by_cases(
    left: Node, right: Node, given: tuple[Relation, ...], normaliser: Normaliser, budget: int
) -> bool:
    """Whether two sides that compare entries are equal whatever the signs of what they compare."""

    def same(a: Node, b: Node, known: tuple[Relation, ...]) -> bool:
        one = Normaliser(known, False, budget)
        return one.is_zero(one.difference(a, b))

    def sign(m: Monomial) -> int:
        algebra = normaliser.algebra
        return int(bool(m[0]) and not m[1] and all(algebra.atoms[a].bounds.sign == "+" for a, _, _ in m[0]))

    return equal_by_cases(left, right, given, normaliser.of, same, sign)


def _decide(
    lhs: Node,
    rhs: Node,
    given: tuple[Relation, ...],
    changing: AbstractSet[Leaf],
    named: bool,
    budget: int,
    deep: bool = False,
) -> Equality:
    forward = _Forward(changing)
    bodies = [
        n.body
        for side in (lhs, rhs)
        for n in side.walk()
        if isinstance(n, Differential) and not isinstance(n.body, Leaf | Differential)
    ]
    left, right = forward.expand(lhs), forward.expand(rhs)
    derived = [forward.expand(Differential(b)) for b in bodies]
    if named and bodies:
        named = False
    replaced: dict[Node, Node] = dict(_substitutions(given, (left, right, *bodies)))
    left, right = build.substitute(left, replaced), build.substitute(right, replaced)
    normaliser = Normaliser(given, named, budget, (left, right) if deep else ())
    for leaf, value in replaced.items():
        assert isinstance(leaf, Leaf)
        normaliser.algebra.assume(normaliser.of(value), entry_bounds(leaf.domain.entries))
    normaliser._memo.clear()
    same = normaliser.is_zero(normaliser.difference(left, right)) or _by_cases(left, right, given, normaliser, budget)
    facts = tuple(
        dict.fromkeys(
            f"{leaf.name} is declared {leaf.domain}"
            for side in (left, right)
            for leaf in side.leaves()
            if repr(leaf.domain) != "real"
        )
    ) + tuple(f"given: {r}" for r in given)
    if not same:
        return Equality(False, facts=facts, reason="the normal forms differ")
    assumed = Definedness(normaliser)
    for body in (*bodies, *derived):
        assumed.visit(build.substitute(body, replaced))
    for kink in forward.kinks:
        node = build.substitute(kink.lhs, replaced)
        if kink.op == "==":  # how many entries are largest: at least one, so "one" is "fewer than two"
            node = build.add([(-language.ONE, node), (2 * language.ONE, build.number(1))], node.shape)
        assumed._require(">" if kink.op == "==" else kink.op, node, normaliser.labels(node.shape), (), ())
    base = assumed.settled()
    wants = []
    for side in (left, right):
        definedness = Definedness(normaliser)
        definedness.visit(side)
        wants.append(definedness.settled(frozenset(base)))
    conditions = tuple(dict.fromkeys(base.values()))
    if wants[0].keys() != wants[1].keys():
        unmatched = {r: w[r] for w, other in (wants, wants[::-1]) for r in w if r not in other}
        return Equality(
            False,
            tuple(dict.fromkeys((*conditions, *unmatched.values()))),
            facts,
            "equal in value, but one side is defined where the other is not",
        )
    return Equality(True, tuple(dict.fromkeys((*conditions, *wants[0].values()))), facts, "equal normal forms")


__all__ = [
    "Definedness",
    "Equality",
    "Normaliser",
    "Requirement",
    "decide_equal",
    "exactly",
    "expand_differentials",
    "free_labels",
]
