"""Verdicts on many claims, as a page: HTML without script or network, Markdown, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from symderive.checking.batches import Outcome
from symderive.errors import UnknownNameError
from symderive.rendering.claim_tables import counts_text, remarks, status_of
from symderive.rendering.html import CSS
from symderive.rendering.mathml import mathml
from symderive.rendering.sentences import evidence_text, proof_text, say
from symderive.rendering.terminal import plain
from symderive.rendering.words import words
from symderive.version import __version__

__all__ = ["FORMS", "Results", "write_results"]

_CSS = """
table.sd-claims{border-collapse:collapse;width:100%;font-size:.95em}
.sd-claims td,.sd-claims th{padding:.45rem .6rem .45rem 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}
.sd-claims th{color:var(--soft);font-weight:600}
.sd-claims td:first-child{overflow-wrap:anywhere;min-width:5rem;max-width:11rem}
.sd-time{text-align:right!important;color:var(--soft);font-variant-numeric:tabular-nums}
.sd-claims math{display:block math;width:max-content;max-width:100%;margin:.1rem 0}
.sd-claims .sd-odd td{background:var(--bad-b)}
ol.sd-proof{margin:.3rem 0 .6rem;padding-left:1.4rem}
ol.sd-proof li{margin:.35rem 0}
"""


@dataclass(frozen=True)
class Results:
    """What a run of claims gave: its outcomes in order, of how many claims, and whether it was interrupted."""

    title: str
    outcomes: Sequence[Outcome]
    total: int

    @property
    def interrupted(self) -> bool:
        """Whether claims are left that were not judged."""
        return len(self.outcomes) < self.total

    def summary(self, lang: str) -> str:
        """How many claims have each status, in a sentence."""
        text = counts_text(self.outcomes, lang)
        if not self.interrupted:
            return text
        labels = words(lang)
        return labels["interrupted"].format(done=len(self.outcomes), count=self.total) + labels["semicolon"] + text


def write_results(results: Results, form: str, lang: str = "en") -> str:
    """The results as "html", "markdown" or "json".

    Raises
    ------
    UnknownNameError
        The format or the language does not exist.

    >>> from symderive.checking.batches import Outcome
    >>> from symderive.checking.claim_files import FileClaim
    >>> claim = FileClaim("1", ("x*x >= 0",))
    >>> results = Results("Squares", [Outcome("", claim, claim.judge(), 0.01)], 1)
    >>> print(write_results(results, "markdown").splitlines()[0])
    # Squares
    """
    try:
        write = FORMS[form]
    except KeyError:
        raise UnknownNameError(f"no format of reports {form!r}; there are {', '.join(FORMS)}") from None
    return write(results, lang)


# -- JSON -----------------------------------------------------------------------------------------


def _json(results: Results, lang: str) -> str:
    counts: dict[str, int] = {}
    for outcome in results.outcomes:
        counts[status_of(outcome)] = counts.get(status_of(outcome), 0) + 1
    document = {
        "symderive": __version__,
        "kind": "verdicts",
        "title": results.title,
        "total": results.total,
        "interrupted": results.interrupted,
        "counts": counts,
        "as_expected": sum(o.as_expected for o in results.outcomes),
        "claims": [_row(outcome) for outcome in results.outcomes],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _row(outcome: Outcome) -> dict[str, Any]:
    claim = outcome.claim
    return {
        "file": outcome.file,
        "id": claim.id,
        "title": claim.title,
        "tags": list(claim.tags),
        "kind": claim.kind,
        "claim": claim.text,
        "domains": dict(claim.domains),
        "shapes": dict(claim.shapes),
        "given": list(claim.given),
        "expect": claim.expect,
        "as_expected": outcome.as_expected,
        "status": status_of(outcome),
        "seconds": round(outcome.seconds, 4),
        "hint": outcome.verdict.hint,
        "problem": outcome.problem,
        "verdict": outcome.verdict.as_dict(),
    }


# -- Markdown -------------------------------------------------------------------------------------


def _markdown(results: Results, lang: str) -> str:
    labels = words(lang)
    lines = [f"# {_escaped(results.title)}", "", _escaped(results.summary(lang)), ""]
    lines += [f"| | id | {labels['status']} | {labels['seconds']} | {labels['claim']} |", "|---|---|---|---:|---|"]
    for outcome in results.outcomes:
        mark = "" if outcome.as_expected else "**!**"
        below = "".join(f"<br>{_escaped(remark)}" for remark in remarks(outcome, lang))
        cells = (mark, _escaped(outcome.claim.id), labels[status_of(outcome)], f"{outcome.seconds:.2f}")
        lines.append(f"| {' | '.join(cells)} | {_code(outcome.claim.text)}{below} |")
    for outcome in results.outcomes:
        if outcome.verdict.trace:
            lines += ["", f"## {_escaped(outcome.claim.id)}: {labels['proof']}", "", "```text"]
            lines += [line for entry in outcome.verdict.trace for line in _proof(entry, lang)]
            lines.append("```")
    return "\n".join(lines) + "\n"


def _proof(entry: Any, lang: str) -> list[str]:
    return ["".join(c if c.isprintable() else " " for c in x) for x in proof_text(entry, lang).split("\n")]


def _escaped(text: str) -> str:
    """Plain text in Markdown, in a table too: nothing in it is markup."""
    text = escape(plain(text), quote=False)
    for mark in "\\`*_{}[]()#+!|~":
        text = text.replace(mark, "\\" + mark)
    return text


def _code(text: str) -> str:
    """The text as code; a bar would end the cell of a table, and a backquote the code."""
    text = escape(plain(text))
    for mark in "\\|`*_[]":
        text = text.replace(mark, f"&#{ord(mark)};")
    return f"<code>{text}</code>"


# -- HTML -----------------------------------------------------------------------------------------


def _html(results: Results, lang: str) -> str:
    labels = words(lang)
    title = escape(results.title)
    heads = ("id", labels["status"], labels["claim"], labels["seconds"])
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    rows = "\n".join(_html_row(outcome, lang) for outcome in results.outcomes)
    seen = dict.fromkeys(status_of(outcome) for outcome in results.outcomes)
    legend = "".join(
        f'<p class="sd-note">{_badge(status, labels)} {escape(labels[f"means_{status}"])}</p>'
        for status in seen
        if f"means_{status}" in labels
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{CSS}{_CSS}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"<p>{escape(results.summary(lang))}</p>\n"
        f'<div class="sd-scroll"><table class="sd-claims"><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n'
        f"</tbody></table></div>\n</main>\n<footer>\n{legend}\n"
        f'<p class="sd-note">symderive {escape(__version__)}</p>\n</footer>\n</body>\n</html>\n'
    )


def _badge(status: str, labels: Mapping[str, str]) -> str:
    return f'<span class="sd-badge sd-{escape(status)}">{escape(labels[status])}</span>'


def _html_row(outcome: Outcome, lang: str) -> str:
    labels = words(lang)
    claim, verdict = outcome.claim, outcome.verdict
    label = escape(plain(claim.id))
    if claim.title:
        label += f'<br><span class="sd-note">{escape(plain(claim.title))}</span>'
    parts = [_formula(outcome.shown.get("claim"), claim.text)]
    scope = [f"{name} ∈ {domain}" for name, domain in claim.domains.items()]
    scope += [f"{name}: {shape}" for name, shape in claim.shapes.items() if shape]
    scope += list(claim.given)
    if scope:
        parts.append(f'<div class="sd-note">{escape(plain(labels["comma"].join(scope)))}</div>')
    parts += [f'<div class="sd-note">{escape(plain(remark))}</div>' for remark in remarks(outcome, lang)]
    detail = [f'<p class="sd-note">{escape(say(verdict.reason, lang))}</p>'] if verdict.reason else []
    if verdict.counterexample is not None:
        sides = (("left", verdict.counterexample.lhs), ("right", verdict.counterexample.rhs))
        texts = labels["semicolon"].join(f"{labels[key]}{labels['colon']}{say(side, lang)}" for key, side in sides)
        detail.append(f'<p class="sd-note">{escape(plain(texts))}</p>')
    if verdict.evidence is not None:
        detail.append(f'<p class="sd-note">{escape(plain(evidence_text(verdict.evidence, lang)))}</p>')
    detail += _html_proof(outcome, lang)
    if detail:
        summary = labels["proof"] if verdict.trace else labels["reason"]
        parts.append(f"<details><summary>{escape(summary)}</summary>{''.join(detail)}</details>")
    odd = "" if outcome.as_expected else ' class="sd-odd"'
    badge = _badge(status_of(outcome), labels)
    return (
        f"<tr{odd}><td>{label}</td><td>{badge}</td><td>{''.join(parts)}</td>"
        f'<td class="sd-time">{outcome.seconds:.2f}</td></tr>'
    )


def _html_proof(outcome: Outcome, lang: str) -> list[str]:
    """The lines of a proof; the formulas are MathML, what they rest on is text."""
    formulas = outcome.shown.get("proof", ())
    items = []
    for number, entry in enumerate(outcome.verdict.trace):
        first, *rest = _proof(entry, lang)
        head = _formula(formulas[number] if number < len(formulas) else None, first)
        rule = first.rpartition("    ")[2] if first.endswith("]") else ""
        notes = "".join(_note(text) for text in (rule, *rest) if text)
        items.append(f"<li>{head}{notes}</li>")
    return [f'<ol class="sd-proof">{"".join(items)}</ol>'] if items else []


def _note(text: str) -> str:
    """A line below a formula, as far in as it is indented."""
    deep = (len(text) - len(text.lstrip())) // 4
    style = f' style="margin-left:{1.2 * (deep - 1):.1f}em"' if deep > 1 else ""
    return f'<div class="sd-note"{style}>{escape(plain(text))}</div>'


def _formula(lines: Sequence[str] | None, text: str) -> str:
    """Lines of LaTeX as MathML, or the text where there are none."""
    if not lines:
        return f"<code>{escape(plain(text))}</code>"
    return "".join(mathml(line) for line in lines)


FORMS = {"html": _html, "markdown": _markdown, "json": _json}
"""The formats of reports."""
