"""The command line: exit statuses, one clear line for each mistake, nothing executed that was read."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import symderive as sd
from symderive.checking.batches import Batch
from symderive.cli import main
from symderive.errors import DomainError, ReadError
from symderive.language.domain_text import read_domain

LEAST_SQUARES = ["np.sum((X@w-y)**2)", "--shape", "X=n,d", "--shape", "w=d", "--shape", "y=n"]


def run(capsys, *argv):
    """Exit status, standard output and standard error; argparse's SystemExit counts as a status."""
    try:
        status = main(argv)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


def process(*argv, **options):
    return subprocess.run(
        [sys.executable, "-m", "symderive", *argv], capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_do_not_load_sympy(option):
    code = (
        "import sys; from symderive.cli import main\n"
        f"try: main([{option!r}])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'sympy', 'numpy', 'scipy', 'flint'} & sys.modules.keys()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "symderive" in result.stdout


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"symderive {sd.__version__}\n", "")


def test_python_m_symderive():
    result = subprocess.run([sys.executable, "-m", "symderive", "--version"], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stdout == f"symderive {sd.__version__}\n"


# -- derive ------------------------------------------------------------------


def test_derive(capsys):
    status, out, err = run(capsys, "derive", *LEAST_SQUARES, "--wrt", "w")
    assert (status, err) == (0, "")
    assert "2 * X.T @ (X @ w - y)" in out.replace("2*X", "2 * X").replace("X@w", "X @ w")


def test_derive_hessian(capsys):
    status, out, _ = run(capsys, "derive", *LEAST_SQUARES, "--wrt", "w", "--order", "2")
    assert status == 0
    assert "X.T @ X" in out


@pytest.mark.parametrize("form", ["text", "latex", "markdown", "html", "json"])
def test_formats(capsys, form):
    status, out, _ = run(capsys, "derive", *LEAST_SQUARES, "--wrt", "w", "--format", form)
    assert status == 0
    assert out.strip()


def test_derive_into_a_file(capsys, tmp_path):
    file = tmp_path / "page.html"
    status, out, _ = run(
        capsys, "derive", *LEAST_SQUARES, "--wrt", "w", "--format", "html", "--out", str(file)
    )
    assert status == 0
    assert str(file) in out
    assert "<html" in file.read_text(encoding="utf-8")


def test_a_text_may_start_with_a_minus_sign(capsys):
    status, out, err = run(capsys, "derive", "-w@w", "--shape", "w=d", "--wrt", "w")
    assert (status, err) == (0, "")
    assert re.search(r"-2 ?\* ?w", out)


def test_a_jacobian_for_a_vector(capsys):
    status, out, _ = run(capsys, "derive", "X@w", "--shape", "X=n,d", "--shape", "w=d", "--wrt", "w")
    assert status == 0
    assert "X" in out


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["derive", "np.sum((X@w-y)**2", "--shape", "w=d", "--wrt", "w"], "column"),
        (["derive", "w@v", "--shape", "w=d", "--wrt", "w"], "v"),
        (["derive", "w@w", "--shape", "w=d", "--wrt", "u"], "--shape u="),
        (["derive", "w@w", "--shape", "w", "--wrt", "w"], "NAME="),
        (["derive", "w@w", "--shape", "w=d-1", "--wrt", "w"], "d-1"),
        (["derive", "X@w", "--shape", "X=n,d", "--shape", "w=n", "--wrt", "w"], "(n, d)"),
        (["derive", "w@w", "--shape", "w=d", "--domain", "v=real", "--wrt", "w"], "--shape v="),
        (["derive", "__import__('os').system('true')", "--shape", "w=d", "--wrt", "w"], "column"),
        (["derive", "w@w", "--shape", "w=d"], "--wrt"),
        (["check", "x", "~", "x", "--shape", "x="], "states one of"),
        (["check", "x + 1", "--shape", "x="], "a relation is needed"),
        (["check", "x == 1 == x", "--shape", "x="], "chained"),
        (["check", "x", "==", "--shape", "x="], "three"),
        (["run"], "--all"),
        (["run", "no_such_subject"], "no_such_subject"),
        (["run", "no_such_file.py"], "no such file"),
        (["list", "no_such_subject"], "no_such_subject"),
        (["nonsense"], "nonsense"),
        ([], "COMMAND"),
    ],
)
def test_mistakes(capsys, argv, word):
    status, out, err = run(capsys, *argv)
    assert status == 2
    assert out == ""
    assert word in err
    assert "Traceback" not in err
    assert "symderive" in err


# -- check -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        (["expit(-x)", "==", "1-expit(x)"], 0),
        (["expit(-x) == 1 - expit(x)"], 0),
        (["expit(-x) == 1 + expit(x)"], 1),
        (["x**2 >= 0"], 0),
        (["x**2 > 0"], 1),
    ],
)
def test_check(capsys, claim, status):
    found, out, err = run(capsys, "check", *claim, "--shape", "x=")
    assert (found, err) == (status, "")
    assert ("refuted" in out) == (status == 1)


def test_check_within_a_domain(capsys):
    claim = ["check", "np.log(x**2) == 2*np.log(x)", "--shape", "x="]
    assert run(capsys, *claim)[0] != 0
    assert run(capsys, *claim, "--domain", "x=positive")[0] == 0


# -- domains -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("positive", "sd.positive"),
        ("labels(0,1)", "sd.labels(0, 1)"),
        ("labels(-1, 1)", "sd.labels(-1, 1)"),
        ("interval(0, inf)", "sd.interval(0, float('inf'))"),
        ("interval(-1/2, 0.25, closed='left')", "sd.interval(Fraction(-1, 2), 0.25, closed='left')"),
        ("interval(-4, 4, 'both')", "sd.interval(-4, 4, 'both')"),
        ("simplex(axis=0)", "sd.simplex(axis=0)"),
        ("spd & positive", "sd.spd & sd.positive"),
    ],
)
def test_domains(text, domain):
    from fractions import Fraction

    assert read_domain(text) == eval(domain, {"sd": sd, "Fraction": Fraction, "float": float})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "posititve",
        "real.__class__",
        "__import__('os')",
        "labels(x)",
        "labels(9**9**9)",
        "labels(True)",
        "labels(1/0)",
        "labels('a')",
        "labels(*[1])",
        "labels(**{})",
        "interval(1)",
        "interval(0, 1, shut='left')",
        "interval(0, 1, 'left', 'right')",
        "interval(0, 1, left)",
        "interval('left', 0, 1)",
        "integers(0, 1, 'both')",
        "positive()",
        "real | positive",
        "[real for _ in (1,)]",
        "(lambda: 1)()",
        "f'{1}'",
        "(" * 500,
        "-" * 5000 + "1",
    ],
)
def test_what_is_no_domain_is_refused(text):
    with pytest.raises((ReadError, DomainError)):
        read_domain(text)


# -- how it behaves in a shell -------------------------------------------------


def test_a_broken_pipe_is_quiet():
    command = [sys.executable, "-m", "symderive", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""


def heed_interrupts():
    """What a shell starts in the background ignores interrupts, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupted_cleanly(tmp_path):
    file = tmp_path / "sleeper.py"
    file.write_text("print('ready', flush=True)\nimport time\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "symderive", "run", str(file)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    ) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.2)
        os.kill(child.pid, signal.SIGINT)
        _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert err == "symderive: interrupted\n"


# -- claim files -------------------------------------------------------------

CLAIMS = """
title = "A few"
[defaults]
domains = { p = "interval(0, 1)" }
[[claim]]
id = "entropy"
claim = "-p*log(p) - (1-p)*log(1-p) >= 0"
[[claim]]
id = "sign"
claim = "log(p) >= 0"
expect = "refuted"
"""
WRONG = CLAIMS + '[[claim]]\nid = "wrong"\ntitle = "<script>"\nclaim = "x**2 == x"\n'


@pytest.fixture
def claims(tmp_path):
    def write(text, name="claims.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_check_a_file(capsys, claims):
    status, out, err = run(capsys, "check", claims(CLAIMS), "--workers", "1")
    assert (status, err) == (0, "")
    rows = out.splitlines()
    assert re.fullmatch(r"  id       status   seconds  claim", rows[0])
    assert re.fullmatch(r"  entropy  proved   +\d+\.\d\d  -p\*log\(p\) - \(1-p\)\*log\(1-p\) >= 0", rows[1])
    assert re.fullmatch(r"  sign     refuted  +\d+\.\d\d  log\(p\) >= 0", rows[2])
    assert rows[3].strip().startswith("at p = ")
    assert rows[-1] == "2 claims: 1 proved, 1 refuted; all as expected"


def test_check_a_file_with_a_wrong_claim(capsys, claims):
    status, out, _ = run(capsys, "check", claims(WRONG), "--workers", "1")
    assert status == 1
    assert "! wrong    refuted" in out
    assert "expected: checked" in out
    assert out.splitlines()[-1] == "3 claims: 1 proved, 2 refuted; not as expected: 1"
    assert max(len(line) for line in out.splitlines()) <= 80
    status, out, _ = run(capsys, "check", claims(WRONG), "-k", "not wrong", "--workers", "1", "--lang", "zh")
    assert status == 0
    assert "共 2 个命题：已证明 1 个、已否定 1 个；均与预期相符" in out


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["-k", "entropy", "--require", "proved"], 0),
        (["-k", "no such words"], 2),
        (["--timeout", "0"], 2),
        (["--timeout", "soon"], 2),
        (["--workers", "two"], 2),
        (["--memory", "nan"], 2),
        (["--workers", "0"], 2),
        (["--report", "report.pdf"], 2),
        (["--report", "no/such/folder/report.html"], 2),
        (["--shape", "x="], 2),
        (["-k", "wrong", "--fail-fast"], 1),
    ],
)
def test_options_for_files(capsys, claims, options, status):
    found, _, err = run(capsys, "check", claims(WRONG), "--workers", "1", *options)
    assert found == status
    assert bool(err) == (status == 2)
    assert "invalid _" not in err


def test_expected_statuses(capsys, claims):
    def status(claim, expect):
        return run(capsys, "check", claims(f'[[claim]]\nclaim = "{claim}"\nexpect = "{expect}"'), "--workers", "1")[0]

    assert status("x*x >= 0", "proved") == 0
    assert status("x*x >= 0", "refuted") == 1
    assert status("x >= 0", "proved") == 1
    assert status("log(x) == log(x)", "undecided") == 0
    assert status("log(x) == log(x)", "proved") == 3
    assert status("log(x) == log(x)", "refuted") == 3


def test_fail_fast_stops(capsys, claims):
    text = "".join(f'[[claim]]\nclaim = "x**{k} == x + {k}"\n' for k in range(2, 12))
    status, out, _ = run(capsys, "check", claims(text), "--workers", "1", "--fail-fast", "--json")
    assert status == 1
    found = json.loads(out)
    assert (found["interrupted"], len(found["claims"]), found["total"]) == (True, 1, 10)


def test_several_files_and_a_text(capsys, claims):
    paths = claims(CLAIMS), claims('[{"claim": "y == y"}]', "more.json")
    status, out, _ = run(capsys, "check", *paths, "z*z >= 0", "--workers", "2")
    assert status == 0
    assert "4 claims: 3 proved, 1 refuted; all as expected" in out


def test_errors_come_before_work(capsys, claims):
    bad = claims('[[claim]]\nclaim = "x == x"\n[[claim]]\nid = "b"\nclaim = "x + == x"')
    status, out, err = run(capsys, "check", bad, "--workers", "1")
    assert (status, out) == (2, "")
    assert f"{bad}: claim 'b': " in err
    assert "column" in err
    status, _, err = run(capsys, "check", claims(CLAIMS), claims("x", "bad.json"))
    assert (status, "bad.json: not JSON" in err) == (2, True)


def test_json_of_texts(capsys):
    status, out, _ = run(capsys, "check", "x >= 0", "--json")
    assert status == 1
    found = json.loads(out)
    assert found["counts"] == {"refuted": 1}
    [claim] = found["claims"]
    assert (claim["claim"], claim["status"], claim["hint"]) == ("x >= 0", "refuted", "true if x >= 0")
    assert sd.Verdict.from_dict(claim["verdict"]).counterexample.values["x"] < 0


def test_limits_for_one_text(capsys):
    status, out, _ = run(capsys, "check", "expit(-x) == 1 - expit(x)", "--timeout", "60")
    assert status == 0
    assert out.startswith("proved: expit(-x) == 1 - expit(x)\n")
    assert "[normal form]" in out
    slow = " + ".join(f"sin({k}*x)**8*cos({k}*y)**8" for k in range(1, 25))
    start = time.monotonic()
    status, out, _ = run(capsys, "check", f"exp({slow}) == exp({slow}) + 1e-40*x*y", "--timeout", "0.3")
    assert status == 3
    assert "stopped after 0.3 seconds" in out
    assert time.monotonic() - start < 10


def test_reports(capsys, claims, tmp_path):
    files = [tmp_path / f"report.{end}" for end in ("html", "md", "json")]
    options = [part for file in files for part in ("--report", str(file))]
    assert run(capsys, "check", claims(WRONG), "--workers", "1", *options)[0] == 1
    page, text, data = (file.read_text(encoding="utf-8") for file in files)
    assert "<script" not in page
    assert not re.search(r"(src|href)=|https?://(?!www\.w3\.org)", page)
    assert page.count("<details>") == 3
    assert page.count("<math") >= 3
    assert "&lt;script&gt;" in page
    assert "| **!** | wrong | refuted |" in text
    assert "```text" in text
    assert [c["status"] for c in json.loads(data)["claims"]] == ["proved", "refuted", "refuted"]
    assert [c["as_expected"] for c in json.loads(data)["claims"]] == [True, True, False]


def test_interrupted_results_stay(capsys, claims, tmp_path, monkeypatch):
    real = Batch.outcomes

    def interrupted(batch):
        yield next(real(batch))
        raise KeyboardInterrupt

    monkeypatch.setattr(Batch, "outcomes", interrupted)
    report = tmp_path / "report.json"
    status, out, _ = run(capsys, "check", claims(CLAIMS), "--workers", "1", "--report", str(report))
    assert status == 130
    assert "entropy  proved" in out
    assert "interrupted: 1 of 2 claims were judged" in out
    assert [c["id"] for c in json.loads(report.read_text(encoding="utf-8"))["claims"]] == ["entropy"]


# -- certificates ------------------------------------------------------------


def test_certificates(capsys, claims, tmp_path):
    path = tmp_path / "out.json"
    status, _, err = run(capsys, "check", claims(CLAIMS), "--workers", "1", "--certificate", str(path))
    assert (status, err) == (0, "")
    status, out, _ = run(capsys, "check", "--replay", str(path), "--workers", "1")
    assert status == 0
    assert [line.split(": ")[1:3] for line in out.splitlines()] == [["holds", "proved"], ["holds", "refuted"]]
    path.write_text(path.read_text(encoding="utf-8").replace('"proved"', '"certified"'), encoding="utf-8")
    status, out, _ = run(capsys, "check", "--replay", str(path), "--workers", "1", "--json")
    assert status == 1
    first, second = json.loads(out)["replays"]
    assert (first["ok"], second["ok"]) == (False, True)
    assert "the digest does not fit" in first["problems"][0]


def test_a_certificate_of_a_text(capsys, tmp_path):
    path = tmp_path / "out.json"
    assert run(capsys, "check", "exp(x) >= 1 + x", "--certificate", str(path))[0] == 0
    status, out, _ = run(capsys, "check", "--replay", str(path))
    assert (status, ": holds: proved: np.exp(x) >= 1 + x (" in out) == (0, True)


@pytest.mark.parametrize("text", ["", "{}", "x" * 1000, "[" * 100_000, '{"kind": "verdict"}'])
def test_what_is_no_certificate(capsys, claims, text):
    status, out, err = run(capsys, "check", "--replay", claims(text, "c.json"))
    assert (status, out) == (2, "")
    assert "c.json: " in err
    assert run(capsys, "check", "--replay", "no_such_file.json")[0] == 2
