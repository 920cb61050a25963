"""`symderive run` on a file of the user's: what it prints, what it writes, how it exits."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from symderive.cli import main
from symderive.library import load
from symderive.training.minimize import minimize

SOURCE = '''
"""Ridge regression: the penalty joins the normal equations."""

import numpy as np

import symderive as sd

TITLE = {"en": "Ridge regression", "zh": "岭回归"}

n, d = sd.dims("n d")
A, v, t, c = sd.array("A", n, d), sd.array("v", d), sd.array("t", n), sd.array("c", domain=sd.positive)
loss = np.sum((A @ v - t) ** 2) + c * (v @ v)

RIDGE = sd.objective("ridge", loss, wrt=v, data="points", constants={"c": 2.0})
GRADIENT = sd.gradient(loss, v)
BY_HAND = sd.chain(2 * (t + t)).to(4 * t, by="algebra")
'''
POINTS = "a,b,target\n1,2,3\n4,5,6\n7,8,10\n"


@pytest.fixture
def run(tmp_path, capsys):
    (tmp_path / "points.csv").write_text(POINTS)

    def call(extra="", *options, source=SOURCE):
        path = tmp_path / "ridge.py"
        path.write_text(textwrap.dedent(source).lstrip() + extra, encoding="utf-8")
        status = main(["run", str(path), "--out", str(tmp_path / "out"), *options])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_everything_is_shown_and_written(run, tmp_path):
    status, out, err = run()
    assert (status, err) == (0, "")
    for words in ("Ridge regression", "∇_v L", "By hand", "agrees with finite differences", "lbfgs"):
        assert words in out
    assert "proved" in out.splitlines()[-1]
    assert max(map(len, out.splitlines())) <= 100 + len(str(tmp_path)) * 3
    assert "\x1b" not in out
    folder = tmp_path / "out" / "ridge"
    assert {path.name for path in folder.iterdir()} == {"page.html", "page.tex", "ridge.py"}
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert r"\end{document}" in (folder / "page.tex").read_text(encoding="utf-8")


def test_the_saved_kernel_runs_by_itself(run, tmp_path):
    run()
    code = (
        "import sys, numpy as np; import ridge\n"
        "A, t = np.array([[1., 2], [4, 5], [7, 8]]), np.array([3., 6, 10])\n"
        "v = np.linalg.solve(A.T @ A + 2 * np.eye(2), A.T @ t)\n"
        "assert np.abs(ridge.gradient(A=A, v=v, t=t, c=2.0)).max() < 1e-10\n"
        "assert not {'sympy', 'symderive', 'flint'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "out" / "ridge", check=True)


@pytest.mark.parametrize(
    ("extra", "options", "expected"),
    [
        ("WRONG = sd.check(t, '==', 2 * t)\n", [], 1),
        ("OPEN = sd.check(1 / t, '==', t / t**2)\n", [], 3),
        ("", ["--require", "proved"], 0),
    ],
)
def test_exit_statuses(run, extra, options, expected):
    status, out, err = run(extra, *options)
    assert err == ""
    assert status == expected, out[-3000:]


def test_full_detail_shows_more(run):
    assert len(run("", "--detail", "full")[1]) > len(run()[1])


def test_labels_in_chinese(run, tmp_path):
    status, out, _ = run("", "--lang", "zh")
    assert status == 0
    assert "岭回归" in out
    assert "岭回归" in (tmp_path / "out" / "ridge" / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("points", "word"),
    [("a\n1\n", "no feature"), ("a,b,t\n1,2,nan\n", "nan"), ("a,b,t\n", "no rows"), ("a,b,t\n1,x,3\n", "'x'")],
)
def test_a_broken_table_is_one_clear_line(run, tmp_path, points, word):
    (tmp_path / "points.csv").write_text(points)
    status, _, err = run()
    assert status == 2
    assert word in err
    assert len(err.splitlines()) == 1


def test_the_fit_is_the_ridge_solution(run, tmp_path):
    run()
    objective = load(tmp_path / "ridge.py").items[0].value
    fit = minimize(objective.loss, wrt=objective.wrt, data=objective.numbers())
    A, t = np.array([[1.0, 2], [4, 5], [7, 8]]), np.array([3.0, 6, 10])
    np.testing.assert_allclose(fit.x, np.linalg.solve(A.T @ A + 2 * np.eye(2), A.T @ t), rtol=1e-9)
