"""Integrals in ball arithmetic: Taylor expansions on pieces, and rigorous bounds of what lies beyond.

A smooth piece is integrated on complex balls (`complex_values`).  Where the integrand has no complex
form it is its Taylor polynomial, and the Lagrange remainder is bounded by the last coefficient's
ball over the whole piece: that the ball is finite also shows that the integrand is smooth there.
Pieces end at the kinks of |x|, max and comparisons.  At an end
where the integrand is not smooth, and at infinity, x = e ± 1/z or ±z with z = exp(y): every
algebraic or logarithmic singularity then falls off exponentially in y, and what lies beyond the
last y is bounded by its growth (`growth`).  What has no such bound is `Unknown`.

Source: W. Tucker, Validated Numerics (2011), ch. 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import factorial
from typing import Any

import numpy as np
from flint import acb, acb_series, arb, ctx, fmpq, fmpq_series
from sympy import Rational, Symbol

from symderive.judgement.complex_values import Analytic, NotAnalytic, complex_of, integrated, plain
from symderive.judgement.elements import Element, Hole, Jet, Undefined, Unknown, as_ball, join, precision, sign_of
from symderive.judgement.growth import CONST, Divergent, Form, NoBound, Ray, integral_diverges, tail_integral
from symderive.judgement.templates import (
    Evaluates,
    Template,
    all_lengthened,
    boxed,
    coefficient_of,
    jet,
    moves,
    moving_from,
    template,
    unmixed,
)
from symderive.language import build
from symderive.language.bindings import derivative_node
from symderive.language.nodes import ONE, ZERO, Binding, Leaf, Map, Node, Number
from symderive.language.nodes import Sum as SumNode

TERMS = 30
"""Taylor terms on a piece."""
TARGET = 96
"""Bits that an integral is wanted to, relative to the size of its integrand."""
MOST_PIECES = 420
MOST_KNOWN = 400
MOST_TERMS_UNDER = 5
NEARBY = 40
"""Bits: how small a neighbourhood of a parameter is looked at."""
DEEPEST = 12
MOST_BITS = 128
GUARD = 48
FURTHEST = 4096
STRAIGHT = 12
"""Up to which y a ray is integrated in z itself."""
"""The last y of z = exp(y)."""

ZERO_VALUE = fmpq(0)

_SWITCHES = frozenset(("abs", "sign", "maximum", "minimum", "lt", "le", "eq", "ne", "heaviside"))


@dataclass(frozen=True)
class _Piece:
    """A range of the variable in which ``body`` is integrated.

    ``kind`` "plain": x runs from ``low`` to ``high``.  Otherwise y runs from ``low`` to ``high`` and
    x = anchor + way·exp(y) ("far") or anchor + way·exp(-y) ("near").
    """

    body: Node
    kind: str
    low: Element
    high: Element
    anchor: Element = ZERO_VALUE
    way: int = 1


class _Integrand:
    """The integrand at elements of the running variable, as elements or as series in t."""

    def __init__(self, node: Binding, body: Node, fixed: Mapping[Leaf, np.ndarray], evaluator: Evaluates) -> None:
        (self.slot, *_) = node.slots
        self.function = Template(body, (self.slot,), fixed, evaluator)

    def along(self, piece: _Piece, start: Element, slope: int, terms: int) -> Element:
        """The integrand times dx/du around u = start, in powers of s where u = start + slope·s."""
        if piece.kind == "plain":
            return self.function.at([moving_from(start, slope, terms)])
        way = 1 if piece.kind == "far" else -1
        run = Jet(moving_from(start * way, slope * way, terms).ball_series.exp())
        value = self.function.at([run * fmpq(piece.way) + piece.anchor])
        return value * run if not isinstance(value, Hole) else value

    def plain(self, piece: _Piece, u: arb) -> Element:
        """The integrand times dx/du over a ball of u."""
        if piece.kind == "plain":
            return self.function.at([u])
        run = (u if piece.kind == "far" else -u).exp()
        value = self.function.at([run * piece.way + as_ball(piece.anchor)])
        return value * run if not isinstance(value, Hole) else value


def integral_value(
    node: Binding, get: Callable[[Node], np.ndarray], evaluator: Evaluates
) -> tuple[Element, arb | None]:
    """The integral, and the size of its integrand over the range; a hole with its reason where there is no bound."""
    arguments = [get(a) for a in node.arguments]
    ends = [None if e is None else get(e)[()] for e in (*node.low, *node.high)]
    hole = join(*(e for e in ends if e is not None))
    if hole is not None:
        return hole, None
    cap = ctx.cap
    moving = moves([*arguments, *(np.array(e, dtype=object) for e in ends if isinstance(e, Jet))]) or any(
        isinstance(e, Jet) for e in ends
    )
    bits = min(ctx.prec, MOST_BITS)
    key = None if moving else _key(node, arguments, ends, evaluator, bits)
    if key in _KNOWN:
        return _KNOWN[key]
    found = _enclosed(node, arguments, ends, evaluator, bits, get if not moving else None, cap)
    if key is not None:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[key] = found
    return found


_KNOWN: dict[Any, tuple[Element, arb | None]] = {}
"""Integrals at exact points: one verdict asks for the same ones several times."""


def _key(
    node: Binding, arguments: Sequence[np.ndarray], ends: Sequence[Element | None], evaluator: Evaluates, bits: int
) -> Any:
    """What an integral depends on, where that is exact."""
    values = [*ends, *(a[()] for a in arguments if not a.shape)]
    if any(a.shape for a in arguments) or any(v is not None and type(v) is not fmpq for v in values):
        return None
    exact = tuple(None if v is None else (int(v.p), int(v.q)) for v in values)
    return node, exact, tuple(evaluator.sizes.items()), bits


def _enclosed(
    node: Binding,
    arguments: Sequence[np.ndarray],
    ends: Sequence[Element | None],
    evaluator: Evaluates,
    bits: int,
    get: Callable[[Node], np.ndarray] | None,
    cap: int,
) -> tuple[Element, arb | None]:
    """The integral to some bits; as a series of ``cap`` terms where ``get`` is None."""
    try:
        with precision(bits + GUARD, TERMS + 1):
            if get is None:
                return _moving(node, arguments, ends, evaluator, cap)
            return _Quadrature(node, get, evaluator).run(*ends)
    except NoBound as problem:
        return Unknown(f"no bound of an integral: {problem}"), None
    except Divergent as problem:
        return Undefined(str(problem)), None


class _Quadrature:
    """One integral at one point."""

    def __init__(self, node: Binding, get: Callable[[Node], np.ndarray], evaluator: Evaluates) -> None:
        self.node = node
        self.evaluator = evaluator
        (self.slot, *_) = node.slots
        self.fixed = {s: get(a) for s, a in zip(node.slots[1:], node.arguments, strict=True)}
        self.function = template(node, get, evaluator)
        self.budget = MOST_PIECES
        self.integrands: dict[Node, _Integrand] = {}
        self.continued: dict[Node, Analytic | None] = {}

    def integrand(self, body: Node) -> _Integrand:
        if body not in self.integrands:
            self.integrands[body] = _Integrand(self.node, body, self.fixed, self.evaluator)
        return self.integrands[body]

    def run(self, low: Element | None, high: Element | None) -> tuple[Element, arb | None]:
        """The integral from low to high."""
        if low is not None and high is not None:
            sign = sign_of(high - low)
            if sign is None:
                return Unknown("which end of an integral is larger"), None
            if sign == 0:
                # over no range it is 0, but of something: 1/(b - a) is nowhere defined
                around = [self.function.at([low + way]) for way in (-1, 0, 1)]
                nowhere = all(isinstance(v, Undefined) for v in around)
                return (Undefined("an integrand that is defined nowhere") if nowhere else fmpq(0)), None
            if sign < 0:
                value, size = self.run(high, low)
                return (-value, size)
        pieces = self.pieces(low, high)
        scale = self.scale(pieces)
        target = scale * arb(2) ** -TARGET
        total, size = arb(0), arb(0)
        for piece in pieces:
            ends = [piece]
            if piece.kind != "plain":
                beyond, cut = self.tail(piece, target)
                total = total + arb(0, beyond)
                ends = [_straight(_Piece(piece.body, piece.kind, piece.low, cut, piece.anchor, piece.way))]
            for part in ends:
                value = self.smooth(part, target)
                if isinstance(value, Hole):
                    return value, None
                total = total + value
                size = size + abs(value)
        return total, size.max(scale).upper()

    # -- where to cut

    def pieces(self, low: Element | None, high: Element | None) -> list[_Piece]:
        """The range in pieces without kinks inside, its singular ends apart."""
        cuts = [c for c in self.marks() if (low is None or sign_of(c - low) == 1)]
        cuts = [c for c in cuts if high is None or sign_of(high - c) == 1]
        marks: list[Element | None] = [low, *cuts, high]
        if low is None and high is None and not cuts:
            marks = [None, fmpq(0), None]
        found: list[_Piece] = []
        for left, right in pairwise(marks):
            found += self.stretch(left, right)
        return found

    def stretch(self, left: Element | None, right: Element | None) -> list[_Piece]:
        """One stretch between kinks: its middle, and its ends if they are singular or infinite."""
        if left is None:
            assert right is not None
            start = right - 1
            body = self.branch(start)
            far = self.ray(body, "far", fmpq(0), right, -1)
            return [far, *self.between(right - 1, right, body, False, True)]
        if right is None:
            body = self.branch(left + 1)
            if sign_of(left) == 1 and not self.exponential(body):
                return [_Piece(body, "far", as_ball(left).log(), as_ball(left).log())]
            return [*self.between(left, left + 1, body, True, False), self.ray(body, "far", fmpq(0), left, 1)]
        return self.between(left, right, self.branch((left + right) * fmpq(1, 2)), True, True)

    def between(self, left: Element, right: Element, body: Node, at_left: bool, at_right: bool) -> list[_Piece]:
        singular_left = at_left and not self.regular(body, left)
        singular_right = at_right and not self.regular(body, right)
        if not singular_left and not singular_right:
            return [_Piece(body, "plain", left, right)]
        if singular_left and singular_right:
            middle = (left + right) * fmpq(1, 2)
            return [
                *self.between(left, middle, body, True, False),
                *self.between(middle, right, body, False, True),
            ]
        width = as_ball(right - left)
        start = -width.log()
        anchor, way = (left, 1) if singular_left else (right, -1)
        return [self.ray(body, "near", start, anchor, way)]

    def exponential(self, body: Node) -> bool:
        """Whether an exponential of the variable occurs."""
        return any(isinstance(n, Map) and n.function == "exp" and self.slot in n.leaves() for n in body.walk())

    def ray(self, body: Node, kind: str, start: Element, anchor: Element, way: int) -> _Piece:
        """A piece that runs to an end; seen from a rational anchor, so that b - x does not cancel near b."""
        if type(anchor) is not fmpq:
            return _Piece(body, kind, start, start, anchor, way)
        place = build.number(Rational(int(anchor.p), int(anchor.q)))
        seen = build.add([(ONE, place), (ONE * way, self.slot)], ())
        return _Piece(build.substitute(body, {self.slot: seen}), kind, start, start)

    def regular(self, body: Node, end: Element) -> bool:
        """Whether the integrand is smooth at an end."""
        analytic = self.analytic(body)
        if analytic is not None:
            around = acb(as_ball(end) + arb(0, arb(2) ** -30), arb(0, arb(2) ** -30))
            if plain(analytic({self.slot: around})).is_finite():
                return True
        value = self.integrand(body).along(_Piece(body, "plain", end, end), end, 1, 3)
        return not isinstance(value, Hole)

    def switches(self) -> dict[Node, Node]:
        """The parts at whose zeros a function changes its branch, by the function."""
        found: dict[Node, Node] = {}
        for node in self.node.body.walk():
            if isinstance(node, Map) and node.function in _SWITCHES:
                first = node.arguments[0]
                two = node.function not in ("abs", "sign", "heaviside")
                gap = build.add([(ONE, first), (-ONE, node.arguments[1])], ()) if two else first
                found[node] = gap
        return found

    def marks(self) -> list[Element]:
        """Where to cut: zeros of the parts that are affine in the variable, the switches' among them, in order."""
        found: list[Element] = []
        parts = [n for n in self.node.body.walk() if isinstance(n, SumNode) and self.slot in n.leaves()]
        for gap in (*self.switches().values(), *parts[:8], *self.poles()):
            jet = Template(gap, (self.slot,), self.fixed, self.evaluator).at([Jet(fmpq_series([0, 1], prec=4))])
            if not isinstance(jet, Jet) or type(jet.series) is not fmpq_series:
                continue
            first = jet.series[1]
            if first != 0 and jet.series[2] == 0 and jet.series[3] == 0:
                zero = -jet.series[0] / first
                if zero not in found and _affine(gap, self.slot):
                    found.append(zero)
        return sorted(found)

    def poles(self) -> list[Node]:
        """The variable itself, where a logarithm or a quotient is taken of it."""
        taken = [n for n in self.node.body.walk() if isinstance(n, Map) and n.arguments[0] is self.slot]
        singular = [n for n in taken if n.function == "log" or (n.function == "power" and _divides(n.arguments[1]))]
        return [self.slot] if singular else []

    def branch(self, inside: Element) -> Node:
        """The integrand with the switches that are affine set to the side on which a point lies."""
        chosen: dict[Node, Node] = {}
        for node, gap in self.switches().items():
            if not isinstance(node, Map) or not _affine(gap, self.slot):
                continue
            value = Template(gap, (self.slot,), self.fixed, self.evaluator).at([inside])
            sign = None if isinstance(value, Hole) else sign_of(value)
            if sign:
                chosen[node] = _chosen(node, sign)
        body = self.node.body
        for _ in range(8):
            made = _without_where(build.substitute(body, chosen))
            if made is body:
                break
            body = made
        return body

    # -- how much

    def scale(self, pieces: Sequence[_Piece]) -> arb:
        """Roughly the size of the integral of |f|; only the aim of the refinement, never a bound."""
        best = arb(0)
        for piece in pieces:
            low = as_ball(piece.low)
            high = as_ball(piece.high) if piece.kind == "plain" else low + 8
            for k in range(1, 12):
                u = (low + (high - low) * k / 12).mid()
                value = self.integrand(piece.body).plain(piece, arb(u))
                if not isinstance(value, Hole) and as_ball(value).is_finite():
                    best = best.max(abs(as_ball(value)) * (high - low))
        return arb(best.mid()) if best > 0 else arb(1)

    def tail(self, piece: _Piece, target: arb) -> tuple[arb, Element]:
        """From which y on what is left is below the target, and a bound of it."""
        y = as_ball(piece.low).upper().max(arb(1))
        best: tuple[arb, Element] | None = None
        problem = NoBound("its tail")
        while y < FURTHEST:
            try:
                beyond = self.beyond(piece, y)
            except NoBound as error:
                problem = error
            else:
                best = (beyond, _short(y))
                if beyond < target:
                    break
            y = y + y / 4 + fmpq(1, 2)
        if best is None:
            raise problem
        return best

    def beyond(self, piece: _Piece, y: arb) -> arb:
        """A bound of the integral of |f| beyond y."""
        start = arb(_short(y)).exp()
        anchor, way = as_ball(piece.anchor), arb(piece.way)
        power = Fraction(1) if piece.kind == "far" else Fraction(-1)
        form: Form = {CONST: anchor, power: way}
        known = self.integrand(piece.body).function.fixed
        fixed = {node: array[()] for node, array in known.items() if not array.shape}
        ray = Ray(start, self.slot, form, fixed, self.evaluator.sizes, number_of(self.evaluator))
        growth = ray.of(piece.body)
        jacobian = 0 if piece.kind == "far" else -2
        try:
            return tail_integral(growth, jacobian, start)
        except NoBound:
            if integral_diverges(growth, jacobian, start):
                raise Divergent("an integral that diverges") from None
            raise

    def demand_domination(self, low: Element | None, high: Element | None) -> None:
        """Raise `NoBound` unless |f| has an integrable bound for all values of balls among the parameters at once."""
        for piece in self.pieces(low, high):
            end = piece.high
            if piece.kind != "plain":
                _, end = self.tail(piece, arb(1))
            stack = [(as_ball(piece.low), as_ball(end), 0)]
            while stack:
                a, b, deep = stack.pop()
                value = self.integrand(piece.body).plain(piece, a.union(b))
                if not isinstance(value, Hole) and as_ball(value).is_finite():
                    continue
                if deep > DEEPEST:
                    raise NoBound("its derivative by a parameter, which has no bound near the point")
                middle = arb(((a + b) / 2).mid())
                stack += [(a, middle, deep + 1), (middle, b, deep + 1)]

    def smooth(self, piece: _Piece, target: arb) -> Element:
        """The integral over a piece without kinks inside: on complex balls where that is possible."""
        analytic = self.analytic(piece.body)
        if analytic is None:
            return self.by_taylor(piece, target)
        slot = self.slot
        anchor, way = acb(as_ball(piece.anchor)), piece.way

        def along(u: acb) -> Any:
            if piece.kind == "plain":
                return analytic({slot: u})
            run = (u if piece.kind == "far" else -u).exp()
            if piece.anchor == 0 and way == 1:
                return analytic({slot: run}, {slot: u if piece.kind == "far" else -u}) * run
            return analytic({slot: anchor + run * way}) * run

        value = integrated(along, as_ball(piece.low), as_ball(piece.high), target)
        if value is None or not value.rad() < target * arb(2) ** 20:
            raise NoBound("it needs too many pieces")
        return value

    def analytic(self, body: Node) -> Analytic | None:
        """The integrand on complex balls, if it has a form there."""
        if body not in self.continued:
            known = self.integrand(body).function.fixed
            try:
                scalars = {node: complex_of(array) for node, array in known.items() if not array.shape}
                self.continued[body] = Analytic(body, scalars, number_of(self.evaluator), self.evaluator.sizes)
            except NotAnalytic:
                self.continued[body] = None
        return self.continued[body]

    def by_taylor(self, piece: _Piece, target: arb) -> Element:
        """The integral over a piece by Taylor expansions, halved until the remainders are small."""
        integrand = self.integrand(piece.body)
        total = arb(0)
        low, high = as_ball(piece.low), as_ball(piece.high)
        exact = piece.kind == "plain" and type(piece.low) is fmpq and type(piece.high) is fmpq
        stack: list[tuple[Any, Any, int]] = [(piece.low, piece.high, 0) if exact else (low, high, 0)]
        share = target / 64
        while stack:
            a, b, deep = stack.pop()
            self.budget -= 1
            if self.budget < 0:
                raise NoBound("it needs too many pieces")
            middle = (a + b) * fmpq(1, 2)
            middle = middle if exact else arb(middle.mid())
            half = (as_ball(b) - as_ball(a)).upper() / 2
            value = self.over(integrand, piece, a, b, middle, half, share, exact)
            if value is None:
                if deep > 60:
                    whole = integrand.plain(piece, as_ball(a).union(as_ball(b)))
                    if isinstance(whole, Undefined):
                        return Undefined(f"an integral over a point where its function is undefined: {whole.reason}")
                    if isinstance(whole, Hole) or not as_ball(whole).is_finite():
                        raise NoBound("the integrand is not bounded on a piece")
                    total = total + as_ball(whole) * (as_ball(b) - as_ball(a))
                    continue
                stack += [(middle, b, deep + 1), (a, middle, deep + 1)]
            else:
                total = total + value
        return total

    @staticmethod
    def over(
        integrand: _Integrand, piece: _Piece, a: Any, b: Any, middle: Any, half: arb, share: arb, exact: bool
    ) -> arb | None:
        """The integral over one small piece; None where it has to be halved."""
        whole = integrand.along(piece, as_ball(a).union(as_ball(b)), 1, TERMS + 1)
        if isinstance(whole, Hole):
            return None
        last = as_ball(coefficient_of(whole, TERMS))
        if not last.is_finite():
            return None
        remainder = abs(last).upper() * half ** (TERMS + 1) * 2 / (TERMS + 1)
        if not remainder < share:
            return None
        here = integrand.along(piece, middle, 1, TERMS)
        if isinstance(here, Hole):
            return None
        # the exact ends as seen from the middle: with balls for ends these are balls
        up, down = as_ball(b) - as_ball(middle), as_ball(a) - as_ball(middle)
        total = arb(0, remainder.upper())
        rising, falling = up, down
        for k in range(TERMS):
            c = coefficient_of(here, k)
            total += as_ball(c) * (rising - falling) / (k + 1)
            rising, falling = rising * up, falling * down
        return total if total.is_finite() else None


def _straight(piece: _Piece) -> _Piece:
    """A ray that ends soon, in its own variable: exponentials are simpler there than in its logarithm."""
    near_end = as_ball(piece.high)
    if piece.kind != "far" or not near_end < STRAIGHT or piece.anchor != 0 or piece.way != 1:
        return piece
    return _Piece(piece.body, "plain", as_ball(piece.low).exp(), near_end.exp())


def _short(y: arb) -> arb:
    """A ball's midpoint, exactly."""
    return arb(y.mid())


def number_of(evaluator: Any) -> Callable[[Any, Mapping[Symbol, int]], Element]:
    """The values of constants, as an evaluator makes them."""
    return lambda value, sizes: evaluator.step(Number(value), lambda n: n)[()]


def _divides(exponent: Node) -> bool:
    """Whether a power may be singular at 0."""
    return not isinstance(exponent, Number) or not (exponent.value.is_integer and exponent.value.is_nonnegative)


def _affine(node: Node, slot: Leaf) -> bool:
    """Whether a node is a sum of constants and multiples of the slot, by its form."""
    for inner in node.walk():
        if isinstance(inner, Map) and slot in inner.leaves():
            return False
        if isinstance(inner, Binding) and slot in inner.leaves():
            return False
        factors = [c for c in inner.children if slot in c.leaves()]
        if len(factors) > 1 and type(inner).__name__ == "Contraction":
            return False
    return True


def _chosen(node: Map, sign: int) -> Node:
    """A switch on one side of its kink."""
    first, *rest = node.arguments
    match node.function:
        case "abs":
            return first if sign > 0 else build.scale(-1, first)
        case "sign":
            return build.number(sign)
        case "maximum":
            return first if sign > 0 else rest[0]
        case "minimum":
            return first if sign < 0 else rest[0]
        case "heaviside":
            return build.number(1 if sign > 0 else 0)
        case "lt" | "le":
            return build.number(1 if sign < 0 else 0)
        case "ne":
            return build.number(1)
    return build.number(0)


def _without_where(node: Node) -> Node:
    """Case distinctions whose condition is a number, decided."""
    decided = {
        n: n.arguments[1 if n.arguments[0].value != ZERO else 2]
        for n in node.walk()
        if isinstance(n, Map) and n.function == "where" and isinstance(n.arguments[0], Number)
    }
    return build.substitute(node, decided) if decided else node


# -- integrals that move ------------------------------------------------------------------------


def _moving(
    node: Binding, arguments: Sequence[np.ndarray], ends: Sequence[Element | None], evaluator: Evaluates, cap: int
) -> tuple[Element, arb | None]:
    """An integral over a bounded range as a series in t: of its integrand, and of its moving ends."""
    if None in ends:
        if any(isinstance(e, Jet) for e in ends):
            raise NoBound("its derivative by a parameter, over an infinite range with a moving end")

        def value(part: Binding, fixed: Sequence[np.ndarray]) -> Element:
            return _Quadrature(part, getter(part, fixed, evaluator), evaluator).run(*ends)[0]

        def demand(part: Binding, around: Sequence[np.ndarray]) -> None:
            _Quadrature(part, getter(part, around, evaluator), evaluator).demand_domination(*ends)

        return under_the_sign(node, arguments, cap, value, demand), None
    low, high = ends
    (slot, *others) = node.slots
    starts = [coefficient_of(e, 0) for e in (low, high)]
    total = _series_over(node, arguments, starts, cap, evaluator)
    terms = 2 * cap
    with precision(ctx.prec, terms):
        fixed = {s: all_lengthened(a, terms) for s, a in zip(others, arguments, strict=True)}
        function = Template(node.body, (slot,), fixed, evaluator)
    for end, sign in ((high, 1), (low, -1)):
        if isinstance(end, Jet):
            total = total + _end_part(function, end, cap) * fmpq(sign)
    return total, None


def under_the_sign(
    node: Binding,
    arguments: Sequence[np.ndarray],
    cap: int,
    value: Callable[[Binding, Sequence[np.ndarray]], Element],
    demand: Callable[[Binding, Sequence[np.ndarray]], None],
) -> Element:
    """An integral or series as a power series in t, from those of the derivatives by its parameters.

    That is allowed where the derivative has one bound, with an integral or sum, for all values of the
    parameter near the point: ``demand`` raises `NoBound` unless it finds one for parameters that are
    balls.  Source: W. Rudin, Real and Complex Analysis, 3rd ed., 1987, theorem 1.34 (dominated convergence).
    """
    if cap > MOST_TERMS_UNDER:
        raise NoBound("its derivatives of high orders by a parameter")
    fixed = [_at_start(a) for a in arguments]
    moving = [k for k, a in enumerate(arguments) if not a.shape and isinstance(a[()], Jet)]
    if any(a.shape and moves([a]) for a in arguments):
        raise NoBound("its derivative by the entries of an array")
    slopes = {k: [coefficient_of(arguments[k][()], j) for j in range(cap)] for k in moving}
    if cap > 2 and (len(moving) > 1 or any(c != 0 for k in moving for c in slopes[k][2:])):
        raise NoBound("its derivative by several parameters")
    coefficients = [_known(value(node, fixed))]
    for order in range(1, cap):
        total = arb(0)
        for k in moving:
            slope = as_ball(slopes[k][1])
            if slope == 0:
                continue
            changed = derivative_node(node.body, {node.slots[1 + k]: order})
            inner = Binding(node.kind, changed, node.names, node.low, node.high, (), node.arguments)
            start = as_ball(fixed[k][()])
            around = list(fixed)
            around[k] = boxed(start + arb(0, (abs(start).upper() + 1) * arb(2) ** -NEARBY))
            demand(inner, around)
            total = total + _known(value(inner, fixed)) * slope**order / factorial(order)
        coefficients.append(total)
    return jet(coefficients, cap)


def _known(value: Element) -> arb:
    if isinstance(value, Hole):
        raise NoBound(f"its derivative by a parameter: {value.reason}")
    return as_ball(value)


def getter(node: Binding, arguments: Sequence[np.ndarray], evaluator: Evaluates) -> Callable[[Node], np.ndarray]:
    """The values of a binding's arguments and of what is made of them."""
    known: dict[Node, np.ndarray] = dict(zip(node.arguments, arguments, strict=True))
    return lambda part: known[part] if part in known else evaluator.step(part, known.__getitem__)


def _at_start(array: np.ndarray) -> np.ndarray:
    """An argument at t = 0."""
    return boxed(coefficient_of(array[()], 0)) if not array.shape and isinstance(array[()], Jet) else array


def _rows(function: Template, x: Element, order: int, cap: int) -> list[Element] | Hole:
    """The integrand along s = c·t for as many c as the coefficient s^order needs."""
    rows: list[Element] = []
    for c in range(cap + order):
        value = function.at([moving_from(x, c, cap + order)])
        if isinstance(value, Hole):
            return value
        rows.append(value)
    return rows


def _series_over(
    node: Binding, arguments: Sequence[np.ndarray], ends: Sequence[Element], cap: int, evaluator: Evaluates
) -> Element:
    """∫ of each coefficient of the integrand's series in t, over a fixed range on which it is analytic."""
    (slot, *others) = node.slots
    with precision(ctx.prec, cap):
        try:
            scalars: dict[Node, Any] = {s: complex_of(a, cap) for s, a in zip(others, arguments, strict=True)}
            analytic = Analytic(node.body, scalars, number_of(evaluator), evaluator.sizes)
        except NotAnalytic as problem:
            raise NoBound(f"its derivative by a parameter: {problem}") from None
        low, high = (as_ball(e) for e in ends)
        coefficients: list[arb] = []
        for k in range(cap):

            def along(z: acb, k: int = k) -> Any:
                value = analytic({slot: z})
                return value[k] if isinstance(value, acb_series) else value if k == 0 else acb(0) * value

            part = integrated(along, low, high, arb(2) ** -TARGET)
            if part is None:
                raise NoBound("its derivative by a parameter, over a range where it is not analytic")
            coefficients.append(part)
    return jet(coefficients, cap)


def _end_part(function: Template, end: Jet, cap: int) -> Element:
    """∫ from the end at t = 0 to the end at t, as a series in t."""
    start = end.series[0]
    with precision(ctx.prec, 2 * cap):
        moved = Jet(type(end.series)([fmpq(0), *(end.series[k] for k in range(1, cap))], prec=cap))
        total: Element = fmpq(0)
        run: Element = moved
        for m in range(cap):
            rows = _rows(function, start, m, cap)
            if isinstance(rows, Hole):
                raise NoBound(f"its moving end: {rows.reason}")
            total = total + unmixed(rows, m, cap) * run * fmpq(1, m + 1)
            run = run * moved
    kind = type(total.series) if isinstance(total, Jet) else fmpq_series
    return Jet(kind([coefficient_of(total, k) for k in range(cap)], prec=cap))


__all__ = ["getter", "integral_value", "number_of", "under_the_sign"]
