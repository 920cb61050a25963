"""Every NumPy function that arrays accept means what NumPy means."""

import inspect

import numpy as np
import pytest
import scipy.special as sc
from scipy.special import expit
from support.evaluate import evaluate_array

import symderive as sd

SHAPES = {
    "X": ("n", "d"), "Y": ("n", "d"), "S": ("d", "d"), "P": ("n", "d"), "Q": ("n", "d"), "R": ("n", "n", "d"),
    "w": ("d",), "v": ("d",), "p": ("d",), "q": ("d",), "y": ("n",), "z": ("n",), "b": (), "c": (),
    "u": ("m",), "k": (1,), "K": ("n", 1), "f": (3,), "F": (2, 3),
}  # fmt: skip
POSITIVE = set("PQpqc")
SIZES = ({"n": 4, "d": 3, "m": 2}, {"n": 2, "d": 5, "m": 1}, {"n": 1, "d": 1, "m": 3}, {"n": 1, "d": 4, "m": 4})


def symbols():
    dims = {name: sd.dims(name) for name in "ndm"}
    return {
        name: sd.array(name, *(dims.get(s, s) for s in shape), domain=sd.positive if name in POSITIVE else sd.real)
        for name, shape in SHAPES.items()
    } | dims


def numbers(sizes, seed=0):
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in SHAPES.items():
        drawn = rng.normal(size=tuple(sizes.get(s, s) for s in shape))
        values[name] = np.abs(drawn) + 0.1 if name in POSITIVE else drawn
    return values | sizes


def agree(formula, seed=0):
    """The formula on symbols, evaluated, is the formula on numbers."""
    scope = symbols()
    names = list(inspect.signature(formula).parameters)
    made = formula(*(scope[name] for name in names))
    for sizes in SIZES:
        values = numbers(sizes, seed)
        expected = formula(*(values[name] for name in names))
        found = evaluate_array(sd.language.arrays.as_array(made), sizes, values)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        assert found.shape == np.shape(expected)
    shape = tuple(s.value if isinstance(s, sd.Dim) else s for s in made.shape)
    assert shape == made.dims


UFUNCS = [
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.square, np.abs, np.fabs, np.sign,
    np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arctan, np.reciprocal, np.negative, np.positive,
    np.conjugate, expit, sc.log_expit, sc.entr,
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.maximum, np.minimum, np.fmax, np.fmin,
    np.logaddexp, np.heaviside, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    sc.xlogy, sc.xlog1py, sc.rel_entr, sc.kl_div,
]  # fmt: skip


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_functions_of_one_argument(ufunc):
    agree(lambda P: ufunc(P))
    agree(lambda c: ufunc(c))
    agree(lambda p: ufunc(p[:, None]))


def test_logit():
    agree(lambda P: sc.logit(P / (1 + P)))


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
def test_functions_of_two_arguments(ufunc):
    agree(lambda P, Q: ufunc(P, Q))
    agree(lambda P, q: ufunc(P, q))
    agree(lambda p, Q: ufunc(p, Q))
    agree(lambda P, c: ufunc(P, c))
    agree(lambda P: ufunc(P, 2))
    agree(lambda p: ufunc(0.5, p))
    agree(lambda p, q: ufunc(p[:, None], q[None, :]))
    agree(lambda p, q: ufunc.outer(p, q))


FORMULAS = {
    "arithmetic": lambda X, w, b: (2 * X - w) / 3 + b**2 - -X,
    "division": lambda X, P, c: X / P / c + 1 / P,
    "powers": lambda X, P: X**2 + P**0.5 + P**-1 + P**-2.5 + 2**X,
    "power of arrays": lambda P, X: P**X,
    "zero power": lambda X: X**0,
    "reflected": lambda X, w: 1 - X + (2 - w) * 3 / (1 + np.exp(-X)),
    "matmul mv": lambda X, w: X @ w,
    "matmul vm": lambda y, X: y @ X,
    "matmul vv": lambda w, v: w @ v,
    "matmul mm": lambda X, S: X @ S @ X.T,
    "matmul batch": lambda R, S: R @ S,
    "matmul batch vector": lambda R, w: R @ w,
    "matmul batch pair": lambda R: R @ R.mT,
    "matmul batch broadcast": lambda R, X: R @ X.T,
    "matmul views": lambda w, v: w[:, None] @ v[None, :],
    "matmul columns": lambda w, v: (w[None, :] @ v[:, None]),
    "matmul size one": lambda K, k, y: (K @ k) * y,
    "transposes": lambda X, R: X.T @ np.transpose(X.T) @ X.T + np.sum(R.transpose(2, 0, 1), axis=2),
    "sum": lambda X: np.sum(X),
    "sum 0": lambda X: np.sum(X, axis=0),
    "sum -1": lambda X: X.sum(axis=-1),
    "sum both": lambda X: X.sum(axis=(0, 1)),
    "sum keepdims": lambda X: X - X.sum(axis=1, keepdims=True),
    "sum keepdims all": lambda X: X / (1 + np.sum(X**2, keepdims=True)),
    "sum of a view": lambda w, n: np.sum(w[:, None], axis=1) * n,
    "sum over a broadcast": lambda w, y: np.sum(w[:, None] + y),
    "sum over a constant": lambda X: np.sum(np.ones_like(X) * 2) + np.sum(np.zeros_like(X)),
    "sum rows of a constant": lambda y, X: np.sum(0 * X + y[:, None], axis=1),
    "mean": lambda X: np.mean(X),
    "mean 0": lambda X: X - X.mean(axis=0),
    "mean keepdims": lambda X: X - X.mean(axis=1, keepdims=True),
    "mean of products": lambda X, w, y: np.mean(X @ w * y),
    "var": lambda X: np.var(X) + np.var(X, axis=0) + X.var(axis=1).sum(),
    "std": lambda X: np.std(X) + X.std(axis=0),
    "prod": lambda X: np.prod(X, axis=0) + np.prod(X),
    "prod keepdims": lambda X: X * np.prod(X, axis=1, keepdims=True),
    "dot mv": lambda X, w: np.dot(X, w),
    "dot vv": lambda w, v: w.dot(v),
    "dot scalar": lambda b, w: np.dot(b, w) + np.dot(2, w),
    "dot mm": lambda X, S: X.dot(S),
    "dot rank 3": lambda X, R: np.dot(X.T, R),
    "inner": lambda X, w: np.inner(X, w) + np.inner(w, X),
    "inner mm": lambda X, Y: np.inner(X, Y),
    "outer": lambda w, y: np.outer(w, y) + np.outer(w, 2 * y),
    "vdot": lambda X, Y: np.vdot(X, Y),
    "tensordot 1": lambda X, S: np.tensordot(X, S, axes=1),
    "tensordot 2": lambda X, Y: np.tensordot(X, Y, axes=2),
    "tensordot pairs": lambda X, R: np.tensordot(X, R, axes=([0, 1], [1, 2])),
    "einsum mv": lambda X, w: np.einsum("ij,j->i", X, w),
    "einsum implicit": lambda X, S: np.einsum("ij,jk", X, S),
    "einsum diagonal": lambda S: np.einsum("ii->i", S) + np.einsum("ii", S),
    "einsum trace of product": lambda X, Y: np.einsum("ij,ij->", X, Y),
    "einsum transpose": lambda X: np.einsum("ij->ji", X),
    "einsum ellipsis": lambda R, w: np.einsum("...d,d->...", R, w),
    "einsum four": lambda X, w, v, y: np.einsum("ij,j,j,i->j", X, w, v, y),
    "einsum of views": lambda w, v: np.einsum("ij,jk->ik", w[:, None], v[None, :]),
    "einsum size one": lambda K, X: np.einsum("ij,ij->ij", K, X),
    "trace": lambda S: np.trace(S) + S.trace() + np.trace(S.T @ S),
    "diag": lambda w, S: np.diag(w) @ S + np.diag(np.diag(S)),
    "diagonal": lambda S: np.diagonal(S) + S.diagonal(),
    "norm": lambda w: np.linalg.norm(w) ** 2 + np.linalg.norm(w, 2) + np.linalg.norm(w, ord=1),
    "norm of a matrix": lambda X: np.linalg.norm(X) + np.linalg.norm(X, "fro"),
    "norm of rows": lambda X: X / np.linalg.norm(X, axis=1, keepdims=True) + np.linalg.norm(X, axis=0),
    "multi_dot": lambda X, S, w: np.linalg.multi_dot([X, S, w]),
    "where": lambda X, w: np.where(X > 0, X, w) + np.where(w < 0.3, 1, 0),
    "where of a scalar": lambda b, w: np.where(b > 0, w, -w),
    "comparisons": lambda X, Y: (X < Y) * 1.0 + (X >= Y) * 2.0 + (X != 0) * X + (X <= 0.1) * 1,
    "clip": lambda X: np.clip(X, -0.5, 0.5) + X.clip(0, None) + np.clip(X, None, 1),
    "swapaxes": lambda R, X: np.swapaxes(R, 0, 2)[:, 0] @ X + np.swapaxes(X, 0, 1) @ X,
    "moveaxis": lambda R: np.moveaxis(R, 0, -1).sum(axis=0),
    "expand_dims": lambda w, y: np.expand_dims(w, 0) * np.expand_dims(y, -1) + np.expand_dims(w, (0)),
    "squeeze": lambda w: np.squeeze(w[None, :, None]) + w[:, None].squeeze(axis=1),
    "squeeze a real axis": lambda K, y: K.squeeze(axis=1) + y,
    "reshape": lambda w, X: (X @ w.reshape(-1, 1)).reshape(-1) + np.reshape(X @ w, (-1, 1)).ravel(),
    "newaxis": lambda w, y: w[None, :] * y[:, None] + w[np.newaxis] + y[..., None],
    "integers": lambda X, F: X[0] * X[-1, 0] + X[:, 0].sum() + F[1, 2] + F[-1].sum(),
    "integer then none": lambda X: X[0, None, :] + X[0][:, None],
    "size one broadcasts": lambda k, w, K, X: k * w + (K * X).sum(axis=0) + K.sum() + (K + k).sum(),
    "size one contracts": lambda k, K: (K * k).sum(axis=1) + K[:, 0],
    "fixed": lambda f, F: F @ f + f[0] * F[:, 1],
    "like": lambda w, X: np.ones_like(w) + np.zeros_like(X) + np.ones_like(w[:, None]).sum(),
    "average": lambda X, p, P: np.average(X, axis=1, weights=p).sum() + np.average(X, weights=P) + np.average(X),
    "shapes": lambda X: X.shape[0] * X.sum() / X.size + X.ndim + np.shape(X)[1] + np.size(X),
    "dimensions": lambda n, d, w: (n + d) * w / n**2 + np.sqrt(n) + np.log(d) + n * d,
    "dimension powers": lambda n, w: w / n + w * 2**n + n**0.5 * w,
    "reduce": lambda X: np.add.reduce(X, axis=1) + np.multiply.reduce(X, axis=1) + np.logaddexp.reduce(X, axis=1),
    "numbers": lambda w: np.float64(0.25) * w + np.int64(2) * w + np.array(3.0) * w + True * w,
    "pi": lambda w: np.pi * w + np.e + 2 * np.pi * w**2,
    "methods": lambda X: X.copy().T.astype(float).flatten().sum() if False else X.copy().T.astype(float).sum(),
    "vecdot": lambda X, Y: np.vecdot(X, Y) if hasattr(np, "vecdot") else np.einsum("ij,ij->i", X, Y),
    "scalars": lambda b, c: b * c + np.exp(b) / c - b**2 + np.logaddexp(b, 0) + np.maximum(b, 0),
    "nested sums": lambda X, w: np.sum(np.sum(X, axis=1) * np.sum(w)) + np.sum(w) ** 2 * np.sum(X @ w),
    "square of a sum": lambda X, w: np.square(X @ w).sum() * (X @ w).sum() ** 2,
    "repeated factor": lambda X: X * X * X + (X * X).T.T,
    "own diagonal": lambda S: S * S.T + np.diag(S) * S,
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name):
    agree(FORMULAS[name], seed=1)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(sd.softmax, sc.softmax), (sd.log_softmax, sc.log_softmax), (sd.logsumexp, sc.logsumexp)]
)
def test_functions_that_scipy_does_not_dispatch(ours, theirs, axis):
    scope = symbols()
    made = ours(scope["X"], axis=axis)
    vector = ours(scope["w"])
    view = ours(scope["X"].T * scope["w"][:, None], axis=axis)
    for sizes in SIZES:
        values = numbers(sizes)
        np.testing.assert_allclose(evaluate_array(made, sizes, values), theirs(values["X"], axis=axis))
        np.testing.assert_allclose(evaluate_array(vector, sizes, values), theirs(values["w"]))
        expected = theirs(values["X"].T * values["w"][:, None], axis=axis)
        np.testing.assert_allclose(evaluate_array(view, sizes, values), expected)


def test_logsumexp_over_all_axes_keepdims_and_weights():
    scope = symbols()
    X, P = scope["X"], scope["P"]
    everything, kept = sd.logsumexp(X), sd.logsumexp(X, axis=1, keepdims=True)
    weighted = sd.logsumexp(X, axis=0, b=P)
    for sizes in SIZES:
        values = numbers(sizes)
        x, p = values["X"], values["P"]
        np.testing.assert_allclose(evaluate_array(everything, sizes, values), sc.logsumexp(x))
        np.testing.assert_allclose(evaluate_array(kept, sizes, values), sc.logsumexp(x, axis=1, keepdims=True))
        np.testing.assert_allclose(evaluate_array(weighted, sizes, values), sc.logsumexp(x, axis=0, b=p))


def test_constructors():
    n, d = sd.dims("n d")
    made = sd.ones((n, d)) + sd.zeros(d) + sd.arange(d) + sd.basis(d, 0) + sd.basis(d, -1) + sd.eye(d)[0]
    for sizes in SIZES:
        k = sizes["d"]
        expected = np.ones((sizes["n"], k)) + np.arange(k) + np.eye(k)[0] * 2 + np.eye(k)[-1]
        np.testing.assert_allclose(evaluate_array(made, sizes, {}), expected)


MISMATCHES = {
    "matmul": (lambda X, y: X @ y, "(n, d)", "(n,)", "transposed"),
    "add": (lambda X, y: X + y, "(n, d)", "(n,)", "[:, None]"),
    "dot": (lambda w, y: np.dot(w, y), "(d,)", "(n,)"),
    "vdot": (lambda w, y: np.vdot(w, y), "(d,)", "(n,)"),
    "inner": (lambda w, y: np.inner(w, y), "(d,)", "(n,)"),
    "einsum": (lambda X, y: np.einsum("ij,j->i", X, y), "d", "n"),
    "scalar matmul": (lambda b, w: b @ w, "scalar"),
    "axis": (lambda w: np.sum(w, axis=1), "axis 1", "(d,)"),
    "float axis": (lambda w: np.sum(w, axis=0.5), "axis 0.5"),
    "two axes": (lambda X: np.sum(X, axis=(0, -2)), "twice"),
    "indices": (lambda w: w[0, 0], "too many", "(d,)"),
    "bounds": (lambda f: f[3], "out of bounds"),
    "trace": (lambda X: np.trace(X), "square", "(n, d)"),
    "diag": (lambda b: np.diag(b), "vector"),
    "item": (lambda w: w.item(), "(d,)"),
    "squeeze": (lambda X: X.squeeze(axis=0), "axis 0"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_shape_errors_name_the_shapes(name):
    formula, *parts = MISMATCHES[name]
    scope = symbols()
    with pytest.raises(sd.ShapeError) as caught:
        formula(*(scope[p] for p in inspect.signature(formula).parameters))
    for part in parts:
        assert part in str(caught.value)


REFUSED = {
    "bool": lambda w: bool(w),
    "if": lambda w: 1 if w.sum() > 0 else 2,
    "float": lambda b: float(b),
    "int": lambda b: int(b),
    "len": lambda w: len(w),
    "loop": lambda w: list(w),
    "in": lambda w: 1 in w,
    "assignment": lambda w: w.__setitem__(0, 1),
    "in place": lambda w: w.__iadd__(1),
    "out": lambda w: np.exp(w, out=w),
    "where": lambda w: np.exp(w, where=w > 0),
    "dtype": lambda w: np.sum(w, dtype=float),
    "sort": lambda w: np.sort(w),
    "nextafter": lambda w: np.nextafter(w, 2),
    "accumulate": lambda w: np.subtract.accumulate(w),
    "mask": lambda w: w[w > 0],
    "mask of a matrix": lambda X: X[X > 0],
    "column mask": lambda X, w: X[:, w > 0],
    "real index": lambda X, w: X[:, 2.5 * w],
    "float index": lambda w: w[1.0],
    "boolean index": lambda w: w[True],
    "symbolic list": lambda w: w[[sd.array("i", domain=sd.labels(0, 1)), 0]],
    "list": lambda w: w * [1, 2, 3],
    "ndarray": lambda w: w + np.ones(3),
    "asarray": lambda w: np.asarray(w),
    "eigenvalues": lambda S: np.linalg.eigvals(S),
    "pseudo-inverse": lambda X: np.linalg.pinv(X),
    "one-argument where": lambda w: np.where(w),
    "norm": lambda w: np.linalg.norm(w, ord="nuc"),
    "norm of a cube": lambda R: np.linalg.norm(R, ord=2),
    "allclose": lambda w: np.allclose(w, w),
    "divmod": lambda w: np.divmod(w, 2),
    "isfinite": lambda w: np.isfinite(w),
    "bits": lambda w, y: w & y,
    "offset": lambda X: np.trace(X, offset=1),
    "order of a reshape": lambda X: np.reshape(X, -1, order="F"),
    "outer of matrices": lambda X: np.outer(X, X),
    "softmax of all axes": lambda X: sd.softmax(X),
    "string": lambda w: w + "a",
    "complex": lambda w: w + 1j,
    "concatenate": lambda w, y, X: np.concatenate([X, y[:, None], w]),
    "masks subtracted": lambda w: (w > 0) - (w > 1),
    "a mask negated": lambda w: -(w > 0),
    "product of masks": lambda S: (S > 0) @ (S > 1),
    "einsum of masks": lambda S: np.einsum("ij,jk->ik", S > 0, S > 1),
    "reciprocal of integers": lambda d: np.reciprocal(sd.arange(d) + 1),
    "argmax": lambda w: np.argmax(w),
    "median": lambda w: np.median(w),
    "shape of ones_like": lambda w: np.ones_like(w, shape=(3,)),
    "a step of zero": lambda w: w[::0],
    "an empty slice": lambda w: w[2:1],
    "beyond the end": lambda w, d: w[d],
    "many numbers": lambda w: w + np.ones(65),
    "text type": lambda w: w.astype(str),
    "complex type": lambda w: w.astype(complex),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_raises(name):
    formula = REFUSED[name]
    scope = symbols()
    with pytest.raises((sd.UnsupportedError, sd.ShapeError)):
        formula(*(scope[p] for p in inspect.signature(formula).parameters))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_constants_are_finite(bad):
    with pytest.raises(sd.DomainError):
        symbols()["w"] * bad


def test_division_by_the_constant_zero():
    with pytest.raises(sd.DomainError):
        symbols()["w"] / 0


def test_dimensions():
    n, d = sd.dims("n, d")
    assert n == sd.dims("n")
    assert n != d
    assert n + d == d + n
    assert 2 * n == n * 2
    assert {n: 1}[sd.dims("n")] == 1
    assert sd.array("X", n, d).shape == (n, d)
    assert sd.array("X", "n", 2).shape == (n, 2)
    assert n * (d + 1) == (1 + d) * n


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, None, "1", "", "a b", r"\n"])
def test_bad_dimensions(bad):
    with pytest.raises((sd.ShapeError, sd.UnknownNameError)):
        sd.array("X", bad)


@pytest.mark.parametrize(
    "bad",
    ["", "a b", r"\input{x}", "</math><script>", "1x", "lambda", "np", "sd", "expit", None, "x" * 61, "x-y", "x\n"],
)
def test_bad_names(bad):
    with pytest.raises(sd.UnknownNameError):
        sd.array(bad, "n")
    with pytest.raises(sd.UnknownNameError):
        sd.let(bad, sd.array("X", "n"))


def test_equal_forms_are_one_object():
    X, w = symbols()["X"], symbols()["w"]
    assert (X @ w).node is (X @ w).node
    assert (X @ w).node is np.einsum("ab,b->a", X, w).node
    assert (X @ w).node is np.dot(X, w).node
    assert not (X @ w).same_form(X @ (2 * w))


def test_nothing_is_simplified():
    b = symbols()["b"]
    assert (b / b).node is not (b / b * b / b).node
    assert len((b - b).node.children) == 2
    assert (np.log(b**2)).node is not (2 * np.log(b)).node


def test_fixed_sizes_unpack():
    a, b, c = symbols()["f"]
    made = a * b - c
    values = {"f": np.array([2.0, 3.0, 5.0])}
    assert evaluate_array(made, {}, values) == 1.0
    assert len(symbols()["f"]) == 3


def test_comparisons_of_dimensions_that_are_decided():
    n, d = sd.dims("n d")
    assert n > 0
    assert not n < 1
    assert n + d > 0
    with pytest.raises(sd.UnsupportedError):
        bool(n > 1)
    with pytest.raises(sd.UnsupportedError):
        bool(n < d)


def test_exact_constants():
    w = symbols()["w"]
    assert (0.1 * w).same_form(w / 10)
    assert (1 / 3 * w).same_form(w / 3)
    assert (np.float64(1e-12) * w).same_form(w / 10**12)


def test_the_names_of_bound_variables_are_not_for_arrays():
    x = sd.array("x")
    assert "·" not in str(sd.integral(x**2, x, 0, 1))
    with pytest.raises(sd.UnknownNameError, match="bound variables"):
        sd.array("x·1")
