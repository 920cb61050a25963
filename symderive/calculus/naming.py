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
    Term,
)
from symderive.language.views.lift import lift_tree

_USUAL = {"eigvecs": "V", "svd_u": "U", "svd_vt": "Vt", "cholesky": "L"}
"""What everybody calls the parts of a decomposition."""
_LONG = 2
"""What it costs to read a decomposition beside its tree: its text is long."""

_NAMES = ("z", "r", "u", "v", "s", "q", "a", "h")


def repeated(nodes: Iterable[Node], taken: Iterable[str]) -> dict[Node, Named]:
    """Definitions that shorten the given nodes, largest saving first, at most three."""
    roots = tuple(nodes)
    names = [n for n in _NAMES if n not in set(taken)]
    found: dict[Node, Named] = {}
    for _ in range(3):
        put = Renaming(found)
        best = _best(tuple(put(r) for r in roots))
        if best is None or not names:
            break
        best = _rooted(best, roots)
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
            size = lift_tree(core).count() + _LONG * _decomposes(core) if count > 1 else 0
            saving = count * size - (size + 1 + count)
            if saving > 0:
                savings[core] = savings.get(core, 0) + saving
    return max(savings, key=lambda core: savings[core], default=None)


def _rooted(core: Node, roots: Sequence[Node]) -> Node:
    """The square root of what stands under square roots alone: the norm rather than its square."""
    half = Rational(1, 2)
    powers = [p for r in roots for p in r.walk() if not isinstance(p, Named) and core in _cores(p)]
    exponents = [
        p.arguments[1].value
        for p in powers
        if isinstance(p, Map) and p.function == "power" and isinstance(p.arguments[1], Number)
    ]
    if len(exponents) < len(powers) or not exponents or not all(e.is_Rational and e.q == 2 for e in exponents):
        return core
    return build.power(core, half)


def _alike(node: Sum) -> frozenset[Term]:
    """What a sum is, whatever the order of its terms."""
    return frozenset(node.terms)


def _uses(root: Node) -> dict[Node, int]:
    uses: dict[Node, int] = {}
    sums: dict[frozenset[Term], Node] = {}
    for node in root.walk():
        if isinstance(node, Differential | Named):
            continue
        for core in _cores(node):
            if core.children and not isinstance(core, Named) and not _is_spread(core):
                if isinstance(core, Sum):
                    negative = _alike(build.negated(core))  # type: ignore[arg-type]
                    core = sums[negative] if negative in sums else sums.setdefault(_alike(core), core)
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


def _by_depth(definitions: dict[Node, Named]) -> list[Node]:
    """The bodies of definitions, those that stand in others first."""
    order: dict[Node, None] = {}
    roots = {body.children[0]: body for body in definitions if _is_root(body)}
    for body in definitions:
        order.update(dict.fromkeys(roots.get(n, n) for n in body.walk() if n in definitions or n in roots))
    return list(order)


def _is_root(node: Node) -> bool:
    """Whether a node is a square root: its other odd powers are powers of it."""
    if not (isinstance(node, Map) and node.function == "power"):
        return False
    exponent = node.arguments[1]
    return isinstance(exponent, Number) and exponent.value == Rational(1, 2)


class Renaming:
    """Puts definitions in wherever their bodies stand, signed and scaled ones included.

    What was rewritten once is kept: the lines of a derivation share most of their parts.
    """

    def __init__(self, definitions: dict[Node, Named]) -> None:
        self.named: dict[Node, Node] = {}
        self.roots: dict[Node, Node] = {}
        self.sums: dict[frozenset[Term], Node] = {}
        self.done: dict[Node, Node] = {}
        for body in _by_depth(definitions):
            inner = build.rebuild(body, [self(c) for c in body.children])
            name = Named(definitions[body].name, inner)
            self.named[body] = name
            if _is_root(body):
                self.roots[body.children[0]] = name
            if isinstance(body, Sum):
                self.sums[_alike(body)] = name
                self.sums.setdefault(_alike(build.negated(body)), build.scale(-1, name))  # type: ignore[arg-type]
            self.done.clear()

    def __call__(self, node: Node) -> Node:
        """The node with the definitions put in."""
        if not self.named:
            return node
        stack = [(node, False)]
        while stack:
            current, ready = stack.pop()
            if current in self.done:
                continue
            if ready:
                self.done[current] = build.rebuild(current, [self.done[c] for c in current.children])
            elif (found := self._replacement(current)) is not None:
                self.done[current] = found
            else:
                stack.append((current, True))
                stack.extend((c, False) for c in current.children)
        return self.done[node]

    def _replacement(self, node: Node) -> Node | None:
        if node in self.named:
            return self.named[node]
        if isinstance(node, Sum):
            return self.sums.get(_alike(node))
        if isinstance(node, Contraction) and node.coefficient != 1:
            c, core = build.split_coefficient(node)
            if isinstance(core, Sum) and _alike(core) in self.sums:
                return build.scale(c, self.sums[_alike(core)])
            return build.scale(c, self.named[core]) if core in self.named else None
        if isinstance(node, Map) and node.function == "power" and node.arguments[0] in self.roots:
            exponent = node.arguments[1]
            if isinstance(exponent, Number) and exponent.value.is_Rational and exponent.value.q == 2:
                return build.power(self.roots[node.arguments[0]], 2 * exponent.value)
        return None
