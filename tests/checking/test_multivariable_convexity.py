"""Convex, concave, strictly and strongly convex: with a certificate, or with a point that shows otherwise."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.special
import sympy
from scipy.special import entr, gammaln, huber, rel_entr

import symderive as sd
from symderive.checking.curvature import CONCAVE, CURVES, DOWN, UP, curvature
from symderive.derivation.squares import sum_of_squares

n, d = sd.dims("n d")
X, w, y, b = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("b", d)
c = sd.array("c", n, domain=sd.nonnegative)
lam, mu = sd.array("lam", domain=sd.positive), sd.array("mu")
x, t = sd.array("x"), sd.array("t")
p, q = sd.array("p", domain=sd.positive), sd.array("q", domain=sd.positive)
u = sd.array("u", domain=sd.unit_interval)
A, S = sd.array("A", d, d, domain=sd.spd), sd.array("S", d, d, domain=sd.symmetric)
W, V = sd.array("W", n, d), sd.array("V", d, d, domain=sd.spd)
P = sd.array("P", n, domain=sd.simplex)
z = X @ w

TRUE = {
    "sum of squares": (x**4 + x**2 * t**2 + t**4, [x, t]),
    "square of a line": ((x + 2 * t) ** 2, [x, t]),
    "definite quadratic": (x**2 + x * t + t**2, [x, t]),
    "quadratic over linear": (x**2 / p, [x, p]),
    "reciprocal of a product": (1 / (p * q), [p, q]),
    "minus a geometric mean": (-np.sqrt(p * q), [p, q]),
    "minus a weighted mean": (-(p**0.3) * q**0.5, [p, q]),
    "exp of a bowl": (np.exp(x**2 + t**2), [x, t]),
    "log of a sum of exps": (np.log(np.exp(x) + np.exp(t)), [x, t]),
    "x log x": (p * np.log(p), p),
    "x log(x/y)": (rel_entr(p, q), [p, q]),
    "x^2 + sin x": (x**2 + np.sin(x), x),
    "fourth power of a difference": ((x - t) ** 4 + x**2, [x, t]),
    "absolute residuals": (np.sum(np.abs(z - y)), w),
    "hinge": (np.sum(np.maximum(0, 1 - y * z)) + lam * w @ w, w),
    "lasso": (np.sum((z - y) ** 2) + lam * np.sum(np.abs(w)), w),
    "lasso in Gram form": (w @ X.T @ X @ w + lam * np.sum(np.abs(w)), w),
    "length": (np.linalg.norm(z - y), w),
    "group lasso": (np.sum(np.sqrt(np.sum(W**2, axis=1))), W),
    "Huber": (np.sum(huber(1, z - y)), w),
    "largest entry": (np.max(z), w),
    "log-sum-exp of affine": (sd.logsumexp(z - y), w),
    "weighted squares": (c @ (z - y) ** 2, w),
    "minus log-determinant": (-np.linalg.slogdet(V)[1], V),
    "nuclear norm": (np.linalg.norm(W, "nuc"), W),
    "largest eigenvalue": (np.linalg.eigvalsh(S)[-1], S),
    "log-gamma": (gammaln(p), p),
    "positive definite form": (w @ A @ w - b @ w, w),
    "maximum of two": (np.maximum(x**2, t + 1), [x, t]),
}

FALSE = {
    "saddle": (x * t, [x, t]),
    "product of positives": (p * q, [p, q]),
    "geometric mean": (np.sqrt(p * q), [p, q]),
    "two wells": (x**4 - x**2, x),
    "cubic": (x**3, x),
    "barely indefinite": (x**2 + 2 * (1 + Fraction(1, 10**6)) * x * t + t**2, [x, t]),
    "quartic with a cross term": (x**4 + t**4 - x * t + 3 * x**2, [x, t]),
    "sextic with a cross term": (x**6 + t**6 + 10 * x**2 * t**2, [x, t]),
    "sine": (np.sum(np.sin(z)), w),
    "Gaussian bump": (np.exp(-(x**2)), x),
    "sigmoid": (scipy.special.expit(x), x),
    "logarithm": (np.log(p), p),
    "entropy": (np.sum(entr(P)), P),
    "minus a length": (-np.linalg.norm(w), w),
    "difference of distances": (np.abs(x) - np.abs(x - 1), x),
    "least squares less a little": (np.sum((z - y) ** 2) - 1e-9 * np.sum(w**2), w),
    "square of a square": ((x**2 - 1) ** 2, x),
    "matrix product": (np.sum((W @ W.T) ** 2) - np.sum(W**2), W),
    "minimum of two": (np.minimum(x, t), [x, t]),
    "square root": (np.sqrt(p), p),
    "quotient": (x / p, [x, p]),
    "any sign": (mu * np.sum(w**2), w),
    "log-determinant": (np.linalg.slogdet(V)[1], V),
    "Rosenbrock": ((1 - x) ** 2 + 100 * (t - x**2) ** 2, [x, t]),
}


@pytest.mark.parametrize("name", TRUE)
def test_convex_is_proved_and_its_negative_is_not(name):
    loss, wrt = TRUE[name]
    verdict = sd.claim("convex", loss, wrt=wrt)
    assert verdict.status == "proved", verdict
    assert verdict.trace
    assert verdict.reason
    concave = sd.claim("concave", -loss, wrt=wrt)
    assert concave.status == "proved", concave
    for kind, claimed in (("concave", loss), ("convex", -loss)):
        assert sd.claim(kind, claimed, wrt=wrt).status != "proved"


@pytest.mark.parametrize("name", FALSE)
def test_not_convex_has_a_counterexample(name):
    loss, wrt = FALSE[name]
    verdict = sd.claim("convex", loss, wrt=wrt)
    assert verdict.status == "refuted", verdict
    assert verdict.counterexample.lhs_value is not None


@pytest.mark.parametrize("name", [k for k, (f, v) in FALSE.items() if not f.node.walk() or all(
    not leaf.rank for leaf in f.node.leaves())])
def test_the_counterexample_is_one_in_floating_point(name):
    """At the point and along the direction that are given the function does bend down, or lies above a chord."""
    loss, wrt = FALSE[name]
    verdict = sd.claim("convex", loss, wrt=wrt)
    values = {k: float(v) for k, v in verdict.counterexample.values.items()}
    kernel = sd.compile(loss, wrt=wrt)
    names = [leaf.name for leaf in loss.node.leaves()]
    middle = {}
    if any(f"other_{k}" in values for k in names):
        ends = [{k: values[k] for k in names}, {k: values[f"other_{k}"] for k in names}]
    else:
        step = 1e-3
        ends = [{k: values[k] + s * step * values[f"d{k}"] for k in names} for s in (1, -1)]
    middle = {k: (ends[0][k] + ends[1][k]) / 2 for k in names}
    chord = (kernel.value(**ends[0]) + kernel.value(**ends[1])) / 2
    assert kernel.value(**middle) > chord


@pytest.mark.parametrize("name", TRUE)
def test_the_true_ones_lie_below_chords_in_floating_point(name):
    loss, wrt = TRUE[name]
    sizes, rng = {"n": 4, "d": 3}, np.random.default_rng(0)
    kernel = sd.compile(loss, wrt=wrt)
    moving = {a.name for a in (wrt if isinstance(wrt, list) else [wrt])}

    def draw(leaf):
        shape = tuple(sizes[str(s)] for s in leaf.shape)
        made = rng.normal(size=shape)
        if leaf.domain.has("spd"):
            return made @ made.T + np.eye(shape[0])
        if leaf.domain.has("symmetric"):
            return made + made.T
        return np.abs(made) + 0.01 if leaf.domain.entries.is_nonnegative else made

    for _ in range(40):
        data = {leaf.name: draw(leaf) for leaf in loss.node.leaves()}
        other = {leaf.name: draw(leaf) if leaf.name in moving else data[leaf.name] for leaf in loss.node.leaves()}
        share = rng.uniform()
        between = {k: share * data[k] + (1 - share) * other[k] for k in data}
        chord = share * kernel.value(**data) + (1 - share) * kernel.value(**other)
        assert kernel.value(**between) <= chord + 1e-9 * (1 + abs(chord))


def test_certificates_say_what_they_are():
    logistic = sd.claim("convex", np.sum(np.logaddexp(0, z) - y * z), wrt=w)
    assert "Gram form: the sum of s * u**2 with s = expit(X @ w) * expit(-X @ w) >= 0, u = X @ v" in logistic.reason
    ridge = sd.claim("convex", w @ X.T @ X @ w + lam * w @ w, wrt=w)
    assert "u = X @ v" in ridge.reason
    assert "u = v" in ridge.reason
    squares = sd.claim("convex", x**4 + x**2 * t**2 + t**4, wrt=[x, t])
    assert "a square is >= 0" in str(squares)
    composed = sd.claim("convex", np.sum(np.abs(z - y)), wrt=w)
    assert "abs is convex" in composed.reason


# -- strictly, strongly ----------------------------------------------------------------------------------

STRICT = [
    (x**4 + t**2, [x, t], "proved"),
    (np.exp(x), x, "proved"),
    (np.sum((z - y) ** 2) + lam * w @ w, w, "proved"),
    (np.sum(np.exp(w)), w, "proved"),
    (w @ A @ w - b @ w, w, "proved"),
    (-np.log(p) - np.log(q), [p, q], "proved"),
    (np.cosh(x) + t**4, [x, t], "proved"),
    ((x + t) ** 2, [x, t], "refuted"),
    (np.sum((z - y) ** 2), w, "refuted"),
    (np.abs(x), x, "refuted"),
    (sd.logsumexp(w), w, "refuted"),
    (x**3, x, "refuted"),
    (np.maximum(x, 0) ** 2, x, "refuted"),
    (b @ w, w, "refuted"),
]


@pytest.mark.parametrize(("loss", "wrt", "status"), STRICT)
def test_strictly_convex(loss, wrt, status):
    verdict = sd.claim("strictly_convex", loss, wrt=wrt)
    assert verdict.status == status, verdict
    assert (verdict.counterexample is not None) == (status == "refuted")


STRONG = [
    (np.sum((z - y) ** 2) + lam * w @ w, w, None, "proved"),
    (w @ A @ w, w, None, "proved"),
    (x**2 + x * t + t**2, [x, t], None, "proved"),
    (x**2 + np.sin(x), x, 1, "proved"),
    (x**2 + np.sin(x), x, 1.001, "refuted"),
    (x**2, x, 2, "proved"),
    (x**2, x, 2 + 1e-12, "refuted"),
    (np.sum((z - y) ** 2) + lam * w @ w, w, 2 * lam, "proved"),
    (np.sum((z - y) ** 2) + lam * w @ w, w, 3 * lam, "refuted"),
    (x**4, x, None, "refuted"),
    (np.sum((z - y) ** 2), w, None, "refuted"),
    (np.exp(x), x, None, "undecided"),
]


@pytest.mark.parametrize(("loss", "wrt", "modulus", "status"), STRONG)
def test_strongly_convex(loss, wrt, modulus, status):
    verdict = sd.claim("strongly_convex", loss, wrt=wrt, modulus=modulus)
    assert verdict.status == status, verdict
    assert (verdict.counterexample is not None) == (status == "refuted")


def test_the_modulus_of_ridge_is_named():
    verdict = sd.claim("strongly_convex", np.sum((z - y) ** 2) + lam * w @ w, wrt=w)
    assert verdict.reason.startswith("the modulus is m = 2 * lam;")
    with pytest.raises(sd.DomainError, match="a modulus is > 0"):
        sd.claim("strongly_convex", x**2, wrt=x, modulus=mu)
    with pytest.raises(sd.UnsupportedError, match="takes no modulus"):
        sd.claim("convex", x**2, wrt=x, modulus=1)


def test_kinds_need_scalars_and_convex_domains():
    for kind in ("concave", "strictly_convex", "strongly_convex"):
        with pytest.raises(sd.ShapeError):
            sd.claim(kind, w, wrt=w)
        with pytest.raises(sd.DomainError):
            sd.claim(kind, (k := sd.array("k", domain=sd.labels(0, 1))) ** 2, wrt=k)


# -- the rows ------------------------------------------------------------------------------------------------

PLACES = {"": (-3, 3), ">= 0": (0, 4), "> 0": (0.05, 4), "<= 0": (-4, 0)}
STARTS = {"log": 0.01, "log1p": -0.99, "log2": 0.01, "log10": 0.01, "arccosh": 1.0, "entr": 0.0}


@pytest.mark.parametrize("row", CURVES, ids=lambda row: f"{row.function} {row.curvature} {' '.join(row.where)}")
def test_each_row_in_floating_point(row):
    """Midpoints against chords, and slopes, of NumPy's and SciPy's own functions."""
    function = getattr(np, row.function, None) or getattr(scipy.special, row.function)
    rng = np.random.default_rng(0)
    count = len(row.slopes)
    ranges = [PLACES[where] for where in (row.where or ("",) * count)]
    ranges = [(max(low, STARTS.get(row.function, low)), high) for low, high in ranges]
    if row.function in ("rel_entr", "kl_div"):
        ranges = [(0.01, 4)] * 2
    first, second = (np.array([rng.uniform(*r, 4000) for r in ranges]) for _ in range(2))
    middle = function(*((first + second) / 2))
    chord = (function(*first) + function(*second)) / 2
    gap = (middle - chord) * (1 if row.curvature == CONCAVE else -1)
    assert (gap >= -1e-12 * (1 + np.abs(chord))).all()
    assert gap.max() > 1e-3 or (row.function == "abs" and row.where)
    for k, slope in enumerate(row.slopes):
        raised = first.copy()
        raised[k] = np.minimum(first[k] + rng.uniform(0, 1, 4000), ranges[k][1])
        change = function(*raised) - function(*first)
        if slope:
            sign = {UP: 1, DOWN: -1}[slope]
            assert (sign * change >= -1e-12).all()


@pytest.mark.parametrize(
    ("node", "wrt"),
    [
        (np.log(1 + np.exp(x)), [x]),
        (np.exp(-np.abs(x)), [x]),
        (np.sqrt(x**2 + p) * x, [x]),
        (p * np.log(q), [p, q]),
        (x**3, [x]),
        (1 / x, [x]),
        (p**0.6 * q**0.5, [p, q]),
        (np.abs(np.abs(x) - 1), [x]),
        (np.tanh(x), [x]),
        (mu * np.abs(x), [x]),
        (np.linalg.eigvalsh(S)[0] ** 2, [S]),
    ],
)
def test_what_no_rule_shows_is_unknown(node, wrt):
    assert curvature(node.node, [a.node for a in wrt]).curvature == "unknown"


def test_sums_of_squares_are_exact():
    a, e = sympy.symbols("a e")
    for form in (a**2 + a * e + e**2, 2 * a**4 + 2 * a**3 * e - a**2 * e**2 + 5 * e**4, (a - e) ** 2, a * 0):
        found = sum_of_squares(sympy.Poly(form, a, e))
        assert found is not None
        assert all(weight > 0 for weight, _ in found.terms)
        assert sympy.expand(found.expression - form) == 0
    # Motzkin's is >= 0 and no sum of squares; the others are negative somewhere.
    motzkin = a**4 * e**2 + a**2 * e**4 - 3 * a**2 * e**2 + 1
    for form in (motzkin, a**2 - e**2, a**2 + 2 * a * e + e**2 - sympy.Rational(1, 10**9) * e**2, a**3, -(a**2)):
        assert sum_of_squares(sympy.Poly(form, a, e)) is None
