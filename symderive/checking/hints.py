"""What would be true instead: a factor, a sign, a transpose, a missing term, a condition.

A hint is looked for by evaluating both sides at a few exact points, and is said only after the
claim mended by it stood before the judge.  It is advice, not a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import e, isfinite, log, pi, prod, sqrt

import numpy as np
from sympy import E, Expr, Integer, Rational
from sympy import log as sympy_log
from sympy import pi as sympy_pi
from sympy import sqrt as sympy_sqrt

from symderive.calculus.definedness import requirements
from symderive.calculus.denormalise import to_node
from symderive.calculus.normal_form import Normaliser
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.calculus.simplify import simplify
from symderive.checking.repairs import (
    flipped,
    multiplied,
    nearest,
    numbers,
    other_values,
    squared,
    swapped,
    whole_number,
)
from symderive.errors import SymderiveError, UnsupportedError
from symderive.judgement.balls import Evaluator, Hole, as_ball, precision
from symderive.judgement.examine import OPPOSITE, Statement
from symderive.judgement.floats import Floats
from symderive.judgement.hunt import Columns, Hunt
from symderive.judgement.instances import Instance, constraints, settings
from symderive.judgement.judge import judge_edges, judge_relation
from symderive.judgement.points import Sides, Source, holds
from symderive.judgement.verdicts import Counterexample
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.nodes import ONE, Contraction, Differential, Leaf, Map, Node, Number, Sum
from symderive.language.statements import Relation
from symderive.language.views.text import array_text

SECONDS = 1.2
"""Seconds of computing that a hint may take; what else the machine does is not counted."""

LONGEST_TERM = 60
"""A longer difference is no hint."""

HUGE = 1e100
NEAR = 0.05
LEAST_SHARE = 0.12
"""A condition that leaves less of the points says little: it is an end of the domain, or a tie."""

KINDS = ("factor", "transpose", "mask", "term", "repair", "condition", "absent")
"""What is looked for in an equality, the likeliest first."""

_CONSTANTS: tuple[tuple[float, Expr], ...] = (
    (1.0, ONE),
    (log(2), sympy_log(2)),
    (1 / log(2), 1 / sympy_log(2)),
    (log(10), sympy_log(10)),
    (1 / log(10), 1 / sympy_log(10)),
    (pi, sympy_pi),
    (1 / pi, 1 / sympy_pi),
    (sqrt(2), sympy_sqrt(2)),
    (sqrt(pi), sympy_sqrt(sympy_pi)),
    (sqrt(2 * pi), sympy_sqrt(2 * sympy_pi)),
    (e, E),
)
_COMPARE = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater,
            ">=": np.greater_equal}  # fmt: skip
_EXPONENTS = (1, -1, 2, -2)
_MASKS = ("lt", "le", "eq", "ne")
_MASK_REPAIRS = {"lt": ("lt", "le"), "le": ("le", "lt"), "eq": ("ne",), "ne": ("eq",)}


def hint(
    lhs: Node,
    op: str,
    rhs: Node,
    given: Sequence[Relation] = (),
    *,
    names: tuple[str, str] = ("the left side", "the right side"),
    seconds: float = SECONDS,
    at: Counterexample | None = None,
    kinds: Sequence[str] = KINDS,
) -> str:
    """What is wrong with ``lhs op rhs``, in a few words; "" where nothing was found.

    ``names`` call the sides; the second one is the one that is talked about as wrong.  ``at`` is a
    point where the claim fails: a condition that mends it does not hold there.  ``kinds`` are what
    is looked for in an equality, of `KINDS` and in their order.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> hint((x * x).node, "==", (2 * x * x).node)
    'the right side is 2 times the left side: off by the factor 2'
    """
    search = _Search(lhs, op, rhs, tuple(given), names, time.thread_time() + seconds, at)
    attempts = search.equality(kinds) if op == "==" else search.inequality()
    try:
        return next((found for found in attempts if found), "")
    except (SymderiveError, ArithmeticError):
        return ""


def proportion(base: Node, multiple: Node, given: Sequence[Relation] = ()) -> Node | None:
    """The scalar c, of constants, dimensions and declared scalars, for which ``multiple == c * base`` seems to hold.

    It is a guess that the judge found no fault with; prove it before you use it.

    >>> import symderive as sd
    >>> x = sd.array("x", "n")
    >>> str(sd.Array(proportion(x.node, (3 * x / sd.dims("n")).node)))
    '3/n'
    """
    search = _Search(base, "==", multiple, tuple(given), ("", ""), time.thread_time() + SECONDS)
    samples = search.samples()
    found = [(s, r) for s in samples if (r := _ratio(s)) is not None]
    used = [(s, r) for s, r in found if isfinite(r) and r]
    if len(found) != len(samples) or len(used) < 2:
        return None
    ratios = [r for _, r in used]
    candidates: list[Node] = [Number(ONE)] if _common(ratios) == 1 else []
    candidates += search.scalar_factors([s for s, _ in used], ratios)
    for candidate in candidates:
        mended = build.multiply(build.broadcast(candidate, search.lhs.shape), search.lhs)
        if search.stands(mended, "==", search.rhs):
            return candidate
    return None


@dataclass(frozen=True)
class _Sample:
    """Both sides in floats at one exact point, in one shape."""

    instance: Instance
    left: np.ndarray
    right: np.ndarray


class _Search:
    def __init__(
        self,
        lhs: Node,
        op: str,
        rhs: Node,
        given: tuple[Relation, ...],
        names: tuple[str, str],
        deadline: float,
        at: Counterexample | None = None,
    ) -> None:
        self.at = at
        shape = lhs.shape or rhs.shape
        self.lhs, self.rhs = build.broadcast(lhs, shape), build.broadcast(rhs, shape)
        self.op = op
        self.given = given
        self.names = names
        self.deadline = deadline
        self.leaves = tuple(
            dict.fromkeys(leaf for n in (lhs, rhs, *(x for r in given for x in (r.lhs, r.rhs))) for leaf in n.leaves())
        )

    def late(self) -> bool:
        """Whether the time is up."""
        return time.thread_time() > self.deadline

    def stands(self, lhs: Node, op: str, rhs: Node, given: Sequence[Relation] = (), points: int | None = 12) -> bool:
        """Whether the judge upholds a mended claim; with no number of points, after all that it looks at."""
        if self.late():
            return False
        mended, kept = Relation(lhs, op, rhs), (*self.given, *given)
        verdict = judge_relation(mended, given=kept, points=points)
        enough = verdict.evidence is not None and verdict.evidence.points >= (3 if self.leaves else 1)
        # a hint must not fail at a root of what it says nothing of
        return verdict.upheld and enough and judge_edges(mended, given=kept) is None

    # -- equalities ---------------------------------------------------------------------

    def equality(self, kinds: Sequence[str]) -> Iterator[str]:
        """Hints for lhs == rhs, the likeliest first."""
        if any(isinstance(n, Differential) for side in (self.lhs, self.rhs) for n in side.walk()):
            return
        samples = self.samples()
        looks: dict[str, Callable[[], str]] = {
            "factor": lambda: self.factor(samples) if samples else "",
            "transpose": self.transpose,
            "mask": self.mask,
            "term": lambda: self.term() if samples else "",
            "repair": lambda: self.repaired(samples) if samples else "",
            "condition": self.condition,
            "absent": self.absent,
        }
        for kind in kinds:
            yield looks[kind]()

    def samples(self) -> list[_Sample]:
        """Both sides at a few ordinary points, at unequal sizes."""
        roots = (self.lhs, self.rhs, *(x for r in self.given for x in (r.lhs, r.rhs)))
        source = Source(self.leaves, self.given, (), 0, constraints(roots))
        found: list[_Sample] = []
        for k, sizes in enumerate((settings(roots)[:4] * 12)[:12]):
            if len(found) >= 6 or self.late():
                break
            point = source.point(sizes, ("moderate", "mixed")[k % 2], f"hint{k}", 6)
            if point is None:
                continue
            with precision(128):
                evaluator = Evaluator(point.instance)
                left, right = _floats(evaluator.value(self.lhs)), _floats(evaluator.value(self.rhs))
            if left is not None and right is not None:
                found.append(_Sample(point.instance, *np.broadcast_arrays(left, right)))
        return found

    def factor(self, samples: Sequence[_Sample]) -> str:
        """The right side is a constant, a size or a declared array times the left one."""
        ratios = [_ratio(s) for s in samples]
        if all(r is not None for r in ratios):
            used = [(s, r) for s, r in zip(samples, ratios, strict=True) if r is not None and isfinite(r) and r]
            if len(used) < 2:
                return ""
            for candidate in self.scalar_factors([s for s, _ in used], [float(r) for _, r in used]):
                found = self.confirmed_factor(candidate)
                if found:
                    return found
        for candidate in self.array_factors(samples):
            found = self.confirmed_factor(candidate)
            if found:
                return found
        return ""

    def confirmed_factor(self, candidate: Node) -> str:
        """The words for a factor, if the judge agrees."""
        spread = candidate.shape or self.lhs.shape
        inverse = simplify(build.power(candidate, -1)).node
        turned = _divides(candidate)
        if turned:  # lhs == rhs · leaf, so that no division is needed where the leaf is 0
            mended = (self.lhs, build.multiply(build.broadcast(inverse, spread), self.rhs))
        else:
            mended = (build.multiply(build.broadcast(candidate, spread), self.lhs), self.rhs)
        if not self.stands(mended[0], "==", mended[1]):
            return ""
        truth, claim = self.names
        if isinstance(candidate, Number) and candidate.value == -1:
            return f"wrong sign: {claim} is minus {truth}"
        text = _text(candidate)
        words = f"{claim} is {_atom(text)} times {truth}: off by the factor {text}"
        if isinstance(candidate, Number) and candidate.value.is_Integer:
            return words
        missing = _text(inverse)
        return f"{words} (missing the factor {missing})" if len(missing) <= LONGEST_TERM else words

    def scalar_factors(self, samples: Sequence[_Sample], ratios: Sequence[float]) -> Iterator[Node]:
        """Scalars that explain one ratio a point: constants, sizes, scalar arrays and their powers."""
        constant = _common(ratios)
        if constant is not None:
            if constant != 1:
                yield Number(constant)
            return
        symbols = sorted({x for s in samples for x in s.instance.sizes}, key=str)
        scalars = [leaf for leaf in self.leaves if not leaf.shape]
        factors: list[tuple[Node, list[float]]] = [(Number(ONE), [1.0] * len(samples))]
        for leaf, power in product(scalars, _EXPONENTS):
            values = [float(s.instance.values[leaf][()]) for s in samples]
            if all(values):
                factors.append((build.power(leaf, power), [v**power for v in values]))
        for (factor, values), powers in product(factors, _powers(len(symbols))):
            sizes = [
                float(prod(float(s.instance.sizes[x]) ** p for x, p in zip(symbols, powers, strict=True)))
                for s in samples
            ]
            constant = _common([r / (v * m) for r, v, m in zip(ratios, values, sizes, strict=True)])
            if constant is None or (any(powers) and len(set(sizes)) == 1):
                continue
            for symbol, power in zip(symbols, powers, strict=True):
                constant = constant * symbol**power
            yield Number(constant) if isinstance(factor, Number) else build.scale(constant, factor)

    def array_factors(self, samples: Sequence[_Sample]) -> Iterator[Node]:
        """Declared arrays of the claim's own shape (or along one of its axes) that are left out."""
        shape = self.lhs.shape
        if not shape:
            return
        for leaf in self.leaves:
            if leaf.rank not in (1, len(shape)):
                continue
            places = [(axis,) for axis in range(len(shape)) if leaf.shape == (shape[axis],)]
            if leaf.shape == shape:
                places = [tuple(range(len(shape)))]
            for axes, power in product(places, (1, -1)):
                if all(_explains(s, leaf, axes, power) for s in samples):
                    node = build.power(leaf, power)
                    yield node if leaf.rank == len(shape) else build.view(node, axes, shape)

    def transpose(self) -> str:
        """The right side is the left one transposed."""
        if self.lhs.rank != 2 or self.lhs.shape[0] != self.lhs.shape[1]:
            return ""
        flipped = build.view(self.rhs, (1, 0), self.rhs.shape)
        if flipped is not self.rhs and self.stands(self.lhs, "==", flipped):
            return f"missing transpose: {self.names[1]} is {self.names[0]} transposed"
        return ""

    def mask(self) -> str:
        """A mask or a case distinction in the right side stands the wrong way round."""
        found = [n for n in self.rhs.walk() if isinstance(n, Map) and n.function in (*_MASK_REPAIRS, "where")]
        for node in found[:4]:
            for other in _mask_repairs(node):
                if self.stands(self.lhs, "==", build.substitute(self.rhs, {node: other})):
                    before, after = _bare(_text(node)), _bare(_text(other))
                    return f"wrong mask: {after} in place of {before} would be right"
        return ""

    def term(self) -> str:
        """A term that the right side lacks, has too much, or has with the wrong sign."""
        difference = self.difference()
        if build.is_zero(difference):
            return ""
        size = max(len(_text(self.lhs)), 12)
        lacking = not _negative(difference)
        shown = difference if lacking else simplify(build.scale(-1, difference)).node
        half = simplify(build.scale(Rational(1, 2), shown)).node
        text = _text(shown)
        if len(text) > LONGEST_TERM or len(text) > 0.9 * size or _same_weight(shown, self.lhs):
            return ""
        if len(_terms(shown)) >= len(_terms(self.lhs)) + len(_terms(self.rhs)):
            return ""  # nothing cancelled: the difference says no more than the two sides
        weight = ONE if lacking else -ONE
        mended = build.add([(ONE, self.rhs), (weight, shown)], self.lhs.shape)
        if not self.stands(self.lhs, "==", mended):
            return ""
        claim = self.names[1]
        brief = len(_text(half)) <= LONGEST_TERM // 2
        if brief and self._shorter(self.lhs, half, -weight) and self._shorter(self.rhs, half, weight):
            return f"wrong sign: the term {_text(half)} of {claim} has the wrong sign"
        if lacking:
            return f"{claim} is missing the term {text}"
        if self._shorter(self.rhs, shown, -ONE):
            return f"{claim} has the term {text} too much"
        return f"{claim} is missing the term {_text(difference)}"

    def difference(self) -> Node:
        """left - right, the shorter of two ways to write it."""
        plain = simplify(build.add([(ONE, self.lhs), (-ONE, self.rhs)], self.lhs.shape)).node
        try:
            normaliser = Normaliser(self.given)
            polynomial = normaliser.difference(self.lhs, self.rhs)
            labels = normaliser.labels(self.lhs.shape)
            dims = {i: d for i, d in zip(labels, self.lhs.shape, strict=True) if i >= 0}
            other = simplify(to_node(normaliser.algebra, polynomial, labels, dims)).node
        except (NotHandled, TooLarge):
            return plain
        return other if len(_text(other)) < len(_text(plain)) else plain

    def absent(self) -> str:
        """An array that one side speaks of and the other does not."""
        missing = [leaf.name for leaf in self.lhs.leaves() if leaf not in self.rhs.leaves()]
        if not missing or build.is_zero(self.rhs):
            return ""
        return f"{', '.join(missing)} occurs in {self.names[0]}, but not in {self.names[1]}"

    def _shorter(self, side: Node, term: Node, weight: Expr) -> bool:
        """Whether a side gets shorter by adding a weighted term: it has that term."""
        less = simplify(build.add([(ONE, side), (weight, term)], side.shape)).node
        return len(_text(less)) < len(_text(side))

    # -- inequalities -------------------------------------------------------------------

    def inequality(self) -> Iterator[str]:
        """Hints for lhs < rhs and its kin."""
        weaker = {"<": "<=", ">": ">="}.get(self.op)
        if weaker and self.stands(self.lhs, weaker, self.rhs):
            yield f"true with {weaker} in place of {self.op}"
        reverse = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(self.op)
        if reverse and self.stands(self.lhs, reverse, self.rhs):
            yield f"the relation the other way round holds: {reverse}"
        yield self.constant(close=True)
        yield self.condition()
        yield self.constant()

    # -- conditions ---------------------------------------------------------------------

    def repaired(self, samples: Sequence[_Sample]) -> str:
        """Two arguments swapped, one number changed, or one part squared in the right side."""
        scalars = all(not leaf.shape for leaf in self.leaves) and not self.lhs.shape
        samples = [s for s in samples if scalars and abs(float(s.left[()])) < HUGE]
        if not scalars or len(samples) < (3 if self.leaves else 1):
            return ""
        columns = {
            leaf: np.array([float(s.instance.values[leaf][()]) for s in samples]) for leaf in self.leaves
        }
        wanted = np.array([float(s.left[()]) for s in samples])
        for words, candidate in self.repairs():
            if self.late():
                return ""
            try:
                (found,) = Floats([candidate])(columns)
            except (UnsupportedError, ValueError):
                continue
            near = np.abs(found - wanted) <= 1e-9 * (np.abs(wanted) + 1e-12)
            if np.all(near) and self.stands(self.lhs, "==", candidate):
                return words
        return ""

    def repairs(self) -> Iterator[tuple[str, Node]]:
        """What the right side may have been meant to be, and the words for it."""
        for one, other, candidate in swapped(self.rhs):
            yield f"{one.name} and {other.name} are swapped in {self.names[1]}", candidate
        for old, make in numbers(self.rhs):
            for new in other_values(old):
                yield f"{_shown(new)} in place of {_shown(old)} in {self.names[1]} would be right", make(new)
        for part, candidate in squared(self.rhs):
            yield f"missing square: {_text(part)} squared in {self.names[1]} would be right", candidate
        for part, candidate in flipped(self.rhs):
            yield f"wrong sign: the term {_text(part)} of {self.names[1]} has the wrong sign", candidate
        for part, new, candidate in multiplied(self.rhs):
            yield f"{_text(new)} in place of {_text(part)} in {self.names[1]} would be right", candidate

    def constant(self, close: bool = False) -> str:
        """The nearest simple number with which an inequality stands; ``close``: one that is nearly the same."""
        if self.hunt is None:
            return ""
        hunt, points = self.hunt
        for side, other in ((self.rhs, self.lhs), (self.lhs, self.rhs)):
            alone = whole_number(side)
            sites = (alone,) if alone else [(old, make) for old, make in numbers(side) if old not in (0, 1, -1)]
            for old, make in sites[-4:][::-1]:  # what stands outside first
                found = self.nearest_constant(old, make, other, side is self.rhs, hunt, points, close)
                if found:
                    return found
        return ""

    @cached_property
    def hunt(self) -> tuple[Hunt, Columns] | None:
        """Points in floats; None where there are arrays, or functions that floats do not know."""
        zero = np.zeros(())
        statement = Statement((self.lhs, self.rhs), self.op, "", 1, lambda evaluator, point: (zero, zero))
        try:
            hunt = Hunt(statement, Source(self.leaves, self.given, (), 0, ()), 0)
        except UnsupportedError:
            return None
        return hunt, hunt.samples()

    @cached_property
    def seen(self) -> tuple[Columns, np.ndarray] | None:
        """Points of the domain in floats, and at which of them the claim fails."""
        if self.hunt is None:
            return None
        hunt, points = self.hunt
        inside = hunt.admitted(points)
        kept = {leaf: column[inside] for leaf, column in points.items()}
        scores = hunt.score(kept)
        plain = np.all([(abs(c) < 1e3) & ((abs(c) > 1e-3) | (c == 0)) for c in kept.values()], axis=0)
        fails = (scores > 1e-9) | (np.isnan(scores) & plain)  # nan far out may be an overflow
        return kept, fails

    @cached_property
    def failing(self) -> Instance | None:
        """The point where the claim fails, where it is known and all its entries are scalars."""
        values = self.at.values if self.at is not None else {}
        if self.at is None or not all(isinstance(values.get(x.name), int | Fraction | Expr) for x in self.leaves):
            return None
        exact = {x: values[x.name] for x in self.leaves}
        kept = {x: v if isinstance(v, Expr) else Fraction(v) for x, v in exact.items()}  # type: ignore[arg-type]
        return Instance({}, {x: np.array(v, object) for x, v in kept.items()})

    def excluded(self, relations: Sequence[Relation]) -> bool:
        """Whether conditions leave out the point where the claim fails, provably; without such a point, yes."""
        if self.failing is None:
            return True
        denied = (Relation(r.lhs, OPPOSITE[r.op], r.rhs) for r in relations)
        return any(holds(relation, self.failing) for relation in denied)

    def share(self, relations: Sequence[Relation]) -> float | None:
        """The share of points where conditions hold, 0 where the claim fails at one; None where floats cannot tell."""
        if self.seen is None:
            return None
        points, fails = self.seen
        holds = np.ones(len(fails), bool)
        try:
            for relation in relations:
                left, right = Floats([relation.lhs, relation.rhs])(points)
                holds &= _COMPARE[relation.op](left, right)
        except UnsupportedError:
            return None
        return 0.0 if np.any(holds & fails) else float(np.mean(holds))

    def nearest_constant(
        self,
        old: Expr,
        make: Callable[[Expr], Node],
        other: Node,
        right: bool,
        hunt: Hunt,
        points: Columns,
        close: bool,
    ) -> str:
        """The words for the nearest simple number in the place of one."""
        tries = 0
        for new in nearest(old):
            if close and abs(float(new - old)) > NEAR * abs(float(old)):
                return ""
            if self.late() or tries >= 3:
                return ""
            lhs, rhs = (other, make(new)) if right else (make(new), other)
            if hunt.violates(lhs, rhs, points):
                continue
            tries += 1
            if self.stands(lhs, self.op, rhs, points=None):
                return f"true with {_shown(new)} in place of {_shown(old)}"
        return ""

    def condition(self) -> str:
        """The weakest simple condition under which the claim stands."""
        for relations in self.weakest_first():
            if self.late():
                return ""
            if self.excluded(relations) and self.stands(self.lhs, self.op, self.rhs, relations, points=None):
                return "true if " + " and ".join(str(r) for r in relations)
        return ""

    def weakest_first(self) -> Iterator[tuple[Relation, ...]]:
        """The conditions under which floats see no failure, those that leave the most points first."""
        if self.seen is None:
            yield from self.conditions()
            return
        shares: list[tuple[float, tuple[Relation, ...]]] = []
        for relations in self.conditions():
            share = self.share(relations)
            if share is None:
                yield relations
            elif share >= LEAST_SHARE:
                shares.append((share, relations))

        def rank(found: tuple[float, tuple[Relation, ...]]) -> tuple[int, int]:
            # a little more of the domain is no reason for a condition that is less simple
            return -round(8 * found[0]), len(str(found[1]).replace("=", ""))

        yield from (relations for _, relations in sorted(shares, key=rank))

    def conditions(self) -> Iterator[tuple[Relation, ...]]:
        zero, unit = Number(Integer(0)), Number(ONE)
        needed = tuple(dict.fromkeys((*requirements(self.lhs), *requirements(self.rhs))))
        if needed and len(needed) <= 3:
            yield from ((r,) for r in needed)
            yield needed
        masks = [n for side in (self.lhs, self.rhs) for n in side.walk() if isinstance(n, Map) and n.function in _MASKS]
        for node in list(dict.fromkeys(masks))[:4]:
            one, other = node.arguments
            if not one.shape and not other.shape:
                yield from ((Relation(one, op, other),) for op in ("<=", ">=", "<", ">", "!="))
        targets: list[Node] = [*self.leaves[:4], *(k for k in Sides((self.lhs, self.rhs)).kinks[:6])]
        # a condition on 1/Γ says nothing to a reader
        targets = [n for n in dict.fromkeys(targets) if not (isinstance(n, Map) and n.function == "rgamma")]
        kept: list[tuple[Node, tuple[tuple[str, Node], ...]]] = []
        for node in targets:
            if isinstance(node, Leaf) and (node.domain.structures or node.domain.entries.values is not None):
                continue
            entries = node.domain.entries if isinstance(node, Leaf) else None
            rows = [("!=", zero), (">=", zero), ("<=", zero), (">", zero), ("<", zero)]
            if entries is not None and entries.is_positive:
                rows = []
            elif entries is not None and entries.is_nonnegative:
                rows = [(">", zero)]
            rows += [("!=", unit), (">=", unit), ("<=", unit), (">", unit), ("<", unit)]
            if entries is not None and entries.integer:
                rows += [(">=", Number(Integer(k))) for k in (2, 3, 4, 5)]
            kept.append((node, tuple(rows)))
        for count in range(max((len(rows) for _, rows in kept), default=0)):
            for node, rows in kept:
                if count < len(rows):
                    yield (Relation(node, rows[count][0], rows[count][1]),)
        for node, rows in kept:  # between 0 and 1
            if isinstance(node, Leaf) and (">=", unit) in rows and (">=", zero) in rows:
                yield Relation(node, ">=", zero), Relation(node, "<=", unit)
        plain = (x for x in self.leaves if not x.domain.structures and x.domain.entries.values is None)
        scalars = sorted(plain, key=lambda leaf: leaf.name)
        for i, a in enumerate(scalars[:3]):
            for b in scalars[i + 1 : 3]:
                if a.shape == b.shape:
                    for op in ("<=", ">=", "<", ">", "!="):
                        yield (Relation(a, op, b),)
                    if not a.shape:
                        both = build.add([(ONE, a), (ONE, b)], ())
                        yield from ((Relation(both, op, unit),) for op in ("<=", ">="))


# -- numbers ------------------------------------------------------------------------------


def _floats(values: np.ndarray) -> np.ndarray | None:
    """The values as floats; None where one is not defined or out of range."""
    out = np.empty(values.shape)
    for index in np.ndindex(values.shape):
        value = values[index]
        if isinstance(value, Hole):
            return None
        try:
            out[index] = float(as_ball(value).mid())
        except (OverflowError, ValueError):
            return None
    return out if np.all(np.isfinite(out)) else None


def _ratio(sample: _Sample) -> float | None:
    """right / left where it is the same in every entry; inf where the left side vanishes, None where it varies."""
    left, right = sample.left.reshape(-1), sample.right.reshape(-1)
    scale = max(float(np.max(np.abs(left), initial=0.0)), float(np.max(np.abs(right), initial=0.0)))
    if scale == 0:
        return float("inf")
    live = np.abs(left) > 1e-9 * scale
    if not live.any():
        return float("inf")
    if np.any(np.abs(right[~live]) > 1e-7 * scale):
        return None
    ratios = right[live] / left[live]
    if np.max(np.abs(ratios - ratios[0])) > 1e-9 * max(abs(float(ratios[0])), 1e-300):
        return None
    return float(ratios[0])


def _common(ratios: Sequence[float]) -> Expr | None:
    """The simple constant that all ratios are, None where they differ, are 0, or are not simple."""
    first = ratios[0]
    if not isfinite(first) or first == 0 or any(abs(r - first) > 1e-9 * abs(first) for r in ratios):
        return None
    for value, expr in _CONSTANTS:
        guess = Fraction(first / value).limit_denominator(360)
        if guess and abs(guess.numerator) <= 10_000 and abs(float(guess) * value - first) <= 1e-11 * abs(first):
            return Rational(guess.numerator, guess.denominator) * expr
    return None


def _powers(count: int) -> Iterator[tuple[int, ...]]:
    """Exponents for the sizes: none, one of them, then pairs."""
    rows = [p for p in product((0, 1, -1, 2, -2), repeat=min(count, 3)) if sum(map(abs, p)) <= 2]
    rows.sort(key=lambda p: (sum(map(abs, p)), p))
    for row in rows:
        yield (*row, *([0] * (count - len(row))))


def _explains(sample: _Sample, leaf: Leaf, axes: tuple[int, ...], power: int) -> bool:
    values = np.array([float(v) for v in sample.instance.values[leaf].reshape(-1)])
    values = values.reshape(sample.instance.values[leaf].shape)
    if np.any(values == 0) and power < 0:
        return False
    factor = values**power
    if len(axes) != sample.left.ndim:
        factor = factor.reshape([-1 if k in axes else 1 for k in range(sample.left.ndim)])
    scale = float(np.max(np.abs(sample.right), initial=0.0))
    return bool(scale > 0 and np.max(np.abs(sample.left * factor - sample.right)) <= 1e-9 * scale)


# -- forms --------------------------------------------------------------------------------


def _text(node: Node) -> str:
    if isinstance(node, Contraction) and len(node.factors) == 1 and not node.bound and node.factors[0][0].rank <= 1:
        return array_text(Array(build.scale(node.coefficient, node.factors[0][0])))
    return array_text(Array(node))


def _bare(text: str) -> str:
    """A comparison without the parentheses around it."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and place < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def _divides(node: Node) -> bool:
    """Whether a declared array occurs below a negative power."""
    return any(
        isinstance(n, Map) and n.function == "power" and isinstance(n.arguments[1], Number)
        and n.arguments[1].value.is_negative and n.arguments[0].leaves()
        for n in node.walk()
    )


def _shown(value: Expr) -> str:
    """A number as text, without parentheses around it."""
    return _text(Number(value))


def _atom(text: str) -> str:
    return text if all(c.isalnum() or c in "._" for c in text) else f"({text})"


def _negative(node: Node) -> bool:
    if isinstance(node, Sum):
        return all(w.could_extract_minus_sign() for w, _ in node.terms)
    if isinstance(node, Number):
        return node.value.could_extract_minus_sign()
    return build.split_coefficient(node)[0].could_extract_minus_sign()


def _terms(node: Node) -> set[Node]:
    """The absolute terms of a sum, each with its weight's absolute value."""
    if not isinstance(node, Sum):
        return {node}
    return {build.scale(abs(w), n) if isinstance(w, Rational) else build.scale(w, n) for w, n in node.terms}


def _same_weight(shown: Node, whole: Node) -> bool:
    """Whether the difference is a multiple of the whole: a factor that was not recognised, not a term."""
    return build.split_coefficient(shown)[1] is build.split_coefficient(whole)[1]


def _mask_repairs(node: Map) -> Iterator[Node]:
    if node.function == "where":
        condition, yes, no = node.arguments
        yield Map("where", (condition, no, yes))
        return
    a, b = node.arguments
    for name in _MASK_REPAIRS[node.function]:
        for pair in ((b, a), (a, b)):
            other = Map(name, pair)
            if other is not node:
                yield other


__all__ = ["SECONDS", "hint", "proportion"]
