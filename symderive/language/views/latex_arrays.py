r"""Functions of whole arrays in LaTeX, as rows: ``A^{-1}``, ``\det A``, ``\lambda_{\max}(S)``, ``\max_i x_i``.

Each row says how a function is written as a scalar, a column or a matrix, and how
by its entries.  Conventions: eigenvalues are counted upwards (the first is
:math:`\lambda_{\min}`), singular values downwards; :math:`\boldsymbol{\lambda}(S)` and
:math:`\boldsymbol{\sigma}(X)` are all of them, :math:`V(S)` and :math:`U(X), V(X)` the vectors as columns,
:math:`v_{\max}(S)` and :math:`u_1(X)` single ones; a formula with its ``where`` says
:math:`S = V \operatorname{diag}(\boldsymbol{\lambda}) V^\top` instead and leaves the arguments out.
``x_{2:n}`` and ``x_{1:2:n}`` are slices with their last entry (the colon notation of Golub & Van
Loan, Matrix Computations, 1.1.8); ``\operatorname{vec}`` stacks columns, so that NumPy's row by
row is :math:`\operatorname{vec}(X^\top)`; ``\operatorname{reshape}`` and ``\operatorname{cumsum}`` are
NumPy's; ``\operatorname{tril}_k`` keeps what is at and below the k-th diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard

from sympy import Expr, Integer, Symbol

from symderive.language.views.formula import (
    ADD,
    ATOM,
    CALL,
    HADAMARD,
    MUL,
    OPEN,
    TOP,
    Bracket,
    Formula,
    Piece,
    at_least,
    bracket,
    call_of,
    chain_of,
    flat,
    function_of,
    mask_of,
    operation,
    operator_of,
    product_of,
    scripted,
    superscript,
)
from symderive.language.views.latex_functions import NoMatrixForm
from symderive.language.views.latex_names import name_latex, number_formula
from symderive.language.views.latex_trees import ONE, axes_of, is_one, place
from symderive.language.views.tree import Call, Index, Name, Num, Shape, Span, Transpose, Tree

Labels = tuple[Expr | None, ...]
"""An index for each axis, counted from 1; None is the one index of an axis of length 1."""


# -- letters for decompositions --------------------------------------------------------------------------

_FAMILIES = (("svd_u", "svd_vt"), ("eigvecs",), ("cholesky",))
_WISHES = {"svd_u": "UPZ", "svd_vt": "VWR", "eigvecs": "VQE", "cholesky": "LC"}
"""The letters that are tried for the factors of a decomposition; those of one family differ."""
_SPECTRA = {_FAMILIES[0]: "svdvals", _FAMILIES[1]: "eigvalsh"}
_VALUES = {"eigvalsh": r"\lambda", "svdvals": r"\sigma"}
"""The letters of eigenvalues and singular values."""
_COLUMNS = ("eigvecs", "svd_u", "svd_vt")
"""Factors that are read column by column, the columns in the small letter."""


@dataclass
class Notation:
    """Which names a formula takes, and the letters of the decompositions in it.

    ``letters`` has a letter for each factor of a decomposition that occurs; ``short`` holds the
    functions that are written without their argument, because a clause of the formula says what they
    are; ``defined`` the names that are defined to be such a factor.
    """

    taken: set[str]
    letters: dict[str, str]
    short: dict[str, Tree] = field(default_factory=dict)
    defined: dict[str, Call] = field(default_factory=dict)
    right: dict[str, str] = field(default_factory=dict)
    """``Vt``, which NumPy's third factor is called, is the transpose of a matrix of vectors: of ``V``."""
    columns: frozenset[str] = frozenset()
    """The small letters that single columns of such matrices may go by."""

    @staticmethod
    def of(trees: Iterable[Tree], definitions: Sequence[tuple[str, Tree]] = (), short: bool = False) -> Notation:
        """The notation of trees that are read together; ``short`` where clauses can be added to them."""
        taken: set[str] = {name for name, _ in definitions}
        used: dict[str, list[Tree]] = {}
        for tree in (*trees, *(tree for _, tree in definitions)):
            _collect(tree, taken, used)
        letters = _letters(taken, used)
        columns = {letters[name].lower() for name in _COLUMNS if name in letters} - taken
        factors = {name: tree for name, tree in definitions if isinstance(tree, Call) and tree.function in _WISHES}
        right = _right(taken, factors)
        named = (right.get(name, name) for name, tree in factors.items() if tree.function in _COLUMNS)
        columns |= {name.lower() for name in named if len(name) == 1 and name.isupper()} - taken
        taken |= columns | set(right.values())
        notation = Notation(taken, letters, {}, factors, right, frozenset(columns))
        for family in _FAMILIES if short else ():
            arguments = {argument for name in family for argument in used.get(name, ())}
            # A definition that names such a factor says already what it is.
            said = any(tree.function in family for tree in factors.values())
            if len(arguments) != 1 or not all(said or name in letters for name in family):
                continue
            (argument,) = arguments
            notation.short.update({} if said else dict.fromkeys(family, argument))
            values = _SPECTRA.get(family)
            if values is not None and _VALUES[values] not in {name_latex(name) for name in taken}:
                notation.short[values] = argument
        return notation


def _collect(tree: Tree, taken: set[str], used: dict[str, list[Tree]]) -> None:
    stack = [tree]
    while stack:
        node = stack.pop()
        values: list[Expr] = [*node.shape]
        if isinstance(node, Name):
            taken.add(node.text)
        if isinstance(node, Num):
            values.append(node.value)
        if isinstance(node, Index):
            for key in node.keys:
                values += [key] if isinstance(key, Expr) else []
                values += [end for end in (key.start, key.stop) if end is not None] if isinstance(key, Span) else []
        if isinstance(node, Call):
            values += node.sizes
            if node.function in _WISHES:
                used.setdefault(node.function, []).append(node.arguments[0])
        for value in values:
            taken.update(str(s) for s in value.free_symbols)
        stack.extend(node.children)


def _right(taken: set[str], factors: Mapping[str, Call]) -> dict[str, str]:
    names = [name for name, tree in factors.items() if tree.function == "svd_vt"]
    return {n: n[0] for n in names if n[1:] in ("t", "h", "T", "H") and n[0].isupper() and n[0] not in taken}


def _letters(taken: set[str], used: Mapping[str, Sequence[Tree]]) -> dict[str, str]:
    """A letter for each factor that occurs (and its partner), of those that no name takes in capital or small."""
    out: dict[str, str] = {}
    for family in _FAMILIES:
        if any(name in used for name in family):
            for name in family:
                free = [x for x in _WISHES[name] if x not in taken and x not in out.values()]
                # The columns go by the small letter, if that is free too.
                free.sort(key=lambda x: x.lower() in taken)
                if free:
                    out[name] = free[0]
    return out


class Writes(Protocol):
    """What the rows ask of the writer."""

    notation: Notation

    def matrix(self, tree: Tree) -> Formula: ...
    def transposed(self, tree: Tree) -> Formula: ...
    def whole(self, tree: Tree) -> Formula: ...
    def part(self, tree: Tree, labels: Labels) -> Formula: ...
    def entry(self, tree: Tree, labels: Labels) -> Formula: ...
    def indexed(self, base: Formula, labels: Labels, shape: Shape) -> Formula: ...
    def running(self, label: Symbol | None, size: Expr) -> Piece: ...
    def position(self, label: Expr | None) -> Piece: ...
    def summed(self, bound: Iterable[tuple[Symbol, Expr, Expr]], body: Formula) -> Formula: ...
    def fresh(self) -> Symbol: ...
    def release(self, count: int) -> None: ...


@dataclass(frozen=True)
class ArrayForm:
    """How a function of arrays is written: whole (``NoMatrixForm`` where it has no such form), and by entries."""

    matrix: Callable[[Any, Call], Formula]
    entry: Callable[[Any, Call, Labels], Formula]


def _at(w: Writes, tree: Tree, labels: Labels) -> Formula:
    """An argument, its first axes held at labels."""
    return w.part(tree, labels) if labels else w.whole(tree)


def _plain(make: Callable[[Writes, Call, Labels], Formula]) -> ArrayForm:
    """A function of matrices whose value is a matrix; ``make`` writes it for a batch held at labels."""

    def matrix(w: Writes, tree: Call) -> Formula:
        if len(tree.shape) > 2:
            raise NoMatrixForm
        return make(w, tree, ())

    def entry(w: Writes, tree: Call, labels: Labels) -> Formula:
        return w.indexed(make(w, tree, labels[:-2]), labels[-2:], tree.shape[-2:])

    return ArrayForm(matrix, entry)


def _scalar(make: Callable[[Writes, Call, Labels], Formula]) -> ArrayForm:
    """A function of matrices whose value is a number."""

    def matrix(w: Writes, tree: Call) -> Formula:
        if tree.shape:
            raise NoMatrixForm
        return make(w, tree, ())

    return ArrayForm(matrix, make)


# -- inverses and determinants ------------------------------------------------------------------------------


def inverse(w: Writes, tree: Call, labels: Labels = (), transposed: bool = False) -> Formula:
    r"""``A^{-1}``, or ``A^{-\top}``."""
    script = superscript(r"-\top" if transposed else "-1", 1.3)
    return scripted(_at(w, tree.arguments[0], labels), script)


def matrix_power(w: Writes, tree: Tree, times: int) -> Formula:
    """A matrix, or an inverse, times itself."""
    inverted = isinstance(tree, Call) and tree.function == "inv"
    base = tree.arguments[0] if isinstance(tree, Call) and inverted else tree
    return scripted(w.matrix(base), superscript(f"-{times}" if inverted else str(times), 1.3 if inverted else 0.5))


def _determinant(w: Writes, tree: Call, labels: Labels) -> Formula:
    return function_of(r"\det", 1.5, _at(w, tree.arguments[0], labels))


def _log_determinant(w: Writes, tree: Call, labels: Labels) -> Formula:
    inside = Bracket(r"\lvert ", r"\rvert", _determinant(w, tree, labels).parts, None, "norm")
    return Formula((Piece(r"\log", 1.4, 0, "function"), inside), CALL)


def _sign_of_determinant(w: Writes, tree: Call, labels: Labels) -> Formula:
    return operator_of("sign", [_determinant(w, tree, labels)])


# -- decompositions -----------------------------------------------------------------------------------------------


def _factor(w: Writes, tree: Call, labels: Labels) -> Formula:
    """The matrix of vectors, or the triangular factor, of a decomposition."""
    name, argument = tree.function, tree.arguments[0]
    letter = w.notation.letters.get(name)
    if not labels and w.notation.short.get(name) == argument and letter is not None:
        return letter_of(letter)
    inside = [_at(w, argument, labels)]
    if letter is None or name == "cholesky":
        operator = {"cholesky": "chol", "eigvecs": "eigenvectors", "svd_u": "left", "svd_vt": "right"}[name]
        return _closed(operator_of(operator, inside))
    return _closed(call_of(letter, 0.8, inside))


def letter_of(letter: str) -> Formula:
    """A capital that stands for a matrix."""
    return Formula((Piece(letter, 0.8),), ATOM)


def _closed(written: Formula) -> Formula:
    """A function with its brackets, as the base of scripts."""
    return Formula(written.parts, ATOM)


def _right_factor(w: Writes, tree: Call) -> Formula:
    if len(tree.shape) > 2:
        raise NoMatrixForm
    return scripted(_factor(w, tree, ()), TOP)


def _right_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    *batch, row, column = labels
    return w.indexed(_factor(w, tree, tuple(batch)), (column, row), (tree.shape[-1], tree.shape[-2]))


def singled(w: Writes, tree: Index) -> Formula | None:
    r"""A single vector of a decomposition: ``v_{\max}(S)`` for ``np.linalg.eigh(S)[1][:, -1]``."""
    named = isinstance(tree.operand, Name)
    call = w.notation.defined.get(tree.operand.text) if isinstance(tree.operand, Name) else tree.operand
    if not (isinstance(call, Call) and call.function in _COLUMNS and len(call.shape) == 2):
        return None
    rows = call.function == "svd_vt"
    keys = [*tree.keys, ":"][:2]
    key, rest = keys if rows else keys[::-1]
    letter = _column_letter(w, tree.operand, call)
    if letter is None or not isinstance(key, Expr) or rest != ":":
        return None
    size = call.shape[0 if rows else 1]
    small = _spectral_letter(letter, call.function == "eigvecs", place(key, size), size, w)
    if named or w.notation.short.get(call.function) == call.arguments[0]:
        return Formula((replace(small, kind="plain"),), ATOM)
    return _closed(call_of(small.tex, small.width, [w.whole(call.arguments[0])]))


def _column_letter(w: Writes, operand: Tree, call: Call) -> str | None:
    """The small letter of a factor's columns, where no name takes it."""
    if isinstance(operand, Name):
        letter = w.notation.right.get(operand.text, operand.text)
    else:
        letter = w.notation.letters.get(call.function, "")
    return letter.lower() if letter.lower() in w.notation.columns else None


def _spectral_letter(letter: str, ascending: bool, label: Expr, size: Expr, w: Writes) -> Piece:
    """A letter with the place of an eigenvalue or a singular value: 1, 2, ..., or min and max."""
    if ascending and label in (size, ONE):
        return Piece(rf"{letter}_{{\{'max' if label == size else 'min'}}}", 1.7, 0, "function")
    if not ascending and label == size:
        return Piece(rf"{letter}_{{\min}}", 1.7, 0, "function")
    index = w.position(label)
    return Piece(f"{letter}_{{{index.tex}}}", 0.6 + 0.7 * index.width, 0, "function")


def _spectrum(w: Writes, tree: Call) -> Formula:
    if len(tree.shape) > 1:
        raise NoMatrixForm
    return _all_values(w, tree, ())


def _all_values(w: Writes, tree: Call, labels: Labels) -> Formula:
    """The vector of the eigenvalues, or of the singular values."""
    letter = Piece(rf"\boldsymbol{{{_VALUES[tree.function]}}}", 0.65)
    if not labels and w.notation.short.get(tree.function) == tree.arguments[0]:
        return Formula((letter,), ATOM)
    return _closed(call_of(letter.tex, letter.width, [_at(w, tree.arguments[0], labels)]))


def _value(w: Writes, tree: Call, labels: Labels) -> Formula:
    r"""``\lambda_{i}(S)``, ``\sigma_{i}(X)``; the largest singular value is the spectral norm."""
    *batch, label = labels
    inside = _at(w, tree.arguments[0], tuple(batch))
    size = tree.shape[-1]
    label = ONE if label is None else label
    ascending = tree.function == "eigvalsh"
    if not ascending and label == 1:
        return norm_of(inside, "2", 0.5)
    letter = _spectral_letter(_VALUES[tree.function], ascending, label, size, w)
    if not batch and w.notation.short.get(tree.function) == tree.arguments[0]:
        return Formula((replace(letter, kind="plain"),), ATOM)
    return _closed(call_of(letter.tex, letter.width, [inside]))


def norm_of(inside: Formula, order: str, width: float) -> Formula:
    """A norm of a given order."""
    after = Piece(f"_{{{order}}}", 0.72 * width)
    return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), ATOM)


def is_nuclear(tree: Tree, axes: tuple[int, ...]) -> TypeGuard[Call]:
    """Whether the sum of a tree over axes is that of all singular values of a matrix."""
    return isinstance(tree, Call) and tree.function == "svdvals" and axes == (len(tree.shape) - 1,)


def nuclear_norm(w: Writes, values: Call, labels: Labels) -> Formula:
    """The sum of the singular values of the matrix at labels."""
    return norm_of(_at(w, values.arguments[0], labels), "*", 0.5)


_EQUALS = operation(" = ", 1.34)


def clauses(w: Writes) -> list[Formula]:
    r"""What the letters of a formula mean: ``S = V\operatorname{diag}(\boldsymbol{\lambda})V^{\top}``."""
    out: list[Formula] = []
    for family in _FAMILIES:
        argument = w.notation.short.get(family[0])
        if argument is not None:
            first, last = (letter_of(w.notation.letters[name]) for name in (family[0], family[-1]))
            left, right = _decomposed(w, family, argument, first, scripted(last, TOP))
            out.append(Formula((*left.parts, _EQUALS, *right.parts), ADD))
    return out


def factored(w: Writes, name: str, tree: Tree) -> tuple[Formula, Formula] | None:
    """The equation that defines a factor by name: the matrix, and the product that it is."""
    if not (isinstance(tree, Call) and tree.function in _WISHES and len(tree.shape) == 2):
        return None
    family = next(family for family in _FAMILIES if tree.function in family)
    names = {t.function: n for n, t in w.notation.defined.items() if t.arguments == tree.arguments}
    names[tree.function] = name
    letters = w.notation.letters
    first, last = (
        w.matrix(Name(tree.shape, names[function]))
        if function in names
        # The equation says what the letter of the other factor is.
        else letter_of(letters[function])
        if function in letters
        else _factor(w, replace(tree, function=function), ())
        for function in (family[0], family[-1])
    )
    # NumPy's third factor is the transpose of the singular vectors already.
    right = last if "svd_vt" in names and family[-1] == "svd_vt" else scripted(last, TOP)
    return _decomposed(w, family, tree.arguments[0], first, right)


def _decomposed(
    w: Writes, family: Sequence[str], argument: Tree, first: Formula, last: Formula
) -> tuple[Formula, Formula]:
    written = w.whole(argument)
    if "cholesky" in family:
        return written, product_of([first, last])
    values = Call((argument.shape[0],), "eigvalsh" if "eigvecs" in family else "svdvals", (argument,))
    middle = operator_of("diag", [_all_values(w, values, ())])
    return written, product_of([first, middle, last])


# -- maxima ---------------------------------------------------------------------------------------------------


def _extreme(w: Writes, tree: Call) -> Formula:
    if len(axes_of(tree)) < len(tree.arguments[0].shape) or not all(is_one(s) for s in tree.shape):
        raise NoMatrixForm
    return _extreme_entry(w, tree, ())


def _extreme_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    axes = axes_of(tree)
    if tree.keepdims:
        labels = tuple(label for k, label in enumerate(labels) if k not in axes)
    operand = tree.arguments[0]
    if not labels:
        # The largest of the largest of each row is the largest of all.
        while isinstance(operand, Call) and operand.function == tree.function and not operand.keepdims:
            operand = operand.arguments[0]
            axes = tuple(range(len(operand.shape)))
        norm = _largest_size(w, tree.function, operand)
        if norm is not None:
            return norm
    outer = iter(labels)
    own: list[Expr | None] = []
    bound: list[tuple[Symbol, Expr]] = []
    for k, size in enumerate(operand.shape):
        if k not in axes:
            own.append(next(outer))
        elif is_one(size):
            own.append(None)
        else:
            bound.append((w.fresh(), size))
            own.append(bound[-1][0])
    inside = w.entry(operand, tuple(own))
    below = [w.running(label, size) for label, size in bound]
    w.release(len(bound))
    if not bound:
        return inside
    script = ",".join(piece.tex for piece in below)
    head = Piece(rf"\{tree.function}_{{{script}}}", max(2.0, 0.72 * sum(p.width for p in below)), 1, "big")
    body = bracket(inside) if inside.level == ADD else inside
    return Formula((head, *body.parts), OPEN)


def _largest_size(w: Writes, function: str, operand: Tree) -> Formula | None:
    r"""``\lVert x\rVert_{\infty}``, where the largest is that of the absolute values of a vector."""
    if not (function == "max" and isinstance(operand, Call) and operand.function == "abs" and len(operand.shape) == 1):
        return None
    try:
        return norm_of(w.matrix(operand.arguments[0]), r"\infty", 1.0)
    except NoMatrixForm:
        return None


# -- running sums and triangles ------------------------------------------------------------------------------------


def _running(w: Writes, tree: Call) -> Formula:
    operand = tree.arguments[0]
    if len(operand.shape) > 2:
        raise NoMatrixForm
    name = r"\operatorname{cumsum}"
    if len(operand.shape) == 2:
        name += r"_{\mathrm{row}}" if _axis(tree) == 1 else r"_{\mathrm{col}}"
    return call_of(name, 3.4 if len(operand.shape) == 1 else 4.6, [w.matrix(operand)])


def _axis(tree: Call) -> int:
    rank = len(tree.arguments[0].shape)
    return tree.axis % rank if isinstance(tree.axis, int) else rank - 1


def _running_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    return _sum_along(w, tree.arguments[0], _axis(tree), labels, backwards=False)


def _sum_along(w: Writes, operand: Tree, axis: int, labels: Labels, backwards: bool) -> Formula:
    last = labels[axis]
    if last is None:
        return w.entry(operand, labels)
    label = w.fresh()
    inside = w.entry(operand, (*labels[:axis], label, *labels[axis + 1 :]))
    bounds = (last, operand.shape[axis]) if backwards else (Integer(1), last)
    total = w.summed([(label, *bounds)], inside)
    w.release(1)
    return total


def backwards(tree: Index) -> tuple[Tree, int] | None:
    """The array and the axis of a running sum from the end: one of what is reversed, itself reversed."""
    call = tree.operand
    if not (isinstance(call, Call) and call.function == "cumsum"):
        return None
    axis, inner = _axis(call), call.arguments[0]
    both = _reverses(tree, axis) and isinstance(inner, Index) and _reverses(inner, axis)
    return (inner.operand, axis) if both and isinstance(inner, Index) else None


def later_sum(w: Writes, tree: Index, labels: Labels) -> Formula | None:
    r"""``\sum_{j=i}^{n}``: a running sum from the end."""
    found = backwards(tree)
    return None if found is None else _sum_along(w, *found, labels, backwards=True)


def _reverses(tree: Index, axis: int) -> bool:
    keys = [k for k, key in enumerate(tree.keys) if key != ":"]
    return keys == [axis] and tree.keys[axis] == Span(None, None, Integer(-1))


def _triangle(w: Writes, tree: Call) -> Formula:
    operand = tree.arguments[0]
    if len(operand.shape) > 2:
        raise NoMatrixForm
    return _triangular(tree, w.matrix(operand))


def _triangular(tree: Call, inside: Formula) -> Formula:
    name = "tril" if tree.function == "tri" else tree.function
    offset = f"_{{{tree.offset}}}" if tree.offset else ""
    return _closed(call_of(rf"\operatorname{{{name}}}{offset}", 1.7 + (0.8 if offset else 0), [inside]))


def _all_ones(w: Writes, tree: Call) -> Formula:
    return _triangular(tree, w.matrix(Call(tree.shape, "ones", (), sizes=tree.shape)))


def _kept(w: Writes, tree: Call, labels: Labels) -> Formula:
    """The mask of what a triangle keeps."""
    *_, row, column = (ONE if label is None else label for label in labels)
    least, most = (row + tree.offset, column) if tree.function == "triu" else (column, row + tree.offset)
    strict = tree.offset == (1 if tree.function == "triu" else -1)
    if strict:
        least, most = (row, column) if tree.function == "triu" else (column, row)
    sign = operation(" < " if strict else r" \le ", 1.34)
    sides = [w.position(side) for side in (least, most)]
    return mask_of((Piece(sides[0].tex, sides[0].width), sign, Piece(sides[1].tex, sides[1].width)))


def _triangle_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    return product_of([_kept(w, tree, labels), w.entry(tree.arguments[0], labels)])


# -- side by side ----------------------------------------------------------------------------------------------------

Grid = list[list[Formula]]


def block_matrix(grid: Sequence[Sequence[Formula]]) -> Formula:
    r"""Blocks in rows: ``\begin{pmatrix} A & B \\ C & D \end{pmatrix}``."""
    rows = [" & ".join(flat(cell.parts) for cell in row) for row in grid]
    width = sum(max(cell.width for cell in column) + 1.0 for column in zip(*grid, strict=True)) + 0.6
    tall = max(len(grid), 1 + max(cell.tall for row in grid for cell in row)) if len(grid) > 1 else 1
    body = r" \\ ".join(rows)
    tex = rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
    return Formula((Piece(tex, width, min(tall, 3), "bracket"),), ATOM)


def _joined(w: Writes, tree: Call) -> Formula:
    return block_matrix(_grid(w, tree))


def _grid(w: Writes, tree: Call) -> Grid:
    """The blocks of a concatenation; blocks of blocks that fit together are one grid."""
    parts = tree.arguments
    if len(tree.shape) > 2:
        raise NoMatrixForm
    if len(tree.shape) == 1 or tree.axis in (0, -2):
        grids = [_cells(w, part, 1) for part in parts]
        widths = [[size for size, _ in cells] for cells in grids]
        if all(width == widths[0] for width in widths):
            return [[cell for _, cell in cells] for cells in grids]
    else:
        grids = [_cells(w, part, 0) for part in parts]
        heights = [[size for size, _ in cells] for cells in grids]
        if all(height == heights[0] for height in heights):
            return [list(row) for row in zip(*([cell for _, cell in cells] for cells in grids), strict=True)]
        return [[w.whole(part) for part in parts]]
    return [[w.whole(part)] for part in parts]


def _cells(w: Writes, tree: Tree, axis: int) -> list[tuple[Expr, Formula]]:
    """The blocks that an array has along an axis, with their sizes."""
    if isinstance(tree, Call) and tree.function == "concatenate" and len(tree.shape) == 2 and tree.axis == axis:
        return [(part.shape[axis], w.whole(part)) for part in tree.arguments]
    return [(tree.shape[axis] if len(tree.shape) == 2 else ONE, w.whole(tree))]


def _stacked(w: Writes, tree: Call) -> Formula:
    if len(tree.shape) > 2:
        raise NoMatrixForm
    parts = tree.arguments
    if len(tree.shape) == 2 and tree.axis in (1, -1):
        return block_matrix([[w.whole(part) for part in parts]])
    return block_matrix([[_row(w, part)] for part in parts])


def _row(w: Writes, tree: Tree) -> Formula:
    if not tree.shape:
        return w.whole(tree)
    try:
        return w.transposed(tree)
    except NoMatrixForm:
        return scripted(w.whole(tree), TOP)


def turned(tree: Tree) -> Tree | None:
    """The transpose of blocks, as blocks; None of anything else."""
    if not (isinstance(tree, Call) and len(tree.shape) == 2):
        return None
    shape = tree.shape[::-1]
    match tree.function:
        case "pad":
            (inner,) = tree.arguments
            return Call(shape, "pad", (_flipped(inner),), sizes=(*tree.sizes[2:], *tree.sizes[:2]))
        case "concatenate":
            axis = 1 - (tree.axis if isinstance(tree.axis, int) else 0) % 2
            return Call(shape, "concatenate", tuple(_flipped(part) for part in tree.arguments), axis=axis)
        case "stack":
            axis = 1 - (tree.axis if isinstance(tree.axis, int) else 0) % 2
            return Call(shape, "stack", tree.arguments, axis=axis)
    return None


def _flipped(tree: Tree) -> Tree:
    if isinstance(tree, Transpose):
        return tree.operand
    return turned(tree) or Transpose(tree.shape[::-1], tree)


def _padding(tree: Call) -> Call:
    """A padding of what is padded or transposed, as one padding."""
    (inner,) = tree.arguments
    if isinstance(inner, Transpose):
        inner = turned(inner.operand) or inner
    if isinstance(inner, Call) and inner.function == "pad":
        sizes = tuple(a + b for a, b in zip(tree.sizes, inner.sizes, strict=True))
        return _padding(Call(tree.shape, "pad", inner.arguments, sizes=sizes))
    return tree


def _padded(w: Writes, tree: Call) -> Formula:
    tree = _padding(tree)
    (inner,) = tree.arguments
    if len(tree.shape) > 2:
        raise NoMatrixForm
    written = w.whole(inner)
    if len(tree.shape) == 1:
        before, after = ([[_zero_column(size)]] if size != 0 else [] for size in tree.sizes)
        return block_matrix([*before, [written], *after])
    rows = [(tree.sizes[0], False), (inner.shape[0], True), (tree.sizes[1], False)]
    columns = [(tree.sizes[2], False), (inner.shape[1], True), (tree.sizes[3], False)]
    return block_matrix(
        [
            [
                written if beside and above else _zero_block(height, width, beside, above)
                for width, above in columns
                if width != 0
            ]
            for height, beside in rows
            if height != 0
        ]
    )


def _zero_column(size: Expr) -> Formula:
    if is_one(size):
        return number_formula(Integer(0))
    written = number_formula(size)
    return Formula((Piece(rf"\mathbf{{0}}_{{{flat(written.parts)}}}", 0.6 + 0.72 * written.width),), ATOM)


def _zero_block(height: Expr, width: Expr, beside: bool, above: bool) -> Formula:
    """Zeros around an array, with their sizes unless other blocks tell them."""
    if is_one(height) and is_one(width):
        return number_formula(Integer(0))
    tex = r"\mathbf{0}"
    known = not (beside or above) or (beside and is_one(width)) or (above and is_one(height))
    if not known:
        tex += rf"_{{{sizes_latex((height, width))}}}"
    if is_one(height) and not beside:
        tex += r"^{\top}"
    return Formula((Piece(tex, 0.58 if known else 2.5),), ATOM)


def sizes_latex(shape: Shape) -> str:
    r"""The sizes of an array as a script, ``n \times (d - 1)``."""
    written = [number_formula(size) for size in shape]
    level = MUL if len(shape) > 1 else ADD
    return r" \times ".join(flat(at_least(size, level).parts) for size in written)


def _by_axis(name: str, w: Writes, tree: Call, labels: Labels) -> Formula:
    """A concatenation of arrays of higher rank, by name; the axis is counted from 1."""
    axis = 1 + (tree.axis if isinstance(tree.axis, int) else 0)
    arguments = [w.whole(argument) for argument in tree.arguments]
    return w.indexed(
        _closed(call_of(rf"\operatorname{{{name}}}_{{{axis}}}", 0.53 * len(name), arguments)), labels, tree.shape
    )


def _joined_entry(name: str, make: Callable[[Writes, Call], Formula]) -> Callable[[Writes, Call, Labels], Formula]:
    def entry(w: Writes, tree: Call, labels: Labels) -> Formula:
        try:
            return w.indexed(make(w, tree), labels, tree.shape)
        except NoMatrixForm:
            return _by_axis(name, w, tree, labels)

    return entry


def _padded_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    try:
        return w.indexed(_padded(w, tree), labels, tree.shape)
    except NoMatrixForm:
        ends = [flat(number_formula(size).parts) for size in tree.sizes]
        widths = ",".join(f"({a},{b})" for a, b in zip(ends[::2], ends[1::2], strict=True))
        name = rf"\operatorname{{pad}}_{{{widths}}}"
        return w.indexed(
            _closed(call_of(name, 1.6 + 0.4 * len(widths), [w.whole(tree.arguments[0])])), labels, tree.shape
        )


# -- other shapes ----------------------------------------------------------------------------------------------


def _reshaped(w: Writes, tree: Call) -> Formula:
    if len(tree.shape) > 2:
        raise NoMatrixForm
    return _laid_out(w, tree)


def _laid_out(w: Writes, tree: Call) -> Formula:
    (operand,) = tree.arguments
    if len(tree.shape) == 1 and len(operand.shape) == 2:
        try:
            return _closed(operator_of("vec", [w.transposed(operand)]))
        except NoMatrixForm:
            pass
    sizes = sizes_latex(tree.sizes)
    name = rf"\operatorname{{reshape}}_{{{sizes}}}"
    return _closed(call_of(name, 3.8 + 0.4 * len(sizes), [w.whole(operand)]))


def _reshaped_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    return w.indexed(_laid_out(w, tree), labels, tree.shape)


_OTIMES = operation(r" \otimes ", 1.23)


def _kronecker(w: Writes, tree: Call) -> Formula:
    return chain_of([w.matrix(argument) for argument in tree.arguments], _OTIMES, HADAMARD)


def _kronecker_entry(w: Writes, tree: Call, labels: Labels) -> Formula:
    try:
        return w.indexed(bracket(_kronecker(w, tree)), labels, tree.shape)
    except NoMatrixForm:
        factors = [w.whole(argument) for argument in tree.arguments]
        return w.indexed(bracket(chain_of([at_least(f, ATOM) for f in factors], _OTIMES, HADAMARD)), labels, tree.shape)


FORMS: dict[str, ArrayForm] = {
    "inv": _plain(inverse),
    "det": _scalar(_determinant),
    "logabsdet": _scalar(_log_determinant),
    "signdet": _scalar(_sign_of_determinant),
    "cholesky": _plain(_factor),
    "eigvecs": _plain(_factor),
    "svd_u": _plain(_factor),
    "svd_vt": ArrayForm(_right_factor, _right_entry),
    "eigvalsh": ArrayForm(_spectrum, _value),
    "svdvals": ArrayForm(_spectrum, _value),
    "max": ArrayForm(_extreme, _extreme_entry),
    "min": ArrayForm(_extreme, _extreme_entry),
    "cumsum": ArrayForm(_running, _running_entry),
    "tri": ArrayForm(_all_ones, _kept),
    "tril": ArrayForm(_triangle, _triangle_entry),
    "triu": ArrayForm(_triangle, _triangle_entry),
    "concatenate": ArrayForm(_joined, _joined_entry("concatenate", _joined)),
    "stack": ArrayForm(_stacked, _joined_entry("stack", _stacked)),
    "pad": ArrayForm(_padded, _padded_entry),
    "reshape": ArrayForm(_reshaped, _reshaped_entry),
    "kron": ArrayForm(_kronecker, _kronecker_entry),
}
"""How each function of arrays that is no plain sum is written."""
