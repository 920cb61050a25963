"""Plain NumPy as the oracle: texts are run by NumPy and SciPy, never by symderive."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.special as sc

import symderive as sd
from symderive.language.arrays import Dim, dimension_symbol

SETTINGS = (
    {"n": 5, "d": 3, "k": 4, "h": 2, "m": 6},
    {"n": 1, "d": 2, "k": 3, "h": 1, "m": 1},
    {"n": 3, "d": 1, "k": 1, "h": 3, "m": 2},
)
"""Unequal sizes of the dimensions, each of them 1 once."""

_OWN = SimpleNamespace(
    softmax=sc.softmax,
    log_softmax=sc.log_softmax,
    logsumexp=sc.logsumexp,
    eye=np.eye,
    ones=np.ones,
    zeros=np.zeros,
    arange=np.arange,
    basis=lambda size, index: np.eye(size)[index],
)
_NAMES = {"np": np, "sd": _OWN} | {
    name: getattr(sc, name)
    for name in [
        "expit",
        "log_expit",
        "xlogy",
        "xlog1py",
        "entr",
        "rel_entr",
        "kl_div",
        "softmax",
        "log_softmax",
        "logsumexp",
        *("softplus", "exp10", "logit", "erf", "erfc", "erfcx", "erfinv", "ndtr", "log_ndtr", "ndtri"),
        *("gamma", "rgamma", "gammaln", "loggamma", "digamma", "psi", "polygamma", "beta", "betaln"),
        *("gammainc", "gammaincc", "i0", "i1", "iv", "i0e", "i1e", "ive", "spherical_jn"),
        *("boxcox", "inv_boxcox", "huber", "pseudo_huber"),
    ]
}


def run_text(text: str, values: Mapping[str, Any]) -> Any:
    """The value of a printed formula, ``where`` clauses included, in plain NumPy."""
    scope = {**_NAMES, **values}
    if ", where " in text:
        text, definitions = text.split(", where ", 1)
        waiting = re.split(r", (?=\w+ = )", definitions)
        while waiting:
            name, body = waiting[0].split(" = ", 1)
            try:
                scope[name] = eval(body, scope)
                waiting.pop(0)
            except NameError:
                waiting.append(waiting.pop(0))
    return eval(text, scope)


def declared(shapes: Mapping[str, str], domains: Mapping[str, sd.Domain]) -> dict[str, sd.Array]:
    """The arrays of a row."""
    return {
        name: sd.array(name, *(Dim(dimension_symbol(s)) for s in shape.split()), domain=domains.get(name, sd.real))
        for name, shape in shapes.items()
    }


def dimensions(shapes: Mapping[str, str]) -> dict[str, sd.Array]:
    """The dimensions of a row, to read texts that use them."""
    return {s: Dim(dimension_symbol(s)) for shape in shapes.values() for s in shape.split()}


def sample(
    shapes: Mapping[str, str], domains: Mapping[str, sd.Domain], sizes: Mapping[str, int], seed: int = 1
) -> dict[str, Any]:
    """A point of the declared domains."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = dict(sizes)
    for name, shape in shapes.items():
        dims = tuple(sizes[s] for s in shape.split())
        domain = domains.get(name, sd.real)
        x: Any = rng.normal(size=dims)
        if domain.has("one_hot"):
            x = np.eye(dims[-1])[rng.integers(dims[-1], size=dims[:-1])]
        elif domain.has("simplex"):
            x = rng.dirichlet(np.ones(dims[-1]), size=dims[:-1])
        elif domain.has("spd"):
            x = x @ x.T + np.eye(dims[0])
        elif domain.has("symmetric"):
            x = x + x.T
        elif domain.entries.values is not None:
            x = rng.choice([float(v) for v in domain.entries.values], size=dims)
        elif domain.entries.high == 1:
            x = rng.uniform(0.1, 0.9, size=dims)
        elif domain.entries.low == 0:
            x = np.abs(x) + 0.3
        values[name] = x
    return values


def finite_difference(function: Callable[[Mapping[str, Any]], Any], values: Mapping[str, Any], name: str) -> np.ndarray:
    """∂function/∂values[name] by Richardson's extrapolation of central differences."""
    x = np.asarray(values[name], float)
    shape = np.shape(function(values))
    out = np.zeros(shape + x.shape)
    for index in np.ndindex(x.shape):

        def at(h: float, index: tuple[int, ...] = index) -> np.ndarray:
            y = x.copy()
            y[index] += h
            return np.asarray(function({**values, name: y}), float)

        def central(h: float, at: Callable[[float], np.ndarray] = at) -> np.ndarray:
            return (at(h) - at(-h)) / (2 * h)

        h = 1e-3
        out[(..., *index)] = (64 * central(h / 4) - 20 * central(h / 2) + central(h)) / 45
    return out


def numeric_differentials(text: str, names: set[str], values: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
    """The value of a line in which d(u) is the change of u along ``changes``, by finite differences."""

    def d(thunk: str) -> Any:
        def at(h: float) -> Any:
            moved = {k: values[k] + h * changes[k] if k in changes else values[k] for k in values}
            return np.asarray(run_text(_where(thunk, text), moved), float)

        h = 1e-3

        def central(h: float) -> Any:
            return (at(h) - at(-h)) / (2 * h)

        return (64 * central(h / 4) - 20 * central(h / 2) + central(h)) / 45

    found: dict[str, Any] = {}
    line = _bare(text)
    while (start := line.find("d(")) >= 0:
        while start >= 0 and start and (line[start - 1].isalnum() or line[start - 1] in "._"):
            start = line.find("d(", start + 1)
        if start < 0:
            break
        end = _closing(line, start + 1)
        name = f"change_{len(found)}"
        found[name] = d(line[start + 2 : end])
        line = line[:start] + name + line[end + 1 :]
    defined = set(re.findall(r"(\w+) = ", text.split(", where ", 1)[1])) if ", where " in text else set()
    for name in names | defined:
        mark = re.compile(rf"(?<![\w.])d{name}(?!\w)")
        if mark.search(line):
            found[f"change_of_{name}"] = d(name)
            line = mark.sub(f"change_of_{name}", line)
    return run_text(_where(line, text), {**values, **found})


def _bare(text: str) -> str:
    return text.split(", where ", 1)[0]


def _where(line: str, text: str) -> str:
    return f"{line}, where {text.split(', where ', 1)[1]}" if ", where " in text else line


def _closing(text: str, opening: int) -> int:
    depth = 0
    for k in range(opening, len(text)):
        depth += (text[k] == "(") - (text[k] == ")")
        if depth == 0:
            return k
    raise ValueError(text)
