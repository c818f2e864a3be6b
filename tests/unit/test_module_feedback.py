"""The modular rules: against their transcription, against backpropagation and against each
other.
"""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.registry import rule_numerics
from accelsim.workload.modules import dilation_of, links
from tests.chosen_rules import chosen
from tests.naive import layers as naive
from tests.naive.modular_feedback import NaiveLink, over_links, transposed_matrix
from tests.reference_networks import (
    CLASSES,
    Builder,
    batch_of,
    filled_model,
    numbers,
    sequence_networks,
)


def chain():
    """Two map sizes; convolutions of 4 and 6 channels, so that groups of 2 divide them."""
    builder = (
        Builder("chain", (6, 4, 2))
        .conv(4)
        .add("relu")
        .conv(4)
        .add("relu")
        .add("max_pool", kernel=(2, 2), stride=(2, 2))
    )
    return builder.conv(6).add("tanh").conv(4).add("relu").add("fc", CLASSES).network()


def residual():
    """A block with a convolution on its short way, and one with none; its maps of 7 x 5 and 4 x 3
    are no multiples of each other.
    """
    builder = (
        Builder("residual", (7, 5, 2)).conv(4).add("relu").conv(4, stride=2).add("relu").conv(4)
    )
    builder.conv(4, side=1, stride=2, inputs=("relu1",)).add("add", inputs=("conv4", "conv5")).add(
        "relu"
    )
    builder.conv(6).add("tanh").conv(4).add("add", inputs=("conv10", "relu7")).add("relu").add(
        "global_avg_pool"
    )
    return builder.add("fc", CLASSES).network()


NETWORKS = {"chain": chain(), "residual": residual()}
WHOLE = "conv7+fc9"
"""All convolutions of the chain in one module."""
CASES = [
    ("modular", {}),
    ("modular", {"modules": WHOLE}),
    ("conv-dfa", {}),
    ("conv-dfa", {"modules": WHOLE}),
    ("dilated", {}),
    ("dilated", {"modules": WHOLE}),
    ("revised", {}),
    ("revised", {"modules": WHOLE}),
    ("revised", {"groups": 2}),
    ("revised", {"groups": 2, "modules": WHOLE, "binary": True}),
    ("revised", {"order": "printed"}),
    ("revised", {"order": "printed", "groups": 2, "modules": WHOLE}),
    ("revised", {"groups": 2, "binary": True, "scale": 0.3}),
]


def run(model, numerics):
    """Loss, errors and gradients of one step."""
    images, labels = batch_of(model.network)
    loss, error = softmax_loss(model.forward(images), labels)
    errors = numerics.propagate(error, labels)
    return loss, errors, model.gradients()


def rule(name, model, seed=3, **options):
    return rule_numerics(chosen(name, **options), model, seed)


def naive_link(name, link, weights, groups, order):
    """What the paper says of one link. Matrices are kept transposed for multiplying."""
    if link.dense or name == "modular":
        return NaiveLink("dense", link.source.name, (weights[0].T.tolist(),))
    lists = tuple(array.tolist() for array in weights)
    if name in ("conv-dfa", "dilated"):
        assert weights[0].shape[1:3] == (link.kernel_at_source if name == "conv-dfa" else (3, 3))
        return NaiveLink(
            "conv",
            link.source.name,
            lists,
            (1, 1) if name == "conv-dfa" else dilation_of(link.kernel_at_source),
        )
    if link.shortcut:
        return NaiveLink("shortcut", link.source.name, lists)
    return NaiveLink(
        "printed" if order == "printed" else "revised",
        link.source.name,
        lists,
        dilation_of(link.kernel_at_target),
        groups,
    )


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize(
    ("name", "options"),
    CASES,
    ids=lambda case: "-".join(map(str, case.values())) if isinstance(case, dict) else case,
)
def test_equals_the_transcription(network, name, options):
    if network.name == "residual" and "modules" in options:
        options = options | {"modules": "conv10+fc14"}
    model = filled_model(network)
    numerics = rule(name, model, **options)
    groups, order = options.get("groups", 1), options.get("order", "")
    written = {
        layer: naive_link(name, link, over.weights, groups, order)
        for layer, (link, over) in numerics.links.items()
    }
    weights = {
        layer.name: model.parameters()[layer.name, "weight"].tolist() for layer in network.weighted
    }
    images, labels = batch_of(network)
    expected_loss, expected, expected_errors = naive.trained(
        network, weights, images.tolist(), labels.tolist(), over_links(written), direct=True
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


def test_links_of_the_chain_are_those_worked_out_by_hand():
    """conv7 sees 3, 5 and, through the pool, 12 elements of the maps that conv7, conv5 and conv2
    read; 2 * side - 1 covers a map.
    """
    found = links(NETWORKS["chain"], ("conv7", "fc9"))
    assert {name: link.source.name for name, link in found.items()} == {
        "conv2": "conv7",
        "conv5": "conv7",
        "conv7": "conv7",
        "fc9": "fc9",
    }
    assert [found[name].kernel_at_source for name in ("conv2", "conv5", "conv7")] == [
        (5, 3),
        (5, 3),
        (3, 3),
    ]
    assert [dilation_of(found[name].kernel_at_target) for name in ("conv2", "conv5", "conv7")] == [
        (5, 3),
        (2, 1),
        (1, 1),
    ]


def test_words_of_the_revised_rule_are_table_2s():
    """(9 chL chL + chL ch_l) / G a link, chL ch_l for a shortcut's (Han et al. 2020, table 2; the
    fully connected head is not counted there).
    """
    model = filled_model(NETWORKS["residual"])
    numerics = rule("revised", model, groups=2)
    for name, (link, over) in numerics.links.items():
        far, near = link.source.out_shape[2], link.layer.in_shape[2]
        expected = far * near if link.shortcut else (9 * far * far + far * near) // 2
        assert sum(array.size for array in over.weights) == (
            prod(link.layer.in_shape) * CLASSES if link.dense else expected
        ), name
    assert [name for name, (link, _) in numerics.links.items() if link.shortcut] == ["conv5"]


def one_layer_modules():
    """A chain of strided, grouped and plain convolutions, with modules of a layer each."""
    builder = (
        Builder("one by one", (6, 5, 2))
        .conv(4)
        .add("tanh")
        .conv(4, groups=2, stride=2)
        .add("relu")
        .conv(3)
        .add("max_pool", kernel=(3, 3))
    )
    return (
        builder.conv(2, padding=(1, 0, 1, 1), kernel=(2, 3))
        .add("tanh")
        .add("fc", 4)
        .add("tanh")
        .add("fc", CLASSES)
        .network()
    )


def test_one_layer_modules_with_transposed_weights_are_backpropagation():
    network = one_layer_modules()
    exact, model = filled_model(network), filled_model(network)
    numerics = rule("modular", model, modules="+".join(layer.name for layer in network.weighted))
    for name, (link, over) in numerics.links.items():
        assert link.source.name == name
        weight = model.parameters()[name, "weight"]
        transposed = (
            transposed_matrix(link.layer, weight.tolist())
            if link.layer.kind == "conv"
            else weight.T
        )
        over.weights[0][...] = np.array(transposed).T
    loss, errors, gradients = run(model, numerics)
    expected_loss, expected_errors, expected = run(exact, Backprop(exact))
    assert loss == expected_loss
    for name, error in expected_errors.items():
        np.testing.assert_allclose(errors[name], error, rtol=1e-11, atol=1e-15)
    for key, gradient in expected.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("order", ["counted", "printed"])
def test_ungrouped_revised_link_of_three_elements_is_one_convolution_of_the_composed_kernel(order):
    """D2 after D1 (or before it) is linear: where the field is 3 and the maps agree, conv-dfa's
    kernel can be their product.
    """
    network = NETWORKS["chain"]
    name = "conv7"
    revised, convolved = (
        rule("revised", filled_model(network), order=order),
        rule("conv-dfa", filled_model(network)),
    )
    link, chained = revised.links[name]
    _, single = convolved.links[name]
    assert link.field == (3, 3)
    assert link.source.out_shape[:2] == link.layer.in_shape[:2]
    d1, d2 = chained.weights if order == "counted" else chained.weights[::-1]
    point = d2[:, 0, 0, :]
    kernel = (
        np.einsum("ck,krsi->crsi", point, d1)
        if order == "counted"
        else np.einsum("ckrs,ki->crsi", d1.transpose(0, 3, 1, 2), point)
    )
    assert single.weights[0].shape == kernel.shape
    single.weights[0][...] = kernel
    error = numbers((2, *link.source.out_shape), 1.0)
    np.testing.assert_allclose(chained.carry(error), single.carry(error), rtol=1e-11, atol=1e-14)


def test_printed_order_changes_the_numbers():
    model = filled_model(NETWORKS["chain"])
    error = numbers((2, *NETWORKS["chain"].layer("conv7").out_shape), 1.0)
    counted, printed = (
        rule("revised", model, order=order).links["conv5"][1] for order in ("counted", "printed")
    )
    assert [array.shape for array in counted.weights] == [(4, 3, 3, 4), (4, 1, 1, 4)]
    assert [array.shape for array in printed.weights] == [(4, 1, 1, 4), (4, 3, 3, 4)]
    assert not np.allclose(counted.carry(error), printed.carry(error))


def test_scale_multiplies_what_a_link_carries_once():
    network = NETWORKS["residual"]
    for name in ("modular", "conv-dfa", "dilated", "revised"):
        one, four = rule(name, filled_model(network)), rule(name, filled_model(network), scale=4.0)
        for layer, (link, over) in one.links.items():
            error = numbers((2, *link.source.out_shape), 1.0)
            np.testing.assert_allclose(
                four.links[layer][1].carry(error), 4 * over.carry(error), rtol=1e-6
            )


@pytest.mark.parametrize("binary", [False, True])
def test_link_weights_have_the_deviation_of_their_fan_in(binary):
    builder = (
        Builder("wide", (4, 4, 16))
        .conv(32)
        .add("relu")
        .conv(32)
        .add("relu")
        .conv(32)
        .add("relu")
        .add("fc", CLASSES)
    )
    numerics = rule("revised", filled_model(builder.network()), groups=2, binary=binary)
    for name in ("conv2", "conv4"):
        for weight in numerics.links[name][1].weights:
            deviation = 1 / sqrt(prod(weight.shape[1:]))
            assert weight.std() == pytest.approx(deviation, rel=0.05)
            assert abs(weight.mean()) < 4 * deviation / sqrt(weight.size)
            assert (
                len(np.unique(weight)) == 2 if binary else len(np.unique(weight)) > weight.size // 2
            )


def test_links_depend_on_seed_and_layer_alone():
    network = NETWORKS["chain"]
    first, again, other = (
        rule("revised", filled_model(network), seed=seed).links for seed in (3, 3, 4)
    )
    alone = rule("revised", filled_model(network), seed=3, modules=WHOLE).links
    for name, (_, over) in first.items():
        assert all(
            np.array_equal(a, b) for a, b in zip(over.weights, again[name][1].weights, strict=True)
        )
        assert not any(
            np.array_equal(a, b) for a, b in zip(over.weights, other[name][1].weights, strict=True)
        )
    assert all(
        np.array_equal(a, b)
        for a, b in zip(first["conv7"][1].weights, alone["conv7"][1].weights, strict=True)
    )


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(InputError) as caught:
        rule("revised", filled_model(NETWORKS["residual"]), groups=4)
    assert str(caught.value) == "revised.groups must divide the 4 and 6 channels at conv10, got 4"


@pytest.mark.parametrize("name", ["modular", "conv-dfa", "dilated"])
def test_recurrent_networks_are_refused(name):
    network = sequence_networks()["words-rnn"]
    with pytest.raises(InputError) as caught:
        rule(name, filled_model(network))
    assert (
        str(caught.value) == f"{name} must have a network without recurrent layers, got words-rnn"
    )
