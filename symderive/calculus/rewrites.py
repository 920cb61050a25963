"""A rewrite as a value: what was replaced by what, by which rule, under which conditions."""

from __future__ import annotations

from dataclasses import dataclass

from symderive.language.nodes import Node
from symderive.language.statements import Relation


@dataclass(frozen=True)
class Rewrite:
    """``before = after`` by ``rule``, wherever the conditions hold."""

    before: Node
    after: Node
    rule: str
    conditions: tuple[Relation, ...] = ()


@dataclass(frozen=True)
class Rewritten:
    """A node and the local rewrites that led to it."""

    node: Node
    rewrites: tuple[Rewrite, ...]
