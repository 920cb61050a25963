"""`symderive check FILE.py:loss:grad`: hand-written gradients in a Python file."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence

from symderive.cli.statuses import status_of, worst
from symderive.errors import ReadError
from symderive.language.domain_text import read_domain
from symderive.library import check_code
from symderive.rendering.documents import write

__all__ = ["names_code", "run_code"]

_CODE = re.compile(r"(.+\.py):([^\W\d]\w*):([^\W\d]\w*)")


def names_code(parts: Sequence[str]) -> bool:
    """Whether the claims are functions in files: ``FILE.py:loss:grad``.

    Raises `ReadError` where only some of them are, or one names a file and not both functions.
    """
    found = [_CODE.fullmatch(part.strip()) is not None for part in parts]
    for part in parts:
        if re.fullmatch(r".+\.py(:[\w.]*)*", part.strip()) and not _CODE.fullmatch(part.strip()):
            raise ReadError(f"{part!r} names no loss and gradient; name both functions, FILE.py:LOSS:GRAD")
    if any(found) and not all(found):
        raise ReadError("FILE.py:LOSS:GRAD stands alone, or beside others of its kind; check claims in another call")
    return all(found)


def run_code(arguments: argparse.Namespace) -> int:
    """Judge the gradients named, print the verdicts; returns the exit status."""
    if arguments.report or arguments.certificate is not None or arguments.given:
        raise ReadError("--report, --certificate and --given are for claims in texts and files, not for code")
    shapes = dict(_assignment(text, "--shape") for text in arguments.shape)
    domains = {name: read_domain(text) for name, text in (_assignment(t, "--domain") for t in arguments.domain)}
    verdicts = []
    for part in arguments.claim:
        found = _CODE.fullmatch(part.strip())
        assert found is not None
        path, loss, grad = found.groups()
        options = {} if arguments.timeout is None else {"timeout": arguments.timeout}
        verdicts.append(check_code(path, loss, grad, shapes=shapes, domains=domains, **options))
    if arguments.json:
        print(json.dumps([verdict.as_dict() for verdict in verdicts], ensure_ascii=False, indent=1))
    else:
        for verdict in verdicts:
            print(verdict if arguments.lang == "en" else write(verdict, "text", lang=arguments.lang))
    return worst(status_of(verdict, arguments.require) for verdict in verdicts)


def _assignment(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ReadError(f"{option} needs NAME=..., got {text!r}")
    return name.strip(), value.strip()
