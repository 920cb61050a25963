"""The page about files of claims: what it shows runs, and says everything; and the shipped file is as it expects."""

import doctest
import re
from pathlib import Path

import pytest

from symderive.checking import claim_files
from symderive.checking.batches import Batch
from symderive.checking.claim_files import CURVED_KINDS, EXPECTED, read_claim_file
from symderive.checking.workers import Limits
from symderive.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
FIELD = ROOT / "derivations" / "claims" / "field.toml"


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL).group(1)


def test_the_example_runs_as_shown(tmp_path, capsys):
    path = tmp_path / "claims.toml"
    path.write_text(block("toml"), encoding="utf-8")
    assert main(["check", str(path), "--workers", "2"]) == 0

    def unclocked(text):
        return [re.sub(r"\d+\.\d\d", "0.00", line).split() for line in text.strip().splitlines()]

    shown = block("console").partition("\n")[2]
    assert unclocked(capsys.readouterr().out) == unclocked(shown)


def test_the_example_in_json_runs(tmp_path, capsys):
    path = tmp_path / "claims.json"
    path.write_text(block("json"), encoding="utf-8")
    assert main(["check", str(path), "--workers", "1"]) == 0
    assert "2 claims: 2 proved" in capsys.readouterr().out


def test_the_python_example_runs():
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    test = doctest.DocTestParser().get_doctest(block("python"), {}, "claims.md", None, 0)
    assert runner.run(test).failed == 0
    assert len(test.examples) == 6


def test_every_key_is_on_the_page():
    table = PAGE.partition("<!-- keys of a claim -->\n")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == claim_files._CLAIM_KEYS
    for word in (*EXPECTED, *CURVED_KINDS, *claim_files._FILE_KEYS, *claim_files._DEFAULT_KEYS):
        assert f"`{word}`" in PAGE or f"[{word}]" in PAGE, word


def test_the_shipped_file_has_true_and_false_claims():
    claims = read_claim_file(FIELD).claims
    assert len(claims) >= 60
    assert 0.25 < sum(claim.expect == "refuted" for claim in claims) / len(claims) < 0.5
    assert all(claim.tags for claim in claims)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_the_shipped_file_is_as_it_expects(every):
    claims = [("", claim) for claim in read_claim_file(FIELD).claims[::every]]
    with Batch(claims, workers=2, limits=Limits(60)) as batch:
        odd = [(o.claim.id, str(o.verdict.status), o.verdict.reason) for o in batch.outcomes() if not o.as_expected]
    assert odd == []
