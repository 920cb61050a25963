"""`import symderive` is cheap, and every public name is where the table says."""

import subprocess
import sys

import pytest

import symderive as sd
from symderive import errors


def fresh(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("name", sd.__all__)
def test_every_name_resolves(name):
    value = getattr(sd, name)
    assert value is getattr(sd, name)
    assert name in dir(sd)


def test_every_error_is_public():
    assert set(errors.__all__) <= set(sd.__all__)


def test_no_name_twice():
    assert len(sd.__all__) == len(set(sd.__all__))


def test_public_names_and_submodules_do_not_collide():
    # A submodule that is imported becomes an attribute of the package and would hide the name.
    from pkgutil import iter_modules

    assert not set(sd.__all__) & {module.name for module in iter_modules(sd.__path__)}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'gradeint'"):
        _ = sd.gradeint  # pyright: ignore


def test_import_loads_no_heavy_package():
    code = "import sys, symderive; print(*({'sympy', 'numpy', 'scipy', 'flint'} & sys.modules.keys()))"
    assert fresh(code) == ""
