"""Hundreds of generated claims, judged also by an oracle that shares nothing with the package.

Scalars are evaluated by mpmath to 60 digits, arrays by NumPy; texts are evaluated by Python's own
`eval`, which is safe here because this file makes them.
"""

import random
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special as sc
import sympy as sp

import symderive as sd

DOMAINS = {"a": sd.positive, "b": sd.positive, "x": sd.real, "y": sd.real}
CLAIMS = 240
DIGITS = 800  # counterexamples may lie 300 orders of magnitude out


def _real(f):
    def call(*args):
        value = f(*map(mpmath.mpf, args))
        if not isinstance(value, mpmath.mpf) or not mpmath.isfinite(value):
            raise ZeroDivisionError
        return value

    return call


def _log(x):
    if x <= 0:
        raise ZeroDivisionError
    return mpmath.log(x)


def _sqrt(x):
    if x < 0:
        raise ZeroDivisionError
    return mpmath.sqrt(x)


FUNCTIONS = {
    "exp": _real(mpmath.exp),
    "log": _real(_log),
    "sqrt": _real(_sqrt),
    "abs": abs,
    "tanh": _real(mpmath.tanh),
    "expit": _real(lambda u: 1 / (1 + mpmath.exp(-u))),
    "logaddexp": _real(lambda u, v: mpmath.log(mpmath.exp(u) + mpmath.exp(v))),
    "maximum": max,
    "minimum": min,
}

#: Left, right; {u}, {v} real expressions, {p}, {q} positive ones.
TEMPLATES = [
    ("log(({p})*({q}))", "log({p}) + log({q})"),
    ("log(({p})/({q}))", "log({p}) - log({q})"),
    ("exp(({u}) + ({v}))", "exp({u})*exp({v})"),
    ("exp(log({p}))", "{p}"),
    ("log(exp({u}))", "{u}"),
    ("expit(-({u}))", "1 - expit({u})"),
    ("expit({u})", "1/(1 + exp(-({u})))"),
    ("tanh({u})", "2*expit(2*({u})) - 1"),
    ("(({u}) + ({v}))**2", "({u})**2 + 2*({u})*({v}) + ({v})**2"),
    ("({u})**2 - ({v})**2", "(({u}) - ({v}))*(({u}) + ({v}))"),
    ("logaddexp({u}, {v})", "log(exp({u}) + exp({v}))"),
    ("logaddexp({u}, {v})", "({u}) + logaddexp(0, ({v}) - ({u}))"),
    ("abs(({u})*({v}))", "abs({u})*abs({v})"),
    ("maximum({u}, {v})", "(({u}) + ({v}) + abs(({u}) - ({v})))/2"),
    ("maximum({u}, {v}) + minimum({u}, {v})", "({u}) + ({v})"),
    ("sqrt(({p})**2)", "{p}"),
    ("sqrt(({u})**2)", "abs({u})"),
    # ... and what looks true
    ("sqrt(({u})**2)", "{u}"),
    ("log(({u})**2)", "2*log({u})"),
    ("({u})/({u})", "1"),
    ("(({u})**2 - 1)/(({u}) - 1)", "({u}) + 1"),
    ("log(({u})*({v}))", "log({u}) + log({v})"),
    ("sqrt(({u})*({v}))", "sqrt({u})*sqrt({v})"),
    ("abs(({u}) + ({v}))", "abs({u}) + abs({v})"),
    ("maximum({u}, 0)", "({u})*expit(50*({u}))"),
]
INEQUALITIES = [
    ("exp({u})", ">=", "1 + ({u})"),
    ("log({p})", "<=", "({p}) - 1"),
    ("({u})**2 + ({v})**2", ">=", "2*({u})*({v})"),
    ("abs(({u}) + ({v}))", "<=", "abs({u}) + abs({v})"),
    ("logaddexp({u}, {v})", ">=", "maximum({u}, {v})"),
    ("(({p}) + ({q}))/2", ">=", "sqrt(({p})*({q}))"),
    ("({p}) + 1/({p})", ">=", "2"),
    # ... and what looks true
    ("({u})**2", ">=", "{u}"),
    ("exp({u})", "<=", "1 + ({u}) + ({u})**2"),
    ("({u})**2 + ({v})**2", ">", "2*({u})*({v})"),
    ("({p}) + 1/({p})", ">=", "2.0001"),
]


def real(rng, depth):
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(["x", "y", "a", "x", "1", "2", "-1", "1/3"])
    u, v, p = real(rng, depth - 1), real(rng, depth - 1), positive(rng, depth - 1)
    return rng.choice(
        [f"({u} + {v})", f"({u} - {v})", f"({u})*({v})", f"log({p})", f"tanh({u})", f"({u})/({p})", f"-({u})"]
    )


def positive(rng, depth):
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(["a", "b", "2", "1/2"])
    u, p, q = real(rng, depth - 1), positive(rng, depth - 1), positive(rng, depth - 1)
    return rng.choice([f"({p} + {q})", f"({p})*({q})", f"expit({u})", f"(1 + ({u})**2)", f"({p})/({q})"])


def filled(rng, *texts):
    parts = {"u": real(rng, 2), "v": real(rng, 2), "p": positive(rng, 2), "q": positive(rng, 2)}
    return [t.format(**parts) for t in texts]


def mutated(rng, text):
    return rng.choice(
        [f"({text}) + 1e-9", f"({text})*1.000001", f"-({text})", f"({text}) + x*1e-6", f"({text}) + maximum(x - 7, 0)"]
    )


def claims():
    rng = random.Random("generated claims")
    made = []
    for k in range(CLAIMS):
        if k % 4 == 3:
            left, op, right = rng.choice(INEQUALITIES)
            left, right = filled(rng, left, right)
        else:
            (left, right), op = rng.choice(TEMPLATES), "=="
            left, right = filled(rng, left, right)
            if rng.random() < 0.35:
                right = mutated(rng, right)
        made.append((left, op, right))
    return made


def value(text, point):
    """The value at a point in many digits, None where it is not defined."""
    tokens = {name: mpmath.mpf(str(sp.sympify(v).evalf(DIGITS + 10))) for name, v in point.items()}
    exact = "".join(text)
    for number in ("1.000001", "2.0001", "1e-9", "1e-6"):
        exact = exact.replace(number, f"mpf('{number}')")
    exact = exact.replace("1/3", "(mpf(1)/3)").replace("1/2", "(mpf(1)/2)")
    try:
        result = eval(exact, {"__builtins__": {}, "mpf": mpmath.mpf, **FUNCTIONS}, tokens)
    except ZeroDivisionError:
        return None
    return mpmath.mpf(result)


def divides_by_zero(text, point):
    """Whether a divisor in the text is exactly 0 at a point, by SymPy: at 2e, digits say nothing of log(b/2) - 1."""
    made = sp.parse_expr(text, local_dict={name: sp.Symbol(name) for name in point}, evaluate=False)
    divisors = [part.base for part in made.atoms(sp.Pow) if part.exp.could_extract_minus_sign()]
    return any(sp.simplify(divisor.doit().subs(point)) == 0 for divisor in divisors)


def seen_at(text, point):
    """The value at a counterexample, which may be irrational."""
    rational = all(isinstance(v, int | Fraction) for v in point.values())
    return None if not rational and divides_by_zero(text, point) else value(text, point)


def points(seed, count):
    rng = random.Random(seed)
    special = [Fraction(v) for v in (0, 1, -1, 2, -2)] + [Fraction(1, 2), Fraction(-1, 3)]
    for k in range(count):
        draw = special if k % 3 else [Fraction(rng.randint(-60, 60), rng.randint(1, 12)) for _ in range(4)]
        point = {name: rng.choice(draw) for name in "xy"}
        yield point | {name: abs(rng.choice(draw)) or Fraction(1) for name in "ab"}


def differs(left, op, right):
    """Whether the oracle sees the relation fail; None where it cannot tell."""
    if left is None or right is None:
        return None if left is None and right is None else True
    scale = max(abs(left), abs(right), mpmath.mpf(1))
    gap = left - right
    if abs(gap) <= scale * mpmath.mpf(10) ** (100 - DIGITS):
        return op in ("<", ">") or None if op != "==" else False
    return {"==": True, ">=": gap < 0, "<=": gap > 0, ">": gap < 0, "<": gap > 0}[op]


@pytest.mark.parametrize("chunk", range(8))
def test_scalars(chunk):
    counts = {}
    with mpmath.workdps(DIGITS):
        for k, (left, op, right) in enumerate(claims()[chunk::8]):
            words = set(re.findall(r"\w+", f"{left} {right}"))
            names = {n: domain for n, domain in DOMAINS.items() if n in words}
            verdict = sd.check(left, op, right, domains=names)
            counts[verdict.status.value] = counts.get(verdict.status.value, 0) + 1
            text = f"{left} {op} {right}"
            if verdict.status == "refuted":
                at = {n: Fraction(n in "ab") for n in "abxy"} | dict(verdict.counterexample.values)
                one, two = (seen_at(side, at) for side in (left, right))
                assert differs(one, op, two) is not False, f"{text}\n{verdict}"
                for name in "ab":
                    assert at[name] > 0
            elif verdict.upheld:
                for point in points(f"{chunk}.{k}", 30):
                    seen = differs(value(left, point), op, value(right, point))
                    assert seen is not True, f"{text}\nat {point}\n{verdict}"
                    if verdict.status == "proved":
                        assert value(left, point) is not None, f"{text} is not defined at {point}\n{verdict}"
    assert counts.get("proved", 0) >= 4, counts
    assert counts.get("refuted", 0) >= 4, counts
    assert counts.get("undecided", 0) <= 12, counts


# -- arrays ----------------------------------------------------------------------------------

VECTORS = ["X @ w", "y", "X @ w - y", "expit(X @ w)", "np.exp(y)", "y*(X @ w)", "np.tanh(y)", "y**2", "np.ones(n)"]
ARRAYS = [
    ("np.sum(({s})*({t}))", "({s}) @ ({t})"),
    ("X.T @ ({s})", "({s}) @ X"),
    ("np.mean({s})", "np.sum({s})/n"),
    ("np.sum(({s})**2)", "({s}) @ ({s})"),
    ("np.sum(({s}) - np.mean({s}))", "0"),
    ("np.sum((({s}) - np.mean({s}))**2)", "np.sum(({s})**2) - n*np.mean({s})**2"),
    ("np.outer({s}, {t}) @ ({t})", "({s})*np.sum(({t})**2)"),
    ("np.sum(np.outer({s}, {t}))", "np.sum({s})*np.sum({t})"),
    ("np.trace(np.outer({s}, {t}))", "({s}) @ ({t})"),
    ("np.diag({s}) @ ({t})", "({s})*({t})"),
    ("np.einsum('i,ij->j', {s}, X)", "X.T @ ({s})"),
    ("np.sum(X, axis=0) @ w", "np.sum(X @ w)"),
    ("logsumexp(({s}) + 3)", "logsumexp({s}) + 3"),
    ("softmax({s})", "np.exp({s})/np.sum(np.exp({s}))"),
    ("np.sum(softmax({s}))", "1"),
    ("np.sum(np.logaddexp(0, {s}))", "np.sum({s}) + np.sum(np.logaddexp(0, -({s})))"),
    # ... and what looks true
    ("np.sum({s})**2", "np.sum(({s})**2)"),
    ("np.sum({s} + 1)", "np.sum({s}) + 1"),
    ("np.mean(({s})*({t}))", "np.mean({s})*np.mean({t})"),
    ("np.sum(np.ones(n))", "1"),
    ("logsumexp(2*({s}))", "2*logsumexp({s})"),
    ("X @ X.T @ ({s})", "X @ (X.T @ ({s}))*d"),
]


def array_claims():
    rng = random.Random("generated array claims")
    for _ in range(120):
        left, right = rng.choice(ARRAYS)
        parts = {"s": rng.choice(VECTORS), "t": rng.choice(VECTORS)}
        left, right = left.format(**parts), right.format(**parts)
        if rng.random() < 0.25:
            right = rng.choice([f"2*({right})", f"({right})/n", f"-({right})", f"({right}) + 0.001", f"({right})*d"])
        yield left, right


def number(text, values):
    names = {"np": np, "expit": sc.expit, "softmax": sc.softmax, "logsumexp": sc.logsumexp}
    n, d = values["X"].shape
    return np.asarray(eval(text, {"__builtins__": {}, **names}, {**values, "n": n, "d": d}), float)


@pytest.mark.parametrize("chunk", range(4))
def test_arrays(chunk):
    shapes = {"X": "n d", "w": "d", "y": "n"}
    counts = {}
    for k, (left, right) in enumerate(list(array_claims())[chunk::4]):
        verdict = sd.check(left, "==", right, shapes=shapes)
        counts[verdict.status.value] = counts.get(verdict.status.value, 0) + 1
        text = f"{left} == {right}"
        if verdict.status == "refuted":
            sizes = {"n": 1, "d": 1} | dict(verdict.counterexample.sizes)
            dims = {"X": (sizes["n"], sizes["d"]), "w": (sizes["d"],), "y": (sizes["n"],)}
            given = verdict.counterexample.values
            at = {
                name: np.array(given[name], dtype=float).reshape(shape) if name in given else np.zeros(shape)
                for name, shape in dims.items()
            }
            a, b = number(left, at), number(right, at)
            assert np.max(np.abs(a - b)) > 1e-12 * max(1, np.max(np.abs(a))), f"{text}\n{verdict}"
        elif verdict.upheld:
            rng = np.random.default_rng(k)
            for sizes in ((3, 2), (1, 4), (2, 5)):
                at = {"X": rng.normal(size=sizes), "w": rng.normal(size=sizes[1]), "y": rng.normal(size=sizes[0])}
                np.testing.assert_allclose(number(left, at), number(right, at), rtol=1e-9, atol=1e-9, err_msg=text)
    assert counts.get("proved", 0) >= 10, counts
    assert counts.get("refuted", 0) >= 6, counts
    assert not counts.get("undecided"), counts
