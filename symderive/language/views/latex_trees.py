"""What a tree says before it is written: its sign, squares, whether it is linear."""

from __future__ import annotations

from dataclasses import replace

from sympy import Add as SymAdd
from sympy import Expr, Integer, Rational

from symderive.language.functions import FUNCTIONS
from symderive.language.views.tree import (
    Add,
    Call,
    D,
    Div,
    MatMul,
    Mul,
    Name,
    Neg,
    Num,
    Pow,
    Transpose,
    Tree,
)

ONE, TWO, HALF = Integer(1), Integer(2), Rational(1, 2)


def is_one(size: Expr) -> bool:
    """Whether an axis has length 1."""
    return size == 1


def square_of(tree: Tree) -> Tree | None:
    """The r of r ** 2 or r * r."""
    match tree:
        case Pow(base=base, exponent=Num(value=value)) if value == 2:
            return base
        case Mul(factors=(a, b)) if a == b:
            return a
    return None


def signed(tree: Tree) -> tuple[int, Tree]:
    """A sign, and a tree that does not start with a minus."""
    match tree:
        case Neg(operand=operand):
            sign, inner = signed(operand)
            return -sign, inner
        case Num(value=value) if value.could_extract_minus_sign() and not isinstance(value, SymAdd):
            return -1, Num((), -value)
        case Mul(factors=(first, *others)):
            sign, inner = signed(first)
            if sign < 0 and inner == Num((), ONE) and others:
                rest = others[0] if len(others) == 1 else Mul(tree.shape, tuple(others))
                if rest.shape == tree.shape:
                    return _flip(rest)
            return (1, tree) if sign > 0 else (sign, replace(tree, factors=(inner, *others)))
        case Div(numerator=numerator, denominator=denominator):
            sign, inner = signed(numerator)
            return (1, tree) if sign > 0 else (sign, Div(tree.shape, inner, denominator))
    return 1, tree


def _flip(tree: Tree) -> tuple[int, Tree]:
    sign, inner = signed(tree)
    return -sign, inner


def plainly(tree: Tree) -> Tree | None:
    """Functions whose rows print a product, as trees, so that products print in one way."""
    match tree:
        case Call(function="xlogy", arguments=(x, y)):
            return Mul(tree.shape, (x, Call(y.shape, "log", (y,))))
        case Call(function="xlog1py", arguments=(x, y)):
            return Mul(tree.shape, (x, Call(y.shape, "log1p", (y,))))
        case Call(function="entr", arguments=(x,)):
            return Neg(tree.shape, Mul(tree.shape, (x, Call(tree.shape, "log", (x,)))))
        case Call(function="rel_entr", arguments=(x, y)):
            return Mul(tree.shape, (x, Call(tree.shape, "log", (Div(tree.shape, x, y),))))
        case Call(function="kl_div", arguments=(x, y)):
            inner = Mul(tree.shape, (x, Call(tree.shape, "log", (Div(tree.shape, x, y),))))
            return Add(tree.shape, ((1, inner), (-1, x), (1, y)))
        case Call(function="expm1", arguments=(x,)):
            return Add(tree.shape, ((1, Call(tree.shape, "exp", (x,))), (-1, Num((), ONE))))
        case Call(function="power", arguments=(x, y)):
            return Pow(tree.shape, x, y)
        case Call(function="sqrt", arguments=(x,)):
            return Pow(tree.shape, x, Num((), HALF))
    return None


def is_linear(tree: Tree) -> bool:
    """Names, products with matrices and their sums: dot products of these are written with a transpose."""
    match tree:
        case Name() | Transpose() | MatMul() | D():
            return True
        case Call(function=function):
            return function not in FUNCTIONS
        case Neg(operand=operand):
            return is_linear(operand)
        case Add(terms=terms):
            return all(is_linear(term) for _, term in terms)
    return False


def has_differential(tree: Tree) -> bool:
    """Whether a differential occurs in it."""
    return isinstance(tree, D) or any(has_differential(child) for child in tree.children)


def is_scalar(tree: Tree) -> bool:
    """Whether no array occurs in it."""
    return not tree.shape and all(is_scalar(child) for child in tree.children)
