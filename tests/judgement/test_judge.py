"""The judge upholds what is true, refutes what is false with a point that anyone can check, and says when it cannot."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import entr, expit, kl_div, log_expit, rel_entr, xlogy
from sympy import Rational

from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.balls import evaluate
from symderive.judgement.instances import Instance
from symderive.judgement.judge import judge_defined, judge_derivative, judge_relation
from symderive.judgement.verdicts import Status
from symderive.language import build
from symderive.language.arrays import (
    Array,
    array,
    as_array,
    basis,
    dims,
    eye,
    ones,
)
from symderive.language.domains import (
    diagonal,
    integers,
    interval,
    invertible,
    labels,
    lower_triangular,
    nonnegative,
    one_hot,
    orthogonal,
    positive,
    real,
    simplex,
    spd,
    symmetric,
    unit_interval,
)
from symderive.language.nodes import Differential, Leaf
from symderive.language.reductions import log_softmax, logsumexp, softmax
from symderive.language.statements import Relation

n, d, k, m = dims("n d k m")
x, y, a = array("x"), array("y"), array("a")
t, u = array("t", domain=positive), array("u", domain=positive)
r = array("r", domain=unit_interval)
X, w = array("X", n, d), array("w", d)
bit = array("bit", n, domain=labels(0, 1))
v, B = array("v", d), array("B", d, d)
S = array("S", d, d, domain=symmetric)
A = array("A", d, d, domain=spd)
Q = array("Q", d, d, domain=orthogonal)
M = array("M", d, d, domain=invertible)
p = array("p", k, domain=simplex)
q = array("q", k, domain=simplex & positive)
z = array("z", k)
hot = array("hot", k, domain=one_hot)
mass = array("mass", k, domain=nonnegative)


def laid(value):
    """The node with its axes in the order in which NumPy shows them."""
    value = as_array(value)
    assert None not in value.axes
    labels = tuple(value.axes.index(i) for i in range(value.ndim))
    return build.view(value.node, labels, value.dims)


def relation(lhs, op, rhs):
    return Relation(laid(lhs), op, laid(rhs))


def judged(lhs, op, rhs, **options):
    return judge_relation(relation(lhs, op, rhs), **options)


HUBER = np.where(np.abs(x) <= 5, x**2 / 2, 5 * np.abs(x) - 12.5)

TRUE = [
    ("square", (x + y) ** 2, "==", x**2 + 2 * x * y + y**2),
    ("product log", np.log(t * (1 + t)), "==", np.log(t) + np.log(1 + t)),
    ("a true zero", np.log(t * (1 + t)) - np.log(t) - np.log(1 + t), "==", 0),
    ("a tie that no precision resolves", np.maximum(np.log(t * u), np.log(t) + np.log(u)), "==", np.log(t * u)),
    ("root of a square", np.sqrt(x**2), "==", np.abs(x)),
    ("circle", np.sin(x) ** 2 + np.cos(x) ** 2, "==", 1),
    ("tanh by sigmoid", np.tanh(x), "==", 2 * expit(2 * x) - 1),
    ("softplus", np.logaddexp(0, x) - x, "==", np.logaddexp(0, -x)),
    ("log sigmoid", log_expit(x), "==", -np.logaddexp(0, -x)),
    ("clip", np.clip(x, -1, 1), "==", np.maximum(np.minimum(x, 1), -1)),
    ("relu", np.maximum(x, 0), "==", np.where(x > 0, x, 0)),
    ("the branch not taken is not asked", np.where(x > 0, np.log(np.where(x > 0, x, 1)), 0), "==",
     np.where(x > 0, np.log(np.abs(x) + (x == 0)), 0)),
    ("ones sum to n", np.sum(ones((n, d))), "==", as_array(n) * as_array(d)),
    ("trace of the identity", np.trace(eye(d)), "==", d),
    ("mean", np.mean(X), "==", np.sum(X) / (n * d)),
    ("transpose of a product", (X @ w) @ (X @ w), "==", w @ (X.T @ X) @ w),
    ("an entry of a log asks only its own", np.log(t * basis(d, 0) + (1 - basis(d, 0)))[0], "==", np.log(t)),
    ("symmetric", S, "==", S.T),
    ("orthogonal", Q.T @ Q, "==", eye(d)),
    ("isometry", np.sum((Q @ v) ** 2), "==", v @ v),
    ("trace is cyclic", np.trace(B @ S), "==", np.trace(S @ B)),
    ("simplex sums to 1", np.sum(p), "==", 1),
    ("softmax sums to 1", np.sum(softmax(z)), "==", 1),
    ("log softmax", log_softmax(z), "==", np.log(softmax(z))),
    ("0 log 0 = 0", p * np.log(p), "==", xlogy(p, p)),
    ("entropy with zeros", -np.sum(p * np.log(p)), "==", np.sum(entr(p))),
    ("cross-entropy", -np.sum(p * np.log(q)), "==", np.sum(entr(p)) + np.sum(rel_entr(p, q))),
    ("kl_div", np.sum(kl_div(p, q)), "==", np.sum(rel_entr(p, q))),
    ("AM-GM", x**2 + y**2, ">=", 2 * x * y),
    ("tangent of exp", np.exp(x), ">=", 1 + x),
    ("tangent of log", np.log(t), "<=", t - 1),
    ("Gibbs", np.sum(rel_entr(p, q)), ">=", 0),
    ("entropy at most log k", np.sum(entr(p)), "<=", np.log(as_array(k))),
    ("quartic", x**4 - 3 * x**2 + x, ">=", -3.513906),
    ("positive definite", v @ A @ v, ">=", 0),
    ("strict", np.exp(x), ">", 0),
    ("unequal", np.exp(x), "!=", 0),
    ("Cauchy-Schwarz", (v @ w) ** 2, "<=", (v @ v) * (w @ w)),
    ("log-add-exp above max", np.logaddexp(x, y), ">=", np.maximum(x, y)),
]

FALSE = [
    ("sqrt(x^2) is x", np.sqrt(x**2), "==", x),
    ("x/x is 1", x / x, "==", 1),
    ("log of a square", np.log(x**2), "==", 2 * np.log(x)),
    ("log of a product", np.log(x * y), "==", np.log(x) + np.log(y)),
    ("sqrt squared", np.sqrt(x) ** 2, "==", x),
    ("cancelled factor", (x**2 - 1) / (x - 1), "==", x + 1),
    ("pole away from 0", 1 / (x - 3), "==", (x - 3) / (x - 3) ** 2 + 1e-30),
    ("wrong beyond 30", np.logaddexp(0, x) * np.where(x > 30, 1 + 1e-12, 1), "==", np.logaddexp(0, x)),
    ("wrong below -200", np.where(x < -200, 0, np.logaddexp(0, x)), "==", np.logaddexp(0, x)),
    ("saturated above 100", np.where(x > 100, 1, expit(x)), "==", expit(x)),
    ("wrong beyond the threshold", HUBER, "==", np.where(np.abs(x) <= 5, x**2 / 2, 5 * np.abs(x) - 12)),
    ("boundary belongs to the other side", np.where(x < 3, 0, 1), "==", np.where(x <= 3, 0, 1)),
    ("relative 1e-12", np.exp(x), "==", (1 + 1e-12) * np.exp(x)),
    ("absolute 1e-12", np.sin(x) ** 2 + np.cos(x) ** 2, "==", 1 + 1e-12),
    ("lost binder", np.sum(ones((n, d))), "==", d),
    ("n is 1", np.sum(ones(n)), "==", 1),
    ("a transpose too much", B.T @ v, "==", B @ v),
    ("not symmetric", B, "==", B.T),
    ("matrices do not commute", B @ S, "==", S @ B),
    ("KL is not symmetric", np.sum(rel_entr(p, q)), "==", np.sum(rel_entr(q, p))),
    ("support mismatch", np.sum(rel_entr(q, p)), ">=", 0),
    ("tangent of log, lifted", np.log(t), "<=", t - 1 - 1e-12),
    ("tangent of log, strict", np.log(t), "<", t - 1),
    ("tangent at an irrational point", entr(t), "<=", np.exp(as_array(-1)) - 1e-12),
    ("quartic", x**4 - 3 * x**2 + x, ">=", -3.5139),
    ("entropy below log k", np.sum(entr(p)), "<", np.log(as_array(k))),
    ("indefinite", v @ S @ v, ">=", 0),
    ("squares above products", x**2 + y**2, ">=", (2 + 1e-6) * x * y),
    ("unequal somewhere equal", x**2, "!=", 4),
]


@pytest.mark.parametrize(("lhs", "op", "rhs"), [c[1:] for c in TRUE], ids=[c[0] for c in TRUE])
def test_true_relations_are_checked(lhs, op, rhs):
    verdict = judged(lhs, op, rhs)
    assert verdict.status is Status.checked, str(verdict)
    assert verdict.counterexample is None
    assert verdict.evidence.points >= 1
    assert verdict.evidence.seed == 0


@pytest.mark.parametrize(("lhs", "op", "rhs"), [c[1:] for c in FALSE], ids=[c[0] for c in FALSE])
def test_false_relations_are_refuted_at_a_point_that_refutes(lhs, op, rhs):
    claim = relation(lhs, op, rhs)
    verdict = judge_relation(claim)
    assert verdict.status is Status.refuted, str(verdict)
    found = verdict.counterexample
    # the point alone, evaluated anew at another precision, refutes
    leaves = {leaf.name: leaf for side in (claim.lhs, claim.rhs) for leaf in side.leaves()}
    symbols = {str(s): s for leaf in leaves.values() for s in leaf.shape if s.is_Symbol}
    symbols |= {str(s.node.value): s.node.value for s in map(as_array, (n, d, k))}
    point = Instance(
        {symbols[name]: size for name, size in found.sizes.items()},
        {leaf: _array(found.values[name], leaf.rank) for name, leaf in leaves.items()},
    )
    left, right = (
        np.broadcast_to(evaluate(side, point, 4096), np.broadcast_shapes(*shapes(claim, point)))
        for side in (claim.lhs, claim.rhs)
    )
    one, two = left[found.entry or ()], right[found.entry or ()]
    if "undefined" in found.lhs or "undefined" in found.rhs:
        assert type(one).__name__ in ("Undefined", "LogPole") or type(two).__name__ in ("Undefined", "LogPole")
    else:
        gap = one - two
        assert {"==": gap != 0, "<=": gap > 0, ">=": gap < 0, "<": gap >= 0, "!=": gap == 0}[op]


def shapes(claim, point):
    return [evaluate(side, point, 60).shape for side in (claim.lhs, claim.rhs)]


def _array(nested, rank):
    out = np.array(nested, dtype=object)
    assert out.ndim == rank
    return out


def test_a_counterexample_is_simple():
    found = judged(np.abs(x), "==", x).counterexample
    assert found.values == {"x": Fraction(-1)}
    assert (found.lhs, found.rhs) == ("1", "-1")
    assert (found.lhs_value, found.rhs_value) == (1.0, -1.0)
    matrix = judged(B, "==", B.T).counterexample
    assert matrix.sizes == {"d": 2}
    assert sorted(v for row in matrix.values["B"] for v in row) == [0, 0, 0, 1]
    far = judged(np.where(x > 30, 2, 1), "==", 1).counterexample
    assert 30 < far.values["x"] <= 100


def test_close_values_are_shown_apart():
    found = judged(np.exp(x), "==", np.exp(x) * (1 + 1e-12)).counterexample
    assert found.lhs != found.rhs
    assert "0000000001" in found.rhs or "0000000001" in found.lhs


def test_what_is_given_restricts_the_points():
    split = relation(np.log(x * y), "==", np.log(x) + np.log(y))
    assert judge_relation(split).status is Status.refuted
    signs = (relation(x, ">", 0), relation(y, ">", 0))
    verdict = judge_relation(split, given=signs)
    assert verdict.status is Status.checked
    assert verdict.conditions == signs
    assert judge_relation(relation(x, ">", 1), given=signs[:1]).status is Status.refuted


@pytest.mark.parametrize(
    ("lhs", "rhs", "given"),
    [
        (x + y, 1, [(x, "==", 1 - y)]),
        ((x + y) ** 2, 1, [(x + y, "==", 1)]),
        (np.sum(mass * 3), 3, [(np.sum(mass), "==", 1)]),
        (X @ w - X @ v, 0 * np.sum(X, axis=1), [(w, "==", v)]),
        (np.log(np.exp(x) * y), x + np.log(y), [(y, ">", 10**6)]),
    ],
)
def test_given_equations_are_met_exactly(lhs, rhs, given):
    verdict = judged(lhs, "==", rhs, given=[relation(*g) for g in given])
    assert verdict.status is Status.checked, str(verdict)
    assert not judged(lhs, "==", rhs).upheld, "the condition is needed"


@pytest.mark.parametrize("given", [[(x, ">", 2), (x, "<", 1)], [(x * x, "==", 2)]])
def test_nothing_is_claimed_without_a_point(given):
    verdict = judged(x, "==", x + 1 - 1, given=[relation(*g) for g in given])
    assert verdict.status is Status.undecided
    assert "satisfied what is given" in verdict.reason
    assert verdict.evidence.points == 0


def test_an_empty_domain_is_undecided():
    nothing = Array(Leaf("nothing", (), interval(2, 1)))
    verdict = judged(nothing, "==", nothing * 2)
    assert verdict.status is Status.undecided
    assert "empty" in verdict.reason


def test_both_sides_undefined_is_undecided_and_named():
    verdict = judged(np.log(x), "==", np.log(x))
    assert verdict.status is Status.undecided
    assert "both sides are undefined at x = " in verdict.reason
    assert "log" in verdict.reason


def test_a_strict_tie_of_balls_is_undecided_not_checked():
    inside = array("inside", domain=interval(2, 3))
    verdict = judged(np.exp(inside) * np.exp(-inside), "<", np.sin(inside) ** 2 + np.cos(inside) ** 2)
    assert verdict.status is Status.undecided
    assert "told apart" in verdict.reason


def test_out_of_range_is_never_agreement():
    tower = np.exp(np.exp(np.exp(np.exp(50 + x**2))))
    for rhs in (tower, 2 * tower, 0 * x):
        verdict = judged(tower, "==", rhs)
        assert verdict.status is Status.undecided, str(verdict)
        assert verdict.evidence.points == 0


def test_the_seed_makes_the_points():
    one, same, other = (judged(np.sum(X @ w), "<=", 3.5, seed=s) for s in (1, 1, 2))
    assert one.as_dict() == same.as_dict()
    assert other.status is Status.refuted


def test_points_are_counted_once():
    assert judged(np.sum(ones(n)), "==", n).evidence.points < 10
    flips = array("flips", domain=labels(0, 1))
    verdict = judged(flips**2, "==", flips)
    assert verdict.evidence.points == 2


def test_shapes_that_do_not_fit_raise():
    with pytest.raises(ShapeError, match=r"\(n,\).*\(d,\)"):
        judged(X @ w, "==", w)


def test_sizes_cover_ones_coincidence_and_inequality():
    sizes = judged(X @ w, "==", np.einsum("ij,j->i", X, w)).evidence.sizes
    assert any(s["n"] == 1 and s["d"] > 1 for s in sizes)
    assert any(s["d"] == 1 and s["n"] > 1 for s in sizes)
    assert any(s["n"] == s["d"] > 1 for s in sizes)
    assert any(1 < s["d"] < s["n"] for s in sizes)
    assert any(1 < s["n"] < s["d"] for s in sizes)


# -- derivatives ----------------------------------------------------------------------------------

LOGISTIC = np.sum(np.logaddexp(0, X @ w) - bit * (X @ w)) / n
RESIDUAL = expit(X @ w) - bit
W1, b1, w2, target = array("W1", d, m), array("b1", m), array("w2", m), array("target", n)
HIDDEN = np.tanh(X @ W1 + b1)
ERROR = HIDDEN @ w2 - target
NETWORK = np.sum(ERROR**2) / (2 * n)
s = softmax(z)

GRADIENTS = [
    ("logistic", LOGISTIC, w, X.T @ RESIDUAL / n),
    ("logistic by X", LOGISTIC, X, RESIDUAL[:, None] * w / n),
    ("network, first layer", NETWORK, W1, X.T @ (np.outer(ERROR, w2) * (1 - HIDDEN**2)) / n),
    ("network, bias", NETWORK, b1, np.sum(np.outer(ERROR, w2) * (1 - HIDDEN**2), axis=0) / n),
    ("softmax cross-entropy, one-hot", -np.sum(hot * log_softmax(z)), z, s - hot),
    ("softmax cross-entropy, simplex", -np.sum(p * log_softmax(z)), z, s - p),
    ("entropy, off the faces", np.sum(entr(p)), p, -np.log(p) - 1),
    ("quadratic form, symmetric", v @ S @ v, v, 2 * S @ v),
    ("quadratic form by a symmetric matrix, entries free", v @ S @ v, S, np.outer(v, v)),
    ("norm", np.linalg.norm(v), v, v / np.linalg.norm(v)),
    ("relu", np.sum(np.maximum(v, 0)), v, np.heaviside(v, 0.5)),
    ("huber", HUBER, x, np.where(np.abs(x) <= 5, x, 5 * np.sign(x))),
    ("softmax Jacobian", softmax(z), z, np.diag(s) - np.outer(s, s)),
    ("vector by vector", X @ w, w, X),
    ("a variable that does not occur", np.sum(X), w, 0 * w),
    ("power tower", t**t, t, t**t * (np.log(t) + 1)),
    ("orthogonal, entries free", np.trace(Q.T @ B), Q, B),
]


@pytest.mark.parametrize(("node", "wrt", "result"), [g[1:] for g in GRADIENTS], ids=[g[0] for g in GRADIENTS])
def test_right_derivatives_are_checked_and_perturbed_ones_refuted(node, wrt, result):
    verdict = judge_derivative(node.node, wrt.node, laid(result))
    assert verdict.status is Status.checked, str(verdict)
    assert verdict.evidence.points >= 4
    for wrong in (result * (1 + 1e-12) + 1e-12, 2 * result + 1, -result + 1):
        assert judge_derivative(node.node, wrt.node, laid(wrong)).status is Status.refuted


def test_right_hessians_are_checked_and_wrong_ones_refuted():
    curve = expit(X @ w) * expit(-X @ w)
    hessian = np.einsum("ni,n,nj->ij", X, curve, X) / n
    assert judge_derivative(LOGISTIC.node, w.node, laid(hessian), order=2).status is Status.checked
    wrong = np.einsum("ni,n,nj->ij", X, expit(X @ w), X) / n
    assert judge_derivative(LOGISTIC.node, w.node, wrong.node, order=2).status is Status.refuted
    soft = np.diag(s) - np.outer(s, s)
    assert judge_derivative(logsumexp(z).node, z.node, laid(soft), order=2).status is Status.checked
    assert judge_derivative(logsumexp(z).node, z.node, np.diag(s).node, order=2).status is Status.refuted


def test_mixed_hessians_have_both_shapes():
    node = v @ B @ v
    mixed = np.einsum("ij,k->kij", eye(d), v) + np.einsum("ik,j->kji", eye(d), v) * 1
    # d(v B v)/dv_k dB_ij = delta_ki v_j + v_i delta_kj
    right = np.einsum("ki,j->kij", eye(d), v) + np.einsum("kj,i->kij", eye(d), v)
    assert judge_derivative(node.node, (v.node, B.node), laid(right), order=2).status is Status.checked
    assert judge_derivative(node.node, (v.node, B.node), laid(mixed), order=2).status is Status.refuted


def test_missing_transpose_needs_two_dimensions():
    verdict = judge_derivative((v @ B @ v).node, v.node, (2 * B @ v).node)
    assert verdict.status is Status.refuted
    assert verdict.counterexample.sizes == {"d": 2}


def test_simplex_facts_do_not_hold_before_differentiating():
    assert judge_derivative(np.sum(p).node, p.node, ones(k).node).status is Status.checked
    assert judge_derivative(np.sum(p).node, p.node, (0 * p).node).status is Status.refuted
    assert judge_relation(relation(np.sum(p), "==", 1)).status is Status.checked


def test_kinks_are_skipped_and_counted():
    verdict = judge_derivative(np.sum(np.abs(v)).node, v.node, np.sign(v).node)
    assert verdict.status is Status.checked
    only = array("only", domain=interval(0, 0, closed="both"))
    verdict = judge_derivative(np.abs(only).node, only.node, (0 * only).node)
    assert verdict.status is Status.undecided
    assert "skipped" in verdict.reason


def test_a_result_undefined_where_the_derivative_exists_is_refuted():
    verdict = judge_derivative((x**2).node, x.node, (2 * x**2 / x).node)
    assert verdict.status is Status.refuted
    assert verdict.counterexample.rhs.startswith("undefined")
    away = judge_derivative((x**2).node, x.node, (2 * x * (x - 7) / (x - 7)).node)
    assert away.status is Status.refuted
    assert away.counterexample.values["x"] == 7


def test_points_outside_the_domain_of_the_function_are_skipped():
    verdict = judge_derivative(np.log(x).node, x.node, (1 / x).node)
    assert verdict.status is Status.checked
    assert verdict.evidence.skipped > 0
    assert judge_derivative(np.log(-1 - x**2).node, x.node, x.node).status is Status.undecided


def test_derivative_shapes_are_asked_for():
    with pytest.raises(ShapeError, match=r"\(d,\)"):
        judge_derivative(LOGISTIC.node, w.node, LOGISTIC.node)
    with pytest.raises(UnsupportedError):
        judge_derivative(LOGISTIC.node, w.node, w.node, order=3)


# -- differentials --------------------------------------------------------------------------------


def dif(of):
    return Array(Differential(of.node))


@pytest.mark.parametrize(
    ("lhs", "rhs", "changing", "expected"),
    [
        (dif(x**3), 3 * x**2 * dif(x), [x], "checked"),
        (dif(x**3), 2 * x**2 * dif(x), [x], "refuted"),
        (dif(x * y), x * dif(y) + y * dif(x), [x, y], "checked"),
        (dif(x * y), y * dif(x), [x], "checked"),
        (dif(x * y), y * dif(x), [x, y], "refuted"),
        (dif(y**2), as_array(0), [x], "checked"),
        (dif(dif(x**3)), 6 * x * dif(x) ** 2, [x], "checked"),
        (dif(dif(x**3)), 3 * x * dif(x) ** 2, [x], "refuted"),
        (dif(v @ B @ v), dif(v) @ (B + B.T) @ v, [v], "checked"),
        (dif(v @ B @ v), 2 * dif(v) @ B @ v, [v], "refuted"),
        (dif(np.log(x)), dif(x) / x, [x], "checked"),
        (dif(np.abs(x)), np.sign(x) * dif(x), [x], "checked"),
        (dif(logsumexp(z)), softmax(z) @ dif(z), [z], "checked"),
        (dif(x**3), 3 * x**2 * dif(x), [], "undecided"),
    ],
)
def test_differentials(lhs, rhs, changing, expected):
    verdict = judge_relation(Relation(lhs.node, "==", rhs.node), changing=[c.node for c in changing])
    assert verdict.status == expected, str(verdict)


def test_a_refuted_differential_shows_the_direction():
    claim = Relation(dif(x**3).node, "==", (2 * x**2 * dif(x)).node)
    found = judge_relation(claim, changing=[x.node]).counterexample
    assert found.values == {"x": 1, "dx": 1}
    assert (found.lhs, found.rhs) == ("3", "2")


# -- definedness ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (np.log(x), "refuted"),
        (np.log(t), "checked"),
        (np.log(r), "refuted"),
        (np.sum(entr(p)), "checked"),
        (np.sum(p * np.log(p)), "checked"),
        (np.sum(np.log(p)), "refuted"),
        (1 / (1 + x**2), "checked"),
        (1 / (x - 3), "refuted"),
        (1 / (2 * x + y - 7), "refuted"),
        (np.sqrt(x + 5), "refuted"),
        (np.log1p(np.abs(x)), "checked"),
        (1 / np.linalg.norm(v), "refuted"),
        (1 / (n - as_array(4)), "refuted"),
    ],
)
def test_definedness(node, expected):
    verdict = judge_defined(node.node)
    assert verdict.status == expected, str(verdict)


def test_definedness_under_a_condition():
    assert judge_defined(np.log(x).node, given=[relation(x, ">", 0)]).status is Status.checked
    assert judge_defined(np.log(x).node, given=[relation(x, ">=", 0)]).status is Status.refuted


@pytest.mark.parametrize("structure", [diagonal, lower_triangular, spd, symmetric, orthogonal, invertible])
def test_structures_reach_the_judge(structure):
    matrix = array("matrix", d, d, domain=structure)
    verdict = judged(np.trace(matrix @ matrix), "==", np.sum(matrix * matrix.T))
    assert verdict.status is Status.checked
    assert judged(matrix, "==", 2 * matrix).status is Status.refuted


def test_counts():
    count = array("count", domain=integers(0, 50))
    assert judged(np.sin(np.pi * count), "==", 0).status is Status.checked
    assert judged((-1) ** count * (-1) ** count, "==", 1).status is Status.certified
    assert judged(count, "<", 50).status is Status.refuted


@pytest.mark.parametrize(
    ("domain", "op", "bound"),
    [
        (positive, ">=", "1e-9"),
        (positive, ">=", "1e-30"),
        (positive, "<=", "1e20"),
        (real, "<=", "1e10"),
        (interval(0, 1), ">=", "1e-20"),
        (interval(0, 1), "<=", "0.999999999999999"),
    ],
)
def test_a_bound_that_fails_only_near_the_end_of_a_domain_is_refuted(domain, op, bound):
    """`x >= 1e-9` for positive x once passed as checked: no point was drawn beyond it."""
    edge = array("edge", domain=domain)
    assert judged(edge, op, Rational(bound)).status is Status.refuted
