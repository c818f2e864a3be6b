"""bias and positions: their ops by hand, their numbers, biases after the classifier, and networks
whose biases are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.rules.registry import lower
from accelsim.step.forms import Form
from accelsim.step.ops import Contraction, Pass, Use, VectorWork
from accelsim.step.zero_sources import TraceZeros
from accelsim.workload.resize import resized
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

KINDS = ("bias", "positions")


@pytest.mark.parametrize(
    ("kind", "parameters", "form"),
    [("bias", 4, Form.STATISTICS), ("positions", 12, Form.OTHER)],
)
def test_ops_add_once_and_sum_errors_once(kind: str, parameters: int, form: Form) -> None:
    """2 samples of 3 positions of 4 channels: 24 elements, one addition each, forward and in the
    gradient. The error before the layer is the error behind it.
    """
    step = step_of(around(kind))
    forward, gradient, update = step.op("it.FF"), step.op("it.WG"), step.op("it.WU")
    assert isinstance(forward, VectorWork)
    assert isinstance(gradient, VectorWork)
    assert (forward.elements, forward.ops_per_element, forward.form) == (24, 1, Form.ELEMENTWISE)
    assert (gradient.elements, gradient.ops_per_element, gradient.form) == (24, 1, form)
    assert words(forward) == ({"before.out": 24, "it.weight": parameters}, {"it.out": 24})
    assert words(gradient) == ({"it.error": 24}, {"it.gradient": parameters})
    assert "it.EP" not in {op.name for op in step.ops}
    assert "it.error" in words(step.op("before.WG"))[0]
    assert isinstance(update, VectorWork)
    assert update.elements == parameters


def test_a_shift_of_the_input_has_a_gradient_alone() -> None:
    network = network_of(
        {
            "name": "first",
            "input": {"height": 2, "width": 2, "channels": 3},
            "layers": [
                {"name": "it", "kind": "positions"},
                {"name": "fc", "kind": "fc", "out_features": 3},
            ],
        }
    )
    step = lower(network, "bp", 2)
    assert [op.name for op in step.ops if op.layer == "it"] == ["it.FF", "it.WG", "it.WU"]
    assert words(step.op("it.WG")) == ({"it.error": 24}, {"it.gradient": 12})


def test_numbers_equal_their_formula() -> None:
    maps = drawn(2, 3, 1, 4)
    for kind, name, shape in (("bias", "bias", (4,)), ("positions", "table", (3, 1, 4))):
        numbers = numbers_of(around(kind))
        assert numbers.parameters[name].shape == shape
        found = numbers.forward((maps,), training=True)
        assert np.abs(found - maps - numbers.parameters[name]).max() < TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind: str) -> None:
    assert_derivatives(numbers_of(around(kind)), drawn(2, 3, 1, 4))


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_keep_their_type(kind: str) -> None:
    assert_keeps_dtype(around(kind))


def test_first_parameters() -> None:
    assert not numbers_of_fresh("bias").any()
    table = numbers_of_fresh("positions")
    assert table.std() == pytest.approx(0.02, rel=0.1)


def numbers_of_fresh(kind: str) -> np.ndarray:
    (parameters,) = Model(around(kind, rows=30, channels=20)).layers["it"].parameters.values()
    return parameters


def test_positions_are_several() -> None:
    with pytest.raises(
        InputError, match="kind must be used on a map of two or more positions, got 1x1x4"
    ):
        around("positions", rows=1)
    words_ = {"name": "e", "kind": "embedding", "dim": 4}
    sequence: dict[str, Any] = {"name": "s", "input": {"sequence": 3, "vocabulary": 5}}
    layers = [
        words_,
        {"name": "p", "kind": "positions"},
        {"name": "f", "kind": "fc", "out_features": 5},
    ]
    with pytest.raises(InputError, match="two or more positions, got 1x1x4"):
        network_of({**sequence, "layers": layers})


# After the classifier

CLASSIFIER = [
    {"name": "conv", "kind": "conv", "out_channels": 4, "kernel": 1},
    {"name": "relu", "kind": "relu"},
    {"name": "fc", "kind": "fc", "out_features": 3},
    {"name": "bias", "kind": "bias"},
]


def network(layers: list[dict[str, Any]], **keys: Any) -> Any:
    size = {"height": 2, "width": 2, "channels": 2}
    return network_of({"name": "biased", "input": size, "layers": layers, **keys})


def test_a_bias_may_follow_the_classifier() -> None:
    biased = network(CLASSIFIER)
    assert biased.output.name == "bias"
    assert biased.classifier.name == "fc"
    logits = Model(biased, dtype=np.float64).forward(drawn(2, 2, 2, 2))
    plain = Model(network(CLASSIFIER[:-1]), dtype=np.float64).forward(drawn(2, 2, 2, 2))
    assert np.array_equal(logits, plain)  # the same draws, scaled as those of a layer of logits
    wider = resized(biased, 2)
    assert [layer.out_shape[2] for layer in wider.layers] == [8, 8, 3, 3]


def test_feedback_reads_the_classifiers_traced_error() -> None:
    for rule in ("dfa", "bp"):
        op = lower(network(CLASSIFIER), rule, 2).op("fc.EP")
        assert isinstance(op, Contraction)
        assert op.moving.zeros == TraceZeros("fc.error")
        assert op.operands_of(Use.MOVING)[0].tensor.name == "bias.error"


def test_frozen_learns_the_classifier_with_its_bias() -> None:
    step = lower(network(CLASSIFIER), "frozen", 2)
    assert {op.layer for op in step.ops if op.pass_ is Pass.WU} == {"fc", "bias"}


def test_a_bias_may_be_all_that_learns() -> None:
    """Of the input, it is the layer that makes the outputs."""
    alone = network(CLASSIFIER[3:])
    assert alone.classifier is alone.output
    step = lower(alone, "bp", 2)
    assert [op.name for op in step.ops] == ["bias.FF", "loss.EP", "bias.WG", "bias.WU"]


# Left out

EVERYWHERE = [
    {"name": "first", "kind": "bias"},
    CLASSIFIER[0],
    {"name": "second", "kind": "bias"},
    {"name": "third", "kind": "bias"},
    CLASSIFIER[1],
    {"name": "sum", "kind": "add", "inputs": ["relu", "third"]},
    CLASSIFIER[2],
    CLASSIFIER[3],
]


def test_readers_of_a_bias_read_its_source() -> None:
    without = network(EVERYWHERE, biases="left_out")
    assert [(layer.name, layer.inputs) for layer in without.layers] == [
        ("conv", ("input",)),
        ("relu", ("conv",)),
        ("sum", ("relu", "conv")),
        ("fc", ("sum",)),
    ]
    counted = network(EVERYWHERE, biases="counted")
    assert counted == network(EVERYWHERE)
    assert len(counted.layers) == len(EVERYWHERE)


def test_faults_of_layers_that_are_left_out() -> None:
    unread = [
        *EVERYWHERE[:2],
        {"name": "off", "kind": "bias"},
        {**EVERYWHERE[2], "inputs": ["conv"]},
    ]
    unread += EVERYWHERE[3:]
    for biases in ("counted", "left_out"):
        with pytest.raises(InputError, match=r"layers\[2\]\.name must be read by a layer below"):
            network(unread, biases=biases)
    twice = [*EVERYWHERE]
    twice[5] = {"name": "sum", "kind": "add", "inputs": ["second", "third"]}
    twice[4] = {"name": "relu", "kind": "relu", "inputs": ["sum"]}
    twice[4], twice[5] = twice[5], twice[4]
    assert len(network(twice).layers) == len(twice)
    with pytest.raises(InputError, match="inputs must be two or more different layers"):
        network(twice, biases="left_out")
    with pytest.raises(InputError, match=r"layers\[0\]\.kind must be unlike bias"):
        network(EVERYWHERE[:1], biases="left_out")
    with pytest.raises(InputError, match="biases must be counted or left_out, got none"):
        network(EVERYWHERE, biases="none")


def test_the_gradient_of_a_bias_rides_where_errors_are_made() -> None:
    """Under `full`: the sum over the errors is an epilogue of the op that makes them."""
    machine = accelsim.load_machine("von-neumann").replace(fusion="full")
    result = accelsim.simulate(around("bias"), machine, trace="dense")
    into = {op.name: op.fused_into for op in result.ops if op.layer == "it" and op.fused_into}
    assert into == {"it.FF": ("before.FF",), "it.WG": ("fc.EP",)}
