"""`symderive check`: claims in texts and files, judged within limits, shown as text, table, JSON or pages."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from symderive.checking.batches import Batch, Outcome, chosen, made_outcome
from symderive.checking.certificates import Replay, read_certificates, replayed
from symderive.checking.claim_files import ClaimFile, FileClaim, read_claim_file
from symderive.checking.judging import judged
from symderive.checking.workers import Answer, Limits, Workers, worker_count
from symderive.cli.code import names_code, run_code
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
    if arguments.replay:
        return _replay(arguments)
    if names_code(arguments.claim):
        return run_code(arguments)
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
    if arguments.certificate is not None:
        _write_certificates(outcomes, arguments.certificate)
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
        result = judged({"claim": claim.as_dict(), "certificate": arguments.certificate is not None})
        answer = Answer(0, result, seconds=time.monotonic() - start)
        outcomes.append(made_outcome(file, claim, answer, arguments.require))
    return outcomes


def _judged_in_workers(claims: Sequence[tuple[str, FileClaim]], arguments: argparse.Namespace) -> list[Outcome]:
    """Within limits; what was done stays where the rest is interrupted."""
    from tqdm import tqdm  # slow to load, and one claim needs no bar

    limits = Limits(arguments.timeout or Limits().seconds, arguments.memory or Limits().megabytes)
    found: dict[tuple[str, str], Outcome] = {}
    try:
        certificates = arguments.certificate is not None
        with Batch(claims, arguments.workers, limits, arguments.require, certificates) as batch:
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


# -- certificates ---------------------------------------------------------------------------------


def _write_certificates(outcomes: Sequence[Outcome], path: Path) -> None:
    """All certificates into one file; claims without one are named."""
    found = [dict(outcome.certificate) for outcome in outcomes if outcome.certificate is not None]
    content = found[0] if len(found) == 1 else {"symderive": 1, "kind": "certificates", "certificates": found}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    missing = [outcome.claim.id for outcome in outcomes if outcome.certificate is None]
    if missing:
        print(f"symderive: no certificate for {', '.join(missing)}", file=sys.stderr)


def _replay(arguments: argparse.Namespace) -> int:
    """Judge certificates again, in workers that do not load what finds proofs."""
    contents = []
    for name in arguments.claim:
        path = Path(name.strip())
        try:
            contents += [(str(path), item) for item in read_certificates(path.read_text(encoding="utf-8"))]
        except (OSError, UnicodeDecodeError) as error:
            raise ReadError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        except ReadError as error:
            raise ReadError(f"{path}: {error}") from error
    limits = Limits(arguments.timeout or Limits().seconds, arguments.memory or Limits().megabytes)
    with Workers(replayed, worker_count(arguments.workers, len(contents))) as workers:
        answers = workers.answers([({"certificate": item}, limits) for _, item in contents])
        found = {answer.number: answer for answer in answers}
    results = [_replay_of(found[number]) for number in range(len(contents))]
    if arguments.json:
        listed = [{"file": file, **asdict(r)} for (file, _), r in zip(contents, results, strict=True)]
        print(json.dumps({"kind": "replays", "replays": listed}, ensure_ascii=False, indent=1))
    else:
        print("\n".join(f"{file}: {result}" for (file, _), result in zip(contents, results, strict=True)))
    return UPHELD if all(result.ok for result in results) else REFUTED


def _replay_of(answer: Answer) -> Replay:
    if answer.result is None:
        return Replay(False, "", "", 0, (answer.stopped or answer.problem,))
    return Replay(**{**answer.result, "problems": tuple(answer.result["problems"])})


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
