"""Differentials taken forwards, entry by entry: the other route to a derivative.

d(root) is opened from the outside in, each part by its rule, until only the
differentials of the variables are left; then the variable moves along one entry
at a time, ∂w_j/∂w_k = δ_jk, and the deltas choose the terms.  No adjoint is ever
formed, so that the result can be held against the backward one.

Source: Magnus & Neudecker, Matrix Differential Calculus, ch. 5 (the differential
as the linear part of a change), ch. 9 (derivatives by entries).
"""

from __future__ import annotations

from collections.abc import Sequence

from symderive.calculus.definedness import requirements
from symderive.calculus.differentiate import (
    Differentiation,
    Line,
    changing_parts,
    identity_of,
    kind_of,
    rules_of,
    transposed,
)
from symderive.calculus.rewrites import Rewrite
from symderive.errors import UnsupportedError
from symderive.language import build
from symderive.language.nodes import ONE, Differential, Leaf, Node, Term
from symderive.language.statements import Relation


def differentiate_forwards(root: Node, wrt: Sequence[Leaf]) -> Differentiation:
    """d(root) in terms of the differentials of ``wrt``, opened from the outside in.

    The lines and the derivatives are those of :func:`differentiate`, found without it.
    """
    active, masks = changing_parts(root, wrt)
    if root not in active and masks:
        raise UnsupportedError(
            "a formula that changes in jumps alone is not derived by components; use route='differentials'"
        )
    route = _Forwards(root, wrt, active)
    if root in active:
        route.run()
    derivatives = {
        leaf: transposed(route.state, Differential(leaf), identity_of(root), root.rank)
        if root in active
        else build.zeros(root.shape + leaf.shape)
        for leaf in wrt
    }
    return Differentiation(tuple(route.lines), derivatives)


class _Forwards:
    def __init__(self, root: Node, wrt: Sequence[Leaf], active: set[Node]) -> None:
        self.wrt = wrt
        self.active = active
        self.state: Node = Differential(root)
        self.stated = set(requirements(root))
        self.lines: list[Line] = []

    def run(self) -> None:
        """Open what can be opened, linear parts first and together, until the variables are reached."""
        while True:
            kinds = self._waiting()
            if not kinds:
                return
            kind = next(k for k in ("linearity", "chain rule", "product rule") if k in kinds.values())
            self._line(kind, kinds)

    def _waiting(self) -> dict[Differential, str]:
        found = (d for d in self.state.walk() if isinstance(d, Differential) and d.body not in self.wrt)
        return {d: kind_of(d.body, self.active) for d in found}

    def _line(self, kind: str, kinds: dict[Differential, str]) -> None:
        openings: list[Rewrite] = []
        uses: dict[str, None] = {}
        conditions: dict[Relation, None] = {}
        while chosen := [d for d, k in kinds.items() if k == kind]:
            opened: dict[Node, Node] = {}
            for d in chosen:
                summands: list[Term] = []
                for _, _, forward, use, needs in rules_of(d.body, self.active):
                    summands.append((ONE, forward))
                    conditions.update(dict.fromkeys(needs))
                    if use:
                        uses[use] = None
                opened[d] = build.add(summands, d.shape)
                openings.append(Rewrite(d, opened[d], kind, tuple(conditions)))
            self.state = build.substitute(self.state, opened)
            if kind != "linearity":
                break
            kinds = self._waiting()
        new = [r for r in (*conditions, *requirements(self.state)) if r not in self.stated]
        self.stated.update(new)
        self.lines.append(Line(self.state, kind, tuple(uses), tuple(dict.fromkeys(new)), tuple(openings)))
