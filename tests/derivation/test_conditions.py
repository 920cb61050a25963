"""Where a gradient exists: every line says what it needs, and needs no more at the points of the domain."""

import numpy as np
import pytest
from derivation.oracle import declared, run_text

import symderive as sd

REAL: dict[str, sd.Domain] = {}
ROWS = [
    # loss, variable, result, a point where it must not be claimed (None: everywhere)
    ("x / x", "x", REAL, "0", {"x": 0.0}),
    ("(x**2 - 1) / (x - 1)", "x", REAL, "1", {"x": 1.0}),
    ("np.sqrt(x**2)", "x", REAL, "np.sign(x)", {"x": 0.0}),
    ("np.abs(x)", "x", REAL, "np.sign(x)", {"x": 0.0}),
    ("np.log(x) - np.log(y)", "x", REAL, "1 / x", {"x": 1.0, "y": -1.0}),
    ("np.log(x * y)", "x", REAL, "1 / x", {"x": 1.0, "y": -1.0}),
    ("np.exp(np.log(x))", "x", REAL, "1", {"x": -1.0}),
    ("0 * np.log(x)", "x", REAL, "0", {"x": -1.0}),
    ("np.maximum(x, 0)", "x", REAL, "(x > 0)", {"x": 0.0}),
    ("np.where(x > 0, x, 2 * x)", "x", REAL, "np.where(x > 0, 1, 2)", {"x": 0.0}),
    ("(x > 0) * y", "x", REAL, "0", {"x": 0.0, "y": 1.0}),
    ("np.sign(x)", "x", REAL, "0", {"x": 0.0}),
    ("np.linalg.norm(x * np.ones(1))", "x", REAL, "np.sign(x)", {"x": 0.0}),
    ("xlogy(x, x)", "x", {"x": sd.nonnegative}, "np.log(x) + 1", {"x": 0.0}),
    ("entr(x)", "x", {"x": sd.nonnegative}, "-np.log(x) - 1", {"x": 0.0}),
    ("np.log(np.exp(x))", "x", REAL, "1", None),
    ("np.abs(x)**2", "x", REAL, "2 * x", None),
    ("np.logaddexp(0, x)", "x", REAL, "expit(x)", None),
    ("np.sqrt(1 + x**2)", "x", REAL, "x / np.sqrt(1 + x**2)", None),
    ("x * np.log(x)", "x", {"x": sd.positive}, "np.log(x) + 1", None),
]


@pytest.mark.parametrize(("loss", "name", "domains", "expected", "point"), ROWS, ids=[row[0] for row in ROWS])
def test_a_gradient_says_where_it_holds(loss, name, domains, expected, point):
    shapes = {k: "" for k in ("x", "y") if k in loss.replace("np.exp", "").replace("xlogy", "l").replace("max", "")}
    shapes["x"] = ""
    derivation = sd.gradient(sd.read(loss, **declared(shapes, domains)), name)
    assert derivation.verdict.status == "proved"
    given = derivation.conditions
    assert sd.check(derivation.result, "==", expected, given=given).upheld
    if point is None:
        assert not given
        return

    def holds(condition):
        with np.errstate(all="ignore"):
            lhs, rhs = (run_text(str(sd.Array(side)), point) for side in (condition.lhs, condition.rhs))
        return bool({"!=": lhs != rhs, ">": lhs > rhs, ">=": lhs >= rhs}[condition.op])

    assert not all(holds(condition) for condition in given), [str(c) for c in given]


def test_sizes_and_values_in_one():
    x = sd.array("x", sd.dims("n"))
    assert str(sd.gradient(np.sum(np.abs(x) * x), x).result) == "2 * np.abs(x)"
    assert str(sd.gradient(np.sum(np.log(np.abs(x))), x).result) == "1 / x"
    assert str(sd.gradient(np.sum(np.abs(x) ** 3), x).result) == "3 * x * np.abs(x)"


def test_functions_of_constants_are_their_values():
    k = sd.dims("k")
    p = sd.array("p", k, domain=sd.simplex)
    assert str(sd.gradient(np.sum(p) * np.log(np.sum(p)), p).result) == "sd.ones(k)"


def test_a_loss_of_jumps_alone_has_the_gradient_zero_off_the_jumps():
    n, d = sd.dims("n d")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    accuracy = sd.gradient(np.mean(np.abs(X @ w - y) < 1), w)
    assert str(accuracy.result) == "sd.zeros(d)"
    assert accuracy.verdict.status == "proved"
    assert accuracy.conditions


def test_a_bound_other_than_zero_is_read_from_the_signs_too():
    x = sd.array("x")
    assert not sd.gradient(np.log1p(np.exp(x)), x).conditions
    assert not sd.gradient(np.log1p(x**2), x).conditions
    assert sd.gradient(np.log1p(x), x).conditions


def test_a_clip_is_one_function_with_its_own_derivative():
    x = sd.array("x", "n")
    gradient = sd.gradient(np.sum(np.clip(x, -1, 0.5) ** 2), x)
    assert gradient.verdict.status == "proved"
    assert sd.check(gradient, "==", "2 * np.clip(x, -1, 0.5) * (x > -1) * (x < 0.5)").upheld
    assert sd.check(gradient, "==", "2 * x * (x > -1) * (x < 1)").status == "refuted"
    assert sd.check("np.clip(x, 0, 1)", "==", "np.minimum(np.maximum(x, 0), 1)", domains={"x": sd.real}).upheld


def test_an_array_is_not_named_like_its_own_dimension():
    with pytest.raises(sd.UnknownNameError, match="dimension of the same name"):
        sd.array("n", "n")
