"""Scalar templates at complex balls, for the quadrature of analytic integrands.

The Petras algorithm (python-flint's ``acb.integral``) needs an integrand on complex balls around
the path, and to be told where it is not analytic.  Each function here is one row: its form for
complex balls, which is the analytic continuation of the real one, and for power series of them.
What has no row is `NotAnalytic`, and another method is taken.

Source: F. Johansson, Numerical integration in arbitrary-precision ball arithmetic, ICMS 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import factorial
from typing import Any

import numpy as np
from flint import acb, acb_series, arb, ctx, fmpq
from sympy import Symbol

from symderive.deadline import sheltered, tick
from symderive.judgement.elements import Element, Hole, Jet, as_ball, precision
from symderive.language.nodes import Binding, Contraction, Leaf, Map, Named, Node, Number, Sum

NAN = acb("nan")
MOST_EVALUATIONS = 16000
Complex = Any
"""An ``acb`` or an ``acb_series``."""


NONE: Mapping[Node, Any] = {}


class NotAnalytic(Exception):
    """A part has no complex form; the message names it."""


def _lead(z: Complex) -> acb:
    return z[0] if isinstance(z, acb_series) else z


def _off_cut(z: Complex) -> bool:
    """Whether a value certainly lies off the negative real axis and 0."""
    lead = _lead(z)
    return bool(lead.real > 0) or bool(lead.imag > 0) or bool(lead.imag < 0)


def log(z: Complex) -> Complex:
    """The principal logarithm; nothing on its cut."""
    return z.log() if _off_cut(z) else NAN


def power(base: Complex, exponent: Complex) -> Complex:
    """base ** exponent: integer powers of anything, others off the cut."""
    whole = exponent.unique_fmpz() if isinstance(exponent, acb) and exponent.is_exact() else None
    if whole is not None:
        n = int(whole)
        if abs(n) > 10_000:
            return NAN
        if n >= 0:
            return base**n
        lead = _lead(base)
        return 1 / base**-n if not lead.contains(0) else NAN
    if not _off_cut(base):
        return NAN
    if isinstance(exponent, acb) and isinstance(base, acb) and exponent == acb(fmpq(1, 2)):
        return base.sqrt()
    return (exponent * base.log()).exp()


def _tanh(z: Complex) -> Complex:
    # e stays small on the side where z lies
    if _lead(z).real < 0:
        return -_tanh(-z)
    e = (z * -2).exp()
    return (1 - e) / (1 + e) if not _lead(1 + e).contains(0) else NAN


def _expit(z: Complex) -> Complex:
    if _lead(z).real < 0:
        e = z.exp()
        return e / (1 + e) if not _lead(1 + e).contains(0) else NAN
    e = (-z).exp()
    return 1 / (1 + e) if not _lead(1 + e).contains(0) else NAN


def _right_half(method: str) -> Callable[[Complex], Complex]:
    """A function that is taken right of 0 only."""
    return lambda z: getattr(z, method)() if _lead(z).real > 0 else NAN


def _method(name: str) -> Callable[[Complex], Complex]:
    return lambda z: getattr(z, name)()


ROWS: Mapping[str, Callable[..., Complex]] = {
    "exp": _method("exp"),
    "log": log,
    "sin": _method("sin"),
    "cos": _method("cos"),
    "tanh": _tanh,
    "expit": _expit,
    "erf": _method("erf"),
    "erfc": _method("erfc"),
    "gamma": _right_half("gamma"),
    "gammaln": _right_half("lgamma"),
    "loggamma": _right_half("lgamma"),
    "xlogy": lambda x, y: x * log(y),
    "power": power,
}


class Analytic:
    """A template as a function of complex values of its bound variables."""

    def __init__(
        self,
        body: Node,
        fixed: Mapping[Node, Complex],
        number: Callable[[Any, Mapping[Symbol, int]], Element],
        sizes: Mapping[Symbol, int],
    ) -> None:
        self.body = body
        self.number = number
        self.sizes = sizes
        self.fixed = dict(fixed)
        self.logarithms: Mapping[Node, Complex] = NONE
        self.steps: list[tuple[Node, Callable[[Mapping[Node, Complex]], Complex]]] = []
        for node in body.walk():
            if node not in self.fixed and not (isinstance(node, Leaf) and node.name.startswith("·")):
                self.steps.append((node, self._compiled(node)))

    def __call__(self, values: Mapping[Leaf, Complex], logarithms: Mapping[Node, Complex] = NONE) -> Complex:
        """The value; not a number where it is not certainly analytic.

        Of a variable that is exp(u), ``logarithms`` may say u: powers of it then are entire in u.
        """
        known: dict[Node, Complex] = {**self.fixed, **values}
        self.logarithms = logarithms
        for node, step in self.steps:
            known[node] = step(known)
        return known[self.body]

    def _constant(self, value: Any) -> acb:
        made = self.number(value, self.sizes)
        if isinstance(made, Hole | Jet):
            raise NotAnalytic("a constant without a value")
        return acb(as_ball(made))

    def _compiled(self, node: Node) -> Callable[[Mapping[Node, Complex]], Complex]:
        match node:
            case Number(value=value):
                constant = self._constant(value)
                return lambda known: constant
            case Named(body=body):
                return lambda known: known[body]
            case Sum() if not node.shape:
                terms = [(self._constant(weight), term) for weight, term in node.terms]
                return lambda known: _total([weight * known[term] for weight, term in terms])
            case Contraction() if not node.label_dims:
                coefficient = self._constant(node.coefficient)
                factors = [factor for factor, _ in node.factors]
                return lambda known: _product(coefficient, [known[factor] for factor in factors])
            case Map() if not node.shape:
                return self._map(node)
            case Binding(kind="derivative"):
                return self._derivative(node)
            case Binding(kind="integral") if None not in node.ends:
                return self._integral(node)
        raise NotAnalytic(f"a {type(node).__name__}")

    def _map(self, node: Map) -> Callable[[Mapping[Node, Complex]], Complex]:
        row = ROWS.get(node.function)
        arguments = node.arguments
        if node.function in ("log", "power") and isinstance(arguments[0], Leaf):
            return self._of_variable(node)
        if row is not None:
            return lambda known: row(*(known[a] for a in arguments))
        raise NotAnalytic(f"the function {node.function}")

    def _of_variable(self, node: Map) -> Callable[[Mapping[Node, Complex]], Complex]:
        row = ROWS[node.function]
        base, *rest = node.arguments

        def run(known: Mapping[Node, Complex]) -> Complex:
            u = self.logarithms.get(base)
            if u is None:
                return row(known[base], *(known[r] for r in rest))
            return (u * known[rest[0]]).exp() if rest else u

        return run

    def again(self, fixed: Mapping[Node, Complex]) -> Complex:
        """The value where the fixed parts have other values."""
        known: dict[Node, Complex] = {**self.fixed, **fixed}
        for node, step in self.steps:
            known[node] = step(known)
        return known[self.body]

    def _inside(self, node: Binding) -> tuple[Analytic, tuple[Leaf, ...]]:
        slots = node.slots[len(node.names) :]
        if any(a.shape for a in node.arguments):
            raise NotAnalytic("an array under a derivative or an integral")
        inner = Analytic(node.body, dict.fromkeys(slots, NAN), self.number, self.sizes)
        return inner, slots

    def _derivative(self, node: Binding) -> Callable[[Mapping[Node, Complex]], Complex]:
        if len(node.orders) != 1:
            raise NotAnalytic("a mixed derivative")
        inner, slots = self._inside(node)
        (order,) = node.orders
        (end,) = node.low
        (variable, *_) = node.slots
        assert end is not None

        def run(known: Mapping[Node, Complex]) -> Complex:
            values = [known[a] for a in node.arguments]
            if any(isinstance(v, acb_series) for v in (*values, known[end])):
                return NAN
            with precision(ctx.prec, order + 1):
                moving = acb_series([known[end], acb(1)], prec=order + 1)
                made = inner.again({**dict(zip(slots, values, strict=True)), variable: moving})
                value = made[order] if isinstance(made, acb_series) else acb(0) if made.is_finite() else NAN
            return value * factorial(order)

        return run

    def _integral(self, node: Binding) -> Callable[[Mapping[Node, Complex]], Complex]:
        inner, slots = self._inside(node)
        low, high = node.ends
        (variable, *_) = node.slots
        assert low is not None
        assert high is not None

        def run(known: Mapping[Node, Complex]) -> Complex:
            values = dict(zip(slots, (known[a] for a in node.arguments), strict=True))
            if any(isinstance(v, acb_series) for v in (*values.values(), known[low], known[high])):
                return NAN
            start, width = known[low], known[high] - known[low]
            if not width.is_finite():
                return NAN

            def along(u: acb) -> Complex:
                return inner.again({**values, variable: start + width * u})

            return width * _by_petras(along, 0, 1, abs_tol=arb(2) ** (8 - ctx.prec), eval_limit=400)

        return run


def plain(value: Complex) -> acb:
    """A value as a complex ball."""
    return value if isinstance(value, acb) else NAN


def _total(parts: Sequence[Complex]) -> Complex:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _product(coefficient: acb, factors: Sequence[Complex]) -> Complex:
    product: Complex = coefficient
    for factor in factors:
        product = product * factor
    return product


def _by_petras(function: Callable[[acb], Complex], low: Any, high: Any, **limits: Any) -> acb:
    """``acb.integral``; what its callback raises is raised when it is over, because it can handle no exception."""
    raised: list[BaseException] = []

    def quiet(z: acb, _: bool) -> acb:
        if raised:
            return NAN
        try:
            tick()
            return plain(function(z))
        except BaseException as error:
            raised.append(error)
            return NAN

    value = sheltered(lambda: acb.integral(quiet, low, high, **limits))
    if raised:
        raise raised[0]
    return value


def integrated(function: Callable[[acb], Complex], low: arb, high: arb, target: arb) -> arb | None:
    """∫ of a function that is real on the path; None where its enclosure is not finite."""
    value = _by_petras(
        function,
        acb(low),
        acb(high),
        abs_tol=target,
        rel_tol=arb(2) ** -ctx.prec,
        eval_limit=MOST_EVALUATIONS,
    )
    return value.real if value.is_finite() else None


def complex_of(value: np.ndarray, terms: int = 0) -> Complex:
    """A fixed scalar as a complex ball, a jet as a series of them."""
    element: Element = value[()]
    if isinstance(element, Hole):
        raise NotAnalytic(element.reason)
    if isinstance(element, Jet):
        if not terms:
            raise NotAnalytic("a parameter that moves")
        known = min(terms, element.series.prec)
        return acb_series([acb(arb(element.series[k])) for k in range(known)], prec=terms)
    return acb(as_ball(element))


__all__ = ["Analytic", "NotAnalytic", "complex_of", "integrated"]
