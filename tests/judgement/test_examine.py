"""One point at a time: what counts as agreement, and what never does."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from symderive.judgement.balls import Kink, LogPole, Undefined, Unknown, evaluate
from symderive.judgement.examine import HOLDS, Outcome, Point, Statement, _compare, examine
from symderive.judgement.instances import Instance
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Status
from symderive.language.arrays import array, as_array, dims
from symderive.language.domains import interval
from symderive.language.statements import Relation

HERE = Point(Instance({}, {}), {})


def statement(sides, op="==", **options):
    """A statement whose sides at the current precision are given by a function."""

    def arrays(evaluator, point):
        out = []
        for side in sides():
            a = np.empty((), object)
            a[()] = side
            out.append(a)
        return tuple(out)

    return Statement((), op, "a claim", 1, arrays, **options)


def outcome(sides, op="==", **options):
    return examine(statement(sides, op, **options), HERE, 128)


NOT_FINITE = [arb("nan"), arb("inf"), arb("-inf"), arb(0, "inf")]


@pytest.mark.parametrize(("op", "bad"), list(product([*HOLDS, "defined"], NOT_FINITE)))
def test_what_is_not_finite_decides_nothing(op, bad):
    assert _compare(bad, bad, op)[0] == "unknown"
    assert outcome(lambda: (bad, bad), op).kind == "unresolved"
    if op != "defined":
        for other in (arb(1), fmpq(0)):
            assert _compare(bad, other, op)[0] == "unknown"
            assert _compare(other, bad, op)[0] == "unknown"


@pytest.mark.parametrize("op", HOLDS)
@pytest.mark.parametrize("wide", [(arb(0, 1), arb(0)), (arb(1, 1), arb(1.5)), (arb(5, 10), arb(5, 10))])
def test_wide_balls_that_overlap_do_not_agree(op, wide):
    assert _compare(*wide, op)[0] == "open"
    assert outcome(lambda: wide, op).kind == "unresolved"


def test_a_difference_has_to_shrink_with_the_precision():
    def shrinking():
        return arb(0, arb(2) ** (-ctx.prec)), fmpq(0)

    def halfway():
        return arb(0, arb(2) ** (-ctx.prec // 2)), fmpq(0)

    def stuck():
        return arb(0, arb(2) ** -500), fmpq(0)

    assert outcome(shrinking).kind == "agrees"
    assert outcome(shrinking).bits >= 80
    assert outcome(halfway).kind == "unresolved"
    assert outcome(stuck).kind == "unresolved"
    assert outcome(shrinking, "<=").kind == "agrees"
    assert outcome(shrinking, "<").kind == "tie"
    assert outcome(shrinking, "!=").kind == "tie"


def test_agreement_states_its_bits():
    third = lambda: (arb(1) / 3, arb(2) / 6)  # noqa: E731
    agreed = outcome(third)
    assert agreed.kind == "agrees"
    assert 100 <= agreed.bits <= 128
    assert outcome(lambda: (fmpq(1, 3), fmpq(2, 6))) == Outcome("agrees")


def test_more_bits_tell_apart_what_few_cannot():
    def near():
        return arb(1) + arb(2) ** -900, arb(1) + arb(0, arb(2) ** -ctx.prec)

    assert outcome(near, "!=").kind == "agrees"
    assert outcome(near, ">").kind == "agrees"
    assert outcome(near, "<=").kind == "differs"


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (Undefined("a"), fmpq(1), "undefined_left"),
        (arb(1), Undefined("a"), "undefined_right"),
        (LogPole("a"), fmpq(1), "undefined_left"),
        (Undefined("a"), LogPole("b"), "both_undefined"),
        (Unknown("a"), fmpq(1), "unresolved"),
        (Undefined("a"), Unknown("b"), "half_undefined"),
        (Kink("a"), fmpq(1), "skipped"),
        (Undefined("b"), Kink("a"), "skipped"),
    ],
)
def test_holes_are_told_apart(left, right, kind):
    found = outcome(lambda: (left, right))
    assert found.kind == kind
    assert found.reason in ("a", "b")


def test_a_derivative_says_nothing_where_there_is_no_function():
    assert outcome(lambda: (Undefined("a"), fmpq(1)), skip_undefined_left=True).kind == "skipped"
    assert outcome(lambda: (Undefined("a"), Undefined("b")), skip_undefined_left=True).kind == "skipped"
    assert outcome(lambda: (fmpq(1), Undefined("b")), skip_undefined_left=True).kind == "undefined_right"


def test_exact_sides_are_compared_exactly():
    tiny = fmpq(1, 10**400)
    assert outcome(lambda: (fmpq(1), fmpq(1) + tiny)).kind == "differs"
    assert outcome(lambda: (fmpq(1), fmpq(1) + tiny), "<").kind == "agrees"
    assert outcome(lambda: (fmpq(1), fmpq(1)), "<").kind == "differs"


def test_mostly_unresolved_is_undecided():
    x = array("x")
    tower = np.exp(np.exp(np.exp(np.exp(x**2))))
    verdict = judge_relation(Relation((2 * tower - tower).node, "==", tower.node))
    assert verdict.status is Status.undecided
    assert verdict.evidence.unresolved > verdict.evidence.points > 0
    assert "could not be decided" in verdict.reason


def test_shrinking_stays_in_the_domain_and_in_what_is_given():
    inside = array("inside", domain=interval(2, 3))
    found = judge_relation(Relation(inside.node, "==", as_array(1).node)).counterexample
    assert 2 < found.values["inside"] < 3
    x = array("x")
    beyond = Relation(x.node, ">", as_array(7).node)
    found = judge_relation(Relation(x.node, "<", as_array(3).node), given=[beyond]).counterexample
    assert found.values["x"] > 7


def test_entries_that_do_not_move_are_constant():
    n = dims("n")
    v = array("v", n)
    at = Instance({n.node.value: 2}, {v.node: np.array([Fraction(1), Fraction(0)], dtype=object)})
    along = {v.node: np.array([Fraction(1), Fraction(0)], dtype=object)}
    first, second = evaluate(np.abs(v).node, at, 128, along, 1)
    assert first == 1
    assert second == 0, "|0| is no kink along a direction that leaves it at 0"
