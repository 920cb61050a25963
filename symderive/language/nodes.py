"""The one representation: immutable, hash-consed programs in index notation.

Every node is an array with ordered axes (``shape`` is a tuple of SymPy
integers-in-the-dimensions).  There are few kinds of node and they are final:

=============== =============================================================
``Leaf``        a declared array, e.g. ``X`` of shape ``(n, d)``
``Number``      a scalar, a SymPy number or expression in the dimensions
``Delta``       the identity matrix of a dimension, δ_ij
``Basis``       a unit vector of a dimension, e_k
``Range``       0, 1, ..., n-1
``Slice``       which entries of an axis a slice keeps, 1 where i = start + step·k
``Merge``       how two axes are laid on one, 1 where I = i·b + j
``Contraction`` coefficient · Π factors, summed over *explicitly bound* labels
``Sum``         a weighted sum of nodes of one shape
``Map``         an elementwise function (a row of ``functions.py``)
``Opaque``      an array function with its own differential (logsumexp, inv, ...)
``Named``       a definition: a name for a body, written once, computed once
``Differential``d(node): the change of a node, of the node's own shape
``Binding``     a derivative at a point, an integral, or a sum over integers
=============== =============================================================

Two nodes with the same content are the same object, so ``is`` is equality of
form, dictionaries keyed by nodes are cheap, and a shared subexpression is
shared for good.  Equality of *value* is never asked here: see ``calculus``
(normal form) and ``judgement`` (balls).

Labels are local and positional.  In a ``Contraction`` of rank r the labels
0..r-1 are the output axes in order and r.. are bound (summed).  Each label has
its dimension in ``label_dims``, whether a factor carries it or not: a bound
label that no factor carries is the factor n that careless notations lose.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from sympy import Expr, Integer, Min

from symderive.language.domains import Domain

Shape = tuple[Expr, ...]
Labels = tuple[int, ...]
Factor = tuple["Node", Labels]
Term = tuple[Expr, "Node"]


class _Interned(type):
    """Metaclass that returns the existing object for equal fields."""

    _table: ClassVar[weakref.WeakValueDictionary[tuple[Any, ...], Node]] = weakref.WeakValueDictionary()

    def __call__(cls, *args: Any) -> Any:
        key = (cls, *args)
        found = _Interned._table.get(key)
        if found is None:
            found = super().__call__(*args)
            _Interned._table[key] = found
        return found


class Node(metaclass=_Interned):
    """An array-valued expression; abstract."""

    __slots__ = ("__weakref__",)
    shape: Shape

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def children(self) -> tuple[Node, ...]:
        return ()

    def walk(self) -> Iterator[Node]:
        """Each distinct node below and including this one, children first."""
        seen: set[Node] = set()
        stack: list[tuple[Node, bool]] = [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                yield node
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((c, False) for c in reversed(node.children) if c not in seen)

    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves below, in order of first appearance."""
        return tuple(n for n in self.walk() if isinstance(n, Leaf))


@final
@dataclass(frozen=True, eq=False)
class Leaf(Node):
    """A declared array: name, shape, and the domain of its entries."""

    name: str
    shape: Shape
    domain: Domain


@final
@dataclass(frozen=True, eq=False)
class Number(Node):
    """A scalar constant: a SymPy expression whose only symbols are dimensions."""

    value: Expr
    shape: Shape = field(init=False, default=())


@final
@dataclass(frozen=True, eq=False)
class Delta(Node):
    """The identity matrix: entry (i, j) is 1 where i = j, else 0."""

    dim: Expr
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", (self.dim, self.dim))


@final
@dataclass(frozen=True, eq=False)
class Basis(Node):
    """The unit vector e_index of a dimension (index counted from 0)."""

    dim: Expr
    index: Expr
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", (self.dim,))


@final
@dataclass(frozen=True, eq=False)
class Range(Node):
    """The vector 0, 1, ..., dim-1."""

    dim: Expr
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", (self.dim,))


@final
@dataclass(frozen=True, eq=False)
class Slice(Node):
    """A slice of an axis as a matrix: entry (i, k) is 1 where ``i = start + step·k``, else 0.

    ``Σ_i a_i S_ik`` is ``a[start::step]`` cut to ``count`` entries; the same
    matrix the other way round puts a slice back among zeros.
    """

    size: Expr
    count: Expr
    start: Expr
    step: Expr
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", (self.size, self.count))

    @property
    def last(self) -> Expr:
        """The largest index kept minus the smallest, from the start: ``start + step·(count - 1)``."""
        return self.start + self.step * (self.count - 1)


@final
@dataclass(frozen=True, eq=False)
class Merge(Node):
    """Two axes laid on one, row by row: entry (I, i, j) is 1 where ``I = i·second + j``."""

    first: Expr
    second: Expr
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", (self.first * self.second, self.first, self.second))


@final
@dataclass(frozen=True, eq=False)
class Contraction(Node):
    """``coefficient · Σ_bound Π factors``.

    ``factors`` pairs each factor with the labels of its axes; a label may
    appear twice in one factor (a diagonal), in several factors, or in none.
    ``label_dims[:rank]`` is the shape, ``label_dims[rank:]`` the bound labels.
    """

    coefficient: Expr
    factors: tuple[Factor, ...]
    out_rank: int
    label_dims: Shape
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self.label_dims[: self.out_rank])

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(node for node, _ in self.factors)

    @property
    def bound(self) -> Labels:
        return tuple(range(self.out_rank, len(self.label_dims)))


@final
@dataclass(frozen=True, eq=False)
class Sum(Node):
    """``Σ_k weight_k · node_k`` with all nodes of one shape; at least one term."""

    terms: tuple[Term, ...]
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self.terms[0][1].shape)

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(node for _, node in self.terms)


@final
@dataclass(frozen=True, eq=False)
class Map(Node):
    """An elementwise function; each argument has the map's shape, or is a scalar."""

    function: str
    arguments: tuple[Node, ...]
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        shape: Shape = ()
        for argument in self.arguments:
            if argument.shape:
                shape = argument.shape
                break
        object.__setattr__(self, "shape", shape)

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments


def _same(shape: Shape) -> Shape:
    return shape


def _without_last(shape: Shape) -> Shape:
    return shape[:-1]


def _without_matrix(shape: Shape) -> Shape:
    return shape[:-2]


def _short_side(shape: Shape) -> Shape:
    return (*shape[:-2], Min(*shape[-2:]))


def _tall(shape: Shape) -> Shape:
    return (*shape[:-1], Min(*shape[-2:]))


def _wide(shape: Shape) -> Shape:
    return (*shape[:-2], Min(*shape[-2:]), shape[-1])


ON_VECTORS: dict[str, Callable[[Shape], Shape]] = {
    "logsumexp": _without_last,
    "prod": _without_last,
    "max": _without_last,
    "min": _without_last,
    "softmax": _same,
    "log_softmax": _same,
    "is_max": _same,
    "is_min": _same,
}
"""Array functions of the last axis, and the shape that each makes of its argument's."""

ON_MATRICES: dict[str, Callable[[Shape], Shape]] = {
    "inv": _same,
    "det": _without_matrix,
    "logabsdet": _without_matrix,
    "signdet": _without_matrix,
    "cholesky": _same,
    "eigvalsh": _without_last,
    "eigvecs": _same,
    "svdvals": _short_side,
    "svd_u": _tall,
    "svd_vt": _wide,
}
"""Array functions of the last two axes, and the shape that each makes of its argument's."""

REDUCING = frozenset(name for name, shape in ON_VECTORS.items() if shape is _without_last)
KEEPING = frozenset(name for name, shape in ON_VECTORS.items() if shape is _same)


@final
@dataclass(frozen=True, eq=False)
class Opaque(Node):
    """An array function acting on the last axes of its argument.

    Those of ``ON_VECTORS`` act on the last axis (``logsumexp`` drops it,
    ``softmax`` keeps it), those of ``ON_MATRICES`` on the last two (``inv``,
    ``det``, ...); the axes before them are a batch.  ``array_functions`` holds
    their rows.
    """

    function: str
    arguments: tuple[Node, ...]
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        rows = ON_VECTORS if self.function in ON_VECTORS else ON_MATRICES
        object.__setattr__(self, "shape", rows[self.function](self.arguments[0].shape))

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments

    @property
    def batch(self) -> Labels:
        """The axes of the argument that the function does not act on."""
        return tuple(range(self.arguments[0].rank - (1 if self.function in ON_VECTORS else 2)))


@final
@dataclass(frozen=True, eq=False)
class Named(Node):
    """A definition ``name = body``; transparent to every calculation."""

    name: str
    body: Node
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self.body.shape)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body,)


@final
@dataclass(frozen=True, eq=False)
class Differential(Node):
    """d(body): the first-order change of ``body``; linear, of body's shape.

    Which leaves change, and along what, is said by the statement around it
    (a derivation's ``wrt``); the differential of a leaf that does not change
    is 0.
    """

    body: Node
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self.body.shape)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body,)


KINDS_OF_BINDING = ("derivative", "integral", "series")


@final
@dataclass(frozen=True, eq=False)
class Binding(Node):
    """A scalar limit of calculus that binds variables of a scalar function.

    ``body`` is a closed template: its only leaves are slots, first ``len(names)`` bound ones, then
    one for each of ``arguments``, which stand outside of the binding.  So ``walk`` and ``substitute``
    see the arguments and ends and never a bound variable, and nothing can be captured.
    ``names`` are what the bound variables are called in print.

    * ``derivative``: ∂^orders body at the point ``low``, one entry for each bound variable;
    * ``integral``: from ``low[0]`` to ``high[0]``, None for an infinite end;
    * ``series``: the sum over the integers from ``low[0]`` to ``high[0]``, None for an infinite end.

    ``bindings`` makes and opens them.
    """

    kind: str
    body: Node
    names: tuple[str, ...]
    low: tuple[Node | None, ...]
    high: tuple[Node | None, ...]
    orders: tuple[int, ...]
    arguments: tuple[Node, ...]
    shape: Shape = field(init=False, default=())

    @property
    def ends(self) -> tuple[Node | None, ...]:
        """The point, or both ends of the range."""
        return (*self.low, *self.high)

    @property
    def children(self) -> tuple[Node, ...]:
        return (*(end for end in self.ends if end is not None), *self.arguments)

    def over(self, children: tuple[Node, ...]) -> Binding:
        """The same binding over other ends and arguments."""
        rest = list(children)
        ends = [None if end is None else rest.pop(0) for end in self.ends]
        low, high = tuple(ends[: len(self.low)]), tuple(ends[len(self.low) :])
        return Binding(self.kind, self.body, self.names, low, high, self.orders, tuple(rest))

    @property
    def slots(self) -> tuple[Leaf, ...]:
        """The leaves of the template: bound variables, then arguments."""
        shapes = (*((),) * len(self.names), *(a.shape for a in self.arguments))
        return tuple(slot(k, shape) for k, shape in enumerate(shapes))


SLOT = "·"


def slot(place: int, shape: Shape = ()) -> Leaf:
    """The leaf that stands for a variable or argument of a template; no declared array has such a name."""
    return Leaf(f"{SLOT}{place}", shape, Domain())


ONE = Integer(1)
ZERO = Integer(0)
