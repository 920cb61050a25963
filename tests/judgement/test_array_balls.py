"""Array functions in balls and series: mpmath at 60 digits, NumPy and finite differences are the oracles."""

import random
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq, fmpq_series
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import OPAQUE
from support.evaluate import evaluate as floats
from sympy import Integer

import symderive as sd
from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.array_balls import MATRIX_FUNCTIONS, VECTOR_FUNCTIONS, apply
from symderive.judgement.balls import evaluate
from symderive.judgement.elements import Hole, Jet, Kink, LogPole, Undefined, Unknown, precision
from symderive.judgement.instances import Instance
from symderive.judgement.judge import judge_derivative, judge_relation
from symderive.language import build
from symderive.language.nodes import ON_MATRICES, ON_VECTORS, Basis, Contraction, Delta, Merge, Slice
from symderive.language.statements import Relation

mpmath.mp.dps = 60

n, d, m = sd.dims("n d m")
N, D, M_ = (s.node.value for s in (n, d, m))
A = sd.array("A", d, d)
X = sd.array("X", n, d)
v = sd.array("v", d)

SYMMETRIC = ("eigvalsh", "eigvecs")
SQUARE = ("inv", "det", "logabsdet", "signdet")


# -- exact inputs and mpmath's answers ---------------------------------------------------------------


def matrix(rng, rows, columns):
    entries = [[Fraction(rng.randint(-9, 9), rng.choice((1, 2, 3))) for _ in range(columns)] for _ in range(rows)]
    return np.array(entries, dtype=object).reshape(rows, columns)


def argument(rng, name, size, other):
    """An exact argument at which the function is smooth, and a direction without any symmetry."""
    if name in ON_VECTORS:
        value = np.array(rng.sample([Fraction(k, 2) for k in range(-8, 9) if k], size), dtype=object)
        return value, matrix(rng, 1, size)[0]
    if name.startswith("svd"):
        return matrix(rng, size, other), matrix(rng, size, other)
    value = matrix(rng, size, size)
    if name == "cholesky":
        value = value @ value.T + np.diag([Fraction(1)] * size)
    elif name in SYMMETRIC:
        value = value + value.T
    elif name in SQUARE:
        value = value + np.diag([Fraction(13)] * size)
    return value, matrix(rng, size, size)


def mp(value):
    return mpmath.matrix([[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in np.atleast_2d(value)])


def flat(matrix_):
    return [matrix_[i, j] for i in range(matrix_.rows) for j in range(matrix_.cols)]


def symmetric(a):
    return (a + a.T) / 2


def vector_oracle(f):
    return lambda a: f([a[0, j] for j in range(a.cols)])


def softmax(x):
    total = mpmath.fsum(mpmath.exp(t) for t in x)
    return [mpmath.exp(t) / total for t in x]


def eigenvectors(a):
    """Their projectors v vᵀ, one after the other: signs are free."""
    _, q = mpmath.eigsy(symmetric(a))
    return [q[i, k] * q[j, k] for k in range(q.cols) for i in range(q.rows) for j in range(q.rows)]


def singular_vectors(a, left):
    u, _, vt = mpmath.svd_r(a)
    w = u if left else vt.T
    return [w[i, k] * w[j, k] for k in range(w.cols) for i in range(w.rows) for j in range(w.rows)]


ORACLES = {
    "logsumexp": vector_oracle(lambda x: [mpmath.log(mpmath.fsum(map(mpmath.exp, x)))]),
    "softmax": vector_oracle(softmax),
    "log_softmax": vector_oracle(lambda x: [mpmath.log(s) for s in softmax(x)]),
    "prod": vector_oracle(lambda x: [mpmath.fprod(x)]),
    "max": vector_oracle(lambda x: [max(x)]),
    "min": vector_oracle(lambda x: [min(x)]),
    "is_max": vector_oracle(lambda x: [mpmath.mpf(t == max(x)) for t in x]),
    "is_min": vector_oracle(lambda x: [mpmath.mpf(t == min(x)) for t in x]),
    "inv": lambda a: flat(mpmath.inverse(a)),
    "det": lambda a: [mpmath.det(a)],
    "logabsdet": lambda a: [mpmath.log(abs(mpmath.det(a)))],
    "signdet": lambda a: [mpmath.sign(mpmath.det(a))],
    "cholesky": lambda a: flat(mpmath.cholesky(symmetric(a))),
    "eigvalsh": lambda a: list(mpmath.eigsy(symmetric(a), eigvals_only=True)),
    "eigvecs": eigenvectors,
    "svdvals": lambda a: list(mpmath.svd_r(a, compute_uv=False)),
    "svd_u": lambda a: singular_vectors(a, True),
    "svd_vt": lambda a: singular_vectors(a, False),
}


def node_of(name):
    leaf = v if name in ON_VECTORS else X if name.startswith("svd") else A
    return build.opaque(name, leaf.node), leaf.node


def instance(leaf, value):
    return Instance(dict(zip(leaf.shape, value.shape, strict=True)), {leaf: value})


def projectors(name, parts):
    """Series coefficients of vectors as those of their projectors, by the product rule of sequences."""
    if name not in ("eigvecs", "svd_u", "svd_vt"):
        return [list(p.reshape(-1)) for p in parts]
    columns = [p.T if name == "svd_vt" else p for p in parts]
    size, count = columns[0].shape
    with precision(512):
        return [
            [
                sum((columns[s][i, k] * columns[order - s][j, k] for s in range(order + 1)), fmpq(0))
                for k in range(count)
                for i in range(size)
                for j in range(size)
            ]
            for order in range(len(parts))
        ]


def close(element, expected, digits):
    """Whether an element is known to about so many digits and lies that near to the truth."""
    assert not isinstance(element, Hole), element
    with precision(512):
        ball = arb(element)
        assert ball.is_finite()
        mid = mpmath.mpf(ball.mid().str(70, radius=False))
        rad = mpmath.mpf(ball.rad().str(10, radius=False))
    allowed = (1 + abs(expected)) * mpmath.mpf(10) ** -digits
    return rad <= allowed and abs(mid - expected) <= allowed


CASES = [(name, size) for name in ORACLES for size in (1, 2, 3, 4)]


def test_every_array_function_has_a_form_and_an_oracle():
    assert set(VECTOR_FUNCTIONS) == set(ON_VECTORS)
    assert set(MATRIX_FUNCTIONS) == set(ON_MATRICES)
    assert set(ORACLES) == set(ON_VECTORS) | set(ON_MATRICES) == set(OPAQUE)


def shapes(name, size):
    """Sizes of the argument: singular values also of tall and of wide matrices."""
    return [(size, size), (size, size + 1), (size + 1, size)] if name.startswith("svd") else [(size, size)]


@pytest.mark.parametrize(("name", "size"), CASES)
def test_values_are_those_of_mpmath(name, size):
    node, leaf = node_of(name)
    for rows, columns in shapes(name, size):
        value, _ = argument(random.Random(f"{name}{size}"), name, rows, columns)
        (got,) = projectors(name, [evaluate(node, instance(leaf, value), 256)])
        expected = ORACLES[name](mp(value))
        assert len(got) == len(expected)
        for element, truth in zip(got, expected, strict=True):
            assert close(element, truth, 50)


T = sd.array("t").node
BLURRED = {T: np.array(Fraction(1, 2), dtype=object)}


def blurred(leaf):
    """The leaf times exp(t)·exp(-t): the same numbers, known as balls only."""
    up, down = build.apply("exp", T), build.apply("exp", build.scale(-1, T))
    return build.multiply(leaf, build.broadcast(build.multiply(up, down), leaf.shape))


@pytest.mark.parametrize(("name", "size"), CASES)
def test_balls_are_those_of_mpmath(name, size):
    _, leaf = node_of(name)
    for rows, columns in shapes(name, size):
        value, _ = argument(random.Random(f"{name}{size}"), name, rows, columns)
        point = instance(leaf, value)
        inexact = build.opaque(name, blurred(leaf))
        (got,) = projectors(name, [evaluate(inexact, Instance(point.sizes, {**point.values, **BLURRED}), 256)])
        for element, truth in zip(got, ORACLES[name](mp(value)), strict=True):
            assert close(element, truth, 40)


@pytest.mark.parametrize(("name", "size"), CASES)
@pytest.mark.parametrize("exact", [True, False])
def test_series_are_the_derivatives_of_mpmath(name, size, exact):
    """Along a direction without symmetry, to the third order."""
    node, leaf = node_of(name)
    if not exact:
        node = build.opaque(name, blurred(leaf))
    for rows, columns in shapes(name, size):
        value, along = argument(random.Random(f"{name}{size}"), name, rows, columns)
        point = instance(leaf, value)
        point = Instance(point.sizes, {**point.values, **BLURRED})
        parts = projectors(name, [evaluate(node, point, 512, {leaf: along}, order) for order in range(4)])

        h = mpmath.mpf(10) ** -10
        low, below, here, above, high = (ORACLES[name](mp(value) + k * h * mp(along)) for k in (-2, -1, 0, 1, 2))
        for k, (ll, b, c, r, rr) in enumerate(zip(low, below, here, above, high, strict=True)):
            assert close(parts[1][k], (r - b) / (2 * h), 15), k
            assert close(parts[2][k], (r - 2 * c + b) / (2 * h**2), 15), k
            assert close(parts[3][k], (rr - 2 * r + 2 * b - ll) / (12 * h**3), 15), k


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_batches_are_their_parts(name):
    rng = random.Random(name)
    rows = 3 if name.startswith("svd") else 2
    parts = [argument(rng, name, rows, 2)[0] for _ in range(2)]
    leaf = sd.array("batch", M_, *([D] if name in ON_VECTORS else [N, D] if rows == 3 else [D, D])).node
    value = np.empty((2, *parts[0].shape), object)
    value[0], value[1] = parts
    point = Instance({M_: 2, N: 3, D: 2}, {leaf: value})
    got = evaluate(build.opaque(name, leaf), point)
    expected = floats(build.opaque(name, leaf), {"m": 2, "n": 3, "d": 2}, {"batch": value.astype(float)})
    assert got.shape == expected.shape
    # eigenvectors up to their signs
    free = name in ("eigvecs", "svd_u", "svd_vt")
    numbers = np.array([float(arb(e).mid()) for e in got.reshape(-1)]).reshape(got.shape)
    assert np.allclose(abs(numbers) if free else numbers, abs(expected) if free else expected, rtol=1e-12, atol=1e-12)


# -- exactness -------------------------------------------------------------------------------------------


def exact(rows):
    out = np.array(rows, dtype=object)
    for index in np.ndindex(out.shape):
        out[index] = fmpq(Fraction(out[index]).numerator, Fraction(out[index]).denominator)
    return out


def at(name, rows, bits=128):
    with precision(bits):
        return apply(name, exact(rows))


def moving(rows, along, cap=3):
    """Series rows + t·along."""
    out = exact(rows)
    step = exact(along)
    with precision(128, cap):
        for index in np.ndindex(out.shape):
            out[index] = Jet(fmpq_series([out[index], step[index]], prec=cap))
    return out


def kinds(array):
    return {type(e) for e in array.reshape(-1)}


def test_rational_matrices_have_rational_answers():
    rows = [[2, 1, 0], [1, 3, "1/2"], [0, 1, 5]]
    assert kinds(at("inv", rows)) == {fmpq}
    assert at("det", rows)[()] == 24
    assert at("signdet", rows)[()] == 1
    assert list(at("eigvalsh", [[2, 1], [1, 2]])) == [1, 3]
    assert kinds(at("eigvalsh", [[2, 1, 0], [1, 2, 0], [0, 0, 7]])) == {fmpq}
    assert list(at("eigvalsh", [[4, 0, 0], [0, -1, 0], [0, 0, 4]])) == [-1, 4, 4]
    assert list(at("svdvals", [[3, 0], [0, -4], [0, 0]])) == [4, 3]
    assert at("cholesky", [[4, 2], [2, 10]]).tolist() == [[2, 0], [1, 3]]
    assert kinds(at("inv", [[2, 1], [1, 1]])) == {fmpq}


def test_series_of_rational_matrices_are_rational():
    out = apply_moving("inv", [[2, 1], [1, 1]], [[1, 0], [0, 0]])
    assert list(out[0, 0].series) == [1, -1, 1]
    out = apply_moving("eigvalsh", [[2, 1], [1, 2]], [[0, 2], [0, 0]])  # half of it is seen
    assert [list(e.series) for e in out] == [[1, -1], [3, 1]]


def apply_moving(name, rows, along, cap=3):
    array = moving(rows, along, cap)
    with precision(128, cap):
        return apply(name, array)


def test_balls_without_a_radius_count_as_exact():
    with precision(128):
        ones = np.empty((2, 2), object)
        for index in np.ndindex(2, 2):
            ones[index] = arb(0).exp()
        assert list(apply("eigvalsh", ones)) == [0, 2]
        assert list(apply("svdvals", ones)) == [2, 0]


# -- where there is no value -------------------------------------------------------------------------

SINGULAR = [[1, 2], [2, 4]]
EYE = [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("name", "rows", "kind"),
    [
        ("inv", SINGULAR, Undefined),
        ("inv", [[0]], Undefined),
        ("logabsdet", SINGULAR, LogPole),
        ("cholesky", SINGULAR, Undefined),
        ("cholesky", [[1, 2], [2, 1]], Undefined),
        ("cholesky", [[-1]], Undefined),
        ("cholesky", [[2, 1], [0, 2]], Undefined),
        ("eigvalsh", [[2, 1], [0, 2]], Undefined),
        ("eigvecs", [[2, 1], [0, 3]], Undefined),
        ("eigvecs", EYE, Kink),
    ],
)
def test_matrices_without_a_value(name, rows, kind):
    assert kinds(at(name, rows)) == {kind}


def test_a_determinant_that_is_0_is_a_value():
    assert at("det", SINGULAR)[()] == 0
    assert at("signdet", SINGULAR)[()] == 0
    assert at("det", np.zeros((14, 14), int))[()] == 0


def test_a_negative_determinant():
    rows = [[0, 1], [2, 0]]
    assert close(at("logabsdet", rows, 256)[()], mpmath.log(2), 50)
    assert at("signdet", rows)[()] == -1
    assert apply_moving("signdet", rows, EYE)[()] == -1
    assert isinstance(apply_moving("signdet", SINGULAR, EYE)[()], Kink)


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2, 3], [2, 4, 6], [1, 0, 1]],
        [[1, 2, 3], [2, 4, 6], [-1, -2, -3]],
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
    ],
)
def test_the_determinant_is_smooth_where_it_is_0(rows):
    """det is a polynomial: its series divides by nothing."""
    along = [[1, -1, 2], [0, 3, 1], [5, 1, -2]]
    got = apply_moving("det", rows, along, cap=4)[()]
    rows_, along_ = np.array(rows, dtype=object), np.array(along, dtype=object)

    def det(s):
        a = rows_ + s * along_
        terms = {(0, 1, 2): 1, (1, 2, 0): 1, (2, 0, 1): 1, (0, 2, 1): -1, (2, 1, 0): -1, (1, 0, 2): -1}
        return sum(sign * a[0, i] * a[1, j] * a[2, k] for (i, j, k), sign in terms.items())

    # a cubic is what it is at four points
    for s in range(4):
        assert sum((got.series[k] * s**k for k in range(4)), fmpq(0)) == det(s)


def test_series_are_as_long_as_the_shortest():
    with precision(64, 4):
        rows = np.empty((2, 2), object)
        rows[:] = fmpq(0)
        rows[0, 0] = Jet(fmpq_series([1, 1, 1, 1], prec=4))
        rows[1, 1] = Jet(fmpq_series([3, 1], prec=2))
        rows[0, 1] = rows[1, 0] = fmpq(1, 2)
        for name in ("eigvalsh", "svdvals"):
            assert {e.series.prec for e in apply(name, rows)} == {2}


def test_a_determinant_that_may_be_0_is_not_decided():
    with precision(128):
        wide = np.empty((2, 2), object)
        for index in np.ndindex(2, 2):
            wide[index] = arb(1, 0.001)
        assert kinds(apply("inv", wide)) == {Unknown}
        assert kinds(apply("logabsdet", wide)) == {Unknown}
        assert kinds(apply("signdet", wide)) == {Unknown}
        assert arb(apply("det", wide)[()]).contains(0)
        assert kinds(apply("eigvecs", wide)) <= {Unknown, arb}
        assert arb(apply("eigvalsh", wide)[0]).contains(0)
        assert kinds(apply("cholesky", wide)) == {Unknown}


def test_certified_balls_contain_multiple_eigenvalues():
    """Not exactly diagonal, not exact: the balls overlap and still contain the truth."""
    with precision(128):
        e = arb(1).exp() * arb(-1).exp()
        rows = np.empty((3, 3), object)
        for index in np.ndindex(3, 3):
            rows[index] = e * (3 if index[0] == index[1] else 1)
        values = apply("eigvalsh", rows)
        assert all(arb(x).contains(t) and arb(x).rad() < 1e-15 for x, t in zip(values, (2, 2, 5), strict=True))
        vectors = apply("eigvecs", rows)
        assert kinds(vectors[:, :2]) == {Unknown}
        assert all(abs(abs(arb(x)) - arb(1) / arb(3).sqrt()) < 1e-15 for x in vectors[:, 2])


@pytest.mark.parametrize(
    ("name", "rows", "smooth"),
    [
        ("eigvalsh", [[2, 0, 0], [0, 5, 0], [0, 0, 2]], [2]),
        ("eigvalsh", EYE, []),
        ("svdvals", [[3, 0], [0, -3]], []),
        ("svdvals", [[3, 0, 0], [0, 0, 0]], [0]),
    ],
)
def test_ties_have_no_derivative_and_leave_the_others_alone(name, rows, smooth):
    rows = np.array(rows)
    along = np.arange(rows.size).reshape(rows.shape) + 1
    got = apply_moving(name, rows, along)
    assert [k for k, e in enumerate(got) if isinstance(e, Jet)] == smooth
    assert all(isinstance(e, Kink) for k, e in enumerate(got) if k not in smooth)
    for k in smooth:
        f = np.linalg.eigvalsh if name == "eigvalsh" else lambda a: np.linalg.svd(a, compute_uv=False)
        turned = (along + along.T) / 2 if name == "eigvalsh" else along
        slope = (f(rows + 1e-6 * turned)[k] - f(rows - 1e-6 * turned)[k]) / 2e-6
        assert abs(float(arb(got[k].series[1]).mid()) - slope) < 1e-7


def test_eigenvectors_beside_a_tie():
    got = apply_moving("eigvecs", [[2, 0, 0], [0, 5, 0], [0, 0, 2]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert kinds(got[:, :2]) == {Kink}
    # first order: v_j moves by the symmetric part, a_jk / (5 - 2)
    assert [abs(float(arb(e.series[1]).mid())) for e in got[:, 2]] == pytest.approx([1, 0, 7 / 3])


def test_singular_vectors_of_0_are_not_unique():
    got = at("svd_u", [[1, 2], [2, 4], [0, 0]])
    assert [not isinstance(e, Hole) for e in got[:, 0]] == [True] * 3
    assert kinds(got[:, 1]) == {Kink}
    assert kinds(at("svd_vt", [[1, 2], [2, 4], [0, 0]])[1]) == {Kink}


def test_holes_spread():
    rows = np.empty((2, 2), object)
    for hole, kind in ((Undefined("bad"), Undefined), (LogPole("pole"), Undefined), (Unknown("maybe"), Unknown)):
        rows[:] = fmpq(1)
        rows[0, 1] = hole
        with precision(64):
            for name in MATRIX_FUNCTIONS:
                assert kinds(apply(name, rows)) == {kind}, name
            for name in ("max", "min", "is_max", "is_min"):
                assert kinds(apply(name, rows)[0:1]) == {kind}, name


def test_what_is_unknown_raises():
    with precision(64), pytest.raises(UnsupportedError, match="permanent"):
        apply("permanent", exact(EYE))
    with precision(64), pytest.raises(ShapeError, match="square"):
        apply("det", exact([[1, 2]]))


# -- the largest entry ------------------------------------------------------------------------------


def test_ties_of_maxima():
    assert at("max", [1, 3, 3])[()] == 3
    assert list(at("is_max", [1, 3, 3])) == [0, 1, 1]
    assert list(at("is_min", [1, 3, 1])) == [1, 0, 1]
    assert isinstance(apply_moving("max", [1, 3, 3], [1, 1, 2])[()], Kink)
    assert list(apply_moving("max", [1, 3, 3], [1, 2, 2])[()].series) == [3, 2]
    assert list(apply_moving("max", [5, 3, 3], [1, 1, 2])[()].series) == [5, 1]
    assert list(apply_moving("min", [5, 3, 4], [1, 7, 2])[()].series) == [3, 7]
    masks = apply_moving("is_max", [1, 3, 3], [1, 2, 2])
    assert masks[0] == 0
    assert kinds(masks[1:]) == {Kink}
    assert list(apply_moving("is_max", [1, 4, 3], [1, 2, 2])) == [0, 1, 0]


def test_maxima_of_rationals_closer_than_the_precision():
    near = [1, 1 + Fraction(1, 10**80), 1 - Fraction(1, 10**80)]
    assert at("max", near, 64)[()] > 1
    assert at("min", near, 64)[()] < 1
    assert list(at("is_max", near, 64)) == [0, 1, 0]
    assert list(at("is_min", near, 64)) == [0, 0, 1]
    assert list(apply_moving("max", near, [1, 2, 3])[()].series)[1] == 2


def test_a_tie_with_a_constant():
    with precision(64, 2):
        mixed = np.empty(2, object)
        mixed[0], mixed[1] = fmpq(3), Jet(fmpq_series([3, 1], prec=2))
        assert isinstance(apply("max", mixed)[()], Kink)
        mixed[0] = fmpq(4)
        assert apply("max", mixed)[()] == 4


def test_maxima_of_balls():
    with precision(64):
        close_ = np.empty(2, object)
        close_[0], close_[1] = arb(1, 0.5), arb(1.2, 0.1)
        top = arb(apply("max", close_)[()])
        assert top.contains(arb(1.4))
        assert not top.contains(1)
        assert kinds(apply("is_max", close_)) == {Unknown}
        close_[0] = arb("nan")
        assert isinstance(apply("max", close_)[()], Unknown)


# -- signs of vectors ---------------------------------------------------------------------------------


def test_a_claim_that_leans_on_the_sign_of_an_eigenvector_is_refuted():
    S = sd.array("S", d, d, domain=sd.symmetric)
    V = np.linalg.eigh(S)[1]
    for op in (">=", "<="):
        relation = Relation(V[0, 0].node, op, build.number(0))
        assert judge_relation(relation).status.value == "refuted"
    one = np.linalg.eigh(sd.array("one", 1, 1, domain=sd.symmetric))[1]
    assert judge_relation(Relation(one.node, "==", sd.eye(1).node)).status.value == "refuted"
    assert judge_relation(Relation((one**2).node, "==", sd.eye(1).node)).status.value == "checked"


def test_singular_vectors_go_together():
    rng = random.Random(5)
    for rows, columns in product((1, 2, 3), repeat=2):
        value = matrix(rng, rows, columns)
        u, s, vt = (at(name, value, 256) for name in ("svd_u", "svdvals", "svd_vt"))
        for i, j in product(range(rows), range(columns)):
            with precision(256):
                total = sum((u[i, k] * s[k] * vt[k, j] for k in range(len(s))), fmpq(0))
            assert close(total, mpmath.mpf(value[i, j].numerator) / value[i, j].denominator, 50)


# -- slices and merged axes ---------------------------------------------------------------------------


def contraction(factors, rank, *dims):
    return Contraction(Integer(1), tuple(factors), rank, tuple(Integer(k) for k in dims))


def sliced(size, count, start, step):
    return Slice(*(Integer(k) for k in (size, count, start, step)))


LEAF = sd.array("leaf", 5).node
TABLE = sd.array("table", 6, 5).node
POINT = Instance(
    {},
    {
        LEAF: np.array([Fraction(k * k - 3) for k in range(5)], dtype=object),
        TABLE: np.array([[Fraction(7 * i - j * j) for j in range(5)] for i in range(6)], dtype=object),
    },
)
VALUES = {leaf.name: value.astype(float) for leaf, value in POINT.values.items()}
MERGE = Merge(Integer(2), Integer(3))


@pytest.mark.parametrize(
    "node",
    [
        sliced(5, 2, 1, 2),
        sliced(5, 3, 4, -2),
        sliced(5, 1, 3, 7),
        MERGE,
        # x[1::2], x[::-1], and a slice put among zeros
        contraction([(LEAF, (1,)), (sliced(5, 2, 1, 2), (1, 0))], 1, 2, 5),
        contraction([(LEAF, (1,)), (sliced(5, 5, 4, -1), (1, 0))], 1, 5, 5),
        contraction([(sliced(7, 5, 1, 1), (0, 1)), (LEAF, (1,))], 1, 7, 5),
        # a slice of a slice, a slice squared, two slices that meet in few places
        contraction([(LEAF, (1,)), (sliced(5, 4, 1, 1), (1, 2)), (sliced(4, 2, 0, 2), (2, 0))], 1, 2, 5, 4),
        contraction([(sliced(5, 3, 0, 2), (0, 2)), (sliced(5, 3, 0, 2), (1, 2))], 2, 5, 5, 3),
        contraction([(sliced(5, 3, 0, 2), (2, 0)), (sliced(5, 4, 1, 1), (2, 1))], 2, 3, 4, 5),
        contraction([(sliced(5, 2, 0, 1), (2, 0)), (sliced(5, 2, 3, 1), (2, 1))], 2, 2, 2, 5),
        # a slice on a diagonal, with a δ and with a unit vector
        contraction([(sliced(5, 5, 4, -1), (0, 0))], 1, 5),
        contraction([(sliced(5, 5, 4, -1), (0, 0))], 0, 5),
        contraction([(LEAF, (0,)), (sliced(5, 3, 1, 1), (0, 1)), (Delta(Integer(5)), (0, 2))], 2, 5, 3, 5),
        contraction([(LEAF, (1,)), (sliced(5, 3, 1, 1), (1, 0)), (Basis(Integer(3), Integer(1)), (0,))], 1, 3, 5),
        contraction([(LEAF, (1,)), (sliced(5, 2, 0, 1), (1, 0)), (Basis(Integer(5), Integer(4)), (1,))], 1, 2, 5),
        # a table laid on one axis and back, its rows summed, and an axis that nobody carries
        contraction([(TABLE, (2, 0)), (MERGE, (2, 1, 3))], 3, 5, 2, 6, 3),
        contraction([(TABLE, (2, 0)), (MERGE, (2, 1, 3))], 2, 5, 2, 6, 3),
        contraction([(MERGE, (0, 1, 2)), (MERGE, (0, 3, 4))], 5, 6, 2, 3, 2, 3),
        contraction([(MERGE, (0, 2, 3)), (MERGE, (1, 2, 3))], 2, 6, 6, 2, 3),
        contraction([(MERGE, (0, 1, 2)), (MERGE, (3, 1, 4))], 5, 6, 2, 3, 6, 3),
        contraction([(MERGE, (1, 0, 2))], 1, 2, 6, 3),
        contraction([(MERGE, (2, 1, 0))], 1, 3, 2, 6),
        contraction([(sliced(6, 3, 1, 2), (1, 0)), (MERGE, (1, 2, 3))], 1, 3, 6, 2, 3),
        contraction([(sliced(6, 3, 1, 2), (1, 2)), (MERGE, (1, 0, 3))], 1, 2, 6, 3, 3),
    ],
)
def test_selections_mean_what_einsum_means(node):
    got = evaluate(node, POINT)
    expected = floats(node, {}, VALUES)
    assert got.shape == expected.shape
    assert [float(e.p) / float(e.q) for e in got.reshape(-1)] == list(expected.reshape(-1))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_selections_agree_with_einsum(data):
    sizes = [data.draw(st.integers(1, 4)) for _ in range(4)]
    count = data.draw(st.integers(1, 4))
    factors = []
    for _ in range(count):
        kind = data.draw(st.sampled_from(["slice", "merge", "delta", "basis", "leaf"]))
        labels = [data.draw(st.integers(0, 3)) for _ in range(3)]
        if kind == "slice":
            i, k = labels[:2]
            if i == k or sizes[k] > sizes[i]:
                continue
            step = data.draw(st.sampled_from([1, -1]))
            start = data.draw(st.integers(0, sizes[i] - sizes[k])) + (sizes[k] - 1 if step < 0 else 0)
            factors.append((sliced(sizes[i], sizes[k], start, step), (i, k)))
        elif kind == "merge":
            if sizes[labels[0]] == sizes[labels[1]] * sizes[labels[2]]:
                factors.append((Merge(Integer(sizes[labels[1]]), Integer(sizes[labels[2]])), tuple(labels)))
        elif kind == "delta":
            if sizes[labels[0]] == sizes[labels[1]]:
                factors.append((Delta(Integer(sizes[labels[0]])), (labels[0], labels[1])))
        elif kind == "basis":
            at_ = data.draw(st.integers(0, sizes[labels[0]] - 1))
            factors.append((Basis(Integer(sizes[labels[0]]), Integer(at_)), (labels[0],)))
        else:
            factors.append((sd.array("g", *(sizes[k] for k in labels[:2])).node, tuple(labels[:2])))
    rank = data.draw(st.integers(0, 4))
    node = contraction(factors, rank, *sizes)
    rng = np.random.default_rng(0)
    values = {leaf: rng.integers(-3, 4, [int(k) for k in leaf.shape]) for leaf in node.leaves()}
    if len({leaf.name for leaf in values}) < len(values):
        return  # two leaves of one name and different shapes
    point = Instance({}, {leaf: np.vectorize(Fraction, otypes=[object])(a) for leaf, a in values.items()})
    expected = floats(node, {}, {leaf.name: a for leaf, a in values.items()})
    assert [int(e.p) for e in evaluate(node, point).reshape(-1)] == [int(e) for e in np.ravel(expected)]


def test_what_a_slice_leaves_out_is_not_asked():
    inner = np.log(sd.array("x", n))
    point = Instance({N: 4}, {inner.node.leaves()[0]: np.array([Fraction(k) for k in (-1, 1, 1, -2)], dtype=object)})
    assert list(evaluate(inner[1:3].node, point)) == [0, 0]
    assert [type(e) for e in evaluate(inner[1:].node, point)] == [arb, arb, Undefined]
    padded = evaluate(np.pad(inner[1:3], (1, 2)).node, point)
    assert [float(arb(e).mid()) for e in padded] == [0.0] * 5


# -- derivatives before the judge -------------------------------------------------------------------



def laid(array):
    """The node of an array with its axes in the array's order."""
    return build.view(array.node, [array.axes.index(k) for k in range(array.node.rank)], array.dims)


R = sd.array("R", d, d, domain=sd.invertible)
S = sd.array("S", d, d, domain=sd.symmetric)
P = sd.array("P", d, d, domain=sd.spd)
a, b = sd.array("a", d), sd.array("b", d)
inverse = np.linalg.inv(R)
first, last = np.linalg.eigh(S)[1][:, 0], np.linalg.eigvalsh(S)[-1]
U, sigma, Vt = np.linalg.svd(X, full_matrices=False)

GRADIENTS = {
    "bilinear form of the inverse": (a @ inverse @ b, R, -np.outer(inverse.T @ a, inverse @ b)),
    "determinant": (np.linalg.det(R), R, np.linalg.det(R) * inverse.T),
    "log-determinant": (np.linalg.slogdet(R)[1], R, inverse.T),
    "log-determinant of a definite matrix": (np.linalg.slogdet(P)[1], P, np.linalg.inv(P)),
    "smallest eigenvalue": (np.linalg.eigvalsh(S)[0], S, np.outer(first, first)),
    "sum of squared eigenvalues": (np.sum(np.linalg.eigvalsh(S) ** 2), S, S + S.T),
    "nuclear norm": (np.sum(sigma), X, U @ Vt),
    "spectral norm": (sigma[0], X, np.outer(U[:, 0], Vt[0])),
    "log-determinant from the Cholesky factor":
        (2 * np.sum(np.log(np.diag(np.linalg.cholesky(P)))), P, np.linalg.inv(P)),
    "maximum": (np.max(a), a, (a == np.max(a)) * 1),
    "minimum": (np.min(X @ a), a, (X @ a == np.min(X @ a)) @ X),
    "roughness":
        (np.sum((a[1:] - a[:-1]) ** 2), a, 2 * (np.pad(a[1:] - a[:-1], (1, 0)) - np.pad(a[1:] - a[:-1], (0, 1)))),
}  # fmt: skip


#: Where two entries tie for the smallest, the formula takes both.
GIVEN = {"minimum": [Relation(np.sum(X @ a == np.min(X @ a)).node, "==", build.number(1))]}


@pytest.mark.parametrize("name", GRADIENTS)
def test_textbook_gradients_are_upheld(name):
    loss, wrt, gradient = GRADIENTS[name]
    verdict = judge_derivative(loss.node, wrt.node, laid(gradient), given=GIVEN.get(name, ()))
    assert verdict.status.value == "checked", verdict


def wrong(gradient):
    """Mutants: the other sign, the transpose, a factor, an entry too much."""
    yield "sign", -gradient
    yield "half", gradient / 2
    if gradient.ndim == 2 and gradient.dims[0] == gradient.dims[1]:
        yield "transpose", gradient.T
        yield "identity", gradient + sd.eye(gradient.dims[0])
    yield "plus", gradient + sd.ones(gradient.dims) / 10**12


SYMMETRIC_RESULTS = {
    "log-determinant of a definite matrix",
    "smallest eigenvalue",
    "sum of squared eigenvalues",
    "log-determinant from the Cholesky factor",
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_wrong_gradients_are_refuted(name):
    loss, wrt, gradient = GRADIENTS[name]
    for kind, mutant in wrong(gradient):
        if kind == "transpose" and name in SYMMETRIC_RESULTS:
            continue
        verdict = judge_derivative(loss.node, wrt.node, laid(mutant), given=GIVEN.get(name, ()))
        assert verdict.status.value == "refuted", (kind, verdict)
        assert verdict.counterexample is not None


def test_a_tie_that_a_formula_counts_twice_is_found():
    loss, wrt, gradient = GRADIENTS["minimum"]
    assert judge_derivative(loss.node, wrt.node, laid(gradient)).status.value == "refuted"


HESSIANS = {
    "log-determinant": (
        np.linalg.slogdet(R)[1], R,
        -np.einsum("jk,li->ijkl", inverse, inverse),
    ),
    "quadratic form": (
        a @ np.linalg.inv(P) @ a, P,
        np.einsum("i,jk,l->ijkl", np.linalg.inv(P) @ a, np.linalg.inv(P), np.linalg.inv(P) @ a)
        + np.einsum("k,il,j->ijkl", np.linalg.inv(P) @ a, np.linalg.inv(P), np.linalg.inv(P) @ a),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HESSIANS)
def test_second_derivatives(name):
    loss, wrt, hessian = HESSIANS[name]
    assert judge_derivative(loss.node, wrt.node, laid(hessian), order=2).status.value == "checked"
    for mutant in (-hessian, 2 * hessian, np.einsum("ijkl->ijlk", hessian)):
        assert judge_derivative(loss.node, wrt.node, laid(mutant), order=2).status.value == "refuted"


def test_a_matrix_identity_that_needs_a_condition():
    general = judge_relation(Relation((A @ np.linalg.inv(A)).node, "==", sd.eye(d).node))
    assert general.status.value == "refuted"
    assert "singular" in general.reason
    assert judge_relation(Relation((R @ inverse).node, "==", sd.eye(d).node)).status.value == "checked"


def test_singular_matrices_are_looked_for():
    """Hardly any drawn matrix is singular, and both sides are undefined there: entries are solved for."""
    verdict = judge_relation(Relation(np.linalg.det(np.linalg.inv(A)).node, "==", (1 / np.linalg.det(A)).node))
    assert verdict.status.value == "undecided"
    assert "undefined" in verdict.reason
    shifted = A + sd.eye(d) * 22 / 7
    for name in ("inv", "logabsdet"):
        value = build.opaque(name, shifted.node)
        assert judge_relation(Relation(value, "==", value)).status.value == "undecided", name
    sign = build.opaque("signdet", shifted.node)
    assert judge_relation(Relation(build.power(sign, 2), "==", build.number(1))).status.value == "refuted"
