"""Claims and lines are about arrays as they are seen: a transposed view is not the array."""

import numpy as np
import pytest

import symderive as sd

d = sd.dims("d")
B = sd.array("B", d, d)


def test_a_chain_does_not_take_a_matrix_for_its_transpose():
    chain = sd.chain(B + 0).to(B.T, by="algebra")
    assert chain.verdict.status == "refuted"
    assert chain.reached.status == "undecided"


def test_a_chain_reads_a_transposed_line_as_it_is_seen():
    chain = sd.chain((B + B.T) / 2).to((B.T + B) / 2, by="algebra")
    assert chain.verdict.status == "proved"
    assert chain.reached.status == "proved"


def test_expect_does_not_take_a_result_for_its_transpose():
    gradient = sd.gradient(np.trace(B @ B @ B) / 3, B)
    gradient.expect("(B @ B).T")
    with pytest.raises(AssertionError):
        gradient.expect("B @ B")


def test_a_chain_of_a_column_keeps_its_axes():
    v = sd.array("v", d)
    with pytest.raises(sd.ShapeError):
        sd.chain(v[:, None] * B).to(v * B, by="algebra").to(v, by="algebra")
    assert sd.chain(v[:, None] * B).to(v * B, by="algebra").verdict.status == "refuted"
