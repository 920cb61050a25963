"""Signs from ends of ranges, signs of quotients, and equal arguments that are spelled apart."""

import random
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy as sp
from scipy.special import erf

import symderive as sd
from symderive.calculus.normal_form import Normaliser, decide_equal
from symderive.checking.sides import read_claim
from symderive.derivation.one_variable import shown_bounds
from symderive.language import domains
from symderive.language.arrays import as_array

RANGES = {
    "closed": (domains.interval(-1, 2, "both"), (-1, 2), (True, True)),
    "open": (domains.interval(0, 1), (0, 1), (False, False)),
    "half open": (domains.interval(0, 3, "left"), (0, 3), (True, False)),
    "half line": (domains.positive, (0, None), (False, True)),
    "from below": (domains.interval(-sp.oo, 1, "right"), (None, 1), (True, True)),
    "integers": (domains.integers(0, 4), (0, 4), (True, True)),
    "positive integers": (domains.integers(-3, 2) & domains.positive, (1, 2), (True, True)),
}


def _signs_at_random_points(terms, ranges, rng, integers):
    """The signs of Σ c Π x at points of the box: its ends where they belong to it, and points in between."""
    choices = []
    for low, high, closed in ranges:
        ends = zip((low, high), closed, strict=True)
        near = [Fraction(v) for v, there in ends if v is not None and there]
        for _ in range(0 if integers else 5):
            share = Fraction(rng.randint(1, 99), 100)
            if low is not None and high is not None:
                near.append(low + (high - low) * share)
            else:
                step = Fraction(rng.choice([1, 3, 10, 10**6]), rng.choice([1, 7, 10**6]))
                near.append(low + step if low is not None else high - step)
        choices.append([*near, *map(Fraction, range(low, high + 1))] if integers else near)
    found = set()
    for point in product(*choices):
        value = sum(c * prod(v**k for v, k in zip(point, powers, strict=True)) for powers, c in terms)
        found.add((value > 0) - (value < 0))
    return found


def _shown(formula):
    return shown_bounds(Normaliser(()), as_array(formula).node).sign


ALLOWED = {"+": {1}, "-": {-1}, "0+": {0, 1}, "0-": {0, -1}, "0": {0}, "nonzero": {1, -1}}


@pytest.mark.parametrize("integers", [False, True])
def test_signs_of_affine_polynomials_hold_at_every_point_of_their_boxes(integers):
    rng = random.Random(5)
    kinds = [k for k in RANGES if ("integers" in k) == integers]
    shown = 0
    for _ in range(120):
        chosen = [RANGES[rng.choice(kinds)] for _ in range(rng.randint(1, 3))]
        leaves = [sd.array(f"x{i}", domain=domain) for i, (domain, _, _) in enumerate(chosen)]
        powers = list(product((0, 1), repeat=len(leaves)))
        terms = [(p, Fraction(rng.randint(-3, 3))) for p in rng.sample(powers, rng.randint(2, len(powers)))]
        formula = sum(int(c) * prod(x**k for x, k in zip(leaves, p, strict=True)) for p, c in terms)
        sign = _shown(formula)
        at = _signs_at_random_points(terms, [(*ends, closed) for _, ends, closed in chosen], rng, integers)
        assert at <= ALLOWED.get(sign, {-1, 0, 1}), (chosen, terms, sign)
        shown += sign in ALLOWED
    assert shown > 30


P, Q = sd.array("p", domain=RANGES["open"][0]), sd.array("q", domain=RANGES["open"][0])
C = sd.array("c", domain=sd.unit_interval)
A, B = sd.array("a", domain=sd.positive), sd.array("b", domain=sd.positive)
X = sd.array("x")


@pytest.mark.parametrize(
    ("formula", "sign"),
    [
        (A * P + B - B * P, "+"),
        (A * C + B - B * C, "+"),
        (P + Q - P * Q, "+"),
        (P + C - P * C, "+"),
        (C + 2 * C * P - C, "0+"),
        (P + C - P * C - 1, "0-"),
        (P * Q - P - Q + 1, "+"),
        (P * Q - P - Q, "-"),
        ((X - 1) ** 0.5 * A - B * (2 - X) ** 1.5 + 1, "unknown"),
        (P - Q, "unknown"),
        (1 - A / 10**6, "unknown"),
        (P + 1 - A * P / 10**6, "unknown"),
        (P + Q - 1, "unknown"),
        (A * C + B - 2 * B * C, "unknown"),
        (A * X + B - B * X, "unknown"),
        (1 / A - 1 / (A + B), "+"),
        (1 / (A + B) - 1 / A, "-"),
        (1 / A - 1 / (A + C), "0+"),
        (1 / A - 1 / B, "unknown"),
        (P / (P + A) - 1, "-"),
        (1 / (1 + A) + 1 / (1 + 1 / A) - 1, "0"),
        (1 / A - 1 / (A + X * X), "0+"),
        (1 / X - 1 / (X + B), "nonzero"),
        (1 / (X - B) - 1 / (X - P), "unknown"),
    ],
    ids=str,
)
def test_signs_by_ends_and_numerators(formula, sign):
    assert _shown(formula) == sign


a, b, c, x = sp.symbols("a b c x", positive=True)
APART = 1 / a - 1 / (a + b)
TOGETHER = b / (a * (a + b))
FUNCTIONS = [
    sp.exp,
    sp.tanh,
    sp.sin,
    sp.cos,
    sp.erf,
    sp.atan,
    sp.log,
    sp.sqrt,
    sp.cosh,
    lambda u: 1 / (1 + sp.exp(-u)),
    lambda u: sp.exp(-u) * sp.exp(x / (x + a)),
    lambda u: u ** sp.Rational(2, 3),
    lambda u: sp.sin(sp.exp(u)),
    lambda u: sp.exp(u * x) + sp.tanh(u + 1),
    lambda u: x**u,
    sp.Abs,
]


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: str(f(a)))
def test_functions_of_equal_quotients_are_equal(f):
    assert str(sd.check(f(APART), "==", f(TOGETHER)).status) == "proved"
    for other in (b / (a * (a + 2 * b)), b / (a * (a + b)) + sp.Rational(1, 10**12), b / (a + b)):
        wrong = sd.check(f(APART), "==", f(other))
        assert str(wrong.status) == "refuted", other


def test_odd_and_even_functions_keep_their_sign():
    for f in (sp.cos, sp.cosh, sp.Abs):
        assert str(sd.check(f(-APART), "==", f(TOGETHER)).status) == "proved"
    assert str(sd.check(sp.erf(-APART), "==", -sp.erf(TOGETHER)).status) == "proved"
    assert str(sd.check(sp.erf(-APART), "==", sp.erf(TOGETHER)).status) == "refuted"


def test_odd_functions_of_opposite_arguments_are_not_made_one():
    """Asked of the normal form itself: in a verdict the judge would refute them first."""
    one, other = 1 / A - 1 / (A + B), B / (A * (A + B))
    for f in (np.sin, np.arctan, erf):
        for left, right in ((one, -other), (-one, other)):
            assert decide_equal(f(left).node, (-f(right)).node).equal
            assert not decide_equal(f(left).node, f(right).node).equal


def test_products_of_exponentials_of_quotients():
    """The normal density of x times that of its mean: completing the square."""
    m = sp.Symbol("m", real=True)
    product_ = sp.exp(-((x - m) ** 2) / (2 * a)) * sp.exp(-(m**2) / (2 * b))
    square = sp.exp(-(x**2) / (2 * (a + b))) * sp.exp(-((m - b * x / (a + b)) ** 2) * (a + b) / (2 * a * b))
    assert str(sd.check(product_, "==", square).status) == "proved"
    mistaken = sp.exp(-(x**2) / (2 * (a + b))) * sp.exp(-((m - a * x / (a + b)) ** 2) * (a + b) / (2 * a * b))
    assert str(sd.check(product_, "==", mistaken).status) == "refuted"


n, m = sp.symbols("n m", integer=True, positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)


@pytest.mark.parametrize(
    "claim",
    [
        (n, ">=", 1),
        (n**2, ">=", n),
        (n * m, ">=", n),
        (2 * n, ">=", n + 1),
        (1 / n, "<=", 1),
        (sp.log(n), ">=", 0),
        (n / (n + 1), ">=", sp.Rational(1, 2)),
        (2**n, ">=", n + 1),
        (k + 1, ">=", 1),
        (n + k, ">", k),
    ],
    ids=str,
)
def test_integers_begin_at_their_first(claim):
    assert str(sd.check(*claim).status) == "proved"


@pytest.mark.parametrize(
    "claim",
    [(n, ">", 1), (n**2, ">", n), (k, ">=", 1), (n / (n + 1), ">", sp.Rational(1, 2)), (2**n, ">=", n**2)],
    ids=str,
)
def test_what_fails_at_the_first_integers_is_refuted(claim):
    assert str(sd.check(*claim).status) == "refuted"


@pytest.mark.parametrize(
    ("text", "given", "sign"),
    [
        ("log(x) - log(y)", ["x > y"], "+"),
        ("log(y/x)", ["x > y"], "-"),
        ("log(x/y)/2", ["x >= y"], "0+"),
        ("log(x) - log(y)", ["x != y"], "nonzero"),
        ("log(x) - log(y)", [], "unknown"),
        ("2*log(x) - log(y)", ["x > y"], "unknown"),
        ("log(x)", ["x > 1"], "+"),
        ("log(x)", ["x <= 1"], "0-"),
        ("log(1 + x)", [], "+"),
        ("log(x)", [], "unknown"),
        ("1/log(x/y)", ["x < y"], "-"),
    ],
)
def test_logarithms_have_the_signs_of_what_they_are_of(text, given, sign):
    scope = {name: sd.array(name, domain=sd.positive) for name in "xy"}
    relations = read_claim(text, ">=", "0", given=given, scope=scope).given
    assert shown_bounds(Normaliser(relations), sd.read(text, **scope).node).sign == sign
