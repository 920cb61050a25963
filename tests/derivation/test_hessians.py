"""Hessians and Jacobians against finite differences, in plain NumPy."""

import numpy as np
import pytest
from derivation.corpus import ROWS
from derivation.families import FAMILIES
from derivation.oracle import SETTINGS, declared, finite_difference, run_text, sample

import symderive as sd

LOSSES = [(row.name, row.loss, row.shapes, tuple(row.gradients), row.domains) for row in ROWS]
LOSSES += [(f.name, f.spellings[0], f.shapes, tuple(f.gradients), f.domains) for f in FAMILIES]


def point(name, shapes, domains, sizes):
    values = sample(shapes, domains, sizes, seed=2)
    if name == "barrier":
        values["b"] = np.abs(values["A"] @ values["x"]) + 1 + np.abs(values["b"])
    return values


@pytest.mark.parametrize(
    ("name", "loss", "shapes", "wrt", "domains"), LOSSES, ids=[x[0].replace(" ", "_") for x in LOSSES]
)
def test_the_printed_hessian_is_the_finite_difference_of_the_gradient(name, loss, shapes, wrt, domains):
    read = sd.read(loss, **declared(shapes, domains))
    gradient, hessian = sd.gradient(read, list(wrt)), sd.hessian(read, list(wrt))
    for a in wrt:
        shown = str(gradient.result[a])
        for b in wrt:
            text = str(hessian.result[a][b])
            for sizes in SETTINGS:
                values = point(name, shapes, domains, sizes)
                expected = finite_difference(lambda v, shown=shown: run_text(shown, v), values, b)
                got = run_text(text, values)
                assert np.shape(got) == np.shape(expected), text
                np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6, err_msg=text)


SHAPES = {"X": "n d", "W": "d k", "A": "d d", "w": "d", "x": "d", "b": "k", "u": "n", "t": ""}
FUNCTIONS = [
    ("X @ w", "w"),
    ("np.tanh(X @ w)", "w"),
    ("expit(X @ w) * u", "w"),
    ("sd.softmax(w)", "w"),
    ("sd.log_softmax(w)", "w"),
    ("sd.softmax(X @ w)", "w"),
    ("sd.logsumexp(X @ W, axis=1)", "W"),
    ("sd.logsumexp(X * w, axis=0)", "w"),
    ("X @ W", "W"),
    ("np.tanh(X @ W + b)", "b"),
    ("np.tanh(X @ W + b)", "W"),
    ("np.outer(w, x)", "w"),
    ("np.outer(w, w)", "w"),
    ("A @ w", "A"),
    ("A.T @ A", "A"),
    ("A @ x / (x @ x)", "x"),
    ("w / np.linalg.norm(w)", "w"),
    ("np.diag(A)", "A"),
    ("np.diag(w) @ A", "w"),
    ("np.trace(A) * w", "A"),
    ("w - np.mean(w)", "w"),
    ("np.sum(X * w, axis=1)", "w"),
    ("np.maximum(0, X @ w)", "w"),
    ("np.where(w > 0, w**2, -w)", "w"),
    ("t * w + t**2", "t"),
    ("np.exp(t) * X", "t"),
    ("u[:, None] * X.T[0][:, None]", "u"),
    ("(X * u[:, None]).T", "u"),
    ("X.T", "X"),
    ("np.prod(np.exp(X), axis=1)", "X"),
    ("u", "u"),
    ("u", "t"),
]


@pytest.mark.parametrize(("text", "name"), FUNCTIONS, ids=[f"{t}-{n}" for t, n in FUNCTIONS])
def test_the_printed_jacobian_is_the_finite_difference(text, name):
    shapes = {k: s for k, s in SHAPES.items() if k in text or k == name}
    arrays = declared(shapes, {})
    function = sd.read(text, **{k: a for k, a in arrays.items() if k in text})
    if name not in text:
        function = function + 0 * arrays[name]
    derivation = sd.jacobian(function, arrays[name])
    for sizes in SETTINGS:
        values = sample(shapes, {}, sizes)
        expected = finite_difference(lambda v: run_text(text, v), values, name)
        got = run_text(str(derivation.result), values)
        assert np.shape(got) == np.shape(expected), derivation.result
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7, err_msg=str(derivation.result))
    assert derivation.verdict.upheld, derivation.verdict
