"""Names for what is repeated: ``where z = X @ w + b``.

An expression that stands several times in a result is named where that makes
the whole shorter.  A name changes no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Rational

from symderive.calculus.regions import region_children
from symderive.language import build
from symderive.language.nodes import (
    Contraction,
    Differential,
    Map,
    Named,
    Node,
    Number,
    Opaque,
    Sum,
)
from symderive.language.views.lift import lift

_USUAL = {"eigvecs": "V", "svd_u": "U", "svd_vt": "Vt", "cholesky": "L"}
"""What everybody calls the parts of a decomposition."""
_LONG = 2
"""What it costs to read a decomposition beside its tree: its text is long."""

_NAMES = ("z", "r", "u", "v", "s", "q", "a", "h")


def repeated(nodes: Iterable[Node], taken: Iterable[str]) -> dict[Node, Named]:
    """Definitions that shorten the given nodes, largest saving first, at most two."""
    roots = tuple(nodes)
    names = [n for n in _NAMES if n not in set(taken)]
    found: dict[Node, Named] = {}
    for _ in range(2):
        best = _best(tuple(with_names(r, found) for r in roots))
        if best is None or not names:
            break
        maps = (p for r in roots for p in r.walk() if isinstance(p, Map) and p.function != "power")
        inside = any(best in _cores(p) for p in maps)
        name = names[0] if inside or "r" not in names else "r"
        usual = _USUAL.get(getattr(best, "function", ""))
        if usual is not None and usual not in set(taken) | {n.name for n in found.values()}:
            name = usual
        if name in names:
            names.remove(name)
        found[best] = Named(name, best)
    return found


def _cores(node: Node) -> tuple[Node, ...]:
    return tuple(build.split_coefficient(c)[1] for c in node.children)


def _best(roots: Sequence[Node]) -> Node | None:
    """The expression whose name saves most; each root is read by itself."""
    savings: dict[Node, int] = {}
    for root in roots:
        for core, count in _uses(root).items():
            size = lift(core).tree.count() + _LONG * _decomposes(core) if count > 1 else 0
            saving = count * size - (size + 1 + count)
            if saving > 0:
                savings[core] = savings.get(core, 0) + saving
    return max(savings, key=lambda core: savings[core], default=None)


def _uses(root: Node) -> dict[Node, int]:
    uses: dict[Node, int] = {}
    for node in root.walk():
        if isinstance(node, Differential | Named):
            continue
        for core in _cores(node):
            if core.children and not isinstance(core, Named) and not _is_spread(core):
                if isinstance(core, Sum) and build.negated(core) in uses:
                    core = build.negated(core)
                uses[core] = uses.get(core, 0) + 1
    return uses


def _decomposes(node: Node) -> bool:
    return isinstance(node, Opaque) and node.function in _USUAL


def _is_spread(node: Node) -> bool:
    """Whether a node only repeats something along an axis."""
    if not isinstance(node, Contraction):
        return False
    return not set(range(node.out_rank)) <= {x for _, labels in node.factors for x in labels}


def opened(node: Node) -> tuple[Node, dict[Node, Named]]:
    """Definitions of elementwise functions written out, and what to call them again.

    ``p = σ(z)`` hides from the rules that log p and 1 - p are functions of z; linear
    definitions hide nothing and stay.
    """
    names: dict[Node, Named] = {}
    written: dict[Node, Node] = {}
    for part in node.walk():
        if not part.children:
            written[part] = part
            continue
        children = [written[c] for c in part.children]
        if isinstance(part, Named) and _is_function(children[0]):
            names[children[0]] = Named(part.name, children[0])
            written[part] = children[0]
        else:
            written[part] = build.rebuild(part, children)
    return written[node], names


def _is_function(node: Node) -> bool:
    return any(isinstance(p, Map | Opaque) for p in _region(node))


def _region(node: Node) -> list[Node]:
    found = [node]
    for child in region_children(node):
        found += _region(child)
    return found


def _is_root(node: Node) -> bool:
    """Whether a node is a square root: its other odd powers are powers of it."""
    if not (isinstance(node, Map) and node.function == "power"):
        return False
    exponent = node.arguments[1]
    return isinstance(exponent, Number) and exponent.value == Rational(1, 2)


def with_names(node: Node, definitions: dict[Node, Named]) -> Node:
    """Put the definitions in wherever their bodies stand, signed and scaled ones included."""
    if not definitions:
        return node
    replacements: dict[Node, Node] = dict(definitions)
    roots = {b.arguments[0]: name for b, name in definitions.items() if _is_root(b) and isinstance(b, Map)}
    replacements |= {build.negated(b): build.scale(-1, name) for b, name in definitions.items() if isinstance(b, Sum)}
    for part in node.walk():
        power = isinstance(part, Map) and part.function == "power" and part not in definitions
        if isinstance(part, Map) and power and part.arguments[0] in roots:
            exponent = part.arguments[1]
            if isinstance(exponent, Number) and exponent.value.is_Rational and exponent.value.q == 2:
                replacements[part] = build.power(roots[part.arguments[0]], 2 * exponent.value)
        if isinstance(part, Contraction) and part.coefficient != 1:
            c, core = build.split_coefficient(part)
            if core in definitions:
                replacements[part] = build.scale(c, definitions[core])
    return build.substitute(node, replacements)
