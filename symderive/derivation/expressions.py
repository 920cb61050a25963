"""What the search for a proof does with expressions: factors, logarithms of products, degrees, roots.

Nothing rests on this: what the search finds is made of nodes again, and the checker goes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import (
    Add,
    Dummy,
    Expr,
    Mul,
    Poly,
    Pow,
    Rational,
    S,
    Symbol,
    exp,
    expand_power_exp,
    factor,
    factor_terms,
    fraction,
    log,
    together,
)

from symderive.calculus.polynomials import NotHandled

HIGHEST_POWER = 12
"""Higher powers are not multiplied out."""


def negative(expression: Expr) -> Expr:
    """-expression, term by term."""
    return Add(*(-t for t in Add.make_args(expression)))


def argument_gap(difference_: Expr) -> Expr:
    """a - b, which has the sign of c·log a - c·log b, c > 0; other expressions as they are.

    >>> from sympy import symbols
    >>> a, b = symbols("a b", positive=True)
    >>> argument_gap(2*log(a) - 2*log(b))
    a - b
    """
    terms = [t.as_coeff_Mul() for t in Add.make_args(difference_)]
    if len(terms) > 2 or any(not isinstance(t, log) for _, t in terms) or Add(*(c for c, _ in terms)) != 0:
        return difference_
    (c, one), (_, two) = terms
    return (one.args[0] - two.args[0]) * (1 if c > 0 else -1)  # type: ignore[operator]


def divided(core: Expr, multiplier: Expr) -> Expr:
    """core/multiplier, term by term."""
    return Add(*(t / multiplier for t in Add.make_args(core)))


def factored(expression: Expr) -> Expr:
    """Factors over the rationals; powers so high that this would take long are opaque.

    Raises `NotHandled` for a sum of too many terms.

    >>> from sympy.abc import x
    >>> factored(1/x - x)
    -(x - 1)*(x + 1)/x
    """
    opened = expand_power_exp(expression)
    hard: dict[Expr, Symbol] = {}
    for power in opened.atoms(Pow, exp):
        exponent = power.args[-1]
        if any(r.q > HIGHEST_POWER or abs(r.p) > 3 * HIGHEST_POWER for r in exponent.atoms(Rational)):
            hard[power] = Dummy(positive=True)  # type: ignore[index]
    arguments: dict[Expr, Symbol] = {}
    for logarithm in sorted(opened.atoms(log), key=str):
        # as they are written: multiplied out they may not show their sign
        inner = logarithm.args[0].expand()  # type: ignore[attr-defined]
        hard[logarithm] = arguments.setdefault(inner, Dummy(real=True))  # type: ignore[index]
    masked = opened.xreplace(hard)
    if len(Add.make_args(masked)) > 60:
        raise NotHandled("too many terms to factor")
    return factor(together(masked)).xreplace({v: k for k, v in hard.items()})


def hardness(core: Expr, symbol: Symbol) -> int:
    """How hard a variable is: how many transcendental parts the slope by it has."""
    return sum(1 for f in core.diff(symbol).atoms(log, exp, Pow) if f.free_symbols and not f.is_rational_function())


def is_transcendental_power(power: Expr) -> bool:
    """Whether an exponential, or a power, is of no polynomial or rational function."""
    if isinstance(power, exp):
        return bool(power.free_symbols)
    base, exponent = power.args
    return bool(exponent.free_symbols) or (bool(base.free_symbols) and not exponent.is_integer)


def split_logarithms(expression: Expr, sign: Callable[[Expr], str]) -> Expr:
    """Logarithms of products whose factors are > 0 as sums; ``sign`` says what is shown, as `signs.Bounds.sign`.

    >>> from sympy.abc import x, y
    >>> split_logarithms(log(x*y**2), lambda factor: "+")
    log(x) + 2*log(y)
    """

    def opened(logarithm: Expr) -> Expr:
        made = factored(logarithm.args[0])
        parts = Mul.make_args(made)
        if sum(not part.is_number for part in parts) == 1 and not any(isinstance(p, Pow | exp) for p in parts):
            return logarithm
        total: Expr = S.Zero
        number: Expr = S.One
        for part in parts:
            if part.is_number:
                number *= part
                continue
            base, exponent = (part.args[0], part.args[1]) if isinstance(part, Pow) else (part, S.One)
            if isinstance(part, exp):
                total += part.args[0]
                continue
            shown = sign(base)
            if shown == "-" and exponent.is_integer:
                base, number = negative(base), number * (-1) ** exponent
            elif shown != "+":
                return logarithm
            total += exponent * log(base)
        if not number.is_positive:
            return logarithm
        return total + log(number)

    return expression.replace(lambda part: isinstance(part, log) and bool(part.free_symbols), opened)


def homogeneous(expression: Expr, gap: Expr) -> Expr:
    """The expression with powers of the total that ``gap = 0`` says to be 1, so that all terms have one degree.

    Raises `NotHandled` where terms have none, or the equality is not linear with a constant.

    >>> from sympy.abc import x, y
    >>> homogeneous(x**2 - y, x + y - 1)
    x**2 - y*(x + y)
    """
    constant = Add(*(t for t in Add.make_args(gap) if t.is_number))
    if not constant.is_nonzero:
        raise NotHandled("a given equality without a constant")
    total = Add(*(-t / constant for t in Add.make_args(gap) if not t.is_number))
    symbols = sorted(total.free_symbols, key=str)
    if degree(total, symbols) != 1:
        raise NotHandled("a given equality that is not linear")

    def scaled(logarithm: Expr) -> Expr:
        return logarithm - degree(logarithm.args[0], symbols) * log(total)  # type: ignore[arg-type]

    terms = []
    for term in Add.make_args(expression.expand()):
        logs = [f for f in Mul.make_args(term) if isinstance(f, log)]
        rest = Mul(*(f for f in Mul.make_args(term) if not isinstance(f, log)))
        terms.append((rest, Mul(*(scaled(f) for f in logs)), degree(rest, symbols)))
    highest = max(d for _, _, d in terms)
    return Add(*(rest * total ** (highest - d) * logs for rest, logs, d in terms))


def degree(expression: Expr, symbols: Sequence[Symbol]) -> Expr:
    """The degree of a homogeneous expression in some symbols; raises `NotHandled` for others."""
    if not expression.has(*symbols):
        return S.Zero
    if isinstance(expression, Symbol):
        return S.One
    if isinstance(expression, Mul):
        return Add(*(degree(f, symbols) for f in expression.args))  # type: ignore[arg-type]
    if isinstance(expression, Pow) and expression.args[1].is_number:
        return degree(expression.args[0], symbols) * expression.args[1]  # type: ignore[arg-type]
    if isinstance(expression, Add):
        found = {degree(t, symbols) for t in expression.args}  # type: ignore[arg-type]
        if len(found) == 1:
            return found.pop()
    raise NotHandled("no homogeneous expression")


def simple_roots(factor_: Expr, symbol: Symbol) -> list[Expr]:
    """The roots of a factor that is linear in the symbol, quadratic, or a sum of logarithms, or two exponentials.

    >>> from sympy.abc import x, y
    >>> simple_roots(2*x - y, x), simple_roots(log(x) - 2*log(y), x), simple_roots(x**3 - y, x)
    ([y/2], [y**2], [])
    """
    if not factor_.has(symbol):
        return []
    if factor_.is_polynomial(symbol):
        made = Poly(factor_, symbol)
        if made.degree() == 1:
            a, b = made.all_coeffs()
            return [factor_terms(factored(-b / a))]
        if made.degree() == 2:
            a, b, c = made.all_coeffs()
            inside = factored(b**2 - 4 * a * c)
            root = inside ** Rational(1, 2)
            return [(-b + root) / (2 * a), (-b - root) / (2 * a)]
        return []
    terms = Add.make_args(factor_)
    logs: list[tuple[Expr, Expr]] = []
    rest: Expr = S.Zero
    for term in terms:
        c, inner = term.as_coeff_Mul()
        if c.is_Rational and isinstance(inner, log):
            logs.append((c, inner.args[0]))  # type: ignore[arg-type]
        elif not term.has(symbol):
            rest += term
        else:
            logs = []
            break
    if logs:
        least = min(abs(c) for c, _ in logs)
        if all((c / least).is_integer for c, _ in logs) and sum(abs(c / least) for c, _ in logs) <= HIGHEST_POWER:
            product = Mul(*(a ** (c / least) for c, a in logs)) * exp(rest / least)
            up, down = fraction(together(product))
            gap = (up - down).expand()
            if gap.is_polynomial(symbol) and Poly(gap, symbol).degree() == 1:
                return simple_roots(gap, symbol)
        return []
    if len(terms) == 2:
        ratio = -terms[0] / terms[1]
        split = Add(*(p.args[0] if isinstance(p, exp) else log(p) for p in Mul.make_args(ratio)))
        gap = split.expand(log=True, force=True)
        if gap.is_polynomial(symbol) and Poly(gap, symbol).degree() == 1:
            return simple_roots(gap, symbol)
    return []


def without_odd_powers(square: Expr, roots: dict[Any, Symbol]) -> tuple[Expr, Expr] | None:
    """q² in roots of variables as weight·argument² in the variables; None where the powers in q differ in parity."""
    back = {r: s for s, r in roots.items()}
    weight: Expr = S.One
    made = square.expand()
    for root in back:
        odd = {Poly(term, root).degree() % 2 for term in Add.make_args(made)}
        if len(odd) != 1:
            return None
        if odd == {1}:
            weight, made = weight * back[root], (made / root).expand()
    return weight, made.subs({r: s ** Rational(1, 2) for r, s in back.items()}, simultaneous=True)


__all__ = [
    "HIGHEST_POWER",
    "argument_gap",
    "degree",
    "divided",
    "factored",
    "hardness",
    "homogeneous",
    "is_transcendental_power",
    "negative",
    "simple_roots",
    "split_logarithms",
    "without_odd_powers",
]
