"""Certificates: a verdict as a file that anybody can judge again, and what judges it.

A certificate has the claim and what is given, over nodes; for ``proved`` the lines of the proof;
for everything upheld the points at which both sides were enclosed, with the enclosures; for
``refuted`` the point at which they are apart.  `replay` reads such a file and trusts nothing in it:
the lines are replayed by the small checker, the points are looked at again in ball arithmetic, and
the judge draws and searches again.  This module imports the judge and the checker, and none of the
machinery that finds proofs.

A digest over the content tells a file that was damaged from one that is whole.  It is no
signature: whoever changes a file can change its digest too, and then has to get past the judge.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from importlib.metadata import version
from typing import Any

import numpy as np
from flint import arb
from sympy import Expr, Symbol

from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.derivation.checker import replay as replay_trace
from symderive.derivation.proofs import Argument, Line
from symderive.derivation.proofs import Instance as LemmaInstance
from symderive.errors import ReadError, SymderiveError, UnsupportedError
from symderive.judgement.balls import Evaluator, Hole, as_ball, depth, precision
from symderive.judgement.examine import BITS, CAP, Outcome, Point, Statement, examine
from symderive.judgement.instances import Instance, constraints, shape_at
from symderive.judgement.judge import judge_relation
from symderive.judgement.points import Source
from symderive.judgement.verdicts import Counterexample, Status, Verdict
from symderive.language import build
from symderive.language.arrays import Array, array
from symderive.language.domain_text import read_domain
from symderive.language.node_json import NodeReader, NodeWriter, Value, guarded
from symderive.language.nodes import Leaf, Node
from symderive.language.reading import read_relation
from symderive.language.statements import Claimed, Relation
from symderive.version import __version__

__all__ = ["Replay", "certificate", "read_certificates", "replay", "replayed"]

#: Version of the form of certificates, and most characters of a file of them.
VERSION, LONGEST = 1, 50_000_000
#: Most entries of an array whose enclosures are written, and digits of these.
MOST_ENTRIES, DIGITS = 64, 40
#: Deepest nesting of the parts of a proof that is read.
DEEPEST = 60

_PARTS: dict[str, type] = {"Line": Line, "Lemma": LemmaInstance, "Argument": Argument}
"""What the lines of proofs are made of, by the name in a file."""

_KEYS = frozenset(
    ("symderive", "kind", "versions", "claim", "status", "reason", "seed", "bits", "nodes", "relation", "given",
     "domains", "points", "evidence", "trace", "digest")
)  # fmt: skip


# -- writing --------------------------------------------------------------------------------------


def certificate(verdict: Verdict) -> dict[str, Any]:
    """What `symderive check --replay` judges again, as JSON values.

    Parameters
    ----------
    verdict : what `symderive.check` returned, in this process

    Returns
    -------
    dict
        ``json.dump`` writes it to a file.  Its ``status`` is what the file alone supports: that of
        the verdict, or a weaker one where a part has no form in a file; then ``reason`` says so.

    Raises
    ------
    UnsupportedError
        The verdict is not on a relation (or was read from JSON), so there is nothing to judge again.

    >>> import symderive as sd
    >>> written = sd.certificate(sd.check("expit(-x) == 1 - expit(x)"))
    >>> written["status"], len(written["points"]) > 20
    ('proved', True)
    >>> replay(written).ok
    True
    """
    statement = verdict.statement
    if statement is None or any(depth(n) for n in (statement.relation.lhs, statement.relation.rhs)):
        raise UnsupportedError(
            f"there is no certificate for {verdict.claim[:80]!r}: one is made of what symderive.check returned on a "
            "relation, in the same process"
        )
    trace, status = tuple(verdict.trace), verdict.status
    written = _written(verdict, statement, trace, status)
    outcome = replay(written)
    if outcome.ok:
        return written
    # What the file cannot carry is left out, and the file says less.
    again = _again(statement, _seed(verdict), status)
    weaker = again.status if status.upheld and again.status is not Status.refuted else Status.undecided
    why = f"{again.reason}; the verdict was {status.value}, which this file cannot show: {outcome.problems[0]}"
    return _written(verdict, statement, (), weaker, why)


def _seed(verdict: Verdict) -> int:
    return (verdict.evidence.seed if verdict.evidence is not None else None) or 0


def _written(
    verdict: Verdict, statement: Claimed, trace: Sequence[Any], status: Status, reason: str = ""
) -> dict[str, Any]:
    writer = NodeWriter()
    judge = _Judge(statement)
    points = _points(verdict, judge, status)
    again = _again(statement, _seed(verdict), status) if status.upheld else None
    content: dict[str, Any] = {
        "symderive": VERSION,
        "kind": "certificate",
        "versions": _versions(),
        "claim": _claim_text(verdict.claim, statement),
        "status": status.value,
        "reason": reason or verdict.reason,
        "seed": _seed(verdict),
        "bits": BITS,
        "relation": writer.relation(statement.relation),
        "given": [writer.relation(r) for r in statement.given],
        "domains": {leaf.name: _domain(writer, leaf) for leaf in judge.leaves},
        "points": [judge.written(point, writer) for point in points],
        "evidence": None if again is None or again.evidence is None else again.evidence.as_dict(),
        "trace": [_encoded(line, writer) for line in trace],
    }
    content["nodes"] = writer.nodes
    return {**content, "digest": _digest(content)}


def _versions() -> dict[str, str]:
    return {"symderive": __version__, **{name: version(name) for name in ("sympy", "python-flint")}}


def _again(statement: Claimed, seed: int, status: Status) -> Verdict:
    """What the judge says of the statement, by itself; covers are made again for what is certified."""
    return judge_relation(
        statement.relation, statement.given, seed=seed, covering=status is Status.certified
    )


def _domain(writer: NodeWriter, leaf: Leaf) -> dict[str, Any]:
    """What a leaf's domain contains; how it was written says nothing."""
    return {key: value for key, value in writer.domain(leaf.domain).items() if key != "text"}


def _points(verdict: Verdict, judge: _Judge, status: Status) -> list[Point]:
    """The points to write: the one that refutes, or those that agree."""
    if status is Status.refuted:
        example = verdict.counterexample
        if example is None:
            return []
        return [Point(judge.instance_of(example), {})]
    if not status.upheld or verdict.evidence is None:
        return []
    points = [Point(instance, {}) for instance in verdict.evidence.instances]
    return [point for point in points if judge.look(point).kind == "agrees"]


def _claim_text(text: str, statement: Claimed) -> str:
    """The claim as it was written, where that says what was judged; else as it is printed."""
    return text if _says(text, statement) else str(statement.relation)


def _says(text: str, statement: Claimed) -> bool:
    """Whether a text is the statement's relation, as printed or as read."""
    if text == str(statement.relation):
        return True
    leaves = {leaf.name: Array(leaf) for node in _sides(statement) for leaf in node.leaves()}
    with suppress(SymderiveError, RecursionError):
        return read_relation(text, leaves) == statement.relation
    return False


def _says_domain(text: str, leaf: Leaf) -> bool:
    """Whether a text is the domain of a leaf; texts with dimensions or irrational ends are not read."""
    entries = leaf.domain.entries
    try:
        return array(leaf.name, *leaf.shape, domain=read_domain(text)).domain == leaf.domain
    except SymderiveError:
        ends = (entries.low, entries.high, *(entries.values or ()))
        return any(not end.is_Rational and not end.is_infinite for end in ends)


def _sides(statement: Claimed) -> list[Node]:
    return [n for r in (statement.relation, *statement.given) for n in (r.lhs, r.rhs)]


def _encoded(value: Any, writer: NodeWriter) -> Any:
    """A part of a proof as JSON values."""
    match value:
        case None | bool() | int() | str():
            return value
        case Node():
            return {"node": writer.node(value)}
        case Relation():
            return {"relation": writer.relation(value)}
        case Fraction():
            return {"fraction": str(value)}
        case tuple() | list():
            return [_encoded(item, writer) for item in value]
        case Expr():
            return {"number": writer.number(value)}
    for name, kind in _PARTS.items():
        if type(value) is kind:
            return {"part": name, **{f.name: _encoded(getattr(value, f.name), writer) for f in fields(kind)}}
    raise UnsupportedError(f"a proof with a {type(value).__name__} in it has no form in a certificate")


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content, whatever the order and layout of its keys."""
    kept = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# -- points ---------------------------------------------------------------------------------------


class _Judge:
    """Looks at a statement at exact points, in ball arithmetic."""

    def __init__(self, statement: Claimed) -> None:
        relation = statement.relation
        roots = tuple(_sides(statement))
        self.statement = Statement(
            (relation.lhs, relation.rhs), relation.op, "", 1,
            lambda evaluator, _: (evaluator.value(relation.lhs), evaluator.value(relation.rhs)),
        )  # fmt: skip
        self.leaves = tuple(dict.fromkeys(leaf for root in roots for leaf in root.leaves()))
        self.source = Source(self.leaves, statement.given, (), 0, constraints(roots))
        found = {s for root in roots for n in root.walk() for d in n.shape for s in d.free_symbols}
        found |= {s for dim, index in constraints(roots) for e in (dim, index) if e is not None for s in e.free_symbols}
        self.dims = {str(symbol): symbol for symbol in found if isinstance(symbol, Symbol)}

    def look(self, point: Point) -> Outcome:
        """What the point says."""
        return examine(self.statement, point, BITS)

    def enclosures(self, point: Point) -> list[list[str]]:
        """Both sides at a point, entry by entry: enclosures, or why there are none."""
        with precision(CAP):
            sides = self.statement.sides(Evaluator(point.instance), point)
            return [[_enclosure(value) for value in side.reshape(-1)[:MOST_ENTRIES]] for side in sides]

    def written(self, point: Point, writer: NodeWriter) -> dict[str, Any]:
        """The point with what the sides are there."""
        lhs, rhs = self.enclosures(point)
        outcome = self.look(point)
        instance = point.instance
        return {
            "sizes": instance.named_sizes(),
            "values": {name: _exact(value, writer) for name, value in instance.named_values().items()},
            "outcome": outcome.kind,
            "bits": outcome.bits,
            "lhs": lhs,
            "rhs": rhs,
        }

    def instance_of(self, example: Counterexample) -> Instance:
        """The point of a counterexample."""
        return self.instance(example.sizes, example.values)

    def instance(self, sizes: Mapping[str, int], values: Mapping[str, Any]) -> Instance:
        """Sizes and nested values by name as a point; raises where a name or a shape does not fit."""
        if set(sizes) != set(self.dims):
            raise ReadError(f"has sizes of {', '.join(sizes) or 'nothing'}, not of {', '.join(self.dims) or 'nothing'}")
        numbers = {self.dims[name]: size for name, size in sizes.items()}
        if set(values) != {leaf.name for leaf in self.leaves}:
            names = ", ".join(leaf.name for leaf in self.leaves)
            raise ReadError(f"has values of {', '.join(values) or 'nothing'}, not of {names or 'nothing'}")
        return Instance(numbers, {leaf: _nested(values[leaf.name], shape_at(leaf, numbers)) for leaf in self.leaves})


def _enclosure(value: Any) -> str:
    return f"undefined: {value.reason}" if isinstance(value, Hole) else as_ball(value).str(DIGITS)


def _exact(value: Any, writer: NodeWriter) -> Any:
    if isinstance(value, tuple):
        return [_exact(item, writer) for item in value]
    return {"number": writer.number(value)} if isinstance(value, Expr) else str(value)


def _nested(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(shape, object)
    for index in np.ndindex(shape):
        entry = value
        for k in index:
            if not isinstance(entry, list | tuple) or k >= len(entry):
                raise ReadError(f"a value has not the shape {shape}")
            entry = entry[k]
        if isinstance(entry, list | tuple):
            raise ReadError(f"a value has not the shape {shape}")
        out[index] = entry
    return out


# -- reading and replaying ------------------------------------------------------------------------


@dataclass(frozen=True)
class Replay:
    """What a second judgement says of a certificate.

    ``ok`` is True where everything in it holds and supports its ``status``; otherwise ``problems``
    says what does not.  ``claim`` is the statement as it was read from the nodes.
    """

    ok: bool
    status: str
    claim: str
    points: int
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.ok:
            return f"holds: {self.status}: {self.claim} ({self.points} points judged again)"
        return "\n  ".join((f"does not hold: {self.status or 'a certificate'}: {self.claim}", *self.problems))


def read_certificates(text: str) -> list[dict[str, Any]]:
    """The certificates of a file: one, or several under ``certificates``.

    Raises `ReadError` where the text is no such file.
    """
    if len(text) > LONGEST:
        raise ReadError(f"a file of certificates has at most {LONGEST} characters, this has {len(text)}")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {str(error) or 'nested too deeply'}") from error
    kind = data.get("kind") if isinstance(data, dict) else None
    found = data.get("certificates") if kind == "certificates" else [data] if kind == "certificate" else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found) or not found:
        raise ReadError("this is no file of certificates; `symderive check ... --certificate FILE` writes one")
    return found


def replayed(content: Mapping[str, Any]) -> dict[str, Any]:
    """`replay` for workers: the certificate is under ``certificate``."""
    outcome = replay(content["certificate"])
    return {f.name: getattr(outcome, f.name) for f in fields(outcome)}


def replay(data: Mapping[str, Any]) -> Replay:
    """Judge a certificate again: its lines by the checker, its points and its claim by the judge.

    Nothing in the certificate is believed, and nothing raises: what is wrong is said in
    ``problems``.

    >>> import symderive as sd
    >>> written = sd.certificate(sd.check("x*x >= x"))
    >>> replay(written).status
    'refuted'
    >>> print(*replay({**written, "status": "proved"}).problems, sep="; ")
    the digest does not fit: the file was changed after it was written; ...
    """
    status = data.get("status")
    status = status if isinstance(status, str) and status in set(Status) else ""
    reading = _Reading(data)
    problems: list[str] = []
    for step, needs_claim in (
        (reading.form, False),
        (reading.digest, False),
        (reading.statement, False),
        (reading.points, True),
        (reading.support, True),
    ):
        if needs_claim and reading.claimed is None:
            break
        try:
            problems += step()
        except (SymderiveError, NotHandled, TooLarge) as error:
            problems.append(str(error).splitlines()[0])
        except RecursionError:
            problems.append("it is nested too deeply")
        except (TypeError, AttributeError, KeyError, ValueError, ArithmeticError, IndexError) as error:
            problems.append(f"it is damaged: {type(error).__name__}: {error}".splitlines()[0])
    claim = "" if reading.claimed is None else str(reading.claimed.relation)
    return Replay(not problems, status, claim, len(reading.judged), tuple(dict.fromkeys(problems)))


class _Reading:
    """A certificate in the course of being read and judged; each step says what is wrong."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.top = Value(data, "$")
        self.nodes = NodeReader()
        self.claimed: Claimed | None = None
        self.judged: list[Outcome] = []

    def form(self) -> Iterable[str]:
        """The keys, and the version."""
        for key in sorted(_KEYS - set(self.data)):
            yield f"it has no {key!r}"
        for key in sorted(map(str, set(self.data) - _KEYS)):
            yield f"it has an unknown part {key[:60]!r}"
        if self.data.get("symderive") != VERSION or self.data.get("kind") != "certificate":
            yield f"it is no certificate of version {VERSION}"
        status = self.data.get("status")
        if status not in tuple(Status):
            yield "its status is none of the five"
        bits, seed, trace = (self.data.get(key) for key in ("bits", "seed", "trace"))
        if type(bits) is not int or bits != BITS:
            yield f"bits must be {BITS}, at which the points are judged"
        if type(seed) is not int or not 0 <= seed < 2**63:
            yield "seed must be an integer, 0 or more"
        if not isinstance(trace, list) or (trace and status != Status.proved and status != Status.certified):
            yield "trace must be a list of the lines of the proof, and empty where nothing is proved"
        if self.data.get("evidence") is not None and status in (Status.refuted, Status.undecided):
            yield f"{status} has no evidence beside its point"

    def digest(self) -> Iterable[str]:
        """Whether the file is as it was written."""
        if self.data.get("digest") != _digest(self.data):
            yield "the digest does not fit: the file was changed after it was written"

    def statement(self) -> Iterable[str]:
        """The nodes, the claim over them, and its texts."""
        for item in self.top["nodes"].items():
            self.nodes.add(item)
        relation = self.nodes.relation(self.top["relation"])
        given = tuple(self.nodes.relation(item) for item in self.top["given"].items())
        self.claimed = Claimed(relation, given)
        self.judge = _Judge(self.claimed)
        if any(depth(node) for node in _sides(self.claimed)):
            yield "the claim speaks of differentials"
        text = self.top["claim"].text()
        if not _says(text, self.claimed):
            yield f"the claim is written {text[:80]!r}, but what was judged is {self.claimed.relation}"
        names = [leaf.name for leaf in self.judge.leaves]
        if len(set(names)) < len(names):
            yield "two arrays have one name"
        domains = {leaf.name: _domain(NodeWriter(), leaf) for leaf in self.judge.leaves}
        if self.top["domains"].mapping() != domains:
            yield "the domains are not those of the arrays in the claim"
        for node, item in zip(self.nodes.nodes, self.top["nodes"].items(), strict=True):
            if isinstance(node, Leaf) and node in self.judge.leaves:
                text = item["domain"]["text"].text()  # a leaf that is known already keeps its own text
                if not _says_domain(text, node):
                    yield f"the domain of {node.name} is written {text[:60]!r}, and is another"

    def points(self) -> Iterable[str]:
        """Every point: in the domain, with the outcome and within the enclosures that are written."""
        for number, item in enumerate(self.top["points"].items(), 1):
            problem = self.point(item)
            if problem:
                yield f"point {number}: {problem}"

    def point(self, item: Value) -> str:
        """What is wrong with a point; empty if nothing is."""
        sizes = {name: item["sizes"][name].integer() for name in item["sizes"].mapping()}
        if any(not 1 <= size <= 1000 for size in sizes.values()):
            return "a size is out of range"
        values = {name: self.exact(item["values"][name]) for name in item["values"].mapping()}
        point = Point(guarded(item, lambda: self.judge.instance(sizes, values)), {})
        if not guarded(item, lambda: self.judge.source.admits(point.instance)):
            return "it is not in the domain, or what is given does not hold there"
        outcome = self.judge.look(point)
        self.judged.append(outcome)
        if outcome.kind != item["outcome"].text():
            return f"the file says {item['outcome'].text()[:30]!r} there, and the judge {outcome.kind!r}"
        if outcome.bits != item["bits"].value:
            return "the number of bits to which the sides agree is another"
        for key, found in zip(("lhs", "rhs"), self.judge.enclosures(point), strict=True):
            written = [value.text() for value in item[key].items()]
            if len(written) != len(found) or not all(map(_same_enclosure, written, found)):
                return f"the enclosures of the {'left' if key == 'lhs' else 'right'} side are others"
        return ""

    def exact(self, item: Value, deep: int = 0) -> Any:
        """An exact number, or nested lists of them."""
        if deep > 8:
            raise item.fail("is nested too deeply")
        if isinstance(item.value, list):
            return [self.exact(value, deep + 1) for value in item.items()]
        if isinstance(item.value, dict):
            return self.nodes.number(item["number"])
        text = item.text()
        if len(text) > 20_000:
            raise item.fail("has too many digits")
        return guarded(item, lambda: Fraction(text))

    def support(self) -> Iterable[str]:
        """Whether what is there supports the status."""
        assert self.claimed is not None
        status = Status(self.top["status"].text())
        kinds = {outcome.kind for outcome in self.judged}
        if status is Status.refuted:
            if len(self.judged) != 1 or not self.judged[0].refutes:
                yield "refuted, but its point does not refute the claim"
            return
        if not status.upheld:
            return
        if kinds != {"agrees"}:
            yield f"{status.value}, but it has no points at which the sides agree"
        again = _again(self.claimed, self.top["seed"].integer(), status)
        if again.status is Status.refuted:
            yield f"{status.value}, but the judge refutes the claim: {str(again.counterexample).splitlines()[0]}"
        elif status is Status.proved or (status is Status.certified and again.status < status):
            yield from self.proof()
        elif again.status < status:
            yield f"{status.value}, but the judge says {again.status.value}: {again.reason.splitlines()[0]}"
        evidence = None if again.evidence is None else again.evidence.as_dict()
        if self.data["versions"] == _versions() and self.data["evidence"] != evidence:
            yield "the evidence is not what the judge finds with this seed"

    def proof(self) -> Iterable[str]:
        """Whether the lines hold, and prove the claim."""
        assert self.claimed is not None
        relation, given = self.claimed.relation, self.claimed.given
        lines = [guarded(item, lambda item=item: self.part(item)) for item in self.top["trace"].items()]
        if not lines or not all(isinstance(line, Line) for line in lines):
            yield "it has no proof that supports its status"
            return
        outcome = guarded(self.top["trace"], lambda: replay_trace(lines, given))
        if not outcome.ok:
            where = "" if outcome.line is None else f" (line {outcome.line + 1})"
            yield f"the proof does not hold{where}: {outcome.reason}"
            return
        missing = [c for line in lines for c in line.conditions if c not in given]
        if missing:
            yield f"the proof needs {missing[0]}, which is not given"
        ops = {line.op for line in lines}
        first, last = (relation.rhs, relation.lhs) if relation.op in ("<=", "<") else (relation.lhs, relation.rhs)
        wanted = {"==": {"=="}, ">=": {"==", ">=", ">"}, "<=": {"==", ">=", ">"}}.get(relation.op, {"==", ">=", ">"})
        strict = relation.op in ("<", ">")
        if relation.op == "!=" or not ops <= wanted or (strict and ">" not in ops):
            yield f"the lines of the proof do not add up to {relation.op}"
        elif not (_same(lines[0].before, first, relation) and _same(lines[-1].after, last, relation)):
            yield "the proof is not one of the claim: it begins or ends with something else"

    def part(self, item: Value, deep: int = 0) -> Any:
        """What `_encoded` wrote."""
        if deep > DEEPEST:
            raise item.fail("is nested too deeply")
        value = item.value
        if isinstance(value, list):
            return tuple(self.part(entry, deep + 1) for entry in item.items())
        if not isinstance(value, dict):
            return value
        kind = value.get("part")
        if kind is not None:
            made = _PARTS.get(kind) if isinstance(kind, str) else None
            if made is None or not is_dataclass(made):
                raise item.fail(f"no part of a proof is called {str(kind)[:40]!r}")
            names = {f.name for f in fields(made)}
            if set(value) != {"part", *names}:
                raise item.fail(f"must have {', '.join(sorted(names))}")
            return made(**{name: self.part(item[name], deep + 1) for name in names})
        readers: dict[str, Callable[[Value], Any]] = {
            "node": self.nodes.ref,
            "relation": self.nodes.relation,
            "number": self.nodes.number,
            "fraction": lambda text: Fraction(text.text()),
        }
        (name,) = value if len(value) == 1 else ("",)
        if name not in readers:
            raise item.fail("is no part of a proof")
        return readers[name](item[name])


def _same(end: Node, side: Node, relation: Relation) -> bool:
    """Whether an end of a proof is a side of the claim, or that side spread over the shape of the other."""
    shape = relation.lhs.shape or relation.rhs.shape
    return end is side or (not side.shape and end is build.broadcast(side, shape))


def _same_enclosure(written: str, found: str) -> bool:
    """Whether a written enclosure is that of the same value: both reasons, or balls that overlap and are as narrow."""
    if written == found:
        return True
    if "undefined" in written or "undefined" in found or len(written) > 10_000:
        return False
    try:
        a, b = arb(written), arb(found)
    except ValueError:
        return False
    return bool(a.is_finite() and b.is_finite() and a.overlaps(b) and a.rad() <= 4 * b.rad())
