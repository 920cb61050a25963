"""Finite differences for code that can only be run: evidence beside a verdict, never a verdict.

Central differences on a ladder of steps with Richardson extrapolation (C. J. F. Ridders, "Accurate
computation of F'(x) and F'(x)F''(x)", Adv. Eng. Softw. 4 (1982)); the step is the one whose
estimated error, truncation and rounding together, is least.  One-sided differences that do not
come together as the step shrinks (a kink) enlarge the estimate.  The estimate is part of the
answer: a claimed entry fails only where it is off by clearly more than it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from math import factorial, inf, isfinite
from typing import Any

import numpy as np

from symderive.errors import DataError, ShapeError
from symderive.judgement.verdicts import CrossCheck

EPS = float(np.finfo(float).eps)
RATIO = 2.0
LEVELS = 10
SAFETY = 10.0
"""A claimed entry fails where it is off by more than this many error estimates."""
MAX_ENTRIES = 40
JUMP_PARTS = 16
"""In how many parts of a line a jump of the value is looked for."""
DIRECTIONS = 8


@dataclass(frozen=True)
class Slope:
    """An estimated derivative along a line, how far off it may be, and the step it came from.

    ``secant`` is the larger of the two one-sided slopes at that step.
    """

    value: float
    error: float
    step: float
    kink: bool = False
    secant: float = 0.0


def noise_level(f: Callable[[float], float], width: float = 1e-6) -> float:
    """How much f jitters from rounding: differences of high order at nearby points.

    A smooth function's fourth and higher differences vanish with the spacing; what is left is
    noise (J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33
    (2011)).  0 where f is not finite nearby.

    >>> noise_level(lambda t: 1.0 + t)  < 1e-14
    True
    """
    values = np.array([f(width * k / 4) for k in range(-4, 5)])
    if not np.all(np.isfinite(values)):
        return 0.0
    levels: list[float] = []
    for order in range(1, 8):
        values = values[1:] - values[:-1]
        if order >= 4:
            gamma = factorial(order) ** 2 / factorial(2 * order)
            levels.append(float(np.sqrt(gamma * np.mean(values**2))))
    return max(levels)


def slope(f: Callable[[float], float], scale: float = 1.0, centre: float | None = None, noise: float = 0.0) -> Slope:
    """Estimate f′(0) of a plain function of one number.

    ``scale`` is the size of the largest step; ``centre`` is f(0) if it is known; ``noise`` how
    far off a value of f may be, where that is more than a few units in its last place.
    Steps at which f is not finite are passed over; with none left the error estimate is infinite.

    >>> import math
    >>> s = slope(lambda t: math.exp(2 * t))
    >>> abs(s.value - 2) <= s.error < 1e-8
    True
    """
    middle = f(0.0) if centre is None else centre
    best = Slope(float("nan"), inf, 0.0)
    previous: list[float] = []
    gaps: list[tuple[float, float, float]] = []
    step = scale
    while len(gaps) < LEVELS and step > 1e-13 * scale:
        up, down = f(step), f(-step)
        if not (isfinite(up) and isfinite(down)):
            previous, step = [], step / RATIO
            continue
        rounding = max(4 * EPS * max(abs(up), abs(down), abs(middle)), 2 * noise) / step
        row = [(up - down) / (2 * step)]
        factor = RATIO * RATIO
        for j, old in enumerate(previous):
            row.append((factor * row[j] - old) / (factor - 1))
            factor *= RATIO * RATIO
            # the difference to both neighbours of the tableau, and the rounding that it carries
            error = max(abs(row[j + 1] - row[j]), abs(row[j + 1] - old)) + 2 * rounding
            if error < best.error:
                secant = max(abs(up - middle), abs(middle - down)) / step
                best = Slope(row[j + 1], error, step, secant=secant)
        gaps.append((abs((up - middle) - (middle - down)) / step, rounding, step))
        previous = row
        step /= RATIO
    if not gaps:
        return best
    if len(gaps) == 1 or best.error == inf:
        return Slope(best.value, inf, gaps[-1][2])
    kink = _kink(gaps)
    return replace(best, error=max(best.error, kink), kink=kink > 0)


def jump(f: Callable[[float], float], width: float) -> float:
    """The largest jump of f that bisection finds within ``width`` of 0; 0 where it finds f continuous.

    What cancels (1 - (1 - x)) leaves stairs of rounding that are level between the steps: no
    differences at short steps see them, and no noise level.

    >>> jump(lambda t: t * t, 1.0), jump(lambda t: float(t > 0.3), 1.0)
    (0.0, 1.0)
    """
    grid = np.linspace(-width, width, JUMP_PARTS + 1)
    values = [f(float(t)) for t in grid]
    size = max((abs(v) for v in values if isfinite(v)), default=0.0)
    largest = 0.0
    for left, right, low, high in zip(grid, grid[1:], values, values[1:], strict=False):
        smallest = max(1000 * EPS * size, 1e-7 * abs(high - low))  # a steep slope leaves less
        for _ in range(40):
            middle = (left + right) / 2
            value = f(float(middle))
            if not (isfinite(low) and isfinite(high) and isfinite(value)):
                break
            if abs(value - low) >= abs(high - value):
                right, high = middle, value
            else:
                left, low = middle, value
        else:
            gap = abs(high - low)
            largest = max(largest, gap if gap > smallest else 0.0)
    return largest


def _kink(gaps: list[tuple[float, float, float]]) -> float:
    """Half the jump of the one-sided derivatives, 0 where they come together as h shrinks."""
    (late, rounding, small), (early, _, large) = gaps[-1], gaps[max(0, len(gaps) - 4)]
    if late > 20 * rounding and late > 0.7 * early and small < large:
        return late / 2
    return 0.0


def _arrays(point: Mapping[str, Any]) -> dict[str, np.ndarray]:
    arrays = {name: np.array(value, dtype=float) for name, value in point.items()}
    for name, value in arrays.items():
        if not np.all(np.isfinite(value)):
            raise DataError(f"finite differences need a finite point, but {name} has non-finite entries")
    return arrays


def cross_check(
    value: Callable[..., Any],
    gradient: Any,
    point: Mapping[str, Any],
    *,
    symmetric: Collection[str] = (),
    max_entries: int = MAX_ENTRIES,
    directions: int = DIRECTIONS,
    seed: int = 0,
    stairs: bool = False,
) -> CrossCheck:
    """Compare a claimed gradient with finite differences at one point.

    ``value(**point)`` is a float; ``point`` maps names to arrays; ``gradient`` maps the same names
    to arrays of the same shapes (for a single name the array itself will do), or is a callable
    that returns one.  ``symmetric`` names square matrices that stay symmetric: NumPy's ``eigvalsh``
    and ``cholesky`` look at one triangle only, so an entry moves with its mirror image, each by
    half, and the average of the two entries of the gradient is compared.

    Every entry is compared while there are at most ``max_entries``; of more, a random choice of
    entries (some of every array), ``directions`` random directions over all of them, and one along
    each array alone.  How much the value jitters from
    rounding (a sum that cancels, single precision) is measured, not assumed.  With ``stairs`` an
    entry fails only where the value has no jumps nearby that would explain it: far off, where a
    value may be made of rounding alone.

    ``ok`` is False where an entry is off by clearly more than its error estimate, or is not
    finite.  A gradient of the wrong shape raises `ShapeError`; a value that is not finite at the
    point raises `DataError`.

    >>> import numpy as np
    >>> at = {"w": np.array([1.0, -2.0])}
    >>> cross_check(lambda w: float(w @ w), 2 * at["w"], at).ok
    True
    >>> cross_check(lambda w: float(w @ w), at["w"], at).worst
    'w[1]'
    """
    arrays = _arrays(point)
    unknown = sorted(set(symmetric) - set(arrays))
    if unknown:
        raise ShapeError(f"symmetric names {', '.join(unknown)}, but the point is for {', '.join(arrays)}")
    claimed = _claimed(gradient(**{k: v.copy() for k, v in arrays.items()}) if callable(gradient) else gradient, arrays)

    def at(moved: Mapping[str, np.ndarray]) -> float:
        with np.errstate(all="ignore"):
            result = np.asarray(value(**moved), dtype=float)
        if result.size != 1:
            raise ShapeError(f"the value must be one number, got an array of shape {result.shape}")
        return float(result.reshape(()))

    centre = at({k: v.copy() for k, v in arrays.items()})
    if not isfinite(centre):
        raise DataError(f"the value is {centre} at the point; finite differences need a point inside the domain")
    for name in symmetric:
        claimed[name] = _mirrored(claimed[name])
    places = [
        (name, index)
        for name, array in arrays.items()
        for index in np.ndindex(array.shape)
        if name not in symmetric or index[-1] <= index[-2]
    ]
    if not places:
        raise DataError("finite differences need at least one parameter")
    rng = np.random.default_rng(seed)
    many = len(places) > max_entries
    noise = _noise(at, arrays, symmetric, rng)
    chosen = _some(places, max_entries, rng) if many else places
    rows = [_entry(at, arrays, claimed, name, index, name in symmetric, centre, noise) for name, index in chosen]
    lines = [(f"direction {number}", tuple(arrays)) for number in range(directions)] if many else []
    lines += [(name, (name,)) for name in arrays if arrays[name].size > 1] if lines and len(arrays) > 1 else []
    rows += [_direction(at, arrays, claimed, label, moving, symmetric, rng, centre, noise) for label, moving in lines]
    size = max((abs(r.claimed) for r in rows if isfinite(r.claimed)), default=0.0)
    rows = [r.settled(centre, noise) if r.fails(size) else r for r in rows]
    rows = [r.smoothed(centre, noise) if stairs and r.fails(size) else r for r in rows]
    failing = [r for r in rows if r.fails(size)]
    worst = max(failing or rows, key=lambda r: r.badness(size))
    kinks = sum(r.slope.kink for r in rows)
    notes = [f"{kinks} entries are at a kink"] if kinks else []
    blind = sum(not isfinite(r.slope.error) for r in rows)
    if blind:
        notes.append(f"{blind} entries could not be estimated")
    vague = sum(r.vague(size) for r in rows)
    if vague:
        notes.append(f"the steps contradict each other in {vague} entries")
    return CrossCheck(
        ok=not failing,
        name=worst.name,
        index=worst.index,
        claimed=worst.claimed,
        estimated=worst.slope.value,
        relative_error=worst.relative,
        absolute_error=worst.absolute,
        step=worst.slope.step,
        error_estimate=worst.slope.error,
        checked=len(chosen),
        directions=len(lines),
        failing=len(failing),
        note="; ".join(notes),
        unclear=blind + vague,
        wrong=tuple(name for name in arrays if any(r.name == name for r in failing)),
    )


@dataclass(frozen=True)
class _Row:
    name: str
    index: tuple[int, ...] | None
    claimed: float
    slope: Slope
    line: Callable[[float], float]

    def settled(self, centre: float, noise: float) -> _Row:
        """The row, its error enlarged where smaller steps side with the claim: a kink lies nearer than the step.

        A claim that is wrong stays off by as much at every smaller step; one that is right, beyond a
        kink next to the point, is met as soon as the step is shorter than the way to the kink.
        """
        off, step, met = self.absolute, self.slope.step, 0
        gaps: list[float] = []
        jumps = [0.0]
        while isfinite(off) and step > 0:
            up, down = self.line(step), self.line(-step)
            rounding = (4 * EPS * max(abs(up), abs(down), abs(centre)) + 2 * noise) / step
            if not rounding < 0.1 * off:  # also where a value is not finite
                break
            gaps.append(((up - centre) - (centre - down)) / step)
            if len(gaps) > 1:
                # at the point itself there may be a kink too: its jump is what stays as the steps shrink
                jumps.append(abs(4 * gaps[-1] - gaps[-2]) / 3)
                stays = jumps[-1] > 0.5 * jumps[-2] > 0 and jumps[-1] > 5 * rounding
                allowed = 0.3 * off + (0.55 * jumps[-1] if stays else 0.0)
                met = met + 1 if abs((up - down) / (2 * step) - self.claimed) <= allowed else 0
            if met == 2:
                return replace(self, slope=replace(self.slope, error=off, kink=True))
            step /= 4
        return self

    def smoothed(self, centre: float, noise: float) -> _Row:
        """The row, its error enlarged by the jumps of the value near the point."""
        if not isfinite(self.claimed):
            return self
        width = max(32 * self.slope.step, 0.5)
        found = jump(self.line, width)
        return replace(self, slope=slope(self.line, width, centre, found)) if found > noise else self

    @property
    def absolute(self) -> float:
        return abs(self.claimed - self.slope.value)

    @property
    def relative(self) -> float:
        scale = max(abs(self.claimed), abs(self.slope.value))
        return self.absolute / scale if scale else 0.0

    def allowed(self, size: float) -> float:
        """What the finite difference cannot see: its own error, and a few roundings of the claim."""
        return SAFETY * self.slope.error + 64 * EPS * max(abs(self.claimed), 1e-6 * size)

    def fails(self, size: float) -> bool:
        if not isfinite(self.claimed):
            return True
        return isfinite(self.slope.error) and not self.absolute <= self.allowed(size)

    def vague(self, size: float) -> bool:
        """Whether the steps contradict each other: the error is as large as the slope, and no kink explains it."""
        error, scale = self.slope.error, max(abs(self.claimed), abs(self.slope.value))
        noise = max(1e-3 * self.slope.secant, 1e-7 * size, 1e-9)
        return isfinite(error) and not self.slope.kink and error > 0.05 * scale and error > noise

    def badness(self, size: float) -> float:
        if not isfinite(self.claimed):
            return inf
        if not isfinite(self.slope.error):
            return -1.0
        if self.fails(size):
            return self.absolute
        return self.relative if size else self.absolute


def _some(
    places: list[tuple[str, tuple[int, ...]]], count: int, rng: np.random.Generator
) -> list[tuple[str, tuple[int, ...]]]:
    """A random choice of entries with a few of every array."""
    groups: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for place in places:
        groups.setdefault(place[0], []).append(place)
    share = max(1, count // (2 * len(groups)))
    first = [group[i] for group in groups.values() for i in rng.permutation(len(group))[:share]]
    taken = set(first)
    rest = [p for p in places if p not in taken]
    more = [rest[i] for i in rng.permutation(len(rest))[: max(count - len(first), 0)]]
    order = {place: k for k, place in enumerate(places)}
    return sorted([*first, *more], key=order.__getitem__)


def _claimed(gradient: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not isinstance(gradient, Mapping):
        if len(arrays) != 1:
            raise ShapeError(
                f"the gradient must be a mapping with the names {', '.join(arrays)}, got a {type(gradient).__name__}"
            )
        gradient = {next(iter(arrays)): gradient}
    if set(gradient) != set(arrays):
        raise ShapeError(f"the gradient is given for {', '.join(gradient)}, but the point for {', '.join(arrays)}")
    claimed = {name: np.asarray(gradient[name], dtype=float) for name in arrays}
    for name, value in claimed.items():
        if value.shape != arrays[name].shape:
            raise ShapeError(
                f"the gradient by {name} has shape {value.shape}, but {name} has shape {arrays[name].shape}"
            )
    return claimed


def _mirrored(value: np.ndarray) -> np.ndarray:
    """The symmetric part of square matrices."""
    if value.ndim < 2 or value.shape[-1] != value.shape[-2]:
        raise ShapeError(f"a symmetric array is a square matrix, got the shape {value.shape}")
    return (value + np.swapaxes(value, -1, -2)) / 2


_At = Callable[[Mapping[str, np.ndarray]], float]


def _entry(
    at: _At,
    arrays: Mapping[str, np.ndarray],
    claimed: Mapping[str, np.ndarray],
    name: str,
    index: tuple[int, ...],
    mirrored: bool,
    centre: float,
    noise: float,
) -> _Row:
    moved = {k: v.copy() for k, v in arrays.items()}
    start = float(arrays[name][index])
    image = (*index[:-2], index[-1], index[-2]) if mirrored else index

    def f(t: float) -> float:
        moved[name][index] = moved[name][image] = start + (t if image == index else t / 2)
        # a fresh copy each time: a value function may keep or change what it is given
        return at({k: v.copy() for k, v in moved.items()})

    return _Row(name, index, float(claimed[name][index]), slope(f, _first_step(abs(start)), centre, noise), f)


def _direction(
    at: _At,
    arrays: Mapping[str, np.ndarray],
    claimed: Mapping[str, np.ndarray],
    label: str,
    moving: Collection[str],
    symmetric: Collection[str],
    rng: np.random.Generator,
    centre: float,
    noise: float,
) -> _Row:
    lines = {k: rng.choice((-1.0, 1.0), v.shape) * rng.uniform(0.5, 1.0, v.shape) for k, v in arrays.items()}
    lines = {k: (_mirrored(v) if k in symmetric else v) * (k in moving) for k, v in lines.items()}
    length = float(np.sqrt(sum(float(np.sum(v * v)) for v in lines.values())))
    lines = {k: v / length for k, v in lines.items()}
    size = max((float(np.max(np.abs(v))) for v in arrays.values() if v.size), default=0.0)

    def f(t: float) -> float:
        return at({k: v + t * lines[k] for k, v in arrays.items()})

    along = float(sum(float(np.sum(claimed[k] * lines[k])) for k in lines))
    return _Row(label, None, along, slope(f, _first_step(size), centre, noise), f)


def _noise(
    at: _At, arrays: Mapping[str, np.ndarray], symmetric: Collection[str], rng: np.random.Generator
) -> float:
    lines = {k: rng.choice((-1.0, 1.0), v.shape) * np.maximum(np.abs(v), 1e-3) for k, v in arrays.items()}
    lines = {k: _mirrored(v) if k in symmetric else v for k, v in lines.items()}
    return noise_level(lambda t: at({k: v + t * lines[k] for k, v in arrays.items()}))


def _first_step(size: float) -> float:
    """A power of two, so that start + t is nearly exact, of a modest part of the entry's size."""
    return float(2.0 ** np.floor(np.log2(0.125 * max(size, 0.125))))


__all__ = ["Slope", "cross_check", "noise_level", "slope"]
