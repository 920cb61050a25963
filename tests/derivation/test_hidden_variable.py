"""No silent zero: the variable hidden inside each kind of node and each function row is found.

The judge is the float interpreter of the tests with finite differences.
"""

import numpy as np
import pytest
from support.evaluate import evaluate
from sympy import Rational

import symderive as sd
from symderive.language import build
from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.arrays import Array
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import ON_MATRICES, Map

x = sd.array("x", "n")
M = sd.array("M", "n", "n")
c = sd.array("c", "n")


def points(size):
    return np.random.default_rng(7).uniform(0.2, 0.8, size=size)


def numeric(loss, values, name="x"):
    base = np.asarray(values[name], float)
    out = np.zeros_like(base)
    for index in np.ndindex(base.shape):

        def at(h, index=index):
            moved = base.copy()
            moved[index] += h
            return float(evaluate(loss.node, {"n": len(base)}, {**values, name: moved}))

        h = 1e-3
        central = [(at(s) - at(-s)) / (2 * s) for s in (h, h / 2, h / 4)]
        out[index] = (64 * central[2] - 20 * central[1] + central[0]) / 45
    return out


ARGUMENTS = [(name, k) for name, row in FUNCTIONS.items() for k in range(len(row.arguments))]
FIXED = {"polygamma": 1, "spherical_jn": 1, "iv": 1, "ive": 1}
"""A first argument that has to be a whole number."""
CHOSEN = {("where", 2): 0, ("heaviside", 1): 0}
"""A first argument at which the other one counts."""


@pytest.mark.parametrize(("name", "position"), ARGUMENTS)
def test_in_every_argument_of_every_function(name, position):
    row = FUNCTIONS[name]
    nodes = [build.number(Rational(3 + k, 10)) for k in range(len(row.arguments))]
    if position and (name in FIXED or (name, position) in CHOSEN):
        nodes[0] = build.number(FIXED.get(name, CHOSEN.get((name, position))))
    nodes[position] = (1 + x if name == "arccosh" else x).node
    loss = np.sum(c * Array(Map(name, tuple(nodes))))
    values = {"x": np.linspace(0.0533, 0.957, 19), "c": np.linspace(-2, 3, 19)}
    if row.derivative[position] is None:
        with pytest.raises(sd.UnsupportedError, match=name):
            sd.gradient(loss, "x")
        return
    got = evaluate(sd.gradient(loss, "x").result.node, {"n": 19}, values)
    np.testing.assert_allclose(got, numeric(loss, values), rtol=1e-6, atol=1e-8)
    if row.derivative[position] != "0":
        assert np.any(got != 0)


OUTER = {
    "a matrix from the vector": x[:, None] * x[None, :] + 2 * sd.eye("n") * (1 + x),
    "a matrix and the vector": M + M.T + 9 * sd.eye("n") + x[:, None] * x[None, :],
}


@pytest.mark.parametrize("name", ARRAY_FUNCTIONS)
def test_in_every_array_function(name):
    inner = OUTER["a matrix and the vector"].node if name in ON_MATRICES else (x**2 - c * x).node
    made = Array(build.opaque(name, inner))
    loss = np.sum(made**2) if made.ndim else made**2
    values = {"x": points(3), "c": np.array([1.0, -2.0, 0.5]), "M": points((3, 3))}
    got = evaluate(sd.gradient(loss, "x").result.node, {"n": 3}, values)
    np.testing.assert_allclose(got, numeric(loss, values), rtol=1e-5, atol=1e-7)
    constant = ARRAY_FUNCTIONS[name].mask or name in ("eigvecs", "svd_u", "svd_vt")
    assert constant or np.any(got != 0)


PLACES = {
    "a sum": lambda u: np.sum(u + c),
    "a weighted sum": lambda u: np.sum(3 * u - c / 2),
    "a product": lambda u: np.sum(u * c * u),
    "an inner product": lambda u: u @ c,
    "a matrix product": lambda u: np.sum(M @ u),
    "a transpose": lambda u: np.sum((u[:, None] * c[None, :]).T * M),
    "a diagonal": lambda u: np.trace(np.diag(u) @ M),
    "the diagonal of a matrix": lambda u: np.sum(np.diag(M * u) * c),
    "a definition": lambda u: np.sum(sd.let("z", u * c) ** 2),
    "a nested definition": lambda u: np.sum(sd.let("z", sd.let("q", u + c) * u)),
    "a pick": lambda u: u[1] ** 2,
    "a pick from the end": lambda u: u[-1] ** 2,
    "a slice": lambda u: np.sum(u[1:] ** 2),
    "a slice with a step": lambda u: np.sum(u[::2] ** 3),
    "a reversal": lambda u: u[::-1] @ (c * u),
    "a stack": lambda u: np.sum(np.stack([u, c]) ** 3),
    "a concatenation": lambda u: np.sum(np.concatenate([c, u]) ** 3),
    "a reshape": lambda u: np.sum((u[:, None] * c).reshape(-1) ** 2),
    "a Kronecker product": lambda u: np.sum(np.kron(u, c) ** 2),
    "a running sum": lambda u: np.sum(np.cumsum(u) ** 2),
    "a triangle": lambda u: np.sum(np.tril(u[:, None] * c) ** 2),
    "a padding": lambda u: np.sum(np.pad(u, (1, 1)) ** 2 * 3),
    "a mask that is constant": lambda u: np.sum(np.where(c > 0, u, 2 * u)),
    "an exponent": lambda u: np.sum(2**u),
    "a base": lambda u: np.sum(u ** c),
    "a denominator": lambda u: np.sum(c / (1 + u)),
    "a mean": lambda u: np.var(u * c),
    "an einsum": lambda u: np.einsum("i,ij,j->", u, M, u),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_in_every_place(place):
    loss = PLACES[place](x)
    values = {"x": points(3), "c": np.array([1.0, -2.0, 0.5]), "M": points((3, 3))}
    got = evaluate(sd.gradient(loss, "x").result.node, {"n": 3}, values)
    np.testing.assert_allclose(got, numeric(loss, values), rtol=1e-6, atol=1e-8)
    assert np.any(got != 0)


def test_a_variable_that_does_not_occur_gives_zero_by_name():
    derivation = sd.gradient(np.sum(c**2) + 0 * np.sum(x), x)
    assert str(derivation.result) == "sd.zeros(n)"
    with pytest.raises(sd.UnknownNameError):
        sd.gradient(np.sum(c**2), "y")
