"""Training programs as they are written: the right ones stand, each mistake is found, and its parameter is named.

What is wrong with a mistake is not believed: SciPy's finite differences say which parameters are off.
"""

import itertools
import re

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from support.modules import module
from support.training_programs import HEAD, PROGRAMS

import symderive as sd

LIGHT = ("linear_square_sizes", "logistic", "softmax_index", "hinge", "gmm", "quantile", "looped_least_squares",
         "branch_on_values", "perceptron_while", "linear_recurrence_scalar", "vae_kl")  # fmt: skip
CASES = [(p, k) for p in PROGRAMS for k in range(len(p.mistakes) if p.name in LIGHT else 1)]


def leaves(tree):
    """The arrays of nested parameters by path, as the reports write them."""
    if isinstance(tree, dict):
        return [(f"{k}{p}", v) for k, inner in tree.items() for p, v in leaves(inner)]
    if isinstance(tree, list | tuple):
        return [(f"[{k}]{p}", v) for k, inner in enumerate(tree) for p, v in leaves(inner)]
    return [("", np.asarray(tree, dtype=float))]


def with_leaf(tree, number, value):
    """The tree with one leaf replaced."""
    count = itertools.count()

    def visit(inner):
        if isinstance(inner, dict):
            return {k: visit(v) for k, v in inner.items()}
        if isinstance(inner, list | tuple):
            return type(inner)(visit(v) for v in inner)
        here = next(count)
        return value if here == number else np.array(inner, dtype=float)

    return visit(tree)


def off(program, code):
    """The numbers of the leaves whose hand-written gradient is off at some random point, by SciPy."""
    rng = np.random.default_rng(5)
    wrong = set()
    for _ in range(12):
        params, *data = code.example()
        spread = [(k, v) for k, (_, v) in enumerate(leaves(params))]
        for k, v in spread:
            sign = v if program.name == "gaussian_sigma" else 0
            params = with_leaf(
                params,
                k,
                v
                + 0.3 * np.abs(sign) * rng.uniform(size=v.shape)
                + (0 if np.any(sign) else 0.5 * rng.normal(size=v.shape)),
            )
        found = code.grad(with_leaf(params, -1, None), *data)
        if isinstance(found, dict) and not set(found) <= set(params):
            found = {k: found[f"d{k}"] for k in params}
        for k, (_, v) in enumerate(leaves(params)):

            def along(x, k=k, v=v, params=params, data=data):
                return float(code.loss(with_leaf(params, k, x.reshape(v.shape)), *data))

            true = approx_fprime(v.reshape(-1), along, 1e-7)
            claimed = leaves(found)[k][1].reshape(-1)
            if np.max(np.abs(true - claimed)) > 1e-3 * (1 + np.max(np.abs(true))):
                wrong.add(k)
    return wrong


def judged(code):
    params, *data = code.example()
    return sd.check_gradient(code.loss, code.grad, params, *data)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_right_programs_stand(program):
    verdict = judged(module(HEAD + program.source))
    assert verdict.status >= program.how, str(verdict)
    assert verdict.cross_check.ok, str(verdict)


@pytest.mark.parametrize(("program", "number"), CASES, ids=lambda v: getattr(v, "name", str(v)))
def test_mistakes_are_found_and_named(program, number):
    old, new, named = program.mistakes[number]
    code = module(HEAD + program.with_mistake(old, new))
    wrong = off(program, code)
    assert wrong, "the mistake is none: the corpus is wrong"
    verdict = judged(code)
    assert not verdict.upheld, str(verdict)
    assert verdict.status == "refuted" or not verdict.cross_check.ok, str(verdict)
    paths = [path for path, _ in leaves(code.example()[0])]
    if len(paths) > 1:
        assert len(wrong) == len(named.split())
        for name in named.split():
            assert re.search(rf"(?<!\w){re.escape(name)}[:,)]", f"{verdict.reason}\n{verdict.hint}"), str(verdict)


def test_the_corpus_is_large():
    assert len(PROGRAMS) >= 40
    assert sum(len(p.mistakes) for p in PROGRAMS) >= 140
    assert {p.how for p in PROGRAMS} == {"proved", "checked", "undecided"}
