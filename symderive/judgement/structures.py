"""What domains ask of whole arrays: exact membership, exact draws, and directions that stay inside.

Draws are rational and satisfy their structure exactly: unit vectors by stereographic projection,
orthogonal matrices by Cayley's transform, correlation matrices from unit vectors.  The tangent space
of a structure at a point is the null space of its linearised relations, found by exact elimination
(P.-A. Absil, R. Mahony, R. Sepulchre, Optimization Algorithms on Matrix Manifolds, 2008, ch. 3).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from symderive.errors import UnsupportedError
from symderive.language.domains import AXIS_STRUCTURES, Domain
from symderive.language.nodes import Leaf

CURVED = frozenset({"unit_norm", "orthogonal"})
"""Structures that no straight line through a point stays inside of."""


# -- membership ------------------------------------------------------------------------------------


def satisfied(structure: str, axis: int, value: np.ndarray) -> bool:
    """Whether an array of exact numbers has a structure; each matrix of a batch has to."""
    if structure in AXIS_STRUCTURES:
        return value.ndim > 0 and all(_VECTOR[structure](fibre) for fibre in _fibres(value, axis))
    if value.ndim < 2:
        return False
    rows, columns = value.shape[-2:]
    return all(_MATRIX[structure](value[index], rows, columns) for index in np.ndindex(value.shape[:-2]))


def _fibres(value: np.ndarray, axis: int) -> Iterator[list[Any]]:
    moved = np.moveaxis(value, axis, -1)
    return (list(moved[index]) for index in np.ndindex(moved.shape[:-1]))


_VECTOR: dict[str, Callable[[list[Any]], bool]] = {
    "simplex": lambda x: all(v >= 0 for v in x) and sum(x) == 1,
    "one_hot": lambda x: all(v in (0, 1) for v in x) and sum(x) == 1,
    "unit_norm": lambda x: sum(v * v for v in x) == 1,
}


def _mat(a: np.ndarray, n: int) -> fmpq_mat:
    return fmpq_mat([[fmpq(a[i, j].numerator, a[i, j].denominator) for j in range(n)] for i in range(n)])


def _is_symmetric(a: np.ndarray, rows: int, columns: int) -> bool:
    return rows == columns and all(a[i, j] == a[j, i] for i in range(rows) for j in range(i))


def _is_invertible(a: np.ndarray, rows: int, columns: int) -> bool:
    return rows == columns and _mat(a, rows).det() != 0


def _is_spd(a: np.ndarray, rows: int, columns: int) -> bool:
    return _is_symmetric(a, rows, columns) and all(_mat(a, k).det() > 0 for k in range(1, rows + 1))


def _is_psd(a: np.ndarray, rows: int, columns: int) -> bool:
    # the roots of the characteristic polynomial are real; none is negative where its signs alternate
    if not _is_symmetric(a, rows, columns):
        return False
    signed = _mat(a, rows).charpoly()
    return all((-1) ** (rows - k) * signed[k] >= 0 for k in range(rows + 1))


def _is_orthogonal(a: np.ndarray, rows: int, columns: int) -> bool:
    if rows != columns:
        return False
    m = _mat(a, rows)
    product = m * m.transpose()
    return all(product[i, j] == int(i == j) for i in range(rows) for j in range(rows))


_MATRIX: dict[str, Callable[[np.ndarray, int, int], bool]] = {
    "symmetric": _is_symmetric,
    "spd": _is_spd,
    "psd": _is_psd,
    "correlation": lambda a, r, c: all(a[i, i] == 1 for i in range(min(r, c))) and _is_spd(a, r, c),
    "invertible": _is_invertible,
    "diagonal": lambda a, r, c: all(a[i, j] == 0 for i in range(r) for j in range(c) if i != j),
    "lower_triangular": lambda a, r, c: all(a[i, j] == 0 for i in range(r) for j in range(i + 1, c)),
    "upper_triangular": lambda a, r, c: all(a[i, j] == 0 for i in range(r) for j in range(min(i, c))),
    "positive_diagonal": lambda a, r, c: all(a[i, i] > 0 for i in range(min(r, c))),
    "orthogonal": _is_orthogonal,
}


def supported(domain: Domain, i: int, j: int) -> bool:
    """Whether entry (i, j) of a matrix may be other than 0."""
    return not (
        (i != j and domain.has("diagonal"))
        or (j > i and domain.has("lower_triangular"))
        or (j < i and domain.has("upper_triangular"))
    )


# -- draws -----------------------------------------------------------------------------------------


def unit_vector(rng: random.Random, size: int, stratum: str) -> list[Fraction]:
    """A rational point of the unit sphere: the stereographic image of a rational point."""
    if size == 1 or stratum == "special":
        at, sign = rng.randrange(size), rng.choice((-1, 1))
        return [Fraction(sign * int(i == at)) for i in range(size)]
    scale = {"tail": 30, "far": 1000, "edges": 10 ** rng.randint(1, 4), "small": 100}.get(stratum, 1)
    u = [Fraction(rng.randint(-4, 4), rng.choice((1, 2, 3))) for _ in range(size - 1)]
    u = [v / scale for v in u] if stratum == "small" else [v * scale for v in u]
    square = sum((v * v for v in u), Fraction(0))
    x = [2 * v / (1 + square) for v in u] + [(square - 1) / (1 + square)]
    rng.shuffle(x)
    return [rng.choice((-1, 1)) * v for v in x]


def spd(rng: random.Random, n: int, stratum: str) -> np.ndarray:
    """A symmetric positive definite matrix."""
    a = [[Fraction(rng.randint(-3, 3), rng.choice((1, 1, 2))) for _ in range(n)] for _ in range(n)]
    ridge = Fraction(rng.randint(1, 4), rng.choice((1, 2, 4)))
    if stratum == "special":
        a, ridge = [[Fraction(0)] * n for _ in range(n)], Fraction(1)
    if stratum == "edges":
        ridge = Fraction(1, 10 ** rng.randint(1, 4))
    return _gram(a, ridge, _scale(stratum))


def psd(rng: random.Random, n: int, stratum: str) -> np.ndarray:
    """A symmetric positive semidefinite matrix of any rank."""
    rank = rng.choice((n, rng.randint(0, n))) if stratum != "special" else rng.randint(0, 1)
    a = [[Fraction(rng.randint(-3, 3), rng.choice((1, 1, 2))) for _ in range(rank)] for _ in range(n)]
    return _gram(a, Fraction(0), _scale(stratum))


def correlation(rng: random.Random, n: int, stratum: str) -> np.ndarray:
    """A correlation matrix: the products of unit vectors; near a singular one at the edges."""
    if stratum == "special":
        rows = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    else:
        rows = [unit_vector(rng, n, stratum) for _ in range(n)]
    if stratum == "edges" and n > 1:
        # two nearly equal directions: the first turned by a small angle in a coordinate plane
        small = Fraction(1, 10 ** rng.randint(1, 3))
        cosine, sine = (1 - small**2) / (1 + small**2), 2 * small / (1 + small**2)
        rows[1] = [cosine * rows[0][0] - sine * rows[0][1], sine * rows[0][0] + cosine * rows[0][1], *rows[0][2:]]
    return _gram(rows, Fraction(0), Fraction(1))


def _scale(stratum: str) -> Fraction:
    return {"tail": Fraction(30), "far": Fraction(30), "small": Fraction(1, 100)}.get(stratum, Fraction(1))


def _gram(a: list[list[Fraction]], ridge: Fraction, scale: Fraction) -> np.ndarray:
    n = len(a)
    out = np.empty((n, n), object)
    for i in range(n):
        for j in range(n):
            total = sum((x * y for x, y in zip(a[i], a[j], strict=True)), Fraction(0))
            out[i, j] = scale * (total + (ridge if i == j else 0))
    return out


def orthogonal(rng: random.Random, n: int, domain: Domain) -> np.ndarray:
    """An orthogonal matrix with the domain's other structures."""
    out = np.empty((n, n), object)
    positive = domain.has("positive_diagonal")
    signs = [1 if positive else rng.choice((-1, 1)) for _ in range(n)]
    if any(domain.has(s) for s in ("spd", "lower_triangular", "upper_triangular")):
        for i in range(n):
            for j in range(n):
                out[i, j] = Fraction(signs[i] if i == j else 0)
        return out
    if domain.has("symmetric"):  # a reflection I - 2 v v'/v'v
        v = [rng.randint(-2, 2) for _ in range(n)]
        if not any(v):
            v[0] = 1
        norm = sum(x * x for x in v)
        for i in range(n):
            for j in range(n):
                out[i, j] = Fraction(int(i == j)) - Fraction(2 * v[i] * v[j], norm)
        return out
    skew = [[fmpq(0)] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            skew[i][j] = fmpq(rng.randint(-2, 2), rng.choice((1, 2, 3)) * (4 if positive else 1))
            skew[j][i] = -skew[i][j]
    eye = [[fmpq(int(i == j)) for j in range(n)] for i in range(n)]
    s, one = fmpq_mat(skew), fmpq_mat(eye)
    q = (one - s) * (one + s).inv()
    for i in range(n):
        for j in range(n):
            out[i, j] = signs[j] * Fraction(int(q[i, j].p), int(q[i, j].q))
    return out


# -- tangents --------------------------------------------------------------------------------------


def normals(leaf: Leaf, value: np.ndarray) -> list[np.ndarray]:
    """What is normal to a leaf's domain at an exact point: each of the leaf's shape, together spanning.

    A direction V is tangent where ``np.sum(N * V) == 0`` for each of them, and so is a gradient.
    A domain of single points (labels, integers, one-hot vectors) has no tangents: `UnsupportedError`.
    """
    domain = leaf.domain
    entries = domain.entries
    if entries.values is not None or entries.integer or domain.has("one_hot"):
        raise UnsupportedError(f"{leaf.name} ranges over single points ({domain}), which have no tangent directions")
    found: list[np.ndarray] = []

    def add(places: dict[tuple[int, ...], Any]) -> None:
        normal = np.empty(value.shape, object)
        normal.fill(Fraction(0))
        for place, number in places.items():
            normal[place] = normal[place] + number
        found.append(normal)

    for structure in ("simplex", "unit_norm"):
        if domain.has(structure):
            axis = domain.axis(structure) % value.ndim
            for index in np.ndindex(tuple(1 if k == axis else size for k, size in enumerate(value.shape))):
                places = [(*index[:axis], i, *index[axis + 1 :]) for i in range(value.shape[axis])]
                add({p: value[p] if structure == "unit_norm" else Fraction(1) for p in places})
    if not any(structure not in AXIS_STRUCTURES for structure, _ in domain.structures):
        return found
    n = value.shape[-1]
    for index in np.ndindex(value.shape[:-2]):
        for i in range(n):
            for j in range(n):
                if not supported(domain, i, j) or (i == j and domain.has("correlation")):
                    add({(*index, i, j): Fraction(1)})
                if i < j and domain.has("symmetric"):
                    add({(*index, i, j): Fraction(1), (*index, j, i): Fraction(-1)})
        if domain.has("orthogonal"):
            # QᵀV + VᵀQ = 0
            q = value[index]
            for i in range(n):
                for j in range(i + 1):
                    both: dict[tuple[int, ...], Any] = {(*index, a, j): q[a, i] for a in range(n)}
                    for a in range(n):
                        both[(*index, a, i)] = both.get((*index, a, i), Fraction(0)) + q[a, j]
                    add(both)
    return found


def tangent_basis(leaf: Leaf, value: np.ndarray) -> list[np.ndarray]:
    """Exact directions that span the tangent space of a leaf's domain at a point; errors as `normals`.

    >>> import numpy as np, symderive as sd
    >>> from fractions import Fraction
    >>> p = sd.array("p", 3, domain=sd.simplex).node
    >>> [[str(x) for x in v] for v in tangent_basis(p, np.array([Fraction(1, 3)] * 3))]
    [['-1', '1', '0'], ['-1', '0', '1']]
    """
    size = value.size
    rows = [[fmpq(x.numerator, x.denominator) for x in normal.reshape(-1)] for normal in normals(leaf, value)]
    pivots: list[int] = []
    reduced = fmpq_mat(0, size)
    if rows and size:
        reduced, rank = fmpq_mat(rows).rref()
        pivots = [next(j for j in range(size) if reduced[i, j] != 0) for i in range(rank)]
    basis: list[np.ndarray] = []
    for free in (j for j in range(size) if j not in pivots):
        direction = np.empty(size, object)
        direction.fill(Fraction(0))
        direction[free] = Fraction(1)
        for i, pivot in enumerate(pivots):
            direction[pivot] = -Fraction(int(reduced[i, free].p), int(reduced[i, free].q))
        basis.append(direction.reshape(value.shape))
    return basis


def tangent_direction(leaf: Leaf, value: np.ndarray, seed: int | str) -> np.ndarray:
    """A random exact direction tangent to a leaf's domain at a point, of the leaf's shape.

    Symmetric matrices move among symmetric ones, triangular and diagonal ones keep their zeros, a
    simplex moves with sum 0, a unit vector x along v with <x, v> = 0, an orthogonal Q along Q times a
    skew matrix.  The zero direction where the domain is a single point; errors as `normals`.

    >>> import numpy as np, symderive as sd
    >>> from fractions import Fraction
    >>> u = sd.array("u", 2, domain=sd.unit_norm).node
    >>> at = np.array([Fraction(3, 5), Fraction(4, 5)])
    >>> np.sum(at * tangent_direction(u, at, 0))
    Fraction(0, 1)
    """
    rng = random.Random(seed)
    total = np.empty(value.shape, object)
    total.fill(Fraction(0))
    for direction in tangent_basis(leaf, value):
        weight = Fraction(rng.choice((-3, -2, -1, 1, 2, 3)), rng.choice((1, 2, 3)))
        for place in np.ndindex(value.shape):
            total[place] += weight * direction[place]
    return total


__all__ = [
    "CURVED",
    "correlation",
    "normals",
    "orthogonal",
    "psd",
    "satisfied",
    "spd",
    "supported",
    "tangent_basis",
    "tangent_direction",
    "unit_vector",
]
