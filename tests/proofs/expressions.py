"""Random expressions, random true rewrites of them, and random mutations: the fuzz of the normal form."""

from __future__ import annotations

import random

import numpy as np
from scipy.special import expit

import symderive as sd
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.functions import FUNCTIONS, meaning
from symderive.language.nodes import ONE, Contraction, Leaf, Map, Node, Number, Sum

N, D = sd.dims("n d")
LEAVES: dict[str, list[Array]] = {
    "": [sd.array("b"), sd.array("c", domain=sd.positive)],
    "n": [
        sd.array("x", N),
        sd.array("y", N),
        sd.array("a", N, domain=sd.positive),
        sd.array("t", N, domain=sd.labels(-1, 1)),
        sd.array("r", N, domain=sd.labels(0, 1)),
    ],
    "d": [sd.array("w", D), sd.array("v", D), sd.array("p", D, domain=sd.simplex & sd.positive)],
    "nd": [sd.array("X", N, D), sd.array("Z", N, D)],
    "dd": [sd.array("S", D, D, domain=sd.symmetric), sd.array("A", D, D)],
}
ELEMENTWISE = {
    "exp": np.exp,
    "tanh": np.tanh,
    "expit": expit,
    "softplus": lambda u: np.logaddexp(0, u),
    "square": np.square,
    "abs": np.abs,
    "relu": lambda u: np.maximum(u, 0),
    "sin": np.sin,
    "root": lambda u: np.sqrt(1 + u**2),
    "inverse": lambda u: 1 / (1 + np.exp(u)),
    "logcosh": lambda u: np.log(np.cosh(u)),
}


def expression(rng: random.Random, shape: str, depth: int) -> Array:
    """A random expression of a shape among "", "n", "d", "nd", "dd"."""
    if depth <= 0:
        return rng.choice(LEAVES[shape])
    sub = lambda s: expression(rng, s, depth - 1)  # noqa: E731
    choices = [
        lambda: sub(shape) + sub(shape),
        lambda: sub(shape) - rng.choice([2, 3, 1]) * sub(shape),
        lambda: sub(shape) * sub(shape),
        lambda: sub("") * sub(shape),
        lambda: rng.choice(list(ELEMENTWISE.values()))(expression(rng, shape, min(depth - 1, 1))),
        lambda: sub(shape),
    ]
    match shape:
        case "":
            choices += [
                lambda: np.sum(sub("n")),
                lambda: sub("n") @ sub("n"),
                lambda: np.mean(sub("d")),
                lambda: np.sum(sub("nd")) / N,
                lambda: sd.logsumexp(expression(rng, "d", min(depth - 1, 1))),
                lambda: np.trace(sub("dd")),
            ]
        case "n":
            choices += [
                lambda: sub("nd") @ sub("d"),
                lambda: np.sum(sub("nd"), axis=1),
                lambda: sub("n") / np.sum(np.exp(rng.choice(LEAVES["n"]))),
            ]
        case "d":
            choices += [
                lambda: sub("nd").T @ sub("n"),
                lambda: sub("dd") @ sub("d"),
                lambda: sd.softmax(expression(rng, "d", min(depth - 1, 1))),
            ]
        case "nd":
            choices += [lambda: np.outer(sub("n"), sub("d")), lambda: sub("n")[:, None] * sub("nd")]
        case "dd":
            choices += [lambda: sub("nd").T @ sub("nd"), lambda: sub("dd").T, lambda: np.diag(sub("d"))]
    return rng.choice(choices)()


def node_of(array: Array) -> Node:
    """The node with the array's own axis order."""
    if array.axes == tuple(range(array.node.rank)):
        return array.node
    axes = [a for a in array.axes if a is not None]
    return build.contract(ONE, [(array.node, range(array.node.rank))], axes, dict(enumerate(array.node.shape)))


def rewrite(rng: random.Random, node: Node, rate: float = 0.6) -> Node:
    """An equal expression, defined at the same points: shuffled, renamed, re-associated, respelled."""
    done: dict[Node, Node] = {}
    for current in node.walk():
        new = build.rebuild(current, [done[c] for c in current.children]) if current.children else current
        done[current] = _respelled(rng, new) if rng.random() < rate else new
    return done[node]


def _respelled(rng: random.Random, node: Node) -> Node:
    match node:
        case Contraction():
            order = list(range(len(node.label_dims)))
            bound = order[node.out_rank :]
            rng.shuffle(bound)
            rename = dict(zip(order, [*order[: node.out_rank], *bound], strict=True))
            factors = [(f, tuple(rename[i] for i in ls)) for f, ls in node.factors]
            rng.shuffle(factors)
            dims = {rename[i]: d for i, d in enumerate(node.label_dims)}
            choice = rng.random()
            sums = [k for k, (f, _) in enumerate(factors) if isinstance(f, Sum)]
            if choice < 0.3 and sums:  # distribute
                k = rng.choice(sums)
                total = factors[k][0]
                assert isinstance(total, Sum)
                terms = [
                    (
                        w,
                        build.contract(
                            node.coefficient,
                            [*factors[:k], (t, factors[k][1]), *factors[k + 1 :]],
                            range(node.out_rank),
                            dims,
                        ),
                    )
                    for w, t in total.terms
                ]
                return build.add(terms, node.shape)
            if choice < 0.6 and len(factors) > 1:  # group two factors into one array
                first = factors[:2]
                inside = {i for _, ls in first for i in ls}
                outside = {i for _, ls in factors[2:] for i in ls} | set(range(node.out_rank))
                kept = sorted(inside & outside)
                summed = {i: dims[i] for i in inside}
                group = build.scale(2, build.contract(1, first, kept, summed))
                group = build.add([(ONE / 2, group)], group.shape)
                left = {i: d for i, d in dims.items() if i in outside or i not in inside}
                return build.contract(node.coefficient, [(group, kept), *factors[2:]], range(node.out_rank), left)
            return build.contract(node.coefficient, factors, range(node.out_rank), dims)
        case Sum():
            terms = list(node.terms)
            rng.shuffle(terms)
            return build.add(terms, node.shape)
        case Map(function=name, arguments=arguments):
            simpler = meaning(name, arguments)
            if simpler is not None and rng.random() < 0.6:
                return build.broadcast(simpler, node.shape)
            u = arguments[0]
            if name == "exp" and rng.random() < 0.5:
                return build.power(build.apply("exp", build.scale(-1, u)), -1)
            if name == "maximum" and rng.random() < 0.5:
                v = build.broadcast(arguments[1], node.shape)
                u = build.broadcast(u, node.shape)
                size = build.apply("abs", build.add([(ONE, u), (-ONE, v)], node.shape))
                return build.add([(ONE / 2, u), (ONE / 2, v), (ONE / 2, size)], node.shape)
            if name == "abs" and rng.random() < 0.5:
                return build.multiply(u, build.apply("sign", u))
        case Leaf():
            if rng.random() < 0.2:
                return build.add([(ONE * 3, node), (-ONE * 2, node)], node.shape)
    return node


def mutate(rng: random.Random, node: Node) -> Node | None:
    """One small change somewhere, or None where this draw changes nothing."""
    places = [n for n in node.walk() if n.children or isinstance(n, Leaf)]
    rng.shuffle(places)
    for place in places:
        new = _mutated(rng, place)
        if new is not None and new is not place and new.shape == place.shape:
            result = build.substitute(node, {place: new})
            if result is not node:
                return result
    return None


def _mutated(rng: random.Random, node: Node) -> Node | None:
    kind = rng.randrange(6)
    match node:
        case Leaf():
            same = [a.node for group in LEAVES.values() for a in group if a.node.shape == node.shape]
            return rng.choice([n for n in same if n is not node]) if kind < 4 else build.scale(-1, node)
        case Sum():
            terms = list(node.terms)
            k = rng.randrange(len(terms))
            if kind < 2:
                terms[k] = (-terms[k][0], terms[k][1])
            elif kind < 3:
                terms[k] = (terms[k][0] * (1 + ONE / 10**12), terms[k][1])
            elif len(terms) > 1 and kind < 5:
                del terms[k]
            else:
                terms[k] = (terms[k][0] + 1, terms[k][1])
            return build.add(terms, node.shape)
        case Contraction():
            factors = list(node.factors)
            dims = dict(enumerate(node.label_dims))
            out = range(node.out_rank)
            if kind == 0 and len(factors) > 1:
                del factors[rng.randrange(len(factors))]
                return build.contract(node.coefficient, factors, out, dims)
            if kind == 1:
                carried = {i for _, ls in factors for i in ls}
                empty = [i for i in node.bound if i not in carried]
                if empty:
                    del dims[empty[0]]
                    return build.contract(node.coefficient, factors, out, dims)
                bound = list(node.bound)
                if bound:  # an extra binder
                    dims[len(dims)] = node.label_dims[bound[0]]
                    return build.contract(node.coefficient, factors, out, dims)
            if kind in (2, 3):
                k = rng.randrange(len(factors)) if factors else 0
                if factors and len(factors[k][1]) == 2:
                    f, (i, j) = factors[k]
                    if dims[i] == dims[j]:
                        factors[k] = (f, (j, i))
                        return build.contract(node.coefficient, factors, out, dims)
                    same = [q for q in dims if dims[q] == dims[i] and q != i]
                    if same:
                        factors[k] = (f, (rng.choice(same), j))
                        return build.contract(node.coefficient, factors, out, dims)
            if kind == 4:
                return build.contract(node.coefficient * (1 + ONE / 10**12), factors, out, dims)
            return build.contract(-node.coefficient, factors, out, dims)
        case Map(function=name, arguments=arguments):
            if name == "power" and isinstance(arguments[1], Number):
                return build.power(arguments[0], arguments[1].value + rng.choice([1, 2]))
            if len(FUNCTIONS[name].arguments) == 1:
                other = rng.choice(["exp", "tanh", "expit", "abs", "sin", "cos", "sign", "arctan"])
                return build.apply(other, arguments[0])
            return build.apply(name, arguments[1], arguments[0]) if name in ("lt", "le") else None
    return None


PARTIAL = {
    "log": np.log,
    "sqrt": np.sqrt,
    "reciprocal": lambda u: 1 / u,
    "log1p": np.log1p,
    "log of a square": lambda u: np.log(u**2),
    "root of a square": lambda u: np.sqrt(u**2),
    "x log x": lambda u: u * np.log(u),
    "case": lambda u: np.where(u > 0, np.log(u), u),
    "sign": np.sign,
    "root of the reciprocal": lambda u: 1 / np.sqrt(u),
}
"""Functions that are not defined everywhere, or have cases."""


def partial_expression(rng: random.Random, shape: str, depth: int) -> Array:
    """A random expression with functions that are not defined everywhere."""
    inner = expression(rng, shape, depth)
    return rng.choice(list(PARTIAL.values()))(inner) + rng.choice([0, 1]) * rng.choice(LEAVES[shape])


def loosen(rng: random.Random, node: Node) -> Node:
    """Respell as a careless hand would: some rules here need a condition that may fail."""
    done: dict[Node, Node] = {}
    for current in node.walk():
        new = build.rebuild(current, [done[c] for c in current.children]) if current.children else current
        done[current] = _careless(rng, new) if rng.random() < 0.7 else new
    return done[node]


def _careless(rng: random.Random, node: Node) -> Node:
    match node:
        case Map(function="power", arguments=(u, Number(value=e))):
            if isinstance(u, Map) and u.function == "power" and isinstance(u.arguments[1], Number):
                return build.power(u.arguments[0], e * u.arguments[1].value)
            if isinstance(u, Map) and u.function == "abs":
                return build.power(u.arguments[0], e)
        case Map(function="log", arguments=(Map(function="power", arguments=(u, Number(value=e))),)):
            return build.scale(e, build.apply("log", rng.choice([u, build.apply("abs", u)])))
        case Map(function="log", arguments=(Map(function="exp", arguments=(u,)),)):
            return u
        case Map(function="exp", arguments=(Map(function="log", arguments=(u,)),)):
            return u
        case Map(function="log", arguments=(Contraction() as u,)):
            if len(u.factors) == 2 and u.coefficient == 1 and not u.bound:
                parts = [build.contract(1, [f], range(u.out_rank), dict(enumerate(u.label_dims))) for f in u.factors]
                return build.add([(ONE, build.apply("log", part)) for part in parts], u.shape)
        case Map(function="where", arguments=(_, u, v)):
            return build.broadcast(rng.choice([u, v]), node.shape)
        case Map(function="abs", arguments=(u,)):
            return rng.choice([u, node])
        case Leaf() if rng.random() < 0.2:
            return rng.choice(
                [
                    build.apply("abs", node),
                    build.power(node, 2),
                    build.multiply(build.power(node, 2), build.power(node, -1)),
                    build.power(build.power(node, ONE / 2), 2),
                    build.apply("exp", build.apply("log", node)),
                ]
            )
    return node
