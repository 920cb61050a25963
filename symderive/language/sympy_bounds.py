"""How large a SymPy expression may be: asked of its structure, before anything evaluates or prints it.

SymPy evaluates numbers when it is asked almost anything about them (``Pow(9, Pow(9, 9))`` is asked
whether it is zero, and computes 9**387420489), walks shared parts again for each place where they
stand, and recurs as deep as an expression is nested.  So sizes are bounded first, by a walk that
looks at each object once and asks nothing of it but its arguments.
"""

from __future__ import annotations

from math import inf, log2
from typing import Any

from sympy import Basic, Derivative, Float, Integer, Pow, Rational, Symbol, binomial, exp, factorial, gamma
from sympy.functions.combinatorial.factorials import CombinatorialFunction
from sympy.functions.combinatorial.numbers import fibonacci, harmonic
from sympy.matrices import MatrixBase

from symderive.errors import UnsupportedError

__all__ = ["bounded"]

#: Most objects (counted once for each place where they stand), deepest nesting, most bits of a
#: number, most characters of a name, most entries of an explicit matrix, highest order of a derivative.
MOST, DEEPEST, BITS, LONGEST, ENTRIES, ORDER = 100_000, 250, 100_000, 500, 4096, 60


def bounded(expression: Any) -> int:
    """How many parts an expression is written with (1 for what is no SymPy expression).

    Raises `UnsupportedError` where it, or a number in it, is too large to be handled at all.

    >>> from sympy import Pow
    >>> bounded(Pow(9, Pow(9, 9, evaluate=False), evaluate=False))
    Traceback (most recent call last):
        ...
    symderive.errors.UnsupportedError: a number of about 10**(10**12) or more is not read; at most 100000 bits are
    """
    if isinstance(expression, MatrixBase):
        rows, columns = expression.shape
        if rows * columns > ENTRIES:
            raise UnsupportedError(f"a matrix of {rows} by {columns} explicit entries is not read; use a symbol")
    sizes: dict[int, tuple[int, int, float]] = {}
    kept: list[Any] = [expression]  # objects live as long as their ids are keys
    stack: list[tuple[Any, bool]] = [(expression, False)]
    while stack:
        node, ready = stack.pop()
        if id(node) in sizes:
            continue
        parts = _parts(node)
        if not ready:
            kept.append(parts)
            stack.append((node, True))
            stack += [(part, False) for part in parts]
            if len(kept) > MOST:
                raise UnsupportedError(f"an expression of more than {MOST} parts is not read")
            continue
        inner = [sizes.get(id(part), (1, 1, inf)) for part in parts]
        count, deep = 1 + sum(i[0] for i in inner), 1 + max((i[1] for i in inner), default=0)
        if count > MOST:
            raise UnsupportedError(f"an expression that is written with more than {MOST} parts is not read")
        if deep > DEEPEST:
            raise UnsupportedError(f"an expression nested more than {DEEPEST} deep is not read")
        sizes[id(node)] = (count, deep, _bits(node, [i[2] for i in inner]))
    return sizes[id(expression)][0]


def _parts(node: Any) -> tuple[Any, ...]:
    if isinstance(node, MatrixBase):
        return tuple(node.flat())
    return tuple(node.args) if isinstance(node, Basic) else tuple(node) if isinstance(node, tuple | list) else ()


def _bits(node: Any, inner: list[float]) -> float:
    """A bound on log2|value| of a number, inf for what is none; raises where that is too large."""
    match node:
        case Integer():
            found = float(abs(node.p).bit_length())
        case Rational():
            found = float(max(abs(node.p).bit_length(), node.q.bit_length()))
        case Float():
            found = float(abs(node._mpf_[2]) + node._mpf_[3])
        case Symbol():
            if len(node.name) > LONGEST:
                raise UnsupportedError(f"a name of {len(node.name)} characters is not read; at most {LONGEST} are")
            return inf
        case Derivative():
            orders = [int(count) for _, count in node.variable_count if isinstance(count, Integer)]
            if sum(orders) > ORDER:
                raise UnsupportedError(f"a derivative of order {sum(orders)} is not read; at most {ORDER} are")
            return inf
        case Pow():
            base, exponent = inner
            if _is_small(node.args[0]):
                return 1.0
            if log2(BITS) + 1 < exponent < inf:
                raise _too_large(_scaled(1.0 if base == inf else base, exponent))
            found = inf if inf in inner else _scaled(base, exponent)
        case exp() | factorial() | gamma() | binomial() | fibonacci() | harmonic() | CombinatorialFunction():
            found = inf if inf in inner else _scaled(max(inner, default=1.0), max(inner, default=1.0))
        case _:
            return inf if not inner or inf in inner else sum(inner) + len(inner)
    if BITS < found < inf:
        raise _too_large(found)
    return found


def _is_small(base: Any) -> bool:
    """Whether every power of a number is a small number: 0, 1 and -1."""
    return isinstance(base, Integer) and abs(base.p) <= 1


def _scaled(bits: float, exponent: float) -> float:
    """bits times 2**exponent, without an overflow."""
    return max(bits, 1.0) * 2.0 ** min(exponent, 900.0)


def _too_large(bits: float) -> UnsupportedError:
    digits = bits / log2(10)
    size = f"10**{digits:.0f}" if digits < 1e12 else "10**(10**12) or more"
    return UnsupportedError(f"a number of about {size} is not read; at most {BITS} bits are")
