"""Rigorous covers: an inequality between scalars, shown on every box of a bounded domain.

``f = larger side - smaller side`` is enclosed in ball arithmetic over boxes that together hold the domain.  A box is
settled where

* its enclosure, or the mean-value form ``f(c) + Σ ∂f(box)·(x - c)``, is >= 0 (> 0 for a strict relation);
* a slope keeps one sign on it, and the face from which f grows is settled;
* f vanishes at a point of it, exactly, with a slope that leads inwards or is 0, and the Hessian is positive
  semidefinite on the whole box (Taylor's formula with the remainder of Lagrange);
* what is given fails at each of its points.

Where the sides touch on a face, the slope off that face is asked the same question, and so on up to some order: then
the values that have to vanish are decided exactly (`closed_forms`).  Other boxes are cut where f varies most.  A box
on which an enclosure fails is cut too, so that both sides are shown to be defined wherever the cover stands.

Sources: R. Moore, R. Kearfott, M. Cloud, Introduction to Interval Analysis, SIAM 2009, ch. 6; E. Hansen, G. Walster,
Global Optimization Using Interval Analysis, 2004, ch. 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations, product
from typing import final

import numpy as np
from flint import arb, fmpq
from sympy import Expr, Integer, Rational, ceiling, floor

from symderive.judgement.closed_forms import NoClosedForm, closed, constant, unknown
from symderive.judgement.elements import precision
from symderive.judgement.taylor import Balls, Exact, Gap, Powers, Taylor, expanded
from symderive.language import build
from symderive.language.nodes import ONE, Contraction, Leaf, Map, Named, Node, Number, Sum
from symderive.language.statements import Relation

BITS = 96
VARIABLES = 3
"""More variables than this are not covered."""

WORK = 300_000
"""How much a cover may cost: nodes times coefficients, over all enclosures."""

DEEPEST = 40
"""How often a box is cut, at most."""

ORDER = 7
"""The highest slope that is asked where the sides touch."""

TRIES = {1: 7, 2: 3, 3: 3}
"""How many slopes and faces are gone through in turn, by the number of variables."""

EFFORT = {1: 20_000, 2: 4_000, 3: 6_000}
"""How much a single box may cost where the sides may touch, by the number of variables; then it is cut."""

CASES = 64
"""How many values integers may take together."""

_KINKS = frozenset(("abs", "sign", "maximum", "minimum", "lt", "le"))

End = Fraction | Expr
Span = tuple[End, End]


class _NoCover(Exception):
    """No cover was found within the bounds, or there can be none."""


class _Enough(Exception):
    """A box has cost enough."""


@final
@dataclass(frozen=True)
class Cover:
    """A cover: how many boxes, how many of them needed the slopes where the sides touch, the widths, the bits."""

    boxes: int
    touching: int
    widest: float
    narrowest: float
    bits: int = BITS

    def __str__(self) -> str:
        return (
            f"holds on the whole domain: {self.boxes} boxes, {self.narrowest:.3g} to {self.widest:.3g} wide, "
            f"{self.touching} of them by slopes where the sides touch, {self.bits} bits"
        )


@final
@dataclass(frozen=True)
class _Box:
    """A product of intervals between exact numbers; ``open_`` has the sides (variable, 0 or 1) that do not belong."""

    spans: tuple[Span, ...]
    open_: frozenset[tuple[int, int]] = frozenset()
    depth: int = 0

    @property
    def moving(self) -> tuple[int, ...]:
        """The variables that have a width."""
        return tuple(k for k, (low, high) in enumerate(self.spans) if low != high)

    def balls(self) -> list[arb]:
        """A ball for each variable."""
        return [_hull(*span) for span in self.spans]

    def exact(self) -> list[tuple[Fraction, Fraction] | None]:
        """The ends of each variable that are rational."""
        return [(a, b) if isinstance(a, Fraction) and isinstance(b, Fraction) else None for a, b in self.spans]

    def face(self, k: int, side: int) -> _Box:
        """The face where a variable is at its lower (0) or upper (1) end."""
        end = self.spans[k][side]
        spans = (*self.spans[:k], (end, end), *self.spans[k + 1 :])
        return replace(self, spans=spans, open_=frozenset(s for s in self.open_ if s[0] != k))

    def cut(self, k: int, place: Fraction) -> tuple[_Box, _Box]:
        """Two boxes on both sides of a place."""
        low, high = self.spans[k]

        def part(span: Span, gone: int) -> _Box:
            spans = (*self.spans[:k], span, *self.spans[k + 1 :])
            return _Box(spans, self.open_ - {(k, gone)}, self.depth + 1)

        return part((low, place), 1), part((place, high), 0)


def _ball(end: End) -> arb:
    if isinstance(end, Fraction):
        return arb(fmpq(end.numerator, end.denominator))
    return Balls().number(end)


def _hull(low: End, high: End) -> arb:
    if low is high or low == high:
        return _ball(low)
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return arb(_ball((low + high) / 2), _ball((high - low) / 2))
    return _ball(low).union(_ball(high))


def _middle(span: Span) -> Fraction:
    low, high = span
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return (low + high) / 2
    return Fraction((float(low) + float(high)) / 2).limit_denominator(1 << 20)


def _width(span: Span) -> float:
    return float(span[1]) - float(span[0])


# -- the claim -----------------------------------------------------------------------------------


def _affine(node: Node) -> dict[Leaf | None, Fraction] | None:
    """The coefficients of a sum of leaves with rational weights (None: the constant); None for anything else."""
    match node:
        case Leaf():
            return {node: Fraction(1)}
        case Number() if isinstance(node.value, Rational):
            return {None: Fraction(int(node.value.p), int(node.value.q))}
        case Named():
            return _affine(node.body)
        case Sum():
            parts: list[tuple[Expr, Node]] = list(node.terms)
        case Contraction() if len(node.factors) == 1 and not node.label_dims:
            parts = [(node.coefficient, node.factors[0][0])]
        case _:
            return None
    total: dict[Leaf | None, Fraction] = {}
    for weight, term in parts:
        inner = _affine(term)
        if inner is None or not isinstance(weight, Rational):
            return None
        for key, c in inner.items():
            total[key] = total.get(key, Fraction(0)) + c * Fraction(int(weight.p), int(weight.q))
    return total


def _gap(relation: Relation) -> Node:
    """What is >= 0 (or > 0, or 0) where the relation holds."""
    up = relation.op not in ("<", "<=")
    big, small = (relation.lhs, relation.rhs) if up else (relation.rhs, relation.lhs)
    return build.add([(ONE, big), (-ONE, small)], ())


def _without_equality(goal: Node, given: Sequence[Relation]) -> tuple[Node, tuple[Relation, ...]]:
    """The goal and what is given, with the given linear equalities solved for a variable each."""
    rest = list(given)
    while True:
        for relation in rest:
            weights = _affine(_gap(relation)) if relation.op == "==" else None
            solvable = [x for x in weights or () if x is not None and (weights or {})[x]]
            if weights is None or not solvable:
                continue
            leaf = max(solvable, key=lambda x: x.name)
            c = weights[leaf]
            terms = [
                (_number(-w / c), x if x is not None else Number(ONE)) for x, w in weights.items() if x is not leaf
            ]
            value = build.add(terms, ())
            entries = leaf.domain.entries
            bounds = []
            if entries.low.is_finite:
                bounds.append(Relation(leaf, ">" if entries.low_open else ">=", Number(entries.low)))
            if entries.high.is_finite:
                bounds.append(Relation(leaf, "<" if entries.high_open else "<=", Number(entries.high)))
            put = {leaf: value}
            rest = [
                Relation(build.substitute(r.lhs, put), r.op, build.substitute(r.rhs, put))
                for r in (*(r for r in rest if r is not relation), *bounds)
            ]
            goal = build.substitute(goal, put)
            break
        else:
            return goal, tuple(rest)


def _number(value: Fraction) -> Expr:
    return Rational(value.numerator, value.denominator)


def _exact(end: Expr) -> End:
    return Fraction(int(end.p), int(end.q)) if isinstance(end, Rational) else end


def _domain(leaves: Sequence[Leaf]) -> Iterator[_Box]:
    """The boxes of the domain, one for each combination of the integers; raises `_NoCover` where it is unbounded."""
    choices: list[list[tuple[Span, frozenset[int]]]] = []
    for leaf in leaves:
        entries = leaf.domain.entries
        if entries.values is not None:
            choices.append([((_exact(v), _exact(v)), frozenset()) for v in entries.values if entries.contains(v)])
            continue
        if leaf.domain.structures or entries.symbols or not (entries.low.is_finite and entries.high.is_finite):
            raise _NoCover("the domain is not bounded")
        if entries.integer:
            every = range(int(ceiling(entries.low)), int(floor(entries.high)) + 1)
            if len(every) > CASES:
                raise _NoCover("too many integers")
            choices.append([((Fraction(k), Fraction(k)), frozenset()) for k in every if entries.contains(Integer(k))])
            continue
        sides = frozenset(s for s, open_ in ((0, entries.low_open), (1, entries.high_open)) if open_)
        choices.append([((_exact(entries.low), _exact(entries.high)), sides)])
    size = 1
    for some in choices:
        size *= len(some)
    if not 0 < size <= CASES:
        raise _NoCover("too many cases")
    for case in product(*choices):
        open_ = frozenset((k, s) for k, (_, sides) in enumerate(case) for s in sides)
        yield _Box(tuple(span for span, _ in case), open_)


# -- the cover -----------------------------------------------------------------------------------


@final
class _Coverer:
    """Covers the domain of one goal."""

    def __init__(self, goal: Node, strict: bool, given: Sequence[Relation], leaves: Sequence[Leaf]) -> None:
        self.goal = goal
        self.strict = strict
        self.given = [(_gap(r), r.op) for r in given]
        self.leaves = tuple(leaves)
        self.cost = sum(1 for _ in goal.walk())
        self.work = WORK
        self.least = 0
        self.touching = 0

    def _spend(self, order: int) -> None:
        n = len(self.leaves)
        count = 1
        for k in range(order):
            count = count * (n + k + 1) // (k + 1)
        self.work -= self.cost * count
        if self.work < 0:
            raise _NoCover(f"{WORK} units of work are spent")
        if self.work < self.least:
            raise _Enough

    def over(self, box: _Box, order: int) -> Taylor:
        """The goal's coefficients over a box."""
        self._spend(order)
        return expanded(self.goal, self.leaves, box.balls(), order, Balls(), box.exact())

    def near(self, place: Sequence[End], order: int) -> Taylor:
        """The goal's coefficients at a point, in balls."""
        self._spend(order)
        return expanded(self.goal, self.leaves, [_ball(x) for x in place], order, Balls())

    def exactly(self, place: Sequence[End], powers: Powers) -> int:
        """The sign of a coefficient at an exact point; raises `Gap` where it is not known."""
        self._spend(sum(powers))
        try:
            values = [closed(x) if isinstance(x, Fraction) else constant(x) for x in place]
            return closed(expanded(self.goal, self.leaves, values, sum(powers), Exact()).at(powers)).decided()
        except NoClosedForm as error:
            raise Gap(str(error)) from error

    # -- one box -----------------------------------------------------------------------------

    def excluded(self, box: _Box) -> bool:
        """Whether something given fails on the whole box."""
        for gap, op in self.given:
            try:
                made = expanded(gap, self.leaves, box.balls(), 0, Balls(), box.exact())
            except Gap:
                continue
            value, sign = made.lead, made.sign_of_value()
            if value < 0 or (op == "==" and value > 0) or (op in ("<", ">") and sign in (0, -1)):
                return True
            if op == "!=" and sign == 0:
                return True
        return False

    def holds(self, powers: Powers, sign: int, box: _Box, strict: bool, tries: int) -> bool:
        """Whether sign·D^powers goal is >= 0 on a box (> 0 off its open faces), without cutting it.

        ``tries`` bounds how many slopes are asked where the sides touch.
        """
        order = sum(powers)
        if not box.moving:
            return self._at_point(powers, sign, box, strict)
        try:
            over = self.over(box, order + 1)
        except Gap:
            over = None
        if over is None:
            try:
                value = sign * self.over(box, order).at(powers)
            except Gap:
                return False
            return bool(value > 0 or (value >= 0 and not strict))
        value = sign * over.at(powers)
        if value > 0 or (value >= 0 and not strict):
            return True
        if value < 0:
            return False
        slopes = {k: sign * _slope(over, powers, k) for k in box.moving}
        middle = self._in_the_middle(powers, sign, box)
        if middle is not None:
            if middle < 0:
                return False
            for k, steep in slopes.items():
                middle = middle + steep * (_hull(*box.spans[k]) - _ball(_middle(box.spans[k])))
            if middle > 0 or (middle >= 0 and not strict) or self._by_bends(powers, sign, box, strict):
                return True
        for k, steep in slopes.items():
            for side, rises in ((0, steep), (1, -steep)):
                off = strict and (k, side) in box.open_
                if (rises > 0 or (rises >= 0 and not off)) and self.holds(
                    powers, sign, box.face(k, side), strict and not off, tries
                ):
                    return True
        if not tries or self._below_at_a_corner(powers, sign, box):
            return False
        return self._from_inside(powers, sign, box, strict, tries) or self._from_faces(powers, sign, box, strict, tries)

    def _at_point(self, powers: Powers, sign: int, box: _Box, strict: bool) -> bool:
        try:
            self._spend(sum(powers))
            value = sign * expanded(self.goal, self.leaves, box.balls(), sum(powers), Balls(), box.exact()).at(powers)
            if value > 0 or value < 0:
                return bool(value > 0)
            found = sign * self.exactly([low for low, _ in box.spans], powers)
        except Gap:
            return False
        return found > 0 or (found == 0 and not strict)

    def _in_the_middle(self, powers: Powers, sign: int, box: _Box) -> arb | None:
        """The value in the middle of a box, if there is one."""
        place = [_middle(span) if span[0] != span[1] else span[0] for span in box.spans]
        try:
            return sign * self.near(place, sum(powers)).at(powers)
        except Gap:
            return None

    def _by_bends(self, powers: Powers, sign: int, box: _Box, strict: bool) -> bool:
        """Taylor's formula about the middle, with the second derivatives over the box."""
        place = [_middle(span) if span[0] != span[1] else span[0] for span in box.spans]
        try:
            centre, over = self.near(place, sum(powers) + 1), self.over(box, sum(powers) + 2)
        except Gap:
            return False
        total = centre.at(powers)
        steps = {k: _hull(*box.spans[k]) - _ball(place[k]) for k in box.moving}
        for k, step in steps.items():
            total = total + _slope(centre, powers, k) * step
            for m, other in steps.items():
                if m < k:
                    total = total + _bend(over, powers, k, m) * step * other
            square = arb(0).union((step * step).upper())
            total = total + _bend(over, powers, k, k) * square / 2
        return bool(sign * total > 0 or (sign * total >= 0 and not strict))

    def _below_at_a_corner(self, powers: Powers, sign: int, box: _Box) -> bool:
        """Whether a value at a corner is < 0: then slopes need not be asked."""
        for place in product(*(dict.fromkeys(span) for span in box.spans)):
            with suppress(Gap):
                if sign * self.near(place, sum(powers)).at(powers) < 0:
                    return True
        return False

    def _from_faces(self, powers: Powers, sign: int, box: _Box, strict: bool, tries: int) -> bool:
        """Slopes off the faces, asked the same question, where the sides touch on a face."""
        if sum(powers) >= ORDER:
            return False
        for k in box.moving:
            steeper = tuple(p + (i == k) for i, p in enumerate(powers))
            for side, way in ((0, 1), (1, -1)):
                off = strict and (k, side) in box.open_
                if self.holds(powers, sign, box.face(k, side), strict and not off, tries - 1) and self.holds(
                    steeper, sign * way, box, off, tries - 1
                ):
                    return True
        return False

    def _from_inside(self, powers: Powers, sign: int, box: _Box, strict: bool, tries: int) -> bool:
        """A point inside, or on an edge, where the sides touch."""
        if strict:
            return False
        moving = box.moving
        if len(moving) > 1 and any(self._valley(powers, sign, box, *pair) for pair in permutations(moving, 2)):
            return True
        for place in self._candidates(powers, sign, box):
            if len(moving) == 1:
                (k,) = moving
                low, high = box.spans[k]
                if not float(low) < float(place[k]) < float(high):
                    continue
                halves = box.cut(k, place[k])  # type: ignore[arg-type]
                if all(self.holds(powers, sign, half, False, tries - 1) for half in halves):
                    return True
            elif not any(powers) and self._bowl(box, place):
                return True
        return False

    def _valley(self, powers: Powers, sign: int, box: _Box, k: int, m: int) -> bool:
        """Along x_m = x_k the sides touch, or stay apart, with no slope by x_m; on the box f curves up by x_m.

        The box is widened so that it has the point (x_k, x_k) of each of its points; the exact values on the line are
        those for a number of which nothing is known but that it lies in the span.
        """
        (a, b), (c, d) = box.spans[k], box.spans[m]
        if not all(isinstance(end, Fraction) for end in (a, b, c, d)):
            return False
        span = (min(a, c), max(b, d))  # type: ignore[type-var]
        if _width(span) > 3 * max(_width((a, b)), _width((c, d))):
            return False  # the line is far from the box
        wide = replace(box, spans=tuple(span if i in (k, m) else s for i, s in enumerate(box.spans)))
        try:
            values = [unknown(str(i), ball) for i, ball in enumerate(wide.balls())]
            values[m] = values[k]
            for extra in range(2, ORDER, 2):
                at = tuple(p + extra * (i == m) for i, p in enumerate(powers))
                below = [tuple(p + j * (i == m) for i, p in enumerate(powers)) for j in (extra - 2, extra - 1)]
                self._spend(sum(at))
                line = expanded(self.goal, self.leaves, values, sum(at) - 1, Exact())
                level, slope = (sign * closed(line.at(p)).decided() for p in below)
                if slope or level < 0 or (level and extra > 2):
                    return False
                value = sign * self.over(wide, sum(at)).at(at)
                if value >= 0:
                    return True
        except (Gap, NoClosedForm):
            return False
        return False

    def _candidates(self, powers: Powers, sign: int, box: _Box) -> Iterator[list[End]]:
        """Simple points of a box near which Newton's method finds no slope, and the value may be 0."""
        place = [_middle(span) if span[0] != span[1] else span[0] for span in box.spans]
        moving = box.moving
        try:
            for _ in range(4):
                made = self.near(place, sum(powers) + 2)
                steep = np.array([float(_slope(made, powers, k).mid()) for k in moving])
                bend = np.array([[float(_bend(made, powers, k, m).mid()) for m in moving] for k in moving])
                step = np.linalg.lstsq(bend, -steep, rcond=None)[0]
                for k, move in zip(moving, step, strict=True):
                    low, high = (float(e) for e in box.spans[k])
                    place[k] = Fraction(min(max(float(place[k]) + float(move), low), high)).limit_denominator(1 << 40)
        except (Gap, ValueError, np.linalg.LinAlgError):
            return
        for digits in (16, 1000):
            near: list[End] = []
            for k, x in enumerate(place):
                low, high = box.spans[k]
                if k in moving and isinstance(x, Fraction):
                    x = next((e for e in (low, high) if abs(float(e) - float(x)) < 1e-9), x.limit_denominator(digits))
                near.append(x)
            if all(float(low) <= float(x) <= float(high) for x, (low, high) in zip(near, box.spans, strict=True)):
                yield near

    def _bowl(self, box: _Box, place: list[End]) -> bool:
        """f(c) = 0, no slope at c leads down into the box, and the Hessian is >= 0 on all of it."""
        none = (0,) * len(self.leaves)
        try:
            if self.exactly(place, none) < 0:
                return False
            for k in box.moving:
                inward = self.exactly(place, tuple(int(i == k) for i in range(len(self.leaves))))
                low, high = box.spans[k]
                if inward and not (inward > 0 and place[k] == low) and not (inward < 0 and place[k] == high):
                    return False
            over = self.over(box, 2)
        except Gap:
            return False
        return _semidefinite([[_bend(over, none, k, m) for m in box.moving] for k in box.moving])

    # -- all boxes ---------------------------------------------------------------------------

    def cover(self, domain: Iterator[_Box]) -> Cover:
        """Settles every box, or raises `_NoCover`."""
        waiting = [part for box in domain for part in self._cut_at_kinks(box)]
        none = (0,) * len(self.leaves)
        for box in waiting:
            for place in product(*(dict.fromkeys(span) for span in box.spans)):
                self._finite(_Box(tuple((x, x) for x in place)))
        count = 0
        widths: list[float] = []
        while waiting:
            box = waiting.pop()
            if self.given and self.excluded(box):
                continue
            plain = self.holds(none, 1, box, self.strict, 0)
            if plain or (box.depth % (len(box.moving) or 1) == 0 and self._touching(box)):
                count += 1
                self.touching += not plain
                widths.append(max(_width(span) for span in box.spans))
                continue
            if not box.moving or box.depth >= DEEPEST:
                raise _NoCover(f"the sides cannot be told apart near {self._named(box)}")
            k = self._steepest(box)
            waiting += reversed(box.cut(k, _middle(box.spans[k])))
        if not count:
            raise _NoCover("what is given holds nowhere")
        return Cover(count, self.touching, max(widths), min(widths))

    def _cut_at_kinks(self, box: _Box) -> list[_Box]:
        """A box cut where |.|, max, min or a mask of one variable changes its formula."""
        boxes = [box]
        for k, place in sorted(self._kinks()):
            for part in list(boxes):
                if float(part.spans[k][0]) < place < float(part.spans[k][1]):
                    boxes.remove(part)
                    boxes += part.cut(k, place)
        return boxes

    def _kinks(self) -> set[tuple[int, Fraction]]:
        found: set[tuple[int, Fraction]] = set()
        for node in self.goal.walk():
            if not isinstance(node, Map) or node.function not in _KINKS:
                continue
            terms = [(weight, argument) for weight, argument in zip((ONE, -ONE), node.arguments, strict=False)]
            weights = _affine(build.add(terms, ()))
            moving = [leaf for leaf, c in (weights or {}).items() if leaf is not None and c]
            if weights is not None and len(moving) == 1:
                found.add((self.leaves.index(moving[0]), -weights.get(None, Fraction(0)) / weights[moving[0]]))
        return found

    def _finite(self, corner: _Box) -> None:
        """Raises where the goal has no value at a corner: then no box there ever has."""
        if self.given and self.excluded(corner):
            return
        try:
            self.over(corner, 0)
        except Gap as gap:
            raise _NoCover(f"{gap} at {self._named(corner)}") from gap

    def _touching(self, box: _Box) -> bool:
        """Whether a box is settled by slopes, at bounded cost."""
        self.least = self.work - EFFORT[len(self.leaves)]
        try:
            return self.holds((0,) * len(self.leaves), 1, box, self.strict, TRIES[len(self.leaves)])
        except _Enough:
            return False
        finally:
            self.least = 0

    def _steepest(self, box: _Box) -> int:
        """The variable along which the goal varies most over a box."""
        try:
            over = self.over(box, 1)
        except Gap:
            return max(box.moving, key=lambda k: _width(box.spans[k]))
        none = (0,) * len(self.leaves)
        return max(box.moving, key=lambda k: float(abs(_slope(over, none, k)).upper()) * _width(box.spans[k]))

    def _named(self, box: _Box) -> str:
        return ", ".join(
            f"{leaf.name} = {float(_middle(span)):.6g}" for leaf, span in zip(self.leaves, box.spans, strict=True)
        )


def _slope(made: Taylor, powers: Powers, k: int) -> arb:
    """The derivative by a variable of a coefficient."""
    return made.at(tuple(p + (i == k) for i, p in enumerate(powers))) * (powers[k] + 1)


def _bend(made: Taylor, powers: Powers, k: int, m: int) -> arb:
    """The second derivative of a coefficient."""
    up = tuple(p + (i == k) for i, p in enumerate(powers))
    return _slope(made, up, m) * (powers[k] + 1)


def _semidefinite(matrix: list[list[arb]]) -> bool:
    """Whether every symmetric matrix within the balls is positive definite: pivots > 0."""
    rest = [list(row) for row in matrix]
    for k, row in enumerate(rest):
        if not row[k] > 0:
            return False
        for other in rest[k + 1 :]:
            factor = other[k] / row[k]
            other[:] = [x - factor * y for x, y in zip(other, row, strict=True)]
    return True


def cover(relation: Relation, given: Sequence[Relation] = ()) -> Cover | str:
    """A rigorous cover of a relation between scalars over a bounded domain, or why there is none.

    ``relation`` is one of <=, <, >=, > between scalars of at most `VARIABLES` variables, which range over bounded
    intervals, few integers or few values; what is ``given`` cuts the domain, and linear equations eliminate
    variables.  At an open end the closure is covered; there a strict relation may be an equality.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x", domain=sd.interval(-1, 1, closed="both"))
    >>> print(cover(Relation(np.cos(x).node, ">=", (1 - x**2 / 2).node)))
    holds on the whole domain: 1 boxes, 2 to 2 wide, 1 of them by slopes where the sides touch, 96 bits
    """
    try:
        with precision(BITS):
            return _cover(relation, given)
    except _NoCover as reason:
        return str(reason)


def _cover(relation: Relation, given: Sequence[Relation]) -> Cover:
    if relation.op not in ("<=", "<", ">=", ">") or relation.lhs.shape or relation.rhs.shape:
        raise _NoCover("only inequalities between scalars are covered")
    goal, rest = _without_equality(_gap(relation), given)
    # what is given may bound a variable that the relation does not have, and then says something of the others
    leaves = tuple(dict.fromkeys(leaf for node in (goal, *map(_gap, rest)) for leaf in node.leaves()))
    if not 0 < len(leaves) <= VARIABLES or any(leaf.shape for leaf in leaves):
        raise _NoCover(f"covers have 1 to {VARIABLES} scalar variables, this has {len(leaves)}")
    return _Coverer(goal, relation.op in ("<", ">"), rest, leaves).cover(_domain(leaves))


__all__ = ["Cover", "cover"]
