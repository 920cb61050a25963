"""The printed form is NumPy: run as plain NumPy, and read back, it gives the same numbers."""

import re

import numpy as np
import pytest
from derivation.oracle import run_text

import symderive as sd

SHAPES = {"X": "n d", "Y": "n d", "A": "d d", "u": "n", "v": "n", "w": "d", "t": ""}


def values(n: int, d: int) -> dict[str, object]:
    rng = np.random.default_rng(n * 7 + d)
    arrays = {k: rng.normal(size=tuple({"n": n, "d": d}[s] for s in shape.split())) for k, shape in SHAPES.items()}
    return arrays | {"n": n, "d": d}


MASKS = [
    ("1.0 * (u < v) - 1.0 * (v < u)", lambda u, v, **_: 1.0 * (u < v) - 1.0 * (v < u)),
    ("-1.0 * (u < v)", lambda u, v, **_: -1.0 * (u < v)),
    ("1.0 * (u < v) + 1.0 * (v < 0) + 1.0 * (u < 1)", lambda u, v, **_: 1.0 * (u < v) + 1.0 * (v < 0) + 1.0 * (u < 1)),
    ("(1.0 * (u < v)) @ (1.0 * (v < 1))", lambda u, v, **_: (1.0 * (u < v)) @ (1.0 * (v < 1))),
    ("np.einsum('ij,ij,kj->ik', 1.0 * (X > 0), 1.0 * (Y > 0), 1.0 * (X > 0))",
     lambda X, Y, **_: np.einsum("ij,ij,kj->ik", 1.0 * (X > 0), 1.0 * (Y > 0), 1.0 * (X > 0))),
    ("np.exp(u < v)", lambda u, v, **_: np.exp(1.0 * (u < v))),
    ("np.sign(u < v)", lambda u, v, **_: 1.0 * (u < v)),
    ("(u < v)**2 / 3", lambda u, v, **_: (u < v) / 3),
    ("sd.logsumexp(u < v)", lambda u, v, **_: np.log(np.sum(np.exp(1.0 * (u < v))))),
    ("np.maximum(1.0 * (u < v), 1.0 * (v < 0)) - 1.0 * (u < 0)",
     lambda u, v, **_: np.maximum(1.0 * (u < v), 1.0 * (v < 0)) - 1.0 * (u < 0)),
    ("m - 1.0 * (u < 0), where m = 1.0 * (u < v)", lambda u, v, **_: 1.0 * (u < v) - 1.0 * (u < 0)),
    ("(1.0 * (X > 0)).T @ (1.0 * (u > 0))", lambda X, u, **_: (1.0 * (X > 0)).T @ (1.0 * (u > 0))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meant"), MASKS, ids=[text for text, _ in MASKS])
def test_masks_are_numbers_also_to_numpy(text, meant):
    shown = str(sd.read(text, **{k: s for k, s in SHAPES.items() if re.search(rf"\b{k}\b", text)}))
    for n, d in ((4, 3), (1, 2), (3, 1)):
        point = values(n, d)
        expected = meant(**point)
        got = run_text(shown, point)
        assert np.asarray(got).dtype != np.float16
        np.testing.assert_allclose(np.asarray(got, float), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("np.sqrt(np.sum(u**2))", "np.linalg.norm(u)"),
        ("np.sqrt(u @ u)", "np.linalg.norm(u)"),
        ("np.sqrt(np.sum((X - Y)**2))", "np.linalg.norm(X - Y)"),
        ("1 / np.sqrt(np.sum(u**2))", "1 / np.linalg.norm(u)"),
        ("np.prod(u) * (1 / u)", "np.prod(u) / u"),
        ("t * (1 / u) / 2", "t / u / 2"),
        ("np.sum(n * u - n)", "np.sum(n * u - n)"),
        ("2 * (u * (v + 1))", "2 * u * (v + 1)"),
    ],
)
def test_the_short_form_of_a_length_and_a_quotient(text, shown):
    array = sd.read(text, **{k: s for k, s in SHAPES.items() if re.search(rf"\b{k}\b", text)})
    assert str(array) == shown
    point = values(4, 3)
    np.testing.assert_allclose(run_text(shown, point), run_text(text, point), rtol=1e-12)
