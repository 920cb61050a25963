"""Derivatives at the ends of where a function is defined, and at roots of 0: mpmath's difference quotients decide."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp

import symderive as sd
from symderive.judgement.verdicts import Status

x = sp.Symbol("x", real=True)
R = sp.Rational

FUNCTIONS = [
    sp.sqrt(x),
    x ** R(1, 3),
    x ** R(3, 2),
    x ** R(5, 4),
    x ** R(7, 3) + x,
    sp.sqrt(x) * sp.sin(x),
    sp.sqrt(sp.sin(x)),
    sp.sqrt(1 + sp.sqrt(x)),
    sp.sqrt(1 - sp.cos(x)) * sp.sqrt(x),
    sp.sqrt(x**4 + x**3),
    sp.sqrt(x**2 + x**4),
    sp.exp(sp.sqrt(x)),
    sp.exp(sp.sqrt(x)) - sp.sqrt(x),
    sp.exp(x * sp.sqrt(x)),
    x * sp.log(x),
    x**2 * sp.log(x),
    x ** R(3, 2) * sp.log(x),
    sp.sqrt(x) * sp.log(x),
    x * sp.log(x) ** 2,
    x * sp.log(x) - x * sp.log(2 * x),
    x * sp.log(x**2 + x) - 2 * x,
    sp.sin(x) * sp.log(x),
    (x + x**2) * sp.log(x) - x * sp.log(x + x**2),
    -x * sp.log(x) - (1 - x) * sp.log(1 - x),
    sp.exp(x**2 * sp.log(x)),
    sp.exp(x * sp.log(x)),
    sp.cos(sp.exp(x * sp.log(x)) * x),
    sp.asin(1 - x),
    sp.acos(1 - x),
    sp.acos(1 - x) ** 2,
    sp.acos(1 - x**2),
    sp.acos(x**2 - 1),
    sp.asin(x - 1),
    sp.asin(1 - x) * x,
    sp.acosh(1 + x),
    sp.acosh(1 + x) ** 2,
    sp.acosh(1 + 2 * x**2),
    sp.cos(sp.sqrt(x)),
    sp.sin(sp.sqrt(x)) * sp.sqrt(x),
    sp.cosh(sp.sqrt(x)) + sp.sqrt(x) ** 3,
    sp.atan(sp.sqrt(x)) ** 2,
    sp.Max(x - 1, x) ** R(3, 2),
    sp.Abs(x - x**2) ** R(1, 2),
    sp.Abs(x - x**2) ** R(5, 2),
]
ON_THE_LINE = [
    sp.Abs(x) ** R(3, 2),
    sp.Abs(x) ** R(1, 2),
    x * sp.sqrt(sp.Abs(x)),
    x * sp.log(sp.Abs(x)),
    x**2 * sp.log(sp.Abs(x)),
    sp.Max(0, x) ** R(3, 2),
    sp.Max(0, x) ** R(1, 2),
    sp.sqrt(x**2),
    sp.sqrt(x**4 + x**2) * x,
    sp.Abs(sp.sin(x)) * x,
    sp.sqrt(1 - sp.cos(x)),
    sp.sqrt(1 - sp.cos(x)) * sp.tanh(x),
    sp.Max(x, 2 * x) ** 2,
    sp.Min(x, x**3) * sp.Abs(x),
]


def slope(function: sp.Expr, side: int) -> mpmath.mpf | None:
    """The limit of difference quotients at 0 from one side, None where they do not settle, nan where there are none."""
    near = sp.Rational(1, 10**700) * side  # what the function tends to at 0, 0·log 0 among it
    with mpmath.workdps(300):
        quotients = []
        for k in (30, 60, 120):
            at, here = (sp.N(function.subs(x, p), 300) for p in (sp.Rational(side, 10**k), near))
            if not at.is_real:
                return mpmath.nan
            quotients.append(mpmath.mpf(str(at - here)) * 10**k * side)
        a, b, c = quotients
        return c if abs(b - c) <= mpmath.mpf(10) ** -15 and abs(a - b) <= mpmath.mpf(10) ** -7 else None


def at_zero(function: sp.Expr, op: str, value: object) -> Status:
    return sd.check(sp.Subs(sp.Derivative(function, x), x, 0), op, value).status


@pytest.mark.parametrize("function", [*FUNCTIONS, *ON_THE_LINE], ids=str)
def test_derivative_at_zero(function: sp.Expr) -> None:
    sides = [slope(function, side) for side in (-1, 1)]
    there = [s for s in sides if s is None or not mpmath.isnan(s)]
    limits = [s for s in there if s is not None]
    assert there
    if len(limits) < len(there) or max(limits) - min(limits) > 1e-9:
        assert at_zero(function, ">=", -(10**9)) is Status.refuted
        assert at_zero(function, "<=", 10**9) is Status.refuted
        return
    near = sp.Rational(str(mpmath.nstr(limits[0], 15)))
    assert at_zero(function, "<=", near + R(1, 10**9)).upheld
    assert at_zero(function, ">=", near - R(1, 10**9)).upheld
    assert at_zero(function, ">=", near + R(1, 10**9)) is Status.refuted


@pytest.mark.parametrize("function", [sp.sqrt(x), x * sp.log(x), sp.acos(1 - x)], ids=str)
def test_where_neither_side_is_defined_nothing_is_decided(function: sp.Expr) -> None:
    verdict = sd.check(sp.Derivative(function, x), "==", function.diff(x), domains={"x": sd.interval(0, 1, "left")})
    assert verdict.status is Status.undecided
    assert "x = 0" in verdict.reason


def test_a_formula_that_is_undefined_at_an_end_refutes_nothing() -> None:
    # the rule makes 2 arcosh(1 + x)/√(2x + x²) of it, which is 0/0 at 0; the derivative there is 2
    claim = sp.Ge(sp.Derivative(sp.acosh(1 + x) ** 2, x), 0, evaluate=False)
    assert sd.check(claim, domains={"x": sd.nonnegative}).upheld


a = sp.Symbol("a", positive=True)
SMOOTH = [
    (sp.Max(0, x) + sp.Min(0, a * (sp.exp(x / a) - 1)), sp.Piecewise((1, x > 0), (sp.exp(x / a), True)), True),
    (sp.Piecewise((a * sp.log(1 + x / a), x > 0), (x, True)), sp.Piecewise((a / (a + x), x > 0), (1, True)), True),
    (sp.Piecewise((a * (sp.exp(x) - 1), x < 0), (x, True)), sp.Piecewise((a * sp.exp(x), x < 0), (1, True)), False),
]


@pytest.mark.parametrize(("function", "slope_claimed", "truth"), SMOOTH, ids=str)
def test_slopes_that_meet_but_for_rounding(function: sp.Expr, slope_claimed: sp.Expr, truth: bool) -> None:
    """celu at a = 3: 3·(1/3) and 1 are two balls that overlap; elu has two slopes there unless a = 1."""
    verdict = sd.check(sp.Derivative(function, x), "==", slope_claimed)
    assert verdict.upheld == truth
    assert truth or verdict.status is Status.refuted
