"""Polynomials in indexed atoms: the arithmetic under the normal form.

A polynomial is ``Σ rational · Σ_bound Π atom[labels]^exponent``: a dictionary
from monomials to fractions.  Everything that is not a rational number is an
atom: leaves, dimensions, primes under a root, e^m for a monomial m, log P and
P^(-1) for a polynomial P, sign P, and so on.  Bound labels are explicit and
canonical (colour refinement, then individualisation where colours tie; McKay &
Piperno, Practical graph isomorphism II, 2014), so that equal monomials are
equal tuples.

Labels are integers: >= 0 free, -1 the only index of a dimension of size 1,
-2, -3, ... bound.  Every rewrite used here is an identity at every point where
what was written is defined; where it is defined is collected apart, from the
expressions as written (``normal_form``).

Reductions: δ and unit vectors are eliminated; declared facts of leaves are
applied (sums over a simplex axis, one-hot products, finite label sets by their
vanishing polynomial, symmetric, diagonal, orthogonal); P^(-1) times the leading
term of P is reduced; functions of entries with finitely many values are
interpolated (Lagrange), which is a proof by exhaustion of the cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations
from typing import Any, Protocol, final

from sympy import (
    Add,
    E,
    Expr,
    Integer,
    Poly,
    Rational,
    Symbol,
    bernoulli,
    cancel,
    exp,
    expand,
    factor_list,
    factorint,
    log,
    pi,
)

from symderive.calculus.signs import NONNEGATIVE, POSITIVE, Bounds, exactly, number_bounds, of_sign
from symderive.deadline import tick
from symderive.language.nodes import Leaf

Exponent = int | Fraction | Expr
Labels = tuple[int, ...]
Factor = tuple[int, Labels, Exponent]
Monomial = tuple[tuple[Factor, ...], tuple[Expr, ...]]
Polynomial = dict[Monomial, Fraction]
Bound = dict[int, Expr]
Change = Callable[[Polynomial], Polynomial]
Items = list[tuple[Fraction, list[Factor], Bound]]
"""Products yet to be reduced: coefficient, factors and the dimensions of the bound labels."""

UNIT: Monomial = ((), ())
ZERO: Polynomial = {}
ONE: Polynomial = {UNIT: Fraction(1)}
ODD = frozenset({"sin", "arctan", "arcsin", "erf", "erfinv", "cbrt", "i1"})
"""Functions with f(-x) = -f(x)."""
EVEN = frozenset({"cos", "i0", "sinc"})
"""Functions with f(-x) = f(x) and f(0) = 1."""
_QUARTER = Fraction(355, 226) - Fraction(1, 10**6)
"""A little less than π/2."""


OUTPUTS = {
    "inv": 2, "det": 0, "eigvalsh": 1, "eigvecs": 2, "cholesky": 2, "diagonal of cholesky": 1,
    "svdvals": 1, "svd_u": 2, "svd_vt": 2, "max": 0, "is_max": 1,
}  # fmt: skip
"""The kinds of atoms that are functions of whole arrays, and how many axes each makes; see `array_laws`."""


class TooLarge(Exception):
    """The budget of terms is spent; nothing is decided."""


class NotHandled(Exception):
    """Something has no canonical form here; nothing is decided."""


class Laws(Protocol):
    """Relations between atoms of some kinds, used wherever products are reduced."""

    def remake(self, atom: Atom, labels: Labels, change: Change = lambda p: p) -> Polynomial:
        """The atom made again of a changed argument, or where labels of its batch came together."""
        ...

    def single(self, atom: Atom, labels: Labels, e: Exponent) -> Polynomial | None:
        """What one factor is besides, or None."""
        ...

    def relate(self, c: Fraction, factors: list[Factor], bound: Bound) -> Items | None:
        """The product rewritten by the first relation that applies, or None."""
        ...

    def product(self, index: int, labels: Labels, slot: int) -> Polynomial | None:
        """The product of a factor over one of its labels, or None."""
        ...

    def semidefinite(self, atom: Atom) -> bool:
        """Whether the matrix over an atom's last two labels is positive semidefinite."""
        ...

    def bounds(self, p: Polynomial) -> Bounds:
        """Bounds of a sum that its terms do not show."""
        ...

    def order(self, q: Polynomial) -> Polynomial | None:
        """The sign of a polynomial in indices, or None."""
        ...

    def split(
        self, inner: Sequence[Polynomial], make: Callable[[Sequence[Polynomial]], Polynomial]
    ) -> Polynomial | None:
        """An elementwise function of arrays laid side by side, piece by piece; or None."""
        ...


@final
@dataclass(frozen=True, eq=False)
class Atom:
    """An indivisible array: ``kind`` and ``payload`` identify it, ``inner`` are its argument polynomials."""

    index: int
    kind: str
    payload: Any
    rank: int
    bounds: Bounds
    inner: tuple[Polynomial, ...] = ()
    symmetries: tuple[Labels, ...] = ()
    values: tuple[Fraction, ...] = ()
    leading: tuple[Monomial, Fraction] | None = None

    @property
    def leaf(self) -> Leaf | None:
        """The leaf that the atom is."""
        return self.payload if self.kind == "leaf" else None

    def has(self, structure: str) -> bool:
        """Whether the atom is a leaf declared with the structure."""
        return self.kind == "leaf" and self.payload.domain.has(structure)


def exponent_of(value: Expr | int | Fraction) -> Exponent:
    """An exponent in its canonical form."""
    if isinstance(value, int):
        return value
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else value
    if value.is_Integer:
        return int(value)
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))  # type: ignore[attr-defined]
    reduced = cancel(value)
    if reduced.is_Rational and reduced is not value:
        return exponent_of(reduced)
    return reduced


def to_sympy(value: Exponent) -> Expr:
    """An exponent as a SymPy number."""
    if isinstance(value, Expr):
        return value
    value = Fraction(value)
    return Rational(value.numerator, value.denominator)


def plus(a: Exponent, b: Exponent) -> Exponent:
    if isinstance(a, Expr) or isinstance(b, Expr):
        return exponent_of(to_sympy(a) + to_sympy(b))
    return exponent_of(Fraction(a) + b) if isinstance(a, Fraction) or isinstance(b, Fraction) else a + b


def times(a: Exponent, b: Exponent) -> Exponent:
    if isinstance(a, Expr) or isinstance(b, Expr):
        return exponent_of(to_sympy(a) * to_sympy(b))
    return exponent_of(Fraction(a) * b) if isinstance(a, Fraction) or isinstance(b, Fraction) else a * b


@lru_cache(maxsize=10_000)
def spelled(value: Expr) -> str:
    """An expression as text, to order by; printing is slow and expressions are few."""
    return str(value)


def _key(e: Exponent) -> tuple[int, Any]:
    return (1, spelled(e)) if isinstance(e, Expr) else (0, e)


def _factor_key(f: Factor) -> tuple[Any, ...]:
    return (f[0], f[1], _key(f[2]))


def monomial_key(m: Monomial) -> tuple[Any, ...]:
    """A key that orders monomials."""
    return (tuple(_factor_key(f) for f in m[0]), tuple(spelled(d) for d in m[1]))


def polynomial_key(p: Polynomial) -> tuple[Any, ...]:
    """A key that orders polynomials and identifies them."""
    return tuple(sorted((monomial_key(m), c) for m, c in p.items()))


def add(*polynomials: Polynomial) -> Polynomial:
    """The sum."""
    total: Polynomial = {}
    for p in polynomials:
        for m, c in p.items():
            _collect(total, m, c)
    return total


def scale(c: Fraction | int, p: Polynomial) -> Polynomial:
    """A rational multiple."""
    return {m: c * k for m, k in p.items()} if c else {}


def _collect(total: Polynomial, m: Monomial, c: Fraction) -> None:
    new = total.get(m, 0) + c
    if new:
        total[m] = Fraction(new)
    else:
        total.pop(m, None)


def free_labels(p: Polynomial) -> Labels:
    """The free labels that the terms carry, sorted."""
    return tuple(sorted({i for m in p for f in m[0] for i in f[1] if i >= 0}))


def constant_value(p: Polynomial) -> Fraction | None:
    """The number that the polynomial is, if it is one."""
    if not p:
        return Fraction(0)
    return p[UNIT] if len(p) == 1 and UNIT in p else None


class Algebra:
    """The atoms of one decision, and the operations that keep polynomials canonical.

    ``budget`` bounds the number of terms visited; past it `TooLarge` is raised.
    """

    def __init__(self, budget: int = 60_000) -> None:
        self.atoms: list[Atom] = []
        self.budget = budget
        self._table: dict[Any, int] = {}
        self._fresh = 1_000_000
        self._canonical: dict[Any, Monomial] = {}
        self._constants: dict[Expr, Polynomial] = {}
        self._factored: dict[Any, tuple[Fraction, list[Factor], list[tuple[Polynomial, Exponent]]]] = {}
        self._known: dict[int, Bounds] = {}
        self.laws: tuple[Laws, ...] = ()
        self._rules: list[tuple[Monomial, Fraction, Polynomial, Labels]] = []
        self.denest: Callable[[Polynomial], Polynomial | None] = lambda p: None
        self.reckon: Callable[[Polynomial], Bounds] = lambda p: Bounds()
        self.special: Callable[[str, Sequence[Polynomial]], Polynomial | None] = lambda name, inner: None

    # -- atoms -------------------------------------------------------------------

    def fresh(self) -> int:
        """A label that nobody uses."""
        self._fresh += 1
        return self._fresh

    def spend(self, amount: int = 1) -> None:
        """Count work against the budget; where the time is over, stop."""
        tick()
        self.budget -= amount
        if self.budget < 0:
            raise TooLarge("the expanded form is too large")

    def atom(
        self,
        kind: str,
        payload: Any,
        rank: int,
        bounds: Bounds,
        inner: tuple[Polynomial, ...] = (),
        symmetries: tuple[Labels, ...] = (),
        values: tuple[Fraction, ...] = (),
        key: Any = None,
    ) -> int:
        """The index of an atom, made once."""
        name = (kind, payload if key is None else key)
        found = self._table.get(name)
        if found is None:
            found = len(self.atoms)
            leading = self._leading(inner[0]) if kind in ("poly", "sign") else None
            if kind == "sign":
                values = tuple(Fraction(v) for v in (-1, 0, 1) if bounds.low <= v <= bounds.high)
                if bounds.nonzero:
                    values = tuple(v for v in values if v)
            self.atoms.append(Atom(found, kind, payload, rank, bounds, inner, symmetries, values, leading))
            self._table[name] = found
        return found

    def wrap(
        self, kind: str, inner: Sequence[Polynomial], bounds: Bounds = Bounds(), slots: Labels = (), payload: Any = None
    ) -> tuple[int, Labels]:
        """A function atom of polynomials, with canonical labels; ``slots`` are labels that the atom binds."""
        labels = tuple(sorted({i for p in inner for i in free_labels(p)} - set(slots)))
        if len(labels) > 5:
            raise TooLarge("a function of more than five indices")
        best: Any = None
        achieved: list[Labels] = []
        for order in permutations(labels):
            rename = {label: k for k, label in enumerate(order)}
            rename.update({slot: len(order) + k for k, slot in enumerate(slots)})
            renamed = tuple(self.relabel(p, rename) for p in inner)
            key = tuple(polynomial_key(p) for p in renamed)
            if best is None or key < best[0]:
                best, achieved = (key, renamed), [order]
            elif key == best[0]:
                achieved.append(order)
        key, renamed = best
        first = achieved[0]
        symmetries = tuple(tuple(first.index(x) for x in other) for other in achieved)
        index = self.atom(
            kind, payload, len(labels), bounds, renamed, symmetries if len(symmetries) > 1 else (), key=(payload, key)
        )
        self.tighten(index, bounds)
        return index, first

    def single(self, index: int, labels: Sequence[int] = (), exponent: Exponent = 1) -> Polynomial:
        """The polynomial that is one factor."""
        return self.reduce(Fraction(1), [(index, tuple(labels), exponent)], {})

    def leaf(self, leaf: Leaf, kind: str = "leaf", bounds: Bounds = Bounds()) -> int:
        """The atom of a leaf."""
        symmetric = kind == "leaf" and leaf.domain.has("symmetric")
        values: tuple[Fraction, ...] = ()
        entries = leaf.domain.entries
        if kind == "leaf":
            if entries.values is not None and all(v.is_Rational for v in entries.values):
                values = tuple(Fraction(int(v.p), int(v.q)) for v in entries.values)  # type: ignore[attr-defined]
            elif entries.integer and entries.low.is_Rational and entries.high.is_Rational:
                span = range(-(-int(entries.low) // 1), int(entries.high) + 1)
                kept = tuple(Fraction(k) for k in span if entries.contains(Rational(k)))
                values = kept if 0 < len(kept) <= 6 else ()
        rank = len(leaf.shape)
        same = tuple(range(rank))
        symmetries = (same, (*same[:-2], rank - 1, rank - 2)) if symmetric else ()
        return self.atom(kind, leaf, rank, bounds, symmetries=symmetries, values=values)

    # -- labels ------------------------------------------------------------------

    def symmetric(self, index: int, labels: Labels) -> Labels:
        symmetries = self.atoms[index].symmetries
        if not symmetries:
            return labels
        return min(tuple(labels[k] for k in s) for s in symmetries)

    def canonical(self, factors: Sequence[Factor], bound: Bound) -> Monomial:
        """The monomial with bound labels -2, -3, ... in canonical order."""
        if not bound:
            return tuple(sorted(((a, self.symmetric(a, ls), e) for a, ls, e in factors), key=_factor_key)), ()
        memo = (tuple(sorted(factors, key=_factor_key)), tuple(sorted(bound.items(), key=lambda kv: kv[0])))
        found = self._canonical.get(memo)
        if found is None:
            found = self._canonical[memo] = self._canonicalise(factors, bound)
        return found

    def _canonicalise(self, factors: Sequence[Factor], bound: Bound) -> Monomial:
        names = list(bound)
        orbits: list[Labels] = []
        for a, labels, _ in factors:
            symmetries = self.atoms[a].symmetries
            orbits.append(tuple(min(s[k] for s in symmetries) if symmetries else k for k in range(len(labels))))

        def refine(colours: dict[int, int]) -> dict[int, int]:
            while True:
                signatures: dict[int, list[Any]] = {i: [] for i in names}
                for (a, labels, e), orbit in zip(factors, orbits, strict=True):
                    seen = tuple(
                        sorted(
                            (o, 0 if i in bound else 1, colours[i] if i in bound else i)
                            for o, i in zip(orbit, labels, strict=True)
                        )
                    )
                    for o, i in zip(orbit, labels, strict=True):
                        if i in bound:
                            signatures[i].append((a, _key(e), o, seen))
                full = {i: (colours[i], tuple(sorted(signatures[i]))) for i in names}
                ranks = {s: k for k, s in enumerate(sorted(set(full.values())))}
                new = {i: ranks[full[i]] for i in names}
                if len(ranks) == len(set(colours.values())):
                    return new
                colours = new

        def key_of(order: Sequence[int]) -> tuple[Any, Monomial]:
            rename = {i: -2 - k for k, i in enumerate(order)}
            renamed = [(a, self.symmetric(a, tuple(rename.get(i, i) for i in ls)), e) for a, ls, e in factors]
            m = tuple(sorted(renamed, key=_factor_key)), tuple(bound[i] for i in order)
            return monomial_key(m), m

        dims = sorted({spelled(d) for d in bound.values()})
        best: list[Any] = [None]
        leaves = [0]

        def search(colours: dict[int, int]) -> None:
            classes: dict[int, list[int]] = {}
            for i in names:
                classes.setdefault(colours[i], []).append(i)
            tied = next((classes[c] for c in sorted(classes) if len(classes[c]) > 1), None)
            if tied is None:
                leaves[0] += 1
                if leaves[0] > 720:
                    raise TooLarge("a term with too many interchangeable indices")
                candidate = key_of(sorted(names, key=lambda i: colours[i]))
                if best[0] is None or candidate[0] < best[0][0]:
                    best[0] = candidate
                return
            for chosen in tied:
                split = {i: 2 * c + (1 if c == colours[chosen] and i != chosen else 0) for i, c in colours.items()}
                search(refine(split))

        search(refine({i: dims.index(spelled(bound[i])) for i in names}))
        return best[0][1]

    def open(self, m: Monomial, rename: dict[int, int] | None = None) -> tuple[list[Factor], Bound]:
        """The factors and bound labels of a monomial with fresh bound labels, free ones renamed."""
        mapping = dict(rename or {})
        bound: Bound = {}
        for k, d in enumerate(m[1]):
            label = self.fresh()
            mapping[-2 - k] = label
            bound[label] = d
        return [(a, tuple(mapping.get(i, i) for i in ls), e) for a, ls, e in m[0]], bound

    def relabel(self, p: Polynomial, rename: dict[int, int]) -> Polynomial:
        """Rename free labels; labels may coincide afterwards."""
        if all(i == rename.get(i, i) for i in free_labels(p)):
            return p
        total: Polynomial = {}
        for m, c in p.items():
            factors, bound = self.open(m, rename)
            for m2, c2 in self.reduce(c, factors, bound).items():
                _collect(total, m2, c2)
        return total

    # -- products ------------------------------------------------------------------

    def multiply(self, *polynomials: Polynomial) -> Polynomial:
        """The product."""
        result: Polynomial = ONE
        for p in polynomials:
            if p is ONE:
                continue
            if result is ONE:
                result = p
                continue
            total: Polynomial = {}
            for m1, c1 in result.items():
                for m2, c2 in p.items():
                    f1, b1 = self.open(m1)
                    f2, b2 = self.open(m2)
                    for m, c in self.reduce(c1 * c2, f1 + f2, {**b1, **b2}).items():
                        _collect(total, m, c)
            result = total
        return result

    def contract(self, p: Polynomial, bound: Bound) -> Polynomial:
        """Sum over free labels."""
        if not bound:
            return p
        total: Polynomial = {}
        for m, c in p.items():
            factors, inner = self.open(m)
            for m2, c2 in self.reduce(c, factors, {**inner, **bound}).items():
                _collect(total, m2, c2)
        return total

    def integer_power(self, p: Polynomial, k: int) -> Polynomial:
        """``p**k`` for k >= 0, expanded."""
        if len(p) ** min(k, 6) > 4000 or (k > 40 and len(p) > 1):
            raise TooLarge(f"the power {k} of {len(p)} terms")
        if len(p) == 1:
            ((m, c),) = p.items()
            if not m[1]:
                return self.reduce(c**k, [(a, ls, times(e, k)) for a, ls, e in m[0]], {})
        result = ONE
        for _ in range(k):
            result = self.multiply(result, p)
        return result

    def reduce(self, c: Fraction, factors: list[Factor], bound: Bound) -> Polynomial:
        """The canonical polynomial of a product of factors summed over bound labels."""
        total: Polynomial = {}
        stack: list[tuple[Fraction, list[Factor], Bound]] = [(c, factors, bound)]
        while stack:
            self.spend()
            c, factors, bound = stack.pop()
            outcome = self._step(c, factors, bound)
            if outcome is None:
                continue
            if isinstance(outcome, tuple):
                _collect(total, outcome[0], outcome[1])
            else:
                stack.extend(outcome)
        return total

    def replaced(
        self, c: Fraction, factors: list[Factor], bound: Bound, p: Polynomial
    ) -> list[tuple[Fraction, list[Factor], Bound]]:
        """The product of factors with a polynomial, as new items."""
        items = []
        for m, k in p.items():
            more, inner = self.open(m)
            items.append((c * k, factors + more, {**bound, **inner}))
        return items

    def _step(self, c: Fraction, factors: list[Factor], bound: Bound) -> Any:
        """One pass: None for zero, a monomial and its coefficient when canonical, or items to go on with."""
        atoms = self.atoms
        bound = dict(bound)
        if c == 0:
            return None
        # δ and unit vectors
        changed = True
        while changed:
            changed = False
            for k, (a, labels, e) in enumerate(factors):
                kind = atoms[a].kind
                if kind == "delta":
                    i, j = labels
                    if not (isinstance(e, int) and e > 0):
                        raise NotHandled("a power of the identity matrix's entries")
                    if i == j:
                        factors = factors[:k] + factors[k + 1 :]
                    elif i in bound or j in bound:
                        old, new = (i, j) if i in bound else (j, i)
                        del bound[old]
                        factors = self._rename(factors[:k] + factors[k + 1 :], old, new)
                    else:
                        small, large = min(i, j), max(i, j)
                        rest = factors[:k] + factors[k + 1 :]
                        if any(large in f[1] for f in rest):
                            factors = [*self._rename(rest, large, small), (a, (small, large), 1)]
                        elif labels != (small, large) or e != 1:
                            factors = [*rest, (a, (small, large), 1)]
                        else:
                            continue
                    changed = True
                    break
                if kind == "basis":
                    if not (isinstance(e, int) and e > 0):
                        raise NotHandled("a power of a unit vector's entries")
                    for k2 in range(k + 1, len(factors)):
                        a2, labels2, _ = factors[k2]
                        if atoms[a2].kind != "basis":
                            continue
                        same = a2 == a
                        if labels2 == labels:
                            if same:
                                factors = [f for q, f in enumerate(factors) if q != k2]
                                changed = True
                                break
                            gap = atoms[a].payload[1] - atoms[a2].payload[1]
                            if gap.is_nonzero:
                                return None
                        elif same and (labels[0] in bound or labels2[0] in bound):
                            old, new = (labels[0], labels2[0]) if labels[0] in bound else (labels2[0], labels[0])
                            del bound[old]
                            factors = self._rename([f for q, f in enumerate(factors) if q != k2], old, new)
                            changed = True
                            break
                    if changed:
                        break
                    if e != 1:
                        factors = [(a, labels, 1) if q == k else f for q, f in enumerate(factors)]
                        changed = True
                        break
        # a function whose labels came together is a function of fewer labels
        for k, (a, labels, e) in enumerate(factors):
            atom = atoms[a]
            batch = labels[: len(labels) - OUTPUTS.get(atom.kind, 0)]
            if atom.inner and len(set(batch)) != len(batch):
                rebuilt = self._rebuild(atom, labels)
                rest = factors[:k] + factors[k + 1 :]
                return self.replaced(c, rest, bound, self.power(rebuilt, e))
        # equal factors
        merged: dict[tuple[int, Labels], Exponent] = {}
        for a, labels, e in factors:
            at = (a, self.symmetric(a, labels))
            merged[at] = plus(merged[at], e) if at in merged else e
        factors = [(a, labels, e) for (a, labels), e in merged.items() if e != 0]
        # facts of single factors
        for k, (a, labels, e) in enumerate(factors):
            atom = atoms[a]
            rest = factors[:k] + factors[k + 1 :]
            new = self._single_fact(atom, labels, e)
            if new is not None:
                return self.replaced(c, rest, bound, new)
        # labels that only one or two factors carry
        if bound:
            uses: dict[int, list[int]] = {i: [] for i in bound}
            for k, (_, labels, _) in enumerate(factors):
                for i in labels:
                    if i in uses:
                        uses[i].append(k)
            for i, where in uses.items():
                outcome = self._bound_fact(c, factors, bound, i, where)
                if outcome is not None:
                    return outcome
        # relations between factors
        outcome = self._pair_fact(c, factors, bound)
        if outcome is not None:
            return outcome
        return self.canonical(factors, bound), c

    def _rename(self, factors: list[Factor], old: int, new: int) -> list[Factor]:
        return [(a, tuple(new if i == old else i for i in ls), e) if old in ls else (a, ls, e) for a, ls, e in factors]

    def _rebuild(self, atom: Atom, labels: Labels) -> Polynomial:
        rename = dict(enumerate(labels))
        if atom.kind == "prod":
            slot = self.fresh()
            return self.product_over(self.relabel(atom.inner[0], {**rename, atom.rank: slot}), slot, atom.payload)
        if atom.kind in OUTPUTS:
            return self.laws[0].remake(atom, labels)
        return self.make(atom.kind, [self.relabel(p, rename) for p in atom.inner])

    def make(self, kind: str, inner: Sequence[Polynomial]) -> Polynomial:
        """A function of entries of polynomials, by the kind of its atom."""
        match kind:
            case "exp":
                return self.exp(inner[0])
            case "log":
                return self.log(inner[0])
            case "poly":
                return inner[0]
            case "abs":
                return self.magnitude(inner[0])
            case "sign":
                return self.sign(inner[0])
        return self.function(kind, inner)

    def _single_fact(self, atom: Atom, labels: Labels, e: Exponent) -> Polynomial | None:
        kind = atom.kind
        for laws in self.laws:
            found = laws.single(atom, labels, e)
            if found is not None:
                return found
        if kind == "leaf":
            if atom.values:
                size = len(atom.values)
                if not isinstance(e, int) or e < 0 or e >= size:
                    table = []
                    for v in atom.values:
                        if isinstance(e, int) and (v != 0 or e > 0):
                            table.append(v**e)
                        elif v in (0, 1) and (e if isinstance(e, Fraction) else 0) > 0:
                            table.append(v)
                        else:
                            return None
                    return self._interpolate(atom, labels, table)
            if atom.has("diagonal") and labels[-2] != labels[-1] and isinstance(e, int) and e > 0:
                i, j = min(labels[-2:]), max(labels[-2:])
                delta = self.delta(atom.payload.shape[-1])
                return raw([(atom.index, (*labels[:-2], i, i), e), (delta, (i, j), 1)])
            return None
        if kind == "prime" and not isinstance(e, Expr):
            whole = int(Fraction(e) // 1)
            if whole:
                value = Fraction(atom.payload) ** whole
                left = Fraction(e) - whole
                return raw([(atom.index, (), exponent_of(left))] if left else [], value)
        if kind == "sign" and isinstance(e, int):
            if atom.bounds.nonzero:
                return None if e == 1 else raw([(atom.index, labels, 1)] if e % 2 else [])
            low = 1 if atom.bounds.low == 0 else 2
            if e > low or e < 0:
                reduced = 1 if e % 2 or low == 1 else 2
                return raw([(atom.index, labels, reduced)])
        if kind == "cos" and isinstance(e, int) and e >= 2:
            sine = self.function("sin", [self.relabel(atom.inner[0], dict(enumerate(labels)))])
            square = add(ONE, scale(-1, self.multiply(sine, sine)))
            return self.multiply(square, raw([(atom.index, labels, e - 2)] if e > 2 else []))
        if kind == "abs" and isinstance(e, int):
            inner = self.relabel(atom.inner[0], dict(enumerate(labels)))
            if e % 2 == 0:
                return self.power(inner, e)
            return self.multiply(self.power(inner, e), self.sign(inner))
        if kind == "poly" and isinstance(e, Expr) and atom.inner[0] == {UNIT: Fraction(-1)}:
            reduced = self.alternating(e)
            return None if reduced == raw([(atom.index, labels, e)]) else reduced
        if kind == "poly" and not isinstance(e, Expr) and e >= 1:
            whole = int(Fraction(e) // 1)
            inner = self.relabel(atom.inner[0], dict(enumerate(labels)))
            left = Fraction(e) - whole
            tail = raw([(atom.index, labels, exponent_of(left))]) if left else ONE
            return self.multiply(self.integer_power(inner, whole), tail)
        return None

    def _bound_fact(self, c: Fraction, factors: list[Factor], bound: Bound, i: int, where: list[int]) -> Any:
        atoms = self.atoms
        rest_bound = {j: d for j, d in bound.items() if j != i}
        if not where:
            return self.replaced(c, factors, rest_bound, self.constant(bound[i]))
        if len(where) == 1:
            a, labels, e = factors[where[0]]
            atom = atoms[a]
            rest = [f for k, f in enumerate(factors) if k != where[0]]
            if atom.kind == "basis":
                return [(c, rest, rest_bound)]
            if e == 1 and atom.has("simplex") and labels[atom.payload.domain.axis("simplex")] == i:
                others = [label for q, label in enumerate(labels) if q != atom.payload.domain.axis("simplex")]
                if i not in others:
                    return [(c, rest, rest_bound)]
            long = atom.has("unit_norm") and labels[atom.payload.domain.axis("unit_norm")] == i
            if e == 2 and long and labels.count(i) == 1:
                return [(c, rest, rest_bound)]
            if atom.kind == "range" and isinstance(e, int) and 1 <= e <= 8:
                return self.replaced(c, rest, rest_bound, self.power_sum(bound[i], e))
        if len(where) == 2 and where[0] != where[1]:
            (a, left, e), (a2, right, e2) = (factors[k] for k in where)
            if a == a2 and e == e2 == 1 and atoms[a].has("orthogonal") and left[:-2] == right[:-2]:
                for axis, other in ((-2, -1), (-1, -2)):
                    if left[axis] == i == right[axis] and left[other] != i != right[other]:
                        delta = self.delta(bound[i])
                        rest = [f for k, f in enumerate(factors) if k not in where]
                        return [(c, [*rest, (delta, (left[other], right[other]), 1)], rest_bound)]
        if len(where) == 1 and factors[where[0]][2] == 2 and atoms[factors[where[0]][0]].has("orthogonal"):
            _, labels, _ = factors[where[0]]
            if labels.count(i) == 1 and i in labels[-2:]:
                return [(c, [f for k, f in enumerate(factors) if k != where[0]], rest_bound)]
        return None

    def _pair_fact(self, c: Fraction, factors: list[Factor], bound: Bound) -> Any:
        atoms = self.atoms
        if self._rules:
            outcome = self._apply_rule(c, factors, bound)
            if outcome is not None:
                return outcome
        for laws in self.laws:
            outcome = laws.relate(c, factors, bound)
            if outcome is not None:
                return outcome
        for k, (a, labels, e) in enumerate(factors):
            atom = atoms[a]
            if atom.has("one_hot"):
                axis = atom.payload.domain.axis("one_hot")
                for k2 in range(k + 1, len(factors)):
                    a2, labels2, e2 = factors[k2]
                    if a2 != a or e != 1 or e2 != 1:
                        continue
                    if all(x == y for q, (x, y) in enumerate(zip(labels, labels2, strict=True)) if q != axis):
                        delta = self.delta(atom.payload.shape[axis])
                        rest = [f for q, f in enumerate(factors) if q != k2]
                        return [(c, [*rest, (delta, (labels[axis], labels2[axis]), 1)], bound)]
            if atom.kind == "poly" and not isinstance(e, Expr) and e < 0:
                outcome = self._divide_leading(c, factors, bound, k)
                if outcome is not None:
                    return outcome
            if atom.kind == "sign" and (e == 2 or (e == 1 and atom.bounds.low == 0)):
                outcome = self._absorb_square(c, factors, bound, k)
                if outcome is not None:
                    return outcome
        return None

    def delta(self, dim: Expr) -> int:
        """The atom of an identity matrix."""
        return self.atom("delta", dim, 2, exactly_unit(), symmetries=((0, 1), (1, 0)))

    def range(self, dim: Expr) -> int:
        """The atom of the indices 0, 1, ... of a dimension."""
        return self.atom("range", dim, 1, NONNEGATIVE)

    # -- the relation P · P^(-1) = 1 -------------------------------------------------

    def _leading(self, p: Polynomial) -> tuple[Monomial, Fraction] | None:
        """The term that P^(-1) reduces: largest degree, components of bound labels counting as one."""

        def degree(m: Monomial) -> Any:
            if any(isinstance(e, Expr) for _, _, e in m[0]):
                return None
            return sum(Fraction(e) for _, ls, e in m[0] if all(i >= -1 for i in ls)) + len(m[1])

        degrees = {m: degree(m) for m in p}
        if any(d is None for d in degrees.values()):
            return None
        top = max(degrees.values())
        ties = [m for m in p if degrees[m] == top]
        if top <= 0:
            return None
        # lexicographic on exponents, so that the order is compatible with products
        names = sorted({(a, ls) for m in ties for a, ls, _ in m[0]})
        best = max(ties, key=lambda m: tuple(_exponent_in(m, n) for n in names))
        return best, p[best]

    def find(self, pattern: Monomial, labels: Labels, factors: list[Factor], bound: Bound) -> Any:
        """Remove a pattern (over an atom's labels) from factors; the rest and its bound labels, or None."""
        rename = dict(enumerate(labels))
        plain = [(a, tuple(rename.get(i, i) for i in ls), e) for a, ls, e in pattern[0]]
        fixed = [f for f in plain if all(i >= -1 for i in f[1])]
        loose = [f for f in plain if not all(i >= -1 for i in f[1])]
        rest = {(a, ls): e for a, ls, e in factors}
        for a, ls, e in fixed:
            at = (a, self.symmetric(a, ls))
            if at not in rest or isinstance(rest[at], Expr) or rest[at] < e:  # type: ignore[operator]
                return None
            left = plus(rest[at], times(-1, e))
            if left == 0:
                del rest[at]
            else:
                rest[at] = left
        if not loose:
            return [(a, ls, e) for (a, ls), e in rest.items()], bound

        def match(todo: list[Factor], have: dict[Any, Exponent], binding: dict[int, int]) -> Any:
            if not todo:
                used = set(binding.values())
                if any(i in used for _, ls in have for i in ls):
                    return None
                return have, used
            (a, ls, e), *later = todo
            for (a2, ls2), e2 in have.items():
                if a2 != a or e2 != e:
                    continue
                for order in self.atoms[a].symmetries or (tuple(range(len(ls))),):
                    seen = tuple(ls2[q] for q in order)
                    trial = dict(binding)
                    good = True
                    for want, got in zip(ls, seen, strict=True):
                        if want >= -1:
                            good = want == got
                        elif want in trial:
                            good = trial[want] == got
                        else:
                            dim = pattern[1][-2 - want]
                            good = got in bound and bound[got] == dim and got not in trial.values()
                            trial[want] = got
                        if not good:
                            break
                    if good:
                        left = {k: v for k, v in have.items() if k != (a2, ls2)}
                        found = match(later, left, trial)
                        if found is not None:
                            return found
            return None

        found = match(loose, rest, {})
        if found is None:
            return None
        have, used = found
        return [(a, ls, e) for (a, ls), e in have.items()], {i: d for i, d in bound.items() if i not in used}

    def _divide_leading(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Any:
        """lead · P^e = P^(e+1)/c0 - rest · P^e / c0."""
        a, labels, e = factors[k]
        atom = self.atoms[a]
        if atom.leading is None:
            return None
        lead, c0 = atom.leading
        others = factors[:k] + factors[k + 1 :]
        if any(f[0] == a and f[1] == labels for f in others):
            return None
        found = self.find(lead, labels, others, bound)
        rename = dict(enumerate(labels))
        p = atom.inner[0]
        if found is not None:
            rest, left = found
            raised = plus(e, 1)
            items = [(c / c0, [*rest, (a, labels, raised)] if raised != 0 else rest, left)]
            for m, k2 in p.items():
                if m == lead:
                    continue
                more, inner = self.open(m, rename)
                items.append((-c * k2 / c0, [*rest, (a, labels, e), *more], {**left, **inner}))
            return items
        # v^-k · P^e with P = c1 + (terms that all carry v)
        if UNIT in p:
            c1 = p[UNIT]
            for v, ls, ev in others:
                if isinstance(ev, Expr) or ev >= 0:
                    continue
                if all(
                    m == UNIT
                    or any(
                        f[0] == v
                        and self.symmetric(v, tuple(rename.get(i, i) for i in f[1])) == ls
                        and not isinstance(f[2], Expr)
                        and f[2] > 0
                        for f in m[0]
                    )
                    for m in p
                ):
                    raised = plus(e, 1)
                    items = [(c / c1, [*others, (a, labels, raised)] if raised != 0 else others, bound)]
                    for m, k2 in p.items():
                        if m == UNIT:
                            continue
                        more, inner = self.open(m, rename)
                        items.append((-c * k2 / c1, [*factors, *more], {**bound, **inner}))
                    return items
        return None

    def _absorb_square(self, c: Fraction, factors: list[Factor], bound: Bound, k: int) -> Any:
        """sign(P)^2 · P = P, used on the leading term of P; sign(P)^2 P^-k = P^-k; sign(P) alike where P >= 0."""
        a, labels, power = factors[k]
        atom = self.atoms[a]
        p = atom.inner[0]
        others = factors[:k] + factors[k + 1 :]
        rename = dict(enumerate(labels))
        factored = self.relabel(p, rename)
        for f in others:
            if isinstance(f[2], Expr) or f[2] >= 0:
                continue
            inner = self.atoms[f[0]]
            whole = self.relabel(inner.inner[0], dict(enumerate(f[1]))) if inner.kind == "poly" else raw([(*f[:2], 1)])
            if whole == factored:
                return [(c, others, bound)]
        if atom.leading is None:
            return None
        lead, c0 = atom.leading
        found = self.find(lead, labels, others, bound)
        if found is None:
            return None
        rest, left = found
        items = []
        for m, k2 in p.items():
            more, inner = self.open(m, rename)
            items.append((c * k2 / c0, [*rest, *more], {**left, **inner}))
            if m != lead:
                items.append((-c * k2 / c0, [*rest, (a, labels, power), *more], {**left, **inner}))
        return items

    # -- finite values ---------------------------------------------------------------

    def _interpolate(self, atom: Atom, labels: Labels, table: Sequence[Fraction | Polynomial]) -> Polynomial:
        """Σ_v table[v] · Π_{u != v} (y - u)/(v - u)."""
        y = {(((atom.index, self.symmetric(atom.index, labels), 1),), ()): Fraction(1)}
        total: Polynomial = {}
        for v, value in zip(atom.values, table, strict=True):
            basis = ONE
            for u in atom.values:
                if u != v:
                    basis = self._plain_product(basis, scale(1 / (v - u), add(y, {UNIT: -u} if u else {})))
            part = scale(value, basis) if isinstance(value, Fraction | int) else self.multiply(basis, value)
            total = add(total, part)
        return total

    def _plain_product(self, p: Polynomial, q: Polynomial) -> Polynomial:
        """Product of polynomials in one factor, without reductions."""
        total: Polynomial = {}
        for (f1, _), c1 in p.items():
            for (f2, _), c2 in q.items():
                if f1 and f2:
                    f: tuple[Factor, ...] = ((f1[0][0], f1[0][1], plus(f1[0][2], f2[0][2])),)
                else:
                    f = f1 or f2
                _collect(total, (f, ()), c1 * c2)
        return total

    def _cases(
        self, inner: Sequence[Polynomial], make: Callable[[Sequence[Polynomial]], Polynomial], products: bool
    ) -> Polynomial | None:
        """Split a function by the values of a label leaf, δ or unit vector in its arguments; None if there is none."""
        target: tuple[int, Labels] | None = None
        for p in inner:
            for m in p:
                for a, labels, _ in m[0]:
                    atom = self.atoms[a]
                    if atom.kind == "sign" and len(p) == 1 and products:
                        continue
                    selects = atom.values or atom.kind in ("delta", "basis")
                    if selects and target is None and all(i >= -1 for i in labels):
                        target = (a, labels)
        if target is None:
            return None
        a, labels = target
        atom = self.atoms[a]
        if atom.kind in ("delta", "basis"):
            on = [self.assign(p, a, labels, Fraction(1)) for p in inner]
            off = [self.assign(p, a, labels, Fraction(0)) for p in inner]
            if atom.kind == "delta":
                on = [self.relabel(p, {max(labels): min(labels)}) for p in on]
            mask = raw([(a, labels, 1)])
            return add(self.multiply(mask, make(on)), make(off), scale(-1, self.multiply(mask, make(off))))
        if len(atom.values) > 5:
            return None
        try:
            table = [make([self.assign(p, a, labels, v) for p in inner]) for v in atom.values]
        except NotHandled:
            return None
        return self._interpolate(atom, labels, table)

    def assign(self, p: Polynomial, a: int, labels: Labels, value: Fraction) -> Polynomial:
        """Put a number for a factor over free labels."""
        total: Polynomial = {}
        for m, c in p.items():
            kept = []
            for f in m[0]:
                if f[0] == a and f[1] == labels:
                    e = f[2]
                    if isinstance(e, int) and (value != 0 or e > 0):
                        c = c * value**e
                    elif value == 0 and isinstance(e, Fraction) and e > 0:
                        c = Fraction(0)
                    elif value != 1:
                        raise NotHandled(f"the power {e} of {value}")
                else:
                    kept.append(f)
            if c:
                _collect(total, (tuple(kept), m[1]), c)
        return total

    def _picked(
        self, inner: Sequence[Polynomial], make: Callable[[Sequence[Polynomial]], Polynomial]
    ) -> Polynomial | None:
        """f(Σ_i e_k(i) u_i) = Σ_i e_k(i) f(u_i)."""
        target = self.bound_basis(inner)
        if target is None:
            return None
        label, opened = self.unpick(inner, target)
        value = self.multiply(raw([(target, (label,), 1)]), make(opened))
        return self.contract(value, {label: self.atoms[target].payload[0]})

    def unpick(self, inner: Sequence[Polynomial], target: int) -> tuple[int, list[Polynomial]]:
        """Take Σ_i e_k(i) off the terms that have it; the label that stands for k, and what is left."""
        label = self.fresh()
        opened: list[Polynomial] = []
        for p in inner:
            total: Polynomial = {}
            for m, c in p.items():
                hit = next((f for f in m[0] if f[0] == target and f[1][0] < -1), None)
                if hit is None:
                    _collect(total, m, c)
                    continue
                factors, bound = self.open(m)
                at = factors[m[0].index(hit)][1][0]
                del bound[at]
                kept = self._rename([f for f in factors if not (f[0] == target and f[1] == (at,))], at, label)
                for m2, c2 in self.reduce(c, kept, bound).items():
                    _collect(total, m2, c2)
            opened.append(total)
        return label, opened

    def lifted(self, p: Polynomial, powers: Mapping[tuple[int, Labels], Fraction]) -> Polynomial:
        """The polynomial times powers of factors over free labels."""
        total: Polynomial = {}
        for m, c in p.items():
            factors, bound = self.open(m)
            merged = {(a, ls): e for a, ls, e in factors}
            for at, k in powers.items():
                merged[at] = exponent_of(Fraction(merged.get(at, 0)) + k)  # type: ignore[arg-type]
            made = self.reduce(c, [(a, ls, e) for (a, ls), e in merged.items() if e != 0], bound)
            total = add(total, made)
        return total

    def vanish(self, p: Polynomial, a: int, labels: Labels) -> Polynomial:
        """Put 0 for a factor, inside functions too."""
        total: Polynomial = {}
        for m, c in p.items():
            factors, bound = self.open(m)
            plain: list[Factor] = []
            others: list[Polynomial] = []
            gone = False
            for b, ls, e in factors:
                atom = self.atoms[b]
                if b == a and ls == labels:
                    if isinstance(e, Expr) or e <= 0:
                        raise NotHandled("a quotient at 0")
                    gone = True
                elif atom.kind in OUTPUTS and set(labels) <= set(ls[: len(ls) - OUTPUTS[atom.kind]]):
                    made = self.laws[0].remake(atom, ls, lambda q: self.vanish(q, a, labels))
                    others.append(self.power(made, e))
                elif atom.inner and set(labels) <= set(ls) and atom.kind not in ("prod", *OUTPUTS):
                    inside = [self.relabel(q, dict(enumerate(ls))) for q in atom.inner]
                    zeroed = [self.vanish(q, a, labels) for q in inside]
                    if zeroed == inside:
                        plain.append((b, ls, e))
                    else:
                        others.append(self.power(self.make(atom.kind, zeroed), e))
                else:
                    plain.append((b, ls, e))
            if not gone:
                value = self.multiply(*others) if others else ONE
                items = self.replaced(c, plain, bound, value)
                for item in items:
                    total = add(total, self.reduce(*item))
        return total

    def bound_basis(self, inner: Sequence[Polynomial]) -> int | None:
        """A unit vector that picks an entry under a sum."""
        return next(
            (f[0] for p in inner for m in p for f in m[0] if self.atoms[f[0]].kind == "basis" and f[1][0] < -1), None
        )

    def _split(
        self,
        inner: Sequence[Polynomial],
        make: Callable[[Sequence[Polynomial]], Polynomial],
        products: bool = False,
    ) -> Polynomial | None:
        """`_picked` or `_cases`; ``products``: the function handles products of signs itself."""
        found = self._picked(inner, make)
        for laws in self.laws:
            found = laws.split(inner, make) if found is None else found
        return self._cases(inner, make, products) if found is None else found

    # -- constants -------------------------------------------------------------------

    def constant(self, value: Expr) -> Polynomial:
        """An expression in the dimensions."""
        found = self._constants.get(value)
        if found is None:
            found = self._constants[value] = self._constant(value)
        return found

    def _constant(self, value: Expr) -> Polynomial:
        if value.is_Rational:
            number = Fraction(int(value.p), int(value.q))  # type: ignore[attr-defined]
            return {UNIT: number} if number else {}
        if isinstance(value, Symbol):
            return raw([(self.atom("dim", value, 0, number_bounds(value)), (), 1)])
        args: Any = value.args
        if value.is_Add:
            return add(*(self.constant(a) for a in args))
        if value.is_Mul:
            return self.multiply(*(self.constant(a) for a in args))
        if value is E:
            return self.exp(ONE)
        if isinstance(value, exp):
            return self.exp(self.constant(args[0]))
        if value.is_Pow:
            if not args[1].is_Rational:
                base = number_bounds(args[0])
                if base.sign == "+":
                    return self.exp(self.multiply(self.constant(args[1]), self.log(self.constant(args[0]))))
                if base.sign == "-" and args[1].is_integer:
                    return self.multiply(self.alternating(args[1]), self.constant((-args[0]) ** args[1]))
                return self._opaque_constant(value)
            return self.power(self.constant(args[0]), exponent_of(args[1]))
        if isinstance(value, log):
            return self.log(self.constant(args[0]))
        return self._opaque_constant(value)

    def expression(self, p: Polynomial) -> Expr | None:
        """The expression in the dimensions that a polynomial is, or None."""
        total: Expr = Integer(0)
        for m, c in p.items():
            term: Expr = to_sympy(c)
            for a, _, e in m[0]:
                if self.atoms[a].kind not in ("dim", "constant"):
                    return None
                term = term * self.atoms[a].payload ** to_sympy(e)
            total = total + term
        return total

    def _opaque_constant(self, value: Expr) -> Polynomial:
        if value is not pi and not value.is_real:
            raise NotHandled(f"the constant {value}")
        return raw([(self.atom("constant", value, 0, number_bounds(value)), (), 1)])

    def alternating(self, exponent: Expr) -> Polynomial:
        """``(-1) ** exponent`` for an integer in the dimensions, whose even part is left out."""
        odd = sum((t for t in Add.make_args(expand(exponent)) if not (t / 2).is_integer), Integer(0))
        whole, rest = odd.as_coeff_Add()
        sign = -1 if whole % 2 else 1
        if rest == 0:
            return {UNIT: Fraction(sign)}
        a, ls = self.wrap("poly", [scale(-1, ONE)], exactly(Fraction(-1)))
        return raw([(a, ls, exponent_of(rest))], sign)

    def power_sum(self, dim: Expr, k: int) -> Polynomial:
        """Σ_{i=0}^{dim-1} i^k as a polynomial in the dimension (Faulhaber)."""
        x = Symbol("x")
        formula = expand((bernoulli(k + 1, x) - bernoulli(k + 1, 0)) / (k + 1))
        return self.constant(expand(formula.subs(x, dim)))

    # -- factoring ---------------------------------------------------------------------

    def _pieces(self, m: Monomial) -> tuple[list[Factor], list[Monomial]]:
        """The factors over free labels, and the connected components of bound labels."""
        free = [f for f in m[0] if all(i >= -1 for i in f[1])]
        loose = [f for f in m[0] if not all(i >= -1 for i in f[1])]
        groups: list[tuple[set[int], list[Factor]]] = []
        for f in loose:
            labels = {i for i in f[1] if i < -1}
            joined = [g for g in groups if g[0] & labels]
            groups = [g for g in groups if not g[0] & labels]
            groups.append((labels.union(*(g[0] for g in joined)), [*(x for g in joined for x in g[1]), f]))
        components = []
        for labels, factors in groups:
            components.append(self.canonical(factors, {i: m[1][-2 - i] for i in labels}))
        return free, components

    def factorise(self, p: Polynomial) -> tuple[Fraction, list[Factor], list[tuple[Polynomial, Exponent]]]:
        """``p = c · Π factors · Π P^k`` with factors over free labels and normalised P."""
        key = polynomial_key(p)
        found = self._factored.get(key)
        if found is None:
            c, units, parts = self._factorise(p)
            kept = []
            for a, ls, e in units:
                if self.atoms[a].kind == "poly":
                    parts = [*parts, (self.relabel(self.atoms[a].inner[0], dict(enumerate(ls))), e)]
                else:
                    kept.append((a, ls, e))
            found = self._factored[key] = (c, kept, parts)
        return found

    def magnitudes(self, p: Polynomial) -> tuple[Fraction, list[tuple[Polynomial, Exponent]]]:
        """``p = c · Π q^k`` as in `factorise`, with q·sign(q) joined to |q|."""
        c, units, parts = self.factorise(p)
        pieces: list[tuple[Polynomial, Exponent]] = [(raw([(a, ls, 1)]), e) for a, ls, e in units] + parts
        for a, ls, e in units:
            if self.atoms[a].kind != "sign" or not isinstance(e, int) or not e % 2:
                continue
            inner = self.relabel(self.atoms[a].inner[0], dict(enumerate(ls)))
            for k, (q, j) in enumerate(pieces):
                if q == inner and isinstance(j, int) and j % 2:
                    size = self.size(q)
                    pieces[k] = (size, j)
                    pieces = [x for x in pieces if x[0] != raw([(a, ls, 1)])]
                    break
        return c, pieces

    def size(self, q: Polynomial) -> Polynomial:
        """|q| as an atom, for logarithms and roots."""
        bounds = POSITIVE if self.bounds(q).nonzero else NONNEGATIVE
        a, ls = self.wrap("abs", [q], bounds)
        return raw([(a, ls, 1)])

    def _factorise(self, p: Polynomial) -> tuple[Fraction, list[Factor], list[tuple[Polynomial, Exponent]]]:
        if len(p) == 1:
            ((m, c),) = p.items()
            free, components = self._pieces(m)
            counted: dict[Monomial, int] = {}
            for component in components:
                counted[component] = counted.get(component, 0) + 1
            return c, free, [({component: Fraction(1)}, k) for component, k in counted.items()]
        # what every term carries
        common: dict[tuple[int, Labels], Exponent] = {}
        terms = [({(a, ls): e for a, ls, e in m[0] if all(i >= -1 for i in ls)}, m, c) for m, c in p.items()]
        for at in {at for t, _, _ in terms for at in t}:
            exponents = [t.get(at, 0) for t, _, _ in terms]
            if any(isinstance(e, Expr) for e in exponents):
                first = exponents[0]
                if all(e == first for e in exponents):
                    common[at] = first
                continue
            least = min(exponents)  # type: ignore[type-var]
            if least != 0:
                common[at] = least
        left: Polynomial = {}
        for t, m, c in terms:
            factors, bound = self.open(m)
            factors = [f for f, (_, ls, _) in zip(factors, m[0], strict=True) if not all(i >= -1 for i in ls)]
            for at in set(t) | set(common):
                e = plus(t.get(at, 0), times(-1, common.get(at, 0)))
                if e != 0:
                    factors.append((*at, e))
            left = add(left, self.reduce(c, factors, bound))
        units = [(a, ls, e) for (a, ls), e in common.items()]
        if not left:
            raise NotHandled("a factor that is 0")
        if common and len(left) < len(p):
            content, more, parts = self._factorise(left)
            merged = dict(common)
            for a, ls, e in more:
                merged[a, ls] = plus(merged.get((a, ls), 0), e)
            return content, [(a, ls, e) for (a, ls), e in merged.items() if e != 0], parts
        content, parts = self._factor_list(left)
        return content, units, parts

    def _factor_list(self, p: Polynomial) -> tuple[Fraction, list[tuple[Polynomial, int]]]:
        """Factor over the rationals, taking factors and components as variables."""
        plain = [(self._normalise(p))]
        generators: dict[Any, Symbol] = {}
        scale_of: dict[Any, int] = {}
        if 2 <= len(p) <= 24:
            pieces = [(self._pieces(m), c) for m, c in p.items()]
            for (free, components), _ in pieces:
                for a, ls, e in free:
                    if isinstance(e, Expr) or e < 0:
                        return self._one(plain)
                    scale_of[a, ls] = _lcm(scale_of.get((a, ls), 1), Fraction(e).denominator)
                for component in components:
                    scale_of[component] = 1
            degree = max((e * scale_of[a, ls] for (free, _), _ in pieces for a, ls, e in free), default=0)
            if degree > 24:
                return self._one(plain)
            # a fractional power of something is defined only where it is >= 0, and so is every root of it
            if 1 <= len(scale_of) <= 7 and any(
                sum(Fraction(e) * scale_of[a, ls] for a, ls, e in free) + len(components) > 1
                for (free, components), _ in pieces
            ):
                for k, at in enumerate(scale_of):
                    generators[at] = Symbol(f"g{k}")
                total: Expr = Rational(0)
                for (free, components), c in pieces:
                    product: Expr = Rational(c.numerator, c.denominator)
                    for a, ls, e in free:
                        product = product * generators[a, ls] ** int(e * scale_of[a, ls])  # type: ignore[operator]
                    for component in components:
                        product = product * generators[component]
                    total = total + product
                content, found = factor_list(total, *generators.values())
                if len(found) > 1 or found[0][1] > 1:
                    back = {s: at for at, s in generators.items()}
                    result = Fraction(int(content.p), int(content.q))
                    parts: list[tuple[Polynomial, int]] = []
                    for part, k in found:
                        q, lead = self._normalise(self._from_sympy(part, back, scale_of))
                        result *= lead**k
                        parts.append((q, k))
                    return result, parts
        return self._one(plain)

    def _one(self, plain: list[tuple[Polynomial, Fraction]]) -> tuple[Fraction, list[tuple[Polynomial, int]]]:
        q, lead = plain[0]
        return lead, [(q, 1)]

    def _from_sympy(self, part: Expr, back: dict[Symbol, Any], scale_of: dict[Any, int]) -> Polynomial:
        symbols = list(back)
        total: Polynomial = {}
        for powers, coefficient in Poly(part, *symbols).terms():
            factors: list[Factor] = []
            bound: Bound = {}
            for s, k in zip(symbols, powers, strict=True):
                at = back[s]
                if not k:
                    continue
                if isinstance(at[0], tuple):
                    for _ in range(k):
                        more, inner = self.open(at)
                        factors += more
                        bound.update(inner)
                else:
                    factors.append((*at, exponent_of(Fraction(k, scale_of[at]))))
            number = Fraction(int(coefficient.p), int(coefficient.q))
            for m, c in self.reduce(number, factors, bound).items():
                _collect(total, m, c)
        return total

    def _normalise(self, p: Polynomial) -> tuple[Polynomial, Fraction]:
        """P divided by the coefficient of its first term."""
        first = min(p, key=monomial_key)
        lead = p[first]
        return (p if lead == 1 else scale(1 / lead, p)), lead

    # -- bounds ------------------------------------------------------------------------

    def bounds(self, p: Polynomial) -> Bounds:
        """Bounds of every entry, from the bounds of the atoms and the known relations."""
        total = self.term_bounds(p)
        if total.sign in ("unknown", "0+"):
            for laws in self.laws:
                total = total.meet(laws.bounds(p))
            total = total.meet(self.reckon(p))
        if self._known and p and len(p) < 40 and len(free_labels(p)) < 4:
            q, lead = self._normalise(p)
            found = self._known.get(self.wrap("known", [q])[0])
            if found is not None:
                total = total.meet(found.times(exactly(lead)))
        return total

    def term_bounds(self, p: Polynomial) -> Bounds:
        """Bounds of every entry, from those of the terms alone."""
        parts = [exactly(c).times(self._monomial_bounds(m)) for m, c in p.items()]
        total = parts[0] if parts else exactly(Fraction(0))
        for part in parts[1:]:
            total = total.plus(part)
        return total

    def assume(self, p: Polynomial, bounds: Bounds) -> None:
        """Take bounds of every entry of a polynomial as given."""
        if not p:
            return
        if len(p) == 1:
            ((m, c),) = p.items()
            if len(m[0]) == 1 and not m[1] and m[0][0][2] == 1 and len(set(m[0][0][1])) == len(m[0][0][1]):
                a = m[0][0][0]
                self.tighten(a, bounds.times(exactly(1 / c)))
        q, lead = self._normalise(p)
        index, _ = self.wrap("known", [q])
        cut = bounds.times(exactly(1 / lead))
        self._known[index] = self._known[index].meet(cut) if index in self._known else cut

    def equate(self, p: Polynomial) -> None:
        """Take ``p == 0``, for every value of its free labels, as given: its leading term is replaced by the rest."""
        leading = self._leading(p) if p else None
        if leading is not None:
            self._rules.append((*leading, p, free_labels(p)))

    def _apply_rule(self, c: Fraction, factors: list[Factor], bound: Bound) -> Any:
        for lead, c0, p, free in self._rules:
            names = sorted({i for _, ls, _ in factors for i in ls}) if free else []
            for chosen in permutations(names, len(free)):
                rename = dict(zip(free, chosen, strict=True))
                width = max(free, default=-1) + 1
                found = self.find(lead, tuple(rename.get(k, 0) for k in range(width)), factors, bound)
                if found is None:
                    continue
                rest, left = found
                items = []
                for m, k in p.items():
                    if m != lead:
                        more, inner = self.open(m, rename)
                        items.append((-c * k / c0, [*rest, *more], {**left, **inner}))
                return items
        return None

    def tighten(self, index: int, bounds: Bounds) -> None:
        old = self.atoms[index]
        met = old.bounds.meet(bounds)
        if met != old.bounds:
            self.atoms[index] = replace(old, bounds=met)

    def _monomial_bounds(self, m: Monomial) -> Bounds:
        averaged: set[int] = set()
        total = exactly(Fraction(1))
        for a, ls, e in m[0]:
            atom = self.atoms[a]
            if e == 1 and atom.has("simplex"):
                label = ls[atom.payload.domain.axis("simplex")]
                if label < -1 and label not in averaged and ls.count(label) == 1:
                    averaged.add(label)
                    continue
            total = total.times(atom.bounds.power(to_sympy(e)) if e != 1 else atom.bounds)
        if m[1]:
            total = total.spread()
        for k, d in enumerate(m[1]):
            if -2 - k not in averaged:
                size = number_bounds(d)
                total = total.times(Bounds(max(size.low, Fraction(1)), size.high, False, size.high_open))
        if total.sign in ("unknown", "nonzero") and self.is_quadratic(m):
            return NONNEGATIVE
        return total

    def is_quadratic(self, m: Monomial) -> bool:
        """Whether a monomial is Σ weight · g K g' with weight >= 0, g' the mirror of g, and K psd (or 1)."""
        for weights, _, _ in self.mirrors(m, self._joins):
            total = exactly(Fraction(1))
            for a, _, e in weights:
                total = total.times(self.atoms[a].bounds.power(to_sympy(e)))
            if total.sign in ("+", "0+", "0"):
                return True
        return False

    def _joins(self, f: Factor, pairs: list[tuple[int, int]]) -> bool:
        """Whether a factor is a psd matrix over a pair of labels that mirror (its powers are psd by Schur)."""
        a, ls, e = f
        inside = [pair for pair in pairs if set(ls[-2:]) == set(pair)]
        moved = {i for pair in pairs for i in pair}
        return (
            len(inside) == 1
            and isinstance(e, int)
            and e > 0
            and not moved.intersection(ls[:-2])
            and any(laws.semidefinite(self.atoms[a]) for laws in self.laws)
        )

    def mirrors(
        self, m: Monomial, joins: Callable[[Factor, list[tuple[int, int]]], bool] = lambda f, pairs: False
    ) -> Iterable[tuple[list[Factor], list[Factor], list[tuple[int, int]]]]:
        """The ways to read a monomial as Σ weights · half · half', with the pairs of labels that mirror.

        Even powers over labels that stay are read as squares of the half.  Factors that may join the halves
        are left out.
        """
        count = len(m[1])
        labels = [-2 - k for k in range(count)]
        table = {(a, ls): e for a, ls, e in m[0]}
        if count > 8 or any(isinstance(e, Expr) for e in table.values()):
            return
        for pairs in _involutions(labels, m[1]):
            swap = {i: j for pair in pairs for i, j in (pair, pair[::-1])}
            firsts, seconds = {p[0] for p in pairs}, {p[1] for p in pairs}
            weights: list[Factor] = []
            half: list[Factor] = []
            good = True
            for (a, ls), e in table.items():
                image = (a, self.symmetric(a, tuple(swap.get(i, i) for i in ls)))
                in_first, in_second = bool(firsts & set(ls)), bool(seconds & set(ls))
                if table.get(image) != e or (in_first and in_second and not joins((a, ls, e), pairs)):
                    good = False  # not mirrored, or a factor that joins the halves
                    break
                if in_first and in_second:
                    continue
                if in_first:
                    half.append((a, ls, e))
                elif not in_second:
                    if isinstance(e, int) and e > 0 and e % 2 == 0 and self.atoms[a].kind in ("leaf", "d"):
                        half.append((a, ls, e // 2))
                    else:
                        weights.append((a, ls, e))
            if good:
                yield weights, half, pairs

    # -- functions -----------------------------------------------------------------------

    def exp(self, p: Polynomial) -> Polynomial:
        """exp of a polynomial: a product of powers of e^monomial."""
        if not p:
            return ONE
        split = self._split([p], lambda q: self.exp(q[0]))
        if split is not None:
            return split
        result: list[Factor] = []
        extra: list[Polynomial] = []
        for m, c in p.items():
            if len(m[0]) == 1 and not m[1] and m[0][0][2] == 1 and self.atoms[m[0][0][0]].kind == "log":
                a, ls, _ = m[0][0]
                inner = self.relabel(self.atoms[a].inner[0], dict(enumerate(ls)))
                extra.append(self.power(inner, exponent_of(c)))
                continue
            whole = self._power_of_size(m, c)
            if whole is not None:
                extra.append(whole)
                continue
            a, ls = self.wrap("exp", [{m: Fraction(1)}], Bounds(Fraction(0), nonzero=True))
            result.append((a, ls, exponent_of(c)))
        return self.multiply(self.reduce(Fraction(1), result, {}), *extra)

    def _power_of_size(self, m: Monomial, c: Fraction) -> Polynomial | None:
        """``exp(n log q) = q**n`` for an expression n in the dimensions and q > 0 that is no number."""
        logs = [f for f in m[0] if self.atoms[f[0]].kind == "log"]
        rest = self.expression({(tuple(f for f in m[0] if f not in logs), m[1]): c})
        if len(logs) != 1 or logs[0][2] != 1 or m[1] or rest is None:
            return None
        a, ls, _ = logs[0]
        inner = self.relabel(self.atoms[a].inner[0], dict(enumerate(ls)))
        only = only_factor(inner)
        if only is None or self.atoms[only[0]].kind in ("prime", "dim") or self.bounds(inner).sign != "+":
            return None
        return self.power(inner, exponent_of(rest))

    def log(self, p: Polynomial, hint: Bounds = Bounds()) -> Polynomial:
        """log of a polynomial, split where signs allow."""
        split = self._split([p], lambda q: self.log(q[0]), products=True)
        if split is not None:
            return split
        number = constant_value(p)
        if number is not None and number <= 0:
            raise NotHandled("the logarithm of a number that is not positive")
        if number == 1:
            return {}
        c, everything = self.magnitudes(p)
        total: Polynomial = {}
        if abs(c) != 1:
            for prime, k in _primes(abs(c)):
                a = self.atom("prime", prime, 0, exactly(Fraction(prime)))
                total = add(total, scale(k, self._log_atom(raw([(a, (), 1)]))))
        signed: list[tuple[Polynomial, int]] = []
        whole_positive = hint.sign == "+" or self.bounds(p).sign == "+"
        for q, e in everything:
            only = only_factor(q)
            if only is not None and self.atoms[only[0]].kind == "exp":
                inner = self.relabel(self.atoms[only[0]].inner[0], dict(enumerate(only[1])))
                total = add(total, self.multiply(self.constant(to_sympy(e)), inner))
                continue
            sign = self.bounds(q).sign
            if len(everything) == 1 and c > 0 and e == 1 and whole_positive:
                sign = "+"
            if isinstance(e, Expr) and sign not in ("+", "0+") and e.is_integer is not False:
                raise NotHandled("the logarithm of a symbolic power of unknown sign")
            if sign in ("+", "0+") or not isinstance(e, int):
                total = add(total, self.multiply(self.constant(to_sympy(e)), self._log_atom(q)))
            elif e % 2 == 0:
                a, ls = self.wrap("abs", [q], POSITIVE if sign == "nonzero" else NONNEGATIVE)
                total = add(total, scale(e, self._log_atom(raw([(a, ls, 1)]))))
            elif e == 1:
                signed.append((q, 1))
            else:
                a, ls = self.wrap("abs", [q], NONNEGATIVE)
                if len(everything) > 1 or c < 0:
                    total = add(total, scale(e - 1, self._log_atom(raw([(a, ls, 1)]))))
                    signed.append((q, 1))
                else:
                    total = add(total, scale(e, self._log_atom(q)))
        if signed or c < 0:
            if not signed:
                raise NotHandled("the logarithm of something that is not positive")
            q = self.multiply(*(q for q, _ in signed))
            total = add(total, self._log_atom(scale(-1, q) if c < 0 else q))
        return total

    def _log_atom(self, q: Polynomial) -> Polynomial:
        inner = self.bounds(q)
        low = Fraction(0) if inner.low >= 1 else -float("inf")
        high = Fraction(0) if inner.high <= 1 else float("inf")
        nonzero = inner.low > 1 or inner.high < 1
        bounds = Bounds(low, high, nonzero or inner.low_open, nonzero or inner.high_open, nonzero)
        a, ls = self.wrap("log", [q], bounds)
        return raw([(a, ls, 1)])

    def power(self, p: Polynomial, e: Exponent, hint: Bounds = Bounds()) -> Polynomial:
        """A constant power."""
        if e == 1:
            return p
        if isinstance(e, int) and e >= 0:
            return self.integer_power(p, e)
        if not p:
            raise NotHandled("a power of 0")
        split = self._split([p], lambda q: self.power(q[0], e), products=True)
        if split is not None:
            return split
        if e == Fraction(1, 2):
            root = self.denest(p)
            if root is not None:
                return root
        c, everything = self.magnitudes(p)
        result: list[Factor] = []
        extra: list[Polynomial] = []
        integral = isinstance(e, int) or (isinstance(e, Expr) and bool(e.is_integer))
        if isinstance(e, int):
            extra.append({UNIT: c**e})
        elif c > 0 and isinstance(e, Expr):
            extra.append(ONE if c == 1 else self.constant(to_sympy(c) ** e))
        elif c > 0:
            for prime, k in _primes(c):
                a = self.atom("prime", prime, 0, exactly(Fraction(prime)))
                result.append((a, (), times(k, e)))
        elif integral:
            return self.multiply(self.alternating(to_sympy(e)), self.power(scale(-1, p), e))
        signed: list[Polynomial] = []
        whole = hint.sign if hint.sign in ("+", "0+") else self.bounds(p).sign
        for q, k in everything:
            sign = self.bounds(q).sign
            at = only_factor(q)
            if len(everything) == 1 and c > 0 and k == 1 and whole in ("+", "0+"):
                sign = whole
            if isinstance(k, Expr) and not integral and sign not in ("+", "0+") and k.is_integer is not False:
                raise NotHandled("a root of a symbolic power of unknown sign")
            if integral or sign in ("+", "0+") or not isinstance(k, int):
                raised = times(k, e)
                # one spelling for a root of what is not known to be >= 0
                if at is None or (not isinstance(raised, int) and not integral and sign not in ("+", "0+")):
                    at = self.wrap("poly", [q], self.bounds(q).meet(of_sign(sign)))
                elif isinstance(raised, Fraction) and sign not in ("+", "0+"):
                    at = self.wrap("poly", [q], self.bounds(q))
                result.append((*at, raised))
            elif k % 2 == 0:
                a, ls = self.wrap("abs", [q], POSITIVE if sign == "nonzero" else NONNEGATIVE)
                result.append((a, ls, times(k, e)))
            else:
                if k != 1:
                    a, ls = self.wrap("abs", [q], NONNEGATIVE)
                    result.append((a, ls, times(k - 1, e)))
                signed.append(q)
        if signed or (c < 0 and not integral):
            if not signed:
                raise NotHandled("a root of something negative")
            q = self.multiply(*signed)
            if c < 0:
                for prime, k in _primes(-c):
                    a = self.atom("prime", prime, 0, exactly(Fraction(prime)))
                    result.append((a, (), times(k, e)))
                q = scale(-1, q)
            a, ls = self.wrap("poly", [q], self.bounds(q))
            result.append((a, ls, e))
        return self.multiply(self.reduce(Fraction(1), result, {}), *extra)

    def sign(self, p: Polynomial, hint: Bounds = Bounds()) -> Polynomial:
        """sign of a polynomial, factor by factor."""
        known = self.bounds(p).meet(hint).sign if p else "0"
        if known in ("+", "-", "0"):
            return scale({"+": 1, "-": -1, "0": 0}[known], ONE)
        split = self._split([p], lambda q: self.sign(q[0]), products=True)
        if split is not None:
            return split
        c, units, parts = self.factorise(p)
        result: list[Factor] = []
        known_signs: list[Polynomial] = []
        for q, k in [(raw([(a, ls, 1)]), e) for a, ls, e in units] + list(parts):
            bounds = self.bounds(q)
            if bounds.sign == "+":
                continue
            found = next((s for s in (laws.order(q) for laws in self.laws) if s is not None), None)
            if found is not None and isinstance(k, int):
                known_signs.append(found if k % 2 else self.multiply(found, found))
                continue
            at = only_factor(q)
            if at is not None and self.atoms[at[0]].kind == "sign" and isinstance(k, int):
                result.append((*at, 1 if k % 2 else 2))
                continue
            exponent = 1
            if isinstance(k, int):
                exponent = 1 if k % 2 else 2
            elif isinstance(k, Expr):
                raise NotHandled("the sign of a symbolic power")
            if bounds.sign == "-":
                c = -c if exponent == 1 else c
                continue
            outer = Bounds(Fraction(-1), Fraction(1), False, False, bounds.sign == "nonzero")
            a, ls = self.wrap("sign", [q], outer.meet(of_sign(bounds.sign)))
            result.append((a, ls, exponent))
        return self.multiply(self.reduce(Fraction(1 if c > 0 else -1), result, {}), *known_signs)

    def magnitude(self, p: Polynomial, hint: Bounds = Bounds()) -> Polynomial:
        """|p| = p · sign(p)."""
        known = self.bounds(p).meet(hint).sign if p else "0"
        if known in ("+", "0+", "0"):
            return p
        if known in ("-", "0-"):
            return scale(-1, p)
        return self.multiply(p, self.sign(p, hint))

    def function(self, name: str, inner: Sequence[Polynomial], bounds: Bounds = Bounds()) -> Polynomial:
        """Any other function, as an atom; odd and even ones by their sign."""
        split = self._split(inner, lambda q: self.function(name, q))
        if split is not None:
            return split
        known = self.special(name, inner)
        if known is not None:
            return known
        if name in ODD or name in EVEN:
            p = inner[0]
            if not p:
                return ONE if name in EVEN else {}
            _, lead = self._normalise(p)
            if lead < 0:
                flipped = bounds if name in EVEN else bounds.negate()
                return scale(1 if name in EVEN else -1, self.function(name, [scale(-1, p)], flipped))
            if name in ("sin", "cos"):
                bounds = self._on_circle(name, p)
        a, ls = self.wrap(name, inner, bounds)
        return self.single(a, ls)

    def _on_circle(self, name: str, p: Polynomial) -> Bounds:
        """Bounds of sin or cos: > 0 where the angle is shown to lie in (0, π) or in (-π/2, π/2)."""
        angle, quarter = self.bounds(p), _QUARTER
        turns = self._turns(p)
        if turns is not None:
            angle, quarter = self.bounds(turns), Fraction(1, 2)
        inside = angle.low > -quarter or (angle.low == -quarter and angle.low_open)
        if name == "cos" and inside and (angle.high < quarter or (angle.high == quarter and angle.high_open)):
            return Bounds(Fraction(0), Fraction(1), True, False)
        below = angle.high < 2 * quarter or (angle.high == 2 * quarter and angle.high_open)
        if name == "sin" and angle.sign == "+" and below:
            return Bounds(Fraction(0), Fraction(1), True, False)
        return Bounds(Fraction(-1), Fraction(1), False, False)

    def _turns(self, p: Polynomial) -> Polynomial | None:
        """p/π, where every term has the factor π."""
        found: Polynomial = {}
        for m, c in p.items():
            rest = tuple(f for f in m[0] if not (self.atoms[f[0]].payload is pi and f[2] == 1))
            if len(rest) == len(m[0]):
                return None
            found[rest, m[1]] = c
        return found

    def product_over(self, p: Polynomial, slot: int, dim: Expr) -> Polynomial:
        """Π over a free label."""
        if not p:
            return {}
        c, units, parts = self.factorise(p)
        result: list[Polynomial] = []
        size = self.constant(dim)
        if c != 1:
            if c > 0:
                result.append(self.exp(self.multiply(size, self.log({UNIT: c}))))
            else:
                parts = [*parts, ({UNIT: c}, 1)]
        for a, ls, e in units:
            atom = self.atoms[a]
            base = raw([(a, ls, 1)])
            known = next((q for q in (laws.product(a, ls, slot) for laws in self.laws) if q is not None), None)
            if known is not None:
                result.append(self.power(known, e))
            elif slot not in ls:
                if atom.bounds.sign == "+":
                    factor = self.exp(self.multiply(size, self.constant(to_sympy(e)), self.log(base)))
                else:
                    factor = self.power(base, exponent_of(to_sympy(e) * dim))
                result.append(factor)
            elif atom.bounds.sign == "+":
                logged = self.contract(self.log(base), {slot: dim})
                result.append(self.exp(self.multiply(self.constant(to_sympy(e)), logged)))
            elif isinstance(e, int):
                index, labels = self.wrap("prod", [base], Bounds(), (slot,), dim)
                result.append(self.single(index, labels, e))
            else:
                raise NotHandled("a product of roots")
        for q, k in parts:
            sign = self.bounds(q).sign
            if sign == "+":
                logged = self.contract(self.log(q), {slot: dim})
                result.append(self.exp(scale(k, logged)))
            else:
                index, labels = self.wrap("prod", [q], Bounds(), (slot,), dim)
                result.append(self.single(index, labels, k))
        return self.multiply(*result)


def exactly_unit() -> Bounds:
    """[0, 1]."""
    return Bounds(Fraction(0), Fraction(1), False, False)


def raw(factors: Iterable[Factor], c: Fraction | int = 1) -> Polynomial:
    """A one-term polynomial of factors over free labels, as it stands."""
    return {(tuple(sorted(factors, key=_factor_key)), ()): Fraction(c)}


def only_factor(q: Polynomial) -> tuple[int, Labels] | None:
    """The single factor that a polynomial is."""
    if len(q) == 1:
        ((m, c),) = q.items()
        if c == 1 and not m[1] and len(m[0]) == 1 and m[0][0][2] == 1:
            return m[0][0][0], m[0][0][1]
    return None


def _exponent_in(m: Monomial, name: tuple[int, Labels]) -> Fraction:
    return sum((Fraction(e) for a, ls, e in m[0] if (a, ls) == name), Fraction(0))  # type: ignore[arg-type]


def _primes(c: Fraction) -> list[tuple[int, int]]:
    """The prime factorisation of a positive fraction (large parts stay whole)."""
    found: dict[int, int] = {}
    for number, sign in ((c.numerator, 1), (c.denominator, -1)):
        if number > 10**18:
            parts = {number: 1}
        else:
            parts = factorint(number)
        for prime, k in parts.items():
            found[int(prime)] = found.get(int(prime), 0) + sign * int(k)
    return [(p, k) for p, k in sorted(found.items()) if k and p != 1]


def _lcm(a: int, b: int) -> int:
    return math.lcm(a, b)


def _involutions(labels: list[int], dims: Sequence[Expr]) -> Iterable[list[tuple[int, int]]]:
    """Sets of disjoint pairs of labels of equal dimension, of few labels in every relative order."""
    pairs = [(i, j) for i, j in combinations(labels, 2) if dims[-2 - i] == dims[-2 - j]]

    def choose(start: int, used: frozenset[int]) -> Iterable[list[tuple[int, int]]]:
        yield []
        for k in range(start, len(pairs)):
            pair = pairs[k]
            if not used & set(pair):
                for more in choose(k + 1, used | set(pair)):
                    yield [pair, *more]
                    if used and len(labels) <= 6:
                        yield [(pair[1], pair[0]), *more]

    return (chosen for chosen in choose(0, frozenset()))


__all__ = [
    "ONE",
    "Algebra",
    "Atom",
    "Monomial",
    "NotHandled",
    "Polynomial",
    "TooLarge",
    "add",
    "constant_value",
    "exponent_of",
    "free_labels",
    "monomial_key",
    "polynomial_key",
    "scale",
]
