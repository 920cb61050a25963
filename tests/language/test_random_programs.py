"""Random NumPy programs: text, function and NumPy itself agree, and printed text reads back."""

import numpy as np
import scipy.special as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import evaluate_array

import symderive as sd

SHAPES = {"X": "n d", "w": "d", "y": "n", "b": "", "S": "d d"}
SIZES = ({"n": 3, "d": 2}, {"n": 1, "d": 1}, {"n": 1, "d": 3}, {"n": 4, "d": 1})
NUMBERS = st.sampled_from(["2", "3", "0.5", "1/3", "n", "d", "(n + 1)"])
LINKS = ["np.tanh({})", "expit({})", "np.exp(-({})**2)", "np.sin({})", "np.logaddexp(0, {})", "({})**2", "-({})",
         "np.maximum({}, 0.1)",
         "np.where({0} > 0, {0}, 2)", "np.abs({})", "1/(1 + ({})**2)", "np.clip({}, -1, 1)"]  # fmt: skip

SAME = {
    "s": ["b", "np.sum(X)", "1.5"],
    "d": ["w", "X[0]", "np.ones(d)", "np.diag(S)", "np.arange(d)"],
    "n": ["y", "X[:, 0]", "np.ones(n)", "X[:, -1]"],
    "nd": ["X", "y[:, None] * w", "np.ones((n, d))", "np.outer(y, w)"],
    "dd": ["S", "S.T", "X.T @ X", "np.eye(d)", "np.diag(w)"],
}
MADE = {
    "s": ["np.sum({d})", "{n} @ {n}", "np.mean({nd})", "np.trace({dd})", "np.linalg.norm({d})", "np.dot({d}, {d})",
          "{d}[0]", "np.einsum('ij,ij->', {nd}, {nd})", "np.einsum('i,ij,j', {d}, {dd}, {d})", "np.var({n})",
          "logsumexp({d})", "np.prod({d})", "({dd}).sum(axis=(0, 1))"],
    "d": ["{dd} @ {d}", "({nd}).T @ {n}", "np.sum({nd}, axis=0)", "({nd}).mean(axis=0)", "{n} @ {nd}", "{d} * {s}",
          "np.einsum('ij,i->j', {nd}, {n})", "softmax({d})", "{d} - np.mean({d})",
          "({dd})[0]", "np.prod({nd}, axis=0)"],
    "n": ["{nd} @ {d}", "np.sum({nd}, axis=1)", "({nd})[:, 0]", "{n} / (1 + {n}**2)", "logsumexp({nd}, axis=1)",
          "np.einsum('ij,j->i', {nd}, {d})", "{n} * {s}", "np.linalg.norm({nd}, axis=1)", "log_softmax({n})"],
    "nd": ["{nd} * {nd}", "{nd} + {d}", "{nd} * ({n})[:, None]", "{nd} @ {dd}", "{nd} - np.mean({nd}, axis=0)",
           "softmax({nd}, axis=1)", "{nd} - ({nd}).sum(axis=1, keepdims=True)", "np.outer({n}, {d})", "{nd} + {s}"],
    "dd": ["({nd}).T @ {nd}", "{dd} @ {dd}", "np.outer({d}, {d})", "({dd}).T", "np.diag({d})", "{dd} + {s}*np.eye(d)",
           "({nd}).T * ({n})  @ {nd}", "{dd} * {d}"],
}  # fmt: skip


@st.composite
def program(draw, kind, depth):
    if depth == 0:
        return f"({draw(st.sampled_from(SAME[kind]))})"
    choice = draw(st.integers(0, 5))
    if choice == 0:
        inner = draw(program(kind, depth - 1))
        return "(" + draw(st.sampled_from(LINKS)).format(inner) + ")"
    if choice == 1:
        op = draw(st.sampled_from(["+", "-", "*"]))
        return f"({draw(program(kind, depth - 1))} {op} {draw(program(kind, depth - 1))})"
    if choice == 2:
        return f"({draw(NUMBERS)} * {draw(program(kind, depth - 1))})"
    template = draw(st.sampled_from(MADE[kind]))
    text = template
    for other in ("s", "dd", "nd", "d", "n"):
        while "{" + other + "}" in text:
            text = text.replace("{" + other + "}", draw(program(other, depth - 1)), 1)
    return f"({text})"


def run(text, scope):
    names = {
        "np": np,
        "expit": sc.expit,
        "logsumexp": sc.logsumexp,
        "softmax": sc.softmax,
        "log_softmax": sc.log_softmax,
    }
    return eval(text, names | scope)  # our own text, of the grammar above


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["s", "d", "n", "nd", "dd"]).flatmap(lambda kind: program(kind, 3)))
def test_random_programs(text):
    made = sd.read(text, **SHAPES)
    function = sd.read(lambda X, w, y, b, S, n, d: run_symbolic(text, locals()), **SHAPES)
    again = sd.read(str(made), **SHAPES)
    for sizes in SIZES:
        rng = np.random.default_rng(1)
        point = {k: rng.uniform(-1, 1, size=tuple(sizes[s] for s in v.split())) for k, v in SHAPES.items()}
        with np.errstate(all="ignore"):
            expected = run(text, point | sizes)
            for found in (made, function, again):
                value = evaluate_array(found, sizes, point)
                np.testing.assert_allclose(value, np.broadcast_to(expected, value.shape), rtol=1e-7, atol=1e-9)


def run_symbolic(text, scope):
    """The program over symbolic arrays, with NumPy's own functions where they dispatch."""
    names = {
        "np": np,
        "expit": sc.expit,
        "logsumexp": sd.logsumexp,
        "softmax": sd.softmax,
        "log_softmax": sd.log_softmax,
    }
    scope = {**scope, "np": Constructors()}
    return eval(text, names | scope)


class Constructors:
    """NumPy with the constructors that take symbols."""

    ones, eye, arange = staticmethod(sd.ones), staticmethod(sd.eye), staticmethod(sd.arange)

    def __getattr__(self, name):
        return getattr(np, name)
