"""What a judgement says: five statuses, and the evidence or the counterexample behind each.

A verdict is a value and never a boolean: ``bool(verdict)`` raises, because "not refuted" and
"proved" are different answers.  Ask ``verdict.status``, ``verdict.upheld`` or
``verdict.require("proved")``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from symderive.language.statements import Claimed

Nested = Any
"""An exact number (``Fraction``, or text for an irrational one) or nested tuples of them."""


class Status(StrEnum):
    """How well a claim stands; compared by strength, ``proved`` being the strongest.

    >>> Status.proved > Status.checked > Status.refuted
    True
    >>> min(Status.certified, Status("undecided")).value
    'undecided'
    """

    proved = "proved"
    certified = "certified"
    checked = "checked"
    undecided = "undecided"
    refuted = "refuted"

    @property
    def strength(self) -> int:
        """4 for proved, 3 certified, 2 checked, 1 undecided, 0 refuted."""
        return 4 - list(Status).index(self)

    @property
    def upheld(self) -> bool:
        """Whether the claim stands: proved, certified or checked."""
        return self.strength >= 2

    def __lt__(self, other: str) -> bool:
        return self.strength < Status(other).strength

    def __le__(self, other: str) -> bool:
        return self.strength <= Status(other).strength

    def __gt__(self, other: str) -> bool:
        return self.strength > Status(other).strength

    def __ge__(self, other: str) -> bool:
        return self.strength >= Status(other).strength


SHORT = 20
"""Characters up to which a decimal is written out."""


def decimal_text(value: object, digits: int = 6) -> str:
    """A number as people read it: integers and short fractions exactly, the rest as decimals.

    What is nearly an integer is written as that and what is missing; decimals that end soon are written out.

    >>> decimal_text(Fraction(-3, 2)), decimal_text(Fraction(1, 10**9)), decimal_text(4)
    ('-3/2', '1e-09', '4')
    >>> decimal_text(1 - Fraction(1, 10**20)), decimal_text(Fraction(1, 3**2000))
    ('1 - 1e-20', '5.72125e-955')
    >>> decimal_text(Fraction(1234567, 10**7))
    '0.1234567'
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**9:
        return str(int(value))
    if isinstance(value, Fraction):
        if value.denominator == 1 and abs(value.numerator) < 10**9:
            return str(value.numerator)
        if value.denominator < 1000 and abs(value.numerator) < 10_000:
            return str(value)
        near_integer = abs(value - round(value)) < Fraction(1, 10**6)
        if not near_integer and (short := _short_decimal(value)):
            return short
        beside = _beside_an_integer(value)
        if beside:
            return beside
    if isinstance(value, int) and abs(value) < 10**9:
        return str(value)
    if isinstance(value, Fraction | float | int):
        try:
            close = float(value)
        except OverflowError:
            close = 0.0
        return f"{close:.{digits}g}" if close or not value else _beyond_floats(Fraction(value), digits)
    return str(value)


def _beyond_floats(value: Fraction, digits: int) -> str:
    """A number that is too large or too small for a float, in the same form."""
    size = abs(value)
    exponent = int((size.numerator.bit_length() - size.denominator.bit_length()) * math.log10(2)) - 2
    while size >= Fraction(10) ** (exponent + 1):
        exponent += 1
    return f"{'-' if value < 0 else ''}{float(size / Fraction(10) ** exponent):.{digits}g}e{exponent:+d}"


def _short_decimal(value: Fraction) -> str:
    """A number as its decimals, all of them; empty where they are too many or do not end."""
    if value.denominator >= 10**12 or 10**12 % value.denominator:
        return ""
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return text if len(text) <= SHORT else ""


def _beside_an_integer(value: Fraction) -> str:
    """``1 - 1e-20``, which six digits cannot tell from 1; empty where they can."""
    near = round(value)
    gap = value - near
    if not near or abs(near) >= 10**9 or not 0 < abs(gap) < Fraction(abs(near), 10**5):
        return ""
    return f"{near} {'-' if gap < 0 else '+'} {float(abs(gap)):.3g}"


def exact_text(value: object) -> str:
    """A number exactly: ``p/q`` for a fraction."""
    return str(value)


def _nested(value: Nested, render: Any) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_nested(v, render) for v in value) + "]"
    return render(value)


def _plain(value: Any) -> Any:
    """The value with nothing but what JSON carries."""
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return str(value)


class _AsDict:
    """``as_dict`` for frozen dataclasses: what JSON carries, exact numbers as text."""

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values; exact numbers become text such as ``"-3/2"``."""
        kept = [f.name for f in fields(self) if f.metadata.get("json", True)]  # pyright: ignore[reportArgumentType]
        return {name: _plain(getattr(self, name)) for name in kept}


@dataclass(frozen=True)
class Counterexample(_AsDict):
    """An exact point of the declared domain at which a claim fails.

    ``sizes`` maps each dimension's name to its size, ``values`` each array's name to nested tuples
    of exact rationals (a bare number for a scalar).  ``lhs`` and ``rhs`` are the two sides as text
    (an enclosure, an exact number, or why the side is undefined); ``lhs_value`` and ``rhs_value``
    their midpoints, None where undefined.  ``entry`` is the failing index, None for scalars.
    """

    sizes: Mapping[str, int]
    values: Mapping[str, Nested]
    lhs: str
    rhs: str
    lhs_value: float | None = None
    rhs_value: float | None = None
    entry: tuple[int, ...] | None = None
    note: str = ""

    @property
    def point(self) -> str:
        """The point on one line: sizes, then values, short."""
        parts = [f"{name} = {size}" for name, size in self.sizes.items()]
        parts += [f"{name} = {_nested(value, decimal_text)}" for name, value in self.values.items()]
        return ", ".join(parts) or "(nothing to choose)"

    def __str__(self) -> str:
        where = "" if not self.entry else f" in entry [{', '.join(map(str, self.entry))}]"
        lines = [f"at {self.point}", f"left side{where}: {self.lhs}", f"right side{where}: {self.rhs}"]
        if self.note:
            lines.append(self.note)
        return "\n".join(lines)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counterexample:
        """The inverse of ``as_dict``."""
        entry = data.get("entry")
        return cls(
            sizes={k: int(v) for k, v in data["sizes"].items()},
            values={k: _fractions(v) for k, v in data["values"].items()},
            lhs=data["lhs"],
            rhs=data["rhs"],
            lhs_value=_float(data.get("lhs_value")),
            rhs_value=_float(data.get("rhs_value")),
            entry=None if entry is None else tuple(entry),
            note=data.get("note", ""),
        )


def _fractions(value: Any) -> Nested:
    if isinstance(value, list | tuple):
        return tuple(_fractions(v) for v in value)
    if isinstance(value, str):
        try:
            return Fraction(value)
        except ValueError:
            return value
    return value


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


@dataclass(frozen=True)
class Evidence(_AsDict):
    """What a judgement looked at.

    ``sizes`` lists the settings of the dimensions, ``points`` how many points were decided,
    ``bits`` the least number of bits to which the two sides agreed (None where the comparison was
    exact or an inequality), ``seed`` what makes the points reproducible.  ``skipped`` counts points
    where the statement says nothing (a kink, or outside the domain of the function that is
    differentiated), ``unresolved`` those that no allowed precision could decide, ``outside`` the
    draws that ``given`` excluded; ``searched`` how many evaluations a search for a violation spent.
    ``instances`` are the points themselves, in this process only.
    """

    method: str
    sizes: tuple[Mapping[str, int], ...] = ()
    points: int = 0
    bits: int | None = None
    seed: int | None = None
    skipped: int = 0
    unresolved: int = 0
    outside: int = 0
    searched: int = 0
    notes: tuple[str, ...] = ()
    instances: tuple[Any, ...] = field(default=(), compare=False, repr=False, metadata={"json": False})

    def __str__(self) -> str:
        text = f"{self.method}: {self.points} point{'' if self.points == 1 else 's'}"
        if self.bits is not None:
            text += f", {self.bits} bits"
        settings = [", ".join(f"{k}={v}" for k, v in s.items()) for s in self.sizes if s]
        if settings:
            text += ", sizes (" + "), (".join(settings) + ")"
        for count, what in (
            (self.skipped, "skipped"),
            (self.unresolved, "unresolved"),
            (self.outside, "draws outside the assumptions"),
            (self.searched, "evaluations of a search for a violation"),
        ):
            if count:
                text += f", {count} {what}"
        if self.seed is not None:
            text += f", seed {self.seed}"
        return "; ".join((text, *self.notes))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evidence:
        """The inverse of ``as_dict``."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: _tuples(v) for k, v in data.items() if k in known})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class CrossCheck(_AsDict):
    """Finite differences beside a claimed gradient: evidence in floating point, never a verdict.

    ``worst`` is the entry that agrees least, as text (``w[1]``); ``name`` and ``index`` are its
    parts (index None for a scalar or a random direction).  ``error_estimate`` is how far off the
    finite difference itself may be; ``ok`` is False only where the disagreement exceeds it clearly.
    ``wrong`` names the arrays that have failing entries; ``unclear`` counts the entries of which the
    differences say nothing (not finite, or steps that contradict each other).
    """

    ok: bool
    name: str
    index: tuple[int, ...] | None
    claimed: float
    estimated: float
    relative_error: float
    absolute_error: float
    step: float
    error_estimate: float
    checked: int
    directions: int = 0
    failing: int = 0
    note: str = ""
    unclear: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def worst(self) -> str:
        """The worst entry's text: ``w[1]``."""
        if self.index is None or self.index == ():
            return self.name
        return f"{self.name}[{', '.join(map(str, self.index))}]"

    def __str__(self) -> str:
        count = f"{self.checked} entries" if self.checked != 1 else "1 entry"
        if self.directions:
            count += f" and {self.directions} random directions"
        head = "agrees with" if self.ok else "disagrees with"
        failing = "" if self.ok else f" in {self.failing} of {self.checked + self.directions}"
        text = (
            f"gradient {head} finite differences{failing} ({count}); worst {self.worst}: "
            f"claimed {self.claimed:.10g}, finite difference {self.estimated:.10g}, "
            f"relative error {self.relative_error:.1e}, absolute {self.absolute_error:.1e}, "
            f"step {self.step:.1e}, error estimate {self.error_estimate:.1e}"
        )
        return f"{text}; {self.note}" if self.note else text

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CrossCheck:
        """The inverse of ``as_dict``."""
        known = {f.name: f.type for f in fields(cls)}
        made: dict[str, Any] = {k: _tuples(v) for k, v in data.items() if k in known}
        made.update({k: float(v) for k, v in made.items() if known[k] == "float"})
        return cls(**made)


@dataclass(frozen=True)
class Verdict(_AsDict):
    """The answer to a claim.

    ``status`` is one of the five of `Status`; ``claim`` the statement as text; ``reason`` one or
    two sentences; ``counterexample`` belongs to ``refuted``; ``hint`` says what would be true;
    ``evidence`` what was looked at; ``trace`` is the proof of ``proved``; ``cross_check`` finite
    differences beside it; ``conditions`` what the claim was judged under; ``parts`` the verdicts
    that this one is the weakest of; ``end_to_end`` the judgement of a whole derivation.
    ``statement`` is what was judged, over nodes, in this process only; a certificate is made of it.

    >>> v = Verdict(Status.checked, "x + x == 2*x")
    >>> v.upheld
    True
    >>> v.require("checked") is v
    True
    """

    status: Status
    claim: str
    reason: str = ""
    counterexample: Counterexample | None = None
    hint: str = ""
    evidence: Evidence | None = None
    trace: tuple[Any, ...] = ()
    cross_check: CrossCheck | None = None
    conditions: tuple[Any, ...] = ()
    parts: tuple[Verdict, ...] = ()
    end_to_end: Verdict | None = field(default=None)
    statement: Claimed | None = field(default=None, compare=False, repr=False, metadata={"json": False})

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))

    @property
    def upheld(self) -> bool:
        """Whether the status is proved, certified or checked."""
        return self.status.upheld

    def require(self, status: str = "proved") -> Verdict:
        """This verdict, if it is at least as strong as ``status``; else an AssertionError.

        The error's text is the whole report.  An unknown status is a ValueError.
        """
        bar = Status(status)
        if self.status < bar:
            raise AssertionError(f"required {bar.value}, but the claim is {self.status.value}\n{self}")
        return self

    def __bool__(self) -> bool:
        raise TypeError(
            f"a verdict is not a truth value (this one is {self.status.value!r}); "
            'use .upheld, .status or .require("proved")'
        )

    def __str__(self) -> str:
        lines = [f"{self.status.value}: {self.claim}"]
        if self.reason:
            lines += _indent(self.reason)
        if self.conditions:
            lines += _indent("given " + ", ".join(str(c) for c in self.conditions))
        if self.counterexample is not None:
            lines += _indent(str(self.counterexample))
        if self.hint:
            lines += _indent(f"hint: {self.hint}")
        if self.trace:
            lines.append("  proof:")
            for step in self.trace:
                lines += _indent(step_text(step), "    ")
        if self.evidence is not None:
            lines += _indent(str(self.evidence))
        if self.cross_check is not None:
            lines += _indent(f"cross-check: {self.cross_check}")
        if self.end_to_end is not None:
            lines.append("  end to end:")
            lines += _indent(str(self.end_to_end), "    ")
        if self.parts:
            counts: dict[str, int] = {}
            for part in self.parts:
                counts[part.status.value] = counts.get(part.status.value, 0) + 1
            lines += _indent("parts: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
            for part in self.parts:
                if not part.upheld:
                    lines += _indent(str(part), "    ")
        return "\n".join(lines)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of ``as_dict``; conditions and trace entries come back as plain values."""

        def maybe(kind: Any, key: str) -> Any:
            return None if data.get(key) is None else kind.from_dict(data[key])

        return cls(
            status=Status(data["status"]),
            claim=data["claim"],
            reason=data.get("reason", ""),
            counterexample=maybe(Counterexample, "counterexample"),
            hint=data.get("hint", ""),
            evidence=maybe(Evidence, "evidence"),
            trace=tuple(data.get("trace", ())),
            cross_check=maybe(CrossCheck, "cross_check"),
            conditions=tuple(data.get("conditions", ())),
            parts=tuple(cls.from_dict(p) for p in data.get("parts", ())),
            end_to_end=maybe(cls, "end_to_end"),
        )


def step_text(step: Any) -> str:
    """A line of a proof as people read it, also where it comes from JSON."""
    if not (isinstance(step, Mapping) and {"before", "op", "after", "rule"} <= step.keys()):
        return str(step)
    lines = [f"{step['before']} {step['op']} {step['after']}    [{step['rule']}]"]
    lines += [f"    by {item['lemma']} with {', '.join(item['arguments'])}" for item in step.get("lemmas", ())]
    if step.get("argument"):
        lines += [f"    {line}" for line in _argument_lines(step["argument"])]
    lines += [f"    provided that {condition}" for condition in step.get("conditions", ())]
    lines += [f"    {'; '.join(step['facts'])}"] if step.get("facts") else []
    return "\n".join(lines)


def _argument_lines(argument: Mapping[str, Any]) -> list[str]:
    """An argument of a proof and its parts, indented."""
    about = f" in {argument['variable']} from {argument['place']}" if argument["way"] == "monotone" else ""
    lines = [f"{argument['goal']} {argument['op']} 0    [{argument['way']}{about}]"]
    lines += [f"    by {item['lemma']} with {', '.join(item['arguments'])}" for item in argument["lemmas"]]
    return [*lines, *(f"    {line}" for part in argument["parts"] for line in _argument_lines(part))]


def _indent(text: str, margin: str = "  ") -> list[str]:
    return [margin + line for line in text.splitlines()]


def weakest(verdicts: Iterable[Verdict | Status | str]) -> Status:
    """The weakest status among verdicts; of none, ``proved`` (nothing was claimed).

    >>> weakest([Verdict("proved", "a"), Verdict("checked", "b")]).value
    'checked'
    """
    statuses: Sequence[Status] = [v.status if isinstance(v, Verdict) else Status(v) for v in verdicts]
    return min(statuses, key=lambda s: s.strength, default=Status.proved)


__all__ = [
    "Counterexample",
    "CrossCheck",
    "Evidence",
    "Status",
    "Verdict",
    "decimal_text",
    "exact_text",
    "step_text",
    "weakest",
]
