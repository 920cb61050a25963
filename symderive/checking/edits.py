"""The source of a function, and what stands next to it: single edits that a slip of the hand would undo.

An edit is syntax: a transpose, a sign, an axis, a comparison, a name, a number, a factor or a term
too many, a factor that is missing.  Whether one is right is for others to say.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 70
"""Longer expressions are not shown."""

SHORT = 12
"""A shorter expression is shown with the one around it."""

_UNEDITED = (
    ast.While, ast.With, ast.Try, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Delete, ast.Yield,
    ast.YieldFrom, ast.Await, ast.ClassDef, ast.AsyncFunctionDef,
)  # fmt: skip
"""What is more than arithmetic is not run with other values than its author had in mind."""

_ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Subscript, ast.Attribute)
"""What may be shown around a short expression."""

_OTHER_COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.Lt, ast.GtE, ast.LtE),
    ast.GtE: (ast.LtE, ast.Gt, ast.Lt),
    ast.Lt: (ast.Gt, ast.LtE, ast.GtE),
    ast.LtE: (ast.GtE, ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}


@dataclass(frozen=True)
class Edit:
    """A function with one expression changed; ``what`` says how in a word or two, ``place`` where it stands."""

    function: Callable[..., Any]
    what: str
    before: str
    after: str
    place: str

    @property
    def words(self) -> str:
        """What would be right."""
        return f"{self.what}: {self.after} in place of {self.before} would be right ({self.place})"


@dataclass(frozen=True)
class Site:
    """An expression that stands in a field of its parent (at ``index``, where that is a list)."""

    parent: ast.AST
    field: str
    index: int | None
    around: tuple[ast.AST, ...]

    @property
    def node(self) -> ast.expr:
        """The expression that stands there now."""
        value = getattr(self.parent, self.field)
        return value if self.index is None else value[self.index]

    def put(self, node: ast.AST) -> None:
        """Put another expression there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


class Source:
    """A function's source, with edits that can be tried and taken back.

    Raises `ValueError` where there is no source, or more in it than arithmetic.
    """

    def __init__(self, function: types.FunctionType) -> None:
        self.function = function
        try:
            lines, _ = inspect.findsource(function)
            tree = ast.parse("".join(lines))
        except (OSError, TypeError, SyntaxError) as error:
            raise ValueError(f"no source: {error}") from None
        name = function.__name__
        found = [n for n in ast.walk(tree) if _is_of(n, function)]
        if len(found) != 1 or any(isinstance(n, _UNEDITED) for n in ast.walk(found[0])):
            raise ValueError("the function is not found in its source, or is more than arithmetic")
        self.definition: ast.Lambda | ast.FunctionDef = found[0]  # type: ignore[assignment]
        self.name = "the lambda" if name == "<lambda>" else name
        body = self.definition
        if isinstance(body, ast.Lambda):
            statement: ast.stmt = ast.Assign([ast.Name("made", ast.Store())], body)
            result = "made"
        else:
            body.decorator_list, body.returns = [], None
            statement, result = body, body.name
        outer = ast.arguments([], [ast.arg(v) for v in function.__code__.co_freevars], None, [], [], None, [])
        returned = ast.Return(ast.Name(result, ast.Load()))
        self.module = ast.Module([ast.FunctionDef("outer", outer, [statement, returned], [])], [])
        ast.fix_missing_locations(self.module)
        try:
            self.made()
        except (SyntaxError, KeyError, StopIteration) as error:
            raise ValueError(f"the source does not make the function again: {error}") from None

    def made(self) -> types.FunctionType:
        """The function of the source as it is edited now, with the globals, defaults and cells of the original."""
        code = compile(self.module, self.function.__code__.co_filename, "exec")
        outer = next(c for c in code.co_consts if isinstance(c, types.CodeType))
        codes = [c for c in outer.co_consts if isinstance(c, types.CodeType)]
        inner = next(c for c in codes if c.co_name == self.function.__name__)
        cells = dict(zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True))
        closure = tuple(cells[name] for name in inner.co_freevars)
        made = types.FunctionType(
            inner, self.function.__globals__, self.function.__name__, self.function.__defaults__, closure or None
        )
        made.__kwdefaults__, made.__module__ = self.function.__kwdefaults__, self.function.__module__
        made.__qualname__ = self.function.__qualname__
        return made

    def sites(self) -> list[Site]:
        """The expressions of the function that are read, outer ones first."""
        found: list[Site] = []
        body = self.definition.body
        for statement in body if isinstance(body, list) else [self.definition]:
            self._below(statement, (self.definition,), found)
        return found

    def _below(self, node: ast.AST, around: tuple[ast.AST, ...], found: list[Site]) -> None:
        for field, value in ast.iter_fields(node):
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.expr) and isinstance(getattr(child, "ctx", ast.Load()), ast.Load):
                    found.append(Site(node, field, index, (*around, node)))
                if isinstance(child, ast.AST) and not isinstance(child, ast.arguments):
                    self._below(child, (*around, node), found)

    def edited(self, site: Site, text: str) -> types.FunctionType | None:
        """The function with another expression at a site, None where Python does not take it; the source stays."""
        old = site.node
        try:
            site.put(ast.parse(text, mode="eval").body)
            return self.made()
        except (SyntaxError, ValueError, KeyError, StopIteration):
            return None
        finally:
            site.put(old)

    def edit(self, site: Site, text: str, what: str) -> Edit | None:
        """The same with its words; an expression that says little by itself is shown with what is around it."""
        function = self.edited(site, text)
        if function is None:
            return None
        old, shown = site.node, site.node
        for outer in reversed(site.around):
            if not isinstance(outer, _ARITHMETIC) or len(ast.unparse(shown)) >= SHORT:
                break
            if len(ast.unparse(outer)) > LONGEST:
                break
            shown = outer
        before = ast.unparse(shown)
        site.put(ast.parse(text, mode="eval").body)
        after = ast.unparse(site.node if shown is old else shown)
        site.put(old)
        if max(len(before), len(after)) > 2 * LONGEST:
            return None
        return Edit(function, what, before, after, f"in {self.name}, line {old.lineno}")

    def statements(self) -> Iterator[Edit]:
        """``x[i] = e`` for ``x[i] += e``, the other way round, and with the other sign."""
        for node in ast.walk(self.definition):
            for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
                if isinstance(block, list):
                    for index in range(len(block)):
                        yield from self._other_statements(block, index)

    def _other_statements(self, block: list[ast.stmt], index: int) -> Iterator[Edit]:
        old = block[index]
        place = f"in {self.name}, line {old.lineno}"
        for new, what in _other_statements(old):
            block[index] = ast.copy_location(new, old)
            ast.fix_missing_locations(new)
            try:
                yield Edit(self.made(), what, ast.unparse(old), ast.unparse(new), place)
            finally:
                block[index] = old

    def atoms(self) -> list[str]:
        """The names, entries and attributes that the function speaks of."""
        found: dict[str, None] = {}
        called = {id(n.func) for n in ast.walk(self.definition) if isinstance(n, ast.Call)}
        modules = {"np", "numpy", "scipy", "special", "math", "range", "len", "zip", "enumerate", "reversed"}
        for node in ast.walk(self.definition):
            if isinstance(node, ast.Name | ast.Subscript) and id(node) not in called:
                text = ast.unparse(node)
                if ":" not in text and len(text) <= 20 and text.split(".")[0].split("[")[0] not in modules:
                    found[text] = None
        return list(found)

    def siblings(self) -> list[str]:
        """The names of the other functions of its file."""
        file = self.function.__code__.co_filename
        return [
            name
            for name, value in self.function.__globals__.items()
            if isinstance(value, types.FunctionType) and value.__code__.co_filename == file and name != self.name
        ]

    def calls(self) -> list[str]:
        """The short calls of functions that the function makes."""
        found = [ast.unparse(n) for n in ast.walk(self.definition) if isinstance(n, ast.Call)]
        return list(dict.fromkeys(text for text in found if len(text) <= 24))


def rewritings(site: Site, atoms: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What else may have been meant at a site: the expression, and a word for the mistake."""
    node = site.node
    text = ast.unparse(node)
    if _is_turned(node) or _is_operand(site):
        yield _turned(node), "wrong transpose" if _is_turned(node) else "missing transpose"
    match node:
        case ast.UnaryOp(op=ast.USub()):
            yield ast.unparse(node.operand), "wrong sign"
        case ast.BinOp():
            yield from _operations(node)
        case ast.Compare(ops=[op], left=left, comparators=[right]):
            for other in _OTHER_COMPARISONS.get(type(op), ()):
                yield ast.unparse(ast.Compare(left, [other()], [right])), "wrong mask"
        case ast.Call():
            yield from _calls(node)
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            changed = (value + 1, value - 1, -value, 2 * value, value / 2 if value % 2 else value // 2, 0, 1)
            for other in dict.fromkeys(changed):
                if other != value:
                    yield f"({other})", "wrong number"
    if isinstance(node, ast.Name | ast.Subscript):
        for atom in atoms:
            if atom != text:
                yield atom, "wrong array"
        yield f"{text}**2", "missing square"
    if isinstance(site.parent, ast.Call) and isinstance(node, ast.BinOp | ast.UnaryOp | ast.Name):
        yield f"({text}) / 2", "missing factor 1/2"
        yield f"2 * ({text})", "missing factor 2"
    if isinstance(node, ast.Name) and isinstance(site.parent, ast.Subscript) and site.field == "slice":
        yield f"{text} + 1", "wrong index"
        yield f"{text} - 1", "wrong index"
    if isinstance(node, ast.BinOp | ast.Name | ast.Subscript | ast.Call):
        for atom in atoms:
            yield f"({text}) * ({atom} > 0)", f"missing mask {atom} > 0"
            yield f"({text}) * (1 - {atom}**2)", f"missing factor 1 - {atom}**2"
            yield f"({text}) * {atom} * (1 - {atom})", f"missing factor {atom} * (1 - {atom})"


def other_functions(site: Site, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The same call of another function, ``dsigmoid(a)`` for ``sigmoid(a)``."""
    node = site.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        for name in names:
            if name != node.func.id:
                yield ast.unparse(ast.Call(ast.Name(name), node.args, node.keywords)), "wrong function"


def further(site: Site, atoms: Sequence[str], calls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Factors and terms of the function itself that may be missing at a site."""
    node = site.node
    number = isinstance(node, ast.Constant) and isinstance(site.parent, ast.AugAssign)
    if not number and not isinstance(node, ast.BinOp | ast.Name | ast.Subscript | ast.Call):
        return
    text = ast.unparse(node)
    for other in (*atoms, *calls):
        yield f"({text}) * {other}", f"missing factor {other}"
        yield f"({text}) / {other}", f"missing division by {other}"
        yield f"({text}) + {other}", f"missing term {other}"
        yield f"({text}) - {other}", f"missing term -{other}"
    for atom in atoms:
        yield f"({text}) * (1 - {atom})", f"missing factor 1 - {atom}"


def _operations(node: ast.BinOp) -> Iterator[tuple[str, str]]:
    left, right = ast.unparse(node.left), ast.unparse(node.right)
    match node.op:
        case ast.Add():
            yield f"({left}) - ({right})", "wrong sign"
            yield left, "term too much"
            yield right, "term too much"
        case ast.Sub():
            yield f"({left}) + ({right})", "wrong sign"
            yield f"({right}) - ({left})", "wrong sign"
            yield left, "term too much"
            yield f"-({right})", "term too much"
        case ast.Mult():
            yield left, "factor too much"
            yield right, "factor too much"
            yield f"({left}) / ({right})", "division, not product"
            if isinstance(node.left, ast.BinOp):
                yield ast.unparse(node.left.left), "factors too much"
            for axis in ("-1", "0"):
                inner = f"({right}) - np.sum(({left}) * ({right}), axis={axis}, keepdims=True)"
                yield f"({left}) * ({inner})", "missing part of the derivative of softmax"
        case ast.Div():
            yield left, "division too much"
            yield f"({left}) * ({right})", "product, not division"
        case ast.Pow():
            yield left, "power too much"
        case ast.MatMult():
            words = ["wrong transpose" if _is_turned(x) else "missing transpose" for x in (node.left, node.right)]
            yield f"{_turned(node.left)} @ ({right})", words[0]
            yield f"({left}) @ {_turned(node.right)}", words[1]
            yield f"({right}) @ ({left})", "wrong order"


def _calls(node: ast.Call) -> Iterator[tuple[str, str]]:
    function = ast.unparse(node.func)
    for other in _other_axes(node):
        yield ast.unparse(other), "wrong axis"
    stem, _, last = function.rpartition(".")
    if stem and last in ("sum", "mean"):
        swapped = ast.Call(ast.parse(f"{stem}.{'mean' if last == 'sum' else 'sum'}", mode="eval").body,
                           node.args, node.keywords)  # fmt: skip
        yield ast.unparse(swapped), f"{last} where the {'mean' if last == 'sum' else 'sum'} is meant"
    if len(node.args) == 1 and not node.keywords:
        yield ast.unparse(node.args[0]), f"{function} too much"
    if len(node.args) == 2:
        yield ast.unparse(ast.Call(node.func, node.args[::-1], node.keywords)), "arguments swapped"


def _other_axes(node: ast.Call) -> Iterator[ast.Call]:
    """The same call over another axis."""
    for k, keyword in enumerate(node.keywords):
        if keyword.arg == "axis":
            for axis in (0, 1, -1):
                new = ast.keyword("axis", ast.Constant(axis))
                yield ast.Call(node.func, node.args, [*node.keywords[:k], new, *node.keywords[k + 1 :]])
    method = isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean", "max", "min")
    place = len(node.args) - 1
    if method and 0 <= place <= 1 and isinstance(node.args[place], ast.Constant):
        for axis in (0, 1):
            yield ast.Call(node.func, [*node.args[:place], ast.Constant(axis)], node.keywords)


def _other_statements(node: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    match node:
        case ast.AugAssign(op=ast.Add() | ast.Sub() as op):
            other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            yield ast.AugAssign(node.target, other, node.value), "wrong sign"
            yield ast.Assign([node.target], node.value), "added where it is to be set"
            target = node.target
            if isinstance(target, ast.Subscript) and not any(isinstance(n, ast.Slice) for n in ast.walk(target)):
                summed = ast.parse("np.add.at" if isinstance(op, ast.Add) else "np.subtract.at", mode="eval").body
                call = ast.Call(summed, [target.value, target.slice, node.value], [])
                yield ast.Expr(call), "an index that stands there twice is counted once"
        case ast.Assign(targets=[ast.Subscript() | ast.Name() as target]):
            yield ast.AugAssign(target, ast.Add(), node.value), "set where it is to be added"


def _is_turned(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "T"


def _turned(node: ast.expr) -> str:
    """The text of a matrix the other way round."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return ast.unparse(node.value)
    return f"({ast.unparse(node)}).T"


def _is_operand(site: Site) -> bool:
    """Whether a site is an operand of a product of matrices."""
    match site.parent:
        case ast.BinOp(op=ast.MatMult()):
            return True
        case ast.Call(func=ast.Attribute(attr="dot" | "matmul" | "outer")):
            return site.field == "args"
        case ast.Attribute(attr="dot"):
            return True
    return False


def _is_of(node: ast.AST, function: types.FunctionType) -> bool:
    """Whether a definition in the source of a file is that of a function."""
    code = function.__code__
    if isinstance(node, ast.FunctionDef):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        return node.name == function.__name__ and first == code.co_firstlineno
    if not isinstance(node, ast.Lambda) or function.__name__ != "<lambda>":
        return False
    body = node.body
    start, end = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    places = [(line, column) for line, _, column, last in code.co_positions() if line and column is not None and last]
    return bool(places) and all(start <= place <= end for place in places)


Put = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes the whole function out of an edited part."""


def sources(function: Callable[..., Any]) -> list[tuple[Source, Put]]:
    """The sources of a function and of the functions that it calls by name, each with how an edited one is put in."""
    found: list[tuple[Source, Put]] = []
    plain = inspect.unwrap(function)
    if not isinstance(plain, types.FunctionType) or "site-packages" in plain.__code__.co_filename:
        return []
    own: list[tuple[types.FunctionType, Put]] = [(plain, lambda made: made)]
    own += [(f, _rebinding(plain, f)) for f in _callees(plain)]
    for target, put in own:
        try:
            found.append((Source(target), put))
        except ValueError:
            continue
    return found


def _callees(function: types.FunctionType) -> list[types.FunctionType]:
    """Functions of the same file that a function names."""
    file = function.__code__.co_filename
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    found: dict[types.FunctionType, None] = {}
    for name in (*function.__code__.co_names, *cells):
        value = function.__globals__.get(name)
        if name in cells:
            try:
                value = cells[name].cell_contents
            except ValueError:  # an empty cell
                continue
        if isinstance(value, types.FunctionType) and value is not function and value.__code__.co_filename == file:
            found[value] = None
    return list(found)


def _rebinding(function: types.FunctionType, old: types.FunctionType) -> Put:
    """Makes the function that calls another one in place of ``old``."""

    def put(new: Callable[..., Any]) -> types.FunctionType:
        space = {k: new if v is old else v for k, v in function.__globals__.items()}
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(types.CellType(new) if cell.cell_contents is old else cell)
            except ValueError:  # an empty cell
                cells.append(cell)
        made = types.FunctionType(
            function.__code__, space, function.__name__, function.__defaults__, tuple(cells) or None
        )
        made.__kwdefaults__, made.__module__ = function.__kwdefaults__, function.__module__
        return made

    return put


__all__ = ["Edit", "Put", "Site", "Source", "further", "other_functions", "rewritings", "sources"]
