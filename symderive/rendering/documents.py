"""The front: a derivation, a verdict or a page, written in a format."""

from __future__ import annotations

from typing import Any

from symderive.errors import UnknownNameError
from symderive.judgement.verdicts import Verdict
from symderive.rendering.html import html_blocks, html_page
from symderive.rendering.json import to_json
from symderive.rendering.latex import latex_blocks, latex_page
from symderive.rendering.markdown import markdown_blocks, markdown_page
from symderive.rendering.model import (
    Block,
    Document,
    claim_blocks,
    derivation_blocks,
    derivation_title,
    legend_blocks,
    statuses,
)
from symderive.rendering.terminal import text_blocks, text_page
from symderive.rendering.words import words

__all__ = ["DETAILS", "FORMATS", "document_of", "write", "write_document"]

_PAGES = {"text": text_page, "markdown": markdown_page, "latex": latex_page, "html": html_page}
_FRAGMENTS = {"text": text_blocks, "markdown": markdown_blocks, "latex": latex_blocks, "html": html_blocks}

FORMATS = (*_PAGES, "json")
"""What can be written."""

DETAILS = ("brief", "full")


def document_of(title: str, blocks: tuple[Block, ...], lang: str = "en") -> Document:
    """A page with the legend of the statuses that occur in it."""
    return Document(title, blocks, lang, legend_blocks(statuses(blocks), lang))


def write_document(document: Document, form: str) -> str:
    """A whole page in a format (all but json)."""
    try:
        page = _PAGES[form]
    except KeyError:
        raise UnknownNameError(f"no page format {form!r}; there are {', '.join(_PAGES)}") from None
    return page(document)


def write(value: Any, form: str, *, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
    """A derivation, a chain or a verdict in a format.

    Parameters
    ----------
    value : Derivation, Chain or Verdict
    form : "text", "markdown", "latex", "html" or "json"
    document : a whole document instead of a fragment
    detail : "brief" shows the lines and names their rules, "full" also states the rules and shows
        the smaller steps inside the lines
    lang : language of everything but formulas and the author's own texts, "en" or "zh"

    Raises
    ------
    UnknownNameError
        The format, the detail or the language does not exist.

    >>> import numpy as np, symderive as sd
    >>> n = sd.dims("n")
    >>> x = sd.array("x", n)
    >>> print(write(sd.gradient(np.sum(x**2), x), "latex").splitlines()[0])
    \\begin{align*}
    """
    if form not in FORMATS:
        raise UnknownNameError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    if detail not in DETAILS:
        raise UnknownNameError(f"detail is one of {', '.join(DETAILS)}, got {detail!r}")
    words(lang)
    if form == "json":
        return to_json(value, lang=lang)
    if isinstance(value, Verdict):
        title = words(lang)["claim"]
        blocks = claim_blocks(value, title, lang, detail)
    else:
        title = derivation_title(value, lang)
        blocks = derivation_blocks(value, detail, lang)
    if document:
        return write_document(document_of(title, blocks, lang), form)
    return _FRAGMENTS[form](blocks, lang)
