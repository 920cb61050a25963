"""What a claim may be written in, read into one relation over one set of declared arrays.

A side is an Array, a number, a SymPy expression, a text or a NumPy function; what is given may
also be a SymPy relation, a text ("p < q") or a comparison of arrays (``p < q``).  Text is read as
it stands and is never executed.  All sides share their names: an array that a text speaks of is
the one that the other side, ``shapes`` or ``domains`` declared.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Basic, Expr, preorder_traversal
from sympy.core.relational import Relational
from sympy.matrices import MatrixBase
from sympy.matrices.expressions import MatrixExpr

from symderive.derivation.derivation import Derivation
from symderive.errors import DomainError, ReadError, ShapeError, UnknownNameError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import Array, Dim, array, as_array, joined_nodes, shape_text
from symderive.language.domains import Domain, real
from symderive.language.nodes import Leaf, Map, Named, Node
from symderive.language.reading import declare, read_function, read_relation, read_shape, read_text
from symderive.language.statements import RELATIONS, Relation
from symderive.language.sympy_expectations import without_expectations
from symderive.language.sympy_input import bound_symbols, from_sympy_together, legal_names
from symderive.language.text_functions import PYTHON_ROWS, ROWS

MIRROR = {"==": "==", "!=": "!=", "<=": ">=", ">=": "<=", "<": ">", ">": "<"}
"""The relation that holds between the sides exchanged."""

_MASKS = {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_NAME = re.compile(r"(?<![\w.])([^\W\d]\w*)(?!\w)(\s*\()?(\s*=(?!=))?")
_TAKEN = frozenset(
    {"np", "numpy", "scipy", "special", "linalg", "sp", "sd", "symderive", "math", "pi", "where"}
    | {"e", "E", "I", "oo", "inf", "nan", "NaN", "Infinity", "infinity", "True", "False", "None"}
)
"""Names that never become scalars of their own."""

LONGEST_CLAIM = 400


@dataclass(frozen=True)
class Claim:
    """A relation that is claimed, over arrays that all sides share.

    ``lhs`` and ``rhs`` are the sides as arrays, ``relation`` the same laid out in one shape,
    ``given`` what is assumed, ``scope`` the names in play.
    """

    lhs: Array
    op: str
    rhs: Array
    given: tuple[Relation, ...]
    scope: Mapping[str, Array]
    text: str

    @property
    def relation(self) -> Relation:
        """The claim as a relation of nodes, in one shape."""
        left, right = joined_nodes((self.lhs, self.rhs), self.op)
        return Relation(left, self.op, right)


def read_claim(
    lhs: Any,
    op: str | None = None,
    rhs: Any = None,
    *,
    domains: Mapping[Any, Domain] | None = None,
    given: Any = (),
    shapes: Mapping[Any, Any] | None = None,
    scope: Mapping[str, Array] | None = None,
) -> Claim:
    """Read ``lhs op rhs``, or one text ``"lhs op rhs"``, with what is given.

    ``scope`` are names that are declared already (a derivation's); see :func:`read_arrays`.
    """
    if op is None:
        if rhs is not None or not isinstance(lhs, str | Relation | Array | Relational | tuple):
            raise ReadError("a claim is three parts, lhs, relation, rhs, or one text such as 'x + x == 2*x'")
        reader = Reader([], [lhs, *listed(given)], domains, shapes, scope)
        relation, *assumed = reader.relations
        left, right = Array(relation.lhs), Array(relation.rhs)
        text = lhs if isinstance(lhs, str) else str(relation)
        return Claim(left, relation.op, right, tuple(assumed), reader.scope, shortened(text))
    if not isinstance(op, str) or op not in RELATIONS:
        raise ReadError(f"a claim states one of {', '.join(RELATIONS)}, got {op!r}")
    reader = Reader([lhs, rhs], listed(given), domains, shapes, scope)
    left, right = reader.arrays
    same_shape(left, right, op)
    text = f"{_side_text(lhs, left)} {op} {_side_text(rhs, right)}"
    return Claim(left, op, right, tuple(reader.relations), reader.scope, shortened(text))


def same_shape(lhs: Array, rhs: Array, op: str) -> None:
    """Raise unless the shapes are equal or one side is a scalar."""
    if lhs.dims != rhs.dims and lhs.ndim and rhs.ndim:
        raise ShapeError(
            f"the sides of {op} must have one shape, or one is a scalar: the left side has shape "
            f"{shape_text(lhs.dims)}, the right side {shape_text(rhs.dims)}"
        )


def shortened(text: str) -> str:
    """A claim's text on one line, of bounded length."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST_CLAIM else text[: LONGEST_CLAIM - 3] + "..."


def _side_text(side: Any, made: Array) -> str:
    if isinstance(side, Derivation):
        return side.lhs_text
    return side.strip() if isinstance(side, str) else str(made)


def listed(given: Any) -> list[Any]:
    """One assumption or several, as a list; a triple ``(a, "<", b)`` is one."""
    if isinstance(given, str | Relation | Array | Basic | bool | np.bool_):
        return [given]
    if is_triple(given):
        return [given]
    if isinstance(given, Iterable):
        return list(given)
    raise ReadError(f"given takes relations or texts such as 'p < q', got {type(given).__name__}")


def is_triple(value: Any) -> bool:
    """Whether a value is ``(lhs, op, rhs)``."""
    return isinstance(value, tuple | list) and len(value) == 3 and isinstance(value[1], str) and value[1] in RELATIONS


def is_sympy(value: Any) -> bool:
    """Whether a value is a SymPy expression (a dimension is an array)."""
    return isinstance(value, Expr | MatrixExpr | MatrixBase) and not isinstance(value, Array)


def _said(value: Any) -> Any:
    """A SymPy expression or relation with its expectations written out, everything else as it is."""
    if isinstance(value, Relational):
        return value.func(_said(value.lhs), _said(value.rhs), evaluate=False)
    return without_expectations(value) if is_sympy(value) and isinstance(value, Expr) else value


def result_of(value: Any) -> Any:
    """A derivation stands for its result, everything else for itself."""
    if not isinstance(value, Derivation):
        return value
    if isinstance(value.result, Mapping):
        raise UnsupportedError("claim one part of a result at a time, e.g. g.result['w']")
    return value.result


class Reader:
    """Reads the sides and the assumptions of one statement in one scope."""

    def __init__(
        self,
        sides: Sequence[Any],
        given: Sequence[Any],
        domains: Mapping[Any, Domain] | None = None,
        shapes: Mapping[Any, Any] | None = None,
        scope: Mapping[str, Array] | None = None,
    ) -> None:
        sides = [_said(side) for side in sides]
        given = [tuple(map(_said, item)) if is_triple(item) else _said(item) for item in given]
        self.names = self._legal([*sides, *given, *(domains or {}), *(shapes or {})])
        self.domains: dict[str, Domain] = {}
        for key, domain in (domains or {}).items():
            if not isinstance(domain, Domain):
                raise DomainError(f"domains: {key} needs one of sd.real, sd.positive, ..., got {domain!r}")
            self.domains[self._key(key)] = domain
        sides = [result_of(side) for side in sides]
        self.shapes = {self._key(k): v for k, v in (shapes or {}).items()}
        self.used: set[str] = set()
        self.declared: dict[str, Leaf] = {}
        self.scope: dict[str, Array] = {}
        parts = [*sides]
        for item in given:
            parts += [result_of(item[0]), result_of(item[2])] if is_triple(item) else [item]
        arrays = [p for p in parts if isinstance(p, Array)]
        arrays += [Array(n) for p in parts if isinstance(p, Relation) for n in (p.lhs, p.rhs)]
        arrays += list((scope or {}).values())
        self._note(scope or {}, arrays)
        self._declare()
        symbolic = self._sympy(parts)
        self._scalars([p for p in parts if isinstance(p, str)], bare=not arrays and not symbolic and not self.shapes)
        self.arrays = [self._side(side) for side in sides]
        self.relations = [self._relation(item) for item in given]
        unknown = sorted(set(self.domains) - self.used)
        # SymPy works Mod(n*(n + 1), 2) out as it is written: a claim of SymPy's that is left without names has them all
        folded = not self.declared and all(isinstance(s, Basic | int | float) for s in sides) and symbolic
        if unknown and not folded:
            raise UnknownNameError(
                f"domains name {', '.join(unknown)}, which the claim does not have; "
                f"its arrays are {', '.join(self.declared) or 'none'}"
            )

    @staticmethod
    def _legal(parts: Sequence[Any]) -> dict[str, str]:
        """Legal names for the symbols of SymPy whose own are none (``lambda``)."""
        found: list[Any] = []
        for part in parts:
            found += [part[0], part[2]] if is_triple(part) else [part]
        arrays = [leaf.name for p in found if isinstance(p, Array) for leaf in p.node.leaves()]
        return legal_names([p for p in found if isinstance(p, Basic | MatrixBase)], arrays)

    def _key(self, key: Any) -> str:
        if isinstance(key, Array):
            return key.name
        return self.names.get(str(key), str(key))

    # -- what is declared -------------------------------------------------------------

    def _note(self, scope: Mapping[str, Array], arrays: Iterable[Array]) -> None:
        """The leaves, definitions and dimensions of arrays that are given as such."""
        named: dict[str, Node] = {}
        for item in arrays:
            for node in item.node.walk():
                for size in node.shape:
                    for symbol in size.free_symbols:
                        self.scope.setdefault(str(symbol), Dim(symbol))  # type: ignore[arg-type]
                if isinstance(node, Named):
                    named.setdefault(node.name, node)
                if not isinstance(node, Leaf):
                    continue
                old = self.declared.setdefault(node.name, node)
                if old is not node:
                    what = "shapes" if old.shape != node.shape else "domains"
                    pair = (
                        (shape_text(old.shape), shape_text(node.shape))
                        if old.shape != node.shape
                        else (old.domain, node.domain)
                    )
                    raise (ShapeError if what == "shapes" else DomainError)(
                        f"two arrays are called {node.name!r}, with the {what} {pair[0]} and {pair[1]}; "
                        "declare each array once"
                    )
        self.scope |= {name: value for name, value in scope.items() if isinstance(value, Dim)}
        self.originals = dict(self.declared)
        self.named = named

    def _declare(self) -> None:
        """Add what ``shapes`` declares; restrict everything as ``domains`` say."""
        for name, shape in self.shapes.items():
            made = declare(name, shape)
            if isinstance(made, Dim) or not isinstance(made.node, Leaf):
                self.scope[name] = made
                continue
            old = self.declared.get(name)
            if old is not None and old.shape != made.node.shape:
                raise ShapeError(
                    f"{name} has shape {shape_text(old.shape)}, but shapes say {shape_text(made.node.shape)}"
                )
            self.declared.setdefault(name, made.node)
        for name, leaf in list(self.declared.items()):
            self.declared[name] = self._restricted(leaf)
        self._fill()

    def _restricted(self, leaf: Leaf) -> Leaf:
        extra = self.domains.get(leaf.name)
        if extra is None:
            return leaf
        self.used.add(leaf.name)
        normal = array(leaf.name, *leaf.shape, domain=extra).domain
        made = array(leaf.name, *leaf.shape, domain=leaf.domain & normal).node
        assert isinstance(made, Leaf)
        return made

    def _fill(self) -> None:
        self.changed: dict[Node, Node] = {
            old: self.declared[n] for n, old in self.originals.items() if self.declared[n] is not old
        }
        for name, node in self.named.items():
            self.scope[name] = Array(build.substitute(node, self.changed) if self.changed else node)
        for name, leaf in self.declared.items():
            self.scope[name] = Array(leaf)

    def _sympy(self, parts: Sequence[Any]) -> bool:
        """Read every SymPy expression of the statement at once; their symbols join the scope."""
        found: list[Any] = []
        for part in parts:
            if isinstance(part, Relational):
                found += [part.lhs, part.rhs]
            elif is_sympy(part):
                found.append(part)
        self.symbolic: dict[int, Array] = {}
        if not found:
            return False
        shapes = {
            name: value.dims if isinstance(value, Array) and not isinstance(value, Dim) else value
            for name, value in self.shapes.items()
        }
        bound = {self._key(s) for part in found for e in preorder_traversal(part) for s in bound_symbols(e)}
        self.used |= bound & set(self.domains)
        taken = {name for name, value in self.scope.items() if isinstance(value, Dim)}
        made = from_sympy_together(found, self.domains, shapes, names=self.names, taken=taken)
        replacements: dict[Node, Node] = {}
        for item in made:
            for leaf in item.node.leaves():
                old = self.declared.get(leaf.name)
                if leaf.name in self.domains:
                    self.used.add(leaf.name)
                if old is None or old is leaf:
                    self.declared[leaf.name] = leaf
                    continue
                if old.shape != leaf.shape:
                    raise ShapeError(
                        f"{leaf.name} has shape {shape_text(old.shape)} and, in the SymPy expression, "
                        f"{shape_text(leaf.shape)}"
                    )
                both = array(leaf.name, *leaf.shape, domain=old.domain & leaf.domain).node
                assert isinstance(both, Leaf)
                self.declared[leaf.name] = both
                replacements[leaf] = both
        for source, item in zip(found, made, strict=True):
            node = build.substitute(item.node, replacements) if replacements else item.node
            self.symbolic[id(source)] = Array(node, item.axes)
            for size in item.dims:
                for symbol in size.free_symbols:
                    self.scope.setdefault(str(symbol), Dim(symbol))  # type: ignore[arg-type]
        self._fill()
        return True

    def _scalars(self, texts: Sequence[str], bare: bool) -> None:
        """Names in text that ``domains`` name, or any name where nothing at all is declared."""
        for text in texts:
            for name in free_names(text):
                if name in self.scope or not (bare or name in self.domains):
                    continue
                leaf = array(name, domain=self.domains.get(name, real)).node
                assert isinstance(leaf, Leaf)
                self.declared[name] = leaf
                self.scope[name] = Array(leaf)
                if name in self.domains:
                    self.used.add(name)

    # -- reading ----------------------------------------------------------------------

    def _side(self, side: Any) -> Array:
        if isinstance(side, bool | np.bool_):
            raise UnsupportedError(
                "a truth value is no side of a claim; give both sides and the relation: check(a, '==', b)"
            )
        if isinstance(side, Array):
            side = as_array(side)
            return Array(build.substitute(side.node, self.changed), side.axes) if self.changed else side
        if isinstance(side, str):
            return read_text(side, self.scope)
        if id(side) in self.symbolic:
            return self.symbolic[id(side)]
        if callable(side):
            return read_function(side, self.arguments(side))
        return as_array(side)

    def arguments(self, function: Callable[..., Any]) -> dict[str, Array]:
        """The names of the scope that a function's parameters ask for."""
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            raise UnsupportedError(f"{function!r:.60} is no Python function that can be read") from None
        return {p.name: self.scope[p.name] for p in parameters if p.name in self.scope}

    def _relation(self, item: Any) -> Relation:
        if isinstance(item, Relation):
            return Relation(self._node(item.lhs), item.op, self._node(item.rhs))
        if isinstance(item, bool | np.bool_):
            raise ReadError(
                "what is given is a plain truth value: the comparison was decided before it was read; "
                "write it as a text, e.g. 'p < q'"
            )
        if isinstance(item, str):
            return read_relation(item, self.scope)
        if is_triple(item):
            left, right = self._side(result_of(item[0])), self._side(result_of(item[2]))
            same_shape(left, right, item[1])
            nodes = joined_nodes((left, right), item[1])
            return Relation(nodes[0], item[1], nodes[1])
        if isinstance(item, Relational):
            op = str(getattr(item, "rel_op", ""))
            if op not in RELATIONS:
                raise UnsupportedError(f"the SymPy relation {op!r} is not read")
            left, right = self.symbolic[id(item.lhs)], self.symbolic[id(item.rhs)]
            nodes = joined_nodes((left, right), op)
            return Relation(nodes[0], op, nodes[1])
        if isinstance(item, Array) and isinstance(item.node, Map) and item.node.function in _MASKS:
            left, right = item.node.arguments
            return Relation(self._node(left), _MASKS[item.node.function], self._node(right))
        raise ReadError(f"a relation is needed, e.g. 'p < q' or (p, '<', q), got {str(item)[:60]!r}")

    def _node(self, node: Node) -> Node:
        return build.substitute(node, self.changed) if self.changed else node


def free_names(text: str) -> list[str]:
    """Names in a text that may stand for scalars: no functions, modules, constants or definitions."""
    matches = list(_NAME.finditer(text[:20_000]))
    defined = {m.group(1) for m in matches if m.group(3)}
    found: dict[str, None] = {}
    for m in matches:
        name = m.group(1)
        if m.group(2) or name in defined or name in _TAKEN or keyword.iskeyword(name):
            continue
        if name in ROWS or name in PYTHON_ROWS or not name.isidentifier() or len(name) > 60:
            continue
        found[name] = None
    return list(found)


__all__ = [
    "MIRROR",
    "Claim",
    "Reader",
    "free_names",
    "is_sympy",
    "is_triple",
    "listed",
    "read_claim",
    "read_shape",
    "result_of",
    "same_shape",
    "shortened",
]
