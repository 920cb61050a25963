"""NumPy statements for planned operations.

Elementwise bodies are SymPy expressions, built without evaluation so that nothing is reordered or
distributed, and printed by ``sympy.lambdify`` with :class:`ElementwisePrinter`; the array
operations around them (``@``, sums, views) are written here.  Statements are made from operations,
never by looking into text.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sympy import Add, Expr, Function, Integer, Mul, Pow, Rational, Symbol, fraction, lambdify
from sympy.core.function import AppliedUndef
from sympy.printing.numpy import NumPyPrinter

from symderive.compilation.plan import Op, Plan, operations
from symderive.language.functions import FUNCTIONS
from symderive.language.views.text import function_name, number_text

__all__ = ["LINE", "ElementwisePrinter", "Statements", "imports", "number_source"]

#: The longest line of generated code.
LINE = 100

ADD, MULTIPLY, POWER, ATOM = 1, 2, 4, 5
"""Precedence of Python's operators; ``@``, ``*`` and ``/`` share one level."""

_ELEMENTWISE = frozenset({"add", "mul", "map", "pow", "num"})
_VIEWS = frozenset({"var", "num", "transpose", "lay", "pick", "diagonal", "copy", "eye", "unit", "arange"})
_INFIX = {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_PREFIX = "row_"
_SPECIAL_ARRAYS = frozenset({"logsumexp", "softmax", "log_softmax"})


@cache
def _function(name: str) -> Any:
    # A prefix, because SymPy's printers look for methods by the function's own name.
    return Function(_PREFIX + name)


def _decimal(value: Rational) -> str | None:
    """A short decimal that means exactly this number as far as floats go, or None."""
    text = repr(float(value))
    return text if len(text) <= 8 and Rational(text) == value else None


def number_source(value: Expr) -> tuple[str, int]:
    """Source text of a constant in the dimensions, and its precedence."""
    if isinstance(value, Integer):
        text = str(value) if abs(value) < 2**53 else repr(float(value))
        return text, ATOM if value >= 0 else ADD
    if isinstance(value, Rational):
        if max(abs(value.p), value.q) >= 2**53:
            return repr(float(value)), ATOM if value > 0 else ADD
        if (text := _decimal(value)) is not None:
            return text, ATOM if value > 0 else ADD
        return f"{number_source(Integer(value.p))[0]} / {number_source(Integer(value.q))[0]}", (
            MULTIPLY if value > 0 else ADD
        )
    if isinstance(value, Symbol):
        return str(value), ATOM
    if value.is_Mul and value.could_extract_minus_sign():
        text, level = number_source(-value)
        return "-" + (text if level >= MULTIPLY else f"({text})"), ADD
    numerator, denominator = fraction(value)
    if denominator != 1:
        top, level = number_source(numerator)
        low, below = number_source(denominator)
        top = top if level >= MULTIPLY else f"({top})"
        return f"{top} / {low if below >= POWER else f'({low})'}", MULTIPLY
    text = number_text(value)
    if value.is_Add:
        return text, ADD
    return text, MULTIPLY if value.is_Mul else ATOM if text.endswith(")") or text.isidentifier() else POWER


class ElementwisePrinter(NumPyPrinter):
    """SymPy's NumPy printer with our function rows' names, our spacing, and no reordering.

    ``texts`` gives the source text and the precedence of each symbol that stands for an array;
    ``names`` are taken by arrays, so that a function of such a name is written in full.
    """

    def __init__(self, texts: Mapping[Expr, tuple[str, int]], names: Collection[str] = ()) -> None:
        super().__init__({"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True})
        self.texts = texts
        self.names = names

    def _level(self, expr: Expr) -> int:
        if expr in self.texts:
            return self.texts[expr][1]
        if self._is_number(expr):
            return number_source(expr)[1]
        if isinstance(expr, Add):
            return ADD
        if isinstance(expr, Mul):
            first = expr.args[0]
            return ADD if self._is_number(first) and first.could_extract_minus_sign() else MULTIPLY
        if isinstance(expr, Pow):
            if expr.exp == Rational(1, 2):
                return ATOM
            return MULTIPLY if expr.exp.could_extract_minus_sign() else POWER
        return ATOM

    def _is_number(self, expr: Expr) -> bool:
        return not expr.has(AppliedUndef) and not any(s in self.texts for s in expr.free_symbols)

    def _wrap(self, expr: Any, level: int) -> str:
        text = self._print(expr)
        return text if self._level(expr) >= level else f"({text})"

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if isinstance(expr, Expr):
            if expr in self.texts:
                return self.texts[expr][0]
            if self._is_number(expr):
                return number_source(expr)[0]
        return super()._print(expr, **kwargs)

    def _print_Add(self, expr: Add) -> str:
        parts: list[str] = []
        for term in expr.args:
            negative = False
            if self._is_number(term) and term.could_extract_minus_sign():
                negative, term = True, -term
            elif isinstance(term, Mul) and self._is_number(term.args[0]) and term.args[0].could_extract_minus_sign():
                negative, term = True, self._scaled(-term.args[0], term.args[1:])
            text = self._wrap(term, MULTIPLY)
            if parts:
                parts.append((" - " if negative else " + ") + text)
            else:
                parts.append(("-" if negative else "") + text)
        return "".join(parts)

    def _scaled(self, coefficient: Expr, factors: Sequence[Expr]) -> Expr:
        if coefficient == 1:
            return factors[0] if len(factors) == 1 else Mul(*factors, evaluate=False)
        return Mul(coefficient, *factors, evaluate=False)

    def _print_Mul(self, expr: Mul) -> str:
        coefficient: Expr = Integer(1)
        above: list[Expr] = []
        below: list[Expr] = []
        for factor in expr.args:
            if self._is_number(factor):
                coefficient = coefficient * factor
            elif isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
                below.append(factor.base if factor.exp == -1 else Pow(factor.base, -factor.exp, evaluate=False))
            else:
                above.append(factor)
        sign = ""
        if coefficient.could_extract_minus_sign():
            sign, coefficient = "-", -coefficient
        over, under = fraction(coefficient)
        # n / d of a scale is one number: a / n where it is a plain quotient, (2 / n) * a otherwise.
        head: list[str] = []
        if over == 1 and under != 1 and above and number_source(coefficient)[0].count("/"):
            text, level = number_source(under)
            tail = [text if level >= POWER else f"({text})"]
        else:
            tail = []
            if coefficient != 1 or not above:
                text, level = number_source(coefficient)
                head = [text if level >= POWER or (not above and level >= MULTIPLY) else f"({text})"]
        for k, factor in enumerate(above):
            # An exact product needs no brackets on its left; a quotient or a product on the right does.
            first = k == 0 and not head
            head.append(self._wrap(factor, MULTIPLY if first else POWER))
        tail += [self._wrap(factor, POWER) for factor in below]
        return sign + " / ".join([" * ".join(head), *tail])

    def _print_Pow(self, expr: Pow, rational: bool = False, sqrt: str = "") -> str:
        base, exponent = expr.base, expr.exp
        if exponent.could_extract_minus_sign():
            inner = base if exponent == -1 else Pow(base, -exponent, evaluate=False)
            return f"1 / {self._wrap(inner, POWER)}"
        if exponent == Rational(1, 2):
            return f"np.sqrt({self._print(base)})"
        return f"{self._wrap(base, ATOM)}**{self._wrap(exponent, ATOM)}"

    def _print_AppliedUndef(self, expr: AppliedUndef) -> str:
        name = type(expr).__name__.removeprefix(_PREFIX)
        row = FUNCTIONS[name]
        if name == "where":
            condition, x, y = expr.args
            inner = type(condition).__name__.removeprefix(_PREFIX)
            test = self._infix(condition) if inner in _INFIX else f"{self._wrap(condition, MULTIPLY)} != 0"
            return f"np.where({test}, {self._print(x)}, {self._print(y)})"
        if name in _INFIX:
            return f"np.where({self._infix(expr)}, 1.0, 0.0)"
        if name == "power":
            return f"{self._wrap(expr.args[0], ATOM)}**{self._wrap(expr.args[1], ATOM)}"
        return f"{function_name(row, self.names)}({', '.join(self._print(a) for a in expr.args)})"

    def _infix(self, expr: Any) -> str:
        sign = _INFIX[type(expr).__name__.removeprefix(_PREFIX)]
        left, right = expr.args
        return f"{self._wrap(left, ADD)} {sign} {self._wrap(right, ADD)}"


class Statements:
    """The statements of one function: temporaries for what is shared, named or too long, and results."""

    def __init__(self, plan: Plan, outputs: Sequence[Op], taken: Iterable[str]) -> None:
        self.lines: list[str] = []
        self._plan = plan
        self._names: dict[Op, str] = {}
        self._taken = set(taken)
        self._names_of_arrays = self._taken | set(plan.names.values())
        # "return float(...)," or a dict's key stand beside the longest statement.
        self._room = LINE - 20
        counts: dict[Op, int] = {}
        ordered = operations(outputs)
        for op in ordered:
            for argument in op.args:
                counts[argument] = counts.get(argument, 0) + 1
        for op in outputs:
            counts[op] = counts.get(op, 0) + 1
        for op in ordered:
            if op.kind not in _VIEWS and (counts[op] > 1 or op in plan.names):
                # A copy of a temporary is the temporary: only results that alias data are copied.
                self.name(op)
        self.dims: set[Symbol] = set()
        for op in ordered:
            self.dims |= _dimensions(op)

    def name(self, op: Op) -> str:
        """The temporary that holds an operation, assigned now if it is new."""
        if op in self._names:
            return self._names[op]
        text = self.text(op)
        name = self._plan.names.get(op, "")
        if not name or name in self._taken:
            stem, k = name or "t", 1
            while f"{stem}{k}" in self._taken:
                k += 1
            name = f"{stem}{k}"
        self._taken.add(name)
        self.lines.append(f"{name} = {text}")
        self._names[op] = name
        return name

    def text(self, op: Op) -> str:
        """The source text of an operation; parts of it become temporaries where a line is too long."""
        text, _ = self._source(op)
        tried: set[Op] = set()
        while len(text) > self._room:
            parts = [
                a
                for a in self._open(op)
                if a is not op and a not in tried and a.kind not in _VIEWS
            ]
            # Parts that fit by themselves, the longest first.
            sized = [(len(self._source(a)[0]), a) for a in parts]
            sized = [(size, a) for size, a in sized if 12 < size <= self._room]
            if not sized:
                break
            _, part = max(sized, key=lambda item: item[0])
            tried.add(part)
            self.name(part)
            text, _ = self._source(op)
        return text

    def _open(self, op: Op) -> list[Op]:
        """The operations that the text of ``op`` spells out: those not behind a temporary."""
        found: dict[Op, None] = {op: None}
        stack = [op]
        while stack:
            for a in stack.pop().args:
                if a not in self._names and a not in found:
                    found[a] = None
                    stack.append(a)
        return list(found)

    def _source(self, op: Op) -> tuple[str, int]:
        if op in self._names:
            return self._names[op], ATOM
        if op.kind == "var":
            return op.data, ATOM
        if op.kind == "num":
            return number_source(op.data)
        if op.kind in _ELEMENTWISE:
            return self._elementwise(op)
        return self._array(op)

    def _wrap(self, op: Op, level: int) -> str:
        text, own = self._source(op)
        return text if own >= level else f"({text})"

    # -- elementwise regions -----------------------------------------------------------------

    def _elementwise(self, op: Op) -> tuple[str, int]:
        texts: dict[Expr, tuple[str, int]] = {}
        symbols: dict[Op, Symbol] = {}
        body = self._scalar(op, texts, symbols, top=True)
        printer = ElementwisePrinter(texts, self._names_of_arrays)
        function = lambdify(list(texts), body, modules=[{}], printer=printer, docstring_limit=0)
        last = inspect.getsource(function).rstrip().splitlines()[-1]
        return last.removeprefix("    return "), printer._level(body)

    def _scalar(
        self, op: Op, texts: dict[Expr, tuple[str, int]], symbols: dict[Op, Symbol], top: bool = False
    ) -> Expr:
        if op.kind == "num":
            return op.data
        if top or (op.kind in _ELEMENTWISE and op not in self._names):
            arguments = [self._scalar(a, texts, symbols) for a in op.args]
            match op.kind:
                case "add":
                    return Add(
                        *(
                            a if w == 1 else _times(w, a)
                            for w, a in zip(op.data, arguments, strict=True)
                        ),
                        evaluate=False,
                    )
                case "mul":
                    return Mul(*([] if op.data == 1 else [op.data]), *arguments, evaluate=False)
                case "pow":
                    return Pow(arguments[0], op.data, evaluate=False)
                case "map":
                    return _function(op.data)(*arguments)
        found = symbols.get(op)
        if found is None:
            text, level = self._source(op)
            name = text if text.isidentifier() else f"a{len(symbols)}_"
            found = symbols[op] = Symbol(name, real=True)
            texts[found] = (text, level)
        return found

    # -- array operations --------------------------------------------------------------------

    def _array(self, op: Op) -> tuple[str, int]:
        args = op.args
        match op.kind:
            case "matmul":
                left = self._wrap(args[0], POWER) if args[0].kind != "matmul" else self._wrap(args[0], MULTIPLY)
                return f"{left} @ {self._wrap(args[1], POWER)}", MULTIPLY
            case "vdot":
                return f"np.vdot({self._bare(args[0])}, {self._bare(args[1])})", ATOM
            case "transpose":
                if op.rank == 2:
                    return f"{self._wrap(args[0], ATOM)}.T", ATOM
                return f"np.transpose({self._bare(args[0])}, {op.data})", ATOM
            case "lay" | "pick":
                keys = ", ".join("None" if k is None else k if k == ":" else number_source(k)[0] for k in op.data)
                return f"{self._wrap(args[0], ATOM)}[{keys}]", ATOM
            case "sum":
                axis = "" if op.data is None else f", axis={op.data[0] if len(op.data) == 1 else op.data}"
                return f"np.sum({self._bare(args[0])}{axis})", ATOM
            case "einsum":
                inner = ", ".join(self._bare(a) for a in args)
                tail = ", optimize=True" if _is_tensordot(op.data) else ""
                return f'np.einsum("{op.data}", {inner}{tail})', ATOM
            case "diagonal" | "diag":
                return f"np.{op.kind}({self._bare(args[0])})", ATOM
            case "array":
                name, axis = op.data
                name = "np.prod" if name == "prod" else name
                return f"{name}({self._bare(args[0])}{'' if axis is None else f', axis={axis}'})", ATOM
            case "eye":
                return f"np.eye({number_source(op.data)[0]})", ATOM
            case "unit":
                size, index = op.data
                return f"np.eye(1, {number_source(size)[0]}, {number_source(index)[0]})[0]", ATOM
            case "arange":
                return f"np.arange({number_source(op.data)[0]}, dtype=float)", ATOM
            case "full":
                shape = ", ".join(number_source(s)[0] for s in op.dims)
                shape = f"({shape},)" if op.rank == 1 else f"({shape})"
                if args[0].kind == "num" and args[0].data in (0, 1):
                    return f"np.{'ones' if args[0].data == 1 else 'zeros'}({shape})", ATOM
                if args[0].rank == 0:
                    return f"np.full({shape}, {self._bare(args[0])}, dtype=float)", ATOM
                return f"np.broadcast_to({self._bare(args[0])}, {shape}).copy()", ATOM
            case "copy":
                return f"{self._wrap(args[0], ATOM)}.copy()", ATOM
        raise TypeError(f"no text for the operation {op.kind}")

    def _bare(self, op: Op) -> str:
        return self._source(op)[0]


def _is_tensordot(subscripts: str) -> bool:
    """Whether no index of two operands is kept: then einsum can call BLAS."""
    operands, _, result = subscripts.partition("->")
    first, comma, second = operands.partition(",")
    return bool(comma) and not set(first) & set(second) & set(result)


def _times(weight: Expr, factor: Expr) -> Expr:
    return Mul(weight, factor, evaluate=False)


def _dimensions(op: Op) -> set[Any]:
    """The dimensions that the operation's own text names."""
    match op.kind:
        case "num" | "mul" | "pow" | "eye" | "arange":
            return set(op.data.free_symbols)
        case "add":
            return {s for w in op.data for s in w.free_symbols}
        case "unit":
            return {s for part in op.data for s in part.free_symbols}
        case "pick":
            return {s for k in op.data if k != ":" for s in k.free_symbols}
        case "full":
            return {s for dim in op.dims for s in dim.free_symbols}
    return set()


def imports(plans: Iterable[tuple[Sequence[Op], Collection[str]]]) -> list[str]:
    """The import lines that the operations need; a name that is not used is not imported.

    Each plan's operations come with the names that its arrays have.
    """
    special: set[str] = set()
    lines = ["import numpy as np"]
    for outputs, names in plans:
        for op in operations(outputs):
            if op.kind == "map" and "." not in (name := FUNCTIONS[op.data].numpy):
                if name in names:
                    lines = ["import numpy as np", "import scipy.special"]
                else:
                    special.add(name)
            elif op.kind == "array" and op.data[0] in _SPECIAL_ARRAYS:
                special.add(op.data[0])
    if special:
        lines.append(f"from scipy.special import {', '.join(sorted(special))}")
    return lines


def wrapped(text: str, indent: str = "    ", width: int = LINE) -> list[str]:
    """Prose in lines of at most ``width`` columns; line breaks of the text stay."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines += textwrap.wrap(
            paragraph, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        ) or [""]
    return lines

