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
    Eq,
    Expr,
    Function,
    Heaviside,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Le,
    Lt,
    Max,
    Min,
    Mod,
    Mul,
    Ne,
    Piecewise,
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
from symderive.language import functions
from symderive.language.arrays import Array, shape_text
from symderive.language.domains import real
from symderive.language.nodes import (
    Basis,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Range,
    Sum,
)


def _arguments(applied: Any) -> tuple[Any, ...]:
    return applied.args


def _sigmoid(x: Any) -> Any:
    return expit(x)


def _indexed(name: str, shape: Sequence[Expr], indices: tuple[Any, ...]) -> Any:
    base: Any = IndexedBase(name, shape=Tuple(*shape))
    return base[indices]


class expit(Function):
    """The sigmoid σ(x) = 1/(1 + exp(-x)); ``doit`` and ``rewrite(exp)`` write it out.

    >>> from sympy import Symbol, exp
    >>> from symderive.language.views.components import expit
    >>> expit(Symbol("x")).rewrite(exp)
    1/(1 + exp(-x))
    """

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """σ' = σ(x) σ(-x)."""
        (x,) = _arguments(self)
        return _sigmoid(x) * _sigmoid(-x)

    def doit(self, **hints: Any) -> Any:
        """The sigmoid by its meaning."""
        (x,) = _arguments(self)
        return 1 / (1 + exp(-(x.doit(**hints) if hints.get("deep", True) else x)))

    def _eval_rewrite_as_exp(self, arg: Any, **_: Any) -> Any:
        return 1 / (1 + exp(-arg))

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


class logaddexp(Function):
    """log(exp(x) + exp(y)); ``doit`` and ``rewrite(exp)`` write it out."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """The sigmoid of the difference."""
        x, y = _arguments(self)
        return _sigmoid(x - y) if argindex == 1 else _sigmoid(y - x)

    def doit(self, **hints: Any) -> Any:
        """The function by its meaning."""
        x, y = (a.doit(**hints) if hints.get("deep", True) else a for a in _arguments(self))
        return log(exp(x) + exp(y))

    def _eval_rewrite_as_exp(self, x: Any, y: Any, **_: Any) -> Any:
        return log(exp(x) + exp(y))

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        x, y = (printer._print(a) for a in self.args)
        body = rf"\log\left(e^{{{x}}} + e^{{{y}}}\right)"
        return body if exp is None else rf"\left({body}\right)^{{{exp}}}"


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
    "boxcox": lambda x, k: Piecewise(((x**k - 1) / k, Ne(k, 0)), (log(x), True)),
    "inv_boxcox": lambda x, k: Piecewise(((k * x + 1) ** (1 / k), Ne(k, 0)), (exp(x), True)),
    "floor": floor,
    "ceil": ceiling,
    "rint": lambda x: Piecewise(
        (2 * floor(x / 2 + S.Half / 2), Eq(x - floor(x), S.Half)), (floor(x + S.Half), True)
    ),
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
        at = [*indices, *bound]
        product = Mul(*(self.entry(f, tuple(at[label] for label in labels)) for f, labels in node.factors))
        if bound:
            limits = [(b, 1, node.label_dims[label]) for b, label in zip(bound, node.bound, strict=True)]
            product = SymbolicSum(product, *limits)
        return node.coefficient * product

    def map(self, node: Map, indices: tuple[Any, ...]) -> Any:
        arguments = [self.entry(a, indices if a.shape else ()) for a in node.arguments]
        if node.function == "where":
            return Piecewise((arguments[1], self.condition(arguments[0])), (arguments[2], True))
        if node.function in _MASKS:
            return Piecewise((1, _MASKS[node.function](*arguments)), (0, True))
        if node.function in _DIRECT:
            return _DIRECT[node.function](*arguments)
        # A number stays one: an order has to be.
        leaves = [
            a if isinstance(a, Number) else Leaf(f"argument{k}", (), real) for k, a in enumerate(node.arguments)
        ]
        meaning = functions.meaning(node.function, leaves)
        if meaning is None:
            raise UnsupportedError(f"the function {node.function} has no component view yet")
        written = self.entry(meaning, ())
        places = {
            scalar_symbol(leaf): a for leaf, a in zip(leaves, arguments, strict=True) if isinstance(leaf, Leaf)
        }
        return written.subs(places, simultaneous=True)

    @staticmethod
    def condition(mask: Any) -> Any:
        """The condition that a mask stands for: it is not 0."""
        if isinstance(mask, Piecewise):
            cases: list[Any] = list(mask.args)
            if [case[0] for case in cases] == [1, 0]:
                return cases[0][1]
        return Ne(mask, 0)

    def opaque(self, node: Opaque, indices: tuple[Any, ...]) -> Any:
        body = node.arguments[0]
        summed = self.index()
        limits = (summed, Integer(1), body.shape[-1])
        keeps = len(indices) == body.rank
        inner = self.entry(body, (*(indices[:-1] if keeps else indices), summed))
        match node.function:
            case "prod":
                return Product(inner, limits)
            case "logsumexp":
                return log(SymbolicSum(exp(inner), limits))
            case "softmax":
                return exp(self.entry(body, indices)) / SymbolicSum(exp(inner), limits)
            case "log_softmax":
                return self.entry(body, indices) - log(SymbolicSum(exp(inner), limits))
        raise UnsupportedError(f"the array function {node.function} has no component view yet")


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
    return maker.entry(array.node, tuple(by_axis[k] for k in range(array.node.rank)))
