"""The function under a derivative, integral or sum, evaluated at elements; and its Taylor coefficients.

A derivative is read off power series of balls.  Where what is differentiated moves itself (a
derivative of a derivative, of an integral), coefficients in two variables are needed: along
s = c·t for several c they are mixtures with known weights, and exact interpolation unmixes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise, product
from math import factorial
from typing import Any, Protocol

import numpy as np
from flint import arb, arb_series, ctx, fmpq, fmpq_poly, fmpq_series
from sympy import Symbol

from symderive.judgement.elements import (
    Element,
    Hole,
    Jet,
    Kink,
    LogJet,
    NoSeriesError,
    Undefined,
    Unknown,
    as_ball,
    join,
    one_sided,
    precision,
    sign_of,
    undefined_pole,
)
from symderive.language.nodes import Binding, Contraction, Leaf, Map, Node, Number, Sum


class Evaluates(Protocol):
    """What of an evaluator of nodes is needed."""

    sizes: Mapping[Symbol, int]

    def step(self, node: Node, get: Callable[[Node], np.ndarray]) -> np.ndarray:
        """One node's value from those of its children."""
        ...


def boxed(value: Element) -> np.ndarray:
    """One element as an array."""
    out = np.empty((), object)
    out[()] = value
    return out


class Template:
    """A binding's function; what does not depend on its bound variables is computed once."""

    def __init__(self, body: Node, bound: Sequence[Leaf], fixed: Mapping[Leaf, np.ndarray], evaluator: Evaluates):
        self.body = body
        self.bound = tuple(bound)
        self.evaluator = evaluator
        self.fixed: dict[Node, np.ndarray] = dict(fixed)
        self.moving: list[Node] = []
        moving: set[Node] = set(bound)
        for node in body.walk():
            if node in moving or node in self.fixed:
                continue
            if any(c in moving for c in node.children):
                moving.add(node)
                self.moving.append(node)
            else:
                self.fixed[node] = evaluator.step(node, self.fixed.__getitem__)

    def at(self, values: Sequence[Element]) -> Element:
        """The value at elements, jets among them."""
        known = dict(self.fixed)
        known.update(zip(self.bound, map(boxed, values), strict=True))
        for node in self.moving:
            known[node] = self.evaluator.step(node, known.__getitem__)
        return known[self.body][()]


def template(node: Binding, get: Callable[[Node], np.ndarray], evaluator: Evaluates) -> Template:
    """The function of a binding at the values of its arguments."""
    count = len(node.names)
    fixed = {s: get(a) for s, a in zip(node.slots[count:], node.arguments, strict=True)}
    return Template(node.body, node.slots[:count], fixed, evaluator)


def moves(values: Sequence[np.ndarray]) -> bool:
    """Whether jets are among the entries."""
    return any(isinstance(v, Jet) for array in values for v in array.reshape(-1))


def jet(coefficients: Sequence[Any], terms: int) -> Jet:
    """A series from its coefficients, exact where they are."""
    if all(type(c) is fmpq for c in coefficients):
        return Jet(fmpq_series(list(coefficients), prec=terms))
    return Jet(arb_series([arb(c) for c in coefficients], prec=terms))


def moving_from(value: Element, slope: int, terms: int) -> Jet:
    """``value + slope·t``, to some terms; a jet's own coefficients are kept."""
    series = value.series if isinstance(value, Jet) else None
    coefficients: list[Any] = [value] if series is None else [series[k] for k in range(min(terms, series.prec))]
    while len(coefficients) < 2:
        coefficients.append(fmpq(0))
    coefficients[1] = coefficients[1] + slope
    return jet(coefficients[:terms], terms)


def lengthened(value: Element, terms: int) -> Element:
    """A jet as a polynomial with more known terms; other elements as they are."""
    if not isinstance(value, Jet):
        return value
    kind = type(value.series)
    return Jet(kind([value.series[k] for k in range(min(value.series.prec, terms))], prec=terms))


def all_lengthened(array: np.ndarray, terms: int) -> np.ndarray:
    """An array of elements, each `lengthened`."""
    out = np.empty(array.shape, object)
    flat = out.reshape(-1)
    for k, value in enumerate(array.reshape(-1)):
        flat[k] = lengthened(value, terms)
    return out


def coefficient_of(value: Element, order: int) -> Element:
    """The t^order coefficient of an element."""
    if isinstance(value, Jet):
        return value.series[order]
    if isinstance(value, Hole):
        return value if order == 0 else undefined_pole(value)
    return value if order == 0 else fmpq(0)


@cache
def _unmixing(nodes: int, power: int) -> tuple[Any, ...]:
    """Weights w with Σ_c w_c·(Σ_m F_m c^m) = F_power for polynomials of degree < nodes, c = 0, 1, ..."""
    weights = []
    for c in range(nodes):
        basis = fmpq_poly([1])
        for j in range(nodes):
            if j != c:
                basis = basis * fmpq_poly([fmpq(-j, c - j), fmpq(1, c - j)])
        weights.append(basis[power])
    return tuple(weights)


def derivative_value(node: Binding, get: Callable[[Node], np.ndarray], evaluator: Evaluates) -> Element:
    """∂^orders of the function at the point: a number, a jet where its surroundings move, or a hole."""
    arguments = [get(a) for a in node.arguments]
    point = [get(end)[()] for end in node.low if end is not None]
    hole = join(*point)
    if hole is not None:
        return hole
    order = sum(node.orders)
    if moves([*arguments, *map(boxed, point)]):
        return _moving_derivative(node, arguments, point, order, evaluator)
    with precision(ctx.prec, order + 1):
        function = template(node, get, evaluator)
        here = function.at(point)
        if isinstance(here, Undefined):
            return Undefined(f"the derivative where its function is undefined: {here.reason}")
        if isinstance(here, Unknown):
            return here
        if len(node.orders) == 1:
            return _single(function, point[0], here, order)
        return _mixed(node.orders, lambda d: coefficient_of(_along(function, point, d, order + 1), order))


def _along(function: Template, point: Sequence[Element], direction: Sequence[int], terms: int) -> Element:
    return function.at([moving_from(p, d, terms) if d else p for p, d in zip(point, direction, strict=True)])


def _single(function: Template, point: Element, here: Element, order: int) -> Element:
    value = coefficient_of(_along(function, [point], [1], order + 1), order)
    if not isinstance(value, Kink):
        return value * fmpq(factorial(order)) if not isinstance(value, Hole) else value
    return _from_sides(function, point, here, order, value)


ROOTS = (1, 2, 3, 4, 5, 6, 8, 10, 12)
"""Powers ``|t| = s^m`` in which a function with roots is a power series in s."""
CONTINUOUS = frozenset(
    (
        "abs",
        "maximum",
        "minimum",
        "power",
        "exp",
        "expm1",
        "log",
        "log1p",
        "xlogy",
        "entr",
        "sin",
        "cos",
        "sinh",
        "cosh",
        "tanh",
        "expit",
        "softplus",
        "logaddexp",
        "arcsin",
        "arccos",
        "arctan",
        "arcsinh",
        "arccosh",
        "erf",
        "erfc",
        "ndtr",
        "cbrt",
        "hypot",
        "tan",
        "gamma",
        "gammaln",
        "digamma",
    )
)
"""Functions without jumps where they are defined."""


def is_continuous(body: Node) -> bool:
    """Whether a formula is made of functions without jumps, so that what it tends to is its value."""
    return all(
        isinstance(n, Leaf | Number | Sum | Contraction) or (isinstance(n, Map) and n.function in CONTINUOUS)
        for n in body.walk()
    )


def _from_sides(function: Template, point: Element, here: Element, order: int, kink: Kink) -> Element:
    """The derivative at a kink, or at an end of where the function is defined.

    What both sides say, where they agree exactly, and what the one side says where the other has
    no values; undefined where the sides differ or a side has no derivative, as √t and t·log t at 0.
    """
    found: list[list[Element] | Hole] = []
    for way in (-1, 1):
        side = next((s for m in ROOTS if (s := _beside(function, point, way, order, m)) is not None), None)
        if side is None:
            return kink
        found.append(side)
    sides = [s for s in found if not isinstance(s, Hole)]
    if len(sides) < 2 and any(isinstance(s, NoDerivative) for s in found):
        return next(s for s in found if isinstance(s, NoDerivative))
    if not sides:
        return Undefined("a derivative at a point beside which the function is undefined")
    unknown = False
    for k in range(order + 1):
        values = [side[k] for side in sides]
        if k == 0 and is_continuous(function.body):
            continue
        gaps = [a - b for a, b in pairwise(values)] + ([v - here for v in values] if k == 0 else [])
        signs = [sign_of(g) for g in gaps]
        if any(signs):
            # whatever is not known of lower coefficients, there is no derivative
            what = "the function jumps there" if k == 0 else "its sides have different slopes there"
            return Undefined(f"a derivative at a kink: {what}")
        unknown = unknown or None in signs
    value = sides[0][order] if not unknown else _common(sides, here)
    return kink if value is None else value * fmpq(factorial(order))


def _common(sides: Sequence[Sequence[Element]], here: Element) -> Element | None:
    """The last coefficient where all balls of the sides overlap closely, as 3·(1/3) and 1 do; else None.

    If the sides differ all the same there is no derivative, and what is refuted by this ball is wrong, too.
    """
    for k, values in enumerate(zip(*sides, strict=True)):
        for one, other in pairwise((*values, here) if k == 0 else values):
            gap = abs(as_ball(one - other))
            if not gap < arb(2) ** (-ctx.prec // 2) * (abs(as_ball(one)) + 1):
                return None
    value = as_ball(sides[0][-1])
    return value.union(as_ball(sides[-1][-1]))


class NoDerivative(Undefined):
    """There are values beside a point, but their differences have no limit."""


def _beside(function: Template, point: Element, way: int, order: int, root: int) -> list[Element] | Hole | None:
    """The Taylor coefficients at the point from one side; a hole where there certainly are none; None: not known."""
    last = order * root
    terms = 2 * last + 6 * root  # roots of series take terms away
    try:
        with precision(ctx.prec, terms), one_sided(1):
            value = function.at([jet([point, *[fmpq(0)] * (root - 1), fmpq(way)], terms)])
            if isinstance(value, Undefined):
                return value
            if isinstance(value, Hole):
                return None
            powers = value.parts if isinstance(value, LogJet) else (value,)
            return _coefficients(powers, way, order, root)
    except NoSeriesError:
        return None


def _coefficients(powers: Sequence[Element], way: int, order: int, root: int) -> list[Element] | Hole | None:
    """Coefficients of t^0, ..., t^order from ``Σ_k powers[k]·(log s)^k`` with |t| = s^root."""
    last = order * root
    if any(isinstance(p, Jet) and p.series.prec <= last for p in powers):
        return None
    unknown = False
    for k, part in enumerate(powers):
        for n in range(last + 1):
            if k == 0 and n % root == 0:
                continue
            sign = sign_of(coefficient_of(part, n))
            if sign:
                return NoDerivative("a derivative where the function is infinitely steep")
            unknown = unknown or sign is None
    if unknown:
        return None
    return [coefficient_of(powers[0], n * root) * fmpq(way**n) for n in range(order + 1)]


def _mixed(orders: Sequence[int], along: Callable[[Sequence[int]], Element]) -> Element:
    """∂^orders from Taylor coefficients along directions, by polarisation."""
    variables = [k for k, n in enumerate(orders) for _ in range(n)]
    total: Element = fmpq(0)
    for signs in product((1, -1), repeat=len(variables)):
        if signs[0] < 0:
            continue  # the opposite direction says the same
        direction = [0] * len(orders)
        for k, s in zip(variables, signs, strict=True):
            direction[k] += s
        if not any(direction):
            continue
        value = along(direction)
        if isinstance(value, Hole):
            return value
        weight = 1
        for s in signs:
            weight *= s
        total = total + value * fmpq(weight)
    return total * fmpq(2, 2 ** len(variables))


def _moving_derivative(
    node: Binding, arguments: Sequence[np.ndarray], point: Sequence[Element], order: int, evaluator: Evaluates
) -> Element:
    """The derivative as a series in t, where the point or the arguments are such."""
    cap = ctx.cap
    count = len(node.names)
    with precision(ctx.prec, cap + order):
        long = [all_lengthened(a, cap + order) for a in arguments]
        fixed = dict(zip(node.slots[count:], long, strict=True))
        function = Template(node.body, node.slots[:count], fixed, evaluator)
        starts = [lengthened(p, cap + order) for p in point]

        def along(direction: Sequence[int]) -> Element:
            return _unmixed(function, starts, direction, order, cap)

        value = along([1]) if count == 1 else _mixed(node.orders, along)
        if isinstance(value, Hole):
            return value
        return value * fmpq(factorial(order)) if count == 1 else value


def _unmixed(function: Template, starts: Sequence[Element], direction: Sequence[int], order: int, cap: int) -> Element:
    """The s^order coefficient of f(point(t) + s·direction), as a series of ``cap`` terms in t."""
    rows: list[Element] = []
    for c in range(cap + order):
        value = function.at([moving_from(p, c * d, cap + order) for p, d in zip(starts, direction, strict=True)])
        if isinstance(value, Hole):
            return undefined_pole(value)
        rows.append(value)
    return unmixed(rows, order, cap)


def unmixed(rows: Sequence[Element], order: int, cap: int) -> Element:
    """From the series along s = c·t (c = 0, 1, ...): the coefficient of s^order, as a series in t."""
    coefficients: list[Element] = []
    for k in range(cap):
        total: Element = fmpq(0)
        for weight, row in zip(_unmixing(k + order + 1, order), rows, strict=False):
            total = total + coefficient_of(row, k + order) * weight
        coefficients.append(total)
    return jet(coefficients, cap)


__all__ = [
    "Evaluates",
    "Template",
    "boxed",
    "coefficient_of",
    "derivative_value",
    "is_continuous",
    "moves",
    "template",
]
