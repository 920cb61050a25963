"""A small interpreter of nodes in floats, independent of the package's own evaluators."""

import numpy as np
import scipy.special as sc
import sympy

from symderive.language.nodes import (
    Basis,
    Contraction,
    Delta,
    Leaf,
    Map,
    Merge,
    Named,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)

FUNCTIONS = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "log2": np.log2, "log10": np.log10,
    "abs": np.abs, "sign": np.sign, "sin": np.sin, "cos": np.cos, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "arctan": np.arctan, "expit": sc.expit, "log_expit": sc.log_expit,
    "logaddexp": np.logaddexp, "maximum": np.maximum, "minimum": np.minimum, "heaviside": np.heaviside,
    "where": lambda c, x, y: np.where(c != 0, x, y),
    "lt": lambda x, y: np.asarray(x < y, float), "le": lambda x, y: np.asarray(x <= y, float),
    "eq": lambda x, y: np.asarray(x == y, float), "ne": lambda x, y: np.asarray(x != y, float),
    "xlogy": sc.xlogy, "xlog1py": sc.xlog1py, "entr": sc.entr, "rel_entr": sc.rel_entr, "kl_div": sc.kl_div,
    "power": np.power, "clip": np.clip,
    **{name: getattr(np, name) for name in (
        "exp2", "logaddexp2", "cbrt", "hypot", "tan", "arcsin", "arccos", "arctan2", "arcsinh", "arccosh", "arctanh",
        "sinc", "floor", "ceil", "trunc", "rint", "remainder", "fmod", "copysign",
    )},
    **{name: getattr(sc, name) for name in (
        "exp10", "logit", "erf", "erfc", "erfcx", "erfinv", "ndtr", "log_ndtr", "ndtri", "gamma", "rgamma", "gammaln",
        "loggamma", "digamma", "beta", "betaln", "gammainc", "gammaincc", "i0", "i1", "iv", "i0e", "i1e", "ive",
        "boxcox", "inv_boxcox", "huber", "pseudo_huber",
    )},
    "polygamma": lambda n, x: sc.polygamma(int(n), x),
    "spherical_jn": lambda n, x: sc.spherical_jn(int(n), x),
}  # fmt: skip

OPAQUE = {
    "logsumexp": lambda a: sc.logsumexp(a, axis=-1),
    "prod": lambda a: np.prod(a, axis=-1),
    "softmax": lambda a: sc.softmax(a, axis=-1),
    "log_softmax": lambda a: sc.log_softmax(a, axis=-1),
    "max": lambda a: np.max(a, axis=-1),
    "min": lambda a: np.min(a, axis=-1),
    "is_max": lambda a: np.asarray(a == np.max(a, axis=-1, keepdims=True), float),
    "is_min": lambda a: np.asarray(a == np.min(a, axis=-1, keepdims=True), float),
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "logabsdet": lambda a: np.linalg.slogdet(a)[1],
    "signdet": lambda a: np.linalg.slogdet(a)[0],
    "cholesky": lambda a: np.linalg.cholesky(_symmetric_part(a)),
    "eigvalsh": lambda a: np.linalg.eigvalsh(_symmetric_part(a)),
    "eigvecs": lambda a: np.linalg.eigh(_symmetric_part(a))[1],
    "svdvals": lambda a: np.linalg.svd(a, compute_uv=False),
    "svd_u": lambda a: np.linalg.svd(a, full_matrices=False)[0],
    "svd_vt": lambda a: np.linalg.svd(a, full_matrices=False)[2],
}


def _symmetric_part(a):
    """NumPy looks at the lower triangle; perturbed one entry at a time, a matrix moves with its symmetric part."""
    return (a + np.swapaxes(a, -1, -2)) / 2


def number(expr, sizes):
    """A SymPy number in the dimensions, at the given sizes."""
    by_name = {str(k): v for k, v in sizes.items()}
    value = sympy.sympify(expr)
    return float(value.subs({s: by_name[str(s)] for s in value.free_symbols}))


def evaluate(node, sizes, values):
    """The value of a node: sizes of the dimensions and values of the leaves by name."""
    done = {}
    for n in node.walk():
        done[n] = _evaluate(n, [done[c] for c in n.children], sizes, values)
        expected = tuple(round(number(s, sizes)) for s in n.shape)
        assert np.shape(done[n]) == expected, f"{n}: {np.shape(done[n])} is not {expected}"
    return done[node]


def _evaluate(node, children, sizes, values):
    match node:
        case Leaf():
            return np.asarray(values[node.name], float)
        case Number():
            return np.asarray(number(node.value, sizes))
        case Delta():
            return np.eye(round(number(node.dim, sizes)))
        case Range():
            return np.arange(round(number(node.dim, sizes)), dtype=float)
        case Basis():
            vector = np.zeros(round(number(node.dim, sizes)))
            vector[round(number(node.index, sizes))] = 1
            return vector
        case Slice():
            size, count, start, step = (
                round(number(v, sizes)) for v in (node.size, node.count, node.start, node.step)
            )
            matrix = np.zeros((size, count))
            matrix[start + step * np.arange(count), np.arange(count)] = 1
            return matrix
        case Merge():
            first, second = round(number(node.first, sizes)), round(number(node.second, sizes))
            return np.eye(first * second).reshape(first * second, first, second)
        case Named():
            return children[0]
        case Sum():
            return sum(number(w, sizes) * c for (w, _), c in zip(node.terms, children, strict=True))
        case Map():
            shape = tuple(round(number(s, sizes)) for s in node.shape)
            return np.broadcast_to(np.asarray(FUNCTIONS[node.function](*children), float), shape)
        case Opaque():
            return np.asarray(OPAQUE[node.function](*children))
        case Contraction():
            operands = []
            for label, dim in enumerate(node.label_dims):
                operands += [np.ones(round(number(dim, sizes))), [label]]
            for (_, labels), child in zip(node.factors, children, strict=True):
                operands += [child, list(labels)]
            product = np.einsum(*operands, list(range(node.out_rank))) if operands else np.asarray(1.0)
            return number(node.coefficient, sizes) * product
    raise AssertionError(f"no meaning for {type(node).__name__}")


def evaluate_array(array, sizes, values):
    """The value of an Array: its node, seen through its axes."""
    value = evaluate(array.node, sizes, values)
    kept = [a for a in array.axes if a is not None]
    assert sorted(kept) == list(range(value.ndim)), "every axis of the node is seen once"
    value = np.transpose(value, kept)
    return value[tuple(None if a is None else slice(None) for a in array.axes)]
