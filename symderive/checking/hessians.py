"""`check_hessian`: is a hand-written Hessian the Hessian of a hand-written loss?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from symderive.checking.check import check, within
from symderive.checking.gradients import SECONDS, off_by
from symderive.checking.parameters import is_container, value_of
from symderive.checking.programs import Layout, Program, read
from symderive.derivation.derive import hessian
from symderive.errors import ShapeError, SymderiveError, UnsupportedError
from symderive.judgement.finite_differences import cross_check, slope
from symderive.judgement.verdicts import CrossCheck, Status, Verdict

MAX_ROWS = 12
"""Rows of the Hessian that finite differences look at."""


def check_hessian(
    loss: Callable[..., Any],
    hess: Callable[..., Any],
    params: Any,
    *data: Any,
    seed: int = 0,
    timeout: float | None = SECONDS,
) -> Verdict:
    """Judge whether ``hess(params, *data)`` is the Hessian of ``loss(params, *data)``.

    Parameters
    ----------
    loss : function of (params, \\*data) that returns a number
    hess : function of the same arguments that returns an array of shape ``params.shape + params.shape``
    params : one array, or a number
    data : anything that the functions take
    seed : for the choice of rows and entries
    timeout : seconds for the symbolic judgement

    Returns
    -------
    Verdict
        For every shape and value where both functions can be read, else ``undecided``;
        ``cross_check`` compares with finite differences of slopes at ``params``.

    Raises
    ------
    UnsupportedError
        An argument is not callable, or the parameters are nested.
    ShapeError
        The Hessian has another shape than ``params.shape`` twice.

    >>> import numpy as np
    >>> A = np.arange(6.0).reshape(3, 2)
    >>> loss = lambda w, A: ((A @ w) ** 2).sum()
    >>> check_hessian(loss, lambda w, A: 2 * A.T @ A, np.array([0.3, -0.2]), A).status.value
    'proved'
    """
    program = Program(loss, hess, params, data, order=2)
    if is_container(program.params):
        raise UnsupportedError("a Hessian is checked by one array; give the parameters as one array")
    path = program.parts[0].path
    claim = f"{getattr(hess, '__name__', 'hess')} is the Hessian of {getattr(loss, '__name__', 'loss')} by {path}"
    compared = _compared(program, seed)

    def symbolic() -> Verdict:
        reading = read(program, Layout(program), {})
        array = next(iter(reading.wrt.values()))
        if reading.forced:
            pairs = ", ".join(f"{a} = {b}" for a, b in reading.forced)
            return Verdict(Status.undecided, claim, reason=f"the shapes of the Hessian fit only where {pairs}")
        derivation = hessian(reading.loss, array)
        found = check(derivation, "==", next(iter(reading.claimed.values())))
        told = f"derived: {derivation.results[()]}" if found.status is Status.refuted else found.reason
        return replace(found, reason=told)

    try:
        verdict = within(timeout, claim, symbolic)
    except SymderiveError as error:
        why = str(error).splitlines()[0]
        verdict = Verdict(Status.undecided, claim, reason=f"the code can only be run, not read: {why}")
    if compared is not None and not compared.ok:
        point = np.array2string(program.parts[0].value, precision=4, threshold=8)
        lines = [
            f"gradient disagrees with central differences in {compared.failing} of {compared.checked} components "
            "of the rows looked at",
            f"worst: {compared.worst}  hand {compared.claimed:.6g}   finite difference {compared.estimated:.6g}   "
            f"abs {compared.absolute_error:.1e}  rel {off_by(compared):.1e}",
            f"point: {path} = {point}   seed {seed}",
        ]
        status = Status.undecided if verdict.upheld else verdict.status
        verdict = replace(verdict, status=status, reason="\n".join([*lines, verdict.reason]))
    return replace(verdict, claim=claim, cross_check=compared)


def _compared(program: Program, seed: int) -> CrossCheck | None:
    """The worst of the comparisons of rows of the Hessian with differences of slopes."""
    part = program.parts[0]
    start: np.ndarray = part.value

    def value(at: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return float(value_of(program.loss(*program.numbers({0: at}))))

    with np.errstate(all="ignore"):
        claimed = np.asarray(program.grad(*program.numbers()), dtype=float)
    if claimed.shape != start.shape * 2:
        raise ShapeError(f"the Hessian has shape {claimed.shape}, but {part.path} twice has shape {start.shape * 2}")
    if not isfinite(value(start)) or not start.size:
        return None
    rows = list(np.ndindex(start.shape))
    chosen = np.random.default_rng(seed).permutation(len(rows))[:MAX_ROWS]
    found: list[CrossCheck] = []
    for place in sorted(chosen.tolist()):
        index = rows[place]

        def along(index: tuple[int, ...] = index, **moved: np.ndarray) -> float:
            def line(t: float) -> float:
                at = np.array(moved["at"])
                at[index] += t
                return value(at)

            return slope(line, 0.125).value

        made = cross_check(along, {"at": claimed[index]}, {"at": start}, seed=seed)
        found.append(replace(made, name=part.path, index=(*index, *(made.index or ()))))
    failing = sum(f.failing for f in found)
    worst = max(found, key=lambda f: (not f.ok, f.absolute_error if not f.ok else f.relative_error))
    return replace(
        worst,
        failing=failing,
        checked=sum(f.checked for f in found),
        directions=sum(f.directions for f in found),
        wrong=(part.path,) if failing else (),
    )


__all__ = ["check_hessian"]
