"""The functions that text may call: what makes each, and how its arguments are read.

A row is a function; the tables of homes say under which module's name it is read.
Nothing here looks at text: :mod:`symderive.language.text_reader` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from sympy import E, Expr, pi

from symderive.errors import ShapeError
from symderive.language import (
    arrays,
    joining,
    linear_algebra,
    products,
    reductions,
    refusals,
    reshaping,
    selections,
    ufuncs,
)
from symderive.language.arrays import UFUNCS, Array, shape_text


@dataclass(frozen=True)
class Parameter:
    """One argument of a row; ``kind`` says how text is read there."""

    name: str
    kind: str
    optional: bool
    many: bool


@dataclass(frozen=True)
class Row:
    """A function of the language: what makes it and how its arguments are read."""

    make: Callable[..., Any]
    parameters: tuple[Parameter, ...]


def _row(make: Callable[..., Any], signature: str) -> Row:
    parameters: list[Parameter] = []
    for item in signature.split():
        name, _, kind = item.partition(":")
        parameters.append(Parameter(name.lstrip("*"), kind.rstrip("="), kind.endswith("="), name.startswith("*")))
    return Row(make, tuple(parameters))


def _ufunc(name: str, arity: int) -> Row:
    letters = _words("x y z")[:arity]
    return _row(partial(arrays.elementary, name), " ".join(f"{letter}:array" for letter in letters))


def _python_sum(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    if axis is None and a.ndim > 1:
        raise ShapeError(
            f"sum of an array of shape {shape_text(a.dims)}: Python's sum adds along the first axis and "
            "NumPy's along all; write np.sum(...), with axis= if you mean one"
        )
    return reductions.sum_(a, axis=axis, keepdims=keepdims)


def _python_extreme(name: str) -> Callable[..., Array]:
    def make(*values: Array) -> Array:
        if len(values) == 1 and values[0].ndim == 1:
            return reductions.reduced(name, values[0])
        if len(values) < 2 or any(v.ndim for v in values):
            raise ShapeError(
                f"{name} is read of two or more scalars, or of the entries of a vector; for arrays write "
                f"np.{name}imum(a, b) entry by entry, or np.{name}(a)"
            )
        return reduce(partial(arrays.elementary, f"{name}imum"), values)

    return make


def _log(x: Array, base: Array | None = None) -> Array:
    return UFUNCS["log"](x) if base is None else UFUNCS["log"](x) / UFUNCS["log"](base)


def _length(a: Array) -> Any:
    if not a.ndim:
        raise ShapeError("len() of a scalar array")
    return a.shape[0]


def _words(text: str) -> list[str]:
    return text.split()


_UNARY = _words(
    "exp exp2 exp10 expm1 log log2 log10 log1p sqrt cbrt square abs absolute fabs sign sin cos tan sinh cosh tanh "
    "arcsin arccos arctan arcsinh arccosh arctanh sinc deg2rad radians rad2deg degrees reciprocal negative positive "
    "floor ceil trunc rint logical_not invert expit log_expit logit entr conjugate erf erfc erfcx erfinv ndtr "
    "log_ndtr ndtri gamma rgamma gammaln loggamma digamma psi i0 i0e i1 i1e"
)
_BINARY = _words(
    "add subtract multiply divide true_divide power float_power maximum minimum fmax fmin logaddexp logaddexp2 "
    "xlogy xlog1py rel_entr kl_div heaviside matmul vecdot less less_equal greater greater_equal equal not_equal "
    "hypot arctan2 copysign remainder fmod floor_divide logical_and logical_or logical_xor bitwise_and bitwise_or "
    "bitwise_xor beta betaln gammainc gammaincc polygamma iv ive spherical_jn boxcox inv_boxcox huber pseudo_huber"
)

_REDUCTION = "a:array axis:axis= keepdims:flag="

_ALIASES = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "lgamma": "gammaln",
}
"""The names that Python's ``math`` and NumPy 2 have for the same functions."""

ROWS: dict[str, Row] = {
    **{name: _ufunc(name, 1) for name in _UNARY if name in UFUNCS},
    **{name: _ufunc(name, 2) for name in _BINARY if name in UFUNCS},
    "softplus": _row(lambda x: UFUNCS["logaddexp"](arrays.as_array(0), x), "x:array"),
    "round": _row(ufuncs.rounded, "a:array decimals:int="),
    "around": _row(ufuncs.rounded, "a:array decimals:int="),
    "fix": _ufunc("trunc", 1),
    "select": _row(ufuncs.select, "condlist:arrays choicelist:arrays default:array="),
    "mod": _ufunc("remainder", 2),
    **{name: _ufunc(ufunc, 1 if ufunc != "arctan2" else 2) for name, ufunc in _ALIASES.items()},
    "pow": _ufunc("power", 2),
    "abs": _ufunc("absolute", 1),
    "where": _row(ufuncs.where, "condition:array x:array y:array"),
    "clip": _row(ufuncs.clip, "a:array a_min:bound= a_max:bound="),
    "sum": _row(reductions.sum_, _REDUCTION),
    "mean": _row(reductions.mean, _REDUCTION),
    "prod": _row(reductions.prod, _REDUCTION),
    "var": _row(reductions.var, "a:array axis:axis= ddof:int= keepdims:flag="),
    "std": _row(reductions.std, "a:array axis:axis= ddof:int= keepdims:flag="),
    "average": _row(reductions.average, "a:array axis:axis= weights:array= keepdims:flag="),
    "logsumexp": _row(reductions.logsumexp, "a:array axis:axis= b:array= keepdims:flag="),
    "softmax": _row(reductions.softmax, "x:array axis:axis="),
    "log_softmax": _row(reductions.log_softmax, "x:array axis:axis="),
    "dot": _row(products.dot, "a:array b:array"),
    "inner": _row(products.inner, "a:array b:array"),
    "outer": _row(products.outer, "a:array b:array"),
    "vdot": _row(products.vdot, "a:array b:array"),
    "tensordot": _row(products.tensordot, "a:array b:array axes:axes="),
    "einsum": _row(products.einsum, "subscripts:text *operands:array"),
    "multi_dot": _row(lambda a: products.chain_product(a), "arrays:arrays"),
    "trace": _row(products.trace, "a:array offset:int= axis1:int= axis2:int="),
    "diag": _row(products.diag, "v:array k:int="),
    "diagonal": _row(products.diagonal, "a:array offset:int= axis1:int= axis2:int="),
    "cross": _row(products.cross, "a:array b:array"),
    "convolve": _row(products.convolve, "a:nested v:nested mode:text="),
    "polyval": _row(products.polyval, "p:nested x:array"),
    "norm": _row(linear_algebra.norm, "x:array ord:ord= axis:axis= keepdims:flag="),
    "inv": _row(linear_algebra.inv, "a:array"),
    "det": _row(linear_algebra.det, "a:array"),
    "slogdet": _row(linear_algebra.slogdet, "a:array"),
    "solve": _row(linear_algebra.solve, "a:array b:array"),
    "solve_triangular": _row(
        linear_algebra.solve_triangular, "a:array b:array trans:trans= lower:flag= unit_diagonal:flag="
    ),
    "cho_factor": _row(linear_algebra.cho_factor, "a:array lower:flag="),
    "cho_solve": _row(linear_algebra.cho_solve, "c_and_lower:pair b:array"),
    "toeplitz": _row(linear_algebra.toeplitz, "c:array"),
    "block_diag": _row(linear_algebra.block_diag, "*arrays:array"),
    "matrix_power": _row(linear_algebra.matrix_power, "a:array n:int"),
    "eigvalsh": _row(linear_algebra.eigvalsh, "a:array UPLO:text="),
    "eigh": _row(linear_algebra.eigh, "a:array UPLO:text="),
    "svd": _row(linear_algebra.svd, "a:array full_matrices:flag= compute_uv:flag="),
    "svdvals": _row(linear_algebra.svdvals, "a:array"),
    "cholesky": _row(linear_algebra.cholesky, "a:array upper:flag="),
    "vector_norm": _row(linear_algebra.vector_norm, "x:array axis:axis= keepdims:flag= ord:ord="),
    "matrix_norm": _row(
        lambda x, keepdims=False, ord="fro": linear_algebra.norm(x, ord, (-2, -1), keepdims),
        "x:array keepdims:flag= ord:ord=",
    ),
    "matrix_transpose": _row(lambda x: x.mT, "x:array"),
    "max": _row(reductions.extreme("max"), _REDUCTION),
    "min": _row(reductions.extreme("min"), _REDUCTION),
    "amax": _row(reductions.extreme("max"), _REDUCTION),
    "amin": _row(reductions.extreme("min"), _REDUCTION),
    "ptp": _row(reductions.ptp, _REDUCTION),
    "any": _row(reductions.truths("any"), _REDUCTION),
    "all": _row(reductions.truths("all"), _REDUCTION),
    "count_nonzero": _row(reductions.count_nonzero, _REDUCTION),
    "cumsum": _row(reductions.cumsum, "a:array axis:axis="),
    "cumprod": _row(reductions.cumprod, "a:array axis:axis="),
    "diff": _row(selections.diff, "a:array n:int= axis:axis="),
    "flip": _row(selections.flip, "m:array axis:axis="),
    "flipud": _row(lambda m: selections.flip(m, 0), "m:array"),
    "fliplr": _row(lambda m: selections.flip(m, 1), "m:array"),
    "roll": _row(selections.roll, "a:array shift:int axis:axis="),
    "concatenate": _row(joining.concatenate, "arrays:arrays axis:axis="),
    "stack": _row(joining.stack, "arrays:arrays axis:axis="),
    "hstack": _row(joining.hstack, "tup:arrays"),
    "vstack": _row(joining.vstack, "tup:arrays"),
    "column_stack": _row(joining.column_stack, "tup:arrays"),
    "append": _row(joining.append, "arr:array values:array axis:axis="),
    "dstack": _row(joining.dstack, "tup:arrays"),
    "block": _row(joining.block, "arrays:blocks"),
    "split": _row(joining.split, "ary:array indices_or_sections:places axis:int="),
    "array_split": _row(joining.array_split, "ary:array indices_or_sections:places axis:int="),
    "hsplit": _row(joining.split_along(1, "np.hsplit"), "ary:array indices_or_sections:places"),
    "vsplit": _row(joining.split_along(0, "np.vsplit"), "ary:array indices_or_sections:places"),
    "insert": _row(joining.insert, "arr:array obj:dim values:array axis:axis="),
    "delete": _row(joining.delete, "arr:array obj:dim axis:axis="),
    "pad": _row(joining.pad, "array:array pad_width:widths"),
    "tri": _row(selections.tri, "N:dim M:dim= k:int="),
    "triu": _row(selections.triu, "m:array k:int="),
    "tril": _row(selections.tril, "m:array k:int="),
    "kron": _row(products.kron, "a:array b:array"),
    "repeat": _row(reshaping.repeat, "a:array repeats:dim axis:axis="),
    "tile": _row(reshaping.tile, "A:array reps:repeats"),
    "broadcast_to": _row(reshaping.broadcast_to, "array:array shape:shape"),
    "take": _row(selections.take, "a:array indices:array axis:axis="),
    "take_along_axis": _row(selections.take_along_axis, "arr:array indices:array axis:axis"),
    "cov": _row(reductions.cov, "m:array rowvar:flag= bias:flag= ddof:int="),
    "corrcoef": _row(reductions.corrcoef, "x:array rowvar:flag="),
    "trapezoid": _row(selections.trapezoid, "y:array x:bound= dx:array= axis:int="),
    "rot90": _row(selections.rot90, "m:array k:int="),
    "atleast_1d": _row(reshaping.at_least(1), "arys:array"),
    "atleast_2d": _row(reshaping.at_least(2), "arys:array"),
    "transpose": _row(reshaping.transpose, "a:array axes:axis="),
    "swapaxes": _row(reshaping.swapaxes, "a:array axis1:int axis2:int"),
    "moveaxis": _row(reshaping.moveaxis, "a:array source:int destination:int"),
    "expand_dims": _row(reshaping.expand_dims, "a:array axis:int"),
    "squeeze": _row(reshaping.squeeze, "a:array axis:axis="),
    "reshape": _row(reshaping.reshape, "a:array shape:shape"),
    "ravel": _row(reshaping.ravel, "a:array"),
    "ones_like": _row(lambda a: reshaping.full_like(a, 1, float), "a:array"),
    "zeros_like": _row(lambda a: reshaping.full_like(a, 0, float), "a:array"),
    "full_like": _row(lambda a, value: reshaping.full_like(a, value, float), "a:array fill_value:array"),
    "eye": _row(selections.eye, "N:dim M:dim= k:int="),
    "array": _row(arrays.as_array, "object:nested"),
    "asarray": _row(arrays.as_array, "a:nested"),
    "linspace": _row(reshaping.linspace, "start:array stop:array num:int endpoint:flag="),
    "vander": _row(joining.vander, "x:array N:int increasing:flag="),
    "identity": _row(arrays.eye, "n:dim"),
    "ones": _row(arrays.ones, "shape:shape"),
    "zeros": _row(arrays.zeros, "shape:shape"),
    "full": _row(arrays.full, "shape:shape fill_value:array"),
    "arange": _row(arrays.arange, "n:dim"),
    "basis": _row(arrays.basis, "n:dim index:int"),
    "shape": _row(lambda a: a.shape, "a:array"),
    "size": _row(lambda a: a.size, "a:array"),
}
"""Every function that text may call; ``np.``, ``scipy.special.`` or nothing in front."""

NORMAL_ROWS: dict[str, Row] = {
    name: _row(make, f"{'q' if name == 'ppf' else 'x'}:array loc:array= scale:array=")
    for name, make in ufuncs.NORMAL.items()
}
"""The methods of ``scipy.stats.norm``: ``norm.cdf(z)``, ``stats.norm.logpdf(x, loc=m, scale=s)``."""

PYTHON_ROWS: dict[str, Row] = {
    "sum": _row(_python_sum, _REDUCTION),
    "max": _row(_python_extreme("max"), "*values:array"),
    "min": _row(_python_extreme("min"), "*values:array"),
    "len": _row(_length, "a:array"),
}
"""What a bare name means where Python has its own function of that name."""

METHODS: dict[str, Row] = {
    name: ROWS[name]
    for name in (
        _words(
            "sum mean prod var std dot trace diagonal transpose swapaxes squeeze reshape ravel clip "
            "max min cumsum cumprod take repeat any all"
        )
    )
} | {
    "flatten": ROWS["ravel"],
    "copy": _row(lambda a: a, "a:array"),
    "item": _row(lambda a: a.item(), "a:array"),
    "conj": _row(lambda a: a, "a:array"),
}


_LINALG = _words(
    "norm multi_dot outer matmul vecdot tensordot inv det slogdet solve matrix_power eigvalsh eigh svd svdvals "
    "cholesky vector_norm matrix_norm matrix_transpose cross"
)
_SCIPY_LINALG = _words(
    "norm inv det eigvalsh eigh svd svdvals solve_triangular cho_factor cho_solve block_diag toeplitz"
)
_SD = _words("eye ones zeros arange basis logsumexp softmax log_softmax full polygamma")
_MATH = _words(
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt fabs sin cos tan sinh cosh tanh asin acos atan atan2 asinh "
    "acosh atanh hypot erf erfc gamma lgamma copysign fmod degrees radians floor ceil trunc pow"
)
_SPECIAL = _words(
    "expit log_expit logit entr rel_entr kl_div xlogy xlog1py logsumexp softmax log_softmax softplus exp2 exp10 "
    "expm1 log1p cbrt erf erfc erfcx erfinv ndtr log_ndtr ndtri gamma rgamma gammaln loggamma digamma psi "
    "polygamma beta betaln gammainc gammaincc i0 i0e i1 i1e iv ive spherical_jn boxcox inv_boxcox huber "
    "pseudo_huber round"
)


def _named(names: list[str]) -> dict[str, Row]:
    return {name: ROWS[name] for name in names}


HOMES: dict[str, dict[str, Row]] = {
    "np": {name: row for name, row in ROWS.items() if name not in _words("basis norm multi_dot") and hasattr(np, name)},
    "np.linalg": _named(_LINALG)
    | {
        "trace": _row(lambda x, offset=0: products.trace(x, offset, -2, -1), "x:array offset:int="),
        "diagonal": _row(lambda x, offset=0: products.diagonal(x, offset, -2, -1), "x:array offset:int="),
    },
    "scipy.special": _named(_SPECIAL),
    "scipy.linalg": _named(_SCIPY_LINALG)
    | {
        "cholesky": _row(linear_algebra.scipy_cholesky, "a:array lower:flag="),
        "solve": _row(linear_algebra.scipy_solve, "a:array b:array"),
    },
    "sd": _named(_SD),
    "math": _named(_MATH) | {"log": _row(_log, "x:array base:array=")},
    "norm": NORMAL_ROWS,
}
"""The rows that are read behind a module's name: where modules differ, each has its own."""

AMBIGUOUS = {"cholesky": "np.linalg.cholesky gives the lower factor and scipy.linalg.cholesky the upper one; say which"}
"""Names that mean different things in NumPy and SciPy."""

HOMES["linalg"] = {
    name: row for name, row in (HOMES["scipy.linalg"] | HOMES["np.linalg"]).items() if name not in AMBIGUOUS
}

PREFIXES = {
    "np": "np",
    "numpy": "np",
    "np.linalg": "np.linalg",
    "numpy.linalg": "np.linalg",
    "linalg": "linalg",
    "scipy.special": "scipy.special",
    "special": "scipy.special",
    "sp.special": "scipy.special",
    "scipy.linalg": "scipy.linalg",
    "sp.linalg": "scipy.linalg",
    "sd": "sd",
    "symderive": "sd",
    "math": "math",
    "norm": "norm",
    "stats.norm": "norm",
    "scipy.stats.norm": "norm",
}
"""What may stand in front of a function's name, and the home that it means."""

WORDS = frozenset(_words("np numpy scipy special linalg sp sd symderive math stats norm"))
"""Names of modules."""

_INSTEAD = {
    "sigmoid": "expit(x)",
    "logistic": "expit(x)",
    "relu": "np.maximum(x, 0)",
    "ln": "np.log(x)",
}


def instead(name: str, home: str) -> str:
    """What to write instead of a function that is not read; empty where nothing is known.

    >>> instead("sigmoid", ""), instead("argmax", "np")[:33]
    ('write expit(x)', 'a place that depends on data is n')
    """
    if name in _INSTEAD:
        return f"write {_INSTEAD[name]}"
    tables = {"np": (refusals.NUMPY,), "np.linalg": (refusals.LINALG,), "scipy.linalg": (refusals.SCIPY_LINALG,)}
    for table in tables.get(home, (refusals.NUMPY, refusals.SCIPY_LINALG)):
        if name in table:
            return table[name]
    return ""


FIELDS = frozenset(
    (*linear_algebra.SlogdetResult._fields, *linear_algebra.EighResult._fields, *linear_algebra.SVDResult._fields)
)
"""The fields of results that are several arrays."""

CONSTANTS: dict[str, Expr] = {"pi": pi, "e": E}
"""The constants of ``np`` and ``math``."""
