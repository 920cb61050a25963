"""Small training programs as students and maintainers write them, each with realistic mistakes.

A program is a Python source with ``loss``, ``grad`` and ``example()`` (params, then data).  A mistake
is a replacement in the source of ``grad``, with the parameters that it makes wrong.
``how``: how well the right program is judged, at least.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    name: str
    source: str
    mistakes: tuple[tuple[str, str, str], ...]
    how: str = "proved"
    extra: dict[str, str] = field(default_factory=dict)

    def with_mistake(self, old, new):
        head, _, tail = self.source.partition("def grad(")
        assert old in tail, (self.name, old)
        return f"{head}def grad({tail.replace(old, new, 1)}"


HEAD = """
import numpy as np
from scipy.special import expit, gammaln, logsumexp, softmax
rng = np.random.default_rng(7)
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
"""

PROGRAMS = [
    Program(
        "linear",
        """
def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)
def grad(w, X, y):
    n = len(y)
    return 2 * X.T @ (X @ w - y) / n
def example():
    return rng.normal(size=3), rng.normal(size=(7, 3)), rng.normal(size=7)
""",
        (("/ n", "", "w"), ("2 * ", "", "w"), ("- y", "+ y", "w"), ("2 *", "-2 *", "w")),
    ),
    Program(
        "linear_square_sizes",
        """
def loss(w, X, y):
    return np.sum((X @ w - y) ** 2)
def grad(w, X, y):
    return 2 * X.T @ (X @ w - y)
def example():
    return rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3)
""",
        (("X.T @", "X @", "w"), ("(X @ w", "(X.T @ w", "w"), ("2 *", "len(w) *", "w")),
    ),
    Program(
        "ridge",
        """
def loss(w, X, y, lam):
    r = X @ w - y
    return 0.5 * r @ r / X.shape[0] + 0.5 * lam * w @ w
def grad(w, X, y, lam):
    r = X @ w - y
    return X.T @ r / X.shape[0] + lam * w
def example():
    return np.zeros(4), rng.normal(size=(6, 4)), rng.normal(size=6), 0.3
""",
        (
            (" + lam * w", "", "w"),
            ("lam * w", "2 * lam * w", "w"),
            ("X.shape[0]", "X.shape[1]", "w"),
            ("+ lam", "- lam", "w"),
        ),
    ),
    Program(
        "lasso",
        """
def loss(w, X, y, lam):
    return 0.5 * np.mean((y - X @ w) ** 2) + lam * np.sum(np.abs(w))
def grad(w, X, y, lam):
    return -X.T @ (y - X @ w) / len(y) + lam * np.sign(w)
def example():
    return np.array([0.5, 0.2, 0.4]), rng.normal(size=(6, 3)), rng.normal(size=6), 0.3
""",
        (
            ("np.sign(w)", "1.0", "w"),
            ("-X.T", "X.T", "w"),
            (" + lam * np.sign(w)", "", "w"),
            ("np.sign(w)", "np.abs(w)", "w"),
        ),
    ),
    Program(
        "logistic",
        """
def loss(params, X, y):
    z = X @ params["w"] + params["b"]
    return np.mean(np.logaddexp(0, z) - y * z)
def grad(params, X, y):
    p = sigmoid(X @ params["w"] + params["b"])
    e = (p - y) / len(y)
    return {"w": X.T @ e, "b": e.sum()}
def example():
    return {"w": np.zeros(3), "b": 0.0}, rng.normal(size=(8, 3)), np.array([0, 1, 1, 0, 1, 0, 1, 1])
""",
        (
            ("e.sum()", "e.mean()", "b"),
            ("(p - y) / len(y)", "(p - y)", "w b"),
            ("p - y", "y - p", "w b"),
            ("(p - y)", "(p - y) * p * (1 - p)", "w b"),
            ("X.T @ e", "X.T @ (e * e)", "w"),
        ),
    ),
    Program(
        "logistic_cross_entropy_text_book",
        """
def loss(w, X, y):
    p = 1.0 / (1.0 + np.exp(-X.dot(w)))
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
def grad(w, X, y):
    p = 1.0 / (1.0 + np.exp(-X.dot(w)))
    return X.T.dot(p - y)
def example():
    return rng.normal(size=2), rng.normal(size=(5, 2)), np.array([0.0, 1, 1, 0, 1])
""",
        (("p - y", "y - p", "w"), ("p - y", "p - (y > 0.5) * p", "w"), ("p - y", "p - y**2 * p", "w")),
    ),
    Program(
        "logistic_plus_minus",
        """
def loss(w, X, y):
    return np.sum(np.log(1 + np.exp(-y * (X @ w))))
def grad(w, X, y):
    return -X.T @ (y * expit(-y * (X @ w)))
def example():
    return rng.normal(size=2), rng.normal(size=(5, 2)), np.array([1.0, -1, -1, 1, 1])
""",
        (("expit(-y", "expit(y", "w"), ("-X.T @ (y *", "-X.T @ (", "w"), ("-X.T", "X.T", "w")),
    ),
    Program(
        "softmax_index",
        """
def loss(W, X, y):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(y)), y].mean()
def grad(W, X, y):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z)
    p = p / p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return X.T @ p / len(y)
def example():
    return 0.1 * rng.normal(size=(4, 3)), rng.normal(size=(6, 4)), np.array([0, 2, 1, 1, 0, 2])
""",
        (
            (" / len(y)", "", "W"),
            ("-= 1", "-= 2", "W"),
            ("p.sum(axis=1, keepdims=True)", "p.sum(axis=0, keepdims=True)", "W"),
            ("    p[np.arange(len(y)), y] -= 1\n", "", "W"),
        ),
    ),
    Program(
        "softmax_one_hot_ridge",
        """
def loss(params, X, Y, lam):
    W, b = params
    Z = X @ W + b
    L = -np.sum(Y * (Z - logsumexp(Z, axis=1, keepdims=True))) / X.shape[0]
    return L + lam * np.sum(W * W)
def grad(params, X, Y, lam):
    W, b = params
    D = (softmax(X @ W + b, axis=1) - Y) / X.shape[0]
    return X.T @ D + 2 * lam * W, D.sum(axis=0)
def example():
    return (np.zeros((2, 3)), np.zeros(3)), rng.normal(size=(5, 2)), np.eye(3)[[0, 2, 1, 1, 0]], 0.1
""",
        (
            (" + 2 * lam * W", "", "W"),
            ("+ 2 * lam", "+ lam", "W"),
            ("axis=1) - Y", "axis=0) - Y", "W b"),
            ("D.sum(axis=0)", "D.mean(axis=0)", "b"),
        ),
    ),
    Program(
        "hinge",
        """
def loss(w, X, y, C):
    margins = np.maximum(0, 1 - y * (X @ w))
    return 0.5 * np.dot(w, w) + C * np.sum(margins)
def grad(w, X, y, C):
    active = (y * (X @ w) < 1).astype(float)
    return w - C * X.T @ (active * y)
def example():
    return rng.normal(size=3), rng.normal(size=(6, 3)), np.array([1.0, -1, -1, 1, 1, -1]), 2.0
""",
        (
            ("active * y", "y", "w"),
            ("< 1", "> 1", "w"),
            ("< 1", "< 0", "w"),
            ("w - C", "-C", "w"),
            ("active * y", "active", "w"),
        ),
    ),
    Program(
        "squared_hinge",
        """
def loss(w, X, y):
    return np.mean(np.maximum(0, 1 - y * (X @ w)) ** 2)
def grad(w, X, y):
    m = np.maximum(0, 1 - y * (X @ w))
    return -2 * X.T @ (m * y) / len(y)
def example():
    return rng.normal(size=3), rng.normal(size=(6, 3)), np.array([1, -1, -1, 1, 1, -1])
""",
        (("m * y", "(m > 0) * y", "w"), ("-2 *", "-", "w"), ("m * y", "m", "w")),
    ),
    Program(
        "multiclass_hinge_loop",
        """
def loss(W, X, y):
    total = 0.0
    for i in range(X.shape[0]):
        scores = X[i] @ W
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            total += np.maximum(0, scores[j] - scores[y[i]] + 1)
    return total / X.shape[0]
def grad(W, X, y):
    dW = np.zeros(W.shape)
    n = X.shape[0]
    for i in range(n):
        scores = X[i] @ W
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            active = np.where(scores[j] - scores[y[i]] + 1 > 0, 1.0, 0.0)
            dW[:, j] += active * X[i]
            dW[:, y[i]] -= active * X[i]
    return dW / n
def example():
    return 0.1 * rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), np.array([0, 2, 1, 1])
""",
        (
            ("return dW / n", "return dW", "W"),
            ("            dW[:, y[i]] -= active * X[i]\n", "", "W"),
            ("+ 1 > 0", "> 0", "W"),
        ),
        "checked",
    ),
    Program(
        "poisson",
        """
def loss(w, X, y):
    eta = X @ w
    return np.sum(np.exp(eta) - y * eta + gammaln(y + 1))
def grad(w, X, y):
    return X.T @ (np.exp(X @ w) - y)
def example():
    return 0.1 * rng.normal(size=3), rng.normal(size=(6, 3)), rng.poisson(2.0, size=6).astype(float)
""",
        (
            ("np.exp(X @ w) - y", "y - np.exp(X @ w)", "w"),
            ("np.exp(X @ w) - y", "X @ w - y", "w"),
            ("- y", "- y / len(y)", "w"),
        ),
    ),
    Program(
        "poisson_exposure",
        """
def loss(theta, X, y, exposure):
    rate = exposure * np.exp(X @ theta["beta"])
    return np.mean(rate - y * np.log(rate))
def grad(theta, X, y, exposure):
    rate = exposure * np.exp(X @ theta["beta"])
    return {"beta": X.T @ (rate - y) / len(y)}
def example():
    y, exposure = np.array([1.0, 0, 3, 2, 2]), np.array([1.0, 2, 3, 0.5, 1])
    return {"beta": 0.1 * rng.normal(size=2)}, rng.normal(size=(5, 2)), y, exposure
""",
        (("rate = exposure * ", "rate = ", "beta"), (" / len(y)", "", "beta")),
    ),
    Program(
        "mlp_tanh",
        """
def loss(p, X, y):
    h = np.tanh(X @ p["W1"] + p["b1"])
    out = h @ p["W2"] + p["b2"]
    return np.mean((out[:, 0] - y) ** 2)
def grad(p, X, y):
    n = X.shape[0]
    h = np.tanh(X @ p["W1"] + p["b1"])
    out = h @ p["W2"] + p["b2"]
    d2 = 2 * (out[:, 0] - y)[:, None] / n
    d1 = (d2 @ p["W2"].T) * (1 - h**2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}
def example():
    p = {"W1": rng.normal(size=(3, 4)), "b1": np.zeros(4), "W2": rng.normal(size=(4, 1)), "b2": np.zeros(1)}
    return p, rng.normal(size=(5, 3)), rng.normal(size=5)
""",
        (
            ("(1 - h**2)", "(1 - h)", "W1 b1"),
            ("(1 - h**2)", "h * (1 - h)", "W1 b1"),
            (" * (1 - h**2)", "", "W1 b1"),
            ("d1.sum(axis=0)", "d1.mean(axis=0)", "b1"),
            ("h.T @ d2", "h.T @ (d2 * d2)", "W2"),
            ("/ n", "", "W1 b1 W2 b2"),
        ),
    ),
    Program(
        "mlp_relu_softmax",
        """
def loss(params, X, y):
    h = np.maximum(0, X @ params["W1"] + params["b1"])
    z = h @ params["W2"] + params["b2"]
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(X.shape[0]), y]))
def grad(params, X, y):
    n = X.shape[0]
    a = X @ params["W1"] + params["b1"]
    h = np.maximum(0, a)
    z = h @ params["W2"] + params["b2"]
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    d = p.copy()
    d[np.arange(n), y] -= 1
    d /= n
    grads = {}
    grads["dW2"] = h.T @ d
    grads["db2"] = np.sum(d, axis=0)
    dh = d @ params["W2"].T
    dh[a <= 0] = 0
    grads["dW1"] = X.T @ dh
    grads["db1"] = np.sum(dh, axis=0)
    return grads
def example():
    p = {"W1": rng.normal(size=(3, 4)), "b1": np.zeros(4), "W2": rng.normal(size=(4, 3)), "b2": np.zeros(3)}
    return p, rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
""",
        (
            ("    dh[a <= 0] = 0\n", "", "W1 b1"),
            ("dh[a <= 0] = 0", "dh[a > 0] = 0", "W1 b1"),
            ("    d /= n\n", "", "W1 b1 W2 b2"),
            ("np.sum(dh, axis=0)", "np.mean(dh, axis=0)", "b1"),
            ("    dh = d @", "    params['W2'] -= 0.1 * grads['dW2']\n    dh = d @", "W1 b1"),
            ("h.T @ d", "(h > 0).T @ d", "W2"),
        ),
        "checked",
    ),
    Program(
        "mlp_sigmoid_lists",
        """
def loss(params, X, Y):
    weights, biases = params
    a = X
    for W, b in zip(weights, biases):
        a = sigmoid(a @ W + b)
    return 0.5 * np.sum((a - Y) ** 2)
def grad(params, X, Y):
    weights, biases = params
    activations = [X]
    for W, b in zip(weights, biases):
        activations.append(sigmoid(activations[-1] @ W + b))
    delta = (activations[-1] - Y) * activations[-1] * (1 - activations[-1])
    gw, gb = [None] * len(weights), [None] * len(weights)
    for layer in reversed(range(len(weights))):
        gw[layer] = activations[layer].T @ delta
        gb[layer] = delta.sum(axis=0)
        if layer > 0:
            a = activations[layer]
            delta = (delta @ weights[layer].T) * a * (1 - a)
    return gw, gb
def example():
    params = ([rng.normal(size=(3, 2)), rng.normal(size=(2, 2))], [np.zeros(2), np.zeros(2)])
    return params, rng.normal(size=(4, 3)), rng.uniform(size=(4, 2))
""",
        (
            (
                "(activations[-1] - Y) * activations[-1] * (1 - activations[-1])",
                "activations[-1] - Y",
                "params[0][0] params[0][1] params[1][0] params[1][1]",
            ),
            ("* a * (1 - a)", "* a", "params[0][0] params[1][0]"),
            ("weights[layer].T", "weights[layer]", "params[0][0] params[1][0]"),
            ("delta.sum(axis=0)", "delta.mean(axis=0)", "params[1][0] params[1][1]"),
        ),
    ),
    Program(
        "batch_norm",
        """
def loss(p, X, T):
    mu = X.mean(axis=0)
    var = X.var(axis=0)
    xhat = (X - mu) / np.sqrt(var + 1e-5)
    out = p["gamma"] * xhat + p["beta"]
    return np.sum((out - T) ** 2)
def grad(p, X, T):
    mu = X.mean(axis=0)
    var = X.var(axis=0)
    xhat = (X - mu) / np.sqrt(var + 1e-5)
    dout = 2 * (p["gamma"] * xhat + p["beta"] - T)
    return {"gamma": np.sum(dout * xhat, axis=0), "beta": np.sum(dout, axis=0)}
def example():
    return {"gamma": np.ones(3), "beta": np.zeros(3)}, rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
""",
        (
            ("dout * xhat", "dout * X", "gamma"),
            ("np.sum(dout, axis=0)", "np.mean(dout, axis=0)", "beta"),
            ("2 * (", "(", "gamma beta"),
        ),
    ),
    Program(
        "batch_norm_input",
        """
def loss(X, G, eps):
    mu = np.mean(X, axis=0)
    var = np.mean((X - mu) ** 2, axis=0)
    return np.sum(G * (X - mu) / np.sqrt(var + eps))
def grad(X, G, eps):
    N = X.shape[0]
    mu = np.mean(X, axis=0)
    var = np.mean((X - mu) ** 2, axis=0)
    std = np.sqrt(var + eps)
    xhat = (X - mu) / std
    return (G - G.mean(axis=0) - xhat * np.mean(G * xhat, axis=0)) / std
def example():
    return rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), 0.01
""",
        (
            (" - xhat * np.mean(G * xhat, axis=0)", "", "X"),
            ("G - G.mean(axis=0)", "G", "X"),
            ("G * xhat, axis=0", "G * xhat", "X"),
        ),
    ),
    Program(
        "layer_norm",
        """
def loss(g, X, T, eps):
    mu = X.mean(axis=1, keepdims=True)
    s = np.sqrt(((X - mu) ** 2).mean(axis=1, keepdims=True) + eps)
    return 0.5 * np.sum((g * (X - mu) / s - T) ** 2)
def grad(g, X, T, eps):
    mu = X.mean(axis=1, keepdims=True)
    s = np.sqrt(((X - mu) ** 2).mean(axis=1, keepdims=True) + eps)
    xhat = (X - mu) / s
    return np.sum((g * xhat - T) * xhat, axis=0)
def example():
    return rng.normal(size=4), rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), 1e-3
""",
        (("* xhat, axis=0", "* X, axis=0", "g"), ("g * xhat - T", "xhat - T", "g"), ("np.sum", "np.mean", "g")),
        "checked",
    ),
    Program(
        "embedding",
        """
def loss(E, idx, v, y):
    z = E[idx] @ v
    return np.sum((z - y) ** 2)
def grad(E, idx, v, y):
    r = 2 * (E[idx] @ v - y)
    dE = np.zeros_like(E)
    np.add.at(dE, idx, r[:, None] * v)
    return dE
def example():
    return rng.normal(size=(5, 3)), np.array([0, 2, 2, 4]), rng.normal(size=3), rng.normal(size=4)
""",
        (
            ("np.add.at(dE, idx, r[:, None] * v)", "dE[idx] = r[:, None] * v", "E"),
            ("np.add.at(dE, idx, r[:, None] * v)", "dE[idx] += r[:, None] * v", "E"),
            ("r = 2 *", "r =", "E"),
        ),
    ),
    Program(
        "skip_gram_negative",
        """
def loss(p, centre, context, negative):
    u = p["U"][centre]
    good = np.sum(p["V"][context] * u, axis=1)
    bad = np.sum(p["V"][negative] * u, axis=1)
    return -np.sum(np.log(sigmoid(good))) - np.sum(np.log(sigmoid(-bad)))
def grad(p, centre, context, negative):
    U, V = p["U"], p["V"]
    u = U[centre]
    good = (sigmoid(np.sum(V[context] * u, axis=1)) - 1)[:, None]
    bad = sigmoid(np.sum(V[negative] * u, axis=1))[:, None]
    dU, dV = np.zeros_like(U), np.zeros_like(V)
    np.add.at(dU, centre, good * V[context] + bad * V[negative])
    np.add.at(dV, context, good * u)
    np.add.at(dV, negative, bad * u)
    return {"U": dU, "V": dV}
def example():
    p = {"U": rng.normal(size=(4, 2)), "V": rng.normal(size=(4, 2))}
    return p, np.array([0, 1, 1]), np.array([2, 3, 0]), np.array([3, 2, 2])
""",
        (
            (" - 1)[:, None]", ")[:, None]", "U V"),
            ("    np.add.at(dV, negative, bad * u)\n", "", "V"),
            ("good * V[context] + bad", "good * V[context] - bad", "U"),
        ),
    ),
    Program(
        "matrix_factorisation",
        """
def loss(p, R, M, lam):
    E = M * (R - p["U"] @ p["V"].T)
    return np.sum(E**2) + lam * (np.sum(p["U"] ** 2) + np.sum(p["V"] ** 2))
def grad(p, R, M, lam):
    E = M * (R - p["U"] @ p["V"].T)
    return {"U": -2 * E @ p["V"] + 2 * lam * p["U"], "V": -2 * E.T @ p["U"] + 2 * lam * p["V"]}
def example():
    p = {"U": rng.normal(size=(4, 2)), "V": rng.normal(size=(3, 2))}
    return p, rng.normal(size=(4, 3)), (rng.uniform(size=(4, 3)) < 0.6).astype(float), 0.1
""",
        (
            ("E = M * (", "E = (", "U V"),
            ('E.T @ p["U"] + 2 * lam * p["V"]', 'E.T @ p["U"]', "V"),
            ('2 * lam * p["U"]', 'lam * p["U"]', "U"),
        ),
    ),
    Program(
        "factorisation_sgd_style",
        """
def loss(params, R):
    P, Q = params
    return 0.5 * np.linalg.norm(R - P.dot(Q)) ** 2
def grad(params, R):
    P, Q = params
    e = R - P.dot(Q)
    dP = -e.dot(Q.T)
    dQ = -P.T.dot(e)
    return dP, dQ
def example():
    return (rng.normal(size=(3, 3)), rng.normal(size=(3, 3))), rng.normal(size=(3, 3))
""",
        (
            ("e.dot(Q.T)", "e.dot(Q)", "P"),
            ("P.T.dot(e)", "P.dot(e)", "Q"),
            ("-P.T", "P.T", "Q"),
            ("    dQ =", "    P = P - 0.1 * dP\n    dQ =", "Q"),
        ),
    ),
    Program(
        "autoencoder_tied",
        """
def loss(p, X):
    h = np.tanh(X @ p["W"] + p["b"])
    R = h @ p["W"].T + p["c"]
    return 0.5 * np.sum((R - X) ** 2) / X.shape[0]
def grad(p, X):
    n = X.shape[0]
    h = np.tanh(X @ p["W"] + p["b"])
    D = (h @ p["W"].T + p["c"] - X) / n
    dh = (D @ p["W"]) * (1 - h * h)
    return {"W": X.T @ dh + D.T @ h, "b": dh.sum(0), "c": D.sum(0)}
def example():
    p = {"W": rng.normal(size=(4, 2)), "b": rng.normal(size=2), "c": rng.normal(size=4)}
    return p, rng.normal(size=(5, 4))
""",
        (
            (" + D.T @ h", "", "W"),
            ("X.T @ dh + ", "", "W"),
            ("(1 - h * h)", "(1 + h * h)", "W b"),
            ("D.sum(0)", "D.sum()*np.ones(4)", "c"),
        ),
    ),
    Program(
        "attention_single_query",
        """
def loss(q, K, V, t):
    s = K @ q / np.sqrt(q.shape[0])
    a = softmax(s)
    return 0.5 * np.sum((a @ V - t) ** 2)
def grad(q, K, V, t):
    d = q.shape[0]
    a = softmax(K @ q / np.sqrt(d))
    da = V @ (a @ V - t)
    ds = a * (da - a @ da)
    return K.T @ ds / np.sqrt(d)
def example():
    return rng.normal(size=3), rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=2)
""",
        (
            (" / np.sqrt(d)\n", "\n", "q"),
            ("a * (da - a @ da)", "a * da", "q"),
            ("a * (da - a @ da)", "a * (1 - a) * da", "q"),
            ("return K.T @ ds / np.sqrt(d)", "return K.T @ ds", "q"),
        ),
    ),
    Program(
        "self_attention",
        """
def loss(p, X, T):
    Q, K, V = X @ p["Wq"], X @ p["Wk"], X @ p["Wv"]
    A = softmax(Q @ K.T, axis=-1)
    return 0.5 * np.sum((A @ V - T) ** 2)
def grad(p, X, T):
    Q, K, V = X @ p["Wq"], X @ p["Wk"], X @ p["Wv"]
    A = softmax(Q @ K.T, axis=-1)
    D = A @ V - T
    dV = A.T @ D
    dA = D @ V.T
    dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))
    return {"Wq": X.T @ dS @ K, "Wk": X.T @ dS.T @ Q, "Wv": X.T @ dV}
def example():
    p = {k: rng.normal(size=(3, 2)) for k in ("Wq", "Wk", "Wv")}
    return p, rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
""",
        (
            ("dS.T @ Q", "dS @ Q", "Wk"),
            ("axis=-1, keepdims=True))", "axis=0, keepdims=True))", "Wq Wk"),
            ("A.T @ D", "A @ D", "Wv"),
        ),
    ),
    Program(
        "rnn",
        """
def loss(p, X, y):
    h = np.zeros(p["Wh"].shape[0])
    for t in range(X.shape[0]):
        h = np.tanh(p["Wx"] @ X[t] + p["Wh"] @ h + p["b"])
    return 0.5 * (p["v"] @ h - y) ** 2
def grad(p, X, y):
    T = X.shape[0]
    hs = [np.zeros(p["Wh"].shape[0])]
    for t in range(T):
        hs.append(np.tanh(p["Wx"] @ X[t] + p["Wh"] @ hs[-1] + p["b"]))
    g = {k: np.zeros(v.shape) for k, v in p.items()}
    e = p["v"] @ hs[-1] - y
    g["v"] = e * hs[-1]
    dh = e * p["v"]
    for t in reversed(range(T)):
        da = dh * (1 - hs[t + 1] ** 2)
        g["Wx"] += np.outer(da, X[t])
        g["Wh"] += np.outer(da, hs[t])
        g["b"] += da
        dh = p["Wh"].T @ da
    return g
def example():
    p = {"Wx": rng.normal(size=(2, 3)), "Wh": rng.normal(size=(2, 2)), "b": np.zeros(2), "v": rng.normal(size=2)}
    return p, rng.normal(size=(3, 3)), 0.7
""",
        (
            ("np.outer(da, hs[t])", "np.outer(da, hs[t + 1])", "Wh"),
            ("1 - hs[t + 1] ** 2", "1 - hs[t] ** 2", "Wx Wh b"),
            ('p["Wh"].T @ da', 'p["Wh"] @ da', "Wx Wh b"),
            ('g["b"] += da', 'g["b"] = da', "b"),
        ),
        "checked",
    ),
    Program(
        "linear_recurrence_scalar",
        """
def loss(a, x, y):
    s, total = 0.0, 0.0
    for t in range(len(x)):
        s = a * s + x[t]
        total += 0.5 * (s - y[t]) ** 2
    return total
def grad(a, x, y):
    s, ds, g = 0.0, 0.0, 0.0
    for t in range(len(x)):
        ds = s + a * ds
        s = a * s + x[t]
        g += (s - y[t]) * ds
    return g
def example():
    return 0.5, rng.normal(size=4), rng.normal(size=4)
""",
        (
            ("ds = s + a * ds", "ds = s", "a"),
            (
                "        ds = s + a * ds\n        s = a * s + x[t]",
                "        s = a * s + x[t]\n        ds = s + a * ds",
                "a",
            ),
            ("g += (s - y[t])", "g += (s - y[t - 1])", "a"),
        ),
        "checked",
    ),
    Program(
        "conv1d_loops",
        """
def loss(p, x, t):
    k = len(p["w"])
    total = 0.0
    for i in range(len(x) - k + 1):
        out = np.maximum(0, np.sum(x[i:i + k] * p["w"]) + p["b"])
        total += 0.5 * (out - t[i]) ** 2
    return total
def grad(p, x, t):
    k = len(p["w"])
    dw, db = np.zeros(k), 0.0
    for i in range(len(x) - k + 1):
        z = np.sum(x[i:i + k] * p["w"]) + p["b"]
        d = (np.maximum(0, z) - t[i]) * np.where(z > 0, 1.0, 0.0)
        dw += d * x[i:i + k]
        db += d
    return {"w": dw, "b": db}
def example():
    return {"w": rng.normal(size=3), "b": 0.1}, rng.normal(size=6), rng.normal(size=4)
""",
        (
            (" * np.where(z > 0, 1.0, 0.0)", "", "w b"),
            ("d * x[i:i + k]", "d * x[i:i + k][::-1]", "w"),
            ("db += d", "db = d", "b"),
        ),
        "checked",
    ),
    Program(
        "gmm",
        """
def loss(p, X):
    d2 = np.sum((X[:, None, :] - p["mu"][None]) ** 2, axis=2)
    logits = p["alpha"] - 0.5 * d2
    return -np.sum(logsumexp(logits, axis=1)) + X.shape[0] * logsumexp(p["alpha"])
def grad(p, X):
    d2 = np.sum((X[:, None, :] - p["mu"][None]) ** 2, axis=2)
    R = softmax(p["alpha"] - 0.5 * d2, axis=1)
    Nk = R.sum(axis=0)
    return {"alpha": X.shape[0] * softmax(p["alpha"]) - Nk, "mu": Nk[:, None] * p["mu"] - R.T @ X}
def example():
    return {"alpha": np.zeros(3), "mu": rng.normal(size=(3, 2))}, rng.normal(size=(5, 2))
""",
        (
            ('X.shape[0] * softmax(p["alpha"]) - Nk', "-Nk", "alpha"),
            ("axis=1)\n    Nk", "axis=0)\n    Nk", "alpha mu"),
            ('Nk[:, None] * p["mu"] - R.T @ X', 'R.T @ X - Nk[:, None] * p["mu"]', "mu"),
        ),
    ),
    Program(
        "gaussian_likelihood",
        """
def loss(theta, x):
    mu, log_sigma = theta
    return np.sum(log_sigma + 0.5 * ((x - mu) / np.exp(log_sigma)) ** 2)
def grad(theta, x):
    mu, log_sigma = theta
    z = (x - mu) / np.exp(log_sigma)
    return -np.sum(z) / np.exp(log_sigma), np.sum(1 - z**2)
def example():
    return (0.2, -0.1), rng.normal(size=6)
""",
        (
            ("-np.sum(z) /", "np.sum(z) /", "mu"),
            ("1 - z**2", "1 - z", "log_sigma"),
            (" / np.exp(log_sigma), np.sum", ", np.sum", "mu"),
        ),
    ),
    Program(
        "gaussian_sigma",
        """
def loss(theta, x):
    mu, sigma = theta
    return np.sum(np.log(sigma) + (x - mu) ** 2 / (2 * sigma**2))
def grad(theta, x):
    mu, sigma = theta
    return np.array([np.sum(mu - x) / sigma**2, len(x) / sigma - np.sum((x - mu) ** 2) / sigma**3])
def example():
    return np.array([0.2, 1.3]), rng.normal(size=6)
""",
        (("len(x) / sigma", "1 / sigma", "theta"), ("sigma**3", "sigma**2", "theta"), ("mu - x", "x - mu", "theta")),
        "checked",
    ),
    Program(
        "contrastive",
        """
def loss(Z, pos, tau):
    S = Z @ Z.T / tau
    n = Z.shape[0]
    L = 0.0
    for i in range(n):
        others = [S[i, j] for j in range(n) if j != i]
        L += -S[i, pos[i]] + np.log(sum(np.exp(s) for s in others))
    return L / n
def grad(Z, pos, tau):
    n = Z.shape[0]
    S = Z @ Z.T / tau
    G = np.zeros((n, n))
    for i in range(n):
        total = sum(np.exp(S[i, j]) for j in range(n) if j != i)
        for j in range(n):
            if j != i:
                G[i, j] = np.exp(S[i, j]) / total
        G[i, pos[i]] -= 1
    G /= n
    return (G + G.T) @ Z / tau
def example():
    return rng.normal(size=(4, 2)), np.array([1, 0, 3, 2]), 0.5
""",
        (("(G + G.T)", "(2 * G)", "Z"), ("@ Z / tau", "@ Z", "Z"), ("    G /= n\n", "", "Z")),
        "checked",
    ),
    Program(
        "triplet",
        """
def loss(W, a, p, n, margin):
    dp = np.sum(((a - p) @ W) ** 2, axis=1)
    dn = np.sum(((a - n) @ W) ** 2, axis=1)
    return np.mean(np.maximum(0, dp - dn + margin))
def grad(W, a, p, n, margin):
    u, v = a - p, a - n
    dp = np.sum((u @ W) ** 2, axis=1)
    dn = np.sum((v @ W) ** 2, axis=1)
    on = (dp - dn + margin > 0).astype(float)[:, None]
    return 2 * (u.T @ (on * (u @ W)) - v.T @ (on * (v @ W))) / len(a)
def example():
    return rng.normal(size=(3, 2)), rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), 1.0
""",
        (("u @ W)) - v.T", "u @ W)) + v.T", "W"), (" + margin > 0", " > 0", "W"), ("2 * (u.T", "(u.T", "W")),
    ),
    Program(
        "huber",
        """
def loss(w, X, y, delta):
    r = X @ w - y
    a = np.abs(r)
    return np.sum(np.where(a <= delta, 0.5 * r**2, delta * (a - 0.5 * delta)))
def grad(w, X, y, delta):
    r = X @ w - y
    return X.T @ np.where(np.abs(r) <= delta, r, delta * np.sign(r))
def example():
    return rng.normal(size=2), rng.normal(size=(6, 2)), 3 * rng.normal(size=6), 1.0
""",
        (
            ("delta * np.sign(r)", "delta", "w"),
            ("delta * np.sign(r)", "np.sign(r)", "w"),
            ("<= delta, r,", "<= delta, 2 * r,", "w"),
        ),
    ),
    Program(
        "quantile",
        """
def loss(w, X, y, tau):
    r = y - X @ w
    return np.mean(np.maximum(tau * r, (tau - 1) * r))
def grad(w, X, y, tau):
    r = y - X @ w
    return -X.T @ np.where(r > 0, tau, tau - 1) / len(y)
def example():
    return rng.normal(size=2), rng.normal(size=(6, 2)), rng.normal(size=6), 0.3
""",
        (("tau, tau - 1", "tau - 1, tau", "w"), ("-X.T", "X.T", "w"), ("tau - 1)", "1 - tau)", "w")),
    ),
    Program(
        "cox",
        """
def loss(beta, X, event):
    eta = X @ beta
    total = 0.0
    for i in range(len(event)):
        if event[i]:
            total -= eta[i] - np.log(np.sum(np.exp(eta[i:])))
    return total
def grad(beta, X, event):
    eta = X @ beta
    g = np.zeros(len(beta))
    for i in range(len(event)):
        if event[i]:
            w = np.exp(eta[i:])
            g -= X[i] - w @ X[i:] / np.sum(w)
    return g
def example():
    return rng.normal(size=2), rng.normal(size=(5, 2)), np.array([1, 0, 1, 1, 0])
""",
        (
            ("        if event[i]:\n            w", "        if True:\n            w", "beta"),
            ("/ np.sum(w)", "/ len(w)", "beta"),
            ("np.exp(eta[i:])", "np.exp(eta[i])*np.ones(len(eta)-i)", "beta"),
        ),
        "checked",
    ),
    Program(
        "kernel_ridge",
        """
def loss(alpha, K, y, lam):
    r = y - K @ alpha
    return 0.5 * r @ r + 0.5 * lam * alpha @ K @ alpha
def grad(alpha, K, y, lam):
    return -K @ (y - K @ alpha) + lam * K @ alpha
def example():
    A = rng.normal(size=(4, 4))
    return rng.normal(size=4), A @ A.T, rng.normal(size=4), 0.1
""",
        (
            ("lam * K @ alpha", "lam * alpha", "alpha"),
            ("-K @ (y - K @ alpha)", "-(y - K @ alpha)", "alpha"),
            (" + lam * K @ alpha", "", "alpha"),
        ),
    ),
    Program(
        "graph_laplacian",
        """
def loss(f, A, y, mask):
    D = np.diag(A.sum(axis=1))
    return f @ (D - A) @ f + np.sum((mask * (f - y)) ** 2)
def grad(f, A, y, mask):
    D = np.diag(A.sum(axis=1))
    return 2 * (D - A) @ f + 2 * mask * (f - y)
def example():
    A = np.array([[0.0, 1, 0, 2], [1, 0, 3, 0], [0, 3, 0, 1], [2, 0, 1, 0]])
    return rng.normal(size=4), A, rng.normal(size=4), np.array([1.0, 0, 0, 1])
""",
        (("mask * (f - y)", "(f - y)", "f"), ("2 * (D - A)", "(D - A)", "f"), ("(D - A)", "(D + A)", "f")),
    ),
    Program(
        "gcn_layer",
        """
def loss(W, A, X, Y):
    H = np.maximum(0, A @ X @ W)
    return 0.5 * np.sum((H - Y) ** 2)
def grad(W, A, X, Y):
    S = A @ X @ W
    D = (np.maximum(0, S) - Y) * (S > 0)
    return X.T @ A.T @ D
def example():
    return rng.normal(size=(3, 2)), rng.normal(size=(4, 4)), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
""",
        (("A.T @ D", "A @ D", "W"), (" * (S > 0)", "", "W"), ("X.T @ A.T", "X.T", "W")),
    ),
    Program(
        "masked_sequence",
        """
def loss(w, X, y, mask):
    z = X @ w
    per = mask * (np.logaddexp(0, z) - y * z)
    return per.sum() / mask.sum()
def grad(w, X, y, mask):
    z = X @ w
    d = mask * (expit(z) - y) / mask.sum()
    return np.einsum("nt,ntd->d", d, X)
def example():
    mask = np.array([[1.0, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0]])
    y = np.array([[0.0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 0, 1]])
    return rng.normal(size=2), rng.normal(size=(4, 3, 2)), y, mask
""",
        (("mask * (expit", "(expit", "w"), ("mask.sum()", "mask.size", "w"), ("- y)", "- mask * y) * mask * 0.5", "w")),
    ),
    Program(
        "label_smoothing",
        """
def loss(W, X, Y, eps):
    k = Y.shape[1]
    Q = (1 - eps) * Y + eps / k
    Z = X @ W
    return -np.mean(np.sum(Q * (Z - logsumexp(Z, axis=1)[:, None]), axis=1))
def grad(W, X, Y, eps):
    k = Y.shape[1]
    Q = (1 - eps) * Y + eps / k
    return X.T @ (softmax(X @ W, axis=1) - Q) / X.shape[0]
def example():
    return rng.normal(size=(2, 3)), rng.normal(size=(5, 2)), np.eye(3)[[0, 2, 1, 1, 0]], 0.1
""",
        (("+ eps / k", "", "W"), ("+ eps / k", "+ eps", "W"), ("- Q)", "- Y)", "W")),
    ),
    Program(
        "vae_kl",
        """
def loss(p, X):
    mu, lv = X @ p["A"], X @ p["B"]
    return -0.5 * np.sum(1 + lv - mu**2 - np.exp(lv))
def grad(p, X):
    mu, lv = X @ p["A"], X @ p["B"]
    return {"A": X.T @ mu, "B": -0.5 * X.T @ (1 - np.exp(lv))}
def example():
    return {"A": rng.normal(size=(3, 2)), "B": rng.normal(size=(3, 2))}, rng.normal(size=(4, 3))
""",
        (("X.T @ mu", "2 * X.T @ mu", "A"), ("1 - np.exp(lv)", "1 + np.exp(lv)", "B"), ("-0.5 *", "0.5 *", "B")),
    ),
    Program(
        "policy_gradient",
        """
def loss(theta, S, a, R):
    logits = S @ theta
    logp = logits - logsumexp(logits, axis=1, keepdims=True)
    return -np.mean(R * logp[np.arange(len(a)), a])
def grad(theta, S, a, R):
    p = softmax(S @ theta, axis=1)
    onehot = np.zeros_like(p)
    onehot[np.arange(len(a)), a] = 1
    return S.T @ (R[:, None] * (p - onehot)) / len(a)
def example():
    return rng.normal(size=(3, 2)), rng.normal(size=(4, 3)), np.array([0, 1, 1, 0]), rng.normal(size=4)
""",
        (("R[:, None] * ", "", "theta"), ("p - onehot", "onehot - p", "theta"), ("] = 1", "] = 0", "theta")),
    ),
    Program(
        "looped_least_squares",
        """
def loss(w, X, y):
    total = 0
    for xi, yi in zip(X, y):
        total += (np.dot(xi, w) - yi) ** 2
    return total / len(y)
def grad(w, X, y):
    g = np.zeros(len(w))
    for xi, yi in zip(X, y):
        g += 2 * (np.dot(xi, w) - yi) * xi
    return g / len(y)
def example():
    return rng.normal(size=2), rng.normal(size=(6, 2)), rng.normal(size=6)
""",
        (("g += 2", "g = 2", "w"), ("/ len(y)", "/ len(w)", "w"), ("* xi\n", "\n", "w")),
        "checked",
    ),
    Program(
        "branch_on_values",
        """
def loss(w, X, y):
    total = 0.0
    for xi, yi in zip(X, y):
        m = yi * (xi @ w)
        if m < 1:
            total += (1 - m) ** 2
    return total
def grad(w, X, y):
    g = np.zeros_like(w)
    for xi, yi in zip(X, y):
        m = yi * (xi @ w)
        if m < 1:
            g -= 2 * (1 - m) * yi * xi
    return g
def example():
    return np.zeros(2), rng.normal(size=(6, 2)), np.array([1.0, -1, 1, 1, -1, -1])
""",
        (
            ("2 * (1 - m)", "(1 - m)", "w"),
            ("* yi * xi", "* xi", "w"),
            ("if m < 1", "if m < 2", "w"),
            ("(1 - m)", "(1 - m * m)", "w"),
        ),
        "undecided",
    ),
    Program(
        "perceptron_while",
        """
def loss(a, x):
    z = a * x
    while abs(z) > 1:
        z = z / 2
    return float(np.sin(z))
def grad(a, x):
    z, s = a * x, 1.0
    while abs(z) > 1:
        z, s = z / 2, s / 2
    return float(np.cos(z) * s * x)
def example():
    return 2.3, 1.7
""",
        (("* s * x", "* x", "a"), ("np.cos(z)", "np.sin(z)", "a"), ("s / 2", "s", "a")),
        "undecided",
    ),
]
