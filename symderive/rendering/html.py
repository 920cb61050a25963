"""HTML: one self-contained page with MathML, or a fragment; no script, no network.

Every text goes through ``html.escape``; formulas go through
:func:`symderive.rendering.mathml.mathml`, which writes nothing that it has not
escaped itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite, log10

from symderive.language.views.formula import Formula, formula_lines
from symderive.rendering.mathml import mathml
from symderive.rendering.model import (
    Block,
    Claim,
    Code,
    Curve,
    Definitions,
    Document,
    Heading,
    Note,
    Row,
    RuleEntry,
    Rules,
    Steps,
    Table,
    Text,
    proof_lines,
)
from symderive.rendering.words import words

__all__ = ["html_blocks", "html_page"]

#: Widths of formulas in em, before they are broken into lines.
RIGHT_WIDTH = 34.0
LEFT_WIDTH = 16.0
FORM_WIDTH = 18.0

CSS = """
:root{--ink:#1b1f24;--soft:#59636e;--line:#d8dee4;--paper:#fff;--shade:#f6f8fa;--accent:#0a56a8;
--good:#116329;--good-b:#dafbe1;--ok:#0a56a8;--ok-b:#ddf0ff;--open:#7a4b00;--open-b:#fff4cf;--bad:#a40e26;--bad-b:#ffe6e4}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--line:#3a424c;--paper:#12161c;--shade:#1b2129;
--accent:#7cb7ff;--good:#7ee29a;--good-b:#12351f;--ok:#8cc4ff;--ok-b:#102c4a;--open:#f2cc60;--open-b:#3a2d05;
--bad:#ff9a93;--bad-b:#4a1512}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:2.2rem 1.4rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.55 "Source Serif 4","Source Serif Pro",Charter,Georgia,
"Noto Serif CJK SC","Source Han Serif SC","Songti SC",SimSun,serif}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .6rem;font-weight:600}
h2{font-size:1.3rem;margin:2.4rem 0 .6rem;padding-top:.7rem;border-top:1px solid var(--line);font-weight:600}
h3{font-size:1.08rem;margin:1.7rem 0 .4rem;font-weight:600}
p{margin:.5rem 0;max-width:46rem}
math{font-family:"Latin Modern Math","STIX Two Math","Libertinus Math","Cambria Math",math;font-size:1.08em}
.sd-scroll{overflow-x:auto;margin:.7rem 0}
table.sd-steps{border-collapse:collapse;width:100%}
.sd-steps td{padding:.42rem .45rem;vertical-align:middle;border-bottom:1px solid var(--line)}
.sd-steps tr:last-child>td{border-bottom:0}
.sd-n{color:var(--soft);font-size:.82em;text-align:right;white-space:nowrap;width:1%;font-variant-numeric:tabular-nums}
.sd-l{text-align:right;white-space:nowrap;width:1%;padding-right:0!important}
.sd-r{text-align:left;white-space:nowrap}
.sd-r math,.sd-l math{display:block math}
.sd-l math{width:max-content;margin-left:auto}
.sd-r math{width:max-content;margin:.1rem 0}
.sd-rule{width:25%;min-width:11rem;font-size:.88em;line-height:1.35;color:var(--soft)}
.sd-rule b{color:var(--ink);font-weight:600}
.sd-rule math{font-size:1em;color:var(--ink);display:block math;width:max-content}
table.sd-rules{border-collapse:collapse;font-size:.93em;max-width:60rem}
.sd-rules th{text-align:left;padding:.3rem 0;color:var(--soft);font-weight:600}
.sd-rules td{padding:.4rem 1.4rem .4rem 0;vertical-align:top;border-top:1px solid var(--line);color:var(--soft)}
.sd-rules b{color:var(--ink);font-weight:600}
.sd-rules math{color:var(--ink);display:block math;width:max-content}
.sd-v{width:1%;text-align:right;white-space:nowrap}
.sd-badge{display:inline-block;font:600 .72rem/1.5 system-ui,sans-serif;padding:.05rem .5rem;border-radius:1rem;
background:var(--shade);color:var(--soft)}
.sd-proved,.sd-certified{background:var(--good-b);color:var(--good)}
.sd-checked{background:var(--ok-b);color:var(--ok)}
.sd-undecided{background:var(--open-b);color:var(--open)}
.sd-refuted{background:var(--bad-b);color:var(--bad)}
details{margin:.2rem 0}
summary{cursor:pointer;color:var(--accent);font-size:.9em}
.sd-steps tr:has(+.sd-sub)>td{border-bottom:0}
.sd-sub>td{padding-top:0}
.sd-sub .sd-steps{border-left:3px solid var(--line)}
.sd-sub .sd-steps{font-size:.94em}
.sd-defs{display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;align-items:baseline;margin:.4rem 0 .8rem;color:var(--soft)}
.sd-defs span{color:var(--ink);max-width:100%;overflow:auto hidden;padding:.2rem 0}
.sd-claim{border:1px solid var(--line);border-left:4px solid var(--line);
border-radius:6px;padding:.6rem .9rem;margin:.9rem 0}
.sd-claim.sd-is-proved,.sd-claim.sd-is-certified{border-left-color:var(--good)}
.sd-claim.sd-is-checked{border-left-color:var(--ok)}
.sd-claim.sd-is-undecided{border-left-color:var(--open)}
.sd-claim.sd-is-refuted{border-left-color:var(--bad)}
.sd-claim h3{margin:.1rem 0 .3rem}
.sd-claim p{font-size:.93em}
.sd-note{color:var(--soft);font-size:.93em;overflow-wrap:anywhere;white-space:pre-line}
.sd-note b{color:var(--ink);font-weight:600}
code,pre{font-family:"Source Code Pro","DejaVu Sans Mono",ui-monospace,Menlo,Consolas,monospace;font-size:.86em}
code{overflow-wrap:anywhere}
pre{background:var(--shade);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem;
overflow-x:auto;line-height:1.45}
table.sd-data{border-collapse:collapse;font-size:.93em;font-variant-numeric:tabular-nums}
.sd-data th,.sd-data td{padding:.3rem .9rem .3rem 0;text-align:right;border-bottom:1px solid var(--line)}
.sd-data th{color:var(--soft);font-weight:600}
.sd-data th:first-child,.sd-data td:first-child{text-align:left}
svg.sd-curve{max-width:100%;height:auto;display:block;margin:.6rem 0;color:var(--ink)}
figure{margin:1rem 0}
figcaption{color:var(--soft);font-size:.9em}
@media (max-width:44rem){body{font-size:15px;padding:1.2rem .8rem}.sd-rule{min-width:8rem}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--shade:#f4f4f4}
body{max-width:none;padding:0;font-size:10.5pt}
pre{white-space:pre-wrap}.sd-scroll{overflow:visible}tr,.sd-claim,figure{break-inside:avoid}h2,h3{break-after:avoid}}
"""


def html_page(document: Document) -> str:
    """A whole page: everything that it needs is in it.

    >>> from symderive.rendering.model import Document, Text
    >>> "<script" in html_page(Document("<script>", (Text("a < b"),)))
    False
    """
    title = escape(document.title)
    body = html_blocks(document.blocks, document.lang)
    legend = html_blocks(document.legend, document.lang)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(document.lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"{body}\n</main>\n<footer>\n{legend}\n</footer>\n</body>\n</html>\n"
    )


def html_blocks(blocks: Sequence[Block], lang: str = "en") -> str:
    """Blocks as an HTML fragment."""
    return "\n".join(_block(block, words(lang)) for block in blocks)


def _block(block: Block, labels: dict[str, str]) -> str:
    match block:
        case Heading(level=level, text=text):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Text(text=text):
            return "\n".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())
        case Note():
            return _note(block, labels)
        case Steps(rows=rows):
            return f'<div class="sd-scroll">{_table(rows, labels)}</div>'
        case Rules(lead=lead, entries=entries):
            head = f'<tr><th colspan="2">{escape(lead)}</th></tr>'
            lines = "".join(_entry(entry, labels) for entry in entries)
            table = f'<table class="sd-rules"><thead>{head}</thead><tbody>{lines}</tbody></table>'
            return f'<div class="sd-scroll">{table}</div>'
        case Definitions(lead=lead, items=items):
            written = "".join(
                f"<span>{mathml(_line(name.formula))} {_lines(body.formula, RIGHT_WIDTH, '= ')}</span>"
                for name, body in items
            )
            return f'<div class="sd-defs">{escape(lead)} {written}</div>'
        case Claim():
            return _claim(block, labels)
        case Code(text=text):
            return f"<pre><code>{escape(text.rstrip())}</code></pre>"
        case Table(head=head, rows=rows):
            cells = "".join(f"<th>{escape(h)}</th>" for h in head)
            lines = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
            return (
                f'<div class="sd-scroll"><table class="sd-data"><thead><tr>{cells}</tr></thead>'
                f"<tbody>{lines}</tbody></table></div>"
            )
        case Curve():
            return _curve(block)


def _line(formula: Formula) -> str:
    return formula_lines(formula, float("inf"))[0]


def _lines(formula: Formula, width: float, lead: str = "") -> str:
    """The formula over as many ``<math>`` lines as it needs."""
    lines = formula_lines(formula, width)
    return "".join(mathml(lead + line if not position else line) for position, line in enumerate(lines))


def _badge(status: str, labels: dict[str, str], why: str = "") -> str:
    if not status:
        return ""
    meaning = why or labels.get(f"means_{status}", "")
    title = f' title="{escape(meaning)}"' if meaning else ""
    return f'<span class="sd-badge sd-{escape(status)}"{title}>{escape(labels.get(status, status))}</span>'


def _table(rows: Sequence[Row], labels: dict[str, str]) -> str:
    return f'<table class="sd-steps"><tbody>{"".join(_row(row, labels) for row in rows)}</tbody></table>'


def _row(row: Row, labels: dict[str, str]) -> str:
    wide = row.left is not None and row.left.formula.width > LEFT_WIDTH
    if row.left is None:
        left, right = "", _lines(row.right.formula, RIGHT_WIDTH, "= ")
    elif wide:
        left = ""
        right = _lines(row.left.formula, RIGHT_WIDTH) + _lines(row.right.formula, RIGHT_WIDTH, "= ")
    else:
        left, right = mathml(_line(row.left.formula)), _lines(row.right.formula, RIGHT_WIDTH, "= ")
    rule = f"<b>{escape(row.rule)}</b>" if row.rule and not row.forms else ""
    rule += "".join(
        f"<b>{escape(name)}</b>{_lines(form.formula, FORM_WIDTH) if form else '<br>'}" for name, form in row.forms
    )
    if row.reason:
        rule += f"<br>{escape(row.reason)}"
    if row.conditions:
        conditions = labels["comma"].join(mathml(_line(c.formula)) for c in row.conditions)
        rule += f"<br>{escape(labels['given'])} {conditions}"
    out = (
        f'<tr><td class="sd-n">{escape(row.number)}</td><td class="sd-l">{left}</td>'
        f'<td class="sd-r">{right}</td><td class="sd-rule">{rule}</td>'
        f'<td class="sd-v">{_badge(row.status, labels, row.why)}</td></tr>'
    )
    if row.substeps:
        count = labels["steps"].format(number=row.number)
        out += (
            f'<tr class="sd-sub"><td></td><td colspan="4"><details><summary>{escape(count)}</summary>'
            f"{_table(row.substeps, labels)}</details></td></tr>"
        )
    return out


def _entry(entry: RuleEntry, labels: dict[str, str]) -> str:
    """A row of the table of rules: what it is called and says, when it holds and why."""
    says = f"<b>{escape(entry.name)}</b>{_lines(entry.form.formula, RIGHT_WIDTH / 2)}"
    parts = [escape(entry.reason)] if entry.reason else []
    if entry.conditions:
        parts.append(f"{escape(labels['given'])} {escape(entry.conditions)}")
    if entry.source:
        parts.append(f"<cite>{escape(entry.source)}</cite>")
    return f"<tr><td>{says}</td><td>{'<br>'.join(parts)}</td></tr>"


def _note(note: Note, labels: dict[str, str]) -> str:
    badge = f' class="sd-badge sd-{escape(note.status)}"' if note.status else ""
    if badge:
        return f'<p class="sd-note"><span{badge}>{escape(note.label)}</span> {escape(note.text)}</p>'
    return f'<p class="sd-note"><b>{escape(note.label)}{labels["colon"].strip()}</b> {escape(note.text)}</p>'


def _proof(entry: str) -> str:
    """A line of a proof, what stands under it indented."""
    indents = [(f' style="margin-left:{2 * depth}em"' if depth else "", line) for depth, line in proof_lines(entry)]
    return "<br>".join(f"<code{indent}>{escape(line)}</code>" for indent, line in indents)


def _claim(claim: Claim, labels: dict[str, str]) -> str:
    notes = "".join(_note(note, labels) for note in claim.notes)
    proof = ""
    if claim.proof:
        lines = "".join(f"<li>{_proof(entry)}</li>" for entry in claim.proof)
        proof = f"<details><summary>{escape(labels['proof'])} ({len(claim.proof)})</summary><ol>{lines}</ol></details>"
    return (
        f'<section class="sd-claim sd-is-{escape(claim.status)}"><h3>{escape(claim.title)} '
        f"{_badge(claim.status, labels)}</h3><p><code>{escape(claim.claim)}</code></p>{notes}{proof}</section>"
    )


_COLOURS = ("#0a6fc2", "#c2570a", "#2c8a4b", "#9a3fb0")


def _curve(curve: Curve) -> str:
    """An inline SVG; a logarithmic axis where the values span more than two decades."""
    series = [(name, [v for v in values if isfinite(v)]) for name, values in curve.series]
    series = [(name, values) for name, values in series if len(values) > 1]
    if not series:
        return ""
    low = min(min(v) for _, v in series)
    high = max(max(v) for _, v in series)
    logarithmic = low > 0 and high / low > 100

    def scaled(value: float) -> float:
        return log10(value) if logarithmic else value

    bottom, top = scaled(low), scaled(high)
    span = (top - bottom) or 1.0
    longest = max(len(v) for _, v in series) - 1
    names = [name if len(name) <= 24 else name[:23] + "…" for name, _ in series]
    right = 56 + 7 * max(map(len, names))
    width, height, left, above, below = 560 + right, 240, 64, 14, 34

    def x(k: int) -> float:
        return left + (width - left - right) * k / longest

    def y(value: float) -> float:
        return above + (height - above - below) * (1 - (scaled(value) - bottom) / span)

    parts = [
        f'<line x1="{left}" y1="{height - below}" x2="{width - right}" y2="{height - below}" stroke="currentColor" '
        'stroke-opacity=".4"/>',
        f'<line x1="{left}" y1="{above}" x2="{left}" y2="{height - below}" stroke="currentColor" stroke-opacity=".4"/>',
    ]
    parts += [
        f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>' for value in (low, high)
    ]
    parts += [f'<text x="{x(k):.1f}" y="{height - below + 18}" text-anchor="middle">{k}</text>' for k in (0, longest)]
    for number, (_, values) in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        every = max(1, len(values) // 400)
        kept = [k for k in range(len(values)) if k % every == 0 or k == len(values) - 1]
        points = " ".join(f"{x(k):.1f},{y(values[k]):.1f}" for k in kept)
        dash = ("", "6 4", "2 3", "8 3 2 3")[number % 4]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        label = above + 14 + 18 * number
        parts.append(
            f'<line x1="{width - right + 12}" y1="{label - 4}" x2="{width - right + 34}" y2="{label - 4}" '
            f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{width - right + 40}" y="{label}">{escape(names[number])}</text>'
        )
    return (
        f'<figure><svg class="sd-curve" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(curve.caption)}" font-size="12" font-family="system-ui,sans-serif" fill="currentColor">'
        f"{''.join(parts)}</svg><figcaption>{escape(curve.caption)}</figcaption></figure>"
    )
