"""Derivatives across kinks: proved where both sides meet smoothly, refuted at the kink where they do not."""

from __future__ import annotations

import random

import pytest
import sympy as sp

import symderive as sd
from symderive.derivation.checker import replay

x = sp.Symbol("x", real=True)
a = sp.Symbol("a", positive=True)
cut = sp.Piecewise((x**2 / 2, sp.Abs(x) <= 1), (sp.Abs(x) - sp.Rational(1, 2), True))
SMOOTH = {
    "x|x|": (x * sp.Abs(x), 1, 2 * sp.Abs(x)),
    "|x|**3": (sp.Abs(x) ** 3, 2, 6 * sp.Abs(x)),
    "squared relu": (sp.Max(0, x) ** 2, 1, 2 * sp.Max(0, x)),
    "softsign": (x / (1 + sp.Abs(x)), 1, 1 / (1 + sp.Abs(x)) ** 2),
    "elu": (sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)), 1, sp.Piecewise((1, x > 0), (sp.exp(x), True))),
    "huber": (cut, 1, sp.Max(-1, sp.Min(1, x))),
    "celu": (
        sp.Piecewise((x, x > 0), (a * (sp.exp(x / a) - 1), True)),
        1,
        sp.Piecewise((1, x > 0), (sp.exp(x / a), True)),
    ),
}

ROUGH = {
    "|x|": (sp.Abs(x), 1, sp.sign(x), 0),
    "x|x| twice": (x * sp.Abs(x), 2, 2 * sp.sign(x), 0),
    "elu with a slope": (
        sp.Piecewise((x, x > 0), (2 * (sp.exp(x) - 1), True)),
        1,
        sp.Piecewise((1, x > 0), (2 * sp.exp(x), True)),
        0,
    ),
    "hardswish": (
        x * sp.Min(sp.Max(x + 3, 0), 6) / 6,
        1,
        sp.Piecewise((0, x < -3), (1, x > 3), ((2 * x + 3) / 6, True)),
        3,
    ),
    "a jump that balls do not settle": (
        sp.Piecewise((sp.exp(x) - sp.E + 3, x < 1), (2 * x + 1, True)),
        1,
        sp.Piecewise((sp.exp(x), x < 1), (2, True)),
        1,
    ),
    "a hole": (sp.Piecewise((0, sp.Eq(x, 0)), (x**2 + 1, True)), 1, 2 * x, 0),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_sides_that_meet_smoothly(name):
    body, order, claimed = SMOOTH[name]
    verdict = sd.check(sp.Derivative(body, x, order), "==", claimed)
    assert verdict.status == "proved", verdict
    assert replay(verdict.trace).ok
    assert sd.check(sp.Derivative(body, x, order), "==", claimed + sp.Rational(1, 10**12)).status == "refuted"


@pytest.mark.parametrize("name", ROUGH)
def test_sides_that_do_not(name):
    body, order, claimed, place = ROUGH[name]
    verdict = sd.check(sp.Derivative(body, x, order), "==", claimed)
    assert verdict.status == "refuted", verdict
    others = [sp.Ne(x, place), *([sp.Ne(x, -3)] if name == "hardswish" else [])]
    assert sd.check(sp.Derivative(body, x, order), "==", claimed, given=others).status in ("proved", "checked")


def _piece(rng: random.Random) -> sp.Expr:
    return rng.choice([x, x**2, x**3 - x, sp.exp(x) - 1, sp.sin(x), sp.log(1 + x**2), 2 * x + 1, 1 / (1 + x**2)])


def _random_function(rng: random.Random, c: sp.Expr) -> tuple[sp.Expr, tuple[sp.Expr, sp.Expr]]:
    """A function with a kink at c, and what it is on both sides."""
    left, right = _piece(rng), _piece(rng)
    if rng.random() < 0.6:
        left = left - left.subs(x, c) + right.subs(x, c)
        if rng.random() < 0.6:
            left = left + (right.diff(x) - left.diff(x)).subs(x, c) * (x - c)
    return rng.choice(
        [
            (sp.Piecewise((left, x < c), (right, True)), (left, right)),
            (left * sp.Abs(x - c), (left * (c - x), left * (x - c))),
            (sp.Max(x - c, 0) * left, (sp.Integer(0), (x - c) * left)),
            (sp.Abs(x - c) ** 3 * left, ((c - x) ** 3 * left, (x - c) ** 3 * left)),
        ]
    )


def test_random_pieces():
    """The oracle compares the Taylor coefficients of both sides, by SymPy's derivatives at 30 digits."""
    rng = random.Random(11)
    seen = set()
    for _ in range(20):
        c = rng.choice([sp.Integer(0), sp.Integer(1), -sp.Integer(1), sp.Rational(1, 2)])
        body, sides = _random_function(rng, c)
        order = rng.choice([1, 1, 2])
        left, right = (sp.diff(side, x, order) for side in sides)
        gaps = [sp.N(sp.diff(sides[0] - sides[1], x, k).subs(x, c), 30) for k in range(order + 1)]
        smooth = all(abs(g) < 1e-20 for g in gaps)
        bump = rng.choice([0, 0, sp.Rational(1, 10**9), x - c])
        verdict = sd.check(sp.Derivative(body, x, order), "==", sp.Piecewise((left, x < c), (right, True)) + bump)
        assert verdict.status == ("proved" if smooth and not bump else "refuted"), (body, order, bump, verdict)
        seen.add((smooth, bool(bump)))
    assert len(seen) == 4
