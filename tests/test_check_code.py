"""`symderive check FILE.py:loss:grad`: where the point comes from, and the exit status."""

import json

import pytest

import symderive as sd
from symderive.cli import main
from symderive.library import check_code

SOURCE = """
import numpy as np
from beside import scale

def loss(w, A, b):
    return scale * ((A @ w - b) ** 2).sum()

def grad(w, A, b):
    return A.T @ (A @ w - b)

def wrong(w, A, b):
    return 2 * A.T @ (A @ w - b)

def run_only(w, A, b):
    r = A @ w - b
    if r @ r > 1e9:
        return w
    return A.T @ r

number = 3
"""
EXAMPLE = "def example():\n    return np.array([0.3, -0.2]), np.arange(6.0).reshape(3, 2), np.ones(3)\n"
POINT = "params, data = np.zeros(2), (np.arange(6.0).reshape(3, 2), np.ones(3))\n"


@pytest.fixture
def file(tmp_path):
    (tmp_path / "beside.py").write_text("scale = 0.5\n")

    def make(more=EXAMPLE):
        path = tmp_path / "fit.py"
        path.write_text(SOURCE + more)
        return str(path)

    return make


@pytest.mark.parametrize("more", [EXAMPLE, POINT])
def test_the_point_of_the_file(file, more):
    path = file(more)
    assert check_code(path, "loss", "grad").status == "proved"
    found = check_code(path, "loss", "wrong")
    assert found.status == "refuted"
    assert not found.cross_check.ok
    assert found.hint.endswith("off by the factor 2")


def test_points_that_are_drawn(file):
    shapes = {"w": "d", "A": "n d", "b": "n"}
    assert check_code(file(""), "loss", "grad", shapes=shapes).status == "proved"
    found = check_code(file(""), "loss", "wrong", shapes=shapes, domains={"A": sd.positive}, seed=3)
    assert not found.cross_check.ok
    assert "seed 3" in found.reason


def test_exit_statuses(file, capsys):
    path = file()
    assert main(["check", f"{path}:loss:grad"]) == 0
    assert "proved: grad is the gradient of loss by w" in capsys.readouterr().out
    assert main(["check", f"{path}:loss:wrong"]) == 1
    assert "worst: w[1]  hand -16.4" in capsys.readouterr().out
    assert main(["check", f"{path}:loss:run_only"]) == 3
    assert main(["check", f"{path}:loss:grad", f"{path}:loss:wrong"]) == 1
    capsys.readouterr()
    assert main(["check", f"{path}:loss:grad", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["status"] == "proved"
    assert main(["check", f"{file('')}:loss:grad", "--shape", "w=d", "--shape", "A=n,d", "--shape", "b=n"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}:loss:gard"], "has no function gard; there are loss, grad"),
        (["{}:loss:number"], "has no function number"),
        (["no.py:loss:grad"], "there is no such file"),
        (["{}:loss"], "name both functions"),
        (["{}"], "name both functions"),
        (["{}:loss:grad", "x == x"], "stands alone"),
        (["{}:loss:grad", "--given", "x > 0"], "not for code"),
        (["{}:loss:grad", "--shape", "w=d"], "missing A, b"),
    ],
)
def test_usage(file, capsys, arguments, said):
    path = file()
    assert main(["check", *(a.format(path) for a in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_no_point(file, capsys):
    assert main(["check", f"{file('')}:loss:grad"]) == 2
    assert "example()" in capsys.readouterr().err
    with pytest.raises(sd.LibraryError, match=r"example\(\) returns"):
        check_code(file("def example():\n    return np.zeros(2)\n"), "loss", "grad")
    with pytest.raises(sd.LibraryError, match="line"):
        check_code(file("raise ValueError('no')\n"), "loss", "grad")


def test_the_search_path_is_left_as_it_was(file):
    import sys

    before = list(sys.path)
    check_code(file(), "loss", "grad")
    assert sys.path == before
