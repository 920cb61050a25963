"""Claims that fail only where nobody looks: beyond 1e100, between two roots, in the thousandth digit."""

import pytest
import sympy as sp

import symderive as sd
from symderive.checking.check import within
from symderive.deadline import OutOfTime, run_within, tick
from symderive.errors import DataError, UnknownNameError
from symderive.judgement.verdicts import Status, Verdict

FROM_ONE, OPEN = sd.interval(1, sp.oo, closed="left"), sd.interval(0, 1)

FAR = [
    ("log(x) <= 100", FROM_ONE),
    ("log(x) <= 500", FROM_ONE),
    ("sqrt(log(x)) <= 9", FROM_ONE),
    ("digamma(x) <= 80", FROM_ONE),
    ("log(log(x+2)) <= 5", FROM_ONE),
    ("log(log(x+2)) <= 8", FROM_ONE),
    ("x**(1/100) >= 1/1000", OPEN),
    ("-log(1-x) <= 300", OPEN),
    ("log(x) >= -2000", OPEN),
]


@pytest.mark.parametrize(("claim", "domain"), FAR, ids=str)
def test_what_fails_far_out_or_near_an_end_is_refuted(claim, domain):
    assert str(sd.check(claim, domains={"x": domain}).status) == "refuted"


def test_far_points_do_not_spoil_what_is_true():
    for claim, domain in (("log(x) <= x - 1", sd.positive), ("exp(x) >= 1 + x", sd.real), ("x**x >= 1/2", sd.positive)):
        assert str(sd.check(claim, domains={"x": domain}).status) == "proved"
    assert sd.check("x**(1/1000) <= x + 1", domains={"x": sd.positive}).upheld


x = sp.Symbol("x", real=True)
TINY = sp.Rational(1, 10**9)
BETWEEN = [
    ((x - 1) * (x - 1 - TINY), ">=", 0),
    ((x**2 - 2) * (x**2 - 2 - TINY), ">=", 0),
    ((x - 2) / (x - 2 - TINY), ">=", 0),
    ((x - sp.Rational(1, 3)) ** 2, ">", 0),
    (x**3 - 3 * x + 2 - TINY, ">=", 0),
]


@pytest.mark.parametrize("claim", BETWEEN, ids=str)
def test_what_fails_between_two_roots_only_is_refuted(claim):
    domains = {"x": sd.interval(0, sp.oo)} if claim[0].has(x**3) else {}
    assert str(sd.check(*claim, domains=domains).status) == "refuted"


@pytest.mark.parametrize(
    ("claim", "ends"),
    [
        ("erf(x) == 1", (50, 60)),
        ("tanh(x) == 1", (1000, 2000)),
        ("cosh(x) == sinh(x)", (1000, 2000)),
        ("exp(x) == exp(x) + exp(-x)", (1000, 2000)),
        ("expit(x) == 1", (3000, 4000)),
    ],
)
def test_equalities_that_hold_to_a_thousand_digits_only_are_refuted(claim, ends):
    assert str(sd.check(claim, domains={"x": sd.interval(*ends)}).status) == "refuted"


def test_a_counterexample_is_not_rounded_to_a_point_where_the_claim_holds():
    assert sd.check("(x - 1)*(x - 1.000001) >= 0").counterexample.point == "x = 1 + 5e-07"
    at = sd.check("-log(1-x) <= 300", domains={"x": OPEN}).counterexample.point
    assert at.startswith("x = 1 - ")


@pytest.mark.parametrize(
    ("claim", "domain"),
    [
        ("x**(1/40) <= 3", FROM_ONE),
        ("log(log(x+2)) <= 3", FROM_ONE),
        ("logit(x) <= 100", OPEN),
        ("digamma(x) <= 50", FROM_ONE),
        ("log(1+log(1+x)) <= 4", FROM_ONE),
    ],
)
def test_hints_hold_at_the_counterexample_and_far_out(claim, domain):
    hint = sd.check(claim, domains={"x": domain}).hint
    assert "pi" not in hint
    assert "!=" not in hint
    assert not any(f"with {k} in place" in hint for k in (4, 5, 6, 7))


@pytest.mark.parametrize("number", ["1e290*1e290", "exp(1000)", "1e300*1e300*1e300"])
def test_bounds_beyond_floats_are_no_errors(number):
    assert str(sd.check(f"x <= {number}").status) == "refuted"
    assert str(sd.check(f"x <= {number} + x**2").status) in ("proved", "checked")
    assert str(sd.check(10**400 * x, ">", 0, domains={"x": sd.positive}).status) == "proved"


def test_symbols_that_share_a_name_are_told_apart():
    one, other = sp.Dummy("x"), sp.Dummy("x")
    with pytest.raises(UnknownNameError, match="two different"):
        sd.check(one - other, "==", 0)
    assert str(sd.check(one - one**2, "<=", sp.Rational(1, 4)).status) == "proved"


def test_a_sum_of_comparisons_is_their_or_as_numpy_has_it():
    assert str(sd.check("(x >= y) + (y >= x) == 1").status) == "proved"
    assert str(sd.check("(x >= y)*1.0 + (y >= x)*1.0 == 1").status) == "refuted"


@pytest.mark.parametrize("seconds", ["1", True, float("nan"), [2]])
def test_a_time_limit_is_a_number(seconds):
    with pytest.raises(DataError, match="timeout"):
        sd.check("x == x", timeout=seconds)


def test_a_claim_has_a_time_limit_where_none_is_given():
    arguments = sp.symbols("a0:7", real=True)
    verdict = sd.check(sp.Max(*arguments), "==", -sp.Min(*(-a for a in arguments)), timeout=1)
    assert verdict.status in (Status.undecided, Status.proved, Status.checked)


def test_an_inner_limit_does_not_answer_for_the_outer_one():
    with pytest.raises(OutOfTime):
        run_within(0.05, lambda: within(60.0, "inner", _busy))


def _busy() -> Verdict:
    while True:
        tick()


@pytest.mark.parametrize(
    "claim",
    [
        "exp(-(1000*x - 123)**2 * 1e6) <= 0.999999",
        "exp(-(7*x - 1)**2 * 1e9) <= 1/2",
        "tanh(1e12*(7*x - 1)**2) >= 1/2",
        "1/(1 + 1e12*(9 - 13*x)**2) <= 0.9",
    ],
)
def test_peaks_as_narrow_as_their_scale_is_large(claim):
    assert sd.check(claim).status == "refuted"
