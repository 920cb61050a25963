"""Many claims at once: read in workers first, then judged there, each within its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symderive.checking.claim_files import ClaimFile, FileClaim, meets
from symderive.checking.judging import judged
from symderive.checking.workers import Answer, Limits, Workers, worker_count
from symderive.errors import ReadError
from symderive.judgement.verdicts import Status, Verdict

__all__ = ["Batch", "Outcome", "chosen", "made_outcome"]


@dataclass(frozen=True)
class Outcome:
    """What came of one claim: a verdict and the seconds that it took.

    ``as_expected`` says whether the verdict is the one that the file expects, and reaches ``bar``
    where the file says no more than that the claim should hold.  ``problem`` is what judging raised
    and ``error`` the class of that; then the verdict is ``undecided``.  ``shown`` is what pages show
    besides (formulas in LaTeX), ``certificate`` what `symderive.certificate` says, where it was asked for.
    """

    file: str
    claim: FileClaim
    verdict: Verdict
    seconds: float
    bar: str = "checked"
    problem: str = ""
    error: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    certificate: Mapping[str, Any] | None = None

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is what was expected."""
        expect = self.claim.expect
        return not self.problem and meets(self.verdict, self.bar if expect == "upheld" else expect)


def chosen(files: Sequence[ClaimFile], words: str = "") -> list[tuple[str, FileClaim]]:
    """The claims of some files with their files' paths; with words, those in whose id, title, tags or text all stand.

    A word after ``not`` must not stand there: ``"entropy not jensen"``.
    """
    wanted: list[tuple[bool, str]] = []
    keep = True
    for word in words.lower().split():
        if word == "not":
            keep = False
        elif word != "and":
            wanted.append((keep, word))
            keep = True
    found: list[tuple[str, FileClaim]] = []
    for file in files:
        for claim in file.claims:
            text = " ".join((claim.id, claim.title, *claim.tags, claim.text)).lower()
            if all((word in text) is keep for keep, word in wanted):
                found.append((file.path, claim))
    return found


class Batch:
    """Claims that are judged together; a context manager that ends its workers.

    ``limits`` are those of claims that name none of their own.
    """

    def __init__(
        self,
        claims: Sequence[tuple[str, FileClaim]],
        workers: int | None = None,
        limits: Limits = Limits(),
        bar: str = "checked",
        certificates: bool = False,
    ) -> None:
        self.claims = claims
        self._limits = limits
        self._bar = bar
        self._certificates = certificates
        self._workers = Workers(judged, worker_count(workers, len(claims)))

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.__exit__()

    def read(self) -> None:
        """Read every claim; a `ReadError` names the first that cannot be read, in the order of the files."""
        requests = [({"task": "read", "claim": claim.as_dict()}, self._of(claim)) for _, claim in self.claims]
        found = sorted((a for a in self._workers.answers(requests) if a.problem), key=lambda a: a.number)
        if found:
            file, claim = self.claims[found[0].number]
            more = f"\n({len(found) - 1} more claims cannot be read)" if len(found) > 1 else ""
            raise ReadError(f"{file}: claim {claim.id!r}: {found[0].problem}{more}")

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes as they come; use ``read`` first, for errors before work."""
        requests = []
        for _, claim in self.claims:
            limits = self._of(claim)
            content = {"claim": claim.as_dict(), "timeout": limits.seconds, "certificate": self._certificates}
            requests.append((content, limits))
        for answer in self._workers.answers(requests):
            file, claim = self.claims[answer.number]
            yield made_outcome(file, claim, answer, self._bar)

    def _of(self, claim: FileClaim) -> Limits:
        limits = self._limits
        return Limits(claim.timeout or limits.seconds, claim.memory or limits.megabytes)


def made_outcome(file: str, claim: FileClaim, answer: Answer, bar: str = "checked") -> Outcome:
    """The outcome that a worker's answer on a claim says."""
    result = answer.result or {}
    if "verdict" in result:
        verdict = Verdict.from_dict(result["verdict"])
    else:
        verdict = Verdict(Status.undecided, claim.text, reason=answer.stopped or answer.problem)
    return Outcome(
        file,
        claim,
        verdict,
        answer.seconds,
        bar,
        answer.problem,
        answer.error,
        result.get("shown", {}),
        result.get("certificate"),
    )
