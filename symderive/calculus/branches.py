"""Equality by cases: |x|, max, clip, masks and case distinctions, one sign at a time.

Two expressions that act entry by entry are equal if they are equal in every case
of the signs of what they compare.  A case that cannot occur is left out: the signs
taken together have no solution even if every monomial is a variable of its own
(Fourier-Motzkin elimination over the rationals; Schrijver, Theory of Linear and
Integer Programming, 12.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count

from symderive.calculus.polynomials import Monomial, Polynomial, scale
from symderive.calculus.regions import region_children
from symderive.calculus.signs import sign_of
from symderive.language import build, domains
from symderive.language.domains import Domain
from symderive.language.functions import meaning
from symderive.language.nodes import ONE, ZERO, Contraction, Leaf, Map, Node, Number
from symderive.language.statements import Relation, names_in

Zero = Callable[[Node, Node, tuple[Relation, ...]], bool]
"""Whether two nodes have one normal form under assumptions."""

Normal = Callable[[Node], Polynomial]

_KINKED = frozenset({"abs", "sign", "lt", "le", "eq", "ne", "maximum", "minimum", "heaviside"})
CASE_CAP = 4
ELIMINATION_CAP = 200


def equal_by_cases(
    lhs: Node, rhs: Node, given: tuple[Relation, ...], normal: Normal, same: Zero, positive: Callable[[Monomial], int]
) -> bool:
    """Whether two nodes are equal in every case of the signs of what they compare.

    ``normal`` gives the polynomial of a node, ``same`` decides equality of nodes
    without cases left, ``positive`` the known sign of a monomial (1, -1 or 0).
    """
    a, b = _apart(lhs, rhs)
    if a.shape != b.shape or not (_is_kinked(a) or _is_kinked(b)):
        return False
    entries = _Entries(given, names_in((a, b), given))
    return _decided(_opened(entries(a)), _opened(entries(b)), (), [], normal, same, positive, CASE_CAP)


class _Entries:
    """Everything that is no elementwise part becomes an array of its own.

    What is assumed of an entry in a case must say nothing of other entries, and
    a sum over all entries is not an entry.
    """

    def __init__(self, given: tuple[Relation, ...], taken: set[str]) -> None:
        self.given = given
        # what is given of an array of the user's must not be taken for a fact about an entry
        self.names = (n for k in count() if (n := f"entry_{k}") not in taken)
        self.leaves: dict[Node, Leaf] = {}

    def __call__(self, node: Node) -> Node:
        children = region_children(node)
        plain = isinstance(node, Contraction) and (len(children) < len(node.children) or bool(node.bound))
        if isinstance(node, Number) or (isinstance(node, Contraction) and not node.factors and not node.bound):
            return node
        if not children or plain:
            if node not in self.leaves:
                self.leaves[node] = Leaf(next(self.names), node.shape, _signed(node, self.given))
            return self.leaves[node]
        return build.rebuild(node, [self(c) for c in node.children])


def _signed(node: Node, given: tuple[Relation, ...]) -> Domain:
    """A domain with the sign that is known of a node."""
    match sign_of(node, given).value:
        case "+":
            return domains.positive
        case "0+":
            return domains.nonnegative
        case "nonzero":
            return domains.nonzero
    return domains.real


def _apart(a: Node, b: Node) -> tuple[Node, Node]:
    """The smallest parts in which two expressions of one build differ."""
    while type(a) is type(b) and len(a.children) == len(b.children) and a is not b:
        if isinstance(a, Contraction) and isinstance(b, Contraction):
            alike = a.coefficient == b.coefficient and a.label_dims == b.label_dims and a.out_rank == b.out_rank
            alike = alike and all(x == y for (_, x), (_, y) in zip(a.factors, b.factors, strict=True))
        else:
            alike = build.rebuild(a, b.children) is b if _fits(a, b) else False
        apart = [k for k, (x, y) in enumerate(zip(a.children, b.children, strict=True)) if x is not y]
        if not alike or len(apart) != 1 or not _is_kinked(a.children[apart[0]]):
            return a, b
        a, b = a.children[apart[0]], b.children[apart[0]]
    return a, b


def _fits(a: Node, b: Node) -> bool:
    return all(x.shape == y.shape for x, y in zip(a.children, b.children, strict=True)) and bool(a.children)


def _is_kinked(node: Node) -> bool:
    return any(isinstance(p, Map) and (p.function in _KINKED or p.function in ("where", "clip")) for p in node.walk())


def _opened(node: Node) -> Node:
    """Clips of the region written as minima of maxima."""
    children = region_children(node)
    if not children:
        return node
    done = {c: _opened(c) for c in children}
    made = build.rebuild(node, [done.get(c, c) for c in node.children])
    if isinstance(made, Map) and made.function == "clip":
        opened = meaning("clip", made.arguments)
        assert opened is not None
        return opened
    return made


def _region(node: Node) -> list[Node]:
    """The parts of an elementwise region, inner ones first."""
    found: dict[Node, None] = {}
    for child in region_children(node):
        found.update(dict.fromkeys(_region(child)))
    found[node] = None
    return list(found)


def _gap(node: Map) -> Node:
    """What the sign of decides the value: x of |x|, x - y of max(x, y), y - x of [x < y]."""
    x = node.arguments[0]
    if node.function in ("abs", "sign", "heaviside"):
        return x
    y = node.arguments[1]
    first, second = (y, x) if node.function in ("lt", "le", "eq", "ne") else (x, y)
    return build.add([(ONE, first), (-ONE, second)], node.shape)


def _valued(node: Map, sign: int) -> Node:
    """The value in a case."""
    x, *more = node.arguments
    match node.function:
        case "abs":
            value: Node = build.scale(sign, x) if sign else build.zeros(x.shape)
        case "sign":
            value = Number(sign * ONE)
        case "heaviside":
            value = more[0] if sign == 0 else Number(ONE if sign > 0 else ZERO)
        case "maximum":
            value = x if sign >= 0 else more[0]
        case "minimum":
            value = x if sign <= 0 else more[0]
        case _:
            holds = {"lt": sign > 0, "le": sign >= 0, "eq": sign == 0, "ne": sign != 0}[node.function]
            value = Number(ONE if holds else ZERO)
    return build.broadcast(value, node.shape)


Sided = tuple[Polynomial, int]


def _decided(
    a: Node,
    b: Node,
    given: tuple[Relation, ...],
    assumed: list[Sided],
    normal: Normal,
    same: Zero,
    positive: Callable[[Monomial], int],
    depth: int,
) -> bool:
    flat = [
        p
        for side in (a, b)
        for p in _region(side)
        if isinstance(p, Map) and p.function in _KINKED and not any(_is_kinked(c) for c in region_children(p))
    ]
    if not flat:
        return same(a, b, given)
    if depth == 0:
        return False
    gap = _gap(flat[0])
    polynomial = normal(gap)
    if not polynomial:
        return False
    for sign in (1, -1, 0):
        case = [*assumed, (polynomial, sign)]
        if impossible(case, positive):
            continue
        resolve = _Resolver(polynomial, sign, normal)
        op = {1: ">", -1: "<", 0: "=="}[sign]
        known = (*given, Relation(gap, op, build.zeros(gap.shape) if gap.shape else Number(ZERO)))
        if not _decided(resolve(a), resolve(b), known, case, normal, same, positive, depth - 1):
            return False
    return True


class _Resolver:
    """Puts the values of one case in for all that the sign of one polynomial decides."""

    def __init__(self, polynomial: Polynomial, sign: int, normal: Normal) -> None:
        self.polynomial = polynomial
        self.sign = sign
        self.normal = normal

    def __call__(self, node: Node) -> Node:
        children = region_children(node)
        if not children:
            return node
        done = {c: self(c) for c in dict.fromkeys(children)}
        made = build.rebuild(node, [done.get(c, c) for c in node.children])
        if not isinstance(made, Map):
            return made
        if made.function == "where":
            return _chosen(made)
        if made.function in _KINKED and not any(_is_kinked(c) for c in region_children(made)):
            ratio = _ratio(self.normal(_gap(made)), self.polynomial)
            if ratio:
                return _valued(made, self.sign if ratio > 0 else -self.sign)
        return made


def _chosen(node: Map) -> Node:
    """The branch of a case distinction whose condition is known."""
    condition, yes, no = node.arguments
    if build.is_zero(condition):
        return build.broadcast(no, node.shape)
    if condition is build.ones(condition.shape) or (isinstance(condition, Number) and condition.value == 1):
        return build.broadcast(yes, node.shape)
    return node


def _ratio(p: Polynomial, q: Polynomial) -> Fraction | None:
    """c with p = c q, if there is one."""
    if p.keys() != q.keys() or not p:
        return None
    first = next(iter(q))
    c = p[first] / q[first]
    return c if all(p[m] == c * q[m] for m in q) else None


# -- cases that cannot occur ------------------------------------------------------------

Row = tuple[dict[Monomial, Fraction], Fraction, bool]
"""``Σ c·m + constant >= 0`` (or > 0 where strict)."""


def impossible(case: Sequence[Sided], positive: Callable[[Monomial], int]) -> bool:
    """Whether no reals can have these signs, every monomial taken as a variable of its own."""
    rows: list[Row] = []
    monomials: dict[Monomial, None] = {}
    for polynomial, sign in case:
        for direction in (1, -1) if sign == 0 else (sign,):
            turned = scale(direction, polynomial)
            constant = turned.get(((), ()), Fraction(0))
            linear = {m: c for m, c in turned.items() if m != ((), ())}
            rows.append((linear, constant, sign != 0))
            monomials.update(dict.fromkeys(linear))
    for m in monomials:
        known = positive(m)
        if known:
            rows.append(({m: Fraction(known)}, Fraction(0), True))
    for m in monomials:
        above = [r for r in rows if r[0].get(m, 0) > 0]
        below = [r for r in rows if r[0].get(m, 0) < 0]
        rows = [r for r in rows if not r[0].get(m, 0)]
        for up in above:
            for down in below:
                rows.append(_joined(up, down, m))
        if len(rows) > ELIMINATION_CAP:
            return False
        if any(not linear and (constant < 0 or (constant == 0 and strict)) for linear, constant, strict in rows):
            return True
    return any(not linear and (constant < 0 or (constant == 0 and strict)) for linear, constant, strict in rows)


def _joined(up: Row, down: Row, m: Monomial) -> Row:
    """The consequence of two rows in which a variable has opposite signs, without it."""
    a, b = -down[0][m], up[0][m]
    linear: dict[Monomial, Fraction] = {}
    for row, weight in ((up, a), (down, b)):
        for key, c in row[0].items():
            if key != m:
                total = linear.get(key, Fraction(0)) + weight * c
                if total:
                    linear[key] = total
                else:
                    linear.pop(key, None)
    return linear, a * up[1] + b * down[1], up[2] or down[2]
