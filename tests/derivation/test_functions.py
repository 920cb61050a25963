"""A loss as a Python function, helpers and all, gives what the same loss gives as text."""

import re

import numpy as np
import pytest
import scipy.special as sc
from derivation.corpus import ROWS
from derivation.oracle import SETTINGS, declared, finite_difference, run_text, sample

import symderive as sd

NAMES = ("expit", "log_expit", "xlogy", "entr", "rel_entr", "kl_div", "softmax", "log_softmax", "logsumexp")


def as_function(row):
    """The row's loss as a function of its arrays and of the dimensions that it names."""
    loss, _, definitions = row.loss.partition(", where ")
    lines = [f"    {part}" for part in re.split(r", (?=\w+ = )", definitions)] if definitions else []
    used = set(re.findall(r"\w+", row.loss)) - set(row.shapes)
    sizes = sorted({d for shape in row.shapes.values() for d in shape.split()} & used)
    head = f"def loss({', '.join([*row.shapes, *sizes])}):"
    namespace = {"np": np, **{name: getattr(sc, name) for name in NAMES}}
    exec("\n".join([head, *lines, f"    return {loss}"]), namespace)
    return namespace["loss"], sizes


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_function_gives_the_gradient_of_its_text(row):
    function, sizes = as_function(row)
    arrays = declared(row.shapes, row.domains)
    wrt = list(row.gradients)
    gradient = sd.gradient(sd.read(function, **arrays), wrt)
    values = sample(row.shapes, row.domains, SETTINGS[0], seed=5)
    concrete = {k: v for k, v in values.items() if k in row.shapes or k in sizes}
    for name in wrt:
        expected = finite_difference(lambda point: function(**point), concrete, name)
        got = run_text(str(gradient.result[name]), values)
        assert np.shape(got) == np.shape(expected)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7, err_msg=str(gradient.result[name]))
