"""Random losses against JAX in float64: another program's derivatives, exact to rounding.

Runs where JAX is installed (`make oracles`, which continuous integration does).
"""

import numpy as np
import pytest
from derivation.oracle import run_text, sample
from derivation.test_fuzz import SHAPES, losses

import symderive as sd

jax = pytest.importorskip("jax", reason="JAX is an oracle: make oracles")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

SIZES = ({"n": 4, "d": 3, "k": 2}, {"n": 2, "d": 5, "k": 3}, {"n": 1, "d": 2, "k": 1})


class _Sd:
    """The functions of the package that stand in a loss, in JAX."""

    logsumexp = staticmethod(jax.scipy.special.logsumexp)
    softmax = staticmethod(jax.nn.softmax)
    log_softmax = staticmethod(jax.nn.log_softmax)
    eye = staticmethod(jnp.eye)


NAMES = {"np": jnp, "sd": _Sd, "expit": jax.nn.sigmoid, "log_expit": jax.nn.log_sigmoid}


def by_jax(text, values, name, transform):
    """The derivative of a loss that is written as text, by one of its arrays."""
    def loss(moved):
        return eval(text, {**NAMES, **values, name: moved})

    return np.asarray(transform(loss)(jnp.asarray(values[name], dtype=float)))


def point(sizes, seed):
    values = sample(SHAPES, {}, sizes, seed)
    return {k: x * 0.5 if isinstance(x, np.ndarray) else x for k, x in values.items()}


def assert_agree(got, expected, told):
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    assert np.shape(got) == np.shape(expected), told
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11 * scale, err_msg=told)


@pytest.mark.parametrize("chunk", range(6))
def test_gradients_are_those_of_jax(chunk):
    for seed, text, name in losses(5000 + 12 * chunk, 12, 3):
        shown = str(sd.gradient(sd.read(text, **SHAPES), name).result)
        for sizes in SIZES:
            values = point(sizes, seed)
            expected = by_jax(text, values, name, jax.grad)
            assert_agree(run_text(shown, values), expected, f"{seed}: {text}\n{shown}")


@pytest.mark.parametrize("chunk", range(4))
def test_hessians_are_those_of_jax(chunk):
    for seed, text, name in losses(7000 + 10 * chunk, 10, 2):
        shown = str(sd.hessian(sd.read(text, **SHAPES), name).result)
        for sizes in SIZES[:2]:
            values = point(sizes, seed)
            expected = by_jax(text, values, name, jax.hessian)
            assert_agree(run_text(shown, values), expected, f"{seed}: {text}\n{shown}")


