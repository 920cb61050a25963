"""Readable forms of elementwise regions, found by SymPy, judged by length.

A region is a maximal elementwise part of a program: sums, products, powers and
functions of atoms that all live on the same axes.  Per argument u of the
exponential family the region is rewritten in s = σ(u) and P = softplus(u):
exp u = s/(1-s), log s = u - P, log(1-s) = -P, tanh(u/2) = 2s - 1.  There the
identities of the sigmoid are polynomial algebra.  Several candidates (cancelled,
factored, expanded, in P or in softplus(-u)) are turned back into functions and
the shortest printed form wins; the original form wins ties.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Any, cast

from sympy import (
    Abs,
    Add,
    Expr,
    Function,
    Integer,
    Mul,
    Poly,
    PolynomialError,
    Pow,
    Rational,
    S,
    Symbol,
    expand,
    factor_list,
    fraction,
    gcd,
    ordered,
    sqrt,
    sympify,
)
from sympy import cancel as sympy_cancel
from sympy import factor as sympy_factor
from sympy import rem as sympy_rem

from symderive.calculus.definedness import dropped, granted
from symderive.calculus.rewrites import Rewrite
from symderive.language import build
from symderive.language.domains import real
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    ONE,
    Contraction,
    Factor,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Shape,
    Sum,
)
from symderive.language.statements import Relation, nonzero
from symderive.language.views.lift import lift_tree
from symderive.language.views.tree import Call, Index, Tree

TERM_CAP = 60
"""Regions with more SymPy operations than this are left as they are."""

LONG_DECIMAL = 10_000
"""Rationals with a denominator of at least this are decimals that stay as they are, as 0.044715."""

OPENING_CAP = 40
"""Regions longer than this are not multiplied out where parts of them are shared."""

CANDIDATE_CAP = 8
"""How many of the forms that SymPy finds are turned back into nodes and measured."""

EXPANSION_CAP, DEGREE_CAP, SYMBOL_CAP = 60, 12, 8
"""Fractions that would multiply out to more terms, to a higher degree or in more
symbols than this are left alone: polynomial algebra grows fast there."""


class _Fn(Function):
    """A row of the functions table as an uninterpreted SymPy function."""

    @classmethod
    def eval(cls, *args: Expr) -> None:
        return None


_FNS: dict[str, type[_Fn]] = {}


def _fn(name: str) -> type[_Fn]:
    if name not in _FNS:
        _FNS[name] = type(f"row_{name}", (_Fn,), {"row": name})
    return _FNS[name]


def is_elementwise(node: Node) -> bool:
    """Whether a node is an elementwise operation on nodes of its own shape."""
    return isinstance(node, Map | Sum) or bool(region_children(node))


def region_children(node: Node) -> tuple[Node, ...]:
    """The children that are in the same elementwise region as the node."""
    if isinstance(node, Map | Sum):
        return node.children
    if isinstance(node, Contraction):
        return tuple(f for f, _ in _split(node)[0])
    return ()


def _split(node: Contraction) -> tuple[list[Factor], list[Factor]]:
    """The factors that act elementwise on the output, and the others."""
    axes = tuple(range(node.out_rank))
    inside = [f for f in node.factors if f[1] in (axes, ())]
    return inside, [f for f in node.factors if f[1] not in (axes, ())]


def _rest(node: Contraction, others: list[Factor]) -> Node:
    """The contraction of the other factors alone, with every binder."""
    return build.contract(ONE, others, range(node.out_rank), dict(enumerate(node.label_dims)))


def _letter(name: str, **assumptions: bool) -> Symbol:
    """A symbol that stands for a node, or for a part of an expression; no dimension has such a name."""
    return Symbol(f"${name}", **assumptions)


def _is_letter(expr: Expr) -> bool:
    return isinstance(expr, Symbol) and expr.name.startswith("$")


# The same expressions come again as a derivative is put together: stand-ins have one name in all regions.
cancel = lru_cache(maxsize=4096)(sympy_cancel)
factor = lru_cache(maxsize=4096)(sympy_factor)
rem = lru_cache(maxsize=4096)(sympy_rem)


@dataclass
class _Region:
    """One region on its way through SymPy."""

    shape: Shape
    atoms: dict[Node, Symbol] = field(default_factory=dict)
    order: dict[Symbol, int] = field(default_factory=dict)
    nodes: dict[Symbol, Node] = field(default_factory=dict)
    bases: dict[Expr, _Base] = field(default_factory=dict)
    used_family: bool = False
    is_final: bool = True
    whole: frozenset[Node] = frozenset()

    def atom(self, node: Node) -> Symbol:
        symbol = self.atoms.get(node)
        if symbol is None:
            name = node.name if isinstance(node, Leaf | Named) else f"a{len(self.atoms)}"
            symbol = _letter(name, real=True)
            self.atoms[node] = symbol
            self.order[symbol] = len(self.order)
            self.nodes[symbol] = node
        return symbol


    def number(self, value: Expr) -> Expr:
        """A coefficient: a long decimal is a letter, so that no algebra multiplies its digits out."""
        if not isinstance(value, Rational) or value.q < LONG_DECIMAL:
            return value
        size = self.atom(Number(abs(value)))
        return size if value > 0 else -size


@dataclass
class _Base:
    """One argument u of the exponential family and its stand-ins."""

    u: Expr
    s: Symbol
    P: Symbol
    has_exp: bool = False


# -- nodes to SymPy -----------------------------------------------------------------


def _plain(node: Node, region: _Region) -> Expr:
    """The region as SymPy sees it, rows uninterpreted except + * and powers."""
    if node in region.whole:
        return region.atom(node)
    if region.whole and isinstance(node, Sum | Contraction):
        c, core = build.split_coefficient(node)
        if core in region.whole:
            return c * region.atom(core)
        if isinstance(core, Sum) and (negative := build.negated(core)) in region.whole:
            return -c * region.atom(negative)
    match node:
        case Number(value=value):
            return value
        case Sum():
            return Add(*(region.number(w) * _plain(n, region) for w, n in node.terms))
        case Contraction():
            inside, others = _split(node)
            product = region.number(node.coefficient) * Mul(*(_plain(f, region) for f, _ in inside))
            if others or node.bound:
                rest = _rest(node, others)
                if isinstance(rest, Contraction) and rest.coefficient != 1:
                    return product * rest.coefficient * region.atom(build.split_coefficient(rest)[1])
                return product * (rest.value if isinstance(rest, Number) else region.atom(rest))
            return product
        case Map(function="power") if isinstance(node.arguments[1], Number):
            return Pow(_plain(node.arguments[0], region), node.arguments[1].value)
        case Map(function="log1p"):
            return _fn("log")(1 + _plain(node.arguments[0], region))
        case Map(function="expm1"):
            return _fn("exp")(_plain(node.arguments[0], region)) - 1
        case Map(function="log_expit"):
            return -_fn("logaddexp")(S.Zero, -_plain(node.arguments[0], region))
        case Map(function="logaddexp"):
            a, b = (_plain(x, region) for x in node.arguments)
            if a == 0 or b == 0:
                return _fn("logaddexp")(S.Zero, a + b)
            return _fn("logaddexp")(a, b)
        case Map():
            return _valued(_fn(node.function)(*(_plain(a, region) for a in node.arguments)))
    return region.atom(node)


_FAMILY = {"exp", "expit", "tanh", "logaddexp"}


def _family_argument(expr: Expr) -> Expr | None:
    """u with expr one of exp(u), σ(u), softplus(u), tanh(u/2)."""
    name = getattr(type(expr), "row", None)
    if name not in _FAMILY:
        return None
    if name == "logaddexp":
        return expr.args[1] if expr.args[0] == 0 else None
    return 2 * expr.args[0] if name == "tanh" else cast(Expr, expr.args[0])


def _content(u: Expr) -> tuple[Expr, Expr]:
    """``u = c · p`` with a rational c and p of canonical sign."""
    c, p = expand(u).as_content_primitive()
    if p.could_extract_minus_sign():
        c, p = -c, -p
    return c, p


def _stands_alone(expr: Expr, p: Expr) -> bool:
    """Whether an exponential meets no logarithm and no sum in a denominator: then it is no sigmoid in disguise."""
    exponentials = [f for f in expr.atoms(_fn("exp")) if _content(cast(Expr, f.args[0]))[1] == p]
    inside = [*expr.atoms(_fn("log")), *expr.atoms(_fn("xlogy"))]
    inside += [q.base for q in expr.atoms(Pow) if q.base.is_Add and q.exp.could_extract_minus_sign()]
    return not any(part.has(f) for part in inside for f in exponentials)


def _choose_bases(expr: Expr, region: _Region) -> None:
    groups: dict[Expr, list[tuple[str, Expr]]] = {}
    for part in expr.atoms(_Fn):
        u = _family_argument(part)
        if u is None or u.is_number or u.atoms(_Fn) & {f for f in u.atoms(_Fn) if _family_argument(f) is not None}:
            continue
        c, p = _content(u)
        groups.setdefault(p, []).append((type(part).row, c))  # type: ignore[attr-defined]
    for p, uses in groups.items():
        sizes = [abs(c) for _, c in uses]
        unit = reduce(gcd, sizes)
        if any(not (c / unit).is_integer or abs(c / unit) > 4 for _, c in uses):
            continue
        if any(name in ("logaddexp", "tanh") and abs(c) != unit for name, c in uses):
            continue
        if len(set(uses)) == 1 and uses[0][0] == "exp" and _stands_alone(expr, p):
            continue
        sign = -1 if all(c < 0 for _, c in uses) else 1
        written = any(name == "exp" for name, _ in uses)
        s, P = (_letter(f"{x}{len(region.bases)}", positive=True) for x in "sP")
        region.bases[p] = _Base(sign * unit * p, s, P, written)


def _in_family(expr: Expr, region: _Region) -> Expr:
    """Rewrite exp, σ, softplus, tanh and logs of them in the stand-ins s and P."""
    if not expr.args:
        return expr
    u = _family_argument(expr) if isinstance(expr, _Fn) else None
    if u is not None:
        c, p = _content(u)
        base = region.bases.get(p)
        if base is not None:
            region.used_family = True
            q = c / _content(base.u)[0]
            return _member(type(expr).row, q, base)  # type: ignore[attr-defined]
    args = [_in_family(cast(Expr, a), region) for a in expr.args]
    if isinstance(expr, _Fn):
        name = type(expr).row  # type: ignore[attr-defined]
        if name == "log":
            return _log(args[0], region)
        if name == "xlogy":
            value = _log(args[1], region)
            return expr.func(*args) if value.has(_fn("log")) else args[0] * value
    return expr.func(*args)


def _member(name: str, q: Expr, base: _Base) -> Expr:
    s, P = base.s, base.P
    if name == "exp":
        return (s / (1 - s)) ** q
    if name == "tanh":
        return q * (2 * s - 1)
    if name == "logaddexp":
        return P if q == 1 else P - base.u
    if q == 1:
        return s
    if q == -1:
        return 1 - s
    return s**q / (s**q + (1 - s) ** q)


def _log(argument: Expr, region: _Region) -> Expr:
    """log of a product, the positive stand-in factors split off."""
    if not any(argument.has(b.s) for b in region.bases.values()):
        return _fn("log")(argument)
    try:
        above, below = fraction(cancel(argument))
        constant_a, factors_a = factor_list(above)
        constant_b, factors_b = factor_list(below)
    except PolynomialError:
        return _fn("log")(argument)
    constant = constant_a / constant_b
    rest: Expr = S.One
    result: Expr = S.Zero
    for sign, factors in ((1, factors_a), (-1, factors_b)):
        for f, e in factors:
            base = next((b for b in region.bases.values() if f in (b.s, b.s - 1, 1 - b.s)), None)
            if base is None:
                rest = rest * f ** (sign * e)
            elif f == base.s:
                result += sign * e * (base.u - base.P)
            else:
                if f == base.s - 1 and e % 2:
                    constant = -constant
                result += -sign * e * base.P
    remaining = constant * rest
    if remaining == 1:
        return result
    if remaining.is_number and not remaining.is_positive:
        return _fn("log")(argument)
    return result + _fn("log")(remaining)


# -- SymPy back to nodes ----------------------------------------------------------------


class _NotBack(Exception):
    """SymPy found a form that no row says."""


class _Back:
    """Turns an expression in stand-ins into a node, terms in the order of the original."""

    def __init__(self, region: _Region) -> None:
        self.region = region
        self.meaning: dict[Symbol, tuple[str, Expr]] = {}
        for base in region.bases.values():
            self.meaning[base.s] = ("expit", base.u)
            self.meaning[base.P] = ("logaddexp", base.u)

    def node(self, expr: Expr) -> Node:
        region = self.region
        if expr.is_Symbol and expr in region.nodes:
            return region.nodes[cast(Symbol, expr)]
        if expr.is_Symbol and expr in self.meaning:
            name, u = self.meaning[cast(Symbol, expr)]
            inner = self.node(u)
            return build.apply(name, Number(S.Zero), inner) if name == "logaddexp" else build.apply(name, inner)
        if isinstance(expr, _Fn):
            return build.apply(type(expr).row, *(self.node(cast(Expr, a)) for a in expr.args))  # type: ignore[attr-defined]
        if expr.is_Add:
            return self._add(expr)
        if expr.is_Mul:
            return self._mul(expr)
        if expr.is_Pow and not self._dimensional(expr):
            base, exponent = expr.as_base_exp()
            return build.power(self._complemented(base), exponent)
        if isinstance(expr, Abs):
            return build.apply("abs", self.node(cast(Expr, expr.args[0])))
        if not self._dimensional(expr) or any(_is_letter(x) for x in expr.free_symbols):
            raise _NotBack(expr)
        return Number(expr)

    def _dimensional(self, expr: Expr) -> bool:
        return not expr.has(_Fn) and not any(x in self.region.nodes or x in self.meaning for x in expr.free_symbols)

    def _complement(self, expr: Expr) -> tuple[int, Expr] | None:
        """``expr = ±σ(-u)`` written as ±(1 - s)."""
        for base in self.region.bases.values():
            if expr == 1 - base.s:
                return 1, -base.u
            if expr == base.s - 1:
                return -1, -base.u
        return None

    def _complemented(self, expr: Expr) -> Node:
        found = self._complement(expr)
        if found is None:
            return self.node(expr)
        sign, u = found
        return build.scale(sign, build.apply("expit", self.node(u)))

    def _key(self, expr: Expr) -> tuple[int, int]:
        places = [self.region.order[x] for x in expr.free_symbols if x in self.region.order]  # type: ignore[index]
        places += [-1 for x in expr.free_symbols if x in self.meaning]
        return (0 if places else 1, min(places, default=0))

    def _add(self, expr: Expr) -> Node:
        found = self._complement(expr)
        if found is not None:
            return self._complemented(expr)
        terms = sorted(Add.make_args(expr), key=lambda x: (x.could_extract_minus_sign(), *self._key(x), str(x)))
        parts: list[tuple[Expr, Node]] = []
        for term in terms:
            c, rest = term.as_coeff_Mul()
            parts.append((c, self.node(rest)))
        return build.add(parts, self._shape(parts))

    def _shape(self, parts: Iterable[tuple[Expr, Node]]) -> Shape:
        return next((n.shape for _, n in parts if n.shape), ())

    def _mul(self, expr: Expr) -> Node:
        coefficient: Expr = ONE
        nodes: list[Node] = []
        for f in sorted(Mul.make_args(expr), key=lambda x: (*self._key(x), str(x))):
            if self._dimensional(f):
                coefficient = coefficient * f
                continue
            base, exponent = f.as_base_exp()
            found = self._complement(base)
            if found is not None and exponent.is_Integer:
                coefficient = coefficient * Integer(found[0]) ** exponent
                nodes.append(build.power(build.apply("expit", self.node(found[1])), exponent))
            else:
                nodes.append(self.node(f))
        return build.scale(coefficient, build.multiply(*nodes)) if nodes else Number(coefficient)


# -- choosing -----------------------------------------------------------------------------

_PENALTY = {"exp": 3, "log": 2, "power": 0, "log1p": 2, "where": 2}


def _clumsiness(tree: Tree) -> float:
    own = 0.0
    if isinstance(tree, Call):
        own = {"outer": 3.0, "einsum": 8.0, "diag": 2.0}.get(tree.function, 0.0)
    elif isinstance(tree, Index) and None in tree.keys:
        own = 3.5
    return own + sum(_clumsiness(c) for c in tree.children)


def _visible(node: Node) -> set[Node]:
    """The parts of a node down to definitions, which are printed by their names."""
    seen = {node}
    stack = [node]
    while stack:
        current = stack.pop()
        if not isinstance(current, Named):
            new = [c for c in current.children if c not in seen]
            seen.update(new)
            stack.extend(new)
    return seen


def cost(node: Node) -> float:
    """Printed length, with penalties for exp, log and division."""
    tree = lift_tree(node)
    total = float(tree.count()) + _clumsiness(tree)
    for part in _visible(node):
        if isinstance(part, Map):
            total += _PENALTY.get(part.function, 0)
            if part.function == "power" and isinstance(part.arguments[1], Number):
                exponent = part.arguments[1].value
                if exponent.is_number and exponent.is_negative:
                    base = part.arguments[0]
                    total += 4.0 if isinstance(base, Map) and base.function == "expit" else 1.5
    return total


@dataclass(frozen=True)
class _Size:
    """At most how many terms, of which degree, a fraction has once multiplied out."""

    above: float = 1.0
    below: float = 1.0
    degree_above: int = 0
    degree_below: int = 0

    def __mul__(self, other: _Size) -> _Size:
        return _Size(
            self.above * other.above,
            self.below * other.below,
            self.degree_above + other.degree_above,
            self.degree_below + other.degree_below,
        )

    def __add__(self, other: _Size) -> _Size:
        return _Size(
            self.above * other.below + other.above * self.below,
            self.below * other.below,
            max(self.degree_above + other.degree_below, other.degree_above + self.degree_below),
            self.degree_below + other.degree_below,
        )

    def __pow__(self, exponent: int) -> _Size:
        e = min(abs(exponent), 50)
        size = _Size(self.above**e, self.below**e, self.degree_above * e, self.degree_below * e)
        return size if exponent > 0 else _Size(size.below, size.above, size.degree_below, size.degree_above)

    @property
    def is_large(self) -> bool:
        return self.above + self.below > EXPANSION_CAP or self.degree_above + self.degree_below > DEGREE_CAP


def _size(expr: Expr) -> _Size:
    if expr.is_Add:
        return reduce(operator.add, (_size(cast(Expr, a)) for a in expr.args))
    if expr.is_Mul:
        return reduce(operator.mul, (_size(cast(Expr, a)) for a in expr.args))
    if expr.is_Pow and expr.exp.is_Integer:
        return _size(expr.base) ** int(expr.exp)
    return _Size() if expr.is_number else _Size(degree_above=1)


def _plain_candidates(expr: Expr) -> list[Expr]:
    """The expression itself, and what polynomial algebra makes of it."""
    found: list[Expr] = [expr]
    if _size(expr).is_large or len(expr.free_symbols) > SYMBOL_CAP:
        return found
    for step in (cancel, factor, expand, lambda e: factor(expand(e)), lambda e: expand(cancel(e))):
        try:
            found.append(step(expr))
        except (PolynomialError, NotImplementedError, ValueError):
            continue
    return found


def _candidates(expr: Expr, region: _Region) -> list[Expr]:
    found = _plain_candidates(expr)
    if len(found) == 1:
        return found
    for base in region.bases.values():
        if expr.has(base.P):
            other = _letter("Q", positive=True)
            swapped = expand(expr).subs(base.P, other + base.u)
            forms = (expand(swapped), factor(expand(swapped)))
            found += [folded for e in found if (folded := _folded(e, base)) != e]
            found += [e.subs(other, _fn("logaddexp")(S.Zero, -base.u)) for e in forms]
        if expr.has(base.s):
            other = _letter("t", positive=True)
            swapped = expr.subs(base.s, 1 - other)
            for step in (cancel, factor, expand):
                try:
                    e = step(swapped)
                except (PolynomialError, NotImplementedError, ValueError):
                    continue
                found.append(e.subs(other, _fn("expit")(-base.u)))
            tangent = _letter("T", real=True)
            turned = factor(expr.subs(base.s, (1 + tangent) / 2))
            found.append(turned.subs(tangent, _fn("tanh")(base.u / 2)))
            square = cancel(expr)
            product = _letter("v", positive=True)
            if square.is_polynomial(base.s):
                reduced = rem(square, product - base.s * (1 - base.s), base.s)
                if reduced.has(product):
                    found.append(factor(reduced).subs(product, base.s * _fn("expit")(-base.u)))
        if base.has_exp and expr.has(base.s):
            found += _in_exponentials(expr, base)
        found += _lowered(expr, base)
    found += [e for base in region.bases.values() for e in _sided(expr, base)]
    found += _normal(expr) + _hyperbolic(expr) + _rectified(expr) + _absolute(expr)
    found += _cases(expr, region.is_final, region.bases.values())
    return sorted(dict.fromkeys(found), key=lambda e: e.count_ops())[:CANDIDATE_CAP]


def _folded(expr: Expr, base: _Base) -> Expr:
    """u - softplus(u) is -softplus(-u), inside of sums."""
    if not expr.has(base.P):
        return expr
    there: dict[Expr, Expr] = {}
    for total in expr.atoms(Add):
        weights = total.as_coefficients_dict()
        weight = weights.get(base.P, S.Zero)
        if weight and weights.get(base.u, S.Zero) == -weight:
            turned = _fn("logaddexp")(S.Zero, -base.u)
            there[total] = total - weight * base.P + weight * base.u + weight * turned
    return cast(Expr, expr.xreplace(there))


def _lowered(expr: Expr, base: _Base) -> list[Expr]:
    """Powers of σ, or of 1 - σ, whose exponents differ by numbers: the lowest is a factor."""
    for root in (base.s, 1 - base.s):
        powers = [f for f in expr.atoms(_fn("power")) if f.args[0] == root]
        lowest = next((f for f in powers if all((g.args[1] - f.args[1]).is_nonnegative for g in powers)), None)
        if lowest is not None and len(powers) > 1:
            expr = cast(Expr, expr.xreplace({f: root ** (f.args[1] - lowest.args[1]) * lowest for f in powers}))
            softplus = _letter("Q", positive=True)
            swapped = factor(expand(expr.subs(base.P, softplus + base.u)))
            return [factor(expr), swapped.subs(softplus, _fn("logaddexp")(S.Zero, -base.u))]
    return []


def _normal(expr: Expr) -> list[Expr]:
    """erf(x/√2) is 2Φ(x) - 1."""
    root = sqrt(Integer(2))
    closed = {part: 2 * _fn("ndtr")(root * part.args[0]) - 1 for part in expr.atoms(_fn("erf"))}
    return [expand(expr.xreplace(closed)), factor(expr.xreplace(closed))] if closed else []


def _hyperbolic(expr: Expr) -> list[Expr]:
    """sinh u / cosh u is tanh u."""
    found: list[Expr] = []
    for part in expr.atoms(_fn("sinh")):
        u = part.args[0]
        quotient = cancel(expr.subs(part, _fn("tanh")(u) * _fn("cosh")(u)))
        if not quotient.has(_fn("cosh")(u)):
            found.append(quotient)
    return found


def _sided(expr: Expr, base: _Base) -> list[Expr]:
    """max(0, v) + softplus(-|v|) is softplus(v), the form that does not overflow."""
    size = next((f for f in base.u.atoms(_fn("abs")) if base.u == -f), None)
    if size is None or not expr.has(base.P) or expr.has(base.s):
        return []
    maximum, softplus = _fn("maximum"), _fn("logaddexp")
    v = cast(Expr, size.args[0])
    found: list[Expr] = []
    for u in (v, -v):
        upper = next((f for f in expr.atoms(maximum) if set(f.args) == {S.Zero, u}), None)
        if upper is not None:
            found.append(expand(expand(expr).subs(base.P, softplus(S.Zero, u) - upper)))
    return found


def _in_exponentials(expr: Expr, base: _Base) -> list[Expr]:
    """σ/(1 - σ) is exp again."""
    e = _letter("e", positive=True)
    try:
        whole = cancel(expr.subs(base.s, e / (1 + e)))
        forms = [factor(whole)]
        plain = expand(whole)
        if not any(p.base != e for p in plain.atoms(Pow) if p.has(e)):
            forms.append(plain)
    except (PolynomialError, NotImplementedError, ValueError):
        return []
    exp = _fn("exp")
    powers = {p: exp(p.exp * base.u) for form in forms for p in form.atoms(Pow) if p.base == e}
    return [form.xreplace(powers).subs(e, exp(base.u)) for form in forms]


def _absolute(expr: Expr) -> list[Expr]:
    """|u|·sign u is u, u·sign u is |u|, |u|² is u², at u = 0 too."""
    found: list[Expr] = []
    absolute, sign = _fn("abs"), _fn("sign")
    for u in dict.fromkeys(cast(Expr, part.args[0]) for part in (*expr.atoms(absolute), *expr.atoms(sign))):
        a, s, x = _letter("a"), _letter("s"), _letter("x")
        opened = expr.subs({absolute(u): a, sign(u): s}).subs(u, x)
        if any(p.exp.is_negative for p in opened.atoms(Pow) if p.base in (a, x)):
            opened = opened.subs(a, s * x)  # u is not 0 here
            opened = opened.xreplace({p: s ** (p.exp % 2) for p in opened.atoms(Pow) if p.base == s})
        opened = expand(opened)
        if opened.is_polynomial(a, s, x) and opened.has(a, s):
            closed = Add(*(rest * _of_size(i, j, k, u) for (i, j, k), rest in Poly(opened, a, s, x).terms()))
            found += [closed, factor(closed)]
        elif not opened.has(a, s):
            found.append(opened.subs(x, u))
    return found


def _of_size(i: int, j: int, k: int, u: Expr) -> Expr:
    """``|u|**i · sign(u)**j · u**k`` with at most one of |u| and sign u left."""
    if i + k == 0:
        return _fn("sign")(u) ** j
    odd = (i + j) % 2
    return u ** (i + k - odd) * _fn("abs")(u) ** odd


def _lighter(expr: Expr, bases: Iterable[_Base]) -> Expr:
    """A branch in exponentials again, where it is written so with less."""
    for base in bases:
        if base.has_exp and expr.has(base.s):
            expr = min((expr, *_in_exponentials(expr, base)), key=lambda e: e.count_ops())
    return expr


def _cases(expr: Expr, is_final: bool, bases: Iterable[_Base]) -> list[Expr]:
    """One case distinction for all that share a condition: [c] a + where(c, b, d) is where(c, a + b, d).

    A product with a mask is shorter, but computes what the mask hides: only where that
    is defined, and only when nothing more will be multiplied to it.
    """
    found: list[Expr] = []
    conditions = [part.args[0] for part in expr.atoms(_fn("where"))]
    conditions += [part for part in expr.atoms(_Fn) if FUNCTIONS[type(part).row].mask]  # type: ignore[attr-defined]
    for condition in dict.fromkeys(conditions):
        mask = _letter("m")
        reduced = expr
        for part in expr.atoms(_fn("where")):
            if part.args[0] == condition:
                reduced = reduced.subs(part, mask * part.args[1] + (1 - mask) * part.args[2])
        is_mask = isinstance(condition, _Fn) and FUNCTIONS[type(condition).row].mask  # type: ignore[attr-defined]
        if is_mask:
            reduced = reduced.subs(condition, mask)
        reduced = expand(reduced)
        if reduced.has(condition) or not reduced.is_polynomial(mask):
            continue
        on, off = (_lighter(factor(reduced.subs(mask, value)), bases) for value in (1, 0))
        found.append(on if on == off else _fn("where")(condition, on, off))
        if is_final and is_mask and not _has_edges(on) and not _has_edges(off):
            found += [factor(off + condition * (on - off)), off + condition * factor(on - off)]
    return found


def _has_edges(expr: Expr) -> bool:
    """Whether an expression is undefined somewhere: only a case distinction can keep that from being computed."""
    if any(not (p.exp.is_Integer and p.exp.is_positive) for p in expr.atoms(Pow) if not p.is_number):
        return True
    return any(FUNCTIONS[type(f).row].requires for f in expr.atoms(_Fn))  # type: ignore[attr-defined]


def _rectified(expr: Expr) -> list[Expr]:
    """max(0, u) times its own mask [u > 0] is max(0, u); a mask squared is the mask."""
    found: list[Expr] = []
    for part in expr.atoms(_fn("lt"), _fn("le")):
        mask = _letter("m")
        reduced = expand(expr.subs(part, mask))
        if not reduced.is_polynomial(mask):
            continue
        reduced = reduced.xreplace({p: mask for p in reduced.atoms(Pow) if p.base == mask})
        low, high = part.args
        for positive in reduced.atoms(_fn("maximum")):
            if low == 0 and set(positive.args) == {S.Zero, high}:
                terms = Add.make_args(expand(reduced))
                reduced = Add(*(t.subs(mask, 1) if _is_factor(positive, t) else t for t in terms))
        found += [factor(reduced).subs(mask, part), reduced.subs(mask, part)]
    return found


def _is_factor(part: Expr, term: Expr) -> bool:
    """Whether a term is a multiple of a positive power of the part; that the part occurs in it is not enough."""
    return any(f == part or (f.is_Pow and f.base == part and f.exp.is_positive) for f in Mul.make_args(term))


def _has_label_powers(expr: Expr, region: _Region) -> bool:
    labels = {x for n, x in region.atoms.items() if isinstance(n, Leaf) and n.domain.entries.values is not None}
    return any(p.base in labels for p in expr.atoms(Pow))


def _label_facts(expr: Expr, region: _Region, blocked: frozenset[Leaf]) -> Expr:
    """Powers of an array with finitely many values: y² = 1 for ±1, y² = y for 0/1."""
    for node, symbol in list(region.atoms.items()):
        if not isinstance(node, Leaf) or node in blocked or node.domain.entries.values is None:
            continue
        if not expr.has(symbol):
            continue
        vanishing = Mul(*(symbol - v for v in node.domain.entries.values))
        closed = {f: _letter(f"f{k}", real=True) for k, f in enumerate(ordered(expr.atoms(_Fn))) if f.has(symbol)}
        opened = cast(Expr, expr.xreplace(closed))
        numerator, denominator = fraction(cancel(opened)) if opened.is_rational_function(symbol) else (opened, S.One)
        if numerator.is_polynomial(symbol) and not denominator.has(symbol):
            reduced = rem(numerator, expand(vanishing), symbol) / denominator
            expr = cast(Expr, reduced.xreplace({stand_in: f for f, stand_in in closed.items()}))
    return expr


def _turned(expr: Expr, region: _Region) -> list[Expr]:
    """Forms in the margin u = y·m of a ±1 label: m is y·u, so that y is a factor of what is odd in it."""
    found: list[Expr] = []
    signs = [n for n in region.atoms if isinstance(n, Leaf) and set(n.domain.entries.values or ()) == {-1, 1}]
    labels = {region.atoms[n] for n in signs}
    for base in region.bases.values():
        u = base.u
        for label in labels & u.free_symbols:
            score = u / label
            if not isinstance(score, Symbol) or not expr.has(score):
                continue
            margin = _letter("u", real=True)
            opened = cast(Expr, expr.subs(score, label * margin))
            if not opened.is_polynomial(label):
                continue
            base.u = margin
            found += [e.subs(margin, u) for e in _candidates(rem(opened, label**2 - 1, label), region)]
            base.u = u
    return found


def _evaluated(expr: Expr) -> Expr:
    """Rows of constants as their values, as far as these are plain numbers."""
    if not expr.args:
        return expr
    made = expr.func(*(_evaluated(cast(Expr, a)) for a in expr.args))
    return _valued(made) if isinstance(made, _Fn) else made


def _valued(expr: _Fn) -> Expr:
    row = type(expr).row  # type: ignore[attr-defined]
    first, *others = expr.args
    match row:
        case "where" if first.is_Number:
            return others[0] if first != 0 else others[1]
        case "power" if others[0].is_Number:
            return first ** others[0]
        case "xlogy" if first.is_Number:
            return first * _valued(_fn("log")(others[0])) if first != 0 else S.Zero
        case "log" if first == 1:
            return S.Zero
        case "exp" if first == 0:
            return S.One
        case "entr" if first in (0, 1):
            return S.Zero
    if all(a.is_Rational for a in expr.args) and row in _OF_NUMBERS:
        return sympify(_OF_NUMBERS[row](*expr.args))
    return expr


_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "lt": lambda x, y: int(bool(x < y)),
    "le": lambda x, y: int(bool(x <= y)),
    "eq": lambda x, y: int(x == y),
    "ne": lambda x, y: int(x != y),
    "maximum": max,
    "minimum": min,
    "abs": abs,
    "sign": lambda x: int(bool(x > 0)) - int(bool(x < 0)),
}


_CHOOSING = frozenset({"where", "lt", "le", "eq", "ne", "power", "abs", "sign", "maximum", "minimum"})
"""Functions that a ±1 label steers; σ(y·u) and exp(-y·u) are better left as they are."""


def _interpolated(plain: Expr, region: _Region, blocked: frozenset[Leaf]) -> list[Expr]:
    """An array of two values, 0/1 or ±1: f(y) = f(a)·(b - y)/(b - a) + f(b)·(y - a)/(b - a)."""
    found: list[Expr] = []
    for node, symbol in list(region.atoms.items()):
        if not isinstance(node, Leaf) or node in blocked or len(node.domain.entries.values or ()) != 2:
            continue
        if plain.is_polynomial(symbol) or plain.count_ops() > TERM_CAP // 2:
            continue
        a, b = node.domain.entries.values  # type: ignore[misc]
        if a == -b and not any(f.has(symbol) for f in plain.atoms(_Fn) if type(f).row in _CHOOSING):  # type: ignore[attr-defined]
            continue
        at_a, at_b = (_evaluated(plain.subs(symbol, v)) for v in (a, b))
        found.append((at_a * (b - symbol) + at_b * (symbol - a)) / (b - a))
    return found


_TALKING = frozenset(
    {"exp", "log", "tanh", "xlogy", "sinh", "cosh", "lt", "le", "eq", "ne", "abs", "sign", "where", "erf"}
)
"""Functions that have identities with others, or with powers of themselves."""


def _is_plain(expr: Expr) -> bool:
    """Whether algebra has nothing to gain: terms of distinct closed factors, no part shared."""
    functions = expr.atoms(_Fn)
    family = [f for f in functions if _family_argument(f) is not None]
    if len(family) > 1 or any(type(f).row in _TALKING for f in functions):  # type: ignore[attr-defined]
        return False
    if any(not _is_monomials(cast(Expr, a)) for f in functions for a in f.args):
        return False
    return _is_monomials(expr.xreplace({f: _letter(f"f{k}") for k, f in enumerate(ordered(functions))}))


def _is_monomials(expr: Expr) -> bool:
    seen: set[Expr] = set()
    for term in Add.make_args(expr):
        for part in Mul.make_args(term):
            base = part.as_base_exp()[0]
            if part.is_number:
                continue
            if not base.is_Symbol or (base in seen and _is_letter(base)):
                return False
            seen.add(base)
    return True


@lru_cache(maxsize=4096)
def simplify_region(node: Node, blocked: frozenset[Leaf] = frozenset()) -> tuple[Node, tuple[Rewrite, ...]]:
    """The shortest equal form found of an elementwise region, and the rewrite made.

    ``blocked`` are leaves whose declared facts may not be used (they are being
    differentiated by).
    """
    if not is_elementwise(node):
        return node, ()
    shared = _shared(node)
    best, best_cost, rule = node, _price(node, shared), ""
    needed: tuple[Relation, ...] = ()
    inner = frozenset(n for n in shared if not any(part in shared for part in n.walk() if part is not n))
    for whole in dict.fromkeys((shared, inner, frozenset())):
        if shared and not whole and best_cost[1] > OPENING_CAP:
            break
        for made, name, conditions in _forms(node, blocked, whole):
            made_cost = _price(made, shared)
            if made_cost < best_cost:
                best, best_cost, rule, needed = made, made_cost, name, conditions
    if best is node:
        return node, ()
    return best, (Rewrite(node, best, rule, (*dropped(node, best), *needed)),)


def _price(node: Node, shared: frozenset[Node]) -> tuple[float, float]:
    """The cost where what stands several times is written once and named; then the cost as it stands."""
    there: dict[Node, Node] = {}
    names: dict[Node, Leaf] = {}
    for part in node.walk():
        for core, sign in ((part, 1), (build.scale(-1, part), -1), (build.negated(part), -1)):
            if core in shared and part is not node:
                name = names.setdefault(core, Leaf(f"_{len(names)}", core.shape, real))
                there[part] = build.scale(sign, name)
                break
    whole = cost(node)
    if not there:
        return whole, whole
    closed = build.substitute(node, there)
    named = sum(cost(core) for core, name in names.items() if name in closed.leaves())
    return cost(closed) + named, whole


def _shared(node: Node) -> frozenset[Node]:
    """Sums and products that stand more than once in a region, as they are or negated: r of r/(1 + r²).

    Algebra in them as wholes finds what is lost once they are multiplied out.
    """
    counts: dict[Node, int] = {}
    stack, seen = [node], {node}
    while stack:
        for child in region_children(stack.pop()):
            core = build.split_coefficient(child)[1]
            if isinstance(core, Sum) or (isinstance(core, Contraction) and core.factors):
                negative = build.negated(core)
                key = negative if negative in counts else core
                counts[key] = counts.get(key, 0) + 1
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return frozenset(n for n, count in counts.items() if count > 1)


def _forms(
    node: Node, blocked: frozenset[Leaf], whole: frozenset[Node]
) -> Iterable[tuple[Node, str, tuple[Relation, ...]]]:
    """Equal forms of a region, the rule and the conditions of each; the nodes of ``whole`` are not opened."""
    region = _Region(node.shape, is_final=not blocked, whole=whole)
    plain, numbers = _without_roots(_compared(_plain(node, region)))
    if plain.count_ops() > TERM_CAP:
        return
    family = facts = plain
    valued: set[Expr] = set()
    if _is_plain(plain) and not _has_label_powers(plain, region):
        expressions = [plain]
    else:
        interpolated = _interpolated(plain, region, blocked)
        _choose_bases(Add(plain, *interpolated), region)
        family = _in_family(plain, region) if region.bases else plain
        facts = _label_facts(family, region, blocked)
        expressions = _candidates(facts, region)
        if facts != family:
            expressions += [e for e in _turned(facts, region) if e not in expressions]
        for form in interpolated:
            valued.update(_plain_candidates(_in_family(form, region) if region.bases else form))
        expressions += [e for e in valued if e not in expressions]
    for base in region.bases.values():
        base.u = cast(Expr, base.u.xreplace(numbers))
    back = _Back(region)
    for expr in expressions:
        if expr.has(S.NaN, S.ComplexInfinity):
            continue
        if facts != family or expr in valued:
            rule = "use the values of the labels"
        elif region.used_family:
            rule = "sigmoid and softplus"
        else:
            rule = "algebra"
        try:
            yield _spread(back.node(cast(Expr, expr.xreplace(numbers))), node.shape), rule, ()
        except _NotBack:
            continue
    for gap, forms in _off_boundaries(plain):
        for expr in forms:
            try:
                made = _spread(back.node(cast(Expr, expr.xreplace(numbers))), node.shape)
                boundary = back.node(cast(Expr, gap.xreplace(numbers)))
            except _NotBack:
                continue
            needs = nonzero(boundary)
            yield made, "masks off their boundary", () if granted(needs) else (needs,)


def _without_roots(expr: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """π and roots of numbers as symbols, and what they stand for: algebra with them as numbers is slow."""
    half = S.Half
    roots = {p for p in expr.atoms(Pow) if p.is_number and abs(p.exp) == half and p.base.is_Integer}
    root_of_pi = any(p.base is S.Pi and p.exp.is_Rational and p.exp.q == 2 for p in expr.atoms(Pow))
    if not roots and not expr.has(S.Pi):
        return expr, {}
    there: dict[Expr, Expr] = {}
    back: dict[Expr, Expr] = {}
    for base in {cast(Expr, p.base) for p in roots}:
        symbol = _letter(f"r{base}", positive=True)
        back[symbol] = Pow(base, half)
        there |= {Pow(base, half): symbol, Pow(base, -half): symbol / base}
    if expr.has(S.Pi):
        symbol = _letter("p", positive=True)
        back[symbol] = Pow(S.Pi, half) if root_of_pi else S.Pi
        whole = symbol**2 if root_of_pi else symbol
        there |= {p: whole**p.exp for p in expr.atoms(Pow) if p.base is S.Pi} | {S.Pi: whole}
    return cast(Expr, expr.xreplace(there)), back


def _compared(expr: Expr) -> Expr:
    """Comparisons by the difference of their sides, where that is shorter: q·r < (q - 1)·r is r < 0."""
    replacements: dict[Expr, Expr] = {}
    for part in expr.atoms(_fn("lt"), _fn("le"), _fn("eq"), _fn("ne")):
        low, high = (cast(Expr, a) for a in part.args)
        if low == 0 or high == 0:
            if (low + high).could_extract_minus_sign() and not (low + high).is_number:
                replacements[part] = part.func(-high, -low)
            continue
        gap = expand(high - low)
        if gap.count_ops() + 2 < low.count_ops() + high.count_ops():
            turned = gap.could_extract_minus_sign()
            replacements[part] = part.func(-gap, S.Zero) if turned else part.func(S.Zero, gap)
    return expr.xreplace(replacements)


def _off_boundaries(expr: Expr) -> list[tuple[Expr, list[Expr]]]:
    """Forms that hold where two things differ: [u < v] + [v < u] = 1, sign u = 2·[u > 0] - 1."""
    found: list[tuple[Expr, list[Expr]]] = []
    less, sign = _fn("lt"), _fn("sign")
    for part in expr.atoms(less):
        low, high = part.args
        other = less(high, low)
        if expr.has(other) and not any(gap == low - high for gap, _ in found):
            both = (({part: 1, other: 0}, part), ({part: 0, other: 1}, other))
            forms = [f for values, mask in both for f in _in_one_mask(expr, values, mask)]
            found.append((cast(Expr, high - low), forms))
    for part in expr.atoms(sign):
        u = cast(Expr, part.args[0])
        if not expr.has(_fn("abs")(u)):
            found.append((u, _in_one_mask(expr, {part: 1}, less(S.Zero, u), off=-1)))
    return found


def _in_one_mask(expr: Expr, values: dict[Expr, int], mask: Expr, off: int = 0) -> list[Expr]:
    """An expression in parts that are 1 or ``off`` together, written with one mask."""
    m = _letter("m")
    swapped = {part: (m + off * (1 - m) if value else 1 - m) for part, value in values.items()}
    reduced = expand(expr.xreplace(swapped))
    if not reduced.is_polynomial(m):
        return []
    on, of = (factor(reduced.subs(m, value)) for value in (1, 0))
    forms = [of + factor(on - of) * mask]
    if not _has_edges(on) and not _has_edges(of):
        forms.append(_fn("where")(mask, on, of))
    return forms


def _spread(node: Node, shape: Shape) -> Node:
    return node if node.shape == shape else build.broadcast(node, shape)
