"""Exact equality at a point: what is called equal is equal to 60 digits, and what ought to be is called so."""

import random
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

import symderive as sd
from symderive.checking.sides import read_claim
from symderive.judgement.closed_forms import equal_exactly
from symderive.judgement.instances import Instance


def sides(lhs, rhs, **values):
    relation = read_claim(lhs, "==", rhs).relation
    leaves = {leaf.name: leaf for side in (relation.lhs, relation.rhs) for leaf in side.leaves()}
    held = {}
    for name, leaf in leaves.items():
        cell = np.empty((), object)
        value = values[name]
        cell[()] = value if isinstance(value, sp.Basic) else Fraction(value)
        held[leaf] = cell
    return relation.lhs, relation.rhs, Instance({}, held)


def equal(lhs, rhs, **values):
    return equal_exactly(*sides(lhs, rhs, **values), None)


@pytest.mark.parametrize(
    ("lhs", "rhs", "values"),
    [
        ("-p*log(p) - (1 - p)*log(1 - p)", "log(2)", {"p": "1/2"}),
        ("p*log(p/q) + (1 - p)*log((1 - p)/(1 - q))", "0", {"p": "3/7", "q": "3/7"}),
        ("a*log(a/((a+b)*(a+c))) + b*log(b/((a+b)*(b+d)))+c*log(c/((c+d)*(a+c)))+d*log(d/((c+d)*(b+d)))", "0",
         {"a": "1/6", "b": "1/3", "c": "1/6", "d": "1/3"}),
        ("sqrt(x*y)", "(x + y)/2", {"x": 2, "y": 2}),
        ("1/(1 + sqrt(x))", "(1 - sqrt(x))/(1 - x)", {"x": 3}),
        ("tanh(x)", "0", {"x": 0}),
        ("exp(-x)/(1 + exp(-x))**2", "1/4", {"x": 0}),
        ("log(1 + exp((x + y)/2))", "(log(1 + exp(x)) + log(1 + exp(y)))/2", {"x": "3/2", "y": "3/2"}),
        ("log(exp(x) + exp(y))", "maximum(x, y) + log(2)", {"x": 3, "y": 3}),
        ("x*log(x)", "0", {"x": 0}),
        ("where(x > 0, log(x), 0)", "0", {"x": 0}),
        ("digamma(x + 1)", "digamma(x) + 1/x", {"x": 3}),
        ("gamma(x)**2", "pi", {"x": "1/2"}),
        ("x**x", "exp(-exp(-1))", {"x": sp.exp(-1)}),
        ("sin(x)", "1", {"x": sp.pi / 2}),
        ("cos(x) + sin(x)", "sqrt(2)", {"x": sp.pi / 4}),
        ("arctan(x)", "pi/3", {"x": sp.sqrt(3)}),
        ("arcsin(x)", "-pi/6", {"x": "-1/2"}),
        ("log(x)/x", "exp(-1)", {"x": sp.E}),
        ("erf(x)", "-erf(y)", {"x": 2, "y": -2}),
        ("cbrt(x)", "-2", {"x": -8}),
        ("sqrt(x)*log(sqrt(x))", "sqrt(2)*log(2)/2", {"x": 2}),
    ],
)
def test_values_that_are_equal_are_shown_to_be(lhs, rhs, values):
    assert equal(lhs, rhs, **values)
    assert not equal(lhs, f"({rhs}) + 1/10**30", **values)


@pytest.mark.parametrize(
    ("lhs", "rhs", "values"),
    [
        ("log(x)", "0", {"x": 0}),
        ("1/x", "1/x", {"x": 0}),
        ("sqrt(x)", "sqrt(x)", {"x": -1}),
        ("log(x)", "log(x)", {"x": -2}),
    ],
)
def test_nothing_is_equal_where_it_is_not_defined(lhs, rhs, values):
    assert not equal(lhs, rhs, **values)


ATOMS = ("x", "y", "2", "3", "1/2", "-1", "5/3")
UNARY = ("exp", "log", "sqrt", "sin", "cos", "arctan", "abs", "tanh", "gamma", "erf", "digamma")
MP = {"arctan": mpmath.atan, "abs": abs, "exp": mpmath.exp, "log": mpmath.log, "sqrt": mpmath.sqrt,
      "sin": mpmath.sin, "cos": mpmath.cos, "tanh": mpmath.tanh, "gamma": mpmath.gamma, "erf": mpmath.erf,
      "digamma": mpmath.digamma}  # fmt: skip


def formula(rng, depth):
    if depth == 0 or rng.random() < 0.15:
        return f"({rng.choice(ATOMS)})"
    if rng.random() < 0.45:
        return f"{rng.choice(UNARY)}({formula(rng, depth - 1)})"
    op = rng.choice(("+", "-", "*", "/", "**2", "**3"))
    if op.startswith("**"):
        return f"({formula(rng, depth - 1)}){op}"
    return f"({formula(rng, depth - 1)} {op} {formula(rng, depth - 1)})"


def rewritten(rng, text):
    """An equal formula (where defined), or a slightly different one."""
    shapes = ("{0}", "exp(log({0}))", "({0} + 1) - 1", "2*({0})/2", "sqrt(({0})**2)", "({0})*exp(0)", "log(exp({0}))",
              "1/(1/({0}))", "({0})*(1 + 1/7) - ({0})/7", "({0}) + 0*x", "abs({0})", "-({0})", "({0})**2", "({0})/1.5")
    return rng.choice(shapes).format(text)


def value_of(text, x, y):
    """The value by 60-digit arithmetic; None where it is not a real number."""
    tree = re.sub(r"\d+(\.\d+)?", r"mpf('\g<0>')", text)
    try:
        with mpmath.workdps(60):
            scope = {**MP, "mpf": mpmath.mpf, "x": mpmath.mpf(x.numerator) / x.denominator,
                     "y": mpmath.mpf(y.numerator) / y.denominator}  # fmt: skip
            value = eval(tree, {"__builtins__": {}}, scope)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return value if mpmath.im(value) == 0 and mpmath.isfinite(value) else None


def test_what_is_called_equal_is_equal_to_many_digits():
    rng = random.Random(5)
    agreed = told = 0
    for _ in range(500):
        text = formula(rng, 3)
        other = rewritten(rng, text)
        x, y = (Fraction(rng.randint(-3, 6), rng.choice((1, 2, 3))) for _ in range(2))
        left, right = value_of(text, x, y), value_of(other, x, y)
        if left is None or right is None or abs(left) > 1e20:
            continue
        with mpmath.workdps(60):
            same = abs(left - right) <= mpmath.mpf(10) ** -45 * (1 + abs(left))
        if equal(f"{text} + 0*x + 0*y", f"{other} + 0*x + 0*y", x=x, y=y):
            assert same, (text, other, x, y)
            told += 1
        agreed += same
    assert told > 0.7 * agreed > 70


def test_entries_of_arrays_and_sums_over_them():
    a, b = sd.array("a", 2), sd.array("b", 2)
    lhs, rhs = np.sum(np.log(a)) * np.ones(2) + b, 2 * np.log(np.sqrt(a[0] * a[1])) + b
    numbers = {a: (2, 6), b: (0, 1)}
    point = Instance({}, {x.node: np.array([Fraction(v) for v in row], object) for x, row in numbers.items()})
    assert equal_exactly(lhs.node, rhs.node, point, (0,))
    assert equal_exactly(lhs.node, rhs.node, point, (1,))
    assert not equal_exactly(lhs.node, (rhs + b).node, point, (1,))
