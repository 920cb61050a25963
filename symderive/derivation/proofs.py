"""Proofs as traces: lines that a small checker replays, and proofs of equalities.

A `Line` says ``before op after`` by a rule.  Two kinds of line exist: one that
the normal form decides (op ``==``), and one that cites rows of `LEMMAS` (op
``>=`` or ``>``): what is dropped is a sum of weights >= 0 times the slack of a
lemma.  `prove_equal` is the only way to ``proved`` for an equality: normal form
*and* the judge; a disagreement of the two is raised, never swallowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from sympy import Expr

from symderive.calculus.normal_form import decide_equal
from symderive.calculus.residues import rounded_leaves
from symderive.calculus.slopes import anchor
from symderive.errors import JudgementConflictError, UnknownNameError
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Status, Verdict
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.functions import template
from symderive.language.nodes import ONE, Differential, Leaf, Node, Number
from symderive.language.statements import Relation

NORMAL_FORM = "normal form"
SLOPES = "equal derivatives and one common value"


@final
@dataclass(frozen=True)
class Lemma:
    """An inequality as a row: ``big >= small`` for arguments that meet ``requires``.

    ``strict`` says that it is an inequality without equality case; otherwise
    the sides are equal exactly where every relation of ``equality`` holds.
    ``because`` is the proof in a sentence.  Texts are those of
    ``language.functions``.
    """

    name: str
    arguments: tuple[str, ...]
    big: str
    small: str
    requires: tuple[str, ...]
    equality: tuple[tuple[str, str], ...]
    because: str
    strict: bool = False

    def sides(self, arguments: Sequence[Node]) -> tuple[Node, Node]:
        """Both sides with nodes put in, spread over the arguments' shape."""
        shape = next((a.shape for a in arguments if a.shape), ())
        big = template(self.big, self.arguments)(*arguments)
        small = template(self.small, self.arguments)(*arguments)
        return build.broadcast(big, shape), build.broadcast(small, shape)


LEMMAS: dict[str, Lemma] = {
    row.name: row
    for row in (
        Lemma(
            "log t <= t - 1",
            ("t",),
            "t - 1",
            "log(t)",
            ("t > 0",),
            (("t", "1"),),
            "log is concave and t - 1 is its tangent at 1; equality only at t = 1",
        ),
        Lemma(
            "log t < t - 1",
            ("t",),
            "t - 1",
            "log(t)",
            ("t > 0", "t != 1"),
            (),
            "log is strictly concave and t - 1 is its tangent at 1",
            strict=True,
        ),
        Lemma(
            "x log(x/y) >= x - y",
            ("x", "y"),
            "rel_entr(x, y)",
            "x - y",
            ("x >= 0", "y > 0 or x == 0"),
            (("x", "y"),),
            "log t <= t - 1 at t = y/x, times -x; at x = 0 it reads 0 >= -y",
        ),
        Lemma("a square is >= 0", ("r",), "r**2", "0", (), (("r", "0"),), "r**2 = |r|**2"),
        Lemma("nonnegative by its sign", ("u",), "u", "0", ("u >= 0",), (("u", "0"),), "by the signs of its parts"),
        Lemma("|x| >= x", ("x",), "abs(x)", "x", (), (), "|x| is x or -x, whichever is >= 0"),
        Lemma("positive by its sign", ("u",), "u", "0", ("u > 0",), (), "by the signs of its parts", strict=True),
    )
}
"""The axioms of inequalities; Gibbs, Jensen, log-sum, AM-GM and the rest are derived from them.

Sources: Cover & Thomas, Elements of Information Theory, 2.6-2.7; Boyd & Vandenberghe, 3.1.
"""


def lemma(name: str) -> Lemma:
    """The row of a lemma; an unknown name raises."""
    try:
        return LEMMAS[name]
    except KeyError:
        raise UnknownNameError(f"no lemma named {name!r}; the rows are {', '.join(LEMMAS)}") from None


@final
@dataclass(frozen=True)
class Instance:
    """A lemma at arguments, times a weight >= 0, summed over the axes from ``out_rank`` on.

    The arguments have one shape (or are scalars); the weight has it too, or is a scalar.
    """

    lemma: str
    arguments: tuple[Node, ...]
    weight: Node
    shape: tuple[Expr, ...]
    out_rank: int

    def total(self, side: Node) -> Node:
        """Σ weight · side."""
        if build.is_zero(side):
            return build.zeros(self.shape[: self.out_rank])
        everywhere = tuple(range(len(self.shape)))
        factors = [(n, everywhere if n.shape else ()) for n in (self.weight, side)]
        return build.contract(ONE, factors, range(self.out_rank), dict(enumerate(self.shape)))

    @property
    def big(self) -> Node:
        """Σ weight · (larger side)."""
        return self.total(lemma(self.lemma).sides(self.arguments)[0])

    @property
    def small(self) -> Node:
        """Σ weight · (smaller side)."""
        return self.total(lemma(self.lemma).sides(self.arguments)[1])

    def as_dict(self) -> dict[str, Any]:
        """The instance as JSON values."""
        return {"lemma": self.lemma, "arguments": [text(a) for a in self.arguments], "weight": text(self.weight)}

    def __str__(self) -> str:
        row = lemma(self.lemma)
        where = ", ".join(f"{n} = {text(a)}" for n, a in zip(row.arguments, self.arguments, strict=True))
        return f"{row.name} with {where}"


def text(node: Node) -> str:
    """A node as people read it."""
    return str(Array(node))


@final
@dataclass(frozen=True)
class Way:
    """A way to show that a scalar is >= 0 (or > 0), as a row: what is argued, and why that is enough."""

    name: str
    because: str


WAYS: dict[str, Way] = {
    row.name: row
    for row in (
        Way("sum of parts", "it is a sum of slacks of lemmas and of weights >= 0 times parts that are >= 0"),
        Way("product of parts", "a product of parts that are >= 0 is >= 0"),
        Way("value of a constant", "evaluated in ball arithmetic"),
        Way("monotone", "it is >= 0 at one place, and its derivative has the sign of the way to every other place"),
        Way("concave", "its second derivative is <= 0 and it is >= 0 at both ends"),
        Way("cases", "it is >= 0 in each case of a sign"),
        Way("increasing function", "an increasing function keeps the order of its arguments"),
        Way("wider domain", "what holds on more than the domain holds on the domain"),
        Way("parts of the domain", "it holds on each of two ranges of integers that make up the domain"),
        Way("pieces of the domain", "it holds at each closed end of the domain, and on what lies between or beside"),
        Way("residue classes", "it holds in each residue class of the integers that are rounded"),
    )
}
"""How the sign of a scalar is argued.  Source: Rudin, Principles of Mathematical Analysis, ch. 5."""


@final
@dataclass(frozen=True)
class Argument:
    """``goal >= 0`` (``> 0`` where strict) wherever ``given`` holds, by a row of `WAYS` and by parts.

    * sum of parts: the goal is Σ slack(instances) + Σ weight·part;
    * product of parts: the goal is the product of the parts;
    * monotone: ``variable`` from ``point`` (None: its infinite end on the other ``side``); the parts are the value
      there (absent where the function grows without bound), then the slope above and minus the slope below;
    * concave: the values at ``nodes`` (both ends) and minus the second derivative between them;
    * cases: one part where ``point`` is >= 0 (``side`` 1) or > 0 (0), one where it is not;
    * increasing function: the goal is f(a) - f(b) with ``nodes`` a, b and ``function`` f; the part is a - b;
    * wider domain: the part is the goal with ``variable`` ranging over the domain of the one of ``nodes``;
    * parts of the domain: likewise for two ranges of integers, those of ``nodes``;
    * pieces of the domain: the goal for each of ``nodes``, the ends of ``variable`` and what lies between them, or
      its positive and its negative numbers;
    * residue classes: the parts are the goal with what ``nodes`` say for its integers, M·quotient + r.
    """

    way: str
    goal: Node
    strict: bool
    given: tuple[Relation, ...]
    parts: tuple[Argument, ...] = ()
    instances: tuple[Instance, ...] = ()
    nodes: tuple[Node, ...] = ()
    variable: Leaf | None = None
    point: Node | None = None
    side: int = 0
    function: str = ""

    @property
    def op(self) -> str:
        """The relation to 0 that is argued."""
        return ">" if self.strict else ">="

    @property
    def place(self) -> str:
        """Where a monotone argument starts, as text."""
        if self.point is not None:
            return text(self.point)
        return "-oo" if self.side > 0 else "oo"

    @property
    def headings(self) -> tuple[str, ...]:
        """What each part is about, in the order of the parts; empty where the part says it itself."""
        name = self.variable.name if self.variable is not None else ""
        match self.way:
            case "monotone":
                ways = {1: (f"{name} > {self.place}",), -1: (f"{name} < {self.place}",)}
                sides = ways.get(self.side, (*ways[1], *ways[-1]))
                signs = ("" if s.startswith(f"{name} >") else "-" for s in sides)
                slopes = tuple(f"{sign}d/d{name}, {side}" for sign, side in zip(signs, sides, strict=True))
                return ((f"{name} = {self.place}",) if len(self.parts) > len(slopes) else ()) + slopes
            case "concave":
                return (*(f"{name} = {text(n)}" for n in self.nodes), f"-d²/d{name}²")
            case "cases" if self.point is not None:
                return (f"{text(self.point)} {'>=' if self.side else '>'} 0", f"{text(self.point)} <= 0")
            case "residue classes":
                names = ", ".join(leaf.name for leaf in rounded_leaves(self.goal))
                width = len(self.nodes) // max(len(self.parts), 1)
                rows = [self.nodes[k : k + width] for k in range(0, len(self.nodes), max(width, 1))]
                return tuple(f"{names} = {', '.join(map(text, row))}" for row in rows)
            case "pieces of the domain":
                return tuple(
                    f"{name} in {n.domain}" if isinstance(n, Leaf) else f"{name} = {text(n)}" for n in self.nodes
                )
            case "wider domain" | "parts of the domain":
                return tuple(f"{n.name} in {n.domain}" for n in self.nodes if isinstance(n, Leaf))
        return tuple("" for _ in self.parts)

    def lines(self, name: Callable[[str], str] = str, heading: str = "") -> Iterator[str]:
        """The argument in lines, parts indented; ``name`` says what a way or a lemma is called."""
        start = f"{heading}: " if heading else ""
        about = f" in {self.variable.name} from {self.place}" if self.way == "monotone" and self.variable else ""
        about = f" {self.function}" if self.function else about
        yield f"{start}{text(self.goal)} {self.op} 0    [{name(self.way)}{about}]"
        for instance in self.instances:
            where = ", ".join(
                f"{n} = {text(a)}" for n, a in zip(lemma(instance.lemma).arguments, instance.arguments, strict=True)
            )
            yield f"    {name(instance.lemma)}: {where}"
        for part, part_heading in zip(self.parts, self.headings, strict=True):
            yield from (f"    {line}" for line in part.lines(name, part_heading))

    def as_dict(self) -> dict[str, Any]:
        """The argument as JSON values; formulas are text that `symderive.read` reads."""
        return {
            "way": self.way,
            "goal": text(self.goal),
            "op": self.op,
            "given": [str(g) for g in self.given],
            "variable": self.variable.name if self.variable is not None else "",
            "place": self.place if self.way == "monotone" else text(self.point) if self.point is not None else "",
            "side": self.side,
            "function": self.function,
            "nodes": [text(n) for n in self.nodes],
            "lemmas": [i.as_dict() for i in self.instances],
            "parts": [p.as_dict() for p in self.parts],
        }


@final
@dataclass(frozen=True)
class Line:
    """``before op after`` by ``rule``; ``conditions`` are what it holds under, ``facts`` what it rests on.

    ``anchor`` is the scalar along which derivatives were compared, and the value at which both sides were.
    With an ``argument``, the line says ``before - after >= 0`` by calculus.
    """

    before: Node
    after: Node
    rule: str
    conditions: tuple[Relation, ...] = ()
    facts: tuple[str, ...] = ()
    op: str = "=="
    instances: tuple[Instance, ...] = ()
    anchor: tuple[Leaf, Number] | None = None
    argument: Argument | None = None

    def __str__(self) -> str:
        lines = [f"{text(self.before)} {self.op} {text(self.after)}    [{self.rule}]"]
        lines += [f"    by {i}" for i in self.instances]
        if self.anchor is not None:
            leaf, value = self.anchor
            name = leaf.name
            lines.append(f"    both sides have one derivative by {name}, and are equal at {name} = {text(value)}")
        lines += [f"    {line}" for line in self.argument.lines()] if self.argument is not None else []
        lines += [f"    provided that {c}" for c in self.conditions]
        if self.facts:
            lines.append(f"    {'; '.join(self.facts)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON values; formulas are text that `symderive.read` reads."""
        return {
            "before": text(self.before),
            "op": self.op,
            "after": text(self.after),
            "rule": self.rule,
            "conditions": [str(c) for c in self.conditions],
            "facts": list(self.facts),
            "lemmas": [i.as_dict() for i in self.instances],
            **({} if self.anchor is None else {"along": self.anchor[0].name, "at": text(self.anchor[1])}),
            **({} if self.argument is None else {"argument": self.argument.as_dict()}),
        }


Trace = tuple[Line, ...]


def speaks_of_change(*nodes: Node) -> bool:
    """Whether a differential occurs."""
    return any(isinstance(n, Differential) for node in nodes for n in node.walk())


def judged(
    relation: Relation,
    given: Sequence[Relation],
    changing: Iterable[Leaf],
    proof: str,
    seed: int = 0,
    points: int | None = None,
    before: Verdict | None = None,
) -> tuple[bool, Verdict]:
    """What the judge says of a relation that a proof supports; ``before``: what it said when it was asked already.

    True with the verdict if it is checked, at two settings of the dimensions
    where there are dimensions.  Raises `JudgementConflictError` where the judge
    refutes it: then the proof, or the judge, has a bug.
    """
    verdict = before
    if verdict is None:
        verdict = judge_relation(relation, given=tuple(given), changing=tuple(changing), seed=seed, points=points)
    if verdict.status is Status.refuted:
        raise JudgementConflictError(
            f"the proof says yes ({proof}) and the judge says no; this is a bug in symderive, please report it\n"
            f"{verdict}"
        )
    if not verdict.upheld:
        return False, verdict
    symbols = {s for side in (relation.lhs, relation.rhs) for n in side.walk() for d in n.shape for s in d.free_symbols}
    settings = (
        {tuple(sorted((str(k), int(v)) for k, v in s.items())) for s in verdict.evidence.sizes}
        if (verdict.evidence is not None)
        else set()
    )
    if symbols and len(settings) < 2:
        return False, verdict
    return True, verdict


def prove_equal(
    lhs: Node, rhs: Node, given: tuple[Relation, ...] = (), changing: Iterable[Leaf] = (), claim: str = ""
) -> Verdict:
    """Prove that two nodes are equal at every point of the domains, for every dimension.

    ``proved``: the normal forms agree, both sides are defined at the same
    points (everywhere, unless the statement is about differentials, which says
    nothing at kinks), and the judge found both sides equal in ball arithmetic
    at two settings of the dimensions; the trace replays.  Otherwise the
    verdict of the judge.  ``changing`` names the leaves that differentials
    move along.  Raises `JudgementConflictError` if proof and judge disagree.

    >>> import numpy as np, symderive as sd
    >>> n = sd.dims("n")
    >>> z = sd.array("z", n)
    >>> prove_equal(np.log1p(np.exp(-z)).node, (np.logaddexp(0, z) - z).node).status.value
    'proved'
    """
    leaves = tuple(changing)
    relation = Relation(lhs, "==", rhs)
    answer = decide_equal(lhs, rhs, tuple(given), frozenset(leaves))
    if not answer.equal:
        verdict = judge_relation(relation, given=tuple(given), changing=leaves, claim=claim)
        if verdict.status is Status.checked and not leaves:
            proved = _by_slopes(lhs, rhs, given, verdict)
            if proved is not None:
                return proved
        if verdict.status is not Status.refuted and answer.reason:
            verdict = replace(verdict, reason=f"{verdict.reason}; no proof: {answer.reason}".lstrip("; "))
        return verdict
    agreed, verdict = judged(relation, given, leaves, answer.reason)
    if claim:
        verdict = replace(verdict, claim=claim)
    if not agreed:
        return verdict
    if answer.conditions and not speaks_of_change(lhs, rhs):
        named = ", ".join(str(c) for c in answer.conditions)
        return replace(verdict, reason=f"{verdict.reason}; no proof that both sides are defined: {named}")
    line = Line(lhs, rhs, NORMAL_FORM, answer.conditions, answer.facts)
    return replace(
        verdict,
        status=Status.proved,
        reason="both sides have the same normal form, for every dimension",
        trace=(line,),
        conditions=tuple(dict.fromkeys((*given, *answer.conditions))),
    )


def _by_slopes(lhs: Node, rhs: Node, given: tuple[Relation, ...], verdict: Verdict) -> Verdict | None:
    """The verdict of the judge made a proof by equal derivatives and one common value, where that is one."""
    found = anchor(lhs, rhs, given)
    if found is None:
        return None
    return replace(
        verdict,
        status=Status.proved,
        reason=f"both sides have the same derivative by {found[0].name}, and are equal at one point",
        trace=(Line(lhs, rhs, SLOPES, anchor=found),),
        conditions=tuple(given),
    )


__all__ = [
    "LEMMAS",
    "NORMAL_FORM",
    "SLOPES",
    "WAYS",
    "Argument",
    "Instance",
    "Lemma",
    "Line",
    "Trace",
    "Way",
    "judged",
    "lemma",
    "prove_equal",
    "speaks_of_change",
    "text",
]
