"""Inequalities that are proved or covered, perturbed: what is false by 1e-12, or by a condition, is neither.

Whether a perturbed claim is false is known from where its sides touch, or seen in floating point (NumPy) at points
of its domain; the provers are asked without the judge, who would refute most of these by himself.
"""

import random
import re

import numpy as np
import pytest
from scipy.special import expit

import symderive as sd
from symderive.checking.sides import read_claim
from symderive.derivation.inequalities import find_trace
from symderive.derivation.sign_search import find_argument
from symderive.judgement.covers import Cover, cover
from symderive.language import build
from symderive.language.nodes import ONE

NUMPY = {name: getattr(np, name) for name in ("log", "exp", "sqrt", "tanh", "sin", "cos", "abs", "maximum", "minimum")}
NUMPY |= {"expit": expit, "pi": np.pi}

OPEN, UNIT, POSITIVE, NONNEGATIVE = sd.interval(0, 1), sd.unit_interval, sd.positive, sd.nonnegative
KL = "p*log(p/q) + (1-p)*log((1-p)/(1-q))"
H = "-p*log(p) - (1-p)*log(1-p)"

#: The greater side, the smaller one, domains and what is given; the sides touch inside the domain.
TOUCHING = [
    (KL, "0", {"p": OPEN, "q": OPEN}, []),
    (KL, "2*(p-q)**2", {"p": OPEN, "q": OPEN}, []),
    ("(p-q)**2/(q*(1-q))", KL, {"p": OPEN, "q": OPEN}, []),
    (KL, "(sqrt(p)-sqrt(q))**2 + (sqrt(1-p)-sqrt(1-q))**2", {"p": OPEN, "q": OPEN}, []),
    (H, "4*log(2)*p*(1-p)", {"p": UNIT}, []),
    ("log(2)", H, {"p": UNIT}, []),
    ("x*log(x)", "x - 1", {"x": NONNEGATIVE}, []),
    ("log(w*x + (1-w)*y)", "w*log(x) + (1-w)*log(y)", {"w": UNIT, "x": POSITIVE, "y": POSITIVE}, []),
    ("x - y", "sqrt(x*y)*(log(x) - log(y))", {"x": POSITIVE, "y": POSITIVE}, ["x >= y"]),
    ("abs(x - y)", "abs(tanh(x) - tanh(y))", {}, []),
    ("a*x + b*y", "a*y + b*x", {}, ["a >= b", "x >= y"]),
    ("(1+x)**r", "1 + r*x", {"x": sd.interval(-1, np.inf), "r": sd.interval(1, np.inf, closed="left")}, []),
    ("exp(-x)", "1 - x", {"x": sd.interval(-1, 1, closed="both")}, []),
]
IDS = [f"{big} >= {small}" for big, small, *_ in TOUCHING]


def shown(big, op, small, domains, given, seconds=0.25):
    """Whether calculus or a cover shows a claim."""
    claim = read_claim(big, op, small, domains=domains, given=given)
    relation = claim.relation
    goal = build.add([(ONE, relation.lhs), (-ONE, relation.rhs)], ())
    argument = find_argument(goal, claim.given, op == ">", seconds=seconds)
    return argument is not None or isinstance(cover(relation, claim.given), Cover)


def violated(big, small, domains, given):
    """Whether the claim fails, or a side is undefined, at a random point of the domain where what is given holds."""
    names = sorted(set(re.findall(r"\b[a-z]\b", " ".join((big, small, *given)))))
    rng = np.random.default_rng(3)
    points = {}
    for name in names:
        entries = domains[name].entries if name in domains else sd.real.entries
        low, high = max(float(entries.low), -3.0), min(float(entries.high), 5.0)
        points[name] = low + (high - low) * rng.uniform(0.001, 0.999, 4000)
    with np.errstate(all="ignore"):
        at = {**NUMPY, **points}
        kept = np.ones(4000, bool)
        for relation in given:
            kept &= eval(relation, {"__builtins__": {}}, at)
        gap = np.broadcast_to(eval(f"({big}) - ({small})", {"__builtins__": {}}, at), (4000,))[kept]
    return bool(np.any(~np.isfinite(gap) | (gap < -1e-9)))


@pytest.mark.parametrize(("big", "small", "domains", "given"), TOUCHING, ids=IDS)
def test_a_touching_claim_is_lost_with_what_makes_it_false(big, small, domains, given):
    assert shown(big, ">=", small, domains, given, seconds=20)
    assert not violated(big, small, domains, given)
    assert not shown(big, ">=", f"{small} + 1e-12", domains, given)
    assert not shown(big, ">", small, domains, given)


def without_one(domains, given):
    """The same with one domain, or one relation, left out."""
    for name in domains:
        yield {k: v for k, v in domains.items() if k != name}, given
    for k in range(len(given)):
        yield domains, given[:k] + given[k + 1 :]


@pytest.mark.parametrize(("big", "small", "domains", "given"), TOUCHING, ids=IDS)
def test_a_condition_that_is_needed_is_needed_by_the_proof(big, small, domains, given):
    """Where NumPy sees a violation without a condition, there is no proof; and no verdict either."""
    for some, rest in without_one(domains, given):
        if violated(big, small, some, rest):
            claim = read_claim(big, ">=", small, domains=some, given=rest)
            assert find_trace(claim.relation, claim.given) is None, (some, rest)
            assert isinstance(cover(claim.relation, claim.given), str), (some, rest)


@pytest.mark.parametrize("seed", range(4))
def test_scaled_constants(seed):
    """A number of the claim scaled: where NumPy sees that it fails, it is not shown."""
    rng = random.Random(seed)
    seen = 0
    for big, small, domains, given in rng.sample(TOUCHING, 5):
        side = rng.choice([big, small])
        places = [m for m in re.finditer(r"(?<![\w.*])\d+(?![\w.])", side) if m.group() != "0"]
        if not places:
            continue
        place = rng.choice(places)
        number = f"{float(place.group()) * rng.choice([0.9, 0.99, 1.01, 1.1]):.6g}"
        other = side[: place.start()] + number + side[place.end() :]
        claimed = (other, small) if side is big else (big, other)
        if violated(*claimed, domains, given):
            seen += 1
            assert not shown(claimed[0], ">=", claimed[1], domains, given), claimed
    assert seen
