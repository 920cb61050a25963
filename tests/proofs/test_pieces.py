"""Pieces of a domain: its ends and what lies between, values at ends, and what is defined there."""

from dataclasses import replace

import numpy as np
import pytest

import symderive as sd
from symderive.calculus.normal_form import Definedness, Normaliser
from symderive.derivation.argument_checks import argument_problem
from symderive.derivation.one_variable import at_end, pieces
from symderive.derivation.proofs import Argument
from symderive.derivation.sign_search import find_argument
from symderive.language.arrays import Array
from symderive.language.nodes import ONE, ZERO, Number
from symderive.language.statements import Relation

x = sd.array("x", domain=sd.nonnegative)
y, k = sd.array("y"), sd.array("k", domain=sd.positive)
p = sd.array("p", domain=sd.unit_interval)
NONE = Normaliser(())


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        (sd.unit_interval, [0, 1, sd.interval(0, 1)]),
        (sd.interval(0, 2, closed="left"), [0, sd.interval(0, 2)]),
        (sd.interval(0, 2, closed="right"), [2, sd.interval(0, 2)]),
        (sd.interval(0, 2), []),
        (sd.nonnegative, [0, sd.positive]),
        (sd.nonzero, [sd.positive, sd.interval(-np.inf, 0)]),
        (sd.real, []),
        (sd.integers(0, 3), []),
        (sd.labels(0, 1), []),
    ],
)
def test_pieces_make_up_the_domain(domain, shown):
    found = pieces(sd.array("x", domain=domain).node)
    assert [n.value if isinstance(n, Number) else n.domain for n in found] == shown


def test_values_at_ends():
    zero, one = Number(ZERO), Number(ONE)
    assert at_end((x * np.log(x)).node, x.node, zero, NONE) is zero
    assert at_end((x**k).node, x.node, zero, NONE) is zero
    assert str(Array(at_end((x**y).node, x.node, zero, NONE))) == "0**y"
    assert str(Array(at_end(((1 + x) ** y).node, x.node, one, NONE))) == "2**y"
    assert at_end(((1 - x) * np.log(x) + x**y).node, x.node, one, NONE) is one


def test_what_is_defined_at_an_end():
    def open_requirements(array):
        definedness = Definedness(Normaliser(()))
        definedness.visit(array.node)
        return definedness.settled()

    assert not open_requirements((1 - p) * np.log(1 - p))
    assert not open_requirements((3 * p - 3) * np.log(1 - p))
    assert not open_requirements(x**k)
    for array in ((2 - p) * np.log(1 - p), (1 - p) * np.log(p - p * p), p * np.log(1 - p), x**y, x ** (k - 1)):
        assert open_requirements(array), array


def test_tampered_pieces_do_not_go_through():
    argument = find_argument((x * np.log(x) - x + 1).node, (), False)
    assert argument is not None
    assert argument.way == "pieces of the domain"
    assert argument_problem(argument) == ""
    at_zero, inside = argument.parts
    given = Relation(x.node, ">=", Number(ONE))
    further = replace(inside, given=(Relation(argument.nodes[1], ">=", Number(ONE)),))
    for other in (
        replace(argument, given=(given,)),
        replace(argument, parts=(at_zero, further)),
        replace(argument, parts=(inside, at_zero)),
        replace(argument, nodes=argument.nodes[1:], parts=(inside,)),
        replace(argument, nodes=argument.nodes[::-1], parts=(inside, at_zero)),
        replace(argument, variable=k.node),
        replace(argument, strict=True),
        replace(argument, goal=(x * np.log(x) - x + 1 - 1e-12).node),
    ):
        assert argument_problem(other) != "", other


def test_a_goal_that_is_undefined_at_an_end_has_no_pieces():
    zero = find_argument((0 * y).node, (), False)
    assert zero is not None
    goal = (0 * np.log(x) * x**-1).node
    parts = tuple(replace(zero, goal=at_end(goal, x.node, n, NONE)) for n in pieces(x.node)[:1]) * 2
    made = Argument("pieces of the domain", goal, False, (), parts, nodes=pieces(x.node), variable=x.node)
    assert "it is not shown that" in argument_problem(made)
