"""One statement at one exact point: agrees, differs, undefined, skipped, or not resolved.

Two sides agree where their balls overlap *and* are narrow; they differ where the balls are
disjoint, which is a proof.  Balls too wide to tell are computed again with more bits; what then is
still open counts as unresolved, never as agreement.  "Overlaps" is asked of finite balls only: a
ball that is not a number overlaps everything.  Where a strict relation hangs on two sides that balls
cannot part, an exact argument shows them equal (``closed_forms``), or many more bits part them.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq
from sympy import Symbol

from symderive.deadline import tick
from symderive.errors import SymderiveError
from symderive.judgement.balls import (
    Element,
    Evaluator,
    Kink,
    Undefined,
    Unknown,
    as_ball,
    precision,
    sign_of,
)
from symderive.judgement.closed_forms import equal_exactly, evaluator_at
from symderive.judgement.instances import (
    Instance,
)
from symderive.language.arrays import Array, shape_text
from symderive.language.nodes import Leaf, Node

BITS = 128
AGREE_BITS = 80
CAP = 2048
CLOSE_CAP = 1 << 15
"""The bits for two sides of a strict relation that no fewer could part, where one look is cheap."""

MODERATE = 1000
"""Sides that so many bits cannot part at numbers no farther out than this are held for equal: a tie."""

POINTS = 27
SCALAR_POINTS = 63
BUDGET = 200_000
"""Elements to evaluate for one verdict, roughly; large statements get fewer points."""

STRICT = ("<", ">", "!=")
TIED = "both sides are equal there"

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
    cost_factor: Callable[[Mapping[Symbol, int]], int] = field(default=lambda sizes: 1)
    method: str = "ball arithmetic"


@dataclass(frozen=True)
class Outcome:
    """What one point says: agrees, differs, undefined_left/right, both/half_undefined, tie, skipped, unresolved."""

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
    return _bits_of(width, abs(a.mid()).max(abs(b.mid())))


def _bits_of(width: arb, scale: arb) -> int:
    """How many bits a width leaves of a scale."""
    if scale == 0 or width == 0:
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
        return ("agrees" if HOLDS[op](a - b) else "differs"), None
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
    return ("agrees" if HOLDS[op](sign) else "differs"), None


HOLDS: dict[str, Callable[[Any], bool]] = {
    "==": lambda d: d == 0,
    "!=": lambda d: d != 0,
    "<=": lambda d: d <= 0,
    ">=": lambda d: d >= 0,
    "<": lambda d: d < 0,
    ">": lambda d: d > 0,
}


def examine(statement: Statement, point: Point, bits: int) -> Outcome:
    """Judge one point, with more bits where they are needed."""
    strict = statement.op in STRICT and statement.cap == 1 and len(statement.roots) >= 2
    levels = list(_ladder(bits))
    first = levels[0]
    widths: dict[int, tuple[int, arb]] = {}
    while True:
        tick()
        level = levels.pop(0)
        with precision(level, statement.cap):
            seen = _look(statement, point)
        if seen.limited:
            levels.clear()
            strict = False
        if seen.verdict is not None:
            return seen.verdict
        for i, x, y, _, width in seen.pending:
            if width is None:
                continue
            widths.setdefault(i, (level, width))
            if strict and level == first:
                entry = _entry(i, seen.shape)
                if _meet(statement, point, entry):
                    return Outcome("differs", None, entry, x, y, TIED)
        if seen.pending and not levels and strict and level < CLOSE_CAP and _is_cheap(statement, point):
            levels.append(CLOSE_CAP)
        if not levels:
            for i, x, y, reason, width in seen.pending:
                entry = _entry(i, seen.shape)
                if isinstance(x, Undefined) or isinstance(y, Undefined):
                    return Outcome("half_undefined", None, entry, x, y, (x if isinstance(x, Undefined) else y).reason)
                if width is None or not _vanishes(widths[i], level, width):
                    return Outcome("unresolved", None, entry, x, y, reason)
                if statement.op in STRICT:
                    kind = "tie" if _is_moderate(point.instance) else "unresolved"
                    return Outcome(kind, None, entry, x, y, reason)
                seen.agreed += 1
                seen.least = min(level // 2, seen.least) if seen.least is not None else level // 2
        if not levels or not seen.pending:
            return seen.outcome()


@dataclass
class _Look:
    """What one precision shows of a point: a verdict, or how many entries agree and which are open."""

    shape: tuple[int, ...]
    verdict: Outcome | None = None
    agreed: int = 0
    least: int | None = None
    skipped: Outcome | None = None
    undefined: Outcome | None = None
    pending: list[tuple[int, Element, Element, str, arb | None]] = field(default_factory=list)
    limited: bool = False
    """Whether an integral or a series was enclosed, which more bits do not make narrower."""

    def outcome(self) -> Outcome:
        """What is said where nothing is open."""
        if self.undefined is not None:
            return self.undefined
        return self.skipped if self.skipped is not None and not self.agreed else Outcome("agrees", self.least)


def _against(magnitude: arb | None, op: str, kind: str, detail: Any) -> tuple[str, Any]:
    """An open entry agrees where its width is small against what was integrated or summed up."""
    if kind == "open" and op == "==" and magnitude is not None:
        bits = _bits_of(detail, magnitude)
        if bits >= AGREE_BITS:
            return "agrees", bits
    return kind, detail


def _look(statement: Statement, point: Point) -> _Look:
    evaluator = evaluator_at(point.instance)
    left, right = statement.sides(evaluator, point)
    a, b = np.broadcast_arrays(left, right)
    seen = _Look(a.shape, limited=evaluator.magnitude is not None)
    for i, (x, y) in enumerate(zip(a.reshape(-1), b.reshape(-1), strict=True)):
        kind, detail = _against(evaluator.magnitude, statement.op, *_compare(x, y, statement.op))
        entry = _entry(i, a.shape)
        if statement.skip_undefined_left and kind in ("undefined_left", "both_undefined"):
            kind = "skipped"
        if kind == "agrees":
            seen.agreed += 1
            if detail is not None:
                seen.least = detail if seen.least is None else min(seen.least, detail)
        elif kind in ("differs", "undefined_left", "undefined_right"):
            seen.verdict = Outcome(kind, None, entry, x, y, detail or "")
        elif kind == "skipped":
            seen.skipped = seen.skipped or Outcome(kind, None, entry, x, y, detail or "")
        elif kind == "both_undefined":
            if statement.op == "defined":
                seen.verdict = Outcome("undefined_left", None, entry, x, y, detail)
            seen.undefined = seen.undefined or Outcome(kind, None, entry, x, y, detail)
        elif kind == "unknown":
            seen.pending.append((i, x, y, detail, None))
        else:
            seen.pending.append((i, x, y, "the two sides are too close to tell apart", detail))
        if seen.verdict is not None:
            break
    return seen


def _meet(statement: Statement, point: Point, entry: tuple[int, ...] | None) -> bool:
    """Whether both sides of a relation are exactly equal in an entry."""
    lhs, rhs = statement.roots[:2]
    return equal_exactly(lhs, rhs, point.instance, entry)


def _is_cheap(statement: Statement, point: Point) -> bool:
    """Whether one look makes few elements: only numbers, and a short formula."""
    return all(v.size == 1 for v in point.instance.values.values()) and not statement.changing


def _is_moderate(instance: Instance) -> bool:
    """Whether no entry is far out or near 0."""
    entries = (abs(v) for values in instance.values.values() for v in values.reshape(-1))
    return all(v == 0 or Fraction(1, MODERATE) <= v <= MODERATE for v in entries)


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
