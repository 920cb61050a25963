"""Sums of logarithms taken apart into tangents, -w·log u >= w·(1 - u): how Gibbs, Jensen and log-sum are found.

An expression ``Σ c·log a + R`` is written as ``Σ -w·log u + R`` with weights w >= 0, the logarithms of one weight
together.  A logarithm whose weight is the sum of others' goes to these: with ``log S`` at weight w₁ + w₂, each
u of theirs is divided by S.  What the tangents leave, ``R + Σ w·(1 - u)``, has no logarithm any more.  Where u <= 1,
-w·log u is >= 0 already, and where a half of it is better, -w·log u is -2w·log √u.

Nothing rests on this: the checker makes the sum again.  Source: Cover & Thomas, Elements of Information Theory,
2.6-2.7 (log-sum inequality, Jensen's inequality).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import final

import numpy as np
from sympy import Add, Expr, Integer, Mul, Rational, S, log, nsimplify

MOST_GROUPS = 8
MOST_SPLITS = 48


@final
@dataclass(frozen=True)
class Split:
    """``Σ -w·log u`` over the tangents and over what is <= 1, and the rest that has no logarithm of these."""

    tangents: tuple[tuple[Expr, Expr], ...]
    at_most_one: tuple[tuple[Expr, Expr], ...]
    rest: Expr


@final
@dataclass(frozen=True)
class _Group:
    """``-weight·log(argument)``."""

    weight: Expr
    argument: Expr


def splits(
    core: Expr,
    sign: Callable[[Expr], str],
    values: Callable[[Expr], np.ndarray],
    simple: Callable[[Expr], Expr],
) -> Iterator[Split]:
    """The ways to take a sum of logarithms apart that the samples do not speak against.

    ``sign`` shows signs, ``values`` are samples of an expression, ``simple`` factors it.

    >>> from sympy import symbols
    >>> p = symbols("p", positive=True)
    >>> def sign(e):
    ...     return "-" if e.is_negative else "+"
    >>> found = next(splits(p - 1 - log(p), sign, lambda e: np.array([]), lambda e: e))
    >>> found.tangents, found.rest
    (((1, p),), 0)
    """
    groups, rest = _groups(core, sign, simple)
    if not 0 < len(groups) <= MOST_GROUPS:
        return
    count = 0
    for kept, power in _assignments(groups, values):
        for theta in dict.fromkeys((S.One, 1 / power, S.Half)):
            made = [(g.weight / theta, simple(g.argument) if theta == 1 else _power(g.argument, theta)) for g in kept]
            below = [_never_above(values(u - 1)) for _, u in made]
            for signs in dict.fromkeys((tuple(False for _ in made), tuple(below))):
                if theta != 1 and all(signs):
                    continue
                tangents = tuple(pair for pair, by_sign in zip(made, signs, strict=True) if not by_sign)
                others = tuple(pair for pair, by_sign in zip(made, signs, strict=True) if by_sign)
                left = Add(rest, *(w * (1 - u) for w, u in tangents))
                # a half is of use where what is left vanishes; else it only makes roots
                if _never_above(-values(left)) and (theta == 1 or _never_above(values(left))):
                    yield Split(tangents, others, left)
                    count += 1
                if count > MOST_SPLITS:
                    return


def _power(product_: Expr, exponent: Expr) -> Expr:
    """A power of a product of numbers > 0, factor by factor."""
    return Mul(*(base ** (e * exponent) for base, e in (f.as_base_exp() for f in Mul.make_args(product_))))


def _never_above(sampled: np.ndarray) -> bool:
    """Whether no sample is clearly > 0."""
    found = sampled[np.isfinite(sampled)]
    return not bool(np.any(found > 1e-9))


def _groups(core: Expr, sign: Callable[[Expr], str], simple: Callable[[Expr], Expr]) -> tuple[list[_Group], Expr]:
    """The logarithms by their weights, and the rest; no groups where a weight has no sign."""
    opened = core.expand(log=False)
    atoms = sorted(opened.atoms(log), key=str)
    weights: dict[Expr, Expr] = {}
    rest = opened
    for atom in atoms:
        c = opened.coeff(atom)
        rest = (rest - c * atom).expand(log=False)
        if c.has(log):
            return [], core
        shown = sign(simple(c))
        if shown not in ("+", "0+", "-", "0-"):
            return [], core
        up = shown in ("+", "0+")
        weight = (c if up else -c).expand()
        argument = atom.args[0]
        weights[weight] = weights.get(weight, S.One) * (1 / argument if up else argument)  # type: ignore[operator]
    if rest.has(log):
        return [], core
    return [_Group(simple(w), u) for w, u in weights.items()], rest


def _assignments(
    groups: Sequence[_Group], values: Callable[[Expr], np.ndarray]
) -> Iterator[tuple[list[_Group], Rational]]:
    """The groups with some of them given to others whose weights add up to theirs; and the ratio of the weights."""
    options: list[list[tuple[tuple[int, ...], Rational] | None]] = []
    for k, group in enumerate(groups):
        found: list[tuple[tuple[int, ...], Rational] | None] = [None]
        others = [i for i in range(len(groups)) if i != k]
        for size in range(1, len(others) + 1):
            for chosen in combinations(others, size):
                ratio = _ratio(group.weight, Add(*(groups[i].weight for i in chosen)), values)
                if ratio is not None:
                    found.append((chosen, ratio))
        options.append(found)
    tried = 0
    for choice in sorted(product(*options), key=lambda c: sum(o is None for o in c)):
        given = {k for k, option in enumerate(choice) if option is not None}
        if any(set(option[0]) & given for option in choice if option is not None):
            continue
        tried += 1
        if tried > MOST_SPLITS:
            return
        arguments = {k: g.argument for k, g in enumerate(groups) if k not in given}
        power: Rational = Integer(1)
        for k, option in enumerate(choice):
            if option is not None:
                power = option[1]
                for i in option[0]:
                    arguments[i] = arguments[i] * groups[k].argument ** option[1]
        yield [_Group(groups[k].weight, u) for k, u in arguments.items()], power


def _ratio(weight: Expr, total: Expr, values: Callable[[Expr], np.ndarray]) -> Rational | None:
    """weight/total where that is a simple number."""
    if weight.is_number and total.is_number:
        found = weight / total
        return found if found.is_Rational else None  # type: ignore[return-value]
    sampled = values(weight / total)
    sampled = sampled[np.isfinite(sampled)]
    if sampled.size < 2 or np.ptp(sampled) > 1e-6 * abs(sampled[0]):
        return None
    number = nsimplify(Rational(float(np.median(sampled))).limit_denominator(12))
    if not number.is_positive or (weight - number * total).expand() != 0:
        return None
    return Rational(number)


__all__ = ["Split", "splits"]
