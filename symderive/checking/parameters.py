"""Nested parameters and data: dicts, lists, tuples and dataclasses of arrays, taken apart and put together.

A gradient has the structure of its parameters.  Code as it is written takes liberties, and those
that can be told apart are accepted: ``{"dW": ...}`` for ``{"W": ...}``, a tuple in the order of a
dict, a value beside the gradient.  Everything else is refused with both structures in words.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symderive.errors import DataError, ShapeError, SymderiveError
from symderive.language.arrays import RESERVED, Array, as_array


@dataclass(frozen=True)
class Part:
    """One array (or number) of nested parameters or data.

    ``path`` is what it is called in messages (``layers[0].W``), ``name`` an identifier of its own.
    """

    path: str
    name: str
    value: Any


def is_container(value: Any) -> bool:
    """Whether a value is a structure of others: a mapping, list, tuple, or instance of a dataclass."""
    return isinstance(value, Mapping | list | tuple) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    )


def items(tree: Any) -> list[tuple[Any, Any]]:
    """The keys and values of one level of a structure."""
    if isinstance(tree, Mapping):
        return list(tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return list(zip(tree._fields, tree, strict=True))  # type: ignore[attr-defined]
    if isinstance(tree, list | tuple):
        return list(enumerate(tree))
    return [(f.name, getattr(tree, f.name)) for f in dataclasses.fields(tree)]


def walk(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a structure in order, each with its path.

    >>> list(walk({"W": 1, "layers": [2, 3]}))
    [('W', 1), ('layers[0]', 2), ('layers[1]', 3)]
    """
    if not is_container(tree):
        yield path, tree
        return
    for key, value in items(tree):
        if isinstance(key, int):
            inner = f"{path}[{key}]"
        else:
            inner = f"{path}.{key}" if path else str(key)
        yield from walk(value, inner)


def replaced(tree: Any, values: Iterator[Any]) -> Any:
    """The same structure with other leaves, taken in order."""
    if not is_container(tree):
        return next(values)
    made = [(key, replaced(value, values)) for key, value in items(tree)]
    if isinstance(tree, Mapping):
        if type(tree) is dict:
            return dict(made)
        fresh: Any = copy.copy(tree)
        for key, value in made:
            fresh[key] = value
        return fresh
    parts = [value for _, value in made]
    if isinstance(tree, list):
        return parts
    if isinstance(tree, tuple):
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    fresh = copy.copy(tree)
    for key, value in made:
        object.__setattr__(fresh, str(key), value)
    return fresh


def parts_of(params: Any, first: str, loss: Callable[..., Any], taken: set[str]) -> list[Part]:
    """The arrays of the parameters with their names; ``first`` is what the loss calls its first argument.

    Raises `DataError` for a leaf that is no number.
    """
    unpacked = _unpacked(loss, first) if is_container(params) and not isinstance(params, Mapping) else ()
    found: list[Part] = []
    used = set(taken)
    for place, (path, value) in enumerate(walk(params)):
        if not path:
            shown = first
        elif len(unpacked) == len(items(params)) and path == f"[{place}]":
            shown = unpacked[place]
        else:
            shown = f"{first}{path}" if path.startswith("[") else path
        try:
            if value is None or isinstance(value, str | bytes | bool | np.bool_):
                raise TypeError(f"got {value!r}")
            number = np.array(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"params are numbers, arrays, or dicts, lists and tuples of them; {shown} is a "
                f"{type(value).__name__} ({error}); pass what is not differentiated as data"
            ) from None
        found.append(Part(shown, identifier(shown, used), number))
    if not found:
        raise DataError("params are empty; there is nothing to differentiate by")
    return found


def identifier(path: str, used: set[str]) -> str:
    """A name for an array that no other has."""
    name = re.sub(r"\W+", "_", path).strip("_")[:40] or "value"
    if not name.isidentifier() or keyword.iskeyword(name):
        name = f"p_{name}"
    stem, count = name, 1
    while name in used or name in RESERVED:
        count += 1
        name = f"{stem}_{count}"
    used.add(name)
    return name


def _unpacked(function: Callable[..., Any], first: str) -> tuple[str, ...]:
    """The names that ``W, b = params`` in the source gives to the entries of a sequence."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == first:
            target = node.targets[0]
            if isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
                return tuple(e.id for e in target.elts if isinstance(e, ast.Name))
    return ()


# -- what the functions return --------------------------------------------------------------


def value_of(result: Any) -> Any:
    """The loss in what a loss function returns: a number, or a tuple that begins with one (value, cache).

    Raises `ShapeError` where it is not one number.
    """
    first = result[0] if isinstance(result, tuple | list) and result and not is_container(result[0]) else result
    if first is None:
        raise ShapeError("the loss returned nothing (None); it must return one number")
    if isinstance(first, Array):
        if first.ndim and any(d != 1 for d in first.dims):
            raise ShapeError(f"the loss must be one number, got an array of shape {first.shape}")
        return first[(0,) * first.ndim] if first.ndim else first
    try:
        number = np.asarray(first, dtype=float)
    except (TypeError, ValueError):
        raise ShapeError(f"the loss must be one number, got a {type(first).__name__}") from None
    if number.size != 1:
        raise ShapeError(f"the loss must be one number, got an array of shape {number.shape}")
    return number.reshape(())


def gradient_in(result: Any, params: Any, names: Sequence[str]) -> dict[int, Any]:
    """The leaf of a gradient for each leaf of ``params``, by their number, whatever it came in.

    ``names`` are the leaves' paths, for messages.  A sequence that begins with something else (the
    value of the loss) or ends with it (a cache) may hold the gradient as one of its entries.

    Raises `ShapeError` where no gradient for every leaf is found.
    """
    whole = _fitted(result, params)
    if isinstance(whole, dict) and _shaped(whole, params):
        return whole
    candidates = list(result) if isinstance(result, tuple | list) else []
    found = [f for c in candidates if isinstance(f := _fitted(c, params), dict) and _shaped(f, params)]
    if len(found) == 1:
        return found[0]
    if len(found) == 2 and len(candidates) == 2:
        return found[1]  # (value, gradient) for a parameter that is a single number, as jax.value_and_grad has it
    if isinstance(whole, dict):
        _refuse_shapes(whole, params, names)
    if result is None:
        raise ShapeError("the gradient function returned nothing (None); it must return the gradient")
    reason = whole if isinstance(whole, str) else "the shapes do not fit"
    raise ShapeError(
        f"the gradient must have the structure of params ({described(params)}), got {described(result)}: {reason}"
    )


def _fitted(result: Any, params: Any) -> dict[int, Any] | str:
    """The leaves of a result laid on those of the parameters by their numbers, or why that cannot be."""
    found: dict[int, Any] = {}
    problem = _lay(result, params, iter(range(len(list(walk(params))))), found, "")
    return problem or found


def _lay(result: Any, params: Any, numbers: Iterator[int], found: dict[int, Any], path: str) -> str:
    if not is_container(params):
        number = next(numbers)
        if result is None:
            return f"{path or 'it'} is None"
        if isinstance(result, Mapping):
            return f"{path or 'it'} is a mapping where params have an array"
        found[number] = result
        return ""
    inner = items(params)
    if isinstance(params, Mapping) or not isinstance(params, list | tuple) or hasattr(params, "_fields"):
        picked = _by_name(result, [str(k) for k, _ in inner])
    else:
        picked = list(result) if isinstance(result, list | tuple) else None
        if picked is None and isinstance(result, np.ndarray | Array) and len(inner) == 1:
            picked = [result]
    if isinstance(picked, str):
        return picked
    if picked is None or len(picked) != len(inner):
        return f"{path or 'it'} has not the {len(inner)} entries {', '.join(str(k) for k, _ in inner)}"
    for (key, value), part in zip(inner, picked, strict=True):
        problem = _lay(part, value, numbers, found, f"{path}.{key}" if path else str(key))
        if problem:
            return problem
    return ""


_SPELLINGS = ("{}", "d{}", "d_{}", "grad_{}", "g_{}", "{}_grad", "g{}", "D{}", "grad{}", "delta_{}", "∇{}")


def _by_name(result: Any, keys: Sequence[str]) -> list[Any] | str | None:
    """The entries of a mapping, named tuple or dataclass by name; of a plain sequence by order."""
    if isinstance(result, list | tuple) and not hasattr(result, "_fields"):
        return list(result)
    if not is_container(result):
        return [result] if len(keys) == 1 and result is not None else None
    given = {str(k): v for k, v in items(result)}
    for spelling in _SPELLINGS:
        if all(spelling.format(k) in given for k in keys):
            return [given[spelling.format(k)] for k in keys]
    mixed = [next((given[s.format(k)] for s in _SPELLINGS if s.format(k) in given), None) for k in keys]
    missing = [k for k, v in zip(keys, mixed, strict=True) if v is None]
    if missing:
        have, want = ", ".join(given) or "nothing", ", ".join(keys)
        return f"the gradient is for {have}, params are {want}; there is none for {', '.join(missing)}"
    return mixed


def _shape(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, list | tuple) and any(isinstance(leaf, Array) for _, leaf in walk(value)):
        try:
            value = as_array(value)
        except SymderiveError:  # ragged: a structure, and no array
            return None
    if isinstance(value, Array):
        return tuple(value.dims)
    try:
        return np.shape(value)
    except ValueError:
        return None


def _shaped(found: Mapping[int, Any], params: Any) -> bool:
    """Whether every leaf has the shape of its parameter (symbolic ones: as many axes)."""
    for number, (_, value) in enumerate(walk(params)):
        ours, theirs = _shape(value), _shape(found[number])
        if ours is None or theirs is None:
            return False
        symbolic = isinstance(value, Array) or isinstance(found[number], Array)
        if (len(ours) != len(theirs)) if symbolic else (ours != theirs):
            return False
    return True


def _refuse_shapes(found: Mapping[int, Any], params: Any, names: Sequence[str]) -> None:
    for number, (_, value) in enumerate(walk(params)):
        ours, theirs = _shape(value), _shape(found[number])
        if theirs is None:
            raise ShapeError(f"the gradient by {names[number]} is no array: {type(found[number]).__name__}")
        if ours != theirs:
            raise ShapeError(
                f"the gradient by {names[number]} has shape {told_shape(theirs)}, but {names[number]} has shape "
                f"{told_shape(ours)}{_repair(ours, theirs)}"
            )


def told_shape(shape: tuple[Any, ...] | None) -> str:
    """A shape in words, as NumPy has it: ``(n, 2)``, ``(2,)``."""
    return "(" + ", ".join(map(str, shape or ())) + ("," if len(shape or ()) == 1 else "") + ")"


def _repair(ours: tuple[Any, ...] | None, theirs: tuple[Any, ...]) -> str:
    """What would give the right shape."""
    if ours is None:
        return ""
    if ours == theirs[::-1]:
        return "; transposed (.T) it would fit"
    if len(theirs) == len(ours) + 1:
        axes = [k for k in range(len(theirs)) if theirs[:k] + theirs[k + 1 :] == ours]
        if axes and theirs[axes[0]] == 1:
            return "; .ravel() would fit" if len(ours) == 1 else f"; .squeeze({axes[0]}) would fit"
        if axes:
            return f"; summed over axis {axes[0]} it would fit"
    if len(theirs) < len(ours) and [s for s in ours if s != 1] == [s for s in theirs if s != 1]:
        return "; keepdims=True or .reshape would fit"
    return ""


def described(tree: Any) -> str:
    """A structure in a few words.

    >>> described({"W": np.ones((2, 3)), "b": 0.0})
    '{W: (2, 3), b: number}'
    """
    if isinstance(tree, Mapping) or (is_container(tree) and not isinstance(tree, list | tuple)):
        inner = ", ".join(f"{k}: {described(v)}" for k, v in items(tree)[:8])
        return "{" + inner + "}"
    if isinstance(tree, list | tuple):
        inner = ", ".join(described(v) for v in tree[:8]) + (", ..." if len(tree) > 8 else "")
        return f"[{inner}]" if isinstance(tree, list) else f"({inner})"
    shape = _shape(tree)
    if tree is None or isinstance(tree, str) or shape is None:
        return "None" if tree is None else type(tree).__name__
    return str(shape) if shape else "number"


__all__ = [
    "Part",
    "described",
    "gradient_in",
    "identifier",
    "is_container",
    "items",
    "parts_of",
    "replaced",
    "told_shape",
    "value_of",
    "walk",
]
