"""Tables of laws that open an integral or a sum term by term: what a row says, and how a table is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

from symderive.calculus.polynomials import NotHandled
from symderive.calculus.terms import ZERO_NODE, plus
from symderive.language.nodes import Node

Ends = tuple[Node | None, Node | None]
"""The lower and the upper end of a range; None for an infinite one."""

Shown = Callable[[str, Node], bool]
"""Whether ``node op 0`` is shown."""

T = TypeVar("T")


@final
@dataclass(frozen=True)
class Law(Generic[T]):
    """A row: what it says, what it needs, an example with its value (text that `symderive.check` reads), in Chinese.

    ``apply`` gives the value of one term over a range, or None where the term is another one or a
    condition is not shown.
    """

    name: str
    form: str
    conditions: str
    example: tuple[str, str]
    zh: str
    apply: Callable[[T, Ends, Shown], Node | None]


def by_laws(
    terms: Iterable[T], laws: Sequence[Law[T]], ends: Ends, shown: Shown, what: str
) -> tuple[Node, tuple[str, ...]]:
    """The sum of the terms' values, each by the first law that fits it, and the names of those laws.

    Raises `NotHandled` where a term has no law whose conditions are shown.
    """
    names: dict[str, None] = {}
    values: list[Node] = []
    for term in terms:
        for law in laws:
            value = law.apply(term, ends, shown)
            if value is not None:
                values.append(value)
                names[law.name] = None
                break
        else:
            raise NotHandled(f"no law for this {what}, or its conditions are not shown")
    # of nothing, every law says 0
    return plus(*values) if values else ZERO_NODE, tuple(names) or (laws[0].name,)


__all__ = ["Ends", "Law", "Shown", "by_laws"]
