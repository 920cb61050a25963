"""Claims about integers: remainders, floors, powers of negative numbers, gaps between roots."""

import random
import re

import pytest
import sympy as sp

import symderive as sd
from symderive.calculus.normal_form import decide_equal
from symderive.checking.sides import read_claim
from symderive.derivation.inequalities import find_trace

i, j = sp.symbols("i j", integer=True)
n = sp.Symbol("n", integer=True, positive=True)
Mod, Abs, floor, sqrt = sp.Mod, sp.Abs, sp.floor, sp.sqrt
HALF = sp.Rational(1, 2)


def power(base, exponent):
    return sp.Pow(base, exponent, evaluate=False)


TRUE = [
    (i**2, ">=", i),
    (i**4, ">=", i**2),
    ((i - 3) * (i - 4), ">=", 0),
    (4 * i**2 - 4 * i, ">=", 0),
    (i**2 + j**2, ">=", i * j),
    (Mod(i, 3), "<=", 2),
    (Mod(i**2, 8), "<=", 4),
    (Mod(i, 4) * Mod(j, 4), "<=", 9),
    (Mod(i, 2) + Mod(j, 2), ">=", Mod(i + j, 2)),
    (Mod(i, 2) * n, "<=", n),
    (floor(n / 2), "<=", n / 2),
    (floor(n / 2), ">=", (n - 1) / 2),
    (power((-1) ** i, 2), "==", 1),
    ((-1) ** (i + 1), "==", -((-1) ** i)),
    ((-1) ** (i**2), "==", (-1) ** i),
    ((-1) ** i * (-1) ** j, "==", (-1) ** (i - j)),
    ((-2) ** i, "==", (-1) ** i * 2**i),
    (Abs(power(-3, i)), "==", 3**i),
    (sqrt(power(-2, 2 * n)), "==", 2**n),
]

FALSE = [
    (i**2, ">", i),
    (i**3, ">=", i),
    ((i - 3) * (i - 5), ">=", 0),
    (i**2, ">=", i * j),
    (Mod(i, 3), "<", 2),
    (Mod(i**2, 8), "<=", 3),
    (Mod(i, 4) * Mod(j, 4), "<", 9),
    (Mod(i, 2) + Mod(j, 2), "<=", Mod(i + j, 2)),
    (floor(n / 2), "<", n / 2),
    (floor(n / 2), ">", (n - 1) / 2),
    ((-1) ** i, "==", 1),
    ((-1) ** (i + 1), "==", (-1) ** i),
    ((-1) ** i * (-1) ** j, "==", (-1) ** (i * j)),
    ((-2) ** i, "==", 2**i),
    (sqrt(power(-2, 2 * n)), "==", (-2) ** n),
    ((-3) ** i, ">", 0),
]


@pytest.mark.parametrize("claim", TRUE, ids=str)
def test_true_claims_are_proved(claim):
    assert str(sd.check(*claim).status) == "proved"


@pytest.mark.parametrize("claim", FALSE, ids=str)
def test_false_claims_are_refuted(claim):
    assert str(sd.check(*claim).status) == "refuted"


@pytest.mark.parametrize("claim", [c for c in FALSE if c[1] != "=="], ids=str)
def test_false_inequalities_have_no_proof(claim):
    """The judge is asked first; the search for proofs must not find one even where it is not."""
    made = read_claim(*claim)
    assert find_trace(made.relation, made.given) is None


@pytest.mark.parametrize(
    ("claim", "given"),
    [
        ("n == 2*n_quotient + mod(n, 2)", []),
        ("mod(n, 2) == n - 6", ["n_quotient == 3"]),
        ("mod(n, 2) >= n - 5", ["n_quotient == 3"]),
        ("floor(n/3) + floor(m/2) == n_quotient + m_quotient", []),
    ],
)
def test_quotients_are_no_variables_of_the_claim(claim, given):
    """However the claim's own variables are called: as the quotients of residue classes, and one of them given."""
    names = {m.group() for text in (claim, *given) for m in re.finditer(r"\b[mn](_quotient)?\b", text)}
    domains = dict.fromkeys(names, sd.integers(-sp.oo, sp.oo))
    made = read_claim(claim, None, None, domains=domains, given=given)
    if made.relation.op == "==":
        assert not decide_equal(made.relation.lhs, made.relation.rhs, made.given).equal
    else:
        assert find_trace(made.relation, made.given) is None
    assert str(sd.check(claim, domains=domains, given=given).status) == "refuted"


def test_a_power_by_an_integer_needs_its_base():
    """(-2)**m is defined for every integer m, x**m not at x = 0."""
    x, m = sd.array("x"), sd.array("m", domain=sd.integers(-5, 5))
    found = decide_equal((x**m + 1).node, (1 + x**m).node)
    assert found.conditions
    assert str(sd.check(x**m, "==", x**m * 1).status) == "undecided"  # both sides are undefined at 0


def test_bounds_of_remainders_are_those_of_all_cases():
    """The most and the least that a combination of remainders can be, by trying every residue."""
    rng = random.Random(11)
    for _ in range(12):
        modulus = rng.choice([2, 3, 4, 5, 6])
        inner = rng.randint(1, 3) * i**2 + rng.randint(-3, 3) * i + rng.randint(0, 4)
        formula = rng.choice([1, 2, -1]) * Mod(inner, modulus) + rng.choice([0, 1, -2]) * Mod(i, 2)
        values = [formula.subs(i, v) for v in range(-30, 31)]
        low, high = min(values), max(values)
        for claim in ((formula, "<=", high), (formula, ">=", low)):
            assert str(sd.check(*claim).status) == "proved", claim
        for claim in ((formula, "<=", high - HALF), (formula, ">=", low + HALF), (formula, "<", high)):
            assert str(sd.check(*claim).status) == "refuted", claim
