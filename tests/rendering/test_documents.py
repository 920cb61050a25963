"""Every writer: nothing escapes, nothing overflows, pages are well formed."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from symderive.errors import UnknownNameError
from symderive.rendering.documents import document_of, write_document
from symderive.rendering.html import html_page
from symderive.rendering.latex import escape_latex, latex_blocks, latex_page
from symderive.rendering.markdown import escape_markdown, markdown_page
from symderive.rendering.mathml import mathml
from symderive.rendering.model import Document, Row, Steps, foreign, math
from symderive.rendering.terminal import plain, text_page
from symderive.rendering.words import LANGUAGES, words

from . import samples

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Balanced(HTMLParser):
    """Fails on a tag that is not closed in order; collects tags and attributes."""

    def __init__(self):
        super().__init__()
        self.stack, self.tags, self.attributes, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(page):
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert not parser.stack
    return parser


@pytest.mark.parametrize("text", [*samples.HOSTILE, "An ordinary page"])
def test_html_is_well_formed_and_inert(text):
    page = html_page(samples.page(text))
    parser = parsed(page)
    assert not {"script", "img", "iframe", "object", "link", "form", "input"} & set(parser.tags)
    assert not any(name.startswith("on") or name in ("src", "href") for name, _ in parser.attributes)
    assert "http" not in re.sub(re.escape("https://x.invalid"), "", page)
    shown = " ".join("".join(parser.text).split())
    assert " ".join(text.split()) in shown
    for formula in re.findall(r"<math.*?</math>", page, re.DOTALL):
        ElementTree.fromstring(formula.replace("&#160;", " "))


def test_html_carries_everything_with_it():
    page = html_page(samples.page())
    assert page.count("<details") >= 2
    assert "<svg" in page
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    for label in ("proved", "checked", "undecided", "refuted"):
        assert f'sd-{label}"' in page


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{</math><script>alert(1)</script>}",
        "</math><script>alert(1)</script>",
        r"\href{javascript:alert(1)}{x}",
        r"\style{color:red}{x}",
        "{{{",
        "}}}",
        r"\frac{1}",
        r"\left(",
        r"\begin{align}",
        "$x$",
        "x" * 5000,
        "{" * 3000,
        r"\bigl(" * 500,
    ],
)
def test_mathml_of_anything_is_well_formed(tex):
    written = mathml(tex)
    assert "<script" not in written
    assert "javascript" not in written or "<mtext>" in written or "<mi>j</mi>" in written
    ElementTree.fromstring(written)


def test_mathml_reads_what_the_latex_view_writes():
    for text in (
        r"\sum_{i=1}^{n}x_{i}",
        r"\bigl(\lVert r\rVert^{2}\bigr)^{\top}",
        r"\quad{} + \mathbf{1}",
        r"\hat{y}_{\mathrm{ab}}",
    ):
        assert "<mtext>" not in mathml(text)
    assert "<munderover>" in mathml(r"\sum_{i=1}^{n}x_{i}")
    assert mathml(r"(a)^{2}").count("<msup><mrow>") == 1


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_markdown_shows_hostile_text_as_text(text):
    page = markdown_page(samples.page(text))
    outside = re.sub(r"(?s)(`{3,}).*?\n\1", "", page)
    outside = re.sub(r"(`+).*?\1", "", outside)
    allowed = re.sub(r"</?(details|summary)>", "", outside)
    assert not re.search(r"(?<!\\)<[a-zA-Z/!]", allowed)
    assert "\n# not a heading" not in outside
    for line in escape_markdown(text).split("\n"):
        assert not re.search(r"(?<!\\)[`*_$]", line)


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_terminal_text_cannot_drive_the_terminal(text):
    page = text_page(samples.page(text))
    assert all(c.isprintable() or c == "\n" for c in page)
    assert plain(text).split()[0] in page


@pytest.mark.parametrize("width", [60, 96])
def test_terminal_lines_are_wrapped(width):
    blocks = tuple(
        Steps((Row("", foreign("L", "L"), math(a)), Row("1", None, math(a), "a rule " * 30)))
        for a in samples.long_formulas()
    )
    page = text_page(Document("A title", blocks), width)
    assert max(len(line) for line in page.split("\n")) <= max(width, 70)


def test_latex_escapes_every_special_character():
    for character in "\\{}$&#%_^~":
        assert character not in re.sub(r"\\(text\w+\{\}|[{}$&#%_])", "", escape_latex(character))
    assert escape_latex("变") == r"\texttt{U+53D8}"
    assert escape_latex("变", "xelatex") == "变"


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html"])
@pytest.mark.parametrize("lang", sorted(LANGUAGES))
def test_every_format_writes_every_language(form, lang):
    document = document_of("title", samples.page(lang=lang).blocks, lang)
    assert words(lang)["legend"] in write_document(document, form) or form == "latex"


def test_unknown_languages_and_formats_are_refused():
    with pytest.raises(UnknownNameError, match="en, zh"):
        words("xx")
    with pytest.raises(UnknownNameError, match="html"):
        write_document(samples.page(), "docx")


def test_every_language_has_every_label():
    for lang, labels in LANGUAGES.items():
        assert labels.keys() == LANGUAGES["en"].keys(), lang


# -- what the programs say -----------------------------------------------------------------------

needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")


def compiled(page, folder):
    """The log of pdflatex; a failure to compile fails the test."""
    (folder / "page.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    log = (folder / "page.log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-2000:]
    return log


def complaints(log):
    return re.findall(r".*(?:Warning|Overfull|Underfull|Missing character).*", log)


@needs_pdflatex
def test_latex_compiles_without_a_complaint(tmp_path):
    assert complaints(compiled(latex_page(samples.page()), tmp_path)) == []


@needs_pdflatex
def test_hostile_texts_compile_and_stay_text(tmp_path):
    blocks = tuple(block for text in samples.HOSTILE for block in samples.page(text).blocks)
    log = compiled(latex_page(Document(samples.HOSTILE[0], blocks)), tmp_path)
    assert complaints(log) == []
    assert "/etc/passwd" not in log


@needs_pdflatex
def test_long_formulas_stay_on_the_page(tmp_path):
    lines = samples.long_formulas()
    rows = [Row("", foreign(r"\nabla_{w} L", "g"), math(lines[0]))]
    rows += [Row(str(i), None, math(a), "a rule", (), "", (), "proved") for i, a in enumerate(lines)]
    rows += [Row(str(i), math(a), math(a), "both sides long", (), "", (), "proved") for i, a in enumerate(lines)]
    assert complaints(compiled(latex_page(Document("Long lines", (Steps(tuple(rows)),))), tmp_path)) == []


@needs_pdflatex
def test_a_fragment_needs_three_packages(tmp_path):
    fragment = latex_blocks(samples.page().blocks)
    packages = r"\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{amsmath,amssymb,graphicx}"
    compiled(rf"\documentclass{{article}}{packages}\begin{{document}}{fragment}\end{{document}}", tmp_path)


@needs_chromium
def test_chromium_shows_the_page_without_scrolling(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(html_page(samples.page()), encoding="utf-8")
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1050,900", "--dump-dom", f"file://{page}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, text=True)
    assert done.returncode == 0
    assert done.stdout.count("<math") == html_page(samples.page()).count("<math")
