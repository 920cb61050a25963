"""One statement at one exact point: agrees, differs, undefined, skipped, or not resolved.

Two sides agree where their balls overlap *and* are narrow; they differ where the balls are
disjoint, which is a proof.  Balls too wide to tell are computed again with more bits; what then is
still open counts as unresolved, never as agreement.  "Overlaps" is asked of finite balls only: a
ball that is not a number overlaps everything.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from symderive.judgement.instances import (
    Instance,
)
from symderive.language.arrays import Array, shape_text
from symderive.language.nodes import Leaf, Node

BITS = 128
AGREE_BITS = 80
CAP = 2048
POINTS = 27
SCALAR_POINTS = 63
BUDGET = 200_000
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
    ladder = _ladder(bits)
    widths: dict[int, tuple[int, arb]] = {}
    skipping = statement.skip_undefined_left
    outcome = Outcome("unresolved")
    for level in ladder:
        tick()
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
