"""A loss and its gradient as they are written, read on symbolic arrays.

Every axis of every argument is a dimension of its own until the code joins two: equal sizes say
nothing, so that a square example hides no transpose.  Where the code asks for an integer (a loop, a
buffer that is filled entry by entry) it is read at small unequal sizes instead, and where it
branches on labels or indices, for several choices of these.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from sympy import Expr, Integer, Symbol

from symderive.checking.parameters import Part, gradient_in, identifier, parts_of, replaced, value_of, walk
from symderive.errors import IndexDomainError, ShapeError, SymderiveError, UnsupportedError
from symderive.judgement.instances import constraints
from symderive.language.arrays import RESERVED, Array, array, as_array
from symderive.language.domains import (
    Domain,
    integers,
    labels,
    nonnegative,
    one_hot,
    positive,
    real,
    simplex,
    spd,
    symmetric,
)
from symderive.language.function_reader import run_function

_LETTERS = ("n", "d", "k", "m", "q", "r", "s", "t", "h", "c")
_AGAINST = re.compile(r"(\w+) (?:against|and|==) (\w+)")
MAX_ENTRIES = 400
"""Arrays of more entries in all are not read at the sizes that they were given with."""


@dataclass(frozen=True)
class Slot:
    """One place among the arguments: a parameter or a piece of data, read as an array or left as it is."""

    part: Part
    number: int
    parameter: bool
    symbolic: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes as given."""
        return np.shape(self.part.value)

    @property
    def discrete(self) -> bool:
        """Whether the values are labels, indices or truth values: a program may branch on them."""
        if not self.symbolic or self.parameter or not self.shape:
            return False
        values = np.asarray(self.part.value)
        return values.dtype.kind in "iub" or kind_of(values).entries.values is not None


class Program:
    """A loss, its gradient and their arguments, taken apart into slots.

    With ``order`` 2, ``grad`` returns the Hessian by one array.  ``params`` and ``data`` may be
    nested.  Floats and arrays of numbers are read as symbols; integers, texts, functions and what
    else there is are handed over as they are.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        grad: Callable[..., Any],
        params: Any,
        data: Sequence[Any],
        order: int = 1,
    ) -> None:
        for what, function in (("loss", loss), ("grad" if order == 1 else "hess", grad)):
            if not callable(function):
                raise UnsupportedError(f"{what} is a function {what}(params, *data), got {type(function).__name__}")
        self.loss, self.grad, self.order = loss, grad, order
        if isinstance(params, list) and params and all(_is_number(v) for v in params):
            params = np.array(params, dtype=float)
        self.params, self.data = params, tuple(data)
        names = parameter_names(loss, 1 + len(self.data))
        used = {*names, *parameter_names(grad, 1 + len(self.data)), *RESERVED}
        self.parts = parts_of(params, names[0], loss, used - {names[0]})
        slots = [Slot(part, k, True, True) for k, part in enumerate(self.parts)]
        for name, value in zip(names[1:], self.data, strict=True):
            for path, leaf in walk(value):
                shown = name if not path else f"{name}{path}" if path.startswith("[") else f"{name}.{path}"
                own = shown if not path else identifier(shown, used)
                slots.append(Slot(Part(shown, own, leaf), len(slots), False, _is_read(leaf)))
        self.slots = tuple(slots)

    def as_given(self, numbers: Iterable[int]) -> Program:
        """The program with some slots handed over as they are, and not as symbols."""
        chosen = set(numbers)
        made = copy.copy(self)
        made.slots = tuple(replace(s, symbolic=s.symbolic and s.number not in chosen) for s in self.slots)
        return made

    def arguments(self, values: Mapping[int, Any]) -> list[Any]:
        """The functions' arguments with other values in some slots; nothing is shared with the caller."""
        made = iter([values[s.number] if s.number in values else _own(s.part.value) for s in self.slots])
        return [replaced(tree, made) for tree in (self.params, *self.data)]

    def numbers(self, values: Mapping[int, np.ndarray] | None = None) -> list[Any]:
        """The arguments as numbers: a scalar parameter as a float."""
        chosen: dict[int, Any] = {}
        for slot in self.slots:
            given = (values or {}).get(slot.number, slot.part.value if slot.parameter else None)
            if given is not None:
                chosen[slot.number] = float(given) if slot.parameter and not given.ndim else given.copy()
        return self.arguments(chosen)


def _own(value: Any) -> Any:
    """A copy that the functions may damage, and random generators begin anew; the value where there is no copy."""
    try:
        return copy.deepcopy(value)
    except Exception:  # modules, locks, handles: whatever refuses to be copied is handed over as it is
        return value


def parameter_names(function: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Names for the positional arguments of a function."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "argument")
    return (*names, *(f"{rest}{k}" for k in range(len(names), count)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_read(value: Any) -> bool:
    """Whether a leaf is read as a symbol: an array of numbers, or a float."""
    if isinstance(value, np.ndarray):
        return type(value) is np.ndarray and value.dtype.kind in "fiub" and 0 not in value.shape
    return isinstance(value, float | np.floating)


def kind_of(value: Any) -> Domain:
    """What numbers have in common that a gradient may rest on: labels, rows of a simplex, symmetry.

    >>> kind_of(np.array([0, 1, 1])), kind_of(np.eye(3)), kind_of(np.array([0.5, -1]))
    (labels(0, 1), one_hot, real)
    """
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return real
    if numbers.size < 2 or not np.all(np.isfinite(numbers)):
        return real
    found = set(np.unique(numbers).tolist()) if numbers.size < 10**6 else set()
    rows = numbers.sum(axis=-1)
    if numbers.ndim >= 2 and numbers.shape[-1] > 1 and found <= {0.0, 1.0} and np.all(rows == 1):
        return one_hot
    if found and found <= {0.0, 1.0}:
        return labels(0, 1)
    if found and found <= {-1.0, 1.0}:
        return labels(-1, 1)
    if numbers.shape[-1] > 1 and np.all(numbers >= 0) and np.allclose(rows, 1, rtol=0, atol=1e-9):
        return simplex
    square = numbers.ndim == 2 and numbers.shape[0] == numbers.shape[1] > 1
    return symmetric if square and np.array_equal(numbers, numbers.T) else real


def sign_of(value: Any) -> Domain:
    """The sign that all numbers have, or the definiteness of a matrix.

    >>> sign_of(np.array([1.0, 2.0])), sign_of(np.array([0.0, 2.0])), sign_of(np.array([-1.0, 2.0]))
    (positive, nonnegative, real)
    """
    numbers = np.asarray(value, dtype=float)
    if not numbers.size or not np.all(np.isfinite(numbers)):
        return real
    if kind_of(numbers) is symmetric and np.all(np.linalg.eigvalsh(numbers) > 0):
        return spd
    return positive if np.all(numbers > 0) else nonnegative if np.all(numbers >= 0) else real


# -- dimensions -----------------------------------------------------------------------------


class Layout:
    """Which dimension each axis of each slot stands for; axes of length 1 stay 1.

    ``fixed`` are the dimensions that the gradient's code gives as numbers (``np.array([a, b])``),
    ``counts`` those that it gives by others.
    """

    def __init__(self, program: Program) -> None:
        self.axes: dict[int, tuple[int, ...]] = {}
        self.given: list[int] = []
        self.fixed: dict[int, int] = {}
        self.counts: dict[int, Expr] = {}
        taken = {s.part.name for s in program.slots} | set(RESERVED)
        taken |= set(parameter_names(program.loss, 60)) | set(parameter_names(program.grad, 60))
        letters = iter(x for x in (*_LETTERS, *(f"n{k}" for k in range(10**6))) if x not in taken)
        self.letters: list[str] = []
        for slot in sorted(program.slots, key=lambda s: s.parameter):
            if not slot.symbolic:
                continue
            row: list[int] = []
            for size in slot.shape:
                row.append(len(self.given) if size != 1 else -1)
                if size != 1:
                    self.given.append(size)
                    self.letters.append(next(letters))
            self.axes[slot.number] = tuple(row)

    def copy(self) -> Layout:
        """A layout of its own, to be joined further."""
        made = copy.copy(self)
        made.axes, made.fixed = dict(self.axes), dict(self.fixed)
        return made

    @property
    def classes(self) -> list[int]:
        """The dimensions that are left, in order."""
        return sorted({c for row in self.axes.values() for c in row if c >= 0})

    def letter(self, number: int) -> str:
        """What a dimension is called: its letter, or its size where that is fixed."""
        return str(self.fixed.get(number, self.letters[number]))

    def shape(self, slot: Slot, sizes: Mapping[int, int] | None) -> tuple[str | int, ...]:
        """The shape of a slot in letters, or at sizes."""
        row = self.axes[slot.number]
        if sizes is None:
            return tuple(1 if c < 0 else self.fixed.get(c, self.letters[c]) for c in row)
        return tuple(1 if c < 0 else sizes[c] for c in row)

    def join(self, one: int, two: int) -> None:
        """Make two dimensions one."""
        kept, gone = sorted((one, two))
        if gone in self.fixed:
            self.fixed[kept] = self.fixed.pop(gone)
        self.axes = {k: tuple(kept if c == gone else c for c in row) for k, row in self.axes.items()}

    def fix(self, program: Program, claimed: Mapping[str, Array]) -> bool:
        """Fix the dimensions of parameters whose gradient has that many entries by number; whether there are such."""
        before = dict(self.fixed)
        for number, part in enumerate(program.parts):
            row = self.axes[number] * program.order
            shape = claimed[part.name].node.shape
            for own, size in zip(row, shape, strict=True) if len(row) == len(shape) else ():
                if own >= 0 and size == self.given[own]:
                    self.fixed[own] = int(size)
        return self.fixed != before

    def samples(self, program: Program) -> Layout:
        """The layout with the leading axes of data of one length joined: they count the same samples.

        Loops over rows (``zip``, ``range(len(y))``) do not say so, as whole-array code does.
        """
        made = self.copy()
        first: dict[int, int] = {}
        for slot in program.slots:
            row = made.axes.get(slot.number, ())
            if slot.parameter or not row or row[0] < 0:
                continue
            lead = first.setdefault(made.given[row[0]], row[0])
            if lead != row[0]:
                made.join(lead, row[0])
                first = {size: min(lead, row[0]) if c in (lead, row[0]) else c for size, c in first.items()}
        return made

    def pair(self, message: str, sizes: Mapping[int, int] | None) -> tuple[int, int] | None:
        """The two dimensions that an error names and that have one size as given."""
        names = {self.letter(c) if sizes is None else str(sizes[c]): c for c in self.classes}
        for a, b in _AGAINST.findall(message):
            one, two = names.get(a), names.get(b)
            if one is not None and two is not None and one != two and self.given[one] == self.given[two]:
                return one, two
        return None

    def tied(self, loss: Array) -> tuple[int, int] | None:
        """Two dimensions of one given size of which the code cuts the one to the other's length."""
        names = {self.letters[c]: c for c in self.classes}
        for size, last in constraints([loss.node]):
            if last is None or not isinstance(size, Symbol) or not isinstance(last + 1, Symbol):
                continue
            one, two = names.get(str(size)), names.get(str(last + 1))
            if one is not None and two is not None and one != two and self.given[one] == self.given[two]:
                return one, two
        return None

    def counted(self, reading: Reading) -> dict[int, Expr]:
        """The dimensions of flat parameters that the gradient's code counts by others, as they are given.

        ``np.concatenate([dW.ravel(), db])`` has d*k + k entries, and so has the parameter; two plain
        dimensions that are equal as given only (n, d) are no such count.  Empty where shapes differ otherwise.
        """
        found: dict[int, Expr] = {}
        for name, claimed in reading.claimed.items():
            theirs, ours = claimed.node.shape, reading.wrt[name].node.shape
            if len(theirs) != len(ours):
                return {}
            for size, own in zip(theirs, ours, strict=True):
                if size == own:
                    continue
                if isinstance(size, Symbol) or str(own) not in self.letters or not size.free_symbols:
                    return {}
                number = self.letters.index(str(own))
                if self.at(size, dict(enumerate(self.given))) != self.given[number]:
                    return {}
                found[number] = size
        return found

    def at(self, size: Expr, sizes: Mapping[int, int]) -> int | None:
        """A size in letters at sizes of the dimensions; None where one is not known."""
        known = {s: Integer(sizes[k]) for s in size.free_symbols if (k := self.letters.index(str(s))) in sizes}
        value = size.xreplace(known)
        return int(value) if value.is_Integer else None

    def told(self, sizes: Mapping[int, int]) -> str:
        """Sizes in words: ``n = 3, d = 2``."""
        return ", ".join(f"{self.letters[c]} = {sizes[c]}" for c in self.classes) or "fixed sizes"


# -- reading --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """Both functions as formulas over declared arrays.

    ``claimed`` and ``wrt`` are by the parameters' names; ``forced`` are pairs of dimensions that
    only the gradient takes to be equal; ``fixed`` the values of slots that were not read as symbols.
    """

    loss: Array
    claimed: Mapping[str, Array]
    wrt: Mapping[str, Array]
    layout: Layout
    domains: Mapping[int, Domain]
    forced: tuple[tuple[str, str], ...] = ()
    sizes: Mapping[int, int] | None = None
    fixed: Mapping[int, np.ndarray] = field(default_factory=dict)


def read(
    program: Program,
    layout: Layout,
    domains: Mapping[int, Domain],
    sizes: Mapping[int, int] | None = None,
    fixed: Mapping[int, np.ndarray] | None = None,
) -> Reading:
    """Read both functions; dimensions are joined where the loss needs it, and ``layout`` is changed so.

    Raises what reading raises: `UnsupportedError`, `ShapeError`, with the line of the code.
    """
    known = dict(domains)
    loss = _joining(program, layout, known, sizes, fixed, lambda: _loss(program, layout, known, sizes, fixed))
    if sizes is None:
        for _ in layout.given:
            pair = layout.tied(loss)
            if pair is None:
                break
            layout.join(*pair)
            loss = _loss(program, layout, known, sizes, fixed)
    inner = layout.copy() if sizes is None else layout
    claimed = _joining(program, inner, known, sizes, fixed, lambda: _claimed(program, inner, known, sizes, fixed))
    if sizes is None and inner.fix(program, claimed):
        layout.fixed = inner.fixed
        return read(program, layout, domains, sizes, fixed)
    forced = _further(layout, inner)
    if forced:
        loss = _loss(program, inner, known, sizes, fixed)
    arrays = _arrays(program, inner, known, sizes, fixed)
    wrt = {part.name: as_array(arrays[k]) for k, part in enumerate(program.parts)}
    return Reading(loss, claimed, wrt, inner, known, forced, sizes, dict(fixed or {}))


def _joining(
    program: Program,
    layout: Layout,
    domains: dict[int, Domain],
    sizes: Mapping[int, int] | None,
    fixed: Mapping[int, np.ndarray] | None,
    attempt: Callable[[], Any],
) -> Any:
    """The attempt, made again with dimensions joined and index arrays declared as long as it asks for that."""
    for _ in range(2 * len(layout.given) + len(program.slots) + 1):
        try:
            return attempt()
        except IndexDomainError as error:
            slot = next((s for s in program.slots if s.part.name == error.name), None)
            needed = integers(error.first, error.last)
            if slot is None or slot.parameter or domains.get(slot.number) == needed:
                raise
            domains[slot.number] = needed
        except SymderiveError as error:
            pair = layout.pair(str(error), sizes)
            if pair is None:
                raise
            layout.join(*pair)
            if sizes is not None:
                raise _JoinedError(str(error)) from error
    raise ShapeError("the shapes of the arguments could not be told")


class CountedError(ShapeError):
    """The gradient has as many entries as its parameter where some dimensions are tied: they are read at sizes."""

    def __init__(self, counts: Mapping[int, Expr], layout: Layout) -> None:
        told = ", ".join(f"{layout.letters[c]} = {size}" for c, size in counts.items())
        super().__init__(f"the entries of the parameter are counted by other sizes: {told}")
        self.counts = counts


class _JoinedError(SymderiveError):
    """Dimensions were joined while sizes were chosen for them apart: choose sizes again."""


def _arrays(
    program: Program,
    layout: Layout,
    domains: Mapping[int, Domain],
    sizes: Mapping[int, int] | None,
    fixed: Mapping[int, np.ndarray] | None,
) -> dict[int, Any]:
    """Fresh arrays for every slot that is read."""
    made: dict[int, Any] = {}
    for slot in program.slots:
        if fixed and slot.number in fixed:
            made[slot.number] = fixed[slot.number].copy()
        elif slot.symbolic:
            domain = domains.get(slot.number, real)
            truth = np.asarray(slot.part.value).dtype.kind == "b"
            declared = array(
                slot.part.name, *layout.shape(slot, sizes), domain=labels(0, 1) if truth and domain == real else domain
            )
            declared._kind = "b" if truth else "f"
            made[slot.number] = declared
    return made


def _loss(program: Program, layout: Layout, domains: Any, sizes: Any, fixed: Any) -> Array:
    arguments = program.arguments(_arrays(program, layout, domains, sizes, fixed))
    loss = as_array(value_of(run_function(program.loss, arguments)))
    return Array(loss.node)


def _claimed(program: Program, layout: Layout, domains: Any, sizes: Any, fixed: Any) -> dict[str, Array]:
    arrays = _arrays(program, layout, domains, sizes, fixed)
    arguments = program.arguments(arrays)
    params = program.arguments(_arrays(program, layout, domains, sizes, fixed))[0]
    result = run_function(program.grad, arguments)  # it may change `arguments`; `params` keeps the structure
    if program.order == 2:
        return {program.parts[0].name: _plain(as_array(result))}
    found = gradient_in(result, params, [p.path for p in program.parts])
    return {part.name: _plain(as_array(found[k])) for k, part in enumerate(program.parts)}


def _plain(value: Array) -> Array:
    return Array(value.node, value.axes)


def _further(outer: Layout, inner: Layout) -> tuple[tuple[str, str], ...]:
    """The dimensions that ``inner`` has joined beyond ``outer``."""
    found: dict[tuple[str, str], None] = {}
    for number, row in outer.axes.items():
        for before, after in zip(row, inner.axes[number], strict=True):
            if before != after:
                found[outer.letters[after], outer.letters[before]] = None
    return tuple(found)


# -- sizes and labels -------------------------------------------------------------------------


def concrete(
    program: Program, layout: Layout, domains: Mapping[int, Domain], rng: np.random.Generator
) -> Iterator[Reading]:
    """Readings at small unequal sizes: symbols everywhere first, else with labels and indices chosen.

    Raises the error of the first attempt where no reading succeeds.
    """
    first: SymderiveError | None = None
    count = 0
    discrete = [s for s in program.slots if s.discrete]
    for choosing in (False, True) if discrete else (False,):
        for attempt in range(3):
            try:
                for reading in _at_sizes(program, layout, domains, attempt, discrete if choosing else [], rng):
                    count += 1
                    yield reading
            except SymderiveError as error:
                first = first or error
            if count and attempt == 1:
                return
        if count:
            return
    if first is not None:
        raise first


def _at_sizes(
    program: Program,
    layout: Layout,
    domains: Mapping[int, Domain],
    attempt: int,
    discrete: Sequence[Slot],
    rng: np.random.Generator,
) -> Iterator[Reading]:
    for _ in range(len(layout.given) + 1):  # each round joins two dimensions, or is the last
        sizes = _sizes(layout, attempt)
        entries = sum(prod(int(k) for k in layout.shape(s, sizes)) for s in program.slots if s.symbolic)
        if entries > MAX_ENTRIES:
            raise UnsupportedError(f"the arrays have {entries} entries, too many to be read one by one")
        try:
            for draw in range(3 if discrete else 1):
                fixed = {s.number: _drawn(s, layout.shape(s, sizes), attempt == 2 and not draw, rng) for s in discrete}
                yield read(program, layout, domains, sizes, fixed)
            return
        except _JoinedError:
            continue


def _sizes(layout: Layout, attempt: int) -> dict[int, int]:
    """Small sizes, all different, in the order of the sizes given; at last the sizes given."""
    if attempt == 2:
        return {c: layout.given[c] for c in layout.classes}
    order = sorted(layout.classes, key=lambda c: (layout.given[c], c if attempt else -c))
    sizes = {c: 2 + attempt + k + (attempt if k else 0) for k, c in enumerate(order)} | layout.fixed
    counted = {c: layout.at(size, sizes) for c, size in layout.counts.items() if c in sizes}
    return sizes | {c: size for c, size in counted.items() if size is not None}


def _drawn(slot: Slot, shape: Sequence[Any], as_given: bool, rng: np.random.Generator) -> np.ndarray:
    """Labels or indices of the kind that was given."""
    given = np.asarray(slot.part.value)
    if as_given:
        return given.copy()
    if kind_of(given) is one_hot:
        return np.eye(shape[-1], dtype=given.dtype)[rng.integers(0, shape[-1], shape[:-1])]
    values = np.unique(given)
    count = prod(shape)
    drawn = np.concatenate([rng.permutation(values) for _ in range(-(-count // len(values)))])[:count]
    return rng.permutation(drawn).reshape(shape)


def assumptions(program: Program, signs: str = "") -> dict[int, Domain]:
    """What the data given have in common, by slot; ``signs`` says whose signs count too: "data", "all"."""
    found: dict[int, Domain] = {}
    for slot in program.slots:
        if not slot.symbolic or np.asarray(slot.part.value).dtype.kind == "b":
            continue
        domain = real if slot.parameter else kind_of(slot.part.value)
        if signs == "all" or (signs == "data" and not slot.parameter):
            sign = sign_of(slot.part.value)
            domain = sign if domain is real or sign is spd else domain
        if domain is not real:
            found[slot.number] = domain
    return found


def squared(layout: Layout, domains: Mapping[int, Domain]) -> Layout:
    """The layout with both axes of symmetric matrices one dimension."""
    made = layout.copy()
    for number, domain in domains.items():
        if domain in (symmetric, spd):
            made.join(*made.axes[number])
    return made


__all__ = [
    "CountedError",
    "Layout",
    "Program",
    "Reading",
    "Slot",
    "assumptions",
    "concrete",
    "kind_of",
    "parameter_names",
    "read",
    "sign_of",
    "squared",
]
