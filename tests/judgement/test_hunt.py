"""Claims that fail only somewhere: at a tie, on a surface, far out, near an edge, by very little."""

import random

import numpy as np
import pytest
import sympy as sp
from scipy.special import polygamma

import symderive as sd
from symderive.checking.sides import read_claim
from symderive.errors import UnsupportedError
from symderive.judgement.floats import Floats
from symderive.judgement.hunt import Hunt
from symderive.judgement.judge import judge_relation
from symderive.judgement.points import Source
from symderive.judgement.surfaces import surface

x, y, z, a, b, c, d, p, q, s, t = sp.symbols("x y z a b c d p q s t")
n = sp.Symbol("n")
POSITIVE, OPEN, CLOSED, NONNEGATIVE = sd.positive, sd.interval(0, 1), sd.unit_interval, sd.nonnegative
ABOVE_ONE = sd.interval(1, sp.oo)
FROM_ONE = sd.integers(1, sp.oo)
log, exp, sqrt = sp.log, sp.exp, sp.sqrt


def entropy(*weights):
    return -sum(w * log(w) for w in weights)


BERNOULLI = entropy(p, 1 - p)
KL = p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))
SIGMOID = 1 / (1 + exp(-x))
INFORMATION = (
    a * log(a / ((a + b) * (a + c))) + b * log(b / ((a + b) * (b + d)))
    + c * log(c / ((c + d) * (a + c))) + d * log(d / ((c + d) * (b + d)))
)  # fmt: skip
TABLE = dict.fromkeys((a, b, c, d), OPEN)
ONE = [sp.Eq(a + b + c + d, 1)]
CIRCLE = [sp.Eq(x**2 + y**2, 1)]

TIGHT = {
    "binary entropy": (BERNOULLI, log(2), {p: OPEN}, []),
    "log": (log(x), x - 1, {x: POSITIVE}, []),
    "exp": (1 + x, exp(x), {}, []),
    "means": (sqrt(x * y), (x + y) / 2, {x: POSITIVE, y: POSITIVE}, []),
    "Pinsker": (2 * (p - q) ** 2, KL, {p: OPEN, q: OPEN}, []),
    "chi square": (KL, (p - q) ** 2 / (q * (1 - q)), {p: OPEN, q: OPEN}, []),
    "entropy above": (4 * log(2) * p * (1 - p), BERNOULLI, {p: OPEN}, []),
    "slope of the sigmoid": (SIGMOID * (1 - SIGMOID), sp.Rational(1, 4), {}, []),
    "sine": (sp.sin(x), sp.Integer(1), {}, []),
    "Gaussian": (sp.cosh(x), exp(x**2 / 2), {}, []),
    "Nesbitt": (sp.Rational(3, 2), a / (b + c) + b / (a + c) + c / (a + b), dict.fromkeys((a, b, c), POSITIVE), []),
    "x/exp(x)": (x * exp(-x), exp(-1), {}, []),
    "log(x)/x": (log(x) / x, exp(-1), {x: POSITIVE}, []),
    "x to the x": (exp(-exp(-1)), x**x, {x: POSITIVE}, []),
    "Cauchy": ((a * c + b * d) ** 2, (a**2 + b**2) * (c**2 + d**2), {}, []),
    "maximum": (log(exp(x) + exp(y)), sp.Max(x, y) + log(2), {}, []),
    "Jensen": ((log(x) + log(y)) / 2, log((x + y) / 2), {x: POSITIVE, y: POSITIVE}, []),
    "information": (sp.Integer(0), INFORMATION, TABLE, ONE),
    "information above": (INFORMATION, entropy(a + b, c + d), TABLE, ONE),
    "entropy of three": (entropy(a, b, c), log(3), dict.fromkeys((a, b, c), OPEN), [sp.Eq(a + b + c, 1)]),
    "weighted means": (x**t * y ** (1 - t), t * x + (1 - t) * y, {x: POSITIVE, y: POSITIVE, t: OPEN}, []),
    "powers": (1 + n * x, (1 + x) ** n, {x: sd.interval(-1, sp.oo, closed="left"), n: FROM_ONE}, []),
    "powers of two": (n + 1, sp.Integer(2) ** n, {n: sd.integers(0, sp.oo)}, []),
    "hyperbola": (sp.Integer(2), x + y, {x: POSITIVE, y: POSITIVE}, [sp.Eq(x * y, 1)]),
    "circle": (x * y, sp.Rational(1, 2), {}, CIRCLE),
    "circle across": (x + y, sqrt(2), {}, CIRCLE),
    "Young": (x * y, x**p / p + y**q / q, {x: POSITIVE, y: POSITIVE, p: ABOVE_ONE, q: ABOVE_ONE},
              [sp.Eq(1 / p + 1 / q, 1)]),
    "tanh": (sp.tanh(x), x, {x: NONNEGATIVE}, []),
    "variance": (p * (1 - p), sp.Rational(1, 4), {p: CLOSED}, []),
    "log sum": ((a + b) * log((a + b) / (c + d)), a * log(a / c) + b * log(b / d),
                dict.fromkeys((a, b, c, d), POSITIVE), []),
    "normal laws": (sp.Rational(1, 2), log(s / t) + (t**2 + (a - b) ** 2) / (2 * s**2), {s: POSITIVE, t: POSITIVE}, []),
    "error function": (sp.erf(x), 2 * x / sqrt(sp.pi), {x: NONNEGATIVE}, []),
}  # fmt: skip
"""True inequalities, left <= right, whose sides meet or come arbitrarily near to each other."""

UNATTAINED = {"information above"}


def judged(lhs, op, rhs, domains, given):
    claim = read_claim(lhs, op, rhs, domains=domains, given=given)
    return judge_relation(claim.relation, given=claim.given)


def spoiled(name, rng):
    """False claims made of a true one: strict, or off by a little."""
    lhs, rhs, domains, given = TIGHT[name]
    if name not in UNATTAINED:
        yield lhs, "<", rhs, domains, given
    for k in (3, 9, 12):
        small = sp.Rational(rng.randint(1, 9), 10**k)
        yield rhs - small, ">=", lhs, domains, given
        if lhs != 0:
            yield lhs, "<=", rhs - small * abs(rhs), domains, given


@pytest.mark.parametrize("name", TIGHT)
def test_a_true_inequality_stands_and_is_refuted_once_it_is_spoiled(name):
    lhs, rhs, domains, given = TIGHT[name]
    assert judged(lhs, "<=", rhs, domains, given).upheld
    for claim in spoiled(name, random.Random(name)):
        verdict = judged(*claim)
        assert verdict.status == "refuted", (claim[:3], verdict)
        assert holds_not(*claim[:3], verdict)


def holds_not(lhs, op, rhs, verdict):
    """Whether a relation fails at the counterexample, by 60 digits and SymPy."""
    at = {sp.Symbol(k): sp.Rational(v.numerator, v.denominator) if not isinstance(v, sp.Basic) else v
          for k, v in verdict.counterexample.values.items()}  # fmt: skip
    gap = sp.N((sp.sympify(lhs) - rhs).subs(at), 60, maxn=400)
    near = abs(gap) < sp.Float(10) ** -40
    return bool(near) if op == "<" and near else bool(gap > 0 if op != ">=" else gap < 0)


@pytest.mark.parametrize(
    ("lhs", "op", "rhs", "domains"),
    [
        (log(1 + exp(x)), "<=", x + sp.Rational(1, 10**14), {}),
        (sp.Max(x - 30, 0), "==", 0, {}),
        (sp.Max(x - 10**4, 0) * sp.Max(10**4 + 1 - x, 0), "==", 0, {}),
        (sp.Piecewise((x, x < 10**6), (x + exp(-x/10**6), True)), "==", x, {}),
        (log(x), ">=", -13, {x: OPEN}),
        (log(x), ">=", -30, {x: OPEN}),
        (sp.Integer(2) ** n, ">=", n**2, {n: FROM_ONE}),
        (sp.factorial(n), ">", sp.Integer(2) ** n / 2, {n: FROM_ONE}),
        (n**2 + n + 41, "!=", 47, {n: FROM_ONE}),
        (x**2 + 1, "!=", 2 * x, {}),
        (sp.Abs(x - y), ">", 0, {}),
        (x * y * (x - y) * (1 - x - y), "==", 0, {x: POSITIVE, y: POSITIVE}),
        (1 / (1 + (x - y) ** 2), "<", 1, {}),
        (x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 + 1, ">=", sp.Rational(1, 10**12), {}),
        (exp(-(x - 7) ** 2 * 10**4), "<=", sp.Rational(1, 2), {}),
        (sp.sign(x) ** 2, "==", 1, {}),
        ((x**2 - 2) ** 2, ">", 0, {}),
        ((x**2 - 3 * x + 1) ** 2, ">", 0, {}),
        ((2 * x**2 - 2 * x - 1) ** 2 + 1, ">", 1, {x: POSITIVE}),
        (x**3, "!=", 2, {}),
        (exp(x), "!=", 2, {}),
        (sp.cos(x) + sp.sin(x), "<", sqrt(2), {}),
        (sp.Max(x, y, z), ">", (x + y + z) / 3, {}),
        (sp.tanh(x), "<=", sp.Rational(999999, 10**6), {}),
    ],
)
def test_what_fails_only_somewhere_is_refuted(lhs, op, rhs, domains):
    verdict = judged(lhs, op, rhs, domains, [])
    assert verdict.status == "refuted", verdict


def test_a_tie_that_is_refuted_is_called_one():
    verdict = judged(INFORMATION, ">", 0, TABLE, ONE)
    assert verdict.status == "refuted"
    assert sum(verdict.counterexample.values.values()) == 1
    equal = judged(exp(-exp(-1)), "<", x**x, {x: POSITIVE}, [])
    assert "both sides are equal there" in equal.reason
    assert equal.counterexample.values == {"x": exp(-1)}


def test_sides_that_only_nearly_meet_far_out_do_not_spoil_a_strict_claim():
    assert judged(log(exp(x) + exp(y)), ">", sp.Max(x, y), {}, []).upheld
    assert judged(sp.tanh(x), "<", 1, {}, []).upheld
    assert judged(log(1 + exp(x)), ">", x, {}, []).upheld


@pytest.mark.parametrize(
    ("lhs", "op", "rhs"), [((sp.cos(x) - x) ** 2, ">", 0), (sp.cos(x), "!=", x), (sp.Abs(x**3 + x - 1), ">", 0)]
)
def test_sides_that_meet_where_no_exact_point_shows_it_are_undecided(lhs, op, rhs):
    verdict = judged(lhs, op, rhs, {}, [])
    assert verdict.status == "undecided"
    assert "seem to meet near x = " in verdict.reason


def test_sides_that_only_come_near_do_not_seem_to_meet():
    for lhs, op, rhs in (
        (x**2 + sp.Rational(1, 10**6), ">", 0),
        (exp(-(x**2)), ">", 0),
        (sp.cosh(x), ">", sp.Rational(999, 1000)),
        (sp.atan(x), "<", sp.pi / 2),
        (x**2 - 2 * x + 1 + sp.Rational(1, 10**6), "!=", 0),
    ):
        assert judged(lhs, op, rhs, {}, []).upheld, (lhs, op, rhs)


def test_an_empty_set_of_points_upholds_nothing():
    assert judged(x, ">", x + 1, {x: POSITIVE}, [sp.Lt(x, -1)]).status == "undecided"
    assert judged(x, "<=", y, {}, [sp.Eq(x**2 + y**2, -1)]).status == "undecided"
    assert judged(x, "<=", y, {x: OPEN, y: OPEN}, [sp.Eq(x + y, 3)]).status == "undecided"


@pytest.mark.parametrize(
    ("given", "domains"),
    [
        ([sp.Eq(a + b + c + d, 1)], TABLE),
        ([sp.Eq(a + b + c + d, 1), sp.Eq(a * d, b * c)], TABLE),
        ([sp.Eq(1 / p + 1 / q, 1)], {p: sd.interval(1, sp.oo)}),
        ([sp.Eq(x**2 + y**2, 1)], {}),
        ([sp.Eq(x**2 + y**2 + z**2, 1), sp.Eq(a, x + y)], {}),
        ([sp.Eq(x**2 - 2 * y**2, 1)], {}),
        ([sp.Eq(2 * x + 3 * y, 5), sp.Eq(x - z, y)], {x: POSITIVE, y: POSITIVE}),
    ],
)
def test_points_lie_exactly_on_what_is_given(given, domains):
    names = sorted(set().union(*(e.free_symbols for e in given)), key=str)
    claim = read_claim(sum(names), "==", 0, domains=domains, given=given)
    leaves = claim.relation.lhs.leaves()
    assert surface(claim.given, leaves) is not None
    source = Source(leaves, claim.given, (), 3, [])
    found = 0
    for k in range(40):
        point = source.point({}, ("moderate", "edges", "mixed", "special")[k % 4], k, 6)
        if point is None:
            continue
        found += 1
        at = {sp.Symbol(name): sp.Rational(v.numerator, v.denominator)
              for name, v in point.instance.named_values().items()}  # fmt: skip
        assert all(sp.simplify(e.lhs.subs(at) - e.rhs.subs(at)) == 0 for e in given)
    assert found > 20


def test_floats_agree_with_their_oracle_and_refuse_what_they_do_not_know():
    u, v = sd.array("u"), sd.array("v")
    value = np.where(u > v, np.log1p(u) * v**1.5, np.maximum(u, -v)) - 3 * u * v
    columns = {u.node: np.array([1.0, 2.0, 0.5]), v.node: np.array([2.0, 1.0, 0.25])}
    expected = [1.0 - 6.0, np.log(3.0) - 6.0, np.log(1.5) * 0.125 - 0.375]
    form = Floats([value.node])
    assert np.allclose(form(columns)[0], expected)
    assert np.all(form.sizes[0] >= np.abs(expected))
    with pytest.raises(UnsupportedError):
        Floats([np.sum(sd.array("w", "n")).node])


def test_polygamma_far_below_zero_has_no_value_rather_than_a_long_wait():
    """SciPy goes there one pole at a time: 2 s at -1e8, hours at -1e12; a hunt meets such points."""
    x = sd.array("x")
    (values,) = Floats([np.log(sd.polygamma(1, x)).node])({x.node: np.array([-1e8 + 0.5, -20.5, 1.0])})
    assert np.isnan(values[0])
    assert values[1:] == pytest.approx(np.log([polygamma(1, -20.5), np.pi**2 / 6]), rel=1e-12)


def test_nothing_is_hunted_among_arrays():
    w = sd.array("w", "n")
    claim = read_claim(np.sum(w), "<=", 1)
    statement = type("Statement", (), {"cap": 1, "op": "<=", "roots": (claim.relation.lhs, claim.relation.rhs)})()
    with pytest.raises(UnsupportedError):
        Hunt(statement, Source((w.node,), (), (), 0, []), 0)
