"""Plain text for a terminal: aligned, wrapped, control characters shown as spaces."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category, east_asian_width

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

__all__ = ["columns", "plain", "text_blocks", "text_page", "wrapped"]

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


def columns(text: str) -> int:
    """How many columns a terminal gives a text: Chinese characters take two.

    >>> columns("dL"), columns("梯度")
    (2, 4)
    """
    return sum(1 + (east_asian_width(character) in "WF") for character in text)


def _pieces(word: str) -> list[str]:
    """A word in parts between which a line may break: around Chinese characters, but not before a closing mark."""
    parts: list[str] = []
    for character in word:
        wide = east_asian_width(character) in "WF"
        opened = bool(parts) and category(parts[-1][-1]) == "Ps"
        closes = wide and category(character) in ("Pe", "Po")
        after = bool(parts) and east_asian_width(parts[-1][-1]) in "WF"
        if not parts or ((wide or after) and not opened and not closes):
            parts.append(character)
        else:
            parts[-1] += character
    return parts


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """The text in lines of at most ``width`` columns, each after its margin; a single word may be longer."""
    room = max(width, columns(rest) + 20)
    lines: list[str] = []
    line, margin = first, columns(first)
    for word in plain(text).split(" "):
        for position, part in enumerate(_pieces(word)):
            space = "" if position or line in (first, rest) else " "
            if columns(line + space + part) > room and columns(line) > margin:
                lines.append(line)
                line, margin, space = rest, columns(rest), ""
            line += space + part
    return [*lines, line.rstrip()] if line.strip() else lines


def _block(block: Block, labels: dict[str, str], width: int) -> list[str]:
    match block:
        case Heading(level=level, text=text):
            title = plain(text)
            return [title, ("=" if level == 1 else "-") * min(columns(title), width)]
        case Text(text=text):
            parts = [wrapped(part, width) for part in text.split("\n\n")]
            return [line for k, part in enumerate(parts) for line in ([""] if k else []) + part]
        case Note(label=label, text=text):
            return wrapped(f"{label}{labels['colon']}{text}", width, "", "  ")
        case Steps(rows=rows):
            return [line for row in rows for line in _row(row, labels, width, "  ")]
        case Rules(lead=lead, entries=entries):
            return [plain(lead), *(line for entry in entries for line in _entry(entry, labels, width))]
        case Definitions(lead=lead, items=items):
            lines: list[str] = []
            for k, (name, body) in enumerate(items):
                first = f"  {plain(lead)} " if not k else "  " + " " * (columns(plain(lead)) + 1)
                lines += _formula(f"{name.text} = {body.text}", width, first, " " * (columns(first) + 4))
            return lines
        case Claim():
            return _claim(block, labels, width)
        case Code(text=text):
            return ["  " + "".join(c if c.isprintable() else " " for c in line) for line in text.rstrip().split("\n")]
        case Table(head=head, rows=rows):
            table = [[plain(cell) for cell in row] for row in (head, *rows)]
            sizes = [max(columns(row[k]) for row in table) for k in range(len(head))]
            return [
                "  " + "  ".join(_cell(c, s, bool(k)) for k, (c, s) in enumerate(zip(row, sizes, strict=True))).rstrip()
                for row in table
            ]
        case Curve():
            return []


def _cell(text: str, size: int, right: bool) -> str:
    space = " " * (size - columns(text))
    return space + text if right else text + space


def _formula(text: str, width: int, first: str, rest: str) -> list[str]:
    return wrapped(text, width, first, rest)


def _row(row: Row, labels: dict[str, str], width: int, margin: str) -> list[str]:
    lines: list[str] = []
    if row.left is not None:
        left = plain(row.left.text)
        if columns(left) + len(margin) > width // 3:
            lines += _formula(left, width, margin, margin + "    ")
            lines += _formula(row.right.text, width, f"{margin}  = ", margin + "      ")
        else:
            lines += _formula(row.right.text, width, f"{margin}{left} = ", margin + "      ")
    else:
        lines += _formula(row.right.text, width, f"{margin}  = ", margin + "      ")
    if row.rule:
        forms = labels["semicolon"].join(
            name + (labels["colon"] + form.text if form else "") for name, form in row.forms
        )
        note = labels["colon"].join(part for part in (forms or row.rule, row.reason) if part)
        if row.conditions:
            note += f"{labels['comma']}{labels['given']} " + labels["comma"].join(c.text for c in row.conditions)
        if row.status:
            note += labels["semicolon"] + labels.get(row.status, row.status)
        lines += wrapped(f"[{note}]", width, margin + "      ", margin + "       ")
    for step in row.substeps:
        lines += _row(step, labels, width, margin + "      | ")
    return lines


def _entry(entry: RuleEntry, labels: dict[str, str], width: int) -> list[str]:
    lines = wrapped(f"{entry.name}{labels['colon']}{entry.form.text}", width, "  ", "      ")
    conditions = f"{labels['given']} {entry.conditions}" if entry.conditions else ""
    for part in (conditions, entry.reason):
        lines += wrapped(part, width, "      ", "      ")
    return lines


def _claim(claim: Claim, labels: dict[str, str], width: int) -> list[str]:
    status = labels.get(claim.status, claim.status)
    lines = wrapped(f"[{status}] {claim.title}{labels['colon']}{claim.claim}", width, "", "    ")
    for note in claim.notes:
        lines += wrapped(f"{note.label}{labels['colon']}{note.text}", width, "  ", "    ")
    for k, entry in enumerate(claim.proof, 1):
        for depth, line in proof_lines(entry):
            margin = f"    {'    ' * depth}"
            lines += wrapped(line if depth else f"{k}. {line}", width, margin, f"{margin}   ")
    return lines
