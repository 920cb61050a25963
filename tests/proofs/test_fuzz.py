"""Random expressions: rewrites must be decided, mutations must never be called equal."""

from __future__ import annotations

import random

import pytest

from symderive.calculus.normal_form import decide_equal
from symderive.judgement.judge import judge_relation
from symderive.language.statements import Relation
from tests.proofs.expressions import expression, loosen, mutate, node_of, partial_expression, rewrite

SHAPES = ("", "", "n", "d", "nd", "dd")


def drawn(seed: int):
    rng = random.Random(seed)
    return rng, node_of(expression(rng, rng.choice(SHAPES), rng.choice((1, 2, 2, 3))))


@pytest.mark.parametrize("batch", range(6))
def test_true_rewrites_are_decided(batch):
    decided = 0
    for seed in range(20 * batch, 20 * batch + 20):
        rng, node = drawn(seed)
        decided += decide_equal(node, rewrite(rng, node)).equal is True
    assert decided >= 19


@pytest.mark.parametrize("batch", range(6))
def test_a_mutation_that_is_called_equal_is_equal(batch):
    for seed in range(20 * batch, 20 * batch + 20):
        rng, node = drawn(seed)
        for _ in range(3):
            changed = mutate(rng, node)
            if changed is not None and decide_equal(node, changed).equal:
                verdict = judge_relation(Relation(node, "==", changed), points=8)
                assert verdict.status != "refuted", f"seed {seed}\n{verdict}"


@pytest.mark.parametrize("batch", range(4))
def test_a_careless_respelling_that_is_called_equal_is_equal(batch):
    for seed in range(20 * batch, 20 * batch + 20):
        rng = random.Random(seed)
        node = node_of(partial_expression(rng, rng.choice(SHAPES), rng.choice((0, 1, 2))))
        assert decide_equal(node, rewrite(rng, node, 0.3)).equal is not False
        for _ in range(3):
            changed = loosen(rng, node)
            if decide_equal(node, changed).equal:
                verdict = judge_relation(Relation(node, "==", changed), points=8)
                assert verdict.status != "refuted", f"seed {seed}\n{verdict}"
