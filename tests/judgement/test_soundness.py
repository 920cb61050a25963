"""Whatever the expression: a claim off by 1e-12 is never upheld, and a true one never refuted."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from support.rows import CLOSED, applied

from symderive.judgement.balls import Hole, evaluate
from symderive.judgement.instances import STRATA, draw
from symderive.judgement.judge import judge_defined, judge_derivative, judge_relation
from symderive.judgement.verdicts import Status
from symderive.language.arrays import Array, array, as_array, dims
from symderive.language.domains import real
from symderive.language.functions import FUNCTIONS, meaning, partial
from symderive.language.reductions import logsumexp
from symderive.language.statements import Relation

x, y = array("x"), array("y")
n, d = dims("n d")
X, w = array("X", n, d), array("w", d)

SMOOTH = [np.exp, np.sin, np.cos, np.tanh, expit, np.arctan]
UNARY = [*SMOOTH, np.abs, lambda a: a**2, lambda a: 1 / (1 + a**2), lambda a: -a]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - 2 * b,
    np.maximum,
    np.logaddexp,
    lambda a, b: np.where(a < b, a, b * 3),
]

SCALARS = st.recursive(
    st.sampled_from([x, y, x / 3, y + 1]),
    lambda inner: st.builds(lambda f, a: f(a), st.sampled_from(UNARY), inner)
    | st.builds(lambda f, a, b: f(a, b), st.sampled_from(BINARY), inner, inner),
    max_leaves=6,
)
LOSSES = st.builds(
    lambda link, close, c: close(link(X @ w)) + c * np.sum(w**2),
    st.sampled_from([lambda a: a, *UNARY]),
    st.sampled_from([np.sum, np.mean, np.prod, lambda a: logsumexp(a), lambda a: a @ a]),
    st.integers(0, 2),
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(SCALARS, LOSSES))
def test_a_form_equals_itself_and_nothing_a_little_off(form):
    node = form.node
    mirrored = (2 * form - form).node
    verdict = judge_relation(Relation(node, "==", mirrored))
    assert verdict.status in (Status.checked, Status.undecided), str(verdict)
    shifted = form + Fraction(1, 10**12) * (1 + np.abs(form))
    for op, left, right in (("==", node, shifted.node), (">=", node, shifted.node), (">", node, node)):
        verdict = judge_relation(Relation(left, op, right))
        assert not verdict.upheld, str(verdict)


@settings(max_examples=40, deadline=None)
@given(LOSSES, st.integers(0, 10**6), st.sampled_from(STRATA))
def test_values_at_two_precisions_overlap(form, seed, stratum):
    """Balls of any precision contain the same truth."""
    symbols = {s.name: s for leaf in form.node.leaves() for s in leaf.shape}
    point = draw(form.node.leaves(), {symbols["n"]: 2, symbols["d"]: 3}, stratum, seed)
    assume(point is not None)
    coarse, fine = (evaluate(form.node, point, bits)[()] for bits in (60, 400))
    if isinstance(coarse, Hole) or isinstance(fine, Hole):
        assert type(coarse).__name__ in ("Unknown", type(fine).__name__)
        return
    gap = coarse - fine
    assert not gap > 0
    assert not gap < 0


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_rows_derivatives_and_ball_forms_agree(name):
    """The author's derivative row against the judge's power series: two independent statements."""
    node, arrays = applied(name)
    for index, argument in arrays.items():
        result = partial(name, index, node.arguments)
        if result is None:
            assert name in ("where", "inv_boxcox")
            continue
        verdict = judge_derivative(node, argument.node, result)
        assert verdict.status is Status.checked, str(verdict)
        wrong = (1 + Array(result)).node
        assert judge_derivative(node, argument.node, wrong).status is Status.refuted


@pytest.mark.parametrize("name", sorted(k for k, row in FUNCTIONS.items() if row.meaning))
def test_rows_mean_what_they_say(name):
    node, _ = applied(name)
    verdict = judge_relation(Relation(node, "==", meaning(name, node.arguments)))
    assert verdict.status is Status.checked, str(verdict)


@pytest.mark.parametrize("name", sorted(k for k, row in FUNCTIONS.items() if not row.requires and k != "power"))
def test_rows_without_requirements_are_defined_everywhere(name):
    node, _ = applied(name, domain=real)
    assert judge_defined(node).status is Status.checked


@pytest.mark.parametrize("name", sorted(k for k, row in FUNCTIONS.items() if row.requires))
def test_rows_with_requirements_are_not(name):
    node, _ = applied(name, domain=real)
    assert judge_defined(node).status is (Status.checked if name == "tan" else Status.refuted)  # no rational pole


@pytest.mark.parametrize("name", sorted(k for k, row in FUNCTIONS.items() if row.sign))
def test_signs_of_rows(name):
    row = FUNCTIONS[name]
    node, _ = applied(name, domain=CLOSED.get(name))
    if name == "heaviside":
        return  # the second argument is its value at 0
    op = ">" if row.sign == "+" else ">="
    verdict = judge_relation(Relation(node, op, as_array(0).node))
    assert verdict.status is Status.checked, str(verdict)
    if row.sign == "0+":
        assert judge_relation(Relation(node, ">", as_array(0).node)).status is not Status.checked

