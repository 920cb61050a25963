"""Files of claims, in TOML or JSON: read, checked for every kind of damage, never evaluated.

The schema is that of ``docs/claims.md``.  A file is data: formulas and domains in it are texts that
the readers of the language read, and no more is understood than they understand.  `read_claim_file`
looks at the form of a file and at its domains, without reading a formula, so that a hostile formula
costs nothing here; `FileClaim.read` reads the formulas of one claim.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

from symderive.checking.check import check
from symderive.checking.claims import KINDS, claim
from symderive.checking.sides import Reader, free_names, read_claim
from symderive.errors import ReadError, SymderiveError
from symderive.judgement.verdicts import Status, Verdict
from symderive.language.domain_text import read_domain
from symderive.language.domains import Domain
from symderive.language.statements import RELATIONS

__all__ = ["CURVED_KINDS", "EXPECTED", "ClaimFile", "FileClaim", "meets", "read_claim_file"]

#: Bounds of a file: bytes, claims, characters of one formula, and nesting.
LARGEST, MOST_CLAIMS, LONGEST, DEEPEST = 4_000_000, 10_000, 20_000, 12

#: What a claim may be expected to be: a bar that it has to reach, or an exact answer.
EXPECTED = ("upheld", *(str(status) for status in Status))

#: Kinds besides a relation: statements about one function of some variables.
CURVED_KINDS = ("concave", "convex", "strictly_convex")

_FILE_KEYS = ("title", "description", "defaults", "claim")
_DEFAULT_KEYS = ("domains", "shapes", "given", "expect", "tags", "timeout", "memory")
_CLAIM_KEYS = ("id", "title", "claim", "lhs", "op", "rhs", "kind", "wrt", *_DEFAULT_KEYS)


@dataclass(frozen=True)
class FileClaim:
    """One claim of a file, everything in it still text.

    ``parts`` is one text, ``"lhs op rhs"``, or three, or for a ``kind`` other than ``relation`` the
    function.  ``timeout`` is in seconds and ``memory`` in megabytes, None for the command's own.
    """

    id: str
    parts: tuple[str, ...]
    title: str = ""
    kind: str = "relation"
    wrt: tuple[str, ...] = ()
    domains: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    expect: str = "upheld"
    tags: tuple[str, ...] = ()
    timeout: float | None = None
    memory: float | None = None

    @property
    def text(self) -> str:
        """The claim on one line, as it was written."""
        text = " ".join(" ".join(part.split()) for part in self.parts)
        return text if self.kind == "relation" else f"{self.kind.replace('_', ' ')}: {text}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, which `from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FileClaim:
        """The inverse of ``as_dict``, lists standing for tuples."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**plain)

    def _scope(self) -> dict[str, Any]:
        return {
            "domains": {name: read_domain(text) for name, text in self.domains.items()},
            "given": list(self.given),
            "shapes": dict(self.shapes) or None,
        }

    def read(self) -> None:
        """Read the formulas and declarations; what cannot be read raises as `symderive.check` does."""
        if self.kind == "relation":
            read_claim(*self.parts, **self._scope())
        else:
            self._function()

    def judge(self, timeout: float | None = None) -> Verdict:
        """The verdict on the claim."""
        if self.kind == "relation":
            return check(*self.parts, **self._scope(), timeout=timeout)
        function, variables, given = self._function()
        verdict = claim(self.kind, function, wrt=variables, given=given, timeout=timeout)
        return replace(verdict, claim=self.text)

    def _function(self) -> tuple[Any, list[Any], list[Any]]:
        scope = self._scope()
        reader = Reader(list(self.parts), scope["given"], scope["domains"], scope["shapes"])
        names = self.wrt or tuple(reader.declared)
        missing = [name for name in names if name not in reader.declared]
        if missing:
            raise ReadError(f"wrt names {missing[0]!r}; the arrays are {', '.join(reader.declared) or 'none'}")
        return reader.arrays[0], [reader.scope[name] for name in names], reader.relations


@dataclass(frozen=True)
class ClaimFile:
    """A file of claims: its path, its title, and the claims in their order."""

    path: str
    title: str
    claims: tuple[FileClaim, ...]
    description: str = ""


def meets(verdict: Verdict, expect: str) -> bool:
    """Whether a verdict is what was expected: a bar for what is upheld, the very status otherwise.

    >>> meets(Verdict(Status.proved, "x == x"), "checked"), meets(Verdict(Status.proved, "x == x"), "refuted")
    (True, False)
    """
    if expect == "upheld":
        return verdict.upheld
    status = Status(expect)
    return verdict.status >= status if status.upheld else verdict.status is status


# -- reading --------------------------------------------------------------------------------------


def read_claim_file(path: str | PathLike[str]) -> ClaimFile:
    """The claims of a ``.toml`` or ``.json`` file.

    Raises
    ------
    ReadError
        The file cannot be read or is damaged; the message names the file, the claim and the key.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "claims.toml")
    ...     written = file.write_text('[[claim]]\\nclaim = "x*x >= 0"\\n', encoding="utf-8")
    ...     print(read_claim_file(file).claims[0].text)
    x*x >= 0
    """
    path = Path(path)
    try:
        return _Form(str(path)).file(_parsed(path, _text_of(path)))
    except SymderiveError as error:
        lines = str(error).splitlines() or ["cannot be read"]
        raise ReadError(f"{path}: " + "\n".join(lines)) from error


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}") from error
    if len(raw) > LARGEST:
        raise ReadError(f"a claim file has at most {LARGEST} bytes; split it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ReadError(f"line {line}: not UTF-8 (byte {raw[error.start]:#04x}); save the file as UTF-8") from error


def _parsed(path: Path, text: str) -> Any:
    kind = path.suffix.lower()
    try:
        match kind:
            case ".toml":
                return tomllib.loads(text)
            case ".json":
                return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ReadError("nested too deeply") from None
    except ValueError as error:  # both parsers' errors, and integers of too many digits
        raise ReadError(f"not {kind[1:].upper()}: {error}") from error
    raise ReadError(f"a claim file ends in .toml or .json, this in {kind or 'nothing'!r}")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReadError(f"the key {key[:60]!r} stands twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ReadError(f"{name} is no number of JSON; a domain's ends are texts, such as 'interval(0, inf)'")


class _Form:
    """Checks the form of a file and says where it is wrong."""

    def __init__(self, path: str) -> None:
        self.path = path

    def file(self, data: Any) -> ClaimFile:
        """The whole file; a list of claims will do in JSON."""
        if isinstance(data, list):
            data = {"claim": data}
        top = self.table(data, "the file", _FILE_KEYS)
        defaults = self.table(top.get("defaults", {}), "defaults", _DEFAULT_KEYS)
        base = self.shared(defaults, "defaults", FileClaim("", ()))
        listed = top.get("claim", [])
        if not isinstance(listed, list):
            raise ReadError("claim: must be a list of claims, written [[claim]] in TOML")
        if not listed:
            raise ReadError("the file has no claims; write each under [[claim]], or in JSON in a list under \"claim\"")
        if len(listed) > MOST_CLAIMS:
            raise ReadError(f"a file has at most {MOST_CLAIMS} claims, this has {len(listed)}; split it")
        claims = tuple(self.claim(item, number, base) for number, item in enumerate(listed, 1))
        places: dict[str, int] = {}
        for number, made in enumerate(claims, 1):
            first = places.setdefault(made.id, number)
            if first != number:
                raise ReadError(f"claim {number}: the id {made.id!r} is that of claim {first} too")
        title = self.text(top, "title", "the file") or Path(self.path).stem
        return ClaimFile(self.path, title, claims, self.text(top, "description", "the file"))

    def claim(self, item: Any, number: int, base: FileClaim) -> FileClaim:
        """One claim, over the defaults of the file."""
        where = f"claim {number}"
        named = item.get("id") if isinstance(item, dict) else None
        if isinstance(named, str):
            where += f" ({_shown(named)})"
        table = self.table(item, where, _CLAIM_KEYS)
        kind = self.text(table, "kind", where) or "relation"
        if kind not in ("relation", *CURVED_KINDS):
            why = "is not for files" if kind in KINDS else "is no kind of claim"
            known = ", ".join(("relation", *CURVED_KINDS))
            raise ReadError(f"{where}: kind {_shown(kind)} {why}; there are {known}{_near(kind, CURVED_KINDS)}")
        parts = self.parts(table, kind, where)
        made = replace(
            self.shared(table, where, _for_names(base, (*parts, *self.texts(table, "given", where)))),
            id=self.text(table, "id", where) or str(number),
            title=self.text(table, "title", where),
            kind=kind,
            wrt=self.texts(table, "wrt", where),
            parts=parts,
        )
        if made.wrt and kind == "relation":
            raise ReadError(f"{where}: wrt belongs to a kind such as 'convex', not to a relation")
        return made

    def parts(self, table: Mapping[str, Any], kind: str, where: str) -> tuple[str, ...]:
        """The formula, in one text or as three."""
        sides = [key for key in ("lhs", "op", "rhs") if key in table]
        if "claim" in table:
            if sides:
                raise ReadError(f"{where}: give claim, or lhs, op and rhs, not both")
            text = self.text(table, "claim", where)
            if not text:
                raise ReadError(f"{where}: claim is empty; write for instance claim = \"x + x == 2*x\"")
            return (text,)
        if kind != "relation":
            raise ReadError(f"{where}: a {kind} claim has its function under claim")
        if len(sides) < 3:
            missing = ", ".join(key for key in ("lhs", "op", "rhs") if key not in table)
            what = f"has no {missing}" if sides else "states nothing: give claim, or lhs, op and rhs"
            raise ReadError(f"{where}: {what}")
        lhs, op, rhs = (self.text(table, key, where) for key in ("lhs", "op", "rhs"))
        if op not in RELATIONS:
            raise ReadError(f"{where}: op must be one of {', '.join(RELATIONS)}, got {_shown(op)}")
        if not lhs or not rhs:
            raise ReadError(f"{where}: {'rhs' if lhs else 'lhs'} is empty")
        return lhs, op, rhs

    def shared(self, table: Mapping[str, Any], where: str, base: FileClaim) -> FileClaim:
        """What claims and defaults have in common: a claim's own entries are added to the defaults."""
        expect = self.text(table, "expect", where) or base.expect
        if expect not in EXPECTED:
            raise ReadError(
                f"{where}: expect must be one of {', '.join(EXPECTED)}, got {_shown(expect)}{_near(expect, EXPECTED)}"
            )
        domains = self.mapping(table, "domains", where)
        for name, text in domains.items():
            _guard(f"{where}: domains.{name}", text, read_domain)
        return replace(
            base,
            domains={**base.domains, **domains},
            shapes={**base.shapes, **self.mapping(table, "shapes", where)},
            given=(*base.given, *self.texts(table, "given", where)),
            expect=expect,
            tags=tuple(dict.fromkeys((*base.tags, *self.texts(table, "tags", where)))),
            timeout=self.bound(table, "timeout", where, base.timeout),
            memory=self.bound(table, "memory", where, base.memory),
        )

    def table(self, value: Any, where: str, keys: Sequence[str]) -> dict[str, Any]:
        """A table with none but known keys."""
        if not isinstance(value, dict):
            raise ReadError(f"{where}: must be a table of keys and values, got {_kind(value)}")
        for key in value:
            if key not in keys:
                near = _near(key, keys) or f"; there are {', '.join(keys)}"
                raise ReadError(f"{where}: unknown key {_shown(key)}{near}")
        return value

    def text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        """A text, or nothing where the key does not stand."""
        value = table.get(key, "")
        if key == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise ReadError(f"{where}: {key} must be a text, got {_kind(value)}")
        if len(value) > LONGEST:
            raise ReadError(f"{where}: {key} has {len(value)} characters; at most {LONGEST} are read")
        if "\0" in value:
            raise ReadError(f"{where}: {key} has a NUL character in it")
        return value.strip()

    def texts(self, table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        """One text or a list of them."""
        value = table.get(key, [])
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or len(items) > 1000:
            raise ReadError(f"{where}: {key} must be a text or a list of at most 1000, got {_kind(value)}")
        return tuple(self.text({key: item}, key, where) for item in items)

    def mapping(self, table: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
        """Texts by name."""
        value = table.get(key, {})
        if not isinstance(value, dict) or len(value) > 1000:
            raise ReadError(f"{where}: {key} must give a text for each name, got {_kind(value)}")
        for name in value:
            if not name.isidentifier() or len(name) > 60:
                raise ReadError(f"{where}: {key}: {_shown(name)} is no name")
        return {name: self.text({name: item}, name, f"{where}: {key}") for name, item in value.items()}

    def bound(self, table: Mapping[str, Any], key: str, where: str, otherwise: float | None) -> float | None:
        """A positive number."""
        value = table.get(key, otherwise)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ReadError(f"{where}: {key} must be a number, got {_kind(value)}")
        if not (isfinite(value) and 0 < value < 1e9):
            raise ReadError(f"{where}: {key} must be a positive number, got {value}")
        return float(value)


def _for_names(base: FileClaim, texts: Sequence[str]) -> FileClaim:
    """The defaults that speak of names in a claim; one for a name that it does not have says nothing of it."""
    names = {name for text in texts for name in free_names(text)}
    return replace(
        base,
        domains={name: domain for name, domain in base.domains.items() if name in names},
        shapes={name: shape for name, shape in base.shapes.items() if name in names},
        given=tuple(text for text in base.given if names.issuperset(free_names(text))),
    )


def _guard(where: str, text: str, read: Callable[[str], Domain]) -> None:
    """Read a domain; its error begins with the place."""
    try:
        read(text)
    except (SymderiveError, ArithmeticError, RecursionError, MemoryError, TypeError, ValueError) as error:
        raise ReadError(f"{where}: {error or 'nested too deeply'}") from error


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "...")


def _near(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "a table"
    return f"a {type(value).__name__}"
