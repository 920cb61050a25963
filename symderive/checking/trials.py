"""A loss and its gradient run on numbers: at the point given, near it, and on data of the same kind.

What is found is evidence and no verdict: finite differences with an error estimate, whether the
functions draw fresh random numbers, whether they change what they are given, and, for a gradient
that is wrong, which parameter is off and by what simple change it would be right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from symderive.checking.parameters import gradient_in, value_of, walk
from symderive.checking.programs import Program, Slot, kind_of, sign_of
from symderive.errors import DataError, SymderiveError
from symderive.judgement.finite_differences import cross_check, slope
from symderive.judgement.verdicts import CrossCheck, decimal_text
from symderive.language.domains import labels, one_hot, positive, simplex, spd, symmetric

SECONDS = 4.0
"""How long fresh points are tried."""

FARTHEST = 6.0
"""The largest logarithm of a factor that moves positive parameters: nearer to 0 differences step across it."""

MAX_SLOPES = 600
"""A hint looks at every entry of the true gradient, while there are not more."""


_Mend = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A claimed gradient and its parameter to the gradient mended."""


@dataclass(frozen=True)
class Trial:
    """The comparison with finite differences at one point; ``check`` is None where the loss is not finite there."""

    where: str
    values: Mapping[int, np.ndarray]
    check: CrossCheck | None

    @property
    def fails(self) -> bool:
        """Whether the gradient disagrees here beyond the error estimate."""
        return self.check is not None and not self.check.ok

    @property
    def silent(self) -> bool:
        """Whether the differences say nothing here."""
        return self.check is None or self.check.unclear >= self.check.checked + self.check.directions


class Runs:
    """The two functions of a program, run on numbers."""

    def __init__(self, program: Program, seed: int) -> None:
        self.program = program
        self.seed = seed
        self.paths = [part.path for part in program.parts]
        self.damaged: dict[str, None] = {}

    # -- running ----------------------------------------------------------------------------

    def _run(self, which: str, values: Mapping[int, np.ndarray]) -> Any:
        """What a function returns; notes the arguments that it changes in place."""
        function = self.program.loss if which == "loss" else self.program.grad
        arguments = self.program.numbers(values)
        before = [_frozen(leaf) for tree in arguments for _, leaf in walk(tree)]
        with np.errstate(all="ignore"):
            result = function(*arguments)
        after = [leaf for tree in arguments for _, leaf in walk(tree)]
        if len(after) != len(before):
            self.damaged[f"{which} adds to or takes from its arguments"] = None
            return result
        for slot, old, new in zip(self.program.slots, before, after, strict=True):
            if old is not None and _changed(old, new):
                self.damaged[f"{which} changes its argument {slot.part.path} in place"] = None
        return result

    def value(self, values: Mapping[int, np.ndarray]) -> float:
        """The loss."""
        return float(value_of(self._run("loss", values)))

    def claimed(self, values: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        """The hand-written gradient by the parameters' paths."""
        params = self.program.numbers(values)[0]
        found = gradient_in(self._run("grad", values), params, self.paths)
        made: dict[str, np.ndarray] = {}
        for number, path in enumerate(self.paths):
            try:
                made[path] = np.asarray(found[number], dtype=float)
            except (TypeError, ValueError) as error:
                raise DataError(f"the gradient by {path} is no array of numbers: {error}") from None
        return made

    def is_random(self) -> str:
        """Which of the functions gives other results for the same arguments."""
        first, again = self.value({}), self.value({})
        if first != again and not (first != first and again != again):
            return "loss"
        one, two = self.claimed({}), self.claimed({})
        same = all(np.array_equal(one[k], two[k], equal_nan=True) for k in one)
        return "" if same else "grad"

    # -- comparing --------------------------------------------------------------------------

    def point(self, values: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        """The parameters at a point, by their paths."""
        return {p.path: values.get(k, p.value) for k, p in enumerate(self.program.parts)}

    def check(
        self, values: Mapping[int, np.ndarray], scaled: Mapping[str, Any] | None = None, stairs: bool = False
    ) -> CrossCheck | None:
        """Finite differences at a point; None where the loss is not finite there.

        ``scaled`` puts other arrays in place of some of the claimed ones; ``stairs`` is for points
        at which the loss may be made of rounding alone.
        """
        claimed = {**self.claimed(values), **(scaled or {})}
        point = self.point(values)
        if not isfinite(self.value(values)) or not any(v.size for v in point.values()):
            return None

        def value(**moved: np.ndarray) -> float:
            return self.value({**values, **{k: moved[path] for k, path in enumerate(self.paths)}})

        return cross_check(value, claimed, point, seed=self.seed, stairs=stairs)

    def given(self) -> Trial:
        """The comparison at the point given."""
        return Trial("at the point given", {}, self.check({}))

    def fresh(self) -> Iterator[Trial]:
        """Comparisons at other parameters and, where the data are plain arrays, for other data of their kind."""
        stop = time.thread_time() + SECONDS
        data = [s for s in self.program.slots if s.symbolic and not s.parameter]
        for number in range(1, 10):
            if time.thread_time() > stop:
                return
            seed = self.seed + number
            rng = np.random.default_rng(seed)
            far = number > 6  # a branch may be taken far away only
            other = 3 < number <= 6 and bool(data)
            for scale in (30.0, 5.0) if far else (1.0, 0.2):
                values = {k: _near(p.value, scale, rng, number) for k, p in enumerate(self.program.parts)}
                if other:
                    values |= {s.number: _alike(s, rng) for s in data}
                try:
                    found = self.check(values, stairs=far)
                except SymderiveError:
                    continue
                except Exception:  # a fresh point may lie outside what the user's code admits: another is taken
                    continue
                if found is not None:
                    what = "parameters far off" if far else "fresh parameters and data" if other else "fresh parameters"
                    yield Trial(f"at {what}, seed {seed}", values, found)
                    break

    # -- what would be right ----------------------------------------------------------------

    def true_gradient(self, values: Mapping[int, np.ndarray], number: int, step: float = 0.125) -> np.ndarray | None:
        """Every entry of the gradient by one parameter from finite differences; None where there are too many.

        ``step`` is the longest: short ones meet fewer kinks.
        """
        start = np.array(values.get(number, self.program.parts[number].value))
        if start.size > MAX_SLOPES:
            return None
        made = np.empty(start.shape)
        for index in np.ndindex(start.shape):

            def along(t: float, index: tuple[int, ...] = index) -> float:
                moved = start.copy()
                moved[index] += t
                return self.value({**values, number: moved})

            made[index] = slope(along, step).value
        return made if np.all(np.isfinite(made)) else None

    def explain(self, trial: Trial) -> dict[str, str]:
        """By what simple change each wrong part of the gradient would be right, by their paths."""
        if trial.check is None:
            return {}
        claimed = self.claimed(trial.values)
        told: dict[str, str] = {}
        rng = np.random.default_rng(self.seed)
        near = {k: _near(v, 0.1, rng, 1) for k, v in enumerate(self.point(trial.values).values())}
        near = {**trial.values, **near}
        for number, path in enumerate(self.paths):
            if path not in trial.check.wrong or not np.all(np.isfinite(claimed[path])):
                continue
            true = self.true_gradient(trial.values, number)
            if true is None:
                continue
            for text, mend in _repairs(claimed[path], true, self.point(trial.values)[path], path):
                if all(self._mended(values, path, mend) for values in (trial.values, near)):
                    told[path] = text
                    break
        return told


    def _mended(self, values: Mapping[int, np.ndarray], path: str, mend: _Mend) -> bool:
        """Whether a repair makes one part of the gradient right at a point."""
        try:
            mended = mend(self.claimed(values)[path], self.point(values)[path])
            found = self.check(values, {path: mended})
        except SymderiveError:
            return False
        except Exception:  # the point may lie outside what the user's code admits
            return False
        return found is not None and path not in found.wrong


def _frozen(leaf: Any) -> Any:
    """A copy to compare with later; None for what is not compared."""
    return leaf.copy() if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fiubc" else None


def _changed(old: np.ndarray, new: Any) -> bool:
    return not (isinstance(new, np.ndarray) and np.array_equal(old, new, equal_nan=old.dtype.kind in "fc"))


# -- fresh points -----------------------------------------------------------------------------


def _near(value: np.ndarray, scale: float, rng: np.random.Generator, number: int) -> np.ndarray:
    """Parameters elsewhere: moved by about their own size, all signs; every third time the signs are kept."""
    if number % 3 == 0 and np.all(value > 0):
        return value * np.exp(np.clip(0.5 * scale * rng.standard_normal(value.shape), -FARTHEST, FARTHEST))
    size = max(float(np.sqrt(np.mean(value**2))) if value.size else 0.0, 0.5)
    return value + scale * size * rng.standard_normal(value.shape)


def _alike(slot: Slot, rng: np.random.Generator) -> np.ndarray:
    """Other data of the kind given: labels stay labels, indices indices, rows of a simplex such rows."""
    given = np.asarray(slot.part.value)
    kind, sign = kind_of(given), sign_of(given)
    if kind is one_hot:
        return rng.permutation(given)
    if given.dtype.kind in "iub" or kind in (labels(0, 1), labels(-1, 1)):
        return rng.permutation(given.reshape(-1)).reshape(given.shape)
    noise = rng.standard_normal(given.shape)
    if kind is simplex:
        made = given * np.exp(0.3 * noise)
        return made / made.sum(axis=-1, keepdims=True)
    if sign is spd:
        half = 0.3 * noise / np.sqrt(len(given))
        return given + half @ half.T
    if kind is symmetric:
        return given + 0.3 * (noise + noise.T) * max(float(np.std(given)), 1e-3)
    if sign is positive or not given.ndim:
        return np.asarray(given * np.exp(0.3 * noise))
    if given.ndim == 1 and np.all(np.diff(given) > 0):
        return given  # a grid
    made = given + 0.5 * max(float(np.std(given)), 1e-3) * noise
    return np.abs(made) if np.all(given >= 0) else made


# -- repairs ----------------------------------------------------------------------------------


def _repairs(claimed: np.ndarray, true: np.ndarray, param: np.ndarray, path: str) -> Iterator[tuple[str, _Mend]]:
    """Simple changes of a claimed array that give the true one, nearly; each is tried afterwards."""
    factor = _multiple(claimed, true)
    if factor == -1:
        yield "wrong sign: every component is minus the finite difference", lambda g, _: -g
    elif factor and factor != 1:
        off = float(factor)
        text = f"every component is off by the same factor {factor} (missing {1 / factor}?)"
        yield text, lambda g, _: g / off
    if claimed.ndim == 2 and claimed.shape[0] == claimed.shape[1] > 1:
        yield "missing transpose: transposed (.T) it would be right", lambda g, _: g.T
    if claimed.size > 1:
        yield "the components stand in reverse order", lambda g, _: g[::-1]
    terms: tuple[tuple[str, _Mend], ...] = ((path, lambda _, p: p), (f"np.sign({path})", lambda _, p: np.sign(p)))
    for text, term in terms:
        weight = _multiple(true - claimed, term(claimed, param))
        if weight:
            yield (
                f"the term {decimal_text(weight)} * {text} is missing",
                lambda g, p, c=float(weight), term=term: g + c * term(g, p),
            )


def _multiple(claimed: np.ndarray, true: np.ndarray) -> Fraction | None:
    """The simple factor c with ``claimed == c * true``, None where there is none."""
    scale = float(np.max(np.abs(true), initial=0.0))
    if not scale:
        return None
    factor = float(np.sum(claimed * true) / np.sum(true * true))
    if not isfinite(factor) or np.max(np.abs(claimed - factor * true)) > 1e-5 * max(abs(factor), 1e-12) * scale:
        return None
    simple = Fraction(factor).limit_denominator(360)
    return simple if simple and abs(float(simple) - factor) <= 1e-5 * abs(factor) else None


def renamed(check: CrossCheck, note: str) -> CrossCheck:
    """The comparison with a further note."""
    return replace(check, note="; ".join(x for x in (check.note, note) if x))


__all__ = ["Runs", "Trial", "renamed"]
