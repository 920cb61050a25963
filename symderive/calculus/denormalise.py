"""Polynomials back to nodes: what a proof found in normal form, as an expression to show and to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from sympy import Expr, Integer, Min, Rational

from symderive.calculus.array_laws import DIAGONAL
from symderive.calculus.polynomials import (
    OUTPUTS,
    Algebra,
    Atom,
    Factor,
    NotHandled,
    Polynomial,
    monomial_key,
    to_sympy,
)
from symderive.language import build
from symderive.language.nodes import ONE, ZERO, Basis, Delta, Differential, Merge, Node, Number, Range, Slice


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


def label_dims(algebra: Algebra, p: Polynomial) -> dict[int, Expr]:
    """The dimension of every free label that a polynomial carries, read off its atoms."""
    found: dict[int, Expr] = {}
    for m in p:
        for a, ls, _ in m[0]:
            for axis, label in enumerate(ls):
                if label >= 0 and label not in found:
                    found[label] = _axis_dim(algebra, algebra.atoms[a], axis)
    return found


def _axis_dim(algebra: Algebra, atom: Atom, axis: int) -> Expr:
    """The dimension of an atom's axis."""
    match atom.kind:
        case "leaf" | "d" | "named":
            return atom.payload.shape[axis]
        case "delta" | "range":
            return atom.payload
        case "basis" | "below" | "slice":
            return atom.payload[axis]
        case "merge":
            first, second = atom.payload
            return (first * second, first, second)[axis]
    outputs = OUTPUTS.get(atom.kind, 0)
    if axis >= atom.rank - outputs:
        return _made(atom, axis)
    for p in atom.inner:
        dims = label_dims(algebra, p)
        if axis in dims:
            return dims[axis]
    raise NotHandled(f"no dimension for an axis of {atom.kind}")


def _made(atom: Atom, axis: int) -> Expr:
    """The dimension of an axis that an array function makes."""
    if not isinstance(atom.payload, tuple):
        return atom.payload
    rows, columns = atom.payload
    last = axis == atom.rank - 1
    if atom.kind == "svd_u" and not last:
        return rows
    if atom.kind == "svd_vt" and last:
        return columns
    return Min(rows, columns)


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
        case "slice":
            base = Slice(*atom.payload)
        case "merge":
            base = Merge(*atom.payload)
        case "below":
            size, bound = atom.payload
            base = build.reduce_sum(Slice(size, bound, ZERO, ONE), (1,))
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
        case kind if kind in OUTPUTS:
            base = _array_function(algebra, atom, ls, sizes)
        case "power":
            base = build.apply("power", *(to_node(algebra, q, axes, inner_dims) for q in atom.inner))
        case _:
            raise NotHandled(f"no expression for {atom.kind}")
    if isinstance(base, Number):
        return Number(base.value**exponent)
    return build.power(base, exponent)


def _array_function(algebra: Algebra, atom: Atom, ls: Sequence[int], sizes: Mapping[int, Expr]) -> Node:
    """An array function of the atom's argument, its batch first and its outputs last."""
    count = atom.rank - OUTPUTS[atom.kind]
    payload = atom.payload if isinstance(atom.payload, tuple) else (atom.payload,) * 2
    if atom.kind in ("max", "is_max"):
        payload = payload[:1]
    dims = {k: (Integer(1) if i == -1 else sizes[i]) for k, i in enumerate(ls[:count])}
    slots = {count + k: d for k, d in enumerate(payload)}
    labels = [*range(count), *(-1 if d == 1 else i for i, d in slots.items())]
    inner = to_node(algebra, atom.inner[0], labels, {**dims, **slots})
    if atom.kind == DIAGONAL:
        node = build.opaque("cholesky", inner)
        out = tuple(range(count + 1))
        return build.contract(ONE, [(node, (*out, count))], out, dict(enumerate(node.shape[:-1])))
    return build.opaque(atom.kind, inner)


__all__ = ["label_dims", "to_node"]
