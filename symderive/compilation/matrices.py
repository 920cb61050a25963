"""Functions of matrices as planned operations: one factorisation for all that needs it.

An inverse is an operation on a factor: the Cholesky factor where the matrix is shown to be positive
definite, the matrix itself where it is triangular, LU otherwise.  Times something it is a solve with
that factor; the logarithm of the determinant reads the factor's diagonal.  Equal factors are one
operation, so that value, gradient and Hessian share them.
"""

from __future__ import annotations

from sympy import Expr, Integer, Rational

from symderive.compilation.operations import Op, Operations, Term
from symderive.errors import UnsupportedError
from symderive.language.nodes import ONE, Shape

__all__ = ["is_inverse", "matrix_function", "solved"]

_ITEMS = {
    "eigvalsh": ("eigh", 0), "eigvecs": ("eigh", 1), "svd_u": ("svd", 0), "svdvals": ("svd", 1), "svd_vt": ("svd", 2),
    "signdet": ("slogdet", 0),
}  # fmt: skip
"""Functions that are one of the results of a decomposition, which is computed once."""

_OF_SYMMETRIC = frozenset({"eigvalsh", "eigvecs", "cholesky"})


def matrix_function(
    ops: Operations, function: str, matrix: Op, shape: Shape, known: frozenset[str], symmetric: bool
) -> Op:
    """The function of the matrices on the last two axes; ``known`` is what they are shown to be.

    NumPy's decompositions of symmetric matrices read one triangle; where symmetry does not show,
    they are given the symmetric part, which is what the derivative is of.
    """
    if function in _OF_SYMMETRIC and not symmetric:
        order = (*range(matrix.rank - 2), matrix.rank - 1, matrix.rank - 2)
        both = ops.op("add", (matrix, ops.transpose(matrix, order)), (ONE, ONE), matrix.dims)
        matrix = ops.mul(Rational(1, 2), [both])
    if function == "cholesky":
        return ops.op("cholesky", (matrix,), None, shape)
    if function in _ITEMS:
        kind, place = _ITEMS[function]
        return ops.op("item", (ops.op(kind, (matrix,), None, ()),), place, shape)
    if matrix.rank > 2:
        if function == "logabsdet":
            return ops.op("item", (ops.op("slogdet", (matrix,), None, ()),), 1, shape)
        return ops.op(function, (matrix,), "batch", shape)
    if function == "inv" and "orthogonal" in known:
        return ops.transpose(matrix, (1, 0))
    how, factor = _factor(ops, matrix, known)
    match function, how:
        case ("inv", _) | ("det", "lu") | ("logabsdet", "lu"):
            return ops.op(function, (factor,), how, shape)
        case "det", "cho":
            return ops.power(_product(ops, factor), Integer(2))
        case "det", _:
            return _product(ops, factor)
        case "logabsdet", "cho":
            return ops.mul(Integer(2), [_sum(ops, _elementwise(ops, "log", _diagonal(ops, factor)))])
        case "logabsdet", _:
            size = _elementwise(ops, "abs", _diagonal(ops, factor))
            return _sum(ops, _elementwise(ops, "log", size))
    raise UnsupportedError(f"code for the array function {function!r} is not generated")


def _factor(ops: Operations, matrix: Op, known: frozenset[str]) -> tuple[str, Op]:
    if "lower" in known:
        return "lower", matrix
    if "upper" in known:
        return "upper", matrix
    if "pd" in known:
        return "cho", ops.op("cholesky", (matrix,), None, matrix.dims)
    return "lu", ops.op("lu", (matrix,), None, matrix.dims)


def _diagonal(ops: Operations, op: Op) -> Op:
    return ops.op("diagonal", (op,), None, op.dims[:1])


def _elementwise(ops: Operations, function: str, op: Op) -> Op:
    return ops.op("map", (op,), function, op.dims)


def _sum(ops: Operations, op: Op) -> Op:
    return ops.op("sum", (op,), None, ())


def _product(ops: Operations, factor: Op) -> Op:
    return ops.op("array", (_diagonal(ops, factor),), ("prod", None), ())


def is_inverse(term: Term) -> bool:
    """Whether a term is the inverse of one matrix, perhaps transposed."""
    op = term.op.args[0] if term.op.kind == "transpose" else term.op
    return op.kind == "inv" and op.data != "batch" and len(set(term.labels)) == 2


def solved(ops: Operations, inverse: Term, other: Term, label: int) -> Term:
    """Σ over a label of an inverse times something with at most one other label: a solve."""
    op, labels = inverse.op, inverse.labels
    if op.kind == "transpose":
        op, labels = op.args[0], labels[::-1]
    row, column = labels
    kept = row if column == label else column
    rest = tuple(x for x in other.labels if x != label)
    right = ops.transpose(other.op, tuple(other.labels.index(x) for x in (label, *rest)))
    return Term(solve(ops, op, right, turned=column != label), (kept, *rest))


def solve(ops: Operations, inverse: Op, right: Op, turned: bool) -> Op:
    """The inverse (transposed if ``turned``) times a vector or a matrix."""
    how = (inverse.data, turned and inverse.data != "cho")
    dims: list[Expr] = [inverse.dims[0], *right.dims[1:]]
    return ops.op("solve", (inverse.args[0], right), how, dims)
