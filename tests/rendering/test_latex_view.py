"""The LaTeX of single formulas: what a textbook prints, brackets where they are needed, lines that fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import entr, expit, kl_div, log_expit, rel_entr, xlogy

import symderive as sd
from symderive.language.statements import nonzero
from symderive.language.views.formula import formula_latex, formula_lines, line_widths
from symderive.language.views.latex import array_formula, array_latex, name_latex, relation_latex

n, d, k = sd.dims("n d k")
X, A, W1 = sd.array("X", n, d), sd.array("A", n, n), sd.array("W1", d, k)
w, y, s, r = sd.array("w", d), sd.array("y", n), sd.array("s", n), sd.array("r", n)
p, q = sd.array("p", k), sd.array("q", k)
u, b, lam = sd.array("u"), sd.array("b"), sd.array("lambda_")
T, Z = sd.array("T", n, d, k), sd.array("Z", n, k)
z = sd.let("z", X @ w)

TEXTBOOK = [
    (
        np.sum(np.logaddexp(0, z) - y * z) / n,
        r"\frac{1}{n}\sum_{i=1}^{n}\bigl(\log(1 + e^{z_{i}}) - y_{i}z_{i}\bigr)\quad\text{where } z = Xw",
    ),
    (np.sum((X @ w - y) ** 2), r"\lVert Xw - y\rVert^{2}"),
    (
        np.sum((X @ w - y) ** 2) / (2 * n) + lam / 2 * np.sum(w**2),
        r"\frac{1}{2n}\lVert Xw - y\rVert^{2} + \frac{\lambda}{2}\lVert w\rVert^{2}",
    ),
    (2 * X.T @ (X @ w - y), r"2X^{\top}(Xw - y)"),
    (X.T @ (expit(y) - y) / n, r"\frac{1}{n}X^{\top}(\sigma(y) - y)"),
    (X.T @ np.diag(s) @ X, r"X^{\top}\operatorname{diag}(s)X"),
    (lam * sd.eye(d), r"\lambda I_{d}"),
    (-np.sum(p * np.log(q)), r"-\sum_{i=1}^{k}p_{i}\log q_{i}"),
    (np.sum(entr(p)), r"-\sum_{i=1}^{k}p_{i}\log p_{i}"),
    (np.sum(rel_entr(p, q)), r"\sum_{i=1}^{k}p_{i}\log\frac{p_{i}}{q_{i}}"),
    (np.sum(kl_div(p, q)), r"\sum_{i=1}^{k}\Bigl[p_{i}\log\frac{p_{i}}{q_{i}} - p_{i} + q_{i}\Bigr]"),
    (xlogy(p, q), r"p \odot \log q"),
    (-p / q, r"-p \oslash q"),
    (sd.softmax(p) - q, r"\operatorname{softmax}(p) - q"),
    (sd.logsumexp(p), r"\log\sum_{i=1}^{k}e^{p_{i}}"),
    (np.outer(r, w), r"rw^{\top}"),
    (X - w, r"X - \mathbf{1}w^{\top}"),
    (X - s[:, None], r"X - s\mathbf{1}^{\top}"),
    (X * w / s[:, None], r"\operatorname{diag}(s)^{-1}X\operatorname{diag}(w)"),
    (X.sum(axis=0), r"X^{\top}\mathbf{1}"),
    (r @ A @ r, r"r^{\top}Ar"),
    (np.linalg.norm(w), r"\lVert w\rVert"),
    (np.log(u / (1 - u)), r"\log\frac{u}{1 - u}"),
    (expit(u) * (1 - expit(u)), r"\sigma(u)(1 - \sigma(u))"),
    (p * (1 - p), r"p \odot (\mathbf{1} - p)"),
    (p**3, r"p^{\odot 3}"),
    (np.prod(p), r"\prod_{i=1}^{k}p_{i}"),
    (X @ W1, r"XW_{1}"),
    (w[0] * u, r"w_{1}u"),
    (np.sum(sd.logsumexp(Z, axis=1)), r"\sum_{i=1}^{n}\log\sum_{j=1}^{k}e^{Z_{ij}}"),
]


@pytest.mark.parametrize(("array", "expected"), TEXTBOOK, ids=[e for _, e in TEXTBOOK])
def test_it_prints_what_a_textbook_prints(array, expected):
    assert array_latex(array) == expected


def test_brackets_follow_the_structure():
    assert array_latex(u * (b + 1)) == r"u(b + 1)"
    assert array_latex(u - (b - 1)) in (r"u - (b - 1)", r"u - b + 1", r"1 + u - b")
    assert array_latex((u + b) ** 2) == r"(u + b)^{2}"
    assert array_latex(np.log(u) ** 2) == r"(\log u)^{2}"
    assert array_latex(np.log(u) * b).endswith((r"b\log u", r"\log(u)b", r"\log(u)\,b"))
    assert array_latex(np.exp(-u)) == r"e^{-u}"
    assert array_latex((u**2) ** b) == r"(u^{2})^{b}"
    assert r"\mathbf{1}\mathbf{1}^{\top}" in array_latex(X + 1)


def test_indices_never_take_the_letter_of_a_name():
    i, j = sd.array("i", n), sd.array("j")
    written = array_latex(np.sum(np.exp(i) * j))
    assert r"\sum_{k=1}^{n}" in written or r"\sum_{l=1}^{n}" in written
    assert "i_{i}" not in written


def test_higher_ranks_are_written_by_entries():
    assert array_latex(2 * T) == r"[2T_{ijl}]_{ijl}"
    assert r"\sum_{l=1}^{d}" in array_latex(T.sum(axis=1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"),
        ("beta", r"\beta"),
        ("Sigma", r"\Sigma"),
        ("lambda_", r"\lambda"),
        ("lam", r"\lambda"),
        ("W1", "W_{1}"),
        ("W_1", "W_{1}"),
        ("x_train", r"x_{\mathrm{train}}"),
        ("y_hat", r"\hat{y}"),
        ("step_size", r"\mathrm{step}_{\mathrm{size}}"),
        ("_", r"\mathrm{\_}"),
        ("σ", r"\sigma"),
        ("é", r"\mathrm{\acute{e}}"),
        ("Z12_ab", r"Z_{12,\mathrm{ab}}"),
    ],
)
def test_names(name, expected):
    assert name_latex(name) == expected


@given(st.from_regex(r"[^\W\d]\w{0,20}", fullmatch=True).filter(str.isidentifier))
def test_no_name_leaves_its_braces(name):
    written = name_latex(name)
    depth = 0
    for position, character in enumerate(written):
        escaped = position and written[position - 1] == "\\"
        depth += (character == "{" and not escaped) - (character == "}" and not escaped)
        assert depth >= 0
    assert depth == 0
    assert not set("%#$&~") & set(written)


def test_relations():
    assert relation_latex(nonzero(u.node)) == r"u \ne 0"


def test_long_formulas_break_and_keep_their_content():
    terms = [np.sum(np.exp(X @ w) * y) / n, np.sum((X @ w - y) ** 2), lam * np.sum(np.abs(w)), log_expit(u) * b]
    long = sum(terms[1:], terms[0]) + sum(terms[1:], terms[0] * u)
    formula = array_formula(long)
    lines = formula_lines(formula, 25)
    assert len(lines) > 2
    assert max(line_widths(formula, 25)) <= 25
    assert all(line.startswith(r"\quad{}") for line in lines[1:])
    joined = "".join(line.removeprefix(r"\quad{}") for line in lines)
    assert joined.replace(" ", "") == formula_latex(formula).replace(" ", "")


def test_breaks_go_into_brackets_where_they_must():
    long = X.T @ (expit(X @ w + s + r + y) - y * s * r + np.exp(X @ w + r) + s * expit(-(X @ w)) - r * y)
    lines = formula_lines(array_formula(long), 18)
    assert len(lines) > 1
