"""The small checker: replays a trace with nothing but the rows and the normal form.

It does not know how a proof was found.  A line by the normal form is decided
again; a line by lemmas has to account for exactly what it drops, with weights
whose sign is >= 0 and arguments that meet what the lemma requires; and each line
has to begin where the last one ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from symderive.calculus import slopes
from symderive.calculus.normal_form import decide_equal
from symderive.calculus.openings import open_one
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.derivation.argument_checks import argument_line_problem
from symderive.derivation.conditions import granted, instance_problem
from symderive.derivation.proofs import LEMMAS, NORMAL_FORM, SLOPES, Line
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.nodes import ONE, Binding, Leaf
from symderive.language.statements import Relation


@final
@dataclass(frozen=True)
class Outcome:
    """Whether a trace holds; if not, which line fails and why."""

    ok: bool
    line: int | None = None
    reason: str = ""


def replay(trace: Sequence[Line], given: Sequence[Relation] = (), changing: Iterable[Leaf] = ()) -> Outcome:
    """Check every line of a trace, and that the lines connect.

    ``given`` and ``changing`` are those of the claim that the trace proves.

    >>> import numpy as np, symderive as sd
    >>> from symderive.derivation.proofs import prove_equal
    >>> z = sd.array("z")
    >>> verdict = prove_equal(np.tanh(z).node, (1 - 2 / (1 + np.exp(2 * z))).node)
    >>> replay(verdict.trace).ok
    True
    """
    if not trace:
        return Outcome(False, None, "an empty trace proves nothing")
    leaves = frozenset(changing)
    for k, line in enumerate(trace):
        if k and trace[k - 1].after is not line.before:
            return Outcome(False, k, "the line does not begin where the last one ended")
        try:
            problem = _line(line, tuple(given), leaves)
        except (NotHandled, TooLarge) as error:
            problem = str(error)
        if problem:
            return Outcome(False, k, problem)
    return Outcome(True)


def _line(line: Line, given: tuple[Relation, ...], changing: frozenset[Leaf]) -> str:
    """What is wrong with a line; empty if nothing is."""
    if line.rule == NORMAL_FORM:
        if line.op != "==" or line.instances:
            return "the normal form shows equalities only"
        answer = decide_equal(line.before, line.after, given, changing)
        if not answer.equal:
            return answer.reason or "the normal form does not decide it"
        missing = [c for c in answer.conditions if c not in line.conditions]
        return f"the condition {missing[0]} is not stated" if missing else ""
    opening = replayed_opening(line, given)
    if opening is not None:
        return opening
    if line.rule == SLOPES:
        if line.op != "==" or line.instances or line.anchor is None or changing:
            return "equal derivatives show equalities only"
        return slopes.problem(line.before, line.after, *line.anchor, given)
    if line.argument is not None:
        return argument_line_problem(line, given)
    if line.op not in (">=", ">") or not line.instances:
        return f"the rule {line.rule!r} is not known"
    allowed = (*given, *line.conditions)
    strict = False
    kept = [(ONE, line.after)]
    for instance in line.instances:
        problem = instance_problem(instance, allowed)
        if problem:
            return problem
        row = LEMMAS[instance.lemma]
        strict = strict or (row.strict and granted(">", instance.weight, allowed))
        kept += [(ONE, instance.big), (-ONE, instance.small)]
    if line.op == ">" and not strict:
        return "nothing that is dropped is shown to be > 0"
    shape = line.before.shape or line.after.shape
    answer = decide_equal(line.before, build.add(kept, shape), given, changing)
    if not answer.equal:
        return f"what is dropped is not what the lemmas cover: {answer.reason}"
    missing = [c for c in answer.conditions if c not in line.conditions]
    return f"the condition {missing[0]} is not stated" if missing else ""


def replayed_opening(line: Line, given: tuple[Relation, ...]) -> str | None:
    """What is wrong with a line that opens one derivative, integral or sum; None for another kind of line.

    The row's law is applied again to each binding on the side that has it.
    """
    problem = None
    for before, after in ((line.before, line.after), (line.after, line.before)):
        for binding in (n for n in before.walk() if isinstance(n, Binding)):
            try:
                opening = open_one(binding, given)
                missing = opening.unmet((*given, *line.conditions))
            except (UnsupportedError, NotHandled, TooLarge):
                continue
            if opening.rule != line.rule or build.substitute(before, {binding: opening.after}) is not after:
                problem = problem or "no law opens it so"
                continue
            if line.op != "==" or missing:
                return f"the condition {missing[0]} is not met" if missing else "an opening is an equality"
            return ""
    return problem


__all__ = ["Outcome", "replay"]
