"""A derivation as a value: the lines, their rules and conditions, and their judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symderive.calculus.differentiate import pair
from symderive.calculus.normal_form import decide_equal
from symderive.derivation.proofs import prove_equal
from symderive.derivation.rules import Rule, cited
from symderive.derivation.written import Title, Written
from symderive.errors import JudgementConflictError, UnsupportedError
from symderive.judgement.judge import judge_derivative, judge_relation
from symderive.judgement.verdicts import Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array, Dim, joined_nodes
from symderive.language.domains import real
from symderive.language.nodes import Differential, Leaf, Named, Node
from symderive.language.reading import read_text
from symderive.language.statements import Relation
from symderive.language.views.lift import lift_array
from symderive.language.views.tree import Tree


@dataclass(frozen=True)
class Step:
    """One line: ``before = after`` by a named rule.

    ``lhs`` (and ``lhs_latex``) is what the line equals, e.g. ``dL``.  With
    ``relation`` "=>" the line reads a derivative off: from ``dL = <G, dw>`` for
    every dw follows ``∂L/∂w = G``, and ``before`` is dL, ``after`` is G.  With
    ":=" the line states a convention and claims nothing.
    ``conditions`` are those that this step needs, ``given`` those that earlier
    lines already stated.  ``substeps`` show how single parts were rewritten.

    ``rule`` names the rule (or several, with commas between), ``uses`` the rules of the
    functions and definitions in it; :attr:`rules` are their rows, which say everything
    that is said of a rule, in each language.

    >>> import numpy as np, symderive as sd
    >>> step = sd.gradient(np.sum(np.exp(sd.array("x", "n"))), "x").steps[1]
    >>> step.rule, step.uses, step.statement
    ('chain rule', ('derivative of exp',), "d f(u) = f'(u)·du")
    >>> [row.name("zh") for row in step.rules]
    ['链式法则', 'exp 的导数']
    """

    before: Array
    after: Array
    rule: str
    conditions: tuple[Relation, ...] = ()
    substeps: tuple[Step, ...] = ()
    lhs: str = ""
    lhs_latex: str = ""
    relation: str = "="
    changing: tuple[Leaf, ...] = ()
    given: tuple[Relation, ...] = field(default=(), repr=False)
    uses: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rows of the rules, then of what they use; a name that is no row is left out."""
        return cited(*self.rule.split(", "), *self.uses)

    @property
    def statement(self) -> str:
        """What the named rules say in general."""
        return "; ".join(row.form.text for row in cited(*self.rule.split(", ")))

    @property
    def reason(self) -> str:
        """Why the rules hold, and what the functions in the line have to do with it."""
        return "; ".join(row.reason() for row in self.rules)

    @cached_property
    def verdict(self) -> Verdict:
        """Proved where the checker's normal form and the judge agree; computed when first asked."""
        before, after = self.before.node, self.after.node
        if self.relation == ":=":
            return Verdict(Status.proved, f"{self.lhs} := {self.after}", reason=self.statement)
        if self.relation == "=>":
            (leaf,) = self.changing
            after = pair(after, Differential(leaf), before.rank)
        present = {*before.walk(), *after.walk()}
        changing = tuple(leaf for leaf in self.changing if leaf in present)
        if self.changing and not changing:
            before, after = _at_rest(before), _at_rest(after)
        return prove_equal(before, after, given=(*self.given, *self.conditions), changing=changing)

    def replay(self) -> Array:
        """The line's right side, made again from its left side and its record.

        The substeps are carried out one after the other where their left sides
        stand.  What they make must be the recorded line, in form or by the normal
        form; a derivative that is read off must give the differential back.

        Raises
        ------
        JudgementConflictError
            The record does not lead to the line.
        """
        if self.relation == ":=":
            return self.after
        before, after = self.before.node, self.after.node
        made = before
        if self.relation == "=>":
            (leaf,) = self.changing
            after = pair(after, Differential(leaf), before.rank)
        else:
            for substep in self.substeps:
                made = build.substitute(made, {substep.before.node: substep.after.node})
        if made is not after:
            changing = frozenset(self.changing)
            same = decide_equal(made, after, given=(*self.given, *self.conditions), changing=changing)
            if not same.equal:
                raise JudgementConflictError(
                    f"the record of {self.rule!r} makes {Array(made)}, the line says {self.after}: {same.reason}"
                )
        return self.after


@dataclass(frozen=True)
class Derivation(Written):
    """A derived result and every line that leads to it.

    Attributes
    ----------
    kind : "gradient", "hessian", "jacobian" or "differential"
    subject : the array that was derived
    wrt : the arrays it was derived by
    steps : the lines, see :class:`Step`
    result : an Array, or a dict keyed by name for several variables (nested for Hessians)
    convention : "independent", "symmetric" or "projected" (for variables with a structure)
    route : "differentials" or "components", see :func:`symderive.gradient`
    """

    kind: str
    subject: Array
    wrt: tuple[Array, ...]
    steps: tuple[Step, ...]
    result: Any
    convention: str = "independent"
    title: Title = ""
    route: str = "differentials"

    @property
    def lhs_text(self) -> str:
        """What the result is, e.g. ``∇_w L``."""
        return self.steps[-1].lhs if self.steps else self.kind

    @property
    def lhs_latex(self) -> str:
        return self.steps[-1].lhs_latex if self.steps else ""

    @property
    def results(self) -> dict[tuple[str, ...], Array]:
        """The result arrays, keyed by the names that they belong to."""
        flat: dict[tuple[str, ...], Array] = {}

        def collect(value: Any, keys: tuple[str, ...]) -> None:
            if isinstance(value, Mapping):
                for name, inner in value.items():
                    collect(inner, (*keys, name))
            else:
                flat[keys] = value

        collect(self.result, ())
        return flat

    @property
    def conditions(self) -> tuple[Relation, ...]:
        """Everything that some line needs beyond the declared domains."""
        return tuple(dict.fromkeys(c for step in self.steps for c in step.conditions))

    @property
    def definitions(self) -> tuple[tuple[str, Tree], ...]:
        """The named intermediates of all lines, each once, in an order that can be read."""
        found: dict[str, Tree] = {}
        for step in self.steps:
            for side in (step.before, step.after):
                found |= dict(lift_array(side).definitions)
        return tuple(found.items())

    @cached_property
    def scope(self) -> dict[str, Array]:
        """The names in play: arrays, definitions and dimensions; what claims about it are read in."""
        names: dict[str, Array] = {}
        for array in (self.subject, *self.wrt, *self.results.values()):
            for node in array.node.walk():
                if isinstance(node, Leaf | Named):
                    names.setdefault(node.name, Array(node))
                for size in node.shape:
                    for symbol in size.free_symbols:
                        names.setdefault(str(symbol), Dim(symbol))  # type: ignore[arg-type]
        return names

    @cached_property
    def verdict(self) -> Verdict:
        """The weakest of the steps (``parts``) and of ``end_to_end``; computed when first asked.

        ``end_to_end`` judges the result against the thing derived by power series
        of balls, without looking at any step.  Steps that are all proved, with a
        judge that agrees on the whole, are a proof of the whole.
        """
        steps = tuple(step.verdict for step in self.steps)
        whole = self.end_to_end
        status = weakest((*steps, whole))
        if whole.status.upheld and all(v.status is Status.proved for v in steps):
            status = Status.proved
        worst = next((v for v in (*steps, whole) if v.status is status), whole)
        return Verdict(
            status=status,
            claim="; ".join(f"{self._label(array)} = {array}" for array in self.results.values()),
            reason=worst.reason if not status.upheld else "",
            counterexample=worst.counterexample,
            conditions=self.conditions,
            trace=tuple(line for v in steps for line in v.trace) if status is Status.proved else (),
            parts=steps,
            end_to_end=whole,
        )

    def _label(self, result: Array) -> str:
        """What a result is called on its line."""
        return next((s.lhs for s in reversed(self.steps) if s.after.node is result.node), self.kind)

    @cached_property
    def end_to_end(self) -> Verdict:
        """What the judge says of the result, looking at the subject only; computed when first asked."""
        leaves = {a.name: _leaf(a) for a in self.wrt}
        if self.kind == "differential":
            changing = tuple(leaves.values())
            claim = Relation(Differential(self.subject.node), "==", self.result.node)
            return judge_relation(claim, given=self.conditions, changing=changing)
        subject = definitions_as_leaves(self.subject, self.wrt)
        order = 2 if self.kind == "hessian" else 1
        verdicts: list[Verdict] = []
        plain = {step.after.node: step.before.node for step in self.steps if step.relation == ":="}
        for keys, array in self.results.items():
            result = plain.get(array.node, array.node)
            wrt = tuple(leaves[k] for k in keys) or (leaves[self.wrt[0].name],) * order
            verdicts.append(
                judge_derivative(subject.node, wrt, result, order=order, given=self.conditions)
            )
        status = weakest(verdicts)
        return next(v for v in verdicts if v.status is status)

    def expect(self, text: str) -> Derivation:
        """Assert that the result equals the text, read in the derivation's scope; returns itself.

        Raises
        ------
        AssertionError
            The text is not the result; the report names a point.
        """
        if len(self.results) > 1:
            raise UnsupportedError("expect is for one result; derive by one variable, or use sd.check with a mapping")
        expected = read_text(text, self.scope)
        (result,) = self.results.values()
        lhs, rhs = joined_nodes((result, expected), "==")
        prove_equal(lhs, rhs, given=self.conditions).require("checked")
        return self

    def replay(self) -> Any:
        """The result, made again by carrying out the recorded steps from the first line on.

        Each step has to begin where the record stands: at the line before, at the
        differential of a line, or at the last differential of a quantity.

        Raises
        ------
        JudgementConflictError
            A step does not begin there, or its record does not lead to its line.
        """
        lines: dict[str, Array] = {}
        if self.steps:
            first = self.steps[0].before.node
            start = build.without_names(first.body if isinstance(first, Differential) else first)
            subject = definitions_as_leaves(self.subject, self.wrt).node
            if start is not build.without_names(subject):
                raise JudgementConflictError(f"the record begins at {Array(first)}, not at {self.subject}")
        for step in self.steps:
            reads_off = step.relation == "=>"
            earlier = [line.node for lhs, line in lines.items() if reads_off or step.lhs in (lhs, f"d{lhs}")]
            starts = [*earlier, *(Differential(node) for node in earlier)]
            if lines and not any(step.before.node is node for node in starts):
                raise JudgementConflictError(f"the step {step.rule!r} does not begin at an earlier line: {step.before}")
            lines[step.lhs] = step.replay()
        ends = {line.node for line in lines.values()}
        for array in self.results.values():
            if array.node not in ends:
                raise JudgementConflictError(f"no recorded line ends at the result {array}")
        return self.result



def _leaf(array: Array) -> Leaf:
    node = array.node
    return node if isinstance(node, Leaf) else definition_leaf(array)


def _at_rest(node: Node) -> Node:
    """The node where nothing that it contains changes: each d(u) is 0."""
    still = {part: build.zeros(part.shape) for part in node.walk() if isinstance(part, Differential)}
    return build.substitute(node, still) if still else node


def definition_leaf(array: Array) -> Leaf:
    """The leaf that stands for a definition while deriving by it."""
    assert isinstance(array.node, Named)
    return Leaf(array.node.name, array.node.shape, real)


def definitions_as_leaves(subject: Array, wrt: tuple[Array, ...]) -> Array:
    """The subject with each definition that is a variable made a free array."""
    named = {a.node: definition_leaf(a) for a in wrt if isinstance(a.node, Named)}
    return Array(build.substitute(subject.node, named), subject.axes) if named else subject
