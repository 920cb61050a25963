"""np.linalg and scipy.linalg mean on symbols what they mean on numbers, batches included."""

import numpy as np
import pytest
import scipy.linalg
import scipy.linalg as sl
from numpy.linalg import norm, slogdet, vector_norm
from scipy.spatial.distance import cdist
from support.reading import agree, declared

import symderive as sd


def spd(S, d):
    return S @ S.T + d * np.eye(d)


def batch(R, S):
    """Square matrices (m, d, d), invertible ones."""
    return R.mT @ R + 4 * np.eye(S.shape[0])


FORMULAS = {
    "inv": lambda S, d: np.linalg.inv(spd(S, d)) + np.linalg.inv(S),
    "inv of a batch": lambda R, S: np.linalg.inv(batch(R, S)),
    "inv of a transpose": lambda S: np.linalg.inv(S.T) @ np.linalg.inv(S),
    "det": lambda S: np.linalg.det(S) + np.linalg.det(S.T @ S),
    "det of a batch": lambda R, S: np.linalg.det(batch(R, S)) * R[:, 0, 0],
    "slogdet": lambda S, d: slogdet(S)[1] * slogdet(S)[0] + np.linalg.slogdet(spd(S, d)).logabsdet,
    "slogdet unpacked": lambda S: (lambda sign, value: sign * np.exp(value))(*np.linalg.slogdet(S)),
    "slogdet of a batch": lambda R, S: np.linalg.slogdet(batch(R, S)).logabsdet + np.linalg.slogdet(batch(R, S)).sign,
    "solve": lambda S, w, d: np.linalg.solve(spd(S, d), w) @ w,
    "solve a matrix": lambda S, X: np.linalg.solve(S, X.T),
    "solve a batch": lambda R, S, X: np.linalg.solve(batch(R, S), X.T) + np.linalg.solve(batch(R, S), S)[:, :, :1],
    "solve a batch of vectors": lambda R, S: np.linalg.solve(batch(R, S), R[:, 0][..., None])[..., 0],
    "matrix_power": lambda S: sum(np.linalg.matrix_power(S, k) for k in (3, 0, 1)),
    "negative power": lambda S: np.linalg.matrix_power(S, -2),
    "power of a batch": lambda R, S: np.linalg.matrix_power(batch(R, S), 2),
    "eigvalsh": lambda S: np.linalg.eigvalsh(S + S.T) + np.linalg.eigvalsh((S + S.T) / 2)[::-1],
    "eigvalsh of a batch": lambda R: np.linalg.eigvalsh(R.mT @ R)[:, -1],
    "eigh": lambda S: (lambda e: e.eigenvectors @ np.diag(e[0] ** 3) @ e[1].T)(np.linalg.eigh(S @ S.T)),
    "svd": lambda X: (lambda U, s, V: (U * s**2) @ V)(*np.linalg.svd(X, full_matrices=False)),
    "svd of a square matrix": lambda S: (lambda r: r.U @ np.diag(r.S) @ r.Vh)(np.linalg.svd(S)),
    "singular values": lambda X: np.linalg.svd(X, compute_uv=False) * np.linalg.svdvals(X)[0],
    "svd of a batch": lambda R: np.linalg.svd(R, compute_uv=False).sum(axis=-1),
    "cholesky": lambda S, d: np.linalg.cholesky(spd(S, d)),
    "cholesky, upper": lambda S, d: np.linalg.cholesky(spd(S, d), upper=True),
    "cholesky of a batch": lambda R, S: np.linalg.cholesky(batch(R, S)) + batch(R, S),
    "norms of a vector": lambda w: sum(np.linalg.norm(w, p) for p in (None, 1, 2, 3, 0.5, np.inf, -np.inf, 0, 1.5)),
    "norms of a matrix": lambda X: sum(norm(X, p) for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
    "norms along an axis": lambda X: norm(X, 3, axis=1) + norm(X, np.inf, axis=1, keepdims=True)[:, 0],
    "norms of matrices": lambda R: norm(R, "nuc", axis=(1, 2)) + norm(R, 2, (-2, -1)) + norm(R, 1, (1, 2)),
    "norms of turned matrices": lambda R: sum(norm(R, p, axis=(2, 0)) for p in (1, -1, 2, "nuc", np.inf, "fro")),
    "norms kept": lambda R: R / sum(norm(R, p, axis=(1, 2), keepdims=True) for p in (np.inf, 2, "nuc", "fro", -1)),
    "vector_norm": lambda X: vector_norm(X) + vector_norm(X, ord=1, axis=0) + vector_norm(X, ord=3, keepdims=True),
    "matrix_norm": lambda R: np.linalg.matrix_norm(R) + np.linalg.matrix_norm(R, ord="nuc"),
    "products": lambda X, S, w: np.linalg.multi_dot([X, S, w]) + np.linalg.matmul(X, S) @ w + np.linalg.vecdot(X, w),
    "matvec": lambda R, w, X: np.matvec(R, w) + np.vecmat(R[..., 0], R).sum() + np.matrix_transpose(X)[0],
    "diagflat": lambda F: np.diagflat(F[:2, :2])[:, 1] + np.diagflat(F[:2, 1:3], 1)[0, 1],
    "outer and trace": lambda w, S: np.linalg.outer(w, w) * np.linalg.trace(S) + np.linalg.matrix_transpose(S),
    "trace of a batch": lambda R: np.linalg.trace(R @ R.mT) + np.linalg.trace(R @ R.mT, offset=0),
    "cross": lambda F: np.linalg.cross(F[:, :3], F[:, 1:]),
    "tensordot": lambda X, R: np.linalg.tensordot(X, R, axes=([0, 1], [1, 2])),
    "scipy solve": lambda S, w, d: sl.solve(spd(S, d), w, assume_a="pos") + sl.inv(spd(S, d)) @ w,
    "scipy solve transposed": lambda S, w: sl.solve(S, w, transposed=True),
    "scipy norm, det": lambda S: sl.norm(S) + sl.norm(S, 1) + sl.det(S),
    "scipy cholesky": lambda S, d: sl.cholesky(spd(S, d)) + sl.cholesky(spd(S, d), lower=True),
    "cho_factor": lambda S, w, d: sl.cho_solve(sl.cho_factor(spd(S, d)), w),
    "cho_factor, lower": lambda S, X, d: sl.cho_solve(sl.cho_factor(spd(S, d), lower=True), X.T),
    "cho_solve of a cholesky factor": lambda S, w, d: sl.cho_solve((np.linalg.cholesky(spd(S, d)), True), w),
    "solve_triangular": lambda S, w, d: sl.solve_triangular(S + d * np.eye(d), w)
    + sl.solve_triangular(S + d * np.eye(d), w, lower=True)
    + sl.solve_triangular(np.linalg.cholesky(spd(S, d)), w, lower=True, trans=1)
    + sl.solve_triangular(np.linalg.cholesky(spd(S, d)), w, lower=True, trans="T")
    + sl.solve_triangular(np.linalg.cholesky(spd(S, d)).T, w, trans="N"),
    "block_diag": lambda S, X: sl.block_diag(S, X, S[:1]),
    "scipy eigh": lambda S: sl.eigh(S + S.T, eigvals_only=True) + sl.eigvalsh(S + S.T) + sl.eigh(S @ S.T)[0],
    "scipy svd": lambda X: scipy.linalg.svd(X, full_matrices=False)[1] + sl.svdvals(X) + sl.svd(X, compute_uv=False),
    "toeplitz": lambda x: sl.toeplitz(x) @ x,
    "options of SciPy": lambda S, w, d: sl.solve(spd(S, d), w, check_finite=False, overwrite_a=True),
    "distances": lambda X, Z: cdist(X, Z) + cdist(X, Z, "sqeuclidean") + cdist(X, Z, "cityblock"),
    "gaussian process": lambda X, x, n: x @ np.linalg.solve(np.exp(-cdist(X, X, "sqeuclidean")) + np.eye(n), x)
    + np.linalg.slogdet(np.exp(-cdist(X, X, "sqeuclidean")) + np.eye(n))[1],
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_linear_algebra(name):
    agree(FORMULAS[name], rtol=1e-7)


def reciprocal_trace(S, b):
    A = S + b * np.eye(S.shape[0])
    return np.trace(np.linalg.inv(A))


REFUSED = {
    "not square": (lambda X: np.linalg.inv(X), "square", "(n, d)"),
    "a vector": (lambda w: np.linalg.det(w), "matrix", "(d,)"),
    "not symmetric": (lambda S: np.linalg.eigvalsh(S), "(A + A.T) / 2"),
    "half of it": (lambda S: np.linalg.cholesky(S), "domain=sd.symmetric"),
    "assumed to be symmetric": (lambda S, w: sl.solve(S, w, assume_a="pos"), "not known"),
    "further vectors": (lambda X: np.linalg.svd(X)[0], "full_matrices=False"),
    "a general spectrum": (lambda S: np.linalg.eig(S), "np.linalg.eigh"),
    "eigenvalues": (lambda S: np.linalg.eigvals(S), "np.linalg.eigvalsh"),
    "pseudo-inverse": (lambda X: np.linalg.pinv(X), "np.linalg.inv(A.T @ A) @ A.T"),
    "least squares": (lambda X, x: np.linalg.lstsq(X, x), "np.linalg.solve(A.T @ A, A.T @ b)"),
    "rank": (lambda X: np.linalg.matrix_rank(X), "singular values"),
    "condition": (lambda S: np.linalg.cond(S), "singular values"),
    "qr": (lambda X: np.linalg.qr(X), "projection"),
    "tensorsolve": (lambda S: np.linalg.tensorinv(S), "np.reshape"),
    "expm": (lambda S: sl.expm(S), "matrix_power"),
    "sqrtm": (lambda S: sl.sqrtm(S), "matrix_power"),
    "lu": (lambda S: sl.lu_factor(S), "np.linalg.solve"),
    "generalised eigenvalues": (lambda S: sl.eigh(S + S.T, S @ S.T), "b=..."),
    "unit diagonal": (lambda S, w: sl.solve_triangular(S, w, unit_diagonal=True), "unit_diagonal"),
    "distances": (lambda X: cdist(X, X, "cosine"), "sqeuclidean"),
    "powers": (lambda S, b: np.linalg.matrix_power(S, b), "fixed integer"),
    "large powers": (lambda S: np.linalg.matrix_power(S, 65), "up to 64"),
    "norm of no order": (lambda X: np.linalg.norm(X, 3), "no order 3"),
    "vector norm of a matrix's": (lambda w: np.linalg.norm(w, "fro"), "no order"),
    "three axes": (lambda R: np.linalg.norm(R, axis=(0, 1, 2), ord=2), "norms are of"),
    "shapes": (lambda S, x: np.linalg.solve(S, x), "(d, d)", "(n,)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_says_what_to_write(name):
    function, *parts = REFUSED[name]
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    with pytest.raises(sd.SymderiveError) as caught:
        sd.read(function, **{n: declared(n) for n in names})
    for part in parts:
        assert part in str(caught.value)


def test_text_says_which_cholesky():
    K = sd.array("K", "n", "n", domain=sd.spd)
    lower = sd.read("np.linalg.cholesky(K)", K=K)
    assert sd.read("scipy.linalg.cholesky(K)", K=K).same_form(lower.T)
    assert sd.read("scipy.linalg.cholesky(K, lower=True)", K=K).same_form(lower)
    with pytest.raises(sd.ReadError, match="say which"):
        sd.read("linalg.cholesky(K)", K=K)
    solved = sd.read("scipy.linalg.cho_solve(scipy.linalg.cho_factor(K), y)", K=K, y="n")
    assert solved.shape == (sd.dims("n"),)
    assert sd.read("scipy.linalg.cho_solve((np.linalg.cholesky(K), True), y)", K=K, y="n").shape == solved.shape


def test_a_declared_matrix_is_symmetric_where_it_is_used():
    K = sd.array("K", "n", "n", domain=sd.spd)
    assert sd.read(lambda K: np.linalg.eigh(K)[0], K=K).shape == (sd.dims("n"),)
    assert sd.read(lambda K: sl.solve(K, K[0], assume_a="pos"), K=K).shape == (sd.dims("n"),)
    D = sd.array("D", "n", "n", domain=sd.lower_triangular)
    made = sd.read(lambda D, x: sl.solve_triangular(D, x, lower=True), D=D, x="n")
    assert made.same_form(np.linalg.inv(D) @ sd.array("x", "n"))
