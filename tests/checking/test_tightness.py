"""Claims that are true only just: a little off, or without a condition that they need, and nothing is proved."""

import numpy as np
import pytest
from scipy.special import expit, rel_entr

import symderive as sd

n, d, k = sd.dims("n d k")
X, w, y, b = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("b")
lam = sd.array("lam", domain=sd.positive)
P, Q = (sd.array(name, k, domain=sd.simplex & sd.positive) for name in "PQ")
R = sd.array("R", k, domain=sd.simplex)
F, G = (sd.array(name, k, domain=sd.positive) for name in "FG")
U = sd.array("U", k)
x, u = sd.array("x"), sd.array("u", domain=sd.interval(0, 1))
little = 1e-12

TIGHT = [
    (sd.entropy(P), "<=", np.log(k)),
    (sd.entropy(R), "<=", np.log(k)),
    (sd.kl(P, Q), ">=", 0),
    (sd.kl(R, Q), ">=", 0),
    (sd.cross_entropy(P, Q), ">=", sd.entropy(P)),
    (sd.entropy(R), ">=", 0),
    (np.exp(x), ">=", 1 + x),
    (x**2, ">=", 0),
    (np.sum(w**2), ">=", 0),
    (np.logaddexp(0, x), ">=", x),
]


@pytest.mark.parametrize(("lhs", "op", "rhs"), TIGHT)
def test_an_inequality_a_little_off(lhs, op, rhs):
    assert sd.check(lhs, op, rhs).status == "proved"
    off = -little if op == "<=" else little
    assert sd.check(lhs, op, rhs + off).status != "proved"
    assert sd.check(lhs, op[0], rhs).status != "proved" or str(lhs).startswith("np.logaddexp")


EQUAL = [
    (sd.cross_entropy(P, Q), sd.entropy(P) + sd.kl(P, Q)),
    (expit(np.log(u / (1 - u))), u),
    (1 - expit(x), expit(-x)),
    (np.log(1 + np.exp(x)), np.logaddexp(0, x)),
    (sd.log_softmax(U), U - sd.logsumexp(U)),
    (np.sum(sd.softmax(U)), 1),
    (np.sum((X @ w - y) ** 2), (X @ w) @ (X @ w) - 2 * y @ X @ w + y @ y),
]


@pytest.mark.parametrize(("lhs", "rhs"), EQUAL)
def test_an_equality_a_little_off(lhs, rhs):
    assert sd.check(lhs, "==", rhs).status == "proved"
    for off in (rhs + little, rhs * (1 + little), rhs - little):
        assert sd.check(lhs, "==", off).status == "refuted"


@pytest.mark.parametrize(
    ("lhs", "op", "rhs"),
    [
        # ... the simplex
        (-np.sum(F * np.log(F)), "<=", np.log(k)),
        (np.sum(F * np.log(F / G)), ">=", 0),
        (np.sum(rel_entr(F, G)), ">=", 0),
        (np.log(k) - np.sum(-F * np.log(F)), "==", np.sum(F * np.log(k * F))),
        # ... positivity
        (np.sum(rel_entr(U, G)), "==", np.sum(U * np.log(U / G))),
        (np.log(x**2), "==", 2 * np.log(x)),
        (np.sqrt(x**2), "==", x),
        (x + 1 / x, ">=", 2),
        (x / x, "==", 1),
        # ... the interval
        (expit(np.log(x / (1 - x))), "==", x),
        # ... the labels
        (y**2, "==", y),
        (np.sum(y * np.log(expit(y))), "==", np.sum(np.log(expit(y)))),
    ],
)
def test_without_the_condition_that_it_needs(lhs, op, rhs):
    assert not sd.check(lhs, op, rhs).upheld


def test_kinds_of_claims_a_little_off_or_without_a_condition():
    simplex = (np.sum(P), "==", 1)
    mu = sd.array("mu")
    z = X @ w + b
    losses = np.sum((z - y) ** 2) / (2 * n), np.sum(np.logaddexp(0, z) - y * z) / n
    for loss in losses:
        assert sd.claim("convex", loss, wrt=[w, b]).status == "proved"
        assert sd.claim("convex", loss - little * np.sum(w**2), wrt=[w, b]).status != "proved"
        assert sd.claim("convex", loss + lam * np.sum(w**2), wrt=[w, b]).status == "proved"
        assert sd.claim("convex", loss + mu * np.sum(w**2), wrt=[w, b]).status != "proved"
    assert sd.claim("equality_case", np.sum(F * np.log(F / G)), "==", 0, when=(F, "==", G)).status != "proved"
    assert sd.claim("equality_case", sd.kl(P, Q), "==", little, when=(P, "==", Q)).status != "proved"
    assert sd.claim("equality_case", sd.kl(P, Q), "==", 0, when=(P, "==", Q * (1 + little))).status != "proved"
    at = sd.ones(k) / k
    assert sd.claim("stationary", sd.entropy(P), wrt=P, at=at * (1 + little), subject_to=simplex).status == "refuted"
    assert sd.claim("stationary", sd.entropy(P) + little * P[0], wrt=P, at=at, subject_to=simplex).status != "proved"
    f, g = sd.cross_entropy(P, Q), sd.kl(P, Q)
    assert sd.claim("same_minimisers", f + little * Q[0], g, wrt=Q).status != "proved"
    assert sd.claim("same_minimisers", f, 3 * g + 1, wrt=Q).status == "proved"  # still the same minimisers
    assert sd.claim("exists", "x + x", "!=", "2*x").status == "refuted"
    assert sd.claim("exists", "x + x", "!=", "2*x + 1e-12").status == "proved"
