"""Reading formulas: untrusted text, or a Python function of the user's.

``read`` is the front; text is read by :mod:`symderive.language.text_reader`
(nothing is executed), functions by :mod:`symderive.language.function_reader`
(the user's own code runs, on symbolic arrays).
"""

from __future__ import annotations

from typing import Any

from symderive.errors import ReadError, UnknownNameError
from symderive.language import arrays
from symderive.language.arrays import Array, Dim
from symderive.language.text_reader import read_relation, read_shape, read_text, relation

__all__ = ["declare", "read", "read_relation", "read_shape", "read_text", "relation"]


def declare(name: str, shape: Any) -> Array:
    """What a keyword of :func:`read` declares: an array of a shape, an array as it is, a number."""
    if isinstance(shape, Dim):
        if shape.name == name:
            return shape
        raise UnknownNameError(
            f"{name}={shape.name}: write {name}={shape.name!r} for a vector of length {shape.name}; "
            "the dimension itself needs no declaration"
        )
    if isinstance(shape, Array):
        return shape
    if isinstance(shape, str):
        return arrays.array(name, *read_shape(shape, name))
    if isinstance(shape, tuple | list):
        return arrays.array(name, *shape)
    if isinstance(shape, int | float):
        return arrays.as_array(shape)
    raise ReadError(
        f"{name}: a shape text such as 'n d' (or '' for a scalar), a tuple of dimensions, an sd.array or a number "
        f"is needed, got {type(shape).__name__}"
    )


def read(source: Any, /, **shapes: Any) -> Array:
    """Read a formula from text.

    >>> import symderive as sd
    >>> loss = sd.read("np.sum((X @ w - y)**2)", X="n d", w="d", y="n")
    >>> loss.shape
    ()
    """
    scope = {name: declare(name, shape) for name, shape in shapes.items()}
    return read_text(source, scope)
