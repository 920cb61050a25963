"""SymPy functions that SymPy has no name for: the sigmoid, largest entries, factors and spectra of matrices.

They are exact objects: ``subs`` goes through them, and ``doit`` works them out where
what they hold is explicit.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sympy import Expr, Function, ImmutableMatrix, Integer, Max, Min, Piecewise, Rel, S, exp, log, sympify
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.matrices.expressions.funcmatrix import FunctionMatrix
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixExpr

from symderive.errors import UnsupportedError


def _arguments(applied: Any) -> tuple[Any, ...]:
    return applied.args


def _sigmoid(x: Any) -> Any:
    return expit(x)


class expit(Function):
    """The sigmoid σ(x) = 1/(1 + exp(-x)); ``doit`` and ``rewrite(exp)`` write it out.

    >>> from sympy import Symbol, exp
    >>> expit(Symbol("x")).rewrite(exp)
    1/(1 + exp(-x))
    """

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """σ' = σ(x) σ(-x)."""
        (x,) = _arguments(self)
        return _sigmoid(x) * _sigmoid(-x)

    def doit(self, **hints: Any) -> Any:
        """The sigmoid by its meaning."""
        (x,) = _arguments(self)
        return 1 / (1 + exp(-(x.doit(**hints) if hints.get("deep", True) else x)))

    def _eval_rewrite_as_exp(self, arg: Any, **_: Any) -> Any:
        return 1 / (1 + exp(-arg))

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


class logaddexp(Function):
    """log(exp(x) + exp(y)); ``doit`` and ``rewrite(exp)`` write it out."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """The sigmoid of the difference."""
        x, y = _arguments(self)
        return _sigmoid(x - y) if argindex == 1 else _sigmoid(y - x)

    def doit(self, **hints: Any) -> Any:
        """The function by its meaning."""
        x, y = (a.doit(**hints) if hints.get("deep", True) else a for a in _arguments(self))
        return log(exp(x) + exp(y))

    def _eval_rewrite_as_exp(self, x: Any, y: Any, **_: Any) -> Any:
        return log(exp(x) + exp(y))

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        x, y = (printer._print(a) for a in self.args)
        body = rf"\log\left(e^{{{x}}} + e^{{{y}}}\right)"
        return body if exp is None else rf"\left({body}\right)^{{{exp}}}"


class Cases(Function):
    """One value where a condition holds, another elsewhere: a ``Piecewise`` that stays where it is.

    SymPy's ``Sum`` draws every ``Piecewise`` in it to the outside, also out of an inner sum whose index
    its condition speaks of, and the result is wrong.  ``doit`` gives the ``Piecewise``.

    >>> from sympy import Symbol
    >>> x = Symbol("x", real=True)
    >>> Cases(x, x > 0, 0), Cases(x, x > 0, 0).subs(x, 2), Cases(x, x > 0, 0).doit()
    (Cases(x, x > 0, 0), 2, Piecewise((x, x > 0), (0, True)))
    """

    @classmethod
    def eval(cls, value: Any, condition: Any, otherwise: Any) -> Any:
        """The value that counts, where the condition is decided."""
        return value if condition is S.true else otherwise if condition is S.false else None

    def doit(self, **hints: Any) -> Any:
        """The same as a ``Piecewise``."""
        value, condition, otherwise = (a.doit(**hints) if hints.get("deep", True) else a for a in _arguments(self))
        return Piecewise((value, condition), (otherwise, True))

    def _eval_derivative(self, s: Any) -> Any:
        value, condition, otherwise = _arguments(self)
        return Cases(value.diff(s), condition, otherwise.diff(s))

    def _latex(self, printer: Any, exp: Any = None) -> str:
        return printer._print(self.doit() if exp is None else self.doit() ** exp)


def with_piecewise(expr: Any) -> Any:
    """The expression with each ``Cases`` as a ``Piecewise`` where SymPy leaves that in its place."""
    if isinstance(expr, Cases):
        return expr.doit(deep=False) if expr.has(ExprWithLimits) else expr.replace(_is_cases, _as_piecewise)
    if isinstance(expr, ExprWithLimits):
        inner: Any = expr.function
        return expr if inner.has(ExprWithLimits) else expr.func(inner.replace(_is_cases, _as_piecewise), *expr.limits)
    if not expr.args or not expr.has(Cases) or isinstance(expr, Rel | MatrixElement | MatrixExpr):
        return expr
    return expr.func(*(with_piecewise(part) for part in expr.args))


def _is_cases(part: Any) -> bool:
    return isinstance(part, Cases)


def _as_piecewise(part: Any) -> Any:
    return part.doit(deep=False)


def _derivative(expr: Any, symbol: Any) -> Any:
    """0 where nothing of the symbol occurs; SymPy itself would say 0 everywhere."""
    if expr.free_symbols & symbol.free_symbols:
        raise UnsupportedError(f"SymPy has no derivative of {expr}; derive with sd.gradient")
    return Integer(0)


class _Extreme(ExprWithLimits):
    """The largest or smallest value of an expression over indices; abstract."""

    is_extended_real = True

    def __new__(cls, function: Any, *limits: Any, **assumptions: Any) -> Any:
        return ExprWithLimits.__new__(cls, function, *limits, **assumptions)

    @staticmethod
    @abstractmethod
    def of(*values: Any) -> Any:
        """The extreme of explicit values."""

    def doit(self, **hints: Any) -> Any:
        """The extreme of the values, where the ends of all indices are numbers."""
        function: Any = self.function
        if hints.get("deep", True):
            function = function.doit(**hints)
        values = [function]
        limits: Any = self.limits
        for symbol, low, high in limits:
            if not (isinstance(low, Integer) and isinstance(high, Integer)):
                return self.func(function, *limits)
            places = range(int(low), int(high) + 1)
            values = [value.subs(symbol, k) for value in values for k in places]
        return self.of(*(value.doit(**hints) for value in values))

    def _eval_derivative(self, symbol: Any) -> Any:
        return _derivative(self, symbol)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        limits: Any = self.limits
        ranges = ", ".join(
            rf"{printer._print(low)} \le {printer._print(symbol)} \le {printer._print(high)}"
            for symbol, low, high in limits
        )
        body = rf"\{self.of.__name__.lower()}_{{{ranges}}} {printer._print(self.function)}"
        return body if exp is None else rf"\left({body}\right)^{{{exp}}}"


class Largest(_Extreme):
    """The largest value of an expression over indices.

    >>> from sympy import IndexedBase, symbols
    >>> i, n = symbols("i n", integer=True)
    >>> x = IndexedBase("x")
    >>> Largest(x[i], (i, 1, n)).subs(n, 2).doit()
    Max(x[1], x[2])
    """

    of = staticmethod(Max)


class Smallest(_Extreme):
    """The smallest value of an expression over indices."""

    of = staticmethod(Min)


class EntryMatrix(FunctionMatrix):
    """A matrix by its entries, like SymPy's ``FunctionMatrix``; ``doit`` writes it out where its sizes are numbers.

    >>> from sympy import IndexedBase, Lambda, symbols
    >>> i, j, n = symbols("i j n", integer=True)
    >>> A = IndexedBase("A")
    >>> EntryMatrix(n, n, Lambda((i, j), A[i + 1, j + 1])).subs(n, 2).doit()
    Matrix([
    [A[1, 1], A[1, 2]],
    [A[2, 1], A[2, 2]]])
    """

    def doit(self, **hints: Any) -> Any:
        """The explicit matrix, where its sizes are numbers."""
        if all(isinstance(size, Integer) for size in self.shape):
            return self.as_explicit().doit(**hints)
        return self


class _Element(MatrixElement):
    """An entry of a matrix function."""

    def _eval_derivative(self, v: Any) -> Any:
        return _derivative(self, v)


class MatrixFunction(MatrixExpr):
    """A matrix that is made of a matrix; abstract.

    ``doit`` works it out in floats, by NumPy, where the argument is a matrix of numbers.  Entries are
    SymPy's matrix elements, counted from 0.
    """

    def __new__(cls, matrix: Any) -> Any:
        return MatrixExpr.__new__(cls, sympify(matrix))

    @property
    def arg(self) -> Any:
        """The matrix that it is made of."""
        return self.args[0]

    @property
    def shape(self) -> tuple[Any, Any]:
        """As large as the argument, unless a function says otherwise."""
        return self.arg.shape

    @staticmethod
    @abstractmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """Its value at a matrix of floats."""

    def _entry(self, i: Any, j: Any, **_: Any) -> Any:
        return _Element(self, i, j)

    def doit(self, **hints: Any) -> Any:
        """The matrix itself, where the argument is one of numbers."""
        matrix = self.arg.doit(**hints) if hints.get("deep", True) else self.arg
        explicit = matrix.as_explicit() if all(isinstance(s, Integer | int) for s in matrix.shape) else None
        if explicit is None or explicit.free_symbols:
            return self.func(matrix)
        return ImmutableMatrix(self.of(np.array(explicit.tolist(), dtype=float)).tolist())


class CholeskyFactor(MatrixFunction):
    """The lower triangular L with a positive diagonal and L Lᵀ = S."""

    @staticmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """By NumPy's ``cholesky``."""
        return np.linalg.cholesky(matrix)


class Eigenvalues(MatrixFunction):
    """The eigenvalues of a symmetric matrix as a column, ascending."""

    @property
    def shape(self) -> tuple[Any, Any]:
        """A column."""
        return self.arg.shape[0], Integer(1)

    @staticmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """By NumPy's ``eigvalsh``."""
        return np.linalg.eigvalsh(matrix)[:, None]


class Eigenvectors(MatrixFunction):
    """The orthonormal eigenvectors of a symmetric matrix as columns; each has a sign that is free."""

    @staticmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """By NumPy's ``eigh``."""
        return np.linalg.eigh(matrix)[1]


class _Singular(MatrixFunction):
    @property
    def _short(self) -> Expr:
        return Min(*self.arg.shape)


class SingularValues(_Singular):
    """The singular values of a matrix as a column, descending."""

    @property
    def shape(self) -> tuple[Any, Any]:
        """A column as long as the short side."""
        return self._short, Integer(1)

    @staticmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """By NumPy's ``svd``."""
        return np.linalg.svd(matrix, compute_uv=False)[:, None]


class LeftSingularVectors(_Singular):
    """The left singular vectors of a matrix as columns, one for each singular value."""

    @property
    def shape(self) -> tuple[Any, Any]:
        """The rows of the matrix by its short side."""
        return self.arg.shape[0], self._short

    @staticmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """By NumPy's ``svd``."""
        return np.linalg.svd(matrix, full_matrices=False)[0]


class RightSingularVectors(_Singular):
    """The right singular vectors of a matrix as columns, one for each singular value."""

    @property
    def shape(self) -> tuple[Any, Any]:
        """The columns of the matrix by its short side."""
        return self.arg.shape[1], self._short

    @staticmethod
    def of(matrix: np.ndarray) -> np.ndarray:
        """By NumPy's ``svd``."""
        return np.linalg.svd(matrix, full_matrices=False)[2].T


__all__ = [
    "Cases",
    "CholeskyFactor",
    "Eigenvalues",
    "Eigenvectors",
    "EntryMatrix",
    "Largest",
    "LeftSingularVectors",
    "MatrixFunction",
    "RightSingularVectors",
    "SingularValues",
    "Smallest",
    "expit",
    "logaddexp",
    "with_piecewise",
]
