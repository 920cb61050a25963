"""Generated code of special functions and activations against 60 digits: values, first and second derivatives.

The bar is 8 ULP, judged relatively.  What a primitive of SciPy or a rounded exponent does not reach is named
in ``EXCEPTIONS`` with the measured loss; nothing may be non-finite where the truth is finite.
"""

import mpmath
import numpy as np
import pytest
import scipy.special as sc
from mpmath import mp
from support.rows import ORACLES, boxcox, log_ndtr

import symderive as sd
from symderive.compilation.stable import stabilise

n = sd.dims("n")


def variable(domain=sd.real):
    return sd.array("z", n, domain=domain)


z, p, u, i = variable(), variable(sd.positive), variable(sd.interval(0, 1)), variable(sd.interval(-1, 1))
a = variable(sd.interval(1, 10**6))

SIZES = np.array([1.3e-7, 2.7e-5, 3.1e-3, 0.043, 0.17, 0.41, 0.83, 1.37, 2.21, 3.7, 6.3, 11.7, 26.1])
FAR = np.array([57.3, 241.0, 733.0, 4711.0, 1.3e7])
MODERATE = np.concatenate([-SIZES, SIZES])
WIDE = np.concatenate([-FAR, MODERATE, FAR])
POSITIVE = np.concatenate([SIZES, FAR])
UNIT = np.concatenate([SIZES[SIZES < 0.5], 1 - SIZES[SIZES < 0.5]])
INSIDE = np.concatenate([-UNIT, UNIT])
SMALL = np.abs(MODERATE) < 3
NEAR = MODERATE[SMALL]


def gelu_tanh(t):
    return t / (1 + mp.exp(-2 * mp.sqrt(2 / mp.pi) * (t + mp.mpf("0.044715") * t**3)))


def mish(t):
    e = mp.exp(t)
    return t * (e * e + 2 * e) / (e * e + 2 * e + 2)


def logcosh(t):
    return mp.log1p(2 * mp.sinh(t / 2) ** 2)


def oracle(name):
    return ORACLES[name]


LINKS = {
    # error functions, near enough that the square of the argument loses nothing
    "erf": (sc.erf(z), mp.erf, NEAR),
    "1 - erf": (1 - sc.erf(z), mp.erfc, NEAR),
    "z + z erf": (z + z * sc.erf(z), lambda t: t * mp.erfc(-t), NEAR),
    "ndtr": (sc.ndtr(z), oracle("ndtr"), NEAR),
    "1 - ndtr": (1 - sc.ndtr(z), lambda t: oracle("ndtr")(-t), NEAR),
    "log_ndtr": (sc.log_ndtr(z), log_ndtr, NEAR, 1),
    "log of ndtr": (np.log(sc.ndtr(z)), log_ndtr, NEAR, 1),
    "log of 1 - ndtr": (np.log(1 - sc.ndtr(z)), lambda t: log_ndtr(-t), NEAR, 1),
    "log of erfc": (np.log(sc.erfc(z)), lambda t: mp.log(mp.erfc(t)), NEAR[np.abs(NEAR) > 0.1], 1),
    # gamma functions
    "log of gamma": (np.log(sc.gamma(p)), mp.loggamma, SIZES[np.abs(SIZES - 1.5) > 0.7]),
    "gamma": (sc.gamma(p), mp.gamma, SIZES),
    "digamma": (sc.digamma(p), mp.digamma, SIZES),
    "trigamma": (sd.polygamma(1, p), lambda t: mp.psi(1, t), SIZES),
    # inverse and other elementary functions
    "tan": (np.tan(z), mp.tan, MODERATE),
    "arcsin": (np.arcsin(i), mp.asin, INSIDE),
    "arccos": (np.arccos(i), mp.acos, INSIDE),
    "arcsinh": (np.arcsinh(z), mp.asinh, WIDE),
    "arccosh": (np.arccosh(a), mp.acosh, 1 + POSITIVE[POSITIVE < 1e5]),
    "arctanh": (np.arctanh(i), mp.atanh, INSIDE),
    "logit": (sc.logit(u), lambda t: mp.log(t) - mp.log1p(-t), UNIT),
    "log-odds": (np.log(u / (1 - u)), lambda t: mp.log(t) - mp.log1p(-t), UNIT),
    "cbrt": (np.cbrt(z), oracle("cbrt"), WIDE),
    "exp2": (np.exp2(z), oracle("exp2"), MODERATE),
    "exp10": (sc.exp10(z), oracle("exp10"), MODERATE),
    "hypot": (np.hypot(z, 1), lambda t: mp.hypot(t, 1), WIDE),
    "arctan2": (np.arctan2(z, 1), mp.atan, WIDE),
    "boxcox": (sc.boxcox(p, 0.5), lambda t: boxcox(t, mp.mpf(1) / 2), POSITIVE),
    "1 - cos": (1 - np.cos(z), lambda t: 2 * mp.sin(t / 2) ** 2, MODERATE),
    # Bessel functions
    "i0": (sc.i0(z), oracle("i0"), MODERATE),
    "i1": (sc.i1(z), oracle("i1"), MODERATE),
    # robust losses
    "huber": (sc.huber(1.5, z), lambda t: oracle("huber")(mp.mpf(1.5), t), WIDE),
    "pseudo-Huber": (sc.pseudo_huber(1.5, z), lambda t: oracle("pseudo_huber")(mp.mpf(1.5), t), WIDE),
    "√(1 + z²) - 1": (np.sqrt(1 + z**2) - 1, lambda t: oracle("pseudo_huber")(mp.mpf(1), t), WIDE),
    "log cosh": (np.log(np.cosh(z)), logcosh, NEAR),
    "log cosh, exponentials": (np.log((np.exp(z) + np.exp(-z)) / 2), logcosh, NEAR),
    "log cosh, logaddexp": (np.logaddexp(z, -z) - np.log(2), logcosh, NEAR),
    "Cauchy": (np.log1p(z**2), lambda t: mp.log1p(t * t), WIDE),
    "Geman-McClure": (z**2 / (1 + z**2), lambda t: t * t / (1 + t * t), WIDE),
    "Welsch": (1 - np.exp(-(z**2) / 2), lambda t: -mp.expm1(-t * t / 2), NEAR),
    # activations
    "GELU": (z * sc.ndtr(z), lambda t: t * oracle("ndtr")(t), NEAR),
    "GELU, erf": (0.5 * z * (1 + sc.erf(z / np.sqrt(2))), lambda t: t * oracle("ndtr")(t), NEAR),
    "SiLU": (z / (1 + np.exp(-z)), lambda t: t / (1 + mp.exp(-t)), MODERATE),
    "mish": (z * np.tanh(np.log1p(np.exp(z))), mish, NEAR),
    "softsign": (z / (1 + np.abs(z)), lambda t: t / (1 + abs(t)), WIDE),
    "ELU": (np.where(z > 0, z, np.exp(z) - 1), lambda t: t if t > 0 else mp.expm1(t), MODERATE),
}  # fmt: skip
"""Title: the link, the truth, the points, and the highest order at which the bar is met if that is not the second."""

EXCEPTIONS = {
    # exp(-z²/2): half an ulp of the rounded exponent for each unit of it; SciPy's own tails lose the same.
    "Φ": (sc.ndtr(z), oracle("ndtr"), MODERATE, lambda t: 8 + t**2),
    "GELU": (z * sc.ndtr(z), lambda t: t * oracle("ndtr")(t), MODERATE, lambda t: 8 + t**2),
    "erfc": (sc.erfc(z), mp.erfc, MODERATE[MODERATE < 26], lambda t: 8 + 2 * t**2),
    # the second derivative of log Φ is -m (m + z), whose terms nearly cancel on the left
    "log Φ": (sc.log_ndtr(z), log_ndtr, MODERATE, lambda t: 12 + 4 * t**2),
    "log(1 - Φ)": (np.log(1 - sc.ndtr(z)), lambda t: log_ndtr(-t), MODERATE, lambda t: 12 + 4 * t**2),
    # the slope 2 z erfcx(z) - 2/√π, which is about 1/z² of its terms on the right
    "exp(z²) erfc": (np.exp(z**2) * sc.erfc(z), oracle("erfcx"), NEAR, lambda t: 8 + 4 * t**4),
    # 1 - A/κ - A² of the von Mises law, by I2/I0
    "A(κ)": (sc.i1(p) / sc.i0(p), lambda t: mp.besseli(1, t) / mp.besseli(0, t), SIZES, lambda t: 60 + 20 * t**3),
    # quotients of gamma functions by their logarithms
    "Γ(z + 3/2)/Γ(z)": (sc.gamma(p + 1.5) / sc.gamma(p), lambda t: mp.gamma(t + 1.5) / mp.gamma(t), SIZES[5:11],
                        lambda t: 120 + 60 * t),
    # SciPy's gammaln beside its zeros, 1 and 2
    "log Γ": (sc.gammaln(p), mp.loggamma, SIZES, lambda t: 12),
    # the quantile's own rounding, multiplied by its square
    "Φ⁻¹": (sc.ndtri(u), oracle("ndtri"), UNIT, lambda t: 60),
    "P(5/2, z)": (sc.gammainc(2.5, p), lambda t: oracle("gammainc")(mp.mpf(2.5), t), SIZES[2:], lambda t: 120),
    "Q(5/2, z)": (1 - sc.gammainc(2.5, p), lambda t: oracle("gammaincc")(mp.mpf(2.5), t), SIZES[2:], lambda t: 120),
    "GELU, tanh": (0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))), gelu_tanh, MODERATE,
                   lambda t: 24 + 2 * t**2),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60), np.errstate(all="ignore"):
        yield


def truths(function, points, order):
    """The values, or derivatives by differences."""
    exact = [mpmath.mpf(float(t)) for t in points]
    return [+(function(at) if order == 0 else difference(function, at, order)) for at in exact]


def difference(function, at, order):
    """A derivative; where it is small beside the value, in digits enough for a slope of 1e-150 beside a value of 1."""
    for digits, step in ((160, 40), (420, 100)):
        with mp.workdps(digits):
            value = mpmath.diff(function, at, order, h=mpmath.mpf(10) ** -step * abs(at))
            if abs(value) > 1e-12 * max(1, abs(function(at))):
                break
    return value


def losses(got, expected):
    """The errors in units in the last place; infinite where the truth is finite and the code is not."""
    errors = []
    for have, want in zip(np.broadcast_to(got, len(expected)), expected, strict=True):
        if abs(want) < mpmath.mpf("1e-307"):
            errors.append(0.0 if abs(have) < 1e-306 else np.inf)
        elif abs(want) < mpmath.mpf("1.7e308"):
            unit = float(np.spacing(abs(float(want))))
            errors.append(float(abs(mpmath.mpf(float(have)) - want) / unit) if np.isfinite(have) else np.inf)
        else:
            errors.append(0.0)
    return np.array(errors)


def outputs(link, points):
    """The link, its slope and its curvature as the generated code computes them."""
    kernel = sd.compile(np.sum(link), wrt="z", order=2)
    return sd.compile(link).value(z=points), kernel.gradient(z=points), kernel.hvp(np.ones_like(points), z=points)


def flat_enough(expected, order):
    """Where a value is no difference of larger ones: a zero of a derivative has no relative accuracy."""
    sizes = np.array([float(abs(t)) for t in expected])
    return sizes > (0 if order == 0 else 1e-3) * np.minimum(1, np.median(sizes))


@pytest.mark.parametrize("title", LINKS)
def test_eight_units_in_the_last_place(title):
    link, truth, points, *highest = LINKS[title]
    for order, got in enumerate(outputs(link, points)[: highest[0] + 1 if highest else 3]):
        expected = truths(truth, points, order)
        errors = losses(got, expected)
        assert np.all(np.isfinite(errors)), (order, points[~np.isfinite(errors)])
        kept = flat_enough(expected, order)
        assert np.all(errors[kept] <= 8), (order, points[errors > 8], errors[errors > 8])
        assert np.mean(np.log2(1 + errors[kept])) <= 1.6, (order, errors)


@pytest.mark.parametrize("title", EXCEPTIONS)
def test_the_measured_exceptions(title):
    link, truth, points, bound = EXCEPTIONS[title]
    for order, got in enumerate(outputs(link, points)):
        expected = truths(truth, points, order)
        errors = losses(got, expected)
        assert np.all(np.isfinite(errors)), (order, points[~np.isfinite(errors)])
        allowed = np.array([bound(abs(t)) for t in points])
        kept = flat_enough(expected, order)
        assert np.all(errors[kept] <= allowed[kept]), (order, points[errors > allowed], errors[errors > allowed])


EXTREME = np.array([-1e300, -1e150, -3e8, -4e3, -745.0, -40.0, 40.0, 709.0, 745.0, 4e3, 3e8, 1e150, 1e300])

FINITE = {
    "log Φ": (sc.log_ndtr(z), (None, 1)),
    "log of Φ": (np.log(sc.ndtr(z)), (None, 1)),
    "log of 1 - Φ": (np.log(1 - sc.ndtr(z)), (None, 1)),
    "log of erfc": (np.log(sc.erfc(z)), (None, 1)),
    "inverse Mills ratio": (np.exp(-(z**2) / 2) / sc.ndtr(z), (0,)),
    "Φ": (sc.ndtr(z), (0, 1, 2)),
    "erf": (sc.erf(z), (0, 1, 2)),
    "GELU": (0.5 * z * (1 + sc.erf(z / np.sqrt(2))), (0, 1)),
    "log cosh": (np.log(np.cosh(z)), (0, 1, 2)),
    "log cosh, exponentials": (np.log((np.exp(z) + np.exp(-z)) / 2), (0, 1, 2)),
    "√(1 + z²) - 1": (np.sqrt(1 + z**2) - 1, (None, 1)),
    "Huber": (sc.huber(1.5, z), (None, 1, 2)),
    "SiLU": (z / (1 + np.exp(-z)), (0, 1)),
    "mish": (z * np.tanh(np.log1p(np.exp(z))), (0, 1)),
    "logit of expit": (sc.logit(sc.expit(z)), (0, 1, 2)),
    "log I0": (np.log(sc.i0(z)), (0, 1)),
    "I1/I0": (sc.i1(z) / sc.i0(z), (0,)),
    "Γ(z + 1/2)/Γ(z)": (sc.gamma(p + 0.5) / sc.gamma(p), (0,)),
    "log B(z, z)": (np.log(sc.beta(p, p)), (0,)),
    "x^(3/2) exp(-x)/Γ(5/2)": (p**1.5 * np.exp(-p) / sc.gamma(sd.array("k", domain=sd.positive)), (0,)),
}
"""Links, and the orders at which the truth is finite for all numbers (None: for numbers whose square is finite)."""


@pytest.mark.parametrize("title", FINITE)
def test_nothing_is_non_finite_where_the_truth_is_finite(title):
    link, orders = FINITE[title]
    (leaf,) = (x for x in link.node.leaves() if x.name == "z")
    points = EXTREME[EXTREME > 0] if leaf.domain.entries.is_positive else EXTREME
    moderate = points[np.abs(points) < 1e9]
    more = {"k": 2.5} if "k" in {x.name for x in link.node.leaves()} else {}
    for order in orders:
        at = moderate if order is None or more else points
        if title == "Γ(z + 1/2)/Γ(z)":
            at = moderate
        if order in (None, 0):
            got = sd.compile(link).value(z=at, **more)
        else:
            kernel = sd.compile(np.sum(link), wrt="z", order=2)
            got = kernel.gradient(z=at) if order == 1 else kernel.hvp(np.ones_like(at), z=at)
        assert np.all(np.isfinite(got)), (order, at[~np.isfinite(got)])


@pytest.mark.parametrize("title", [*LINKS, *(k for k in EXCEPTIONS if k not in LINKS)])
def test_every_rewrite_is_upheld(title):
    link = (LINKS.get(title) or EXCEPTIONS[title])[0]
    gradient = sd.gradient(np.sum(link), "z").result
    _, steps = stabilise([link.node, gradient.node])
    for step in steps:
        assert step.verdict.upheld, f"{step}\n{step.verdict}"


REWRITTEN = {
    "1 - ndtr(z)": "ndtr(-z)",
    "ndtr(z) - 1": "-ndtr(-z)",
    "1 + erf(z)": "erfc(-z)",
    "3 - 3 * erf(z)": "3 * erfc(z)",
    "z - z * erf(z)": "z * erfc(z)",
    "1 - erfc(z)": "erf(z)",
    "1 + np.tanh(z)": "2 * expit(2 * z)",
    "1 - np.cos(z)": "2 * np.sin(z / 2)**2",
    "1 - np.cosh(z)": "-2 * np.sinh(z / 2)**2",
    "1 - gammainc(2, p)": "gammaincc(2, p)",
    "np.log(ndtr(z))": "log_ndtr(z)",
    "np.log(gamma(p))": "gammaln(p)",
    "np.log(i0(p))": "np.log(i0e(p)) + np.abs(p)",
    "np.log(beta(p, 2))": "betaln(p, 2)",
    "np.exp(-z**2 / 2) / ndtr(z)": "2 / erfcx(-np.sqrt(2) * z / 2)",
    "np.exp(-z**2 / 2 - log_ndtr(z))": "2 / erfcx(-np.sqrt(2) * z / 2)",
    "np.exp(-z**2 / 2 - log_ndtr(y * z))": "2 / erfcx(-np.sqrt(2) * y * z / 2)",
    "np.exp(z**2) * erfc(z)": "erfcx(z)",
    "i1(z) / i0(z)": "i1e(z) / i0e(z)",
    "(iv(2, z) + i0(z)) / i0(z)": "(ive(2, z) + i0e(z)) / i0e(z)",
    "gamma(p + 1) / gamma(p)": "np.exp(gammaln(p + 1) - gammaln(p))",
    "logit(expit(z))": "z",
    "4 - z**2": "(2 - z) * (2 + z)",
    "z - z**2": "z * (1 - z)",
}


@pytest.mark.parametrize("text", REWRITTEN)
def test_rewrites(text):
    scope = {"z": sd.array("z"), "p": sd.array("p", domain=sd.positive), "y": sd.array("y", domain=sd.labels(-1, 1))}
    (made,), steps = stabilise([sd.read(text, **scope).node])
    want = sd.read(REWRITTEN[text], **scope)
    verdict = sd.check(sd.language.arrays.Array(made), "==", want)
    assert verdict.status == "proved", f"{sd.language.arrays.Array(made)}: {verdict}"
    functions = {part.function for part in made.walk() if hasattr(part, "function")}
    assert functions == {part.function for part in want.node.walk() if hasattr(part, "function")}
    assert steps


@pytest.mark.parametrize(
    "text",
    [
        "2 - ndtr(z)", "1 + ndtr(z)", "1 - erf(z) * z", "z - y * erf(z)", "2 + erf(z)", "1 - 2 * erf(z)",
        "np.exp(-z**2) / ndtr(z)", "np.exp(-z**2 / 2) / ndtr(2 * z)", "np.exp(-z**2 / 2) / ndtr(y)",
        "i1(z) / i0(y)", "i1(z) / i0(z)**2", "i1(z) + i0(z)", "gamma(z + 1) / gamma(z)", "np.log(gamma(z))",
        "1 + gammainc(2, p)", "1 - np.cos(z) * z", "np.sqrt(1 + z**2) - 2", "1 - z**3", "z + z**2", "1 + z**2",
        "logit(ndtr(z))", "np.log(erf(z))",
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_left_alone(text):
    scope = {"z": sd.array("z"), "p": sd.array("p", domain=sd.positive), "y": sd.array("y")}
    node = sd.read(text, **{k: v for k, v in scope.items() if k in text.replace("exp", "")}).node
    (made,), steps = stabilise([node])
    functions, kept = ({part.function for part in x.walk() if hasattr(part, "function")} for x in (made, node))
    assert functions == kept, [str(s) for s in steps]
    assert all(step.verdict.upheld for step in steps), [str(s.verdict) for s in steps]
