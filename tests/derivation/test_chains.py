"""Authored lines: is it true, and do the cited rules reach it: two answers."""

import numpy as np
import pytest
from scipy.special import expit

import symderive as sd
from symderive.errors import ShapeError, UnknownNameError, UnsupportedError

z = sd.array("z")


def test_a_true_line_with_the_right_reason_passes_both():
    chain = sd.chain(1 - expit(z)).to(expit(-z), by="sigmoid")
    assert chain.verdict.status == "proved"
    assert chain.reached.status == "proved"


def test_a_true_line_with_the_wrong_reason_fails_only_the_second():
    chain = sd.chain(1 - expit(z)).to(expit(-z), by="algebra")
    assert chain.verdict.status == "proved"
    assert chain.reached.status == "undecided"
    assert "algebra" in chain.reached.reason


@pytest.mark.parametrize("rule", ["algebra", "sigmoid", "definition", ("algebra", "sigmoid")])
def test_a_false_line_is_refuted_whatever_it_cites(rule):
    chain = sd.chain(1 - expit(z)).to(expit(z), by=rule)
    assert chain.verdict.status == "refuted"
    assert chain.verdict.counterexample is not None
    assert not chain.reached.upheld


def test_a_derivative_by_hand():
    u = sd.array("u")
    chain = (
        sd.chain(sd.D(np.log1p(np.exp(u)), u))
        .to(np.exp(u) / (1 + np.exp(u)), by="chain rule")
        .to(expit(u), by="sigmoid")
    )
    assert chain.verdict.status == "proved"
    assert chain.reached.status == "proved"
    assert str(chain.result) == "expit(u)"
    wrong = sd.chain(sd.D(np.log1p(np.exp(u)), u)).to(expit(-u), by="chain rule")
    assert wrong.verdict.status == "refuted"


def test_the_weakest_line_decides():
    chain = sd.chain(z**2 - 1).to((z - 1) * (z + 1), by="algebra").to((z - 1) ** 2, by="algebra")
    assert [link.verdict.status.value for link in chain.steps] == ["proved", "refuted"]
    assert chain.verdict.status == "refuted"


def test_a_cancelled_condition_is_not_proved_away():
    assert sd.chain(z / z).to(z**0 * 1, by="algebra").verdict.status != "proved"
    assert sd.chain(np.log(z**2)).to(2 * np.log(z), by="logarithm").verdict.status == "refuted"
    assert sd.chain(np.sqrt(z**2)).to(z, by="algebra").verdict.status == "refuted"


def test_arrays_and_given_relations():
    n = sd.dims("n")
    x, y = sd.array("x", n), sd.array("y", n, domain=sd.labels(-1, 1))
    assert sd.chain(np.sum((1 - y * x) ** 2)).to(np.sum((x - y) ** 2), by="assumption").verdict.status == "proved"
    assert sd.chain(np.sum((x - y) @ (x - y))).to(x @ x - 2 * x @ y + n, by="assumption").verdict.status == "proved"


def test_a_chain_is_a_value():
    start = sd.chain(z + z)
    longer = start.to(2 * z, by="algebra")
    assert start.links == ()
    assert len(longer.links) == 1
    assert start.result.node is (z + z).node


def test_what_cannot_be_a_line_says_so():
    n, m = sd.dims("n m")
    x, y = sd.array("x", n), sd.array("y", m)
    with pytest.raises(UnknownNameError, match="sigmoid"):
        sd.chain(z).to(z, by="sigmoit")
    with pytest.raises(ShapeError):
        sd.chain(x).to(y, by="algebra")
    with pytest.raises(ShapeError):
        sd.D(np.sum(x), x)
    with pytest.raises(UnknownNameError):
        sd.D(x**2, x**2)
    with pytest.raises(UnsupportedError):
        sd.chain(z).to(sd.D(z**2, z), by="chain rule")
    with pytest.raises(UnsupportedError):
        _ = sd.chain(sd.D(z**2, z)).result
