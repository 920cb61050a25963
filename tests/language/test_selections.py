"""Indices, stacks, reshapes and running sums mean what NumPy means by them."""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.evaluate import evaluate_array
from support.reading import LABELS, SHAPES, SIZES, agree, declared, numbers, shape_of

import symderive as sd

# -- indices ---------------------------------------------------------------------------------------

INDICES = {
    "head and tail": lambda x: x[1:].sum() * x[:-1] + x[:2].sum() + x[-3:].sum(),
    "steps": lambda x, w: x[::2].sum() + x[1::2].sum() + w[::-1] * w[::-2].sum() + x[-1:0:-2].sum(),
    "both sides": lambda X: X[1:-1, :2].sum(axis=1) + X[0, -2:].sum(),
    "symbolic ends": lambda x, k, n: x[: n - 1].sum() + x[k:].sum() * x[-k:].sum()
    + x[: n - k].sum() + x[n - k :].sum(),
    "halves": lambda X, n: X[: n // 2].sum(axis=0) - X[n // 2 :].mean(axis=0) + X[(n - 1) // 2],
    "symbolic integer": lambda x, k, n: x[k - 1] + x[n - 1] * x[-k],
    "slices of slices": lambda x: x[1:][:-1] * x[2:].sum() + x[1:][::2][0] + x[::-1][1:-1],
    "of a transpose": lambda X: X.T[1:, 0] + X.T[:-1, -1],
    "ellipsis": lambda R: R[..., 0].sum() + R[0, ..., 1:].sum(axis=-1) + R[..., 1, :].sum(),
    "new axes": lambda X: X[:, None, 1:] * X[None, :, :-1],
    "literal": lambda F: F[1:, ::3] + F[:2, [0, 2]] * F[-1, 3],
    "lists": lambda F, g: F[[2, 0]] * g + F[:, [3, 1]].sum() + F[[0, 1], [3, -1]].sum() + g[[1, 1, 2]].sum(),
    "counted lists": lambda g, x: g[[1, 2, 3]] + x[[0, 1]].sum(),
    "boolean lists": lambda F: F[[True, False, True]][:, [False, True, True, False]],
    "tuples": lambda F: F[(1, 2)] + F[(0,)].sum() + F[[0, 1]][0, 2],
    "gather": lambda w, u: w[u] ** 2,
    "gather rows": lambda X, t: X[t] + X[t, 0][:, None],
    "gather columns": lambda X, u: X[:, u] + X[0, u],
    "gather pairs": lambda X, n, d, t: X[t, np.arange(n) * 0].sum() + X[np.arange(1, n), np.arange(1, n) * 0].sum(),
    "one a row": lambda L, y, n: L[np.arange(n), y] + L[np.arange(n), y].mean(),
    "some rows": lambda L, y, n: L[np.arange(n - 1), y[1:]] + L[np.arange(1, n), y[:-1]],
    "even rows": lambda L, y: L[np.arange(2) * 2, y[:2]],
    "crossed": lambda X, t, u: X[t[:, None], u] * X[t][:, u] + X[np.ix_([0, 1], [1, 0])].sum(),
    "crossed the other way": lambda X, t, u: X[t[None, :], u[:, None]],
    "matrix of indices": lambda w, i: w[i] + w[i.T].sum(),
    "rows by a matrix": lambda S, i: S[i] + S[i, 0][..., None],
    "scalar index": lambda w, X, j: w[j] * X[:, j],
    "index and slice": lambda R, u: R[:, 1:, u] + R[..., u][:, 1:].sum(),
    "separated": lambda R, u, m: R[np.arange(m), :, u],
    "index before an integer": lambda R, u: R[:, 0, u],
    "index, slice, integer": lambda C, h: C[0, :, h] + C[1][:, h].T,
    "an ellipsis for nothing": lambda X, t: X[None, 0, ..., [0, 1]].sum(axis=0) + X[t, ..., 0].sum() + X[0, 1, ...],
    "with None": lambda X, u: X[None, :, u] + X[:, u][None],
    "None between": lambda X, t, u: X[t[:, None], None, u],
    "shifted": lambda w, u, d: np.sum(w[d - 1 - u] + w[np.minimum(u + 1, d - 1)] + w[(u + 1) % d]),
    "cases of indices": lambda x, t, n: x[np.where(t > 2, t, 0)] + x[np.maximum(t, 0)] * x[np.minimum(t, t[::-1])],
    "distances": lambda x, n: x[np.abs(np.arange(n)[:, None] - np.arange(n))],
    "composed": lambda x, t: x[t][t] + x[t[t]],
    "index made by stacking": lambda w, u: w[np.concatenate([u, u[:1]])] + w[np.stack([u, u])].sum(),
    "take": lambda X, t, w, u: np.take(X, t, axis=0).sum() + np.take(w, u) + w.take(u) + X.take(0, axis=1).sum(),
    "take_along_axis": lambda L, y: np.take_along_axis(L, y[:, None], axis=1) * 2,
    "take_along_axis 0": lambda X, w, d: np.take_along_axis(X, np.arange(d)[None, :] * 0, axis=0) + w,
    "one-hot rows": lambda y, k, L: np.eye(k)[y] * L,
    "one-hot comparison": lambda y, k, L: ((y[:, None] == np.arange(k)) * L).sum(axis=1),
    "as integers": lambda x, L, y, n: L[np.arange(n), (y * 1.0).astype(int)] + (2 * x).astype(int) + x.astype(bool),
    "masks as integers": lambda F, g: F[(F[:, 0] > 0).astype(int)] + F[(F[:, 0] > 0) * 1] + (g > 0).astype(float),
    "number indices": lambda x: x[np.int64(1)] + x[np.array(0)] + x[np.array([0, 2])].sum(),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_indices(name):
    agree(INDICES[name])


JOINS = {
    "concatenate": lambda x, w: np.concatenate([x, w, x[:1]]),
    "concatenate 1": lambda X, x: np.concatenate([x[:, None], X, X[:, :1]], axis=1),
    "concatenate -1": lambda R: np.concatenate([R, R[..., :2]], axis=-1),
    "of one": lambda X: np.concatenate([X]) + np.stack([X])[0],
    "stack": lambda x, z: np.stack([x, z]) @ np.stack([x, z], axis=1),
    "stack -1": lambda X, Z: np.stack([X, Z, X * Z], axis=-1),
    "stack of numbers": lambda b, c: np.stack([b, c * b, 2.0]),
    "hstack": lambda x, w, X: np.hstack([x, w]).sum() * np.hstack([X, x[:, None]]),
    "hstack of numbers": lambda b, x: np.hstack([b, x, 1]),
    "vstack": lambda X, w, Z: np.vstack([X, w, Z]),
    "column_stack": lambda x, X, n: np.column_stack([np.ones(n), x, X]),
    "dstack": lambda X, Z, x: np.dstack([X, Z])[:, 0] + np.dstack([x, x]).sum(),
    "append": lambda x, b, X, w: np.append(x, b).sum() * np.append(X, w[None], axis=0),
    "c_ and r_": lambda x, X, b, w: np.c_[x, X] @ np.r_[b, w],
    "block": lambda S, b, w: np.block([[S, w[:, None]], [w, b]]),
    "block of rows": lambda x, w: np.block([x, w, 1.0]),
    "pad": lambda x, X: np.pad(x, 2).sum() + np.pad(X, ((1, 0), (0, 2))) + np.pad(X, (1, 0))[:, :-1].sum(),
    "pad by dimensions": lambda x, k, n: np.pad(x, (k, 1)) + np.pad(x[: n - k], (2 * k, 1)),
    "lists": lambda x, b, c: np.array([b, c, b * c]) @ np.array([[1, b], [0, 2], [c, 0.5]]) + np.array([x, x]).sum(),
    "nested lists": lambda f: np.array([[[f[0], 1], [2, f[1]]], [[0, f[2]], [3, 4]]]),
    "split": lambda F, x, k: np.split(F, 2, axis=1)[1] * np.split(F, [1, 2])[0].sum() + np.split(x, [k])[1].sum(),
    "array_split": lambda g: np.array_split(g, 3)[0] * np.array_split(g, 3)[2] + np.array_split(g, [1])[1][0],
    "hsplit, vsplit": lambda F: np.hsplit(F, 2)[0] @ np.hsplit(F, [2])[1].T + np.vsplit(F, [2])[1].sum(),
    "unpacked": lambda F, f: sum(a * b for a, b in zip(np.vsplit(F, 3), f, strict=True)).sum(),
    "insert": lambda x, X: np.insert(x, 0, 1.0).sum() * np.insert(X, 1, 2, axis=1) + np.insert(x, -1, 3)[0],
    "insert a column": lambda X, x: np.insert(X, 0, x, axis=1) + np.insert(X, X.shape[1], 1, axis=1),
    "delete": lambda x, X: np.delete(x, 0).sum() * np.delete(X, 1, axis=1).sum() + np.delete(x, -1).sum(),
    "roll": lambda x, X: np.roll(x, 1) * np.roll(x, -2) + np.roll(X, 1, axis=0).sum(axis=1) * np.roll(x, 0),
    "flip": lambda x, X: np.flip(x) + np.flip(X).sum() + np.flipud(X)[:, 0] + np.fliplr(X)[:, 0] + np.flip(X, 1)[:, 1],
    "rot90": lambda F: np.rot90(F) @ np.rot90(F, 3).T + np.rot90(F, 2).sum() * np.rot90(F, 0).T @ F,
    "diff": lambda x, X: np.diff(x) * np.diff(x, n=2).sum() + np.diff(X, axis=0).sum() + np.diff(X).sum(),
    "ediff1d": lambda x: np.ediff1d(x),
    "trapezoid": lambda x, z, X: np.trapezoid(x) + np.trapezoid(x, z) + np.trapezoid(X, dx=0.5, axis=0).sum(),
    "convolve": lambda x, f: np.convolve(x, f)[:-2] + np.convolve(x, f, "same") + np.convolve(f, x, "valid").sum(),
    "convolve by numbers": lambda x: np.convolve(x, np.array([1, -2, 1]), "valid"),
    "polyval": lambda f, x: np.polyval(f, x) + np.polyval([1, 2], x),
    "vander": lambda x: np.vander(x, 3) @ np.vander(x, 3, increasing=True).T,
    "meshgrid": lambda x, w: np.meshgrid(x, w)[0] * np.meshgrid(x, w)[1] + np.meshgrid(x, w, indexing="ij")[0].T,
    "broadcast_arrays": lambda x, w: np.multiply(*np.broadcast_arrays(x[:, None], w)),
    "linspace": lambda b, c: np.linspace(b, c, 5) + np.linspace(0, 1, 5, endpoint=False) * np.linspace(0, c, 5),
    "cross": lambda F, f: np.cross(F[:, :3], f) + np.cross(f, F[0, :3]),
}  # fmt: skip


@pytest.mark.parametrize("name", JOINS)
def test_joins(name):
    agree(JOINS[name])


RESHAPES = {
    "flatten": lambda X: X.reshape(-1) * np.ravel(X) + X.flatten().sum() + X.ravel()[0],
    "back": lambda X, n, d: X.reshape(-1).reshape(n, d) + X.reshape((n * d,)).reshape((n, -1)),
    "transposed": lambda X: X.T.reshape(-1) * np.reshape(X.T, -1),
    "joined": lambda R, m, n, d: R.reshape(m * n, d) @ R.reshape(m, n * d).reshape(-1, d).T,
    "axes of one": lambda X, n, d: X.reshape(n, 1, d)[:, 0] + X.reshape(1, n, d, 1)[0, ..., 0] + X[None].squeeze(),
    "literal": lambda C: C.reshape(6, 4).T @ C.reshape(2, 12).reshape(6, 4) + C.reshape(4, 6).sum() + C.reshape(-1)[5],
    "taken apart": lambda F: F.reshape(3, 2, 2).sum(axis=1) + F.reshape(-1, 2, 3).sum() + F.reshape(4, 3)[1].sum(),
    "columns": lambda x, X: (X.T @ x.reshape(-1, 1)).reshape(-1) + x.reshape(1, -1) @ X,
    "kron": lambda F, S, x, w: np.kron(F[:2], S).sum() + np.kron(S, F[:, :1].T @ F[:, :1]).sum() * np.kron(x, w),
    "kron of matrices": lambda S, F: np.kron(S, F[:2]),
    "repeat": lambda x, X, k: np.repeat(x, 3) + np.repeat(x, 3) * 2 + np.repeat(X, k, axis=0).sum(),
    "repeat columns": lambda X: np.repeat(X, 2, axis=1) + X.repeat(2, axis=1),
    "repeat a made axis": lambda x, X, k: np.repeat(X[:, None, :], k, axis=1).sum(axis=2) * np.repeat(
        x[:, None] + X.mean(axis=1, keepdims=True), k, axis=1
    ) + np.repeat(x[None], 3, axis=0).sum() + np.repeat(X[:, None, :], 2, axis=2).sum(),
    "tile": lambda x, k: np.tile(x, 2) + np.tile(x, 2)[::-1] + np.tile(x, k).sum(),
    "tile a matrix": lambda X, w: np.tile(X, (2, 3)).sum(axis=1) * 2 + np.tile(X, 2).sum() + np.tile(w, (3, 1)).sum(),
    "broadcast_to": lambda w, n, d, X: np.broadcast_to(w, (n, d)) * X + np.broadcast_to(2.0 * w, X.shape),
    "atleast": lambda b, x, X: np.atleast_1d(b) * np.atleast_2d(x) + np.atleast_2d(X).sum() + np.atleast_3d(x).sum(),
    "like": lambda X: np.full_like(X, 2.5) + np.ones_like(X) * np.zeros_like(X[0]) + np.full_like(X.T, 3).sum(),
    "squeeze": lambda K, x: np.squeeze(K, axis=1) * x + K.squeeze(axis=-1),
    "moveaxis": lambda R: np.moveaxis(R, -1, 0) + np.swapaxes(np.moveaxis(R, 0, 1), 0, 2),
    "mT": lambda R, X: R.mT.sum(axis=1) * 2 + np.sum(R.swapaxes(1, 2), axis=1) + X.mT.sum(),
}  # fmt: skip


@pytest.mark.parametrize("name", RESHAPES)
def test_reshapes(name):
    agree(RESHAPES[name])


REDUCTIONS = {
    "max": lambda X, x: np.max(X) + X.max(axis=0) * np.max(X, axis=1, keepdims=True) + x.max() + np.amax(x),
    "min": lambda X, R: np.min(X) + X.min(axis=1) + np.amin(R, axis=(0, 2)) + R.min(axis=-1, keepdims=True).sum(),
    "ptp": lambda X: np.ptp(X) + np.ptp(X, axis=0),
    "max of rows of a transpose": lambda X: X.T.max(axis=1) - X.T[:, None].max(axis=(1, 2)),
    "shifted maximum": lambda X: X - X.max(axis=1, keepdims=True),
    "python": lambda x, b: max(x) + min(x) + max(b, 0.5, -b) + min([b, 1]) + sum(x),
    "reduce": lambda X: np.maximum.reduce(X, axis=1) + np.minimum.reduce(X)[0] + np.add.reduce(X)[0],
    "accumulate": lambda X: np.add.accumulate(X) + np.multiply.accumulate(X, axis=1) / 7,
    "cumsum": lambda x, X: np.cumsum(x)[:, None] * np.cumsum(X, axis=0) + X.cumsum(axis=1) + x.cumsum()[::-1][:, None],
    "cumprod": lambda x, X: np.cumprod(x) + X.cumprod(axis=-1).sum(axis=1),
    "any and all": lambda X, x: (X > 1).any(axis=1) * 1.0 + np.all(X > -2, axis=1) * x + np.any(x > 5) + np.all(x < 9),
    "counts": lambda X: np.count_nonzero(X > 0) + np.count_nonzero(X > 0, axis=1) * 1.0 + np.sum(X > 0),
    "cov": lambda X: np.cov(X.T) + np.cov(X, rowvar=False, bias=True) + np.cov(X, rowvar=False, ddof=0),
    "corrcoef": lambda X: np.corrcoef(X.T),
    "var": lambda X, x: np.var(X, axis=1, ddof=1) + np.std(x, ddof=1) + X.std(axis=1, keepdims=True)[:, 0],
    "triangles": lambda S, X: np.tril(S) @ np.triu(S, 1) + np.tril(S, -1) + np.triu(X).sum() + np.tril(X, 1).sum(),
    "of a batch": lambda R: np.tril(R) + np.triu(R, -1) * 2,
    "tri": lambda X, n, d: np.tri(n, d) * X + np.tri(n, d, -1) * X + np.tri(n) @ X,
    "diagonals": lambda S, w: np.diag(S) * w + np.diag(S, 1).sum() + np.diagonal(S, -1).sum() + np.diag(w) @ np.diag(w),
    "diagonal matrices": lambda w, S: np.diag(w, 1)[:-1, 1:] + np.diag(w, -2)[2:, :-2] + np.diag(np.diag(S)),
    "traces": lambda S, R: np.trace(S) + np.trace(S, offset=1) + np.trace(R @ R.mT, axis1=1, axis2=2).sum(),
    "diagonal of a batch": lambda R: np.diagonal(R @ R.mT, axis1=-2, axis2=-1) + np.linalg.diagonal(R @ R.mT),
    "literal diagonals": lambda F: np.diagonal(F) + np.diag(F, 1) + np.trace(F, offset=-1) + np.trace(F, 2),
    "eye": lambda S, n, d, X: np.eye(d, k=1) @ S + np.eye(d, d) + np.eye(n, d).sum() + np.sum(np.eye(n, d, -1) * X),
    "sum over slices": lambda x: np.sum((x[1:] - x[:-1]) ** 2) + np.mean(x[::2]) + np.prod(x[:2]),
    "sum of masks": lambda x: np.sum((x > 0) | (x < -1)) + np.mean(x > 0) + ((x > 0) + (x > -1)).sum(),
    "without NaN": lambda x, X: np.nansum(X, axis=1) + np.nanmean(x) + np.nanmax(X) * np.nan_to_num(x) + np.nanstd(X),
    "mask arithmetic": lambda x: (x > 0) * x + (x > 0) * (x < 1) * 2.0 - (x > 0.5) * 1 + np.abs(x > 0),
    "cox": lambda x, z: np.sum(x - np.log((np.exp(x) * (z[None, :] >= z[:, None])).sum(axis=1))),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name):
    agree(REDUCTIONS[name])


TEXTS = {
    "L[np.arange(n), y]": lambda L, y, n: L[np.arange(n), y],
    "np.eye(k)[y] * L": lambda L, y, k: np.eye(k)[y] * L,
    "np.take_along_axis(L, y[:, None], axis=1)": lambda L, y: np.take_along_axis(L, y[:, None], axis=1),
    "x[1:] - x[:-1]": lambda x: x[1:] - x[:-1],
    "X[:n-1] @ w": lambda X, w, n: X[: n - 1] @ w,
    "np.sum(x[:n // 2]) + x[n // 2:].mean()": lambda x, n: np.sum(x[: n // 2]) + x[n // 2 :].mean(),
    "x[-k:] @ x[:k]": lambda x, k: x[-k:] @ x[:k],
    "F[[2, 0]][:, ::-2]": lambda F: F[[2, 0]][:, ::-2],
    "np.c_[np.ones(n), X] @ np.r_[b, w]": lambda X, w, b, n: np.c_[np.ones(n), X] @ np.r_[b, w],
    "np.array([[b, 1], [c, b]]) @ np.array([c, 2])": lambda b, c: np.array([[b, 1], [c, b]]) @ np.array([c, 2]),
    "np.block([[S, w[:, None]], [w[None, :], np.ones((1, 1))]])": lambda S, w: np.block(
        [[S, w[:, None]], [w[None, :], np.ones((1, 1))]]
    ),
    "np.split(x, [1, 3])[1]": lambda x: np.split(x, [1, 3])[1],
    "np.tile(x, 2)[n:] + np.repeat(x, 2)[::2]": lambda x, n: np.tile(x, 2)[n:] + np.repeat(x, 2)[::2],
    "X.max(axis=1) - X.min(axis=1) + np.ptp(X, axis=1)": lambda X: 2 * np.ptp(X, axis=1),
    "np.any(X > 1, axis=0) * w + max(w) - min(w)": lambda X, w: np.any(X > 1, axis=0) * w + max(w) - min(w),
    "np.diag(S, 1) * np.diag(S, k=-1) + S.trace() + np.trace(S, 1)": lambda S: np.diag(S, 1) * np.diag(S, -1)
    + np.trace(S) + np.trace(S, 1),
    "np.convolve(x, f, 'same') + np.polyval([1, 2, 3], x)": lambda x, f: np.convolve(x, f, "same")
    + np.polyval([1, 2, 3], x),
    "np.insert(x, 0, 1)[:-1] + np.delete(np.insert(x, 0, 1), 0)": lambda x: np.insert(x, 0, 1)[:-1] + x,
    "np.cumsum(x) + x.cumprod() + np.flip(x) + np.roll(x, 1)": lambda x: np.cumsum(x) + np.cumprod(x) + x[::-1]
    + np.roll(x, 1),
    "np.eye(n, d, k=1) * X + np.tri(n, d) * X + np.eye(d)[0]": lambda X, n, d: np.eye(n, d, k=1) * X + np.tri(n, d) * X
    + np.eye(d)[0],
    "np.linspace(0, b, 3) + np.vander(f, 3)[0]": lambda b, f: np.linspace(0, b, 3) + np.vander(f, 3)[0],
    "np.cross(f, F[0, :3])": lambda f, F: np.cross(f, F[0, :3]),
    "np.pad(X, ((1, 0), (0, 2)))": lambda X: np.pad(X, ((1, 0), (0, 2))),
    "np.trapezoid(x, z) + np.cov(X.T)[0, 0] + np.corrcoef(X, rowvar=False)[0, 1]": lambda x, z, X: np.trapezoid(x, z)
    + np.cov(X.T)[0, 0] + np.corrcoef(X.T)[0, 1],
    "w[j] + w[y[0]] * 0": lambda w, j: w[j],
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_text_and_function_and_numpy(text):
    function = TEXTS[text]
    read = agree(function)
    scope = {name: declared(name) for name in (*SHAPES, *LABELS) if name in text.replace("np.", "")}
    scope |= {"k": sd.dims("k")} if "k" in text else {}
    made = sd.read(text.replace(" + w[y[0]] * 0", ""), **scope)
    for at in SIZES:
        point = numbers(at)
        expected = evaluate_array(read, at, point)
        np.testing.assert_allclose(evaluate_array(made, at, point), expected, rtol=1e-10, atol=1e-12)


# -- at random ----------------------------------------------------------------------------------------

ENDS = st.one_of(st.none(), st.integers(-4, 4))
KEYS = st.one_of(
    st.integers(-4, 3),
    st.builds(slice, ENDS, ENDS, st.sampled_from([None, 1, 2, 3, -1, -2])),
    st.none(),
    st.just(Ellipsis),
    st.lists(st.integers(-4, 3), min_size=1, max_size=3),
)


def _at_most_one_ellipsis(keys):
    lengths = {len(k) for k in keys if isinstance(k, list)}
    return sum(k is Ellipsis for k in keys) <= 1 and len(lengths) <= 1


@settings(max_examples=250, deadline=None)
@given(st.lists(KEYS, max_size=4).filter(_at_most_one_ellipsis), st.sampled_from([("n", "d"), (5, 4), ("n", 5, 4)]))
def test_random_indices(keys, shape):
    at = {"n": 11, "d": 12}
    values = np.arange(np.prod([at.get(s, s) for s in shape]), dtype=float).reshape([at.get(s, s) for s in shape])
    symbols = sd.array("A", *shape)
    try:
        expected = values[tuple(keys)]
    except IndexError:
        with pytest.raises(sd.ShapeError):
            symbols[tuple(keys)]
        return
    assume(expected.size)
    np.testing.assert_array_equal(evaluate_array(symbols[tuple(keys)], at, {"A": values}), expected)
    assert symbols[tuple(keys)].ndim == expected.ndim


@settings(max_examples=60, deadline=None)
@given(st.lists(KEYS.filter(lambda k: not isinstance(k, list)), max_size=3).filter(_at_most_one_ellipsis))
def test_random_indices_that_are_empty_raise(keys):
    values = np.zeros((5, 4))
    symbols = sd.array("A", 5, 4)
    try:
        expected = values[tuple(keys)]
    except IndexError:
        return
    if expected.size:
        assert evaluate_array(symbols[tuple(keys)], {}, {"A": values}).shape == expected.shape
    else:
        with pytest.raises(sd.ShapeError, match="empty"):
            symbols[tuple(keys)]


GATHERED = st.sampled_from(
    ["u", "u[:, None]", "u[None, :]", "i", "i[0]", "j", "[1, 0, 2]", "[[1], [0]]", ":", "1:", "0", "None", "::-1"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(GATHERED, min_size=1, max_size=4))
def test_random_gathers(parts):
    """Arrays of indices of several shapes, crossed with slices, integers and new axes."""
    text = f"lambda B, u, i, j: B[{', '.join(parts)}]"
    function = eval(text)  # our own text
    dims = {"n": 4}
    indices = {"u": (3,), "i": ("n", 3), "j": ()}
    rng = np.random.default_rng(len(text))
    point = {name: rng.integers(0, 5, size=tuple(dims.get(s, s) for s in shape)) for name, shape in indices.items()}
    point["B"] = rng.normal(size=(5, 5, 5))
    scope = {name: sd.array(name, *shape, domain=sd.integers(0, 4)) for name, shape in indices.items()}
    scope["B"] = sd.array("B", 5, 5, 5)
    try:
        expected = function(**point)
    except IndexError:
        with pytest.raises(sd.SymderiveError):
            function(**scope)
        return
    made = function(**scope)
    np.testing.assert_array_equal(evaluate_array(made, dims, point), expected)
    assert made.ndim == np.ndim(expected)


SHAPED = st.sampled_from([("n", "d"), ("n",), (2, "n"), (6, 4), ("n", 1, "d"), (2, 3, 4), (1, "n")])


@settings(max_examples=80, deadline=None)
@given(SHAPED, st.data())
def test_random_reshapes(shape, data):
    at = {"n": 6, "d": 4}
    n, d = sd.dims("n d")
    target = data.draw(
        st.sampled_from(
            {
                ("n", "d"): [(n * d,), (-1,), (d, n), (1, n, d), (n, 1, d), (n, d, 1), (n, -1), (-1, d)],
                ("n",): [(n, 1), (1, n), (-1,), (1, -1, 1)],
                (2, "n"): [(2 * n,), (n, 2), (-1,), (2, n, 1)],
                (6, 4): [(24,), (4, 6), (3, 8), (2, 3, 4), (2, 12), (8, -1), (6, 2, 2), (-1, 1, 24)],
                ("n", 1, "d"): [(n, d), (n * d,), (1, n * d), (n, d, 1)],
                (2, 3, 4): [(6, 4), (2, 12), (24,), (4, 6), (3, 8), (4, 3, 2), (-1, 4)],
                (1, "n"): [(n,), (n, 1), (1, 1, n)],
            }[shape]
        )
    )
    values = np.random.default_rng(0).normal(size=[at.get(s, s) for s in shape])
    fixed = {n.value: at["n"], d.value: at["d"]}
    sizes = [s if isinstance(s, int) else int(s.node.value.subs(fixed)) for s in target]
    expected = values.reshape(sizes)
    symbols = sd.array("A", *shape)
    try:
        made = symbols.reshape(*target)
    except sd.UnsupportedError:
        assert (shape, target) in [((2, "n"), (n, 2))]
        return
    np.testing.assert_array_equal(evaluate_array(made, at, {"A": values}), expected)


@pytest.mark.parametrize("seed", range(6))
def test_random_pieces_put_together(seed):
    """Cutting an axis anywhere and joining the pieces gives the array."""
    rng = np.random.default_rng(seed)
    X = sd.array("X", "n", "d")
    axis = int(rng.integers(0, 2))
    places = sorted(rng.choice(np.arange(1, 5), size=2, replace=False).tolist())
    made = np.concatenate(np.split(X, places, axis=axis), axis=axis)
    values = rng.normal(size=(7, 9))
    np.testing.assert_array_equal(evaluate_array(made, {"n": 7, "d": 9}, {"X": values}), values)


# -- slices that would be cut short ----------------------------------------------------------------------


def test_a_slice_keeps_its_length():
    x = sd.array("x", "n")
    n = sd.dims("n")
    assert x[:3].shape == (3,)
    assert x[-3:].shape == (3,)
    assert x[1:4:2].shape == (2,)
    assert x[1:].shape == (n - 1,)
    assert str(x[::2].dims[0]) == "floor(n/2 + 1/2)"
    with pytest.raises(sd.ShapeError, match="empty"):
        x[n:]
    with pytest.raises(sd.ShapeError, match="runs over"):
        x[n - 1 : n + 1]


def test_a_claim_about_a_slice_holds_where_the_slice_exists():
    x = sd.array("x", "n")
    verdict = sd.check(np.sum(x[:3] ** 2), "<=", np.sum(x**2))
    assert verdict.status != "refuted"
    kernel = sd.compile(np.sum(x[:3] ** 2), wrt=x)
    assert kernel.value(x=np.arange(4.0)) == 5
    with pytest.raises(sd.SymderiveError):
        kernel.value(x=np.arange(2.0))


def test_a_symbolic_end_counts_from_the_front():
    x = sd.array("x", "n")
    n, k = sd.dims("n k")
    kernel = sd.compile(np.sum(x[: n - k]), wrt=x)
    assert kernel.value(x=np.arange(4.0), k=2) == 1
    with pytest.raises(sd.SymderiveError):
        kernel.value(x=np.arange(2.0), k=3)


def test_names_and_signatures_are_numpys():
    """What is read takes NumPy's own keywords (those that are read)."""
    for function in (np.concatenate, np.stack, np.cumsum, np.diff, np.roll, np.take, np.max, np.split, np.pad):
        made = sd.language.arrays.ARRAY_FUNCTIONS[function]
        ours = [p for p in inspect.signature(made).parameters if p not in ("extras",)]
        theirs = list(inspect.signature(function).parameters)
        assert ours[0] == theirs[0] or function in (np.concatenate,)
        assert {"axis"} <= set(ours) or function is np.pad


def test_shapes_of_the_tables():
    assert shape_of("n 3") == (sd.dims("n"), 3)
