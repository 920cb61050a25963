"""Training on losses with factorisations, risk sets, labels and several variables, against other code."""

import numpy as np
import pytest
import scipy.optimize
import statsmodels.api as sm

import symderive as sd

n, d, k, m, h = sd.dims("n d k m h")
X, y = sd.array("X", n, d), sd.array("y", n)


def gaussian_process():
    scale, length, noise = (sd.array(name, domain=sd.positive) for name in ("scale", "length", "noise"))
    squares = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=2)
    K = scale * np.exp(-squares / (2 * length**2)) + noise * sd.eye(n)
    return (y @ np.linalg.solve(K, y) + np.linalg.slogdet(K)[1]) / 2, [scale, length, noise]


def process_data():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 2))
    return {"X": inputs, "y": np.sin(2 * inputs[:, 0]) + 0.1 * rng.normal(size=30)}


@pytest.mark.parametrize("method", ["lbfgs", "newton"])
def test_hyperparameters_of_a_gaussian_process(method):
    loss, wrt = gaussian_process()
    data = process_data()
    fit = sd.minimize(loss, wrt, data, start={"scale": 1.0, "length": 1.0, "noise": 0.5}, method=method)
    squares = np.sum((data["X"][:, None] - data["X"]) ** 2, axis=2)

    def by_hand(logs):
        scale, length, noise = np.exp(logs)
        K = scale * np.exp(-squares / (2 * length**2)) + noise * np.eye(30)
        return (data["y"] @ np.linalg.solve(K, data["y"]) + np.linalg.slogdet(K)[1]) / 2

    oracle = scipy.optimize.minimize(by_hand, np.log([1.0, 1.0, 0.5]), method="Nelder-Mead",
                                     options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 3000})  # fmt: skip
    assert fit.fun == pytest.approx(oracle.fun, rel=1e-8)
    np.testing.assert_allclose([fit.x[a.name] for a in wrt], np.exp(oracle.x), rtol=1e-3)
    assert min(fit.x.values()) > 0
    assert fit.cross_check.ok


def test_a_search_stays_inside_the_domains():
    """The minimum over the reals lies outside: the search ends at the border, and says that it did not converge."""
    a = sd.array("a", domain=sd.interval(1, 4, closed="both"))
    for method in ("lbfgs", "newton", "gradient_descent"):
        fit = sd.minimize((a + 2) ** 2, a, start=3.0, method=method)
        assert 1 <= fit.x <= 3, method
    inside = sd.minimize((a - 2) ** 2 - np.log(a), a, start=3.5, method="newton")
    assert inside.x == pytest.approx((2 + np.sqrt(6)) / 2, rel=1e-9)
    with pytest.raises(sd.DataError, match="a must be in interval"):
        sd.minimize((a + 2) ** 2, a, start=0.5)


def test_a_start_without_a_value_is_told():
    loss, wrt = gaussian_process()
    data = process_data()
    twice = {"X": np.concatenate([data["X"], data["X"]]), "y": np.concatenate([data["y"], data["y"]])}
    with pytest.raises(sd.TrainingError, match="no value at the start point"):
        sd.minimize(loss, wrt, twice, start={"scale": 1.0, "length": 1.0, "noise": 1e-300}, method="lbfgs")


def test_cox_regression():
    w, time = sd.array("w", d), sd.array("time", n)
    event = sd.array("event", n, domain=sd.labels(0, 1))
    z = sd.let("z", X @ w)
    loss = -np.sum(event * (z - np.log((time[None, :] >= time[:, None]) @ np.exp(z))))
    rng = np.random.default_rng(1)
    covariates = rng.normal(size=(80, 3))
    times = rng.exponential(size=80) * np.exp(-covariates @ [0.5, -1.0, 0.0])
    seen = (rng.random(80) < 0.7).astype(int)
    fit = sd.minimize(loss, w, {"X": covariates, "time": times, "event": seen})
    oracle = sm.PHReg(times, covariates, status=seen).fit()
    np.testing.assert_allclose(fit.x, oracle.params, rtol=1e-7)
    assert -fit.fun == pytest.approx(oracle.llf, rel=1e-10)


def test_matrix_factorisation():
    """With a penalty on both factors the minimum is known: shrunken singular values (Srebro & Shraibman 2005)."""
    R, U, V = sd.array("R", n, m), sd.array("U", n, k), sd.array("V", m, k)
    loss = np.sum((R - U @ V.T) ** 2) + 0.5 * (np.sum(U**2) + np.sum(V**2))
    rng = np.random.default_rng(2)
    ratings = rng.normal(size=(9, 6))
    start = {"U": rng.normal(size=(9, 2)), "V": rng.normal(size=(6, 2))}
    fit = sd.minimize(loss, [U, V], {"R": ratings}, start=start, method="lbfgs", max_iterations=2000)
    left, values, right = np.linalg.svd(ratings)
    kept = np.maximum(values[:2] - 0.5, 0)
    best = (left[:, :2] * kept) @ right[:2]
    np.testing.assert_allclose(fit.x["U"] @ fit.x["V"].T, best, atol=1e-6)
    assert fit.fun == pytest.approx(np.sum((ratings - best) ** 2) + np.sum(kept), rel=1e-9)


def perceptron():
    labels = sd.array("t", n, domain=sd.integers(0, k - 1))
    W, V, b, c = sd.array("W", d, h), sd.array("V", h, k), sd.array("b", h), sd.array("c", k)
    scores = np.tanh(X @ W + b) @ V + c
    penalty = 1e-3 * (np.sum(W**2) + np.sum(V**2))
    return -np.mean(sd.log_softmax(scores, axis=1)[sd.arange(n), labels]) + penalty, [W, b, V, c]


@pytest.mark.parametrize("method", ["lbfgs", "sgd"])
def test_a_perceptron_learns_exclusive_or(method):
    loss, wrt = perceptron()
    rng = np.random.default_rng(3)
    points = rng.uniform(-1, 1, size=(120, 2))
    labels = (points[:, 0] * points[:, 1] > 0).astype(int)
    start = {"W": rng.normal(size=(2, 8)), "b": np.zeros(8), "V": rng.normal(size=(8, 2)), "c": np.zeros(2)}
    options = {"step": 0.5, "batch_size": 16, "seed": 0} if method == "sgd" else {}
    fit = sd.minimize(loss, wrt, {"X": points, "t": labels}, start=start, method=method, max_iterations=150, **options)
    scores = np.tanh(points @ fit.x["W"] + fit.x["b"]) @ fit.x["V"] + fit.x["c"]
    by_hand = np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(120), labels])
    penalty = 1e-3 * (np.sum(fit.x["W"] ** 2) + np.sum(fit.x["V"] ** 2))
    assert fit.fun == pytest.approx(by_hand + penalty, rel=1e-10)
    assert np.mean(np.argmax(scores, axis=1) == labels) > 0.95


@pytest.mark.parametrize(
    ("loss", "what"),
    [
        (lambda z: np.sum(z[::-1] * z), "2 sums over n"),
        (lambda z: np.sum(np.diff(z) ** 2), "0 sums over n"),
        (lambda z: np.sum(np.cumsum(z) ** 2), "a sample.s place"),
        (lambda z: np.max(z), "not a sum over n"),
        (lambda z: np.linalg.slogdet(np.outer(z, z) + sd.eye(n))[1], "not a sum over n"),
    ],
)
def test_losses_that_mix_samples_have_no_minibatches(loss, what):
    w = sd.array("w", d)
    with pytest.raises(sd.UnsupportedError, match=what):
        sd.minimize(loss(X @ w), w, {"X": np.ones((4, 2))}, method="sgd", check=False)
