"""Code for slices, gathers, running sums, triangles, reshapes and functions of matrices.

Values are compared with the loss run as plain NumPy, gradients with differences of that, Hessians
with differences of the gradient; matrix functions with 60-digit arithmetic as well.
"""

import ast
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import scipy.special as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from support.array_programs import SIZES, declared, point, programs, run

import symderive as sd
from symderive.language import build
from symderive.language.arrays import Array

EPS = np.finfo(float).eps

LOSSES = {
    "slices": "np.sum(x[1:]**2 * v[:-1]) + np.sum(X[1:, ::2]**3) + np.sum(x[::-1] * v**2 * x) + p[0, -1, 1]**2",
    "joined": "np.sum(np.concatenate([x, w])**2 * np.arange(n + d)) + np.sum(np.stack([x, v], axis=1)**3)",
    "padded": "np.sum(np.pad(x, (1, 2))**2) + np.sum(np.roll(x, 1) * v) + np.sum(np.diff(x)**2 * v[1:])",
    "labels": "-np.sum(sd.log_softmax(Y, axis=1)[np.arange(n), y]) / n + np.sum((c[y] - x)**2)",
    "rows": "np.sum((B[y2] - A)**2 * v[:, None])",
    "running sums": "np.sum(np.cumsum(X, axis=1)**2) + np.sum(np.log(np.cumsum(np.exp(x)[::-1])[::-1]) * v)",
    "shifted sums": "np.sum(np.cumsum(x)[:-1] * v[1:]) + np.sum((np.tri(n, k=-1) @ x)**2 + (np.tri(n).T @ v)**2)",
    "triangles": "np.sum((np.tril(A) @ v)**2) + np.sum(np.triu(A, 1)**3) + np.sum(np.tri(n, d) @ w * x**2)",
    "reshaped": "np.sum(np.reshape(X, n*d)**3) + np.sum(np.kron(x, w)**2) + np.sum(np.kron(A, X)**2)",
    "largest": "np.max(x**2) + np.sum(np.max(X, axis=1) * v) - np.min(X[0] * w)",
    "products": "np.prod(w) + np.sum(np.prod(X, axis=1) * x) + np.sum(np.cumprod(x))",
    "solve": "x @ np.linalg.solve(A, v) + np.sum(np.linalg.solve(A.T, X)**2)",
    "inverse": "np.trace(np.linalg.inv(A) @ X @ X.T) + np.sum(np.linalg.inv(A)**3)",
    "determinants": "np.linalg.det(A) + np.linalg.slogdet(A)[1] * np.linalg.slogdet(A)[0]",
    "gaussian": "np.linalg.slogdet(S)[1] + x @ np.linalg.solve(S, x)",
    "cholesky": "np.sum((np.linalg.cholesky(S) @ x)**3) + np.sum(np.log(np.diag(np.linalg.cholesky(S))))",
    "spectrum": "np.sum(np.exp(np.linalg.eigvalsh(S) / 5)) + (np.linalg.eigh(S)[1][:, -1] @ x)**2",
    "nuclear": "np.linalg.norm(X, 'nuc') + np.linalg.norm(X, 2)",
    "kernel ridge": "np.sum((x - X @ np.linalg.solve(X.T @ X + np.eye(d), X.T @ x))**2)",
}
"""Text over the arrays of `support.array_programs`, and `y2`, labels of n rows."""


def declare():
    return declared() | {"y2": sd.array("y2", "n", domain=sd.integers(0, sd.dims("n") - 1))}


def values_at(sizes, seed):
    values = point(sizes, seed)
    values["y2"] = np.random.default_rng(seed).integers(0, sizes["n"], sizes["n"])
    return {name: np.asarray(value, float) for name, value in values.items()}


def integers(values):
    return {name: value.astype(int) if name in ("y", "y2") else value for name, value in values.items()}


def differences(f, values, name, direction, h=1e-5):
    """The slope of f along a direction by central differences, and how far off it may be."""
    def slope(h):
        up, down = (f({**values, name: values[name] + s * h * direction}) for s in (1, -1))
        return (np.asarray(up) - np.asarray(down)) / (2 * h)

    near, far = slope(h), slope(3 * h)
    return near, 10 * np.max(np.abs(near - far)) + 1e-5 * np.max(np.abs(near)) + 1e-7


def direction_of(name, value, rng):
    direction = rng.normal(size=np.shape(value))
    return direction + direction.T if name == "S" else direction


def wrt_of(array):
    return [leaf.name for leaf in array.node.leaves() if leaf.name not in ("y", "y2")]


@pytest.mark.parametrize("title", LOSSES)
def test_value_gradient_hessian_and_product(title):
    text = LOSSES[title]
    array = sd.read(text, **declare())
    names = wrt_of(array)
    # the second derivatives of decompositions are long: by one variable
    second = title not in ("spectrum", "cholesky", "nuclear", "kernel ridge")
    kernel = sd.compile(array, wrt=names, order=2 if second else 1)
    for seed, sizes in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        values = values_at(sizes, seed)
        data = {leaf.name: values[leaf.name] for leaf in kernel.leaves}

        def plain(v, sizes=sizes):
            return float(run(text, integers(v), sizes))

        value, gradient = kernel.value_and_gradient(**data)
        assert value == pytest.approx(plain(values), rel=1e-11, abs=1e-11)
        assert kernel.value(**data) == pytest.approx(value, rel=1e-13, abs=1e-13)
        directions = {name: direction_of(name, values[name], rng) for name in names}
        for name in names:
            expected, error = differences(plain, values, name, directions[name])
            assert np.sum(gradient[name] * directions[name]) == pytest.approx(expected, rel=1e-6, abs=error), name
            np.testing.assert_allclose(kernel.gradient(**data)[name], gradient[name], rtol=1e-12, atol=1e-12)
        if not second:
            continue
        hessian = kernel.hessian(**data)
        product = kernel.hvp(directions, **data)
        for a in names:
            total = np.zeros(np.shape(values[a]))
            for b in names:
                along = np.tensordot(hessian[a][b], directions[b], axes=np.ndim(directions[b]))
                expected, error = differences(lambda v, a=a: kernel.gradient(**v)[a], data, b, directions[b])
                np.testing.assert_allclose(along, expected, rtol=1e-6, atol=error, err_msg=f"{a}, {b}")
                total = total + along
            np.testing.assert_allclose(product[a], total, rtol=1e-9, atol=1e-9 * (1 + np.max(np.abs(total))))


@settings(max_examples=25, deadline=None)
@given(programs("s", 2), st.sampled_from(range(len(SIZES))))
def test_random_programs(text, number):
    """Programs over slices, gathers, blocks and matrix functions: value and gradient of what comes out."""
    array = sd.read(text, **declared())
    names = wrt_of(array)
    if not names:
        return
    sizes = SIZES[number]
    values = values_at(sizes, number)
    kernel = sd.compile(array, wrt=names)
    asked = {str(s): sizes[str(s)] for s in kernel.asked}

    def plain(v):
        return float(run(text, integers(v), sizes))

    with np.errstate(all="ignore"):
        expected = plain(values)
        value, gradient = kernel.value_and_gradient(**{leaf.name: values[leaf.name] for leaf in kernel.leaves}, **asked)
        assert value == pytest.approx(expected, rel=1e-8, abs=1e-8)
        for name in names:
            direction = direction_of(name, values[name], np.random.default_rng(0))
            slope, error = differences(plain, values, name, direction)
            # at a kink the differences do not settle, and there is nothing to compare with
            if np.isfinite(slope) and error < 1e-2 * max(1.0, abs(slope)):
                assert np.sum(gradient[name] * direction) == pytest.approx(slope, rel=1e-4, abs=error), (name, text)


def body(kernel, name="value_and_gradient"):
    """The text of one function, its docstring and its checks left out."""
    tree = ast.parse(kernel.source)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    return "\n".join(ast.unparse(n) for n in function.body[2:])


def compiled(text, wrt, order=1, **more):
    return sd.compile(sd.read(text, **(declare() | more)), wrt=wrt, order=order)


@pytest.mark.parametrize(
    ("text", "wrt", "present", "absent"),
    [
        ("np.sum(x[1:]**2)", "x", ["[1:] = 2 * x[1:]"], ["np.eye", "np.arange", "np.where"]),
        ("np.sum(np.cumsum(x)**2)", "x", ["np.cumsum(x)"], ["np.tri", "np.where", " @ x"]),
        ("np.sum((np.tril(A) @ x)**2)", "A", ["np.tril(A) @ x"], ["np.tri(", "np.where", "np.arange"]),
        ("-np.sum(sd.log_softmax(Y, axis=1)[np.arange(n), y])", "Y", ["[np.arange(n), t1] -= 1"], ["np.where"]),
        ("np.sum((B[y2] - A)**2)", "B", ["B[t1] - A", "np.add.at("], ["np.where", "np.eye"]),
        ("np.sum((c[y] - x)**2)", "c", ["np.bincount("], ["np.where", "np.eye", "np.add.at"]),
        ("np.sum(np.concatenate([x, w])**3)", "x", ["np.concatenate([x, w])"], ["np.zeros", "np.eye"]),
        ("np.sum(np.reshape(X, n*d)**3)", "X", ["np.reshape(X"], ["np.eye", "np.einsum"]),
        ("x @ np.linalg.inv(A) @ v", "A", ["_factored(A", "lu_solve("], ["np.linalg.inv", "np.linalg.solve"]),
        ("np.sum(np.max(X, axis=1))", "X", ["np.max(X, axis=1)"], ["np.eye"]),
    ],
)
def test_code_that_a_person_would_write(text, wrt, present, absent):
    code = body(compiled(text, wrt))
    for part in present:
        assert part in code
    for part in absent:
        assert part not in code


def test_one_value_needs_no_factors():
    code = body(compiled("x @ np.linalg.inv(A) @ v", "A"), "value")
    assert "np.linalg.solve(A" in code
    assert "lu_" not in code
    assert "np.linalg.eigvalsh(S)" in body(compiled("np.sum(np.linalg.eigvalsh(S)**2)", "S"), "value")


@pytest.mark.parametrize(
    ("text", "wrt", "once"),
    [
        ("np.linalg.slogdet(S)[1] + x @ np.linalg.solve(S, x)", "S", "np.linalg.cholesky"),
        ("np.linalg.slogdet(A)[1] + x @ np.linalg.solve(A, x)", "A", "_factored"),
        ("np.sum(np.linalg.eigvalsh(S)**3)", "S", "np.linalg.eigh"),
        ("np.linalg.norm(X, 'nuc')", "X", "np.linalg.svd"),
        ("np.sum(np.log(np.diag(np.linalg.cholesky(S)))) + x @ np.linalg.inv(S) @ x", "S", "np.linalg.cholesky"),
    ],
)
def test_a_matrix_is_factorised_once(text, wrt, once):
    kernel = compiled(text, wrt, order=2)
    for name in ("value_and_gradient", "hessian", "hvp"):
        code = body(kernel, name)
        assert code.count(once + "(") == 1, name
        assert sum(code.count(f) for f in ("np.linalg.inv", "np.linalg.slogdet", "np.linalg.solve")) == 0


def test_triangular_matrices_are_substituted():
    L = sd.array("L", "n", "n", domain=sd.lower_triangular)
    kernel = compiled("np.sum(np.linalg.solve(L, x)**2) + 2 * np.sum(np.log(np.abs(np.diag(L))))", "L", L=L)
    assert "solve_triangular(L, x, lower=True" in body(kernel)
    assert "lu_" not in kernel.source
    lower = np.tril(np.random.default_rng(0).normal(size=(4, 4))) + 3 * np.eye(4)
    x = np.arange(4.0)
    got = kernel.value(L=lower, x=x)
    assert got == pytest.approx(np.sum(np.linalg.solve(lower, x) ** 2) + 2 * np.linalg.slogdet(lower)[1], rel=1e-13)


def test_a_result_computed_once_is_written_once_behind_its_views():
    code = body(compiled("np.sum((np.linalg.solve(S, X).T @ x)**2) + np.sum(np.linalg.solve(S, X).T**3)", "X"), "value")
    assert code.count("cho_solve") == 1


# -- numerics ----------------------------------------------------------------------------------


def exact(matrix):
    return mpmath.matrix(matrix.tolist())


def floats(matrix):
    return np.array(matrix.tolist(), dtype=float)


@pytest.mark.parametrize("condition", [1e1, 1e4, 1e8])
def test_gaussian_likelihood_against_sixty_digits(condition):
    kernel = compiled("np.linalg.slogdet(S)[1] + x @ np.linalg.solve(S, x)", "S")
    rng = np.random.default_rng(0)
    n = 6
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    S = (q * np.geomspace(1, condition, n)) @ q.T
    S, x = (S + S.T) / 2, rng.normal(size=n)
    with mpmath.workdps(60):
        inverse = exact(S) ** -1
        solved = inverse * mpmath.matrix(x.tolist())
        value = mpmath.log(mpmath.det(exact(S))) + (mpmath.matrix(x.tolist()).T * solved)[0]
        gradient = floats(inverse - solved * solved.T)
        value = float(value)
    got, slope = kernel.value_and_gradient(S=S, x=x)
    assert abs(got - value) <= 50 * EPS * condition * max(1.0, abs(value))
    assert np.max(np.abs(slope - gradient)) <= 50 * EPS * condition * np.max(np.abs(gradient))


@pytest.mark.parametrize("condition", [1e1, 1e4, 1e8])
def test_solves_against_sixty_digits(condition):
    kernel = compiled("x @ np.linalg.solve(A, v)", "A")
    rng = np.random.default_rng(1)
    n = 6
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    A, x, v = (left * np.geomspace(1, condition, n)) @ right, rng.normal(size=n), rng.normal(size=n)
    with mpmath.workdps(60):
        inverse = exact(A) ** -1
        solved = inverse * mpmath.matrix(v.tolist())
        value = float((mpmath.matrix(x.tolist()).T * solved)[0])
        gradient = floats(-(inverse.T * mpmath.matrix(x.tolist())) * solved.T)
    size = np.linalg.norm(x) * np.linalg.norm(floats(solved))
    got, slope = kernel.value_and_gradient(A=A, x=x, v=v)
    assert abs(got - value) <= 50 * EPS * condition * size
    assert np.max(np.abs(slope - gradient)) <= 50 * EPS * condition * np.max(np.abs(gradient))


def test_log_determinants_of_large_matrices():
    n = 300
    A = 50 * np.eye(n) + np.random.default_rng(0).normal(size=(n, n))
    with np.errstate(over="ignore"):
        assert np.linalg.det(A) == np.inf
    S = A @ A.T
    for text, matrix in (("np.linalg.slogdet(A)[1]", A), ("np.log(np.abs(np.linalg.det(A)))", A)):
        value, gradient = compiled(text, "A").value_and_gradient(A=matrix)
        assert value == pytest.approx(np.linalg.slogdet(A)[1], rel=1e-13)
        np.testing.assert_allclose(gradient, np.linalg.inv(A).T, rtol=1e-9, atol=1e-15)
    for text in ("np.linalg.slogdet(S)[1]", "np.log(np.linalg.det(S))"):
        assert compiled(text, "S").value(S=S) == pytest.approx(2 * np.linalg.slogdet(A)[1], rel=1e-13)


def test_products_with_zeros_have_gradients():
    kernel = compiled("np.prod(w) + np.sum(np.prod(X, axis=1) * x)", ["w", "X"])
    X = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0]])
    gradient = kernel.gradient(w=[0.0, 4.0, 5.0], X=X, x=[1.0, 2.0])
    assert gradient["w"].tolist() == [20.0, 0.0, 0.0]
    assert gradient["X"].tolist() == [[0.0, 6.0, 0.0], [0.0, 0.0, 0.0]]


def test_equal_largest_entries_share_the_derivative():
    # the largest of three copies of one number moves as that number does
    assert compiled("np.max(b * np.ones(3))", "b").gradient(b=2.0) == pytest.approx(1.0)
    assert compiled("np.max(x)", "x").gradient(x=[1.0, 3.0, 3.0]).tolist() == [0.0, 0.5, 0.5]
    # a comparison that the formula makes itself is what it says
    kernel = compiled("np.sum((x == np.max(x)) * v)", ["x", "v"])
    assert kernel.value(x=[3.0, 3.0], v=[1.0, 2.0]) == 3.0
    assert kernel.gradient(x=[3.0, 3.0], v=[1.0, 2.0])["v"].tolist() == [1.0, 1.0]


def test_symmetric_part_where_symmetry_does_not_show():
    """What the decomposition reads and what its derivative is of are the same matrix."""
    leaf = sd.array("A", "n", "n").node
    kernel = sd.compile(np.max(Array(build.opaque("eigvalsh", leaf))), wrt="A")
    A = np.random.default_rng(0).normal(size=(4, 4))
    assert kernel.value(A=A) == pytest.approx(np.linalg.eigvalsh((A + A.T) / 2)[-1], rel=1e-13)
    assert kernel.cross_check(A=A).ok


# -- the door, errors, and the saved module ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x @ np.linalg.solve(A, v)", "A is singular in"),
        ("np.sum(np.linalg.inv(A)[0])", "in `t1 = np.linalg.inv(A)`"),
        ("np.linalg.slogdet(A)[1] + np.trace(np.linalg.inv(A))", "A is singular in"),
    ],
)
def test_a_singular_matrix_is_one_clear_error(text, line):
    kernel = compiled(text, "A")
    data = {"A": [[1, 2], [2, 4]], "x": [1, 1], "v": [1, 2]}
    data = {leaf.name: data[leaf.name] for leaf in kernel.leaves}
    with pytest.raises(sd.DataError, match="no inverse") as found:
        kernel.value_and_gradient(**data)
    assert line in str(found.value)
    with pytest.raises(np.linalg.LinAlgError):
        kernel.bind(**{k: v for k, v in data.items() if k != "A"}).value_and_gradient({"A": np.array(data["A"], float)})


def test_a_matrix_that_is_not_definite_after_all():
    kernel = compiled("np.linalg.slogdet(X.T @ X + c @ c * np.eye(d))[1]", "X")
    X = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-9]])
    assert kernel.value(X=X, c=np.ones(4)) == pytest.approx(np.linalg.slogdet(X.T @ X + 4 * np.eye(2))[1])
    with pytest.raises(sd.DataError, match="no inverse or no decomposition"):
        kernel.gradient(X=X - 1, c=np.zeros(4))


@pytest.mark.parametrize("kind", [int, np.int32, np.uint8, float])
def test_labels_of_any_integer_type(kind):
    kernel = compiled("np.sum(Y[np.arange(n), y])", "Y")
    Y = np.arange(8.0).reshape(2, 4)
    assert kernel.value(Y=Y, y=np.array([1, 3], dtype=kind)) == 8.0
    with pytest.raises(sd.DataError, match=r"y must be in integers\(0, 3\); it has 4 at index 1"):
        kernel.value(Y=Y, y=np.array([1, 4], dtype=kind))


def test_a_slice_beyond_the_array_is_refused():
    kernel = compiled("np.sum(x[:3]) + x[1]", "x")
    assert kernel.value(x=[1, 2, 3]) == 8.0
    with pytest.raises(sd.ShapeError, match="along n"):
        kernel.value(x=[1, 2])
    with pytest.raises(sd.ShapeError, match="n - 1"):
        compiled("np.sum(np.diff(x))", "x").value(x=[1])


def test_the_saved_module_needs_numpy_and_scipy_alone(tmp_path):
    kernel = compiled("np.linalg.slogdet(A)[1] + x @ np.linalg.solve(A, x) + np.linalg.slogdet(S)[1] + np.prod(w)",
                      ["A", "S", "w"])  # fmt: skip
    kernel.save(tmp_path / "kernel.py")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import kernel, numpy as np; "
        "assert not {'symderive', 'sympy'} & set(sys.modules); "
        "print(kernel.value_and_gradient(2 * np.eye(2), [1, 1], np.eye(2), [3, 0])[0])"
    )
    data = {"A": 2 * np.eye(2), "x": [1, 1], "S": np.eye(2), "w": [3, 0]}
    assert [leaf.name for leaf in kernel.leaves] == list(data)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert float(done.stdout) == kernel.value(**data)
    allowed = {"numpy", "scipy.linalg", "scipy.linalg.lapack", "scipy.special"}
    imported = [n.module if isinstance(n, ast.ImportFrom) else n.names[0].name
                for n in ast.walk(ast.parse(kernel.source)) if isinstance(n, ast.Import | ast.ImportFrom)]  # fmt: skip
    assert set(imported) <= allowed


def test_arrays_called_like_helpers():
    for name in ("_factored", "_other_products", "t1", "t2"):
        w = sd.array(name, "n")
        A = sd.array("A", "n", "n")
        kernel = sd.compile(np.prod(w) + w @ np.linalg.solve(A, w) + np.linalg.slogdet(A)[1], wrt=[w, A])
        value, _ = kernel.value_and_gradient(A=2 * np.eye(2), **{name: [1.0, 3.0]})
        assert value == pytest.approx(3 + 5 + 2 * np.log(2))
    with pytest.raises(sd.UnknownNameError, match="generated code"):
        sd.compile(np.sum(sd.array("cho_solve", "n")))


# -- networks ------------------------------------------------------------------------------------


def network(layers):
    n = sd.dims("n")
    sizes = [sd.dims(f"h{k}") for k in range(layers + 1)]
    a = sd.array("X", n, sizes[0])
    y = sd.array("y", n, domain=sd.integers(0, sizes[-1] - 1))
    wrt = []
    for k in range(layers):
        W, b = sd.array(f"W{k + 1}", sizes[k], sizes[k + 1]), sd.array(f"b{k + 1}", sizes[k + 1])
        wrt += [W, b]
        z = a @ W + b
        a = np.tanh(z) if k < layers - 1 else z
    return -np.mean(sd.log_softmax(a, axis=1)[sd.arange(n), y]), wrt


def test_code_of_networks_grows_linearly():
    lengths = []
    for layers in (2, 5, 8, 11):
        loss, wrt = network(layers)
        kernel = sd.compile(loss, wrt=wrt)
        assert max(map(len, kernel.source.splitlines())) <= 100
        assert len(kernel.source) < 1000 + 1500 * layers
        lengths.append(len(ast.parse(body(kernel)).body))
    # one temporary for each layer on the way there, one on the way back, and the sigmoid's argument
    assert np.all(np.diff(lengths) <= 3 * 4), lengths


def test_a_network_computes_each_layer_once():
    loss, wrt = network(4)
    kernel = sd.compile(loss, wrt=wrt)
    code = body(kernel)
    assert code.count(" @ ") == 4 + 3 + 4
    assert code.count("np.tanh(") == 3
    rng = np.random.default_rng(0)
    widths = (3, 4, 2, 5, 3)
    data = {"X": rng.normal(size=(7, 3)), "y": rng.integers(0, 3, 7)}
    for k in range(4):
        data[f"W{k + 1}"], data[f"b{k + 1}"] = rng.normal(size=widths[k : k + 2]), rng.normal(size=widths[k + 1])
    a = data["X"]
    for k in range(4):
        z = a @ data[f"W{k + 1}"] + data[f"b{k + 1}"]
        a = np.tanh(z)
    expected = -np.mean(sc.log_softmax(z, axis=1)[np.arange(7), data["y"]])
    assert kernel.value(**data) == pytest.approx(expected, rel=1e-13)
    assert kernel.cross_check(**data).ok
