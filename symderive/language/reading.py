"""Reading formulas: untrusted text, or a Python function of the user's.

``read`` is the front; text is read by :mod:`symderive.language.text_reader`
(nothing is executed), functions by :mod:`symderive.language.function_reader`
(the user's own code runs, on symbolic arrays).
"""

from __future__ import annotations

from typing import Any

from symderive.errors import IndexDomainError, ReadError, UnknownNameError
from symderive.language import arrays
from symderive.language.arrays import Array, Dim
from symderive.language.domains import integers, real
from symderive.language.function_reader import read_function
from symderive.language.text_reader import read_relation, read_shape, read_text, relation

__all__ = ["declare", "read", "read_function", "read_relation", "read_shape", "read_text", "relation"]


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
        f"{name}: a shape text such as 'n d' (or '' for a scalar), a tuple of dimensions, an sd.array "
        f"or a number is needed, got {type(shape).__name__}"
    )


def read(source: Any, /, **shapes: Any) -> Array:
    """Read a formula from text, or from an existing NumPy function.

    Each keyword declares an array by its shape: a text (``"n d"``, ``"n, d"``,
    ``""`` for a scalar), a tuple of dimensions, an :func:`symderive.array` with
    its own domain, or a number.  The dimensions of the shapes are in scope by
    their names: ``/ n`` in text, a parameter ``n`` of a function.

    *Text* may come from anywhere: it is read by an allow-list, never executed.
    ``where`` definitions are kept: ``"X.T @ r, where r = X @ w - y"``.

    *A function* (a lambda, a closure, a decorated or nested one) is trusted:
    its own code runs, on symbolic arrays, over a copy of its globals.
    Parameters that are not declared keep their defaults.

    Raises :class:`~symderive.errors.ReadError` (text that is not read, with its
    column), :class:`~symderive.errors.UnknownNameError` (parameters that are
    missing or not there), :class:`~symderive.errors.ShapeError`, and
    :class:`~symderive.errors.UnsupportedError` (what a function does that cannot
    be followed, with its line).

    >>> import numpy as np, symderive as sd
    >>> loss = sd.read("np.sum((X @ w - y)**2) / n", X="n d", w="d", y="n")
    >>> loss.shape
    ()
    >>> def mse(w, X, y):
    ...     return np.mean((X @ w - y) ** 2)
    >>> sd.read(mse, X="n d", w="d", y="n").shape
    ()
    """
    if not isinstance(source, str) and (isinstance(source, Array) or not callable(source)):
        raise ReadError(f"text or a function is needed, got {type(source).__name__}")
    scope = {name: declare(name, shape) for name, shape in shapes.items()}
    while True:
        try:
            return read_text(source, scope) if isinstance(source, str) else read_function(source, scope)
        except IndexDomainError as error:
            # An array that was declared by its shape alone may be an index: then that is its domain.
            found = scope.get(error.name)
            if found is None or isinstance(shapes.get(error.name), Array) or found.domain != real:
                raise
            scope[error.name] = arrays.array(error.name, *found.dims, domain=integers(error.first, error.last))
