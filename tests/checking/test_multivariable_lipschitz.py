"""Lipschitz constants of gradients: upper bounds for random data, attained where they are called sharp."""

import numpy as np
import pytest
import scipy.special
import sympy
from scipy.special import expit, huber, log_expit

import symderive as sd
from symderive.checking.lipschitz import largest_magnitude

n, d, k = sd.dims("n d k")
X, w, y, b = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("b")
lam = sd.array("lam", domain=sd.positive)
s = sd.array("s", n, domain=sd.labels(-1, 1))
c, q = sd.array("c", n, domain=sd.nonnegative), sd.array("q", n)
A, W, D = sd.array("A", d, d, domain=sd.symmetric), sd.array("W", d, k), sd.array("D", n, k)
Y, Z = sd.array("Y", n, k, domain=sd.one_hot), sd.array("Z", n, k)
x, t = sd.array("x"), sd.array("t")
z = X @ w
norm = np.linalg.norm(X, 2)

CONSTANTS = {
    "least squares": (np.sum((z - y) ** 2), w, 2 * norm**2, True),
    "mean squares": (np.sum((z - y) ** 2) / (2 * n), w, norm**2 / n, True),
    "Gram form": (w @ X.T @ X @ w, w, 2 * norm**2, None),
    "ridge": (np.sum((z - y) ** 2) + lam * w @ w, w, 2 * norm**2 + 2 * lam, None),
    "logistic": (np.sum(np.logaddexp(0, z) - y * z), w, norm**2 / 4, None),
    "logistic with signs": (np.sum(np.logaddexp(0, -s * z)), w, norm**2 / 4, None),
    "logistic by log-sigmoid": (-np.mean(log_expit(s * z)), w, norm**2 / (4 * n), None),
    "Huber": (np.sum(huber(1, z - y)), w, norm**2, None),
    "pseudo-Huber": (np.sum(np.sqrt(1 + (z - y) ** 2)), w, norm**2, None),
    "log cosh": (np.sum(np.log(np.cosh(z - y))), w, norm**2, None),
    "squared hinge": (np.sum(np.maximum(0, 1 - s * z) ** 2), w, 2 * norm**2, None),
    "softmax regression": (np.sum(sd.logsumexp(X @ W, axis=1)) - np.sum(Y * (X @ W)), W, norm**2 / 2, None),
    "cross-entropy": (-np.sum(Y * sd.log_softmax(X @ W, axis=1)), W, norm**2 / 2, None),
    "log-sum-exp": (sd.logsumexp(w), w, 1 / 2, None),
    "matrix least squares": (np.sum((X @ W - D) ** 2), W, 2 * norm**2, True),
    "intercept": (np.sum((z + b - y) ** 2), [w, b], 2 * norm**2 + 2 * n, None),
    "weights": (c @ (z - y) ** 2, w, 2 * np.max(c) * norm**2, None),
    "weights of any sign": (q @ (z - y) ** 2, w, 2 * np.max(np.abs(q)) * norm**2, None),
    "weights summed": (np.sum(Z.T * np.sin(z)), w, k * np.max(np.abs(Z)) * norm**2, None),
    "sine": (np.sum(np.sin(z)), w, norm**2, None),
    "symmetric form": (w @ A @ w, w, 2 * np.linalg.norm(A, 2), None),
    "linear": (y @ X @ w, w, 0, True),
    "separate variables": (x**2 + 3 * t**2, [x, t], 6, None),
    "bilinear": (x * t, [x, t], 1, None),
    "sigmoid": (expit(x), x, np.sqrt(3) / 18, None),
    "arctan": (np.arctan(x), x, 3 * np.sqrt(3) / 8, None),
    "bell": (np.exp(-(x**2)), x, 2, None),
    "rational": (1 / (1 + x**2), x, 2, None),
}

UNBOUNDED = {
    "exp": (np.sum(np.exp(z)), w),
    "fourth power": (x**4, x),
    "absolute value": (np.sum(np.abs(w)), w),
    "cubic and sine": (x**3 + np.sin(x), x),
    "two layers": (np.sum(np.tanh(X @ W) @ sd.ones(k) * (X @ w)), [W, w]),
    "product of squares": (x**2 * t**2, [x, t]),
    "logarithm": (np.log(sd.array("p", domain=sd.positive)), "p"),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name):
    loss, wrt, wanted, sharp = CONSTANTS[name]
    found = sd.lipschitz(loss, wrt)
    assert found.verdict.status == "proved"
    assert found.verdict.trace
    assert found.sharp == sharp
    assert found.verdict.evidence.points > 0, "the judge has looked at it"
    sizes, rng = {"n": 4, "d": 3, "k": 2}, np.random.default_rng(0)
    for _ in range(5):
        data = {leaf.name: draw(leaf, sizes, rng) for leaf in loss.node.leaves()}
        assert value(found.constant, data, sizes) == pytest.approx(value(wanted, data, sizes), rel=1e-12)


def draw(leaf, sizes, rng):
    shape = tuple(sizes[str(size)] for size in leaf.shape)
    if leaf.domain.has("one_hot"):
        return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    if leaf.domain.entries.values:
        return rng.choice([-1.0, 1.0], shape)
    made = rng.normal(size=shape)
    if leaf.domain.has("symmetric"):
        return made + made.T
    return np.abs(made) if leaf.domain.entries.is_nonnegative else made


def value(array, data, sizes):
    if not isinstance(array, sd.Array):
        return float(array)
    names = {"np": np, **scipy.special.__dict__, **data, **sizes}
    return float(eval(str(array), names))


@pytest.mark.parametrize("name", CONSTANTS)
def test_no_two_gradients_are_farther_apart(name):
    """‖∇f(x) - ∇f(y)‖ <= L·‖x - y‖ for random points near and far; nearly reached where it is sharp."""
    loss, wrt, wanted, sharp = CONSTANTS[name]
    sizes, rng = {"n": 4, "d": 3, "k": 2}, np.random.default_rng(1)
    wrt = wrt if isinstance(wrt, list) else [wrt]
    kernel = sd.compile(loss, wrt=wrt)
    leaves = {leaf.name: leaf for leaf in loss.node.leaves()}
    reached = 0.0
    for _ in range(200):
        data = {key: draw(leaf, sizes, rng) for key, leaf in leaves.items()}
        other = dict(data)
        scale = rng.choice([1e-3, 1.0, 5.0])
        for a in wrt:
            other[a.name] = data[a.name] + scale * rng.normal(size=np.shape(data[a.name]))
        first, second = kernel.gradient(**data), kernel.gradient(**other)
        change = np.concatenate([np.ravel(first[a.name] - second[a.name]) for a in wrt])
        moved = np.concatenate([np.ravel(data[a.name] - other[a.name]) for a in wrt])
        limit = value(wanted, data, sizes)
        ratio = np.linalg.norm(change) / np.linalg.norm(moved)
        assert ratio <= limit * (1 + 1e-6) + 1e-8, (ratio, limit)
        reached = max(reached, ratio / limit if limit else 1.0)
    assert reached > (0.9 if sharp else 0.05)


@pytest.mark.parametrize("name", UNBOUNDED)
def test_what_is_unbounded_or_not_understood_is_undecided_and_named(name):
    loss, wrt = UNBOUNDED[name]
    found = sd.lipschitz(loss, wrt)
    assert found.constant is None
    assert found.verdict.status == "undecided"
    assert "term" in found.verdict.reason or "second derivative" in found.verdict.reason


def test_claims_about_constants():
    loss = np.sum((z - y) ** 2)
    for modulus, status in (
        (2 * norm**2, "proved"),
        (2 * norm**2 + 1, "proved"),
        (norm**2, "refuted"),
        ((2 - 1e-9) * norm**2, "refuted"),
    ):
        verdict = sd.claim("lipschitz", loss, wrt=w, modulus=modulus)
        assert verdict.status == status, verdict
    assert sd.claim("lipschitz", np.sin(x), wrt=x, modulus=1).status == "proved"
    assert sd.claim("lipschitz", np.sin(x), wrt=x, modulus=0.9).status == "refuted"
    assert sd.claim("lipschitz", np.exp(x), wrt=x, modulus=3).status == "refuted"
    with pytest.raises(sd.UnsupportedError, match="needs modulus="):
        sd.claim("lipschitz", loss, wrt=w)
    with pytest.raises(sd.UnsupportedError, match="does not change with w"):
        sd.claim("lipschitz", loss, wrt=w, modulus=w @ w)
    with pytest.raises(sd.DomainError, match="convex domain"):
        sd.lipschitz((e := sd.array("e", domain=sd.labels(0, 1))) ** 2, e)


def test_suprema_are_exact():
    v = sympy.Symbol("v", real=True)
    known = {
        1 / (1 + v**2): 1,
        v / (1 + v**2): sympy.Rational(1, 2),
        sympy.exp(-(v**2)) * v: sympy.exp(-sympy.Rational(1, 2)) / sympy.sqrt(2),
        sympy.sin(v) + sympy.cos(v): sympy.sqrt(2),
        sympy.Integer(-3): 3,
        v**2 * sympy.exp(-(v**2)): sympy.exp(-1),
    }
    for form, wanted in known.items():
        assert sympy.simplify(largest_magnitude(form, v) - wanted) == 0, form
    for form in (v, sympy.exp(v), v + sympy.sin(v), v * sympy.sin(v), sympy.sin(v) * sympy.exp(-(v**2)) + v):
        assert largest_magnitude(form, v) is None, form


@pytest.mark.parametrize("name", ["c", "t", "t_"])
def test_the_variable_of_a_part_is_none_of_the_users(name):
    x, c = sd.array("x"), sd.array(name)
    for f in (np.arctan(x**2 + c**2), np.cos(x**2 - c**2), 1 / (1 + x**2 * c**2), np.log(np.cosh(x) + np.cosh(c))):
        assert sd.lipschitz(f, x).constant is None, f
    assert str(sd.lipschitz(np.sin(x) * c**2, x).constant) == f"{name}**2"
