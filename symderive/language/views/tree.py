"""The matrix view as a tree: what every writer (NumPy text, LaTeX) reads.

``lift`` turns nodes into this tree; writers only walk it, they never look into
strings.  The tree says NumPy's meaning: a tree of axes, broadcasting from the
right.  ``shape`` is the tree's shape with 1 for axes made by indexing or
keepdims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sympy import Expr, Rational

Shape = tuple[Expr, ...]


def decimal(value: Expr) -> str | None:
    """The decimal that a long fraction is written as, such as 0.044715; None for what is no such number."""
    if not isinstance(value, Rational) or value.q < 10_000:
        return None
    text = repr(float(value))
    return text if Rational(text) == value else None


@dataclass(frozen=True)
class Tree:
    """A node of the presentation; abstract."""

    shape: Shape

    @property
    def children(self) -> tuple[Tree, ...]:
        return ()

    def count(self) -> int:
        """The number of tree nodes: the length of the formula."""
        return 1 + sum(c.count() for c in self.children)


@final
@dataclass(frozen=True)
class Name(Tree):
    """A declared array, a definition, or a dimension."""

    text: str


@final
@dataclass(frozen=True)
class Num(Tree):
    """A scalar constant: a SymPy number or expression in the dimensions."""

    value: Expr


@final
@dataclass(frozen=True)
class Add(Tree):
    """Terms with signs +1 or -1, in order."""

    terms: tuple[tuple[int, Tree], ...]

    @property
    def children(self) -> tuple[Tree, ...]:
        return tuple(t for _, t in self.terms)


@final
@dataclass(frozen=True)
class Neg(Tree):
    """Minus the operand."""

    operand: Tree

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.operand,)


@final
@dataclass(frozen=True)
class Mul(Tree):
    """The elementwise (broadcasting) product, in order; a scalar factor may be among them."""

    factors: tuple[Tree, ...]

    @property
    def children(self) -> tuple[Tree, ...]:
        return self.factors


@final
@dataclass(frozen=True)
class Div(Tree):
    """Elementwise (broadcasting) quotient."""

    numerator: Tree
    denominator: Tree

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.numerator, self.denominator)


@final
@dataclass(frozen=True)
class Pow(Tree):
    """Elementwise power."""

    base: Tree
    exponent: Tree

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.base, self.exponent)


@final
@dataclass(frozen=True)
class MatMul(Tree):
    """``a @ b @ ...``; each nested MatMul says its own association."""

    factors: tuple[Tree, ...]

    @property
    def children(self) -> tuple[Tree, ...]:
        return self.factors


@final
@dataclass(frozen=True)
class Transpose(Tree):
    """``a.T`` of a matrix."""

    operand: Tree

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.operand,)


@final
@dataclass(frozen=True)
class Call(Tree):
    """A function of arrays.

    ``function`` is a row of ``language.functions`` (elementwise), or one of
    ``sum trace diag outer einsum prod logsumexp softmax log_softmax max min eye
    ones zeros arange basis norm transpose tri tril triu cumsum concatenate stack
    reshape pad kron``, or a row of ``language.array_functions`` on matrices.
    ``axis`` is where it acts (None: all axes, or none apply), ``keepdims`` keeps
    it, ``subscripts`` is einsum's text, ``sizes`` the shape that eye, ones,
    zeros, arange, basis, tri, reshape make, or pad's widths (before and after,
    axis by axis); ``offset`` is the diagonal of tri, tril and triu.
    """

    function: str
    arguments: tuple[Tree, ...]
    axis: int | tuple[int, ...] | None = None
    keepdims: bool = False
    subscripts: str = ""
    sizes: Shape = ()
    offset: int = 0

    @property
    def children(self) -> tuple[Tree, ...]:
        return self.arguments


@final
@dataclass(frozen=True)
class Span:
    """``start:stop:step`` in an index; an end that NumPy implies is None."""

    start: Expr | None
    stop: Expr | None
    step: Expr


Key = Expr | str | Span | Tree | None


@final
@dataclass(frozen=True)
class Index(Tree):
    """``a[keys]`` with keys None (a new axis), a colon (":"), a slice, an integer, or an array of integers.

    A negative integer counts from the end.  Arrays of integers stand side by side.
    """

    operand: Tree
    keys: tuple[Key, ...]

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.operand, *(k for k in self.keys if isinstance(k, Tree)))


@final
@dataclass(frozen=True)
class Bind(Tree):
    """A derivative at a point, an integral, or a sum over integers; an end is None where it is infinite.

    A derivative at the variables themselves has no ``low``.
    """

    kind: str
    body: Tree
    names: tuple[str, ...]
    low: tuple[Tree | None, ...]
    high: tuple[Tree | None, ...]
    orders: tuple[int, ...]

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.body, *(Name((), name) for name in self.names), *(e for e in (*self.low, *self.high) if e))


@final
@dataclass(frozen=True)
class D(Tree):
    """The differential d(operand)."""

    operand: Tree

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.operand,)
