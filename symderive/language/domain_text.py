"""Domains in untrusted text: ``interval(0, 1)``, ``labels(-1, 1)``, ``spd``, ``simplex & positive``."""

from __future__ import annotations

import ast
from fractions import Fraction
from typing import Any

from symderive.errors import ReadError
from symderive.language import domains
from symderive.language.domains import Domain

__all__ = ["read_domain"]

#: Domains as they may be written: those that are called, and those that stand alone.
CALLED_DOMAINS = ("integers", "interval", "labels", "one_hot", "simplex")
PLAIN_DOMAINS = (
    "correlation",
    "diagonal",
    "invertible",
    "lower_triangular",
    "nonnegative",
    "nonzero",
    "one_hot",
    "orthogonal",
    "positive",
    "positive_diagonal",
    "psd",
    "real",
    "simplex",
    "spd",
    "symmetric",
    "unit_interval",
    "unit_norm",
    "upper_triangular",
)

#: Characters of a domain's text; nesting is bounded with it.
LONGEST_DOMAIN = 200


def read_domain(text: str) -> Domain:
    """A domain from untrusted text: an allow-list over Python's grammar; nothing is executed.

    Raises
    ------
    ReadError
        Anything but the domains' names, calls of them with numbers, and ``&``.
    """
    if len(text) > LONGEST_DOMAIN:
        raise ReadError(f"a domain's text has at most {LONGEST_DOMAIN} characters, this has {len(text)}")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError) as error:
        raise ReadError("not a domain", text, getattr(error, "offset", None)) from error
    return _domain(tree.body, text)


def _domain(node: ast.expr, text: str) -> Domain:
    match node:
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return _domain(left, text) & _domain(right, text)
        case ast.Name(id=name) if name in PLAIN_DOMAINS:
            return getattr(domains, name)
        case ast.Call(func=ast.Name(id=name), args=values, keywords=options) if name in CALLED_DOMAINS:
            named = {option.arg or "**": _option(option.value, text) for option in options}
            # the third argument of an interval is which ends it keeps
            read = [(_option if name == "interval" and k == 2 else _number)(v, text) for k, v in enumerate(values)]
            try:
                return getattr(domains, name)(*read, **named)
            except TypeError as error:
                raise ReadError(f"{name} is not called like that: {error}", text, node.col_offset + 1) from error
    known = ", ".join(sorted({*PLAIN_DOMAINS, *CALLED_DOMAINS}))
    raise ReadError(f"not a domain; there are {known}, joined by &", text, node.col_offset + 1)


def _option(node: ast.expr, text: str) -> Any:
    """A number, or the word that says which ends an interval keeps."""
    match node:
        case ast.Constant(value="none" | "left" | "right" | "both" as word):
            return word
    return _number(node, text)


def _number(node: ast.expr, text: str) -> int | float | Fraction:
    """An exact number or ``inf``; a float stands for its shortest decimal, as everywhere."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, text)
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id="inf" | "oo"):
            return float("inf")
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=int() as denominator)) if denominator:
            numerator = _number(left, text)
            if isinstance(numerator, int):
                return Fraction(numerator, denominator)
    raise ReadError(
        "a domain is given numbers, fractions and inf; an interval also says which ends it keeps: "
        '"left", "right", "both" or "none"',
        text,
        node.col_offset + 1,
    )
