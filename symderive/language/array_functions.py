"""Array functions as rows: log-sum-exp, maximum, inverse, determinant, eigenvalues, ...

A row says on how many last axes a function acts, how it is written in NumPy,
where it is defined, where it has no derivative, and its differential: the
first-order change of the value as an expression in the change of the argument.
Adjoints are read off the differential by transposing it, so a row states its
calculus once.  Balls are sent through by ``judgement``, which does not read
these rows.

Sources: Magnus & Neudecker, Matrix Differential Calculus, ch. 8 (determinant,
inverse, simple eigenvalues and eigenvectors); Giles, Collected matrix derivative
results for forward and reverse mode (2008), 2.1-2.3 and 3 (Cholesky factor,
singular values); Boyd & Vandenberghe, Convex Optimization, A.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Rational

from symderive.errors import UnknownNameError
from symderive.language import build
from symderive.language.nodes import ONE, Delta, Map, Node, Number, Opaque, Range
from symderive.language.symmetry import is_symmetric

Change = Callable[[Opaque, Node, Node], Node]
"""(the function's value as a node, its argument, the argument's change) -> the value's change."""


@dataclass(frozen=True)
class ArrayFunction:
    """One array function; see the module's text.

    ``numpy`` is a format of the argument; ``axis`` tells that the NumPy function
    takes ``axis=``; ``mask`` that the value changes in jumps alone.  ``requires`` names
    what the argument must be for the value to exist, ``kink`` what it must be for the
    derivative to exist besides.
    """

    name: str
    numpy: str
    rule: str
    differential: Change
    axis: bool = False
    requires: str = ""
    kink: str = ""
    mask: bool = False


def product(text: str, *nodes: Node, coefficient: Expr | int = 1) -> Node:
    """An einsum over the last axes of nodes that share their first axes (a batch).

    ``text`` is as NumPy's; the letters count the last axes, the batch is implied.
    """
    left, _, right = text.partition("->")
    parts = left.split(",")
    batch = nodes[0].rank - len(parts[0])
    letters = {c: batch + k for k, c in enumerate(dict.fromkeys(right + left.replace(",", "")))}
    dims: dict[int, Expr] = {}
    factors: list[tuple[Node, Sequence[int]]] = []
    for part, node in zip(parts, nodes, strict=True):
        own = node.rank - len(part)
        labels = [*range(own), *(letters[c] for c in part)]
        dims.update(zip(labels, node.shape, strict=True))
        factors.append((node, labels))
    out = [*range(batch), *(letters[c] for c in right)]
    return build.contract(coefficient, factors, out, dims)


def minus(a: Node, b: Node) -> Node:
    """a - b, of one shape."""
    return build.add([(ONE, a), (-ONE, b)], a.shape)


def _logsumexp(u: Opaque, x: Node, dx: Node) -> Node:
    return product("i,i->", build.opaque("softmax", x), dx)


def _softmax(u: Opaque, x: Node, dx: Node) -> Node:
    return minus(product("i,i->i", u, dx), product("i,j,j->i", u, u, dx))


def _log_softmax(u: Opaque, x: Node, dx: Node) -> Node:
    mean = product("i,i->", build.opaque("softmax", x), dx)
    return minus(dx, build.view(mean, range(mean.rank), x.shape))


def _prod(u: Opaque, x: Node, dx: Node) -> Node:
    return product("i,i,->", build.power(x, -1), dx, u)


def _selected(mask: str) -> Change:
    return lambda u, x, dx: product("i,i->", build.opaque(mask, x), dx)


def _none(u: Opaque, x: Node, dx: Node) -> Node:
    return build.zeros(u.shape)


def _inv(u: Opaque, x: Node, dx: Node) -> Node:
    return product("ij,jk,kl->il", u, dx, u, coefficient=-1)


def _det(u: Opaque, x: Node, dx: Node) -> Node:
    return product("ij,ji,->", build.opaque("inv", x), dx, u)


def _logabsdet(u: Opaque, x: Node, dx: Node) -> Node:
    return product("ij,ji->", build.opaque("inv", x), dx)


def symmetrised(x: Node) -> Node:
    """(x + x^T) / 2."""
    order = (*range(x.rank - 2), x.rank - 1, x.rank - 2)
    half = Rational(1, 2)
    return build.add([(half, x), (half, build.view(x, order, x.shape))], x.shape)


def _seen(x: Node, dx: Node) -> Node:
    """The change that a decomposition of symmetric matrices sees; entries are independent, so it may be any."""
    return dx if is_symmetric(x, frozenset(x.leaves())) else symmetrised(dx)


def _cholesky(u: Opaque, x: Node, dx: Node) -> Node:
    dx = _seen(x, dx)
    inverse = build.opaque("inv", u)
    inner = product("ij,jk,lk->il", inverse, dx, inverse)
    return product("ij,jk,jk->ik", u, inner, _lower_half(u.shape[-1]))


def _lower_half(size: Expr) -> Node:
    """1 below the diagonal, 1/2 on it, 0 above."""
    below = triangle(size, size, "lt")
    return build.add([(ONE, below), (Rational(1, 2), Delta(size))], (size, size))


def triangle(rows: Expr, columns: Expr, relation: str = "le", offset: Expr | int = 0) -> Node:
    """The mask ``j <= i + offset`` ("le") or ``j < i + offset`` ("lt") over rows i and columns j."""
    shape = (rows, columns)
    i = build.view(Range(rows), (0,), shape)
    j = build.view(Range(columns), (1,), shape)
    if offset != 0:
        i = build.add([(ONE, i), (ONE, Number(Integer(0) + offset))], shape)
    return Map(relation, (j, i))


def _eigvalsh(u: Opaque, x: Node, dx: Node) -> Node:
    v = build.opaque("eigvecs", x)
    return product("ai,ab,bi->i", v, dx, v)


def gaps(values: Node, *, squared: bool = False) -> Node:
    """The matrix v_j - v_i of a vector (of its squares), with 1 on the diagonal."""
    v = build.power(values, 2) if squared else values
    batch = tuple(range(v.rank - 1))
    size = v.shape[-1]
    shape = (*v.shape, size)
    i, j = v.rank - 1, v.rank
    unit = build.view(Delta(size), (i, j), shape)
    return build.add(
        [(ONE, build.view(v, (*batch, j), shape)), (-ONE, build.view(v, (*batch, i), shape)), (ONE, unit)], shape
    )


def _separated(values: Node, *, squared: bool = False) -> Node:
    """1 / (v_j - v_i) off the diagonal, 0 on it."""
    size = values.shape[-1]
    inverse = build.power(gaps(values, squared=squared), -1)
    unit = Delta(size)
    return minus(inverse, build.view(unit, (values.rank - 1, values.rank), inverse.shape))


def _eigvecs(u: Opaque, x: Node, dx: Node) -> Node:
    f = _separated(build.opaque("eigvalsh", x))
    return product("ai,ij,bi,bc,cj->aj", u, f, u, _seen(x, dx), u)


def _svdvals(u: Opaque, x: Node, dx: Node) -> Node:
    return product("ai,ab,ib->i", build.opaque("svd_u", x), dx, build.opaque("svd_vt", x))


def _svd_parts(x: Node) -> tuple[Node, Node, Node, Node]:
    s = build.opaque("svdvals", x)
    return build.opaque("svd_u", x), s, build.opaque("svd_vt", x), _separated(s, squared=True)


def _svd_u(node: Opaque, x: Node, dx: Node) -> Node:
    u, s, vt, f = _svd_parts(x)
    inverse = build.power(s, -1)
    turned = [
        (ONE, product("ai,ij,bi,bc,jc,j->aj", u, f, u, dx, vt, s)),
        (ONE, product("ai,ij,i,bj,bc,ic->aj", u, f, s, u, dx, vt)),
        (ONE, product("ac,jc,j->aj", dx, vt, inverse)),
        (-ONE, product("ai,bi,bc,jc,j->aj", u, u, dx, vt, inverse)),
    ]
    return build.add(turned, node.shape)


def _svd_vt(node: Opaque, x: Node, dx: Node) -> Node:
    u, s, vt, f = _svd_parts(x)
    inverse = build.power(s, -1)
    turned = [
        (ONE, product("ic,ij,i,bi,bd,jd->jc", vt, f, s, u, dx, vt)),
        (ONE, product("ic,ij,bj,bd,id,j->jc", vt, f, u, dx, vt, s)),
        (ONE, product("bc,bj,j->jc", dx, u, inverse)),
        (-ONE, product("ic,id,bd,bj,j->jc", vt, vt, dx, u, inverse)),
    ]
    return build.add(turned, node.shape)


ARRAY_FUNCTIONS: dict[str, ArrayFunction] = {
    row.name: row
    for row in (
        ArrayFunction("logsumexp", "sd.logsumexp({0})", "gradient of log-sum-exp: d log Σ exp(z) = <softmax(z), dz>",
                      _logsumexp, axis=True),
        ArrayFunction("softmax", "sd.softmax({0})", "derivative of softmax: ds = s·(dz - <s, dz>)",
                      _softmax, axis=True),
        ArrayFunction("log_softmax", "sd.log_softmax({0})", "derivative of log-softmax: d log s = dz - <s, dz>",
                      _log_softmax, axis=True),
        ArrayFunction("prod", "np.prod({0})", "derivative of a product: d Π x = Π x · Σ dx/x", _prod, axis=True),
        ArrayFunction("max", "np.max({0})", "derivative of a maximum: the change of the largest entry",
                      _selected("is_max"), axis=True, kink="one largest entry"),
        ArrayFunction("min", "np.min({0})", "derivative of a minimum: the change of the smallest entry",
                      _selected("is_min"), axis=True, kink="one smallest entry"),
        ArrayFunction("is_max", "({0} == np.max({0}))", "derivative of a mask: 0 off its boundary", _none,
                      axis=True, kink="one largest entry", mask=True),
        ArrayFunction("is_min", "({0} == np.min({0}))", "derivative of a mask: 0 off its boundary", _none,
                      axis=True, kink="one smallest entry", mask=True),
        ArrayFunction("inv", "np.linalg.inv({0})", "differential of the inverse: d(A^-1) = -A^-1 dA A^-1", _inv,
                      requires="invertible"),
        ArrayFunction("det", "np.linalg.det({0})", "Jacobi's formula: d det(A) = det(A) tr(A^-1 dA)", _det),
        ArrayFunction("logabsdet", "np.linalg.slogdet({0})[1]",
                      "differential of the log-determinant: d log|det(A)| = tr(A^-1 dA)", _logabsdet,
                      requires="invertible"),
        ArrayFunction("signdet", "np.linalg.slogdet({0})[0]", "the sign of a determinant changes only at 0", _none,
                      kink="invertible", mask=True),
        ArrayFunction("cholesky", "np.linalg.cholesky({0})",
                      "differential of the Cholesky factor: dL = L Φ(L^-1 dA L^-T), Φ the lower half", _cholesky,
                      requires="positive definite"),
        ArrayFunction("eigvalsh", "np.linalg.eigvalsh({0})",
                      "differential of a simple eigenvalue: dλ = v^T dA v", _eigvalsh, kink="simple eigenvalues"),
        ArrayFunction("eigvecs", "np.linalg.eigh({0})[1]",
                      "differential of eigenvectors: dV = V (F ∘ (V^T dA V)), F_ij = 1/(λ_j - λ_i) off the diagonal",
                      _eigvecs, kink="simple eigenvalues"),
        ArrayFunction("svdvals", "np.linalg.svd({0}, compute_uv=False)",
                      "differential of a simple singular value: dσ = u^T dA v", _svdvals,
                      kink="simple singular values"),
        ArrayFunction("svd_u", "np.linalg.svd({0}, full_matrices=False)[0]",
                      "differential of left singular vectors (Giles 2008, 3.1)", _svd_u,
                      kink="simple singular values"),
        ArrayFunction("svd_vt", "np.linalg.svd({0}, full_matrices=False)[2]",
                      "differential of right singular vectors (Giles 2008, 3.1)", _svd_vt,
                      kink="simple singular values"),
    )
}  # fmt: skip
"""All array functions."""


def array_function(name: str) -> ArrayFunction:
    """The row of an array function; an unknown name raises."""
    try:
        return ARRAY_FUNCTIONS[name]
    except KeyError:
        raise UnknownNameError(
            f"no array function named {name!r}; the rows are {', '.join(sorted(ARRAY_FUNCTIONS))}"
        ) from None


def change(u: Opaque, dx: Node) -> Node:
    """The change of an array function's value, given the change of its argument."""
    return array_function(u.function).differential(u, u.arguments[0], dx)
