"""What kernels check of structured inputs, at the sizes at hand."""

import numpy as np
import pytest

import symderive as sd
from symderive.errors import DataError, UnknownNameError

n, k, d = sd.dims("n k d")


@pytest.mark.parametrize(
    ("domain", "good", "bad", "message"),
    [
        (sd.unit_norm, [0.6, -0.8], [0.6, 0.7], "squares of entries along axis 0 must sum to 1"),
        (sd.psd, [[1, 1], [1, 1]], [[1, 2], [2, 1]], "negative eigenvalue"),
        (sd.psd, [[2, 1], [1, 2]], [[1, 2], [0, 5]], "differs from its transpose"),
        (sd.correlation, [[1, 0.5], [0.5, 1]], [[2, 0.5], [0.5, 1]], "diagonal is not 1"),
        (sd.correlation, [[1, -0.9], [-0.9, 1]], [[1, 1.5], [1.5, 1]], "not positive definite"),
        (sd.upper_triangular, [[1, 2], [0, 1]], [[1, 2], [1e-30, 2]], "below the diagonal"),
        (sd.positive_diagonal, [[1, -2], [1, 1]], [[0, 2], [1, 2]], "diagonal is not positive"),
    ],
    ids=str,
)
def test_structures_are_checked(domain, good, bad, message):
    x = sd.array("x", *([d] if np.ndim(good) == 1 else [d, d]), domain=domain)
    kernel = sd.compile(np.sum(x))
    assert kernel.value(x=good) == pytest.approx(np.sum(good))
    with pytest.raises(DataError, match=message):
        kernel.value(x=bad)


def test_a_rounded_unit_vector_is_one():
    x = sd.array("x", d, domain=sd.unit_norm)
    v = np.array([1.0 + 2**-52, 1e-17])
    assert sd.compile(np.sum(x)).value(x=v) == v.sum()


def labelled():
    y = sd.array("y", n, domain=sd.integers(0, k - 1))
    scores = sd.array("L", n, k)
    return y, scores, np.sum(scores[sd.arange(n), y])


def test_labels_are_checked_against_the_size_of_their_dimension():
    _, scores, loss = labelled()
    kernel = sd.compile(loss, wrt=scores)
    L = np.arange(6.0).reshape(2, 3)
    assert kernel.value(y=[0, 2], L=L) == 0 + 5
    for bad in ([0, 3], [-1, 0], [0.5, 1]):
        with pytest.raises(DataError, match=r"integers\(0, k - 1\) = integers\(0, 2\)"):
            kernel.value(y=bad, L=L)
    # bound before k is known, the lower end still counts
    bound = kernel.bind(y=[0, 2])
    assert bound.value({"L": L}) == 5
    with pytest.raises(DataError, match="it has -1"):
        kernel.bind(y=[0, -1])


def test_the_saved_module_checks_them_too():
    _, scores, loss = labelled()
    module = {}
    exec(sd.compile(loss, wrt=scores).source, module)
    L = np.arange(6.0).reshape(2, 3)
    assert module["value"](y=np.array([0, 2]), L=L) == 5
    with pytest.raises(ValueError, match="y must be in integers"):
        module["value"](y=np.array([0, 3]), L=L)


def test_a_dimension_that_only_a_domain_names_is_an_input():
    y, _, _ = labelled()
    kernel = sd.compile(np.sum(y))
    assert kernel.value(y=[0, 2], k=3) == 2
    with pytest.raises(DataError, match="it has 2"):
        kernel.value(y=[0, 2], k=2)
    with pytest.raises(UnknownNameError, match="missing input 'k'"):
        kernel.value(y=[0, 2])


def test_symmetric_variables_are_cross_checked_symmetrically():
    S = sd.array("S", d, d, domain=sd.symmetric)
    w = sd.array("w", d)
    g = np.random.default_rng(0).normal(size=(4, 4))
    assert sd.compile(w @ S @ S @ w, wrt=S).cross_check(S=g + g.T, w=g[0]).checked == 10
