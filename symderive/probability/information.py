"""Entropy, cross-entropy and relative entropy of arrays on a simplex.

Source: T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2006, 2.1-2.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import entr, rel_entr, xlogy

from symderive.calculus.normal_form import decide_equal
from symderive.calculus.signs import sign_of
from symderive.errors import DomainError, ShapeError
from symderive.language import build
from symderive.language.arrays import Array, as_array, joined_nodes, shape_text
from symderive.language.nodes import Leaf, Number, Opaque
from symderive.language.reductions import log_softmax


def entropy(P: Any, base: Any = None) -> Array:
    """The entropy H(P) = -Σ p log p of a distribution over finitely many outcomes.

    Parameters
    ----------
    P : Array of shape (k,), or (n, k) for n distributions
        On a simplex: declared with ``domain=sd.simplex``, or an expression that is one (a softmax,
        a mixture).  0·log 0 is 0.
    base : number > 0 other than 1
        The unit: None for nats, 2 for bits.

    Returns
    -------
    Array
        A scalar, or one value per row.  Between 0 and log k.

    Raises
    ------
    DomainError
        The array is not known to lie on a simplex, or the base is no base.

    Source: Cover & Thomas, 2.1.

    >>> import symderive as sd
    >>> k = sd.dims("k")
    >>> p = sd.array("p", k, domain=sd.simplex & sd.positive)
    >>> str(sd.entropy(p))
    '-p @ np.log(p)'
    """
    p, axis = _distribution(P, "P")
    summand = -(p * _log(p)) if _positive(p) else entr(p)
    return _in_units(np.sum(summand, axis=axis), base)


def cross_entropy(P: Any, Q: Any, base: Any = None) -> Array:
    """The cross-entropy H(P, Q) = -Σ p log q: the cost of coding P with a code made for Q.

    Parameters
    ----------
    P, Q : Arrays of shape (k,), or (n, k) for n pairs
        On a simplex, as for `symderive.entropy`.  Where an outcome has q = 0 and p > 0 the value is
        infinite, which counts as not defined; declare Q ``sd.simplex & sd.positive`` to exclude it.
    base : as for `symderive.entropy`

    Returns
    -------
    Array
        A scalar, or one value per row; H(P) + D(P‖Q).

    Raises
    ------
    DomainError, ShapeError
        An array is not known to lie on a simplex; the shapes differ.

    Source: Cover & Thomas, 2.3 and 5.4.

    >>> import symderive as sd
    >>> k = sd.dims("k")
    >>> p, q = sd.array("p", k, domain=sd.simplex), sd.array("q", k, domain=sd.simplex & sd.positive)
    >>> str(sd.cross_entropy(p, q))
    '-p @ np.log(q)'
    """
    p, q, axis = _pair(P, Q)
    summand = p * _log(q) if _positive(q) else xlogy(p, q)
    return _in_units(-np.sum(summand, axis=axis), base)


def kl(P: Any, Q: Any, base: Any = None) -> Array:
    """The relative entropy (Kullback-Leibler divergence) D(P‖Q) = Σ p log(p/q).

    Parameters
    ----------
    P, Q : as for `symderive.cross_entropy`
    base : as for `symderive.entropy`

    Returns
    -------
    Array
        A scalar, or one value per row.  Not negative, and 0 only where P = Q; not symmetric.

    Raises
    ------
    DomainError, ShapeError
        As for `symderive.cross_entropy`.

    Source: Cover & Thomas, 2.3; S. Kullback and R. A. Leibler, Ann. Math. Statist. 22 (1951).

    >>> import symderive as sd
    >>> k = sd.dims("k")
    >>> p, q = (sd.array(name, k, domain=sd.simplex & sd.positive) for name in "pq")
    >>> str(sd.kl(p, q))
    'p @ np.log(p / q)'
    """
    p, q, axis = _pair(P, Q)
    if isinstance(q.node, Opaque) and _positive(p):
        summand = p * (_log(p) - _log(q))
    else:
        summand = p * np.log(p / q) if _positive(p) and _positive(q) else rel_entr(p, q)
    return _in_units(np.sum(summand, axis=axis), base)


def _pair(P: Any, Q: Any) -> tuple[Array, Array, int]:
    p, axis = _distribution(P, "P")
    q, other = _distribution(Q, "Q")
    if p.dims != q.dims or axis != other:
        raise ShapeError(
            f"P and Q must be distributions over the same outcomes: P has shape {shape_text(p.dims)} "
            f"(outcomes along axis {axis}), Q {shape_text(q.dims)} (along axis {other})"
        )
    return p, q, axis


def _distribution(value: Any, name: str) -> tuple[Array, int]:
    """The array, and the axis along which it is a distribution."""
    array = as_array(value)
    if not array.ndim or any(a is None for a in array.axes):
        raise ShapeError(
            f"{name} is a distribution over outcomes, a vector or a matrix with one in each row; "
            f"this has shape {shape_text(array.dims)}"
        )
    node = array.node
    if isinstance(node, Leaf) and node.domain.has("simplex"):
        return array, array.axes.index(node.domain.axis("simplex"))
    if isinstance(node, Opaque) and node.function == "softmax":
        return array, array.axes.index(node.rank - 1)
    last = array.ndim - 1
    (laid,) = joined_nodes((array,), name)
    total = build.reduce_sum(laid, [last])
    if sign_of(laid).nonnegative and decide_equal(total, build.ones(total.shape)).equal:
        return array, last
    shown = f"{name} = {array}" if not isinstance(node, Leaf) else f"{node.name} (declared {node.domain})"
    raise DomainError(
        f"{shown} is not known to be a distribution: nonnegative, with sum 1 along the last axis; "
        "declare it with domain=sd.simplex, or write it as one, e.g. sd.softmax(z)"
    )


def _positive(array: Array) -> bool:
    return sign_of(array.node).positive


def _log(array: Array) -> Array:
    """log, which of a softmax is the log-softmax."""
    node = array.node
    if isinstance(node, Opaque) and node.function == "softmax":
        return log_softmax(Array(node.arguments[0], array.axes), axis=array.axes.index(node.rank - 1))
    return as_array(np.log(array))


def _in_units(nats: Array, base: Any) -> Array:
    if base is None:
        return nats
    unit = as_array(base)
    if not isinstance(unit.node, Number) or not unit.node.value.is_positive or unit.node.value == 1:
        raise DomainError(f"the base of a logarithm is a number > 0 other than 1, got {base}")
    return nats / Array(build.apply("log", unit.node))


__all__ = ["cross_entropy", "entropy", "kl"]
