"""The component view: a node as SymPy sums over indices, the way a teacher writes it.

Indices run from 1 to the dimension.  Free indices are named i, j, k, ... in the
order of the array's axes, every sum has a bound index of its own, and no index
has the name of an array or a dimension.  Definitions are written out.

SymPy applies its own automatic rules to what is made here (``x/x`` becomes 1,
``2*(a - b)`` is multiplied out), so this is a view to read and to compute with,
not the form that proofs speak about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from sympy import (
    Abs,
    Add,
    And,
    Determinant,
    Eq,
    Expr,
    Heaviside,
    Identity,
    Indexed,
    IndexedBase,
    Integer,
    Inverse,
    KroneckerDelta,
    Lambda,
    Le,
    Lt,
    MatAdd,
    MatMul,
    MatrixSymbol,
    Max,
    Min,
    Mod,
    Mul,
    Ne,
    Product,
    S,
    Symbol,
    Tuple,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    besseli,
    beta,
    ceiling,
    cos,
    cosh,
    digamma,
    erf,
    erfc,
    erfinv,
    exp,
    floor,
    gamma,
    jn,
    log,
    loggamma,
    lowergamma,
    pi,
    polygamma,
    sign,
    sin,
    sinc,
    sinh,
    sqrt,
    tan,
    tanh,
    uppergamma,
)
from sympy import Sum as SymbolicSum

from symderive.errors import ShapeError, UnknownNameError, UnsupportedError
from symderive.language import build, functions
from symderive.language.arrays import Array, shape_text
from symderive.language.domains import real
from symderive.language.nodes import (
    ON_MATRICES,
    Basis,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Map,
    Merge,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)
from symderive.language.symmetry import one_hot_of
from symderive.language.views import tree as t
from symderive.language.views.lift import lift
from symderive.language.views.sympy_functions import (
    Cases,
    CholeskyFactor,
    Eigenvalues,
    Eigenvectors,
    EntryMatrix,
    Largest,
    LeftSingularVectors,
    RightSingularVectors,
    SingularValues,
    Smallest,
    expit,
    logaddexp,
    with_piecewise,
)


def _indexed(name: str, shape: Sequence[Expr], indices: tuple[Any, ...]) -> Any:
    base: Any = IndexedBase(name, shape=Tuple(*shape))
    return base[indices]


_DIRECT: dict[str, Any] = {
    "exp": exp,
    "log": log,
    "abs": Abs,
    "sign": sign,
    "sin": sin,
    "cos": cos,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "tan": tan,
    "arcsin": asin,
    "arccos": acos,
    "arctan": atan,
    "arctan2": atan2,
    "arcsinh": asinh,
    "arccosh": acosh,
    "arctanh": atanh,
    "sinc": lambda x: sinc(pi * x),
    "spherical_jn": jn,
    "exp2": lambda x: 2**x,
    "exp10": lambda x: 10**x,
    "erf": erf,
    "erfc": erfc,
    "erfinv": erfinv,
    "ndtri": lambda p: sqrt(2) * erfinv(2 * p - 1),
    "gamma": gamma,
    "rgamma": lambda x: 1 / gamma(x),
    "gammaln": lambda x: log(Abs(gamma(x))),
    "loggamma": loggamma,
    "digamma": digamma,
    "polygamma": polygamma,
    "beta": beta,
    "gammainc": lambda a, x: lowergamma(a, x) / gamma(a),
    "gammaincc": lambda a, x: uppergamma(a, x) / gamma(a),
    "i0": lambda x: besseli(0, x),
    "i1": lambda x: besseli(1, x),
    "iv": besseli,
    "boxcox": lambda x, k: Cases((x**k - 1) / k, Ne(k, 0), log(x)),
    "inv_boxcox": lambda x, k: Cases((k * x + 1) ** (1 / k), Ne(k, 0), exp(x)),
    "floor": floor,
    "ceil": ceiling,
    "rint": lambda x: Cases(2 * floor(x / 2 + S.Half / 2), Eq(x - floor(x), S.Half), floor(x + S.Half)),
    "remainder": Mod,
    "maximum": Max,
    "minimum": Min,
    "heaviside": Heaviside,
    "expit": expit,
    "logaddexp": logaddexp,
    "log_expit": lambda x: log(expit(x)),
    "power": lambda x, y: x**y,
}
_MASKS: dict[str, Any] = {"lt": Lt, "le": Le, "eq": Eq, "ne": Ne}


def _relation(function: str, left: Any, right: Any) -> Any:
    """A relation; one of places alone with its numbers on one side, ``j <= i + 1``."""
    if not (left - right).has(Indexed):
        number, rest = (right - left).as_independent(Symbol, as_Add=True)
        positive = Add(*(term for term in Add.make_args(rest) if not term.could_extract_minus_sign()))
        left, right = positive - rest, positive + number
    return _MASKS[function](left, right)


def _cases(value: Any, condition: Any, otherwise: Any) -> Any:
    return Cases(value, condition, otherwise)


def scalar_symbol(leaf: Leaf) -> Symbol:
    """The SymPy symbol of a scalar array: real, and positive where its domain says so."""
    entries = leaf.domain.entries
    assumptions: dict[str, bool] = {"real": True}
    if entries.is_positive:
        assumptions["positive"] = True
    elif entries.is_nonnegative:
        assumptions["nonnegative"] = True
    if entries.integer:
        assumptions["integer"] = True
    return Symbol(leaf.name, **assumptions)


def _fresh_names(taken: set[str]) -> Iterator[str]:
    for k in count():
        for letter in "ijklpqrstuv":
            name = letter if k == 0 else f"{letter}{k}"
            if name not in taken:
                yield name


class _Components:
    def __init__(self, node: Node, indices: Sequence[Any]) -> None:
        taken = {str(i) for i in indices}
        for n in node.walk():
            if isinstance(n, Leaf | Named):
                taken.add(n.name)
            if isinstance(n, Differential) and isinstance(n.body, Leaf):
                taken.add(f"d{n.body.name}")
            values: list[Expr] = list(n.shape)
            if isinstance(n, Contraction):
                values += [*n.label_dims, n.coefficient]
            if isinstance(n, Number):
                values.append(n.value)
            for value in values:
                taken |= {str(s) for s in value.free_symbols}
        self.names = _fresh_names(taken)

    def index(self) -> Symbol:
        """An index that nothing else is called."""
        return Symbol(next(self.names), integer=True)

    def entry(self, node: Node, indices: tuple[Any, ...]) -> Any:
        """The entry of a node at indices counted from 1."""
        match node:
            case Leaf():
                if not node.shape:
                    return scalar_symbol(node)
                return _indexed(node.name, node.shape, indices)
            case Number():
                return node.value
            case Delta():
                return KroneckerDelta(*indices)
            case Basis():
                return KroneckerDelta(indices[0], node.index + 1)
            case Range():
                return indices[0] - 1
            case Slice():
                return KroneckerDelta(indices[0], node.start + 1 + node.step * (indices[1] - 1))
            case Merge():
                return KroneckerDelta(indices[0], (indices[1] - 1) * node.second + indices[2])
            case Named():
                return self.entry(node.body, indices)
            case Sum():
                return Add(*(weight * self.entry(term, indices) for weight, term in node.terms))
            case Contraction():
                return self.contraction(node, indices)
            case Map():
                return self.map(node, indices)
            case Opaque():
                return self.opaque(node, indices)
            case Differential(body=Leaf() as leaf):
                name = f"d{leaf.name}"
                return _indexed(name, leaf.shape, indices) if leaf.shape else Symbol(name, real=True)
        raise UnsupportedError(f"{type(node).__name__} has no component view yet")

    def contraction(self, node: Contraction, indices: tuple[Any, ...]) -> Any:
        bound = [self.index() for _ in node.bound]
        work = _Bound([*indices, *bound], dict(zip(bound, (node.label_dims[x] for x in node.bound), strict=True)))
        factors = work.used_up(node, self)
        product = Mul(*(self.entry(f, tuple(work.at[label] for label in labels)) for f, labels in factors))
        if work.conditions:
            product = _cases(product, And(*work.conditions), Integer(0))
        if work.sizes:
            product = SymbolicSum(product, *((b, 1, size) for b, size in work.sizes.items()))
        return node.coefficient * product

    def map(self, node: Map, indices: tuple[Any, ...]) -> Any:
        arguments = [self.entry(a, indices if a.shape else ()) for a in node.arguments]
        if node.function == "where":
            return _cases(arguments[1], self.condition(arguments[0]), arguments[2])
        if node.function in _MASKS:
            return _cases(Integer(1), _relation(node.function, *arguments), Integer(0))
        if node.function in _DIRECT:
            return _DIRECT[node.function](*arguments)
        # A number stays one: an order has to be.
        leaves = [a if isinstance(a, Number) else Leaf(f"argument{k}", (), real) for k, a in enumerate(node.arguments)]
        meaning = functions.meaning(node.function, leaves)
        if meaning is None:
            raise UnsupportedError(f"the function {node.function} has no component view yet")
        written = self.entry(meaning, ())
        places = {scalar_symbol(leaf): a for leaf, a in zip(leaves, arguments, strict=True) if isinstance(leaf, Leaf)}
        return written.subs(places, simultaneous=True)

    @staticmethod
    def condition(mask: Any) -> Any:
        """The condition that a mask stands for: it is not 0."""
        if isinstance(mask, Cases):
            value, condition, otherwise = mask.args
            if (value, otherwise) == (1, 0):
                return condition
        return Ne(mask, 0)

    def opaque(self, node: Opaque, indices: tuple[Any, ...]) -> Any:
        body = node.arguments[0]
        if node.function in ON_MATRICES:
            return self.of_matrix(node.function, body, indices)
        summed = self.index()
        limits = (summed, Integer(1), body.shape[-1])
        keeps = len(indices) == body.rank
        inner = self.entry(body, (*(indices[:-1] if keeps else indices), summed))
        match node.function:
            case "prod":
                return Product(inner, limits)
            case "max":
                return Largest(inner, limits)
            case "min":
                return Smallest(inner, limits)
            case "is_max" | "is_min":
                best = Largest(inner, limits) if node.function == "is_max" else Smallest(inner, limits)
                return _cases(Integer(1), Eq(self.entry(body, indices), best), Integer(0))
            case "logsumexp":
                return log(SymbolicSum(exp(inner), limits))
            case "softmax":
                return exp(self.entry(body, indices)) / SymbolicSum(exp(inner), limits)
            case "log_softmax":
                return self.entry(body, indices) - log(SymbolicSum(exp(inner), limits))
        raise UnsupportedError(f"the array function {node.function} has no component view yet")

    def of_matrix(self, function: str, body: Node, indices: tuple[Any, ...]) -> Any:
        """A number or an entry of a function of matrices; SymPy counts a matrix's entries from 0."""
        matrix = self.matrix(body, indices[: body.rank - 2])
        inner = [index - 1 for index in indices[body.rank - 2 :]]
        match function, inner:
            case "inv", [i, j]:
                return Inverse(matrix)[i, j]
            case "det", []:
                return Determinant(matrix)
            case "logabsdet", []:
                return log(Abs(Determinant(matrix)))
            case "signdet", []:
                return sign(Determinant(matrix))
            case "cholesky", [i, j]:
                return CholeskyFactor(matrix)[i, j]
            case "eigvalsh", [i]:
                return Eigenvalues(matrix)[i, 0]
            case "eigvecs", [i, j]:
                return Eigenvectors(matrix)[i, j]
            case "svdvals", [i]:
                return SingularValues(matrix)[i, 0]
            case "svd_u", [i, j]:
                return LeftSingularVectors(matrix)[i, j]
            case "svd_vt", [i, j]:
                return RightSingularVectors(matrix)[j, i]
        raise UnsupportedError(f"the array function {function} has no component view yet")

    def matrix(self, body: Node, batch: tuple[Any, ...]) -> Any:
        """The matrix at the indices of a batch, of SymPy's matrices where it is made of whole ones, else by entries."""
        plain = build.without_names(body)
        found = None if batch else _whole_matrix(lift(plain).tree)
        if found is not None:
            return found
        rows, columns = self.index(), self.index()
        entry = self.entry(plain, (*batch, rows + 1, columns + 1))
        return EntryMatrix(*body.shape[-2:], Lambda((rows, columns), entry))


def _whole_matrix(tree: t.Tree) -> Any:
    """A tree of products, sums, transposes and inverses of matrices as a SymPy matrix; None where it is none."""
    if len(tree.shape) != 2:
        return None
    match tree:
        case t.Name(text=text):
            return MatrixSymbol(text, *tree.shape)
        case t.Transpose(operand=operand):
            inner = _whole_matrix(operand)
            return None if inner is None else inner.T
        case t.MatMul(factors=factors):
            parts = [_whole_matrix(f) for f in factors]
            return None if any(p is None for p in parts) else MatMul(*parts)
        case t.Add(terms=terms):
            parts = [_whole_matrix(term) for _, term in terms]
            if any(p is None for p in parts):
                return None
            return MatAdd(*(sign * p for (sign, _), p in zip(terms, parts, strict=True)))
        case t.Neg(operand=operand):
            inner = _whole_matrix(operand)
            return None if inner is None else -inner
        case t.Call(function="eye", sizes=sizes):
            return Identity(sizes[0])
        case t.Call(function="inv", arguments=(argument,)):
            inner = _whole_matrix(argument)
            return None if inner is None else Inverse(inner)
    return None


class _Bound:
    """The indices of a contraction: what stands at each label, and which are summed up to which size.

    What only says where an index stands (deltas, unit vectors, slices, gathers) is used up by putting
    that place for the index.
    """

    def __init__(self, at: list[Any], sizes: dict[Symbol, Expr]) -> None:
        self.at = at
        self.sizes = sizes
        self.conditions: list[Any] = []
        self.declared: set[Any] = set()

    def used_up(self, node: Contraction, maker: _Components) -> list[tuple[Node, Sequence[int]]]:
        """The factors that are left; ``at``, ``sizes`` and ``conditions`` say the rest."""
        left: list[tuple[Node, Sequence[int]]] = list(node.factors)
        self.declared = {self.at[x] for factor, labels in left if isinstance(factor, Leaf) for x in labels}
        while True:
            places = [([self.at[x] for x in labels], factor) for factor, labels in left]
            # Places that no other sum moves come first: what they are put for is gone then.
            uses = (
                (k, use, most) for most in (0, 1, 2) for use in (self._picks, self._places) for k in range(len(left))
            )
            done = next((k for k, use, most in uses if use(places[k][1], places[k][0], maker, most)), None)
            if done is None:
                return left
            del left[done]

    def _put(self, index: Any, place: Any, most: int) -> bool:
        """Put a place, in which at most so many other summed indices occur, for an index that is summed."""
        if index not in self.sizes or place.has(index) or len(place.free_symbols & self.sizes.keys()) > most:
            return False
        del self.sizes[index]
        self.at = [value.subs(index, place) for value in self.at]
        self.conditions = [condition.subs(index, place) for condition in self.conditions]
        return True

    def _picks(self, factor: Node, at: list[Any], maker: _Components, most: int) -> bool:
        """What says where an index stands, whatever the others are."""
        match factor:
            case Delta():
                return at[0] != at[1] and (self._put(at[1], at[0], most) or self._put(at[0], at[1], most))
            case Basis():
                # The sum over an axis of a declared array tells a reader how far it goes.
                return at[0] not in self.declared and self._put(at[0], factor.index + 1, most)
            case Slice():
                return self._put(at[0], factor.start + 1 + factor.step * (at[1] - 1), most)
            case Merge():
                return self._put(at[0], (at[1] - 1) * factor.second + at[2], most)
        found = one_hot_of(factor)
        if found is None:
            return False
        leaf, axes, place = found
        return self._put(at[place], maker.entry(leaf, tuple(at[a] for a in axes)) + 1, most)

    def _places(self, factor: Node, at: list[Any], maker: _Components, most: int) -> bool:
        """What puts an index among zeros, or joins two."""
        if isinstance(factor, Slice) and abs(factor.step) == 1:
            place = (at[0] - factor.start - 1) * factor.step + 1
            if self._put(at[1], place, most):
                if factor.count != factor.size:
                    self.conditions += [Le(1, place), Le(place, factor.count)]
                return True
        if isinstance(factor, Merge) and at[1] != at[2] and at[2] in self.sizes:
            row, column = floor((at[0] - 1) / factor.second) + 1, Mod(at[0] - 1, factor.second) + 1
            if not row.has(at[2]) and self._put(at[1], row, most):
                return self._put(at[2], column, 2)
        return False


def array_components(array: Array, indices: Sequence[Any] = ()) -> Any:
    """The entry of an array at indices, as a SymPy expression.

    ``indices`` has one index (a symbol, a name or an integer >= 1) for each
    axis; without it they are named i, j, k, ... in the order of the axes, avoiding
    the names of arrays and dimensions.  Indices run from 1 to the dimension.  A
    scalar array gives a plain expression.  Raises ``ShapeError`` for a wrong
    number of indices and ``UnsupportedError`` for what has no component view.

    >>> import symderive as sd
    >>> X, w = sd.array("X", "n", "d"), sd.array("w", "d")
    >>> (X @ w).to_sympy()
    Sum(X[i, j]*w[j], (j, 1, d))
    """
    if indices and len(indices) != array.ndim:
        raise ShapeError(f"{len(indices)} indices for an array of shape {shape_text(array.dims)}")
    given: list[Any] = []
    for index in indices:
        if isinstance(index, str):
            if not index.isidentifier():
                raise UnknownNameError(f"an index needs a name that is a Python identifier, got {index!r}")
            index = Symbol(index, integer=True)
        given.append(Integer(index) if isinstance(index, int) else index)
    maker = _Components(array.node, given)
    at = given or [maker.index() if axis is not None else Integer(1) for axis in array.axes]
    by_axis = {axis: index for axis, index in zip(array.axes, at, strict=True) if axis is not None}
    return with_piecewise(maker.entry(array.node, tuple(by_axis[k] for k in range(array.node.rank))))
