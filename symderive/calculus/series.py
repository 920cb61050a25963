"""Sums over integers by a table of laws, each used only where its conditions are shown.

The summand is expanded into terms (`terms`), powers of the index into falling factorials
k(k-1)...(k-m+1), and each is summed by the first row of `LAWS` that fits it.

Sources: R. L. Graham, D. E. Knuth, O. Patashnik, Concrete Mathematics, 2nd ed., 1994, ch. 2, 5 and 6;
DLMF 4.6 (logarithm and binomial series), 25.6.2 (ζ at even integers).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import factorial
from typing import final

from sympy import Integer, Rational, bernoulli, binomial, pi
from sympy.functions.combinatorial.numbers import stirling

from symderive.calculus.law_tables import Ends, Law, Shown, by_laws
from symderive.calculus.normal_form import decide_equal, unmet
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
from symderive.language.nodes import Contraction, Leaf, Map, Node, Sum
from symderive.language.statements import Relation

WRITTEN_OUT = "terms written out"
TELESCOPING = "telescoping sum"
OTHER_WAYS = {WRITTEN_OUT: "逐项写出", TELESCOPING: "裂项相消求和"}
"""Ways that look at the whole summand, in Chinese."""
MOST_WRITTEN = 30
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
    to_end: bool = False
    """Whether the coefficient lacks the fall**end, which makes the quotients powers >= 0."""
    poles: tuple[Node, ...] = ()
    """The c of factors 1/(k + c)."""

    @property
    def ratio(self) -> Node:
        """The base of the k-th power."""
        return self.rise if self.fall is ONE_NODE else over(self.rise, self.fall)


def _summand_for(term: Term, ends: Ends, shown: Shown, expansion: Expansion) -> Summand:
    """A term as a summand; of its falling powers the binomial theorem makes no quotients."""
    high = ends[1]
    if term.falls and high is not None and all(_reaches(fall, high) for fall in term.falls):
        made = _summand(term, expansion, True)
        if not made.poles and _binomial(made, ends, shown) is not None:
            return made
    return _summand(term, expansion, False)


def _summand(term: Term, expansion: Expansion, to_end: bool) -> Summand:
    falls = [to_power(base, count) for base, count, _ in term.falls] if to_end else []
    term = replace(term, falls=()) if to_end else expansion.without_falls(term)
    power = whole_number(term.power)
    if power is None or term.logs or term.other_logs or whole_number(term.other) != 0 or term.wave:
        raise NotHandled("no law for this sum")
    rise: list[Node] = []
    fall = falls
    for base, slope in term.bases:
        (rise if slope > 0 else fall).append(to_power(base, abs(slope)))
    for degree, rate in term.exponential:
        if degree != 1:
            raise NotHandled("no law for this sum: an exponential of a square")
        rise.append(function("exp", rate))
    coefficient, poles = _poles(term)
    if poles and power == -1:
        poles, power = (ZERO_NODE, *poles), 0
    return Summand(
        coefficient,
        power,
        times(*rise) if rise else ONE_NODE,
        times(*fall) if fall else ONE_NODE,
        term.gammas,
        tuple(b for b, _ in term.bases),
        to_end,
        poles,
    )


def _reaches(fall: tuple[Node, int, Node], high: Node) -> bool:
    """Whether the exponent of a falling power is a multiple of high - k."""
    _, count, shift = fall
    return whole_number(tidy(minus(shift, build.scale(count, high)))) == 0


def _poles(term: Term) -> tuple[Node, tuple[Node, ...]]:
    """The coefficient and the c of a term's factors 1/(k + c); raises `NotHandled` for other sums."""
    coefficient, poles = term.coefficient, []
    for parts, exponent, logs in term.sums:
        if len(parts) != 2 or logs or whole_number(exponent) != -1:
            raise NotHandled("no law for this sum: a power of a sum")
        constant, slope = parts
        coefficient = over(coefficient, slope)
        poles.append(tidy(over(constant, slope)))
    return coefficient, tuple(poles)


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


def _falling_ends(summand: Summand) -> tuple[Node, ...]:
    """The c of the factors 1/Γ(c - k), each as often as it stands there; the others have to be k!."""
    falling: list[Node] = []
    for slope, shift, exponent in summand.gammas:
        if slope == 1 and exponent == -1 and whole_number(shift) == 1:
            continue
        if slope != -1 or exponent >= 0:
            return ()
        falling += [shift] * -exponent
    return tuple(falling)


def _binomial(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=0}^n k^(m) A^k B^(-k)/(k!(n-k)!) = n^(m) A^m (A+B)^(n-m) B^(-n)/n!."""
    low, high = ends
    if low is None or high is None or whole_number(tidy(low)) != 0 or summand.power < 0 or not is_integer(high):
        return None
    falling = _falling_ends(summand)
    if len(summand.gammas) != 2 or len(falling) != 1:
        return None
    if whole_number(tidy(minus(minus(falling[0], high), ONE_NODE))) != 0 or not shown(">=", high):
        return None
    total = tidy(plus(summand.rise, summand.fall))
    if total is ZERO_NODE and summand.power == 0 and shown(">", high):
        return ZERO_NODE
    plain = whole_number(total) == 1 or (summand.power == 0 and shown(">", high))
    if not plain and not shown("!=", total):
        return None

    def at(m: int) -> Node:
        factors = [minus(high, build.number(j)) for j in range(m)]
        left = ONE_NODE if whole_number(total) == 1 else to_power(total, minus(high, build.number(m)))
        return times(*factors, to_power(summand.rise, m), left)

    below = function("gamma", plus(high, ONE_NODE))
    if not summand.to_end:
        below = times(below, to_power(summand.fall, high))
    return over(_by_falling(summand, at), below)


def _vandermonde(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=0}^n k^(m)/(k! (n-k)! Γ(a-k+1) Γ(b-n+k+1)) = a^(m) Γ(a+b-m+1)/(...)."""
    low, high = ends
    if low is None or high is None or whole_number(tidy(low)) != 0 or summand.power < 0 or not is_integer(high):
        return None
    if whole_number(tidy(summand.ratio)) != 1 or not shown(">=", high):
        return None
    rising = [c for s, c, e in summand.gammas for _ in range(-e) if s == 1 and e < 0]
    falling = [c for s, c, e in summand.gammas for _ in range(-e) if s == -1 and e < 0]
    if len(rising) != 2 or len(falling) != 2 or any(e > 0 for _, _, e in summand.gammas):
        return None
    for first, second in ((0, 1), (1, 0)):
        for left, right in ((0, 1), (1, 0)):
            own = whole_number(tidy(minus(minus(falling[left], high), ONE_NODE)))
            if whole_number(rising[first]) != 1 or own != 0:
                continue
            a = tidy(minus(falling[right], ONE_NODE))
            b = tidy(plus(minus(rising[second], ONE_NODE), high))
            if not (is_integer(a) and is_integer(b) and shown(">=", a) and shown(">=", b)):
                continue
            both = plus(a, b)

            def at(m: int, a: Node = a, b: Node = b, both: Node = both) -> Node:
                # k^(m) C(a,k) = a^(m) C(a-m, k-m): the sum for a - m and n - m
                factors = [minus(a, build.number(j)) for j in range(m)]
                top = function("gamma", tidy(plus(minus(both, build.number(m)), ONE_NODE)))
                rest = tidy(plus(minus(high, build.number(m)), ONE_NODE))
                gone = function("rgamma", tidy(plus(minus(both, high), ONE_NODE)))
                ones = (function("rgamma", plus(c, ONE_NODE)) for c in (a, b))
                return times(*factors, top, function("rgamma", rest), gone, *ones)

            if summand.power == 0 or shown(">", minus(both, build.number(summand.power - 1))):
                return _by_falling(summand, at)
    return None


def _partial_fractions(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=a}^b 1/((k+c_1)...(k+c_n)) for integers apart: partial fractions, whose sums differ in a few terms."""
    low, high = ends
    if low is None or len(summand.poles) < 2 or summand.gammas or whole_number(tidy(summand.ratio)) != 1:
        return None
    if summand.power != 0 or (high is not None and not _length_shown(ends, shown)):
        return None
    first = summand.poles[0]
    gaps = [whole_number(tidy(minus(c, first))) for c in summand.poles]
    if None in gaps or len(set(gaps)) < len(gaps) or max(map(abs, gaps)) > MOST_LEADING:  # type: ignore[arg-type]
        return None
    whole = sorted(g for g in gaps if g is not None)
    least = plus(first, build.number(whole[0]))
    total: list[Node] = []
    for gap in whole:
        weight = Rational(1)
        for other in whole:
            weight = weight / (other - gap) if other != gap else weight
        for j in range(gap - whole[0]):
            start = plus(low, least, build.number(j))
            total.append(build.scale(-weight, to_power(start, -1)))
            if high is not None:
                total.append(build.scale(weight, to_power(plus(high, least, build.number(j + 1)), -1)))
    return times(summand.coefficient, plus(*total))


def _finite_geometric(summand: Summand, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=a}^b k^m r^k = [P(k) r^k] from a to b+1, where r P(k+1) - P(k) = k^m."""
    low, high = ends
    if low is None or high is None or summand.gammas or summand.power < 0 or not _length_shown(ends, shown):
        return None
    r, m = summand.ratio, summand.power
    gap = minus(ONE_NODE, r)
    if not shown("!=", gap) or not (shown("!=", r) or shown(">=", low)):
        return None
    below = build.scale(-1, gap)
    weights: dict[int, Node] = {}
    for i in range(m, -1, -1):
        above = (build.scale(-binomial(j, i), times(r, weights[j])) for j in range(i + 1, m + 1))
        weights[i] = over(plus(ONE_NODE if i == m else ZERO_NODE, *above), below)

    def at(k: Node) -> Node:
        return times(to_power(r, k), plus(*(times(w, to_power(k, i)) for i, w in weights.items())))

    return times(summand.coefficient, minus(at(plus(high, ONE_NODE)), at(tidy(low))))


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
        "Σ_{k=a}^b k^m r^k = P(b+1) r^(b+1) - P(a) r^a, where r P(k+1) - P(k) = k^m; P = 1/(r-1) for m = 0",
        "r != 1, a, b integers, b >= a - 1",
        ("sd.series(3**k, k, 0, 4)", "121"),
        "有限几何和",
        _finite_geometric,
    ),
    Law(
        "Vandermonde's identity",
        "Σ_{k=0}^n k(k-1)...(k-m+1) C(a,k) C(b,n-k) = a(a-1)...(a-m+1) C(a+b-m,n-m)",
        "a, b, n integers >= 0, a + b >= m",
        ("sd.series(rgamma(k + 1)**2 * rgamma(5 - k)**2, k, 0, 4)", "70/576"),
        "范德蒙德恒等式",
        _vandermonde,
    ),
)
"""The rows, in the order in which they are tried."""

LAWS_OF_POLES: tuple[Law[Summand], ...] = (
    Law(
        "telescoping partial fractions",
        "Σ_{k=a}^b 1/((k+c)(k+d)) = Σ_{j=c}^{d-1} (1/(a+j) - 1/(b+1+j))/(d-c), and for more factors",
        "d - c an integer > 0, a, b integers, b >= a - 1; b infinite as well",
        ("sd.series(1 / (k * (k + 1)), k, 1, inf)", "1"),
        "裂项相消",
        _partial_fractions,
    ),
)
"""The rows for quotients by linear factors."""


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
    low, high = ends
    if high is None and low is not None and whole_number(tidy(low)) is None and is_integer(low):
        # k = low + j, j = 0, 1, ...
        (index, _), start = index_of(variable.name, (ZERO_NODE, None)), ZERO_NODE
        moved = build.substitute(body, {variable: plus(low, index)})
        return summed(moved, index, (start, None), shown)
    expansion = Expansion(variable, low is not None and shown(">", low), False, shown, integer=True)
    try:
        terms = [t for t in expansion.of(body) if whole_number(t.coefficient) != 0]
        summands = [_summand_for(term, ends, shown, expansion) for term in terms]
        parts = [
            by_laws(group, laws, ends, shown, "sum")
            for group, laws in (
                ([s for s in summands if not s.poles], LAWS),
                ([s for s in summands if s.poles], LAWS_OF_POLES),
            )
            if group or (laws is LAWS and not summands)
        ]
        value, names = plus(*(v for v, _ in parts)), tuple(dict.fromkeys(n for _, ns in parts for n in ns))
    except NotHandled:
        written = _written_out(body, variable, ends)
        if written is not None:
            return written, (WRITTEN_OUT,), ()
        differences = _telescoped(body, variable, ends, shown)
        if differences is None:
            raise
        return differences, (TELESCOPING,), ()
    return value, names, tuple(expansion.conditions)


def _telescoped(body: Node, variable: Leaf, ends: Ends, shown: Shown) -> Node | None:
    """Σ_{k=a}^b (G(k+1) - G(k)) = G(b+1) - G(a), for a G that the summand shows."""
    low, high = ends
    if low is None or high is None or not _length_shown(ends, shown):
        return None
    for candidate in _primitives(body, variable):
        moved = build.substitute(candidate, {variable: plus(variable, ONE_NODE)})
        found = decide_equal(minus(moved, candidate), body)
        if found.equal and not found.conditions and not unmet((candidate, moved), ()):
            first, last = (build.substitute(candidate, {variable: end}) for end in (low, plus(high, ONE_NODE)))
            return minus(last, first)
    return None


def _primitives(body: Node, variable: Leaf) -> Iterator[Node]:
    """What the summand may be the difference of: its terms, logarithms of factors, its gamma functions."""
    if isinstance(body, Sum):
        for weight, term in body.terms:
            yield build.scale(-weight, term)
    for node in body.walk():
        if isinstance(node, Map) and node.function == "log" and isinstance(node.arguments[0], Contraction):
            for factor, _ in node.arguments[0].factors:
                base = factor.arguments[0] if isinstance(factor, Map) and factor.function == "power" else factor
                if variable in base.leaves():
                    yield function("log", base)
                    yield build.scale(-1, function("log", base))
    gammas = [n for n in body.walk() if isinstance(n, Map) and n.function == "gamma" and variable in n.leaves()]
    if gammas:
        yield times(*gammas)


def _written_out(body: Node, variable: Leaf, ends: Ends) -> Node | None:
    """A sum of a known number of terms, from an integer on."""
    low, high = ends
    if low is None or high is None or not is_integer(low):
        return None
    gap = whole_number(tidy(minus(high, low)))
    if gap is None or not 0 <= gap < MOST_WRITTEN:
        return None
    return plus(*(build.substitute(body, {variable: tidy(plus(low, build.number(j)))}) for j in range(gap + 1)))


__all__ = ["LAWS", "LAWS_OF_POLES", "OTHER_WAYS", "Summand", "index_of", "summed"]
