"""Where arrays range: declared domains, as values.

A domain says what an entry may be (``Entries``) and what relation the array
satisfies as a whole (``structures``).  A relation is never used before
differentiating by the array that carries it, only on results.
The ends of ``integers`` may be expressions in the dimensions: labels of k
classes are ``integers(0, k - 1)``, and ``Entries.at`` is what they are at sizes.
Sampling points of a domain is the judge's business (``judgement``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from sympy import Expr, Integer, Max, Min, Rational, S, Symbol, ceiling, floor, sympify

from symderive.errors import DomainError

_IMPLIED = (
    ({"spd"}, {"psd", "invertible", "positive_diagonal"}),
    ({"psd"}, {"symmetric"}),
    ({"correlation"}, {"spd"}),
    ({"diagonal"}, {"symmetric", "lower_triangular", "upper_triangular"}),
    ({"orthogonal"}, {"invertible"}),
    ({"one_hot"}, {"simplex"}),
    ({"symmetric", "lower_triangular"}, {"diagonal"}),
    ({"symmetric", "upper_triangular"}, {"diagonal"}),
    ({"lower_triangular", "upper_triangular"}, {"diagonal"}),
    ({"lower_triangular", "positive_diagonal"}, {"invertible"}),
    ({"upper_triangular", "positive_diagonal"}, {"invertible"}),
    ({"diagonal", "positive_diagonal"}, {"spd"}),
    ({"psd", "invertible"}, {"spd"}),
)
"""Which structures have which others as a consequence."""

AXIS_STRUCTURES = frozenset({"simplex", "one_hot", "unit_norm"})
"""Structures of the vectors along one axis; the others are of square matrices."""


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


def _end(value: object, what: str) -> Expr:
    """An end of a range of integers: a number, or an expression in the dimensions."""
    # an array of the language that is a number in the dimensions, such as k - 1
    number = getattr(getattr(value, "node", None), "value", value)
    if not isinstance(number, Expr):
        if hasattr(value, "node"):
            raise DomainError(f"{what} must be a number, or an integer in the dimensions, got {value}")
        return _number(value, what)
    if number.free_symbols and not number.is_integer:
        raise DomainError(f"{what} must be an integer for all sizes of the dimensions, got {number}")
    return number if number.free_symbols else _number(number, what)


def _below(a: Expr, b: Expr) -> bool | None:
    """Whether a < b; None where that depends on the dimensions."""
    if a == b:
        return False
    if a is S.NegativeInfinity or b is S.Infinity:
        return True
    if a is S.Infinity or b is S.NegativeInfinity:
        return False
    if not a.free_symbols and not b.free_symbols:
        return bool(a < b)
    gap = b - a
    return True if gap.is_positive else False if gap.is_nonpositive else None


@dataclass(frozen=True)
class Entries:
    """What one entry may be: an interval, possibly of integers, possibly a finite set.

    The ends of integers may be expressions in the dimensions; ``at`` puts sizes for them.
    """

    low: Expr = S.NegativeInfinity
    high: Expr = S.Infinity
    low_open: bool = True
    high_open: bool = True
    integer: bool = False
    nonzero: bool = False
    values: tuple[Expr, ...] | None = None

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The dimensions in the ends."""
        return frozenset(s for end in (self.low, self.high) for s in end.free_symbols if isinstance(s, Symbol))

    def at(self, sizes: Mapping[Symbol, int]) -> Entries:
        """The entries at given sizes of the dimensions."""
        if not self.symbols:
            return self
        numbers = {k: Integer(v) for k, v in sizes.items()}
        return replace(self, low=self.low.xreplace(numbers), high=self.high.xreplace(numbers))

    @property
    def tight(self) -> Entries:
        """The same entries, with the ends that integers reach: those of the positive integers begin at 1.

        >>> from sympy import oo
        >>> Entries(low=Integer(0), high=oo, integer=True).tight.low
        1
        """
        if not self.integer or self.symbols or self.is_empty:
            return self
        low, high = self.low, self.high
        if low.is_finite:
            low = floor(low) + 1 if self.low_open else ceiling(low)
        if high.is_finite:
            high = ceiling(high) - 1 if self.high_open else floor(high)
        return replace(
            self, low=low, high=high, low_open=bool(low.is_infinite), high_open=bool(high.is_infinite)
        )

    def contains(self, value: Expr) -> bool:
        """Whether an exact number is a possible entry.

        Raises `DomainError` where that depends on the dimensions.
        """
        if self.values is not None and value not in self.values:
            return False
        for below in (_below(value, self.low), _below(self.high, value)):
            if below:
                return False
            if below is None:
                raise DomainError(
                    f"whether {value} lies between {self.low} and {self.high} depends on the dimensions; "
                    "ask .at(sizes).contains"
                )
        if (self.low_open and value == self.low) or (self.high_open and value == self.high):
            return False
        if self.nonzero and value == 0:
            return False
        return not (self.integer and not value.is_integer)

    @property
    def is_empty(self) -> bool:
        if self.values is not None:
            return not self.values
        if _below(self.high, self.low) or (self.low == self.high and (self.low_open or self.high_open)):
            return True
        if self.low == self.high == 0 and self.nonzero:
            return True
        if self.integer and self.low.is_finite and self.high.is_finite and not self.symbols:
            first, last = int(ceiling(self.low)), int(floor(self.high))
            return not any(self.contains(Integer(k)) for k in range(first, min(last, first + 4) + 1))
        return False

    @property
    def is_positive(self) -> bool:
        if self.values is not None:
            return all(v > 0 for v in self.values)
        return bool(_below(S.Zero, self.low) or (self.is_nonnegative and (self.low_open or self.nonzero)))

    @property
    def is_nonnegative(self) -> bool:
        if self.values is not None:
            return all(v >= 0 for v in self.values)
        return _below(self.low, S.Zero) is False

    @property
    def is_negative(self) -> bool:
        if self.values is not None:
            return all(v < 0 for v in self.values)
        return bool(_below(self.high, S.Zero) or (self.is_nonpositive and (self.high_open or self.nonzero)))

    @property
    def is_nonpositive(self) -> bool:
        if self.values is not None:
            return all(v <= 0 for v in self.values)
        return _below(S.Zero, self.high) is False

    @property
    def is_nonzero(self) -> bool:
        if self.values is not None:
            return 0 not in self.values
        return self.nonzero or self.is_positive or self.is_negative

    def __and__(self, other: Entries) -> Entries:
        low, low_open = _inner((self.low, self.low_open), (other.low, other.low_open), Max)
        high, high_open = _inner((self.high, self.high_open), (other.high, other.high_open), Min)
        both = Entries(
            low, high, low_open, high_open, self.integer or other.integer, self.nonzero or other.nonzero
        )
        sets = [e.values for e in (self, other) if e.values is not None]
        if sets:
            kept = tuple(v for v in sets[0] if all(v in s for s in sets) and both.contains(v))
            both = replace(both, values=kept)
        return both


def _inner(one: tuple[Expr, bool], two: tuple[Expr, bool], pick: type[Max] | type[Min]) -> tuple[Expr, bool]:
    """The inner one of two ends of an interval, and whether it is open."""
    (a, a_open), (b, b_open) = one, two
    if a_open == b_open or a == b:
        return pick(a, b), a_open or b_open
    below = _below(a, b)
    if below is None or (a.free_symbols | b.free_symbols and not below and not _below(b, a)):
        raise DomainError(f"whether an interval ends at {a} or at {b} depends on the dimensions, and one end is open")
    return one if below == (pick is Min) else two


@cache
def _consequences(structures: frozenset[str]) -> frozenset[str]:
    """The structures with all that follows from them."""
    found = set(structures)
    while True:
        size = len(found)
        for given, new in _IMPLIED:
            if given <= found:
                found |= new
        if len(found) == size:
            return frozenset(found)


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
        return structure in _consequences(frozenset(s for s, _ in self.structures))

    def axis(self, structure: str) -> int:
        """The axis along which the structure acts."""
        for s, axis in self.structures:
            if structure in _consequences(frozenset((s,))):
                return axis
        raise DomainError(f"the domain {self} has no structure {structure!r}")

    def at(self, sizes: Mapping[Symbol, int]) -> Domain:
        """The domain at given sizes of the dimensions."""
        return replace(self, entries=self.entries.at(sizes)) if self.entries.symbols else self

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
    """The integers from a to b inclusive; an end may be infinite, or an expression in the dimensions.

    >>> integers(1, 6).entries.contains(Integer(6))
    True
    >>> import symderive as sd
    >>> k = sd.dims("k")
    >>> integers(0, k - 1)
    integers(0, k - 1)
    """
    low, high = _end(a, "the lower end"), _end(b, "the upper end")
    return Domain(
        Entries(low, high, low is S.NegativeInfinity, high is S.Infinity, integer=True), (), f"integers({low}, {high})"
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


def _structured(name: str) -> Domain:
    return Domain(Entries(), ((name, -1),), name)


real = Domain()
positive = Domain(Entries(low=Integer(0)), (), "positive")
nonnegative = Domain(Entries(low=Integer(0), low_open=False), (), "nonnegative")
nonzero = Domain(Entries(nonzero=True), (), "nonzero")
unit_interval = Domain(_UNIT, (), "unit_interval")
one_hot = _AxisDomain(_BITS, (("one_hot", -1),), "one_hot")
simplex = _AxisDomain(_UNIT, (("simplex", -1),), "simplex")
unit_norm = _AxisDomain(Entries(), (("unit_norm", -1),), "unit_norm")
symmetric = _structured("symmetric")
psd = _structured("psd")
spd = _structured("spd")
correlation = _structured("correlation")
invertible = _structured("invertible")
diagonal = _structured("diagonal")
lower_triangular = _structured("lower_triangular")
upper_triangular = _structured("upper_triangular")
positive_diagonal = _structured("positive_diagonal")
orthogonal = _structured("orthogonal")
