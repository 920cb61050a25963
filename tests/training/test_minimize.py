"""Fits against normal equations, scikit-learn and statsmodels, and what is refused."""

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

import symderive as sd
from symderive.language.nodes import Leaf
from symderive.training.separable import sample_sum
from symderive.training.tables import load_table

n, d = sd.dims("n d")
X, w, b, y = sd.array("X", n, d), sd.array("w", d), sd.array("b"), sd.array("y", n)
t = sd.array("t", n, domain=sd.labels(0, 1))
lam = sd.array("lam", domain=sd.positive)
SQUARES = np.mean((X @ w + b - y) ** 2)
LOGISTIC = np.sum(np.logaddexp(0, X @ w + b) - t * (X @ w + b))


def diabetes(standardized):
    table = load_table("diabetes", target="progression")
    return (table.standardized() if standardized else table).X, table.y


def cancer():
    names = load_table("breast_cancer").names
    table = load_table("breast_cancer", target=names[-1]).standardized()
    return table.X, table.y


def small(seed=0, rows=40, columns=3):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(rows, columns))
    return {"X": A, "y": A @ np.arange(1.0, columns + 1) + 0.1 * rng.normal(size=rows)}


@pytest.mark.parametrize("method", ["newton", "lbfgs"])
@pytest.mark.parametrize("standardized", [False, True])
def test_least_squares_on_diabetes(method, standardized):
    A, target = diabetes(standardized)
    fit = sd.minimize(SQUARES, [w, b], {"X": A, "y": target}, method=method)
    found = np.append(fit.x["w"], fit.x["b"])
    design = np.column_stack([A, np.ones(len(A))])
    normal = np.linalg.lstsq(design, target, rcond=None)[0]
    np.testing.assert_allclose(found, normal, rtol=1e-6)
    np.testing.assert_allclose(found, sm.OLS(target, design).fit().params, rtol=1e-6)
    assert fit.success
    assert fit.cross_check.ok


@pytest.mark.parametrize("method", ["newton", "lbfgs", "gradient_descent"])
def test_ridge_logistic_on_breast_cancer(method):
    A, labels = cancer()
    fit = sd.minimize(LOGISTIC + 0.5 * lam * np.sum(w**2), [w, b], {"X": A, "t": labels, "lam": 1.0}, method=method)
    found = np.append(fit.x["w"], fit.x["b"])
    oracle = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(A, labels)
    np.testing.assert_allclose(found, np.append(oracle.coef_[0], oracle.intercept_), atol=1e-6)
    assert fit.success


def test_logistic_agrees_with_statsmodels():
    A, labels = cancer()
    A = A[:, [1, 4, 8]]  # three features do not separate the classes: the plain fit exists
    fit = sd.minimize(LOGISTIC, [w, b], {"X": A, "t": labels})
    oracle = sm.Logit(labels, np.column_stack([A, np.ones(len(A))])).fit(disp=0, tol=1e-12, maxiter=100)
    np.testing.assert_allclose(np.append(fit.x["w"], fit.x["b"]), oracle.params, rtol=1e-6)
    assert fit.message == "the Newton decrement is small"


@pytest.mark.parametrize("method", ["newton", "lbfgs"])
def test_separable_classes_get_one_clear_message(method):
    A, labels = cancer()
    with pytest.raises(sd.TrainingError, match=r"no minimiser exists.*separable.*Add a penalty"):
        sd.minimize(LOGISTIC / n, [w, b], {"X": A, "t": labels}, method=method)


def test_a_light_penalty_is_not_mistaken_for_separable():
    A, labels = cancer()
    fit = sd.minimize(LOGISTIC / n + lam * np.sum(w**2), [w, b], {"X": A, "t": labels, "lam": 1e-9})
    assert fit.success
    assert np.linalg.norm(fit.jac["w"]) < 1e-9
    flat = np.exp(-b) + lam * b
    fit = sd.minimize(flat, b, {"lam": 1e-9})
    assert fit.x == pytest.approx(np.log(1e9), rel=1e-6)


def test_an_unbounded_loss_is_refused():
    with pytest.raises(sd.TrainingError):
        sd.minimize(np.sum(w * w * w) - np.sum(w), w, start=[-1.0, -1.0])


def test_minibatches_come_close_and_are_reproducible():
    data = small()
    loss = np.mean((X @ w - y) ** 2)
    fits = [sd.minimize(loss, w, data, method="sgd", batch_size=8, seed=3, max_iterations=200) for _ in range(2)]
    np.testing.assert_array_equal(fits[0].x, fits[1].x)
    np.testing.assert_allclose(fits[0].x, np.linalg.lstsq(data["X"], data["y"], rcond=None)[0], atol=0.02)
    other = sd.minimize(loss, w, data, method="sgd", batch_size=8, seed=4, max_iterations=3)
    assert not np.array_equal(other.x, fits[0].x)
    assert len(fits[0].history) == fits[0].nit + 1


def test_whole_batches_are_gradient_descent():
    data = small()
    for loss in (np.sum((X @ w - y) ** 2) + 3 * np.sum(w**2), np.mean((X @ w - y) ** 2) + np.sum(w**2) / n):
        options = {"step": 1e-3, "max_iterations": 5}
        whole = sd.minimize(loss, w, data, method="gradient_descent", **options)
        batch = sd.minimize(loss, w, data, method="sgd", batch_size=40, **options)
        np.testing.assert_allclose(batch.x, whole.x, rtol=1e-12)


def test_batch_gradients_are_unbiased():
    """The mean over batches of equal size is the whole gradient, penalty included."""
    data = small(rows=12)
    for loss in (
        np.sum((X @ w - y) ** 2) + 3 * np.sum(w**2),
        np.mean((X @ w - y) ** 2) + np.sum(w**2) / n,
        np.sum((X @ w - y) ** 2 + np.sum(w**2)) / 7,
    ):
        samples = sample_sum(loss, (w.node,))
        assert samples.dimension == n.value
        kernel = sd.compile(samples.batch_loss, wrt=w)
        at = np.array([1.0, -2.0, 0.5])
        asked = {str(samples.total): 12} if kernel.asked else {}
        parts = [
            kernel.gradient(X=data["X"][k : k + 4], y=data["y"][k : k + 4], w=at, **asked) for k in (0, 4, 8)
        ]
        whole = sd.compile(loss, wrt=w).gradient(**data, w=at)
        np.testing.assert_allclose(np.mean(parts, axis=0), whole, rtol=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        np.sum(X @ w - y) ** 2,
        sd.logsumexp(X @ w),
        np.sum(sd.softmax(X @ w) * y),
        np.sum(w**2),
        np.sum(sd.arange(n) * (X @ w - y) ** 2),
    ],
)
def test_losses_that_are_no_sum_over_samples(loss):
    assert isinstance(w.node, Leaf)
    with pytest.raises(sd.UnsupportedError, match="sum or mean over the samples"):
        sample_sum(loss, (w.node,))


def test_a_wrong_gradient_refuses_training(monkeypatch):
    from symderive.compilation import kernel as kernels

    right = kernels.gradient

    def wrong(loss, wrt):
        made = right(loss, wrt)
        return type(made)(made.kind, made.subject, made.wrt, made.steps, made.result * 2)

    monkeypatch.setattr(kernels, "gradient", wrong)
    with pytest.raises(sd.GradientMismatchError, match="training refused: gradient disagrees"):
        sd.minimize(np.sum((X @ w - y) ** 2), w, small(), method="lbfgs")
    sd.minimize(np.sum((X @ w - y) ** 2), w, small(), method="gradient_descent", check=False, max_iterations=2)


def test_steps_that_diverge_are_one_clear_error():
    with pytest.raises(sd.TrainingError, match=r"the loss is (inf|nan) at iteration .* smaller step"):
        sd.minimize(np.sum((X @ w - y) ** 2), w, small(), method="gradient_descent", step=10.0)
    with pytest.raises(sd.TrainingError, match="start point"):
        sd.minimize(np.sum(np.exp(X @ w)), w, {"X": small()["X"]}, start=[1e4, 1e4, 1e4])


def test_callbacks_see_the_state_and_stop():
    seen = []

    def stop(state):
        seen.append(state)
        if state.number == 3:
            raise StopIteration

    fit = sd.minimize(np.sum((X @ w - y) ** 2), w, small(), method="gradient_descent", callback=stop)
    assert [s.number for s in seen] == [1, 2, 3]
    assert seen[-1].x.shape == (3,)
    assert (fit.success, fit.status, fit.nit) == (False, 5, 3)


def test_interruption_returns_what_there_is():
    def interrupt(state):
        if state.number == 2:
            raise KeyboardInterrupt

    for method in ("gradient_descent", "lbfgs", "sgd"):
        fit = sd.minimize(np.sum((X @ w - y) ** 2), w, small(), method=method, callback=interrupt)
        assert (fit.success, fit.status) == (False, 6)
        assert "interrupted" in fit.message
        assert fit.nit == 2


def test_a_singular_hessian_is_named():
    data = small()
    data["X"] = np.column_stack([data["X"], data["X"][:, 0]])
    fit = sd.minimize(np.sum((X @ w - y) ** 2), w, data)
    assert fit.success
    assert "not unique" in fit.message
    residual = data["X"] @ fit.x - data["y"]
    np.testing.assert_allclose(data["X"].T @ residual, 0, atol=1e-6)


def test_a_loss_that_is_not_convex_goes_down():
    fit = sd.minimize((b**2 - 1) ** 2, b, start=0.1)
    assert fit.success
    assert abs(fit.x) == pytest.approx(1)


def test_one_sample_one_feature():
    fit = sd.minimize(np.sum((X @ w - y) ** 2), w, {"X": [[2.0]], "y": [4.0]})
    assert fit.x.shape == (1,)
    assert fit.x[0] == pytest.approx(2)
    assert np.shape(fit.hess) == (1, 1)


def test_step_schedules():
    loss = np.mean((X @ w - y) ** 2)
    fit = sd.minimize(loss, w, small(), method="sgd", step=lambda epoch: 0.1 / (1 + epoch), max_iterations=4)
    assert [i.step for i in fit.iterations[1:]] == pytest.approx([0.1, 0.05, 0.1 / 3, 0.025])


BAD = [
    ({"method": "adam"}, sd.TrainingError, "method must be one of"),
    ({"tolerance": 2}, sd.TrainingError, "tolerance"),
    ({"max_iterations": 0}, sd.TrainingError, "max_iterations"),
    ({"step": -1.0}, sd.TrainingError, "step must be positive"),
    ({"method": "sgd", "batch_size": 41}, sd.TrainingError, "batch_size must be an integer from 1 to n = 40"),
    ({"data": {"X": np.ones((4, 2))}}, sd.UnknownNameError, "missing input 'y'"),
    ({"data": {"X": np.ones((4, 2)), "y": np.ones(3)}}, sd.ShapeError, "n is 4 from X but 3 from y"),
    ({"data": {"X": np.ones((4, 2)), "y": [1, 2, 3, np.nan]}}, sd.DataError, "y has nan at index 3"),
    ({"start": [1.0]}, sd.ShapeError, "d is 3 from X but 1 from w"),
    ({"wrt": None}, sd.UnknownNameError, "needs wrt"),
    ({"wrt": "v"}, sd.UnknownNameError, "no array named 'v'"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_calls_get_one_clear_error(change, error, message):
    arguments = {"loss": np.sum((X @ w - y) ** 2), "wrt": w, "data": small(), **change}
    with pytest.raises(error, match=message):
        sd.minimize(**arguments)


def test_the_sought_array_is_no_data():
    with pytest.raises(sd.UnknownNameError, match="start="):
        sd.minimize(np.sum((X @ w - y) ** 2), w, {**small(), "w": np.ones(3)})
    with pytest.raises(sd.ShapeError, match="give start"):
        sd.minimize(np.sum(np.exp(w) - w), w)


def test_kernels_and_summaries():
    kernel = sd.compile(np.sum((X @ w - y) ** 2), wrt=w, order=2)
    fit = sd.minimize(kernel, data=small())
    assert fit.kernel is kernel
    assert "newton: converged" in repr(fit)
    assert fit["x"] is fit.x
    assert fit.history[0] > fit.history[-1]
    assert sd.minimize(kernel, data=small(), method="l-bfgs").success


def test_progress_goes_to_standard_error(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sd.minimize(np.sum((X @ w - y) ** 2), w, small(), progress=True)
        assert "newton" in capsys.readouterr().err
        sd.minimize(np.sum((X @ w - y) ** 2), w, small())
        assert capsys.readouterr() == ("", "")
