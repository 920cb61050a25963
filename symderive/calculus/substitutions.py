"""Integrals in other words: ranges cut at kinks, and a new variable in place of the old one.

∫ f(x) dx over a range is ∫ f(φ(v)) |φ'(v)| dv over the range that φ takes to it, for a smooth φ with
φ' != 0, whether the ends are finite or not.  Three such φ are tried, by what an integrand is made of.
Source: W. Rudin, Principles of Mathematical Analysis, 3rd ed., 1976, theorem 6.19.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from sympy import Integer, Rational

from symderive.calculus.kinks import gap_of, places, switched_to, switches
from symderive.calculus.law_tables import Ends, Shown
from symderive.calculus.polynomials import NotHandled
from symderive.calculus.terms import (
    ONE_NODE,
    ZERO_NODE,
    Expansion,
    function,
    minus,
    over,
    plus,
    tidy,
    times,
    to_power,
    whole_number,
)
from symderive.language import build
from symderive.language.domains import positive
from symderive.language.nodes import ONE, Leaf, Map, Node, Number

MOST_CANDIDATES = 4
SUBSTITUTIONS = {
    "substitution x = exp(v)": "代换 x = exp(v)",
    "substitution v = exp(rx)": "代换 v = exp(rx)",
    "substitution v = x**p": "代换 v = x**p",
}
"""What a change of the variable is called, in Chinese."""

Range = tuple[Node, Leaf, Ends]
"""An integrand, its variable and the ends."""


def pieces(body: Node, leaf: Leaf, ends: Ends, shown: Shown, ranging: Callable[[Ends], Leaf]) -> list[Range]:
    """The range cut where |x|, max and comparisons change, with each on its side; as it is where there are none.

    One place on the whole line may be a symbol: there the integral is ∫_0^∞ f(c + t) + f(c - t) dt.
    Several places have to be numbers.
    """
    body = switched_to(body, leaf, shown)
    marks: dict[Node, None] = {}
    for switch in switches(body, leaf):
        marks.update(dict.fromkeys(places(gap_of(switch), leaf, shown)))
    if not marks:
        return [(body, leaf, ends)]
    if ends == (None, None) and len(marks) == 1:
        (centre,) = marks
        half = Leaf(leaf.name, (), positive)
        sides = [build.substitute(body, {leaf: build.add([(ONE, centre), (w, half)], ())}) for w in (ONE, -ONE)]
        made = [switched_to(side, half, shown) for side in sides]
        return [(plus(*made), half, (ZERO_NODE, None))]
    if not all(isinstance(m, Number) for m in (*marks, *(e for e in ends if e is not None))):
        raise NotHandled("kinks at several places that are no numbers")
    found: list[Range] = []
    low, high = ends
    inside = [m for m in _sorted(marks) if _is_inside(m, ends)]
    for left, right in pairwise([low, *inside, high]):
        part = ranging((left, right))
        found.append((switched_to(build.substitute(body, {leaf: part}), part, shown), part, (left, right)))
    return found


def _sorted(marks: dict[Node, None]) -> list[Number]:
    numbers = [m for m in marks if isinstance(m, Number)]
    return sorted(numbers, key=lambda m: m.value)


def _is_inside(mark: Number, ends: Ends) -> bool:
    low, high = ends
    above = low is None or (isinstance(low, Number) and bool(mark.value > low.value))
    return above and (high is None or (isinstance(high, Number) and bool(mark.value < high.value)))


def substitutions(
    body: Node, leaf: Leaf, ends: Ends, shown: Shown, ranging: Callable[[Ends], Leaf]
) -> Iterator[tuple[str, Range]]:
    """The integral in new variables, each with what the substitution is called."""
    above = ends[0] is not None and shown(">=", ends[0])
    yield from _by_exponentials(body, leaf, ends, shown, ranging)
    if above:
        yield from _by_powers(body, leaf, ends, shown, ranging)
        if any(isinstance(n, Map) and n.function == "log" and leaf in n.leaves() for n in body.walk()):
            low, high = ends
            assert low is not None
            new = (
                None if low is ZERO_NODE else function("log", low),
                None if high is None else function("log", high),
            )
            v = ranging(new)
            x = function("exp", v)
            yield "substitution x = exp(v)", (times(build.substitute(body, {leaf: x}), x), v, new)


def _by_exponentials(
    body: Node, leaf: Leaf, ends: Ends, shown: Shown, ranging: Callable[[Ends], Leaf]
) -> Iterator[tuple[str, Range]]:
    """v = exp(rx) for the rates r of exponentials and sigmoids."""
    expansion = Expansion(leaf, False, False, lambda op, node: False)
    rates: dict[Node, None] = {}
    for node in body.walk():
        if isinstance(node, Map) and node.function in _EXPONENTIAL and leaf in node.leaves():
            for argument in node.arguments:
                try:
                    slope, _ = expansion.affine(argument)
                except NotHandled:
                    continue
                if slope is not ZERO_NODE:
                    rate = build.scale(2, slope) if node.function == "tanh" else slope
                    rates[rate] = rates[build.scale(-1, rate)] = None
    for rate in list(rates)[:MOST_CANDIDATES]:
        rising = shown(">", rate)
        if not rising and not shown(">", build.scale(-1, rate)):
            continue
        made = [None if e is None else function("exp", times(rate, e)) for e in ends]
        low, high = made if rising else made[::-1]
        new = (ZERO_NODE if low is None else low, high)
        v = ranging(new)
        size = rate if rising else build.scale(-1, rate)
        x = over(function("log", v), rate)
        yield "substitution v = exp(rx)", (over(build.substitute(body, {leaf: x}), times(size, v)), v, new)


_EXPONENTIAL = frozenset(("exp", "expit", "log_expit", "logaddexp", "tanh", "cosh", "sinh"))


def _by_powers(
    body: Node, leaf: Leaf, ends: Ends, shown: Shown, ranging: Callable[[Ends], Leaf]
) -> Iterator[tuple[str, Range]]:
    """v = x**p for the exponents p of powers of x."""
    exponents: dict[Node, None] = {}
    for node in body.walk():
        if isinstance(node, Map) and node.function == "power" and leaf in node.arguments[0].leaves():
            exponent = node.arguments[1]
            if leaf not in exponent.leaves() and whole_number(exponent) not in (0, 1):
                exponents[exponent] = None
    for p in list(exponents)[:MOST_CANDIDATES]:
        rising = shown(">", p)
        if not rising and not shown(">", build.scale(-1, p)):
            continue
        made = [_power_at_end(e, p, rising) for e in ends]
        new: Ends = (made[0], made[1]) if rising else (made[1], made[0])
        v = ranging(new)
        inverse = Number(1 / p.value) if isinstance(p, Number) else to_power(p, -1)
        size = inverse if rising else build.scale(-1, inverse)
        x = to_power(v, inverse)
        slope = times(size, to_power(v, tidy(minus(inverse, ONE_NODE))))
        yield "substitution v = x**p", (times(build.substitute(body, {leaf: x}), slope), v, new)


def _power_at_end(end: Node | None, p: Node, rising: bool) -> Node | None:
    """An end >= 0 to a power; 0 and infinity where they are limits."""
    if end is None:
        return None if rising else ZERO_NODE
    if end is ZERO_NODE:
        return ZERO_NODE if rising else None
    if isinstance(end, Number) and end.value in (Integer(1), Rational(1)):
        return ONE_NODE
    return to_power(end, p)


__all__ = ["SUBSTITUTIONS", "pieces", "substitutions"]
