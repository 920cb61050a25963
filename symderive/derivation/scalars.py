"""Scalar nodes as SymPy expressions and back: how the search for a proof calculates.

Nothing rests on this: what the search finds is turned back into nodes, and the checker decides every equality by
the normal form.  Functions are written by their meaning in exp, log and powers, so that what is rational in
exponentials is seen as such, and logarithms of products are split where the signs are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import (
    Add,
    Expr,
    Float,
    Mul,
    Pow,
    S,
    Symbol,
    atan,
    cos,
    digamma,
    erf,
    exp,
    gamma,
    log,
    loggamma,
    polygamma,
    sin,
)

from symderive.calculus.polynomials import NotHandled
from symderive.language import build
from symderive.language.functions import applied, meaning
from symderive.language.nodes import Contraction, Leaf, Map, Named, Node, Number, Sum

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": exp,
    "log": log,
    "sin": sin,
    "cos": cos,
    "arctan": atan,
    "erf": erf,
    "gamma": gamma,
    "gammaln": loggamma,
    "loggamma": loggamma,
    "digamma": digamma,
    "polygamma": polygamma,
    "power": Pow,
}
_ROWS = {f: name for name, f in _FUNCTIONS.items() if name not in ("gammaln", "power", "digamma")}


def to_expression(node: Node, symbols: Mapping[Leaf, Symbol]) -> Expr:
    """A scalar node as a SymPy expression in the symbols of its leaves; raises `NotHandled` for what has none."""
    found: dict[Node, Any] = {}
    for part in node.walk():
        if part.shape:
            raise NotHandled("an array in a scalar")
        match part:
            case Leaf():
                found[part] = symbols[part]
            case Number() if not part.value.free_symbols:
                found[part] = part.value
            case Named():
                found[part] = found[part.body]
            case Sum():
                found[part] = Add(*(w * found[t] for w, t in part.terms))
            case Contraction() if not part.label_dims:
                found[part] = Mul(part.coefficient, *(found[f] for f, _ in part.factors))
            case Map():
                found[part] = _map(part, [found[a] for a in part.arguments], symbols)
            case _:
                raise NotHandled(f"a {type(part).__name__} in a scalar")
    return found[node]


def _map(part: Map, arguments: list[Expr], symbols: Mapping[Leaf, Symbol]) -> Expr:
    function = _FUNCTIONS.get(part.function)
    if function is not None:
        return function(*arguments)
    simpler = meaning(part.function, part.arguments)
    if simpler is None:
        raise NotHandled(f"{part.function} in a scalar")
    return to_expression(simpler, symbols)


def to_scalar(expression: Expr, leaves: Mapping[Symbol, Leaf]) -> Node:
    """The node of a SymPy expression in the symbols of leaves; raises `NotHandled` for what has none."""
    if isinstance(expression, Symbol):
        return leaves[expression]
    if expression.has(Float) or expression.has(S.ImaginaryUnit) or expression.has(S.NaN, S.ComplexInfinity):
        raise NotHandled("no exact real expression")
    if not expression.free_symbols:
        return Number(expression)
    if isinstance(expression, Add):
        terms = []
        for term in expression.args:
            c, rest = term.as_coeff_Mul()
            terms.append((c, to_scalar(rest, leaves)))  # type: ignore[arg-type]
        return build.add(terms, ())
    if isinstance(expression, Mul):
        numbers = [a for a in expression.args if not a.free_symbols]
        others = [to_scalar(a, leaves) for a in expression.args if a.free_symbols]  # type: ignore[arg-type]
        return build.scale(Mul(*numbers), build.multiply(*others))
    if isinstance(expression, Pow):
        base, exponent = expression.args
        if not exponent.free_symbols:
            return build.power(to_scalar(base, leaves), exponent)  # type: ignore[arg-type]
        return Map("power", (to_scalar(base, leaves), to_scalar(exponent, leaves)))  # type: ignore[arg-type]
    name = _ROWS.get(expression.func)  # type: ignore[call-overload]
    if name is None:
        raise NotHandled(f"{expression.func} has no row")
    return applied(name, *(to_scalar(a, leaves) for a in expression.args))  # type: ignore[arg-type]


__all__ = ["to_expression", "to_scalar"]
