"""Random NumPy programs over slices, gathers, blocks, running sums, triangles and matrix functions."""

import numpy as np
import scipy.special as sc
from hypothesis import strategies as st

import symderive as sd

SHAPES = {"X": "n d", "Y": "n 4", "A": "n n", "B": "n n", "S": "n n", "C": "d d",
          "x": "n", "v": "n", "w": "d", "c": "4", "b": "", "p": "n d K"}  # fmt: skip
SIZES = ({"n": 4, "d": 3, "K": 2}, {"n": 3, "d": 5, "K": 4}, {"n": 5, "d": 2, "K": 3})
LINKS = ["np.exp(-({})**2)", "np.tanh({})", "np.abs({})", "({})**2", "-({})", "({0})/(2 + ({0})**2)",
         "np.where({0} > 0, {0}, 2)"]  # fmt: skip

LEAVES = {
    "s": ["b", "x[0]", "x[-1]", "X[1, -1]", "A[0, 1]"],
    "n": ["x", "v", "x[::-1]", "np.diag(A)", "X[:, 0]", "X[:, -1]", "Y[np.arange(n), y]", "c[y]", "np.cumsum(x)",
          "np.max(X, axis=1)", "np.linalg.eigvalsh(S)", "A[-1]", "np.ones(n)", "np.tri(n)[:, 0]"],
    "d": ["w", "X[0]", "np.cumsum(w)[::-1]", "np.min(X, axis=0)", "np.diag(C)", "np.arange(d)"],
    "m": ["x[1:]", "x[:-1]", "np.diff(v)", "X[1:, 0]", "A[1, :-1]"],
    "nd": ["X", "X[::-1]", "X[:, ::-1]", "np.cumsum(X, axis=0)", "np.cumsum(X, axis=1)", "np.tril(X)",
           "np.triu(X, 1)", "np.outer(x, w)", "np.reshape(np.kron(x, w), (n, d))",
           "np.stack([x, v], axis=1) @ np.ones((2, d))"],
    "nn": ["A", "B", "A.T", "S", "np.eye(n)", "np.tril(A)", "np.triu(B, k=-1)", "np.tril(A, -1)", "np.diag(x)",
           "np.linalg.inv(S)", "np.linalg.inv(A)", "np.linalg.cholesky(S)", "np.linalg.inv(A.T)",
           "((x[:, None] <= x[None, :]) * 1.0)"],
    "p": ["p", "p[:, ::-1]", "np.cumsum(p, axis=2)"],
}  # fmt: skip
MADE = {
    "s": ["{n} @ {n}", "np.sum({nd})", "np.max({n})", "np.min({nd})", "np.trace({nn})", "np.linalg.norm({n}, 1)",
          "np.linalg.norm({n}, 3)", "np.linalg.norm({n}, np.inf)", "np.linalg.norm({nd})",
          "np.linalg.norm({nd}, 'nuc')", "np.linalg.norm({nd}, 2)", "np.linalg.norm({nd}, 1)",
          "np.linalg.slogdet({nn} + 4*np.eye(n))[1]", "np.linalg.det({nn})",
          "np.linalg.slogdet({nn} + 4*np.eye(n))[0]", "np.linalg.eigvalsh(A @ S @ A.T)[-1]",
          "np.sum(np.linalg.eigvalsh(S)[1:]**2)", "np.prod({d})", "np.sum({m}**2)", "({m})[0]", "({n})[-2]",
          "np.sum(np.reshape({nd}, n*d)**2)", "np.sum(np.log(np.diag(np.linalg.cholesky(S))))", "np.sum({p})",
          "np.sum(np.kron({n}, {d})**2)", "np.max(np.abs({m}))", "np.sum(({nn}) * ({nn}).T)"],
    "n": ["{nn} @ {n}", "{nd} @ {d}", "np.linalg.solve({nn} + 4*np.eye(n), {n})", "np.cumsum({n})", "({n})[::-1]",
          "np.cumsum(({n})[::-1])[::-1]", "np.max({nd}, axis=1)", "{n} * {n}", "{n} * {s}", "np.pad({m}, (1, 0))",
          "np.pad({m}, (0, 1)) - np.pad({m}, (1, 0))", "np.concatenate([{m}, ({n})[:1]])", "np.roll({n}, 1)",
          "np.diag({nn})", "({nd})[:, -1]", "({nn})[0]", "(({n}) == np.max({n})) * 1.0", "{n} / (1 + {n}**2)",
          "softmax({n})", "np.linalg.eigh(S)[1][:, -1] * (np.linalg.eigh(S)[1][:, -1] @ {n})", "np.cumprod({n})"],
    "d": ["({nd}).T @ {n}", "{n} @ {nd}", "np.min({nd}, axis=0)", "({d})[::-1]", "np.cumsum({d})", "{d} * {d}",
          "({nd})[-1]", "np.concatenate([({d})[1:], ({d})[:1]])", "np.pad(({d})[:-1], (1, 0))"],
    "m": ["({n})[1:]", "({n})[:-1]", "({n})[1:] - ({n})[:-1]", "{m} * {m}", "np.cumsum({m})", "({nd})[1:] @ {d}",
          "({m})[::-1]"],
    "nd": ["{nd} * {nd}", "{nn} @ {nd}", "np.tril({nd})", "np.cumsum({nd}, axis=1)", "{nd} * ({n})[:, None]",
           "{nd} + {d}", "np.pad(({nd})[1:], ((1, 0), (0, 0)))", "np.pad(({nd})[:, :-1], ((0, 0), (1, 0)))",
           "np.outer({n}, {d})", "({nd} == np.max({nd}, axis=1, keepdims=True)) * ({n})[:, None]",
           "np.concatenate([({nd})[1:], ({nd})[:1]])", "np.concatenate([({nd})[:, 1:], ({nd})[:, :1]], axis=1)",
           "np.reshape(np.reshape({nd}, n*d)[::-1], (n, d))", "softmax({nd}, axis=1)", "np.sum({p}, axis=2)",
           "np.max({p}, axis=2)", "({p})[:, :, 0]"],
    "nn": ["{nn} @ {nn}", "({nn}).T", "{nn} * {nn}", "np.outer({n}, {n})", "np.tril({nn})", "np.triu({nn}, 1)",
           "({nn})[::-1]", "np.linalg.inv({nn} @ ({nn}).T + 2*np.eye(n))", "np.diag({n})", "{nd} @ ({nd}).T",
           "np.cumsum({nn}, axis=0)", "np.linalg.matrix_power({nn}, 2)", "({nn}) * ({n})[:, None]"],
    "p": ["{p} * ({nd})[:, :, None]", "np.cumsum({p}, axis=1)", "({p})[:, ::-1, :]", "{p} * {s}"],
}  # fmt: skip


@st.composite
def programs(draw, kind, depth):
    """NumPy text of a kind: "s", "n", "d", "m" (n - 1 entries), "nd", "nn" or "p" (n x d x K)."""
    if depth == 0:
        return f"({draw(st.sampled_from(LEAVES[kind]))})"
    choice = draw(st.integers(0, 6))
    if choice == 0:
        return "(" + draw(st.sampled_from(LINKS)).format(draw(programs(kind, depth - 1))) + ")"
    if choice == 1:
        sign = draw(st.sampled_from(["+", "-"]))
        return f"({draw(programs(kind, depth - 1))} {sign} {draw(programs(kind, depth - 1))})"
    text = draw(st.sampled_from(MADE[kind]))
    for other in ("s", "nn", "nd", "d", "n", "m", "p"):
        while "{" + other + "}" in text:
            text = text.replace("{" + other + "}", draw(programs(other, depth - 1)), 1)
    return f"({text})"


def declared():
    """The arrays that the programs use, by name."""
    arrays = {name: sd.array(name, *(int(s) if s.isdigit() else s for s in shape.split()))
              for name, shape in SHAPES.items()}  # fmt: skip
    return arrays | {
        "S": sd.array("S", "n", "n", domain=sd.spd),
        "y": sd.array("y", "n", domain=sd.integers(0, 3)),
    }


def point(sizes, seed=0):
    """Values for the arrays at sizes: S positive definite, A and B well conditioned, y labels."""
    rng = np.random.default_rng(seed)
    values = {name: rng.uniform(-1, 1, [int(sizes.get(s, s if s.isdigit() else 0)) for s in shape.split()])
              for name, shape in SHAPES.items()}  # fmt: skip
    n = sizes["n"]
    root = rng.uniform(-1, 1, (n, n))
    values["S"] = root @ root.T + np.eye(n)
    values["A"] += 2 * np.eye(n)
    values["B"] += 3 * np.eye(n)
    values["y"] = rng.integers(0, 4, n)
    return values


class _Sd:
    """``sd``'s functions of text, in NumPy."""

    softmax, log_softmax, logsumexp = staticmethod(sc.softmax), staticmethod(sc.log_softmax), staticmethod(sc.logsumexp)
    eye, ones, zeros = staticmethod(np.eye), staticmethod(np.ones), staticmethod(np.zeros)
    arange = staticmethod(np.arange)

    @staticmethod
    def basis(n, k):
        return np.eye(n)[k]


SCOPE = {"np": np, "sd": _Sd} | {name: getattr(sc, name) for name in ("softmax", "expit", "log_expit", "xlogy", "entr")}


def run(text, values, sizes):
    """The value of NumPy text, its ``where`` clauses first; the text is of the grammar above or printed."""
    body, _, clauses = text.partition(", where ")
    scope = SCOPE | dict(values) | dict(sizes)
    for clause in split(clauses):
        name, _, value = clause.partition(" = ")
        scope[name] = eval(value, scope)
    return np.asarray(eval(body, scope), float)


def split(clauses):
    """The clauses between the commas that stand in no bracket."""
    depth, out = 0, [""]
    for character in clauses:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            out.append("")
        else:
            out[-1] += character
    return [part.strip() for part in out if part.strip()]
