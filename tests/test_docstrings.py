"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import symderive

MODULES = [
    info.name
    for info in pkgutil.walk_packages(symderive.__path__, "symderive.")
    if not info.name.endswith("__main__") and ".derivations" not in info.name
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name):
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    report: list[str] = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name, extraglobs={}):
        runner.run(test, out=report.append)
    assert not report, "".join(report)


def test_every_public_function_has_an_example():
    """A public name without an example is a name that nobody tried."""
    missing = []
    for name in symderive.__all__:
        value = getattr(symderive, name)
        if callable(value) and not isinstance(value, type) and ">>>" not in (value.__doc__ or ""):
            missing.append(name)
    assert not missing, missing
