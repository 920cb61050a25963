"""How large a SymPy expression may be: asked of its structure, before anything evaluates or prints it.

SymPy evaluates numbers when it is asked almost anything about them (``Pow(9, Pow(9, 9))`` is asked
whether it is zero, and computes 9**387420489), walks shared parts again for each place where they
stand, and recurs as deep as an expression is nested.  So sizes are bounded first, by a walk that
looks at each object once and asks nothing of it but its arguments.
"""

from __future__ import annotations

from math import inf, log2
from typing import Any, NamedTuple

from sympy import Basic, Derivative, Float, Integer, Mul, Pow, Rational, Symbol, binomial, exp, factorial, gamma
from sympy.functions.combinatorial.factorials import CombinatorialFunction
from sympy.functions.combinatorial.numbers import fibonacci, harmonic
from sympy.matrices import MatrixBase

from symderive.errors import UnsupportedError

__all__ = ["bounded"]

#: Most objects (counted once for each place where they stand), deepest nesting, most bits of a
#: number, most characters of a name, most entries of an explicit matrix, highest order of a derivative.
MOST, DEEPEST, BITS, LONGEST, ENTRIES, ORDER = 100_000, 250, 100_000, 500, 4096, 60

DIGITS = 14_000
"""Most bits of an exact number: Python prints integers of 4300 decimal digits, and no longer ones."""


def bounded(expression: Any) -> int:
    """How many parts an expression is written with (1 for what is no SymPy expression).

    Raises `UnsupportedError` where it, or a number in it, is too large to be handled at all.

    >>> from sympy import Pow
    >>> bounded(Pow(9, Pow(9, 9, evaluate=False), evaluate=False))
    Traceback (most recent call last):
        ...
    symderive.errors.UnsupportedError: a number of about 10**82746495135 is not read; at most 100000 bits are
    """
    if isinstance(expression, MatrixBase):
        rows, columns = expression.shape
        if rows * columns > ENTRIES:
            raise UnsupportedError(f"a matrix of {rows} by {columns} explicit entries is not read; use a symbol")
    sizes: dict[int, tuple[int, int, _Size]] = {}
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
        inner = [sizes.get(id(part), (1, 1, _NONE)) for part in parts]
        count, deep = 1 + sum(i[0] for i in inner), 1 + max((i[1] for i in inner), default=0)
        if count > MOST:
            raise UnsupportedError(f"an expression that is written with more than {MOST} parts is not read")
        if deep > DEEPEST:
            raise UnsupportedError(f"an expression nested more than {DEEPEST} deep is not read")
        sizes[id(node)] = (count, deep, _size(node, [i[2] for i in inner]))
    return sizes[id(expression)][0]


def _parts(node: Any) -> tuple[Any, ...]:
    if isinstance(node, MatrixBase):
        return tuple(node.flat())
    return tuple(node.args) if isinstance(node, Basic) else tuple(node) if isinstance(node, tuple | list) else ()


class _Size(NamedTuple):
    """Bounds in bits: on log2|value| from above, on its distance from 0, and on the digits of an exact number.

    A quotient of long integers may be a number near 1: exp(1.234567) is as small as exp(1).  Infinite for what is
    no number.
    """

    high: float
    far: float
    digits: float


_NONE = _Size(inf, inf, inf)


def _size(node: Any, inner: list[_Size]) -> _Size:
    """How large a number is, `_NONE` for what is none; raises where that is too large."""
    match node:
        case Rational():
            p, q = abs(node.p).bit_length(), node.q.bit_length()
            found = _Size(float(p - q + 1), float(abs(p - q) + 1), float(max(p, q)))
        case Float():
            high = float(node._mpf_[2] + node._mpf_[3])
            found = _Size(high, abs(high), float(node._mpf_[3]))
        case Symbol():
            if len(node.name) > LONGEST:
                raise UnsupportedError(f"a name of {len(node.name)} characters is not read; at most {LONGEST} are")
            return _NONE
        case Derivative():
            orders = [int(count) for _, count in node.variable_count if isinstance(count, Integer)]
            if sum(orders) > ORDER:
                raise UnsupportedError(f"a derivative of order {sum(orders)} is not read; at most {ORDER} are")
            return _NONE
        case Pow():
            found = _power(node, *inner)
        case exp() | factorial() | gamma() | binomial() | fibonacci() | harmonic() | CombinatorialFunction():
            if _NONE in inner:
                return _NONE
            most = max((i.high for i in inner), default=1.0)
            if isinstance(node, exp):
                length = _scaled(1.5, most)  # log2(e) is 1.44...
                return _checked(_Size(length, length, 1.0))
            length = _scaled(1.0, most) * max(most, 1.0)
            found = _Size(length, length, length)
        case _:
            if not inner or _NONE in inner:
                return _NONE
            count = len(inner)
            if isinstance(node, Mul):
                highs, fars, digits = (sum(parts) for parts in zip(*inner, strict=True))
                return _checked(_Size(highs, fars, digits))
            found = _Size(*(sum(max(part, 0.0) for part in parts) + count for parts in zip(*inner, strict=True)))
    return _checked(found)


def _checked(found: _Size) -> _Size:
    if BITS < found.far < inf:
        raise _too_large(found.far)
    if DIGITS < found.digits < inf:
        raise UnsupportedError(f"an exact number of {found.digits:.3g} bits is not read; at most {DIGITS} are")
    return found


def _power(node: Pow, base: _Size, exponent: _Size) -> _Size:
    if _is_small(node.args[0]):
        return _Size(1.0, 1.0, 1.0)
    if log2(BITS) + 1 < exponent.high < inf:
        raise _too_large(_scaled(1.0 if base is _NONE else base.far, exponent.high))
    if _NONE in (base, exponent):
        return _NONE
    times = node.args[1]
    factor = abs(float(times)) if isinstance(times, Rational) else _scaled(1.0, exponent.high)
    high = base.high * factor if isinstance(times, Rational) and times.p > 0 else base.far * factor
    return _Size(high, base.far * factor, base.digits * max(factor, 1.0))


def _is_small(base: Any) -> bool:
    """Whether every power of a number is a small number: 0, 1 and -1."""
    return isinstance(base, Integer) and abs(base.p) <= 1


def _scaled(bits: float, exponent: float) -> float:
    """bits times 2**exponent, without an overflow."""
    return max(bits, 1.0) * 2.0 ** max(min(exponent, 900.0), -900.0)


def _too_large(bits: float) -> UnsupportedError:
    digits = bits / log2(10)
    size = f"10**{digits:.0f}" if digits < 1e12 else "10**(10**12) or more"
    return UnsupportedError(f"a number of about {size} is not read; at most {BITS} bits are")
