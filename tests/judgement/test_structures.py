"""Structured domains: what they imply, exact draws, sizes in the dimensions, and tangents."""

from fractions import Fraction

import numpy as np
import pytest
from sympy import Integer, Matrix, Max, oo

import symderive as sd
from symderive.errors import DomainError, ShapeError, UnsupportedError
from symderive.judgement.examine import Statement
from symderive.judgement.instances import STRATA, dimensions, draw, fits, satisfies, settings
from symderive.judgement.judge import judge_derivative, judge_relation, judge_tangent_gradient
from symderive.judgement.points import Source, cost
from symderive.judgement.structures import normals, tangent_basis, tangent_direction
from symderive.language import build
from symderive.language.arrays import as_array
from symderive.language.domains import Entries
from symderive.language.nodes import Leaf, Merge, Slice
from symderive.language.statements import Relation

n, d, k = sd.dims("n d k")
N, D, K = (s.node.value for s in (n, d, k))


# -- what domains say ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "implied", "not_implied"),
    [
        (sd.spd, {"symmetric", "psd", "invertible", "positive_diagonal"}, {"diagonal", "orthogonal"}),
        (sd.psd, {"symmetric"}, {"spd", "invertible", "positive_diagonal"}),
        (sd.correlation, {"spd", "psd", "symmetric", "invertible"}, {"diagonal"}),
        (sd.diagonal, {"symmetric", "lower_triangular", "upper_triangular"}, {"psd", "invertible"}),
        (sd.lower_triangular & sd.upper_triangular, {"diagonal", "symmetric"}, {"invertible"}),
        (sd.lower_triangular & sd.positive_diagonal, {"invertible"}, {"symmetric", "spd"}),
        (sd.diagonal & sd.positive_diagonal, {"spd", "invertible"}, {"orthogonal"}),
        (sd.symmetric & sd.upper_triangular, {"diagonal", "lower_triangular"}, {"psd"}),
        (sd.psd & sd.invertible, {"spd"}, {"diagonal"}),
        (sd.positive_diagonal, set(), {"invertible", "spd"}),
        (sd.one_hot, {"simplex"}, {"unit_norm"}),
        (sd.unit_norm, set(), {"simplex"}),
        (sd.real, set(), {"symmetric"}),
    ],
    ids=lambda value: str(value) if isinstance(value, sd.Domain) else " ".join(sorted(value)),
)
def test_structures_imply_others(domain, implied, not_implied):
    assert all(domain.has(s) for s in implied)
    assert not any(domain.has(s) for s in not_implied)


def test_ends_in_the_dimensions():
    labels = sd.integers(0, k - 1)
    assert str(labels) == "integers(0, k - 1)"
    entries = labels.entries
    assert entries.symbols == {K}
    assert entries.is_nonnegative
    assert not entries.is_positive
    assert not entries.is_nonzero
    assert not entries.is_empty
    assert entries.at({K: 3}) == sd.integers(0, 2).entries
    assert entries.at({K: 3}).contains(Integer(2))
    assert not entries.at({K: 3}).contains(Integer(3))
    assert not entries.contains(Integer(-1))
    with pytest.raises(DomainError, match=r"depends on the dimensions"):
        entries.contains(Integer(2))
    assert sd.integers(1, k).entries.is_positive
    assert sd.integers(-k, -1).entries.is_negative
    assert sd.integers(-k, 0).entries.is_nonpositive
    assert not sd.integers(-k, 0).entries.is_negative
    assert sd.integers(k + 1, k).entries.is_empty
    unsure = sd.integers(k - 3, k - 3).entries
    assert not any((unsure.is_nonnegative, unsure.is_nonpositive, unsure.is_nonzero, unsure.is_empty))
    assert sd.integers(2, K).entries == sd.integers(2, k).entries
    assert sd.integers(k, oo).entries.high == oo
    assert sd.array("y", n, domain=labels).node is sd.array("y", n, domain=sd.integers(0, K - 1)).node


def test_intersections_of_ends_in_the_dimensions():
    both = (sd.integers(0, k - 1) & sd.integers(1, 5)).entries
    assert both.at({K: 3}) == sd.integers(1, 2).entries
    assert both.at({K: 9}) == sd.integers(1, 5).entries
    assert both.low == 1
    assert (sd.integers(k, 2 * k) & sd.integers(2, d)).entries.low == Max(2, K)
    positive = (sd.integers(0, k - 1) & sd.positive).entries
    assert (positive.low, positive.low_open, positive.high) == (0, True, K - 1)
    with pytest.raises(DomainError, match="depends on the dimensions"):
        _ = sd.integers(0, k) & sd.interval(0, 3)


@pytest.mark.parametrize("end", [sd.array("x"), k / 2, "k", True, float("nan")], ids=str)
def test_ends_that_are_none(end):
    with pytest.raises(DomainError, match="the upper end must be"):
        sd.integers(0, end)


def test_unit_vectors_need_an_axis_and_matrices_two():
    assert sd.array("u", n, d, domain=sd.unit_norm(axis=0)).node.domain.axis("unit_norm") == 0
    with pytest.raises(ShapeError, match="axis"):
        sd.array("u", n, domain=sd.unit_norm(axis=1))
    with pytest.raises(ShapeError, match="square"):
        sd.array("C", n, d, domain=sd.correlation)


# -- draws ------------------------------------------------------------------------------------------


def symmetric(a):
    return np.array_equal(a, a.T)


HOLDS = {
    "symmetric": symmetric,
    "spd": lambda a: symmetric(a) and Matrix(a.tolist()).is_positive_definite,
    "psd": lambda a: symmetric(a) and Matrix(a.tolist()).is_positive_semidefinite,
    "correlation": lambda a: symmetric(a) and Matrix(a.tolist()).is_positive_definite and set(np.diag(a)) == {1},
    "invertible": lambda a: Matrix(a.tolist()).det() != 0,
    "diagonal": lambda a: np.array_equal(a, np.diag(np.diag(a))),
    "lower_triangular": lambda a: np.array_equal(a, np.tril(a)),
    "upper_triangular": lambda a: np.array_equal(a, np.triu(a)),
    "positive_diagonal": lambda a: all(x > 0 for x in np.diag(a)),
    "orthogonal": lambda a: np.array_equal(a @ a.T, np.eye(len(a), dtype=int)),
    "unit_norm": lambda a: all(x == 1 for x in np.sum(a * a, axis=-1)),
    "simplex": lambda a: all(x == 1 for x in np.sum(a, axis=-1)) and all(x >= 0 for x in a.flat),
}

MATRICES = [
    sd.psd,
    sd.correlation,
    sd.upper_triangular,
    sd.positive_diagonal,
    sd.upper_triangular & sd.invertible,
    sd.lower_triangular & sd.positive_diagonal,
    sd.diagonal & sd.psd,
    sd.diagonal & sd.positive_diagonal,
    sd.diagonal & sd.correlation,
    sd.symmetric & sd.positive_diagonal,
    sd.symmetric & sd.invertible,
    sd.orthogonal & sd.upper_triangular,
    sd.orthogonal & sd.psd,
    sd.orthogonal & sd.positive_diagonal,
    sd.psd & sd.invertible,
    sd.unit_norm & sd.lower_triangular & sd.positive_diagonal,
    sd.simplex & sd.lower_triangular,
    sd.unit_norm & sd.nonnegative,
]


@pytest.mark.parametrize("domain", MATRICES, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_matrices_have_their_structure(domain, size):
    leaf = sd.array("leaf", d, d, domain=domain).node
    for stratum in STRATA:
        for seed in range(3):
            point = draw([leaf], {D: size}, stratum, seed)
            assert point is not None, stratum
            value = point.values[leaf]
            assert all(type(x) is Fraction for x in value.flat)
            for structure, _ in domain.structures:
                assert HOLDS[structure](value), (structure, stratum, value)
            assert satisfies(leaf.domain, value)


@pytest.mark.parametrize(
    ("domain", "value", "inside"),
    [
        (sd.psd, [[1, 1], [1, 1]], True),
        (sd.psd, [[0, 0], [0, 0]], True),
        (sd.psd, [[1, 1], [1, Fraction(10**12 - 1, 10**12)]], False),
        (sd.psd, [[0, 1], [1, 0]], False),
        (sd.psd, [[1, 2], [0, 1]], False),
        (sd.correlation, [[1, Fraction(1, 2)], [Fraction(1, 2), 1]], True),
        (sd.correlation, [[1, 1], [1, 1]], False),
        (sd.correlation, [[2, 0], [0, 1]], False),
        (sd.upper_triangular, [[1, 2], [0, 0]], True),
        (sd.upper_triangular, [[1, 2], [Fraction(1, 10**9), 0]], False),
        (sd.positive_diagonal, [[1, -2], [-3, 1]], True),
        (sd.positive_diagonal, [[1, 2], [3, 0]], False),
        (sd.unit_norm, [[Fraction(3, 5), Fraction(-4, 5)], [0, 1]], True),
        (sd.unit_norm, [[Fraction(3, 5), Fraction(-4, 5)], [1, 1]], False),
        (sd.unit_norm(axis=0), [[Fraction(3, 5), 0], [Fraction(4, 5), 1]], True),
        (sd.unit_norm(axis=0), [[Fraction(3, 5), Fraction(4, 5)], [0, 1]], False),
    ],
    ids=str,
)
def test_membership_is_exact(domain, value, inside):
    array = np.vectorize(Fraction, otypes=[object])(np.array(value, dtype=object))
    assert satisfies(domain, array) is inside


def drawn(domain, size, stratum, count=25, shape=(D,)):
    leaf = Leaf("leaf", shape, domain)
    return [draw([leaf], {D: size}, stratum, s).values[leaf] for s in range(count)]


def test_draws_reach_what_goes_wrong():
    assert any(Matrix(a.tolist()).det() == 0 for a in drawn(sd.psd, 3, "moderate", shape=(D, D)))
    assert any(Matrix(a.tolist()).det() != 0 for a in drawn(sd.psd, 3, "moderate", shape=(D, D)))
    near = [Matrix(a.tolist()).det() for a in drawn(sd.correlation, 3, "edges", shape=(D, D))]
    assert min(near) < Fraction(1, 1000)
    assert any(a[0, 1] not in (0, 1, -1) for a in drawn(sd.correlation, 2, "moderate", shape=(D, D)))
    vectors = drawn(sd.unit_norm, 3, "moderate")
    assert all(any(v[i] > 0 for v in vectors) and any(v[i] < 0 for v in vectors) for i in range(3))
    assert sum(all(v) for v in vectors) > 5
    corners = drawn(sd.unit_norm, 3, "special")
    assert {tuple(abs(x) for x in v) for v in corners} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
    assert {v[0] for v in drawn(sd.unit_norm, 1, "moderate")} == {1, -1}
    tails = drawn(sd.unit_norm, 2, "tail")
    assert any(0 < min(abs(x) for x in v) < Fraction(1, 20) for v in tails)


def test_labels_are_drawn_at_the_sizes_at_hand():
    y = sd.array("y", n, domain=sd.integers(0, k - 1)).node
    seen = {v for s in range(30) for v in draw([y], {N: 4, K: 3}, STRATA[s % len(STRATA)], s).values[y]}
    assert seen == {0, 1, 2}
    assert dimensions([y]) == (K, N)
    relation = Relation(y, "<=", (k - 1).node)
    assert judge_relation(relation).status.value == "checked"
    refuted = judge_relation(Relation(y, "<=", (k - 2).node))
    assert refuted.status.value == "refuted"
    assert str(refuted.counterexample.point) == "k = 1, n = 1, y = [0]"
    assert judge_relation(Relation(y, ">", build.number(0))).status.value == "refuted"


def test_an_empty_range_makes_larger_sizes():
    y = Leaf("y", (N,), sd.integers(2, k - 1))
    found = settings([y])
    assert found
    assert all(s[K] >= 3 for s in found)
    assert draw([y], {N: 2, K: 2}, "moderate", 0) is None


def test_points_outside_the_labels_are_not_admitted():
    y = sd.array("y", n, domain=sd.integers(0, k - 1)).node
    source = Source([y], [], [], 0, [])
    point = source.point({N: 2, K: 3}, "moderate", 0)
    assert source.admits(point.instance)
    values = np.array([Fraction(0), Fraction(3)], dtype=object)
    assert not source.admits(type(point.instance)({N: 2, K: 3}, {y: values}))


# -- sizes ------------------------------------------------------------------------------------------


def sizes_of(*nodes):
    return [(s[N], s[D]) for s in settings(nodes)]


def test_sizes_at_which_slices_fit():
    x = sd.array("x", n, d).node
    shorter = Slice(N, N - 2, Integer(2), Integer(1))
    found = sizes_of(x, shorter)
    assert all(a >= 3 for a, _ in found)
    assert any(a == 3 for a, _ in found)
    assert any(a > b > 1 for a, b in found)
    assert any(b > a for a, b in found)
    assert any(b == 1 for _, b in found)
    assert any(a == b for a, b in found)
    every_other = Slice(N, D, Integer(1), Integer(2))
    assert all(2 * b <= a for a, b in sizes_of(x, every_other))
    assert len(sizes_of(x, every_other)) >= 3
    backwards = Slice(N, D, N - 1, Integer(-1))
    assert all(b <= a for a, b in sizes_of(x, backwards))
    assert any(b < a for a, b in sizes_of(x, backwards))
    far = sizes_of(x, Slice(N, Integer(1), Integer(30), Integer(1)))
    assert far
    assert all(a >= 31 for a, _ in far)
    assert any(b == 1 for _, b in far)
    assert sizes_of(x, Slice(N, N + 1, Integer(0), Integer(1))) == []
    assert all(a >= 4 for a, _ in sizes_of(x, Slice(N, Integer(2), Integer(3), Integer(-1))))
    assert all(b >= 3 for _, b in sizes_of(x, Slice(N, D - 2, Integer(1), Integer(1))))
    short = sizes_of(x, Slice(Integer(2), N, Integer(0), Integer(1)))
    assert {a for a, _ in short} == {1, 2}
    assert {3, 4, 5} <= {b for _, b in short}
    alone = sizes_of(x, Slice(N, N, Integer(0), Integer(-1)))
    assert alone
    assert {a for a, _ in alone} == {1}


def test_sizes_at_which_merged_axes_fit():
    x = Leaf("x", (N * D - 3,), sd.real)
    found = sizes_of(x, Merge(N, D))
    assert found
    assert all(a * b >= 4 for a, b in found)
    assert any(a != b for a, b in found)
    assert any(a == 1 for a, _ in found)
    assert any(b == 1 for _, b in found)
    assert not fits([(N * D - 3, None)], {N: 1, D: 3})


def test_statements_with_slices_are_judged_at_unequal_sizes():
    x = sd.array("x", n)
    verdict = judge_relation(Relation(np.sum(x[1:] - x[:-1]).node, "==", (x[-1] - x[0]).node))
    assert verdict.status.value == "checked"
    assert len(verdict.evidence.sizes) >= 3
    assert all(s["n"] >= 2 for s in verdict.evidence.sizes)
    assert judge_relation(Relation(np.sum(x[1:]).node, "==", np.sum(x[:-1]).node)).status.value == "refuted"
    assert judge_relation(Relation(x[::2][0].node, "==", x[0].node)).status.value == "checked"


def test_the_cost_of_an_elimination_counts():
    leaf = sd.array("A", d, d, domain=sd.spd).node
    inverse = build.opaque("inv", leaf)
    plain, dear = (
        Statement((root,), "==", "", 1, lambda evaluator, _: (evaluator.value(leaf),) * 2) for root in (leaf, inverse)
    )
    assert cost(dear, {D: 5}) >= cost(plain, {D: 5}) + 5**3
    merged = build.contract(1, [(Merge(N, D), (0, 1, 2)), (leaf, (1, 2))], [0], {0: N * D, 1: N, 2: D})
    assert cost(Statement((merged,), "==", "", 1, plain.sides), {N: 5, D: 5}) < 5**4


# -- tangents ---------------------------------------------------------------------------------------

DIMENSIONS = [
    (sd.real, (3,), 3),
    (sd.symmetric, (3, 3), 6),
    (sd.spd, (3, 3), 6),
    (sd.psd, (2, 2), 3),
    (sd.correlation, (3, 3), 3),
    (sd.diagonal, (3, 3), 3),
    (sd.lower_triangular, (3, 3), 6),
    (sd.upper_triangular & sd.invertible, (3, 3), 6),
    (sd.positive_diagonal, (2, 2), 4),
    (sd.simplex, (4,), 3),
    (sd.simplex(axis=0), (3, 2), 4),
    (sd.unit_norm, (4,), 3),
    (sd.unit_norm, (1,), 0),
    (sd.unit_norm(axis=0), (3, 2), 4),
    (sd.orthogonal, (3, 3), 3),
    (sd.orthogonal, (4, 4), 6),
    (sd.orthogonal, (1, 1), 0),
    (sd.orthogonal & sd.upper_triangular, (3, 3), 0),
    (sd.unit_norm & sd.lower_triangular & sd.positive_diagonal, (3, 3), 3),
    (sd.simplex & sd.lower_triangular, (3, 3), 3),
]


@pytest.mark.parametrize(("domain", "shape", "dimension"), DIMENSIONS, ids=str)
def test_tangent_spaces_have_their_dimension_and_stay_inside_to_first_order(domain, shape, dimension):
    leaf = sd.array("leaf", *shape, domain=domain).node
    value = draw([leaf], {}, "moderate", 7).values[leaf]
    basis = tangent_basis(leaf, value)
    assert len(basis) == dimension
    flat = Matrix([list(v.flat) for v in basis]) if basis else Matrix(0, value.size, [])
    assert flat.rank() == dimension
    normal = [list(v.flat) for v in normals(leaf, value)]
    assert (Matrix(normal).rank() if normal else 0) == value.size - dimension
    v = tangent_direction(leaf, value, 3)
    assert v.shape == value.shape
    assert bool(np.any(v != 0)) is (dimension > 0)
    assert all(np.sum(np.array(row, dtype=object) * v.reshape(-1)) == 0 for row in normal)
    # the relations themselves change by less than first order: (value + t v) at t and at -t
    for structure, axis in leaf.domain.structures:
        for change in CHANGES.get(structure, ()):
            up, down = change(value + v, axis), change(value - v, axis)
            assert np.all(up - down == 0), structure


CHANGES = {
    "symmetric": [lambda a, _: a - a.T],
    "spd": [lambda a, _: a - a.T],
    "psd": [lambda a, _: a - a.T],
    "correlation": [lambda a, _: a - a.T, lambda a, _: np.diag(a)],
    "diagonal": [lambda a, _: a - np.diag(np.diag(a))],
    "lower_triangular": [lambda a, _: np.triu(a, 1)],
    "upper_triangular": [lambda a, _: np.tril(a, -1)],
    "simplex": [lambda a, axis: np.sum(a, axis=axis)],
    "unit_norm": [lambda a, axis: np.sum(a * a, axis=axis)],
    "orthogonal": [lambda a, _: a.T @ a],
}


def test_the_reflections_among_orthogonal_matrices():
    """Symmetric orthogonal 3 x 3 matrices near I - 2vv': a sphere of directions v, so two dimensions."""
    leaf = sd.array("leaf", 3, 3, domain=sd.symmetric & sd.orthogonal).node
    value = draw([leaf], {}, "moderate", 1).values[leaf]
    assert len(tangent_basis(leaf, value)) == 2
    v = tangent_direction(leaf, value, 0)
    assert np.array_equal(v, v.T)
    assert np.all(value @ v + v @ value == 0)


def test_the_seed_decides_the_direction():
    leaf = sd.array("leaf", 3, domain=sd.unit_norm).node
    value = draw([leaf], {}, "moderate", 7).values[leaf]
    assert np.array_equal(tangent_direction(leaf, value, 3), tangent_direction(leaf, value, 3))
    assert not np.array_equal(tangent_direction(leaf, value, 3), tangent_direction(leaf, value, 4))


@pytest.mark.parametrize("domain", [sd.labels(0, 1), sd.integers(0, 9), sd.one_hot], ids=str)
def test_single_points_have_no_tangents(domain):
    leaf = sd.array("leaf", 2, domain=domain).node
    with pytest.raises(UnsupportedError, match="single points"):
        tangent_direction(leaf, np.array([Fraction(1), Fraction(0)], dtype=object), 0)


# -- gradients along tangents -------------------------------------------------------------------------


def laid(array):
    """The node of an array with its axes in the array's order."""
    array = as_array(array)
    return build.view(array.node, [array.axes.index(j) for j in range(array.node.rank)], array.dims)


A = sd.array("A", d, d)
a, b = sd.array("a", d), sd.array("b", d)


def leaf_of(domain, *shape):
    return sd.array("Z", *(shape or (d, d)), domain=domain)


S, Q, P, Dg, Lo, C = (
    leaf_of(x) for x in (sd.symmetric, sd.orthogonal, sd.spd, sd.diagonal, sd.lower_triangular, sd.correlation)
)
u, p = leaf_of(sd.unit_norm, d), leaf_of(sd.simplex & sd.positive, d)
skew = Q.T @ A - A.T @ Q
rayleigh = (A + A.T) @ u - (u @ (A + A.T) @ u) * u

TANGENT = {
    "bilinear form, symmetric": (a @ S @ b, S, (np.outer(a, b) + np.outer(b, a)) / 2),
    "log-determinant, definite": (np.linalg.slogdet(P)[1], P, np.linalg.inv(P)),
    "trace with a rotation": (np.trace(A.T @ Q), Q, Q @ skew / 2),
    "Rayleigh quotient": (u @ A @ u, u, rayleigh),
    "entropy": (-np.sum(p * np.log(p)), p, -np.log(p) + np.mean(np.log(p))),
    "diagonal": (np.trace(A @ Dg), Dg, np.diag(np.diag(A))),
    "triangular": (np.sum(A * Lo), Lo, np.tril(A)),
    "correlation": (np.sum(A * C), C, (A + A.T) / 2 - np.diag(np.diag(A))),
}


@pytest.mark.parametrize("name", TANGENT)
def test_projected_gradients_are_upheld(name):
    f, wrt, gradient = TANGENT[name]
    verdict = judge_tangent_gradient(f.node, wrt.node, laid(gradient))
    assert verdict.status.value == "checked", verdict


@pytest.mark.parametrize("name", TANGENT)
def test_wrong_projected_gradients_are_refuted(name):
    f, wrt, gradient = TANGENT[name]
    entry = sd.ones(gradient.dims) / 10**12
    for mutant in (-gradient, 2 * gradient, gradient + entry):
        assert judge_tangent_gradient(f.node, wrt.node, laid(mutant)).status.value == "refuted"


FREE = {
    "bilinear form, symmetric": np.outer(a, b),
    "trace with a rotation": A,
    "Rayleigh quotient": (A + A.T) @ u,
    "entropy": -np.log(p) - 1,
    "diagonal": A.T,
    "triangular": A,
    "correlation": A,
}


@pytest.mark.parametrize("name", FREE)
def test_the_free_gradient_is_no_tangent(name):
    """It pairs rightly with every tangent, and that it is no tangent itself is seen."""
    f, wrt, _ = TANGENT[name]
    assert judge_derivative(f.node, wrt.node, laid(FREE[name])).status.value == "checked"
    assert judge_tangent_gradient(f.node, wrt.node, laid(FREE[name])).status.value == "refuted"


def test_a_missing_projection_of_one_side_is_refuted():
    f, wrt, _ = TANGENT["trace with a rotation"]
    assert judge_tangent_gradient(f.node, wrt.node, laid(Q @ skew)).status.value == "refuted"
    assert judge_tangent_gradient(f.node, wrt.node, laid(skew / 2)).status.value == "refuted"


def test_what_tangent_gradients_need():
    with pytest.raises(ShapeError, match="scalar"):
        judge_tangent_gradient(u.node, u.node, u.node)
    with pytest.raises(ShapeError, match="shape"):
        judge_tangent_gradient((a @ u).node, u.node, A.node)


def test_points_are_kept_inside_while_searching():
    """An inequality over unit vectors: found false only where the search stays on the sphere."""
    x = sd.array("x", 3, domain=sd.unit_norm)
    assert judge_relation(Relation((x[0] ** 2).node, "<=", build.number(1))).status.value == "checked"
    refuted = judge_relation(Relation(np.sum(x).node, "<=", build.number(1)))
    assert refuted.status.value == "refuted"
    assert sum(v * v for v in refuted.counterexample.values["x"]) == 1


def test_entries_without_symbols_are_as_they_were():
    entries = Entries(Integer(0), Integer(2), False, False)
    assert entries.at({K: 3}) is entries
    assert entries.symbols == frozenset()
