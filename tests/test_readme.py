"""Every Python example of the documentation runs, and prints what it says it prints."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if page.is_file()]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def as_doctest(page):
    """The page's Python blocks as one doctest: a comment ``# -> text`` after an expression is its output."""
    text = page.read_text(encoding="utf-8")
    examples = []
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        examples += _examples(block[1], line)
    return doctest.DocTest(examples, {}, page.name, str(page), 0, None)


def _examples(code, line):
    import ast

    lines = code.splitlines()
    for statement in ast.parse(code).body:
        source = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        _, arrow, wanted = lines[statement.end_lineno - 1].partition("# -> ")
        following = lines[statement.end_lineno :]
        more = []
        while following and following[0].startswith("#    "):
            more.append(following.pop(0)[5:])
        wanted = "\n".join([wanted.strip(), *more]) + "\n" if arrow else ""
        if isinstance(statement, ast.Expr) and not wanted:
            source = f"_ = ({source})" if "#" not in source else source
        yield doctest.Example(source, wanted, lineno=line + statement.lineno - 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(as_doctest(page), out=report.append)
    assert runner.failures == 0, "".join(report)
    assert runner.tries > 0
