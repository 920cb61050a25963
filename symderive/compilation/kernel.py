"""``compile``: a loss and its derivatives as a readable, stable NumPy program.

A :class:`Kernel` derives what it is asked for, plans it, writes a module that imports nothing but
NumPy and SciPy, and calls that module's own functions: the text that is saved is the code that ran.
"""

from __future__ import annotations

import builtins
import linecache
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sympy import Basic, Expr, Symbol

from symderive.compilation.door import Door, Inputs
from symderive.compilation.module import BUILTINS, Part, Routine, module_source
from symderive.compilation.plan import Plan
from symderive.compilation.stable import StableStep, stabilise
from symderive.derivation.derivation import Derivation, definitions_as_leaves
from symderive.derivation.derive import gradient, hessian, variables
from symderive.errors import DataError, ShapeError, UnknownNameError, UnsupportedError
from symderive.judgement.finite_differences import cross_check
from symderive.judgement.verdicts import CrossCheck
from symderive.language import build
from symderive.language.arrays import Array, check_name, shape_text
from symderive.language.domains import real
from symderive.language.nodes import ONE, Contraction, Differential, Leaf, Map, Node, Opaque, Sum, Term
from symderive.language.reading import read
from symderive.language.sympy_input import from_sympy
from symderive.language.views.lift import lift_array
from symderive.language.views.text import tree_text

__all__ = ["Bound", "Kernel", "compile"]

_serial = count(1)


@dataclass(frozen=True)
class Bound:
    """The kernel's functions on fixed data, unchecked: each takes the variables as a dict of arrays.

    For training loops, which check their data once.  They raise NumPy's LinAlgError where a matrix
    that is inverted is singular.  ``gradient`` gives a dict keyed by name,
    ``hessian`` a nested one, whatever form the kernel's ``wrt`` had.
    """

    value: Callable[[Mapping[str, Any]], float]
    gradient: Callable[[Mapping[str, Any]], dict[str, Any]]
    value_and_gradient: Callable[[Mapping[str, Any]], tuple[float, dict[str, Any]]]
    hessian: Callable[[Mapping[str, Any]], dict[str, dict[str, Any]]]


class Kernel:
    """A compiled loss; made by :func:`compile`.

    The methods take the inputs by name (a dimension that no array carries as well), check them
    once, and compute in float64.  A scalar comes back as a float; a gradient has exactly the shape
    of its variable, a Hessian ``wrt.shape + wrt.shape``; for a sequence of variables they are
    dicts keyed by name.  Nothing returned shares memory with the inputs.

    Attributes
    ----------
    loss : the Array that was compiled
    wrt : the variables, a tuple of Arrays
    order : the highest derivative: 0, 1 or 2
    name : its title in ``source``
    several : whether a sequence of variables was asked for, so that derivatives are dicts
    program, variables : the loss and its variables with definitions among ``wrt`` made inputs
    """

    def __init__(self, loss: Array, wrt: tuple[Array, ...], several: bool, order: int, name: str) -> None:
        self.loss = loss
        self.wrt = wrt
        self.order = order
        self.name = name
        self.several = several
        #: With definitions among the variables, the program takes these as inputs.
        self.program = definitions_as_leaves(loss, wrt) if wrt else loss
        self.variables = tuple(_leaf(self.program, a) for a in wrt)

    # -- what is derived -----------------------------------------------------------------

    @cached_property
    def derivation(self) -> Derivation | None:
        """The derivation of the gradient (None for a kernel of the value alone)."""
        if self.order < 1:
            return None
        return gradient(self.loss, list(self.wrt) if self.several else self.wrt[0])

    @cached_property
    def second_derivation(self) -> Derivation | None:
        """The derivation of the Hessian (None below order 2)."""
        if self.order < 2:
            return None
        return hessian(self.loss, list(self.wrt) if self.several else self.wrt[0])

    @cached_property
    def _gradients(self) -> dict[str, Array]:
        if self.derivation is None:
            return {}
        result = self.derivation.result
        return dict(result) if self.several else {self.wrt[0].name: result}

    @cached_property
    def _hessians(self) -> dict[str, dict[str, Array]]:
        if self.second_derivation is None:
            return {}
        result = self.second_derivation.result
        only = self.wrt[0].name
        return {k: dict(v) for k, v in result.items()} if self.several else {only: {only: result}}

    @cached_property
    def _directions(self) -> dict[str, Leaf]:
        """An array for the direction of each variable, of names not in use."""
        names = {leaf.name for leaf in self.leaves} | {s.name for s in self.dimensions}
        made: dict[str, Leaf] = {}
        for leaf in self.variables:
            name = f"v_{leaf.name}" if self.several else "v"
            while name in names:
                name += "_"
            names.add(name)
            made[leaf.name] = Leaf(name, leaf.shape, real)
        return made

    @cached_property
    def _products(self) -> dict[str, Array]:
        """Hessian times direction, term by term: a product of many factors is never the matrix."""
        made: dict[str, Array] = {}
        for leaf in self.variables:
            terms: list[tuple[Expr, Node]] = []
            for name, h in self._hessians[leaf.name].items():
                direction = self._directions[name]
                axes = _order(h)
                place = [axes.index(i) for i in range(h.node.rank)]
                dims = dict(enumerate((*leaf.shape, *direction.shape)))
                v = (direction, tuple(range(leaf.rank, leaf.rank + direction.rank)))
                for weight, part in _summands(ONE, h.node):
                    terms.append((weight, build.contract(ONE, [(part, place), v], range(leaf.rank), dims)))
            made[leaf.name] = Array(build.add(terms, leaf.shape))
        return made

    # -- what is compiled ----------------------------------------------------------------

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The declared arrays that are inputs, in the order of the functions' parameters."""
        return tuple(dict.fromkeys((*self.program.node.leaves(), *self.variables)))

    @cached_property
    def dimensions(self) -> tuple[Symbol, ...]:
        """The dimensions in play, in order of first appearance."""
        found: dict[Symbol, None] = {}
        for node in (*self.program.node.walk(), *self.leaves):
            exprs = [*node.shape, *getattr(node, "label_dims", ())]
            for attribute in ("value", "coefficient", "index", "dim"):
                exprs += [v] if isinstance(v := getattr(node, attribute, None), Expr) else []
            exprs += [w for w, _ in getattr(node, "terms", ())]
            if isinstance(node, Leaf):
                exprs += [node.domain.entries.low, node.domain.entries.high]
            for expr in exprs:
                for symbol in sorted(expr.free_symbols, key=str):
                    found[symbol] = None
        return tuple(found)

    @cached_property
    def _parts(self) -> dict[str, list[tuple[tuple[str, ...], Array]]]:
        """The arrays of each output, with their places in the returned dicts."""
        def place(*names: str) -> tuple[str, ...]:
            return names if self.several else ()

        parts: dict[str, list[tuple[tuple[str, ...], Array]]] = {"value": [((), self.program)]}
        if self.order >= 1:
            parts["gradient"] = [(place(k), g) for k, g in self._gradients.items()]
        if self.order >= 2:
            parts["hessian"] = [
                (place(a, b), h) for a, row in self._hessians.items() for b, h in row.items()
            ]
            parts["hvp"] = [(place(k), p) for k, p in self._products.items()]
        return parts

    @cached_property
    def _stable(self) -> tuple[dict[str, list[tuple[tuple[str, ...], Array]]], tuple[StableStep, ...]]:
        stable: dict[str, list[tuple[tuple[str, ...], Array]]] = {}
        steps: dict[tuple[Node, Node], StableStep] = {}
        # A product with a direction shares nothing with the Hessian: that would form the matrix.
        for together in ([o for o in self._parts if o != "hvp"], [o for o in self._parts if o == "hvp"]):
            flat = [(output, keys, array) for output in together for keys, array in self._parts[output]]
            nodes, made = stabilise([array.node for _, _, array in flat])
            steps |= {(step.before.node, step.after.node): step for step in made}
            for (output, keys, array), node in zip(flat, nodes, strict=True):
                stable.setdefault(output, []).append((keys, Array(node, array.axes)))
        return stable, tuple(steps.values())

    @property
    def stabilisation(self) -> tuple[StableStep, ...]:
        """The steps between the formulas as printed and the code as run; each has a ``verdict``."""
        return self._stable[1]

    @cached_property
    def _routines(self) -> tuple[Routine, ...]:
        stable = self._stable[0]
        combinations = [("value",)]
        if self.order >= 1:
            combinations += [("gradient",), ("value", "gradient")]
        if self.order >= 2:
            combinations += [("hessian",), ("hvp",)]
        made: list[Routine] = []
        for outputs in combinations:
            small = (dim for leaf in self.variables for dim in leaf.shape)
            plan = Plan(small, shares_ties=not _has_masks_of_maxima(self.program.node))
            groups = tuple(
                tuple(Part(keys, plan.output(a.node, _order(a))) for keys, a in stable[output])
                for output in outputs
            )
            directions: tuple[tuple[str, Leaf], ...] = ()
            if outputs == ("hvp",):
                directions = tuple(self._directions.items())
            made.append(
                Routine("_and_".join(outputs), self._summary(outputs), plan, groups, directions, not self.several)
            )
        return tuple(made)

    def _summary(self, outputs: tuple[str, ...]) -> str:
        names = ", ".join(a.name for a in self.wrt)
        shapes = ", ".join(shape_text(a.dims) if a.dims else "scalar" for a in self.wrt)
        texts = {
            "value": f"The value, a {'float' if not self.loss.dims else f'{shape_text(self.loss.dims)} array'}.",
            "gradient": f"The gradient with respect to {names}: {shapes}.",
            "hessian": f"The Hessian with respect to {names}, of shape wrt.shape + wrt.shape.",
            "hvp": f"The Hessian with respect to {names}, times the direction v, without forming it.",
        }
        if outputs == ("value", "gradient"):
            return f"The value and the gradient with respect to {names}, sharing what they have in common."
        return texts[outputs[0]]

    @cached_property
    def _least(self) -> tuple[tuple[Expr, Expr], ...]:
        return tuple(dict.fromkeys(pair for routine in self._routines for pair in routine.plan.least))

    @cached_property
    def _door(self) -> Door:
        return Door(self.leaves, self.dimensions, self._least)

    @cached_property
    def source(self) -> str:
        """A complete module: its functions take the arrays, by position or by name.

        It imports NumPy and SciPy alone and runs without symderive.
        """
        formula = "\n".join(_formulas({"": self.loss, **{f"gradient by {k}: ": g for k, g in self._gradients.items()}}))
        asked = self._door.asked
        return module_source(
            formula, f"{self.name}: value{', gradient' * (self.order > 0)}{', Hessian' * (self.order > 1)}.",
            self.leaves, asked, self._least, self._routines,
        )

    @cached_property
    def _functions(self) -> dict[str, Callable[..., Any]]:
        """The module's functions, from the very text that `source` shows."""
        filename = f"<symderive kernel {next(_serial)}: {self.name}>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(True), filename)
        namespace: dict[str, Any] = {"__name__": "symderive_kernel"}
        exec(builtins.compile(self.source, filename, "exec"), namespace)
        return namespace

    def save(self, path: str | PathLike[str]) -> Path:
        """Write ``source`` to a file, e.g. ``kernel.save("kernel.py")``; returns its path."""
        path = Path(path)
        path.write_text(self.source, encoding="utf-8")
        return path

    # -- what is run ---------------------------------------------------------------------

    def value(self, **data: Any) -> Any:
        """The loss, a float (an array for a kernel of an array-valued formula).

        Raises
        ------
        UnknownNameError, ShapeError, DataError
            An input is missing or unknown, does not fit, is not finite or not in its domain, or makes a
            matrix singular that the formula inverts.
        """
        return self._run("value", data)

    def gradient(self, **data: Any) -> Any:
        """The gradient: an array of the variable's shape, or a dict of them; errors as `value`."""
        self._need(1)
        return self._run("gradient", data)

    def value_and_gradient(self, **data: Any) -> tuple[Any, Any]:
        """Both at once, sharing what they have in common; errors as `value`."""
        self._need(1)
        return self._run("value_and_gradient", data)

    def hessian(self, **data: Any) -> Any:
        """The Hessian, of shape ``wrt.shape + wrt.shape``, or a nested dict; errors as `value`."""
        self._need(2)
        return self._run("hessian", data)

    def hvp(self, v: Any, /, **data: Any) -> Any:
        """The Hessian times a direction ``v`` of the variable's shape (a dict for several variables).

        The Hessian is not formed: this is the gradient of <gradient, v>.
        """
        self._need(2)
        return self._call("hvp", self._door.admit(data), self._direction(v, data))

    def bind(self, **data: Any) -> Bound:
        """The functions on fixed data, for loops: the data are checked here, and only here.

        ``data`` holds every input but the variables; sizes of dimensions may be among them.
        """
        names = {leaf.name for leaf in self.variables}
        rest = Door(
            tuple(leaf for leaf in self.leaves if leaf.name not in names),
            tuple(s for s in self.dimensions if s.name in data or s in self._carried(names)),
        )
        inputs = rest.admit(data)
        options: dict[str, Any] = {s.name: inputs.sizes[s.name] for s in self._door.asked if s.name in inputs.sizes}
        options[self._flag] = False
        fixed = {**inputs.values, **options}

        def call(name: str) -> Callable[[Mapping[str, Any]], Any]:
            function = self._functions[name]
            return lambda point: function(**fixed, **point)

        def keyed(name: str, depth: int) -> Callable[[Mapping[str, Any]], Any]:
            function, only = call(name), self.variables[0].name
            if self.several:
                return function
            if depth == 1:
                return lambda point: {only: function(point)}
            return lambda point: {only: {only: function(point)}}

        def both(point: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
            value, g = together(point)
            return value, g if self.several else {self.variables[0].name: g}

        def missing(point: Mapping[str, Any]) -> Any:
            raise UnsupportedError(f"this kernel was compiled with order={self.order}")

        together = call("value_and_gradient") if self.order >= 1 else missing
        return Bound(
            call("value"),
            keyed("gradient", 1) if self.order >= 1 else missing,
            both,
            keyed("hessian", 2) if self.order >= 2 else missing,
        )

    @property
    def asked(self) -> tuple[Symbol, ...]:
        """The dimensions that no array carries: they are inputs by name."""
        return tuple(self._door.asked)

    def admit(self, data: Mapping[str, Any]) -> Inputs:
        """The checked inputs; raises as `value` does."""
        return self._door.admit(data)

    def sizes_from(self, data: Mapping[str, Any], without: Sequence[str]) -> dict[Symbol, int]:
        """The dimensions' sizes as far as the data, without the named arrays, say them."""
        door = Door(
            tuple(leaf for leaf in self.leaves if leaf.name not in without),
            tuple(s for s in self.dimensions if s.name in data or s in self._carried(set(without))),
        )
        sizes = door.admit(data).sizes
        return {s: sizes[s.name] for s in self.dimensions if s.name in sizes}

    def unchecked(self, name: str, options: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
        """A function of (data, variables), both dicts, for loops that vary the data; a dict comes back."""
        function, fixed = self._functions[name], {**options, self._flag: False}
        if self.several:
            return lambda data, point: function(**data, **point, **fixed)
        only = self.variables[0].name
        return lambda data, point: {only: function(**data, **point, **fixed)}

    def cross_check(self, **data: Any) -> CrossCheck:
        """The gradient beside finite differences of the value, at the given point.

        Evidence in floating point, not a verdict: see `symderive.check` for those.
        """
        self._need(1)
        inputs = self._door.admit(data)
        names = [leaf.name for leaf in self.variables]
        point = {name: np.array(inputs.values[name], dtype=float) for name in names}
        bound = self.bind(**{k: v for k, v in inputs.values.items() if k not in names}, **inputs.sizes)
        symmetric = [leaf.name for leaf in self.variables if leaf.domain.has("symmetric")]
        return cross_check(lambda **at: bound.value(at), lambda **at: bound.gradient(at), point, symmetric=symmetric)

    def __repr__(self) -> str:
        wrt = ", ".join(a.name for a in self.wrt)
        return f"Kernel({self.loss}{f', wrt={wrt}' if wrt else ''}, order={self.order})"

    def _carried(self, without: set[str]) -> set[Symbol]:
        return {
            dim
            for leaf in self.leaves
            if leaf.name not in without
            for size in leaf.shape
            for dim in size.free_symbols
            if isinstance(dim, Symbol)
        }

    @cached_property
    def _flag(self) -> str:
        name = "check"
        while name in {leaf.name for leaf in self.leaves} | {s.name for s in self.dimensions}:
            name += "_"
        return name

    def _need(self, order: int) -> None:
        if self.order < order:
            what = "a gradient" if order == 1 else "a Hessian"
            say = "wrt=..." if order == 1 else "order=2"
            raise UnsupportedError(f"this kernel has no {what.split()[1]}; compile it with {say}")

    def _run(self, name: str, data: Mapping[str, Any]) -> Any:
        return self._call(name, self._door.admit(data))

    def _call(self, name: str, inputs: Inputs, *directions: Any) -> Any:
        asked = {s.name: inputs.sizes[s.name] for s in self._door.asked}
        try:
            return self._functions[name](*directions, **inputs.values, **asked, **{self._flag: False})
        except np.linalg.LinAlgError as error:
            raise DataError(_singular(error, self._functions[name].__code__.co_filename)) from error

    def _direction(self, v: Any, data: Mapping[str, Any]) -> Any:
        names = [leaf.name for leaf in self.variables]
        if self.several and (not isinstance(v, Mapping) or set(v) != set(names)):
            raise DataError(f"v must be a dict with the keys {', '.join(names)}, as the gradient is")
        parts = v if self.several else {names[0]: v}
        made: dict[str, Any] = {}
        for name in names:
            part, wanted = np.asarray(parts[name]), np.shape(data[name])
            if part.dtype.kind not in "biuf" or not np.all(np.isfinite(part)):
                raise DataError(f"v for {name} must be finite real numbers")
            if part.shape != wanted:
                raise ShapeError(f"v for {name} must have {name}'s shape {wanted}, got {part.shape}")
            made[name] = part.astype(float) if part.ndim else float(part)
        return made if self.several else made[names[0]]


def compile(
    loss: Any,
    wrt: Any = None,
    order: int | None = None,
    name: str | None = None,
    **shapes: Any,
) -> Kernel:
    """Compile a loss, and its gradient and Hessian, into NumPy.

    Parameters
    ----------
    loss : a scalar Array; also text or a function (``shapes`` as for `symderive.read`), a SymPy
        expression, or a derivation, whose result is compiled.  Without ``wrt`` any array will do.
    wrt : an Array, its name, or a sequence of them (then derivatives are dicts keyed by name);
        None for the value alone
    order : 0 for the value, 1 for value and gradient (the default where ``wrt`` is given), 2 for
        the Hessian and Hessian-vector products as well
    name : the title in the generated source

    Raises
    ------
    ShapeError
        A gradient is asked for and the loss is not a scalar.
    UnknownNameError
        ``wrt`` is none of the loss's arrays, or a name cannot be used in generated code.
    UnsupportedError
        A part of the loss has no known derivative, or cannot be written in NumPy.

    Examples
    --------
    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> f = sd.compile(np.sum((X @ w - y) ** 2), wrt=w)
    >>> f.gradient(X=[[1.0, 2.0]], w=[1.0, 1.0], y=[0.0]).tolist()
    [6.0, 12.0]
    """
    if isinstance(loss, Derivation):
        loss = loss.result
    if isinstance(loss, Basic):
        loss = from_sympy(loss, **shapes)
    elif not isinstance(loss, Array):
        if not isinstance(loss, str) and not callable(loss):
            raise UnsupportedError(
                f"compile takes an Array, text, a function or a SymPy expression, got {type(loss).__name__}"
            )
        loss = read(loss, **shapes)
    elif shapes:
        raise UnknownNameError(f"compile has no option {next(iter(shapes))!r} (shapes belong to text and functions)")
    if order is None:
        order = 0 if wrt is None else 1
    if isinstance(order, bool) or order not in (0, 1, 2):
        raise UnsupportedError(f"order must be 0, 1 or 2, got {order!r}")
    if wrt is None and order:
        raise UnknownNameError(f"order={order} needs wrt=..., the array (or arrays) to derive by")
    if wrt is not None and loss.dims:
        raise ShapeError(f"a gradient needs a scalar loss; this one has shape {shape_text(loss.dims)}")
    if any(isinstance(node, Differential) for node in loss.node.walk()):
        raise UnsupportedError("a differential has a free direction; compile a gradient or a Hessian")
    given, several = variables(loss, wrt) if wrt is not None else ((), False)
    kernel = Kernel(loss, given, several, order, name or "Kernel")
    _check_names(kernel)
    _ = kernel._gradients, kernel._hessians
    return kernel


def _check_names(kernel: Kernel) -> None:
    arrays = [leaf.name for leaf in kernel.leaves]
    twice = {name for name in arrays if arrays.count(name) > 1}
    if twice:
        raise UnknownNameError(f"two different arrays are named {', '.join(sorted(twice))}; rename one of them")
    both = set(arrays) & {s.name for s in kernel.dimensions}
    if both:
        raise UnknownNameError(f"{', '.join(sorted(both))} names both an array and a dimension; rename one of them")
    for name in [*arrays, *map(str, kernel.dimensions)]:
        check_name(name)
        if name in BUILTINS:
            raise UnknownNameError(f"the name {name!r} is used by generated code; choose another")


def _summands(weight: Expr, node: Node) -> list[Term]:
    """The terms of a sum, a common coefficient carried into them."""
    if isinstance(node, Sum):
        return [t for w, n in node.terms for t in _summands(weight * w, n)]
    if isinstance(node, Contraction) and len(node.factors) == 1 and not node.bound:
        ((inner, labels),) = node.factors
        if isinstance(inner, Sum) and labels == tuple(range(node.out_rank)):
            return _summands(weight * node.coefficient, inner)
    return [(weight, node)]


def _has_masks_of_maxima(node: Node) -> bool:
    """Whether a formula itself compares entries with the largest or the smallest."""
    for inner in node.walk():
        if isinstance(inner, Opaque) and inner.function in ("is_max", "is_min"):
            return True
        if isinstance(inner, Map) and inner.function == "eq":
            below = (n for a in inner.arguments for n in (a, *(a.children if isinstance(a, Contraction) else ())))
            if any(isinstance(n, Opaque) and n.function in ("max", "min") for n in below):
                return True
    return False


def _singular(error: np.linalg.LinAlgError, filename: str) -> str:
    """What a matrix function refused, with the line of the generated code that asked for it."""
    lines = [f.line for f in traceback.extract_tb(error.__traceback__) if f.filename == filename and f.line]
    where = f" in `{lines[0]}`" if lines else ""
    return (
        f"at these inputs a matrix has no inverse or no decomposition: {error}{where}; give inputs at which it is "
        "invertible (positive definite for a Cholesky factor), for example by adding a multiple of the identity"
    )


def _formulas(arrays: Mapping[str, Array]) -> list[str]:
    """Arrays as text, each behind its label; definitions that several share are written once."""
    lifted = {label: lift_array(array) for label, array in arrays.items()}
    meanings: dict[str, set[str]] = {}
    for each in lifted.values():
        for name, tree in each.definitions:
            meanings.setdefault(name, set()).add(tree_text(tree))
    shared = [name for name, texts in meanings.items() if len(texts) == 1]
    if len(shared) < len(meanings) or len(lifted) < 3:
        return [f"{label}{array}" for label, array in arrays.items()]
    lines = [f"{label}{tree_text(each.tree)}" for label, each in lifted.items()]
    lines += [f"{'where' if k == 0 else 'and'} {name} = {meanings[name].pop()}" for k, name in enumerate(shared)]
    return lines


def _order(array: Array) -> tuple[int, ...]:
    if None in array.axes:
        raise UnsupportedError(
            f"a kernel cannot return an axis of length 1 made by indexing or keepdims (shape {shape_text(array.dims)})"
        )
    return tuple(a for a in array.axes if a is not None)


def _leaf(program: Array, array: Array) -> Leaf:
    """The leaf that stands for a variable in the program."""
    if isinstance(array.node, Leaf):
        return array.node
    return next(leaf for leaf in program.node.leaves() if leaf.name == array.name)
