"""The page's small project, run by a pytest of its own; the printed layout; the bar in the ini file."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symderive as sd
from symderive.integrations.bars import BAR

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def block(mark):
    """The fenced block behind ``<!-- mark -->`` on the page."""
    return re.search(rf"<!-- {re.escape(mark)} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)[1]


def run(folder, *options):
    plugin = ("-p", "symderive.integrations.pytest_plugin") if not registered() else ()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *plugin, *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, env=environment)


def registered():
    """Whether this installation has the entry point (an editable one from before it does not)."""
    from importlib.metadata import entry_points

    return any(e.value == "symderive.integrations.pytest_plugin" for e in entry_points(group="pytest11"))


@pytest.fixture
def project(tmp_path):
    for name in ("fit.py", "test_fit.py"):
        (tmp_path / name).write_text(block(name), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_the_project_of_the_page(project):
    result = run(project)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "2 failed, 5 passed" in result.stdout, result.stdout
    for line in block("printed").splitlines():
        assert line in result.stdout.splitlines(), result.stdout
    assert "FAILED test_fit.py::test_gradient" in result.stdout
    assert "FAILED test_fit.py::test_logarithm" in result.stdout


def test_the_bar_of_a_project(project):
    (project / "fit.py").write_text(
        "def loss(w):\n    while w > 4:\n        w = w / 2\n    return w * w\n"
        "def grad(w):\n    s = 1.0\n    while w > 4:\n        w, s = w / 2, s / 2\n    return 2 * w * s\n"
    )
    (project / "test_fit.py").write_text(
        "from fit import grad, loss\n"
        "def test_run(assert_gradient):\n    assert_gradient(loss, grad, 9.0)\n"
        "def test_lower(assert_gradient):\n    assert_gradient(loss, grad, 9.0, require='run')\n"
    )
    assert "2 passed" in run(project).stdout
    (project / "pytest.ini").write_text("[pytest]\nsymderive_require = checked\n")
    result = run(project)
    assert "1 failed, 1 passed" in result.stdout, result.stdout
    assert "gradient is undecided, required checked" in result.stdout
    (project / "pytest.ini").write_text("[pytest]\nsymderive_require = sure\n")
    result = run(project)
    assert result.returncode == 4
    assert "symderive_require is one of" in result.stderr


def test_the_plugin_loads_no_engine():
    code = (
        "import sys, symderive.integrations.pytest_plugin\n"
        "print(*({'sympy', 'numpy', 'scipy', 'flint', 'hypothesis'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == ""


def test_layout_of_a_wrong_gradient():
    A, b = np.arange(6).reshape(3, 2), np.ones(3)
    with pytest.raises(AssertionError) as raised:
        sd.assert_gradient(
            lambda w, A, b: ((A @ w - b) ** 2).sum() / 2, lambda w, A, b: 2 * A.T @ (A @ w - b), np.array([0.3, -0.2]),
            A, b, seed=3,
        )  # fmt: skip
    head, worst, hint, derived, *rest = str(raised.value).splitlines()
    assert head == "gradient disagrees with central differences in 2 of 2 components"
    assert worst.startswith("  worst: w[1]  hand -16.4   finite difference -8.2   abs 8.2e+00  rel 1.0e+00")
    assert hint == "  hint: the claim is 2 times the gradient: off by the factor 2"
    assert derived.startswith("  derived: A.T @ (A @ w - b)      point: w = [ 0.3 -0.2]   seed 3")
    assert rest[-1] == "  claim: grad is the gradient of loss by w"


def test_layout_of_a_gradient_that_is_wrong_elsewhere():
    """At w = 0 nothing is off; the exact point, both values and the seed are printed."""
    with pytest.raises(AssertionError) as raised:
        sd.assert_gradient(lambda w, lam: lam * w @ w, lambda w, lam: lam * w, np.zeros(2), 0.5, seed=4)
    text = str(raised.value)
    assert text.startswith("gradient is refuted: grad is the gradient of loss by w\n  at ")
    assert "\n  left side in entry [0]: " in text
    assert "\n  hint: the claim is (1/2) times the gradient" in text
    assert text.endswith("\n  seed 4")


def test_hessians():
    A = np.arange(6.0).reshape(3, 2)

    def loss(w, A):
        return np.sum(np.logaddexp(0, A @ w))

    def hess(w, A):
        s = 1 / (1 + np.exp(-A @ w))
        return A.T @ np.diag(s * (1 - s)) @ A

    point = np.array([0.3, -0.2])
    assert sd.assert_hessian(loss, hess, point, A).status == "proved"
    with pytest.raises(AssertionError, match="Hessian disagrees with central differences") as raised:
        sd.assert_hessian(loss, lambda w, A: A.T @ np.diag(1 / (1 + np.exp(-A @ w))) @ A, point, A)
    assert re.search(r"worst: w\[\d, \d\]", str(raised.value))
    with pytest.raises(sd.ShapeError, match="Hessian has shape"):
        sd.assert_hessian(loss, lambda w, A: w, point, A)
    branching = sd.check_hessian(lambda w: w**3 if w > 0 else -(w**3), lambda w: 6 * abs(w), 0.7)
    assert branching.status == "undecided"
    assert branching.cross_check.ok
    assert not sd.check_hessian(lambda w: w**3 if w > 0 else -(w**3), lambda w: 6 * w, -0.7).cross_check.ok


def test_identities_and_inequalities():
    assert sd.assert_identity("expit(-x) == 1 - expit(x)").status == "proved"
    assert sd.assert_inequality("exp(x)", ">=", "1 + x").upheld
    with pytest.raises(AssertionError) as raised:
        sd.assert_inequality("exp(x) >= 1 + 2*x")
    lines = str(raised.value).splitlines()
    assert lines[0] == "inequality is refuted: exp(x) >= 1 + 2*x"
    assert lines[1].startswith("  at x = ")
    assert lines[2].startswith("  left side: ")
    assert re.fullmatch(r"  seed \d+", lines[-1])
    with pytest.raises(AssertionError, match=r"identity is \w+, required proved"):
        sd.assert_identity("log(x)", "log(x)", require="proved")
    with pytest.raises(sd.UnsupportedError, match="require is one of"):
        sd.assert_identity("x", "x", require="surely")


def test_the_bar_applies_to_plain_functions():
    BAR.set("proved")
    try:
        X = np.ones((3, 2))
        with pytest.raises(AssertionError, match="required proved"):
            sd.assert_gradient(lambda w, X: sum(x @ w for x in X), lambda w, X: X.sum(axis=0), np.ones(2), X)
    finally:
        BAR.set("")
    with pytest.raises(ValueError, match="one of"):
        BAR.set("sure")
