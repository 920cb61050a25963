from __future__ import annotations

import contextlib
import random

import numpy as np
import pytest
from scipy.special import expit

import symderive as sd
from symderive.calculus.normal_form import Normaliser
from symderive.calculus.polynomials import NotHandled
from symderive.calculus.signs import sign_of
from symderive.judgement.judge import judge_relation
from symderive.language.arrays import as_array
from symderive.language.statements import Relation
from tests.proofs.expressions import node_of, partial_expression

n, d = sd.dims("n d")
x = sd.array("x", n)
a = sd.array("a", n, domain=sd.positive)
p = sd.array("p", n, domain=sd.simplex)
u = sd.array("u", n, domain=sd.interval(-1, 1))
t = sd.array("t", n, domain=sd.labels(-1, 1))
X, w = sd.array("X", n, d), sd.array("w", d)


@pytest.mark.parametrize(
    ("expression", "sign"),
    [
        (1 + np.exp(x), "+"),
        (np.sum(x**2), "0+"),
        (x, "unknown"),
        (x * x, "0+"),
        (a * a, "+"),
        (-a, "-"),
        (1 - p, "0+"),
        (p - 1, "0-"),
        (p * np.log(p), "0-"),
        (1 - expit(x), "+"),
        (1 - np.tanh(x) ** 2, "+"),
        (np.sum(p * expit(x)), "+"),
        (np.sum(p) - 1, "0"),
        (np.sum((X @ w) ** 2) / n, "0+"),
        (np.sqrt(1 + x**2) - 1, "0+"),
        (np.log(1 + np.exp(x)), "+"),
        (1 / (1 + x**2), "+"),
        (n * a, "+"),
        ((n - 1) * np.abs(x), "0+"),
        (t, "nonzero"),
        (t * t, "+"),
        (np.sum(t), "unknown"),
        (np.sum(p * t), "unknown"),
        (np.sum(t * t), "+"),
        (1 - u, "+"),
        (2 - u, "+"),
        (1 / a, "+"),
        (np.abs(t), "+"),
        (np.maximum(x, 1), "+"),
        (sd.softmax(x) - 2, "-"),
        (x < 0, "0+"),
        (np.exp(-a) - 1, "-"),
    ],
)
def test_sign_of(expression, sign):
    assert sign_of(expression.node) == sign


def test_given_relations_are_used_and_named():
    zero = as_array(0).node
    answer = sign_of((x * np.exp(x)).node, (Relation(x.node, ">", zero),))
    assert answer == "+"
    assert any("given" in fact for fact in answer.facts)
    y = sd.array("y", n)
    assert sign_of((x - y).node, (Relation(x.node, ">=", y.node),)) == "0+"
    assert sign_of(x.node, (Relation(zero, ">", x.node),)) == "-"


def test_facts_say_where_the_sign_comes_from():
    assert sign_of(a.node).facts == ("a is declared positive",)
    assert sign_of(x.node).facts == ()


OPS = {"+": ">", "0+": ">=", "0": "==", "-": "<", "0-": "<=", "nonzero": "!="}


@pytest.mark.parametrize("batch", range(5))
def test_no_sign_is_refuted_by_the_judge(batch):
    for seed in range(30 * batch, 30 * batch + 30):
        rng = random.Random(seed)
        node = node_of(partial_expression(rng, rng.choice(["", "n", "d"]), rng.choice((0, 1, 2))))
        normaliser = Normaliser()
        signs = {str(sign_of(node))}
        with contextlib.suppress(NotHandled):
            signs.add(normaliser.product_bounds(normaliser.of(node)).sign)
        for sign in signs - {"unknown"}:
            verdict = judge_relation(Relation(node, OPS[sign], as_array(0).node), points=10)
            if verdict.status == "refuted":
                assert "undefined" in verdict.reason, f"seed {seed}: {sign}\n{verdict}"
