"""Verdicts on many claims, as a table for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from symderive.checking.batches import Outcome
from symderive.rendering.sentences import say
from symderive.rendering.terminal import columns, plain, wrapped
from symderive.rendering.words import words

__all__ = ["counts_text", "expected_text", "remarks", "status_of", "table_text"]

#: Most columns of the first column, and of a claim or remark, which is cut or wrapped there.
LONGEST_ID, LONGEST_LINE = 18, 160


def table_text(outcomes: Sequence[Outcome], lang: str = "en", width: int = 80) -> str:
    """One row for each claim: id, status, seconds, claim; remarks on lines of their own below.

    A row whose verdict is not the one that was expected begins with ``!``.  No line is wider than
    ``width`` columns; Chinese characters take two.
    """
    labels = words(lang)
    names = [_cut(plain(o.claim.id), LONGEST_ID) for o in outcomes]
    statuses = [labels[status_of(o)] for o in outcomes]
    seconds = [f"{o.seconds:.2f}" for o in outcomes]
    sizes = [
        max(map(columns, (head, *cells)))
        for head, cells in (("id", names), (labels["status"], statuses), (labels["seconds"], seconds))
    ]
    margin = sum(sizes) + 8
    room = min(max(width - margin, 20), LONGEST_LINE)
    lines = [_row(" ", ("id", labels["status"], labels["seconds"]), sizes, labels["claim"].lower())]
    for outcome, name, status, time in zip(outcomes, names, statuses, seconds, strict=True):
        mark = " " if outcome.as_expected else "!"
        lines.append(_row(mark, (name, status, time), sizes, _cut(plain(outcome.claim.text), room)))
        indent = " " * min(margin, max(width - 40, 4))
        for remark in remarks(outcome, lang):
            lines += wrapped(remark, width, indent, indent + "  ")
    return "\n".join(line.rstrip() for line in lines)


def remarks(outcome: Outcome, lang: str = "en") -> list[str]:
    """What is said below a claim: what was expected, where it fails, the hint, the reason of what is open."""
    labels = words(lang)
    verdict = outcome.verdict
    found = [] if outcome.as_expected else [expected_text(outcome, lang)]
    if verdict.counterexample is not None:
        found.append(labels["at"].format(point=verdict.counterexample.point))
    if verdict.hint:
        found.append(f"{labels['hint'].lower()}{labels['colon']}{say(verdict.hint, lang)}")
    if outcome.problem:
        found.append(outcome.problem)
    elif not verdict.upheld and verdict.reason and verdict.counterexample is None:
        found.append(say(verdict.reason, lang))
    return found


def expected_text(outcome: Outcome, lang: str = "en") -> str:
    """What the verdict should have been."""
    labels = words(lang)
    expect = outcome.claim.expect
    expect = outcome.bar if expect == "upheld" else expect
    return labels["expected"].format(status=labels[expect])


def counts_text(outcomes: Iterable[Outcome], lang: str = "en") -> str:
    """How many claims have each status, and how many are not as expected."""
    labels = words(lang)
    listed = list(outcomes)
    counts = Counter(status_of(o) for o in listed)
    order = ("proved", "certified", "checked", "undecided", "refuted", "error")
    parts = [labels["counted"].format(count=counts[s], status=labels[s]) for s in order if counts[s]]
    said = labels["one_claim" if len(listed) == 1 else "claims"]
    text = said.format(count=len(listed), counts=labels["comma"].join(parts))
    odd = sum(not o.as_expected for o in listed)
    return text + (labels["unexpected"].format(count=odd) if odd else labels["all_expected"])


def status_of(outcome: Outcome) -> str:
    """The verdict's status, or "error" where judging raised."""
    return "error" if outcome.problem else str(outcome.verdict.status)


def _row(mark: str, cells: Sequence[str], sizes: Sequence[int], claim: str) -> str:
    padding = [" " * (size - columns(cell)) for cell, size in zip(cells, sizes, strict=True)]
    name, status, seconds = cells
    return f"{mark} {name}{padding[0]}  {status}{padding[1]}  {padding[2]}{seconds}  {claim}"


def _cut(text: str, room: int) -> str:
    """The text in at most ``room`` columns."""
    if columns(text) <= room:
        return text
    while columns(text) > room - 1:
        text = text[:-1]
    return text + "…"
