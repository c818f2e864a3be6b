"""dropout: its ops by hand, its numbers in training and evaluation, its draws, and its zeros in
traces.
"""

from __future__ import annotations

import numpy as np
import pytest

import accelsim
from accelsim.errors import InputError
from accelsim.layers.dropout import DropoutNumerics
from accelsim.layers.model import Model
from accelsim.step.forms import Form
from accelsim.step.ops import Role, Use, VectorWork
from accelsim.training.capture import capture_masks
from accelsim.workload.network import Network
from accelsim.zeros.masks import check_trace
from accelsim.zeros.trace import Trace
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
from tests.random_networks import network_of

RATE = 0.25


def dropping(rate: float = RATE, rows: int = 3, channels: int = 4) -> Network:
    return around("dropout", rows=rows, channels=channels, rate=rate)


def test_ops_keep_one_bit_per_element() -> None:
    """2 samples of 3 positions of 4 channels: 24 elements."""
    step = step_of(dropping())
    forward, back = step.op("it.FF"), step.op("it.EP")
    assert isinstance(forward, VectorWork)
    assert isinstance(back, VectorWork)
    assert (forward.elements, forward.ops_per_element, forward.form) == (24, 3, Form.ELEMENTWISE)
    assert (back.elements, back.ops_per_element, back.form) == (24, 1, Form.ELEMENTWISE)
    assert words(forward) == ({"before.out": 24}, {"it.out": 24, "it.kept": 24})
    assert words(back) == ({"it.error": 24, "it.kept": 24}, {"before.error": 24})
    (mask,) = [tensor for tensor in forward.outputs if tensor.role is Role.MASK]
    assert mask.bits == 1


def test_training_scales_what_it_keeps_and_evaluation_is_the_identity() -> None:
    numbers, maps = numbers_of(dropping(rows=50, channels=40)), 1 + drawn(2, 50, 1, 40) ** 2
    assert isinstance(numbers, DropoutNumerics)
    output = numbers.forward((maps,), training=True)
    kept = output != 0
    assert kept.mean() == pytest.approx(1 - RATE, abs=0.03)
    assert np.abs(output - maps / (1 - RATE))[kept].max() < TOLERANCE
    (error,) = numbers.backward(maps, propagate=True)
    assert np.array_equal(error, output)
    assert numbers.forward((maps,), training=False) is maps
    (error,) = numbers.backward(maps, propagate=True)
    assert error is maps


def test_nothing_is_dropped_at_rate_zero() -> None:
    maps = drawn(2, 3, 1, 4)
    assert np.array_equal(numbers_of(dropping(0)).forward((maps,), training=True), maps)


def test_derivatives() -> None:
    """Of one draw: the count of draws is set back before each pass."""
    numbers, maps = numbers_of(dropping()), drawn(2, 3, 1, 4)

    def forward() -> np.ndarray:
        numbers.moments()["draws"][...] = 0
        return numbers.forward((maps,), training=True)

    assert_derivatives(numbers, maps, forward)


def test_numbers_keep_their_type() -> None:
    assert_keeps_dtype(dropping())


def outputs(seed: int, passes: int) -> list[np.ndarray]:
    model = Model(dropping(), seed=seed)
    images = drawn(2, 3, 1, 2, dtype=np.float32)
    return [model.forward(images).copy() for _ in range(passes)]


def test_draws_follow_from_the_seed_and_their_number() -> None:
    first, second = outputs(0, 2)
    assert not np.array_equal(first, second)
    again = outputs(0, 2)
    assert np.array_equal(first, again[0])
    assert np.array_equal(second, again[1])
    model = Model(dropping(), seed=0)
    model.running_moments()["it", "draws"][...] = 1
    assert np.array_equal(model.forward(drawn(2, 3, 1, 2, dtype=np.float32)), second)
    model = Model(dropping(), seed=1)
    assert (model.forward(drawn(2, 3, 1, 2, dtype=np.float32)) == 0).sum() < 6


def test_two_layers_draw_differently() -> None:
    layers = [{"name": f"drop{n}", "kind": "dropout", "rate": 0.5} for n in range(2)]
    layers[1]["inputs"] = ["input"]
    both = {"name": "both", "kind": "add", "inputs": ["drop0", "drop1"]}
    end = {"name": "fc", "kind": "fc", "out_features": 2}
    size = {"height": 8, "width": 8, "channels": 2}
    model = Model(network_of({"name": "two", "input": size, "layers": [*layers, both, end]}))
    model.forward(np.ones((1, 8, 8, 2), np.float32))
    assert not np.array_equal(model.maps["drop0"], model.maps["drop1"])


def test_traces_hold_its_zeros_but_no_mask() -> None:
    """Behind relu6 a kept 4 becomes 8, whose f' is not 0, and a zero may be dropped or not."""
    network = network_of(
        {
            "name": "dropped",
            "input": {"height": 6, "width": 6, "channels": 2},
            "layers": [
                {"name": "relu", "kind": "relu6"},
                {"name": "drop", "kind": "dropout", "rate": 0.5},
                {"name": "fc", "kind": "fc", "out_features": 3},
            ],
        }
    )
    assert not network.rectified("drop")
    model = Model(network)
    model.forward(np.full((2, 6, 6, 2), 4, np.float32))
    masks = capture_masks(model, {}, 2)
    assert masks.keys() == {"fc.input"}
    assert masks["fc.input"].mean() == pytest.approx(0.5, abs=0.15)
    assert set(np.unique(model.maps["drop"])) == {0, 8}
    check_trace(Trace.from_masks("dropped", "bp", "by hand", 0, 0, masks), network)


def test_errors_that_it_drops_are_computed() -> None:
    """No op takes its bits as a mask of needed outputs; the bits of the ReLU before it serve the
    ReLU alone.
    """
    network = network_of(
        {
            "name": "behind",
            "input": {"height": 2, "width": 2, "channels": 2},
            "layers": [
                {"name": "conv", "kind": "conv", "out_channels": 2, "kernel": 1},
                {"name": "relu", "kind": "relu"},
                {"name": "drop", "kind": "dropout", "rate": 0.5},
                {"name": "fc", "kind": "fc", "out_features": 3},
            ],
        }
    )
    step = step_of(network)
    assert all(op.operand(Use.NEEDED) is None for op in step.ops)
    assert words(step.op("relu.EP"))[0] == {"relu.error": 16, "relu.mask": 16}


def test_it_is_an_epilogue() -> None:
    machine = accelsim.load_machine("von-neumann").replace(fusion="epilogue")
    result = accelsim.simulate(dropping(), machine, trace="dense")
    into = {op.name: op.fused_into for op in result.ops if op.layer == "it"}
    assert into == {"it.FF": ("before.FF",), "it.EP": ("fc.EP",)}


def test_evaluation_draws_nothing() -> None:
    model = Model(dropping())
    model.forward(drawn(2, 3, 1, 2, dtype=np.float32))
    assert model.running_moments()["it", "draws"].tolist() == [1]
    model.forward(drawn(2, 3, 1, 2, dtype=np.float32), training=False)
    assert model.running_moments()["it", "draws"].tolist() == [1]


def test_rate() -> None:
    for wrong in (-0.1, 1, 2):
        with pytest.raises(InputError, match="rate must be"):
            dropping(wrong)
