r"""The presentation tree in LaTeX, as a textbook prints it.

The writer walks the tree and builds a :class:`Formula`: pieces with an estimated
width, brackets, and places where a line may be broken.  A formula becomes one
line (:func:`tree_latex`) or several (:func:`tree_lines`); strings are only made
at the very end and never looked into.

Conventions: 1-D arrays are columns; functions of arrays act entry by entry;
``\odot``, ``\oslash`` and ``^{\odot a}`` are the entrywise product, quotient and
power; ``\mathbf{1}`` is a column of ones of the size that fits; indices count
from 1 (NumPy's ``w[0]`` is :math:`w_1`).  Sums of entries are written with an
index, ``\sum_{i=1}^{n} y_i z_i``.  What has no matrix form is written by its
entries, ``\bigl[ ... \bigr]_{ij}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import final

from sympy import Expr, Integer

from symderive.errors import UnsupportedError
from symderive.language.arrays import Array
from symderive.language.statements import Relation
from symderive.language.views.formula import (
    ADD,
    ATOM,
    CALL,
    DIFFERENTIAL,
    FRACTION,
    HADAMARD,
    ITALIC,
    MINUS,
    MUL,
    ONES,
    OPEN,
    OSLASH,
    POWER,
    SCRIPT,
    SIGN,
    TOP,
    Bracket,
    Break,
    Formula,
    Part,
    Piece,
    at_least,
    bracket,
    call_of,
    chain_of,
    exponential_of,
    flat,
    formula_latex,
    formula_lines,
    fraction_of,
    function_of,
    hadamard_of,
    has_sum,
    operator_of,
    product_of,
    root_of,
    scripted,
    sum_of,
    superscript,
)
from symderive.language.views.latex_functions import NoMatrixForm, elementwise, ordered
from symderive.language.views.latex_names import name_formula, name_latex, name_parts, number_formula, subscript
from symderive.language.views.latex_trees import (
    HALF,
    ONE,
    TWO,
    has_differential,
    is_linear,
    is_one,
    is_scalar,
    plainly,
    signed,
    square_of,
)
from symderive.language.views.lift import lift, lift_array
from symderive.language.views.tree import (
    Add,
    Call,
    D,
    Div,
    Index,
    MatMul,
    Mul,
    Name,
    Neg,
    Num,
    Pow,
    Shape,
    Transpose,
    Tree,
)

__all__ = [
    "Formula",
    "array_formula",
    "array_latex",
    "array_lines",
    "formula_latex",
    "formula_lines",
    "name_latex",
    "relation_formula",
    "relation_latex",
    "tree_formula",
    "tree_latex",
    "tree_lines",
    "where_formulas",
]

_LETTERS = "ijklmpqrstuvabcdefgh"


@final
class _Writer:
    """Writes one formula; knows which letters its names take, so that indices never collide."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self._taken: set[str] = set()
        for tree in trees:
            self._collect(tree)
        self._labels: list[str] = []

    def _collect(self, tree: Tree) -> None:
        stack = [tree]
        while stack:
            node = stack.pop()
            if isinstance(node, Name):
                self._taken.add(node.text)
            values = [*node.shape]
            if isinstance(node, Num):
                values.append(node.value)
            if isinstance(node, Call):
                values += node.sizes
            for value in values:
                self._taken.update(str(s) for s in value.free_symbols)
            stack.extend(node.children)

    # indices

    def _fresh(self) -> str:
        for letter in _LETTERS:
            if letter not in self._taken and letter not in self._labels:
                self._labels.append(letter)
                return letter
        letter = f"i{1 + sum(label.startswith('i') for label in self._labels)}"
        self._labels.append(letter)
        return letter

    def _release(self, count: int) -> None:
        del self._labels[len(self._labels) - count :]

    # entry points

    def write(self, tree: Tree) -> Formula:
        """The tree as a scalar, a column or a matrix; by its entries where it has no such form."""
        mark = len(self._labels)
        try:
            if len(tree.shape) > 2:
                raise NoMatrixForm
            return self._matrix(tree)
        except NoMatrixForm:
            del self._labels[mark:]
            if not tree.shape:
                return self._entry(tree, ())
            return self._by_entries(tree)

    def _by_entries(self, tree: Tree) -> Formula:
        labels = tuple(None if is_one(size) else self._fresh() for size in tree.shape)
        inside = self._entry(tree, labels)
        shown = [label for label in labels if label is not None]
        self._release(len(shown))
        pieces = [self._label(label) if label else Piece("1", 0.5, 0, "digit") for label in labels]
        return bracket(inside, "[", "]", subscript(pieces))

    @staticmethod
    def _label(label: str) -> Piece:
        if len(label) == 1:
            return Piece(label, ITALIC[label])
        return Piece(f"{label[0]}_{{{label[1:]}}}", 0.7, 0, "label")

    # -- matrix notation ---------------------------------------------------------------------

    def _matrix(self, tree: Tree) -> Formula:
        plain = plainly(tree)
        if plain is not None:
            return self._matrix(plain)
        match tree:
            case Name(text=text):
                return name_formula(text)
            case Num(value=value):
                return number_formula(value)
            case Neg() | Mul() | Div():
                sign, inner = signed(tree)
                if sign < 0:
                    return self._negated(self._fit(inner, tree.shape))
                if isinstance(inner, Mul):
                    return self._mul(inner)
                if isinstance(inner, Div):
                    return self._div(inner)
                return self._fit(inner, tree.shape)
            case Add(terms=terms):
                written = []
                for sign, term in terms:
                    inner_sign, inner = signed(term)
                    written.append((sign * inner_sign, self._fit(inner, tree.shape)))
                return sum_of(written)
            case Pow():
                return self._pow(tree)
            case MatMul():
                return self._matmul(tree)
            case Transpose(operand=operand):
                return self._transposed(operand)
            case Call():
                return self._apply(tree)
            case Index():
                return self._index(tree)
            case D(operand=operand):
                return self._differential(self.write(operand))
        raise UnsupportedError(f"the LaTeX writer has no form for {type(tree).__name__}")

    @staticmethod
    def _negated(inner: Formula) -> Formula:
        return Formula((SIGN, *at_least(inner, OPEN).parts), ADD)

    @staticmethod
    def _differential(inner: Formula) -> Formula:
        inner = inner if inner.level == ATOM else bracket(inner)
        return Formula((DIFFERENTIAL, *inner.parts), CALL)

    def _fit(self, tree: Tree, shape: Shape) -> Formula:
        """The tree broadcast to a shape: with columns and rows of ones where it is smaller."""
        if tree.shape == shape or not shape:
            return self._matrix(tree)
        ones = Formula((ONES,), ATOM)
        row_of_ones = Formula((ONES, TOP), POWER)
        if not tree.shape:
            spread = [ones] if len(shape) == 1 else [ones, row_of_ones]
            if tree == Num((), ONE):
                return product_of(spread)
            return product_of([self._matrix(tree), *spread])
        if len(shape) == 2 and len(tree.shape) == 1 and tree.shape[0] == shape[1]:
            return product_of([ones, self._transposed(tree)])
        if len(shape) == 2 and len(tree.shape) == 2:
            if tree.shape[0] == shape[0] and is_one(tree.shape[1]):
                return product_of([self._matrix(tree), row_of_ones])
            if tree.shape[1] == shape[1] and is_one(tree.shape[0]):
                return product_of([ones, self._matrix(tree)])
        raise NoMatrixForm

    def _column(self, tree: Tree) -> Formula:
        """What a 1-D, (n, 1) or (1, n) tree holds, as a column."""
        whole = isinstance(tree, Index) and all(k is None or k == ":" for k in tree.keys)
        if isinstance(tree, Index) and whole and len(tree.operand.shape) == 1:
            return self._matrix(tree.operand)
        if len(tree.shape) == 2 and is_one(tree.shape[0]) and not is_one(tree.shape[1]):
            return self._transposed(tree)
        return self._matrix(tree)

    def _transposed(self, tree: Tree) -> Formula:
        match tree:
            case Transpose(operand=operand) if len(operand.shape) == 2:
                return self._matrix(operand)
            case Index(operand=operand) if len(tree.shape) == 2 and len(operand.shape) == 1:
                if all(k is None or k == ":" for k in tree.keys):
                    inner = self._matrix(operand)
                    return inner if tree.keys[0] is None else scripted(inner, TOP)
            case Call(function="diag") if len(tree.shape) == 2:
                return self._matrix(tree)
            case Call(function="eye"):
                return self._matrix(tree)
        if len(tree.shape) > 2:
            raise NoMatrixForm
        return scripted(self._matrix(tree), TOP)

    def _mul(self, tree: Mul) -> Formula:
        scalars = [f for f in tree.factors if not f.shape]
        arrays = [f for f in tree.factors if f.shape]
        if len(scalars) > 1:
            scalars = [f for f in scalars if f != Num((), ONE)] or scalars[:1]
        # Numbers lead; fractions of numbers among the scalars stand first.
        scalars.sort(key=lambda f: not isinstance(f, Num))
        left = ordered([self._matrix(f) for f in scalars])
        if not arrays:
            return product_of(left)
        body = self._hadamard_of(arrays, tree.shape)
        if not left:
            return body
        if body.level == HADAMARD and len(left) > 0:
            return product_of([*left, bracket(body)])
        return product_of([*left, body])

    def _hadamard_of(self, arrays: Sequence[Tree], shape: Shape) -> Formula:
        if all(a.shape == shape for a in arrays):
            return hadamard_of([self._matrix(a) for a in arrays])
        if len(shape) != 2:
            raise NoMatrixForm
        full = [a for a in arrays if a.shape == shape]
        columns = [a for a in arrays if a not in full and len(a.shape) == 2 and is_one(a.shape[1])]
        rows = [a for a in arrays if a not in full and a not in columns]
        if any(a.shape[0] != shape[0] for a in columns) or any(a.shape[-1] != shape[1] for a in rows):
            raise NoMatrixForm
        if any(len(a.shape) == 2 and not is_one(a.shape[0]) for a in rows):
            raise NoMatrixForm
        column = hadamard_of([self._column(a) for a in columns]) if columns else None
        row = hadamard_of([self._column(a) for a in rows]) if rows else None
        if not full:
            if column is None or row is None:
                raise NoMatrixForm
            return product_of([at_least(column, MUL), scripted(row, TOP)])
        middle = hadamard_of([self._matrix(a) for a in full])
        factors = [] if column is None else [operator_of("diag", [column])]
        factors.append(bracket(middle) if middle.level < MUL else middle)
        if row is not None:
            factors.append(operator_of("diag", [row]))
        return product_of(factors)

    def _div(self, tree: Div) -> Formula:
        top, bottom = tree.numerator, tree.denominator
        if not bottom.shape:
            return self._quotient(top, bottom)
        one = Piece("^{-1}", 0.9)
        if top.shape == tree.shape and len(tree.shape) == 2 and bottom.shape != tree.shape:
            inverse = Formula((*operator_of("diag", [self._column(bottom)]).parts, one), CALL)
            middle = self._matrix(top)
            if len(bottom.shape) == 2 and is_one(bottom.shape[1]) and bottom.shape[0] == tree.shape[0]:
                return product_of([inverse, middle])
            if bottom.shape[-1] == tree.shape[1] and (len(bottom.shape) == 1 or is_one(bottom.shape[0])):
                return product_of([at_least(middle, MUL) if middle.level != HADAMARD else bracket(middle), inverse])
        return chain_of([self._fit(top, tree.shape), self._fit(bottom, tree.shape)], OSLASH, HADAMARD)

    def _quotient(self, top: Tree, bottom: Tree) -> Formula:
        """A quotient by a scalar: ``\\frac{2}{n} X^{\\top} r``, with the scalars in the fraction."""
        below = self._matrix(bottom)
        factors = top.factors if isinstance(top, Mul) else (top,)
        scalars = [f for f in factors if is_scalar(f)]
        rest = [f for f in factors if not is_scalar(f)]
        above = number_formula(ONE)
        if scalars:
            above = self._body(Mul((), tuple(scalars)), scalars)
            if above.width > 12 or above.tall:
                above, rest = number_formula(ONE), list(factors)
        if below.width > 16:
            body = self._body(top, list(factors))
            body = body if body.level >= MUL else bracket(body)
            return Formula((*body.parts, Break(1), Piece("/", 0.5), *bracket(below).parts), MUL)
        fraction = fraction_of(above, below)
        if not rest:
            return fraction
        body = self._body(top, rest)
        if body.level == ADD:
            body = bracket(body, "[", "]") if body.width > 14 or body.tall else bracket(body)
        elif body.level == HADAMARD:
            body = bracket(body)
        return product_of(ordered([fraction, body]))

    def _body(self, top: Tree, factors: Sequence[Tree]) -> Formula:
        if len(factors) == 1:
            return self._fit(factors[0], top.shape)
        return self._mul(Mul(top.shape, tuple(factors)))

    def _pow(self, tree: Pow) -> Formula:
        base, exponent = tree.base, tree.exponent
        if exponent.shape:
            raise NoMatrixForm
        if exponent == Num((), HALF):
            root = self._root_of_squares(base)
            return root if root is not None else root_of(self._matrix(base))
        written = self._matrix(exponent)
        if not base.shape and exponent == Num((), Integer(-1)):
            return fraction_of(number_formula(ONE), self._matrix(base))
        if not base.shape:
            return scripted(self._base(base), superscript(flat(written.parts), written.width))
        return scripted(self._base(base), superscript(rf"\odot {flat(written.parts)}", written.width + 0.8))

    def _root_of_squares(self, tree: Tree) -> Formula | None:
        """``\\lVert r \\rVert`` for the root of a full sum of squares."""
        inner: Tree | None = None
        match tree:
            case Call(function="sum", arguments=(operand,), shape=()):
                inner = square_of(operand)
            case MatMul(factors=(a, b)) if a == b and len(a.shape) == 1:
                inner = a
        if inner is None or not 1 <= len(inner.shape) <= 2:
            return None
        inside = self._matrix(inner)
        after = None if len(inner.shape) == 1 else Piece("_{F}", 0.5)
        return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), ATOM)

    def _base(self, tree: Tree) -> Formula:
        """A base of a power; ``\\sigma(z)`` needs no brackets of its own."""
        written = self._matrix(tree)
        if isinstance(tree, Call) and tree.function == "expit":
            return replace(written, level=ATOM)
        return written

    def _matmul(self, tree: MatMul) -> Formula:
        flat: list[Tree] = list(tree.factors)
        if any(len(f.shape) > 2 or not f.shape for f in flat):
            raise NoMatrixForm
        if len(flat) == 2 and all(len(f.shape) == 1 for f in flat):
            a, b = flat
            if a == b:
                return self._norm_squared(a)
            changes = has_differential(a) or has_differential(b)
            if not changes and not (is_linear(a) and is_linear(b)):
                return self._big(r"\sum", Mul(a.shape, (a, b)), ())
        factors, rank = self._factors(tree)
        if rank == "row":
            factors = [self._flip_factor(f) for f in reversed(factors)]
        written = [self._factor(f, transposed) for f, transposed in factors]
        product = product_of([*(bracket(f) if f.level == OPEN else f for f in written[:-1]), written[-1]])
        return product if tree.shape else replace(product, dot=True)

    def _factors(self, tree: MatMul) -> tuple[list[tuple[Tree, bool]], str]:
        """Factors (and whether they are transposed) of the product read from the left; col, row or matrix."""
        state = ""
        out: list[tuple[Tree, bool]] = []
        for factor in tree.factors:
            if isinstance(factor, MatMul):
                inner, rank = self._factors(factor)
                if rank == "scalar":
                    raise NoMatrixForm
                if rank == "row":
                    inner, rank = [self._flip_factor(f) for f in reversed(inner)], "col"
            else:
                inner, rank = [(factor, False)], "col" if len(factor.shape) == 1 else "matrix"
            if not state:
                out, state = inner, rank
                continue
            if state == "col":
                out, state = [self._flip_factor(f) for f in reversed(out)], "row"
            out = out + inner
            if state == "row":
                state = "scalar" if rank == "col" else "row"
            else:
                state = "col" if rank == "col" else "matrix"
        return out, state

    @staticmethod
    def _flip_factor(factor: tuple[Tree, bool]) -> tuple[Tree, bool]:
        return factor[0], not factor[1]

    def _factor(self, tree: Tree, transposed: bool) -> Formula:
        written = self._transposed(tree) if transposed else self._matrix(tree)
        if written.level == OPEN:
            return written if written.closed is not None else bracket(written)
        return at_least(written, MUL) if isinstance(tree, Call) else at_least(written, FRACTION)

    def _norm_squared(self, tree: Tree) -> Formula:
        inside = self._matrix(tree)
        after = Piece("^{2}", 0.4) if len(tree.shape) < 2 else Piece("_{F}^{2}", 0.6)
        return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), POWER)

    def _index(self, tree: Index) -> Formula:
        operand, keys = tree.operand, tree.keys
        if all(k is None or k == ":" for k in keys):
            if len(operand.shape) == 1 and keys in ((None, ":"), (":", None), (None,)):
                inner = self._matrix(operand)
                return scripted(inner, TOP) if keys[0] is None else inner
            if not operand.shape and len(keys) == 1:
                return self._matrix(operand)
            if all(k == ":" for k in keys):
                return self._matrix(operand)
            raise NoMatrixForm
        if any(k is None for k in keys) or len(operand.shape) > 2:
            raise NoMatrixForm
        pieces = [Piece(":", 0.5) if isinstance(k, str) else self._position(k) for k in keys if k is not None]
        pieces += [Piece(":", 0.5)] * (len(operand.shape) - len(pieces))
        return self._subscripted(operand, pieces)

    @staticmethod
    def _position(key: Expr) -> Piece:
        """A NumPy index, counted from 1."""
        written = number_formula(key + 1)
        return Piece(flat(written.parts), written.width, 0, "digit")

    def _subscripted(self, tree: Tree, pieces: Sequence[Piece]) -> Formula:
        script = subscript(pieces)
        if isinstance(tree, Name):
            base, subscripts = name_parts(tree.text)
            if not subscripts:
                return Formula((Piece(base.tex + script.tex, base.width + script.width, 0, base.kind),), ATOM)
            return Formula(scripted(bracket(name_formula(tree.text)), script).parts, ATOM)
        inner = self._matrix(tree)
        if isinstance(tree, Call) and inner.level == CALL:
            inner = replace(inner, level=ATOM)
        return Formula(scripted(at_least(inner, ATOM), script).parts, ATOM)

    # -- functions -------------------------------------------------------------------------------

    def _apply(self, tree: Call) -> Formula:
        name, arguments = tree.function, tree.arguments
        match name:
            case "sum":
                return self._sum_of(tree)
            case "prod" | "logsumexp" | "norm":
                return self._reduction(tree)
            case "trace":
                return operator_of("tr", [self._matrix(arguments[0])])
            case "diag":
                return operator_of("diag", [self._matrix(arguments[0])])
            case "outer":
                left, right = arguments
                if len(left.shape) > 1 or len(right.shape) > 1:
                    raise NoMatrixForm
                a = self._matrix(left)
                return product_of([bracket(a) if a.level < MUL else a, scripted(self._matrix(right), TOP)])
            case "einsum" | "transpose":
                raise NoMatrixForm
            case "softmax" | "log_softmax":
                return self._softmax(tree)
            case "eye":
                size = number_formula(tree.sizes[0])
                return Formula((Piece(f"I_{{{flat(size.parts)}}}", 0.5 + SCRIPT * size.width),), ATOM)
            case "ones" | "zeros":
                return self._constant(name, tree.sizes)
            case "arange":
                end = number_formula(tree.sizes[0] - 1)
                inside = Formula((Piece(r"0, 1, \dots, ", 3.2), *end.parts), ADD)
                return bracket(inside)
            case "basis":
                position = subscript([self._position(self._basis_index(tree))])
                return Formula((Piece("e" + position.tex, 0.47 + position.width),), ATOM)
        return elementwise(tree, [self._matrix(a) for a in self._alike(arguments)])

    @staticmethod
    def _basis_index(tree: Call) -> Expr:
        if tree.arguments and isinstance(tree.arguments[-1], Num):
            return tree.arguments[-1].value
        if len(tree.sizes) > 1:
            return tree.sizes[1]
        raise UnsupportedError("a unit vector without an index")

    def _constant(self, name: str, sizes: Shape) -> Formula:
        if name == "zeros":
            text = r"\times ".join(flat(number_formula(s).parts) for s in sizes)
            return Formula((Piece(rf"\mathbf{{0}}_{{{text}}}" if text else "0", 0.6 + 0.5 * len(sizes)),), ATOM)
        factors = []
        for position, size in enumerate(sizes):
            written = number_formula(size)
            tex = rf"\mathbf{{1}}_{{{flat(written.parts)}}}"
            piece = Piece(tex + (r"^{\top}" if position else ""), 0.58 + SCRIPT * written.width)
            factors.append(Formula((piece,), ATOM))
        if len(sizes) > 2:
            raise NoMatrixForm
        return product_of(factors) if factors else number_formula(ONE)

    def _alike(self, arguments: Sequence[Tree]) -> Sequence[Tree]:
        """The arguments, if those that are arrays have one shape."""
        shapes = {a.shape for a in arguments if a.shape}
        if len(shapes) > 1:
            raise NoMatrixForm
        return arguments

    def _softmax(self, tree: Call) -> Formula:
        name = r"\operatorname{softmax}"
        operand = tree.arguments[0]
        rank = len(operand.shape)
        axis = tree.axis if isinstance(tree.axis, int) else rank - 1
        if rank > 2:
            raise NoMatrixForm
        if rank == 2:
            name += r"_{\mathrm{row}}" if axis % rank == 1 else r"_{\mathrm{col}}"
        inner = call_of(name, 4.0 + (1.2 if rank == 2 else 0), [self._matrix(operand)])
        if tree.function == "softmax":
            return inner
        return Formula(
            (Piece(r"\log", 1.45, 0, "function"), *inner.parts),
            OPEN,
            (Piece(r"\log", 1.45, 0, "function"), Bracket("(", ")", inner.parts)),
        )

    @staticmethod
    def _axes(tree: Call) -> tuple[int, ...]:
        rank = len(tree.arguments[0].shape)
        if tree.axis is None:
            return tuple(range(rank))
        axes = (tree.axis,) if isinstance(tree.axis, int) else tree.axis
        return tuple(sorted(a % rank for a in axes))

    def _sum_of(self, tree: Call) -> Formula:
        operand = tree.arguments[0]
        rank, axes = len(operand.shape), self._axes(tree)
        if rank == 2 and len(axes) == 1:
            ones = Formula((ONES,), ATOM)
            if axes == (1,):
                return product_of([self._factor(operand, False), ones])
            if tree.keepdims:
                return product_of([Formula((ONES, TOP), POWER), self._factor(operand, False)])
            return product_of([self._factor(operand, True), ones])
        if len(axes) != rank or (tree.shape and not all(is_one(s) for s in tree.shape)):
            raise NoMatrixForm
        root = square_of(operand)
        if root is not None and root.shape and root.shape == operand.shape:
            return self._attempt(lambda: self._norm_squared(root), lambda: self._total(tree))
        return self._total(tree)

    def _attempt(self, first, otherwise) -> Formula:
        mark = len(self._labels)
        try:
            return first()
        except NoMatrixForm:
            del self._labels[mark:]
            return otherwise()

    def _total(self, tree: Call) -> Formula:
        """A full sum, by entries."""
        return self._big(r"\sum", tree.arguments[0], ())

    def _reduction(self, tree: Call) -> Formula:
        operand = tree.arguments[0]
        rank, axes = len(operand.shape), self._axes(tree)
        if len(axes) != rank or tree.shape:
            raise NoMatrixForm
        if tree.function == "norm":
            inside = self._matrix(operand)
            after = None if rank < 2 else Piece("_{F}", 0.5)
            return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), ATOM)
        if tree.function == "prod":
            return self._big(r"\prod", operand, ())
        return self._logsumexp(operand, ())

    def _logsumexp(self, operand: Tree, outer: Sequence[str | None]) -> Formula:
        total = self._big(r"\sum", Call(operand.shape, "exp", (operand,)), outer)
        head = Piece(r"\log", 1.4, 0, "function")
        return Formula((head, *total.parts), OPEN, (head, Bracket("(", ")", total.parts)))

    def _big(
        self, operator: str, operand: Tree, outer: Sequence[str | None], axes: tuple[int, ...] | None = None
    ) -> Formula:
        """``\\sum_{i=1}^{n}`` of the entries over the axes that ``outer`` does not give (the last ones)."""
        rank = len(operand.shape)
        if axes is None:
            axes = tuple(range(len(outer), rank))
        labels: list[str | None] = []
        given = iter(outer)
        heads: list[Part] = []
        made = 0
        for position, size in enumerate(operand.shape):
            if position not in axes:
                labels.append(next(given))
            elif is_one(size):
                labels.append(None)
            else:
                label = self._fresh()
                made += 1
                labels.append(label)
                top = number_formula(size)
                tex = rf"{operator}_{{{self._label(label).tex}=1}}^{{{flat(top.parts)}}}"
                heads.append(Piece(tex, 1.6 + max(0.0, SCRIPT * top.width - 1.4), 1, "big"))
        inside = self._entry(operand, tuple(labels))
        self._release(made)
        if inside.level == ADD and inside.parts[0] == SIGN and not has_sum(inside):
            positive = Formula((*heads, *inside.parts[1:]), OPEN)
            return self._negated(positive)
        if inside.level == ADD:
            inside = bracket(inside, "[", "]") if inside.width > 8 or inside.tall else bracket(inside)
        if not heads:
            return inside
        return Formula((*heads, *inside.parts), OPEN)

    # -- entries --------------------------------------------------------------------------------------

    def _entry(self, tree: Tree, labels: tuple[str | None, ...]) -> Formula:
        """The entry of a tree at the labels (None where the axis has length 1)."""
        plain = plainly(tree)
        if plain is not None:
            return self._entry(plain, labels)
        if not tree.shape and not isinstance(tree, Add | Mul | Div | Pow | Neg):
            return self._scalar(tree)
        match tree:
            case Name():
                return self._subscripted(tree, self._pieces(labels))
            case Num(value=value):
                return number_formula(value)
            case Neg() | Mul() | Div():
                sign, inner = signed(tree)
                if sign < 0:
                    return self._negated(self._entry_of(inner, labels))
                if isinstance(inner, Mul):
                    return self._entry_mul(inner, labels)
                if isinstance(inner, Div):
                    return self._entry_div(inner, labels)
                return self._entry_of(inner, labels)
            case Add(terms=terms):
                written = []
                for sign, term in terms:
                    inner_sign, inner = signed(term)
                    written.append((sign * inner_sign, self._entry_of(inner, labels)))
                return sum_of(written)
            case Pow(base=base, exponent=exponent):
                if exponent == Num((), HALF):
                    return root_of(self._entry_of(base, labels))
                if exponent == Num((), Integer(-1)):
                    return fraction_of(number_formula(ONE), self._entry_of(base, labels))
                power = self._entry_of(exponent, labels)
                inner = self._entry_of(base, labels)
                if isinstance(base, Call) and base.function == "expit":
                    inner = replace(inner, level=ATOM)
                return scripted(inner, superscript(flat(power.parts), power.width))
            case MatMul():
                return self._entry_matmul(tree, labels)
            case Transpose(operand=operand):
                return self._entry(operand, labels[::-1])
            case Index():
                return self._entry_index(tree, labels)
            case D(operand=operand):
                inner = self._entry(operand, labels)
                return self._differential(inner)
            case Call():
                return self._entry_call(tree, labels)
        raise UnsupportedError(f"the LaTeX writer has no form for {type(tree).__name__}")

    def _scalar(self, tree: Tree) -> Formula:
        mark = len(self._labels)
        try:
            return self._matrix(tree)
        except NoMatrixForm:
            del self._labels[mark:]
            if isinstance(tree, Call):
                return self._entry_call(tree, ())
            if isinstance(tree, MatMul):
                return self._entry_matmul(tree, ())
            if isinstance(tree, Index):
                return self._entry_index(tree, ())
            if isinstance(tree, D):
                return self._differential(self.write(tree.operand))
            raise UnsupportedError(f"the LaTeX writer has no form for {type(tree).__name__}") from None

    def _entry_of(self, tree: Tree, labels: tuple[str | None, ...]) -> Formula:
        """The entry of an operand that may broadcast: fewer axes, or axes of length 1."""
        own = labels[len(labels) - len(tree.shape) :] if tree.shape else ()
        return self._entry(tree, tuple(None if is_one(s) else i for s, i in zip(tree.shape, own, strict=True)))

    def _pieces(self, labels: Sequence[str | None]) -> list[Piece]:
        return [Piece("1", 0.5, 0, "digit") if i is None else self._label_or_number(i) for i in labels]

    def _label_or_number(self, label: str) -> Piece:
        if label.startswith("#"):
            text = label[1:]
            return Piece(text, 0.5 * len(text), 0, "digit")
        return self._label(label)

    def _entry_mul(self, tree: Mul, labels: tuple[str | None, ...]) -> Formula:
        factors = [f for f in tree.factors if f != Num((), ONE)] or list(tree.factors[:1])
        factors.sort(key=lambda f: not isinstance(f, Num))
        written = [self._entry_of(f, labels) for f in factors]
        return product_of(ordered(written))

    def _entry_div(self, tree: Div, labels: tuple[str | None, ...]) -> Formula:
        top, bottom = tree.numerator, tree.denominator
        if not tree.shape and not is_scalar(tree):
            mark = len(self._labels)
            try:
                return self._quotient(top, bottom)
            except NoMatrixForm:
                del self._labels[mark:]
        above, below = self._entry_of(top, labels), self._entry_of(bottom, labels)
        if above.width <= 14 and not above.tall and above.level != OPEN:
            return fraction_of(above, below)
        body = bracket(above) if above.level == ADD else above
        return product_of([fraction_of(number_formula(ONE), below), body])

    def _entry_matmul(self, tree: MatMul, labels: tuple[str | None, ...]) -> Formula:
        mark = len(self._labels)
        try:
            written = self._matmul(tree)
        except NoMatrixForm:
            del self._labels[mark:]
            return self._entry_contraction(tree, labels)
        if not tree.shape:
            return written
        return Formula(scripted(bracket(written), subscript(self._pieces(labels))).parts, ATOM)

    def _entry_contraction(self, tree: MatMul, labels: tuple[str | None, ...]) -> Formula:
        """A product with batch axes, as a sum over the middle index."""
        *first, right = tree.factors
        left = first[0] if len(first) == 1 else MatMul(self._matmul_shape(first), tuple(first))
        label = self._fresh()
        inner = left.shape[-1]
        a, b = len(left.shape), len(right.shape)
        batch = labels[: max(a, b) - 2] if max(a, b) > 2 else ()
        row = labels[len(batch)] if a > 1 else None
        column = labels[-1] if b > 1 else None
        left_labels = (*batch[len(batch) - max(a - 2, 0) :], row, label) if a > 1 else (label,)
        right_labels = (*batch[len(batch) - max(b - 2, 0) :], label, column) if b > 1 else (label,)
        body = product_of([self._entry_of(left, left_labels), self._entry_of(right, right_labels)])
        self._release(1)
        return self._summed([(label, inner)], body)

    @staticmethod
    def _matmul_shape(factors: Sequence[Tree]) -> Shape:
        shape = factors[0].shape
        for factor in factors[1:]:
            if len(factor.shape) == 1:
                shape = shape[:-1]
            elif len(shape) == 1:
                shape = (*factor.shape[:-2], factor.shape[-1])
            else:
                batch = max(shape[:-2], factor.shape[:-2], key=len)
                shape = (*batch, shape[-2], factor.shape[-1])
        return shape

    def _summed(self, bound: Sequence[tuple[str, Expr]], body: Formula) -> Formula:
        heads: list[Part] = []
        for label, size in bound:
            top = number_formula(size)
            tex = rf"\sum_{{{self._label(label).tex}=1}}^{{{flat(top.parts)}}}"
            heads.append(Piece(tex, 1.6 + max(0.0, SCRIPT * top.width - 1.4), 1, "big"))
        inside = bracket(body) if body.level == ADD else body
        return Formula((*heads, *inside.parts), OPEN) if heads else inside

    def _entry_index(self, tree: Index, labels: tuple[str | None, ...]) -> Formula:
        inner: list[str | None] = []
        rest = iter(labels)
        for key in tree.keys:
            if key is None:
                next(rest)
            elif key == ":":
                inner.append(next(rest))
            else:
                assert not isinstance(key, str)
                inner.append("#" + flat(number_formula(key + 1).parts))
        inner.extend(rest)
        return self._entry(tree.operand, tuple(inner))

    def _entry_call(self, tree: Call, labels: tuple[str | None, ...]) -> Formula:
        name, arguments = tree.function, tree.arguments
        match name:
            case "sum" | "prod" | "logsumexp" | "norm":
                return self._entry_reduction(tree, labels)
            case "outer":
                a, b = arguments
                return product_of(
                    [self._entry_of(a, labels[: len(a.shape)]), self._entry_of(b, labels[len(a.shape) :])]
                )
            case "einsum":
                return self._entry_einsum(tree, labels)
            case "transpose":
                order = tree.axis if isinstance(tree.axis, tuple) else tuple(range(len(labels)))[::-1]
                inner: list[str | None] = [None] * len(labels)
                for position, axis in enumerate(order):
                    inner[axis] = labels[position]
                return self._entry(arguments[0], tuple(inner))
            case "eye":
                return self._delta(self._pieces(labels))
            case "basis":
                return self._delta([*self._pieces(labels), self._position(self._basis_index(tree))])
            case "ones":
                return number_formula(ONE)
            case "zeros":
                return number_formula(Integer(0))
            case "arange":
                label = self._pieces(labels)[0]
                return Formula((label, MINUS, Piece("1", 0.5, 0, "digit")), ADD)
            case "diag" if len(tree.shape) == 1:
                return self._entry(arguments[0], (labels[0], labels[0]))
            case "diag" if len(tree.shape) == 2:
                return product_of([self._entry(arguments[0], labels[:1]), self._delta(self._pieces(labels))])
            case "softmax" | "log_softmax":
                return self._entry_softmax(tree, labels)
            case "trace":
                label = self._fresh()
                body = self._entry(arguments[0], (label, label))
                self._release(1)
                return self._summed([(label, arguments[0].shape[0])], body)
        return elementwise(replace(tree, shape=()), [self._entry_of(a, labels) for a in arguments])

    @staticmethod
    def _delta(pieces: Sequence[Piece]) -> Formula:
        script = subscript(pieces)
        return Formula((Piece(rf"\delta{script.tex}", 0.5 + script.width),), ATOM)

    def _entry_softmax(self, tree: Call, labels: tuple[str | None, ...]) -> Formula:
        try:
            inner = self._softmax(replace(tree, function="softmax"))
            entry = Formula(scripted(replace(inner, level=ATOM), subscript(self._pieces(labels))).parts, ATOM)
            return entry if tree.function == "softmax" else function_of(r"\log", 1.3, entry)
        except NoMatrixForm:
            operand = tree.arguments[0]
            top = exponential_of(self._entry(operand, labels))
            axis = (tree.axis if isinstance(tree.axis, int) else -1) % len(labels)
            outer = tuple(label for position, label in enumerate(labels) if position != axis)
            below = self._big(r"\sum", Call(operand.shape, "exp", (operand,)), outer, (axis,))
            ratio = fraction_of(top, below)
            return ratio if tree.function == "softmax" else function_of(r"\log", 1.3, ratio)

    def _entry_reduction(self, tree: Call, labels: tuple[str | None, ...]) -> Formula:
        operand, axes = tree.arguments[0], self._axes(tree)
        if tree.keepdims:
            labels = tuple(label for position, label in enumerate(labels) if position not in axes)
        if tree.function == "prod":
            return self._big(r"\prod", operand, labels, axes)
        if tree.function == "norm":
            square = Pow(operand.shape, operand, Num((), TWO))
            return root_of(self._big(r"\sum", square, labels, axes))
        if tree.function == "logsumexp":
            total = self._big(r"\sum", Call(operand.shape, "exp", (operand,)), labels, axes)
            head = Piece(r"\log", 1.4, 0, "function")
            return Formula((head, *total.parts), OPEN, (head, Bracket("(", ")", total.parts)))
        return self._big(r"\sum", operand, labels, axes)

    def _entry_einsum(self, tree: Call, labels: tuple[str | None, ...]) -> Formula:
        inputs, _, output = tree.subscripts.replace(" ", "").partition("->")
        names: dict[str, str | None] = dict(zip(output, labels, strict=True))
        bound: list[tuple[str, Expr]] = []
        for text, argument in zip(inputs.split(","), tree.arguments, strict=True):
            for letter, size in zip(text, argument.shape, strict=True):
                if letter not in names:
                    if is_one(size):
                        names[letter] = None
                        continue
                    label = self._fresh()
                    names[letter] = label
                    bound.append((label, size))
        factors = [
            self._entry_of(argument, tuple(names[letter] for letter in text))
            for text, argument in zip(inputs.split(","), tree.arguments, strict=True)
        ]
        body = product_of(ordered(factors)) if factors else number_formula(ONE)
        self._release(len(bound))
        return self._summed(bound, body)


# -- the front -------------------------------------------------------------------------------------------


def tree_formula(tree: Tree) -> Formula:
    """The tree as a formula that can be laid out over lines."""
    return _Writer([tree]).write(tree)


def tree_latex(tree: Tree) -> str:
    r"""The tree in LaTeX (amsmath), on one line.

    >>> from sympy import Symbol
    >>> n = Symbol("n", integer=True, positive=True)
    >>> a, b = Name((n,), "a"), Name((n,), "b")
    >>> tree_latex(Call((), "sum", (Mul((n,), (a, b)),)))
    '\\sum_{i=1}^{n}a_{i}b_{i}'
    """
    return formula_latex(tree_formula(tree))


def tree_lines(tree: Tree, width: float, first: float | None = None) -> list[str]:
    """The tree in LaTeX over lines of at most ``width`` em; see :func:`formula_lines`."""
    return formula_lines(tree_formula(tree), width, first)


_WHERE = Piece(r"\quad\text{where } ", 3.6)
_EQUALS = Piece(" = ", 1.34, 0, "op")


def where_formulas(definitions: Sequence[tuple[str, Tree]]) -> list[Formula]:
    """Each definition as ``z = Xw``."""
    return [Formula((*name_formula(name).parts, _EQUALS, *tree_formula(tree).parts), ADD) for name, tree in definitions]


def array_formula(array: Array, where: bool = True) -> Formula:
    """The array as a formula, its definitions behind it (``where=False`` leaves them out)."""
    lifted = lift_array(array)
    formula = tree_formula(lifted.tree)
    if not where or not lifted.definitions:
        return formula
    parts: list[Part] = [*formula.parts, Break(), _WHERE]
    for position, definition in enumerate(where_formulas(lifted.definitions)):
        if position:
            parts += [Break(), Piece(r",\; ", 0.6)]
        parts += definition.parts
    return Formula(tuple(parts), ADD)


def array_latex(array: Array) -> str:
    r"""The array in LaTeX, with ``\quad\text{where } z = Xw`` for its definitions.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> array_latex(np.sum((sd.array("X", n, d) @ sd.array("w", d)) ** 2) / n)
    '\\frac{1}{n}\\lVert Xw\\rVert^{2}'
    """
    return formula_latex(array_formula(array))


def array_lines(array: Array, width: float, first: float | None = None, where: bool = True) -> list[str]:
    """The array in LaTeX over lines of at most ``width`` em; see :func:`formula_lines`."""
    return formula_lines(array_formula(array, where), width, first)


_RELATIONS = {"==": "=", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "!=": r"\ne"}


def relation_formula(relation: Relation) -> Formula:
    """A relation between two nodes, e.g. a condition ``x > 0``."""
    left, right = lift(relation.lhs).tree, lift(relation.rhs).tree
    sign = Piece(f" {_RELATIONS[relation.op]} ", 1.34, 0, "op")
    return Formula((*tree_formula(left).parts, Break(), sign, *tree_formula(right).parts), ADD)


def relation_latex(relation: Relation) -> str:
    """A relation in LaTeX, on one line."""
    return formula_latex(relation_formula(relation))
