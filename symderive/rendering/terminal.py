"""Plain text for a terminal: aligned, wrapped, control characters shown as spaces."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

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
    Steps,
    Table,
    Text,
)
from symderive.rendering.words import words

__all__ = ["plain", "text_blocks", "text_page"]

#: Columns of the terminal that lines keep to.
WIDTH = 96


def plain(text: str) -> str:
    r"""The text on one line, without anything that drives a terminal.

    >>> plain("a\x1b[31mb\nc")
    'a [31mb c'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def text_page(document: Document, width: int = WIDTH) -> str:
    """A whole page."""
    return text_blocks((Heading(1, document.title), *document.blocks, *document.legend), document.lang, width)


def text_blocks(blocks: Sequence[Block], lang: str = "en", width: int = WIDTH) -> str:
    """Blocks as text of at most ``width`` columns (a single word may be longer)."""
    labels = words(lang)
    return "\n\n".join(part for part in ("\n".join(_block(b, labels, width)) for b in blocks) if part)


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    lines = wrap(
        plain(text),
        max(width, len(rest) + 20),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or ([first.rstrip()] if first.strip() else [])


def _block(block: Block, labels: dict[str, str], width: int) -> list[str]:
    match block:
        case Heading(level=level, text=text):
            title = plain(text)
            return [title, ("=" if level == 1 else "-") * min(len(title), width)]
        case Text(text=text):
            parts = [_wrapped(part, width) for part in text.split("\n\n")]
            return [line for k, part in enumerate(parts) for line in ([""] if k else []) + part]
        case Note(label=label, text=text):
            return _wrapped(f"{label}: {text}", width, "", "  ")
        case Steps(rows=rows):
            return [line for row in rows for line in _row(row, labels, width, "  ")]
        case Definitions(lead=lead, items=items):
            lines: list[str] = []
            for k, (name, body) in enumerate(items):
                first = f"  {plain(lead)} " if not k else "  " + " " * (len(plain(lead)) + 1)
                lines += _formula(f"{name.text} = {body.text}", width, first, " " * (len(first) + 4))
            return lines
        case Claim():
            return _claim(block, labels, width)
        case Code(text=text):
            return ["  " + "".join(c if c.isprintable() else " " for c in line) for line in text.rstrip().split("\n")]
        case Table(head=head, rows=rows):
            table = [[plain(cell) for cell in row] for row in (head, *rows)]
            sizes = [max(len(row[k]) for row in table) for k in range(len(head))]
            return [
                "  "
                + "  ".join(
                    c.ljust(s) if not k else c.rjust(s) for k, (c, s) in enumerate(zip(row, sizes, strict=True))
                ).rstrip()
                for row in table
            ]
        case Curve():
            return []


def _formula(text: str, width: int, first: str, rest: str) -> list[str]:
    return _wrapped(text, width, first, rest)


def _row(row: Row, labels: dict[str, str], width: int, margin: str) -> list[str]:
    lines: list[str] = []
    if row.left is not None:
        left = plain(row.left.text)
        if len(left) + len(margin) > width // 3:
            lines += _formula(left, width, margin, margin + "    ")
            lines += _formula(row.right.text, width, f"{margin}  = ", margin + "      ")
        else:
            lines += _formula(row.right.text, width, f"{margin}{left} = ", margin + "      ")
    else:
        lines += _formula(row.right.text, width, f"{margin}  = ", margin + "      ")
    if row.rule:
        note = row.rule if not row.reason else f"{row.rule}: {row.reason}"
        if row.conditions:
            note += f", {labels['given']} " + ", ".join(c.text for c in row.conditions)
        if row.status:
            note += f"; {labels.get(row.status, row.status)}"
        lines += _wrapped(f"[{note}]", width, margin + "      ", margin + "       ")
    for step in row.substeps:
        lines += _row(step, labels, width, margin + "      | ")
    return lines


def _claim(claim: Claim, labels: dict[str, str], width: int) -> list[str]:
    status = labels.get(claim.status, claim.status)
    lines = _wrapped(f"[{status}] {claim.title}: {claim.claim}", width, "", "    ")
    for note in claim.notes:
        lines += _wrapped(f"{note.label}: {note.text}", width, "  ", "    ")
    for k, entry in enumerate(claim.proof, 1):
        lines += _wrapped(f"{k}. {entry}", width, "    ", "       ")
    return lines
