"""Calls in text that bind a variable: ``sd.integral(exp(-x), x, 0, inf)``, and SymPy's spellings of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Protocol

from sympy import Integer

from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.bindings import bound_leaf, derivative_node, range_node
from symderive.language.nodes import Leaf, Node, Number

SPELLINGS: Mapping[str, str] = {
    **dict.fromkeys(("sd.derivative", "derivative", "Derivative", "sp.Derivative"), "derivative"),
    **dict.fromkeys(("sd.integral", "integral", "Integral", "integrate", "sp.Integral"), "integral"),
    **dict.fromkeys(("sd.series", "series", "Sum", "sp.Sum"), "series"),
    **dict.fromkeys(("Subs", "sp.Subs"), "subs"),
}
"""What the calls are written as, and the kind of binding that each makes."""

_INFINITE = frozenset({"inf", "oo", "np.inf", "numpy.inf", "math.inf"})


class Reader(Protocol):
    """What of a text reader the calls need."""

    scope: dict[str, Array]

    def refuse(self, problem: str, node: ast.AST) -> Exception:
        """The error for a part of the text."""
        ...

    def array(self, node: ast.expr) -> Array:
        """An expression as an array."""
        ...

    def made(self, node: ast.AST, make: Any) -> Any:
        """What a maker makes, its errors placed in the text."""
        ...


def spelled(node: ast.Call) -> str | None:
    """The kind of binding that a call makes, if it makes one."""
    return SPELLINGS.get(ast.unparse(node.func)) if isinstance(node.func, ast.Name | ast.Attribute) else None


def read_binding(reader: Reader, node: ast.Call, kind: str) -> Array:
    """A call that binds a variable, read with the variable in scope; nothing is executed."""
    if not node.args:
        raise reader.refuse(f"{kind} needs a formula and a variable", node)
    if kind == "subs":
        return _subs(reader, node)
    if kind == "derivative":
        return _derivative(reader, node)
    if node.keywords:
        raise reader.refuse(f"{kind} takes no keywords", node)
    body, *rest = node.args
    limits = [_limit(reader, part) for part in rest] if rest and isinstance(rest[0], ast.Tuple) else [tuple(rest)]
    if any(len(limit) != 3 for limit in limits) or not limits:
        raise reader.refuse(f"{kind} needs a variable and its two ends, e.g. {kind}(f, x, 0, 1)", node)
    return _ranges(reader, node, kind, body, limits[::-1])


def _limit(reader: Reader, part: ast.expr) -> tuple[ast.expr, ...]:
    if not isinstance(part, ast.Tuple):
        raise reader.refuse("the variable and its ends stand together, e.g. (x, 0, 1)", part)
    return tuple(part.elts)


def _name(reader: Reader, node: ast.expr) -> str:
    if not isinstance(node, ast.Name):
        raise reader.refuse("the variable must be a name", node)
    return node.id


def _within(reader: Reader, names: Mapping[str, Array], body: ast.expr) -> Node:
    """A formula read with some names meaning bound variables."""
    before = dict(reader.scope)
    reader.scope.update(names)
    try:
        return reader.array(body).node
    finally:
        reader.scope.clear()
        reader.scope.update(before)


def _ranges(
    reader: Reader, node: ast.Call, kind: str, body: ast.expr, limits: list[tuple[ast.expr, ...]]
) -> Array:
    """The outermost variable first; inner ends may depend on outer variables."""
    variable, low, high = limits[0]
    ends = [None if _is_infinite(e, s) else reader.array(e).node for e, s in ((low, -1), (high, 1))]
    name = _name(reader, variable)
    leaf = bound_leaf(name, kind)
    inner = {name: Array(leaf)}
    if limits[1:]:
        before = dict(reader.scope)
        reader.scope.update(inner)
        try:
            made = _ranges(reader, node, kind, body, limits[1:]).node
        finally:
            reader.scope.clear()
            reader.scope.update(before)
    else:
        made = _within(reader, inner, body)
    return reader.made(node, lambda: Array(range_node(kind, made, leaf, *ends)))


def _is_infinite(node: ast.expr, sign: int) -> bool:
    """Whether an end is the infinity on its own side."""
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    return ast.unparse(inner) in _INFINITE and negative == (sign < 0)


def _order(reader: Reader, node: ast.expr) -> int:
    value = reader.array(node).node
    if not isinstance(value, Number) or not isinstance(value.value, Integer):
        raise reader.refuse("the order of a derivative is a constant integer", node)
    return int(value.value)


def _derivative(reader: Reader, node: ast.Call) -> Array:
    body, *rest = node.args
    at = [w.value for w in node.keywords if w.arg == "at"]
    if len(at) != len(node.keywords):
        raise reader.refuse("a derivative takes the keyword at only", node)
    orders: dict[str, int] = {}
    flat = [e for part in rest for e in (part.elts if isinstance(part, ast.Tuple) else [part])]
    while flat:
        variable = flat.pop(0)
        name = _name(reader, variable)
        counted = bool(flat) and not (isinstance(flat[0], ast.Name) and not _is_number(reader, flat[0]))
        orders[name] = orders.get(name, 0) + (_order(reader, flat.pop(0)) if counted else 1)
    if not orders:
        raise reader.refuse("a derivative needs a variable, e.g. sd.derivative(f, x)", node)
    if at:
        points = at[0].elts if isinstance(at[0], ast.Tuple) else [at[0]]
        if len(points) != len(orders):
            raise reader.refuse("the point needs one coordinate for each variable", at[0])
        leaves = {name: bound_leaf(name) for name in orders}
        inner = _within(reader, {name: Array(leaf) for name, leaf in leaves.items()}, body)
        where = [reader.array(p).node for p in points]
    else:
        leaves = {}
        for variable in [e for part in rest for e in (part.elts if isinstance(part, ast.Tuple) else [part])]:
            if isinstance(variable, ast.Name) and variable.id in orders:
                found = reader.array(variable).node
                if not isinstance(found, Leaf):
                    raise reader.refuse("a derivative is by a declared scalar", variable)
                leaves[variable.id] = found
        inner, where = reader.array(body).node, None
    by = {leaves[name]: order for name, order in orders.items()}
    return reader.made(node, lambda: Array(derivative_node(inner, by, where)))


def _is_number(reader: Reader, node: ast.Name) -> bool:
    found = reader.scope.get(node.id)
    return found is not None and isinstance(found.node, Number)


def _subs(reader: Reader, node: ast.Call) -> Array:
    """``Subs(f, x, a)``: the formula with a value put in for its variable, after any derivative in it."""
    from_parts = [part.elts if isinstance(part, ast.Tuple) else [part] for part in node.args[1:]]
    if len(from_parts) != 2 or len(from_parts[0]) != len(from_parts[1]) or node.keywords:
        raise reader.refuse("Subs takes a formula, its variable and a value", node)
    leaves = {_name(reader, v): bound_leaf(_name(reader, v)) for v in from_parts[0]}
    inner = _within(reader, {name: Array(leaf) for name, leaf in leaves.items()}, node.args[0])
    values = [reader.array(v).node for v in from_parts[1]]
    return reader.made(node, lambda: Array(build.substitute(inner, dict(zip(leaves.values(), values, strict=True)))))


__all__ = ["SPELLINGS", "read_binding", "spelled"]
