"""The laws of integrals and series: every row by its example, and families of claims by other means."""

from __future__ import annotations

from pathlib import Path

import mpmath
import pytest
import sympy as sp
from support.claims import assert_proved_and_exact

import symderive as sd
from symderive.calculus import integrals, series
from symderive.derivation.checker import replay
from symderive.derivation.proofs import Line

x, k, n, p, q, a, b, t, mu, s = sp.symbols("x k n p q a b t mu s")
lam = sp.Symbol("lambda")
LAWS = (*integrals.LAWS, *series.LAWS, *series.LAWS_OF_POLES)
P, U, N = sd.positive, sd.interval(0, 1), sd.integers(1, sp.oo)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_every_law_by_its_example(law):
    lhs, rhs = law.example
    verdict = sd.check(lhs, "==", rhs)
    assert verdict.status == "proved", verdict
    assert any(law.name in line.rule for line in verdict.trace)
    assert replay(verdict.trace).ok
    assert sd.check(lhs, "==", f"{rhs} + 1e-12").status == "refuted"
    first, *rest = verdict.trace
    forged = Line(first.before, sd.array("z").node, first.rule, first.conditions)
    assert not replay((forged, *rest)).ok
    assert all((law.zh, law.form, law.conditions))


def test_the_page_has_every_law():
    page = (Path(__file__).resolve().parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
    for law in LAWS:
        assert f"| {law.name} | {law.zh} | `{law.form}` | {law.conditions} |" in page


def test_law_names_are_unique():
    assert len({law.name for law in LAWS}) == len(LAWS)


gauss = sp.exp(-((x - mu) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
exponential = lam * sp.exp(-lam * x)
gamma_law = b**a * x ** (a - 1) * sp.exp(-b * x) / sp.gamma(a)
beta_law = x ** (a - 1) * (1 - x) ** (b - 1) * sp.gamma(a + b) / (sp.gamma(a) * sp.gamma(b))
laplace = sp.exp(-sp.Abs(x - mu) / b) / (2 * b)
rayleigh = x / s**2 * sp.exp(-(x**2) / (2 * s**2))
pareto = a / x ** (a + 1)
poisson = lam**k * sp.exp(-lam) / sp.factorial(k)
geometric = p * (1 - p) ** k
binomial = sp.binomial(n, k) * p**k * (1 - p) ** (n - k)
negative = sp.gamma(k + a) / (sp.gamma(a) * sp.factorial(k)) * p**a * (1 - p) ** k

line, half, unit = (x, -sp.oo, sp.oo), (x, 0, sp.oo), (x, 0, 1)
TRUE = {
    "normal third": (sp.Integral(x**3 * gauss, line), mu**3 + 3 * mu * s**2, {s: P}),
    "normal cross entropy": (
        sp.Integral(-gauss * sp.log(gauss.subs(mu, t)), line),
        sp.log(2 * sp.pi * s**2) / 2 + (s**2 + (mu - t) ** 2) / (2 * s**2),
        {s: P},
    ),
    "normal score": (sp.Integral(sp.Derivative(sp.log(gauss), s) * gauss, line), 0, {s: P}),
    "exponential kl": (
        sp.Integral(exponential * sp.log(exponential / exponential.subs(lam, t)), half),
        sp.log(lam / t) + t / lam - 1,
        {lam: P, t: P},
    ),
    "exponential tail": (sp.Integral(exponential, (x, t, sp.oo)), sp.exp(-lam * t), {lam: P, t: P}),
    "gamma mean": (sp.Integral(x * gamma_law, half), a / b, {a: P, b: P}),
    "gamma mean log": (sp.Integral(sp.log(x) * gamma_law, half), sp.digamma(a) - sp.log(b), {a: P, b: P}),
    "beta mean": (sp.Integral(x * beta_law, unit), a / (a + b), {a: P, b: P}),
    "beta mean log": (sp.Integral(sp.log(x) * beta_law, unit), sp.digamma(a) - sp.digamma(a + b), {a: P, b: P}),
    "beta mean log of the rest": (
        sp.Integral(sp.log(1 - x) * beta_law, unit),
        sp.digamma(b) - sp.digamma(a + b),
        {a: P, b: P},
    ),
    "laplace variance": (sp.Integral((x - mu) ** 2 * laplace, line), 2 * b**2, {b: P}),
    "rayleigh": (sp.Integral(x**2 * rayleigh, half), 2 * s**2, {s: P}),
    "pareto mean": (sp.Integral(x * pareto, (x, 1, sp.oo)), a / (a - 1), {a: sd.interval(1, sp.oo)}),
    "uniform second": (
        sp.Integral(x**2 / (b - a), (x, a, b)),
        (a**2 + a * b + b**2) / 3,
        {a: P, b: sd.interval(-3, 0)},
    ),
    "poisson factorial moment": (sp.Sum(k * (k - 1) * (k - 2) * poisson, (k, 0, sp.oo)), lam**3, {lam: P}),
    "poisson generating function": (sp.Sum(t**k * poisson, (k, 0, sp.oo)), sp.exp(lam * (t - 1)), {lam: P}),
    "geometric mean": (sp.Sum(k * geometric, (k, 0, sp.oo)), (1 - p) / p, {p: U}),
    "geometric entropy": (
        sp.Sum(-geometric * sp.log(geometric), (k, 0, sp.oo)),
        -(p * sp.log(p) + (1 - p) * sp.log(1 - p)) / p,
        {p: U},
    ),
    "binomial third": (
        sp.Sum(k * (k - 1) * (k - 2) * binomial, (k, 0, n)),
        n * (n - 1) * (n - 2) * p**3,
        {p: U, n: N},
    ),
    "binomial generating function": (sp.Sum(t**k * binomial, (k, 0, n)), (1 - p + p * t) ** n, {p: U, n: N, t: P}),
    "negative binomial mean": (sp.Sum(k * negative, (k, 0, sp.oo)), a * (1 - p) / p, {p: U, a: P}),
    "squares": (sp.Sum((2 * k - 1) ** 2, (k, 1, n)), n * (4 * n**2 - 1) / 3, {n: N}),
    "two integrals": (sp.Integral(x * t**2, (x, 0, t), (t, 0, 1)), sp.Rational(1, 10), {}),
}


@pytest.mark.parametrize("name", TRUE)
def test_laws_of_probability_are_proved_and_near_misses_refuted(name):
    lhs, rhs, domains = TRUE[name]
    assert_proved_and_exact(lhs, rhs, domains)


UNCONDITIONAL = {
    "exponential of any rate": (sp.Integral(exponential, half), 1, {}),
    "geometric series of any ratio": (sp.Sum(a**k, (k, 0, sp.oo)), 1 / (1 - a), {}),
    "gamma of any argument": (sp.Integral(x ** (a - 1) * sp.exp(-x), half), sp.gamma(a), {a: sd.nonzero}),
    "finite geometric with ratio 1": (sp.Sum(a**k, (k, 0, n)), (1 - a ** (n + 1)) / (1 - a), {a: P, n: N}),
    "normal of negative scale": (sp.Integral(gauss, line), 1, {s: sd.nonzero}),
    "power rule through 0": (sp.Integral(x ** (-2), (x, -1, 1)), -2, {}),
    "second moment of the Cauchy law": (sp.Integral(x**2 / (1 + x**2), line), -sp.pi, {}),
    "power of a quadratic of any exponent": (
        sp.Integral((1 + x**2) ** (-a), line),
        sp.sqrt(sp.pi) * sp.gamma(a - sp.Rational(1, 2)) / sp.gamma(a),
        {a: P},
    ),
    "half Gaussian of any power": (sp.Integral(x**a * sp.exp(-(x**2)), half), sp.gamma((a + 1) / 2) / 2, {}),
    "second kind of any arguments": (
        sp.Integral(x ** (a - 1) / (1 + x) ** (a + b), half),
        sp.gamma(a) * sp.gamma(b) / sp.gamma(a + b),
        {a: P},
    ),
    "geometric series beyond 1": (sp.Sum(a**k, (k, 0, sp.oo)), 1 / (1 - a), {a: sd.interval(1, 3)}),
    "geometric series below -1": (sp.Sum(a**k, (k, 0, sp.oo)), 1 / (1 - a), {a: sd.interval(-3, -1)}),
    "wave of any frequency": (sp.Integral(sp.sin(a * x), (x, 0, 1)), (1 - sp.cos(a)) / a, {}),
    "damped wave of any rate": (sp.Integral(sp.exp(-a * x) * sp.cos(x), half), a / (1 + a**2), {}),
    "logistic of any rate": (sp.Integral(sp.exp(-a * x) / (1 + sp.exp(-a * x)) ** 2, line), 1 / a, {}),
    "poles at places of the sum": (sp.Sum(1 / ((k - 2) * (k - 1)), (k, 0, 40)), 0, {}),
    "differences of what is not defined": (sp.Sum(sp.log((k + 1) / k), (k, 0, n)), sp.log(n + 1), {n: N}),
    "cancelled inside": ("sd.integral(x / x, x, -1, 1)", 2, None),
}


@pytest.mark.parametrize("name", UNCONDITIONAL)
def test_without_its_condition_nothing_is_proved(name):
    lhs, rhs, domains = UNCONDITIONAL[name]
    assert sd.check(lhs, "==", rhs, domains=domains).status != "proved"


def _points(seed: int, count: int) -> list[tuple[int, int, int]]:
    state, found = seed, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        found.append((state // 7 % 5, 1 + state // 97 % 6, state // 1009 % 9 - 4))
    return found


@pytest.mark.parametrize(("power", "rate", "shift"), _points(7, 8))
def test_generated_integrals_against_sixty_digits(power: int, rate: int, shift: int):
    f = (x**power + shift) * sp.exp(-rate * (x**2 if shift % 2 else x))
    with mpmath.workdps(60):
        true = mpmath.quad(sp.lambdify(x, f, "mpmath"), [0, 1, 4, 12, 60])
        nearly = sp.Rational(mpmath.nstr(true, 40))
    close = sp.Rational(1, 10**12)
    cases = (("<=", nearly + close, True), (">=", nearly - close, True), ("<=", nearly - close, False))
    for op, bound, wanted in cases:
        verdict = sd.check(sp.Integral(f, half), op, bound)
        assert verdict.upheld == wanted
        assert (verdict.status == "refuted") != wanted


u, v = sp.symbols("u v", real=True)
plane = ((u, -sp.oo, sp.oo), (v, -sp.oo, sp.oo))
NESTED = {
    "gaussian in the plane": (sp.Integral(sp.exp(-(u**2) - v**2), *plane), sp.pi, {}),
    "correlated": (sp.Integral(sp.exp(-(u**2) + u * v - v**2), *plane), 2 * sp.pi / sp.sqrt(3), {}),
    "one before the other": (
        sp.Integral(sp.Integral(lam * t * sp.exp(-lam * u - t * v), (v, 0, u)), (u, 0, sp.oo)),
        t / (lam + t),
        {lam: P, t: P},
    ),
    "a sum of integrals": (
        sp.Sum(sp.Integral(u**k * sp.exp(-u), (u, 0, sp.oo)) / sp.factorial(k) / 2**k, (k, 0, sp.oo)),
        2,
        {},
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_integrals_in_integrals_are_judged_step_by_step(name):
    left, right, domains = NESTED[name]
    assert_proved_and_exact(left, right, domains)


def test_a_wrong_law_does_not_pass_the_judge_of_steps(monkeypatch):
    right_law = integrals._gaussian
    wrong = [
        integrals.Law(w.name, w.form, w.conditions, w.example, w.zh, lambda *a: right_law(*a) and integrals.ONE_NODE)
        if w.apply is right_law
        else w
        for w in integrals.LAWS
    ]
    monkeypatch.setattr(integrals, "LAWS", tuple(wrong))
    assert not sd.check(sp.Integral(sp.exp(-(u**2) - v**2), *plane), "==", 1).upheld
