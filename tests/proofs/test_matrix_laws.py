"""Identities of array functions: proved ones hold in NumPy, false ones and changed ones are not proved."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

import symderive as sd
from symderive.calculus.normal_form import decide_equal
from symderive.derivation.checker import replay
from symderive.derivation.inequalities import find_trace, prove_inequality
from symderive.derivation.proofs import prove_equal
from symderive.language import build
from symderive.language.arrays import Array, as_array
from symderive.language.nodes import ONE, Contraction, Differential, Node, Opaque, Sum
from symderive.language.statements import Relation
from tests.proofs.expressions import node_of
from tests.proofs.matrix_claims import (
    CONDITIONAL,
    DECLARED,
    DIFFERENTIALS,
    FALSE,
    INEQUALITIES,
    NO_INEQUALITIES,
    TRUE,
    drawn,
    symbolic,
)
from tests.support.evaluate import evaluate

SIZES = [(4, 3, 2), (2, 3, 4), (3, 3, 3), (5, 1, 2), (3, 2, 2), (4, 4, 1)]
E = symbolic()


def sides(claim) -> tuple[Node, Node]:
    lhs, rhs = (node_of(as_array(side)) for side in claim(E))
    shape = lhs.shape or rhs.shape
    return build.broadcast(lhs, shape), build.broadcast(rhs, shape)


def values(seed: int, sizes: tuple[int, int, int]):
    e = drawn(seed, *sizes)
    return e, {name: getattr(e, name) for name in DECLARED}, dict(zip("ndm", sizes, strict=True))


def differ(a, b, tolerance=1e-7) -> bool:
    scale = 1 + max(np.max(np.abs(a)), np.max(np.abs(b)))
    return bool(np.max(np.abs(np.asarray(a) - np.asarray(b))) > tolerance * scale)


@pytest.mark.parametrize("name", TRUE)
def test_true_claims_hold_in_numpy(name):
    for seed, sizes in enumerate(SIZES):
        e, _, _ = values(seed, sizes)
        lhs, rhs = TRUE[name](e)
        assert not differ(lhs, rhs), sizes


@pytest.mark.parametrize("name", TRUE)
def test_true_claims_are_decided_without_conditions(name):
    answer = decide_equal(*sides(TRUE[name]))
    assert answer.equal, answer
    assert not answer.conditions


@pytest.mark.parametrize("name", TRUE)
def test_a_factor_near_1_loses_the_proof(name):
    lhs, rhs = sides(TRUE[name])
    assert not decide_equal(lhs, build.scale(1 + ONE / 10**12, rhs)).equal


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_are_not_equal(name):
    found = []
    for seed, sizes in enumerate(SIZES):
        e, _, _ = values(seed, sizes)
        found.append(differ(*FALSE[name](e)))
    assert any(found), "this claim is not false at all"
    assert not decide_equal(*sides(FALSE[name])).equal


@pytest.mark.parametrize("name", CONDITIONAL)
def test_what_only_one_side_needs_is_named(name):
    claim, op = CONDITIONAL[name]
    for seed, sizes in enumerate(SIZES[:1] + SIZES[2:3]):
        e, _, _ = values(seed, sizes)
        e.T, e.C, e.A = e.S - 0.1 * e.eye(e.d), e.A, e.S  # where the condition holds, both sides agree
        lhs, rhs = claim(e)
        assert not differ(lhs, rhs)
    answer = decide_equal(*sides(claim))
    assert answer.equal is False
    assert op in {c.op for c in answer.conditions}


def test_a_rank_one_update_of_what_may_be_singular_is_not_split():
    claim = sides(lambda e: (np.linalg.det(e.C + np.outer(e.x, e.u)), 0 * e.b))
    split = sides(lambda e: (np.linalg.det(e.C) * (1 + e.u @ np.linalg.inv(e.C) @ e.x), 0 * e.b))
    assert decide_equal(claim[0], split[0]).reason == "the normal forms differ"


def changes(e: SimpleNamespace, name: str, seed: int) -> SimpleNamespace:
    rng = np.random.default_rng(seed)
    direction = np.asarray(rng.normal(size=np.shape(getattr(e, name))))
    if DECLARED[name][1] is sd.spd:
        direction = direction + np.swapaxes(direction, -1, -2)
    return SimpleNamespace(**{name: direction})


@pytest.mark.parametrize("name", DIFFERENTIALS)
def test_differentials_hold_in_numpy(name):
    leaf, function, change, _ = DIFFERENTIALS[name]
    for seed, sizes in enumerate([(4, 3, 2), (5, 2, 2), (3, 3, 1)]):
        e, _, _ = values(seed, sizes)
        d = changes(e, leaf, seed)
        step = 1e-5

        def moved(t, e=e, d=d):
            return function(SimpleNamespace(**{**vars(e), leaf: getattr(e, leaf) + t * getattr(d, leaf)}))

        slope = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)
        assert not differ(slope, change(e, d), 1e-5), sizes


def claimed(name) -> tuple[Node, Node, Array]:
    leaf, function, change, _ = DIFFERENTIALS[name]
    array = getattr(E, leaf)
    lhs = Differential(node_of(as_array(function(E))))
    rhs = node_of(as_array(change(E, SimpleNamespace(**{leaf: Array(Differential(array.node))}))))
    return lhs, rhs, array


@pytest.mark.parametrize("name", DIFFERENTIALS)
def test_differentials_are_decided_under_their_conditions(name):
    lhs, rhs, array = claimed(name)
    answer = decide_equal(lhs, rhs, changing=frozenset({array.node}))
    assert answer.equal, answer
    wanted = DIFFERENTIALS[name][3]
    assert [str(c).removeprefix("np.linalg.").endswith(wanted) for c in answer.conditions][:1] == [True] * bool(wanted)
    for wrong in (build.scale(-1, rhs), build.scale(2, rhs), build.zeros(rhs.shape)):
        assert not decide_equal(lhs, wrong, changing=frozenset({array.node})).equal


# -- changed claims -----------------------------------------------------------------------


def changed(rng: random.Random, node: Node) -> Node | None:
    """One small change somewhere in a node, or None where this draw changes nothing."""
    places = list(node.walk())
    rng.shuffle(places)
    for place in places:
        new = _changed(rng, place)
        if new is not None and new is not place:
            result = build.substitute(node, {place: new})
            if result is not node:
                return result
    return None


def _changed(rng: random.Random, node: Node) -> Node | None:
    kind = rng.randrange(4)
    match node:
        case Sum():
            terms = list(node.terms)
            k = rng.randrange(len(terms))
            if kind == 0 and len(terms) > 1:
                del terms[k]
            else:
                terms[k] = (-terms[k][0] if kind < 3 else terms[k][0] * (1 + ONE / 10**12), terms[k][1])
            return build.add(terms, node.shape)
        case Contraction(factors=factors) if factors:
            chosen = list(factors)
            dims = dict(enumerate(node.label_dims))
            k = rng.randrange(len(chosen))
            factor, labels = chosen[k]
            if kind == 0 and len(chosen) > 1:
                del chosen[k]
            elif kind < 3 and len(labels) >= 2 and dims[labels[-1]] == dims[labels[-2]]:
                chosen[k] = (factor, (*labels[:-2], labels[-1], labels[-2]))
            else:
                return build.scale(-1, node)
            return build.contract(node.coefficient, chosen, range(node.out_rank), dims)
        case Opaque(function=name, arguments=(x,)):
            swaps = {"inv": "id", "det": "signdet", "logabsdet": "det", "max": "min", "eigvecs": "inv", "svd_u": "id"}
            other = swaps.get(name)
            if other == "id":
                return x if x.shape == node.shape else None
            return None if other is None else build.opaque(other, x)
    return None


@pytest.mark.parametrize("name", TRUE)
def test_a_changed_claim_that_is_called_equal_is_equal(name):
    lhs, rhs = sides(TRUE[name])
    rng = random.Random(name)
    for _ in range(6):
        new = changed(rng, rng.choice((lhs, rhs)))
        if new is None or not decide_equal(lhs, new).equal:
            continue
        for seed, sizes in enumerate(SIZES):
            _, leaves, dims = values(seed, sizes)
            assert not differ(evaluate(lhs, dims, leaves), evaluate(new, dims, leaves)), new


# -- inequalities ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", INEQUALITIES)
def test_inequalities_hold_in_numpy_and_are_proved(name):
    for seed, sizes in enumerate(SIZES):
        lhs, op, rhs = INEQUALITIES[name](drawn(seed, *sizes))
        gap = np.min(np.asarray(rhs) - lhs if op[0] == "<" else np.asarray(lhs) - rhs)
        assert gap > 0 if op in "<>" else gap > -1e-9 * (1 + np.max(np.abs(lhs)))
    lhs, op, rhs = INEQUALITIES[name](E)
    verdict = prove_inequality(Relation(node_of(as_array(lhs)), op, node_of(as_array(rhs))))
    assert verdict.status == "proved", verdict
    assert replay(verdict.trace).ok


@pytest.mark.parametrize("name", NO_INEQUALITIES)
def test_inequalities_that_fail_have_no_proof(name):
    lhs, op, rhs = NO_INEQUALITIES[name](E)
    assert find_trace(Relation(node_of(as_array(lhs)), op, node_of(as_array(rhs)))) is None


# -- proofs -------------------------------------------------------------------------------

PROVED = (
    "push-through", "Woodbury", "det of a product", "log of det", "V diag V^T", "U diag V^T", "logdet by Cholesky",
    "max of a multiple", "function of a stack", "two triangles", "mixed product",
)  # fmt: skip


@pytest.mark.parametrize("name", PROVED)
def test_proved_claims_replay(name):
    lhs, rhs = sides(TRUE[name])
    verdict = prove_equal(lhs, rhs)
    assert verdict.status == "proved", verdict
    assert replay(verdict.trace).ok
    assert prove_equal(lhs, build.scale(1 + ONE / 10**6, rhs)).status == "refuted"


@pytest.mark.parametrize("name", ["log|det|", "Gaussian process", "nuclear norm", "sum of eigenvalues"])
def test_proved_differentials_name_their_conditions(name):
    lhs, rhs, array = claimed(name)
    verdict = prove_equal(lhs, rhs, changing=(array.node,))
    assert verdict.status == "proved", verdict
    assert bool(verdict.conditions) == bool(DIFFERENTIALS[name][3])
    assert replay(verdict.trace, changing=(array.node,)).ok


def test_a_condition_that_is_given_is_enough():
    zero = as_array(0).node
    claim = sides(lambda e: (e.C @ np.linalg.inv(e.C), e.eye(e.d)))
    given = (Relation(np.linalg.det(E.C).node, "!=", zero),)
    assert decide_equal(*claim, given).equal
    assert not decide_equal(*claim).equal
    single = (Relation(np.sum(E.x == np.max(E.x)).node, "==", as_array(1).node),)
    selected = sides(lambda e: (np.sum((e.x == np.max(e.x)) * e.x), np.max(e.x)))
    assert decide_equal(*selected, single).equal
    assert not decide_equal(*selected).equal

