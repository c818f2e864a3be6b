"""Direct feedback alignment: the rule against its transcription, against backpropagation, and the
matrices it draws.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.direct.numbers import DirectFeedback, dense_draw, direct_feedback, sparse_draw
from accelsim.zeros.feedback import Feedback, dense_feedback, feedback_random, sparse_feedback
from tests.naive.feedback_alignment import direct_feedback as naive_direct_feedback
from tests.reference_networks import (
    CLASSES,
    Builder,
    batch_of,
    feedback_of,
    filled_model,
    numbers,
    small_networks,
)

NETWORKS = small_networks()


def run(model, rule):
    """Errors and gradients of one step."""
    images, labels = batch_of(model.network)
    loss, error = softmax_loss(model.forward(images), labels)
    errors = rule.propagate(error, labels)
    return loss, errors, model.gradients()


def test_equals_the_direct_transcription():
    network = NETWORKS["fc-tanh"]
    model = filled_model(network)
    feedback = feedback_of(network)
    weights = [model.parameters()[layer.name, "weight"].tolist() for layer in network.weighted]
    images, labels = batch_of(network)
    own = [feedback[layer.name].tolist() for layer in network.weighted[1:]]
    expected_loss, expected_gradients, expected_errors = naive_direct_feedback(
        weights, own, images.reshape(len(images), -1).tolist(), labels.tolist()
    )
    loss, errors, gradients = run(
        model,
        DirectFeedback(
            model, {name: (Feedback(CLASSES, matrix),) for name, matrix in feedback.items()}
        ),
    )
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for layer, gradient, error in zip(
        network.weighted, expected_gradients, expected_errors, strict=True
    ):
        np.testing.assert_allclose(
            gradients[layer.name, "weight"], gradient, rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(
            errors[layer.name].reshape(len(images), -1), error, rtol=1e-12, atol=1e-15
        )


def test_feedback_equal_to_the_transposed_product_is_backpropagation():
    network = NETWORKS["fc-linear"]
    direct, exact = filled_model(network), filled_model(network)
    first, second, last = (direct.parameters()[layer.name, "weight"] for layer in network.weighted)
    del first
    names = [layer.name for layer in network.weighted]
    feedback = {
        names[1]: (Feedback(CLASSES, (last @ second).T),),
        names[2]: (Feedback(CLASSES, last.T),),
    }
    _, errors, gradients = run(direct, DirectFeedback(direct, feedback))
    _, expected_errors, expected = run(exact, Backprop(exact))
    for key, gradient in expected.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-12, atol=1e-15)
    for name, error in expected_errors.items():
        np.testing.assert_allclose(errors[name], error, rtol=1e-12, atol=1e-15)


def test_transposed_weights_through_one_non_linear_layer_are_backpropagation():
    network = Builder("one-hidden", (1, 1, 7)).add("fc", 6).add("tanh").add("fc", CLASSES).network()
    direct, exact = filled_model(network), filled_model(network)
    name = network.output.name
    _, _, gradients = run(
        direct,
        DirectFeedback(direct, {name: (Feedback(CLASSES, direct.parameters()[name, "weight"].T),)}),
    )
    _, _, expected = run(exact, Backprop(exact))
    for key, gradient in expected.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-12, atol=1e-15)


def test_weights_of_other_layers_do_not_matter():
    """No transport: a layer's error depends on the output error alone."""
    network = NETWORKS["fc-tanh"]
    images, labels = batch_of(network)
    found = []
    for scale in (1.0, -3.0):
        model = filled_model(network)
        rule = direct_feedback(model, 1, dense_draw(1.0, binary=False))
        _, error = softmax_loss(model.forward(images), labels)
        model.parameters()[network.weighted[1].name, "weight"][...] *= scale
        found.append(rule.propagate(error, labels)[network.weighted[0].name])
    assert np.array_equal(*found)


@pytest.mark.parametrize("k", [1, 2, CLASSES])
def test_gathered_classes_equal_the_written_out_matrix(k):
    model = filled_model(NETWORKS["residual"])
    sparse = direct_feedback(model, 3, sparse_draw(1.0, k, rank=0))
    dense = DirectFeedback(
        model, {name: (Feedback(CLASSES, b.dense()),) for name, (b,) in sparse.feedback.items()}
    )
    error = numbers((4, CLASSES), 0.0)
    for name in sparse.feedback:
        layer = model.network.layer(name)
        np.testing.assert_allclose(
            sparse.project(layer, error), dense.project(layer, error), rtol=1e-12, atol=1e-15
        )


def test_every_weighted_layer_but_the_first_has_its_own_feedback():
    model = filled_model(NETWORKS["residual"])
    rule = direct_feedback(model, 0, dense_draw(1.0, binary=False))
    assert list(rule.feedback) == [layer.name for layer in NETWORKS["residual"].weighted[1:]]
    shared = [layer.name for layer in model.network.consumers["relu2"] if layer.weighted]
    assert len(shared) == 2, "a block's first convolution and its shortcut read one map"
    assert not np.array_equal(*(rule.feedback[name][0].values for name in shared))


@pytest.mark.parametrize("binary", [False, True])
def test_dense_feedback_has_one_deviation_as_numbers_and_as_signs(binary):
    b = dense_feedback(5000, 10, 16, feedback_random(0, "conv"), binary)
    deviation = 1 / (np.sqrt(10) * 16)
    sizes = np.abs(b.values)
    assert b.values.std() == pytest.approx(deviation, rel=0.01)
    assert abs(np.sign(b.values).mean()) < 0.02
    assert b.nonzeros == 10
    if binary:
        assert np.allclose(sizes, deviation)
    else:
        assert sizes.max() <= np.sqrt(3) * deviation
        assert np.histogram(sizes, 4, (0, np.sqrt(3) * deviation))[0] == pytest.approx(
            len(b.values) * 10 / 4, rel=0.05
        )


@pytest.mark.parametrize("k", [1, 2, 7, 10])
def test_sparse_feedback_has_k_classes_a_neuron(k):
    neurons, classes = 4000, 10
    b = sparse_feedback(neurons, classes, k, 0, feedback_random(0, "fc"))
    h = (classes * k) ** 0.25 / np.sqrt(neurons)
    assert (np.count_nonzero(b.dense(), axis=1) == k).all()
    assert np.abs(b.values).max() <= h
    assert b.values.std() == pytest.approx(h / np.sqrt(3), rel=0.05)
    uses = np.count_nonzero(b.dense(), axis=0)
    assert uses == pytest.approx(neurons * k / classes, rel=0.15)


@pytest.mark.parametrize(("k", "rank"), [(2, 10), (5, 2), (0, 3)])
def test_low_rank_feedback(k, rank):
    neurons, classes = 600, 10
    b = sparse_feedback(neurons, classes, k, rank, feedback_random(0, "fc"))
    matrix = b.dense()
    h = (classes * k) ** 0.25 / np.sqrt(neurons) if k else 1 / np.sqrt(neurons)
    assert np.linalg.matrix_rank(matrix) <= rank
    assert matrix.std() == pytest.approx(h, rel=1e-9)
    assert (matrix != 0).any(axis=0).all(), "every class is read"
    if k:
        patterns = {tuple(row) for row in b.classes_read.tolist()}
        assert len(patterns) <= rank
        assert all(len(set(pattern)) == k for pattern in patterns)


def test_feedback_depends_on_seed_and_layer_alone():
    draws = [
        sparse_feedback(50, 10, 2, 0, feedback_random(seed, layer)).values
        for seed, layer in [(0, "a"), (0, "a"), (0, "b"), (1, "a")]
    ]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    assert not np.array_equal(draws[0], draws[3])


@pytest.mark.parametrize(
    ("k", "rank", "message"),
    [
        (11, 0, "sdfa.k must be from 0 to 10, the network's outputs, got 11"),
        (2, 4, "sdfa.rank must be 0, or k * rank at least the 10 outputs, got 4 with k=2"),
    ],
)
def test_options_that_do_not_fit_the_classes_are_refused(k, rank, message):
    with pytest.raises(InputError) as caught:
        sparse_feedback(50, 10, k, rank, feedback_random(0, "fc"))
    assert str(caught.value) == message
