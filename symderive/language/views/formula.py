"""Formulas in pieces: what a LaTeX writer builds before anything becomes a string.

A :class:`Formula` knows how tightly its outermost operation binds, so that
brackets come by themselves; how wide it will be, by the letter widths of
Computer Modern; and where a line may be broken.  :func:`formula_latex` makes one
line of it and :func:`formula_lines` several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

# -- formulas: pieces, brackets, breaks ---------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """LaTeX that is never broken: its width in em, how tall it is, what it is to its neighbours."""

    tex: str
    width: float
    tall: int = 0
    kind: str = "plain"


@dataclass(frozen=True)
class Break:
    """A place where a line may end; the next piece starts the new line.  0 is the best rank."""

    rank: int = 0


@dataclass(frozen=True)
class Bracket:
    """Brackets around parts, sized by what they hold; ``after`` is a script on the closing one."""

    left: str
    right: str
    inside: tuple[Part, ...]
    after: Piece | None = None
    kind: str = "bracket"


Part = Piece | Break | Bracket

ADD, OPEN, HADAMARD, MUL, FRACTION, POWER, CALL, ATOM = range(8)


@final
@dataclass(frozen=True)
class Formula:
    """Parts, and how tightly the outermost operation binds (``ADD`` loosest, ``ATOM`` tightest).

    ``closed`` is the spelling for places where something follows: ``\\log(x)`` for ``\\log x``.
    ``dot`` marks a number that ends in a product of arrays, ``2w^{\\top}c``: what follows it needs
    brackets round it, or the product would read on.
    """

    parts: tuple[Part, ...]
    level: int = ATOM
    closed: tuple[Part, ...] | None = None
    dot: bool = False

    @property
    def width(self) -> float:
        """The estimated width on one line, in em."""
        return _width(self.parts)

    @property
    def tall(self) -> int:
        """0 for a plain line, 1 with a fraction or a sum in it, more where they are nested."""
        return _tall(self.parts)


def _tall(parts: Iterable[Part]) -> int:
    return max((token.tall for token in _tokens(parts) if isinstance(token, Piece)), default=0)


def _size(bracket: Bracket) -> int:
    """0 to 3: plain, big, Big, bigg."""
    tall = max((p.tall for p in bracket.inside if isinstance(p, Piece)), default=-1)
    inner = max((_size(b) for b in bracket.inside if isinstance(b, Bracket) and not _is_plain_call(b)), default=-1)
    return min(max(0 if tall <= 0 else tall + 1, inner + 1 if inner < 1 else inner), 3)


def _is_plain_call(bracket: Bracket) -> bool:
    """Whether it holds no more than the name of a function's argument: brackets round it need not be larger."""
    return bracket.kind == "call" and _size(bracket) == 0 and [*map(type, bracket.inside)] == [Piece]


_SIZES = (
    ("", "", 0.389),
    (r"\bigl", r"\bigr", 0.458),
    (r"\Bigl", r"\Bigr", 0.597),
    (r"\biggl", r"\biggr", 0.736),
)


def _tokens(parts: Iterable[Part], depth: int = 0) -> Iterator[Piece | tuple[int, Break]]:
    """The pieces in order, brackets written out, breaks with the depth of brackets around them."""
    for part in parts:
        if isinstance(part, Piece):
            yield part
        elif isinstance(part, Break):
            yield depth, part
        else:
            size = _size(part)
            left, right, width = _SIZES[size]
            yield Piece(left + part.left, width, max(size - 1, 0), "open")
            yield from _tokens(part.inside, depth + 1)
            after = part.after or Piece("", 0)
            yield Piece(right + part.right + after.tex, width + after.width, max(size - 1, 0))


def _width(parts: Iterable[Part]) -> float:
    return sum(token.width for token in _tokens(parts) if isinstance(token, Piece))


def _join(pieces: Iterable[Piece]) -> str:
    """One string; a space only where a command would swallow the letter after it."""
    text = ""
    for piece in pieces:
        if text and piece.tex[:1].isalpha() and re.search(r"\\[A-Za-z]+$", text):
            text += " "
        text += piece.tex
    return text


def formula_latex(formula: Formula) -> str:
    """The formula on one line."""
    return _join(token for token in _tokens(formula.parts) if isinstance(token, Piece))


_INDENT = 2.0


def formula_lines(formula: Formula, width: float, first: float | None = None) -> list[str]:
    r"""The formula broken into lines of at most ``width`` em (``first`` for the first line).

    Breaks come before ``+`` and ``-``, outside brackets where that is enough,
    then inside; continuation lines start with ``\quad``.  A piece that is wider
    than a line is left as it is.
    """
    lines = _broken(formula, width, first)
    return [_join(lines[0]), *(rf"\quad{{}}{_join(line)}" for line in lines[1:])]


def line_widths(formula: Formula, width: float, first: float | None = None) -> list[float]:
    """The estimated widths of the lines that :func:`formula_lines` makes, in em."""
    lines = _broken(formula, width, first)
    return [sum(piece.width for piece in line) + (1.0 if k else 0.0) for k, line in enumerate(lines)]


def _broken(formula: Formula, width: float, first: float | None) -> list[list[Piece]]:
    return _split(list(_tokens(formula.parts)), width, width if first is None else first)


def _priority(depth: int, rank: int) -> int:
    return 2 * depth + (3 if rank else 0)


def _split(tokens: list[Piece | tuple[int, Break]], width: float, first: float) -> list[list[Piece]]:
    pieces = [t for t in tokens if isinstance(t, Piece)]
    priorities = [_priority(t[0], t[1].rank) for t in tokens if not isinstance(t, Piece)]
    if sum(p.width for p in pieces) <= first or not priorities:
        return [pieces]
    best = min(priorities)
    chunks: list[list[Piece | tuple[int, Break]]] = [[]]
    for token in tokens:
        if not isinstance(token, Piece) and _priority(token[0], token[1].rank) == best:
            chunks.append([])
        else:
            chunks[-1].append(token)
    lines: list[list[Piece]] = []
    room = first
    for chunk in chunks:
        size = sum(t.width for t in chunk if isinstance(t, Piece))
        if lines and size <= room:
            lines[-1].extend(t for t in chunk if isinstance(t, Piece))
            room -= size
            continue
        new = _split(chunk, width - _INDENT, first if not lines else width - _INDENT)
        lines.extend(new)
        room = (first if len(lines) == 1 else width - _INDENT) - sum(p.width for p in new[-1])
    return lines


# -- pieces with their widths ---------------------------------------------------------------

_WIDTHS = """
a53 b43 c43 d52 e47 f60 g51 h58 i35 j47 k55 l32 m88 n60 o49 p50 q48 r48 s47 t36 u57 v52 w74 x57 y53 z51
A75 B81 C79 D86 E80 F78 G79 H91 I52 J65 K92 L68 M108 N91 O79 P78 Q79 R77 S67 T72 U79 V81 W108 X91 Y80 Z75
"""
ITALIC = {word[0]: int(word[1:]) / 100 for word in _WIDTHS.split()}
SCRIPT = 0.72


def operation(tex: str, width: float = 1.23) -> Piece:
    """A binary operator with its space."""
    return Piece(tex, width, 0, "op")


PLUS, MINUS, ODOT, OSLASH = operation(" + "), operation(" - "), operation(r" \odot "), operation(r" \oslash ")
SIGN = Piece("-", 0.78, 0, "sign")
COMMA = Piece(", ", 0.45, 0, "op")
THIN = Piece(r"\,", 0.17)
CDOT = operation(r" \cdot ", 0.73)
ONES = Piece(r"\mathbf{1}", 0.58, 0, "bold")
PARTIAL = Piece(r"\partial ", 0.56, 0, "d")
DIFFERENTIAL = Piece(r"\mathrm{d}", 0.56, 0, "d")


def superscript(tex: str, width: float) -> Piece:
    """A script above, from LaTeX and its width at full size."""
    return Piece(f"^{{{tex}}}", width * SCRIPT)


TOP = superscript(r"\top", 0.78)


def flat(parts: Iterable[Part]) -> str:
    """Parts as one string, for the inside of a fraction or a script."""
    return _join(token for token in _tokens(parts) if isinstance(token, Piece))


def bracket(formula: Formula, left: str = "(", right: str = ")", after: Piece | None = None) -> Formula:
    """The formula in brackets."""
    return Formula((Bracket(left, right, formula.parts, after),), ATOM)


def at_least(formula: Formula, level: int) -> Formula:
    """The formula, in brackets where it binds less tightly than ``level``."""
    return formula if formula.level >= level else bracket(formula)


def fraction_of(numerator: Formula, denominator: Formula) -> Formula:
    """A built-up fraction."""
    width = max(numerator.width, denominator.width) + 0.24
    tall = 1 + (1 if max(numerator.tall, denominator.tall) else 0)
    tex = rf"\frac{{{flat(numerator.parts)}}}{{{flat(denominator.parts)}}}"
    return Formula((Piece(tex, width, tall, "fraction"),), FRACTION)


def ends_in_script(formula: Formula) -> bool:
    """Whether its last piece brings a subscript, so that another one needs brackets: ``(I_n)_{2:n,:}``."""
    return kind_at(formula.parts, -1) == "scripted"


def scripted(base: Formula, piece: Piece) -> Formula:
    """A subscript or superscript on a formula, which gets brackets unless it is an atom."""
    base = at_least(base, ATOM)
    last = base.parts[-1]
    if isinstance(last, Bracket) and last.after is None:
        return Formula((*base.parts[:-1], replace(last, after=piece)), POWER)
    return Formula((*base.parts, piece), POWER)


# -- sums and products of formulas -----------------------------------------------------------------


def sum_of(terms: Sequence[tuple[int, Formula]]) -> Formula:
    """Signed terms; a term that is itself a sum gets brackets."""
    parts: list[Part] = []
    for position, (sign, term) in enumerate(terms):
        if position:
            parts += [Break(), PLUS if sign > 0 else MINUS]
        elif sign < 0:
            parts.append(SIGN)
        inner = term if position == 0 and sign > 0 else at_least(term, OPEN)
        parts += inner.parts
    return Formula(tuple(parts), ADD)


def has_sum(formula: Formula) -> bool:
    """Whether a formula that starts with a minus has further terms."""
    return PLUS in formula.parts or MINUS in formula.parts


def kind_at(parts: Sequence[Part], at: int) -> str:
    """What the part at a place is to its neighbours."""
    part = parts[at]
    return part.kind if isinstance(part, Piece | Bracket) else "plain"


def product_of(factors: Sequence[Formula]) -> Formula:
    """Juxtaposed factors, with a thin space or a dot only where it is needed."""
    if len(factors) == 1:
        return factors[0]
    parts: list[Part] = []
    for position, factor in enumerate(factors):
        last = position == len(factors) - 1
        written = factor
        starts_d = kind_at(factor.parts, 0) == "d"
        if factor.level == OPEN and not last:
            written = Formula(factor.closed, CALL) if factor.closed is not None else bracket(factor)
        elif (
            factor.level < (OPEN if last else MUL)
            or factor.level == HADAMARD
            or (not last and (starts_d or factor.dot))
        ):
            written = bracket(factor)
        if position:
            before, after = kind_at(parts, -1), kind_at(written.parts, 0)
            if after == "digit" or (before == "fraction" and after == "fraction"):
                parts.append(CDOT)
            elif after in ("d", "word") or before in ("word", "function"):
                parts.append(THIN)
            if before in ("bracket", "call") and after == "bracket":
                parts.append(Break(1))
        parts += written.parts
    ends_open = factors[-1].level == OPEN
    return Formula(tuple(parts), OPEN if ends_open else MUL, dot=factors[-1].dot)


def chain_of(factors: Sequence[Formula], operator: Piece, level: int) -> Formula:
    """Factors with an operator between them."""
    parts: list[Part] = []
    for position, factor in enumerate(factors):
        if position:
            parts += [Break(1), operator]
        if factor.level == OPEN and factor.closed is not None:
            parts += factor.parts if position == len(factors) - 1 else factor.closed
        else:
            parts += at_least(factor, FRACTION).parts
    return Formula(tuple(parts), level)


def mask_of(inside: Sequence[Part]) -> Formula:
    """Iverson's brackets: 1 where the relation inside holds, else 0."""
    return Formula((Bracket("[", "]", tuple(inside), None, "mask"),), CALL)


def has_mask(formula: Formula) -> bool:
    """Whether Iverson's brackets stand in it, where square brackets round it would be misread."""
    return any(isinstance(part, Bracket) and part.kind == "mask" for part in formula.parts)


def hadamard_of(factors: Sequence[Formula]) -> Formula:
    """The entrywise product."""
    return factors[0] if len(factors) == 1 else chain_of(factors, ODOT, HADAMARD)


def call_of(tex: str, width: float, arguments: Sequence[Formula], level: int = CALL) -> Formula:
    """A function with its arguments in brackets."""
    inside: list[Part] = []
    for position, argument in enumerate(arguments):
        if position:
            inside += [Break(1), COMMA]
        inside += argument.parts
    return Formula((Piece(tex, width, 0, "function"), Bracket("(", ")", tuple(inside), None, "call")), level)


def operator_of(name: str, arguments: Sequence[Formula]) -> Formula:
    """A function by name, set upright."""
    return call_of(rf"\operatorname{{{name}}}", 0.53 * len(name), arguments)


def _is_simple(formula: Formula) -> bool:
    """Whether ``\\log`` may stand before it without brackets: a name, a norm, ``\\det A``, ``\\lambda_i(S)``."""
    if len(formula.parts) == 2 and kind_at(formula.parts, 0) == "function":
        called = formula.level == ATOM and kind_at(formula.parts, 1) == "call"
        return called or (formula.closed is not None and _stands_alone(formula.parts[1]))
    return len(formula.parts) == 1 and _stands_alone(formula.parts[0]) and formula.level in (ATOM, FRACTION)


def _stands_alone(part: Part) -> bool:
    return isinstance(part, Piece) or (isinstance(part, Bracket) and part.kind == "norm")


def function_of(tex: str, width: float, argument: Formula) -> Formula:
    """A function such as log, without brackets round a simple argument."""
    closed = call_of(tex, width, [argument])
    if tex == r"\log" and argument.level == OPEN and kind_at(argument.parts, 0) == "big":
        return Formula((Piece(tex, width + 0.1, 0, "function"), *argument.parts), OPEN, closed.parts)
    if not _is_simple(argument):
        return replace(closed, level=CALL)
    head = Piece(tex, width + 0.17, 0, "function")
    return Formula((head, *argument.parts), OPEN, closed.parts)


def log_of_call(call: Formula) -> Formula:
    """The logarithm of a function that brings its own brackets."""
    head = Piece(r"\log", 1.45, 0, "function")
    return Formula((head, *call.parts), OPEN, (head, Bracket("(", ")", call.parts)))


def exponential_of(exponent: Formula) -> Formula:
    """``e`` to the exponent, or ``exp( )`` of a long one."""
    if exponent.width > 7 or exponent.tall:
        return call_of(r"\exp", 1.5, [exponent])
    return Formula((Piece("e", 0.47), superscript(flat(exponent.parts), exponent.width)), POWER)


def root_of(inside: Formula) -> Formula:
    """A square root."""
    return Formula((Piece(rf"\sqrt{{{flat(inside.parts)}}}", inside.width + 0.9, inside.tall),), CALL)
