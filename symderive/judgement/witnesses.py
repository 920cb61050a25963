"""From a refuting point to a counterexample that a person can check: small sizes, simple numbers."""
from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq
from sympy import Symbol

from symderive.judgement.balls import (
    Element,
    Hole,
    as_ball,
    precision,
)
from symderive.judgement.examine import (
    CAP,
    TIED,
    Outcome,
    Point,
    Statement,
    examine,
)
from symderive.judgement.instances import (
    Instance,
    fits,
    shape_at,
)
from symderive.judgement.points import Source, changed_entry, cost, replaced
from symderive.judgement.verdicts import Counterexample
from symderive.language.nodes import Leaf


def refutation(outcome: Outcome) -> str:
    """The reason of a refuted verdict."""
    if outcome.kind == "differs":
        equal = f": {outcome.reason}" if outcome.reason == TIED else ""
        return f"the claim is wrong at an exact point of its domain{equal}"
    side = "left" if outcome.kind == "undefined_left" else "right"
    return f"the {side} side is undefined at a point of the domain: {outcome.reason}"


def _texts(lhs: Element, rhs: Element, apart: bool = True) -> tuple[str, str]:
    """Both values as text, to so many digits that they differ if they are told ``apart``."""
    digits = 8
    if apart and not isinstance(lhs, Hole) and not isinstance(rhs, Hole):
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


def counterexample(outcome: Outcome, point: Point) -> Counterexample:
    """A point and what the two sides are there, as text and exact values."""
    values = point.instance.named_values()
    for leaf, moving in point.directions.items():
        values[f"d{leaf.name}"] = Instance({}, {leaf: moving}).named_values()[leaf.name]
    lhs, rhs = _texts(outcome.lhs, outcome.rhs, apart=outcome.reason != TIED)
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
        options += [sign * power, sign * power / 10, sign * 10 * power, sign * power * (magnitude // power)]
        options.append(sign * power * Fraction(round(10 * magnitude / power), 10))
    mine = _complexity(value)
    return sorted({v for v in options if _complexity(v) < mine}, key=_complexity)


_SHRINK_BUDGET = 250


def shrink(
    statement: Statement, source: Source, bits: int, outcome: Outcome, point: Point
) -> tuple[Point, Outcome]:
    """A simpler point that refutes in the same way: smaller sizes first, then simpler numbers."""
    left = _SHRINK_BUDGET
    kind = outcome.kind

    def fails(candidate: Point) -> Outcome | None:
        nonlocal left
        if left <= 0 or not source.admits(candidate.instance):
            return None
        left -= 1 + cost(statement, candidate.instance.sizes) // 2000
        result = examine(statement, candidate, bits)
        return result if result.kind == kind else None

    def better(candidate: Point) -> bool:
        nonlocal point, outcome
        result = fails(candidate)
        if result is not None:
            point, outcome = candidate, result
        return result is not None

    _shrink_sizes(source, point, better)
    for leaf in point.directions:
        moving = np.empty(point.directions[leaf].shape, object)
        moving.fill(Fraction(1))
        better(Point(point.instance, {**point.directions, leaf: moving}))
    changed = True
    while changed and left > 0:
        changed = False
        for leaf in source.leaves:
            for candidate in _simple_arrays(leaf, point.instance):
                if _array_complexity(candidate) < _array_complexity(point.instance.values[leaf]):
                    changed |= better(Point(replaced(point.instance, leaf, candidate), point.directions))
            for index in np.ndindex(point.instance.values[leaf].shape):
                for value in _simpler(point.instance.values[leaf][index]):
                    changed_instance = changed_entry(point.instance, leaf, index, value)
                    if better(Point(changed_instance, point.directions)):
                        changed = True
                        break
    return point, outcome


def _array_complexity(value: np.ndarray) -> tuple[int, ...]:
    parts = [_complexity(v) for v in value.reshape(-1)]
    return (sum(p[0] for p in parts), sum(p[2] for p in parts))


def _shrink_sizes(source: Source, point: Point, better: Callable[[Point], bool]) -> None:
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
        if not fits(source.constraints, candidate):
            continue
        cut = {
            leaf: value[(..., *(slice(0, k) for k in shape_at(leaf, candidate)))]
            for leaf, value in point.instance.values.items()
        }
        moving = {
            leaf: value[(..., *(slice(0, k) for k in shape_at(leaf, candidate)))]
            for leaf, value in point.directions.items()
        }
        if better(Point(Instance(candidate, cut), moving)):
            return
        for attempt, stratum in enumerate(("special", "moderate", "mixed")):
            drawn = source.point(candidate, stratum, f"shrink{number}.{attempt}", 2)
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
    if "unit_norm" in structures:
        axis = leaf.domain.axis("unit_norm")
        for first in ((1,), (Fraction(3, 5), Fraction(4, 5))):
            if len(first) <= shape[axis]:
                corner = constant(Fraction(0))
                np.moveaxis(corner, axis, -1)[..., : len(first)] = [Fraction(x) for x in first]
                options.append(corner)
        return options
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
            for weights in (range(1, k + 1), range(k, 0, -1)):
                uneven = constant(Fraction(0))
                np.moveaxis(uneven, axis, -1)[...] = [Fraction(2 * x, k * (k + 1)) for x in weights]
                options.append(uneven)
        return options
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        eye = constant(Fraction(0))
        for i in range(shape[-1]):
            eye[..., i, i] = Fraction(1)
        options = [constant(Fraction(0)), eye]
    return options
