"""Look for a violation next to points where the two sides of an inequality (nearly) meet, in ball arithmetic.

Floats lose what is left when the sides cancel; here no digit is lost.  Steps of every size lead off from
exact ties, and from the best of them a climb goes on along axes, together, towards equal arguments and
towards simple numbers.  The points that come out are judged like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from flint import arb

from symderive.deadline import tick
from symderive.judgement.balls import Evaluator
from symderive.judgement.elements import Hole, as_ball, precision
from symderive.judgement.examine import Point, Statement
from symderive.judgement.instances import Instance
from symderive.judgement.points import Source
from symderive.language import build
from symderive.language.nodes import Leaf

BITS = 192
TIES = 4
EVALUATIONS = 110
"""For one statement, over all starts."""

FIRST = Fraction(1, 1000)
STEPS = tuple(Fraction(1, 10**k) for k in (2, 4, 6, 9))

Values = dict[Leaf, Fraction]


class Refinement:
    """``points`` yields points that balls put on the wrong side."""

    def __init__(self, statement: Statement, source: Source) -> None:
        self.statement = statement
        self.source = source
        self.way = 1 if statement.op in ("<=", "<") else -1
        self.beside_zero = any(build.is_zero(side) for side in statement.roots[:2])
        self.evaluations = 0

    def points(self, starts: Sequence[Values]) -> Iterator[Point]:
        """Violations found from starts, ties and others."""
        tried: list[tuple[arb, Values]] = []
        for start in starts:
            here = self.gap(start)
            if here is None:
                continue
            if here > 0:
                yield self._point_of(start)
                return
            around = [(here, start)] if not here.contains(0) else list(self._around(start))
            for gap, values in around:
                if gap > 0:
                    yield self._point_of(values)
                    return
            tried += around
        tried.sort(key=lambda t: -float(t[0].mid()))
        for gap, values in tried[:2]:
            found = self._climbed(gap, values)
            if found is not None:
                yield found
                return

    def gap(self, values: Values) -> arb | None:
        """How far the relation is violated, relative to its sides where neither is 0; None off the domain."""
        point = self._point(values)
        if point is None or self.evaluations >= EVALUATIONS:
            return None
        self.evaluations += 1
        tick()
        with precision(BITS):
            left, right = (v[()] for v in self.statement.sides(Evaluator(point.instance), point))
            if isinstance(left, Hole) or isinstance(right, Hole):
                return None
            gap = as_ball(left - right) * self.way
            scale = abs(as_ball(left)) + abs(as_ball(right))
            if not gap.is_finite():
                return None
            return gap if self.beside_zero or not scale > 0 else gap / scale

    def _point(self, values: Values) -> Point | None:
        held: dict[Leaf, np.ndarray] = {}
        for leaf, value in values.items():
            cell = np.empty((), object)
            cell[()] = value
            held[leaf] = cell
        instance: Instance | None = Instance({}, held)
        if self.source.surface is not None:
            instance = self.source.surface.put(Instance({}, held))
        return Point(instance, {}) if instance is not None and self.source.admits(instance) else None

    def _point_of(self, values: Values) -> Point:
        point = self._point(values)
        assert point is not None
        return point

    def _around(self, tie: Values) -> Iterator[tuple[arb, Values]]:
        """Points at steps of every size from a tie."""
        moving = [x for x in tie if not x.domain.entries.integer and x.domain.entries.values is None]
        lines: list[dict[Leaf, int]] = [{x: sign} for x in moving[:3] for sign in (1, -1)]
        lines += [{x: 1, y: -1} for x, y in list(combinations(moving, 2))[:2]]
        for size in STEPS:
            for line in lines:
                values = {x: v + size * line.get(x, 0) * (abs(v) or 1) for x, v in tie.items()}
                gap = self.gap(values)
                if gap is not None and not gap.contains(0):
                    yield gap, values

    def _climbed(self, gap: arb, values: Values) -> Point | None:
        size = FIRST
        for _ in range(30):
            better = None
            for moved in self._moves(values, size):
                found = self.gap(moved)
                if found is not None and found.mid() > (better[0] if better else gap).mid():
                    better = found, moved
                    if found > 0:
                        return self._point(moved)
            if better is None:
                size /= 8
                if size < Fraction(1, 10**12):
                    return None
                continue
            (gap, values), size = better, size * 2
        return None

    def _moves(self, values: Values, size: Fraction) -> Iterator[Values]:
        names = [x for x in values if not x.domain.entries.integer and x.domain.entries.values is None]
        for d in (2, 4):
            simple = {x: values[x].limit_denominator(d) for x in names}
            yield {**values, **{x: simple[x] + (values[x] - simple[x]) / 10 for x in names}}
        for x, y in list(combinations(names, 2))[:3]:
            yield {**values, y: values[x] + (values[y] - values[x]) / 10}
        for sign in (1, -1):
            for x in names[:4]:
                yield {**values, x: values[x] + sign * size * (abs(values[x]) or 1)}
            if len(names) > 1:
                yield {**values, **{x: values[x] + sign * size for x in names}}


def simplest_first(points: Sequence[Values]) -> list[Values]:
    """Points in the order of how simple their numbers are, each once."""
    distinct = {tuple(p.values()): p for p in points}
    return sorted(distinct.values(), key=lambda p: sum(_weight(v) for v in p.values()))


def _weight(value: Any) -> int:
    return value.denominator + abs(value.numerator) // 2


__all__ = ["TIES", "Refinement", "simplest_first"]
