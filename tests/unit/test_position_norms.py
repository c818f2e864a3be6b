"""layer_norm and rms_norm: their ops by hand, and their numbers beside plain formulas."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.layers.layer_norm import LayerNorm
from accelsim.step.forms import Form
from accelsim.step.ops import Pass, VectorWork
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

KINDS = ("layer_norm", "rms_norm")


@pytest.mark.parametrize(
    ("kind", "forward", "back", "moments", "parameters"),
    [("layer_norm", 7, 13, 2, 8), ("rms_norm", 4, 9, 1, 4)],
)
def test_ops_keep_moments_per_position_and_read_the_input_again(
    kind: str, forward: int, back: int, moments: int, parameters: int
) -> None:
    """2 samples of 3 positions of 4 channels: 24 elements, and 6 positions with their moments."""
    step = step_of(around(kind))
    op, ep, update = step.op("it.FF"), step.op("it.EP"), step.op("it.WU")
    assert isinstance(op, VectorWork)
    assert isinstance(ep, VectorWork)
    assert (op.elements, op.ops_per_element, op.form) == (24, forward, Form.OTHER)
    assert (ep.elements, ep.ops_per_element, ep.form) == (24, back, Form.OTHER)
    assert words(op) == (
        {"before.out": 24, "it.weight": parameters},
        {"it.out": 24, "it.moments": 6 * moments},
    )
    assert words(ep) == (
        {"it.error": 24, "before.out": 24, "it.moments": 6 * moments, "it.weight": parameters},
        {"before.error": 24, "it.gradient": parameters},
    )
    assert isinstance(update, VectorWork)
    assert update.elements == parameters
    assert set(ep.depends_on) == {"before.FF", "it.FF", "fc.EP"}


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_kept_only_for_a_backward_pass(kind: str) -> None:
    """With frozen layers nothing reads them."""
    step = step_of(around(kind), rule="frozen")
    assert words(step.op("it.FF"))[1] == {"it.out": 24}
    assert {op.layer for op in step.ops if op.pass_ is not Pass.FF} == {"loss", "fc"}


def test_layer_norm_equals_its_formula() -> None:
    network = around("layer_norm", epsilon=0.25)
    numbers, maps = numbers_of(network), 3 + drawn(2, 3, 1, 4)
    found = numbers.forward((maps,), training=True)
    scale, shift = numbers.parameters["scale"], numbers.parameters["shift"]
    for n, p in np.ndindex(2, 3):
        x = maps[n, p, 0]
        mean = sum(x) / 4
        variance = sum((each - mean) ** 2 for each in x) / 4
        expected = scale * (x - mean) / (variance + 0.25) ** 0.5 + shift
        assert np.abs(found[n, p, 0] - expected).max() < TOLERANCE
    assert np.array_equal(numbers.forward((maps,), training=False), found)


def test_rms_norm_equals_its_formula() -> None:
    network = around("rms_norm", epsilon=0.25)
    numbers, maps = numbers_of(network), 3 + drawn(2, 3, 1, 4)
    found = numbers.forward((maps,), training=True)
    for n, p in np.ndindex(2, 3):
        x = maps[n, p, 0]
        root = (sum(each * each for each in x) / 4 + 0.25) ** 0.5
        assert np.abs(found[n, p, 0] - numbers.parameters["scale"] * x / root).max() < TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind: str) -> None:
    assert_derivatives(numbers_of(around(kind, epsilon=0.1)), 1 + drawn(2, 3, 1, 4))


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_keep_their_type(kind: str) -> None:
    assert_keeps_dtype(around(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_positions_do_not_see_each_other(kind: str) -> None:
    numbers, maps = numbers_of(around(kind)), drawn(2, 3, 1, 4)
    whole = numbers.forward((maps,), training=True)
    alone = numbers.forward((maps[1:, 2:],), training=True)
    assert np.array_equal(alone, whole[1:, 2:])


def test_epsilon() -> None:
    layer = around("layer_norm").layer("it")
    assert isinstance(layer, LayerNorm)
    assert layer.epsilon == 1e-5
    for wrong in (0, -1e-5, 1.5):
        with pytest.raises(InputError, match="epsilon must be"):
            around("layer_norm", epsilon=wrong)
