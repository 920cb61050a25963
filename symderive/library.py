"""Finds and loads derivation files.

A subject is one Python file: its docstring says what it shows, ``TITLE`` how it is called, and its
module-level objectives, derivations, chains and verdicts, in the order in which they are written,
are what it has to say. Nothing is registered anywhere: the file *is* the entry in `symderive list`,
the page, the kernel and the fit.

Loading a derivation file runs it, as importing a module does. Load files that you trust; for
formulas from anywhere else there is `symderive.read`, which never executes what it reads. Listing
the subjects (`find`, `describe`) reads the files without running them.
"""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from os import PathLike
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from symderive.checking.gradients import check_gradient
from symderive.derivation.chains import Chain
from symderive.derivation.derivation import Derivation
from symderive.errors import LibraryError, SymderiveError
from symderive.judgement.instances import dimensions, draw
from symderive.judgement.verdicts import Verdict
from symderive.language import arrays
from symderive.language.arrays import Array
from symderive.language.domains import Domain, real
from symderive.language.nodes import Leaf
from symderive.language.reading import read_shape
from symderive.shipped import DERIVATIONS
from symderive.training.tables import load_table

__all__ = ["Description", "Item", "Objective", "Subject", "check_code", "describe", "find", "load", "objective"]


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss to be minimised, and the numbers to minimise it on; made by `objective`.

    Attributes
    ----------
    name : short and unique in its file; also the stem of the kernel that is written
    loss : the scalar loss, a function of ``wrt``, the data and the constants
    wrt : the arrays to be found
    data : a data set's name, a CSV file, or the numbers themselves by array name; None for a loss
        that is shown and not trained
    target : the table's column that is predicted (the last one where it is None)
    standardize : whether a table's features are shifted and scaled to mean 0, deviation 1
    constants : values of scalars that are neither data nor sought, e.g. a ridge weight
    methods : how it is minimised; the first is the one meant, the others are compared with it
    folder : where the file that declares it is, so that data is found beside it
    """

    name: str
    loss: Array
    wrt: Array | Sequence[Array]
    data: str | Mapping[str, Any] | None
    target: str | None
    standardize: bool
    constants: Mapping[str, float]
    methods: tuple[str, ...]
    folder: Path

    def numbers(self) -> dict[str, np.ndarray]:
        """A value for each array of the loss that is not sought: the data and the constants.

        A table's columns go to the loss's one matrix and its target to the one vector beside it,
        whatever they are called.

        Raises
        ------
        LibraryError
            There is no data, or it does not say which array is which.
        DataError
            The table cannot be used; with a labelled target also where a label does not occur.
        """
        if self.data is None:
            raise LibraryError(f"objective {self.name!r} has no data; give it data=...")
        given = {leaf.name: leaf for leaf in self.loss.node.leaves()}
        for array in _sequence(self.wrt):
            given.pop(array.name, None)
        values = {**self.constants, **(self._columns(given) if isinstance(self.data, str) else self.data)}
        # In the order of the loss; a name that it does not have stays, for the kernel to refuse.
        return {name: np.asarray(values[name], dtype=float) for name in [*given, *values] if name in values}

    def _columns(self, given: Mapping[str, Leaf]) -> dict[str, np.ndarray]:
        """The table's columns, for those of the given arrays that are no constants."""
        unknown = [leaf for name, leaf in given.items() if name not in self.constants]
        features = [leaf for leaf in unknown if leaf.rank == 2]
        targets = [leaf for leaf in unknown if leaf.rank == 1]
        if len(features) != 1 or len(targets) > 1 or len(unknown) != 1 + len(targets):
            raise LibraryError(
                f"objective {self.name!r}: a table gives one matrix and at most one vector, and the loss has "
                f"{', '.join(leaf.name for leaf in unknown) or 'none'} beside what is sought; "
                "give constants=... for the others, or data={name: numbers, ...}"
            )
        assert isinstance(self.data, str)
        folders = [self.folder, *(parent / "data" for parent in (self.folder, *self.folder.parents))]
        target = self.target if not targets or self.target else load_table(self.data, folders=folders).names[-1]
        table = load_table(self.data, target=target, folders=folders)
        values = {features[0].name: (table.standardized() if self.standardize else table).X}
        if targets and table.y is not None:
            if labels := targets[0].domain.entries.values:
                table.require_classes([float(label) for label in labels])
            values[targets[0].name] = table.y
        return values


def objective(
    name: str,
    loss: Array,
    wrt: Array | Sequence[Array],
    data: str | Mapping[str, Any] | None = None,
    *,
    target: str | None = None,
    standardize: bool = False,
    constants: Mapping[str, float] | None = None,
    methods: Sequence[str] = ("newton", "lbfgs"),
) -> Objective:
    """Declare, in a derivation file, that ``loss`` is to be minimised over ``wrt``.

    Parameters are the attributes of `Objective`. The loss is a scalar.

    Raises
    ------
    LibraryError
        The name is no plain name, or the loss is not a scalar.

    >>> import numpy as np, symderive as sd
    >>> X, w, y = sd.array("X", "n", "d"), sd.array("w", "d"), sd.array("y", "n")
    >>> sd.objective("fit", np.mean((X @ w - y) ** 2), w, data="diabetes").name
    'fit'
    """
    if not name.isidentifier():
        raise LibraryError(f"objective {name!r}: files are named after it, so it is a plain name such as 'ridge'")
    if loss.shape != ():
        raise LibraryError(f"objective {name!r} must be a scalar; its shape is {loss.shape}")
    file = sys._getframe(1).f_globals.get("__file__")
    folder = Path(file).resolve().parent if file else Path.cwd()
    return Objective(name, loss, wrt, data, target, standardize, dict(constants or {}), tuple(methods), folder)


@dataclass(frozen=True, eq=False)
class Item:
    """One thing that a subject shows, and the name that its file gives it."""

    name: str
    value: Objective | Derivation | Chain | Verdict

    @property
    def title(self) -> str:
        """The name in words: ``BY_HAND`` is "by hand"."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, eq=False)
class Description:
    """What a derivation file says about itself, read without running it."""

    name: str
    path: Path
    titles: Mapping[str, str]
    text: str

    @property
    def title(self) -> str:
        """The English title, or the first one there is."""
        return self.titles.get("en") or next(iter(self.titles.values()))

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.text.strip().partition("\n")[0]

    @property
    def topic(self) -> str:
        """The folder that groups it."""
        return self.path.parent.name


@dataclass(frozen=True, eq=False)
class Subject(Description):
    """A loaded derivation file: what it says about itself, and what it shows, in order."""

    items: tuple[Item, ...]


def find(source: str | PathLike[str] | None = None) -> list[Path]:
    """The derivation files that ``source`` means.

    A plain name, or ``topic/name``, is a shipped subject; a path is a file or a folder of files;
    None is every shipped subject. Files whose names start with an underscore are helpers.

    Raises
    ------
    LibraryError
        There is no such subject, file or folder; close names are suggested.
    """
    if source is None:
        return list(_files(DERIVATIONS))
    path = Path(source)
    if path.suffix == ".py":
        if not path.is_file():
            raise LibraryError(f"no such file: {path}{_suggest(path.stem)}")
        return [path]
    # A shipped name comes before a folder of the same name here: `./name` still says the folder.
    named = [file for file in _files(DERIVATIONS) if _ends_with(file.with_suffix(""), path)]
    if len(named) > 1:
        several = ", ".join(str(file.relative_to(DERIVATIONS).with_suffix("")) for file in named)
        raise LibraryError(f"{source} is ambiguous; say which: {several}")
    if named and not str(source).startswith("."):
        return named
    if path.is_dir():
        if not (found := list(_files(path))):
            raise LibraryError(f"the folder {path} has no derivation file (*.py)")
        return found
    raise LibraryError(f"no subject is called {str(source)!r}{_suggest(path.name)}")


def describe(path: str | PathLike[str]) -> Description:
    """What a derivation file says about itself, without running it.

    Raises
    ------
    LibraryError
        The file cannot be read, or is not Python.
    """
    path = Path(path)
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise LibraryError(f"cannot read {path}: {error.strerror or error}") from error
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise LibraryError(f"{path}{f', line {line}' if line else ''} is not Python: {error}") from error
    titles: object = None
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="TITLE")], value=value)
                | ast.AnnAssign(target=ast.Name(id="TITLE"), value=ast.expr() as value)
            ):
                try:
                    titles = ast.literal_eval(value)
                except ValueError as error:
                    raise LibraryError(
                        f"{path}, line {statement.lineno}: TITLE is written out as a text or as texts by "
                        'language, e.g. {"en": "Ridge regression"}'
                    ) from error
    if isinstance(titles, str):
        titles = {"en": titles}
    if not (isinstance(titles, dict) and titles and all(isinstance(text, str) for text in titles.values())):
        titles = {"en": path.stem.replace("_", " ").capitalize()}
    return Description(path.stem, path.resolve(), titles, ast.get_docstring(tree) or "")


def load(source: str | PathLike[str]) -> Subject:
    """Load one subject, by name or from a file. **This runs the file**: load what you trust.

    Raises
    ------
    LibraryError
        It cannot be found, is a folder of several, raises while it runs (the message names the
        line), or shows nothing.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> lines = [
    ...     "'A square has slope 2x.'",
    ...     "import symderive as sd",
    ...     "TITLE = {'en': 'Square', 'zh': '平方'}",
    ...     "x = sd.array('x')",
    ...     "SLOPE = sd.gradient(x**2, x)",
    ... ]
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "square.py")
    ...     written = file.write_text("\\n".join(lines), encoding="utf-8")
    ...     print([item.name for item in load(file).items])
    ['SLOPE']
    """
    found = find(source)
    if len(found) != 1:
        raise LibraryError(f"{source} has {len(found)} derivation files; name one of them")
    description = describe(found[0])
    namespace = _run(description.path)
    items: dict[int, Item] = {}
    for name, value in namespace.items():
        if isinstance(value, Objective | Derivation | Chain | Verdict) and not name.startswith("_"):
            items.setdefault(id(value), Item(name, value))
    if not items:
        raise LibraryError(f"{description.path} shows nothing: no module-level objective, derivation, chain or verdict")
    return Subject(**vars(description), items=tuple(items.values()))


def _run(path: Path) -> dict[str, Any]:
    """The namespace that running the file leaves behind."""
    name = f"symderive_subject_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LibraryError(f"cannot load {path}: it is not a Python file")
    module = module_from_spec(spec)
    # Dataclasses and pickles look their module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        kind = "" if isinstance(error, SymderiveError) else f"{type(error).__name__}: "
        raise LibraryError(f"{where}: {kind}{error}") from error
    return vars(module)


def check_code(
    path: str | PathLike[str],
    loss: str,
    grad: str,
    *,
    shapes: Mapping[str, Any] | None = None,
    domains: Mapping[str, Domain] | None = None,
    seed: int = 0,
    **options: Any,
) -> Verdict:
    """Judge a hand-written gradient in a Python file, as `check_gradient` does.

    The point at which it is run is the file's own: what a function ``example()`` returns, (params,
    \\*data), or module-level ``params`` and ``data`` (a tuple).  Else ``shapes`` declares every
    parameter of the loss by its shape (``{"w": "d", "X": "n d"}``), ``domains`` says where they
    range, and numbers are drawn.

    Parameters
    ----------
    path : the file; it is run, so name a file that you trust
    loss, grad : names of functions in it
    seed : for the numbers that are drawn
    options : further options of `check_gradient`, e.g. ``timeout``

    Raises
    ------
    LibraryError
        The file cannot be run, has no such function, or does not say at which point.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise LibraryError(f"{path}: there is no such file")
    sys.path.insert(0, str(file.parent))  # as `python FILE.py` does: the file may import its neighbours
    try:
        namespace = _run(file)
        functions = [_function(namespace, name, path) for name in (loss, grad)]
        params, data = _example(namespace, functions[0], path, shapes or {}, domains or {}, seed)
        return check_gradient(*functions, params, *data, seed=seed, **options)
    finally:
        sys.path.remove(str(file.parent))


def _function(namespace: Mapping[str, Any], name: str, path: object) -> Callable[..., Any]:
    found = namespace.get(name)
    if not callable(found):
        known = [k for k, v in namespace.items() if isinstance(v, FunctionType)]
        raise LibraryError(f"{path} has no function {name}; there are {', '.join(known) or 'none'}")
    return found


def _example(
    namespace: Mapping[str, Any],
    loss: Callable[..., Any],
    path: object,
    shapes: Mapping[str, Any],
    domains: Mapping[str, Domain],
    seed: int,
) -> tuple[Any, tuple[Any, ...]]:
    """The parameters and the data at which a gradient is checked."""
    example = namespace.get("example")
    if shapes:
        names = list(signature(loss).parameters)
        missing = [n for n in names if n not in shapes]
        unknown = [n for n in [*shapes, *domains] if n not in names]
        if missing or unknown:
            wrong = f"missing {', '.join(missing)}" if missing else f"{', '.join(unknown)} is none of them"
            raise LibraryError(f"{path}: shapes are for the parameters of the loss, {', '.join(names)}; {wrong}")
        declared = [arrays.array(n, *read_shape(shapes[n], n), domain=domains.get(n, real)) for n in names]
        leaves = [a.node for a in declared if isinstance(a.node, Leaf)]
        sizes = {symbol: 3 + 2 * k for k, symbol in enumerate(dimensions(leaves))}
        point = draw(leaves, sizes, "moderate", seed)
        if point is None:
            raise LibraryError(f"{path}: no numbers of these shapes lie in these domains; write an example() there")
        values = [np.array(point.values[leaf], dtype=float) for leaf in leaves]
        params, *data = [v if v.ndim else float(v) for v in values]
        return params, tuple(data)
    if callable(example):
        made = example()
        if not isinstance(made, tuple | list) or not made:
            raise LibraryError(f"{path}: example() returns (params, *data), got a {type(made).__name__}")
        return made[0], tuple(made[1:])
    if "params" in namespace:
        data = namespace.get("data", ())
        return namespace["params"], tuple(data) if isinstance(data, tuple | list) else (data,)
    raise LibraryError(
        f"{path} does not say at which point: write a function example() that returns (params, *data), or "
        "module-level params and data, or give --shape for every parameter of the loss"
    )


def _files(folder: Path) -> Iterator[Path]:
    """The derivation files of a folder, in the order of their paths."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(("_", ".")) for part in parts):
            yield path


def _ends_with(path: Path, tail: Path) -> bool:
    return path.parts[-len(tail.parts) :] == tail.parts


def _suggest(name: str) -> str:
    """The end of a message: close names, or all of them."""
    known = [file.stem for file in _files(DERIVATIONS)]
    if close := get_close_matches(name, known, n=3, cutoff=0.5):
        return f"; did you mean {' or '.join(close)}?"
    return f"; there are {', '.join(known)}" if known else "; and none came with this installation"


def _sequence(arrays: Array | Sequence[Array]) -> Sequence[Array]:
    return [arrays] if isinstance(arrays, Array) else list(arrays)
