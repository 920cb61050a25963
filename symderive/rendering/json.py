"""JSON of our own: arrays, derivations and verdicts, versioned, checked when read.

Nodes are a list in which each refers to earlier ones by position, so that shared
parts are written once and come back shared: the nodes that are read are the very
objects that were written.  Numbers in the dimensions have a small encoding of
their own; nothing is ever evaluated.  A damaged file gives one `ReadError` that
says where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from symderive.derivation.chains import Chain, DerivativeOf, Link
from symderive.derivation.derivation import Derivation, Step
from symderive.derivation.multivariable import DirectionalDerivative, TangentPlane, Taylor
from symderive.derivation.rules import Rule
from symderive.derivation.written import Title
from symderive.errors import ReadError
from symderive.judgement.verdicts import Verdict
from symderive.language.arrays import Array, check_name
from symderive.language.node_json import NodeReader, NodeWriter, Value, guarded
from symderive.language.nodes import Leaf

__all__ = ["VERSION", "from_json", "to_json"]

#: Version of the schema that is written, and those that are read: 2 added slices, merged axes and
#: functions of matrices to what 1 has, 3 derivatives, integrals and sums over integers.
VERSION, READABLE = 3, (1, 2, 3)
#: Most characters of a document that are read.
LONGEST = 50_000_000


# -- writing ------------------------------------------------------------------------------------


def to_json(value: Any, indent: int | None = 1, lang: str = "en") -> str:
    """An Array, Derivation (or chain, or what is read off one) or Verdict as JSON.

    ``lang`` is the language of what each step says about its rules, under ``rules``; keys,
    statuses and the names by which rules are cited are the same in every language.

    >>> import symderive as sd
    >>> x = sd.array("x", sd.dims("n"))
    >>> from_json(to_json(x * 2)).same_form(x * 2)
    True
    """
    writer = _Encoder(lang=lang)
    match value:
        case Array():
            kind, content = "array", writer.array(value)
        case Verdict():
            kind, content = "verdict", value.as_dict()
        case Derivation():
            kind, content = "derivation", writer.derivation(value)
        case Chain():
            kind, content = "chain", writer.chain(value)
        case DirectionalDerivative() | TangentPlane() | Taylor():
            kind, content = "read_off", writer.read_off(value)
        case _:
            raise ReadError(f"JSON is written of arrays, derivations and verdicts, not of {type(value).__name__}")
    document = {"symderive": VERSION, "kind": kind, "nodes": writer.nodes, kind: content}
    return json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)


@dataclass
class _Encoder(NodeWriter):
    lang: str = "en"

    def rule(self, row: Rule) -> dict[str, Any]:
        return {
            "key": row.key,
            "name": row.name(self.lang),
            "form": row.form.text,
            "latex": row.form.latex,
            "conditions": row.conditions(self.lang),
            "reason": row.reason(self.lang),
        }

    def step(self, step: Step) -> dict[str, Any]:
        return {
            "before": self.array(step.before),
            "after": self.array(step.after),
            "rule": step.rule,
            "uses": list(step.uses),
            "rules": [self.rule(row) for row in step.rules],
            "lhs": step.lhs,
            "lhs_latex": step.lhs_latex,
            "relation": step.relation,
            "conditions": [self.relation(c) for c in step.conditions],
            "given": [self.relation(c) for c in step.given],
            "changing": [self.node(leaf) for leaf in step.changing],
            "substeps": [self.step(s) for s in step.substeps],
            "status": str(step.verdict.status),
        }

    def result(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {"by": {str(k): self.result(v) for k, v in value.items()}}
        return self.array(value)

    def derivation(self, derivation: Derivation) -> dict[str, Any]:
        return {
            "kind": derivation.kind,
            "subject": self.array(derivation.subject),
            "wrt": [self.array(a) for a in derivation.wrt],
            "steps": [self.step(s) for s in derivation.steps],
            "result": self.result(derivation.result),
            "convention": derivation.convention,
            "title": _title(derivation.title),
            "verdict": derivation.verdict.as_dict(),
        }

    def read_off(self, value: DirectionalDerivative | TangentPlane | Taylor) -> dict[str, Any]:
        content: dict[str, Any] = {"kind": value.kind}
        for item in fields(value):
            if item.name == "kind":
                continue
            part = getattr(value, item.name)
            match _FORMS[item.name]:
                case "array":
                    written: Any = self.array(part)
                case "arrays":
                    written = [self.array(a) for a in part]
                case "by name":
                    written = {name: self.array(a) for name, a in part.items()}
                case "derivation":
                    written = None if part is None else self.derivation(part)
                case "relations":
                    written = [self.relation(r) for r in part]
                case _:
                    written = part
            content[item.name] = written
        return {**content, "verdict": value.verdict.as_dict()}

    def start(self, start: Array | DerivativeOf) -> dict[str, Any]:
        if isinstance(start, DerivativeOf):
            return {"derivative": self.array(start.function), "by": self.array(start.variable)}
        return self.array(start)

    def link(self, link: Link) -> dict[str, Any]:
        rules = [self.rule(row) for row in link.rules]
        return {"line": self.array(link.after), "by": list(link.by), "rules": rules}

    def chain(self, chain: Chain) -> dict[str, Any]:
        return {
            "start": self.start(chain.start),
            "lines": [self.link(link) for link in chain.links],
            "given": [self.relation(r) for r in chain.given],
            "title": _title(chain.title),
            "verdict": chain.verdict.as_dict(),
        }


_READ_OFF: dict[str, type[DirectionalDerivative | TangentPlane | Taylor]] = {
    "directional derivative": DirectionalDerivative,
    "tangent plane": TangentPlane,
    "taylor": Taylor,
}
"""What is read off derivations, by its kind."""

_FORMS = {
    **dict.fromkeys(("subject", "result", "value", "remainder", "theta"), "array"),
    **dict.fromkeys(("wrt", "terms"), "arrays"),
    **dict.fromkeys(("direction", "at", "slopes"), "by name"),
    **dict.fromkeys(("differential", "gradient", "hessian"), "derivation"),
    **dict.fromkeys(("order", "exact"), "plain"),
    "needs": "relations",
}
"""How each of their fields is written."""


def _title(title: Title) -> str | dict[str, str]:
    return dict(title) if isinstance(title, Mapping) else title




# -- reading --------------------------------------------------------------------------------------


def from_json(text: str) -> Any:
    """What :func:`to_json` wrote; arrays and derivations come back over the same nodes.

    Raises
    ------
    ReadError
        The text is not such a document; the message says where it is damaged.
    """
    if len(text) > LONGEST:
        raise ReadError(f"a document has at most {LONGEST} characters, this has {len(text)}")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from error
    top = Value(data, "$")
    version = top["symderive"].integer()
    if version not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise ReadError(f"$.symderive: this is version {version} of the schema, and {known} are what is read")
    decoder = _Decoder()
    for item in top["nodes"].items():
        decoder.add(item)
    kind = top["kind"].text()
    match kind:
        case "array":
            return decoder.array(top["array"])
        case "verdict":
            return guarded(top["verdict"], lambda: Verdict.from_dict(top["verdict"].mapping()))
        case "derivation":
            return decoder.derivation(top["derivation"])
        case "chain":
            return decoder.chain(top["chain"])
        case "read_off":
            return guarded(top["read_off"], lambda: decoder.read_off(top["read_off"]))
    raise ReadError(f"$.kind: {kind[:40]!r} is none of array, derivation, chain, read_off, verdict")


def _titled(item: Value) -> Title:
    """A title, or one for each language."""
    found = item.get("title")
    if found is None:
        return ""
    if isinstance(found.value, str):
        return found.text()
    return {lang: found[lang].text() for lang in found.mapping()}


class _Decoder(NodeReader):
    def step(self, item: Value) -> Step:
        changing = tuple(self.ref(leaf) for leaf in item["changing"].items())
        if not all(isinstance(leaf, Leaf) for leaf in changing):
            raise item["changing"].fail("must be arrays")
        return Step(
            self.array(item["before"]),
            self.array(item["after"]),
            item["rule"].text(),
            tuple(self.relation(c) for c in item["conditions"].items()),
            tuple(self.step(s) for s in item["substeps"].items()),
            item.optional("lhs"),
            item.optional("lhs_latex"),
            item["relation"].text(),
            changing,  # type: ignore[arg-type]
            tuple(self.relation(c) for c in item["given"].items()),
            tuple(use.text() for use in item["uses"].items()) if item.get("uses") else (),
        )

    def result(self, item: Value) -> Any:
        by = item.get("by")
        if by is None:
            return self.array(item)
        return {check_name(name): self.result(by[name]) for name in by.mapping()}

    def read_off(self, item: Value) -> DirectionalDerivative | TangentPlane | Taylor:
        made = _READ_OFF.get(item["kind"].text())
        if made is None:
            raise item["kind"].fail(f"must be one of {', '.join(_READ_OFF)}")
        found: dict[str, Any] = {}
        for name in (f.name for f in fields(made) if f.name != "kind"):
            match _FORMS[name]:
                case "array":
                    found[name] = self.array(item[name])
                case "arrays":
                    found[name] = tuple(self.array(a) for a in item[name].items())
                case "by name":
                    found[name] = {check_name(key): self.array(item[name][key]) for key in item[name].mapping()}
                case "derivation":
                    found[name] = None if item[name].value is None else self.derivation(item[name])
                case "relations":
                    found[name] = tuple(self.relation(r) for r in item[name].items())
                case _:
                    found[name] = item[name].boolean() if name == "exact" else item[name].integer()
        return made(**found)

    def chain(self, item: Value) -> Chain:
        head = item["start"]
        derivative = head.get("derivative")
        if derivative is None:
            start: Array | DerivativeOf = self.array(head)
        else:
            start = DerivativeOf(self.array(derivative), self.array(head["by"]))
        chain = Chain(start, (), tuple(self.relation(r) for r in item["given"].items()), _titled(item))
        for line in item["lines"].items():
            chain = self._extended(chain, line)
        return chain

    def _extended(self, chain: Chain, line: Value) -> Chain:
        by = [name.text() for name in line["by"].items()]
        return guarded(line, lambda: chain.to(self.array(line["line"]), by=by))

    def derivation(self, item: Value) -> Derivation:
        return Derivation(
            item["kind"].text(),
            self.array(item["subject"]),
            tuple(self.array(a) for a in item["wrt"].items()),
            tuple(self.step(s) for s in item["steps"].items()),
            self.result(item["result"]),
            item["convention"].text(),
            _titled(item),
        )
