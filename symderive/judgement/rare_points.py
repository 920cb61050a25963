"""Points that drawn points rarely meet: sides of branches, places where parts vanish, ties of strict relations.

Floats say where to look, as in `hunt`; what comes out is exact, with irrational entries where a float is
recognised as a multiple of π, a root, a logarithm, and is judged like any other point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from itertools import chain, islice
from random import Random
from typing import Any

import numpy as np
from sympy import Expr

from symderive.errors import UnsupportedError
from symderive.judgement.closed_forms import evaluator_at
from symderive.judgement.elements import Hole, precision, sign_of
from symderive.judgement.examine import BITS, STRICT, Point, Statement, text_of
from symderive.judgement.floats import Floats
from symderive.judgement.hunt import Columns, Hunt, instance_of, recognised
from symderive.judgement.points import Source, solve_entry
from symderive.judgement.templates import is_continuous
from symderive.judgement.verdicts import decimal_text
from symderive.language import build
from symderive.language.nodes import ONE, Leaf, Map, Node, Number

MOST_EDGES = 6
EACH = 4
"""Edges that are looked at, and points that are judged on a side of one."""

RIM = 3
"""Points that are judged where a relation that is given holds with equality."""

TARGETS = {"<=": Fraction(0), ">=": Fraction(0), "<": Fraction(-1, 2**600), ">": Fraction(1, 2**600)}
"""What the sides of a relation that is given differ by at these points."""

PLENTY = 20
"""Samples on a side of an edge from which on drawn points are held to have seen it."""

ZOOMS, GRID = 14, 33
"""Rounds, and points of each, of a search along one variable."""

MOST_STEPS = 400
"""Steps of a search from the best point of all."""

CLOSE = 1e-12
"""Relative gaps below are ties as far as floats tell."""

LOGARITHMS = frozenset(("log", "log2", "log10"))

BISECTIONS = 40
"""Steps towards a zero that has no name."""

TINY = 1e-6
"""Entries below are tried as 0."""


def rare_points(statement: Statement, source: Source, edges: Sequence[Node], seed: int) -> Iterator[Point]:
    """Points on every side of the edges, and on them; for a strict relation, where its sides seem to meet.

    First of all points where both sides of what is given are equal, where that is allowed.  Raises
    `UnsupportedError` where the statement is not a relation between formulas of scalars.
    """
    yield from _at_the_rim(source)
    hunt = Hunt(statement, source, seed)
    drawn = hunt.samples()
    for edge in edges[:MOST_EDGES]:
        if not isinstance(edge, Leaf):
            yield from _beside(edge, replace(statement, method=""), source, seed, drawn)
    if statement.op in STRICT and not any(leaf.domain.entries.integer for leaf in hunt.leaves):
        yield from _ties(hunt, drawn)


def _at_the_rim(source: Source) -> Iterator[Point]:
    """Points at which relations that are given hold with equality, or, strict ones, just so; for scalars."""
    if any(leaf.shape for leaf in source.leaves):
        return
    for relation in source.given:
        if relation.op not in TARGETS or relation.lhs.shape or relation.rhs.shape:
            continue
        for k in range(RIM):
            drawn = source.point({}, "moderate", f"rim{k}", 8)
            if drawn is None:
                break
            moved = solve_entry(relation.lhs, relation.rhs, 0, "tie", TARGETS[relation.op], drawn.instance, Random(k))
            if moved is not None and source.admits(moved):
                yield Point(moved, {})


def _beside(edge: Node, statement: Statement, source: Source, seed: int, drawn: Columns) -> Iterator[Point]:
    """Points at which an expression is 0, and such as have the sign that few drawn points give it."""
    try:
        (values,) = Floats([edge])(drawn)
    except UnsupportedError:
        return
    rare = [op for op, count in (("<=", np.sum(values > 0)), (">=", np.sum(values < 0))) if count < PLENTY]
    for op in ("!=", *rare):
        # beside 1, so that what is near 0 is near in floats, too
        sides = (build.add([(ONE, edge), (ONE, Number(ONE))], ()), Number(ONE))
        about = Hunt(replace(statement, roots=sides, op=op), source, seed)
        found = about.points() if op != "!=" or len(about.leaves) == 1 else chain(about.points(), _ties(about, drawn))
        yield from islice((p for p in found if _fails(edge, op, p)), EACH)


def _fails(edge: Node, op: str, point: Point) -> bool:
    """Whether an expression certainly is 0, > 0 or < 0 at a point, that is, ``edge op 0`` fails."""
    with precision(BITS):
        value = evaluator_at(point.instance).value(edge)[()]
        sign = None if isinstance(value, Hole) else sign_of(value)
    return sign is not None and sign == {"!=": 0, "<=": 1, ">=": -1}[op]


def _ties(hunt: Hunt, drawn: Columns) -> Iterator[Point]:
    """Points at which the sides are nearest along a variable, the others simple; and near the best of all."""
    for leaf in hunt.leaves:
        for value in (1, 2, Fraction(1, 2), -1, 0):
            others = {x: Fraction(value) for x in hunt.leaves if x is not leaf}
            if all(hunt.ends[x][0] <= v <= hunt.ends[x][1] for x, v in others.items()):
                at = {x: float(v) for x, v in others.items()}
                yield from _recognised_at(hunt, _nearest(hunt, leaf, np.unique(drawn[leaf]), at), others)
    columns, marks = hunt.climbed(drawn, hunt.score(drawn))
    best = np.array([float(columns[x][marks.argmax()]) for x in hunt.leaves])

    def away(at: np.ndarray) -> float:
        score = hunt.score({x: np.array([v]) for x, v in zip(hunt.leaves, at, strict=True)})[0]
        return -score if score == score else np.inf

    found = import_module("scipy.optimize").minimize(
        away, best, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 0.0, "maxiter": MOST_STEPS}
    )
    yield from _recognised_at(hunt, {x: float(v) for x, v in zip(hunt.leaves, found.x, strict=True)}, {})


def _nearest(hunt: Hunt, leaf: Leaf, grid: np.ndarray, others: dict[Leaf, float]) -> dict[Leaf, float] | None:
    """Where on a line the sides are nearest, between points of the grid; None where the relation says nothing."""
    for _ in range(ZOOMS):
        marks = hunt.score({leaf: grid, **{x: np.full(len(grid), v) for x, v in others.items()}})
        if not np.any(marks > -np.inf):
            return None
        at = int(np.nanargmax(marks))
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        best = float(grid[at])
        grid = np.unique(np.append(np.linspace(low, high, GRID), best))
    return {leaf: best, **others}


def _recognised_at(hunt: Hunt, place: dict[Leaf, float] | None, others: dict[Leaf, Fraction]) -> Iterator[Point]:
    """The exact point that a place of floats seems to be, where the sides seem to meet there."""
    if place is None or hunt.source.surface is not None:
        return
    values: dict[Leaf, Any] = {x: others[x] if x in others else _named(v) for x, v in place.items()}
    score = hunt.score({x: np.array([float(v)]) for x, v in values.items()})[0]
    if not score >= -CLOSE:
        return
    instance = instance_of(values)
    if hunt.source.admits(instance):
        yield Point(instance, {})


def _named(value: float) -> Fraction | Expr:
    return Fraction(0) if abs(value) < TINY else recognised(value)


def hidden_zero(statement: Statement, source: Source) -> tuple[str, str] | None:
    """What changes its sign at a place that has no name, and the place, as text; None where nothing does.

    Looked at are denominators, and what logarithms are of, where they have one variable: being
    continuous they vanish in between, and there the statement has no value.  Nothing is said where
    something is given or a case distinction may leave the place out.
    """
    nodes = [n for root in statement.roots for n in root.walk()]
    if source.given or any(isinstance(n, Map) and n.function == "where" for n in nodes):
        return None
    for node in nodes:
        if not isinstance(node, Map) or node.shape:
            continue
        reciprocal = node.function == "power" and isinstance(node.arguments[1], Number) and node.arguments[1].value < 0
        base = _rooted(node.arguments[0])
        leaves = base.leaves()
        if (reciprocal or node.function in LOGARITHMS) and len(leaves) == 1 and is_continuous(base):
            found = _sign_change(base, next(iter(leaves)), statement, source)
            if found:
                return found
    return None


def _rooted(node: Node) -> Node:
    """What is 0 where a power of it, or its size, is."""
    while isinstance(node, Map) and node.function in ("power", "abs"):
        if node.function == "power" and not (isinstance(node.arguments[1], Number) and node.arguments[1].value > 0):
            break
        node = node.arguments[0]
    return node


def _sign_change(base: Node, leaf: Leaf, statement: Statement, source: Source) -> tuple[str, str] | None:
    try:
        hunt = Hunt(replace(statement, roots=(base, Number(ONE)), op="!="), source, 0)
        places = np.unique(hunt.samples()[leaf])
        (values,) = Floats([base])({leaf: places})
    except (UnsupportedError, KeyError):  # no floats, or the variable is none of those that are drawn
        return None
    if leaf.domain.entries.integer or leaf.domain.entries.values is not None or leaf.domain.entries.nonzero:
        return None
    for k in np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0):
        low, high = Fraction(places[k]), Fraction(places[k + 1])
        first = _sign_at(base, leaf, low)
        if not first or _sign_at(base, leaf, high) != -first:
            continue
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            sign = _sign_at(base, leaf, middle)
            if not sign:
                break
            low, high = (middle, high) if sign == first else (low, middle)
        return text_of(base), " = ".join((leaf.name, decimal_text(float(low))))
    return None


def _sign_at(node: Node, leaf: Leaf, value: Fraction) -> int:
    """The certain sign of a scalar at a point; 0 where there is none."""
    with precision(BITS):
        found = evaluator_at(instance_of({leaf: value})).value(node)[()]
        return 0 if isinstance(found, Hole) else sign_of(found) or 0


__all__ = ["hidden_zero", "rare_points"]
