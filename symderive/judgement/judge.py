"""Judge statements at exact points: checked, refuted with a shrunk point, or undecided.

Nothing here knows a rule of calculus: both sides are evaluated in ball arithmetic, derivatives as
power series.  Two sides agree at a point where their balls overlap *and* are narrow; they differ
where the balls are disjoint, which is a proof.  A ball too wide to tell is computed again with
more bits, and if that does not help the point counts as unresolved, never as agreement.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq
from sympy import Symbol

from symderive.errors import ShapeError, SymderiveError, UnsupportedError
from symderive.judgement.balls import (
    Element,
    Evaluator,
    Hole,
    Kink,
    Undefined,
    Unknown,
    as_ball,
    coefficient,
    depth,
    precision,
    sign_of,
)
from symderive.judgement.instances import (
    STRATA,
    Drawer,
    Instance,
    constraints,
    contains,
    direction,
    draw,
    fits,
    integer_at,
    satisfies,
    settings,
    shape_at,
)
from symderive.judgement.verdicts import Counterexample, Evidence, Status, Verdict
from symderive.language.arrays import Array, shape_text
from symderive.language.build import zeros
from symderive.language.functions import function, template
from symderive.language.nodes import Contraction, Differential, Leaf, Map, Node
from symderive.language.statements import Relation

BITS = 128
AGREE_BITS = 80
CAP = 2048
POINTS = 24
SCALAR_POINTS = 48
BUDGET = 400_000
"""Elements to evaluate for one verdict, roughly; large statements get fewer points."""

OPPOSITE = {"==": "!=", "<=": ">", ">=": "<", "<": ">=", ">": "<=", "!=": "=="}


def text_of(node: Node) -> str:
    """The node as NumPy text, as claims show it; a form that has no text is called so."""
    try:
        return str(Array(node))
    except (ImportError, SymderiveError):
        return f"<{type(node).__name__} of shape {shape_text(node.shape)}>"


def _ladder(bits: int) -> tuple[int, ...]:
    steps = [bits]
    while steps[-1] < max(CAP, bits):
        steps.append(min(4 * steps[-1], max(CAP, bits)))
    return tuple(steps)


# -- points and statements -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Point:
    """An instance, and the directions along which its changing leaves move."""

    instance: Instance
    directions: dict[Leaf, np.ndarray]


@dataclass(frozen=True, eq=False)
class Statement:
    """What is judged: two arrays of elements at a point, and the relation between them."""

    roots: tuple[Node, ...]
    op: str
    claim: str
    cap: int
    sides: Callable[[Evaluator, Point], tuple[np.ndarray, np.ndarray]]
    changing: tuple[Leaf, ...] = ()
    skip_undefined_left: bool = False
    cost_factor: Callable[[dict[Symbol, int]], int] = field(default=lambda sizes: 1)
    method: str = "ball arithmetic"


@dataclass(frozen=True)
class Outcome:
    """What one point says: agrees, differs, undefined_left/right, both_undefined, tie, skipped, unresolved."""

    kind: str
    bits: int | None = None
    entry: tuple[int, ...] | None = None
    lhs: Element = None
    rhs: Element = None
    reason: str = ""

    @property
    def refutes(self) -> bool:
        return self.kind in ("differs", "undefined_left", "undefined_right")


def _width(a: arb, b: arb) -> arb:
    return (a.rad() + b.rad()).mid()


def _agreement(a: arb, b: arb) -> int:
    """To how many bits two overlapping finite balls are known, relative to the larger midpoint."""
    width = _width(a, b)
    if width == 0:
        return ctx.prec
    scale = abs(a.mid()).max(abs(b.mid()))
    if scale == 0:
        return 0
    ratio = (scale / width).mid()
    mantissa, exponent = ratio.man_exp()
    return min(ctx.prec, max(0, int(exponent) + int(mantissa).bit_length() - 1))


def _compare(a: Element, b: Element, op: str) -> tuple[str, Any]:
    """One entry: a kind of `Outcome`, or ``open`` with the width that has to shrink (None: unknown)."""
    if isinstance(a, Kink) or isinstance(b, Kink):
        return "skipped", (a if isinstance(a, Kink) else b).reason
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return "unknown", (a if isinstance(a, Unknown) else b).reason
    left, right = isinstance(a, Undefined), isinstance(b, Undefined)
    if left or right:
        return ("both_undefined" if left and right else "undefined_left" if left else "undefined_right"), (
            a if left else b
        ).reason
    if op == "defined":
        return ("agrees", None) if as_ball(a).is_finite() else ("unknown", "the value is out of range")
    if type(a) is fmpq and type(b) is fmpq:
        return ("agrees" if _HOLDS[op](a - b) else "differs"), None
    x, y = as_ball(a), as_ball(b)
    if not (x.is_finite() and y.is_finite()):  # nan "contains" and "overlaps" everything
        return "unknown", "the value is out of range"
    if op == "==":
        if not x.overlaps(y):
            return "differs", None
        bits = _agreement(x, y)
        return ("agrees", bits) if bits >= AGREE_BITS else ("open", _width(x, y))
    sign = sign_of(x - y)
    if sign is None:
        return "open", _width(x, y)
    return ("agrees" if _HOLDS[op](sign) else "differs"), None


_HOLDS: dict[str, Callable[[Any], bool]] = {
    "==": lambda d: d == 0,
    "!=": lambda d: d != 0,
    "<=": lambda d: d <= 0,
    ">=": lambda d: d >= 0,
    "<": lambda d: d < 0,
    ">": lambda d: d > 0,
}


def _examine(statement: Statement, point: Point, bits: int) -> Outcome:
    """Judge one point, with more bits where they are needed."""
    ladder = _ladder(bits)
    widths: dict[int, tuple[int, arb]] = {}
    skipping = statement.skip_undefined_left
    outcome = Outcome("unresolved")
    for level in ladder:
        with precision(level, statement.cap):
            left, right = statement.sides(Evaluator(point.instance), point)
            a, b = np.broadcast_arrays(left, right)
            shape = a.shape
            agreed, least, pending, undefined, skipped = 0, None, [], None, None
            for i, (x, y) in enumerate(zip(a.reshape(-1), b.reshape(-1), strict=True)):
                kind, detail = _compare(x, y, statement.op)
                if skipping and kind in ("undefined_left", "both_undefined"):
                    kind = "skipped"
                if kind == "agrees":
                    agreed += 1
                    if detail is not None:
                        least = detail if least is None else min(least, detail)
                elif kind in ("differs", "undefined_left", "undefined_right"):
                    return Outcome(kind, None, _entry(i, shape), x, y, detail or "")
                elif kind == "skipped":
                    skipped = skipped or Outcome("skipped", None, _entry(i, shape), x, y, detail or "")
                elif kind == "both_undefined":
                    if statement.op == "defined":
                        return Outcome("undefined_left", None, _entry(i, shape), x, y, detail)
                    undefined = undefined or Outcome(kind, None, _entry(i, shape), x, y, detail)
                elif kind == "unknown":
                    pending.append((i, x, y, detail, None))
                else:
                    pending.append((i, x, y, "the two sides are too close to tell apart", detail))
                    widths.setdefault(i, (level, detail))
            if level == ladder[-1]:
                for i, x, y, reason, width in pending:
                    if width is None or not _vanishes(widths[i], level, width):
                        return Outcome("unresolved", None, _entry(i, shape), x, y, reason)
                    if statement.op in ("<", ">", "!="):
                        return Outcome("tie", None, _entry(i, shape), x, y, reason)
                    agreed += 1
                    least = min(level // 2, least) if least is not None else level // 2
                pending = []
            outcome = undefined or (Outcome("agrees", least) if agreed or not skipped else skipped)
            if not pending:
                return outcome
    return outcome


def _entry(flat: int, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else None


def _vanishes(first: tuple[int, arb], level: int, width: arb) -> bool:
    """Whether a difference that overlaps 0 shrank with the precision, as a true 0 does.

    The first width is about 2**-bits times the size of what was summed, so this bounds the
    difference relative to that size, whatever the size is.
    """
    start, wide = first
    if start >= level:
        return False
    gained = level - start
    return bool(width <= wide * arb(2) ** (-(gained * 4) // 5))


# -- drawing points that satisfy what is given ------------------------------------------------------


class _Source:
    """Draws points of the leaves' domains at which everything given holds provably."""

    def __init__(
        self,
        leaves: Sequence[Leaf],
        given: Sequence[Relation],
        changing: Sequence[Leaf],
        seed: int,
        constraints: Sequence[Any],
    ) -> None:
        self.leaves = tuple(leaves)
        self.given = tuple(given)
        self.changing = tuple(changing)
        self.seed = seed
        self.constraints = constraints
        self.outside = 0
        self.draws = 0

    def point(self, sizes: dict[Symbol, int], stratum: str, tag: object, tries: int = 1) -> Point | None:
        """A point, or None after ``tries`` draws."""
        for attempt in range(tries):
            kind = stratum if attempt < (tries + 1) // 2 else STRATA[attempt % len(STRATA)]
            key = f"{self.seed}:{tag}:{attempt}"
            self.draws += 1
            instance = draw(self.leaves, sizes, kind, key)
            if instance is None:
                continue
            if self.given:
                instance = self._repair(instance, key)
                if instance is None:
                    self.outside += 1
                    continue
            moving = {leaf: direction(leaf, sizes, f"{key}:{leaf.name}") for leaf in self.changing}
            return Point(instance, moving)
        return None

    def admits(self, instance: Instance) -> bool:
        """Whether a point lies in every domain and satisfies everything given, provably."""
        if not fits(self.constraints, instance.sizes):
            return False
        for leaf in self.leaves:
            value = instance.values[leaf]
            if value.shape != shape_at(leaf, instance.sizes) or not satisfies(leaf.domain, value):
                return False
        return all(holds(r, instance) for r in self.given)

    def _repair(self, instance: Instance, key: str) -> Instance | None:
        rng = random.Random(f"{key}:repair")
        for relation in self.given:
            if holds(relation, instance):
                continue
            if relation.op == "==":
                instance = _assign(relation, instance) or instance
            if not holds(relation, instance):
                instance = _solve_relation(relation, instance, rng) or instance
        return instance if self.admits(instance) else None


def holds(relation: Relation, instance: Instance, bits: int = BITS) -> bool:
    """Whether a relation holds provably, in every entry, at a point."""
    for level in (bits, 4 * bits):
        with precision(level):
            evaluator = Evaluator(instance)
            a, b = np.broadcast_arrays(evaluator.value(relation.lhs), evaluator.value(relation.rhs))
            certain = True
            for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True):
                if isinstance(x, Undefined) or isinstance(y, Undefined):
                    return False
                if isinstance(x, Hole) or isinstance(y, Hole):
                    certain = False
                    continue
                sign = sign_of(x - y)
                if sign is None:
                    certain = False
                elif not _HOLDS[relation.op](sign):
                    return False
            if certain:
                return True
    return False


def _fraction(value: Element) -> Fraction | None:
    return Fraction(int(value.p), int(value.q)) if type(value) is fmpq else None


def _replaced(instance: Instance, leaf: Leaf, value: np.ndarray) -> Instance:
    return Instance(instance.sizes, {**instance.values, leaf: value})


def _with_entry(instance: Instance, leaf: Leaf, index: tuple[int, ...], value: Any) -> Instance:
    """The instance with one entry changed, and its mirror image in a symmetric leaf."""
    array = instance.values[leaf].copy()
    array[index] = value
    if leaf.domain.has("symmetric") and len(index) >= 2:
        array[(*index[:-2], index[-1], index[-2])] = value
    return _replaced(instance, leaf, array)


def _assign(relation: Relation, instance: Instance) -> Instance | None:
    """``leaf == expression``: give the leaf the expression's exact value."""
    for leaf, expr in ((relation.lhs, relation.rhs), (relation.rhs, relation.lhs)):
        if not isinstance(leaf, Leaf) or leaf in expr.walk():
            continue
        with precision(BITS):
            value = np.broadcast_to(Evaluator(instance).value(expr), instance.values[leaf].shape)
        out = np.empty(value.shape, object)
        for index in np.ndindex(out.shape):
            out[index] = _fraction(value[index])
            if out[index] is None:
                break
        else:
            if satisfies(leaf.domain, out):
                return _replaced(instance, leaf, out)
    return None


def _solve_relation(relation: Relation, instance: Instance, rng: random.Random) -> Instance | None:
    """Move single entries so that a relation comes to hold where it is linear in them."""
    with precision(BITS):
        evaluator = Evaluator(instance)
        size = np.broadcast(evaluator.value(relation.lhs), evaluator.value(relation.rhs)).size
    for flat in range(min(size, 24)):
        if relation.op in ("==", "<=", ">=") and rng.random() < (1.0 if relation.op == "==" else 0.2):
            target = Fraction(0)
        else:
            target = Fraction(rng.randint(1, 12), rng.choice((1, 2, 4, 10)))
            if relation.op in ("<", "<="):
                target = -target
        solved = _solve_entry(relation.lhs, relation.rhs, flat, relation.op, target, instance, rng)
        instance = solved or instance
    return instance


def _solve_entry(
    lhs: Node, rhs: Node, flat: int, op: str, target: Fraction, instance: Instance, rng: random.Random
) -> Instance | None:
    """Make entry ``flat`` of ``lhs - rhs`` equal ``target`` exactly by one entry of one leaf."""
    places = [
        (leaf, index)
        for leaf, value in instance.values.items()
        if leaf.domain.entries.values is None and value.size
        for index in np.ndindex(value.shape)
    ]
    rng.shuffle(places)
    for leaf, index in places[:12]:
        unit = np.empty(instance.values[leaf].shape, object)
        unit.fill(Fraction(0))
        unit[index] = Fraction(1)
        with precision(BITS, 3):
            evaluator = Evaluator(instance)
            a = evaluator.jets(lhs, {leaf: unit}, 3)
            b = evaluator.jets(rhs, {leaf: unit}, 3)
            x, y = (v.reshape(-1)[flat] for v in np.broadcast_arrays(a, b))
            if isinstance(x, Hole) or isinstance(y, Hole):
                continue
            d = x - y
            zeroth, first, second = (_fraction(coefficient(d, k)) for k in range(3))
        if zeroth is None:
            continue
        if op != "==" and op != "tie" and _HOLDS[op](zeroth):
            return instance
        if first is None or second is None or first == 0 or second != 0:
            continue
        old = instance.values[leaf][index]
        if not isinstance(old, Fraction):
            continue
        new = old + (target - zeroth) / first
        if contains(leaf.domain.entries, new):
            changed = _with_entry(instance, leaf, index, new)
            if satisfies(leaf.domain, changed.values[leaf]):
                return changed
    return None


# -- the plan -------------------------------------------------------------------------------------


def _cost(nodes: Iterable[Node], sizes: dict[Symbol, int]) -> int:
    """Roughly how many elements an evaluation makes."""
    total, seen = 1, set()
    for root in nodes:
        for node in root.walk():
            if node in seen:
                continue
            seen.add(node)
            size = 1
            for dim in node.label_dims if isinstance(node, Contraction) else node.shape:
                size *= integer_at(dim, sizes) or 1
            total += size
    return total


def _plan(statement: Statement, points: int | None) -> list[tuple[dict[Symbol, int], str]]:
    wanted = settings(statement.roots)
    if not wanted:
        return []
    count = points if points is not None else (SCALAR_POINTS if wanted == [{}] else POINTS)
    plan: list[tuple[dict[Symbol, int], str]] = []
    spent = 0
    costs = [_cost(statement.roots, s) * statement.cost_factor(s) for s in wanted]
    for k in range(count):
        i = k % len(wanted)
        if costs[i] > BUDGET / 8 and k >= 2:
            continue
        spent += costs[i]
        plan.append((wanted[i], STRATA[(k + k // len(wanted)) % len(STRATA)]))
        if points is None and spent > BUDGET and len(plan) >= 8:
            break
    return plan


def _kinks(nodes: Iterable[Node]) -> list[Node]:
    """The expressions at whose zeros a function below the nodes changes its branch."""
    found: dict[Node, None] = {}
    for root in nodes:
        for node in root.walk():
            if isinstance(node, Map):
                row = function(node.function)
                for text in row.kinks:
                    kink = template(text, row.arguments)(*node.arguments)
                    if depth(kink) == 0 and kink.leaves():
                        found[kink] = None
    return list(found)


class _Sides:
    """Which sides of each kink the points so far have seen."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.kinks = _kinks(nodes)[:12]
        self.seen: dict[Node, set[int]] = {k: set() for k in self.kinks}

    def look(self, instance: Instance) -> bool:
        """Note the sides at a point; whether one of them is new."""
        new = False
        with precision(BITS):
            evaluator = Evaluator(instance)
            for kink in self.kinks:
                for value in evaluator.value(kink).reshape(-1):
                    if not isinstance(value, Hole):
                        sign = sign_of(value)
                        if sign is not None and sign not in self.seen[kink]:
                            self.seen[kink].add(sign)
                            new = True
        return new

    def missing(self) -> list[tuple[Node, int]]:
        """The sides not seen yet."""
        return [(k, s) for k in self.kinks for s in (-1, 0, 1) if s not in self.seen[k]]


# -- the judgement ----------------------------------------------------------------------------------


class _Run:
    """One verdict in the making."""

    def __init__(self, statement: Statement, given: Sequence[Relation], seed: int, bits: int) -> None:
        self.statement = statement
        self.seed = seed
        self.bits = bits
        self.given = tuple(given)
        roots = (*statement.roots, *(n for r in given for n in (r.lhs, r.rhs)))
        leaves = tuple(dict.fromkeys(leaf for root in roots for leaf in root.leaves()))
        self.source = _Source(leaves, given, statement.changing, seed, constraints(roots))
        self.sizes: dict[tuple[tuple[str, int], ...], None] = {}
        self.decided = self.skipped = self.unresolved = self.searched = 0
        self.least: int | None = None
        self.odd: dict[str, tuple[Outcome, Point]] = {}
        self.points: list[Point] = []

    def look(self, point: Point) -> Outcome:
        """Judge a point and count it."""
        outcome = _examine(self.statement, point, self.bits)
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
        )

    def refuted(self, outcome: Outcome, point: Point) -> Verdict:
        """The verdict of a point that refutes, shrunk."""
        small, last = _shrink(self, outcome, point)
        return Verdict(
            Status.refuted,
            self.statement.claim,
            reason=_refutation(last),
            counterexample=_counterexample(self.statement, last, small),
            evidence=self.evidence(),
            conditions=self.given,
        )

    def run(self, points: int | None) -> Verdict:
        """Look at every planned point, then at the sides of kinks, then search."""
        plan = _plan(self.statement, points)
        if not plan:
            return self._undecided("no sizes of the dimensions make every dimension positive and every index exist")
        sides = _Sides(self.statement.roots)
        tries = 24 if self.given else 2
        found = False
        for k, (sizes, stratum) in enumerate(plan):
            if self.given and not found and k >= 8 and self.source.draws > 300:
                break
            point = self.source.point(sizes, stratum, k, tries)
            if point is None:
                continue
            found = True
            sides.look(point.instance)
            outcome = self.look(point)
            if outcome.refutes:
                return self.refuted(outcome, point)
        if not found:
            return self._undecided(self._no_point())
        for point in self._other_sides(sides, plan):
            outcome = self.look(point)
            if outcome.refutes:
                return self.refuted(outcome, point)
        if self.statement.op in ("<=", ">=", "<", ">"):
            for point in _search(self):
                outcome = _examine(self.statement, point, self.bits)
                if outcome.refutes:
                    return self.refuted(outcome, point)
                if outcome.kind == "tie":
                    self.odd.setdefault("tie", (outcome, point))
        return self._sum_up(sides)

    def _no_point(self) -> str:
        empty = [leaf.name for leaf in self.source.leaves if leaf.domain.is_empty]
        if empty:
            return f"the domain of {', '.join(empty)} is empty, so the claim says nothing"
        if self.given:
            return f"none of {self.source.draws} drawn points satisfied what is given, so nothing was judged"
        return "no point of the declared domains was found"

    def _undecided(self, reason: str) -> Verdict:
        return Verdict(
            Status.undecided, self.statement.claim, reason=reason, evidence=self.evidence(), conditions=self.given
        )

    def _other_sides(self, sides: _Sides, plan: Sequence[tuple[dict[Symbol, int], str]]) -> Iterable[Point]:
        """Points on sides of kinks that the plan missed: more draws, then an exact tie by solving."""
        budget = 40
        for k in range(budget):
            missing = sides.missing()
            if not missing:
                return
            sizes, _ = plan[k % len(plan)]
            stratum = ("tail", "mixed", "moderate", "small", "special")[k % 5]
            point = self.source.point(sizes, stratum, f"side{k}", 2)
            if point is None:
                continue
            kink, sign = missing[k % len(missing)]
            rng = random.Random(f"{self.seed}:side:{k}")
            with precision(BITS):
                size = Evaluator(point.instance).value(kink).size
            target = Fraction(0) if sign == 0 else sign * Fraction(rng.randint(1, 30), 10)
            flat = rng.randrange(size)
            solved = _solve_entry(kink, zeros(()), flat, "tie", target, point.instance, rng)
            if solved is not None and self.source.admits(solved):
                point = Point(solved, point.directions)
            if sides.look(point.instance):
                yield point

    def _sum_up(self, sides: _Sides) -> Verdict:
        for kind, text in (
            ("both_undefined", "both sides are undefined"),
            ("tie", "the two sides could not be told apart, which a strict relation needs,"),
        ):
            if kind in self.odd:
                outcome, point = self.odd[kind]
                ce = _counterexample(self.statement, outcome, point)
                why = f" ({outcome.reason})" if kind == "both_undefined" and outcome.reason else ""
                return self._undecided(f"{text} at {ce.point}{why}; {self.decided} other points agree")
        if not self.decided:
            if "skipped" in self.odd:
                outcome, point = self.odd["skipped"]
                ce = _counterexample(self.statement, outcome, point)
                return self._undecided(
                    f"every point had to be skipped ({self.skipped}); for instance at {ce.point}: {outcome.reason}"
                )
            outcome, point = self.odd["unresolved"]
            ce = _counterexample(self.statement, outcome, point)
            return self._undecided(f"no point could be decided; for instance at {ce.point}: {outcome.reason}")
        if self.unresolved > max(1, self.decided // 2):
            outcome, point = self.odd["unresolved"]
            ce = _counterexample(self.statement, outcome, point)
            return self._undecided(
                f"{self.unresolved} of {self.unresolved + self.decided} points could not be decided; "
                f"for instance at {ce.point}: {outcome.reason}"
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
            for kink, sign in sides.missing()
            if sign
        )
        return Verdict(
            Status.checked,
            self.statement.claim,
            reason=reason,
            evidence=self.evidence(notes),
            conditions=self.given,
        )


# -- a counterexample, made simple ------------------------------------------------------------------


def _refutation(outcome: Outcome) -> str:
    if outcome.kind == "differs":
        return "the claim is wrong at an exact point of its domain"
    side = "left" if outcome.kind == "undefined_left" else "right"
    return f"the {side} side is undefined at a point of the domain: {outcome.reason}"


def _texts(lhs: Element, rhs: Element) -> tuple[str, str]:
    digits = 8
    if not isinstance(lhs, Hole) and not isinstance(rhs, Hole):
        with precision(CAP):
            a, b = as_ball(lhs), as_ball(rhs)
            while digits < 60 and a.mid().str(digits, radius=False) == b.mid().str(digits, radius=False):
                digits += 4
    return _text(lhs, digits + 2), _text(rhs, digits + 2)


def _text(value: Element, digits: int) -> str:
    if isinstance(value, Hole):
        return f"undefined ({value.reason})"
    if type(value) is fmpq:
        text = str(value)
        if len(text) <= 24:
            return text
    with precision(CAP):
        ball = as_ball(value)
        text = _trimmed(ball.mid().str(digits, radius=False))
        if ball.rad() == 0 or type(value) is fmpq:
            return text
        return f"{text} ± {ball.rad().mid().str(2, radius=False)}"


def _trimmed(text: str) -> str:
    """Decimal text without the zeros at its end."""
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _float(value: Element) -> float | None:
    return None if isinstance(value, Hole) or value is None else float(as_ball(value).mid())


def _counterexample(statement: Statement, outcome: Outcome, point: Point) -> Counterexample:
    values = point.instance.named_values()
    for leaf, moving in point.directions.items():
        values[f"d{leaf.name}"] = Instance({}, {leaf: moving}).named_values()[leaf.name]
    lhs, rhs = _texts(outcome.lhs, outcome.rhs)
    return Counterexample(
        sizes=point.instance.named_sizes(),
        values=values,
        lhs=lhs,
        rhs=rhs,
        lhs_value=_float(outcome.lhs),
        rhs_value=_float(outcome.rhs),
        entry=outcome.entry,
    )


def _complexity(value: Any) -> tuple[int, Fraction | int, int]:
    if not isinstance(value, Fraction):
        return (100, 0, 0)
    digits = len(str(abs(value.numerator)).rstrip("0")) + 2 * (len(str(value.denominator)) - 1)
    digits += 2 * (value.denominator != 1)
    return (0 if value == 0 else digits, abs(value), int(value < 0))


def _simpler(value: Any) -> list[Fraction]:
    """Simpler numbers near and far, the simplest first."""
    if not isinstance(value, Fraction):
        return []
    sign = -1 if value < 0 else 1
    options = [Fraction(v) for v in (0, 1, -1, 2, -2, 3)]
    options.append(Fraction(round(value)))
    options += [value.limit_denominator(q) for q in (2, 4, 10)]
    magnitude = abs(value)
    if magnitude:
        k = len(str(magnitude.numerator // magnitude.denominator)) - 1 if magnitude >= 1 else 0
        while magnitude < 1 and Fraction(10) ** k > magnitude:
            k -= 1
        power = Fraction(10) ** k
        options += [sign * power, sign * 10 * power, sign * power * (magnitude // power)]
        options.append(sign * power * Fraction(round(10 * magnitude / power), 10))
    mine = _complexity(value)
    return sorted({v for v in options if _complexity(v) < mine}, key=_complexity)


_SHRINK_BUDGET = 250


def _shrink(run: _Run, outcome: Outcome, point: Point) -> tuple[Point, Outcome]:
    """A simpler point that refutes in the same way: smaller sizes first, then simpler numbers."""
    left = _SHRINK_BUDGET
    kind = outcome.kind

    def fails(candidate: Point) -> Outcome | None:
        nonlocal left
        if left <= 0 or not run.source.admits(candidate.instance):
            return None
        left -= 1
        result = _examine(run.statement, candidate, run.bits)
        return result if result.kind == kind else None

    def better(candidate: Point) -> bool:
        nonlocal point, outcome
        result = fails(candidate)
        if result is not None:
            point, outcome = candidate, result
        return result is not None

    _shrink_sizes(run, point, better)
    for leaf in point.directions:
        moving = np.empty(point.directions[leaf].shape, object)
        moving.fill(Fraction(1))
        better(Point(point.instance, {**point.directions, leaf: moving}))
    changed = True
    while changed and left > 0:
        changed = False
        for leaf in run.source.leaves:
            for candidate in _simple_arrays(leaf, point.instance):
                if _array_complexity(candidate) < _array_complexity(point.instance.values[leaf]):
                    changed |= better(Point(_replaced(point.instance, leaf, candidate), point.directions))
            for index in np.ndindex(point.instance.values[leaf].shape):
                for value in _simpler(point.instance.values[leaf][index]):
                    changed_instance = _with_entry(point.instance, leaf, index, value)
                    if better(Point(changed_instance, point.directions)):
                        changed = True
                        break
    return point, outcome


def _array_complexity(value: np.ndarray) -> tuple[int, ...]:
    parts = [_complexity(v) for v in value.reshape(-1)]
    return (sum(p[0] for p in parts), sum(p[2] for p in parts))


def _shrink_sizes(run: _Run, point: Point, better: Callable[[Point], bool]) -> None:
    sizes = point.instance.sizes
    symbols = sorted(sizes, key=str)
    if not symbols:
        return
    smaller: list[dict[Symbol, int]] = []
    for code in range(min(3 ** len(symbols), 81)):
        candidate = {s: 1 + (code // 3**i) % 3 for i, s in enumerate(symbols)}
        if sum(candidate.values()) < sum(sizes.values()) and all(candidate[s] <= sizes[s] for s in symbols):
            smaller.append(candidate)
    smaller.sort(key=lambda c: (sum(c.values()), max(c.values())))
    for number, candidate in enumerate(smaller[:27]):
        if not fits(run.source.constraints, candidate):
            continue
        cut = {
            leaf: value[tuple(slice(0, k) for k in shape_at(leaf, candidate))]
            for leaf, value in point.instance.values.items()
        }
        moving = {
            leaf: value[tuple(slice(0, k) for k in shape_at(leaf, candidate))]
            for leaf, value in point.directions.items()
        }
        if better(Point(Instance(candidate, cut), moving)):
            return
        for attempt, stratum in enumerate(("special", "moderate", "mixed")):
            drawn = run.source.point(candidate, stratum, f"shrink{number}.{attempt}", 2)
            if drawn is not None and better(drawn):
                return


def _simple_arrays(leaf: Leaf, instance: Instance) -> list[np.ndarray]:
    """Simple whole arrays for a leaf: constants, and what its structure calls simple."""
    shape = instance.values[leaf].shape
    options: list[np.ndarray] = []

    def constant(value: Fraction) -> np.ndarray:
        out = np.empty(shape, object)
        out.fill(value)
        return out

    structures = {s for s, _ in leaf.domain.structures}
    if not structures:
        return [constant(Fraction(0)), constant(Fraction(1))]
    if structures & {"simplex", "one_hot"}:
        axis = leaf.domain.axis("simplex")
        k = shape[axis]
        corner = constant(Fraction(0))
        np.moveaxis(corner, axis, -1)[..., 0] = Fraction(1)
        options = [corner, constant(Fraction(1, k))]
        if k > 1:
            half = constant(Fraction(0))
            np.moveaxis(half, axis, -1)[..., :2] = Fraction(1, 2)
            options.append(half)
        return options
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        eye = constant(Fraction(0))
        for i in range(shape[-1]):
            eye[..., i, i] = Fraction(1)
        options = [constant(Fraction(0)), eye]
    return options


# -- searching for a violation ------------------------------------------------------------------------

_SEARCH_BUDGET = 90


def _search(run: _Run) -> Iterable[Point]:
    """Climb from the points nearest to a violation; yields each improved point.

    Along a line through the point the gap is a power series; its quadratic part says how far to go.
    """
    statement = run.statement
    way = 1 if statement.op in ("<=", "<") else -1
    source = run.source
    rng = random.Random(f"{run.seed}:search")
    if not source.leaves:
        return

    def gap(point: Point) -> tuple[float, arb] | None:
        run.searched += 1
        with precision(BITS, statement.cap):
            a, b = np.broadcast_arrays(*statement.sides(Evaluator(point.instance), point))
            best: arb | None = None
            scale = 0.0
            for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True):
                if isinstance(x, Hole) or isinstance(y, Hole):
                    return None
                d = as_ball(x - y).mid() * way
                scale = max(scale, _magnitude(x), _magnitude(y))
                if best is None or d > best:
                    best = d
            if best is None or not best.is_finite():
                return None
            return _real(best) / (scale or 1.0), best

    ranked = sorted(
        ((g[0], k, p, g[1]) for k, p in enumerate(run.points[:40]) if (g := gap(p)) is not None), reverse=True
    )
    for _, _, start, value in ranked[:3]:
        point, best = start, value
        budget = _SEARCH_BUDGET // 3
        while budget > 0:
            budget -= 1
            candidate = _move(run, point, way, rng)
            if candidate is None or not source.admits(candidate.instance):
                continue
            new = gap(candidate)
            if new is not None and new[1] > best:
                point, best = candidate, new[1]
                yield point


def _magnitude(value: Element) -> float:
    return abs(_real(as_ball(value).mid()))


def _real(value: arb) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        return inf


def _move(run: _Run, point: Point, way: int, rng: random.Random) -> Point | None:
    """A nearby point: a quadratic step along a line, or a random change of one entry."""
    leaf = rng.choice(run.source.leaves)
    value = point.instance.values[leaf]
    if leaf.domain.entries.values is not None or not value.size:
        return _random_move(run, point, leaf, rng)
    line = np.empty(value.shape, object)
    line.fill(Fraction(0))
    index = tuple(rng.randrange(k) for k in value.shape)
    line[index] = Fraction(1)
    if leaf.domain.has("simplex"):
        other = list(index)
        axis = leaf.domain.axis("simplex")
        other[axis] = rng.randrange(value.shape[axis])
        line[tuple(other)] -= 1
    elif leaf.domain.has("symmetric"):
        line[(*index[:-2], index[-1], index[-2])] = Fraction(1)
    elif value.size > 1 and rng.random() < 0.3:
        for i in np.ndindex(value.shape):
            line[i] = Fraction(rng.randint(-2, 2))
    step = None
    if not run.statement.changing and run.statement.method == "ball arithmetic" and rng.random() < 0.8:
        step = _newton_step(run.statement, point, leaf, line, way)
    if step is None:
        return _random_move(run, point, leaf, rng)
    new = np.empty(value.shape, object)
    for i in np.ndindex(value.shape):
        v = value[i]
        if not isinstance(v, Fraction):
            return None
        new[i] = v if line[i] == 0 else v + step * line[i]
    return Point(_replaced(point.instance, leaf, new), point.directions)


def _newton_step(
    statement: Statement, point: Point, leaf: Leaf, line: np.ndarray, way: int
) -> Fraction | None:
    lhs, rhs = statement.roots[:2]
    with precision(BITS, 3):
        evaluator = Evaluator(point.instance)
        a, b = np.broadcast_arrays(evaluator.jets(lhs, {leaf: line}, 3), evaluator.jets(rhs, {leaf: line}, 3))
        best: tuple[float, float, float] | None = None
        for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True):
            if isinstance(x, Hole) or isinstance(y, Hole):
                continue
            d = x - y
            c0, c1, c2 = (_real(as_ball(coefficient(d, k)).mid()) * way for k in range(3))
            if best is None or c0 > best[0]:
                best = c0, c1, c2
    if best is None:
        return None
    _, slope, bend = best
    if slope == 0 or slope != slope or abs(slope) == inf:
        return None
    step = -slope / (2 * bend) if bend < 0 else (1.0 if slope > 0 else -1.0)
    if step != step or abs(step) > 1e12 or step == 0:
        return None
    return Fraction(step).limit_denominator(10**15)


def _random_move(run: _Run, point: Point, leaf: Leaf, rng: random.Random) -> Point | None:
    value = point.instance.values[leaf]
    if not value.size:
        return None
    drawer = Drawer(f"{run.seed}:{rng.random()}")
    if leaf.domain.structures:
        drawn = drawer.array(leaf, point.instance.sizes, rng.choice(STRATA))
        return None if drawn is None else Point(_replaced(point.instance, leaf, drawn), point.directions)
    index = tuple(rng.randrange(k) for k in value.shape)
    old = value[index]
    if leaf.domain.entries.values is not None or not isinstance(old, Fraction):
        new = drawer.entry(leaf.domain.entries, "moderate")
    else:
        delta = rng.choice((-1, 1)) * rng.choice((Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(3)))
        new = rng.choice((old * 2, old / 2, old + delta, old + delta * abs(old), -old, Fraction(0)))
        new = new.limit_denominator(10**6) if abs(new) > Fraction(1, 1000) else new
    if new is None or not contains(leaf.domain.entries, new):
        return None
    return Point(_with_entry(point.instance, leaf, index, new), point.directions)


# -- the public judgements ---------------------------------------------------------------------------


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
) -> Verdict:
    """Judge ``lhs op rhs`` in every entry, at exact points of the declared domains.

    ``given`` restricts the points; ``changing`` names the leaves that move where the relation
    speaks of differentials, whose directions are drawn too (at a point where what is
    differentiated has no derivative the relation says nothing, and the point is skipped).
    ``checked``: both sides are defined and related at every decided point, and for an inequality a
    search found no violation.  ``refuted``: an exact point where they provably are not, shrunk.
    ``undecided``: neither, with the reason.  Shapes that do not fit raise `ShapeError`.

    >>> from symderive.language.arrays import array
    >>> from symderive.language.statements import Relation
    >>> x = array("x")
    >>> judge_relation(Relation(((x + 1) ** 2).node, "==", (x**2 + 2*x + 1).node)).status.value
    'checked'
    >>> print(judge_relation(Relation((abs(x)).node, "==", x.node)).counterexample.point)
    x = -1
    """
    _check_shapes(relation.lhs, relation.rhs, "a relation")
    deep = max(depth(relation.lhs), depth(relation.rhs))
    claim = claim or f"{text_of(relation.lhs)} {relation.op} {text_of(relation.rhs)}"
    if deep and not changing:
        return Verdict(
            Status.undecided, claim, reason="the claim is about differentials, but nothing is said to change"
        )
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

    statement = Statement(
        roots=(relation.lhs, relation.rhs),
        op=relation.op,
        claim=claim,
        cap=deep + 1,
        sides=sides,
        changing=tuple(changing) if deep else (),
        method="power series of balls" if deep else "ball arithmetic",
    )
    return _Run(statement, given, seed, bits).run(points)


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

    def factor(sizes: dict[Symbol, int]) -> int:
        count = 2
        for leaf in leaves:
            for k in shape_at(leaf, sizes):
                count *= k
        return count

    names = " ".join(f"d{leaf.name}" for leaf in leaves)
    statement = Statement(
        roots=(node, result, *leaves),
        op="==",
        claim=claim or f"d({text_of(node)}) / {names} == {text_of(result)}",
        cap=order + 1,
        sides=sides,
        skip_undefined_left=True,
        cost_factor=factor,
        method="power series of balls",
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


__all__ = ["Outcome", "Point", "holds", "judge_defined", "judge_derivative", "judge_relation"]
