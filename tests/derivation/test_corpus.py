"""Every loss of the corpus and of the families: numbers, form, text and verdict.

The oracle is NumPy: the printed gradient is run as plain NumPy and compared with
finite differences of the loss run as plain NumPy, at sizes that are 1 in turn.
"""

import re
import statistics
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from derivation.corpus import ROWS
from derivation.families import FAMILIES
from derivation.oracle import SETTINGS, declared, dimensions, finite_difference, run_text, sample

import symderive as sd
from symderive.language.reading import read_text
from symderive.language.views.lift import lift_array


class Case(NamedTuple):
    name: str
    loss: str
    shapes: dict
    gradients: dict
    domains: dict


CASES = [Case(row.name, row.loss, row.shapes, row.gradients, row.domains) for row in ROWS]
CASES += [
    Case(f"{family.name} {k}", loss, family.shapes, family.gradients, family.domains)
    for family in FAMILIES
    for k, loss in enumerate(family.spellings)
]
IDS = [case.name.replace(" ", "_") for case in CASES]

NOT_PROVED: dict[str, str] = {
    "logistic 0/1 17": "max(0, z) + softplus(-|z|) = softplus(z) has no proof yet",
    "softmax 7": "the selection by a one-hot row under a logarithm has no proof yet",
}
"""Gradients whose derivation is only checked, and why."""

LONG: dict[str, str] = {
}
"""Spellings whose gradient comes out longer than 1.3 times the textbook's, and why."""


@cache
def derived(position: int) -> sd.Derivation:
    case = CASES[position]
    loss = sd.read(case.loss, **declared(case.shapes, case.domains))
    return sd.gradient(loss, list(case.gradients))


def point(case, sizes, seed=3):
    values = sample(case.shapes, case.domains, sizes, seed)
    if case.name.startswith("barrier"):
        values["b"] = np.abs(values["A"] @ values["x"]) + 1 + np.abs(values["b"])
    return values


def textbook(case, name):
    return read_text(case.gradients[name], {**declared(case.shapes, case.domains), **dimensions(case.shapes)})


@pytest.mark.parametrize("position", range(len(CASES)), ids=IDS)
def test_the_printed_gradient_run_by_numpy_is_the_finite_difference(position):
    case = CASES[position]
    for name, result in derived(position).result.items():
        scope = {**declared(case.shapes, case.domains), **dimensions(case.shapes)}
        text = str(result)
        again = str(read_text(text, scope))
        for sizes in SETTINGS:
            values = point(case, sizes)
            expected = finite_difference(lambda v: run_text(case.loss, v), values, name)
            got = run_text(text, values)
            assert np.shape(got) == np.shape(expected), text
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7, err_msg=text)
            np.testing.assert_allclose(run_text(again, values), got, rtol=1e-9, atol=1e-12, err_msg=again)
            np.testing.assert_allclose(run_text(case.gradients[name], values), got, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("position", range(len(CASES)), ids=IDS)
def test_the_form_is_at_most_a_third_longer_than_the_textbook(position):
    case = CASES[position]
    for name, result in derived(position).result.items():
        text = str(result)
        ratio = lift_array(result).count() / lift_array(textbook(case, name)).count()
        assert (ratio > 1.3) == (case.name in LONG), f"{text}: {LONG.get(case.name, 'too long')}"
        assert "einsum" not in text, text
        assert not re.search(r"\* 1\b|--|\+ -|- -|\b1 \* ", text), text


def test_half_of_the_forms_are_as_short_as_the_textbook():
    ratios = [
        lift_array(result).count() / lift_array(textbook(case, name)).count()
        for position, case in enumerate(CASES)
        for name, result in derived(position).result.items()
    ]
    assert statistics.median(ratios) <= 1.0


@pytest.mark.parametrize("position", range(len(CASES)), ids=IDS)
def test_every_line_is_proved_and_the_judge_agrees_on_the_whole(position):
    case = CASES[position]
    verdict = derived(position).verdict
    assert verdict.end_to_end.status == "checked"
    assert verdict.status == ("checked" if case.name in NOT_PROVED else "proved"), verdict


@pytest.mark.parametrize("position", range(0, len(CASES), 3), ids=IDS[::3])
def test_replaying_the_steps_gives_the_result(position):
    derivation = derived(position)
    replayed = derivation.replay()
    for name, result in derivation.result.items():
        assert replayed[name].node is result.node
