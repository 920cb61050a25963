"""What `symderive run` says about a subject, and the files that it writes.

The order is the one in which a reader asks: what is the loss, why is this its gradient, what else is
claimed and how well does it stand, which program follows, does it train, where are the pages.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from textwrap import fill, indent

import numpy as np

from symderive.compilation.kernel import compile as compile_kernel
from symderive.judgement.verdicts import Verdict
from symderive.library import Objective, Subject
from symderive.training.minimize import FitResult, minimize

#: Columns that prose and headings keep to.
WIDTH = 96

#: How a status is coloured on a terminal: green stands, red falls, yellow is open.
_COLORS = {"proved": "32", "certified": "32", "checked": "32", "refuted": "31", "undecided": "33"}


def report(subject: Subject, out: Path, detail: str = "brief") -> list[Verdict]:
    """Print what the subject shows, train its objectives, write its pages and kernels under ``out``.

    Returns the verdicts, in order, for the exit status.

    Raises
    ------
    GradientMismatchError
        A gradient disagrees with finite differences: nothing is trained with it.
    """
    out = out / subject.name
    out.mkdir(parents=True, exist_ok=True)
    _heading(subject.title, "=")
    print(fill(subject.summary, WIDTH))
    verdicts = []
    for item in subject.items:
        if isinstance(item.value, Objective):
            _heading(f"Objective: {item.value.name}", "-")
            print(indent(str(item.value.loss), "  "))
        elif isinstance(item.value, Verdict):
            verdicts.append(item.value)
            print(f"\n{_status(item.value)}  {item.title}\n{indent(str(item.value), '  ')}")
        else:
            verdicts.append(item.value.verdict)
            _heading(item.title.capitalize(), "-")
            print(item.value.to_text(detail=detail))
    for item in subject.items:
        if isinstance(item.value, Objective):
            _train(item.value, out)
    return verdicts


def _train(objective: Objective, out: Path) -> None:
    """Compile the objective, print the program, and fit it by each of its methods."""
    kernel = compile_kernel(objective.loss, wrt=objective.wrt, order=2)
    path = out / f"{objective.name}.py"
    kernel.save(path)
    _heading(f"Program: {path}", "-")
    print(indent(kernel.source.rstrip(), "  "))
    if objective.data is None:
        return
    data = objective.numbers()
    sizes = ", ".join(f"{name} {' x '.join(map(str, value.shape)) or value}" for name, value in data.items())
    _heading(
        f"Training: {objective.data if isinstance(objective.data, str) else objective.name} ({sizes})", "-"
    )
    fits: dict[str, tuple[FitResult, float]] = {}
    for method in objective.methods:
        start = time.perf_counter()
        fit = minimize(objective.loss, wrt=objective.wrt, data=data, method=method)
        fits[method] = fit, time.perf_counter() - start
        if len(fits) == 1:
            print(fill(f"cross-check: {fit.cross_check}", WIDTH, subsequent_indent="  "))
    first = _parameters(fits[objective.methods[0]][0])
    print(
        f"\n  {'method':<12} {'steps':>6} {'loss':>18} {'|gradient|':>11} {'seconds':>8}   farthest parameter"
    )
    for method, (fit, seconds) in fits.items():
        gap = np.abs(_parameters(fit) - first).max(initial=0.0) / max(1.0, np.abs(first).max(initial=0.0))
        size = np.abs(np.concatenate([np.ravel(part) for part in _parts(fit.jac)])).max()
        note = "(the reference)" if method == objective.methods[0] else f"{gap:.1e} relative"
        print(f"  {method:<12} {fit.nit:>6} {fit.fun:>18.12g} {size:>11.1e} {seconds:>8.2f}   {note}")


def _parts(value: object) -> list[np.ndarray]:
    """The arrays of a result that is one array, or a dict of them by name."""
    return [np.asarray(part) for part in (value.values() if isinstance(value, dict) else [value])]


def _parameters(fit: FitResult) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in _parts(fit.x)])


def _heading(text: str, line: str) -> None:
    print(f"\n{_styled(text, '1')}\n{line * min(len(text), WIDTH)}")


def _status(verdict: Verdict) -> str:
    return _styled(f"[{verdict.status}]", _COLORS[verdict.status])


def _styled(text: str, code: str) -> str:
    """The text, with a terminal's style where there is a terminal that wants it."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"
