"""A reader of the LaTeX that the view writes, as a mathematician reads it; it shares nothing with the writer.

Arrays are matrices: columns (n, 1), rows (1, n), scalars (1, 1).  A column of ones
of unknown length is ``ONES``; next to a matrix it sums, elsewhere it broadcasts.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.special import softmax

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+|[A-Za-z]|\S")
SIZED = {r"\bigl", r"\Bigl", r"\biggl", r"\bigr", r"\Bigr", r"\biggr"}
STOP = {")", "]", "}", "+", "-", ",", r"\odot", r"\oslash", "=", "<", r"\rVert", r"\rvert", "/", r"\quad", r"\le"}


class Ones:
    """A column (or row) of ones that is as long as it has to be."""


ONES, ONES_T = Ones(), Ones()


def read(tex, values, sizes):
    """The value of a formula at arrays by LaTeX name and dimensions by name."""
    reader = Reader([t for t in TOKEN.findall(tex) if t not in SIZED and t not in (r"\,", r"\;")], values, sizes)
    value = reader.sum()
    assert reader.at == len(reader.tokens), reader.tokens[reader.at :]
    return value


def matmul(a, b):
    if isinstance(a, Ones) and isinstance(b, Ones):
        assert a is ONES
        assert b is ONES_T
        return np.ones((1, 1))
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


class Reader:
    def __init__(self, tokens, values, sizes):
        self.tokens, self.values, self.sizes = tokens, values, sizes
        self.at, self.indices = 0, {}

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def take(self, token):
        assert self.next() == token, (token, self.tokens[self.at - 1 :])

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
        while self.peek() in (r"\odot", r"\oslash", "/"):
            op = self.next()
            right = plain(self.term())
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

    def factor(self):
        token = self.next()
        match token:
            case r"\sum" | r"\prod":
                return self.big(token)
            case r"\frac":
                return self.scripts(self.group() / self.group())
            case r"\sqrt":
                return np.sqrt(self.group())
            case r"\log" | r"\exp" | r"\tanh" | r"\sin" | r"\cos":
                function = {r"\log": np.log, r"\exp": np.exp, r"\tanh": np.tanh, r"\sin": np.sin, r"\cos": np.cos}[
                    token
                ]
                if self.peek() == "(":
                    self.next()
                    inside = self.sum()
                    self.take(")")
                    return self.scripts(function(plain(inside)))
                return function(plain(self.factor()))
            case r"\sigma":
                self.take("(")
                inside = self.sum()
                self.take(")")
                return self.scripts(1 / (1 + np.exp(-inside)))
            case r"\max" | r"\min":
                self.take("(")
                a = self.sum()
                self.take(",")
                b = self.sum()
                self.take(")")
                return (np.maximum if token == r"\max" else np.minimum)(a, b)
            case r"\operatorname":
                return self.named("".join(self.raw()))
            case r"\lVert":
                inside = self.sum()
                self.take(r"\rVert")
                norm = np.array([[np.sqrt((inside**2).sum())]])
                if self.peek() == "_":
                    self.next()
                    self.raw()
                return self.scripts(norm)
            case r"\lvert":
                inside = self.sum()
                self.take(r"\rvert")
                return self.scripts(np.abs(inside))
            case "(" | "[":
                inside = self.sum()
                self.take({"(": ")", "[": "]"}[token])
                return self.scripts(inside)
            case r"\mathbf":
                assert self.raw() == ["1"]
                if self.peek() == "^":
                    self.next()
                    assert self.raw() == [r"\top"]
                    return ONES_T
                return ONES
            case "e" if self.peek() == "^":
                self.next()
                return np.exp(self.group())
            case "I":
                self.take("_")
                return np.eye(self.sizes["".join(self.raw())])
            case r"\delta":
                self.take("_")
                i, j = self.raw()
                return np.array([[float(self.indices[i] == self.indices[j])]])
        if token.isdigit():
            return self.scripts(np.array([[float(token)]]))
        if token in self.indices:
            return np.array([[float(self.indices[token])]])
        name = token
        if name not in self.values and self.peek() == "_" and f"{name}_{{{self.tokens[self.at + 2]}}}" in self.values:
            self.next()
            name = f"{name}_{{{''.join(self.raw())}}}"
        if name in self.sizes:
            return self.scripts(np.array([[float(self.sizes[name])]]))
        return self.scripts(self.values[name])

    def named(self, name):
        axis = 0
        if self.peek() == "_":
            self.next()
            axis = 1 if "".join(self.raw()) == r"\mathrm{row}" else 0
        self.take("(")
        inside = self.sum()
        self.take(")")
        if name == "tr":
            return self.scripts(np.array([[np.trace(inside)]]))
        if name == "softmax":
            return self.scripts(softmax(inside, axis=axis))
        assert name == "diag"
        return self.scripts(np.diag(inside[:, 0]) if inside.shape[1] == 1 else np.diag(inside)[:, None])

    def scripts(self, value):
        while self.peek() in ("_", "^"):
            if self.next() == "_":
                labels = self.raw()
                picked = [self.indices[t] - 1 if t in self.indices else int(t) - 1 for t in labels if t != ","]
                value = plain(value)
                value = np.array([[value[tuple(picked) if len(picked) == 2 else (picked[0], 0)]]])
            elif self.tokens[self.at + 1] == r"\top":
                assert self.raw() == [r"\top"]
                value = value.T
            elif self.tokens[self.at + 1] == r"\odot":
                self.take("{")
                self.next()
                value = value ** self.sum()
                self.take("}")
            elif self.tokens[self.at + 1] == "-" and value.shape != (1, 1):
                assert self.raw() == ["-", "1"]
                value = np.linalg.inv(value)
            else:
                assert value.shape == (1, 1), "a plain power of an array"
                value = value ** self.group()
        return value

    def big(self, token):
        self.take("_")
        label, equals, one = self.raw()
        assert (equals, one) == ("=", "1")
        self.take("^")
        bound = self.sizes_of(self.group())
        body = self.at
        total = np.zeros((1, 1)) if token == r"\sum" else np.ones((1, 1))
        assert label not in self.indices
        assert label not in self.values
        assert label not in self.sizes
        for k in range(1, bound + 1):
            self.at = body
            self.indices[label] = k
            value = self.term()
            total = total + value if token == r"\sum" else total * value
        del self.indices[label]
        return total

    @staticmethod
    def sizes_of(value):
        return round(float(value[0, 0]))


__all__ = ["read"]
