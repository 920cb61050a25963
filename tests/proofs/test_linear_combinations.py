"""Sums with weights >= 0: what is found is the goal, and what has no such sum is not found."""

import random

import pytest
from sympy import Integer, Rational, symbols, tanh

from symderive.derivation.linear_combinations import combination

x, y, z = NAMES = symbols("x y z")


@pytest.mark.parametrize("seed", range(40))
def test_sums_are_found_and_are_the_goal(seed):
    rng = random.Random(seed)
    atoms = [*NAMES, tanh(x), x * y, Integer(1)]
    parts = [sum((rng.randint(-3, 3) * a for a in atoms), Integer(0)) for _ in range(rng.randint(2, 6))]
    weights = [Rational(rng.choice([0, 0, 1, 2, 5]), rng.choice([1, 2, 3])) for _ in parts]
    goal = sum((w * p for w, p in zip(weights, parts, strict=True)), Integer(0))
    found = combination(goal, parts)
    assert found is not None
    assert all(w > 0 for w, _ in found)
    assert (goal - sum((w * parts[k] for w, k in found), Integer(0))).expand() == 0


def test_what_is_no_sum_is_not_found():
    assert combination(x, [y, z]) is None
    assert combination(-x, [x]) is None
    assert combination(x - y, [x, y]) is None
    assert combination(x + Rational(1, 10**6), [x]) is None
    assert combination(x, []) is None
    assert combination(1 / x, [x]) is None
