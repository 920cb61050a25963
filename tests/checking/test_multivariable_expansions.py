"""Directional derivatives, tangent planes and Taylor polynomials against finite differences and remainders."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special

import symderive as sd

n, d = sd.dims("n d")
X, w, y, W = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("W", n, d)
A = sd.array("A", d, d, domain=sd.symmetric)
x, t, p = sd.array("x"), sd.array("t"), sd.array("p", domain=sd.positive)
lam = sd.array("lam", domain=sd.positive)

SIZES = {"n": 4, "d": 3}

NUMBERS = SimpleNamespace(
    logsumexp=scipy.special.logsumexp, softmax=scipy.special.softmax, eye=np.eye, ones=np.ones, zeros=np.zeros
)
"""What printed text calls of symderive, for numbers."""

FUNCTIONS = {
    "polynomial": (x**2 * t + t**3, [x, t]),
    "exponential": (np.exp(x) * np.cos(t), [x, t]),
    "logarithm": (np.log(1 + x**2 + t**2), [x, t]),
    "power": (p**1.5 * x, [p, x]),
    "least squares": (np.sum((X @ w - y) ** 2), [w]),
    "logistic": (np.sum(np.logaddexp(0, X @ w) - y * (X @ w)), [w]),
    "both": (np.sum(np.exp(X @ w / 4)), [X, w]),
    "quadratic": (w @ A @ w, [w]),
    "Frobenius": (np.sum(W**2) * np.sum(W), [W]),
    "log-sum-exp": (sd.logsumexp(w), [w]),
    "scalar of one": (np.sin(x) / (1 + x**2), [x]),
}
each = pytest.mark.parametrize("name", FUNCTIONS)


def draw(array, rng, scale=1.0):
    shape = tuple(SIZES[str(s)] for s in array.node.shape)
    made = scale * rng.normal(size=shape)
    if array.domain.has("symmetric"):
        made = made + made.T
    return np.abs(made) + 0.5 if array.domain.entries.is_positive else made


def value(array, data):
    names = {"np": np, "sd": NUMBERS, **scipy.special.__dict__, **data, **SIZES}
    text, *definitions = str(array).split(", where ")
    for definition in ", ".join(definitions).split(", where ") if definitions else []:
        name, _, body = definition.partition(" = ")
        names[name] = eval(body, names)
    return np.asarray(eval(text, names))


def data_of(f, rng):
    return {leaf.name: draw(sd.Array(leaf), rng) for leaf in f.node.leaves()}


@each
def test_the_derivative_along_a_direction_is_a_difference_quotient(name):
    f, wrt = FUNCTIONS[name]
    found = sd.directional_derivative(f, wrt, "v")
    assert found.verdict.status == "proved"
    rng = np.random.default_rng(0)
    for _ in range(3):
        data = data_of(f, rng)
        directions = {v.name: rng.normal(size=np.shape(data[a])) for a, v in found.direction.items()}
        step = 1e-5
        ahead, behind = (
            value(f, data | {a: data[a] + side * step * directions[v.name] for a, v in found.direction.items()})
            for side in (1, -1)
        )
        slope = (ahead - behind) / (2 * step)
        assert value(found.result, data | directions) == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_directions_of_numbers_units_and_arrays():
    f = x**2 * t
    assert sd.check(sd.directional_derivative(f, [x, t], [3, 4]).result, "==", 6 * x * t + 4 * x**2).status == "proved"
    unit = sd.directional_derivative(f, [x, t], {"t": 4, "x": 3}, unit=True)
    assert sd.check(unit.result, "==", (6 * x * t + 4 * x**2) / 5).status == "proved"
    assert unit.verdict.status == "proved"
    free = sd.directional_derivative(f, [x, t], "u", unit=True)
    assert free.verdict.status == "proved"
    assert "u_x**2 + u_t**2 > 0" in str(free.conditions[-1])
    along = sd.directional_derivative(X @ w, w, w)
    assert sd.check(along.result, "==", X @ w).status == "proved"
    v = sd.array("v", 2)
    assert sd.check(sd.directional_derivative(v @ v, v, [3, 4]).result, "==", 6 * v[0] + 8 * v[1]).upheld
    assert "D_v f" in sd.directional_derivative(x**2, x, "v").to_text()


@each
def test_a_tangent_plane_touches(name):
    f, wrt = FUNCTIONS[name]
    plane = sd.tangent_plane(f, wrt, at=None if len(wrt) > 1 else "a")
    assert plane.verdict.status == "proved", plane.verdict
    rng = np.random.default_rng(1)
    data = data_of(f, rng)
    place = {plane.at[a.name].name: data[a.name] for a in wrt}
    direction = {a.name: rng.normal(size=np.shape(data[a.name])) for a in wrt}
    gaps = []
    for step in (1e-2, 1e-3):
        moved = {k: data[k] + step * v for k, v in direction.items()}
        gaps.append(abs(value(f, data | moved) - value(plane.result, data | moved | place)))
    assert value(plane.result, data | place) == pytest.approx(value(f, data), rel=1e-12, abs=1e-12)
    assert gaps[1] <= 0.05 * gaps[0] + 1e-12, "the error is of second order"


@each
@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_error_of_a_taylor_polynomial_is_of_the_next_order(name, order):
    f, wrt = FUNCTIONS[name]
    found = sd.taylor(f, wrt, at=None if len(wrt) > 1 else "a", order=order)
    rng = np.random.default_rng(2)
    data = data_of(f, rng)
    place = {found.at[a.name].name: data[a.name] for a in wrt}
    direction = {a.name: rng.normal(size=np.shape(data[a.name])) for a in wrt}
    gaps = []
    for step in (0.04, 0.01):
        moved = {k: data[k] + step * v for k, v in direction.items()}
        gaps.append(abs(value(f, data | moved) - value(found.result, data | moved | place)))
    if found.exact:
        assert gaps == pytest.approx([0, 0], abs=1e-9)
        assert str(found.remainder) == "0"
    else:
        assert gaps[1] <= gaps[0] / 4 ** (order + 0.5) + 1e-12, gaps


@pytest.mark.parametrize("name", ["polynomial", "exponential", "logistic", "both", "power"])
def test_lagranges_remainder_is_taken_on_at_some_theta(name):
    """f - T lies between the least and the largest remainder over theta, and is it somewhere."""
    f, wrt = FUNCTIONS[name]
    found = sd.taylor(f, wrt, at=None if len(wrt) > 1 else "a", order=1)
    rng = np.random.default_rng(3)
    data = data_of(f, rng)
    place = {found.at[a.name].name: data[a.name] for a in wrt}
    moved = data | place | {a.name: data[a.name] + 0.3 * np.abs(rng.normal(size=np.shape(data[a.name]))) for a in wrt}
    missing = value(f, moved) - value(found.result, moved)
    rest = [value(found.remainder, moved | {found.theta.name: theta}) for theta in np.linspace(0, 1, 200)]
    assert min(rest) - 1e-9 <= missing <= max(rest) + 1e-9


def test_verdicts_steps_and_texts():
    found = sd.taylor(np.exp(x) * np.cos(t), [x, t], at=[0, 0])
    assert str(found.result) == "1 + x + x**2 / 2 - t**2 / 2"
    assert [str(term) for term in found.terms] == ["1", "x", "(x**2 - t**2) / 2"]
    assert found.verdict.status == "proved"
    assert found.title["zh"] == "在 x = 0, t = 0 处的 2 阶泰勒多项式"
    plane = sd.tangent_plane(x**2 + t**2, [x, t], at=[1, 2])
    assert sd.check(plane.result, "==", 2 * x + 4 * t - 5).status == "proved"
    assert plane.steps[-1].lhs == "z"
    assert plane.to_latex()
    assert plane.to_html()
    assert plane.to_markdown()
    assert {k: str(v) for k, v in plane.slopes.items()} == {"x": "2", "t": "4"}
    assert sd.taylor(w @ w, w, at="a").exact
    assert not sd.taylor(np.exp(x), x, at=0).exact


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: sd.tangent_plane(X @ w, w), sd.ShapeError, "a gradient is of a scalar"),
        (lambda: sd.taylor(x**2, x, at="x"), sd.ReadError, "taken by the function"),
        (lambda: sd.taylor(x**2, x, at=x + 1), sd.ReadError, "must not contain x"),
        (lambda: sd.taylor(x**2, x, order=7), sd.UnsupportedError, "order 0 to 4"),
        (lambda: sd.directional_derivative(x * t, [x, t], [1]), sd.ShapeError, "one value for each of x, t"),
        (lambda: sd.directional_derivative(w @ w, w, X), sd.ShapeError, "but w has shape"),
        (lambda: sd.directional_derivative(x, x, 0, unit=True), sd.UnsupportedError, "length 0"),
        (lambda: sd.tangent_plane(x * t, [x, t], at={"x": 1}), sd.UnknownNameError, "the variables are x, t"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()
