"""The bar that verdicts in tests must reach; the pytest plugin sets it from ``symderive_require``."""

from __future__ import annotations

BARS = ("run", "checked", "certified", "proved")
"""``run``: upheld, or code that can only be run and agrees with finite differences."""


class Bar:
    """One bar for all assertions of a test run that name none; None: each has its own default."""

    def __init__(self) -> None:
        self.name: str | None = None

    def set(self, name: str) -> None:
        """Set the bar; "" is none.  Raises ValueError for an unknown one."""
        if name and name not in BARS:
            raise ValueError(f"symderive_require is one of {', '.join(BARS)}, got {name!r}")
        self.name = name or None


BAR = Bar()

__all__ = ["BAR", "BARS", "Bar"]
