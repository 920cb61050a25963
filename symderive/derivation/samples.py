"""Scalars as symbols, with points of their domains at which expressions are evaluated: what guides the search.

The points are samples in floating point.  They say where no proof need be looked for, and from where to go; nothing
rests on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from scipy import special
from sympy import Add, Expr, Mul, Pow, Symbol, exp, log

from symderive.calculus.normal_form import Normaliser
from symderive.calculus.polynomials import NotHandled
from symderive.derivation.one_variable import difference, scalar_analytic, shown_bounds
from symderive.derivation.scalars import to_expression, to_scalar
from symderive.judgement.floats import polygamma
from symderive.language.nodes import Leaf, Node
from symderive.language.statements import Relation
from symderive.language.views.components import scalar_symbol

DRAWN = 4000
POINTS = 160
"""How many points are drawn from the domains, and how many of those at which what is given holds are looked at."""


@final
class Samples:
    """The scalars of a search: their symbols, and points of their domains."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self.symbols = {leaf: scalar_symbol(leaf) for leaf in leaves}
        self.back = {symbol: leaf for leaf, symbol in self.symbols.items()}
        generator = np.random.default_rng(7)
        self.points = {s: _drawn(leaf, generator) for leaf, s in self.symbols.items()}
        self._contexts: dict[frozenset[Relation], Context] = {}

    def expression(self, node: Node) -> Expr:
        """The expression of a scalar node; raises `NotHandled` for what has none."""
        return to_expression(node, self.symbols)

    def node(self, expression: Expr) -> Node:
        """The node of an expression."""
        return to_scalar(expression, self.back)

    @contextmanager
    def known(self, *leaves: Leaf) -> Iterator[None]:
        """New variables have symbols and samples; where a name is taken, the new one has it inside."""
        before = {}
        for leaf in leaves:
            symbol = self.symbols[leaf] = scalar_symbol(leaf)
            if symbol in self.back:
                before[symbol] = self.back[symbol]
            self.back[symbol] = leaf
            if symbol not in self.points:
                self.points[symbol] = _drawn(leaf, np.random.default_rng(7))
        try:
            yield
        finally:
            self.back.update(before)

    def context(self, given: Sequence[Relation]) -> Context:
        """The context of some relations, made once."""
        key = frozenset(given)
        if key not in self._contexts:
            kept = np.ones(DRAWN, dtype=bool)
            for relation in given:
                kept &= self._holds(relation)
            self._contexts[key] = Context(self, tuple(given), np.flatnonzero(kept)[:POINTS])
        return self._contexts[key]

    def _holds(self, relation: Relation) -> np.ndarray:
        try:
            gap, error = self.values(self.expression(difference(relation.lhs, relation.rhs)), slice(None))
        except NotHandled:
            return np.ones(DRAWN, dtype=bool)
        match relation.op:
            case ">" | ">=":
                return gap > error
            case "<" | "<=":
                return gap < -error
            case "!=":
                return np.abs(gap) > error
        return np.ones(DRAWN, dtype=bool)

    def values(self, expression: Expr, at: Any) -> tuple[np.ndarray, np.ndarray]:
        """Values at some of the points (an index of them), and about how far they may be off."""
        points = {symbol: column[at] for symbol, column in self.points.items()}
        with np.errstate(all="ignore"):
            value, error = _evaluated(expression, points, {})
        shape = np.shape(next(iter(points.values())) if points else np.zeros(DRAWN)[at])
        return np.broadcast_to(value, shape), np.broadcast_to(error, shape)


@final
@dataclass(frozen=True, eq=False)
class Context:
    """What holds: relations, and the sample points at which they do."""

    samples: Samples
    given: tuple[Relation, ...]
    at: np.ndarray

    @cached_property
    def normaliser(self) -> Normaliser:
        """The normaliser under the relations."""
        return Normaliser(self.given)

    def sign(self, expression: Expr) -> str:
        """The sign that is shown, as `signs.Bounds.sign`."""
        return shown_bounds(self.normaliser, self.samples.node(expression)).sign

    def values(self, expression: Expr) -> np.ndarray:
        """Values at the sample points."""
        return self.samples.values(expression, self.at)[0]

    def leaning(self, expression: Expr) -> int:
        """+1 where the samples are >= 0, -1 where <= 0, 0 where mixed or unknown; a guide, never a proof."""
        value, error = self.samples.values(expression, self.at)
        good = np.isfinite(value) & np.isfinite(error)
        value, error = value[good], error[good]
        up, down = bool(np.any(value > error)), bool(np.any(value < -error))
        return 0 if up == down else 1 if up else -1

    def below(self, expression: Expr) -> bool:
        """Whether a sample is clearly < 0: then no proof need be looked for."""
        if any(r.op == "==" for r in self.given):
            return False  # samples do not meet equalities
        value, error = self.samples.values(expression, self.at)
        return bool(np.any(np.isfinite(value) & np.isfinite(error) & (value < -2 * error)))


def _drawn(leaf: Leaf, generator: np.random.Generator) -> np.ndarray:
    """Points of a scalar's domain: dense near finite ends, over some orders of size elsewhere."""
    entries = leaf.domain.entries.tight
    low, high = float(entries.low), float(entries.high)
    spread = np.exp(generator.normal(0, 1.5, DRAWN))
    if np.isfinite(low) and np.isfinite(high):
        found = low + (high - low) * special.expit(generator.normal(0, 2, DRAWN))
    elif np.isfinite(low):
        found = low + spread
    elif np.isfinite(high):
        found = high - spread
    else:
        found = spread * generator.choice([-1.0, 1.0], DRAWN)
    if entries.values is not None:
        return generator.choice([float(v) for v in entries.values], DRAWN)
    if entries.integer:
        found = np.clip(np.round(found), low, high)
    return found


_NUMERIC: dict[str, Any] = {
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "erf": special.erf,
    "gamma": special.gamma,
    "loggamma": special.gammaln,
}
_EPS = 1e-13


def _evaluated(e: Expr, at: dict[Symbol, np.ndarray], memo: dict[Expr, Any]) -> tuple[Any, Any]:
    """Values in floating point, and about how far they may be off."""
    found = memo.get(e)
    if found is None:
        found = memo[e] = _evaluated_once(e, at, memo)
    return found


def _evaluated_once(e: Expr, at: dict[Symbol, np.ndarray], memo: dict[Expr, Any]) -> tuple[Any, Any]:
    if isinstance(e, Symbol):
        return at[e], 0.0
    if e.is_number:
        try:
            value = float(e)
        except TypeError as error:
            raise NotHandled("no real number") from error
        return value, abs(value) * _EPS
    inner = [_evaluated(a, at, memo) for a in e.args]  # type: ignore[arg-type]
    if isinstance(e, Add):
        value = sum(v for v, _ in inner)
        return value, sum(r + abs(v) * _EPS for v, r in inner)
    if isinstance(e, Mul):
        value, error = inner[0]
        for v, r in inner[1:]:
            value, error = value * v, abs(value) * r + abs(v) * error
        return value, error + abs(value) * _EPS
    if isinstance(e, exp):
        ((v, r),) = inner
        value = np.exp(v)
        return value, value * (r + _EPS)
    if isinstance(e, Pow):
        (b, rb), (x, rx) = inner
        value = np.power(b + 0.0, x)
        return value, abs(value) * (abs(x) * rb / abs(b) + np.where(b > 0, abs(np.log(abs(b))), 0.0) * rx + _EPS)
    if isinstance(e, log):
        ((v, r),) = inner
        return np.log(v), r / abs(v) + _EPS
    name = e.func.__name__
    if name == "polygamma":
        value = polygamma(int(inner[0][0]), inner[1][0])
    elif name in _NUMERIC:
        value = _NUMERIC[name](inner[0][0])
    else:
        raise NotHandled(f"{name} is not evaluated")
    return value, abs(value) * _EPS + inner[-1][1] * 10


def samples_of(goal: Node, given: Sequence[Relation]) -> Samples | None:
    """The samples for a goal and what is given; None where one of them speaks of arrays."""
    leaves = dict.fromkeys(leaf for r in given for leaf in (*r.lhs.leaves(), *r.rhs.leaves()))
    leaves.update(dict.fromkeys(goal.leaves()))
    if goal.shape or any(leaf.shape for leaf in leaves):
        return None
    return Samples(tuple(leaves))


def sampled_below(goal: Node, given: tuple[Relation, ...]) -> bool:
    """Whether a scalar is clearly < 0 at a sample in floating point: then it is no use to look for a proof.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> sampled_below((x**2 - x).node, ()), sampled_below((x**2 - x + 1).node, ())
    (True, False)
    """
    samples = samples_of(goal, given)
    if samples is None or not scalar_analytic(goal):
        return False
    with suppress(NotHandled):
        return samples.context(given).below(samples.expression(goal))
    return False


__all__ = ["DRAWN", "POINTS", "Context", "Samples", "sampled_below", "samples_of"]
