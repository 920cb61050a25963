"""Balls and series of the special functions contain the truth: mpmath, at 60 digits and by differences."""

from fractions import Fraction
from time import process_time

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp
from support.rows import ORACLES
from sympy import Integer

from symderive.errors import UnsupportedError
from symderive.judgement.balls import Hole, Kink, Undefined, Unknown, as_ball, evaluate, precision, sign_of
from symderive.judgement.instances import Instance
from symderive.language.arrays import array
from symderive.language.functions import FUNCTIONS, needs
from symderive.language.nodes import Map, Number

ANY = ("0", "1/3", "-1/3", "1", "-1", "5/2", "-7/2", "3/1000000", "-12", "37/3", "-41/2", "1e-12", "-1e-30")
INSIDE = ("0", "1/3", "-2/3", "9/10", "-99/100", "1e-9", "-1e-20", "0.999999999999", "-0.999999999999999999")
UNIT = ("1/2", "1/7", "6/7", "1e-12", "1e-200", "0.999999", "0.9999999999999999")
POSITIVE = ("1/3", "1", "2", "5/2", "1e-9", "37/3", "450", "1e6")
OFF_POLES = (*POSITIVE, "-1/2", "-7/3", "-41/2", "-1e-9")
PAIRS = (("1/3", "2"), ("-5/2", "1/7"), ("-3", "-4"), ("1e-9", "-3"), ("40", "1/2"), ("-1/2", "1000"))

POINTS: dict[str, tuple] = {
    **dict.fromkeys(
        ("exp2", "exp10", "cbrt", "tan", "arcsinh", "sinc", "erf", "erfc", "erfcx", "ndtr", "log_ndtr", "rgamma",
         "i0", "i1", "i0e", "i1e", "floor", "ceil", "trunc", "rint"), ANY),
    **dict.fromkeys(("arcsin", "arccos", "arctanh", "erfinv"), INSIDE),
    **dict.fromkeys(("logit", "ndtri"), UNIT),
    **dict.fromkeys(("gamma", "gammaln", "digamma"), OFF_POLES),
    "loggamma": POSITIVE,
    "arccosh": ("1", "1.000000001", "3/2", "1e9"),
    **dict.fromkeys(("logaddexp2", "hypot", "arctan2", "copysign", "remainder", "fmod"), PAIRS),
    **dict.fromkeys(("spherical_jn", "iv", "ive"), tuple((n, x) for n in ("0", "1", "2", "5") for x in ANY)),
    "polygamma": tuple((n, x) for n in ("0", "1", "2", "4") for x in OFF_POLES),
    **dict.fromkeys(
        ("beta", "betaln"), (("1/3", "2"), ("450", "1/7"), ("-1/3", "5/2"), ("-1/2", "-1/3"), ("1e-9", "3"))),
    **dict.fromkeys(("gammainc", "gammaincc"), tuple((a, x) for a in ("1/2", "1", "7/3", "40") for x in POSITIVE)),
    "boxcox": tuple((x, k) for x in POSITIVE for k in ("0", "1/2", "-3/2", "2", "1e-12")),
    "inv_boxcox": (("1/3", "0"), ("-5", "0"), ("1", "1/2"), ("-1/2", "1/3"), ("1/2", "-1"), ("3", "1e-9")),
    **dict.fromkeys(("huber", "pseudo_huber"), (("1", "1/3"), ("1", "-3"), ("1/2", "0"), ("0", "2"), ("3", "3"))),
}  # fmt: skip

SMALL = 1e-9
"""Points nearer to 0 than this are no place for finite differences."""


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


def exact(text):
    return Fraction(text)


def truth(value):
    return mpmath.mpf(value.numerator) / value.denominator


def named(name):
    return [array(argument) for argument in FUNCTIONS[name].arguments]


def nodes(name, values):
    """The row, its orders being numbers, and the instance of the rest."""
    row = FUNCTIONS[name]
    arrays = named(name)
    arguments = [
        Number(Integer(int(v))) if a in row.orders else x.node
        for a, x, v in zip(row.arguments, arrays, values, strict=True)
    ]
    point = Instance({}, {x.node: np.array(v, dtype=object) for x, v in zip(arrays, values, strict=True)})
    return Map(name, tuple(arguments)), arrays, point


def close(element, expected, bits):
    """Whether the ball, which must hold the truth, is no wider than the precision warrants."""
    with precision(bits):
        ball = as_ball(element)
    assert ball.is_finite()
    mid, rad = (mpmath.mpf(part.str(60, radius=False)) for part in (ball.mid(), ball.rad()))
    slack = mpmath.mpf(10) ** -55 * abs(expected)  # the midpoint's text is rounded
    assert abs(mid - expected) <= rad * (1 + mpmath.mpf(10) ** -8) + slack, f"{mid} ± {rad} is not {expected}"
    return rad <= mpmath.mpf(2) ** (90 - bits) * (abs(expected) + mpmath.mpf(2) ** -60)


CASES = [(name, point if isinstance(point, tuple) else (point,)) for name, points in POINTS.items() for point in points]


def test_every_special_row_has_points_and_an_oracle():
    assert set(POINTS) == set(ORACLES)
    assert set(ORACLES) < set(FUNCTIONS)


@pytest.mark.parametrize(("name", "point"), CASES, ids=lambda p: p if isinstance(p, str) else "_".join(p))
def test_values_contain_the_truth(name, point):
    values = [exact(text) for text in point]
    node, _, instance = nodes(name, values)
    value = evaluate(node, instance, 192)[()]
    assert not isinstance(value, Hole), value
    with mp.workdps(100):
        expected = ORACLES[name](*(truth(v) for v in values))
    assert close(value, expected, 192)


@pytest.mark.parametrize(("name", "point"), CASES, ids=lambda p: p if isinstance(p, str) else "_".join(p))
def test_series_contain_the_derivatives(name, point):
    """The first three coefficients against mpmath's differences in 120 digits."""
    values = [exact(text) for text in point]
    row = FUNCTIONS[name]
    for place, argument in enumerate(row.arguments):
        if argument in row.orders or row.derivative[place] is None or 0 < abs(values[place]) < SMALL:
            continue
        node, arrays, instance = nodes(name, values)
        direction = {arrays[place].node: np.array(Fraction(1), dtype=object)}
        rest = [truth(v) for v in values]
        for order in (1, 2, 3):
            value = evaluate(node, instance, 256, direction, order)[()]
            if isinstance(value, Hole):
                assert isinstance(value, Kink), value
                assert name in KINKED, f"{name} has no kink at {point}: {value}"
                continue

            def along(t, rest=rest, place=place):
                return ORACLES[name](*[t if k == place else v for k, v in enumerate(rest)])

            with mp.workdps(120):
                expected = mpmath.diff(along, truth(values[place]), order, h=mpmath.mpf(10) ** -25)
                expected /= mpmath.factorial(order)
            got = mpmath.mpf(as_ball(value).mid().str(40, radius=False))
            assert abs(got - expected) <= 1e-12 * abs(expected) + 1e-14, (order, got, expected)


KINKED = {
    "cbrt", "i0e", "i1e", "ive", "hypot", "arctan2", "copysign", "huber", "pseudo_huber", "floor", "ceil", "trunc",
    "rint", "remainder", "fmod", "arccosh", "gammainc", "gammaincc",
}  # fmt: skip
"""The rows with points at which no derivative is taken."""


def at(name, *values):
    node, _, instance = nodes(name, [Fraction(v) for v in values])
    return evaluate(node, instance)[()]


def moving(name, *values, place=-1):
    node, arrays, instance = nodes(name, [Fraction(v) for v in values])
    return evaluate(node, instance, 128, {arrays[place].node: np.array(Fraction(1), dtype=object)}, 1)[()]


OUTSIDE = [
    ("logit", ["0"]), ("logit", ["1"]), ("logit", ["-1"]),
    ("arcsin", ["1.001"]), ("arccos", ["-2"]), ("arccosh", ["0.999"]), ("arctanh", ["1"]), ("arctanh", ["-1"]),
    ("erfinv", ["1"]), ("erfinv", ["-3/2"]), ("ndtri", ["0"]), ("ndtri", ["1"]), ("ndtri", ["-1/2"]),
    ("gamma", ["0"]), ("gamma", ["-3"]), ("gammaln", ["-1"]), ("digamma", ["0"]), ("polygamma", ["2", "-4"]),
    ("loggamma", ["0"]), ("loggamma", ["-1/2"]),
    ("beta", ["0", "1"]), ("betaln", ["1", "-2"]), ("betaln", ["-1/2", "1/2"]),
    ("gammainc", ["0", "1"]), ("gammainc", ["-1", "1"]), ("gammaincc", ["1", "-1/10"]),
    ("boxcox", ["0", "1"]), ("boxcox", ["-1", "2"]), ("inv_boxcox", ["-2", "1"]), ("inv_boxcox", ["-1", "1"]),
    ("huber", ["-1", "2"]), ("pseudo_huber", ["-1/2", "0"]), ("remainder", ["1", "0"]), ("fmod", ["1", "0"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), OUTSIDE)
def test_outside_of_the_domain_is_undefined(name, values):
    assert isinstance(at(name, *values), Undefined)


def met(name, values):
    """Whether the numbers meet what the row says that it requires."""
    node, _, instance = nodes(name, [Fraction(v) for v in values])
    holds = {">": lambda s: s > 0, ">=": lambda s: s >= 0, "!=": lambda s: s != 0}
    return all(holds[need.op](sign_of(evaluate(need.node, instance)[()])) for need in needs(name, node.arguments))


def test_rows_require_what_their_balls_do():
    assert {name for name, _ in OUTSIDE} == {name for name in ORACLES if FUNCTIONS[name].requires} - {"tan"}
    for name, values in OUTSIDE:
        assert not met(name, values), (name, values)
    for name, point in CASES:
        assert met(name, point), (name, point)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("arcsin", ["1"]), ("arccos", ["-1"]), ("arccosh", ["1"]), ("cbrt", ["0"]), ("i0e", ["0"]),
        ("hypot", ["0", "0"]), ("arctan2", ["0", "-1"]), ("arctan2", ["0", "0"]), ("copysign", ["0", "1"]),
        ("floor", ["3"]), ("ceil", ["-2"]), ("trunc", ["5"]), ("rint", ["5/2"]), ("remainder", ["6", "2"]),
        ("fmod", ["-6", "2"]), ("huber", ["1", "-1"]),
    ],
)  # fmt: skip
def test_no_derivative_at_kinks_and_ends(name, values):
    assert not isinstance(at(name, *values), Hole)
    assert isinstance(moving(name, *values, place=0), Kink)


@pytest.mark.parametrize(
    ("name", "values", "slope"),
    [("trunc", ["0"], 0), ("rint", ["2"], 0), ("floor", ["5/2"], 0), ("huber", ["1", "0"], 0), ("sinc", ["0"], 0)],
)
def test_a_derivative_where_there_is_one(name, values, slope):
    assert as_ball(moving(name, *values)) == slope


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("arctan2", ["0", "0"], 0), ("sinc", ["0"], 1), ("rint", ["1/2"], 0), ("rint", ["3/2"], 2),
        ("rint", ["-5/2"], -2), ("floor", ["-1/2"], -1), ("trunc", ["-3/2"], -1), ("ceil", ["-3/2"], -1),
        ("copysign", ["-3", "0"], 3), ("remainder", ["-7", "3"], 2), ("fmod", ["-7", "3"], -1), ("gamma", ["5"], 24),
        ("exp2", ["10"], 1024), ("rgamma", ["-4"], 0), ("huber", ["2", "5"], 8), ("beta", ["-1/2", "1/2"], 0),
    ],
)  # fmt: skip
def test_exact_values(name, values, expected):
    """Checked against NumPy and SciPy: the conventions at 0 and at ties are theirs."""
    row = FUNCTIONS[name]
    home = np if row.numpy.startswith("np.") else __import__("scipy.special", fromlist=["special"])
    assert getattr(home, row.numpy.removeprefix("np."))(*(float(Fraction(v)) for v in values)) == expected
    assert as_ball(at(name, *values)).contains(expected)


def test_small_values_beside_one_are_not_lost():
    """log Φ(x) for large x is about -exp(-x²/2): a ball around log 1 would not know its sign."""
    value = as_ball(at("log_ndtr", "30"))
    assert value < 0
    expected = ORACLES["log_ndtr"](mpmath.mpf(30))
    assert abs(mpmath.mpf(value.mid().str(40, radius=False)) / expected - 1) < 1e-30
    assert as_ball(moving("log_ndtr", "30")) > 0


FAR = ("1e8", "-1e8", "2.5e40", "-2.5e40", "1e-300")


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_far_out_answers_come_soon_and_hold_no_nan(name):
    """The judge goes to 1e40: an answer or a hole, and no computation that goes on and on."""
    row = FUNCTIONS[name]
    for text in FAR:
        values = [Fraction(2) if a in row.orders else Fraction(text) for a in row.arguments]
        node, arrays, instance = nodes(name, values)
        start = process_time()
        value = evaluate(node, instance)[()]
        assert process_time() - start < 5
        assert isinstance(value, Hole) or as_ball(value).is_finite()
        place = next(k for k in reversed(range(len(arrays))) if row.derivative[k] is not None)
        start = process_time()
        evaluate(node, instance, 128, {arrays[place].node: np.array(Fraction(1), dtype=object)}, 2)
        assert process_time() - start < 5


def test_wide_balls_are_unknown():
    """A ball that may be on either side of an edge is neither inside nor outside."""
    x = array("x")
    third = Instance({}, {x.node: np.array(Fraction(1, 3), dtype=object)})
    root = np.sqrt(x * 3)  # 1, but as a ball: the root of an exact square stays exact, so take sin² + cos²
    one = np.sin(x) ** 2 + np.cos(x) ** 2
    assert evaluate(root.node, third)[()] == 1
    for name in ("arcsin", "arctanh", "erfinv", "ndtri", "floor", "trunc", "arccosh"):
        assert isinstance(evaluate(Map(name, (one.node,)), third)[()], Unknown), name
    zero = one - 1
    for name in ("cbrt", "gamma", "gammaln", "digamma", "loggamma"):
        value = evaluate(Map(name, (zero.node,)), third)[()]
        assert isinstance(value, Unknown), (name, value)


@settings(max_examples=40, deadline=None)
@given(
    st.fractions(min_value=-3, max_value=3, max_denominator=40),
    st.sampled_from(["sinc", "erf", "i0", "log_ndtr", "arcsinh", "digamma"]),
)
def test_series_compose(x0, name):
    """The series of f(t²) from that of f: what a truncated argument does not know is not claimed."""
    assume(x0 != 0 or name != "digamma")
    x = array("x")
    point = Instance({}, {x.node: np.array(x0, dtype=object)})
    move = {x.node: np.array(Fraction(1), dtype=object)}
    value = as_ball(evaluate(Map(name, ((x * x).node,)), point, 192, move, 2)[()])
    with mp.workdps(120):
        expected = mpmath.diff(lambda t: ORACLES[name](t * t), truth(x0), 2, h=mpmath.mpf(10) ** -25) / 2
    assert abs(mpmath.mpf(value.mid().str(40, radius=False)) - expected) <= 1e-12 * abs(expected) + 1e-14


def test_an_order_is_a_constant():
    n, x = array("n"), array("x")
    point = Instance({}, {n.node: np.array(Fraction(1, 2), dtype=object), x.node: np.array(Fraction(1), dtype=object)})
    with pytest.raises(UnsupportedError, match="constant integer"):
        evaluate(Map("polygamma", (n.node, x.node)), point)
    with pytest.raises(UnsupportedError, match="incomplete gamma"):
        evaluate(
            Map("gammainc", (n.node, x.node)), point, 128, {n.node: np.array(Fraction(1), dtype=object)}, 1
        )
