"""SymPy expressions are read as they stand; the component view is what they look like."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special as sc
import sympy as sp
from scipy.special import expit
from support.evaluate import evaluate_array
from sympy import (
    Function,
    HadamardProduct,
    Heaviside,
    Identity,
    Idx,
    IndexedBase,
    Inverse,
    KroneckerDelta,
    MatrixSymbol,
    Max,
    Min,
    OneMatrix,
    Piecewise,
    Product,
    Sum,
    Symbol,
    Trace,
    Transpose,
    ZeroMatrix,
    symbols,
)
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.hadamard import HadamardPower

import symderive as sd
from symderive.language.sympy_input import from_sympy_together
from symderive.language.views.components import logaddexp

i, j, k, m, n, d = symbols("i j k m n d", integer=True)
u, v = symbols("u v")
p = symbols("p", positive=True)
x, y, q, A, B = (IndexedBase(name) for name in ["x", "y", "q", "A", "B"])
X, S = MatrixSymbol("X", n, d), MatrixSymbol("S", d, d)
y2 = IndexedBase("y2", shape=(m + 2,))
W, Y = MatrixSymbol("w", d, 1), MatrixSymbol("y", n, 1)

SIZES = ({"n": 4, "d": 3, "m": 2}, {"n": 1, "d": 1, "m": 1}, {"n": 2, "d": 5, "m": 3})


def values(array, sizes, seed=0):
    rng = np.random.default_rng(seed)
    drawn = {}
    for leaf in sorted(array.node.leaves(), key=lambda leaf: leaf.name):
        shape = tuple(int(s.subs({t: sizes[str(t)] for t in s.free_symbols})) for s in leaf.shape)
        drawn[leaf.name] = np.abs(rng.normal(size=shape)) + 0.1
    return drawn


def agree(expr, formula, **how):
    made = sd.from_sympy(expr, **how)
    for sizes in SIZES:
        point = values(made, sizes)
        expected = np.asarray(formula(**point, **{s: sizes[s] for s in sizes if s not in point}))
        found = evaluate_array(made, sizes, point)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        assert found.shape == expected.shape
    return made


SCALARS = {
    "polynomial": (u**2 + 3 * v - 1, lambda u, v, **_: u**2 + 3 * v - 1),
    "fractions": (u / v + sp.Rational(1, 3), lambda u, v, **_: u / v + 1 / 3),
    "float": (0.1 * u, lambda u, **_: u / 10),
    "powers": (p**u + sp.sqrt(p) + u**-2, lambda p, u, **_: p**u + p**0.5 + u**-2.0),
    "exp log": (sp.exp(-u) * sp.log(p) + sp.exp(2), lambda u, p, **_: np.exp(-u) * np.log(p) + np.exp(2)),
    "trigonometry": (
        sp.sin(u) + sp.cos(u) + sp.tan(u) + sp.atan(u),
        lambda u, **_: np.sin(u) + np.cos(u) + np.tan(u) + np.arctan(u),
    ),
    "hyperbolic": (sp.sinh(u) + sp.cosh(u) + sp.tanh(u), lambda u, **_: np.sinh(u) + np.cosh(u) + np.tanh(u)),
    "abs sign": (sp.Abs(u - v) + sp.sign(v - u), lambda u, v, **_: abs(u - v) + np.sign(v - u)),
    "max min": (Max(u, v, 0) + Min(u, v, 1), lambda u, v, **_: max(u, v, 0) + min(u, v, 1)),
    "heaviside": (Heaviside(u - v), lambda u, v, **_: np.heaviside(u - v, 0.5)),
    "piecewise": (Piecewise((u, u > v), (v**2, True)), lambda u, v, **_: u if u > v else v**2),
    "piecewise and": (
        Piecewise((u, (u > v) & (u < 1)), (v, (u <= v) | (v >= 1)), (3, True)),
        lambda u, v, **_: u if v < u < 1 else (v if u <= v or v >= 1 else 3),
    ),
    "more trigonometry": (
        sp.asin(p / 9) + sp.acos(p / 9) + sp.atan2(u, v) + sp.sec(u) + sp.cot(u) + sp.csc(u),
        lambda u, v, p, **_: np.pi / 2 + np.arctan2(u, v) + 1 / np.cos(u) + 1 / np.tan(u) + 1 / np.sin(u),
    ),
    "inverse hyperbolic": (
        sp.asinh(u) + sp.acosh(p + 1) + sp.atanh(p / 9) + sp.sech(u) + sp.coth(u) * sp.csch(v),
        lambda u, v, p, **_: np.arcsinh(u) + np.arccosh(p + 1) + np.arctanh(p / 9) + 1 / np.cosh(u)
        + 1 / np.tanh(u) / np.sinh(v),
    ),
    "error functions": (
        sp.erf(u) + sp.erfc(v) + sp.erf2(u, v) + sp.erfinv(p / 9) + sp.erfcinv(p / 9),
        lambda u, v, p, **_: sc.erf(u) + sc.erfc(v) + sc.erf(v) - sc.erf(u) + sc.erfinv(p / 9) + sc.erfinv(1 - p / 9),
    ),
    "gamma functions": (
        sp.gamma(p) + sp.loggamma(p) + sp.digamma(p) + sp.polygamma(2, p) + sp.trigamma(p) + sp.beta(p, p + 1),
        lambda p, **_: sc.gamma(p) + sc.gammaln(p) + sc.digamma(p) + sc.polygamma(2, p) + sc.polygamma(1, p)
        + sc.beta(p, p + 1),
    ),
    "factorials": (
        sp.factorial(p) + sp.binomial(p + 2, p) + sp.lowergamma(2, p) + sp.uppergamma(p, 1),
        lambda p, **_: sc.gamma(p + 1) + (p + 2) * (p + 1) / 2 + sc.gammainc(2, p) + sc.gammaincc(p, 1) * sc.gamma(p),
    ),
    "bessel functions": (
        sp.besseli(0, u) + sp.besseli(1, u) + sp.besseli(3, u) + sp.jn(2, p) + sp.sinc(u),
        lambda u, p, **_: sc.i0(u) + sc.i1(u) + sc.iv(3, u) + sc.spherical_jn(2, p) + np.sin(u) / u,
    ),
    "rounding": (
        sp.floor(3 * u) + sp.ceiling(3 * v) + sp.frac(3 * u) + sp.Mod(v, p),
        lambda u, v, p, **_: 3 * u + np.ceil(3 * v) + np.mod(v, p),
    ),
    "parts of real numbers": (sp.re(u) + sp.im(u) + sp.conjugate(v), lambda u, v, **_: u + v),
    "constants": (sp.pi * u + sp.E + sp.sqrt(2), lambda u, **_: np.pi * u + np.e + np.sqrt(2)),
}  # fmt: skip

INDEXED = {
    "squares": (Sum(x[i] ** 2, (i, 1, n)), lambda x, **_: np.sum(x**2)),
    "zero based": (Sum(x[i] * y[i], (i, 0, n - 1)) / n, lambda x, y, n, **_: x @ y / n),
    "factor n": (Sum(u, (i, 1, n)), lambda u, n, **_: n * u),
    "ones": (Sum(1, (i, 1, n), (j, 1, d)), lambda n, d, **_: n * d),
    "index itself": (Sum(i * x[i], (i, 1, n)), lambda x, n, **_: np.arange(1, n + 1) @ x),
    "index from 0": (Sum(i * x[i], (i, 0, n - 1)), lambda x, n, **_: np.arange(n) @ x),
    "matrix vector": (Sum(Sum(A[i, j] * x[j], (j, 1, d)) ** 2, (i, 1, n)), lambda A, x, **_: np.sum((A @ x) ** 2)),
    "same dummy": (Sum(x[i] * Sum(x[i], (i, 1, n)), (i, 1, n)), lambda x, **_: np.sum(x) ** 2),
    "two sums, one dummy": (
        Sum(x[i], (i, 1, n)) * Sum(x[i] ** 2, (i, 1, n)),
        lambda x, **_: np.sum(x) * np.sum(x**2),
    ),
    "power of a sum": (Sum(x[i], (i, 1, n)) ** 2, lambda x, **_: np.sum(x) ** 2),
    "delta": (
        Sum(KroneckerDelta(i, j) * x[i] * y[j], (i, 1, n), (j, 1, n)),
        lambda x, y, **_: x @ y,
    ),
    "trace": (Sum(A[i, i], (i, 1, n)), lambda A, **_: np.trace(A)),
    "product": (Product(x[i], (i, 1, n)), lambda x, **_: np.prod(x)),
    "double product": (Product(A[i, j], (i, 1, n), (j, 1, d)), lambda A, **_: np.prod(A)),
    "product of a constant": (Product(u, (i, 1, n)), lambda u, n, **_: u**n),
    "differences": (Sum((q[i + 1] - q[i]) ** 2, (i, 1, n)), lambda q, **_: np.sum(np.diff(q) ** 2)),
    "second differences": (
        Sum((y2[i + 1] - 2 * y2[i] + y2[i - 1]) ** 2, (i, 1, m)),
        lambda y2, **_: np.sum(np.diff(y2, 2) ** 2),
    ),
    "reversed": (Sum(x[i] * x[n + 1 - i], (i, 1, n)), lambda x, **_: x @ x[::-1]),
    "every other": (Sum(x[i], (i, 1, 2 * n)) * Sum(x[2 * i], (i, 1, n)), lambda x, **_: x.sum() * x[1::2].sum()),
    "entries of a matrix from 1": (Sum(X[i - 1, 0] * x[i], (i, 1, n)), lambda X, x, **_: X[:, 0] @ x),
    "softmax": (
        Sum(sp.exp(x[i]) / Sum(sp.exp(x[j]), (j, 1, n)) * y[i], (i, 1, n)),
        lambda x, y, **_: np.exp(x) @ y / np.sum(np.exp(x)),
    ),
    "entropy": (-Sum(q[i] * sp.log(q[i]), (i, 1, n)), lambda q, **_: -np.sum(q * np.log(q))),
    "log of a dimension": (sp.log(n) + Sum(x[i], (i, 1, n)), lambda x, n, **_: np.log(n) + x.sum()),
    "entry": (Sum(x[0] * x[i], (i, 0, n - 1)), lambda x, **_: x[0] * x.sum()),
    "last entry": (Sum(x[n] * x[i], (i, 1, n)), lambda x, **_: x[-1] * x.sum()),
    "fixed": (Sum(x[i], (i, 1, 3)), lambda x, **_: x.sum()),
    "idx": (Sum(x[Idx("t", n)], (Idx("t", n), 0, n - 1)), lambda x, **_: x.sum()),
    "piecewise": (
        Sum(Piecewise((x[i], x[i] > y[i]), (0, True)), (i, 1, n)),
        lambda x, y, **_: np.sum(np.where(x > y, x, 0)),
    ),
    "logistic": (
        Sum(sp.log(1 + sp.exp(Sum(A[i, j] * x[j], (j, 1, d)))), (i, 1, n)),
        lambda A, x, **_: np.sum(np.logaddexp(0, A @ x)),
    ),
}  # fmt: skip

MATRICES = {
    "linear": (X * W - Y, lambda X, w, y, **_: X @ w - y),
    "least squares": ((X * W - Y).T * (X * W - Y), lambda X, w, y, **_: np.sum((X @ w - y) ** 2)),
    "entry of 1x1": (((X * W - Y).T * (X * W - Y))[0, 0], lambda X, w, y, **_: np.sum((X @ w - y) ** 2)),
    "scaled": (2 * X.T * Y / n, lambda X, y, n, **_: 2 * X.T @ y / n),
    "quadratic": (W.T * S * W, lambda w, S, **_: w @ S @ w),
    "outer": (W * Y.T, lambda w, y, **_: np.outer(w, y)),
    "trace": (Trace(S) + 2 * Trace(X.T * X), lambda S, X, **_: np.trace(S) + 2 * np.sum(X**2)),
    "transpose": (Transpose(X), lambda X, **_: X.T),
    "sum": (S + S.T + Identity(d), lambda S, d, **_: S + S.T + np.eye(d)),
    "hadamard": (HadamardProduct(X, X) + HadamardPower(X, 2), lambda X, **_: 2 * X**2),
    "power": (S**2 + S**0 + S**3, lambda S, **_: S @ S + np.eye(len(S)) + S @ S @ S),
    "zeros": (X + ZeroMatrix(n, d), lambda X, **_: X),
    "ones": (OneMatrix(1, n) * X * W, lambda X, w, **_: np.sum(X @ w)),
    "ones matrix": (OneMatrix(n, d) + X, lambda X, **_: X + 1),
    "elementwise": ((X * W).applyfunc(sp.exp), lambda X, w, **_: np.exp(X @ w)),
    "elementwise lambda": (
        OneMatrix(1, n) * (X * W).applyfunc(sp.Lambda(u, sp.log(1 + sp.exp(u)))),
        lambda X, w, **_: np.sum(np.logaddexp(0, X @ w)),
    ),
    "entries": (X[0, 0] + W[0, 0], lambda X, w, **_: X[0, 0] + w[0]),
    "sum of entries": (Sum(W[i, 0] ** 2, (i, 0, d - 1)), lambda w, **_: w @ w),
    "dot": (DotProduct(W, W), lambda w, **_: w @ w),
    "scalar times": (u * S * W + v * W, lambda u, v, S, w, **_: u * S @ w + v * w),
    "inverse": (Inverse(S) * W, lambda S, w, **_: np.linalg.solve(S, w)),
    "negative powers": (S**-1 + S**-2 + Inverse(S.T), lambda S, **_: sum(
        np.linalg.matrix_power(A, k) for A, k in ((S, -1), (S, -2), (S.T, -1))
    )),
    "inverse of a product": (W.T * Inverse(X.T * X + Identity(d)) * W, lambda X, w, d, **_: w @ np.linalg.solve(
        X.T @ X + np.eye(d), w
    )),
    "determinant": (sp.Determinant(S) + sp.log(sp.Determinant(X.T * X + Identity(d))), lambda S, X, d, **_: (
        np.linalg.det(S) + np.linalg.slogdet(X.T @ X + np.eye(d))[1]
    )),
    "inverse of a scalar": (Inverse(W.T * W), lambda w, **_: 1 / (w @ w)),
    "kronecker": (sp.KroneckerProduct(S, X), lambda S, X, **_: np.kron(S, X)),
    "kronecker of vectors": (sp.KroneckerProduct(W, Y), lambda w, y, **_: np.kron(w, y)),
    "blocks": (
        sp.BlockMatrix([[S, W], [W.T, Identity(1)]]),
        lambda S, w, **_: np.block([[S, w[:, None]], [w[None, :], np.ones((1, 1))]]),
    ),
    "block diagonal": (sp.BlockDiagMatrix(S, X * X.T), lambda S, X, **_: scipy.linalg.block_diag(S, X @ X.T)),
    "diagonal matrices": (sp.DiagMatrix(W) * S, lambda w, S, **_: np.diag(w) @ S),
    "diagonals": (sp.DiagonalMatrix(S) + sp.DiagonalMatrix(S).T, lambda S, **_: 2 * np.diag(np.diag(S))),
    "the diagonal": (sp.DiagonalOf(S * S), lambda S, **_: np.diag(S @ S)),
    "adjoint": (sp.Adjoint(X) * Y, lambda X, y, **_: X.T @ y),
    "slices": (X[0:1, 0:d], lambda X, **_: X[0]),
    "written out": (
        sp.Matrix([[u, 1], [v, u * v]]) * sp.Matrix([u, 2]),
        lambda u, v, **_: np.array([[u, 1], [v, u * v]]) @ np.array([u, 2]),
    ),
    "trace of an inverse": (Trace(Inverse(S) * S.T), lambda S, **_: np.trace(np.linalg.solve(S, S.T))),
    "scalar of a product": (sp.exp((W.T * W)[0, 0]), lambda w, **_: np.exp(w @ w)),
}  # fmt: skip

CASES = {**SCALARS, **INDEXED, **MATRICES}


@pytest.mark.parametrize("name", CASES)
def test_expressions_mean_what_they_say(name):
    expr, formula = CASES[name]
    agree(expr, formula)


#: Their components have floors of indices, or brackets whose index runs further than the array.
ONE_WAY = {"kronecker", "kronecker of vectors", "blocks", "block diagonal", "written out"}


@pytest.mark.parametrize("name", [name for name in CASES if name not in ONE_WAY])
def test_there_and_back(name):
    made = sd.from_sympy(CASES[name][0])
    indices = symbols([f"free{a}" for a in range(made.ndim)], integer=True)
    shapes = {leaf.name: leaf.shape for leaf in made.node.leaves() if leaf.shape}
    again = sd.from_sympy(made.to_sympy(*indices), shapes=shapes, indices=indices)
    for sizes in SIZES:
        point = values(made, sizes)
        np.testing.assert_allclose(
            evaluate_array(again, sizes, point), evaluate_array(made, sizes, point), rtol=1e-10, atol=1e-12
        )


def test_free_indices_are_axes():
    agree(Sum(A[i, j] * x[j], (j, 1, d)), lambda A, x, **_: A @ x, shapes={"A": "n d"})
    shaped = IndexedBase("A", shape=(n, d))
    agree(shaped[i, j] * x[j], lambda A, x, **_: A * x, shapes={"x": "d"})
    agree(shaped[i, j], lambda A, **_: A.T, indices=(j, i))
    agree(KroneckerDelta(i, j) * x[i] * y[j], lambda x, y, **_: np.diag(x * y), shapes={"x": "n", "y": "n"})
    agree(sp.MatrixSymbol("X", n, d)[i, j] * 2, lambda X, **_: 2 * X)


def test_both_sides_share_dimensions():
    left, right = from_sympy_together([Sum(x[i], (i, 1, n)), n * u])
    assert left.shape == right.shape == ()
    assert [leaf.name for leaf in right.node.leaves()] == ["u"]


def test_domains():
    made = sd.from_sympy(p * u + v, domains={u: sd.unit_interval, "v": sd.labels(-1, 1), p: sd.interval(0, 2)})
    domains = {leaf.name: leaf.domain for leaf in made.node.leaves()}
    assert domains["u"] == sd.unit_interval
    assert domains["v"] == sd.labels(-1, 1)
    assert domains["p"].entries.is_positive
    assert not domains["p"].entries.contains(sp.Integer(2))
    negative = sd.from_sympy(Symbol("a", negative=True) + Symbol("b", integer=True) + Symbol("c", nonzero=True))
    entries = {leaf.name: leaf.domain.entries for leaf in negative.node.leaves()}
    assert entries["a"].is_negative
    assert entries["b"].integer
    assert entries["c"].is_nonzero
    with pytest.raises(sd.DomainError):
        sd.from_sympy(p, domains={p: sd.interval(-2, -1)})
    with pytest.raises(sd.DomainError):
        sd.from_sympy(Symbol("z", imaginary=True) + 1)
    with pytest.raises(sd.DomainError):
        sd.from_sympy(u, domains={u: (0, 1)})


def test_nothing_is_evaluated():
    ratio = sd.from_sympy(sp.Mul(u, sp.Pow(u, -1, evaluate=False), evaluate=False))
    assert not ratio.same_form(sd.from_sympy(sp.Integer(1)))
    difference = sd.from_sympy(sp.Add(u, -u, evaluate=False))
    assert len(difference.node.children) == 2


REFUSED = {
    "two symbols, one name": (Symbol("x") + Symbol("x", positive=True), sd.UnknownNameError, "'x'"),
    "hostile array": (Sum(IndexedBase("a b")[i], (i, 1, n)), sd.UnknownNameError, "identifier"),
    "hostile dimension": (Sum(x[i], (i, 1, Symbol("n}", integer=True))), sd.UnknownNameError, "identifier"),
    "hostile matrix": (MatrixSymbol("$x$", n, d), sd.UnknownNameError, "identifier"),
    "large negative power": (S**-9, sd.UnsupportedError, "power"),
    "permanent": (sp.Permanent(S), sd.UnsupportedError, "Permanent"),
    "bessel of a variable order": (sp.besseli(u, v), sd.UnsupportedError, "constant integer"),
    "zeta": (sp.zeta(u), sd.UnsupportedError, "'zeta'"),
    "lambert": (sp.LambertW(u), sd.UnsupportedError, "'LambertW'"),
    "large explicit matrix": (sp.Matrix(9, 9, lambda i, j: u), sd.UnsupportedError, "9×9"),
    "large matrix power": (S**1000, sd.UnsupportedError, "power"),
    "symbolic matrix power": (S**n, sd.UnsupportedError, "power"),
    "unknown": (Function("f")(u), sd.UnsupportedError, "'f'"),
    "integral": (sp.Integral(u, u), sd.UnsupportedError, "Integral"),
    "derivative": (sp.Derivative(sp.Function("f")(u), u), sd.UnsupportedError, "undefined function"),
    "relation": (sp.Eq(u, v), sd.UnsupportedError, "Eq"),
    "complex": (sp.I * u, sd.UnsupportedError, "complex"),
    "infinite": (sp.oo, sd.DomainError, "finite"),
    "nan": (sp.nan, sd.DomainError, "finite"),
    "open piecewise": (Piecewise((u, u > 0)), sd.UnsupportedError, "Piecewise"),
    "triangle": (Sum(A[i, j], (j, 1, i), (i, 1, n)), sd.UnsupportedError, "limits"),
    "nested triangle": (Sum(Sum(A[i, j], (j, 1, i)), (i, 1, n)), sd.UnsupportedError, "limits"),
    "two ranges": (Sum(x[i], (i, 1, n)) + Sum(x[i], (i, 1, d)), sd.ShapeError, "dimension"),
    "two counts": (Sum(x[i], (i, 1, n)) + Sum(x[i], (i, 0, n - 1)), sd.UnsupportedError, "counted"),
    "empty range": (Sum(x[i], (i, 1, 0)), sd.ShapeError, "empty"),
    "unknown range": (x[i], sd.ShapeError, "not known"),
    "out of range": (Sum(x[0] * x[i], (i, 1, n)), sd.ShapeError, "out of range"),
    "shifted beyond": (Sum(y2[i + 1] * y2[i], (i, 1, m - 1)), sd.ShapeError, "counted from is not known"),
    "shifted, of two lengths": (Sum(x[i + 1], (i, 1, n)) + Sum(x[i], (i, 1, d)), sd.ShapeError, "compared"),
    "shifted by an unknown": (Sum(x[i + 1] * x[i + m], (i, 1, n)), sd.UnsupportedError, "i + m"),
    "squared index": (Sum(x[i**2] * x[i], (i, 1, n)), sd.UnsupportedError, "i**2"),
    "a shifted free index": (x[i + 1] * 2, sd.ShapeError, "no range"),
    "an index of a matrix from 1": (Sum(W[i, 0], (i, 1, d)), sd.ShapeError, "out of range"),
    "a shifted index of a matrix": (X[i + 1, 0], sd.UnsupportedError, "i + 1"),
    "an index that is not bound": (Sum(x[i] * X[j - 1, i - 1] * y[k + j], (i, 1, n)), sd.SymderiveError, ""),
    "ranks": (Sum(x[i] * x[i, i], (i, 1, n)), sd.ShapeError, "indices"),
    "infinite range": (Sum(x[i], (i, 1, sp.oo)), sd.SymderiveError, ""),
    "noncommutative": (Symbol("z", commutative=False), sd.DomainError, "real"),
    "lambda": (sp.Lambda(u, u**2), sd.UnsupportedError, "Lambda"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_named(name):
    expr, kind, part = REFUSED[name]
    with pytest.raises(kind) as caught:
        sd.from_sympy(expr)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    "name", [r"\\input{x}", "</math><script>alert(1)</script>", "a%b", "__import__('os').system('true')"]
)
def test_a_hostile_name_becomes_a_harmless_one(name):
    read = sd.from_sympy(Symbol(name) + 1)
    (leaf,) = read.node.leaves()
    assert leaf.name.isidentifier()
    assert name not in read.latex
    assert str(sd.read(str(read), **{leaf.name: ()})) == str(read)


def test_text_is_no_sympy_expression():
    with pytest.raises((sd.SymderiveError, sp.SympifyError)):
        sd.from_sympy("__import__('os')")


# -- the component view ------------------------------------------------------------------------------


def arrays():
    return sd.array("X", "n", "d"), sd.array("w", "d"), sd.array("y", "n"), sd.array("b")


def test_components_look_as_a_teacher_writes():
    X, w, _, b = arrays()
    assert str((X @ w).to_sympy()) == "Sum(X[i, j]*w[j], (j, 1, d))"
    assert str(np.sum(w**2).to_sympy()) == "Sum(w[i]**2, (i, 1, d))"
    assert str(X.T.to_sympy()) == "X[j, i]"
    assert str(np.diag(w).to_sympy()) in ("KroneckerDelta(i, j)*w[i]", "w[i]*KroneckerDelta(i, j)")
    assert str((X @ w).to_sympy("r")) == "Sum(X[r, i]*w[i], (i, 1, d))"
    assert str((X @ w).to_sympy(1)) == "Sum(X[1, i]*w[i], (i, 1, d))"
    assert str((2 * b + 1).to_sympy()) == "2*b + 1"
    assert str(sd.ones("n").sum().to_sympy()) in ("n", "Sum(1, (i, 1, n))")


def test_indices_do_not_collide():
    i_, j_ = sd.array("i", "k"), sd.array("j", "k")
    made = str((i_ @ j_).to_sympy())
    assert made == "Sum(i[l]*j[l], (l, 1, k))" or made == "Sum(i[p]*j[p], (p, 1, k))"
    X, w, y, _ = arrays()
    limits = [s.limits[0][0] for s in (np.sum(X @ w) * np.sum(y) * np.sum(w)).to_sympy().atoms(Sum)]
    assert len(set(limits)) == len(limits)


def test_wrong_indices():
    X, *_ = arrays()
    with pytest.raises(sd.ShapeError):
        X.to_sympy("i")
    with pytest.raises(sd.UnknownNameError):
        X.to_sympy("i", "</math>")


def there_and_back(array, seed=0):
    indices = symbols([f"free{a}" for a in range(array.ndim)], integer=True)
    again = sd.from_sympy(array.to_sympy(*indices), indices=indices)
    for sizes in SIZES:
        point = values(array, sizes, seed)
        np.testing.assert_allclose(
            evaluate_array(again, sizes, point), evaluate_array(array, sizes, point), rtol=1e-10, atol=1e-12
        )


COMPONENTS = {
    "least squares": lambda X, w, y, b: np.sum((X @ w + b - y) ** 2) / (2 * X.shape[0]),
    "logistic": lambda X, w, y, b: np.mean(np.logaddexp(0, X @ w) - y * (X @ w)),
    "gradient": lambda X, w, y, b: X.T @ (expit(X @ w) - y),
    "hessian": lambda X, w, y, b: X.T @ np.diag(expit(X @ w) * expit(-(X @ w))) @ X,
    "softmax": lambda X, w, y, b: sd.softmax(X, axis=1) * sd.log_softmax(X, axis=0) + sd.logsumexp(X, axis=0),
    "prod": lambda X, w, y, b: np.prod(X, axis=1) @ y,
    "where": lambda X, w, y, b: np.sum(np.where(b < X, X, w)) + np.sum((w > 0.5) * w),
    "links": lambda X, w, y, b: np.sum(np.log1p(w) + np.expm1(w) + np.log2(w) + np.tanh(w) + np.abs(w - b)),
    "extremes": lambda X, w, y, b: np.sum(np.maximum(w, b) + np.minimum(w, 1) + np.heaviside(w - b, 0.5)),
    "diagonal": lambda X, w, y, b: np.diag(w) @ X.T + np.outer(w, y),
    "range": lambda X, w, y, b: sd.arange("d") * w + sd.ones("d") * b,
    "definition": lambda X, w, y, b: sd.let("z", X @ w) @ y + np.linalg.norm(w),
    "binders": lambda X, w, y, b: np.sum(sd.ones(("n", "d")) * b) * np.sum(sd.zeros("d") + 1),
    "powers": lambda X, w, y, b: b**2.5 + 1 / b + np.sum(w**-2) + np.sum(w**b),
    "xlogy": lambda X, w, y, b: np.sum(__import__("scipy.special").special.rel_entr(w, b)),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_read_back(name):
    there_and_back(COMPONENTS[name](*arrays()))


def test_the_sigmoid_of_the_component_view():
    z = Symbol("z", real=True)
    made = expit(sd.array("z")).to_sympy()
    assert str(made) == "expit(z)"
    assert made.doit() == 1 / (1 + sp.exp(-z))
    assert made.rewrite(sp.exp) == 1 / (1 + sp.exp(-z))
    assert sp.simplify((made.diff(z) - made.doit().diff(z)).doit()) == 0
    assert abs(made.subs(z, 0).evalf() - 0.5) < 1e-12
    assert r"\sigma" in sp.latex(made)
    assert r"\sigma^{2}" in sp.latex(made**2)
    soft = logaddexp(0, z)
    assert soft.doit() == sp.log(1 + sp.exp(z))
    assert sp.simplify((soft.diff(z) - soft.doit().diff(z)).doit().rewrite(sp.exp)) == 0
    assert r"\log" in sp.latex(soft)


def test_substitutions_that_depend_on_their_order():
    x, y, a = symbols("x y a")
    slope = sp.Derivative(x**2 * y, x)
    # SymPy keeps the first as the second, which others read as a swap
    for swapped in (sp.Subs(sp.Subs(slope, x, y), y, x), sp.Subs(slope, (x, y), (y, x))):
        with pytest.raises(sd.UnsupportedError, match="one after the other or all at once"):
            sd.check(swapped, "==", 2 * x**2)
    assert sd.check(sp.Subs(slope, (x, y), (a, a + 1)), "==", 2 * a * (a + 1)).status == "proved"
    assert sd.check(sp.Subs(slope, (x, y), (x, x)), "==", 2 * x**2).status == "proved"
    assert sd.check(sp.Subs(slope, x, y), "==", 2 * y**2).status == "proved"
