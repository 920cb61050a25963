"""Points lie in their domains exactly, cover what goes wrong in practice, and follow from the seed."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sympy import Integer, Matrix, pi, sqrt

from symderive.judgement.instances import (
    STRATA,
    Drawer,
    contains,
    dimensions,
    draw,
    satisfies,
    settings,
)
from symderive.language import build
from symderive.language.arrays import array, as_array, dims
from symderive.language.domains import (
    diagonal,
    integers,
    interval,
    invertible,
    labels,
    lower_triangular,
    nonnegative,
    nonzero,
    one_hot,
    orthogonal,
    positive,
    real,
    simplex,
    spd,
    symmetric,
    unit_interval,
)

n, d = dims("n d")
N, D = (s.node.value if hasattr(s, "node") else as_array(s).node.value for s in (n, d))

ENTRY_DOMAINS = [
    real,
    positive,
    nonnegative,
    nonzero,
    unit_interval,
    interval(-2, 5, closed="left"),
    interval(0, pi),
    interval(10**6, float("inf")),
    interval(float("-inf"), -3, closed="right"),
    integers(0, 10),
    integers(0, float("inf")),
    integers(-(10**9), 10**9),
    labels(0, 1),
    labels(-1, 1),
    labels(sqrt(2), 3),
    interval(0, 1) & nonzero,
    positive & interval(float("-inf"), Integer(1) / 1000),
]

SQUARE = [
    symmetric,
    spd,
    invertible,
    diagonal,
    lower_triangular,
    orthogonal,
    diagonal & spd,
    symmetric & orthogonal,
    diagonal & orthogonal,
    lower_triangular & invertible,
    symmetric & positive,
]


@pytest.mark.parametrize("domain", ENTRY_DOMAINS, ids=str)
@pytest.mark.parametrize("stratum", STRATA)
def test_entries_lie_in_their_domain(domain, stratum):
    leaf = array("leaf", n, domain=domain).node
    for seed in range(6):
        value = draw([leaf], {N: 4}, stratum, seed).values[leaf]
        assert value.shape == (4,)
        for v in value:
            # the language's own, independent membership
            exact = Integer(v.numerator) / v.denominator if isinstance(v, Fraction) else v
            assert domain.entries.contains(exact), (domain, v)


@pytest.mark.parametrize("domain", SQUARE, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_matrices_have_their_structure(domain, size):
    leaf = array("leaf", d, d, domain=domain).node
    for stratum in STRATA:
        value = draw([leaf], {D: size}, stratum, 3).values[leaf]
        for structure, _ in domain.structures:
            assert HOLDS[structure](value), (domain, stratum, value)


HOLDS = {
    "symmetric": lambda a: np.array_equal(a, a.T),
    "spd": lambda a: np.array_equal(a, a.T) and Matrix(a.tolist()).is_positive_definite,
    "invertible": lambda a: Matrix(a.tolist()).det() != 0,
    "diagonal": lambda a: np.array_equal(a, np.diag(np.diag(a))),
    "lower_triangular": lambda a: np.array_equal(a, np.tril(a)),
    "orthogonal": lambda a: np.array_equal(a @ a.T, np.eye(len(a), dtype=int)),
}


def test_orthogonal_matrices_are_not_only_signs_and_have_both_determinants():
    leaf = array("leaf", d, d, domain=orthogonal).node
    values = [draw([leaf], {D: 3}, "moderate", s).values[leaf].astype(float) for s in range(20)]
    assert {round(np.linalg.det(v)) for v in values} == {-1, 1}
    assert any(0 < abs(v[0, 1]) < 1 for v in values)


def test_symmetric_is_not_always_diagonal():
    leaf = array("leaf", d, d, domain=symmetric).node
    assert any(draw([leaf], {D: 2}, "moderate", s).values[leaf][0, 1] != 0 for s in range(4))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_simplices_along_any_axis(axis):
    leaf = array("leaf", n, d, domain=simplex(axis=axis)).node
    hot = array("hot", n, d, domain=one_hot(axis=axis)).node
    for stratum in STRATA:
        at = draw([leaf, hot], {N: 3, D: 2}, stratum, 5).values
        assert all(s == 1 for s in at[leaf].sum(axis=axis))
        assert all(s == 1 for s in at[hot].sum(axis=axis))
        assert all(v >= 0 for v in at[leaf].flat)
        assert set(at[hot].flat) <= {0, 1}


def test_simplex_strata():
    closed, inner = (array("p", n, domain=x).node for x in (simplex, simplex & positive))

    def entries(leaf, stratum):
        return [v for s in range(12) for v in draw([leaf], {N: 4}, stratum, s).values[leaf]]

    assert 0 in entries(closed, "edges")
    assert all(v > 0 for stratum in STRATA for v in entries(inner, stratum))
    assert min(entries(inner, "tail")) < Fraction(1, 1000)
    assert all(abs(v - Fraction(1, 4)) < Fraction(1, 100) for v in entries(inner, "small"))
    one = draw([inner], {N: 1}, "moderate", 0)
    assert list(one.values[inner]) == [1]


def test_strata_reach_zeros_tails_edges_and_ties():
    leaf = array("leaf", n).node

    def entries(stratum, where=leaf):
        return [v for s in range(12) for v in draw([where], {N: 5}, stratum, s).values[where]]

    assert {0, 1, -1} <= set(entries("special"))
    assert max(map(abs, entries("tail"))) > 10**3
    assert any(100 < v < 1000 for v in entries("tail"))
    assert any(-1000 < v < -100 for v in entries("tail"))
    assert all(0 < abs(v) < Fraction(1, 10) for v in entries("small"))
    assert all(len(set(draw([leaf], {N: 5}, "ties", s).values[leaf])) <= 2 for s in range(6))
    assert any(set(draw([leaf], {N: 5}, "zeros", s).values[leaf]) == {0} for s in range(3))
    closed = array("closed", n, domain=unit_interval).node
    assert {0, 1} <= set(entries("edges", closed))
    assert any(0 < v < Fraction(1, 1000) for v in entries("edges", closed))


@profile(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(STRATA))
def test_the_seed_decides(seed, stratum):
    leaves = [array("a", n, d).node, array("p", d, domain=simplex).node]
    one, two = (draw(leaves, {N: 2, D: 3}, stratum, seed) for _ in range(2))
    assert all(np.array_equal(one.values[leaf], two.values[leaf]) for leaf in leaves)


def test_an_empty_domain_has_no_point():
    impossible = build.Leaf("impossible", (), interval(2, 1))
    assert draw([impossible], {}, "moderate", 0) is None
    fraction = build.Leaf("fraction", (), integers(0, 1) & interval(0, 1))
    assert draw([fraction], {}, "moderate", 0) is None
    alone = array("alone", n, domain=simplex & interval(0, 1)).node
    assert draw([alone], {N: 1}, "moderate", 0) is None
    assert draw([alone], {N: 2}, "moderate", 0) is not None


def test_membership_is_exact():
    ends = interval(0, pi, closed="right")
    assert contains(ends.entries, Fraction(3141592653589793, 10**15))
    assert not contains(ends.entries, Fraction(3141592653589794, 10**15))
    assert not contains(positive.entries, Fraction(0))
    assert not contains(nonzero.entries, Fraction(0))
    assert not contains(labels(0, 1).entries, Fraction(1, 2))
    barely = np.array([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1)]], dtype=object)
    assert not satisfies(spd, barely)
    barely[1, 1] += Fraction(1, 10**30)
    assert satisfies(spd, barely)
    barely[0, 1] += Fraction(1, 10**40)
    assert not satisfies(symmetric, barely)


def test_settings_cover_the_cases():
    x = array("x", n, d).node
    found = [(s[N], s[D]) for s in settings([x])]
    assert len(set(found)) == len(found)
    assert any(a > b > 1 for a, b in found)
    assert any(b > a > 1 for a, b in found)
    assert any(a == 1 < b for a, b in found)
    assert any(b == 1 < a for a, b in found)
    assert any(a == b > 1 for a, b in found)
    assert (1, 1) in found


def test_settings_respect_derived_dimensions_and_indices():
    picked = array("x", n)[4].node
    assert all(s[N] >= 5 for s in settings([picked]))
    shorter = build.Leaf("v", (N - 2,), real)
    assert settings([shorter])
    assert all(s[N] >= 3 for s in settings([shorter]))
    half = build.Leaf("v", (N / 2,), real)
    assert all(s[N] % 2 == 0 for s in settings([half]))
    assert settings([build.Leaf("v", (N - N,), real)]) == []
    assert settings([array("scalar").node]) == [{}]
    both = build.Leaf("v", (N + D, N * D), real)
    assert dimensions([both]) == (D, N)
    at = draw([both], {N: 2, D: 3}, "moderate", 0)
    assert at.values[both].shape == (5, 6)


def test_dimensions_of_numbers_count():
    assert dimensions([build.number(N * 2)]) == (N,)
    assert dimensions([build.scale(1 / D, array("x").node)]) == (D,)


def test_moderate_numbers_are_simple():
    drawer = Drawer(0)
    assert all(v.denominator <= 8 and abs(v) <= 3 for v in (drawer.moderate() for _ in range(50)))
