"""Stabilising rewrites between the formula as printed and the code as run.

``log(1 + exp(z))`` is what a person writes and overflows at z = 710; the code runs
``logaddexp(0, z)``.  Each such step is a row of :data:`RULES`: a name, the kind of node that it
reads, and a function that gives the stabler node or None.  The rules go over a program from the
leaves to the outputs until none applies, and every application is recorded as a
:class:`StableStep` that the judge can be asked about.

All of them are identities over the reals (with 0 log 0 = 0) on the declared domains; none of them
drops a condition except where a limit exists, as in ``x * log(y)`` at x = 0.

Sources: Mächler, "Accurately computing log(1 - exp(-|a|))" (2012) for log1p/expm1; Blanchard,
D. J. Higham & N. J. Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J.
Numer. Anal. 41 (2021); SciPy's ``special`` documentation for the conventions at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, Integer, Rational, sqrt
from sympy import log as sympy_log

from symderive.calculus.signs import structure
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Verdict
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import (
    ONE,
    ZERO,
    Contraction,
    Factor,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Shape,
    Slice,
    Sum,
    Term,
)
from symderive.language.statements import Relation

__all__ = ["RULES", "Rule", "StableStep", "hold", "is_nonnegative", "is_positive", "share", "stabilise"]

#: A node is rewritten at most this often; a rule that undoes another one would never end.
_ROUNDS = 40

HALF = Rational(1, 2)


@dataclass(frozen=True)
class StableStep:
    """One stabilising rewrite: ``before`` and ``after`` are equal, ``after`` is what runs.

    ``verdict`` is the judge's answer to "before == after", asked for when it is first read.
    """

    before: Array
    after: Array
    rule: str

    @cached_property
    def verdict(self) -> Verdict:
        """The judgement of ``before == after`` over the declared domains."""
        return judge_relation(Relation(self.before.node, "==", self.after.node))

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}  ({self.rule})"


@dataclass(frozen=True)
class Rule:
    """A row: ``rewrite`` gives the stabler node, or None where the pattern is not there."""

    name: str
    kind: type[Node]
    rewrite: Callable[..., Node | None]


# -- reading nodes -----------------------------------------------------------------------


def bare(node: Node) -> Node:
    """The node behind its names."""
    while isinstance(node, Named):
        node = node.body
    return node


def hold(node: Node) -> Node:
    """The node as a factor that stays whole: products would take a contraction apart."""
    return Named("", node) if isinstance(node, Contraction) and node.bound else node


def constant(node: Node) -> Expr | None:
    """The number that the node is everywhere, or None."""
    node = bare(node)
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Contraction) and not node.factors and not node.bound:
        return node.coefficient
    return None


def is_elementwise(node: Node) -> bool:
    """Whether a contraction is an elementwise product of arrays of its own shape and scalars."""
    return (
        isinstance(node, Contraction)
        and not node.bound
        and all(labels in ((), tuple(range(node.rank))) for _, labels in node.factors)
    )


def linear(node: Node) -> dict[Node, Expr]:
    """``{part: weight}`` with node = Σ weight · part; parts are held behind no name."""
    parts: dict[Node, Expr] = {}
    stack: list[Term] = [(ONE, node)]
    while stack:
        weight, current = stack.pop()
        current = bare(current)
        if isinstance(current, Sum):
            stack.extend((weight * w, n) for w, n in current.terms)
            continue
        c, rest = build.split_coefficient(current)
        if rest is not current:
            stack.append((weight * c, rest))
            continue
        if is_elementwise(current):
            assert isinstance(current, Contraction)
            if len(current.factors) == 1 and current.factors[0][0].shape == current.shape:
                stack.append((weight, current.factors[0][0]))
                continue
        parts[current] = parts.get(current, ZERO) + weight
    return {part: weight for part, weight in parts.items() if weight != 0}


def is_multiple(a: Node, b: Node, ratio: Expr | int) -> bool:
    """Whether a = ratio · b term by term."""
    if a.shape != b.shape:
        return False
    return linear(a) == {part: ratio * weight for part, weight in linear(b).items()}


def negative(node: Node) -> Node:
    """-node, written without a sign where the node begins with one."""
    parts = linear(node)
    if len(parts) == 1:
        ((part, weight),) = parts.items()
        return build.scale(-weight, hold(part))
    inner = bare(node)
    if isinstance(inner, Sum):
        return build.add([(-w, n) for w, n in inner.terms], inner.shape)
    return build.scale(-1, hold(node))


def _call(node: Node, *names: str) -> tuple[Node, ...] | None:
    node = bare(node)
    return node.arguments if isinstance(node, Map) and node.function in names else None


def _power(node: Node) -> tuple[Node, Expr]:
    """``(base, exponent)`` with a constant exponent; exponent 1 where there is no power."""
    inner = bare(node)
    if isinstance(inner, Map) and inner.function == "power":
        exponent = constant(inner.arguments[1])
        if exponent is not None and exponent.is_number:
            return inner.arguments[0], exponent
    return node, ONE


def _factors(node: Node) -> tuple[Expr, list[tuple[Node, Expr]]] | None:
    """``(c, [(base, exponent), ...])`` of an elementwise product; None for anything else."""
    inner = bare(node)
    if not isinstance(inner, Contraction):
        return ONE, [_power(node)]
    if not is_elementwise(inner):
        return None
    return inner.coefficient, [_power(f) for f, _ in inner.factors]


def is_positive(node: Node) -> bool:
    """Whether every entry is > 0, by domains and function rows alone."""
    node = bare(node)
    value = constant(node)
    if value is not None:
        return bool(value.is_positive)
    match node:
        case Leaf():
            return node.domain.entries.is_positive
        case Map(function="power"):
            return is_positive(node.arguments[0])
        case Map():
            return FUNCTIONS[node.function].sign == "+"
        case Opaque(function="softmax"):
            return True
        case Contraction():
            return bool(node.coefficient.is_positive) and all(is_positive(f) for f, _ in node.factors)
        case Sum():
            signs = [(w, n) for w, n in node.terms]
            return all(w.is_positive and is_nonnegative(n) for w, n in signs) and any(
                is_positive(n) for _, n in signs
            )
    return False


def is_nonnegative(node: Node) -> bool:
    """Whether every entry is >= 0, by domains and function rows alone."""
    node = bare(node)
    value = constant(node)
    if value is not None:
        return bool(value.is_nonnegative)
    if is_positive(node):
        return True
    match node:
        case Leaf():
            return node.domain.entries.is_nonnegative
        case Map(function="power"):
            exponent = constant(node.arguments[1])
            return is_nonnegative(node.arguments[0]) or (exponent is not None and bool(exponent.is_even))
        case Map(function="where"):
            return is_nonnegative(node.arguments[1]) and is_nonnegative(node.arguments[2])
        case Map():
            return FUNCTIONS[node.function].sign in ("+", "0+")
        case Contraction():
            rest = [f for f, _ in node.factors]
            pairs = {f for f in node.factors if node.factors.count(f) % 2 == 0}
            return bool(node.coefficient.is_nonnegative) and all(
                is_nonnegative(f) or (f, labels) in pairs for f, labels in node.factors
            ) and bool(rest)
        case Sum():
            return all(w.is_nonnegative and is_nonnegative(n) for w, n in node.terms)
    return False


def _sign_label(node: Node) -> Node | None:
    """1 - 2y for an array y of labels 0 and 1 (1 - y is such an array too), else None."""
    inner = bare(node)
    if isinstance(inner, Leaf):
        values = inner.domain.entries.values
        if values is not None and set(values) == {0, 1}:
            return build.add([(ONE, Number(ONE)), (Integer(-2), inner)], inner.shape)
        return None
    parts = linear(inner)
    if len(parts) == 2 and isinstance(inner, Sum):
        one = next((p for p in parts if constant(p) is not None), None)
        leaf = next((p for p in parts if p is not one), None)
        if one is None or leaf is None or not isinstance(leaf, Leaf) or _sign_label(leaf) is None:
            return None
        if parts[one] * (constant(one) or 0) == 1 and parts[leaf] == -1:
            return build.add([(Integer(2), leaf), (-ONE, Number(ONE))], leaf.shape)
    return None


# -- rules for elementwise functions -------------------------------------------------------


def _exponential(node: Node) -> tuple[Node, Expr] | None:
    """``(a, c)`` with node = c · exp(a), c > 0; a positive constant is c · exp(0)."""
    value = constant(node)
    if value is not None:
        return (Number(ZERO), value) if value.is_positive else None
    split = _factors(node)
    if split is None or not split[0].is_positive:
        return None
    exponent: list[Term] = []
    for base, power in split[1]:
        inner = _call(base, "exp")
        if inner is None:
            return None
        exponent.append((power, inner[0]))
    if not exponent:
        return None
    return build.add(exponent, bare(node).shape), split[0]


def _shifted(a: Node, c: Expr, shape: Shape) -> Node:
    """a + log c."""
    if c == 1:
        return a
    return build.add([(ONE, a), (ONE, Number(sympy_log(c)))], a.shape or shape)


def _logaddexp(a: Node, b: Node) -> Node:
    if constant(b) == 0:
        a, b = b, a
    return build.apply("logaddexp", a if a.shape else bare(a), b)


def _log_of_exponentials(node: Map) -> Node | None:
    if node.function != "log":
        return None
    inner = bare(node.arguments[0])
    if isinstance(inner, Sum) and len(inner.terms) == 2:
        pair = [_exponential(n) for _, n in inner.terms]
        weights = [w for w, _ in inner.terms]
        if None in pair or not all(w.is_positive for w in weights):
            return None
        (a, c), (b, d) = pair[0], pair[1]  # type: ignore[misc]
        if constant(a) is not None and constant(b) is not None:
            return None
        return _logaddexp(_shifted(a, c * weights[0], ()), _shifted(b, d * weights[1], ()))
    return None


def _log_sum_exp(node: Map) -> Node | None:
    if node.function != "log":
        return None
    inner = bare(node.arguments[0])
    if not isinstance(inner, Contraction) or not inner.bound or not inner.coefficient.is_positive:
        return None
    places = [i for i, (f, _) in enumerate(inner.factors) if _call(f, "exp") is not None]
    if len(places) != 1:
        return None
    base, labels = inner.factors[places[0]]
    carried = set(labels)
    if len(carried) != len(labels) or not all(b in carried for b in inner.bound):
        return None
    # Positive weights beside exp(z) go into the exponent as their logarithms.
    others = [factor for i, factor in enumerate(inner.factors) if i != places[0]]
    if not all(is_positive(f) and set(ls) <= carried for f, ls in others):
        return None
    exponent = _call(base, "exp")
    assert exponent is not None
    order = [i for i in range(inner.rank) if i in carried] + list(inner.bound)
    position = {label: i for i, label in enumerate(order)}
    shape = tuple(inner.label_dims[label] for label in order)
    z = build.view(exponent[0], [position[x] for x in labels], shape)
    if others:
        logs = [build.view(build.apply("log", f), [position[x] for x in ls], shape) for f, ls in others]
        z = build.add([(ONE, z), *((ONE, n) for n in logs)], shape)
    for _ in inner.bound:
        z = build.opaque("logsumexp", z)
    z = build.view(z, [i for i in range(inner.rank) if i in carried], inner.shape)
    if inner.coefficient == 1:
        return z
    return build.add([(ONE, z), (ONE, Number(sympy_log(inner.coefficient)))], inner.shape)


def _log_of_product(node: Map) -> Node | None:
    """log of exponentials, sigmoids and softmaxes, split where one of them is among the factors."""
    if node.function != "log":
        return None
    split = _factors(node.arguments[0])
    if split is None or not split[0].is_positive:
        return None
    shape = node.shape
    terms: list[Term] = [] if split[0] == 1 else [(ONE, Number(sympy_log(split[0])))]
    special = False
    for base, power in split[1]:
        if (argument := _call(base, "exp")) is not None:
            terms.append((power, argument[0]))
            special = True
        elif (argument := _call(base, "expit")) is not None:
            terms.append((power, build.apply("log_expit", argument[0])))
            special = True
        elif isinstance(inner := bare(base), Opaque) and inner.function == "softmax":
            terms.append((power, build.opaque("log_softmax", *inner.arguments)))
            special = True
        elif (logarithm := _log_of_special(base)) is not None:
            terms.extend((power * w, n) for w, n in logarithm)
            special = True
        elif isinstance(inner, Sum) and _log_of_exponentials(Map("log", (inner,))) is not None:
            if len(split[1]) == 1 and split[0] == 1:
                return None  # its own rule
            terms.append((power, build.apply("log", base)))
            special = True
        elif is_positive(base):
            terms.append((power, build.apply("log", base)))
        else:
            return None
    return build.add(terms, shape) if special else None


def _log_of_special(base: Node) -> list[Term] | None:
    """log of a special function as a sum of functions that neither overflow nor underflow, or None."""
    inner = bare(base)
    if not isinstance(inner, Map):
        return None
    u = inner.arguments[-1]
    match inner.function:
        case "ndtr":
            return [(ONE, build.apply("log_ndtr", u))]
        case "erfc":
            return [(ONE, build.apply("log_ndtr", build.scale(-sqrt(2), hold(u)))), (ONE, Number(sympy_log(2)))]
        case "gamma" | "rgamma" if is_positive(u):
            return [(ONE if inner.function == "gamma" else -ONE, build.apply("gammaln", u))]
        case "beta" if all(map(is_positive, inner.arguments)):
            return [(ONE, build.apply("betaln", *inner.arguments))]
        case "i0":
            return [(ONE, build.apply("log", build.apply("i0e", u))), (ONE, build.apply("abs", u))]
        case "exp2" | "exp10":
            return [(sympy_log(int(inner.function[3:])), u)]
    return None


def _log_cosh(u: Node, shape: Shape) -> Node:
    """log cosh u: near 0 without the cancellation, far out without the overflow."""
    size = build.apply("abs", u)
    near = build.apply("log1p", build.scale(2, build.power(build.apply("sinh", build.scale(HALF, hold(u))), 2)))
    tail = build.apply("log1p", build.apply("exp", build.scale(-2, size)))
    far = build.add([(ONE, size), (ONE, tail), (-ONE, Number(sympy_log(2)))], shape)
    return build.apply("where", build.apply("lt", size, Number(ONE)), near, far)


def _log_of_cosh(node: Map) -> Node | None:
    inner = _call(node.arguments[0], "cosh") if node.function == "log" else None
    return None if inner is None else _log_cosh(inner[0], node.shape)


def _mean_of_exponentials(node: Sum) -> Node | None:
    """log((e^u + e^-u)/2) = log cosh u."""
    found = _constant_term(node)
    if found is None:
        return None
    i, c = found
    for k, (w, n) in enumerate(node.terms):
        inner = _call(n, "logaddexp")
        if inner is not None and c == -w * sympy_log(2) and is_multiple(inner[0], inner[1], -1):
            return _without(node.terms, (i, k), (w, _log_cosh(inner[0], node.shape)), node.shape)
    return None


def _log_odds_of_sigmoid(node: Map) -> Node | None:
    inner = _call(node.arguments[0], "expit") if node.function == "logit" else None
    return None if inner is None else inner[0]


def _log1p(node: Map) -> Node | None:
    if node.function == "log":
        inner = bare(node.arguments[0])
        if isinstance(inner, Sum):
            rest: list[Term] = []
            ones = ZERO
            for w, n in inner.terms:
                value = constant(n)
                if value is None:
                    rest.append((w, n))
                else:
                    ones = ones + w * value
            if ones == 1 and rest:
                return build.apply("log1p", build.add(rest, inner.shape))
    return None


def _log1p_of_exponential(node: Map) -> Node | None:
    if node.function != "log1p":
        return None
    found = _exponential(node.arguments[0])
    if found is not None and constant(found[0]) is None:
        return _logaddexp(Number(ZERO), _shifted(found[0], found[1], ()))
    c, rest = build.split_coefficient(bare(node.arguments[0]))
    inner = _call(rest, "expit")
    if c == -1 and inner is not None:
        return build.apply("log_expit", negative(inner[0]))
    return None


def _sigmoid(node: Map) -> Node | None:
    """(c + d exp(a))**-k is a power of a sigmoid; exp(a)**k is exp(k a)."""
    if node.function != "power":
        return None
    base, exponent = _power(node)
    inner = bare(base)
    scale, rest = build.split_coefficient(inner)
    if scale != 1 and exponent.is_integer and not isinstance(rest, Number):
        return build.scale(scale**exponent, build.power(hold(rest), exponent))
    below, power = _power(inner)
    if power != ONE and power.is_integer and exponent.is_integer:
        return build.power(below, power * exponent)
    if (argument := _call(inner, "exp")) is not None and exponent != ONE and constant(argument[0]) is None:
        return build.apply("exp", build.scale(exponent, hold(argument[0])))
    if not (isinstance(inner, Sum) and len(inner.terms) == 2 and exponent.is_negative):
        return None
    value = [constant(n) for _, n in inner.terms]
    for i in (0, 1):
        c, (weight, other) = value[i], inner.terms[1 - i]
        if c is None or value[1 - i] is not None:
            continue
        found = _exponential(other)
        c = c * inner.terms[i][0]
        if found is None or not c.is_positive or not weight.is_positive:
            continue
        a = negative(_shifted(found[0], found[1] * weight / c, ()))
        return build.scale(c**exponent, build.power(build.apply("expit", a), -exponent))
    return None


def _xlogy_of_sigmoid(node: Map) -> Node | None:
    if node.function != "xlogy":
        return None
    x, y = node.arguments
    if (argument := _call(y, "expit")) is not None and x.shape == y.shape:
        return build.multiply(hold(x), build.apply("log_expit", argument[0]))
    inner = bare(y)
    if isinstance(inner, Opaque) and inner.function == "softmax" and x.shape == y.shape:
        return build.multiply(hold(x), build.opaque("log_softmax", *inner.arguments))
    return None


def _exp_of_log(node: Map) -> Node | None:
    if node.function != "exp":
        return None
    if (argument := _call(node.arguments[0], "log_expit")) is not None:
        return build.apply("expit", argument[0])
    inner = bare(node.arguments[0])
    if isinstance(inner, Opaque) and inner.function == "log_softmax":
        return build.opaque("softmax", *inner.arguments)
    return None


def _log_of_determinant(node: Map) -> Node | None:
    """log det(A) and log |det(A)|: the determinant overflows where its logarithm is small."""
    if node.function != "log":
        return None
    inner = bare(node.arguments[0])
    if (size := _call(inner, "abs")) is not None:
        inner = bare(size[0])
    elif not (isinstance(inner, Opaque) and "pd" in structure(inner.arguments[0])):
        return None
    return build.opaque("logabsdet", inner.arguments[0]) if _is_determinant(inner) else None


def _is_determinant(node: Node) -> bool:
    return isinstance(node, Opaque) and node.function == "det"


def _is_square(part: Node, u: Node) -> Expr | None:
    """c with part = c · u², where factors that are 1 or -1 count for nothing; else None."""
    base, exponent = _power(part)
    if exponent != 2:
        return None
    ours, theirs = _without_signs(base), _without_signs(u)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return None
    return (ours[0] / theirs[0]) ** 2


def _without_signs(node: Node) -> tuple[Expr, dict[Node, Expr]] | None:
    """``(c, parts)`` with node = c · Σ weight · part up to factors that are 1 or -1 everywhere."""
    inner = bare(node)
    if is_elementwise(inner):
        assert isinstance(inner, Contraction)
        rest = [
            (f, ls)
            for f, ls in inner.factors
            if not (isinstance(leaf := bare(f), Leaf) and set(leaf.domain.entries.values or (0,)) == {-1, 1})
        ]
        inner = build.contract(inner.coefficient, rest, range(inner.rank), dict(enumerate(inner.label_dims)))
    parts = linear(inner)
    if not parts:
        return None
    first = next(iter(parts.values()))
    return first, {part: weight / first for part, weight in parts.items()}


def _tail(name: str, u: Node) -> tuple[Expr, Expr, Node]:
    """``(c, q, s)`` with the function of u equal to c · exp(-q u²) · s, s its scaled form."""
    if name == "erfc":
        return ONE, ONE, build.apply("erfcx", u)
    return HALF, HALF, build.apply("erfcx", build.scale(-sqrt(2) / 2, hold(u)))


def _scaled_exponential(exponent: Node, name: str, u: Node, k: Expr) -> Node | None:
    """exp(exponent) · tail(u)**k with the Gaussian factors cancelled, if the exponent has the other one."""
    c, q, scaled = _tail(name, u)
    terms: list[Term] = []
    matched = False
    for part, weight in linear(exponent).items():
        ratio = None if matched else _is_square(part, u)
        if ratio is not None and weight * ratio == q * k:
            matched = True
        else:
            terms.append((weight, part))
    if not matched:
        return None
    result = build.scale(c**k, build.power(scaled, k))
    if not terms:
        return result
    return build.multiply(build.apply("exp", build.add(terms, exponent.shape)), result)


def _inverse_mills(node: Map) -> Node | None:
    """exp(-u²/2 - log Φ(u)) without the two large exponents."""
    if node.function != "exp":
        return None
    exponent = node.arguments[0]
    for part, weight in linear(exponent).items():
        inner = _call(part, "log_ndtr")
        if inner is None:
            continue
        rest = build.add([(ONE, exponent), (-weight, part)], exponent.shape)
        found = _scaled_exponential(rest, "ndtr", inner[0], weight)
        if found is not None:
            return found
    return None


# -- rules for sums --------------------------------------------------------------------------


def _without(terms: Sequence[Term], used: Iterable[int], new: Term, shape: Shape) -> Node:
    """The sum with the used terms replaced by a new one at the first of their places."""
    gone = sorted(used)
    out: list[Term] = []
    for i, term in enumerate(terms):
        if i == gone[0]:
            out.append(new)
        elif i not in gone:
            out.append(term)
    return build.add(out, shape)


def _constant_term(node: Sum) -> tuple[int, Expr] | None:
    for i, (w, n) in enumerate(node.terms):
        value = constant(n)
        if value is not None:
            return i, w * value
    return None


def _one_minus_sigmoid(node: Sum) -> Node | None:
    found = _constant_term(node)
    if found is None:
        return None
    i, c = found
    for k, (w, n) in enumerate(node.terms):
        inner = _call(n, "expit")
        if inner is not None and w == -c:
            return _without(node.terms, (i, k), (c, build.apply("expit", negative(inner[0]))), node.shape)
        base, exponent = _power(n)
        if exponent == 2 and w == -c and (inner := _call(base, "tanh")) is not None:
            twice = build.scale(2, hold(inner[0]))
            product = build.multiply(build.apply("expit", twice), build.apply("expit", negative(twice)))
            return _without(node.terms, (i, k), (4 * c, product), node.shape)
        if exponent == 1 and w == -2 * c and inner is not None:
            half = build.scale(Rational(-1, 2), hold(inner[0]))
            return _without(node.terms, (i, k), (c, build.apply("tanh", half)), node.shape)
        if w == -c and (inner := _call(n, "exp")) is not None:
            return _without(node.terms, (i, k), (-c, build.apply("expm1", inner[0])), node.shape)
    return None


def _complement(name: str, u: Node, same: bool) -> tuple[Expr, Node] | None:
    """``(c, f)`` with 1 + name(u) = c · f (``same``) or 1 - name(u) = c · f, f without cancellation; or None."""
    minus = negative(u)
    half = build.scale(HALF, hold(u))
    match name, same:
        case "erf", _:
            return ONE, build.apply("erfc", minus if same else u)
        case "tanh", _:
            return Integer(2), build.apply("expit", build.scale(2 if same else -2, hold(u)))
        case "cos", _:
            return Integer(2), build.power(build.apply("cos" if same else "sin", half), 2)
        case "ndtr", False:
            return ONE, build.apply("ndtr", minus)
        case "erfc", False:
            return ONE, build.apply("erf", u)
        case "cosh", False:
            return Integer(-2), build.power(build.apply("sinh", half), 2)
    return None


def _complements(node: Sum) -> Node | None:
    """c g ± c g f(u) for a factor g (or none): one function in the place of a difference."""
    for i, (w, n) in enumerate(node.terms):
        split = _factors(n)
        if split is None:
            continue
        for base, exponent in split[1]:
            inner = bare(base)
            if exponent != 1 or not isinstance(inner, Map) or len(inner.arguments) != 1:
                continue
            others = [hold(build.power(b, e)) for b, e in split[1] if b is not base]
            if len(others) + 1 != len(split[1]):
                continue
            weight = w * split[0]
            rest = build.broadcast(build.multiply(*others), node.shape)
            for k, (v, m) in enumerate(node.terms):
                term = build.scale(v, hold(m))
                for sign in (1, -1):
                    if k == i or not is_multiple(term, rest, sign * weight):
                        continue
                    found = _complement(inner.function, inner.arguments[0], sign > 0)
                    if found is not None:
                        product = build.multiply(*others, hold(found[1]))
                        return _without(node.terms, (i, k), (sign * weight * found[0], product), node.shape)
    return None


def _complementary_ratio(node: Sum) -> Node | None:
    """1 - P(a, x) = Q(a, x), and back."""
    other = {"gammainc": "gammaincc", "gammaincc": "gammainc"}
    found = _constant_term(node)
    if found is None:
        return None
    i, c = found
    for k, (w, n) in enumerate(node.terms):
        inner = _call(n, *other)
        if inner is not None and w == -c:
            name = bare(n).function  # type: ignore[attr-defined]
            return _without(node.terms, (i, k), (c, build.apply(other[name], *inner)), node.shape)
    return None


def _difference_of_squares(node: Sum) -> Node | None:
    """c² - x² = (c - x)(c + x) and x - x² = x (1 - x): the difference is taken before it is rounded."""
    if len(node.terms) != 2:
        return None
    for i in (0, 1):
        (w, n), (v, m) = node.terms[i], node.terms[1 - i]
        x, exponent = _power(n)
        if exponent != 2:
            continue
        value = constant(m)
        if value is not None and (value * v / w).is_negative and (side := sqrt(-value * v / w)).is_Rational:
            near = build.add([(ONE, Number(side)), (-ONE, x)], node.shape)
            far = build.add([(ONE, Number(side)), (ONE, x)], node.shape)
            return build.scale(-w, build.multiply(near, far))
        scale, rest = build.split_coefficient(bare(m))
        if bare(x) is bare(rest) and value is None:
            ratio = w / (v * scale)
            if ratio.is_negative:
                one = build.add([(ONE, Number(ONE)), (ratio, x)], node.shape)
                return build.scale(v * scale, build.multiply(hold(x), one))
    return None


def _root_minus_one(node: Sum) -> Node | None:
    """√(a + v) - √a = v / (√(a + v) + √a)."""
    found = _constant_term(node)
    if found is None:
        return None
    i, c = found
    for k, (w, n) in enumerate(node.terms):
        base, exponent = _power(n)
        inner = bare(base)
        if exponent != HALF or not isinstance(inner, Sum):
            continue
        start = _constant_term(inner)
        if start is None or not start[1].is_positive or w * sqrt(start[1]) != -c:
            continue
        v = build.add([t for j, t in enumerate(inner.terms) if j != start[0]], inner.shape)
        below = build.add([(ONE, n), (ONE, Number(sqrt(start[1])))], node.shape)
        quotient = build.multiply(hold(v), build.power(below, -1))
        return _without(node.terms, (i, k), (w, quotient), node.shape)
    return None


def _sigmoid_minus_square(node: Sum) -> Node | None:
    for i, (w, n) in enumerate(node.terms):
        inner = _call(n, "expit")
        if inner is None:
            continue
        for k, (v, m) in enumerate(node.terms):
            split = _factors(m)
            if v != -w or split is None or split[0] != 1 or len(split[1]) not in (1, 2):
                continue
            bases = [bare(b) for b, _ in split[1]]
            if sum(e for _, e in split[1]) == 2 and all(b is bare(n) for b in bases):
                product = build.multiply(n, build.apply("expit", negative(inner[0])))
                return _without(node.terms, (i, k), (w, product), node.shape)
    return None


def _softplus(weight: Expr, node: Node) -> tuple[Expr, Node] | None:
    """``(c, u)`` with weight · node = c · log(1 + exp(u))."""
    inner = _call(node, "log_expit")
    if inner is not None:
        return -weight, negative(inner[0])
    inner = _call(node, "logaddexp")
    if inner is not None and constant(inner[0]) == 0:
        return weight, inner[1]
    if inner is not None and constant(inner[1]) == 0:
        return weight, inner[0]
    return None


def _label_times(node: Node) -> Iterator[tuple[Node, Expr, Node]]:
    """``(1 - 2y, c, u)`` for each way to read the node as c · y · u with labels y."""
    inner = bare(node)
    if not isinstance(inner, Contraction) or inner.bound:
        return
    for k, (f, labels) in enumerate(inner.factors):
        if labels != tuple(range(inner.rank)):
            continue
        sign = _sign_label(f)
        if sign is not None:
            rest = [(g, ls) for j, (g, ls) in enumerate(inner.factors) if j != k]
            u = build.contract(ONE, rest, range(inner.rank), dict(enumerate(inner.shape)))
            yield sign, inner.coefficient, u


def _bernoulli(node: Sum) -> Node | None:
    for i, (w, n) in enumerate(node.terms):
        found = _softplus(w, n)
        if found is None:
            continue
        c, u = found
        for k, (v, m) in enumerate(node.terms):
            if k == i:
                continue
            for sign, weight, z in _label_times(m):
                if is_multiple(build.scale(v * weight, hold(z)), u, -c):
                    flipped = build.multiply(sign, hold(u))
                    new = build.apply("logaddexp", Number(ZERO), flipped)
                    return _without(node.terms, (i, k), (c, new), node.shape)
    return None


def _label_choice(node: Sum) -> Node | None:
    """y log σ(z) + (1 - y) log σ(-z) = log σ((2y - 1) z), one term of the two being 0."""
    for i, (w, n) in enumerate(node.terms):
        for sign, c, u in _label_times(n):
            found = _softplus(w * c, u)
            if found is None:
                continue
            for k, (v, m) in enumerate(node.terms):
                if k == i:
                    continue
                for other, e, x in _label_times(m):
                    second = _softplus(v * e, x)
                    if (
                        second is not None
                        and second[0] == found[0]
                        and is_multiple(other, sign, -1)
                        and is_multiple(second[1], found[1], -1)
                    ):
                        # The first term counts where its label is 1, where 1 - 2y = -1.
                        flipped = build.multiply(negative(sign), hold(found[1]))
                        new = build.apply("logaddexp", Number(ZERO), flipped)
                        return _without(node.terms, (i, k), (found[0], new), node.shape)
    return None


def _residual(node: Sum) -> Node | None:
    for i, (w, n) in enumerate(node.terms):
        inner = _call(n, "expit")
        if inner is None:
            continue
        for k, (v, m) in enumerate(node.terms):
            sign = _sign_label(m) if v == -w else None
            if sign is not None and isinstance(bare(m), Leaf):
                flipped = build.multiply(sign, hold(inner[0]))
                new = build.multiply(sign, build.apply("expit", flipped))
                return _without(node.terms, (i, k), (w, new), node.shape)
    return None


def _log_sigmoid(node: Sum) -> Node | None:
    """z - log(1 + exp(z)) = log σ(z)."""
    for i, (w, n) in enumerate(node.terms):
        found = _softplus(w, n)
        if found is None:
            continue
        c, u = found
        wanted = {part: -c * weight for part, weight in linear(u).items()}
        used = [i]
        for k, (v, m) in enumerate(node.terms):
            part = bare(m)
            if k != i and wanted.get(part) == v:
                del wanted[part]
                used.append(k)
        if not wanted:
            return _without(node.terms, used, (-c, build.apply("log_expit", u)), node.shape)
    return None


def _log_odds(node: Sum) -> Node | None:
    """log σ(u) - log σ(-u) = u."""
    for i, (w, n) in enumerate(node.terms):
        found = _softplus(w, n)
        if found is None:
            continue
        for k, (v, m) in enumerate(node.terms):
            other = _softplus(v, m) if k > i else None
            if other is not None and other[0] == -found[0] and is_multiple(other[1], found[1], -1):
                return _without(node.terms, (i, k), (found[0], hold(found[1])), node.shape)
    return None


def _log_softmax(node: Sum) -> Node | None:
    """z - logsumexp(z) along the last axis."""
    rank = len(node.shape)
    for i, (w, n) in enumerate(node.terms):
        inner = bare(n)
        if not (
            isinstance(inner, Contraction)
            and inner.coefficient == 1
            and not inner.bound
            and len(inner.factors) == 1
            and inner.factors[0][1] == tuple(range(rank - 1))
        ):
            continue
        lse = bare(inner.factors[0][0])
        if not (isinstance(lse, Opaque) and lse.function == "logsumexp" and lse.arguments[0].shape == node.shape):
            continue
        wanted = {part: -w * weight for part, weight in linear(lse.arguments[0]).items()}
        used = [i]
        for k, (v, m) in enumerate(node.terms):
            part = bare(m)
            if k != i and wanted.get(part) == v:
                del wanted[part]
                used.append(k)
        if not wanted:
            return _without(node.terms, used, (-w, build.opaque("log_softmax", *lse.arguments)), node.shape)
    return None


def _xlogx(weight: Expr, node: Node) -> tuple[Expr, Node] | None:
    """``(c, x)`` with weight · node = c · x log x."""
    if (inner := _call(node, "entr")) is not None:
        return -weight, inner[0]
    inner = _call(node, "xlogy")
    if inner is not None and bare(inner[0]) is bare(inner[1]):
        return weight, inner[0]
    return None


def _relative_entropy(node: Sum) -> Node | None:
    """x log x - x log y, for x >= 0."""
    for i, (w, n) in enumerate(node.terms):
        found = _xlogx(w, n)
        if found is None or not is_nonnegative(found[1]):
            continue
        for k, (v, m) in enumerate(node.terms):
            inner = _call(m, "xlogy")
            if k != i and v == -found[0] and inner is not None and bare(inner[0]) is bare(found[1]):
                new = build.apply("rel_entr", found[1], inner[1])
                return _without(node.terms, (i, k), (found[0], new), node.shape)
    return None


def _kl_div(node: Sum) -> Node | None:
    """x log(x/y) - x + y."""
    for i, (w, n) in enumerate(node.terms):
        inner = _call(n, "rel_entr")
        if inner is None:
            continue
        x, y = bare(inner[0]), bare(inner[1])
        minus = next((k for k, (v, m) in enumerate(node.terms) if v == -w and bare(m) is x), None)
        plus = next((k for k, (v, m) in enumerate(node.terms) if v == w and bare(m) is y), None)
        if minus is not None and plus is not None:
            return _without(node.terms, (i, minus, plus), (w, build.apply("kl_div", *inner)), node.shape)
    return None


# -- rules for products ----------------------------------------------------------------------


def _with_factors(node: Contraction, coefficient: Expr, factors: Sequence[Factor]) -> Node:
    return build.contract(
        node.coefficient * coefficient,
        [(hold(f), labels) for f, labels in factors],
        range(node.out_rank),
        dict(enumerate(node.label_dims)),
    )


def _merged(node: Contraction, i: int, k: int, made: Node, step: Expr) -> Node:
    """Factor i replaced by what it makes with base**step, which is taken out of factor k = base**exponent."""
    out = list(node.factors)
    out[i] = (made, out[i][1])
    base, exponent = _power(out[k][0])
    if exponent == step:
        del out[k]
    else:
        out[k] = (build.power(base, exponent - step), out[k][1])
    return _with_factors(node, ONE, out)


def _exp_times_sigmoid(node: Contraction) -> Node | None:
    """exp(a) σ(-a)**q = σ(a) σ(-a)**(q-1)."""
    for i, (f, labels) in enumerate(node.factors):
        a = _call(f, "exp")
        if a is None:
            continue
        for k, (g, ls) in enumerate(node.factors):
            base, exponent = _power(g)
            b = _call(base, "expit")
            if b is None or ls != labels or not (exponent - 1).is_nonnegative:
                continue
            if is_multiple(a[0], b[0], -1):
                return _merged(node, i, k, build.apply("expit", a[0]), ONE)
    return None


def _gaussian_tail(node: Contraction) -> Node | None:
    """exp(-u²/2)/Φ(u), exp(u²) erfc(u) and the like by the scaled erfcx."""
    for k, (g, ls) in enumerate(node.factors):
        base, exponent = _power(g)
        inner = bare(base)
        if not (isinstance(inner, Map) and inner.function in ("ndtr", "erfc") and exponent.is_integer):
            continue
        u = inner.arguments[0]
        for i, (f, labels) in enumerate(node.factors):
            argument = _call(f, "exp")
            if argument is None or labels != ls:
                continue
            step = ONE if exponent.is_positive else -ONE
            found = _scaled_exponential(argument[0], inner.function, u, step)
            if found is None:
                continue
            return _merged(node, i, k, found, step)
    return None


def _sum_over_tail(node: Contraction) -> Node | None:
    """(φ(u) + a Φ(u)) / Φ(u) = φ(u)/Φ(u) + a, so that the Gaussian factors meet."""
    for k, (g, ls) in enumerate(node.factors):
        base, exponent = _power(g)
        inner = bare(base)
        if not (isinstance(inner, Map) and inner.function in ("ndtr", "erfc") and exponent.is_negative):
            continue
        for i, (f, labels) in enumerate(node.factors):
            total = bare(f)
            if not isinstance(total, Sum) or labels != ls:
                continue
            terms = [(w, _over_tail(n, inner)) for w, n in total.terms]
            if any(n is None for _, n in terms):
                continue
            quotient = build.add([(w, n) for w, n in terms if n is not None], total.shape)
            return _merged(node, i, k, quotient, -ONE)
    return None


def _over_tail(node: Node, tail: Map) -> Node | None:
    """A term divided by a tail function of u: it is a multiple of it, or of the Gaussian exp(-u²...)."""
    split = _factors(node)
    if split is None or not all(e.is_integer for _, e in split[1]):
        return None
    c = split[0]
    factors: list[tuple[Node, Expr]] = []
    for base, e in split[1]:
        weight, rest = build.split_coefficient(bare(base))
        c = c * weight**e
        factors.append((bare(rest), e))
    if (tail, ONE) in factors:
        factors.remove((tail, ONE))
        rest = [hold(build.power(b, e)) for b, e in factors]
        return build.scale(c, build.multiply(*rest) if rest else build.ones(node.shape))
    for b, e in factors:
        argument = _call(b, "exp")
        if argument is not None and e == 1:
            found = _scaled_exponential(argument[0], tail.function, tail.arguments[0], -ONE)
            if found is not None:
                factors.remove((b, e))
                return build.scale(c, build.multiply(found, *(hold(build.power(x, p)) for x, p in factors)))
    return None


_SCALED = {"i0": "i0e", "i1": "i1e", "iv": "ive"}


def _degree(node: Node, u: Node) -> Expr | None:
    """The exponent of exp(|u|) in an expression of modified Bessel functions of u; None if it has no single one."""
    inner = bare(node)
    if isinstance(inner, Map) and inner.function in _SCALED and bare(inner.arguments[-1]) is u:
        return ONE
    base, exponent = _power(inner)
    if base is not inner:
        inside = _degree(base, u)
        return None if inside is None else inside * exponent
    if isinstance(inner, Sum):
        degrees = {_degree(n, u) for _, n in inner.terms}
        return degrees.pop() if len(degrees) == 1 else None
    if is_elementwise(inner):
        assert isinstance(inner, Contraction)
        parts = [_degree(f, u) for f, _ in inner.factors]
        return None if None in parts else sum((p for p in parts if p is not None), ZERO)
    return ZERO if not any(n is u for n in inner.walk()) or isinstance(inner, Leaf) else None


def _with_scaled(node: Node, u: Node) -> Node:
    inner = bare(node)
    if isinstance(inner, Map) and inner.function in _SCALED and bare(inner.arguments[-1]) is u:
        return build.apply(_SCALED[inner.function], *inner.arguments)
    if isinstance(inner, Map | Sum) or is_elementwise(inner):
        return build.rebuild(inner, [_with_scaled(c, u) for c in inner.children])
    return node


def _bessel_ratio(node: Contraction) -> Node | None:
    """I1(u)/I0(u) = i1e(u)/i0e(u): the growth exp(|u|) cancels."""
    for g, ls in node.factors:
        base, exponent = _power(g)
        inner = bare(base)
        if not (isinstance(inner, Map) and inner.function in _SCALED and exponent.is_negative):
            continue
        u = bare(inner.arguments[-1])
        degrees = [_degree(f, u) if labels == ls else ZERO for f, labels in node.factors]
        if None in degrees or sum((d for d in degrees if d is not None), ZERO) != 0:
            continue
        out = [
            (_with_scaled(f, u) if d != 0 else f, labels)
            for (f, labels), d in zip(node.factors, degrees, strict=True)
        ]
        return _with_factors(node, ONE, out)
    return None


def _gamma_ratio(node: Contraction) -> Node | None:
    """Γ(u)/Γ(v) and x^c exp(-x)/Γ(a) by their logarithms: each factor may overflow, the product does not."""
    for place in dict.fromkeys(labels for _, labels in node.factors):
        terms: list[Term] = []
        rest: list[Factor] = []
        signs: set[bool] = set()
        growing = False
        for f, labels in node.factors:
            base, exponent = _power(f)
            inner = bare(base)
            name = inner.function if isinstance(inner, Map) else ""
            argument = inner.arguments[0] if isinstance(inner, Map) else inner
            if name in ("gamma", "rgamma") and labels in ((), place) and is_positive(argument):
                weight = exponent if name == "gamma" else -exponent
                terms.append((weight, build.apply("gammaln", argument)))
                signs.add(bool(weight.is_positive))
            elif name == "exp" and labels == place:
                terms.append((exponent, argument))
                growing = True
            elif labels == place and exponent != 1 and is_nonnegative(base):
                terms.append((ONE, build.apply("xlogy", Number(exponent), base)))
            else:
                rest.append((f, labels))
        if signs == {True, False} or (signs == {False} and growing and len(terms) > 1):
            shape = tuple(node.label_dims[i] for i in place)
            return _with_factors(node, ONE, [(build.apply("exp", build.add(terms, shape)), place), *rest])
    return None


def _softmax(node: Contraction) -> Node | None:
    """exp(z) / Σ exp(z) over one axis."""
    for i, (f, labels) in enumerate(node.factors):
        z = _call(f, "exp")
        if z is None or len(set(labels)) != len(labels):
            continue
        for k, (g, ls) in enumerate(node.factors):
            base, exponent = _power(g)
            total = bare(base)
            if exponent != -1 or not isinstance(total, Contraction) or len(total.bound) != 1:
                continue
            if total.coefficient != 1 or len(total.factors) != 1 or bare(total.factors[0][0]) is not bare(f):
                continue
            inside = total.factors[0][1]
            (bound,) = total.bound
            if bound not in inside or len(inside) != len(labels):
                continue
            summed = labels[inside.index(bound)]
            if [x for x in labels if x != summed] != [ls[x] for x in inside if x != bound]:
                continue
            order = [x for x in labels if x != summed] + [summed]
            shape = tuple(node.label_dims[x] for x in order)
            new = build.opaque("softmax", build.view(z[0], [order.index(x) for x in labels], shape))
            out = [x for j, x in enumerate(node.factors) if j not in (i, k)]
            out.insert(min(i, k), (new, tuple(order)))
            return _with_factors(node, ONE, out)
    return None


def _hyperbolic(node: Contraction) -> Node | None:
    """(exp(a) - exp(-a)) / (exp(a) + exp(-a)) = tanh(a)."""
    for i, (f, labels) in enumerate(node.factors):
        top = bare(f)
        if not isinstance(top, Sum) or len(top.terms) != 2:
            continue
        for k, (g, ls) in enumerate(node.factors):
            base, exponent = _power(g)
            low = bare(base)
            if exponent != -1 or ls != labels or not isinstance(low, Sum) or len(low.terms) != 2:
                continue
            if {n: abs(w) for w, n in top.terms} != {n: w for w, n in low.terms}:
                continue
            parts = [(w, _call(n, "exp")) for w, n in top.terms]
            (w0, a), (w1, b) = parts
            if a is None or b is None or w0 != -w1 or not is_multiple(a[0], b[0], -1):
                continue
            out = list(node.factors)
            out[i] = (build.apply("tanh", a[0]), labels)
            del out[k]
            return _with_factors(node, w0 / abs(w0), out)
    return None


def _logarithms(node: Node) -> list[tuple[Expr, Node]] | None:
    """``[(c, y), ...]`` with node = Σ c log y + finite; each log's quotient taken apart; else None."""
    inner = bare(node)
    if (argument := _call(inner, "log")) is not None:
        split = _factors(argument[0])
        if split is None or len(split[1]) < 2:
            return [(ONE, argument[0])]
        if not all(is_nonnegative(base) for base, _ in split[1]) or not split[0].is_positive:
            return [(ONE, argument[0])]
        logs = [(power, base) for base, power in split[1]]
        return logs if split[0] == 1 else [(ONE, Number(split[0])), *logs]
    return None


def _x_log_y(node: Contraction) -> Node | None:
    """x log(y) where x and y can be 0 together: 0 log 0 = 0, and x log 0 = -inf for x > 0."""
    for k, (g, ls) in enumerate(node.factors):
        inner = bare(g)
        terms = inner.terms if isinstance(inner, Sum) else ((ONE, g),)
        dangerous = any(
            (logs := _logarithms(n)) is not None and not all(is_positive(y) for _, y in logs) for _, n in terms
        ) or any((a := _call(n, "log1p")) is not None and not is_positive(a[0]) for _, n in terms)
        if not dangerous:
            continue
        for i, (f, labels) in enumerate(node.factors):
            if i == k or labels != ls or is_positive(f):
                continue
            if isinstance(bare(f), Leaf) and bare(f).domain.entries.is_nonzero:  # type: ignore[attr-defined]
                continue
            out: list[Term] = []
            for w, n in terms:
                logs = _logarithms(n)
                if logs is not None:
                    out.extend((w * c, build.apply("xlogy", f, y)) for c, y in logs)
                elif (argument := _call(n, "log1p")) is not None:
                    out.append((w, build.apply("xlog1py", f, argument[0])))
                else:
                    out.append((w, build.multiply(hold(f), hold(n))))
            new = build.add(out, g.shape)
            rest = [x for j, x in enumerate(node.factors) if j not in (i, k)]
            rest.insert(min(i, k), (new, ls))
            return _with_factors(node, ONE, rest)
    return None


def _masked(node: Contraction) -> Node | None:
    """where(c, 1, 0) · f = where(c, f, 0): a branch not taken must not make 0 · inf."""
    for i, (f, labels) in enumerate(node.factors):
        inner = _call(f, "where")
        if inner is None:
            continue
        values = [constant(x) for x in inner[1:]]
        if values not in ([1, 0], [0, 1]):
            continue
        rest = [(g, ls) for j, (g, ls) in enumerate(node.factors) if j != i and ls == labels]
        if not rest or all(isinstance(bare(g), Leaf) for g, _ in rest):
            continue
        shape = f.shape
        product = build.multiply(*(hold(g) for g, _ in rest))
        zero = Number(ZERO)
        branches = (product, zero) if values == [1, 0] else (zero, product)
        condition = inner[0]
        new = build.apply("where", condition, *branches)
        assert new.shape == shape
        out = [(g, ls) for j, (g, ls) in enumerate(node.factors) if j != i and ls != labels]
        out.insert(0, (new, labels))
        return _with_factors(node, ONE, out)
    return None


def _sliced_range(node: Contraction) -> Node | None:
    """arange(n)[a::s] = a + s·arange(count): a mask of sliced positions is a triangle again."""
    for f, labels in node.factors:
        if not isinstance(bare(f), Range) or labels[0] < node.out_rank:
            continue
        others = [(g, ls) for g, ls in node.factors if (g, ls) != (f, labels) and labels[0] in ls]
        if len(others) != 1 or others[0][1][0] != labels[0] or not isinstance(key := bare(others[0][0]), Slice):
            continue
        kept = others[0][1][1]
        counted = build.add([(key.step, Range(key.count)), (ONE, Number(key.start))], (key.count,))
        factors = [(counted, (kept,)), *(x for x in node.factors if x not in ((f, labels), others[0]))]
        dims = {x: size for x, size in enumerate(node.label_dims) if x != labels[0]}
        return build.contract(node.coefficient, factors, range(node.out_rank), dims)
    return None


RULES: tuple[Rule, ...] = (
    Rule("log of a sum of exponentials: log(e^a + e^b) = logaddexp(a, b)", Map, _log_of_exponentials),
    Rule("log-sum-exp, shifted by the largest term", Map, _log_sum_exp),
    Rule("log of a product of exponentials, sigmoids and special functions", Map, _log_of_product),
    Rule("log cosh u without overflow and without cancellation at 0", Map, _log_of_cosh),
    Rule("logit(σ(z)) = z", Map, _log_odds_of_sigmoid),
    Rule("exp(-u²/2 - log Φ(u)) by the scaled erfcx", Map, _inverse_mills),
    Rule("log(1 + x) = log1p(x)", Map, _log1p),
    Rule("log1p(exp(z)) = logaddexp(0, z)", Map, _log1p_of_exponential),
    Rule("1/(1 + exp(-z)) = σ(z), and powers of products and powers", Map, _sigmoid),
    Rule("x log σ(z) without the rounded σ", Map, _xlogy_of_sigmoid),
    Rule("exp(log σ(z)) = σ(z)", Map, _exp_of_log),
    Rule("log |det(A)| from a factorisation", Map, _log_of_determinant),
    Rule("log-likelihood of labels 0 and 1: softplus(z) - y z = softplus((1 - 2y) z)", Sum, _bernoulli),
    Rule("log-likelihood of labels 0 and 1: the term that is not 0", Sum, _label_choice),
    Rule("residual of labels 0 and 1: σ(z) - y = (1 - 2y) σ((1 - 2y) z)", Sum, _residual),
    Rule("z - softplus(z) = log σ(z)", Sum, _log_sigmoid),
    Rule("log-odds: log σ(z) - log σ(-z) = z", Sum, _log_odds),
    Rule("σ(z) - σ(z)² = σ(z) σ(-z)", Sum, _sigmoid_minus_square),
    Rule("complements without cancellation: 1 - σ(z) = σ(-z), exp(x) - 1 = expm1(x), 1 - tanh²", Sum,
         _one_minus_sigmoid),
    Rule("complements without cancellation: 1 - erf(u) = erfc(u), 1 - Φ(u) = Φ(-u), 1 + tanh(u) = 2 σ(2u), "
         "1 - cos(u) = 2 sin²(u/2)", Sum, _complements),
    Rule("1 - P(a, x) = Q(a, x)", Sum, _complementary_ratio),
    Rule("c² - x² = (c - x)(c + x), x - x² = x (1 - x)", Sum, _difference_of_squares),
    Rule("√(a + v) - √a = v/(√(a + v) + √a)", Sum, _root_minus_one),
    Rule("log((e^u + e^-u)/2) = log cosh u", Sum, _mean_of_exponentials),
    Rule("z - logsumexp(z) = log_softmax(z)", Sum, _log_softmax),
    Rule("x log x - x log y = rel_entr(x, y)", Sum, _relative_entropy),
    Rule("rel_entr(x, y) - x + y = kl_div(x, y)", Sum, _kl_div),
    Rule("exp(z) σ(-z) = σ(z)", Contraction, _exp_times_sigmoid),
    Rule("exp(z) / Σ exp(z) = softmax(z), shifted by the largest", Contraction, _softmax),
    Rule("(e^a - e^-a)/(e^a + e^-a) = tanh(a)", Contraction, _hyperbolic),
    Rule("exp(-u²/2)/Φ(u) and exp(u²) erfc(u) by the scaled erfcx", Contraction, _gaussian_tail),
    Rule("(φ(u) + a Φ(u))/Φ(u) = φ(u)/Φ(u) + a", Contraction, _sum_over_tail),
    Rule("quotients of modified Bessel functions by the scaled ones", Contraction, _bessel_ratio),
    Rule("quotients of gamma functions by their logarithms", Contraction, _gamma_ratio),
    Rule("a slice of 0, 1, 2, ...: arange(n)[a::s] = a + s·arange(count)", Contraction, _sliced_range),
    Rule("a mask selects before it multiplies", Contraction, _masked),
    Rule("0 log 0 = 0: x log y = xlogy(x, y)", Contraction, _x_log_y),
)
"""The stabilising rules, in the order in which they are tried."""


# -- applying them -----------------------------------------------------------------------------


def stabilise(nodes: Sequence[Node]) -> tuple[list[Node], tuple[StableStep, ...]]:
    """The stable forms of some nodes, and the steps that made them.

    Equal parts of the nodes stay equal parts of the results.
    """
    done: dict[Node, Node] = {}
    steps: dict[tuple[Node, Node], StableStep] = {}
    shared = share(nodes)
    for node in shared:
        for current in node.walk():
            if current not in done:
                new = build.rebuild(current, [_held(done[c], c) for c in current.children])
                done[current] = _fixpoint(new, steps)
    return [done[node] for node in shared], tuple(steps.values())


def _held(new: Node, old: Node) -> Node:
    return new if new is old else hold(new)


def _fixpoint(node: Node, steps: dict[tuple[Node, Node], StableStep]) -> Node:
    for _ in range(_ROUNDS):
        for rule in RULES:
            if isinstance(node, rule.kind) and (new := rule.rewrite(node)) is not None and new is not node:
                before, after = _plain(node), _plain(new)
                steps.setdefault((before, after), StableStep(Array(before), Array(after), rule.name))
                # What a rule made inside is a new place for the other rules.
                inner = {c: _fixpoint(c, steps) for c in new.children}
                node = build.rebuild(new, [_held(inner[c], c) for c in new.children])
                break
        else:
            return node
    return node


def _plain(node: Node) -> Node:
    """The node without the nameless barriers of `hold`."""
    done: dict[Node, Node] = {}
    for current in node.walk():
        if isinstance(current, Named) and not current.name:
            done[current] = done[current.body]
        else:
            done[current] = build.rebuild(current, [done[c] for c in current.children])
    return done[node]


def share(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with common contractions kept whole.

    ``y * (X @ w)`` is one flat product y_i X_ij w_j; where X @ w occurs by itself as well, it is
    held here as one factor, so that it is computed once and recognised as the same z.
    """
    candidates: dict[Node, None] = {}
    for node in nodes:
        for current in node.walk():
            if not isinstance(current, Map | Opaque | Sum | Named):
                continue
            for child in current.children:
                for part in _linked(child):
                    candidates[part] = None
    if not candidates:
        return list(nodes)
    ordered = sorted((c for c in candidates if isinstance(c, Contraction)), key=lambda c: -len(c.factors))
    done: dict[Node, Node] = {}
    for node in nodes:
        for current in node.walk():
            if current in done:
                continue
            new = build.rebuild(current, [_held(done[c], c) for c in current.children])
            for candidate in ordered:
                if not isinstance(new, Contraction) or len(new.factors) <= len(candidate.factors):
                    continue
                new = _replace(new, candidate)
            done[current] = new
    return [done[node] for node in nodes]


def _linked(node: Node) -> list[Contraction]:
    """The factors of a product that are summed together: of an outer product each side by itself."""
    if not isinstance(node, Contraction) or not node.bound or not node.rank or len(node.factors) < 2:
        return []
    groups: list[tuple[set[int], list[Factor]]] = []
    for factor, labels in node.factors:
        inner = {x for x in labels if x >= node.out_rank}
        met = [g for g in groups if g[0] & inner]
        groups = [g for g in groups if g not in met]
        groups.append((inner.union(*(g[0] for g in met)), [*(f for g in met for f in g[1]), (factor, labels)]))
    parts: list[Contraction] = []
    for inner, factors in groups:
        carried = {x for _, labels in factors for x in labels}
        out = sorted(carried - inner)
        if len(factors) < 2 or not inner or not out:
            continue
        made = build.contract(ONE, factors, out, {x: node.label_dims[x] for x in carried})
        if isinstance(made, Contraction):
            parts.append(made)
    return parts


def _replace(node: Contraction, part: Contraction) -> Node:
    """The contraction with ``part`` as one of its factors, if its factors are among them."""
    found = _match(node, part, 0, {}, [])
    if found is None:
        return node
    labels, used = found
    factors = [f for i, f in enumerate(node.factors) if i not in used]
    gone = {labels[b] for b in part.bound}
    if any(x in gone for _, ls in factors for x in ls) or any(x < node.out_rank for x in gone):
        return node
    out = tuple(labels[i] for i in range(part.out_rank))
    factors.insert(min(used), (Named("", part), out))
    dims = {i: s for i, s in enumerate(node.label_dims) if i not in gone}
    return build.contract(node.coefficient, factors, range(node.out_rank), dims)


def _match(
    node: Contraction, part: Contraction, k: int, labels: dict[int, int], used: list[int]
) -> tuple[dict[int, int], list[int]] | None:
    if k == len(part.factors):
        whole = all(i in labels for i in range(len(part.label_dims)))
        return (labels, used) if whole and len(set(labels.values())) == len(labels) else None
    wanted, wanted_labels = part.factors[k]
    for i, (f, ls) in enumerate(node.factors):
        if i in used or f is not wanted:
            continue
        trial = dict(labels)
        if all(trial.setdefault(a, b) == b for a, b in zip(wanted_labels, ls, strict=True)):
            found = _match(node, part, k + 1, trial, [*used, i])
            if found is not None:
                return found
    return None
