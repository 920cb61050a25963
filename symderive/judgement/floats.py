"""Formulas of scalars in floating point, many points at once: guidance for searches, never evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from scipy import special

from symderive.errors import UnsupportedError
from symderive.language.functions import function
from symderive.language.nodes import Contraction, Leaf, Map, Named, Node, Number, Sum

FAR_BELOW = -1e4
"""From here on to the left SciPy takes the polygamma functions one pole at a time: hours at -1e12."""


def polygamma(order: int, values: Any) -> Any:
    """The polygamma function, nan far below 0, where SciPy's takes a time proportional to the distance.

    >>> float(polygamma(1, 1.0)), float(polygamma(1, -1e9 + 0.5))
    (1.6449340668482266, nan)
    """
    return np.where(np.less(values, FAR_BELOW), np.nan, special.polygamma(order, np.maximum(values, FAR_BELOW)))


def _callable(name: str) -> Callable[..., Any]:
    """A function of NumPy or SciPy by the name that generated code gives it."""
    if name == "polygamma":
        return polygamma
    if name.startswith("np."):
        return getattr(np, name.removeprefix("np."))
    found = getattr(import_module("scipy.special"), name, None)
    if found is None:
        raise UnsupportedError(f"{name} is not evaluated in floating point")
    return found


class Floats:
    """Nodes of scalars, ready to be evaluated at columns of points.

    Raises `UnsupportedError` for nodes that are no formulas of scalars.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> Floats([(x * x + 1).node])({x.node: np.array([1.0, 2.0])})
    [array([2., 5.])]
    """

    def __init__(self, roots: Sequence[Node]) -> None:
        self.roots = tuple(roots)
        order: dict[Node, None] = {}
        for root in roots:
            for node in root.walk():
                order[node] = None
        self.steps = [(node, _step(node)) for node in order]
        self.sizes: list[np.ndarray] = []

    def __call__(self, points: Mapping[Leaf, np.ndarray]) -> list[np.ndarray]:
        """The values of the roots: one array for each, nan where there is none.

        ``sizes`` then holds, for each root, the sum of the absolute values of what is added up in it:
        rounding errors are a small part of that.
        """
        count = len(next(iter(points.values()))) if points else 1
        values: dict[Node, Any] = {}
        with np.errstate(all="ignore"):
            for node, step in self.steps:
                values[node] = points[node] if isinstance(node, Leaf) else step([values[c] for c in node.children])
            self.sizes = [np.broadcast_to(np.asarray(_size(r, values), float), (count,)) for r in self.roots]
        return [np.broadcast_to(np.asarray(values[root], dtype=float), (count,)) for root in self.roots]


def _step(node: Node) -> Callable[[list[Any]], Any]:
    match node:
        case Leaf() if not node.shape:
            return lambda inner: inner
        case Number(value=value) if value.is_real and not value.free_symbols:
            number = float(value)
            return lambda inner: number
        case Named():
            return lambda inner: inner[0]
        case Sum() if not node.shape and all(not w.free_symbols for w, _ in node.terms):
            weights = [float(w) for w, _ in node.terms]
            return lambda inner: sum(w * v for w, v in zip(weights, inner, strict=True))
        case Contraction() if not node.label_dims and not node.coefficient.free_symbols:
            coefficient = float(node.coefficient)
            return lambda inner: _product(coefficient, inner)
        case Map() if not node.shape:
            return _map(node)
    raise UnsupportedError(f"a {type(node).__name__} is not evaluated in floating point")


def _size(node: Node, values: Mapping[Node, Any]) -> Any:
    """The absolute values of the terms of a sum, and of sums among the factors of a product."""
    match node:
        case Named():
            return _size(node.body, values)
        case Sum():
            return sum(abs(float(w)) * _size(t, values) for w, t in node.terms)
        case Contraction():
            return _product(abs(float(node.coefficient)), [_size(f, values) for f, _ in node.factors])
        case Map(function="power", arguments=(base, Number(value=k))) if k.is_Integer and k.is_positive:
            return _size(base, values) ** int(k)
        case Map(function="abs", arguments=(inner,)):
            return _size(inner, values)
    return np.abs(values[node])


def _product(coefficient: float, inner: list[Any]) -> Any:
    result: Any = coefficient
    for value in inner:
        result = result * value
    return result


def _map(node: Map) -> Callable[[list[Any]], Any]:
    row = function(node.function)
    call = np.float_power if node.function == "power" else _callable(row.numpy)
    if row.orders:
        order = node.arguments[0]
        if not (isinstance(order, Number) and order.value.is_Integer):
            raise UnsupportedError(f"{node.function} of an order that is no constant")
        return lambda inner: call(int(inner[0]), *inner[1:])
    if node.function == "where":
        return lambda inner: np.where(np.asarray(inner[0]) != 0, inner[1], inner[2])
    if row.mask:
        return lambda inner: np.asarray(call(*inner), dtype=float)
    return lambda inner: call(*inner)


__all__ = ["Floats", "polygamma"]
