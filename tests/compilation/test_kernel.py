"""Kernels against independent numbers: the loss run as plain NumPy, and differences of it."""

import importlib.util
import itertools
import subprocess
import sys

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_expit, rel_entr, xlogy

import symderive as sd

SHAPES = {"X": "n d", "w": "d", "b": "", "y": "n", "W": "d k", "A": "d d", "c": "n", "p": "n", "q": "n"}

LOSSES = {
    "least squares": lambda X, w, y: np.sum((X @ w - y) ** 2),
    "mean, bias": lambda X, w, b, y: np.mean((X @ w + b - y) ** 2),
    "dot": lambda X, w, y: np.dot(X @ w - y, X @ w - y),
    "einsum": lambda X, w, y: np.einsum("i,i->", np.einsum("ij,j->i", X, w) - y, X @ w - y) / 2,
    "expanded": lambda X, w, y: w @ X.T @ X @ w - 2 * y @ X @ w + y @ y,
    "weighted": lambda X, w, y, c: np.sum(c * (y - X @ w) ** 2) / 3,
    "logistic": lambda X, w, y: np.sum(np.log(1 + np.exp(X @ w)) - y * (X @ w)),
    "logistic, division": lambda X, w, y: -np.mean(
        y * np.log(1 / (1 + np.exp(-X @ w))) + (1 - y) * np.log(1 - 1 / (1 + np.exp(-X @ w)))
    ),
    "signs": lambda X, w, y: np.mean(np.log1p(np.exp(-(2 * y - 1) * (X @ w)))),
    "ridge": lambda X, w, b, y: np.mean(np.logaddexp(0, X @ w + b) - y * (X @ w + b)) + 0.05 * np.sum(w**2),
    "tanh": lambda X, w, y: np.sum(1 - np.tanh(X @ w) ** 2 * y),
    "poisson": lambda X, w, y: np.sum(np.exp(X @ w) - y * (X @ w)),
    "quadratic": lambda w, A: w @ A @ w + np.trace(A),
    "matrix": lambda X, W, y: np.sum((X @ W) ** 2 * y[:, None]) / 2,
    "outer": lambda w, y: np.sum(np.outer(y, w) ** 3),
    "columns": lambda X, w: np.sum(np.exp(X).sum(axis=0) * w),
    "norm": lambda X, w, y: np.sqrt(1 + np.sum((X @ w - y) ** 2)),
    "entry": lambda w, b: w[0] ** 2 * b + np.sin(w[-1]),
    "softplus tails": lambda X, w: np.sum(X @ w - np.log(np.exp(X @ w) + 1)),
    "unused": lambda X, w, b: np.sum(X @ w) ** 2 + 0 * b,
    "constant": lambda w: np.sum(w) * 0 + 3,
}


def numbers(rng, names, n, d, k):
    sizes = {"n": n, "d": d, "k": k}
    values = {
        name: rng.normal(size=tuple(sizes[s] for s in SHAPES[name].split())) if SHAPES[name] else float(rng.normal())
        for name in names
    }
    for name in ("p", "q", "c"):
        if name in values:
            values[name] = rng.uniform(0.1, 1, n)
    if "y" in values:
        values["y"] = rng.integers(0, 2, n).astype(float)
    return values


def differences(f, values, name, h=1e-5):
    """Central differences of a function of a dict of arrays."""
    x = np.asarray(values[name], dtype=float)
    columns = []
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        columns.append((np.asarray(f({**values, name: up})) - np.asarray(f({**values, name: down}))) / (2 * h))
    result = np.array(columns)
    return np.moveaxis(result, 0, -1).reshape((*result.shape[1:], *x.shape))


def arguments(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


@pytest.mark.parametrize("title", LOSSES)
@pytest.mark.parametrize("sizes", [(4, 3, 2), (1, 1, 1)])
def test_value_gradient_and_hessian(title, sizes):
    loss = LOSSES[title]
    names = arguments(loss)
    array = sd.read(loss, **{name: SHAPES[name] for name in names})
    occurring = {leaf.name for leaf in array.node.leaves()}
    wrt = [name for name in ("w", "b", "W", "A") if name in occurring]
    if not wrt:
        kernel = sd.compile(array)
        assert kernel.value() == pytest.approx(loss(np.ones(3)))
        return
    kernel = sd.compile(array, wrt=wrt, order=2)
    used = {leaf.name for leaf in kernel.leaves}
    values = numbers(np.random.default_rng(0), names, *sizes)
    data = {name: values[name] for name in names if name in used}
    asked = {str(s): dict(zip("ndk", sizes, strict=True))[str(s)] for s in kernel.asked}
    assert kernel.value(**data, **asked) == pytest.approx(loss(**values), rel=1e-12)
    gradient = kernel.gradient(**data, **asked)
    together = kernel.value_and_gradient(**data, **asked)
    hessian = kernel.hessian(**data, **asked)
    rng = np.random.default_rng(1)
    direction = {name: rng.normal(size=np.shape(values[name])) for name in wrt}
    product = kernel.hvp(direction, **data, **asked)
    for a in wrt:
        expected = differences(lambda v: loss(**v), values, a)
        assert np.shape(gradient[a]) == np.shape(values[a])
        np.testing.assert_allclose(gradient[a], expected, rtol=1e-6, atol=1e-8)
        np.testing.assert_array_equal(together[1][a], gradient[a])
        total = np.zeros(np.shape(values[a]))
        for b in wrt:
            block = np.asarray(hessian[a][b])
            assert block.shape == np.shape(values[a]) + np.shape(values[b])
            row = differences(
                lambda v, a=a: kernel.gradient(**{k: v[k] for k in data}, **asked)[a], values, b
            )
            np.testing.assert_allclose(block, row, rtol=1e-6, atol=1e-7)
            total = total + np.tensordot(block, direction[b], axes=np.ndim(values[b]))
        np.testing.assert_allclose(product[a], total, rtol=1e-9, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 5), d=st.integers(1, 4), seed=st.integers(0, 2**16))
def test_logistic_over_shapes(n, d, seed):
    kernel = logistic()
    rng = np.random.default_rng(seed)
    X, w, y = 5 * rng.normal(size=(n, d)), rng.normal(size=d), rng.integers(0, 2, n)
    z = X @ w
    value = sum(np.logaddexp(0, z[i]) - y[i] * z[i] for i in range(n)) / n
    gradient = [sum((expit(z[i]) - y[i]) * X[i, j] for i in range(n)) / n for j in range(d)]
    hessian = [
        [sum(expit(z[i]) * expit(-z[i]) * X[i, j] * X[i, k] for i in range(n)) / n for k in range(d)]
        for j in range(d)
    ]
    data = {"X": X, "w": w, "y": y}
    assert kernel.value(**data) == pytest.approx(value, rel=1e-12, abs=1e-14)
    np.testing.assert_allclose(kernel.gradient(**data), gradient, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(kernel.hessian(**data), hessian, rtol=1e-11, atol=1e-14)


def logistic(order=2):
    n, d = sd.dims("n d")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n, domain=sd.labels(0, 1))
    z = sd.let("z", X @ w)
    return sd.compile(np.sum(np.logaddexp(0, z) - y * z) / n, wrt=w, order=order, name="logistic")


def good():
    rng = np.random.default_rng(0)
    return {"X": rng.normal(size=(6, 3)), "w": rng.normal(size=3), "y": rng.integers(0, 2, 6)}


def test_wrt_in_every_form():
    n, d = sd.dims("n d")
    X, w = sd.array("X", n, d), sd.array("w", d)
    loss = np.sum((X @ w) ** 2)
    data = {"X": np.ones((2, 3)), "w": np.ones(3)}
    plain = sd.compile(loss, wrt=w).gradient(**data)
    np.testing.assert_array_equal(sd.compile(loss, wrt="w").gradient(**data), plain)
    np.testing.assert_array_equal(sd.compile(loss, wrt=[w]).gradient(**data)["w"], plain)
    text = sd.compile("np.sum((X @ w)**2)", wrt="w", X="n d", w="d")
    np.testing.assert_array_equal(text.gradient(**data), plain)
    assert set(sd.compile(loss, wrt=("X", "w")).gradient(**data)) == {"X", "w"}
    assert sd.compile(loss).value(**data) == 18.0
    assert sd.compile(X @ w).value(**data).tolist() == [3.0, 3.0]
    with pytest.raises(sd.ShapeError, match="scalar"):
        sd.compile(X @ w, wrt=w)


def test_results_do_not_alias_the_inputs():
    d = sd.dims("d")
    w, A = sd.array("w", d), sd.array("A", d, d)
    kernel = sd.compile(w @ w / 2 + np.sum(A * w), wrt=[w, A], order=2)
    data = {"w": np.ones(3), "A": np.ones((3, 3))}
    sd.compile(w @ w / 2, wrt=w).gradient(w=data["w"])[:] = 7
    kernel.gradient(**data)["A"][:] = 7
    first = kernel.hessian(**data)
    first["w"]["A"][:] = 7
    assert not np.any(first["A"]["w"] == 7)
    transposed = sd.compile(A.T).value(A=data["A"])
    transposed[:] = 7
    assert np.all(data["A"] == 1)
    assert np.all(data["w"] == 1)


def test_no_large_diagonal_and_scalars_on_the_small_side():
    source = logistic().source
    assert "np.diag" not in source
    assert "t1.T @ t1 / n" in source
    n, d = sd.dims("n d")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    squares = sd.compile(np.sum((X @ w - y) ** 2), wrt=w, order=2).source
    assert "2 * (X.T @ t1)" in squares
    assert "2 * (X.T @ X)" in squares
    assert "t1 @ t1" in squares
    signed = sd.compile(np.sum((y - 0.5) * np.exp(X @ w)), wrt=w, order=2).source
    assert "X.T * (" in signed or "X.T * t1" in signed


def test_a_product_spelled_twice_is_computed_once():
    n, d = sd.dims("n d")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    source = sd.compile(np.sum(np.logaddexp(0, X @ w) - y * (X @ w)), wrt=w).source
    body = source.split("def value_and_gradient")[1].split("def ")[0]
    assert body.count("X @ w") == 1


def test_the_saved_module_stands_alone(tmp_path):
    kernel = logistic()
    path = kernel.save(tmp_path / "kernel.py")
    spec = importlib.util.spec_from_file_location("kernel", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = good()
    np.testing.assert_array_equal(module.gradient(**data), kernel.gradient(**data))
    np.testing.assert_array_equal(module.hessian(data["X"], data["w"], data["y"]), kernel.hessian(**data))
    with pytest.raises(ValueError, match="y \\(n,\\) needs shape"):
        module.value(**{**data, "y": [0, 1]})
    with pytest.raises(ValueError, match="labels"):
        module.value(**{**data, "y": [2] * 6})
    with pytest.raises(ValueError, match="finite"):
        module.value(**{**data, "w": [np.nan] * 3})
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import kernel; "
        "assert not {'symderive', 'sympy'} & set(sys.modules); print(kernel.value([[1.0]], [2.0], [1]))"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) == pytest.approx(np.log1p(np.exp(-2)))


def test_source_is_tidy(tmp_path):
    n, d, k = sd.dims("n d k")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    W = sd.array("W", d, k)
    Y = sd.array("Y", n, k, domain=sd.one_hot)
    losses = [
        (np.sum((X @ w - y) ** 2) / n + 0.1 * np.sum(np.abs(w)), w),
        (-np.sum(Y * sd.log_softmax(X @ W, axis=1)) / n, W),
        (np.sum(np.sin(X @ w) * np.exp(-((X @ w) ** 2)) * np.arctan(y)), w),
        (np.sum(np.where(X @ w > y, np.log(1 + (X @ w) ** 2), 0)), w),
    ]
    for number, (loss, wrt) in enumerate(losses):
        source = sd.compile(loss, wrt=wrt, order=2).source
        assert max(map(len, source.splitlines())) <= 100
        (tmp_path / f"kernel{number}.py").write_text(source)
        assert "import numpy as np" in source
    options = ["--isolated", "--select", "E,F,I,W", "--line-length", "100"]
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ruff.returncode == 0, ruff.stdout


def test_dimensions_that_no_array_has_are_inputs():
    n, d, m = sd.dims("n d m")
    X, w = sd.array("X", n, d), sd.array("w", d)
    kernel = sd.compile(np.sum((X @ w) ** 2) / m, wrt=w)
    data = {"X": np.ones((2, 3)), "w": np.ones(3)}
    assert kernel.value(**data, m=2) == 9.0
    with pytest.raises(sd.UnknownNameError, match=r"missing input 'm'.*m \(a dimension\)"):
        kernel.value(**data)
    with pytest.raises(sd.ShapeError, match="integer >= 1"):
        kernel.value(**data, m=0)
    derived = sd.array("u", n + m)
    assert sd.compile(np.sum(derived) + np.sum(X)).value(u=np.ones(5), X=np.ones((2, 2)), m=3) == 9.0
    with pytest.raises(sd.ShapeError, match=r"needed \(m \+ n,\) = \(6,\)"):
        sd.compile(np.sum(derived) + np.sum(X)).value(u=np.ones(5), X=np.ones((2, 2)), m=4)


BAD = [
    ({"w": None}, sd.UnknownNameError, r"missing input 'w'; the inputs are X \(n, d\), w \(d,\), y \(n,\)"),
    ({"W": np.ones(3)}, sd.UnknownNameError, r"unknown input 'W' \(did you mean 'w'\?\)"),
    ({"y": np.ones(5)}, sd.ShapeError, r"n is 6 from X but 5 from y"),
    ({"w": np.ones(4)}, sd.ShapeError, r"d is 3 from X but 4 from w"),
    ({"w": np.ones((3, 1))}, sd.ShapeError, r"w must be a vector of shape \(d,\), got shape \(3, 1\); use w.ravel"),
    ({"X": np.ones(6)}, sd.ShapeError, r"X must be a matrix of shape \(n, d\), got shape \(6,\)"),
    ({"X": np.ones((0, 3))}, sd.ShapeError, "every dimension must be at least 1"),
    ({"w": np.ones(3) * 1j}, sd.DataError, "w is complex"),
    ({"w": ["a", "b", "c"]}, sd.DataError, "w holds text"),
    ({"w": [1.0, None, 2.0]}, sd.DataError, "w holds 'None'"),
    ({"w": [[1.0], [1.0, 2.0]]}, sd.DataError, "not a rectangular array"),
    ({"w": [1.0, np.nan, 2.0]}, sd.DataError, "w has nan at index 1"),
    ({"X": np.full((6, 3), np.inf)}, sd.DataError, r"X has inf at index \(0, 0\)"),
    ({"y": [0, 1, 2, 0, 1, 0]}, sd.DataError, r"y must be in labels\(0, 1\); it has 2 at index 2"),
    ({"w": object()}, sd.DataError, "w is a object"),
    ({"w": np.array(["2020-01-01"] * 3, dtype="M8[D]")}, sd.DataError, "w holds dates"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_inputs_get_one_clear_error(change, error, message):
    data = {k: v for k, v in {**good(), **change}.items() if v is not None}
    with pytest.raises(error, match=message):
        logistic().gradient(**data)


STRUCTURES = [
    (sd.simplex, [0.5, 0.6], "sum to 1"),
    (sd.positive, [0.0, 1.0], "must be in positive"),
    (sd.one_hot, [1, 1], "sum to 1"),
    (sd.interval(0, 2, closed="left"), [0.0, 2.0], "it has 2 at index 1"),
    (sd.integers(0, 5), [0.0, 1.5], "it has 1.5"),
    (sd.nonzero, [0.0, 1.5], "it has 0"),
]


@pytest.mark.parametrize(("domain", "values", "message"), STRUCTURES)
def test_domains_are_checked(domain, values, message):
    kernel = sd.compile(np.sum(sd.array("p", sd.dims("n"), domain=domain)))
    with pytest.raises(sd.DataError, match=message):
        kernel.value(p=values)


@pytest.mark.parametrize(
    ("domain", "values", "message"),
    [
        (sd.symmetric, [[1, 2], [3, 4]], "transpose"),
        (sd.spd, [[1, 2], [2, 1]], "positive definite"),
        (sd.diagonal, [[1, 2], [0, 1]], "off the diagonal"),
        (sd.lower_triangular, [[1, 2], [0, 1]], "above the diagonal"),
        (sd.orthogonal, [[1, 2], [0, 1]], "orthonormal"),
        (sd.invertible, [[1, 2], [2, 4]], "singular"),
    ],
)
def test_matrix_structures_are_checked(domain, values, message):
    n = sd.dims("n")
    kernel = sd.compile(np.trace(sd.array("S", n, n, domain=domain)))
    with pytest.raises(sd.DataError, match=message):
        kernel.value(S=values)


def test_an_index_beyond_the_dimension_is_refused():
    kernel = sd.compile(sd.array("w", sd.dims("d"))[3])
    assert kernel.value(w=[1, 2, 3, 4]) == 4.0
    with pytest.raises(sd.ShapeError, match="index 3"):
        kernel.value(w=[1, 2, 3])


def test_other_number_types_are_cast():
    kernel = logistic()
    data = good()
    expected = kernel.value(**data)
    assert kernel.value(**{k: np.asarray(v, dtype=object) for k, v in data.items()}) == expected
    assert kernel.value(X=data["X"].tolist(), w=list(data["w"]), y=data["y"].astype(bool)) == expected
    assert isinstance(expected, float)


def test_cross_check_and_missing_orders():
    kernel = logistic(order=1)
    assert kernel.cross_check(**good()).ok
    with pytest.raises(sd.UnsupportedError, match="order=2"):
        kernel.hessian(**good())
    with pytest.raises(sd.UnsupportedError, match="wrt"):
        sd.compile(kernel.loss).gradient(**good())
    with pytest.raises(sd.ShapeError, match="v for w"):
        logistic().hvp(np.ones(2), **good())


def test_names_that_generated_code_uses():
    d = sd.dims("d")
    for name in ("check", "value", "t1", "v", "name", "array", "shape", "_checked", "z1"):
        w, y = sd.array(name, d), sd.array("y", d)
        kernel = sd.compile(np.sum(np.exp(w * y) * y), wrt=w, order=2)
        data = {name: np.array([0.3, 0.2]), "y": np.array([1.0, 2.0])}
        assert np.all(np.isfinite(kernel.hvp(np.ones(2), **data)))
        namespace = {}
        exec(kernel.source, namespace)
        assert namespace["value"](**data) == kernel.value(**data)
    with pytest.raises(sd.UnknownNameError, match="generated code"):
        sd.compile(np.sum(sd.array("float", d)))


def test_special_functions_of_scipy():
    n = sd.dims("n")
    p, q = sd.array("p", n, domain=sd.simplex), sd.array("q", n, domain=sd.simplex)
    kernel = sd.compile(np.sum(p * np.log(p / q)), wrt=q)
    a, b = np.array([0.0, 0.5, 0.5]), np.array([0.2, 0.3, 0.5])
    assert kernel.value(p=a, q=b) == pytest.approx(np.sum(rel_entr(a, b)), rel=1e-14)
    assert kernel.value(p=b, q=a) == np.inf
    entropy = sd.compile(-np.sum(p * np.log(p)))
    assert entropy.value(p=a) == pytest.approx(-np.sum(xlogy(a, a)))
    cross = sd.compile(-np.sum(p * np.log(q)))
    assert cross.value(p=a, q=a) == pytest.approx(np.log(2))
    assert cross.value(p=b, q=a) == np.inf


def test_softmax_and_logsumexp_along_either_axis():
    n, k = sd.dims("n k")
    Z = sd.array("Z", n, k)
    z = np.array([[1000.0, 0.0, -1000.0], [3.0, 1.0, 2.0]])
    for axis, spelling in itertools.product((0, 1), range(2)):
        total = np.log(np.sum(np.exp(Z), axis=axis)) if spelling else sd.logsumexp(Z, axis=axis)
        kernel = sd.compile(np.sum(total), wrt=Z)
        assert kernel.value(Z=z) == pytest.approx(np.sum(scipy.special.logsumexp(z, axis=axis)))
        np.testing.assert_allclose(kernel.gradient(Z=z), scipy.special.softmax(z, axis=axis), atol=1e-15)


def test_log_sigmoid_far_out():
    x = sd.array("x", sd.dims("n"))
    kernel = sd.compile(np.sum(np.log(expit(x))), wrt=x)
    assert kernel.value(x=[-1e4]) == -1e4
    assert kernel.gradient(x=[-1e4, 1e4]).tolist() == [1.0, 0.0]
    assert log_expit(-1e4) == -1e4
