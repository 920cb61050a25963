"""Where arrays range: declared domains, as values.

A domain says what an entry may be (``Entries``) and what relation the array
satisfies as a whole (``structures``).  A relation is never used before
differentiating by the array that carries it, only on results.
Sampling points of a domain is the judge's business (``judgement``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Integer, Rational, S, ceiling, floor, sympify

from symderive.errors import DomainError

_IMPLIED = {
    "spd": ("symmetric", "invertible"),
    "diagonal": ("symmetric",),
    "orthogonal": ("invertible",),
    "one_hot": ("simplex",),
}


def _number(value: object, what: str) -> Expr:
    if isinstance(value, bool | str):
        raise DomainError(f"{what} must be a number, got {value!r}")
    if isinstance(value, float):
        if value != value:
            raise DomainError(f"{what} must be a number, got nan")
        if value in (float("inf"), float("-inf")):
            return S.Infinity if value > 0 else S.NegativeInfinity
        return Rational(repr(value))
    result = sympify(value, strict=True)
    if not isinstance(result, Expr) or result.free_symbols or result.is_extended_real is False:
        raise DomainError(f"{what} must be a real number, got {value!r}")
    return result


@dataclass(frozen=True)
class Entries:
    """What one entry may be: an interval, possibly of integers, possibly a finite set."""

    low: Expr = S.NegativeInfinity
    high: Expr = S.Infinity
    low_open: bool = True
    high_open: bool = True
    integer: bool = False
    nonzero: bool = False
    values: tuple[Expr, ...] | None = None

    def contains(self, value: Expr) -> bool:
        """Whether an exact number is a possible entry."""
        if self.values is not None and value not in self.values:
            return False
        if value < self.low or value > self.high:
            return False
        if (self.low_open and value == self.low) or (self.high_open and value == self.high):
            return False
        if self.nonzero and value == 0:
            return False
        return not (self.integer and not value.is_integer)

    @property
    def is_empty(self) -> bool:
        if self.values is not None:
            return not self.values
        if self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)):
            return True
        if self.low == self.high == 0 and self.nonzero:
            return True
        if self.integer and self.low.is_finite and self.high.is_finite:
            first, last = int(ceiling(self.low)), int(floor(self.high))
            return not any(self.contains(Integer(k)) for k in range(first, min(last, first + 4) + 1))
        return False

    @property
    def is_positive(self) -> bool:
        if self.values is not None:
            return all(v > 0 for v in self.values)
        return bool(self.low > 0 or (self.low == 0 and (self.low_open or self.nonzero)))

    @property
    def is_nonnegative(self) -> bool:
        if self.values is not None:
            return all(v >= 0 for v in self.values)
        return bool(self.low >= 0)

    @property
    def is_negative(self) -> bool:
        if self.values is not None:
            return all(v < 0 for v in self.values)
        return bool(self.high < 0 or (self.high == 0 and (self.high_open or self.nonzero)))

    @property
    def is_nonpositive(self) -> bool:
        if self.values is not None:
            return all(v <= 0 for v in self.values)
        return bool(self.high <= 0)

    @property
    def is_nonzero(self) -> bool:
        if self.values is not None:
            return 0 not in self.values
        return self.nonzero or self.is_positive or self.is_negative

    def __and__(self, other: Entries) -> Entries:
        if self.low > other.low:
            low, low_open = self.low, self.low_open
        elif other.low > self.low:
            low, low_open = other.low, other.low_open
        else:
            low, low_open = self.low, self.low_open or other.low_open
        if self.high < other.high:
            high, high_open = self.high, self.high_open
        elif other.high < self.high:
            high, high_open = other.high, other.high_open
        else:
            high, high_open = self.high, self.high_open or other.high_open
        both = Entries(
            low, high, low_open, high_open, self.integer or other.integer, self.nonzero or other.nonzero
        )
        sets = [e.values for e in (self, other) if e.values is not None]
        if sets:
            kept = tuple(v for v in sets[0] if all(v in s for s in sets) and both.contains(v))
            both = replace(both, values=kept)
        return both


@dataclass(frozen=True, eq=False)
class Domain:
    """Entries plus structures; ``&`` intersects, ``repr`` is how it is written."""

    entries: Entries = Entries()
    structures: tuple[tuple[str, int], ...] = ()
    text: str = "real"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Domain):
            return NotImplemented
        return self.entries == other.entries and self.structures == other.structures

    def __hash__(self) -> int:
        return hash((self.entries, self.structures))

    def __repr__(self) -> str:
        return self.text

    def has(self, structure: str) -> bool:
        """Whether the domain implies the structure (spd implies symmetric)."""
        return any(s == structure or structure in _IMPLIED.get(s, ()) for s, _ in self.structures)

    def axis(self, structure: str) -> int:
        """The axis along which the structure acts."""
        for s, axis in self.structures:
            if s == structure or structure in _IMPLIED.get(s, ()):
                return axis
        raise DomainError(f"the domain {self} has no structure {structure!r}")

    def __and__(self, other: Domain) -> Domain:
        if not isinstance(other, Domain):
            return NotImplemented
        structures = tuple(dict.fromkeys(self.structures + other.structures))
        parts = [t for t in (self.text, other.text) if t != "real"]
        text = " & ".join(dict.fromkeys(parts)) or "real"
        return Domain(self.entries & other.entries, structures, text)

    @property
    def is_empty(self) -> bool:
        return self.entries.is_empty


class _AxisDomain(Domain):
    """A domain usable bare (last axis) or called with an axis: ``simplex``, ``simplex(axis=0)``.

    >>> simplex, simplex(axis=0)
    (simplex, simplex(axis=0))
    """

    def __call__(self, axis: int = -1) -> Domain:
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise DomainError(f"axis must be an integer, got {axis!r}")
        name = self.structures[0][0]
        return Domain(self.entries, ((name, axis),), name if axis == -1 else f"{name}(axis={axis})")


def interval(a: object, b: object, closed: str = "none") -> Domain:
    """The interval from a to b; ``closed`` is "none", "left", "right" or "both".

    >>> interval(0, 1, closed="left")
    interval(0, 1, closed="left")
    """
    if closed not in ("none", "left", "right", "both"):
        raise DomainError(f'closed must be "none", "left", "right" or "both", got {closed!r}')
    low, high = _number(a, "the lower end"), _number(b, "the upper end")
    low_open = closed not in ("left", "both") or not low.is_finite
    high_open = closed not in ("right", "both") or not high.is_finite
    tail = "" if closed == "none" else f', closed="{closed}"'
    return Domain(Entries(low, high, low_open, high_open), (), f"interval({low}, {high}{tail})")


def integers(a: object, b: object) -> Domain:
    """The integers from a to b inclusive; an end may be infinite.

    >>> integers(1, 6).entries.contains(Integer(6))
    True
    """
    low, high = _number(a, "the lower end"), _number(b, "the upper end")
    return Domain(
        Entries(low, high, not low.is_finite, not high.is_finite, integer=True), (), f"integers({low}, {high})"
    )


def labels(*values: object) -> Domain:
    """A finite set of numbers, e.g. ``labels(0, 1)`` or ``labels(-1, 1)``.

    >>> labels(0, 1)
    labels(0, 1)
    """
    if not values:
        raise DomainError("labels() needs at least one value, e.g. labels(0, 1)")
    numbers = tuple(dict.fromkeys(_number(v, "a label") for v in values))
    low, high = min(numbers), max(numbers)
    entries = Entries(low, high, False, False, all(bool(v.is_integer) for v in numbers), False, numbers)
    return Domain(entries, (), f"labels({', '.join(str(v) for v in numbers)})")


_UNIT = Entries(Integer(0), Integer(1), False, False)
_BITS = Entries(Integer(0), Integer(1), False, False, True, False, (Integer(0), Integer(1)))

real = Domain()
positive = Domain(Entries(low=Integer(0)), (), "positive")
nonnegative = Domain(Entries(low=Integer(0), low_open=False), (), "nonnegative")
nonzero = Domain(Entries(nonzero=True), (), "nonzero")
unit_interval = Domain(_UNIT, (), "unit_interval")
one_hot = _AxisDomain(_BITS, (("one_hot", -1),), "one_hot")
simplex = _AxisDomain(_UNIT, (("simplex", -1),), "simplex")
symmetric = Domain(Entries(), (("symmetric", -1),), "symmetric")
spd = Domain(Entries(), (("spd", -1),), "spd")
invertible = Domain(Entries(), (("invertible", -1),), "invertible")
diagonal = Domain(Entries(), (("diagonal", -1),), "diagonal")
lower_triangular = Domain(Entries(), (("lower_triangular", -1),), "lower_triangular")
orthogonal = Domain(Entries(), (("orthogonal", -1),), "orthogonal")
