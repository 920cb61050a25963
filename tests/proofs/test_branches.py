"""Equalities of clips, maxima, masks and absolute values: proved case by case, or not at all.

NumPy judges the claims themselves, so that no row of a table is believed.
"""

import numpy as np
import pytest
from derivation.oracle import run_text

import symderive as sd
from symderive.calculus.normal_form import decide_equal

NAMES = {"x": sd.array("x", "n"), "y": sd.array("y", "n"), "q": sd.array("q"), "c": sd.array("c", domain=sd.positive)}

EQUAL = [
    ("np.where(np.abs(x) <= c, x, c * np.sign(x))", "np.clip(x, -c, c)"),
    ("np.where(np.abs(x) < c, x, c * np.sign(x))", "np.clip(x, -c, c)"),
    ("np.maximum(x, -x)", "np.abs(x)"),
    ("np.maximum(x, y) + np.minimum(x, y)", "x + y"),
    ("np.maximum(x, y) - np.minimum(x, y)", "np.abs(x - y)"),
    ("np.abs(np.abs(x))", "np.abs(x)"),
    ("np.maximum(x, np.maximum(y, x))", "np.maximum(y, x)"),
    ("np.clip(x, -c, c)**2 / 2 + c * np.maximum(np.abs(x) - c, 0)",
     "np.where(np.abs(x) <= c, x**2 / 2, c * (np.abs(x) - c / 2))"),
    ("np.maximum(q * x, (q - 1) * x)", "x * (q - (x < 0))"),
    ("np.minimum(np.maximum(x, 0), 1)", "np.clip(x, 0, 1)"),
    ("np.maximum(x, 0) - np.maximum(-x, 0)", "x"),
    ("np.maximum(0, 1 - x) * (x < 1)", "np.maximum(0, 1 - x)"),
    ("np.where(x > y, x, y)", "np.maximum(x, y)"),
    ("np.sum(np.where(x > 0, x, -x))", "np.sum(np.abs(x))"),
    ("(x > y) + (x == y) + (x < y)", "np.ones(n)"),
]  # fmt: skip

DIFFERENT = [
    ("np.where(np.abs(x) <= c, x, np.sign(x))", "np.clip(x, -c, c)"),
    ("np.where(np.abs(x) <= c, x, -c * np.sign(x))", "np.clip(x, -c, c)"),
    ("np.where(np.abs(x) <= q, x, q * np.sign(x))", "np.clip(x, -q, q)"),
    ("np.where(np.abs(x) < c, x, 0)", "np.clip(x, -c, c)"),
    ("np.maximum(x, -2 * x)", "np.abs(x)"),
    ("np.maximum(q * x, (q - 2) * x)", "x * (q - (x < 0))"),
    ("np.minimum(np.maximum(x, 0), 2)", "np.clip(x, 0, 1)"),
    ("np.abs(x) * np.sign(np.sum(x))", "x"),
    ("np.abs(x) * np.sum(np.abs(x))", "x * np.sum(x)"),
    ("np.where(x >= y, x, y) + (x == y)", "np.maximum(x, y)"),
    ("(x > y) + (x < y)", "np.ones(n)"),
    ("np.sum(np.abs(x))", "np.abs(np.sum(x))"),
]  # fmt: skip


def points():
    rng = np.random.default_rng(5)
    for _ in range(400):
        x = rng.choice([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0], size=3)
        y = rng.choice([-1.0, 0.0, 0.5, 2.0], size=3)
        yield {"n": 3, "x": x, "y": y, "q": rng.choice([-1.0, 0.0, 0.3, 2.0]), "c": rng.choice([0.5, 1.0, 1.5])}


def sides(pair):
    return [sd.read(text, **NAMES).node for text in pair]


@pytest.mark.parametrize("pair", EQUAL, ids=str)
def test_equal_in_every_case_is_proved(pair):
    assert all(np.allclose(run_text(pair[0], v), run_text(pair[1], v)) for v in points())
    assert decide_equal(*sides(pair)).equal


@pytest.mark.parametrize("pair", DIFFERENT, ids=str)
def test_different_in_one_case_is_not(pair):
    assert not all(np.allclose(run_text(pair[0], v), run_text(pair[1], v)) for v in points())
    assert not decide_equal(*sides(pair)).equal
