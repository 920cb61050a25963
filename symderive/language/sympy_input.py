"""SymPy expressions as arrays: scalars, sums over indices, matrix expressions.

The expression is read as it stands, node by node; nothing is evaluated or
simplified.  Every index, bound or free, is renamed to a position of its own,
so two sums may share a dummy's name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from typing import Any

from sympy import (
    Abs,
    Add,
    Basic,
    Derivative,
    Expr,
    Float,
    Function,
    Heaviside,
    Idx,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Lambda,
    Max,
    Min,
    Mod,
    Mul,
    NumberSymbol,
    Piecewise,
    Pow,
    Product,
    Rational,
    S,
    Subs,
    Sum,
    Symbol,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    besseli,
    beta,
    binomial,
    ceiling,
    conjugate,
    cos,
    cosh,
    cot,
    coth,
    csc,
    csch,
    erf,
    erf2,
    erfc,
    erfcinv,
    erfinv,
    exp,
    expand,
    factorial,
    floor,
    frac,
    gamma,
    im,
    jn,
    log,
    loggamma,
    lowergamma,
    pi,
    polygamma,
    preorder_traversal,
    re,
    sec,
    sech,
    sign,
    sin,
    sinc,
    sinh,
    sympify,
    tan,
    tanh,
    uppergamma,
)
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or
from sympy.matrices import MatrixBase
from sympy.matrices.expressions import (
    Adjoint,
    BlockDiagMatrix,
    BlockMatrix,
    Determinant,
    DiagMatrix,
    DiagonalMatrix,
    DiagonalOf,
    HadamardPower,
    HadamardProduct,
    Identity,
    Inverse,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatPow,
    MatrixExpr,
    MatrixSlice,
    MatrixSymbol,
    OneMatrix,
    Trace,
    Transpose,
    ZeroMatrix,
)
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.matexpr import MatrixElement

from symderive.errors import DomainError, ShapeError, UnknownNameError, UnsupportedError
from symderive.language import arrays, build
from symderive.language.arrays import Array, check_name, dimension_symbol, shape_text
from symderive.language.bindings import bound_leaf, derivative_node, range_node
from symderive.language.domains import Domain, Entries, integers, nonnegative, nonzero, positive, real
from symderive.language.functions import FUNCTIONS, applied
from symderive.language.joining import block
from symderive.language.linear_algebra import block_diag
from symderive.language.nodes import ONE, Basis, Delta, Leaf, Node, Number, Range, Slice
from symderive.language.products import kron
from symderive.language.sympy_bounds import bounded
from symderive.language.sympy_expectations import without_expectations
from symderive.language.text_reader import read_shape
from symderive.language.views.sympy_functions import Cases

MAX_MATRIX_POWER = 8
BINOMIAL = 8
"""Binomial coefficients of up to so many are polynomials."""

_ELEMENTWISE: dict[type, str] = {
    exp: "exp",
    log: "log",
    Abs: "abs",
    sign: "sign",
    sin: "sin",
    cos: "cos",
    tan: "tan",
    asin: "arcsin",
    acos: "arccos",
    atan: "arctan",
    atan2: "arctan2",
    sinh: "sinh",
    cosh: "cosh",
    tanh: "tanh",
    asinh: "arcsinh",
    acosh: "arccosh",
    atanh: "arctanh",
    erf: "erf",
    erfc: "erfc",
    erfinv: "erfinv",
    gamma: "gamma",
    loggamma: "loggamma",
    polygamma: "polygamma",
    beta: "beta",
    besseli: "iv",
    jn: "spherical_jn",
    floor: "floor",
    ceiling: "ceil",
    Mod: "remainder",
}
"""SymPy's functions that are rows, with their arguments in the row's order."""

_WRITTEN_OUT: dict[type, Callable[..., Expr]] = {
    sec: lambda x: 1 / cos(x),
    csc: lambda x: 1 / sin(x),
    cot: lambda x: cos(x) / sin(x),
    sech: lambda x: 1 / cosh(x),
    csch: lambda x: 1 / sinh(x),
    coth: lambda x: cosh(x) / sinh(x),
    erf2: lambda x, y: erf(y) - erf(x),
    erfcinv: lambda x: erfinv(1 - x),
    factorial: lambda n: gamma(n + 1),
    frac: lambda x: x - floor(x),
    re: lambda x: x,
    conjugate: lambda x: x,
    im: lambda x: Integer(0),
}
"""SymPy's functions of real numbers in simpler ones."""
_RELATIONS: dict[str, tuple[str, bool]] = {
    "<": ("lt", False),
    "<=": ("le", False),
    ">": ("lt", True),
    ">=": ("le", True),
    "==": ("eq", False),
    "!=": ("ne", False),
}


@dataclass(frozen=True)
class _Index:
    """One index, bound or free: a position of its own, running over a dimension."""

    place: int
    dim: Expr
    low: Expr


@dataclass(frozen=True)
class _Value:
    """A node whose axes are indices."""

    node: Node
    axes: tuple[_Index, ...] = ()


_Scope = Mapping[Any, Any]


def _shown(expr: object) -> str:
    text = "".join(c if c.isprintable() else " " for c in str(expr))
    return text if len(text) <= 60 else text[:57] + "..."


def _as_printed(expr: Any) -> Iterator[Any]:
    """The parts of an expression in the order in which SymPy prints them."""
    stack = [expr]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, Mul):
            inner = part.as_ordered_factors()
        elif isinstance(part, Add):
            inner = part.as_ordered_terms()
        else:
            inner = part.args
        stack.extend(reversed(inner))


def _sizes_of_arrays(expressions: Sequence[Any]) -> set[str]:
    """The names in the shapes and index ranges of arrays."""
    found: set[Any] = set()
    for part in (p for expression in expressions for p in preorder_traversal(expression)):
        if isinstance(part, MatrixSymbol | Identity | ZeroMatrix | OneMatrix | IndexedBase):
            found |= {s for size in part.shape or () for s in sympify(size).free_symbols}
        elif isinstance(part, Idx):
            found |= {s for end in (part.lower, part.upper) if end is not None for s in end.free_symbols}
        elif isinstance(part, Product) or (isinstance(part, Sum) and _is_indexed(part)):
            found |= {s for limit in part.limits for end in limit[1:] for s in end.free_symbols}
    return {str(s) for s in found}


def _is_indexed(expr: Any) -> bool:
    """Whether a sum or product runs over the entries of arrays."""
    indices = {limit[0] for limit in expr.limits}
    return any(isinstance(i, Idx) for i in indices) or any(
        isinstance(part, Indexed | MatrixElement) and indices & part.free_symbols
        for part in preorder_traversal(expr.function)
    )


def _linear(index: Any, known: Mapping[Any, Any]) -> tuple[Any, Integer, Any] | None:
    """An index such as ``i + 1`` or ``n - i``: the known symbol, its integer factor, and the rest."""
    symbols = [s for s in getattr(index, "free_symbols", ()) if s in known]
    if len(symbols) != 1:
        return None
    (symbol,) = symbols
    factor = expand(index).coeff(symbol, 1)
    rest = expand(index - factor * symbol)
    return (symbol, factor, rest) if isinstance(factor, Integer) and factor != 0 and not rest.has(symbol) else None


class _Translator:
    """What all expressions of one statement share: dimensions, shapes, declared leaves."""

    def __init__(
        self,
        expressions: Sequence[Basic],
        domains: Mapping[Any, Domain] | None,
        shapes: Mapping[Any, Any] | None,
        indices: Sequence[Any] | None,
        names: Mapping[str, str] | None = None,
        taken: Collection[str] | None = None,
    ) -> None:
        self.places = count()
        self.domains: dict[str, Domain] = {}
        for key, domain in (domains or {}).items():
            if not isinstance(domain, Domain):
                raise DomainError(f"domains: {key} needs one of sd.real, sd.positive, ..., got {domain!r}")
            self.domains[str(key)] = domain
        self.names = dict(names or {})
        self.scalars = {name for name in self.domains if name not in (shapes or {})}
        self.series: dict[Any, bool] = {}
        self.in_statement = taken is not None
        self.sizes_of_arrays = {*(taken or ()), *_sizes_of_arrays(expressions)}
        self.counts: set[str] = set()
        self.bound: set[Any] = set()
        self.dimensions: set[str] = set()
        self.symbols: dict[str, Symbol] = {}
        self.leaves: dict[str, Leaf] = {}
        self.free: dict[Any, _Index] = {}
        self.order = list(indices or ())
        self.shapes: dict[str, list[Expr | None]] = {}
        self.lows: dict[tuple[str, int], Expr] = {}
        self.uses: dict[tuple[str, int], list[tuple[Expr, Expr, bool]]] = {}  # from, to, and whether it was shifted
        self.partial: set[tuple[str, int]] = set()  # axes of which an index may run over a part
        self.given = shapes or {}
        for key, shape in self.given.items():
            sizes = read_shape(shape, str(key)) if isinstance(shape, str) else self.sizes(shape)
            self.shapes[str(key)] = list(sizes)
            self.note_dimensions(sizes)
        for expression in expressions:
            self.collect(expression)
        for expression in expressions:
            self.infer(expression, {})
        for (name, axis), uses in self.uses.items():
            self.settle(name, axis, uses)

    # -- what the whole statement says about dimensions

    @staticmethod
    def sizes(shape: Any) -> list[Expr]:
        return [arrays.as_dimension(s) for s in (shape if isinstance(shape, tuple | list) else (shape,))]

    def note_dimensions(self, sizes: Iterable[Any]) -> None:
        for size in sizes:
            if size is not None:
                self.dimensions |= {str(s) for s in sympify(size).free_symbols}

    def is_series(self, expr: Any) -> bool:
        """Whether a sum runs over integers as such, and not over the indices of arrays."""
        if expr not in self.series:
            self.series[expr] = self._is_series(expr)
        return self.series[expr]

    def _is_series(self, expr: Any) -> bool:
        if _is_indexed(expr):
            return False
        indices = {limit[0] for limit in expr.limits}
        ends = [end for limit in expr.limits for end in limit[1:]]
        if any(end in (S.Infinity, S.NegativeInfinity) for end in ends):
            return True
        outer = {s for end in ends for s in end.free_symbols}
        if outer & (indices | self.bound):
            return True
        if self.in_statement and not {str(s) for s in outer} & (self.sizes_of_arrays | self.dimensions):
            return True
        return any(str(s) in self.scalars or (s.is_nonnegative and not s.is_positive) for s in outer)

    def collect(self, expression: Basic) -> None:
        """The symbols that are dimensions, and one symbol for each name."""
        bound: set[Any] = set()
        for part in preorder_traversal(expression):
            if isinstance(part, Sum | Integral):
                self.bound |= {limit[0] for limit in part.limits}
        for part in preorder_traversal(expression):
            if isinstance(part, Sum) and self.is_series(part):
                bound |= {limit[0] for limit in part.limits}
                self.counts |= {str(s) for limit in part.limits for end in limit[1:] for s in end.free_symbols}
            elif isinstance(part, Sum | Product):
                for limit in part.limits:
                    if len(limit) != 3:
                        raise UnsupportedError(f"the sum over {limit[0]} needs its two limits: {_shown(part)}")
                    bound.add(limit[0])
                    self.note_dimensions([limit[1], limit[2]])
            elif isinstance(part, MatrixSymbol | Identity | ZeroMatrix | OneMatrix) or (
                isinstance(part, IndexedBase) and part.shape
            ):
                self.note_dimensions(part.shape)
            elif isinstance(part, Idx) and part.lower is not None and part.upper is not None:
                self.note_dimensions([part.lower, part.upper])
            elif isinstance(part, Lambda):
                bound |= set(part.variables)
        self.dimensions -= {str(b) for b in bound}
        for symbol in expression.free_symbols:
            if isinstance(symbol, Symbol) and symbol not in bound:
                name = self.called(symbol)
                other = self.symbols.setdefault(name, symbol)
                if other != symbol and name not in self.dimensions:
                    raise UnknownNameError(
                        f"two different SymPy symbols are called {_shown(name)!r}; their assumptions differ, or they "
                        "are dummies: make each symbol once, with a name of its own"
                    )

    def dim(self, size: Any) -> Expr:
        """A size in the one kind of dimension symbols."""
        size = sympify(size)
        named = {s: dimension_symbol(str(s)) for s in size.free_symbols}
        made = expand(size.xreplace(named))
        if made.is_Integer and made < 1:
            raise ShapeError(f"a range of {made} values is empty; a dimension is an integer >= 1")
        if made.is_integer is False or not isinstance(made, Expr):
            raise ShapeError(f"a dimension must be an integer, got {_shown(size)}")
        return made

    def infer(self, expression: Basic, ranges: dict[Any, tuple[Expr, Expr]]) -> None:
        """The shapes of the indexed arrays, from the ranges of their indices."""
        stack: list[tuple[Any, dict[Any, tuple[Expr, Expr]]]] = [(expression, ranges)]
        while stack:
            part, known = stack.pop()
            if isinstance(part, Sum) and self.is_series(part):
                stack.append((part.function, known))
                continue
            if isinstance(part, Sum | Product):
                inner = dict(known)
                for symbol, low, high in part.limits:
                    loose = {str(s) for s in (*low.free_symbols, *high.free_symbols)} & {str(k) for k in known}
                    if loose or any(low.has(lim[0]) or high.has(lim[0]) for lim in part.limits):
                        raise UnsupportedError(f"limits that depend on another index are not read: {_shown(part)}")
                    inner[symbol] = (self.dim(high - low + 1), self.dim_expression(low))
                stack.append((part.function, inner))
                continue
            if isinstance(part, Indexed):
                self.infer_indexed(part, known)
            stack.extend((a, known) for a in part.args)

    def dim_expression(self, value: Any) -> Expr:
        return value.xreplace({s: dimension_symbol(str(s)) for s in value.free_symbols})

    def infer_indexed(self, part: Any, known: Mapping[Any, tuple[Expr, Expr]]) -> None:
        name = str(part.base.label)
        rank = len(part.indices)
        shape = self.shapes.setdefault(name, [None] * rank)
        if len(shape) != rank:
            raise ShapeError(f"{_shown(name)} is used with {rank} indices and with {len(shape)}")
        for axis, index in enumerate(part.indices):
            if part.base.shape is not None and len(part.base.shape) == rank:
                self.same(name, axis, self.dim(part.base.shape[axis]))
            found = known.get(index)
            if found is None and isinstance(index, Idx) and index.lower is not None and index.upper is not None:
                found = (self.dim(index.upper - index.lower + 1), self.dim_expression(index.lower))
            uses = self.uses.setdefault((name, axis), [])
            if found is not None:
                uses.append((found[1], expand(found[1] + found[0] - 1), False))
                continue
            shifted = _linear(index, known)
            if shifted is not None:
                symbol, factor, offset = shifted
                size, low = known[symbol]
                ends = [expand(factor * e + self.dim_expression(offset)) for e in (low, low + size - 1)]
                uses.append((*(ends if factor > 0 else ends[::-1]), True))  # type: ignore[arg-type]

    def settle(self, name: str, axis: int, uses: Sequence[tuple[Expr, Expr, bool]]) -> None:
        """The size of an axis and where it is counted from, as its indices say."""
        if not any(moved for _, _, moved in uses):
            for low, high, _ in uses:
                self.same(name, axis, expand(high - low + 1))
                first = self.lows.setdefault((name, axis), low)
                if low != first:
                    raise UnsupportedError(
                        f"axis {axis} of {_shown(name)} is counted from {first} and from {low}; "
                        "let all indices of an axis have one range"
                    )
            return
        lows, highs = [u[0] for u in uses], [u[1] for u in uses]
        low = next((x for x in lows if all(expand(y - x).is_nonnegative for y in lows)), None)
        high = next((x for x in highs if all(expand(x - y).is_nonnegative for y in highs)), None)
        if low is None or high is None:
            raise ShapeError(f"the indices of axis {axis} of {_shown(name)} run over ranges that cannot be compared")
        declared = self.shapes[name][axis]
        if declared is None:
            self.shapes[name][axis] = declared = expand(high - low + 1)
        starts = [low] if declared == expand(high - low + 1) else [Integer(0), ONE]
        fits = [s for s in starts if all(expand(e).is_nonnegative for e in (low - s, s + declared - 1 - high))]
        if len(fits) != 1:
            raise ShapeError(
                f"the indices of axis {axis} of {_shown(name)} run from {low} to {high}, and the axis has {declared} "
                "entries: where it is counted from is not known"
            )
        self.lows[name, axis] = fits[0]
        self.partial.add((name, axis))

    def same(self, name: str, axis: int, size: Expr) -> None:
        old = self.shapes[name][axis]
        if old is not None and old != size:
            raise ShapeError(f"axis {axis} of {_shown(name)} has the dimension {old} and the dimension {size}")
        self.shapes[name][axis] = size

    # -- leaves

    def called(self, symbol: Any) -> str:
        """The name that a symbol has here: its own, or a legal one in its place."""
        return self.names.get(str(symbol), str(symbol))

    def leaf(self, name: str, shape: tuple[Expr, ...], symbol: Any) -> Leaf:
        check_name(name, "a SymPy symbol")
        if name in self.leaves:
            if self.leaves[name].shape != shape:
                raise ShapeError(
                    f"{name} has the shape {shape_text(self.leaves[name].shape)} and the shape {shape_text(shape)}"
                )
            return self.leaves[name]
        domain = self.assumed(symbol) & self.domains.get(name, real)
        if name in self.counts and name not in self.domains and not shape:
            signed = symbol.is_nonnegative or symbol.is_nonpositive
            domain = domain & integers(S.NegativeInfinity if signed else 1, S.Infinity)
        if domain.is_empty:
            raise DomainError(f"the domain {domain} of {name} is empty (SymPy's assumptions included)")
        made = arrays.array(name, *shape, domain=domain).node
        assert isinstance(made, Leaf)
        self.leaves[name] = made
        return made

    @staticmethod
    def assumed(symbol: Any) -> Domain:
        """SymPy's own assumptions as a domain."""
        if symbol is None:
            return real
        if getattr(symbol, "is_extended_real", None) is False or symbol.is_commutative is False:
            raise DomainError(f"{_shown(symbol)} is assumed not to be real")
        domain = real
        if symbol.is_positive:
            domain = domain & positive
        elif symbol.is_nonnegative:
            domain = domain & nonnegative
        elif symbol.is_negative:
            domain = domain & Domain(Entries(high=Integer(0)), (), "interval(-oo, 0)")
        elif symbol.is_nonpositive:
            nonpositive = Entries(high=Integer(0), high_open=False)
            domain = domain & Domain(nonpositive, (), 'interval(-oo, 0, closed="right")')
        elif symbol.is_nonzero:
            domain = domain & nonzero
        if symbol.is_integer:
            domain = domain & Domain(Entries(integer=True), (), "integers(-oo, oo)")
        return domain

    # -- indices

    def bind(self, dim: Expr, low: Expr) -> _Index:
        return _Index(next(self.places), dim, low)

    def index(self, symbol: Any, scope: _Scope, name: str, axis: int) -> _Index:
        """The index that a symbol in brackets stands for; a free one is made when it is first seen."""
        found = scope.get(symbol)
        if found is None:
            found = self.free.get(symbol)
        size = self.shapes.get(name, [None] * (axis + 1))[axis]
        if found is None:
            if size is None:
                raise ShapeError(
                    f"the range of the free index {_shown(symbol)} of {_shown(name)} is not known; "
                    f'give shapes={{"{_shown(name)}": ...}}, or an IndexedBase with shape='
                )
            found = self.bind(size, self.lows.get((name, axis), ONE))
            self.free[symbol] = found
        if not isinstance(found, _Index):
            raise UnsupportedError(f"{_shown(symbol)} cannot be an index")
        if size is not None and size != found.dim and (name, axis) not in self.partial:
            raise ShapeError(
                f"the index {_shown(symbol)} has {found.dim} values, axis {axis} of {_shown(name)} has {size}"
            )
        return found

    def picked(self, pick: Any, size: Expr, low: Expr, scope: _Scope, shown: Any) -> tuple[_Index | None, Node | None]:
        """What an index in brackets picks of an axis that is counted from ``low``.

        The index that runs along (None for a fixed place), and the matrix or unit vector
        that picks (None where the index runs over the whole axis).
        """
        indices = {s: i for s, i in [*scope.items(), *self.free.items()] if isinstance(i, _Index)}
        moved = (pick, ONE, Integer(0)) if pick in indices else _linear(pick, indices)
        if moved is None:
            place = expand(self.dim_expression(sympify(pick)) - low)
            if not place.is_integer or {str(s) for s in place.free_symbols} - self.dimensions:
                raise UnsupportedError(f"the index {_shown(pick)} of {_shown(shown)} is not read")
            if place.is_negative or expand(place - size).is_nonnegative:
                raise ShapeError(f"the index {_shown(pick)} of {_shown(shown)} is out of range")
            return None, Basis(size, place)
        symbol, factor, offset = moved
        index = indices[symbol]
        start = expand(factor * index.low + self.dim_expression(sympify(offset)) - low)
        if {str(s) for s in start.free_symbols} - self.dimensions:
            raise UnsupportedError(f"the index {_shown(pick)} of {_shown(shown)} is not read")
        if factor == 1 and start == 0 and index.dim == size:
            return index, None
        last = expand(start + factor * (index.dim - 1))
        if any(expand(e).is_negative for place in (start, last) for e in (place, size - 1 - place)):
            raise ShapeError(f"the index {_shown(pick)} of {_shown(shown)} is out of range")
        return index, Slice(size, index.dim, start, factor)

    # -- scalars and indexed expressions

    def aligned(self, values: Sequence[_Value]) -> tuple[list[Node], tuple[_Index, ...]]:
        """The nodes laid on common axes; scalars stay scalars."""
        axes = tuple(dict.fromkeys(i for v in values for i in v.axes))
        shape = tuple(i.dim for i in axes)
        nodes = [build.view(v.node, [axes.index(i) for i in v.axes], shape) if v.axes else v.node for v in values]
        return nodes, axes

    def binomial(self, expr: Expr, scope: _Scope) -> _Value:
        """A binomial coefficient: a polynomial for a constant k, else by Γ; 0 for integers k < 0 and k > n >= 0."""
        n, k = expr.args
        if isinstance(k, Integer) and 0 <= k <= BINOMIAL:
            falling = [Add(n, -i) for i in range(int(k))]
            return self.value(Mul(Rational(1, int(factorial(k))), *falling), scope)
        below = (self.map("rgamma", self.value(part, scope)) for part in (k + 1, n - k + 1))
        return self.product([self.value(gamma(n + 1), scope), *below])

    def map(self, function: str, *values: _Value) -> _Value:
        nodes, axes = self.aligned(values)
        return _Value(applied(function, *nodes), axes)

    def product(self, values: Sequence[_Value], summed: Sequence[_Index] = ()) -> _Value:
        axes = tuple(dict.fromkeys(i for v in values for i in v.axes))
        out = tuple(i for i in axes if i not in summed)
        labels = {i: k for k, i in enumerate(dict.fromkeys((*axes, *summed)))}
        factors = [(v.node, [labels[i] for i in v.axes]) for v in values]
        node = build.contract(ONE, factors, [labels[i] for i in out], {k: i.dim for i, k in labels.items()})
        return _Value(node, out)

    def total(self, values: Sequence[_Value]) -> _Value:
        nodes, axes = self.aligned(values)
        return _Value(build.add([(ONE, n) for n in nodes], tuple(i.dim for i in axes)), axes)

    def power(self, base: _Value, exponent: _Value) -> _Value:
        if isinstance(exponent.node, Number):
            return _Value(build.power(base.node, exponent.node.value), base.axes)
        return self.map("power", base, exponent)

    def value(self, expr: Any, scope: _Scope) -> _Value:
        """A scalar-valued SymPy expression, at the indices of the scope."""
        if isinstance(expr, MatrixExpr | MatrixBase):
            matrix = self.matrix(expr, scope)
            if matrix.axes:
                raise UnsupportedError(f"a matrix stands where a scalar is needed: {_shown(expr)}")
            return matrix
        if expr in scope and not isinstance(scope[expr], _Index):
            return scope[expr]
        if isinstance(expr, Symbol | Idx):
            return self.symbol(expr, scope)
        if expr in (S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
            raise DomainError(f"a constant in a formula must be finite, got {expr}")
        if expr is S.ImaginaryUnit:
            raise UnsupportedError("complex numbers are not read")
        if expr is S.EulerGamma:
            return self.product([_Value(Number(-ONE)), self.map("digamma", _Value(Number(ONE)))])
        match expr:
            case Rational() | NumberSymbol():
                return _Value(Number(expr))
            case Float():
                return _Value(Number(Rational(str(expr))))
            case Add():
                return self.total([self.value(a, scope) for a in expr.args])
            case Mul():
                return self.product([self.value(a, scope) for a in expr.args])
            case exp():
                argument = self.value(expr.args[0], scope)
                if isinstance(argument.node, Number):
                    return _Value(Number(exp(argument.node.value)))
                return self.map("exp", argument)
            case Pow():
                return self.power(self.value(expr.base, scope), self.value(expr.exp, scope))
            case Indexed():
                return self.indexed(expr, scope)
            case Sum() if self.is_series(expr):
                return self.ranged(expr, "series", scope)
            case Sum():
                return self.summed(expr, scope)
            case Product():
                return self.multiplied(expr, scope)
            case KroneckerDelta():
                return self.delta(expr, scope)
            case Piecewise():
                return self.piecewise(expr, scope)
            case Cases():
                return self.piecewise(expr.doit(deep=False), scope)
            case Max() | Min():
                name = "maximum" if isinstance(expr, Max) else "minimum"
                first, *rest = [self.value(a, scope) for a in expr.args]
                for other in rest:
                    first = self.map(name, first, other)
                return first
            case Heaviside():
                return self.map("heaviside", self.value(expr.args[0], scope), self.value(expr.args[1], scope))
            case lowergamma() | uppergamma():
                a, x = (self.value(arg, scope) for arg in expr.args)
                ratio = "gammainc" if isinstance(expr, lowergamma) else "gammaincc"
                return self.product([self.map("gamma", a), self.map(ratio, a, x)])
            case binomial():
                return self.binomial(expr, scope)
            case sinc():
                by_pi = _Value(Number(1 / pi))
                return self.map("sinc", self.product([self.value(expr.args[0], scope), by_pi]))
            case Determinant():
                whole = self.square(expr.arg, scope)
                return whole if not whole.axes else _Value(build.opaque("det", whole.node))
            case MatrixElement():
                return self.element(expr, scope)
            case Trace():
                return self.trace(expr, scope)
            case DotProduct():
                return self.contracted([expr.args[0], expr.args[1]], scope)
            case Relational() | BooleanTrue() | BooleanFalse() | And() | Or() | Not():
                raise UnsupportedError(f"a relation is no number; pass its two sides to sd.check: {_shown(expr)}")
            case Derivative():
                return self.derivative(expr, scope)
            case Integral():
                return self.ranged(expr, "integral", scope)
            case Subs():
                return self.substituted(expr, scope)
            case AppliedUndef() if type(expr).__name__ not in FUNCTIONS:
                raise UnsupportedError(
                    f"the function {type(expr).__name__!r:.60} is not read: it is an undefined function, of which "
                    "nothing is known; put a formula in its place"
                )
            case Function():
                return self.function(expr, scope)
        raise UnsupportedError(f"{type(expr).__name__} is not read: {_shown(expr)}")

    def function(self, expr: Any, scope: _Scope) -> _Value:
        written_out = _WRITTEN_OUT.get(type(expr))
        if written_out is not None:
            return self.value(written_out(*expr.args), scope)
        name = _ELEMENTWISE.get(type(expr)) or type(expr).__name__
        row = FUNCTIONS.get(name)
        if row is None or len(row.arguments) != len(expr.args):
            raise UnsupportedError(
                f"the function {_shown(name)!r} is not read; the functions are {', '.join(sorted(FUNCTIONS))}"
            )
        return self.map(name, *(self.value(a, scope) for a in expr.args))

    def symbol(self, symbol: Any, scope: _Scope) -> _Value:
        found = scope.get(symbol) or self.free.get(symbol)
        if isinstance(found, _Index):
            counted = Range(found.dim)
            if found.low == 0:
                return _Value(counted, (found,))
            low = build.broadcast(Number(found.low), (found.dim,))
            return _Value(build.add([(ONE, counted), (ONE, low)], (found.dim,)), (found,))
        name = self.called(symbol)
        if name in self.dimensions:
            return _Value(Number(dimension_symbol(name)))
        if isinstance(symbol, Idx):
            raise UnsupportedError(f"the index {_shown(symbol)} is used outside of a sum and of brackets")
        return _Value(self.leaf(name, (), symbol))

    def indexed(self, expr: Any, scope: _Scope) -> _Value:
        name = str(expr.base.label)
        picks: list[tuple[_Index | None, Node | None]] = []
        shape: list[Expr] = []
        for axis, index in enumerate(expr.indices):
            size, low = self.shapes[name][axis], self.lows.get((name, axis))
            if isinstance(index, Symbol | Idx) and str(index) not in self.dimensions:
                found = self.index(index, scope, name, axis)
                size, low = size or found.dim, found.low if low is None else low
            if size is None or low is None:
                raise ShapeError(
                    f"{_shown(expr)}: axis {axis} of {_shown(name)} has no range from which the entry "
                    f"{_shown(index)} could be counted; sum over it somewhere, or use symbols"
                )
            picks.append(self.picked(index, size, low, scope, expr))
            shape.append(size)
        label = expr.base.label if isinstance(expr.base.label, Symbol) else None
        return self.entries(self.leaf(name, tuple(shape), label), picks)

    @staticmethod
    def entries(node: Node, picks: Sequence[tuple[_Index | None, Node | None]]) -> _Value:
        """A node at what is picked of each of its axes."""
        axes: dict[_Index, int] = {}
        dims: dict[int, Expr] = {}
        labels: list[int] = []
        factors: list[tuple[Node, list[int]]] = []
        for axis, (index, matrix) in enumerate(picks):
            along = node.rank + axis if index is None else axes.setdefault(index, node.rank + axis)
            label = along if matrix is None else axis
            dims[label] = node.shape[axis]
            if index is not None:
                dims[along] = index.dim
            if matrix is not None:
                factors.append((matrix, [label] if index is None else [label, along]))
            labels.append(label)
        made = build.contract(ONE, [(node, labels), *factors], list(axes.values()), dims)
        return _Value(made, tuple(axes))

    def ranges(self, expr: Any, scope: _Scope) -> tuple[dict[Any, Any], list[_Index]]:
        inner = dict(scope)
        made: list[_Index] = []
        for symbol, low, high in expr.limits:
            index = self.bind(self.dim(high - low + 1), self.dim_expression(low))
            inner[symbol] = index
            made.append(index)
        return inner, made

    def summed(self, expr: Any, scope: _Scope) -> _Value:
        inner, bound = self.ranges(expr, scope)
        return self.product([self.value(expr.function, inner)], bound)

    def ranged(self, expr: Any, kind: str, scope: _Scope) -> _Value:
        """An integral, or a sum over integers: the last limit is the outermost."""
        (*inner, limit) = expr.limits
        if len(limit) != 3:
            raise UnsupportedError(f"an integral is read between two limits: {_shown(expr)}")
        variable, *ends = limit
        low, high = (self.end(e, sign, scope, expr) for e, sign in zip(ends, (-1, 1), strict=True))
        leaf = bound_leaf(self.called(variable), kind)
        body = type(expr)(expr.function, *inner) if inner else expr.function
        value = self.value(body, {**scope, variable: _Value(leaf)})
        if value.axes:
            raise UnsupportedError(f"an integral or sum of what has free indices is not read: {_shown(expr)}")
        return _Value(range_node(kind, value.node, leaf, low, high))

    def end(self, end: Any, sign: int, scope: _Scope, expr: Any) -> Node | None:
        if end is (S.Infinity if sign > 0 else S.NegativeInfinity):
            return None
        if end in (S.Infinity, S.NegativeInfinity):
            side = "ends" if sign > 0 else "begins"
            raise UnsupportedError(f"a range that {side} at {end} is not read: {_shown(expr)}")
        value = self.value(end, scope)
        if value.axes:
            raise UnsupportedError(f"an end with free indices is not read: {_shown(expr)}")
        return value.node

    def derivative(self, expr: Any, scope: _Scope) -> _Value:
        """∂^n of a scalar by scalars, at the scalars themselves."""
        orders: dict[Leaf, int] = {}
        for variable, order in expr.variable_count:
            if not isinstance(order, Integer) or not isinstance(variable, Symbol):
                raise UnsupportedError(f"a derivative is read by symbols, of constant order: {_shown(expr)}")
            point = self.symbol(variable, scope) if variable not in scope else scope[variable]
            if not isinstance(point, _Value) or not isinstance(point.node, Leaf) or point.axes:
                raise UnsupportedError(f"one does not differentiate by {_shown(variable)}: {_shown(expr)}")
            orders[point.node] = orders.get(point.node, 0) + int(order)
        value = self.value(expr.expr, scope)
        if value.axes:
            raise UnsupportedError(f"free indices are not read in a derivative; use sd.gradient: {_shown(expr)}")
        return _Value(derivative_node(value.node, orders))

    def substituted(self, expr: Any, scope: _Scope) -> _Value:
        """``Subs``: a value put in for variables after what stands inside has been said."""
        for k, variable in enumerate(expr.variables[1:], 1):
            # SymPy merges nested ones, (u at x = y) at y = x, into what may also be meant at once
            if any(variable in point.free_symbols for point in expr.point[:k]):
                raise UnsupportedError(
                    f"{_shown(expr)} may mean its values put in one after the other or all at once: {variable} stands "
                    f"in a value before its own; write the variables of Subs by names that are in none of its values"
                )
        leaves = {v: bound_leaf(self.called(v)) for v in expr.variables}
        points = [self.value(p, scope) for p in expr.point]
        inner = self.value(expr.expr, {**scope, **{v: _Value(leaf) for v, leaf in leaves.items()}})
        if inner.axes or any(p.axes for p in points):
            raise UnsupportedError(f"free indices are not read in {_shown(expr)}")
        values = dict(zip(leaves.values(), (p.node for p in points), strict=True))
        return _Value(build.substitute(inner.node, values))

    def multiplied(self, expr: Any, scope: _Scope) -> _Value:
        inner, bound = self.ranges(expr, scope)
        body = self.value(expr.function, inner)
        for index in bound:
            axes = (*(i for i in body.axes if i is not index), index)
            laid = build.view(body.node, [axes.index(i) for i in body.axes], tuple(i.dim for i in axes))
            body = _Value(build.opaque("prod", laid), axes[:-1])
        return body

    def delta(self, expr: Any, scope: _Scope) -> _Value:
        ends: list[Any] = [scope.get(a) or self.free.get(a) for a in expr.args[:2]]
        if all(isinstance(e, _Index) for e in ends):
            a, b = ends
            if a is b:
                return _Value(Number(ONE))
            if a.dim != b.dim or a.low != b.low:
                raise ShapeError(f"{_shown(expr)}: its indices have different ranges")
            return _Value(Delta(a.dim), (a, b))
        for index, other in ((ends[0], expr.args[1]), (ends[1], expr.args[0])):
            if isinstance(index, _Index) and not isinstance(other, Symbol):
                return _Value(Basis(index.dim, self.dim_expression(sympify(other)) - index.low), (index,))
        return self.map("eq", self.value(expr.args[0], scope), self.value(expr.args[1], scope))

    def piecewise(self, expr: Any, scope: _Scope) -> _Value:
        *cases, last = expr.args
        if not isinstance(last[1], BooleanTrue):
            raise UnsupportedError(f"a Piecewise needs a last case (..., True): {_shown(expr)}")
        result = self.value(last[0], scope)
        for body, condition in reversed(cases):
            result = self.map("where", self.mask(condition, scope), self.value(body, scope), result)
        return result

    def mask(self, condition: Any, scope: _Scope) -> _Value:
        match condition:
            case BooleanTrue():
                return _Value(Number(ONE))
            case BooleanFalse():
                return _Value(Number(Integer(0)))
            case And():
                return self.product([self.mask(c, scope) for c in condition.args])
            case Or():
                first, *rest = [self.mask(c, scope) for c in condition.args]
                for other in rest:
                    first = self.map("maximum", first, other)
                return first
            case Not():
                inner = self.mask(condition.args[0], scope)
                minus = _Value(build.scale(-1, inner.node), inner.axes)
                return self.total([_Value(Number(ONE)), minus])
            case Relational():
                name, flipped = _RELATIONS[condition.rel_op]
                sides = [self.value(condition.lhs, scope), self.value(condition.rhs, scope)]
                return self.map(name, *(reversed(sides) if flipped else sides))
        raise UnsupportedError(f"the condition {_shown(condition)} is not read")

    # -- matrices: axes of dimension 1 are left out

    def fresh(self, sizes: Iterable[Any]) -> list[_Index | None]:
        dims = [self.dim(s) for s in sizes]
        return [None if d == 1 else self.bind(d, Integer(0)) for d in dims]

    def matrix(self, expr: Any, scope: _Scope) -> _Value:
        """A matrix; its axes are its rows and its columns, without those of length 1."""
        rows, columns = self.fresh(expr.shape)
        return self.at(expr, rows, columns, scope)

    def at(self, expr: Any, row: _Index | None, column: _Index | None, scope: _Scope) -> _Value:
        """A matrix at a row and a column index (None for a dimension of 1)."""
        axes = tuple(i for i in (row, column) if i is not None)
        value = self.matrix_value(expr, row, column, scope)
        if value.axes == axes:
            return value
        shape = tuple(i.dim for i in axes)
        return _Value(build.view(value.node, [axes.index(i) for i in value.axes], shape), axes)

    def matrix_value(self, expr: Any, row: _Index | None, column: _Index | None, scope: _Scope) -> _Value:
        axes = tuple(i for i in (row, column) if i is not None)
        shape = tuple(i.dim for i in axes)
        match expr:
            case MatrixSymbol():
                return _Value(self.leaf(str(expr.name), shape, None), axes)
            case Identity():
                return _Value(Delta(shape[0]), axes) if shape else _Value(Number(ONE))
            case ZeroMatrix():
                return _Value(build.zeros(shape), axes)
            case OneMatrix():
                return _Value(build.ones(shape), axes)
            case Transpose():
                return self.at(expr.arg, column, row, scope)
            case MatAdd():
                return self.total([self.at(a, row, column, scope) for a in expr.args])
            case HadamardProduct():
                return self.product([self.at(a, row, column, scope) for a in expr.args])
            case HadamardPower():
                return self.power(self.at(expr.base, row, column, scope), self.value(expr.exp, scope))
            case MatMul():
                return self.contracted(expr.args, scope, row, column)
            case MatPow():
                exponent = expr.exp
                if not isinstance(exponent, Integer) or abs(exponent) > MAX_MATRIX_POWER:
                    raise UnsupportedError(
                        f"the matrix power {_shown(expr)} is not read; integer powers -{MAX_MATRIX_POWER} to "
                        f"{MAX_MATRIX_POWER} are"
                    )
                if exponent == 0:
                    return self.at(Identity(expr.shape[0]), row, column, scope)
                if exponent == -1:
                    whole = self.square(expr.base, scope)
                    made = build.opaque("inv", whole.node) if whole.axes else build.power(whole.node, -1)
                    return _Value(made, axes)
                factor = expr.base if exponent > 0 else Inverse(expr.base)
                return self.contracted([factor] * abs(int(exponent)), scope, row, column)
            case KroneckerProduct():
                return self.laid(reduce(kron, [self.whole(a, scope) for a in expr.args]), axes)
            case BlockDiagMatrix():
                return self.laid(block_diag(*(self.whole(a, scope) for a in expr.diag)), axes)
            case BlockMatrix():
                rows, columns = expr.blockshape
                blocks = [[self.whole(expr.blocks[i, j], scope) for j in range(columns)] for i in range(rows)]
                return self.laid(block(blocks), axes)
            case DiagMatrix():
                if row is None:
                    return self.value(expr.args[0], scope)
                along = (row, None) if self.dim(expr.args[0].shape[1]) == 1 else (None, row)
                return self.product([self.at(expr.args[0], *along, scope), _Value(Delta(row.dim), axes)])
            case DiagonalMatrix() if row is not None and column is not None:
                return self.product([self.at(expr.arg, row, column, scope), self.diagonal(row, column, scope)])
            case DiagonalOf():
                return self.laid(Array(self.diagonal_of(expr.arg, scope)), axes)
            case MatrixSlice():
                whole = self.whole(expr.parent, scope)
                keys = tuple(slice(*(self.dim_expression(sympify(e)) for e in part)) for part in expr.args[1:3])
                return self.laid(whole[keys], axes)
            case Adjoint():
                return self.at(Transpose(expr.arg), row, column, scope)
            case MatrixBase() if expr.shape != (1, 1):
                return self.laid(self.written(expr, scope), axes)
            case ElementwiseApplyFunction():
                inner = self.at(expr.expr, row, column, scope)
                body = expr.function
                if not isinstance(body, Lambda) or len(body.variables) != 1:
                    raise UnsupportedError(f"{_shown(expr)} is not read")
                return self.value(body.expr, {**scope, body.variables[0]: inner})
            case MatrixBase() if expr.shape == (1, 1):
                return self.value(expr[0, 0], scope)
        raise UnsupportedError(f"{type(expr).__name__} is not read yet: {_shown(expr)}")

    def square(self, expr: Any, scope: _Scope) -> _Value:
        """A square matrix over indices of its own; a 1×1 matrix as a scalar."""
        rows, columns = expr.shape
        if self.dim(rows) != self.dim(columns):
            raise ShapeError(f"a square matrix is needed, got {_shown(expr)} of shape ({rows}, {columns})")
        return self.matrix(expr, scope)

    def whole(self, expr: Any, scope: _Scope) -> Array:
        """A matrix as an array with two axes."""
        rows, columns = self.fresh(expr.shape)
        value = self.at(expr, rows, columns, scope)
        numbers = iter(range(value.node.rank))
        return Array(value.node, tuple(None if i is None else next(numbers) for i in (rows, columns)))

    @staticmethod
    def laid(array: Array, axes: tuple[_Index, ...]) -> _Value:
        """A matrix as a value at its row and column indices; axes of length 1 are left out."""
        short = array[tuple(0 if size == 1 else slice(None) for size in array.dims)]
        order = [short.axes.index(k) for k in range(short.node.rank)]
        return _Value(build.view(short.node, order, tuple(i.dim for i in axes)), axes)

    def diagonal_of(self, expr: Any, scope: _Scope) -> Node:
        whole = self.square(expr, scope)
        if not whole.axes:
            return whole.node
        return build.contract(ONE, [(whole.node, [0, 0])], [0], {0: whole.axes[0].dim})

    def diagonal(self, row: _Index, column: _Index, scope: _Scope) -> _Value:
        """The mask of the diagonal of a matrix that need not be square."""
        if row.dim == column.dim:
            return _Value(Delta(row.dim), (row, column))
        return self.map("eq", _Value(Range(row.dim), (row,)), _Value(Range(column.dim), (column,)))

    def written(self, expr: Any, scope: _Scope) -> Array:
        """A matrix that is written out entry by entry."""
        rows, columns = expr.shape
        if rows * columns > arrays.MAX_CONSTANTS:
            raise UnsupportedError(
                f"a matrix of {rows}×{columns} entries is not read; use a MatrixSymbol and give its values when you "
                "compile"
            )
        entries = [[self.value(expr[i, j], scope) for j in range(columns)] for i in range(rows)]
        if any(e.axes for line in entries for e in line):
            raise UnsupportedError(f"entries with free indices in a matrix are not read: {_shown(expr)}")
        return arrays.as_array([[Array(e.node) for e in line] for line in entries])

    def contracted(
        self, factors: Sequence[Any], scope: _Scope, row: _Index | None = None, column: _Index | None = None
    ) -> _Value:
        """A matrix product of scalars and matrices."""
        matrices = [f for f in factors if isinstance(f, MatrixExpr | MatrixBase)]
        values = [self.value(f, scope) for f in factors if f not in matrices]
        summed: list[_Index] = []
        left = row
        for k, factor in enumerate(matrices):
            transposed = k == 0 and row is None and column is None and len(matrices) == 2
            if transposed and factor.shape[0] != 1:
                factor = Transpose(factor)  # a DotProduct of two columns
            if k == len(matrices) - 1:
                right = column
                if column is None and factor.shape[1] != 1:
                    factor = Transpose(factor)
            else:
                (right,) = self.fresh([factor.shape[1]])
                if right is not None:
                    summed.append(right)
            values.append(self.at(factor, left, right, scope))
            left = right
        return self.product(values, summed)

    def trace(self, expr: Any, scope: _Scope) -> _Value:
        (index,) = self.fresh([expr.arg.shape[0]])
        if index is None:
            return self.matrix(expr.arg, scope)
        (other,) = self.fresh([expr.arg.shape[1]])
        assert other is not None
        body = self.at(expr.arg, index, other, scope)
        node = build.contract(ONE, [(body.node, [0, 0])], [], {0: index.dim})
        return _Value(node)

    def element(self, expr: Any, scope: _Scope) -> _Value:
        """One entry of a matrix, its indices counted from 0 as SymPy does."""
        whole = self.matrix(expr.parent, scope)
        sizes = [self.dim(s) for s in expr.parent.shape]
        given = [index for index, size in zip(expr.indices, sizes, strict=True) if size != 1]
        picks: list[tuple[_Index | None, Node | None]] = []
        for pick, axis in zip(given, whole.axes, strict=True):
            free = isinstance(pick, Symbol) and str(pick) not in self.dimensions
            if free and pick not in scope and pick not in self.free:
                self.free[pick] = self.bind(axis.dim, Integer(0))
            picks.append(self.picked(pick, axis.dim, Integer(0), scope, expr))
        return self.entries(whole.node, picks)

    # -- the result

    def array(self, expr: Any) -> Array:
        """An expression as an array: free indices, or a matrix's rows and columns, are its axes."""
        self.free = {}
        if isinstance(expr, MatrixExpr | MatrixBase):
            return Array(self.matrix(expr, {}).node)
        for symbol in (*self.order, *self.appearing(expr)):
            self.register(symbol, expr)
        unknown = [s for s in self.order if s not in self.free]
        if unknown:
            raise ShapeError(f"the range of the index {_shown(unknown[0])} is not known: no bracket has it by itself")
        value = self.value(expr, {})
        axes = tuple(self.free.values())
        if self.order and set(self.free) - set(self.order):
            extra = ", ".join(_shown(s) for s in self.free if s not in self.order)
            raise ShapeError(f"the expression has free indices that are not among the given ones: {extra}")
        shape = tuple(i.dim for i in axes)
        return Array(build.view(value.node, [axes.index(i) for i in value.axes], shape))

    def appearing(self, expr: Any) -> Iterator[Any]:
        """Free indices in the order in which they appear in brackets."""
        free = expr.free_symbols
        for part in _as_printed(expr):
            if isinstance(part, Indexed | MatrixElement):
                for index in part.indices:
                    for symbol in [index] if isinstance(index, Symbol | Idx) else sorted(index.free_symbols, key=str):
                        if symbol in free and str(symbol) not in self.dimensions:
                            yield symbol

    def register(self, symbol: Any, expr: Any) -> None:
        """Make the free index of a symbol from the first bracket that knows its range."""
        if symbol in self.free:
            return
        for part in preorder_traversal(expr):
            if isinstance(part, Indexed) and symbol in part.indices:
                name, axis = str(part.base.label), list(part.indices).index(symbol)
                if self.shapes[name][axis] is not None:
                    self.index(symbol, {}, name, axis)
                    return
            if isinstance(part, MatrixElement):
                for low in (0, 1):  # A[i, j], or A[i - 1, j - 1] for entries that are counted from 1
                    if symbol - low in part.indices:
                        size = self.dim(part.parent.shape[list(part.indices).index(symbol - low)])
                        self.free[symbol] = self.bind(size, Integer(low))
                        return


_GREEK = {"lambda": "lam"}


def legal_names(expressions: Iterable[Any], taken: Iterable[str] = ()) -> dict[str, str]:
    """A legal name for each symbol whose own is none: ``lambda`` is ``lam``, ``x'`` is ``x_``, ``2`` is ``v2``.

    No two symbols share a name, and none takes one of ``taken``.

    >>> from sympy import Symbol
    >>> legal_names([Symbol("lambda") * Symbol("lam") + Symbol("if")])
    {'if': 'if_', 'lambda': 'lam_'}
    """
    found = {str(s) for e in expressions for s in _symbols(e)}
    used = {*found, *taken}
    legal: dict[str, str] = {}
    for name in sorted(found):
        if is_legal(name):
            continue
        made = _GREEK.get(name) or "".join(
            c if c.isidentifier() or c.isdecimal() else "_" for c in unicodedata.normalize("NFKC", name)
        )[:50]
        made = made if made[:1].isidentifier() else f"v{made}"
        while made in used or not is_legal(made):
            made += "_"
        used.add(made)
        legal[name] = made
    return legal


def bound_symbols(part: Any) -> tuple[Symbol, ...]:
    """The symbols that a part of an expression binds: an index, a variable of integration."""
    if isinstance(part, Sum | Product | Integral):
        return tuple(limit[0] for limit in part.limits)
    return tuple(part.variables) if isinstance(part, Subs) else ()


def is_legal(name: str) -> bool:
    """Whether an array may be called so."""
    try:
        check_name(name)
    except UnknownNameError:
        return False
    return True


def _symbols(expression: Any) -> Iterator[Symbol]:
    if isinstance(expression, MatrixBase):
        for entry in expression.flat():
            yield from _symbols(entry)
    elif isinstance(expression, Basic):
        for part in preorder_traversal(expression):
            if isinstance(part, Symbol):
                yield part


def from_sympy(
    expr: Any,
    domains: Mapping[Any, Domain] | None = None,
    shapes: Mapping[Any, Any] | None = None,
    indices: Sequence[Any] | None = None,
) -> Array:
    """Read a SymPy expression as an array, as it stands.

    * Scalars: each ``Symbol`` becomes a scalar array of its name.  SymPy's
      assumptions (positive, real, integer, ...) intersect with ``domains``,
      whose keys are symbols or names; an undeclared symbol ranges over the reals.
    * ``Sum`` and ``Product`` over ``Indexed``: the symbols in the limits are
      dimensions, and the arrays' shapes follow from the ranges, from
      ``IndexedBase(shape=...)``, or from ``shapes={"x": "n d"}``.  Free indices
      become axes, in the order in which they appear (or as ``indices`` says).
    * Matrix expressions: products, sums, transposes, traces, inverses, determinants,
      small powers, blocks, slices, diagonals, ``HadamardProduct``, ``KroneckerProduct``,
      ``applyfunc``, matrices written out.  A column ``MatrixSymbol("w", d, 1)``
      becomes a vector of shape (d,), a 1×1 result a scalar.

    Raises :class:`~symderive.errors.UnsupportedError` naming what is not read,
    ``ShapeError`` where ranges disagree or are not known, ``UnknownNameError``
    for names that are no identifiers, ``DomainError`` for an empty domain.

    >>> import symderive as sd
    >>> from sympy import IndexedBase, Sum, symbols
    >>> i, n = symbols("i n", integer=True)
    >>> x = IndexedBase("x")
    >>> sd.from_sympy(Sum(x[i] ** 2, (i, 1, n)) / n).shape
    ()
    """
    return from_sympy_together([expr], domains, shapes, indices)[0]


def from_sympy_together(
    expressions: Sequence[Any],
    domains: Mapping[Any, Domain] | None = None,
    shapes: Mapping[Any, Any] | None = None,
    indices: Sequence[Any] | None = None,
    names: Mapping[str, str] | None = None,
    taken: Collection[str] | None = None,
) -> list[Array]:
    """Read the expressions of one statement (both sides of a claim): they share dimensions and shapes.

    ``names`` are legal names for symbols whose own are none; see :func:`from_sympy`.  ``taken`` are
    the dimensions of a claim that is judged: a sum of what is not indexed then is one over integers,
    and a symbol in its ends is an integer, >= 1 where nothing else is said, unless it is a dimension.

    >>> from sympy import IndexedBase, Sum, symbols
    >>> from symderive.language.sympy_input import from_sympy_together
    >>> i, n = symbols("i n", integer=True)
    >>> [a.ndim for a in from_sympy_together([Sum(i, (i, 1, n)), n * (n + 1) / 2])]
    [0, 0]
    """
    read: list[Any] = []
    for expr in expressions:
        bounded(expr)
        made = expr if isinstance(expr, Basic | MatrixBase) else sympify(expr, strict=True)
        made = without_expectations(made) if isinstance(made, Expr) else made
        if not isinstance(made, Expr | MatrixExpr | MatrixBase) or isinstance(made, Lambda):
            raise UnsupportedError(f"a SymPy {type(made).__name__} is no formula: {_shown(made)}")
        read.append(made.as_immutable() if isinstance(made, MatrixBase) else made)
    legal = dict(names) if names is not None else legal_names(read)
    told = {legal.get(str(key), str(key)): domain for key, domain in (domains or {}).items()}
    translator = _Translator(read, told, shapes, indices, legal, taken)
    return [translator.array(expr) for expr in read]
