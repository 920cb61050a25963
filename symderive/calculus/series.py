"""Sums over integers by a table of laws, each used only where its conditions are shown.

The summand is expanded into terms (`terms`), powers of the index into falling factorials
k(k-1)...(k-m+1), and each is summed by the first row of `LAWS` that fits it.

Sources: R. L. Graham, D. E. Knuth, O. Patashnik, Concrete Mathematics, 2nd ed., 1994, ch. 2, 5 and 6;
DLMF 4.6 (logarithm and binomial series), 25.6.2 (ζ at even integers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial
from typing import final

from sympy import Integer, Rational, bernoulli, binomial, pi
from sympy.functions.combinatorial.numbers import stirling

from symderive.calculus.law_tables import Ends, Law, Shown, by_laws
from symderive.calculus.polynomials import NotHandled
from symderive.calculus.terms import (
    ONE_NODE,
    ZERO_NODE,
    Expansion,
    Term,
    function,
    minus,
    over,
    plus,
    tidy,
    times,
    to_power,
    whole_number,
)
from symderive.language import build
from symderive.language.domains import Domain, Entries, integers
from symderive.language.integers import is_integer
from symderive.language.nodes import Leaf, Node
from symderive.language.statements import Relation

MOST_LEADING = 24
"""How many first terms of a series are taken off one by one."""


@final
@dataclass(frozen=True)
class Summand:
    """``coefficient · k^power · rise^k / fall^k · Γ factors``; the power is a constant integer."""

    coefficient: Node
    power: int
    rise: Node
    fall: Node
    gammas: tuple[tuple[int, Node, int], ...]
    bases: tuple[Node, ...]

    @property
    def ratio(self) -> Node:
        """The base of the k-th power."""
        return self.rise if self.fall is ONE_NODE else over(self.rise, self.fall)


def _summand(term: Term) -> Summand:
    power = whole_number(term.power)
    if power is None or term.logs or term.other_logs or whole_number(term.other) != 0:
        raise NotHandled("no law for this sum")
    rise, fall = [], []
    for base, slope in term.bases:
        (rise if slope > 0 else fall).append(to_power(base, abs(slope)))
    for degree, rate in term.exponential:
        if degree != 1:
            raise NotHandled("no law for this sum: an exponential of a square")
        rise.append(function("exp", rate))
    return Summand(
        term.coefficient,
        power,
        times(*rise) if rise else ONE_NODE,
        times(*fall) if fall else ONE_NODE,
        term.gammas,
        tuple(b for b, _ in term.bases),
    )


# -- infinite sums from 0 ---------------------------------------------------------------------------


def _falling(m: int, at: Callable[[int], Node], power: int) -> list[tuple[int, Node]]:
    """k^power in falling factorials: pairs of a Stirling number and what its factorial sums to."""
    return [(int(stirling(power, j)), at(j)) for j in range(m, power + 1) if stirling(power, j)]


def _by_falling(summand: Summand, at: Callable[[int], Node]) -> Node:
    parts = [build.scale(Integer(s), value) for s, value in _falling(0, at, summand.power)]
    return times(summand.coefficient, plus(*parts))


def _infinite(summand: Summand, ends: Ends) -> int | None:
    """The constant lower end of a series, if it is one with a power of k that is no quotient."""
    low, high = ends
    first = whole_number(tidy(low)) if low is not None else None
    if high is not None or first is None or abs(first) > MOST_LEADING:
        return None
    return first


def _without_first(whole: Node, term: Callable[[int], Node], first: int) -> Node:
    """A sum from 0 as one from ``first``: leading terms taken off, or put in front."""
    if first >= 0:
        return plus(whole, *(build.scale(-1, term(k)) for k in range(first)))
    return plus(whole, *(term(k) for k in range(first, 0)))


def _inside_one(ratio: Node, shown: Shown) -> bool:
    return shown(">", minus(ONE_NODE, ratio)) and shown(">", plus(ONE_NODE, ratio))


def _geometric(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ k^(m) r^k = m! r^m/(1-r)^(m+1)."""
    first = _infinite(summand, ends)
    r = summand.ratio
    if first is None or summand.gammas or summand.power < 0 or not _inside_one(r, shown):
        return None

    def at(m: int) -> Node:
        return build.scale(factorial(m), times(to_power(r, m), to_power(minus(ONE_NODE, r), -m - 1)))

    def term(k: int) -> Node:
        return times(summand.coefficient, build.number(Integer(k) ** summand.power), to_power(r, k))

    return _without_first(_by_falling(summand, at), term, first)


def _exponential(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ k^(m) r^k/k! = r^m exp(r)."""
    first = _infinite(summand, ends)
    if first is None or first < 0 or summand.power < 0 or not _is_factorial(summand.gammas):
        return None
    r = summand.ratio

    def term(k: int) -> Node:
        weight = Rational(Integer(k) ** summand.power, factorial(k))
        return times(summand.coefficient, build.number(weight), to_power(r, k))

    whole = _by_falling(summand, lambda m: times(to_power(r, m), function("exp", r)))
    return _without_first(whole, term, first)


def _is_factorial(gammas: tuple[tuple[int, Node, int], ...]) -> bool:
    return len(gammas) == 1 and gammas[0][0] == 1 and gammas[0][2] == -1 and whole_number(gammas[0][1]) == 1


def _negative_binomial(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ k^(m) Γ(k+a)/k! r^k = Γ(a+m) r^m (1-r)^(-a-m)."""
    first = _infinite(summand, ends)
    if first != 0 or len(summand.gammas) != 2 or summand.power < 0:
        return None
    rising = [c for s, c, e in summand.gammas if s == 1 and e == 1]
    if len(rising) != 1 or not _is_factorial(tuple(g for g in summand.gammas if g[2] == -1)):
        return None
    a, r = rising[0], summand.ratio
    if not shown(">", a) or not _inside_one(r, shown):
        return None

    def at(m: int) -> Node:
        up = tidy(plus(a, build.number(m)))
        return times(
            function("gamma", up), to_power(r, m), to_power(minus(ONE_NODE, r), tidy(build.scale(-1, up)))
        )

    return _by_falling(summand, at)


def _logarithmic(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k>=1} r^k/k = -log(1-r)."""
    first = _infinite(summand, ends)
    r = summand.ratio
    if first is None or first < 1 or summand.power != -1 or summand.gammas or not _inside_one(r, shown):
        return None

    def term(k: int) -> Node:
        return times(summand.coefficient, build.number(Rational(1, k)), to_power(r, k))

    whole = build.scale(-1, times(summand.coefficient, function("log", minus(ONE_NODE, r))))
    return plus(whole, *(build.scale(-1, term(k)) for k in range(1, first)))


def _zeta(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k>=1} 1/k^(2m) = (2π)^(2m) |B_2m|/(2 (2m)!)."""
    first = _infinite(summand, ends)
    order = -summand.power
    if first is None or first < 1 or order < 2 or order % 2 or order > 24 or summand.gammas:
        return None
    if whole_number(tidy(summand.ratio)) != 1:
        return None
    value = (2 * pi) ** order * abs(bernoulli(order)) / (2 * factorial(order))
    rest = sum((Rational(1, Integer(k) ** order) for k in range(1, first)), Integer(0))
    return times(summand.coefficient, build.number(value - rest))


# -- finite sums -----------------------------------------------------------------------------------


def _length_shown(ends: Ends, shown: Shown) -> bool:
    """Whether the ends are integers with high >= low - 1."""
    low, high = ends
    if low is None or high is None or not is_integer(low) or not is_integer(high):
        return False
    return shown(">=", plus(minus(high, low), ONE_NODE))


def _binomial(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=0}^n k^(m) A^k B^(-k)/(k!(n-k)!) = n^(m) A^m (A+B)^(n-m) B^(-n)/n!."""
    low, high = ends
    if low is None or high is None or whole_number(tidy(low)) != 0 or summand.power < 0 or not is_integer(high):
        return None
    falling = [c for s, c, e in summand.gammas if s == -1 and e == -1]
    if len(summand.gammas) != 2 or len(falling) != 1 or not _is_factorial(
        tuple(g for g in summand.gammas if g[0] == 1)
    ):
        return None
    if whole_number(tidy(minus(minus(falling[0], high), ONE_NODE))) != 0 or not shown(">=", high):
        return None
    total = tidy(plus(summand.rise, summand.fall))
    if whole_number(total) != 1 and not shown(">", total):
        return None

    def at(m: int) -> Node:
        factors = [minus(high, build.number(j)) for j in range(m)]
        left = ONE_NODE if whole_number(total) == 1 else to_power(total, minus(high, build.number(m)))
        return times(*factors, to_power(summand.rise, m), left)

    below = times(function("gamma", plus(high, ONE_NODE)), to_power(summand.fall, high))
    return over(_by_falling(summand, at), below)


def _finite_geometric(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=a}^b r^k = (r^a - r^(b+1))/(1-r)."""
    low, high = ends
    if low is None or high is None or summand.gammas or summand.power != 0 or not _length_shown(ends, shown):
        return None
    r = summand.ratio
    gap = minus(ONE_NODE, r)
    if not shown("!=", gap) or not (shown("!=", r) or shown(">=", low)):
        return None
    return times(summand.coefficient, over(minus(to_power(r, tidy(low)), to_power(r, plus(high, ONE_NODE))), gap))


def _faulhaber(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=a}^b k^p by Bernoulli numbers."""
    low, high = ends
    if low is None or high is None or summand.gammas or summand.power < 0 or not _length_shown(ends, shown):
        return None
    if whole_number(tidy(summand.ratio)) != 1:
        return None
    p = summand.power

    def upto(n: Node) -> Node:
        # B_1 = +1/2: the sum with the last term
        numbers = [bernoulli(j) if j != 1 else Rational(1, 2) for j in range(p + 1)]
        weights = [(binomial(p + 1, j) * b / (p + 1), p + 1 - j) for j, b in enumerate(numbers) if b]
        return plus(*(build.scale(w, to_power(n, e)) for w, e in weights))

    return times(summand.coefficient, minus(upto(high), upto(minus(low, ONE_NODE))))


LAWS: tuple[Law[Summand], ...] = (
    Law(
        "geometric series",
        "Σ_{k>=0} k(k-1)...(k-m+1) r^k = m! r^m/(1-r)^(m+1)",
        "-1 < r < 1",
        ("sd.series(k**2 / 3**k, k, 0, inf)", "3/2"),
        "几何级数",
        _geometric,
    ),
    Law(
        "exponential series",
        "Σ_{k>=0} k(k-1)...(k-m+1) r^k/k! = r^m exp(r)",
        "none",
        ("sd.series(k * 2**k / gamma(k + 1), k, 0, inf)", "2*exp(2)"),
        "指数级数",
        _exponential,
    ),
    Law(
        "negative binomial series",
        "Σ_{k>=0} Γ(k+a)/k! r^k = Γ(a) (1-r)^(-a)",
        "a > 0, -1 < r < 1",
        ("sd.series(gamma(k + 3) / (gamma(k + 1) * 2**k), k, 0, inf)", "16"),
        "负二项级数",
        _negative_binomial,
    ),
    Law(
        "logarithmic series",
        "Σ_{k>=1} r^k/k = -log(1-r)",
        "-1 < r < 1",
        ("sd.series(1 / (k * 2**k), k, 1, inf)", "log(2)"),
        "对数级数",
        _logarithmic,
    ),
    Law(
        "zeta at even integers",
        "Σ_{k>=1} 1/k^(2m) = (2π)^(2m) |B_2m|/(2 (2m)!)",
        "m >= 1",
        ("sd.series(1 / k**4, k, 1, inf)", "pi**4/90"),
        "偶数处的ζ值",
        _zeta,
    ),
    Law(
        "binomial theorem",
        "Σ_{k=0}^n k(k-1)...(k-m+1) C(n,k) A^k B^(n-k) = n(n-1)...(n-m+1) A^m (A+B)^(n-m)",
        "n an integer >= 0, A + B = 1 or > 0",
        ("sd.series(gamma(6) / (gamma(k + 1) * gamma(6 - k)) * 3**k, k, 0, 5)", "1024"),
        "二项式定理",
        _binomial,
    ),
    Law(
        "power sums",
        "Σ_{k=a}^b k^p, by Bernoulli numbers (Faulhaber)",
        "a, b integers, b >= a - 1",
        ("sd.series(k**3, k, 1, 10)", "3025"),
        "幂和",
        _faulhaber,
    ),
    Law(
        "finite geometric sum",
        "Σ_{k=a}^b r^k = (r^a - r^(b+1))/(1-r)",
        "r != 1, a, b integers, b >= a - 1",
        ("sd.series(3**k, k, 0, 4)", "121"),
        "有限几何和",
        _finite_geometric,
    ),
)
"""The rows, in the order in which they are tried."""


def index_of(name: str, ends: Ends) -> tuple[Leaf, tuple[Relation, ...]]:
    """A leaf that runs over the range, and what is known of it besides its domain."""
    low, high = ends
    first = whole_number(tidy(low)) if low is not None else None
    if first is not None:
        from_first = integers(first, first).entries
        domain = Domain(Entries(low=from_first.low, low_open=False, integer=True), (), f"integers({first}, oo)")
        leaf = Leaf(name, (), domain)
    else:
        leaf = Leaf(name, (), Domain(Entries(integer=True), (), "integers(-oo, oo)"))
    relations = []
    if low is not None and first is None:
        relations.append(Relation(minus(leaf, low), ">=", ZERO_NODE))
    if high is not None:
        relations.append(Relation(minus(high, leaf), ">=", ZERO_NODE))
    return leaf, tuple(relations)


def summed(body: Node, variable: Leaf, ends: Ends, shown: Shown) -> tuple[Node, tuple[str, ...], tuple[Relation, ...]]:
    """The sum of a body over a range by the laws; their names, and what has to hold besides.

    Raises `NotHandled` where a term has no law whose conditions are shown.
    """
    low, _ = ends
    positive = low is not None and shown(">", low)
    expansion = Expansion(variable, positive, False, shown, integer=True)
    summands = (_summand(term) for term in expansion.of(body) if whole_number(term.coefficient) != 0)
    value, names = by_laws(summands, LAWS, ends, shown, "sum")
    return value, names, tuple(expansion.conditions)


__all__ = ["LAWS", "Summand", "index_of", "summed"]
