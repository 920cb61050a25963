"""Which points a statement is judged at: the plan, what is given, and both sides of every kink."""
from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import isfinite, prod
from typing import Any

import numpy as np
from flint import fmpq
from sympy import Symbol

from symderive.judgement.balls import (
    SELECTING,
    Element,
    Evaluator,
    Hole,
    Undefined,
    as_ball,
    coefficient,
    depth,
    join,
    precision,
    sign_of,
)
from symderive.judgement.closed_forms import equal_exactly, evaluator_at
from symderive.judgement.examine import (
    BITS,
    BUDGET,
    HOLDS,
    POINTS,
    SCALAR_POINTS,
    Point,
    Statement,
)
from symderive.judgement.instances import (
    STRATA,
    Instance,
    contains,
    direction,
    draw,
    fits,
    integer_at,
    satisfies,
    settings,
    shape_at,
)
from symderive.judgement.surfaces import surface
from symderive.language import build
from symderive.language.functions import function, template
from symderive.language.nodes import (
    ON_MATRICES,
    Binding,
    Contraction,
    Leaf,
    Map,
    Node,
    Number,
    Opaque,
)
from symderive.language.statements import Relation


class Source:
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
        self.surface = surface(self.given, self.leaves)
        self.outside = 0
        self.draws = 0

    def point(self, sizes: dict[Symbol, int], stratum: str, tag: object, tries: int = 1) -> Point | None:
        """A point, or None after ``tries`` draws, and where the arrays have too many entries."""
        if sum(prod(shape_at(leaf, sizes)) for leaf in self.leaves) > LARGEST:
            return None
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
            if value.shape != shape_at(leaf, instance.sizes) or not satisfies(leaf.domain.at(instance.sizes), value):
                return False
        return all(holds(r, instance) for r in self.given)

    def _repair(self, instance: Instance, key: str) -> Instance | None:
        rng = random.Random(f"{key}:repair")
        if self.surface is not None:
            instance = self.surface.put(instance) or instance
            if self.admits(instance):
                return instance
        for relation in self.given:
            if holds(relation, instance):
                continue
            if relation.op == "==":
                instance = _assign(relation, instance) or instance
            if not holds(relation, instance):
                instance = _solve_relation(relation, instance, rng) or instance
                if self.surface is not None:
                    instance = self.surface.put(instance) or instance
        return instance if self.admits(instance) else None


def holds(relation: Relation, instance: Instance, bits: int = BITS) -> bool:
    """Whether a relation holds provably, in every entry, at a point."""
    for level in (bits, 4 * bits):
        with precision(level):
            evaluator = evaluator_at(instance)
            a, b = np.broadcast_arrays(evaluator.value(relation.lhs), evaluator.value(relation.rhs))
            certain = True
            for index in np.ndindex(a.shape):
                x, y = a[index], b[index]
                if isinstance(x, Undefined) or isinstance(y, Undefined):
                    return False
                if isinstance(x, Hole) or isinstance(y, Hole):
                    certain = False
                    continue
                sign = sign_of(x - y)
                if sign is None and not a.shape and equal_exactly(relation.lhs, relation.rhs, instance, index):
                    sign = 0
                if sign is None:
                    certain = False
                elif not HOLDS[relation.op](sign):
                    return False
            if certain:
                return True
    return False


def _fraction(value: Element, exactly: bool) -> Fraction | None:
    """An exact rational, or, where that will do, the middle of a ball."""
    if type(value) is fmpq:
        return Fraction(int(value.p), int(value.q))
    if exactly or isinstance(value, Hole) or not as_ball(value).is_finite():
        return None
    middle = float(as_ball(value).mid())
    return Fraction(middle) if isfinite(middle) else None


def replaced(instance: Instance, leaf: Leaf, value: np.ndarray) -> Instance:
    """The instance with another value for one leaf."""
    return Instance(instance.sizes, {**instance.values, leaf: value})


def changed_entry(instance: Instance, leaf: Leaf, index: tuple[int, ...], value: Any) -> Instance:
    """The instance with one entry changed, and its mirror image in a symmetric leaf."""
    array = instance.values[leaf].copy()
    array[index] = value
    if leaf.domain.has("symmetric") and len(index) >= 2:
        array[(*index[:-2], index[-1], index[-2])] = value
    return replaced(instance, leaf, array)


def _assign(relation: Relation, instance: Instance) -> Instance | None:
    """``leaf == expression``: give the leaf the expression's exact value."""
    for leaf, expr in ((relation.lhs, relation.rhs), (relation.rhs, relation.lhs)):
        if not isinstance(leaf, Leaf) or leaf in expr.walk():
            continue
        with precision(BITS):
            value = np.broadcast_to(Evaluator(instance).value(expr), instance.values[leaf].shape)
        out = np.empty(value.shape, object)
        for index in np.ndindex(out.shape):
            out[index] = _fraction(value[index], True)
            if out[index] is None:
                break
        else:
            if satisfies(leaf.domain.at(instance.sizes), out):
                return replaced(instance, leaf, out)
    return None


def _solve_relation(relation: Relation, instance: Instance, rng: random.Random) -> Instance | None:
    """Move single entries so that a relation comes to hold where it is linear in them; None where that fails."""
    gaps = _gaps(relation.lhs, relation.rhs, instance)
    helped: Leaf | None = None
    for flat in range(min(len(gaps), 24)):
        sign = None if isinstance(gaps[flat], Hole) else sign_of(gaps[flat])
        if relation.op != "==" and sign is not None and HOLDS[relation.op](sign):
            continue
        if relation.op in ("==", "<=", ">=") and rng.random() < (1.0 if relation.op == "==" else 0.2):
            target = Fraction(0)
        else:
            target = Fraction(rng.randint(1, 12), rng.choice((1, 2, 4, 10)))
            if relation.op in ("<", "<="):
                target = -target
        solved = solve_entry(relation.lhs, relation.rhs, flat, relation.op, target, instance, rng, helped)
        if solved is not None:
            helped = next((x for x, v in solved.values.items() if v is not instance.values[x]), helped)
            instance, gaps = solved, _gaps(relation.lhs, relation.rhs, solved)
        elif relation.op != "==":
            return None
    return instance


def _gaps(lhs: Node, rhs: Node, instance: Instance) -> list[Element]:
    """The entries of the difference of two sides."""
    with precision(BITS):
        evaluator = Evaluator(instance)
        left, right = np.broadcast_arrays(evaluator.value(lhs), evaluator.value(rhs))
        return [join(x, y) or x - y for x, y in zip(left.reshape(-1), right.reshape(-1), strict=True)]


def solve_entry(
    lhs: Node,
    rhs: Node,
    flat: int,
    op: str,
    target: Fraction,
    instance: Instance,
    rng: random.Random,
    first_of: Leaf | None = None,
) -> Instance | None:
    """Make entry ``flat`` of ``lhs - rhs`` equal ``target`` by one entry of one leaf: exactly for "==" and "tie".

    For an inequality about so, where the entry is no rational number; None where no entry does.  Entries
    of ``first_of`` are tried first, that of the same place before others.
    """
    exactly = op in ("==", "tie")
    gap = _gaps(lhs, rhs, instance)[flat]
    zeroth = None if isinstance(gap, Hole) else _fraction(gap, exactly)
    if zeroth is None:
        return None
    if not exactly and HOLDS[op](zeroth):
        return instance
    speaks_of = {*lhs.leaves(), *rhs.leaves()}
    places = [
        (leaf, index)
        for leaf, value in instance.values.items()
        if leaf in speaks_of and leaf.domain.entries.values is None and value.size
        for index in np.ndindex(value.shape)
    ]
    rng.shuffle(places)
    if first_of is not None:
        same = np.unravel_index(flat, instance.values[first_of].shape) if flat < instance.values[first_of].size else ()
        places.sort(key=lambda place: (place[0] is not first_of, place[1] != tuple(map(int, same))))
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
            first, second = (_fraction(coefficient(d, k), exactly) for k in (1, 2))
        if first is None or second is None or first == 0 or second != 0:
            continue
        old = instance.values[leaf][index]
        if not isinstance(old, Fraction):
            continue
        new = old + (target - zeroth) / first
        if type(gap) is not fmpq:
            new = new.limit_denominator(1000)
        if contains(leaf.domain.entries.at(instance.sizes), new):
            changed = changed_entry(instance, leaf, index, new)
            if satisfies(leaf.domain, changed.values[leaf]):
                return changed
    return None


def _cost(nodes: Iterable[Node], sizes: Mapping[Symbol, int]) -> int:
    """Roughly how many elements an evaluation makes."""
    total, seen = 1, set()
    for root in nodes:
        for node in root.walk():
            if node in seen:
                continue
            seen.add(node)
            total += _work(node, sizes)
    return total


_BINDING_WORK = {"derivative": 8, "integral": 2500, "series": 2000}
"""Roughly how often the function under a binding is evaluated."""


def _work(node: Node, sizes: Mapping[Symbol, int]) -> int:
    """Roughly how many elements the step of one node makes."""
    if isinstance(node, Binding):
        inside = sum(_work(n, sizes) for n in node.body.walk())
        return _BINDING_WORK[node.kind] * inside
    if isinstance(node, SELECTING):
        return 1  # these only say where to look
    dims = list(node.shape)
    if isinstance(node, Contraction):
        told = {labels[0] for f, labels in node.factors if isinstance(f, SELECTING)}
        dims = [dim for label, dim in enumerate(node.label_dims) if label not in told]
    elif isinstance(node, Opaque) and node.function in ON_MATRICES:
        inner = node.arguments[0].shape
        dims = [*inner, max(inner[-2:], key=lambda dim: integer_at(dim, sizes) or 1)]
    size = 1
    for dim in dims:
        size *= integer_at(dim, sizes) or 1
    return size


def cost(statement: Statement, sizes: Mapping[Symbol, int]) -> int:
    """Roughly how many elements one look at the statement makes."""
    return _cost(statement.roots, sizes) * statement.cost_factor(sizes)


LARGEST = 5_000_000
"""Most elements of one look at a statement; with more, it is not judged at those sizes."""


def _entries(statement: Statement, sizes: Mapping[Symbol, int]) -> int:
    """Roughly how many elements are held at once: what an integral evaluates again and again counts once."""
    nodes = {n for root in statement.roots for n in root.walk()}
    inner = {n for b in nodes if isinstance(b, Binding) for n in b.body.walk()}
    plain = [n for n in (*nodes, *inner) if not isinstance(n, Binding)]
    return sum(_work(n, sizes) for n in plain) * statement.cost_factor(sizes)


def plan(statement: Statement, points: int | None) -> list[tuple[dict[Symbol, int], str]]:
    """Sizes and stratum of each point to draw; fewer and smaller points where they are expensive."""
    wanted = settings(statement.roots)
    if not wanted:
        return []
    count = points if points is not None else (SCALAR_POINTS if wanted == [{}] else POINTS)
    costs = {i: cost(statement, s) for i, s in enumerate(wanted)}
    cheap = [i for i in costs if costs[i] <= BUDGET / 10]
    order = cheap if len(cheap) >= 3 else sorted(costs, key=lambda i: costs[i])[:3]
    order = [i for i in order if costs[i] <= LARGEST or _entries(statement, wanted[i]) <= LARGEST]
    if not order:
        return []
    planned: list[tuple[dict[Symbol, int], str]] = []
    spent = 0
    for k in range(count):
        i = order[k % len(order)]
        spent += costs[i]
        planned.append((wanted[i], STRATA[(k + k // len(order)) % len(STRATA)]))
        if points is None and spent > BUDGET and len(planned) >= min(len(STRATA), count):
            break
    return planned


_SINGULAR = frozenset({"inv", "logabsdet", "signdet", "cholesky"})
"""Functions of matrices that stop being defined, or jump, where a determinant is 0."""


def _edges(nodes: Iterable[Node]) -> dict[Node, bool]:
    """Expressions whose sign matters, and whether it does because of a kink.

    Those at whose zeros a function changes its branch (kinks), and those at whose zeros one stops
    being defined (the rows' ``requires``, and bases of powers that need not be defined at 0).
    """
    kinks: dict[Node, bool] = {}
    edges: dict[Node, bool] = {}
    for root in nodes:
        for node in root.walk():
            if isinstance(node, Opaque) and node.function in _SINGULAR:
                jumps = node.function == "signdet"
                (kinks if jumps else edges)[build.opaque("det", *node.arguments)] = jumps
            if not isinstance(node, Map):
                continue
            row = function(node.function)
            for text in row.kinks:
                kinks[template(text, row.arguments)(*node.arguments)] = True
            for text in (part for r in row.requires for part in re.split(r" (?:or|and) ", r)):
                left, _, right = re.split(r" (==|<=|>=|<|>|!=) ", text)
                edges[template(f"{left} - ({right})", row.arguments)(*node.arguments)] = False
            if node.function == "power":
                base, exponent = node.arguments
                constant = exponent.value if isinstance(exponent, Number) else None
                if constant is None or not (constant.is_integer and constant.is_nonnegative):
                    edges[base] = False
    found = {**edges, **kinks}
    return {k: found[k] for k in (*kinks, *edges) if depth(k) == 0 and k.leaves()}


class Sides:
    """Which sides of each kink, and of each edge of definedness, the points so far have seen."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        found = _edges(nodes)
        self.kinks = list(found)[:16]
        self.is_kink = found
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

    def unseen_branches(self) -> list[tuple[Node, int]]:
        """The sides of kinks (-1 or 1) at which no point was judged."""
        return [(k, s) for k, s in self.missing() if s and self.is_kink[k]]

    def missing(self) -> list[tuple[Node, int]]:
        """The sides not seen yet."""
        return [(k, s) for k in self.kinks for s in (-1, 0, 1) if s not in self.seen[k]]
