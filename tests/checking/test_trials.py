"""Code as it runs: kinks, branches, labels, randomness, damage, structures; and dimensions that only look equal."""

import dataclasses
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from scipy.special import digamma, expit, gammaln, softmax

import symderive as sd
from symderive.checking import gradients
from symderive.checking.parameters import described, gradient_in
from symderive.checking.programs import Program

rng = np.random.default_rng(0)


def opaque(value):
    """What cannot be read: a branch on a value."""
    return value if value < 1e300 else 0.0


def relu_net(p, X, y):
    h = np.maximum(0, X @ p["W1"] + p["b1"])
    return opaque(np.mean((h @ p["w2"] - y) ** 2))


def relu_grad(p, X, y, at_kink=0.0):
    a = X @ p["W1"] + p["b1"]
    h = np.maximum(0, a)
    r = 2 * (h @ p["w2"] - y) / len(y)
    d = np.outer(r, p["w2"]) * np.where(a == 0, at_kink, a > 0)
    return {"W1": X.T @ d, "b1": d.sum(axis=0), "w2": h.T @ r}


@pytest.mark.parametrize("seed", [1, 2, 7, 9, 10])
def test_relu_networks_raise_no_false_alarm(seed):
    """Samples straddle kinks: some pre-activations are 0 to the last bit, or as near as the steps."""
    r = np.random.default_rng(seed)
    p = {"W1": r.normal(size=(3, 5)), "b1": np.zeros(5), "w2": r.normal(size=5)}
    X, y = r.normal(size=(8, 3)), r.normal(size=8)
    X[0] = 0  # on the kink
    X[1:4] *= 10.0 ** -r.integers(2, 8, size=(3, 1))  # near it
    found = sd.check_gradient(relu_net, relu_grad, p, X, y, seed=seed)
    assert found.status == "undecided"
    assert found.cross_check.ok, str(found)
    wrong = sd.check_gradient(relu_net, lambda p, X, y: {**relu_grad(p, X, y), "b1": 0 * p["b1"]}, p, X, y, seed=seed)
    assert not wrong.cross_check.ok
    assert wrong.cross_check.wrong == ("b1",)


def test_an_error_on_one_branch_only():
    """The point given lies on the right branch; fresh points find the other."""

    def loss(w):
        return float(w @ w) if w[0] > 0 else float(3 * w @ w)

    right = sd.check_gradient(loss, lambda w: 2 * w if w[0] > 0 else 6 * w, np.array([1.0, 2.0]))
    assert right.status == "undecided"
    assert right.cross_check.ok
    assert "fresh points" in right.cross_check.note
    wrong = sd.check_gradient(loss, lambda w: 2 * w, np.array([1.0, 2.0]))
    assert not wrong.cross_check.ok
    assert "at fresh parameters, seed" in wrong.reason


def test_an_error_that_shows_once_a_parameter_leaves_zero():
    def loss(w, X):
        return opaque(np.sum((X @ w) ** 4) + np.sum(w))

    wrong = sd.check_gradient(loss, lambda w, X: np.ones(2), np.zeros(2), rng.normal(size=(4, 2)))
    assert not wrong.cross_check.ok
    assert "fresh parameters" in wrong.reason


def test_an_error_for_some_labels_only():
    """Only class 0 occurs in the data given as more than one label; fresh data permute them."""

    def loss(w, X, y):
        total = 0.0
        for x, label in zip(X, y, strict=True):
            total += np.log1p(np.exp(-x @ w)) if label == 1 else np.log1p(np.exp(x @ w))
        return total

    def grad(w, X, y):
        g = np.zeros_like(w)
        for x, label in zip(X, y, strict=True):
            s = 1 / (1 + np.exp(-x @ w))
            g += (s - 1) * x if label == 1 else s * x
        return g

    def wrong(w, X, y):
        g = np.zeros_like(w)
        for x, label in zip(X, y, strict=True):
            s = 1 / (1 + np.exp(-x @ w))
            g += (s - 1) * x if label == 1 else s * s * x
        return g

    X = rng.normal(size=(4, 2))
    X[3] = 0  # the one sample of the other label says nothing here
    y = np.array([1, 1, 1, 0])
    assert sd.check_gradient(loss, grad, np.zeros(2), X, y).status == "checked"
    found = sd.check_gradient(loss, wrong, np.zeros(2), X, y)
    assert found.status == "refuted"
    assert "y = " in found.reason


def test_fresh_random_numbers_are_recognised():
    noisy = sd.check_gradient(lambda w: float(w @ w + np.random.default_rng().normal()), lambda w: 2 * w, np.ones(2))
    assert noisy.status == "undecided"
    assert noisy.cross_check is None
    assert "draws fresh random numbers" in noisy.reason
    assert "Generator" in noisy.hint

    def dropout(w, X, r):
        return np.sum(((X * (r.uniform(size=X.shape) < 0.5)) @ w) ** 2)

    def dropout_grad(w, X, r):
        M = X * (r.uniform(size=X.shape) < 0.5)
        return 2 * M.T @ (M @ w)

    X = rng.normal(size=(5, 2))
    seeded = sd.check_gradient(dropout, dropout_grad, np.ones(2), X, np.random.default_rng(3))
    assert seeded.cross_check.ok
    assert "fresh random" not in seeded.reason
    wrong = sd.check_gradient(dropout, lambda w, X, r: 2 * X.T @ (X @ w), np.ones(2), X, np.random.default_rng(3))
    assert not wrong.upheld
    assert not wrong.cross_check.ok


def test_damage_is_reported():
    def loss(w, X):
        X -= X.mean(axis=0)
        return np.sum((X @ w) ** 2)

    def grad(w, X):
        Z = X - X.mean(axis=0)
        return 2 * Z.T @ (Z @ w)

    X = rng.normal(size=(5, 2))
    before = X.copy()
    found = sd.check_gradient(loss, grad, np.ones(2), X)
    np.testing.assert_array_equal(X, before)
    assert found.status == "proved"
    assert "loss changes its argument X in place" in found.reason
    clean = sd.check_gradient(lambda w, X: np.sum((X @ w) ** 2), lambda w, X: 2 * X.T @ X @ w, np.ones(2), X)
    assert "in place" not in clean.reason


def test_steps_that_contradict_each_other_are_no_verdict():
    def rough(w):
        return opaque(float(np.floor(1e7 * np.sin(1e5 * w)) % 7))

    found = sd.check_gradient(rough, lambda w: 0.0, 0.4)
    assert found.status == "undecided"
    assert found.cross_check is None or not found.cross_check.ok or found.cross_check.unclear == 0
    assert found.cross_check is None
    assert "say nothing" in found.reason


def test_read_and_right_but_wrong_as_it_runs():
    """Integers that overflow: the formula is right, the code is not."""

    def loss(w, X):
        return np.sum((X * X) @ w)

    found = sd.check_gradient(
        loss, lambda w, X: np.sum(X.astype(float) ** 2, axis=0), np.ones(2), np.full((3, 2), 100, np.int8)
    )
    assert found.status == "undecided"
    assert not found.cross_check.ok
    assert "as it runs" in found.reason


Pair = namedtuple("Pair", "w b")


@dataclasses.dataclass
class Weights:
    w: np.ndarray
    b: float


def line(w, b, X, y):
    return np.sum((X @ w + b - y) ** 2)


def line_grad(w, b, X, y):
    r = 2 * (X @ w + b - y)
    return X.T @ r, r.sum()


X, y = rng.normal(size=(5, 2)), rng.normal(size=5)
STRUCTURES = {
    "dict": ({"w": np.ones(2), "b": 0.5}, lambda p: (p["w"], p["b"]), lambda w, b: {"w": w, "b": b}),
    "other order": ({"w": np.ones(2), "b": 0.5}, lambda p: (p["w"], p["b"]), lambda w, b: {"b": b, "w": w}),
    "d-names": ({"w": np.ones(2), "b": 0.5}, lambda p: (p["w"], p["b"]), lambda w, b: {"dw": w, "db": b}),
    "tuple for dict": ({"w": np.ones(2), "b": 0.5}, lambda p: (p["w"], p["b"]), lambda w, b: (w, b)),
    "cache beside": ({"w": np.ones(2), "b": 0.5}, lambda p: (p["w"], p["b"]), lambda w, b: ({"w": w, "b": b}, [w])),
    "value beside": ((np.ones(2), 0.5), lambda p: (p[0], p[1]), lambda w, b: (1.0, (w, b))),
    "tuple": ((np.ones(2), 0.5), lambda p: (p[0], p[1]), lambda w, b: [w, b]),
    "list": ([np.ones(2), 0.5], lambda p: (p[0], p[1]), lambda w, b: (w, b)),
    "named tuple": (Pair(np.ones(2), 0.5), lambda p: (p.w, p.b), Pair),
    "dataclass": (Weights(np.ones(2), 0.5), lambda p: (p.w, p.b), Weights),
    "ordered": (OrderedDict(w=np.ones(2), b=0.5), lambda p: (p["w"], p["b"]), lambda w, b: {"w": w, "b": b}),
    "nested": (
        {"layer": [{"w": np.ones(2)}], "b": 0.5}, lambda p: (p["layer"][0]["w"], p["b"]),
        lambda w, b: {"layer": [{"w": w}], "b": b},
    ),
    "float32": (
        {"w": np.ones(2, np.float32), "b": np.float32(0.5)}, lambda p: (p["w"], p["b"]), lambda w, b: {"w": w, "b": b}
    ),
    "integers": ({"w": np.array([1, 2]), "b": 3}, lambda p: (p["w"], p["b"]), lambda w, b: {"w": w, "b": b}),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_of_parameters(name):
    params, take, give = STRUCTURES[name]

    def loss(p, X, y):
        return line(*take(p), X, y)

    right = sd.check_gradient(loss, lambda p, X, y: give(*line_grad(*take(p), X, y)), params, X, y)
    assert right.status == "proved", str(right)
    assert right.cross_check.ok

    def wrong(p, X, y):
        w, b = line_grad(*take(p), X, y)
        return give(w, b / 2)

    found = sd.check_gradient(loss, wrong, params, X, y)
    assert found.status == "refuted", str(found)
    assert len(found.cross_check.wrong) == 1
    assert found.cross_check.wrong[0].endswith(("b", "[1]"))


def test_one_function_for_both():
    def loss_and_grad(w, X, y):
        r = X @ w - y
        return r @ r, 2 * X.T @ r

    assert sd.check_gradient(loss_and_grad, loss_and_grad, np.ones(2), X, y).status == "proved"
    assert sd.check_gradient(lambda x: (x * x, 2 * x), lambda x: (x * x, 2 * x), 3.0).status == "proved"
    assert sd.check_gradient(lambda x: (x * x, x), lambda x: (x * x, x), 3.0).status == "refuted"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"w": np.ones(2)}, "none for b"),
        ({"w": np.ones((2, 1)), "b": 1.0}, r"by w has shape \(2, 1\).*ravel"),
        ({"w": np.ones(2), "b": np.ones(5)}, r"by b has shape \(5,\), but b has shape \(\); summed over axis 0"),
        (None, "nothing"),
        (3.0, "structure of params"),
        (np.ones(3), "structure of params"),
        ({"w": None, "b": 1.0}, "None|none for w"),
        ("text", "structure of params"),
    ],
)
def test_gradients_of_another_structure_are_refused(result, said):
    params = {"w": np.ones(2), "b": 0.5}
    with pytest.raises(sd.ShapeError, match=said):
        sd.check_gradient(lambda p: np.sum(p["w"]) * p["b"], lambda p: result, params)


def test_a_parameter_that_the_loss_does_not_use():
    params = {"w": np.ones(2), "b": np.ones(3)}
    right = sd.check_gradient(
        lambda p: np.sum(p["w"] ** 2), lambda p: {"w": 2 * p["w"], "b": np.zeros_like(p["b"])}, params
    )
    assert right.status == "proved"
    wrong = sd.check_gradient(lambda p: np.sum(p["w"] ** 2), lambda p: {"w": 2 * p["w"], "b": p["b"]}, params)
    assert wrong.status == "refuted"
    assert "b:" in wrong.reason


@pytest.mark.parametrize("size", [2, 3, 5])
def test_equal_sizes_hide_no_transpose(size):
    """n = d = k: every mistake that fits only then is refuted."""
    A, B, w = (rng.normal(size=s) for s in ((size, size), (size, size), size))

    def loss(w, A, B):
        return 0.5 * np.sum((A @ B @ w) ** 2)

    assert sd.check_gradient(loss, lambda w, A, B: B.T @ A.T @ A @ B @ w, w, A, B).status == "proved"
    for wrong in (
        lambda w, A, B: B @ A.T @ A @ B @ w,
        lambda w, A, B: A.T @ B.T @ A @ B @ w,
        lambda w, A, B: B.T @ A @ A @ B @ w,
        lambda w, A, B: B.T @ A.T @ A @ B @ w * len(w) / A.shape[0] + 0 * (A @ w),
    ):
        assert sd.check_gradient(loss, wrong, w, A, B).status != "proved"


def test_data_that_carry_a_relation():
    """True for one-hot rows, symmetric kernels and positive scales only: what is taken is said."""
    W, Z, T = rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), np.eye(3)[[0, 2, 1, 1]]

    def cross(W, Z, T):
        S = Z @ W
        return -np.sum(T * (S - np.log(np.sum(np.exp(S), axis=1))[:, None]))

    def cross_grad(W, Z, T):
        P = np.exp(Z @ W)
        return Z.T @ (P / P.sum(axis=1, keepdims=True) - T)

    found = sd.check_gradient(cross, cross_grad, W, Z, T)
    assert found.upheld
    assert "T is taken to be one_hot" in found.reason
    soft = rng.dirichlet(np.ones(3), size=4)
    assert not sd.check_gradient(cross, cross_grad, W, Z, soft + 0.1).upheld
    K = Z @ Z.T
    quadratic = sd.check_gradient(lambda a, K: a @ K @ a, lambda a, K: 2 * K @ a, np.ones(4), K)
    assert quadratic.upheld
    assert "K is taken to be symmetric" in quadratic.reason
    assert (
        sd.check_gradient(lambda a, K: a @ K @ a, lambda a, K: 2 * K @ a, np.ones(4), rng.normal(size=(4, 4))).status
        == "refuted"
    )


def test_structures_in_words():
    assert described({"W": np.ones((2, 3)), "b": [1.0, None]}) == "{W: (2, 3), b: [number, None]}"
    assert gradient_in((np.float64(1.0), np.ones(2)), np.zeros(2), ["w"])[0].shape == (2,)


def test_no_right_parameter_is_blamed_for_what_holds_of_the_data_only():
    """M * M is M for masks of 0 and 1: only V, whose factor is wrong for these too, is named."""

    def loss(p, R, M):
        return np.sum((M * (R - p["U"] @ p["V"].T)) ** 2) / 2

    def grad(p, R, M):
        E = M * (R - p["U"] @ p["V"].T)
        return {"U": -E @ p["V"], "V": -2 * E.T @ p["U"]}

    params = {"U": rng.normal(size=(4, 2)), "V": rng.normal(size=(3, 2))}
    found = sd.check_gradient(loss, grad, params, rng.normal(size=(4, 3)), np.eye(4, 3))
    assert found.status == "refuted"
    assert "M is taken to be labels(0, 1)" in found.reason
    assert found.hint == "V: the claim is 2 times the gradient: off by the factor 2"
    assert "U: hand" not in found.reason


def test_sizes_that_the_gradient_has_as_numbers():
    """``np.array([a, b])`` is the gradient by two numbers, whatever else there is of length 2."""

    def loss(p, x):
        return np.exp(-p["s"][0]) * np.sum((x - p["m"]) ** 2) + p["s"][0] * p["s"][1]

    def grad(p, x, factor=1.0):
        first = -np.exp(-p["s"][0]) * np.sum((x - p["m"]) ** 2) + p["s"][1]
        return {"m": 2 * np.exp(-p["s"][0]) * (p["m"] - x), "s": np.array([first, factor * p["s"][0]])}

    params = {"m": rng.normal(size=2), "s": np.array([0.3, -0.2])}
    found = sd.check_gradient(loss, grad, params, rng.normal(size=2))
    assert found.status == "proved", str(found)
    assert "the shape of s is taken as given: (2,)" in found.reason
    assert "the shape of m" not in found.reason
    wrong = sd.check_gradient(loss, lambda p, x: grad(p, x, 2.0), params, rng.normal(size=2))
    assert wrong.status == "refuted"
    assert wrong.cross_check.wrong == ("s",)
    assert "m: hand" not in wrong.reason


def test_rows_written_twice():
    """``dE[i] += r`` adds once where an index occurs twice; ``np.add.at`` adds as often."""

    def loss(E, i, t):
        return np.sum((E[i] - t) ** 2)

    def grad(E, i, t):
        dE = np.zeros_like(E)
        dE[i] += 2 * (E[i] - t)
        return dE

    E, i, t = rng.normal(size=(5, 3)), np.array([0, 1, 1, 4]), rng.normal(size=(4, 3))
    found = sd.check_gradient(loss, grad, E, i, t)
    assert found.status == "refuted", str(found)
    assert "np.add.at" in found.reason


def ordinal(p, X, y):
    cuts = np.concatenate(([-np.inf], p["c"], [np.inf]))
    eta = X @ p["w"]
    return -np.sum(np.log(expit(cuts[y + 1] - eta) - expit(cuts[y] - eta)))


def ordinal_grad(p, X, y, sign=1):
    cuts = np.concatenate(([-np.inf], p["c"], [np.inf]))
    eta = X @ p["w"]
    u, v = expit(cuts[y + 1] - eta), expit(cuts[y] - eta)
    dc = np.zeros(len(cuts))
    np.add.at(dc, y + 1, -u * (1 - u) / (u - v))
    np.add.at(dc, y, sign * v * (1 - v) / (u - v))
    return {"w": X.T @ ((u * (1 - u) - v * (1 - v)) / (u - v)), "c": dc[1:-1]}


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_what_cancels_far_off_is_no_disagreement(seed):
    """1 - (1 - x) is a staircase of rounding: level between its steps, so that short differences are 0."""
    r = np.random.default_rng(11)
    p, X, y = {"w": r.normal(size=2), "c": np.array([-0.8, 0.6])}, r.normal(size=(6, 2)), np.array([0, 1, 2, 1, 0, 2])
    assert sd.check_gradient(ordinal, ordinal_grad, p, X, y, seed=seed).cross_check.ok
    found = sd.check_gradient(ordinal, lambda *a: ordinal_grad(*a, sign=-1), p, X, y, seed=seed)
    assert found.cross_check.wrong == ("c",)


@pytest.mark.parametrize("seed", [0, 1, 6, 9])
def test_stairs_of_rounding_are_found_far_off(seed):
    def loss(w):
        total = np.sum(np.log((1 + 1e-8 * np.exp(w)) - 1))
        return total if total < 1e300 else np.inf  # a branch: it can only be run

    with np.errstate(over="ignore"):
        found = sd.check_gradient(loss, np.ones_like, np.array([1.0, 2.0]), seed=seed)
        wrong = sd.check_gradient(loss, lambda w: 1.5 * np.ones_like(w), np.array([1.0, 2.0]), seed=seed)
    assert found.status == "undecided"
    assert found.cross_check.ok, found
    assert not wrong.cross_check.ok


def test_positive_parameters_are_not_moved_to_the_edge_of_their_domain():
    """Differences at 1e-11 would step across 0, where log Γ is finite too."""
    a = np.array([0.5, 1.5, 2.5])
    for seed in range(0, 400, 100):
        found = sd.check_gradient(lambda a: opaque(np.sum(gammaln(a))), lambda a: digamma(a), a, seed=seed)
        assert found.cross_check.ok, found


def clipped_ratio(w, S, old, adv):
    ratio = np.exp(S @ w - old)
    return -np.mean(np.minimum(ratio * adv, np.clip(ratio, 0.8, 1.2) * adv))


def clipped_ratio_grad(w, S, old, adv, both_sides=False):
    ratio = np.exp(S @ w - old)
    high, low = ratio > 1.2, ratio < 0.8
    off = high | low if both_sides else ((adv > 0) & high) | ((adv < 0) & low)
    return -S.T @ np.where(off, 0.0, ratio * adv) / len(adv)


def test_the_smaller_of_two_that_are_one_formula_on_a_region():
    r = np.random.default_rng(3)
    data = r.normal(size=2), r.normal(size=(5, 2)), r.normal(size=5) / 5, r.normal(size=5)
    assert sd.check_gradient(clipped_ratio, clipped_ratio_grad, *data, timeout=4).upheld
    wrong = sd.check_gradient(clipped_ratio, lambda *a: clipped_ratio_grad(*a, both_sides=True), *data)
    assert wrong.status == "refuted"


def causal(W, X, T):
    scores = np.where(np.tril(np.ones((len(X), len(X)))) == 1, X @ W @ X.T, -1e9)
    return 0.5 * np.sum((softmax(scores, axis=1) @ X - T) ** 2)


def causal_grad(W, X, T, axis=1):
    scores = np.where(np.tril(np.ones((len(X), len(X)))) == 1, X @ W @ X.T, -1e9)
    A = softmax(scores, axis=1)
    dA = (A @ X - T) @ X.T
    return X.T @ (A * (dA - (A * dA).sum(axis=axis, keepdims=True))) @ X


def test_a_mask_of_minus_1e9_stands_for_minus_infinity():
    r = np.random.default_rng(5)
    data = r.normal(size=(2, 2)), r.normal(size=(3, 2)), r.normal(size=(3, 2))
    right = sd.check_gradient(causal, causal_grad, *data, timeout=8)
    assert right.upheld
    assert "-1000000000 in the code stands for what they never reach" in right.reason
    wrong = sd.check_gradient(causal, lambda *a: causal_grad(*a, axis=0), *data)
    assert wrong.status == "refuted"


def test_without_time_for_a_proof_it_is_judged_at_points():
    def loss(w, X, y):
        return np.mean(np.logaddexp(0, X @ w) - y * (X @ w)) + np.mean(np.tanh(X @ w) ** 2)

    def grad(w, X, y):
        t = np.tanh(X @ w)
        return X.T @ (expit(X @ w) - y + 2 * t * (1 - t**2)) / len(y)

    data = np.zeros(2), rng.normal(size=(5, 2)), rng.normal(size=5)
    assert sd.check_gradient(loss, grad, *data).status == "proved"
    judge = gradients._Judge(Program(loss, grad, data[0], data[1:]), "claim", (), 0)
    judge.proving = 0.0
    found = judge._judged().verdict
    assert found.status == "checked"
    assert "judged at points" in found.reason
    assert found.evidence.points >= 8


def test_single_numbers_that_are_branched_on_are_taken_as_given():
    def loss(w, X, y, lam):
        penalty = lam * np.sum(w**2) / 2 if lam > 0 else 0.0
        return np.sum((X @ w - y) ** 2) / 2 + penalty

    def grad(w, X, y, lam, factor=1):
        g = X.T @ (X @ w - y)
        if lam == 0:
            return g
        return g + factor * lam * w

    data = np.zeros(2), rng.normal(size=(5, 2)), rng.normal(size=5), 0.25
    right = sd.check_gradient(loss, grad, *data)
    assert right.status == "checked"
    assert right.reason.endswith("lam is taken to be 0.25")
    assert not right.trace
    wrong = sd.check_gradient(loss, lambda *a: grad(*a, factor=2), *data)
    assert wrong.status == "refuted"
    assert "wrong number: 1 in place of 2 would be right" in wrong.hint
    assert sd.check_gradient(loss, lambda w, X, y, lam: grad(w, X, y, lam) / (1 if lam else 2), *data).upheld


def flat(t, X, y):
    d = X.shape[1]
    W, v = t[: 2 * d].reshape(d, 2), t[2 * d : 2 * d + 2]
    return np.sum((np.tanh(X @ W) @ v - y) ** 2)


def flat_grad(t, X, y, turned=False):
    d = X.shape[1]
    W, v = t[: 2 * d].reshape(d, 2), t[2 * d : 2 * d + 2]
    A = np.tanh(X @ W)
    r = 2 * (A @ v - y)
    dW = X.T @ (np.outer(r, v) * (1 - A**2))
    return np.concatenate([(dW.T if turned else dW).ravel(), A.T @ r])


def test_flat_parameters_are_counted_by_other_sizes():
    data = rng.normal(size=8), rng.normal(size=(5, 3)), rng.normal(size=5)
    right = sd.check_gradient(flat, flat_grad, *data)
    assert right.status == "checked"
    assert "n = 3, d = 2, m = 6 and at n = 5, d = 3, m = 8" in right.reason
    assert "the entries of the parameter are counted by other sizes: m = 2*d + 2" in right.reason
    assert sd.check_gradient(flat, lambda *a: flat_grad(*a, turned=True), *data).status == "refuted"
    # two plain sizes that are equal as given are no count: a square matrix hides no transpose
    square = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3)
    wrong = sd.check_gradient(half_squares, lambda w, X, y: X @ (X @ w - y), *square)
    assert wrong.status == "refuted"


@pytest.mark.parametrize("order", [1, -1])
def test_sizes_that_are_equal_as_given_are_no_shape(order):
    data = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3)
    wrong = sd.check_gradient(half_squares, lambda w, X, y: (X @ w - y)[::order], *data)
    assert wrong.status == "refuted"
    assert "the claim has shape (n,), the gradient has (d,)" in wrong.reason


def half_squares(w, X, y):
    return 0.5 * np.sum((X @ w - y) ** 2)


def test_edits_are_looked_for_where_the_mistake_shows():
    """All parameters 0: every part of the gradient is 0 there, whatever it lacks."""
    p = {"W1": np.zeros((3, 5)), "b1": np.zeros(5), "w2": np.zeros(5)}
    X, y = rng.normal(size=(8, 3)), rng.normal(size=8)

    def loss(p, X, y):
        return np.mean((np.maximum(0, X @ p["W1"] + p["b1"]) @ p["w2"] - y) ** 2)

    def grad(p, X, y):
        a = X @ p["W1"] + p["b1"]
        r = 2 * (np.maximum(0, a) @ p["w2"] - y) / len(y)
        d = np.outer(r, p["w2"])
        return {"W1": X.T @ d, "b1": d.sum(axis=0), "w2": np.maximum(0, a).T @ r}

    found = sd.check_gradient(loss, grad, p, X, y)
    assert found.status == "refuted"
    assert found.cross_check.ok
    assert "W1, b1: missing mask a > 0: np.outer(r, p['w2']) * (a > 0) in place of" in found.hint
