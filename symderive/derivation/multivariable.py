"""Directional derivatives, tangent planes and Taylor polynomials, at a point that may be a symbol.

All three are read off derivatives that are derived line by line: the differential, the gradient and
the Hessian.  Each result keeps those lines, states itself, and is judged by itself: the derivative
along a direction by power series, a tangent plane and a Taylor polynomial by their value and
derivatives at the point.

Sources: J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 3rd ed., 2019, ch. 5-6;
T. M. Apostol, Mathematical Analysis, 2nd ed., 1974, 12.1-12.4 and 12.14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import factorial
from typing import Any, final

import numpy as np
from sympy import Expr, Rational, log

from symderive.calculus.differentiate import pair
from symderive.calculus.normal_form import decide_equal, expand_differentials
from symderive.calculus.simplify import simplify
from symderive.derivation.derivation import Derivation, Step
from symderive.derivation.derive import differential, gradient, hessian
from symderive.derivation.proofs import prove_equal
from symderive.derivation.written import Title, Written
from symderive.errors import ReadError, ShapeError, UnknownNameError, UnsupportedError
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array, array, as_array, basis, joined_nodes, shape_text
from symderive.language.domains import interval, real
from symderive.language.nodes import ONE, Contraction, Differential, Leaf, Map, Named, Node, Number
from symderive.language.statements import Relation, positive
from symderive.language.views.latex import name_latex

MOST_ORDERS = 4

_TITLES: dict[str, Title] = {
    "directional": {"en": "Derivative of {f} along {v}", "zh": "{f} 沿 {v} 的方向导数"},
    "plane": {"en": "Tangent plane at {a}", "zh": "在 {a} 处的切平面"},
    "taylor": {"en": "Taylor polynomial of order {k} at {a}", "zh": "在 {a} 处的 {k} 阶泰勒多项式"},
}


class _ReadOff(Written):
    """What results share that are read off derivations: lines, one result, a verdict."""

    subject: Array
    wrt: tuple[Array, ...]
    result: Array
    kind: str

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """The derivations that the result rests on."""
        raise NotImplementedError

    @property
    def steps(self) -> tuple[Step, ...]:
        """The lines of the last derivation, and the line that states the result."""
        raise NotImplementedError

    @property
    def results(self) -> dict[tuple[str, ...], Array]:
        """The result, as derivations hold theirs."""
        return {(): self.result}

    @property
    def conditions(self) -> tuple[Relation, ...]:
        """Everything that some line needs beyond the declared domains."""
        return tuple(dict.fromkeys(c for d in self.derivations for c in d.conditions))

    @property
    def lhs_text(self) -> str:
        return self.steps[-1].lhs

    @property
    def lhs_latex(self) -> str:
        return self.steps[-1].lhs_latex

    def judged(self) -> Iterator[Verdict]:
        """What is judged beside the derivations."""
        raise NotImplementedError

    @cached_property
    def verdict(self) -> Verdict:
        """The weakest of the derivations and of what is judged of the result itself."""
        parts = (*(d.verdict for d in self.derivations), *self.judged())
        status = weakest(parts)
        worst = next(p for p in parts if p.status is status)
        return Verdict(
            status,
            f"{self.lhs_text} = {self.result}",
            reason="" if status.upheld else f"{worst.claim}: {worst.reason}",
            counterexample=worst.counterexample,
            conditions=self.conditions,
            trace=tuple(line for p in parts for line in p.trace) if status is Status.proved else (),
            parts=parts,
        )


def _titled(name: str, **values: str) -> Mapping[str, str]:
    texts = _TITLES[name]
    assert isinstance(texts, Mapping)
    return {lang: text.format(**values) for lang, text in texts.items()}


# -- directional derivatives --------------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False)
class DirectionalDerivative(_ReadOff):
    """D_v f: the slope of a function along a direction, at every point.

    ``differential`` is the derivation of df; with the direction for dx it is ``result``, which has
    the function's shape.  ``direction`` maps each variable's name to its part of the direction.
    """

    subject: Array
    wrt: tuple[Array, ...]
    direction: Mapping[str, Array]
    differential: Derivation
    result: Array
    needs: tuple[Relation, ...] = ()
    kind: str = "directional derivative"

    @property
    def title(self) -> Mapping[str, str]:
        """What it is, in each language."""
        shown = ", ".join(str(v) for v in self.direction.values())
        return _titled("directional", f=_label(self.subject, self.wrt), v=shown)

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        return (self.differential,)

    @property
    def conditions(self) -> tuple[Relation, ...]:
        """Those of the differential, and that a unit direction is not 0."""
        return (*super().conditions, *self.needs)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The lines of the differential, and the line that puts the direction in."""
        label = _label(self.subject, self.wrt)
        names = [v.name if isinstance(v.node, Leaf) else "" for v in self.direction.values()]
        index = ", ".join(names) if all(names) else "v"
        last = Step(
            self.differential.result,
            self.result,
            "directional derivative",
            lhs=f"D_{index} {label}",
            lhs_latex=rf"D_{{{', '.join(name_latex(n) for n in index.split(', '))}}} {name_latex(label)}",
            relation=":=",
        )
        return (*self.differential.steps, last)

    def judged(self) -> Iterator[Verdict]:
        """With dx for the direction the result is df, along every dx."""
        free = {v.node: Differential(a.node) for a, v in self._free() if isinstance(a.node, Leaf)}
        if len(free) == len(self.wrt):
            changing = tuple(a.node for a in self.wrt if isinstance(a.node, Leaf))
            made = build.substitute(self.result.node, free)
            yield prove_equal(Differential(self.subject.node), made, given=self.conditions, changing=changing)
        else:
            made = _along(self.differential.result.node, self.wrt, self.direction)
            yield prove_equal(made, self.result.node, given=self.conditions)

    def _free(self) -> Iterator[tuple[Array, Array]]:
        """The variables whose direction is an array of its own."""
        used = set(self.subject.node.leaves())
        for a in self.wrt:
            v = self.direction[a.name]
            if isinstance(v.node, Leaf) and v.node not in used:
                yield a, v


def directional_derivative(function: Any, wrt: Any, direction: Any, *, unit: bool = False) -> DirectionalDerivative:
    """Derive the derivative of an array along a direction: d/dt f(x + t·v) at t = 0.

    Parameters
    ----------
    function : Array (or SymPy scalar)
    wrt : an Array, its name, or a sequence of them
    direction : for one variable an array of its shape, numbers, or a name for a direction that stays
        a symbol; for several a sequence of these, or a mapping by the variables' names
    unit : divide by the direction's length (as calculus texts do that measure slopes)

    Returns
    -------
    DirectionalDerivative
        ``result`` has the function's shape; ``steps``, ``verdict`` and the writers are those of
        derivations.

    Raises
    ------
    ShapeError
        The direction does not have the variable's shape.
    UnsupportedError
        A part of the function has no differential, or a unit direction is 0; it is named.

    Source: Magnus & Neudecker, Matrix Differential Calculus, 5.6.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> str(sd.directional_derivative(np.sum((X @ w - y) ** 2), w, "v").result)
    '2 * (X @ w - y) @ X @ v'
    >>> x, t = sd.array("x"), sd.array("t")
    >>> str(sd.directional_derivative(x**2 * t, [x, t], [3, 4], unit=True).result)
    '2 * x * (2 * x + 3 * t) / 5'
    """
    derived = differential(function, wrt)
    given = _by_name(direction, derived.wrt, "direction")
    taken = _names(derived.subject.node)
    directions: dict[str, Array] = {}
    for a in derived.wrt:
        value = given[a.name]
        if isinstance(value, str):
            directions[a.name] = _fresh(value, a, taken)
        else:
            directions[a.name] = _fitted(value, a, "direction")
    made = _along(derived.result.node, derived.wrt, directions)
    needs: tuple[Relation, ...] = ()
    if unit:
        length = reduce(lambda p, q: p + q, (np.sum(v * v) for v in directions.values()))
        squared = simplify(length.node).node
        if build.is_zero(squared):
            raise UnsupportedError("a direction of length 0 has no unit vector")
        if squared.leaves():
            needs = (positive(squared),)
        scale = build.power(squared, Rational(-1, 2))
        directions = {name: Array(_shaped(scale, v)) for name, v in directions.items()}
        made = _along(derived.result.node, derived.wrt, directions)
    axes = derived.result.axes
    result = Array(_shortest(made), axes)
    return DirectionalDerivative(derived.subject, derived.wrt, directions, derived, result, needs)


def _shaped(scale: Node, direction: Array) -> Node:
    node = joined_nodes((direction,), "direction")[0]
    return simplify(build.multiply(build.broadcast(scale, node.shape), node)).node


def _along(node: Node, wrt: Sequence[Array], directions: Mapping[str, Array]) -> Node:
    """A differential with directions for the changes of the variables."""
    changes: dict[Node, Node] = {}
    for part in node.walk():
        if isinstance(part, Differential) and isinstance(part.body, Leaf):
            found = directions.get(part.body.name)
            if found is not None and any(a.name == part.body.name for a in wrt):
                changes[part] = joined_nodes((found,), "direction")[0]
    return build.substitute(node, changes)


# -- tangent planes -----------------------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False)
class TangentPlane(_ReadOff):
    """f(a) + ⟨∇f(a), x - a⟩: the affine function that touches f at a.

    ``at`` maps each variable to its part of the point, ``value`` is f(a), ``slopes`` are the
    gradients there by name, and ``result`` the plane as an Array in the variables.
    """

    subject: Array
    wrt: tuple[Array, ...]
    at: Mapping[str, Array]
    gradient: Derivation
    value: Array
    slopes: Mapping[str, Array]
    result: Array
    kind: str = "tangent plane"

    @property
    def title(self) -> Mapping[str, str]:
        """What it is, in each language."""
        return _titled("plane", a=_place_text(self.at))

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        return (self.gradient,)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The lines of the gradient, and the plane."""
        name = "z" if "z" not in _names(self.subject.node) else "plane"
        last = Step(self.subject, self.result, "tangent plane", lhs=name, lhs_latex=name_latex(name), relation=":=")
        return (*self.gradient.steps, last)

    def judged(self) -> Iterator[Verdict]:
        """Value and gradient at the point are those of f."""
        yield from _touches(self.subject, self.result, self.wrt, self.at, 1, self.conditions)


def tangent_plane(f: Any, wrt: Any, at: Any = None) -> TangentPlane:
    """Derive the tangent plane of a scalar at a point: the best affine approximation there.

    Parameters
    ----------
    f : scalar Array (or SymPy scalar)
    wrt : an Array, its name, or a sequence of them; arrays of any shape
    at : the point: for one variable an array or number of its shape or a name, for several a
        sequence of these or a mapping by name.  Without it the point is a symbol (x_0, y_0, ...).

    Returns
    -------
    TangentPlane
        ``result`` is an Array in the variables; ``steps``, ``verdict`` and the writers are those of
        derivations.

    Raises
    ------
    ShapeError
        f is not a scalar, or the point does not have the variable's shape.
    UnsupportedError
        A part of f has no differential; the node is named.

    Source: Apostol, Mathematical Analysis, 12.4.

    >>> import numpy as np, symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> str(sd.tangent_plane(x**2 + y**2, [x, y], at=[1, 2]).result)
    '2 * x - 5 + 4 * y'
    >>> w = sd.array("w", "d")
    >>> str(sd.tangent_plane(w @ w, w, at="a").result)
    'a @ a + 2 * a @ (w - a)'
    """
    derived = gradient(f, wrt if isinstance(wrt, list | tuple) else [wrt])
    _only_leaves(derived)
    subject, variables = derived.subject, derived.wrt
    place = _place(at, variables, subject)
    value = Array(_there(subject.node, variables, place))
    slopes = {a.name: Array(_there(derived.results[(a.name,)].node, variables, place)) for a in variables}
    steps = _steps_from(variables, place)
    linear = [Array(_shortest(pair(slopes[a.name].node, steps[a.name], 0))) for a in variables]
    result = _summed([value, *linear], variables, place)
    return TangentPlane(subject, variables, place, derived, value, slopes, result)


# -- Taylor polynomials -------------------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False)
class Taylor(_ReadOff):
    """The Taylor polynomial of a scalar at a point, with its remainder.

    ``terms`` are its parts by degree, ``result`` their sum as an Array in the variables.
    ``remainder`` is what is missing, f - result, in Lagrange's form: the next derivative along
    x - a at a + theta·(x - a), over (order + 1)!, for some ``theta`` in (0, 1) that depends on x.
    ``exact`` says that f is its own Taylor polynomial; then the remainder is 0.
    """

    subject: Array
    wrt: tuple[Array, ...]
    at: Mapping[str, Array]
    order: int
    gradient: Derivation
    hessian: Derivation | None
    terms: tuple[Array, ...]
    result: Array
    remainder: Array
    theta: Array
    exact: bool
    kind: str = "taylor"

    @property
    def title(self) -> Mapping[str, str]:
        """What it is, in each language."""
        return _titled("taylor", k=str(self.order), a=_place_text(self.at))

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        return (self.gradient,) if self.hessian is None else (self.gradient, self.hessian)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The lines of the last derivation, the polynomial, and what is missing."""
        label = _label(self.subject, self.wrt)
        name = f"T_{self.order}"
        last = Step(self.subject, self.result, "Taylor's formula", lhs=name, lhs_latex=name, relation=":=")
        rest = Step(
            self.result,
            self.remainder,
            "Taylor's formula",
            lhs=f"{label} - {name}",
            lhs_latex=f"{name_latex(label)} - {name}",
            relation=":=",
        )
        return (*self.derivations[-1].steps, last, rest)

    @property
    def lhs_text(self) -> str:
        return f"T_{self.order}"

    @property
    def lhs_latex(self) -> str:
        return f"T_{self.order}"

    def judged(self) -> Iterator[Verdict]:
        """Every derivative at the point up to the order is that of f; an exact polynomial is f."""
        if self.exact:
            yield prove_equal(self.subject.node, self.result.node, given=self.conditions)
        else:
            yield from _touches(self.subject, self.result, self.wrt, self.at, self.order, self.conditions)


def taylor(f: Any, wrt: Any, at: Any = None, order: int = 2) -> Taylor:
    """Derive the Taylor polynomial of a scalar at a point, with its remainder.

    Parameters
    ----------
    f : scalar Array (or SymPy scalar)
    wrt : an Array, its name, or a sequence of them; arrays of any shape
    at : the point, as in `tangent_plane`; without it the point is a symbol
    order : 0 to 4

    Returns
    -------
    Taylor
        ``result`` is an Array in the variables (and the point), ``terms`` its parts by degree,
        ``remainder`` Lagrange's form of what is missing.

    Raises
    ------
    ShapeError
        f is not a scalar, or the point does not have the variable's shape.
    UnsupportedError
        A part of f has no derivative of that order, or the order is not 0 to 4.

    Source: Apostol, Mathematical Analysis, 12.14.

    >>> import numpy as np, symderive as sd
    >>> x, y = sd.array("x"), sd.array("y")
    >>> expansion = sd.taylor(np.exp(x) * np.cos(y), [x, y], at=[0, 0])
    >>> str(expansion.result)
    '1 + x + x**2 / 2 - y**2 / 2'
    >>> w = sd.array("w", "d")
    >>> sd.taylor(w @ w, w, at="a").exact
    True
    """
    if not isinstance(order, int) or isinstance(order, bool) or not 0 <= order <= MOST_ORDERS:
        raise UnsupportedError(f"Taylor polynomials are of order 0 to {MOST_ORDERS}, got {order!r}")
    derived = gradient(f, wrt if isinstance(wrt, list | tuple) else [wrt])
    _only_leaves(derived)
    subject, variables = derived.subject, derived.wrt
    second = hessian(subject, list(variables)) if order >= 2 else None
    place = _place(at, variables, subject)
    steps = _steps_from(variables, place)
    terms = [Array(_there(subject.node, variables, place))]
    if order >= 1:
        linear = [
            (ONE, pair(_there(derived.results[(a.name,)].node, variables, place), steps[a.name], 0)) for a in variables
        ]
        terms.append(Array(_shortest(build.add(linear, ()))))
    if second is not None:
        parts = []
        for a in variables:
            for b in variables:
                block = _there(second.results[(a.name, b.name)].node, variables, place)
                parts.append((Rational(1, 2), pair(pair(block, steps[b.name], a.node.rank), steps[a.name], 0)))
        terms.append(Array(_shortest(build.add(parts, ()))))
    forms = list(_differentials(subject.node, variables, order + 1))
    for k in range(3, order + 1):
        made = _directed(forms[k], variables, place, steps)
        terms.append(Array(_shortest(build.scale(Rational(1, factorial(k)), made))))
    result = _summed(terms, variables, place)
    exact = bool(decide_equal(subject.node, result.node).equal)
    taken = _names(subject.node) | {n for v in place.values() for n in _names(v.node)}
    theta = array(next(n for n in ("theta", "theta_") if n not in taken), domain=interval(0, 1))
    remainder = Array(build.zeros(()))
    if not exact:
        between = {
            a.name: Array(
                build.add([(ONE, _node(place[a.name], a)), (ONE, _times(theta, steps[a.name]))], a.node.shape)
            )
            for a in variables
        }
        made = _directed(forms[order + 1], variables, between, steps)
        remainder = Array(_shortest(build.scale(Rational(1, factorial(order + 1)), made)))
    return Taylor(
        subject, variables, place, order, derived, second, tuple(terms), result, remainder, theta, exact
    )


# -- what they share ------------------------------------------------------------------------------------


def _label(subject: Array, wrt: Sequence[Array]) -> str:
    taken = {a.name for a in wrt} | _names(subject.node)
    pool = ("f", "L", "g") if not subject.node.rank else ("F", "G")
    return next((name for name in pool if name not in taken), "value")


def _names(node: Node) -> set[str]:
    """The names of arrays, definitions and dimensions in a node."""
    found = {n.name for n in node.walk() if isinstance(n, Leaf | Named)}
    return found | {str(s) for n in node.walk() for size in n.shape for s in size.free_symbols}


def _only_leaves(derived: Derivation) -> None:
    for a in derived.wrt:
        if not isinstance(a.node, Leaf):
            raise UnsupportedError(f"{a.name} is a definition; name a declared array in wrt")


def _by_name(given: Any, wrt: Sequence[Array], what: str) -> dict[str, Any]:
    """What was given for each variable."""
    if isinstance(given, Mapping):
        found = {(k.name if isinstance(k, Array) else str(k)): v for k, v in given.items()}
        if set(found) != {a.name for a in wrt}:
            raise UnknownNameError(
                f"the {what} is given for {', '.join(sorted(found)) or 'nothing'}, "
                f"but the variables are {', '.join(a.name for a in wrt)}"
            )
        return found
    if len(wrt) == 1 and not (isinstance(given, list | tuple) and not wrt[0].node.rank):
        return {wrt[0].name: given}
    if isinstance(given, str):
        return {a.name: f"{given}_{a.name}" for a in wrt}
    parts = list(given) if isinstance(given, list | tuple | np.ndarray) else None
    if parts is None or len(parts) != len(wrt):
        count = "one value" if parts is None else f"{len(parts)} values"
        raise ShapeError(f"the {what} needs one value for each of {', '.join(a.name for a in wrt)}, got {count}")
    return {a.name: v for a, v in zip(wrt, parts, strict=True)}


def _fresh(name: str, like: Array, taken: set[str]) -> Array:
    """A new array of a variable's shape."""
    if name in taken:
        raise ReadError(f"the name {name!r} is taken by the function; choose another")
    return array(name, *like.node.shape, domain=real)


def _fitted(value: Any, like: Array, what: str) -> Array:
    """A value of the variable's shape; a number is that number in every entry."""
    if isinstance(value, list | tuple | np.ndarray):
        return _listed(value, like, what)
    made = as_array(value)
    node = joined_nodes((made,), what)[0]
    if not node.shape:
        return Array(build.broadcast(node, like.node.shape))
    if node.shape != like.node.shape:
        raise ShapeError(
            f"the {what} has shape {shape_text(node.shape)}, but {like.name} has shape {shape_text(like.node.shape)}"
        )
    return Array(node)


def _listed(value: Any, like: Array, what: str) -> Array:
    """Numbers for a vector of a fixed length."""
    entries = list(value)
    shape = like.node.shape
    if len(shape) != 1 or not shape[0].is_Integer or int(shape[0]) != len(entries):
        raise ShapeError(f"{len(entries)} numbers do not make a {what} of {like.name}, of shape {shape_text(shape)}")
    size: Any = shape[0]
    terms = [(ONE, build.multiply(_scalar(x, what, size), basis(size, k).node)) for k, x in enumerate(entries)]
    return Array(build.add(terms, shape))


def _scalar(value: Any, what: str, size: Expr) -> Node:
    node = as_array(value).node
    if node.shape:
        raise ShapeError(f"an entry of the {what} is a number, got shape {shape_text(node.shape)}")
    return build.broadcast(node, (size,))


def _place(at: Any, wrt: Sequence[Array], subject: Array) -> dict[str, Array]:
    """The point by variable; a symbol where nothing or a name was given."""
    taken = _names(subject.node)
    if at is None:
        at = {a.name: next(x for x in (f"{a.name}_0{'_' * k}" for k in range(9)) if x not in taken) for a in wrt}
    given = _by_name(at, wrt, "point")
    found: dict[str, Array] = {}
    for a in wrt:
        value = given[a.name]
        if isinstance(value, str):
            if value in taken:
                raise ReadError(f"the name {value!r} of the point is taken by the function; choose another")
            found[a.name] = array(value, *a.node.shape, domain=a.domain)
        else:
            found[a.name] = _fitted(value, a, "point")
        tied = [b.name for b in wrt if b.node in found[a.name].node.walk()]
        if tied:
            raise ReadError(f"the point must not contain {tied[0]} itself")
    return found


def _place_text(at: Mapping[str, Array]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in at.items())


def _node(value: Array, like: Array) -> Node:
    return build.broadcast(joined_nodes((value,), "point")[0], like.node.shape)


def _times(scalar: Array, node: Node) -> Node:
    return build.multiply(build.broadcast(scalar.node, node.shape), node)


def _there(node: Node, wrt: Sequence[Array], place: Mapping[str, Array]) -> Node:
    """A node at a point."""
    made = build.substitute(build.without_names(node), {a.node: _node(place[a.name], a) for a in wrt})
    return _shortest(made)


def _steps_from(wrt: Sequence[Array], place: Mapping[str, Array]) -> dict[str, Node]:
    """x - a by name."""
    found = {}
    for a in wrt:
        made = build.add([(ONE, a.node), (-ONE, _node(place[a.name], a))], a.node.shape)
        found[a.name] = made
    return found


def _shortest(node: Node) -> Node:
    """Simplified, where the normal form confirms it, and functions of numbers evaluated."""
    made = simplify(node).node
    made = made if decide_equal(node, made).equal else node
    short = _evaluated(made)
    return made if short is made else simplify(short).node


def _evaluated(node: Node) -> Node:
    """The same node with functions of numbers as numbers, where these are fractions or log of one."""
    done: dict[Node, Node] = {}
    for part in node.walk():
        current = build.rebuild(part, [done[c] for c in part.children]) if part.children else part
        if isinstance(current, Map):
            numbers = [_constant(a) for a in current.arguments]
            if all(number is not None and number.is_number for number in numbers):
                inner = build.apply(current.function, *(Number(x) for x in numbers if x is not None))
                value = Array(inner).to_sympy().doit()
                if value.is_Rational:
                    current = build.broadcast(Number(value), part.shape)
                elif isinstance(value, log) and value.args[0].is_Rational and current.function != "log":
                    current = build.broadcast(build.apply("log", Number(value.args[0])), part.shape)
        done[part] = current
    return done[node]


def _constant(node: Node) -> Expr | None:
    """The number that is every entry of a node, where the node says so."""
    if isinstance(node, Number):
        return node.value
    plain = isinstance(node, Contraction) and not node.factors and not node.bound
    return node.coefficient if isinstance(node, Contraction) and plain else None


def _differentials(node: Node, wrt: Sequence[Array], order: int) -> list[Node]:
    """f, df, d²f, ... along constant changes of the variables."""
    changing = frozenset(a.node for a in wrt if isinstance(a.node, Leaf))
    found = [build.without_names(node)]
    for _ in range(order):
        found.append(expand_differentials(Differential(found[-1]), changing))
    return found


def _directed(form: Node, wrt: Sequence[Array], at: Mapping[str, Array], steps: Mapping[str, Node]) -> Node:
    """A form in the changes of the variables, at a point and along x - a.

    The changes get names of their own first: the point replaces the variables in the form only.
    """
    held: dict[Node, Leaf] = {a.node: Leaf(f"change of {a.name}", a.node.shape, real) for a in wrt}
    named = build.substitute(form, {Differential(a.node): held[a.node] for a in wrt})
    return build.substitute(_at(named, wrt, at), {held[a.node]: steps[a.name] for a in wrt})


def _summed(terms: Sequence[Array], wrt: Sequence[Array], at: Mapping[str, Array]) -> Array:
    """The terms by degree; multiplied out where these are numbers at a point of numbers."""
    total = build.add([(ONE, t.node) for t in terms], ())
    numeric = all(not v.node.leaves() and not a.node.rank for a, v in zip(wrt, at.values(), strict=True))
    return Array(_shortest(total) if numeric else total)


def _touches(
    f: Array, g: Array, wrt: Sequence[Array], at: Mapping[str, Array], order: int, given: tuple[Relation, ...]
) -> Iterator[Verdict]:
    """f and g have the same derivatives at a point up to an order, along every direction.

    By the normal form and the judge at the point; derivatives of f and g are taken forwards here,
    not by the derivations that the results were made from.
    """
    directions = {a.name: array(f"direction_{a.name}", *a.node.shape) for a in wrt}
    moved = {Differential(a.node): directions[a.name].node for a in wrt}
    held = tuple(_held(relation, wrt, at) for relation in given)
    left, right = _differentials(f.node, wrt, order), _differentials(g.node, wrt, order)
    for k, (a, b) in enumerate(zip(left, right, strict=True)):
        sides = [_at(build.substitute(node, moved), wrt, at) for node in (a, b)]
        claim = f"the derivatives of order {k} at {_place_text(at)} agree along every direction"
        yield prove_equal(sides[0], sides[1], given=held, claim=claim)
    changing = tuple(a.node for a in wrt if isinstance(a.node, Leaf))
    if order and all(not v.node.leaves() or isinstance(v.node, Leaf) for v in at.values()):
        here = tuple(Relation(a.node, "==", _node(at[a.name], a)) for a in wrt)
        relation = Relation(Differential(f.node), "==", Differential(g.node))
        verdict = judge_relation(relation, given=(*given, *here), changing=changing, points=8)
        if verdict.status is Status.refuted:
            yield verdict


def _held(relation: Relation, wrt: Sequence[Array], at: Mapping[str, Array]) -> Relation:
    return Relation(_at(relation.lhs, wrt, at), relation.op, _at(relation.rhs, wrt, at))


def _at(node: Node, wrt: Sequence[Array], at: Mapping[str, Array]) -> Node:
    return build.substitute(build.without_names(node), {a.node: _node(at[a.name], a) for a in wrt})


__all__ = [
    "DirectionalDerivative",
    "TangentPlane",
    "Taylor",
    "directional_derivative",
    "tangent_plane",
    "taylor",
]
