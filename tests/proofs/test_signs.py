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


# -- from end to end -----------------------------------------------------------------------------

DOMAINS = {
    "open": (sd.interval(0, 1), (1 / 1024, 0.5, 1023 / 1024)),
    "closed": (sd.unit_interval, (0.0, 0.5, 1.0)),
    "positive": (sd.positive, (1 / 1024, 1.0, 1024.0)),
    "nonnegative": (sd.nonnegative, (0.0, 1.0, 1024.0)),
    "half open": (sd.interval(-1, 2, closed="left"), (-1.0, 0.0, 2 - 1 / 1024)),
    "real": (sd.real, (-1024.0, 0.0, 1024.0)),
    "integers": (sd.integers(0, 3), (0.0, 1.0, 3.0)),
}


@pytest.mark.parametrize(
    ("text", "domains", "sign"),
    [
        ("w*x + (1-w)*y", ("closed", "positive", "positive"), "+"),
        ("w*x + (1-w)*y", ("closed", "nonnegative", "positive"), "0+"),
        ("w*x + (1-w)*y", ("open", "nonnegative", "positive"), "+"),
        ("x + y - x*y", ("real", "closed", "closed"), "0+"),
        ("x + y - x*y", ("real", "open", "closed"), "+"),
        ("1 - x*y", ("real", "closed", "closed"), "0+"),
        ("1 - x*y", ("real", "open", "closed"), "+"),
        ("x**2 - 2*x*y + y", ("real", "open", "open"), "+"),
        ("2*x**2 - 2*x + 1", ("real", "real", "real"), "+"),
        ("x**2 - 2*x + 1", ("real", "open", "real"), "+"),
        ("x**2 - 2*x + 1", ("real", "positive", "real"), "0+"),
        ("1 - 2*x", ("real", "open", "real"), "unknown"),
        ("x**2 + 2*x + 1", ("real", "half open", "real"), "0+"),
        ("x**2 - x + 1/8", ("real", "open", "real"), "unknown"),
        ("2*x - x**2", ("real", "closed", "real"), "0+"),
        ("x**2 - 4*x", ("real", "half open", "real"), "unknown"),
        ("y - x - 2", ("real", "nonnegative", "closed"), "-"),
        ("x - y", ("real", "open", "open"), "unknown"),
        ("w*x + (1-w)*y", ("half open", "positive", "positive"), "unknown"),
    ],
)
def test_polynomials_that_are_affine_between_two_numbers(text, domains, sign):
    scope = {name: sd.array(name, domain=DOMAINS[key][0]) for name, key in zip("wxy", domains, strict=True)}
    expression = sd.read(text, **scope)
    normaliser = Normaliser()
    assert normaliser.product_bounds(normaliser.of(expression.node)).sign == sign


@pytest.mark.parametrize("seed", range(60))
def test_shown_signs_of_random_polynomials_hold_at_the_ends(seed):
    """Exact values at, or next to, the ends of the domains: a shown sign holds at each."""
    rng = random.Random(seed)
    for _ in range(15):
        keys = [rng.choice(list(DOMAINS)) for _ in "xyz"]
        arrays = [sd.array(name, domain=DOMAINS[key][0]) for name, key in zip("xyz", keys, strict=True)]

        def made(deep, parts):
            if not deep:
                return rng.choice([*parts, *parts, 1, 1, 2])
            a, b = made(deep - 1, parts), made(deep - 1, parts)
            return (a + b, a - b, a * b)[rng.randrange(3)]

        state = rng.getstate()
        expression = as_array(made(3, arrays))
        after = rng.getstate()
        normaliser = Normaliser()
        sign = normaliser.product_bounds(normaliser.of(expression.node)).sign
        tests = {"+": lambda v: v > 0, "-": lambda v: v < 0, "0+": lambda v: v >= 0, "0-": lambda v: v <= 0,
                 "0": lambda v: v == 0, "nonzero": lambda v: v != 0, "unknown": lambda v: True}  # fmt: skip
        for point in np.array(np.meshgrid(*(DOMAINS[key][1] for key in keys))).reshape(3, -1).T:
            rng.setstate(state)
            assert tests[sign](made(3, [float(v) for v in point])), (str(expression), sign, point)
        rng.setstate(after)
