"""Polynomials back to nodes: what a proof found in normal form, as an expression to show and to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from sympy import Expr, Integer, Rational

from symderive.calculus.polynomials import (
    Algebra,
    Factor,
    NotHandled,
    Polynomial,
    monomial_key,
    to_sympy,
)
from symderive.language import build
from symderive.language.nodes import ONE, Basis, Delta, Differential, Node, Number, Range


def to_node(algebra: Algebra, p: Polynomial, labels: Sequence[int], dims: Mapping[int, Expr]) -> Node:
    """The polynomial as a node with axes ``labels``; ``dims`` gives the dimension of every free label.

    A label -1 among ``labels`` is an axis of length 1.  Raises
    `polynomials.NotHandled` for an atom that has no node.

    >>> import numpy as np, symderive as sd
    >>> from symderive.calculus.normal_form import Normaliser, decide_equal
    >>> n = sd.dims("n")
    >>> x = sd.array("x", n)
    >>> normaliser = Normaliser()
    >>> p = normaliser.of((np.exp(x) * (1 + x)).node)
    >>> back = to_node(normaliser.algebra, p, [0], {0: n.value})
    >>> decide_equal(back, (np.exp(x) + x * np.exp(x)).node).equal
    True
    """
    shape = tuple(Integer(1) if i == -1 else dims[i] for i in labels)
    terms = []
    for m in sorted(p, key=lambda m: (len(m[0]), monomial_key(m))):
        sizes = {**dims, **{-2 - k: d for k, d in enumerate(m[1])}}
        terms.append((ONE, _term(algebra, m[0], p[m], labels, sizes, m[1])))
    if not terms:
        return build.zeros(shape)
    return build.add(terms, shape)


def _term(
    algebra: Algebra,
    factors: Sequence[Factor],
    c: Fraction,
    labels: Sequence[int],
    sizes: Mapping[int, Expr],
    bound: Sequence[Expr],
) -> Node:
    coefficient: Expr = Rational(c.numerator, c.denominator)
    place: dict[int, int] = {}
    used: dict[int, Expr] = {}
    out = []
    spare = iter(range(10_000, 20_000))
    for label in labels:
        if label == -1:
            at = next(spare)
            used[at] = Integer(1)
        else:
            at = place[label] = label + 1
            used[at] = sizes[label]
        out.append(at)
    for k, d in enumerate(bound):
        place[-2 - k] = 20_000 + k
        used[20_000 + k] = d
    placed: list[tuple[Node, tuple[int, ...]]] = []
    for a, ls, e in factors:
        atom = algebra.atoms[a]
        if atom.kind in ("dim", "constant"):
            coefficient = coefficient * atom.payload ** to_sympy(e)
            continue
        if atom.kind == "prime":
            coefficient = coefficient * Integer(atom.payload) ** to_sympy(e)
            continue
        at = []
        for i in ls:
            if i == -1:
                q = next(spare)
                used[q] = Integer(1)
            else:
                q = place[i]
            at.append(q)
        placed.append((_factor(algebra, a, ls, e, sizes), tuple(at)))
    return build.contract(coefficient, placed, out, used)


def _factor(algebra: Algebra, a: int, ls: Sequence[int], e: object, sizes: Mapping[int, Expr]) -> Node:
    atom = algebra.atoms[a]
    exponent = to_sympy(e)  # type: ignore[arg-type]
    inner_dims = {k: (Integer(1) if i == -1 else sizes[i]) for k, i in enumerate(ls)}
    axes = list(range(len(ls)))
    match atom.kind:
        case "leaf" | "named":
            base: Node = atom.payload
        case "d":
            base = Differential(atom.payload)
        case "delta":
            base = Delta(atom.payload)
        case "basis":
            base = Basis(*atom.payload)
        case "range":
            base = Range(atom.payload)
        case "exp":
            inner = to_node(algebra, atom.inner[0], axes, inner_dims)
            return build.apply("exp", build.scale(exponent, inner))
        case "poly":
            base = to_node(algebra, atom.inner[0], axes, inner_dims)
        case "log" | "abs" | "sign" | "sin" | "cos" | "arctan":
            base = build.apply(atom.kind, to_node(algebra, atom.inner[0], axes, inner_dims))
        case "prod":
            slotted = {**inner_dims, len(ls): atom.payload}
            base = build.opaque("prod", to_node(algebra, atom.inner[0], [*axes, len(ls)], slotted))
        case "power":
            base = build.apply("power", *(to_node(algebra, q, axes, inner_dims) for q in atom.inner))
        case _:
            raise NotHandled(f"no expression for {atom.kind}")
    if isinstance(base, Number):
        return Number(base.value**exponent)
    return build.power(base, exponent)


__all__ = ["to_node"]
