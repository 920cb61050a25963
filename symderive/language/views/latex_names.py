r"""Names and numbers in LaTeX: ``beta`` is :math:`\beta`, ``W1`` is :math:`W_1`, ``n/2`` a fraction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Add as SymAdd
from sympy import Expr, Integer, Max, Min, Rational, Symbol, ceiling, default_sort_key, exp, floor, log
from sympy import Mul as SymMul
from sympy import Pow as SymPow
from sympy import latex as sympy_latex

from symderive.language.views.formula import (
    ADD,
    ATOM,
    CALL,
    ITALIC,
    MINUS,
    OPEN,
    PLUS,
    SCRIPT,
    SIGN,
    Break,
    Formula,
    Part,
    Piece,
    at_least,
    bracket,
    call_of,
    exponential_of,
    flat,
    formula_latex,
    fraction_of,
    function_of,
    product_of,
    root_of,
    scripted,
    superscript,
)
from symderive.language.views.tree import decimal

# -- names ------------------------------------------------------------------------------------

_ALPHABET_TEXT = """
α alpha β beta γ gamma δ delta ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi π pi ρ rho σ sigma
τ tau υ upsilon φ phi χ chi ψ psi ω omega ς varsigma ε varepsilon
Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega
"""
_ALPHABET = _ALPHABET_TEXT.split()
_LETTERS = {letter: "\\" + name for letter, name in zip(_ALPHABET[::2], _ALPHABET[1::2], strict=True)}
_GREEK = {name: "\\" + name for name in (*_ALPHABET[1::2], "varphi", "vartheta", "ell")}
_GREEK |= {"lam": r"\lambda", "lamda": r"\lambda", "epsilon": r"\varepsilon", "eps": r"\varepsilon"}
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde"}
_COMBINING = {
    "\u0300": r"\grave",
    "\u0301": r"\acute",
    "\u0302": r"\hat",
    "\u0303": r"\tilde",
    "\u0304": r"\bar",
    "\u0306": r"\breve",
    "\u0307": r"\dot",
    "\u0308": r"\ddot",
    "\u030c": r"\check",
}


def _word(text: str) -> Piece:
    """One part of a name: a letter, a Greek name, or a word set upright."""
    if text in _GREEK:
        return Piece(_GREEK[text], 0.6)
    if text in _LETTERS:
        return Piece(_LETTERS[text], 0.6)
    if text in ITALIC:
        return Piece(text, ITALIC[text])
    if text.isascii() and text.isdigit():
        return Piece(text, 0.5 * len(text), 0, "digit")
    letters = ""
    for character in unicodedata.normalize("NFKD", text):
        if character.isascii() and character.isalnum():
            letters += character
        elif character in _LETTERS:
            letters += _LETTERS[character] + " "
        elif character in _COMBINING and letters:
            letters = f"{letters[:-1]}{_COMBINING[character]}{{{letters[-1]}}}"
        elif character == "_":
            letters += r"\_"
        else:
            letters += rf"\text{{{character}}}"
    return Piece(rf"\mathrm{{{letters}}}", 0.53 * len(text) + 0.2, 0, "word")


def name_parts(name: str) -> tuple[Piece, tuple[Piece, ...]]:
    """The base of a name and its subscripts."""
    words = [word for word in name.split("_") if word]
    if not words:
        return Piece(rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}", 0.53 * len(name), 0, "word"), ()
    subscripts: list[str] = words[1:]
    found = re.fullmatch(r"(\D+)([0-9]+)", words[0])
    base = words[0]
    if found:
        base = found[1]
        subscripts.insert(0, found[2])
    piece = _word(base)
    accents = [w for w in subscripts if w in _ACCENTS]
    if len(accents) == 1 and piece.kind == "plain":
        subscripts.remove(accents[0])
        piece = Piece(f"{_ACCENTS[accents[0]]}{{{piece.tex}}}", piece.width)
    return piece, tuple(_word(w) for w in subscripts)


def subscript(pieces: Sequence[Piece]) -> Piece:
    """``_{ij}``; with commas as soon as one index is more than a letter."""
    plain = all(p.kind == "plain" and len(p.tex) == 1 for p in pieces)
    tex = ("" if plain else ",").join(p.tex for p in pieces)
    return Piece(f"_{{{tex}}}", SCRIPT * sum(p.width + (0 if plain else 0.2) for p in pieces))


def name_formula(name: str) -> Formula:
    """A declared name as a formula."""
    base, subscripts = name_parts(name)
    if not subscripts:
        return Formula((base,), ATOM)
    script = subscript(subscripts)
    return Formula((Piece(base.tex + script.tex, base.width + script.width, 0, base.kind),), ATOM)


def name_latex(name: str) -> str:
    r"""A declared name in LaTeX: ``beta`` is ``\beta``, ``W1`` is ``W_{1}``, words stand upright.

    >>> name_latex("W1"), name_latex("lambda_"), name_latex("y_hat"), name_latex("step_size")
    ('W_{1}', '\\lambda', '\\hat{y}', '\\mathrm{step}_{\\mathrm{size}}')
    """
    return formula_latex(name_formula(name))


# -- numbers ------------------------------------------------------------------------------------


def number_formula(value: Expr, names: Mapping[Symbol, Formula] | None = None) -> Formula:
    """A SymPy number or expression in the dimensions; ``names`` are symbols that stand for written formulas."""

    def write(part: Any) -> Formula:
        return number_formula(part, names)

    if isinstance(value, Integer):
        text = str(abs(int(value)))
        digit = Piece(text, 0.5 * len(text), 0, "digit")
        return Formula((digit,), ATOM) if value >= 0 else Formula((SIGN, digit), ADD)
    if isinstance(value, Symbol):
        return names[value] if names and value in names else name_formula(value.name)
    if isinstance(value, Rational):
        text = decimal(abs(value)) or ""
        if text and "e" not in text:
            digits = Piece(text, 0.5 * len(text), 0, "digit")
            return Formula((digits,), ATOM) if value > 0 else Formula((SIGN, digits), ADD)
        quotient = fraction_of(write(Integer(abs(value.p))), write(Integer(value.q)))
        return quotient if value > 0 else Formula((SIGN, *quotient.parts), ADD)
    if isinstance(value, SymAdd):
        parts: list[Part] = []
        terms: list[Any] = sorted(value.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())
        for position, term in enumerate(terms):
            negative = term.could_extract_minus_sign()
            written = at_least(write(-term if negative else term), OPEN)
            if position:
                parts += [Break(), MINUS if negative else PLUS]
            elif negative:
                parts.append(SIGN)
            parts += written.parts
        return Formula(tuple(parts), ADD)
    if value.could_extract_minus_sign():
        return Formula((SIGN, *at_least(write(-value), OPEN).parts), ADD)
    numerator, denominator = value.as_numer_denom()
    if denominator != 1:
        return fraction_of(write(numerator), write(denominator))
    if isinstance(value, SymMul):
        return product_of([write(factor) for factor in value.as_ordered_factors()])
    if isinstance(value, SymPow) and value.exp == Rational(1, 2):
        return root_of(write(value.base))
    if isinstance(value, SymPow):
        exponent = write(value.exp)
        return scripted(write(value.base), superscript(flat(exponent.parts), exponent.width))
    if isinstance(value, Min | Max):
        tex, width = (r"\min", 1.9) if isinstance(value, Min) else (r"\max", 2.0)
        return call_of(tex, width, [write(a) for a in sorted(value.args, key=default_sort_key)])
    if isinstance(value, floor | ceiling):
        name = "floor" if isinstance(value, floor) else "ceil"
        return bracket(write(value.args[0]), rf"\l{name} ", rf"\r{name}")
    if isinstance(value, log):
        return function_of(r"\log", 1.3, write(value.args[0]))
    if isinstance(value, exp):
        return exponential_of(write(value.args[0]))
    written = {symbol: name_latex(symbol.name) for symbol in value.free_symbols if isinstance(symbol, Symbol)}
    text = sympy_latex(value, symbol_names=written)
    return Formula((Piece(text, 0.5 * len(str(value)) + 0.5, 1),), CALL if value.args else ATOM)
