"""Which single edit of its code would make a hand-written gradient right.

Every candidate is run at two points and compared with finite differences; a missing factor is not
guessed but solved for, since a gradient depends on the scale of its parts in a straight line.
What passes is still a guess: whoever asks confirms it by other means before it is said.
"""

from __future__ import annotations

import ast
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symderive.checking.edits import Edit, Put, Site, Source, further, other_functions, rewritings, sources
from symderive.checking.parameters import gradient_in
from symderive.checking.programs import Program
from symderive.checking.trials import Runs

SECONDS = 3.0
"""How long edits are tried, in seconds of the processor."""

STEP = 0.01
"""The longest step of the differences: longer ones would meet the kinks of other samples."""

NEAR = 1e-6
"""How far a mended gradient may be from finite differences, relative to its size."""

CONFIRMATIONS = 6
"""How often a guess is confirmed, at most."""

_CONSTANTS = (
    ("np.log(2)", np.log(2)),
    ("np.log(10)", np.log(10)),
    ("np.pi", np.pi),
    ("np.sqrt(2)", np.sqrt(2)),
    ("np.sqrt(2 * np.pi)", np.sqrt(2 * np.pi)),
)

Confirm = Callable[[Callable[..., Any], Sequence[str]], bool]
"""Whether a mended gradient stands for some parameters, by their paths."""

_Gradient = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Mended:
    """An edit, and the parameters for which it makes the gradient right."""

    paths: tuple[str, ...]
    words: str


class Mending:
    """The search for edits of ``program.grad``; ``wrong`` are the parameters that are off."""

    def __init__(self, runs: Runs, values: Mapping[int, np.ndarray], wrong: Sequence[str]) -> None:
        self.program: Program = runs.program
        self.wrong = tuple(wrong)
        self.paths = runs.paths
        rng = np.random.default_rng(runs.seed)
        moved = {
            k: v + 0.3 * (np.abs(v) + 0.2) * rng.uniform(0.5, 1, size=v.shape)
            for k, v in enumerate(runs.point(values).values())
        }
        self.points = [values, {**values, **moved}]
        self.claimed: list[_Gradient] = []
        self.true: list[dict[str, np.ndarray]] = []
        for point in self.points:
            claimed = runs.claimed(point)
            slopes = {p: runs.true_gradient(point, k, STEP) for k, p in enumerate(self.paths) if p in self.wrong}
            self.claimed.append(claimed)
            self.true.append({p: claimed[p] if slopes.get(p) is None else slopes[p] for p in self.paths})  # type: ignore[misc]

    def search(self, confirm: Confirm, seconds: float = SECONDS) -> list[Mended]:
        """The edits that mend most at once and are confirmed; none where the points show nothing wrong."""
        deadline = time.thread_time() + seconds
        compared = list(zip(self.true, self.claimed, strict=True))
        left = [p for p in self.wrong if any(self._off(true[p], claimed[p]) for true, claimed in compared)]
        guesses: dict[tuple[str, ...], tuple[Edit, Callable[..., Any]]] = {}
        tries = 0
        if not left:
            return []
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for edit, grad in self._edits(deadline):
                mended = self._mends(grad, left)
                if not mended or mended in guesses:
                    continue
                if len(mended) == len(left):
                    tries += 1
                    if confirm(grad, mended):
                        return [Mended(mended, edit.words)]
                    if tries >= CONFIRMATIONS:
                        break
                else:
                    guesses[mended] = edit, grad
        found: list[Mended] = []
        for paths, (edit, grad) in sorted(guesses.items(), key=lambda item: -len(item[0])):
            if set(paths) <= set(left) and tries < CONFIRMATIONS + len(self.wrong):
                tries += 1
                if confirm(grad, paths):
                    found.append(Mended(paths, edit.words))
                    left = [p for p in left if p not in paths]
        return found

    # -- candidates ---------------------------------------------------------------------------

    def _edits(self, deadline: float) -> Iterator[tuple[Edit, Callable[..., Any]]]:
        """Edits with the gradient that they make, the likeliest first."""
        for source, put in sources(self.program.grad):
            yield from self._edits_of(source, put, deadline)

    def _edits_of(self, source: Source, put: Put, deadline: float) -> Iterator[tuple[Edit, Callable[..., Any]]]:
        scaled: list[tuple[Site, str, str]] = []
        kept: list[Site] = []
        quantities = self._quantities(source)
        for site in filter(_is_value, source.sites()):
            if time.thread_time() > deadline:
                return
            moved = self._moved(source, put, site)
            if moved is None or (moved.keys() and moved.keys() <= set(self.wrong)):
                kept.append(site)
            scaled += [(site, *found) for found in self._scalings(site, moved or {}, quantities)]
        signs = [(s, *found) for s in kept for found in rewritings(s, ()) if found[1] == "wrong sign"]
        for site, text, what in (*signs, *scaled):
            edit = source.edit(site, text, what)
            if edit is not None:
                yield edit, put(edit.function)
        for edit in source.statements():
            yield edit, put(edit.function)
        yield from self._renamed(source, put, kept)
        atoms, calls = source.atoms(), source.calls()
        for likely in (True, False):
            for site in kept:
                for text, what in rewritings(site, atoms) if likely else further(site, atoms, calls):
                    if time.thread_time() > deadline:
                        return
                    made = source.edited(site, text)
                    if made is not None and self._mends(put(made), self.wrong):
                        edit = source.edit(site, text, what)
                        if edit is not None:
                            yield edit, put(edit.function)

    def _renamed(
        self, source: Source, put: Put, sites: Sequence[Site]
    ) -> Iterator[tuple[Edit, Callable[..., Any]]]:
        """Edits that call another function of the file."""
        names = source.siblings()
        for site in sites:
            for text, what in other_functions(site, names):
                edit = source.edit(site, text, what)
                if edit is not None:
                    yield edit, put(edit.function)

    def _moved(self, source: Source, put: Put, site: Site) -> dict[str, np.ndarray] | None:
        """By how much the gradients change that do when a part is doubled; None where it cannot be doubled."""
        compared = any(isinstance(n, ast.Compare | ast.Slice) for n in (site.parent, site.node))
        if compared or site.field in ("slice", "iter"):
            return None
        made = source.edited(site, f"2 * ({ast.unparse(site.node)})")
        found = None if made is None else self._gradient(put(made), 0)
        if found is None:
            return None
        claimed = self.claimed[0]
        return {p: found[p] - claimed[p] for p in self.paths if self._off(found[p], claimed[p])}

    def _scalings(
        self, site: Site, moved: Mapping[str, np.ndarray], quantities: Sequence[tuple[str, float]]
    ) -> Iterator[tuple[str, str]]:
        """The factor that a part lacks, solved for: what is off must be a multiple of what doubling the part adds."""
        if not moved or not moved.keys() <= set(self.wrong):
            return
        text = ast.unparse(site.node)
        claimed, true = self.claimed[0], self.true[0]
        change = np.concatenate([v.ravel() for v in moved.values()])
        lacking = np.concatenate([(true[p] - claimed[p]).ravel() for p in moved])
        factor = 1 + float(lacking @ change) / float(change @ change)
        size = float(np.max(np.abs(lacking))) + float(np.max(np.abs(change)))
        if np.max(np.abs(lacking - (factor - 1) * change)) > NEAR * size or abs(factor - 1) < NEAR:
            return
        if abs(factor + 1) < NEAR:
            if not (isinstance(site.parent, ast.BinOp) and site.field == "right"):  # there the sign is the operation's
                yield f"-({text})", "wrong sign"
            return
        for simple, shown, inverse in self._named(factor, quantities):
            if not shown and isinstance(site.node, ast.Constant):
                number = Fraction(site.node.value) * simple  # type: ignore[arg-type]
                yield str(number) if number.denominator == 1 else repr(float(number)), "wrong number"
                continue
            over = [x for x in (str(simple.denominator) * (simple.denominator > 1), shown * inverse) if x]
            above = [x for x in (str(simple.numerator) * (simple.numerator != 1), shown * (not inverse)) if x]
            missing = (" * ".join(above) or "1") + "".join(f"/{x}" for x in over)
            product = " * ".join([*above, f"({text})"]) + "".join(f" / {x}" for x in over)
            yield product, f"missing factor {missing}"

    @staticmethod
    def _named(factor: float, quantities: Sequence[tuple[str, float]]) -> Iterator[tuple[Fraction, str, bool]]:
        """Simple numbers times or over a quantity that give a factor, the simplest first."""
        for largest, alone in ((2, True), (1, False), (2, False), (24, True), (4, False)):
            for shown, value in (("", 1.0),) if alone else quantities:
                for inverse in (False,) if alone else (True, False):
                    ratio = factor * value if inverse else factor / value
                    simple = Fraction(ratio).limit_denominator(24)
                    small = simple and max(abs(simple.numerator), simple.denominator) <= largest
                    if small and abs(float(simple) - ratio) <= NEAR * abs(ratio):
                        yield simple, shown, inverse

    def _quantities(self, source: Source) -> list[tuple[str, float]]:
        """Numbers that the function can speak of: its own names for sizes, the sizes of its arguments, scalars."""
        names = _names_of(source.function)
        arguments = dict(zip(names, self.program.numbers(self.points[0]), strict=False))
        space: dict[str, Any] = {**arguments, "len": len, "np": np}
        found: dict[str, float] = {}
        for node in ast.walk(source.definition):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                shown = ast.unparse(node.value)
                if ".shape" in shown or ".size" in shown or shown.startswith("len("):
                    found |= _numbers(ast.unparse(target), shown, space)
        for name, value in sorted(arguments.items(), key=lambda item: item[0] == names[0]):  # the data first
            if isinstance(value, np.ndarray) and value.ndim:
                sized = [f"len({name})", *(f"{name}.shape[{k}]" for k in range(1, value.ndim)), f"{name}.size"]
                for shown in sized[: None if value.ndim > 1 else 1]:
                    found |= _numbers(shown, shown, space)
            elif isinstance(value, float):
                found[name] = value
        return [*((shown, value) for shown, value in found.items() if value not in (0.0, 1.0)), *_CONSTANTS]

    # -- running --------------------------------------------------------------------------------

    def _gradient(self, grad: Callable[..., Any], point: int) -> _Gradient | None:
        """The parts of an edited gradient; None where it cannot be run or has other shapes."""
        arguments = self.program.numbers(self.points[point])
        params = self.program.numbers(self.points[point])[0]
        try:
            found = gradient_in(grad(*arguments), params, self.paths)
            made = {p: np.asarray(found[k], dtype=float) for k, p in enumerate(self.paths)}
        except Exception:  # an edited function may do anything: then it is no repair
            return None
        fits = all(made[p].shape == self.claimed[point][p].shape and np.all(np.isfinite(made[p])) for p in self.paths)
        return made if fits else None

    def _mends(self, grad: Callable[..., Any], wrong: Sequence[str]) -> tuple[str, ...]:
        """The wrong parameters that come out right at all points, where no other gets worse."""
        mended = list(wrong)
        for point, (claimed, true) in enumerate(zip(self.claimed, self.true, strict=True)):
            found = self._gradient(grad, point)
            if found is None:
                return ()
            mended = [p for p in mended if not self._off(true[p], found[p])]
            if not mended or any(self._off(claimed[p], found[p]) for p in self.paths if p not in self.wrong):
                return ()
        return tuple(mended)

    @staticmethod
    def _off(true: np.ndarray, claimed: np.ndarray) -> bool:
        scale = max(float(np.max(np.abs(true), initial=0.0)), float(np.max(np.abs(claimed), initial=0.0)), 1e-9)
        return bool(np.max(np.abs(true - claimed), initial=0.0) > NEAR * scale)


def _is_value(site: Site) -> bool:
    """Whether an expression is part of a value, and no callee or text."""
    called = isinstance(site.parent, ast.Call) and site.field == "func"
    return not called and not (isinstance(site.node, ast.Constant) and not isinstance(site.node.value, int | float))


def _names_of(function: types.FunctionType) -> tuple[str, ...]:
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def _numbers(target: str, shown: str, space: Mapping[str, Any]) -> dict[str, float]:
    """What an expression of sizes gives the names it is assigned to."""
    try:
        value = eval(compile(shown, "<size>", "eval"), {"__builtins__": {}}, dict(space))
    except Exception:  # it speaks of names that are made later
        return {}
    names = [x.strip() for x in target.strip("()").split(",")] if isinstance(value, tuple) else [target]
    values = list(value) if isinstance(value, tuple) else [value]
    if len(names) != len(values):
        return {}
    given = zip(names, values, strict=True)
    return {n: float(v) for n, v in given if isinstance(v, int | float) and n != "_"}


__all__ = ["Mended", "Mending"]
