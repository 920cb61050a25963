"""`symderive check`: claims in texts and files, judged within limits, shown as text, table, JSON or pages."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from symderive.checking.batches import Batch, Outcome, chosen
from symderive.checking.claim_files import ClaimFile, FileClaim, read_claim_file
from symderive.checking.workers import Limits
from symderive.cli.statuses import INTERRUPTED, REFUTED, UNDECIDED, UPHELD, USAGE, status_of, worst
from symderive.errors import ReadError
from symderive.language.domain_text import read_domain
from symderive.language.statements import RELATIONS
from symderive.rendering.claim_reports import Results, write_results
from symderive.rendering.claim_tables import table_text
from symderive.rendering.documents import write
from symderive.rendering.words import words

__all__ = ["run_check"]

#: The form of a report, by the end of its file's name.
REPORTS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}

_FILE = re.compile(r".+\.(toml|json)", re.IGNORECASE)


def run_check(arguments: argparse.Namespace) -> int:
    """Judge what the command line names; returns the exit status."""
    reports = [(path, _report_form(path)) for path in arguments.report]
    files = _files(arguments)
    claims = chosen(files, arguments.only)
    if not claims:
        total = sum(len(file.claims) for file in files)
        raise ReadError(f"-k {arguments.only!r}: none of the {total} claims has these words in id, title, tags or text")
    texts_only = all(not file.path for file in files)
    if texts_only and not (arguments.timeout or arguments.memory or arguments.workers):
        outcomes = _judged_here(claims, arguments)
    else:
        outcomes = _judged_in_workers(claims, arguments)
    title = files[0].title if len(files) == 1 else words(arguments.lang)["verdict"]
    results = Results(title, outcomes, len(claims))
    _show(results, arguments, in_full=texts_only and len(claims) == 1)
    for path, form in reports:
        path.write_text(write_results(results, form, arguments.lang), encoding="utf-8")
    if len(outcomes) < len(claims) and not arguments.fail_fast:
        return INTERRUPTED
    return worst(_status(outcome) for outcome in outcomes)


# -- what is claimed ------------------------------------------------------------------------------


def _files(arguments: argparse.Namespace) -> list[ClaimFile]:
    """The claim files, and the claims in texts as if they stood in one."""
    parts = [part.strip() for part in arguments.claim]
    declared = {
        "domains": dict(_assignment(text, "--domain", "y=labels(0,1)") for text in arguments.domain),
        "shapes": dict(_assignment(text, "--shape", "X=n,d") for text in arguments.shape),
        "given": tuple(arguments.given),
    }
    for text in declared["domains"].values():
        read_domain(text)
    three = len(parts) == 3 and (parts[1] in RELATIONS or (not any(map(_names_file, parts)) and not _says(parts)))
    if three:
        return [ClaimFile("", " ".join(parts), (FileClaim("1", tuple(parts), **declared),))]
    files: list[ClaimFile] = []
    texts: list[FileClaim] = []
    for part in parts:
        if _names_file(part):
            files.append(read_claim_file(part))
        elif _says([part]) or len(parts) == 1:
            texts.append(FileClaim(str(len(texts) + 1), (part,), **declared))
        else:
            raise ReadError(
                f'{part!r} is no claim; a claim is one text, "LHS == RHS", or three: LHS RELATION RHS; quote each'
            )
    if files and any(declared.values()):
        raise ReadError("--shape, --domain and --given are for claims in texts; a claim file has its own")
    title = texts[0].text if len(texts) == 1 else ""
    return [*files, *([ClaimFile("", title, tuple(texts))] if texts else [])]


def _names_file(part: str) -> bool:
    """Whether a text names a claim file: it ends like one, and is no formula."""
    return _FILE.fullmatch(part) is not None and not _says([part])


def _says(parts: Iterable[str]) -> bool:
    """Whether every text has a relation in it."""
    return all(re.search(r"[=!<>]=|[<>]", part) for part in parts)


def _assignment(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ReadError(f"{option} needs NAME=..., for example {option} {example}; got {text!r}")
    return name.strip(), value.strip()


def _report_form(path: Path) -> str:
    form = REPORTS.get(path.suffix.lower())
    if form is None:
        raise ReadError(f"--report {path}: the name must end in {', '.join(REPORTS)}")
    if not path.parent.is_dir():
        raise ReadError(f"--report {path}: there is no folder {path.parent}")
    return form


# -- judging --------------------------------------------------------------------------------------


def _judged_here(claims: Sequence[tuple[str, FileClaim]], arguments: argparse.Namespace) -> list[Outcome]:
    """Without limits, in this process: what cannot be read raises."""
    outcomes = []
    for file, claim in claims:
        start = time.monotonic()
        verdict = claim.judge()
        outcomes.append(Outcome(file, claim, verdict, time.monotonic() - start, arguments.require))
    return outcomes


def _judged_in_workers(claims: Sequence[tuple[str, FileClaim]], arguments: argparse.Namespace) -> list[Outcome]:
    """Within limits; what was done stays where the rest is interrupted."""
    limits = Limits(arguments.timeout or Limits().seconds, arguments.memory or Limits().megabytes)
    found: dict[tuple[str, str], Outcome] = {}
    try:
        with Batch(claims, arguments.workers, limits, arguments.require) as batch:
            batch.read()
            with tqdm(total=len(claims), unit="claim", leave=False, disable=not sys.stderr.isatty()) as bar:
                for outcome in batch.outcomes():
                    found[outcome.file, outcome.claim.id] = outcome
                    bar.update()
                    if arguments.fail_fast and not outcome.as_expected:
                        break
    except KeyboardInterrupt:
        if not found:
            raise
    return [found[file, claim.id] for file, claim in claims if (file, claim.id) in found]


def _status(outcome: Outcome) -> int:
    if outcome.problem:
        return REFUTED if outcome.error in ("GradientMismatchError", "JudgementConflictError") else USAGE
    if outcome.as_expected:
        return UPHELD
    if outcome.claim.expect == "upheld":
        return status_of(outcome.verdict, outcome.bar)
    # A bar that was not reached is open; an answer that is the opposite of the expected one is wrong.
    upheld_wanted = outcome.claim.expect in ("proved", "certified", "checked")
    opposite = outcome.verdict.status == "refuted" if upheld_wanted else outcome.verdict.upheld
    return REFUTED if opposite else UNDECIDED


# -- showing --------------------------------------------------------------------------------------


def _show(results: Results, arguments: argparse.Namespace, in_full: bool) -> None:
    if arguments.json:
        print(write_results(results, "json", arguments.lang), end="")
    elif in_full:
        verdict = results.outcomes[0].verdict
        print(verdict if arguments.lang == "en" else write(verdict, "text", lang=arguments.lang))
    else:
        width = shutil.get_terminal_size((80, 24)).columns
        print(table_text(results.outcomes, arguments.lang, width))
        print(results.summary(arguments.lang))
