"""A function read on symbols, evaluated, must be what the same function is on numbers."""

import inspect

import numpy as np
from support.evaluate import evaluate_array

import symderive as sd

SHAPES = {
    "X": "n d", "Z": "n d", "S": "d d", "R": "m n d", "w": "d", "v": "d", "x": "n", "z": "n", "b": "", "c": "",
    "F": "3 4", "f": "3", "g": "4", "C": "2 3 4", "K": "n 1", "L": "n k", "P": "n d", "p": "d",
}  # fmt: skip
LABELS = {"y": ("n", "k"), "t": ("n", "n"), "u": ("m", "d"), "i": ("m n", "d"), "j": ("", "d"), "h": ("3", 4)}
"""Arrays of indices: their shape, and what their entries stay below."""
POSITIVE = {"P", "p"}
SIZES = (
    {"n": 5, "d": 4, "m": 3, "k": 2},
    {"n": 4, "d": 6, "m": 2, "k": 3},
    {"n": 7, "d": 5, "m": 1, "k": 1},
)


def size(name, sizes):
    return sizes[name] if name in sizes else int(name)


def declared(name):
    """A symbolic array of the tables."""
    if name in LABELS:
        shape, below = LABELS[name]
        limit = below if isinstance(below, int) else sd.dims(below)
        return sd.array(name, *shape_of(shape), domain=sd.integers(0, limit - 1))
    return sd.array(name, *shape_of(SHAPES[name]), domain=sd.positive if name in POSITIVE else sd.real)


def shape_of(text):
    return tuple(int(s) if s.isdigit() else sd.dims(s) for s in text.split())


def numbers(sizes, seed=0):
    """Numbers for all arrays of the tables."""
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=tuple(size(s, sizes) for s in shape.split())) for name, shape in SHAPES.items()}
    found |= {name: np.abs(found[name]) + 0.1 for name in POSITIVE}
    for name, (shape, below) in LABELS.items():
        limit = below if isinstance(below, int) else sizes[below]
        found[name] = rng.integers(0, limit, size=tuple(size(s, sizes) for s in shape.split()))
    return found | sizes


def agree(function, sizes=SIZES, seed=0, rtol=1e-9):
    """Read a function whose parameters are names of the tables; compare it with itself on numbers."""
    names = list(inspect.signature(function).parameters)
    made = sd.read(function, **{name: sd.dims(name) if name in SIZES[0] else declared(name) for name in names})
    for at in sizes:
        point = numbers(at, seed)
        given = {name: np.array(point[name]) if np.ndim(point[name]) else point[name] for name in names}
        expected = function(**given)
        for name in names:
            np.testing.assert_array_equal(given[name], point[name], err_msg="the function changed its argument")
        found = evaluate_array(made, at, point)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-11)
        assert found.shape == np.shape(expected)
    return made
