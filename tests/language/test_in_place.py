"""Arrays that a function makes change in place as NumPy's do: entries, slices, masks, views, copies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from support.evaluate import evaluate_array
from support.reading import agree, declared

import symderive as sd

# -- losses and gradients as people write them ---------------------------------------------------


def one_hot(y, k):
    out = np.zeros((len(y), k))
    out[np.arange(len(y)), y] = 1
    return out


def softmax_gradient(L, y, n):
    p = np.exp(L - L.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(n), y] -= 1
    return p / n


def relu_backward(X, Z):
    dZ = np.array(X, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def leaky(X):
    out = X.copy()
    out[out < 0] *= 0.01
    return out


def stable_sigmoid(z):
    out = np.zeros_like(z)
    positive = z >= 0
    out[positive] = 1 / (1 + np.exp(-z[positive]))
    e = np.exp(z[~positive])
    out[~positive] = e / (1 + e)
    return out


def columns(X, x):
    out = np.zeros((X.shape[0], X.shape[1] + 1))
    out[:, 0] = x
    out[:, 1:] = X
    return out


def differences(X):
    Z = X.copy()
    Z[1:] -= Z[:-1]
    return Z


def overlapping(x):
    r = x.copy()
    r[1:] = r[:-1]
    return r


def backwards(x):
    r = x * 1
    r[::-1] += x
    return r


def penalised_without_bias(w, X, x):
    v = w.copy()
    v[0] = 0
    return np.sum((X @ w - x) ** 2) + v @ v


def off_diagonal(S):
    K = S @ S.T
    np.fill_diagonal(K, 0)
    return K.sum()


def diagonal_added(S, d):
    K = S.copy()
    K[np.arange(d), np.arange(d)] += 1e-3
    return K


def diagonal_by_indices(S, d):
    K = S.copy()
    K[np.diag_indices(d)] = 1
    return K


def rows_by_a_loop(F, g):
    out = np.zeros((3, 4))
    for i in range(3):
        out[i] = F[i] * g
    return out


def recurrence(f, b):
    out = np.zeros(3)
    out[0] = b
    for i in range(1, 3):
        out[i] = out[i - 1] * f[i] + 1
    return out


def loop_over_rows(F):
    out = F.copy()
    for row in out:
        row -= row.mean()
    return out


def enumerated(F, f):
    out = np.zeros(F.shape)
    for k, (row, s) in enumerate(zip(F, f, strict=True)):
        out[k] += row * s
    return out


def triangle_filled(f):
    L = np.zeros((2, 2))
    L[0, 0] = np.exp(f[0])
    L[1, 0] = f[1]
    L[1, 1] = np.exp(f[2])
    return L @ L.T


def literal_lower_triangle(f):
    L = np.zeros((2, 2))
    L[np.tril_indices(2)] = f
    return L


def rotation(b):
    M = np.eye(2)
    M[0, 0], M[1, 1] = np.cos(b), np.cos(b)
    M[0, 1] = -np.sin(b)
    M[1, 0] = np.sin(b)
    return M


def scatter(w, u):
    out = np.zeros(w.shape[0])
    np.add.at(out, u, w[u])
    np.subtract.at(out, u, 1.0)
    return out


def scatter_rows(X, y, k):
    sums = np.zeros((k, X.shape[1]))
    np.add.at(sums, y, X)
    return sums


def written_twice(f, g):
    """NumPy reads the entries, adds, and writes in turn: of equal places the last one counts."""
    out = np.outer(f, g)
    out[[0, 1, 1, 2], [0, 1, 1, 0]] -= g
    out[[2, 2]] *= 3
    out[:, [1, 1]] += f[:2]
    return out


def put_along(L, y):
    out = np.zeros_like(L)
    np.put_along_axis(out, y[:, None], 2.0, axis=1)
    taken = np.take_along_axis(out, y[:, None], axis=1)
    np.put_along_axis(out, y[:, None], L.sum(axis=1, keepdims=True) + taken, axis=1)
    return out


def into_out(x, z):
    r = x * 2
    np.add(r, z, out=r)
    np.exp(r, out=r)
    np.maximum(r, 1, out=r)
    return r


def copied_under_a_mask(x, z):
    r = x.copy()
    np.copyto(r, z, where=z > 0)
    np.putmask(r, r < -1, -1.0)
    return r


def filled(X):
    r = X.copy()
    r[0].fill(3.0)
    r[:, -1] = 2
    r[...] += 1
    return r


def scalar_row_column(X, x, w):
    r = X * 1
    r[0] = 1
    r[:, 0] = x
    r[-1] = w
    r[1:3, 1:3] = 7
    return r


def broadcast_into(X, w, b):
    r = X * 0.5
    r[1:] = w
    r[:2, 1:] *= b
    r[:, None][:, 0] += w
    return r


def views_write_through(X):
    r = X + 1
    v = r[:, 0]
    v -= 1
    r.T[1] *= 2
    t = r.T
    t[2:] += 5
    return r


def views_follow(X):
    r = X + 0
    first, rest, turned = r[0], r[1:], r.T
    r[0] = 9
    r *= 2
    turned += 1
    return first.sum() * rest + rest[0] * turned[:, 0]


def numbers_do_not_follow(x):
    r = x * 1
    a = r[0]
    r[0] = 5
    return r + a


def zero_rank_views_follow(x):
    r = x * 1
    a = r[0, ...]
    r[0] = 5
    return r + a


def copies_do_not_follow(x):
    r = x * 1
    a, b, c = r.copy(), np.array(r), r[[0, 1]]
    r[:] = 0
    return r + a + b + c.sum()


def gathers_are_copies(w, u):
    r = w * 1
    picked = r[u]
    picked += 1
    r *= 2
    return picked + r[u]


def swapped_entries(f):
    r = f * 1
    r[0], r[2] = r[2], r[0]
    return r


def swapped_rows(F):
    r = F * 1
    r[0], r[2] = r[2], r[0]
    return r


def names_of_one_array(x):
    a = x * 1
    b = a
    a += 1
    return a * b


def helper(r):
    r[0] = 0
    r -= 1


def changed_by_a_helper(x):
    r = x * 1
    helper(r)
    return r


def kept_in_a_list(x):
    r = [x * k for k in range(3)]
    for part in r:
        part += 1
    return r[0] + r[1] * r[2]


def masks_of_rows(X, x):
    r = X.copy()
    r[x > 0] = 0
    r[x < -1] -= X[0]
    return r


def masked_column(X, x):
    r = X.copy()
    r[x > 0, 1] = 4
    return r


def masked_from_another(x, z):
    r = x.copy()
    m = z > 0
    r[m] = z[m] ** 2 - 1
    r[~m] += np.abs(z[~m])
    return r


def masked_sums(x, z):
    m = (x > 0) & (z > -1)
    return np.sum(x[m]) + z[m].sum() + (x * z)[m].mean() + x[m].size


def mask_made_in_place(X, n):
    m = np.ones((n, n), dtype=bool)
    m[np.arange(n), np.arange(n)] = False
    return np.where(m, X @ X.T, 0)


def counts_made_in_place(y, k):
    c = np.zeros(k, dtype=int)
    np.add.at(c, y, 1)
    return c / 2


def literal_places(g):
    r = g * 1
    r[[0, 2]] = r[[2, 0]]
    r[[3, 3]] = [1, 2]
    return r


def boolean_list(f):
    r = f * 1
    r[[True, False, True]] = 0
    return r


def negative_step(g):
    r = np.zeros(4)
    r[::-2] = g[:2]
    r[-3::2] = 1
    return r


def whole(X, Z):
    r = X * 1
    r[:] = Z
    r[...] -= X
    r[()] *= 2
    return r


def keepdims(X):
    s = X.sum(axis=1, keepdims=True)
    s[0] = 1
    s[:, 0] += 2
    s /= 2
    return X / s


def undefined_entries_are_written_over(x):
    r = np.log(np.abs(x))
    r[0] = 1
    return r


def cumulative(x):
    r = x * 1
    r += np.cumsum(r)
    return r


def matmul_in_place(S):
    A = S @ S
    A @= S
    return A


def layers(X, S, w):
    hs = [X]
    for _ in range(2):
        h = hs[-1] @ S
        h[h < 0] = 0
        hs.append(h)
    return hs[-1] @ w + hs[1].sum()


PROGRAMS = [
    one_hot, softmax_gradient, relu_backward, leaky, stable_sigmoid, columns, differences, overlapping, backwards,
    penalised_without_bias, off_diagonal, diagonal_added, diagonal_by_indices, rows_by_a_loop, recurrence,
    loop_over_rows, enumerated, triangle_filled, literal_lower_triangle, rotation, scatter, scatter_rows,
    written_twice, put_along, into_out,
    copied_under_a_mask, filled, scalar_row_column, broadcast_into, views_write_through, views_follow,
    numbers_do_not_follow, zero_rank_views_follow, copies_do_not_follow, gathers_are_copies, swapped_entries,
    swapped_rows, names_of_one_array, changed_by_a_helper, kept_in_a_list, masks_of_rows, masked_column,
    masked_from_another, masked_sums, mask_made_in_place, counts_made_in_place, literal_places, boolean_list,
    negative_step, whole, keepdims, undefined_entries_are_written_over, cumulative, matmul_in_place, layers,
]  # fmt: skip


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", [0, 1])
def test_programs_mean_what_they_mean_on_numbers(function, seed):
    agree(function, seed=seed)


def test_a_shape_alone_makes_an_index_an_integer():
    made = sd.read(softmax_gradient, L="n k", y="n")
    (y,) = [leaf for leaf in made.node.leaves() if leaf.name == "y"]
    assert str(y.domain) == "integers(0, k - 1)"
    shifted = sd.read(lambda L, y, n: L[np.arange(n), y - 1].sum(), L="n k", y="n")
    (y,) = [leaf for leaf in shifted.node.leaves() if leaf.name == "y"]
    assert str(y.domain) == "integers(1, k)"
    text = sd.read("np.sum(L[np.arange(n), y - 1])", L="n k", y="n")
    assert text.same_form(shifted)
    for source in (
        "np.sum(np.take_along_axis(L, y[:, None], axis=1))",
        "np.sum(np.eye(k)[y] * L)",
        lambda L, y: np.take_along_axis(L, y[:, None], axis=1).sum(),
        lambda L, y, k: np.sum(np.eye(k)[y] * L),
        lambda L, y, n: L[np.arange(n), y.astype(int)].sum(),
    ):
        (leaf,) = [leaf for leaf in sd.read(source, L="n k", y="n").node.leaves() if leaf.name == "y"]
        assert str(leaf.domain) == "integers(0, k - 1)"
    declared_otherwise = sd.array("y", "n", domain=sd.positive)
    with pytest.raises(sd.IndexDomainError, match="integers from 0 to k - 1"):
        sd.read("L[np.arange(n), y]", L="n k", y=declared_otherwise)


def test_what_is_written_over_is_gone():
    made = sd.read(columns, X="n d", x="n")
    text = str(sd.read("np.pad(x[:, None], ((0, 0), (0, d))) + np.pad(X, ((0, 0), (1, 0)))", X="n d", x="n"))
    assert made.shape == (sd.dims("n"), sd.dims("d") + 1)
    assert len(str(made)) < 2 * len(text)

    def twice(x):
        r = np.zeros(x.shape)
        r[0] = 1
        r[1:] = x[1:]
        r[:] = x
        return r

    assert sd.read(twice, x="n").same_form(sd.array("x", "n"))


# -- what must not change, and what is not known -----------------------------------------------------


def changes_its_argument(x):
    x[0] = 1
    return x


def changes_a_view_of_it(X):
    X.T[0] -= 1
    return X


def changes_a_flattened_argument(X):
    r = X.ravel()
    r[0] = 1
    return r


def changes_it_by_out(x):
    np.exp(x, out=x)
    return x


def changes_it_by_add_at(x, t):
    np.add.at(x, t, 1.0)
    return x


def changes_it_under_a_mask(x):
    x[x < 0] = 0
    return x


def changes_it_in_a_helper(x):
    helper(x)
    return x


def fills_its_argument(S):
    np.fill_diagonal(S, 0)
    return S


GLOBAL = sd.array("x", "n")


def changes_a_global(z):
    GLOBAL[0] = 1
    return z + GLOBAL


def uses_a_reshape_of_what_changed(X):
    r = X * 1
    flat = r.reshape(-1)
    r[0] = 0
    return flat


def uses_what_a_reshape_changed(X):
    r = X * 1
    flat = r.reshape(-1)
    flat[0] = 0
    return r


def uses_a_diagonal_of_what_changed(S):
    r = S * 1
    diagonal = np.diag(r)
    r[0] = 0
    return diagonal


def uses_a_spread_of_what_changed(w, X):
    r = w * 1
    spread = np.broadcast_to(r, X.shape)
    r[0] = 0
    return spread


def twice_the_same_index(w, u):
    r = w * 1
    r[u] = 0
    return r


def added_twice(w, u):
    r = w * 1
    r[u] += 1
    return r


def halves_of_integers(n):
    r = np.arange(n)
    r[0] = 0.5
    return r


def integers_times_a_half(n):
    r = np.arange(n)
    r *= 0.5
    return r


def integers_of_a_type(x):
    r = np.zeros(x.shape, dtype=int)
    r[:] = x
    return r


def half_a_truth(x):
    r = x > 0
    r[0] = 0.5
    return r


def integers_filled(n):
    r = np.full(n, 2)
    r[0] = 0.5
    return r


def labels_like(y):
    r = np.ones_like(y)
    r[0] = 0.5
    return r


def sums_of_masks_are_integers(X):
    r = np.sum(X > 0, axis=0)
    r[0] = 0.5
    return r


def does_not_fit(X, x):
    r = X * 1
    r[0] = x
    return r


def grows(w, X):
    r = w * 1
    r += X
    return r


def different_masks(x, z):
    r = x * 1
    r[x > 0] = z[z > 0]
    return r


def an_array_under_a_mask(x, f):
    r = x * 1
    r[x > 0] = f
    return r


def a_mask_behind(X, w):
    r = X * 1
    r[:, w > 0] = 0
    return r


def shape_of_a_mask(x):
    return x[x > 0].shape[0]


def sorted_under_a_mask(x):
    return np.sort(x[x > 0])


def returns_a_mask(x):
    return x[x > 0]


def empty(x):
    r = np.empty(x.shape)
    r[0] = 1
    return r


def empty_like(x):
    r = np.empty_like(x)
    r[0] = 1
    return r


def beyond(f):
    r = f * 1
    r[3] = 0
    return r


REFUSED = {
    changes_its_argument: "copy()", changes_a_view_of_it: "copy()", changes_a_flattened_argument: "copy()",
    changes_it_by_out: "copy()", changes_it_by_add_at: "copy()", changes_it_under_a_mask: "copy()",
    changes_it_in_a_helper: "copy()", fills_its_argument: "copy()", changes_a_global: "copy()",
    uses_a_reshape_of_what_changed: "share its memory", uses_what_a_reshape_changed: "share its memory",
    uses_a_diagonal_of_what_changed: "share its memory", uses_a_spread_of_what_changed: "share its memory",
    twice_the_same_index: "np.add.at", added_twice: "np.add.at", halves_of_integers: "dtype=float",
    integers_times_a_half: "dtype=float", integers_of_a_type: "dtype=float", half_a_truth: "truth values",
    integers_filled: "dtype=float", labels_like: "dtype=float", sums_of_masks_are_integers: "dtype=float",
    does_not_fit: "(n,) does not fit into (d,)", grows: "cannot become (n, d)", different_masks: "mask",
    an_array_under_a_mask: "no shape", a_mask_behind: "first index", shape_of_a_mask: "no shape",
    sorted_under_a_mask: "order of the entries", returns_a_mask: "entries under a mask", empty: "np.zeros",
    empty_like: "np.zeros", beyond: "out of bounds",
}  # fmt: skip


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_what_would_be_wrong_raises(function):
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    with pytest.raises(sd.SymderiveError) as caught:
        sd.read(function, **{name: declared(name) for name in names if name not in "ndmk"}, **_dimensions(names))
    assert REFUSED[function] in str(caught.value)
    assert function.__name__ in str(caught.value) or function is changes_it_in_a_helper


def _dimensions(names):
    """A parameter that is a dimension of no other array needs one that has it."""
    return {} if set(names) - set("ndmk") else {name: sd.dims(name) for name in names}


def test_nothing_changes_outside_of_reading():
    x = sd.array("x", "n") * 1
    for change in (
        lambda: x.__setitem__(0, 1),
        lambda: x.__iadd__(1),
        lambda: np.exp(x, out=x),
        lambda: np.add.at(x, 0, 1),
        lambda: x.fill(0),
        lambda: x[x > 0],
    ):
        with pytest.raises(sd.UnsupportedError):
            change()
    assert x.same_form(sd.array("x", "n") * 1)


def test_what_is_written_over_need_not_be_defined():
    def logarithms(x):
        r = np.log(x)
        r[0] = 1
        r[x > 2] = 2
        return r

    made = sd.read(logarithms, x="n")
    x = np.array([-1.0, 0.5, 3.0])
    kernel = sd.compile(made.sum(), wrt="x")
    with np.errstate(invalid="ignore"):  # both branches of a case distinction are computed
        np.testing.assert_allclose(evaluate_array(made, {"n": 3}, {"x": x}), [1, np.log(0.5), 2])
        assert kernel.value(x=x) == pytest.approx(3 + np.log(0.5))
        np.testing.assert_allclose(kernel.gradient(x=x), [0, 2, 0])


def test_reading_again_starts_anew():
    def changes(x):
        r = x * 1
        r[0] = 0
        return r

    assert sd.read(changes, x="n").same_form(sd.read(changes, x="n"))


# -- random programs ----------------------------------------------------------------------------------

SIDES = st.integers(-3, 3)
PLACES = st.one_of(
    st.sampled_from([0, 1, 2, -1, -2, slice(None), slice(None, None, -1), slice(None, None, 2), slice(1, None)]),
    st.sampled_from([slice(None, 2), slice(-2, None), slice(1, -1), slice(None, -1), slice(2, 0, -1), slice(0, 3, 2)]),
)
STEPS = st.one_of(
    st.tuples(st.just("set"), PLACES, PLACES, SIDES),
    st.tuples(st.just("set row"), PLACES, st.just(0), SIDES),
    st.tuples(st.just("add"), PLACES, PLACES, SIDES),
    st.tuples(st.just("multiply"), PLACES, PLACES, SIDES),
    st.tuples(st.just("view"), PLACES, PLACES, SIDES),
    st.tuples(st.just("view of a view"), PLACES, PLACES, SIDES),
    st.tuples(st.just("turned"), PLACES, PLACES, SIDES),
    st.tuples(st.just("from itself"), PLACES, PLACES, SIDES),
    st.tuples(st.just("mask"), PLACES, PLACES, SIDES),
    st.tuples(st.just("gather"), PLACES, PLACES, SIDES),
    st.tuples(st.just("keep"), PLACES, PLACES, SIDES),
    st.tuples(st.just("change kept"), PLACES, PLACES, SIDES),
)


def program(steps, X, w, t):
    r = X * 2
    kept = [r]
    for what, i, j, c in steps:
        if what == "set":
            r[i, j] = c
        elif what == "set row":
            r[i] = w * c
        elif what == "add":
            r[i, j] += c
        elif what == "multiply":
            r[i, j] *= c
        elif what == "view":
            v = r[i]
            v -= c
        elif what == "view of a view":
            v = r[i]
            u = v[..., j]
            v[...] += 1
            r[i, j] = u * 2
        elif what == "turned":
            v = r.T
            v[j] = v[j] * c + 1
        elif what == "from itself":
            r[i] = r[i] + r[-1] * c
        elif what == "mask":
            r[r > c] = c
        elif what == "gather":
            r[np.arange(r.shape[0]), t] -= c
        elif what == "keep":
            kept.append(r[i, j])
        elif what == "change kept" and np.ndim(kept[-1]):
            kept[-1][...] += c
    total = r
    for part in kept:
        total = total + np.sum(part)
    return total


@settings(max_examples=120, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_random_programs(steps):
    shapes = {"X": sd.array("X", "n", "d"), "w": sd.array("w", "d"),
              "t": sd.array("t", "n", domain=sd.integers(0, sd.dims("d") - 1))}  # fmt: skip
    made = sd.read(lambda X, w, t: program(steps, X, w, t), **shapes)
    for sizes in ({"n": 5, "d": 4}, {"n": 4, "d": 6}):
        rng = np.random.default_rng(sizes["n"])
        point = {"X": rng.normal(size=(sizes["n"], sizes["d"])), "w": rng.normal(size=sizes["d"]),
                 "t": rng.integers(0, sizes["d"], size=sizes["n"])}  # fmt: skip
        expected = program(steps, **point)
        np.testing.assert_allclose(evaluate_array(made, sizes, point), expected, rtol=1e-9, atol=1e-9)


def test_gradients_through_changes_in_place():
    def loss(w, X, x):
        z = X @ w
        z[0] = 0
        h = np.zeros(z.shape)
        h[z > 0] = z[z > 0]
        h[1:] -= h[:-1]
        return np.sum((expit(h) - x) ** 2)

    made = sd.gradient(sd.read(loss, X="n d", w="d", x="n"), "w").result
    rng = np.random.default_rng(3)
    X, w, x = rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=5)
    found = evaluate_array(made, {"n": 5, "d": 3}, {"X": X, "w": w, "x": x})
    for k, unit in enumerate(np.eye(3)):
        slope = (loss(w + 1e-6 * unit, X, x) - loss(w - 1e-6 * unit, X, x)) / 2e-6
        np.testing.assert_allclose(found[k], slope, rtol=1e-6, atol=1e-8)
