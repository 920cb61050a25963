"""Declared lengths and orthogonality: used on results, never before deriving by the array itself."""

import numpy as np
import pytest
from derivation.oracle import run_text

import symderive as sd
from symderive.calculus.normal_form import decide_equal

u = sd.array("u", "n", domain=sd.unit_norm)
Q = sd.array("Q", "n", "n", domain=sd.orthogonal)
S = sd.array("S", "n", "n", domain=sd.symmetric)
A, w, a = sd.array("A", "n", "d"), sd.array("w", "d"), sd.array("a")


@pytest.mark.parametrize(
    ("loss", "wrt", "expected"),
    [
        (a * np.sum(u**2) + a**2 * (u @ u), a, "1 + 2 * a"),
        (np.sum((Q @ A @ w) ** 2), w, "2 * A.T @ A @ w"),
        (u @ S @ u / (u @ u), u, "2 * (S @ u - (u @ S @ u) * u)"),
        (np.trace(Q.T @ Q @ S), S, "sd.eye(n)"),
    ],
)
def test_the_fact_shortens_the_result_and_is_proved(loss, wrt, expected):
    derivation = sd.gradient(loss, wrt)
    assert str(derivation.result) == expected
    assert derivation.verdict.status == "proved"


def test_a_variable_moves_freely_whatever_is_declared_of_it():
    rng = np.random.default_rng(0)
    at = rng.normal(size=4)
    at /= np.linalg.norm(at)
    text = str(sd.gradient(np.sum(u**2) ** 2, u).result)
    np.testing.assert_allclose(run_text(text, {"n": 4, "u": at}), 4 * at)
    q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    text = str(sd.gradient(np.trace(Q.T @ Q), Q).result)
    np.testing.assert_allclose(run_text(text, {"n": 4, "Q": q}), 2 * q)


def test_what_is_not_declared_is_not_used():
    v, P = sd.array("v", "n"), sd.array("P", "n", "n")
    assert not decide_equal(np.sum(v**2).node, (0 * a + 1).node).equal
    assert not decide_equal((P.T @ P).node, sd.eye("n").node).equal
    assert decide_equal((Q.T @ Q).node, sd.eye("n").node).equal
    assert decide_equal((u @ u).node, (0 * a + 1).node).equal
