"""Verdicts are values: ordered, never booleans, readable, and the same after a trip through JSON."""

import itertools
import json
from fractions import Fraction

import pytest

from symderive.judgement.verdicts import (
    Counterexample,
    CrossCheck,
    Evidence,
    Status,
    Verdict,
    decimal_text,
    weakest,
)

ORDER = [Status.refuted, Status.undecided, Status.checked, Status.certified, Status.proved]

FOUND = Counterexample(
    sizes={"n": 2, "d": 1},
    values={"X": ((Fraction(1), Fraction(-1, 3)),), "c": Fraction(10**12, 7)},
    lhs="1/2",
    rhs="undefined (log of 0)",
    lhs_value=0.5,
    entry=(1, 0),
    note="both dimensions matter",
)
CHECK = CrossCheck(False, "w", (1,), -16.4, -8.2, 0.5, 8.2, 1e-3, 1e-12, 2, 0, 2)
FULL = Verdict(
    "refuted",
    "x == y",
    reason="the claim is wrong",
    counterexample=FOUND,
    hint="off by the factor 2",
    evidence=Evidence("ball arithmetic", ({"n": 2},), 5, 90, 0, 1, 2, 3, 4, ("a note",)),
    cross_check=CHECK,
    conditions=("x > 0",),
    parts=(Verdict("checked", "a"), Verdict("undecided", "b", reason="why not")),
)


def test_statuses_are_ordered_by_strength():
    for (i, a), (j, b) in itertools.product(enumerate(ORDER), repeat=2):
        assert (a < b, a <= b, a > b, a >= b, a == b) == (i < j, i <= j, i > j, i >= j, i == j)
    assert [s.strength for s in ORDER] == [0, 1, 2, 3, 4]
    assert sorted([ORDER[i] for i in (3, 1, 4, 0, 2)]) == ORDER
    assert Status("proved") == "proved"


def test_upheld_are_the_first_three():
    assert [s.value for s in ORDER if Verdict(s, "").upheld] == ["checked", "certified", "proved"]


@pytest.mark.parametrize(("status", "bar"), list(itertools.product(ORDER, repeat=2)))
def test_require(status, bar):
    verdict = Verdict(status, "a claim", reason="a reason")
    if status.strength >= bar.strength:
        assert verdict.require(bar.value) is verdict
    else:
        with pytest.raises(AssertionError, match=f"required {bar.value}(.|\n)*a claim(.|\n)*a reason"):
            verdict.require(bar.value)


def test_the_bar_is_proved_and_must_exist():
    with pytest.raises(AssertionError):
        Verdict("checked", "c").require()
    with pytest.raises(ValueError):
        Verdict("proved", "c").require("true")
    with pytest.raises(ValueError):
        Verdict("probably", "c")


def test_a_verdict_is_no_boolean():
    for status in ORDER:
        with pytest.raises(TypeError, match=r"\.upheld"):
            bool(Verdict(status, "c"))


def test_the_weakest():
    assert weakest([]) is Status.proved
    assert weakest([Verdict("proved", ""), "checked", Status.certified]) is Status.checked
    assert weakest([Verdict("undecided", ""), Verdict("refuted", "")]) is Status.refuted


def test_the_report_says_everything():
    text = str(FULL)
    for piece in (
        "refuted: x == y",
        "the claim is wrong",
        "given x > 0",
        "n = 2, d = 1, X = [[1, -1/3]], c = 1.42857e+11",
        "left side in entry [1, 0]: 1/2",
        "right side in entry [1, 0]: undefined (log of 0)",
        "hint: off by the factor 2",
        "5 points, 90 bits, sizes (n=2)",
        "worst w[1]: claimed -16.4, finite difference -8.2",
        "1 checked, 1 undecided",
        "why not",
    ):
        assert piece in text, piece


def test_json_round_trip():
    data = json.loads(json.dumps(FULL.as_dict(), allow_nan=False))
    assert Verdict.from_dict(data) == FULL
    assert data["status"] == "refuted"
    assert data["counterexample"]["values"]["X"] == [["1", "-1/3"]]
    odd = CrossCheck(False, "w", None, float("nan"), 1.0, float("inf"), 1.0, 0.1, 0.1, 1)
    back = CrossCheck.from_dict(json.loads(json.dumps(odd.as_dict(), allow_nan=False)))
    assert back.claimed != back.claimed
    assert back.relative_error == float("inf")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(3), "3"),
        (Fraction(-3, 2), "-3/2"),
        (Fraction(1, 10**9), "1e-09"),
        (Fraction(10**400), "1e+400"),
        (-Fraction(10**400), "-1e+400"),
        (2.0, "2"),
        (0.1, "0.1"),
        ("sqrt(2)", "sqrt(2)"),
    ],
)
def test_numbers_are_short(value, text):
    assert decimal_text(value) == text
