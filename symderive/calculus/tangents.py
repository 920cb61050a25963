"""The part of a gradient along what its variable may be.

A variable with a structure moves within a surface; only the part of the gradient
along the surface matters there.  The projections are orthogonal for the inner
product <A, B> = Σ A B.

Source: Absil, Mahony & Sepulchre, Optimization Algorithms on Matrix Manifolds, 3.6
(sphere, orthogonal matrices); Boyd & Vandenberghe, Convex Optimization, 8.1.
"""

from __future__ import annotations

from sympy import Rational

from symderive.language import build
from symderive.language.array_functions import product, triangle
from symderive.language.nodes import ONE, Delta, Leaf, Node

HALF = Rational(1, 2)


def tangent_part(gradient: Node, leaf: Leaf) -> Node | None:
    """The projection of a gradient on the directions in which its variable may move; None without a structure.

    ``gradient`` and ``leaf`` have one shape.  Of several structures the narrowest
    that is known is taken: diagonal, triangular, symmetric; orthogonal; simplex; unit norm.
    """
    domain, shape = leaf.domain, leaf.shape
    if gradient.shape != shape:
        return None
    if leaf.rank == 2 and shape[0] == shape[1]:
        if domain.has("diagonal"):
            return product("ij,ij->ij", gradient, Delta(shape[0]))
        if domain.has("lower_triangular"):
            return product("ij,ij->ij", gradient, triangle(*shape))
        if domain.has("upper_triangular"):
            turned = build.view(triangle(*shape), (1, 0), shape)
            return product("ij,ij->ij", gradient, turned)
        if domain.has("orthogonal"):
            back = product("ij,kj,kl->il", leaf, gradient, leaf)
            return build.add([(HALF, gradient), (-HALF, back)], shape)
        if domain.has("symmetric"):
            return build.add([(HALF, gradient), (HALF, build.view(gradient, (1, 0), shape))], shape)
    for structure in ("simplex", "unit_norm"):
        if domain.has(structure):
            axis = domain.axis(structure) % leaf.rank
            return _along(gradient, leaf, axis, structure)
    return None


def _along(gradient: Node, leaf: Leaf, axis: int, structure: str) -> Node:
    """Less the part across: the mean for a fixed sum, the part along the vector for a fixed length."""
    rank = leaf.rank
    labels = tuple(range(rank))
    summed = tuple(rank if k == axis else k for k in labels)
    dims = dict(enumerate(leaf.shape)) | {rank: leaf.shape[axis]}
    if structure == "simplex":
        across = build.contract(1 / leaf.shape[axis], [(gradient, summed)], labels, dims)
    else:
        across = build.contract(ONE, [(gradient, summed), (leaf, summed), (leaf, labels)], labels, dims)
    return build.add([(ONE, gradient), (-ONE, across)], leaf.shape)
