"""The pytest plugin: fixtures for the assertions, and the bar of a test run in its ini file.

    [pytest]
    symderive_require = proved

Nothing of the engine is imported before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from symderive.integrations.bars import BAR, BARS

ASSERTIONS = "symderive.integrations.testing"
"""Imported when a test asks for one of them: pytest starts without the engine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``symderive_require``."""
    parser.addini(
        "symderive_require",
        f"the weakest verdict that passes in symderive's assertions: {', '.join(BARS)} (default: each assertion's own)",
        default="",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the bar."""
    try:
        BAR.set(str(config.getini("symderive_require")).strip())
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_unconfigure() -> None:
    """Forget the bar."""
    BAR.set("")


@pytest.fixture(scope="session")
def assert_gradient() -> Callable[..., Any]:
    """`symderive.assert_gradient`."""
    return import_module(ASSERTIONS).assert_gradient


@pytest.fixture(scope="session")
def assert_hessian() -> Callable[..., Any]:
    """`symderive.assert_hessian`."""
    return import_module(ASSERTIONS).assert_hessian


@pytest.fixture(scope="session")
def assert_identity() -> Callable[..., Any]:
    """`symderive.assert_identity`."""
    return import_module(ASSERTIONS).assert_identity


@pytest.fixture(scope="session")
def assert_inequality() -> Callable[..., Any]:
    """`symderive.assert_inequality`."""
    return import_module(ASSERTIONS).assert_inequality
