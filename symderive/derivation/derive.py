"""Gradients, Hessians, Jacobians and differentials as derivations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr

from symderive.calculus.definedness import requirements
from symderive.calculus.differentiate import Differentiation, differentiate
from symderive.calculus.forward import differentiate_forwards
from symderive.calculus.naming import Renaming, opened, repeated
from symderive.calculus.rewrites import Rewrite, Rewritten
from symderive.calculus.simplify import simplify
from symderive.calculus.tangents import tangent_part
from symderive.derivation.derivation import (
    Derivation,
    Step,
    definition_leaf,
    definitions_as_leaves,
)
from symderive.derivation.written import Title
from symderive.errors import ShapeError, UnknownNameError, UnsupportedError
from symderive.language import build
from symderive.language.arrays import Array, as_array, shape_text
from symderive.language.nodes import ONE, Delta, Differential, Leaf, Named, Node
from symderive.language.statements import Relation
from symderive.language.sympy_input import from_sympy
from symderive.language.views.latex import name_latex

Label = tuple[str, str]
"""What a line equals, as text and as LaTeX."""

CONVENTIONS = {
    "independent": "entries are independent",
    "symmetric": "entries above and below the diagonal move together: G + Gᵀ - diag G",
    "projected": "the part of the gradient along what the variable may be: (G + Gᵀ)/2 for symmetric matrices",
}


ROUTES = {"differentials": differentiate, "components": differentiate_forwards}
"""Two ways to a derivative; neither uses the other."""


def gradient(
    loss: Any,
    wrt: Any,
    *,
    convention: str = "independent",
    route: str = "differentials",
    title: Title = "",
) -> Derivation:
    """Derive the gradient of a scalar by one array or several.

    Parameters
    ----------
    loss : scalar Array (or a SymPy scalar)
    wrt : an Array, its name, or a sequence of them; a sequence gives a dict keyed by name
    convention : for a symmetric matrix variable, "independent" entries (the default),
        "symmetric" (G + Gᵀ - diag G) or "projected" ((G + Gᵀ)/2); "projected" takes the part
        along the variable's declared structure (diagonal, triangular, simplex, unit norm, orthogonal)
    route : "differentials" (backwards: dL = <G, dw>, so ∇L = G) or "components" (forwards,
        entry by entry: ∂w_j/∂w_k = δ_jk); two computations that have to agree

    Returns
    -------
    Derivation
        ``result`` has the shape of the variable.

    Raises
    ------
    ShapeError
        The loss is not a scalar.
    UnknownNameError
        A name in ``wrt`` is no array of the loss.
    UnsupportedError
        A part of the loss has no differential; the node is named.

    Source: Magnus & Neudecker, Matrix Differential Calculus, ch. 9.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> str(sd.gradient(np.sum((X @ w - y) ** 2), w).result)
    '2 * X.T @ (X @ w - y)'
    """
    loss = _subject(loss)
    if loss.node.rank:
        raise ShapeError(
            f"a gradient is of a scalar; this has shape {shape_text(loss.dims)}: sum it, or use sd.jacobian"
        )
    return _Maker(loss, wrt, convention, title, route).gradient()


def hessian(loss: Any, wrt: Any, *, title: Title = "") -> Derivation:
    """Derive the Hessian of a scalar; shape ``wrt.shape + wrt.shape``.

    For a sequence of arrays the result is a dict of dicts: ``result["w"]["b"]``
    is ∂²loss/∂w∂b.  Parameters and errors as in :func:`gradient`.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> str(sd.hessian(np.sum((X @ w - y) ** 2), w).result)
    '2 * X.T @ X'
    """
    loss = _subject(loss)
    if loss.node.rank:
        raise ShapeError(f"a Hessian is of a scalar; this has shape {shape_text(loss.dims)}")
    return _Maker(loss, wrt, "independent", title).hessian()


def jacobian(function: Any, wrt: Any, *, title: Title = "") -> Derivation:
    """Derive the Jacobian of an array; shape ``function.shape + wrt.shape``.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w = sd.array("X", n, d), sd.array("w", d)
    >>> str(sd.jacobian(X @ w, w).result)
    'X'
    """
    return _Maker(_subject(function), wrt, "independent", title).jacobian()


def differential(function: Any, wrt: Any, *, title: Title = "") -> Derivation:
    """Derive d(function) in terms of the changes dw of the arrays in ``wrt``.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> str(sd.differential(np.sum((X @ w - y) ** 2), w).result)
    '2 * (X @ w - y) @ X @ dw'
    """
    return _Maker(_subject(function), wrt, "independent", title).differential()


def _subject(value: Any) -> Array:
    if isinstance(value, Derivation):
        value = value.result
        if isinstance(value, dict):
            raise UnsupportedError("derive one part of a result at a time, e.g. g.result['w']")
    if isinstance(value, Expr):
        return from_sympy(value)
    if isinstance(value, str):
        raise UnsupportedError("a text needs its shapes: sd.read(text, X='n d', w='d') gives the array to derive")
    return as_array(value)


def variables(subject: Array, wrt: Any) -> tuple[tuple[Array, ...], bool]:
    """The arrays meant by ``wrt``, and whether several were asked for."""
    several = isinstance(wrt, list | tuple | set | frozenset)
    given: Sequence[Any] = list(wrt) if several else [wrt]
    if not given:
        raise UnknownNameError("wrt is empty; give an array or its name")
    known = {n.name: n for n in subject.node.walk() if isinstance(n, Leaf | Named)}
    found: list[Array] = []
    for item in given:
        if isinstance(item, str):
            if item not in known:
                raise UnknownNameError(
                    f"no array named {item!r} in the expression; its arrays are {', '.join(sorted(known)) or 'none'}"
                )
            item = Array(known[item])
        if isinstance(item, Expr) and item.is_Symbol and str(item) in known:
            item = Array(known[str(item)])
        if not isinstance(item, Array) or not isinstance(item.node, Leaf | Named):
            raise UnknownNameError(f"wrt takes declared arrays, their names, or definitions; got {item}")
        if item.axes != tuple(range(item.node.rank)):
            raise UnsupportedError(f"derive by {item.node.name} itself, not by a transposed or extended view of it")
        found.append(item)
    names = [a.name for a in found]
    if len(set(names)) != len(names):
        raise UnknownNameError(f"wrt names an array twice: {', '.join(names)}")
    return tuple(found), several


class _Maker:
    """Collects the steps of one derivation."""

    def __init__(
        self, subject: Array, wrt: Any, convention: str, title: Title, route: str = "differentials"
    ) -> None:
        if convention not in CONVENTIONS:
            raise UnsupportedError(f"convention must be one of {', '.join(CONVENTIONS)}, got {convention!r}")
        if route not in ROUTES:
            raise UnsupportedError(f"route must be one of {', '.join(ROUTES)}, got {route!r}")
        self.route = route
        self.original = subject
        self.wrt, self.several = variables(subject, wrt)
        free = definitions_as_leaves(subject, self.wrt)
        node, self.names = opened(free.node)
        self.subject = Array(node, free.axes)
        self.leaves = tuple(a.node if isinstance(a.node, Leaf) else definition_leaf(a) for a in self.wrt)
        self.convention = convention
        self.title = title
        self.steps: list[Step] = []
        names = {n.name for n in self.subject.node.walk() if isinstance(n, Leaf | Named)}
        pool = ("L", "f", "F", "J", "loss") if not subject.node.rank else ("F", "G", "f", "g", "output")
        name = next((x for x in pool if x not in names), "value")
        self.label: Label = (name, name)
        self.state: Node = Differential(self.subject.node)
        self.assumed = requirements(self.subject.node)

    # -- kinds --------------------------------------------------------------------

    def gradient(self) -> Derivation:
        made = self._differentiated(self.subject.node, self.label)
        arrays = {leaf.name: Array(self._finish(made, leaf, _nabla(leaf, self.label))) for leaf in self.leaves}
        return self._derivation("gradient", arrays)

    def jacobian(self) -> Derivation:
        made = self._differentiated(self.subject.node, self.label)
        shift = self.subject.node.rank
        arrays: dict[str, Array] = {}
        for leaf in self.leaves:
            axes = (*self.subject.axes, *(shift + k for k in range(leaf.rank)))
            arrays[leaf.name] = Array(self._finish(made, leaf, _partial(leaf, self.label)), axes)
        return self._derivation("jacobian", arrays)

    def differential(self) -> Derivation:
        self._differentiated(self.subject.node, self.label)
        return self._made("differential", Array(self.state, self.subject.axes))

    def hessian(self) -> Derivation:
        first = self._differentiated(self.subject.node, self.label)
        state = self.state
        table: dict[str, dict[str, Array]] = {}
        for leaf in self.leaves:
            self.state = state
            label = _nabla(leaf, self.label)
            made = self._differentiated(self._finish(first, leaf, label, self.leaves), label)
            table[leaf.name] = {
                other.name: Array(self._finish(made, other, _second(leaf, other, self.label)))
                for other in self.leaves
            }
        only = self.leaves[0].name
        return self._made("hessian", table if self.several else table[only][only])

    # -- lines --------------------------------------------------------------------

    def _differentiated(self, node: Node, label: Label) -> Differentiation:
        """The lines from ``label = node`` to ``d label = Σ <A, dw>``; the last state is kept."""
        root = self._recognised(node, label)
        made = ROUTES[self.route](root, self.leaves)
        changed = (f"d{label[0]}", rf"\mathrm{{d}} {label[1]}")
        before: Node = Differential(root)
        for line in made.lines:
            self._step(
                before,
                line.state,
                line.rule,
                changed,
                uses=line.uses,
                conditions=line.conditions,
                substeps=line.openings,
            )
            before = line.state
        self.state = before
        if not any(leaf in root.walk() for leaf in self.leaves):
            self.state = build.zeros(root.shape)
            self._step(before, self.state, "constants", changed)
        return made

    def _recognised(self, node: Node, label: Label) -> Node:
        """Recognise stable functions before differentiating; the line is about the value itself."""
        found = simplify(node, self.leaves, recognise_only=True)
        if found.node is not node:
            self._rewritten(node, found, label)
        return found.node

    def _rewritten(self, before: Node, found: Rewritten, label: Label) -> None:
        rules = ", ".join(dict.fromkeys(r.rule for r in found.rewrites))
        conditions = tuple(dict.fromkeys(c for r in found.rewrites for c in r.conditions))
        self._step(before, found.node, rules, label, conditions=conditions, substeps=found.rewrites)

    def _finish(self, made: Differentiation, leaf: Leaf, label: Label, blocked: tuple[Leaf, ...] = ()) -> Node:
        """Read the derivative off the last differential and write it readably.

        ``blocked`` leaves will be derived by once more: what is declared of them may not be used yet.
        """
        derivative = made.derivatives[leaf]
        rule = "read off the derivative" if self.route == "differentials" else "derivative by an entry"
        self._step(self.state, derivative, rule, label, relation="=>", changing=(leaf,))
        final = simplify(derivative, blocked)
        if final.node is not derivative:
            self._rewritten(derivative, final, label)
        return self._conventional(final.node, leaf, label)

    def _conventional(self, node: Node, leaf: Leaf, label: Label) -> Node:
        """Entries of a structured array are not independent: what is meant is a convention."""
        if self.convention == "projected":
            after = tangent_part(node, leaf)
            if after is None:
                return node
            after = simplify(after).node
            self._step(node, after, "projected convention", label, relation=":=")
            return after
        if self.convention == "independent" or not leaf.domain.has("symmetric") or node.rank != 2:
            return node
        both = build.add([(ONE, node), (ONE, build.view(node, (1, 0), node.shape))], node.shape)
        size = node.shape[0]
        diagonal = build.contract(ONE, [(node, (0, 0)), (Delta(size), (0, 1))], (0, 1), {0: size, 1: size})
        after = simplify(build.add([(ONE, both), (-ONE, diagonal)], node.shape)).node
        self._step(node, after, f"{self.convention} convention", label, relation=":=")
        return after

    def _step(
        self,
        before: Node,
        after: Node,
        rule: str,
        lhs: Label,
        *,
        uses: tuple[str, ...] = (),
        conditions: tuple[Relation, ...] = (),
        substeps: tuple[Rewrite, ...] = (),
        relation: str = "=",
        changing: tuple[Leaf, ...] | None = None,
    ) -> None:
        held = tuple(dict.fromkeys(c for s in self.steps for c in s.conditions))
        if not self.steps:
            conditions = (*self.assumed, *conditions)
        active = self.leaves if changing is None else changing
        self.steps.append(
            Step(
                Array(before),
                Array(after),
                rule,
                conditions=tuple(c for c in dict.fromkeys(conditions) if c not in held),
                substeps=tuple(_substep(r, active, (*held, *conditions)) for r in substeps),
                lhs=lhs[0],
                lhs_latex=lhs[1],
                relation=relation,
                changing=active,
                given=held,
                uses=uses,
            )
        )

    def _derivation(self, kind: str, arrays: dict[str, Array]) -> Derivation:
        result = arrays if self.several else arrays[self.leaves[0].name]
        return self._made(kind, result)

    def _made(self, kind: str, result: Any) -> Derivation:
        """The derivation, with what its result repeats named throughout."""
        plain = Derivation(
            kind, self.original, self.wrt, tuple(self.steps), result, self.convention, self.title, self.route
        )
        taken = {n.name for s in self.steps for n in s.before.node.walk() if isinstance(n, Leaf | Named)}
        taken |= {str(x) for n in self.original.node.walk() for size in n.shape for x in size.free_symbols}
        names = dict(self.names)
        put = Renaming(names)
        shown = [put(a.node) for a in plain.results.values()]
        names |= repeated(shown, taken | {n.name for n in names.values()})
        if not names:
            return plain
        put = Renaming(names)

        def rename(value: Any) -> Any:
            if isinstance(value, dict):
                return {k: rename(v) for k, v in value.items()}
            return Array(put(value.node), value.axes)

        steps = tuple(_renamed(step, rename) for step in self.steps)
        return replace(plain, steps=steps, result=rename(result))


def _renamed(step: Step, rename: Callable[[Any], Any]) -> Step:
    substeps = tuple(_renamed(s, rename) for s in step.substeps)
    return replace(step, before=rename(step.before), after=rename(step.after), substeps=substeps)


def _substep(rewrite: Rewrite, changing: tuple[Leaf, ...], given: tuple[Relation, ...]) -> Step:
    return Step(
        Array(rewrite.before),
        Array(rewrite.after),
        rewrite.rule,
        conditions=rewrite.conditions,
        changing=changing,
        given=given,
    )


def _nabla(leaf: Leaf, label: Label) -> Label:
    return f"∇_{leaf.name} {label[0]}", rf"\nabla_{{{name_latex(leaf.name)}}} {label[1]}"


def _partial(leaf: Leaf, label: Label) -> Label:
    return f"∂{label[0]}/∂{leaf.name}", rf"\frac{{\partial {label[1]}}}{{\partial {name_latex(leaf.name)}}}"


def _second(leaf: Leaf, other: Leaf, label: Label) -> Label:
    first, second = name_latex(leaf.name), name_latex(other.name)
    if leaf is other:
        return f"∇²_{leaf.name} {label[0]}", rf"\nabla^2_{{{first}}} {label[1]}"
    below = rf"\partial {first}\,\partial {second}"
    return f"∂²{label[0]}/∂{leaf.name}∂{other.name}", rf"\frac{{\partial^2 {label[1]}}}{{{below}}}"
