"""Untrusted text: what is read, what it means, and what is refused with a column."""

import numpy as np
import pytest
import scipy.special as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from support.evaluate import evaluate, evaluate_array

import symderive as sd
from symderive.language.nodes import Named
from symderive.language.reading import read_relation, read_shape, read_text

SHAPES = {"X": "n d", "w": "d", "y": "n", "b": "", "lam": "", "S": "d d"}
SIZES = ({"n": 4, "d": 3}, {"n": 1, "d": 1}, {"n": 2, "d": 5})


def values(sizes, seed=0):
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(size=tuple(sizes[s] for s in shape.split())) for name, shape in SHAPES.items()}
    return drawn | {"lam": np.abs(drawn["lam"]) + 0.1}


def agree(text, formula):
    made = sd.read(text, **SHAPES)
    for sizes in SIZES:
        point = values(sizes)
        expected = formula(**point, **sizes)
        np.testing.assert_allclose(evaluate_array(made, sizes, point), expected, rtol=1e-10, atol=1e-12)
    return made


READ = {
    "np.sum((X @ w - y)**2)": lambda X, w, y, **_: np.sum((X @ w - y) ** 2),
    "((X @ w - y)**2).sum() / (2*n)": lambda X, w, y, n, **_: ((X @ w - y) ** 2).sum() / (2 * n),
    "np.mean(np.square(np.dot(X, w) - y))": lambda X, w, y, **_: np.mean((X @ w - y) ** 2),
    "np.linalg.norm(X @ w - y)**2 / X.shape[0]": lambda X, w, y, n, **_: np.sum((X @ w - y) ** 2) / n,
    "np.einsum('ij,j->i', X, w).dot(y)": lambda X, w, y, **_: (X @ w) @ y,
    "X.T @ (expit(z) - y) / n, where z = X @ w": lambda X, w, y, n, **_: X.T @ (expit(X @ w) - y) / n,
    "r @ r where r = X @ w - y": lambda X, w, y, **_: (X @ w - y) @ (X @ w - y),
    "s.sum() where s = expit(z); z = X @ w + b": lambda X, w, b, **_: expit(X @ w + b).sum(),
    "s @ t, where s = X @ w and t = s * y,": lambda X, w, y, **_: (X @ w) @ (X @ w * y),
    "sum(a) where a = b*u, u = np.where(w > 0, w, 0)": lambda w, b, **_: np.sum(b * np.maximum(w, 0)),
    "p where p = q + 1 where q = b**2": lambda b, **_: b**2 + 1,
    "-np.mean(y*np.log(s) + (1-y)*np.log(1-s)) where s = 1/(1+np.exp(-(X@w)))": lambda X, w, y, **_: -np.mean(
        y * np.log(expit(X @ w)) + (1 - y) * np.log(1 - expit(X @ w))
    ),
    "np.sum(np.logaddexp(0, X @ w + b) - y * (X @ w + b)) + lam/2 * w @ w": lambda X, w, y, b, lam, **_: np.sum(
        np.logaddexp(0, X @ w + b) - y * (X @ w + b)
    )
    + lam / 2 * w @ w,
    "scipy.special.softmax(X, axis=1).sum(axis=0)": lambda X, **_: sc.softmax(X, axis=1).sum(axis=0),
    "special.logsumexp(X, axis=1, keepdims=True)": lambda X, **_: sc.logsumexp(X, axis=1, keepdims=True),
    "np.log(np.exp(X).sum(axis=1))": lambda X, **_: np.log(np.exp(X).sum(axis=1)),
    "X[0] @ w + X[:, 0] @ y + X[-1, -1] * w[0]": lambda X, w, y, **_: X[0] @ w + X[:, 0] @ y + X[-1, -1] * w[0],
    "X[n - 1] + X[..., None][0, :, 0]": lambda X, **_: X[-1] + X[0],
    "w[:, None] * y[None, :] + w[:, np.newaxis]": lambda w, y, **_: w[:, None] * y + w[:, None],
    "np.eye(d) + sd.eye(d) * S + np.diag(w) + np.identity(d)": lambda w, S, d, **_: np.eye(d) * (2 + S) + np.diag(w),
    "np.ones((n, d)) * w + np.zeros(X.shape) + sd.ones(d)": lambda w, n, d, **_: np.ones((n, d)) * w + 1,
    "np.arange(d) @ w + sd.basis(d, 0) @ w": lambda w, d, **_: np.arange(d) @ w + w[0],
    "X.reshape(n, d, 1)[:, :, 0] + np.reshape(X, (n, 1, d)).sum(axis=1)": lambda X, **_: 2 * X,
    "np.trace(S) + S.trace() + trace(S @ S.T)": lambda S, **_: 2 * np.trace(S) + np.trace(S @ S.T),
    "np.clip(X, -0.5, 0.5) + X.clip(0, None)": lambda X, **_: np.clip(X, -0.5, 0.5) + X.clip(0, None),
    "max(b, 0) + min(b, lam, 1) + abs(b) + pow(lam, 2)": lambda b, lam, **_: max(b, 0) + min(b, lam, 1)
    + abs(b) + lam**2,
    "math.log(2*math.pi) * b + np.pi * np.e": lambda b, **_: np.log(2 * np.pi) * b + np.pi * np.e,
    "2**-3 + 1e-3 + .5 + 1. + 10**2 * b": lambda b, **_: 2**-3 + 1e-3 + 1.5 + 100 * b,
    "b ** 0.5 ** 0 + +b - -b": lambda b, **_: b + 2 * b,
    "np.power(lam, 1/2) + lam**b": lambda b, lam, **_: lam**0.5 + lam**b,
    "X.size + len(X) + X.ndim + np.size(w)": lambda n, d, **_: n * d + n + 2 + d,
    "X.mean(0) + np.mean(X, axis=(0, 1)) + X.var(axis=0) + np.std(X)": lambda X, **_: X.mean(0) + X.mean() + X.var(0)
    + X.std(),
    "np.transpose(X) @ X.T.T + np.swapaxes(S, 0, 1) + S.transpose(1, 0)": lambda X, S, **_: X.T @ X + 2 * S.T,
    "np.linalg.multi_dot([X, S, w])": lambda X, S, w, **_: X @ S @ w,
    "(X * (y == y)[:, None] >= 0) * 1.0": lambda X, **_: (X >= 0) * 1.0,
    "\n  np.sum(\n\tX\n)\n + 1": lambda X, **_: X.sum() + 1,
    "np.tensordot(X, S, axes=1) + np.tensordot(X, S, axes=([1], [0]))": lambda X, S, **_: 2 * X @ S,
    "np.average(w, weights=np.exp(w))": lambda w, **_: np.average(w, weights=np.exp(w)),
    "np.prod(X, axis=0) + np.linalg.norm(X, axis=0) + norm(w, ord=1)": lambda X, w, **_: np.prod(X, axis=0)
    + np.linalg.norm(X, axis=0)
    + np.abs(w).sum(),
    "xlogy(2, lam) + entr(lam) + rel_entr(lam, 2) + np.heaviside(b, 1/2)": lambda lam, b, **_: sc.xlogy(2, lam)
    + sc.entr(lam)
    + sc.rel_entr(lam, 2)
    + np.heaviside(b, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_text_means_what_numpy_means(text):
    agree(text, READ[text])


@pytest.mark.parametrize("text", READ)
def test_printed_text_reads_back(text):
    made = sd.read(text, **SHAPES)
    try:
        printed = str(made)
    except sd.UnsupportedError as error:
        pytest.skip(f"not printed: {error}")
    again = sd.read(printed, **SHAPES)
    for sizes in SIZES:
        point = values(sizes)
        np.testing.assert_allclose(
            evaluate_array(again, sizes, point), evaluate_array(made, sizes, point), rtol=1e-10, atol=1e-12
        )


def test_definitions_are_kept():
    made = sd.read("X.T @ r / n where r = s - y, s = expit(z), z = X @ w", **SHAPES)
    assert [n.name for n in made.node.walk() if isinstance(n, Named)] == ["z", "s", "r"]


def test_a_definition_of_the_scope_may_be_repeated_as_it_is():
    X, w = sd.array("X", "n", "d"), sd.array("w", "d")
    z = sd.let("z", X @ w)
    scope = {"X": X, "w": w, "z": z}
    assert read_text("z @ z, where z = X @ w", scope).same_form(z @ z)
    with pytest.raises(sd.ReadError, match="already defined"):
        read_text("z @ z, where z = X @ (2*w)", scope)


def test_numbers_are_exact():
    assert sd.read("0.1*b", b="").same_form(sd.array("b") / 10)
    assert sd.read("1e-3*b", b="").same_form(sd.array("b") / 1000)
    assert not sd.read("0.10000000000000000001*b", b="").same_form(sd.array("b") / 10)


def test_text_and_numpy_give_the_same_program():
    X, w, y = sd.array("X", "n", "d"), sd.array("w", "d"), sd.array("y", "n")
    n = sd.dims("n")
    assert sd.read("np.sum((X@w-y)**2)/n", X=X, w=w, y=y).same_form(np.sum((X @ w - y) ** 2) / n)


def test_nothing_is_simplified():
    relation = read_relation("x/x == 1", {"x": sd.array("x")})
    assert relation.lhs is not relation.rhs
    assert relation.op == "=="
    both = read_relation("log(x**2) == 2*log(x)", {"x": sd.array("x")})
    assert both.lhs is not both.rhs


@pytest.mark.parametrize("op", ["==", "<=", ">=", "<", ">", "!="])
def test_relations(op):
    X, w, y = sd.array("X", "n", "d"), sd.array("w", "d"), sd.array("y", "n")
    relation = read_relation(f"X.T @ r {op} w * 2 where r = y", {"X": X, "w": w, "y": y})
    assert relation.op == op
    assert relation.lhs.shape == relation.rhs.shape == w.dims


def test_relations_broadcast_and_keep_the_users_axes():
    X, w = sd.array("X", "n", "d"), sd.array("w", "d")
    relation = read_relation("X.T == w[:, None]", {"X": X, "w": w})
    sizes, point = {"n": 2, "d": 3}, {"X": np.arange(6.0).reshape(2, 3), "w": np.arange(3.0)}
    np.testing.assert_array_equal(evaluate(relation.lhs, sizes, point), point["X"].T)
    np.testing.assert_array_equal(evaluate(relation.rhs, sizes, point), np.broadcast_to(point["w"][:, None], (3, 2)))


@pytest.mark.parametrize("text", ["x", "x < 1 < 2", "x == 1 == 2", "x in x", "x is x", "x = 1", "x == "])
def test_no_relation(text):
    with pytest.raises(sd.ReadError):
        read_relation(text, {"x": sd.array("x")})


HOSTILE = {
    "w.__class__": (1, "attribute access"),
    "w.__class__.__base__.__subclasses__()": (1, "attribute access"),
    "(1).__class__": (1, "attribute access"),
    '__import__("os")': (1, "calling __import__"),
    '__import__("os").system("true")': (1, "attribute access"),
    "eval('1')": (1, "calling eval"),
    "np.load('x')": (1, "calling np.load"),
    "np.__builtins__": (1, "not read"),
    "np.lib.npyio.DataSource('x')": (1, "not read"),
    "9**9**9": (2, "exponents"),
    "w**10001": (2, "exponents"),
    "(9**9999)**9999": (3, "size"),
    "np.exp(np.exp(np.exp(9)))": (1, "exponential"),
    "(lambda: 1)()": (2, "lambda"),
    "[x for x in (1,)]": (4, "comprehension"),
    "{1: 2}": (1, "braces"),
    "{1, 2}": (1, "braces"),
    'f"{w}"': (1, "f-string"),
    'rb"w"': (1, "prefix"),
    '"a"': (1, "string"),
    "'a' * 3": (1, "string"),
    "w := 1": (3, ":="),
    "(w := 1)": (4, ":="),
    "np.sum(*w)": (8, "starred"),
    "np.sum(**w)": (10, "starred"),
    "w if b else y": (3, "conditional"),
    "w and y": (3, "and"),
    "w or y": (3, "or"),
    "not w": (1, "not"),
    "w in y": (3, "in"),
    "await w": (1, "await"),
    "yield w": (1, "yield"),
    "import os": (1, "import"),
    "w; y": (2, ";"),
    "w, y": (2, ","),
    "w = y": (3, "="),
    "[1, 2]": (1, "list"),
    "(1, 2)": (1, "tuple"),
    "w ^ 2": (3, "**"),
    "w | y": (3, "|"),
    "~w": (1, "~"),
    "norm.foo(w)": (1, "of norm are read pdf"),
    "polygamma(w, w)": (1, "constant integer"),
    "w << 2": (3, "<<"),
    "1j * w": (1, "1j"),
    "0x10": (1, "0x10"),
    "1_000": (1, "1_000"),
    "007": (1, "leading"),
    "2w": (1, "2*w"),
    "1e999999": (1, "1e300"),
    "1e-999999": (1, "1e-300"),
    "1e99999999999999999999": (1, "1e300"),
    "9" * 5000: (1, "digits"),
    "0." + "1" * 5000: (1, "digits"),
    "np.nan": (1, "finite"),
    "np.inf": (1, "finite"),
    "nan": (1, "finite"),
    "float('nan')": (1, "calling float"),
    "w\0": (2, "not read"),
    "\x1b[31mw": (1, "not read"),
    "w # comment": (3, "#"),
    "w \\\n + 1": (3, "backslash"),
    r"\input{x}": (1, "backslash"),
    "</math><script>": (1, "expression"),
    "ｗ": (1, "FULLWIDTH"),
    "w−y": (2, "write -"),
    "w × 2": (3, "write *"),
    "w²": (2, "write **2"),
    "x²": (2, "write **2"),
    "w\u202e+1": (2, "RIGHT-TO-LEFT"),
    "а + w": (1, "not declared"),
    "": (1, "nothing"),
    "  \n ": (1, "nothing"),
    "()": (1, "tuple"),
    "w +": (4, "expression"),
    "* w": (1, "expression"),
    "w w": (3, "expression"),
    "(w": (1, "never closed"),
    "w)": (2, "closes nothing"),
    "(w]": (3, "closes nothing"),
    "W + 1": (1, "did you mean w"),
    "lamb * w": (1, "did you mean lam"),
    "q": (1, "declared are X, w, y, b, lam, S, n, d"),
    "sigmoid(w)": (1, "expit"),
    "np.expit(w)": (1, "scipy.special.expit"),
    "np.summ(w)": (1, "sum"),
    "w(y)": (1, "product"),
    "w.foo": (1, "attribute access"),
    "w.sum": (1, "method"),
    "np": (1, "module"),
    "np.linalg": (1, "not read"),
    "exp": (1, "function"),
    "np.exp": (1, "function"),
    "np.exp()": (1, "'x'"),
    "np.exp(w, y)": (11, "at most 1"),
    "np.sum(w, foo=1)": (15, "foo"),
    "np.sum(w, axis=w)": (16, "integer"),
    "np.sum(w, axis=0.5)": (16, "integer"),
    "np.sum(w, axis=0, axis=0)": (None, "axis"),
    "np.sum(w, keepdims=1)": (20, "True or False"),
    "np.einsum(w, w)": (11, "string"),
    "np.eye(w)": (8, "dimension"),
    "np.reshape(w, 'a')": (15, "string"),
    "w[2*w]": (1, "must hold integers"),
    "w[w > 0]": (1, "np.where(mask, a, b)"),
    "w[b:]": (3, "integers"),
    "w[1.5:]": (3, "integers"),
    "w[::0]": (1, "step"),
    "w[2:1]": (1, "empty"),
    "w[n:n]": (1, "empty"),
    "w[-1:0:1]": (1, "empty"),
    "w[n - n - 1:0]": (1, "empty"),
    "w[0.5]": (3, "integer"),
    "w['a']": (3, "string"),
    "w[[]]": (1, "lists of integers"),
    "w[[0, b]]": (7, "integer"),
    "w[[0, 1.5]]": (7, "integer"),
    "w[[[0]]]": (4, "list"),
    "w[{0}]": (3, "braces"),
    "w[(lambda: 1)()]": (4, "lambda"),
    "w[0, 1]": (1, "too many indices"),
    "w[..., ...]": (1, "one ellipsis"),
    "w[None, None, 0, 0]": (1, "too many indices"),
    "w[d]": (1, "out of bounds"),
    "w[d + n]": (1, "out of bounds"),
    "w[__import__('os')]": (3, "calling __import__"),
    "w[w.__class__]": (3, "attribute access"),
    "w[True]": (3, "True"),
    "w[1:2:3:4]": (8, "expression"),
    "w[:": (2, "never closed"),
    "w[*w]": (3, "starred"),
    "w[x := 1]": (5, ":="),
    "w[9**9**9]": (4, "exponents"),
    "w[:9**9**9]": (5, "exponents"),
    "X[S > 0]": (1, "np.where"),
    "np.split(w, [1])": (1, "several arrays"),
    "np.split(w, 2)": (1, "fixed length"),
    "np.linalg.slogdet(S)": (1, "take one"),
    "np.linalg.svd(X)": (1, "take one"),
    "np.linalg.svd(X)[0]": (1, "full_matrices=False"),
    "s[2], where s = np.linalg.slogdet(S)": (1, "2 entries"),
    "s + 1, where s = np.linalg.slogdet(S)": (1, "take one"),
    "np.linalg.eigvalsh(S)": (1, "not known to be one"),
    "np.linalg.inv(X)": (1, "square"),
    "np.linalg.det(w)": (1, "matrix"),
    "np.linalg.pinv(S)": (1, "np.linalg.inv(A.T @ A) @ A.T"),
    "np.linalg.norm(X, 3)": (1, "no order"),
    "cholesky(S)": (1, "say which"),
    "linalg.cholesky(S)": (1, "say which"),
    "scipy.linalg.expm(S)": (1, "matrix_power"),
    "np.block_diag(S, S)": (1, "scipy.linalg.block_diag"),
    "np.argmax(w)": (1, "x == np.max(x)"),
    "np.sort(w)": (1, "order of the entries"),
    "np.concatenate([w, y, X])": (1, "do not fit"),
    "np.concatenate(w)": (16, "list"),
    "np.array([])": (10, "empty"),
    "np.array([w, [1, 2]])": (1, "one shape"),
    "np.array('w')": (10, "string"),
    "np.c_": (1, "not read"),
    "np.c_[w:]": (None, "slice"),
    "np.pad(w, b)": (1, "width"),
    "np.pad(w, -1)": (1, "width"),
    "np.reshape(X, (n, n))": (1, "entries"),
    "np.tile(w, 0)": (1, "dimension"),
    "np.repeat(X, 2)": (1, "axis="),
    "np.cumsum(X)": (1, "axis="),
    "np.linalg.matrix_power(S, n)": (27, "integer"),
    "np.linalg.matrix_power(S, 99)": (1, "up to 64"),
    "X.shape": (1, "shape"),
    "X.shape[5]": (1, "2 entries"),
    "1 < w < 2": (1, "chained"),
    "None": (1, "None"),
    "True + w": (1, "True"),
    "...": (1, "..."),
    "w where": (3, "expression"),
    "w where z": (3, "expression"),
    "w where z =": (9, "empty"),
    "where z = w": (1, "before 'where'"),
    "z where z = z": (9, "circle"),
    "z where z = q, q = z": (9, "circle"),
    "w where w = 1": (9, "already declared"),
    "w where n = 1": (9, "dimension"),
    "w where np = 1": (9, "taken"),
    "z where z = 1, z = 2": (16, "twice"),
    "sum(X)": (1, "np.sum"),
    "max(w, 0)": (1, "np.maximum"),
    "max(X)": (1, "np.max(a)"),
    "print(w)": (1, "calling print"),
    "w!": (2, "!"),
    "-" * 200 + "w": (101, "in a row"),
    "(" * 200 + "w" + ")" * 200: (101, "nested"),
    "[" * 5000: (101, "nested"),
    "+".join(["w"] * 900): (1002, "500 operators"),
    "**".join(["w"] * 400): (None, "deep"),
    "w" + ".T" * 400: (None, "deep"),
    "w" + "[0]" * 300: (None, "deep"),
    "w" * 10_001: (None, "10001 characters"),
    "np.sum(" * 99 + "w" + ")" * 99: (None, ""),
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: ascii(t[:30]))
def test_hostile_and_broken_text(text):
    column, part = HOSTILE[text]
    if text.startswith("np.sum(np.sum("):
        assert sd.read(text, **SHAPES).shape == ()
        return
    with pytest.raises(sd.SymderiveError) as caught:
        sd.read(text, **SHAPES)
    assert part in str(caught.value)
    if column is not None:
        assert getattr(caught.value, "column", None) == column or f"(column {column})" in str(caught.value)
    assert all(c.isprintable() or c == "\n" for c in str(caught.value))


def test_errors_point_at_the_place():
    with pytest.raises(sd.ReadError) as caught:
        sd.read("np.sum(X @ w) + q", **SHAPES)
    _, excerpt, caret = str(caught.value).split("\n")
    assert excerpt[caret.index("^")] == "q"
    with pytest.raises(sd.ShapeError) as shape:
        sd.read("w + X @ y", **SHAPES)
    message, excerpt, caret = str(shape.value).split("\n")
    assert "(n, d)" in message
    assert excerpt[caret.index("^")] == "@"


def test_columns_count_characters_not_bytes():
    with pytest.raises(sd.ReadError) as caught:
        read_text("σσσ + q", {"σσσ": sd.array("σσσ")})
    assert caught.value.column == 7


def test_names_beyond_ascii():
    assert read_text("权重 @ 权重", {"权重": sd.array("权重", "n")}).shape == ()


def test_five_hundred_terms_are_read():
    assert sd.read("+".join(["w"] * 499), **SHAPES).shape == (sd.dims("d"),)


def test_a_hundred_brackets_are_read():
    assert sd.read("(" * 99 + "w" + ")" * 99, **SHAPES).shape == (sd.dims("d"),)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("n d", 2),
        ("n, d", 2),
        ("", 0),
        ("  ", 0),
        ("(n, d)", 2),
        ("(n,)", 1),
        ("n,", 1),
        ("3", 1),
        ("n+m, 2*d", 2),
        ("n 3", 2),
    ],
)
def test_shape_texts(text, count):
    assert len(read_shape(text)) == count


@pytest.mark.parametrize(
    "text",
    [
        "n-1",
        "0",
        "-1",
        "n d,",
        "n**2",
        "1.5",
        "n;d",
        "(n",
        "n)",
        "n+",
        "x.y",
        "__import__('os')",
        "n" * 501,
        "99999999999",
        "lambda",
        "np",
        "ｎ",
    ],
)
def test_bad_shape_texts(text):
    if text == "n d,":
        text = "n d, k"
    with pytest.raises((sd.ReadError, sd.UnknownNameError)):
        sd.read("1 + 0*x", x=text)


def test_what_a_keyword_declares():
    n, d = sd.dims("n d")
    y = sd.array("labels", n, domain=sd.labels(0, 1))
    made = sd.read("np.sum(X @ w * y) * lam", X=(n, d), w="d", y=y, lam=0.5)
    assert {leaf.name for leaf in made.node.leaves()} == {"X", "w", "labels"}
    with pytest.raises(sd.UnknownNameError):
        sd.read("np.sum(w)", w=d)
    with pytest.raises(sd.ReadError):
        sd.read("np.sum(w)", w=None)
    with pytest.raises(sd.ReadError):
        sd.read(3)
    with pytest.raises(sd.ReadError, match="both an array and a dimension"):
        sd.read("n * np.sum(X)", X="n", n="")


ATOMS = st.sampled_from(
    ["w", "y", "X", "b", "n", "d", "z", "1", "2.5", "0", "np", "sum", "exp", "where", "and", "axis", "None", ".T",
     ".sum()", "np.exp", "np.sum(", "expit(", "(", ")", "[", "]", ",", ";", "=", "==", "<", "+", "-", "*", "**", "/",
     "@", ":", ".", "...", " ", "'ij'", "\"", "lambda", "{", "}", "^", "\\", "_", "__class__", "1e5", "9", "σ", "\0"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(ATOMS, max_size=14).map("".join))
def test_made_up_text_is_read_or_refused(text):
    try:
        made = sd.read(text, **SHAPES)
    except sd.SymderiveError as error:
        str(error)
    else:
        assert isinstance(made, sd.Array)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_random_text_is_read_or_refused(text):
    try:
        sd.read(text, **SHAPES)
    except sd.SymderiveError as error:
        str(error)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=12))
def test_random_shape_text_is_read_or_refused(text):
    try:
        sd.read("1", x=text)
    except sd.SymderiveError as error:
        str(error)
