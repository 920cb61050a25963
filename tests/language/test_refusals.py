"""Whatever NumPy and SciPy have is read, or refused by its name with what to write instead."""

import numpy as np
import pytest
import scipy.linalg

import symderive as sd
from symderive.language.arrays import ARRAY_FUNCTIONS, UFUNCS
from symderive.language.refusals import LINALG, NUMPY, SCIPY_LINALG, refusal
from symderive.language.text_functions import HOMES, ROWS

X = sd.array("X", "n", "d")

#: They make files, texts and types of arrays; nobody writes a formula with them.
OUTSIDE = {
    "array2string", "array_repr", "array_str", "busday_count", "busday_offset", "is_busday", "datetime_as_string",
    "can_cast", "common_type", "min_scalar_type", "result_type", "may_share_memory", "shares_memory", "save", "savetxt",
    "savez", "savez_compressed",
}  # fmt: skip


def dispatched(module):
    return {
        name: getattr(module, name)
        for name in dir(module)
        if type(getattr(module, name)).__name__ == "_ArrayFunctionDispatcher"
    }


def ufuncs():
    return {name: f for name, f in vars(np).items() if isinstance(f, np.ufunc)}


@pytest.mark.parametrize(("module", "table"), [(np, NUMPY), (np.linalg, LINALG)], ids=["np", "np.linalg"])
def test_every_function_is_read_or_refused_with_a_reason(module, table):
    read = {name for name, f in dispatched(module).items() if f in ARRAY_FUNCTIONS}
    left = set(dispatched(module)) - read - set(table) - OUTSIDE
    assert not left
    assert not read & set(table), "a function that is read is in the table of refusals"


def test_every_ufunc_is_read_or_refused_with_a_reason():
    read = {name for name, f in ufuncs().items() if f.__name__ in UFUNCS}
    assert not {name for name, f in ufuncs().items() if name not in read and not {name, f.__name__} & set(NUMPY)}


@pytest.mark.parametrize("name", sorted(set(dispatched(np)) & set(NUMPY)))
def test_the_error_names_the_function_and_the_way_out(name):
    function = getattr(np, name)
    with pytest.raises(sd.UnsupportedError) as caught:
        sd.read(lambda X: function(X, X, X), X=X)
    assert f"{function.__name__} is not read" in str(caught.value)
    assert NUMPY[name] in str(caught.value)


@pytest.mark.parametrize("name", sorted(n for n in LINALG if hasattr(np.linalg, n)))
def test_linear_algebra_that_is_not_read(name):
    with pytest.raises(sd.UnsupportedError) as caught:
        getattr(np.linalg, name)(X, X) if name in ("lstsq", "tensorsolve") else getattr(np.linalg, name)(X)
    assert f"numpy.linalg.{name} is not read" in str(caught.value)
    assert LINALG[name] in str(caught.value)


@pytest.mark.parametrize("name", sorted(n for n in SCIPY_LINALG if callable(getattr(scipy.linalg, n, None))))
def test_scipy_in_a_function(name):
    function = getattr(scipy.linalg, name)
    with pytest.raises(sd.UnsupportedError) as caught:
        sd.read(lambda X: function(X, X), X=X)
    assert f"scipy.linalg.{name} is not read" in str(caught.value)
    assert SCIPY_LINALG[name] in str(caught.value)


@pytest.mark.parametrize("name", sorted(NUMPY))
def test_text_says_the_same(name):
    with pytest.raises(sd.ReadError) as caught:
        sd.read(f"np.{name}(X)", X=X)
    assert caught.value.column == 1
    assert f"np.{name}" in str(caught.value)
    assert NUMPY[name] in str(caught.value) or name in ROWS


@pytest.mark.parametrize(
    ("function", "part"),
    [
        (lambda X: np.fft.fft(X), "complex"),
        (lambda X: np.random.default_rng(0).normal(X), "symbolic"),
        (lambda X: np.vectorize(abs)(X), "symbolic"),
        (lambda X: X.sort(), "order of the entries"),
        (lambda X: X.argmax(axis=1), "np.max(x)"),
        (lambda X: X.tolist(), ".tolist()"),
        (lambda X: np.triu_indices(X.shape[0]), "np.triu(A)"),
        (lambda X: np.empty(X.shape), "np.zeros"),
        (lambda X: np.exp.at(X, 0), "np.exp.at"),
        (lambda X: np.multiply.at(X * 1, 0, 2), "np.add.at"),
        (lambda X: np.subtract.reduce(X), "subtract.reduce"),
        (lambda X: np.sum(X, where=X > 0), "where="),
        (lambda X: np.exp(X, dtype=np.float32), "dtype="),
        (lambda X: np.zeros(X.shape, dtype=complex) + X, "complex128"),
        (lambda X: X.astype(str), "real numbers"),
    ],
)
def test_other_ways_into_numpy(function, part):
    with pytest.raises(sd.UnsupportedError) as caught:
        sd.read(function, X=X)
    assert part in str(caught.value)


def test_the_homes_of_text_have_what_they_say():
    modules = {"np": np, "np.linalg": np.linalg, "scipy.linalg": scipy.linalg}
    for home, module in modules.items():
        assert not [name for name in HOMES[home] if not hasattr(module, name)]


def test_a_name_that_nobody_knows():
    assert refusal("numpy", "frobnicate") == "numpy.frobnicate is not read on symbolic arrays"
    with pytest.raises(sd.ReadError, match="did you mean"):
        sd.read("np.summ(X)", X=X)
