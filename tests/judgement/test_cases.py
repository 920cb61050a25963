"""A finite domain is covered case by case, and then the verdict is certified."""

import pytest
import sympy

import symderive as sd
from symderive.judgement.cases import every_case
from symderive.judgement.judge import judge_relation
from symderive.language.statements import Relation

k = sd.array("k", domain=sd.integers(-3, 3))
y = sd.array("y", 3, domain=sd.labels(-1, 1))
x = sd.array("x")


def status(lhs, op, rhs, **options):
    return judge_relation(Relation(sd.Array(lhs.node).node, op, (rhs + 0 * k).node), **options).status


@pytest.mark.parametrize(
    ("lhs", "op", "rhs", "expected"),
    [
        (k * (k - 1), ">=", k * 0, "certified"),
        (k * (k - 1), ">", k * 0 - 1, "certified"),
        (k**2, "<=", k * 0 + 9, "certified"),
        (k**3 - k, "==", k * (k - 1) * (k + 1), "certified"),
        (k**2, "<=", k * 0 + 8, "refuted"),
        (k**4, "==", k**2, "refuted"),
    ],
)
def test_every_case_of_an_integer(lhs, op, rhs, expected):
    verdict = judge_relation(Relation(lhs.node, op, rhs.node))
    assert verdict.status == expected, str(verdict)
    if expected == "certified":
        assert verdict.evidence.points == 7
        assert "7 cases" in verdict.reason


def test_every_case_of_an_array_of_labels():
    points = list(every_case(y.node.leaves(), [y.node]))
    assert len(points) == 8
    assert len({tuple(p.values[y.node]) for p in points}) == 8


@pytest.mark.parametrize(
    "lhs",
    [x * k, sd.array("t", "n", domain=sd.labels(0, 1)), sd.array("m", domain=sd.integers(0, sympy.oo)),
     sd.array("p", 4, domain=sd.one_hot), sd.array("u", 20, domain=sd.labels(0, 1)), k / sd.dims("n")],
)
def test_what_cannot_be_covered_is_sampled(lhs):
    assert every_case(lhs.node.leaves(), [lhs.node]) is None


def test_an_equality_of_balls_is_no_certificate():
    b = sd.array("b", domain=sd.labels(2, 3))
    product = sd.check("log(b*2)", "==", "log(b) + log(2)", domains={"b": sd.labels(2, 3)})
    assert product.status == "proved"
    assert judge_relation(Relation((b**0.5 * b**0.5 + 0 * b).node, "==", b.node)).status == "checked"


def test_assumptions_are_not_covered():
    assert sd.check("k", ">", "0", domains={"k": sd.integers(-3, 3)}, given=["k > 1"]).upheld
