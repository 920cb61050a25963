"""The part of the checker that goes through arguments of calculus (`proofs.Argument`).

It does not know how an argument was found.  Every slope, value at an end and case is made here again and held
against what the argument says; equalities are decided by the normal form, signs by `signs`, constants by balls.
A goal is defined at every point of its ``given``: for the whole claim that is checked first, and every way hands
it on to its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from symderive.calculus.normal_form import Definedness, Normaliser, decide_equal
from symderive.calculus.residues import residue_cases, residue_classes
from symderive.derivation.conditions import granted, instance_problem
from symderive.derivation.one_variable import (
    UNBOUNDED,
    along,
    at_end,
    defined,
    difference,
    ends,
    grants,
    is_interval,
    mentions,
    pieces,
    slope,
    value_at,
    without,
)
from symderive.derivation.proofs import LEMMAS, WAYS, Argument, Line
from symderive.judgement.balls import evaluate
from symderive.judgement.elements import Hole, as_ball
from symderive.judgement.instances import Instance as Point
from symderive.language import build
from symderive.language.nodes import ONE, ZERO, Leaf, Map, Node, Number
from symderive.language.statements import Relation

INCREASING = {
    "log": ">",
    "exp": "",
    "expm1": "",
    "sqrt": ">=",
    "expit": "",
    "tanh": "",
    "arctan": "",
    "arcsinh": "",
    "sinh": "",
    "erf": "",
    "ndtr": "",
    "digamma": ">",
}
"""Strictly increasing functions, and what each asks of its arguments."""

_BITS = (64, 256, 1024)


def argument_line_problem(line: Line, given: tuple[Relation, ...]) -> str:
    """What is wrong with a line that cites an argument; empty if nothing is."""
    argument = line.argument
    if argument is None or line.instances or line.op not in (">=", ">"):
        return "the line has no argument of its own"
    if line.op == ">" and not argument.strict:
        return "the argument shows >= only"
    if line.rule != argument.way:
        return f"the line cites {line.rule!r}, its argument is {argument.way!r}"
    if line.before.shape or line.after.shape:
        return "arguments of calculus are about scalars"
    allowed = (*given, *line.conditions)
    problem = _undefined(Normaliser(allowed), line.before, line.after)
    if problem:
        return f"a side is not shown to be defined: {problem}"
    if not _under(argument, allowed):
        return "the argument assumes more than is given"
    if not equal(difference(line.before, line.after), argument.goal, allowed):
        return "the argument is not about the difference of the sides"
    return argument_problem(argument)


def argument_problem(argument: Argument) -> str:
    """What is wrong with an argument, given that its goal is defined wherever its ``given`` holds; empty if nothing."""
    if argument.way not in WAYS:
        return f"there is no way of arguing named {argument.way!r}"
    if argument.goal.shape:
        return "arguments of calculus are about scalars"
    checks = {
        "sum of parts": _sum,
        "product of parts": _product,
        "value of a constant": _constant,
        "monotone": _monotone,
        "concave": _concave,
        "cases": _cases,
        "increasing function": _increasing,
        "wider domain": _wider,
        "parts of the domain": _parted,
        "pieces of the domain": _in_pieces,
        "residue classes": _by_residues,
    }
    problem = checks[argument.way](argument)
    if problem:
        return f"{argument.way}: {problem}"
    for part in argument.parts:
        problem = argument_problem(part)
        if problem:
            return problem
    return ""


def _under(part: Argument, given: Iterable[Relation]) -> bool:
    return set(part.given) <= set(given)


def _part_problem(argument: Argument, part: Argument, goal: Node, given: Iterable[Relation], where: str) -> str:
    """Why a part does not show its argument's goal as it is somewhere, ``goal``; empty if it does."""
    if not _under(part, given):
        return "a part assumes more than is given"
    if part.goal is not goal:
        return f"a part is not the goal {where}"
    return "a part shows >= only" if argument.strict and not part.strict else ""


def _is_new(leaf: Node, argument: Argument) -> bool:
    """Whether neither the goal nor what is given speaks of a leaf, so that it may stand for another."""
    given = ((r.lhs, r.rhs) for r in argument.given)
    return not any(leaf in node.leaves() for node in (argument.goal, *(side for sides in given for side in sides)))


def _undefined(normaliser: Normaliser, *scalars: Node) -> str:
    """Why one of some scalars is not shown to be defined, 0·log 0 being 0; empty if all are."""
    definedness = Definedness(normaliser)
    for scalar in scalars:
        definedness.visit(scalar)
    open_ = definedness.settled()
    return f"it is not shown that {next(iter(open_.values()))}" if open_ else ""


def equal(a: Node, b: Node, given: Sequence[Relation]) -> bool:
    """Whether two scalars, one of which is defined where ``given`` holds, are shown to be equal there.

    Rewriting by a given equality may hide what is equal as it stands, so both are tried.
    """
    if a is b:
        return True
    plain = any(r.op == "==" for r in given) and bool(decide_equal(a, b).equal)
    return plain or bool(decide_equal(a, b, tuple(given)).equal)


def _sum(argument: Argument) -> str:
    given = argument.given
    strict = False
    terms = []
    for instance in argument.instances:
        if instance.shape or instance.out_rank:
            return "a lemma is cited for arrays"
        problem = instance_problem(instance, given)
        if problem:
            return problem
        terms += [(ONE, instance.big), (-ONE, instance.small)]
        strict = strict or (LEMMAS[instance.lemma].strict and granted(">", instance.weight, given))
    if len(argument.nodes) != len(argument.parts):
        return "each part has a weight"
    normaliser = Normaliser(given)
    for weight, part in zip(argument.nodes, argument.parts, strict=True):
        if not _under(part, given):
            return "a part assumes more than is given"
        if not grants(">=", weight, normaliser):
            return "a weight is not shown to be >= 0"
        terms.append((ONE, build.multiply(weight, part.goal)))
        strict = strict or (part.strict and grants(">", weight, normaliser))
    if argument.strict and not strict:
        return "nothing is shown to be > 0"
    if not equal(argument.goal, build.add(terms, ()), given):
        return "the goal is not the sum"
    return ""


def _product(argument: Argument) -> str:
    if argument.strict and not all(p.strict for p in argument.parts):
        return "not every part is shown to be > 0"
    if not argument.parts or not all(_under(p, argument.given) for p in argument.parts):
        return "a part assumes more than is given"
    if not equal(argument.goal, build.multiply(*(p.goal for p in argument.parts)), argument.given):
        return "the goal is not the product"
    return ""


def positive_constant(node: Node) -> bool:
    """Whether a scalar without variables is shown to be > 0 by ball arithmetic."""
    if node.leaves() or node.shape:
        return False
    for bits in _BITS:
        value = evaluate(node, Point({}, {}), bits).item()
        if isinstance(value, Hole):
            return False
        ball = as_ball(value)
        if ball > 0:
            return True
        if ball < 0:
            return False
    return False


def _constant(argument: Argument) -> str:
    if argument.parts:
        return "a constant has no parts"
    return "" if positive_constant(argument.goal) else "it is not shown to be > 0"


def _monotone(argument: Argument) -> str:
    variable, point, given = argument.variable, argument.point, argument.given
    if variable is None or not is_interval(variable):
        return "the variable does not range over an interval"
    normaliser = Normaliser(given)
    problem = defined(argument.goal, normaliser)
    if problem:
        return problem
    sides = (argument.side,) if argument.side else (1, -1)
    problem = reaches(argument, variable, sides)
    if problem:
        return problem
    value = value_at(argument.goal, variable, point, sides[0], given)
    if len(sides) == 2 and value is not value_at(argument.goal, variable, point, -1, given):
        return "the function is not shown to be continuous at the place"
    parts = list(argument.parts)
    values = []
    if value != UNBOUNDED:
        if not parts or not isinstance(value, Node) or parts[0].goal is not value:
            return "the value at the place is not what the part says"
        values.append(parts.pop(0))
        if not _under(values[0], without(variable, given)):
            return "the value at the place is shown under more than holds there"
    if len(parts) != len(sides):
        return "the slope is not shown on every side"
    steep = slope(argument.goal, variable)
    for side, part in zip(sides, parts, strict=True):
        way = along(variable, point, side, given)
        problem = defined(argument.goal, Normaliser(way)) or defined(steep, Normaliser(way))
        if problem:
            return problem
        if part.goal is not (steep if side > 0 else build.scale(-1, steep)) or not _under(part, way):
            return "the slope is not what the part says"
    if argument.strict and not all(v.strict for v in values):
        apart = point is None or grants("!=", difference(variable, point), normaliser)
        if not apart or not all(p.strict for p in parts):
            return "nothing is shown to be > 0"
    return ""


def reaches(argument: Argument, variable: Leaf, sides: Sequence[int]) -> str:
    """Why the ways from the place do not lead to every point, inside the domain; empty if they do."""
    point, given = argument.point, argument.given
    entries = variable.domain.entries
    if point is None:
        end = entries.low if argument.side > 0 else entries.high
        return "" if argument.side and end.is_infinite else "an infinite place is the end of an infinite interval"
    if variable in point.leaves():
        return "the place moves with the variable"
    others = Normaliser(without(variable, given))
    for side in sides:
        near = entries.low if side > 0 else entries.high
        if not near.is_finite:
            continue
        gap = difference(point, Number(near)) if side > 0 else difference(Number(near), point)
        if not grants(">=", gap, others):
            return "the place is not shown to lie in the closure of the domain"
    if len(sides) == 1:
        found = [e.value for e in ends(variable, given) if e.side == sides[0] and e.value is not None]
        if not any(equal(point, e, without(variable, given)) for e in found):
            return "the place is no end of the interval"
    return ""


def _concave(argument: Argument) -> str:
    variable, given = argument.variable, argument.given
    if variable is None or not is_interval(variable):
        return "the variable does not range over an interval"
    if len(argument.nodes) != 2 or len(argument.parts) != 3:
        return "it needs two ends, the values there, and the second derivative"
    problem = defined(argument.goal, Normaliser(given))
    if problem:
        return problem
    low, high = argument.nodes
    inside: list[Relation] = list(without(variable, given))
    for side, point, part in zip((1, -1), argument.nodes, argument.parts, strict=False):
        problem = reaches(_from(argument, point, side), variable, (side,))
        if problem:
            return problem
        if part.goal is not value_at(argument.goal, variable, point, side, given):
            return "the value at an end is not what the part says"
        if not _under(part, without(variable, given)):
            return "the value at an end is shown under more than holds there"
        inside.append(Relation(variable, ">" if side > 0 else "<", point))
    first = slope(argument.goal, variable)
    second = slope(first, variable)
    normaliser = Normaliser(inside)
    problem = defined(argument.goal, normaliser) or defined(first, normaliser) or defined(second, normaliser)
    if problem:
        return problem
    bend = argument.parts[2]
    if bend.goal is not build.scale(-1, second) or not _under(bend, inside):
        return "the second derivative is not what the part says"
    if argument.strict and not all(p.strict for p in argument.parts[:2]):
        outer = Normaliser(given)
        apart = all(grants("!=", difference(variable, p), outer) for p in (low, high))
        if not apart or not bend.strict:
            return "nothing is shown to be > 0"
    return ""


def _from(argument: Argument, point: Node, side: int) -> Argument:
    return replace(argument, point=point, side=side)


def case_relations(node: Node, side: int) -> tuple[Relation, Relation]:
    """The two cases: >= 0 and <= 0 (side 1), or > 0 and <= 0 (side 0)."""
    zero = Number(ZERO)
    return Relation(node, ">=" if side else ">", zero), Relation(node, "<=", zero)


def resolved(goal: Node, node: Node, side: int, positive: bool) -> Node:
    """The goal in one case: what compares ``node`` with 0 is put as that case has it."""
    found: dict[Node, Node] = {}
    for part in goal.walk():
        made = build.rebuild(part, [found[c] for c in part.children]) if part.children else part
        if isinstance(part, Map):
            made = _branch(part, made, node, side, positive)
        found[part] = made
    return found[goal]


def _branch(part: Map, made: Node, node: Node, side: int, positive: bool) -> Node:
    """A rebuilt part, or what it is in a case."""
    assert isinstance(made, Map) or not isinstance(part, Map)
    if not isinstance(made, Map):
        return made
    match part.function:
        case "abs" if part.arguments[0] is node and side:
            return made.arguments[0] if positive else build.scale(-1, made.arguments[0])
        case "maximum" | "minimum" if side and difference(*part.arguments) is node:
            return made.arguments[0 if positive == (part.function == "maximum") else 1]
        case "lt" if not side and difference(part.arguments[1], part.arguments[0]) is node:
            return Number(ONE if positive else ZERO)
        case "le" if not side and difference(*part.arguments) is node:
            return Number(ZERO if positive else ONE)
        case "where" if isinstance(made.arguments[0], Number):
            return made.arguments[2 if build.is_zero(made.arguments[0]) else 1]
    return made


def _cases(argument: Argument) -> str:
    node, given = argument.point, argument.given
    if node is None or node.shape or len(argument.parts) != 2:
        return "it needs what is compared with 0, and two cases"
    problem = _undefined(Normaliser(given), node)
    if problem:
        return problem
    relations = case_relations(node, argument.side)
    for relation, part, positive in zip(relations, argument.parts, (True, False), strict=True):
        goal = resolved(argument.goal, node, argument.side, positive)
        problem = _part_problem(argument, part, goal, (*given, relation), "in its case")
        if problem:
            return problem
    return ""


def _wider(argument: Argument) -> str:
    variable, given = argument.variable, argument.given
    if variable is None or len(argument.nodes) != 1 or len(argument.parts) != 1:
        return "it needs a variable, one of the same name with a wider domain, and a part"
    (new,), (part,) = argument.nodes, argument.parts
    if not isinstance(new, Leaf) or new.name != variable.name or variable.shape or not is_interval(new):
        return "the variable does not range over an interval"
    old, wide = variable.domain.entries.tight, new.domain.entries
    if old.symbols or old.values is not None:
        return "the domain is not between numbers"
    both = old & wide
    if (both.low, both.high, both.low_open, both.high_open) != (old.low, old.high, old.low_open, old.high_open):
        return "the domain is not wider"
    if not _is_new(new, argument):
        return "the variable with the wider domain is there already"
    goal = build.substitute(argument.goal, {variable: new})
    problem = _part_problem(argument, part, goal, without(variable, given), "on the wider domain")
    return problem or _undefined(Normaliser(part.given), goal)


def _parted(argument: Argument) -> str:
    variable, given = argument.variable, argument.given
    if variable is None or variable.shape or len(argument.nodes) != 2 or len(argument.parts) != 2:
        return "it needs a variable, two of the same name with ranges of integers, and two parts"
    old = variable.domain.entries.tight
    if not old.integer or old.symbols:
        return "the variable does not range over integers"
    ranges = []
    for new, part in zip(argument.nodes, argument.parts, strict=True):
        if not isinstance(new, Leaf) or new.name != variable.name or new.shape or new.domain.structures:
            return "a part is not about a variable of the same name"
        entries = new.domain.entries.tight
        if not entries.integer or entries.values is not None or entries.symbols or entries.nonzero:
            return "a part is not a whole range of integers"
        if not _is_new(new, argument):
            return "the variable of a part is there already"
        goal = build.substitute(argument.goal, {variable: new})
        problem = _part_problem(argument, part, goal, without(variable, given), "on its range")
        if problem:
            return problem
        ranges.append(entries)
    lower, upper = ranges
    if not (lower.low <= old.low and old.high <= upper.high and upper.low <= lower.high + 1):
        return "the ranges do not make up the domain"
    return ""


def _in_pieces(argument: Argument) -> str:
    variable, given = argument.variable, argument.given
    if variable is None or any(mentions(r, variable) for r in given):
        return "it needs a variable of which nothing is given"
    if not argument.nodes or argument.nodes != pieces(variable) or len(argument.parts) != len(argument.nodes):
        return "these are not the pieces of the domain"
    normaliser = Normaliser(given)
    problem = _undefined(normaliser, argument.goal)
    if problem:
        return problem
    for piece, part in zip(argument.nodes, argument.parts, strict=True):
        if not _is_new(piece, argument):
            return "the variable of a piece is there already"
        goal = on_piece(argument.goal, variable, piece, normaliser)
        problem = _part_problem(argument, part, goal, (*given, *side_of_zero(variable, piece)), "on its piece")
        if problem:
            return problem
    return ""


def on_piece(goal: Node, variable: Leaf, piece: Node, normaliser: Normaliser) -> Node:
    """The goal at an end, or with the variable on a piece of its domain."""
    if isinstance(piece, Leaf):
        return build.substitute(goal, {variable: piece})
    return at_end(goal, variable, piece, normaliser)


def side_of_zero(variable: Leaf, piece: Node) -> tuple[Relation, ...]:
    """What is known on one side of 0 of a variable that is anything else."""
    if not isinstance(piece, Leaf) or is_interval(variable):
        return ()
    return (Relation(piece, ">" if piece.domain.entries.is_positive else "<", Number(ZERO)),)


def _by_residues(argument: Argument) -> str:
    classes = residue_classes(argument.goal, given=argument.given)
    cases = residue_cases(argument.goal, given=argument.given)
    if classes is None or cases is None or len(classes) != len(argument.parts):
        return "the goal rounds no integers, or other ones"
    if argument.nodes != tuple(value for values in classes for value in values.values()):
        return "the residue classes are other ones"
    kept = argument.given
    for leaf in classes[0]:
        kept = without(leaf, kept) if isinstance(leaf, Leaf) else ()
    for (goal,), part in zip(cases, argument.parts, strict=True):
        problem = _part_problem(argument, part, goal, kept, "in its residue class")
        problem = problem or _undefined(Normaliser(part.given), goal)
        if problem:
            return problem
    return ""


def applied_to(function: str, node: Node) -> Node:
    """An increasing function of a node."""
    return build.power(node, ONE / 2) if function == "sqrt" else build.apply(function, node)


def _increasing(argument: Argument) -> str:
    if argument.function not in INCREASING or len(argument.nodes) != 2 or len(argument.parts) != 1:
        return "it needs an increasing function and two arguments"
    needed = INCREASING[argument.function]
    normaliser = Normaliser(argument.given)
    if needed and not all(grants(needed, node, normaliser) for node in argument.nodes):
        return f"{argument.function} is not shown to be increasing there"
    (part,) = argument.parts
    if not _under(part, argument.given):
        return "the part assumes more than is given"
    a, b = argument.nodes
    if part.goal is not difference(a, b):
        return "the part is not about the difference of the arguments"
    if argument.strict and not part.strict:
        return "the difference of the arguments is not shown to be > 0"
    outer = difference(applied_to(argument.function, a), applied_to(argument.function, b))
    return "" if equal(argument.goal, outer, argument.given) else "the goal is not the difference of the values"


__all__ = [
    "INCREASING",
    "applied_to",
    "argument_line_problem",
    "argument_problem",
    "case_relations",
    "equal",
    "on_piece",
    "positive_constant",
    "reaches",
    "resolved",
    "side_of_zero",
]
