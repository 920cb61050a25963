"""Sums over integers in ball arithmetic: term by term, and a rigorous bound of the tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from flint import arb, ctx, fmpq
from sympy import Integer

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
from symderive.judgement.growth import CONST, LOG, Divergent, NoBound, Ray, sum_diverges, tail_sum
from symderive.judgement.integrals import MOST_BITS, TARGET, getter, integral_value, number_of, under_the_sign
from symderive.judgement.templates import Evaluates, Template, coefficient_of, moves, moving_from, template
from symderive.language.nodes import Binding, Contraction, Leaf, Map, Named, Node, Number, Sum, slot

MOST_TERMS = 1000
MOST_FINITE = 1500
MOST_ORDER = 40
"""The order of the Euler-Maclaurin formula."""


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
        return _moving(node, [get(a) for a in node.arguments], ends, evaluator), None
    try:
        with precision(min(ctx.prec, MOST_BITS) + 32):
            if low is not None:
                return _infinite(node, function, int(ends[0].p), 1, evaluator)
            if high is not None:
                return _infinite(node, function, int(ends[0].p), -1, evaluator)
            up, size = _infinite(node, function, 0, 1, evaluator)
            down, other = _infinite(node, function, -1, -1, evaluator)
            both = size.max(other) if size is not None and other is not None else None
            return up + down, both
    except NoBound as problem:
        return Unknown(f"no bound of a series: {problem}"), None
    except Divergent as problem:
        return Undefined(str(problem)), None


def _moving(node: Binding, arguments: list[np.ndarray], ends: list[Element], evaluator: Evaluates) -> Element:
    """An infinite sum as a series in t, term by term."""
    (low,), (high,) = node.low, node.high
    if low is None and high is None:
        return Unknown("a sum over all integers whose parameters move")
    start, way = int(ends[0].p), 1 if low is not None else -1

    def value(part: Binding, fixed: Sequence[np.ndarray]) -> Element:
        known = template(part, getter(part, fixed, evaluator), evaluator)
        return _infinite(part, known, start, way, evaluator)[0]

    def demand(part: Binding, around: Sequence[np.ndarray]) -> None:
        known = template(part, getter(part, around, evaluator), evaluator)
        problem = NoBound("its derivative by a parameter")
        for place in (16, 64, 256, 1024):
            try:
                _rest(known, way * max(place, way * start), way, evaluator)
            except NoBound as error:
                problem = error
            else:
                return
        raise problem

    cap = ctx.cap
    try:
        with precision(min(ctx.prec, MOST_BITS) + 32, 1):
            return under_the_sign(node, arguments, cap, value, demand)
    except NoBound as problem:
        return Unknown(f"no bound of a series: {problem}")
    except Divergent as problem:
        return Undefined(str(problem))


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


def _infinite(
    node: Binding, function: Template, low: int, way: int, evaluator: Evaluates
) -> tuple[Element, arb | None]:
    """Σ over k = low, low + way, ...: terms up to a place beyond which the rest is provably small."""
    total, size = arb(0), arb(0)
    k, done = low, 0
    problem = NoBound("its tail")
    algebraic = _algebraic(node.body)
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
                if way > 0 and done >= 40 and algebraic and rest > (size if size > 0 else arb(1)) * arb(2) ** -40:
                    return total + _by_integral(node, function, k, evaluator), size
        place = place + max(16, place // 2)
    raise problem


def _by_integral(node: Binding, function: Template, start: int, evaluator: Evaluates) -> arb:
    """Σ_{k >= start} f(k) by the Euler-Maclaurin formula, for f of powers and quotients of z.

    The remainder is bounded by Cauchy's estimate on the discs |ζ - x| <= x/2, where the bounds of the
    powers of z hold for complex z as well.
    """
    half = MOST_ORDER // 2
    at = fmpq(start)
    with precision(ctx.prec, MOST_ORDER):
        taylor = function.at([moving_from(at, 1, MOST_ORDER)])
        if isinstance(taylor, Hole):
            raise NoBound(taylor.reason)
        total = as_ball(coefficient_of(taylor, 0)) / 2
        for j in range(1, half + 1):
            total -= arb.bernoulli(2 * j) / (2 * j) * as_ball(coefficient_of(taylor, 2 * j - 1))
    growth = _ray(function, arb(start) / 2, 1, evaluator).of(node.body)
    remainder = arb(0)
    for form in growth.upper:
        if set(form) - {CONST, LOG}:
            raise NoBound("it converges too slowly")
        e = form.get(LOG, arb(0))
        c = form.get(CONST, arb(0)).exp() * arb(2) ** abs(e)
        if not e < 2 * half - 2:
            raise NoBound("it converges too slowly")
        remainder += c * arb(start) ** (e - 2 * half + 1) / (2 * half - 1 - e)
    remainder *= abs(arb.bernoulli(2 * half)) * arb(2) ** (2 * half)
    beyond = Binding("integral", node.body, node.names, (Number(Integer(start)),), (None,), (), node.arguments)
    fixed = dict(function.fixed)
    slots = dict(zip(node.arguments, node.slots[1:], strict=True))

    def get(part: Node) -> np.ndarray:
        return fixed[slots[part]] if part in slots else evaluator.step(part, fixed.__getitem__)

    value, _ = integral_value(beyond, get, evaluator)
    if isinstance(value, Hole):
        raise NoBound(value.reason)
    return total + as_ball(value) + arb(0, remainder.upper())


def _algebraic(body: Node) -> bool:
    """Whether a template is made of sums, products and constant powers of its variable only."""
    variable = slot(0)
    moving = [n for n in body.walk() if variable in n.leaves()]
    return all(
        isinstance(n, Leaf | Sum | Contraction | Named)
        or (isinstance(n, Map) and n.function == "power" and variable not in n.arguments[1].leaves())
        for n in moving
    )


def _rest(function: Template, start: int, way: int, evaluator: Evaluates) -> arb:
    z = arb(abs(start))
    growth = _ray(function, z, way, evaluator).of(function.body)
    try:
        return tail_sum(growth, z)
    except NoBound:
        if sum_diverges(growth, z):
            raise Divergent("a series that diverges") from None
        raise


def _ray(function: Template, start: arb, way: int, evaluator: Evaluates) -> Ray:
    fixed = {node: array[()] for node, array in function.fixed.items() if not array.shape}
    (variable,) = function.bound
    return Ray(start, variable, {Fraction(1): arb(way)}, fixed, evaluator.sizes, number_of(evaluator))


__all__ = ["series_value"]
