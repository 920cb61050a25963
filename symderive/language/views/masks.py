"""Masks as numbers: a comparison is a truth value to NumPy, 0 or 1 to a formula.

NumPy multiplies a truth value with a number as a formula does, but it refuses to
subtract two of them, adds and contracts them as "or", and sends them through
functions in half precision.  Where that would happen the mask is written
``np.where(mask, 1, 0)``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import ONE, ZERO
from symderive.language.views import tree as t

_CHOOSING = ("maximum", "minimum", "where")
_SUMMING = ("sum", "trace")


def is_truth(tree: t.Tree, truths: Collection[str] = ()) -> bool:
    """Whether NumPy's value of the tree is of truth values; ``truths`` names such definitions."""
    match tree:
        case t.Name(text=text):
            return text in truths
        case t.Mul(factors=factors):
            return all(is_truth(f, truths) for f in factors)
        case t.Transpose(operand=operand) | t.Index(operand=operand):
            return is_truth(operand, truths)
        case t.Call(function=function, arguments=arguments):
            if function in FUNCTIONS and FUNCTIONS[function].mask:
                return True
            if function in ("maximum", "minimum", "diag"):
                return all(is_truth(a, truths) for a in arguments)
            return function == "where" and all(is_truth(a, truths) for a in arguments[1:])
    return False


def _leading(tree: t.Tree, truths: Collection[str]) -> t.Tree:
    """A product whose first factor is no mask: a minus before it would be the mask's own."""
    if isinstance(tree, t.Div):
        return replace(tree, numerator=_leading(tree.numerator, truths))
    if not isinstance(tree, t.Mul | t.MatMul) or not is_truth(tree.factors[0], truths):
        return tree
    first, *rest = tree.factors
    vectors = len(rest) == 1 and len(first.shape) == len(rest[0].shape) == 1
    if isinstance(tree, t.Mul) or vectors:
        return replace(tree, factors=(*rest, first))
    number = t.Call(first.shape, "where", (first, t.Num((), ONE), t.Num((), ZERO)))
    return replace(tree, factors=(number, *rest))


def with_numbers(tree: t.Tree, truths: Collection[str] = ()) -> t.Tree:
    """The tree with its masks written as numbers where NumPy would not take them for such."""

    def inner(child: t.Tree) -> t.Tree:
        return with_numbers(child, truths)

    def number(child: t.Tree) -> t.Tree:
        child = inner(child)
        if not is_truth(child, truths):
            return child
        return t.Call(child.shape, "where", (child, t.Num((), ONE), t.Num((), ZERO)))

    match tree:
        case t.Add(terms=terms):
            done = [(sign, inner(x)) for sign, x in terms]
            if all(is_truth(x, truths) for _, x in done):
                done[0] = (done[0][0], number(done[0][1]))
            return t.Add(tree.shape, tuple(done))
        case t.Neg(operand=operand):
            return t.Neg(tree.shape, _leading(number(operand), truths))
        case t.Pow(base=base, exponent=exponent):
            return t.Pow(tree.shape, number(base), number(exponent))
        case t.Div(numerator=numerator, denominator=denominator):
            return t.Div(tree.shape, inner(numerator), number(denominator))
        case t.Mul(factors=factors):
            return t.Mul(tree.shape, tuple(inner(f) for f in factors))
        case t.MatMul(factors=factors):
            done_factors = [inner(f) for f in factors]
            if all(is_truth(f, truths) for f in done_factors):
                done_factors[0] = number(done_factors[0])
            return t.MatMul(tree.shape, tuple(done_factors))
        case t.Bind(body=body):
            return replace(tree, body=inner(body))
        case t.Transpose(operand=operand):
            return t.Transpose(tree.shape, inner(operand))
        case t.Index(operand=operand):
            return replace(tree, operand=inner(operand))
        case t.Call(function=function, arguments=arguments):
            plain = function in (*_CHOOSING, *_SUMMING, "diag", "outer")
            if plain or (function in FUNCTIONS and FUNCTIONS[function].mask):
                return replace(tree, arguments=tuple(inner(a) for a in arguments))
            return replace(tree, arguments=tuple(number(a) for a in arguments))
    return tree
