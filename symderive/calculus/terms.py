"""An integrand or summand as a sum of terms: powers, exponentials, logarithms and gamma functions of one variable.

``coefficient · Π_j x_j**p_j · exp(E_1 x + E_2 x²) · log(x)**m · log(1-x)**m' · Π base**(s·x) · Π Γ(s·x + c)**e``,
and times powers and logarithms of one polynomial of degree <= 2 and a sine or cosine of s·x + c:
everything but the variable is a node.  What an expansion needs beyond that (a logarithm that is
split needs its parts > 0) is noted as a condition; what has no such form raises `NotHandled`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import factorial

from sympy import Integer, sign

from symderive.calculus.normal_form import decide_equal
from symderive.calculus.polynomials import NotHandled
from symderive.language import build
from symderive.language.functions import applied, meaning
from symderive.language.nodes import ONE, ZERO, Contraction, Leaf, Map, Named, Node, Number, Sum
from symderive.language.statements import Relation

MOST_TERMS = 200
MOST_POWERS = 12
ZERO_NODE, ONE_NODE = build.number(0), build.number(1)


def plus(*nodes: Node) -> Node:
    """The sum of scalars, without zeros."""
    return build.add([(ONE, n) for n in nodes if n is not ZERO_NODE], ())


def minus(a: Node, b: Node) -> Node:
    """a - b."""
    return ZERO_NODE if a is b else plus(a, build.scale(-1, b))


def times(*nodes: Node) -> Node:
    """The product of scalars that have values, without ones."""
    if ZERO_NODE in nodes:
        return ZERO_NODE
    return build.multiply(*(n for n in nodes if n is not ONE_NODE)) if set(nodes) != {ONE_NODE} else ONE_NODE


def to_power(base: Node, exponent: Node | int) -> Node:
    """base ** exponent."""
    if isinstance(exponent, int):
        exponent = build.number(exponent)
    if exponent is ZERO_NODE or base is ONE_NODE:
        return ONE_NODE
    if exponent is ONE_NODE:
        return base
    if isinstance(exponent, Number):
        return build.power(base, exponent.value)
    return build.apply("power", base, exponent)


def over(a: Node, b: Node) -> Node:
    """a / b."""
    return times(a, to_power(b, -1))


def function(name: str, *arguments: Node) -> Node:
    """A function of the table; exponentials, logarithms and gamma functions of what makes them plain are that."""
    (first, *_) = arguments
    inner = first.arguments[0] if isinstance(first, Map) else None
    match name:
        case "exp" if first is ZERO_NODE:
            return ONE_NODE
        case "log" if first is ONE_NODE:
            return ZERO_NODE
        case "exp" | "log" if isinstance(first, Map) and inner and first.function == _INVERSE[name]:
            return inner
        case "gamma" if whole_number(first) in range(1, MOST_POWERS):
            return build.number(factorial(whole_number(first) - 1))  # type: ignore[operator]
    return applied(name, *arguments)


_INVERSE = {"exp": "log", "log": "exp"}


def whole_number(node: Node) -> int | None:
    """A node that is a constant integer."""
    if isinstance(node, Number) and isinstance(node.value, Integer):
        return int(node.value)
    return None


@dataclass(frozen=True)
class Term:
    """One term; see the module."""

    coefficient: Node = ONE_NODE
    power: Node = ZERO_NODE
    exponential: tuple[tuple[int, Node], ...] = ()
    other: Node = ZERO_NODE
    logs: int = 0
    other_logs: int = 0
    bases: tuple[tuple[Node, int], ...] = ()
    gammas: tuple[tuple[int, Node, int], ...] = ()
    sums: tuple[tuple[tuple[Node, ...], Node, int], ...] = ()
    """Polynomials (coefficients from the constant one up), to an exponent, times logs of them."""
    wave: tuple[str, Node, Node] | None = None
    """"sin" or "cos", slope and shift."""
    falls: tuple[tuple[Node, int, Node], ...] = ()
    """base**(shift - count·x) of integers x, where the base may be 0 if the exponent stays >= 0."""

    def rate(self, degree: int) -> Node:
        """The coefficient of x**degree in the exponential."""
        return dict(self.exponential).get(degree, ZERO_NODE)

    @property
    def plain(self) -> bool:
        """Whether it is a number times a power of the variable."""
        others = self.exponential or self.logs or self.other_logs or self.bases or self.gammas or self.sums or self.wave
        others = others or self.falls
        return not others and _is_zero(self.other)

    def times(self, other: Term) -> Term:
        """The product; of two waves see `Expansion.product`."""
        rates = dict(self.exponential)
        for degree, rate in other.exponential:
            rates[degree] = plus(rates[degree], rate) if degree in rates else rate
        return Term(
            times(self.coefficient, other.coefficient),
            tidy(plus(self.power, other.power)),
            tuple((d, r) for d, r in sorted(rates.items()) if not _is_zero(r)),
            tidy(plus(self.other, other.other)),
            self.logs + other.logs,
            self.other_logs + other.other_logs,
            (*self.bases, *other.bases),
            _joined((*self.gammas, *other.gammas)),
            _together((*self.sums, *other.sums)),
            self.wave or other.wave,
            (*self.falls, *other.falls),
        )


def _joined(gammas: Sequence[tuple[int, Node, int]]) -> tuple[tuple[int, Node, int], ...]:
    """Gamma functions of the same argument as one, with its exponent."""
    found: list[tuple[int, Node, int]] = []
    for slope, shift, exponent in gammas:
        for k, (s, c, e) in enumerate(found):
            if s == slope and _same(c, shift):
                found[k] = (s, c, e + exponent)
                break
        else:
            found.append((slope, shift, exponent))
    return tuple(g for g in found if g[2])


def _together(
    sums: Sequence[tuple[tuple[Node, ...], Node, int]],
) -> tuple[tuple[tuple[Node, ...], Node, int], ...]:
    """Powers of the same polynomial as one."""
    found: list[tuple[tuple[Node, ...], Node, int]] = []
    for parts, exponent, logs in sums:
        for k, (other, e, m) in enumerate(found):
            if len(other) == len(parts) and all(map(_same, parts, other)):
                found[k] = (other, tidy(plus(e, exponent)), m + logs)
                break
        else:
            found.append((parts, exponent, logs))
    return tuple((p, e, m) for p, e, m in found if m or not _is_zero(e))


def _same(a: Node, b: Node) -> bool:
    return a is b or bool(decide_equal(a, b).equal)


def _is_zero(node: Node) -> bool:
    return _same(node, ZERO_NODE)


def tidy(node: Node) -> Node:
    """A number where the node is certainly a small integer or half-integer; else the node."""
    if isinstance(node, Number):
        return node
    if node.leaves():
        for leaf_free in (ZERO, ONE, -ONE, ONE / 2, 2 * ONE):
            if decide_equal(node, Number(leaf_free)).equal:
                return Number(leaf_free)
        return node
    return node


def _products(s: Term, t: Term) -> tuple[Term, ...]:
    """The product of two terms; of two waves as half the sum of two."""
    if s.wave is None or t.wave is None:
        return (s.times(t),)
    (first, a, b), (second, c, d) = s.wave, t.wave
    if (first, second) == ("cos", "sin"):
        return _products(t, s)
    both = replace(s, wave=None).times(replace(t, wave=None))
    half = replace(both, coefficient=build.scale(ONE / 2, both.coefficient))
    down, up = (tidy(minus(a, c)), minus(b, d)), (tidy(plus(a, c)), plus(b, d))
    made = []
    for (slope, shift), weight in ((down, 1), (up, -1 if (first, second) == ("sin", "sin") else 1)):
        name = "sin" if (first, second) == ("sin", "cos") else "cos"
        term = replace(half, coefficient=build.scale(weight, half.coefficient))
        if slope is ZERO_NODE:
            made.append(replace(term, coefficient=times(term.coefficient, function(name, shift))))
        else:
            made.append(replace(term, wave=(name, slope, shift)))
    return tuple(made)


def _is_logarithm_of_sum(term: Term) -> bool:
    """Whether a term is a number times the logarithm of a polynomial."""
    if len(term.sums) != 1 or whole_number(term.power) != 0 or not replace(term, sums=()).plain:
        return False
    ((_, exponent, logs),) = term.sums
    return logs == 1 and exponent is ZERO_NODE


def _of_sign(node: Map, slope: Number) -> Node:
    """|slope| or its sign."""
    return Number(abs(slope.value) if node.function == "abs" else sign(slope.value))


@dataclass
class Expansion:
    """Expands nodes in one variable; ``positive`` says that the variable is > 0, ``below_one`` that it is < 1."""

    variable: Leaf
    positive: bool
    below_one: bool
    shown: Callable[[str, Node], bool]
    integer: bool = False
    conditions: list[Relation] = field(default_factory=list)
    done: dict[Node, tuple[Term, ...]] = field(default_factory=dict)

    def of(self, node: Node) -> tuple[Term, ...]:
        """The terms of a node."""
        if node not in self.done:
            made = self._of(node)
            if len(made) > MOST_TERMS:
                raise NotHandled("too many terms")
            self.done[node] = made
        return self.done[node]

    def free(self, node: Node) -> bool:
        """Whether the variable does not occur."""
        return self.variable not in node.leaves()

    def _of(self, node: Node) -> tuple[Term, ...]:
        if self.free(node):
            return (Term(node),)
        match node:
            case Leaf():
                return (Term(power=ONE_NODE),)
            case Named(body=body):
                return self.of(body)
            case Sum():
                return tuple(
                    replace(t, coefficient=build.scale(w, t.coefficient))
                    for w, part in node.terms
                    for t in self.of(part)
                )
            case Contraction() if not node.label_dims:
                product: tuple[Term, ...] = (Term(build.number(node.coefficient)),)
                for factor, _ in node.factors:
                    product = self.product(product, self.of(factor))
                return product
            case Map():
                return self._map(node)
        raise NotHandled(f"no law for a {type(node).__name__} in the variable")

    @staticmethod
    def product(a: Sequence[Term], b: Sequence[Term]) -> tuple[Term, ...]:
        """The products of terms."""
        if len(a) * len(b) > MOST_TERMS:
            raise NotHandled("too many terms")
        return tuple(product for s in a for t in b for product in _products(s, t))

    def _map(self, node: Map) -> tuple[Term, ...]:
        inner = node.arguments
        match node.function:
            case "exp":
                return self._exp(inner[0])
            case "log":
                return self._log(inner[0])
            case "power":
                return self._power(*inner)
            case "abs" | "sign" if self.positive:
                slope, shift = self.affine(inner[0])
                if _is_zero(shift):
                    size = _of_sign(node, slope) if isinstance(slope, Number) else function(node.function, slope)
                    outer = Term(size)
                    return (outer.times(Term(power=ONE_NODE)) if node.function == "abs" else outer,)
            case "sin" | "cos":
                slope, shift = self.affine(inner[0])
                return (Term(wave=(node.function, slope, shift)),)
            case "gamma" | "rgamma":
                slope, shift = self.affine(inner[0])
                whole = whole_number(slope)
                if whole in (1, -1):
                    return (Term(gammas=((whole, tidy(shift), 1 if node.function == "gamma" else -1),)),)
        written = meaning(node.function, inner)
        if written is None:
            raise NotHandled(f"no law for {node.function} of the variable")
        return self.of(written)

    def affine(self, node: Node) -> tuple[Node, Node]:
        """slope and shift of ``slope·x + shift``."""
        slope, shift = [], []
        for term in self.of(node):
            degree = whole_number(term.power)
            if not term.plain or degree not in (0, 1):
                raise NotHandled("what is not affine in the variable")
            (slope if degree else shift).append(term.coefficient)
        return tidy(plus(*slope) if slope else ZERO_NODE), plus(*shift) if shift else ZERO_NODE

    def quadratic(self, node: Node) -> tuple[Node, Node, Node]:
        """The coefficients of a polynomial of degree 2, from the constant one up."""
        parts: tuple[list[Node], ...] = ([], [], [])
        for term in self.of(node):
            degree = whole_number(term.power)
            if not term.plain or degree not in (0, 1, 2):
                raise NotHandled("what is no quadratic in the variable")
            parts[degree].append(term.coefficient)
        constant, linear, square = (tidy(plus(*part)) for part in parts)
        if square is ZERO_NODE:
            raise NotHandled("what is no quadratic in the variable")
        return constant, linear, square

    def _exp(self, argument: Node) -> tuple[Term, ...]:
        result = Term()
        for term in self.of(argument):
            degree = whole_number(term.power)
            if term.logs == 1 and degree == 0 and replace(term, logs=0).plain:
                result = result.times(Term(power=term.coefficient))
            elif _is_logarithm_of_sum(term):
                result = result.times(Term(sums=((term.sums[0][0], term.coefficient, 0),)))
            elif not term.plain or degree not in (0, 1, 2):
                raise NotHandled("an exponential of this form")
            elif degree == 0:
                result = result.times(Term(function("exp", term.coefficient)))
            else:
                assert degree is not None
                result = result.times(Term(exponential=((degree, term.coefficient),)))
        return (result,)

    def _log(self, argument: Node) -> tuple[Term, ...]:
        if self.below_one and _same(argument, minus(ONE_NODE, self.variable)):
            return (Term(other_logs=1),)
        terms = self.of(argument)
        if len(terms) != 1:
            parts, least = self.polynomial(argument, terms, True)
            split = (Term(least, logs=1),) if least is not ZERO_NODE else ()
            return (*split, Term(sums=((parts, ZERO_NODE, 1),)))
        term = self.without_falls(terms[0])
        self.need_positive_sums(term)
        if term.logs or term.other_logs or term.gammas or term.wave or any(m for _, _, m in term.sums):
            raise NotHandled("a logarithm of this form")
        if not self.positive and not _is_zero(term.power):
            raise NotHandled("a logarithm of a variable that may be negative")
        self.need(term.coefficient, ">")
        made = [Term(function("log", term.coefficient))]
        if not _is_zero(term.power):
            made.append(Term(term.power, logs=1))
        if not _is_zero(term.other):
            made.append(Term(term.other, other_logs=1))
        made += [Term(rate, build.number(degree)) for degree, rate in term.exponential]
        made += [Term(exponent, sums=((parts, ZERO_NODE, 1),)) for parts, exponent, _ in term.sums]
        for base, slope in term.bases:
            self.need(base, ">")
            made.append(Term(build.scale(slope, function("log", base)), ONE_NODE))
        return tuple(made)

    def polynomial(self, node: Node, terms: Sequence[Term], positive: bool) -> tuple[tuple[Node, ...], Node]:
        """A sum as a power of the variable times a polynomial of degree 1 or 2, > 0 where that is asked."""
        if not terms or not all(term.plain for term in terms):
            raise NotHandled("a power or logarithm of a sum")
        least = next((t.power for t in terms if all(self._above(s, t) is not None for s in terms)), None)
        if least is None or (least is not ZERO_NODE and not self.positive):
            raise NotHandled("a power or logarithm of a sum")
        parts: list[list[Node]] = [[], [], []]
        for term in terms:
            parts[self._above(term, Term(power=least)) or 0].append(term.coefficient)
        if positive and not self.shown(">", node):
            raise NotHandled("a power or logarithm of a sum that is not shown to be > 0")
        made = [tidy(plus(*part)) if part else ZERO_NODE for part in parts]
        while made and _is_zero(made[-1]):
            made.pop()
        if len(made) < 2:
            raise NotHandled("a power of a sum in which the variable cancels")
        return tuple(made), least

    @staticmethod
    def _above(term: Term, other: Term) -> int | None:
        """By which degree <= 2 a term is above another."""
        degree = whole_number(tidy(minus(term.power, other.power)))
        return degree if degree is not None and 0 <= degree <= 2 else None

    def without_falls(self, term: Term) -> Term:
        """The falling powers as quotients, of bases that then are not 0."""
        made = replace(term, falls=())
        for base, count, shift in term.falls:
            self.need(base, "!=")
            made = made.times(Term(to_power(base, shift), bases=((base, -count),)))
        return made

    def need_positive_sums(self, term: Term) -> None:
        """What a power or a logarithm is split into has to be > 0 itself."""
        for parts, _, _ in term.sums:
            if not self.shown(">", plus(*(times(c, to_power(self.variable, k)) for k, c in enumerate(parts)))):
                raise NotHandled("a power or logarithm of a sum that is not shown to be > 0")

    def need(self, node: Node, op: str) -> None:
        """Note a condition on what is free of the variable; of a number that has it there is nothing to note."""
        if isinstance(node, Number) and (node.value.is_positive or (op != ">" and node.value.is_nonzero)):
            return
        self.conditions.append(Relation(node, op, ZERO_NODE))

    def _power(self, base: Node, exponent: Node) -> tuple[Term, ...]:
        if not self.free(exponent):
            return self._moving_exponent(base, exponent)
        whole = whole_number(exponent)
        if whole is not None and 0 <= whole <= MOST_POWERS:
            product: tuple[Term, ...] = (Term(),)
            for _ in range(whole):
                product = self.product(product, self.of(base))
            return product
        if self.below_one and _same(base, minus(ONE_NODE, self.variable)):
            return (Term(other=exponent),)
        if isinstance(base, Map) and base.function == "power" and self.free(base.arguments[1]):
            inner, first = base.arguments
            if (whole is not None and whole_number(first) is not None) or self.shown(">", inner):
                return self._power(inner, tidy(times(first, exponent)))
        if isinstance(base, Contraction) and not base.label_dims and len(base.factors) > 1:
            split = self._power_of_product(base, exponent, whole is not None)
            if split is not None:
                return split
        terms = self.of(base)
        if len(terms) != 1:
            parts, least = self.polynomial(base, terms, whole is None)
            return (Term(power=tidy(times(least, exponent)), sums=((parts, exponent, 0),)),)
        term = self.without_falls(terms[0])
        if term.logs or term.other_logs or term.wave or any(m for _, _, m in term.sums):
            raise NotHandled("a power of this form")
        if whole is None:
            self.need_positive_sums(term)
            if (not self.positive and not _is_zero(term.power)) or term.gammas:
                raise NotHandled("a fractional power of a variable that may be negative")
            self.need(term.coefficient, ">")
        elif whole < 0:
            self.need(term.coefficient, "!=")
        for b, _ in term.bases:
            self.need(b, ">" if whole is None else "!=")
        slopes = [(b, s, whole) for b, s in term.bases if whole is not None]
        if len(slopes) != len(term.bases):
            raise NotHandled("a fractional power of a power")
        return (
            Term(
                to_power(term.coefficient, exponent),
                tidy(times(term.power, exponent)),
                tuple((d, times(r, exponent)) for d, r in term.exponential),
                tidy(times(term.other, exponent)),
                bases=tuple((b, s * w) for b, s, w in slopes if w is not None),
                gammas=tuple((s, c, e * (whole or 0)) for s, c, e in term.gammas),
                sums=tuple((parts, tidy(times(e, exponent)), 0) for parts, e, _ in term.sums),
            ),
        )

    def _power_of_product(self, base: Contraction, exponent: Node, whole: bool) -> tuple[Term, ...] | None:
        """The powers of the factors, where that is the power of the product."""
        factors = [build.number(base.coefficient), *(f for f, _ in base.factors)]
        if not whole and not all(self.shown(">", f) for f in factors):
            return None
        made: tuple[Term, ...] = (Term(),)
        for f in factors:
            part = (Term(to_power(f, exponent)),) if self.free(f) else self._power(f, exponent)
            made = self.product(made, part)
        return made

    def _moving_exponent(self, base: Node, exponent: Node) -> tuple[Term, ...]:
        if not self.free(base):
            raise NotHandled("a power whose base and exponent both have the variable")
        slope, shift = self.affine(exponent)
        whole = whole_number(slope)
        if whole is not None and self.integer:
            # integer powers of any base; what is left over is a power of its own
            if whole < 0:
                return (Term(falls=((base, -whole, tidy(shift)),)),)
            return (Term(to_power(base, tidy(shift)), bases=((base, whole),)),)
        self.need(base, ">")
        rate = times(slope, function("log", base))
        return (Term(to_power(base, shift), exponential=((1, rate),)),)


__all__ = [
    "ONE_NODE",
    "ZERO_NODE",
    "Expansion",
    "Term",
    "function",
    "minus",
    "over",
    "plus",
    "tidy",
    "times",
    "to_power",
    "whole_number",
]
