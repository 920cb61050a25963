"""Functions of whole arrays as text, LaTeX, MathML and SymPy: each says what NumPy computes."""

import itertools
import re
import shutil
import subprocess
from html import unescape

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rendering.reading_latex import read as read_latex
from support.array_programs import SIZES, declared, point, programs, run
from support.evaluate import evaluate_array
from sympy import Integer

import symderive as sd
from symderive.errors import UnsupportedError
from symderive.language.views import tree as t
from symderive.language.views.latex import array_latex, definition_formulas, formula_latex, tree_latex
from symderive.language.views.lift import lift_array
from symderive.language.views.sympy_functions import Cases
from symderive.rendering import mathml

n, d, k = sd.dims("n d k")
A, B, X = sd.array("A", n, n), sd.array("B", n, n), sd.array("X", n, d)
S, J = sd.array("S", n, n, domain=sd.spd), sd.array("J", n, n, domain=sd.symmetric)
x, v, b, w = sd.array("x", n), sd.array("v", n), sd.array("b", n), sd.array("w", d)
c, Y = sd.array("c", 4), sd.array("Y", n, 4)
y = sd.array("y", n, domain=sd.integers(0, 3))
T, K = sd.array("T", n, d, k), sd.array("K", n, d, d)
p, u = sd.array("p"), sd.array("u")
inv, la = np.linalg.inv, np.linalg
EIG = r"\quad\text{where } S = V\operatorname{diag}(\boldsymbol{\lambda})V^{\top}"
SVD = r"\quad\text{where } X = U\operatorname{diag}(\boldsymbol{\sigma})V^{\top}"


def singular(a):
    return la.svd(a, full_matrices=False)


def largest(a):
    """The eigenvector of the largest eigenvalue."""
    return la.eigh(a)[1][:, -1]


TEXTBOOK = {
    "inverse": (inv(A), "A^{-1}"),
    "inverse of a transpose": (inv(A.T), r"A^{-\top}"),
    "solve": (la.solve(A, b), "A^{-1}b"),
    "quadratic form": (b @ la.solve(S, b) / 2, r"\frac{1}{2}b^{\top}S^{-1}b"),
    "hat matrix": (X @ inv(X.T @ X) @ X.T, r"X(X^{\top}X)^{-1}X^{\top}"),
    "powers": (la.matrix_power(A, 3) - la.matrix_power(A, -2), "A^{3} - A^{-2}"),
    "entry": (inv(A)[0, 1] * u, "u(A^{-1})_{1,2}"),
    "entrywise square": (inv(A) ** 2, r"(A^{-1})^{\odot 2}"),
    "determinant": (la.det(A) ** 2 * u, r"u(\det A)^{2}"),
    "determinant of a product": (la.det(A @ B), r"\det(AB)"),
    "log of a determinant": (np.log(la.det(S)), r"\log\det S"),
    "log-determinant": (la.slogdet(A)[1] + 1, r"\log\lvert \det A\rvert + 1"),
    "sign of a determinant": (la.slogdet(A)[0], r"\operatorname{sign}(\det A)"),
    "trace": (np.trace(inv(A) @ B), r"\operatorname{tr}(A^{-1}B)"),
    "inner product": (np.sum(A * B), r"\operatorname{tr}(A^{\top}B)"),
    "eigenvalues": (la.eigvalsh(S), r"\boldsymbol{\lambda}(S)"),
    "largest eigenvalue": (la.eigvalsh(S)[-1], r"\lambda_{\max}(S)"),
    "smallest eigenvalue": (la.eigvalsh(X.T @ X)[0] ** 2, r"\lambda_{\min}(X^{\top}X)^{2}"),
    "third eigenvalue": (la.eigvalsh(J)[2], r"\lambda_{3}(J)"),
    "sum of eigenvalues": (np.sum(np.log(la.eigvalsh(S))), r"\sum_{i=1}^{n}\log\lambda_{i}(S)"),
    "eigenvectors": (la.eigh(S)[1], "V" + EIG),
    "projection": (np.outer(largest(S), largest(S)), r"v_{\max}v_{\max}^{\top}" + EIG),
    "function of a matrix": (
        la.eigh(S)[1] @ np.diag(np.log(la.eigvalsh(S))) @ la.eigh(S)[1].T,
        r"V\operatorname{diag}(\log\boldsymbol{\lambda})V^{\top}" + EIG,
    ),
    "singular values": (singular(X)[1], r"\boldsymbol{\sigma}(X)"),
    "nuclear norm": (la.norm(X, "nuc"), r"\lVert X\rVert_{*}"),
    "spectral norm": (la.norm(X, 2) ** 2, r"\lVert X\rVert_{2}^{2}"),
    "smallest singular value": (la.norm(X, -2), r"\sigma_{\min}(X)"),
    "polar factor": (singular(X)[0] @ singular(X)[2], r"UV^{\top}" + SVD),
    "first singular vectors": (np.outer(singular(X)[0][:, 0], singular(X)[2][0]), r"u_{1}v_{1}^{\top}" + SVD),
    "Cholesky": (np.sum(np.log(np.diag(la.cholesky(S)))), r"\sum_{i=1}^{n}\log L_{ii}\quad\text{where } S = LL^{\top}"),
    "largest entry": (np.max(x), r"\max_{i}x_{i}"),
    "smallest of all": (np.min(X), r"\min_{i,j}X_{ij}"),
    "largest of each row": (np.max(X, axis=1), r"\Bigl[\max_{j}X_{ij}\Bigr]_{i}"),
    "largest of a part": (np.max(np.exp(x[1:] - v[:-1])), r"\max_{i \le n - 1}e^{x_{i + 1} - v_{i}}"),
    "which is largest": (x == np.max(x), r"\Bigl[x = \max_{i}x_{i}\Bigr]"),
    "which is largest in its row": (
        np.equal(X, np.max(X, axis=1, keepdims=True)),
        r"\Bigl(\Bigl[X_{ij} = \max_{k}X_{ik}\Bigr]\Bigr)_{ij}",
    ),
    "1-norm": (la.norm(x, 1), r"\lVert x\rVert_{1}"),
    "3-norm": (la.norm(x - v, 3), r"\lVert x - v\rVert_{3}"),
    "power of a norm": (la.norm(x - v, 4) ** 4, r"\lVert x - v\rVert_{4}^{4}"),
    "p-norm": (np.sum(np.abs(x) ** p) ** (1 / p), r"\lVert x\rVert_{p}"),
    "largest size": (la.norm(x, np.inf), r"\lVert x\rVert_{\infty}"),
    "row sums": (la.norm(X, np.inf), r"\max_{i}\sum_{j=1}^{d}\lvert X_{ij}\rvert"),
    "slice": (x[1:] - x[:-1], r"x_{2:n} - x_{1:n - 1}"),
    "slice with a step": (x[::2], "x_{1:2:n}"),
    "reversed": (X[:, ::-1], "X_{:,d:-1:1}"),
    "last": (x[-1] * x[-2], "x_{n}x_{n - 1}"),
    "row": (X[2] * w, r"X_{3,:}^{\top} \odot w"),
    "row times column": (A[0] @ x, "A_{1,:}x"),
    "part of a row": (X[0, 1:], r"X_{1,2:d}^{\top}"),
    "one entry": (x[:1], "x_{1}"),
    "entries of a shorter range": (Y[sd.arange(n), y][1:], r"[Y_{i + 1,y_{i + 1} + 1}]_{i \le n - 1}"),
    "stacked vectors": (np.concatenate([x, w]), r"\begin{pmatrix} x \\ w \end{pmatrix}"),
    "blocks beside": (np.concatenate([X, Y], axis=1), r"\begin{pmatrix} X & Y \end{pmatrix}"),
    "blocks below": (np.vstack([A, B]), r"\begin{pmatrix} A \\ B \end{pmatrix}"),
    "rows": (np.stack([x, v]), r"\begin{pmatrix} x^{\top} \\ v^{\top} \end{pmatrix}"),
    "columns": (np.stack([x, v], axis=1), r"\begin{pmatrix} x & v \end{pmatrix}"),
    "padded": (np.pad(x, (1, 2)), r"\begin{pmatrix} 0 \\ x \\ \mathbf{0}_{2} \end{pmatrix}"),
    "padded on two sides": (
        np.pad(X, ((1, 0), (0, 2))),
        r"\begin{pmatrix} \mathbf{0}^{\top} & \mathbf{0}^{\top} \\ X & \mathbf{0}_{n \times 2} \end{pmatrix}",
    ),
    "with a column of ones": (
        np.concatenate([X, sd.ones((n, 1))], axis=1),
        r"\begin{pmatrix} X & \mathbf{1}_{n} \end{pmatrix}",
    ),
    "flattened": (X.reshape(-1), r"\operatorname{vec}(X^{\top})"),
    "laid out": (np.reshape(np.kron(x, w), (n, d)), r"\operatorname{reshape}_{n \times d}(x \otimes w)"),
    "Kronecker": (np.kron(A, B), r"A \otimes B"),
    "running sum": (np.cumsum(X, axis=1), r"\operatorname{cumsum}_{\mathrm{row}}(X)"),
    "squares of running sums": (np.sum(np.exp(np.cumsum(x))), r"\sum_{i=1}^{n}\exp\Bigl(\sum_{j=1}^{i}x_{j}\Bigr)"),
    "running sums from the end": (
        sd.gradient(np.sum(np.cumsum(x) ** 2), x).result,
        r"\Bigl[2\sum_{j=i}^{n}\sum_{k=1}^{j}x_{k}\Bigr]_{i \le n}",
    ),
    "running product": (np.cumprod(x), r"\Bigl[\prod_{j=1}^{i}x_{j}\Bigr]_{i \le n}"),
    "triangles": (np.tril(A) @ b + np.triu(A, 1) @ b, r"\operatorname{tril}(A)b + \operatorname{triu}_{1}(A)b"),
    "sum of a triangle": (np.sum(np.exp(np.tril(A, -1))), r"\sum_{i=1}^{n}\sum_{j=1}^{n}e^{[j < i]A_{ij}}"),
    "gather": (Y[sd.arange(n), y], "[Y_{i,y_{i} + 1}]_{i}"),
    "cross-entropy": (
        -np.sum(sd.log_softmax(Y, axis=1)[sd.arange(n), y]) / n,
        r"-\frac{1}{n}\sum_{i=1}^{n}\log\operatorname{softmax}_{\mathrm{row}}(Y)_{i,y_{i} + 1}",
    ),
    "looked up": (c[y], "[c_{y_{i} + 1}]_{i}"),
    "batch of inverses": (inv(K), r"\bigl[(K_{i}^{-1})_{jk}\bigr]_{ijk}"),
    "batch of determinants": (np.log(la.det(K)), r"[\log\det K_{i}]_{i}"),
    "batch of maxima": (np.max(T, axis=1), r"\Bigl[\max_{l}T_{ilj}\Bigr]_{ij}"),
    "cases": (
        np.sum(np.where(x <= 1, x, 2.0)),
        r"\sum_{i=1}^{n}\begin{cases} x_{i} & x_{i} \le 1 \\ 2 & x_{i} > 1 \end{cases}",
    ),
    "risk sets": (
        np.sum(np.log((x <= x[:, None]) @ np.exp(v))),
        r"\sum_{i=1}^{n}\log\sum_{j=1}^{n}[x_{j} \le x_{i}]e^{v_{j}}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("array", "expected"), TEXTBOOK.values(), ids=TEXTBOOK)
def test_it_prints_what_a_textbook_prints(array, expected):
    assert array_latex(array) == expected


def test_letters_of_decompositions_are_no_letters_of_arrays():
    V, L, U = sd.array("V", n, n), sd.array("L", n, n), sd.array("U", n, n)
    assert array_latex(la.eigh(S)[1] @ V).startswith("QV")
    assert array_latex(la.cholesky(S) @ L).startswith(r"CL\quad\text{where } S = CC^{\top}")
    assert array_latex(singular(A)[0] @ U).startswith("PU")
    assert array_latex(v @ largest(S)).startswith(r"v^{\top}q_{\max}")
    assert array_latex(sd.array("lambda_") * la.eigvalsh(S)) == r"\lambda\boldsymbol{\lambda}(S)"


def test_two_matrices_with_factors_keep_their_arguments():
    both = la.eigh(S)[1] @ la.eigh(J)[1]
    assert array_latex(both) == "V(S)V(J)"
    assert array_latex(la.cholesky(S) @ la.cholesky(inv(S))) == (r"\operatorname{chol}(S)\operatorname{chol}(S^{-1})")
    assert array_latex(la.eigh(S)[1] @ singular(S)[2]).startswith("QV^{")


def test_definitions_of_factors_are_equations():
    found = singular(X)
    U, Vt = sd.let("U", found[0]), sd.let("Vt", found[2])
    assert array_latex(U @ Vt) == r"UV^{\top}" + SVD
    assert array_latex(np.outer(U[:, 0], Vt[0])) == r"u_{1}v_{1}^{\top}" + SVD
    assert array_latex(sd.let("L", la.cholesky(S)) @ b) == r"Lb\quad\text{where } S = LL^{\top}"
    ((left, right),) = definition_formulas(lift_array(U @ Vt).definitions)
    assert formula_latex(left) == "X"
    assert formula_latex(right) == r"U\operatorname{diag}(\boldsymbol{\sigma}(X))V^{\top}"


def test_a_tree_by_itself_keeps_its_arguments():
    assert tree_latex(lift_array(np.outer(largest(S), largest(S))).tree) == r"v_{\max}(S)v_{\max}(S)^{\top}"
    assert tree_latex(lift_array(la.cholesky(S)).tree) == r"\operatorname{chol}(S)"


def test_a_subscript_on_a_subscript_is_bracketed():
    size = n.node.value
    names = t.Name((size,), "x")
    later = t.Index((size - 1,), names, (t.Span(Integer(1), None, Integer(1)),))
    assert tree_latex(t.Index((Integer(1),), later, (t.Span(Integer(1), Integer(2), Integer(1)),))) == "(x_{2:n})_{2}"
    assert tree_latex(lift_array(sd.eye(n)[:, 1:]).tree) == "(I_{n})_{:,2:n}"


needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@needs_pdflatex
def test_every_formula_compiles(tmp_path):
    formulas = "\n".join(rf"$\displaystyle {array_latex(array)}$\par" for array, _ in TEXTBOOK.values())
    page = rf"\documentclass{{article}}\usepackage{{amsmath}}\begin{{document}}{formulas}\end{{document}}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("array", [array for array, _ in TEXTBOOK.values()], ids=TEXTBOOK)
def test_mathml_reads_every_formula_itself(array, monkeypatch):
    monkeypatch.setattr(mathml, "_foreign", lambda tex: pytest.fail(f"not read: {tex}"))
    written = mathml.mathml(array_latex(array))
    texts = unescape(re.sub(r"<[^>]*>", "", written))
    assert not set("\\_^&}") & set(texts)


# -- what is printed means what is computed ---------------------------------------------------------------

KINDS = st.sampled_from(["s", "n", "d", "m", "nd", "nn", "p"])


def agrees(found, wanted):
    """Shapes and values, relative to the largest."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    scale = 1 + np.max(np.abs(wanted), initial=0)
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-6, atol=1e-7 * scale)


def value_of_latex(array, values, sizes):
    """The value of an array's LaTeX as a matrix, a column, or an array of higher rank."""
    names = {leaf.name for leaf in array.node.leaves()}
    used = {k: np.asarray(v, float) for k, v in values.items() if k in names}
    return read_latex(array_latex(array), {k: v if v.ndim > 1 else v.reshape(-1, 1) for k, v in used.items()}, sizes)


def usable(value):
    return np.all(np.isfinite(value)) and np.max(np.abs(value), initial=0) < 1e8


def check_views(array, wanted, values, sizes):
    printed = str(array)
    assert agrees(np.broadcast_to(run(printed, values, sizes), wanted.shape), wanted), printed
    again = sd.read(printed, **declared())
    assert agrees(np.broadcast_to(evaluate_array(again, sizes, values), wanted.shape), wanted), printed
    # A unit vector's length is told by what stands beside it, which the reader does not look at.
    if "sd.basis" not in printed:
        column = wanted.reshape(-1, 1) if wanted.ndim < 2 else wanted
        found = value_of_latex(array, values, sizes)
        assert agrees(np.broadcast_to(found, column.shape), column), array_latex(array)


@settings(max_examples=120, deadline=None)
@given(KINDS.flatmap(lambda kind: programs(kind, 2)))
def test_programs_print_what_they_compute(text):
    array = sd.read(text, **declared())
    for sizes in SIZES[:2]:
        values = point(sizes, 1)
        with np.errstate(all="ignore"):
            wanted = run(text, values, sizes)
            assume(usable(wanted))
            assert agrees(np.broadcast_to(evaluate_array(array, sizes, values), wanted.shape), wanted)
            check_views(array, wanted, values, sizes)


@settings(max_examples=60, deadline=None)
@given(programs("s", 1), st.sampled_from(["x", "X", "A", "w"]))
def test_gradients_print_what_they_compute(text, name):
    array = sd.read(text, **declared())
    assume(name in {leaf.name for leaf in array.node.leaves()})
    gradient = sd.gradient(array, name).result
    for sizes in SIZES[:2]:
        values = point(sizes, 1)
        with np.errstate(all="ignore"):
            try:
                wanted = evaluate_array(gradient, sizes, values)
            except np.linalg.LinAlgError:
                assume(False)
            assume(usable(wanted))
            check_views(gradient, wanted, values, sizes)


#: Contractions in which an entry, a slice, a gather or a reshape is taken of what another one makes.
CHAINS = {
    "np.pad(x, (1, 0))[0]": "np.pad(x, (1, 0))[0]",
    "np.pad(x, (1, 2))[1:]": "np.pad(x, (1, 2))[1:]",
    "np.kron(x, w)[3]": "np.kron(x, w)[3]",
    "np.kron(x, w)[1:]": "np.kron(x, w)[1:]",
    "np.reshape(np.kron(x, w), (n, d))": "np.reshape(np.kron(x, w), (n, d))",
    "np.reshape(X, (d, n))": "np.reshape(X, (d, n))",
    "np.reshape(X, n*d)[2]": "np.reshape(X, d*n)[2]",
    "np.pad(x, (1, 0)) @ np.pad(x, (0, 1))": "np.pad(x, (1, 0)) @ np.pad(x, (0, 1))",
    "np.reshape(np.reshape(X, n*d)[::-1], (n, d))": "np.reshape(np.reshape(X, d*n)[::-1], (n, d))",
    "np.eye(4)[y][:, 2]": "sd.eye(4)[y][:, 2]",
    "np.pad(c[1:], (1, 0))[y]": "np.pad(c[1:], (1, 0))[y]",
    "Y[np.arange(n), y][0]": "Y[sd.arange(n), y][0]",
    "np.sum(np.eye(4)[y], axis=1)": "sd.ones(n)",
}


@pytest.mark.parametrize(("text", "printed"), CHAINS.items(), ids=CHAINS)
def test_what_is_taken_of_what_is_made_comes_after_it(text, printed):
    array = sd.read(text, **declared())
    assert str(array) == printed
    for sizes in SIZES:
        values = point(sizes, 2)
        wanted = run(text, values, sizes)
        assert agrees(run(printed, values, sizes), wanted)


# -- components -------------------------------------------------------------------------------------------


def component(array, sizes, values, place):
    """The entry of an array at a place, by SymPy."""
    names = [f"at{k}" for k in range(len(place))]
    expr = array.to_sympy(*names)
    expr = expr.subs({sympy.Symbol(name, integer=True): int(k) + 1 for name, k in zip(names, place, strict=True)})
    dims = {s: sizes[s.name] for s in expr.free_symbols if getattr(s, "name", "") in sizes}
    expr = expr.subs(dims).doit()
    expr = expr.subs({m: sympy.ImmutableMatrix(values[m.name].tolist()) for m in expr.atoms(sympy.MatrixSymbol)}).doit()
    while indexed := {i for i in expr.atoms(sympy.Indexed) if all(k.is_Integer for k in i.indices)}:
        expr = expr.xreplace({i: at(values, i) for i in indexed}).doit()
    return float(expr.evalf())


def at(values, indexed):
    entries = values[str(indexed.base)]
    place = tuple(int(k) - 1 for k in indexed.indices)
    assert all(0 <= k < size for k, size in zip(place, entries.shape, strict=True)), indexed
    entry = entries[place]
    return sympy.Integer(int(entry)) if entries.dtype.kind == "i" else sympy.Float(float(entry))


COMPONENTS = [
    "np.linalg.inv(A)", "np.linalg.inv(A.T @ A)", "np.linalg.inv(A * B)", "np.linalg.det(A @ B)",
    "np.linalg.slogdet(A)[1]", "np.linalg.slogdet(A)[0]", "np.linalg.cholesky(S)", "np.linalg.eigvalsh(S)",
    "np.linalg.eigvalsh(S)[-1]", "np.linalg.eigh(S)[1] * np.linalg.eigh(S)[1]", "np.linalg.norm(X, 2)",
    "np.linalg.norm(X, 'nuc')", "np.outer(np.linalg.eigh(S)[1][:, 0], np.linalg.eigh(S)[1][:, 0])",
    "np.linalg.svd(X, full_matrices=False)[0] @ np.linalg.svd(X, full_matrices=False)[2]",
    "np.max(x)", "np.min(X, axis=0)", "(x == np.max(x)) * v", "np.max(np.abs(X - 1))", "x[1:] - x[:-1]", "X[::-1, 1:]",
    "x[::2]", "np.concatenate([x, w])", "np.stack([x, v], axis=1)", "np.pad(x[1:], (2, 1))", "np.reshape(X, n*d)",
    "np.reshape(X, (d, n))", "np.reshape(np.kron(x, w), (n, d))", "np.kron(X, A)", "np.cumsum(x)", "np.cumprod(x)",
    "np.sum(np.cumsum(x)**2)", "np.log(np.cumsum(np.exp(x)[::-1])[::-1])", "np.tril(A)", "np.triu(A, 1) @ x",
    "Y[np.arange(n), y]", "c[y]", "np.eye(4)[y].T @ x", "np.sum(np.log((x <= x[:, None]) @ np.exp(v)))",
    "np.sum(np.sum(np.where(x[:, None] < v, x[:, None], 2.0), axis=1)**2)", "np.sum(np.linalg.norm(X, axis=1))",
]  # fmt: skip


@pytest.mark.parametrize("text", COMPONENTS)
def test_components_have_the_values_that_numpy_computes(text):
    array = sd.read(text, **declared())
    # SymPy inverts by symbols: two by two is enough for it.
    sizes = {"n": 2 if "inv(" in text else 3, "d": 2, "K": 2}
    values = point(sizes, 4)
    wanted = run(text, values, sizes)
    places = list(itertools.product(*map(range, wanted.shape)))
    for place in dict.fromkeys([places[0], places[len(places) // 2], places[-1]]):
        found = component(array, sizes, values, place)
        assert abs(found - wanted[place]) < 1e-8 * (1 + abs(wanted[place])), (array.to_sympy(), place)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (inv(A), "(A**(-1))[i - 1, j - 1]"),
        (la.slogdet(X.T @ X)[1], "log(Abs(Determinant(X.T*X)))"),
        (la.eigvalsh(S)[-1], "Eigenvalues(S)[n - 1, 0]"),
        (np.max(X, axis=1), "Largest(X[i, j], (j, 1, d))"),
        (x[1:], "x[i + 1]"),
        (x[::-1], "x[-i + n + 1]"),
        (np.pad(x, (1, 2)), "Piecewise((x[i - 1], (i >= 2) & (n >= i - 1)), (0, True))"),
        (np.reshape(sd.array("z", n * d), (n, d)), "z[d*(i - 1) + j]"),
        (np.reshape(X, n * d), "X[floor((i - 1)/d) + 1, Mod(d + i - 1, d) + 1]"),
        (np.cumsum(x), "Sum(Piecewise((x[j], i >= j), (0, True)), (j, 1, n))"),
        (Y[sd.arange(n), y], "Y[i, y[i] + 1]"),
        (np.trace(A @ B), "Sum(A[i, j]*B[j, i], (i, 1, n), (j, 1, n))"),
    ],
)
def test_components_read_as_a_teacher_writes_them(array, expected):
    assert str(array.to_sympy()) == expected


def test_masks_stay_inside_the_sum_whose_index_they_speak_of():
    written = np.sum(np.cumsum(x) ** 2).to_sympy()
    assert str(written) == "Sum(Sum(x[j]*Cases(1, j <= i, 0), (j, 1, n))**2, (i, 1, n))"
    (case,) = written.atoms(Cases)
    assert isinstance(case.doit(), sympy.Piecewise)
    again = sd.from_sympy(written, indices=())
    sizes = {"n": 4}
    values = {"x": np.array([1.0, -2.0, 0.5, 3.0])}
    assert agrees(evaluate_array(again, sizes, values), np.sum(np.cumsum(values["x"]) ** 2))


def test_sympy_does_not_derive_what_it_does_not_know():
    largest_entry = np.max(x).to_sympy()
    (entry,) = largest_entry.atoms(sympy.Indexed)
    with pytest.raises(UnsupportedError, match=r"derive with sd\.gradient"):
        largest_entry.diff(entry.base[1])
    matrix = sympy.MatrixSymbol("S", *S.node.shape)
    with pytest.raises(UnsupportedError, match=r"derive with sd\.gradient"):
        la.eigvalsh(S)[-1].to_sympy().diff(matrix[0, 0])
    assert largest_entry.diff(sympy.Symbol("q")) == 0


def test_arrays_of_higher_rank_name_their_axis():
    made = np.concatenate([T, T], axis=2)
    assert array_latex(made) == r"\bigl[\operatorname{concatenate}_{3}(T, T)_{ijl}\bigr]_{ijl}"
    assert array_latex(np.reshape(T, (n, d * k))) == r"\operatorname{reshape}_{n \times dk}(T)"
