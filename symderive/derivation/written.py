"""What derivations and chains share: the documents they can be written as."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Written:
    """Methods that write a derivation; the writers live in ``symderive.rendering``, loaded on demand."""

    def __str__(self) -> str:
        return self._write("text")

    def to_latex(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """LaTeX (amsmath): a fragment, or with ``document=True`` a whole document."""
        return self._write("latex", document=document, detail=detail, lang=lang)

    def to_html(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """HTML with MathML: a fragment, or with ``document=True`` one self-contained page."""
        return self._write("html", document=document, detail=detail, lang=lang)

    def to_markdown(self, document: bool = False, detail: str = "brief", lang: str = "en") -> str:
        """Markdown with ``$$`` formulas."""
        return self._write("markdown", document=document, detail=detail, lang=lang)

    def to_json(self) -> str:
        """JSON that ``symderive.rendering.json.from_json`` reads back to the same object."""
        return self._write("json")

    def _write(self, form: str, **options: Any) -> str:
        documents = import_module("symderive.rendering.documents")
        return documents.write(self, form, **options)
