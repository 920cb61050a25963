"""What the laws make of random integrals, at 15 digits of mpmath; the judge has no part in it.

Every coefficient of every row is met by several draws: a changed one makes these tests fail.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import mpmath
import pytest
import sympy as sp

from symderive.calculus import integrals, series
from symderive.calculus.openings import open_bindings
from symderive.calculus.substitutions import SUBSTITUTIONS
from symderive.checking.sides import read_claim
from symderive.judgement.balls import evaluate
from symderive.judgement.elements import as_ball, precision
from symderive.judgement.instances import Instance

x = sp.Symbol("x")
oo = sp.oo


def q(rng: random.Random, low: int = 1, high: int = 9) -> sp.Rational:
    """A positive rational of a few digits."""
    return sp.Rational(rng.randint(low, high), rng.randint(1, 4))


def sign(rng: random.Random) -> int:
    return rng.choice((-1, 1))


def ends(rng: random.Random) -> tuple[sp.Expr, sp.Expr]:
    low = sign(rng) * q(rng, 0, 4)
    return low, low + q(rng, 1, 5)


def some_ends(rng: random.Random) -> tuple[sp.Expr, sp.Expr]:
    """A bounded range, a ray or the whole line."""
    low, high = ends(rng)
    return rng.choice(((low, high), (low, oo), (-oo, high), (-oo, oo)))


Draw = Callable[[random.Random], sp.Integral]


def gaussian(rng: random.Random) -> sp.Expr:
    return x ** rng.randint(0, 5) * sp.exp(-q(rng) * x**2 + sign(rng) * q(rng, 0, 4) * x)


def log_gamma_power(rng: random.Random) -> sp.Expr:
    return x ** (q(rng) - 1) * sp.log(x) ** rng.randint(0, 2) * sp.exp(-q(rng) * x)


def log_beta(rng: random.Random) -> sp.Expr:
    m = rng.randint(0, 2)
    logs = sp.log(x) ** m * sp.log(1 - x) ** rng.randint(0, 2 - m)
    return x ** (q(rng) - sp.Rational(1, 2)) * (1 - x) ** (q(rng) - sp.Rational(1, 2)) * logs


def second_kind(rng: random.Random) -> sp.Expr:
    a, b, m = q(rng), q(rng), rng.randint(0, 2)
    linear = q(rng) + q(rng) * x
    return x ** (a - 1) * linear ** (-a - b) * sp.log(x) ** m * sp.log(linear) ** rng.randint(0, 2 - m)


def linear_power(rng: random.Random) -> sp.Expr:
    e = rng.choice((-1, -2, -3, sp.Rational(1, 2), -sp.Rational(3, 2)))
    linear = q(rng) + q(rng) * x
    return x ** rng.randint(0, 2) * linear**e * sp.log(linear) ** rng.randint(0, 1)


def quadratic(rng: random.Random, linear: bool = True) -> sp.Expr:
    a, b = q(rng), sign(rng) * q(rng) * int(linear)
    return a * x**2 + b * x + b**2 / (4 * a) + q(rng)


def on_the_line(rng: random.Random) -> sp.Expr:
    n, s = rng.randint(0, 3), quadratic(rng)
    return x**n * s ** (-sp.Rational(n + 1, 2) - q(rng) / 2 - sp.Rational(1, 3)) * sp.log(s) ** rng.randint(0, 1)


def odd_quadratic(rng: random.Random) -> sp.Expr:
    return x * quadratic(rng, False) ** rng.choice((-1, -2, sp.Rational(1, 2), -sp.Rational(5, 2)))


def wave(rng: random.Random) -> sp.Expr:
    angle = sign(rng) * q(rng) * x + sign(rng) * q(rng, 0, 3)
    return rng.choice((sp.sin, sp.cos))(angle)


def with_wave(rng: random.Random) -> sp.Expr:
    return x ** rng.randint(0, 3) * sp.exp(sign(rng) * q(rng, 0, 3) * x) * wave(rng)


def logistic(rng: random.Random) -> sp.Expr:
    rate, shift = sign(rng) * q(rng), sign(rng) * q(rng, 0, 3)
    z = rate * (x - shift)
    return x ** rng.randint(0, 2) * sp.exp(-z) / (1 + sp.exp(-z)) ** rng.randint(2, 3)


def gumbel(rng: random.Random) -> sp.Expr:
    z = sign(rng) * q(rng, 2, 5) * (x - sign(rng) * q(rng, 0, 3))
    return x ** rng.randint(0, 2) * sp.exp(-z - sp.exp(-z))


def weibull(rng: random.Random) -> sp.Expr:
    k, scale = q(rng, 3, 9), q(rng)
    return x ** (k - 1 + rng.randint(0, 2)) * sp.exp(-((x / scale) ** k))


def inverse_gamma(rng: random.Random) -> sp.Expr:
    return x ** (-q(rng) - 2) * sp.exp(-q(rng) / x)


def lognormal(rng: random.Random) -> sp.Expr:
    return x ** rng.randint(-2, 1) * sp.exp(-q(rng) * (sp.log(x) - sign(rng) * q(rng, 0, 3)) ** 2)


def burr(rng: random.Random) -> sp.Expr:
    k = rng.randint(2, 4)
    return x ** (k - 1) / (1 + q(rng) * x**k) ** rng.randint(2, 4)


def kinked(rng: random.Random) -> sp.Expr:
    c = sign(rng) * q(rng, 0, 3)
    part = rng.choice((sp.Abs(x - c), sp.Max(x, c), sp.Min(x, c) - c, sp.Heaviside(x - c, 1), sp.Max(0, 1 - sp.Abs(x))))
    return part * x ** rng.randint(0, 2) * sp.exp(-q(rng) * x**2)


DRAWS: dict[str, Draw] = {
    "gaussian": lambda rng: sp.Integral(gaussian(rng), (x, *some_ends(rng))),
    "gamma": lambda rng: sp.Integral(log_gamma_power(rng), (x, 0, oo)),
    "half gaussian": lambda rng: sp.Integral(x ** (q(rng) - 1) * sp.exp(-q(rng) * x**2), (x, 0, oo)),
    "beta": lambda rng: sp.Integral(log_beta(rng), (x, 0, 1)),
    "power": lambda rng: sp.Integral(
        x ** (sign(rng) * q(rng)) * sp.log(x) ** rng.randint(0, 1), (x, *sorted((q(rng), q(rng) + 1)))
    ),
    "power from 0": lambda rng: sp.Integral(x ** (q(rng) - 1) * sp.log(x) ** rng.randint(0, 1), (x, 0, q(rng))),
    "exponential": lambda rng: sp.Integral(x ** rng.randint(0, 4) * sp.exp(sign(rng) * q(rng) * x), (x, *ends(rng))),
    "second kind": lambda rng: sp.Integral(second_kind(rng), (x, 0, oo)),
    "linear": lambda rng: sp.Integral(linear_power(rng), (x, 0, q(rng))),
    "quadratic line": lambda rng: sp.Integral(on_the_line(rng), (x, -oo, oo)),
    "arctangent": lambda rng: sp.Integral(1 / quadratic(rng), (x, *some_ends(rng))),
    "odd quadratic": lambda rng: sp.Integral(odd_quadratic(rng), (x, *ends(rng))),
    "odd gaussian": lambda rng: sp.Integral(
        x ** rng.choice((1, 3, 5)) * sp.exp(sign(rng) * q(rng, 1, 3) * x**2), (x, *ends(rng))
    ),
    "wave": lambda rng: sp.Integral(with_wave(rng), (x, *ends(rng))),
    "damped wave": lambda rng: sp.Integral(x ** rng.randint(0, 2) * sp.exp(-q(rng, 2, 9) * x) * wave(rng), (x, 0, oo)),
    "two waves": lambda rng: sp.Integral(wave(rng) * wave(rng), (x, *ends(rng))),
    "gaussian wave": lambda rng: sp.Integral(
        x ** rng.randint(0, 1) * sp.exp(-q(rng, 2, 9) * x**2 + sign(rng) * q(rng, 0, 3) * x) * wave(rng), (x, -oo, oo)
    ),
    "logistic": lambda rng: sp.Integral(logistic(rng), (x, -oo, oo)),
    "softplus": lambda rng: sp.Integral(1 / (1 + sp.exp(sign(rng) * q(rng) * x)), (x, *ends(rng))),
    "tanh": lambda rng: sp.Integral(sp.tanh(q(rng) * x) ** rng.randint(1, 2), (x, *ends(rng))),
    "gumbel": lambda rng: sp.Integral(gumbel(rng), (x, -oo, oo)),
    "weibull": lambda rng: sp.Integral(weibull(rng), (x, 0, oo)),
    "inverse gamma": lambda rng: sp.Integral(inverse_gamma(rng), (x, 0, oo)),
    "lognormal": lambda rng: sp.Integral(lognormal(rng), (x, 0, oo)),
    "burr": lambda rng: sp.Integral(burr(rng), (x, 0, oo)),
    "kinked": lambda rng: sp.Integral(kinked(rng), (x, *some_ends(rng))),
}
MOST_UNOPENED = 2
DRAWN = 6


def opened_value(claimed: sp.Expr) -> tuple[mpmath.mpf, set[str]] | None:
    """What the laws make of an integral without parameters, and which laws; None where they make nothing."""
    opened = open_bindings(read_claim(claimed, "==", 0).lhs.node)
    if opened.reasons or opened.unmet:
        return None
    with precision(200):
        value = as_ball(evaluate(opened.node, Instance({}, {}), bits=200)[()])
    assert value.rad() < 1e-30 * (1 + abs(value))
    rules = {law for _, _, opening in opened.lines for law in opening.rule.partition(" by: ")[2].split(", ")}
    return mpmath.mpf(value.mid().str(40, radius=False)), rules


def tame_exp(v: mpmath.mpf) -> mpmath.mpf:
    """exp where it matters: of huge arguments it takes for ever."""
    return mpmath.exp(max(mpmath.mpf(-5000), min(mpmath.mpf(5000), v)))


def oracle(claimed: sp.Integral) -> tuple[mpmath.mpf, mpmath.mpf]:
    """The integral and its error estimate, cut where a kink or the bulk may be; rays in u = 20/x."""
    ((_, low, high),) = claimed.limits
    f = sp.lambdify(x, claimed.function, [{"exp": tame_exp, "tanh": mpmath.tanh}, "mpmath"])
    first, last = (mpmath.mpf(sp.N(sp.Max(-20, sp.Min(20, end)), 30)) for end in (low, high))
    kinks = {mpmath.mpf(sp.N(v, 30)) for v in (*claimed.function.atoms(sp.Rational), sp.Integer(0))}
    cuts = sorted(c for c in {*kinks, *(-k for k in kinks), -8, -3, 3, 8} if first < c < last)
    parts = [mpmath.quad(f, [first, *cuts, last], error=True)]
    for side, end in ((1, high), (-1, low)):
        if end in (oo, -oo):
            parts.append(mpmath.quad(lambda u, side=side: f(side * 20 / u) * 20 / u**2, [0, 1], error=True))
    return sum(value for value, _ in parts), sum(error for _, error in parts)


@pytest.mark.parametrize("name", DRAWS)
def test_what_the_laws_say_is_so(name: str):
    rng = random.Random(name)
    unopened = 0
    for _ in range(DRAWN):
        claimed = DRAWS[name](rng)
        found = opened_value(claimed)
        if found is None:
            unopened += 1
            continue
        true, error = oracle(claimed)
        value = found[0]
        assert abs(value - true) < 1e-7 * (1 + abs(true)) + 100 * error, (claimed, found, true)
    assert unopened <= MOST_UNOPENED, unopened


def laws_used(draws):
    """The names of the laws by which what is drawn opens."""
    used: set[str] = set()
    for name, draw in draws.items():
        rng = random.Random(name)
        for _ in range(DRAWN):
            found = opened_value(draw(rng))
            used |= found[1] if found is not None else set()
    return used


def test_every_law_of_integrals_is_drawn():
    used = laws_used(DRAWS)
    assert {law.name for law in integrals.LAWS} <= used
    assert used - {law.name for law in integrals.LAWS} == set(SUBSTITUTIONS)


# -- sums ----------------------------------------------------------------------------------------

j = sp.Symbol("j", integer=True)


def ratio(rng: random.Random) -> sp.Rational:
    return sp.Rational(sign(rng) * rng.randint(1, 5), 7)


def some_range(rng: random.Random) -> tuple[int, int]:
    low = rng.randint(0, 4)
    return low, low + rng.randint(31, 40)  # more than is written out


def binomial_term(rng: random.Random, n: int) -> sp.Expr:
    p = sp.Rational(rng.randint(1, 9), 10)
    return j ** rng.randint(0, 3) * sp.binomial(n, j) * p**j * (1 - p) ** (n - j + rng.randint(0, 1))


def negative_binomial_term(rng: random.Random) -> sp.Expr:
    a = q(rng)
    return j ** rng.randint(0, 2) * sp.gamma(j + a) / sp.factorial(j) * ratio(rng) ** j


def exponential_term(rng: random.Random) -> sp.Expr:
    return j ** rng.randint(0, 3) * (sign(rng) * q(rng, 1, 4)) ** j / sp.factorial(j)


def poles(rng: random.Random) -> sp.Expr:
    shifts, slope = rng.sample(range(1, 7), rng.choice((2, 2, 3))), rng.choice((1, 2, 3))
    return q(rng) / sp.prod([slope * (j + c) + 1 for c in shifts])


def vandermonde_term(rng: random.Random, n: int) -> sp.Expr:
    a, b = n + rng.randint(-3, 5), rng.randint(3, 9)
    return j ** rng.randint(0, 2) * sp.binomial(a, j) * sp.binomial(b, n - j)


def differences(rng: random.Random) -> sp.Expr:
    c = rng.randint(1, 4)
    logs, roots = sp.log((j + c + 1) / (j + c)), sp.sqrt(j + c + 1) - sp.sqrt(j + c)
    return rng.choice((logs, roots, 1 / (j + c) - 1 / (j + c + 1)))


SUMS: dict[str, Callable[[random.Random], sp.Sum]] = {
    "geometric": lambda rng: sp.Sum(j ** rng.randint(0, 3) * ratio(rng) ** j, (j, rng.randint(-2, 3), oo)),
    "exponential": lambda rng: sp.Sum(exponential_term(rng), (j, rng.randint(0, 3), oo)),
    "negative binomial": lambda rng: sp.Sum(negative_binomial_term(rng), (j, 0, oo)),
    "logarithmic": lambda rng: sp.Sum(ratio(rng) ** j / j, (j, rng.randint(1, 4), oo)),
    "zeta": lambda rng: sp.Sum(j ** -rng.choice((2, 4, 6)), (j, rng.randint(1, 4), oo)),
    "binomial": lambda rng: (lambda n: sp.Sum(binomial_term(rng, n), (j, 0, n)))(rng.randint(32, 40)),
    "vandermonde": lambda rng: (lambda n: sp.Sum(vandermonde_term(rng, n), (j, 0, n)))(rng.randint(32, 40)),
    "power": lambda rng: sp.Sum(j ** rng.randint(0, 5), (j, *some_range(rng))),
    "finite geometric": lambda rng: sp.Sum(j ** rng.randint(0, 3) * ratio(rng) ** j, (j, *some_range(rng))),
    "poles": lambda rng: sp.Sum(poles(rng), (j, rng.randint(0, 3), rng.choice((oo, 50)))),
    "written out": lambda rng: sp.Sum(sp.cos(q(rng) * j) / (j + q(rng)), (j, rng.randint(0, 2), rng.randint(3, 9))),
    "differences": lambda rng: sp.Sum(differences(rng), (j, *some_range(rng))),
    "factorials": lambda rng: sp.Sum(j * sp.factorial(j), (j, *some_range(rng))),
}


def sum_oracle(claimed: sp.Sum) -> mpmath.mpf:
    ((_, low, high),) = claimed.limits
    if high == oo and claimed.function.is_rational_function(j):
        return mpmath.nsum(sp.lambdify(j, claimed.function, "mpmath"), [int(low), mpmath.inf])
    places = range(int(low), int(high) + 1 if high != oo else 200)
    return mpmath.fsum(mpmath.mpf(sp.N(claimed.function.subs(j, v), 20)) for v in places)


@pytest.mark.parametrize("name", SUMS)
def test_what_the_laws_say_of_sums_is_so(name: str):
    rng = random.Random(name)
    for _ in range(DRAWN):
        claimed = SUMS[name](rng)
        found = opened_value(claimed)
        assert found is not None, claimed
        true = sum_oracle(claimed)
        assert abs(found[0] - true) < 1e-9 * (1 + abs(true)), (claimed, found, true)


def test_every_law_of_sums_is_drawn():
    used = laws_used(SUMS)
    assert {law.name for law in (*series.LAWS, *series.LAWS_OF_POLES)} | set(series.OTHER_WAYS) == used
