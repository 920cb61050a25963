"""Derivatives across kinks: where a function with |x|, max or case distinctions is smooth all the same.

Left and right of a place where a switch changes, the function is one smooth formula each (a *side*).
Where the sides and their derivatives up to the order meet there, the function has that derivative,
by the mean value theorem: x|x| at 0, relu(x)², elu with slope 1, Huber's loss.
Source: W. Rudin, Principles of Mathematical Analysis, 3rd ed., 1976, theorem 5.10 and its corollary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from symderive.calculus.definedness import requirements
from symderive.calculus.law_tables import Shown
from symderive.calculus.normal_form import decide_equal, directional, unmet
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.calculus.terms import ZERO_NODE, Expansion, minus, over, tidy
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.functions import meaning
from symderive.language.nodes import ONE, Differential, Leaf, Map, Node, Number
from symderive.language.statements import Relation

MOST_SWITCHES = 4
_SWITCHES = frozenset(("abs", "sign", "maximum", "minimum", "heaviside", "lt", "le", "eq", "ne"))
_OF_ONE = frozenset(("abs", "sign", "heaviside"))


def remaining_kinks(
    body: Node, derived: Node, variable: Leaf, order: int, kinks: tuple[Relation, ...], shown: Shown
) -> tuple[Relation, ...]:
    """Of the conditions that no kink is at the point, those that are needed.

    ``derived`` is what the rules make of the derivative of ``body``.  A kink ``g != 0`` becomes one
    ``x != c`` for each of its places c, and goes where body and ``derived`` are right at c.  Kinks
    whose places are not found stay as they are.
    """
    needed: dict[Relation, None] = {}
    for kink in kinks:
        try:
            found = list(places(minus(kink.lhs, kink.rhs), variable, shown))
        except (NotHandled, TooLarge, UnsupportedError):
            needed[kink] = None
            continue
        for place in found:
            if not _is_smooth_at(body, derived, variable, order, place, shown):
                needed[Relation(minus(variable, place), "!=", ZERO_NODE)] = None
    return tuple(needed)


def switched_to(body: Node, variable: Leaf, shown: Shown) -> Node:
    """The body with every switch decided whose gap has one sign for all values of the variable."""

    def sign(_: Node, switch: Map) -> int | None:
        if variable not in switch.leaves():
            return None
        gap = gap_of(switch)
        return 1 if shown(">", gap) else -1 if shown(">", build.scale(-1, gap)) else None

    return _with_switches(_without_clip(body), sign)


def gap_of(switch: Map) -> Node:
    """What changes its sign where a switch changes."""
    first = switch.arguments[0]
    return first if switch.function in _OF_ONE else minus(first, switch.arguments[1])


def switches(node: Node, variable: Leaf) -> list[Map]:
    """The parts that change their formula where something in the variable changes its sign."""
    return [n for n in node.walk() if isinstance(n, Map) and n.function in _SWITCHES and variable in n.leaves()]


def places(gap: Node, variable: Leaf, shown: Shown) -> Iterator[Node]:
    """All places at which a piecewise affine expression may vanish; raises `NotHandled` for others."""
    found_in = switches(gap, variable)
    if len(found_in) > MOST_SWITCHES:
        raise NotHandled("a kink of too many cases")
    expansion = Expansion(variable, False, False, shown)
    found: dict[Node, None] = {}
    for signs in product((1, -1), repeat=len(found_in)):
        case: dict[Node, int] = dict(zip(found_in, signs, strict=True))
        slope, shift = expansion.affine(_with_switches(gap, lambda old, _, case=case: case.get(old)))
        if slope is ZERO_NODE and shown("!=", shift):
            continue
        if not shown("!=", slope):
            raise NotHandled("a kink at a place that is not known")
        place = build.scale(-1, over(shift, slope))
        if not shown("!=", build.substitute(gap, {variable: place})):
            found[place] = None
    yield from found


def _with_switches(node: Node, sign: Callable[[Node, Map], int | None]) -> Node:
    """A node with its switches on the side of a sign, those inside of others first.

    ``sign`` is asked with a switch as it stands and with what is inside decided; None leaves it undecided.
    """
    done: dict[Node, Node] = {}
    for current in node.walk():
        made = build.rebuild(current, [done[c] for c in current.children]) if current.children else current
        if isinstance(made, Map) and made.function in _SWITCHES:
            found = sign(current, made)
            made = made if found is None else _chosen(made, found)
        done[current] = _decided(made)
    return done[node]


def _chosen(switch: Map, sign: int) -> Node:
    """A switch where its gap has this sign; 0 says that the gap vanishes throughout."""
    first, *rest = switch.arguments
    match switch.function:
        case "abs":
            return build.scale(sign, first) if sign else ZERO_NODE
        case "sign":
            return build.number(sign)
        case "heaviside":
            return rest[0] if sign == 0 else build.number(int(sign > 0))
        case "maximum":
            return first if sign >= 0 else rest[0]
        case "minimum":
            return first if sign <= 0 else rest[0]
    holds = {"lt": sign < 0, "le": sign <= 0, "eq": sign == 0, "ne": sign != 0}[switch.function]
    return build.number(int(holds))


def _decided(node: Node) -> Node:
    """A case distinction by a number."""
    if isinstance(node, Map) and node.function == "where":
        condition, then, otherwise = node.arguments
        if isinstance(condition, Number) and condition.value.is_number:
            return otherwise if condition.value == 0 else then
    return node


def _slope(node: Node, variable: Leaf) -> tuple[Node, tuple[Relation, ...]]:
    """The derivative by the rules, and the kinks that it must not be at."""
    changed, kinks = directional(node, variable)
    return build.substitute(changed, {Differential(variable): Number(ONE)}), kinks


def _side(body: Node, variable: Leaf, place: Node, way: int, shown: Shown) -> Node:
    """The formula that the body is right of a place (``way`` 1) or left of it (-1), the place itself included."""

    def sign(_: Node, switch: Map) -> int | None:
        if variable not in switch.leaves():
            return None
        return _sign_beside(gap_of(switch), variable, place, way, shown)

    return _with_switches(body, sign)


def _sign_beside(gap: Node, variable: Leaf, place: Node, way: int, shown: Shown) -> int:
    """The sign of a smooth expression just beside a place."""
    if decide_equal(gap, ZERO_NODE).equal:
        return 0
    for side in (1, way, 1):
        here = build.substitute(gap, {variable: place})
        for sign in (1, -1):
            if shown(">", build.scale(sign, here)):
                return sign * side
        if not decide_equal(here, ZERO_NODE).equal:
            break
        gap, kinks = _slope(gap, variable)
        if kinks:
            break
    raise NotHandled("on which side of a kink a branch lies")


def _without_clip(node: Node) -> Node:
    """Clips written as minima of maxima."""
    clips: dict[Node, Node] = {}
    for part in node.walk():
        if isinstance(part, Map) and part.function == "clip":
            opened = meaning("clip", part.arguments)
            assert opened is not None
            clips[part] = opened
    return build.substitute(node, clips) if clips else node


def _is_smooth_at(body: Node, derived: Node, variable: Leaf, order: int, place: Node, shown: Shown) -> bool:
    """Whether ``derived`` is the derivative of the body at a place where a switch changes."""
    here: dict[Node, Node] = {variable: place}
    try:
        body = _without_clip(body)
        left, right = (_side(body, variable, place, way, shown) for way in (-1, 1))
        value = build.substitute(body, here)
        for k in range(order + 1):
            beside = [build.substitute(side, here) for side in (left, right)]
            if unmet((value, *beside), ()) or not all(_is_open(side, here, shown) for side in (left, right)):
                return False
            if not all(_surely_equal(value, other) for other in beside):
                return False
            if k == order:
                break
            (left, at_left), (right, at_right) = _slope(left, variable), _slope(right, variable)
            gaps = [minus(r.lhs, r.rhs) for r in (*at_left, *at_right)]
            if not all(shown("!=", build.substitute(g, here)) for g in gaps):
                return False
            value = build.substitute(derived if k + 1 == order else right, here)
    except (NotHandled, TooLarge, UnsupportedError):
        return False
    return True


def _is_open(side: Node, here: dict[Node, Node], shown: Shown) -> bool:
    """Whether a side is defined around the place: what it needs holds there strictly."""
    for need in requirements(side):
        gap = build.substitute(minus(need.lhs, need.rhs), here)
        if need.op in ("<", "<="):
            gap = build.scale(-1, gap)
        if need.op not in ("<", "<=", ">", ">=", "!=") or not shown("!=" if need.op == "!=" else ">", gap):
            return False
    return True


def _surely_equal(a: Node, b: Node) -> bool:
    found = decide_equal(tidy(a), tidy(b))
    return bool(found.equal) and not found.conditions


__all__ = ["gap_of", "places", "remaining_kinks", "switched_to", "switches"]
