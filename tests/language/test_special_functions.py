"""Special functions as rows: dispatch, text, derivatives of both orders, signs, SymPy and LaTeX forms; by mpmath."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special as sc
import scipy.stats
import sympy
from derivation.oracle import run_text
from mpmath import mp
from scipy.stats import norm
from support.evaluate import evaluate_array
from support.rows import CLOSED, CONSTANT, ORACLES, applied
from sympy import Rational

import symderive as sd
from symderive.calculus.signs import Signs, sign_of
from symderive.language.arrays import UFUNCS, Array, as_array, exact
from symderive.language.functions import FUNCTIONS, needs
from symderive.language.nodes import Map, Number
from symderive.language.ufuncs import rounded

n = sd.dims("n")
x, y = sd.array("x", n), sd.array("y", n)
SIZES = {"n": 6}


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(50), np.errstate(all="ignore"):
        yield


# -- the derivative of each row is right, and again in rows ------------------------------------------

SMOOTH = sorted(name for name in ORACLES if set(FUNCTIONS[name].derivative) - {None, "0"})
ORDERED = {name: (1, 3) for name in ORACLES if FUNCTIONS[name].orders}


def points(domain, seed):
    """Six points of a domain, moderate ones, off the rows' kinks."""
    rng = np.random.default_rng(seed)
    low, high = (float(e) if e.is_finite else math.nan for e in (domain.entries.low, domain.entries.high))
    if not math.isnan(low) and not math.isnan(high):
        high = min(high, low + 8)
        return low + (high - low) * rng.uniform(0.05, 0.95, 6)
    if not math.isnan(low):
        return low + rng.uniform(0.3, 6, 6)
    return rng.uniform(-3, 3, 6)


def formula(name, order=2):
    """The row of declared vectors, as text and as a function of mpmath numbers by name."""
    row = FUNCTIONS[name]
    _, arrays = applied(name, order)
    declared = {row.arguments[k]: sd.array(row.arguments[k], n, domain=a.domain) for k, a in arrays.items()}
    held = dict.fromkeys(row.orders, order) | CONSTANT.get(name, {})
    written = [str(held.get(a, a)) for a in row.arguments]

    def value(**numbers):
        return ORACLES[name](*(mpmath.mpmathify(held[a]) if a in held else numbers[a] for a in row.arguments))

    return f"{row.numpy}({', '.join(written)})", declared, value


CASES = [(name, order) for name in SMOOTH for order in ORDERED.get(name, (2,))]


@pytest.mark.parametrize(("name", "order"), CASES)
def test_first_and_second_derivatives(name, order):
    text, declared, value = formula(name, order)
    loss = sd.read(f"np.sum({text})", **declared)
    values = {k: points(a.domain, 3 + i) for i, (k, a) in enumerate(declared.items())}
    row = FUNCTIONS[name]
    for place, argument in enumerate(row.arguments):
        if argument not in declared or row.derivative[place] is None:
            continue
        first = sd.gradient(loss, argument)
        assert first.verdict.upheld, str(first.verdict)
        second = sd.hessian(loss, argument)
        got = run_text(str(first.result), {**values, **SIZES})
        curved = run_text(str(second.result), {**values, **SIZES})
        assert np.shape(curved) == (6, 6)
        assert np.all(curved == np.diag(np.diag(curved)))
        for i in range(6):
            at = {k: mpmath.mpf(float(v[i])) for k, v in values.items()}

            def along(t, at=at, argument=argument):
                return value(**{**at, argument: t})

            slope = mpmath.diff(along, at[argument], h=mpmath.mpf(10) ** -15)
            bend = mpmath.diff(along, at[argument], 2, h=mpmath.mpf(10) ** -15)
            assert abs(np.broadcast_to(got, 6)[i] - slope) <= 1e-9 * abs(slope) + 1e-12, (argument, at)
            assert abs(np.diag(curved)[i] - bend) <= 1e-8 * abs(bend) + 1e-10, (argument, at)


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_the_text_reads_back(name):
    text, declared, _ = formula(name)
    made = sd.read(f"np.sum({text})", **declared)
    assert sd.read(str(made), **declared).same_form(made)


@pytest.mark.parametrize("name", sorted(set(ORACLES) - {"polygamma", "spherical_jn", "sinc"}))
def test_numpy_itself_dispatches(name):
    """The call of the ufunc is the row that the text names."""
    row = FUNCTIONS[name]
    text, declared, _ = formula(name)
    home = np if row.numpy.startswith("np.") else sc
    ufunc = getattr(home, row.numpy.removeprefix("np."))
    assert isinstance(ufunc, np.ufunc)
    held = dict.fromkeys(row.orders, 2) | {a: float(v) for a, v in CONSTANT.get(name, {}).items()}
    made = ufunc(*(held.get(a, declared.get(a)) for a in row.arguments))
    assert made.same_form(sd.read(text, **declared))


def test_what_does_not_dispatch_in_scipy_has_a_stand_in():
    assert sd.polygamma(2, x).same_form(sd.read("polygamma(2, x)", x=x))
    assert np.sinc(x).same_form(sd.read("np.sinc(x)", x=x))
    assert np.i0(x).same_form(sc.i0(x))
    assert sd.read(lambda x: sc.polygamma(1, x) + sc.spherical_jn(2, x), x=x).same_form(
        sd.read("polygamma(1, x) + spherical_jn(2, x)", x=x)
    )


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("polygamma(0, x)", "digamma(x)"), ("psi(x)", "digamma(x)"), ("iv(0, x)", "i0(x)"), ("iv(1, x)", "i1(x)"),
        ("ive(0, x)", "i0e(x)"), ("ive(1, x)", "i1e(x)"), ("boxcox(x, 0)", "np.log(x)"),
        ("inv_boxcox(x, 0)", "np.exp(x)"),
        ("softplus(x)", "np.logaddexp(0, x)"), ("np.fmax(x, y)", "np.maximum(x, y)"), ("np.fabs(x)", "np.abs(x)"),
        ("np.deg2rad(x)", "np.pi * x / 180"), ("np.degrees(x)", "180 * x / np.pi"), ("np.mod(x, y)", "x % y"),
        ("np.fix(x)", "np.trunc(x)"), ("x // y", "np.floor(x / y)"), ("np.round(x, 2)", "np.rint(100 * x) / 100"),
        ("math.atan2(x, y)", "np.arctan2(x, y)"), ("math.lgamma(x)", "gammaln(x)"),
        ("norm.cdf(x)", "ndtr(x)"), ("stats.norm.logcdf(x)", "log_ndtr(x)"), ("scipy.stats.norm.sf(x)", "ndtr(-x)"),
        ("np.select([x > 1, x > 0], [y, x])", "np.where(x > 1, y, np.where(x > 0, x, 0))"),
        ("~(x < y)", "x >= y"), ("~(x == y)", "x != y"), ("(x > 0) & (y > 0)", "(x > 0) * (y > 0)"),
    ],
)  # fmt: skip
def test_other_spellings(text, plain):
    assert sd.read(text, x=x, y=y).same_form(sd.read(plain, x=x, y=y))


# -- logic, choices, roundings, the normal law: against NumPy and SciPy ---------------------------------

NUMBERS = {
    "x": np.array([-2.5, -1.0, -0.5, 0.0, 0.5, 1.5]),
    "y": np.array([1.0, -1.0, 0.0, 0.0, 2.5, 0.7]),
}

CHOICES = {
    "and": lambda x, y: np.logical_and(x > 0, y > 0) * 1.0,
    "or": lambda x, y: np.logical_or(x > 0, y > 0) * 1.0,
    "xor": lambda x, y: np.logical_xor(x > 0, y > 0) * 1.0,
    "not": lambda x, y: np.logical_not(x > y) * 1.0,
    "truth of numbers": lambda x, y: np.logical_and(x, y) + np.logical_not(x) * 2.0,
    "operators": lambda x, y: np.where((x > 0) & ~(y > 1) | (x < -2), x, y),
    "exclusive": lambda x, y: np.where((x > 0) ^ (y > 0), x, y),
    "not and": lambda x, y: np.where(~((x > 0) & (y > 0)), x, y),
    "select": lambda x, y: np.select([x > 1, x > 0, y > 0], [x, x * y, y], default=-1),
    "select, no default": lambda x, y: np.select([x > 1], [x]),
    "piecewise": lambda x, y: np.piecewise(x, [x < 0, x > 1], [lambda t: -t, lambda t: t**2, 5.0]),
    "piecewise, last wins": lambda x, y: np.piecewise(x, [x < 1, x < 0], [lambda t: t, 7.0]),
    "round": lambda x, y: np.round(x) + np.round(y, 1),
    "around": lambda x, y: np.around(x * 1.7, decimals=1),
    "mod": lambda x, y: x % 2 + np.fmod(x, 2) + x // 2,
    "copysign": lambda x, y: np.copysign(x, y + 0.25),
    "fix": lambda x, y: np.fix(x) + np.ceil(x) * np.floor(x),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_numpys(name):
    made = CHOICES[name](x, y)
    assert isinstance(made, Array)
    np.testing.assert_allclose(evaluate_array(made, SIZES, NUMBERS), CHOICES[name](**NUMBERS), rtol=1e-14)


@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf"])
def test_the_normal_law_is_scipys(method):
    q = sd.array("x", n, domain=sd.interval(0, 1)) if method == "ppf" else x
    given = {**NUMBERS, "x": np.linspace(0.1, 0.9, 6) if method == "ppf" else NUMBERS["x"]}
    law = getattr(norm, method)
    for read, want in (
        (lambda x: getattr(norm, method)(x), lambda x: law(x)),
        (lambda x: getattr(scipy.stats.norm, method)(x, 0.5, scale=2), lambda x: law(x, 0.5, scale=2)),
        (lambda x: getattr(norm, method)(x, loc=-1.0), lambda x: law(x, loc=-1.0)),
    ):
        made = sd.read(read, x=q)
        np.testing.assert_allclose(evaluate_array(made, SIZES, given), want(given["x"]), rtol=1e-12)
    text = sd.read(f"norm.{method}(x, y, 2)", x=q, y=y)
    np.testing.assert_allclose(evaluate_array(text, SIZES, given), law(given["x"], given["y"], 2), rtol=1e-12)


# -- what has no derivative or no meaning says so --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wrt", "message"),
    [
        ("gammainc(a, x)", "a", "gammainc is not differentiable by its argument a"),
        ("gammaincc(a, x)", "a", "gammaincc is not differentiable by its argument a"),
        ("inv_boxcox(x, a)", "a", "inv_boxcox is not differentiable by its argument lmbda"),
    ],
)
def test_partials_that_do_not_exist_raise(text, wrt, message):
    a = sd.array("a", domain=sd.positive)
    loss = sd.read(text, a=a, x=sd.array("x", domain=sd.positive))
    with pytest.raises(sd.UnsupportedError, match=message):
        sd.gradient(loss, wrt)


@pytest.mark.parametrize("name", ["polygamma", "iv", "ive", "spherical_jn"])
@pytest.mark.parametrize("order", [x, 0.5, -1, sd.dims("n")])
def test_orders_are_constant_integers(name, order):
    with pytest.raises(sd.UnsupportedError, match=f"{name} is read with a constant integer >= 0"):
        UFUNCS[name](as_array(order), x)


@pytest.mark.parametrize("name", ["isfinite", "isnan", "isinf", "signbit", "nextafter", "spacing", "frexp", "gcd"])
def test_questions_about_floats_are_refused(name):
    ufunc = getattr(np, name)
    with pytest.raises(sd.UnsupportedError, match=rf"{name} is not read .*; it (asks|is) about"):
        ufunc(*(x, y)[: ufunc.nin])


def test_bits_of_numbers_are_refused():
    for wrong in (lambda: x & y, lambda: (x > 0) | y, lambda: ~x, lambda: x ^ (y > 0)):
        with pytest.raises(sd.UnsupportedError, match="between comparisons"):
            wrong()
    with pytest.raises(sd.ReadError, match="of norm are read pdf, logpdf"):
        sd.read("norm.isf(x)", x=x)
    with pytest.raises(sd.UnsupportedError, match="of norm are read pdf, logpdf"):
        sd.read(lambda x: norm.isf(x), x=x)
    with pytest.raises(sd.ShapeError, match="a choice for each condition"):
        np.select([x > 0], [x, y])
    with pytest.raises(sd.UnsupportedError, match="integer of decimals"):
        rounded(x, 0.5)


# -- where a row is defined ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("arcsin", ["x + 1 >= 0", "1 - x >= 0"]),
        ("logit", ["x > 0", "1 - x > 0"]),
        ("tan", ["np.cos(x) != 0"]),
        ("gammaln", ["rgamma(x) != 0"]),
        ("inv_boxcox", ["lmbda * x + 1 > 0"]),
        ("betaln", ["rgamma(a) != 0", "rgamma(b) != 0", "rgamma(a + b) != 0"]),
        ("xlogy", ["y > 0"]),
        ("log1p", ["x + 1 > 0"]),
    ],
)
def test_needs(name, expected):
    arguments = [sd.array(a).node for a in FUNCTIONS[name].arguments]
    found = needs(name, arguments)
    assert [f"{Array(need.node)} {need.op} 0" for need in found] == expected
    assert [need.guard for need in found] == [arguments[0] if name == "xlogy" else None] * len(found)


@pytest.mark.parametrize(
    ("text", "domain", "conditions"),
    [
        ("gammaln(x)", sd.positive, []), ("np.log(ndtr(x))", sd.real, []), ("np.log(gamma(x))", sd.positive, []),
        ("np.log(erfc(x))", sd.real, []), ("np.sqrt(-log_ndtr(x))", sd.real, []), ("np.log(i0(x))", sd.real, []),
        ("np.log(beta(x, x))", sd.positive, []), ("1 / gammaincc(2, x)", sd.positive, []),
        ("np.arctanh(erf(x))", sd.interval(-4, 4), []), ("ndtri(ndtr(x))", sd.real, []),
        ("logit(ndtr(x))", sd.real, []),
        ("np.arcsin(x)", sd.interval(-1, 1), []), ("np.arccosh(np.cosh(x) + 1)", sd.real, []),
        ("np.sqrt(polygamma(1, x))", sd.positive, []), ("np.log(digamma(x + 2))", sd.positive, []),
        ("np.floor(x) * x", sd.real, ["x - np.floor(x) != 0"]),
        ("np.rint(x)", sd.real, ["x + 1/2 - np.floor(x + 1/2) != 0"]),
        ("np.cbrt(x)", sd.real, ["np.cbrt(x) != 0"]), ("np.copysign(x, 2)", sd.real, ["x != 0"]),
        ("i0e(x)", sd.real, ["x != 0"]), ("i0e(x)", sd.positive, []), ("huber(1, x)", sd.real, []),
        ("np.arctan2(x, 1 + x**2)", sd.real, []),
    ],
)  # fmt: skip
def test_conditions_of_gradients(text, domain, conditions):
    loss = sd.read(text, x=sd.array("x", domain=domain))
    g = sd.gradient(loss, "x")
    assert [str(c) for c in g.conditions] == conditions
    assert g.verdict.upheld, str(g.verdict)


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_bounds_hold(name):
    """Bounds of a row over random intervals, against SciPy's values inside of them."""
    row = FUNCTIONS[name]
    rng = np.random.default_rng(len(name))
    home = np if row.numpy.startswith("np.") else sc
    function = getattr(home, row.numpy.removeprefix("np."))
    _, usual = applied(name, domain=CLOSED.get(name))
    for _ in range(40):
        order = int(rng.integers(1, 5))
        held = dict.fromkeys(row.orders, order) | CONSTANT.get(name, {})
        nodes, samples = [], []
        for k, argument in enumerate(row.arguments):
            if argument in held:
                nodes.append(Number(Rational(held[argument])))
                samples.append(np.full(200, float(held[argument])))
                continue
            entries = usual[k].domain.entries
            low = max(float(entries.low) if entries.low.is_finite else -4.0, -4.0)
            high = min(float(entries.high) if entries.high.is_finite else 4.0, 4.0)
            ends = np.sort(np.round(rng.uniform(low, high, 2) * 2) / 2) + 0.0 if rng.random() < 0.7 else [low, high]
            if ends[0] >= ends[1]:
                continue
            closed = "both" if entries.contains(Rational(ends[0])) and entries.contains(Rational(ends[1])) else "none"
            given = sd.interval(Rational(float(ends[0])), Rational(float(ends[1])), closed=closed)
            nodes.append(sd.array(argument, domain=given).node)
            inside = np.concatenate([ends, rng.uniform(*ends, 198)]) if closed == "both" else rng.uniform(*ends, 200)
            samples.append(rng.permutation(inside))
        if len(nodes) < len(row.arguments):
            continue
        bounds = Signs().bounds(Map(name, tuple(nodes)))
        whole = [a in row.orders for a in row.arguments]
        values = np.asarray(
            [function(*(int(v) if w else v for v, w in zip(p, whole, strict=True))) for p in zip(*samples, strict=True)]
        )
        values = values[np.isfinite(values)]
        slack = 1e-13
        assert np.all(values >= float(bounds.low) - slack), (name, nodes, bounds, values.min())
        assert np.all(values <= float(bounds.high) + slack), (name, nodes, bounds, values.max())
        if bounds.low_open and math.isfinite(bounds.low):
            assert not np.any(values == float(bounds.low)) or abs(float(bounds.low)) == 1, (name, nodes, bounds)
        if bounds.nonzero:
            assert not np.any(values == 0)


@pytest.mark.parametrize(
    ("text", "domain", "sign"),
    [
        ("gamma(x)", sd.positive, "+"), ("gamma(x)", sd.real, "nonzero"), ("erfc(x)", sd.real, "+"),
        ("1 - ndtr(x)", sd.real, "+"), ("log_ndtr(x)", sd.real, "-"), ("erf(x)", sd.positive, "+"),
        ("1 - erf(x)**2", sd.real, "+"), ("polygamma(1, x)", sd.positive, "+"), ("polygamma(2, x)", sd.positive, "-"),
        ("digamma(x)", sd.positive, "unknown"), ("digamma(x + 2)", sd.positive, "+"), ("i0(x) - 1", sd.real, "0+"),
        ("i1(x)", sd.positive, "+"), ("iv(2, x)", sd.real, "0+"), ("gammainc(2, x)", sd.nonnegative, "0+"),
        ("gammainc(2, x)", sd.positive, "+"), ("1 - gammainc(2, x)", sd.positive, "+"),
        ("np.hypot(x, 1)", sd.real, "+"),
        ("np.arccos(x)", sd.interval(-1, 1, closed="both"), "0+"), ("np.arccos(x)", sd.interval(-1, 1), "+"),
        ("np.exp2(x) - 1", sd.positive, "+"), ("np.floor(x)", sd.nonnegative, "0+"), ("np.mod(x, 3)", sd.real, "0+"),
        ("logit(x)", sd.interval(0, 1), "unknown"), ("logit(x)", sd.interval(Rational(1, 2), 1), "+"),
        ("gammaln(x)", sd.interval(1, 2), "0-"), ("gammaln(x)", sd.interval(2, 9), "0+"),
    ],
)  # fmt: skip
def test_signs(text, domain, sign):
    assert sign_of(sd.read(text, x=sd.array("x", domain=domain)).node) == sign


# -- equalities ----------------------------------------------------------------------------------------------

P = sd.positive
EQUALITIES = [
    ("1 - ndtr(x)", "ndtr(-x)", {}),
    ("1 - erf(x)", "erfc(x)", {}),
    ("np.log(ndtr(x))", "log_ndtr(x)", {}),
    ("np.exp(-x**2 / 2 - log_ndtr(x))", "np.exp(-x**2 / 2) / ndtr(x)", {}),
    ("gamma(x + 2)", "x * (x + 1) * gamma(x)", {"x": P}),
    ("gammaln(x + 1)", "gammaln(x) + np.log(x)", {"x": P}),
    ("digamma(x + 1)", "digamma(x) + 1 / x", {"x": P}),
    ("polygamma(2, x + 1)", "polygamma(2, x) + 2 / x**3", {"x": P}),
    ("np.log(beta(x, y))", "gammaln(x) + gammaln(y) - gammaln(x + y)", {"x": P, "y": P}),
    ("np.arctanh(x)", "np.log((1 + x) / (1 - x)) / 2", {"x": sd.interval(-1, 1)}),
    ("np.arcsin(x) + np.arccos(x)", "np.pi / 2", {"x": sd.interval(-1, 1, closed="both")}),
    ("np.cbrt(x)**3", "x", {}),
    ("pseudo_huber(1, x)", "np.sqrt(1 + x**2) - 1", {}),
    ("huber(1, x)", "np.where(np.abs(x) <= 1, x**2 / 2, np.abs(x) - 1/2)", {}),
    ("expit(logit(x))", "x", {"x": sd.interval(0, 1)}),
    ("i0(-x) * np.exp(-np.abs(x))", "i0e(x)", {}),
    ("gamma(4)", "6", {}),
    ("i1(-x) + erf(-x) + np.arcsin(-y)", "-i1(x) - erf(x) - np.arcsin(y)", {"y": sd.interval(-1, 1)}),
]


@pytest.mark.parametrize(("left", "right", "domains"), EQUALITIES)
def test_equalities_are_proved_and_near_misses_refuted(left, right, domains):
    scope = {k: domains.get(k, sd.real) for k in ("x", "y") if k in left + right}
    shapes = dict.fromkeys(scope, "")
    assert sd.check(left, "==", right, domains=scope, shapes=shapes).status == "proved"
    wrong = sd.check(left, "==", f"{right} + 1e-12 * (1 + ({right})**2)", domains=scope, shapes=shapes)
    assert wrong.status == "refuted", str(wrong)


@pytest.mark.parametrize(
    ("left", "right", "domain"),
    [
        ("gamma(x + 1)", "x * gamma(x)", sd.real),  # x = 0
        ("digamma(x + 1)", "digamma(x) + 1 / (x + 1)", P),
        ("np.exp(gammaln(x))", "gamma(x)", sd.real),  # Γ is negative between -1 and 0
        ("np.cbrt(x)", "x**(1/3)", sd.real),
        ("np.copysign(x, x)", "np.abs(x)", sd.real),
        ("np.fmod(x, 2)", "np.mod(x, 2)", sd.real),
        ("np.trunc(x)", "np.floor(x)", sd.real),
        ("np.rint(x)", "np.floor(x + 1/2)", sd.real),  # ties
        ("np.arcsin(np.sin(x))", "x", sd.real),
        ("i1(-x)", "i1(x)", sd.real),
        ("erf(-x)", "erf(x)", sd.real),
        ("i0(-x)", "-i0(x)", sd.real),
        ("polygamma(1, x + 1)", "polygamma(1, x) + 1 / x**2", P),
    ],
)
def test_false_equalities_are_refuted(left, right, domain):
    assert sd.check(left, "==", right, domains={"x": domain}, shapes={"x": ""}).status == "refuted"


# -- constants -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.sqrt(2), sympy.sqrt(2)), (1 / np.sqrt(2), 1 / sympy.sqrt(2)),
        (np.sqrt(2 / np.pi), sympy.sqrt(2 / sympy.pi)),
        (math.sqrt(2) / math.sqrt(math.pi), sympy.sqrt(2 / sympy.pi)), (-np.log(2), -sympy.log(2)),
        (0.5 * np.log(2 * np.pi), sympy.log(2 * sympy.pi) / 2), (2 / math.sqrt(math.pi), 2 / sympy.sqrt(sympy.pi)),
        (1.4142135623730954, Rational("1.4142135623730954")),
        (0.044715, Rational("0.044715")), (0.7071, Rational("0.7071")),
        (math.nextafter(math.log(2), 1), Rational(repr(math.nextafter(math.log(2), 1)))),
    ],
)  # fmt: skip
def test_floats_of_roots_and_logarithms(value, expected):
    assert exact(value) == expected


# -- other views ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_the_component_view_has_the_value(name):
    node, arrays = applied(name)
    form = Array(node).to_sympy()
    numbers = {"arccosh": [Rational(3, 2)]}.get(name, [Rational(1, 3), Rational(5, 7)])
    symbols = {s.name: s for s in form.free_symbols}
    given = {k: numbers[k % len(numbers)] for k in arrays}
    value = form.subs({symbols[a.name]: given[k] for k, a in arrays.items()}).evalf(30)
    exacts = [given.get(k) or a.value for k, a in enumerate(node.arguments)]
    expected = ORACLES[name](*(mpmath.mpf(int(q.p)) / int(q.q) for q in exacts))
    assert abs(mpmath.mpf(str(value)) - expected) <= 1e-20 * (1 + abs(expected))


LATEX = {
    "exp2": r"2^{x}", "exp10": r"10^{x}", "logaddexp2": r"\log_2(2^{x} + 2^{y})", "logit": r"\operatorname{logit}(x)",
    "cbrt": r"\sqrt[3]{x}", "hypot": r"\sqrt{x^{2} + y^{2}}", "tan": r"\tan x", "arcsin": r"\arcsin x",
    "arccos": r"\arccos x", "arctan2": r"\operatorname{atan2}(x, y)", "arcsinh": r"\operatorname{arsinh}(x)",
    "arccosh": r"\operatorname{arcosh}(x)", "arctanh": r"\operatorname{artanh}(x)", "sinc": r"\operatorname{sinc}(x)",
    "spherical_jn": r"j_{2}(x)", "erf": r"\operatorname{erf}(x)", "erfc": r"\operatorname{erfc}(x)",
    "erfcx": r"\operatorname{erfcx}(x)", "erfinv": r"\operatorname{erf}^{-1}(x)", "ndtr": r"\Phi(x)",
    "log_ndtr": r"\log\Phi(x)", "ndtri": r"\Phi^{-1}(x)", "gamma": r"\Gamma(x)", "rgamma": r"\frac{1}{\Gamma(x)}",
    "gammaln": r"\log\Gamma(x)", "loggamma": r"\log\Gamma(x)", "digamma": r"\psi(x)", "polygamma": r"\psi^{(2)}(x)",
    "beta": r"\mathrm{B}(a, b)", "betaln": r"\log\mathrm{B}(a, b)", "gammainc": r"P(\frac{5}{2}, x)",
    "gammaincc": r"Q(\frac{5}{2}, x)", "i0": r"I_0(x)", "i1": r"I_1(x)", "iv": r"I_{2}(x)",
    "i0e": r"\operatorname{i0e}(x)", "i1e": r"\operatorname{i1e}(x)", "ive": r"\operatorname{ive}_{2}(x)",
    "huber": r"\operatorname{huber}_{\delta}(r)", "pseudo_huber": r"\operatorname{pseudohuber}_{\delta}(r)",
    "floor": r"\lfloor x\rfloor", "ceil": r"\lceil x\rceil", "trunc": r"\operatorname{trunc}(x)",
    "rint": r"\operatorname{round}(x)", "remainder": r"\operatorname{mod}(x, y)", "fmod": r"\operatorname{fmod}(x, y)",
    "copysign": r"\operatorname{copysign}(x, y)", "boxcox": r"\operatorname{boxcox}_{\mathrm{lmbda}}(x)",
    "inv_boxcox": r"\operatorname{boxcox}^{-1}_{\mathrm{lmbda}}(x)",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_latex(name):
    node, _ = applied(name)
    shown = Array(node).latex
    for sized in (r"\bigl", r"\bigr", r"\Bigl", r"\Bigr"):
        shown = shown.replace(sized, "")
    assert shown == LATEX[name]


def test_powers_of_functions_in_latex_are_not_ambiguous():
    for text in ("log_ndtr(x)", "gammaln(x)", "betaln(x, y)", "np.exp2(x)", "rgamma(x)"):
        shown = sd.read(f"({text})**2", x=sd.array("x"), y=sd.array("y")).latex
        assert shown.endswith(")^{2}"), shown
        assert "}^{2}^{" not in shown


# -- arrays that are named as functions are ------------------------------------------------------------------------


def test_arrays_may_be_named_gamma_and_beta():
    gamma, beta = sd.array("gamma", n, domain=sd.positive), sd.array("beta", domain=sd.positive)
    loss = np.sum(sc.gamma(gamma)) * beta + np.sum(sc.digamma(gamma))
    assert str(loss) == "np.sum(scipy.special.gamma(gamma)) * beta + np.sum(digamma(gamma))"
    assert sd.read(str(loss), gamma=gamma, beta=beta).same_form(loss)
    assert str(sd.gradient(np.sum(sc.gamma(x)), "x").result) == "gamma(x) * digamma(x)"
    with pytest.raises(sd.ReadError, match="is an array, not a function"):
        sd.read("gamma(gamma)", gamma=gamma)
    kernel = sd.compile(loss, wrt="gamma")
    values = np.array([0.5, 1.0, 2.5])
    assert kernel.value(gamma=values, beta=2.0) == pytest.approx(2 * sc.gamma(values).sum() + sc.digamma(values).sum())
    assert kernel.cross_check(gamma=values, beta=2.0).ok
    assert "import scipy.special\nfrom scipy.special import digamma, polygamma\n" in kernel.source


def test_definitions_may_be_named_as_functions():
    huber = sd.let("huber", x**2)
    kernel = sd.compile(np.sum(sc.huber(1, huber)))
    assert kernel.value(x=np.array([0.5, 2.0])) == pytest.approx(sc.huber(1, 0.25) + sc.huber(1, 4.0))
    assert str(np.sum(sc.huber(1, huber))) == "np.sum(scipy.special.huber(1, huber)), where huber = x**2"
