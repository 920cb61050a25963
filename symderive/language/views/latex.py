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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, count, groupby, zip_longest
from typing import final

from sympy import Dummy, Expr, Integer, Symbol

from symderive.errors import UnsupportedError
from symderive.language.arrays import Array
from symderive.language.statements import Relation
from symderive.language.views import latex_arrays as arrays
from symderive.language.views.formula import (
    ADD,
    ATOM,
    CALL,
    DIFFERENTIAL,
    FRACTION,
    HADAMARD,
    ITALIC,
    MUL,
    ONES,
    OPEN,
    OSLASH,
    PARTIAL,
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
    ends_in_script,
    exponential_of,
    flat,
    formula_latex,
    formula_lines,
    fraction_of,
    function_of,
    hadamard_of,
    has_mask,
    has_sum,
    log_of_call,
    mask_of,
    operator_of,
    product_of,
    root_of,
    scripted,
    sum_of,
    superscript,
)
from symderive.language.views.latex_arrays import Labels
from symderive.language.views.latex_bindings import binding_formula
from symderive.language.views.latex_functions import RELATIONS, NoMatrixForm, cases_of, elementwise, ordered
from symderive.language.views.latex_names import name_formula, name_latex, name_parts, number_formula, subscript
from symderive.language.views.latex_trees import (
    HALF,
    ONE,
    TWO,
    axes_of,
    ends,
    flattened,
    has_differential,
    inner_product,
    is_linear,
    is_one,
    is_scalar,
    picks_row,
    place,
    plainly,
    power_of_norm,
    running_product,
    signed,
    square_of,
    through,
)
from symderive.language.views.lift import lift, lift_array
from symderive.language.views.tree import (
    Add,
    Bind,
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
    Span,
    Transpose,
    Tree,
)

__all__ = [
    "Formula",
    "array_formula",
    "array_latex",
    "array_lines",
    "component_formula",
    "component_of",
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

_EQUALS = Piece(" = ", 1.34, 0, "op")
_LETTERS = "ijklmpqrstuvabcdefgh"


@final
class _Writer:
    """Writes one formula; knows which letters its names take, so that indices never collide.

    With ``moving`` (a variable as a tree) it writes entries and sums over indices
    throughout, and a differential as the partial derivative by an entry of the variable.
    """

    def __init__(self, notation: arrays.Notation, moving: Name | None = None) -> None:
        self.notation = notation
        self._labels: list[Symbol] = []
        self.held: Labels = ()
        self._moving: Formula | None = None
        self._places: dict[Symbol, Formula] = {}
        self._ends: dict[Symbol, set[Expr]] = {}
        if moving is not None:
            letters = (x for x in chain("klpq", (f"k{n}" for n in count(1))) if x not in notation.taken)
            self.held = tuple(Symbol(x, integer=True) for x, _ in zip(letters, moving.shape, strict=False))
            self._labels += [x for x in self.held if isinstance(x, Symbol)]
            self._moving = self.entry(moving, self.held)

    # indices

    def fresh(self) -> Symbol:
        """An index that nothing else is called."""
        used = self.notation.taken | {label.name for label in self._labels}
        names = chain(_LETTERS, (f"i{k}" for k in count(1)))
        label = Symbol(next(name for name in names if name not in used), integer=True)
        self._labels.append(label)
        return label

    def release(self, count: int) -> None:
        """Give back the indices made last."""
        for label in self._labels[len(self._labels) - count :]:
            self._ends.pop(label, None)
        del self._labels[len(self._labels) - count :]

    # entry points

    def write(self, tree: Tree) -> Formula:
        """The tree as a scalar, a column or a matrix; by its entries where it has no such form."""
        mark = len(self._labels)
        try:
            if len(tree.shape) > 2:
                raise NoMatrixForm
            return self.matrix(tree)
        except NoMatrixForm:
            del self._labels[mark:]
            return self.part(tree, ()) if tree.shape else self.entry(tree, ())

    def whole(self, tree: Tree) -> Formula:
        """The tree as the argument of a function of arrays; a name stands for an array of any rank."""
        return self.matrix(tree) if isinstance(tree, Name) else self.write(tree)

    def part(self, tree: Tree, labels: Labels) -> Formula:
        """The array that is left of a tree when its first axes are held at labels."""
        if labels and isinstance(tree, Name):
            self._runs(labels, tree.shape)
            return self._subscripted(tree, self._pieces(labels))
        rest = tuple(None if is_one(size) else self.fresh() for size in tree.shape[len(labels) :])
        inside = self.entry(tree, (*labels, *rest))
        sizes = tree.shape[len(labels) :]
        # A matrix of one column is a column, one of one row the transpose of one.
        flat_row = len(rest) == 2 and rest[0] is None and rest[1] is not None
        shown = [x for x in rest if x is not None] if len(rest) == 2 else rest
        script = subscript([self.running(x, size) for x, size in zip(rest, sizes, strict=True) if x in shown])
        self.release(sum(label is not None for label in rest))
        if not shown:
            return bracket(inside)
        # A mask is in square brackets itself.
        left, right = ("(", ")") if has_mask(inside) else ("[", "]")
        written = bracket(inside, left, right, script)
        return scripted(written, TOP) if flat_row else written

    def running(self, label: Symbol | None, size: Expr) -> Piece:
        r"""An index that runs over an axis: ``i``; ``i \le n - 1`` where no array that it picks from says how far."""
        piece = self.position(label)
        if label is None or size in self._ends.get(label, ()):
            return piece
        end = number_formula(size)
        return Piece(rf"{piece.tex} \le {flat(end.parts)}", piece.width + 1.3 + end.width, 0, "digit")

    def _runs(self, labels: Iterable[Expr | None], shape: Shape) -> None:
        """Note that indices pick from axes of an array."""
        for label, size in zip(labels, shape, strict=False):
            if isinstance(label, Symbol):
                self._ends.setdefault(label, set()).add(size)

    def position(self, label: Expr | None) -> Piece:
        """An index, counted from 1; None is the one index of an axis of length 1."""
        if label is None:
            return Piece("1", 0.5, 0, "digit")
        if isinstance(label, Symbol) and label in self._labels and len(label.name) == 1:
            return Piece(label.name, ITALIC[label.name])
        written = number_formula(label, self._places)
        return Piece(flat(written.parts), written.width, 0, "digit")

    def indexed(self, base: Formula, labels: Labels, shape: Shape) -> Formula:
        """The entry of a written array of a shape."""
        self._runs(labels, shape)
        script = subscript(self._pieces(labels))
        if base.level == ATOM and len(base.parts) == 1 and isinstance(base.parts[0], Piece):
            letter = base.parts[0]
            return Formula((replace(letter, tex=letter.tex + script.tex, width=letter.width + script.width),), ATOM)
        return Formula(scripted(base, script).parts, ATOM)

    # -- matrix notation ---------------------------------------------------------------------

    def matrix(self, tree: Tree) -> Formula:
        plain = plainly(tree)
        if plain is not None:
            return self.matrix(plain)
        match tree:
            case Name(text=text) if text in self.notation.right:
                return scripted(arrays.letter_of(self.notation.right[text]), TOP)
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
                return self.transposed(operand)
            case Call():
                return self._apply(tree)
            case Index():
                return self._index(tree)
            case D(operand=operand):
                return self._differential(self.write(operand))
            case Bind():
                return binding_formula(self, tree)
        raise UnsupportedError(f"the LaTeX writer has no form for {type(tree).__name__}")

    @staticmethod
    def _negated(inner: Formula) -> Formula:
        return Formula((SIGN, *at_least(inner, OPEN).parts), ADD)

    def _differential(self, inner: Formula) -> Formula:
        if self._moving is not None:
            below = Formula((PARTIAL, *self._moving.parts), MUL)
            if inner.level == ATOM:
                return fraction_of(Formula((PARTIAL, *inner.parts), MUL), below)
            return product_of([fraction_of(Formula((PARTIAL,), MUL), below), bracket(inner, "[", "]")])
        inner = inner if inner.level == ATOM else bracket(inner)
        return Formula((DIFFERENTIAL, *inner.parts), CALL)

    def _fit(self, tree: Tree, shape: Shape) -> Formula:
        """The tree broadcast to a shape: with columns and rows of ones where it is smaller."""
        if tree.shape == shape or not shape:
            return self.matrix(tree)
        ones = Formula((ONES,), ATOM)
        row_of_ones = Formula((ONES, TOP), POWER)
        if not tree.shape:
            spread = [ones] if len(shape) == 1 else [ones, row_of_ones]
            if tree == Num((), ONE):
                return product_of(spread)
            return product_of([self.matrix(tree), *spread])
        if len(shape) == 2 and len(tree.shape) == 1 and tree.shape[0] == shape[1]:
            return product_of([ones, self.transposed(tree)])
        if len(shape) == 2 and len(tree.shape) == 2:
            if tree.shape[0] == shape[0] and is_one(tree.shape[1]):
                return product_of([self.matrix(tree), row_of_ones])
            if tree.shape[1] == shape[1] and is_one(tree.shape[0]):
                return product_of([ones, self.matrix(tree)])
        raise NoMatrixForm

    def _column(self, tree: Tree) -> Formula:
        """What a 1-D, (n, 1) or (1, n) tree holds, as a column."""
        whole = isinstance(tree, Index) and all(k is None or k == ":" for k in tree.keys)
        if isinstance(tree, Index) and whole and len(tree.operand.shape) == 1:
            return self.matrix(tree.operand)
        if len(tree.shape) == 2 and is_one(tree.shape[0]) and not is_one(tree.shape[1]):
            return self.transposed(tree)
        return self.matrix(tree)

    def transposed(self, tree: Tree) -> Formula:
        match tree:
            case Name(text=text) if text in self.notation.right:
                return arrays.letter_of(self.notation.right[text])
            case Transpose(operand=operand) if len(operand.shape) == 2:
                return self.matrix(operand)
            case Index(operand=operand) if len(tree.shape) == 2 and len(operand.shape) == 1:
                if all(k is None or k == ":" for k in tree.keys):
                    inner = self.matrix(operand)
                    return inner if tree.keys[0] is None else scripted(inner, TOP)
            case Call(function="diag") if len(tree.shape) == 2:
                return self.matrix(tree)
            case Call(function="eye"):
                return self.matrix(tree)
            case Call(function="inv"):
                return arrays.inverse(self, tree, transposed=True)
            case Index() if picks_row(tree):
                return self._subscripted(tree.operand, self._keys(tree))
        blocks = arrays.turned(tree)
        if blocks is not None:
            return self.matrix(blocks)
        if len(tree.shape) > 2:
            raise NoMatrixForm
        return scripted(self.matrix(tree), TOP)

    def _mul(self, tree: Mul) -> Formula:
        scalars = [f for f in tree.factors if not f.shape]
        arrays = [f for f in tree.factors if f.shape]
        if len(scalars) > 1:
            scalars = [f for f in scalars if f != Num((), ONE)] or scalars[:1]
        # Numbers lead; fractions of numbers among the scalars stand first.
        scalars.sort(key=lambda f: not isinstance(f, Num))
        left = ordered([self.matrix(f) for f in scalars])
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
            return hadamard_of([self.matrix(a) for a in arrays])
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
        middle = hadamard_of([self.matrix(a) for a in full])
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
            middle = self.matrix(top)
            if len(bottom.shape) == 2 and is_one(bottom.shape[1]) and bottom.shape[0] == tree.shape[0]:
                return product_of([inverse, middle])
            if bottom.shape[-1] == tree.shape[1] and (len(bottom.shape) == 1 or is_one(bottom.shape[0])):
                return product_of([at_least(middle, MUL) if middle.level != HADAMARD else bracket(middle), inverse])
        if not top.shape and not is_scalar(top):
            ratio = chain_of([self._fit(Num((), ONE), tree.shape), self._fit(bottom, tree.shape)], OSLASH, HADAMARD)
            return product_of([self.matrix(top), bracket(ratio)])
        return chain_of([self._fit(top, tree.shape), self._fit(bottom, tree.shape)], OSLASH, HADAMARD)

    def _quotient(self, top: Tree, bottom: Tree) -> Formula:
        """A quotient by a scalar: ``\\frac{2}{n} X^{\\top} r``, with the scalars in the fraction."""
        below = self.matrix(bottom)
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
            return root if root is not None else root_of(self.matrix(base))
        found = power_of_norm(base, exponent)
        if found is not None:
            inner, order, power = found
            norm = self._norm(inner, self.matrix(order))
            return norm if power == 1 else scripted(norm, superscript(str(power), 0.5))
        written = self.matrix(exponent)
        if not base.shape and exponent == Num((), Integer(-1)):
            return fraction_of(number_formula(ONE), self.matrix(base))
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
        inside = self.matrix(inner)
        after = None if len(inner.shape) == 1 else Piece("_{F}", 0.5)
        return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), ATOM)

    def _base(self, tree: Tree) -> Formula:
        """A base of a power; ``\\sigma(z)`` needs no brackets of its own."""
        written = self.matrix(tree)
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
        written: list[Formula] = []
        for (factor, transposed), run in groupby(factors):
            times = len(list(run))
            if times == 1 or transposed or len(factor.shape) < 2:
                written += [self._factor(factor, transposed)] * times
            else:
                written.append(arrays.matrix_power(self, factor, times))
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
        written = self.transposed(tree) if transposed else self.matrix(tree)
        if written.level == OPEN:
            return written if written.closed is not None else bracket(written)
        return at_least(written, MUL) if isinstance(tree, Call) else at_least(written, FRACTION)

    def _norm_squared(self, tree: Tree) -> Formula:
        inside = self.matrix(tree)
        after = Piece("^{2}", 0.4) if len(tree.shape) < 2 else Piece("_{F}^{2}", 0.6)
        return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), POWER)

    def _index(self, tree: Index) -> Formula:
        operand, keys = tree.operand, tree.keys
        if all(k is None or k == ":" for k in keys):
            if len(operand.shape) == 1 and keys in ((None, ":"), (":", None), (None,)):
                inner = self.matrix(operand)
                return scripted(inner, TOP) if keys[0] is None else inner
            if not operand.shape and len(keys) == 1:
                return self.matrix(operand)
            if all(k == ":" for k in keys):
                return self.matrix(operand)
            raise NoMatrixForm
        tree = flattened(tree)
        operand, keys = tree.operand, tree.keys
        held = self._held(tree)
        if held is not None:
            return self.entry(operand, held)
        vector = arrays.singled(self, tree)
        if vector is not None:
            return vector
        if any(k is None or isinstance(k, Tree) for k in keys) or len(operand.shape) > 2:
            raise NoMatrixForm
        if arrays.backwards(tree) is not None:
            raise NoMatrixForm
        written = self._subscripted(operand, self._keys(tree))
        # A row is picked as a row; an array with one axis is a column.
        return scripted(replace(written, level=ATOM), TOP) if picks_row(tree) else written

    @staticmethod
    def _held(tree: Index) -> Labels | None:
        """The place of a single entry."""
        keys = [k for k in tree.keys if isinstance(k, Expr)]
        if len(keys) < len(tree.keys) or len(keys) < len(tree.operand.shape):
            return None
        return tuple(None if is_one(n) else place(k, n) for k, n in zip(keys, tree.operand.shape, strict=True))

    def _keys(self, tree: Index) -> list[Piece]:
        """A NumPy index counted from 1, with the last entry of a slice in it: ``2:n``, ``1:2:n``, ``n:-1:1``."""
        pieces: list[Piece] = []
        for key, size in zip_longest(tree.keys, tree.operand.shape, fillvalue=":"):
            if isinstance(key, Expr) and isinstance(size, Expr):
                pieces.append(self.position(place(key, size)))
            elif isinstance(key, Span) and isinstance(size, Expr):
                parts = [self.position(end) for end in ends(key, size)]
                tex = ":".join(part.tex for part in parts)
                pieces.append(Piece(tex, sum(part.width + 0.5 for part in parts) - 0.5, 0, "digit"))
            else:
                pieces.append(Piece(":", 0.5))
        return pieces

    def _subscripted(self, tree: Tree, pieces: Sequence[Piece]) -> Formula:
        script = subscript(pieces)
        if isinstance(tree, Name) and tree.text not in self.notation.right:
            base, subscripts = name_parts(tree.text)
            if not subscripts:
                return Formula((Piece(base.tex + script.tex, base.width + script.width, 0, base.kind),), ATOM)
            return Formula(scripted(bracket(name_formula(tree.text)), script).parts, ATOM)
        inner = self.matrix(tree)
        if isinstance(tree, Index) or ends_in_script(inner):
            # It has a subscript of its own.
            inner = bracket(inner)
        elif isinstance(tree, Call) and inner.level == CALL:
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
                return operator_of("tr", [self.matrix(arguments[0])])
            case "diag":
                return operator_of("diag", [self.matrix(arguments[0])])
            case "outer":
                left, right = arguments
                if len(left.shape) > 1 or len(right.shape) > 1:
                    raise NoMatrixForm
                a = self.matrix(left)
                return product_of([bracket(a) if a.level < MUL else a, scripted(self.matrix(right), TOP)])
            case "einsum" | "transpose":
                raise NoMatrixForm
            case "softmax" | "log_softmax":
                return self._softmax(tree)
            case "eye":
                size = number_formula(tree.sizes[0])
                return Formula((Piece(f"I_{{{flat(size.parts)}}}", 0.5 + SCRIPT * size.width, 0, "scripted"),), ATOM)
            case "ones" | "zeros":
                return self._constant(name, tree.sizes)
            case "arange":
                end = number_formula(tree.sizes[0] - 1)
                inside = Formula((Piece(r"0, 1, \dots, ", 3.2), *end.parts), ADD)
                return bracket(inside)
            case "basis":
                position = subscript([self.position(place(self._basis_index(tree), tree.shape[0]))])
                return Formula((Piece("e" + position.tex, 0.47 + position.width, 0, "scripted"),), ATOM)
            case "where" if not tree.shape:
                return self._entry_call(tree, ())
        form = arrays.FORMS.get(name)
        if form is not None:
            return form.matrix(self, tree)
        return elementwise(tree, [self.matrix(a) for a in self._alike(arguments)])

    @staticmethod
    def _basis_index(tree: Call) -> Expr:
        if tree.arguments and isinstance(tree.arguments[-1], Num):
            return tree.arguments[-1].value
        if len(tree.sizes) > 1:
            return tree.sizes[1]
        raise UnsupportedError("a unit vector without an index")

    def _constant(self, name: str, sizes: Shape) -> Formula:
        if name == "zeros":
            text = arrays.sizes_latex(sizes)
            if not text:
                return number_formula(Integer(0))
            return Formula((Piece(rf"\mathbf{{0}}_{{{text}}}", 0.6 + 0.5 * len(sizes), 0, "scripted"),), ATOM)
        factors = []
        for position, size in enumerate(sizes):
            if is_one(size):
                continue
            written = number_formula(size)
            tex = rf"\mathbf{{1}}_{{{flat(written.parts)}}}"
            piece = Piece(tex + (r"^{\top}" if position else ""), 0.58 + SCRIPT * written.width, 0, "scripted")
            factors.append(Formula((piece,), POWER if position else ATOM))
        if len(factors) > 2:
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
        inner = call_of(name, 4.0 + (1.2 if rank == 2 else 0), [self.matrix(operand)])
        return inner if tree.function == "softmax" else log_of_call(inner)

    def _sum_of(self, tree: Call) -> Formula:
        operand = tree.arguments[0]
        rank, axes = len(operand.shape), axes_of(tree)
        if rank == 2 and len(axes) == 1:
            ones = Formula((ONES,), ATOM)
            if axes == (1,):
                return product_of([self._factor(operand, False), ones])
            if tree.keepdims:
                return product_of([Formula((ONES, TOP), POWER), self._factor(operand, False)])
            return product_of([self._factor(operand, True), ones])
        if len(axes) != rank or (tree.shape and not all(is_one(s) for s in tree.shape)):
            raise NoMatrixForm
        short: Callable[[], Formula] | None = None
        root = square_of(operand)
        if root is not None and root.shape and root.shape == operand.shape:
            short = partial(self._norm_squared, root)
        elif arrays.is_nuclear(operand, axes):
            short = partial(arrays.nuclear_norm, self, operand, ())
        elif isinstance(operand, Call) and operand.function == "abs" and rank == 1:
            short = partial(self._norm, operand.arguments[0], number_formula(ONE))
        elif (pair := inner_product(operand)) is not None:
            short = partial(self._trace_of, *pair)
        return self._total(tree) if short is None else self._attempt(short, partial(self._total, tree))

    def _norm(self, tree: Tree, order: Formula) -> Formula:
        """The p-norm of a vector."""
        return arrays.norm_of(self.matrix(tree), flat(order.parts), order.width)

    def _trace_of(self, first: Tree, second: Tree) -> Formula:
        """The sum of the entries of the elementwise product of a transpose and a matrix."""
        factors = [f for tree in (first, second) for f in (tree.factors if isinstance(tree, MatMul) else (tree,))]
        return operator_of("tr", [self.matrix(MatMul((first.shape[0], second.shape[1]), tuple(factors)))])

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
        rank, axes = len(operand.shape), axes_of(tree)
        if len(axes) != rank or tree.shape:
            raise NoMatrixForm
        if tree.function == "norm":
            inside = self.matrix(operand)
            after = None if rank < 2 else Piece("_{F}", 0.5)
            return Formula((Bracket(r"\lVert ", r"\rVert", inside.parts, after, "norm"),), ATOM)
        if tree.function == "prod":
            return self._big(r"\prod", operand, ())
        return self._logsumexp(operand, ())

    def _logsumexp(self, operand: Tree, outer: Sequence[Expr | None]) -> Formula:
        total = self._big(r"\sum", Call(operand.shape, "exp", (operand,)), outer)
        head = Piece(r"\log", 1.4, 0, "function")
        return Formula((head, *total.parts), OPEN, (head, Bracket("(", ")", total.parts)))

    def _big(
        self, operator: str, operand: Tree, outer: Sequence[Expr | None], axes: tuple[int, ...] | None = None
    ) -> Formula:
        """``\\sum_{i=1}^{n}`` of the entries over the axes that ``outer`` does not give (the last ones)."""
        rank = len(operand.shape)
        if axes is None:
            axes = tuple(range(len(outer), rank))
        labels: list[Expr | None] = []
        given = iter(outer)
        heads: list[Part] = []
        made = 0
        for position, size in enumerate(operand.shape):
            if position not in axes:
                labels.append(next(given))
            elif is_one(size):
                labels.append(None)
            else:
                label = self.fresh()
                made += 1
                labels.append(label)
                top = number_formula(size)
                tex = rf"{operator}_{{{self.position(label).tex}=1}}^{{{flat(top.parts)}}}"
                heads.append(Piece(tex, 1.6 + max(0.0, SCRIPT * top.width - 1.4), 1, "big"))
        inside = self.entry(operand, tuple(labels))
        self.release(made)
        if inside.level == ADD and inside.parts[0] == SIGN and not has_sum(inside):
            positive = Formula((*heads, *inside.parts[1:]), OPEN)
            return self._negated(positive)
        if inside.level == ADD:
            inside = bracket(inside, "[", "]") if inside.width > 8 or inside.tall else bracket(inside)
        if not heads:
            return inside
        return Formula((*heads, *inside.parts), OPEN)

    # -- entries --------------------------------------------------------------------------------------

    def entry(self, tree: Tree, labels: Labels) -> Formula:
        """The entry of a tree at the labels (None where the axis has length 1)."""
        plain = plainly(tree)
        if plain is not None:
            return self.entry(plain, labels)
        if not tree.shape and not isinstance(tree, Add | Mul | Div | Pow | Neg):
            return self._scalar(tree)
        match tree:
            case Name(text=text) if text in self.notation.right:
                return self.indexed(arrays.letter_of(self.notation.right[text]), labels[::-1], tree.shape[::-1])
            case Name():
                self._runs(labels, tree.shape)
                return self._subscripted(tree, self._pieces(labels))
            case Num(value=value):
                return number_formula(value)
            case Neg() | Mul() | Div():
                sign, inner = signed(tree)
                if sign < 0:
                    return self._negated(self.entry_of(inner, labels))
                if isinstance(inner, Mul):
                    return self._entry_mul(inner, labels)
                if isinstance(inner, Div):
                    return self._entry_div(inner, labels)
                return self.entry_of(inner, labels)
            case Add(terms=terms):
                written = []
                for sign, term in terms:
                    inner_sign, inner = signed(term)
                    written.append((sign * inner_sign, self.entry_of(inner, labels)))
                return sum_of(written)
            case Pow(base=base, exponent=exponent):
                if exponent == Num((), HALF):
                    return root_of(self.entry_of(base, labels))
                if exponent == Num((), Integer(-1)):
                    return fraction_of(number_formula(ONE), self.entry_of(base, labels))
                power = self.entry_of(exponent, labels)
                inner = self.entry_of(base, labels)
                if isinstance(base, Call) and base.function == "expit":
                    inner = replace(inner, level=ATOM)
                return scripted(inner, superscript(flat(power.parts), power.width))
            case MatMul():
                return self._entry_matmul(tree, labels)
            case Transpose(operand=operand):
                return self.entry(operand, labels[::-1])
            case Index():
                return self._entry_index(tree, labels)
            case D(operand=operand):
                inner = self.entry(operand, labels)
                return self._differential(inner)
            case Bind():
                return binding_formula(self, tree)
            case Call():
                return self._entry_call(tree, labels)
        raise UnsupportedError(f"the LaTeX writer has no form for {type(tree).__name__}")

    def _scalar(self, tree: Tree) -> Formula:
        mark = len(self._labels)
        try:
            if self._moving is not None and isinstance(tree, Call | MatMul | Index | D):
                raise NoMatrixForm
            return self.matrix(tree)
        except NoMatrixForm:
            del self._labels[mark:]
            if isinstance(tree, Call):
                return self._entry_call(tree, ())
            if isinstance(tree, MatMul):
                return self._entry_matmul(tree, ())
            if isinstance(tree, Index):
                return self._entry_index(tree, ())
            if isinstance(tree, D):
                return self._differential(self.entry(tree.operand, ()) if self._moving else self.write(tree.operand))
            raise UnsupportedError(f"the LaTeX writer has no form for {type(tree).__name__}") from None

    def entry_of(self, tree: Tree, labels: Labels) -> Formula:
        """The entry of an operand that may broadcast: fewer axes, or axes of length 1."""
        own = labels[len(labels) - len(tree.shape) :] if tree.shape else ()
        return self.entry(tree, tuple(None if is_one(s) else i for s, i in zip(tree.shape, own, strict=True)))

    def _pieces(self, labels: Iterable[Expr | None]) -> list[Piece]:
        return [self.position(label) for label in labels]

    def _entry_mul(self, tree: Mul, labels: Labels) -> Formula:
        factors = [f for f in tree.factors if f != Num((), ONE)] or list(tree.factors[:1])
        factors.sort(key=lambda f: not isinstance(f, Num))
        written = [self.entry_of(f, labels) for f in factors]
        return product_of(ordered(written))

    def _entry_div(self, tree: Div, labels: Labels) -> Formula:
        top, bottom = tree.numerator, tree.denominator
        if not tree.shape and not is_scalar(tree):
            mark = len(self._labels)
            try:
                return self._quotient(top, bottom)
            except NoMatrixForm:
                del self._labels[mark:]
        above, below = self.entry_of(top, labels), self.entry_of(bottom, labels)
        if above.width <= 14 and not above.tall and above.level != OPEN:
            return fraction_of(above, below)
        body = bracket(above) if above.level == ADD else above
        return product_of([fraction_of(number_formula(ONE), below), body])

    def _entry_matmul(self, tree: MatMul, labels: Labels) -> Formula:
        mark = len(self._labels)
        try:
            if self._moving is not None:
                raise NoMatrixForm
            written = self._matmul(tree)
        except NoMatrixForm:
            del self._labels[mark:]
            return self._entry_contraction(tree, labels)
        if not tree.shape:
            return written
        return self.indexed(bracket(written), labels, tree.shape)

    def _entry_contraction(self, tree: MatMul, labels: Labels) -> Formula:
        """A product with batch axes, as a sum over the middle index."""
        *first, right = tree.factors
        left = first[0] if len(first) == 1 else MatMul(self._matmul_shape(first), tuple(first))
        label = self.fresh()
        inner = left.shape[-1]
        a, b = len(left.shape), len(right.shape)
        batch = labels[: max(a, b) - 2] if max(a, b) > 2 else ()
        row = labels[len(batch)] if a > 1 else None
        column = labels[-1] if b > 1 else None
        left_labels = (*batch[len(batch) - max(a - 2, 0) :], row, label) if a > 1 else (label,)
        right_labels = (*batch[len(batch) - max(b - 2, 0) :], label, column) if b > 1 else (label,)
        body = product_of([self.entry_of(left, left_labels), self.entry_of(right, right_labels)])
        self.release(1)
        return self.summed([(label, ONE, inner)], body)

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

    def summed(self, bound: Iterable[tuple[Symbol, Expr, Expr]], body: Formula) -> Formula:
        """The sum of a body over indices, each from a first to a last value."""
        heads: list[Part] = []
        for label, first, last in bound:
            low, top = self.position(first), self.position(last)
            tex = rf"\sum_{{{self.position(label).tex}={low.tex}}}^{{{top.tex}}}"
            heads.append(Piece(tex, 1.6 + max(0.0, SCRIPT * max(top.width, low.width + 0.8) - 1.4), 1, "big"))
        inside = bracket(body) if body.level == ADD else body
        return Formula((*heads, *inside.parts), OPEN) if heads else inside

    def _entry_index(self, tree: Index, labels: Labels) -> Formula:
        later = arrays.later_sum(self, tree, labels)
        if later is not None:
            return later
        own = iter(tree.operand.shape)
        inner: list[Expr | None] = []
        rest = iter(labels)
        # Arrays of indices run together along one axis, where the first of them stands.
        gathered: Expr | None = None
        for key in tree.keys:
            if key is None:
                next(rest)
                continue
            size = next(own)
            if isinstance(key, Tree):
                gathered = next(rest) if gathered is None else gathered
                inner.append(self._looked_up(key, gathered))
            elif isinstance(key, Expr):
                inner.append(None if is_one(size) else place(key, size))
            elif isinstance(key, Span):
                inner.append(through(key, size, next(rest)))
            else:
                inner.append(next(rest))
        inner.extend(rest)
        return self.entry(tree.operand, tuple(inner))

    def _looked_up(self, key: Tree, label: Expr | None) -> Expr:
        """The index, counted from 1, that an array of indices holds at a label."""
        if isinstance(key, Call) and key.function == "arange" and label is not None:
            return label
        found = Dummy()
        self._places[found] = self.entry(key, (label,))
        return found + 1

    def _entry_call(self, tree: Call, labels: Labels) -> Formula:
        name, arguments = tree.function, tree.arguments
        match name:
            case "sum" | "prod" | "logsumexp" | "norm":
                return self._entry_reduction(tree, labels)
            case "outer":
                a, b = arguments
                return product_of([self.entry_of(a, labels[: len(a.shape)]), self.entry_of(b, labels[len(a.shape) :])])
            case "einsum":
                return self._entry_einsum(tree, labels)
            case "transpose":
                order = tree.axis if isinstance(tree.axis, tuple) else tuple(range(len(labels)))[::-1]
                inner: list[Expr | None] = [None] * len(labels)
                for position, axis in enumerate(order):
                    inner[axis] = labels[position]
                return self.entry(arguments[0], tuple(inner))
            case "eye":
                return self._unit(labels)
            case "basis":
                return self._unit((*labels, place(self._basis_index(tree), tree.shape[0])))
            case "ones":
                return number_formula(ONE)
            case "zeros":
                return number_formula(Integer(0))
            case "arange":
                return number_formula((ONE if labels[0] is None else labels[0]) - 1, self._places)
            case "diag" if len(tree.shape) == 1:
                return self.entry(arguments[0], (labels[0], labels[0]))
            case "diag" if len(tree.shape) == 2:
                return product_of([self.entry(arguments[0], labels[:1]), self._unit(labels)])
            case "softmax" | "log_softmax":
                return self._entry_softmax(tree, labels)
            case "where" if isinstance(arguments[0], Call) and arguments[0].function in RELATIONS:
                return self._cases(tree, arguments[0], labels)
            case "trace":
                label = self.fresh()
                body = self.entry(arguments[0], (label, label))
                self.release(1)
                return self.summed([(label, ONE, arguments[0].shape[0])], body)
        form = arrays.FORMS.get(name)
        if form is not None:
            return form.entry(self, tree, labels)
        return elementwise(replace(tree, shape=()), [self.entry_of(a, labels) for a in arguments])

    def _cases(self, tree: Call, mask: Call, labels: Labels) -> Formula:
        """Two cases by a relation: the second where the relation does not hold."""
        sides = [self.entry_of(side, labels) for side in mask.arguments]
        values = [self.entry_of(value, labels) for value in tree.arguments[1:]]
        return cases_of(values, mask, sides)

    def _unit(self, labels: Labels) -> Formula:
        """The entry of the identity; with an index that is looked up, the mask that it is."""
        pieces = self._pieces(labels)
        if any(label is not None and label.free_symbols & self._places.keys() for label in labels):
            first, second = (Piece(piece.tex, piece.width) for piece in pieces)
            return mask_of((second, _EQUALS, first))
        script = subscript(pieces)
        return Formula((Piece(rf"\delta{script.tex}", 0.5 + script.width),), ATOM)

    def _entry_softmax(self, tree: Call, labels: Labels) -> Formula:
        try:
            inner = self._softmax(replace(tree, function="softmax"))
            entry = self.indexed(replace(inner, level=ATOM), labels, tree.shape)
            return entry if tree.function == "softmax" else log_of_call(entry)
        except NoMatrixForm:
            operand = tree.arguments[0]
            top = exponential_of(self.entry(operand, labels))
            axis = (tree.axis if isinstance(tree.axis, int) else -1) % len(labels)
            outer = tuple(label for position, label in enumerate(labels) if position != axis)
            below = self._big(r"\sum", Call(operand.shape, "exp", (operand,)), outer, (axis,))
            ratio = fraction_of(top, below)
            return ratio if tree.function == "softmax" else function_of(r"\log", 1.3, ratio)

    def _entry_reduction(self, tree: Call, labels: Labels) -> Formula:
        operand, axes = tree.arguments[0], axes_of(tree)
        if tree.keepdims:
            labels = tuple(label for position, label in enumerate(labels) if position not in axes)
        if tree.function == "prod":
            factors = running_product(operand, axes)
            if factors is not None and labels[-1] is not None:
                return self._up_to(r"\prod", factors, labels)
            return self._big(r"\prod", operand, labels, axes)
        if tree.function == "sum" and arrays.is_nuclear(operand, axes):
            return arrays.nuclear_norm(self, operand, labels)
        if tree.function == "norm":
            square = Pow(operand.shape, operand, Num((), TWO))
            return root_of(self._big(r"\sum", square, labels, axes))
        if tree.function == "logsumexp":
            total = self._big(r"\sum", Call(operand.shape, "exp", (operand,)), labels, axes)
            head = Piece(r"\log", 1.4, 0, "function")
            return Formula((head, *total.parts), OPEN, (head, Bracket("(", ")", total.parts)))
        return self._big(r"\sum", operand, labels, axes)

    def _up_to(self, operator: str, factors: Tree, labels: Labels) -> Formula:
        """A sum or product over the last axis, up to the last label."""
        *outer, last = labels
        assert last is not None
        label = self.fresh()
        inside = self.entry_of(factors, (*outer, label))
        head = rf"{operator}_{{{self.position(label).tex}=1}}^{{{self.position(last).tex}}}"
        self.release(1)
        body = bracket(inside) if inside.level == ADD else inside
        return Formula((Piece(head, 1.6, 1, "big"), *body.parts), OPEN)

    def _entry_einsum(self, tree: Call, labels: Labels) -> Formula:
        inputs, _, output = tree.subscripts.replace(" ", "").partition("->")
        names: dict[str, Expr | None] = dict(zip(output, labels, strict=True))
        bound: list[tuple[Symbol, Expr, Expr]] = []
        for text, argument in zip(inputs.split(","), tree.arguments, strict=True):
            for letter, size in zip(text, argument.shape, strict=True):
                if letter not in names:
                    if is_one(size):
                        names[letter] = None
                        continue
                    label = self.fresh()
                    names[letter] = label
                    bound.append((label, ONE, size))
        factors = [
            self.entry_of(argument, tuple(names[letter] for letter in text))
            for text, argument in zip(inputs.split(","), tree.arguments, strict=True)
        ]
        body = product_of(ordered(factors)) if factors else number_formula(ONE)
        self.release(len(bound))
        return self.summed(bound, body)


# -- the front -------------------------------------------------------------------------------------------


def tree_formula(tree: Tree) -> Formula:
    """The tree as a formula that can be laid out over lines."""
    return _Writer(arrays.Notation.of([tree])).write(tree)


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


def where_formulas(definitions: Sequence[tuple[str, Tree]], notation: arrays.Notation) -> list[Formula]:
    """Each definition as ``z = Xw``; the factors of a decomposition as ``S = LL^{\\top}``."""
    return [
        Formula((*left.parts, _EQUALS, *right.parts), ADD) for left, right in definition_formulas(definitions, notation)
    ]


def definition_formulas(
    definitions: Sequence[tuple[str, Tree]], notation: arrays.Notation | None = None
) -> list[tuple[Formula, Formula]]:
    """The two sides of each definition: ``z`` and ``Xw``, or a matrix and its factors.

    ``notation`` is that of the formula that they belong to.
    """
    out: list[tuple[Formula, Formula]] = []
    for name, tree in definitions:
        writer = _Writer(notation or arrays.Notation.of([tree], definitions))
        said = arrays.factored(writer, name, tree)
        said = said or (name_formula(name), writer.write(tree))
        out += [said] if said not in out else []
    return out


def array_formula(array: Array, where: bool = True) -> Formula:
    """The array as a formula, its definitions behind it (``where=False`` leaves them out)."""
    lifted = lift_array(array)
    notation = arrays.Notation.of([lifted.tree], lifted.definitions, short=where)
    writer = _Writer(notation)
    formula = writer.write(lifted.tree)
    if not where:
        return formula
    parts: list[Part] = [*formula.parts]
    for position, clause in enumerate([*where_formulas(lifted.definitions, notation), *arrays.clauses(writer)]):
        parts += [Break(), Piece(r",\; ", 0.6) if position else _WHERE, *clause.parts]
    return Formula(tuple(parts), ADD if len(parts) > len(formula.parts) else formula.level)


def component_formula(array: Array, variable: Array) -> Formula:
    """An array in components, differentials as partial derivatives by the entry of a variable.

    An array of the variable's shape is written at that entry.
    """
    tree, moving = lift_array(array).tree, lift_array(variable).tree
    assert isinstance(moving, Name)
    writer = _Writer(arrays.Notation.of([tree, moving]), moving)
    return writer.entry(tree, writer.held if tree.shape == moving.shape else ())


def component_of(name: str, variable: Array) -> Formula:
    """The partial derivative of something called ``name`` by an entry of a variable."""
    moving = lift_array(variable).tree
    assert isinstance(moving, Name)
    writer = _Writer(arrays.Notation.of([moving, Name((), name)]), moving)
    return writer.entry(D((), Name((), name)), ())


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
