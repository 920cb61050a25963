"""A sum times a power of itself: one factor goes for one, whatever else stands there."""

import numpy as np
import pytest
from derivation.oracle import run_text

import symderive as sd
from symderive.calculus.simplify import simplify
from symderive.language.arrays import Array

TEXTS = [
    "(a @ (np.outer(a, x) / (a @ a))) / (a @ a)",
    "(a @ a) * x / (a @ a)**2 / (a @ a)",
    "(a @ a) * x / (a @ a) / (a @ a) / (a @ a)",
    "(a @ a) * (a @ a) * x / (a @ a)",
    "x * np.sum(P, axis=1) / np.sum(P, axis=1)**3 / np.sum(P, axis=1)",
    "np.sum(P / np.sum(P, axis=1)[:, None]**2, axis=1)",
    "np.sum(P, axis=0) / np.sum(P, axis=1)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_simplifying_changes_no_number(text):
    array = sd.read(text, a="n", x="n", P="n n")
    shorter = str(Array(simplify(array.node).node, array.axes))
    rng = np.random.default_rng(0)
    values = {"n": 3, "a": rng.normal(size=3), "x": rng.normal(size=3), "P": rng.uniform(0.5, 2, size=(3, 3))}
    np.testing.assert_allclose(run_text(shorter, values), run_text(text, values), rtol=1e-12)
