"""Convexity of a scalar: by its second differential where it is smooth, below its chords in any case.

A twice differentiable function on a convex domain is convex exactly where its second derivative
along every direction is >= 0.  A function with kinks is not settled by that (-|x| has the second
derivative 0 wherever it has one), so that it is judged along chords and never proved here.

Source: S. Boyd and L. Vandenberghe, Convex Optimization, 2004, 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderive.calculus.normal_form import decide_equal, expand_differentials
from symderive.calculus.signs import sign_of
from symderive.calculus.simplify import simplify
from symderive.checking.sides import shortened
from symderive.derivation.inequalities import prove_nonnegative
from symderive.errors import DomainError, UnsupportedError
from symderive.judgement.judge import judge_defined, judge_relation
from symderive.judgement.verdicts import Status, Verdict
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.domains import positive, real
from symderive.language.functions import function
from symderive.language.nodes import ONE, ZERO, Differential, Leaf, Map, Node, Number
from symderive.language.statements import Relation

CONVEX_STRUCTURES = frozenset({"simplex", "symmetric", "spd", "diagonal", "lower_triangular"})


def convex(loss: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...] = ()) -> Verdict:
    """Judge whether a scalar is convex in some arrays jointly, on their declared domains.

    ``given`` must not speak of ``leaves``.  ``refuted`` carries a point and a direction along which
    the second derivative is negative, or two points between which it lies above the chord.

    >>> import symderive as sd
    >>> x = sd.array("x")
    >>> convex(x**4 - x, [x.node]).status.value, convex(x**3, [x.node]).status.value
    ('proved', 'refuted')
    """
    _convex_domains(leaves)
    names = ", ".join(leaf.name for leaf in leaves)
    text = shortened(f"{loss} is convex in {names}")
    domain_of = decide_equal(loss.node, loss.node, given)
    needed = tuple(str(c) for c in domain_of.conditions) if domain_of.equal else ("more than could be shown",)
    if needed:
        defined = judge_defined(loss.node, given=given)
        if defined.status is Status.refuted:
            return replace(defined, claim=text, reason=f"it is not defined everywhere: {defined.reason}")
    chord = _below_chord(loss.node, leaves, given, text)
    if chord.status is Status.refuted:
        return chord
    rough = _rough(loss.node, leaves)
    if rough:
        return replace(chord, reason=f"{chord.reason}; no proof by second derivatives: {rough}")
    free = all(not leaf.domain.structures for leaf in leaves)
    second = Relation(Differential(Differential(loss.node)), ">=", Number(ZERO))
    judged = judge_relation(second, given=given, changing=leaves, points=14) if free else chord
    if judged.status is Status.refuted:
        return replace(
            judged,
            claim=text,
            reason="the second derivative along a direction is negative at an exact point of the domain",
        )
    taken = {x.name for x in loss.node.leaves()}
    directions: dict[Node, Node] = {}
    for leaf in leaves:
        first = ("v",) if len(leaves) == 1 else ()
        name = next(x for x in (*first, *(f"v_{leaf.name}{'_' * k}" for k in range(9))) if x not in taken)
        taken.add(name)
        directions[Differential(leaf)] = Leaf(name, leaf.shape, real)
    try:
        form = _second_differential(loss.node, leaves)
    except UnsupportedError as error:
        return replace(chord, reason=f"{chord.reason}; no proof: {error}")
    raw = build.substitute(form, directions)
    form = simplify(raw).node
    proof = prove_nonnegative(form, given)
    where = ""
    if proof.status is not Status.proved and not needed and _continuous(loss.node, leaves):
        inside = _interior(leaves)
        if inside:
            form = simplify(build.substitute(raw, inside)).node
            proof = prove_nonnegative(form, given)
            where = ", inside the domain; up to its edge the function is continuous"
    if proof.status is Status.proved and not needed:
        along = ", ".join(str(Array(v)) for v in directions.values())
        return replace(
            proof,
            claim=text,
            reason=f"the second derivative along any direction {along} is {Array(form)}, which is >= 0{where}",
            parts=(judged, chord) if free else (chord,),
        )
    why = "its second derivative was not shown to be >= 0"
    if needed:
        why = f"that it is defined needs {', '.join(needed)}"
    return replace(chord, reason=f"{chord.reason}; no proof: {why}")


def _second_differential(node: Node, leaves: Sequence[Leaf]) -> Node:
    """d²(node) in the changes of the leaves, by the forward chain rule."""
    changing = frozenset(leaves)
    first = expand_differentials(Differential(node), changing)
    return expand_differentials(Differential(first), changing)


def _below_chord(loss: Node, leaves: Sequence[Leaf], given: tuple[Relation, ...], text: str) -> Verdict:
    """f((a + b)/2) <= (f(a) + f(b))/2, judged at exact points."""
    taken = {x.name for x in loss.leaves()}
    middle: dict[Node, Node] = {}
    end: dict[Node, Node] = {}
    half = ONE / 2
    for leaf in leaves:
        other = twin(leaf, taken, "other_")
        end[leaf] = other
        middle[leaf] = build.add([(half, leaf), (half, other)], leaf.shape)
    chord = build.add([(half, loss), (half, build.substitute(loss, end))], ())
    verdict = judge_relation(Relation(build.substitute(loss, middle), "<=", chord), given=given, points=16, claim=text)
    if verdict.status is Status.refuted:
        return replace(verdict, reason="halfway between two points of the domain it lies above the chord")
    if verdict.status is Status.checked:
        return replace(verdict, reason=f"it lies below its chords; {verdict.reason}")
    return verdict


def _convex_domains(leaves: Sequence[Leaf]) -> None:
    for leaf in leaves:
        entries = leaf.domain.entries
        bent = [s for s, _ in leaf.domain.structures if s not in CONVEX_STRUCTURES]
        if entries.values is not None or entries.integer or entries.nonzero or bent:
            raise DomainError(f"convexity needs a convex domain, but {leaf.name} is declared {leaf.domain}")


def _rough(loss: Node, leaves: Sequence[Leaf]) -> str:
    """Why second derivatives do not settle convexity; "" where they do."""
    moving = _moving(loss, leaves)
    for node in loss.walk():
        if not isinstance(node, Map) or node not in moving:
            continue
        row = function(node.function)
        if row.kinks or row.mask:
            return f"{row.name} has a kink"
        if node.function == "where" and node.arguments[0] in moving:
            return "a case distinction depends on what changes"
        for k, argument in enumerate(node.arguments):
            if argument not in moving or not _bordered(node, k):
                continue
            if not sign_of(argument).positive and not isinstance(argument, Leaf):
                return f"{row.name} has no derivative where {Array(argument)} is 0, which may happen"
    return ""


def _interior(leaves: Sequence[Leaf]) -> dict[Node, Node]:
    """The arrays whose domains have 0 as an edge, without that edge."""
    return {
        leaf: Leaf(leaf.name, leaf.shape, leaf.domain & positive)
        for leaf in leaves
        if leaf.domain.entries.low == 0
        and not leaf.domain.entries.low_open
        and all(s == "simplex" for s, _ in leaf.domain.structures)
    }


def _continuous(loss: Node, leaves: Sequence[Leaf]) -> bool:
    """Whether no row is met where it jumps: x log y at x = y = 0."""
    moving = _moving(loss, leaves)
    for node in loss.walk():
        if isinstance(node, Map) and node in moving and len(node.arguments) > 1 and node.function != "power":
            rows = function(node.function).requires
            if any(" or " in r for r in rows) and not sign_of(node.arguments[1]).positive:
                return False
    return True


def _bordered(node: Map, place: int) -> bool:
    """Whether the row is defined at 0 in this argument but not smooth there."""
    if node.function == "power":
        exponent = node.arguments[1]
        if not isinstance(exponent, Number) or not exponent.value.is_number:
            return True
        return not exponent.value.is_integer
    row = function(node.function)
    return any(">= 0" in r or "== 0" in r for r in row.requires)


def _moving(root: Node, leaves: Sequence[Leaf]) -> set[Node]:
    """The nodes that depend on the leaves."""
    found: set[Node] = set()
    for node in root.walk():
        if node in leaves or any(c in found for c in node.children):
            found.add(node)
    return found


def twin(leaf: Leaf, taken: set[str], prefix: str) -> Leaf:
    """An array like the leaf with a name of its own, which joins ``taken``."""
    name = next(x for x in (f"{prefix}{leaf.name}{'_' * k}" for k in range(99)) if x not in taken)
    taken.add(name)
    return Leaf(name, leaf.shape, leaf.domain)


__all__ = ["convex", "twin"]
