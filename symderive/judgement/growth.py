"""How fast a scalar expression grows or falls as one variable tends to infinity: rigorous bounds on a ray.

For z >= A a `Growth` bounds |u(z)| by a sum of *forms* exp(Σ c_j φ_j(z)), where the scale functions
φ are 1, log z and its square, powers z^e with e > 0 and z·log z; also from below by one form, and exactly where
that can be said.  What cannot be bounded is `NoBound`: the tail of an integral or a series then is
not known, and nothing is guessed.  Sources: DLMF 5.11 (Stirling's bounds for Γ), 7.8 (erfc).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import factorial
from typing import Any

from flint import arb, fmpq
from sympy import Symbol

from symderive.judgement.elements import Element, Hole, Jet, as_ball
from symderive.language.nodes import Binding, Contraction, Leaf, Map, Named, Node, Number, Sum

Key = Fraction | str
"""A scale function: "log" (log z), "log2" (its square), "zlog" (z log z), or the exponent e of z^e; 0 for 1."""

Form = Mapping[Key, arb]
"""Σ c_j φ_j(z), as a quantity or as the logarithm of one."""

LOG: Key = "log"
LOG2: Key = "log2"
ZLOG: Key = "zlog"
CONST: Key = Fraction(0)
MOST_TERMS = 40
MOST_POWERS = 8


class NoBound(Exception):
    """No bound was found; the message says of what."""


class Divergent(Exception):
    """What certainly has no value; the message says of what."""


@dataclass(frozen=True)
class Growth:
    """What is known of u(z) for z >= A.

    ``combo``: u is exactly this form.  ``exact``: |u| is exactly exp of this form.  ``upper``: |u| is
    at most the sum of exp of these.  ``lower``: |u| is at least exp of this (None: nothing known).
    ``sign``: of u, 0 where it is not known.  ``zero``: u vanishes.
    """

    upper: tuple[Form, ...]
    lower: Form | None = None
    sign: int = 0
    combo: Form | None = None
    exact: Form | None = None

    @property
    def zero(self) -> bool:
        """Whether u is 0."""
        return not self.upper


def _is_zero(c: Any) -> bool:
    """Whether a ball is exactly 0: one that may be 0 is not."""
    return bool(c == 0)


def _plus(a: Form, b: Form, weight: arb | int = 1) -> Form:
    out = dict(a)
    for key, c in b.items():
        out[key] = out.get(key, arb(0)) + c * weight
    return {key: c for key, c in out.items() if not _is_zero(c)}


def _scaled(a: Form, factor: arb | int) -> Form:
    return {key: c * factor for key, c in a.items()}


def value_at(form: Form, z: arb) -> arb:
    """The form at z."""
    total = arb(0)
    for key, c in form.items():
        total += c * _scale(key, z)
    return total


def _scale(key: Key, z: arb) -> arb:
    if key == LOG:
        return z.log()
    if key == LOG2:
        return z.log() ** 2
    if key == ZLOG:
        return z * z.log()
    return z ** arb(fmpq(key.numerator, key.denominator)) if isinstance(key, Fraction) else arb(0)


def _order(key: Key) -> tuple[Fraction, int]:
    """How fast a scale function grows: by its power of z, then of log z."""
    if key == LOG:
        return Fraction(0), 1
    if key == LOG2:
        return Fraction(0), 2
    if key == ZLOG:
        return Fraction(1), 1
    assert isinstance(key, Fraction)
    return key, 0


def _slope(key: Key) -> tuple[tuple[Fraction, int], Callable[[arb], arb]]:
    """z·φ'(z): its order, and its value."""
    if key == LOG:
        return (Fraction(0), 0), lambda z: arb(1)
    if key == LOG2:
        return (Fraction(0), 1), lambda z: 2 * z.log()
    if key == ZLOG:
        return (Fraction(1), 1), lambda z: z * z.log() + z
    assert isinstance(key, Fraction)
    return (key, 0), lambda z: arb(fmpq(key.numerator, key.denominator)) * _scale(key, z)


def falls(form: Form, start: arb) -> bool:
    """Whether exp of the form certainly never rises for z >= start (>= e).

    Each rising part has to be outweighed at the start by falling parts of at least its order.
    """
    if any(isinstance(key, Fraction) and key < 0 for key in form):
        return False
    # a coefficient that may have either sign is taken at its largest
    parts = [(*_slope(key), c if c >= 0 or c <= 0 else arb(c.upper())) for key, c in form.items() if key != CONST]
    falling = [[order, -c * f(start)] for order, f, c in parts if c <= 0]
    falling.sort(key=lambda part: part[0])
    for order, f, c in sorted(((o, f, c) for o, f, c in parts if not (c <= 0)), key=lambda part: part[0]):
        need = (c * f(start)).upper()
        for part in falling:
            # z^e with e barely above 1 outgrows z log z late
            late = order == (Fraction(1), 1) and Fraction(1) < part[0][0] < Fraction(3, 2)
            if part[0] < order or late or not part[1] > 0:
                continue
            room = arb(part[1].lower())
            taken = need if need < room else room
            part[1] = (part[1] - taken) if taken is need else arb(0)
            need = need - taken
            if not need > 0:
                break
        if need > 0:
            return False
    return True


# -- making ------------------------------------------------------------------------------------


def constant(value: Element) -> Growth:
    """A number."""
    if isinstance(value, Hole | Jet):
        raise NoBound(value.reason if isinstance(value, Hole) else "a parameter that moves")
    ball = as_ball(value)
    if ball == 0:
        return Growth((), combo={})
    if not ball.is_finite():
        raise NoBound("a number that is not known")
    top = {CONST: abs(ball).upper().log()}
    if ball > 0 or ball < 0:
        form = {CONST: abs(ball).log()}
        return Growth((top,), form, 1 if ball > 0 else -1, {CONST: ball}, form)
    return Growth((top,), None, 0, {CONST: ball})


def from_combo(form: Form, start: arb) -> Growth:
    """A quantity that is exactly a form: a sum of powers, say."""
    form = {key: c for key, c in form.items() if not _is_zero(c)}
    if set(form) <= {CONST}:
        return constant(form.get(CONST, fmpq(0)))
    upper = tuple(u for key, c in form.items() for u in _single(key, c, start))
    lead = max(form, key=_order)
    lower, sign, exact = None, 0, None
    c = form[lead]
    if (c > 0 or c < 0) and lead not in (LOG, LOG2, ZLOG):
        rest = arb(0)
        for key, other in form.items():
            if key == lead:
                continue
            ratio = _plus(_single(key, other, start)[0], _single(lead, c, start)[0], -1)
            if not falls(ratio, start):
                rest = arb(1)
                break
            rest += value_at(ratio, start).exp()
        if rest < 1:
            lower = _plus(_single(lead, c, start)[0], {CONST: (1 - rest).log()})
            sign = 1 if c > 0 else -1
        if len(form) == 1:
            exact = _single(lead, c, start)[0]
    return Growth(upper, lower, sign, form, exact)


def _single(key: Key, c: arb, start: arb) -> tuple[Form, ...]:
    """|c|·φ(z) as the exp of a form; of logarithms an upper bound: log z <= 4 z^(1/4)."""
    size = abs(c).upper().log() if not (c > 0 or c < 0) else abs(c).log()
    if key == LOG:
        return ({CONST: size + arb(4).log(), LOG: arb(fmpq(1, 4))},)
    if key == LOG2:
        return ({CONST: size + arb(16).log(), LOG: arb(fmpq(1, 2))},)
    if key == ZLOG:
        return ({CONST: size + arb(4).log(), LOG: arb(fmpq(5, 4))},)
    assert isinstance(key, Fraction)
    return (_plus({CONST: size}, {LOG: arb(fmpq(key.numerator, key.denominator))}),)


def added(parts: Sequence[Growth], start: arb) -> Growth:
    """The sum."""
    parts = [p for p in parts if not p.zero]
    if len(parts) == 1:
        return parts[0]
    if all(p.combo is not None for p in parts):
        total: Form = {}
        for p in parts:
            assert p.combo is not None
            total = _plus(total, p.combo)
        return from_combo(total, start)
    upper = tuple(u for p in parts for u in p.upper)
    _bounded(upper)
    lower, sign = None, 0
    if all(p.sign == parts[0].sign != 0 for p in parts):
        sign = parts[0].sign
        known = [p.lower for p in parts if p.lower is not None]
        lower = max(known, key=lambda f: float(value_at(f, start * 64).mid())) if known else None
    else:
        lower, sign = _dominated(parts, start)
    return Growth(upper, lower, sign)


def _dominated(parts: Sequence[Growth], start: arb) -> tuple[Form | None, int]:
    """A lower bound of a sum in which one term outweighs all others."""
    for k, lead in enumerate(parts):
        if lead.lower is None:
            continue
        rest = arb(0)
        for u in (u for j, p in enumerate(parts) if j != k for u in p.upper):
            ratio = _plus(u, lead.lower, -1)
            if not falls(ratio, start):
                break
            rest += value_at(ratio, start).exp()
        else:
            if rest < 1:
                return _plus(lead.lower, {CONST: (1 - rest).log()}), lead.sign
    return None, 0


def _bounded(forms: Sequence[Form]) -> None:
    if len(forms) > MOST_TERMS:
        raise NoBound("a bound of too many terms")


def times(a: Growth, b: Growth, start: arb) -> Growth:
    """The product."""
    if a.zero or b.zero:
        return Growth((), combo={})
    upper = tuple(_plus(u, v) for u in a.upper for v in b.upper)
    _bounded(upper)
    lower = _plus(a.lower, b.lower) if a.lower is not None and b.lower is not None else None
    exact = _plus(a.exact, b.exact) if a.exact is not None and b.exact is not None else None
    combo = _combo_product(a.combo, b.combo) if a.combo is not None and b.combo is not None else None
    if combo is not None:
        made = from_combo(combo, start)
        return made if made.exact is not None or exact is None else replace(made, exact=exact)
    return Growth(upper, lower, a.sign * b.sign, None, exact)


def _combo_product(a: Form, b: Form) -> Form | None:
    total: Form = {}
    for j, c in a.items():
        for k, d in b.items():
            if j == CONST or k == CONST:
                key = k if j == CONST else j
            elif {j, k} == {LOG, Fraction(1)}:
                key = ZLOG
            elif j == k == LOG:
                key = LOG2
            elif isinstance(j, Fraction) and isinstance(k, Fraction):
                key = j + k
            else:
                return None
            total = _plus(total, {key: c * d})
    return total if len(total) <= MOST_TERMS else None


def exponentiated(u: Growth, start: arb) -> Growth:
    """exp(u)."""
    if u.zero:
        return constant(fmpq(1))
    if u.combo is None:
        if u.sign < 0 and u.lower is not None:
            # |u| >= exp(L) >= exp(L(A)) (1 + L - L(A)), since e^t >= 1 + t
            level = value_at(u.lower, start)
            top = level.exp().lower()
            return Growth((_plus(_scaled(u.lower, -top), {CONST: (level - 1) * top}),), None, 1)
        if u.sign < 0:
            return Growth(_ONE, None, 1)
        raise NoBound("an exponential of what is not a sum of powers")
    rising = {key: c for key, c in u.combo.items() if _order(key) > (Fraction(0), 0)}
    slack = sum((abs(c) * _scale(key, start) for key, c in u.combo.items() if _order(key) < (Fraction(0), 0)), arb(0))
    level = u.combo.get(CONST, arb(0))
    high, low = ({**rising, CONST: level + sign * abs(slack).upper()} for sign in (1, -1))
    exact = {**rising, CONST: level} if slack == 0 else None
    return Growth((high,), low, 1, None, exact)


def logarithmic(u: Growth, start: arb) -> Growth:
    """log(u) of a positive u."""
    if u.exact is not None:
        return from_combo(u.exact, start)
    if u.lower is None or u.zero:
        raise NoBound("a logarithm of what may vanish")
    lowest = _magnitudes(u.lower, start)
    # |log u| <= |log lower| + Σ |log of each bound| + log of how many there are
    highest = [m for form in u.upper for m in _magnitudes(form, start)]
    count = ({CONST: arb(len(u.upper) + 1).log().log()},) if len(u.upper) > 1 else ()
    upper = (*lowest, *highest, *count)
    _bounded(upper)
    return Growth(upper)


def _magnitudes(form: Form, start: arb) -> tuple[Form, ...]:
    return tuple(u for key, c in form.items() for u in _single(key, c, start))


def powered(u: Growth, r: Element, start: arb) -> Growth:
    """u ** r for a number r."""
    ball = as_ball(r)
    whole = type(r) is fmpq and r.q == 1
    if whole and r == 0:
        return constant(fmpq(1))
    if u.zero:
        if ball > 0:
            return u
        raise NoBound("a power of 0")
    if whole and 0 < r <= MOST_POWERS and u.combo is not None:
        made = u
        for _ in range(int(r.p) - 1):
            made = times(made, u, start)
        return made
    sign = (1 if int(r.p) % 2 == 0 else u.sign) if whole else 1
    exact = _scaled(u.exact, ball) if u.exact is not None else None
    if u.combo is not None and len(u.combo) == 1 and type(r) is fmpq and u.sign > 0:
        ((key, c),) = u.combo.items()
        if isinstance(key, Fraction):
            return from_combo({key * Fraction(int(r.p), int(r.q)): c**ball}, start)
    if ball > 0:
        spread = {CONST: ball * arb(len(u.upper)).log()}
        upper = tuple(_plus(_scaled(f, ball), spread) for f in u.upper)
        lower = _scaled(u.lower, ball) if u.lower is not None else None
    elif ball < 0 and u.lower is not None:
        upper = (_scaled(u.lower, ball),)
        whole_upper = _merged(u.upper, start)
        lower = _scaled(whole_upper, ball) if whole_upper is not None else None
    else:
        raise NoBound("a power of what may vanish")
    return Growth(upper, lower, sign, None, exact)


def _merged(forms: Sequence[Form], start: arb) -> Form | None:
    """One form whose exp is at least the sum of those of several, where one of them leads for good."""
    for k, lead in enumerate(forms):
        ratios = [_plus(form, lead, -1) for j, form in enumerate(forms) if j != k]
        if all(falls(ratio, start) for ratio in ratios):
            rest = sum((value_at(ratio, start).exp() for ratio in ratios), arb(1))
            return _plus(lead, {CONST: rest.log()})
    return None


def gamma_function(u: Growth, start: arb) -> Growth:
    """Γ(z + c), by Stirling's bounds."""
    combo = u.combo or {}
    if set(combo) - {CONST, Fraction(1)} or not _is_zero(combo.get(Fraction(1), arb(0)) - 1):
        if u.combo is not None and set(combo) <= {CONST}:
            return constant(as_ball(combo.get(CONST, arb(0))).gamma())
        raise NoBound("a gamma function of what is not z + c")
    c = combo.get(CONST, arb(0))
    if not start > 2 * abs(c) + 2:
        raise NoBound("a gamma function near its poles")
    half = arb(fmpq(1, 2))
    error = (c * c + abs(c - half) * 2 * abs(c)) / start + 1 / (12 * (start - abs(c)))
    middle = {ZLOG: arb(1), Fraction(1): arb(-1), LOG: c - half, CONST: (2 * arb.pi()).log() / 2}
    bounds = (_plus(middle, {CONST: e}) for e in (error.upper(), -error.upper()))
    high, low = bounds
    return Growth((high,), low, 1)


_WITHIN_ONE = frozenset(
    ("sin", "cos", "tanh", "erf", "sign", "lt", "le", "eq", "ne", "ndtr", "gammainc", "gammaincc", "is_max", "is_min")
)
_ONE: tuple[Form, ...] = ({CONST: arb(0)},)
_TWO: tuple[Form, ...] = ({CONST: arb(1)},)
"""|u| <= e: at least 2, whatever the precision."""


class Ray:
    """Bounds of the nodes of a template for z >= start; ``values`` are those of the slots."""

    def __init__(
        self, start: arb, variable: Leaf, form: Form, fixed: Mapping[Node, Element], sizes: Mapping[Symbol, int],
        number: Callable[[Any, Mapping[Symbol, int]], Element],
    ) -> None:
        self.start = start
        self.sizes = sizes
        self.number = number
        self.fixed = fixed
        self.known: dict[Node, Growth] = {variable: from_combo(form, start)}

    def of(self, node: Node) -> Growth:
        """The growth of a node."""
        for current in node.walk():
            if current not in self.known:
                self.known[current] = self._of(current)
        return self.known[node]

    def _of(self, node: Node) -> Growth:
        if node in self.fixed:
            return constant(self.fixed[node])
        match node:
            case Number(value=value):
                return constant(self.number(value, self.sizes))
            case Named(body=body):
                return self.known[body]
            case Sum():
                parts = [
                    times(constant(self.number(weight, self.sizes)), self.known[term], self.start)
                    for weight, term in node.terms
                ]
                return self._complement(node) or added(parts, self.start)
            case Contraction() if not node.label_dims:
                total = constant(self.number(node.coefficient, self.sizes))
                for factor, _ in node.factors:
                    total = times(total, self.known[factor], self.start)
                return total
            case Map():
                return self._map(node)
            case Binding(kind="derivative"):
                return self._derivative(node)
        raise NoBound(f"a {type(node).__name__}")

    def _complement(self, node: Sum) -> Growth | None:
        """1 - 1/(1 + w) as w/(1 + w): the sum's own terms cancel, and no bound of them shows that."""
        if len(node.terms) != 2:
            return None
        ((a, one), (b, quotient)) = sorted(node.terms, key=lambda part: not isinstance(part[1], Number))
        if not isinstance(one, Number) or one.value * a != -b:
            return None
        if not isinstance(quotient, Map) or quotient.function != "power" or not _is_minus_one(quotient.arguments[1]):
            return None
        base = quotient.arguments[0]
        if not isinstance(base, Sum) or not any(isinstance(t, Number) and w * t.value == 1 for w, t in base.terms):
            return None
        rest = [
            times(constant(self.number(w, self.sizes)), self.known[t], self.start)
            for w, t in base.terms
            if not isinstance(t, Number)
        ]
        if len(rest) != len(base.terms) - 1:
            return None
        size = constant(self.number(-b, self.sizes))
        return times(times(size, added(rest, self.start), self.start), self.known[quotient], self.start)

    def _derivative(self, node: Binding) -> Growth:
        """A derivative, by Taylor coefficients that are growths themselves."""
        (variable, *slots) = node.slots
        (order, *others) = node.orders
        if others or node.low[0] is None or any(a.shape for a in node.arguments):
            raise NoBound("a mixed derivative")
        known: dict[Node, tuple[Growth, ...]] = {variable: (self.known[node.low[0]], constant(fmpq(1)))}
        known.update((s, (self.known[a],)) for s, a in zip(slots, node.arguments, strict=True))
        coefficients = _Taylor(self, known, order).of(node.body)
        if len(coefficients) <= order:
            return Growth((), combo={})
        return times(constant(fmpq(factorial(order))), coefficients[order], self.start)

    def applied(self, node: Map, inner: Mapping[Node, Growth]) -> Growth:
        """A function of arguments whose growth is given."""
        before = self.known
        self.known = {**before, **inner}
        try:
            return self._map(node)
        finally:
            self.known = before

    def _map(self, node: Map) -> Growth:
        inner = [self.known[a] for a in node.arguments]
        name, u, start = node.function, inner[0], self.start
        if name in _WITHIN_ONE:
            return Growth(_ONE)
        match name:
            case "exp":
                return exponentiated(u, start)
            case "log":
                return logarithmic(u, start)
            case "power":
                return self._power(*inner)
            case "abs":
                return replace(u, sign=1, combo=u.combo if u.sign > 0 else None)
            case "xlogy":
                return times(u, logarithmic(inner[1], start), start)
            case "gamma":
                return gamma_function(u, start)
            case "rgamma":
                return powered(gamma_function(u, start), fmpq(-1), start)
            case "expit":
                return self._expit(u)
            case "erfc":
                return self._erfc(u)
            case "maximum" | "minimum":
                return self._extreme(name, *inner)
            case "where":
                both = (*inner[1].upper, *inner[2].upper)
                _bounded(both)
                return Growth(both)
        raise NoBound(f"the function {name}")

    def _power(self, base: Growth, exponent: Growth) -> Growth:
        if exponent.combo is not None and set(exponent.combo) <= {CONST}:
            r: Element = exponent.combo.get(CONST, fmpq(0))
            exact = arb(r).unique_fmpz() if type(r) is arb else None
            return powered(base, fmpq(int(exact)) if exact is not None else _rational(r), self.start)
        if base.exact is None or exponent.combo is None:
            raise NoBound("a power of what is not bounded")
        logged = _combo_product(base.exact, exponent.combo)
        if logged is None:
            raise NoBound("a power of too fast growth")
        made = exponentiated(from_combo(logged, self.start), self.start)
        return made if base.sign > 0 else replace(made, sign=0, combo=None)

    def _expit(self, u: Growth) -> Growth:
        if u.combo is not None and u.sign < 0:
            tail = exponentiated(u, self.start)
            assert tail.lower is not None
            return Growth(tail.upper, _plus(tail.lower, {CONST: -arb(2).log()}), 1)
        return Growth(_ONE, {CONST: -arb(2).log()} if u.sign > 0 else None, 1)

    def _erfc(self, u: Growth) -> Growth:
        if u.combo is not None and u.sign > 0:
            square = times(u, u, self.start)
            return Growth(exponentiated(times(constant(fmpq(-1)), square, self.start), self.start).upper, None, 1)
        return Growth(_TWO, None, 1)

    def _extreme(self, name: str, a: Growth, b: Growth) -> Growth:
        gap = added([a, times(constant(fmpq(-1)), b, self.start)], self.start)
        if gap.sign:
            return a if (gap.sign > 0) == (name == "maximum") else b
        both = (*a.upper, *b.upper)
        _bounded(both)
        return Growth(both)


def _is_minus_one(node: Node) -> bool:
    return isinstance(node, Number) and node.value == -1


class _Taylor:
    """Taylor coefficients in a parameter, each a growth in z; a short tuple ends in zeros."""

    def __init__(self, ray: Ray, known: Mapping[Node, tuple[Growth, ...]], order: int) -> None:
        self.ray = ray
        self.start = ray.start
        self.order = order
        self.known = dict(known)

    def of(self, node: Node) -> tuple[Growth, ...]:
        """The coefficients of a node."""
        for current in node.walk():
            if current not in self.known:
                self.known[current] = self._of(current)
        return self.known[node]

    def _number(self, value: Any) -> tuple[Growth, ...]:
        return (constant(self.ray.number(value, self.ray.sizes)),)

    def _of(self, node: Node) -> tuple[Growth, ...]:
        match node:
            case Number(value=value):
                return self._number(value)
            case Named(body=body):
                return self.known[body]
            case Sum():
                parts = [self.product(self._number(weight), self.known[term]) for weight, term in node.terms]
                count = max(map(len, parts))
                return tuple(added([p[k] for p in parts if k < len(p)], self.start) for k in range(count))
            case Contraction() if not node.label_dims:
                total = self._number(node.coefficient)
                for factor, _ in node.factors:
                    total = self.product(total, self.known[factor])
                return total
            case Map():
                return self._map(node)
        raise NoBound(f"a {type(node).__name__} under a derivative")

    def product(self, a: tuple[Growth, ...], b: tuple[Growth, ...]) -> tuple[Growth, ...]:
        count = min(len(a) + len(b) - 1, self.order + 1)
        return tuple(
            self._sum([times(a[j], b[k - j], self.start) for j in range(k + 1) if j < len(a) and k - j < len(b)])
            for k in range(count)
        )

    def _map(self, node: Map) -> tuple[Growth, ...]:
        u = self.known[node.arguments[0]]
        if all(len(self.known[a]) == 1 for a in node.arguments):
            inner = {a: self.known[a][0] for a in node.arguments}
            return (self.ray.applied(node, inner),)
        match node.function:
            case "exp":
                return self._exp(u)
            case "log":
                return self._log(u)
            case "power" if len(self.known[node.arguments[1]]) == 1:
                exponent = self.known[node.arguments[1]][0].combo
                if exponent is not None and set(exponent) <= {CONST}:
                    return self._power(u, _rational(exponent.get(CONST, fmpq(0))))
                if exponent is not None:
                    return self._moving_power(node, u, self.known[node.arguments[1]][0])
            case "power" if len(u) == 1 and u[0].sign > 0:
                return self._exp(self.product(self.known[node.arguments[1]], (logarithmic(u[0], self.start),)))
        raise NoBound(f"the function {node.function} under a derivative")

    def _sum(self, parts: Sequence[Growth]) -> Growth:
        return added(parts, self.start) if parts else Growth((), combo={})

    def _scaled(self, factor: Element, *parts: Growth) -> Growth:
        made = constant(factor)
        for part in parts:
            made = times(made, part, self.start)
        return made

    def _exp(self, u: tuple[Growth, ...]) -> tuple[Growth, ...]:
        out = [exponentiated(u[0], self.start)]
        for k in range(1, self.order + 1):
            terms = [self._scaled(fmpq(j, k), u[j], out[k - j]) for j in range(1, k + 1) if j < len(u)]
            out.append(self._sum(terms))
        return tuple(out)

    def _log(self, u: tuple[Growth, ...]) -> tuple[Growth, ...]:
        out = [logarithmic(u[0], self.start)]
        below = powered(u[0], fmpq(-1), self.start)
        for k in range(1, self.order + 1):
            terms = [u[k]] if k < len(u) else []
            terms += [self._scaled(fmpq(-j, k), out[j], u[k - j]) for j in range(1, k) if k - j < len(u)]
            out.append(times(self._sum(terms), below, self.start))
        return tuple(out)

    def _power(self, u: tuple[Growth, ...], r: Element) -> tuple[Growth, ...]:
        out = [powered(u[0], r, self.start)]
        below = powered(u[0], fmpq(-1), self.start)
        for k in range(1, self.order + 1):
            terms = [self._scaled(r * j - (k - j), u[j], out[k - j]) for j in range(1, k + 1) if j < len(u)]
            out.append(self._scaled(fmpq(1, k), self._sum(terms), below))
        return tuple(out)


    def _moving_power(self, node: Map, u: tuple[Growth, ...], r: Growth) -> tuple[Growth, ...]:
        """u(t)**r where r depends on z, not on t."""
        out = [self.ray.applied(node, {node.arguments[0]: u[0], node.arguments[1]: r})]
        below = powered(u[0], fmpq(-1), self.start)
        for k in range(1, self.order + 1):
            terms = []
            for j in range(1, min(k, len(u) - 1) + 1):
                weight = added([self._scaled(fmpq(j), r), constant(fmpq(j - k))], self.start)
                terms.append(times(times(weight, u[j], self.start), out[k - j], self.start))
            out.append(self._scaled(fmpq(1, k), self._sum(terms), below))
        return tuple(out)


def _rational(ball: Any) -> Element:
    """An exact ball as the rational that it is, another one as it stands."""
    if type(ball) is not arb or not _is_zero(ball.rad()):
        return ball
    mantissa, exponent = ball.mid().man_exp()
    power = int(exponent)
    return fmpq(int(mantissa)) * (fmpq(2**power) if power >= 0 else fmpq(1, 2**-power))


def tail_integral(growth: Growth, jacobian: int, start: arb) -> arb:
    """A bound of ∫_start^∞ |u(z)| z^jacobian dz."""
    total = arb(0)
    for form in growth.upper:
        whole = _plus(form, {LOG: arb(jacobian)})
        total += _tail(whole, start)
    return total


def tail_sum(growth: Growth, start: arb) -> arb:
    """A bound of Σ_{k >= start} |u(k)|."""
    total = arb(0)
    for form in growth.upper:
        total += _tail(form, start) + value_at(form, start).exp()
    return total


def integral_diverges(growth: Growth, jacobian: int, start: arb) -> bool:
    """Whether ∫_start^∞ u(z) z^jacobian dz certainly has no value: u keeps its sign, |u| >= c/z^(1 + jacobian)."""
    if growth.lower is None or not growth.sign:
        return False
    return falls(_scaled(_plus(growth.lower, {LOG: arb(jacobian + 1)}), -1), start)


def sum_diverges(growth: Growth, start: arb) -> bool:
    """Whether Σ_{k >= start} u(k) certainly has no value: as an integral, or since its terms do not tend to 0."""
    if growth.lower is None:
        return False
    return integral_diverges(growth, 0, start) or falls(_scaled(growth.lower, -1), start)


def _tail(form: Form, start: arb) -> arb:
    """∫_start^∞ exp(form): where z^s·exp(form) never rises, at most start·exp(form(start))/(s - 1)."""
    for s in (fmpq(2), fmpq(3, 2), fmpq(11, 10), fmpq(101, 100), fmpq(1001, 1000), fmpq(10001, 10000)):
        if falls(_plus(form, {LOG: arb(s)}), start):
            return (start * value_at(form, start).exp() / arb(s - 1)).upper()
    lead = max(form, key=_order, default=CONST)
    if _order(lead) > _order(LOG) and form[lead] < 0:
        raise NoBound("it falls so late that it needs too many pieces")
    raise NoBound("what does not fall fast enough")


__all__ = [
    "Divergent",
    "Growth",
    "NoBound",
    "Ray",
    "integral_diverges",
    "sum_diverges",
    "tail_integral",
    "tail_sum",
]
