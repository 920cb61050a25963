"""The page that every writer writes: blocks of text, formulas, derivations, claims, tables, code.

A writer never asks a derivation or a verdict anything; it gets blocks.  So every
format says the same, and a new format is one function over these classes.
Texts are plain and come from anywhere: each writer escapes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symderive.derivation.chains import Chain, DerivativeOf
from symderive.derivation.proofs import Line
from symderive.derivation.rules import Rule, cited, distinct, is_rule, rule
from symderive.judgement.verdicts import Verdict
from symderive.language.arrays import Array
from symderive.language.nodes import Differential
from symderive.language.statements import Relation
from symderive.language.views.formula import ADD, ATOM, MUL, Formula, Piece, bracket, formula_latex
from symderive.language.views.latex import component_formula, component_of, name_formula, relation_formula, tree_formula
from symderive.language.views.lift import lift, lift_array
from symderive.language.views.text import tree_text
from symderive.language.views.tree import Tree
from symderive.rendering.sentences import (
    counterexample_text,
    cross_check_text,
    evidence_text,
    proof_text,
    say,
)
from symderive.rendering.words import words

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
    "RuleEntry",
    "Rules",
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
    """One line of a derivation: ``left = right`` by a rule.

    ``rule`` names the rules.  Where all the detail is asked for, ``forms`` has them with their
    general forms, None for those that an earlier line states; it is empty where there is nothing to
    state.  ``reason`` is a remark on this very line.
    """

    number: str
    left: Math | None
    right: Math
    rule: str = ""
    forms: tuple[tuple[str, Math | None], ...] = ()
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
class RuleEntry:
    """What is said about a rule: its name, its general form, when it holds and why."""

    name: str
    form: Math
    conditions: str = ""
    reason: str = ""
    source: str = ""


@dataclass(frozen=True)
class Rules:
    """The rules that a derivation used, each once."""

    lead: str
    entries: tuple[RuleEntry, ...]


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


Block = Heading | Text | Note | Steps | Rules | Definitions | Claim | Code | Table | Curve


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


def component_math(array: Array, variable: Array) -> Math:
    """An array by its entries, differentials as partial derivatives by an entry of the variable."""
    return Math(component_formula(array, variable), tree_text(_trees(array)[0]))


def relation_math(relation: Any) -> Math:
    """A condition, without the definitions of what it names."""
    if isinstance(relation, Relation):
        sides = [tree_text(lift(side).tree) for side in (relation.lhs, relation.rhs)]
        return Math(relation_formula(relation), f"{sides[0]} {relation.op} {sides[1]}")
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


# -- rules --------------------------------------------------------------------------------------


def _rule_names(named: Sequence[str], used: Sequence[str], lang: str) -> str:
    """What a line goes by: its rules, and behind a colon the rules of the functions in it."""
    labels = words(lang)
    listed = (
        labels["comma"].join(dict.fromkeys(rule(key).name(lang) if is_rule(key) else key for key in keys))
        for keys in (named, used)
    )
    return labels["colon"].join(text for text in listed if text)


class _Forms:
    """The general forms of a derivation's rules, each stated once, where its first line is."""

    def __init__(self, detail: str, lang: str) -> None:
        self.lang = lang
        self.wanted = detail == "full"
        self.stated: set[Rule] = set()

    def of(self, rows: Iterable[Rule]) -> tuple[tuple[str, Math | None], ...]:
        """The rules of a line, in order; nothing where all of them were stated before."""
        here = distinct(rows)
        fresh = {row for row in here if self.wanted} - self.stated
        self.stated |= fresh
        forms = tuple((row.name(self.lang), _form(row) if row in fresh else None) for row in here)
        return forms if fresh else ()


def _form(row: Rule) -> Math:
    return Math(row.form.formula, row.form.text)


def rules_of(rows: Iterable[Rule], lang: str) -> tuple[Rules, ...]:
    """What there is to say about some rules, each once; nothing about none.

    A reason that only repeats the general form is left out.
    """
    entries = tuple(
        RuleEntry(
            row.name(lang),
            _form(row),
            row.conditions(lang),
            "" if row.form.text in row.reason(lang) else row.reason(lang),
            row.cite(lang),
        )
        for row in distinct(rows)
    )
    return (Rules(words(lang)["rules"], entries),) if entries else ()


def _used(steps: Iterable[Any]) -> list[Rule]:
    """The rules of some steps and of the steps inside them."""
    return [row for step in steps for row in (*step.rules, *_used(getattr(step, "substeps", ())))]


# -- derivations --------------------------------------------------------------------------------


def derivation_blocks(derivation: Any, detail: str = "brief", lang: str = "en") -> tuple[Block, ...]:
    """The blocks of a derivation.

    ``detail="full"`` says each rule's general form, shows the steps inside the steps, and explains
    the rules at the end.
    """
    labels = words(lang)
    if isinstance(derivation, Chain):
        return _chain_blocks(derivation, detail, lang)
    steps: Sequence[Any] = derivation.steps
    arrays = [derivation.subject, *_results(derivation).values()]
    arrays += [a for step in steps for a in (step.before, step.after)]
    arrays += [Array(side) for step in steps for c in step.conditions for side in (c.lhs, c.rhs)]
    blocks: list[Block] = [*definitions_of(arrays, labels["let"])]
    blocks.append(Steps(_rows(derivation, steps, detail, lang)))
    verdict = derivation.verdict
    end = verdict.end_to_end
    if end is not None:
        blocks.append(Note(labels["end_to_end"], _short(end, lang), str(end.status)))
    if verdict.cross_check is not None:
        blocks.append(Note(labels["cross_check"], cross_check_text(verdict.cross_check, lang)))
    return (*blocks, *(rules_of(_used(steps), lang) if detail == "full" else ()))


def derivation_title(derivation: Any, lang: str = "en") -> str:
    """The derivation's own title, or what it derives by what."""
    if getattr(derivation, "title", ""):
        title = derivation.title
        return title.get(lang) or next(iter(title.values())) if isinstance(title, Mapping) else str(title)
    if isinstance(derivation, Chain):
        return words(lang)["chain"]
    names = words(lang)["comma"].join(a.name for a in derivation.wrt)
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
    variable = None
    if getattr(derivation, "route", "") == "components" and len(derivation.wrt) == 1:
        (variable,) = derivation.wrt
    return (*rows, *_step_rows(steps, "", detail, lang, derivation.subject if rows else None, variable))


def _chain_blocks(chain: Chain, detail: str, lang: str) -> tuple[Block, ...]:
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
    forms = _Forms(detail, lang)
    for number, link in enumerate(chain.links, 1):
        named = words(lang)["comma"].join(row.name(lang) for row in link.rules)
        reached = link.reached
        verdict = link.verdict
        rows.append(
            Row(
                str(number),
                left if number == 1 else None,
                math(link.after),
                named,
                forms.of(link.rules),
                "" if reached.status.upheld else say(reached.reason, lang),
                status=str(verdict.status),
                why=say(verdict.reason, lang),
            )
        )
        arrays.append(link.after)
    if not rows:
        rows.append(Row("", left, left))
    rules = rules_of(_used(chain.links), lang) if detail == "full" else ()
    return (*definitions_of(arrays, words(lang)["let"]), Steps(tuple(rows)), *rules)


def _label(step: Any) -> Math | None:
    """What the derived array is called: L where the first line is about dL."""
    text = step.lhs.removeprefix("d") if isinstance(step.before.node, Differential) else step.lhs
    return Math(name_formula(text), text) if text.isidentifier() else None


def _step_rows(
    steps: Sequence[Any],
    prefix: str,
    detail: str,
    lang: str,
    shown: Array | None = None,
    variable: Array | None = None,
) -> tuple[Row, ...]:
    """The lines; a left side is written where it changes, and a start where a line does not go on from the last.

    With a ``variable`` the lines are written in components.
    """
    rows: list[Row] = []

    def formula(array: Array) -> Math:
        return math(array) if variable is None else component_math(array, variable)

    def called(step: Any) -> Math:
        if variable is None or not (step.relation == "=>" or isinstance(step.before.node, Differential)):
            return foreign(step.lhs_latex, step.lhs)
        name = step.lhs.rpartition(" ")[2] if step.relation == "=>" else step.lhs.removeprefix("d")
        return Math(component_of(name, variable), step.lhs)

    forms = _Forms(detail, lang)
    lhs = None
    for position, step in enumerate(steps):
        number = f"{prefix}{position + 1}"
        goes_on = shown is not None and shown.same_form(step.before)
        left: Math | None = None
        if step.relation == "=>":
            left = called(step)
        elif not step.lhs:
            left = None if goes_on and rows else formula(step.before)
        elif not (goes_on and (step.lhs == lhs or position == 0)):
            left = called(step)
            if not goes_on and not isinstance(step.before.node, Differential):
                rows.append(Row("", left, formula(step.before)))
                left = None
        verdict = step.verdict
        rows.append(
            Row(
                number,
                left,
                formula(step.after),
                _rule_names(step.rule.split(", "), step.uses, lang),
                () if prefix else forms.of(step.rules),
                "",
                tuple(relation_math(c) for c in step.conditions),
                str(verdict.status),
                say(verdict.reason, lang),
                _step_rows(step.substeps, number + ".", detail, lang) if detail == "full" else (),
            )
        )
        shown, lhs = step.after, step.lhs
    return tuple(rows)


# -- verdicts -------------------------------------------------------------------------------------


def _short(verdict: Verdict, lang: str) -> str:
    text = say(verdict.reason or verdict.claim, lang)
    if verdict.evidence is None:
        return text
    return text + words(lang)["brackets"].format(text=evidence_text(verdict.evidence, lang))


def proof_lines(entry: str) -> list[tuple[int, str]]:
    """A line of a proof and what stands under it, each with its depth."""
    lines = [line for line in entry.split("\n") if line.strip()]
    return [((len(line) - len(line.lstrip())) // 4, line.strip()) for line in lines]


def claim_blocks(verdict: Verdict, title: str, lang: str = "en", detail: str = "brief") -> tuple[Block, ...]:
    """A verdict with its reason, proof or counterexample, and evidence; in full, the lemmas too."""
    labels = words(lang)
    notes: list[Note] = []
    if verdict.reason:
        notes.append(Note(labels["reason"], say(verdict.reason, lang)))
    if verdict.conditions:
        notes.append(Note(labels["given"], labels["comma"].join(say(str(c), lang) for c in verdict.conditions)))
    if verdict.counterexample is not None:
        notes.append(Note(labels["counterexample"], counterexample_text(verdict.counterexample, lang), "refuted"))
    if verdict.hint:
        notes.append(Note(labels["hint"], say(verdict.hint, lang)))
    if verdict.evidence is not None:
        notes.append(Note(labels["evidence"], evidence_text(verdict.evidence, lang)))
    if verdict.end_to_end is not None:
        end = verdict.end_to_end
        notes.append(Note(labels["end_to_end"], _short(end, lang), str(end.status)))
    if verdict.cross_check is not None:
        notes.append(Note(labels["cross_check"], cross_check_text(verdict.cross_check, lang)))
    proof = tuple(proof_text(entry, lang) for entry in verdict.trace)
    claim = Claim(title, str(verdict.status), say(verdict.claim, lang), tuple(notes), proof)
    lines = [entry for entry in verdict.trace if isinstance(entry, Line)]
    rules = cited(*(key for line in lines for key in line.rule.split("; ")))
    return (claim, *(rules_of(rules, lang) if detail == "full" else ()))


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
