"""Sums over integers in ball arithmetic: term by term, and a rigorous bound of the tail."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from flint import arb, ctx, fmpq

from symderive.judgement.elements import (
    Element,
    Hole,
    Jet,
    Undefined,
    Unknown,
    as_ball,
    is_plain_integer,
    join,
    precision,
)
from symderive.judgement.growth import NoBound, Ray, tail_sum
from symderive.judgement.integrals import MOST_BITS, TARGET, _number
from symderive.judgement.templates import Evaluates, Template, moves, template
from symderive.language.nodes import Binding, Node

MOST_TERMS = 2500
MOST_FINITE = 3000


def series_value(
    node: Binding, get: Callable[[Node], np.ndarray], evaluator: Evaluates
) -> tuple[Element, arb | None]:
    """The sum, and the largest size of its terms; a hole with its reason where there is no bound."""
    low, high = node.low[0], node.high[0]
    ends = [get(end)[()] for end in (low, high) if end is not None]
    hole = join(*ends)
    if hole is not None:
        return hole, None
    if any(isinstance(e, Jet) for e in ends):
        return Unknown("a sum whose ends move"), None
    if not all(is_plain_integer(e) for e in ends):
        if any(type(e) is fmpq for e in ends):
            return Undefined("a sum between ends that are no integers"), None
        return Unknown("whether an end of a sum is an integer"), None
    function = template(node, get, evaluator)
    if low is not None and high is not None:
        return _finite(function, int(ends[0].p), int(ends[1].p))
    if moves([get(a) for a in node.arguments]):
        return Unknown("an infinite sum whose parameters move"), None
    try:
        with precision(min(ctx.prec, MOST_BITS) + 32):
            if low is not None:
                return _infinite(function, int(ends[0].p), 1, evaluator)
            if high is not None:
                return _infinite(function, int(ends[0].p), -1, evaluator)
            up, size = _infinite(function, 0, 1, evaluator)
            down, other = _infinite(function, -1, -1, evaluator)
            both = size.max(other) if size is not None and other is not None else None
            return up + down, both
    except NoBound as problem:
        return Unknown(f"no bound of a series: {problem}"), None


def _finite(function: Template, low: int, high: int) -> tuple[Element, arb | None]:
    if high < low - 1:
        return Unknown("a sum whose upper end lies more than one below its lower end"), None
    if high - low > MOST_FINITE:
        return Unknown(f"a sum of {high - low + 1} terms"), None
    total: Element = fmpq(0)
    size = arb(0)
    for k in range(low, high + 1):
        term = function.at([fmpq(k)])
        if isinstance(term, Hole):
            if isinstance(term, Undefined):
                term = Undefined(f"the term k = {k} of a sum: {term.reason}")
            return term, None
        total = total + term
        if not isinstance(term, Jet):
            size = size.max(abs(as_ball(term)).upper())
    return total, size


def _infinite(function: Template, low: int, way: int, evaluator: Evaluates) -> tuple[Element, arb | None]:
    """Σ over k = low, low + way, ...: terms up to a place beyond which the rest is provably small."""
    total, size = arb(0), arb(0)
    k, done = low, 0
    problem = NoBound("its tail")
    place = 8
    while done < MOST_TERMS:
        while done < place:
            term = function.at([fmpq(k)])
            if isinstance(term, Undefined):
                return Undefined(f"the term k = {k} of a series: {term.reason}"), None
            if isinstance(term, Hole):
                return term, None
            ball = as_ball(term)
            total, size = total + ball, size.max(abs(ball).upper())
            k, done = k + way, done + 1
        target = (size if size > 0 else arb(1)) * arb(2) ** -TARGET
        if way * k > 3:
            try:
                rest = _rest(function, k, way, evaluator)
            except NoBound as error:
                problem = error
            else:
                if rest < target:
                    return total + arb(0, rest), size
                problem = NoBound("it converges too slowly")
        place = place + max(16, place // 2)
    raise problem


def _rest(function: Template, start: int, way: int, evaluator: Evaluates) -> arb:
    fixed = {node: array[()] for node, array in function.fixed.items() if not array.shape}
    (slot,) = function.bound
    z = arb(abs(start))
    ray = Ray(z, slot, {Fraction(1): arb(way)}, fixed, evaluator.sizes, _number(evaluator))
    return tail_sum(ray.of(function.body), z)


__all__ = ["series_value"]
