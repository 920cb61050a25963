"""Derivatives, integrals and sums over integers as parts of claims: read, printed, opened and judged."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from support.claims import assert_proved_and_exact

import symderive as sd
from symderive.checking.sides import read_claim
from symderive.derivation.checker import replay
from symderive.judgement.balls import evaluate
from symderive.judgement.elements import Undefined
from symderive.judgement.instances import Instance
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.nodes import Binding, Node
from symderive.language.sympy_input import legal_names
from symderive.rendering.json import from_json, to_json

x, y, t, k, n, p, s = sp.symbols("x y t k n p s")
lam = sp.Symbol("lambda")

TEXTS = (
    "sd.derivative(np.exp(x * t), x)",
    "sd.derivative(x**2 * t, x, 2, t, 1)",
    "sd.derivative(np.sin(x), x, at=0)",
    "sd.derivative(x * t**2, x, 1, t, 1, at=(0, 1))",
    "sd.integral(np.exp(-x**2), x, -inf, inf)",
    "sd.integral(sd.integral(x * t, x, 0, t), t, 0, 1)",
    "3 * sd.series(x**k, k, 0, inf)**2 + x",
    "sd.derivative(sd.integral(np.exp(-t**2), t, 0, x), x)",
)


def side(text: object) -> Array:
    return read_claim(text, "==", 0).lhs


def value(text: object, **at: object) -> object:
    """A formula at rational values of its names."""
    node = side(text).node
    values = {leaf: np.array(Fraction(str(at[leaf.name])), dtype=object) for leaf in node.leaves()}
    return evaluate(node, Instance({}, values))[()]


# -- reading and printing -----------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
def test_text_reads_back_and_json_keeps_it(text: str):
    read = side(text)
    assert str(side(str(read))) == str(read)
    assert side(str(read)).node is read.node
    assert from_json(to_json(read)).node is read.node
    assert "Binding" not in read.latex
    assert "·" not in read.latex + str(read)


def test_sympy_and_text_say_the_same():
    pairs = (
        (sp.Derivative(sp.sin(x) * y, x, y), "Derivative(sin(x)*y, x, y)"),
        (sp.Integral(x * t, (x, 0, t), (t, 0, 1)), "Integral(x*t, (x, 0, t), (t, 0, 1))"),
        (sp.Subs(sp.Derivative(sp.exp(t * x), t), t, 0), "Subs(Derivative(exp(t*x), t), t, 0)"),
        (sp.Sum(x**k, (k, 0, sp.oo)), "Sum(x**k, (k, 0, oo))"),
    )
    for symbolic, text in pairs:
        assert sd.check(symbolic, "==", text, domains={"x": sd.interval(-1, 1)}).status != "refuted"
        kinds = [[n.kind for n in side(e).node.walk() if isinstance(n, Binding)] for e in (symbolic, text)]
        assert kinds[0] == kinds[1] != []


def test_bound_variables_are_hidden():
    node = side("sd.integral(exp(-a*x), x, 0, b) + x").node
    integral = next(n for n in node.walk() if isinstance(n, Binding))
    assert {leaf.name for leaf in integral.leaves()} == {"a", "b"}
    # what is put in for a cannot be captured by the bound x
    leaves = {leaf.name: leaf for leaf in node.leaves()}
    moved = build.substitute(integral, {leaves["a"]: leaves["x"]})
    text = str(Array(moved))
    assert text == "sd.integral(np.exp(-x * x_1), x_1, 0, b)"
    at = {leaves["x"]: np.array(Fraction(2), dtype=object), leaves["b"]: np.array(Fraction(1), dtype=object)}
    found = evaluate(moved, Instance({}, at))[()]
    assert abs(float(found.mid()) - (1 - float(mpmath.exp(-2))) / 2) < 1e-15


def test_a_derivative_at_a_point_is_no_derivative_of_the_point():
    a = sd.array("a")
    inner = sd.derivative(a**3, a).node
    at_two = build.substitute(inner, {a.node: build.number(2)})
    assert evaluate(at_two, Instance({}, {}))[()] == 12


@pytest.mark.parametrize("name", ["lambda", "if", "x'", "2a", "a b", "sigma^2", "{}", "import os", "λ·", "None"])
def test_any_symbol_is_read(name: str):
    symbol = sp.Symbol(name)
    assert sd.check(symbol + symbol, "==", 2 * symbol).status == "proved"
    assert sd.check(sp.sqrt(symbol**2), "==", symbol, domains={symbol: sd.positive}).status == "proved"
    assert sd.check(sp.sqrt(symbol**2), "==", symbol, domains={name: sd.positive}).status == "proved"
    assert sd.check(sp.sqrt(symbol**2), "==", symbol).status == "refuted"
    assert sd.check(sp.sqrt(symbol**2), "==", symbol, given=[symbol > 0]).upheld


def test_a_bound_variable_may_be_given_a_domain():
    claimed = sp.Sum(lam**k * sp.exp(-lam) / sp.factorial(k), (k, 0, sp.oo))
    assert sd.check(claimed, "==", 1, domains={lam: sd.positive, k: sd.integers(0, sp.oo)}).status == "proved"
    with pytest.raises(sd.UnknownNameError):
        sd.check(claimed, "==", 1, domains={lam: sd.positive, y: sd.positive})


def test_no_two_symbols_share_a_name():
    legal = legal_names([sp.Symbol("lambda") + sp.Symbol("lam") + sp.Symbol("a b") + sp.Symbol("a_b")])
    assert len({legal.get(n, n) for n in ("lambda", "lam", "a b", "a_b")}) == 4
    assert sd.check(sp.Symbol("lambda"), "==", sp.Symbol("lam")).status == "refuted"


def test_what_cannot_be_read_is_refused_by_name():
    f = sp.Function("f")
    for expr, word in (
        (sp.Derivative(f(x), x), "undefined function"),
        (sp.Integral(x, x), "two limits"),
        (sp.Integral(x, (x, sp.oo, 0)), "begins at oo"),
        (sp.Derivative(sp.exp(x), (x, 9)), "up to order 8"),
    ):
        with pytest.raises(sd.UnsupportedError, match=word):
            side(expr)
    with pytest.raises(sd.ReadError, match="variable and its two ends"):
        side("sd.integral(x, x, 0)")


def test_what_has_no_rule_for_them_refuses_by_name():
    integral = side("sd.integral(exp(-a*x), x, 0, 1)")
    for use in (lambda: sd.gradient(integral, "a"), lambda: sd.compile(integral, wrt="a"), integral.to_sympy):
        with pytest.raises(sd.UnsupportedError, match="Binding"):
            use()


# -- derivatives --------------------------------------------------------------------------------

FUNCTIONS = (
    (sp.exp(-x**2) * sp.sin(x), "1/3"),
    (sp.log(1 + sp.exp(x)), "-2"),
    (x**sp.Rational(5, 2) / (1 + x), "7/4"),
    (sp.erf(x) * sp.atan(x), "2/5"),
    (sp.loggamma(x) + sp.gamma(x), "9/4"),
    (sp.tanh(x) / (1 + x**2), "-3/7"),
)


@pytest.mark.parametrize(("function", "point"), FUNCTIONS)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_against_sixty_digits(function: sp.Expr, point: str, order: int):
    found = value(sp.Derivative(function, (x, order)), x=point)
    with mpmath.workdps(60):
        at = mpmath.mpf(sp.Rational(point).p) / sp.Rational(point).q
        true = mpmath.diff(sp.lambdify(x, function, "mpmath"), at, order)
        assert abs(mpmath.mpf(str(found.mid().str(40, radius=False))) - true) < mpmath.mpf(10) ** -25 * (1 + abs(true))


def test_mixed_derivatives():
    f = sp.exp(x * y) * sp.sin(x + 2 * t)
    for by in ((x, y), (x, x, y), (x, y, t), (x, x, y, t)):
        found = value(sp.Derivative(f, *by), x="1/3", y="-1/2", t="2")
        with mpmath.workdps(40):
            g = sp.lambdify((x, y, t), f, "mpmath")
            at = (mpmath.mpf(1) / 3, mpmath.mpf(-1) / 2, mpmath.mpf(2))
            orders = tuple(by.count(v) for v in (x, y, t))
            true = mpmath.diff(g, at, orders)
            assert abs(mpmath.mpf(found.mid().str(30, radius=False)) - true) < mpmath.mpf(10) ** -14


def test_derivatives_of_derivatives_move():
    inner = sp.Derivative(sp.sin(x * t), x)
    found = value("sd.derivative(t * sd.derivative(sin(x*t), x), t)", x=1, t=2)
    true = sp.diff(t * sp.diff(sp.sin(x * t), x), t).subs({x: 1, t: 2})
    assert abs(float(found.mid()) - float(true)) < 1e-15
    assert sd.check(sp.Derivative(t * inner, t), "==", sp.cos(x * t) * 2 * t - x * t**2 * sp.sin(x * t)).upheld


def test_derivatives_at_kinks():
    assert isinstance(value(sp.Derivative(sp.Max(x, 0), x), x=0), Undefined)
    assert isinstance(value(sp.Derivative(sp.sign(x), x), x=0), Undefined)
    assert isinstance(value(sp.Derivative(x * sp.Abs(x), (x, 2)), x=0), Undefined)
    assert value(sp.Derivative(x * sp.Abs(x), x), x=0) == 0
    assert value(sp.Derivative(sp.Abs(x) ** 3, (x, 2)), x=0) == 0
    wrong = sd.check(sp.Derivative(sp.Abs(x), x), "==", sp.sign(x))
    assert wrong.status == "refuted"
    assert "x = 0" in str(wrong.counterexample)
    assert wrong.hint == "true if x != 0"
    assert sd.check(sp.Derivative(sp.Abs(x), x), "==", sp.sign(x), domains={x: sd.nonzero}).status == "proved"


sigmoid = 1 / (1 + sp.exp(-x))
gauss = sp.exp(-((x - y) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
TRUE = (
    (sp.Derivative(sigmoid, x, 3), sp.diff(sigmoid, x, 3), {}),
    (sp.Derivative(sp.log(gauss), s), ((x - y) ** 2 - s**2) / s**3, {s: sd.positive}),
    (sp.Derivative(x**x, x), x**x * (sp.log(x) + 1), {x: sd.positive}),
    (sp.Derivative(sp.asin(x), x), 1 / sp.sqrt(1 - x**2), {x: sd.interval(-1, 1)}),
    (sp.Derivative(p**lam * (1 - p) ** y, p), (lam / p - y / (1 - p)) * p**lam * (1 - p) ** y, {p: sd.interval(0, 1)}),
    (sp.Derivative(x * sp.log(x / y), x, y), -1 / y, {x: sd.positive, y: sd.positive}),
    (sp.Subs(sp.Derivative(sp.log(p * sp.exp(t) + 1 - p), t, 2), t, 0), p * (1 - p), {p: sd.unit_interval}),
)


@pytest.mark.parametrize(("lhs", "rhs", "domains"), TRUE)
def test_true_derivatives_are_proved_and_replayed_and_near_misses_refuted(lhs, rhs, domains):
    verdict = sd.check(lhs, "==", rhs, domains=domains)
    assert verdict.status == "proved", verdict
    assert replay(verdict.trace).ok
    assert any(line.rule == "derivative by the rules" for line in verdict.trace)
    for wrong in (rhs + sp.Rational(1, 10**12), -rhs, rhs * (1 + sp.Rational(1, 10**9))):
        assert sd.check(lhs, "==", wrong, domains=domains).status == "refuted"


def test_a_trace_with_another_derivative_does_not_replay():
    verdict = sd.check(sp.Derivative(sp.sin(x), x), "==", sp.cos(x))
    first, *rest = verdict.trace
    forged = first.__class__(first.before, build.scale(2, first.after), first.rule)
    assert not replay((forged, *rest)).ok
    assert not replay((first.__class__(forged.before, forged.after, forged.rule),)).ok


def test_a_derivative_where_its_function_is_undefined():
    verdict = sd.check(sp.Derivative(sp.log(x), x), "==", 1 / x, domains={x: sd.nonzero})
    assert verdict.status == "refuted"
    assert sd.check(sp.Derivative(sp.log(x), x), "==", 1 / x, domains={x: sd.positive}).status == "proved"


def test_inequalities_of_derivatives():
    assert sd.check(sp.Derivative(x * sp.log(x), x, 2), ">", 0, domains={x: sd.positive}).status == "proved"
    assert sd.check(sp.Derivative(sigmoid, x, 2), ">=", 0).status == "refuted"


def test_leaves_that_are_bound_are_no_leaves():
    node: Node = side("sd.series(x**k, k, 0, inf)").node
    assert [leaf.name for leaf in node.leaves()] == ["x"]


# -- integrals and sums in ball arithmetic --------------------------------------------------------

mu = sp.Symbol("mu")
INTEGRALS = (
    (sp.exp(-(x**2)), (0, 1), {}),
    (sp.exp(-((x - mu) ** 2) / 2) * x**2, (-sp.oo, sp.oo), {"mu": "7/3"}),
    (sp.exp(-((x - mu) ** 2) * 50), (-sp.oo, sp.oo), {"mu": "1000"}),
    (x ** (y - 1) * sp.exp(-x), (0, sp.oo), {"y": "1/3"}),
    (x ** (y - 1) * (1 - x) ** (s - 1), (0, 1), {"y": "1/2", "s": "9/4"}),
    (-sp.log(x), (0, 1), {}),
    (sp.log(x) ** 2 * sp.exp(-x), (0, sp.oo), {}),
    (1 / (1 + x**2), (-sp.oo, sp.oo), {}),
    (sp.Abs(x - mu) * sp.exp(-sp.Abs(x)), (-sp.oo, sp.oo), {"mu": "1/2"}),
    (sp.Max(x, 1 - x) ** 3, (-1, 2), {}),
    (sp.exp(-x) / (1 + sp.exp(-x)) ** 2 * x**2, (-sp.oo, sp.oo), {}),
    (sp.Piecewise((x, x < mu), (x**2, True)), (0, 2), {"mu": "1/3"}),
    (sp.erf(x) * sp.exp(-x), (0, sp.oo), {}),
    (sp.gamma(x), (1, 3), {}),
    (sp.atan(x), (0, 2), {}),
    (sp.sqrt(1 - x**2), (-1, 1), {}),
)


@pytest.mark.parametrize(("function", "ends", "at"), INTEGRALS)
def test_integrals_against_mpmath(function, ends, at):
    found = value(sp.Integral(function, (x, *ends)), **at)
    numbers = {sp.Symbol(name): sp.Rational(v) for name, v in at.items()}
    f = sp.lambdify(x, function.subs(numbers), "mpmath")
    with mpmath.workdps(30):
        marks = sorted({*(mpmath.mpf(float(e)) for e in ends), *(mpmath.mpf(m) for m in (-3, 0, 0.5, 1, 3))})
        marks += [mpmath.mpf(sp.Rational(v).p) / sp.Rational(v).q for v in at.values()]
        if at.get("mu") == "1000":
            marks += [mpmath.mpf(m) for m in (998, 999, 1001, 1002)]
        low, high = mpmath.mpf(float(ends[0])), mpmath.mpf(float(ends[1]))
        true = mpmath.quad(f, sorted({m for m in marks if low <= m <= high}))
        assert abs(mpmath.mpf(found.mid().str(25, radius=False)) - true) < mpmath.mpf(10) ** -9 * (1 + abs(true))
        assert float(found.rad()) < 1e-20 * float(1 + abs(true))


SERIES = (
    (x**k / sp.factorial(k) * k**2, 0, {"x": "7/2"}),
    (x**k / sp.factorial(k), 0, {"x": "-7"}),
    (x**k * k**3, 0, {"x": "-9/10"}),
    (x**k / k, 1, {"x": "1/2"}),
    (1 / k**2, 1, {}),
    (1 / (k * (k + 1) * (2 * k + 1)), 1, {}),
    (sp.binomial(k + 2, k) * x**k, 0, {"x": "1/3"}),
    (sp.exp(-((k - x) ** 2)), 0, {"x": "5"}),
)


@pytest.mark.parametrize(("term", "low", "at"), SERIES)
def test_series_against_mpmath(term, low, at):
    found = value(sp.Sum(term, (k, low, sp.oo)), **at)
    f = sp.lambdify(k, term.subs({sp.Symbol(name): sp.Rational(v) for name, v in at.items()}), "mpmath")
    with mpmath.workdps(40):
        true = mpmath.nsum(lambda i: f(i), [low, mpmath.inf])
        assert abs(mpmath.mpf(found.mid().str(25, radius=False)) - true) < mpmath.mpf(10) ** -14 * (1 + abs(true))
        assert float(found.rad()) < 1e-20 * float(1 + abs(true))


def test_a_slow_series():
    found = value(sp.Sum(k ** sp.Rational(-3, 2), (k, 1, sp.oo)))
    with mpmath.workdps(40):
        assert abs(mpmath.mpf(found.mid().str(30, radius=False)) - mpmath.zeta(mpmath.mpf(3) / 2)) < 1e-25


DIVERGENT = (
    sp.Integral(1 / x, (x, 0, 1)),
    sp.Integral(1 / x, (x, 1, sp.oo)),
    sp.Integral(1 / x**2, (x, -1, 1)),
    sp.Integral(x / (1 + x**2), (x, -sp.oo, sp.oo)),
    sp.Integral(1 / (1 + x), (x, 0, sp.oo)),
    sp.Integral(1 / (1 - x), (x, 0, 1)),
    sp.Sum(1 / k, (k, 1, sp.oo)),
    sp.Sum(sp.Rational(3, 2) ** k, (k, 0, sp.oo)),
    sp.Sum((-1) ** k, (k, 0, sp.oo)),
    sp.Sum(k / (k + 1), (k, 1, sp.oo)),
    sp.Sum(sp.factorial(k) / 2**k, (k, 0, sp.oo)),
)
CONDITIONAL = (
    sp.Integral(sp.cos(x), (x, 0, sp.oo)),
    sp.Integral(sp.sin(x) / x, (x, 1, sp.oo)),
    sp.Sum((-1) ** k / k, (k, 1, sp.oo)),
    sp.Sum((-1) ** k / sp.sqrt(k), (k, 1, sp.oo)),
)
CONVERGENT = (
    (sp.Integral(1 / x**t, (x, 1, sp.oo)), 1 / (t - 1), (1, 3), (0, 3)),
    (sp.Integral(x**t, (x, 0, 1)), 1 / (1 + t), (-1, 3), (-2, -1)),
    (sp.Integral(sp.exp(t * x), (x, 0, sp.oo)), -1 / t, (-3, 0), (0, 3)),
    (sp.Sum(t**k, (k, 0, sp.oo)), 1 / (1 - t), (-1, 1), (1, 2)),
)

@pytest.mark.parametrize("claimed", DIVERGENT)
def test_what_diverges_has_no_value(claimed):
    for op in ("==", "<=", ">="):
        assert sd.check(claimed, op, 1).status == "refuted"


@pytest.mark.parametrize("claimed", CONDITIONAL)
def test_what_converges_by_its_signs_or_not_at_all_is_left_open(claimed):
    for op in ("==", "<=", ">="):
        assert sd.check(claimed, op, 1).status == "undecided"


@pytest.mark.parametrize(("left", "right", "good", "bad"), CONVERGENT)
def test_divergence_is_said_on_the_right_side_of_the_border(left, right, good, bad):
    assert sd.check(left, "==", right, domains={t: sd.interval(*good)}).upheld
    found = sd.check(left, "==", right, domains={t: sd.interval(*bad)})
    assert found.status == "refuted"
    assert "diverges" in found.reason, found


def test_an_integral_of_the_wrong_order_is_negative():
    assert sd.check(sp.Integral(x, (x, 1, 0)), "==", -sp.Rational(1, 2)).upheld
    assert sd.check(sp.Integral(x, (x, 1, 0)), "==", sp.Rational(1, 2)).status == "refuted"


def test_integrals_of_one_part_in_a_thousand_million():
    area = sp.Integral(sp.exp(-(x**2)), (x, 0, 1))
    for scale in (1 + sp.Rational(1, 10**9), 1 - sp.Rational(1, 10**15)):
        assert sd.check(area, "==", sp.sqrt(sp.pi) * sp.erf(1) / 2 * scale).status == "refuted"
    assert sd.check(sp.Sum(1 / k**2, (k, 1, sp.oo)), "==", sp.pi**2 / 6 + sp.Rational(1, 10**12)).status == "refuted"


def test_derivatives_of_integrals_by_parameters_and_ends():
    by_end = sp.Derivative(sp.Integral(sp.exp(-(s**2) * x), (s, 0, x**2)), x)
    found = value(by_end, x="4/5")
    with mpmath.workdps(30):
        true = mpmath.diff(lambda v: mpmath.quad(lambda u: mpmath.exp(-(u**2) * v), [0, v**2]), mpmath.mpf("0.8"))
        assert abs(mpmath.mpf(found.mid().str(20, radius=False)) - true) < mpmath.mpf(10) ** -12


def test_binomial_coefficients_beyond_their_row_are_zero():
    m, j = sp.Symbol("m", integer=True, nonnegative=True), sp.Symbol("j", integer=True, nonnegative=True)
    assert sd.check(sp.binomial(2, j), "==", 0, given=[j > 2]).upheld
    pascal = sp.binomial(m, j) + sp.binomial(m, j + 1)
    assert sd.check(pascal, "==", sp.binomial(m + 1, j + 1)).status == "proved"
    assert sd.check(pascal, "==", sp.binomial(m + 1, j)).status == "refuted"
    assert sd.check(j * sp.binomial(m, j), "==", m * sp.binomial(m - 1, j - 1), given=[m > 0]).status == "proved"
    assert sd.check(sp.log(sp.binomial(m, j)), ">=", 0).status == "refuted"


def test_the_end_of_a_sum_is_a_number():
    """Not a dimension: the laws of sums speak of it, and so do inequalities."""
    assert sd.check(sp.Sum(k, (k, 1, n)), "==", n * (n + 1) / 2).status == "proved"
    assert sd.check(sp.Sum(1 / k, (k, 1, n)), ">=", sp.log(n + 1)).upheld
    assert sd.check(sp.Sum(1 / k, (k, 1, n)), ">=", sp.log(n + 1) + sp.Rational(1, 2)).status == "refuted"
    entries = sp.IndexedBase("z")
    assert sd.check(sp.Sum(entries[k], (k, 1, n)) / n, "==", sp.Sum(entries[k] / n, (k, 1, n))).status == "proved"
    both = sp.Sum(k, (k, 1, n)) * sp.Sum(entries[k], (k, 1, n))
    assert sd.check(both, "==", n * (n + 1) / 2 * sp.Sum(entries[k], (k, 1, n))).upheld


a = sp.Symbol("a", positive=True)
r = sp.Symbol("r", real=True)
mills = sp.Integral(sp.exp(-((x - t) ** 2)), (x, 0, sp.oo))
cumulants = sp.log(sp.Integral(sp.exp(t * x - x**2 / 2), (x, -sp.oo, sp.oo)))
UNDER_THE_SIGN = {
    "rate": (sp.Derivative(sp.Integral(x * sp.exp(-a * x), (x, 0, sp.oo)), a), -2 / a**3, {}),
    "twice": (sp.Derivative(sp.Integral(sp.exp(-a * x), (x, 0, sp.oo)), a, 2), 2 / a**3, {}),
    "exponent": (
        sp.Derivative(sp.Integral(x ** (a - 1) * sp.exp(-x), (x, 0, sp.oo)), a), sp.gamma(a) * sp.digamma(a), {}
    ),
    "shift": (sp.Derivative(mills, t), sp.exp(-(t**2)), {}),
    "cumulant": (sp.Derivative(cumulants, t, 2), 1, {}),
    "geometric": (sp.Derivative(sp.Sum(r**k, (k, 0, sp.oo)), r), 1 / (1 - r) ** 2, {r: sd.interval(-1, 1)}),
    "poisson": (sp.Derivative(sp.log(sp.Sum(a**k / sp.factorial(k), (k, 0, sp.oo))), a), 1, {}),
}


@pytest.mark.parametrize("name", UNDER_THE_SIGN)
def test_derivatives_under_the_sign(name):
    left, right, domains = UNDER_THE_SIGN[name]
    assert_proved_and_exact(left, right, domains, sp.Rational(1, 10**12))


def test_the_judge_differentiates_improper_integrals_as_mpmath_does():
    found = value(sp.Derivative(sp.Integral(x**2 * sp.exp(-s * x - x**2), (x, 0, sp.oo)), s), s="3/2")
    with mpmath.workdps(30):
        true = mpmath.quad(lambda v: -(v**3) * mpmath.exp(-mpmath.mpf(3) / 2 * v - v**2), [0, 1, 5, 20])
        assert abs(mpmath.mpf(found.mid().str(25, radius=False)) - true) < mpmath.mpf(10) ** -20
    # without a bound near the point there is no exchange: ∫ sin(sx)/x is π/2 for every s > 0
    assert not sd.check(sp.Derivative(sp.Integral(sp.sin(s * x) / x, (x, 0, sp.oo)), s), "==", 0).upheld
