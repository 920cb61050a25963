"""The Python examples of the documentation run, and print what it says they print."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if page.is_file()]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page, tmp_path, monkeypatch):
    """A page is one session: its blocks share their names, and those with ``>>>`` show output."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace, report = {"__name__": page.stem}, []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        if block[1].startswith(">>>"):
            session = doctest.DocTestParser().get_doctest(block[1], namespace, page.name, str(page), line)
            runner.run(session, out=report.append, clear_globs=False)
            namespace = session.globs
        else:
            exec(compile("\n" * line + block[1], str(page), "exec"), namespace)
    assert runner.failures == 0, "".join(report)
