"""Formulas as text: NumPy expressions read over Python's ``ast``, nothing ever run.

The text is NumPy, restricted to an allow-list: declared names, dimensions,
numbers, ``+ - * / ** @``, comparisons, indexing, the functions and methods of
the tables below, and definitions behind ``where``:

    X.T @ (expit(z) - y) / n, where z = X @ w

Everything is checked before anything is made: length, characters, brackets,
numbers, and the size of the tree.  There is no ``eval``, no ``compile``; a
name means what was declared, or it is an error that says what was declared.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Pow, Rational, Symbol, exp, pi

from symderive.errors import IndexDomainError, ReadError, SymderiveError, UnknownNameError
from symderive.language import arrays, joining
from symderive.language.arrays import Array, Dim, dimension_symbol
from symderive.language.nodes import Leaf, Named, Number
from symderive.language.statements import Relation
from symderive.language.text_bindings import read_binding, spelled
from symderive.language.text_functions import (
    AMBIGUOUS,
    CONSTANTS,
    FIELDS,
    HOMES,
    METHODS,
    PREFIXES,
    PYTHON_ROWS,
    ROWS,
    WORDS,
    Parameter,
    Row,
    instead,
)

MAX_LENGTH = 10_000
MAX_DEPTH = 100
MAX_NODES = 3_000
MAX_CHAIN = 500
MAX_DIGITS = 100
MAX_DECIMAL_EXPONENT = 300
MAX_POWER = 10_000
MAX_BITS = 4_096

# -- tokens: what is looked at before Python's parser sees the text -------------------

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<string>"[^"]*"|'[^']*')
      | (?P<op>\*\*|//|==|!=|<=|>=|:=|->|<<|>>|\.\.\.|[-+*/@%&|^~<>=()\[\]{},:;.!])""",
    re.VERBOSE,
)

_REFUSED_OPERATORS = {
    ":=": "an assignment (:=) is not read; put definitions behind 'where'",
    "^": "^ is not read; a power is written **",
    "<<": "<< is not read",
    ">>": ">> is not read",
    "->": "-> is not read",
    "{": "braces are not read",
    "}": "braces are not read",
    "!": "! is not read",
}

_REFUSED_WORDS = {
    "lambda": "a lambda is not read in text",
    "for": "a comprehension or a loop (for) is not read; use whole-array functions or np.einsum",
    "if": "a conditional (if) is not read; use np.where(condition, a, b)",
    "else": "a conditional (else) is not read; use np.where(condition, a, b)",
    "and": "'and' is not read here; write (a < b) & (c < d)",
    "or": "'or' is not read; write (a < b) | (c < d)",
    "not": "'not' is not read; write ~(a < b)",
    "is": "'is' is not read; a comparison is written ==",
    "in": "'in' is not read",
}

_LOOKALIKES = {
    "\u2212": "-",
    "\u00d7": "*",
    "\u00b7": "*",
    "\u22c5": "*",
    "\u2217": "*",
    "\u00f7": "/",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u00b2": "**2",
    "\u00b3": "**3",
    "\u1d40": ".T",
    "\u22a4": ".T",
    "\u201c": '"',
    "\u201d": '"',
    "\u2018": "'",
    "\u2019": "'",
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _refuse(problem: str, text: str, at: int) -> ReadError:
    return ReadError(problem, text, at + 1)


def _character(c: str) -> str:
    return f"{c!r} ({unicodedata.name(c, f'U+{ord(c):04X}')})" if ord(c) > 126 else repr(c)


def _tokens(text: str) -> list[_Token]:
    """The text in tokens; characters, words and numbers that are not read are refused."""
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            c = text[at]
            if c == "#":
                raise _refuse("comments (#) are not read", text, at)
            if c == "\\":
                raise _refuse("a backslash is not read; this is NumPy text, not LaTeX", text, at)
            if c in "\"'":
                raise _refuse("this string is not closed", text, at)
            hint = f"; write {_LOOKALIKES[c]}" if c in _LOOKALIKES else ""
            raise _refuse(f"the character {_character(c)} is not read{hint}", text, at)
        kind, piece = match.lastgroup or "", match.group()
        if kind != "space":
            token = _Token(kind, piece, at)
            _check_token(token, found[-1] if found else None, text)
            found.append(token)
        at = match.end()
    return found


def _check_token(token: _Token, before: _Token | None, text: str) -> None:
    piece, at = token.text, token.start
    touching = before is not None and before.end == at
    if token.kind == "op" and piece in _REFUSED_OPERATORS:
        raise _refuse(_REFUSED_OPERATORS[piece], text, at)
    if token.kind == "string":
        if touching and before is not None and before.kind == "name":
            raise _refuse(f"a string with the prefix {before.text!r} is not read (no f-strings)", text, before.start)
        if "\\" in piece:
            raise _refuse("a backslash is not read", text, at + piece.index("\\"))
    if token.kind == "name":
        if touching and before is not None and before.kind == "number":
            raise _refuse(
                f"{before.text + piece!r} is neither a number nor a name; write {before.text}*{piece}",
                text,
                before.start,
            )
        if not piece.isidentifier() or unicodedata.normalize("NFKC", piece) != piece:
            bad = next(
                (
                    k
                    for k, c in enumerate(piece)
                    if unicodedata.normalize("NFKC", c) != c or not ("a" + c).isidentifier()
                ),
                0,
            )
            hint = f"; write {_LOOKALIKES[piece[bad]]}" if piece[bad] in _LOOKALIKES else ""
            raise _refuse(f"the character {_character(piece[bad])} is not read in a name{hint}", text, at + bad)
        if piece in _REFUSED_WORDS and piece != "and":
            raise _refuse(_REFUSED_WORDS[piece], text, at)
        if keyword.iskeyword(piece) and piece not in ("None", "True", "False", "and"):
            raise _refuse(f"the Python word {piece!r} is not read", text, at)
    if token.kind == "number":
        if touching and before is not None and before.kind in ("name", "number"):
            raise _refuse(f"{before.text + piece!r} is not a number", text, before.start)
        _check_number(piece, text, at)


def _check_number(piece: str, text: str, at: int) -> None:
    digits, _, exponent = piece.lower().partition("e")
    if sum(c.isdigit() for c in digits) > MAX_DIGITS:
        raise _refuse(f"a number of more than {MAX_DIGITS} digits is not read", text, at)
    if exponent and (len(exponent) > 6 or abs(int(exponent)) > MAX_DECIMAL_EXPONENT):
        raise _refuse(
            f"a number beyond 1e{MAX_DECIMAL_EXPONENT} or below 1e-{MAX_DECIMAL_EXPONENT} is not read",
            text,
            at,
        )
    if len(digits) > 1 and digits.isdigit() and digits[0] == "0" and digits.strip("0") and not exponent:
        raise _refuse("an integer with leading zeros is not read", text, at)


_OPENING = {"(": ")", "[": "]"}


def _depths(tokens: Sequence[_Token], text: str) -> list[int]:
    """The bracket depth at each token; unbalanced or too deep brackets are refused."""
    depths: list[int] = []
    open_: list[_Token] = []
    chain = [0]
    prefixes = 0
    for token in tokens:
        if token.kind == "op" and token.text in _OPENING:
            depths.append(len(open_))
            open_.append(token)
            chain.append(0)
            if len(open_) > MAX_DEPTH:
                raise _refuse(f"brackets nested more than {MAX_DEPTH} deep are not read", text, token.start)
        elif token.kind == "op" and token.text in ")]":
            if not open_ or _OPENING[open_[-1].text] != token.text:
                raise _refuse(f"this {token.text!r} closes nothing", text, token.start)
            open_.pop()
            chain.pop()
            depths.append(len(open_))
        else:
            depths.append(len(open_))
        if token.kind == "op" and token.text not in ")]([":
            prefixes += 1
            chain[-1] += 1
            if prefixes > MAX_DEPTH:
                raise _refuse(f"more than {MAX_DEPTH} operators in a row are not read", text, token.start)
            if chain[-1] > MAX_CHAIN:
                raise _refuse(f"more than {MAX_CHAIN} operators in one bracket are not read", text, token.start)
        else:
            prefixes = 0
    if open_:
        raise _refuse(f"this {open_[-1].text!r} is never closed", text, open_[-1].start)
    return depths


@dataclass(frozen=True)
class _Piece:
    """A part of the text: the main expression, or the body of a definition."""

    start: int
    stop: int
    name: str = ""
    name_at: int = 0


def _pieces(text: str) -> list[_Piece]:
    """The main expression and the definitions behind ``where``."""
    tokens = _tokens(text)
    depths = _depths(tokens, text)
    if not tokens:
        raise _refuse("there is nothing to read", text, 0)

    def is_definition(k: int) -> bool:
        return (
            k + 1 < len(tokens) and tokens[k].kind == "name" and (tokens[k + 1].kind, tokens[k + 1].text) == ("op", "=")
        )

    starts: list[tuple[int, int]] = []  # (first token that ends the piece before, token of the name)
    for k, token in enumerate(tokens):
        if depths[k] or not (token.kind == "name" and token.text == "where") or not is_definition(k + 1):
            continue
        end = k - 1 if k and tokens[k - 1].text in (",", ";") else k
        starts.append((end, k + 1))
    if starts:
        for k in range(starts[0][1], len(tokens) - 1):
            if not depths[k] and tokens[k].text in (",", ";", "and") and tokens[k].kind != "string":
                j = k
                while j + 1 < len(tokens) and (tokens[j + 1].text in (",", "and")):
                    j += 1
                if is_definition(j + 1) and not any(s[1] == j + 1 for s in starts):
                    starts.append((k, j + 1))
    starts.sort()
    bounds = [s[0] for s in starts] + [len(tokens)]
    first_end = bounds[0]
    if first_end == 0:
        raise _refuse("there is nothing before 'where'", text, tokens[0].start)
    result = [_Piece(tokens[0].start, tokens[first_end - 1].end)]
    for (_, name), end in zip(starts, bounds[1:], strict=True):
        while end > name + 2 and end == len(tokens) and tokens[end - 1].text in (",", ";", "."):
            end -= 1
        if end <= name + 2:
            raise _refuse(f"the definition of {tokens[name].text!r} is empty", text, tokens[name].start)
        result.append(_Piece(tokens[name + 2].start, tokens[end - 1].end, tokens[name].text, tokens[name].start))
    for k, token in enumerate(tokens):
        if token.text == "and" and token.kind == "name":
            inside = any(p.start <= token.start < p.stop for p in result)
            if inside:
                raise _refuse(_REFUSED_WORDS["and"], text, token.start)
        if token.kind == "op" and token.text in (";", "=", ",") and not depths[k]:
            piece = next((p for p in result if p.start <= token.start < p.stop), None)
            if piece is not None and token.text == ";":
                raise _refuse("';' separates definitions behind 'where' only", text, token.start)
            if piece is not None and token.text == "=":
                raise _refuse("'=' defines names behind 'where' only; a comparison is written ==", text, token.start)
            if piece is not None and token.text == ",":
                raise _refuse("a ',' is read inside brackets and between definitions only", text, token.start)
    return result


# -- the tree: parsed by Python, walked by us -----------------------------------------


def _parse(text: str, piece: _Piece) -> ast.expr:
    source = "".join(" " if c.isspace() else c for c in text[piece.start : piece.stop])
    try:
        tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        offset = error.offset - 1 if error.offset else len(source)
        message = (error.msg or "invalid syntax").split(". ")[0]
        at = piece.start + min(offset, len(source))
        raise _refuse(f"this is not an expression: {message}", text, at) from None
    except (RecursionError, MemoryError, ValueError, OverflowError):
        raise _refuse("this text is too deeply nested to be read", text, piece.start) from None
    count = 0
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > MAX_NODES:
            raise _refuse(f"a formula of more than {MAX_NODES} parts is not read", text, piece.start)
        if depth > MAX_DEPTH:
            at = piece.start + _chars(source, getattr(node, "col_offset", 0))
            raise _refuse(f"a formula nested more than {MAX_DEPTH} deep is not read", text, at)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.keyword):
                chained = isinstance(node, ast.BinOp) and child is node.left
                stack.append((child, depth if chained else depth + 1))
    return tree


def _chars(source: str, offset: int) -> int:
    """Characters in the first ``offset`` bytes (``ast`` counts UTF-8 bytes)."""
    return len(source.encode()[:offset].decode(errors="ignore"))


_CONSTRUCTS: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment (:=)",
    ast.IfExp: "a conditional (if)",
    ast.BoolOp: "and/or",
    ast.Starred: "a starred argument (*)",
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.Slice: "a slice",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
}

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
    ast.Mod: "remainder",
    ast.FloorDiv: "floor_divide",
    ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or",
}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "equal"),
    ast.NotEq: ("!=", "not_equal"),
    ast.Lt: ("<", "less"),
    ast.LtE: ("<=", "less_equal"),
    ast.Gt: (">", "greater"),
    ast.GtE: (">=", "greater_equal"),
}


def scope_dimensions(scope: Mapping[str, Any]) -> dict[str, Symbol]:
    """The dimension names that occur in the shapes of a scope."""
    found: dict[str, Symbol] = {}
    for value in scope.values():
        if not isinstance(value, Array):
            continue
        sizes: list[Expr] = list(value.dims)
        for node in value.node.walk():
            sizes.extend(node.shape)
            if isinstance(node, Leaf):
                sizes.extend(end for end in (node.domain.entries.low, node.domain.entries.high) if end.is_integer)
            if isinstance(node, Number):
                sizes.append(node.value)
        for size in sizes:
            for symbol in sorted(size.free_symbols, key=str):
                found.setdefault(str(symbol), symbol)  # type: ignore[arg-type]
    return found


class _Reader:
    """Reads one piece after the other in one scope."""

    def __init__(self, text: str, scope: Mapping[str, Any]) -> None:
        self.text = text
        self.scope: dict[str, Array] = {name: arrays.as_array(value) for name, value in scope.items()}
        self.dimensions = scope_dimensions(self.scope)
        self.several: dict[str, tuple[Any, ...]] = {}
        self.start = 0
        self.source = ""

    # -- places and errors

    def at(self, node: ast.AST) -> int:
        """Where a part starts in the text; of an operation, where its operator stands."""
        if not isinstance(node, ast.BinOp):
            return self.start + _chars(self.source, getattr(node, "col_offset", 0))
        place = _chars(self.source, node.left.end_col_offset or 0)
        while place < len(self.source) - 1 and self.source[place] in " )":
            place += 1
        return self.start + place

    def refuse(self, problem: str, node: ast.AST) -> ReadError:
        return _refuse(problem, self.text, self.at(node))

    def made(self, node: ast.AST, make: Callable[[], Any]) -> Any:
        """Make something; what goes wrong is told with its place in the text."""
        try:
            result = make()
        except (ReadError, IndexDomainError):
            raise
        except SymderiveError as error:
            problem = str(ReadError(str(error), self.text, self.at(node) + 1))
            raise type(error)(problem) from None
        except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
            raise _refuse(f"this cannot be read: {error}", self.text, self.at(node)) from None
        if isinstance(result, Array):
            self.check_constant(result, node)
        return result

    def check_constant(self, value: Array, node: ast.AST) -> None:
        if not isinstance(value.node, Number):
            return
        for number in value.node.value.atoms(Rational):
            if max(abs(int(number.p)).bit_length(), int(number.q).bit_length()) > MAX_BITS:
                raise self.refuse("a constant of this size is not read", node)

    # -- pieces

    def definitions(self, pieces: Sequence[_Piece]) -> None:
        """Put the definitions into the scope, whatever order they are written in."""
        trees: dict[str, tuple[_Piece, ast.expr]] = {}
        for piece in pieces:
            if piece.name in trees:
                raise _refuse(f"{piece.name!r} is defined twice", self.text, piece.name_at)
            if piece.name in self.scope and not isinstance(self.scope[piece.name].node, Named):
                raise _refuse(f"{piece.name!r} is already declared", self.text, piece.name_at)
            if piece.name in self.dimensions:
                raise _refuse(f"{piece.name!r} is already a dimension", self.text, piece.name_at)
            try:
                arrays.check_name(piece.name, "a definition")
            except UnknownNameError as error:
                raise _refuse(str(error), self.text, piece.name_at) from None
            trees[piece.name] = (piece, _parse(self.text, piece))
        uses = {
            name: [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in trees]
            for name, (_, tree) in trees.items()
        }
        waiting = list(trees)
        known: set[str] = set()
        while waiting:
            ready = [name for name in waiting if all(u in known for u in uses[name])]
            if not ready:
                raise _refuse(
                    f"the definitions of {', '.join(waiting)} refer to each other in a circle",
                    self.text,
                    trees[waiting[0]][0].name_at,
                )
            for name in ready:
                piece, tree = trees[name]
                known.add(name)
                self.enter(piece)
                body = self.value(tree)
                old = self.scope.get(name)
                if hasattr(body, "_fields") and old is None:
                    # Several arrays have no node of their own: the name stands for them in this text.
                    self.several[name] = body
                    continue
                made = arrays.let(name, self.one_array(body, tree))
                if old is not None and not old.same_form(made):
                    raise _refuse(f"{name!r} is already defined, as something else", self.text, piece.name_at)
                self.scope[name] = made
            waiting = [name for name in waiting if name not in known]

    def enter(self, piece: _Piece) -> None:
        self.start = piece.start
        self.source = "".join(" " if c.isspace() else c for c in self.text[piece.start : piece.stop])

    def piece(self, piece: _Piece, tree: ast.expr) -> Array:
        self.enter(piece)
        return self.array(tree)

    # -- expressions

    def array(self, node: ast.expr) -> Array:
        """An expression as an array."""
        return self.one_array(self.value(node), node)

    def one_array(self, value: Any, node: ast.expr) -> Array:
        """The value of an expression, where an array is needed."""
        if isinstance(value, Array):
            return value
        if isinstance(value, int):
            return arrays.as_array(value)
        if hasattr(value, "_fields"):
            raise self.refuse(f"this gives several arrays ({', '.join(value._fields)}); take one, e.g. ...[0]", node)
        if any(isinstance(part, Array) and part.ndim for part in value):
            raise self.refuse("this gives several arrays; take one, e.g. ...[0]", node)
        raise self.refuse("a shape is no number; take an entry, e.g. X.shape[0]", node)

    def value(self, node: ast.expr) -> Any:
        """An expression: an array, an integer size, or a shape (a tuple of sizes)."""
        match node:
            case ast.BinOp():
                return self.chain(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.array(operand)
                return self.made(node, lambda: arrays.elementary("negative", inner))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.array(operand)
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                mask = self.array(operand)
                return self.made(node, lambda: arrays.elementary("invert", mask))
            case ast.Constant():
                return self.constant(node)
            case ast.Name():
                return self.name(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.Call():
                return self.call(node)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Subscript():
                return self.subscript(node)
        raise self.refuse(f"{_CONSTRUCTS.get(type(node), type(node).__name__)} is not read", node)

    def chain(self, node: ast.BinOp) -> Array:
        """``a + b + c ...``, without a call for each term."""
        links: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp):
            links.append(first)
            first = first.left
        result = self.array(first)
        for link in reversed(links):
            name = _OPERATORS.get(type(link.op))
            if name is None:
                raise self.refuse(f"the operator {type(link.op).__name__} is not read", link)
            right = self.array(link.right)
            left = result
            if name == "power":
                self.check_power(left, right, link)
            result = self.made(link, lambda name=name, left=left, right=right: arrays.elementary(name, left, right))
        return result

    def check_power(self, base: Array, exponent: Array, node: ast.AST) -> None:
        if not isinstance(exponent.node, Number):
            return
        value = exponent.node.value
        if any(abs(r) > MAX_POWER for r in value.atoms(Rational)):
            raise self.refuse(f"exponents beyond {MAX_POWER} are not read", node)
        if value.free_symbols and any(p.exp.free_symbols for p in value.atoms(Pow)):
            raise self.refuse("a tower of powers of dimensions is not read", node)
        if value.is_number and not value.is_Rational and abs(float(value)) > MAX_POWER:
            raise self.refuse(f"exponents beyond {MAX_POWER} are not read", node)
        if isinstance(base.node, Number):
            for number in base.node.value.atoms(Rational):
                bits = max(abs(int(number.p)).bit_length(), int(number.q).bit_length())
                if value.is_number and bits > 1 and bits * abs(float(value)) > MAX_BITS:
                    raise self.refuse("a power of this size is not read", node)

    def check_exp(self, argument: Array, node: ast.AST) -> None:
        if not isinstance(argument.node, Number):
            return
        value = argument.node.value
        large = value.has(exp) if value.free_symbols else abs(float(value)) > MAX_POWER
        if large:
            raise self.refuse("an exponential of this size is not read", node)

    def constant(self, node: ast.Constant) -> Array:
        if node.value is None or isinstance(node.value, bool) or node.value is Ellipsis:
            raise self.refuse(f"{'...' if node.value is Ellipsis else node.value} is no number", node)
        if isinstance(node.value, str | bytes):
            raise self.refuse("a string is not read here", node)
        first = _chars(self.source, node.col_offset)
        last = _chars(self.source, node.end_col_offset or node.col_offset)
        return Array(Number(Rational(self.source[first:last])))

    def name(self, node: ast.Name) -> Any:
        name = node.id
        if name in self.several:
            return self.several[name]
        if name in self.scope:
            found = self.scope[name]
            if name in self.dimensions and not isinstance(found, Dim):
                raise self.refuse(f"{name!r} is both an array and a dimension here; rename one", node)
            return found
        if name in self.dimensions:
            return Dim(self.dimensions[name])
        if name == "pi":
            return Array(Number(pi))
        raise self.unknown(name, node)

    def unknown(self, name: str, node: ast.AST) -> ReadError:
        if name in WORDS:
            return self.refuse(f"{name!r} is a module; write {name}.<function>(...)", node)
        if name in ROWS or name in PYTHON_ROWS:
            return self.refuse(f"{name!r} is a function; call it: {name}(...)", node)
        if name in ("nan", "inf", "NaN", "Infinity", "infinity"):
            return self.refuse(f"{name!r} is no number in a formula; constants are finite", node)
        declared = [*self.scope, *(d for d in self.dimensions if d not in self.scope)]
        close = difflib.get_close_matches(name, declared, 2, 0.6)
        close += [x for x in declared if x.lower() == name.lower() and x not in close]
        known = f"declared are {', '.join(declared)}" if declared else "nothing is declared"
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        return self.refuse(f"the name {name!r:.62} is not declared ({known}){hint}", node)

    def comparison(self, node: ast.Compare) -> Array:
        if len(node.ops) > 1:
            raise self.refuse("a chained comparison is not read; compare two sides", node)
        op = _COMPARISONS.get(type(node.ops[0]))
        if op is None:
            raise self.refuse(f"the comparison {type(node.ops[0]).__name__} is not read", node)
        left, right = self.array(node.left), self.array(node.comparators[0])
        return self.made(node, lambda: arrays.elementary(op[1], left, right))

    # -- attributes, indices, calls

    def dotted(self, node: ast.expr) -> str | None:
        """``np.linalg`` as text, where it starts at a module and not at a declared name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in WORDS and node.id not in {**self.scope, **self.several}:
            return ".".join([node.id, *reversed(parts)])
        return None

    def attribute(self, node: ast.Attribute) -> Any:
        path = self.dotted(node)
        if path is not None:
            prefix, _, name = path.rpartition(".")
            home = PREFIXES.get(prefix)
            if home in ("np", "math") and name in CONSTANTS:
                return Array(Number(CONSTANTS[name]))
            if name in ("nan", "inf", "NaN", "Inf"):
                raise self.refuse(f"{path} is no number in a formula; constants are finite", node)
            if home is not None and name in ROWS:
                raise self.refuse(f"{path} is a function; call it: {path}(...)", node)
            raise self.refuse(f"{path} is not read", node)
        if node.attr in FIELDS:
            several = self.value(node.value)
            if node.attr in getattr(several, "_fields", ()):
                return getattr(several, node.attr)
        if node.attr in ("T", "mT", "shape", "size", "ndim"):
            owner = self.array(node.value)
            return self.made(node, lambda: getattr(owner, node.attr))
        if node.attr in METHODS:
            raise self.refuse(f".{node.attr} is a method; call it: .{node.attr}(...)", node)
        raise self.refuse(
            f"attribute access .{node.attr} is not read; read are .T, .mT, .shape, .size, .ndim and the "
            f"methods {', '.join(sorted(METHODS))}",
            node,
        )

    def subscript(self, node: ast.Subscript) -> Any:
        beside = {"np.r_": "r_", "numpy.r_": "r_", "np.c_": "c_", "numpy.c_": "c_"}.get(self.dotted(node.value) or "")
        if beside:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return self.made(node, lambda: joining.beside([self.array(p) for p in parts], columns=beside == "c_"))
        owner = self.value(node.value)
        if isinstance(owner, tuple):
            index = self.integer(node.slice)
            if not -len(owner) <= index < len(owner):
                raise self.refuse(f"there are {len(owner)} entries here", node)
            found = owner[index]
            if isinstance(found, Array):
                self.made(node, lambda: found.node)  # what cannot be used is refused here, with its place
            return found
        if isinstance(owner, int):
            raise self.refuse("a number cannot be indexed", node)
        entries = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        keys = tuple(self.index(entry) for entry in entries)
        return self.made(node, lambda: owner[keys])

    def index(self, node: ast.expr) -> Any:
        match node:
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(None if part is None else self.end(part) for part in (lower, upper, step)))
            case ast.Constant(value=None):
                return None
            case ast.Constant(value=value) if value is Ellipsis:
                return Ellipsis
        if self.dotted(node) in ("np.newaxis", "numpy.newaxis"):
            return None
        if isinstance(node, ast.List):
            return [self.integer(e) for e in node.elts]
        value = self.array(node)
        if value.ndim or not isinstance(value.node, Number):
            return value
        if value.node.value.is_integer is not True:
            raise self.refuse("an index is an integer, a slice, an array of integers, '...' or None", node)
        return int(value.node.value) if value.node.value.is_Integer else value

    def end(self, node: ast.expr) -> Any:
        """An end of a slice: an integer, or an expression in the dimensions."""
        if self.is_none(node):
            return None
        value = self.array(node)
        if not isinstance(value.node, Number) or value.node.value.is_integer is not True:
            raise self.refuse("a slice begins and ends at integers", node)
        return int(value.node.value) if value.node.value.is_Integer else value

    def call(self, node: ast.Call) -> Any:
        kind = spelled(node)
        if kind is not None:
            return read_binding(self, node, kind)
        row, owner, what = self.function(node.func)
        values: dict[str, Any] = {}
        many: list[Any] = []
        given: list[tuple[Parameter, ast.expr]] = []
        parameters = row.parameters
        arguments = list(node.args)
        if owner is not None:
            values[parameters[0].name] = owner
            parameters = parameters[1:]
            if what in ("reshape", "transpose") and len(arguments) > 1:
                arguments = [ast.copy_location(ast.Tuple(elts=arguments, ctx=ast.Load()), arguments[0])]
        place = 0
        for argument in arguments:
            if isinstance(argument, ast.Starred):
                raise self.refuse("a starred argument (*) is not read", argument)
            if place >= len(parameters):
                raise self.refuse(f"{what} takes at most {len(row.parameters)} arguments", argument)
            given.append((parameters[place], argument))
            place += 0 if parameters[place].many else 1
        for word in node.keywords:
            if word.arg is None:
                raise self.refuse("a starred argument (**) is not read", word.value)
            parameter = next((p for p in parameters if p.name == word.arg and not p.many), None)
            if parameter is None:
                names = ", ".join(p.name for p in parameters if not p.many)
                raise self.refuse(f"{what} has no argument {word.arg!r} here; it takes {names}", word.value)
            if any(p is parameter for p, _ in given):
                raise self.refuse(f"{what} gets {word.arg!r} twice", word.value)
            given.append((parameter, word.value))
        for parameter, argument in given:
            read = self.argument(parameter.kind, argument)
            if parameter.many:
                many.append(read)
            else:
                values[parameter.name] = read
        for parameter in parameters:
            if not parameter.optional and not parameter.many and parameter.name not in values:
                raise self.refuse(f"{what} needs the argument {parameter.name!r}", node)
        if what in ("exp", "exp2", "exp10"):
            self.check_exp(values["x"], node)
        if row is ROWS["power"] or row is ROWS["float_power"] or row is ROWS["pow"]:
            self.check_power(values["x"], values["y"], node)
        positional = [values.pop(p.name) for p in row.parameters if not p.optional and not p.many]
        result = self.made(node, lambda: row.make(*positional, *many, **values))
        return self.as_size(result)

    @staticmethod
    def as_size(result: Any) -> Any:
        if hasattr(result, "_fields"):
            return result
        return tuple(result) if isinstance(result, tuple | list) else result

    def function(self, node: ast.expr) -> tuple[Row, Array | None, str]:
        """The row that a call names, the array whose method it is, and its name."""
        if isinstance(node, ast.Name):
            name = node.id
            if name in self.scope or name in self.dimensions:
                raise self.refuse(f"{name!r} is an array, not a function; a product is written *", node)
            row = PYTHON_ROWS.get(name) or ROWS.get(name)
            if row is None or name in AMBIGUOUS:
                raise self.no_function(name, name, node, "")
            return row, None, name
        if isinstance(node, ast.Attribute):
            path = self.dotted(node)
            if path is not None:
                prefix, _, name = path.rpartition(".")
                home = PREFIXES.get(prefix, "")
                row = HOMES.get(home, {}).get(name)
                if row is None:
                    raise self.no_function(path, name, node, home)
                return row, None, name
            if node.attr in METHODS:
                return METHODS[node.attr], self.array(node.value), node.attr
            raise self.refuse(
                f"attribute access .{node.attr} is not read; the methods that are read are "
                f"{', '.join(sorted(METHODS))}",
                node,
            )
        raise self.refuse("only functions that are named are called", node)

    def no_function(self, shown: str, name: str, node: ast.AST, home: str) -> ReadError:
        """The error for a call of what is not read, or not under this module's name."""
        if home == "norm":
            return self.refuse(f"{shown} is not read; of norm are read {', '.join(HOMES[home])}", node)
        if name in AMBIGUOUS and home in ("", "linalg"):
            return self.refuse(f"calling {shown} is not read: {AMBIGUOUS[name]}", node)
        elsewhere = next((h for h, rows in HOMES.items() if name in rows and h != "norm"), None)
        if home and elsewhere:
            return self.refuse(f"there is no {shown} that is read; write {elsewhere}.{name}", node)
        hint = instead(name, home)
        if not hint:
            close = difflib.get_close_matches(name, sorted({*ROWS, *PYTHON_ROWS}), 3, 0.7)
            hint = f"did you mean {' or '.join(close)}?" if close else ""
        return self.refuse(f"calling {shown} is not read" + (f"; {hint}" if hint else ""), node)

    def order(self, node: ast.expr) -> Any:
        """The order of a norm: a number, 'fro', 'nuc', np.inf."""
        if isinstance(node, ast.Constant) and (node.value is None or node.value in ("fro", "nuc")):
            return node.value
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        if self.dotted(node.operand if negative else node) in ("np.inf", "numpy.inf", "math.inf"):
            return float("-inf") if negative else float("inf")
        value = self.array(node)
        if not isinstance(value.node, Number):
            raise self.refuse("the order of a norm is a number", node)
        return value.node.value

    def widths(self, node: ast.expr) -> Any:
        """np.pad's widths: an integer, a pair, or a pair for each axis."""
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.widths(e) for e in node.elts)
        return self.array(node)

    def argument(self, kind: str, node: ast.expr) -> Any:
        if isinstance(node, ast.Starred):
            raise self.refuse("a starred argument (*) is not read", node)
        match kind:
            case "array":
                return self.array(node)
            case "bound":
                return None if self.is_none(node) else self.array(node)
            case "arrays":
                if not isinstance(node, ast.List | ast.Tuple) or not node.elts:
                    raise self.refuse("a list of arrays is needed here", node)
                return [self.array(e) for e in node.elts]
            case "axis":
                if self.is_none(node):
                    return None
                if isinstance(node, ast.Tuple | ast.List):
                    return tuple(self.integer(e) for e in node.elts)
                return self.integer(node)
            case "axes":
                if isinstance(node, ast.Tuple | ast.List):
                    return tuple(self.argument("axis", e) for e in node.elts)
                return self.integer(node)
            case "int":
                return self.integer(node)
            case "flag":
                if isinstance(node, ast.Constant) and isinstance(node.value, bool):
                    return node.value
                raise self.refuse("True or False is needed here", node)
            case "ord":
                return self.order(node)
            case "trans":
                return node.value if isinstance(node, ast.Constant) else self.integer(node)
            case "pair":
                if isinstance(node, ast.Tuple) and len(node.elts) == 2:
                    return self.array(node.elts[0]), self.argument("flag", node.elts[1])
                return self.value(node)
            case "nested" | "blocks":
                return self.nested(node, kind)
            case "places" | "repeats":
                if isinstance(node, ast.Tuple | ast.List):
                    return [self.size(e) for e in node.elts]
                return self.size(node)
            case "widths":
                return self.widths(node)
            case "text":
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    return node.value
                raise self.refuse("the subscripts must be a string, e.g. 'ij,j->i'", node)
            case "dim":
                return self.size(node)
            case "shape":
                return self.shape(node)
        raise AssertionError(kind)

    def nested(self, node: ast.expr, kind: str) -> Any:
        """A list of lists of arrays and numbers."""
        if isinstance(node, ast.List) or (isinstance(node, ast.Tuple) and kind == "nested"):
            if not node.elts:
                raise self.refuse("an empty list is not read", node)
            return [self.nested(e, kind) for e in node.elts]
        return self.array(node)

    @staticmethod
    def is_none(node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) and node.value is None

    def integer(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and node.value is None:
            raise self.refuse("an integer is needed here", node)
        value = self.array(node)
        if not isinstance(value.node, Number) or not isinstance(value.node.value, Integer):
            raise self.refuse("an integer is needed here", node)
        return int(value.node.value)

    def size(self, node: ast.expr) -> Any:
        value = self.array(node)
        if not isinstance(value.node, Number):
            raise self.refuse("a dimension is needed here: an integer or the name of a dimension", node)
        return int(value.node.value) if value.node.value.is_Integer else value

    def shape(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple | ast.List):
            sizes = [self.size(e) for e in node.elts]
        else:
            value = self.value(node)
            if isinstance(value, tuple):
                return value
            sizes = [self.size(node)]
        return tuple(Dim(s.node.value) if isinstance(s, Array) else s for s in sizes)


# -- entrances ---------------------------------------------------------------------------


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise ReadError(f"text is needed, got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise ReadError(f"a text of {len(text)} characters is not read; the limit is {MAX_LENGTH}")
    return text


def _prepared(text: str, scope: Mapping[str, Any]) -> tuple[_Reader, _Piece, ast.expr]:
    first, *rest = _pieces(_checked(text))
    reader = _Reader(text, scope)
    tree = _parse(text, first)
    reader.definitions(rest)
    reader.enter(first)
    return reader, first, tree


def defined_names(text: str) -> tuple[str, ...]:
    """The names that a text defines behind ``where``.

    >>> defined_names("r @ r, where r = X @ w - y")
    ('r',)
    """
    return tuple(piece.name for piece in _pieces(_checked(text))[1:])


def read_text(text: str, scope: Mapping[str, Any]) -> Array:
    """Read a formula in a scope of declared arrays (and numbers).

    ``scope`` maps names to arrays; the dimensions of their shapes are in scope
    by name.  Definitions behind ``where`` become :func:`symderive.let`
    definitions of the result.  Raises :class:`~symderive.errors.ReadError`
    with the 1-based column for what is not read, and ``ShapeError`` where
    shapes do not fit.  Nothing in the text is executed.

    >>> import symderive as sd
    >>> from symderive.language.reading import read_text
    >>> X, w = sd.array("X", "n", "d"), sd.array("w", "d")
    >>> read_text("np.sum(z**2) / n where z = X @ w", {"X": X, "w": w}).shape
    ()
    """
    reader, first, tree = _prepared(text, scope)
    return reader.piece(first, tree)


def read_relation(text: str, scope: Mapping[str, Any]) -> Relation:
    """Read ``lhs == rhs`` (or ``<= >= < > !=``), both sides exactly as they are written.

    The relation holds entrywise; the sides broadcast as in NumPy.  A chained
    comparison (``a <= b <= c``) is refused.  See :func:`read_text`.

    >>> import symderive as sd
    >>> from symderive.language.reading import read_relation
    >>> read_relation("x/x == 1", {"x": sd.array("x")}).op
    '=='
    """
    reader, first, tree = _prepared(text, scope)
    reader.enter(first)
    if not isinstance(tree, ast.Compare):
        raise reader.refuse("a relation is needed: lhs == rhs, or <=, >=, <, >, !=", tree)
    if len(tree.ops) > 1:
        raise reader.refuse("a chained comparison is not read; state one relation at a time", tree)
    op = _COMPARISONS.get(type(tree.ops[0]))
    if op is None:
        raise reader.refuse(f"the comparison {type(tree.ops[0]).__name__} is not read", tree)
    left, right = reader.array(tree.left), reader.array(tree.comparators[0])
    return reader.made(tree, lambda: relation(left, op[0], right))


def relation(lhs: Array, op: str, rhs: Array) -> Relation:
    """A relation between two arrays, broadcast to one shape."""
    left, right = arrays.joined_nodes((lhs, rhs), op)
    return Relation(left, op, right)


_DIMENSION_TOKEN = re.compile(r"\s*(?:([0-9]+)|([^\W\d]\w*)|([+*()]))")


def read_shape(text: str, what: str = "a shape") -> tuple[Expr, ...]:
    """A shape text: ``"n d"``, ``"n, d"``, ``"(n, d+1)"``, ``""`` for a scalar."""
    if len(text) > 500:
        raise ReadError(f"{what}: a shape text of {len(text)} characters is not read")
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")") and ("," in inner or inner[1:-1].isidentifier()):
        inner = inner[1:-1]
    items = inner.split(",") if "," in inner else inner.split()
    if items and not items[-1].strip():
        items.pop()
    return tuple(_dimension(item, text, what) for item in items)


def _dimension(item: str, text: str, what: str) -> Expr:
    problem = f"{what}: {item.strip()!r} is no dimension (a name, an integer >= 1, or sums and products of them)"
    if not item.isascii() and unicodedata.normalize("NFKC", item) != item:
        raise ReadError(problem, text, 1)
    tokens: list[str] = []
    at = 0
    stripped = item.strip()
    while at < len(stripped):
        match = _DIMENSION_TOKEN.match(stripped, at)
        if match is None:
            raise ReadError(problem, text, 1)
        tokens.append(match.group().strip())
        at = match.end()
    rest = iter([*tokens, ""])
    current = next(rest)

    def advance() -> str:
        nonlocal current
        taken, current = current, next(rest, "")
        return taken

    def atom(depth: int) -> Expr:
        token = advance()
        if token.isdigit():
            if len(token) > 9 or int(token) < 1:
                raise ReadError(problem, text, 1)
            return Integer(token)
        if token == "(" and depth < 20:
            value = total(depth + 1)
            if advance() != ")":
                raise ReadError(problem, text, 1)
            return value
        if token and token not in "+*()":
            return dimension_symbol(token)
        raise ReadError(problem, text, 1)

    def product(depth: int) -> Expr:
        value = atom(depth)
        while current == "*":
            advance()
            value = value * atom(depth)
        return value

    def total(depth: int) -> Expr:
        value = product(depth)
        while current == "+":
            advance()
            value = value + product(depth)
        return value

    result = total(0)
    if current:
        raise ReadError(problem, text, 1)
    return result
