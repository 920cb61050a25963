"""`check_gradient`: two plain NumPy functions, read where they can be, run where they cannot."""

import numpy as np
import pytest
from scipy.special import expit

import symderive as sd

A = np.arange(6).reshape(3, 2)
b = np.ones(3)
w = np.array([0.3, -0.2])
rng = np.random.default_rng(0)
X, labels = rng.normal(size=(7, 3)), np.array([0, 1, 1, 0, 1, 0, 1.0])


def half_squares(w, A, b):
    return ((A @ w - b) ** 2).sum() / 2


def test_the_message_aimed_at():
    verdict = sd.check_gradient(half_squares, lambda w, A, b: 2 * A.T @ (A @ w - b), w, A, b)
    assert verdict.status == "refuted"
    assert verdict.hint.endswith("off by the factor 2")
    first, second = verdict.reason.splitlines()[:2]
    assert first == "gradient disagrees with central differences in 2 of 2 components"
    assert second.startswith("worst: w[1]  hand -16.4   finite difference -8.2")
    for part in ("-16.4", "-8.2", "derived: A.T @ (A @ w - b)", "seed 0"):
        assert part in verdict.reason
    assert not verdict.cross_check.ok


def test_right_gradients_are_proved():
    verdict = sd.check_gradient(half_squares, lambda w, A, b: A.T @ (A @ w - b), w, A, b)
    assert verdict.status == "proved"
    assert verdict.cross_check.ok

    def loss(w, X, y, lam):
        return np.mean(np.logaddexp(0, X @ w) - y * (X @ w)) + lam * np.sum(w**2) / 2

    def grad(params, features, target, penalty):
        return features.T @ (expit(features @ params) - target) / len(target) + penalty * params

    assert sd.check_gradient(loss, grad, np.zeros(3), X, labels, 0.1).status == "proved"


def test_a_square_matrix_does_not_join_its_axes():
    """Equal sizes are one dimension only where the code needs it."""
    B = rng.normal(size=(3, 3))
    right = sd.check_gradient(half_squares, lambda w, A, b: A.T @ (A @ w - b), np.ones(3), B, np.ones(3))
    assert right.status == "proved"
    wrong = sd.check_gradient(half_squares, lambda w, A, b: A @ (A @ w - b), np.ones(3), B, np.ones(3))
    assert wrong.status == "refuted"


def test_a_missing_penalty_term():
    def loss(w, X, y, lam):
        return np.sum((X @ w - y) ** 2) + lam * np.sum(w**2)

    verdict = sd.check_gradient(loss, lambda w, X, y, lam: 2 * X.T @ (X @ w - y), np.ones(3), X, labels, 0.5)
    assert verdict.status == "refuted"
    assert "2 * lam * w" in verdict.hint


def test_true_for_the_labels_that_were_given():
    """With y = ±1 and only then: y**2 is 1."""
    y = np.where(labels > 0, 1.0, -1.0)

    def loss(w, X, y):
        return np.sum((y * (X @ w) - 1) ** 2)

    verdict = sd.check_gradient(loss, lambda w, X, y: 2 * X.T @ (X @ w - y), np.ones(3), X, y)
    assert verdict.upheld
    assert "y is taken to be labels(-1, 1)" in verdict.reason


def test_code_that_can_only_be_run():
    def loss(w, A, b):
        if ((A @ w - b) ** 2).sum() > 1e9:  # a branch on values
            return 0.0
        return ((A @ w - b) ** 2).sum() / 2

    wrong = sd.check_gradient(loss, lambda w, A, b: 2 * A.T @ (A @ w - b), w, A, b)
    assert wrong.status == "undecided"
    assert not wrong.cross_check.ok
    assert wrong.hint == "every component is off by the same factor 2 (missing 1/2?)"
    right = sd.check_gradient(loss, lambda w, A, b: A.T @ (A @ w - b), w, A, b)
    assert right.status == "undecided"
    assert right.cross_check.ok
    assert "run, not read" in right.reason


def test_arrays_that_the_functions_close_over():
    """They are numbers, so that the sizes are theirs: no more than those sizes is claimed."""

    def loss(w):
        return ((A @ w - b) ** 2).sum() / 2

    right = sd.check_gradient(loss, lambda w: A.T @ (A @ w - b), w)
    assert right.status == "checked"
    assert "only" in right.reason
    wrong = sd.check_gradient(loss, lambda w: 2 * A.T @ (A @ w - b), w)
    assert wrong.status == "refuted"
    assert wrong.hint.endswith("off by the factor 2")


def test_parameters_in_a_mapping_and_scalars():
    def loss(p, X, y):
        return np.sum((X @ p["w"] + p["b"] - y) ** 2)

    def grad(p, X, y):
        r = X @ p["w"] + p["b"] - y
        return {"w": 2 * X.T @ r, "b": 2 * r.sum()}

    verdict = sd.check_gradient(loss, grad, {"w": np.ones(3), "b": 0.5}, X, labels)
    assert verdict.status == "proved"
    assert verdict.cross_check.ok
    assert sd.check_gradient(lambda x: x**2, lambda x: 2 * x, 3.0).status == "proved"
    assert sd.check_gradient(lambda x: x**2, lambda x: x, 3.0).status == "refuted"


def test_errors():
    with pytest.raises(sd.UnsupportedError, match="grad is a function"):
        sd.check_gradient(half_squares, 3, w, A, b)
    with pytest.raises(sd.ShapeError):
        sd.check_gradient(half_squares, lambda w, A, b: np.ones(3), w, A, b)
    with pytest.raises(sd.ShapeError, match="one number"):
        sd.check_gradient(lambda w: w, lambda w: w, w)
    with pytest.raises(sd.DataError, match="params"):
        sd.check_gradient(half_squares, half_squares, "text", A, b)
    with pytest.raises(sd.DataError, match="ZeroDivisionError"):
        sd.check_gradient(lambda w: 1 / 0, lambda w: w, w)


def test_nothing_is_changed():
    point, data = w.copy(), A.astype(float)

    def grad(w, A, b):
        w *= 0
        return A.T @ (A @ w - b)

    sd.check_gradient(half_squares, grad, point, data, b)
    np.testing.assert_array_equal(point, w)


def residuals_one_by_one(w, X, y, slope):
    """Half the square of small residuals, a line beyond; returns the value and the gradient."""
    value, gradient = 0.0, np.zeros_like(w)
    for row, target in zip(X, y, strict=True):
        r = row @ w - target
        value += r**2 / 2 if abs(r) < 1 else abs(r) - 0.5
        gradient += (r if abs(r) < 1 else slope(r)) * row
    return value, gradient


@pytest.mark.parametrize(("slope", "ok"), [(np.sign, True), (lambda r: r, False), (abs, False)])
def test_a_branch_that_is_taken_far_off(slope, ok):
    rng = np.random.default_rng(3)
    X, y, w = rng.normal(size=(5, 2)) / 10, rng.normal(size=5) / 10, rng.normal(size=2) / 100
    found = sd.check_gradient(
        lambda w, X, y: residuals_one_by_one(w, X, y, slope)[0],
        lambda w, X, y: residuals_one_by_one(w, X, y, slope)[1],
        w,
        X,
        y,
    )
    assert found.status == "undecided"
    assert found.cross_check.ok is ok
    if not ok:
        assert "parameters far off" in str(found)


def test_a_branch_by_a_label_that_the_gradient_leaves_out():
    def loss(w, t):
        return np.sum(np.where(t > 0, np.log1p(np.exp(-t * w)), w**2 * 0))

    t, w = np.array([1.0, 1.0, 1.0]), np.array([0.3, -0.2, 0.5])
    assert sd.check_gradient(loss, lambda w, t: -t / (1 + np.exp(t * w)), w, t).status == "proved"
    assert sd.check_gradient(loss, lambda w, t: t / (1 + np.exp(t * w)), w, t).status == "refuted"
    assert sd.check_gradient(loss, lambda w, t: -t / (1 + np.exp(-t * w)), w, t).status == "refuted"
