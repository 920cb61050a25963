"""Functions that are not read, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping


def _each(text: str, why: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), why)


_FLOATS = "it asks about floating-point numbers; the entries of a formula are real numbers, so leave it out"
_CODES = "it is about the codes of floating-point numbers, not about real numbers"
_INTEGERS = "it is about integers, not about real numbers"
_ORDER = "the order of the entries depends on data; np.max, np.min and masks such as x == np.max(x) are read"
_PLACE = "a place that depends on data is no formula; the mask of the largest entry is x == np.max(x)"
_RANK = "it depends on the order of the entries; write the loss that it minimises, such as np.sum(np.abs(x - m))"
_SHAPE = "its shape depends on data; multiply by a mask, or write np.where(mask, a, b)"
_BINS = "a place among bins depends on data; write the mask x[:, None] >= bins[None, :] and sum it"
_CALLS = "call the function on the whole array"
_COMPLEX = "complex numbers are not read"
_FITS = "it is the result of an algorithm; write the formula, or use sd.minimize"
_TRIANGLE = "use np.triu(A) or np.tril(A), or multiply by the mask np.tri(n, k=-1)"
_CONDITION = "it is no smooth formula of the entries; write the norms and singular values that you mean"
_SYMMETRIC = "use np.linalg.eigh of a symmetric matrix"
_SAMPLES = "a random number is no formula; declare the array, and give its values when you compile"
_MATRIX_SERIES = "functions of matrices by series are not read; np.linalg.matrix_power with a fixed exponent is"

NUMPY: dict[str, str] = {
    **_each("isfinite isnan isinf signbit isnat isneginf isposinf", _FLOATS),
    **_each("nextafter spacing frexp ldexp modf", _CODES),
    **_each("left_shift right_shift bitwise_left_shift bitwise_right_shift gcd lcm bitwise_count packbits unpackbits",
            _INTEGERS),
    **_each("sort argsort partition argpartition lexsort sort_complex", _ORDER),
    **_each("argmax argmin nanargmax nanargmin", _PLACE),
    **_each("median percentile quantile nanmedian nanpercentile nanquantile", _RANK),
    **_each("unique unique_all unique_counts unique_inverse unique_values isin intersect1d setdiff1d setxor1d union1d "
            "nonzero flatnonzero argwhere extract compress trim_zeros", _SHAPE),
    **_each("searchsorted digitize histogram histogram2d histogramdd histogram_bin_edges", _BINS),
    "bincount": "the count of each label is np.sum(y[:, None] == np.arange(k), axis=0)",
    **_each("apply_along_axis apply_over_axes vectorize frompyfunc fromiter nditer", _CALLS),
    **_each("angle imag iscomplex iscomplexobj isreal isrealobj real_if_close roots poly", _COMPLEX),
    **_each("polyfit interp unwrap", _FITS),
    **_each("polyadd polyder polydiv polyint polymul polysub", "np.polyval is read"),
    **_each("triu_indices tril_indices triu_indices_from tril_indices_from mask_indices", _TRIANGLE),
    **_each("allclose isclose array_equal array_equiv", "it compares numbers; use sd.check(a, '==', b) on formulas"),
    "gradient": "it means differences of samples; use sd.gradient of a formula, or np.diff",
    "correlate": "np.convolve(a, v[::-1]) is read where v has a fixed length",
    "choose": "use np.where, np.select or np.take_along_axis",
    "resize": "use np.reshape, np.tile or np.pad",
    **_each("put", "write a[rows, columns] = values"),
    **_each("empty empty_like", "what it holds is not defined; use np.zeros"),
    "rollaxis": "use np.moveaxis",
    "divmod": "use np.floor_divide and np.remainder",
    "geomspace": "use np.exp of np.linspace",
    "logspace": "use 10**np.linspace",
    "diag_indices_from": "use np.diag, or A[np.arange(n), np.arange(n)]",
    "einsum_path": "np.einsum is read",
    "astype": "the method a.astype(float) is read",
    **_each("unravel_index ravel_multi_index", "use np.reshape, or np.arange(n)[:, None] * m + np.arange(m)"),
}  # fmt: skip
"""By the name in ``np``."""

LINALG: dict[str, str] = {
    "eig": _SYMMETRIC,
    "eigvals": "use np.linalg.eigvalsh of a symmetric matrix",
    "pinv": "write np.linalg.inv(A.T @ A) @ A.T for full column rank",
    "lstsq": "write np.linalg.solve(A.T @ A, A.T @ b)",
    "matrix_rank": _CONDITION,
    "cond": _CONDITION,
    "qr": "write the projection that you mean, A @ np.linalg.inv(A.T @ A) @ A.T",
    **_each("tensorinv tensorsolve", "use np.reshape with np.linalg.inv or np.linalg.solve"),
}
"""By the name in ``np.linalg`` and in ``scipy.linalg``."""

SCIPY_LINALG: dict[str, str] = {
    **LINALG,
    **_each("expm logm sqrtm sinm cosm tanm signm funm fractional_matrix_power", _MATRIX_SERIES),
    **_each("lu lu_factor lu_solve ldl solve_banded solveh_banded", "use np.linalg.solve"),
    **_each("schur hessenberg qz rsf2csf eig_banded eigh_tridiagonal", _SYMMETRIC),
    **_each("null_space orth polar", "write it by np.linalg.svd or np.linalg.inv"),
    "pinvh": LINALG["pinv"],
}
"""By the name in ``scipy.linalg``."""

_HOMES: dict[str, Mapping[str, str]] = {"numpy": NUMPY, "numpy.linalg": LINALG, "scipy.linalg": SCIPY_LINALG}


def refusal(home: str, name: str) -> str:
    """The sentence for a function that is not read.

    >>> refusal("numpy", "cumsum_of_squares"), refusal("numpy.random", "normal")[:38]
    ('numpy.cumsum_of_squares is not read on symbolic arrays', 'numpy.random.normal is not read on sym')
    """
    why = _SAMPLES if home.startswith("numpy.random") else _HOMES.get(home, {}).get(name)
    if home.startswith(("numpy.fft", "scipy.fft")):
        why = _COMPLEX
    return f"{home}.{name} is not read on symbolic arrays" + (f"; {why}" if why else "")
