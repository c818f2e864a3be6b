"""Fixed transports, direct feedback into convolutions, and frozen features, against their
transcriptions and backpropagation.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.registry import rule_numerics
from accelsim.rules.spelling import parse_rule
from accelsim.training.optimizers import Momentum
from accelsim.workload.network import INPUT
from tests.chosen_rules import chosen
from tests.naive import layers as naive
from tests.naive.modular_feedback import from_output
from tests.reference_networks import (
    CLASSES,
    Builder,
    all_networks,
    batch_of,
    filled_model,
    small_networks,
)


def images():
    """A chain and a residual network, strided, grouped and pooled, whose shortcuts are a
    convolution and the map itself.
    """
    chain = (
        Builder("chain")
        .conv(4)
        .add("relu")
        .conv(4, groups=2, stride=2)
        .add("tanh")
        .conv(3)
        .add("max_pool", kernel=(2, 2), stride=(1, 1))
    )
    residual = Builder("residual").conv(4).add("relu").conv(4, stride=2).add("relu").conv(4)
    residual.conv(4, side=1, stride=2, inputs=("relu1",)).add("add", inputs=("conv4", "conv5")).add(
        "relu"
    )
    residual.conv(4).add("tanh").conv(4).add("add", inputs=("conv10", "relu7")).add("relu").add(
        "global_avg_pool"
    )
    return [
        builder.add("fc", 4).add("tanh").add("fc", CLASSES).network()
        for builder in (chain, residual)
    ]


IMAGES = {network.name: network for network in images()}


def run(model, numerics):
    """Loss, errors and gradients of one step."""
    inputs, labels = batch_of(model.network)
    loss, error = softmax_loss(model.forward(inputs), labels)
    errors = numerics.propagate(error, labels)
    return loss, errors, model.gradients()


def assert_equals(model, numerics, landing, direct):
    """The rule's step equals the transcription's."""
    network = model.network
    inputs, labels = batch_of(network)
    weights = {
        layer.name: model.parameters()[layer.name, "weight"].tolist() for layer in network.weighted
    }
    expected_loss, expected, expected_errors = naive.trained(
        network, weights, inputs.tolist(), labels.tolist(), landing, direct
    )
    loss, errors, gradients = run(model, numerics)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for layer in network.weighted:
        assert np.abs(expected_errors[layer.name]).max() > 0
        np.testing.assert_allclose(
            errors[layer.name], expected_errors[layer.name], rtol=1e-11, atol=1e-14
        )
        np.testing.assert_allclose(
            gradients[layer.name, "weight"], expected[layer.name], rtol=1e-11, atol=1e-14
        )


@pytest.mark.parametrize("network", IMAGES.values(), ids=IMAGES)
def test_backpropagation_equals_the_transcription(network):
    model = filled_model(network)
    weights = {
        layer.name: model.parameters()[layer.name, "weight"].tolist() for layer in network.weighted
    }
    assert_equals(model, Backprop(model), naive.transposed(weights), direct=False)


@pytest.mark.parametrize("network", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_feedback_alignment_equals_the_transcription(network, scale):
    model = filled_model(network)
    numerics = rule_numerics(chosen("fa", scale=scale), model, seed=3)
    assert list(numerics.transport) == [
        layer.name for layer in network.weighted if layer.inputs[0] != INPUT
    ]
    assert_equals(
        model,
        numerics,
        naive.transposed({name: array.tolist() for name, array in numerics.transport.items()}),
        direct=False,
    )


@pytest.mark.parametrize("network", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize(
    ("name", "options"),
    [("dfa", {}), ("dfa", {"scale": 0.5}), ("bdfa", {}), ("sdfa", {"k": 2}), ("ssdfa", {})],
)
def test_direct_feedback_equals_the_transcription(network, name, options):
    model = filled_model(network)
    numerics = rule_numerics(chosen(name, **options), model, seed=3)
    matrices = {layer: b.dense().tolist() for layer, (b,) in numerics.feedback.items()}
    assert_equals(model, numerics, from_output(network.output.name, matrices), direct=True)


@pytest.mark.parametrize("network", all_networks().values(), ids=all_networks())
def test_feedback_alignment_through_the_weights_themselves_is_backpropagation(network):
    exact, model = filled_model(network), filled_model(network)
    numerics = rule_numerics(parse_rule("fa"), model, seed=0)
    for name, array in numerics.transport.items():
        array[...] = model.parameters()[name, "weight"]
    loss, errors, gradients = run(model, numerics)
    expected_loss, expected_errors, expected = run(exact, Backprop(exact))
    assert loss == expected_loss
    assert errors.keys() == expected_errors.keys()
    assert gradients.keys() == expected.keys()
    assert all(np.array_equal(errors[name], error) for name, error in expected_errors.items())
    assert all(np.array_equal(gradients[key], gradient) for key, gradient in expected.items())


def test_transports_have_the_deviation_of_fresh_weights():
    network = (
        Builder("wide", (8, 8, 16))
        .conv(32)
        .add("relu")
        .conv(64, groups=2)
        .add("relu")
        .add("fc", 50)
        .add("fc", CLASSES)
        .network()
    )
    for scale in (1.0, 3.0):
        numerics = rule_numerics(chosen("fa", scale=scale), filled_model(network), seed=0)
        fan_in = {"conv2": 9 * 16, "fc4": 64 * 64, "fc5": 50}
        for name, array in numerics.transport.items():
            assert array.std() == pytest.approx(scale * np.sqrt(2 / fan_in[name]), rel=0.1)
        assert numerics.transport.keys() == fan_in.keys()


@pytest.mark.parametrize("name", ["residual", "normalized", "fc-tanh"])
def test_frozen_training_changes_the_output_layer_alone(name):
    network = small_networks()[name]
    model = filled_model(network)
    before = {key: array.copy() for key, array in model.parameters().items()}
    numerics, optimizer = (
        rule_numerics(parse_rule("frozen"), model, seed=0),
        Momentum(0.1, weight_decay=0.01),
    )
    exact = filled_model(network)
    _, _, expected = run(exact, Backprop(exact))
    for step in range(3):
        kind = numerics.begin(step)
        _, errors, gradients = run(model, numerics)
        assert list(errors) == [network.output.name]
        assert list(gradients) == [(network.output.name, "weight")]
        if step == 0:
            assert np.array_equal(
                gradients[network.output.name, "weight"], expected[network.output.name, "weight"]
            )
        optimizer.step(model.parameters(), gradients, kind)
    changed = [
        key for key, array in model.parameters().items() if not np.array_equal(array, before[key])
    ]
    assert changed == [(network.output.name, "weight")]
