"""Taylor polynomials at an exact place, with exact coefficients.

An expression is evaluated in polynomials of the displacement h, cut at an order.  A function is
expanded from its value at the place (which the place knows) and the polynomial by which its
argument changes.  A scalar's own Taylor polynomial is made from its gradient's: in degree k it is
(1/k) Σ_i h_i [∂f/∂x_i]_(k-1), so that the value f(p), which may be a logarithm, is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq
from sympy import Add, Expr, Mul, Pow, cos, exp, log, sin, tan

from symderive.checking.exact_reals import Exact, NotExactError, to_fmpq
from symderive.checking.germs import Germ, Powers, plus, times
from symderive.checking.real_solutions import Place


class Expansion:
    """Expressions around a place, up to an order in the displacement."""

    def __init__(self, place: Place, variables: Sequence[Any], order: int) -> None:
        self.place = place
        self.variables = tuple(variables)
        self.order = order
        self.zero: Powers = (0,) * len(self.variables)
        self.one: Germ = {self.zero: place.field(1)}
        self.known: dict[Expr, Germ] = {}

    def of(self, expression: Expr) -> Germ:
        """The Taylor polynomial, its value at the place included."""
        if expression not in self.known:
            self.known[expression] = self._of(expression)
        return self.known[expression]

    def _of(self, expression: Expr) -> Germ:
        if not expression.free_symbols & set(self.variables):
            return self.constant(self.place.value(expression))
        if expression in self.variables:
            return plus(self.constant(self.place.value(expression)), self.step(expression))
        if isinstance(expression, Add):
            total: Germ = {}
            for part in expression.args:
                total = plus(total, self.of(part))
            return total
        if isinstance(expression, Mul):
            total = self.one
            for part in expression.args:
                total = times(total, self.of(part), self.order)
            return total
        if isinstance(expression, exp):
            return self.sum(self.place.value(expression), self.shift(expression.args[0]), lambda k: fmpq(1, k))
        if isinstance(expression, cos | sin | tan):
            inner = expression.args[0]
            c, s = self.turned(inner)
            if isinstance(expression, tan):
                return times(s, self.power(c, -1), self.order)
            return c if isinstance(expression, cos) else s
        if isinstance(expression, log):
            inner = self.of(expression.args[0])
            made = self.logarithm(inner)
            return plus(self.constant(self.place.value(expression)), made)
        if isinstance(expression, Pow):
            base, exponent = expression.as_base_exp()
            inner = self.of(base)
            if exponent.is_Integer:
                return self.power(inner, int(exponent))
            if exponent.is_Rational and inner.get(self.zero):
                root = self.place.value(expression)
                return {m: c * root for m, c in self.binomial(inner, to_fmpq(exponent)).items()}
        raise NotExactError(f"{str(expression)[:60]} is not expanded")

    def constant(self, value: Exact) -> Germ:
        """A number."""
        return {} if value.is_zero else {self.zero: value}

    def step(self, variable: Any) -> Germ:
        """The displacement of a variable."""
        powers = tuple(int(variable == other) for other in self.variables)
        return {powers: self.place.field(1)}

    def shift(self, expression: Expr) -> Germ:
        """By how much an expression changes; of a linear one the value at the place is not needed."""
        slopes = {v: expression.diff(v) for v in self.variables}
        if not any(slope.free_symbols & set(self.variables) for slope in slopes.values()):
            total: Germ = {}
            for v, slope in slopes.items():
                if slope != 0:
                    total = plus(total, self.step(v), self.place.value(slope))
            return total
        return {m: c for m, c in self.of(expression).items() if any(m)}

    def sum(self, value: Exact, shift: Germ, ratio: Any) -> Germ:
        """value · Σ_k shift^k / k!, as successive ratios."""
        term: Germ = self.constant(value)
        total = term
        for k in range(1, self.order + 1):
            term = {m: c * ratio(k) for m, c in times(term, shift, self.order).items()}
            total = plus(total, term)
        return total

    def turned(self, inner: Expr) -> tuple[Germ, Germ]:
        """cos and sin of an argument, by the angle's addition."""
        shift = self.shift(inner)
        even: Germ = {}
        odd: Germ = {}
        term: Germ = self.one
        for k in range(self.order + 1):
            if k:
                term = {m: c * fmpq(1, k) for m, c in times(term, shift, self.order).items()}
            if k % 2:
                odd = plus(odd, term, (-1) ** (k // 2))
            else:
                even = plus(even, term, (-1) ** (k // 2))
        c, s = self.constant(self.place.value(cos(inner))), self.constant(self.place.value(sin(inner)))
        order = self.order
        cosine = plus(times(c, even, order), times(s, odd, order), -1)
        sine = plus(times(s, even, order), times(c, odd, order))
        return cosine, sine

    def ratio(self, inner: Germ) -> Germ:
        """The part of a germ that moves, over its value."""
        value = inner.get(self.zero)
        if value is None:
            raise NotExactError("a power or logarithm of what is 0 at the place")
        inverse = value.inverse()
        return {m: c * inverse for m, c in inner.items() if any(m)}

    def logarithm(self, inner: Germ) -> Germ:
        """log(inner) without its value at the place."""
        moved = self.ratio(inner)
        power: Germ = self.one
        total: Germ = {}
        for k in range(1, self.order + 1):
            power = times(power, moved, self.order)
            total = plus(total, power, fmpq((-1) ** (k + 1), k))
        return total

    def binomial(self, inner: Germ, exponent: fmpq) -> Germ:
        """(inner / its value)^exponent."""
        moved = self.ratio(inner)
        term = total = self.one
        for k in range(1, self.order + 1):
            factor = (exponent - (k - 1)) / k
            term = {m: c * factor for m, c in times(term, moved, self.order).items()}
            total = plus(total, term)
        return total

    def power(self, inner: Germ, exponent: int) -> Germ:
        """An integer power; a negative one needs a value that is not 0."""
        if exponent < 0:
            value = inner.get(self.zero)
            if value is None:
                raise NotExactError("a power of what is 0 at the place")
            root = value.inverse() ** -exponent
            return {m: c * root for m, c in self.binomial(inner, fmpq(exponent)).items()}
        made = self.one
        for _ in range(exponent):
            made = times(made, inner, self.order)
        return made


def from_gradient(place: Place, gradient: Mapping[Any, Expr], order: int) -> Germ:
    """f(p + h) - f(p) up to an order, from f's (prepared) partial derivatives by variable."""
    variables = tuple(gradient)
    expansion = Expansion(place, variables, order - 1)
    total: dict[Powers, Exact] = {}
    for k, slope in enumerate(gradient.values()):
        for powers, coefficient in expansion.of(slope).items():
            raised = (*powers[:k], powers[k] + 1, *powers[k + 1 :])
            part = coefficient * fmpq(1, sum(raised))
            total[raised] = total[raised] + part if raised in total else part
    return {m: c for m, c in total.items() if not c.is_zero}


__all__ = ["Expansion", "from_gradient"]
