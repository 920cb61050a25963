"""Expectations, variances and probabilities of ``sympy.stats``, written out as integrals and sums.

``sympy.stats`` is not imported here: its objects say by themselves what they are.  The density is the
one that they state.  What is not understood (conditions, joint laws) raises an error that names it.
"""

from __future__ import annotations

from typing import Any

from sympy import (
    Add,
    Eq,
    Ge,
    Gt,
    Integral,
    Interval,
    Le,
    Lt,
    Mul,
    Piecewise,
    Pow,
    S,
    Sum,
    Symbol,
    preorder_traversal,
)
from sympy.core.relational import Relational

from symderive.errors import UnsupportedError

_STATEMENTS = ("Expectation", "Variance", "Covariance", "Probability")
_MIRRORED = {Gt: Lt, Ge: Le, Lt: Gt, Le: Ge, Eq: Eq}


def without_expectations(expr: Any) -> Any:
    """An expression in which every expectation of ``sympy.stats`` is an integral, a sum, or its terms.

    Distinct random variables are independent, as they are in ``sympy.stats``.  Raises
    `UnsupportedError` for laws and statements that are not read.

    >>> from sympy.stats import Exponential, Expectation
    >>> X = Exponential("X", 2)
    >>> without_expectations(Expectation(X**2))
    Integral(X**2*(2*exp(-2*X)), (X, 0, oo))
    """
    return _written(expr, False) if _is_random(expr) else expr


def _is_random(expr: Any) -> bool:
    return any(_of_stats(part) for part in preorder_traversal(expr))


def _of_stats(part: object) -> bool:
    """Whether an object is one of sympy.stats; the class of an undefined function names no module."""
    return (type(part).__module__ or "").startswith("sympy.stats")


def _written(expr: Any, inside: bool) -> Any:
    """``inside`` an expectation random variables may stand."""
    name = type(expr).__name__
    if _of_stats(expr):
        if name == "RandomSymbol" and inside:
            return expr
        if name == "RandomSymbol":
            raise UnsupportedError(
                f"the random variable {expr} stands outside of an expectation; write Expectation(...), Variance(...) "
                "or Probability(...) of it"
            )
        if name not in _STATEMENTS:
            raise UnsupportedError(f"{name} of sympy.stats is not read; {', '.join(_STATEMENTS)} are")
        return _statement(name, expr)
    if not _is_random(expr):
        return expr
    args = [_written(a, inside) for a in expr.args]
    return expr.func(*args, evaluate=False) if isinstance(expr, Add | Mul | Pow) else expr.func(*args)


def _statement(name: str, expr: Any) -> Any:
    args = [_written(a, True) for a in expr.args]
    if len(args) > (2 if name == "Covariance" else 1):
        raise UnsupportedError(f"a conditional {name} is not read: {expr}; write it as a quotient")
    match name:
        case "Expectation":
            return _mean(args[0])
        case "Variance":
            return _mean(args[0] ** 2) - _mean(args[0]) ** 2
        case "Covariance":
            return _mean(args[0] * args[1]) - _mean(args[0]) * _mean(args[1])
    return _probability(args[0])


def _variables(expr: Any) -> list[Any]:
    found = {p for p in preorder_traversal(expr) if type(p).__name__ == "RandomSymbol"}
    return sorted(found, key=lambda p: str(p.symbol))


def _mean(expr: Any) -> Any:
    """E of an expression, over one random variable after the other."""
    for variable in _variables(expr):
        expr = _summed(expr, variable, *_support(variable))
    return expr


def _space(variable: Any) -> tuple[Any, Any]:
    """The law of a random variable and the set of its values."""
    space = variable.pspace
    if not type(space).__name__.startswith("Single"):
        raise UnsupportedError(f"the law of {variable} is not read: {type(space).__name__} (a joint law)")
    return space.distribution, space.domain.set


def _support(variable: Any) -> tuple[Any, Any]:
    """The ends of the range of a random variable; its values where they are finitely many."""
    law, values = _space(variable)
    match values:
        case Interval():
            return values.start, values.end
        case S.Naturals0:
            return S.Zero, S.Infinity
        case S.Naturals:
            return S.One, S.Infinity
    if getattr(values, "is_FiniteSet", False):
        return tuple(values), None
    intervals = [part for part in getattr(values, "args", ()) if isinstance(part, Interval)]
    if len(intervals) == 1 and S.Naturals0 in values.args:
        return intervals[0].start, intervals[0].end
    raise UnsupportedError(f"the law {type(law).__name__} of {variable} is not read: its values are {values}")


def _density(variable: Any, value: Any) -> Any:
    """The density or the probability at a value inside of the range."""
    law, _ = _space(variable)
    made = law.pdf(value) if hasattr(law, "pdf") else law.pmf(value)
    if isinstance(made, Piecewise):
        (first, *rest) = made.args
        if len(rest) != 1 or rest[0].args[0] != 0:
            raise UnsupportedError(f"the law {type(law).__name__} of {variable} is not read: its density is {made}")
        made = first.args[0]
    return made


def _summed(expr: Any, variable: Any, low: Any, high: Any) -> Any:
    """E of an expression over one random variable whose values lie between two ends."""
    is_continuous = isinstance(_space(variable)[1], Interval)
    if high is None:
        return Add(*(Mul(expr.xreplace({variable: v}), _at(variable, v)) for v in low), evaluate=False)
    taken = {str(s) for s in (expr.free_symbols | _density(variable, S.One).free_symbols) - {variable}}
    name = str(variable.symbol)
    while name in taken:
        name += "_"
    bound = Symbol(name, real=True) if is_continuous else Symbol(name, integer=True)
    body = Mul(expr.xreplace({variable: bound}), _density(variable, bound), evaluate=False)
    return (Integral if is_continuous else Sum)(body, (bound, low, high))


def _at(variable: Any, value: Any) -> Any:
    """The probability of one of finitely many values."""
    law, _ = _space(variable)
    made = law.pmf(value)
    if isinstance(made, Piecewise):
        raise UnsupportedError(f"the law {type(law).__name__} of {variable} is not read: its weights are {made}")
    return made


def _probability(condition: Any) -> Any:
    """P of a comparison of one random variable with what is not random."""
    if not isinstance(condition, Relational) or type(condition) not in _MIRRORED:
        raise UnsupportedError(f"Probability of {condition} is not read; compare one random variable with a number")
    left, right, kind = condition.lhs, condition.rhs, type(condition)
    if not _variables(left):
        left, right, kind = right, left, _MIRRORED[kind]
    if type(left).__name__ != "RandomSymbol" or _variables(right):
        raise UnsupportedError(f"Probability of {condition} is not read; compare one random variable with a number")
    low, high = _support(left)
    if high is None:
        return Add(*(_at(left, v) for v in low if _holds(kind, v, right, condition)), evaluate=False)
    is_continuous = isinstance(_space(left)[1], Interval)
    if kind is Eq:
        if is_continuous:
            return S.Zero
        _demand((right - low).is_nonnegative and right.is_integer and high is S.Infinity, condition)
        return _density(left, right)
    if not is_continuous:
        _demand(right.is_integer, condition)
    step = 0 if is_continuous else 1
    if kind in (Gt, Ge):
        start = right + step if kind is Gt else right
        _demand(low is S.NegativeInfinity or (start - low).is_nonnegative, condition)
        _demand(high is S.Infinity or (high - right).is_nonnegative, condition)
        return _summed(S.One, left, start, high)
    end = right - step if kind is Lt else right
    _demand(low is S.NegativeInfinity or (end + step - low).is_nonnegative, condition)
    _demand(high is S.Infinity or (high - end).is_nonnegative, condition)
    return _summed(S.One, left, low, end)


def _holds(kind: Any, value: Any, bound: Any, condition: Any) -> bool:
    found = kind(value, bound)
    _demand(found in (True, False, S.true, S.false), condition)
    return bool(found)


def _demand(shown: Any, condition: Any) -> None:
    if not shown:
        raise UnsupportedError(
            f"Probability of {condition} is not read: SymPy's assumptions do not say that the bound lies in the range "
            "of the random variable (and is an integer for one of integers)"
        )


__all__ = ["without_expectations"]
