"""Number formats of storage: rounding against a transcription, and training that reads and writes
them.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.numerics.formats import FORMATS, StorageFormats, stored
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.registry import rule_numerics
from accelsim.rules.spelling import parse_rule
from accelsim.training.optimizers import Momentum
from tests.naive import formats as naive
from tests.reference_networks import all_networks, batch_of

SHORT = [name for name in FORMATS if name != "fp32"]
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
SAMPLES = {
    "around one": np.linspace(-2, 2, 1001, dtype=np.float32),
    "errors of a large batch": np.float32(1e-6) * np.sin(np.arange(1, 400, dtype=np.float32)),
    "many binades": np.float32(1.37) ** np.arange(-200, 200, dtype=np.float32),
    "ties of every format": np.array([1 + k / 32 for k in range(32)] + [448.0], np.float32),
    "the largest numbers": np.array([3.09e38, -1e38, 1e30, 5.0], np.float32),
    "the least numbers": np.array([1e-45, -3e-44, 1e-40], np.float32),
}


def below_overflow(values):
    """Without numbers so close to fp32's largest that rounding to few digits goes beyond it, to
    infinity.
    """
    return values[np.abs(values) < 3.1e38]


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
def test_rounding_equals_the_transcription(name, values):
    values = below_overflow(values)
    assert np.array_equal(
        stored(values, name), np.array(naive.stored(values.tolist(), name), np.float32)
    )


@given(st.lists(floats, min_size=1, max_size=8), st.sampled_from(SHORT))
def test_rounding_of_anything_equals_the_transcription(numbers, name):
    values = below_overflow(np.array(numbers, np.float32))
    found = stored(values, name)
    assert np.array_equal(found, np.array(naive.stored(values.tolist(), name), np.float32))
    assert found.dtype == np.float32
    assert np.array_equal(stored(found, name), found), "what storage gave back is stored as it is"
    assert (found[values == 0] == 0).all()


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("size", [1e-30, 1e-7, 0.011, 1.0, 300.0, 1e30])
def test_the_largest_value_keeps_all_the_digits_of_the_format(name, size):
    values = np.array([size, size / 100, -size / 3], np.float32)
    digits = {"fp16": 11, "bf16": 8, "e4m3": 4, "e5m2": 3}[name]
    found = stored(values, name)
    assert np.abs(found[[0, 2]] / values[[0, 2]] - 1).max() <= 2.0**-digits
    assert np.argmax(np.abs(found)) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_zeros_stay_zeros_and_shapes_stay(name):
    assert not stored(np.zeros((2, 3), np.float32), name).any()
    assert stored(np.zeros((0, 3), np.float32), name).shape == (0, 3)
    sparse = np.array([[0, 1.1], [-0.0, 0]], np.float32)
    assert np.array_equal(stored(sparse, name) == 0, sparse == 0)


def test_what_diverged_is_not_hidden():
    for name in FORMATS:
        assert not np.isfinite(stored(np.array([1, np.nan], np.float32), name)).all()
        assert not np.isfinite(stored(np.array([1, np.inf], np.float32), name)).all()


def test_fp32_is_the_array_itself():
    values = np.ones(3, np.float32)
    assert stored(values, "fp32") is values


def test_unknown_formats_are_all_named():
    with pytest.raises(InputError) as caught:
        StorageFormats(weight="int8", error="fp64")
    assert [fault.message for fault in caught.value.faults] == [
        "format of weights must be one of fp32, fp16, bf16, e4m3, e5m2, got int8",
        "format of errors must be one of fp32, fp16, bf16, e4m3, e5m2, got fp64",
    ]
    assert StorageFormats("bf16", error="e5m2").text == "weight=bf16,activation=fp32,error=e5m2"


def assert_representable(array, name):
    values = np.asarray(array, np.float32).reshape(-1)
    assert np.array_equal(np.array(naive.stored(values.tolist(), name), np.float32), values)


@pytest.mark.parametrize(
    "formats",
    [
        StorageFormats("fp16", "bf16", "bf16"),
        StorageFormats("bf16", "e4m3", "e5m2"),
        StorageFormats("e4m3"),
    ],
)
@pytest.mark.parametrize(
    ("network", "rule"),
    [
        ("residual", "bp"),
        ("residual", "revised"),
        ("normalized", "dfa"),
        ("words-lstm-deep", "revised"),
    ],
)
def test_training_reads_what_storage_gives_back(formats, network, rule):
    network = all_networks()[network]
    model, plain = Model(network, 3, formats=formats), Model(network, 3)
    numerics, optimizer = rule_numerics(parse_rule(rule), model, seed=0), Momentum(1e-3)
    inputs, labels = batch_of(network)
    fresh = {key: array.copy() for key, array in plain.parameters().items()}
    assert all(np.array_equal(model.parameters()[key], array) for key, array in fresh.items()), (
        "the master is never rounded"
    )
    for _ in range(3):
        numerics.begin(0)
        read = {key: array.copy() for key, array in model.parameters().items()}
        logits = model.forward(inputs)
        loss, error = softmax_loss(logits, labels)
        assert np.isfinite(loss)
        errors = numerics.propagate(error, labels)
        optimizer.step(model.parameters(), model.gradients())
    for (layer, name), master in read.items():
        if name == "weight":
            assert np.array_equal(
                model.layers[layer].parameters[name], stored(master, formats.weight)
            )
    for layer in network.layers:
        if layer.weighted:
            assert_representable(model.layers[layer.name].parameters["weight"], formats.weight)
            if formats.error != "fp32":
                assert_representable(errors[layer.name], formats.error)
        if formats.activation != "fp32" and layer is not network.output:
            assert_representable(model.maps[layer.name], formats.activation)
    moved = [
        key for key, array in model.parameters().items() if not np.array_equal(array, fresh[key])
    ]
    assert len(moved) == len(fresh), (
        "steps far smaller than a short float's digits add up in the master"
    )
    assert not np.array_equal(logits, plain.forward(inputs))


@pytest.mark.parametrize("name", ["residual", "words-gru"])
def test_fp32_everywhere_changes_nothing(name):
    network = all_networks()[name]
    inputs, labels = batch_of(network)
    found = []
    for model in (Model(network, 3), Model(network, 3, formats=StorageFormats())):
        _, error = softmax_loss(model.forward(inputs), labels)
        rule_numerics(parse_rule("bp"), model, 0).propagate(error, labels)
        found.append(model.gradients())
    assert all(np.array_equal(array, found[1][key]) for key, array in found[0].items())
