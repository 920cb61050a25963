"""The record is the computation: it can be carried out again, and tampering shows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sympy import Rational

import symderive as sd

n, d = sd.dims("n d")
X, w, b = sd.array("X", n, d), sd.array("w", d), sd.array("b")
y = sd.array("y", n, domain=sd.labels(0, 1))
p = expit(X @ w + b)
LOSS = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + np.linalg.norm(w)


@pytest.fixture(scope="module", params=["gradient", "hessian", "jacobian", "differential"])
def derivation(request):
    return getattr(sd, request.param)(LOSS, [w, b])


def test_replaying_gives_the_result(derivation):
    assert derivation.replay() is derivation.result


def test_every_tampered_line_is_noticed(derivation):
    for position, step in enumerate(derivation.steps):
        wrong = replace(step, after=step.after * (1 + Rational(1, 10**12)))
        steps = (*derivation.steps[:position], wrong, *derivation.steps[position + 1 :])
        with pytest.raises(sd.JudgementConflictError):
            replace(derivation, steps=steps).replay()


def test_a_missing_line_is_noticed(derivation):
    for position in range(len(derivation.steps) - 1):
        steps = (*derivation.steps[:position], *derivation.steps[position + 1 :])
        if steps[position].relation == "=>" and derivation.steps[position].relation == "=>":
            continue
        with pytest.raises(sd.JudgementConflictError):
            replace(derivation, steps=steps).replay()
