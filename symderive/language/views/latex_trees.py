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
    Index,
    Key,
    MatMul,
    Mul,
    Name,
    Neg,
    Num,
    Pow,
    Span,
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
        case Index(operand=operand, keys=keys):
            return is_linear(operand) and all(k == ":" or isinstance(k, Expr | Span) for k in keys)
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


def axes_of(tree: Call) -> tuple[int, ...]:
    """The axes of its argument over which a reduction goes."""
    rank = len(tree.arguments[0].shape)
    if tree.axis is None:
        return tuple(range(rank))
    axes = (tree.axis,) if isinstance(tree.axis, int) else tree.axis
    return tuple(sorted(a % rank for a in axes))


def inner_product(tree: Tree) -> tuple[Tree, Tree] | None:
    """The factors of ``tr(a b)`` whose value is the sum of the entries of a product of two matrices."""
    match tree:
        case Mul(shape=(_, _), factors=(a, b)) if a.shape == b.shape and is_linear(a) and is_linear(b):
            if isinstance(b, Transpose):
                return a, b.operand
            if isinstance(a, Transpose):
                return a.operand, b
            return Transpose(a.shape[::-1], a), b
    return None


def power_of_norm(base: Tree, exponent: Tree) -> tuple[Tree, Tree, int] | None:
    """``(x, p, q)`` where a power of a sum of powers is the q-th power of the p-norm of a vector x."""
    match base:
        case Call(function="sum", shape=(), arguments=(Pow(base=Call(function="abs", arguments=(x,)), exponent=p),)):
            pass
        case _:
            return None
    if len(x.shape) != 1:
        return None
    if isinstance(p, Num) and isinstance(exponent, Num):
        power = p.value * exponent.value
        return (x, p, int(power)) if power.is_Integer and power > 0 else None
    return (x, p, 1) if exponent == Div((), Num((), ONE), p) else None


def running_product(operand: Tree, axes: tuple[int, ...]) -> Tree | None:
    """The x of products over j of ``x_j where j <= i else 1``: products of the entries up to i."""
    match operand:
        case Call(function="where", arguments=(Call(function="tri", offset=0), x, Num(value=value))) if value == 1:
            return x if axes == (len(operand.shape) - 1,) and len(operand.shape) == 2 else None
    return None


# -- indices -----------------------------------------------------------------------------------------


def place(index: Expr, size: Expr) -> Expr:
    """A NumPy index counted from 1: the last entry of n is n."""
    return index + size + 1 if index.is_negative else index + 1


def ends(span: Span, size: Expr) -> list[Expr]:
    """First and last place of a slice, counted from 1, with a step other than 1 between; a single place alone."""
    last = ONE if span.step.is_negative else size
    if span.stop is not None:
        stop = span.stop + size if span.stop.is_negative else span.stop
        last = stop + 2 if span.step.is_negative else stop
    first = _first(span, size)
    if first == last:
        return [first]
    return [first, last] if span.step == 1 else [first, span.step, last]


def through(span: Span, size: Expr, label: Expr | None) -> Expr:
    """Where the entry of a slice at a label stands in the whole axis, both counted from 1."""
    return _first(span, size) + span.step * ((ONE if label is None else label) - 1)


def _first(span: Span, size: Expr) -> Expr:
    if span.start is None:
        return size if span.step.is_negative else ONE
    return place(span.start, size)


def flattened(tree: Index) -> Index:
    """An index of an index as one, where each axis is cut once."""
    inner = tree.operand
    if not isinstance(inner, Index) or not all(
        k == ":" or isinstance(k, Expr | Span) for k in (*inner.keys, *tree.keys)
    ):
        return tree
    outer = iter(tree.keys)
    keys: list[Key] = []
    for old in (*inner.keys, *[":"] * (len(inner.operand.shape) - len(inner.keys))):
        new = ":" if isinstance(old, Expr) else next(outer, ":")
        if old != ":" and new != ":":
            return tree
        keys.append(new if old == ":" else old)
    return flattened(Index(tree.shape, inner.operand, tuple(keys)))


def picks_row(tree: Tree) -> bool:
    """Whether it is (part of) a row of a matrix, as an array with one axis."""
    return (
        isinstance(tree, Index)
        and len(tree.operand.shape) == 2
        and len(tree.shape) == 1
        and isinstance(tree.keys[0], Expr)
    )
