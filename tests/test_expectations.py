"""Expectations of `sympy.stats` as claims: moments, variances and tails of the usual laws."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy.stats import (
    Bernoulli,
    Beta,
    Binomial,
    Covariance,
    Die,
    Expectation,
    Exponential,
    Gamma,
    Geometric,
    Laplace,
    Multinomial,
    Normal,
    Pareto,
    Poisson,
    Probability,
    Uniform,
    Variance,
)

import symderive as sd
from symderive.language.sympy_expectations import without_expectations

p = sp.Symbol("p")
rate, a, b, s = sp.symbols("rate a b s", positive=True)
mu, t = sp.symbols("mu t", real=True)
n, m = sp.Symbol("n", integer=True, positive=True), sp.Symbol("m", integer=True, nonnegative=True)
X, Z, Y = Normal("X", mu, s), Normal("Z", 0, 1), Exponential("Y", rate)
U = {p: sd.interval(0, 1)}

TRUE = {
    "normal": (Expectation(X**2), mu**2 + s**2, {}),
    "normal generating function": (Expectation(sp.exp(t * Z)), sp.exp(t**2 / 2), {}),
    "gamma": (Variance(Gamma("G", a, b)), a * b**2, {}),
    "beta": (Expectation(Beta("B", a, b)), a / (a + b), {}),
    "poisson": (Variance(Poisson("K", rate)), rate, {}),
    "geometric": (Expectation(Geometric("K", p)), 1 / p, U),
    "bernoulli": (Variance(Bernoulli("K", p)), p * (1 - p), U),
    "binomial": (Variance(Binomial("K", n, p)), n * p * (1 - p), U),
    "uniform": (Variance(Uniform("V", 0, b)), b**2 / 12, {}),
    "laplace": (Variance(Laplace("V", mu, b)), 2 * b**2, {}),
    "die": (Variance(Die("V", 6)), sp.Rational(35, 12), {}),
    "covariance": (Covariance(Z, 2 * Z + 1), 2, {}),
    "normal tail": (Probability(sp.Le(Z, t)), (1 + sp.erf(t / sp.sqrt(2))) / 2, {}),
    "exponential tail": (Probability(sp.Gt(Y, a)), sp.exp(-rate * a), {}),
    "the other way round": (Probability(sp.Gt(a, Y)), 1 - sp.exp(-rate * a), {}),
    "geometric tail": (Probability(Geometric("K", p) > m), (1 - p) ** m, U),
    "die tail": (Probability(Die("V", 6) > 4), sp.Rational(1, 3), {}),
}


@pytest.mark.parametrize("name", TRUE)
def test_moments(name):
    left, right, domains = TRUE[name]
    assert sd.check(left, "==", right, domains=domains).status == "proved"
    assert sd.check(left, "==", right + sp.Rational(1, 10**9), domains=domains).status == "refuted"


def test_a_mean_that_is_infinite_has_no_value():
    mean = Expectation(Pareto("V", 1, a))
    assert sd.check(mean, "==", a / (a - 1), domains={a: sd.interval(1, sp.oo)}).status == "proved"
    assert "diverges" in sd.check(mean, "==", a / (a - 1)).reason


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        (X, "outside of an expectation"),
        (Expectation(X, X > 0), "conditional"),
        (Probability(sp.Gt(Y, t)), "bound lies in the range"),
        (Probability(Poisson("K", rate) > a), "bound lies in the range"),
        (Probability((Z > 0) & (Z < 1)), "compare one random variable"),
        (Expectation(Multinomial("M", 2, [sp.Rational(1, 2)] * 2)[0]), "not read"),
    ],
)
def test_what_is_not_read_is_named(claimed, said):
    with pytest.raises(sd.UnsupportedError, match=said):
        without_expectations(claimed)
