"""Look for a point at which a relation between scalars fails: thousands of points in floating point,
then a search uphill from the most promising ones, then exact points near the best.

Nothing is decided here: floats only say where to look, and every exact point that comes out is judged
like any other.  The strata are those that ordinary random points miss: tails and edges by exponent,
equal and nearly equal arguments, reciprocals and complements, simple numbers and their combinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb
from sympy import Dummy, E, Expr, Integer, Mul, Poly, Rational, cbrt, exp, fraction, log, pi, sqrt, together

from symderive.deadline import tick
from symderive.errors import UnsupportedError
from symderive.judgement.examine import STRICT, Point, Statement
from symderive.judgement.floats import Floats
from symderive.judgement.instances import Instance
from symderive.judgement.points import Source
from symderive.judgement.refine import TIES, Values, simplest_first
from symderive.judgement.surfaces import rational_form
from symderive.language import build
from symderive.language.nodes import Leaf, Map, Node, Number, Sum

SAMPLES = 640
PARENTS = 24
CHILDREN = 16
ROUNDS = 26
CLEAR = 1e-7
"""A relative gap that rounding does not make."""

NOISE = 4e-15
"""Rounding errors, relative to the terms of a sum."""

NEAR = 1e-6
"""How near a climb comes to where two sides cross."""

VISIBLE = 1e-4
"""A relative gap that no cancellation inside a formula makes."""

FAR = 24
"""Points for each variable that are as far out as floats go."""

MOST_DEGREE = 24
"""Roots of polynomials of a higher degree are not looked between."""

BEYOND = (10**1000, 10**4000)
SLOW = frozenset((
    "log", "log1p", "log2", "log10", "logaddexp", "power", "sqrt", "cbrt", "abs", "maximum", "minimum", "sign",
    "arcsinh", "arctan", "tanh", "expit", "exp", "expm1",
))  # fmt: skip
"""Sizes beyond floats (Python prints integers of 4300 digits, and no longer ones), and functions for them.

These are what balls enclose there at once.
"""

FARTHEST = tuple(exp(exp(Integer(k))) for k in (12, 25, 400))
"""Sizes that no integer reaches: their logarithms are 1e5, 7e10 and 5e173."""

SHOWN = 10
"""How many exact points are handed out to be judged."""

_SIMPLE = (0, 1, 2, 1 / 2, -1, 3, 1 / 3, 1 / 4, -2, 2 / 3, 3 / 4, -1 / 2, 4, 5, 1 / 5, 10, 1 / 10)
_DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 100, 10**4, 10**6, 10**9)
_IRRATIONAL: tuple[tuple[Expr, float], ...] = tuple(
    (c, float(c))
    for c in (pi, E, 1 / E, exp(2), exp(Rational(1, 2)), exp(-Rational(1, 2)), log(2), log(3), sqrt(2), sqrt(3),
              sqrt(5), sqrt(pi), 1 / pi, cbrt(2), cbrt(3), log(1 + sqrt(2)))
)  # fmt: skip

Columns = dict[Leaf, np.ndarray]


class Hunt:
    """One hunt; `points` yields exact points, the likeliest to refute first.

    Raises `UnsupportedError` where the statement is not a relation between formulas of scalars.
    """

    def __init__(self, statement: Statement, source: Source, seed: int) -> None:
        if statement.cap != 1 or statement.op == "defined" or not source.leaves:
            raise UnsupportedError("only relations between formulas of scalars are hunted")
        self.op = statement.op
        self.source = source
        self.leaves: tuple[Leaf, ...] = source.leaves
        self.rng = np.random.default_rng(seed + 1)
        self.sides = statement.roots[:2]
        self.form = Floats(self.sides)
        self.constants = _constants(statement.roots)
        self.beside_zero = any(build.is_zero(side) for side in statement.roots[:2])
        self.given = [(r.op, Floats([r.lhs, r.rhs])) for r in source.given]
        self.ends = {leaf: _ends(leaf) for leaf in self.leaves}
        self.evaluations = 0
        self.seen: list[tuple[Columns, np.ndarray]] = []

    # -- how near ----------------------------------------------------------------------------

    def score(self, points: Columns) -> np.ndarray:
        """How near each point is to refuting: > 0 refutes, 0 is too near to tell, -inf is no point, nan no value."""
        tick()
        self.evaluations += len(next(iter(points.values())))
        left, right = self.form(points)
        with np.errstate(all="ignore"):
            gap = left - right
            terms = self.form.sizes[0] + self.form.sizes[1]
            scale = terms if self.beside_zero else np.abs(left) + np.abs(right)
            relative = np.where(np.abs(gap) <= NOISE * terms, 0.0, gap / np.where(scale == 0, 1.0, scale))
            relative = np.where(np.isfinite(terms), relative, np.nan)
        match self.op:
            case "<=" | "<":
                found = relative
            case ">=" | ">":
                found = -relative
            case "==":
                found = np.abs(relative)
            case _:
                found = -np.abs(relative)
        return np.where(self.admitted(points), found, -np.inf)

    def admitted(self, points: Columns) -> np.ndarray:
        """Which points lie in the domains and satisfy what is given, as far as floats tell."""
        good = np.ones(len(next(iter(points.values()))), bool)
        for leaf, column in points.items():
            low, high, entries = self.ends[leaf]
            good &= np.isfinite(column)
            good &= (column > low) if entries.low_open else (column >= low)
            good &= (column < high) if entries.high_open else (column <= high)
            if entries.nonzero:
                good &= column != 0
        for op, form in self.given:
            left, right = form(points)
            with np.errstate(all="ignore"):
                match op:
                    case "==":
                        good &= np.abs(left - right) <= 1e-9 * (np.abs(left) + np.abs(right) + 1e-12)
                    case "!=":
                        good &= left != right
                    case "<=" | "<":
                        good &= left < right if op == "<" else left <= right
                    case _:
                        good &= left > right if op == ">" else left >= right
        return good

    def moved(self, points: Columns) -> Columns:
        """Points put on the surface of the given equations, and on the integers."""
        rounded = {
            leaf: np.rint(c) if leaf.domain.entries.integer else _chosen(leaf, c) for leaf, c in points.items()
        }
        if self.source.surface is None:
            return rounded
        with np.errstate(all="ignore"):
            found = self.source.surface.moved(rounded, float)
            return {leaf: np.asarray(found[leaf], float) + 0.0 * rounded[leaf] for leaf in rounded}

    def violates(self, lhs: Node, rhs: Node, points: Columns) -> bool:
        """Whether floats see the relation clearly fail between two other sides at one of some points."""
        form, self.form = self.form, Floats([lhs, rhs])
        try:
            score = self.score(points)
            left, right = self.form(points)
            with np.errstate(all="ignore"):
                gap = np.abs(left - right)
                plain = (gap > 1e-12) & (gap > 1e-6 * (self.form.sizes[0] + self.form.sizes[1]))
            return bool(np.any((score > VISIBLE) & plain))
        finally:
            self.form = form

    # -- where to look -------------------------------------------------------------------------

    def samples(self) -> Columns:
        """Points of every stratum."""
        leaves = self.leaves
        blocks: list[Columns] = []
        count = SAMPLES // 8
        blocks.append({x: self._moderate(x, 2 * count) for x in leaves})
        blocks.append({x: self._mixed(x, 2 * count) for x in leaves})
        blocks.append({x: self._simple(x, 2 * count) for x in leaves})
        for one in leaves:
            size = max(count // len(leaves), 8)
            blocks.append({x: self._mixed(x, size) if x is one else self._moderate(x, size) for x in leaves})
            blocks.append({x: self._far(x, FAR) if x is one else self._moderate(x, FAR) for x in leaves})
        if len(leaves) > 1:
            blocks += self._tied(count)
        return self.moved({x: np.concatenate([b[x] for b in blocks]) for x in leaves})

    def _moderate(self, leaf: Leaf, n: int) -> np.ndarray:
        rng = self.rng
        low, high, entries = self.ends[leaf]
        if entries.integer:
            base = rng.integers(0, 9, n)
            return low + base if np.isfinite(low) else high - base if np.isfinite(high) else base - 4.0
        if np.isfinite(low) and np.isfinite(high):
            return low + (high - low) * rng.random(n)
        size = np.exp(rng.normal(0.0, 1.0, n))
        if np.isfinite(low):
            return low + size
        return high - size if np.isfinite(high) else rng.normal(0.0, 2.0, n)

    def _mixed(self, leaf: Leaf, n: int) -> np.ndarray:
        """Tails and edges by exponent."""
        rng = self.rng
        low, high, entries = self.ends[leaf]
        size = 10.0 ** rng.uniform(-14.0, 14.0, n) if rng.random() < 0.5 else 10.0 ** rng.uniform(-5.0, 5.0, n)
        if entries.integer:
            size = np.rint(10.0 ** rng.uniform(0.0, 6.0, n))
        if np.isfinite(low) and np.isfinite(high):
            gap = (high - low) * np.minimum(10.0 ** rng.uniform(-16.0, -0.3, n), 0.5)
            return np.where(rng.random(n) < 0.5, low + gap, high - gap)
        if np.isfinite(low):
            return low + size
        return high - size if np.isfinite(high) else size * rng.choice((-1.0, 1.0), n)

    def _far(self, leaf: Leaf, n: int) -> np.ndarray:
        """As far out, or as near to an end at 0, as floats go: logarithms grow slowly."""
        rng = self.rng
        low, high, entries = self.ends[leaf]
        size = 10.0 ** rng.uniform(14.0, 300.0, n)
        if entries.integer or (np.isfinite(low) and np.isfinite(high) and low * high != 0):
            return self._mixed(leaf, n)
        if np.isfinite(low) and np.isfinite(high):
            return 1.0 / size if low == 0 else -1.0 / size
        if np.isfinite(low):
            return low + np.where(rng.random(n) < 0.5, size, 1.0 / size)
        return high - size if np.isfinite(high) else size * rng.choice((-1.0, 1.0), n)

    def _simple(self, leaf: Leaf, n: int) -> np.ndarray:
        """Simple numbers, the ends of the domain and its middle."""
        low, high, _ = self.ends[leaf]
        options = [float(v) for v in _SIMPLE]
        options += [v for v in (low, high) if np.isfinite(v)]
        if np.isfinite(low):
            options += [low + v for v in (1.0, 0.5, 2.0)]
        if np.isfinite(low) and np.isfinite(high):
            options.append((low + high) / 2)
        options += self.constants
        inside = [v for v in options if low <= v <= high]
        if len(self.leaves) == 1:
            irrational = [k * value for _, value in _IRRATIONAL for k in (1.0, -1.0, 0.5, 2.0)]
            inside += [v for v in irrational if low < v < high]
        weights = 1.0 / (3.0 + np.arange(len(inside)))
        return self.rng.choice(inside, n, p=weights / weights.sum())

    def _tied(self, count: int) -> list[Columns]:
        """Equal, nearly equal, reciprocal, opposite and complementary arguments."""
        rng, leaves = self.rng, self.leaves
        blocks: list[Columns] = []
        ties: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
            lambda v: v,
            lambda v: v * (1.0 + rng.choice((-1.0, 1.0), len(v)) * 10.0 ** rng.uniform(-9.0, -0.5, len(v))),
            lambda v: 1.0 / v,
            lambda v: -v,
            lambda v: 1.0 - v,
            lambda v: v * v,
        )
        for k, tie in enumerate(ties):
            n = count if k < 2 else count // 3
            base = {x: self._simple(x, n) if rng.random() < 0.3 else self._moderate(x, n) for x in leaves}
            lead = next(iter(leaves))
            first = base[lead]
            with np.errstate(all="ignore"):
                blocks.append({x: first if x is lead else tie(first) for x in leaves})
                if len(leaves) > 2:
                    one = leaves[int(rng.integers(len(leaves)))]
                    other = leaves[int(rng.integers(len(leaves)))]
                    blocks.append({**base, other: tie(base[one])})
        return blocks

    # -- uphill ----------------------------------------------------------------------------------

    def climbed(self, points: Columns, scores: np.ndarray) -> tuple[Columns, np.ndarray]:
        """The best points after a search uphill, by steps of every size, along axes and differences."""
        order = np.argsort(-np.where(np.isnan(scores), -np.inf, scores))
        best = order[: PARENTS // 2]
        spread = self.rng.choice(order[: max(len(order) // 2, 1)], PARENTS - len(best))
        chosen = np.concatenate([best, spread])
        parents = {x: c[chosen] for x, c in points.items()}
        value = np.where(np.isnan(scores[chosen]), -np.inf, scores[chosen])
        for round_ in range(ROUNDS):
            children = self.moved(self._children(parents))
            found = self.score(children)
            found = np.where(np.isnan(found), -np.inf, found).reshape(PARENTS, CHILDREN)
            pick = found.argmax(1)
            rows = np.arange(PARENTS)
            better = found[rows, pick] > value
            for x in self.leaves:
                parents[x] = np.where(better, children[x].reshape(PARENTS, CHILDREN)[rows, pick], parents[x])
            value = np.where(better, found[rows, pick], value)
            if value.max() > CLEAR and round_ >= 2 and self.op != "!=":
                break
        return parents, value

    def _children(self, parents: Columns) -> Columns:
        rng = self.rng
        shape = (PARENTS, CHILDREN)
        step = 10.0 ** rng.uniform(-7.0, 0.3, shape) * rng.normal(0.0, 1.0, shape)
        moving = rng.random((len(self.leaves), *shape)) < (1.0 if len(self.leaves) == 1 else 0.6)
        mates = rng.integers(PARENTS, size=(2, *shape))
        toward = rng.random(shape)
        children: Columns = {}
        with np.errstate(all="ignore"):
            for k, x in enumerate(self.leaves):
                at = parents[x][:, None] + np.zeros(shape)
                low, high, entries = self.ends[x]
                reach = np.abs(at)
                if np.isfinite(low):
                    reach = at - low
                if np.isfinite(high):
                    reach = np.minimum(reach, high - at) if np.isfinite(low) else high - at
                if entries.integer:
                    reach = np.maximum(reach, 2.0)
                plain = at + step * np.where(toward < 0.15, 1.0, np.abs(reach)) * rng.normal(1.0, 0.3, shape)
                differential = at + 0.7 * (parents[x][mates[0]] - parents[x][mates[1]])
                children[x] = np.where(moving[k], np.where(toward > 0.85, differential, plain), at).reshape(-1)
            if len(self.leaves) > 1:
                self._contract(children, shape)
        return children

    def _contract(self, children: Columns, shape: tuple[int, int]) -> None:
        """Some children with two arguments brought nearer to each other, ten times or all the way."""
        rng = self.rng
        one, other = (self.leaves[int(i)] for i in rng.choice(len(self.leaves), 2, replace=False))
        size = shape[0] * shape[1]
        near = rng.random(size) < 0.12
        factor = rng.choice((0.1, 0.0), size)
        gap = children[other] - children[one]
        children[other] = np.where(near, children[one] + factor * gap, children[other])

    # -- exact points ----------------------------------------------------------------------------

    def points(self) -> Iterator[Point]:
        """Exact points, the likeliest to refute first."""
        yield from self._between_roots()
        drawn = self.samples()
        scores = self.score(drawn)
        handed: set[Any] = set()
        for columns, marks in self._generations(drawn, scores):
            for at in self._order(columns, marks)[:SHOWN]:
                if not self._promising(float(marks[at])):
                    break
                for point in self._exact({x: float(columns[x][at]) for x in self.leaves}):
                    key = tuple(str(v) for a in point.instance.values.values() for v in a.reshape(-1))
                    if key not in handed:
                        handed.add(key)
                        yield point
        yield from self._beyond()

    def _beyond(self) -> Iterator[Point]:
        """Points farther out than floats go, where the functions allow it: log(log(x)) is 9 at 10**3519 only."""
        functions = {n.function for side in self.sides for n in side.walk() if isinstance(n, Map)}
        if not functions <= SLOW or len(self.leaves) > 3:
            return
        for leaf in self.leaves:
            low, high, entries = self.ends[leaf]
            if entries.integer:
                continue
            places: list[Fraction] = []
            for size in BEYOND:
                if not np.isfinite(high):
                    places.append(Fraction(size))
                if not np.isfinite(low):
                    places.append(Fraction(-size))
                sides = ((low, 1), (high, -1))
                places += [Fraction(end) + Fraction(way, size) for end, way in sides if np.isfinite(end)]
            farther = [way * size for size in FARTHEST for way, end in ((1, high), (-1, low)) if not np.isfinite(end)]
            farther += [Rational(end) + way / size for size in FARTHEST for end, way in sides if np.isfinite(end)]
            for place in (*places, *farther):
                values = {x: place if x is leaf else self._usual(x) for x in self.leaves}
                point = self._point(values) if isinstance(place, Fraction) else self._irrational(values)
                if point is not None:
                    yield point

    def _usual(self, leaf: Leaf) -> Fraction:
        """A simple number of the domain."""
        low, high, _ = self.ends[leaf]
        return next(Fraction(v) for v in (1, 0.5, *_SIMPLE, low + 1, high - 1, (low + high) / 2) if low < v < high)

    def _between_roots(self) -> Iterator[Point]:
        """For rational functions of one variable: the rational roots, and a point between any two roots or poles.

        There every sign is met, however near two roots are.  Source: Basu, Pollack & Roy, Algorithms in Real
        Algebraic Geometry, 10.2 (isolation of real roots).
        """
        if len(self.leaves) != 1 or self.leaves[0].domain.entries.integer:
            return
        (leaf,) = self.leaves
        symbol = Dummy(leaf.name)
        sides = [rational_form(side, {leaf: symbol}) for side in self.sides]
        if any(side is None for side in sides):
            return
        form = together(sides[0] - sides[1])  # type: ignore[operator]
        if symbol not in form.free_symbols:
            return
        poly = Poly(Mul(*fraction(form)), symbol)
        if not 0 < poly.degree() <= MOST_DEGREE:
            return
        found = poly.sqf_part().intervals(sqf=True, eps=Rational(1, 10**40))  # wide ones may touch the next root
        gaps = [(a[1], b[0]) for a, b in pairwise(found) if a[1] < b[0]]
        places = [a for a, b in found if a == b] + [(a + b) / 2 for a, b in gaps]
        if found:
            places += [found[0][0] - 1, found[-1][1] + 1]
        for place in places:
            point = self._point({leaf: Fraction(int(place.p), int(place.q))})
            if point is not None:
                yield point

    def starts(self) -> list[Values]:
        """Where to look on in ball arithmetic, after `points`: simple points at which the sides meet, and the best."""
        ties: list[Values] = []
        others: list[Values] = []
        for columns, marks in self.seen:
            for at in self._order(columns, marks)[:200]:
                if not -1e-2 < marks[at] <= 0:
                    continue
                values = {x: float(columns[x][at]) for x in self.leaves}
                if marks[at] == 0:
                    ties.append({x: _near(v, 12, x.domain.entries.integer) for x, v in values.items()})
                elif len(others) < 2:
                    others.append({x: _near(v, 10**6, x.domain.entries.integer) for x, v in values.items()})
        return [*simplest_first(ties)[:TIES], *others]

    def _order(self, columns: Columns, marks: np.ndarray) -> np.ndarray:
        """The points from the most promising one on; of equal ones those of moderate size first."""
        with np.errstate(divide="ignore"):
            size = sum(np.minimum(np.abs(np.log10(np.abs(c))), 20.0) for c in columns.values())
        return np.lexsort((np.nan_to_num(size), -np.where(np.isnan(marks), -np.inf, marks)))

    def meeting(self, gap: Callable[[Values], arb | None]) -> float | None:
        """Where the sides of a strict relation of one scalar seem to meet, after `points`; None if nowhere.

        There ``gap``, in balls, is tiny beside what it is a little to the left and to the right: the sides
        do not only draw near to each other.  A simple number that is left out by what is given is no such place.
        """
        if self.op not in STRICT or len(self.leaves) != 1 or self.source.surface is not None:
            return None
        (leaf,) = self.leaves
        if leaf.domain.entries.integer:
            return None
        for columns, marks in self.seen:
            for at in self._order(columns, marks)[:4]:
                value = float(columns[leaf][at])
                if not (marks[at] > -NEAR and 1e-3 <= abs(value) <= 1e3):
                    continue
                simple = Fraction(value).limit_denominator(12)
                if abs(float(simple) - value) < NEAR * abs(value) and self._point({leaf: simple}) is None:
                    continue
                step = Fraction(max(abs(value), 1.0) / 1000)
                around = [gap({leaf: Fraction(value) + k * step}) for k in (-1, 0, 1)]
                left, here, right = (None if g is None else abs(float(g.mid())) for g in around)
                if left and right and here is not None and here < 1e-5 * min(left, right):
                    return value
        return None

    def _generations(self, drawn: Columns, scores: np.ndarray) -> Iterator[tuple[Columns, np.ndarray]]:
        self.seen = [(drawn, scores)]
        yield drawn, scores
        if self.op != "==" and np.any(scores > -np.inf):
            self.seen.insert(0, self.climbed(drawn, scores))
            yield self.seen[0]

    def _promising(self, score: float) -> bool:
        if self.op == "!=":
            return score > -NEAR
        if self.op in STRICT:
            return score >= 0
        return score > (0 if self.op != "==" else NOISE)

    def _exact(self, at: dict[Leaf, float]) -> Iterator[Point]:
        """Rational points near one of floats, the simplest ones that are as promising; then irrational ones."""
        rounded: list[dict[Leaf, Any]] = []
        for d in _DENOMINATORS:
            values = {x: _near(v, d, self.ends[x][2].integer) for x, v in at.items()}
            if values not in rounded:
                rounded.append(values)
        exact = {x: Fraction(v) for x, v in at.items()}
        columns = {x: np.array([float(r[x]) for r in (*rounded, exact)]) for x in self.leaves}
        marks = self.score(self.moved(columns))
        yielded = 0
        for values, mark in zip((*rounded, exact), marks, strict=True):
            if self._promising(float(mark)) and yielded < 2:
                point = self._point(values)
                if point is not None:
                    yielded += 1
                    yield point
        if self.op in STRICT:
            moved = self.moved({x: np.array([v]) for x, v in at.items()})
            named = {x: recognised(float(c[0])) for x, c in moved.items()}
            if any(isinstance(v, Expr) for v in named.values()):
                point = self._irrational(named)
                if point is not None:
                    yield point

    def _irrational(self, values: dict[Leaf, Any]) -> Point | None:
        instance = instance_of(values)
        return Point(instance, {}) if self.source.admits(instance) else None

    def _point(self, values: dict[Leaf, Fraction]) -> Point | None:
        instance: Instance | None = instance_of(values)
        if self.source.surface is not None:
            instance = self.source.surface.put(instance_of(values))
        return Point(instance, {}) if instance is not None and self.source.admits(instance) else None


def instance_of(values: dict[Leaf, Any]) -> Instance:
    """The instance of scalars with these values."""
    held: dict[Leaf, np.ndarray] = {}
    for leaf, value in values.items():
        held[leaf] = np.empty((), object)
        held[leaf][()] = value
    return Instance({}, held)


def _constants(roots: Sequence[Node]) -> list[float]:
    """The numbers in a formula, both signs, between neighbours and next to each: where branches may change."""
    found = {0.0}
    for root in roots:
        for node in root.walk():
            numbers = [node.value] if isinstance(node, Number) else []
            numbers += [w for w, _ in node.terms] if isinstance(node, Sum) else []
            found |= {float(v) * sign for v in numbers if v.is_Rational for sign in (1, -1)}
    ordered = sorted(found, key=abs)[:24]
    ordered.sort()
    between = [(u + v) / 2 for u, v in pairwise(ordered)]
    beside = [v + sign * gap for v in ordered for sign in (1, -1) for gap in (1.0, 1e-3, 1e-6)]
    return [*(v for v in ordered if v), *between, *beside, *_zeros(roots)]


def _zeros(roots: Sequence[Node]) -> list[float]:
    """Where sums a·u + b of a formula are 0, for a other than 1 and -1: u = -b/a, about which there may be a peak."""
    found: dict[float, None] = {}
    for node in dict.fromkeys(n for root in roots for n in root.walk() if isinstance(n, Sum)):
        numbers = [w * t.value for w, t in node.terms if isinstance(t, Number)]
        slopes = [w for w, t in node.terms if not isinstance(t, Number)]
        if len(numbers) == len(slopes) == 1 and abs(slopes[0]) != 1:
            zero = -numbers[0] / slopes[0]
            found |= {float(zero): None} if zero.is_Rational else {}
    return list(found)[:12]


def _ends(leaf: Leaf) -> tuple[float, float, Any]:
    entries = leaf.domain.entries
    if leaf.shape or leaf.domain.structures or entries.symbols:
        raise UnsupportedError("only scalars are hunted")
    return float(entries.low), float(entries.high), entries


def _chosen(leaf: Leaf, column: np.ndarray) -> np.ndarray:
    """The nearest values of a finite domain."""
    values = leaf.domain.entries.values
    if values is None:
        return column
    options = np.array([float(v) for v in values])
    return options[np.abs(np.nan_to_num(column)[:, None] - options).argmin(1)]


def _near(value: float, denominator: int, whole: bool) -> Fraction:
    """A simple rational near a float: relative to its size where it is far from 1."""
    if whole:
        return Fraction(round(value))
    exact = Fraction(value)
    if exact == 0 or Fraction(1, 100) <= abs(exact) <= 1000:
        return exact.limit_denominator(denominator)
    digits = max(len(str(denominator)) - 1, 0)
    return Fraction(f"{value:.{digits}e}")


def recognised(value: float) -> Any:
    """What a float seems to be: a simple rational, a multiple of π or e, a root, a logarithm; else its exact value."""
    simple = Fraction(value).limit_denominator(12)
    if abs(float(simple) - value) <= 1e-7 * abs(value) or value == 0:
        return simple
    for expr, number in _IRRATIONAL:
        ratio = Fraction(value / number).limit_denominator(6)
        if ratio and abs(ratio) <= 12 and abs(float(ratio) * number - value) <= 1e-6 * abs(value):
            return Rational(ratio.numerator, ratio.denominator) * expr
    return _quadratic(value) or _inverted(value) or Fraction(value)


_INVERSES: tuple[tuple[Callable[[float], float], Callable[[Expr], Expr]], ...] = (
    (lambda v: v**2, lambda r: sqrt(r)),
    (lambda v: v**3, lambda r: cbrt(r)),
    (lambda v: v**4, lambda r: sqrt(sqrt(r))),
    (lambda v: float(np.exp(v)), lambda r: log(r)),
    (lambda v: float(np.log(v)), lambda r: exp(r)),
)


def _inverted(value: float) -> Expr | None:
    """The root, logarithm or exponential of a simple rational that a float is, up to its sign."""
    for way in (1, -1):
        for forward, inverse in _INVERSES:
            with np.errstate(all="ignore"):
                image = forward(way * value)
            if not 1e-2 < abs(image) < 1e3:
                continue
            ratio = Fraction(image).limit_denominator(12)
            if abs(float(ratio) - image) <= 1e-8 * abs(image):
                found = inverse(Rational(ratio.numerator, ratio.denominator)) * way
                if found.is_real and abs(float(found) - value) <= 1e-7 * abs(value):
                    return found
    return None


def _quadratic(value: float) -> Expr | None:
    """The root of a x² + b x + c with small integers that a float is."""
    for a in (1, 2, 3, 4):
        for b in range(-6, 7):
            c = round(-(a * value + b) * value)
            size = abs(a * value * value) + abs(b * value) + 1
            if abs(c) <= 12 and b * b > 4 * a * c and abs((a * value + b) * value + c) <= 1e-7 * size:
                root = sqrt(b * b - 4 * a * c) * (1 if 2 * a * value + b > 0 else -1)
                return (root - b) / (2 * a)
    return None


__all__ = ["Columns", "Hunt", "instance_of", "recognised"]
