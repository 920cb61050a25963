"""What the strategies draw lies in its domain, exactly."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symderive as sd
from symderive.integrations.strategies import arrays, entries, lies_in, points

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
FLAT = (
    sd.real, sd.positive, sd.nonnegative, sd.nonzero, sd.unit_interval, sd.interval(-1, 2), sd.interval(0, 1, "left"),
    sd.interval(2, 3, "both"), sd.integers(0, 4), sd.integers(-3, 3) & sd.nonzero, sd.labels(-1, 1),
    sd.interval(-float("inf"), -5),
)  # fmt: skip
ROWS = (sd.simplex, sd.simplex & sd.positive, sd.simplex(axis=0), sd.one_hot, sd.unit_norm)
MATRICES = (
    sd.symmetric, sd.spd, sd.psd, sd.correlation, sd.orthogonal, sd.invertible, sd.diagonal, sd.lower_triangular,
    sd.upper_triangular, sd.lower_triangular & sd.positive_diagonal, sd.spd & sd.diagonal, sd.diagonal & sd.invertible,
)  # fmt: skip


@pytest.mark.parametrize("domain", FLAT, ids=str)
def test_entries(domain):
    seen = set()

    @QUICK
    @given(entries(domain))
    def run(value):
        assert isinstance(value, float)
        assert lies_in(domain, value)
        seen.add(value)

    run()
    assert len(seen) >= 2


@pytest.mark.parametrize("domain", [*FLAT, *ROWS, *MATRICES], ids=str)
def test_arrays(domain):
    seen = set()

    @QUICK
    @given(arrays(domain, (4, 4)))
    def run(value):
        assert value.shape == (4, 4)
        assert lies_in(domain, value)
        seen.add(value.tobytes())

    run()
    assert len(seen) >= 5


@pytest.mark.parametrize("domain", [sd.orthogonal, sd.unit_norm], ids=str)
def test_general_ones_are_right_to_rounding(domain):
    @QUICK
    @given(arrays(domain, (3, 3), exact=False))
    def run(value):
        gram = value @ value.T
        np.testing.assert_allclose(np.diag(gram), 1, rtol=1e-12)
        if domain is sd.orthogonal:
            np.testing.assert_allclose(gram, np.eye(3), atol=1e-12)

    run()


def test_points_of_declared_arrays_fit_together():
    n, k = sd.dims("n k")
    X, p = sd.array("X", n, k), sd.array("p", k, domain=sd.simplex)
    y, lam = sd.array("y", n, domain=sd.integers(0, k - 1)), sd.array("lam", domain=sd.positive)
    sizes = set()

    @QUICK
    @given(points(X, p, y, lam))
    def run(point):
        rows, columns = point["X"].shape
        assert point["p"].shape == (columns,)
        assert point["y"].shape == (rows,)
        assert np.all((point["y"] >= 0) & (point["y"] < columns))
        assert point["lam"] > 0
        assert lies_in(sd.simplex, point["p"])
        sizes.add((rows, columns))

    run()
    assert len(sizes) >= 3


def test_membership_is_exact():
    assert lies_in(sd.simplex, [0.25, 0.75])
    assert not lies_in(sd.simplex, [0.1, 0.2, 0.7])  # these floats do not sum to 1
    assert not lies_in(sd.interval(0, 1), 1.0)
    assert not lies_in(sd.spd, [[1.0, 1.0], [1.0, 1.0]])
    assert not lies_in(sd.real, np.nan)


def test_shapes_that_do_not_fit():
    @QUICK
    @given(st.data())
    def run(data):
        with pytest.raises(sd.ShapeError, match="matrix"):
            data.draw(arrays(sd.spd, 3))

    run()
