"""Claims that fail at irrational points only, or on sides of branches that drawn points do not meet."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symderive as sd
from symderive.judgement.judge import judge_edges
from symderive.judgement.verdicts import Status
from symderive.language.nodes import ZERO, Number
from symderive.language.statements import Relation

x = sp.Symbol("x", real=True)
POSITIVE = {"x": sd.positive, "y": sd.positive}
REAL = {"x": sd.real, "y": sd.real}

UNDEFINED = [
    ("1/(x**2 - 2)**2 > 0", REAL, "x**2 - 2"),
    ("1/(x**3 - 5)**2 >= 0", REAL, "x**3 - 5"),
    ("1/cos(x)**2 >= 1", REAL, "cos(x)"),
    ("1/(exp(x) - 2)**2 >= 0", REAL, "exp(x) - 2"),
    ("1/(log(x) - 1)**2 >= 0", POSITIVE, "log(x) - 1"),
    ("log((x**2 - 2)**2) < x**2 + 100", REAL, "x**2 - 2"),
    ("log(abs(x**2 - 3)) <= x**2 + 10", REAL, "x**2 - 3"),
    ("1/(x*y - sqrt(2))**2 > 0", POSITIVE, "x*y - sqrt(2)"),
    ("1/abs(x**2 + y**2 - 3) > 0", REAL, "x**2 + y**2 - 3"),
]
FALSE = [
    ("1 + sin(2*x*y) > 0", REAL),
    ("x**2 + y**2 - 2*sqrt(2)*x + 2 > 0", REAL),
    ("(x**2 - 2)**2 + (y**2 - 3)**2 > 0", REAL),
    ("x*y + 2/(x*y) > 2*sqrt(2)", POSITIVE),
    ("log(x*y) < x*y/exp(1)", POSITIVE),
    ("abs(cos(x)) > 0", REAL),
    ("abs(log(x) - 1) + abs(y**2 - 2) > 0", POSITIVE),
    ("np.where(x**2 == 2, 1, 0) < 1/2", REAL),
    ("np.where(x**2 == 3, 1, x) == x", REAL),
    ("np.where(exp(x) == 2, 1, 0) == 0", REAL),
    ("np.maximum(0, 1 - 1e9*((x - 1/3)**2 + (y - 1/7)**2)) == 0", REAL),
    ("np.maximum(0, 1e-7 - abs(x - 0.777)) <= 0", REAL),
    ("np.maximum(0, 1e-8 - abs(x*y - 5)) == 0", POSITIVE),
]
TRUE = [
    ("1/(x**2 + 2)**2 > 0", REAL),
    ("(x**2 - 2)**2 + (y**2 - 3)**2 >= 0", REAL),
    ("(x**2 - 2)**2 + (y**2 - 3)**2 + 1e-12 > 0", REAL),
    ("1 + sin(2*x*y) >= 0", REAL),
    ("abs(cos(x)) + abs(sin(x)) > 0", REAL),
    ("1/(cos(x)**2 + sin(x)**4) > 0", REAL),
    ("np.where(x**2 + 1 == 0, 1, 0) == 0", REAL),
    ("np.where(x**2 == 2, 2, x**2) == x**2", REAL),
]


@pytest.mark.parametrize(("claim", "domains", "part"), UNDEFINED, ids=lambda v: v if isinstance(v, str) else "")
def test_undefined_at_a_root(claim: str, domains: dict[str, sd.Domain], part: str) -> None:
    used = {name: d for name, d in domains.items() if name in claim}
    verdict = sd.check(claim, domains=used)
    assert verdict.status is Status.refuted
    assert "undefined" in verdict.reason
    at = {name: sp.sympify(value) for name, value in verdict.counterexample.values.items()}
    assert sp.simplify(sp.sympify(part).subs(at)) == 0
    assert "true if" in verdict.hint


@pytest.mark.parametrize(("claim", "domains"), FALSE, ids=lambda v: v if isinstance(v, str) else "")
def test_false_at_rare_points_only(claim: str, domains: dict[str, sd.Domain]) -> None:
    used = {name: d for name, d in domains.items() if name in claim.replace("np.maximum", "").replace("exp", "")}
    verdict = sd.check(claim, domains=used)
    assert verdict.status is Status.refuted, verdict


@pytest.mark.parametrize(("claim", "domains"), TRUE, ids=lambda v: v if isinstance(v, str) else "")
def test_true_beside_rare_points(claim: str, domains: dict[str, sd.Domain]) -> None:
    verdict = sd.check(claim, domains={name: d for name, d in domains.items() if name in claim})
    assert verdict.upheld, verdict


OPENED = [
    ("sd.derivative(x + sin(y*x)**2/y, x) > 0", {"x": sd.real, "y": sd.positive}),
    ("sd.derivative(log(1 + x**2), x, 2) > -1/4", {"x": sd.real}),
    ("sd.derivative(x*exp(-x), x) > -exp(-2)", {"x": sd.real}),
]


@pytest.mark.parametrize(("claim", "domains"), OPENED, ids=lambda v: v if isinstance(v, str) else "")
def test_ties_of_opened_derivatives(claim: str, domains: dict[str, sd.Domain]) -> None:
    assert sd.check(claim, domains=domains).status is Status.refuted
    assert sd.check(claim.replace(">", ">="), domains=domains).upheld


def test_an_integrand_that_is_nowhere_defined_has_no_integral() -> None:
    mean = "sd.integral((t - (a + b)/2)**2/(b - a), t, a, b) == (b - a)**2/12"
    assert sd.check(mean, given=["a < b"]).status is Status.proved
    refuted = sd.check(mean, given=["a <= b"])
    assert refuted.status is Status.refuted
    assert refuted.hint == "true if a < b"


def test_a_side_that_is_undefined_beside_one_that_is_not_known_upholds_nothing() -> None:
    # at a = -1 the right side is undefined, and of the integral no enclosure is found there
    claim = "sd.integral(1/(1 + a*cos(x)), x, 0, 2*pi) == 2*pi/sqrt(1 - a**2)"
    verdict = sd.check(claim, domains={"a": sd.interval(-1, 1, "left")})
    assert verdict.status is Status.undecided
    assert "a = -1" in verdict.reason
    assert sd.check(claim, domains={"a": sd.interval(-1, 1)}).upheld


FAR = [
    ("log(log(x)) <= 10", {"x": sd.interval(3, float("inf"))}),
    ("log(x) <= 10**9", POSITIVE),
    ("-log(x) <= 10**8", POSITIVE),
    ("-log(1 - x) <= 10**8", {"x": sd.interval(0, 1)}),
    ("x*log(x/y) + (1 - x)*log((1 - x)/(1 - y)) <= 10**9", {"x": sd.interval(0, 1), "y": sd.interval(0, 1)}),
]


@pytest.mark.parametrize(("claim", "domains"), FAR, ids=lambda v: v if isinstance(v, str) else "")
def test_bounds_of_what_grows_slowly(claim: str, domains: dict[str, sd.Domain]) -> None:
    verdict = sd.check(claim, domains={name: d for name, d in domains.items() if name in claim})
    assert verdict.status is Status.refuted


def test_a_hint_excludes_the_point_provably() -> None:
    # y = exp(-exp(25)) is not 0, and 1 - y is not 1, though no ball tells them apart
    verdict = sd.check(FAR[-1][0], domains=FAR[-1][1])
    assert "!= 1" not in verdict.hint


def test_where_both_sides_are_undefined_at_an_irrational_point_nothing_is_decided() -> None:
    verdict = sd.check("1/(x**2 - 2) == (x**2 + 2)/(x**4 - 4)", domains={"x": sd.real})
    assert verdict.status is Status.undecided
    assert "sqrt(2)" in verdict.reason
    tangent = sd.check("tan(x) == sin(x)/cos(x)", domains={"x": sd.real})
    assert tangent.status is Status.undecided
    assert "pi/2" in tangent.reason
    assert sd.check("tan(x) == sin(x)/cos(x)", domains={"x": sd.interval(-1, 1)}).status is Status.proved


def test_just_inside_of_what_is_given() -> None:
    assert sd.check("x <= 1", given=["x < 1 + 2**(-500)"]).status is Status.refuted
    assert sd.check("x*y <= 1", given=["x*y < 1 + 2**(-400)"]).status is Status.refuted
    assert sd.check("x*y <= 1", given=["x*y < 1"]).upheld


def test_arrays_have_no_rare_points() -> None:
    p, n = sd.array("p", "n"), sd.dims("n")
    norm = Relation(np.sum(p * p).node, ">", Number(ZERO))
    assert judge_edges(Relation(np.sum(p).node, "==", np.sum(p).node), given=[norm]) is None
    assert sd.check(np.sum(p), "==", n * np.sum(p), given=[norm]).status is Status.refuted


def test_hints_and_points_that_floats_do_not_tell() -> None:
    verdict = sd.check("np.where(x**2 == 0.01, 1, 0) == 0", domains={"x": sd.real})
    assert verdict.hint == "true if x**2 != 1/100"
    shown = sd.check("np.where(x == 0.1234567, 1, 0) == 0", domains={"x": sd.real})
    assert shown.counterexample.point == "x = 0.1234567"


@pytest.mark.parametrize("part", ["x**5 - x - 1", "exp(x) + x", "erf(x) - 1/2", "x**1001 - 2", "digamma(x + 1) - x/3"])
def test_denominators_that_vanish_at_a_place_without_a_name(part: str) -> None:
    domains = {"x": sd.positive if "digamma" in part else sd.real}
    verdict = sd.check(f"1/({part})**2 > 0", domains=domains)
    assert verdict.status is Status.undecided
    root = float(verdict.reason.partition("x = ")[2].partition(";")[0])
    value = sp.lambdify(x, sp.sympify(part), "mpmath")
    assert value(root - 1e-3) * value(root + 1e-3) < 0
    assert sd.check(f"1/({part})**2 > 0", domains=domains, given=[f"{part} != 0"]).upheld


def test_logarithms_of_what_vanishes_at_a_place_without_a_name() -> None:
    verdict = sd.check("log((x**3 - x - 1)**2) <= 10**6 + x**2", domains={"x": sd.real})
    assert verdict.status is Status.undecided
    assert "1.32472" in verdict.reason
    assert sd.check("log((x**3 - x - 1)**2) <= 10**6 + x**2", domains={"x": sd.interval(2, 9)}).upheld


@pytest.mark.parametrize("part", ["exp(x) - x", "1 + x*exp(x)", "x**4 - x + 1", "np.where(x > 0, x, x - 1) + 0.5"])
def test_denominators_that_do_not_vanish(part: str) -> None:
    assert sd.check(f"1/({part})**2 > 0", domains={"x": sd.real}).upheld
