"""Proofs of inequalities, for every dimension, from few axioms (`proofs.LEMMAS`).

To prove ``L >= R`` the difference is written in normal form and taken apart into
weights >= 0 times slacks of lemmas, and a rest that is >= 0 by its sign:

* terms ``-m log A`` under one weight m are one ``m log(m/y)``, at least m - y
  (relative entropy).  Other logarithms that sum over no index of m enter y as
  a scale, which is what turns Gibbs into log-sum, Jensen and entropy <= log k;
* ``c log A + B`` is ``c log(A exp(B/c))``, which is >= 0 where the argument is >= 1;
* ``A - exp(B)`` is >= exp(B) log(A exp(-B)), which brings AM-GM to Jensen;
* quadratic terms whose indices mirror each other are ``Σ w (Σ g)**2``; a second
  square with the mean of the first is completed (Cauchy-Schwarz).

What was found is a trace that the checker replays; nothing is proved by the
search itself.  Sources: Cover & Thomas, Elements of Information Theory, 2.6-2.7;
Hardy, Littlewood & Pólya, Inequalities, ch. 2-3; Boyd & Vandenberghe, Convex
Optimization, 3.1.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, permutations
from typing import final

from sympy import Expr

from symderive.calculus.denormalise import to_node
from symderive.calculus.normal_form import Normaliser, decide_equal
from symderive.calculus.polynomials import (
    ONE,
    Factor,
    Monomial,
    NotHandled,
    Polynomial,
    TooLarge,
    add,
    exponent_of,
    free_labels,
    monomial_key,
    scale,
    to_sympy,
)
from symderive.derivation.checker import replay
from symderive.derivation.proofs import LEMMAS, NORMAL_FORM, Instance, Line, Trace, judged
from symderive.derivation.samples import sampled_below
from symderive.derivation.sign_search import find_argument
from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.judge import judge_relation, with_cover
from symderive.judgement.verdicts import Status, Verdict
from symderive.language import build
from symderive.language import nodes as language
from symderive.language.domains import real
from symderive.language.nodes import Leaf, Node, Number
from symderive.language.statements import Relation, names_in

KL = "x log(x/y) >= x - y"
LOG = "log t <= t - 1"
SQUARE = "a square is >= 0"
SIGN = "nonnegative by its sign"
STRICT = "positive by its sign"


@final
@dataclass(frozen=True)
class _Piece:
    """Σ_bound weight · slack(lemma at arguments), as polynomials over out labels and bound labels."""

    lemma: str
    arguments: tuple[Polynomial, ...]
    weight: Polynomial
    bound: tuple[tuple[int, Expr], ...]


class _Search:
    """Takes a polynomial apart into pieces that are >= 0."""

    def __init__(self, normaliser: Normaliser, dims: dict[int, Expr]) -> None:
        self.normaliser = normaliser
        self.algebra = normaliser.algebra
        self.dims = dims
        self.tries = 200
        self.until = math.inf

    # -- signs ---------------------------------------------------------------------

    def sign(self, p: Polynomial) -> str:
        """The sign of a polynomial, from terms and factors."""
        if not p:
            return "0"
        return self.normaliser.product_bounds(p).sign

    def nonnegative(self, p: Polynomial) -> bool:
        """Whether >= 0 is shown."""
        return self.sign(p) in ("+", "0+", "0")

    def shown(self, p: Polynomial) -> Polynomial:
        """The polynomial as a product of factors, where its sign shows only there."""
        if self.algebra.bounds(p).sign in ("+", "0+", "0"):
            return p
        return _Product(p, self.algebra.magnitudes(p))

    # -- the search ------------------------------------------------------------------

    def prove(self, p: Polynomial, strict: bool = False, depth: int = 5) -> list[_Piece] | None:
        """Pieces that sum to the polynomial, or None."""
        self.tries -= 1 + len(p) // 4  # long polynomials cost more
        if self.tries < 0 or depth < 0 or time.thread_time() > self.until:
            return None
        if not p and not strict:
            return []
        sign = self.sign(p)
        if sign == "+" or (sign in ("0+", "0") and not strict):
            return [_Piece(STRICT if sign == "+" else SIGN, (self.shown(p),), ONE, ())]
        for route in (
            self._logarithms,
            self._one_logarithm,
            self._exponentials,
            self._tangents,
            self._magnitudes,
            self._exchanged,
            self._quadratic,
            self._roots,
            self._maxima,
            self._weighted,
            self._own_means,
        ):
            try:
                for pieces, rest in route(p, depth):
                    shown = any(q.lemma == STRICT and not q.bound and self.sign(q.weight) == "+" for q in pieces)
                    more = self.prove(rest, strict and not shown, depth - 1)
                    if more is not None:
                        return [*pieces, *more]
            except NotHandled:
                continue
        return None

    def _slack(self, piece: _Piece) -> Polynomial:
        algebra = self.algebra
        match piece.lemma:
            case "x log(x/y) >= x - y":
                x, y = piece.arguments
                inner = add(algebra.multiply(x, add(algebra.log(x), scale(-1, algebra.log(y)))), scale(-1, x), y)
            case "log t <= t - 1":
                (t,) = piece.arguments
                inner = add(t, scale(-1, ONE), scale(-1, algebra.log(t)))
            case "|x| >= x":
                inner = add(algebra.magnitude(piece.arguments[0]), scale(-1, piece.arguments[0]))
            case "a square is >= 0":
                inner = algebra.multiply(piece.arguments[0], piece.arguments[0])
            case _:
                inner = piece.arguments[0]
        return algebra.contract(algebra.multiply(piece.weight, inner), dict(piece.bound))

    def _split_log(self, m: Monomial) -> tuple[Factor, list[Factor]] | None:
        """A term as one logarithm and its weight."""
        logs = [f for f in m[0] if self.algebra.atoms[f[0]].kind == "log"]
        if len(logs) != 1 or logs[0][2] != 1:
            return None
        return logs[0], [f for f in m[0] if f is not logs[0]]

    def _logarithms(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """-m log A under one weight: relative entropy."""
        algebra = self.algebra
        split = {m: s for m in p if (s := self._split_log(m)) is not None}
        ordered = sorted(split, key=lambda m: (-len(m[1]), monomial_key(m)))
        seen: set[frozenset[Monomial]] = set()
        for primary in ordered:
            weight = split[primary][1]
            opened, bound = algebra.open(((*weight, split[primary][0]), primary[1]))
            weight_factors = opened[:-1]
            weight_key = sorted(weight_factors, key=repr)
            group: list[tuple[Monomial, Fraction, Factor]] = [(primary, p[primary], opened[-1])]
            for other in ordered:
                if other is primary or len(other[1]) != len(primary[1]):
                    continue
                log2, weight2 = split[other]
                for order in permutations(bound):
                    if [bound[i] for i in order] != list(other[1]):
                        continue
                    rename = {-2 - k: i for k, i in enumerate(order)}
                    moved = [(a, algebra.symmetric(a, tuple(rename.get(i, i) for i in ls)), e) for a, ls, e in weight2]
                    if sorted(moved, key=repr) == weight_key:
                        a, ls, e = log2
                        group.append((other, p[other], (a, tuple(rename.get(i, i) for i in ls), e)))
                        break
            members = frozenset(m for m, _, _ in group)
            if members in seen:
                continue
            seen.add(members)
            base = algebra.reduce(Fraction(1), weight_factors, {})
            if not self.nonnegative(base):
                continue
            loose = {m: c for m, c in p.items() if m in split and m not in members}
            tilt = self._under(p, weight_key, bound, split)
            for gamma in dict.fromkeys(abs(c) for _, c, _ in group):
                x = scale(gamma, base)
                log_t: Polynomial = {}
                for _, c, (a, ls, _) in group:
                    log_t = add(log_t, scale(-c / gamma, algebra.single(a, ls)))
                choices = [(t, u) for u in ((tilt, {}) if tilt else ({},)) for t in ((loose, {}) if loose else ({},))]
                for taken, tilted in choices:
                    shift: Polynomial = scale(-1 / gamma, tilted)
                    if taken:
                        total = algebra.contract(x, bound)
                        if not total or self.sign(total) != "+":
                            continue
                        inverse = algebra.power(total, -1)
                        shift = add(shift, scale(-1, algebra.multiply(taken, inverse)))
                    y = algebra.multiply(x, algebra.exp(add(log_t, shift)))
                    if not self.nonnegative(y):
                        continue
                    if constant_one(base) and not bound:
                        continue_with = _Piece(LOG, (algebra.exp(add(log_t, shift)),), x, ())
                    else:
                        continue_with = _Piece(KL, (x, y), ONE, tuple(bound.items()))
                    rest = add(p, scale(-1, self._slack(continue_with)))
                    if _logs(rest, self) < len(split):
                        yield [continue_with], rest

    def _under(
        self, p: Polynomial, weight: Sequence[Factor], bound: dict[int, Expr], split: Mapping[Monomial, object]
    ) -> Polynomial:
        """What stands under a weight besides logarithms, Σ_bound weight · u: the polynomial u."""
        algebra = self.algebra
        found: Polynomial = {}
        if not weight:
            return found
        for m, c in p.items():
            if m in split or len(m[1]) != len(bound):
                continue
            for order in permutations(bound):
                if [bound[i] for i in order] != list(m[1]):
                    continue
                rename = {-2 - k: i for k, i in enumerate(order)}
                factors = [(a, algebra.symmetric(a, tuple(rename.get(i, i) for i in ls)), e) for a, ls, e in m[0]]
                rest = list(factors)
                for f in weight:
                    if f in rest:
                        rest.remove(f)
                if len(rest) == len(factors) - len(weight) and rest:
                    found = add(found, algebra.reduce(c, rest, {}))
                    break
        return found

    def _one_logarithm(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """c log A + B = c log(A exp(B/c)), which is >= 0 where A exp(B/c) >= 1; for c < 0, where it is <= 1."""
        algebra = self.algebra
        split = {m: s for m in p if (s := self._split_log(m)) is not None}
        for m in sorted(split, key=monomial_key):
            (a, ls, _), weight = split[m]
            if weight or m[1]:
                continue
            c = p[m]
            log_a = algebra.single(a, ls)
            rest = add(p, scale(-c, log_a))
            argument = algebra.exp(add(log_a, scale(1 / c, rest)))
            gap = add(argument, scale(-1, ONE))
            sign = self.sign(gap if c > 0 else scale(-1, gap))
            if sign in ("+", "0+"):
                large = _Logarithm(argument if c > 0 else algebra.power(argument, -1))
                yield [_Piece(STRICT if sign == "+" else SIGN, (large,), scale(abs(c), ONE), ())], {}

    def _exponentials(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """A - exp(B) >= exp(B) log(A exp(-B))."""
        algebra = self.algebra
        for m in sorted(p, key=monomial_key):
            if p[m] >= 0 or m[1] or not any(algebra.atoms[f[0]].kind == "exp" for f in m[0]):
                continue
            small = {m: -p[m]}
            if self.sign(small) != "+":
                continue
            big = add(p, small)
            if self.sign(big) != "+":
                continue
            t = algebra.multiply(big, algebra.power(small, -1))
            inner = self.prove(algebra.log(t), False, depth - 1)
            if inner is None:
                continue
            pieces = [_Piece(LOG, (t,), small, ())]
            pieces += [replace(q, weight=algebra.multiply(q.weight, small)) for q in inner]
            yield pieces, {}

    def _tangents(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """exp(u) >= 1 + u, as log t <= t - 1 at t = exp(u)."""
        algebra = self.algebra
        for m in sorted(p, key=monomial_key):
            exps = [f for f in m[0] if algebra.atoms[f[0]].kind == "exp"]
            if p[m] <= 0 or not exps or m[1]:
                continue
            weight = algebra.reduce(p[m], [f for f in m[0] if f not in exps], {})
            if not self.nonnegative(weight):
                continue
            piece = _Piece(LOG, (algebra.reduce(Fraction(1), exps, {}),), weight, ())
            rest = add(p, scale(-1, self._slack(piece)))
            if len(rest) < len(p):
                yield [piece], rest

    def _magnitudes(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """|q| >= q and |q| >= -q."""
        algebra = self.algebra
        signs = sorted({(f[0], f[1]) for m in p for f in m[0] if algebra.atoms[f[0]].kind == "sign" and not m[1]})
        for a, ls in signs:
            inner = algebra.relabel(algebra.atoms[a].inner[0], dict(enumerate(ls)))
            size = algebra.multiply(inner, algebra.single(a, ls))
            lead = min(size, key=monomial_key)
            c = abs(p.get(lead, Fraction(0)) / size[lead])
            if not c:
                continue
            for side in (inner, scale(-1, inner)):
                piece = _Piece("|x| >= x", (side,), {next(iter(ONE)): c}, ())
                rest = add(p, scale(-1, self._slack(piece)))
                if len(rest) < len(p):
                    yield [piece], rest

    def _weighted(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """A positive factor that all terms carry, or one label under which every term is summed."""
        algebra = self.algebra
        c, pieces = algebra.magnitudes(p)
        positive = [(q, e) for q, e in pieces if algebra.bounds(q).power(to_sympy(e)).sign in ("+", "0+")]
        if positive and len(positive) < len(pieces):
            weight = algebra.multiply(*(algebra.power(q, e) for q, e in positive))
            rest = scale(c, algebra.multiply(*(algebra.power(q, e) for q, e in pieces if (q, e) not in positive)))
            if rest != p:
                inner = self.prove(rest, False, depth - 1)
                if inner is not None:
                    yield [replace(q, weight=algebra.multiply(q.weight, weight)) for q in inner], {}
        for summand, label, dim in self._summands(p):
            inner = self.prove(summand, False, depth - 1)
            if inner is not None:
                yield [replace(q, bound=(*q.bound, (label, dim))) for q in inner], {}

    def _summands(self, p: Polynomial) -> Iterator[tuple[Polynomial, int, Expr]]:
        """The summand where every term is summed over exactly one label of a dimension."""
        algebra = self.algebra
        for dim in sorted({d for m in p for d in m[1]}, key=str):
            if any(list(m[1]).count(dim) != 1 for m in p):
                continue
            label = algebra.fresh()
            total: Polynomial = {}
            for m, c in p.items():
                factors, bound = algebra.open(m)
                i = next(q for q, d in bound.items() if d == dim)
                factors = [(a, tuple(label if x == i else x for x in ls), e) for a, ls, e in factors]
                total = add(total, algebra.reduce(c, factors, {q: d for q, d in bound.items() if q != i}))
            yield total, label, dim

    # -- squares ---------------------------------------------------------------------

    def _squares(self, p: Polynomial) -> list[tuple[Polynomial, dict[int, Expr], Polynomial]]:
        """The terms that are Σ_shared weight · g², as (g, shared labels, weight)."""
        algebra = self.algebra
        groups: list[tuple[Polynomial, dict[int, Expr], Polynomial]] = []  # g, shared bound labels, weight
        for m in sorted(p, key=monomial_key):
            found = _mirror(self, m)
            if found is None:
                continue
            weights, half, shared, inner = found
            g = algebra.contract(algebra.reduce(Fraction(1), half, {}), inner)
            w = algebra.reduce(p[m], weights, {})
            for k, (g2, shared2, w2) in enumerate(groups):
                rename = _matching(self, g, shared, g2, shared2)
                if rename is not None:
                    groups[k] = (g2, shared2, add(w2, algebra.relabel(w, rename)))
                    break
            else:
                groups.append((g, shared, w))
        return groups

    def _quadratic(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """Σ W g² with g = Σ half, and completed squares."""
        groups = self._squares(p)
        for g, shared, w in groups:
            sign = self.sign(w)
            if sign in ("+", "0+"):
                alone = _Piece(SQUARE, (g,), w, tuple(shared.items()))
                # a second square with the mean of the first: Σ w (g - μ)²
                for h, shared_h, w_h in groups:
                    if h is g or self.sign(w_h) not in ("-", "0-"):
                        continue
                    for piece in self._completed(g, shared, w, shared_h):
                        yield [piece], add(p, scale(-1, self._slack(piece)))
                yield [alone], add(p, scale(-1, self._slack(alone)))

    def _own_means(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """A square less its own mean, Σ w (g - μ)², the last thing to try: it makes new terms."""
        for g, shared, w in self._squares(p):
            if self.sign(w) in ("+", "0+"):
                for piece in self._completed(g, shared, w, None):
                    yield [piece], add(p, scale(-1, self._slack(piece)))

    def _exchanged(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """Σ w (g_ij² - g_ij g_ji) = Σ w (g_ij - g_ji)²/2 (Lagrange's identity)."""
        algebra = self.algebra
        for g, shared, w in (*self._squares(p), *self._rooted(p)):
            if self.sign(w) not in ("+", "0+"):
                continue
            pairs = [(i, j) for i, j in combinations(shared, 2) if shared[i] == shared[j]]
            chosen = [(pair,) for pair in pairs]
            chosen += [(one, two) for one, two in combinations(pairs, 2) if not set(one) & set(two)]
            for exchanged in chosen:
                turn = {i: j for pair in exchanged for i, j in (pair, pair[::-1])}
                other = algebra.relabel(g, turn)
                if other != g and algebra.relabel(w, turn) == w:
                    piece = _Piece(
                        SQUARE, (add(g, scale(-1, other)),), scale(Fraction(1, 2), w), tuple(shared.items())
                    )
                    rest = add(p, scale(-1, self._slack(piece)))
                    if len(rest) < len(p):
                        yield [piece], rest

    def _rooted(self, p: Polynomial) -> Iterator[tuple[Polynomial, dict[int, Expr], Polynomial]]:
        """Terms in positive arrays over two labels or more as squares of their roots: a_i/a_j = (√a_i/√a_j)²."""
        algebra = self.algebra
        for m in sorted(p, key=monomial_key):
            if len(m[1]) < 2 or p[m] <= 0 or not m[0] or any(isinstance(e, Expr) for _, _, e in m[0]):
                continue
            if all(algebra.atoms[a].bounds.sign == "+" for a, _, _ in m[0]):
                factors, bound = algebra.open(m)
                halves = [(a, ls, exponent_of(Fraction(e) / 2)) for a, ls, e in factors]  # type: ignore[arg-type]
                yield algebra.reduce(Fraction(1), halves, {}), dict(bound), scale(p[m], ONE)

    def _roots(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """-2 w √a √b = w (√a - √b)² - w a - w b."""
        algebra = self.algebra
        half = Fraction(1, 2)
        for m in sorted(p, key=monomial_key):
            if p[m] >= 0:
                continue
            factors, bound = algebra.open(m)
            roots = [f for f in factors if f[2] == half and algebra.atoms[f[0]].bounds.sign in ("+", "0+")]
            for one, other in combinations(roots, 2):
                rest = [f for f in factors if f is not one and f is not other]
                weight = algebra.reduce(-p[m] / 2, rest, {})
                if not self.nonnegative(weight):
                    continue
                gap = add(*(algebra.reduce(Fraction(c), [f], {}) for c, f in ((1, one), (-1, other))))
                piece = _Piece(SQUARE, (gap,), weight, tuple(bound.items()))
                left = add(p, scale(-1, self._slack(piece)))
                if m not in left:
                    yield [piece], left

    def _maxima(self, p: Polynomial, depth: int) -> Iterator[tuple[list[_Piece], Polynomial]]:
        """Σ w (max u - u_i) with w >= 0, where terms have u_i with a negative coefficient."""
        algebra = self.algebra
        arrays = self.normaliser.arrays
        for a in sorted({f[0] for m in p for f in m[0] if algebra.atoms[f[0]].kind == "max"}):
            for m in sorted(p, key=monomial_key):
                for weight, gap, bound in arrays.below_maximum(a, m) if p[m] < 0 else ():
                    w = scale(-p[m], weight)
                    if self.sign(w) not in ("+", "0+") or not self.nonnegative(gap):
                        continue
                    piece = _Piece(SIGN, (gap,), w, tuple(bound.items()))
                    rest = add(p, scale(-1, self._slack(piece)))
                    if len(rest) <= len(p):
                        yield [piece], rest

    def _completed(
        self, g: Polynomial, shared: dict[int, Expr], w: Polynomial, shared_h: dict[int, Expr] | None
    ) -> Iterator[_Piece]:
        algebra = self.algebra
        labels = list(shared)
        for size in range(len(labels), 0, -1):
            for chosen in permutations(labels, size):
                if list(chosen) != sorted(chosen):
                    continue
                inner = {i: shared[i] for i in chosen}
                outer = [i for i in labels if i not in inner]
                mass = algebra.contract(w, inner)
                mean = algebra.contract(algebra.multiply(w, g), inner)
                if not mass or self.sign(mass) != "+":
                    continue
                mean = algebra.multiply(mean, algebra.power(mass, -1))
                if shared_h is not None and len(outer) != len(shared_h):
                    continue
                yield _Piece(SQUARE, (add(g, scale(-1, mean)),), w, tuple(shared.items()))


class _Logarithm(dict):
    """log of a polynomial, kept unexpanded: the argument is >= 1."""


class _Product(dict):
    """A polynomial with the factors that show its sign."""

    def __init__(self, p: Polynomial, factored: tuple[Fraction, list]) -> None:
        super().__init__(p)
        self.factored = factored


def constant_one(p: Polynomial) -> bool:
    """Whether a polynomial is the number 1."""
    return p == ONE


def _logs(p: Polynomial, search: _Search) -> int:
    return sum(1 for m in p if any(search.algebra.atoms[f[0]].kind == "log" for f in m[0]))


def _mirror(search: _Search, m: Monomial) -> tuple[list[Factor], list[Factor], dict[int, Expr], dict[int, Expr]] | None:
    """A term as Σ_shared weight · (Σ_inner half)²."""
    algebra = search.algebra
    best = None
    for weights, half, pairs in algebra.mirrors(m):
        if not half:
            continue
        moved = {i for pair in pairs for i in pair}
        kept = [-2 - k for k in range(len(m[1])) if -2 - k not in moved]
        rename = {i: algebra.fresh() for i in (*kept, *(pair[0] for pair in pairs))}
        dims = {rename[i]: m[1][-2 - i] for i in rename}
        shared = {rename[i]: dims[rename[i]] for i in kept}
        inner = {rename[pair[0]]: dims[rename[pair[0]]] for pair in pairs}

        def move(fs: list[Factor], rename: dict[int, int] = rename) -> list[Factor]:
            return [(a, tuple(rename.get(i, i) for i in ls), e) for a, ls, e in fs]

        found = (move(weights), move(half), shared, inner)
        if best is None or len(half) > len(best[1]):
            best = found
    return best


def _matching(
    search: _Search, g: Polynomial, shared: dict[int, Expr], g2: Polynomial, shared2: dict[int, Expr]
) -> dict[int, int] | None:
    """A renaming of shared labels that turns g into g2."""
    if len(shared) != len(shared2):
        return None
    for order in permutations(shared2):
        if [shared2[i] for i in order] == list(shared.values()):
            rename = dict(zip(shared, order, strict=True))
            if search.algebra.relabel(g, rename) == g2:
                return rename
    return None


# -- from pieces to traces ---------------------------------------------------------------


def _instance(search: _Search, piece: _Piece, out: Sequence[int], shape: tuple[Expr, ...]) -> Instance:
    algebra = search.algebra
    labels = [*out, *(i for i, _ in piece.bound)]
    dims = {**search.dims, **dict(piece.bound)}
    full = (*shape, *(d for _, d in piece.bound))

    def node(p: Polynomial) -> Node:
        if isinstance(p, _Product):
            c, pieces = p.factored
            parts = [build.power(to_node(algebra, q, labels, dims), to_sympy(e)) for q, e in pieces]
            return build.scale(to_sympy(c), build.multiply(*parts))
        if isinstance(p, _Logarithm):
            return build.apply("log", to_node(algebra, dict(p), labels, dims))
        if not free_labels(p):
            return to_node(algebra, p, [], {})
        return to_node(algebra, p, labels, dims)

    return Instance(piece.lemma, tuple(node(a) for a in piece.arguments), node(piece.weight), full, len(shape))


def _trace(
    normaliser: Normaliser, lhs: Node, rhs: Node, op: str, instances: Sequence[Instance], facts: tuple[str, ...]
) -> Trace:
    """A chain from lhs down to rhs: rewritten so that a lemma applies, the lemma, and so on."""
    shape = lhs.shape or rhs.shape
    labels = normaliser.labels(shape)
    dims = {i: d for i, d in zip(labels, shape, strict=True) if i >= 0}
    target = normaliser.of(rhs)
    lines: list[Line] = []
    current = lhs
    strict_done = False
    groups: list[list[Instance]] = []
    for instance in instances:
        if groups and groups[-1][0].lemma == instance.lemma and instance.lemma in (SQUARE, SIGN, STRICT, KL):
            groups[-1].append(instance)
        else:
            groups.append([instance])
    for group in groups:
        big = [(language.ONE, i.big) for i in group]
        small = [(language.ONE, i.small) for i in group]
        rest = normaliser.of(current)
        for _, node in big:
            rest = add(rest, scale(-1, normaliser.of(node)))
        remainder = rhs if rest == target else to_node(normaliser.algebra, rest, labels, dims)
        kept = [] if build.is_zero(remainder) else [(language.ONE, remainder)]
        before = build.add([*big, *kept], shape)
        after = build.add([*small, *kept], shape)
        if before is not current:
            lines.append(Line(current, before, NORMAL_FORM, (), facts))
        strict = op == ">" and not strict_done and any(LEMMAS[i.lemma].strict for i in group)
        strict_done = strict_done or strict
        names = "; ".join(dict.fromkeys(i.lemma for i in group))
        lines.append(Line(before, after, names, (), (), ">" if strict else ">=", tuple(group)))
        current = after
    if current is not rhs:
        lines.append(Line(current, rhs, NORMAL_FORM, (), facts))
    return tuple(lines)


def _oriented(relation: Relation) -> tuple[Node, Node, str]:
    """(larger side, smaller side, ">=" or ">")."""
    match relation.op:
        case ">=" | ">":
            return relation.lhs, relation.rhs, relation.op
        case "<=" | "<":
            return relation.rhs, relation.lhs, ">=" if relation.op == "<=" else ">"
    raise UnsupportedError(f"an inequality is one of <=, >=, <, >; got {relation.op!r}")


_SCALAR_BUDGET = 6_000
"""How much a claim about scalars alone may cost the search by lemmas."""


def find_trace(relation: Relation, given: tuple[Relation, ...] = (), budget: int = 60_000) -> Trace | None:
    """A trace from the larger side down to the smaller one that the checker accepts, or None."""
    big, small, op = _oriented(relation)
    shape = big.shape or small.shape
    if big.shape and small.shape and big.shape != small.shape:
        raise ShapeError(f"the sides have shapes {big.shape} and {small.shape}")
    big, small = build.broadcast(big, shape), build.broadcast(small, shape)
    facts = tuple(
        dict.fromkeys(
            f"{leaf.name} is declared {leaf.domain}"
            for side in (big, small)
            for leaf in side.leaves()
            if repr(leaf.domain) != "real"
        )
    )
    difference = big
    if not build.is_zero(small):
        difference = build.add([(language.ONE, big), (-language.ONE, small)], shape)

    def from_lemmas(attempt: Callable[..., list[Instance]], budget: int) -> Trace | None:
        with suppress(TooLarge, NotHandled, RecursionError):
            instances = attempt(difference, op, given, budget)
            if instances:
                trace = _trace(Normaliser(given, budget=budget), big, small, op, instances, facts)
                if (op == ">=" or any(line.op == ">" for line in trace)) and replay(trace, given).ok:
                    return trace
        return None

    trace = from_lemmas(_by_sign, budget)
    scalars = not any(leaf.shape for side in (big, small) for leaf in side.leaves())
    if trace is not None or (scalars and sampled_below(difference, given)):
        return trace
    argument = find_argument(difference, given, op == ">") if scalars else None
    if argument is not None:
        line = Line(big, small, argument.way, (), facts, op, argument=argument)
        if replay((line,), given).ok:
            return (line,)
    return from_lemmas(_by_search, _SCALAR_BUDGET if scalars else budget)


def _by_sign(difference: Node, op: str, given: tuple[Relation, ...], budget: int) -> list[Instance]:
    normaliser = Normaliser(given, budget=budget)
    bounds = normaliser.signs.bounds(difference)
    if bounds.sign == "+":
        return [Instance(STRICT, (difference,), Number(language.ONE), difference.shape, difference.rank)]
    if bounds.sign in ("0+", "0") and op == ">=":
        return [Instance(SIGN, (difference,), Number(language.ONE), difference.shape, difference.rank)]
    return []


def _by_search(difference: Node, op: str, given: tuple[Relation, ...], budget: int) -> list[Instance]:
    normaliser = Normaliser(given, budget=budget)
    p = normaliser.of(difference)
    out = normaliser.labels(difference.shape)
    search = _Search(normaliser, {i: d for i, d in zip(out, difference.shape, strict=True) if i >= 0})
    if budget <= _SCALAR_BUDGET:
        search.until = time.thread_time() + 0.5  # calculus has been tried already
    if not p and op == ">=":
        return [
            Instance(SIGN, (build.zeros(difference.shape),), Number(language.ONE), difference.shape, difference.rank)
        ]
    pieces = search.prove(p, op == ">")
    if pieces is None:
        return []
    return [_instance(search, piece, out, difference.shape) for piece in pieces]


def prove_inequality(relation: Relation, given: tuple[Relation, ...] = (), claim: str = "") -> Verdict:
    """Prove ``lhs op rhs`` (op one of <=, >=, <, >) in every entry, for every dimension.

    ``proved`` carries a trace from the larger side down to the smaller one; the
    checker has replayed it and the judge found no violation.  Without a proof
    the verdict is the judge's: certified where it covers a bounded domain, checked, refuted or undecided.  Raises
    `JudgementConflictError` if the judge refutes what was proved.

    >>> import numpy as np, symderive as sd
    >>> from symderive.language.statements import Relation, names_in
    >>> k = sd.dims("k")
    >>> p = sd.array("p", k, domain=sd.simplex)
    >>> q = sd.array("q", k, domain=sd.simplex & sd.positive)
    >>> gibbs = Relation(np.sum(p * np.log(p / q)).node, ">=", build.number(0))
    >>> prove_inequality(gibbs).status.value
    'proved'
    """
    given = tuple(given)
    _oriented(relation)  # refuses what is no inequality
    first = judge_relation(relation, given=given, claim=claim)
    if first.status is Status.refuted:
        return first  # nothing is looked for that is not there
    trace = find_trace(relation, given)
    if trace is None:
        return with_cover(first, relation, given)
    agreed, verdict = judged(relation, given, (), "an inequality with a trace", before=first)
    if not agreed and verdict.status is Status.undecided and relation.op in ("<", ">"):
        # far out the sides of a true strict inequality cannot be told apart: judge the weak one
        weak = Relation(relation.lhs, relation.op + "=", relation.rhs)
        agreed, second = judged(weak, given, (), "an inequality with a trace")
        if agreed:
            verdict = replace(second, claim=verdict.claim)
    if claim:
        verdict = replace(verdict, claim=claim)
    if not agreed:
        return verdict
    return replace(
        verdict,
        status=Status.proved,
        reason="derived from the lemmas cited, for every dimension",
        trace=trace,
        conditions=given,
    )


def prove_nonnegative(node: Node, given: tuple[Relation, ...] = ()) -> Verdict:
    """Prove ``node >= 0`` in every entry; see `prove_inequality`.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w = sd.array("X", n, d), sd.array("w", d)
    >>> prove_nonnegative((w @ X.T @ X @ w).node).status.value
    'proved'
    """
    return prove_inequality(Relation(node, ">=", Number(language.ZERO)), given)


def prove_psd(hessian: Node, leaf: Leaf, given: tuple[Relation, ...] = ()) -> Verdict:
    """Prove that a Hessian is positive semidefinite: ``vᵀ H v >= 0`` for every v of the leaf's shape.

    ``hessian`` has the shape ``leaf.shape + leaf.shape``.  A twice
    differentiable function whose Hessian is psd everywhere on a convex domain
    is convex there (Boyd & Vandenberghe, 3.1.4).

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w = sd.array("X", n, d), sd.array("w", d)
    >>> prove_psd((2 * X.T @ X).node, w.node).status.value
    'proved'
    """
    return prove_nonnegative(quadratic_form(hessian, leaf, given), given)


def quadratic_form(hessian: Node, leaf: Leaf, given: Sequence[Relation] = ()) -> Node:
    """``vᵀ H v`` with an array v of the leaf's shape that is new: nothing is given of it."""
    rank = len(leaf.shape)
    if hessian.shape != leaf.shape * 2:
        raise ShapeError(f"a Hessian by {leaf.name} has shape {leaf.shape * 2}, got {hessian.shape}")
    taken = names_in((hessian, leaf), given)
    name = next(n for n in ("v", "u", "direction", *(f"v{k}" for k in range(1000))) if n not in taken)
    v = Leaf(name, leaf.shape, real)
    first, second = tuple(range(rank)), tuple(range(rank, 2 * rank))
    return build.contract(1, [(v, first), (hessian, first + second), (v, second)], [], dict(enumerate(hessian.shape)))


def prove_equality_case(relation: Relation, equality: Relation, given: tuple[Relation, ...] = ()) -> Verdict:
    """Prove that an inequality ``lhs >= rhs`` holds with equality exactly where ``equality`` holds.

    Forward, ``lhs == rhs`` on ``equality``: by the normal form.  Backward: in
    the trace of the inequality every summand that is dropped is >= 0, so a sum
    of 0 forces each to be 0, which is the lemma's equality case wherever the
    weight is > 0; these have to give ``equality``.

    >>> import numpy as np, symderive as sd
    >>> from symderive.language.statements import Relation, names_in
    >>> k = sd.dims("k")
    >>> p = sd.array("p", k, domain=sd.simplex)
    >>> q = sd.array("q", k, domain=sd.simplex & sd.positive)
    >>> gibbs = Relation(np.sum(p * np.log(p / q)).node, ">=", build.number(0))
    >>> prove_equality_case(gibbs, Relation(p.node, "==", q.node)).status.value
    'proved'
    """
    given = tuple(given)
    claim = f"{relation} with equality if and only if {equality}"
    base = prove_inequality(relation, given)
    if base.status is not Status.proved:
        return replace(base, claim=claim, reason=f"the inequality itself: {base.reason}")
    there = Relation(relation.lhs, "==", relation.rhs)
    forward = decide_equal(relation.lhs, relation.rhs, (*given, equality))
    if not forward.equal or forward.conditions:
        verdict = judge_relation(there, given=(*given, equality))
        status = Status.refuted if verdict.status is Status.refuted else Status.undecided
        return replace(verdict, status=status, claim=claim, reason=f"equality where {equality}: {verdict.reason}")
    agreed, verdict = judged(there, (*given, equality), (), "the equality case")
    if not agreed:
        return replace(verdict, status=Status.undecided, claim=claim)
    instances = [i for line in base.trace for i in line.instances]
    if not any(_forces(i, equality, given) for i in instances):
        return replace(
            base,
            status=Status.undecided,
            claim=claim,
            trace=(),
            reason=f"the trace of the inequality does not force {equality}",
        )
    trace = (*base.trace, Line(relation.lhs, relation.rhs, NORMAL_FORM, (equality,), (f"given: {equality}",)))
    return replace(
        base,
        claim=claim,
        trace=trace,
        reason="each summand that is dropped is >= 0 and is 0 only in the equality case of its lemma",
    )


def _forces(instance: Instance, equality: Relation, given: tuple[Relation, ...]) -> bool:
    """Whether slack 0 of an instance gives the equality."""
    row = LEMMAS[instance.lemma]
    if not row.equality:
        return False
    normaliser = Normaliser(given)
    weight = normaliser.signs.bounds(instance.weight).meet(normaliser.product_bounds(normaliser.of(instance.weight)))
    if weight.sign != "+":
        return False
    ((left, right),) = row.equality
    sides = []
    for side in (left, right):
        if side in row.arguments:
            sides.append(instance.arguments[row.arguments.index(side)])
        else:
            sides.append(build.number(int(side)))
    found = normaliser.difference(sides[0], sides[1])
    wanted = normaliser.difference(equality.lhs, equality.rhs)
    return _same_zeros(normaliser, found, wanted)


def _same_zeros(normaliser: Normaliser, found: Polynomial, wanted: Polynomial) -> bool:
    """Whether ``found == 0`` for every index gives ``wanted == 0``: equal up to labels and a nonzero factor."""
    algebra = normaliser.algebra

    def kernel(p: Polynomial) -> object:
        _, pieces = algebra.magnitudes(p)
        kept = [q for q, _ in pieces if algebra.bounds(q).sign not in ("+", "-", "nonzero")]
        return algebra.wrap("zeros", [algebra.multiply(*kept)])[0] if kept else None

    try:
        a, b = kernel(found), kernel(wanted)
    except NotHandled:
        return False
    return a is not None and a == b


__all__ = [
    "find_trace",
    "prove_equality_case",
    "prove_inequality",
    "prove_nonnegative",
    "prove_psd",
    "quadratic_form",
]
