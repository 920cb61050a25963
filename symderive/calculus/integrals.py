"""Definite integrals by a table of laws, each used only where its conditions are shown.

The integrand is expanded into terms (`terms`); each term is integrated by the first row of `LAWS` that
fits it.  Sources: DLMF 5.2.1 and 5.9 (Γ), 5.12 (B), 7.2 and 7.7 (error function and Gaussians);
derivatives by a parameter give the rows with logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
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
    return whole_number(term.other) == 0 and not term.other_logs and not term.sums and term.wave is None


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
    if whole_number(beta) == 0:
        return ONE_NODE
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
    if term.sums or term.wave:
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
    if _is(low, 0) and (n is None or term.logs) and high is not None and shown(">", up) and shown(">", high):
        pass  # x^(p+1) and x^(p+1) log x tend to 0
    elif n is None or n < 0 or term.logs:
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
        if _is(x, 0):
            return ZERO_NODE
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


def _odd_gaussian(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^(2j+1) exp(cx²), by parts."""
    n = _degree(term)
    c = term.rate(2)
    if n is None or n % 2 == 0 or term.logs or not _no_other(term) or whole_number(tidy(term.rate(1))) != 0:
        return None
    low, high = ends
    if not shown("!=", c) or (None in ends and not shown(">", build.scale(-1, c))):
        return None
    j = n // 2

    def at(x: Node) -> Node:
        parts = [
            build.scale(
                Rational((-1) ** i * factorial(j), 2 * factorial(j - i)),
                times(to_power(x, 2 * (j - i)), to_power(c, -i - 1)),
            )
            for i in range(j + 1)
        ]
        return times(function("exp", times(c, to_power(x, 2))), plus(*parts))

    return times(term.coefficient, _between(at, low, high)) if (low, high) != (None, None) else ZERO_NODE


def _one_sum(term: Term, degree: int) -> tuple[tuple[Node, ...], Node, int] | None:
    """The power of a polynomial of a degree that is all that a term has besides powers and logarithms of x."""
    if len(term.sums) != 1 or not _no_other(replace(term, sums=())) or term.exponential:
        return None
    return term.sums[0] if len(term.sums[0][0]) == degree + 1 else None


def _beta_of_second_kind(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^p (A+Bx)^(-c) log(x)^m log(A+Bx)^n over x > 0."""
    found = _one_sum(term, 1)
    if found is None or not _is(ends[0], 0) or ends[1] is not None:
        return None
    (constant, slope), exponent, other_logs = found
    a, c = tidy(plus(term.power, ONE_NODE)), tidy(build.scale(-1, exponent))
    b = tidy(minus(c, a))
    if term.logs + other_logs > 2 or not all(shown(">", part) for part in (a, b, constant, slope)):
        return None
    ratio = tidy(over(constant, slope))
    log_ratio, log_constant = function("log", ratio), function("log", constant)
    base = times(function("gamma", a), function("gamma", b), to_power(function("gamma", c), -1))
    moments = [
        build.scale(
            comb(term.logs, i) * comb(other_logs, j),
            times(
                to_power(log_ratio, term.logs - i),
                to_power(log_constant, other_logs - j),
                _logs_moment(a, b, c, i, j),
            ),
        )
        for i in range(term.logs + 1)
        for j in range(other_logs + 1)
    ]
    return times(term.coefficient, to_power(constant, exponent), to_power(ratio, a), base, plus(*moments))


def _logs_moment(a: Node, b: Node, c: Node, i: int, j: int) -> Node:
    """The mean of log(u)^i log(1+u)^j under u^(a-1) (1+u)^(-c), i + j <= 2, c = a + b."""
    first = minus(function("digamma", a), function("digamma", b))
    other = minus(function("digamma", c), function("digamma", b))
    mean = times(to_power(first, i), to_power(other, j))
    bend = {part: function("polygamma", ONE_NODE, part) for part in (a, b, c)}
    match i, j:
        case 2, 0:
            return plus(mean, bend[a], bend[b])
        case 1, 1:
            return plus(mean, bend[b])
        case 0, 2:
            return plus(mean, bend[b], build.scale(-1, bend[c]))
    return mean


def _linear_powers(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^n (A+Bx)^e log(A+Bx)^m for n >= 0, m <= 1, by powers of w = A + Bx."""
    found, n = _one_sum(term, 1), _degree(term)
    if found is None or n is None or term.logs or found[2] > 1 or ends[0] is None:
        return None
    (constant, slope), exponent, logs = found
    low, high = (None if x is None else plus(constant, times(slope, x)) for x in ends)
    if not shown("!=", slope) or (high is None and not shown(">", slope)):
        return None
    if not all(x is None or shown(">", x) for x in (low, high)):
        return None
    total = []
    for k in range(n + 1):
        weight = build.scale(comb(n, k), to_power(build.scale(-1, constant), n - k))
        part = _powers(Term(weight, tidy(plus(exponent, build.number(k))), logs=logs), (low, high), shown)
        if part is None:
            return None
        total.append(part)
    return times(term.coefficient, to_power(slope, -n - 1), plus(*total))


def _quadratic_line(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ x^n (Ax²+Bx+C)^(-r) log(Ax²+Bx+C)^m over the line, m <= 1."""
    found, n = _one_sum(term, 2), _degree(term)
    if found is None or n is None or term.logs or found[2] > 1 or ends != (None, None):
        return None
    (constant, linear, square), exponent, logs = found
    r, half = tidy(build.scale(-1, exponent)), Number(Rational(1, 2))
    centre = build.scale(Rational(-1, 2), over(linear, square))
    least = minus(constant, build.scale(Rational(1, 4), over(to_power(linear, 2), square)))
    if not shown(">", square) or not shown(">", least):
        return None
    if not shown(">", minus(r, Number(Rational(n + 1, 2)))):
        return None
    moments = []
    for j in range(n // 2 + 1):
        below = tidy(minus(r, Number(Rational(2 * j + 1, 2))))
        part = times(
            to_power(centre, n - 2 * j),
            to_power(over(least, square), j),
            function("gamma", Number(Rational(2 * j + 1, 2))),
            function("gamma", below),
        )
        if logs:
            gap = minus(function("digamma", r), function("digamma", below))
            part = times(part, plus(function("log", least), gap))
        moments.append(build.scale(comb(n, 2 * j), part))
    outer = times(to_power(least, plus(exponent, half)), to_power(square, Number(Rational(-1, 2))))
    return times(term.coefficient, outer, to_power(function("gamma", r), -1), plus(*moments))


def _quadratic(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ 1/(Ax²+Bx+C) by arctan, ∫ (2Ax+B)(Ax²+Bx+C)^e by the power rule, between any ends."""
    found, n = _one_sum(term, 2), _degree(term)
    if found is None or n not in (0, 1) or term.logs or found[2] or ends == (None, None):
        return None
    (constant, linear, square), exponent, _ = found
    e = whole_number(exponent)
    gap = minus(build.scale(4, times(square, constant)), to_power(linear, 2))
    if not shown(">", square) or not shown(">", gap):
        return None
    low, high = ends

    def quadratic(x: Node) -> Node:
        return plus(constant, times(linear, x), times(square, to_power(x, 2)))

    if n == 1:
        if linear is not ZERO_NODE:
            return None
        if e == -1:
            if None in ends:
                return None
            rule = _between(lambda x: function("log", quadratic(x)), low, high)
        else:
            up = tidy(plus(exponent, ONE_NODE))
            if not shown("!=", up) or (None in ends and not shown(">", build.scale(-1, up))):
                return None
            rule = _between(lambda x: over(to_power(quadratic(x), up), up), low, high)
        return times(term.coefficient, over(rule, build.scale(2, square)))
    if e != -1:
        return None
    root = to_power(gap, Number(Rational(1, 2)))

    def angle(x: Node | None, sign: int) -> Node:
        if x is None:
            return Number(sign * pi / 2)
        return function("arctan", over(plus(build.scale(2, times(square, x)), linear), root))

    return times(term.coefficient, build.scale(2, over(minus(angle(high, 1), angle(low, -1)), root)))


def _gaussian_wave(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ xⁿ exp(βx - αx²) cos(ωx+φ) over the line, n <= 1."""
    n = _degree(term)
    if term.wave is None or ends != (None, None) or n not in (0, 1) or term.logs or not _is_wave(term):
        return None
    name, slope, shift = term.wave
    alpha, beta = build.scale(-1, term.rate(2)), term.rate(1)
    if not shown(">", alpha):
        return None
    twice = build.scale(2, alpha)
    height = times(
        to_power(over(Number(pi), alpha), Number(Rational(1, 2))),
        function("exp", over(minus(to_power(beta, 2), to_power(slope, 2)), build.scale(4, alpha))),
    )
    angle = plus(over(times(beta, slope), twice), shift)
    here = function(name, angle)
    if n == 0:
        return times(term.coefficient, height, here)
    turned = build.scale(-1, function("sin", angle)) if name == "cos" else function("cos", angle)
    return times(term.coefficient, height, plus(over(times(beta, here), twice), over(times(slope, turned), twice)))


def _is_wave(term: Term) -> bool:
    return _no_other(replace(term, wave=None))


def _waves(term: Term, ends: Ends, shown: Shown) -> Node | None:
    """∫ xⁿ exp(cx) cos(ωx+φ), the real part of ∫ xⁿ exp((c+iω)x + iφ), by parts."""
    n = _degree(term)
    if term.wave is None or n is None or term.logs or not _is_wave(term) or whole_number(tidy(term.rate(2))) != 0:
        return None
    name, slope, shift = term.wave
    rate, (low, high) = term.rate(1), ends
    if not shown("!=", slope) and not shown("!=", rate):
        return None
    if (low is None and not shown(">", rate)) or (high is None and not shown(">", build.scale(-1, rate))):
        return None
    size = plus(to_power(rate, 2), to_power(slope, 2))

    def at(x: Node) -> Node:
        angle = plus(times(slope, x), shift)
        cosine, sine = function("cos", angle), function("sin", angle)
        parts = []
        for k in range(n + 1):
            real, imaginary = _conjugate_power(rate, slope, k + 1)
            weight = (-1) ** k * factorial(n) // factorial(n - k)
            whole = (
                minus(times(real, cosine), times(imaginary, sine))
                if name == "cos"
                else plus(times(real, sine), times(imaginary, cosine))
            )
            parts.append(build.scale(weight, times(to_power(x, n - k), whole, to_power(size, -k - 1))))
        return times(function("exp", times(rate, x)), plus(*parts))

    return times(term.coefficient, _between(at, low, high))


def _conjugate_power(rate: Node, slope: Node, m: int) -> tuple[Node, Node]:
    """Real and imaginary part of (rate - i·slope)**m."""
    real, imaginary = [], []
    for j in range(m + 1):
        sign = (-1) ** ((j + 1) // 2)
        part = build.scale(comb(m, j) * sign, times(to_power(rate, m - j), to_power(slope, j)))
        (imaginary if j % 2 else real).append(part)
    return plus(*real), plus(*imaginary)


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
    Law(
        "beta integral of the second kind",
        "∫_0^∞ x^(a-1) (A+Bx)^(-a-b) dx = A^(-b) B^(-a) Γ(a)Γ(b)/Γ(a+b), and its derivatives by a and b",
        "a > 0, b > 0, A > 0, B > 0",
        ("sd.integral(x**2 / (1 + 2 * x)**5, x, 0, inf)", "1/96"),
        "第二类贝塔积分",
        _beta_of_second_kind,
    ),
    Law(
        "power rule for linear functions",
        "∫ (A+Bx)^e dx = (A+Bx)^(e+1)/(B(e+1)), times xⁿ and log(A+Bx) as well",
        "B != 0, A + Bx > 0 at both ends",
        ("sd.integral(x / (1 + x)**3, x, 0, 1)", "1/8"),
        "线性函数的幂积分",
        _linear_powers,
    ),
    Law(
        "powers of a quadratic over the line",
        "∫ (Ax²+Bx+C)^(-r) dx = D^(1/2-r) A^(-1/2) Γ(1/2)Γ(r-1/2)/Γ(r), D = C - B²/4A, and its moments",
        "A > 0, D > 0, r > (n+1)/2 for the n-th moment",
        ("sd.integral(x**2 / (1 + x**2)**2, x, -inf, inf)", "pi/2"),
        "二次函数的幂在全直线上的积分",
        _quadratic_line,
    ),
    Law(
        "arctangent integral",
        "∫ dx/(Ax²+Bx+C) = 2/√G arctan((2Ax+B)/√G), G = 4AC - B²; ∫ 2Ax (Ax²+C)^e dx by the power rule",
        "A > 0, G > 0",
        ("sd.integral(1 / (1 + x**2), x, 0, 1)", "pi/4"),
        "反正切积分",
        _quadratic,
    ),
    Law(
        "odd Gaussian integral",
        "∫ x^(2j+1) exp(cx²) dx = exp(cx²) Σ (-1)^i j!/(2 (j-i)!) x^(2j-2i)/c^(i+1)",
        "c != 0",
        ("sd.integral(x**3 * exp(x**2), x, 0, 1)", "1/2"),
        "奇次幂高斯积分",
        _odd_gaussian,
    ),
    Law(
        "characteristic function of the Gaussian",
        "∫ exp(βx - αx²) cos(ωx+φ) dx = sqrt(π/α) exp((β²-ω²)/4α) cos(βω/2α + φ), and its derivative by β",
        "α > 0, over the whole line",
        ("sd.integral(exp(-x**2 / 2) * cos(x), x, -inf, inf)", "sqrt(2*pi) * exp(-1/2)"),
        "高斯特征函数",
        _gaussian_wave,
    ),
    Law(
        "polynomial times exponential times wave",
        "∫ xⁿ exp(cx) cos(ωx+φ) dx = Re exp((c+iω)x + iφ) Σ (-1)^k n!/(n-k)! x^(n-k)/(c+iω)^(k+1)",
        "c + iω != 0",
        ("sd.integral(x * sin(x), x, 0, pi)", "pi"),
        "多项式乘指数乘正弦",
        _waves,
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
    leaf = Leaf(name, (), positive if low is not None and shown(">=", low) else real)
    relations = []
    if low is not None:
        relations.append(Relation(minus(leaf, low), ">", ZERO_NODE))
    if high is not None:
        relations.append(Relation(minus(high, leaf), ">", ZERO_NODE))
    return leaf, tuple(relations)


def integrate(
    body: Node, variable: Leaf, ends: Ends, shown: Shown, within: Shown
) -> tuple[Node, tuple[str, ...], tuple[Relation, ...]]:
    """The integral of a body over a range by the laws; their names, and what has to hold besides.

    ``shown`` speaks of what is free of the variable, ``within`` of what holds inside of the range.

    Raises `NotHandled` where a term has no law whose conditions are shown.
    """
    low, high = ends
    above = low is not None and shown(">=", low) and (high is None or shown(">=", high))
    below = above and high is not None and _is(high, 1)
    expansion = Expansion(variable, above, below, within)
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
