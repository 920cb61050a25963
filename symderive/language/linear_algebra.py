"""``np.linalg`` and ``scipy.linalg`` on symbolic arrays: inverses, determinants, decompositions, norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sympy import Expr, S, sympify

from symderive.errors import DomainError, ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    UFUNCS,
    Array,
    as_array,
    axes_of,
    shape_text,
)
from symderive.language.joining import placed
from symderive.language.nodes import ONE, ZERO, Delta, Node, Number, Range
from symderive.language.reductions import norm_2, reduced, sum_
from symderive.language.reshaping import transpose
from symderive.language.selections import tril
from symderive.language.symmetry import is_lower, is_symmetric


class SlogdetResult(NamedTuple):
    """What ``np.linalg.slogdet`` returns."""

    sign: Array
    logabsdet: Array


class EighResult(NamedTuple):
    """What ``np.linalg.eigh`` returns."""

    eigenvalues: Array
    eigenvectors: Array


class SVDResult(NamedTuple):
    """What ``np.linalg.svd`` returns."""

    U: Array
    S: Array
    Vh: Array


_FURTHER = (
    "the singular vectors of np.linalg.svd are read with full_matrices=False: "
    "the further ones of full_matrices=True are not unique"
)


def _matrix(a: Any, what: str, *, square: bool = True) -> Array:
    a = as_array(a)
    if a.ndim < 2 or None in a.axes[-2:]:
        raise ShapeError(f"{what} needs a matrix, got an array of shape {shape_text(a.dims)}")
    if square and a.dims[-1] != a.dims[-2]:
        raise ShapeError(f"{what} needs a square matrix, got the shape {shape_text(a.dims)}")
    return a


def _laid(a: Array) -> tuple[Node, int]:
    """The node with its axes in the array's order, and how many batch axes of length 1 were left out."""
    order = [x for x in a.axes if x is not None]
    labels = [order.index(k) for k in range(a.node.rank)]
    shape = tuple(a.node.shape[k] for k in order)
    return build.view(a.node, labels, shape), len(a.axes) - len(order)


def _applied(name: str, a: Array) -> Array:
    """A matrix function as an array; a batch keeps its axes."""
    node, _ = _laid(a)
    made = build.opaque(name, node)
    kept = iter(range(made.rank))
    axes: list[int | None] = [None if x is None else next(kept) for x in a.axes[:-2]]
    axes += list(kept)
    return Array(made, tuple(axes))


def inv(a: Any) -> Array:
    """``np.linalg.inv``."""
    return _applied("inv", _matrix(a, "np.linalg.inv"))


def det(a: Any) -> Array:
    """``np.linalg.det``."""
    return _applied("det", _matrix(a, "np.linalg.det"))


def slogdet(a: Any) -> SlogdetResult:
    """``np.linalg.slogdet``: the sign and the logarithm of the absolute value of a determinant."""
    a = _matrix(a, "np.linalg.slogdet")
    return SlogdetResult(_applied("signdet", a), _applied("logabsdet", a))


def solve(a: Any, b: Any) -> Array:
    """``np.linalg.solve``: ``inv(a) @ b``."""
    a, b = _matrix(a, "np.linalg.solve"), as_array(b)
    return inv(a) @ b


def scipy_solve(a: Any, b: Any, lower: bool = False, assume_a: Any = None, transposed: bool = False) -> Array:
    """``scipy.linalg.solve``: what the matrix is assumed to be it must be declared to be."""
    matrix = _matrix(a, "scipy.linalg.solve")
    if assume_a not in (None, "gen", "general") and not is_symmetric(_laid(matrix)[0]):
        raise DomainError(
            f"scipy.linalg.solve(assume_a={assume_a!r}) looks at a part of the matrix only, and {matrix} is not known "
            "to be symmetric; declare it with domain=sd.symmetric or sd.spd, or leave assume_a out"
        )
    return solve(matrix.mT if transposed else matrix, b)


def matrix_power(a: Any, n: Any) -> Array:
    """``np.linalg.matrix_power`` with a fixed integer."""
    a = _matrix(a, "np.linalg.matrix_power")
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise UnsupportedError(f"a matrix power is read for a fixed integer exponent, got {n!r}")
    n = n.__index__()
    if abs(n) > 64:
        raise UnsupportedError(f"a matrix power is read for exponents up to 64, got {n}")
    base = inv(a) if n < 0 else a
    if n == 0:
        return Array(Delta(a.dims[-1]))
    result = base
    for _ in range(abs(n) - 1):
        result = result @ base
    return result


def _symmetric_argument(a: Any, what: str) -> Array:
    a = _matrix(a, what)
    if not is_symmetric(_laid(a)[0]):
        raise DomainError(
            f"{what} reads a symmetric matrix (it looks at one triangle only), and {a} is not known to be one; "
            "declare it with domain=sd.symmetric or sd.spd, or write (A + A.T) / 2"
        )
    return a


def eigvalsh(a: Any, UPLO: str = "L") -> Array:
    """``np.linalg.eigvalsh``: the eigenvalues of a symmetric matrix, ascending."""
    return _applied("eigvalsh", _symmetric_argument(a, "np.linalg.eigvalsh"))


def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """``np.linalg.eigh``: eigenvalues, ascending, and the orthonormal eigenvectors as columns."""
    a = _symmetric_argument(a, "np.linalg.eigh")
    return EighResult(_applied("eigvalsh", a), _applied("eigvecs", a))


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """``np.linalg.svd``: the singular values descend; the vectors need ``full_matrices=False``."""
    a = _matrix(a, "np.linalg.svd", square=False)
    if not compute_uv:
        return _applied("svdvals", a)
    result = SVDResult(_applied("svd_u", a), _applied("svdvals", a), _applied("svd_vt", a))
    if full_matrices and a.dims[-1] != a.dims[-2]:
        for vectors in (result.U, result.Vh):  # they may be handed on, and not used: _, s, _ = np.linalg.svd(X)
            vectors._lost = _FURTHER
    return result


def svdvals(a: Any) -> Array:
    """``np.linalg.svdvals``: the singular values, descending."""
    return svd(a, compute_uv=False)


def cholesky(a: Any, upper: bool = False) -> Array:
    """``np.linalg.cholesky``: the lower triangular factor of a positive definite matrix."""
    factor = _applied("cholesky", _symmetric_argument(a, "np.linalg.cholesky"))
    return factor.mT if upper else factor


def scipy_cholesky(a: Any, lower: bool = False) -> Array:
    """``scipy.linalg.cholesky``: the upper triangular factor, unless ``lower`` is asked for."""
    return cholesky(a, upper=not lower)


def toeplitz(c: Any) -> Array:
    """``scipy.linalg.toeplitz`` of a column: the entry (i, j) is ``c[abs(i - j)]``."""
    c = as_array(c)
    if c.ndim != 1:
        raise ShapeError(f"toeplitz needs a vector, got shape {shape_text(c.dims)}")
    places = Array(Range(c.dims[0]))
    return c[np.abs(places[:, None] - places[None, :])]


def solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Array:
    """``scipy.linalg.solve_triangular``: the other triangle is not looked at."""
    a = _matrix(a, "scipy.linalg.solve_triangular")
    if unit_diagonal:
        raise UnsupportedError("solve_triangular(unit_diagonal=True) is not read")
    triangular = a if is_lower(_laid(a)[0]) and lower else (tril(a) if lower else tril(a.mT).mT)
    return solve(triangular.mT if trans in (1, "T", 2, "C") else triangular, b)


def cho_factor(a: Any, lower: bool = False) -> tuple[Array, bool]:
    """``scipy.linalg.cho_factor``: the factor and which triangle it is."""
    return cholesky(a, upper=not lower), lower


def cho_solve(c_and_lower: Any, b: Any) -> Array:
    """``scipy.linalg.cho_solve``: solves with the matrix that was factored."""
    c, lower = c_and_lower
    factor = as_array(c) if lower else as_array(c).mT
    return solve(factor.mT, solve(factor, b))


def block_diag(*arrays: Any) -> Array:
    """``scipy.linalg.block_diag``: matrices along the diagonal."""
    given = [_matrix(a, "block_diag", square=False) for a in arrays]
    rows: Expr = sum((a.dims[0] for a in given), ZERO)
    columns: Expr = sum((a.dims[1] for a in given), ZERO)
    terms: list[tuple[Expr, Node]] = []
    row: Expr = ZERO
    column: Expr = ZERO
    for a in given:
        node, _ = _laid(a)
        terms.append((ONE, placed(placed(node, 0, rows, row), 1, columns, column)))
        row, column = row + a.dims[0], column + a.dims[1]
    return Array(build.add(terms, (rows, columns)))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """``np.linalg.norm``: vector norms of any order, Frobenius, nuclear, spectral, 1 and infinity norms.

    >>> import symderive as sd
    >>> print(norm(sd.array("w", "d"), 1))
    np.sum(np.abs(w))
    """
    x = as_array(x)
    gone = axes_of(x, axis, "norm")
    if axis is None and ord is not None and x.ndim > 2:
        raise ShapeError(f"np.linalg.norm(ord={ord!r}) needs a vector, a matrix, or axis=")
    if ord is None:
        return norm_2(x, axis, keepdims)
    if len(gone) == 2:
        return _matrix_norm(x, _order(ord), (gone[0], gone[1]), keepdims)
    if len(gone) != 1:
        raise ShapeError(f"np.linalg.norm: norms are of vectors and matrices, got axis={axis!r}")
    return vector_norm(x, axis, keepdims, ord)


def _order(ord: Any) -> Any:
    if isinstance(ord, Array) and isinstance(ord.node, Number):
        return ord.node.value
    return ord if isinstance(ord, str) else sympify(ord)


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """``np.linalg.vector_norm``: the norm of the entries along axes, of all of them for ``axis=None``."""
    x, p = as_array(x), _order(ord)
    if isinstance(p, str):
        raise UnsupportedError(f"np.linalg.norm of a vector has no order {p!r}")
    if p == 2:
        return norm_2(x, axis, keepdims)
    if p == 1:
        return sum_(np.abs(x), axis=axis, keepdims=keepdims)
    if p in (S.Infinity, S.NegativeInfinity):
        return reduced("max" if p is S.Infinity else "min", np.abs(x), axis, keepdims)
    if p == 0:
        return sum_(UFUNCS["not_equal"](x, as_array(0)), axis=axis, keepdims=keepdims)
    return UFUNCS["power"](sum_(UFUNCS["power"](np.abs(x), as_array(p)), axis=axis, keepdims=keepdims), as_array(1 / p))


def _matrix_norm(x: Array, p: Any, gone: tuple[int, int], keepdims: bool) -> Array:
    rows, columns = gone
    if p == "fro":
        return norm_2(x, gone, keepdims)
    if p in ("nuc", 2, -2):
        kept = [k for k in range(x.ndim) if k not in gone]
        values = svdvals(transpose(x, (*kept, rows, columns)))
        made = sum_(values, axis=-1) if p == "nuc" else values[..., 0 if p == 2 else -1]
        return made[tuple(None if k in gone else slice(None) for k in range(x.ndim))] if keepdims else made
    summed = {1: rows, -1: rows, S.Infinity: columns, S.NegativeInfinity: columns}.get(p)
    if summed is None:
        raise UnsupportedError(f"np.linalg.norm of a matrix has no order {p}")
    made = reduced(
        "max" if p in (1, S.Infinity) else "min", sum_(np.abs(x), axis=summed, keepdims=True), gone, keepdims=True
    )
    return made if keepdims else made[tuple(0 if k in gone else slice(None) for k in range(x.ndim))]


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.linalg.inv: inv,
    np.linalg.det: det,
    np.linalg.slogdet: slogdet,
    np.linalg.solve: solve,
    np.linalg.matrix_power: matrix_power,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.eigh: eigh,
    np.linalg.svd: svd,
    np.linalg.cholesky: cholesky,
    np.linalg.norm: norm,
}

if hasattr(np.linalg, "vector_norm"):  # NumPy 2
    FUNCTIONS |= {
        np.linalg.svdvals: svdvals,
        np.linalg.vector_norm: lambda x, /, *, axis=None, keepdims=False, ord=2: vector_norm(x, axis, keepdims, ord),
        np.linalg.matrix_norm: lambda x, /, *, keepdims=False, ord="fro": norm(x, ord, (-2, -1), keepdims),
        np.linalg.matrix_transpose: lambda x: as_array(x).mT,
    }
ARRAY_FUNCTIONS.update(FUNCTIONS)

__all__ = ["FUNCTIONS", "norm", "slogdet", "solve", "svd"]
