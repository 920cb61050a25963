r"""LaTeX formulas as MathML Core, for pages without script or network.

The LaTeX of :mod:`symderive.language.views.latex` uses few commands; this reads
exactly those, so that sums carry their limits above and below, ``\log`` keeps its
distance, words stand upright and brackets have the size that was asked for.  A
formula with any other command goes through ``latex2mathml``.  Every character of
the result is escaped, whatever the formula holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from xml.etree.ElementTree import Element, ParseError, fromstring

__all__ = ["mathml"]

_TOKEN = re.compile(r"\\[A-Za-z]+ ?|\\.|:=|[0-9]+|\s+|.", re.DOTALL)

_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ϵ", "zeta": "ζ",
    "eta": "η", "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "varsigma": "ς", "tau": "τ", "upsilon": "υ", "phi": "ϕ",
    "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
    "nabla": "∇", "partial": "∂", "infty": "∞", "dots": "…", "ldots": "…", "top": "⊤",
}  # fmt: skip
_OPERATORS = {
    "cdot": "⋅", "times": "×", "odot": "⊙", "oslash": "⊘", "le": "≤", "ge": "≥", "ne": "≠", "in": "∈", "to": "→",
    "mapsto": "↦", "approx": "≈", "pm": "±", "mid": "∣", "colon": ":",
    "Rightarrow": "⇒", "iff": "⟺", "star": "⋆", "otimes": "⊗", "circ": "∘",
}  # fmt: skip
_BIG = {"sum": "∑", "prod": "∏"}
_FUNCTIONS = {"log", "exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arcsin", "arccos", "arctan", "max", "min",
              "det"}  # fmt: skip
_LIMITS = ("max", "min")
"""Functions whose subscript stands below them."""
_SPACES = {",": "0.17em", ";": "0.28em", ":": "0.22em", "!": "-0.17em", "quad": "1em", "qquad": "2em", " ": "0.3em"}
_FENCES = {"lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "{": "{", "}": "}", "langle": "⟨", "rangle": "⟩",
           "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉"}  # fmt: skip
_SIZES = {"big": None, "Big": "1.65em", "bigg": "2.1em"}
_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "acute": "´", "grave": "`", "ddot": "¨", "dot": "˙", "breve": "˘",
            "check": "ˇ"}  # fmt: skip
_BOLD = str.maketrans("01", "𝟎𝟏")
_BOLD_ITALIC = {letter: chr(0x1D736 + k) for k, letter in enumerate("αβγδεζηθικλμνξοπρςστυφχψω")}


class _UnknownCommand(Exception):
    """Internal: the formula uses something that is not in the tables."""


@dataclass
class _Reader:
    tokens: list[str]
    at: int = 0

    def peek(self) -> str | None:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self) -> str:
        token = self.peek()
        if token is None:
            raise _UnknownCommand
        self.at += 1
        return token

    def raw_group(self, commands: bool = False) -> str:
        """The text of ``{...}``, with its escapes undone; with ``commands`` it may hold some."""
        if self.next() != "{":
            raise _UnknownCommand
        depth, out = 1, []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
                if not depth:
                    return "".join(out)
            elif len(token) == 2 and token[0] == "\\" and not token[1].isalpha():
                out.append(token[1])
            elif token.startswith("\\") and not commands:
                raise _UnknownCommand
            else:
                out.append(token)
        raise _UnknownCommand

    def group(self) -> str:
        """``{...}`` or one atom, as one element."""
        if self.peek() == "{":
            self.next()
            inside = self.row(closing="}")
            return inside[0] if len(inside) == 1 else f"<mrow>{''.join(inside)}</mrow>"
        return self.atom()[0]

    def row(self, closing: str | None = None, fenced: bool = False, cell: bool = False) -> list[str]:
        """Elements up to the closing brace (taken), the closing fence or the end of a cell (left), or the end."""
        out: list[str] = []
        previous = "start"
        while True:
            token = self.peek()
            if token is None:
                if closing is not None or fenced or cell:
                    raise _UnknownCommand
                return out
            if fenced and (token in ")]" or _closes(token)):
                return out
            if fenced and token == "}":
                raise _UnknownCommand
            if cell and (token in ("&", "\\\\") or token.rstrip(" ") == "\\end"):
                return out
            if token == closing:
                self.next()
                return out
            fence = token[0] in "([" or _opens(token)
            element, kind = self.scripts(previous)
            after = previous == "function" and not fence and kind not in ("fence-open", "space", "close")
            if after or (kind == "function" and previous in ("atom", "close")):
                out.append(_space("0.17em"))
            out.append(element)
            previous = kind
        return out

    def scripts(self, previous: str) -> tuple[str, str]:
        base, kind = self.atom(previous)
        below = above = None
        while self.peek() in ("_", "^"):
            if self.next() == "_":
                below = self.group()
            else:
                above = self.group()
        if below is None and above is None:
            return base, kind
        big = kind in ("big", "limits")
        kind = "function" if kind == "limits" else kind
        if below is not None and above is not None:
            name = "munderover" if big else "msubsup"
            return f"<{name}>{base}{below}{above}</{name}>", kind
        if below is not None:
            name = "munder" if big else "msub"
            return f"<{name}>{base}{below}</{name}>", kind
        name = "mover" if big else "msup"
        return f"<{name}>{base}{above}</{name}>", kind

    def atom(self, previous: str = "start") -> tuple[str, str]:
        """The next element, and what it is to its neighbours."""
        token = self.next()
        if token == "{":
            inside = self.row(closing="}")
            if not inside:
                return "<mrow></mrow>", "atom"
            return f"<mrow>{''.join(inside)}</mrow>", "atom"
        if token in ("}", "^", "_", "&", "#", "$", "%", "~"):
            raise _UnknownCommand
        if token.isascii() and token.isdigit():
            return f"<mn>{token}</mn>", "atom"
        if token == "-":
            form = ' form="prefix"' if previous in ("start", "open", "fence-open", "operator") else ""
            return f"<mo{form}>−</mo>", "operator"
        if token in "+=<>/" or token == ":=":
            return f"<mo>{escape(token)}</mo>", "operator"
        if token == "*":
            return "<mo>∗</mo>", "atom"
        if token in ",:;":
            return f"<mo>{token}</mo>", "operator" if token == "," else "atom"
        if token in "([":
            return self.fenced(token, None)
        if token in ")]":
            return _fence(token, None, False), "close"
        if not token.startswith("\\"):
            return f"<mi>{escape(token)}</mi>", "atom"
        return self.command(token[1:].rstrip(" ") or " ")

    def table(self) -> str:
        """``{pmatrix}`` or ``{cases}`` and the cells, up to the end, in brackets."""
        name = self.raw_group()
        if name not in ("pmatrix", "cases"):
            raise _UnknownCommand
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append("".join(self.row(cell=True)))
            token = self.next().rstrip(" ")
            if token == "\\end":
                break
            if token == "\\\\":
                rows.append([])
        if self.raw_group() != name:
            raise _UnknownCommand
        align = ' style="text-align:left"' if name == "cases" else ""
        written = "".join(f"<mtr>{''.join(f'<mtd{align}>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
        left, right = ("{", "") if name == "cases" else ("(", ")")
        closing = _fence(right, "true", False) if right else ""
        return f"<mrow>{_fence(left, 'true', True)}<mtable>{written}</mtable>{closing}</mrow>"

    def fenced(self, name: str, size: str | None = None) -> tuple[str, str]:
        """Brackets with what they hold as one row, so that scripts hang on the whole; a lone one as it is."""
        start = self.at
        try:
            inside = self.row(fenced=True)
            closing = self.next()
            if re.fullmatch(r"\\(?:bigg|big|Big)r ?", closing):
                closing = self.next()
        except _UnknownCommand:
            self.at = start
            return _fence(name, size, True), "fence-open"
        stretch = "true" if size else None
        left = _fence(name, stretch, True)
        right = _fence(closing.lstrip("\\").rstrip(" "), stretch, False)
        return f"<mrow>{left}{''.join(inside)}{right}</mrow>", "close"

    def command(self, name: str) -> tuple[str, str]:
        if name in _SYMBOLS:
            return f"<mi>{_SYMBOLS[name]}</mi>", "atom"
        if name in _OPERATORS:
            return f"<mo>{_OPERATORS[name]}</mo>", "operator"
        if name in _BIG:
            return f'<mo largeop="true" movablelimits="false">{_BIG[name]}</mo>', "big"
        if name in _FUNCTIONS:
            return f"<mi>{name}</mi>", "limits" if name in _LIMITS and self.peek() == "_" else "function"
        if name in _SPACES:
            return _space(_SPACES[name]), "space"
        if name in _ACCENTS:
            inside = self.group()
            return f'<mover accent="true">{inside}<mo stretchy="false">{escape(_ACCENTS[name])}</mo></mover>', "atom"
        if name in _FENCES:
            return self.fenced(name, None) if name.startswith("l") else (_fence(name, None, False), "close")
        size = next((s for s in ("bigg", "Bigg", "big", "Big") if name in (s + "l", s + "r")), None)
        if size in _SIZES:
            token = self.next().lstrip("\\").rstrip(" ")
            if name.endswith("l"):
                return self.fenced(token, _SIZES[size])
            return _fence(token, _SIZES[size], False), "close"
        match name:
            case "frac":
                return f"<mfrac>{self.group()}{self.group()}</mfrac>", "atom"
            case "sqrt" if self.peek() == "[":
                self.next()
                order = "".join(self.row(fenced=True))
                self.next()
                return f"<mroot>{self.group()}<mrow>{order}</mrow></mroot>", "atom"
            case "sqrt":
                return f"<msqrt>{self.group()}</msqrt>", "atom"
            case "begin":
                return self.table(), "close"
            case "boldsymbol":
                letter = _SYMBOLS.get(self.raw_group(commands=True).lstrip("\\"), "")
                if letter not in _BOLD_ITALIC:
                    raise _UnknownCommand
                return f"<mi>{_BOLD_ITALIC[letter]}</mi>", "atom"
            case "operatorname":
                return f"<mi{_upright(text := self.raw_group())}>{escape(text)}</mi>", "function"
            case "mathrm" | "mathit":
                text = self.raw_group()
                return f"<mi{_upright(text)}>{escape(text)}</mi>", "atom"
            case "mathbf":
                return f"<mi{_upright(text := self.raw_group())}>{escape(text.translate(_BOLD))}</mi>", "atom"
            case "text":
                return f"<mtext>{escape(self.raw_group()).replace(' ', '&#160;')}</mtext>", "atom"
        raise _UnknownCommand


def _upright(text: str) -> str:
    """A single letter in ``<mi>`` is italic unless it is told otherwise."""
    return ' mathvariant="normal"' if len(text) == 1 else ""


def _space(width: str) -> str:
    return f'<mspace width="{width}"></mspace>'


def _opens(token: str) -> bool:
    return token.rstrip(" ") in ("\\bigl", "\\Bigl", "\\biggl", "\\{") or _is_fence(token, "l")


def _closes(token: str) -> bool:
    return token.rstrip(" ") in ("\\bigr", "\\Bigr", "\\biggr", "\\}") or _is_fence(token, "r")


def _is_fence(token: str, side: str) -> bool:
    name = token[1:].rstrip(" ")
    return token.startswith("\\") and name in _FENCES and name.startswith(side)


def _fence(name: str, size: str | None, opens: bool) -> str:
    """A bracket: of its natural size, stretching with its row ("true"), or of a fixed size."""
    character = _FENCES.get(name, name)
    if len(character) != 1:
        raise _UnknownCommand
    form = "prefix" if opens else "postfix"
    stretch = 'stretchy="false"' if size is None else 'stretchy="true"'
    if size not in (None, "true"):
        stretch += f' minsize="{size}" maxsize="{size}"'
    return f'<mo form="{form}" {stretch} lspace="0em" rspace="0em">{escape(character)}</mo>'


def mathml(tex: str) -> str:
    r"""A formula as one ``<math>`` element in display style.

    Never raises: a formula that nothing can read is shown as its own text.

    >>> mathml(r"\sigma^{2}")
    '<math displaystyle="true"><msup><mi>σ</mi><mn>2</mn></msup></math>'
    """
    try:
        reader = _Reader(_TOKEN.findall(tex))
        return f'<math displaystyle="true">{"".join(reader.row())}</math>'
    except (_UnknownCommand, RecursionError):
        return _foreign(tex)


def _foreign(tex: str) -> str:
    """By latex2mathml: what it returns is read as XML and written again, so that nothing gets out."""
    from latex2mathml.converter import convert  # slow to load, and few formulas need it

    try:
        element = fromstring(convert(tex.replace("<", r"\lt ").replace(">", r"\gt ")))
    except (ParseError, Exception):
        return f'<math displaystyle="true"><mtext>{escape(tex)}</mtext></math>'
    inside = "".join(_written(child) for child in element)
    return f'<math displaystyle="true">{inside}</math>'


_ALLOWED = frozenset(
    {"mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder"}
    | {"mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom"}
)
_ATTRIBUTES = frozenset(
    ("mathvariant", "stretchy", "fence", "form", "minsize", "maxsize", "accent", "width", "columnalign", "displaystyle")
)


def _written(element: Element) -> str:
    name = element.tag.rpartition("}")[2]
    inside = escape(element.text or "") + "".join(_written(c) + escape(c.tail or "") for c in element)
    if name not in _ALLOWED:
        return f"<mrow>{inside}</mrow>" if len(element) else f"<mtext>{inside}</mtext>"
    attributes = "".join(f' {k}="{escape(v)}"' for k, v in element.attrib.items() if k in _ATTRIBUTES)
    return f"<{name}{attributes}>{inside}</{name}>"
