"""The page that every writer writes: blocks of text, formulas, derivations, claims, tables, code.

A writer never asks a derivation or a verdict anything; it gets blocks.  So every
format says the same, and a new format is one function over these classes.
Texts are plain and come from anywhere: each writer escapes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symderive.derivation.chains import Chain, DerivativeOf
from symderive.judgement.verdicts import Verdict
from symderive.language.arrays import Array
from symderive.language.nodes import Differential
from symderive.language.statements import Relation
from symderive.language.views.formula import ADD, ATOM, MUL, Formula, Piece, bracket, formula_latex
from symderive.language.views.latex import name_formula, relation_formula, tree_formula
from symderive.language.views.lift import lift_array
from symderive.language.views.text import tree_text
from symderive.language.views.tree import Tree
from symderive.rendering.words import rule_name, words

__all__ = [
    "Block",
    "Claim",
    "Code",
    "Curve",
    "Definitions",
    "Document",
    "Heading",
    "Math",
    "Note",
    "Row",
    "Steps",
    "Table",
    "Text",
    "claim_blocks",
    "definitions_of",
    "derivation_blocks",
    "derivation_title",
    "foreign",
    "legend_blocks",
    "math",
    "relation_math",
    "statuses",
]


@dataclass(frozen=True)
class Math:
    """A formula, and the same in NumPy text."""

    formula: Formula
    text: str


@dataclass(frozen=True)
class Row:
    """One line of a derivation: ``left = right`` by a rule."""

    number: str
    left: Math | None
    right: Math
    rule: str = ""
    statement: str = ""
    reason: str = ""
    conditions: tuple[Math, ...] = ()
    status: str = ""
    why: str = ""
    substeps: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Heading:
    """A heading; 1 is the document's title."""

    level: int
    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Note:
    """A short labelled line: ``Cross-check: ...``; ``status`` colours it."""

    label: str
    text: str
    status: str = ""


@dataclass(frozen=True)
class Steps:
    """A derivation: rows that share a left-hand side."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Definitions:
    """Named intermediates: ``where z = Xw``."""

    lead: str
    items: tuple[tuple[Math, Math], ...]


@dataclass(frozen=True)
class Claim:
    """A judged statement, with what stands behind the judgement."""

    title: str
    status: str
    claim: str
    notes: tuple[Note, ...] = ()
    proof: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """A program."""

    text: str
    language: str = "python"


@dataclass(frozen=True)
class Table:
    """Rows of short texts under a head; the first column is left-aligned."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Curve:
    """Series of numbers over 0, 1, 2, ...; drawn where the format can draw."""

    caption: str
    series: tuple[tuple[str, tuple[float, ...]], ...]


Block = Heading | Text | Note | Steps | Definitions | Claim | Code | Table | Curve


@dataclass(frozen=True)
class Document:
    """A page: a title and blocks, in a language."""

    title: str
    blocks: tuple[Block, ...]
    lang: str = "en"
    legend: tuple[Block, ...] = field(default=())


# -- formulas ---------------------------------------------------------------------------------


def foreign(tex: str, text: str = "") -> Math:
    """LaTeX that another part wrote, with a guess at its width."""
    letters = sum(character.isalnum() for character in tex) - sum(
        len(word) - 1 for word in tex.replace("{", " ").replace("_", " ").split("\\")[1:] if word
    )
    return Math(Formula((Piece(tex, 0.62 * max(letters, 1) + 0.5),), ADD), text or tex)


def _trees(array: Array) -> tuple[Tree, tuple[tuple[str, Tree], ...]]:
    lifted = lift_array(array)
    return lifted.tree, lifted.definitions


def math(array: Array) -> Math:
    """An array as a formula without its definitions."""
    tree, _ = _trees(array)
    return Math(tree_formula(tree), tree_text(tree))


def relation_math(relation: Any) -> Math:
    """A condition."""
    if isinstance(relation, Relation):
        return Math(relation_formula(relation), str(relation))
    return foreign(rf"\text{{{''.join(c if c.isalnum() else ' ' for c in str(relation))}}}", str(relation))


def definitions_of(arrays: Iterable[Array], lead: str) -> tuple[Definitions, ...]:
    """The definitions that occur in some arrays, each once, in an order that can be evaluated."""
    found: dict[str, Tree] = {}
    for array in arrays:
        for name, tree in _trees(array)[1]:
            found.setdefault(name, tree)
    if not found:
        return ()
    items = tuple(
        (Math(name_formula(name), name), Math(tree_formula(tree), tree_text(tree))) for name, tree in found.items()
    )
    return (Definitions(lead, items),)


# -- derivations --------------------------------------------------------------------------------


def derivation_blocks(derivation: Any, detail: str = "brief", lang: str = "en") -> tuple[Block, ...]:
    """The blocks of a derivation; ``detail="full"`` shows the steps inside the steps."""
    labels = words(lang)
    if isinstance(derivation, Chain):
        return _chain_blocks(derivation, lang)
    steps: Sequence[Any] = derivation.steps
    arrays = [derivation.subject, *_results(derivation).values()]
    arrays += [a for step in steps for a in (step.before, step.after)]
    blocks: list[Block] = [*definitions_of(arrays, labels["let"])]
    blocks.append(Steps(_rows(derivation, steps, detail, lang)))
    verdict = derivation.verdict
    end = verdict.end_to_end
    if end is not None:
        blocks.append(Note(labels["end_to_end"], _short(end), str(end.status)))
    if verdict.cross_check is not None:
        blocks.append(Note(labels["cross_check"], str(verdict.cross_check)))
    return tuple(blocks)


def derivation_title(derivation: Any, lang: str = "en") -> str:
    """The derivation's own title, or what it derives by what."""
    if getattr(derivation, "title", ""):
        title = derivation.title
        return title.get(lang) or next(iter(title.values())) if isinstance(title, Mapping) else str(title)
    if isinstance(derivation, Chain):
        return words(lang)["chain"]
    names = ", ".join(a.name for a in derivation.wrt)
    return words(lang).get(str(derivation.kind), str(derivation.kind)).format(wrt=names)


def _results(derivation: Any) -> dict[tuple[str, ...], Array]:
    return derivation.results


def _rows(derivation: Any, steps: Sequence[Any], detail: str, lang: str) -> tuple[Row, ...]:
    if not steps:
        left = foreign(derivation.lhs_latex or r"\cdot", derivation.lhs_text)
        return tuple(Row("", left, math(array)) for array in _results(derivation).values())
    rows: list[Row] = []
    label = _label(steps[0])
    if label is not None and derivation.kind != "chain":
        rows.append(Row("", label, math(derivation.subject)))
    return (*rows, *_step_rows(steps, "", detail, lang, derivation.subject if rows else None))


def _chain_blocks(chain: Chain, lang: str) -> tuple[Block, ...]:
    """Authored lines; a line that its rules do not reach says so beside its verdict."""
    start = chain.start
    if isinstance(start, DerivativeOf):
        inner = tree_formula(_trees(start.function)[0])
        below = formula_latex(name_formula(start.variable.name))
        head = Piece(rf"\frac{{\partial}}{{\partial {below}}}", 1.6, 1, "fraction")
        body = inner if inner.level == ATOM else bracket(inner)
        left = Math(Formula((head, *body.parts), MUL), chain.lhs_text)
        arrays = [start.function]
    else:
        left, arrays = math(start), [start]
    rows = []
    for number, link in enumerate(chain.links, 1):
        rule = ", ".join(rule_name(name, lang) for name in link.by)
        reached = link.reached
        reason = "" if reached.status.upheld else reached.reason
        verdict = link.verdict
        row = Row(str(number), left if number == 1 else None, math(link.after), rule, link.statement, reason)
        rows.append(replace(row, status=str(verdict.status), why=verdict.reason))
        arrays.append(link.after)
    if not rows:
        rows.append(Row("", left, left))
    return (*definitions_of(arrays, words(lang)["let"]), Steps(tuple(rows)))


def _label(step: Any) -> Math | None:
    """What the derived array is called: L where the first line is about dL."""
    text = step.lhs.removeprefix("d") if isinstance(step.before.node, Differential) else step.lhs
    return Math(name_formula(text), text) if text.isidentifier() else None


def _step_rows(
    steps: Sequence[Any], prefix: str, detail: str, lang: str, shown: Array | None = None
) -> tuple[Row, ...]:
    """The lines; a left side is written where it changes, and a start where a line does not go on from the last."""
    rows: list[Row] = []
    lhs = None
    for position, step in enumerate(steps):
        number = f"{prefix}{position + 1}"
        goes_on = shown is not None and shown.same_form(step.before)
        left: Math | None = None
        if step.relation == "=>":
            left = foreign(step.lhs_latex, step.lhs)
        elif not step.lhs:
            left = None if goes_on and rows else math(step.before)
        elif not (goes_on and (step.lhs == lhs or position == 0)):
            left = foreign(step.lhs_latex, step.lhs)
            if not goes_on and not isinstance(step.before.node, Differential):
                rows.append(Row("", left, math(step.before)))
                left = None
        verdict = step.verdict
        rows.append(
            Row(
                number,
                left,
                math(step.after),
                rule_name(step.rule, lang),
                step.statement,
                step.reason,
                tuple(relation_math(c) for c in step.conditions),
                str(verdict.status),
                verdict.reason,
                _step_rows(step.substeps, number + ".", detail, lang) if detail == "full" else (),
            )
        )
        shown, lhs = step.after, step.lhs
    return tuple(rows)


# -- verdicts -------------------------------------------------------------------------------------


def _short(verdict: Verdict) -> str:
    evidence = f" ({verdict.evidence})" if verdict.evidence is not None else ""
    return f"{verdict.reason or verdict.claim}{evidence}"


def claim_blocks(verdict: Verdict, title: str, lang: str = "en") -> tuple[Block, ...]:
    """A verdict with its reason, proof or counterexample, and evidence."""
    labels = words(lang)
    notes: list[Note] = []
    if verdict.reason:
        notes.append(Note(labels["reason"], verdict.reason))
    if verdict.conditions:
        notes.append(Note(labels["given"], ", ".join(str(c) for c in verdict.conditions)))
    if verdict.counterexample is not None:
        notes.append(Note(labels["counterexample"], "; ".join(str(verdict.counterexample).splitlines()), "refuted"))
    if verdict.hint:
        notes.append(Note(labels["hint"], verdict.hint))
    if verdict.evidence is not None:
        notes.append(Note(labels["evidence"], str(verdict.evidence)))
    if verdict.end_to_end is not None:
        notes.append(Note(labels["end_to_end"], _short(verdict.end_to_end), str(verdict.end_to_end.status)))
    if verdict.cross_check is not None:
        notes.append(Note(labels["cross_check"], str(verdict.cross_check)))
    proof = tuple(str(entry) for entry in verdict.trace)
    return (Claim(title, str(verdict.status), verdict.claim, tuple(notes), proof),)


def legend_blocks(statuses: Iterable[str], lang: str = "en") -> tuple[Block, ...]:
    """What the statuses that occur mean, in words, and the notation."""
    labels = words(lang)
    seen = set(statuses)
    order = ("proved", "certified", "checked", "undecided", "refuted")
    notes = [Note(labels[s], labels[f"means_{s}"], s) for s in order if s in seen]
    blocks: list[Block] = [Heading(2, labels["legend"]), *notes] if notes else []
    return (*blocks, Note(labels["notation"], labels["notation_text"]))


def statuses(blocks: Iterable[Block]) -> list[str]:
    """The statuses that occur in some blocks."""
    found: list[str] = []

    def rows(items: Iterable[Row]) -> None:
        for row in items:
            found.append(row.status)
            rows(row.substeps)

    for block in blocks:
        if isinstance(block, Steps):
            rows(block.rows)
        elif isinstance(block, Claim | Note):
            found.append(block.status)
    return [s for s in found if s]
