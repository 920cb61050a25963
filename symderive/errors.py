"""The exceptions that symderive raises on purpose.

Every one of them is a `SymderiveError`, so that one ``except`` catches them all, and each is also
the built-in exception that a NumPy user would expect in its place (a wrong shape is a
``ValueError``, a missing extra an ``ImportError``), so that existing handlers keep working.

A message says what was given, what was needed, and what to try, in that order. The command line
prints it as it stands and exits with status 2 (4 for `MissingExtraError`); nobody has to read a
traceback to learn what to change.
"""

from __future__ import annotations

import unicodedata

__all__ = [
    "DataError",
    "DomainError",
    "GradientMismatchError",
    "IndexDomainError",
    "JudgementConflictError",
    "LibraryError",
    "MissingExtraError",
    "ReadError",
    "ShapeError",
    "SymderiveError",
    "TrainingError",
    "UnknownNameError",
    "UnsupportedError",
    "WorkerError",
]

#: Characters of the offending text that `ReadError` shows on each side of the caret.
EXCERPT = 36


class SymderiveError(Exception):
    """Base of every exception that symderive raises on purpose."""


class ShapeError(SymderiveError, ValueError):
    """Shapes do not fit; the message names both in the user's own dimension names."""


class DomainError(SymderiveError, ValueError):
    """A domain is empty, contradicts itself, or does not fit the array that it is declared for."""


class IndexDomainError(DomainError):
    """An array is used as an index whose domain is not the integers of that axis."""

    def __init__(self, name: str, last: object, first: object = 0) -> None:
        super().__init__(name, last, first)
        self.name = name
        self.first = first
        self.last = last

    def __str__(self) -> str:
        return (
            f"the array {self.name!r} is used as an index, so its entries must be integers from {self.first} to "
            f"{self.last}; declare it with domain=sd.integers({self.first}, {self.last})"
        )


class UnknownNameError(SymderiveError, ValueError):
    """A name (an array, a dimension, a function, a rule) is used that nobody declared."""


class DataError(SymderiveError, ValueError):
    """Numbers handed in cannot be used: a broken table, non-finite entries, labels outside their set."""


class LibraryError(SymderiveError, ValueError):
    """A derivation file cannot be found or loaded."""


class UnsupportedError(SymderiveError, NotImplementedError):
    """Something is not understood; the message names the node.

    It is raised instead of guessing: a derivative that is not known is never a silent zero.
    """


class UnsupportedAttributeError(UnsupportedError, AttributeError):
    """A method of NumPy's arrays that symbolic arrays do not have."""


class TrainingError(SymderiveError, RuntimeError):
    """A fit cannot start or cannot go on (divergence, no minimum, separable classes)."""


class GradientMismatchError(TrainingError):
    """The gradient disagrees with finite differences at the start point, so training is refused."""


class JudgementConflictError(SymderiveError, RuntimeError):
    """The proof says yes and the independent judge says no: a bug in symderive, never swallowed."""


class WorkerError(SymderiveError, RuntimeError):
    """The processes that judge claims cannot be started."""


class ReadError(SymderiveError, ValueError):
    """Text cannot be read as an expression.

    ``column`` counts characters of the whole ``text`` from 1 (None where no single place is to
    blame). The message shows the text around that place with a caret under it; control characters
    are shown as spaces, so that hostile text cannot drive the terminal.
    """

    def __init__(self, problem: str, text: str = "", column: int | None = None) -> None:
        # All three go to `args`: exceptions are pickled by calling the class with them.
        super().__init__(problem, text, column)
        self.problem = problem
        self.text = text
        self.column = column

    def __str__(self) -> str:
        if not self.text or self.column is None:
            return self.problem
        at = min(max(self.column - 1, 0), len(self.text))
        start, stop = max(at - EXCERPT, 0), min(at + EXCERPT, len(self.text))
        before = ("..." if start else "") + _printable(self.text[start:at])
        after = _printable(self.text[at:stop]) + ("..." if stop < len(self.text) else "")
        return f"{self.problem} (column {self.column})\n  {before}{after}\n  {' ' * _width(before)}^"


class MissingExtraError(SymderiveError, ImportError):
    """An optional dependency is not installed; ``install`` is the line that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)
        self.package = package
        self.extra = extra

    @property
    def install(self) -> str:
        """The command that installs what is missing."""
        return f'python -m pip install "symderive[{self.extra}]"'

    def __str__(self) -> str:
        return f"{self.package} is not installed, and this needs it; install it with: {self.install}"


def _printable(text: str) -> str:
    """`text` on one line: everything that is not printable becomes one space."""
    return "".join(character if character.isprintable() else " " for character in text)


def _width(text: str) -> int:
    """Terminal columns that `text` takes; East Asian wide characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
