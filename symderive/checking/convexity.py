"""Convexity of a scalar, with a certificate or a counterexample.

A twice differentiable function on a convex domain is convex exactly where its second derivative
along every direction is >= 0.  That is proved from lemmas, where it is a Gram form Σ s_i (V v)_i²
with s >= 0 for every dimension, or, for scalar variables, as an exact sum of squares.  A function
with kinks is not settled by second derivatives (-|x| has the second derivative 0 wherever it has
one): it is proved by composition (`curvature`), or judged along its chords.

Sources: S. Boyd and L. Vandenberghe, Convex Optimization, 2004, 3.1 and 9.1.2; R. T. Rockafellar,
Convex Analysis, 1970, 4; A. Ahmadi and P. Parrilo, A convex polynomial that is not sos-convex,
Math. Program. 135 (2012).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, final

import numpy as np
from sympy import Add, Expr, Integer, Poly, Rational, fraction, lambdify, together

from symderive.calculus.normal_form import decide_equal, expand_differentials
from symderive.calculus.signs import sign_of, structure
from symderive.calculus.simplify import simplify
from symderive.checking.curvature import AFFINE, CONSTANT, CONVEX, curvature
from symderive.checking.enclosures import BITS, ball_of
from symderive.checking.exact_reals import precision
from symderive.checking.real_solutions import Model, OpenSystemError, signed_factors
from symderive.checking.sides import shortened
from symderive.derivation.derive import hessian
from symderive.derivation.inequalities import prove_nonnegative
from symderive.derivation.proofs import prove_equal
from symderive.derivation.squares import sum_of_squares
from symderive.errors import DomainError, JudgementConflictError, UnsupportedError
from symderive.judgement.judge import judge_defined, judge_relation
from symderive.judgement.verdicts import Counterexample, Status, Verdict
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.domains import positive, real
from symderive.language.functions import function
from symderive.language.nodes import ONE, ZERO, Contraction, Differential, Leaf, Map, Node, Number, Sum
from symderive.language.statements import Relation, names_in
from symderive.language.views.components import scalar_symbol

STARTS = 24
"""How many starts a search for a point of negative curvature has."""

MODULI = tuple(Rational(1, k) for k in (1, 2, 4, 10, 100, 1000))
"""Moduli of strong convexity that are tried where none shows itself."""

CONVEX_STRUCTURES = frozenset({"simplex", "symmetric", "spd", "diagonal", "lower_triangular"})


@final
@dataclass(frozen=True)
class Second:
    """The second derivative along a direction: ``form`` in the arrays and the ``directions`` by leaf."""

    form: Node
    directions: Mapping[Leaf, Leaf]

    @property
    def along(self) -> str:
        """The directions' names."""
        return ", ".join(v.name for v in self.directions.values())

    @property
    def length(self) -> Node:
        """The squared length of the direction."""
        terms = [(ONE, square_length(v)) for v in self.directions.values()]
        return build.add(terms, ())


def square_length(leaf: Leaf) -> Node:
    """Σ v² of an array."""
    labels = tuple(range(leaf.rank))
    return build.contract(ONE, [(leaf, labels), (leaf, labels)], (), dict(enumerate(leaf.shape)))


def convex(loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...] = ()) -> Verdict:
    """Judge whether a scalar is convex in some arrays jointly, on their declared domains.

    ``given`` must not speak of ``leaves``.  ``proved`` has its certificate in ``reason`` and
    ``trace``: a Gram form, a sum of squares, or a composition.  ``refuted`` carries a point and a
    direction along which the second derivative is negative, or two points between which the
    function lies above the chord.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> convex(x**4 - x, [x.node]).status.value, convex(x**3, [x.node]).status.value
    ('proved', 'refuted')
    """
    text = shortened(f"{loss} is convex in {', '.join(leaf.name for leaf in leaves)}")
    return _Convexity(loss, leaves, given, text).verdict()


def concave(loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...] = ()) -> Verdict:
    """Judge whether -loss is convex; see `convex`.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x", domain=sd.positive)
    >>> concave(np.log(x), [x.node]).status.value
    'proved'
    """
    text = shortened(f"{loss} is concave in {', '.join(leaf.name for leaf in leaves)}")
    return _Convexity(-loss, leaves, given, text, "of its negative ").verdict()


class _Convexity:
    """One claim of convexity."""

    def __init__(
        self, loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...], text: str, whose: str = ""
    ) -> None:
        _convex_domains(leaves)
        self.loss = loss.node
        self.leaves = tuple(leaves)
        self.given = given
        self.text = text
        self.whose = whose

    def verdict(self) -> Verdict:
        """Somewhere and everywhere defined, not refuted, then proved by one of the certificates."""
        empty = _nowhere(self.loss, self.given, self.text)
        if empty is not None:
            return empty
        unshown = undefined(self.loss, self.given, self.text)
        if isinstance(unshown, Verdict):
            return unshown
        rough = _rough(self.loss, self.leaves)
        free = all(not leaf.domain.structures for leaf in self.leaves)
        ruling = curvature(self.loss, self.leaves, self.given)
        composed = ruling.curvature in (CONSTANT, AFFINE, CONVEX)
        parts: list[Verdict] = []
        if free and not rough:
            second = Relation(Differential(Differential(self.loss)), ">=", Number(ZERO))
            judged = judge_relation(second, given=self.given, changing=self.leaves, points=14)
            if judged.status is Status.refuted:
                self.conflict(composed and not unshown, judged)
                sign = "positive" if self.whose else "negative"
                reason = f"the second derivative along a direction is {sign} at an exact point of the domain"
                if self.whose and judged.counterexample is not None:
                    note = "the left side is the second derivative of the negative"
                    judged = replace(judged, counterexample=replace(judged.counterexample, note=note))
                return replace(judged, claim=self.text, reason=reason)
            parts.append(judged)
        chord = self.below_chord()
        if chord.status is Status.refuted:
            self.conflict(composed and not unshown, chord)
            return chord
        parts.append(chord)
        if unshown:
            return replace(chord, reason=f"{chord.reason}; no proof: that it is defined needs {', '.join(unshown)}")
        if not rough:
            proof = self.by_second_derivative()
            if proof is not None:
                return replace(proof, claim=self.text, evidence=chord.evidence, parts=tuple(parts))
        if composed:
            lines = ruling.lines() or (f"it is {ruling.curvature}",)
            reason = f"by composition: {'; '.join(lines)}"
            return Verdict(
                Status.proved,
                self.text,
                reason=reason,
                trace=lines,
                evidence=chord.evidence,
                conditions=self.given,
                parts=tuple(parts),
            )
        pieces = self.by_terms()
        if pieces is not None:
            return replace(pieces, evidence=chord.evidence, parts=(*parts, *pieces.parts))
        if not rough and not self.given:
            bent = bent_down(self.loss, self.leaves, self.text)
            if bent is not None and self.whose:
                return replace(bent, reason=bent.reason.replace("negative", "positive"))
            if bent is not None:
                return bent
        why = f"no proof by second derivatives: {rough}" if rough else (
            "no proof: its second derivative was not shown to be >= 0"
        )
        return replace(chord, reason=f"{chord.reason}; {why}; nor by composition")

    def conflict(self, proved: bool, refuted: Verdict) -> None:
        """A proof and a counterexample are a bug, loudly."""
        if proved:
            raise JudgementConflictError(
                f"{self.text}: the composition says yes and the judge says no; this is a bug in symderive, "
                f"please report it\n{refuted}"
            )

    def by_second_derivative(self) -> Verdict | None:
        """The second derivative is >= 0, inside the domain if the function is continuous up to the edge."""
        inner: list[tuple[dict[Any, Any], str]] = [({}, "")]
        if _continuous(self.loss, self.leaves) and (inside := _interior(self.leaves)):
            inner.append((inside, ", inside the domain; up to its edge the function is continuous"))
        for replacements, where in inner:
            try:
                loss = build.substitute(self.loss, replacements) if replacements else self.loss
                second = second_derivative(loss, [replacements.get(leaf, leaf) for leaf in self.leaves], self.given)
            except UnsupportedError:
                return None
            proof = nonnegative(second.form, self.given)
            if proof.status is Status.proved:
                shown = f"the second derivative {self.whose}along any direction {second.along} is {Array(second.form)}"
                gram = gram_form(second, self.given)
                reason = f"{shown}, which is >= 0{where}" + (f"; {gram}" if gram else "")
                return replace(proof, reason=reason, conditions=self.given)
        return None

    def by_terms(self) -> Verdict | None:
        """A sum of functions each of which is proved convex in its own way."""
        body = build.without_names(self.loss)
        if not isinstance(body, Sum):
            return None
        parts: list[Verdict] = []
        for weight, term in body.terms:
            part = Array(build.scale(weight, term))
            verdict = _Convexity(part, self.leaves, self.given, shortened(f"{part} is convex")).verdict()
            if verdict.status is not Status.proved:
                return None
            parts.append(verdict)
        lines = tuple(line for p in parts for line in (p.claim, *p.trace))
        reason = f"a sum of convex functions: {'; '.join(f'{p.claim} ({p.reason})' for p in parts)}"
        return Verdict(
            Status.proved, self.text, reason=reason, trace=lines, conditions=self.given, parts=tuple(parts)
        )

    def below_chord(self) -> Verdict:
        """f((a + b)/2) <= (f(a) + f(b))/2, judged at exact points."""
        relation, _ = chord_of(self.loss, self.leaves, "<=", self.given)
        verdict = judge_relation(relation, given=self.given, points=16, claim=self.text)
        if verdict.status is Status.refuted:
            reason = f"halfway between two points of the domain {'its negative' if self.whose else 'it'} lies above"
            return replace(verdict, reason=f"{reason} the chord")
        if verdict.status is Status.checked:
            return replace(verdict, reason=f"it lies below its chords; {verdict.reason}")
        return verdict


def _nowhere(loss: Node, given: tuple[Relation, ...], text: str) -> Verdict | None:
    """An undecided verdict where no point was found that meets what is given: a proof would speak of nothing."""
    if not given:
        return None
    seen = judge_relation(Relation(loss, "==", loss), given=given, points=4, claim=text)
    looked = seen.evidence
    empty = looked is not None and looked.outside and not (looked.points or looked.unresolved or looked.skipped)
    return seen if empty and seen.status is Status.undecided else None


def undefined(loss: Node, given: tuple[Relation, ...], text: str) -> tuple[str, ...] | Verdict:
    """What is not shown to hold wherever the claim speaks, or a refutation of being defined."""
    domain_of = decide_equal(loss, loss, given)
    needed = tuple(str(c) for c in domain_of.conditions) if domain_of.equal else ("more than could be shown",)
    if needed:
        defined = judge_defined(loss, given=given)
        if defined.status is Status.refuted:
            return replace(defined, claim=text, reason=f"it is not defined everywhere: {defined.reason}")
    return needed


def chord_of(
    loss: Node, leaves: Sequence[Leaf], op: str, given: Sequence[Relation] = ()
) -> tuple[Relation, Node]:
    """f((a + b)/2) op (f(a) + f(b))/2 for two points of the domain, and their squared distance."""
    taken = names_in((loss, *leaves), given)
    middle: dict[Node, Node] = {}
    end: dict[Node, Node] = {}
    half = ONE / 2
    apart: list[tuple[Expr, Node]] = []
    for leaf in leaves:
        other = twin(leaf, taken, "other_")
        end[leaf] = other
        middle[leaf] = build.add([(half, leaf), (half, other)], leaf.shape)
        gap = build.add([(ONE, leaf), (-ONE, other)], leaf.shape)
        apart.append((ONE, build.reduce_sum(build.power(gap, 2), range(leaf.rank))))
    chord = build.add([(half, loss), (half, build.substitute(loss, end))], ())
    return Relation(build.substitute(loss, middle), op, chord), build.add(apart, ())


# -- looking for a counterexample ------------------------------------------------------------------


def bent_down(loss: Node, leaves: Sequence[Leaf], text: str) -> Verdict | None:
    """A point and a direction with a negative second derivative, for scalars: searched for, then shown by balls.

    The smallest eigenvalue of the Hessian is minimised in floating point over the domain; what is
    found is rounded to fractions, and the second derivative there is evaluated in ball arithmetic.
    """
    every = tuple(dict.fromkeys((*leaves, *loss.leaves())))
    if any(leaf.rank or leaf.domain.structures for leaf in every) or _sizes(loss) or not leaves:
        return None
    symbols = [scalar_symbol(leaf) for leaf in every]
    model = _scalar_model(every)
    try:
        (expression,) = model.prepare([Array(loss).to_sympy()])
    except (OpenSystemError, UnsupportedError):
        return None
    count = len(leaves)
    matrix = [[expression.diff(a).diff(b) for b in symbols[:count]] for a in symbols[:count]]
    evaluate = lambdify(symbols, matrix, "numpy")
    ends = [(leaf.domain.entries.low, leaf.domain.entries.high) for leaf in every]

    def lowest(point: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            try:
                values = np.array(evaluate(*point), float)
            except (TypeError, ValueError, ZeroDivisionError, OverflowError):
                return np.inf
        return float(np.linalg.eigvalsh(values)[0]) if np.all(np.isfinite(values)) else np.inf

    from scipy.optimize import minimize  # slow to load, and few claims need it

    rng = np.random.default_rng(0)
    bounds = [
        (float(low) + 1e-6 if low.is_finite else -8.0, float(high) - 1e-6 if high.is_finite else 8.0)
        for low, high in ends
    ]
    for start in rng.uniform([low for low, _ in bounds], [high for _, high in bounds], (STARTS, len(every))):
        found = minimize(lowest, start, method="Nelder-Mead", bounds=bounds, options={"maxiter": 200})
        if found.fun < 0:
            shown = _bends_down(matrix, every, symbols, found.x, count)
            if shown is not None:
                reason = "the second derivative along a direction is negative at an exact point of the domain"
                return Verdict(Status.refuted, text, reason=reason, counterexample=shown)
    return None


def _bends_down(
    matrix: list[list[Expr]],
    every: Sequence[Leaf],
    symbols: Sequence[Any],
    point: np.ndarray,
    count: int,
) -> Counterexample | None:
    """The exact counterexample next to a point in floating point."""
    for digits in (10, 1000, 10**6):
        at = [Fraction(float(x)).limit_denominator(digits) for x in point]
        exact = [Rational(x.numerator, x.denominator) for x in at]
        if not all(leaf.domain.entries.contains(x) for leaf, x in zip(every, exact, strict=True)):
            continue
        numbers = dict(zip(symbols, exact, strict=True))
        values = np.array([[float(e.xreplace(numbers)) for e in row] for row in matrix])
        vector = np.linalg.eigh(values)[1][:, 0]
        direction = [Fraction(float(x)).limit_denominator(100) for x in vector / np.abs(vector).max()]
        form = Add(
            *(
                Rational(a.numerator, a.denominator) * Rational(b.numerator, b.denominator) * matrix[i][j]
                for i, a in enumerate(direction)
                for j, b in enumerate(direction)
            )
        ).xreplace(numbers)
        with precision(BITS):
            ball = ball_of(form, {})
            if ball.is_finite() and ball < 0:
                names = {leaf.name: x for leaf, x in zip(every, at, strict=True)}
                names |= {f"d{leaf.name}": x for leaf, x in zip(every[:count], direction, strict=True)}
                return Counterexample({}, names, ball.str(10), "0", float(ball.mid()), 0.0)
    return None


# -- strictly and strongly ------------------------------------------------------------------------


def strictly_convex(loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...] = ()) -> Verdict:
    """Judge whether a scalar lies strictly below its chords.

    ``proved`` where the second derivative is > 0 along every direction other than 0, or (in one
    scalar variable, or a sum over such) where it is >= 0 and 0 at isolated points only.  ``refuted``
    carries two different points between which the function is not below the chord.

    >>> import symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> strictly_convex(x**4 + y**2, [x.node, y.node]).status.value
    'proved'
    >>> strictly_convex((x + y) ** 2, [x.node, y.node]).status.value
    'refuted'
    """
    text = shortened(f"{loss} is strictly convex in {', '.join(leaf.name for leaf in leaves)}")
    empty = _nowhere(loss.node, given, text)
    if empty is not None:
        return empty
    base = _Convexity(loss, leaves, given, text).verdict()
    if base.status is Status.refuted:
        return base
    flat = _flat(loss, leaves, given, text)
    if flat is not None:
        return flat
    straight = _straight(loss, leaves, given, text)
    if straight is not None:
        return straight
    if base.status is Status.proved:
        strict = _strictly(loss.node, leaves, given)
        if strict is not None:
            return replace(base, reason="; ".join(strict), trace=(*base.trace, *strict), parts=(base,))
    reason = f"it is convex ({base.status.value}), and no segment on which it is affine was found; " + (
        "no proof that its second derivative is > 0"
    )
    return Verdict(Status.undecided, text, reason=reason, evidence=base.evidence, conditions=given, parts=(base,))


def _flat(loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...], text: str) -> Verdict | None:
    """Two different points between which the function is not below the chord; also where data are 0."""
    others = [leaf for leaf in loss.node.leaves() if leaf not in leaves and leaf.domain == real]
    free = {leaf for relation in given for side in (relation.lhs, relation.rhs) for leaf in side.leaves()}
    candidates: list[Leaf | None] = [None, *(leaf for leaf in others if leaf not in free)]
    for zero in candidates:
        at = build.substitute(loss.node, {zero: build.zeros(zero.shape)}) if zero is not None else loss.node
        name = "" if zero is None else f" where {zero.name} == 0"
        if not set(leaves) & set(at.leaves()):
            reason = f"it does not depend on {', '.join(leaf.name for leaf in leaves)}{name}"
            sizes = {str(s): 1 for s in _sizes(loss.node)}
            values = {} if zero is None else {zero.name: Fraction(0)}
            point = Counterexample(sizes, values, "the same at every point", "the same at every point")
            return Verdict(Status.refuted, text, reason=reason, counterexample=point, conditions=given)
        relation, apart = chord_of(at, [leaf for leaf in leaves if leaf in at.leaves()], "<", given)
        distinct = Relation(apart, ">", Number(ZERO))
        chord = judge_relation(relation, given=(*given, distinct), points=12, claim=text)
        if chord.status is Status.refuted:
            return replace(chord, reason=f"halfway between two different points it is not below the chord{name}")
    return _affine_along_ones(loss, leaves, text) if not others else None


def _straight(loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...], text: str) -> Verdict | None:
    """A direction along which a second derivative that does not depend on the point is 0."""
    if _rough(loss.node, leaves) or any(leaf.domain.structures for leaf in leaves):
        return None
    try:
        second = second_derivative(loss.node, leaves, given)
    except UnsupportedError:
        return None
    if set(leaves) & set(second.form.leaves()):
        return None
    moved = (*given, Relation(second.length, ">", Number(ZERO)))
    judged = judge_relation(Relation(second.form, ">", Number(ZERO)), given=moved, points=24, claim=text)
    if judged.status is not Status.refuted:
        return None
    reason = f"its second derivative along {second.along} does not depend on the point and is not > 0 here"
    return replace(judged, reason=f"{reason}, so that it is affine along that direction")


def _affine_along_ones(loss: Array, leaves: Sequence[Leaf], text: str) -> Verdict | None:
    """The second derivative is proved 0 along (1, ..., 1), as that of log-sum-exp."""
    if len(leaves) != 1 or leaves[0].rank != 1 or leaves[0].domain.structures or _rough(loss.node, leaves):
        return None
    (leaf,) = leaves
    try:
        second = second_derivative(loss.node, leaves)
    except UnsupportedError:
        return None
    ones = {second.directions[leaf]: build.ones(leaf.shape)}
    zero = prove_equal(simplify(build.substitute(second.form, ones)).node, Number(ZERO))
    if zero.status is not Status.proved:
        return None
    sizes = {str(s): 2 for s in _sizes(loss.node)}
    point = Counterexample(
        sizes,
        {leaf.name: (Fraction(0),) * 2, f"other_{leaf.name}": (Fraction(1),) * 2},
        "the mean of the values at the two points",
        "the mean of the values at the two points",
        note="halfway between them",
    )
    reason = "along the direction (1, ..., 1) its second derivative is 0 everywhere, so that it is affine there"
    return Verdict(Status.refuted, text, reason=reason, counterexample=point, trace=zero.trace)


def strongly_convex(
    loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...] = (), modulus: Array | None = None
) -> Verdict:
    """Judge whether loss - (m/2)·‖x‖² is convex for some m > 0, or for the given modulus.

    The modulus that is found is in ``reason``; it does not depend on the arrays that change.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> lam = sd.array("lam", domain=sd.positive)
    >>> strongly_convex(np.sum((X @ w - y) ** 2) + lam * w @ w, [w.node]).reason.partition(";")[0]
    'the modulus is m = 2 * lam'
    """
    text = shortened(f"{loss} is strongly convex in {', '.join(leaf.name for leaf in leaves)}")
    if modulus is not None:
        text = f"{text} with modulus {modulus}"
        if modulus.ndim or set(modulus.node.leaves()) & set(leaves):
            raise UnsupportedError(f"a modulus is a scalar that does not change with the variables, got {modulus}")
        if not sign_of(modulus.node, given).positive:
            raise DomainError(f"a modulus is > 0, which {modulus} is not shown to be; declare it sd.positive")
        return replace(_with_modulus(loss, leaves, given, modulus.node, text), claim=text)
    empty = _nowhere(loss.node, given, text)
    if empty is not None:
        return empty
    base = _Convexity(loss, leaves, given, text).verdict()
    if base.status is Status.refuted:
        return base
    eigenvalue = _smallest_eigenvalue(loss.node, leaves, given, text)
    if eigenvalue is not None:
        return eigenvalue
    for m in _moduli(loss.node, leaves, given):
        found = _with_modulus(loss, leaves, given, m, text)
        if found.status is Status.proved:
            return replace(found, reason=f"the modulus is m = {Array(m)}; {found.reason}")
    flat = _flat(loss, leaves, given, text)
    if flat is not None:
        return flat
    try:
        second = second_derivative(loss.node, leaves, given)
    except UnsupportedError as error:
        return replace(base, status=Status.undecided, trace=(), reason=f"no modulus was found: {error}")
    if not _rough(loss.node, leaves) and all(not leaf.domain.structures for leaf in leaves):
        relation = Relation(second.form, ">", Number(ZERO))
        moved = (*given, Relation(second.length, ">", Number(ZERO)))
        flat = judge_relation(relation, given=moved, points=24, claim=text)
        if flat.status is Status.refuted:
            reason = f"the second derivative is not > 0 along the direction {second.along} at an exact point"
            return replace(flat, reason=f"{reason}, so that no m > 0 is below it")
    reason = "no modulus m > 0 was found, and no direction without curvature"
    return Verdict(Status.undecided, text, reason=reason, conditions=given, parts=(base,))


def _with_modulus(
    loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...], modulus: Node, text: str
) -> Verdict:
    """loss - (m/2)·‖x‖² is convex."""
    squares = [(ONE, square_length(leaf)) for leaf in leaves]
    bowl = build.multiply(modulus, build.add(squares, ()))
    rest = Array(build.add([(ONE, loss.node), (-ONE / 2, bowl)], ()))
    return _Convexity(rest, leaves, given, text).verdict()


def _smallest_eigenvalue(
    loss: Node, leaves: Sequence[Leaf], given: tuple[Relation, ...], text: str
) -> Verdict | None:
    """A constant Hessian that is positive definite: vᵀHv >= λ_min(H)·‖v‖²."""
    if len(leaves) != 1 or leaves[0].rank != 1 or _rough(loss, leaves):
        return None
    (leaf,) = leaves
    derived = hessian(Array(loss), Array(leaf))
    matrix = derived.result.node
    if leaf in matrix.leaves() or "pd" not in structure(matrix, given):
        return None
    if derived.verdict.status is not Status.proved:
        return None
    ridges = _ridges(second_derivative(loss, leaves, given), given)
    if ridges:
        return None  # a closed form is worth more than an eigenvalue
    smallest = Array(build.opaque("eigvalsh", matrix))[0]
    lines = (f"its Hessian {Array(matrix)} is constant and positive definite", f"vᵀHv >= {smallest} * v @ v")
    reason = f"the modulus is m = {smallest}, the smallest eigenvalue of its Hessian"
    return Verdict(Status.proved, text, reason=reason, trace=lines, conditions=given, parts=(derived.verdict,))


def _moduli(loss: Node, leaves: Sequence[Leaf], given: tuple[Relation, ...]) -> Iterator[Node]:
    """Candidates for m: multiples of ‖v‖² in the second derivative, simple numbers."""
    try:
        second = second_derivative(loss, leaves, given)
    except UnsupportedError:
        return
    found = _ridges(second, given)
    if found and not any(set(leaves) & set(m.leaves()) for m in found):
        total = build.add([(ONE, m) for m in found], ())
        yield simplify(total).node
    if all(not leaf.rank for leaf in loss.leaves()):
        for m in MODULI:
            yield Number(m)


def _squares_of(second: Second) -> Iterator[tuple[Expr, list[Any], list[Any], tuple[Expr, ...]]]:
    """The terms of a second derivative with the direction squared: coefficient, its labels, other factors, sizes."""
    if len(second.directions) != 1:
        return
    ((leaf, direction),) = second.directions.items()
    for weight, term in expanded(build.without_names(second.form)):
        factors = term.factors if isinstance(term, Contraction) else ((term, tuple(range(term.rank))),)
        sizes = term.label_dims if isinstance(term, Contraction) else term.shape
        coefficient = term.coefficient if isinstance(term, Contraction) else ONE
        moved: list[Any] = []
        rest: list[Any] = []
        for factor, labels in factors:
            if factor is direction:
                moved.append(labels)
            elif isinstance(factor, Map) and factor.function == "power" and factor.arguments[0] is direction:
                moved += [labels, labels] if factor.arguments[1] is Number(Integer(2)) else [None]
            else:
                rest.append((factor, labels))
        if len(moved) == 2 and moved[0] == moved[1] and len(set(moved[0])) == leaf.rank:
            yield weight * coefficient, moved[0], rest, sizes


def expanded(node: Node, weight: Expr = ONE) -> Iterator[tuple[Expr, Node]]:
    """The terms of a sum of sums, products multiplied out where a factor is a sum."""
    if isinstance(node, Sum):
        for w, term in node.terms:
            yield from expanded(term, weight * w)
        return
    if isinstance(node, Contraction):
        for k, (factor, labels) in enumerate(node.factors):
            if isinstance(factor, Sum):
                dims = dict(enumerate(node.label_dims))
                for w, term in factor.terms:
                    factors = [*node.factors[:k], (term, labels), *node.factors[k + 1 :]]
                    part = build.contract(node.coefficient, factors, range(node.out_rank), dims)
                    yield from expanded(part, weight * w)
                return
    yield weight, node


def _ridges(second: Second, given: tuple[Relation, ...]) -> list[Node]:
    """The c > 0 of terms c·Σ v²."""
    found: list[Node] = []
    for coefficient, labels, rest, sizes in _squares_of(second):
        if len(sizes) == len(labels) and not any(f.shape for f, _ in rest):
            c = build.contract(coefficient, rest, (), {})
            if sign_of(c, given).positive:
                found.append(c)
    return found


def _strictly(loss: Node, leaves: Sequence[Leaf], given: tuple[Relation, ...]) -> tuple[str, ...] | None:
    """Why a function that is proved convex is strictly so."""
    if not _rough(loss, leaves):
        try:
            second = second_derivative(loss, leaves, given)
        except UnsupportedError:
            return None
        if len(leaves) == 1:
            (leaf,) = leaves
            if leaf.rank == 1 and "pd" in structure(hessian(Array(loss), Array(leaf)).result.node, given):
                return ("its Hessian is positive definite",)
        for term in _weighted_squares(second, given):
            rest = build.add([(ONE, second.form), (-ONE, term)], ())
            if build.is_zero(simplify(rest).node) or nonnegative(simplify(rest).node, given).status is Status.proved:
                return (f"its second derivative is at least {Array(term)}, which is > 0 for every direction but 0",)
        minors = _leading_minors(loss, leaves)
        if minors:
            return (f"the leading minors of its Hessian are > 0: {', '.join(map(str, minors))}",)
    return _separately(loss, leaves)


def _weighted_squares(second: Second, given: tuple[Relation, ...]) -> Iterator[Node]:
    """Terms Σ s_i v_i² with every s_i > 0, for a direction in one array."""
    for coefficient, labels, rest, sizes in _squares_of(second):
        if coefficient.is_positive and all(sign_of(f, given).positive for f, _ in rest):
            (direction,) = second.directions.values()
            squares = [(direction, labels), (direction, labels)]
            yield build.contract(coefficient, [*rest, *squares], (), dict(enumerate(sizes)))


def _scalar_model(leaves: Iterable[Leaf]) -> Model:
    """The generators of scalar variables; positive domains are known."""
    every = tuple(leaves)
    symbols = tuple(scalar_symbol(leaf) for leaf in every)
    above = frozenset(s for s, leaf in zip(symbols, every, strict=True) if leaf.domain.entries.is_positive)
    return Model(symbols, above)


def _leading_minors(loss: Node, leaves: Sequence[Leaf]) -> list[Expr] | None:
    """The leading minors of the Hessian in scalar variables, where each is shown > 0."""
    every = tuple(dict.fromkeys((*leaves, *loss.leaves())))
    if any(leaf.rank for leaf in every) or _sizes(loss):
        return None
    symbols = [scalar_symbol(leaf) for leaf in leaves]
    model = _scalar_model(every)
    try:
        (expression,) = model.prepare([Array(loss).to_sympy()])
        minors = []
        for size in range(1, len(symbols) + 1):
            matrix = [[expression.diff(a).diff(b) for b in symbols[:size]] for a in symbols[:size]]
            minor = _determinant(matrix)
            sign, rest = signed_factors(model, minor, strict=True)
            if sign != 1 or rest:
                return None
            minors.append(minor)
    except (OpenSystemError, UnsupportedError):
        return None
    return minors


def _determinant(matrix: list[list[Expr]]) -> Expr:
    if not matrix:
        return Integer(1)
    total: Expr = Integer(0)
    for k, x in enumerate(matrix[0]):
        minor = [[*row[:k], *row[k + 1 :]] for row in matrix[1:]]
        total += (-1) ** k * x * _determinant(minor)
    return total


def _separately(loss: Node, leaves: Sequence[Leaf]) -> tuple[str, ...] | None:
    """Σ_k f_k(x_k) with each f_k'' >= 0 and not 0 throughout: 0 at isolated points only, being analytic."""
    if any(leaf.rank for leaf in loss.leaves()) or _sizes(loss) or _rough(loss, leaves):
        return None
    try:
        expression = Array(loss).to_sympy()
    except UnsupportedError:
        return None
    symbols = [scalar_symbol(leaf) for leaf in leaves]
    lines = []
    for k, a in enumerate(symbols):
        if any(expression.diff(a).diff(b) != 0 for b in symbols[k + 1 :]):
            return None
        second = expression.diff(a).diff(a)
        if second.free_symbols - {a} or second.equals(0) is not False:
            return None
        lines.append(f"∂²f/∂{a}² = {second} is 0 at isolated points only")
    return tuple(lines)


def _sizes(node: Node) -> set[Any]:
    """The dimensions that occur."""
    return {s for n in node.walk() for d in n.shape for s in d.free_symbols}


# -- second derivatives ---------------------------------------------------------------------------


def second_derivative(loss: Node, leaves: Sequence[Any], given: Sequence[Relation] = ()) -> Second:
    """d²f along a fixed direction, of which nothing is given, simplified."""
    taken = names_in((loss, *leaves), given)
    directions: dict[Leaf, Leaf] = {}
    for leaf in leaves:
        first = ("v",) if len(leaves) == 1 else ()
        name = next(x for x in (*first, *(f"v_{leaf.name}{'_' * k}" for k in range(9))) if x not in taken)
        taken.add(name)
        directions[leaf] = Leaf(name, leaf.shape, real)
    raw = build.substitute(
        _second_differential(loss, leaves), {Differential(leaf): v for leaf, v in directions.items()}
    )
    return Second(simplify(raw).node, directions)


def nonnegative(form: Node, given: tuple[Relation, ...] = ()) -> Verdict:
    """Prove that a scalar is >= 0: from lemmas, or in scalar variables as a sum of squares."""
    proof = prove_nonnegative(form, given)
    if proof.status in (Status.proved, Status.refuted):
        return proof
    squares = _squares_of_scalars(form)
    if squares is not None:
        return replace(proof, status=Status.proved, reason=squares, trace=(squares,))
    return proof


def _squares_of_scalars(form: Node) -> str | None:
    """form = (what is > 0) · Σ w q², for scalar variables and generators such as exp(x)."""
    leaves = form.leaves()
    if any(leaf.rank for leaf in leaves) or _sizes(form):
        return None
    model = _scalar_model(leaves)
    try:
        (prepared,) = model.prepare([Array(form).to_sympy()])
        sign, rest = signed_factors(model, prepared)
        (requirement,) = [fraction(together(model.read(prepared)))[1]]
    except (OpenSystemError, UnsupportedError):
        return None
    shown = Array(form)
    if not rest:
        return f"{shown} is {'>=' if sign >= 0 else '<='} 0 by the signs of its factors" if sign >= 0 else None
    if model.relations:
        return None
    # A generator that is > 0 is a square itself.
    inner = {s: s**2 for s, g in model.generators.items() if g.positive}
    product: Expr = Integer(sign)
    for factor in rest:
        product *= factor.as_expr()
    symbols = sorted(product.free_symbols, key=str)
    found = sum_of_squares(Poly(product.xreplace(inner), *symbols, domain="QQ"))
    if found is None:
        return None
    meaning = {s: g.meaning if not g.positive else g.meaning ** Rational(1, 2) for s, g in model.generators.items()}
    squares = " + ".join(
        f"({q.xreplace(meaning)})**2" if w == 1 else f"{w}*({q.xreplace(meaning)})**2" for w, q in found.terms
    )
    positive_part = "" if requirement == 1 and len(rest) == 1 else " times what is >= 0"
    return f"sum of squares: {shown} is {squares}{positive_part}"


def gram_form(second: Second, given: tuple[Relation, ...] = ()) -> str:
    """The certificate Σ s·u² with s >= 0 of a second derivative, u linear in the direction; "" if it has none.

    >>> import numpy as np, symderive as sd
    >>> X, w = sd.array("X", "n", "d"), sd.array("w", "d")
    >>> gram_form(second_derivative(np.sum(np.exp(X @ w)).node, [w.node]))
    'Gram form: the sum of s * u**2 with s = np.exp(X @ w) >= 0, u = X @ v'
    """
    parts: list[str] = []
    for weight, term in expanded(build.without_names(second.form)):
        found = _square_part(build.scale(weight, term), frozenset(second.directions.values()))
        if found is None:
            return ""
        s, u = found
        if not sign_of(s, given).nonnegative:
            return ""
        parts.append(f"s = {Array(s)} >= 0, u = {Array(u)}")
    return f"Gram form: the sum of s * u**2 with {'; with '.join(parts)}" if parts else ""


def _square_part(term: Node, directions: frozenset[Leaf]) -> tuple[Node, Node] | None:
    """A term as Σ s·u², s and u arrays over the indices that u has."""
    if not isinstance(term, Contraction):
        factors: tuple[Any, ...] = ((term, tuple(range(term.rank))),)
        sizes: tuple[Any, ...] = term.shape
        coefficient = ONE
    else:
        factors, sizes, coefficient = term.factors, term.label_dims, term.coefficient
    dims = dict(enumerate(sizes))
    moving = [f for f in factors if directions & set(f[0].leaves())]
    rest = [f for f in factors if f not in moving]
    if len(moving) == 1 and isinstance(moving[0][0], Map) and moving[0][0].function == "power":
        ((whole, labels),) = moving
        base, exponent = whole.arguments
        if exponent is not Number(Integer(2)):
            return None
        moving = [(base, labels), (base, labels)]
    if len(moving) != 2 or moving[0][0] is not moving[1][0]:
        return None
    (node, left), (_, right) = moving
    half: list[Any] = [(node, left)]
    swap = {a: b for a, b in zip(left, right, strict=True) if a != b}
    while swap:  # Σ_ab X_ia v_a X_ib v_b: the matrices that mirror each other belong to the two halves
        pair = next(
            (
                (f, g)
                for f in rest
                for g in rest
                if f is not g and f[0] is g[0] and set(f[1]) & set(swap) and tuple(swap.get(x, x) for x in f[1]) == g[1]
            ),
            None,
        )
        if pair is None:
            break
        half.append(pair[0])
        rest.remove(pair[0])
        rest.remove(pair[1])
        if not any(set(swap) & set(ls) or set(swap.values()) & set(ls) for _, ls in rest):
            break
    loose = {x for _, ls in rest for x in ls}
    if loose & (set(swap) | set(swap.values())):
        return None
    inner = {x for _, ls in half for x in ls}
    kept = sorted(inner - set(swap))
    u = build.contract(ONE, half, kept, {x: dims[x] for x in inner})
    extra = [x for x in loose if x not in kept]
    s = build.contract(coefficient, rest, [x for x in kept if x in loose], {x: dims[x] for x in (*loose, *extra)})
    return s, u


def _second_differential(node: Node, leaves: Sequence[Leaf]) -> Node:
    """d²(node) in the changes of the leaves, by the forward chain rule."""
    changing = frozenset(leaves)
    first = expand_differentials(Differential(node), changing)
    return expand_differentials(Differential(first), changing)


def _convex_domains(leaves: Sequence[Leaf]) -> None:
    for leaf in leaves:
        entries = leaf.domain.entries
        bent = [s for s, _ in leaf.domain.structures if s not in CONVEX_STRUCTURES]
        if entries.values is not None or entries.integer or entries.nonzero or bent:
            raise DomainError(f"convexity needs a convex domain, but {leaf.name} is declared {leaf.domain}")


def _rough(loss: Node, leaves: Sequence[Leaf]) -> str:
    """Why second derivatives do not settle convexity; "" where they do."""
    moving = _moving(loss, leaves)
    for node in loss.walk():
        if not isinstance(node, Map) or node not in moving:
            continue
        row = function(node.function)
        if row.kinks or row.mask:
            return f"{row.name} has a kink"
        if node.function == "where" and node.arguments[0] in moving:
            return "a case distinction depends on what changes"
        for k, argument in enumerate(node.arguments):
            if argument not in moving or not _bordered(node, k):
                continue
            if not sign_of(argument).positive and not isinstance(argument, Leaf):
                return f"{row.name} has no derivative where {Array(argument)} is 0, which may happen"
    return ""


def _interior(leaves: Sequence[Leaf]) -> dict[Node, Node]:
    """The arrays whose domains have 0 as an edge, without that edge."""
    return {
        leaf: Leaf(leaf.name, leaf.shape, leaf.domain & positive)
        for leaf in leaves
        if leaf.domain.entries.low == 0
        and not leaf.domain.entries.low_open
        and all(s == "simplex" for s, _ in leaf.domain.structures)
    }


def _continuous(loss: Node, leaves: Sequence[Leaf]) -> bool:
    """Whether no row is met where it jumps: x log y at x = y = 0."""
    moving = _moving(loss, leaves)
    for node in loss.walk():
        if isinstance(node, Map) and node in moving and len(node.arguments) > 1 and node.function != "power":
            rows = function(node.function).requires
            if any(" or " in r for r in rows) and not sign_of(node.arguments[1]).positive:
                return False
    return True


def _bordered(node: Map, place: int) -> bool:
    """Whether the row is defined at 0 in this argument but not smooth there."""
    if node.function == "power":
        exponent = node.arguments[1]
        if not isinstance(exponent, Number) or not exponent.value.is_number:
            return True
        return not exponent.value.is_integer
    row = function(node.function)
    return any(">= 0" in r or "== 0" in r for r in row.requires)


def _moving(root: Node, leaves: Sequence[Leaf]) -> set[Node]:
    """The nodes that depend on the leaves."""
    found: set[Node] = set()
    for node in root.walk():
        if node in leaves or any(c in found for c in node.children):
            found.add(node)
    return found


def twin(leaf: Leaf, taken: set[str], prefix: str) -> Leaf:
    """An array like the leaf with a name of its own, which joins ``taken``."""
    name = next(x for x in (f"{prefix}{leaf.name}{'_' * k}" for k in range(99)) if x not in taken)
    taken.add(name)
    return Leaf(name, leaf.shape, leaf.domain)


__all__ = [
    "Second",
    "bent_down",
    "concave",
    "convex",
    "gram_form",
    "nonnegative",
    "second_derivative",
    "square_length",
    "strictly_convex",
    "strongly_convex",
    "twin",
]
