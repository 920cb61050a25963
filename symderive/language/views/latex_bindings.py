r"""Derivatives, integrals and sums over integers in LaTeX: ``\frac{d}{dx}``, ``\int_a^b``, ``\sum_{k=a}^b``."""

from __future__ import annotations

from typing import Protocol

from symderive.language.views.formula import (
    ADD,
    ATOM,
    CALL,
    OPEN,
    SCRIPT,
    Formula,
    Piece,
    bracket,
    flat,
    fraction_of,
)
from symderive.language.views.latex_names import name_formula
from symderive.language.views.tree import Bind, Tree


class Writes(Protocol):
    """What of the LaTeX writer is needed."""

    def write(self, tree: Tree) -> Formula:
        """A tree as a formula."""
        ...


def binding_formula(writer: Writes, tree: Bind) -> Formula:
    """The formula of a derivative, an integral or a sum over integers."""
    body = writer.write(tree.body)
    if tree.kind == "derivative":
        return _derivative(writer, tree, body)
    name = name_formula(tree.names[0])
    low, high = (_end(writer, end, sign) for end, sign in zip((*tree.low, *tree.high), ("-", ""), strict=True))
    inside = bracket(body) if body.level == ADD else body
    width = 1.6 + SCRIPT * max(low.width, high.width)
    if tree.kind == "series":
        head = rf"\sum_{{{flat(name.parts)}={flat(low.parts)}}}^{{{flat(high.parts)}}}"
        return Formula((Piece(head, width, 1, "big"), *inside.parts), OPEN)
    head = rf"\int_{{{flat(low.parts)}}}^{{{flat(high.parts)}}}"
    last = Piece(rf"\,d{flat(name.parts)}", 0.7 + name.width)
    return Formula((Piece(head, width, 1, "big"), *inside.parts, last), OPEN)


def _end(writer: Writes, end: Tree | None, sign: str) -> Formula:
    return Formula((Piece(rf"{sign}\infty", 1.0),), ATOM) if end is None else writer.write(end)


def _derivative(writer: Writes, tree: Bind, body: Formula) -> Formula:
    total = sum(tree.orders)
    letter = "d" if len(tree.names) == 1 and not tree.low else r"\partial "
    power = f"^{{{total}}}" if total > 1 else ""
    below = "".join(
        f"{letter}{flat(name_formula(name).parts)}" + (f"^{{{order}}}" if order > 1 else "")
        for name, order in zip(tree.names, tree.orders, strict=True)
    )
    above = Formula((Piece(f"{letter}{power}", 0.7),), ATOM)
    head = fraction_of(above, Formula((Piece(below, 1.2 * len(tree.names)),), ATOM))
    inside = bracket(body, "[", "]")
    if not tree.low:
        return Formula((*head.parts, *inside.parts), CALL)
    where = ",".join(
        f"{flat(name_formula(name).parts)}={flat(writer.write(p).parts)}"
        for name, p in zip(tree.names, tree.low, strict=True)
        if p is not None
    )
    at = Piece(rf"\Big|_{{{where}}}", 1.5)
    return Formula((*head.parts, *inside.parts, at), CALL)


__all__ = ["binding_formula"]
