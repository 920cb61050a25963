from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import entr, expit, kl_div, log_expit, rel_entr

import symderive as sd
from symderive.derivation.checker import replay
from symderive.derivation.conditions import granted
from symderive.derivation.inequalities import (
    find_trace,
    prove_equality_case,
    prove_inequality,
    prove_nonnegative,
    prove_psd,
)
from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import as_array
from symderive.language.nodes import ONE
from symderive.language.statements import Relation

n, d, k = sd.dims("n d k")
x, y, b = sd.array("x", n), sd.array("y", n), sd.array("b")
X, w, v = sd.array("X", n, d), sd.array("w", d), sd.array("v", d)
Z, V = sd.array("Z", n, k), sd.array("V", n, k)
p = sd.array("p", k, domain=sd.simplex)
q = sd.array("q", k, domain=sd.simplex & sd.positive)
s = sd.array("s", k, domain=sd.simplex & sd.positive)
c = sd.array("c", k, domain=sd.positive)
a = sd.array("a", n, domain=sd.positive)
e = sd.array("e", n, domain=sd.positive)
K = as_array(k)
kl = np.sum(p * np.log(p / q))
soft = sd.softmax(Z, axis=1)
g = sd.array("g", k)


def relation(lhs, op, rhs):
    return Relation(as_array(lhs).node, op, as_array(rhs).node)


PROVED = {
    "Gibbs": relation(kl, ">=", 0),
    "Gibbs, rel_entr": relation(np.sum(rel_entr(p, q)), ">=", 0),
    "Gibbs, split": relation(np.sum(p * (np.log(p) - np.log(q))), ">=", 0),
    "Gibbs, kl_div": relation(np.sum(kl_div(p, q)), ">=", 0),
    "twice Gibbs": relation(2 * kl, ">=", 0),
    "two Gibbs": relation(kl + np.sum(s * np.log(s / q)), ">=", 0),
    "entropy <= log k": relation(-np.sum(p * np.log(p)), "<=", np.log(K)),
    "entropy >= 0": relation(np.sum(entr(p)), ">=", 0),
    "cross-entropy >= entropy": relation(-np.sum(p * np.log(q)), ">=", -np.sum(p * np.log(p))),
    "Jensen": relation(np.log(q @ c), ">=", q @ np.log(c)),
    "AM-GM": relation(q @ c, ">=", np.exp(q @ np.log(c))),
    "Jensen, mean": relation(np.mean(np.log(a)), "<=", np.log(np.mean(a))),
    "log-sum": relation(np.sum(a * np.log(a / e)), ">=", np.sum(a) * np.log(np.sum(a) / np.sum(e))),
    "softplus >= z": relation(np.logaddexp(0, x), ">=", x),
    "softplus > z": relation(np.logaddexp(0, x), ">", x),
    "softplus >= 0": relation(np.logaddexp(0, x), ">=", 0),
    "log-sigmoid <= 0": relation(log_expit(x), "<=", 0),
    "sigmoid < 1": relation(expit(x), "<", 1),
    "sigmoid > 0": relation(expit(x), ">", 0),
    "sigmoid product": relation(expit(x) * expit(-x), "<=", 0.25),
    "Gram": relation(w @ X.T @ X @ w, ">=", 0),
    "weighted Gram": relation(v @ X.T @ np.diag(expit(X @ w) * expit(-(X @ w))) @ X @ v, ">=", 0),
    "softmax variance": relation(np.sum(soft * V**2) - np.sum(np.sum(soft * V, axis=1) ** 2), ">=", 0),
    "Cauchy-Schwarz with ones": relation(np.sum(x**2), ">=", np.sum(x) ** 2 / n),
    "log": relation(np.log(a), "<=", a - 1),
    "exp": relation(np.exp(x), ">=", 1 + x),
    "x log x": relation(a * np.log(a), ">=", a - 1),
    "squares": relation(x**2 + y**2, ">=", 2 * x * y),
    "sum of squares": relation(np.sum((x - y) ** 2), ">=", 0),
    "abs": relation(np.abs(x), ">=", x),
    "max": relation(np.maximum(x, y), ">=", x),
    "collision": relation(np.sum(p**2), ">=", 1 / K),
    "variance": relation(np.var(x), ">=", 0),
    "tangent": relation(np.exp(-x), ">=", 1 - x),
    "tanh": relation(np.tanh(x), "<", 1),
    "log-sum-exp >= max": relation(sd.logsumexp(g), ">=", np.max(g)),
    "log-sum-exp <= max + log k": relation(sd.logsumexp(g), "<=", np.max(g) + np.log(K)),
    "Gibbs's variational principle": relation(sd.logsumexp(g), ">=", p @ g - np.sum(entr(p))),
    "the same, with entropy": relation(sd.logsumexp(g), ">=", q @ g - q @ np.log(q)),
    "Donsker-Varadhan": relation(s @ g - np.log(np.sum(q * np.exp(g))), "<=", s @ np.log(s / q)),
    "Bhattacharyya": relation(np.sum(np.sqrt(p * q)), "<=", 1),
    "roots and means": relation(2 * np.sum(np.sqrt(a * e)), "<=", np.sum(a) + np.sum(e)),
    "sums of inverses": relation(np.sum(a) * np.sum(1 / a), ">=", as_array(n) ** 2),
    "harmonic mean": relation(1 / np.mean(1 / a), "<=", np.mean(a)),
    "weighted harmonic mean": relation((q @ c) * (q @ (1 / c)), ">=", 1),
}


@pytest.mark.parametrize("claim", PROVED.values(), ids=list(PROVED))
def test_proved_and_replayed(claim):
    verdict = prove_inequality(claim)
    assert verdict.status == "proved", verdict
    assert replay(verdict.trace).ok


@pytest.mark.parametrize("claim", PROVED.values(), ids=list(PROVED))
def test_a_perturbed_line_does_not_replay(claim):
    trace = prove_inequality(claim).trace
    for place, line in enumerate(trace):
        nudge = build.broadcast(build.number(ONE / 10**12), line.after.shape)
        for changed in (
            replace(line, after=build.add([(ONE, line.after), (ONE, nudge)], line.after.shape)),
            replace(line, before=build.add([(ONE, line.before), (-ONE, nudge)], line.before.shape)),
        ):
            assert not replay((*trace[:place], changed, *trace[place + 1 :])).ok
        for at, instance in enumerate(line.instances):
            heavier = replace(instance, weight=build.scale(1 + ONE / 10**12, instance.weight))
            negative = replace(instance, weight=build.scale(-1, instance.weight))
            for other in (heavier, negative):
                instances = (*line.instances[:at], other, *line.instances[at + 1 :])
                changed = replace(line, instances=instances)
                if other is heavier and instance.lemma.endswith("sign"):
                    continue  # what is dropped twice over is still >= 0, but the sum must fail
                assert not replay((*trace[:place], changed, *trace[place + 1 :])).ok
        assert not replay((*trace[:place], replace(line, instances=()), *trace[place + 1 :])).ok or not line.instances


TIGHT = [name for name in PROVED if name not in {"softplus > z", "sigmoid < 1", "sigmoid > 0", "tanh"}]


@pytest.mark.parametrize("name", TIGHT)
def test_a_claim_that_is_1e_12_too_strong_is_not_proved(name):
    claim = PROVED[name]
    down = claim.op in (">=", ">")
    small = claim.rhs if down else claim.lhs
    raised = build.add(
        [(ONE, build.broadcast(small, claim.lhs.shape)), (ONE / 10**12, build.ones(claim.lhs.shape))],
        claim.lhs.shape,
    )
    stronger = Relation(claim.lhs, claim.op, raised) if down else Relation(raised, claim.op, claim.rhs)
    assert find_trace(stronger) is None


def test_dropping_a_condition_loses_the_proof():
    loose = sd.array("q", k, domain=sd.positive)
    assert prove_inequality(relation(np.sum(p * np.log(p / loose)), ">=", 0)).status == "refuted"
    assert find_trace(relation(np.sum(p * np.log(p / loose)), ">=", 0)) is None
    assert find_trace(relation(sd.logsumexp(g), ">=", loose @ g - loose @ np.log(loose))) is None
    assert find_trace(relation(np.sum(np.sqrt(p * loose)), "<=", 1)) is None
    assert find_trace(relation(sd.logsumexp(g), ">=", np.max(sd.array("h", k)))) is None
    assert find_trace(relation(sd.logsumexp(g), "<=", np.max(g) + np.log(K) / 2)) is None
    heavy = sd.array("p", k, domain=sd.nonnegative)
    assert prove_inequality(relation(np.sum(rel_entr(heavy, q)), ">=", 0)).status == "refuted"
    closed = sd.array("q", k, domain=sd.simplex)
    assert prove_inequality(relation(np.sum(p * np.log(p / closed)), ">=", 0)).status != "proved"
    assert prove_inequality(relation(np.log(x), "<=", x - 1)).status != "proved"
    assert prove_inequality(relation(x * y, ">=", 0)).status == "refuted"
    signed = sd.array("h", n)
    assert prove_nonnegative((v @ X.T @ np.diag(signed) @ X @ v).node).status == "refuted"


def test_a_logarithm_is_granted_by_what_is_at_least_one():
    assert granted(">=", np.log(1 + b * b).node, ())
    assert granted(">", (-np.log(expit(b))).node, ())
    for wrong in (np.log(expit(b)), np.log(b * b), np.log(2 - b * b)):
        assert not granted(">=", wrong.node, ())
    assert not granted(">", np.log(1 + b * b).node, ())


def test_given_relations_carry_a_proof_and_are_needed():
    P = sd.array("P", n, k, domain=sd.positive)
    rows, columns = np.sum(P, axis=1), np.sum(P, axis=0)
    information = relation(np.sum(P * np.log(P / (rows[:, None] * columns))), ">=", 0)
    total = relation(np.sum(P), "==", 1)
    verdict = prove_inequality(information, (total,))
    assert verdict.status == "proved"
    assert replay(verdict.trace, (total,)).ok
    assert not replay(verdict.trace).ok
    assert prove_inequality(information).status != "proved"
    assert prove_inequality(relation(x * y, ">=", 0), (relation(x, ">=", 0), relation(y, ">", 0))).status == "proved"


def test_hessians_are_positive_semidefinite():
    weights = expit(X @ w) * expit(-(X @ w))
    assert prove_psd((X.T @ np.diag(weights) @ X / n).node, w.node).status == "proved"
    assert prove_psd((X.T @ np.diag(weights) @ X / n + 0.1 * sd.eye(d)).node, w.node).status == "proved"
    assert prove_psd((2 * X.T @ X).node, w.node).status == "proved"
    assert prove_psd((2 * X.T @ X - sd.eye(d)).node, w.node).status == "refuted"
    z = sd.array("z", k)
    sm = sd.softmax(z)
    assert prove_psd((np.diag(sm) - np.outer(sm, sm)).node, z.node).status == "proved"
    with pytest.raises(ShapeError, match="Hessian"):
        prove_psd(X.node, w.node)


def test_equality_cases():
    gibbs = relation(kl, ">=", 0)
    assert prove_equality_case(gibbs, relation(p, "==", q)).status == "proved"
    assert prove_equality_case(gibbs, relation(q, "==", p)).status == "proved"
    uniform = relation(p, "==", sd.ones(k) / k)
    assert prove_equality_case(relation(np.log(K), ">=", -np.sum(p * np.log(p))), uniform).status == "proved"
    assert prove_equality_case(relation(np.log(a), "<=", a - 1), relation(a, "==", sd.ones(n))).status == "proved"
    squares = relation(x**2 + y**2, ">=", 2 * x * y)
    assert prove_equality_case(squares, relation(x, "==", y)).status == "proved"


def test_wrong_equality_cases_are_not_proved():
    gibbs = relation(kl, ">=", 0)
    assert prove_equality_case(gibbs, relation(q, "==", sd.ones(k) / k)).status != "proved"
    assert prove_equality_case(gibbs, relation(p, "==", q**2)).status != "proved"
    assert prove_equality_case(relation(x**2 + y**2, ">=", 0), relation(x, "==", y)).status != "proved"
    half = relation(p, "==", 2 * sd.ones(k) / k)
    assert prove_equality_case(relation(np.log(K), ">=", -np.sum(p * np.log(p))), half).status != "proved"


def test_what_is_not_an_inequality():
    with pytest.raises(UnsupportedError, match="inequality"):
        prove_inequality(relation(x, "==", y))
