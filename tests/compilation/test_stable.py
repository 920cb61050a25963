"""Stable forms against 60 digits, judged relatively; and every rewrite judged."""

import mpmath
import numpy as np
import pytest
from mpmath import mp
from scipy.special import expit

import symderive as sd
from symderive.compilation.stable import stabilise

WIDE = np.concatenate(
    [
        -np.logspace(-12, 4, 60),
        np.logspace(-12, 4, 60),
        [0.0, 1.0, -1.0, 36.5, 37.0, -37.0, 709.5, -709.5, 745.0, -745.0, 1e4, -1e4],
    ]
)
UNIT = np.concatenate([np.logspace(-300, -0.0001, 60), 1 - np.logspace(-15, -1, 30)])

n = sd.dims("n")
z = sd.array("z", n)
y = sd.array("y", n, domain=sd.labels(0, 1))
p = sd.array("p", n, domain=sd.unit_interval)


def sigmoid(t):
    return 1 / (1 + mp.exp(-t))


LINKS = {
    "softplus": (np.log(1 + np.exp(z)), lambda t: mp.log1p(mp.exp(t))),
    "softplus, log1p": (np.log1p(np.exp(z)), lambda t: mp.log1p(mp.exp(t))),
    "two exponentials": (np.log(np.exp(z) + np.exp(-z)), lambda t: mp.log(mp.exp(t) + mp.exp(-t))),
    "sigmoid": (1 / (1 + np.exp(-z)), sigmoid),
    "sigmoid, other way": (np.exp(z) / (1 + np.exp(z)), sigmoid),
    "complement": (1 - expit(z), lambda t: sigmoid(-t)),
    "slope": (expit(z) * (1 - expit(z)), lambda t: sigmoid(t) * sigmoid(-t)),
    "slope, squares": (expit(z) - expit(z) ** 2, lambda t: sigmoid(t) * sigmoid(-t)),
    "slope, exponentials": (np.exp(-z) / (1 + np.exp(-z)) ** 2, lambda t: sigmoid(t) * sigmoid(-t)),
    "log-sigmoid": (np.log(expit(z)), lambda t: -mp.log1p(mp.exp(-t))),
    "log-sigmoid, difference": (z - np.log(1 + np.exp(z)), lambda t: -mp.log1p(mp.exp(-t))),
    "log of a quotient": (np.log(1 / (1 + np.exp(z))), lambda t: -mp.log1p(mp.exp(t))),
    "log-odds": (np.log(expit(z) / (1 - expit(z))), lambda t: t),
    "tanh, exponentials": (
        (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
        mp.tanh,
    ),
    "sech squared": (1 - np.tanh(z) ** 2, lambda t: 4 * sigmoid(2 * t) * sigmoid(-2 * t)),
    "expm1": (np.exp(-np.abs(z)) - 1, lambda t: mp.expm1(-abs(t))),
}


def worst_ulp(got, expected):
    """The largest error in units in the last place; subnormal results count absolutely."""
    errors = []
    for a, b in zip(got, expected, strict=True):
        unit = max(float(np.spacing(abs(float(b)))), 5e-324)
        errors.append(float(abs(mpmath.mpf(float(a)) - b) / unit) if np.isfinite(a) else np.inf)
    return np.array(errors)


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60), np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("title", LINKS)
def test_links_over_a_wide_domain(title):
    link, truth = LINKS[title]
    # 60 digits beyond the cancellation: 1 - tanh(1e4)^2 needs thousands otherwise.
    expected = [truth(mpmath.mpf(float(t))) for t in WIDE]
    errors = worst_ulp(sd.compile(link).value(z=WIDE), expected)
    assert np.all(np.isfinite(errors)), WIDE[~np.isfinite(errors)]
    assert np.mean(errors > 8) <= 0.03, list(zip(WIDE[errors > 8], errors[errors > 8], strict=True))


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize(
    "loss",
    [
        np.sum(np.log(1 + np.exp(z)) - y * z),
        np.sum(np.logaddexp(0, z) - y * z),
        -np.sum(y * np.log(expit(z)) + (1 - y) * np.log(1 - expit(z))),
        np.sum(y * np.log(1 + np.exp(-z)) + (1 - y) * np.log(1 + np.exp(z))),
        np.sum(np.log1p(np.exp(-(2 * y - 1) * z))),
    ],
)
def test_logistic_loss_and_derivatives_are_relatively_accurate(loss, label):
    kernel = sd.compile(loss, wrt=z, order=2)
    sign = 1 - 2 * label
    for t in WIDE:
        data = {"z": [t], "y": [label]}
        u = sign * mpmath.mpf(float(t))
        exact = [mp.log1p(mp.exp(u)), sign * sigmoid(u), sigmoid(u) * sigmoid(-u)]
        got = [kernel.value(**data), kernel.gradient(**data)[0], kernel.hessian(**data)[0, 0]]
        assert np.all(worst_ulp(got, exact) <= 8), (t, got, exact)


def test_entropies_at_the_edges():
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    kernel = sd.compile(entropy)
    exact = [-mpmath.mpf(float(t)) * mp.log(float(t)) - (1 - mpmath.mpf(float(t))) * mp.log1p(-mpmath.mpf(float(t)))
             for t in UNIT]
    assert np.all(worst_ulp(kernel.value(p=UNIT), exact) <= 8)
    assert kernel.value(p=[0.0, 1.0]).tolist() == [0.0, 0.0]


def test_log_sum_exp_and_softmax_shift():
    d = sd.dims("d")
    v = sd.array("v", d)
    big = np.array([1e4, 1e4 - 1, -1e4])
    kernel = sd.compile(np.log(np.sum(np.exp(v))), wrt=v, order=2)
    assert kernel.value(v=big) == pytest.approx(1e4 + np.log1p(np.exp(-1)), rel=1e-15)
    assert np.all(np.isfinite(kernel.gradient(v=big)))
    assert np.all(np.isfinite(kernel.hessian(v=big)))
    softmax = sd.compile(np.exp(v) / np.sum(np.exp(v)))
    assert softmax.value(v=big) == pytest.approx([expit(1), expit(-1), 0.0])


def test_a_mask_does_not_multiply_infinity():
    x = sd.array("x", n)
    kernel = sd.compile(np.sum(np.where(x > 0, np.sqrt(x), 0)), wrt=x)
    assert kernel.gradient(x=[0.0, 4.0, -1.0]).tolist() == [0.0, 0.25, 0.0]
    assert kernel.value(x=[0.0, 4.0, -1.0]) == 2.0


def test_every_rewrite_is_recorded_and_upheld():
    for link, _ in LINKS.values():
        (_, steps) = stabilise([link.node])
        for step in steps:
            assert step.verdict.upheld, f"{step}: {step.verdict}"


def test_kernel_lists_its_stabilising_steps():
    kernel = sd.compile(np.sum(np.logaddexp(0, z) - y * z), wrt=z)
    rules = [step.rule for step in kernel.stabilisation]
    assert any("labels 0 and 1" in rule for rule in rules)
    assert all(step.verdict.upheld for step in kernel.stabilisation)


def test_nothing_is_rewritten_where_the_domain_does_not_allow_it():
    t = sd.array("t", n)
    kernel = sd.compile(np.sum(np.logaddexp(0, z) - t * z))
    assert kernel.stabilisation == ()
    q = sd.array("q", n, domain=sd.positive)
    assert sd.compile(np.sum(t * np.log(q))).stabilisation == ()
