"""Balls contain the truth (mpmath at 60 digits), holes stay holes, and no rule of calculus is used."""

import ast
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
from flint import arb, arb_series, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rows import ORACLES as SPECIAL
from sympy import E, Integer, Rational, Symbol, exp, log, pi, sqrt

import symderive.judgement
from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.balls import (
    Ball,
    Jet,
    Kink,
    LogPole,
    Undefined,
    Unknown,
    constant,
    divide,
    evaluate,
    logarithm,
    power,
    precision,
    sign_of,
)
from symderive.judgement.instances import Instance
from symderive.language import build
from symderive.language.arrays import array, basis, dims, eye, ones, zeros
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import Basis, Contraction, Delta, Differential, Map, Named, Number, Range
from symderive.language.reductions import log_softmax, logsumexp, softmax

n, d = dims("n d")
N, D = n.node.value, d.node.value
x, y, z = array("x"), array("y"), array("z")
v = array("v", n)
M = array("M", n, d)

mpmath.mp.dps = 60


def point(sizes=None, **values):
    leaves = {"x": x, "y": y, "z": z, "v": v, "M": M}
    return Instance(
        {{"n": N, "d": D}[k]: s for k, s in (sizes or {}).items()},
        {leaves[k].node: np.vectorize(Fraction, otypes=[object])(np.array(value)) for k, value in values.items()},
    )


def at(node, **values):
    return evaluate(node.node if hasattr(node, "node") else node, point(**values))[()]


def truth(value):
    return mpmath.mpf(value.numerator) / value.denominator


def contains(ball, expected):
    """Whether a ball at 128 bits contains the truth and is narrow."""
    ball = arb(ball)
    assert ball.is_finite()
    mid, rad = mpmath.mpf(ball.mid().str(60, radius=False)), mpmath.mpf(ball.rad().str(60, radius=False))
    # the text of the midpoint is itself rounded at 60 digits
    return abs(mid - expected) <= rad * (1 + mpmath.mpf(10) ** -8) + abs(expected) * mpmath.mpf(10) ** -55


ORACLES = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": lambda a: mpmath.log(1 + a),
    "expm1": lambda a: mpmath.exp(a) - 1,
    "log2": lambda a: mpmath.log(a) / mpmath.log(2),
    "log10": lambda a: mpmath.log(a) / mpmath.log(10),
    "abs": abs,
    "sign": mpmath.sign,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "arctan": mpmath.atan,
    "expit": lambda a: 1 / (1 + mpmath.exp(-a)),
    "log_expit": lambda a: -mpmath.log(1 + mpmath.exp(-a)),
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "maximum": max,
    "minimum": min,
    "clip": lambda x, a, b: min(max(x, a), b),
    "heaviside": lambda a, b: b if a == 0 else mpmath.mpf(a > 0),
    "lt": lambda a, b: mpmath.mpf(a < b),
    "le": lambda a, b: mpmath.mpf(a <= b),
    "eq": lambda a, b: mpmath.mpf(a == b),
    "ne": lambda a, b: mpmath.mpf(a != b),
    "xlogy": lambda a, b: a * mpmath.log(b) if a else mpmath.mpf(0),
    "xlog1py": lambda a, b: a * mpmath.log(1 + b) if a else mpmath.mpf(0),
    "entr": lambda a: -a * mpmath.log(a) if a else mpmath.mpf(0),
    "rel_entr": lambda a, b: a * mpmath.log(a / b) if a else mpmath.mpf(0),
    "kl_div": lambda a, b: (a * mpmath.log(a / b) if a else mpmath.mpf(0)) - a + b,
    "power": lambda a, b: mpmath.power(a, b),
}
POSITIVE = {"log", "log1p", "log2", "log10", "xlogy", "xlog1py", "entr", "rel_entr", "kl_div", "power"}
JUMPS = {"sign", "heaviside", "lt", "le", "eq", "ne", "where"}


def test_every_row_has_an_oracle():
    """The special functions have theirs in `support.rows`; see `test_special_balls`."""
    assert set(FUNCTIONS) - set(ORACLES) - set(SPECIAL) == {"where"}


rationals = st.fractions(min_value=-20, max_value=20, max_denominator=50)


@pytest.mark.parametrize("name", ORACLES)
@settings(max_examples=25, deadline=None)
@given(one=rationals, two=rationals, three=rationals)
def test_rows_contain_the_truth(name, one, two, three):
    if name in POSITIVE:
        one, two = abs(one) + Fraction(1, 7), abs(two) + Fraction(1, 7)
    arity = len(FUNCTIONS[name].arguments)
    node = Map(name, (x.node, y.node, z.node)[:arity])
    value = at(node, x=one, y=two, z=three)
    assert contains(value, ORACLES[name](*(truth(a) for a in (one, two, three)[:arity])))


@pytest.mark.parametrize("name", sorted(set(ORACLES) - JUMPS))
@settings(max_examples=10, deadline=None)
@given(one=rationals, two=rationals, three=rationals)
def test_series_of_rows_contain_the_derivative(name, one, two, three):
    if name in POSITIVE:
        one, two = abs(one) + Fraction(1, 7), abs(two) + Fraction(1, 7)
    arity = len(FUNCTIONS[name].arguments)
    if one == 0 or one in (two, three)[: arity - 1]:
        return
    node = Map(name, (x.node, y.node, z.node)[:arity])
    moving = {x.node: np.array(Fraction(1), dtype=object)}
    value = evaluate(node, point(x=one, y=two, z=three), 128, moving, 1)[()]
    rest = [truth(two), truth(three)][: arity - 1]
    expected = mpmath.diff(lambda s: ORACLES[name](s, *rest), truth(one), h=mpmath.mpf(10) ** -18)
    assert abs(mpmath.mpf(arb(value).mid().str(40, radius=False)) - expected) <= abs(expected) * 1e-12 + 1e-12


@settings(max_examples=40, deadline=None)
@given(a=rationals, b=rationals)
def test_rational_expressions_stay_exact(a, b):
    value = at((x + y) ** 3 - x * y / 7, x=a, y=b)
    expected = (a + b) ** 3 - a * b / 7
    assert type(value) is fmpq
    assert value == fmpq(expected.numerator, expected.denominator)


def test_squares_have_exact_roots():
    assert at(np.sqrt(x), x=Fraction(4, 9)) == fmpq(2, 3)
    assert type(at(np.sqrt(x), x=Fraction(2))) is arb


def test_huge_exact_powers_do_not_fill_the_memory():
    value = at(build.power(x.node, Integer(10) ** 9), x=Fraction(10, 9))
    assert type(value) is arb
    assert value.is_finite()
    assert contains(value, mpmath.power(mpmath.mpf(10) / 9, 10**9))


# -- what is not a number ---------------------------------------------------------------------------


def test_the_traps_of_flint_are_as_remembered():
    assert arb("nan").contains(0)
    assert arb("nan").overlaps(arb(1))
    assert not arb(0).log().is_finite()
    straddling = arb(0, 1)
    assert not straddling > 0
    assert not straddling < 0
    assert list(arb_series([1, 2])) == [1, 2], "a series is a sequence, which NumPy would unpack"


@pytest.mark.parametrize(
    ("node", "value", "kind"),
    [
        (np.log(x), 0, LogPole),
        (np.log(x), -1, Undefined),
        (1 / x, 0, Undefined),
        (np.sqrt(x), -1, Undefined),
        (x ** -0.5, 0, Undefined),
        (x**-2, 0, Undefined),
        (x**1.5, -2, Undefined),
        (np.exp(np.log(x)), 0, Undefined),
        (np.log(x) + np.log(-x), 2, Undefined),
        (0 * np.log(x), -1, Undefined),
        (x / x, 0, Undefined),
        (np.exp(np.exp(np.exp(np.exp(x)))), 100, Unknown),
        (1 / (np.exp(x) * np.exp(-x) - 1), 3, Unknown),
        (np.log(np.exp(x) * np.exp(-x) - 1), 3, Unknown),
        (np.sign(np.exp(x) * np.exp(-x) - 1), 3, Unknown),
        (np.where(np.exp(x) * np.exp(-x) < 1, 1, 2), 3, Unknown),
        (np.maximum(np.log(x), 1), -1, Undefined),
        (np.heaviside(x, np.log(-x)), 1, Undefined),
    ],
)
def test_holes(node, value, kind):
    assert type(at(node, x=Fraction(value))) is kind


@pytest.mark.parametrize(
    ("node", "value", "expected"),
    [
        (x * np.log(x), 0, 0),
        (2 * x * np.log(3 * x), 0, 0),
        (x * (np.log(x) - np.log(5 + x)), 0, 0),
        (x * np.log(x) ** 2, 0, 0),
        (np.where(x > 0, np.log(x), 7), -1, 7),
        (np.where(x > 0, np.log(x), 7), 1, 0),
        (x**0, 0, 1),
        (x**2.5, 0, 0),
        (np.abs(x), -2, 2),
        (np.maximum(x, x), 3, 3),
        (np.heaviside(x, 0.5), 0, Fraction(1, 2)),
        (np.sign(x), 0, 0),
    ],
)
def test_conventions(node, value, expected):
    assert at(node, x=Fraction(value)) == fmpq(expected.numerator, expected.denominator)


def test_maximum_of_a_tie_is_still_a_ball():
    one = np.exp(x) * np.exp(-x)
    assert arb(at(np.maximum(one, 1), x=3)).contains(1)
    assert arb(at(np.abs(one - 1), x=3)).contains(0)
    with precision(128):
        assert Ball(arb("nan")).maximum(Ball(arb(1))).value.__class__ is Unknown


def test_holes_spread_but_do_not_hide():
    bad, maybe, pole = Undefined("bad"), Unknown("maybe"), LogPole("pole")
    for element in (fmpq(2), arb(2)):
        assert (element + bad) is bad
        assert (element * bad) is bad
        assert (bad - element) is bad
    assert (maybe + bad) is bad
    assert (bad * maybe) is bad
    assert fmpq(0) * bad is bad
    assert pole + fmpq(1) is pole
    assert fmpq(0) * pole == 0
    assert pole * arb(0) == 0
    assert isinstance(pole * arb(0, 1), Unknown)
    assert isinstance(divide(fmpq(1), pole), Undefined)
    assert isinstance(divide(pole, fmpq(0)), Undefined)
    assert isinstance(power(fmpq(-2), fmpq(1, 3)), Undefined)
    assert isinstance(logarithm(arb(0, 1)), Unknown)
    assert sign_of(arb("nan")) is None
    assert sign_of(arb(0, 1)) is None
    assert sign_of(arb(0)) == 0


# -- jets ---------------------------------------------------------------------------------------------

UNIT = {x.node: np.array(Fraction(1), dtype=object)}


@pytest.mark.parametrize(
    ("node", "where"),
    [
        (np.abs(x), 0),
        (np.maximum(x, 0), 0),
        (np.sqrt(x**2), 0),
        (np.sqrt(x), 0),
        (x**1.5, 0),
        (x * np.log(x), 0),
        (np.log(x), 0),
        (np.where(x < 1, x, x**2), 1),
        (np.sign(x), 0),
        (np.heaviside(x, 0.5), 0),
    ],
)
def test_no_derivative_is_taken_at_a_kink(node, where):
    """sqrt(x**2) at 0 above all: truncated after t, the inner series is 0."""
    for order in (1, 2):
        value = evaluate(node.node, point(x=where), 128, UNIT, order)[()]
        assert isinstance(value, Kink), value


def test_higher_coefficients():
    series = [evaluate(np.exp(2 * x).node, point(x=0), 128, UNIT, k)[()] for k in range(4)]
    for got, expected in zip(series, (1, 2, 2, Fraction(4, 3)), strict=True):
        assert contains(got, truth(Fraction(expected)))


def test_differentials_are_the_first_coefficient_and_nest():
    twice = Differential(Differential((x**3).node))
    assert evaluate(twice, point(x=5), 128, UNIT)[()] == 30
    through = build.multiply(Differential((x**3).node), x.node)
    assert evaluate(through, point(x=2), 128, UNIT)[()] == 24
    assert evaluate(Differential((y**3).node), point(x=2, y=3), 128, UNIT)[()] == 0
    assert isinstance(evaluate(Differential(np.log(y).node), point(x=2, y=0), 128, UNIT)[()], Undefined)
    with pytest.raises(UnsupportedError):
        evaluate(twice, point(x=5))


def test_jets_are_not_unpacked_by_numpy():
    array_of_jets = np.empty(2, object)
    with precision(64, 3):
        array_of_jets[:] = [Jet(arb_series([1, 2, 3])), Jet(arb_series([1, 1]))]
        assert (array_of_jets * array_of_jets).shape == (2,)
        assert isinstance((arb(2) * array_of_jets)[0], Jet)


def test_the_context_is_put_back():
    before = ctx.prec, ctx.cap
    evaluate(np.exp(x).node, point(x=1), 999)
    with pytest.raises(ShapeError):
        evaluate(Basis(N, Integer(7)), point({"n": 2}))
    assert (ctx.prec, ctx.cap) == before


# -- arrays ---------------------------------------------------------------------------------------------

VALUES = {"v": [1, -2], "M": [[1, 2, 3], [4, -5, 6]]}
SIZES = {"n": 2, "d": 3}


def arrays(node):
    values = evaluate(node.node if hasattr(node, "node") else node, point(SIZES, **VALUES))
    return np.array([float(arb(e).mid()) for e in values.reshape(-1)]).reshape(values.shape)


def contraction(coefficient, factors, rank, *labels):
    return Contraction(Integer(coefficient), tuple(factors), rank, labels)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (v @ M, np.array(VALUES["v"]) @ np.array(VALUES["M"])),
        (eye(d), np.eye(3)),
        (basis(d, 2), np.eye(3)[2]),
        (np.diag(v), np.diag(VALUES["v"])),
        (np.trace(np.outer(v, v)), 5),
        (logsumexp(M, axis=1), np.log(np.sum(np.exp(VALUES["M"]), axis=1))),
        (np.prod(M, axis=1), [6, -120]),
        (zeros(n), np.zeros(2)),
        (ones((n, d)) * 2, np.full((2, 3), 2)),
        (Range(D), [0, 1, 2]),
        (M[1], VALUES["M"][1]),
        (M[:, 2], [3, 6]),
        (M[0, 1], 2),
        # a binder that no factor carries is a factor: sum over d of v is 3 v
        (contraction(1, [(v.node, (0,))], 1, N, D), [3, -6]),
        # an output label that no factor carries is a broadcast
        (contraction(2, [(v.node, (0,))], 2, N, D), 2 * np.outer(VALUES["v"], np.ones(3))),
        (contraction(1, [], 2, N, D), np.ones((2, 3))),
        (contraction(1, [], 0, N, D), 6),
        # a label twice in one factor is a diagonal
        (contraction(1, [(np.outer(v, v).node, (0, 0))], 1, N), [1, 4]),
        (contraction(1, [(np.outer(v, v).node, (0, 0))], 0, N), 5),
        # deltas between outputs, between bound labels, and with itself
        (contraction(1, [(Delta(N), (0, 1)), (v.node, (0,))], 2, N, N), np.diag(VALUES["v"])),
        (contraction(1, [(Delta(N), (0, 1))], 0, N, N), 2),
        (contraction(1, [(Delta(N), (0, 0))], 0, N), 2),
        (contraction(1, [(Delta(N), (0, 1)), (Delta(N), (1, 2))], 1, N, N, N), [1, 1]),
        (contraction(1, [(Delta(N), (0, 1)), (Basis(N, Integer(1)), (1,))], 1, N, N), [0, 1]),
        (contraction(1, [(Basis(N, Integer(1)), (0,)), (Basis(N, Integer(0)), (0,))], 0, N), 0),
        (contraction(3, [(Basis(N, Integer(1)), (0,)), (M.node, (0, 1))], 2, N, D), [[0, 0, 0], [12, -15, 18]]),
        (contraction(1, [(Named("I", Delta(N)), (0, 1)), (v.node, (1,))], 1, N, N), VALUES["v"]),
        (build.scale(N / D, v.node), np.array(VALUES["v"]) * 2 / 3),
        (np.einsum("ij,ik,jk,i->", M, M, np.einsum("j,k->jk", M[0], M[1]), v),
         np.einsum("ij,ik,jk,i->", VALUES["M"], VALUES["M"], np.outer(*VALUES["M"]), VALUES["v"])),
    ],
)
def test_arrays_mean_what_numpy_means(node, expected):
    assert np.allclose(arrays(node), expected, rtol=1e-14, atol=0)


def test_softmax():
    e = np.exp(VALUES["M"])
    got = arrays(softmax(M, axis=1))
    assert np.allclose(got, e / e.sum(axis=1, keepdims=True), rtol=1e-14)
    assert np.allclose(arrays(log_softmax(M, axis=1)), np.log(got), rtol=1e-13)


def test_a_selected_entry_asks_nothing_of_the_others():
    inner = np.log(v)  # log of (1, -2)
    assert isinstance(evaluate(inner.node, point(SIZES, **VALUES))[1], Undefined)
    assert arrays(inner[0]) == 0
    diagonal = evaluate(np.diag(inner).node, point(SIZES, **VALUES))
    assert diagonal[0, 1] == 0
    assert isinstance(diagonal[1, 1], Undefined)
    assert isinstance(evaluate(np.sum(inner).node, point(SIZES, **VALUES))[()], Undefined)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_contractions_agree_with_einsum(data):
    sizes = {"n": data.draw(st.integers(1, 3)), "d": data.draw(st.integers(1, 3))}
    numbers = st.integers(-3, 3)
    vector = [data.draw(numbers) for _ in range(sizes["n"])]
    matrix = [[data.draw(numbers) for _ in range(sizes["d"])] for _ in range(sizes["n"])]
    count = data.draw(st.integers(1, 4))
    spots: list[str] = []
    factors = []
    for _ in range(count):
        kind = data.draw(st.sampled_from("vM"))
        row = data.draw(st.sampled_from("ab"))
        if kind == "v":
            spots.append(row)
            factors.append((v.node, (row,)))
        else:
            column = data.draw(st.sampled_from("pq"))
            spots.append(row + column)
            factors.append((M.node, (row, column)))
    used = sorted(set("".join(spots)))
    out = data.draw(st.lists(st.sampled_from(used), unique=True))
    labels = out + [u for u in used if u not in out]
    node = Contraction(
        Integer(1),
        tuple((f, tuple(labels.index(i) for i in ls)) for f, ls in factors),
        len(out),
        tuple(N if i in "ab" else D for i in labels),
    )
    operands = [np.array(vector) if len(s) == 1 else np.array(matrix) for s in spots]
    expected = np.einsum(",".join(spots) + "->" + "".join(out), *operands)
    got = evaluate(node, point(sizes, v=vector, M=matrix))
    assert got.shape == expected.shape
    assert [int(e.p) for e in got.reshape(-1)] == [int(e) for e in np.asarray(expected).reshape(-1)]


# -- numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (Rational(3, 7) * N, mpmath.mpf(6) / 7),
        (pi / 2, mpmath.pi / 2),
        (E**2, mpmath.e**2),
        (exp(N), mpmath.exp(2)),
        (log(2 * pi), mpmath.log(2 * mpmath.pi)),
        (sqrt(N), mpmath.sqrt(2)),
        ((N + D) ** Rational(-1, 2), 1 / mpmath.sqrt(5)),
        (N * D - 1, mpmath.mpf(5)),
    ],
)
def test_constants(expr, expected):
    with precision(128):
        assert contains(constant(expr, {N: 2, D: 3}), expected)


def test_constants_that_are_none():
    with precision(128):
        assert isinstance(constant(1 / (N - 2), {N: 2}), Undefined)
        assert isinstance(constant(log(N - 2), {N: 2}), LogPole)
        assert isinstance(constant(sqrt(N - 3), {N: 2}), Undefined)
        with pytest.raises(UnsupportedError, match="dimensions"):
            constant(Symbol("stranger"), {N: 2})
    assert isinstance(evaluate(Number(1 / (N - 2)), point({"n": 2}))[()], Undefined)


# -- independence -------------------------------------------------------------------------------------


def test_the_judge_knows_no_rule_of_calculus():
    folder = Path(symderive.judgement.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symderive"):
                assert node.module.split(".")[1] in ("errors", "deadline", "language", "judgement"), path.name
                assert not {"partial", "meaning"} & {a.name for a in node.names}, path.name
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("diff", "partial"), path.name


def test_the_larger_of_two_series_that_nothing_tells_apart():
    with precision(100, 3):
        x = arb_series([arb(2).sqrt(), 3, arb(1) / 3])
        y = arb_series([arb(2).sqrt(), 3, arb(1) / 3])
        both = Ball(Jet(x)).maximum(Ball(Jet(y))).value
        assert isinstance(both, Jet)
        assert all(both.series[k].contains(x[k]) and both.series[k].overlaps(y[k]) for k in range(3))
        for other in ([arb(2).sqrt(), 4, arb(1) / 3], [arb(2).sqrt(), 3, arb(1) / 2]):  # a kink, not seen as one
            assert isinstance(Ball(Jet(x)).minimum(Ball(Jet(arb_series(other)))).value, Unknown)
        assert isinstance(Ball(Jet(x)).maximum(Ball(arb(2).sqrt())).value, Unknown)
