"""`check_gradient`: is a hand-written gradient the gradient of a hand-written loss?

Both functions are read, if they can be, on symbolic arrays: then the gradient is derived and the
claim is judged for all shapes and values.  What can only be run is compared with finite
differences, which is evidence and no verdict.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from symderive.checking.check import check
from symderive.derivation.derive import gradient
from symderive.errors import DataError, ShapeError, SymderiveError, UnsupportedError
from symderive.judgement.finite_differences import cross_check
from symderive.judgement.verdicts import CrossCheck, Status, Verdict
from symderive.language.arrays import RESERVED, Array, array, as_array
from symderive.language.domains import Domain, labels, nonnegative, positive, real
from symderive.language.reading import read_function

_LETTERS = ("n", "d", "k", "m", "q", "r", "s", "t", "h", "c")
_AGAINST = re.compile(r"([^\W\d]\w*) (?:against|and) ([^\W\d]\w*)")


def check_gradient(
    loss: Callable[..., Any], grad: Callable[..., Any], params: Any, *data: Any, seed: int = 0
) -> Verdict:
    """Judge whether ``grad(params, *data)`` is the gradient of ``loss(params, *data)`` by ``params``.

    Parameters
    ----------
    loss : function of (params, \\*data) that returns a number
    grad : function of the same arguments that returns an array of the shape of ``params``
    params : array or number, or a mapping of them; the point at which finite differences are taken
    data : arrays, numbers, or anything else that the functions take
    seed : for the choice of entries where there are many

    Returns
    -------
    Verdict
        Where both functions can be read: the verdict on the claim for every shape and value
        (arrays of whose values use is made, such as labels 0 and 1, are named in it).  Else
        ``undecided``, with the reason.  Either way ``cross_check`` compares with finite
        differences at ``params``, and ``hint`` says what is wrong, if that was found.

    Raises
    ------
    UnsupportedError
        An argument is not callable.
    ShapeError, DataError
        The gradient has another shape than ``params``; the loss is not one number.

    The functions are run: pass what you trust.

    >>> import numpy as np
    >>> from symderive import check_gradient
    >>> A, b = np.arange(6.0).reshape(3, 2), np.ones(3)
    >>> loss = lambda w, A, b: ((A @ w - b) ** 2).sum() / 2
    >>> check_gradient(loss, lambda w, A, b: A.T @ (A @ w - b), np.array([0.3, -0.2]), A, b).status.value
    'proved'
    >>> check_gradient(loss, lambda w, A, b: 2 * A.T @ (A @ w - b), np.array([0.3, -0.2]), A, b).hint
    'the claim is 2 times the gradient: off by the factor 2'
    """
    for what, function in (("loss", loss), ("grad", grad)):
        if not callable(function):
            raise UnsupportedError(f"{what} is a function {what}(params, *data), got {type(function).__name__}")
    point = _Point(loss, grad, params, data, seed)
    checked, failure = None, None
    try:
        checked = point.cross_check()
    except SymderiveError:
        raise
    except Exception as error:  # the functions are the user's: whatever they raise is told
        failure = DataError(f"the functions cannot be run at this point: {type(error).__name__}: {error}")
    derived = ""
    try:
        verdict, derived = _symbolic(point, again=checked is None or checked.ok)
    except SymderiveError as error:
        why = str(error).splitlines()[0]
        verdict = Verdict(Status.undecided, point.claim, reason=f"the code can only be run, not read: {why}")
    if failure is not None and verdict.status is not Status.refuted:
        raise failure
    verdict = replace(verdict, claim=point.claim, cross_check=checked)
    if checked is not None and not checked.ok:
        shown = _report(point, checked, derived)
        reason = f"{shown}\n{verdict.reason}" if verdict.reason else shown
        verdict = replace(verdict, reason=reason, hint=verdict.hint or point.numeric_hint(checked))
    elif derived and verdict.status is Status.refuted:
        verdict = replace(verdict, reason=f"{verdict.reason}\nderived: {derived}")
    return verdict


class _Point:
    """The two functions and the numbers that they are given."""

    def __init__(
        self, loss: Callable[..., Any], grad: Callable[..., Any], params: Any, data: tuple[Any, ...], seed: int
    ) -> None:
        self.loss, self.grad, self.data, self.seed = loss, grad, data, seed
        self.mapped = isinstance(params, Mapping)
        self.names = _parameters(loss, 1 + len(data))
        self.grad_names = _parameters(grad, 1 + len(data))
        try:
            values = dict(params) if self.mapped else {self.names[0]: params}
            self.params = {str(k): np.array(v, dtype=float) for k, v in values.items()}
        except (TypeError, ValueError) as error:
            raise DataError(f"params are numbers, an array or a mapping of arrays: {error}") from None
        by = ", ".join(self.params)
        self.claim = f"{_name(grad, 'grad')} is the gradient of {_name(loss, 'loss')} by {by}"

    def whole(self, moved: Mapping[str, np.ndarray]) -> Any:
        """What the functions take as their first argument."""
        if self.mapped:
            return {k: v.copy() for k, v in moved.items()}
        value = moved[self.names[0]]
        return value.copy() if value.ndim else float(value)

    def value(self, **moved: np.ndarray) -> float:
        """The loss at moved parameters."""
        with np.errstate(all="ignore"):
            result = np.asarray(self.loss(self.whole(moved), *self.data), dtype=float)
        if result.size != 1:
            raise ShapeError(f"the loss must be one number, got an array of shape {result.shape}")
        return float(result.reshape(()))

    def claimed(self) -> dict[str, np.ndarray]:
        """The hand-written gradient at the point."""
        with np.errstate(all="ignore"):
            result = self.grad(self.whole(self.params), *self.data)
        parts = dict(result) if isinstance(result, Mapping) else {self.names[0]: result}
        if set(map(str, parts)) != set(self.params):
            raise ShapeError(f"the gradient is for {', '.join(map(str, parts))}, params are {', '.join(self.params)}")
        found = {str(k): np.asarray(v, dtype=float) for k, v in parts.items()}
        for name, value in found.items():
            if value.shape != self.params[name].shape:
                raise ShapeError(
                    f"the gradient by {name} has shape {value.shape}, but {name} has shape {self.params[name].shape}"
                )
        return found

    def cross_check(self, scale: float = 1.0) -> CrossCheck | None:
        """Finite differences at the point; None where the loss is not finite there."""
        claimed = {k: v * scale for k, v in self.claimed().items()}
        if not isfinite(self.value(**self.params)) or not any(v.size for v in self.params.values()):
            return None
        return cross_check(self.value, claimed, self.params, seed=self.seed)

    def numeric_hint(self, checked: CrossCheck) -> str:
        """A factor by which every component is off."""
        if not checked.estimated or not isfinite(checked.claimed) or not isfinite(checked.estimated):
            return ""
        factor = Fraction(checked.claimed / checked.estimated).limit_denominator(360)
        if not factor or factor == 1:
            return ""
        again = self.cross_check(1 / float(factor))
        if again is None or not again.ok:
            return ""
        if factor == -1:
            return "wrong sign: every component is minus the finite difference"
        return f"every component is off by the same factor {factor} (missing {1 / factor}?)"


def _parameters(function: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Names for the positional arguments of a function."""
    try:
        found = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        found = []
    names = found[:count]
    return (*names, *(f"argument{k}" for k in range(len(names), count)))


def _name(function: Callable[..., Any], otherwise: str) -> str:
    name = getattr(function, "__name__", otherwise)
    return otherwise if name == "<lambda>" else str(name)


def _report(point: _Point, checked: CrossCheck, derived: str) -> str:
    """The comparison with finite differences, the worst entry first."""
    count = checked.checked + checked.directions
    lines = [
        f"gradient disagrees with central differences in {checked.failing} of {count} components",
        f"worst: {checked.worst}  hand {checked.claimed:.6g}   finite difference {checked.estimated:.6g}   "
        f"abs {checked.absolute_error:.1e}  rel {checked.relative_error:.1e}",
    ]
    shown = ", ".join(f"{k} = {np.array2string(v, precision=4, threshold=8)}" for k, v in point.params.items())
    where = f"point: {' '.join(shown.split())}   seed {point.seed}"
    lines.append(f"derived: {derived}      {where}" if derived else where)
    return "\n".join(lines)


# -- reading both functions ----------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """One axis of one argument: its size, and the dimension that it stands for."""

    size: int
    dimension: str


def _symbolic(point: _Point, again: bool) -> tuple[Verdict, str]:
    """The verdict on the claim for every shape and value, and the derived gradient as text.

    ``again``: what is refuted for real numbers is tried for numbers of the kind that was given
    (labels, signs), unless finite differences refute it there already.
    """
    if point.mapped:
        raise UnsupportedError("parameters in a mapping are run, not read")
    first: tuple[Verdict, str] | None = None
    kinds = [_kind(v) for v in (point.params[point.names[0]], *point.data)]
    tries: list[Sequence[Domain]] = [[real] * len(kinds)]
    if again and any(k is not real for k in kinds):
        tries += [[real, *kinds[1:]], kinds]
    for domains in tries:
        try:
            verdict, derived, names = _judged(point, domains)
        except ShapeError:
            raise
        except SymderiveError:
            if first is not None:
                break
            raise
        if verdict.status is not Status.refuted:
            used = [f"{n} is taken to be {d}" for n, d in zip(names, domains, strict=True) if d is not real]
            reason = "; ".join([verdict.reason, *used]) if used else verdict.reason
            return replace(verdict, reason=reason), derived
        first = first or (verdict, derived)
    assert first is not None
    return first


def _kind(value: Any) -> Domain:
    """What the numbers of an argument have in common: labels, a sign."""
    if isinstance(value, bool | str) or value is None:
        return real
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return real
    if not numbers.size or not np.all(np.isfinite(numbers)):
        return real
    if numbers.size > 1 and set(np.unique(numbers)) <= {0.0, 1.0}:
        return labels(0, 1)
    if numbers.size > 1 and set(np.unique(numbers)) <= {-1.0, 1.0}:
        return labels(-1, 1)
    if np.all(numbers > 0):
        return positive
    return nonnegative if np.all(numbers >= 0) else real


def _judged(point: _Point, domains: Sequence[Domain]) -> tuple[Verdict, str, list[str]]:
    """Read both functions, with every axis a dimension of its own unless the code joins them."""
    values = [point.params[point.names[0]], *point.data]
    taken = {*point.names, *point.grad_names, *RESERVED}
    letters = iter(x for x in (*_LETTERS, *(f"n{k}" for k in range(1000))) if x not in taken)
    axes: dict[int, list[_Axis]] = {}
    for place in (*range(1, len(values)), 0):
        value = values[place]
        if isinstance(value, np.ndarray | float | np.floating) and np.asarray(value).dtype.kind in "fiub":
            shape = np.shape(value)
            axes[place] = [_Axis(size, "1" if size == 1 else next(letters)) for size in shape]
    order = [a.dimension for place in axes for a in axes[place]]
    for _ in range(len(order) + 1):
        try:
            return _once(point, values, axes, domains)
        except ShapeError as error:
            pair = _pair(str(error), axes)
            if pair is None:
                raise
            kept, gone = sorted(pair, key=order.index)
            axes = {
                place: [replace(a, dimension=kept) if a.dimension == gone else a for a in row]
                for place, row in axes.items()
            }
    raise ShapeError("the shapes of the arguments could not be told")


def _pair(message: str, axes: Mapping[int, Sequence[_Axis]]) -> tuple[str, str] | None:
    """The two dimensions that an error names and that have one size here."""
    sizes = {a.dimension: a.size for row in axes.values() for a in row if a.dimension != "1"}
    for a, b in _AGAINST.findall(message):
        if a != b and a in sizes and sizes.get(b) == sizes[a]:
            return a, b
    return None


def _once(
    point: _Point, values: Sequence[Any], axes: Mapping[int, Sequence[_Axis]], domains: Sequence[Domain]
) -> tuple[Verdict, str, list[str]]:
    arguments: list[Any] = []
    names = list(point.names)
    for place, value in enumerate(values):
        if place not in axes:
            arguments.append(value)
            continue
        sizes = [1 if a.dimension == "1" else a.dimension for a in axes[place]]
        arguments.append(array(names[place], *sizes, domain=domains[place]))
    loss = _read(point.loss, point.names, arguments)
    claimed = _read(point.grad, point.grad_names, arguments)
    params = arguments[0]
    if loss.ndim:
        raise ShapeError(f"the loss has {loss.ndim} axes; it must be one number")
    if params.node not in loss.node.walk():
        raise UnsupportedError(f"the loss does not depend on {names[0]}")
    derivation = gradient(loss, params)
    result = as_array(derivation.result)
    if claimed.ndim == result.ndim:
        for a, b in zip(result.dims, claimed.dims, strict=True):
            if a != b and _pair(f"{a} against {b}", axes):
                raise ShapeError(f"the gradient and the claim: {a} against {b}")
    return check(derivation, "==", claimed), str(result), names


def _read(function: Callable[..., Any], names: Sequence[str], arguments: Sequence[Any]) -> Array:
    """A function read on symbolic arrays; other arguments are passed as they are."""
    symbolic = {n: a for n, a in zip(names, arguments, strict=True) if isinstance(a, Array)}
    if len(symbolic) == len(arguments):
        return read_function(function, symbolic)
    rest = [(place, a) for place, a in enumerate(arguments) if not isinstance(a, Array)]
    numbers = {names[place]: a for place, a in rest if isinstance(a, int | float) and not isinstance(a, bool)}
    if len(numbers) != len(rest):
        kinds = ", ".join(sorted({type(a).__name__ for _, a in rest}))
        raise UnsupportedError(f"an argument of type {kinds} is run, not read")
    return read_function(function, {**symbolic, **{n: as_array(a) for n, a in numbers.items()}})


__all__ = ["check_gradient"]
