"""All real solutions of equations between polynomials, roots, exponentials, logarithms, sines and cosines.

Each transcendental part becomes a generator: exp(m), (cos m, sin m) with c² + s² = 1, log x, and a
root r with r^q = base.  In the generators the equations are polynomials, and these are solved
completely: factors that are never 0 over the reals go, products branch, sums of even powers are
taken apart, a Gröbner basis decides, and a finite set of solutions is written as the real roots of
one polynomial (rational univariate representation).  That none is missing is counted by the rank of
the trace form, and every solution is put back into the equations exactly.

Generators of one variable cannot all be algebraic at once: exp(x), cos(x), sin(x) and log(x) are
transcendental at algebraic x other than 0 (log: 1), so that x beside exp(x) leaves x = 0 only.
What is neither finite nor algebraic is reported as open, never dropped.

Sources: F. Rouillier, Solving zero-dimensional systems through the rational univariate
representation, AAECC 9 (1999); D. Cox, J. Little and D. O'Shea, Using Algebraic Geometry, 2005,
2.5; A. Baker, Transcendental Number Theory, 1975, ch. 1-2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations, product
from math import lcm
from typing import Any, final

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz_poly
from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Mul,
    Poly,
    Pow,
    Rational,
    S,
    acos,
    cos,
    cosh,
    exp,
    expand,
    factor_list,
    fraction,
    groebner,
    log,
    pi,
    reduced,
    sin,
    sinh,
    tan,
    tanh,
    together,
)

from symderive.checking.exact_reals import (
    Exact,
    NotExactError,
    RealField,
    rationals,
    real_roots,
    to_fmpq,
)
from symderive.errors import UnsupportedError
from symderive.language.views.components import expit, logaddexp

MOST_SOLUTIONS = 80
"""How many complex solutions, counted with multiplicity, a system may have."""


class OpenSystemError(UnsupportedError):
    """A system whose solutions are neither finite in number nor algebraic, or too many."""


@final
@dataclass(frozen=True)
class Generator:
    """A symbol that stands for an expression: a variable, exp(m), cos(m), sin(m), log(x) or a root."""

    symbol: Any
    kind: str
    meaning: Expr
    argument: Expr
    positive: bool


@final
@dataclass
class Model:
    """Expressions in some variables as rational functions of generators.

    ``positive`` are the variables that are known to be > 0.
    """

    variables: tuple[Any, ...]
    positive: frozenset[Any] = frozenset()
    generators: dict[Any, Generator] = field(default_factory=dict)
    relations: list[Expr] = field(default_factory=list)
    bases: dict[Any, Generator] = field(default_factory=dict)
    scales: dict[Any, int] = field(default_factory=dict)

    def prepare(self, expressions: Iterable[Expr]) -> list[Expr]:
        """The expressions in elementary functions; the scale of each exponent and angle is fixed here."""
        made = [_elementary(e) for e in expressions]
        for expression in made:
            for part in expression.atoms(exp, sin, cos, tan):
                for rational, monomial in _linear_parts(part.args[0]):
                    key = _canonical(monomial)[1]
                    self.scales[key] = lcm(self.scales.get(key, 1), int(rational.q))
        return made

    # -- reading --------------------------------------------------------------------

    def read(self, expression: Expr) -> Expr:
        """An expression as a rational function of the generators."""
        if expression.is_Rational:
            return expression
        if expression in self.variables:
            return self._generator("variable", expression, expression, expression in self.positive).symbol
        if isinstance(expression, Add):
            return Add(*(self.read(a) for a in expression.args))
        if isinstance(expression, Mul):
            return Mul(*(self.read(a) for a in expression.args))
        if isinstance(expression, exp):
            return self._exponential(expression.args[0])
        if isinstance(expression, Pow):
            return self._power(*expression.as_base_exp())
        if isinstance(expression, cos | sin | tan):
            real, imaginary = self._angle(expression.args[0])
            if isinstance(expression, tan):
                return imaginary / real
            return real if isinstance(expression, cos) else imaginary
        if isinstance(expression, log):
            argument = expression.args[0]
            if argument in self.variables:
                self._generator("variable", argument, argument, True)
                return self._generator("log", expression, argument, False).symbol
        if expression is S.Exp1:
            return self._exponential(Integer(1))
        raise OpenSystemError(f"{_shown(expression)} is not read in systems of equations")

    def _generator(self, kind: str, meaning: Expr, argument: Expr, positive: bool) -> Generator:
        found = self.bases.get((kind, meaning))
        if found is None:
            symbol = meaning if kind == "variable" else Dummy(kind)
            found = Generator(symbol, kind, meaning, argument, positive)
            self.bases[(kind, meaning)] = found
            self.generators[symbol] = found
        return found

    def _exponential(self, argument: Expr) -> Expr:
        total: Expr = Integer(1)
        for rational, monomial in _linear_parts(argument):
            sign, key = _canonical(monomial)
            scale = self.scales.setdefault(key, int(rational.q))
            if scale % int(rational.q):
                raise OpenSystemError(f"exp({_shown(argument)}) is of a finer scale than the equations'")
            base = self._generator("exp", exp(key / scale), key / scale, True)
            total *= base.symbol ** (sign * rational * scale)
        return total

    def _power(self, base: Expr, exponent: Expr) -> Expr:
        if exponent.is_Integer:
            return self.read(base) ** exponent
        if not exponent.is_Rational:
            raise OpenSystemError(f"the power {_shown(base**exponent)} is not read in systems of equations")
        if base.is_Rational and base.is_negative:
            raise OpenSystemError(f"the root {_shown(base**exponent)} is not real")
        inner = self.read(base)
        q = int(exponent.q)
        known = self.bases.get(("root", (inner, q)))
        if known is None:
            known = Generator(Dummy("root"), "root", base ** Rational(1, q), base, True)
            self.bases[("root", (inner, q))] = known
            self.generators[known.symbol] = known
            top, bottom = fraction(together(inner))
            self.relations.append(bottom * known.symbol**q - top)
        return known.symbol ** int(exponent.p)

    def _angle(self, argument: Expr) -> tuple[Expr, Expr]:
        """(cos, sin) of a sum of multiples of angles."""
        real: Expr = Integer(1)
        imaginary: Expr = Integer(0)
        for rational, monomial in _linear_parts(argument):
            if monomial == pi:
                c, s = self.read(cos(rational * pi)), self.read(sin(rational * pi))
                times = 1
            else:
                sign, key = _canonical(monomial)
                scale = self.scales.setdefault(key, int(rational.q))
                angle = key / scale
                c = self._generator("cos", cos(angle), angle, False).symbol
                fresh = ("sin", sin(angle)) not in self.bases
                s = self._generator("sin", sin(angle), angle, False).symbol
                if fresh:
                    self.relations.append(c**2 + s**2 - 1)
                times = int(sign * rational * scale)
                if times < 0:
                    s, times = -s, -times
            for _ in range(times):
                real, imaginary = expand(real * c - imaginary * s), expand(real * s + imaginary * c)
        return real, imaginary

    # -- writing --------------------------------------------------------------------

    def written(self, expression: Expr) -> Expr:
        """An expression in the generators by what they mean."""
        return expression.xreplace({g.symbol: g.meaning for g in self.generators.values()})


def _shown(expression: object) -> str:
    text = str(expression)
    return text if len(text) <= 60 else text[:57] + "..."


def _elementary(expression: Expr) -> Expr:
    """Hyperbolic functions and sigmoids by exponentials."""
    made = expression.replace(expit, lambda x: 1 / (1 + exp(-x)))
    made = made.replace(logaddexp, lambda x, y: log(exp(x) + exp(y)))
    for function in (sinh, cosh, tanh):
        made = made.replace(function, lambda x, function=function: function(x).rewrite(exp))
    return made


def _linear_parts(argument: Expr) -> Iterator[tuple[Rational, Expr]]:
    """Rational multiples of monomials that sum to the argument; a constant is a multiple of 1."""
    for term in Add.make_args(expand(argument)):
        rational, rest = term.as_coeff_Mul(rational=True)
        if rational:
            yield rational, rest


def _canonical(monomial: Expr) -> tuple[int, Expr]:
    return (-1, -monomial) if monomial.could_extract_minus_sign() else (1, monomial)


# -- places -------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False)
class Place:
    """A real solution: exact values for generators, and the coordinates that follow.

    ``coordinates`` are SymPy numbers; ``periods`` says of an angle by how much it may be shifted.
    """

    model: Model
    field: RealField
    values: Mapping[Any, Exact]
    coordinates: Mapping[Any, Expr]
    periods: Mapping[Any, Expr]

    def value(self, expression: Expr) -> Exact:
        """A prepared expression at the place; NotExactError where it is no sum of a·exp(b)."""
        return self.of_generators(self.model.read(expression))

    def of_generators(self, made: Expr) -> Exact:
        """A rational function of the generators at the place."""
        if made.is_Rational:
            return self.field(made)
        if made.is_Symbol:
            return self.generator(made)
        if isinstance(made, Add):
            return reduce(lambda a, b: a + b, (self.of_generators(a) for a in made.args))
        if isinstance(made, Mul):
            return reduce(lambda a, b: a * b, (self.of_generators(a) for a in made.args))
        if isinstance(made, Pow) and made.exp.is_Integer:
            return self.of_generators(made.base) ** int(made.exp)
        raise NotExactError(f"{_shown(made)} is not a rational function")

    def generator(self, symbol: Any) -> Exact:
        """The value of a generator: solved for, or following from a variable's."""
        if symbol in self.values:
            return self.values[symbol]
        known = self.model.generators[symbol]
        if known.kind == "exp":
            return self.value(known.argument).exp()
        if known.kind in ("cos", "sin") and self.value(known.argument).is_zero:
            return self.field(1 if known.kind == "cos" else 0)
        if known.kind == "log" and (self.value(known.argument) - 1).is_zero:
            return self.field(0)
        if known.kind == "variable":
            for other in self.model.generators.values():
                if other.kind == "log" and other.argument == symbol and other.symbol in self.values:
                    return self.values[other.symbol].exp()
        raise NotExactError(f"{known.meaning} is not algebraic there")


@final
@dataclass(frozen=True)
class Component:
    """Infinitely many solutions: those of equations, each an expression that is 0."""

    equations: tuple[Expr, ...]
    polynomial: bool


@final
@dataclass(frozen=True)
class Solutions:
    """The real solutions: single places, components, and why others may be missing ("" if none are)."""

    places: tuple[Place, ...]
    components: tuple[Component, ...]
    open: tuple[str, ...]


def solve(model: Model, equations: Sequence[Expr]) -> Solutions:
    """Every real solution of prepared expressions set to 0.

    >>> from sympy import Symbol
    >>> x, y = Symbol("x", real=True), Symbol("y", real=True)
    >>> found = solve(Model((x, y)), [x**2 + y**2 - 2, x - y])
    >>> [tuple(place.coordinates.values()) for place in found.places], found.open
    ([(-1, -1), (1, 1)], ())
    """
    try:
        polynomials = [fraction(together(model.read(e)))[0] for e in equations]
    except OpenSystemError as error:
        return Solutions((), (), (str(error),))
    return _Solver(model).run(polynomials)


def even_terms(model: Model, p: Poly) -> list[Poly] | None:
    """The terms of a sum of terms of one sign: it is 0 exactly where all of them are."""
    signs = set()
    for powers, coefficient in p.terms():
        if any(e % 2 and not model.generators[s].positive for s, e in zip(p.gens, powers, strict=True)):
            return None
        signs.add(bool(coefficient > 0))
    if len(signs) > 1:
        return None
    return [Poly({m: 1}, *p.gens, domain="QQ") for m, _ in p.terms()]


def steady_sign(model: Model, p: Poly) -> int:
    """1 or -1 where a polynomial is shown to have this sign wherever positive generators are > 0; else 0."""
    if p.is_ground:
        return 0 if p.is_zero else (1 if p.LC() > 0 else -1)
    parts = even_terms(model, p)
    if parts is not None:
        for part in parts:
            (powers,) = part.monoms()
            if all(not e or model.generators[s].positive for s, e in zip(p.gens, powers, strict=True)):
                return 1 if p.LC() > 0 else -1
    if len(p.free_symbols) == 1:
        (symbol,) = p.free_symbols
        integer = Poly(p.as_expr(), symbol).clear_denoms()[1]
        whole = fmpz_poly([int(c) for c in reversed(integer.all_coeffs())])
        roots = real_roots(whole // whole.gcd(whole.derivative()))
        if model.generators[symbol].positive:
            roots = [r for r in roots if not r < 0]
        if not roots:
            return 1 if integer.eval(1) > 0 else -1
    return 0


def signed_factors(model: Model, expression: Expr, strict: bool = False) -> tuple[int, list[Poly]]:
    """The sign of a prepared expression as (sign of what has one, the factors that are left).

    Factors of even power and sums of even powers are >= 0 and go, unless ``strict`` asks for a sign
    that is never 0; (0, []) is the expression 0.

    >>> from sympy import Symbol
    >>> x, y = Symbol("x", real=True), Symbol("y", real=True)
    >>> signed_factors(Model((x, y)), -(x**2 + 1) * y**2)
    (-1, [])
    """
    gens_before = model.read(expression)
    symbols = list(model.generators)
    if not symbols:
        return (0 if gens_before == 0 else (1 if gens_before > 0 else -1)), []
    sign, left = 1, []
    for part in fraction(together(gens_before)):
        lead, factors = factor_list(Poly(part, *symbols, domain="QQ"))
        if lead == 0:
            return 0, []
        sign *= 1 if lead > 0 else -1
        for factor, k in factors:
            steady = steady_sign(model, factor)
            if steady:
                sign *= steady**k
            elif strict:
                left.append(factor)
            elif k % 2:
                terms = even_terms(model, factor)
                if terms is None:
                    left.append(factor)
                else:  # >= 0 or <= 0, not more
                    sign *= 1 if factor.LC() > 0 else -1
    return sign, left


class _Solver:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.symbols = list(model.generators)
        self.places: list[Place] = []
        self.components: list[Component] = []
        self.open: dict[str, None] = {}

    def run(self, polynomials: Sequence[Expr]) -> Solutions:
        """Solve in branches, then drop what another branch has too."""
        if not self.symbols:
            if all(p == 0 for p in polynomials):
                return Solutions((), (Component((), True),), ())
            return Solutions((), (), ())
        seen: set[frozenset[Any]] = set()
        for system in self.branches([Poly(p, *self.symbols, domain="QQ") for p in polynomials], 0):
            key = frozenset(system)
            if key not in seen:
                seen.add(key)
                self.finish(system)
        inner: dict[tuple[Expr, ...], Place] = {}
        for place in self.places:
            inner.setdefault(tuple(place.coordinates.values()), place)
        ordered = sorted(inner.values(), key=lambda p: [float(c) for c in p.coordinates.values()])
        components = self.maximal()
        alone = [p for p in ordered if not any(self.lies_on(p, c) for c in components)]
        return Solutions(tuple(alone), tuple(components), tuple(self.open))

    # -- branching --------------------------------------------------------------------

    def branches(self, system: list[Poly], depth: int) -> Iterator[list[Poly]]:
        """Systems of irreducible polynomials whose real solutions are together those of the system."""
        if depth > 60:
            self.open["the system branches too often"] = None
            return
        kept: list[Poly] = []
        for place, p in enumerate(system):
            if p.is_zero:
                continue
            factors = [_normal(f) for f, _ in factor_list(p)[1]] if not p.is_ground else []
            factors = [f for f in factors if not steady_sign(self.model, f)]
            if not factors:
                return
            if len(factors) > 1:
                for factor in factors:
                    yield from self.branches([*kept, factor, *system[place + 1 :]], depth + 1)
                return
            (factor,) = factors
            parts = even_terms(self.model, factor)
            if parts is not None and len(parts) > 1:
                yield from self.branches([*kept, *parts, *system[place + 1 :]], depth + 1)
                return
            if factor not in kept:
                kept.append(factor)
        basis = self.basis([*kept, *self.relations_of(kept)])
        if any(p.is_ground for p in basis):
            return
        for p in basis:
            factors = [f for f, _ in factor_list(p)[1]]
            real = [f for f in factors if not steady_sign(self.model, f)]
            if not real:
                return
            parts = even_terms(self.model, real[0]) if len(real) == 1 else None
            if len(factors) > 1 or factor_list(p)[1][0][1] > 1 or (parts is not None and len(parts) > 1):
                yield from self.branches([p, *kept], depth + 1)
                return
        yield kept

    def relations_of(self, system: Sequence[Poly]) -> list[Poly]:
        """The relations among the generators that occur, and what these bring in."""
        used = self.used(system)
        found: list[Poly] = []
        waiting = [Poly(r, *self.symbols, domain="QQ") for r in self.model.relations]
        while True:
            # A root joins as soon as all that it is a root of is there: its sign is wanted later.
            ready = [
                p
                for p in waiting
                if {s for s in p.free_symbols if self.model.generators[s].kind != "root"} <= used
                or any(s in used and self.model.generators[s].kind != "variable" for s in p.free_symbols)
            ]
            if not ready:
                return found
            found += ready
            used |= self.used(ready)
            waiting = [p for p in waiting if p not in ready]

    def used(self, system: Iterable[Poly]) -> set[Any]:
        return {s for p in system for s in p.free_symbols}

    def basis(self, system: Sequence[Poly]) -> list[Poly]:
        """A Gröbner basis in the generators that occur."""
        symbols = [s for s in self.symbols if s in self.used(system)]
        if not system or not symbols:
            return []
        made = groebner([p.as_expr() for p in system], *symbols, order="grevlex", domain="QQ")
        return [Poly(p.as_expr(), *self.symbols, domain="QQ") for p in made.polys]

    # -- one system -------------------------------------------------------------------

    def finish(self, system: list[Poly]) -> None:
        """The solutions of a system of irreducible polynomials."""
        full = [*system, *self.relations_of(system)]
        used = [s for s in self.symbols if s in self.used(full)]
        basis = self.basis(full)
        known = self.trivial(basis, used)
        if known:
            for more in self.branches([*system, *known], 0):
                self.finish(more)
            return
        if not used or not self.finite(basis, used):
            values = self.forced(basis, used)
            if values is None:
                self.component(system, used)
            else:
                self.place(rationals(), values, system)
            return
        try:
            found = solve_finite([Poly(p.as_expr(), *used, domain="QQ") for p in full], used)
        except OpenSystemError as error:
            self.open[str(error)] = None
            return
        for number_field, values in found:
            if any(self.model.generators[s].positive and v.sign() <= 0 for s, v in values.items()):
                continue
            self.place(number_field, values, system)

    def fixed(self, basis: Sequence[Poly]) -> set[Any]:
        """The variables that are 0 (1 beside a logarithm), and what their functions are there."""
        found: set[Any] = set()
        for s in self.model.variables:
            own = [g for g in self.model.generators.values() if g.kind != "variable" and s in g.argument.free_symbols]
            value = 1 if any(g.kind == "log" for g in own) else 0
            if s not in self.symbols or not self.holds(Poly(s - value, *self.symbols, domain="QQ"), basis):
                continue
            for g in own:
                if g.argument.free_symbols != {s}:
                    continue
                there = {"exp": 1, "cos": 1, "sin": 0, "log": 0}.get(g.kind)
                at_zero = g.kind == "log" or g.argument.subs(s, value) == 0
                if there is not None and at_zero and self.holds(
                    Poly(g.symbol - there, *self.symbols, domain="QQ"), basis
                ):
                    found.add(g.symbol)
            found.add(s)
        return found

    def trivial(self, basis: Sequence[Poly], used: Sequence[Any]) -> list[Poly]:
        """What x = 0 says of exp(x), cos(x) and sin(x), and x = 1 of log(x), where they occur and are free."""
        known: list[Poly] = []
        at = {s: next((v for v in (0, 1) if Poly(s - v, *self.symbols, domain="QQ") in basis), None) for s in used}
        values = {s: v for s, v in at.items() if v is not None}
        for s in used:
            g = self.model.generators[s]
            if g.kind in ("exp", "cos", "sin") and g.argument.xreplace(values) == 0:
                known.append(Poly(s - (0 if g.kind == "sin" else 1), *self.symbols, domain="QQ"))
            if g.kind == "log" and values.get(g.argument) == 1:
                known.append(Poly(s, *self.symbols, domain="QQ"))
            if values.get(s) == {"exp": 1, "log": 0}.get(g.kind, -1):
                where = g.argument if g.kind == "exp" else g.argument - 1
                if where.free_symbols <= set(used):
                    known.append(Poly(where, *self.symbols, domain="QQ"))
        for a, b in combinations([self.model.generators[s] for s in used], 2):
            # log x = log y, and exp(x) = exp(y), where x = y; functions of equal variables are equal.
            alone = all(len(g.argument.free_symbols) == 1 for g in (a, b))
            if a.kind != b.kind or a.kind in ("variable", "root") or not alone:
                continue
            inner = a.argument - b.argument
            shown = Poly(a.symbol - b.symbol, *self.symbols, domain="QQ")
            if a.argument.free_symbols | b.argument.free_symbols <= set(used):
                meant = Poly(inner, *self.symbols, domain="QQ")
                if a.kind in ("log", "exp") and self.holds(shown, basis):
                    known.append(meant)
                if self.holds(meant, basis):
                    known.append(shown)
        return [p for p in known if not self.holds(p, basis)]

    def holds(self, p: Poly, basis: Sequence[Poly]) -> bool:
        """Whether a polynomial is 0 modulo a Gröbner basis."""
        symbols = [s for s in self.symbols if s in self.used([*basis, p])]
        if not basis:
            return p.is_zero
        return reduced(p.as_expr(), [q.as_expr() for q in basis], *symbols, order="grevlex")[1] == 0

    def forced(self, basis: Sequence[Poly], used: Sequence[Any]) -> dict[Any, Exact] | None:
        """Values that follow one after the other: x = 2, then exp(x) = exp(2), then what is linear in the rest."""
        numbers = rationals()
        values: dict[Any, Exact] = {}
        while len(values) < len(used):
            before = len(values)
            for s in used:
                g = self.model.generators[s]
                if s not in values and g.kind == "exp":
                    inner = g.argument.free_symbols
                    if inner <= set(values) and all(values[v].is_algebraic for v in inner):
                        draft = Place(self.model, numbers, values, {}, {})
                        values[s] = draft.value(g.argument).exp()
            for p in basis:
                unknown = [s for s in p.free_symbols if s not in values]
                if len(unknown) == 1 and p.degree(unknown[0]) == 1:
                    top, bottom = Poly(p.as_expr(), unknown[0]).nth(0), Poly(p.as_expr(), unknown[0]).nth(1)
                    draft = Place(self.model, numbers, values, {}, {})
                    divisor = draft.of_generators(bottom)
                    if len(divisor.terms) == 1:
                        values[unknown[0]] = -(draft.of_generators(top) / divisor)
            if len(values) == before:
                return None
        draft = Place(self.model, numbers, values, {}, {})
        return values if all(draft.of_generators(p.as_expr()).is_zero for p in basis) else None

    def finite(self, basis: Sequence[Poly], used: Sequence[Any]) -> bool:
        """Whether each generator has a power as a leading term: finitely many complex solutions."""
        leading = [leading_monomial(p) for p in basis]
        alone = {self.symbols[next(k for k, e in enumerate(m) if e)] for m in leading if sum(map(bool, m)) == 1}
        return set(used) <= alone

    def place(self, number_field: RealField, values: dict[Any, Exact], system: list[Poly]) -> None:
        """Coordinates from the values of generators, if these can be met at once."""
        draft = Place(self.model, number_field, values, {}, {})
        coordinates: dict[Any, Expr] = {}
        periods: dict[Any, Expr] = {}
        bound: dict[Any, str] = {s: "variable" for s in self.model.variables if s in values}
        for symbol, v in values.items():
            known = self.model.generators[symbol]
            if known.kind in ("variable", "root"):
                continue
            if known.kind == "log":
                if known.argument in values:
                    if not (v.is_zero and (values[known.argument] - 1).is_zero):
                        return  # log(a) is transcendental for algebraic a > 0 other than 1
                    continue
                bound[known.argument] = "log"
                coordinates[known.argument] = exp(v.to_sympy())
                continue
            inner = known.argument.free_symbols & set(self.model.variables)
            if all(bound.get(s) == "variable" for s in inner):
                # exp, cos and sin of an algebraic number other than 0 are transcendental
                try:
                    zero = draft.value(known.argument).is_zero
                except NotExactError:
                    self.open[f"{known.meaning} at an algebraic place"] = None
                    return
                if known.kind == "exp" and not v.is_algebraic:
                    continue  # computed from the argument
                wanted = 0 if known.kind == "sin" else 1
                if not zero or not (v - wanted).is_zero:
                    return
        for symbol, v in values.items():
            known = self.model.generators[symbol]
            inner = known.argument.free_symbols & set(self.model.variables)
            if known.kind not in ("exp", "cos") or all(bound.get(s) == "variable" for s in inner):
                continue
            if len(inner) != 1 or known.argument.diff(next(iter(inner))).free_symbols:
                self.component(system, list(values))
                return
            (variable,) = inner
            if bound.setdefault(variable, known.kind) != known.kind:
                if not self.both_trivial(values, variable):
                    return  # a^i is transcendental for algebraic a > 0 other than 1 (Gelfond and Schneider)
                coordinates[variable] = Integer(0)
                continue
            factor = known.argument / variable
            if known.kind == "exp":
                coordinates[variable] = log(v.to_sympy()) / factor
            else:
                s = values[self.model.bases[("sin", sin(known.argument))].symbol]
                coordinates[variable] = angle(v, s) / factor
                periods[variable] = abs(2 * pi / factor)
        for s in self.model.variables:
            if s in values:
                coordinates[s] = values[s].to_sympy()
        missing = [s for s in self.model.variables if s not in coordinates]
        if missing:
            self.component(system, list(values))
            return
        ordered = {s: coordinates[s] for s in self.model.variables}
        self.places.append(Place(self.model, number_field, values, ordered, periods))

    def both_trivial(self, values: Mapping[Any, Exact], variable: Any) -> bool:
        """exp(x) = 1 beside cos(x) = 1."""
        found = [
            v
            for s, v in values.items()
            if self.model.generators[s].kind in ("exp", "cos")
            and variable in self.model.generators[s].argument.free_symbols
        ]
        return all((v - 1).is_zero for v in found)

    def component(self, system: Sequence[Poly], used: Sequence[Any]) -> None:
        """Infinitely many solutions, if the generators that occur are free of each other."""
        kinds: dict[Any, set[Any]] = {}
        fixed = self.fixed(self.basis([*system, *self.relations_of(system)]))
        for symbol in used:
            known = self.model.generators[symbol]
            if known.kind == "root" or symbol in fixed:
                continue  # at x = 0, where exp(x) is 1: nothing is left to be tied together
            kind = "angle" if known.kind in ("cos", "sin") else known.kind
            inner = known.argument.free_symbols
            alone = len(inner) == 1 and not known.argument.diff(*inner).free_symbols
            for variable in inner:
                kinds.setdefault(variable, set()).add((kind, None if alone else known.argument))
        implied = fixed - set(self.model.variables)
        kept = [p for p in system if not p.free_symbols <= implied or p.is_ground]
        equations = tuple(self.model.written(p.as_expr()) for p in kept)
        if any(len(found) > 1 for found in kinds.values()):
            self.open[f"the solutions of {_zeros(equations)} are transcendental"] = None
            return
        polynomial = all(found == {("variable", None)} for found in kinds.values())
        self.components.append(Component(equations, polynomial))

    def maximal(self) -> list[Component]:
        """The components that are in no other one."""
        kept: list[Component] = []
        for k, c in enumerate(self.components):
            others = [d for j, d in enumerate(self.components) if j != k and (d.equations != c.equations or j < k)]
            if not any(self.within(c, d) for d in others):
                kept.append(c)
        return kept

    def within(self, small: Component, big: Component) -> bool:
        """Whether the equations of ``big`` follow from those of ``small`` in the generators."""
        if not small.equations:
            return not big.equations
        made = [Poly(self.model.read(e), *self.symbols, domain="QQ") for e in small.equations]
        symbols = [s for s in self.symbols if s in self.used([*made, *self.relations_of(made)])]
        basis = groebner([p.as_expr() for p in (*made, *self.relations_of(made))], *symbols, order="grevlex")
        wanted = [self.model.read(e) for e in big.equations]
        return all(e.free_symbols <= set(symbols) and basis.contains(e) for e in wanted)

    def lies_on(self, place: Place, component: Component) -> bool:
        """Whether a place solves a component's equations."""
        try:
            return all(place.value(e).is_zero for e in component.equations)
        except NotExactError:
            return False


def _zeros(equations: Sequence[Expr]) -> str:
    return ", ".join(f"{_shown(e)} = 0" for e in equations)


def angle(c: Exact, s: Exact) -> Expr:
    """The angle in (-π, π] with this cosine and sine."""
    if s.is_zero:
        return Integer(0) if c.sign() > 0 else pi
    return s.sign() * acos(c.to_sympy())


# -- finitely many solutions ----------------------------------------------------------------------


def solve_finite(system: Sequence[Poly], symbols: Sequence[Any]) -> list[tuple[RealField, dict[Any, Exact]]]:
    """All real solutions of a system with finitely many complex ones, as elements of number fields.

    ``symbols`` are the polynomials' generators, in order.
    """
    basis = groebner([p.as_expr() for p in system], *symbols, order="grevlex", domain="QQ")
    leading = [leading_monomial(p) for p in basis.polys]
    if any(not any(m) for m in leading):
        return []
    monomials = _standard(leading, len(symbols))
    quotient = _Quotient(basis, monomials, symbols)
    found: list[tuple[RealField, dict[Any, Exact]]] = []
    for modulus, values in quotient.solutions():
        integer = fmpz_poly(modulus.numer())
        for index in range(len(real_roots(integer))):
            number_field = rationals() if modulus.degree() == 1 else RealField(modulus, index)
            if modulus.degree() == 1:
                at = -modulus[0] / modulus[1]
                solution = {s: number_field(v(at)) for s, v in zip(symbols, values, strict=True)}
            else:
                solution = {s: number_field(v) for s, v in zip(symbols, values, strict=True)}
            _put_back(system, solution, number_field)
            found.append((number_field, solution))
    return found


def _normal(p: Poly) -> Poly:
    """An irreducible factor up to a constant."""
    primitive = p.clear_denoms()[1].primitive()[1]
    made = -primitive if primitive.LC() < 0 else primitive
    return Poly(made.as_expr(), *p.gens, domain="QQ")


def leading_monomial(p: Poly) -> tuple[int, ...]:
    """The leading monomial in graded reverse lexicographic order."""
    return max((tuple(map(int, m)) for m in p.monoms()), key=lambda m: (sum(m), tuple(-e for e in reversed(m))))


def _put_back(system: Sequence[Poly], solution: Mapping[Any, Exact], number_field: RealField) -> None:
    """Every equation holds exactly at a solution; anything else is a bug."""
    for p in system:
        total = number_field(0)
        for powers, coefficient in p.terms():
            term = number_field(Rational(coefficient))
            for s, e in zip(p.gens, powers, strict=True):
                term = term * solution[s] ** e
            total = total + term
        if not total.is_zero:  # pragma: no cover
            raise AssertionError(f"{p.as_expr()} is {total} at a solution; this is a bug in symderive")


def _standard(leading: Sequence[tuple[int, ...]], size: int) -> list[tuple[int, ...]]:
    """The monomials that no leading term divides."""
    heights = []
    for k in range(size):
        powers = [m[k] for m in leading if m[k] == sum(m)]
        if not powers:
            raise OpenSystemError("the system has infinitely many complex solutions")
        heights.append(min(powers))
    found: list[tuple[int, ...]] = []
    for m in product(*(range(h) for h in heights)):
        if not any(all(a >= b for a, b in zip(m, lead, strict=True)) for lead in leading):
            found.append(m)
        if len(found) > MOST_SOLUTIONS:
            raise OpenSystemError(f"the system has more than {MOST_SOLUTIONS} complex solutions")
    return found


class _Quotient:
    """Q[symbols] modulo the system, as matrices of multiplication."""

    def __init__(self, basis: Any, monomials: list[tuple[int, ...]], symbols: Sequence[Any]) -> None:
        self.size = len(monomials)
        self.symbols = symbols
        self.monomials = monomials
        self.place = {m: k for k, m in enumerate(monomials)}
        self.matrices = [self.multiplication(basis, k) for k in range(len(symbols))]
        # The trace of multiplication by each standard monomial.
        self.products = [self.monomial_matrix(m) for m in monomials]
        self.traces = [sum((p[i, i] for i in range(self.size)), fmpq(0)) for p in self.products]

    def multiplication(self, basis: Any, k: int) -> fmpq_mat:
        """Column j is symbol k times monomial j, reduced."""
        matrix = fmpq_mat(self.size, self.size)
        for j, m in enumerate(self.monomials):
            raised = (*m[:k], m[k] + 1, *m[k + 1 :])
            if raised in self.place:
                matrix[self.place[raised], j] = fmpq(1)
                continue
            expression = Mul(*(s**e for s, e in zip(self.symbols, raised, strict=True)))
            _, rest = basis.reduce(expression)
            for powers, coefficient in Poly(rest, *self.symbols, domain="QQ").terms():
                if coefficient:
                    matrix[self.place[tuple(map(int, powers))], j] = to_fmpq(Rational(coefficient))
        return matrix

    def monomial_matrix(self, m: tuple[int, ...]) -> fmpq_mat:
        made = fmpq_mat(self.size, self.size, [fmpq(int(i == j)) for i in range(self.size) for j in range(self.size)])
        for matrix, e in zip(self.matrices, m, strict=True):
            for _ in range(e):
                made = made * matrix
        return made

    def trace(self, column: fmpq_mat) -> fmpq:
        """The trace of multiplication by an element given as a column."""
        return sum((column[k, 0] * self.traces[k] for k in range(self.size)), fmpq(0))

    def distinct(self) -> int:
        """How many different complex solutions: the rank of the trace form."""
        one = self.column((0,) * len(self.symbols))
        form = fmpq_mat(self.size, self.size)
        for i in range(self.size):
            for j in range(i, self.size):
                form[i, j] = form[j, i] = self.trace(self.products[i] * (self.products[j] * one))
        return form.rank()

    def column(self, m: tuple[int, ...]) -> fmpq_mat:
        made = fmpq_mat(self.size, 1)
        made[self.place[m], 0] = fmpq(1)
        return made

    def separating(self) -> tuple[fmpq_mat, fmpq_poly]:
        """Multiplication by a linear form with different values at different solutions; its square-free polynomial."""
        wanted = self.distinct()
        count = len(self.symbols)
        weights: list[list[int]] = [[int(k == j) for j in range(count)] for k in range(count)]
        weights += [[base**j for j in range(count)] for base in (1, -1, *range(2, 3 + wanted * wanted))]
        for weight in weights:
            matrix = fmpq_mat(self.size, self.size)
            for w, m in zip(weight, self.matrices, strict=True):
                matrix += m * fmpq(w)
            characteristic = matrix.charpoly()
            common = characteristic.gcd(characteristic.derivative())
            squarefree = characteristic // common
            if squarefree.degree() == wanted:
                return matrix, squarefree * (1 / squarefree[wanted])
        raise AssertionError("one of these forms separates the solutions")  # pragma: no cover

    def solutions(self) -> Iterator[tuple[fmpq_poly, list[fmpq_poly]]]:
        """Irreducible polynomials q, and each symbol as a polynomial in q's roots (Rouillier)."""
        matrix, p = self.separating()
        degree = p.degree()
        horner = [fmpq_poly([p[degree]])]
        for k in range(1, degree):
            horner.append(horner[-1] * fmpq_poly([0, 1]) + fmpq_poly([p[degree - k]]))
        one = self.column((0,) * len(self.symbols))

        def numerator(column: fmpq_mat) -> fmpq_poly:
            total = fmpq_poly([0])
            for j in range(degree):
                total += horner[degree - j - 1] * self.trace(column)
                column = matrix * column
            return total

        bottom = numerator(one)
        tops = [numerator(m * one) for m in self.matrices]
        for factor, _ in fmpz_poly(p.numer()).factor()[1]:
            q = fmpq_poly(factor)
            _, inverse, _ = (bottom % q).xgcd(q)
            yield q, [(top * inverse) % q for top in tops]


__all__ = [
    "Component",
    "Generator",
    "Model",
    "OpenSystemError",
    "Place",
    "Solutions",
    "angle",
    "even_terms",
    "leading_monomial",
    "signed_factors",
    "solve",
    "solve_finite",
    "steady_sign",
]
