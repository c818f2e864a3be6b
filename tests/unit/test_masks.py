"""Binding of trace tensors to operands: shapes, samples, sequences, hidden states."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import to_mask
from accelsim.rules.registry import lower
from accelsim.workload.network import Network
from accelsim.zeros.masks import BoundMask, MaskSource, expected_shape
from accelsim.zeros.trace import Trace
from tests.random_networks import network_of
from tests.reference_networks import Builder


def sequence(steps: int = 3) -> Network:
    layers = [
        {"name": "e", "kind": "embedding", "dim": 70},
        {"name": "cell", "kind": "rnn", "hidden": 5},
        {"name": "out", "kind": "fc", "out_features": 4},
    ]
    return network_of(
        {"name": "words", "input": {"sequence": steps, "vocabulary": 9}, "layers": layers}
    )


def drawn(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(7).random(shape) < 0.5


def source(network: Network, batch: int, **masks: np.ndarray) -> MaskSource:
    named = {key.replace("__", "."): mask for key, mask in masks.items()}
    return MaskSource(Trace.from_masks(network.name, "bp", "", 0, 0, named), network, batch)


def bits(bound: BoundMask | None) -> np.ndarray:
    assert bound is not None
    return to_mask(bound.words, bound.channels)


def test_maps_keep_their_layout_and_no_more_samples_than_the_batch() -> None:
    network = Builder("map", (3, 2, 70)).conv(4).add("fc", 5).network()
    mask = drawn((3, 3, 2, 70))
    step = lower(network, "bp", 2)
    found = bits(source(network, 2, conv0__input=mask).moving(step.op("conv0.FF")))
    assert np.array_equal(found, mask[:2])
    assert source(network, 9, conv0__input=mask).moving(step.op("conv0.WG")).samples == 3


def test_vectors_and_weights() -> None:
    network = Builder("map", (3, 2, 5)).conv(4).add("fc", 6).network()
    step = lower(network, "bp", 2)
    vector, weight, kernel = drawn((2, 24)), drawn((6, 24)), drawn((4, 3, 3, 5))
    masks = source(network, 2, fc1__input=vector, fc1__weight=weight, conv0__weight=kernel)
    assert np.array_equal(bits(masks.moving(step.op("fc1.FF"))), vector.reshape(2, 1, 1, 24))
    assert np.array_equal(bits(masks.stationary(step.op("fc1.EP"))), weight.reshape(6, 1, 1, 24))
    assert np.array_equal(bits(masks.stationary(step.op("conv0.FF"))), kernel)


def test_a_time_step_of_a_cell_is_its_input_and_the_dense_state() -> None:
    for steps in (1, 3):
        network, mask = sequence(steps), drawn((steps, 2, 70))
        step = lower(network, "bp", 2)
        masks = source(network, 2, cell__input=mask)
        for t in range(steps):
            found = bits(masks.moving(step.op(f"cell.FF.t{t:02d}")))
            assert np.array_equal(found[:, 0, 0, :70], mask[t])
            assert found[..., 70:].all()
            assert found.shape == (2, 1, 1, 75)


def test_a_whole_sequence_is_step_after_step_with_its_samples_repeated() -> None:
    network, mask = sequence(), drawn((3, 2, 5))
    step = lower(network, "bp", 3)
    found = bits(source(network, 3, out__input=mask).moving(step.op("out.WG")))
    assert np.array_equal(found[:, 0, 0], np.concatenate([mask[t, [0, 1, 0]] for t in range(3)]))


def test_what_a_trace_lacks_is_dense() -> None:
    network = sequence()
    step = lower(network, "bp", 2)
    masks = source(network, 2, out__input=drawn((3, 2, 5)))
    assert masks.stationary(step.op("out.FF")) is None
    assert masks.needed(step.op("out.FF")) is None
    assert masks.dense_tensors(step.ops) == ["cell.error", "cell.input", "out.error"]
    assert MaskSource(None, network, 2).moving(step.op("out.FF")) is None
    assert MaskSource(None, network, 2).dense_tensors(step.ops) == []


def test_expected_shapes() -> None:
    network = Builder("map", (3, 2, 5)).conv(4).add("fc", 6).network()
    conv, fc = network.weighted
    assert expected_shape(network, conv, "error", 7) == (7, 3, 2, 4)
    assert expected_shape(network, fc, "input", 7) == (7, 24)
    assert expected_shape(network, fc, "weight", 7) == (6, 24)
    assert expected_shape(network, fc, "feedback", 7) == (24, 6)
    assert expected_shape(sequence(), sequence().layer("cell"), "input", 7) == (3, 7, 70)
    assert expected_shape(sequence(), sequence().layer("e"), "input", 7) == ()
