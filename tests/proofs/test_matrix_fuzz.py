"""Random formulas of array functions: those of one normal form have one value in NumPy."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from symderive.calculus.normal_form import Normaliser, polynomial_key
from symderive.calculus.polynomials import NotHandled, TooLarge
from symderive.errors import DomainError
from symderive.language.arrays import as_array
from tests.proofs import matrix_claims as claims
from tests.proofs.expressions import node_of
from tests.proofs.matrix_claims import det, diag, drawn, eigh, eigvalsh, outer, ridge, svd, symbolic, tr

E = symbolic()
DATA = [drawn(7, 4, 3, 2), drawn(8, 3, 2, 2), drawn(9, 3, 3, 3)]
Formula = Callable


def regular(a):
    """The matrix itself; a numerical one that is nearly singular has no value to compare."""
    if isinstance(a, np.ndarray) and np.linalg.cond(a) > 1e7:
        raise np.linalg.LinAlgError("nearly singular")
    return a


def inv(a):
    return claims.inv(regular(a))


def logdet(a):
    return claims.logdet(regular(a))


def signdet(a):
    return claims.signdet(regular(a))


def matrix(rng: random.Random, depth: int) -> Formula:
    if depth == 0:
        return rng.choice((
            lambda e: e.A, lambda e: e.B, lambda e: e.S, lambda e: e.P, lambda e: e.Q, lambda e: e.L, lambda e: e.D,
            lambda e: diag(e.v), ridge, lambda e: outer(e.x, e.x), lambda e: e.eye(e.d), lambda e: e.T, lambda e: e.C,
        ))  # fmt: skip
    a, b = matrix(rng, depth - 1), matrix(rng, rng.randrange(depth))
    return rng.choice((
        lambda e: a(e) + b(e), lambda e: a(e) @ b(e), lambda e: a(e) @ b(e), lambda e: inv(a(e)),
        lambda e: inv(a(e)), lambda e: a(e).T, lambda e: a(e).T @ a(e), lambda e: e.c * a(e), lambda e: -a(e),
        lambda e: b(e) @ a(e) @ b(e).T, lambda e: np.tril(a(e)), lambda e: a(e) * b(e), lambda e: inv(a(e)) @ b(e),
        lambda e: a(e) @ inv(b(e)), lambda e: diag(diag(a(e))), lambda e: diag(e.u) @ a(e),
        lambda e: a(e) + e.c * e.eye(e.d),
    ))  # fmt: skip


def symmetric(rng: random.Random, depth: int) -> Formula:
    a = matrix(rng, depth)
    return rng.choice((
        lambda e: e.S, lambda e: e.T, lambda e: e.S + e.P, lambda e: a(e) + a(e).T, lambda e: a(e) @ a(e).T,
        lambda e: e.c * e.S, lambda e: inv(e.S),
    ))  # fmt: skip


def scalar(rng: random.Random, depth: int) -> Formula:
    a, b = matrix(rng, depth), matrix(rng, max(depth - 1, 0))
    s, k = symmetric(rng, max(depth - 1, 0)), rng.randrange(1, 4)

    def lower(e):
        return claims.cholesky(e.S + a(e) @ a(e).T)

    return rng.choice((
        lambda e: det(a(e)), lambda e: logdet(a(e)), lambda e: tr(a(e)), lambda e: tr(a(e) @ b(e)),
        lambda e: det(a(e)) * det(b(e)), lambda e: logdet(a(e)) + logdet(b(e)), lambda e: e.x @ a(e) @ e.u,
        lambda e: np.sum(a(e) * b(e)), lambda e: np.prod(diag(a(e))), lambda e: np.sum(eigvalsh(s(e)) ** k),
        lambda e: np.prod(eigvalsh(s(e))), lambda e: tr(eigh(s(e))[1] @ b(e) @ eigh(s(e))[1].T),
        lambda e: e.x @ eigh(s(e))[1] @ diag(eigvalsh(s(e))) @ eigh(s(e))[1].T @ e.u,
        lambda e: np.sum(svd(a(e))[1] ** 2), lambda e: tr(svd(a(e))[2] @ b(e) @ svd(a(e))[2].T),
        lambda e: np.prod(svd(a(e))[1]), lambda e: np.log(np.abs(det(regular(a(e))))),
        lambda e: signdet(a(e)) * signdet(b(e)), lambda e: np.sum(np.log(diag(lower(e)))),
        lambda e: tr(lower(e) @ b(e) @ lower(e).T), lambda e: np.sum((inv(lower(e)) @ e.x) ** 2),
        lambda e: tr(lower(e)), lambda e: np.max(a(e) @ e.x + e.b), lambda e: -np.min(-(a(e) @ e.x)),
        lambda e: np.sum(np.max(a(e), axis=1)), lambda e: np.sum(np.cumsum(a(e) @ e.x)),
        lambda e: np.sum((a(e) @ e.x == np.max(a(e) @ e.x)) * (a(e) @ e.x)),
        lambda e: np.sum((a(e) @ e.x)[::-1] * e.u), lambda e: tr(np.kron(a(e), b(e))),
        lambda e: logdet(np.kron(a(e), b(e))), lambda e: np.sum(np.concatenate([a(e) @ e.x, e.y])) ** 2,
        lambda e: np.sum(np.exp(np.concatenate([a(e) @ e.x, e.u]))), lambda e: np.sum(np.triu(a(e), 1)),
        lambda e: np.sum(np.tril(a(e))), lambda e: logdet(claims.blocks(e, a(e), b(e), 0 * b(e), a(e))),
        lambda e: det(claims.blocks(e, a(e), b(e), b(e).T, e.S)), lambda e: det(a(e) + e.X.T @ e.Z),
        lambda e: np.sum(a(e).ravel() * b(e).ravel()),
    ))  # fmt: skip


def value(formula: Formula, data) -> np.ndarray | None:
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(formula(data), float)
    except np.linalg.LinAlgError:
        return None
    return found if np.all(np.isfinite(found)) else None


def vector(rng: random.Random, depth: int) -> Formula:
    """A vector laid out of others; named parts keep slices from being joined where they are written."""
    if depth == 0:
        return rng.choice((
            lambda e: e.y, lambda e: e.z, lambda e: 1.0 * e.arange(e.n), lambda e: e.g, lambda e: e.ones(e.n),
            lambda e: np.concatenate([e.y, e.h]), lambda e: np.concatenate([e.y, e.z]),
        ))  # fmt: skip
    a, k = vector(rng, depth - 1), rng.randrange(10**6)

    def named(e):
        return e.let(f"part{k}", a(e))

    return rng.choice((
        lambda e: named(e)[1:], lambda e: named(e)[:-1], lambda e: named(e)[::-1], lambda e: named(e)[::-1],
        lambda e: named(e)[::2], lambda e: np.cumsum(named(e)), lambda e: np.exp(named(e) / 4), lambda e: -a(e),
        lambda e: np.diff(named(e)), lambda e: np.concatenate([named(e), e.h]), lambda e: np.roll(named(e), 1),
        lambda e: named(e)[1:] * named(e)[:-1], lambda e: named(e) * named(e)[::-1], lambda e: named(e) + e.b,
        lambda e: np.maximum(named(e), 0),
    ))  # fmt: skip


def layout(rng: random.Random, depth: int) -> Formula:
    a = vector(rng, depth)
    return rng.choice((
        lambda e: np.sum(a(e)), lambda e: a(e)[0], lambda e: a(e)[-1], lambda e: np.sum(a(e) ** 2), a,
        lambda e: np.sum(a(e) * a(e)[::-1]), lambda e: np.max(a(e)), lambda e: e.logsumexp(a(e)),
        lambda e: e.ones(e.n) @ np.tril(outer(e.y, e.z)) @ e.g, lambda e: np.sum(np.cumsum(a(e))),
    ))  # fmt: skip


@pytest.mark.parametrize(("first", "count", "depth"), [(0, 400, 1), (10_000, 400, 2), (20_000, 200, 3)])
def test_layouts_of_one_normal_form_have_one_value(first, count, depth):
    draws = [drawn(7, 5, 3, 2), drawn(8, 6, 2, 3), drawn(9, 4, 2, 4)]
    assert compare(layout, first, count, depth, draws) > 100


@pytest.mark.parametrize(("batch", "depth"), [(0, 1), (1, 1), (2, 2), (3, 2)])
def test_formulas_of_one_normal_form_have_one_value(batch, depth):
    def either(rng: random.Random, depth: int) -> Formula:
        return (scalar if rng.random() < 0.6 else matrix)(rng, rng.randrange(depth + 1))

    assert compare(either, 800 * batch, 800, depth, DATA) > 150


def compare(make: Callable[[random.Random, int], Formula], first: int, count: int, depth: int, draws) -> int:
    """Group random formulas by their normal form, compare their values; how many were compared."""
    normaliser = Normaliser()
    groups: dict[object, list[tuple[int, Formula]]] = {}
    for seed in range(first, first + count):
        formula = make(random.Random(seed), depth)
        normaliser.algebra.budget = 10_000
        try:
            node = node_of(as_array(formula(E)))
            form = polynomial_key(normaliser.of(node))
        except (NotHandled, TooLarge, DomainError):
            continue
        groups.setdefault((node.shape, form), []).append((seed, formula))
    compared = 0
    for formulas in groups.values():
        for data in draws:
            known = [(seed, v) for seed, formula in formulas if (v := value(formula, data)) is not None]
            for seed, found in known[1:]:
                compared += 1
                first = known[0][1]
                size = 1 + max(np.max(np.abs(first)), np.max(np.abs(found)))
                assert np.max(np.abs(first - found)) < 1e-5 * size, (known[0][0], seed)
    return compared
