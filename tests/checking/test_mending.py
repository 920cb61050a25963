"""Edits of hand-written gradients: what is offered would be right, and is said in the code's own words.

Whether an edit mends is not believed: the edited source is run again and SciPy's differences judge it.
"""

import ast

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import digamma, gammaln
from support.modules import module

import symderive as sd
from symderive.checking.edits import Source, further, rewritings, sources
from symderive.checking.mending import Mending
from symderive.checking.programs import Program
from symderive.checking.trials import Runs

RELU = """
import numpy as np
rng = np.random.default_rng(3)
def loss(p, X, Y):
    z = np.maximum(X @ p["W1"] + p["b1"], 0) @ p["W2"]
    e = np.exp(z)
    return -np.sum(Y * np.log(e / e.sum(axis=1, keepdims=True))) / len(X)
def grad(p, X, Y):
    n = X.shape[0]
    a = X @ p["W1"] + p["b1"]
    h = np.maximum(a, 0)
    e = np.exp(h @ p["W2"])
    P = e / e.sum(axis=1, keepdims=True)
    d2 = (P - Y) / n
    d1 = (d2 @ p["W2"].T) * (a > 0)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2}
def example():
    p = {"W1": rng.normal(size=(3, 3)), "b1": rng.normal(size=3), "W2": rng.normal(size=(3, 3))}
    return p, rng.normal(size=(3, 3)), np.eye(3)[[0, 2, 1]]
"""
TANH = """
import numpy as np
rng = np.random.default_rng(3)
def loss(p, X, y):
    return 0.5 * np.sum((np.tanh(X @ p["W"] + p["b"]) @ p["v"] - y) ** 2)
def grad(p, X, y):
    a = X @ p["W"] + p["b"]
    h = np.tanh(a)
    r = h @ p["v"] - y
    d = np.outer(r, p["v"]) * (1 - h**2)
    return {"W": X.T @ d, "b": d.sum(axis=0), "v": h.T @ r}
def example():
    p = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2), "v": rng.normal(size=2)}
    return p, rng.normal(size=(4, 3)), rng.normal(size=4)
"""
GELU = """
import numpy as np
from scipy.special import erf
rng = np.random.default_rng(3)
def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))
def slope(x):
    return 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-x**2 / 2) / np.sqrt(2 * np.pi)
def loss(p, X, y):
    return 0.5 * np.sum((gelu(X @ p["W"]) @ p["v"] - y) ** 2)
def grad(p, X, y):
    a = X @ p["W"]
    r = gelu(a) @ p["v"] - y
    return {"W": X.T @ (np.outer(r, p["v"]) * slope(a)), "v": gelu(a).T @ r}
def example():
    return {"W": rng.normal(size=(3, 2)), "v": rng.normal(size=2)}, rng.normal(size=(4, 3)), rng.normal(size=4)
"""
SMOOTH = """
import numpy as np
rng = np.random.default_rng(3)
def loss(W, X, y, eps):
    z = X @ W
    t = np.full(z.shape, eps / z.shape[1])
    t[np.arange(len(y)), y] += 1 - eps
    return -np.sum(t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True))))
def grad(W, X, y, eps):
    p = np.exp(X @ W)
    p = p / p.sum(axis=1, keepdims=True) - eps / W.shape[1]
    p[np.arange(len(y)), y] -= 1 - eps
    return X.T @ p
def example():
    return rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), np.array([0, 2, 1, 2]), 0.1
"""
EMBEDDING = """
import numpy as np
rng = np.random.default_rng(3)
def loss(E, idx, T):
    return 0.5 * np.sum((E[idx] - T) ** 2)
def grad(E, idx, T):
    dE = np.zeros(E.shape)
    np.add.at(dE, idx, E[idx] - T)
    return dE
def example():
    return rng.normal(size=(4, 3)), np.array([[0, 1], [2, 1], [0, 0]]), rng.normal(size=(3, 2, 3))
"""
GAMMA = """
import numpy as np
from scipy.special import digamma, gammaln
rng = np.random.default_rng(3)
def loss(s, y):
    k = np.exp(s)
    return -np.sum((k - 1) * np.log(y) - gammaln(k) - y)
def grad(s, y):
    k = np.exp(s)
    return -k * np.sum(np.log(y) - digamma(k))
def example():
    return 0.3, rng.uniform(0.5, 2.0, 5)
"""
CHANCE = """
import numpy as np
rng = np.random.default_rng(3)
def loss(a, y):
    pi = 1 / (1 + np.exp(-a))
    return -np.sum(np.log(y + (1 - y) * pi))
def grad(a, y):
    pi = 1 / (1 + np.exp(-a))
    d = np.sum((1 - y) / (y + (1 - y) * pi))
    return -d * pi * (1 - pi)
def example():
    return 0.3, rng.uniform(0.2, 0.8, 5)
"""
MISTAKES = (
    (GELU, "slope(a)", "gelu(a)", "W: wrong function: np.outer(r, p['v']) * slope(a) in place of"),
    (SMOOTH, "-= 1 - eps", "-= 1", "missing term -eps: 1 - eps in place of 1"),
    (EMBEDDING, "np.add.at(dE, idx, E[idx] - T)", "dE[idx] += E[idx] - T", "twice is counted once: np.add.at(dE, idx"),
    (EMBEDDING, "np.add.at(dE, idx, E[idx] - T)", "dE[idx] -= T - E[idx]", "np.subtract.at(dE, idx, T - E[idx])"),
    (CHANCE, " * (1 - pi)", "", "missing factor 1 - pi"),
    (GAMMA, "-k * np", "-np", "missing factor k"),
    (RELU, "(P - Y) / n", "(P - Y)", "W1, b1, W2: missing factor 1/n: (P - Y) / n in place of P - Y would be right"),
    (RELU, " * (a > 0)", "", "W1, b1: missing mask a > 0: d2 @ p['W2'].T * (a > 0) in place of d2 @ p['W2'].T"),
    (RELU, "(a > 0)", "(d2 > 0)", "W1, b1: wrong array: d2 @ p['W2'].T * (a > 0)"),
    (RELU, 'p["W2"].T', 'p["W2"]', "W1, b1: missing transpose"),
    (RELU, "e.sum(axis=1", "e.sum(axis=0", "W1, b1, W2: wrong axis: e.sum(axis=1"),
    (RELU, "h.T @ d2", "a.T @ d2", "W2: wrong array: h.T @ d2 in place of a.T @ d2"),
    (RELU, "(P - Y) / n", "(P - Y) * P * (1 - P) / n", "W1, b1, W2: factors too much: P - Y in place of"),
    (TANH, "1 - h**2", "1 - a**2", "W, b: wrong array: np.outer(r, p['v']) * (1 - h ** 2) in place of"),
    (TANH, " * (1 - h**2)", "", "W, b: missing factor 1 - h**2"),
    (TANH, " - y\n", " + y\n", "W, b, v: wrong sign: h @ p['v'] - y in place of h @ p['v'] + y"),
)


@pytest.mark.parametrize(("source", "old", "new", "said"), MISTAKES, ids=[m[3][:30] for m in MISTAKES])
def test_a_slip_in_a_network_is_told(source, old, new, said):
    head, _, tail = source.partition("def grad(")
    assert old in tail
    code = module(f"{head}def grad({tail.replace(old, new, 1)}")
    found = sd.check_gradient(code.loss, code.grad, *code.example())
    assert found.status == "refuted" or not found.cross_check.ok, str(found)  # what adds up twice is only run
    assert said in found.hint


def test_an_edit_that_is_right_for_positive_data():
    """With y of any sign log(y) is undefined nearly everywhere, and no edit would stand."""

    def loss(s, y, mu):
        k = np.exp(s)
        return -np.sum(k * np.log(k / mu) + (k - 1) * np.log(y) - k * y / mu - gammaln(k))

    def grad(s, y, mu):
        k = np.exp(s)
        return -np.sum(np.log(k / mu) + 1 + np.log(y) - y / mu - digamma(k))

    data = np.random.default_rng(2).uniform(0.5, 2.0, size=(2, 6))
    found = sd.check_gradient(loss, grad, 0.4, *data)
    assert found.status == "refuted"
    assert "missing factor k" in found.hint


def program(loss, grad, params, *data):
    return Runs(Program(loss, grad, params, data), 0)


X, y = np.random.default_rng(0).normal(size=(4, 4)), np.random.default_rng(1).normal(size=4)


def squares(w, X, y):
    return np.sum((X @ w - y) ** 2) / len(y) + 0.5 * np.sum(w**2)


@pytest.mark.parametrize(
    ("grad", "said"),
    [
        (lambda w, X, y: 2 * X.T @ (X @ w - y) + w, "missing factor 1/len(X)"),
        (lambda w, X, y: 2 * X @ (X @ w - y) / len(y) + w, "missing transpose"),
        (lambda w, X, y: 2 * X.T @ (X @ w + y) / len(y) + w, "wrong sign: 2 * X.T @ (X @ w - y) in place of"),
        (lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y) + 3 * w, "missing factor 1/3"),
        (lambda w, X, y: 2 * X.T @ (X @ w) / len(y) + w, "missing term -y"),
    ],
)
def test_edits_mend_by_other_means(grad, said):
    """What the search returns is right at points that it did not see, by SciPy."""
    runs = program(squares, grad, y / 2, X, y)
    kept = []
    (found,) = Mending(runs, {}, ["w"]).search(lambda made, paths: kept.append(made) or True)
    assert said in found.words
    for seed in range(3):
        at = np.random.default_rng(seed).normal(size=4)
        np.testing.assert_allclose(kept[-1](at, X, y), approx_fprime(at, squares, 1e-7, X, y), rtol=1e-4, atol=1e-4)


def test_what_is_not_confirmed_is_not_said():
    runs = program(squares, lambda w, X, y: 2 * X.T @ (X @ w - y) + w, y / 2, X, y)
    assert Mending(runs, {}, ["w"]).search(lambda made, paths: False) == []
    assert Mending(runs, {}, ["w"]).search(lambda made, paths: True, seconds=0.0) == []


def test_a_right_gradient_has_no_edits():
    runs = program(squares, lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y) + w, y / 2, X, y)
    assert Mending(runs, {}, ["w"]).search(lambda made, paths: True) == []


def test_the_right_one_of_equal_sizes():
    """n = d: both 1/n and 1/d fit the numbers; the judge knows them apart."""
    found = sd.check_gradient(squares, lambda w, X, y: 2 * X.T @ (X @ w - y) / X.shape[1] + w, y / 2, X, y)
    assert found.status == "refuted"
    assert "shape[1] / len" not in found.hint.replace("X.shape[1] * ", "")
    missing = sd.check_gradient(squares, lambda w, X, y: 2 * X.T @ (X @ w - y) + w, y / 2, X, y)
    assert "missing factor 1/len(X)" in missing.hint


def test_code_that_is_only_run():
    """A loop that cannot be read: the edited code is run at fresh points before it is said."""

    def loss(w, X, y):
        total = 0.0
        for row, target in zip(X, y, strict=True):
            margin = target * (row @ w)
            total += (1 - margin) ** 2 if margin < 1 else 0.0
        return total

    def grad(w, X, y):
        g = np.zeros_like(w)
        for row, target in zip(X, y, strict=True):
            margin = target * (row @ w)
            g -= (1 - margin) * target * row if margin < 1 else 0.0 * row
        return g

    found = sd.check_gradient(loss, grad, y / 5, X, np.array([1.0, -1, -1, 1]))
    assert found.status == "undecided"
    assert not found.cross_check.ok
    assert "2" in found.hint


def test_lambdas_of_one_line_and_functions_that_are_called():
    pair = (lambda w: w @ w, lambda w: w * 3)
    for function, text in zip(pair, ("w @ w", "w * 3"), strict=True):
        source = Source(function)
        assert text in {ast.unparse(site.node) for site in source.sites()}
        np.testing.assert_array_equal(source.made()(y), function(y))

    factor = 3.0

    def inner(w):
        return factor * w

    def outer(w):
        return inner(w)

    (_, _), (source, put) = sources(outer)
    site = next(s for s in source.sites() if getattr(s.node, "id", "") == "factor")
    np.testing.assert_array_equal(put(source.edited(site, "2"))(y), 2 * y)
    np.testing.assert_array_equal(outer(y), 3 * y)


def endless(w):
    while w[0] < 0:
        w = w + 1
    return w


def test_more_than_arithmetic_is_not_edited():
    with pytest.raises(ValueError, match="arithmetic"):
        Source(endless)
    assert sources(np.sum) == []


def test_every_rewriting_is_an_expression_of_python():
    """Calls of Python's own sum, starred arguments, slices, texts and conditions among what is edited."""

    def every(w, X, y):
        total = sum(np.exp(s) for s in [w[k] for k in range(len(w)) if k != 1])
        parts = {"a": np.sum(X, 0), "b": X[:, 1:].mean(axis=0)}
        return total / (1 if y.size else 2) - np.where(y > 0, *(w, -w)) @ parts["a"] ** 2 + X.dot(w).sum(0)

    source = Source(every)
    atoms, calls = source.atoms(), source.calls()
    texts = [t for site in source.sites() for t, _ in (*rewritings(site, atoms), *further(site, atoms, calls))]
    assert len(texts) > 1000
    for text in texts:
        ast.parse(text, mode="eval")
    assert len(list(source.statements())) == 2
    assert ast.unparse(source.definition) == ast.unparse(Source(every).definition)
