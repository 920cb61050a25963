r"""LaTeX: an ``align*`` for a derivation, or a document that compiles without a warning.

A document is for ``pdflatex`` (``xelatex`` for Chinese), needs amsmath, amssymb and
graphicx, loads nothing from outside and runs no shell.  Lines are broken before
they are too long, by the widths that formulas know; a single piece that is wider
than the page is scaled down to it.  Every text is escaped character by character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from symderive.language.views.formula import (
    ADD,
    Break,
    Formula,
    Piece,
    formula_latex,
    formula_lines,
    line_widths,
)
from symderive.rendering.model import (
    Block,
    Claim,
    Code,
    Curve,
    Definitions,
    Document,
    Heading,
    Math,
    Note,
    Row,
    Rules,
    Steps,
    Table,
    Text,
    proof_lines,
)
from symderive.rendering.words import words

__all__ = ["escape_latex", "latex_blocks", "latex_page"]

#: What formulas use of the document's text width of 45.5 em, in em of its 10pt font.
WIDTH = 43.0
#: A left side wider than this stands on a line of its own.
LEFT_WIDTH = 12.0
#: Definitions up to this width stand in the text.
INLINE_WIDTH = 24.0
_EQUALS = Piece(" = ", 1.34, 0, "op")
#: How a line that goes on starts.
_CONTINUED = r"\quad{}"
#: Characters of a line of code.
CODE_WIDTH = 96

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "-": "{-}", "[": "{[}", "]": "{]}", "*": "{*}",
    "–": "--", "—": "---", "…": r"\dots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "\u00a0": "~",
}  # fmt: skip
_IN_MATH = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "ζ": r"\zeta", "η": r"\eta",
    "θ": r"\theta", "ι": r"\iota", "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi",
    "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "υ": r"\upsilon", "φ": r"\varphi", "χ": r"\chi", "ψ": r"\psi",
    "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi",
    "Σ": r"\Sigma", "Υ": r"\Upsilon", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega", "∂": r"\partial", "∇": r"\nabla",
    "∑": r"\sum", "∏": r"\prod", "√": r"\surd", "∞": r"\infty", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx",
    "⇒": r"\Rightarrow", "→": r"\to", "↦": r"\mapsto", "⟨": r"\langle", "⟩": r"\rangle", "∈": r"\in", "⊙": r"\odot",
    "⊘": r"\oslash", "∘": r"\circ", "⊗": r"\otimes", "·": r"\cdot", "×": r"\times", "−": "-", "‖": r"\Vert",
    "ᵀ": r"^{\top}", "⊤": r"\top", "ℓ": r"\ell", "∀": r"\forall", "∃": r"\exists", "⇔": r"\Leftrightarrow",
    "𝟏": r"\mathbf{1}", "²": "^{2}", "³": "^{3}", "¹": "^{1}", "⁻": "^{-}", "ᵢ": "_{i}", "ⱼ": "_{j}", "±": r"\pm",
    "∝": r"\propto", "≡": r"\equiv", "∫": r"\int", "ℝ": r"\mathbb{R}", "′": r"^{\prime}", "½": r"\tfrac{1}{2}",
}  # fmt: skip


def escape_latex(text: str, engine: str = "pdflatex") -> str:
    r"""Text that LaTeX prints as it is.

    Greek letters and mathematical signs become formulas; with ``pdflatex`` other
    characters that its fonts lack become their code point.

    >>> escape_latex(r"\input{x} 100% of a_b")
    '\\textbackslash{}input\\{x\\} 100\\% of a\\_b'
    """
    out: list[str] = []
    for character in text:
        if character in _SPECIAL:
            out.append(_SPECIAL[character])
        elif character in _IN_MATH:
            out.append(rf"\ensuremath{{{_IN_MATH[character]}}}")
        elif character.isascii():
            out.append(character if character.isprintable() else " ")
        elif not character.isprintable():
            out.append(" ")
        elif _in_latin_fonts(character) or (engine == "xelatex" and _in_chinese_fonts(character)):
            out.append(character)
        else:
            out.append(rf"\texttt{{U+{ord(character):04X}}}")
    return "".join(out)


def _in_latin_fonts(character: str) -> bool:
    """Whether the T1 fonts have the letter: Latin-1 and the accented letters of Latin Extended-A."""
    if "\u00c0" <= character <= "\u00ff" and character.isalpha():
        return True
    if character in "ĄąĆćĘęŁłŃńŚśŹźŻżČčĎďĚěŇňŘřŠšŤťŮůŽžĂăŞşŢţŐőŰűĞğİı":
        return True
    return character in "§¿¡«»£" and unicodedata.category(character)[0] in "PS"


def _in_chinese_fonts(character: str) -> bool:
    """Whether a Chinese font has the character: ideographs, their punctuation, full-width forms, general marks."""
    return any(low <= character <= high for low, high in _CHINESE)


_CHINESE = (("\u2010", "\u2027"), ("\u3000", "\u303f"), ("\u4e00", "\u9fff"), ("\uff00", "\uffef"))

_PREAMBLE = r"""\documentclass[10pt,a4paper,fleqn]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{graphicx}
"""
_PREAMBLE_ZH = r"""\documentclass[10pt,a4paper,fleqn]{ctexart}
\ctexset{section/format=\Large\bfseries\raggedright,subsection/format=\large\bfseries\raggedright}
\pagestyle{plain}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{graphicx}
"""
_SETTINGS = r"""\allowdisplaybreaks
\setlength{\mathindent}{1em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 1pt}
\setlength{\emergencystretch}{3em}
\raggedright
\raggedbottom
\begin{document}
\setlength{\abovedisplayskip}{5pt plus 2pt}
\setlength{\belowdisplayskip}{5pt plus 2pt}
"""


def latex_page(document: Document) -> str:
    """A whole document; for ``lang="zh"`` one for xelatex."""
    engine = "xelatex" if document.lang == "zh" else "pdflatex"
    preamble = _PREAMBLE_ZH if document.lang == "zh" else _PREAMBLE
    title = rf"{{\LARGE\bfseries {escape_latex(document.title, engine)}\par}}\medskip" + "\n"
    body = latex_blocks((*document.blocks, *document.legend), document.lang, engine)
    return f"{preamble}{_SETTINGS}{title}\n{body}\n\\end{{document}}\n"


def latex_blocks(blocks: Sequence[Block], lang: str = "en", engine: str = "") -> str:
    """Blocks as a fragment for a document that loads amsmath, amssymb and graphicx."""
    writer = _Writer(words(lang), engine or ("xelatex" if lang == "zh" else "pdflatex"))
    out = ""
    for part in filter(None, map(writer.block, blocks)):
        # an empty line before a display would be a paragraph of its own
        out += part if not out else f"\n{part}" if part.startswith(r"\begin{align*}") else f"\n\n{part}"
    return out


class _Writer:
    def __init__(self, labels: dict[str, str], engine: str) -> None:
        self.labels = labels
        self.engine = engine

    def text(self, text: str) -> str:
        return escape_latex(" ".join(text.split()), self.engine)

    def block(self, block: Block) -> str:
        match block:
            case Heading(level=level, text=text):
                command = "section*" if level <= 2 else "subsection*"
                return rf"\{command}{{{self.text(text)}}}"
            case Text(text=text):
                return "\n\n".join(self.text(part) for part in text.split("\n\n"))
            case Note():
                return self.note(block)
            case Steps(rows=rows):
                return self.steps(rows)
            case Rules():
                return self.rules(block)
            case Definitions(lead=lead, items=items):
                lines: list[str] = []
                if all(name.formula.width + body.formula.width < INLINE_WIDTH for name, body in items):
                    inline = [f"${formula_latex(n.formula)} = {formula_latex(b.formula)}$" for n, b in items]
                    return f"{self.text(lead)} {self.labels['comma'].join(inline)}{self.labels['stop']}"
                for name, body in items:
                    left = formula_latex(name.formula)
                    lines += self.equation(f"{left} &= ", body.formula, WIDTH - name.formula.width - 2, "&")
                return self.text(lead) + "\n\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"
            case Claim():
                return self.claim(block)
            case Code(text=text):
                return self.code(text)
            case Table():
                return self.table(block)
            case Curve():
                return ""

    def breakable(self, text: str) -> str:
        """Text whose long words may break at punctuation."""
        out = self.text(text)
        for mark in (",", ";", ")", "]", "=", "/", ":"):
            out = out.replace(mark, mark + r"\allowbreak{}")
        return out

    def piece(self, line: str, formula_width: float, room: float) -> str:
        """A line that cannot be broken further, scaled where it is still too wide."""
        if formula_width <= room:
            return line
        return rf"\resizebox{{{room:.1f}em}}{{!}}{{$\displaystyle {line}$}}"

    def equation(self, lead: str, formula: Formula, room: float, mark: str) -> list[str]:
        """``lead`` and the formula over as many lines as it needs."""
        first, *rest = formula_lines(formula, room)
        if not rest:
            return [lead + self.piece(first, formula.width, room)]
        widths = line_widths(formula, room)
        lines = [lead + self.piece(first, widths[0], room)]
        lines += [f"{mark}{self.piece(line, width, room)}" for line, width in zip(rest, widths[1:], strict=True)]
        return lines

    def note(self, note: Note) -> str:
        return rf"\textbf{{{self.text(note.label)}}}{self.labels['colon'].strip()} {self.breakable(note.text)}"

    def steps(self, rows: Sequence[Row]) -> str:
        """One ``align*``; a line's rule stands at the right margin, or with its general form above the line."""
        left_width = max(
            (r.left.formula.width for r in rows if r.left and r.left.formula.width <= LEFT_WIDTH), default=0
        )
        room = WIDTH - left_width - 2
        out = "\\begin{align*}\n"
        pending = False
        for row in rows:
            if row.forms:
                out += ("\n" if pending else "") + self.explained(row)
            elif pending:
                out += " \\\\\n"
            lines: list[str] = []
            if row.left is not None and row.left.formula.width > LEFT_WIDTH:
                indent = rf"\hspace{{-{left_width:.1f}em}}" if left_width else ""
                lines += self.equation(f"&{indent}", row.left.formula, WIDTH - 2, f"&{indent}")
                lines += self.equation("&= ", row.right.formula, room, "&")
            else:
                left = "{}" + formula_latex(row.left.formula) if row.left is not None else ""
                lines += self.equation(f"{left} &= ".lstrip(), row.right.formula, room, "&")
            out += " \\\\\n".join(self.marked(lines, row))
            pending = True
        out += "\n\\end{align*}"
        inner = [self.substeps(row) for row in rows if row.substeps]
        return "\n\n".join((out, *inner))

    def substeps(self, row: Row) -> str:
        """The small steps of a line; each is an equation of its own, so they start at the margin."""
        title = self.text(self.labels["steps"].format(number=row.number))
        lines: list[str] = []
        for step in row.substeps:
            sides = (
                (step.left.formula.parts, (_EQUALS,), step.right.formula.parts)
                if step.left
                else ((_EQUALS,), step.right.formula.parts)
            )
            whole = Formula(
                tuple(part for k, side in enumerate(sides) for part in ((Break(),) if k == 1 else ()) + side), ADD
            )
            lines += self.marked(self.equation("&", whole, WIDTH - 2, "&"), step)
        body = " \\\\\n".join(lines)
        return rf"\textbf{{{title}}}" + f"\n\\begin{{align*}}\n{body}\n\\end{{align*}}"

    def marked(self, lines: list[str], row: Row) -> list[str]:
        """Lines with the name of their rule at the margin of the last one, where it does not stand above them."""
        if not row.rule or row.forms:
            return lines
        lines = [*lines, *(rf"&\quad\text{{\footnotesize {remark}}}" for remark in self.remarks(row))]
        lines[-1] += rf" \tag*{{\footnotesize {self.named(row)}}}"
        return lines

    def status(self, row: Row) -> str:
        return rf"\textit{{{self.text(self.labels.get(row.status, row.status))}}}" if row.status else ""

    def remarks(self, row: Row) -> list[str]:
        """What a line needs, and what is to be said about this very line."""
        parts = [self.text(row.reason)] if row.reason else []
        if row.conditions:
            conditions = self.labels["comma"].join(f"${formula_latex(c.formula)}$" for c in row.conditions)
            parts.append(f"{self.text(self.labels['given'])} {conditions}")
        return parts

    def named(self, row: Row) -> str:
        number = rf"\textbf{{{self.text(row.number)}}} " if row.number else ""
        return number + self.labels["semicolon"].join(filter(None, (self.text(row.rule), self.status(row))))

    def explained(self, row: Row) -> str:
        """The rules with their general forms, the conditions and the verdict, above the line."""
        forms = [
            rf"\textbf{{{self.text(name)}}}" + (self.labels["colon"] + self.inline(form) if form else "")
            for name, form in row.forms
        ]
        number = rf"\textbf{{{self.text(row.number)}.}} " if row.number else ""
        parts = (number + self.labels["semicolon"].join(forms), *self.remarks(row), self.status(row))
        return rf"\intertext{{\raggedright {' --- '.join(filter(None, parts))}}}" + "\n"

    def inline(self, form: Math) -> str:
        """A formula in a text: it breaks after relations, and where it lists several."""
        return r" \allowbreak ".join(
            f"${line.removeprefix(_CONTINUED)}$" for line in formula_lines(form.formula, INLINE_WIDTH)
        )

    def rules(self, rules: Rules) -> str:
        """A list of the rules with all that there is to say about them."""
        items = []
        for entry in rules.entries:
            parts = [rf"\textbf{{{self.text(entry.name)}}}{self.labels['colon']}{self.inline(entry.form)}"]
            if entry.conditions:
                parts.append(f"{self.text(self.labels['given'])} {self.breakable(entry.conditions)}")
            parts += [self.breakable(part) for part in (entry.reason,) if part]
            if entry.source:
                parts.append(rf"\textit{{{self.text(entry.source)}}}")
            items.append(rf"\item {' --- '.join(parts)}")
        listed = "\n".join(items)
        return rf"\textbf{{{self.text(rules.lead)}}}" + f"\n\\begin{{itemize}}\n{listed}\n\\end{{itemize}}"

    def claim(self, claim: Claim) -> str:
        status = self.text(self.labels.get(claim.status, claim.status))
        parts = [rf"\subsection*{{{self.text(claim.title)} --- \textit{{{status}}}}}"]
        parts.append(rf"{{\ttfamily {self.breakable(claim.claim)}\par}}")
        parts += [self.note(note) for note in claim.notes]
        if claim.proof:
            items = "\n".join(rf"\item {self.proof(entry)}" for entry in claim.proof)
            parts.append(rf"\textbf{{{self.text(self.labels['proof'])}}}{self.labels['colon'].strip()}")
            parts.append(f"\\begin{{enumerate}}\n{items}\n\\end{{enumerate}}")
        return "\n\n".join(parts)

    def proof(self, entry: str) -> str:
        """A line of a proof, what stands under it indented."""
        lines = [rf"\hspace*{{{2 * depth}em}}{self.breakable(line)}" for depth, line in proof_lines(entry)]
        return "\\newline\n".join(lines).replace(r"\hspace*{0em}", "")

    def code(self, text: str) -> str:
        lines = []
        for line in text.rstrip().split("\n"):
            line = line.expandtabs(4)
            indent = " " * (len(line) - len(line.lstrip()) + 4)
            while len(line) > CODE_WIDTH:
                cut = line.rfind(" ", len(indent) + 1, CODE_WIDTH)
                cut = CODE_WIDTH if cut <= len(indent) else cut
                lines.append(line[:cut])
                line = indent + line[cut:].lstrip()
            lines.append(line)
        written = "\\\\\n".join(rf"\mbox{{{self.typewriter(line)}}}" for line in lines)
        return f"{{\\footnotesize\\ttfamily\\setlength{{\\parskip}}{{0pt}}%\n{written}\\par}}"

    def typewriter(self, line: str) -> str:
        return escape_latex(line, self.engine).replace(" ", r"\ ")

    def table(self, table: Table) -> str:
        columns = "l" + "r" * (len(table.head) - 1)
        lines = [" & ".join(rf"\textbf{{{self.text(h)}}}" for h in table.head) + r" \\ \hline"]
        lines += [" & ".join(self.text(cell) for cell in row) + r" \\" for row in table.rows]
        body = "\n".join(lines)
        return (
            "{\\small\\setlength{\\tabcolsep}{5pt}%\n"
            f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n{body}\n\\end{{tabular}}\\par}}"
        )
