"""Identities between functions of scalars: what is true is proved and replays, and no false neighbour is."""

import random
from fractions import Fraction

import mpmath
import pytest
import sympy as sp

import symderive as sd
from symderive.calculus.normal_form import decide_equal
from symderive.calculus.slopes import anchor
from symderive.checking.sides import read_claim
from symderive.derivation.checker import replay
from symderive.errors import SymderiveError

x, y, z, a, b, c, d, p, q = sp.symbols("x y z a b c d p q")
n, m = sp.symbols("n m")
POSITIVE, OPEN, NONNEGATIVE = sd.positive, sd.interval(0, 1), sd.nonnegative
INSIDE, FROM_ONE, ABOVE_ONE = sd.interval(-1, 1), sd.integers(1, sp.oo), sd.interval(1, sp.oo)
sin, cos, tan, atan, asin, exp, log, sqrt, pi = sp.sin, sp.cos, sp.tan, sp.atan, sp.asin, sp.exp, sp.log, sp.sqrt, sp.pi

IDENTITIES = [
    (sin(2 * x), 2 * sin(x) * cos(x), {}),
    (sin(x + y), sin(x) * cos(y) + cos(x) * sin(y), {}),
    (cos(3 * x), 4 * cos(x) ** 3 - 3 * cos(x), {}),
    (sin(x), 2 * sin(x / 2) * cos(x / 2), {}),
    (2 * sin(x) * sin(y), cos(x - y) - cos(x + y), {}),
    (sin(x) ** 4 + cos(x) ** 4, 1 - sin(2 * x) ** 2 / 2, {}),
    (sin(x + pi / 6), sqrt(3) / 2 * sin(x) + cos(x) / 2, {}),
    (cos(pi / 2 - x), sin(x), {}),
    (1 + tan(x) ** 2, 1 / cos(x) ** 2, {x: INSIDE}),
    (sin(x), 2 * tan(x / 2) / (1 + tan(x / 2) ** 2), {x: INSIDE}),
    (sp.cosh(2 * x), 2 * sp.cosh(x) ** 2 - 1, {}),
    (sp.tanh(2 * x), 2 * sp.tanh(x) / (1 + sp.tanh(x) ** 2), {}),
    (sp.asinh(x), log(x + sqrt(x**2 + 1)), {}),
    (log(sqrt(x**2 + 1) - x), -log(x + sqrt(x**2 + 1)), {}),
    (atan(x) + atan(1 / x), pi / 2, {x: POSITIVE}),
    (atan(x) + atan(1 / x), -pi / 2, {x: sd.interval(-sp.oo, 0)}),
    (atan(x / sqrt(1 - x**2)), asin(x), {x: INSIDE}),
    (2 * atan(exp(x)) - pi / 2, atan(sp.sinh(x)), {}),
    (2 * atan(sp.tanh(x / 2)), atan(sp.sinh(x)), {}),
    (atan((x + y) / (1 - x * y)), atan(x) + atan(y), {x: INSIDE, y: INSIDE}),
    (cos(atan(x)), 1 / sqrt(1 + x**2), {}),
    (sp.erf(-x), -sp.erf(x), {}),
    (log(1 + exp(x)) - log(1 + exp(-x)), x, {}),
    (x**a * x**b, x ** (a + b), {x: POSITIVE}),
    (sp.Max(x, y) + sp.Min(x, y), x + y, {}),
    (sp.gamma(x) * sp.gamma(x + sp.Rational(1, 2)), 2 ** (1 - 2 * x) * sqrt(pi) * sp.gamma(2 * x), {x: POSITIVE}),
    (sp.gamma(x) * sp.gamma(1 - x), pi / sin(pi * x), {x: OPEN}),
    (sp.digamma(2 * x), (sp.digamma(x) + sp.digamma(x + sp.Rational(1, 2))) / 2 + log(2), {x: POSITIVE}),
    (sqrt(x + 1 + 2 * sqrt(x)), 1 + sqrt(x), {x: NONNEGATIVE}),
    (x * sqrt(3 + 2 * sqrt(2)), x + x * sqrt(2), {}),
    (x * sqrt(5 - 2 * sqrt(6)), x * (sqrt(3) - sqrt(2)), {}),
]

INFORMATION = (
    a * log(a / ((a + b) * (a + c))) + b * log(b / ((a + b) * (b + d)))
    + c * log(c / ((c + d) * (a + c))) + d * log(d / ((c + d) * (b + d)))
)  # fmt: skip
TABLE = dict.fromkeys((a, b, c, d), OPEN)
TOTAL = sp.Eq(a + b + c + d, 1)


def entropy(*weights):
    return -sum(w * log(w) for w in weights)


GIVEN = [
    (INFORMATION + d, entropy(a + b, c + d) + entropy(a + c, b + d) - entropy(a, b, c, d) + 1 - a - b - c,
     TABLE, [TOTAL]),
    (INFORMATION, 0, TABLE, [TOTAL, sp.Eq(a * d, b * c)]),
    (entropy(p, q), entropy(p, 1 - p), {p: OPEN, q: OPEN}, [sp.Eq(p + q, 1)]),
    (a**2 * p + b**2 * q - (a * p + b * q) ** 2, p * q * (a - b) ** 2, {p: OPEN, q: OPEN}, [sp.Eq(p + q, 1)]),
    ((p - 1) * (q - 1), 1, {p: ABOVE_ONE, q: ABOVE_ONE}, [sp.Eq(1 / p + 1 / q, 1)]),
    (log(x), -log(y), {x: POSITIVE, y: POSITIVE}, [sp.Eq(x * y, 1)]),
    (a**3 + b**3 + c**3, 3 * a * b * c, {}, [sp.Eq(a + b + c, 0)]),
]
"""Equalities that hold where equations are given."""

MODULAR = [
    (sp.Mod(n**2 - n + 1, 2), 1),
    (sp.Mod(n**3 - n, 6), 0),
    (sp.Mod(n**5, 5), sp.Mod(n, 5)),
    (sp.Mod(n**2, 4) * (sp.Mod(n**2, 4) - 1), 0),
    (sp.Mod(n * (n + 1) / 2, 2), sp.Mod(n * (n + 1) * (2 * n + 1) / 2, 2)),
    (sp.Mod(n + m, 2), sp.Mod(sp.Mod(n, 2) + sp.Mod(m, 2), 2)),
    (sp.floor(n / 2) + sp.floor((n + 1) / 2), n),
    ((-1) ** n * (-1) ** n, 1),
    ((-1) ** (n * (n + 1)), 1),
]


def relation_of(lhs, rhs, domains, given=()):
    claim = read_claim(lhs, "==", rhs, domains=domains, given=list(given))
    return claim.relation, claim.given


@pytest.mark.parametrize(("lhs", "rhs", "domains"), IDENTITIES)
def test_an_identity_is_proved_and_its_trace_replays(lhs, rhs, domains):
    verdict = sd.check(lhs, "==", rhs, domains=domains).require("proved")
    assert replay(verdict.trace).ok


@pytest.mark.parametrize(("lhs", "rhs", "domains", "given"), GIVEN)
def test_an_equality_under_given_equations_is_proved_and_needs_every_one(lhs, rhs, domains, given):
    verdict = sd.check(lhs, "==", rhs, domains=domains, given=given).require("proved")
    relation, assumed = relation_of(lhs, rhs, domains, given)
    assert replay(verdict.trace, assumed).ok
    assert not replay(verdict.trace, assumed[:-1]).ok
    for k, equation in enumerate(given):
        off = [*given[:k], sp.Eq(equation.lhs, equation.rhs + sp.Rational(1, 10**12)), *given[k + 1 :]]
        _, wrong = relation_of(lhs, rhs, domains, off)
        assert not decide_equal(relation.lhs, relation.rhs, wrong).equal


@pytest.mark.parametrize(("lhs", "rhs"), MODULAR)
def test_an_equality_of_remainders_is_proved_in_every_residue_class(lhs, rhs):
    names = sorted((lhs - rhs).free_symbols, key=str)
    domains = {name: sd.integers(1, sp.oo) for name in names}
    verdict = sd.check(lhs, "==", rhs, domains=domains).require("proved")
    assert replay(verdict.trace).ok
    assert sd.check(lhs, "==", rhs + sp.Rational(1, 10**12), domains=domains).status == "refuted"


@pytest.mark.parametrize("seed", range(40))
def test_remainders_of_random_polynomials_are_judged_as_all_integers_up_to_sixty_say(seed):
    rng = random.Random(seed)
    modulus, power = rng.choice((2, 3, 4, 5, 6)), rng.choice((2, 3))
    poly = sum(rng.randint(-4, 4) * n**k for k in range(power + 1)) * rng.choice((1, n, n + 1))
    if not poly.has(n):
        poly += n
    shifted = sp.Mod(poly.subs(n, n + modulus), modulus)
    guess = rng.choice((sp.Integer(rng.randrange(modulus)), sp.Mod(n, modulus), shifted))
    true = all((sp.Mod(poly, modulus) - guess).subs(n, k) == 0 for k in range(1, 61))
    relation, _ = relation_of(sp.Mod(poly, modulus) + 0 * n, guess, {n: sd.integers(1, sp.oo)})
    assert bool(decide_equal(relation.lhs, relation.rhs).equal) == true


def test_a_binomial_coefficient_of_a_constant_is_defined_for_every_integer():
    domains = {n: sd.integers(1, sp.oo)}
    sd.check(sp.binomial(n, 2), "==", n * (n - 1) / 2, domains=domains).require("proved")
    sd.check(sp.binomial(n + 1, 3), "==", sp.binomial(n, 3) + sp.binomial(n, 2), domains=domains).require("proved")
    assert sd.check(sp.binomial(n, 2), "==", n * (n + 1) / 2, domains=domains).status == "refuted"


def test_what_is_given_is_not_used_before_differentiating():
    claim = (sp.Derivative(x * y, x), "==", 2 * x)
    assert sd.check(*claim, given=[sp.Eq(y, x)]).status == "refuted"
    assert sd.check(*claim, given=[sp.Eq(x + y, 2 * x)]).status == "refuted"


def test_a_proof_by_slopes_says_so_and_fails_to_replay_once_it_is_changed():
    verdict = sd.check(atan(x) + atan(1 / x), "==", pi / 2, domains={x: POSITIVE}).require("proved")
    (line,) = verdict.trace
    assert "one derivative by x" in str(line)
    assert line.as_dict()["along"] == "x"
    relation, _ = relation_of(atan(x) + atan(1 / x), pi / 2 + sp.Rational(1, 10**12), {x: POSITIVE})
    changed = type(line)(relation.lhs, relation.rhs, line.rule, anchor=line.anchor)
    assert not replay((changed,)).ok
    assert not replay((type(line)(line.before, line.after, line.rule),)).ok


@pytest.mark.parametrize(
    ("lhs", "rhs", "domains", "given"),
    [
        (atan(x) + atan(1 / x), pi / 2, {x: sd.nonzero}, []),
        (sp.sign(x), 1, {}, []),
        (sp.floor(x), 0, {x: sd.interval(0, 2)}, []),
        (sp.Max(x, 0) / x, 1, {x: sd.nonzero}, []),
        (sp.Piecewise((1, x > 0), (0, True)), 1, {}, []),
        (sp.Mod(x, 1), x, {x: sd.interval(0, 2)}, []),
        (asin(x), atan(x / sqrt(1 - x**2)), {x: sd.interval(-1, 1, closed="both")}, []),
        (atan(x) + atan(1 / x), pi / 2, {}, [sp.Ne(x, 0)]),
    ],
)
def test_slopes_do_not_reach_across_jumps_and_gaps(lhs, rhs, domains, given):
    relation, assumed = relation_of(lhs, rhs, domains, given)
    assert anchor(relation.lhs, relation.rhs, assumed) is None


def neighbours(rng, lhs, rhs):
    """Claims next to a true one: another number, sign, function or power, a small error."""
    small = sp.Rational(rng.randint(1, 9), 10 ** rng.choice((1, 6, 12)))
    yield lhs, rhs + small
    yield lhs, rhs * (1 + small)
    yield lhs, -rhs
    swaps = {sin: cos, cos: sin, sp.cosh: sp.sinh, atan: asin, sp.tanh: sp.sinh, exp: sp.cosh, sp.Max: sp.Min}
    for side in (0, 1):
        for part in sorted(sp.preorder_traversal((lhs, rhs)[side]), key=str):
            if part.is_Rational and part not in (0, -1):
                new = part + rng.choice((1, -1, sp.Rational(1, 2)))
            elif isinstance(part, sp.Function) and part.func in swaps:
                new = swaps[part.func](*part.args)
            elif part.is_Symbol:
                new = part + rng.choice((sp.Integer(1), x, small))
            elif part.is_Add:
                new = part - 2 * rng.choice(part.args)
            else:
                continue
            changed = (lhs, rhs)[side].subs(part, new)
            yield (changed, rhs) if side == 0 else (lhs, changed)


def still_true(lhs, rhs, domains, rng):
    """Whether 30-digit values agree at points of the domains; None where too few are defined."""
    names = sorted((sp.sympify(lhs) - rhs).free_symbols, key=str)
    agreed = 0
    for _ in range(12):
        at = {}
        for name in names:
            entries = domains[name].entries if name in domains else None
            low = float(entries.low) if entries is not None and entries.low.is_finite else -3
            high = float(entries.high) if entries is not None and entries.high.is_finite else 3
            low, high = (low, low + 3) if low >= high else (low, high)
            at[name] = sp.Rational(Fraction(rng.uniform(low, high)).limit_denominator(997))
        left, right = (sp.N(sp.sympify(side).subs(at), 30) for side in (lhs, rhs))
        if not (left.is_real and right.is_real and left.is_finite and right.is_finite):
            continue
        if abs(left - right) > mpmath.mpf(10) ** -22 * (1 + abs(left)):
            return False
        agreed += 1
    return None if agreed < 4 else True


def test_no_false_neighbour_of_an_identity_is_proved():
    rng = random.Random(11)
    false = 0
    for lhs, rhs, domains in IDENTITIES:
        options = list(neighbours(rng, lhs, sp.sympify(rhs)))
        for left, right in rng.sample(options, min(len(options), 6)):
            if still_true(left, right, domains, rng) is not False:
                continue
            false += 1
            try:
                held = {k: v for k, v in domains.items() if left.has(k) or right.has(k)}
                relation, _ = relation_of(left, right, held)
            except SymderiveError:
                continue
            assert not decide_equal(relation.lhs, relation.rhs).equal, (left, right)
            assert anchor(relation.lhs, relation.rhs) is None, (left, right)
    assert false > 80
