"""NumPy statements for planned operations.

Elementwise bodies are SymPy expressions, built without evaluation so that nothing is reordered or
distributed, and printed by ``sympy.lambdify`` with :class:`ElementwisePrinter`; the array
operations around them (``@``, sums, views) are written here.  Statements are made from operations,
never by looking into text.
"""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sympy import (
    Add,
    Expr,
    Function,
    Integer,
    Max,
    Min,
    Mul,
    Pow,
    Rational,
    Symbol,
    ceiling,
    floor,
    fraction,
    lambdify,
    together,
)
from sympy.core.function import AppliedUndef
from sympy.printing.numpy import NumPyPrinter

from symderive.compilation.operations import VIEWS, Key, Op, operations
from symderive.compilation.plan import Plan
from symderive.language.functions import FUNCTIONS
from symderive.language.views.layout import span
from symderive.language.views.text import function_name, number_text

__all__ = ["LINE", "ElementwisePrinter", "Statements", "imports", "number_source", "quoted", "shared_factors"]

#: The longest line of generated code.
LINE = 100

ADD, MULTIPLY, POWER, ATOM = 1, 2, 4, 5
"""Precedence of Python's operators; ``@``, ``*`` and ``/`` share one level."""

_ELEMENTWISE = frozenset({"add", "mul", "map", "pow", "num"})
_DECOMPOSITIONS = frozenset({"eigh", "svd", "slogdet"})
_UNNAMED = VIEWS | _DECOMPOSITIONS | {"num", "copy", "eye", "unit", "arange", "tri", "index", "lu", "item"}
"""Operations that no temporary is made for: they cost nothing, or are written where they are used."""

_ASSIGNED = frozenset({"place", "put", "assemble"})
"""Operations that are written as assignments into a new array."""

_FRESH = frozenset(
    {"add", "mul", "map", "pow", "matmul", "einsum", "sum", "array", "full", "solve", "inv", "cumsum", "others"}
)
"""Operations whose value is a new array, which may be changed in place."""
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
    if parts := value.atoms(Min, Max, floor, ceiling):
        # Sizes are Python's integers: each part becomes a symbol that is called what it is written as.
        return number_source(value.xreplace({part: Symbol(_size_source(part)) for part in parts}))
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


def _size_source(part: Any) -> str:
    """``min(n, d)``, ``((n + 1) // 2)``: parts of sizes in integer arithmetic."""
    if isinstance(part, Min | Max):
        sizes = ", ".join(number_source(a)[0] for a in sorted(part.args, key=str))
        return f"{'min' if isinstance(part, Min) else 'max'}({sizes})"
    sign = "" if isinstance(part, floor) else "-"
    top, below = fraction(together(part.args[0]))
    over, level = number_source(top if not sign else -top)
    whole = f"({over if level >= MULTIPLY else f'({over})'} // {number_source(below)[0]})"
    return f"({sign}{whole})" if sign else whole


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

    def __init__(
        self, plan: Plan, outputs: Sequence[Op], taken: Iterable[str], helpers: Mapping[str, str] | None = None
    ) -> None:
        self.lines: list[str] = []
        self._plan = plan
        self._helpers = helpers or {}
        self._names: dict[Op, str] = {}
        self._taken = set(taken)
        self._names_of_arrays = self._taken | set(plan.names.values())
        # "return float(...)," or a dict's key stand beside the longest statement.
        self._room = LINE - 20
        counts: dict[Op, int] = {}
        ordered = operations(outputs)
        for op in outputs:
            counts[op] = counts.get(op, 0) + 1
        for op in reversed(ordered):
            # A view has no temporary: what it reads is written wherever the view is.
            uses = counts[op] if op.kind in VIEWS or op.kind == "copy" else 1
            for argument in op.args:
                counts[argument] = counts.get(argument, 0) + uses
        self._counts = counts
        self._items: dict[Op, dict[int, Op]] = {}
        for op in ordered:
            if op.kind == "item":
                self._items.setdefault(op.args[0], {})[op.data] = op
        shared = shared_factors(outputs)
        for op in ordered:
            several = counts[op] > 1
            if op.kind == "item":
                several = several or len(self._items[op.args[0]]) > 1
            elif op.kind == "index":
                several = several and op.rank > 0
            elif op.kind in _UNNAMED and op not in shared:
                continue
            if several or op in plan.names:
                # A copy of a temporary is the temporary: only results that alias data are copied.
                self.name(op)
        self.dims: set[Symbol] = set()
        for op in ordered:
            if op.kind not in ("inv", "det") or op.args[0].kind != "lu" or op.args[0] in shared:
                self.dims |= _dimensions(op)

    def name(self, op: Op) -> str:
        """The temporary that holds an operation, assigned now if it is new."""
        if op in self._names:
            return self._names[op]
        if op.kind == "item" and len(self._items[op.args[0]]) > 1:
            self._unpack(op.args[0])
            return self._names[op]
        if op.kind in _ASSIGNED:
            return self._assigned(op)
        if op.kind == "scatter" and op.rank > 1:
            return self._scattered(op)
        text = self._factor(op) if op.kind == "lu" else self.text(op)
        name = self._fresh(op)
        self.lines.append(f"{name} = {text}")
        return name

    def _fresh(self, op: Op) -> str:
        """A new name for the operation's value."""
        name = self._plan.names.get(op, "")
        if not name or name in self._taken:
            stem, k = name or "t", 1
            while f"{stem}{k}" in self._taken:
                k += 1
            name = f"{stem}{k}"
        self._taken.add(name)
        self._names[op] = name
        return name

    def _unpack(self, decomposition: Op) -> None:
        """``w, V = np.linalg.eigh(A)``: all results that are used, in one statement."""
        items = self._items[decomposition]
        text = self._decomposition(decomposition)
        count = 3 if decomposition.kind == "svd" else 2
        names = [self._fresh(items[k]) if k in items else "_" for k in range(count)]
        self.lines.append(f"{', '.join(names)} = {text}")

    def _factor(self, op: Op) -> str:
        matrix = self._bare(op.args[0])
        label = matrix if len(matrix) < 40 else "a matrix that is inverted"
        return f"{self._helpers['lu']}({matrix}, {quoted(label)})"

    # -- arrays that are filled ------------------------------------------------------------------

    def _assigned(self, op: Op) -> str:
        """A new array: zeros or a base, and the parts where they belong."""
        base: Op | None = None
        parts: list[tuple[Expr, Op]] = [(Integer(1), op)]
        if op.kind == "assemble":
            weights = op.data[1:]
            base = op.args[0] if op.data[0] else None
            parts = list(zip(weights, op.args[1:] if op.data[0] else op.args, strict=True))
        start = self._base(base, op)
        values: list[tuple[str, str, str]] = []
        for number, (weight, part) in enumerate(parts):
            sign, value = self._weighted(weight, part)
            if number == 0 and base is None:
                sign, value = "", "-" + value if sign == "-" else value
            else:
                sign = sign or "+"
            values.append((self._target(part), sign, value))
        name = self._fresh(op)
        self.lines.append(f"{name} = {start}")
        self.lines += [f"{name}[{target}] {sign}= {value}" for target, sign, value in values]
        return name

    def _base(self, base: Op | None, op: Op) -> str:
        if base is None:
            return f"np.zeros({_shape_source(op.dims)})"
        if base.kind in _FRESH and base not in self._names:
            return self.text(base)
        return f"{self._wrap(base, ATOM)}.copy()"

    def _weighted(self, weight: Expr, part: Op) -> tuple[str, str]:
        """The sign and the text of what a part adds."""
        negative = weight.could_extract_minus_sign()
        weight = -weight if negative else weight
        inner = part.args[0]
        if inner.kind == "full" and not inner.args[0].rank:
            (inner,) = inner.args
        if weight == 1:
            text, level = self.text(inner), self._source(inner)[1]
        elif inner.kind == "num":
            text, level = number_source(weight * inner.data)
        else:
            text, level = number_source(weight)
            text, level = f"{text if level >= POWER else f'({text})'} * {self._wrap(inner, POWER)}", MULTIPLY
        return ("-" if negative else ""), text if level >= MULTIPLY or not negative else f"({text})"

    def _target(self, part: Op) -> str:
        """The index of a part in its array."""
        if part.kind == "place":
            return _keys_source(part.data, part.dims)
        index = part.args[1]
        return ", ".join([*_positions(index.dims, range(part.data)), self._bare(index)])

    def _scattered(self, op: Op) -> str:
        value, index = (self._bare(a) for a in op.args)
        name = self._fresh(op)
        self.lines += [f"{name} = np.zeros({_shape_source(op.dims)})", f"np.add.at({name}, {index}, {value})"]
        return name

    def text(self, op: Op) -> str:
        """The source text of an operation; parts of it become temporaries where a line is too long."""
        text, _ = self._source(op)
        tried: set[Op] = set()
        while len(text) > self._room:
            parts = [
                a
                for a in self._open(op)
                if a is not op and a not in tried and a.kind not in _UNNAMED
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
        if op.kind in _ASSIGNED or (op.kind == "scatter" and op.rank > 1):
            return self.name(op), ATOM
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
            case "lay":
                keys = ", ".join("None" if k is None else k for k in op.data)
                return f"{self._wrap(args[0], ATOM)}[{keys}]", ATOM
            case "pick":
                return f"{self._wrap(args[0], ATOM)}[{_keys_source(op.data, args[0].dims)}]", ATOM
            case "reshape":
                return f"np.reshape({self._bare(args[0])}, {_shape_source(op.dims)})", ATOM
            case "index":
                whole = self._wrap(args[0], ATOM)
                return (f"{whole}.astype(int)" if op.rank else f"int({self._bare(args[0])})"), ATOM
            case "take":
                index = args[1]
                keys = [*_positions(index.dims, op.data), self._bare(index)]
                return f"{self._wrap(args[0], ATOM)}[{', '.join(keys)}]", ATOM
            case "scatter":
                size = number_source(op.dims[0])[0]
                if args[0].kind == "full" and args[0].args[0].data == 1:
                    return f"np.bincount({self._flat(args[1])}, minlength={size}).astype(float)", ATOM
                return f"np.bincount({self._flat(args[1])}, {self._flat(args[0])}, minlength={size})", ATOM
            case "concatenate" | "stack":
                inner = ", ".join(self._bare(a) for a in args)
                axis = "" if op.data == 0 else f", axis={op.data}"
                return f"np.{op.kind}([{inner}]{axis})", ATOM
            case "cumsum":
                axis = "" if op.rank == 1 else f", axis={op.data}"
                return f"np.cumsum({self._bare(args[0])}{axis})", ATOM
            case "triangle":
                name, offset = op.data
                return f"np.{name}({self._bare(args[0])}{f', k={offset}' if offset != 0 else ''})", ATOM
            case "tri":
                rows, columns = (number_source(s)[0] for s in op.dims)
                offset = f", k={op.data}" if op.data != 0 else ""
                return f"np.tri({rows}{f', {columns}' if columns != rows else ''}{offset})", ATOM
            case "cholesky":
                return f"np.linalg.cholesky({self._bare(args[0])})", ATOM
            case "item":
                return self._item(op), ATOM
            case "solve":
                return self._solve(op), ATOM
            case "inv" | "det" | "logabsdet":
                return self._matrix(op), MULTIPLY if op.kind == "det" else ATOM
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
                name = f"np.{name}" if name in ("prod", "max", "min") else name
                return f"{name}({self._bare(args[0])}{'' if axis is None else f', axis={axis}'})", ATOM
            case "others":
                return f"{self._helpers['others']}({self._bare(args[0])})", ATOM
            case "eye":
                return f"np.eye({number_source(op.data)[0]})", ATOM
            case "unit":
                size, index = op.data
                return f"np.eye(1, {number_source(size)[0]}, {number_source(index)[0]})[0]", ATOM
            case "arange":
                return f"np.arange({number_source(op.data)[0]}, dtype=float)", ATOM
            case "full":
                shape = _shape_source(op.dims)
                if args[0].kind == "num" and args[0].data in (0, 1):
                    return f"np.{'ones' if args[0].data == 1 else 'zeros'}({shape})", ATOM
                if args[0].rank == 0:
                    return f"np.full({shape}, {self._bare(args[0])}, dtype=float)", ATOM
                return f"np.broadcast_to({self._bare(args[0])}, {shape}).copy()", ATOM
            case "copy":
                return f"{self._wrap(args[0], ATOM)}.copy()", ATOM
        raise TypeError(f"no text for the operation {op.kind}")

    # -- matrix functions --------------------------------------------------------------------

    def _decomposition(self, op: Op) -> str:
        options = ", full_matrices=False" if op.kind == "svd" else ""
        return f"np.linalg.{op.kind}({self._bare(op.args[0])}{options})"

    def _item(self, op: Op) -> str:
        decomposition = op.args[0]
        matrix = self._bare(decomposition.args[0])
        if decomposition.kind == "eigh" and op.data == 0:
            return f"np.linalg.eigvalsh({matrix})"
        if decomposition.kind == "svd" and op.data == 1:
            return f"np.linalg.svd({matrix}, compute_uv=False)"
        return f"{self._decomposition(decomposition)}[{op.data}]"

    def _solve(self, op: Op) -> str:
        factor, right = op.args
        how, turned = op.data
        value, trans = self._bare(right), ", trans=1" if turned else ""
        if how == "cho":
            return f"cho_solve(({self._bare(factor)}, True), {value}, check_finite=False)"
        if how in ("lower", "upper"):
            lower = ", lower=True" if how == "lower" else ""
            return f"solve_triangular({self._bare(factor)}, {value}{trans}{lower}, check_finite=False)"
        if factor in self._names:
            return f"lu_solve({self._names[factor]}, {value}{trans}, check_finite=False)"
        matrix = f"{self._wrap(factor.args[0], ATOM)}.T" if turned else self._bare(factor.args[0])
        return f"np.linalg.solve({matrix}, {value})"

    def _matrix(self, op: Op) -> str:
        (factor,) = op.args
        if op.kind == "inv" and op.data in ("cho", "lower", "upper"):
            unit = f"np.eye({number_source(op.dims[0])[0]})"
            if op.data == "cho":
                return f"cho_solve(({self._bare(factor)}, True), {unit}, check_finite=False)"
            lower = ", lower=True" if op.data == "lower" else ""
            return f"solve_triangular({self._bare(factor)}, {unit}{lower}, check_finite=False)"
        if op.data == "batch" or factor not in self._names:
            matrix = self._bare(factor if op.data == "batch" else factor.args[0])
            if op.kind == "logabsdet":
                return f"np.linalg.slogdet({matrix})[1]"
            return f"np.linalg.{op.kind}({matrix})"
        name = self._names[factor]
        if op.kind == "inv":
            return f"lu_solve({name}, np.eye({number_source(op.dims[0])[0]}), check_finite=False)"
        if op.kind == "logabsdet":
            return f"np.sum(np.log(np.abs(np.diagonal({name}[0]))))"
        swaps = f"np.count_nonzero({name}[1] != np.arange({number_source(factor.dims[0])[0]}))"
        return f"np.prod(np.diagonal({name}[0])) * (-1.0) ** {swaps}"

    def _flat(self, op: Op) -> str:
        return self._bare(op) if op.rank == 1 else f"np.ravel({self._bare(op)})"

    def _bare(self, op: Op) -> str:
        return self._source(op)[0]


def shared_factors(outputs: Sequence[Op]) -> set[Op]:
    """The LU factorisations that more than one operation uses; the others are written as ``np.linalg``."""
    users: dict[Op, int] = {}
    for op in operations(outputs):
        for a in op.args:
            if a.kind == "lu":
                users[a] = users.get(a, 0) + 1
    return {op for op, count in users.items() if count > 1}


def quoted(text: str) -> str:
    """A text as Python source."""
    return json.dumps(text, ensure_ascii=False)


def _shape_source(dims: Sequence[Expr]) -> str:
    sizes = ", ".join(number_source(s)[0] for s in dims)
    return sizes if len(dims) == 1 else f"({sizes})"


def _keys_source(keys: Sequence[Key], dims: Sequence[Expr]) -> str:
    """The text of an index; colons at its end are left out."""
    texts = [key if key == ":" else _key_source(key, size) for key, size in zip(keys, dims, strict=True)]
    while texts[-1] == ":":
        texts.pop()
    return ", ".join(texts)


def _key_source(key: Key, size: Expr) -> str:
    if isinstance(key, Expr):
        return number_source(_from_near_end(key, size))[0]
    _, step, _, _ = key
    first, stop = ("" if end is None else number_source(end)[0] for end in _ends(key))
    return f"{first}:{stop}" + ("" if step == 1 else f":{number_source(step)[0]}")


def _ends(key: Key) -> tuple[Expr | None, Expr | None]:
    """Where a slice starts and stops, None where NumPy implies it."""
    shown = span(*key)
    return shown.start, shown.stop


def _from_near_end(index: Expr, size: Expr) -> Expr:
    """An index; from the end where that is a plain number."""
    back = index - size
    return back if back.is_Integer and back < 0 and not index.is_Integer else index


def _positions(dims: Sequence[Expr], axes: Iterable[int]) -> list[str]:
    """Row numbers beside an array of labels, along some of its axes."""
    texts = []
    for axis in axes:
        rows = f"np.arange({number_source(dims[axis])[0]})"
        texts.append(rows + ("" if axis == len(dims) - 1 else f"[:{', None' * (len(dims) - 1 - axis)}]"))
    return texts


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
        case "place":
            return _key_symbols(op.data, op.dims) | _symbols(op.dims)
        case "assemble":
            parts = op.args[1:] if op.data[0] else op.args
            own = {s for w in op.data[1:] for s in w.free_symbols}
            keys = [_key_symbols(a.data, a.dims) for a in parts if a.kind == "place"]
            return own.union(*keys) | (set() if op.data[0] else _symbols(op.dims)) | {
                s for a in parts if a.kind == "put" for s in _symbols(a.args[1].dims)
            }
        case "take":
            return _symbols(op.args[1].dims[axis] for axis in op.data)
        case "put" | "reshape" | "scatter" | "tri":
            return _symbols(op.dims)
        case "inv":
            return _symbols(op.dims[:1]) if op.data != "batch" else set()
        case "det":
            return _symbols(op.args[0].dims[:1]) if op.data != "batch" else set()
        case "add":
            return {s for w in op.data for s in w.free_symbols}
        case "unit":
            return {s for part in op.data for s in part.free_symbols}
        case "pick":
            return _key_symbols(op.data, op.args[0].dims)
        case "full":
            return _symbols(op.dims)
    return set()


def _symbols(exprs: Iterable[Expr]) -> set[Any]:
    return {s for e in exprs for s in e.free_symbols}


def _key_symbols(keys: Iterable[Key], dims: Iterable[Expr]) -> set[Any]:
    """The dimensions that the text of an index names."""
    found: set[Any] = set()
    for key, size in zip(keys, dims, strict=True):
        if isinstance(key, tuple):
            found |= _symbols(end for end in _ends(key) if end is not None)
        elif isinstance(key, Expr):
            found |= _symbols([_from_near_end(key, size)])
    return found


def imports(plans: Iterable[tuple[Sequence[Op], Collection[str]]]) -> list[str]:
    """The import lines that the operations need; a name that is not used is not imported.

    Each plan's operations come with the names that its arrays have.
    """
    special: set[str] = set()
    solvers: set[str] = set()
    lapack = False
    lines = ["import numpy as np"]
    for outputs, names in plans:
        shared = shared_factors(outputs)
        lapack = lapack or bool(shared)
        for op in operations(outputs):
            if op.kind == "map" and "." not in (name := FUNCTIONS[op.data].numpy):
                if name in names:
                    lines = ["import numpy as np", "import scipy.special"]
                else:
                    special.add(name)
            elif op.kind == "array" and op.data[0] in _SPECIAL_ARRAYS:
                special.add(op.data[0])
            elif op.kind in ("solve", "inv"):
                how = op.data[0] if op.kind == "solve" else op.data
                solver = {"cho": "cho_solve", "lower": "solve_triangular", "upper": "solve_triangular"}.get(how)
                if solver or op.args[0] in shared:
                    solvers.add(solver or "lu_solve")
    if solvers:
        lines.append(f"from scipy.linalg import {', '.join(sorted(solvers))}")
    if lapack:
        lines.append("from scipy.linalg.lapack import dgetrf")
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

