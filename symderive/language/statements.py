"""Statements about arrays: relations, as they are claimed, assumed and cited as conditions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symderive.errors import ReadError
from symderive.language.arrays import Array
from symderive.language.build import split_coefficient
from symderive.language.nodes import ZERO, Node, Number
from symderive.language.views.text import relation_text

RELATIONS = ("==", "<=", ">=", "<", ">", "!=")


@dataclass(frozen=True)
class Relation:
    """``lhs op rhs``, holding entrywise; both sides of one shape, or one a scalar.

    As a condition of a step it reads "holds provided that ...".
    """

    lhs: Node
    op: str
    rhs: Node

    def __post_init__(self) -> None:
        if self.op not in RELATIONS:
            raise ReadError(f"a relation is one of {', '.join(RELATIONS)}, got {self.op!r}")

    def __str__(self) -> str:
        return relation_text(Array(self.lhs), self.op, Array(self.rhs))


@dataclass(frozen=True)
class Claimed:
    """A relation that is claimed, and what is given with it."""

    relation: Relation
    given: tuple[Relation, ...] = ()


def names_in(nodes: Iterable[Node], relations: Iterable[Relation] = ()) -> set[str]:
    """The names of the arrays in nodes and relations: those that a new array must not have.

    >>> import symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> sorted(names_in([x.node], [positive(y.node)]))
    ['x', 'y']
    """
    sides = [side for relation in relations for side in (relation.lhs, relation.rhs)]
    return {leaf.name for node in (*nodes, *sides) for leaf in node.leaves()}


def positive(node: Node) -> Relation:
    """node > 0."""
    return Relation(node, ">", Number(ZERO))


def nonnegative(node: Node) -> Relation:
    """node >= 0."""
    return Relation(node, ">=", Number(ZERO))


def nonzero(node: Node) -> Relation:
    """node != 0, without a factor that is no zero: u != 0 rather than -2*u != 0."""
    coefficient, rest = split_coefficient(node)
    plain = rest if coefficient.is_nonzero and not isinstance(rest, Number) else node
    return Relation(plain, "!=", Number(ZERO))
