"""Whether a lemma may be used as it is cited: its arguments meet what it requires, its weight is >= 0."""

from __future__ import annotations

from symderive.calculus.normal_form import Definedness, Normaliser
from symderive.derivation.one_variable import shown_bounds
from symderive.derivation.proofs import LEMMAS, Instance
from symderive.language import build
from symderive.language.nodes import ONE, ZERO, Map, Node, Number
from symderive.language.statements import Relation


def instance_problem(instance: Instance, given: tuple[Relation, ...]) -> str:
    """Why a lemma may not be used as cited; empty if it may."""
    row = LEMMAS.get(instance.lemma)
    if row is None:
        return f"no lemma named {instance.lemma!r}"
    if len(row.arguments) != len(instance.arguments):
        return f"{row.name} has {len(row.arguments)} arguments"
    if not granted(">=", instance.weight, given):
        return "a weight is not shown to be >= 0"
    for requirement in row.requires:
        main, _, guard = requirement.partition(" or ")
        name, op, bound = main.split()
        argument = instance.arguments[row.arguments.index(name)]
        if bound != "0":
            argument = build.add([(ONE, argument), (-ONE, build.number(int(bound)))], argument.shape)
        other = instance.arguments[row.arguments.index(guard.split()[0])] if guard else None
        if not granted(op, argument, given, other):
            return f"{row.name} requires {requirement}, which is not shown"
    return ""


def granted(op: str, node: Node, given: tuple[Relation, ...], guard: Node | None = None) -> bool:
    """Whether ``node op 0`` is granted by signs (or, with a guard, wherever the guard is not 0)."""
    normaliser = Normaliser(given)
    bounds = shown_bounds(normaliser, node)
    granted = {">": ("+",), ">=": ("+", "0+", "0"), "!=": ("+", "-", "nonzero")}[op]
    if bounds.sign in granted or _logarithm_granted(op, node, given):
        return True
    if guard is None:
        return False
    definedness = Definedness(normaliser)
    relation = Relation(node, op, Number(ZERO))
    definedness.require(op, normaliser.of(node), relation, bounds, (normaliser.of(guard),))
    return not definedness.settled()


def _logarithm_granted(op: str, node: Node, given: tuple[Relation, ...]) -> bool:
    """Whether ``log v op 0`` is granted by ``v op 1``, or by ``1 op 1/v``; v is > 0 where the logarithm is defined."""
    if not isinstance(node, Map) or node.function != "log":
        return False
    (v,) = node.arguments
    one = build.broadcast(Number(ONE), v.shape)
    return any(
        granted(op, build.add([(ONE, large), (-ONE, small)], v.shape), given)
        for large, small in ((v, one), (one, build.power(v, -1)))
    )


__all__ = ["granted", "instance_problem"]
