"""The exit statuses of the command line, and which one a verdict earns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symderive.judgement.verdicts import Verdict

__all__ = ["INTERRUPTED", "MISSING", "REFUTED", "UNDECIDED", "UPHELD", "USAGE", "status_of", "worst"]

UPHELD, REFUTED, USAGE, UNDECIDED, MISSING, INTERRUPTED = 0, 1, 2, 3, 4, 130


def status_of(verdict: Verdict, bar: str) -> int:
    """The exit status that a verdict earns under the bar."""
    if verdict.status == "refuted" or (verdict.cross_check is not None and not verdict.cross_check.ok):
        return REFUTED
    return UPHELD if verdict.status >= bar else UNDECIDED


def worst(statuses: Iterable[int]) -> int:
    """The status of several: refuted before what could not be read, that before undecided."""
    return max(statuses, key=(UPHELD, UNDECIDED, USAGE, REFUTED).index, default=UPHELD)
