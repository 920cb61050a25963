"""Arguments of calculus: what they prove, and that nothing false and nothing tampered with goes through."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from sympy import Integer

import symderive as sd
from symderive.checking.sides import read_claim
from symderive.derivation.argument_checks import argument_problem, equal
from symderive.derivation.checker import replay
from symderive.derivation.one_variable import UNBOUNDED, difference, pieces, slope, value_at
from symderive.derivation.proofs import WAYS, Argument, Instance
from symderive.derivation.sign_search import find_argument
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.nodes import ONE, Number
from symderive.language.statements import Relation
from symderive.rendering.sentences import proof_text

OPEN, POSITIVE = sd.interval(0, 1), sd.positive
KL = "p*log(p/q) + (1-p)*log((1-p)/(1-q))"
H = "-p*log(p) - (1-p)*log(1-p)"

PROVED = {
    "binary entropy": (f"{H} <= log(2)", {"p": OPEN}, []),
    "binary entropy from below": (f"{H} >= 2*log(2)*minimum(p, 1-p)", {"p": OPEN}, []),
    "two Bernoullis": (f"{KL} >= 0", {"p": OPEN, "q": OPEN}, []),
    "chi-square": (f"{KL} <= (p-q)**2/(q*(1-q))", {"p": OPEN, "q": OPEN}, []),
    "chi-square in a logarithm": (f"{KL} <= log(1 + (p-q)**2/(q*(1-q)))", {"p": OPEN, "q": OPEN}, []),
    "Hellinger": (f"{KL} >= (sqrt(p)-sqrt(q))**2 + (sqrt(1-p)-sqrt(1-q))**2", {"p": OPEN, "q": OPEN}, []),
    "Bhattacharyya": (f"{KL} >= -2*log(sqrt(p*q) + sqrt((1-p)*(1-q)))", {"p": OPEN, "q": OPEN}, []),
    "Rényi of order two": (f"{KL} <= log(p**2/q + (1-p)**2/(1-q))", {"p": OPEN, "q": OPEN}, []),
    "collision entropy": (f"-log(p**2 + (1-p)**2) <= {H}", {"p": OPEN}, []),
    "Jensen with closed weights": (
        "w*log(x) + (1-w)*log(y) <= log(w*x + (1-w)*y)",
        {"x": POSITIVE, "y": POSITIVE, "w": sd.unit_interval},
        [],
    ),
    "log-sum": (
        "(w*x + (1-w)*y)*log(w*x + (1-w)*y) <= w*x*log(x) + (1-w)*y*log(y)",
        {"x": POSITIVE, "y": POSITIVE, "w": sd.unit_interval},
        [],
    ),
    "between two": ("x < y", {}, ["x < z", "z < y"]),
    "Chebyshev": ("a*x + b*y >= a*y + b*x", {}, ["a >= b", "x >= y"]),
    "triangle from below": ("abs(abs(x) - abs(y)) <= abs(x - y)", {}, []),
    "sine is Lipschitz": ("abs(sin(x) - sin(y)) <= abs(x - y)", {}, []),
    "tanh is Lipschitz": ("abs(tanh(x) - tanh(y)) <= abs(x - y)", {}, []),
    "the sigmoid is Lipschitz": ("abs(expit(x) - expit(y)) <= abs(x - y)/4", {}, []),
    "relu is Lipschitz": ("abs(maximum(x, 0) - maximum(y, 0)) <= abs(x - y)", {}, []),
    "joint probability": ("maximum(0, p + q - 1) <= minimum(p, q)", {"p": sd.unit_interval, "q": sd.unit_interval}, []),
    "logarithmic mean, lower": ("sqrt(x*y) <= (x - y)/log(x/y)", {"x": POSITIVE, "y": POSITIVE}, ["x > y"]),
    "logarithmic mean, upper": (
        "(x - y)/(log(x) - log(y)) <= (x + y)/2",
        {"x": POSITIVE, "y": POSITIVE},
        ["x != y"],
    ),
    "entropy with its ends": (f"{H} <= log(2)", {"p": sd.unit_interval}, []),
    "entropy with its ends, from below": (f"{H} >= 4*log(2)*p*(1-p)", {"p": sd.unit_interval}, []),
    "x log x with 0": ("-x*log(x) <= exp(-1)", {"x": sd.nonnegative}, []),
    "tanh over x": ("tanh(x)/x <= 1", {"x": sd.nonzero}, []),
    "Bernoulli's inequality": (
        "(1+x)**r >= 1 + r*x",
        {"x": sd.interval(-1, np.inf, closed="left"), "r": sd.interval(1, np.inf, closed="left")},
        [],
    ),
    "Chernoff with powers": ("(1-p)**n <= exp(-n*p)", {"p": sd.unit_interval, "n": sd.integers(1, np.inf)}, []),
    "two Bernoullis, strictly": (f"{KL} > 0", {"p": OPEN, "q": OPEN}, ["p != q"]),
    "Pinsker": (f"{KL} >= 2*(p-q)**2", {"p": OPEN, "q": OPEN}, []),
    "two Gaussians": (
        "log(s/r) + (r**2 + (a-b)**2)/(2*s**2) - 1/2 >= 0",
        {"r": POSITIVE, "s": POSITIVE, "a": sd.real, "b": sd.real},
        [],
    ),
    "two Poissons": ("a*log(a/b) - a + b >= 0", {"a": POSITIVE, "b": POSITIVE}, []),
    "log by a root": ("log(x) <= (x - 1)/sqrt(x)", {"x": sd.interval(1, np.inf, closed="left")}, []),
    "exp and its parabola": ("exp(x) >= 1 + x + x**2/2", {"x": sd.nonnegative}, []),
    "sine": ("sin(x) <= x", {"x": sd.nonnegative}, []),
    "cosine": ("cos(x) >= 1 - x**2/2", {}, []),
    "tanh": ("tanh(x) < x", {"x": POSITIVE}, []),
    "arctan": ("x/(1 + x**2) <= arctan(x)", {"x": sd.nonnegative}, []),
    "Jensen, softplus": ("log(1 + exp((x+y)/2)) <= (log(1+exp(x)) + log(1+exp(y)))/2", {}, []),
    "Jensen, exp": ("exp(t*x + (1-t)*y) <= t*exp(x) + (1-t)*exp(y)", {"t": sd.unit_interval}, []),
    "log-sum-exp": ("log(exp(x) + exp(y)) <= maximum(x, y) + log(2)", {}, []),
    "log-sum-exp from below": ("log(exp(x) + exp(y)) > maximum(x, y)", {}, []),
    "least x**x": ("x**x >= exp(-exp(-1))", {"x": POSITIVE}, []),
    "triangle": ("abs(x + y) <= abs(x) + abs(y)", {}, []),
    "mutual information": (
        "a*log(a/((a+b)*(a+c))) + b*log(b/((a+b)*(b+d))) + c*log(c/((c+d)*(a+c))) + d*log(d/((c+d)*(b+d))) >= 0",
        dict.fromkeys("abcd", OPEN),
        ["a + b + c + d == 1"],
    ),
    "Motzkin": ("x**4*y**2 + x**2*y**4 - 3*x**2*y**2 + 1 >= 0", {}, []),
    "Nesbitt": ("a/(b+c) + b/(a+c) + c/(a+b) >= 3/2", dict.fromkeys("abc", POSITIVE), []),
    "weighted means": (
        "x**t*y**(1-t) <= t*x + (1-t)*y",
        {"x": POSITIVE, "y": POSITIVE, "t": OPEN},
        [],
    ),
    "three means": ("(x*y*z)**(1/3) <= (x + y + z)/3", dict.fromkeys("xyz", POSITIVE), []),
    "cosh": ("cosh(x) <= exp(x**2/2)", {}, []),
    "powers of two": ("2**n > n", {"n": sd.integers(0, np.inf)}, []),
    "integers and their squares": ("n**2 >= n", {"n": sd.integers(-np.inf, np.inf)}, []),
    "between two roots": ("(n - 3)*(n - 4) >= 0", {"n": sd.integers(-7, np.inf)}, []),
    "squares modulo 4": ("mod(n**2, 4) <= 1", {"n": sd.integers(1, np.inf)}, []),
    "parities of sums": ("mod(m + n, 2) <= mod(m, 2) + mod(n, 2)", dict.fromkeys("mn", sd.integers(0, np.inf)), []),
    "powers of two and squares": ("2**n >= n**2", {"n": sd.integers(4, np.inf)}, []),
    "softplus and relu": ("log(1 + exp(x)) >= maximum(x, 0)", {}, []),
    "log-mean": ("log(x)*(x + 1) >= 2*(x - 1)", {"x": sd.interval(1, np.inf, closed="left")}, []),
    "Mills": ("exp(-x**2/2)/(sqrt(2*pi)*x) >= (1 - erf(x/sqrt(2)))/2", {"x": POSITIVE}, []),
    "compound interest": ("(1 + 1/x)**x < exp(1)", {"x": POSITIVE}, []),
    "a tangent away from where it touches": ("log(1 + 1/x) > 1/(x + 1)", {"x": POSITIVE}, []),
    "squares of odd functions": ("tanh(x)**2 <= x**2", {}, []),
    "products of odd functions": ("x*tanh(x) >= tanh(x)**2", {}, []),
    "entr by its meaning": ("entr(x) + entr(1 - x) <= log(2)", {"x": OPEN}, []),
    "kl_div by its meaning": ("kl_div(x, y) >= 0", {"x": POSITIVE, "y": POSITIVE}, []),
    "cube roots": ("cbrt(x*y*z) <= (x + y + z)/3", dict.fromkeys("xyz", POSITIVE), []),
    "Chernoff": ("(1 - erf(x/sqrt(2)))/2 <= exp(-x**2/2)/2", {"x": sd.nonnegative}, []),
}


def goal_of(claim):
    text, domains, given = claim
    made = read_claim(text, None, None, domains=domains, given=given)
    relation = made.relation
    down = relation.op in (">", ">=")
    sides = (relation.lhs, relation.rhs) if down else (relation.rhs, relation.lhs)
    return difference(*sides), made.given, relation.op in ("<", ">"), made


FOUND: dict[str, Argument] = {}


def found(name):
    if name not in FOUND:
        goal, given, strict, _ = goal_of(PROVED[name])
        argument = find_argument(goal, given, strict, seconds=20)
        assert argument is not None, name
        FOUND[name] = argument
    return FOUND[name]


def parts_of(argument, path=()):
    yield path, argument
    for k, part in enumerate(argument.parts):
        yield from parts_of(part, (*path, k))


def put(argument, path, new):
    if not path:
        return new
    k = path[0]
    inner = put(argument.parts[k], path[1:], new)
    return replace(argument, parts=(*argument.parts[:k], inner, *argument.parts[k + 1 :]))


def fails(argument, path, other):
    """Whether an argument fails with another part in a place: by that part, or by what it is a part of."""
    return argument_problem(other) or argument_problem(put(argument, path, other))


@pytest.mark.parametrize("name", PROVED)
def test_proved_and_checked(name):
    argument = found(name)
    assert argument_problem(argument) == ""
    goal, _, strict, _ = goal_of(PROVED[name])
    assert argument.goal is goal
    assert argument.strict == strict
    # a goal that is 1e-12 lower, anywhere in the argument, does not go through
    for path, part in parts_of(argument):
        lower = build.add([(ONE, part.goal), (-ONE / 10**12, Number(ONE))], ())
        if part.way != "value of a constant":
            assert fails(argument, path, replace(part, goal=lower)), (name, path)


@pytest.mark.parametrize("name", PROVED)
def test_no_part_can_be_left_out_or_weakened(name):
    argument = found(name)
    for path, part in parts_of(argument):
        changed = [replace(part, parts=part.parts[:-1])] if part.parts else []
        weighted = part.instances or part.way not in ("sum of parts", "product of parts")
        changed += [replace(part, way=way) for way in WAYS if way != part.way and part.goal.leaves() and weighted]
        changed += [replace(part, side=-part.side)] if part.way == "monotone" and part.side else []
        zero = equal(part.goal, Number(0 * ONE), part.given)  # then there is nothing to add up
        changed += [replace(part, instances=())] if part.instances and not zero else []
        if part.nodes and part.way == "sum of parts":
            changed.append(replace(part, nodes=(build.scale(-1, part.nodes[0]), *part.nodes[1:])))
        for other in changed:
            assert fails(argument, path, other), (name, path, other.way)


def test_a_verdict_is_proved_replays_and_prints():
    text, domains, given = PROVED["Pinsker"]
    verdict = sd.check(text, domains=domains, given=given)
    assert verdict.status == "proved"
    assert replay(verdict.trace).ok
    (line,) = verdict.trace
    assert "[monotone in q from p]" in str(line)
    assert "d/dq, q > p: " in str(line)
    assert "单调性" in proof_text(line, "zh")
    assert line.as_dict()["argument"]["parts"]
    for other in (
        replace(line, op=">"),
        replace(line, after=build.add([(ONE, line.after), (ONE / 10**12, Number(ONE))], ())),
        replace(line, argument=None),
    ):
        assert not replay((other,)).ok


NOT_TRUE = {
    "chi-square with less": (f"{KL} <= 0.999999*(p-q)**2/(q*(1-q))", {"p": OPEN, "q": OPEN}, []),
    "chi-square the other way": (f"{KL} <= (p-q)**2/(p*(1-p))", {"p": OPEN, "q": OPEN}, []),
    "Bhattacharyya with less": (f"{KL} >= -2.000001*log(sqrt(p*q) + sqrt((1-p)*(1-q)))", {"p": OPEN, "q": OPEN}, []),
    "Hellinger twice": (f"{KL} >= 2.01*(sqrt(p)-sqrt(q))**2 + 2*(sqrt(1-p)-sqrt(1-q))**2", {"p": OPEN, "q": OPEN}, []),
    "entropy with its ends, strictly from below": (f"{H} > 4*log(2)*p*(1-p)", {"p": sd.unit_interval}, []),
    "entropy with its ends, with more": (f"{H} >= 4.0001*log(2)*p*(1-p)", {"p": sd.unit_interval}, []),
    "x log x with 0, strictly": ("x*log(x) > x - 1", {"x": sd.nonnegative}, []),
    "x log x above 0": ("x*log(x) <= x - 1", {"x": sd.nonnegative}, []),
    "tanh over x on one side": ("tanh(x)/x <= 1/(1 + x)", {"x": sd.nonzero}, []),
    "Bernoulli's inequality, small powers": (
        "(1+x)**r >= 1 + r*x",
        {"x": sd.interval(-1, np.inf, closed="left"), "r": sd.interval(Fraction(1, 2), np.inf, closed="left")},
        [],
    ),
    "Chernoff at n = 0": ("(1-p)**n < exp(-n*p)", {"p": sd.unit_interval, "n": sd.integers(1, np.inf)}, []),
    "between two, weakly": ("x < y", {}, ["x <= z", "z <= y"]),
    "between two, one missing": ("x <= y", {}, ["x <= z"]),
    "Chebyshev, one missing": ("a*x + b*y >= a*y + b*x", {}, ["a >= b"]),
    "the sigmoid is Lipschitz, with less": ("abs(expit(x) - expit(y)) <= 0.2499*abs(x - y)", {}, []),
    "relu is Lipschitz, strictly": ("abs(maximum(x, 0) - maximum(y, 0)) < abs(x - y)", {}, ["x != y"]),
    "triangle from below, with more": ("abs(abs(x) - abs(y)) <= 0.999999*abs(x - y)", {}, []),
    "logarithmic mean, upside down": (
        "sqrt(x*y) >= (x - y)/log(x/y)",
        {"x": POSITIVE, "y": POSITIVE},
        ["x > y"],
    ),
    "logarithmic mean, too high": (
        "(x - y)/(log(x) - log(y)) >= 1.0001*sqrt(x*y)",
        {"x": POSITIVE, "y": POSITIVE},
        ["x != y"],
    ),
    "collision entropy, strictly": (f"-log(p**2 + (1-p)**2) < {H}", {"p": OPEN}, []),
    "Jensen with weights beyond 1": (
        "w*log(x) + (1-w)*log(y) <= log(w*x + (1-w)*y)",
        {"x": POSITIVE, "y": POSITIVE, "w": sd.interval(0, 1.001)},
        ["w*x + (1-w)*y > 0"],
    ),
    "Pinsker with more": (f"{KL} >= 2.0001*(p-q)**2", {"p": OPEN, "q": OPEN}, []),
    "entropy strictly": (f"{H} < log(2)", {"p": OPEN}, []),
    "two Bernoullis, strictly, without p != q": (f"{KL} > 0", {"p": OPEN, "q": OPEN}, []),
    "two Poissons, lower": ("a*log(a/b) - a + b >= 1e-12", {"a": POSITIVE, "b": POSITIVE}, []),
    "log by a root, below 1": ("log(x) <= (x - 1)/sqrt(x)", {"x": POSITIVE}, []),
    "sine, lower": ("sin(x) <= x - 1e-12", {"x": sd.nonnegative}, []),
    "sine, everywhere": ("sin(x) <= x", {}, []),
    "exp and its parabola, everywhere": ("exp(x) >= 1 + x + x**2/2", {}, []),
    "tanh at 0": ("tanh(x) < x", {"x": sd.nonnegative}, []),
    "cosine and a quartic": ("cos(x) >= 1 - x**2/2 + x**4/24", {}, []),
    "log-sum-exp with less": ("log(exp(x) + exp(y)) <= maximum(x, y) + 0.6931", {}, []),
    "Jensen outside": ("exp(t*x + (1-t)*y) <= t*exp(x) + (1-t)*exp(y)", {}, []),
    "information without a total": (
        "a*log(a/((a+b)*(a+c))) + b*log(b/((a+b)*(b+d))) + c*log(c/((c+d)*(a+c))) + d*log(d/((c+d)*(b+d))) >= 0",
        dict.fromkeys("abcd", POSITIVE),
        [],
    ),
    "Motzkin with less": ("x**4*y**2 + x**2*y**4 - 3*x**2*y**2 + 0.999999 >= 0", {}, []),
    "Nesbitt with negative numbers": (
        "a/(b+c) + b/(a+c) + c/(a+b) >= 3/2",
        {"a": POSITIVE, "b": POSITIVE},
        ["b + c > 0", "a + c > 0"],
    ),
    "weights the wrong way": ("x**t*y**(1-t) <= t*y + (1-t)*x", {"x": POSITIVE, "y": POSITIVE, "t": OPEN}, []),
    "cosh with less": ("cosh(x) <= exp(x**2*0.499999)", {}, []),
    "powers of two and all squares": ("2**n >= n**2", {"n": sd.integers(1, np.inf)}, []),
    "softplus above relu": ("log(1 + exp(x)) >= maximum(x, 0) + 1e-12", {}, []),
    "an integer between": ("n**2 - 3*n + 2 > 0", {"n": sd.integers(1, 9)}, []),
    "a pole inside": ("1/x >= 1/(x + 1)", {"x": sd.nonzero}, []),
    "a far value": ("1/(1 + x**2) > 1/10**9", {}, []),
    "Mills on the other side": ("exp(-x**2/2)/(sqrt(2*pi)*x) <= (1 - erf(x/sqrt(2)))/2", {"x": POSITIVE}, []),
}


@pytest.mark.parametrize("name", NOT_TRUE)
def test_what_is_not_true_has_no_argument(name):
    goal, given, strict, _ = goal_of(NOT_TRUE[name])
    assert find_argument(goal, given, strict, seconds=2) is None


def test_an_argument_holds_under_what_is_given_only():
    goal, given, _, made = goal_of(("exp(x) - exp(y) >= x - y", {"x": POSITIVE, "y": POSITIVE}, ["x >= y"]))
    argument = find_argument(goal, given, False, seconds=5)
    assert argument is not None
    assert argument_problem(argument) == ""
    verdict = sd.check("exp(x) - exp(y) >= x - y", domains={"x": POSITIVE, "y": POSITIVE}, given=["x >= y"])
    assert verdict.status == "proved"
    assert replay(verdict.trace, made.given).ok
    assert not replay(verdict.trace).ok


def test_a_domain_is_only_made_wider():
    argument = found("mutual information")
    wider = [(path, part) for path, part in parts_of(argument) if part.way == "wider domain"]
    assert wider
    for path, part in wider:
        for domain in (sd.interval(0, Fraction(1, 2)), sd.interval(Fraction(1, 2), 3), sd.real):
            narrow = sd.array(part.variable.name, domain=domain).node
            inner = replace(part.parts[0], goal=build.substitute(part.goal, {part.variable: narrow}))
            other = replace(part, nodes=(narrow,), parts=(inner,))
            assert argument_problem(put(argument, path, other)), domain


def test_parts_of_a_domain_leave_no_integer_out():
    argument = found("integers and their squares")
    parts = [(path, part) for path, part in parts_of(argument) if part.way == "parts of the domain"]
    assert parts
    for path, part in parts:
        lower, upper = (node.domain.entries for node in part.nodes)
        for low, high in ((lower.high - 1, upper.low), (lower.high, upper.low + 1)):
            ends = ((lower.low, low), (high, upper.high))
            if any(a > b for a, b in ends):
                continue
            narrow = [sd.array("n", domain=sd.integers(*e)).node for e in ends]
            inner = tuple(
                replace(p, goal=build.substitute(part.goal, {part.variable: leaf}))
                for p, leaf in zip(part.parts, narrow, strict=True)
            )
            assert "make up" in argument_problem(replace(part, nodes=tuple(narrow), parts=inner))
            assert argument_problem(put(argument, path, replace(part, nodes=tuple(narrow), parts=inner)))


def signed(node):
    instances = (Instance("nonnegative by its sign", (node,), Number(ONE), (), 0),)
    return Argument("sum of parts", node, False, (), instances=instances)


def held_by(way, variable, nodes, limit):
    """``x <= limit`` where x has the variable's name and domain is nodes[0]'s, by one that stands for both.

    x <= limit is a sum of variable <= limit, and of variable >= x, which holds where they are taken for one.
    """
    other = nodes[0]
    top = Number(Integer(limit))
    apart = difference(variable, other)
    parts = tuple(signed(build.substitute(apart, {variable: n})) for n in nodes)
    held = Argument(way, apart, False, (), parts, nodes=tuple(nodes), variable=variable)
    goal = difference(top, other)
    below = signed(difference(top, variable))
    return Argument("sum of parts", goal, False, (), (below, held), nodes=(Number(ONE),) * 2)


def test_a_variable_that_is_there_stands_for_no_other():
    x, narrow = sd.array("x", domain=POSITIVE).node, sd.array("x", domain=sd.interval(6, 7)).node
    wider = held_by("wider domain", narrow, [x], 7)
    low, high = (sd.array("k", domain=sd.integers(*e)).node for e in ((0, 9), (7, 9)))
    parted = held_by("parts of the domain", sd.array("k", domain=sd.integers(6, 7)).node, [low, high], 7)
    assert "there already" in argument_problem(wider)
    assert "there already" in argument_problem(parted)
    closed = sd.array("x", domain=sd.interval(6, 7, closed="both")).node
    split = [*pieces(closed)]
    goal = difference(split[-1], closed)
    parts = tuple(signed(build.substitute(goal, {closed: n})) for n in split)
    assert "there already" in argument_problem(
        Argument("pieces of the domain", goal, False, (), parts, nodes=tuple(split), variable=closed)
    )


def test_a_variable_of_which_something_is_given_stands_for_no_other():
    x, wide = sd.array("x", domain=sd.interval(1, 2)).node, sd.array("x", domain=POSITIVE).node
    given = (Relation(wide, ">=", Number(ONE * 5)),)
    part = replace(signed(difference(wide, Number(ONE * 5))), given=given)
    goal = difference(x, Number(ONE * 5))
    made = Argument("wider domain", goal, False, given, (part,), nodes=(wide,), variable=x)
    assert "there already" in argument_problem(made)


def test_residue_classes_are_all_looked_at():
    argument = found("squares modulo 4")
    (path, part), *_ = [(p, a) for p, a in parts_of(argument) if a.way == "residue classes"]
    for k in range(4):
        shorter = replace(part, parts=part.parts[:k] + part.parts[k + 1 :], nodes=part.nodes[:k] + part.nodes[k + 1 :])
        assert argument_problem(put(argument, path, shorter))
        other = part.parts[(k + 1) % 4]
        assert fails(argument, path, replace(part, parts=(*part.parts[:k], other, *part.parts[k + 1 :])))
    assert argument_problem(replace(part, nodes=part.nodes[::-1]))


x = sd.array("x", domain=POSITIVE)
z = sd.array("z")


@pytest.mark.parametrize(
    ("array", "variable", "point", "side", "value"),
    [
        (x * np.log(x), x, 0, 1, 0),
        (np.log(x) / x, x, 0, 1, None),
        (np.log(x), x, 0, 1, None),
        (-np.log(x), x, 0, 1, UNBOUNDED),
        (np.exp(-1 / x) / x, x, 0, 1, None),
        (x * np.exp(-x), x, None, -1, 0),
        (z**2 * np.exp(-(z**2)), z, None, 1, 0),
        (np.arctan(z), z, None, 1, -mpmath.pi / 2),
        (np.exp(x) - x, x, None, -1, None),
        (np.log(x) / x, x, None, -1, 0),
        (1 / (1 + np.exp(-z)), z, None, -1, 1),
        (1 / z, z, 0, 1, UNBOUNDED),
        (1 / z, z, 0, -1, None),
        (np.sqrt(x) * np.log(x), x, 0, 1, 0),
    ],
)
def test_values_at_ends(array, variable, point, side, value):
    at = None if point is None else Number(Integer(point))
    found = value_at(array.node, variable.node, at, side, ())
    if value is None or value is UNBOUNDED:
        assert found == value
    else:
        assert abs(mpmath.mpf(str(found.value.evalf(30))) - value) < 1e-25


def test_slopes_agree_with_differences():
    array = np.exp(-(z**2)) * np.log(1 + z**2) + np.tanh(z) / (2 + np.cos(z)) + z**3
    at = Fraction(7, 10)
    function = sd.compile(array).value
    steep = sd.compile(Array(slope(array.node, z.node))).value
    step = 1e-6
    estimate = (function(z=float(at) + step) - function(z=float(at) - step)) / (2 * step)
    assert abs(steep(z=float(at)) - estimate) < 1e-8


def test_given_relations_stay_with_their_variable():
    y = sd.array("y", domain=POSITIVE)
    goal = (x - y).node
    argument = find_argument(goal, (Relation(x.node, ">=", y.node),), False)
    assert argument is not None
    assert argument_problem(argument) == ""
    assert argument_problem(replace(argument, given=()))
    assert find_argument(goal, (), False) is None
