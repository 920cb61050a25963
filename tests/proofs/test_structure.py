"""What matrices are shown to be: tables of what must be seen, and random matrices on which nothing false is said."""

from __future__ import annotations

import random

import numpy as np
import pytest

import symderive as sd
from symderive.calculus.signs import sign_of, structure
from symderive.language import build
from symderive.language.arrays import as_array
from symderive.language.nodes import Number
from symderive.language.statements import Relation
from tests.proofs.expressions import node_of
from tests.proofs.matrix_claims import cholesky, det, diag, drawn, eigh, eigvalsh, inv, outer, svd, symbolic, tr

SIZES = [(4, 3, 2), (2, 3, 4), (3, 3, 3), (3, 2, 2), (5, 1, 2)]
E = symbolic()
CLOSE = 1e-7


def is_psd(a):
    return bool(np.allclose(a, a.T) and np.linalg.eigvalsh(a).min() >= -CLOSE * (1 + np.abs(a).max()))


HOLDS = {
    "symmetric": lambda a: bool(np.allclose(a, a.T)),
    "psd": is_psd,
    "pd": lambda a: is_psd(a) and np.linalg.eigvalsh(a).min() > 1e-13 * np.abs(a).max(),
    "invertible": lambda a: np.linalg.cond(a) < 1e13,
    "diagonal": lambda a: bool(np.allclose(a, diag(diag(a)))),
    "lower": lambda a: bool(np.allclose(a, np.tril(a))),
    "upper": lambda a: bool(np.allclose(a, np.triu(a))),
    "orthogonal": lambda a: bool(np.allclose(a @ a.T, np.eye(len(a)))),
}


def kernel(e):
    return np.exp(-((e.y[:, None] - e.y[None, :]) ** 2) / (2 * e.c**2))


SHOWN = {
    "Gram": (lambda e: e.X.T @ e.X, "psd"),
    "Gram of the other side": (lambda e: e.X @ e.X.T, "psd"),
    "weighted Gram": (lambda e: e.X.T @ diag(e.g) @ e.X, "psd"),
    "congruence": (lambda e: e.X.T @ e.K @ e.X, "psd"),
    "congruence by an invertible matrix": (lambda e: e.B.T @ e.S @ e.B, "pd"),
    "long congruence": (lambda e: (e.B @ e.Q).T @ e.S @ (e.B @ e.Q), "pd"),
    "Gram of an invertible matrix": (lambda e: e.A @ e.A.T, "pd"),
    "weighted Gram of an invertible matrix": (lambda e: e.A.T @ diag(e.v) @ e.A, "pd"),
    "ridge": (lambda e: e.X.T @ e.X + e.c * e.eye(e.d), "pd"),
    "shifted": (lambda e: e.S / e.c + e.b**2 * e.eye(e.d), "pd"),
    "positive diagonal": (lambda e: diag(e.v), "pd diagonal"),
    "diagonal": (lambda e: diag(e.u), "diagonal"),
    "outer product": (lambda e: outer(e.x, e.x), "psd"),
    "rank-one update": (lambda e: e.S + outer(e.x, e.x), "pd"),
    "inverse": (lambda e: inv(e.S), "pd"),
    "inverse of an invertible": (lambda e: inv(e.A), "invertible"),
    "inverse of a Gram and ridge": (lambda e: inv(e.X.T @ e.X + e.c * e.eye(e.d)), "pd"),
    "Schur product": (lambda e: e.S * e.P, "pd"),
    "Schur product with positive vectors": (lambda e: outer(e.v, e.v) * e.S, "pd"),
    "Cholesky factor": (lambda e: cholesky(e.S), "lower invertible"),
    "triangle": (lambda e: np.tril(e.C), "lower"),
    "upper triangle": (lambda e: np.triu(e.C, 1), "upper"),
    "product of triangles": (lambda e: e.L @ np.tril(e.C), "lower"),
    "eigenvectors": (lambda e: eigh(e.T)[1], "orthogonal"),
    "product of orthogonals": (lambda e: e.Q @ eigh(e.T)[1].T, "orthogonal"),
    "product of invertibles": (lambda e: e.A @ e.S @ e.Q, "invertible"),
    "A + A^T": (lambda e: e.C + e.C.T, "symmetric"),
    "AB + (AB)^T": (lambda e: e.C @ e.R + e.R.T @ e.C.T, "symmetric"),
    "S T S": (lambda e: e.S @ e.T @ e.S, "symmetric"),
    "Kronecker product": (lambda e: np.kron(e.S, e.W), "pd"),
    "kernel of distances": (kernel, "psd"),
    "kernel of distances of rows": (
        lambda e: np.exp(-np.sum((e.X[:, None, :] - e.X[None, :, :]) ** 2, axis=2) / 2), "psd",
    ),
    "kernel of products": (lambda e: np.exp(e.X @ e.X.T), "psd"),
    "kernel and noise": (lambda e: kernel(e) + e.c * e.eye(e.n), "pd"),
    "polynomial kernel": (lambda e: (e.X @ e.X.T + 1) ** 2, "psd"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_what_must_be_seen_is_seen_and_true(name):
    expression, wanted = SHOWN[name]
    found = structure(node_of(expression(E)))
    assert set(wanted.split()) <= found
    for seed, sizes in enumerate(SIZES):
        value = expression(drawn(seed, *sizes))
        for what in found:
            assert HOLDS[what](value), (what, sizes)


NOT_SHOWN = {
    "difference of definite matrices": (lambda e: e.S - e.P, "psd"),
    "negative": (lambda e: -e.S, "psd"),
    "product of definite matrices": (lambda e: e.S @ e.P, "symmetric"),
    "Gram of a thin matrix": (lambda e: e.X @ e.X.T, "invertible"),
    "congruence by a rectangle": (lambda e: e.X.T @ e.K @ e.X, "pd"),
    "weighted by reals": (lambda e: e.X.T @ diag(e.y) @ e.X, "psd"),
    "sum of invertibles": (lambda e: e.A + e.B, "invertible"),
    "sum of orthogonals": (lambda e: e.Q + e.Q.T, "orthogonal"),
    "real diagonal": (lambda e: diag(e.u), "invertible"),
    "shift by a real": (lambda e: e.S + e.b * e.eye(e.d), "psd"),
    "kernel of the wrong sign": (lambda e: np.exp((e.y[:, None] - e.y[None, :]) ** 2), "psd"),
    "kernel of two arrays": (lambda e: np.exp(-((e.y[:, None] - e.z[None, :]) ** 2)), "symmetric"),
    "centring": (lambda e: e.eye(e.d) - e.ones((e.d, e.d)) / e.d, "invertible"),
    "kernel scaled on one side": (lambda e: np.exp(e.X @ e.X.T + e.y[:, None]), "psd"),
    "kernel of sums": (lambda e: np.exp(-((e.y[:, None] + e.y[None, :]) ** 2)), "psd"),
    "transposed triangle": (lambda e: e.L.T, "lower"),
    "triangle above the diagonal": (lambda e: np.tril(e.C, 1), "lower"),
    "U of a thin factor": (lambda e: svd(e.X)[2], "orthogonal"),
    "entrywise square": (lambda e: e.T**2, "psd"),
    "scaled on one side": (lambda e: diag(e.v) @ e.S, "symmetric"),
    "fourth powers of distances": (lambda e: np.exp(-((e.y[:, None] - e.y[None, :]) ** 4)), "psd"),
}


@pytest.mark.parametrize("name", NOT_SHOWN)
def test_what_fails_somewhere_is_not_shown(name):
    expression, what = NOT_SHOWN[name]
    assert what not in structure(node_of(expression(E)))


def test_given_relations_say_what_a_matrix_is():
    zero = Number(sd.language.nodes.ZERO)
    positive = (Relation(eigvalsh(E.T)[0].node, ">", zero),)
    assert "pd" in structure(E.T.node, positive)
    assert "pd" not in structure(E.T.node, (Relation(eigvalsh(E.T)[0].node, ">=", zero),))
    assert "psd" in structure(E.T.node, (Relation(eigvalsh(E.T)[0].node, ">=", zero),))
    assert "pd" not in structure(E.T.node, (Relation(eigvalsh(E.T)[1].node, ">", zero),))
    assert "invertible" in structure(E.C.node, (Relation(det(E.C).node, "<", zero),))


SIGNS = {
    "quadratic form": (lambda e: e.x @ e.S @ e.x, "0+"),
    "inverse quadratic form": (lambda e: e.x @ inv(e.S) @ e.x, "0+"),
    "Gram form": (lambda e: e.x @ e.X.T @ e.X @ e.x, "0+"),
    "trace of a form": (lambda e: tr(e.X @ e.S @ e.X.T), "0+"),
    "trace of a product": (lambda e: np.sum(e.S * e.P), "0+"),
    "trace": (lambda e: tr(e.S), "+"),
    "det": (lambda e: det(e.S), "+"),
    "det of a Gram matrix": (lambda e: det(e.X.T @ e.X), "0+"),
    "det of an invertible": (lambda e: det(e.A), "nonzero"),
    "det of a real matrix": (lambda e: det(e.C), "unknown"),
    "eigenvalues": (lambda e: eigvalsh(e.S), "+"),
    "smallest eigenvalue": (lambda e: eigvalsh(e.S)[0], "+"),
    "eigenvalues of a symmetric": (lambda e: eigvalsh(e.T), "unknown"),
    "singular values": (lambda e: svd(e.X)[1], "0+"),
    "maximum of positive": (lambda e: np.max(e.v), "+"),
    "minimum of positive": (lambda e: np.min(e.v), "+"),
    "maximum of reals": (lambda e: np.max(e.x), "unknown"),
    "form of a symmetric": (lambda e: e.x @ e.T @ e.x, "unknown"),
    "form of two vectors": (lambda e: e.x @ e.S @ e.u, "unknown"),
    "slice of positive": (lambda e: e.g[::-1], "+"),
    "flattened positive": (lambda e: np.exp(e.X).ravel(), "+"),
    "first of nonzero": (lambda e: np.exp(e.X)[0], "+"),
}


def test_eigenvalues_of_what_is_not_symmetric_have_no_sign():
    assert sign_of(build.opaque("eigvalsh", E.A.node)) == "unknown"


@pytest.mark.parametrize("name", SIGNS)
def test_signs_of_array_functions(name):
    expression, wanted = SIGNS[name]
    assert sign_of(node_of(as_array(expression(E)))) == wanted


# -- random matrices ------------------------------------------------------------------------

BASE = (
    lambda e: e.A, lambda e: e.B, lambda e: e.C, lambda e: e.S, lambda e: e.P, lambda e: e.T, lambda e: e.Q,
    lambda e: e.L, lambda e: e.D, lambda e: diag(e.v), lambda e: diag(e.u), lambda e: e.X.T @ e.X,
    lambda e: outer(e.x, e.x), lambda e: outer(e.v, e.x), lambda e: e.eye(e.d), lambda e: e.X.T @ e.K @ e.X,
    lambda e: np.tril(e.C), lambda e: np.triu(e.C), lambda e: e.ones((e.d, e.d)),
)  # fmt: skip


def random_matrix(rng: random.Random, depth: int):
    """A function of the namespace that makes a d by d matrix."""
    if depth == 0:
        return rng.choice(BASE)
    a, b = random_matrix(rng, depth - 1), random_matrix(rng, rng.randrange(depth))
    return rng.choice(
        (
            lambda e: a(e) + b(e),
            lambda e: a(e) - b(e),
            lambda e: a(e) @ b(e),
            lambda e: a(e) * b(e),
            lambda e: a(e).T,
            lambda e: a(e).T @ a(e),
            lambda e: b(e).T @ a(e) @ b(e),
            lambda e: b(e) @ a(e) @ b(e),
            lambda e: a(e) + a(e).T,
            lambda e: e.c * a(e),
            lambda e: e.b * a(e),
            lambda e: diag(e.v) @ a(e),
            lambda e: e.v[:, None] * a(e) * e.v,
            lambda e: a(e) + e.eye(e.d),
            lambda e: np.exp(a(e)),
            lambda e: a(e) ** 2,
            lambda e: a(e) @ e.Q,
        )
    )


@pytest.mark.parametrize("batch", range(8))
def test_nothing_false_is_said_of_random_matrices(batch):
    said = 0
    for seed in range(40 * batch, 40 * batch + 40):
        matrix = random_matrix(random.Random(seed), 1 + seed % 3)
        node = node_of(as_array(matrix(E)))
        found = structure(node)
        said += bool(found)
        for draw, sizes in enumerate(SIZES[:4]):
            with np.errstate(over="ignore", invalid="ignore"):
                value = matrix(drawn(draw, *sizes))
            if not np.all(np.isfinite(value)) or np.abs(value).max() > 1e8:
                continue
            for what in found - {"pd", "invertible"}:
                assert HOLDS[what](value), (seed, what, sizes)
            if "pd" in found or "invertible" in found:
                singular = np.linalg.svd(value, compute_uv=False)
                assert singular[-1] > 1e-16 * singular[0], (seed, sizes)
    assert said > 10


def test_a_batch_is_known_matrix_by_matrix():
    gram = np.swapaxes(E.G, 1, 2) @ E.G
    assert "psd" in structure(node_of(gram))
    assert "pd" in structure(node_of(gram + E.eye(E.d)))
    assert sign_of(node_of(det(gram + E.eye(E.d)))) == "+"
    assert "psd" not in structure(node_of(E.G @ E.G))
    definite = inv(gram + E.eye(E.d))
    mixed = np.einsum("ki,kij,lij,lj->", E.X, definite, definite, E.X)  # the batch is summed on both sides: no form
    assert sign_of(node_of(mixed)) == "unknown"
    assert sign_of(node_of(np.einsum("ki,kij,kj->", E.X, definite, E.X))) == "0+"
    assert build.opaque("det", node_of(gram)).shape == (E.n.node.value,)
