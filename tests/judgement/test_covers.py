"""Covers: what holds on a bounded domain is covered, what fails anywhere never is."""

import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb
from scipy.optimize import minimize

import symderive as sd
from symderive.checking.certificates import replay
from symderive.checking.sides import read_claim
from symderive.judgement.closed_forms import rational
from symderive.judgement.covers import Cover, cover
from symderive.judgement.elements import precision
from symderive.judgement.taylor import Balls, Exact, Gap, expanded
from symderive.language.statements import Relation

x, y = sympy.symbols("x y")


def closed(low, high):
    return sd.interval(low, high, closed="both")


def covered(lhs, op, rhs, domains, given=()):
    claim = read_claim(lhs, op, rhs, domains=domains, given=given, shapes=None)
    return cover(claim.relation, claim.given)


UNIT, MIDDLE = closed(0, 1), closed(Fraction(1, 10), Fraction(9, 10))
KL = "p*log(p/q) + (1-p)*log((1-p)/(1-q))"

#: Claims that are true, with sides that touch: the greater side, the smaller one, domains, given.
TOUCHING = [
    ("cos(x)", "1 - x**2/2", {"x": closed(-1, 1)}, []),
    ("sin(x)", "2*x/pi", {"x": closed(0, sympy.pi / 2)}, []),
    ("x", "sin(x)", {"x": UNIT}, []),
    ("tan(x) + sin(x)", "2*x", {"x": closed(0, Fraction(3, 2))}, []),
    ("x + x**2/2 + x**3/6 + x**4/24 + x**5/100", "exp(x) - 1", {"x": UNIT}, []),
    ("x**2 + y**2", "2*x*y", {"x": UNIT, "y": closed(-1, 2)}, []),
    ("x*y*z", "0", dict.fromkeys("xyz", UNIT), []),
    ("x**2 + y**2 - x*y - x - y + 1", "0", {"x": closed(-3, 3), "y": closed(-3, 3)}, []),
    (KL, "0", dict.fromkeys("pq", closed(Fraction(3, 10), Fraction(7, 10))), []),
    ("log(2)", "-p*log(p) - (1-p)*log(1-p)", {"p": MIDDLE}, []),
    ("abs(x - 1/3)", "(x - 1/3)/2", {"x": UNIT}, []),
    ("max(x, 1 - x)", "1/2", {"x": UNIT}, []),
    ("1/27", "a*b*c", dict.fromkeys("abc", UNIT), ["a + b + c == 1"]),
    ("n**2*x", "n*sin(n*x)", {"x": UNIT, "n": sd.integers(1, 3)}, []),
]


@pytest.mark.parametrize(("big", "small", "domains", "given"), TOUCHING)
def test_what_touches_is_covered_and_no_more_than_that(big, small, domains, given):
    """A claim that touches is covered; raised by 1e-12, or made strict, it is false and never covered."""
    found = covered(big, ">=", small, domains, given)
    assert isinstance(found, Cover), found
    assert found.boxes >= 1
    assert found.narrowest <= found.widest
    assert isinstance(covered(small, "<=", big, domains, given), Cover)
    assert isinstance(covered(big, ">=", f"{small} + 1e-12", domains, given), str)
    assert isinstance(covered(big, ">", small, domains, given), str)


@pytest.mark.parametrize(
    ("lhs", "op", "rhs", "domain", "holds"),
    [
        ("sin(x)", "<", "x", sd.interval(0, 1), True),
        ("sin(x)", "<", "x", sd.interval(0, 1, closed="right"), True),
        ("sin(x)", "<", "x", sd.interval(0, 1, closed="left"), False),
        ("x*(1 - x)", ">", "0", sd.interval(0, 1), True),
        ("x*(1 - x)", ">", "0", sd.interval(0, 1, closed="right"), False),
        ("cos(x) - 1 + x**2/2", ">", "0", sd.interval(0, 2), True),
        ("(x - 1/2)**2", ">", "0", sd.interval(0, 1), False),
        ("x", "<=", "1", sd.interval(0, 2), False),
        ("1/x", ">=", "1", sd.interval(0, 1), False),  # true, but no cover ends at a pole
        ("exp(x)", ">=", "1 + x", sd.real, False),
    ],
)
def test_open_ends(lhs, op, rhs, domain, holds):
    assert isinstance(covered(lhs, op, rhs, {"x": domain}), Cover) is holds


def test_a_strict_claim_may_vanish_at_open_ends_only():
    within, unit = sd.interval(0, 1), UNIT
    assert isinstance(covered("x*y", ">", "0", {"x": within, "y": within}), Cover)
    assert isinstance(covered("x*y", ">", "0", {"x": within, "y": unit}), str)
    assert isinstance(covered("x - x", ">", "0", {"x": within}), str)
    assert isinstance(covered("x - x", ">=", "0", {"x": within}), Cover)


@pytest.mark.parametrize(
    "crossing", ["(y-x) + 10*(y-x)**2", "(y-x)**2*((y-x)**2 - 1/4)", "(y-x)**2*(x - 1/10) + (y-x)**4", "(y-x)**3 + 1"]
)
def test_sides_that_touch_along_a_line_and_cross_elsewhere(crossing):
    """Corners and the middle of the square are >= 0, and the claim is false all the same (the last one is true)."""
    found = covered(crossing, ">=", "0", {"x": UNIT, "y": UNIT})
    assert isinstance(found, Cover) is crossing.endswith("+ 1")


def test_what_is_given_cuts_the_domain():
    box = {"x": UNIT, "y": UNIT}
    assert isinstance(covered("x**2", ">=", "y**2", box, ["x >= y + 1/100"]), Cover)
    assert isinstance(covered("x**2", ">=", "y**2", box), str)
    assert "nowhere" in str(covered("x", ">=", "0", {"x": UNIT}, ["x > 2"]))
    probabilities = dict.fromkeys("abc", UNIT)
    assert isinstance(covered("a*b*c", "<=", "1/27 - 1e-12", probabilities, ["a + b + c == 1"]), str)
    assert isinstance(covered("a*b*c", "<=", "1/27", probabilities), str)


def test_a_side_that_is_undefined_somewhere_is_not_covered():
    for lhs in ("log(x) - log(x)", "x/x", "sqrt(x - 1/2)**2", "1/(x - 1/3)**2"):
        assert isinstance(covered(lhs, ">=", "-1", {"x": closed(0, 1)}), str), lhs


def test_a_kink_in_a_derivative_is_no_derivative():
    """|x| has the slope -1 left of 0 and 1 right of it; one formula for both sides would prove too much."""
    domain = {"x": closed(-1, 1)}
    assert isinstance(covered("abs(x)", ">=", "x", domain), Cover)
    for wrong in ("abs(x) <= x", "abs(x) <= -x", "x*abs(x) >= 0", "max(x,0)-1e-9 >= x", "sign(x) >= 0"):
        lhs, op, rhs = wrong.rsplit(" ", 2)
        assert isinstance(covered(lhs, op, rhs, domain), str), wrong


def random_function(rng, names, depth):
    """A smooth or kinked function of random shape."""
    if depth == 0:
        return rng.choice([*names, *names, sympy.Rational(rng.randint(1, 5), rng.randint(1, 4))])
    a, b = (random_function(rng, names, depth - 1) for _ in range(2))
    made = [a + b, a * b, a - b, sympy.exp(a / 2), sympy.sin(a), sympy.log(1 + a**2), sympy.Abs(a), sympy.tanh(a),
            sympy.sqrt(1 + a**2), a * b, a + b]  # fmt: skip
    return rng.choice(made)


@pytest.mark.parametrize("seed", range(30))
def test_random_functions_against_their_minimum(seed):
    """SciPy finds the minimum; a bound below it is covered, one above it never."""
    rng = random.Random(seed)
    names = [x, y][: rng.choice([1, 1, 2])]
    f = random_function(rng, names, rng.choice([2, 3]))
    if not (names := sorted(f.free_symbols, key=str)):
        return
    low, high = sympy.Rational(rng.randint(-4, 0), 2), sympy.Rational(rng.randint(1, 4), 2)
    number = sympy.lambdify(names, f, "numpy")
    grid = np.meshgrid(*[np.linspace(float(low), float(high), 2001 if len(names) == 1 else 161)] * len(names))
    values = np.broadcast_to(number(*grid), grid[0].shape)
    start = [axis.flat[np.argmin(values)] for axis in grid]
    bounds = [(float(low), float(high))] * len(names)
    best = minimize(lambda at: float(number(*at)), start, bounds=bounds, options={"ftol": 1e-15})
    least = min(float(values.min()), float(best.fun))
    domains = {str(name): closed(low, high) for name in names}
    assert isinstance(covered(f, ">", sympy.Rational(str(least - 1e-3)), domains), Cover)
    above = least + max(1e-9, abs(least) * 1e-9)
    assert isinstance(covered(f, ">=", sympy.Rational(str(above)), domains), str)


# -- Taylor polynomials --------------------------------------------------------------------------

s = sd.array("s", domain=sd.positive)
t = sd.array("t", domain=sd.positive)
FUNCTIONS = [
    (np.exp(s * t), lambda a, b: mpmath.exp(a * b)),
    (np.log(s / t) * s, lambda a, b: mpmath.log(a / b) * a),
    (np.sin(s) * np.cos(t), lambda a, b: mpmath.sin(a) * mpmath.cos(b)),
    (np.tanh(s - t), lambda a, b: mpmath.tanh(a - b)),
    (np.sqrt(s + t**3), lambda a, b: mpmath.sqrt(a + b**3)),
    (np.arctan(s * t) / (1 + s), lambda a, b: mpmath.atan(a * b) / (1 + a)),
    (s**t, lambda a, b: a**b),
    (s**-2 * t**5, lambda a, b: a**-2 * b**5),
]


@pytest.mark.parametrize(("array", "number"), FUNCTIONS)
def test_coefficients_enclose_the_derivatives_at_every_point_of_a_box(array, number):
    leaves = [s.node, t.node]
    with precision(96), mpmath.workdps(40):
        box = expanded(array.node, leaves, [arb(0.75, 0.05), arb(1.25, 0.05)], 3, Balls())
        for a, b in ((0.7, 1.2), (0.75, 1.25), (0.8, 1.3), (0.72, 1.29)):
            for i, j in ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 3), (2, 1)):
                true = mpmath.diff(number, (mpmath.mpf(a), mpmath.mpf(b)), (i, j)) if i + j else number(a, b)
                true = true / (mpmath.factorial(i) * mpmath.factorial(j))
                ball = box.at((i, j))
                assert ball.lower() - 1e-9 <= arb(mpmath.nstr(true, 30)) <= ball.upper() + 1e-9, (i, j, ball, true)
                assert ball.rad() < 1000


@pytest.mark.parametrize(("array", "number"), FUNCTIONS)
def test_exact_coefficients(array, number):
    leaves = [s.node, t.node]
    with precision(256), mpmath.workdps(40):
        made = expanded(array.node, leaves, [rational(2), rational(Fraction(1, 2))], 2, Exact())
        for i, j in ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)):
            at = (mpmath.mpf(2), mpmath.mpf(1) / 2)
            true = (mpmath.diff(number, at, (i, j)) if i + j else number(*at)) / (2 if 2 in (i, j) else 1)
            assert abs(arb(mpmath.nstr(true, 30)) - rational(0).ball - (made.at((i, j)) + 0).ball) < 1e-12


def test_a_number_that_is_zero_on_a_face_has_no_side():
    with precision(96):
        for function in (abs(s), np.maximum(s, 0 * t), np.sign(s), np.sqrt(s), np.log(s), 1 / s):
            with pytest.raises(Gap):
                expanded(function.node, [s.node, t.node], [arb(0), arb(1)], 1, Balls())


# -- verdicts ------------------------------------------------------------------------------------

CLAIM = "exp(-x*y) + sin(3*x*y) <= 17/10"


def test_a_cover_makes_a_verdict_and_its_certificate_is_judged_again():
    box = {"x": MIDDLE, "y": MIDDLE}
    verdict = sd.check(CLAIM, domains=box)
    assert verdict.status == "certified"
    assert "boxes" in verdict.reason
    assert str(verdict) == str(sd.check(CLAIM, domains=box))
    written = sd.certificate(verdict)
    assert written["status"] == "certified"
    assert replay(written).ok
    refuted = sd.check("exp(-x*y) + sin(3*x*y) <= 8/5", domains=box)
    assert refuted.status == "refuted"


def test_shapes_and_many_variables_are_left_alone():
    n = sd.dims("n")
    v = sd.array("v", n, domain=UNIT)
    assert isinstance(cover(Relation(np.sum(v).node, ">=", (0 * np.sum(v)).node)), str)
    assert isinstance(covered("a*b*c*d", ">=", "0", dict.fromkeys("abcd", UNIT)), str)
    assert isinstance(covered("a", "==", "a", {"a": UNIT}), str)
