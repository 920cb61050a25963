"""A reader of the LaTeX that the view writes, as a mathematician reads it; it shares nothing with the writer.

Arrays are matrices: columns (n, 1), rows (1, n), scalars (1, 1); arrays of higher rank
keep their axes.  A column of ones of unknown length is ``ONES``; next to a matrix it
sums, elsewhere it broadcasts.  An index without a range, as in ``\\max_i x_i`` and
``[a_i + b_i]_i``, runs as far as everything that it picks from has entries.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.special import logsumexp, softmax

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|[A-Za-z]|\S")
SIZED = {r"\bigl", r"\Bigl", r"\biggl", r"\bigr", r"\Bigr", r"\biggr"}
RELATIONS = {"=": np.equal, "<": np.less, r"\le": np.less_equal, r"\ne": np.not_equal, ">": np.greater}
RELATIONS |= {r"\ge": np.greater_equal}
STOP = {")", "]", "}", "+", "-", ",", ":", r"\odot", r"\oslash", r"\otimes", r"\rVert", r"\rvert", "/", r"\quad", "&"}
STOP |= {"\\\\", r"\end", r"\times", r"\rfloor", *RELATIONS}
OPENING = {"(", "[", "{", r"\lVert", r"\lvert"}
CLOSING = {")", "]", "}", r"\rVert", r"\rvert"}


class Ones:
    """A column (or row) of ones that is as long as it has to be."""


class Zeros:
    """A block of zeros that is as large as it has to be."""


LONGEST = 100
"""An index without a range that has not run out by then has nothing to end it."""
ONES, ONES_T, ZEROS = Ones(), Ones(), Zeros()


class OutOfRangeError(Exception):
    """An index has run past the end of an array."""


def read(tex, values, sizes):
    """The value of a formula at arrays by LaTeX name and dimensions by name."""
    tokens = [t for t in TOKEN.findall(tex) if t not in SIZED and t not in (r"\,", r"\;")]
    values = dict(values)
    if r"\quad" in tokens:
        at = tokens.index(r"\quad")
        for clause in clauses(tokens[at + 9 :]):
            define(clause, values, sizes)
        tokens = tokens[:at]
    return whole(tokens, values, sizes)


def whole(tokens, values, sizes):
    reader = Reader(tokens, values, sizes)
    value = reader.sum()
    assert reader.at == len(reader.tokens), reader.tokens[reader.at :]
    return value


def clauses(tokens):
    """The parts between the commas that stand in no bracket."""
    depth, out = 0, [[]]
    for token in tokens:
        depth += (token in OPENING) - (token in CLOSING)
        if token == "," and not depth:
            out.append([])
        else:
            out[-1].append(token)
    return out


def define(tokens, values, sizes):
    """``z = Xw``, or a decomposition, ``S = V\\operatorname{diag}(\\boldsymbol{\\lambda})V^{\\top}``."""
    at = tokens.index("=")
    left, right = tokens[:at], tokens[at + 1 :]
    text = "".join(right)
    if found := re.fullmatch(r"([A-Z])\1\^\{\\top\}", text):
        values[found[1]] = np.linalg.cholesky(whole(left, values, sizes))
    elif found := re.match(r"([A-Z])\\operatorname\{diag\}\(\\boldsymbol\{\\lambda\}", text):
        spectrum, vectors = np.linalg.eigh(whole(left, values, sizes))
        values[found[1]], values["eig"] = vectors, spectrum[:, None]
        values["columns"] = values.get("columns", {}) | {found[1].lower(): (vectors, True)}
    elif found := re.match(r"([A-Z])\\operatorname\{diag\}\(\\boldsymbol\{\\sigma\}.*?\)+([A-Z])(.*)", text):
        first, spectrum, last = np.linalg.svd(whole(left, values, sizes), full_matrices=False)
        name, power = found[2], found[3]
        values[found[1]], values["sv"] = first, spectrum[:, None]
        if power == r"^{\top}":
            values[name] = last.T
            columns = {found[1].lower(): (first, False), name.lower(): (last.T, False)}
            values["columns"] = values.get("columns", {}) | columns
        else:
            values[re.sub(r"[{}]", "", name + power)] = last
            values["columns"] = values.get("columns", {}) | {found[1].lower(): (first, False)}
    else:
        values["".join(left)] = whole(right, values, sizes)


def matmul(a, b):
    if isinstance(a, Ones) and isinstance(b, Ones):
        if a is ONES and b is ONES_T:
            return np.ones((1, 1))
        raise AssertionError("ones of unknown length")
    if isinstance(a, Ones):
        if a is ONES_T:
            return b.sum(axis=0, keepdims=True)
        assert b.shape[0] == 1
        return b
    if isinstance(b, Ones):
        if a.shape == (1, 1):
            return a if b is ONES else ONES_T
        if b is ONES:
            return a.sum(axis=1, keepdims=True)
        assert a.shape[1] == 1
        return a
    if a.shape == (1, 1) or b.shape == (1, 1):
        return a * b
    assert a.shape[1] == b.shape[0], (a.shape, b.shape)
    return a @ b


def plain(value):
    return np.ones((1, 1)) if isinstance(value, Ones) else value


def scalar(value):
    return np.array([[float(value)]])


def number(value):
    assert value.shape == (1, 1)
    return float(value[0, 0])


def integer(value):
    assert abs(number(value) - round(number(value))) < 1e-9
    return round(number(value))


class Reader:
    def __init__(self, tokens, values, sizes):
        self.tokens, self.values, self.sizes = tokens, values, sizes
        self.at, self.indices = 0, {}

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def take(self, token):
        assert self.next() == token, (token, self.tokens[self.at - 1 :])

    # sums, products

    def sum(self):
        sign = 1
        if self.peek() == "-":
            self.next()
            sign = -1
        total = sign * plain(self.hadamard())
        while self.peek() in ("+", "-"):
            sign = 1 if self.next() == "+" else -1
            total = total + sign * plain(self.hadamard())
        return total

    def hadamard(self):
        value = self.term()
        while self.peek() in (r"\odot", r"\oslash", r"\otimes", "/"):
            op = self.next()
            right = plain(self.term())
            if op == r"\otimes":
                value = np.kron(value, right)
            else:
                value = plain(value) * right if op == r"\odot" else plain(value) / right
        return value

    def term(self):
        """Scalars in front multiply the rest, which is taken from the left."""
        scale, value = np.ones((1, 1)), None
        while True:
            factor = self.factor()
            if value is None and not isinstance(factor, Ones) and factor.shape == (1, 1):
                scale = scale * factor
            else:
                value = factor if value is None else matmul(value, factor)
            if self.peek() is None or self.peek() in STOP:
                break
            if self.peek() == r"\cdot":
                self.next()
        if value is None:
            return scale
        return scale * plain(value) if scale[0, 0] != 1 else value

    def group(self):
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def raw(self):
        self.take("{")
        depth, out = 1, []
        while True:
            token = self.next()
            depth += (token == "{") - (token == "}")
            if not depth:
                return out
            out.append(token)

    def inside(self, close=")"):
        """An argument whose opening bracket is next."""
        self.next()
        value = plain(self.sum())
        self.take(close)
        return value

    # single factors

    def factor(self):
        token = self.next()
        match token:
            case r"\sum" | r"\prod":
                return self.big(token)
            case r"\frac":
                return self.scripts(self.group() / self.group())
            case r"\sqrt":
                return np.sqrt(self.group())
            case r"\log" | r"\exp" | r"\tanh" | r"\sin" | r"\cos" | r"\det":
                function = {
                    r"\log": np.log, r"\exp": np.exp, r"\tanh": np.tanh, r"\sin": np.sin, r"\cos": np.cos,
                    r"\det": lambda a: scalar(np.linalg.det(a)),
                }[token]  # fmt: skip
                if self.peek() == "(":
                    return self.scripts(function(self.inside()))
                return function(plain(self.factor()))
            case r"\sigma" if self.peek() == "(":
                return self.scripts(1 / (1 + np.exp(-self.inside())))
            case r"\max" | r"\min" if self.peek() == "_":
                return self.extreme(token)
            case r"\max" | r"\min":
                self.take("(")
                a = self.sum()
                self.take(",")
                b = self.sum()
                self.take(")")
                return (np.maximum if token == r"\max" else np.minimum)(a, b)
            case r"\lambda" | r"\sigma" if self.peek() == "_":
                return self.spectral(token)
            case r"\boldsymbol":
                return self.spectrum("".join(self.raw()))
            case r"\operatorname":
                return self.named("".join(self.raw()))
            case r"\begin":
                name = "".join(self.raw())
                return self.cases() if name == "cases" else self.scripts(self.blocks())
            case r"\lVert":
                return self.norm()
            case r"\lvert":
                value = np.abs(plain(self.sum()))
                self.take(r"\rvert")
                return self.scripts(value)
            case r"\lfloor":
                value = np.floor(self.sum())
                self.take(r"\rfloor")
                return value
            case "(" | "[":
                return self.bracketed({"(": ")", "[": "]"}[token])
            case r"\mathbf":
                return self.constant("".join(self.raw()))
            case "e" if self.peek() == "^":
                self.next()
                return np.exp(self.group())
            case "e" if self.peek() == "_" and "e" not in self.values:
                raise AssertionError("a unit vector of unknown length")
            case "I" if self.peek() == "_":
                self.next()
                return self.scripts(np.eye(integer(self.group())))
            case r"\delta":
                self.take("_")
                i, j = self.keys()
                return scalar(i == j)
        if token[0].isdigit():
            return self.scripts(scalar(token))
        return self.name(token)

    def name(self, token):
        if token in self.indices:
            return scalar(self.indices[token])
        if token.lower() == token and token in self.values.get("columns", {}) and self.peek() == "_":
            return self.column(*self.values["columns"][token])
        if token in "UVuvL" and token not in self.values:
            return self.vectors(token)
        name = token
        if name not in self.values and self.peek() == "_" and f"{name}_{{{self.peek(2)}}}" in self.values:
            self.next()
            name = f"{name}_{{{''.join(self.raw())}}}"
        if name in self.sizes:
            return self.scripts(scalar(self.sizes[name]))
        return self.scripts(self.values[name])

    def bracketed(self, close):
        """A bracket, Iverson's bracket, or an array given by its entries."""
        start, depth = self.at, 1
        while depth:
            token = self.next()
            depth += (token in OPENING) - (token in CLOSING)
        if self.peek() == "_":
            end = self.tokens.index("}", self.at)
            labels = running(self.tokens[self.at + 2 : end])
            if all(re.fullmatch("[a-z]", t[0]) and not self.is_known(t[0]) for t in labels):
                self.at = end + 1
                return self.scripts(self.by_entries(start, labels))
        self.at = start
        value = self.sum()
        if [self.peek(k) for k in range(4)] == [",", "1", ",", r"\dots"]:
            self.at += 5
            value = np.arange(integer(self.sum()) + 1.0)[:, None]
        if self.peek() in RELATIONS:
            value = RELATIONS[self.next()](plain(value), plain(self.sum())).astype(float)
        self.take(close)
        return self.scripts(plain(value))

    def is_known(self, letter):
        return letter in self.indices or letter in self.values or letter in self.sizes

    def by_entries(self, start, labels):
        after = self.at
        value = self.entries(start, labels)
        self.at = after
        return value[:, None] if value.ndim == 1 else value

    def entries(self, start, labels):
        if not labels:
            self.at = start
            return np.asarray(number(plain(self.sum())))
        out = []
        name, *ends = labels[0]
        assert not self.is_known(name)
        for k in range(1, self.evaluated(ends[1:]) + 1 if ends else LONGEST):
            self.indices[name] = k
            try:
                out.append(self.entries(start, labels[1:]))
            except OutOfRangeError:
                break
            finally:
                del self.indices[name]
        if not out:
            raise OutOfRangeError
        assert ends or len(out) < LONGEST - 1, "an index without a range"
        return np.stack(out)

    def extreme(self, token):
        self.next()
        labels = running(self.raw())
        start = self.at
        values, after = [], set()

        def run(rest):
            if not rest:
                self.at = start
                values.append(number(plain(self.term())))
                after.add(self.at)
                return
            name, *ends = rest[0]
            assert not self.is_known(name)
            for k in range(1, self.evaluated(ends[1:]) + 1 if ends else LONGEST):
                self.indices[name] = k
                before = len(values)
                try:
                    run(rest[1:])
                except OutOfRangeError:
                    assert len(values) == before
                    break
                finally:
                    del self.indices[name]
            if k == 1:
                raise OutOfRangeError
            assert ends or k < LONGEST - 1, "an index without a range"

        run(labels)
        (self.at,) = after
        return scalar(max(values) if token == r"\max" else min(values))

    def big(self, token):
        self.take("_")
        self.take("{")
        label = self.next()
        self.take("=")
        first = integer(self.sum())
        self.take("}")
        self.take("^")
        last = integer(self.group())
        body = self.at
        assert not self.is_known(label)
        total = np.zeros((1, 1)) if token == r"\sum" else np.ones((1, 1))
        if last < first:
            # An index ran past the end of what is summed.
            raise OutOfRangeError
        try:
            for k in range(first, last + 1):
                self.at, self.indices[label] = body, k
                value = self.term()
                total = total + value if token == r"\sum" else total * value
        finally:
            del self.indices[label]
        return total

    # functions of arrays

    def norm(self):
        inside = plain(self.sum())
        self.take(r"\rVert")
        order = "2" if inside.shape[1] == 1 else None
        if self.peek() == "_":
            self.next()
            script = self.raw()
            order = "".join(script)
        value = {
            "F": lambda: np.linalg.norm(inside),
            "*": lambda: np.linalg.norm(inside, "nuc"),
            r"\infty": lambda: np.abs(inside[:, 0]).max(),
        }.get(order)
        if value is None:
            p = float(order) if re.fullmatch(r"[0-9.]+", order) else number(whole(script, self.values, self.sizes))
            value = lambda: np.linalg.norm(inside if inside.shape[1] > 1 else inside[:, 0], p)  # noqa: E731
        return self.scripts(scalar(value()))

    def spectral(self, token):
        """One eigenvalue, counted upwards, or one singular value, counted downwards."""
        self.take("_")
        which = self.raw()
        name = {r"\lambda": "eig", r"\sigma": "sv"}[token]
        if self.peek() == "(":
            matrix = self.inside()
            found = np.linalg.eigvalsh(matrix) if name == "eig" else np.linalg.svd(matrix, compute_uv=False)
        else:
            found = self.values[name][:, 0]
        if which in ([r"\max"], [r"\min"]):
            found = found.max() if which == [r"\max"] else found.min()
        else:
            found = self.at_place(found, self.key(which))
        return self.scripts(scalar(found))

    def spectrum(self, token):
        name = {r"\lambda": "eig", r"\sigma": "sv"}[token]
        if self.peek() == "(":
            matrix = self.inside()
            found = np.linalg.eigvalsh(matrix) if name == "eig" else np.linalg.svd(matrix, compute_uv=False)
            return self.scripts(found[:, None])
        return self.scripts(self.values[name])

    def vectors(self, token):
        """``V(S)``, ``U(X)``, ``v_{\\max}(S)``: symmetric matrices have eigenvectors, others singular vectors."""
        at = self.at
        if self.peek() == "_":
            self.next()
            self.raw()
        matrix = self.inside()
        after = self.at
        self.at = at
        if matrix.shape[0] == matrix.shape[1] and np.array_equal(matrix, matrix.T):
            found, ascending = {"v": np.linalg.eigh(matrix)[1]}, True
        else:
            left, _, right = np.linalg.svd(matrix, full_matrices=False)
            found, ascending = {"u": left, "v": right.T}, False
        if self.peek() == "(":
            self.at = after
            return self.scripts(found[token.lower()])
        columns = found[token]
        self.next()
        which = self.raw()
        self.at = after
        return self.scripts(self.picked(columns, ascending, which))

    def column(self, matrix, ascending):
        self.next()
        return self.scripts(self.picked(matrix, ascending, self.raw()))

    def picked(self, matrix, ascending, which):
        if which in ([r"\max"], [r"\min"]):
            return matrix[:, [0 if ascending == (which == [r"\min"]) else -1]]
        return matrix[:, [self.key(which) - 1]]

    def named(self, name):
        script = []
        if self.peek() == "_":
            self.next()
            script = self.raw()
        text = "".join(script)
        if name == "where":
            return self.scripts(self.where())
        value = self.inside() if self.peek() == "(" else plain(self.factor())
        match name:
            case "tr":
                found = scalar(np.trace(value))
            case "sign":
                found = np.sign(value)
            case "softmax":
                found = softmax(value, axis=1 if text == r"\mathrm{row}" else 0)
            case "diag":
                found = np.diag(value[:, 0]) if value.shape[1] == 1 else np.diag(value)[:, None]
            case "chol":
                found = np.linalg.cholesky(value)
            case "vec":
                found = value.T.reshape(-1, 1)
            case "reshape":
                shape = [integer(whole(part, self.values, self.sizes)) for part in split(script, r"\times")]
                found = np.squeeze(value, 1) if value.ndim == 2 and value.shape[1] == 1 else value
                found = found.reshape(shape)
                found = found[:, None] if found.ndim == 1 else found
            case "cumsum":
                found = np.cumsum(value, axis=1 if text == r"\mathrm{row}" else 0)
            case "tril":
                found = np.tril(value, int(text or 0))
            case "triu":
                found = np.triu(value, int(text or 0))
            case "logsumexp":
                found = scalar(logsumexp(value))
            case _:
                raise AssertionError(name)
        return self.scripts(found)

    def where(self):
        self.take("(")
        parts = [plain(self.sum())]
        while self.peek() == ",":
            self.next()
            parts.append(plain(self.sum()))
        self.take(")")
        condition, first, second = parts
        return np.where(condition != 0, first, second)

    def constant(self, digit):
        if self.peek() == "_":
            self.next()
            shape = [integer(whole(part, self.values, self.sizes)) for part in split(self.raw(), r"\times")]
            made = np.full(shape if len(shape) == 2 else (shape[0], 1), float(digit))
            return self.scripts(made)
        if digit == "0":
            if self.peek() == "^":
                self.next()
                assert self.raw() == [r"\top"]
            return ZEROS
        assert digit == "1"
        if self.peek() == "^":
            self.next()
            assert self.raw() == [r"\top"]
            return ONES_T
        return ONES

    def cases(self):
        """The value of the one case that holds."""
        found = []
        while True:
            start, depth = self.at, 0
            while depth or self.peek() != "&":
                depth += {r"\begin": 1, r"\end": -1}.get(self.next(), 0)
            self.take("&")
            left = plain(self.sum())
            sign = RELATIONS[self.next()]
            holds = bool(sign(left, plain(self.sum())).item())
            token, after = self.next(), self.at
            if holds:
                self.at = start
                found.append(plain(self.sum()))
                self.take("&")
            self.at = after
            if token == r"\end":
                assert "".join(self.raw()) == "cases"
                (value,) = found
                return value
            assert token == "\\\\"

    def blocks(self):
        """Blocks in rows; zeros and ones take the size that fits, a number is one entry."""
        rows = [[]]
        while True:
            start = self.at
            if self.peek() == r"\mathbf" and self.peek(2) == "0" and self.peek(4) in ("&", "\\\\", r"\end", "^"):
                self.next()
                block = self.constant("".join(self.raw()))
            else:
                self.at = start
                block = plain(self.sum())
            rows[-1].append(block)
            token = self.next()
            if token == r"\end":
                assert "".join(self.raw()) == "pmatrix"
                break
            assert token in ("&", "\\\\"), token
            if token == "\\\\":
                rows.append([])
        heights = [next((b.shape[0] for b in row if not isinstance(b, Zeros)), 1) for row in rows]
        columns = zip(*rows, strict=True)
        widths = [next((b.shape[1] for b in column if not isinstance(b, Zeros)), 1) for column in columns]
        return np.block(
            [
                [np.zeros((h, w)) if isinstance(b, Zeros) else b for b, w in zip(row, widths, strict=True)]
                for row, h in zip(rows, heights, strict=True)
            ]
        )

    # scripts

    def scripts(self, value):
        while self.peek() in ("_", "^"):
            if self.next() == "_":
                value = self.subscripted(plain(value))
            elif self.peek(1) == r"\top":
                assert self.raw() == [r"\top"]
                value = value.T
            elif self.peek(1) == r"\odot":
                self.take("{")
                self.next()
                value = value ** self.sum()
                self.take("}")
            elif value.shape != (1, 1):
                script = self.raw()
                turned = script == ["-", r"\top"]
                power = -1 if turned else int("".join(script))
                value = np.linalg.matrix_power(value.T if turned else value, power)
            else:
                value = value ** self.group()
        return value

    def subscripted(self, value):
        keys = self.keys()
        rank = 1 if value.ndim == 2 and value.shape[1] == 1 and len(keys) == 1 else value.ndim
        base = value[:, 0] if rank == 1 else value
        assert len(keys) <= base.ndim, (keys, base.shape)
        picked, axis = base, 0
        for key, size in zip(keys, base.shape, strict=False):
            picked = picked[(slice(None),) * axis + (self.checked(key, size),)]
            axis += isinstance(key, slice)
        if picked.ndim == 0:
            return scalar(picked)
        if picked.ndim > 1:
            return picked
        # A row of a matrix is a row, everything else with one axis a column.
        return picked[None, :] if rank == 2 and not isinstance(keys[0], slice) else picked[:, None]

    @staticmethod
    def checked(key, size):
        if isinstance(key, slice):
            if key == slice(None):
                return key
            step = key.step or 1
            places = list(range(key.start, key.stop + (1 if step > 0 else -1), step))
            assert all(1 <= k <= size for k in places)
            assert places
            return np.array(places) - 1
        if not 1 <= key <= size:
            raise OutOfRangeError
        return key - 1

    def at_place(self, values, key):
        return values[self.checked(key, len(values))]

    def keys(self):
        """The indices of a subscript: letters side by side, or expressions with commas between them."""
        tokens = self.raw()
        if "," not in tokens and ":" not in tokens and len(tokens) > 1 and all(t in self.indices for t in tokens):
            return [self.indices[t] for t in tokens]
        return [self.key(part) for part in split(tokens, ",")]

    def key(self, tokens):
        if tokens == [":"]:
            return slice(None)
        ends = [self.evaluated(part) for part in split(tokens, ":")]
        if len(ends) == 1:
            return ends[0]
        return slice(ends[0], ends[-1], ends[1] if len(ends) == 3 else None)

    def evaluated(self, tokens):
        inner = Reader(tokens, self.values, self.sizes)
        inner.indices = self.indices
        value = inner.sum()
        assert inner.at == len(tokens), tokens
        return integer(value)


def running(tokens):
    """Indices that run, side by side or with commas between them, each with its end if it is told."""
    if "," in tokens or r"\le" in tokens:
        return split(tokens, ",")
    return [[token] for token in tokens]


def split(tokens, separator):
    """The parts between separators that stand in no braces."""
    depth, out = 0, [[]]
    for token in tokens:
        depth += (token in OPENING) - (token in CLOSING)
        if token == separator and not depth:
            out.append([])
        else:
            out[-1].append(token)
    return out


__all__ = ["read"]
