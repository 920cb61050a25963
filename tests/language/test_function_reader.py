"""Existing NumPy functions, run on symbolic arrays, mean what they mean on numbers."""

import functools
import inspect
import math
import math as m
import sys
import types

import numpy as anything
import numpy as np
import pytest
import scipy
import scipy.special
import scipy.special as sc
from numpy import exp, log
from numpy.linalg import norm
from scipy.special import expit, log_softmax, logsumexp, softmax
from support.evaluate import evaluate_array

import symderive as sd

SHAPES = {
    "X": "n d", "w": "d", "y": "n", "t": "n", "b": "", "lam": "", "W": "d k", "B": "k", "Y": "n k", "s": "n",
    "V": "h k", "A": "d h",
}  # fmt: skip
SIZES = ({"n": 5, "d": 3, "k": 4, "h": 2}, {"n": 1, "d": 1, "k": 1, "h": 1}, {"n": 2, "d": 6, "k": 3, "h": 5})
SCALE = 0.25
TABLE = {"tanh": np.tanh, "id": lambda z: z}
LAYERS = [np.tanh, expit]
SEEN = []


def numbers(sizes, seed=0):
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(size=tuple(sizes[s] for s in shape.split())) for name, shape in SHAPES.items()}
    drawn["y"] = (drawn["y"] > 0).astype(float)
    drawn["t"] = np.where(drawn["t"] > 0, 1.0, -1.0)
    drawn["s"] = np.abs(drawn["s"]) + 0.1
    drawn["lam"] = float(np.abs(drawn["lam"]))
    drawn["b"] = float(drawn["b"])
    return drawn


def read(function, **more):
    names = inspect.signature(function).parameters
    return sd.read(function, **{name: SHAPES[name] for name in names if name in SHAPES}, **more)


def agree(function, **constants):
    made = read(function, **constants)
    names = [name for name in inspect.signature(function).parameters if name in SHAPES or name in SIZES[0]]
    for sizes in SIZES:
        point = numbers(sizes) | sizes
        expected = function(**{name: point[name] for name in names}, **constants)
        found = evaluate_array(made, sizes, point)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert found.shape == np.shape(expected)
    return made


# -- losses as people write them --------------------------------------------------------------


def squares(w, X, y):
    return np.sum((X @ w - y) ** 2)


def squares_dot(w, X, y):
    r = np.dot(X, w) - y
    return r.dot(r) / len(y)


def squares_einsum(w, X, y):
    r = np.einsum("ij,j->i", X, w) - y
    return 0.5 * np.einsum("i,i", r, r) / X.shape[0]


def squares_norm(w, X, y):
    return np.linalg.norm(X @ w - y) ** 2 / 2


def squares_imported_norm(w, X, y):
    return norm(X.dot(w) - y, ord=2) ** 2


def squares_expanded(w, X, y):
    return w.T @ X.T @ X @ w - 2 * y.T @ X @ w + y.T @ y


def squares_mean(w, X, y):
    return ((X.dot(w) - y) ** 2).mean()


def squares_inplace(w, X, y):
    r = X @ w
    r -= y
    r **= 2
    return r.sum()


def squares_weighted(w, X, y, s):
    return np.average((X @ w - y) ** 2, weights=s)


def squares_bias(w, b, X, y):
    return np.mean(np.square(X @ w + b - y)) / 2


def ridge(w, X, y, lam):
    return squares(w, X, y) / len(X) + lam * np.dot(w, w)


def ridge_norm(w, X, y, lam=0.1):
    return np.mean((X @ w - y) ** 2) + lam / 2 * np.linalg.norm(w) ** 2


def ridge_matrix(w, X, y, lam, d):
    return squares(w, X, y) + w @ (lam * np.eye(d)) @ w


def centred(w, X, y):
    X = X - X.mean(axis=0)
    y = y - np.mean(y)
    return np.sum((X @ w - y) ** 2)


def logistic(w, X, y):
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z)


def logistic_textbook(w, X, y):
    p = 1 / (1 + np.exp(-X @ w))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_signs(w, X, t):
    return np.sum(np.log(1 + np.exp(-t * (X @ w)))) / X.shape[0]


def logistic_log1p(w, X, t):
    return np.log1p(np.exp(-t * X.dot(w))).mean()


def logistic_expit(w, X, y):
    p = expit(X @ w)
    return -(y @ log(p) + (1 - y) @ np.log1p(-p))


def logistic_log_expit(w, X, t):
    return -sc.log_expit(t * (X @ w)).sum()


def logistic_tanh(w, X, y):
    p = (1 + np.tanh(X @ w / 2)) / 2
    return -np.sum(scipy.special.xlogy(y, p) + scipy.special.xlog1py(1 - y, -p))


def logistic_ridge(w, b, X, y, lam):
    z = X @ w + b
    return np.mean(np.logaddexp(0, z) - y * z) + 0.5 * lam * np.sum(w**2)


def hinge(w, X, t):
    return np.maximum(0, 1 - t * (X @ w)).mean()


def huber(w, X, y, delta=1.5):
    r = np.abs(X @ w - y)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).sum()


def poisson(w, X, s):
    eta = X @ w
    return np.sum(exp(eta) - s * eta)


def softmax_regression(W, B, X, Y):
    Z = X @ W + B
    return -np.sum(Y * log_softmax(Z, axis=1)) / len(X)


def softmax_by_logsumexp(W, X, Y):
    Z = X @ W
    return np.mean(logsumexp(Z, axis=1) - (Y * Z).sum(axis=1))


def softmax_by_hand(W, X, Y):
    E = np.exp(X @ W)
    P = E / E.sum(axis=1, keepdims=True)
    return -np.sum(Y * np.log(P))


def softmax_direct(W, X, Y):
    return np.sum((softmax(X @ W, axis=-1) - Y) ** 2)


def perceptron(A, V, X, Y):
    return np.sum((np.tanh(X @ A) @ V - Y) ** 2)


def gauss(w, X, y, n):
    sigma = math.exp(0.5)
    return n / 2 * math.log(2 * math.pi * sigma**2) + sum((y - X @ w) ** 2) / (2 * sigma**2)


def gauss_numpy(w, X, y):
    return -np.sum(-0.5 * np.log(2 * np.pi) - (y - X @ w) ** 2 / 2)


# -- the ways in which Python puts functions together -------------------------------------------


def helper(z):
    return anything.logaddexp(0, z) * SCALE


def with_helper(w, X):
    return helper(X @ w).sum()


def with_nested(w, X, y):
    def residual(v):
        return X @ v - y

    square = lambda r: r @ r  # noqa: E731
    return square(residual(w)) / m.sqrt(2)


def make(activation, power=2):
    def loss(w, X):
        return (activation(X @ w) ** power).sum()

    return loss


def decorate(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return 2 * function(*args, **kwargs)

    return wrapper


@decorate
def decorated(w, X):
    return np.sum(np.exp(X @ w))


@functools.cache
def cached(w, X):
    return logsumexp(X @ w)


def imports_inside(w, X):
    import numpy as np_inside
    import scipy.special
    from numpy import sum as total
    from scipy import special
    from scipy.special import logsumexp as lse

    return lse(X @ w) + np_inside.ones(X.shape[1]) @ w + total(special.softmax(w)) + scipy.special.logsumexp(w)


def constructors(w, X, d, n):
    return (
        np.ones(d) @ w + np.zeros(d) @ w + np.trace(np.eye(d)) + np.arange(d) @ w + np.full(d, 2.0) @ w
        + (np.ones((n, 1)) * w).sum() + np.identity(d)[0] @ w + np.arange(1, d + 1) @ w + np.asarray(w).sum()
        + np.array(w).sum() + np.atleast_2d(w).sum() + np.ones_like(w) @ w + np.zeros(X.shape).sum()
        + np.ones(len(w)) @ w
    )  # fmt: skip


def builtins_(w, X, b):
    total = 0.0
    for k in range(3):
        total += k * w.sum()
    return total + float(b) + abs(b) + max(b, 0) + min(b, 1, 2) + pow(b, 2) + sum([b, b, w[0]]) + sum(X).sum() + len(X)


def by_table(w, X):
    z = TABLE["tanh"](X @ w)
    for layer in LAYERS:
        z = layer(z)
    return TABLE["id"](z).sum()


def recursive(w, depth=3):
    return w.sum() if depth == 0 else 2 * recursive(w, depth - 1)


def even(w, depth=4):
    return w.sum() if depth == 0 else odd(w, depth - 1)


def odd(w, depth=3):
    return -w.sum() if depth == 0 else even(w, depth - 1)


def keyword_only(*, w, X, lam=0.5):
    return lam * np.sum(X @ w)


def positional_only(w, X, /):
    return np.sum(X @ w)


def with_kwargs(w, **rest):
    return np.sum(rest["X"] @ w)


def with_checks(w, X, y):
    assert X.ndim == 2
    assert isinstance(X, np.ndarray)
    if X.shape[1] != w.shape[0] or len(y) != X.shape[0]:
        raise ValueError("shapes")
    assert len(X) > 0
    print("shape", X.shape)  # noqa: T201
    X = np.asarray(X, dtype=float)
    return np.sum(X.astype(float) @ w - y)


def exact_constants(w):
    return np.log(2) * w.sum() + np.sqrt(2) + math.sqrt(3) * np.pi + math.e + 1 / 3


def copies(w, X):
    r = X @ w
    kept = r.copy()
    r -= 1
    kept *= r
    return kept.sum()


def helper_that_changes(v):
    v += 1
    return v


def uses_the_old_name(w, X):
    r = X @ w
    old = r
    r -= 1
    return (old * r).sum()


def uses_an_old_view(w, X):
    r = X @ w
    view = r[None, :]
    r -= 1
    return (view * r).sum()


def uses_what_a_helper_changed(w, X):
    r = X @ w
    return helper_that_changes(r).sum() + r.sum()


def returns_a_view_of_what_changed(w, X):
    r = X @ w
    view = r.T
    r -= 1
    return view


def assigns_an_entry(w, X):
    r = X @ w
    r[0] += 1
    return r


def lists_of_numbers(w):
    return np.array([w.sum(), 1.0]) @ np.array([[1, 2], [3.5, w[0]]]) + np.sum([w @ w, 2])


class Loss:
    def __init__(self, lam):
        self.lam = lam

    def __call__(self, w, X):
        return self.link(X @ w).sum() + self.weight * self.static(w)

    @property
    def weight(self):
        self.lam = self.lam + 1
        return logsumexp(np.ones(1) * self.lam)

    def link(self, z):
        return np.logaddexp(0, z)

    @staticmethod
    def static(w):
        return logsumexp(w)

    @classmethod
    def of_class(cls, w):
        return cls.static(w) + w.sum()


FUNCTIONS = [
    squares, squares_dot, squares_einsum, squares_norm, squares_imported_norm, squares_expanded, squares_mean,
    squares_inplace, squares_weighted, squares_bias, ridge, ridge_norm, ridge_matrix, centred, logistic,
    logistic_textbook, logistic_signs, logistic_log1p, logistic_expit, logistic_log_expit, logistic_tanh,
    logistic_ridge, hinge, huber, poisson, softmax_regression, softmax_by_logsumexp, softmax_by_hand, softmax_direct,
    perceptron, gauss, gauss_numpy, with_helper, with_nested, decorated, imports_inside, constructors, builtins_,
    by_table, recursive, even, keyword_only, exact_constants, copies, with_checks, uses_the_old_name,
    uses_an_old_view, uses_what_a_helper_changed, returns_a_view_of_what_changed, assigns_an_entry, lists_of_numbers,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions_mean_what_they_mean_on_numbers(function):
    agree(function)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_the_module_is_not_changed(function):
    module = sys.modules[__name__]
    before = dict(vars(module))
    code, defaults, closure = function.__code__, function.__defaults__, function.__closure__
    contents = [c.cell_contents for c in closure or ()]
    seen = [list(LAYERS), dict(TABLE)]
    read(function)
    assert dict(vars(module)) == before
    assert (function.__code__, function.__defaults__, function.__closure__) == (code, defaults, closure)
    assert [c.cell_contents for c in closure or ()] == contents
    assert seen == [LAYERS, TABLE]
    assert np.zeros is sys.modules["numpy"].zeros
    assert isinstance(np.zeros(2), np.ndarray)


def test_closures_lambdas_partials_methods():
    agree(make(np.tanh))
    agree(make(lambda z: 1 / (1 + np.exp(-z)), power=3))
    agree(make(functools.partial(np.multiply, 2)))
    agree(lambda w, X: np.mean(X @ w) * np.ones(len(w)) @ w)
    agree(functools.partial(ridge_norm, lam=3.0))
    own = Loss(0.5)
    made = read(own)
    assert own.lam == 0.5
    point = numbers(SIZES[0])
    np.testing.assert_allclose(evaluate_array(made, SIZES[0], point), Loss(0.5)(point["w"], point["X"]))
    assert type(own) is Loss
    agree(Loss.static)
    agree(Loss.of_class)
    assert sd.read(Loss(2).link, z="n").shape == (sd.dims("n"),)
    assert sd.read(cached, X="n d", w="d").shape == ()
    assert sd.read(positional_only, X="n d", w="d").shape == ()
    assert sd.read(with_kwargs, X="n d", w="d").shape == ()


def test_defaults_and_numbers():
    assert {leaf.name for leaf in read(ridge_norm).node.leaves()} == {"X", "w", "y", "lam"}
    made = sd.read(ridge_norm, X="n d", w="d", y="n")
    assert {leaf.name for leaf in made.node.leaves()} == {"X", "w", "y"}
    again = sd.read(ridge_norm, X="n d", w="d", y="n", lam=0.1)
    assert made.same_form(again)
    keyword = sd.read(keyword_only, X="n d", w="d")
    assert {leaf.name for leaf in keyword.node.leaves()} == {"X", "w"}


def test_text_and_function_give_the_same_program():
    shapes = {"X": "n d", "w": "d", "y": "n"}
    pairs = {
        "np.sum((X @ w - y)**2)": squares,
        "((X.dot(w) - y)**2).mean()": squares_mean,
        "np.linalg.norm(X @ w - y)**2 / 2": squares_norm,
        "np.mean(np.logaddexp(0, X @ w) - y * (X @ w))": logistic,
        "w.T @ X.T @ X @ w - 2 * y.T @ X @ w + y.T @ y": squares_expanded,
    }
    for text, function in pairs.items():
        assert sd.read(text, **shapes).same_form(sd.read(function, **shapes))


def test_an_array_is_bound_to_its_parameter():
    y = sd.array("labels", "n", domain=sd.labels(0, 1))
    made = sd.read(logistic, X="n d", w="d", y=y)
    assert "labels" in {leaf.name for leaf in made.node.leaves()}


def test_exact_constants_stay_exact():
    made = sd.read(lambda w: np.log(2) * w, w="d")
    assert made.same_form(sd.read("np.log(2) * w", w="d"))
    assert sd.read(lambda b: np.pi * b, b="").same_form(sd.read("np.pi * b", b=""))
    assert sd.read(lambda b: 1 / 3 * b, b="").same_form(sd.read("b / 3", b=""))


# -- what cannot be followed ----------------------------------------------------------------------


def branches(w):
    if w.sum() > 0:
        return w.sum()
    return -w.sum()


def loops(w):
    total = 0
    for k in range(len(w)):
        total += w[k]
    return total


def iterates(w):
    return sum(v for v in w)


def changes_argument(w):
    w -= 1
    return w.sum()


def changes_view_of_argument(w):
    v = w[:, None]
    v *= 2
    return v.sum()


def changes_argument_in_a_helper(w):
    return helper_that_changes(w).sum()


def assigns(w):
    w[0] = 0
    return w.sum()


def foreign(w):
    return np.sort(w).sum()


def unknown_method(w):
    return w.argmax()


def returns_two(w):
    return w.sum(), 2 * w


def returns_nothing(w):
    np.sum(w)


def returns_bool(w):
    return True


def returns_list(w):
    return [w, w]


def raises(w):
    raise KeyError("no")


def size_dependent(w):
    if w.shape[0] == 1:
        return w.sum()
    return 2 * w.sum()


def writes_numpy(w):
    np.sum = None
    return w


def generator(w):
    yield w.sum()


async def coroutine(w):
    return w.sum()


def scalar_math(w):
    return math.exp(w)


def in_place_broadcast(b, w, X):
    r = np.sum(X, axis=1, keepdims=True)
    r += X
    return r.sum()


def random(w):
    return np.random.default_rng(0).permutation(w).sum()


def forever(w):
    return forever(w)


UNSUPPORTED = {
    branches: "truth", loops: "loop over the symbolic dimension d", iterates: "loop", changes_argument: "in-place",
    changes_view_of_argument: "in-place", changes_argument_in_a_helper: "in-place",
    assigns: "assigning",
    foreign: "sort", unknown_method: ".argmax", returns_two: "a tuple",
    returns_nothing: "None", returns_bool: "bool", returns_list: "list", raises: "KeyError",
    size_dependent: "depends on the dimensions", writes_numpy: "writes into the module numpy",
    generator: "generator", coroutine: "coroutine", scalar_math: "math.exp",
    in_place_broadcast: "shape", random: "symbolic", forever: "RecursionError",
}  # fmt: skip


@pytest.mark.parametrize("function", UNSUPPORTED, ids=lambda f: f.__name__)
def test_what_cannot_be_followed_says_what_it_was(function):
    with pytest.raises((sd.UnsupportedError, sd.ShapeError)) as caught:
        read(function)
    assert UNSUPPORTED[function] in str(caught.value)
    assert np.sum is sys.modules["numpy"].sum
    assert np.sum is not None


def test_the_line_of_the_users_function_is_named():
    with pytest.raises(sd.UnsupportedError) as caught:
        read(branches)
    line = inspect.getsourcelines(branches)[1] + 1
    assert f"in branches, line {line}: if w.sum() > 0:" in str(caught.value)
    with pytest.raises(sd.ShapeError) as shape:
        sd.read(with_helper, X="n d", w="n")
    assert "(n, d)" in str(shape.value)
    assert "in with_helper, line" in str(shape.value)


def test_reading_leaves_no_trace():
    with pytest.raises(sd.UnsupportedError):
        read(branches)
    w = sd.array("w", "d")
    w2 = w * 2
    with pytest.raises(sd.UnsupportedError, match="caller may hold"):
        w2 += 1
    assert (sd.dims("n") == 1) is False


def test_missing_and_surplus_parameters():
    with pytest.raises(sd.UnknownNameError, match="needs y"):
        sd.read(squares, X="n d", w="d")
    with pytest.raises(sd.UnknownNameError, match="no parameter Z"):
        sd.read(squares, X="n d", w="d", y="n", Z="n")
    with pytest.raises(sd.UnknownNameError, match="dimension"):
        sd.read(gauss, X="n d", w="d", y="n", n="")


@pytest.mark.parametrize("source", [None, 3, b"x", ["x"], sd.array("x")])
def test_no_source(source):
    with pytest.raises(sd.ReadError):
        sd.read(source)


def test_builtins_and_classes_are_no_functions_to_read():
    for source in (len, int, dict):
        with pytest.raises(sd.SymderiveError):
            sd.read(source, x="n")


def test_a_helper_of_another_module_of_the_users():
    other = types.ModuleType("users_other_module")
    code = "import numpy as np\nfrom scipy.special import logsumexp\n"
    code += "def f(z):\n    return logsumexp(z) + np.ones(len(z)) @ z\n"
    exec(compile(code, "users_other_module.py", "exec"), vars(other))  # the tests' own text
    before = dict(vars(other))
    made = sd.read(lambda w: other.f(w), w="d")
    assert made.shape == ()
    assert dict(vars(other)) == before


def test_globals_that_the_function_changes_are_copies():
    def notes(w):
        SEEN.append(w)
        return w.sum()

    assert sd.read(notes, w="d").shape == ()
    assert SEEN == []
