"""Products and diagonals: matmul, dot, einsum, outer, trace, diag, kron, cross, convolve.

Most are Einstein summation over labelled axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from sympy import Expr

from symderive.errors import ShapeError, UnsupportedError
from symderive.language import build
from symderive.language.array_functions import product
from symderive.language.arrays import (
    ARRAY_FUNCTIONS,
    MASKS,
    Array,
    as_array,
    axes_of,
    elementary,
    linked,
    no_extras,
    shape_text,
    solid,
)
from symderive.language.joining import pad, stack
from symderive.language.nodes import ONE, Delta, Node, Number
from symderive.language.reductions import sum_
from symderive.language.reshaping import merged


def matmul(a: Array, b: Array) -> Array:
    """``np.matmul``: the product over the last axis of the first and the last but one of the second."""
    if not a.ndim or not b.ndim:
        raise ShapeError("matmul: a scalar has no matrix product; use *")
    left, right = a.dims[-1], b.dims[-2] if b.ndim > 1 else b.dims[0]
    if left != right:
        hint = ""
        if a.ndim == 2 and a.dims[0] == right:
            hint = "; the first one transposed (.T) would fit"
        elif b.ndim == 2 and b.dims[1] == left:
            hint = "; the second one transposed (.T) would fit"
        raise ShapeError(
            f"matmul: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit: {left} against {right}{hint}"
        )
    letters = iter(range(1000))
    inner = next(letters)
    a_labels = [*(next(letters) for _ in range(a.ndim - 1)), inner]
    b_labels: list[int]
    if b.ndim == 1:
        b_labels = [inner]
    else:
        b_labels = [*(next(letters) for _ in range(b.ndim - 2)), inner, next(letters)]
    batch_a = a_labels[:-2] if a.ndim > 1 else []
    batch_b = b_labels[:-2] if b.ndim > 1 else []
    out: list[int] = []
    for k in range(1, max(len(batch_a), len(batch_b)) + 1):
        if k <= len(batch_a) and k <= len(batch_b):
            size_a, size_b = a.dims[a.ndim - 2 - k], b.dims[b.ndim - 2 - k]
            if size_a == size_b:
                b_labels[len(batch_b) - k] = a_labels[len(batch_a) - k]
                out.insert(0, a_labels[len(batch_a) - k])
            elif size_a == 1 or size_b == 1:
                out.insert(0, b_labels[len(batch_b) - k] if size_a == 1 else a_labels[len(batch_a) - k])
            else:
                raise ShapeError(f"matmul: batch dimensions {size_a} and {size_b} do not broadcast")
        else:
            out.insert(0, a_labels[len(batch_a) - k] if k <= len(batch_a) else b_labels[len(batch_b) - k])
    if a.ndim > 1:
        out.append(a_labels[-2])
    if b.ndim > 1:
        out.append(b_labels[-1])
    return contract([(a, a_labels), (b, b_labels)], out)


def contract(operands: Sequence[tuple[Array, Sequence[int]]], out: Sequence[int]) -> Array:
    """Einstein summation over labelled views; labels of size-1 view axes drop away."""
    summed = {x for _, labels in operands for x in labels} - set(out)
    if summed and len(operands) > 1 and all(a.kind == "b" for a, _ in operands):
        raise UnsupportedError(MASKS)
    sizes: dict[int, Expr] = {}
    for a, labels in operands:
        for axis, label in zip(a.axes, labels, strict=True):
            if axis is None:
                continue
            size = a.node.shape[axis]
            if label in sizes and sizes[label] != size and 1 not in (sizes[label], size):
                raise ShapeError(f"one index stands for two dimensions: {sizes[label]} and {size}")
            if label not in sizes or sizes[label] == 1:
                sizes[label] = size
    fresh = max([*sizes, *(x for _, ls in operands for x in ls), *out], default=0) + 1
    factors: list[tuple[Node, list[int]]] = []
    for a, labels in operands:
        node_labels = [0] * a.node.rank
        for axis, label in zip(a.axes, labels, strict=True):
            if axis is None:
                continue
            if a.node.shape[axis] != sizes[label]:
                label, fresh = fresh, fresh + 1
                sizes[label] = ONE
            node_labels[axis] = label
        factors.append((a.node, node_labels))
    real_out = [label for label in out if label in sizes]
    node = build.contract(ONE, factors, real_out, sizes)
    return Array(node, tuple(real_out.index(x) if x in sizes else None for x in out))


def dot(a: Any, b: Any, out: Any = None) -> Array:
    """``np.dot``."""
    no_extras("np.dot", out=out)
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2:
        return matmul(a, b)
    left, right = a.dims[-1], b.dims[-2]
    if left != right:
        raise ShapeError(f"dot: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit")
    la = list(range(a.ndim))
    lb = [a.ndim + k for k in range(b.ndim)]
    lb[-2] = la[-1]
    return contract([(a, la), (b, lb)], [*la[:-1], *lb[:-2], lb[-1]])


def inner(a: Any, b: Any) -> Array:
    """``np.inner``: sum over the last axes."""
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.dims[-1] != b.dims[-1]:
        raise ShapeError(f"inner: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit")
    la = list(range(a.ndim))
    lb = [*range(a.ndim, a.ndim + b.ndim - 1), la[-1]]
    return contract([(a, la), (b, lb)], [*la[:-1], *lb[:-1]])


def outer(a: Any, b: Any, out: Any = None) -> Array:
    """``np.outer`` of vectors."""
    no_extras("np.outer", out=out)
    a, b = as_array(a), as_array(b)
    if a.ndim > 1 or b.ndim > 1:
        raise UnsupportedError("np.outer flattens matrices; use np.einsum to say which axes you mean")
    a = a if a.ndim else a[None]
    b = b if b.ndim else b[None]
    return a[:, None] * b[None, :]


def vdot(a: Any, b: Any) -> Array:
    """``np.vdot``: the sum of the products of all entries."""
    a, b = as_array(a), as_array(b)
    if a.dims != b.dims:
        raise ShapeError(f"vdot: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} differ")
    return sum_(a * b)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    """``np.tensordot``."""
    a, b = as_array(a), as_array(b)
    if isinstance(axes, int):
        pairs = list(zip(range(a.ndim - axes, a.ndim), range(axes), strict=True))
    else:
        first, second = (x if isinstance(x, tuple | list) else (x,) for x in axes)
        pairs = [(i % a.ndim, j % b.ndim) for i, j in zip(first, second, strict=True)]
    la, lb = list(range(a.ndim)), [a.ndim + k for k in range(b.ndim)]
    for i, j in pairs:
        if a.dims[i] != b.dims[j]:
            raise ShapeError(f"tensordot: the shapes {shape_text(a.dims)} and {shape_text(b.dims)} do not fit")
        lb[j] = la[i]
    used_a, used_b = {i for i, _ in pairs}, {j for _, j in pairs}
    out = [x for i, x in enumerate(la) if i not in used_a] + [x for j, x in enumerate(lb) if j not in used_b]
    return contract([(a, la), (b, lb)], out)


def einsum(subscripts: Any, *operands: Any, optimize: Any = None, out: Any = None, **extras: Any) -> Array:
    """``np.einsum`` with subscripts as one text, ``...`` included."""
    no_extras("np.einsum", out=out, **extras)
    if not isinstance(subscripts, str):
        raise UnsupportedError("np.einsum is read with its subscripts as one text, e.g. 'ij,j->i'")
    text = subscripts.replace(" ", "")
    arrays = [as_array(o) for o in operands]
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(arrays):
        raise ShapeError(f"einsum: {subscripts!r} names {len(parts)} operands, got {len(arrays)}")
    letters: dict[str, int] = {}
    dots: list[int] = []

    def label(letter: str) -> int:
        if not letter.isalpha():
            raise ShapeError(f"einsum: {letter!r} in {subscripts!r} is not a letter")
        return letters.setdefault(letter, 100 + len(letters))

    labelled: list[tuple[Array, list[int]]] = []
    for part, a in zip(parts, arrays, strict=True):
        before, ellipsis, after = part.partition("...")
        free = a.ndim - len(before) - len(after)
        if free < 0 or (free and not ellipsis):
            raise ShapeError(f"einsum: {part!r} does not fit the shape {shape_text(a.dims)}")
        if free > len(dots):
            dots = list(range(50 - free, 50))
        middle = list(range(50 - free, 50))
        labelled.append((a, [*(label(c) for c in before), *middle, *(label(c) for c in after)]))
    used = [c for c in left if c.isalpha()]
    if arrow:
        before, ellipsis, after = right.partition("...")
        for c in before + after:
            if c not in letters:
                raise ShapeError(f"einsum: the output index {c!r} is in no operand of {subscripts!r}")
        if len(set(before + after)) != len(before + after):
            raise ShapeError(f"einsum: an output index is repeated in {subscripts!r}")
        result = [*(letters[c] for c in before), *(dots if ellipsis else []), *(letters[c] for c in after)]
    else:
        result = [*dots, *(letters[c] for c in sorted(set(used)) if used.count(c) == 1)]
    return contract(labelled, result)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Array:
    """``np.trace``: the sum along a diagonal."""
    no_extras("np.trace", dtype=dtype, out=out)
    return sum_(diagonal(a, offset, axis1, axis2), axis=-1)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """``np.diagonal`` of square matrices, or of matrices of fixed size; it becomes the last axis."""
    a = as_array(a)
    if a.ndim < 2:
        raise ShapeError(f"a diagonal needs a matrix, got shape {shape_text(a.dims)}")
    i, j = axes_of(a, (axis1, axis2), "np.diagonal")
    rows, columns = a.dims[i], a.dims[j]
    keys: list[slice] = [slice(None)] * a.ndim
    if rows == columns:
        count = rows - abs(offset)
    elif rows.is_Integer and columns.is_Integer:
        count = min(rows + min(offset, 0), columns - max(offset, 0))
    else:
        raise ShapeError(f"the diagonal is read of square matrices, got the shape {shape_text(a.dims)}")
    if count.is_nonpositive:
        raise ShapeError(f"the diagonal with offset {offset} of the shape {shape_text(a.dims)} is empty")
    for axis, start in ((i, max(-offset, 0)), (j, max(offset, 0))):
        if start or count != a.dims[axis]:
            keys[axis] = slice(start, Array(Number(start + count)))
    square = a[tuple(keys)]
    labels = list(range(a.ndim))
    labels[j] = labels[i]
    out = [k for k in range(a.ndim) if k not in (i, j)]
    return linked(contract([(square, labels)], [*out, labels[i]]), a)


def diag(v: Any, k: int = 0) -> Array:
    """``np.diag``: a matrix with a vector on its k-th diagonal, or the k-th diagonal of a matrix."""
    v = as_array(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"np.diag needs a vector or a matrix, got shape {shape_text(v.dims)}")
    main = contract([(v, [0]), (Array(Delta(v.dims[0])), [0, 1])], [0, 1])
    return main if k == 0 else pad(main, ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0))))


def chain_product(arrays: Iterable[Any]) -> Array:
    """``np.linalg.multi_dot``: the matrix product of several arrays, from the left."""
    first, *rest = [as_array(a) for a in arrays]
    for other in rest:
        first = first @ other
    return first


def kron(a: Any, b: Any) -> Array:
    """``np.kron``: the Kronecker product of two matrices, or of two vectors."""
    a, b = as_array(a), as_array(b)
    if a.ndim != b.ndim or a.ndim not in (1, 2):
        raise UnsupportedError(
            f"np.kron is read for two matrices or two vectors, got {shape_text(a.dims)} and {shape_text(b.dims)}"
        )
    x, y = solid(a), solid(b)
    if a.ndim == 1:
        return Array(merged(product("i,j->ij", x, y), 0))
    return Array(merged(merged(product("ij,kl->ikjl", x, y), 0), 1))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Array:
    """``np.cross`` of vectors of three entries, on the last axes."""
    a, b = as_array(a), as_array(b)
    if any(k not in (-1, x.ndim - 1) for k, x in ((axisa, a), (axisb, b))) or axisc != -1 or axis not in (None, -1):
        raise UnsupportedError("np.cross is read on the last axes; transpose first")
    if any(not x.ndim or x.dims[-1] != 3 for x in (a, b)):
        raise ShapeError(f"np.cross needs vectors of 3 entries, got {shape_text(a.dims)} and {shape_text(b.dims)}")
    x, y = [a[..., k] for k in range(3)], [b[..., k] for k in range(3)]
    return stack([x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=-1)


def polyval(p: Any, x: Any) -> Array:
    """``np.polyval``: a polynomial with a fixed number of coefficients, the highest power first."""
    coefficients = as_array(p)
    if coefficients.ndim != 1 or not coefficients.dims[0].is_Integer:
        raise UnsupportedError("np.polyval is read for a fixed number of coefficients")
    x = as_array(x)
    degree = int(coefficients.dims[0]) - 1
    total = coefficients[degree]
    for k in reversed(range(degree)):
        total = coefficients[k] * elementary("power", x, degree - k) + total
    return total


def convolve(a: Any, v: Any, mode: str = "full") -> Array:
    """``np.convolve`` of two vectors, one of them of fixed length: a sum of shifted multiples."""
    x, w = as_array(a), as_array(v)
    if x.ndim != 1 or w.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ShapeError(f"np.convolve needs two vectors, got {shape_text(x.dims)} and {shape_text(w.dims)}")
    if not w.dims[0].is_Integer or (x.dims[0].is_Integer and x.dims[0] < w.dims[0]):
        x, w = w, x
    if not w.dims[0].is_Integer or w.dims[0] > MAX_TAPS:
        raise UnsupportedError(
            f"np.convolve is read where one of the vectors has a fixed length of at most {MAX_TAPS}, got "
            f"{shape_text(x.dims)} and {shape_text(w.dims)}"
        )
    count = int(w.dims[0])
    if mode == "valid":
        parts = [w[j] * x[count - 1 - j : -j if j else None] for j in range(count)]
        return reduce(add, parts)
    whole = reduce(add, [w[j] * pad(x, (j, count - 1 - j)) for j in range(count)])
    start = (count - 1) // 2
    return whole if mode == "full" or count == 1 else whole[start : start - (count - 1) or None]


MAX_TAPS = 64

_LATER = {
    "trace": lambda x, /, *, offset=0, dtype=None: trace(x, offset, -2, -1, dtype),
    "outer": outer,
    "matmul": lambda a, b: matmul(as_array(a), as_array(b)),
    "tensordot": lambda a, b, /, *, axes=2: tensordot(a, b, axes),
    "vecdot": lambda a, b, /, *, axis=-1: sum_(as_array(a) * as_array(b), axis=axis),
    "cross": lambda a, b, /, *, axis=-1: cross(a, b, axis=axis),
    "diagonal": lambda x, /, *, offset=0: diagonal(x, offset, -2, -1),
}
"""Functions of np.linalg that some versions of NumPy do not have."""

ARRAY_FUNCTIONS.update(
    {
        np.dot: dot,
        np.inner: inner,
        np.outer: outer,
        np.vdot: vdot,
        np.tensordot: tensordot,
        np.einsum: einsum,
        np.trace: trace,
        np.diag: diag,
        np.diagonal: diagonal,
        np.diagflat: lambda v, k=0: diag(as_array(v).reshape(-1), k),
        np.kron: kron,
        np.cross: cross,
        np.polyval: polyval,
        np.convolve: convolve,
        np.linalg.multi_dot: chain_product,
        **{getattr(np.linalg, name): make for name, make in _LATER.items() if hasattr(np.linalg, name)},
    }
)
