"""Definite integrals by a table of laws, each used only where its conditions are shown.

The integrand is expanded into terms (`terms`); each term is integrated by the first row of `LAWS` that
fits it.  Sources: DLMF 5.2.1 and 5.9 (Γ), 5.12 (B), 7.2 and 7.7 (error function and Gaussians);
derivatives by a parameter give the rows with logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import comb, factorial

from sympy import Integer, Rational, factorial2, oo, pi

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
from symderive.language.domains import interval, positive, real
from symderive.language.nodes import Leaf, Node, Number
from symderive.language.statements import Relation

MOST_MOMENT = 12


def _half(node: Node) -> Node:
    return build.scale(Rational(1, 2), node)


def _is(end: Node | None, value: int) -> bool:
    return end is not None and whole_number(tidy(end)) == value


def _no_other(term: Term) -> bool:
    return whole_number(term.other) == 0 and not term.other_logs


def _degree(term: Term) -> int | None:
    n = whole_number(term.power)
    return n if n is not None and 0 <= n <= MOST_MOMENT else None


def _gaussian(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ xⁿ exp(βx - αx²) over the line."""
    n = _degree(term)
    if ends != (None, None) or n is None or term.logs or not _no_other(term):
        return None
    alpha, beta = build.scale(-1, term.rate(2)), term.rate(1)
    if not shown(">", alpha):
        return None
    centre, twice = over(beta, build.scale(2, alpha)), build.scale(2, alpha)
    moments = [
        build.scale(
            Integer(comb(n, 2 * k)) * factorial2(2 * k - 1), times(to_power(centre, n - 2 * k), to_power(twice, -k))
        )
        for k in range(n // 2 + 1)
    ]
    area = times(to_power(over(Number(pi), alpha), Number(Rational(1, 2))), _completed(alpha, beta))
    return times(term.coefficient, area, plus(*moments))


def _completed(alpha: Node, beta: Node) -> Node:
    """exp(β²/(4α)), what completing the square leaves."""
    return function("exp", over(to_power(beta, 2), build.scale(4, alpha)))


def _gamma(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^p log(x)^m exp(-λx) over x > 0."""
    if not _is(ends[0], 0) or ends[1] is not None or not _no_other(term) or term.logs > 2:
        return None
    rate = build.scale(-1, term.rate(1))
    a = tidy(plus(term.power, ONE_NODE))
    if whole_number(term.rate(2)) != 0 or not shown(">", rate) or not shown(">", a):
        return None
    base = times(term.coefficient, function("gamma", a), to_power(rate, build.scale(-1, a)))
    if not term.logs:
        return base
    first = minus(function("digamma", a), function("log", rate))
    if term.logs == 1:
        return times(base, first)
    return times(base, plus(to_power(first, 2), function("polygamma", ONE_NODE, a)))


def _half_gaussian(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^p exp(-αx²) over x > 0."""
    if not _is(ends[0], 0) or ends[1] is not None or not _no_other(term) or term.logs:
        return None
    alpha, a = build.scale(-1, term.rate(2)), _half(plus(term.power, ONE_NODE))
    if whole_number(tidy(term.rate(1))) != 0 or not shown(">", alpha) or not shown(">", a):
        return None
    return times(term.coefficient, _half(function("gamma", tidy(a))), to_power(alpha, build.scale(-1, a)))


def _beta(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^p (1-x)^q log(x)^m log(1-x)^m' over 0 < x < 1."""
    if not _is(ends[0], 0) or not _is(ends[1], 1) or term.exponential or term.logs + term.other_logs > 2:
        return None
    a, b = tidy(plus(term.power, ONE_NODE)), tidy(plus(term.other, ONE_NODE))
    if not shown(">", a) or not shown(">", b):
        return None
    if _no_other(term):
        m = term.logs
        return build.scale((-1) ** m * factorial(m), times(term.coefficient, to_power(a, -m - 1)))
    c = tidy(plus(a, b))
    base = times(
        term.coefficient, function("gamma", a), function("gamma", b), to_power(function("gamma", c), -1)
    )
    if term.logs + term.other_logs == 0:
        return base
    slopes = [
        minus(function("digamma", e), function("digamma", c))
        for e, m in ((a, term.logs), (b, term.other_logs))
        for _ in range(m)
    ]
    if len(slopes) == 1:
        return times(base, slopes[0])
    bend = function("polygamma", ONE_NODE, c)
    same = [e for e, m in ((a, term.logs), (b, term.other_logs)) if m == 2]
    second = minus(function("polygamma", ONE_NODE, same[0]), bend) if same else build.scale(-1, bend)
    return times(base, plus(times(*slopes), second))


def _powers(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^p, and x^p log x, by the power rule; to infinity where p < -1."""
    low, high = ends
    if term.exponential or not _no_other(term) or term.logs > 1 or low is None:
        return None
    n = whole_number(term.power)
    p = term.power
    up = tidy(plus(p, ONE_NODE))
    if n is None or n < 0 or term.logs:
        if not shown(">", low) or (high is not None and not shown(">", high)):
            return None
        if high is None and not shown(">", build.scale(-1, up)):
            return None
    if n == -1:
        if term.logs or high is None:
            return None
        return times(term.coefficient, minus(function("log", high), function("log", low)))
    if high is None and n is not None and n >= 0:
        return None
    if not shown("!=", up):
        return None

    def at(x: Node) -> Node:
        value = over(to_power(x, up), up)
        return times(value, minus(function("log", x), to_power(up, -1))) if term.logs else value

    return times(term.coefficient, minus(at(high), at(low)) if high is not None else build.scale(-1, at(low)))


def _exponential(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ xⁿ exp(cx), by parts."""
    n = _degree(term)
    c = term.rate(1)
    if n is None or term.logs or not _no_other(term) or whole_number(tidy(term.rate(2))) != 0 or not shown("!=", c):
        return None
    low, high = ends
    if (low is None and not shown(">", c)) or (high is None and not shown(">", build.scale(-1, c))):
        return None

    def at(x: Node) -> Node:
        parts = [
            build.scale((-1) ** k * factorial(n) // factorial(n - k), times(to_power(x, n - k), to_power(c, -k - 1)))
            for k in range(n + 1)
        ]
        return times(function("exp", times(c, x)), plus(*parts))

    return times(term.coefficient, _between(at, low, high))


def _between(at: Callable[[Node], Node], low: Node | None, high: Node | None) -> Node:
    """at(high) - at(low), where at vanishes at an infinite end."""
    parts = ([at(high)] if high is not None else []) + ([build.scale(-1, at(low))] if low is not None else [])
    return plus(*parts)


def _error_function(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ xⁿ exp(βx - αx²) between any ends, by the error function and by parts."""
    n = _degree(term)
    if n is None or term.logs or not _no_other(term):
        return None
    alpha, beta = build.scale(-1, term.rate(2)), term.rate(1)
    if not shown(">", alpha):
        return None
    root = to_power(alpha, Number(Rational(1, 2)))
    low, high = ends

    def erf_at(x: Node | None, sign: int) -> Node:
        if x is None:
            return build.number(sign)
        return function("erf", minus(times(root, x), over(beta, build.scale(2, root))))

    area = times(Number(pi ** Rational(1, 2) / 2), to_power(root, -1), _completed(alpha, beta))
    moments = [times(area, minus(erf_at(high, 1), erf_at(low, -1)))]

    def density(x: Node) -> Node:
        return function("exp", minus(times(beta, x), times(alpha, to_power(x, 2))))

    for m in range(1, n + 1):

        def at(x: Node, m: int = m) -> Node:
            return build.scale(-1, over(times(to_power(x, m - 1), density(x)), build.scale(2, alpha)))

        parts = [_between(at, low, high)] if (low, high) != (None, None) else []
        parts.append(times(over(beta, build.scale(2, alpha)), moments[m - 1]))
        if m >= 2:
            parts.append(build.scale(m - 1, over(moments[m - 2], build.scale(2, alpha))))
        moments.append(plus(*parts))
    return times(term.coefficient, moments[n])


LAWS: tuple[Law[Term], ...] = (
    Law(
        "Gaussian moments",
        "∫ xⁿ exp(βx - αx²) dx = sqrt(π/α) exp(β²/4α) Σ C(n,2k) (2k-1)!! (β/2α)^(n-2k) (2α)^(-k)",
        "α > 0, over the whole line",
        ("sd.integral(x**4 * exp(-x**2 / 2), x, -inf, inf)", "3*sqrt(2*pi)"),
        "高斯矩",
        _gaussian,
    ),
    Law(
        "gamma integral",
        "∫_0^∞ x^(a-1) exp(-λx) dx = Γ(a)/λ^a, and its derivatives by a",
        "a > 0, λ > 0",
        ("sd.integral(x**2 * exp(-3 * x), x, 0, inf)", "2/27"),
        "伽马积分",
        _gamma,
    ),
    Law(
        "half Gaussian moments",
        "∫_0^∞ x^p exp(-αx²) dx = Γ((p+1)/2) / (2 α^((p+1)/2))",
        "p > -1, α > 0",
        ("sd.integral(x * exp(-2 * x**2), x, 0, inf)", "1/4"),
        "半高斯矩",
        _half_gaussian,
    ),
    Law(
        "beta integral",
        "∫_0^1 x^(a-1) (1-x)^(b-1) dx = Γ(a)Γ(b)/Γ(a+b), and its derivatives by a and b",
        "a > 0, b > 0",
        ("sd.integral(x**2 * (1 - x)**3, x, 0, 1)", "1/60"),
        "贝塔积分",
        _beta,
    ),
    Law(
        "power rule of integration",
        "∫ x^p dx = x^(p+1)/(p+1), and ∫ dx/x = log x",
        "p != -1; ends > 0 unless p is an integer >= 0",
        ("sd.integral(x**2, x, 1, 3)", "26/3"),
        "幂函数积分",
        _powers,
    ),
    Law(
        "polynomial times exponential",
        "∫ xⁿ exp(cx) dx = exp(cx) Σ (-1)^k n!/(n-k)! x^(n-k)/c^(k+1)",
        "c != 0",
        ("sd.integral(x * exp(x), x, 0, 1)", "1"),
        "多项式乘指数",
        _exponential,
    ),
    Law(
        "error function integral",
        "∫ exp(βx - αx²) dx = sqrt(π/α)/2 exp(β²/4α) erf(sqrt(α) x - β/(2 sqrt(α)))",
        "α > 0",
        ("sd.integral(exp(-x**2), x, 0, 2)", "sqrt(pi) * erf(2) / 2"),
        "误差函数积分",
        _error_function,
    ),
)
"""The rows, in the order in which they are tried."""


def variable_of(name: str, ends: Ends, shown: Shown) -> tuple[Leaf, tuple[Relation, ...]]:
    """A leaf that runs over the open range, and what is known of it besides its domain."""
    low, high = ends
    if low is None and high is None:
        return Leaf(name, (), real), ()
    if low is not None and high is not None and not shown(">=", minus(high, low)):
        # the range may run backwards: nothing is known but what both ends say
        both = shown(">", low) and shown(">", high)
        return Leaf(name, (), positive if both else real), ()
    if _is(low, 0) and high is None:
        return Leaf(name, (), positive), ()
    if _is(low, 0) and _is(high, 1):
        return Leaf(name, (), interval(0, 1)), ()
    first = low.value if isinstance(low, Number) and low.value.is_number else None
    last = high.value if isinstance(high, Number) and high.value.is_number else None
    if (first is not None or low is None) and (last is not None or high is None):
        whole = interval(-oo if first is None else first, oo if last is None else last)
        return Leaf(name, (), whole), ()
    leaf = Leaf(name, (), real)
    relations = []
    if low is not None:
        relations.append(Relation(minus(leaf, low), ">", ZERO_NODE))
    if high is not None:
        relations.append(Relation(minus(high, leaf), ">", ZERO_NODE))
    return leaf, tuple(relations)


def integrate(
    body: Node, variable: Leaf, ends: Ends, shown: Shown
) -> tuple[Node, tuple[str, ...], tuple[Relation, ...]]:
    """The integral of a body over a range by the laws; their names, and what has to hold besides.

    Raises `NotHandled` where a term has no law whose conditions are shown.
    """
    low, high = ends
    above = low is not None and shown(">=", low) and (high is None or shown(">=", high))
    below = above and high is not None and _is(high, 1)
    expansion = Expansion(variable, above, below, shown)
    value, names = by_laws(_plain(expansion.of(body)), LAWS, ends, shown, "integral")
    return value, names, tuple(expansion.conditions)


def _plain(terms: Sequence[Term]) -> Iterator[Term]:
    """The terms that are not 0; no row has a gamma function of the variable."""
    for term in terms:
        if whole_number(term.coefficient) == 0:
            continue
        if term.bases or term.gammas:
            raise NotHandled("no law for this integral: a gamma function of the variable")
        yield term


__all__ = ["LAWS", "integrate", "variable_of"]
