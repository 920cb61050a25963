"""What a worker does with one claim of a file: read it, or judge it and say everything about it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from symderive.checking.certificates import certificate
from symderive.checking.claim_files import FileClaim
from symderive.deadline import OutOfTime, run_within
from symderive.derivation.proofs import Line
from symderive.errors import SymderiveError, UnsupportedError
from symderive.judgement.verdicts import Verdict
from symderive.language.statements import Relation
from symderive.language.views.formula import formula_lines
from symderive.language.views.latex import relation_formula

__all__ = ["judged", "read"]

#: Seconds for the reading of one claim; what takes longer is left to the judgement and its limit.
READING = 5.0
#: Width of a formula's lines, in em.
WIDTH = 44.0


def read(content: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the claim can be read; raises where it cannot."""
    try:
        run_within(READING, FileClaim.from_dict(content["claim"]).read)
    except OutOfTime:
        return {"read": False}
    return {"read": True}


def judged(content: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on the claim as `Verdict.as_dict` has it, its formulas in LaTeX, and its certificate if asked for.

    There is no certificate where the kind of claim has none, or the time is over.
    """
    if content.get("task") == "read":
        return read(content)
    verdict = FileClaim.from_dict(content["claim"]).judge(content.get("timeout"))
    result = {"verdict": verdict.as_dict(), "shown": _shown(verdict)}
    if content.get("certificate"):
        with suppress(OutOfTime, UnsupportedError):
            result["certificate"] = run_within(content.get("timeout"), lambda: certificate(verdict))
    return result


def _shown(verdict: Verdict) -> dict[str, Any]:
    """The claim, what is given and the lines of the proof in LaTeX, each broken into lines."""
    statement = verdict.statement
    if statement is None:
        return {}
    relations = [statement.relation, *statement.given]
    proof = [Relation(line.before, line.op, line.after) for line in verdict.trace if isinstance(line, Line)]
    try:
        claim, *given = (_lines(relation) for relation in relations)
        return {"claim": claim, "given": given, "proof": [_lines(relation) for relation in proof]}
    except SymderiveError:  # a form without LaTeX: pages show the text
        return {}


def _lines(relation: Relation) -> list[str]:
    return formula_lines(relation_formula(relation), WIDTH)
