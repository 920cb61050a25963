"""The printed formula, read as a mathematician reads it, has the value of the array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr, expit, kl_div, log_expit, rel_entr, xlogy

import symderive as sd
from symderive.language.views.latex import array_latex

from .reading_latex import read

N, D = 4, 3
RNG = np.random.default_rng(0)
POINT = {
    "X": RNG.uniform(0.2, 1.5, (N, D)),
    "A": RNG.uniform(0.2, 1.5, (N, N)),
    "w": RNG.uniform(0.2, 1.5, D),
    "c": RNG.uniform(0.2, 1.5, D),
    "y": RNG.uniform(0.2, 1.5, N),
    "r": RNG.uniform(0.2, 1.5, N),
    "u": np.float64(0.7),
    "b": np.float64(1.3),
    "W1": RNG.uniform(0.2, 1.5, (D, N)),
}
VALUES = {("W_{1}" if k == "W1" else k): v.reshape(v.shape if v.ndim == 2 else (-1, 1)) for k, v in POINT.items()}
n, d = sd.dims("n d")
SHAPES = {"X": (n, d), "A": (n, n), "w": (d,), "c": (d,), "y": (n,), "r": (n,), "u": (), "b": (), "W1": (d, n)}
SYMBOLS = {name: sd.array(name, *shape) for name, shape in SHAPES.items()}


def agrees(build):
    """Build the formula from symbols and from numbers; the LaTeX of the first must have the value of the second."""
    with np.errstate(all="ignore"):
        symbolic = build(**SYMBOLS, n=n, d=d, eye=sd.eye, softmax=sd.softmax, logsumexp=sd.logsumexp)
        if not isinstance(symbolic, sd.Array):
            return
        expected = build(
            **POINT,
            n=N,
            d=D,
            eye=np.eye,
            softmax=lambda z, axis=-1: np.exp(z) / np.exp(z).sum(axis, keepdims=True),
            logsumexp=lambda z, axis=None: np.log(np.exp(z).sum(axis)),
        )
        expected = np.asarray(expected, dtype=float)
        if not np.all(np.isfinite(expected)):
            return
        tex = array_latex(symbolic)
        if tex.startswith("[") and tex.endswith(("_{ij}", "_{i}")):
            return
        found = np.broadcast_to(
            read(tex, VALUES, {"n": N, "d": D}), expected.shape if expected.ndim == 2 else (max(expected.size, 1), 1)
        )
    wanted = expected if expected.ndim == 2 else expected.reshape(-1, 1)
    assert np.allclose(found, wanted, rtol=1e-8), tex


FORMULAS = [
    lambda X, w, y, n, **_: np.sum(np.logaddexp(0, X @ w) - y * (X @ w)) / n,
    lambda X, w, y, u, n, **_: np.sum((X @ w - y) ** 2) / (2 * n) + u / 2 * np.sum(w**2),
    lambda X, w, y, n, **_: 2 * X.T @ (X @ w - y) / n,
    lambda X, w, n, **_: X.T @ np.diag(expit(X @ w) * expit(-(X @ w))) @ X / n,
    lambda X, w, u, n, d, eye, **_: X.T @ (expit(X @ w)[:, None] * X) / n + u * eye(d),
    lambda w, c, **_: np.sum(rel_entr(w, c)) - np.sum(kl_div(w, c)) + np.sum(entr(w)),
    lambda w, c, **_: xlogy(w, c) - w / c + 1 / w,
    lambda w, c, logsumexp, **_: (logsumexp(w) - w @ c) * 2,
    lambda w, c, softmax, **_: softmax(w) * (1 - softmax(c)),
    lambda X, softmax, **_: softmax(X, axis=1) @ X.T,
    lambda X, y, w, **_: (X - w) * y[:, None] / w - X / y[:, None],
    lambda X, y, w, **_: np.outer(y, w) + 1 - X,
    lambda X, y, **_: X.sum(axis=0) * 2 + y @ X,
    lambda A, r, y, **_: r @ A @ y * (y @ A) + A.T @ (A @ r),
    lambda u, b, **_: np.log(u / b) * b - np.log(u) ** 2 / (1 + np.exp(-u)) ** b,
    lambda u, b, **_: expit(u) * (1 - expit(u)) - (u - (b - u)) * (u + b) ** 2,
    lambda y, r, **_: r * (y + r) * y - (y - (r - 1)) ** 3,
    lambda X, w, y, **_: np.sum(np.maximum(0, 1 - y * (X @ w))) + np.sum(np.abs(w)) * np.linalg.norm(w),
    lambda X, w, y, **_: np.sum(y * log_expit(X @ w) + (1 - y) * log_expit(-(X @ w))),
    lambda X, W1, y, **_: np.sum((np.tanh(X @ W1) @ y - y) ** 2) * np.tanh(X @ W1) ** 2,
    lambda A, X, **_: np.trace(A @ A) * np.sum(X * X) + np.sum(np.exp(A) @ X),
    lambda r, y, n, **_: np.var(r) * y + (r + y) / n - (r - y),
    lambda w, u, **_: np.prod(w) * u * w[0] + np.sqrt(w @ w) * np.sqrt(u),
    lambda r, y, **_: np.sum((r[:, None] - y[None, :]) ** 2),
    lambda X, u, b, **_: u * b * X * X - (X + u) * (X - b),
    lambda X, r, **_: -(r[:, None] * X).T @ r - X.T @ (-r),
]


@pytest.mark.parametrize("build", FORMULAS, ids=range(len(FORMULAS)))
def test_formulas(build):
    agrees(build)


VECTORS = ["y", "r", "(X @ w)", "(X @ (w - c))", "(A @ y)", "(y @ A)"]
SCALARS = [
    "u",
    "b",
    "n",
    "2",
    "(w @ c)",
    "np.sum({v})",
    "np.sum({v} * {v})",
    "np.log({s} ** 2 + 1)",
    "expit({s})",
    "{s} / 3",
]


@st.composite
def texts(draw, kind, depth):
    """NumPy text of a scalar ("s"), a vector of n ("v") or an n x d matrix ("m")."""
    sub = lambda k: draw(texts(k, depth - 1))  # noqa: E731
    if depth == 0:
        return draw(st.sampled_from({"s": ["u", "b", "2", "n"], "v": VECTORS, "m": ["X", "(A @ X)"]}[kind]))
    form = draw(
        st.sampled_from(
            {
                "s": [
                    *SCALARS,
                    "({s} + {s})",
                    "({s} - {s})",
                    "{s} * {s}",
                    "(-({s}))",
                    "({s}) ** 2",
                    "{s} / (1 + ({s}) ** 2)",
                ],
                "v": [
                    *VECTORS,
                    "({v} + {v})",
                    "({v} - {v})",
                    "({v} * {v})",
                    "{s} * ({v})",
                    "({v}) / (1 + ({s}) ** 2)",
                    "(-({v}))",
                    "np.exp(-({v}) / 9)",
                    "expit({v})",
                    "np.log(1 + ({v}) ** 2)",
                    "np.tanh({v})",
                    "({v} + {s})",
                    "({v}) ** 2",
                    "({v}) / (1 + ({v}) ** 2)",
                    "(({m}) @ w)",
                    "(A.T @ ({v}))",
                    "np.logaddexp(0, {v})",
                    "np.sum({m}, axis=1)",
                ],
                "m": [
                    "X",
                    "({m} + {m})",
                    "({m}) * ({v})[:, None]",
                    "({m}) * w",
                    "({m} - {s})",
                    "(A @ ({m}))",
                    "np.outer({v}, w)",
                    "({m} - c)",
                    "({m}) * ({m})",
                    "(np.diag({v}) @ ({m}))",
                    "({m}) / 7",
                ],
            }[kind]
        )
    )
    while (found := form.find("{")) >= 0:
        form = form[:found] + sub(form[found + 1]) + form[found + 3 :]
    return form


@given(st.sampled_from("svm").flatmap(lambda kind: texts(kind, 3)))
@settings(max_examples=300, deadline=None)
def test_random_formulas(text):
    names = {"np": np, "expit": expit}
    agrees(lambda **scope: eval(text, names | {k: v for k, v in scope.items() if k != "eye"}))
