"""An integrand or summand as a sum of terms: powers, exponentials, logarithms and gamma functions of one variable.

``coefficient · Π_j x_j**p_j · exp(E_1 x + E_2 x²) · log(x)**m · log(1-x)**m' · Π base**(s·x) · Π Γ(s·x + c)**e``:
everything but the variable is a node.  What an expansion needs beyond that (a logarithm that is
split needs its parts > 0) is noted as a condition; what has no such form raises `NotHandled`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
    """The sum of scalars."""
    return build.add([(ONE, n) for n in nodes], ())


def minus(a: Node, b: Node) -> Node:
    """a - b."""
    return build.add([(ONE, a), (-ONE, b)], ())


def times(*nodes: Node) -> Node:
    """The product of scalars."""
    return build.multiply(*nodes)


def to_power(base: Node, exponent: Node | int) -> Node:
    """base ** exponent."""
    if isinstance(exponent, int):
        exponent = build.number(exponent)
    if exponent is ZERO_NODE:
        return ONE_NODE
    if isinstance(exponent, Number):
        return build.power(base, exponent.value)
    return build.apply("power", base, exponent)


def over(a: Node, b: Node) -> Node:
    """a / b."""
    return times(a, to_power(b, -1))


def function(name: str, *arguments: Node) -> Node:
    """A function of the table."""
    return applied(name, *arguments)


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

    def rate(self, degree: int) -> Node:
        """The coefficient of x**degree in the exponential."""
        return dict(self.exponential).get(degree, ZERO_NODE)

    @property
    def plain(self) -> bool:
        """Whether it is a number times a power of the variable."""
        others = self.exponential or self.logs or self.other_logs or self.bases or self.gammas
        return not others and _is_zero(self.other)

    def times(self, other: Term) -> Term:
        """The product."""
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
        return tuple(s.times(t) for s in a for t in b)

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

    def _exp(self, argument: Node) -> tuple[Term, ...]:
        result = Term()
        for term in self.of(argument):
            degree = whole_number(term.power)
            if term.logs == 1 and degree == 0 and not replace(term, logs=0).exponential:
                result = result.times(Term(power=term.coefficient))
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
        if len(terms) != 1 or terms[0].logs or terms[0].other_logs or terms[0].gammas:
            raise NotHandled("a logarithm of a sum")
        (term,) = terms
        if not self.positive and not _is_zero(term.power):
            raise NotHandled("a logarithm of a variable that may be negative")
        self.need(term.coefficient, ">")
        made = [Term(function("log", term.coefficient))]
        if not _is_zero(term.power):
            made.append(Term(term.power, logs=1))
        if not _is_zero(term.other):
            made.append(Term(term.other, other_logs=1))
        made += [Term(rate, build.number(degree)) for degree, rate in term.exponential]
        for base, slope in term.bases:
            self.need(base, ">")
            made.append(Term(build.scale(slope, function("log", base)), ONE_NODE))
        return tuple(made)

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
        terms = self.of(base)
        if len(terms) != 1 or terms[0].logs or terms[0].other_logs:
            raise NotHandled("a power of a sum")
        (term,) = terms
        if whole is None:
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
            ),
        )

    def _moving_exponent(self, base: Node, exponent: Node) -> tuple[Term, ...]:
        if not self.free(base):
            raise NotHandled("a power whose base and exponent both have the variable")
        slope, shift = self.affine(exponent)
        whole = whole_number(slope)
        if whole is not None and self.integer:
            # integer powers of any base; what is left over is a power of its own
            if whole < 0:
                self.need(base, "!=")
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
