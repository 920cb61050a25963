"""Lipschitz constants of gradients, in closed form: ‖∇f(x) - ∇f(y)‖ <= L ‖x - y‖ for all x and y.

The loss is taken apart into terms Σ_i w_i φ(z_i) with z affine in the variables.  Such a term has
the constant max|w| · sup|φ''| · ‖A‖², where A is the linear part of z; the supremum is found
exactly (every critical point of φ'' and its limits), and ‖A‖ is a spectral norm, or the length of
what A consists of.  Quadratic terms, log-sum-exp (1/2) and log-softmax have rules of their own.
Constants of terms add up, so that the result is an upper bound; for a single quadratic it is sharp.
A term that is not understood leaves the question undecided, and is named.

Sources: Y. Nesterov, Lectures on Convex Optimization, 2018, 1.2.2; S. Boyd and L. Vandenberghe,
Convex Optimization, 2004, 9.1.2; B. Gao and L. Pavel, On the properties of the softmax function
with application in game theory and reinforcement learning, 2017, for log-sum-exp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, final

import numpy as np
from sympy import Expr, Integer, Max, Rational, limit, oo
from sympy import simplify as sympy_simplify

from symderive.calculus.definedness import requirements
from symderive.calculus.normal_form import expand_differentials
from symderive.calculus.signs import sign_of
from symderive.calculus.simplify import simplify
from symderive.checking.convexity import expanded, second_derivative
from symderive.checking.critical_points import number_sign
from symderive.checking.curvature import AFFINE, CONSTANT, curvature
from symderive.checking.real_solutions import Model, solve
from symderive.checking.sides import Reader, listed, shortened
from symderive.derivation.derive import gradient
from symderive.errors import DomainError, JudgementConflictError, ShapeError, UnsupportedError
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Evidence, Status, Verdict
from symderive.language import build
from symderive.language.arrays import Array, shape_text
from symderive.language.domains import positive, real
from symderive.language.functions import function
from symderive.language.nodes import (
    ONE,
    Contraction,
    Delta,
    Differential,
    Factor,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Sum,
)
from symderive.language.statements import Relation, names_in
from symderive.language.views.components import scalar_symbol

SQUARE = "a square of an affine array"

LARGEST_SLOPES = {"huber": Integer(1), "pseudo_huber": Integer(1)}
"""sup |φ''| in the last argument, where φ'' jumps or depends on the other argument."""


@final
@dataclass(frozen=True)
class Part:
    """One term of the loss, its constant, and why."""

    term: Array
    constant: Array
    reason: str
    sharp: bool = False
    variables: frozenset[Leaf] = frozenset()

    def __str__(self) -> str:
        return f"{self.term} has a gradient with constant {self.constant}: {self.reason}"


@final
@dataclass(frozen=True)
class Lipschitz:
    """A Lipschitz constant of a gradient.

    Attributes
    ----------
    constant : a scalar Array that does not depend on the variables, or None where none was found
    sharp : whether it is the smallest one (a single quadratic), else None: an upper bound
    parts : the terms of the loss with their constants, which add up
    verdict : "proved" that it is an upper bound, or "undecided" with the reason
    """

    subject: Array
    wrt: tuple[Array, ...]
    constant: Array | None
    sharp: bool | None
    parts: tuple[Part, ...]
    verdict: Verdict

    def __str__(self) -> str:
        names = ", ".join(a.name for a in self.wrt)
        if self.constant is None:
            return f"no constant for the gradient of {self.subject} by {names}: {self.verdict.reason}"
        word = "the" if self.sharp else "a"
        return f"{word} Lipschitz constant of the gradient by {names}: {self.constant} ({self.verdict.status})"


class _UnknownTermError(UnsupportedError):
    """A term for which no rule gives a constant."""


def lipschitz(f: Any, wrt: Any, *, given: Any = ()) -> Lipschitz:
    """A Lipschitz constant of a scalar's gradient, in closed form.

    Parameters
    ----------
    f : scalar Array
    wrt : an Array, its name, or a sequence of them (jointly, in the Euclidean norm of all entries)
    given : relations about what does not change, as in `symderive.claim`

    Returns
    -------
    Lipschitz
        ``constant`` with the terms that it comes from; "undecided" where a term has no rule, or an
        unbounded second derivative.

    Raises
    ------
    ShapeError
        f is not a scalar.
    DomainError
        A variable ranges over a set that is not convex.

    Source: Y. Nesterov, Lectures on Convex Optimization, 2018, 1.2.2.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> lam = sd.array("lam", domain=sd.positive)
    >>> found = sd.lipschitz(np.sum(np.logaddexp(0, X @ w) - y * (X @ w)) + lam * w @ w, w)
    >>> sd.check(found.constant, "==", np.linalg.norm(X, 2) ** 2 / 4 + 2 * lam).upheld, found.verdict.status.value
    (True, 'proved')
    >>> sd.lipschitz(np.sum(np.exp(X @ w)), w).verdict.status.value
    'undecided'
    """
    derived = gradient(f, wrt if isinstance(wrt, list | tuple) else [wrt])
    subject = derived.subject
    if subject.ndim:
        raise ShapeError(f"the gradient is of a scalar; this has shape {shape_text(subject.dims)}")
    leaves = [a.node for a in derived.wrt if isinstance(a.node, Leaf)]
    if len(leaves) != len(derived.wrt):
        raise UnsupportedError("wrt takes declared arrays here; name what the definition is made of")
    for leaf in leaves:
        entries = leaf.domain.entries
        if entries.values is not None or entries.integer or entries.nonzero:
            raise DomainError(f"a Lipschitz constant needs a convex domain, but {leaf.name} is declared {leaf.domain}")
    held = tuple(Reader([subject], listed(given)).relations)
    names = ", ".join(leaf.name for leaf in leaves)
    claim = f"the gradient of {subject} by {names} has a Lipschitz constant"
    try:
        parts = tuple(_Terms(leaves, held).of(subject.node))
    except _UnknownTermError as error:
        verdict = Verdict(Status.undecided, shortened(claim), reason=str(error), conditions=held)
        return Lipschitz(subject, derived.wrt, None, None, (), verdict)
    constant = _together(parts)
    moving = [p for p in parts if not build.is_zero(p.constant.node)]
    sharp = True if not moving or (len(moving) == 1 and moving[0].sharp) else None
    evidence = _judged(subject, leaves, constant, held)
    lines = tuple(str(p) for p in moving)
    verdict = Verdict(
        Status.proved,
        shortened(f"{claim[:-len('a Lipschitz constant')]}the Lipschitz constant {constant}"),
        reason="; ".join(lines) or "the gradient is constant",
        trace=(*lines, f"the Hessian is at most {constant}: terms add up, and the largest counts of what is separate"),
        evidence=evidence,
        conditions=held,
    )
    return Lipschitz(subject, derived.wrt, constant, sharp, parts, verdict)


def _together(parts: Sequence[Part]) -> Array:
    """The sum of the constants; of groups without a common variable the largest, the Hessian being in blocks."""
    groups: list[tuple[set[Leaf], list[Node]]] = []
    for part in parts:
        joined: tuple[set[Leaf], list[Node]] = (set(part.variables), [part.constant.node])
        for group in [g for g in groups if g[0] & joined[0]]:
            groups.remove(group)
            joined = (group[0] | joined[0], [*group[1], *joined[1]])
        groups.append(joined)
    totals = [simplify(build.add([(ONE, c) for c in constants], ())).node for _, constants in groups]
    numbers = [t.value for t in totals if isinstance(t, Number) and t.value.is_number]
    rest = [t for t in dict.fromkeys(totals) if not (isinstance(t, Number) and t.value.is_number)]
    whole: Any = Array(Number(Max(*numbers))) if numbers else None
    for t in rest:
        whole = Array(t) if whole is None else np.maximum(whole, Array(t))
    return Array(Number(Integer(0))) if whole is None else whole


def _judged(
    subject: Array, leaves: Sequence[Leaf], constant: Array, given: tuple[Relation, ...]
) -> Evidence | None:
    """|D²f[v, v]| <= L·‖v‖² at exact points, where the judge can say; a violation is a bug."""
    try:
        second = second_derivative(subject.node, leaves, given)
    except UnsupportedError:
        return None
    bound = build.multiply(constant.node, second.length)
    found: Evidence | None = None
    for sign, op in ((ONE, "<="), (-ONE, ">=")):
        verdict = judge_relation(Relation(second.form, op, build.scale(sign, bound)), given=given, points=8)
        if verdict.status is Status.refuted:
            raise JudgementConflictError(
                f"the constant {constant} is too small, which is a bug in symderive, please report it\n{verdict}"
            )
        found = verdict.evidence
    return found


_Found = tuple[Node, Node, Sequence[Factor], set[int], str]
"""What a rule says of a term: sup |φ''|, κ, the factors that are weights, the labels that it accounts for, why."""


class _Terms:
    """Takes a loss apart into terms with constants."""

    def __init__(self, leaves: Sequence[Leaf], given: tuple[Relation, ...]) -> None:
        self.leaves = tuple(leaves)
        self.given = given

    def of(self, loss: Node) -> Iterator[Part]:
        """The terms that are not affine."""
        for weight, term in expanded(build.without_names(loss)):
            if self.kind(term) in (CONSTANT, AFFINE) or not weight:
                continue
            yield self.part(build.scale(weight, term))

    def kind(self, node: Node) -> str:
        return curvature(node, self.leaves, self.given).curvature

    def part(self, term: Node) -> Part:
        """The constant of one term, by the first rule that fits."""
        coefficient, factors, sizes, rank = _product(term)
        moving = [f for f in factors if self.kind(f[0]) != CONSTANT]
        constant = [f for f in factors if self.kind(f[0]) == CONSTANT]
        variables = frozenset(leaf for leaf in self.leaves if leaf in term.leaves())
        bound = range(rank, len(sizes))
        for rule in (self.elementwise, self.array_function, self.quadratic):
            found = rule(moving, constant, bound)
            if found is not None:
                slope, inner, rest, covered, reason = found
                loose = [Number(sizes[label]) for label in bound if label not in covered]  # summed over, not moving
                weights = build.multiply(self.largest(coefficient, rest), *loose)
                made = Array(simplify(build.multiply(weights, slope, inner)).node)
                plain = reason.startswith(SQUARE) and not any(f.shape for f, _ in constant) and len(variables) == 1
                return Part(Array(term), made, reason, plain and self.one_map(moving[0][0]), variables)
        raise _UnknownTermError(f"no rule gives a constant for the term {_short(term)}")

    def one_map(self, node: Node) -> bool:
        """Whether the linear part of the affine array inside is one matrix, or the variable itself."""
        while isinstance(node, Map):
            node = node.arguments[0]
        moved = expand_differentials(Differential(node), frozenset(self.leaves))
        terms = list(expanded(build.without_names(moved)))
        if len(terms) != 1:
            return False
        _, factors, sizes, rank = _product(terms[0][1])
        return len(factors) <= 2 and {x for _, ls in factors for x in ls} == set(range(len(sizes))) and rank > 0

    # -- the kinds of terms

    def elementwise(
        self, moving: Sequence[Factor], constant: Sequence[Factor], bound: range
    ) -> _Found | None:
        """Σ φ(z) with φ of one affine argument, entry by entry."""
        labels = moving[0][1]
        if any(set(ls) != set(labels) and f.shape for f, ls in moving) or not set(labels) <= set(bound):
            return None
        if len(set(labels)) < len(labels):
            return None
        region = _Region(self, names_in([f for f, _ in moving], self.given))
        made = [region.scalar(f) for f, ls in moving if ls == labels or not f.shape]
        if len(made) != len(moving) or any(m is None for m in made) or region.inner is None:
            return None
        inner = region.inner
        whole = build.multiply(*(m for m in made if m is not None))
        largest = self.largest_curvature(whole, region)
        if largest is None:
            raise _UnknownTermError(
                f"the second derivative of {Array(whole)} is not bounded, or was not shown to be, in {_short(inner)}"
            )
        square = largest == 2 and simplify(whole).node is build.power(region.variable, 2)
        shown = SQUARE if square else f"sup |φ''| = {largest} for φ({region.variable.name}) = {Array(whole)}"
        return Number(largest), self.operator(inner), constant, set(labels), f"{shown}, with {_short(inner)} affine"

    def array_function(
        self, moving: Sequence[Factor], constant: Sequence[Factor], bound: range
    ) -> _Found | None:
        """log-sum-exp and log-softmax of an affine array."""
        del bound
        if len(moving) != 1 or not isinstance(moving[0][0], Opaque):
            return None
        opaque, labels = moving[0]
        inner = opaque.arguments[0]
        if self.kind(inner) != AFFINE:
            return None
        half = Number(Rational(1, 2))
        if opaque.function == "logsumexp":
            reason = f"log-sum-exp bends by 1/2 at most, with {_short(inner)} affine"
            return half, self.operator(inner), constant, set(labels), reason
        if opaque.function == "log_softmax":
            # Σ_k Y_k log p_k bends by |Σ_k Y_k|/2 at most: a distribution or a one-hot row sums to 1.
            last = labels[-1]
            weights = [f for f in constant if last in f[1]]
            summed = [f for f in weights if isinstance(f[0], Leaf) and f[0].domain.has("simplex") and f[1][-1] == last]
            if len(weights) == 1 and summed == weights:
                rest = [f for f in constant if f not in weights]
                reason = f"log-softmax under weights of sum 1 bends by 1/2 at most, with {_short(inner)} affine"
                return half, self.operator(inner), rest, set(labels), reason
        return None

    def quadratic(
        self, moving: Sequence[Factor], constant: Sequence[Factor], bound: range
    ) -> _Found | None:
        """Σ z_a M_ab y_b for affine z and y: 2·‖M‖·‖A‖·‖B‖, and half of that for separate variables."""
        if len(moving) != 2 or any(self.kind(f) != AFFINE for f, _ in moving):
            return None
        (first, left), (second, right) = moving
        if len(set(left)) < len(left) or len(set(right)) < len(right) or not set(left) | set(right) <= set(bound):
            return None
        between = self.path(left, right, constant)
        if between is None:
            return None
        used, rest, passed = between
        same = {leaf for leaf in self.leaves if leaf in first.leaves()} & set(second.leaves())
        if first is second:
            inner = self.operator(first)
        else:
            inner = build.multiply(*(build.power(self.operator(f), Rational(1, 2)) for f in (first, second)))
        plain = f"{SQUARE}, {_short(first)}" if first is second and not constant else "a product of affine arrays"
        covered = {*left, *right, *passed}
        return Number(Integer(2 if same else 1)), build.multiply(used, inner), rest, covered, plain

    def path(
        self, left: Sequence[int], right: Sequence[int], constant: Sequence[Factor]
    ) -> tuple[Node, list[Factor], set[int]] | None:
        """The norms of the matrices that lead from one factor's labels to the other's, what is left, the way."""
        here, there = set(left) - set(right), set(right) - set(left)
        waiting = list(constant)
        norms: list[Node] = [Number(ONE)]
        passed: set[int] = set()
        while here:
            if len(here) != 1 or len(there) != 1:
                return None
            (label,) = here
            links = [(k, f, ls) for k, (f, ls) in enumerate(waiting) if label in ls and len(ls) == 2]
            if len(links) != 1:
                return None
            k, factor, ls = links[0]
            waiting.pop(k)
            (other,) = set(ls) - {label} or {None}
            if other is None:
                return None
            norms.append(np.linalg.norm(Array(factor), 2).node)
            passed.add(other)
            here = set() if other in there else {other}
        return build.multiply(*norms), waiting, passed

    # -- constants

    def largest(self, coefficient: Expr, factors: Sequence[Factor]) -> Node:
        """max |weights|."""
        return build.multiply(Number(abs(coefficient)), *(self.magnitude(factor) for factor, _ in factors))

    def magnitude(self, node: Node) -> Node:
        """The largest |entry| of a constant array."""
        if isinstance(node, Leaf):
            entries = node.domain.entries
            if node.domain.has("one_hot") or node.domain.has("simplex"):
                return Number(ONE)
            if entries.low.is_finite and entries.high.is_finite:
                return Number(Max(abs(entries.low), abs(entries.high)))
        size = node if sign_of(node, self.given).nonnegative else build.apply("abs", node)
        whole = Array(size)
        return np.max(whole).node if node.shape else size

    def largest_curvature(self, whole: Node, region: _Region) -> Expr | None:
        """sup |φ''| over the region's variable."""
        t = region.variable
        match whole:
            case Map(function=name, arguments=(*_, last)) if name in LARGEST_SLOPES and last is t:
                return LARGEST_SLOPES[name]
            case Map(function="power", arguments=(Map(function="maximum", arguments=pair), Number(value=two))):
                if two == 2 and any(isinstance(a, Number) for a in pair):
                    return self.squared_hinge(pair, t)
            case Map(function="logaddexp", arguments=(Leaf(), last)) if last is t:
                return Rational(1, 4)
        if requirements(whole) or _kinks(whole, t):
            return None
        expression = Array(whole).to_sympy()
        symbol = scalar_symbol(t)
        if expression.free_symbols - {symbol}:
            return None
        return largest_magnitude(expression.diff(symbol).diff(symbol), symbol)

    @staticmethod
    def squared_hinge(pair: Sequence[Node], t: Leaf) -> Expr | None:
        """max(c, a·t + b)² with c >= 0 has a gradient that is continuous for c = 0, of slope 0 or 2·a²."""
        constant = next(a for a in pair if isinstance(a, Number))
        other = next((a for a in pair if a is not constant), None)
        if constant.value != 0 or other is None:
            return None
        slope = Array(other).to_sympy().diff(scalar_symbol(t))
        return 2 * slope**2 if slope.is_Rational else None

    def operator(self, inner: Node) -> Node:
        """κ with ‖z(x + v) - z(x)‖² <= κ·‖v‖² for an affine z."""
        moved = expand_differentials(Differential(inner), frozenset(self.leaves))
        parts: dict[Leaf, list[Node]] = {}
        for weight, term in expanded(build.without_names(moved)):
            coefficient, factors, sizes, rank = _product(term)
            own = [f for f in factors if isinstance(f[0], Differential)]
            if len(own) != 1 or not isinstance(own[0][0], Differential) or not isinstance(own[0][0].body, Leaf):
                raise _UnknownTermError(f"the linear part of {_short(inner)} is not understood")
            rest = [f for f in factors if f is not own[0]]
            square = self.chain(own[0][1], rest, sizes, rank, inner)
            norm = build.scale((weight * coefficient) ** 2, square)
            parts.setdefault(own[0][0].body, []).append(norm)
        totals: list[Node] = []
        for found in parts.values():
            if len(found) == 1:
                totals += found
            else:  # ‖A + B‖ <= ‖A‖ + ‖B‖
                roots = [build.power(f, Rational(1, 2)) for f in found]
                totals.append(build.power(build.add([(ONE, r) for r in roots], ()), 2))
        return build.add([(ONE, t) for t in totals], ())

    def chain(
        self, labels: Sequence[int], factors: Sequence[Factor], sizes: Sequence[Expr], rank: int, inner: Node
    ) -> Node:
        """‖A‖² for v ↦ Σ (constants)·v, one constant after the other."""
        current = set(labels)
        out = set(range(rank))
        waiting = list(factors)
        norms: list[Node] = []
        while waiting:
            k = next((k for k, (_, ls) in enumerate(waiting) if not ls or set(ls) & current), None)
            if k is None:
                raise _UnknownTermError(f"the linear part of {_short(inner)} is not understood")
            factor, ls = waiting.pop(k)
            others = {x for _, more in waiting for x in more}
            summed = {x for x in ls if x in current and x not in out and x not in others}
            if len(set(ls)) < len(ls):
                raise _UnknownTermError(f"the linear part of {_short(inner)} is not understood")
            norms.append(self.norm(factor, ls, current, summed))
            current = (current | set(ls)) - summed
        for label in out - current:
            norms.append(Number(sizes[label]))  # a copy for each index
            current.add(label)
        norms += [Number(sizes[label]) for label in current - out]  # a plain sum over an index
        return build.multiply(*norms) if norms else Number(ONE)

    def norm(self, factor: Node, labels: Sequence[int], current: set[int], summed: set[int]) -> Node:
        """The squared norm of one constant as a linear map."""
        whole = Array(factor)
        if isinstance(factor, Delta):
            return Number(ONE)
        if not labels:
            return build.power(factor, 2)
        if set(labels) <= current and not summed:  # entry by entry
            return build.power(self.magnitude(factor), 2)
        if set(labels) == summed or not set(labels) & current:  # a sum over all of it, or an outer product
            return np.sum(whole**2).node
        if len(labels) == 2 and len(summed) == 1:
            return (np.linalg.norm(whole, 2) ** 2).node
        return np.sum(whole**2).node  # the Frobenius norm is at least the spectral one


class _Region:
    """An elementwise function of one affine array, as a scalar function of one variable."""

    def __init__(self, terms: _Terms, taken: set[str]) -> None:
        self.terms = terms
        self.inner: Node | None = None
        self.variable = Leaf(next(n for k in count() if (n := f"t{'_' * k}") not in taken), (), real)

    def scalar(self, node: Node) -> Node | None:
        """The node over the variable in place of the affine array, without shapes; None where it is of another form."""
        if isinstance(node, Number):
            return node
        kind = self.terms.kind(node)
        if kind == CONSTANT:
            plain = isinstance(node, Contraction) and not node.factors and not node.bound
            if isinstance(node, Contraction) and plain:
                return Number(node.coefficient)
            return node if not node.shape else None
        if kind == AFFINE:
            coefficient, core = build.split_coefficient(node)
            if self.inner is None:
                self.inner = core
                if sign_of(core, self.terms.given).positive:
                    self.variable = Leaf(self.variable.name, (), positive)
            return build.scale(coefficient, self.variable) if core is self.inner else None
        match node:
            case Named():
                return self.scalar(node.body)
            case Map():
                arguments = [self.scalar(a) for a in node.arguments]
                if any(a is None for a in arguments):
                    return None
                return build.rebuild(node, [a for a in arguments if a is not None])
            case Sum():
                terms = [(w, self.scalar(t)) for w, t in node.terms]
                if any(t is None for _, t in terms):
                    return None
                return build.add([(w, t) for w, t in terms if t is not None], ())
            case Contraction():
                own = tuple(range(node.out_rank))
                if node.bound or any(ls not in ((), own) for _, ls in node.factors):
                    return None
                factors = [self.scalar(f) for f, _ in node.factors]
                if any(f is None for f in factors):
                    return None
                return build.scale(node.coefficient, build.multiply(*(f for f in factors if f is not None)))
        return None


def largest_magnitude(expression: Expr, symbol: Any) -> Expr | None:
    """sup |g| of a continuous function on the line (or on t > 0), from its critical points and limits.

    None where it is unbounded, or where not every critical point or limit is known.

    >>> from sympy import Symbol, exp
    >>> t = Symbol("t", real=True)
    >>> largest_magnitude(1 / (1 + exp(t)) - 1 / (1 + exp(t)) ** 2, t)
    1/4
    """
    if symbol not in expression.free_symbols:
        return abs(expression)
    model = Model((symbol,), frozenset([symbol]) if symbol.is_positive else frozenset())
    expression, prepared = model.prepare([expression, expression.diff(symbol)])
    found = solve(model, [prepared])
    if found.open or found.components:
        return None
    low = (0, "+") if symbol.is_positive else (-oo, "+")
    ends = [limit(expression, symbol, oo), limit(expression, symbol, *low)]
    model.read(expression)
    periodic = all(g.kind in ("cos", "sin") for g in model.generators.values())
    values: list[Expr] = [expression.subs(symbol, next(iter(p.coordinates.values()))) for p in found.places]
    if not periodic:
        if any(not e.is_finite or not e.is_comparable for e in ends):
            return None
        values += ends
    best: Expr | None = None
    for value in (abs(v) for v in values):
        if best is None:
            best = value
            continue
        sign = number_sign(value - best)
        if sign is None:
            return None
        best = value if sign > 0 else best
    return None if best is None else sympy_simplify(best)


def _product(node: Node) -> tuple[Expr, tuple[Factor, ...], tuple[Expr, ...], int]:
    """Coefficient, factors, label sizes and rank of a node as a contraction."""
    if isinstance(node, Contraction):
        return node.coefficient, node.factors, node.label_dims, node.out_rank
    return ONE, ((node, tuple(range(node.rank))),), node.shape, node.rank


def _kinks(node: Node, t: Leaf) -> bool:
    """Whether a function with a kink is in play."""
    for part in node.walk():
        if isinstance(part, Map) and t in part.leaves():
            row = function(part.function)
            if row.kinks or row.mask or part.function == "where":
                return True
    return False


def _short(node: Node) -> str:
    text = str(Array(node))
    return text if len(text) <= 80 else text[:77] + "..."


__all__ = ["Lipschitz", "Part", "largest_magnitude", "lipschitz"]
