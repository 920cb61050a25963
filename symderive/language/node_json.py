"""Nodes as JSON: a list in which each refers to earlier ones by position, checked when read.

Shared parts are written once and come back shared: the nodes that are read are the very objects
that were written.  Numbers in the dimensions have a small encoding of their own; nothing is ever
evaluated.  `NodeWriter` and `NodeReader` are what documents with nodes in them build on; a
`Value` is a part of a document that knows its path, so that a damaged file gives one `ReadError`
that says where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Add, E, Expr, Integer, Mul, Pow, Rational, S, Symbol, pi

from symderive.errors import ReadError, SymderiveError
from symderive.language import domains
from symderive.language.arrays import Array, check_name, dimension_symbol
from symderive.language.domains import Domain, Entries
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    KINDS_OF_BINDING,
    ON_MATRICES,
    ON_VECTORS,
    SLOT,
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
    Shape,
    Slice,
    Sum,
    slot,
)
from symderive.language.statements import RELATIONS, Relation

__all__ = ["NodeReader", "NodeWriter", "Value", "guarded"]

#: Deepest nesting of a number, and most characters of a document, that are read.
DEEPEST, LONGEST = 50, 50_000_000
#: Most bits of a power that is read.
LARGEST = 100_000

_CONSTANTS: dict[str, Expr] = {"pi": pi, "e": E, "inf": S.Infinity, "-inf": S.NegativeInfinity}
_APPLIED: dict[str, Callable[..., Any]] = {
    name: getattr(sympy, name)
    for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "Abs", "gamma", "loggamma", "floor",
                 "ceiling", "factorial", "Max", "Min", "sign", "erf")
}  # fmt: skip
_STRUCTURES = frozenset(
    name for value in vars(domains).values() if isinstance(value, Domain) for name, _ in value.structures
)
_SQUARE = frozenset(("inv", "det", "logabsdet", "signdet", "cholesky", "eigvalsh", "eigvecs"))
_FIELDS = ("low", "high", "low_open", "high_open", "integer", "nonzero")


# -- writing ------------------------------------------------------------------------------------


@dataclass
class NodeWriter:
    """Writes nodes into one list; what is returned refers to it."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    places: dict[Node, int] = field(default_factory=dict)

    def node(self, root: Node) -> int:
        for node in root.walk():
            if node not in self.places:
                if isinstance(node, Binding):
                    self.node(node.body)
                self.nodes.append(self._node(node))
                self.places[node] = len(self.nodes) - 1
        return self.places[root]

    def _node(self, node: Node) -> dict[str, Any]:
        at = self.places
        match node:
            case Leaf() if node.name.startswith(SLOT):
                return {"slot": int(node.name.removeprefix(SLOT)), "shape": _exprs(node.shape)}
            case Leaf():
                return {"leaf": node.name, "shape": _exprs(node.shape), "domain": _domain(node.domain)}
            case Number():
                return {"number": _expr(node.value)}
            case Delta():
                return {"delta": _expr(node.dim)}
            case Basis():
                return {"basis": _expr(node.dim), "index": _expr(node.index)}
            case Range():
                return {"range": _expr(node.dim)}
            case Slice():
                ends = {"count": _expr(node.count), "start": _expr(node.start), "step": _expr(node.step)}
                return {"slice": _expr(node.size), **ends}
            case Merge():
                return {"merge": _exprs((node.first, node.second))}
            case Contraction():
                return {
                    "contraction": [[at[f], list(labels)] for f, labels in node.factors],
                    "coefficient": _expr(node.coefficient),
                    "rank": node.out_rank,
                    "dims": _exprs(node.label_dims),
                }
            case Sum():
                return {"sum": [[_expr(weight), at[term]] for weight, term in node.terms]}
            case Map():
                return {"map": node.function, "arguments": [at[a] for a in node.arguments]}
            case Opaque():
                return {"opaque": node.function, "arguments": [at[a] for a in node.arguments]}
            case Named():
                return {"named": node.name, "body": at[node.body]}
            case Binding():
                ends = {side: [None if e is None else at[e] for e in getattr(node, side)] for side in ("low", "high")}
                return {
                    "binding": node.kind,
                    "body": at[node.body],
                    "names": list(node.names),
                    "orders": list(node.orders),
                    "arguments": [at[a] for a in node.arguments],
                    **ends,
                }
            case Differential():
                return {"differential": at[node.body]}
        raise ReadError(f"JSON has no form for a {type(node).__name__}")

    def number(self, value: Expr) -> Any:
        """A number in the dimensions."""
        return _expr(value)

    def domain(self, domain: Domain) -> dict[str, Any]:
        """A domain by what it contains."""
        return _domain(domain)

    def array(self, array: Array) -> dict[str, Any]:
        return {"node": self.node(array.node), "axes": list(array.axes)}

    def relation(self, relation: Relation) -> list[Any]:
        return [self.node(relation.lhs), relation.op, self.node(relation.rhs)]


def _exprs(values: Shape) -> list[Any]:
    return [_expr(v) for v in values]


def _expr(value: Expr) -> Any:
    """An integer as it is, a dimension by name, the rest as ``[head, ...]``."""
    if isinstance(value, Integer):
        return int(value)
    if isinstance(value, Rational):
        return ["/", int(value.p), int(value.q)]
    if isinstance(value, Symbol):
        return value.name
    for name, constant in _CONSTANTS.items():
        if value == constant:
            return [name]
    for head, kind in (("+", Add), ("*", Mul), ("^", Pow)):
        if isinstance(value, kind):
            return [head, *(_expr(a) for a in value.args)]  # type: ignore[arg-type]
    name = type(value).__name__
    if name in _APPLIED:
        return [name, *(_expr(a) for a in value.args)]  # type: ignore[arg-type]
    raise ReadError(f"JSON has no form for the number {value}")


def _domain(domain: Domain) -> dict[str, Any]:
    entries = domain.entries
    out: dict[str, Any] = {"text": domain.text}
    default = Entries()
    for name in _FIELDS:
        value = getattr(entries, name)
        if value != getattr(default, name):
            out[name] = _expr(value) if isinstance(value, Expr) else value
    if entries.values is not None:
        out["values"] = _exprs(entries.values)
    if domain.structures:
        out["structures"] = [list(s) for s in domain.structures]
    return out


# -- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """A part of the document and its path."""

    value: Any
    path: str

    def fail(self, problem: str) -> ReadError:
        return ReadError(f"{self.path}: {problem}")

    def __getitem__(self, key: str) -> Value:
        found = self.get(key)
        if found is None:
            raise self.fail(f"has no {key!r}")
        return found

    def get(self, key: str) -> Value | None:
        return Value(self.mapping()[key], f"{self.path}.{key}") if key in self.mapping() else None

    def mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.fail("must be an object")
        return self.value

    def items(self) -> list[Value]:
        if not isinstance(self.value, list):
            raise self.fail("must be a list")
        return [Value(v, f"{self.path}[{k}]") for k, v in enumerate(self.value)]

    def pair(self, count: int = 2) -> list[Value]:
        items = self.items()
        if len(items) != count:
            raise self.fail(f"must have {count} entries, has {len(items)}")
        return items

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail("must be a text")
        return self.value

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.fail("must be an integer")
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.fail("must be true or false")
        return self.value

    def optional(self, key: str) -> str:
        found = self.get(key)
        return "" if found is None else found.text()


def guarded(where: Value, make: Callable[[], Any]) -> Any:
    """What ``make`` makes; whatever goes wrong is said with the place."""
    try:
        return make()
    except ReadError:
        raise
    except (SymderiveError, KeyError, TypeError, ValueError, ArithmeticError, AttributeError, IndexError) as error:
        raise where.fail(f"{type(error).__name__}: {error}") from error


def _number(item: Value, depth: int = 0) -> Expr:
    if depth > DEEPEST:
        raise item.fail("is nested too deeply")
    if isinstance(item.value, str):
        return guarded(item, lambda: dimension_symbol(item.text()))
    if not isinstance(item.value, list):
        return Integer(item.integer())
    head, *rest = item.items() or [item]
    name = head.text() if rest or head is not item else ""
    if name in _CONSTANTS and not rest:
        return _CONSTANTS[name]
    if name == "/":
        _, p, q = item.pair(3)
        if q.integer() == 0:
            raise item.fail("a denominator is 0")
        return Rational(p.integer(), q.integer())
    arguments = [_number(r, depth + 1) for r in rest]
    if name in ("+", "*") and len(arguments) >= 2:
        return (Add if name == "+" else Mul)(*arguments)
    if name == "^" and len(arguments) == 2:
        base, exponent = arguments
        size = base.p * base.q if isinstance(base, Rational) else 1
        if isinstance(exponent, Rational) and int(size).bit_length() * abs(exponent.p) > LARGEST:
            raise item.fail("a power is too large")
        return Pow(base, exponent)
    if name in ("gamma", "loggamma", "factorial") and any(a.is_number and abs(a) > 1000 for a in arguments):
        raise item.fail(f"a value of {name} is too large")
    if name in _APPLIED and arguments:
        return guarded(item, lambda: _APPLIED[name](*arguments))
    raise item.fail(f"{name[:40]!r} is no number")


def _dimension(item: Value) -> Expr:
    value = _number(item)
    if not value.is_integer or (value.is_number and value < 1):
        raise item.fail(f"a dimension must be an integer >= 1, got {value}")
    return value


def _shape(item: Value) -> Shape:
    return tuple(_dimension(v) for v in item.items())


def _slice(item: Value, size: Expr) -> Slice:
    """A slice that lies in its axis, as far as that can be told without the sizes."""
    count, start, step = _dimension(item["count"]), _number(item["start"]), _number(item["step"])
    if not isinstance(step, Integer) or step == 0:
        raise item["step"].fail(f"the step of a slice must be an integer other than 0, got {step}")
    if not start.is_integer:
        raise item["start"].fail(f"a slice must start at an integer, got {start}")
    node = Slice(size, count, start, step)
    if any(end.is_negative or (size - 1 - end).is_negative for end in (start, node.last)):
        raise item.fail(f"the slice from {start} to {node.last} does not lie in an axis of size {size}")
    return node


def _read_domain(item: Value) -> Domain:
    fields: dict[str, Any] = {}
    for name in _FIELDS:
        found = item.get(name)
        if found is not None:
            fields[name] = _number(found) if name in ("low", "high") else found.boolean()
    values = item.get("values")
    if values is not None:
        fields["values"] = tuple(_number(v) for v in values.items())
    structures: list[tuple[str, int]] = []
    listed = item.get("structures")
    for structure in listed.items() if listed is not None else []:
        name, axis = structure.pair()
        if name.text() not in _STRUCTURES:
            raise name.fail(f"no structure is named {name.text()[:40]!r}")
        structures.append((name.text(), axis.integer()))
    return Domain(Entries(**fields), tuple(structures), item["text"].text())


@dataclass
class NodeReader:
    """Reads nodes back, in the order in which they were written."""

    nodes: list[Node] = field(default_factory=list)

    def ref(self, item: Value) -> Node:
        place = item.integer()
        if not 0 <= place < len(self.nodes):
            raise item.fail(f"refers to node {place}, and {len(self.nodes)} come before it")
        return self.nodes[place]

    def add(self, item: Value) -> None:
        self.nodes.append(guarded(item, lambda: self._node(item)))

    def _node(self, item: Value) -> Node:
        kinds = [
            k
            for k in (
                "slot",
                "binding",
                "leaf",
                "number",
                "delta",
                "basis",
                "range",
                "slice",
                "merge",
                "contraction",
                "sum",
                "map",
                "opaque",
                "named",
                "differential",
            )
            if k in item.mapping()
        ]
        if len(kinds) != 1:
            raise item.fail("is no node of a known kind")
        head = item[kinds[0]]
        match kinds[0]:
            case "slot":
                return slot(head.integer(), _shape(item["shape"]))
            case "binding":
                return self._binding(item, head)
            case "leaf":
                return Leaf(check_name(head.text()), _shape(item["shape"]), _read_domain(item["domain"]))
            case "number":
                return Number(_number(head))
            case "delta":
                return Delta(_dimension(head))
            case "basis":
                return Basis(_dimension(head), _number(item["index"]))
            case "range":
                return Range(_dimension(head))
            case "slice":
                return _slice(item, _dimension(head))
            case "merge":
                first, second = head.pair()
                return Merge(_dimension(first), _dimension(second))
            case "contraction":
                return self._contraction(item, head)
            case "sum":
                pairs = [entry.pair() for entry in head.items()]
                terms = tuple((_number(weight), self.ref(term)) for weight, term in pairs)
                if not terms or any(term.shape != terms[0][1].shape for _, term in terms):
                    raise head.fail("the terms of a sum must have one shape")
                return Sum(terms)
            case "map":
                return self._map(item, head)
            case "opaque":
                return self._opaque(item, head)
            case "named":
                return Named(check_name(head.text(), "a definition"), self.ref(item["body"]))
        return Differential(self.ref(head))

    def _binding(self, item: Value, head: Value) -> Node:
        kind = head.text()
        if kind not in KINDS_OF_BINDING:
            raise head.fail(f"no binding is named {kind[:40]!r}")
        names = tuple(check_name(name.text()) for name in item["names"].items())
        low, high = (
            tuple(None if end.value is None else self.ref(end) for end in item[side].items())
            for side in ("low", "high")
        )
        orders = tuple(order.integer() for order in item["orders"].items())
        arguments = tuple(self.ref(a) for a in item["arguments"].items())
        if kind == "derivative":
            fits = len(names) == len(low) == len(orders) > 0 and not high and None not in low and min(orders) > 0
        else:
            fits = len(names) == len(low) == len(high) == 1 and not orders
        made = Binding(kind, self.ref(item["body"]), names, low, high, orders, arguments)
        if not fits or made.body.shape or not set(made.body.leaves()) <= set(made.slots):
            raise item.fail(f"is no {kind}: its variables, ends and slots do not fit")
        return made

    def _opaque(self, item: Value, head: Value) -> Node:
        name = head.text()
        arguments = tuple(self.ref(a) for a in item["arguments"].items())
        if name not in ON_VECTORS and name not in ON_MATRICES:
            raise head.fail(f"no function of arrays is named {name[:40]!r}")
        if len(arguments) != 1:
            raise item.fail(f"{name} takes 1 argument, not {len(arguments)}")
        (shape,) = (a.shape for a in arguments)
        if len(shape) < (1 if name in ON_VECTORS else 2):
            raise item.fail(
                f"{name} takes a {'vector' if name in ON_VECTORS else 'matrix'}, not an array of rank {len(shape)}"
            )
        if name in _SQUARE and shape[-1] != shape[-2]:
            raise item.fail(f"{name} takes a square matrix, not one of {shape[-2]} by {shape[-1]}")
        return Opaque(name, arguments)

    def _map(self, item: Value, head: Value) -> Node:
        row = FUNCTIONS.get(head.text())
        arguments = tuple(self.ref(a) for a in item["arguments"].items())
        if row is None:
            raise head.fail(f"no function is named {head.text()[:40]!r}")
        if len(arguments) != len(row.arguments):
            raise item.fail(f"{row.name} takes {len(row.arguments)} arguments, not {len(arguments)}")
        if len({a.shape for a in arguments if a.shape}) > 1:
            raise item.fail("the arguments must have one shape, or be scalars")
        return Map(row.name, arguments)

    def _contraction(self, item: Value, head: Value) -> Node:
        dims = _shape(item["dims"])
        rank = item["rank"].integer()
        if not 0 <= rank <= len(dims):
            raise item["rank"].fail(f"must be between 0 and {len(dims)}")
        factors = []
        for entry in head.items():
            reference, listed = entry.pair()
            node = self.ref(reference)
            labels = tuple(label.integer() for label in listed.items())
            if len(labels) != node.rank or any(not 0 <= k < len(dims) for k in labels):
                raise listed.fail(f"must be {node.rank} labels below {len(dims)}")
            if any(node.shape[axis] != dims[k] for axis, k in enumerate(labels)):
                raise listed.fail("a label's dimension is not that of the axis")
            factors.append((node, labels))
        return Contraction(_number(item["coefficient"]), tuple(factors), rank, dims)

    def number(self, item: Value) -> Expr:
        """A number in the dimensions."""
        return _number(item)

    def array(self, item: Value) -> Array:
        node = self.ref(item["node"])
        axes = tuple(None if a.value is None else a.integer() for a in item["axes"].items())
        if sorted(a for a in axes if a is not None) != list(range(node.rank)):
            raise item["axes"].fail(f"must show each of the {node.rank} axes of the node once")
        return Array(node, axes)

    def relation(self, item: Value) -> Relation:
        left, op, right = item.pair(3)
        if op.text() not in RELATIONS:
            raise op.fail(f"must be one of {', '.join(RELATIONS)}")
        return Relation(self.ref(left), op.text(), self.ref(right))
