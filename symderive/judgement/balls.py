"""Evaluate nodes at exact points, rigorously: arrays of exact rationals, balls, and power series of balls.

The entries are the elements of ``elements``; no rule of calculus is known here.  Products that a δ,
a unit vector or a slice selects are never formed, so that ``log(x)[0]`` and ``log(x)[1:]`` ask nothing
of the entries that they leave out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx, fmpq, fmpq_series
from sympy import E, Expr, Integer, Rational, Symbol, pi
from sympy import exp as sympy_exp
from sympy import log as sympy_log

from symderive.deadline import tick
from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement import array_balls, special
from symderive.judgement.elements import (
    ONE,
    ZERO,
    Element,
    Hole,
    Jet,
    Kink,
    LogPole,
    Undefined,
    Unknown,
    analytic,
    as_ball,
    difference_sign,
    divide,
    exponential,
    is_one_sided,
    is_plain_integer,
    join,
    logarithm,
    power,
    precision,
    series_tanh,
    sign_of,
    undefined_pole,
)
from symderive.judgement.instances import Instance
from symderive.judgement.integrals import integral_value
from symderive.judgement.series import series_value
from symderive.judgement.templates import derivative_value
from symderive.language.functions import function
from symderive.language.nodes import (
    Basis,
    Binding,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)


class Ball:
    """An element seen through the protocol that the ``ball`` forms of ``functions.py`` speak."""

    __slots__ = ("value",)

    def __init__(self, value: Element) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Ball({self.value!r})"

    def __add__(self, other: Ball | int) -> Ball:
        return Ball(self.value + _value(other))

    __radd__ = __add__

    def __sub__(self, other: Ball | int) -> Ball:
        return Ball(self.value - _value(other))

    def __rsub__(self, other: Ball | int) -> Ball:
        return Ball(_value(other) - self.value)

    def __mul__(self, other: Ball | int) -> Ball:
        return Ball(self.value * _value(other))

    __rmul__ = __mul__

    def __neg__(self) -> Ball:
        return Ball(-self.value)

    def __truediv__(self, other: Ball | int) -> Ball:
        return Ball(divide(self.value, _value(other)))

    def __rtruediv__(self, other: Ball | int) -> Ball:
        return Ball(divide(_value(other), self.value))

    def __pow__(self, other: Ball | int) -> Ball:
        return Ball(power(self.value, _value(other)))

    def exp(self) -> Ball:
        """exp."""
        return Ball(exponential(self.value))

    def log(self) -> Ball:
        """The natural logarithm."""
        return Ball(logarithm(self.value))

    def sqrt(self) -> Ball:
        """The square root."""
        return Ball(power(self.value, fmpq(1, 2)))

    def sin(self) -> Ball:
        """sin."""
        return Ball(analytic(self.value, arb.sin, arb_series.sin))

    def cos(self) -> Ball:
        """cos."""
        return Ball(analytic(self.value, arb.cos, arb_series.cos))

    def tan(self) -> Ball:
        """tan."""
        return Ball(special.tangent(self.value))

    def asin(self) -> Ball:
        """arcsin."""
        return Ball(special.arcsine(self.value))

    def acos(self) -> Ball:
        """arccos."""
        return Ball(special.arccosine(self.value))

    def atan2(self, other: Ball) -> Ball:
        """The angle of the point (other, self)."""
        return Ball(special.angle(self.value, other.value))

    def asinh(self) -> Ball:
        """arsinh."""
        return Ball(special.inverse_sinh(self.value))

    def acosh(self) -> Ball:
        """arcosh."""
        return Ball(special.inverse_cosh(self.value))

    def atanh(self) -> Ball:
        """artanh."""
        return Ball(special.inverse_tanh(self.value))

    def atan(self) -> Ball:
        """arctan."""
        return Ball(analytic(self.value, arb.atan, arb_series.atan))

    def tanh(self) -> Ball:
        """tanh."""
        return Ball(analytic(self.value, arb.tanh, series_tanh))

    def abs(self) -> Ball:
        """The absolute value; a kink for a jet at 0."""
        sign = difference_sign(self.value, ZERO, "the sign inside an absolute value")
        if isinstance(sign, Unknown) and type(self.value) is arb:
            return Ball(abs(self.value))
        if isinstance(sign, Hole):
            return Ball(sign)
        return Ball(-self.value if sign < 0 else self.value)

    def sign(self) -> Ball:
        """The sign, -1, 0 or 1."""
        sign = difference_sign(self.value, ZERO, "a sign")
        return Ball(sign if isinstance(sign, Hole) else fmpq(sign))

    def maximum(self, other: Ball) -> Ball:
        """The larger of two."""
        return self._larger(other, 1)

    def minimum(self, other: Ball) -> Ball:
        """The smaller of two."""
        return self._larger(other, -1)

    def _larger(self, other: Ball, way: int) -> Ball:
        a, b = self.value, other.value
        sign = difference_sign(a, b, "which of two numbers is larger")
        if isinstance(sign, Unknown) and not any(isinstance(v, Hole) for v in (a, b)):
            if isinstance(a, Jet) or isinstance(b, Jet):
                return Ball(_either(a, b) or sign)
            x, y = as_ball(a), as_ball(b)
            if x.is_finite() and y.is_finite():
                return Ball(x.max(y) if way > 0 else x.min(y))
        if isinstance(sign, Hole):
            return Ball(sign)
        return Ball(a if sign * way >= 0 else b)

    def heaviside(self, other: Ball) -> Ball:
        """0 below 0, 1 above, ``other`` at 0."""
        if isinstance(other.value, Hole):
            return Ball(join(self.value, other.value))
        sign = difference_sign(self.value, ZERO, "the side of a step")
        if isinstance(sign, Hole):
            return Ball(sign)
        return other if sign == 0 else Ball(ONE if sign > 0 else ZERO)

    def where(self, yes: Ball, no: Ball) -> Ball:
        """``yes`` where this is not 0, else ``no``; the other one may be undefined."""
        sign = difference_sign(self.value, ZERO, "the condition of a case distinction")
        if isinstance(sign, Hole):
            return Ball(sign)
        return no if sign == 0 else yes

    def _compare(self, other: Ball, holds: Callable[[int], bool], what: str) -> Ball:
        sign = difference_sign(self.value, other.value, what)
        return Ball(sign if isinstance(sign, Hole) else ONE if holds(sign) else ZERO)

    def lt(self, other: Ball) -> Ball:
        """1 where less, else 0."""
        return self._compare(other, lambda s: s < 0, "which of two numbers is less")

    def le(self, other: Ball) -> Ball:
        """1 where less or equal, else 0."""
        return self._compare(other, lambda s: s <= 0, "which of two numbers is less")

    def eq(self, other: Ball) -> Ball:
        """1 where equal, else 0."""
        return self._compare(other, lambda s: s == 0, "whether two numbers are equal")

    def xlogy(self, other: Ball) -> Ball:
        """x·log(y), and 0 at x = 0 whatever y is."""
        x, y = self.value, other.value
        hole = join(x, y)
        if hole is not None:
            return Ball(hole)
        if sign_of(x) == 0:
            if not isinstance(x, Jet):
                return Ball(ZERO)
            if sign_of(y) != 1 and not is_one_sided():
                return Ball(Kink("x log y at x = 0, where y is not positive"))
        return Ball(undefined_pole(x * logarithm(y)))

    def power(self, other: Ball) -> Ball:
        """self ** other."""
        return Ball(power(self.value, other.value))

    def exponential_of(self, base: int) -> Ball:
        """base ** self."""
        return Ball(power(fmpq(base), self.value))

    def cbrt(self) -> Ball:
        """The real cube root."""
        return Ball(special.cube_root(self.value))

    def boxcox(self, exponent: Ball) -> Ball:
        """(self^λ - 1)/λ."""
        return Ball(special.box_cox(self.value, exponent.value))

    def inv_boxcox(self, exponent: Ball) -> Ball:
        """(λ·self + 1)^(1/λ)."""
        return Ball(special.inverse_box_cox(self.value, exponent.value))

    def erf(self) -> Ball:
        """erf."""
        return Ball(special.error(self.value))

    def erfc(self) -> Ball:
        """erfc."""
        return Ball(special.complementary_error(self.value))

    def erfcx(self) -> Ball:
        """exp(x²) erfc(x)."""
        return Ball(special.scaled_error(self.value))

    def erfinv(self) -> Ball:
        """The inverse of erf."""
        return Ball(special.inverse_error(self.value))

    def ndtr(self) -> Ball:
        """Φ."""
        return Ball(special.normal(self.value))

    def log_ndtr(self) -> Ball:
        """log Φ."""
        return Ball(special.log_normal(self.value))

    def ndtri(self) -> Ball:
        """The inverse of Φ."""
        return Ball(special.quantile(self.value))

    def rgamma(self) -> Ball:
        """1/Γ."""
        return Ball(special.reciprocal_gamma(self.value))

    def gammaln(self) -> Ball:
        """log |Γ|."""
        return Ball(special.log_gamma(self.value))

    def polygamma(self, n: int) -> Ball:
        """The n-th derivative of digamma."""
        return Ball(special.polygamma(n, self.value))

    def gammainc(self, a: Ball) -> Ball:
        """P(a, self)."""
        return Ball(special.gamma_ratio(a.value, self.value))

    def gammaincc(self, a: Ball) -> Ball:
        """Q(a, self)."""
        return Ball(special.gamma_ratio(a.value, self.value, upper=True))

    def bessel_i(self, n: int) -> Ball:
        """I_n."""
        return Ball(special.bessel_i(n, self.value))

    def spherical_jn(self, n: int) -> Ball:
        """j_n."""
        return Ball(special.spherical_bessel(n, self.value))

    def floor(self) -> Ball:
        """The largest integer that is not larger."""
        return Ball(special.floor(self.value))

    def trunc(self) -> Ball:
        """The integer towards 0."""
        return Ball(special.truncated(self.value))

    def rint(self) -> Ball:
        """The nearest integer, of two the even one."""
        return Ball(special.rounded(self.value))

    def times_pi(self) -> Ball:
        """π·self."""
        return Ball(self.value * arb.pi())

    def order(self) -> int:
        """A constant integer, as the order of a function."""
        if not is_plain_integer(self.value):
            raise UnsupportedError(f"the order of a function must be a constant integer, got {self.value!r}")
        return int(self.value.p)

    def positive(self) -> Ball:
        """The same number, defined where it is > 0."""
        return self._where_sign(lambda s: s > 0, "a number that is not positive")

    def nonnegative(self) -> Ball:
        """The same number, defined where it is >= 0."""
        return self._where_sign(lambda s: s >= 0, "a negative number")

    def _where_sign(self, holds: Callable[[int], bool], otherwise: str) -> Ball:
        if isinstance(self.value, Hole):
            return self
        sign = sign_of(self.value)
        if sign is None:
            return Ball(Unknown(f"whether a function is taken of {otherwise}"))
        return self if holds(sign) else Ball(Undefined(f"a function of {otherwise}"))


def _value(other: Ball | int) -> Element:
    return other.value if isinstance(other, Ball) else fmpq(other)


# -- numbers in the dimensions ---------------------------------------------------------------


def constant(expr: Expr, sizes: Mapping[Symbol, int]) -> Element:
    """A SymPy number or expression in the dimensions, at given sizes, at the current precision."""
    if isinstance(expr, Rational):
        return fmpq(int(expr.p), int(expr.q))
    if isinstance(expr, Symbol):
        if expr not in sizes:
            raise UnsupportedError(f"the number {expr} is not among the dimensions {', '.join(map(str, sizes))}")
        return fmpq(sizes[expr])
    if expr is pi:
        return arb.pi()
    if expr is E:
        return arb.const_e()
    parts = [constant(a, sizes) for a in expr.args if isinstance(a, Expr)]
    if expr.is_Add:
        total: Element = ZERO
        for part in parts:
            total = total + part
        return total
    if expr.is_Mul:
        product: Element = ONE
        for part in parts:
            product = product * part
        return product
    if expr.is_Pow:
        return power(*parts)
    if isinstance(expr, sympy_exp):
        return exponential(parts[0])
    if isinstance(expr, sympy_log) and len(parts) == 1:
        return logarithm(parts[0])
    if not expr.is_real and expr.is_number:
        return Undefined(f"{expr} is not a real number")
    simple = type(expr).__name__
    if simple in ("sin", "cos", "tanh", "atan", "Abs", "sign") and len(parts) == 1:
        return getattr(Ball(parts[0]), {"Abs": "abs"}.get(simple, simple))().value
    if simple in ("floor", "ceiling") and type(parts[0]) is fmpq:
        whole = parts[0].floor() if simple == "floor" else parts[0].ceil()
        return fmpq(whole)
    if simple in ("Max", "Min"):
        best = Ball(parts[0])
        for part in parts[1:]:
            best = best.maximum(Ball(part)) if simple == "Max" else best.minimum(Ball(part))
        return best.value
    if not expr.free_symbols and expr.is_Integer is False and expr.is_comparable:
        raise UnsupportedError(f"the constant {expr} has no ball form")
    raise UnsupportedError(f"the number {expr} has no ball form")


def size_of(dim: Expr, sizes: Mapping[Symbol, int]) -> int | None:
    """A dimension (n, 3, n + m, n*m) as an integer; None where it is not an integer."""
    if isinstance(dim, Integer):
        return int(dim)
    if isinstance(dim, Symbol):
        return sizes[dim]
    value = constant(dim, sizes)
    return int(value.p) if is_plain_integer(value) else None


def from_exact(value: Any) -> Element:
    """An entry of an instance (Fraction, int, or an irrational SymPy number) as an element."""
    if isinstance(value, Fraction):
        return fmpq(value.numerator, value.denominator)
    if isinstance(value, int):
        return fmpq(value)
    return constant(value, {})


# -- arrays of elements ------------------------------------------------------------------------


def _map_array(f: Callable[[Any], Element], array: np.ndarray) -> np.ndarray:
    out = np.empty(array.shape, object)
    flat = out.reshape(-1)
    for i, x in enumerate(array.reshape(-1)):
        flat[i] = f(x)
    return out


def filled(shape: tuple[int, ...], value: Element) -> np.ndarray:
    """An array of one element."""
    out = np.empty(shape, object)
    out.fill(value)
    return out


def _as_object_array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    return filled((), value)


def _scaled(coefficient: Element, array: np.ndarray) -> np.ndarray:
    if type(coefficient) is fmpq and coefficient == 1:
        return array
    return _as_object_array(array * filled((), coefficient))


def _add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _as_object_array(a + b)


def _sum_axis(array: np.ndarray, axis: int) -> np.ndarray:
    return _as_object_array(np.add.reduce(array, axis=axis))


Operand = tuple[np.ndarray, tuple[int, ...]]


def _product(operands: Sequence[Operand], target: tuple[int, ...]) -> np.ndarray:
    """The elementwise product, axes in the order of ``target`` (length 1 where nobody has one)."""
    result: np.ndarray | None = None
    for array, labels in operands:
        order = sorted(range(len(labels)), key=lambda i: target.index(labels[i]))
        index = tuple(slice(None) if t in labels else None for t in target)
        laid = array.transpose(order)[index]
        result = laid if result is None else _as_object_array(result * laid)
    return filled((1,) * len(target), ONE) if result is None else result


def _contract(operands: list[Operand], bound: list[int], out: tuple[int, ...], sizes: Mapping[int, int]) -> np.ndarray:
    """Σ_bound Π operands: labels are eliminated one at a time, the smallest result first."""
    bound = list(bound)
    while bound:
        costs = [prod(sizes[i] for i in {i for _, ls in operands if b in ls for i in ls}) for b in bound]
        label = bound.pop(costs.index(min(costs)))
        having = [o for o in operands if label in o[1]]
        operands = [o for o in operands if label not in o[1]]
        kept = tuple(sorted({i for _, ls in having for i in ls} - {label}))
        operands.append((_sum_axis(_product(having, (*kept, label)), len(kept)), kept))
    return np.broadcast_to(_product(operands, out), tuple(sizes[i] for i in out))


def _strip(node: Node) -> Node:
    while isinstance(node, Named):
        node = node.body
    return node


def _contraction(
    node: Contraction, get: Callable[[Node], np.ndarray], sizes: Mapping[Symbol, int]
) -> np.ndarray:
    dims = [_dim(d, sizes) for d in node.label_dims]
    rep = list(range(len(dims)))

    def find(i: int) -> int:
        while rep[i] != i:
            i = rep[i]
        return i

    ordinary: list[tuple[Node, tuple[int, ...]]] = []
    selecting: list[tuple[Node, tuple[int, ...]]] = []
    for factor, labels in node.factors:
        match _strip(factor):
            case Delta():
                a, b = find(labels[0]), find(labels[1])
                rep[max(a, b)] = min(a, b)
            case Basis() | Slice() | Merge():
                selecting.append((_strip(factor), labels))
            case _:
                ordinary.append((factor, labels))
    # labels that unit vectors, slices and merged axes tie together run over the places that these
    # select; such a group is one axis, and what is not selected is never asked for
    groups: list[_Places] = []
    for factor, labels in selecting:
        places = _places(factor, tuple(find(i) for i in labels), sizes)
        apart = []
        for group in groups:
            if set(group.labels) & set(places.labels):
                places = group.join(places)
            else:
                apart.append(group)
        groups = [*apart, places]
    coefficient = constant(node.coefficient, sizes)
    shape = tuple(dims[: node.out_rank])
    if not all(group.rows for group in groups):
        return _scaled(coefficient, filled(shape, ZERO))
    at: dict[int, tuple[int, list[int]]] = {}
    for group in groups:
        for k, label in enumerate(group.labels):
            at[label] = len(dims), [row[k] for row in group.rows]
        dims.append(len(group.rows))

    def axis(label: int) -> int:
        root = find(label)
        return at[root][0] if root in at else root

    operands: list[Operand] = []
    for factor, labels in ordinary:
        array = get(factor)
        axes = tuple(dict.fromkeys(axis(i) for i in labels))
        if axes != labels:
            array = array[tuple(_along(at.get(find(i)), axis(i), axes, dims) for i in labels)]
        operands.append((_as_object_array(array), axes))

    outs = [axis(i) for i in range(node.out_rank)]
    active = tuple(dict.fromkeys(outs))
    carried = {i for _, axes in operands for i in axes}
    bound: list[int] = []
    for i in dict.fromkeys(axis(i) for i in node.bound):
        if i in active:
            continue
        if i in carried:
            bound.append(i)
        else:
            coefficient = coefficient * fmpq(dims[i])
    body = _contract(operands, bound, active, dict(enumerate(dims)))
    body = _scaled(coefficient, body)
    if tuple(outs) == active and not groups:
        return body
    result = filled(shape, ZERO)
    reached: set[tuple[int, ...]] = set()
    for index in np.ndindex(body.shape):
        where = dict(zip(active, index, strict=True))
        place = tuple(at[r][1][where[a]] if (r := find(i)) in at else where[a] for i, a in enumerate(outs))
        # a bound label of a group may leave several ways to one place of the result
        result[place] = result[place] + body[index] if place in reached else body[index]
        reached.add(place)
    return result


@dataclass(frozen=True)
class _Places:
    """Which indices go together along some labels: a table with a column for each label."""

    labels: tuple[int, ...]
    rows: list[tuple[int, ...]]

    def join(self, other: _Places) -> _Places:
        """The places that both allow."""
        shared = [i for i in other.labels if i in self.labels]
        fresh = [k for k, i in enumerate(other.labels) if i not in self.labels]
        known: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for row in self.rows:
            known.setdefault(tuple(row[self.labels.index(i)] for i in shared), []).append(row)
        rows = [
            (*row, *(new[k] for k in fresh))
            for new in other.rows
            for row in known.get(tuple(new[other.labels.index(i)] for i in shared), ())
        ]
        return _Places((*self.labels, *(other.labels[k] for k in fresh)), rows)


def _places(node: Node, labels: tuple[int, ...], sizes: Mapping[Symbol, int]) -> _Places:
    """The places at which a unit vector, a slice or a merge of axes is 1."""
    rows = _ones(node, sizes)
    distinct = tuple(dict.fromkeys(labels))
    if distinct == labels:
        return _Places(labels, rows)
    columns = [labels.index(i) for i in distinct]
    same = [row for row in rows if all(row[k] == row[labels.index(i)] for k, i in enumerate(labels))]
    return _Places(distinct, [tuple(row[k] for k in columns) for row in same])


def _ones(node: Node, sizes: Mapping[Symbol, int]) -> list[tuple[int, ...]]:
    """The indices of the entries that are 1 in an array of zeros and ones."""
    match node:
        case Basis(dim=dim, index=index):
            return [(_index(index, _dim(dim, sizes), sizes),)]
        case Slice(size=size, count=count):
            length = _dim(size, sizes)
            first, last = _index(node.start, length, sizes), _index(node.last, length, sizes)
            entries = _dim(count, sizes)
            step = (last - first) // max(entries - 1, 1)
            return [(first + step * k, k) for k in range(entries)]
        case Merge(first=first, second=second):
            rows, columns = _dim(first, sizes), _dim(second, sizes)
            return [(i * columns + j, i, j) for i in range(rows) for j in range(columns)]
        case Delta(dim=dim):
            return [(i, i) for i in range(_dim(dim, sizes))]
        case _:
            raise UnsupportedError(f"a {type(node).__name__} selects no places")


def _along(places: tuple[int, list[int]] | None, axis: int, axes: tuple[int, ...], dims: Sequence[int]) -> np.ndarray:
    """The indices along one axis of an operand, laid along the axis that it becomes."""
    indices = np.arange(dims[axis]) if places is None else np.array(places[1])
    return indices.reshape(tuple(-1 if a == axis else 1 for a in axes))


def _dim(dim: Expr, sizes: Mapping[Symbol, int]) -> int:
    size = size_of(dim, sizes)
    if size is None or size < 1:
        raise ShapeError(f"the dimension {dim} is not a positive integer at {_sizes_text(sizes)}")
    return size


def _index(index: Expr, size: int, sizes: Mapping[Symbol, int]) -> int:
    position = size_of(index, sizes)
    if position is None or not 0 <= position < size:
        raise ShapeError(f"the index {index} is out of bounds for a dimension of size {size}")
    return position


def _sizes_text(sizes: Mapping[Symbol, int]) -> str:
    return ", ".join(f"{k} = {v}" for k, v in sizes.items())


# -- nodes ---------------------------------------------------------------------------------------


SELECTING = (Delta, Basis, Slice, Merge)
"""Nodes of zeros and ones that say where to look."""


class Evaluator:
    """Evaluates nodes at one instance and precision; values are kept, jets are not.

    ``with precision(bits, cap)`` has to surround every use.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.sizes = instance.sizes
        self.values: dict[Node, np.ndarray] = {}
        self.magnitude: arb | None = None
        """The largest size of what was integrated or summed: what a small result is small against."""

    def value(self, node: Node) -> np.ndarray:
        """The node's value, an array of ``fmpq``, ``arb`` and holes."""
        if node not in self.values:
            for current in node.walk():
                # contractions look up where a selection is 1; it is written out only if asked for
                if current in self.values or (isinstance(current, SELECTING) and current is not node):
                    continue
                if isinstance(current, Differential):
                    raise UnsupportedError("a differential has a value only along a direction")
                self.values[current] = self.settled(current, self.step(current, self.value))
        return self.values[node]

    def settled(self, node: Node, value: np.ndarray) -> np.ndarray:
        """A node's value, once it is made."""
        return value

    def jets(self, node: Node, directions: Mapping[Leaf, np.ndarray], cap: int) -> np.ndarray:
        """The node's series to ``cap`` terms, its leaves moving along ``directions``."""
        moved: dict[Node, np.ndarray] = {}
        still: set[Node] = set()
        for current in node.walk():
            if isinstance(current, Leaf) and current in directions:
                moved[current] = self._moving(current, directions[current], cap)
            elif isinstance(current, Differential):
                body = moved.get(current.body)
                if body is None:
                    shape = self.value(current.body).shape
                    moved[current] = _map_array(_no_change, self.value(current.body)).reshape(shape)
                else:
                    moved[current] = _map_array(_change, body)
            elif any(c in moved for c in current.children):
                moved[current] = self.step(current, lambda n: moved[n] if n in moved else self.value(n))
            else:
                still.add(current)
        return moved[node] if node in moved else self.value(node)

    def _moving(self, leaf: Leaf, direction: np.ndarray, cap: int) -> np.ndarray:
        value = self.value(leaf)
        out = np.empty(value.shape, object)
        for index in np.ndindex(value.shape):
            start: Element = value[index]
            slope = from_exact(direction[index])
            kind = fmpq_series if type(start) is fmpq and type(slope) is fmpq else arb_series
            out[index] = Jet(kind([start, slope], prec=cap), whole=cap > 1) if slope != 0 else start
        return out

    def step(self, node: Node, get: Callable[[Node], np.ndarray]) -> np.ndarray:
        """One node's value from those of its children."""
        tick()
        sizes = self.sizes
        match node:
            case Leaf():
                return _map_array(from_exact, self.instance.values[node])
            case Number(value=value):
                return filled((), constant(value, sizes))
            case _ if isinstance(node, SELECTING):
                out = filled(tuple(_dim(d, sizes) for d in node.shape), ZERO)
                for place in _ones(node, sizes):
                    out[place] = ONE
                return out
            case Range(dim=dim):
                out = np.empty((_dim(dim, sizes),), object)
                for i in range(len(out)):
                    out[i] = fmpq(i)
                return out
            case Contraction():
                return _contraction(node, get, sizes)
            case Sum():
                total: np.ndarray | None = None
                for weight, term in node.terms:
                    part = _scaled(constant(weight, sizes), get(term))
                    total = part if total is None else _add(total, part)
                assert total is not None
                return total
            case Map():
                return _elementwise(node, [get(a) for a in node.arguments])
            case Opaque():
                return array_balls.apply(node.function, get(node.arguments[0]))
            case Named():
                return get(node.body)
            case Binding():
                return filled((), self.binding(node, get))
            case _:
                raise UnsupportedError(f"the judge cannot evaluate a {type(node).__name__}")


    def binding(self, node: Binding, get: Callable[[Node], np.ndarray]) -> Element:
        """A derivative, integral or sum over integers."""
        match node.kind:
            case "derivative":
                return derivative_value(node, get, self)
            case "integral":
                value, size = integral_value(node, get, self)
            case _:
                value, size = series_value(node, get, self)
        if size is not None:
            self.magnitude = size if self.magnitude is None else self.magnitude.max(size)
        return value


def _change(value: Element) -> Element:
    if isinstance(value, Jet):
        return Jet(value.series.derivative())
    return _no_change(value)


def _no_change(value: Element) -> Element:
    return undefined_pole(value) if isinstance(value, Hole) else ZERO


def _elementwise(node: Map, arguments: list[np.ndarray]) -> np.ndarray:
    row = function(node.function)
    if len(arguments) != len(row.arguments):
        raise ShapeError(f"{node.function} takes {len(row.arguments)} arguments, got {len(arguments)}")
    form = (lambda x, y: Ball(power(x.value, y.value))) if node.function == "power" else row.ball
    shape = next((a.shape for a in arguments if a.shape), ())
    out = np.empty(shape, object)
    flat = out.reshape(-1)
    columns = [np.broadcast_to(a, shape).reshape(-1) for a in arguments]
    for i in range(len(flat)):
        flat[i] = form(*(Ball(c[i]) for c in columns)).value
    return out


def depth(node: Node) -> int:
    """How many differentials are nested in the node."""
    deep: dict[Node, int] = {}
    for current in node.walk():
        inner = max((deep[c] for c in current.children), default=0)
        deep[current] = inner + isinstance(current, Differential)
    return deep[node]


def _either(a: Element, b: Element) -> Jet | None:
    """A series that encloses both, where no coefficient tells them apart; else None.

    On each side of the point the larger of two is one of them.  Where it has a derivative it is that
    of either, and where it has none both differ in a coefficient.
    """
    made: list[arb] = []
    for order in range(ctx.cap):
        x, y = (as_ball(coefficient(v, order)) for v in (a, b))
        if not (x.is_finite() and y.is_finite() and x.overlaps(y)):
            return None
        made.append(x.union(y))
    return Jet(arb_series(made, prec=ctx.cap))


def coefficient(value: Element, order: int) -> Element:
    """The t^order coefficient of an element."""
    if isinstance(value, Jet):
        return value.series[order]
    if isinstance(value, Hole):
        return value if order == 0 else undefined_pole(value)
    return value if order == 0 else ZERO


def evaluate(
    node: Node,
    instance: Instance,
    bits: int = 128,
    directions: Mapping[Leaf, np.ndarray] | None = None,
    order: int = 0,
) -> np.ndarray:
    """Evaluate a node at an exact point: an object array of ``fmpq``, ``arb`` and ``Hole`` elements.

    With ``directions`` (an array of exact numbers of the leaf's shape for each leaf that moves) a
    leaf's value is ``value + t·direction``, ``Differential(u)`` is du/dt, and the result is the
    coefficient of ``t**order``.  Without them a differential raises `UnsupportedError`.

    >>> from fractions import Fraction
    >>> import numpy as np
    >>> from symderive.language.arrays import array
    >>> x = array("x")
    >>> point = Instance({}, {x.node: np.array(Fraction(1, 3), dtype=object)})
    >>> evaluate((x * x).node, point)[()]
    1/9
    """
    with precision(bits, order + depth(node) + 1):
        evaluator = Evaluator(instance)
        if directions is None:
            return evaluator.value(node)
        series = evaluator.jets(node, directions, order + depth(node) + 1)
        return _map_array(lambda v: coefficient(v, order), series)


__all__ = [
    "SELECTING",
    "Ball",
    "Element",
    "Evaluator",
    "Hole",
    "Jet",
    "Kink",
    "LogPole",
    "Undefined",
    "Unknown",
    "as_ball",
    "coefficient",
    "constant",
    "depth",
    "evaluate",
    "from_exact",
    "precision",
    "sign_of",
    "size_of",
]
