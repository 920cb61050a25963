"""Information measures against SciPy and on the edges; clear errors."""

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy
from support.evaluate import evaluate

import symderive as sd

n, k = sd.dims("n k")
P, Q = (sd.array(name, k, domain=sd.simplex & sd.positive) for name in "PQ")
R, S = (sd.array(name, k, domain=sd.simplex) for name in "RS")
rng = np.random.default_rng(0)


def value(array, **values):
    return evaluate(array.node, {"k": 4, "n": 3}, values)


def test_values():
    p, q = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4))
    for base in (None, 2, 10):
        np.testing.assert_allclose(value(sd.entropy(P, base=base), P=p), scipy_entropy(p, base=base), rtol=1e-13)
        np.testing.assert_allclose(value(sd.kl(P, Q, base=base), P=p, Q=q), scipy_entropy(p, q, base=base), rtol=1e-12)
        total = scipy_entropy(p, base=base) + scipy_entropy(p, q, base=base)
        np.testing.assert_allclose(value(sd.cross_entropy(P, Q, base=base), P=p, Q=q), total, rtol=1e-12)


def test_the_edge():
    r, q = np.array([0.5, 0.5, 0, 0]), rng.dirichlet(np.ones(4))
    np.testing.assert_allclose(value(sd.entropy(R), R=r), np.log(2))
    np.testing.assert_allclose(value(sd.kl(R, Q), R=r, Q=q), scipy_entropy(r, q))
    np.testing.assert_allclose(value(sd.kl(R, S), R=r, S=r), 0, atol=1e-15)
    np.testing.assert_allclose(value(sd.cross_entropy(R, S), R=r, S=r), np.log(2))
    assert value(sd.kl(R, S), R=r, S=r[::-1]) == np.inf


def test_a_batch_has_one_value_a_row():
    M = sd.array("M", n, k, domain=sd.simplex)
    N = sd.array("N", n, k, domain=sd.simplex & sd.positive)
    C = sd.array("C", k, n, domain=sd.simplex(axis=0))
    m, o = rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4), 3)
    np.testing.assert_allclose(value(sd.entropy(M), M=m), scipy_entropy(m, axis=1))
    np.testing.assert_allclose(value(sd.kl(M, N), M=m, N=o), scipy_entropy(m, o, axis=1))
    np.testing.assert_allclose(value(sd.entropy(C), C=m.T), scipy_entropy(m, axis=1))
    np.testing.assert_allclose(value(sd.entropy(C.T), C=m.T), scipy_entropy(m, axis=1))


def test_expressions_that_are_distributions():
    z = sd.array("z", k)
    lam = sd.array("lam", domain=sd.unit_interval)
    sd.entropy(sd.softmax(z))
    sd.entropy(lam * P + (1 - lam) * Q)
    assert sd.check(sd.kl(P, sd.ones(k) / k), "==", np.log(k) - sd.entropy(P)).status == "proved"
    assert sd.check(sd.cross_entropy(P, sd.softmax(z)), "==", sd.logsumexp(z) - P @ z).status == "proved"


def test_how_they_print():
    assert str(sd.entropy(P)) == "-P @ np.log(P)"
    assert str(sd.entropy(R)) == "np.sum(entr(R))"
    assert str(sd.kl(P, Q)) == "P @ np.log(P / Q)"
    assert str(sd.kl(R, Q)) == "np.sum(rel_entr(R, Q))"
    assert "np.log(2)" in str(sd.entropy(P, base=2))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: sd.entropy(sd.array("v", k)), sd.DomainError, "sd.simplex"),
        (lambda: sd.entropy(sd.array("v", k, domain=sd.positive)), sd.DomainError, "declared positive"),
        (lambda: sd.entropy(2 * P), sd.DomainError, "distribution"),
        (lambda: sd.entropy(P - Q), sd.DomainError, "distribution"),
        (lambda: sd.entropy(P[0]), sd.ShapeError, "outcomes"),
        (lambda: sd.entropy(P, base=1), sd.DomainError, "base"),
        (lambda: sd.entropy(P, base=-2), sd.DomainError, "base"),
        (lambda: sd.kl(P, sd.array("T", n, domain=sd.simplex)), sd.ShapeError, "same outcomes"),
        (lambda: sd.entropy(np.ones(3)), sd.DomainError, "distribution"),
        (lambda: sd.entropy(np.array([1.5, -0.5])), sd.DomainError, "distribution"),
    ],
)
def test_errors(make, error, words):
    with pytest.raises(error, match=words):
        make()
