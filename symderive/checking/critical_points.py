"""Critical points of a scalar: all of them, and what each of them is.

For scalar variables the equations ∇f = 0 are solved exactly (`real_solutions`), and each point is
classified by its germ (`germs`), also where the Hessian is singular.  Infinitely many critical
points are families, classified by the factors of f - f(p) or, along a smooth family, by the
eigenvalues across it (Morse and Bott).  A point or family that is not settled is "degenerate"
(its Hessian is singular) and its verdict is undecided; nothing is guessed.

For arrays the equation ∇f = 0 is given as it stands, and convexity says what its solutions are.

Sources: J. Milnor, Morse Theory, 1963, 2; R. Bott, Nondegenerate critical manifolds, Ann. of Math.
60 (1954); S. Boyd and L. Vandenberghe, Convex Optimization, 2004, 3.1.3 and 4.2.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, product
from typing import Any, final

from flint import arb
from sympy import Dummy, Expr, Integer, Matrix, Poly, Rational, factor_list, fraction, groebner, together
from sympy import simplify as sympy_simplify
from sympy.polys.rootoftools import ComplexRootOf

from symderive.calculus.simplify import simplify
from symderive.checking.convexity import concave, convex, strictly_convex
from symderive.checking.enclosures import BITS as ENCLOSING_BITS
from symderive.checking.enclosures import Enclosing, Zero, ball_of, definite_signs
from symderive.checking.exact_reals import Exact, NotExactError, precision, rationals
from symderive.checking.expansions import Expansion, from_gradient
from symderive.checking.germs import (
    FLAT,
    MAXIMUM,
    MINIMUM,
    OPPOSITE,
    SADDLE,
    UNKNOWN,
    Germ,
    Jet,
    Shape,
    hessian,
    shape,
    signature,
)
from symderive.checking.real_solutions import (
    Component,
    Model,
    OpenSystemError,
    Place,
    leading_monomial,
    solve,
    solve_finite,
    steady_sign,
)
from symderive.checking.sides import Reader, listed, shortened
from symderive.derivation.derivation import Derivation
from symderive.derivation.derive import gradient
from symderive.derivation.derive import hessian as derive_hessian
from symderive.derivation.inequalities import prove_inequality
from symderive.derivation.proofs import prove_equal
from symderive.derivation.squares import sum_of_squares
from symderive.errors import DomainError, UnsupportedError
from symderive.judgement.verdicts import Counterexample, Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.domains import real
from symderive.language.functions import function
from symderive.language.nodes import Leaf, Map, Number
from symderive.language.statements import Relation
from symderive.language.views.components import scalar_symbol

DEGENERATE, VARIES = "degenerate", "varies"
MOST_SHIFTS = 400
REACH = 10.0
"""How far from 0 a search without a bounded domain starts."""


@final
@dataclass(frozen=True)
class CriticalPoint:
    """A point where the gradient is 0, and what it is.

    Attributes
    ----------
    at : the coordinates by name: exact SymPy numbers (or 30 digits of the one critical point there,
        where there is no closed form), Arrays for array variables
    value : f there, or None where it has no closed form
    classification : "minimum", "maximum", "saddle" (in one variable: neither), or "degenerate"
        where the Hessian is singular and no further test decided
    strict : whether the value is not taken again nearby; None where that was not found out
    eigenvalues : how many eigenvalues of the Hessian are positive, negative and zero
    periods : by how much a coordinate may be shifted, for functions of angles
    reason : the argument, line by line in ``verdict.trace``
    verdict : "proved", or "undecided" for "degenerate"
    """

    at: Mapping[str, Any]
    value: Expr | None
    classification: str
    strict: bool | None
    eigenvalues: tuple[int, int, int]
    periods: Mapping[str, Expr]
    reason: str
    verdict: Verdict

    @property
    def degenerate(self) -> bool:
        """Whether the Hessian is singular, so that its determinant says nothing."""
        return self.eigenvalues[2] > 0

    @property
    def floats(self) -> tuple[float, ...]:
        """The coordinates of scalar variables as floats, in order."""
        return tuple(float(v) for v in self.at.values())

    def __str__(self) -> str:
        kind = described(self.classification, self.strict)
        return f"{at_text(self.at, self.periods)}: {kind} ({self.verdict.status})"


@final
@dataclass(frozen=True)
class CriticalFamily:
    """Infinitely many critical points: the solutions of equations.

    ``equations`` are SymPy expressions that are 0 on the family (relations for array variables).
    ``classification`` is that of every point; where it changes along the family it is "varies",
    and ``pieces`` pairs conditions with classes; "degenerate" where it was not decided.  Points of
    the family at which the conditions say nothing are among the `CriticalPoints.points`.
    """

    equations: tuple[Any, ...]
    classification: str
    pieces: tuple[tuple[str, str], ...]
    reason: str
    verdict: Verdict

    def __str__(self) -> str:
        where = _equations_text(self.equations)
        if self.pieces:
            inner = "; ".join(f"{kind} where {condition}" for condition, kind in self.pieces)
            return f"all points with {where}: {inner} ({self.verdict.status})"
        return f"all points with {where}: {described(self.classification, False)} ({self.verdict.status})"


@final
@dataclass(frozen=True)
class CriticalPoints:
    """The critical points of ``subject``: points, families, and whether these are all.

    Iterating gives the points.  ``complete`` is proved where no other critical point exists in the
    declared domain, and otherwise says what stayed open.
    """

    subject: Array
    wrt: tuple[Array, ...]
    gradient: Derivation
    points: tuple[CriticalPoint, ...]
    families: tuple[CriticalFamily, ...]
    complete: Verdict

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, place: int) -> CriticalPoint:
        return self.points[place]

    def of(self, classification: str) -> tuple[CriticalPoint, ...]:
        """The points with a classification."""
        return tuple(p for p in self.points if p.classification == classification)

    @property
    def verdict(self) -> Verdict:
        """The weakest of the points', the families' and ``complete``."""
        parts = (*(p.verdict for p in self.points), *(f.verdict for f in self.families), self.complete)
        status = weakest(parts)
        worst = next(p for p in parts if p.status is status)
        found = [str(p).rpartition(" (")[0] for p in (*self.points, *self.families)]
        text = shortened(f"critical points of {self.subject}: {'; '.join(found) or 'none'}")
        return Verdict(
            status,
            text,
            reason=self.complete.reason if status.upheld else worst.reason,
            trace=tuple(line for p in parts for line in p.trace) if status is Status.proved else (),
            conditions=self.gradient.conditions,
            parts=parts,
        )

    def __str__(self) -> str:
        names = ", ".join(a.name for a in self.wrt)
        head = f"critical points of {self.subject} by {names}:"
        lines = [f"  {p}" for p in (*self.points, *self.families)] or ["  none"]
        return "\n".join([head, *lines, f"  all of them: {self.complete.status}; {self.complete.reason}"])


# -- the subject --------------------------------------------------------------------------------


class Surface:
    """A scalar of scalar variables, with everything that its points are asked for."""

    def __init__(self, subject: Array, leaves: Sequence[Leaf]) -> None:
        self.subject = subject
        self.leaves = tuple(leaves)
        self.symbols = tuple(scalar_symbol(leaf) for leaf in leaves)
        self.names = tuple(leaf.name for leaf in leaves)
        _only_scalars(subject, leaves)
        _smooth(subject, leaves)
        self.derivation = gradient(subject, [Array(leaf) for leaf in leaves])
        self.conditions = self.derivation.conditions
        positive = {s for s, leaf in zip(self.symbols, leaves, strict=True) if leaf.domain.entries.is_positive}
        self.model = Model(self.symbols, frozenset(positive))
        slopes = [self.derivation.results[(name,)].to_sympy() for name in self.names]
        needed = [Array(c.lhs).to_sympy() - Array(c.rhs).to_sympy() for c in self.conditions]
        prepared = self.model.prepare([subject.to_sympy(), *slopes, *needed])
        self.expression = prepared[0]
        self.slopes = dict(zip(self.symbols, prepared[1 : 1 + len(slopes)], strict=True))
        self.needed = tuple(zip(self.conditions, prepared[1 + len(slopes) :], strict=True))

    # -- where

    def within(self, place: Place) -> bool | None:
        """Whether a place lies inside the declared domains and meets the conditions; None if that is not known."""
        known = True
        for symbol, leaf in zip(self.symbols, self.leaves, strict=True):
            entries = leaf.domain.entries
            value = place.coordinates[symbol]
            for end, side in ((entries.low, 1), (entries.high, -1)):
                if end.is_finite:
                    sign = number_sign(side * (value - end))
                    if sign is None:
                        known = False
                    elif sign <= 0:
                        return False
            if entries.nonzero and number_sign(value) == 0:
                return False
        for relation, expression in self.needed:
            try:
                sign = place.value(expression).sign()
            except ZeroDivisionError:
                return False
            except (NotExactError, OpenSystemError):
                sign = number_sign(expression.xreplace(dict(place.coordinates)))
                if sign is None:
                    known = False
                    continue
            if not {">": sign > 0, ">=": sign >= 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0}[relation.op]:
                return False
        return True if known else None

    def shifted(self, place: Place) -> Iterator[Place]:
        """The place at every shift by its periods, where its domain is bounded; otherwise once."""
        choices: list[list[Expr]] = []
        for symbol, leaf in zip(self.symbols, self.leaves, strict=True):
            value, period = place.coordinates[symbol], place.periods.get(symbol)
            entries = leaf.domain.entries
            if period is None or not (entries.low.is_finite or entries.high.is_finite):
                choices.append([value])
                continue
            first = _ceiling((entries.low - value) / period) if entries.low.is_finite else None
            last = _floor((entries.high - value) / period) if entries.high.is_finite else None
            if first is None or last is None:
                steps = [first if first is not None else last]
            else:
                steps = list(range(first, last + 1))
            choices.append([value + k * period for k in steps if k is not None])
        total = 1
        for options in choices:
            total *= len(options)
        if total > MOST_SHIFTS:
            raise UnsupportedError(f"the declared domain has {total} shifts of one critical point; narrow it")
        bounded = {
            s
            for s, leaf in zip(self.symbols, self.leaves, strict=True)
            if leaf.domain.entries.low.is_finite and leaf.domain.entries.high.is_finite
        }
        periods = {s: p for s, p in place.periods.items() if s not in bounded}
        for values in product(*choices):
            yield replace(place, coordinates=dict(zip(self.symbols, values, strict=True)), periods=periods)

    # -- what

    def germ(self, place: Place) -> Germ:
        """The quadratic part at a place, up to a positive factor."""
        try:
            return from_gradient(place, self.slopes, 2)
        except NotExactError:
            return from_gradient(place, self.without_units(place), 2)

    def without_units(self, place: Place) -> dict[Any, Expr]:
        """The gradient over a common factor > 0 that has no exact value, as exp(x) at x = π.

        With ∇f = μ·g and g(p) = 0 the Hessian at p is μ(p) times the Jacobian of g.
        """
        made = [together(self.model.read(slope)) for slope in self.slopes.values()]
        whole = Integer(1)
        for part in made:
            whole = whole * fraction(part)[1]
        gens = list(self.model.generators)
        tops = [Poly(fraction(together(part * whole))[0], *gens, domain="QQ") for part in made]
        bottoms = Poly(whole, *gens, domain="QQ")
        unit: Expr = Integer(1)
        for k, (symbol, known) in enumerate(self.model.generators.items()):
            if known.positive and symbol not in place.values:
                least = min((m[k] for p in tops for m, c in p.terms() if c), default=0)
                unit *= symbol**least
        sign = steady_sign(self.model, bottoms)
        if not sign:
            raise NotExactError(f"the sign of {self.model.written(whole)}")
        reduced = [sign * self.model.written((p.as_expr() / unit).expand()) for p in tops]
        return dict(zip(self.slopes, self.model.prepare(reduced), strict=True))

    def shape(self, place: Place) -> Shape:
        """The germ's shape, by the most that is known of it."""
        found = Shape(UNKNOWN, None, ())
        for jet in self.jets(place):
            found = shape(jet)
            if found.kind != UNKNOWN:
                return found
        return self.bounded(place) or found

    def jets(self, place: Place) -> Iterator[Jet]:
        """The whole polynomial where there is one, up to a positive factor; else Taylor polynomials."""
        variables = self.symbols
        polynomial = self.polynomial_at(place)
        if polynomial is not None:
            degree = Poly(polynomial, *variables).total_degree()
            try:
                whole = {m: c for m, c in Expansion(place, variables, degree).of(polynomial).items() if any(m)}
            except NotExactError:
                whole = None
            if whole is not None:
                yield Jet(place.field, self.names, lambda order: whole, True)
        def taylor(order: int | None) -> Germ:
            try:
                return from_gradient(place, self.slopes, order or 0)
            except NotExactError:
                quadratic = self.germ(place)
                up, down = signature(hessian(quadratic, len(self.names), place.field), place.field)
                if up + down < len(self.names):
                    raise
                return quadratic  # where the Hessian is invertible it decides, and up to a positive factor

        yield Jet(place.field, self.names, taylor, False)

    def polynomial_at(self, place: Place) -> Expr | None:
        """A polynomial with the sign of f - f(p), or f itself where it is one."""
        if self.expression.is_polynomial(*self.symbols):
            return self.expression
        try:
            value = place.value(self.expression).to_sympy()
            if not value.is_Rational:
                return None
            top, bottom = fraction(together(self.model.read(self.expression - value)))
        except (NotExactError, OpenSystemError):
            return None
        made: Expr = Integer(1)
        gens = list(self.model.generators)
        for part in (top, bottom):
            lead, factors = factor_list(Poly(part, *gens, domain="QQ"))
            made *= 1 if lead > 0 else -1
            for factor, k in factors:
                sign = steady_sign(self.model, factor)
                if sign:
                    made *= sign**k
                else:
                    made *= factor.as_expr() ** k
        return made if made.free_symbols <= set(self.symbols) else None

    def bounded(self, place: Place) -> Shape | None:
        """A minimum or maximum over the whole domain, from an inequality that is proved."""
        try:
            value = place.value(self.expression).to_sympy()
        except (NotExactError, OpenSystemError):
            return None
        if not value.is_Rational:
            return None
        if self.expression.is_polynomial(*self.symbols):
            for sign, kind in ((1, MINIMUM), (-1, MAXIMUM)):
                squares = sum_of_squares(Poly(sign * (self.expression - value), *self.symbols, domain="QQ"))
                if squares is not None:
                    side = f"f - {number_text(value)}" if sign > 0 else f"{number_text(value)} - f"
                    return Shape(kind, None, (f"everywhere {side} is a sum of squares: {squares}",))
        for op, kind in ((">=", MINIMUM), ("<=", MAXIMUM)):
            verdict = prove_inequality(Relation(self.subject.node, op, Number(value)))
            if verdict.status is Status.proved:
                line = f"everywhere {verdict.claim}, which is proved from lemmas"
                return Shape(kind, None, (line, *map(str, verdict.trace)))
        return None

    def value(self, place: Place) -> Expr:
        """f at a place, as short as it is known exactly."""
        try:
            return place.value(self.expression).to_sympy()
        except (NotExactError, OpenSystemError, ZeroDivisionError):
            return self.subject.to_sympy().subs(dict(place.coordinates))

    def point(self, place: Place) -> CriticalPoint:
        """A place as a classified critical point."""
        named = {name: place.coordinates[s] for name, s in zip(self.names, self.symbols, strict=True)}
        periods = {str(s): p for s, p in place.periods.items()}
        try:
            size = len(self.names)
            up, down = signature(hessian(self.germ(place), size, place.field), place.field)
            found = self.shape(place)
        except (NotExactError, OpenSystemError) as error:
            up = down = size = 0
            found = Shape(UNKNOWN, None, (str(error),))
        kind = {UNKNOWN: DEGENERATE, FLAT: DEGENERATE}.get(found.kind, found.kind)
        text = at_text(named, periods)
        claim = shortened(f"{text} is {with_article(described(kind, found.strict))} of {self.subject}")
        lines = (f"∇f = 0 at {text}, exactly", *found.lines)
        reason = "; ".join(found.lines)
        if kind == DEGENERATE:
            verdict = Verdict(Status.undecided, claim, reason=f"the Hessian is singular there; {reason}")
        else:
            verdict = self.resting(Verdict(Status.proved, claim, reason=reason, trace=lines))
        return CriticalPoint(
            named, self.value(place), kind, found.strict, (up, down, size - up - down), periods, reason, verdict
        )

    def resting(self, verdict: Verdict) -> Verdict:
        """A verdict that is no stronger than the gradient's derivation."""
        base = self.derivation.verdict
        verdict = replace(verdict, conditions=self.conditions)
        if verdict.status > base.status:
            reason = f"{verdict.reason}; the gradient itself is {base.status.value}: {base.reason}"
            return replace(verdict, status=base.status, reason=reason, trace=())
        return verdict


def _only_scalars(subject: Array, leaves: Sequence[Leaf]) -> None:
    for leaf in leaves:
        entries = leaf.domain.entries
        if entries.values is not None or entries.integer:
            raise DomainError(f"critical points are of real variables, but {leaf.name} is declared {leaf.domain}")
    others = [leaf.name for leaf in subject.node.leaves() if leaf not in leaves]
    sizes = {str(s) for node in subject.node.walk() for d in node.shape for s in d.free_symbols}
    if others or sizes:
        raise UnsupportedError(
            f"critical points in closed form need numbers for everything else; {', '.join([*others, *sorted(sizes)])} "
            "is a symbol: put a number in, or name it in wrt"
        )


def _smooth(subject: Array, leaves: Sequence[Leaf]) -> None:
    """Raise at kinks that move: a critical point there is none of the gradient's."""
    moving: set[Any] = set(leaves)
    for node in subject.node.walk():
        if not any(c in moving for c in node.children):
            continue
        moving.add(node)
        if isinstance(node, Map):
            row = function(node.function)
            if row.kinks or row.mask or node.function == "where":
                raise UnsupportedError(
                    f"{Array(node)} has a kink, where there is no gradient; "
                    "write the smooth pieces and look at each, or claim convexity"
                )


# -- families -------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Sign:
    """The sign of an expression on a family: ``constant`` times that of ``odd``, and 0 where ``zero`` is."""

    constant: int
    odd: Expr
    zero: Expr


class Families:
    """Infinitely many critical points at once."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.model = surface.model
        self.found: list[CriticalFamily] = []
        self.points: dict[tuple[Expr, ...], CriticalPoint] = {}
        self.open: list[str] = []

    def add(self, component: Component, depth: int = 4) -> None:
        """Classify a component: by the factors of f - f(p), across it, or by an inequality."""
        for attempt in (self.by_factors, self.across, self.by_inequality):
            try:
                family = attempt(component, depth)
            except (OpenSystemError, NotExactError):
                continue
            if family is not None:
                self.found.append(family)
                return
        reason = "neither the factors of f - f(p) nor the eigenvalues across the family decide it"
        self.found.append(self.family(component, DEGENERATE, (), (reason,)))

    def family(
        self, component: Component, kind: str, pieces: tuple[tuple[str, str], ...], lines: tuple[str, ...]
    ) -> CriticalFamily:
        """The record, with its verdict."""
        where = _equations_text(component.equations)
        surface = self.surface
        inner = "; ".join(f"{with_article(name)} where {condition}" for condition, name in pieces)
        claim = shortened(f"every point with {where} is {inner or with_article(kind)} of {surface.subject}")
        reason = "; ".join(lines)
        if kind == DEGENERATE:
            verdict = Verdict(Status.undecided, claim, reason=reason)
        else:
            trace = (f"∇f = 0 where {where}, exactly", *lines)
            verdict = surface.resting(Verdict(Status.proved, claim, reason=reason, trace=trace))
        return CriticalFamily(component.equations, kind, pieces, reason, verdict)

    def settled(
        self, component: Component, kinds: Sequence[tuple[str, str]], zero: Expr, lines: tuple[str, ...], depth: int
    ) -> CriticalFamily | None:
        """A family of these kinds (by condition) where ``zero`` is not 0; where it is, every point by itself.

        The conditions leave nothing out but the zeros.
        """
        exceptional: list[str] = []
        if zero != 1:
            if depth == 0:
                return None
            found = solve(self.model, self.model.prepare([*component.equations, self.model.written(zero)]))
            if found.open:
                return None
            for smaller in found.components:
                self.add(smaller, depth - 1)
                exceptional.append(self.found[-1].classification)
            for place in found.places:
                if self.surface.within(place) is not False:
                    point = self.surface.point(place)
                    self.points.setdefault(tuple(place.coordinates.values()), point)
                    exceptional.append(point.classification)
        if len(kinds) == 1:
            ((_, kind),) = kinds
            if all(other == kind for other in exceptional):
                return self.family(component, kind, (), lines)
            kinds = [(f"{self.model.written(zero)} != 0", kind)]
        return self.family(component, VARIES, tuple(kinds), lines)

    # -- the factors of f - f(p)

    def value(self, component: Component) -> tuple[Expr, Expr, Expr] | None:
        """f as a fraction of polynomials in the generators, and the number that it is on the component."""
        top, bottom = fraction(together(self.model.read(self.surface.expression)))
        reduced = [self.modulo(component, p) for p in (top, bottom)]
        found = together(reduced[0] / reduced[1]) if reduced[1] != 0 else None
        return (top, bottom, found) if found is not None and found.is_Rational else None

    def by_factors(self, component: Component, depth: int) -> CriticalFamily | None:
        """f - c is a power of the family's own equation times what is not 0 there; or squares throughout."""
        if not self.surface.expression.free_symbols & set(self.surface.symbols):
            lines = ("the function is constant, so that every point is a minimum and a maximum",)
            return replace(self.family(component, MINIMUM, (), lines), classification=DEGENERATE)
        known = self.value(component)
        if known is None:
            return None
        top, bottom, value = known
        factors = [*self.factors(top - value * bottom), *self.factors(bottom)]
        own = self.own_equation(component)
        power = sum(k for factor, k in factors if own is not None and factor in (own, -own))
        rest = [(factor, k) for factor, k in factors if own is None or factor not in (own, -own)]
        sign = self.sign_of(rest)
        shown = "" if own is None else f"({self.model.written(own.as_expr())})**{power}"
        if sign.odd == 1 and power % 2 == 0:  # one sign everywhere
            kind = MINIMUM if sign.constant > 0 else MAXIMUM
            word = "no" if kind == MINIMUM else "every"
            line = f"the value is {value}, and f - {value} has even powers only where it changes: {word} point is lower"
            return self.family(component, kind, (), (line.replace("every point is lower", "no point is higher"),))
        if own is None or not power:
            return None
        line = f"the value is {value}, and f - {value} is {shown} times what is not 0 on the family"
        on_it = self.sign_of([(Poly(self.modulo(component, f.as_expr()), *f.gens, domain="QQ"), k) for f, k in rest])
        if power % 2 == 0:
            names = (MINIMUM, MAXIMUM) if on_it.constant > 0 else (MAXIMUM, MINIMUM)
            if on_it.odd == 1:
                return self.settled(component, [("", names[0])], on_it.zero, (line,), depth)
            odd = self.model.written(on_it.odd)
            kinds = [(f"{odd} > 0", names[0]), (f"{odd} < 0", names[1])]
            return self.settled(component, kinds, on_it.zero, (line,), depth)
        if not self.regular(component, 1):
            return None
        lines = (line, "and the power is odd")
        return self.settled(component, [("", SADDLE)], on_it.zero, lines, depth)

    def own_equation(self, component: Component) -> Poly | None:
        """The one equation of a component of codimension 1."""
        _, system = self.ideal(component)
        if len(component.equations) != 1 or len(system) != 1:
            return None
        return system[0].clear_denoms()[1].primitive()[1].set_domain("QQ")

    def factors(self, expression: Expr) -> list[tuple[Poly, int]]:
        """Irreducible factors with integer coefficients, the leading number among them."""
        gens = list(self.model.generators)
        lead, found = factor_list(Poly(expression, *gens, domain="QQ"))
        made = [(f.clear_denoms()[1].primitive()[1].set_domain("QQ"), k) for f, k in found]
        return [(Poly(lead, *gens, domain="QQ"), 1), *made]

    def sign_of(self, factors: Sequence[tuple[Poly, int]]) -> _Sign:
        """The sign of a product: factors of one sign, those that occur to an odd power, and the zeros."""
        constant = 1
        odd: Expr = Integer(1)
        zero: Expr = Integer(1)
        for whole, k in factors:
            for factor, j in self.factors(whole.as_expr()):
                steady = steady_sign(self.model, factor)
                if steady:
                    constant *= steady ** (j * k)
                elif factor.is_zero:
                    return _Sign(0, Integer(1), Integer(0))
                else:
                    zero *= factor.as_expr()
                    odd *= factor.as_expr() if j * k % 2 else 1
        return _Sign(constant, odd, zero)

    def by_inequality(self, component: Component, depth: int) -> CriticalFamily | None:
        """f >= c or f <= c everywhere, proved from lemmas."""
        known = self.value(component)
        if known is None:
            return None
        for op, kind in ((">=", MINIMUM), ("<=", MAXIMUM)):
            verdict = prove_inequality(Relation(self.surface.subject.node, op, Number(known[2])))
            if verdict.status is Status.proved:
                line = f"the value is {known[2]}, and everywhere {verdict.claim}, which is proved from lemmas"
                return self.family(component, kind, (), (line, *map(str, verdict.trace)))
        return None

    # -- the eigenvalues across

    def across(self, component: Component, depth: int) -> CriticalFamily | None:
        """Along a smooth family of dimension n - r the r other eigenvalues decide, where none of them is 0."""
        symbols = self.surface.symbols
        codimension = self.codimension(component)
        if not codimension or not self.regular(component, codimension):
            return None
        matrix = Matrix([[slope.diff(s) for s in symbols] for slope in self.surface.slopes.values()])
        signs: list[_Sign] = []
        for size in range(1, codimension + 1):
            total: Expr = Integer(0)
            for chosen in combinations(range(len(symbols)), size):
                total += matrix.extract(list(chosen), list(chosen)).det()
            top, bottom = fraction(together(self.model.read(self.model.prepare([total])[0])))
            reduced = self.modulo(component, top * bottom)
            signs.append(self.sign_of([(Poly(reduced, *self.model.generators, domain="QQ"), 1)]))
        last = signs[-1]
        if not last.constant:
            return None
        lines = (f"across the family {codimension} eigenvalue{'s are' if codimension > 1 else ' is'} not 0",)
        kinds = [(text, kind) for kind in (MINIMUM, MAXIMUM) if (text := self.conditions(signs, kind)) is not None]
        if not any(text == "" for text, _ in kinds):
            if not kinds or codimension > 1:
                kinds.append(("otherwise" if kinds else "", SADDLE))
        elif len(kinds) > 1:  # pragma: no cover
            raise AssertionError("eigenvalues of both signs at once")
        return self.settled(component, kinds, last.zero, lines, depth)

    def conditions(self, signs: Sequence[_Sign], kind: str) -> str | None:
        """Where all e_j > 0 (a minimum), or all (-1)^j e_j > 0 (a maximum); None for nowhere."""
        parts = []
        for j, sign in enumerate(signs, 1):
            wanted = 1 if kind == MINIMUM else (-1) ** j
            if sign.odd == 1:
                if sign.constant != wanted:
                    return None
            else:
                parts.append(f"{self.model.written(sign.odd)} {'>' if sign.constant == wanted else '<'} 0")
        return " and ".join(dict.fromkeys(parts))

    def codimension(self, component: Component) -> int | None:
        """The number of variables less the dimension, which a Gröbner basis shows."""
        used, system = self.ideal(component)
        if not used:
            return 0
        basis = groebner([p.as_expr() for p in system], *used, order="grevlex", domain="QQ")
        leading = [leading_monomial(p) for p in basis.polys]
        size = len(used)
        free = (
            count
            for count in range(size, 0, -1)
            for chosen in combinations(range(size), count)
            if all(any(e and k not in chosen for k, e in enumerate(m)) for m in leading)
        )
        related = sum(1 for s in used if self.model.generators[s].kind in ("sin", "root"))
        return size - next(free, 0) - related

    def regular(self, component: Component, codimension: int) -> bool:
        """Whether so many equations have independent differentials everywhere on the family."""
        symbols = self.surface.symbols
        equations = component.equations
        if len(equations) != codimension:
            return False
        jacobian = Matrix([[e.diff(s) for s in symbols] for e in equations])
        minors = [
            jacobian.extract(list(range(codimension)), list(chosen)).det()
            for chosen in combinations(range(len(symbols)), codimension)
        ]
        found = solve(self.model, self.model.prepare([*equations, *minors]))
        return not (found.places or found.components or found.open)

    def ideal(self, component: Component) -> tuple[list[Any], list[Poly]]:
        """The generators that occur, and the component's equations with their relations."""
        made = [fraction(together(self.model.read(e)))[0] for e in component.equations]
        gens = list(self.model.generators)
        system = [Poly(e, *gens, domain="QQ") for e in made]
        relations = [Poly(r, *gens, domain="QQ") for r in self.model.relations]
        used = {s for p in system for s in p.free_symbols}
        while more := [r for r in relations if r not in system and r.free_symbols & used]:
            system += more
            used |= {s for r in more for s in r.free_symbols}
        return [s for s in gens if s in used], system

    def modulo(self, component: Component, expression: Expr) -> Expr:
        """A polynomial in the generators, reduced on the component; equal there."""
        _, system = self.ideal(component)
        gens = list(self.model.generators)
        if not system:
            return expression
        basis = groebner([p.as_expr() for p in system], *gens, order="grevlex", domain="QQ")
        _, rest = basis.reduce(Poly(expression, *gens, domain="QQ").as_expr())
        return rest


# -- all critical points ------------------------------------------------------------------------------


def critical_points(f: Any, wrt: Any, *, given: Any = ()) -> CriticalPoints:
    """All critical points of a scalar, classified.

    Parameters
    ----------
    f : scalar Array (or SymPy scalar)
    wrt : the variables, an array, its name, or a sequence of them.  Scalars are solved for in
        closed form; then nothing else in ``f`` may be a symbol.  For an array of symbolic shape
        the equation ∇f = 0 is returned as a family, classified by convexity, and solved where the
        Hessian is constant and positive or negative definite.
    given : relations about what does not change (arrays only), as in `symderive.claim`

    Returns
    -------
    CriticalPoints
        ``points`` with coordinates, value and classification ("minimum", "maximum", "saddle", or
        "degenerate" where the Hessian is singular and no further test decides), ``families`` of
        infinitely many, and ``complete``: whether there are no others.

    Raises
    ------
    UnsupportedError
        f has a kink that moves with the variables, or another symbol beside scalar variables.
    DomainError
        A variable ranges over integers or labels.
    ShapeError
        f is not a scalar.

    Sources: J. Milnor, Morse Theory, 1963, 2; S. Boyd and L. Vandenberghe, Convex Optimization, 3.1.

    >>> import symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> for point in sd.critical_points(x**3 + y**3 - 3*x*y, [x, y]):
    ...     print(point)
    x = 0, y = 0: saddle (proved)
    x = 1, y = 1: strict minimum (proved)
    >>> peano = (y - x**2) * (y - 3*x**2)     # a minimum along every line through 0
    >>> sd.critical_points(peano, [x, y])[0].classification
    'saddle'
    """
    derivation = gradient(f, wrt if isinstance(wrt, list | tuple) else [wrt])
    subject = derivation.subject
    leaves = [a.node for a in derivation.wrt if isinstance(a.node, Leaf)]
    if len(leaves) != len(derivation.wrt):
        raise UnsupportedError("wrt takes declared arrays here; derive by what the definition is made of")
    if all(not leaf.rank for leaf in leaves):
        if listed(given):
            raise UnsupportedError("given speaks of what does not change, and beside scalar variables nothing is left")
        return of_scalars(subject, leaves)
    return of_arrays(subject, leaves, tuple(Reader([subject], listed(given)).relations))


def of_arrays(subject: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...]) -> CriticalPoints:
    """The equation ∇f = 0 of arrays, and what convexity says of its solutions."""
    arrays = tuple(Array(leaf) for leaf in leaves)
    derivation = gradient(subject, list(arrays))
    slopes = {leaf: derivation.results[(leaf.name,)] for leaf in leaves}
    zero = Number(Integer(0))
    equations = tuple(Relation(slope.node, "==", zero) for slope in slopes.values())
    where = " and ".join(map(str, equations))
    kind, strict, verdicts = DEGENERATE, None, []
    for name, judge, strictly in ((MINIMUM, convex, subject), (MAXIMUM, concave, -subject)):
        verdict = judge(subject, leaves, given)
        verdicts.append(verdict)
        if verdict.status is Status.proved:
            sharp = strictly_convex(strictly, leaves, given)
            kind, strict = name, True if sharp.status is Status.proved else None
            verdicts = [verdict, sharp] if strict else [verdict]
            break
    claim = shortened(f"every point with {where} is {with_article(described(kind, strict))} of {subject}")
    inside = [leaf.name for leaf in leaves if leaf.domain.structures or leaf.domain != real]
    if kind == DEGENERATE:
        reason = f"neither convex nor concave was proved: {'; '.join(v.reason for v in verdicts)}"
        verdict = Verdict(Status.undecided, claim, reason=reason, parts=tuple(verdicts))
    else:
        shape_word = "convex" if kind == MINIMUM else "concave"
        unique = ", at most one of them" if strict else ""
        reason = f"f is {shape_word}, so that where its gradient is 0 it has a global {kind}{unique}"
        trace = (reason, *(line for v in verdicts for line in v.trace))
        verdict = Verdict(Status.proved, claim, reason=reason, trace=trace, conditions=given, parts=tuple(verdicts))
    base = derivation.verdict
    if verdict.status > base.status:
        verdict = replace(verdict, status=base.status, reason=f"{verdict.reason}; the gradient is {base.status}")
    family = CriticalFamily(equations, kind, (), verdict.reason, verdict)
    points = _solved(subject, slopes, kind, given, verdict) if len(leaves) == 1 and strict else ()
    complete = Verdict(
        base.status,
        shortened(f"{subject} has no other critical points by {', '.join(leaf.name for leaf in leaves)}"),
        reason="they are the solutions of ∇f = 0"
        + (f" inside the domain of {', '.join(inside)}" if inside else ""),
        trace=base.trace if base.status is Status.proved else (),
        conditions=derivation.conditions,
    )
    return CriticalPoints(subject, arrays, derivation, points, () if points else (family,), complete)


def _solved(
    subject: Array, slopes: Mapping[Leaf, Array], kind: str, given: tuple[Relation, ...], verdict: Verdict
) -> tuple[CriticalPoint, ...]:
    """w = -H⁻¹ g(0) for a vector whose Hessian H is constant and invertible, put back into the gradient."""
    ((leaf, slope),) = slopes.items()
    if leaf.rank != 1 or leaf.domain != real:
        return ()
    matrix = derive_hessian(subject, Array(leaf)).result
    if leaf in matrix.node.leaves():
        return ()
    start = simplify(build.substitute(build.without_names(slope.node), {leaf: build.zeros(leaf.shape)})).node
    inverse = build.opaque("inv", matrix.node)
    place = simplify((Array(inverse) @ (-Array(start))).node).node
    there = build.substitute(build.without_names(slope.node), {leaf: place})
    proof = prove_equal(there, build.zeros(leaf.shape), given=given)
    if not proof.upheld:
        return ()
    claim = shortened(f"{leaf.name} == {Array(place)} is the strict {kind} of {subject}")
    status = min(verdict.status, proof.status)
    reason = f"{verdict.reason}; the gradient there is 0 ({proof.status})"
    found = Verdict(
        status,
        claim,
        reason=reason,
        trace=(*proof.trace, *verdict.trace) if status is Status.proved else (),
        conditions=given,
        parts=(proof, verdict),
    )
    signs = (1, 0, 0) if kind == MINIMUM else (0, 1, 0)
    return (CriticalPoint({leaf.name: Array(place)}, None, kind, True, signs, {}, reason, found),)


def of_scalars(subject: Array, leaves: Sequence[Leaf]) -> CriticalPoints:
    """All critical points of a scalar by scalar variables."""
    surface = Surface(subject, leaves)
    found = solve(surface.model, list(surface.slopes.values()))
    families = Families(surface)
    for component in found.components:
        families.add(component)
    unknown: list[str] = list(found.open)
    points: dict[tuple[Expr, ...], CriticalPoint] = {}
    for place in found.places:
        for shifted in surface.shifted(place):
            inside = surface.within(shifted)
            if inside:
                points[tuple(shifted.coordinates.values())] = surface.point(shifted)
            elif inside is None:
                text = at_text({str(s): v for s, v in shifted.coordinates.items()}, {})
                unknown.append(f"whether {text} lies in the domain")
    points |= families.points
    points = dict(sorted(points.items(), key=lambda item: item[1].floats))
    complete = _complete(surface, unknown)
    if found.open:
        more, covered = _enclosed(surface, [p.floats for p in points.values()])
        points |= {tuple(p.at.values()): p for p in more}
        complete = _covered(complete, more, covered)
    return CriticalPoints(
        subject,
        tuple(Array(leaf) for leaf in leaves),
        surface.derivation,
        tuple(points.values()),
        tuple(families.found),
        complete,
    )


# -- without closed forms ------------------------------------------------------------------------------


def _enclosed(surface: Surface, known: Sequence[tuple[float, ...]]) -> tuple[list[CriticalPoint], bool]:
    """Further critical points in boxes that hold exactly one each, and whether a bounded domain was covered."""
    symbols = surface.symbols
    slopes = list(surface.slopes.values())
    try:
        search = Enclosing(slopes, symbols)
    except UnsupportedError:
        return [], False
    ends = [(leaf.domain.entries.low, leaf.domain.entries.high) for leaf in surface.leaves]
    reach = [_reach(a, b) for a, b in ends]
    covered = False
    try:
        zeros = None
        if all(a.is_finite and b.is_finite for a, b in ends):
            zeros = search.all_in(tuple(_ball_between(a, b) for a, b in ends))
            covered = zeros is not None
        if zeros is None:
            zeros = search.search(reach)
    except UnsupportedError:
        return [], False
    points = []
    for zero in zeros:
        at = dict(zip(symbols, zero.point, strict=True))
        near = tuple(float(v) for v in zero.point)
        if any(max(abs(a - b) for a, b in zip(near, other, strict=True)) < 1e-12 for other in known):
            continue
        at = _simple(surface, at)
        inside = surface.within(Place(surface.model, rationals(), {}, at, {}))
        if inside is None:
            covered = False
        if inside:
            points.append(_enclosed_point(surface, zero, at))
    return points, covered


def _reach(low: Expr, high: Expr) -> tuple[float, float]:
    """Where starts are taken: the domain, cut to a length that a search can have."""
    if low.is_finite:
        return float(low), float(high) if high.is_finite else float(low) + 2 * REACH
    return (float(high) - 2 * REACH, float(high)) if high.is_finite else (-REACH, REACH)


def _simple(surface: Surface, at: Mapping[Any, Expr]) -> dict[Any, Expr]:
    """Simple fractions instead of decimals, if these are zeros of the gradient exactly."""
    near = {s: Rational(v).limit_denominator(100) for s, v in at.items()}
    close = all(abs(near[s] - v) < Rational(1, 10**25) for s, v in at.items())
    exact = close and all(slope.subs(near) == 0 for slope in surface.slopes.values())
    return near if exact else dict(at)


def _enclosed_point(surface: Surface, zero: Zero, at: Mapping[Any, Expr]) -> CriticalPoint:
    """The classification of a point that is known by its box."""
    symbols, size = surface.symbols, len(surface.symbols)
    named = {name: at[s] for name, s in zip(surface.names, symbols, strict=True)}
    matrix = [[slope.diff(s) for s in symbols] for slope in surface.slopes.values()]
    signs = definite_signs(matrix, zero, symbols)
    text = at_text(named, {})
    if signs is None:
        kind, eigenvalues = DEGENERATE, (0, 0, size)
    else:
        kind = MINIMUM if signs[0] == size else MAXIMUM if signs[1] == size else SADDLE
        eigenvalues = (*signs, 0)
    strict = True if kind in (MINIMUM, MAXIMUM) else None
    claim = shortened(f"{text} is {with_article(described(kind, strict))} of {surface.subject}")
    lines = (
        f"within 1e-30 of {text} there is exactly one point with ∇f = 0 (Krawczyk's operator in ball arithmetic)",
        f"throughout that box the Hessian has {eigenvalues[0]} positive and {eigenvalues[1]} negative eigenvalues",
    )
    if kind == DEGENERATE:
        verdict = Verdict(Status.undecided, claim, reason=f"{lines[0]}; the signs of the eigenvalues were not settled")
    else:
        verdict = surface.resting(Verdict(Status.proved, claim, reason="; ".join(lines), trace=lines))
    value = surface.expression.subs(dict(at))
    value = value if value.is_Rational else value.evalf(20)
    return CriticalPoint(named, value, kind, strict, eigenvalues, {}, verdict.reason, verdict)


def _covered(complete: Verdict, found: Sequence[CriticalPoint], covered: bool) -> Verdict:
    """What a search in boxes adds to what stayed open."""
    if covered:
        reason = f"the declared domain was covered with boxes; {complete.reason}"
        return replace(complete, status=Status.certified, reason=reason)
    about = f"a search from a grid of starts found {len(found)}, each in a box that holds exactly one"
    return replace(complete, reason=f"{complete.reason}; {about}; declare a bounded domain to have it covered")


def _ball_between(low: Expr, high: Expr) -> arb:
    with precision(ENCLOSING_BITS):
        a, b = (ball_of(x, {}) for x in (low, high))
        return a.union(b)


def _complete(surface: Surface, unknown: Sequence[str]) -> Verdict:
    names = ", ".join(surface.names)
    claim = shortened(f"{surface.subject} has no other critical points by {names}")
    edges = [
        leaf.name
        for leaf in surface.leaves
        for end, is_open in (
            (leaf.domain.entries.low, leaf.domain.entries.low_open),
            (leaf.domain.entries.high, leaf.domain.entries.high_open),
        )
        if end.is_finite and not is_open
    ]
    about = f"; the edge of the domain of {', '.join(dict.fromkeys(edges))} is not looked at" if edges else ""
    if unknown:
        return Verdict(Status.undecided, claim, reason="; ".join(dict.fromkeys(unknown)) + about)
    how = "∇f = 0 was solved exactly over the reals, and every solution was put back into it"
    return surface.resting(Verdict(Status.proved, claim, reason=how + about, trace=(how,)))


# -- one given point ------------------------------------------------------------------------------------


def judge_extremum(kind: str, surface: Surface, at: Mapping[str, Expr]) -> Verdict:
    """Whether a point of scalar variables is a minimum, a maximum or a saddle.

    ``at`` has exact numbers by name.  ``refuted`` where the gradient is not 0 there, or where the
    point is shown to be something else.
    """
    text = at_text(at, {})
    claim = shortened(f"{text} is a {kind} of {surface.subject}")
    exact = {name: (Fraction(int(v.p), int(v.q)) if v.is_Rational else str(v)) for name, v in at.items()}
    try:
        place = place_at(surface, at)
        inside = surface.within(place)
        if not inside:
            where = "on the edge of the domain, or outside" if inside is False else "in the domain, which is not known"
            return Verdict(Status.undecided, claim, reason=f"{text} lies {where}")
        for s, slope in surface.slopes.items():
            value = place.value(slope)
            if not value.is_zero:
                found = number_text(value.to_sympy())
                point = Counterexample({}, exact, f"∂f/∂{s} = {found}", "0", float(value), 0.0)
                hint = "give an exact number such as sympy.sqrt(2)" if abs(float(value)) < 1e-9 else ""
                reason = "the gradient there is not 0"
                return Verdict(Status.refuted, claim, reason=reason, counterexample=point, hint=hint)
    except (NotExactError, OpenSystemError) as error:
        return Verdict(Status.undecided, claim, reason=f"the gradient there has no exact value: {error}")
    found_point = surface.point(place)
    if found_point.classification == kind:
        return replace(found_point.verdict, claim=claim)
    if found_point.classification == DEGENERATE:
        return replace(found_point.verdict, claim=claim, status=Status.undecided)
    what = described(found_point.classification, found_point.strict)
    point = Counterexample({}, exact, f"f = {number_text(found_point.value)}", found_point.reason)
    reason = f"it is {with_article(what)}: {found_point.reason}"
    return Verdict(Status.refuted, claim, reason=reason, counterexample=point, trace=found_point.verdict.trace)


def place_at(surface: Surface, at: Mapping[str, Expr]) -> Place:
    """Exact numbers as a place: the number field of the roots that they need."""
    model = surface.model
    for expression in (surface.expression, *surface.slopes.values(), *(e for _, e in surface.needed)):
        model.read(expression)
    coordinates = {s: at[name] for s, name in zip(surface.symbols, surface.names, strict=True)}
    for s in surface.symbols:
        model.read(s)
    meanings = {symbol: g.meaning.xreplace(coordinates) for symbol, g in model.generators.items()}
    given = sorted({r for value in meanings.values() for r in value.atoms(ComplexRootOf)}, key=str)
    roots = {r: Dummy("root") for r in given}
    numbers = Model(tuple(roots.values()))
    targets: dict[Any, Expr] = {}
    for symbol, value in meanings.items():
        with suppress(OpenSystemError):
            targets[symbol] = numbers.read(value.xreplace(roots))
    wanted = [g.symbol for g in numbers.generators.values() if g.kind == "root"]
    gens = [*wanted, *roots.values()]
    equations = [*numbers.relations, *(r.poly.as_expr().subs(r.poly.gen, s) for r, s in roots.items())]
    fits = [(rationals(), {})] if not gens else [
        (field, values)
        for field, values in solve_finite([Poly(e, *gens, domain="QQ") for e in equations], gens)
        if all(values[s].sign() > 0 for s in wanted)
        and all(abs(float(values[s]) - float(r.evalf(30))) < 1e-9 for r, s in roots.items())
    ]
    if len(fits) != 1:
        raise NotExactError(f"the numbers {at_text(at, {})} were not told apart from others")
    field, values = fits[0]
    known = Place(numbers, field, values, {}, {})
    found: dict[Any, Exact] = {}
    for symbol, target in targets.items():
        with suppress(NotExactError):
            found[symbol] = known.of_generators(target)
    return Place(model, field, found, coordinates, {})


# -- numbers and texts --------------------------------------------------------------------------------


def number_sign(value: Expr) -> int | None:
    """The sign of a SymPy number: from 60 digits, or 0 where it simplifies to 0; None where neither tells."""
    if value.is_Rational:
        return 1 if value > 0 else -1 if value < 0 else 0
    near = value.evalf(60, maxn=400)
    if near.is_real and near.is_comparable and abs(near) > Integer(10) ** -40:
        return 1 if near > 0 else -1
    return 0 if sympy_simplify(value) == 0 else None


def _ceiling(value: Expr) -> int:
    made = value.ceiling() if value.is_Rational else sympy_simplify(value).evalf(60).ceiling()
    return int(made)


def _floor(value: Expr) -> int:
    made = value.floor() if value.is_Rational else sympy_simplify(value).evalf(60).floor()
    return int(made)


def number_text(value: Any) -> str:
    """A number as it is shown: a root of a longer polynomial as a decimal with dots."""
    text = str(value)
    if isinstance(value, Array):
        return text
    if "CRootOf" in text or len(text) > 40:
        return f"{value.evalf(7)}..."
    return text


def at_text(at: Mapping[str, Any], periods: Mapping[str, Expr]) -> str:
    """Coordinates on one line."""
    parts = []
    for name, value in at.items():
        tail = f" + {periods[name]}*k" if name in periods else ""
        parts.append(f"{name} = {number_text(value)}{tail}")
    return ", ".join(parts)


def _equations_text(equations: Sequence[Any]) -> str:
    parts = [str(e) if isinstance(e, Relation) else f"{e} == 0" for e in equations]
    return " and ".join(parts) or "any coordinates"


def described(kind: str, strict: bool | None) -> str:
    """A classification, "strict" before minima and maxima that are."""
    return f"strict {kind}" if strict and kind in OPPOSITE else kind


def with_article(text: str) -> str:
    """A classification in a sentence."""
    return f"a {text} point" if text == DEGENERATE else f"a {text}"


__all__ = [
    "DEGENERATE",
    "REACH",
    "VARIES",
    "CriticalFamily",
    "CriticalPoint",
    "CriticalPoints",
    "Families",
    "Surface",
    "at_text",
    "critical_points",
    "described",
    "judge_extremum",
    "number_sign",
    "number_text",
    "of_arrays",
    "of_scalars",
    "place_at",
    "with_article",
]
