"""What is asked of claims by laws: they are proved, the proof replays, and what is a little off is refuted."""

import sympy as sp

import symderive as sd
from symderive.derivation.checker import replay


def assert_proved_and_exact(left, right, domains, off=sp.Rational(1, 10**9)):
    """``left == right`` is proved, and ``left == right + off`` refuted."""
    verdict = sd.check(left, "==", right, domains=domains)
    assert verdict.status == "proved", verdict
    assert replay(verdict.trace).ok
    assert sd.check(left, "==", right + off, domains=domains).status == "refuted"
