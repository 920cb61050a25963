"""Lagrange multipliers: the stationary points of a scalar on the set where constraints hold.

The system ∇f = Σ λ_j ∇g_j, g = 0 is the gradient of the Lagrangian f - Σ λ_j g_j by the variables
and the multipliers, and it is derived as such.  For scalars it is solved completely
(`real_solutions`), and each point is classified on the constraint set itself: the constraints are
solved for some coordinates as power series, and what is left is a germ like any other (`germs`),
so that a singular second-order form is not the end.  Points where the constraints' gradients
depend on each other are no solutions of the system and are listed apart.

For arrays the system is solved where it separates by entries or is linear; that the result is
stationary is proved, and convexity makes it a global minimum or maximum.

Sources: D. Bertsekas, Constrained Optimization and Lagrange Multiplier Methods, 1982, 1.1-1.2;
D. Luenberger and Y. Ye, Linear and Nonlinear Programming, 2008, 11.3-11.5; S. Boyd and
L. Vandenberghe, Convex Optimization, 2004, 5.5.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, final

import numpy as np
from sympy import Dummy, Expr, Indexed, Integer, Matrix, Poly, Symbol, expand_log, lambdify, logcombine
from sympy import Sum as SymbolicSum
from sympy import solve as sympy_solve

from symderive.calculus.normal_form import decide_equal
from symderive.calculus.signs import sign_of, structure
from symderive.calculus.simplify import simplify
from symderive.checking.claims import short_logs
from symderive.checking.convexity import concave, convex, strictly_convex
from symderive.checking.critical_points import (
    DEGENERATE,
    REACH,
    Families,
    Surface,
    at_text,
    described,
    number_sign,
    number_text,
    with_article,
)
from symderive.checking.curvature import AFFINE, CONSTANT, curvature
from symderive.checking.enclosures import Enclosing, Zero, definite_signs
from symderive.checking.exact_reals import NotExactError, rationals
from symderive.checking.expansions import from_gradient
from symderive.checking.germs import (
    FLAT,
    MAXIMUM,
    MINIMUM,
    ORDERS,
    SADDLE,
    UNKNOWN,
    Germ,
    Jet,
    Shape,
    compose,
    hessian,
    plus,
    shape,
    signature,
    solve_linear,
)
from symderive.checking.real_solutions import Component, Model, OpenSystemError, Place, solve
from symderive.checking.sides import Reader, is_triple, listed, shortened
from symderive.derivation.derivation import Derivation
from symderive.derivation.derive import gradient
from symderive.derivation.derive import hessian as derive_hessian
from symderive.derivation.proofs import prove_equal
from symderive.errors import JudgementConflictError, ShapeError, UnsupportedError
from symderive.judgement.verdicts import Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array, Dim, array, shape_text
from symderive.language.domains import real
from symderive.language.nodes import ONE, Contraction, Leaf, Named, Number
from symderive.language.statements import Relation

ISOLATED = "isolated"


@final
@dataclass(frozen=True)
class LagrangePoint:
    """A stationary point on the constraint set.

    Attributes
    ----------
    at, multipliers : coordinates and multipliers by name, exact SymPy numbers (Arrays for arrays)
    value : f there
    classification : on the constraint set: "minimum", "maximum", "saddle", "isolated" (the set is a
        single point there), or "degenerate" where no test decided
    strict : whether the value is not taken again nearby on the constraint set
    scope : "global" where it is the minimum or maximum over the whole constraint set, else "local"
    """

    at: Mapping[str, Any]
    multipliers: Mapping[str, Any]
    value: Any
    classification: str
    strict: bool | None
    scope: str
    reason: str
    verdict: Verdict

    @property
    def floats(self) -> tuple[float, ...]:
        """The coordinates of scalar variables as floats, in order."""
        return tuple(float(v) for v in self.at.values())

    def __str__(self) -> str:
        kind = described(self.classification, self.strict)
        kind = f"global {kind}" if self.scope == "global" else kind
        multipliers = ", ".join(f"{name} = {number_text(v)}" for name, v in self.multipliers.items())
        value = number_text(self.value)
        return f"{at_text(self.at, {})} ({multipliers}): {kind}, value {value} ({self.verdict.status})"


@final
@dataclass(frozen=True)
class LagrangeFamily:
    """Infinitely many stationary points: the solutions of ``equations``, SymPy expressions that are 0.

    ``value`` is f there, None where it was not found to be one number.  ``classification`` is
    "minimum" or "maximum" where they are that over the whole constraint set, else "degenerate".
    """

    equations: tuple[Expr, ...]
    value: Expr | None
    classification: str
    reason: str
    verdict: Verdict

    def __str__(self) -> str:
        where = " and ".join(f"{e} == 0" for e in self.equations)
        kind = self.classification if self.classification == DEGENERATE else f"global {self.classification}"
        return f"all points with {where}: {kind}, value {self.value} ({self.verdict.status})"


@final
@dataclass(frozen=True)
class Lagrange:
    """The multiplier method for one problem: the system, its solutions, and whether these are all.

    ``derivation`` derives the system (its steps and result are the gradient of ``lagrangian``);
    ``equations`` are its lines.  ``singular`` are the points of the constraint set where the
    constraints' gradients depend on each other, by coordinates.  Iterating gives the points.
    """

    subject: Array
    constraints: tuple[Relation, ...]
    wrt: tuple[Array, ...]
    multipliers: tuple[Array, ...]
    lagrangian: Array
    derivation: Derivation
    points: tuple[LagrangePoint, ...]
    families: tuple[LagrangeFamily, ...]
    singular: tuple[Mapping[str, Expr], ...]
    complete: Verdict

    def __iter__(self) -> Iterator[LagrangePoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, place: int) -> LagrangePoint:
        return self.points[place]

    @property
    def equations(self) -> tuple[Relation, ...]:
        """∇f - Σ λ_j ∇g_j == 0 by variable, then the constraints."""
        zero = Number(Integer(0))
        slopes = (self.derivation.results[(a.name,)].node for a in self.wrt)
        return (*(Relation(slope, "==", zero) for slope in slopes), *self.constraints)

    @property
    def verdict(self) -> Verdict:
        """The weakest of the points', the families' and ``complete``."""
        parts = (*(p.verdict for p in self.points), *(f.verdict for f in self.families), self.complete)
        status = weakest(parts)
        worst = next(p for p in parts if p.status is status)
        found = "; ".join(str(p).rpartition(" (")[0] for p in (*self.points, *self.families)) or "none"
        text = shortened(f"stationary points of {self.subject} subject to {_joined(self.constraints)}: {found}")
        return Verdict(
            status,
            text,
            reason=self.complete.reason if status.upheld else worst.reason,
            trace=tuple(line for p in parts for line in p.trace) if status is Status.proved else (),
            conditions=self.derivation.conditions,
            parts=parts,
        )

    def __str__(self) -> str:
        names = ", ".join(a.name for a in self.wrt)
        lines = [f"stationary points of {self.subject} by {names} subject to {_joined(self.constraints)}:"]
        lines += [f"  {e}" for e in self.equations]
        lines += [f"  {p}" for p in (*self.points, *self.families)] or ["  none"]
        lines += [f"  singular point of the constraints: {at_text(s, {})}" for s in self.singular]
        return "\n".join([*lines, f"  all of them: {self.complete.status}; {self.complete.reason}"])


def _joined(constraints: Sequence[Relation]) -> str:
    return ", ".join(map(str, constraints))


def lagrange(f: Any, constraints: Any, wrt: Any, *, given: Any = ()) -> Lagrange:
    """The stationary points of a scalar where equality constraints hold, by Lagrange multipliers.

    Parameters
    ----------
    f : scalar Array
    constraints : equalities of scalars, e.g. ``(x + y, "==", 1)``, ``"x + y == 1"``, or several
    wrt : the variables, an array, its name, or a sequence of them
    given : relations about what does not change (arrays only)

    Returns
    -------
    Lagrange
        ``points`` with coordinates, multipliers and classification on the constraint set,
        ``equations`` and ``derivation`` of the system, ``complete``: whether there are no others.

    Raises
    ------
    UnsupportedError
        A constraint is no equality of scalars, f has a kink, or another symbol stands beside
        scalar variables.
    ShapeError
        f is not a scalar.

    Sources: D. Bertsekas, Constrained Optimization and Lagrange Multiplier Methods, 1982, 1.1-1.2.

    >>> import numpy as np, symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> for point in sd.lagrange(x * y, (x + y, "==", 10), [x, y]):
    ...     print(point)
    x = 5, y = 5 (lam = 5): global strict maximum, value 25 (proved)
    >>> p = sd.array("p", "k", domain=sd.simplex & sd.positive)
    >>> print(sd.lagrange(sd.entropy(p), (np.sum(p), "==", 1), p)[0])
    p = 1 / k * sd.ones(k) (lam = np.log(k) - 1): global strict maximum, value np.log(k) (proved)
    """
    wanted: list[Any]
    if isinstance(constraints, str | Relation | Array) or is_triple(constraints):
        wanted = [constraints]
    else:
        wanted = list(constraints)
    if not wanted:
        raise UnsupportedError("lagrange needs a constraint, e.g. (x + y, '==', 1); without one, sd.critical_points")
    reader = Reader([f], [*wanted, *listed(given)])
    (subject,) = reader.arrays
    if subject.ndim:
        raise ShapeError(f"an objective is a scalar; this has shape {shape_text(subject.dims)}")
    held, assumed = tuple(reader.relations[: len(wanted)]), tuple(reader.relations[len(wanted) :])
    for relation in held:
        if relation.op != "==" or relation.lhs.shape or relation.rhs.shape:
            raise UnsupportedError(f"a constraint is one equality of scalars, got {relation}")
    everything = build.add([(ONE, subject.node), *((ONE, gap(r).node) for r in held)], ())
    names = [w.name if isinstance(w, Array) else str(w) for w in (wrt if isinstance(wrt, list | tuple) else [wrt])]
    leaves = [_leaf(name, everything.leaves()) for name in names]
    taken = {n.name for n in everything.walk() if isinstance(n, Leaf | Named)}
    taken |= {str(s) for n in everything.walk() for d in n.shape for s in d.free_symbols}
    multipliers = _multipliers(len(held), taken)
    lagrangian = subject
    for multiplier, relation in zip(multipliers, held, strict=True):
        lagrangian = lagrangian - multiplier * gap(relation)
    if all(not leaf.rank for leaf in leaves):
        if assumed:
            raise UnsupportedError("given speaks of what does not change, and beside scalar variables nothing is left")
        return _Scalars(subject, held, leaves, multipliers, lagrangian).run()
    return _Arrays(subject, held, leaves, multipliers, lagrangian, assumed).run()


def gap(relation: Relation) -> Array:
    """The difference of a constraint's sides."""
    return Array(build.add([(ONE, relation.lhs), (-ONE, relation.rhs)], ()))


def _leaf(name: str, leaves: Sequence[Leaf]) -> Leaf:
    for leaf in leaves:
        if leaf.name == name:
            return leaf
    raise UnsupportedError(f"no variable {name!r}; the arrays are {', '.join(leaf.name for leaf in leaves)}")


def _multipliers(count: int, taken: set[str]) -> tuple[Array, ...]:
    """lam, or lam_1, lam_2, ..., under names that nothing else has."""
    base = next(n for n in ("lam", "mult", "multiplier") if not any(t == n or t.startswith(f"{n}_") for t in taken))
    names = [base] if count == 1 else [f"{base}_{k}" for k in range(1, count + 1)]
    return tuple(array(name) for name in names)


# -- scalar variables -------------------------------------------------------------------------------


class _Scalars:
    """A problem in scalar variables, solved completely."""

    def __init__(
        self,
        subject: Array,
        constraints: tuple[Relation, ...],
        leaves: Sequence[Leaf],
        multipliers: Sequence[Array],
        lagrangian: Array,
    ) -> None:
        self.subject = subject
        self.constraints = constraints
        self.leaves = tuple(leaves)
        self.multipliers = tuple(multipliers)
        self.lagrangian = lagrangian
        self.about = f"{subject} subject to {_joined(constraints)}"
        factors = [m.node for m in multipliers if isinstance(m.node, Leaf)]
        self.surface = Surface(lagrangian, [*leaves, *factors])
        count = len(leaves)
        self.symbols = self.surface.symbols[:count]
        self.factors = self.surface.symbols[count:]
        slopes = self.surface.slopes
        self.slopes = {s: slopes[s] for s in self.symbols}
        self.gaps = [-slopes[s] for s in self.factors]  # ∂L/∂λ = -g
        self.normals = [self.surface.model.prepare([g.diff(s) for s in self.symbols]) for g in self.gaps]
        (self.value,) = self.surface.model.prepare([subject.to_sympy()])

    def run(self) -> Lagrange:
        """Solve, classify, compare."""
        found = solve(self.surface.model, [*self.slopes.values(), *self.gaps])
        unknown = list(found.open)
        families = [self.family(c) for c in found.components]
        points: list[LagrangePoint] = []
        for place in found.places:
            for shifted in self.surface.shifted(place):
                inside = self.surface.within(shifted)
                if inside:
                    points.append(self.point(shifted))
                elif inside is None:
                    unknown.append(f"whether {at_text({str(s): v for s, v in shifted.coordinates.items()}, {})} counts")
        singular, more = self.singular()
        unknown += more
        if found.open:
            points += self.enclosed(points)
        complete = self.completeness(unknown)
        points, families = self.compared(points, families, singular, complete)
        order = sorted(points, key=lambda p: p.floats)
        return Lagrange(
            self.subject,
            self.constraints,
            tuple(Array(leaf) for leaf in self.leaves),
            self.multipliers,
            self.lagrangian,
            self.surface.derivation,
            tuple(order),
            tuple(families),
            tuple(singular),
            complete,
        )

    def family(self, component: Component) -> LagrangeFamily:
        """Infinitely many solutions, with the value of f if that is one number."""
        found = Families(self.surface).value(component)
        value = None if found is None else found[2]
        return self.family_made(component.equations, value, DEGENERATE, "a whole family of stationary points")

    def family_made(self, equations: tuple[Expr, ...], value: Expr | None, kind: str, reason: str) -> LagrangeFamily:
        """The record of a family, with its verdict."""
        where = " and ".join(f"{e} == 0" for e in equations)
        what = f"a global {kind}" if kind != DEGENERATE else "a degenerate point"
        claim = shortened(f"every point with {where} is {what} of {self.about}")
        verdict = Verdict(Status.undecided, claim, reason=reason)
        if kind != DEGENERATE:
            verdict = self.surface.resting(Verdict(Status.proved, claim, reason=reason, trace=(reason,)))
        return LagrangeFamily(equations, value, kind, reason, verdict)

    # -- one point

    def point(self, place: Place) -> LagrangePoint:
        """A solution of the system, classified on the constraint set."""
        try:
            found = self.shape(place)
        except (NotExactError, OpenSystemError) as error:
            found = Shape(UNKNOWN, None, (str(error),))
        kind = {UNKNOWN: DEGENERATE, FLAT: DEGENERATE}.get(found.kind, found.kind)
        at = {leaf.name: place.coordinates[s] for leaf, s in zip(self.leaves, self.symbols, strict=True)}
        return self.made(at, self.multiplied(place), self.value_at(place), kind, found.strict, found.lines)

    def made(
        self,
        at: Mapping[str, Expr],
        multipliers: Mapping[str, Expr],
        value: Expr,
        kind: str,
        strict: bool | None,
        lines: Sequence[str],
    ) -> LagrangePoint:
        """The record of a point, with its verdict."""
        text = at_text(at, {})
        claim = shortened(f"{text} is {with_article(described(kind, strict))} of {self.about}")
        first = ", ".join(f"{name} = {number_text(v)}" for name, v in multipliers.items())
        reason = "; ".join(lines)
        if kind == DEGENERATE:
            verdict = Verdict(Status.undecided, claim, reason=f"the second-order form is singular; {reason}")
        else:
            trace = (f"∇f = Σ λ ∇g and g = 0 at {text} with {first}", *lines)
            verdict = self.surface.resting(Verdict(Status.proved, claim, reason=reason, trace=trace))
        return LagrangePoint(at, multipliers, value, kind, strict, "local", reason, verdict)

    def multiplied(self, place: Place) -> dict[str, Expr]:
        return {m.name: place.coordinates[s] for m, s in zip(self.multipliers, self.factors, strict=True)}

    def value_at(self, place: Place) -> Expr:
        try:
            return place.value(self.value).to_sympy()
        except (NotExactError, OpenSystemError, ZeroDivisionError):
            return self.subject.to_sympy().subs(dict(place.coordinates))

    def shape(self, place: Place) -> Shape:
        """The germ of the Lagrangian on the constraint set, in the coordinates that are left."""
        size, count = len(self.symbols), len(self.gaps)
        if size == count:
            return Shape(ISOLATED, True, ("the constraints leave a single point there",))
        normal = [[place.value(e) for e in row] for row in self.normals]
        for chosen in combinations(range(size), count):
            block = [[row[k] for k in chosen] for row in normal]
            if solve_linear(block, [{} for _ in range(count)], place.field) is not None:
                break
        else:
            return Shape(UNKNOWN, None, ("the constraints' gradients depend on each other there",))
        free = [k for k in range(size) if k not in chosen]
        names = tuple(self.leaves[k].name for k in free)
        found = Shape(UNKNOWN, None, ())
        for order in ORDERS:
            germ, exact = self.reduced(place, order, chosen, free, block)
            found = shape(Jet(place.field, names, lambda _, germ=germ: germ, exact), (order,))
            if found.kind != UNKNOWN or exact:
                break
        gone = ", ".join(self.leaves[k].name for k in chosen)
        up, down = signature(hessian(germ, len(free), place.field), place.field)
        first = (
            f"with {gone} from the constraint{'s' if count > 1 else ''} the second-order form of the Lagrangian has "
            f"{up} positive, {down} negative and {len(free) - up - down} zero eigenvalues"
        )
        return Shape(found.kind, found.strict, (first, *found.lines), found.curves)

    def reduced(
        self, place: Place, order: int, chosen: Sequence[int], free: Sequence[int], block: Any
    ) -> tuple[Germ, bool]:
        """L(x(t)) with x(t) on the constraint set, up to an order, and whether that is all of it."""
        lagrangian = from_gradient(place, self.slopes, order)
        gaps = [
            from_gradient(place, dict(zip(self.symbols, row, strict=True)), order) for row in self.normals
        ]
        one = {(0,) * len(free): place.field(1)}
        inner: list[Germ] = [{} for _ in self.symbols]
        for position, k in enumerate(free):
            inner[k] = {tuple(int(position == j) for j in range(len(free))): place.field(1)}
        for reached in range(1, order + 1):
            left = [compose(g, inner, reached, one) for g in gaps]
            change = solve_linear(block, left, place.field)
            assert change is not None
            for k, delta in zip(chosen, change, strict=True):
                inner[k] = plus(inner[k], delta, -1)
        whole = all(e.is_polynomial(*self.symbols) for e in (self.value, *self.gaps))
        degrees = [Poly(e, *self.symbols).total_degree() for e in (self.value, *self.gaps)] if whole else []
        exact = whole and max(degrees) <= order and all(not compose(g, inner, None, one) for g in gaps)
        return compose(lagrangian, inner, None if exact else order, one), exact

    # -- what the system leaves out

    def singular(self) -> tuple[list[dict[str, Expr]], list[str]]:
        """The points of the constraint set where the constraints' gradients depend on each other."""
        model = Model(self.symbols, self.surface.model.positive)
        gaps = model.prepare([gap(r).to_sympy() for r in self.constraints])
        jacobian = Matrix([[g.diff(s) for s in self.symbols] for g in gaps])
        count = len(gaps)
        minors = [
            jacobian.extract(list(range(count)), list(chosen)).det()
            for chosen in combinations(range(len(self.symbols)), count)
        ]
        found = solve(model, model.prepare([*gaps, *minors]))
        unknown = [f"singular points of the constraints: {text}" for text in found.open]
        unknown += [
            f"the constraints are singular where {' and '.join(f'{e} == 0' for e in c.equations)}"
            for c in found.components
        ]
        listed_points = []
        for place in found.places:
            named = {str(s): v for s, v in place.coordinates.items()}
            if self.inside(place):
                listed_points.append(named)
        return listed_points, unknown

    def inside(self, place: Place) -> bool:
        """Whether coordinates lie in the declared domains."""
        for symbol, leaf in zip(self.symbols, self.leaves, strict=True):
            entries = leaf.domain.entries
            for end, side in ((entries.low, 1), (entries.high, -1)):
                if end.is_finite and (number_sign(side * (place.coordinates[symbol] - end)) or 0) < 0:
                    return False
        return True

    def enclosed(self, known: Sequence[LagrangePoint]) -> list[LagrangePoint]:
        """Solutions without a closed form, classified by the bordered Hessian's inertia."""
        symbols = (*self.symbols, *self.factors)
        equations = [*self.slopes.values(), *self.gaps]
        try:
            search = Enclosing(equations, symbols)
            zeros = search.search([(-REACH, REACH)] * len(symbols))
        except UnsupportedError:
            return []
        made = []
        for zero in zeros:
            near = tuple(float(v) for v in zero.point)
            if any(np.allclose(near[: len(self.symbols)], p.floats, atol=1e-12) for p in known):
                continue
            place = Place(self.surface.model, rationals(), {}, dict(zip(symbols, zero.point, strict=True)), {})
            if self.surface.within(place):
                made.append(self.enclosed_point(zero, symbols))
        return made

    def enclosed_point(self, zero: Zero, symbols: Sequence[Any]) -> LagrangePoint:
        """The inertia of the bordered matrix is that of the form on the tangent space, and (m, m)."""
        count = len(self.gaps)
        slopes = [*self.slopes.values(), *(-g for g in self.gaps)]
        signs = definite_signs([[e.diff(s) for s in symbols] for e in slopes], zero, symbols)
        at = dict(zip((leaf.name for leaf in self.leaves), zero.point, strict=False))
        factors = dict(zip((m.name for m in self.multipliers), zero.point[len(self.symbols) :], strict=True))
        value = self.value.xreplace(dict(zip(symbols, zero.point, strict=True))).evalf(20)
        lines = ["within 1e-30 of it the system has exactly one solution (Krawczyk's operator in ball arithmetic)"]
        kind = DEGENERATE
        if signs is not None:
            up, down = signs[0] - count, signs[1] - count
            kind = MINIMUM if not down else MAXIMUM if not up else SADDLE
            lines.append(f"the bordered Hessian has {up} positive and {down} negative directions along the constraints")
        strict = True if kind in (MINIMUM, MAXIMUM) else None
        return self.made(at, factors, value, kind, strict, lines)

    # -- all of them

    def completeness(self, unknown: Sequence[str]) -> Verdict:
        claim = shortened(f"there are no other stationary points of {self.about}")
        if unknown:
            return Verdict(Status.undecided, claim, reason="; ".join(dict.fromkeys(unknown)))
        how = "∇f = Σ λ ∇g, g = 0 was solved exactly over the reals, and every solution was put back into it"
        return self.surface.resting(Verdict(Status.proved, claim, reason=how, trace=(how,)))

    def compared(
        self,
        points: list[LagrangePoint],
        families: list[LagrangeFamily],
        singular: Sequence[Mapping[str, Expr]],
        complete: Verdict,
    ) -> tuple[list[LagrangePoint], list[LagrangeFamily]]:
        """Which are global: by convexity, or by comparing all candidates on a bounded constraint set."""
        for kind, why in self.by_convexity():
            points = [self.globally(p, kind, why) if p.classification in (kind, DEGENERATE) else p for p in points]
        bounded = self.bounded()
        candidates = [*points, *families]
        if not bounded or complete.status is not Status.proved or not candidates or singular:
            return points, families
        values = [c.value for c in candidates]
        if any(v is None for v in values):
            return points, families
        signs = [[number_sign(a - b) for b in values] for a in values]
        if any(s is None for row in signs for s in row):
            return points, families
        made: list[Any] = []
        for candidate, row in zip(candidates, signs, strict=True):
            for kind, wanted in ((MAXIMUM, 1), (MINIMUM, -1)):
                if all(s in (0, wanted) for s in row):
                    size = "largest" if kind == MAXIMUM else "smallest"
                    why = f"the constraint set is closed and bounded ({bounded}), and this has the {size} value there"
                    if isinstance(candidate, LagrangePoint):
                        candidate = self.globally(candidate, kind, why)
                    elif candidate.classification == DEGENERATE:
                        candidate = self.family_made(candidate.equations, candidate.value, kind, why)
            made.append(candidate)
        return made[: len(points)], made[len(points) :]

    def globally(self, point: LagrangePoint, kind: str, why: str) -> LagrangePoint:
        """A point as a global minimum or maximum."""
        if point.classification not in (kind, DEGENERATE, ISOLATED):
            raise JudgementConflictError(
                f"{point.verdict.claim}, but it is also the global {kind}: {why}; this is a bug in symderive"
            )
        strict = point.strict if point.classification == kind else None
        made = self.made(point.at, point.multipliers, point.value, kind, strict, (*point.reason.split("; "), why))
        return replace(made, scope="global")

    def by_convexity(self) -> Iterator[tuple[str, str]]:
        """A convex or concave objective under affine constraints."""
        rulings = [curvature(gap(r).node, self.leaves).curvature for r in self.constraints]
        if not all(r in (AFFINE, CONSTANT) for r in rulings):
            return
        for kind, judge, word in ((MINIMUM, convex, "convex"), (MAXIMUM, concave, "concave")):
            if judge(self.subject, self.leaves).status is Status.proved:
                yield kind, f"f is {word} and the constraints are affine"
                return
        reduced = self.eliminated()
        if reduced is not None:
            for kind, judge, word in ((MINIMUM, convex, "convex"), (MAXIMUM, concave, "concave")):
                if judge(*reduced).status is Status.proved:
                    yield kind, f"f is {word} along the constraints, which are affine"

    def eliminated(self) -> tuple[Array, tuple[Leaf, ...]] | None:
        """The objective in the variables that affine constraints leave free, all of them real numbers."""
        if any(leaf.domain != real for leaf in self.leaves):
            return None
        solved = sympy_solve([gap(r).to_sympy() for r in self.constraints], self.symbols, dict=True)
        if len(solved) != 1 or len(solved[0]) == len(self.leaves):
            return None
        values = {str(symbol): value for symbol, value in solved[0].items()}
        free = tuple(leaf for leaf in self.leaves if leaf.name not in values)
        if any(v.free_symbols - set(self.symbols) for v in values.values()):
            return None
        names = [leaf.name for leaf in free]
        there = {
            leaf: _node(lambdify(names, values[leaf.name], modules=_MODULES)(*map(Array, free)))
            for leaf in self.leaves
            if leaf.name in values
        }
        return Array(build.substitute(build.without_names(self.subject.node), there)), free

    def bounded(self) -> str:
        """Why the constraint set is closed and bounded; "" if that is not seen."""
        if any(leaf.domain.entries.low.is_finite or leaf.domain.entries.high.is_finite for leaf in self.leaves):
            return ""
        if self.surface.conditions:
            return ""
        for relation in self.constraints:
            expression = gap(relation).to_sympy()
            if not expression.is_polynomial(*self.symbols):
                continue
            polynomial = Poly(expression, *self.symbols)
            degree = polynomial.total_degree()
            top = {m: c for m, c in polynomial.terms() if sum(m) == degree}
            even = all(not any(e % 2 for e in m) for m in top) and len({bool(c > 0) for c in top.values()}) == 1
            alone = {next(k for k, e in enumerate(m) if e) for m in top if sum(map(bool, m)) == 1}
            if even and degree and alone == set(range(len(self.symbols))):
                return f"{relation} has a definite leading form"
            if degree == 2:
                form = Matrix([[expression.diff(a).diff(b) for b in self.symbols] for a in self.symbols])
                if form.is_positive_definite or (-form).is_positive_definite:
                    return f"{relation} has a definite leading form"
        return ""


# -- arrays ---------------------------------------------------------------------------------------------


class _Arrays:
    """A problem in an array of symbolic shape, solved where it separates by entries or is linear."""

    def __init__(
        self,
        subject: Array,
        constraints: tuple[Relation, ...],
        leaves: Sequence[Leaf],
        multipliers: Sequence[Array],
        lagrangian: Array,
        given: tuple[Relation, ...],
    ) -> None:
        self.subject = subject
        self.constraints = constraints
        self.leaves = tuple(leaves)
        self.multipliers = tuple(multipliers)
        self.lagrangian = lagrangian
        self.given = given
        self.derivation = gradient(lagrangian, [Array(leaf) for leaf in leaves])

    def run(self) -> Lagrange:
        """The first candidate that is proved to be stationary; none is still the derived system."""
        about = f"{self.subject} subject to {_joined(self.constraints)}"
        claim = shortened(f"there are no other stationary points of {about}")
        points: tuple[LagrangePoint, ...] = ()
        complete = Verdict(Status.undecided, claim, reason="no closed form of the solution was found")
        for place, multiplier in self.candidates():
            proof = self.stationary(place, multiplier)
            if proof.upheld:
                point, unique = self.classified(place, multiplier, proof)
                points = (point,)
                reason = "f is strictly convex or concave and the constraint affine, so that there is one at most"
                if unique:
                    complete = Verdict(point.verdict.status, claim, reason=reason, parts=(point.verdict,))
                else:
                    complete = replace(complete, reason="that there are no others was not shown")
                break
        arrays = tuple(Array(leaf) for leaf in self.leaves)
        return Lagrange(
            self.subject,
            self.constraints,
            arrays,
            self.multipliers,
            self.lagrangian,
            self.derivation,
            points,
            (),
            (),
            complete,
        )

    def candidates(self) -> Iterator[tuple[Array, Array]]:
        """Solutions of the system for one vector and one affine constraint: (place, multiplier)."""
        if len(self.leaves) != 1 or len(self.constraints) != 1 or self.leaves[0].rank != 1:
            return
        (leaf,) = self.leaves
        constraint = gap(self.constraints[0])
        normal = gradient(constraint, Array(leaf)).result
        if leaf in normal.node.leaves():
            return
        start = Array(_simple(build.substitute(constraint.node, {leaf: build.zeros(leaf.shape)})))
        for attempt in (self.separable, self.linear):
            found = attempt(leaf, normal, start)
            if found is not None:
                yield found

    def separable(self, leaf: Leaf, normal: Array, start: Array) -> tuple[Array, Array] | None:
        """Each entry of the system speaks of its own entry of the variable: solved for it, then for λ."""
        symbolic = _Entrywise(leaf, self.multipliers[0])
        own = symbolic.read(self.derivation.results[(leaf.name,)])
        if own is None:
            return None
        lam = symbolic.multiplier
        solutions = sympy_solve(own, symbolic.variable)
        if len(solutions) != 1:
            return None
        (solution,) = solutions
        solution = solution.expand(power_exp=True, log=False)
        fixed, moving = solution.as_independent(lam, as_Add=False)
        number, fixed = fixed.as_independent(*symbolic.names, as_Add=False)
        moving = number * moving
        scale: Array
        if moving != 1 and not moving.free_symbols - {lam}:  # p = A·m(λ)
            base = symbolic.written(fixed)
            scale = -start / np.sum(normal * base)
            place = base * scale
        else:
            rest, moving = solution.as_independent(lam, as_Add=True)  # p = A + B·m(λ)
            slope, moving = moving.as_independent(lam, as_Add=False)
            if moving == 0 or moving.free_symbols - {lam}:
                return None
            base, direction = symbolic.written(rest), symbolic.written(slope)
            scale = -(start + np.sum(normal * base)) / np.sum(normal * direction)
            place = base + direction * scale
        size = Dummy("size", positive=True)
        found = sympy_solve(moving - size, lam)
        if len(found) != 1:
            return None
        multiplier = lambdify([size], found[0], modules=_MODULES)(scale)
        made = build.broadcast(place.node, leaf.shape) if not place.ndim else place.node
        return Array(_simple(made)), Array(_simple(_node(multiplier)))

    def linear(self, leaf: Leaf, normal: Array, start: Array) -> tuple[Array, Array] | None:
        """H w + b = λ a with a constant, definite H: w = H⁻¹(λ a - b)."""
        derived = derive_hessian(self.subject, Array(leaf)).result
        if leaf in derived.node.leaves():
            return None
        kinds = {*structure(derived.node, self.given), *structure(build.scale(-1, derived.node), self.given)}
        if "pd" not in kinds:
            return None
        slope = gradient(self.subject, Array(leaf)).result
        offset = Array(_simple(build.substitute(build.without_names(slope.node), {leaf: build.zeros(leaf.shape)})))
        inverse = Array(build.opaque("inv", derived.node))
        along, back = inverse @ normal, inverse @ offset
        multiplier = (normal @ back - start) / (normal @ along)
        return Array(_simple((along * multiplier - back).node)), Array(_simple(multiplier.node))

    def stationary(self, place: Array, multiplier: Array) -> Verdict:
        """∇L = 0 and g = 0 there, proved; and the place lies in the declared domain."""
        (leaf,) = self.leaves
        there = {leaf: place.node, self.multipliers[0].node: multiplier.node}

        def at(node: Any) -> Any:
            return build.substitute(build.without_names(node), there)

        relation = self.constraints[0]
        slope = self.derivation.results[(leaf.name,)]
        parts = [
            prove_equal(at(slope.node), build.zeros(leaf.shape), given=self.given),
            prove_equal(at(relation.lhs), at(relation.rhs), given=self.given),
            self.feasible(leaf, place),
            self.derivation.verdict,
        ]
        status = weakest(parts)
        worst = next(p for p in parts if p.status is status)
        text = shortened(f"{leaf.name} == {place} is stationary with {self.multipliers[0].name} == {multiplier}")
        trace = tuple(line for p in parts for line in p.trace) if status is Status.proved else ()
        return Verdict(status, text, reason=worst.reason, trace=trace, parts=tuple(parts))

    def feasible(self, leaf: Leaf, place: Array) -> Verdict:
        """Whether the place lies in the domain, by its sign; a simplex is what the constraint says."""
        entries = leaf.domain.entries
        text = f"{place} lies in the domain of {leaf.name} ({leaf.domain})"
        sign = sign_of(place.node, self.given)
        bound = entries.low.is_finite
        low = not bound or (entries.low == 0 and (sign.positive if entries.low_open else sign.nonnegative))
        high = not entries.high.is_finite
        if leaf.domain.has("simplex"):
            total = prove_equal(np.sum(place).node, Number(Integer(1)), given=self.given)
            high = total.status is Status.proved  # entries >= 0 of sum 1 are at most 1
        others = [s for s, _ in leaf.domain.structures if s != "simplex"]
        if low and high and not others and entries.values is None and not entries.integer and not entries.nonzero:
            return Verdict(Status.proved, text, reason="by the signs of its parts", trace=(text,))
        return Verdict(Status.undecided, text, reason="membership of the domain was not shown")

    def classified(self, place: Array, multiplier: Array, proof: Verdict) -> tuple[LagrangePoint, bool]:
        """A global minimum or maximum by convexity, or a stationary point of unknown kind."""
        (leaf,) = self.leaves
        (relation,) = self.constraints
        kind, strict, parts, reason = DEGENERATE, None, [proof], ""
        for name, judge, sharper in ((MINIMUM, convex, self.subject), (MAXIMUM, concave, -self.subject)):
            verdict = judge(self.subject, self.leaves, self.given)
            if verdict.status is Status.proved:
                kind = name
                parts.append(verdict)
                sharp = strictly_convex(sharper, self.leaves, self.given)
                strict = True if sharp.status is Status.proved else None
                parts += [sharp] if strict else []
                reason = f"f is {'convex' if name == MINIMUM else 'concave'} and the constraint is affine"
                break
            reason = f"neither convex nor concave was proved: {verdict.reason}"
        text = f"{leaf.name} == {place}"
        claim = shortened(f"{text} is {with_article(described(kind, strict))} of {self.subject} subject to {relation}")
        status = weakest(parts) if kind != DEGENERATE else Status.undecided
        trace = tuple(line for p in parts for line in p.trace) if status is Status.proved else ()
        verdict = Verdict(status, claim, reason=reason, trace=trace, conditions=self.given, parts=tuple(parts))
        value = Array(_simple(build.substitute(build.without_names(self.subject.node), {leaf: place.node})))
        scope = "global" if kind != DEGENERATE else "local"
        named = {self.multipliers[0].name: multiplier}
        return LagrangePoint({leaf.name: place}, named, value, kind, strict, scope, reason, verdict), bool(strict)


_MODULES: list[Any] = [{"exp": np.exp, "log": np.log, "sqrt": np.sqrt}, "numpy"]


def _node(value: Any) -> Any:
    return value.node if isinstance(value, Array) else Number(Integer(value))


def _simple(node: Any) -> Any:
    """A readable form that is proved to be the same; of dimensions alone, SymPy's."""
    made = short_logs(simplify(node).node)
    if not made.shape and not made.leaves():
        names = sorted({s for n in made.walk() for d in (*n.shape, *_sizes_of(n)) for s in d.free_symbols}, key=str)
        expression = expand_log(logcombine(Array(made).to_sympy().doit(), force=True), force=True)
        short = lambdify(names, expression.simplify(), modules=_MODULES)(*(Dim(s) for s in names))
        made = _node(short) if isinstance(short, Array) else made
    return made if made is node or decide_equal(node, made).equal else node


def _sizes_of(node: Any) -> tuple[Expr, ...]:
    """The dimensions in a node's numbers."""
    match node:
        case Number():
            return (node.value,)
        case Contraction():
            return (node.coefficient, *node.label_dims)
    return ()


class _Entrywise:
    """One entry of an array equation as a scalar SymPy expression."""

    def __init__(self, leaf: Leaf, multiplier: Array) -> None:
        self.leaf = leaf
        self.variable = Dummy(leaf.name, real=True, positive=True if leaf.domain.entries.is_positive else None)
        self.multiplier = Symbol(multiplier.name, real=True)
        self.names: dict[Any, Array] = {}

    def read(self, slope: Array) -> Expr | None:
        """The entry with symbols for the entries; None where it speaks of other entries too."""
        try:
            entry = slope.to_sympy("entry")
        except UnsupportedError:
            return None
        index = Symbol("entry", integer=True)
        leaves = {leaf.name: leaf for leaf in slope.node.leaves()}
        replacements: dict[Any, Any] = {}
        for part in entry.atoms(Indexed):
            name = str(part.base.label)
            if part.indices != (index,):
                return None
            if name == self.leaf.name:
                replacements[part] = self.variable
                continue
            known = leaves[name]
            symbol = Dummy(name, real=True, positive=True if known.domain.entries.is_positive else None)
            replacements[part] = symbol
            self.names[symbol] = Array(known)
        made = entry.xreplace(replacements)
        if made.has(SymbolicSum) or index in made.free_symbols:
            return None
        for symbol in made.free_symbols - {self.variable, self.multiplier, *self.names}:
            if str(symbol) not in leaves:
                return None  # a dimension
            self.names[symbol] = Array(leaves[str(symbol)])
        return made

    def written(self, expression: Expr) -> Array:
        """An expression in the entries as an array."""
        symbols = list(self.names)
        made = lambdify(symbols, expression, modules=_MODULES)(*self.names.values())
        return made if isinstance(made, Array) else Array(Number(expression))


__all__ = ["Lagrange", "LagrangeFamily", "LagrangePoint", "lagrange"]
