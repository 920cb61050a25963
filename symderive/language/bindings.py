"""Derivatives at a point, integrals and sums over integers: made, opened, and said in NumPy's words.

A `Binding` holds its function as a closed template (see ``nodes``); this is the only place that
makes one or puts variables back into it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from sympy import S

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import Array, as_array
from symderive.language.domains import Domain, Entries, real
from symderive.language.nodes import Binding, Leaf, Node, slot

MOST_ORDERS = 8
"""How often a claim may differentiate."""

INFINITE = (S.Infinity, math.inf)
_integers = Domain(Entries(integer=True), (), "integers(-oo, oo)")
_places = count()


def bound_leaf(name: str, kind: str = "integral") -> Leaf:
    """A new leaf for a variable that will be bound; no declared array is called so."""
    return Leaf(f"{name}·{next(_places)}", (), _integers if kind == "series" else real)


def _template(body: Node, bound: Sequence[Leaf]) -> tuple[Node, tuple[Node, ...]]:
    if body.shape:
        raise ShapeError("a derivative, integral or sum over integers is read of scalars; index or sum the array first")
    arguments = tuple(leaf for leaf in body.leaves() if leaf not in bound)
    slots = {leaf: slot(k, leaf.shape) for k, leaf in enumerate((*bound, *arguments))}
    return build.substitute(body, slots), arguments


def _shown(leaf: Leaf) -> str:
    return leaf.name.split("·")[0] or "t"


def derivative_node(body: Node, orders: Mapping[Leaf, int], at: Sequence[Node] | None = None) -> Node:
    """``∂^orders body``, at the leaves themselves or at a point."""
    bound = tuple(orders)
    total = sum(orders.values())
    if not bound or any(n < 1 for n in orders.values()):
        raise UnsupportedError("a derivative is of order 1 or more")
    if total > MOST_ORDERS:
        raise UnsupportedError(f"derivatives up to order {MOST_ORDERS} are read, this is of order {total}")
    if any(leaf.shape for leaf in bound):
        raise ShapeError("a derivative is read by scalars; for arrays use sd.gradient or sd.jacobian")
    template, arguments = _template(body, bound)
    point = tuple(bound if at is None else at)
    names = tuple(_shown(leaf) for leaf in bound)
    return Binding("derivative", template, names, point, (), tuple(orders.values()), arguments)


def range_node(kind: str, body: Node, variable: Leaf, low: Node | None, high: Node | None) -> Node:
    """The integral, or the sum over integers (``kind`` "series"), from ``low`` to ``high`` (None: infinite)."""
    template, arguments = _template(body, (variable,))
    if any(end is not None and end.shape for end in (low, high)):
        raise ShapeError("the ends of an integral or a sum are scalars")
    return Binding(kind, template, (_shown(variable),), (low,), (high,), (), arguments)


def opened(node: Binding, variables: Sequence[Node]) -> Node:
    """The function under the binding, at given bound variables and the binding's own arguments."""
    return build.substitute(node.body, dict(zip(node.slots, (*variables, *node.arguments), strict=True)))


def variables_of(node: Binding) -> tuple[Leaf, ...]:
    """New leaves for the bound variables."""
    return tuple(bound_leaf(name, node.kind) for name in node.names)


# -- the public functions -------------------------------------------------------------------------


def _variable(x: Any, what: str) -> Leaf:
    made = as_array(x).node
    if not isinstance(made, Leaf) or made.shape:
        raise UnsupportedError(f"{what} is by a declared scalar such as sd.array('x'), got {x!r:.60}")
    return made


def _end(value: Any, sign: int) -> Node | None:
    """An end of a range; None for the infinity that is on its side."""
    if isinstance(value, float) or value in (S.Infinity, S.NegativeInfinity):
        if (value in INFINITE and sign > 0) or (value in (-math.inf, S.NegativeInfinity) and sign < 0):
            return None
        if not math.isfinite(float(value)):
            raise UnsupportedError(f"a range that {'ends' if sign > 0 else 'begins'} at {value} is not read")
    return as_array(value).node


def derivative(f: Any, x: Any, n: int = 1, *more: Any, at: Any = None) -> Array:
    """The derivative of a scalar by a scalar, as a part of a formula: nothing is worked out.

    ``derivative(f, x)``, ``derivative(f, x, 2)``, mixed ``derivative(f, x, 1, y, 1)``; ``at`` is the
    point (a tuple for several variables), the variables themselves by default.  Raises
    `UnsupportedError` for orders above 8 and for what is no declared scalar.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> print(sd.derivative(x**3, x, at=2))
    sd.derivative(x**3, x, at=2)
    >>> sd.check(sd.derivative(x**3, x), "==", 3 * x**2).status.value
    'proved'
    """
    parts = [x, n, *more]
    if len(parts) % 2:
        parts.append(1)
    orders: dict[Leaf, int] = {}
    for variable, order in zip(parts[::2], parts[1::2], strict=True):
        leaf = _variable(variable, "a derivative")
        orders[leaf] = orders.get(leaf, 0) + int(order)
    points = None
    if at is not None:
        listed = at if isinstance(at, tuple | list) else (at,)
        if len(listed) != len(orders):
            raise ShapeError(f"the point of a derivative by {len(orders)} variables has {len(listed)} coordinates")
        points = [as_array(v).node for v in listed]
    return Array(derivative_node(as_array(f).node, orders, points))


def integral(f: Any, x: Any, low: Any, high: Any) -> Array:
    """The integral of a scalar over a scalar, from ``low`` to ``high`` (``±np.inf`` for an infinite end).

    ``x`` is bound: outside of the integral its name means nothing.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x")
    >>> print(sd.integral(np.exp(-x), x, 0, np.inf))
    sd.integral(np.exp(-x), x, 0, inf)
    """
    return Array(range_node("integral", as_array(f).node, _variable(x, "an integral"), _end(low, -1), _end(high, 1)))


def series(f: Any, k: Any, low: Any, high: Any) -> Array:
    """The sum of a scalar over the integers k from ``low`` to ``high`` (``np.inf`` for a series).

    ``k`` is bound.  The ends are integers; ``high == low - 1`` is the empty sum, 0.

    >>> import numpy as np, symderive as sd
    >>> k = sd.array("k", domain=sd.integers(0, 10))
    >>> print(sd.series(1 / 2**k, k, 0, np.inf))
    sd.series(1 / 2**k, k, 0, inf)
    """
    return Array(range_node("series", as_array(f).node, _variable(k, "a sum"), _end(low, -1), _end(high, 1)))


__all__ = [
    "bound_leaf",
    "derivative",
    "derivative_node",
    "integral",
    "opened",
    "range_node",
    "series",
    "variables_of",
]
