from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

import symderive as sd
from symderive.calculus.normal_form import Equality
from symderive.derivation import proofs
from symderive.derivation.checker import replay
from symderive.derivation.proofs import LEMMAS, Lemma, lemma, prove_equal
from symderive.errors import JudgementConflictError, UnknownNameError
from symderive.judgement.judge import judge_relation
from symderive.language import build
from symderive.language.arrays import Array, array, as_array
from symderive.language.nodes import ONE, Differential, Number
from symderive.language.statements import Relation

n, k = sd.dims("n k")
x, b = sd.array("x", n), sd.array("b")
p = sd.array("p", k, domain=sd.simplex)
q = sd.array("q", k, domain=sd.simplex & sd.positive)


def test_proved_with_a_trace_that_replays():
    verdict = prove_equal((-np.sum(p * np.log(q))).node, (np.sum(p * np.log(p / q)) - np.sum(p * np.log(p))).node)
    assert verdict.status == "proved"
    assert replay(verdict.trace).ok
    assert json.dumps(verdict.trace[0].as_dict())
    assert "normal form" in str(verdict)


def test_refuted_and_undecided_come_from_the_judge():
    assert prove_equal((2 * x).node, (3 * x).node).status == "refuted"
    assert prove_equal((x / x).node, sd.ones(n).node).status == "refuted"
    both = prove_equal((x / x).node, (x**2 / x**2).node)
    assert both.status == "undecided"
    assert "undefined" in both.reason


def test_a_condition_has_to_be_given():
    given = (Relation(x.node, ">", as_array(0).node),)
    proved = prove_equal(np.log(x**2).node, (2 * np.log(x)).node, given=given)
    assert proved.status == "proved"
    assert replay(proved.trace, given).ok
    assert not replay(proved.trace).ok
    assert prove_equal(np.log(x**2).node, (2 * np.log(x)).node).status == "refuted"


def test_a_conflict_with_the_judge_is_raised(monkeypatch):
    monkeypatch.setattr(proofs, "decide_equal", lambda *_: Equality(True))
    with pytest.raises(JudgementConflictError, match="bug"):
        prove_equal((2 * x).node, (3 * x).node)


def test_differentials_are_proved_under_the_conditions_of_the_kinks():
    dx = Array(Differential(x.node))
    lhs, rhs = Differential(np.sum(np.abs(x)).node), (np.sign(x) @ dx).node
    verdict = prove_equal(lhs, rhs, changing=(x.node,))
    assert verdict.status == "proved"
    assert [str(c) for c in verdict.conditions] == ["x != 0"]
    assert replay(verdict.trace, changing=(x.node,)).ok
    dropped = tuple(replace(line, conditions=()) for line in verdict.trace)
    assert not replay(dropped, changing=(x.node,)).ok


def test_a_perturbed_or_broken_trace_does_not_replay():
    verdict = prove_equal((expit(x) * expit(-x)).node, (expit(x) - expit(x) ** 2).node)
    line = verdict.trace[0]
    nudged = build.scale(1 + ONE / 10**12, line.after)
    assert not replay((replace(line, after=nudged),)).ok
    assert not replay((replace(line, rule="because"),)).ok
    assert not replay((line, line)).ok
    assert not replay(()).ok


@pytest.mark.parametrize("row", LEMMAS.values(), ids=list(LEMMAS))
def test_each_lemma_holds_at_points_and_fails_when_its_sides_are_exchanged(row: Lemma):
    domains = {"t": sd.positive, "x": sd.nonnegative, "y": sd.positive, "u": sd.nonnegative, "r": sd.real}
    if row.name == "|x| >= x":
        domains["x"] = sd.real
    if row.strict:
        domains["u"] = sd.positive
    arguments = [array(name, domain=domains[name]).node for name in row.arguments]
    big, small = row.sides(arguments)
    held = [Relation(arguments[0], "!=", Number(ONE))] if "t != 1" in row.requires else []
    assert judge_relation(Relation(big, ">" if row.strict else ">=", small), given=held).status == "checked"
    assert judge_relation(Relation(big, "<", small), given=held).status != "checked"
    if held:
        assert judge_relation(Relation(big, ">", small)).status == "refuted"


def test_an_unknown_lemma():
    with pytest.raises(UnknownNameError, match="rows are"):
        lemma("wishful thinking")


def test_a_proof_needs_two_settings_of_the_dimensions():
    verdict = prove_equal(np.sum(x).node, np.sum(x).node)
    assert verdict.status == "proved"
    assert verdict.evidence is not None
    assert len({tuple(s.items()) for s in verdict.evidence.sizes}) >= 2
    assert prove_equal((b + b).node, (2 * b).node).status == "proved"
