"""What derivations and chains share: the documents they can be written as."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

Title = str | Mapping[str, str]
"""A title, or one for each language: ``{"en": "Logistic regression", "zh": "逻辑回归"}``."""


class Written:
    """Methods that write a derivation; the writers live in ``symderive.rendering``, loaded on demand.

    Each takes ``detail``, "brief" for the lines with their rules' names or "full" for the rules'
    general forms and reasons and the steps inside the steps as well, and ``lang``, "en" or "zh".
    """

    def __str__(self) -> str:
        return self._write("text")

    def to_text(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """Lines for a terminal; ``str`` is the brief ones in English."""
        return self._write("text", document=document, detail=detail, lang=lang)

    def to_latex(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """LaTeX (amsmath): a fragment, or with ``document=True`` a whole document.

        A document is for ``pdflatex``, a Chinese one for ``xelatex`` with ctex.
        """
        return self._write("latex", document=document, detail=detail, lang=lang)

    def to_html(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """HTML with MathML: a fragment, or with ``document=True`` one self-contained page."""
        return self._write("html", document=document, detail=detail, lang=lang)

    def to_markdown(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """Markdown with ``$$`` formulas."""
        return self._write("markdown", document=document, detail=detail, lang=lang)

    def to_json(self, lang: str = "en") -> str:
        """JSON that ``symderive.rendering.json.from_json`` reads back to the same object.

        ``lang`` is the language of what it says about rules.
        """
        return self._write("json", lang=lang)

    def _write(self, form: str, **options: Any) -> str:
        documents = import_module("symderive.rendering.documents")
        return documents.write(self, form, **options)
