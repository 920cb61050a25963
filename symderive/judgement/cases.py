"""Every case of a finite domain: where all can be looked at, looking is a certificate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import numpy as np
from sympy import Integer, ceiling, floor

from symderive.judgement.instances import Instance, dimensions, exact, shape_at
from symderive.language.nodes import Leaf, Node

CASES = 4096
"""Domains with more points than this are sampled instead."""


def every_case(leaves: Sequence[Leaf], roots: Sequence[Node]) -> Iterator[Instance] | None:
    """All points of the leaves' domains, or None where they are not finitely (and not too) many.

    A statement with a symbolic dimension has a case for each size, and so no end of them.
    """
    if not leaves or dimensions(roots):
        return None
    choices: list[list[object]] = []
    for leaf in leaves:
        options = _options(leaf)
        if options is None:
            return None
        choices += [options] * math.prod(shape_at(leaf, {}))
    if math.prod(len(c) for c in choices) > CASES:
        return None
    return _points(leaves, choices)


def _options(leaf: Leaf) -> list[object] | None:
    """What one entry may be, where that is a finite set and the array has no further structure."""
    entries = leaf.domain.entries
    if leaf.domain.structures:
        return None
    if entries.values is not None:
        return [exact(v) for v in entries.values if entries.contains(v)]
    if not (entries.integer and entries.low.is_finite and entries.high.is_finite):
        return None
    first, last = int(ceiling(entries.low)), int(floor(entries.high))
    if last - first >= CASES:
        return None
    return [Fraction(k) for k in range(first, last + 1) if entries.contains(Integer(k))]


def _points(leaves: Sequence[Leaf], choices: Sequence[Sequence[object]]) -> Iterator[Instance]:
    shapes = [shape_at(leaf, {}) for leaf in leaves]
    for case in product(*choices):
        rest = iter(case)
        values: dict[Leaf, np.ndarray] = {}
        for leaf, shape in zip(leaves, shapes, strict=True):
            flat = np.empty(math.prod(shape), dtype=object)
            for k in range(flat.size):
                flat[k] = next(rest)
            values[leaf] = flat.reshape(shape)
        yield Instance({}, values)
