"""Look for a violation of an inequality by climbing from the points that come nearest to one.

Along a line through a point the gap between the two sides is a power series; its quadratic part
says how far to go.  The search proves nothing: the points that it finds are judged like any other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import inf, isfinite

import numpy as np
from flint import arb

from symderive.judgement.balls import Element, Evaluator, Hole, as_ball, coefficient, precision
from symderive.judgement.examine import BITS, BUDGET, Point, Statement
from symderive.judgement.instances import STRATA, Drawer, contains
from symderive.judgement.points import Source, changed_entry, cost, replaced
from symderive.judgement.structures import CURVED, tangent_direction
from symderive.language.nodes import Leaf

EVALUATIONS = 90
STARTS = 3

_ZEROS = frozenset({"diagonal", "lower_triangular", "upper_triangular", "correlation"})
"""Structures that fix entries."""


class Search:
    """One search: ``points()`` yields ever better points, ``evaluations`` counts what it spent."""

    def __init__(self, statement: Statement, source: Source, starts: Sequence[Point], seed: int) -> None:
        self.statement = statement
        self.source = source
        self.starts = starts
        self.seed = seed
        self.way = 1 if statement.op in ("<=", "<") else -1
        self.rng = random.Random(f"{seed}:search")
        self.evaluations = 0

    def points(self) -> Iterator[Point]:
        """Points at which the statement is nearer to false than at the one before."""
        if not self.source.leaves:
            return
        ranked = [
            (gap[0], number, point, gap[1])
            for number, point in enumerate(self.starts[:40])
            if (gap := self._gap(point)) is not None
        ]
        ranked.sort(key=lambda r: (-r[0], r[1]))
        for _, _, start, value in ranked[:STARTS]:
            point, best = start, value
            affordable = min(EVALUATIONS, BUDGET // (1 + cost(self.statement, start.instance.sizes)))
            for _ in range(affordable // STARTS):
                candidate = self._move(point)
                if candidate is None or not self.source.admits(candidate.instance):
                    continue
                gap = self._gap(candidate)
                if gap is not None and gap[1] > best:
                    point, best = candidate, gap[1]
                    yield point

    def _gap(self, point: Point) -> tuple[float, arb] | None:
        """How near the worst entry is to a violation: relative to its size, and absolute."""
        self.evaluations += 1
        with precision(BITS, self.statement.cap):
            a, b = np.broadcast_arrays(*self.statement.sides(Evaluator(point.instance), point))
            best: arb | None = None
            scale = 0.0
            for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True):
                if isinstance(x, Hole) or isinstance(y, Hole):
                    return None
                d = as_ball(x - y).mid() * self.way
                scale = max(scale, _magnitude(x), _magnitude(y))
                if best is None or d > best:
                    best = d
            if best is None or not best.is_finite():
                return None
            return _real(best) / (scale or 1.0), best

    def _move(self, point: Point) -> Point | None:
        """A nearby point: a quadratic step along a line, or a random change of one entry."""
        rng = self.rng
        leaf = rng.choice(self.source.leaves)
        value = point.instance.values[leaf]
        if not value.size:
            return None
        straight = leaf.domain.entries.values is None and not any(leaf.domain.has(s) for s in CURVED)
        if not straight or self.statement.changing or rng.random() < 0.2:
            return self._random_move(point, leaf)
        line = self._line(leaf, value)
        step = self._step(point, leaf, line)
        if step is None or not all(isinstance(v, Fraction) for v in value.reshape(-1)):
            return self._random_move(point, leaf)
        new = np.empty(value.shape, object)
        for i in np.ndindex(value.shape):
            new[i] = value[i] + step * line[i]
        return Point(replaced(point.instance, leaf, new), point.directions)

    def _line(self, leaf: Leaf, value: np.ndarray) -> np.ndarray:
        """A direction that stays inside a simplex, among symmetric matrices or off a triangle's zeros."""
        rng = self.rng
        if {s for s, _ in leaf.domain.structures} & _ZEROS:
            return tangent_direction(leaf, value, rng.random().hex())
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
        return line

    def _step(self, point: Point, leaf: Leaf, line: np.ndarray) -> Fraction | None:
        """How far along the line the quadratic part of the worst entry's gap is largest."""
        lhs, rhs = self.statement.roots[:2]
        best: tuple[float, float, float] | None = None
        with precision(BITS, 3):
            evaluator = Evaluator(point.instance)
            sides = (evaluator.jets(node, {leaf: line}, 3) for node in (lhs, rhs))
            a, b = np.broadcast_arrays(*sides)
            for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True):
                if isinstance(x, Hole) or isinstance(y, Hole):
                    continue
                d = x - y
                parts = [_real(as_ball(coefficient(d, k)).mid()) * self.way for k in range(3)]
                if best is None or parts[0] > best[0]:
                    best = parts[0], parts[1], parts[2]
        if best is None:
            return None
        _, slope, bend = best
        if not (isfinite(slope) and isfinite(bend)) or slope == 0:
            return None
        step = -slope / (2 * bend) if bend < 0 else self.rng.choice((1.0, 0.1)) * (1 if slope > 0 else -1)
        if not isfinite(step) or step == 0 or abs(step) > 1e12:
            return None
        return Fraction(step).limit_denominator(10**15)

    def _random_move(self, point: Point, leaf: Leaf) -> Point | None:
        rng = self.rng
        value = point.instance.values[leaf]
        drawer = Drawer(f"{self.seed}:{rng.random()}")
        entries = leaf.domain.entries.at(point.instance.sizes)
        if leaf.domain.structures:
            drawn = drawer.array(leaf, point.instance.sizes, rng.choice(STRATA))
            return None if drawn is None else Point(replaced(point.instance, leaf, drawn), point.directions)
        index = tuple(rng.randrange(k) for k in value.shape)
        old = value[index]
        if entries.values is not None or not isinstance(old, Fraction):
            new = drawer.entry(entries, "moderate")
        else:
            delta = rng.choice((-1, 1)) * rng.choice((Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(3)))
            new = rng.choice((old * 2, old / 2, old + delta, old + delta * abs(old), -old, Fraction(0)))
            new = new.limit_denominator(10**6) if abs(new) > Fraction(1, 1000) else new
        if new is None or not contains(entries, new):
            return None
        return Point(changed_entry(point.instance, leaf, index, new), point.directions)


def _magnitude(value: Element) -> float:
    return abs(_real(as_ball(value).mid()))


def _real(value: arb) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        return inf
