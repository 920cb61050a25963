"""Markdown as GitHub reads it: ``$$`` formulas, rule names in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symderive.language.views.formula import formula_latex, formula_lines
from symderive.rendering.model import (
    Block,
    Claim,
    Code,
    Curve,
    Definitions,
    Document,
    Heading,
    Math,
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

__all__ = ["escape_markdown", "markdown_blocks", "markdown_page"]

#: Width of displayed formulas in em.
WIDTH = 46.0


def escape_markdown(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line.

    >>> escape_markdown("a_b <script> $x$")
    'a\\_b &lt;script&gt; \\$x\\$'
    """
    text = " ".join(text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]{}$|~#])", r"\\\1", text)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", text))


def _code(text: str) -> str:
    """An inline code span that its own backticks cannot end."""
    text = " ".join(text.split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks} {text} {ticks}" if "`" in text else f"`{text}`"


def markdown_page(document: Document) -> str:
    """A whole page."""
    title = Heading(1, document.title)
    return markdown_blocks((title, *document.blocks, *document.legend), document.lang)


def markdown_blocks(blocks: Sequence[Block], lang: str = "en") -> str:
    """Blocks as Markdown."""
    labels = words(lang)
    return "\n\n".join(part for part in (_block(block, labels) for block in blocks) if part) + "\n"


def _block(block: Block, labels: dict[str, str]) -> str:
    match block:
        case Heading(level=level, text=text):
            return f"{'#' * level} {escape_markdown(text)}"
        case Text(text=text):
            return "\n\n".join(escape_markdown(part) for part in text.split("\n\n"))
        case Note(label=label, text=text):
            return f"**{escape_markdown(label)}{labels['colon'].strip()}** {escape_markdown(text)}"
        case Steps(rows=rows):
            return "\n\n".join(_row(row, labels) for row in rows)
        case Rules(lead=lead, entries=entries):
            return "\n".join([f"**{escape_markdown(lead)}**", "", *(_entry(entry, labels) for entry in entries)])
        case Definitions(lead=lead, items=items):
            lines = [f"{formula_latex(n.formula)} = {formula_latex(b.formula)}" for n, b in items]
            return f"{escape_markdown(lead)}\n\n" + "\n\n".join(_display(line) for line in lines)
        case Claim():
            return _claim(block, labels)
        case Code(text=text, language=language):
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
            return f"{fence}{language}\n{text.rstrip()}\n{fence}"
        case Table(head=head, rows=rows):
            lines = ["| " + " | ".join(escape_markdown(c) for c in row) + " |" for row in (head, *rows)]
            lines.insert(1, "|" + "|".join([" :-- ", *([" --: "] * (len(head) - 1))]) + "|")
            return "\n".join(lines)
        case Curve():
            return ""


def _display(*lines: str) -> str:
    if len(lines) == 1:
        return f"$$\n{lines[0]}\n$$"
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$"


def _row(row: Row, labels: dict[str, str]) -> str:
    left = formula_latex(row.left.formula) if row.left is not None else ""
    wide = row.left is not None and row.left.formula.width > 14
    room = WIDTH - (row.left.formula.width if row.left is not None and not wide else 0)
    first, *rest = formula_lines(row.right.formula, room)
    lines = [f"{left} &", f"&= {first}"] if wide else [f"{left} &= {first}".strip()]
    display = (
        _display(*lines, *(f"&{line}" for line in rest)) if wide or rest else _display(f"{left} = {first}".strip())
    )
    if not row.rule:
        return display
    if row.forms:
        forms = (
            f"**{escape_markdown(name)}**" + (labels["colon"] + _inline(form) if form else "")
            for name, form in row.forms
        )
        words_ = [f"**{row.number}.** " + labels["semicolon"].join(forms)]
    else:
        words_ = [f"**{row.number}. {escape_markdown(row.rule)}**"]
    if row.reason:
        words_.append(escape_markdown(row.reason))
    if row.conditions:
        conditions = labels["comma"].join(f"${formula_latex(c.formula)}$" for c in row.conditions)
        words_.append(f"{escape_markdown(labels['given'])} {conditions}")
    if row.status:
        words_.append(f"*{labels.get(row.status, row.status)}*")
    text = " — ".join(words_) + "\n\n" + display
    if row.substeps:
        inner = "\n\n".join(_row(step, labels) for step in row.substeps)
        count = escape_markdown(labels["steps"].format(number=row.number))
        text += f"\n\n<details><summary>{count}</summary>\n\n{inner}\n\n</details>"
    return text


def _inline(form: Math) -> str:
    return f"${formula_latex(form.formula)}$"


def _entry(entry: RuleEntry, labels: dict[str, str]) -> str:
    parts = [f"**{escape_markdown(entry.name)}**{labels['colon']}{_inline(entry.form)}"]
    if entry.conditions:
        parts.append(f"{escape_markdown(labels['given'])} {escape_markdown(entry.conditions)}")
    if entry.reason:
        parts.append(escape_markdown(entry.reason))
    if entry.source:
        parts.append(f"*{escape_markdown(entry.source)}*")
    return f"- {' — '.join(parts)}"


def _proof(number: int, entry: str) -> str:
    """A line of a proof, what stands under it as nested lists."""
    shown = [f"{'   ' * depth}{'-' if depth else f'{number}.'} {_code(line)}" for depth, line in proof_lines(entry)]
    return "\n".join(shown)


def _claim(claim: Claim, labels: dict[str, str]) -> str:
    status = labels.get(claim.status, claim.status)
    lines = [f"### {escape_markdown(claim.title)} — *{escape_markdown(status)}*", _code(claim.claim)]
    lines += [_block(note, labels) for note in claim.notes]
    if claim.proof:
        lines.append("\n".join(_proof(k, entry) for k, entry in enumerate(claim.proof, 1)))
    return "\n\n".join(lines)
