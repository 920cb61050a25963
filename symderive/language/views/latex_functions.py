r"""Elementwise functions in LaTeX: ``\log x``, ``\sigma(z)``, ``[a < b]``, rows' own formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

from sympy import Integer

from symderive.errors import UnsupportedError
from symderive.language.functions import FUNCTIONS
from symderive.language.views.formula import (
    ATOM,
    CALL,
    FRACTION,
    OPEN,
    POWER,
    SIGN,
    Bracket,
    Formula,
    Part,
    Piece,
    at_least,
    call_of,
    exponential_of,
    flat,
    fraction_of,
    function_of,
    kind_at,
    log_of_call,
    mask_of,
    operation,
    root_of,
    scripted,
    sum_of,
    superscript,
)
from symderive.language.views.latex_names import number_formula
from symderive.language.views.latex_trees import ONE
from symderive.language.views.tree import Call, Neg, Num, Tree


class NoMatrixForm(Exception):
    """A tree that is written by its entries: it is neither a scalar, a column nor a matrix."""


def ordered(factors: Sequence[Formula]) -> list[Formula]:
    """Scalar factors as people write them: names before functions, a sum (``\\lambda \\sum``) last."""

    def place(factor: Formula) -> int:
        if factor.level == OPEN and factor.closed is None:
            return 2
        return 0 if len(factor.parts) <= 2 and kind_at(factor.parts, 0) not in ("function", "bracket") else 1

    return sorted(factors, key=place)


RELATIONS = {"lt": (" < ", r" \ge "), "le": (r" \le ", " > "), "eq": (" = ", r" \ne "), "ne": (r" \ne ", " = ")}
"""The sign of each relation, and that of its opposite."""
_TURNED = {" < ": " > ", r" \le ": r" \ge ", " > ": " < ", r" \ge ": r" \le "}


def _related(mask: Call, sides: Sequence[Formula], holds: bool = True) -> tuple[Part, ...]:
    """A relation, or its opposite, with a number on the right: ``x > 0``."""
    sign = RELATIONS[mask.function][0 if holds else 1]
    first, second = sides
    if isinstance(mask.arguments[0], Num):
        first, second, sign = second, first, _TURNED.get(sign, sign)
    return (*first.parts, operation(sign, 1.34), *second.parts)


def cases_of(values: Sequence[Formula], mask: Call, sides: Sequence[Formula]) -> Formula:
    """``\\begin{cases}``: the first value where a relation of two sides holds, the second elsewhere."""
    conditions = [_related(mask, sides, holds) for holds in (True, False)]
    rows = [f"{flat(value.parts)} & {flat(parts)}" for value, parts in zip(values, conditions, strict=True)]
    body = r" \\ ".join(rows)
    width = max(value.width for value in values) + sum(side.width for side in sides) + 3.5
    return Formula((Piece(rf"\begin{{cases}} {body} \end{{cases}}", width, 2, "bracket"),), OPEN)


def elementwise(tree: Call, arguments: Sequence[Formula]) -> Formula:
    """An elementwise function of written arguments, as its row of ``FUNCTIONS`` prints it."""
    match tree.function:
        case "exp":
            return exponential_of(arguments[0])
        case "log" | "log2" | "log10":
            base = tree.function.removeprefix("log")
            tex = r"\log" + (f"_{{{base}}}" if base else "")
            return function_of(tex, 1.3 + 0.4 * len(base), arguments[0])
        case "log1p":
            return call_of(r"\log", 1.3, [sum_of([(1, number_formula(ONE)), _term(tree.arguments[0], arguments[0])])])
        case "exp2" | "exp10":
            base = tree.function.removeprefix("exp")
            script = superscript(flat(arguments[0].parts), arguments[0].width)
            return Formula((Piece(base, 0.5 * len(base), 0, "digit"), script), POWER)
        case "rgamma":
            return fraction_of(number_formula(ONE), call_of(r"\Gamma", 0.7, arguments))
        case "cbrt":
            return Formula((Piece(rf"\sqrt[3]{{{flat(arguments[0].parts)}}}", 0.9 + arguments[0].width),), ATOM)
        case "hypot":
            return root_of(sum_of([(1, scripted(a, superscript("2", 0.5))) for a in arguments]))
        case "floor" | "ceil":
            left, right = rf"\l{tree.function} ", rf"\r{tree.function}"
            return Formula((Bracket(left, right, arguments[0].parts),), ATOM)
        case "sin" | "cos" | "tan" | "tanh" | "sinh" | "cosh" | "arcsin" | "arccos" | "arctan":
            return function_of("\\" + tree.function, 0.5 * len(tree.function), arguments[0])
        case "logaddexp":
            terms = [
                number_formula(ONE) if a == Num((), Integer(0)) else exponential_of(w)
                for a, w in zip(tree.arguments, arguments, strict=True)
            ]
            return call_of(r"\log", 1.3, [sum_of([(1, t) for t in terms])])
        case "abs":
            return Formula((Bracket(r"\lvert ", r"\rvert", arguments[0].parts, None, "norm"),), ATOM)
        case "lt" | "le" | "eq" | "ne":
            return mask_of(_related(tree, arguments))
        case "heaviside" if len(arguments) == 2:
            arguments = arguments[:1]
    row = FUNCTIONS.get(tree.function)
    if row is None:
        raise UnsupportedError(f"the LaTeX writer has no form for the function {tree.function!r}")
    called = _CALL.fullmatch(row.latex)
    if called is not None:
        return _called(called[1], called[2], arguments)
    return _formatted(row.latex, arguments, bool(tree.shape))


_CALL = re.compile(r"(.*?[A-Za-z0-9}])\(((?:\{\d\}(?:, )?)+)\)")
"""A row's format that is a head and arguments in brackets."""


def _called(head: str, fields: str, arguments: Sequence[Formula]) -> Formula:
    """``head(arguments)``; the head may have arguments as scripts, and a logarithm in front."""
    tex = head.format(*(flat(a.parts) for a in arguments))
    name = tex.removeprefix("\\log ")
    visible = re.sub(r"\\operatorname|\\mathrm|[\\{}^_]", "", name)
    inner = call_of(name, 0.5 * len(visible) + 0.2, [arguments[int(k)] for k in re.findall(r"\d", fields)])
    return inner if name == tex else log_of_call(inner)


def _term(tree: Tree, written: Formula) -> tuple[int, Formula]:
    if isinstance(tree, Neg) and len(written.parts) > 1 and written.parts[0] == SIGN:
        return -1, Formula(written.parts[1:], OPEN)
    return 1, written


def _formatted(template: str, arguments: Sequence[Formula], entrywise: bool) -> Formula:
    """A row's format; what stands around a field says which brackets its argument needs."""
    fields = [(text, field) for text, field, _, _ in Formatter().parse(template)]
    literals = [text for text, _ in fields] + [""]
    parts: list[Part] = []
    product = False
    for position, (text, field) in enumerate(fields):
        if text:
            visible = re.sub(r"\\operatorname|\\[lr]vert|[\\{} ]", "", text)
            kind = "function" if not position and text.startswith("\\") else "digit" if text[:1].isdigit() else "plain"
            parts.append(Piece(text, 0.55 * len(visible) + 0.2, 0, kind))
        if field is None:
            continue
        argument = arguments[int(field)]
        before, after = text.rstrip(), literals[position + 1].lstrip()
        if (
            before.endswith(("(", "{", "[", ",", r"\lvert")) and after[:1] in (")", "}", "]", ",", "<", "=", "\\", "")
        ) or before.endswith(("<", "=", r"\le", r"\ne")):
            parts += argument.parts
        elif before.endswith(("+", "-")) and after[:1] in (")", "}", "]", "+", "-"):
            parts += at_least(argument, OPEN).parts
        else:
            product = True
            parts += at_least(argument, FRACTION).parts
    if product and entrywise:
        raise NoMatrixForm
    return Formula(tuple(parts), OPEN if product else CALL)
