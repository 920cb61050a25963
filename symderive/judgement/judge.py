"""Judge statements at exact points: certified, checked, refuted with a shrunk point, or undecided.

Nothing here knows a rule of calculus: both sides are evaluated in ball arithmetic, derivatives as
power series.  Two sides agree at a point where their balls overlap *and* are narrow; they differ
where the balls are disjoint, which is a proof.  A ball too wide to tell is computed again with
more bits, and if that does not help the point counts as unresolved, never as agreement.
"""
from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Symbol

from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.balls import (
    Evaluator,
    Kink,
    Undefined,
    coefficient,
    depth,
    from_exact,
    precision,
)
from symderive.judgement.cases import every_case
from symderive.judgement.covers import cover
from symderive.judgement.examine import (
    BITS,
    BUDGET,
    CAP,
    OPPOSITE,
    Outcome,
    Point,
    Statement,
    examine,
    text_of,
)
from symderive.judgement.hunt import Hunt
from symderive.judgement.instances import (
    constraints,
    settings,
    shape_at,
)
from symderive.judgement.points import Sides, Source, cost, holds, plan, solve_entry
from symderive.judgement.rare_points import hidden_zero, rare_points
from symderive.judgement.refine import Refinement
from symderive.judgement.search import Search
from symderive.judgement.structures import normals, tangent_basis
from symderive.judgement.verdicts import Evidence, Status, Verdict
from symderive.judgement.witnesses import counterexample, refutation, shrink
from symderive.language.arrays import shape_text
from symderive.language.build import zeros
from symderive.language.nodes import Binding, Differential, Leaf, Node
from symderive.language.statements import Relation

LEAST_AGREEING = 3
"""How many agreeing points uphold an equality where every point that is left is only too costly to enclose."""
COSTLY = ("it needs too many pieces", "it converges too slowly", " terms", "too close to tell apart", "out of range")
"""How such reasons end: the value is there, but not to enough bits.  A doubt whether it is there counts as a doubt."""


def _key(point: Point) -> Any:
    values = tuple(tuple(v.reshape(-1)) for v in point.instance.values.values())
    return (*point.instance.sizes.items(), values)


class _Run:
    """One verdict in the making."""

    def __init__(self, statement: Statement, given: Sequence[Relation], seed: int, bits: int) -> None:
        self.statement = statement
        self.seed = seed
        self.bits = bits
        self.given = tuple(given)
        roots = (*statement.roots, *(n for r in given for n in (r.lhs, r.rhs)))
        leaves = tuple(dict.fromkeys(leaf for root in roots for leaf in root.leaves()))
        self.source = Source(leaves, given, statement.changing, seed, constraints(roots))
        self.sizes: dict[tuple[tuple[str, int], ...], None] = {}
        self.decided = self.skipped = self.unresolved = self.doubted = self.searched = 0
        self.least: int | None = None
        self.near: float | None = None
        self.odd: dict[str, tuple[Outcome, Point]] = {}
        self.points: list[Point] = []
        self.known: set[Any] = set()

    def look(self, point: Point, bits: int | None = None) -> Outcome:
        """Judge a point and count it, once."""
        key = _key(point)
        if key in self.known:
            return Outcome("agrees")
        self.known.add(key)
        outcome = examine(self.statement, point, bits or self.bits)
        if outcome.refutes:
            return outcome
        if outcome.kind == "agrees":
            self.decided += 1
            self.points.append(point)
            self.sizes[tuple(point.instance.named_sizes().items())] = None
            if outcome.bits is not None:
                self.least = outcome.bits if self.least is None else min(self.least, outcome.bits)
        elif outcome.kind == "skipped":
            self.skipped += 1
            self.odd.setdefault("skipped", (outcome, point))
        elif outcome.kind == "unresolved":
            self.unresolved += 1
            self.doubted += not outcome.reason.endswith(COSTLY)
            self.odd.setdefault("unresolved", (outcome, point))
        else:
            self.odd.setdefault(outcome.kind, (outcome, point))
        return outcome

    def evidence(self, notes: tuple[str, ...] = ()) -> Evidence:
        """What was looked at so far."""
        return Evidence(
            method=self.statement.method,
            sizes=tuple(dict(s) for s in self.sizes),
            points=self.decided,
            bits=self.least,
            seed=self.seed,
            skipped=self.skipped,
            unresolved=self.unresolved,
            outside=self.source.outside,
            searched=self.searched,
            notes=notes,
            instances=tuple(point.instance for point in self.points),
        )

    def refuted(self, outcome: Outcome, point: Point) -> Verdict:
        """The verdict of a point that refutes, shrunk."""
        small, last = shrink(self.statement, self.source, self.bits, outcome, point)
        return Verdict(
            Status.refuted,
            self.statement.claim,
            reason=refutation(last),
            counterexample=counterexample(last, small),
            evidence=self.evidence(),
            conditions=self.given,
        )

    def run(self, points: int | None) -> Verdict:
        """Look at every planned point, then at the sides of kinks, then search."""
        roots = (*self.statement.roots, *(n for r in self.given for n in (r.lhs, r.rhs)))
        planned = plan(replace(self.statement, roots=roots), points)
        if not planned and settings(roots):
            return self.undecided("even at the smallest sizes that were tried the arrays have too many entries")
        if not planned:
            return self.undecided("no sizes of the dimensions make every dimension positive and every index exist")
        covered = self._cover()
        if covered is not None:
            return covered
        sides = Sides(self.statement.roots)
        tries = 24 if self.given else 2
        found = False
        for k, (sizes, stratum) in enumerate(planned):
            if self.given and not found and k >= 8 and self.source.draws > 300:
                break
            point = self.source.point(sizes, stratum, k, tries)
            if point is None:
                continue
            found = True
            sides.look(point.instance)
            outcome = self.look(point, self._bits(sizes, stratum))
            if outcome.refutes:
                return self.refuted(outcome, point)
        if not found:
            return self.undecided(self._no_point())
        for point in self._other_sides(sides, planned):
            outcome = self.look(point, self._bits(point.instance.sizes, "tail"))
            if outcome.refutes:
                return self.refuted(outcome, point)
        for point in self._searched():
            outcome = examine(self.statement, point, self.bits)
            if outcome.refutes:
                return self.refuted(outcome, point)
            if outcome.kind == "tie":
                self.odd.setdefault("tie", (outcome, point))
        return self._sum_up(sides)

    def _cover(self) -> Verdict | None:
        """Certified, or refuted, by looking at every case of a finite domain; None where that decides nothing.

        Balls that overlap are no equality: a case of ``==`` counts where both sides are exact.
        """
        if self.given or self.statement.changing or self.statement.op not in OPPOSITE or self._derives():
            return None
        cases = every_case(self.source.leaves, self.statement.roots)
        if cases is None:
            return None
        count = 0
        for instance in cases:
            point = Point(instance, {})
            outcome = self.look(point)
            if outcome.refutes:
                return self.refuted(outcome, point)
            if outcome.kind != "agrees" or (self.statement.op == "==" and outcome.bits is not None):
                return None
            count += 1
        if not count:
            return None
        evidence = replace(self.evidence(), method="every case in exact or ball arithmetic")
        reason = f"holds in every one of the {count} cases of the domain"
        return Verdict(Status.certified, self.statement.claim, reason=reason, evidence=evidence)

    def _searched(self) -> Iterator[Point]:
        """Points at which the relation may fail: of a hunt between scalars, else of a climb."""
        ordered = self.statement.op in ("<=", ">=", "<", ">")
        try:
            hunt = Hunt(self.statement, self.source, self.seed)
        except UnsupportedError:  # there are arrays, or functions that floats do not know
            if ordered:
                climb = Search(self.statement, self.source, self.points, self.seed)
                for point in climb.points():
                    self.searched = climb.evaluations
                    yield point
                self.searched = climb.evaluations
            return
        for point in hunt.points():
            self.searched = hunt.evaluations
            yield point
        refinement = Refinement(self.statement, self.source)
        if ordered:
            yield from refinement.points(hunt.starts())
        self.near = hunt.meeting(Refinement(self.statement, self.source).gap)
        self.searched = hunt.evaluations + refinement.evaluations

    def _bits(self, sizes: Mapping[Symbol, int], stratum: str) -> int | None:
        """More bits at once where functions flatten: 1 - expit(100) is less than 2**-128."""
        far = stratum in ("tail", "far") and cost(self.statement, sizes) < BUDGET / 100
        return CAP if far else None

    def _binds(self) -> bool:
        """Whether integrals or series have to be enclosed."""
        return any(isinstance(node, Binding) for root in self.statement.roots for node in root.walk())

    def _derives(self) -> bool:
        """Whether derivatives stand in the sides as they are written."""
        return any(
            isinstance(n, Binding) and n.kind == "derivative" for root in self.statement.roots for n in root.walk()
        )

    def _no_point(self) -> str:
        empty = [leaf.name for leaf in self.source.leaves if leaf.domain.is_empty]
        if empty:
            return f"the domain of {', '.join(empty)} is empty, so the claim says nothing"
        if self.given:
            return f"none of {self.source.draws} drawn points satisfied what is given, so nothing was judged"
        return "no point of the declared domains was found"

    def undecided(self, reason: str) -> Verdict:
        """The verdict where nothing else is said."""
        return Verdict(
            Status.undecided, self.statement.claim, reason=reason, evidence=self.evidence(), conditions=self.given
        )

    def _other_sides(self, sides: Sides, planned: Sequence[tuple[dict[Symbol, int], str]]) -> Iterable[Point]:
        """Points on sides of kinks that the plan missed: more draws, then an exact tie by solving."""
        attempts: dict[tuple[Node, int], int] = {}
        for k in range(40):
            missing = [m for m in sides.missing() if attempts.get(m, 0) < 5]
            if not missing:
                return
            kink, sign = missing[k % len(missing)]
            attempts[kink, sign] = attempts.get((kink, sign), 0) + 1
            sizes, _ = planned[k % len(planned)]
            stratum = ("tail", "mixed", "moderate", "small", "special")[k % 5]
            point = self.source.point(sizes, stratum, f"side{k}", 2)
            if point is None:
                continue
            rng = random.Random(f"{self.seed}:side:{k}")
            with precision(BITS):
                size = Evaluator(point.instance).value(kink).size
            target = Fraction(0) if sign == 0 else sign * Fraction(rng.randint(1, 30), 10)
            flat = rng.randrange(size)
            solved = solve_entry(kink, zeros(()), flat, "tie", target, point.instance, rng)
            if solved is not None and self.source.admits(solved):
                point = Point(solved, point.directions)
            if sides.look(point.instance):
                yield point

    def of_no_value(self) -> Verdict | None:
        """Undecided where at a point there is nothing to compare, or nothing tells which is larger."""
        for kind, text in (
            ("both_undefined", "both sides are undefined"),
            ("half_undefined", "a side is undefined, and of the other it is not known,"),
            ("tie", "the two sides could not be told apart, which a strict relation needs,"),
        ):
            if kind in self.odd:
                outcome, point = self.odd[kind]
                point, outcome = shrink(self.statement, self.source, self.bits, outcome, point)
                ce = counterexample(outcome, point)
                why = f" ({outcome.reason})" if kind.endswith("_undefined") and outcome.reason else ""
                return self.undecided(f"{text} at {ce.point}{why}; {self.decided} other points agree")
        return None

    def _sum_up(self, sides: Sides) -> Verdict:
        if (found := self.of_no_value()) is not None:
            return found
        if self.near is not None:
            (leaf,) = self.source.leaves
            return self.undecided(
                f"the two sides seem to meet near {leaf.name} = {self.near:.7g}, which a strict relation excludes, "
                f"and no exact point shows it; {self.decided} points agree"
            )
        if not self.decided:
            if "skipped" in self.odd:
                outcome, point = self.odd["skipped"]
                ce = counterexample(outcome, point)
                return self.undecided(
                    f"every point had to be skipped ({self.skipped}); for instance at {ce.point}: {outcome.reason}"
                )
            outcome, point = self.odd["unresolved"]
            ce = counterexample(outcome, point)
            return self.undecided(f"no point could be decided; for instance at {ce.point}: {outcome.reason}")
        costly = self.statement.op == "==" and self.decided >= LEAST_AGREEING and not self.doubted and self._binds()
        if self.unresolved > max(1, self.decided // 2) and not costly:
            outcome, point = self.odd["unresolved"]
            ce = counterexample(outcome, point)
            return self.undecided(
                f"{self.unresolved} of {self.unresolved + self.decided} points could not be decided; "
                f"for instance at {ce.point}: {outcome.reason}"
            )
        if "skipped" in self.odd and self._derives():
            outcome, point = self.odd["skipped"]
            ce = counterexample(outcome, point)
            return self.undecided(
                f"whether there is a derivative at {ce.point} is not known ({outcome.reason}); "
                f"{self.decided} other points agree"
            )
        what = "is defined" if self.statement.op == "defined" else "holds"
        reason = f"{what} at each of {self.decided} exact points"
        if self.skipped:
            outcome, point = self.odd["skipped"]
            reason += f"; {self.skipped} more were skipped ({outcome.reason})"
        if self.unresolved:
            outcome, point = self.odd["unresolved"]
            reason += f"; {self.unresolved} more could not be decided ({outcome.reason})"
        notes = tuple(
            f"no point with {text_of(kink)} {'> 0' if sign > 0 else '< 0'} was met"
            for kink, sign in sides.unseen_branches()
        )
        return Verdict(
            Status.checked,
            self.statement.claim,
            reason=reason,
            evidence=self.evidence(notes),
            conditions=self.given,
        )


def _check_shapes(lhs: Node, rhs: Node, what: str) -> None:
    if lhs.shape != rhs.shape and lhs.shape and rhs.shape:
        raise ShapeError(f"{what}: the sides have shapes {shape_text(lhs.shape)} and {shape_text(rhs.shape)}")


def judge_relation(
    relation: Relation,
    given: Sequence[Relation] = (),
    changing: Sequence[Leaf] = (),
    seed: int = 0,
    bits: int = BITS,
    points: int | None = None,
    claim: str = "",
    covering: bool = False,
) -> Verdict:
    """Judge ``lhs op rhs`` in every entry, at exact points of the declared domains.

    ``given`` restricts the points; ``changing`` names the leaves that move where the relation
    speaks of differentials, whose directions are drawn too (at a point where what is
    differentiated has no derivative the relation says nothing, and the point is skipped).
    ``checked``: both sides are defined and related at every decided point, and for an inequality a
    search found no violation.  ``refuted``: an exact point where they provably are not, shrunk.
    ``undecided``: neither, with the reason.  With ``covering``, an inequality between scalars that is
    checked is ``certified`` where `covers.cover` covers the whole of its domain.  Shapes that do not
    fit raise `ShapeError`.

    >>> from symderive.language.arrays import array
    >>> from symderive.language.statements import Relation
    >>> x = array("x")
    >>> judge_relation(Relation(((x + 1) ** 2).node, "==", (x**2 + 2*x + 1).node)).status.value
    'checked'
    >>> print(judge_relation(Relation((abs(x)).node, "==", x.node)).counterexample.point)
    x = -1
    """
    _check_shapes(relation.lhs, relation.rhs, "a relation")
    statement = _about(relation, changing, claim)
    if statement is None:
        claim = claim or _text(relation)
        return Verdict(
            Status.undecided, claim, reason="the claim is about differentials, but nothing is said to change"
        )
    verdict = _Run(statement, given, seed, bits).run(points)
    return with_cover(verdict, relation, given) if covering and statement.cap == 1 else verdict


def _text(relation: Relation) -> str:
    return f"{text_of(relation.lhs)} {relation.op} {text_of(relation.rhs)}"


def _about(relation: Relation, changing: Sequence[Leaf] = (), claim: str = "") -> Statement | None:
    """What is judged of a relation; None where it is about differentials of what does not change."""
    deep = max(depth(relation.lhs), depth(relation.rhs))
    if deep and not changing:
        return None
    bodies = tuple(
        dict.fromkeys(
            n.body
            for side in (relation.lhs, relation.rhs)
            for n in side.walk()
            if isinstance(n, Differential)
        )
    )

    def sides(evaluator: Evaluator, point: Point) -> tuple[np.ndarray, np.ndarray]:
        if not deep:
            return evaluator.value(relation.lhs), evaluator.value(relation.rhs)
        cap = deep + 1
        for body in bodies:
            if depth(body) == 0:
                for value in evaluator.value(body).reshape(-1):
                    if isinstance(value, Undefined):
                        hole = np.empty((), object)
                        hole[()] = Kink(f"what is differentiated is undefined: {value.reason}")
                        return hole, hole
        lhs = evaluator.jets(relation.lhs, point.directions, cap)
        rhs = evaluator.jets(relation.rhs, point.directions, cap)
        return _leading(lhs), _leading(rhs)

    return Statement(
        roots=(relation.lhs, relation.rhs),
        op=relation.op,
        claim=claim or _text(relation),
        cap=deep + 1,
        sides=sides,
        changing=tuple(changing) if deep else (),
        method="power series of balls" if deep else "ball arithmetic",
    )


def judge_edges(
    relation: Relation, given: Sequence[Relation] = (), seed: int = 0, agreed: int = 0
) -> Verdict | None:
    """A second look at a relation between scalars, where points that are drawn rarely lie.

    Looked for are points on both sides of every place where a branch changes or a part stops being
    defined, and points on it, irrational ones too; of a strict relation, ties along each variable.
    ``refuted``, ``undecided`` where both sides are undefined at one of them, None where nothing is found;
    ``agreed`` points were judged before.

    >>> from symderive.language.arrays import array
    >>> x = array("x")
    >>> verdict = judge_edges(Relation((1 / (x**2 - 2) ** 2).node, ">", (0 * x).node))
    >>> abs(float(verdict.counterexample.values["x"]) - 2**0.5) < 1e-9
    True
    """
    statement = _about(relation)
    if statement is None:
        return None
    run = _Run(statement, given, seed, BITS)
    run.decided = agreed
    sides = Sides(statement.roots)
    with suppress(UnsupportedError):  # no formulas of scalars
        for point in rare_points(statement, run.source, sides.kinks, seed):
            outcome = run.look(point)
            if outcome.refutes:
                return run.refuted(outcome, point)
    if (found := run.of_no_value()) is not None:
        return found
    zero = hidden_zero(statement, run.source)
    if zero is None:
        return None
    part, place = zero
    return run.undecided(
        f"a side is undefined where {part} changes its sign, near {place}; {run.decided} other points agree"
    )


def with_cover(verdict: Verdict, relation: Relation, given: Sequence[Relation] = ()) -> Verdict:
    """A verdict ``checked`` on an inequality between scalars made ``certified`` where its whole domain is covered."""
    if verdict.status is not Status.checked or verdict.evidence is None:
        return verdict
    found = cover(relation, given)
    if isinstance(found, str):
        return verdict
    evidence = replace(verdict.evidence, method="a cover by boxes in ball arithmetic, and points on it")
    return replace(verdict, status=Status.certified, reason=str(found), evidence=evidence)


def _leading(array: np.ndarray) -> np.ndarray:
    out = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        out[index] = coefficient(array[index], 0)
    return out


def judge_derivative(
    node: Node,
    wrt: Sequence[Leaf] | Leaf,
    result: Node,
    order: int = 1,
    given: Sequence[Relation] = (),
    seed: int = 0,
    bits: int = BITS,
    points: int | None = None,
    claim: str = "",
) -> Verdict:
    """Judge whether ``result`` is the derivative of ``node``, all coordinates, by power series.

    Order 1: ``wrt`` is one leaf and ``result`` has shape ``node.shape + leaf.shape``.  Order 2:
    one leaf, or two for a mixed derivative, and ``result`` has ``node.shape`` and both shapes.
    Entries are perturbed freely, also where the domain ties them together.  Points where the node
    has no derivative (a kink, the edge of its domain, or no value at all) are skipped and counted;
    if nothing else is left the verdict is ``undecided``.

    >>> import numpy as np
    >>> from symderive.language.arrays import array, dims
    >>> n = dims("n")
    >>> w = array("w", n)
    >>> judge_derivative(np.sum(w**2).node, w.node, (2 * w).node).status.value
    'checked'
    >>> judge_derivative(np.sum(w**2).node, w.node, w.node).status.value
    'refuted'
    """
    leaves = (wrt,) if isinstance(wrt, Leaf) else tuple(wrt)
    if order not in (1, 2):
        raise UnsupportedError(f"derivatives of order 1 and 2 are judged, not of order {order}")
    if order == 2 and len(leaves) == 1:
        leaves = leaves * 2
    if len(leaves) != order:
        raise ShapeError(f"a derivative of order {order} is by {order} arrays, got {len(leaves)}")
    shape = node.shape + tuple(s for leaf in leaves for s in leaf.shape)
    if result.shape != shape:
        raise ShapeError(
            f"the derivative has shape {shape_text(shape)}, but the result has {shape_text(result.shape)}"
        )
    if depth(node) or depth(result):
        raise UnsupportedError("the node and its derivative must not contain differentials")
    derivative = _first if order == 1 else _second

    def sides(evaluator: Evaluator, point: Point) -> tuple[np.ndarray, np.ndarray]:
        return derivative(evaluator, node, leaves), evaluator.value(result)

    def factor(sizes: Mapping[Symbol, int]) -> int:
        count = 2
        for leaf in leaves:
            for k in shape_at(leaf, sizes):
                count *= k
        return count

    names = "".join(f"∂{leaf.name}" for leaf in leaves)
    power = "²" if order == 2 else ""
    statement = Statement(
        roots=(node, result, *leaves),
        op="==",
        claim=claim or f"∂{power}({text_of(node)})/{names} == {text_of(result)}",
        cap=order + 1,
        sides=sides,
        skip_undefined_left=True,
        cost_factor=factor,
        method="power series of balls",
    )
    return _Run(statement, given, seed, bits).run(points)


def judge_tangent_gradient(
    node: Node,
    leaf: Leaf,
    result: Node,
    given: Sequence[Relation] = (),
    seed: int = 0,
    bits: int = BITS,
    points: int | None = None,
    claim: str = "",
) -> Verdict:
    """Judge whether ``result`` is the gradient of a scalar within the domain of ``leaf``.

    That is the tangent array G of the leaf's shape with ``np.sum(G * V)`` the derivative of the node
    along V, for each V tangent to the domain at the point: symmetric among symmetric matrices, of
    sum 0 on a simplex, orthogonal to a unit vector, Q times a skew matrix among orthogonal ones.
    Both are judged: the derivative along a basis of the tangents, and that G is normal to none.
    Points without a derivative are skipped; labels and one-hot vectors raise `UnsupportedError`.

    >>> import symderive as sd
    >>> n = sd.dims("n")
    >>> a, u = sd.array("a", n), sd.array("u", n, domain=sd.unit_norm)
    >>> judge_tangent_gradient((a @ u).node, u.node, (a - (a @ u) * u).node).status.value
    'checked'
    >>> judge_tangent_gradient((a @ u).node, u.node, a.node).status.value
    'refuted'
    """
    if node.shape:
        raise ShapeError(f"a gradient is of a scalar, got shape {shape_text(node.shape)}")
    if result.shape != leaf.shape:
        raise ShapeError(
            f"the gradient has the shape {shape_text(leaf.shape)} of {leaf.name}, "
            f"but the result has {shape_text(result.shape)}"
        )
    if depth(node) or depth(result):
        raise UnsupportedError("the node and its gradient must not contain differentials")

    def sides(evaluator: Evaluator, point: Point) -> tuple[np.ndarray, np.ndarray]:
        at = point.instance.values[leaf]
        tangents = tangent_basis(leaf, at)
        gradient = evaluator.value(result)
        lines = [*tangents, *normals(leaf, at)]
        lhs, rhs = np.empty(len(lines), object), np.empty(len(lines), object)
        for k, line in enumerate(lines):
            moves = k < len(tangents)
            lhs[k] = _part(evaluator, node, {leaf: line}, 1)[()] if moves else from_exact(0)
            rhs[k] = sum((from_exact(line[i]) * gradient[i] for i in np.ndindex(line.shape)), from_exact(0))
        return lhs, rhs

    def factor(sizes: Mapping[Symbol, int]) -> int:
        count = 2
        for k in shape_at(leaf, sizes):
            count *= k
        return count

    statement = Statement(
        roots=(node, result, leaf),
        op="==",
        claim=claim or f"∂({text_of(node)})/∂{leaf.name} == {text_of(result)} along the tangents of {leaf.domain}",
        cap=2,
        sides=sides,
        skip_undefined_left=True,
        cost_factor=factor,
        method="power series of balls along tangents",
    )
    return _Run(statement, given, seed, bits).run(points)


def _unit(shape: tuple[int, ...], *indices: tuple[int, ...]) -> np.ndarray:
    out = np.empty(shape, object)
    out.fill(Fraction(0))
    for index in indices:
        out[index] += 1
    return out


def _part(evaluator: Evaluator, node: Node, directions: dict[Leaf, np.ndarray], order: int) -> np.ndarray:
    series = evaluator.jets(node, directions, order + 1)
    out = np.empty(series.shape, object)
    for index in np.ndindex(series.shape):
        out[index] = coefficient(series[index], order)
    return out


def _first(evaluator: Evaluator, node: Node, leaves: tuple[Leaf, ...]) -> np.ndarray:
    (leaf,) = leaves
    shape = shape_at(leaf, evaluator.sizes)
    base = evaluator.value(node)
    out = np.empty(base.shape + shape, object)
    for index in np.ndindex(shape):
        out[(..., *index)] = _part(evaluator, node, {leaf: _unit(shape, index)}, 1)
    return out


def _second(evaluator: Evaluator, node: Node, leaves: tuple[Leaf, ...]) -> np.ndarray:
    """∂²/∂a∂b by polarisation: the t² coefficient along a + b, less those along a and along b."""
    a, b = leaves
    shape_a, shape_b = shape_at(a, evaluator.sizes), shape_at(b, evaluator.sizes)
    base = evaluator.value(node)
    out = np.empty(base.shape + shape_a + shape_b, object)
    along_a = {i: _part(evaluator, node, {a: _unit(shape_a, i)}, 2) for i in np.ndindex(shape_a)}
    if a is b:
        along_b = along_a
    else:
        along_b = {j: _part(evaluator, node, {b: _unit(shape_b, j)}, 2) for j in np.ndindex(shape_b)}
    for i in np.ndindex(shape_a):
        for j in np.ndindex(shape_b):
            if a is b and j < i:
                out[(..., *i, *j)] = out[(..., *j, *i)]
                continue
            if a is b and i == j:
                out[(..., *i, *j)] = _arr(along_a[i] + along_a[i])
                continue
            directions = {a: _unit(shape_a, i, j)} if a is b else {a: _unit(shape_a, i), b: _unit(shape_b, j)}
            mixed = _part(evaluator, node, directions, 2)
            out[(..., *i, *j)] = _arr(_arr(mixed - along_a[i]) - along_b[j])
    return out


def _arr(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    out = np.empty((), object)
    out[()] = value
    return out


def judge_defined(
    node: Node,
    given: Sequence[Relation] = (),
    seed: int = 0,
    bits: int = BITS,
    points: int | None = None,
) -> Verdict:
    """Judge whether a node has a value at every point of its domain, as far as sampling shows.

    ``refuted`` carries a point where it provably has none.

    >>> import numpy as np
    >>> from symderive.language.arrays import array
    >>> x = array("x")
    >>> judge_defined(np.log(x).node).status.value, judge_defined(np.log(1 + x * x).node).status.value
    ('refuted', 'checked')
    """
    if depth(node):
        raise UnsupportedError("a differential has a value only along a direction")

    def sides(evaluator: Evaluator, point: Point) -> tuple[np.ndarray, np.ndarray]:
        value = evaluator.value(node)
        return value, value

    statement = Statement((node, node), "defined", f"{text_of(node)} is defined", 1, sides)
    return _Run(statement, given, seed, bits).run(points)


__all__ = [
    "Outcome",
    "Point",
    "holds",
    "judge_defined",
    "judge_derivative",
    "judge_edges",
    "judge_relation",
    "judge_tangent_gradient",
]
