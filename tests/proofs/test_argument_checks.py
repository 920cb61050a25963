"""The checker of arguments: each of its checks, by an argument that has no other fault.

For every way there is an argument that stands, and what is wrong with each that is tampered with.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from sympy import Integer, Symbol

import symderive as sd
from symderive.derivation.argument_checks import argument_line_problem, argument_problem
from symderive.derivation.one_variable import UNBOUNDED, difference, slope, value_at
from symderive.derivation.proofs import Argument, Instance, Line
from symderive.derivation.sign_search import find_argument
from symderive.language import build
from symderive.language.domains import Domain
from symderive.language.nodes import ONE, ZERO, Leaf, Number
from symderive.language.statements import Relation

SIGN, STRICT = "nonnegative by its sign", "positive by its sign"
n = Symbol("n", integer=True, positive=True)


def number(value):
    return Number(Integer(value) if isinstance(value, int) else value)


def leaf(name, domain=sd.real, shape=()):
    return Leaf(name, shape, domain)


def below(node, value):
    return Relation(node, "<=", number(value))


def above(node, value):
    return Relation(node, ">=", number(value))


def signed(node, given=(), strict=False):
    """A goal by its own sign."""
    instances = (Instance(STRICT if strict else SIGN, (node,), Number(ONE), (), 0),)
    return Argument("sum of parts", node, strict, tuple(given), instances=instances)


def search(array, strict=False, given=()):
    found = find_argument(array.node, tuple(given), strict)
    assert found is not None
    while found.way == "sum of parts" and found.parts:
        (found,) = found.parts
    return found


def monotone_from(array, variable, point, side, given=()):
    """The argument that the node is monotone from a place, with the parts that it needs, whether they stand or not."""
    node, at = array.node, variable.node
    value = value_at(node, at, point, side or 1, given)
    parts = [] if value == UNBOUNDED else [signed(value)]
    for way in (side,) if side else (1, -1):
        steep = slope(node, at)
        parts.append(signed(steep if way > 0 else build.scale(-1, steep)))
    return Argument("monotone", node, False, tuple(given), tuple(parts), variable=at, point=point, side=side)


x, z = sd.array("x", domain=sd.nonnegative), sd.array("z")
p, q = (sd.array(name, domain=sd.positive) for name in "pq")
u = sd.array("u", domain=sd.unit_interval)

# -- sums, products, constants -----------------------------------------------------------------

SUM = Argument(
    "sum of parts",
    (2 * x + 3 * p + 1).node,
    True,
    (),
    parts=(signed(x.node), signed(p.node, strict=True)),
    instances=(Instance(SIGN, (Number(ONE),), Number(ONE), (), 0),),
    nodes=(number(2), number(3)),
)
PRODUCT = Argument(
    "product of parts", (p * q).node, True, (), (signed(p.node, strict=True), signed(q.node, strict=True))
)
CONSTANT = Argument("value of a constant", difference(build.apply("exp", Number(ONE)), number(2)), True, ())

# -- calculus ------------------------------------------------------------------------------------

ONE_SIDED = search(x - np.sin(x))
TWO_SIDED = search(np.exp(z) - 1 - z)
AWAY = Argument(  # strictly, by a slope on both sides of a place that is left out
    "monotone",
    TWO_SIDED.goal,
    True,
    (Relation(z.node, "!=", Number(ZERO)),),
    (TWO_SIDED.parts[0], replace(TWO_SIDED.parts[1], strict=True), replace(TWO_SIDED.parts[2], strict=True)),
    variable=z.node,
    point=Number(ZERO),
)
CONCAVE = search(np.log(1 + u) - u * np.log(2))
inner = sd.array("v", domain=sd.interval(0, 1))
STRICTLY_CONCAVE = search(np.log(1 + inner) - inner * np.log(2), strict=True)
STEP = search(np.sqrt(p + q) - np.sqrt(q), strict=True)  # exp of exp
ROOT = Argument(
    "increasing function",
    (np.sqrt(p + q) - np.sqrt(q)).node,
    True,
    (),
    (signed(difference((p + q).node, q.node), strict=True),),
    nodes=((p + q).node, q.node),
    function="sqrt",
)
CASES = search(np.abs(z))

# -- domains -------------------------------------------------------------------------------------

narrow, wide = leaf("a", sd.interval(1, 2)), leaf("a", sd.positive)
WIDER = Argument("wider domain", narrow, True, (), (signed(wide, strict=True),), nodes=(wide,), variable=narrow)
k, low, high = (leaf("k", sd.integers(*ends)) for ends in ((1, 9), (0, 4), (5, 9)))
k_low, k_high = leaf("k", sd.integers(1, 4)), high
PARTED = Argument(
    "parts of the domain",
    k,
    True,
    (),
    (signed(k_low, strict=True), signed(k_high, strict=True)),
    nodes=(k_low, k_high),
    variable=k,
)
between = leaf("u", sd.interval(0, 1))
PIECES = Argument(
    "pieces of the domain",
    (1 + u).node,
    True,
    (),
    tuple(signed(build.substitute((1 + u).node, {u.node: v}), strict=True) for v in (number(0), number(1), between)),
    nodes=(number(0), number(1), between),
    variable=u.node,
)
PIECES = replace(PIECES, parts=(PIECES.parts[0], signed(number(2), strict=True), PIECES.parts[2]))
m = sd.array("m", domain=sd.integers(0, 9))
RESIDUES = find_argument((1 - np.mod(m, 2) + m * 0).node, (), False)
assert RESIDUES is not None

STAND = {
    "sum": SUM,
    "product": PRODUCT,
    "constant": CONSTANT,
    "one side": ONE_SIDED,
    "two sides": TWO_SIDED,
    "away from a place": AWAY,
    "concave": CONCAVE,
    "strictly concave": STRICTLY_CONCAVE,
    "increasing": STEP,
    "increasing root": ROOT,
    "cases": CASES,
    "wider": WIDER,
    "parts": PARTED,
    "pieces": PIECES,
    "residues": RESIDUES,
}


c = sd.array("c", domain=sd.interval(0, 1))
STAND |= {
    "product, weakly": Argument("product of parts", (x * p).node, False, (), (signed(x.node), signed(p.node))),
    "increasing, weakly": replace(ROOT, strict=False, parts=(replace(ROOT.parts[0], strict=False),)),
    "from an end that has one side": monotone_from(np.exp(-1 / c), c, number(0), 1),
    "strictly, by the value": replace(
        made := monotone_from(np.exp(x), x, number(0), 1),
        strict=True,
        parts=(signed(made.parts[0].goal, strict=True), made.parts[1]),
    ),
    "strictly, by the ends": Argument(
        "concave",
        (2 - u * u).node,
        True,
        (),
        (
            *(signed(value_at((2 - u * u).node, u.node, number(e), 1 - 2 * e, ()), strict=True) for e in (0, 1)),
            signed(build.scale(-1, slope(slope((2 - u * u).node, u.node), u.node))),
        ),
        nodes=(number(0), number(1)),
        variable=u.node,
    ),
}


@pytest.mark.parametrize("name", STAND)
def test_arguments_that_stand(name):
    assert argument_problem(STAND[name]) == ""


def weak(argument, *which):
    """Some of the parts (all where none is named) show >= only."""
    parts = argument.parts
    return tuple(replace(part, strict=part.strict and bool(which) and at not in which) for at, part in enumerate(parts))


def given_more(argument, which=0):
    """A part assumes what is not given."""
    more = above(leaf("unheard"), 0)
    part = replace(argument.parts[which], given=(*argument.parts[which].given, more))
    return (*argument.parts[:which], part, *argument.parts[which + 1 :])


def other_goal(argument, which=0):
    """A part is about something else, if equal."""
    part = argument.parts[which]
    part = replace(part, goal=build.add([(2 * ONE, part.goal), (-ONE, part.goal)], ()))
    if part.goal is argument.parts[which].goal:
        part = replace(part, goal=build.add([(ONE, part.goal), (ONE, leaf("x")), (-ONE, leaf("x"))], ()))
    return (*argument.parts[:which], part, *argument.parts[which + 1 :])


vector = sd.array("v", "n")
lone = leaf("lone", sd.interval(0, 1))
inverse = (1 / sd.array("z")).node
logarithm = np.log(sd.array("z")).node
LONE = replace(WIDER, goal=narrow)


def wider(old, new, goal=None):
    goal = old if goal is None else goal
    made = build.substitute(goal, {old: new})
    return Argument("wider domain", goal, False, (), (signed(made),), nodes=(new,), variable=old)


def halves(*new, variable=k):
    parts = tuple(signed(build.substitute(k, {k: node})) for node in new)
    return Argument("parts of the domain", k, False, (), parts, nodes=new, variable=variable)


corner = np.sqrt((2 * u - 1) ** 2).node
BENT = replace(
    CONCAVE,
    goal=corner,
    parts=(
        *(signed(value_at(corner, u.node, number(end), 1 - 2 * end, ())) for end in (0, 1)),
        signed(build.scale(-1, slope(slope(corner, u.node), u.node)), CONCAVE.parts[2].given),
    ),
)
"""|2u - 1| is no concave function, but its second derivative is 0 where there is one."""

BROKEN = [
    # any way
    (replace(SUM, way="sum"), "there is no way of arguing named 'sum'"),
    (replace(CONSTANT, goal=vector.node), "about scalars"),
    # sums
    (replace(SUM, instances=(Instance(SIGN, (build.ones((n,)),), Number(ONE), (n,), 0),)), "cited for arrays"),
    (replace(SUM, instances=(replace(SUM.instances[0], out_rank=1),)), "cited for arrays"),
    (replace(SUM, instances=(replace(SUM.instances[0], weight=number(-1)),)), "a weight is not shown to be >= 0"),
    (replace(SUM, instances=(replace(SUM.instances[0], arguments=(number(-1),)),)), "which is not shown"),
    (replace(SUM, nodes=SUM.nodes[:1]), "each part has a weight"),
    (replace(SUM, parts=given_more(SUM)), "a part assumes more"),
    (replace(SUM, nodes=(number(2), number(-3))), "a weight is not shown to be >= 0"),
    (replace(SUM, parts=weak(SUM)), "nothing is shown to be > 0"),
    (replace(SUM, nodes=(number(2), x.node), goal=(2 * x + x * p + 1).node), "nothing is shown to be > 0"),
    (replace(SUM, goal=(2 * x + 3 * p).node), "the goal is not the sum"),
    (
        Argument("sum of parts", x.node, True, (), instances=(Instance(STRICT, (number(1),), x.node, (), 0),)),
        "nothing is shown to be > 0",
    ),
    # products
    (replace(PRODUCT, parts=weak(PRODUCT, 0)), "not every part"),
    (replace(PRODUCT, parts=()), "assumes more"),
    (replace(PRODUCT, parts=given_more(PRODUCT, 1)), "assumes more"),
    (replace(PRODUCT, goal=(p * p).node), "the goal is not the product"),
    # constants
    (replace(CONSTANT, parts=(CONSTANT,)), "a constant has no parts"),
    (replace(CONSTANT, goal=number(0)), "it is not shown to be > 0"),
    (replace(CONSTANT, goal=p.node), "it is not shown to be > 0"),
    (replace(CONSTANT, goal=difference(number(2), build.apply("exp", Number(ONE)))), "it is not shown to be > 0"),
    (replace(CONSTANT, goal=build.apply("log", number(0))), "it is not shown to be > 0"),
    # monotone
    (replace(ONE_SIDED, variable=None), "does not range over an interval"),
    (replace(ONE_SIDED, variable=m.node), "does not range over an interval"),
    (replace(ONE_SIDED, goal=np.abs(x).node), "not made of analytic functions"),
    (replace(ONE_SIDED, goal=(1 / x).node), "it is not shown that"),
    (replace(ONE_SIDED, point=None, side=1), "an infinite place is the end of an infinite interval"),
    (replace(TWO_SIDED, point=None, side=0), "an infinite place is the end of an infinite interval"),
    (replace(TWO_SIDED, point=(z + 1).node), "the place moves with the variable"),
    (replace(ONE_SIDED, point=number(-1)), "not shown to lie in the closure of the domain"),
    (replace(CONCAVE, nodes=(number(0), number(2))), "not shown to lie in the closure of the domain"),
    (replace(ONE_SIDED, point=number(1)), "the place is no end of the interval"),
    (
        replace(ONE_SIDED, point=number(1), given=(Relation(x.node, "<=", number(1)),)),
        "the place is no end of the interval",
    ),
    (monotone_from(np.sqrt((x - 1) ** 2), x, number(0), 1), "it is not shown that"),
    (monotone_from(1 / z, z, number(0), 0, (Relation(z.node, "!=", number(0)),)), "continuous at the place"),
    (replace(TWO_SIDED, parts=other_goal(TWO_SIDED)), "the value at the place is not what the part says"),
    (replace(TWO_SIDED, parts=()), "the value at the place is not what the part says"),
    (monotone_from(np.log(p), p, number(0), 1), "the value at the place is not what the part says"),
    (replace(TWO_SIDED, parts=given_more(TWO_SIDED)), "shown under more than holds there"),
    (replace(TWO_SIDED, parts=TWO_SIDED.parts[:2]), "the slope is not shown on every side"),
    (replace(TWO_SIDED, parts=(*TWO_SIDED.parts, TWO_SIDED.parts[2])), "the slope is not shown on every side"),
    (replace(TWO_SIDED, parts=other_goal(TWO_SIDED, 1)), "the slope is not what the part says"),
    (replace(TWO_SIDED, parts=other_goal(TWO_SIDED, 2)), "the slope is not what the part says"),
    (replace(TWO_SIDED, parts=(TWO_SIDED.parts[0], *TWO_SIDED.parts[:0:-1])), "the slope is not what the part says"),
    (replace(TWO_SIDED, parts=given_more(TWO_SIDED, 2)), "the slope is not what the part says"),
    (replace(TWO_SIDED, strict=True), "nothing is shown to be > 0"),
    (replace(AWAY, given=()), "nothing is shown to be > 0"),
    (replace(AWAY, parts=weak(AWAY, 1)), "nothing is shown to be > 0"),
    (replace(AWAY, parts=weak(AWAY, 2)), "nothing is shown to be > 0"),
    # concave
    (replace(CONCAVE, variable=None), "does not range over an interval"),
    (replace(CONCAVE, variable=m.node), "does not range over an interval"),
    (replace(CONCAVE, nodes=CONCAVE.nodes[:1]), "it needs two ends"),
    (replace(CONCAVE, parts=CONCAVE.parts[:2]), "it needs two ends"),
    (replace(CONCAVE, goal=np.log(u).node), "it is not shown that"),
    (BENT, "it is not shown that"),
    (replace(CONCAVE, parts=other_goal(CONCAVE)), "the value at an end is not what the part says"),
    (replace(CONCAVE, parts=other_goal(CONCAVE, 1)), "the value at an end is not what the part says"),
    (replace(CONCAVE, parts=given_more(CONCAVE, 1)), "the value at an end is shown under more"),
    (replace(CONCAVE, parts=other_goal(CONCAVE, 2)), "the second derivative is not what the part says"),
    (replace(CONCAVE, parts=given_more(CONCAVE, 2)), "the second derivative is not what the part says"),
    (replace(CONCAVE, strict=True), "nothing is shown to be > 0"),
    (replace(CONCAVE, strict=True, parts=STRICTLY_CONCAVE.parts), "is not what the part says"),
    (replace(STRICTLY_CONCAVE, parts=weak(STRICTLY_CONCAVE)), "nothing is shown to be > 0"),
    (replace(CONCAVE, strict=True, parts=(*CONCAVE.parts[:2], replace(CONCAVE.parts[2], strict=True))),
     "nothing is shown to be > 0"),
    # increasing functions
    (replace(STEP, function="cos"), "it needs an increasing function"),
    (replace(STEP, nodes=STEP.nodes[:1]), "it needs an increasing function"),
    (replace(STEP, parts=STEP.parts * 2), "it needs an increasing function"),
    (replace(ROOT, nodes=(x.node, z.node)), "sqrt is not shown to be increasing there"),
    (replace(STEP, parts=given_more(STEP)), "the part assumes more"),
    (replace(STEP, parts=other_goal(STEP)), "not about the difference of the arguments"),
    (replace(STEP, parts=weak(STEP)), "not shown to be > 0"),
    (replace(STEP, goal=p.node), "the goal is not the difference of the values"),
    # cases
    (replace(CASES, point=None), "it needs what is compared with 0"),
    (replace(CASES, point=vector.node), "it needs what is compared with 0"),
    (replace(CASES, parts=CASES.parts[:1]), "it needs what is compared with 0"),
    (replace(CASES, point=inverse), "it is not shown that"),
    (replace(CASES, parts=given_more(CASES)), "a part assumes more"),
    (replace(CASES, parts=CASES.parts[::-1]), "a part assumes more"),
    (replace(CASES, parts=other_goal(CASES, 1)), "a part is not the goal in its case"),
    (replace(CASES, strict=True), "a part shows >= only"),
    # wider domains
    (replace(WIDER, variable=None), "it needs a variable"),
    (replace(WIDER, nodes=()), "it needs a variable"),
    (replace(WIDER, nodes=(wide, wide)), "it needs a variable"),
    (replace(WIDER, parts=WIDER.parts * 2), "it needs a variable"),
    (wider(narrow, number(2)), "does not range over an interval"),
    (wider(narrow, leaf("b", sd.positive)), "does not range over an interval"),
    (wider(narrow, leaf("a", sd.integers(0, 9))), "does not range over an interval"),
    (replace(wider(narrow, wide), variable=leaf("a", sd.interval(1, 2), (n,))), "does not range over an interval"),
    (wider(leaf("a", sd.integers(1, n)), wide), "the domain is not between numbers"),
    (wider(leaf("a", sd.labels(1, 2)), wide), "the domain is not between numbers"),
    (wider(narrow, leaf("a", sd.interval(Fraction(3, 2), 3))), "the domain is not wider"),
    (wider(narrow, leaf("a", sd.interval(0, Fraction(3, 2)))), "the domain is not wider"),
    (wider(leaf("a", sd.interval(1, 2, closed="left")), narrow), "the domain is not wider"),
    (wider(leaf("a", sd.interval(1, 2, closed="right")), narrow), "the domain is not wider"),
    (replace(WIDER, parts=given_more(WIDER)), "a part assumes more"),
    (replace(WIDER, given=(above(narrow, 1),), parts=(replace(WIDER.parts[0], given=(above(narrow, 1),)),)),
     "a part assumes more"),
    (replace(WIDER, parts=other_goal(WIDER)), "a part is not the goal on the wider domain"),
    (replace(WIDER, parts=weak(WIDER)), "a part shows >= only"),
    (wider(narrow, leaf("a"), build.apply("log", narrow)), "it is not shown that"),
    # parts of a range of integers
    (replace(PARTED, variable=None), "it needs a variable, two of the same name"),
    (replace(PARTED, variable=leaf("k", sd.integers(1, 9), (n,))), "it needs a variable, two of the same name"),
    (replace(PARTED, nodes=PARTED.nodes[:1]), "it needs a variable, two of the same name"),
    (replace(PARTED, parts=PARTED.parts[:1]), "it needs a variable, two of the same name"),
    (halves(k_low, k_high, variable=leaf("k", sd.interval(1, 9))), "does not range over integers"),
    (halves(k_low, k_high, variable=leaf("k", sd.integers(1, n))), "does not range over integers"),
    (halves(number(1), k_high), "not about a variable of the same name"),
    (halves(leaf("j", sd.integers(1, 4)), k_high), "not about a variable of the same name"),
    (halves(leaf("k", sd.integers(1, 4), (n,)), k_high), "not about a variable of the same name"),
    (halves(leaf("k", Domain(sd.integers(1, 4).entries, ("simplex",), "odd")), k_high), "not about a variable of"),
    (halves(leaf("k", sd.interval(1, 4, closed="both")), k_high), "not a whole range of integers"),
    (halves(leaf("k", sd.integers(1, 4) & sd.labels(1, 4)), k_high), "not a whole range of integers"),
    (halves(leaf("k", sd.integers(1, n)), k_high), "not a whole range of integers"),
    (halves(leaf("k", sd.integers(-1, 4) & sd.nonzero), k_high), "not a whole range of integers"),
    (halves(k_low, leaf("k", sd.integers(6, 9))), "the ranges do not make up the domain"),
    (halves(leaf("k", sd.integers(2, 4)), k_high), "the ranges do not make up the domain"),
    (halves(k_low, leaf("k", sd.integers(5, 8))), "the ranges do not make up the domain"),
    (replace(PARTED, parts=given_more(PARTED, 1)), "a part assumes more"),
    (replace(PARTED, parts=other_goal(PARTED, 1)), "a part is not the goal on its range"),
    (replace(PARTED, parts=weak(PARTED, 1)), "a part shows >= only"),
    # pieces
    (replace(PIECES, variable=None), "it needs a variable of which nothing is given"),
    (replace(PIECES, given=(below(u.node, 1),)), "it needs a variable of which nothing is given"),
    (Argument("pieces of the domain", p.node, False, (), variable=p.node), "these are not the pieces"),
    (replace(PIECES, nodes=PIECES.nodes[:2], parts=PIECES.parts[:2]), "these are not the pieces"),
    (replace(PIECES, parts=PIECES.parts[:2]), "these are not the pieces"),
    (replace(PIECES, goal=np.log(u).node), "it is not shown that"),
    (replace(PIECES, parts=given_more(PIECES, 2)), "a part assumes more"),
    (replace(PIECES, parts=other_goal(PIECES, 2)), "a part is not the goal on its piece"),
    (replace(PIECES, parts=weak(PIECES, 2)), "a part shows >= only"),
    # residue classes
    (replace(RESIDUES, goal=m.node), "the goal rounds no integers"),
    (replace(RESIDUES, parts=RESIDUES.parts[:1]), "the goal rounds no integers"),
    (replace(RESIDUES, nodes=RESIDUES.nodes[::-1]), "the residue classes are other ones"),
    (replace(RESIDUES, parts=given_more(RESIDUES)), "a part assumes more"),
    (replace(RESIDUES, given=(above(m.node, 1),), parts=(replace(RESIDUES.parts[0], given=(above(m.node, 1),)),
     RESIDUES.parts[1])), "a part assumes more"),
    (replace(RESIDUES, parts=other_goal(RESIDUES)), "a part is not the goal in its residue class"),
    (replace(RESIDUES, strict=True), "a part shows >= only"),
]  # fmt: skip


@pytest.mark.parametrize(("argument", "problem"), BROKEN, ids=[f"{k}: {b[0].way}" for k, b in enumerate(BROKEN)])
def test_arguments_with_one_fault(argument, problem):
    assert problem in argument_problem(argument)


def test_a_fault_of_a_part_is_a_fault():
    fault = replace(WIDER.parts[0], instances=(), strict=False)
    assert "the goal is not the sum" in argument_problem(replace(WIDER, strict=False, parts=(fault,)))


LINE = Line(x.node, np.sin(x).node, "monotone", op=">=", argument=ONE_SIDED)
array = sd.array("w", "n").node


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (LINE, ""),
        (Line(p.node, number(0), "sum of parts", op=">", argument=signed(p.node, strict=True)), ""),
        (replace(LINE, argument=None), "no argument of its own"),
        (replace(LINE, instances=SUM.instances), "no argument of its own"),
        (replace(LINE, op="=="), "no argument of its own"),
        (replace(LINE, op="<="), "no argument of its own"),
        (replace(LINE, op=">"), "the argument shows >= only"),
        (replace(LINE, rule="concave"), "the line cites 'concave'"),
        (replace(LINE, before=array), "about scalars"),
        (replace(LINE, after=array), "about scalars"),
        (replace(LINE, before=(x + 0 * np.log(x)).node), "a side is not shown to be defined"),
        (replace(LINE, after=(np.sin(x) + 0 * np.log(x)).node), "a side is not shown to be defined"),
        (replace(LINE, argument=replace(ONE_SIDED, given=(above(x.node, 0),))), "assumes more than is given"),
        (replace(LINE, after=np.sin(x + 0 * p).node, before=(2 * x).node), "not about the difference of the sides"),
    ],
    ids=range(14),
)
def test_lines_with_one_fault(line, problem):
    found = argument_line_problem(line, ())
    assert problem in found
    assert bool(found) == bool(problem)
