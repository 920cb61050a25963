"""NumPy text of a tree: what ``str(array)`` prints and ``sd.read`` reads back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sympy import Expr, Mul, Pow, Rational, S
from sympy.printing.precedence import precedence
from sympy.printing.str import StrPrinter

from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.arrays import Array
from symderive.language.functions import FUNCTIONS, Function
from symderive.language.nodes import ON_MATRICES
from symderive.language.views import tree as t
from symderive.language.views.lift import Lifted, lift_array

ADD, MULTIPLY, NEGATE, POWER, ATOM = 1, 2, 3, 4, 5
"""Precedence levels of Python's operators; ``@`` and ``*`` share one."""

_INFIX = {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_ARRAY_FUNCTIONS = {
    "sum": "np.sum",
    "trace": "np.trace",
    "diag": "np.diag",
    "outer": "np.outer",
    "einsum": "np.einsum",
    "prod": "np.prod",
    "logsumexp": "sd.logsumexp",
    "softmax": "sd.softmax",
    "log_softmax": "sd.log_softmax",
    "eye": "sd.eye",
    "ones": "sd.ones",
    "zeros": "sd.zeros",
    "arange": "sd.arange",
    "basis": "sd.basis",
    "norm": "np.linalg.norm",
    "transpose": "np.transpose",
    "max": "np.max",
    "min": "np.min",
    "tri": "np.tri",
    "tril": "np.tril",
    "triu": "np.triu",
    "cumsum": "np.cumsum",
    "concatenate": "np.concatenate",
    "stack": "np.stack",
    "reshape": "np.reshape",
    "pad": "np.pad",
    "kron": "np.kron",
}


class _NumberPrinter(StrPrinter):
    """SymPy constants as NumPy text."""

    def _print_Rational(self, expr: Expr) -> str:
        return t.decimal(expr) or super()._print_Rational(expr)

    def _print_Pi(self, expr: Expr) -> str:
        return "np.pi"

    def _print_Exp1(self, expr: Expr) -> str:
        return "np.e"

    def _print_Pow(self, expr: Expr, rational: bool = False) -> str:
        base, exponent = expr.as_base_exp()
        if exponent == S.Half:
            return f"np.sqrt({self._print(base)})"
        if exponent == -S.Half:
            return f"1/np.sqrt({self._print(base)})"
        return super()._print_Pow(expr, rational)

    def _print_Mul(self, expr: Expr) -> str:
        roots = [f for f in Mul.make_args(expr) if isinstance(f, Pow) and f.exp == S.Half]
        if len(roots) < 2:
            return super()._print_Mul(expr)
        root = f"np.sqrt({self._print(Mul(*(f.base for f in roots)))})"
        rest = Mul(*(f for f in Mul.make_args(expr) if f not in roots))
        return root if rest == 1 else f"{self.parenthesize(rest, precedence(expr))}*{root}"

    def _print_Function(self, expr: Expr) -> str:
        return f"np.{expr.func.__name__}({', '.join(self._print(a) for a in expr.args)})"

    def _print_Min(self, expr: Expr) -> str:
        return f"min({', '.join(self._print(a) for a in expr.args)})"

    def _print_Max(self, expr: Expr) -> str:
        return f"max({', '.join(self._print(a) for a in expr.args)})"

    _print_log = _print_Function
    _print_exp = _print_Function


_NUMBERS = _NumberPrinter()


def number_text(value: Expr) -> str:
    """A constant, exactly: ``2``, ``1/3``, ``np.sqrt(2*np.pi)``, ``n*d``."""
    return _NUMBERS.doprint(value)


def _number_level(value: Expr) -> int:
    if isinstance(value, Rational) and value > 0 and "/" not in number_text(value):
        return ATOM
    if value.is_Integer and value >= 0:
        return ATOM
    if value.is_Symbol or value is S.Pi or value is S.Exp1:
        return ATOM
    if value.is_Mul and all(isinstance(f, Pow) and f.exp == S.Half for f in value.args):
        return ATOM  # one root
    if isinstance(value, Rational) or value.is_Mul:
        return MULTIPLY
    if value.is_Add:
        return ADD
    if value.is_Pow:
        return ATOM if value.exp == S.Half else (POWER if value.exp.is_positive else MULTIPLY)
    return ATOM


def shape_args(sizes: t.Shape) -> str:
    """``n`` or ``(n, d)``."""
    texts = [number_text(s) for s in sizes]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def key_text(key: t.Key) -> str:
    """One key of an index: ``None``, ``:``, ``1:``, ``::2``, ``n - 1``."""
    match key:
        case None:
            return "None"
        case str():
            return key
        case t.Span(start=start, stop=stop, step=step):
            ends = ":".join("" if end is None else number_text(end) for end in (start, stop))
            return ends if step == 1 else f"{ends}:{number_text(step)}"
        case t.Tree():
            return tree_text(key)
    return number_text(key)


_NAMES: ContextVar[frozenset[str]] = ContextVar("_NAMES", default=frozenset())
"""The names in the text that is being written: a function of such a name is written in full."""


@contextmanager
def _naming(trees: Iterable[t.Tree]) -> Iterator[None]:
    found: set[str] = set(_NAMES.get())
    stack = list(trees)
    while stack:
        tree = stack.pop()
        if isinstance(tree, t.Name):
            found.add(tree.text)
        stack.extend(tree.children)
    token = _NAMES.set(frozenset(found))
    try:
        yield
    finally:
        _NAMES.reset(token)


def function_name(row: Function, names: Collection[str]) -> str:
    """The callable of a row where ``names`` mean something else: ``gamma``, or ``scipy.special.gamma``."""
    return f"scipy.special.{row.numpy}" if row.numpy in names else row.numpy


def tree_text(tree: t.Tree) -> str:
    """NumPy text of a tree."""
    with _naming([tree]):
        return _text(tree)[0]


def _text(tree: t.Tree) -> tuple[str, int]:
    match tree:
        case t.Name(text=text):
            return text, ATOM
        case t.Num(value=value):
            return number_text(value), _number_level(value)
        case t.Add(terms=terms):
            parts: list[str] = []
            for k, (sign, term) in enumerate(terms):
                text = _wrapped(term, MULTIPLY)
                parts.append(("-" if k == 0 else " - ") + text if sign < 0 else ("" if k == 0 else " + ") + text)
            return "".join(parts), ADD
        case t.Neg(operand=operand):
            if isinstance(operand, t.Mul | t.Div | t.MatMul):
                return "-" + _text(operand)[0], NEGATE if not isinstance(operand, t.Div) else MULTIPLY
            return "-" + _wrapped(operand, POWER), NEGATE
        case t.Mul(factors=factors):
            return _product(factors), MULTIPLY
        case t.Div(numerator=numerator, denominator=denominator):
            return f"{_head(numerator)} / {_wrapped(denominator, POWER)}", MULTIPLY
        case t.MatMul(factors=factors):
            return " @ ".join(_wrapped(f, POWER) for f in factors), MULTIPLY
        case t.Pow(base=base, exponent=exponent):
            if isinstance(exponent, t.Num) and exponent.value == S.Half:
                return f"np.sqrt({_text(base)[0]})", ATOM
            return f"{_wrapped(base, ATOM)}**{_wrapped(exponent, ATOM)}", POWER
        case t.Transpose(operand=operand):
            return f"{_wrapped(operand, ATOM)}.T", ATOM
        case t.Index(operand=operand, keys=keys):
            inner = ", ".join(key_text(k) for k in keys)
            return f"{_wrapped(operand, ATOM)}[{inner}]", ATOM
        case t.D(operand=t.Name(text=text)):
            return f"d{text}", ATOM
        case t.D(operand=operand):
            return f"d({_text(operand)[0]})", ATOM
        case t.Bind():
            return _binding(tree), ATOM
        case t.Call():
            return _call(tree)
    raise TypeError(f"no text for {type(tree).__name__}")


def _binding(tree: t.Bind) -> str:
    body = _text(tree.body)[0]
    if tree.kind != "derivative":
        low, high = (_text(e)[0] if e else "" for e in (*tree.low, *tree.high))
        return f"sd.{tree.kind}({body}, {tree.names[0]}, {low or '-inf'}, {high or 'inf'})"
    single = len(tree.names) == 1
    by = [n if single and k == 1 else f"{n}, {k}" for n, k in zip(tree.names, tree.orders, strict=True)]
    at = [_text(p)[0] for p in tree.low if p]
    where = f", at={at[0]}" if len(at) == 1 else f", at=({', '.join(at)})" if at else ""
    return f"sd.derivative({body}, {', '.join(by)}{where})"


def _wrapped(tree: t.Tree, level: int) -> str:
    text, own = _text(tree)
    return text if own >= level else f"({text})"


def _head(tree: t.Tree) -> str:
    """A numerator: products need no brackets, ``*``, ``@`` and ``/`` go from left to right."""
    return _wrapped(tree, MULTIPLY)


def _product(factors: tuple[t.Tree, ...]) -> str:
    parts: list[str] = []
    scalars_only = True
    for k, factor in enumerate(factors):
        if isinstance(factor, t.MatMul) and not (scalars_only and k == len(factors) - 1):
            parts.append(f"({_text(factor)[0]})")
        elif k == 0 and isinstance(factor, t.Num):
            parts.append(_wrapped(factor, MULTIPLY))
        elif isinstance(factor, t.MatMul):
            parts.append(_text(factor)[0])
        else:
            parts.append(_wrapped(factor, POWER if k else MULTIPLY))
        scalars_only = scalars_only and not factor.shape
    return " * ".join(parts)


def _call(tree: t.Call) -> tuple[str, int]:
    if tree.function in _INFIX:
        a, b = tree.arguments
        sign = _INFIX[tree.function]
        if isinstance(a, t.Num) and sign in ("<", "<="):
            a, b, sign = b, a, sign.replace("<", ">")
        return f"({_text(a)[0]} {sign} {_text(b)[0]})", ATOM
    if tree.function in FUNCTIONS:
        inner = ", ".join(_text(a)[0] for a in tree.arguments)
        return f"{function_name(FUNCTIONS[tree.function], _NAMES.get())}({inner})", ATOM
    if tree.function in ON_MATRICES:
        return ARRAY_FUNCTIONS[tree.function].numpy.format(_text(tree.arguments[0])[0]), ATOM
    arguments = [_text(a)[0] for a in tree.arguments]
    if tree.function in ("concatenate", "stack"):
        arguments = [f"[{', '.join(arguments)}]"]
    if tree.function == "pad":
        ends = [number_text(s) for s in tree.sizes]
        pairs = [f"({before}, {after})" for before, after in zip(ends[::2], ends[1::2], strict=True)]
        widths = pairs[0] if len(pairs) == 1 else f"({', '.join(pairs)})"
        return f"np.pad({arguments[0]}, {widths})", ATOM
    if tree.function == "reshape":
        return f"np.reshape({arguments[0]}, {shape_args(tree.sizes)})", ATOM
    if tree.function == "tri":
        sizes = tree.sizes[:1] if tree.sizes[0] == tree.sizes[1] else tree.sizes
        arguments = [number_text(s) for s in sizes]
    if tree.offset:
        arguments.append(f"k={tree.offset}")
    if tree.function == "tri":
        return f"np.tri({', '.join(arguments)})", ATOM
    if tree.subscripts:
        arguments.insert(0, repr(tree.subscripts))
    if tree.sizes:
        arguments.insert(0, shape_args(tree.sizes))
    matrix = bool(tree.arguments) and len(tree.arguments[0].shape) > 1
    if tree.axis is not None and (matrix or tree.function in ("sum", "stack")):
        arguments.append(f"axis={tree.axis}")
    if tree.keepdims:
        arguments.append("keepdims=True")
    return f"{_ARRAY_FUNCTIONS[tree.function]}({', '.join(arguments)})", ATOM


def lifted_text(lifted: Lifted) -> str:
    """The text with its ``where`` clauses."""
    with _naming([lifted.tree, *(tree for _, tree in lifted.definitions)]):
        return _with_definitions(tree_text(lifted.tree), lifted.definitions)


def _with_definitions(text: str, definitions: Iterable[tuple[str, t.Tree]]) -> str:
    clauses = ", ".join(f"{name} = {tree_text(tree)}" for name, tree in definitions)
    return f"{text}, where {clauses}" if clauses else text


def relation_text(lhs: Array, op: str, rhs: Array) -> str:
    """Both sides, then the definitions that they use."""
    left, right = lift_array(lhs), lift_array(rhs)
    definitions = dict((*left.definitions, *right.definitions))
    with _naming([left.tree, right.tree, *definitions.values()]):
        return _with_definitions(f"{tree_text(left.tree)} {op} {tree_text(right.tree)}", definitions.items())


def array_text(array: Array) -> str:
    """NumPy text of an array, definitions as ``where`` clauses."""
    return lifted_text(lift_array(array))
