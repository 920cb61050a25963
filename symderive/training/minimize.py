"""Training: minimise a loss over its variables on data.

The gradient is the derived one, cross-checked against finite differences at the start point before
the first step.  Methods: gradient descent (fixed step, or Armijo's backtracking), stochastic
gradient descent on minibatches, Newton's method with Cholesky solves, and SciPy's L-BFGS.

Sources: Nocedal & Wright, Numerical Optimization (2nd ed.), ch. 3 (line searches, modified Newton)
and 7 (L-BFGS); Robbins & Monro (1951) for decreasing steps; Albert & Anderson, Biometrika 71 (1984)
for separable classes, whose maximum-likelihood fit does not exist.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize
from tqdm import tqdm

from symderive.compilation.door import size_of
from symderive.compilation.kernel import Bound, Kernel
from symderive.compilation.kernel import compile as compile_kernel
from symderive.errors import DataError, GradientMismatchError, ShapeError, TrainingError, UnknownNameError
from symderive.judgement.verdicts import CrossCheck
from symderive.language.arrays import Array, shape_text
from symderive.language.nodes import Leaf
from symderive.training.separable import sample_sum

__all__ = ["FitResult", "Iteration", "minimize"]

METHODS = ("gradient_descent", "sgd", "newton", "lbfgs")
_ALIASES = {"l-bfgs": "lbfgs", "l-bfgs-b": "lbfgs", "gd": "gradient_descent"}
_LIMITS = {"gradient_descent": 10_000, "sgd": 100, "newton": 200, "lbfgs": 5_000}

#: Sufficient decrease and the smallest step of backtracking.
ARMIJO, SMALLEST = 1e-4, 1e-14

#: A loss that never rises while the variables grow by these factors has no minimiser to go to.
RAY = (1.1, 2.0, 4.0, 16.0, 64.0, 256.0, 1024.0)

EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Iteration:
    """One iteration: the loss and the largest gradient entry after it, and the step that was taken.

    ``x`` is the state in the form of the result (given to callbacks; not kept in the history).
    """

    number: int
    loss: float
    gradient_size: float
    step: float
    x: Any = field(repr=False, default=None)


@dataclass(frozen=True, eq=False)
class FitResult:
    """A fit, in the terms of SciPy's ``OptimizeResult``.

    Attributes
    ----------
    x : the variables found: an array of the variable's shape, or a dict keyed by name
    fun : the loss there
    jac : its gradient there, in the form of ``x``
    hess : the Hessian there (Newton), in the form of ``Kernel.hessian``, else None
    nit, nfev, njev, nhev : iterations (epochs for "sgd"), and evaluations of loss, gradient, Hessian
    success, status, message : whether and why it stopped: 0 converged, 1 iteration limit, 2 no
        further decrease in floating point, 5 stopped by the callback, 6 interrupted
    history : the loss at the start and after each iteration
    iterations : the same with gradient sizes and steps
    cross_check : the finite differences at the start point (None with ``check=False``)
    kernel : the compiled loss
    method, seconds : what was run, and how long it took
    """

    x: Any
    fun: float
    jac: Any
    hess: Any
    nit: int
    nfev: int
    njev: int
    nhev: int
    success: bool
    status: int
    message: str
    history: tuple[float, ...]
    iterations: tuple[Iteration, ...]
    cross_check: CrossCheck | None
    kernel: Kernel
    method: str
    seconds: float

    def __getitem__(self, key: str) -> Any:
        """SciPy's results can be read as dicts too: ``fit["x"]``."""
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None

    def summary(self) -> str:
        """A few lines of text: outcome, loss, gradient, effort, cross-check."""
        size = max((float(np.max(np.abs(g))) for g in _parts(self.jac)), default=0.0)
        word = "converged" if self.status == 0 else "stopped"
        lines = [
            f"{self.method}: {word} after {self.nit} {'epochs' if self.method == 'sgd' else 'iterations'}"
            f" in {self.seconds:.2f} s: {self.message}",
            f"loss {self.fun:.12g} (from {self.history[0]:.12g}), largest gradient entry {size:.1e}",
            f"evaluations: {self.nfev} of the loss, {self.njev} of the gradient, {self.nhev} of the Hessian",
        ]
        if self.cross_check is not None:
            lines.append(str(self.cross_check))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"FitResult({self.summary()})"


def minimize(
    loss: Any,
    wrt: Any = None,
    data: Mapping[str, Any] | None = None,
    start: Any = None,
    method: str = "newton",
    *,
    step: float | Callable[[int], float] | None = None,
    max_iterations: int | None = None,
    tolerance: float = 1e-9,
    batch_size: int | None = None,
    seed: int = 0,
    callback: Callable[[Iteration], Any] | None = None,
    progress: bool | None = None,
    check: bool = True,
) -> FitResult:
    """Minimise a loss over ``wrt`` on data.

    Parameters
    ----------
    loss : a scalar Array, or a Kernel (whose variables are then meant)
    wrt : an Array, its name, or a sequence of them (then ``x`` is a dict keyed by name)
    data : a value for every other array of the loss, by name, and for dimensions that no array has
    start : where to begin, an array or a dict keyed by name; zeros where it is None
    method : "newton" (Cholesky, with line search), "lbfgs" (SciPy's; also "l-bfgs"),
        "gradient_descent", "sgd" (minibatches; the loss must be a sum over samples)
    step : for "gradient_descent" a fixed step (None: backtracking); for "sgd" a step, or a
        function of the epoch, e.g. ``lambda k: 0.1 / (1 + k)`` (None: found at the start point, then
        decreasing as 1/sqrt(1 + epoch))
    max_iterations : epochs for "sgd"
    tolerance : converged when the largest gradient entry is at most this times max(1, its size at
        the start); for "newton", when the Newton decrement is at most this times sqrt(loss)
    batch_size, seed : minibatches of shuffled samples, reproducible; 32 by default
    callback : called with an `Iteration` after each; it may raise StopIteration to stop
    progress : a bar on the terminal; None shows one where standard error is a terminal
    check : compare the gradient with finite differences at the start point first

    Returns
    -------
    FitResult

    Raises
    ------
    GradientMismatchError
        The gradient disagrees with finite differences at the start point: nothing is trained.
    TrainingError
        There is no minimiser (separable classes without a penalty, an unbounded loss), or the loss
        is not finite or overflows on the way.
    UnknownNameError, ShapeError, DataError
        The data or the start point do not fit, as for `Kernel`.

    Examples
    --------
    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> fit = sd.minimize(np.sum((X @ w - y) ** 2), w, {"X": [[1, 0], [0, 2]], "y": [3, 4]})
    >>> fit.x.round(6).tolist(), fit.success
    ([3.0, 2.0], True)
    """
    began = time.perf_counter()
    method = _ALIASES.get(str(method).lower(), str(method).lower())
    if method not in METHODS:
        raise TrainingError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    limit = _LIMITS[method] if max_iterations is None else max_iterations
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise TrainingError(f"max_iterations must be an integer >= 1, got {max_iterations!r}")
    if not (isinstance(tolerance, float | int) and 0 < tolerance < 1):
        raise TrainingError(f"tolerance must be between 0 and 1, got {tolerance!r}")
    if step is not None and not callable(step) and not (np.isfinite(step) and step > 0):
        raise TrainingError(f"step must be positive, got {step!r}")
    kernel = _kernel(loss, wrt, 2 if method == "newton" else 1)
    problem = _Problem(kernel, dict(data or {}), start)
    # A value that overflows is one clear error here, not a warning.
    quiet: dict[str, Any] = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}
    with np.errstate(**quiet):
        found = _checked(problem) if check else None
    bar = tqdm(
        total=limit,
        desc=method,
        unit="epoch" if method == "sgd" else "it",
        disable=not (sys.stderr.isatty() if progress is None else progress),
        leave=False,
    )
    with np.errstate(**quiet):
        run = _Run(problem, limit, tolerance, callback, bar)
    try:
        with bar, np.errstate(**quiet):
            if method == "newton":
                stop = _newton(run)
            elif method == "lbfgs":
                stop = _lbfgs(run)
            elif method == "sgd":
                stop = _sgd(run, step, batch_size, seed)
            else:
                stop = _gradient_descent(run, step)
            if stop.status not in (5, 6):
                run.refuse_without_minimum()
    except KeyboardInterrupt:
        stop = _Stop(False, 6, "interrupted; x is the last state")
    return run.result(stop, method, found, time.perf_counter() - began)


@dataclass(frozen=True)
class _Stop:
    success: bool
    status: int
    message: str


def _kernel(loss: Any, wrt: Any, order: int) -> Kernel:
    if isinstance(loss, Kernel):
        if not loss.wrt:
            raise TrainingError("the kernel has no variables; compile it with wrt=...")
        if loss.order >= order and wrt is None:
            return loss
        names = [a.name for a in loss.wrt]
        wrt = (names if loss.several else names[0]) if wrt is None else wrt
        loss = loss.loss
    if wrt is None:
        raise UnknownNameError("minimize needs wrt=..., the array (or arrays) to find")
    return compile_kernel(loss, wrt=wrt, order=order)


class _Problem:
    """The loss on its data, as functions of one vector."""

    def __init__(self, kernel: Kernel, data: dict[str, Any], start: Any) -> None:
        self.kernel = kernel
        self.names = [a.name for a in kernel.wrt]
        for name in self.names:
            if name in data:
                raise UnknownNameError(f"{name} is sought; give its first value as start=..., not in data")
        self.data = data
        inputs = kernel.admit({**data, **self._start(start)})
        self.point = {name: np.array(inputs.values[name], dtype=float) for name in self.names}
        self.fixed = {k: v for k, v in inputs.values.items() if k not in self.names}
        self.sizes = inputs.sizes
        self.bound: Bound = kernel.bind(**self.fixed, **inputs.sizes)
        self.shapes = {name: value.shape for name, value in self.point.items()}
        self.x0 = self.pack(self.point)
        ends = [self._ends(leaf, inputs.sizes) for leaf in kernel.variables]
        self.low, self.high = (np.concatenate([e[k] for e in ends]) for k in (0, 1))
        self.closed = tuple(np.concatenate([e[k] for e in ends]).astype(bool) for k in (2, 3))

    def _ends(self, leaf: Leaf, sizes: Mapping[str, int]) -> tuple[np.ndarray, ...]:
        entries = leaf.domain.at({s: sizes[s.name] for s in leaf.domain.entries.symbols}).entries
        ends = (float(entries.low), float(entries.high), not entries.low_open, not entries.high_open)
        return tuple(np.full(np.size(self.point[leaf.name]), end) for end in ends)

    def _start(self, start: Any) -> dict[str, Any]:
        several = self.kernel.several
        if start is not None:
            if several and (not isinstance(start, Mapping) or set(start) != set(self.names)):
                raise DataError(f"start must be a dict with the keys {', '.join(self.names)}")
            return dict(start) if several else {self.names[0]: start}
        sizes = self.kernel.sizes_from(self.data, self.names)
        made: dict[str, Any] = {}
        for leaf in self.kernel.variables:
            missing = [s for dim in leaf.shape for s in dim.free_symbols if s not in sizes]
            if missing:
                raise ShapeError(
                    f"{leaf.name} has shape {shape_text(leaf.shape)} and the data do not say what "
                    f"{missing[0]} is; give start=..."
                )
            made[leaf.name] = np.zeros([size_of(dim, sizes) for dim in leaf.shape])
        return made

    def pack(self, point: Mapping[str, Any]) -> np.ndarray:
        """The variables as one vector."""
        return np.concatenate([np.ravel(np.asarray(point[name], dtype=float)) for name in self.names])

    def unpack(self, x: np.ndarray) -> dict[str, Any]:
        """One vector as the variables."""
        made: dict[str, Any] = {}
        at = 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            part = x[at : at + size]
            made[name] = part.reshape(shape) if shape else float(part[0])
            at += size
        return made

    def shown(self, x: np.ndarray) -> Any:
        """One vector in the form of the result."""
        made = {k: np.array(v) if np.ndim(v) else v for k, v in self.unpack(x).items()}
        return made if self.kernel.several else made[self.names[0]]

    def is_inside(self, x: np.ndarray) -> bool:
        """Whether the entries are within the ends of their domains; beyond them there is no loss."""
        return bool(np.all((x > self.low) | (self.closed[0] & (x == self.low)))) and bool(
            np.all((x < self.high) | (self.closed[1] & (x == self.high)))
        )

    def bounds(self) -> list[tuple[float | None, float | None]] | None:
        """The ends of the domains for SciPy, open ones left by a little; None where there are none."""
        if not np.any(np.isfinite(self.low) | np.isfinite(self.high)):
            return None
        margin = 1e-10 * np.maximum(1.0, np.abs(self.x0))
        low = np.where(self.closed[0], self.low, self.low + margin)
        high = np.where(self.closed[1], self.high, self.high - margin)
        return [
            (a if np.isfinite(a) else None, b if np.isfinite(b) else None)
            for a, b in zip(low.tolist(), high.tolist(), strict=True)
        ]

    def matrix(self, hessian: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
        """The Hessian over the vector."""
        sizes = [int(np.prod(self.shapes[name])) for name in self.names]
        return np.block(
            [
                [np.reshape(hessian[a][b], (p, q)) for b, q in zip(self.names, sizes, strict=True)]
                for a, p in zip(self.names, sizes, strict=True)
            ]
        )


def _checked(problem: _Problem) -> CrossCheck:
    """The cross-check at the start point; a disagreement refuses the training."""
    try:
        value = problem.bound.value(problem.unpack(problem.x0))
    except np.linalg.LinAlgError as error:
        raise TrainingError(f"the loss has no value at the start point ({error}); give start=...") from error
    if not np.isfinite(value):
        raise TrainingError(f"the loss is {value} at the start point; give start=... where it is finite")
    found = problem.kernel.cross_check(**problem.fixed, **problem.point, **problem.sizes)
    if not found.ok:
        raise GradientMismatchError(f"training refused: {found}")
    return found


class _Run:
    """Evaluates, counts and records; methods are written against it."""

    def __init__(
        self,
        problem: _Problem,
        limit: int,
        tolerance: float,
        callback: Callable[[Iteration], Any] | None,
        bar: Any,
    ) -> None:
        self.problem = problem
        self.limit = limit
        self.tolerance = tolerance
        self._callback = callback
        self._bar = bar
        self.nfev = self.njev = self.nhev = 0
        self.x = problem.x0
        self.previous = problem.x0
        self.f, self.g = self.both(self.x)
        self._require_finite()
        self.start_size = _size(self.g)
        self.start_loss = self.f
        self.h: np.ndarray | None = None
        self.iterations: list[Iteration] = [Iteration(0, self.f, self.start_size, 0.0)]

    def value(self, x: np.ndarray) -> float:
        """The loss."""
        self.nfev += 1
        if not self.problem.is_inside(x):
            return np.inf
        try:
            return float(self.problem.bound.value(self.problem.unpack(x)))
        except np.linalg.LinAlgError:
            return np.inf  # a step out of the region where the loss is defined

    def both(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and the gradient."""
        self.nfev += 1
        self.njev += 1
        if not self.problem.is_inside(x):
            return np.inf, np.full_like(x, np.nan)
        try:
            value, gradient = self.problem.bound.value_and_gradient(self.problem.unpack(x))
        except np.linalg.LinAlgError:
            return np.inf, np.full_like(x, np.nan)
        return float(value), self.problem.pack(gradient)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """The Hessian as a matrix."""
        self.nhev += 1
        return self.problem.matrix(self.problem.bound.hessian(self.problem.unpack(x)))

    @property
    def is_converged(self) -> bool:
        """Whether the gradient is small, measured by its size at the start."""
        return _size(self.g) <= self.tolerance * max(1.0, self.start_size)

    def take(self, x: np.ndarray, step: float, known: tuple[float, np.ndarray] | None = None) -> _Stop | None:
        """Move to ``x``, record the iteration, tell the callback."""
        self.previous, self.x = self.x, x
        self.f, self.g = self.both(x) if known is None else known
        number = len(self.iterations)
        self._require_finite(number, step)
        record = Iteration(number, self.f, _size(self.g), step)
        self.iterations.append(record)
        self._bar.update()
        self._bar.set_postfix_str(f"loss {self.f:.6g}, gradient {record.gradient_size:.1e}", refresh=False)
        if self._callback is not None:
            try:
                self._callback(
                    Iteration(number, self.f, record.gradient_size, step, self.problem.shown(x.copy()))
                )
            except StopIteration:
                return _Stop(False, 5, "stopped by the callback")
        return None

    def _require_finite(self, number: int = 0, step: float = 0.0) -> None:
        if np.isfinite(self.f) and np.all(np.isfinite(self.g)):
            return
        what = f"the loss is {self.f}" if not np.isfinite(self.f) else "the gradient is not finite"
        if number == 0:
            raise TrainingError(f"{what} at the start point; give start=... where it is finite")
        raise TrainingError(
            f"{what} at iteration {number} (step {step:.3g}): the steps diverge; take a smaller step, or "
            'leave step=None for a line search, or use method="newton"'
        )

    def backtrack(self, direction: np.ndarray, step: float) -> tuple[float, float] | None:
        """Armijo's rule: ``(step, loss)`` with sufficient decrease, or None where there is none."""
        slope = float(self.g @ direction)
        while step > SMALLEST:
            f = self.value(self.x + step * direction)
            if np.isfinite(f) and f <= self.f + ARMIJO * step * slope and f < self.f:
                return step, f
            step /= 2
        return None

    def refuse_without_minimum(self) -> None:
        """Raise where the loss keeps falling as the variables grow without bound.

        Tried along the way from the start to the last state, and along the last step: at a minimum
        the loss rises in every direction; where it never does, up to a thousandfold, there is none
        to be found on that ray.
        """
        for direction in (self.x - self.problem.x0, self.x - self.previous):
            length = float(np.linalg.norm(direction))
            if length == 0 or float(self.g @ direction) >= 0:
                continue
            reach = max(1.0, float(np.linalg.norm(self.x - self.problem.x0)) / length)
            last, fell = self.f, False
            for factor in RAY:
                f = self.value(self.x + (factor - 1) * reach * direction)
                if not f <= last:
                    break
                fell = fell or f < last
                last = f
            else:
                if fell:
                    raise TrainingError(self._no_minimum(last))

    def _no_minimum(self, last: float) -> str:
        name = self.problem.names[0]
        growth = float(np.linalg.norm(self.x))
        return (
            f"no minimiser exists: after {len(self.iterations) - 1} iterations the loss is {self.f:.3g}, "
            f"‖x‖ is {growth:.3g}, and the loss keeps falling (to {last:.3g}) as x grows without bound; "
            "for a classification loss this means that the classes are separable. "
            f"Add a penalty, for example 0.5 * lam * np.sum({name}**2) with lam > 0"
        )

    def result(self, stop: _Stop, method: str, found: CrossCheck | None, seconds: float) -> FitResult:
        """What is handed back."""
        problem = self.problem
        hess = None
        if self.h is not None:
            table = problem.bound.hessian(problem.unpack(self.x))
            hess = table if problem.kernel.several else table[problem.names[0]][problem.names[0]]
        return FitResult(
            x=problem.shown(self.x),
            fun=self.f,
            jac=problem.shown(self.g),
            hess=hess,
            nit=len(self.iterations) - 1,
            nfev=self.nfev,
            njev=self.njev,
            nhev=self.nhev,
            success=stop.success,
            status=stop.status,
            message=stop.message,
            history=tuple(i.loss for i in self.iterations),
            iterations=tuple(self.iterations),
            cross_check=found,
            kernel=problem.kernel,
            method=method,
            seconds=seconds,
        )


# -- methods ---------------------------------------------------------------------------------


def _gradient_descent(run: _Run, step: float | Callable[[int], float] | None) -> _Stop:
    trial = 1.0 / max(1.0, run.start_size)
    while True:
        if run.is_converged:
            return _Stop(True, 0, "the gradient is small")
        if len(run.iterations) > run.limit:
            return _Stop(False, 1, f"the limit of {run.limit} iterations was reached; the gradient is not small yet")
        if step is None:
            found = run.backtrack(-run.g, trial)
            if found is None:
                return _flat_end(run)
            taken = found[0]
            # Barzilai and Borwein's step is the next one to try: the curvature along the last step.
            before_x, before_g = run.x, run.g
            stop = run.take(run.x - taken * run.g, taken)
            s, y = run.x - before_x, run.g - before_g
            curvature = float(s @ y)
            trial = float(s @ s) / curvature if curvature > 0 else 2 * taken
        else:
            taken = step(len(run.iterations) - 1) if callable(step) else step
            stop = run.take(run.x - taken * run.g, taken)
        if stop is not None:
            return stop


def _flat_end(run: _Run) -> _Stop:
    """No step decreases the loss any more: a minimum as far as floating point can tell, or a kink."""
    small = _size(run.g) <= 1e-5 * max(1.0, run.start_size)
    return _Stop(small, 2, "no step decreases the loss further in floating point")


def _newton(run: _Run) -> _Stop:
    singular = ""
    while True:
        h = run.h = run.hessian(run.x)
        if not np.all(np.isfinite(h)):
            raise TrainingError(f"the Hessian is not finite at iteration {len(run.iterations) - 1}")
        direction, shift = _newton_direction(h, run.g)
        decrement = float(-(run.g @ direction))
        scale = max(abs(run.f), abs(run.start_loss)) or 1.0
        if shift > 0 and _is_semidefinite(h):
            singular = "; the Hessian is singular, so that the minimiser is not unique (collinear columns?)"
        if not np.any(run.g) or decrement <= run.tolerance**2 * scale:
            # The last step is still taken where it helps: it doubles the correct digits.
            x = run.x + direction
            f, g = run.both(x)
            if np.isfinite(f) and _size(g) < _size(run.g) and f <= run.f + 8 * EPS * scale:
                stop = run.take(x, 1.0, (f, g))
                if stop is not None:
                    return stop
            return _Stop(True, 0, "the Newton decrement is small" + singular)
        if len(run.iterations) > run.limit:
            return _Stop(False, 1, f"the limit of {run.limit} iterations was reached" + singular)
        found = run.backtrack(direction, 1.0)
        if found is None:
            found = run.backtrack(-run.g, 1.0 / max(1.0, _size(run.g)))
            direction = -run.g
        if found is None:
            end = _flat_end(run)
            return _Stop(end.success, end.status, end.message + singular)
        stop = run.take(run.x + found[0] * direction, found[0])
        if stop is not None:
            return stop


def _newton_direction(h: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, float]:
    """-(H + shift·D)⁻¹ g by Cholesky, with the smallest tried shift that makes it positive definite.

    D scales each variable by its own curvature, so that the step does not depend on units.
    """
    diagonal = np.abs(np.diagonal(h))
    largest = float(np.max(diagonal, initial=0.0))
    if largest == 0:
        return -g, 1.0
    unit = np.sqrt(np.maximum(diagonal, largest * 1e-30))
    scaled = h / unit[:, None] / unit
    shift = 0.0
    while True:
        try:
            factor, lower = scipy.linalg.cho_factor(scaled + shift * np.eye(len(g)), check_finite=False)
            # A pivot at rounding level is a singular matrix that happened to pass.
            if np.min(np.diagonal(factor)) > 1e-7 or shift > 0:
                solved = scipy.linalg.cho_solve((factor, lower), -g / unit, check_finite=False) / unit
                if np.all(np.isfinite(solved)):
                    return solved, shift
        except np.linalg.LinAlgError:
            pass
        shift = 1e-10 if shift == 0 else shift * 10
        if shift > 1e6:
            return -g, shift


def _is_semidefinite(h: np.ndarray) -> bool:
    values = np.linalg.eigvalsh(h)
    return bool(abs(values[0]) <= 1e-9 * max(abs(values[-1]), EPS))


def _lbfgs(run: _Run) -> _Stop:
    class _Halt(Exception):
        def __init__(self, stop: _Stop) -> None:
            self.stop = stop

    cache: dict[bytes, tuple[float, np.ndarray]] = {}
    refused = 0

    def both(x: np.ndarray) -> tuple[float, np.ndarray]:
        f, g = run.both(x)
        cache.clear()
        cache[x.tobytes()] = f, g
        if np.isfinite(f) and np.all(np.isfinite(g)):
            return f, g
        # The line search of SciPy steps back from a value that is large, not from NaN.
        nonlocal refused
        refused += 1
        return 1e300, np.zeros_like(g)

    def each(x: np.ndarray) -> None:
        step = float(np.linalg.norm(x - run.x))
        stop = run.take(x.copy(), step, cache.get(x.tobytes()))
        if stop is not None:
            raise _Halt(stop)

    if run.is_converged:
        return _Stop(True, 0, "the gradient is small")
    options = {
        "maxiter": run.limit,
        "maxfun": 20 * run.limit,
        "gtol": run.tolerance * max(1.0, run.start_size),
        "ftol": 0.0,
        "maxcor": 20,
    }
    bounds = run.problem.bounds()
    while True:
        before = refused
        try:
            scipy_result = scipy.optimize.minimize(
                both, run.x, jac=True, method="L-BFGS-B", callback=each, options=options, bounds=bounds
            )
        except _Halt as halt:
            return halt.stop
        if run.is_converged:
            return _Stop(True, 0, "the gradient is small")
        if len(run.iterations) > run.limit or scipy_result.status == 1:
            return _Stop(False, 1, f"the limit of {run.limit} iterations was reached; the gradient is not small yet")
        # A line search that met a point without a loss gives up; a short step leads on.
        found = run.backtrack(-run.g, 1.0 / max(1.0, _size(run.g))) if refused > before else None
        if found is None:
            return _flat_end(run)
        stop = run.take(run.x - found[0] * run.g, found[0])
        if stop is not None:
            return stop


def _sgd(run: _Run, step: float | Callable[[int], float] | None, batch_size: int | None, seed: int) -> _Stop:
    problem = run.problem
    samples = sample_sum(problem.kernel.program, problem.kernel.variables)
    total = problem.sizes[str(samples.dimension)]
    size = min(32, total) if batch_size is None else batch_size
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= total:
        raise TrainingError(
            f"batch_size must be an integer from 1 to {samples.dimension} = {total}, got {batch_size!r}"
        )
    several = problem.kernel.several
    wrt = [Array(leaf) for leaf in problem.kernel.variables]
    batch_kernel = compile_kernel(samples.batch_loss, wrt=wrt if several else wrt[0], order=1)
    schedule = _schedule(run, step)
    sizes = {**problem.sizes, str(samples.total): total}
    options = {str(s): sizes[str(s)] for s in batch_kernel.asked}
    names = {leaf.name for leaf in batch_kernel.leaves}
    whole = {k: v for k, v in problem.fixed.items() if k in names}
    axes = {k: axis for k, axis in samples.axes.items() if k in whole}
    function = batch_kernel.unchecked("gradient", options)
    generator = np.random.default_rng(seed)
    for epoch in range(run.limit):
        order = generator.permutation(total)
        shuffled = {**whole, **{k: np.take(whole[k], order, axis=axis) for k, axis in axes.items()}}
        x, length = run.x.copy(), float(schedule(epoch))
        for at in range(0, total, size):
            batch = dict(shuffled)
            for k, axis in axes.items():
                key = (slice(None),) * axis + (slice(at, at + size),)
                batch[k] = shuffled[k][key]
            g = problem.pack(function(batch, problem.unpack(x)))
            x = x - length * g
        if not np.all(np.isfinite(x)):
            raise TrainingError(f"the variables overflow in epoch {epoch + 1} (step {length:.3g}); take a smaller step")
        stop = run.take(x, length)
        if stop is not None:
            return stop
        if run.is_converged:
            return _Stop(True, 0, "the gradient is small")
    return _Stop(
        True, 1, f"{run.limit} epochs were run; the largest gradient entry is {_size(run.g):.1e}, and "
        "minibatches go on fluctuating about the minimum"
    )


def _schedule(run: _Run, step: float | Callable[[int], float] | None) -> Callable[[int], float]:
    if callable(step):
        return step
    if step is not None:
        return lambda epoch: step
    found = run.backtrack(-run.g, 1.0 / max(EPS, _size(run.g)))
    first = found[0] if found is not None else 1.0 / max(1.0, run.start_size)
    lowest = found[1] if found is not None else run.f
    while found is not None and (f := run.value(run.x - 2 * first * run.g)) < lowest:
        first, lowest = 2 * first, f
    first /= 2  # a batch is more curved than the whole
    return lambda epoch: first / np.sqrt(1.0 + epoch)


def _size(g: np.ndarray) -> float:
    return float(np.max(np.abs(g), initial=0.0))


def _parts(value: Any) -> Sequence[Any]:
    return list(value.values()) if isinstance(value, Mapping) else [value]
