"""NumPy's and SciPy's elementwise functions on symbolic arrays: the table of ufuncs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational, ceiling, exp, floor, log, pi, sqrt

from symderive.errors import DomainError, ShapeError, UnsupportedError
from symderive.language import build, functions
from symderive.language.arrays import ARRAY_FUNCTIONS, UFUNCS, Array, as_array, case_of, joined, no_extras
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import ONE, ZERO, Contraction, Map, Named, Node, Number, Sum
from symderive.language.products import einsum, matmul
from symderive.language.reductions import sum_


def elementwise(name: str) -> Callable[..., Array]:
    """What makes a row of :mod:`symderive.language.functions` of arrays that broadcast."""

    def make(*arrays: Array) -> Array:
        if len(arrays) != len(FUNCTIONS[name].arguments):
            raise UnsupportedError(f"{name} takes {len(FUNCTIONS[name].arguments)} arguments, got {len(arrays)}")
        nodes, _, axes = joined(arrays, name)
        return Array(functions.applied(name, *nodes), axes)

    return make


def _add(weights: Sequence[int]) -> Callable[..., Array]:
    def make(*arrays: Array) -> Array:
        nodes, shape, axes = joined(arrays, "+" if weights[-1] > 0 else "-")
        return Array(build.add(zip(weights, nodes, strict=True), shape), axes)

    return make


def _multiply(a: Array, b: Array) -> Array:
    nodes, shape, axes = joined((a, b), "*")
    dims_ = dict(enumerate(shape))
    factors = [(n, range(len(shape)) if n.shape else ()) for n in nodes]
    return Array(build.contract(ONE, factors, range(len(shape)), dims_), axes)


def _divide(a: Array, b: Array) -> Array:
    if isinstance(b.node, Number):
        if b.node.value == 0:
            raise DomainError("division by the constant 0")
        return _multiply(a, Array(Number(1 / b.node.value)))
    return _multiply(a, Array(build.power(b.node, -1), b.axes))


def _power(a: Array, b: Array) -> Array:
    if isinstance(b.node, Number):
        if isinstance(a.node, Number) and a.node.value == 0 and b.node.value.is_negative:
            raise DomainError("0 to a negative power")
        return Array(build.power(a.node, b.node.value), a.axes)
    return elementwise("power")(a, b)


def _numeric(function: Callable[[Expr], Expr], otherwise: Callable[..., Array]) -> Callable[..., Array]:
    """Constants stay constants: np.sqrt(n), np.exp(1)."""

    def make(a: Array) -> Array:
        if isinstance(a.node, Number):
            return Array(Number(function(a.node.value)))
        return otherwise(a)

    return make


def where(condition: Any, x: Any = None, y: Any = None) -> Array:
    """``np.where`` with three arguments."""
    if x is None or y is None:
        raise UnsupportedError("np.where is read with three arguments: np.where(condition, a, b)")
    return case_of(as_array(condition), as_array(x), as_array(y))


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, min: Any = None, max: Any = None) -> Array:
    """``np.clip``."""
    no_extras("np.clip", out=out)
    low = min if a_min is None or a_min is np._NoValue else a_min
    high = max if a_max is None or a_max is np._NoValue else a_max
    result = as_array(a)
    ends = [as_array(e).node for e in (low, high) if e is not None and e is not np._NoValue]
    if len(ends) == 2 and all(isinstance(e, Number) and e.value.is_number for e in ends):
        return Array(build.apply("clip", result.node, *ends), result.axes)
    if low is not None and low is not np._NoValue:
        result = UFUNCS["maximum"](result, as_array(low))
    if high is not None and high is not np._NoValue:
        result = UFUNCS["minimum"](result, as_array(high))
    return result


def polygamma(n: Any, x: Any) -> Array:
    """The n-th derivative of digamma; ``scipy.special.polygamma`` for symbolic arrays, n a constant integer >= 0.

    >>> import symderive as sd
    >>> print(polygamma(1, sd.array("x")))
    polygamma(1, x)
    """
    return UFUNCS["polygamma"](as_array(n), as_array(x))


def rounded(a: Any, decimals: Any = 0, out: Any = None) -> Array:
    """``np.round``: to the nearest integer (of two the even one), or to a number of decimals."""
    no_extras("np.round", out=out)
    if isinstance(decimals, bool) or not isinstance(decimals, int | np.integer):
        raise UnsupportedError(f"np.round is read with an integer of decimals, got {decimals!r}")
    if decimals == 0:
        return UFUNCS["rint"](as_array(a))
    scale = as_array(Integer(10) ** int(decimals))
    return UFUNCS["rint"](as_array(a) * scale) / scale


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    """``np.select``: the choice of the first condition that holds, else the default."""
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise ShapeError(f"np.select needs a choice for each condition, got {len(conditions)} and {len(choices)}")
    result = as_array(default)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """``np.piecewise``: functions (or constants) by conditions, the last one that holds; else a default or 0."""
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    pieces = list(funclist)
    if len(pieces) not in (len(conditions), len(conditions) + 1):
        raise ShapeError(f"np.piecewise needs {len(conditions)} functions, or one more for the rest, got {len(pieces)}")
    values = [piece(x, *args, **kw) if callable(piece) else piece for piece in pieces]
    result = values.pop() if len(values) > len(conditions) else 0
    for condition, value in zip(conditions, values, strict=True):
        result = where(condition, value, result)
    return as_array(result)


def _is_truth(node: Node) -> bool:
    """Whether a node is of truth values: comparisons, and what and, or and not make of them."""
    match node:
        case Named():
            return _is_truth(node.body)
        case Number():
            return node.value in (0, 1)
        case Map(function="maximum"):
            return all(map(_is_truth, node.arguments))
        case Map():
            return FUNCTIONS[node.function].mask
        case Contraction():
            return node.coefficient == 1 and not node.bound and all(_is_truth(f) for f, _ in node.factors)
        case Sum():
            (one, first), *rest = node.terms
            plain = isinstance(first, Contraction) and not first.factors and not first.bound
            plain = plain or first is Number(ONE)
            return plain and one == 1 and [w for w, _ in rest] == [-1] and _is_truth(rest[0][1])
    return False


def _truth(a: Array) -> Array:
    """NumPy's truth of numbers: 1 where they are not 0."""
    return a if _is_truth(a.node) else UFUNCS["not_equal"](a, as_array(0))


def _negated(a: Array) -> Array:
    opposite = {"lt": "greater_equal", "le": "greater", "eq": "not_equal", "ne": "equal"}
    if isinstance(a.node, Map) and a.node.function in opposite:
        x, y = (Array(n, a.axes if n.shape else ()) for n in a.node.arguments)
        return UFUNCS[opposite[a.node.function]](x, y)
    return 1 - a


def _logical(combine: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *arrays: combine(*map(_truth, arrays))


def _bitwise(sign: str, combine: Callable[..., Array]) -> Callable[..., Array]:
    def make(*arrays: Array) -> Array:
        for a in arrays:
            if not _is_truth(a.node):
                raise UnsupportedError(
                    f"{sign} is read between comparisons, and {a} is none; comparisons need brackets: "
                    f"{'~(a < b)' if sign == '~' else f'(a < b) {sign} (c < d)'}"
                )
        return combine(*arrays)

    return make


def _box_cox(x: Array, lmbda: Array) -> Array:
    if isinstance(lmbda.node, Number) and lmbda.node.value == 0:
        return UFUNCS["log"](x)
    return elementwise("boxcox")(x, lmbda)


def _inverse_box_cox(x: Array, lmbda: Array) -> Array:
    if isinstance(lmbda.node, Number) and lmbda.node.value == 0:
        return UFUNCS["exp"](x)
    return elementwise("inv_boxcox")(x, lmbda)


def _scaled(factor: Expr) -> Callable[..., Array]:
    return lambda a: _multiply(a, Array(Number(factor)))


def _normal(of: Callable[[Array], Array], density: int = 0) -> Callable[..., Array]:
    """A function of scipy.stats.norm from that of (x - loc)/scale; densities divide by the scale, logs subtract."""

    def make(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
        x, loc, scale = as_array(x), as_array(loc), as_array(scale)
        shifted = x if loc.node is Number(ZERO) else x - loc
        plain = scale.node is Number(ONE)
        value = of(shifted if plain else shifted / scale)
        if plain or not density:
            return value
        return value / scale if density > 0 else value - np.log(scale)

    return make


def _quantile(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    standard = UFUNCS["ndtri"](as_array(q))
    return as_array(loc) + as_array(scale) * standard


NORMAL: dict[str, Callable[..., Array]] = {
    "pdf": _normal(lambda z: np.exp(-(z**2) / 2) / Array(Number(sqrt(2 * pi))), 1),
    "logpdf": _normal(lambda z: -(z**2) / 2 - Array(Number(log(2 * pi) / 2)), -1),
    "cdf": _normal(lambda z: UFUNCS["ndtr"](z)),
    "logcdf": _normal(lambda z: UFUNCS["log_ndtr"](z)),
    "sf": _normal(lambda z: UFUNCS["ndtr"](-z)),
    "logsf": _normal(lambda z: UFUNCS["log_ndtr"](-z)),
    "ppf": _quantile,
}
"""The methods of ``scipy.stats.norm`` that text and functions may call, with ``loc`` and ``scale``."""


def _flip(name: str) -> Callable[..., Array]:
    make = elementwise(name)
    return lambda a, b: make(b, a)


UFUNCS.update(
    {
        **{name: elementwise(name) for name in FUNCTIONS if name not in ("where", "clip")},
        "add": _add((1, 1)),
        "subtract": _add((1, -1)),
        "negative": _add((-1,)),
        "positive": lambda a: a.copy(),
        "multiply": _multiply,
        "divide": _divide,
        "true_divide": _divide,
        "power": _power,
        "float_power": _power,
        "square": lambda a: _power(a, Array(Number(Integer(2)))),
        "sqrt": lambda a: _power(a, Array(Number(Rational(1, 2)))),
        "reciprocal": lambda a: _divide(as_array(1), a),
        "exp": _numeric(lambda v: exp(v), elementwise("exp")),
        "exp2": _numeric(lambda v: Integer(2) ** v, elementwise("exp2")),
        "exp10": _numeric(lambda v: Integer(10) ** v, elementwise("exp10")),
        "floor": _numeric(floor, elementwise("floor")),
        "ceil": _numeric(ceiling, elementwise("ceil")),
        "absolute": elementwise("abs"),
        "fabs": elementwise("abs"),
        "fmax": elementwise("maximum"),
        "fmin": elementwise("minimum"),
        "matmul": matmul,
        "matvec": lambda a, b: einsum("...ij,...j->...i", a, b),
        "vecmat": lambda a, b: einsum("...i,...ij->...j", a, b),
        "vecdot": lambda a, b: sum_(a * b, axis=-1),
        "less": elementwise("lt"),
        "less_equal": elementwise("le"),
        "greater": _flip("lt"),
        "greater_equal": _flip("le"),
        "equal": elementwise("eq"),
        "not_equal": elementwise("ne"),
        "psi": elementwise("digamma"),
        "round": elementwise("rint"),
        "boxcox": _box_cox,
        "inv_boxcox": _inverse_box_cox,
        "floor_divide": lambda a, b: UFUNCS["floor"](_divide(a, b)),
        "deg2rad": _scaled(pi / 180),
        "radians": _scaled(pi / 180),
        "rad2deg": _scaled(180 / pi),
        "degrees": _scaled(180 / pi),
        "logical_and": _logical(_multiply),
        "logical_or": _logical(elementwise("maximum")),
        "logical_xor": _logical(elementwise("ne")),
        "logical_not": _logical(_negated),
        "bitwise_and": _bitwise("&", _multiply),
        "bitwise_or": _bitwise("|", elementwise("maximum")),
        "bitwise_xor": _bitwise("^", elementwise("ne")),
        "invert": _bitwise("~", _negated),
        "conjugate": lambda a: a.copy(),
    }
)

ARRAY_FUNCTIONS.update(
    {
        np.where: where,
        np.clip: clip,
        np.select: select,
        np.piecewise: piecewise,
        np.round: rounded,
        np.around: rounded,
        np.fix: lambda x, out=None: UFUNCS["trunc"](as_array(x)),
        np.sinc: lambda x: UFUNCS["sinc"](as_array(x)),
        np.i0: lambda x: UFUNCS["i0"](as_array(x)),
    }
)
