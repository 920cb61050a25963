"""Functions of whole arrays on arrays of elements: maxima, inverses, determinants, factors, spectra.

Exact where the input is exact: a rational matrix has a rational inverse, its eigenvalues are roots
of a rational polynomial, so that singular matrices and ties are decided, not guessed.  Balls of
eigenvalues are certified by python-flint (F. Johansson, Arb; S. M. Rump, "Computational error bounds
for multiple or nearly multiple eigenvalues", Linear Algebra Appl. 324 (2001)).

Power series need no rule of calculus.  Inverses, determinants and Cholesky factors come out of the
elimination that gives their values, done on series.  A simple eigenvalue λ with its eigenvector x is
continued term by term through ``(A(t) - λ(t)) x(t) = 0`` and ``<x(0), x(t)> = |x(0)|²``: each term
solves one linear system, which is regular exactly where λ is simple (T. Kato, Perturbation Theory
for Linear Operators, ch. II).

Conventions, as in NumPy: eigenvalues ascend, singular values descend.  ``cholesky``, ``eigvalsh`` and
``eigvecs`` are functions of symmetric matrices: at an argument that is certainly not symmetric they
are undefined, and along a direction that is not symmetric they move with the symmetric part
``(A + Aᵀ)/2``.  Signs of eigenvectors are free, so here they follow from digits of the eigenpair that
no formula speaks of: what leans on a sign is refuted.  The singular vectors of one matrix go together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from flint import arb, arb_mat, arb_series, ctx, fmpq, fmpq_mat, fmpq_series

from symderive.errors import ShapeError, UnsupportedError
from symderive.judgement.elements import (
    ONE,
    ZERO,
    Element,
    Hole,
    Jet,
    Kink,
    Undefined,
    Unknown,
    as_ball,
    divide,
    exponential,
    join,
    logarithm,
    power,
    sign_of,
)

Vector = list[Element]
Matrix = list[list[Element]]

EXPANDED = 12
"""Matrices up to this size may have their determinant expanded by minors where no pivot is certain."""


# -- the last axis -------------------------------------------------------------------------------


def _total(values: Sequence[Element]) -> Element:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _logsumexp(x: Vector) -> Element:
    return logarithm(_total([exponential(v) for v in x]))


def _softmax(x: Vector) -> Vector:
    e = [exponential(v) for v in x]
    inverse = divide(ONE, _total(e))
    return [v * inverse for v in e]


def _log_softmax(x: Vector) -> Vector:
    total = _logsumexp(x)
    return [v - total for v in x]


def _prod(x: Vector) -> Element:
    result = x[0]
    for value in x[1:]:
        result = result * value
    return result


def _lead(value: Element) -> Element:
    return value.lead if isinstance(value, Jet) else value


def _compared(x: Vector) -> tuple[Element, list[int | None]]:
    """A largest entry, and whether each entry is less (1), as large (0), or that is open (None)."""
    top = x[0]
    for value in x[1:]:
        sign = sign_of(value - top)
        if sign == 1 or (sign is None and as_ball(_lead(value)).mid() > as_ball(_lead(top)).mid()):
            top = value
    signs = [0 if v is top else sign_of(top - v) for v in x]
    return top, [None if sign == -1 else sign for sign in signs]


def _max(x: Vector) -> Element:
    hole = join(*x)
    if hole is not None:
        return hole
    top, signs = _compared(x)
    near = [v for v, sign in zip(x, signs, strict=True) if sign != 1]
    if not any(isinstance(v, Jet) for v in near):
        if all(sign is not None for sign in signs):
            return top
        ball = as_ball(top)
        for value in near:
            ball = ball.max(as_ball(value))
        return ball if ball.is_finite() else Unknown("the value is out of range")
    if None in signs:
        return Unknown("which entry is the largest")
    if all(v is top or _vanishes(v - top) for v in near):
        return top
    return Kink("two entries are the largest")


def _vanishes(value: Element) -> bool:
    """Whether an element is 0, a series as far as it is known."""
    return all(c == 0 for c in value.series) if isinstance(value, Jet) else _is_zero(value)


def _is_max(x: Vector) -> Vector:
    hole = join(*x)
    if hole is not None:
        return [hole] * len(x)
    _, signs = _compared(x)
    near = [v for v, sign in zip(x, signs, strict=True) if sign != 1]
    tied: Element = ONE
    if None in signs:
        tied = Unknown("which entry is the largest")
    elif len(near) > 1 and any(isinstance(v, Jet) for v in near):
        tied = Kink("two entries are the largest")
    return [ZERO if sign == 1 else tied for sign in signs]


def _negative(x: Vector) -> Vector:
    return [-v for v in x]


# -- elimination -----------------------------------------------------------------------------------


def _size(value: Element) -> arb:
    return abs(as_ball(_lead(value)).mid())


def _pivot(a: Matrix, start: int) -> tuple[int, int] | None:
    """The place of the largest certain non-zero entry of the trailing block."""
    best: tuple[int, int] | None = None
    size = arb(0)
    for i in range(start, len(a)):
        for j in range(start, len(a)):
            if sign_of(a[i][j]) in (1, -1) and (best is None or _size(a[i][j]) > size):
                best, size = (i, j), _size(a[i][j])
    return best


def _is_zero(value: Element) -> bool:
    """Whether a plain element is exactly 0; a series that is 0 at first may move."""
    return not isinstance(value, Jet) and sign_of(value) == 0


def _singular(a: Matrix, start: int) -> bool:
    """Whether the trailing block, which has no certain pivot, is certainly 0 at the point."""
    return all(sign_of(a[i][j]) == 0 for i in range(start, len(a)) for j in range(start, len(a)))


def _swap(a: Matrix, start: int, place: tuple[int, int]) -> int:
    """Bring an entry to the diagonal; the sign that a determinant takes by it."""
    i, j = place
    sign = 1
    if i != start:
        a[start], a[i] = a[i], a[start]
        sign = -sign
    if j != start:
        for row in a:
            row[start], row[j] = row[j], row[start]
        sign = -sign
    return sign


def _inverse(a: Matrix) -> Matrix | Hole:
    """Gauss and Jordan's elimination; certain pivots only."""
    n = len(a)
    a = [row + [ONE if i == j else ZERO for j in range(n)] for i, row in enumerate(a)]
    columns = list(range(n))
    for k in range(n):
        place = _pivot(a, k)
        if place is None:
            if _singular(a, k):
                return Undefined("the inverse of a singular matrix")
            return Unknown("whether a matrix is singular")
        i, j = place
        a[k], a[i] = a[i], a[k]
        for row in a:
            row[k], row[j] = row[j], row[k]
        columns[k], columns[j] = columns[j], columns[k]
        inverse = divide(ONE, a[k][k])
        a[k] = [v if _is_zero(v) else v * inverse for v in a[k]]
        for r in range(n):
            if r != k and not _is_zero(a[r][k]):
                factor = a[r][k]
                a[r] = [x if _is_zero(y) else x - factor * y for x, y in zip(a[r], a[k], strict=True)]
    result: Matrix = [[]] * n
    for k, column in enumerate(columns):
        result[column] = a[k][n:]
    return result


def _determinant(a: Matrix) -> Element:
    """By elimination while a pivot is certain, the rest by minors, which divides by nothing."""
    n = len(a)
    a = [list(row) for row in a]
    result: Element = ONE
    for k in range(n):
        place = _pivot(a, k)
        if place is None:
            return result * _minors([row[k:] for row in a[k:]])
        if _swap(a, k, place) < 0:
            result = -result
        pivot = a[k][k]
        result = result * pivot
        for r in range(k + 1, n):
            if not _is_zero(a[r][k]):
                factor = divide(a[r][k], pivot)
                a[r] = [x - factor * y for x, y in zip(a[r], a[k], strict=True)]
    return result


def _minors(a: Matrix) -> Element:
    """The determinant by minors: row by row, one for each set of columns."""
    n = len(a)
    if all(_is_zero(v) for row in a for v in row):
        return ZERO
    if n > EXPANDED:
        return Unknown(f"the determinant of a matrix of size {n} that may be singular")
    done: dict[int, Element] = {0: ONE}
    for row in a:
        wider: dict[int, Element] = {}
        for used, minor in done.items():
            for j in range(n):
                if used >> j & 1 or _is_zero(row[j]):
                    continue
                # as many exchanges as used columns stand to the right
                part = minor * row[j]
                part = -part if (used >> j).bit_count() % 2 else part
                both = used | 1 << j
                wider[both] = wider[both] + part if both in wider else part
        done = wider
    return done.get((1 << n) - 1, ZERO)


def _inv(a: Matrix) -> Matrix:
    result = _inverse(a)
    return [[result] * len(a) for _ in a] if isinstance(result, Hole) else result


def _sign(value: Element) -> Element:
    if isinstance(value, Hole):
        return value
    sign = sign_of(value)
    if sign is None:
        return Unknown("the sign of a determinant that may be 0")
    if sign == 0 and isinstance(value, Jet):
        return Kink("the sign of a determinant that is 0")
    return fmpq(sign)


def _signdet(a: Matrix) -> Element:
    return _sign(_determinant(a))


def _logabsdet(a: Matrix) -> Element:
    value = _determinant(a)
    if isinstance(value, Hole):
        return value
    sign = sign_of(value)
    if sign is None:
        return Unknown("the logarithm of a determinant that may be 0")
    return logarithm(-value if sign < 0 else value)


# -- symmetric matrices ------------------------------------------------------------------------------


def _symmetric(a: Matrix, what: str) -> Matrix | Hole:
    """The symmetric part (A + Aᵀ)/2 of a matrix whose value is not certainly without symmetry."""
    half = fmpq(1, 2)
    part = [list(row) for row in a]
    for i in range(len(a)):
        for j in range(i):
            if a[i][j] is a[j][i]:
                continue
            if sign_of(a[i][j] - a[j][i]) in (1, -1):
                return Undefined(f"{what} of a matrix that is not symmetric")
            part[i][j] = part[j][i] = half * (a[i][j] + a[j][i])
    return part


def _cholesky(a: Matrix) -> Matrix:
    n = len(a)
    part = _symmetric(a, "the Cholesky factor")
    if isinstance(part, Hole):
        return [[part] * n for _ in range(n)]
    factor: Matrix = [[ZERO] * n for _ in range(n)]
    for j in range(n):
        rest = part[j][j]
        for k in range(j):
            rest = rest - factor[j][k] * factor[j][k]
        sign = sign_of(rest)
        if sign != 1:
            hole = (
                Unknown("whether a matrix is positive definite")
                if sign is None
                else Undefined("the Cholesky factor of a matrix that is not positive definite")
            )
            return [[hole] * n for _ in range(n)]
        factor[j][j] = power(rest, fmpq(1, 2))
        for i in range(j + 1, n):
            rest = part[i][j]
            for k in range(j):
                rest = rest - factor[i][k] * factor[j][k]
            factor[i][j] = divide(rest, factor[j][j])
    return factor


@dataclass(frozen=True)
class _Spectrum:
    """Eigenvalues, ascending, whether each is simple (None where that is open), and an exact matrix."""

    values: tuple[Element, ...]
    simple: tuple[bool | None, ...]
    exact: tuple[fmpq, ...] = ()


def _spectrum(a: Matrix) -> _Spectrum | Hole:
    """The eigenvalues of a symmetric matrix of plain elements."""
    n = len(a)
    exact = [[_exact(v) for v in row] for row in a]
    if all(v is not None for row in exact for v in row):
        return _exact_spectrum(tuple(v for row in exact for v in row), n, ctx.prec)
    try:
        balls = arb_mat([[as_ball(v) for v in row] for row in a])
        try:
            found = balls.eig()
        except ValueError:
            found = balls.eig(multiple=True)
    except ValueError:
        return Unknown("the eigenvalues at this precision")
    # the eigenvalues are real, so their real parts are they; the k-th of them lies between the
    # k-th lowest lower end and the k-th lowest upper end
    lower = sorted((v.real.lower() for v in found), key=_Mid)
    upper = sorted((v.real.upper() for v in found), key=_Mid)
    values = tuple(low.union(high) for low, high in zip(lower, upper, strict=True))
    if not all(v.is_finite() for v in values):
        return Unknown("the eigenvalues at this precision")
    apart = [bool(values[k] < values[k + 1]) for k in range(n - 1)]
    simple = tuple(True if all(apart[max(k - 1, 0) : k + 1]) else None for k in range(n))
    return _Spectrum(values, simple)


class _Mid:
    """An order of elements by their midpoints, which is total."""

    def __init__(self, value: Element) -> None:
        self.mid = as_ball(value).mid()

    def __lt__(self, other: _Mid) -> bool:
        return bool(self.mid < other.mid)


def _exact(value: Element) -> fmpq | None:
    """The rational that a plain element is exactly, if it is one."""
    if type(value) is fmpq:
        return value
    if not value.is_exact():
        return None
    mantissa, exponent = value.man_exp()
    if abs(int(exponent)) > 4 * ctx.prec:
        return None
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


@lru_cache(maxsize=256)
def _exact_spectrum(entries: tuple[fmpq, ...], n: int, bits: int) -> _Spectrum | Hole:
    """Eigenvalues as roots of the characteristic polynomial: ties are double roots; kept by precision."""
    matrix = fmpq_mat([list(entries[n * i : n * i + n]) for i in range(n)])
    roots: list[tuple[Element, int]] = []
    for part, times in matrix.charpoly().factor()[1]:
        if part.degree() == 1:
            roots.append((-fmpq(part[0]) / fmpq(part[1]), times))
        else:
            roots += [(root.real, times) for root, _ in part.complex_roots()]  # pyright: ignore[reportGeneralTypeIssues]
    roots.sort(key=lambda root: _Mid(root[0]))
    if not all(sign_of(b[0] - a[0]) == 1 for a, b in pairwise(roots)):
        return Unknown("the order of two eigenvalues")
    values = tuple(root for root, times in roots for _ in range(times))
    return _Spectrum(values, tuple(times == 1 for _, times in roots for _ in range(times)), entries)


def _null_vector(a: Matrix) -> Vector | Hole:
    """A vector that a matrix of rank n - 1 sends to 0: elimination with n - 1 certain pivots."""
    n = len(a)
    a = [list(row) for row in a]
    columns = list(range(n))
    for k in range(n - 1):
        place = _pivot(a, k)
        if place is None:
            return Unknown("the eigenvector at this precision")
        columns[k], columns[place[1]] = columns[place[1]], columns[k]
        _swap(a, k, place)
        for r in range(k + 1, n):
            if not _is_zero(a[r][k]):
                factor = divide(a[r][k], a[k][k])
                a[r] = [x - factor * y for x, y in zip(a[r], a[k], strict=True)]
    # what is left of the last row is 0, as the matrix has no inverse
    solution: Vector = [ZERO] * (n - 1) + [ONE]
    for k in reversed(range(n - 1)):
        rest = _total([a[k][j] * solution[j] for j in range(k + 1, n)])
        solution[k] = divide(-rest, a[k][k])
    vector: Vector = [ZERO] * n
    for k, column in enumerate(columns):
        vector[column] = solution[k]
    return next((v for v in vector if isinstance(v, Hole)), vector)


def _unit(x: Vector, value: Element) -> Vector | Hole:
    """A multiple of length 1 of an eigenvector.

    Its sign is the same however the eigenvector was computed, and else as good as drawn.
    """
    inverse = divide(ONE, power(_total([v * v for v in x]), fmpq(1, 2)))
    if isinstance(inverse, Hole):
        return inverse
    unit = [v * inverse for v in x]
    entry = next((v for v in unit if sign_of(v) in (1, -1)), None)
    if entry is None:
        return Unknown("the sign of an eigenvector at this precision")
    # odd numbers, so that the simple values of examples are not near a step
    digits = (abs(as_ball(_lead(entry))) + abs(as_ball(value))) * 10137219 / 100000 + arb(123) / 1000
    whole = digits.mid().floor().unique_fmpz()
    turned = (sign_of(entry) == -1) != (whole is not None and int(whole) % 2 == 1)
    return [-v for v in unit] if turned else unit


def _terms(a: Matrix) -> int:
    """How many terms of the series in a matrix are known."""
    return min((v.series.prec for row in a for v in row if isinstance(v, Jet)), default=0)


def _coefficients(a: Matrix, order: int) -> Matrix:
    def part(value: Element) -> Element:
        if isinstance(value, Jet):
            return value.series[order]
        return value if order == 0 else ZERO

    return [[part(v) for v in row] for row in a]


def _jet(coefficients: Sequence[Element]) -> Element:
    kind = fmpq_series if all(type(c) is fmpq for c in coefficients) else arb_series
    return Jet(kind(list(coefficients), prec=len(coefficients)))


@dataclass(frozen=True)
class _Pairs:
    """Eigenvalues, ascending, and the eigenvectors in the same order; holes where there is none."""

    values: Vector
    vectors: list[Vector]


def _pairs(a: Matrix, want_vectors: bool) -> _Pairs | Hole:
    """Eigenvalues and orthonormal eigenvectors of a symmetric matrix of plain elements or series."""
    n = len(a)
    terms = _terms(a)
    lead = _coefficients(a, 0)
    spectrum = _spectrum(lead)
    if isinstance(spectrum, Hole):
        return spectrum
    pairs = [_pair(a, lead, spectrum, k, terms, want_vectors) for k in range(n)]
    return _Pairs([value for value, _ in pairs], [vector for _, vector in pairs])


def _pair(
    a: Matrix, lead: Matrix, spectrum: _Spectrum, k: int, terms: int, want_vectors: bool
) -> tuple[Element, Vector]:
    """The k-th eigenvalue and its eigenvector."""
    n, value, simple = len(a), spectrum.values[k], spectrum.simple[k]
    if not terms and not want_vectors:
        return value, []
    base = _base(lead, spectrum, k) if simple else _NOT_SIMPLE[simple]
    if isinstance(base, Hole):
        return (base if terms else value), [base] * n
    continued, vector = value, base.start
    if terms:
        moved = _continued(a, base, terms)
        if isinstance(moved, Hole):
            return moved, [moved] * n
        continued, vector = moved
    if not want_vectors:
        return continued, []
    unit = _unit(vector, value)
    return continued, ([unit] * n if isinstance(unit, Hole) else unit)


_NOT_SIMPLE = {
    None: Unknown("whether an eigenvalue is simple"),
    False: Kink("an eigenvalue that is not simple"),
}


@dataclass(frozen=True)
class _Base:
    """A simple eigenvalue, an eigenvector of any length, and the inverse of [[A - λ, -x], [xᵀ, 0]]."""

    value: Element
    start: Vector
    inverse: Matrix | Hole


def _base(lead: Matrix, spectrum: _Spectrum, k: int) -> _Base | Hole:
    if spectrum.exact:
        return _exact_base(spectrum.exact, len(lead), k, ctx.prec)
    return _regular(lead, spectrum.values[k])


@lru_cache(maxsize=256)
def _exact_base(entries: tuple[fmpq, ...], n: int, k: int, bits: int) -> _Base | Hole:
    """Kept by precision: the matrix moves along many directions from one place."""
    spectrum = _exact_spectrum(entries, n, bits)
    if isinstance(spectrum, Hole):
        return spectrum
    return _regular([list(entries[n * i : n * i + n]) for i in range(n)], spectrum.values[k])


def _regular(lead: Matrix, value: Element) -> _Base | Hole:
    shifted = [[v - value if i == j else v for j, v in enumerate(row)] for i, row in enumerate(lead)]
    start = _null_vector(shifted)
    if isinstance(start, Hole):
        return start
    bordered = [[*row, -x] for row, x in zip(shifted, start, strict=True)] + [[*start, ZERO]]
    return _Base(value, start, _inverse(bordered))


def _continued(a: Matrix, base: _Base, terms: int) -> tuple[Element, Vector] | Hole:
    """The eigenvalue and the eigenvector as series, where the matrix moves."""
    if isinstance(base.inverse, Hole):
        return Unknown("the eigenvector at this precision")
    n = len(a)
    parts = [
        [(i, j, v) for i, row in enumerate(_coefficients(a, k)) for j, v in enumerate(row) if not _is_zero(v)]
        for k in range(terms)
    ]
    xs, values = [base.start], [base.value]
    for k in range(1, terms):
        right: Vector = [ZERO] * (n + 1)
        for j in range(1, k + 1):
            for i, p, v in parts[j]:
                right[i] = right[i] - v * xs[k - j][p]
            if j < k:
                for i in range(n):
                    right[i] = right[i] + values[j] * xs[k - j][i]
        solved = [_total([c * r for c, r in zip(row, right, strict=True)]) for row in base.inverse]
        xs.append(solved[:n])
        values.append(solved[n])
    return _jet(values), [_jet([x[i] for x in xs]) for i in range(n)]


def _eigvalsh(a: Matrix) -> Vector:
    part = _symmetric(a, "the eigenvalues")
    pairs = part if isinstance(part, Hole) else _pairs(part, want_vectors=False)
    return [pairs] * len(a) if isinstance(pairs, Hole) else pairs.values


def _eigvecs(a: Matrix) -> Matrix:
    part = _symmetric(a, "the eigenvectors")
    pairs = part if isinstance(part, Hole) else _pairs(part, want_vectors=True)
    if isinstance(pairs, Hole):
        return [[pairs] * len(a) for _ in a]
    return _transposed(pairs.vectors)


# -- singular values ------------------------------------------------------------------------------


def _transposed(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def _times(a: Matrix, x: Vector) -> Vector:
    return [_total([v * w for v, w in zip(row, x, strict=True)]) for row in a]


def _gram(a: Matrix) -> Matrix:
    """A Aᵀ, whose two halves are the same objects."""
    gram: Matrix = [[ZERO] * len(a) for _ in a]
    for i, row in enumerate(a):
        for j in range(i + 1):
            gram[i][j] = gram[j][i] = _total([x * y for x, y in zip(row, a[j], strict=True)])
    return gram


@dataclass(frozen=True)
class _Svd:
    """Singular values, descending, and the singular vectors of each side in the same order."""

    values: Vector
    left: list[Vector]
    right: list[Vector]


def _svd(a: Matrix, want_vectors: bool) -> _Svd | Hole:
    """Through the smaller of AᵀA and AAᵀ; at a singular value of 0 the vectors are not unique."""
    wide = len(a) < len(a[0])
    rows = a if wide else _transposed(a)  # as many as there are singular values
    pairs = _pairs(_gram(rows), want_vectors)
    if isinstance(pairs, Hole):
        return pairs
    values: Vector = []
    one: list[Vector] = []
    other: list[Vector] = []
    for k in reversed(range(len(rows))):
        value = _root(pairs.values[k])
        values.append(value)
        if not want_vectors:
            continue
        if not isinstance(value, Hole) and sign_of(value) == 0:
            value = Kink("the singular vectors of a singular value that is 0")
        if isinstance(value, Hole):
            one.append([value] * len(rows))
            other.append([value] * len(rows[0]))
            continue
        inverse = divide(ONE, value)
        one.append(pairs.vectors[k])
        other.append([x * inverse for x in _times(_transposed(rows), pairs.vectors[k])])
    return _Svd(values, one if wide else other, other if wide else one)


def _root(value: Element) -> Element:
    """The singular value whose square is an eigenvalue that is known not to be negative."""
    if isinstance(value, Hole):
        return value
    sign = sign_of(value)
    if sign == 0:
        return Kink("a singular value that is 0") if isinstance(value, Jet) else ZERO
    return Unknown("whether a singular value is 0") if sign is None else power(value, fmpq(1, 2))


def _svdvals(a: Matrix) -> Vector:
    parts = _svd(a, want_vectors=False)
    return [parts] * min(len(a), len(a[0])) if isinstance(parts, Hole) else parts.values


def _svd_u(a: Matrix) -> Matrix:
    parts = _svd(a, want_vectors=True)
    if isinstance(parts, Hole):
        return [[parts] * min(len(a), len(a[0])) for _ in a]
    return _transposed(parts.left)


def _svd_vt(a: Matrix) -> Matrix:
    parts = _svd(a, want_vectors=True)
    if isinstance(parts, Hole):
        return [[parts] * len(a[0]) for _ in range(min(len(a), len(a[0])))]
    return parts.right


# -- batches ----------------------------------------------------------------------------------------

VECTOR_FUNCTIONS: dict[str, Callable[[Vector], Element | Vector]] = {
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "prod": _prod,
    "max": _max,
    "min": lambda x: -_max(_negative(x)),
    "is_max": _is_max,
    "is_min": lambda x: _is_max(_negative(x)),
}

MATRIX_FUNCTIONS: dict[str, Callable[[Matrix], Element | Vector | Matrix]] = {
    "inv": _inv,
    "det": _determinant,
    "logabsdet": _logabsdet,
    "signdet": _signdet,
    "cholesky": _cholesky,
    "eigvalsh": _eigvalsh,
    "eigvecs": _eigvecs,
    "svdvals": _svdvals,
    "svd_u": _svd_u,
    "svd_vt": _svd_vt,
}

_ANY_SHAPE = {"svdvals", "svd_u", "svd_vt"}


def apply(name: str, array: np.ndarray) -> np.ndarray:
    """An array function of the last axes of an object array of elements; the axes before are a batch.

    Has to be called inside ``with precision(bits, cap)``, with the ``cap`` of the series among the
    elements.  Where there is no value the entries are holes with the reason.  An unknown name raises
    `UnsupportedError`, a matrix that has to be square and is not `ShapeError`.

    >>> import numpy as np
    >>> from flint import fmpq
    >>> from symderive.judgement.elements import precision
    >>> with precision(64):
    ...     apply("inv", np.array([[fmpq(1), fmpq(2)], [fmpq(0), fmpq(4)]], dtype=object)).tolist()
    [[1, -1/2], [0, 1/4]]
    """
    taken = 1 if name in VECTOR_FUNCTIONS else 2
    if taken == 2 and name not in MATRIX_FUNCTIONS:
        raise UnsupportedError(f"the judge cannot evaluate {name!r}")
    core = array.shape[array.ndim - taken :]
    if taken == 2 and name not in _ANY_SHAPE and core[0] != core[1]:
        raise ShapeError(f"{name} needs a square matrix, got the shape {core}")
    batch = array.shape[: array.ndim - taken]
    parts = {index: _one(name, array[index]) for index in np.ndindex(batch)}
    out = np.empty((*batch, *next(iter(parts.values())).shape), object)
    for index, part in parts.items():
        out[index] = part[()]
    return out


def _one(name: str, array: np.ndarray) -> np.ndarray:
    """The function of one vector or matrix."""
    if name in VECTOR_FUNCTIONS:
        return _array(VECTOR_FUNCTIONS[name](list(array)))
    hole = join(*array.reshape(-1))
    if hole is None:
        return _array(MATRIX_FUNCTIONS[name]([list(row) for row in array]))
    rows, columns = array.shape
    short = min(rows, columns)
    shapes = {"det": (), "logabsdet": (), "signdet": (), "eigvalsh": (rows,), "svdvals": (short,)}
    shapes |= {"svd_u": (rows, short), "svd_vt": (short, columns)}
    out = np.empty(shapes.get(name, (rows, columns)), object)
    out.fill(hole)
    return out


def _array(value: Element | Vector | Matrix) -> np.ndarray:
    """An object array; elements are laid in one by one, for some of them look like sequences."""
    if not isinstance(value, list):
        out = np.empty((), object)
        out[()] = value
        return out
    parts = [_array(v) for v in value]
    out = np.empty((len(parts), *parts[0].shape), object)
    for k, part in enumerate(parts):
        out[k] = part[()]
    return out


__all__ = ["MATRIX_FUNCTIONS", "VECTOR_FUNCTIONS", "apply"]
