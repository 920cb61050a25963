"""`symderive run` works from a wheel in an empty directory, from an editable install, and from a clone."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SUBJECT = "logistic_regression"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not list(ROOT.glob(f"derivations/*/{SUBJECT}.py")), reason=f"no subject {SUBJECT}"),
]


def call(*command, cwd):
    result = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return result.stdout


@pytest.fixture
def clone(tmp_path):
    """The repository's files as a clone has them, without what was built beside them."""
    target = tmp_path / "clone"
    skip = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, target, ignore=skip)
    return target


@pytest.fixture
def python(tmp_path):
    """An environment that has the dependencies of this one, and no symderive.

    Its .pth file names this environment's packages; .pth files *there* are not followed, so that an
    editable install here does not reach it.
    """
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    inherited = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(inherited) + "\n")
    return home / "bin" / "python"


def pip(python, *arguments, cwd):
    # --ignore-installed: the dependencies' folder may have a symderive of its own, which stays.
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--ignore-installed"]
    call(sys.executable, "-m", "pip", "--python", python, "install", *options, *arguments, cwd=cwd)


def run_subject(python, cwd, inside):
    where = call(python, "-c", "import symderive; print(symderive.__file__)", cwd=cwd)
    assert Path(where.strip()).is_relative_to(inside)
    shown = call(python, "-m", "symderive", "run", SUBJECT, "--out", "pages", cwd=cwd)
    assert "proved" in shown
    written = {path.suffix for path in (cwd / "pages").rglob("*") if path.is_file()}
    assert {".html", ".tex", ".py"} <= written
    assert SUBJECT in call(python, "-m", "symderive", "list", cwd=cwd)


def test_from_a_wheel_in_an_empty_directory(tmp_path, clone, python):
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", cwd=clone)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "symderive/py.typed" in names
    assert {"symderive/derivations/data/README.md", "symderive/derivations/data/diabetes.csv"} <= set(names)
    assert not [name for name in names if name.startswith(("derivations/", "tests/"))]
    pip(python, wheel, cwd=tmp_path)
    shutil.rmtree(clone)
    empty = tmp_path / "empty"
    empty.mkdir()
    run_subject(python, empty, python.parent.parent)
    assert (python.parent / "symderive").is_file()


def test_from_an_editable_install(tmp_path, clone, python):
    pip(python, "--editable", clone, cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    run_subject(python, empty, clone)


def test_from_a_clone(clone, python):
    run_subject(python, clone, clone)
