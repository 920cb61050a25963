"""Authored derivations: the lines somebody wrote, each with the rule they cite.

A line faces two questions that are answered apart: do the cited rules reach it,
and is it true?  A true line with the wrong reason fails only the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from symderive.calculus.normal_form import decide_equal, expand_differentials
from symderive.derivation.proofs import prove_equal
from symderive.derivation.rules import Rule, rule
from symderive.derivation.written import Title, Written
from symderive.errors import ShapeError, UnknownNameError, UnsupportedError
from symderive.judgement.verdicts import Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array, as_array, joined_nodes, shape_text
from symderive.language.domains import real
from symderive.language.functions import FUNCTIONS, meaning
from symderive.language.nodes import Differential, Leaf, Map, Node, Opaque
from symderive.language.statements import Relation
from symderive.language.views.latex import name_latex


@dataclass(frozen=True)
class Citation:
    """A rule that a line may cite, by its key in ``derivation.rules``, and which functions it opens."""

    name: str
    opens: tuple[str, ...] = ()
    differentiates: bool = False

    @property
    def statement(self) -> str:
        """What the rule says in general."""
        return rule(self.name).form.text


def _citations() -> dict[str, Citation]:
    rows = [
        Citation("algebra"),
        Citation("definition", tuple(FUNCTIONS)),
        Citation("chain rule", differentiates=True),
        Citation("product rule", differentiates=True),
        Citation("linearity", differentiates=True),
        Citation("derivative", differentiates=True),
        Citation("logarithm", ("log", "exp", "xlogy", "rel_entr", "entr", "kl_div", "log1p")),
        Citation("exponential", ("exp", "expm1")),
        Citation("sigmoid", ("expit", "exp", "log_expit", "tanh", "logaddexp", "log", "log1p")),
        Citation("softplus", ("logaddexp", "log", "log1p", "exp", "log_expit")),
        Citation("softmax", ("softmax", "log_softmax", "logsumexp", "exp", "log")),
        Citation("simplex"),
        Citation("assumption"),
    ]
    return {row.name: row for row in rows}


CITATIONS = _citations()
"""What ``by=`` may name, besides the name of any function (its definition)."""


@dataclass(frozen=True)
class DerivativeOf:
    """∂function/∂variable of an elementwise function, or of a scalar by a scalar; the start of a chain."""

    function: Array
    variable: Array


def D(function: Any, variable: Array) -> DerivativeOf:
    """The derivative of an elementwise function, unevaluated, to start a chain with.

    >>> import numpy as np, symderive as sd
    >>> u = sd.array("u")
    >>> c = sd.chain(sd.D(np.log1p(np.exp(u)), u)).to(np.exp(u) / (1 + np.exp(u)), by="chain rule")
    >>> c.verdict.status
    <Status.proved: 'proved'>
    """
    function = as_array(function)
    if not isinstance(variable.node, Leaf):
        raise UnknownNameError(f"D(f, u) needs a declared array u, got {variable}")
    if variable.node.rank and function.dims != variable.dims:
        raise ShapeError(
            f"D(f, u) is for elementwise functions: f has shape {shape_text(function.dims)}, "
            f"u has {shape_text(variable.dims)}; use sd.gradient or sd.jacobian"
        )
    return DerivativeOf(function, variable)


@dataclass(frozen=True)
class Link:
    """One authored line with its two answers.

    ``verdict`` says whether the line is true (equal to the line before);
    ``reached`` whether the cited rules lead to it: "proved" or "undecided" with
    the reason.
    """

    before: Array | DerivativeOf
    after: Array
    by: tuple[str, ...]
    given: tuple[Relation, ...] = ()

    @property
    def rule(self) -> str:
        return ", ".join(self.by)

    @property
    def statement(self) -> str:
        return "; ".join(row.form.text for row in self.rules)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rows of what is cited; a function's name cites its definition."""
        return tuple(rule(name if name in CITATIONS else f"definition of {name}") for name in self.by)

    @property
    def reason(self) -> str:
        """Why the cited rules hold."""
        return "; ".join(row.reason() for row in self.rules)

    def _sides(self) -> tuple[Node, Node, tuple[Leaf, ...]]:
        if isinstance(self.before, DerivativeOf):
            leaf = self.before.variable.node
            assert isinstance(leaf, Leaf)
            change = Array(Differential(leaf), self.before.variable.axes)
            lhs, rhs = joined_nodes((_changed(self.before.function), self.after * change), "==")
            return lhs, rhs, (leaf,)
        lhs, rhs = joined_nodes((self.before, self.after), "==")
        return lhs, rhs, ()

    @cached_property
    def verdict(self) -> Verdict:
        """Is the line true?"""
        lhs, rhs, changing = self._sides()
        return prove_equal(lhs, rhs, given=self.given, changing=changing)

    @cached_property
    def reached(self) -> Verdict:
        """Do the cited rules reach the line?"""
        lhs, rhs, changing = self._sides()
        cited = [CITATIONS[b] for b in self.by if b in CITATIONS]
        opens = {name for c in cited for name in c.opens} | {b for b in self.by if b in FUNCTIONS}
        claim = f"{self.after} by {self.rule}"
        if isinstance(self.before, DerivativeOf):
            if not any(c.differentiates for c in cited):
                return Verdict(
                    Status.undecided, claim, reason="no cited rule differentiates; cite the chain rule or another"
                )
            lhs = expand_differentials(lhs, frozenset(changing))
        closing = _Closing(frozenset(opens))
        decided = decide_equal(closing.run(lhs), closing.run(rhs), given=self.given)
        if decided.equal:
            return Verdict(Status.proved, claim, reason=f"reached by {self.rule}")
        return Verdict(
            Status.undecided,
            claim,
            reason=f"{self.rule} alone does not lead from the line before to this one",
        )


def _changed(array: Array) -> Array:
    return Array(Differential(array.node), array.axes)


class _Closing:
    """Makes functions that no cited rule opens into atoms: equal only where written equally."""

    def __init__(self, opens: frozenset[str]) -> None:
        self.opens = opens
        self.atoms: dict[Node, Leaf] = {}

    def run(self, node: Node) -> Node:
        done: dict[Node, Node] = {}
        for part in node.walk():
            made = build.rebuild(part, [done[c] for c in part.children]) if part.children else part
            closed = isinstance(made, Map | Opaque) and made.function not in self.opens
            if closed and made.function != "power":  # type: ignore[union-attr]
                made = self._atom(made)
            elif isinstance(made, Map) and made.function in self.opens:
                opened = meaning(made.function, made.arguments)
                if opened is not None:
                    made = self.run(opened) if opened is not made else made
            done[part] = made
        return done[node]

    def _atom(self, node: Node) -> Node:
        for known, leaf in self.atoms.items():
            if known is node or _same_call(known, node):
                return leaf
        leaf = Leaf(f"atom·{len(self.atoms)}", node.shape, real)  # no array may be named so
        self.atoms[node] = leaf
        return leaf


def _same_call(a: Node, b: Node) -> bool:
    if type(a) is not type(b) or not isinstance(a, Map | Opaque) or not isinstance(b, Map | Opaque):
        return False
    if a.function != b.function or a.shape != b.shape:
        return False
    return all(bool(decide_equal(x, y).equal) for x, y in zip(a.arguments, b.arguments, strict=True))


@dataclass(frozen=True)
class Chain(Written):
    """A chain of authored lines; immutable, ``to`` gives a longer one."""

    start: Array | DerivativeOf
    links: tuple[Link, ...] = ()
    given: tuple[Relation, ...] = ()
    title: Title = ""

    def to(self, line: Any, by: str | Sequence[str]) -> Chain:
        """Add a line that equals the one before, by the cited rule or rules.

        ``by`` names rules of ``CITATIONS`` or functions (their definition).

        Raises
        ------
        UnknownNameError
            ``by`` names no rule; the rules are listed.
        ShapeError
            The line's shape is not the shape of the line before.
        """
        cited = (by,) if isinstance(by, str) else tuple(by)
        for name in cited:
            if name not in CITATIONS and name not in FUNCTIONS:
                near = get_close_matches(name, [*CITATIONS, *FUNCTIONS], 3)
                hint = f"; did you mean {' or '.join(near)}?" if near else f"; the rules are {', '.join(CITATIONS)}"
                raise UnknownNameError(f"no rule named {name!r}{hint}")
        if isinstance(line, DerivativeOf):
            raise UnsupportedError("a derivative can start a chain, not continue it")
        line = as_array(line)
        before = self.links[-1].after if self.links else self.start
        shape = before.function.dims if isinstance(before, DerivativeOf) else before.dims
        if line.dims not in (shape, ()) and shape != ():
            raise ShapeError(f"this line has shape {shape_text(line.dims)}, the line before {shape_text(shape)}")
        return Chain(self.start, (*self.links, Link(before, line, cited, self.given)), self.given, self.title)

    @property
    def result(self) -> Array:
        """The last line."""
        if self.links:
            return self.links[-1].after
        if isinstance(self.start, DerivativeOf):
            raise UnsupportedError("this chain has only its start; add a line with .to(...)")
        return self.start

    @property
    def steps(self) -> tuple[Link, ...]:
        return self.links

    @property
    def lhs_text(self) -> str:
        if isinstance(self.start, DerivativeOf):
            return f"∂/∂{self.start.variable.name} {self.start.function}"
        return str(self.start)

    @property
    def lhs_latex(self) -> str:
        if isinstance(self.start, DerivativeOf):
            below = name_latex(self.start.variable.name)
            return rf"\frac{{\partial}}{{\partial {below}}} {self.start.function.latex}"
        return self.start.latex

    @cached_property
    def verdict(self) -> Verdict:
        """Whether every line is true: the weakest of the lines' verdicts."""
        verdicts = tuple(link.verdict for link in self.links)
        status = weakest(verdicts) if verdicts else Status.proved
        worst = next((v for v in verdicts if v.status is status), None)
        return Verdict(
            status,
            f"{self.lhs_text} = {self.result}",
            reason=worst.reason if worst is not None and not status.upheld else "",
            counterexample=worst.counterexample if worst is not None else None,
            parts=verdicts,
        )

    @cached_property
    def reached(self) -> Verdict:
        """Whether the cited rules lead from each line to the next: the weakest answer."""
        verdicts = tuple(link.reached for link in self.links)
        status = weakest(verdicts) if verdicts else Status.proved
        reason = next((v.reason for v in verdicts if v.status is status), "")
        return Verdict(status, f"the cited rules lead to {self.result}", reason=reason, parts=verdicts)


def chain(start: Any, *, given: Sequence[Relation] = (), title: Title = "") -> Chain:
    """Start an authored derivation at an Array or at ``sd.D(f, u)``.

    >>> import numpy as np, symderive as sd
    >>> from scipy.special import expit
    >>> z = sd.array("z")
    >>> c = sd.chain(1 - expit(z)).to(expit(-z), by="sigmoid")
    >>> c.verdict.status, c.reached.status
    (<Status.proved: 'proved'>, <Status.proved: 'proved'>)
    """
    return Chain(start if isinstance(start, DerivativeOf) else as_array(start), (), tuple(given), title)


__all__ = ["CITATIONS", "Chain", "Citation", "D", "DerivativeOf", "Link", "chain"]
