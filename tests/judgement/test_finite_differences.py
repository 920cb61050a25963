"""Finite differences catch wrong gradients, accept right ones, and know how far off they may be."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from symderive.errors import DataError, ShapeError
from symderive.judgement.finite_differences import cross_check, jump, noise_level, slope

RNG = np.random.default_rng(7)
X = RNG.normal(size=(200, 6))
Y = (RNG.random(200) < 0.5) * 1.0
W = RNG.normal(size=6)


def loss(w):
    return np.mean(np.logaddexp(0, X @ w) - Y * (X @ w))


def gradient(w):
    return X.T @ (expit(X @ w) - Y) / len(Y)


def test_a_right_gradient_agrees():
    check = cross_check(loss, gradient, {"w": W})
    assert check.ok
    assert check.checked == 6
    assert check.relative_error < 1e-9
    assert check.absolute_error <= 10 * check.error_estimate < 1e-9
    assert "agrees" in str(check)


@pytest.mark.parametrize("relative", [1.0, 1e-3, 1e-6, 1e-8])
def test_a_wrong_entry_is_named(relative):
    wrong = gradient(W)
    wrong[3] *= 1 + relative
    check = cross_check(loss, wrong, {"w": W})
    assert not check.ok
    assert check.worst == "w[3]"
    assert check.failing == 1
    assert check.relative_error == pytest.approx(relative / (1 + relative), rel=1e-2)
    assert "disagrees with finite differences in 1 of 6" in str(check)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_fails(bad):
    wrong = gradient(W)
    wrong[2] = bad
    check = cross_check(loss, wrong, {"w": W})
    assert not check.ok
    assert check.worst == "w[2]"


def test_the_reference_message():
    a, b = np.arange(6).reshape(3, 2), np.ones(3)
    check = cross_check(lambda w: ((a @ w - b) ** 2).sum() / 2, lambda w: 2 * a.T @ (a @ w - b), {"w": [0.3, -0.2]})
    assert (check.ok, check.failing, check.worst) == (False, 2, "w[1]")
    assert check.claimed == pytest.approx(-16.4)
    assert check.estimated == pytest.approx(-8.2)


def test_several_parameters_by_name():
    def value(weights, bias):
        return np.sum(np.tanh(weights) * bias)

    point = {"weights": np.array([[0.1, 2.0]]), "bias": 3.0}
    right = {"weights": 3 * (1 - np.tanh(point["weights"]) ** 2), "bias": np.sum(np.tanh(point["weights"]))}
    assert cross_check(value, right, point).ok
    wrong = cross_check(value, {**right, "bias": right["bias"] + 1e-4}, point)
    assert not wrong.ok
    assert wrong.worst == "bias"


def test_many_entries_are_sampled_and_directions_see_the_rest():
    big = RNG.normal(size=(40, 30))

    def value(w):
        return np.sum(np.tanh(w) ** 2)

    right = 2 * np.tanh(big) * (1 - np.tanh(big) ** 2)
    check = cross_check(value, right, {"w": big})
    assert check.ok
    assert (check.checked, check.directions) == (40, 8)
    for place in [(0, 0), (17, 3), (39, 29)]:
        wrong = right.copy()
        wrong[place] += 1e-3
        assert not cross_check(value, wrong, {"w": big}).ok


def test_kinks_widen_the_estimate():
    at_kink = cross_check(lambda w: np.sum(np.abs(w)), np.array([1.0, 1.0]), {"w": np.array([0.0, 1.0])})
    assert at_kink.ok
    assert "kink" in at_kink.note
    beside = {"w": np.array([1e-3, 1.0])}
    assert cross_check(lambda w: np.sum(np.abs(w)), np.array([1.0, 1.0]), beside).ok
    assert not cross_check(lambda w: np.sum(np.abs(w)), np.array([-1.0, 1.0]), beside).ok


def test_near_the_edge_of_the_domain():
    at = {"w": np.array([1e-5, 1.0])}
    assert cross_check(lambda w: np.sum(np.log(w)), 1 / at["w"], at).ok
    assert not cross_check(lambda w: np.sum(np.log(w)), 2 / at["w"], at).ok


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_cancellation_and_single_precision_are_not_mistaken_for_errors(offset):
    def value(w):
        return float(np.float32(np.sum(np.float32(w) ** 2))) + offset - offset

    at = {"w": np.array([0.5, 2.0, -1.0])}
    check = cross_check(value, 2 * at["w"], at)
    assert check.ok, str(check)
    assert check.error_estimate > 1e-9
    assert not cross_check(value, 4 * at["w"], at).ok


def test_large_and_tiny_scales():
    for size in (1e-6, 1e6):
        at = {"w": np.array([size, -size])}
        assert cross_check(lambda w: np.sum(w**3), 3 * at["w"] ** 2, at).ok
    steep = {"w": np.array([300.0])}
    assert cross_check(lambda w: float(np.exp(w[0])), np.exp(steep["w"]), steep).ok
    assert not cross_check(lambda w: float(np.exp(w[0])), 1.001 * np.exp(steep["w"]), steep).ok


def test_what_cannot_be_compared_raises():
    with pytest.raises(DataError, match="inside the domain"), np.errstate(all="ignore"):
        cross_check(lambda w: np.sum(np.log(w)), np.ones(1), {"w": np.array([-1.0])})
    with pytest.raises(DataError, match="non-finite"):
        cross_check(loss, gradient(W), {"w": W * np.nan})
    with pytest.raises(ShapeError, match=r"\(5,\)"):
        cross_check(loss, np.ones(5), {"w": W})
    with pytest.raises(ShapeError, match="one number"):
        cross_check(lambda w: w, np.ones(6), {"w": W})
    with pytest.raises(ShapeError, match="mapping"):
        cross_check(lambda a, b: a + b, 1.0, {"a": 1.0, "b": 1.0})
    with pytest.raises(ShapeError):
        cross_check(loss, {"v": np.ones(6)}, {"w": W})


def test_the_point_and_the_users_arrays_are_left_alone():
    at = W.copy()

    def careless(w):
        w *= 0
        return 0.0

    cross_check(careless, np.zeros(6), {"w": at})
    assert np.array_equal(at, W)


def test_noise_is_measured():
    rng = np.random.default_rng(0)
    assert noise_level(math.exp) < 1e-14
    assert 1e-7 < noise_level(lambda t: t + 1e-6 * rng.standard_normal()) < 1e-5
    assert noise_level(lambda t: math.nan) == 0.0


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-4, 4).filter(lambda v: abs(v) > 1e-3),
    st.sampled_from(
        [
            (math.sin, math.cos),
            (math.exp, math.exp),
            (math.tanh, lambda v: 1 / math.cosh(v) ** 2),
            (lambda v: v**5 - 3 * v, lambda v: 5 * v**4 - 3),
            (lambda v: math.log1p(v * v), lambda v: 2 * v / (1 + v * v)),
        ]
    ),
)
def test_the_error_estimate_covers_the_error(at, pair):
    function, derivative = pair
    got = slope(lambda step: function(at + step), 0.25)
    assert abs(got.value - derivative(at)) <= 10 * got.error + 1e-15
    assert got.error <= 1e-7 * max(1, abs(derivative(at)))


# -- symmetric matrices -----------------------------------------------------------------------------


def lowest(S):
    return float(np.linalg.eigvalsh(S)[0])


def projector(S):
    v = np.linalg.eigh(S)[1][:, 0]
    return np.outer(v, v)


@pytest.mark.parametrize("size", [1, 4, 9])
def test_symmetric_matrices_move_symmetrically(size):
    """NumPy looks at one triangle only, so that single entries would not do; 45 of them are sampled."""
    g = np.random.default_rng(size).normal(size=(size, size))
    at = {"S": g + g.T}
    assert cross_check(lowest, projector, at, symmetric=["S"]).ok
    assert cross_check(lowest, projector, at).ok is (size == 1)
    for wrong in (lambda S: 2 * projector(S), lambda S: np.tril(projector(S)), lambda S: -projector(S)):
        right = size == 1 and np.allclose(wrong(at["S"]), projector(at["S"]))
        assert cross_check(lowest, wrong, at, symmetric=["S"]).ok is right


def test_of_a_symmetric_matrix_the_symmetric_part_of_the_gradient_counts():
    g = np.random.default_rng(0).normal(size=(3, 3))
    at = {"S": g + g.T, "w": g[0]}

    def value(S, w):
        return float(w @ S @ np.ones(3))

    claimed = {"S": np.outer(at["w"], np.ones(3)), "w": at["S"] @ np.ones(3)}
    result = cross_check(value, claimed, at, symmetric=["S"])
    assert result.ok
    assert result.checked == 6 + 3
    assert not cross_check(value, {**claimed, "S": claimed["S"] + np.eye(3)}, at, symmetric=["S"]).ok


def test_symmetric_names_square_matrices_of_the_point():
    with pytest.raises(ShapeError, match="symmetric names T"):
        cross_check(lowest, projector, {"S": np.eye(2)}, symmetric=["T"])
    with pytest.raises(ShapeError, match="square"):
        cross_check(lambda S: 0.0, lambda S: 0 * S, {"S": np.ones(2)}, symmetric=["S"])


def test_jumps_are_found_and_kinks_are_none():
    assert jump(lambda t: abs(t - 0.1) + math.exp(t), 0.5) == 0.0
    assert jump(lambda t: 3 * t + 0.25 * (t > 0.1), 0.5) == pytest.approx(0.25)
    assert jump(lambda t: math.log(t) if t > 0 else math.nan, 0.5) == 0.0
    stairs = jump(lambda t: math.log((1 + 1e-15 * math.exp(t)) - 1), 1.0)
    assert 0.01 < stairs < 1.0


def test_stairs_excuse_only_what_their_jumps_explain():
    def value(w):
        return float(np.log((1 + 1e-15 * np.exp(w)) - 1).sum())

    at = {"w": np.array([0.3])}
    assert not cross_check(value, np.ones(1), at).ok
    assert cross_check(value, np.ones(1), at, stairs=True).ok
    assert not cross_check(value, 1000 * np.ones(1), at, stairs=True).ok
    assert not cross_check(lambda w: float(np.exp(w).sum()), np.ones(1), at, stairs=True).ok
