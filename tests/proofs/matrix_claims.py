"""Claims about matrices, each one function that runs on symbolic arrays and on NumPy's alike.

A claim gets a namespace ``e`` of arrays (``e.A``, ``e.n``, ...) and the few makers that NumPy's
own names cannot serve (``e.eye``, ``e.logsumexp``, ...), and returns the two sides.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import scipy.special as sc

import symderive as sd

inv, det = np.linalg.inv, np.linalg.det
eigvalsh, eigh, cholesky = np.linalg.eigvalsh, np.linalg.eigh, np.linalg.cholesky
tr, outer, diag = np.trace, np.outer, np.diag


def logdet(a):
    return np.linalg.slogdet(a)[1]


def signdet(a):
    return np.linalg.slogdet(a)[0]


def svd(a):
    return np.linalg.svd(a, full_matrices=False)


DECLARED = {
    "A": ("d d", sd.invertible), "B": ("d d", sd.invertible), "C": ("d d", sd.real), "R": ("d d", sd.real),
    "S": ("d d", sd.spd), "P": ("d d", sd.spd), "T": ("d d", sd.symmetric), "Q": ("d d", sd.orthogonal),
    "L": ("d d", sd.lower_triangular), "D": ("d d", sd.diagonal), "K": ("n n", sd.spd), "E": ("n n", sd.real),
    "X": ("n d", sd.real), "Z": ("n d", sd.real), "U": ("d m", sd.real), "W": ("m m", sd.spd),
    "v": ("d", sd.positive), "g": ("n", sd.positive), "x": ("d", sd.real), "u": ("d", sd.real),
    "y": ("n", sd.real), "z": ("n", sd.real), "h": ("m", sd.real), "b": ("", sd.real), "c": ("", sd.positive),
    "G": ("n d d", sd.real),
}  # fmt: skip
DIMS = "n d m"


def symbolic() -> SimpleNamespace:
    """The arrays as symbols."""
    dims = dict(zip(DIMS.split(), sd.dims(DIMS), strict=True))
    arrays = {
        name: sd.array(name, *(dims[k] for k in shape.split()), domain=domain)
        for name, (shape, domain) in DECLARED.items()
    }
    makers = {
        "eye": sd.eye, "ones": sd.ones, "arange": sd.arange, "logsumexp": sd.logsumexp, "softmax": sd.softmax,
        "let": sd.let,
    }  # fmt: skip
    return SimpleNamespace(**dims, **arrays, **makers)


def drawn(seed: int, n: int, d: int, m: int) -> SimpleNamespace:
    """The arrays as random numbers of their domains."""
    rng = np.random.default_rng(seed)
    sizes = {"n": n, "d": d, "m": m}
    arrays = {}
    for name, (text, domain) in DECLARED.items():
        shape = tuple(sizes[k] for k in text.split())
        a = rng.normal(size=shape)
        if domain is sd.positive:
            a = rng.uniform(0.3, 2.0, size=shape)
        elif domain is sd.spd:
            a = a @ np.swapaxes(a, -1, -2) + 0.5 * np.eye(shape[-1])
        elif domain is sd.symmetric:
            a = a + a.T
        elif domain is sd.orthogonal:
            a = np.linalg.qr(a)[0]
        elif domain is sd.lower_triangular:
            a = np.tril(a)
        elif domain is sd.diagonal:
            a = np.diag(np.diag(a))
        arrays[name] = a
    makers = {
        "eye": np.eye, "ones": np.ones, "arange": np.arange,
        "logsumexp": lambda a, axis=-1: sc.logsumexp(a, axis=axis),
        "softmax": lambda a, axis=-1: sc.softmax(a, axis=axis),
        "let": lambda name, a: a,
    }  # fmt: skip
    return SimpleNamespace(**sizes, **arrays, **makers)


def ridge(e):
    return e.X.T @ e.X + e.c * e.eye(e.d)


def blocks(e, a, b, c, d):
    return np.concatenate([np.concatenate([a, b], axis=1), np.concatenate([c, d], axis=1)], axis=0)


def batch(e):
    return e.G @ np.swapaxes(e.G, 1, 2) + e.c * e.eye(e.d)


def woodbury(e):
    inner = inv(inv(e.W) + e.U.T @ inv(e.S) @ e.U)
    return inv(e.S + e.U @ e.W @ e.U.T), inv(e.S) - inv(e.S) @ e.U @ inner @ e.U.T @ inv(e.S)


def woodbury_form(e):
    big, small = e.K + e.b**2 * e.X @ e.X.T, e.eye(e.d) + e.b**2 * e.X.T @ inv(e.K) @ e.X
    correction = e.y @ inv(e.K) @ e.X @ inv(small) @ e.X.T @ inv(e.K) @ e.y
    return e.y @ inv(big) @ e.y, e.y @ inv(e.K) @ e.y - e.b**2 * correction


TRUE = {
    # inverses
    "A A^-1": lambda e: (e.A @ inv(e.A), e.eye(e.d)),
    "A^-1 A": lambda e: (inv(e.A) @ e.A, e.eye(e.d)),
    "inverse of the inverse": lambda e: (inv(inv(e.A)), e.A),
    "inverse of a product": lambda e: (inv(e.A @ e.B), inv(e.B) @ inv(e.A)),
    "inverse of three": lambda e: (inv(e.A @ e.S @ e.B), inv(e.B) @ inv(e.S) @ inv(e.A)),
    "inverse of a multiple": lambda e: (inv(e.c * e.A), inv(e.A) / e.c),
    "inverse of a transpose": lambda e: (inv(e.A.T), inv(e.A).T),
    "symmetric inverse": lambda e: (inv(e.S).T, inv(e.S)),
    "inverse of a ridge": lambda e: (inv(ridge(e)) @ e.X.T @ e.X, e.eye(e.d) - e.c * inv(ridge(e))),
    "ridge from the right": lambda e: (e.X.T @ e.X @ inv(ridge(e)), e.eye(e.d) - e.c * inv(ridge(e))),
    "inverse of a diagonal": lambda e: (inv(diag(e.v)), diag(1 / e.v)),
    "inverse of a scaled matrix": lambda e: (inv(diag(e.v) @ e.A), inv(e.A) @ diag(1 / e.v)),
    "inverse of a multiple of 1": lambda e: (inv(3 * e.eye(e.d)), e.eye(e.d) / 3),
    "inverse of an orthogonal": lambda e: (inv(e.Q), e.Q.T),
    "inverse of orthogonal products": lambda e: (inv(e.Q @ e.S), inv(e.S) @ e.Q.T),
    "push-through": lambda e: (inv(ridge(e)) @ e.X.T, e.X.T @ inv(e.X @ e.X.T + e.c * e.eye(e.n))),
    "Woodbury": woodbury,
    "Woodbury in a form": woodbury_form,
    "Sherman-Morrison": lambda e: (
        inv(e.S + outer(e.x, e.x)),
        inv(e.S) - outer(inv(e.S) @ e.x, inv(e.S) @ e.x) / (1 + e.x @ inv(e.S) @ e.x),
    ),
    "sum of inverses": lambda e: (inv(e.S) + inv(e.P), inv(e.S) @ (e.S + e.P) @ inv(e.P)),
    "parallel sum": lambda e: (inv(inv(e.S) + inv(e.P)), e.S @ inv(e.S + e.P) @ e.P),
    "inverse by cases": lambda e: (
        np.where(e.b != 0, inv(e.S + e.b**2 * e.eye(e.d)), inv(e.S)), inv(e.S + e.b**2 * e.eye(e.d)),
    ),
    "batch of inverses": lambda e: (inv(batch(e)) @ batch(e), batch(e) @ inv(batch(e))),
    "batch of transposes": lambda e: (np.sum(det(np.swapaxes(e.G, 1, 2))), np.sum(det(e.G))),
    "Kronecker inverse": lambda e: (inv(np.kron(e.S, e.W)), np.kron(inv(e.S), inv(e.W))),
    "trace around a diagonal": lambda e: (tr(e.A @ diag(e.u) @ inv(e.A)), np.sum(e.u)),
    "solve": lambda e: (e.S @ np.linalg.solve(e.S, e.x), e.x),
    "matrix power": lambda e: (np.linalg.matrix_power(e.A, -2) @ e.A, inv(e.A)),
    # determinants
    "inverse of a Kronecker product with 1": lambda e: (
        inv(np.kron(e.S, e.eye(e.m))), np.kron(inv(e.S), e.eye(e.m)),
    ),
    "inverse of 1 in a Kronecker product": lambda e: (
        inv(np.kron(e.eye(e.m), e.S)), np.kron(e.eye(e.m), inv(e.S)),
    ),
    "det of a product": lambda e: (det(e.C @ e.R), det(e.C) * det(e.R)),
    "det of a multiple": lambda e: (det(3 * e.C), 3**e.d * det(e.C)),
    "det of the negative": lambda e: (det(-e.C) * det(-e.R), det(e.C) * det(e.R)),
    "det of a transpose": lambda e: (det(e.C.T), det(e.C)),
    "det of an inverse": lambda e: (det(inv(e.A)), 1 / det(e.A)),
    "det of 1": lambda e: (det(e.eye(e.d)), 1.0),
    "det of a diagonal": lambda e: (det(diag(e.u)), np.prod(e.u)),
    "det of a triangle": lambda e: (det(e.L), np.prod(diag(e.L))),
    "det of a Gram matrix": lambda e: (det(e.C.T @ e.C), det(e.C) ** 2),
    "det of an orthogonal": lambda e: (det(e.Q) ** 2, 1.0),
    "det of a rank-one update": lambda e: (det(e.S + outer(e.x, e.u)), det(e.S) * (1 + e.u @ inv(e.S) @ e.x)),
    "det of 1 + x x^T": lambda e: (det(e.eye(e.d) + outer(e.x, e.x)), 1 + e.x @ e.x),
    "det of a Kronecker product": lambda e: (logdet(np.kron(e.S, e.W)), e.m * logdet(e.S) + e.d * logdet(e.W)),
    "Sylvester": lambda e: (det(e.eye(e.n) + e.X @ e.X.T), det(e.eye(e.d) + e.X.T @ e.X)),
    "Sylvester with a scale": lambda e: (
        logdet(e.c * e.eye(e.n) + e.X @ e.X.T),
        logdet(e.c * e.eye(e.d) + e.X.T @ e.X) + (e.n - e.d) * np.log(e.c),
    ),
    "determinant lemma": lambda e: (
        logdet(e.K + e.X @ e.S @ e.X.T),
        logdet(e.K) + logdet(e.S) + logdet(inv(e.S) + e.X.T @ inv(e.K) @ e.X),
    ),
    "determinant lemma, uneven": lambda e: (
        det(e.S + outer(e.U @ e.h, e.u)),
        det(e.S) * (1 + e.u @ inv(e.S) @ e.U @ e.h),
    ),
    "det of a Kronecker sum": lambda e: (
        det(np.kron(e.S, e.eye(e.m)) @ np.kron(e.P, e.eye(e.m))), (det(e.S) * det(e.P)) ** e.m,
    ),
    "block diagonal": lambda e: (logdet(blocks(e, e.S, 0 * e.X.T, 0 * e.X, e.K)), logdet(e.S) + logdet(e.K)),
    "inverse of a block diagonal": lambda e: (
        inv(blocks(e, e.S, 0 * e.X.T, 0 * e.X, e.K)),
        blocks(e, inv(e.S), 0 * e.X.T, 0 * e.X, inv(e.K)),
    ),
    "block triangular": lambda e: (det(blocks(e, e.C, 0 * e.X.T, e.X, e.E)), det(e.C) * det(e.E)),
    "Schur complement": lambda e: (
        det(blocks(e, e.S, e.X.T, e.Z, e.E)), det(e.S) * det(e.E - e.Z @ inv(e.S) @ e.X.T),
    ),
    "bordered": lambda e: (
        det(np.block([[e.S, e.x[:, None]], [e.u[None, :], e.b * e.ones((1, 1))]])),
        det(e.S) * (e.b - e.u @ inv(e.S) @ e.x),
    ),
    "block inverse": lambda e: (
        inv(blocks(e, e.S, e.X.T, e.X, e.K + e.X @ inv(e.S) @ e.X.T)),
        blocks(
            e,
            inv(e.S) + inv(e.S) @ e.X.T @ inv(e.K) @ e.X @ inv(e.S),
            -inv(e.S) @ e.X.T @ inv(e.K),
            -inv(e.K) @ e.X @ inv(e.S),
            inv(e.K),
        ),
    ),
    "logdet of a product": lambda e: (logdet(e.A @ e.B), logdet(e.A) + logdet(e.B)),
    "logdet of an inverse": lambda e: (logdet(inv(e.S)), -logdet(e.S)),
    "logdet of a multiple": lambda e: (logdet(e.c * e.S), e.d * np.log(e.c) + logdet(e.S)),
    "logdet of an orthogonal": lambda e: (logdet(e.Q) + 1, 1.0),
    "log of det": lambda e: (np.log(det(e.S)), logdet(e.S)),
    "log of |det|": lambda e: (np.log(np.abs(det(e.A))), logdet(e.A)),
    "det by sign and logarithm": lambda e: (signdet(e.A) * np.exp(logdet(e.A)), det(e.A)),
    "sign of det squared": lambda e: (signdet(e.A) ** 2, 1.0),
    # eigenvalues
    "sum of eigenvalues": lambda e: (np.sum(eigvalsh(e.T)), tr(e.T)),
    "sum of squares of eigenvalues": lambda e: (np.sum(eigvalsh(e.T) ** 2), np.sum(e.T * e.T)),
    "product of eigenvalues": lambda e: (np.prod(eigvalsh(e.T)), det(e.T)),
    "sum of logarithms of eigenvalues": lambda e: (np.sum(np.log(eigvalsh(e.S))), logdet(e.S)),
    "sum of inverse eigenvalues": lambda e: (np.sum(1 / eigvalsh(e.S)), tr(inv(e.S))),
    "eigenvalues of a shift": lambda e: (eigvalsh(e.T + e.b * e.eye(e.d)), eigvalsh(e.T) + e.b),
    "logdet of a shift": lambda e: (
        np.sum(np.log(eigvalsh(e.S) + e.c)), logdet(e.S + e.c * e.eye(e.d)),
    ),
    "resolvent": lambda e: (
        eigh(e.S)[1] @ diag(1 / (eigvalsh(e.S) + e.c)) @ eigh(e.S)[1].T, inv(e.S + e.c * e.eye(e.d)),
    ),
    "trace of the resolvent": lambda e: (
        np.sum(eigvalsh(e.S) / (eigvalsh(e.S) + e.c)), tr(e.S @ inv(e.S + e.c * e.eye(e.d))),
    ),
    "orthonormal eigenvectors": lambda e: (eigh(e.T)[1] @ eigh(e.T)[1].T, e.eye(e.d)),
    "orthonormal columns": lambda e: (eigh(e.T)[1].T @ eigh(e.T)[1], e.eye(e.d)),
    "V diag V^T": lambda e: (eigh(e.T)[1] @ diag(eigvalsh(e.T)) @ eigh(e.T)[1].T, e.T),
    "V / diag V^T": lambda e: (eigh(e.S)[1] @ diag(1 / eigvalsh(e.S)) @ eigh(e.S)[1].T, inv(e.S)),
    "A V = V diag": lambda e: (e.T @ eigh(e.T)[1], eigh(e.T)[1] * eigvalsh(e.T)),
    "V^T A V": lambda e: (eigh(e.T)[1].T @ e.T @ eigh(e.T)[1], diag(eigvalsh(e.T))),
    "eigenvectors of a sum": lambda e: (
        (e.S + e.T) @ eigh(e.S + e.T)[1],
        eigh(e.S + e.T)[1] * eigvalsh(e.S + e.T),
    ),
    # singular values
    "sum of squares of singular values": lambda e: (np.sum(svd(e.X)[1] ** 2), np.sum(e.X**2)),
    "U diag V^T": lambda e: ((svd(e.X)[0] * svd(e.X)[1]) @ svd(e.X)[2], e.X),
    "orthonormal singular vectors": lambda e: (svd(e.X)[0].T @ svd(e.X)[0], svd(e.X)[2] @ svd(e.X)[2].T),
    "X V": lambda e: (e.X @ svd(e.X)[2].T, svd(e.X)[0] * svd(e.X)[1]),
    "U^T X": lambda e: (svd(e.X)[0].T @ e.X, svd(e.X)[1][:, None] * svd(e.X)[2]),
    "V s^2 V^T": lambda e: ((svd(e.X)[2].T * svd(e.X)[1] ** 2) @ svd(e.X)[2], e.X.T @ e.X),
    "U s^2 U^T": lambda e: ((svd(e.X)[0] * svd(e.X)[1] ** 2) @ svd(e.X)[0].T, e.X @ e.X.T),
    "product of singular values": lambda e: (np.sum(np.log(svd(e.A)[1])), logdet(e.A)),
    # Cholesky factor
    "L L^T": lambda e: (cholesky(e.S) @ cholesky(e.S).T, e.S),
    "logdet by Cholesky": lambda e: (2 * np.sum(np.log(diag(cholesky(e.S)))), logdet(e.S)),
    "det of the Cholesky factor": lambda e: (det(cholesky(e.S)) ** 2, det(e.S)),
    "inverse by Cholesky": lambda e: (inv(cholesky(e.S)).T @ inv(cholesky(e.S)), inv(e.S)),
    "whitening": lambda e: (inv(cholesky(e.S)) @ e.S @ inv(cholesky(e.S)).T, e.eye(e.d)),
    "Mahalanobis by Cholesky": lambda e: (np.sum((inv(cholesky(e.S)) @ e.x) ** 2), e.x @ inv(e.S) @ e.x),
    "Cholesky factor around a diagonal": lambda e: (
        tr(cholesky(e.S) @ diag(e.u) @ cholesky(e.S).T),
        np.sum(e.u * np.sum(cholesky(e.S) ** 2, axis=0)),
    ),
    "triangular factor": lambda e: (np.tril(cholesky(e.S)), cholesky(e.S)),
    "transposed triangular factor": lambda e: (np.triu(cholesky(e.S).T), cholesky(e.S).T),
    "nothing above a triangular factor": lambda e: (np.triu(cholesky(e.S), 1) + e.S, e.S),
    "nothing below a transposed factor": lambda e: (np.tril(cholesky(e.S).T, -1) + e.S, e.S),
    "triangular inverse": lambda e: (np.tril(inv(cholesky(e.S))), inv(cholesky(e.S))),
    "triangular array": lambda e: (np.tril(e.L), e.L),
    "diagonal of a triangular inverse": lambda e: (diag(inv(cholesky(e.S))), 1 / diag(cholesky(e.S))),
    # maxima
    "max of a shift": lambda e: (np.max(e.x + e.b), np.max(e.x) + e.b),
    "max of the negative": lambda e: (np.max(-e.x), -np.min(e.x)),
    "max of a multiple": lambda e: (np.max(e.c * e.x), e.c * np.max(e.x)),
    "max over rows": lambda e: (np.max(e.X + e.y[:, None], axis=1), np.max(e.X, axis=1) + e.y),
    "where it is largest": lambda e: (
        np.sum((e.x == np.max(e.x)) * e.x),
        np.max(e.x) * np.sum(e.x == np.max(e.x)),
    ),
    "mask of a shift": lambda e: (1.0 * (e.c * e.x + e.b == np.max(e.c * e.x + e.b)), 1.0 * (e.x == np.max(e.x))),
    "mask by comparison": lambda e: (1.0 * (e.x >= np.max(e.x)), 1.0 * (e.x == np.max(e.x))),
    "mask of the others": lambda e: (1.0 * (np.max(e.x) > e.x), 1.0 - (e.x == np.max(e.x))),
    "mask of the smallest": lambda e: (1.0 * (e.x <= np.min(e.x)), 1.0 * (-e.x == np.max(-e.x))),
    "log-sum-exp by its maximum": lambda e: (e.logsumexp(e.x - np.max(e.x)) + np.max(e.x), e.logsumexp(e.x)),
    "softmax by the maximum": lambda e: (e.softmax(e.x - np.max(e.x)), e.softmax(e.x)),
    # slices, stacks, running sums
    "slice of a slice": lambda e: (np.cumsum(e.y)[:-1][::-1][::-1], np.cumsum(e.y)[:-1]),
    "slice of the reversed": lambda e: (e.y[::-1][1:], e.y[:-1][::-1]),
    "every other of the later": lambda e: (e.arange(2 * e.n)[1:][::2], 1.0 + 2 * e.arange(e.n)),
    "reversed twice": lambda e: (e.y[::-1][::-1], e.y),
    "sum of the reversed": lambda e: (np.sum(e.y[::-1] * e.z), np.sum(e.y * e.z[::-1])),
    "stack and take": lambda e: (np.concatenate([e.y, e.h])[e.n :], e.h),
    "function of a stack": lambda e: (
        np.tanh(np.concatenate([e.y, e.h]) + e.b),
        np.concatenate([np.tanh(e.y + e.b), np.tanh(e.h + e.b)]),
    ),
    "logarithm of a stack": lambda e: (np.log(np.concatenate([e.g, e.v])), np.concatenate([np.log(e.g), np.log(e.v)])),
    "first of a stack": lambda e: (np.concatenate([e.y, e.h])[0], e.y[0]),
    "last of a stack": lambda e: (np.concatenate([e.y, e.h])[-1], e.h[-1]),
    "sum over a stack with zeros": lambda e: (
        np.sum(np.exp(np.concatenate([0 * e.y, e.h]))),
        e.n + np.sum(np.exp(e.h)),
    ),
    "indices of a stack": lambda e: (
        e.arange(e.n + e.m) @ np.concatenate([e.y, e.h]),
        e.arange(e.n) @ e.y + (e.n + e.arange(e.m)) @ e.h,
    ),
    "telescope": lambda e: (np.sum(np.diff(np.concatenate([e.y, e.h]))), e.h[-1] - e.y[0]),
    "norm of a stack": lambda e: (np.sum(np.concatenate([e.y, e.h]) ** 2), np.sum(e.y**2) + np.sum(e.h**2)),
    "log-sum-exp of a stack": lambda e: (
        e.logsumexp(np.concatenate([e.y, e.h])),
        np.logaddexp(e.logsumexp(e.y), e.logsumexp(e.h)),
    ),
    "reversed indices": lambda e: (1.0 * e.arange(e.n)[::-1], e.n - 1.0 - e.arange(e.n)),
    "last running sum": lambda e: (np.cumsum(e.y)[-1], np.sum(e.y)),
    "sum of running sums": lambda e: (np.sum(np.cumsum(e.y)), np.sum((e.n - e.arange(e.n)) * e.y)),
    "running sums from both ends": lambda e: (
        np.cumsum(e.y) + np.cumsum(e.y[::-1])[::-1], np.sum(e.y) + e.y,
    ),
    "rolled": lambda e: (np.sum(np.roll(e.y, 1) ** 2), np.sum(e.y**2)),
    "mean of the largest": lambda e: (np.sum((e.x == np.max(e.x)) * e.x) / np.sum(e.x == np.max(e.x)), np.max(e.x)),
    "two triangles": lambda e: (np.triu(e.E, 1) + np.tril(e.E), e.E),
    "squares in triangles": lambda e: (np.sum(np.tril(e.E, -1) ** 2) + np.sum(np.triu(e.E) ** 2), np.sum(e.E**2)),
    "diagonal above the diagonal": lambda e: (np.sum(np.tril(e.E, 1) - np.tril(e.E)), tr(e.E[:-1, 1:])),
    "diagonal below the diagonal": lambda e: (
        np.sum(np.triu(e.E, -1) * np.tril(e.E, -1)),
        np.sum(diag(e.E[1:, :-1]) ** 2),
    ),
    "transposed triangle": lambda e: (np.tril(e.E).T, np.triu(e.E.T)),
    "triangle of a triangle": lambda e: (np.triu(np.tril(e.E)), diag(diag(e.E))),
    "flattened": lambda e: (np.exp(e.X).ravel(), np.exp(e.X.ravel())),
    "flattened and back": lambda e: (e.X.ravel().reshape(e.n, e.d), e.X),
    "norm of a Kronecker product": lambda e: (np.sum(np.kron(e.y, e.h) ** 2), np.sum(e.y**2) * np.sum(e.h**2)),
    "mixed product": lambda e: (np.kron(e.E, e.C) @ np.kron(e.y, e.x), np.kron(e.E @ e.y, e.C @ e.x)),
    "trace of a Kronecker product": lambda e: (tr(np.kron(e.E, e.C)), tr(e.E) * tr(e.C)),
}
"""Claims that hold at every point of the domains, for every size."""


def shifted(e):
    return e.K + e.b**2 * e.eye(e.n)


DIFFERENTIALS = {
    "log|det|": ("C", lambda e: logdet(e.C), lambda e, d: tr(inv(e.C) @ d.C), "det(C) != 0"),
    "det": ("C", lambda e: det(e.C), lambda e, d: det(e.C) * tr(inv(e.C) @ d.C), "det(C) != 0"),
    "det of A X B": (
        "C",
        lambda e: det(e.A @ e.C @ e.B),
        lambda e, d: det(e.A @ e.C @ e.B) * tr(inv(e.C) @ d.C),
        "det(A @ C @ B) != 0",
    ),
    "det of X^T X": (
        "X",
        lambda e: det(e.X.T @ e.X),
        lambda e, d: 2 * det(e.X.T @ e.X) * tr(inv(e.X.T @ e.X) @ e.X.T @ d.X),
        "det(X.T @ X) != 0",
    ),
    "log det of X^T K X": (
        "X",
        lambda e: logdet(e.X.T @ e.K @ e.X),
        lambda e, d: 2 * tr(inv(e.X.T @ e.K @ e.X) @ e.X.T @ e.K @ d.X),
        "!= 0",
    ),
    "det of a square": (
        "C",
        lambda e: det(e.C @ e.C),
        lambda e, d: 2 * det(e.C) ** 2 * tr(inv(e.C) @ d.C),
        "det(C @ C) != 0",
    ),
    "inverse": ("A", lambda e: inv(e.A), lambda e, d: -inv(e.A) @ d.A @ inv(e.A), ""),
    "a^T X^-1 b": (
        "A",
        lambda e: e.x @ inv(e.A) @ e.u,
        lambda e, d: -np.sum(outer(inv(e.A).T @ e.x, inv(e.A) @ e.u) * d.A),
        "",
    ),
    "tr(B X^-1 C)": (
        "A",
        lambda e: tr(e.R @ inv(e.A) @ e.C),
        lambda e, d: -tr(inv(e.A) @ e.C @ e.R @ inv(e.A) @ d.A),
        "",
    ),
    "tr((X + A)^-1)": (
        "C",
        lambda e: tr(inv(e.C + e.S)),
        lambda e, d: -tr(inv(e.C + e.S) @ inv(e.C + e.S) @ d.C),
        "det(C + S) != 0",
    ),
    "tr((X^T K X)^-1 S)": (
        "X",
        lambda e: tr(inv(e.X.T @ e.K @ e.X + e.S) @ e.P),
        lambda e, d: (
            -2
            * tr(
                inv(e.X.T @ e.K @ e.X + e.S) @ e.P @ inv(e.X.T @ e.K @ e.X + e.S) @ e.X.T @ e.K @ d.X
            )
        ),
        "",
    ),
    "Gaussian process": (
        "b",
        lambda e: e.y @ inv(shifted(e)) @ e.y + logdet(shifted(e)),
        lambda e, d: 2 * e.b * d.b * (tr(inv(shifted(e))) - np.sum((inv(shifted(e)) @ e.y) ** 2)),
        "",
    ),
    "ridge fit": (
        "c",
        lambda e: e.y @ e.X @ inv(ridge(e)) @ e.X.T @ e.y,
        lambda e, d: -d.c * np.sum((inv(ridge(e)) @ e.X.T @ e.y) ** 2),
        "",
    ),
    "Gaussian in its covariance": (
        "S",
        lambda e: logdet(e.S) + e.x @ inv(e.S) @ e.x,
        lambda e, d: tr(inv(e.S) @ d.S) - e.x @ inv(e.S) @ d.S @ inv(e.S) @ e.x,
        "",
    ),
    "log det by Cholesky": (
        "S",
        lambda e: 2 * np.sum(np.log(diag(cholesky(e.S)))),
        lambda e, d: tr(inv(e.S) @ d.S),
        "",
    ),
    "sum of logarithms of eigenvalues": (
        "S",
        lambda e: np.sum(np.log(eigvalsh(e.S))),
        lambda e, d: tr(inv(e.S) @ d.S),
        "!= 0",
    ),
    "sum of eigenvalues": ("S", lambda e: np.sum(eigvalsh(e.S)), lambda e, d: tr(d.S), "!= 0"),
    "nuclear norm": (
        "X",
        lambda e: np.sum(svd(e.X)[1]),
        lambda e, d: np.sum((svd(e.X)[0] @ svd(e.X)[2]) * d.X),
        "> 0",
    ),
    "maximum": ("x", lambda e: np.max(e.x), lambda e, d: np.sum((e.x == np.max(e.x)) * d.x), "> 0"),
    "tr X^3": ("C", lambda e: tr(e.C @ e.C @ e.C), lambda e, d: 3 * tr(e.C @ e.C @ d.C), ""),
}
"""A function, its change along a direction of one array, and what the conditions of the claim end with."""


def singular(e):
    return e.X.T @ e.X


FALSE = {
    "det of a sum": lambda e: (det(e.S + e.P), det(e.S) + det(e.P)),
    "inverse of a sum": lambda e: (inv(e.S + e.P), inv(e.S) + inv(e.P)),
    "inverse in the wrong order": lambda e: (inv(e.A @ e.B), inv(e.A) @ inv(e.B)),
    "inverse not transposed": lambda e: (inv(e.A.T), inv(e.A)),
    "conjugated diagonal": lambda e: (e.A @ diag(e.v) @ inv(e.A), diag(e.v)),
    "entrywise square of an inverse": lambda e: (e.A @ inv(e.A) ** 2, inv(e.A)),
    "inverse of the entrywise square": lambda e: (e.A @ inv(e.A) ** 2, e.eye(e.d)),
    "eigenvectors around a diagonal": lambda e: (eigh(e.T)[1] @ diag(e.u) @ eigh(e.T)[1].T, diag(e.u)),
    "sum of products, first factor taken": lambda e: (det(e.A @ e.C + e.R @ e.B), det(e.A + e.R) * det(e.B)),
    "sum of products, second factor taken": lambda e: (det(e.A @ e.C + e.R @ e.B), det(e.A + e.R) * det(e.C)),
    "A^-1 B A": lambda e: (inv(e.A) @ e.B @ e.A, e.B),
    "det of a multiple without its power": lambda e: (det(3 * e.C), 3 * det(e.C)),
    "det of the negative": lambda e: (det(-e.C), -det(e.C)),
    "det of X^T S X of rectangles": lambda e: (det(e.X.T @ e.K @ e.X), det(e.X.T @ e.X) * det(e.K)),
    "wrong side of a ridge": lambda e: (inv(ridge(e)) @ e.X.T, e.X.T @ inv(e.X @ e.X.T + 2 * e.c * e.eye(e.n))),
    "inverse of an invertible is no transpose": lambda e: (inv(e.A), e.A.T),
    "logdet of a multiple": lambda e: (logdet(e.c * e.S), np.log(e.c) + logdet(e.S)),
    "logarithm of det": lambda e: (np.exp(logdet(e.A)), det(e.A)),
    "det of an orthogonal is 1": lambda e: (det(e.Q), 1.0),
    "sum of singular values": lambda e: (np.sum(svd(e.A)[1]), tr(e.A)),
    "sum of squares of eigenvalues": lambda e: (np.sum(eigvalsh(e.T) ** 2), tr(e.T) ** 2),
    "eigenvectors turned": lambda e: (eigh(e.T)[1].T @ diag(eigvalsh(e.T)) @ eigh(e.T)[1], e.T),
    "eigenvalues of a sum": lambda e: (eigvalsh(e.S + e.P), eigvalsh(e.S) + eigvalsh(e.P)),
    "U U^T of a thin factor": lambda e: (svd(e.X)[0] @ svd(e.X)[0].T, e.eye(e.n)),
    "V^T V of a thin factor": lambda e: (svd(e.X)[2].T @ svd(e.X)[2], e.eye(e.d)),
    "L^T L": lambda e: (cholesky(e.S).T @ cholesky(e.S), e.S),
    "Cholesky factor of the wrong half": lambda e: (np.triu(cholesky(e.S)), cholesky(e.S)),
    "diagonal of an inverse": lambda e: (diag(inv(e.S)), 1 / diag(e.S)),
    "inverse by Cholesky, turned": lambda e: (inv(cholesky(e.S)) @ inv(cholesky(e.S)).T, inv(e.S)),
    "max of a real multiple": lambda e: (np.max(e.b * e.x), e.b * np.max(e.x)),
    "max of a sum": lambda e: (np.max(e.x + e.u), np.max(e.x) + np.max(e.u)),
    "mask of the negative": lambda e: (1.0 * (-e.x == np.max(-e.x)), 1.0 * (e.x == np.max(e.x))),
    "reversed sum": lambda e: (np.sum(e.y[::-1] * e.z), np.sum(e.y * e.z)),
    "stack the other way": lambda e: (
        np.concatenate([e.y, e.h])[::-1],
        np.concatenate([e.y[::-1], e.h[::-1]]),
    ),
    "running sum without itself": lambda e: (np.sum(np.cumsum(e.y)), np.sum((e.n - 1 - e.arange(e.n)) * e.y)),
    "triangles that overlap": lambda e: (np.triu(e.E) + np.tril(e.E), e.E),
    "squares in triangles that overlap": lambda e: (
        np.sum(np.tril(e.E) ** 2) + np.sum(np.triu(e.E) ** 2),
        np.sum(e.E**2),
    ),
    "flattened by columns": lambda e: (e.E.T.ravel(), e.E.ravel()),
    "Kronecker in the wrong order": lambda e: (np.kron(e.y, e.h), np.kron(e.h, e.y)),
    "Kronecker det without its powers": lambda e: (logdet(np.kron(e.S, e.W)), logdet(e.S) + logdet(e.W)),
    "det of blocks as of numbers": lambda e: (
        det(blocks(e, e.S, e.X.T, e.X, e.K)), det(e.S) * det(e.K) - det(e.X.T @ e.X),
    ),
    "blocks with a gap": lambda e: (
        det(np.pad(blocks(e, e.S, 0 * e.X.T, 0 * e.X, e.K), (0, 1))), det(e.S) * det(e.K),
    ),
    "squared logarithms of eigenvalues": lambda e: (np.sum(np.log(eigvalsh(e.S)) ** 2), logdet(e.S)),
    "eigenvalues squared and shifted": lambda e: (
        np.sum(np.log(eigvalsh(e.S) ** 2 + 1)), logdet(e.S + e.eye(e.d)),
    ),
    "block inverse without the complement": lambda e: (
        inv(blocks(e, e.S, e.X.T, 0 * e.X, e.K)), blocks(e, inv(e.S), e.X.T, 0 * e.X, inv(e.K)),
    ),
    "batch mixed up": lambda e: (inv(np.sum(batch(e), axis=0)), np.sum(inv(batch(e)), axis=0)),
    "batch of determinants": lambda e: (np.sum(det(e.G)), det(np.sum(e.G, axis=0))),
    "Woodbury with a wrong sign": lambda e: (woodbury(e)[0], 2 * inv(e.S) - woodbury(e)[1]),
    "Sherman-Morrison without its 1": lambda e: (
        inv(e.S + outer(e.x, e.x)),
        inv(e.S) - outer(inv(e.S) @ e.x, inv(e.S) @ e.x) / (e.x @ inv(e.S) @ e.x),
    ),
}
"""Claims that look like laws and fail somewhere."""

INEQUALITIES = {
    "quadratic form": lambda e: (e.x @ e.S @ e.x, ">=", 0.0),
    "inverse quadratic form": lambda e: (e.y @ inv(shifted(e)) @ e.y, ">=", 0.0),
    "form of a sum": lambda e: (e.x @ (e.S + outer(e.u, e.u)) @ e.x, ">=", e.x @ e.S @ e.x),
    "det of a definite matrix": lambda e: (det(e.S), ">", 0.0),
    "det of a ridge": lambda e: (det(ridge(e)), ">", 0.0),
    "det of a Gram matrix": lambda e: (det(e.X.T @ e.X), ">=", 0.0),
    "trace of a product of definite matrices": lambda e: (np.sum(e.S * e.P), ">=", 0.0),
    "eigenvalues": lambda e: (eigvalsh(e.S), ">", 0.0),
    "nuclear norm": lambda e: (np.sum(svd(e.X)[1]), ">=", 0.0),
    "Cauchy-Schwarz": lambda e: ((e.x @ e.u) ** 2, "<=", (e.x @ e.x) * (e.u @ e.u)),
    "Cauchy-Schwarz of images": lambda e: (
        ((e.X @ e.x) @ (e.X @ e.u)) ** 2, "<=", np.sum((e.X @ e.x) ** 2) * np.sum((e.X @ e.u) ** 2),
    ),
    "Cauchy-Schwarz of matrices": lambda e: (tr(e.X.T @ e.Z) ** 2, "<=", np.sum(e.X**2) * np.sum(e.Z**2)),
    "the maximum bounds entries": lambda e: (e.x, "<=", np.max(e.x)),
    "the minimum bounds entries": lambda e: (e.x, ">=", np.min(e.x)),
    "the maximum bounds the mean": lambda e: (np.max(e.x), ">=", np.mean(e.x)),
    "the maximum bounds weighted means": lambda e: (np.sum(e.v * e.x) / np.sum(e.v), "<=", np.max(e.x)),
}
"""Inequalities that hold at every point of the domains, for every size."""

NO_INEQUALITIES = {
    "form of a symmetric matrix": lambda e: (e.x @ e.T @ e.x, ">=", 0.0),
    "form of two vectors": lambda e: (e.x @ e.S @ e.u, ">=", 0.0),
    "det of a symmetric matrix": lambda e: (det(e.T), ">=", 0.0),
    "Gram matrix of a thin matrix": lambda e: (det(e.X @ e.X.T), ">", 0.0),
    "Cauchy-Schwarz without a factor": lambda e: ((e.x @ e.u) ** 2, "<=", e.x @ e.x),
    "Cauchy-Schwarz the other way": lambda e: ((e.x @ e.u) ** 2, ">=", (e.x @ e.x) * (e.u @ e.u)),
    "form over a mixed batch": lambda e: (
        np.einsum("ki,kij,lij,lj->", e.X, inv(batch(e)), inv(batch(e)), e.X), ">=", 0.0,
    ),
    "sum": lambda e: (np.sum(e.x), ">", 0.0),
    "a little stronger": lambda e: ((1 + 1e-9) * (e.x @ e.u) ** 2, "<=", (e.x @ e.x) * (e.u @ e.u)),
    "the mean bounds the maximum": lambda e: (np.max(e.x), "<=", np.mean(e.x)),
    "weights of any sign": lambda e: (e.u @ e.x, "<=", np.max(e.x) * np.sum(e.u)),
    "maximum of another array": lambda e: (e.u, "<=", np.max(e.x)),
}
"""Inequalities that fail somewhere."""

CONDITIONAL = {
    "C C^-1": (lambda e: (e.C @ inv(e.C), e.eye(e.d)), "!="),
    "inverse of the inverse": (lambda e: (inv(inv(e.C)), e.C), "!="),
    "det of an inverse": (lambda e: (det(inv(e.C)) * det(e.C), 1.0), "!="),
    "Gram matrix of rank at most n": (lambda e: (inv(singular(e)) @ singular(e), e.eye(e.d)), "!="),
    "Cholesky of a symmetric matrix": (lambda e: (cholesky(e.T) @ cholesky(e.T).T, e.T), ">"),
    "inverse of a real diagonal": (lambda e: (inv(diag(e.u)) @ diag(e.u), e.eye(e.d)), "!="),
}
"""Claims that are right where both sides exist, and the relation that one side needs and the other does not."""
