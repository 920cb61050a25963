"""Tables of numbers from CSV files, checked once at the door.

A training loop does not look at its data again, so everything that could make a fit silently wrong
is refused here, with one error that says where in the file it is.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

import numpy as np

from symderive.errors import DataError
from symderive.shipped import DATA

__all__ = ["Table", "load_table"]

#: How many names a message lists before it says "and 12 more".
_NAMES_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of finite numbers, and a target where there is one.

    Attributes
    ----------
    names : the feature columns' names, in the order of the columns of ``X``
    X : float64 array of shape (rows, features)
    y : float64 array of shape (rows,), or None where no target was named
    target : the name of the column that became ``y``, or None
    source : what was read, for messages
    """

    names: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray | None
    target: str | None
    source: str

    def require_classes(self, labels: Collection[float] = (0, 1)) -> Table:
        """This table, if its target takes every one of ``labels`` and nothing else.

        A classifier trained on one class, or on labels coded otherwise than its likelihood is
        written, gives numbers that look fine and mean nothing.

        Raises
        ------
        DataError
            No target, labels outside the set, or a label that does not occur.
        """
        wanted = _listed(labels)
        if self.y is None:
            raise DataError(f"{self.source} was loaded without a target; name one with target=...")
        found = np.unique(self.y)
        for label in found:
            if label not in labels:
                row = int(np.flatnonzero(self.y == label)[0]) + 1
                raise DataError(
                    f"{self.source}: column {self.target!r} has the label {label:g} (first in data row "
                    f"{row}); the labels must be {wanted}; recode the column"
                )
        if missing := [label for label in labels if label not in found]:
            raise DataError(
                f"{self.source}: column {self.target!r} has no row with label {_listed(missing)}; "
                f"all of {wanted} must occur, or there is nothing to tell apart"
            )
        return self

    def standardized(self) -> Table:
        """The table with each feature shifted to mean 0 and scaled to standard deviation 1.

        The deviation is the population's (divided by the number of rows), as scikit-learn's
        ``StandardScaler`` has it. The target stays as it is.

        Raises
        ------
        DataError
            A feature is constant: there is no scale to divide by.
        """
        mean, deviation = self.X.mean(axis=0), self.X.std(axis=0)
        is_constant = self.X.min(axis=0) == self.X.max(axis=0)
        if is_constant.any():
            constant = [name for name, flag in zip(self.names, is_constant, strict=True) if flag]
            raise DataError(
                f"{self.source}: cannot standardise constant columns: {_listed(constant)}; leave them out"
            )
        return Table(self.names, (self.X - mean) / deviation, self.y, self.target, self.source)


def load_table(
    source: str | PathLike[str],
    columns: Sequence[str] | None = None,
    *,
    target: str | None = None,
    folders: Iterable[str | PathLike[str]] = (),
) -> Table:
    """Read a CSV file of numbers with one header line.

    Parameters
    ----------
    source : a path, or the bare name of a data set (``"diabetes"``), which is looked for as
        ``NAME.csv`` in ``folders`` and then among the data sets that come with symderive;
        a relative path is looked for from here and then from the folders
    columns : the features, in the order wanted; all columns but the target where it is not given
    target : the column that becomes ``y``; without it ``y`` is None
    folders : where bare names and relative paths are looked for

    Raises
    ------
    DataError
        The file is missing, has no rows, rows of unequal length, columns missing or named twice,
        text where a number is needed, or an entry that is not finite. Rows are counted from 1, the
        first one after the header.
    """
    path = _located(source, [*map(Path, folders), DATA])
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.reader(stream, strict=True) if row]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if not rows:
        raise DataError(f"{path} is empty; the first line must name the columns")
    header, body = [name.strip() for name in rows[0]], rows[1:]
    _check_header(header, path)
    if not body:
        raise DataError(f"{path} has a header and no rows; at least one row of numbers is needed")
    features = list(columns) if columns is not None else [name for name in header if name != target]
    _check_columns(features, target, header, path)
    wanted = [*features, *([] if target is None else [target])]
    values = np.empty((len(body), len(wanted)))
    places = [header.index(name) for name in wanted]
    for index, row in enumerate(body):
        if len(row) != len(header):
            raise DataError(
                f"{path}: data row {index + 1} has {len(row)} fields; the header names {len(header)}"
            )
        for at, (place, name) in enumerate(zip(places, wanted, strict=True)):
            values[index, at] = _number(row[place], name, index + 1, path)
    split = len(features)
    y = None if target is None else np.ascontiguousarray(values[:, split])
    return Table(tuple(features), np.ascontiguousarray(values[:, :split]), y, target, str(path))


def _located(source: str | PathLike[str], folders: Sequence[Path]) -> Path:
    """The file that ``source`` means: a path as it stands or from one of the folders, or a bare name there."""
    path = Path(source)
    if path.is_file():
        return path
    for folder in folders:
        if path.suffix and (folder / path).is_file():
            return folder / path
    if path.name != str(source) or path.suffix:
        is_folder = path.is_dir()
        raise DataError(f"{path} is a folder; a CSV file is needed" if is_folder else f"no such file: {path}")
    for folder in folders:
        if (candidate := folder / f"{path.name}.csv").is_file():
            return candidate
    known = sorted({found.stem for folder in folders for found in folder.glob("*.csv")})
    raise DataError(f"no data set is called {path.name!r}; {_hint(path.name, known, 'there are')}")


def _check_header(header: Sequence[str], path: Path) -> None:
    if "" in header:
        raise DataError(f"{path}: column {header.index('') + 1} of the header has no name")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(f"{path}: the header names a column twice: {_listed(repeated)}")
    if all(_is_number(name) for name in header):
        raise DataError(f"{path} starts with numbers; the first line must name the columns")


def _check_columns(features: Sequence[str], target: str | None, header: Sequence[str], path: Path) -> None:
    wanted = [*features, *([] if target is None else [target])]
    if missing := [name for name in wanted if name not in header]:
        hints = "; ".join(_hint(name, header, "the columns are") for name in missing[:1])
        raise DataError(f"{path} has no column {_listed(missing)}; {hints}")
    if repeated := sorted({name for name in wanted if wanted.count(name) > 1}):
        raise DataError(f"{path}: asked twice for column {_listed(repeated)}; the target is not a feature")
    if not features:
        raise DataError(f"{path} has no feature column beside the target {target!r}")


def _number(text: str, name: str, row: int, path: Path) -> float:
    where = f"{path}: data row {row}, column {name!r}"
    if not text.strip():
        raise DataError(f"{where} is empty; fill it in or leave the row out")
    if not _is_number(text):
        raise DataError(f"{where} has the text {_shortened(text)!r}; a number is needed")
    value = float(text)
    if not math.isfinite(value):
        raise DataError(f"{where} is {value:g}; a finite number is needed; fill it in or leave the row out")
    return value


def _is_number(text: str) -> bool:
    # float() also reads "1_000" and the digits of other scripts, which no CSV writer means.
    if "_" in text or not text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _hint(name: str, known: Sequence[str], introduction: str) -> str:
    """The close names, or the first few of all."""
    if close := get_close_matches(name, known, n=3, cutoff=0.5):
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"{introduction} {_listed(known)}" if known else "there are none"


def _listed(items: Collection[object]) -> str:
    shown = [repr(item) if isinstance(item, str) else str(item) for item in items]
    more = len(shown) - _NAMES_SHOWN
    return ", ".join(shown[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _shortened(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."
