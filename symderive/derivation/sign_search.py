"""The search for an argument of calculus that a scalar is >= 0 (`proofs.Argument`).

A goal is written as a SymPy expression and factored; factors of known sign go, and for what is left the search
looks, with floating-point samples as a guide only, for a place from which it is monotone both ways (an end of an
interval, a root of the slope, another variable), for concavity between two ends, for increasing functions on both
sides, and for cases.  Dividing by a positive factor first is what turns ``c·log A + B`` into a function with a
rational slope.  Everything found is made of nodes again, and the checker goes through it.

Sources: Hardy, Littlewood & Pólya, Inequalities, 4.1-4.3 (the differential calculus of inequalities); Mitrinović,
Analytic Inequalities, 1970, 2.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from sympy import (
    QQ,
    ZZ,
    Add,
    Dummy,
    Expr,
    Integer,
    Mul,
    Poly,
    PolynomialError,
    Pow,
    Rational,
    S,
    Symbol,
    ceiling,
    exp,
    floor,
    fraction,
    log,
)

from symderive.calculus.normal_form import Normaliser, decide_equal
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.calculus.residues import residue_cases, residue_classes, rounded_leaves
from symderive.derivation.argument_checks import (
    INCREASING,
    applied_to,
    case_relations,
    equal,
    on_piece,
    positive_constant,
    reaches,
    resolved,
    side_of_zero,
)
from symderive.derivation.expressions import (
    HIGHEST_POWER,
    argument_gap,
    divided,
    factored,
    hardness,
    homogeneous,
    is_transcendental_power,
    negative,
    simple_roots,
    split_logarithms,
    without_odd_powers,
)
from symderive.derivation.linear_combinations import combination
from symderive.derivation.log_sums import splits
from symderive.derivation.one_variable import (
    ANALYTIC,
    UNBOUNDED,
    along,
    defined,
    difference,
    ends,
    gap,
    grants,
    is_interval,
    mentions,
    pieces,
    scalar_analytic,
    slope,
    value_at,
    without,
)
from symderive.derivation.proofs import Argument, Instance
from symderive.derivation.samples import Context, Samples, samples_of
from symderive.derivation.squares import sum_of_squares
from symderive.language import build
from symderive.language.domains import integers, interval
from symderive.language.domains import nonnegative as NONNEGATIVE
from symderive.language.domains import positive as POSITIVE
from symderive.language.functions import meaning
from symderive.language.nodes import ONE, ZERO, Contraction, Leaf, Map, Node, Number, Sum
from symderive.language.statements import Relation

SIGN, STRICT, SQUARE = "nonnegative by its sign", "positive by its sign", "a square is >= 0"
LOG, STRICT_LOG = "log t <= t - 1", "log t < t - 1"
STEPS = 120
SECONDS = 2.0
_LONGEST = 12
"""Longer goals are not looked for among the sums of what is given."""
_PLAIN = 3
"""How deep the proof of what tangents leave may be: it has no logarithms and is simple, or it is of no use."""
_ROUNDS = 2000
_CUTS = 3
LONGEST = 4000
"""Numbers of more bits are left alone."""


class _Over(Exception):
    """The budget of a search is spent."""


@final
@dataclass(frozen=True)
class _Part:
    """A goal that is a part of another: what is given for it, and the variables that are new in it."""

    goal: Node
    given: tuple[Relation, ...]
    new: tuple[Leaf, ...] = ()


@final
@dataclass
class Search:
    """One search: samples, budget and what was tried."""

    samples: Samples
    seconds: float = SECONDS
    steps: int = STEPS
    memo: dict[Any, Argument | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.until = time.thread_time() + self.seconds

    def _tick(self) -> None:
        if time.thread_time() > self.until:
            raise _Over

    # -- the search --------------------------------------------------------------------

    def prove(self, goal: Node, given: Sequence[Relation], strict: bool = False, depth: int = 9) -> Argument | None:
        """An argument that the goal is >= 0 (> 0 where strict), or None."""
        self.steps -= 1
        if self.steps < 0 or time.thread_time() > self.until:
            raise _Over
        if depth < 0 or _has_long_numbers(goal):
            return None
        key = (goal, frozenset(given), strict)
        if key not in self.memo:
            self.memo[key] = None  # a goal is no part of its own proof
            with suppress(NotHandled, TooLarge, PolynomialError, NotImplementedError, ZeroDivisionError):
                self.memo[key] = self._prove(goal, tuple(given), strict, depth)
        return self.memo[key]

    def _prove(self, goal: Node, given: tuple[Relation, ...], strict: bool, depth: int) -> Argument | None:
        if not goal.leaves():
            if positive_constant(goal):
                return Argument("value of a constant", goal, strict, given)
            return self._zero(goal, given) if not strict else None
        kink = _kink(goal)
        if kink is not None:
            return self._by_cases(goal, *kink, given, strict, depth)
        if (classes := residue_classes(goal, given=given)) is not None:
            return self._by_residues(goal, classes, given, strict, depth)
        if not scalar_analytic(goal):
            return self._opened(goal, given, strict, depth)
        context = self.samples.context(given)
        if context.below(self.samples.expression(goal)):
            return None
        if grants(">" if strict else ">=", goal, context.normaliser):
            return self._signed(goal, self._plainly_signed(goal, context), Number(ONE), given, strict)
        expression = split_logarithms(self.samples.expression(goal), context.sign)
        if not strict and context.leaning(expression) == 0 and (zero := self._zero(goal, given)) is not None:
            return zero
        if any(r.op == "==" for r in given):
            return self._without_equalities(goal, expression, context, strict, depth)
        if (found := self._from_a_given_end(goal, context, strict)) is not None:
            return found
        weight, factors = self._factored(expression, context)
        if not factors:
            shown = self.node(weight)
            if grants(">" if strict else ">=", shown, context.normaliser):
                return self._signed(goal, shown, Number(ONE), given, strict)
            return self._zero(goal, given) if not strict else None
        whole = next((x for x in goal.leaves() if _is_whole(x) and not any(mentions(r, x) for r in given)), None)
        if whole is not None:
            entries = whole.domain.entries.tight
            closed = {(False, False): "both", (False, True): "left", (True, False): "right"}
            kind = closed.get((bool(entries.low.is_infinite), bool(entries.high.is_infinite)), "none")
            wide = interval(entries.low, entries.high, kind)
            found = self._wider(goal, whole, Leaf(whole.name, (), wide), given, strict, depth, self.prove)
            return found or self._in_parts(goal, whole, factors, given, strict, depth)
        if (found := self._in_pieces(goal, context, strict, depth)) is not None:
            return found
        if len(factors) == 1:
            return self._of_core(goal, weight, factors[0], context, strict, depth)
        return self._of_factors(goal, weight, factors, context, strict, depth)

    def _opened(self, goal: Node, given: tuple[Relation, ...], strict: bool, depth: int) -> Argument | None:
        """The goal with functions written as what they mean, -x·log x for entr x, where that is shown to be equal."""
        meant = {n: meaning(n.function, n.arguments) for n in goal.walk() if isinstance(n, Map)}
        plain = {n: m for n, m in meant.items() if m is not None and n.function not in ANALYTIC}
        normaliser = self.samples.context(given).normaliser
        for n in meant:
            if n.function == "cbrt" and grants(">=", n.arguments[0], normaliser):
                plain[n] = build.power(n.arguments[0], ONE / 3)
        opened = build.substitute(goal, plain)  # type: ignore[arg-type]
        if opened is goal or not scalar_analytic(opened):
            return None
        part = self.prove(opened, given, strict, depth - 1)
        if part is None or not equal(goal, opened, given):
            return None
        return Argument("sum of parts", goal, part.strict, given, (part,), nodes=(Number(ONE),))

    def _from_a_given_end(self, goal: Node, context: Context, strict: bool) -> Argument | None:
        """Monotone from an end that is given (y in x >= y), as the goal stands: where both parts show their signs."""
        given = context.given
        if strict or not given or defined(goal, context.normaliser):
            return None
        for variable in (leaf for leaf in goal.leaves() if is_interval(leaf)):
            for end in ends(variable, given):
                if end.source is None or end.value is None:
                    continue
                value = value_at(goal, variable, end.value, end.side, given)
                way = along(variable, end.value, end.side, given)
                steep = build.scale(end.side, slope(goal, variable))
                if not isinstance(value, Node) or not grants(">=", steep, Normaliser(way)):
                    continue
                outer = without(variable, given)
                first = self._zero(value, outer)
                made = Argument("monotone", goal, False, given, variable=variable, point=end.value, side=end.side)
                if first is None or reaches(made, variable, (end.side,)):
                    continue
                return replace(made, parts=(first, self._signed(steep, steep, Number(ONE), way, False)))
        return None

    def _in_pieces(self, goal: Node, context: Context, strict: bool, depth: int) -> Argument | None:
        """The goal at closed ends at which calculus does not see it defined, and between; or on both sides of 0."""
        given = context.given
        split = [leaf for leaf in goal.leaves() if not is_interval(leaf)]
        if not split and not defined(goal, context.normaliser):
            return None
        for leaf in split or goal.leaves():
            found = pieces(leaf)
            if not found or any(mentions(r, leaf) for r in given):
                continue
            goals = (
                _Part(
                    on_piece(goal, leaf, piece, context.normaliser),
                    (*given, *side_of_zero(leaf, piece)),
                    (piece,) if isinstance(piece, Leaf) else (),
                )
                for piece in found
            )
            parts = self._all(goals, strict, depth)
            if parts is not None:
                return Argument("pieces of the domain", goal, strict, given, parts, nodes=found, variable=leaf)
        return None

    def _all(self, goals: Iterable[_Part], strict: bool, depth: int) -> tuple[Argument, ...] | None:
        """Arguments for all of some goals; None where one has none."""
        parts = []
        for goal in goals:
            with self.samples.known(*goal.new):
                part = self.prove(goal.goal, goal.given, strict, depth - 1)
            if part is None:
                return None
            parts.append(part)
        return tuple(parts)

    def node(self, expression: Expr) -> Node:
        """The node of an expression."""
        return self.samples.node(expression)

    def _plainly_signed(self, goal: Node, context: Context) -> Node:
        """A goal whose sign is shown, in factors where that shows it to a reader."""
        signs = context.normaliser.signs
        if not context.normaliser.of(goal):
            return Number(ZERO)
        if signs.bounds(goal).sign in ("+", "0+"):
            return goal
        with suppress(NotHandled, PolynomialError):
            made = self.node(factored(self.samples.expression(goal)))
            if signs.bounds(made).sign in ("+", "0+") and decide_equal(goal, made, context.given).equal:
                return made
        return goal

    def _zero(self, goal: Node, given: tuple[Relation, ...]) -> Argument | None:
        zero = Number(ZERO)
        if not decide_equal(goal, zero, given).equal:
            return None
        return Argument("sum of parts", goal, False, given, instances=(Instance(SIGN, (zero,), Number(ONE), (), 0),))

    def _signed(self, goal: Node, shown: Node, weight: Node, given: tuple[Relation, ...], strict: bool) -> Argument:
        lemma = STRICT if grants(">", shown, Normaliser(given)) else SIGN
        return Argument("sum of parts", goal, strict, given, instances=(Instance(lemma, (shown,), weight, (), 0),))

    def _weighted(self, goal: Node, weight: Expr, part: Argument | None, context: Context) -> Argument | None:
        """The goal as weight·part; the part itself where that is the goal."""
        if part is None or part.goal is goal:
            return part
        w = self.node(weight)
        if not grants(">" if part.strict else ">=", w, context.normaliser):
            return None
        if not equal(goal, build.multiply(w, part.goal), context.given):
            return None
        return Argument("sum of parts", goal, part.strict, context.given, (part,), nodes=(w,))

    def _factored(self, expression: Expr, context: Context) -> tuple[Expr, list[Expr]]:
        """A weight of known sign > 0, and the factors whose sign is not known; together they are the expression."""
        weight: Expr = S.One
        unknown: list[Expr] = []
        made = factored(expression)
        for part in Mul.make_args(made):
            base, exponent = part.as_base_exp()
            if part.is_number:
                weight *= abs(part)
                unknown += [S.NegativeOne] if part.is_negative else []
                continue
            sign = context.sign(part)
            if sign in ("+", "-") or (exponent.is_even and exponent.is_positive):
                weight *= part if sign != "-" else -part
                unknown += [S.NegativeOne] if sign == "-" else []
            elif exponent.is_odd and exponent != 1:
                weight *= base ** (exponent - 1)
                unknown.append(base)
            else:
                unknown.append(part)
        sign = S.One
        kept = []
        for part in unknown:
            if part == -1:
                sign = -sign
            else:
                kept.append(part)
        if sign == -1:
            if kept:
                kept[0] = negative(kept[0])
            else:
                weight = -weight
        return weight, kept

    def _of_factors(
        self, goal: Node, weight: Expr, factors: list[Expr], context: Context, strict: bool, depth: int
    ) -> Argument | None:
        """Several factors of unknown sign: each >= 0, or all turning at the zeros of one."""
        leans = [context.leaning(f) for f in factors]
        if all(leans) and np.prod(leans) > 0:
            signed = (f if lean > 0 else negative(f) for lean, f in zip(leans, factors, strict=True))
            parts = self._all((_Part(self.node(f), context.given) for f in signed), strict, depth)
            if parts is None:
                return None
            made = build.multiply(*(p.goal for p in parts))
            inner = Argument("product of parts", made, strict, context.given, parts)
            return self._weighted(goal, weight, inner, context)
        if strict:
            return None
        for f in sorted((f for f, lean in zip(factors, leans, strict=True) if lean == 0), key=lambda f: f.count_ops()):
            base = argument_gap(f.as_base_exp()[0])
            if any(base.is_polynomial(s) and base.has(s) and Poly(base, s).degree() == 1 for s in self.samples.back):
                found = self._by_cases(goal, self.node(base), 1, context.given, strict, depth)
                if found is not None:
                    return found
        for variable in goal.leaves():  # odd functions, as x and tanh x, have one sign on either side of 0
            if is_interval(variable) and context.leaning(self.samples.symbols[variable]) == 0:
                return self._by_cases(goal, variable, 1, context.given, strict, depth)
        return None

    def _by_cases(
        self, goal: Node, node: Node, side: int, given: tuple[Relation, ...], strict: bool, depth: int
    ) -> Argument | None:
        kink = _kink(goal)
        if any(r.lhs is node for r in given) and (kink is None or kink[0] is not node):
            return None  # the cases are those that are given, and the goal is the same in both
        cases = zip(case_relations(node, side), (True, False), strict=True)
        goals = (_Part(resolved(goal, node, side, positive), (*given, relation)) for relation, positive in cases)
        parts = self._all(goals, strict, depth)
        return None if parts is None else Argument("cases", goal, strict, given, parts, point=node, side=side)

    def _without_equalities(
        self, goal: Node, expression: Expr, context: Context, strict: bool, depth: int
    ) -> Argument | None:
        """The goal made homogeneous by given totals (a + b + c = 1), which then are not needed any more."""
        rest = tuple(r for r in context.given if r.op != "==")
        opened = self.node(expression)
        for relation in context.given:
            if relation.op == "==":
                total = self.samples.expression(difference(relation.lhs, relation.rhs))
                expression = homogeneous(expression, total)
        part = self._on_wider_domains(self.node(expression), rest, strict, depth)
        if part is None or not equal(opened, part.goal, context.given) or not equal(goal, opened, context.given):
            return None
        inner = Argument("sum of parts", opened, part.strict, context.given, (part,), nodes=(Number(ONE),))
        return Argument("sum of parts", goal, part.strict, context.given, (inner,), nodes=(Number(ONE),))

    def _on_wider_domains(self, goal: Node, given: tuple[Relation, ...], strict: bool, depth: int) -> Argument | None:
        """A homogeneous goal is as true for all positive numbers as for those with a given total."""
        old = next((x for x in goal.leaves() if _bounded_above(x) and not any(mentions(r, x) for r in given)), None)
        if old is None:
            return self.prove(goal, given, strict, depth - 1)
        new = Leaf(old.name, (), POSITIVE if old.domain.entries.is_positive else NONNEGATIVE)
        return self._wider(goal, old, new, given, strict, depth, self._on_wider_domains)

    def _wider(
        self,
        goal: Node,
        old: Leaf,
        new: Leaf,
        given: tuple[Relation, ...],
        strict: bool,
        depth: int,
        go_on: Callable[[Node, tuple[Relation, ...], bool, int], Argument | None],
    ) -> Argument | None:
        """The goal with a variable over a wider domain, and then what else is to be done."""
        with self.samples.known(new):
            part = go_on(build.substitute(goal, {old: new}), given, strict, depth)
        if part is None:
            return None
        return Argument("wider domain", goal, strict, given, (part,), nodes=(new,), variable=old)

    # -- integers --------------------------------------------------------------------------

    def _in_parts(
        self, goal: Node, old: Leaf, factors: Sequence[Expr], given: tuple[Relation, ...], strict: bool, depth: int
    ) -> Argument | None:
        """The goal on both sides of a place between two integers where, over the reals, a factor has a root."""
        entries = old.domain.entries.tight
        kept = without(old, given)
        symbol = self.samples.symbols[old]
        roots = {r for f in factors for r in simple_roots(f, symbol) if r.is_number and r.is_real}
        cuts = sorted({int(ceiling(r)) for r in roots} | {int(floor(r)) + 1 for r in roots}, key=lambda c: (abs(c), c))
        for cut in (c for c in cuts[:_CUTS] if entries.low < c <= entries.high):
            halves = tuple(
                Leaf(old.name, (), integers(low, high)) for low, high in ((entries.low, cut - 1), (cut, entries.high))
            )
            goals = (_Part(build.substitute(goal, {old: new}), kept, (new,)) for new in halves)
            parts = self._all(goals, strict, depth)
            if parts is not None:
                return Argument("parts of the domain", goal, strict, given, parts, nodes=halves, variable=old)
        return None

    def _by_residues(
        self,
        goal: Node,
        classes: Sequence[Mapping[Node, Node]],
        given: tuple[Relation, ...],
        strict: bool,
        depth: int,
    ) -> Argument | None:
        """The goal in each residue class of the integers that it rounds, where that leaves nothing to round."""
        kept = given
        for leaf in rounded_leaves(goal):
            kept = without(leaf, kept)
        cases = [case for (case,) in residue_cases(goal, given=given) or ()]
        if any(residue_classes(case) is not None for case in cases):
            return None
        goals = (_Part(c, kept, tuple(leaf for leaf in c.leaves() if leaf not in self.samples.symbols)) for c in cases)
        parts = self._all(goals, strict, depth)
        if parts is None:
            return None
        nodes = tuple(value for values in classes for value in values.values())
        return Argument("residue classes", goal, strict, given, parts, nodes=nodes)

    # -- one factor ----------------------------------------------------------------------

    def _of_core(
        self, goal: Node, weight: Expr, core: Expr, context: Context, strict: bool, depth: int
    ) -> Argument | None:
        routes = (
            self._by_given,
            self._by_increasing,
            self._by_squares,
            self._by_tangents,
            self._by_logarithms,
            self._by_calculus,
            self._by_splitting,
        )
        for route in routes:
            for factor_, part in route(core, context, strict, depth):
                found = self._weighted(goal, weight * factor_, part, context)
                if found is not None:
                    return found
        return None

    def _by_increasing(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """f(a) - f(b), or a sum of logarithms with rational weights."""
        terms = Add.make_args(core)
        logs: list[tuple[Rational, Expr]] = []
        for term in terms:
            c, rest = term.as_coeff_Mul()
            if c.is_Rational and isinstance(rest, log):
                logs.append((c, rest.args[0]))  # type: ignore[arg-type]
            elif term.is_Rational:
                logs.append((term, S.Exp1))  # type: ignore[arg-type]
        if (
            0 < len(logs) < len(terms) < 4
            and any(a.has(exp) for _, a in logs)
            and not any(t.has(log) for t in terms if not isinstance(t.as_coeff_Mul()[1], log))
        ):
            # a sum with logarithms of exponentials: the other terms are logarithms of exponentials, too
            others = [t for t in terms if not t.is_Rational and not isinstance(t.as_coeff_Mul()[1], log)]
            logs += [
                (S.One if t.as_coeff_Mul()[0] > 0 else S.NegativeOne, exp(t if t.as_coeff_Mul()[0] > 0 else -t))
                for t in others
            ]  # type: ignore[misc]
        if len(logs) == len(terms) and any(a.free_symbols for _, a in logs):
            scale = Integer(1)
            for c, _ in logs:
                scale = scale * c.q // Integer(np.gcd(int(scale), int(c.q)))  # type: ignore[operator]
            # larger powers are no easier than the logarithms
            if sum(abs(c * scale) for c, a in logs if a.free_symbols) <= HIGHEST_POWER:
                up = Mul(*(a ** (c * scale) for c, a in logs if c > 0))
                down = Mul(*(a ** (-c * scale) for c, a in logs if c < 0))
                yield 1 / scale, self._same_order("log", up, down, context, strict, depth)
        if len(terms) == 2:
            (c1, one), (c2, two) = (t.as_coeff_Mul() for t in terms)
            if c1 == -c2 and one.func == two.func and len(one.args) == 1:
                if c1 < 0:
                    one, two, c1 = two, one, -c1
                node = self.node(one)
                if isinstance(node, Map) and node.function in INCREASING and node.function != "log":
                    a, b = one.args[0], two.args[0]
                    yield c1, self._same_order(node.function, a, b, context, strict, depth)  # type: ignore[arg-type]

    def _same_order(
        self, function: str, a: Expr, b: Expr, context: Context, strict: bool, depth: int
    ) -> Argument | None:
        """f(a) - f(b) from a - b."""
        nodes = (self.node(a), self.node(b))
        part = self.prove(difference(*nodes), context.given, strict, depth - 1)
        if part is None:
            return None
        goal = difference(*(applied_to(function, n) for n in nodes))
        return Argument("increasing function", goal, strict, context.given, (part,), nodes=nodes, function=function)

    def _by_squares(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """A polynomial as a sum of squares, on an orthant of squares times variables, perhaps after 1 + x² + y²."""
        symbols = sorted(core.free_symbols, key=str)
        if strict or not 1 < len(symbols) < 5 or not core.is_polynomial(*symbols):
            return
        signed = [s for s in symbols if grants(">=", self.samples.back[s], context.normaliser)]  # type: ignore[index]
        roots = {s: Dummy(str(s)) for s in signed}
        known = [roots.get(s, s) for s in symbols]
        plain = core.subs({s: r**2 for s, r in roots.items()}, simultaneous=True)
        for multiplier in (S.One, 1 + Add(*(s**2 for s in symbols))):
            self._tick()
            lifted = plain * multiplier.subs({s: r**2 for s, r in roots.items()}, simultaneous=True)
            made = Poly(lifted, *known)
            if made.domain not in (ZZ, QQ) or made.total_degree() > 12 or len(made.terms()) > 80:
                return
            found = sum_of_squares(made, _ROUNDS)
            if found is None:
                continue
            instances = []
            for weight, square in found.terms:
                taken = without_odd_powers(square, roots)
                if taken is None:
                    break
                extra, argument = taken
                instances.append(Instance(SQUARE, (self.node(argument),), self.node(weight * extra), (), 0))
            else:
                goal = self.node((core * multiplier).expand())
                yield 1 / multiplier, Argument("sum of parts", goal, False, context.given, instances=tuple(instances))
                return

    def _by_given(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """A sum of what is given and of products of two of these, with weights >= 0."""
        symbols = core.free_symbols
        if not context.given or len(Add.make_args(core)) > _LONGEST:
            return
        nodes: list[Node] = [node for relation in context.given if (node := gap(relation)) is not None]
        for leaf, symbol in self.samples.symbols.items():
            if symbol in symbols and self.samples.back.get(symbol) is leaf:
                for end, sign in ((leaf.domain.entries.low, 1), (leaf.domain.entries.high, -1)):
                    if end.is_finite:
                        nodes.append(build.scale(sign, difference(leaf, Number(end))))
        nodes = [n for n in dict.fromkeys(nodes) if grants(">=", n, context.normaliser)]
        if core.is_polynomial(*symbols) and any(Poly(core, s).degree() > 1 for s in symbols if core.has(s)):
            nodes += [build.multiply(a, b) for k, a in enumerate(nodes) for b in nodes[k:]]
        nodes.append(Number(ONE))
        found = combination(core, [self.samples.expression(n) for n in nodes])
        if not found:
            return
        instances = []
        for weight, k in found:
            lemma = STRICT if strict and grants(">", nodes[k], context.normaliser) else SIGN
            instances.append(Instance(lemma, (nodes[k],), Number(weight), (), 0))
        if not strict or any(i.lemma == STRICT for i in instances):
            yield S.One, Argument("sum of parts", self.node(core), strict, context.given, instances=tuple(instances))

    def _by_tangents(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """A sum of logarithms by tangents, -w·log u >= w·(1 - u)."""
        if len(core.atoms(log)) < 2:
            return

        for split in splits(core, context.sign, context.values, factored):
            self._tick()
            rest = self.node(split.rest)
            # a tangent away from where it touches is strict by itself
            strictly = (k for k, tangent in enumerate(split.tangents) if strict and self._apart(*tangent, context))
            apart = next(strictly, None)
            strict_rest = strict and apart is None
            weak = bool(split.at_most_one) and strict_rest
            for first in (strict_rest, False) if weak else (strict_rest,):
                parts = [self.prove(rest, context.given, first, min(depth - 1, _PLAIN))]
                for _, u in split.at_most_one:
                    if parts[-1] is not None:
                        parts.append(self.prove(self.node(log(1 / u)), context.given, weak and not first, depth - 1))
                found = [p for p in parts if p is not None]
                if len(found) < len(parts):
                    continue
                instances = tuple(
                    Instance(STRICT_LOG if k == apart else LOG, (self.node(u),), self.node(w), (), 0)
                    for k, (w, u) in enumerate(split.tangents)
                )
                weights = (Number(ONE), *(self.node(w) for w, _ in split.at_most_one))
                goal = self.node(core)
                yield S.One, Argument("sum of parts", goal, strict, context.given, tuple(found), instances, weights)
                return

    def _apart(self, weight: Expr, argument: Expr, context: Context) -> bool:
        """Whether a tangent has a weight > 0 and is taken where it does not touch."""
        away = difference(self.node(argument), Number(ONE))
        return grants(">", self.node(weight), context.normaliser) and grants("!=", away, context.normaliser)

    def _by_logarithms(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """A - B with A, B > 0 from log A - log B."""
        if not any(is_transcendental_power(p) for p in core.atoms(Pow, exp)):
            return
        up: list[Expr] = []
        down: list[Expr] = []
        for term in Add.make_args(core):
            sign = context.sign(term)
            if sign not in ("+", "-"):
                return
            (up if sign == "+" else down).append(term if sign == "+" else -term)
        alone = [side[0] for side in (up, down) if len(side) == 1]
        if not up or not down or not any(is_transcendental_power(p) for e in alone for p in e.atoms(Pow, exp)):
            return
        a, b = (split_logarithms(log(factored(Add(*side))), context.sign) for side in (up, down))
        yield S.One, self._same_order("exp", a, b, context, strict, depth)

    def _by_splitting(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """Cases at a place where the slope turns from + to -: from both ends then."""
        for _, symbol in self._variables(core):
            rate = core.diff(symbol)
            for root in self._roots(rate, symbol, context):
                if context.leaning((root - symbol) * rate) > 0:
                    node = self.node(core)
                    yield S.One, self._by_cases(node, self.node(symbol - root), 1, context.given, strict, depth - 1)

    # -- calculus of one variable --------------------------------------------------------

    def _variables(self, core: Expr) -> list[tuple[Leaf, Symbol]]:
        found = [(leaf, s) for s, leaf in self.samples.back.items() if core.has(s) and is_interval(leaf)]
        return sorted(found, key=lambda pair: (hardness(core, pair[1]), pair[1].name))

    def _by_calculus(
        self, core: Expr, context: Context, strict: bool, depth: int
    ) -> Iterator[tuple[Expr, Argument | None]]:
        """Monotone from some place, or concave between two, after dividing by something positive."""
        for multiplier in self._multipliers(core, context):
            quotient = core if multiplier == 1 else divided(core, multiplier)
            for variable, symbol in self._variables(quotient):
                self._tick()
                rate = quotient.diff(symbol)
                if not rate.has(*self.samples.back):
                    rate = factored(rate)
                for place, side in self._places(quotient, rate, variable, symbol, context):
                    yield multiplier, self._monotone(quotient, variable, place, side, context, strict, depth)
                if context.leaning(-rate.diff(symbol)) > 0:
                    yield multiplier, self._concave(quotient, variable, context, strict, depth)

    def _multipliers(self, core: Expr, context: Context) -> Iterator[Expr]:
        """1, and what terms have as coefficients of logarithms, exponentials and powers, where it is > 0."""
        yield S.One
        seen = {S.One}
        for term in Add.make_args(core):
            for part in Mul.make_args(term):
                if part.is_number:
                    continue
                others = Mul(*(q for q in Mul.make_args(term) if q != part and not q.is_number))
                for candidate in (others, part):
                    if candidate in seen or candidate.is_number:
                        continue
                    seen.add(candidate)
                    sign = context.sign(candidate)
                    if sign == "+":
                        yield candidate
        for atom in sorted(core.atoms(log), key=str):
            collected = core.expand().coeff(atom)
            if collected.is_Add:
                candidate = factored(collected)
                sign = context.sign(candidate)
                candidate = -candidate if sign == "-" else candidate
                if sign in ("+", "-") and candidate not in seen:
                    seen.add(candidate)
                    yield candidate

    def _places(
        self, core: Expr, rate: Expr, variable: Leaf, symbol: Symbol, context: Context
    ) -> Iterator[tuple[Expr | None, int]]:
        """Places with the side on which the rest lies (0: both), by what the samples suggest."""
        lean = context.leaning(rate)
        for end in ends(variable, context.given):
            if lean == end.side:
                yield (None if end.value is None else self.samples.expression(end.value)), end.side
        if lean:
            return
        for root in self._roots(rate, symbol, context):
            if context.leaning((symbol - root) * rate) > 0 and not context.below(core.subs(symbol, root)):
                yield root, 0

    def _roots(self, rate: Expr, symbol: Symbol, context: Context) -> list[Expr]:
        """Where the slope may turn: roots of its factors that are simple in the symbol, and near guesses."""
        self._tick()
        found: dict[Expr, None] = {}
        made = factored(split_logarithms(rate, context.sign))
        numerator = fraction(made)[0]
        for part in Mul.make_args(numerator):
            base = part.as_base_exp()[0]
            for root in simple_roots(base, symbol):
                found[root] = None
        for other in self.samples.back:
            if other != symbol:
                found[other] = None
                found[-other] = None
                found[1 - other] = None
        for number in (S.Zero, S.One, S.Half, S.NegativeOne):
            found[number] = None
        return [r for r in found if not r.has(symbol)]

    def _monotone(
        self, core: Expr, variable: Leaf, place: Expr | None, side: int, context: Context, strict: bool, depth: int
    ) -> Argument | None:
        given = context.given
        goal = self.node(core)
        point = None if place is None else self.node(place)
        if defined(goal, context.normaliser):
            return None
        sides = (side,) if side else (1, -1)
        value = value_at(goal, variable, point, sides[0], given)
        if value is None or (len(sides) == 2 and value is not value_at(goal, variable, point, -1, given)):
            return None
        place_of = Argument("monotone", goal, strict, given, variable=variable, point=point, side=side)
        if reaches(place_of, variable, sides):
            return None
        steep = slope(goal, variable)
        apart = point is None or grants("!=", difference(variable, point), context.normaliser)
        for strict_value in (True, False) if strict else (False,):
            if strict and not strict_value and not apart:
                return None
            parts = []
            if isinstance(value, Node):
                parts.append(self.prove(value, without(variable, given), strict_value, depth - 1))
                if parts[0] is None:
                    continue
            elif value != UNBOUNDED:
                return None
            strict_slope = strict and not strict_value and isinstance(value, Node)
            for one in sides:
                way = along(variable, point, one, given)
                part_goal = steep if one > 0 else build.scale(-1, steep)
                part = self.prove(part_goal, way, strict_slope, depth - 1)
                if part is None:
                    return None
                parts.append(part)
            return Argument(
                "monotone",
                goal,
                strict,
                given,
                tuple(p for p in parts if p is not None),
                variable=variable,
                point=point,
                side=side,
            )
        return None

    def _concave(self, core: Expr, variable: Leaf, context: Context, strict: bool, depth: int) -> Argument | None:
        given = context.given
        goal = self.node(core)
        found = ends(variable, given)
        lows = [e.value for e in found if e.side > 0 and e.value is not None]
        highs = [e.value for e in found if e.side < 0 and e.value is not None]
        if not lows or not highs or defined(goal, context.normaliser):
            return None
        low, high = lows[-1], highs[-1]
        outer = without(variable, given)
        parts = []
        for side, point in ((1, low), (-1, high)):
            value = value_at(goal, variable, point, side, given)
            if not isinstance(value, Node):
                return None
            part = self.prove(value, outer, False, depth - 1)
            if part is None:
                return None
            parts.append(part)
        inside = (*outer, Relation(variable, ">", low), Relation(variable, "<", high))
        bend = build.scale(-1, slope(slope(goal, variable), variable))
        part = self.prove(bend, inside, strict, depth - 1)
        if part is None:
            return None
        return Argument("concave", goal, strict, given, (*parts, part), nodes=(low, high), variable=variable)


def _has_long_numbers(goal: Node) -> bool:
    """Whether numbers have grown to thousands of digits, as those that a root is compared with by its power."""
    for part in goal.walk():
        match part:
            case Number():
                found = [part.value]
            case Sum():
                found = [w for w, _ in part.terms]
            case Contraction():
                found = [part.coefficient]
            case _:
                continue
        if any(isinstance(v, Rational) and max(abs(v.p), v.q).bit_length() > LONGEST for v in found):
            return True
    return False


def _is_whole(leaf: Leaf) -> bool:
    """Whether a scalar ranges over all integers between two ends."""
    entries = leaf.domain.entries
    return entries.integer and entries.values is None and not (entries.symbols or entries.nonzero)


def _bounded_above(leaf: Leaf) -> bool:
    return is_interval(leaf) and leaf.domain.entries.is_nonnegative and leaf.domain.entries.high.is_finite is True


def _kink(goal: Node) -> tuple[Node, int] | None:
    """What is compared with 0 by an innermost |.|, max, min or mask, and whether 0 counts as above."""
    for part in goal.walk():
        if not isinstance(part, Map):
            continue
        match part.function:
            case "abs":
                return part.arguments[0], 1
            case "maximum" | "minimum":
                return difference(*part.arguments), 1
            case "lt":
                return difference(part.arguments[1], part.arguments[0]), 0
            case "le":
                return difference(*part.arguments), 0
    return None


def find_argument(goal: Node, given: tuple[Relation, ...], strict: bool, seconds: float = SECONDS) -> Argument | None:
    """An argument of calculus that a scalar is >= 0 (> 0 where strict) wherever ``given`` holds, or None.

    The search is guided by samples and bounded by a budget of steps and seconds; the checker
    has to go through what it finds.  Raises nothing: what is not understood has no argument.

    >>> import numpy as np, symderive as sd
    >>> x = sd.array("x", domain=sd.nonnegative)
    >>> find_argument((x - np.sin(x)).node, (), False).way
    'monotone'
    """
    samples = samples_of(goal, given)
    if samples is None:
        return None
    try:
        return Search(samples, seconds).prove(goal, given, strict)
    except _Over:
        return None


__all__ = ["Search", "find_argument"]
