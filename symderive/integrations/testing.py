"""Assertions for test suites: a gradient, a Hessian, an identity, an inequality.

Each returns the verdict where it stands, and raises an AssertionError where it does not.  The
message has the claim, the point, both values, a hint and the seed, the worst first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symderive.checking.check import check
from symderive.checking.gradients import check_gradient
from symderive.checking.hessians import check_hessian
from symderive.errors import UnsupportedError
from symderive.integrations.bars import BAR, BARS
from symderive.judgement.verdicts import Counterexample, Status, Verdict
from symderive.language.domains import Domain


def assert_gradient(
    loss: Callable[..., Any],
    grad: Callable[..., Any],
    params: Any,
    *data: Any,
    require: str | None = None,
    seed: int = 0,
) -> Verdict:
    """Assert that ``grad(params, *data)`` is the gradient of ``loss(params, *data)``.

    The arguments are those of `check_gradient`.  ``require`` is the weakest answer that passes:
    "run" (the default: upheld, or code that can only be run and agrees with finite differences),
    "checked", "certified" or "proved".  A gradient that is refuted, or off by more than the error
    estimate of the differences, never passes.

    Raises AssertionError; what `check_gradient` raises is passed on.

    >>> import numpy as np
    >>> assert_gradient(lambda w: w @ w, lambda w: 2 * w, np.array([0.3, -0.2])).status.value
    'proved'
    """
    __tracebackhide__ = True
    verdict = check_gradient(loss, grad, params, *data, seed=seed)
    return _required(verdict, require or BAR.name or "run", "gradient", seed)


def assert_hessian(
    loss: Callable[..., Any],
    hess: Callable[..., Any],
    params: Any,
    *data: Any,
    require: str | None = None,
    seed: int = 0,
) -> Verdict:
    """Assert that ``hess(params, *data)`` is the Hessian of ``loss(params, *data)``, of shape ``params.shape`` twice.

    The arguments are those of `check_hessian`, ``require`` as in `assert_gradient`.

    >>> import numpy as np
    >>> A, w = np.arange(6.0).reshape(3, 2), np.array([0.3, -0.2])
    >>> assert_hessian(lambda w, A: np.sum((A @ w) ** 2), lambda w, A: 2 * A.T @ A, w, A).status.value
    'proved'
    """
    __tracebackhide__ = True
    verdict = check_hessian(loss, hess, params, *data, seed=seed)
    return _required(verdict, require or BAR.name or "run", "Hessian", seed)


def assert_identity(
    lhs: Any,
    rhs: Any = None,
    *,
    domains: Mapping[Any, Domain] | None = None,
    given: Any = (),
    shapes: Mapping[Any, Any] | None = None,
    require: str | None = None,
) -> Verdict:
    """Assert that two sides are equal at every point of the domains; one text ``"lhs == rhs"`` will do.

    The arguments are those of `check`; ``require`` is "checked" (the default), "certified" or "proved".

    >>> assert_identity("tanh(x)", "2*expit(2*x) - 1").status.value
    'proved'
    """
    __tracebackhide__ = True
    op = None if rhs is None else "=="
    verdict = check(lhs, op, rhs, domains=domains, given=given, shapes=shapes)
    return _required(verdict, require or BAR.name or "checked", "identity", None)


def assert_inequality(
    lhs: Any,
    op: str | None = None,
    rhs: Any = None,
    *,
    domains: Mapping[Any, Domain] | None = None,
    given: Any = (),
    shapes: Mapping[Any, Any] | None = None,
    require: str | None = None,
) -> Verdict:
    """Assert ``lhs op rhs`` at every point of the domains; one text ``"lhs <= rhs"`` will do.

    The arguments are those of `check`; ``require`` is "checked" (the default), "certified" or "proved".

    >>> assert_inequality("log(t) <= t - 1", domains={"t": __import__("symderive").positive}).upheld
    True
    """
    __tracebackhide__ = True
    verdict = check(lhs, op, rhs, domains=domains, given=given, shapes=shapes)
    return _required(verdict, require or BAR.name or "checked", "inequality", None)


def _required(verdict: Verdict, bar: str, what: str, seed: int | None) -> Verdict:
    __tracebackhide__ = True
    if bar not in BARS:
        raise UnsupportedError(f"require is one of {', '.join(BARS)}, got {bar!r}")
    check = verdict.cross_check
    fails = verdict.status is Status.refuted or (check is not None and not check.ok)
    agrees = check is not None and check.ok
    passes = (verdict.upheld or agrees) if bar == "run" else verdict.status >= bar
    if passes and not fails:
        return verdict
    raise AssertionError(failure(verdict, bar, what, seed))


def failure(verdict: Verdict, bar: str, what: str, seed: int | None) -> str:
    """What is printed of a claim that does not stand.

    >>> v = check("log(x**2)", "==", "2*log(x)")
    >>> print(failure(v, "checked", "identity", None))
    identity is refuted: log(x**2) == 2*log(x)
      ...
      hint: true if x > 0
      ...
    """
    lines = verdict.reason.splitlines()
    if lines and lines[0].startswith("gradient disagrees"):
        head, worst, *rest = lines
        body = [worst, *_hint(verdict), *rest, *_point(verdict.counterexample), f"claim: {verdict.claim}"]
        return "\n".join([head.replace("gradient", what, 1), *(f"  {line}" for line in body)])
    said = "refuted" if verdict.status is Status.refuted else f"{verdict.status.value}, required {bar}"
    body = [*_point(verdict.counterexample), *_hint(verdict), *lines]
    if verdict.cross_check is not None and verdict.status is not Status.refuted:
        body.append(str(verdict.cross_check))
    used = verdict.evidence.seed if verdict.evidence is not None and seed is None else seed
    body += [f"seed {used}"] if used is not None else []
    return "\n".join([f"{what} is {said}: {verdict.claim}", *(f"  {line}" for line in body)])


def _hint(verdict: Verdict) -> list[str]:
    return [f"hint: {verdict.hint}"] if verdict.hint else []


def _point(point: Counterexample | None) -> list[str]:
    return [] if point is None else str(point).splitlines()


__all__ = ["assert_gradient", "assert_hessian", "assert_identity", "assert_inequality", "failure"]
