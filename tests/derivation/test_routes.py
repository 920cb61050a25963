"""Components and differentials: two computations of each gradient, and they agree."""

import numpy as np
import pytest
from derivation.corpus import ROWS
from derivation.oracle import SETTINGS, declared, dimensions, finite_difference, run_text, sample

import symderive as sd
from symderive.calculus.normal_form import decide_equal
from symderive.language.reading import read_text

CASES = [(row, name) for row in ROWS[::2] for name in row.gradients]


def loss(row):
    return read_text(row.loss, {**declared(row.shapes, row.domains), **dimensions(row.shapes)})


@pytest.mark.parametrize(("row", "name"), CASES, ids=lambda x: getattr(x, "name", x))
def test_both_routes_lead_to_one_derivative(row, name):
    by_entries = sd.gradient(loss(row), name, route="components")
    backwards = sd.gradient(loss(row), name)
    given = tuple(c for s in (*by_entries.steps, *backwards.steps) for c in s.conditions)
    assert decide_equal(by_entries.result.node, backwards.result.node, given=given).equal
    values = sample(row.shapes, row.domains, SETTINGS[0], seed=4)
    if row.name.startswith("barrier"):
        values["b"] = np.abs(values["A"] @ values["x"]) + 1 + np.abs(values["b"])
    expected = finite_difference(lambda v: run_text(row.loss, v), values, name)
    np.testing.assert_allclose(run_text(str(by_entries.result), values), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("text", ["np.sum((X @ w - y)**2)", "np.sum(np.logaddexp(0, X @ w) - y * (X @ w))"])
def test_the_lines_by_components_are_proved_and_replayed(text):
    derivation = sd.gradient(sd.read(text, X="n d", w="d", y="n"), "w", route="components")
    assert all(step.verdict.status == "proved" for step in derivation.steps)
    assert derivation.replay().node is derivation.result.node
    assert derivation.route == "components"
    assert [s.rule for s in derivation.steps].count("derivative by an entry") == 1


def test_an_unknown_route_is_refused():
    with pytest.raises(sd.UnsupportedError, match="route must be one of"):
        sd.gradient(sd.read("w @ w", w="d"), "w", route="sideways")


TANGENTS = {
    "symmetric": (sd.symmetric, lambda S, v: v + v.T),
    "diagonal": (sd.diagonal, lambda S, v: np.diag(np.diag(v))),
    "lower triangular": (sd.lower_triangular, lambda S, v: np.tril(v)),
    "orthogonal": (sd.orthogonal, lambda S, v: S @ (v - v.T)),
}
POINTS = {
    "symmetric": lambda m: m + m.T,
    "diagonal": lambda m: np.diag(np.diag(m)),
    "lower triangular": np.tril,
    "orthogonal": lambda m: np.linalg.qr(m)[0],
}


@pytest.mark.parametrize("structure", TANGENTS)
def test_the_projected_gradient_lies_along_the_structure_and_gives_its_change(structure):
    domain, along = TANGENTS[structure]
    S = sd.array("S", "n", "n", domain=domain)
    A, B = sd.array("A", "n", "n"), sd.array("B", "n", "n")
    text = str(sd.gradient(np.sum((S @ A - B) ** 2), S, convention="projected").result)
    rng = np.random.default_rng(1)
    at = POINTS[structure](rng.normal(size=(4, 4)))
    values = {"n": 4, "S": at, "A": rng.normal(size=(4, 4)), "B": rng.normal(size=(4, 4))}
    G = run_text(text, values)
    free = 2 * (at @ values["A"] - values["B"]) @ values["A"].T
    for _ in range(5):
        v = along(at, rng.normal(size=(4, 4)))
        np.testing.assert_allclose(np.sum(G * v), np.sum(free * v), rtol=1e-9)
    across = free - G
    np.testing.assert_allclose(np.sum(across * G), 0, atol=1e-8 * np.sum(free**2))


@pytest.mark.parametrize(("domain", "direction"), [(sd.simplex, lambda p, v: v - v.mean()),
                                                   (sd.unit_norm, lambda p, v: v - p * (p @ v))])  # fmt: skip
def test_the_projected_gradient_of_a_vector(domain, direction):
    p = sd.array("p", "k", domain=domain)
    c = sd.array("c", "k")
    text = str(sd.gradient(np.sum(c * p**3), p, convention="projected").result)
    rng = np.random.default_rng(2)
    at = rng.dirichlet(np.ones(5)) if domain is sd.simplex else rng.normal(size=5)
    at = at if domain is sd.simplex else at / np.linalg.norm(at)
    values = {"k": 5, "p": at, "c": rng.normal(size=5)}
    G, free = run_text(text, values), 3 * values["c"] * at**2
    np.testing.assert_allclose(G, direction(at, G), atol=1e-12)
    v = direction(at, rng.normal(size=5))
    np.testing.assert_allclose(G @ v, free @ v, rtol=1e-9)


def test_the_components_are_written_with_sums_and_partial_derivatives():
    derivation = sd.gradient(sd.read("np.sum((X @ w - y)**2)", X="n d", w="d", y="n"), "w", route="components")
    latex = derivation.to_latex()
    assert r"\frac{\partial L}{\partial w_{k}}" in latex
    assert r"\frac{\partial }{\partial w_{k}}\Bigl[\sum_{j=1}^{d}X_{ij}w_{j} - y_{i}\Bigr]" in latex
    assert r"\frac{\partial w_{i}}{\partial w_{k}}" in latex
    assert r"2\sum_{i=1}^{n}X_{ik}\Bigl(\sum_{j=1}^{d}X_{ij}w_{j} - y_{i}\Bigr)" in latex
    assert r"\mathrm{d}" not in latex
    assert r"\partial" not in sd.gradient(sd.read("w @ w", w="d"), "w").to_latex().replace(r"\nabla", "")


def test_the_index_of_the_variable_is_none_of_its_names():
    k = sd.array("k", "d")
    latex = sd.gradient(np.sum(k**3), k, route="components").to_latex()
    assert r"\partial k_{l}" in latex
