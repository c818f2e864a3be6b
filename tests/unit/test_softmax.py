"""softmax: its ops by hand, and its numbers beside the formula."""

from __future__ import annotations

from math import exp

import numpy as np

from accelsim.layers.model import Model
from accelsim.numerics.formats import StorageFormats
from accelsim.step.forms import Form
from accelsim.step.ops import VectorWork
from tests.layer_kinds import (
    TOLERANCE,
    around,
    assert_derivatives,
    assert_keeps_dtype,
    drawn,
    numbers_of,
    step_of,
    words,
)


def test_ops_read_the_output_back() -> None:
    """2 samples of 3 positions of 4 channels: 24 elements."""
    step = step_of(around("softmax"))
    forward, back = step.op("it.FF"), step.op("it.EP")
    assert isinstance(forward, VectorWork)
    assert isinstance(back, VectorWork)
    assert (forward.elements, forward.ops_per_element, forward.form) == (24, 5, Form.OTHER)
    assert (back.elements, back.ops_per_element, back.form) == (24, 4, Form.OTHER)
    assert words(forward) == ({"before.out": 24}, {"it.out": 24})
    assert words(back) == ({"it.error": 24, "it.out": 24}, {"before.error": 24})


def test_numbers_equal_their_formula() -> None:
    maps = 3 * drawn(2, 3, 1, 4)
    found = numbers_of(around("softmax")).forward((maps,), training=True)
    for n, p in np.ndindex(2, 3):
        powers = np.array([exp(x) for x in maps[n, p, 0]])
        assert np.abs(found[n, p, 0] - powers / sum(powers)).max() < TOLERANCE


def test_far_from_zero() -> None:
    maps = np.array([1000.0, 1000, -1000, 0]).reshape(1, 1, 1, 4)
    with np.errstate(over="raise", invalid="raise"):
        found = numbers_of(around("softmax", rows=1)).forward((maps,), training=True)
    assert found.reshape(-1).tolist() == [0.5, 0.5, 0, 0]


def test_derivatives() -> None:
    assert_derivatives(numbers_of(around("softmax")), drawn(2, 3, 1, 4))


def test_numbers_keep_their_type() -> None:
    assert_keeps_dtype(around("softmax"))


def test_derivatives_are_those_of_the_stored_output() -> None:
    model = Model(around("softmax"), formats=StorageFormats(activation="bf16"))
    model.forward(drawn(2, 3, 1, 2, dtype=np.float32))
    output = model.maps["it"]
    error = drawn(*output.shape, seed=1, dtype=np.float32)
    (found,) = model.layers["it"].backward(error, propagate=True)
    total = (error * output).sum(axis=-1, keepdims=True)
    assert np.array_equal(found, output * (error - total))
