"""Relations with derivatives, integrals and sums over integers: opened by laws, proved, and judged as they stand.

The proof is about what the laws make of both sides; the judge looks at the sides as written, so that a
wrong law and the judge cannot agree by accident.  Where integrals stand in integrals it looks at each
opening, the inner ones first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from symderive.calculus.openings import Opened, Opening, has_binding, open_bindings
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.derivation.proofs import Line, Trace, judged
from symderive.errors import SymderiveError
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Status, Verdict
from symderive.language.nodes import Binding
from symderive.language.statements import Relation

ENOUGH = 9
"""Points at which integrals and series that a proof speaks of are judged."""
LEAST_AGREEING = 3
"""How many points have to agree beside points at which the judge has no enclosure."""


def prove_opened(
    relation: Relation, given: tuple[Relation, ...], prove: Callable[[Relation, tuple[Relation, ...]], Verdict]
) -> Verdict:
    """The verdict on a relation whose sides bind variables; ``prove`` judges what no longer does.

    ``proved`` where every binding was opened by a law whose conditions the domains grant, what it was
    opened to is proved, and the judge agrees on the relation as it was written.  Otherwise the
    judge's verdict.  Raises `JudgementConflictError` where proof and judge disagree.
    """
    left, right = open_bindings(relation.lhs, given), open_bindings(relation.rhs, given)
    unmet = tuple(dict.fromkeys((*left.unmet, *right.unmet)))
    whole = Relation(left.node, relation.op, right.node)
    reasons = dict.fromkeys((*left.reasons, *right.reasons))
    if unmet or has_binding(whole.lhs, whole.rhs):
        return _judged_only(relation, given, "; ".join([*(f"{c} is not shown" for c in unmet), *reasons]))
    inner = prove(whole, given)
    openings = [opening for opened in (left, right) for _, _, opening in opened.lines]
    by_steps = any(map(_is_nested, openings)) and all(_stands(opening, given) for opening in openings)
    refuted = _carries_over(inner, relation)
    if refuted and by_steps:
        return replace(inner, reason=f"{inner.reason} (both sides as opened by laws)")
    if inner.status is not Status.proved:
        verdict = _judged_only(relation, given, "" if inner.status is Status.refuted else inner.reason)
        open_ = verdict.status in (Status.undecided, Status.checked)
        if refuted and open_ and (verdict.status is Status.undecided or _same(relation, whole, given)):
            return replace(inner, reason=f"{inner.reason} (both sides as opened by laws)")
        return verdict
    claimed, evidence = inner.claim, inner.evidence
    if not by_steps:
        agreed, verdict = judged(relation, given, (), inner.reason, points=ENOUGH if _is_costly(relation) else None)
        if not agreed and not _agrees_where_known(verdict):
            return verdict
        claimed, evidence = verdict.claim, verdict.evidence
    trace = (*_lines(left), *inner.trace, *_reversed(_lines(right)))
    return replace(inner, claim=claimed, trace=trace, evidence=evidence)


def _same(written: Relation, opened: Relation, given: tuple[Relation, ...]) -> bool:
    """Whether the judge agrees that sides were opened to what they are."""
    pairs = ((written.lhs, opened.lhs), (written.rhs, opened.rhs))
    return all(a is b or judge_relation(Relation(a, "==", b), given=given, points=ENOUGH).upheld for a, b in pairs)


def _carries_over(inner: Verdict, relation: Relation) -> bool:
    """Whether a refutation of the opened sides is one of the sides as written.

    What a side was opened to may be undefined where the side is not: 2 arcosh(x)/√(x² - 1) at x = 1, where
    the derivative of arcosh² is 2.
    """
    at = inner.counterexample
    if inner.status is not Status.refuted or at is None:
        return False
    sides = ((at.lhs_value, relation.lhs), (at.rhs_value, relation.rhs))
    return not any(value is None and has_binding(side) for value, side in sides)


def without_bindings(relation: Relation, given: tuple[Relation, ...]) -> Relation:
    """The relation with what binds variables opened by laws, as far as there are laws; for hints."""
    sides = [relation.lhs, relation.rhs]
    for k, side in enumerate(sides):
        if has_binding(side):
            with suppress(SymderiveError, NotHandled, TooLarge, RecursionError):
                opened = open_bindings(side, given)
                sides[k] = side if opened.unmet else opened.node
    return Relation(sides[0], relation.op, sides[1])


def _is_nested(opening: Opening) -> bool:
    """Whether an integral or a sum stands in another one."""
    return any(inner.before.kind != "derivative" for inner in opening.inner) and opening.before.kind != "derivative"


def _stands(opening: Opening, given: tuple[Relation, ...]) -> bool:
    """Whether the judge agrees to an opening: to what it did inside first, then to the rest.

    So integrals of integrals are judged, which are too much to enclose at once.
    """
    inside = (*given, *opening.assuming)
    if not all(_stands(inner, inside) for inner in opening.inner):
        return False
    before = opening.before if opening.outer is None else opening.outer
    return judge_relation(Relation(before, "==", opening.after), given=given, points=ENOUGH).upheld


def _is_costly(relation: Relation) -> bool:
    """Whether an integral or a series has to be enclosed at each point."""
    return any(
        isinstance(n, Binding) and n.kind != "derivative" for side in (relation.lhs, relation.rhs) for n in side.walk()
    )


def _agrees_where_known(verdict: Verdict) -> bool:
    """Whether the judge only lacks enclosures: it found agreement at several points, and nothing undefined.

    At a kink whose sides meet, 3·(1/3) = 1 is no more than two balls that overlap.
    """
    evidence = verdict.evidence
    if verdict.status is not Status.undecided or evidence is None or "undefined" in verdict.reason:
        return False
    return evidence.points >= LEAST_AGREEING and evidence.unresolved + evidence.skipped > 0


def _judged_only(relation: Relation, given: tuple[Relation, ...], why: str) -> Verdict:
    verdict = judge_relation(relation, given=given)
    if verdict.status is Status.refuted or not why:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; no proof: {why}".lstrip("; "))


def _lines(opened: Opened) -> Trace:
    return tuple(Line(before, after, opening.rule, opening.conditions) for before, after, opening in opened.lines)


def _reversed(lines: Trace) -> Trace:
    return tuple(replace(line, before=line.after, after=line.before) for line in reversed(lines))


__all__ = ["prove_opened", "without_bindings"]
