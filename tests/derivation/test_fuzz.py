"""Random losses: the printed gradient run by NumPy is the finite difference, and reads back."""

import random
import re

import numpy as np
import pytest
from derivation.oracle import finite_difference, run_text, sample

import symderive as sd

SHAPES = {"X": "n d", "A": "d d", "W": "d k", "w": "d", "v": "d", "y": "n", "c": "n", "b": "k", "s": "", "t": ""}
ARRAYS = {name: tuple(shape.split()) for name, shape in SHAPES.items()}
MAPS = (
    "np.tanh({})", "expit({})", "np.sin({})", "np.cos({})", "np.square({})", "np.logaddexp(0, {})",
    "np.exp(-({})**2)", "np.log(1 + ({})**2)", "np.maximum(0, {})", "np.abs({})", "np.sqrt(1 + ({})**2)",
    "np.where({0} > 0, {0}, 0.1 * {0})", "log_expit({})", "np.log1p(np.exp({}))", "1 / (1 + np.exp(-({})))",
)  # fmt: skip


class Writer:
    """Writes random NumPy of a wanted shape."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, shape: tuple[str, ...], depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.12:
            return self.leaf(shape)
        kind = self.random.random()
        if kind < 0.25:
            other = shape if self.random.random() < 0.7 else self.random.choice([(), shape[1:]])
            return f"({self.of(shape, depth - 1)} {self.random.choice('+-*')} {self.of(other, depth - 1)})"
        if kind < 0.45:
            return self.random.choice(MAPS).format(self.of(shape, depth - 1))
        if kind < 0.52:
            return f"({self.of(shape, depth - 1)} / (1 + {self.of(shape, depth - 1)}**2))"
        return (self.scalar, self.vector, self.matrix)[len(shape)](shape, depth - 1)

    def leaf(self, shape: tuple[str, ...]) -> str:
        names = [name for name, own in ARRAYS.items() if own == shape]
        if names:
            return self.random.choice([*names, "2", "0.5"] if not shape else names)
        turned = [name for name, own in ARRAYS.items() if own == shape[::-1]]
        if turned:
            return f"{self.random.choice(turned)}.T"
        return f"np.outer({self.leaf(shape[:1])}, {self.leaf(shape[1:])})"

    def scalar(self, shape: tuple[str, ...], depth: int) -> str:
        d, e = self.random.choice("ndk"), self.random.choice("ndk")
        return self.random.choice([
            lambda: f"np.sum({self.of((d,), depth)})",
            lambda: f"({self.of((d,), depth)} @ {self.of((d,), depth)})",
            lambda: f"np.mean({self.of((d, e), depth)})",
            lambda: f"np.trace({self.of((d, d), depth)})",
            lambda: f"sd.logsumexp({self.of((d,), depth)})",
            lambda: f"np.sum({self.of((d,), depth)} * {self.of((d,), depth)}) / {d}",
        ])()  # fmt: skip

    def vector(self, shape: tuple[str, ...], depth: int) -> str:
        (a,), d = shape, self.random.choice("ndk")
        return self.random.choice([
            lambda: f"({self.of((a, d), depth)} @ {self.of((d,), depth)})",
            lambda: f"np.sum({self.of((a, d), depth)}, axis=1)",
            lambda: f"np.mean({self.of((d, a), depth)}, axis=0)",
            lambda: f"sd.softmax({self.of((a,), depth)})",
            lambda: f"np.diag({self.of((a, a), depth)})",
            lambda: f"sd.logsumexp({self.of((a, d), depth)}, axis=1)",
        ])()  # fmt: skip

    def matrix(self, shape: tuple[str, ...], depth: int) -> str:
        (a, b), d = shape, self.random.choice("ndk")
        return self.random.choice([
            lambda: f"({self.of((a, d), depth)} @ {self.of((d, b), depth)})",
            lambda: f"np.outer({self.of((a,), depth)}, {self.of((b,), depth)})",
            lambda: f"{self.of((b, a), depth)}.T",
            lambda: f"sd.softmax({self.of((a, b), depth)}, axis={self.random.choice([0, 1])})",
            lambda: f"({self.of((a,), depth)}[:, None] * {self.of((a, b), depth)})",
        ])()  # fmt: skip


def losses(first: int, count: int, depth: int):
    for seed in range(first, first + count):
        text = Writer(seed).of((), depth)
        names = [name for name in SHAPES if re.search(rf"\b{name}\b", text)]
        if names:
            yield seed, text, random.Random(seed).choice(names)


@pytest.mark.parametrize("chunk", range(6))
def test_random_losses(chunk):
    for seed, text, name in losses(1000 + 12 * chunk, 12, 3):
        result = sd.gradient(sd.read(text, **SHAPES), name).result
        shown = str(result)
        for sizes in ({"n": 4, "d": 3, "k": 2}, {"n": 1, "d": 2, "k": 1}):
            values = sample(SHAPES, {}, sizes, seed)
            values = {k: x * 0.5 if isinstance(x, np.ndarray) else x for k, x in values.items()}
            expected = finite_difference(lambda v, text=text: run_text(text, v), values, name)
            got = run_text(shown, values)
            scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
            assert np.shape(got) == np.shape(expected), f"{seed}: {text}\n{shown}"
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6 * scale, err_msg=f"{seed}: {text}\n{shown}")
