"""Feedback through time: the rules of eqs. 9 to 12 and the older ones on sequences, against their
transcriptions.
"""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.numerics import products
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.registry import rule_numerics
from accelsim.workload.modules import modules_of
from accelsim.workload.network import INPUT
from accelsim.zeros.feedback import feedback_random, kept_entries, random_entries
from accelsim.zeros.patterns import RADIUS
from tests.chosen_rules import chosen
from tests.multiplications import stored_words
from tests.naive import sequences as naive
from tests.naive import triangular_feedback as triangular
from tests.reference_networks import (
    CLASSES,
    STEPS,
    WORDS,
    Builder,
    batch_of,
    filled_model,
    numbers,
    sequence_networks,
)

NETWORKS = sequence_networks()
SQUARE = {
    name: network
    for name, network in NETWORKS.items()
    if name in ("words-rnn-deep", "words-lstm-deep", "words-gru", "words-gru-deep")
}
"""Networks whose embedding is as long as the state, as powers of one matrix need."""
SEED = 5


def run(model, numerics):
    """Loss, errors and gradients of one step."""
    words, labels = batch_of(model.network)
    loss, error = softmax_loss(model.forward(words), labels)
    errors = numerics.propagate(error, labels)
    return loss, errors, model.gradients()


def rule(name, model, **options):
    return rule_numerics(chosen(name, **options), model, SEED)


def assert_equals(model, numerics, landing, carriers):
    """The rule's step equals the transcription's."""
    network = model.network
    words, labels = batch_of(network)
    weights = {
        layer.name: model.parameters()[layer.name, "weight"].tolist() for layer in network.weighted
    }
    expected_loss, expected, expected_errors = naive.trained(
        network, weights, words.tolist(), labels.tolist(), landing, carriers
    )
    loss, errors, gradients = run(model, numerics)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for layer in network.weighted:
        flat = np.array(expected_errors[layer.name]).reshape(errors[layer.name].shape)
        assert np.abs(flat).max() > 0
        np.testing.assert_allclose(errors[layer.name], flat, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(
            gradients[layer.name, "weight"], expected[layer.name], rtol=1e-10, atol=1e-14
        )


def matrices_of(numerics):
    return {name: [b.dense().tolist() for b in steps] for name, steps in numerics.feedback.items()}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_backpropagation_through_time_equals_the_transcription(network):
    model = filled_model(network)
    weights = {
        layer.name: model.parameters()[layer.name, "weight"].tolist() for layer in network.weighted
    }
    assert_equals(model, Backprop(model), naive.transposed(weights), weights)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_feedback_alignment_equals_the_transcription(network):
    model = filled_model(network)
    numerics = rule("fa", model)
    transport = {name: array.tolist() for name, array in numerics.transport.items()}
    assert list(transport) == [layer.name for layer in network.weighted[1:]]
    assert_equals(model, numerics, naive.transposed(transport), transport)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize(
    "spelling",
    [("dfa", {}), ("bdfa", {}), ("sdfa", {"k": 2}), ("ssdfa", {})],
    ids=lambda spelling: spelling[0],
)
def test_direct_feedback_at_every_step_equals_the_transcription(network, per_step, spelling):
    model = filled_model(network)
    numerics = rule(spelling[0], model, per_step=per_step, **spelling[1])
    assert all(len(steps) == (STEPS if per_step else 1) for steps in numerics.feedback.values())
    assert_equals(
        model, numerics, naive.from_output(network.output.name, matrices_of(numerics)), None
    )


def drawn(
    model,
    powers,
    scale=1.0,
    sparsity=0.0,
    binary=False,
    exponent="distance",
    per_step=False,
    init="random",
):
    """S_fc and blocks by layer, [neuron][error]: drawn again as the rule draws them, then made what
    the equations say by the transcription.
    """
    network = model.network
    ends, classes = modules_of(network), prod(network.output.out_shape)
    source = [layer for layer in network.weighted if layer.recurrent][-1]
    hidden = source.out_shape[2]
    output_feedback, triangles = {}, {}
    for layer in network.weighted:
        if layer.inputs[0] == INPUT:
            continue
        random, size = feedback_random(SEED, layer.name), prod(layer.in_shape)
        if ends[layer.name] is network.output:
            found = output_feedback[layer.name] = []
            for _ in range(STEPS if per_step else 1):
                kept = (
                    kept_entries(size, classes, 1 - sparsity, random).tolist() if sparsity else None
                )
                if init == "bw" and layer is network.output:
                    values = sqrt(size) * model.parameters()[layer.name, "weight"].T
                else:
                    values = random_entries((size, classes), 1 / sqrt(classes), False, random)
                found.append(triangular.stored((scale * values).tolist(), kept, binary))
        elif not powers:
            places = [(i, j) for i in range(STEPS) for j in range(i, STEPS)]
            deviation, count = scale / sqrt(hidden * STEPS), len(places) if per_step else STEPS
            blocks = [
                random_entries((size, hidden), deviation, False, random).tolist()
                for _ in range(count)
            ]
            triangles[layer.name] = {
                place: blocks[index if per_step else place[1] - place[0]]
                for index, place in enumerate(places)
            }
        else:
            if init == "bw":
                candidate = {"rnn": 0, "lstm": 2, "gru": 2}[source.kind] * hidden
                partial = model.parameters()[source.name, "weight"][
                    candidate : candidate + hidden, -hidden:
                ].T
            else:
                partial = RADIUS * random_entries(
                    (hidden, hidden), 1 / sqrt(hidden), False, random
                ).astype(np.float64)
            kept = (
                [kept_entries(hidden, hidden, 1 - sparsity, random).tolist() for _ in range(STEPS)]
                if sparsity
                else None
            )
            triangles[layer.name] = triangular.blocks(
                partial.tolist(), STEPS, kept, binary, exponent == "distance", scale
            )
    return output_feedback, triangles


def assert_equals_drawn(model, numerics, expected):
    """The matrices are the equations', to the float32 that they are drawn and sized in; with them,
    the step is, to float64.
    """
    output_feedback = {
        name: [stored.matrix.T.tolist() for stored in steps]
        for name, steps in numerics.output_feedback.items()
    }
    triangles = {
        name: {place: stored.matrix.T.tolist() for place, stored in blocks.stored.items()}
        for name, blocks in numerics.blocks.items()
    }
    assert (output_feedback.keys(), triangles.keys()) == tuple(part.keys() for part in expected)
    for name, steps in expected[0].items():
        np.testing.assert_allclose(output_feedback[name], steps, rtol=1e-6)
    for name, blocks in expected[1].items():
        assert triangles[name].keys() == blocks.keys()
        for place, block in blocks.items():
            np.testing.assert_allclose(triangles[name][place], block, rtol=1e-6, atol=1e-15)
    source = [layer for layer in model.network.weighted if layer.recurrent][-1]
    landing = triangular.two_modules(
        model.network.output.name, output_feedback, triangles, source.name, source.kind == "rnn"
    )
    assert_equals(model, numerics, landing, None)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize(
    "options", [{}, {"per_step": True, "scale": 0.25}], ids=["shared", "per-step-scaled"]
)
def test_triangular_equals_the_transcription(network, options):
    model = filled_model(network)
    assert_equals_drawn(
        model, rule("triangular", model, **options), drawn(model, powers=False, **options)
    )


@pytest.mark.parametrize("network", SQUARE.values(), ids=SQUARE)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"per_step": True, "scale": 0.25},
        {"exponent": "printed"},
        {"sparsity": 0.5},
        {"binary": True},
        {"sparsity": 0.5, "binary": True},
        {"sparsity": 0.5, "binary": True, "exponent": "printed", "per_step": True},
        {"init": "bw"},
        {"init": "bw", "exponent": "printed", "sparsity": 0.3},
        {"init": "bw", "binary": True, "per_step": True, "scale": 0.5},
    ],
    ids=lambda options: "-".join(f"{key}={value}" for key, value in options.items()) or "plain",
)
def test_revised_equals_the_transcription(network, options):
    model = filled_model(network)
    assert_equals_drawn(
        model, rule("revised", model, **options), drawn(model, powers=True, **options)
    )


@pytest.mark.parametrize("network", SQUARE.values(), ids=SQUARE)
@pytest.mark.parametrize(
    "options", [{}, {"scale": 0.25}, {"init": "bw"}], ids=["random", "scaled", "bw"]
)
def test_recurrence_equals_the_blocks(network, options):
    numerics = rule("revised", filled_model(network), **options)
    for name, blocks in numerics.blocks.items():
        assert blocks.recurrence is not None, name
        error = numbers((STEPS, 2, len(blocks.recurrence[0])), 1.0)
        np.testing.assert_allclose(
            blocks.carry(error), blocks.by_blocks(error), rtol=1e-12, atol=1e-15
        )


def test_blocks_that_are_no_powers_have_no_recurrence():
    model = filled_model(SQUARE["words-gru"])
    for name, options in [
        ("triangular", {}),
        ("revised", {"binary": True}),
        ("revised", {"sparsity": 0.5}),
        ("revised", {"exponent": "printed"}),
    ]:
        assert all(
            blocks.recurrence is None for blocks in rule(name, model, **options).blocks.values()
        )


def test_later_errors_reach_earlier_words_and_never_the_other_way():
    for name, options in [
        ("triangular", {}),
        ("revised", {}),
        ("revised", {"binary": True}),
        ("revised", {"exponent": "printed"}),
    ]:
        for blocks in rule(name, filled_model(SQUARE["words-gru"]), **options).blocks.values():
            for step in range(STEPS):
                error = np.zeros((STEPS, 1, 4))
                error[step] = numbers((1, 4), 0.3)
                reached = np.abs(blocks.carry(error)).max(axis=(1, 2)) > 0
                assert reached.tolist() == [i <= step for i in range(STEPS)]


@pytest.mark.parametrize(("sparsity", "kept"), [(0.0, 20), (0.5, 10), (0.9, 2), (0.98, 1)])
def test_sparse_matrices_store_what_they_keep(sparsity, kept):
    """At least one entry a row, so that no neuron goes without an error."""
    network = (
        Builder("wide", words=WORDS)
        .add("embedding", 20)
        .add("gru", 20)
        .add("fc", CLASSES)
        .network()
    )
    for blocks in rule(
        "revised", filled_model(network), sparsity=sparsity, binary=True
    ).blocks.values():
        for stored in blocks.stored.values():
            assert stored.values.shape == (20, kept)
            assert np.count_nonzero(stored.matrix) == np.count_nonzero(stored.values)
        assert len(blocks.stored) == STEPS * (STEPS + 1) // 2


@pytest.mark.parametrize("sparsity", [0.0, 0.9])
@pytest.mark.parametrize("binary", [False, True])
def test_sparse_and_binary_matrices_carry_errors_of_the_same_size(sparsity, binary):
    network = (
        Builder("wide", words=WORDS)
        .add("embedding", 200)
        .add("rnn", 200)
        .add("fc", CLASSES)
        .network()
    )
    (blocks,) = rule(
        "revised", filled_model(network), sparsity=sparsity, binary=binary
    ).blocks.values()
    error = numbers((1, 50, 200), 0.7)
    carried = blocks.stored[0, 1].carry(error[0])
    assert np.sqrt((carried**2).mean()) == pytest.approx(
        RADIUS * np.sqrt((error**2).mean()), rel=0.15
    )


def test_random_powers_fade():
    """The spectral radius of a random matrix of deviation r / sqrt(H) is r (the circular law)."""
    network = (
        Builder("wide", words=WORDS)
        .add("embedding", 300)
        .add("rnn", 300)
        .add("fc", CLASSES)
        .network()
    )
    (blocks,) = rule("revised", filled_model(network)).blocks.values()
    assert np.abs(np.linalg.eigvals(blocks.recurrence[0])).max() == pytest.approx(RADIUS, rel=0.1)


@pytest.mark.parametrize(
    ("name", "network", "message"),
    [
        (
            "triangular",
            Builder("dense", (1, 1, 7)).add("fc", 6).add("fc", CLASSES),
            "dense must have recurrent layers for triangular feedback",
        ),
        (
            "revised",
            Builder("unequal", words=WORDS).add("embedding", 3).add("rnn", 4).add("fc", CLASSES),
            "revised must have inputs of rnn1 as long as the state of rnn1 (4), got 3",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(name, network, message):
    with pytest.raises(InputError) as caught:
        rule(name, filled_model(network.network()))
    assert str(caught.value) == message


@pytest.mark.parametrize("sparsity", [0.0, 0.75])
@pytest.mark.parametrize("per_step", [False, True])
def test_words_and_multiplications_are_table_4s(monkeypatch, sparsity, per_step):
    """H V of S_fc, once a time step as table 4 counts it, and H H a block of the triangle's T (T +
    1) / 2; each multiplied once a sample.
    """
    hidden, samples = 8, 2
    network = (
        Builder("square", words=WORDS)
        .add("embedding", hidden)
        .add("lstm", hidden)
        .add("fc", 4)
        .network()
    )
    numerics = rule("revised", filled_model(network), sparsity=sparsity, per_step=per_step)
    (blocks,) = numerics.blocks.values()
    blocks.recurrence = None  # what hardware stores and multiplies are the blocks
    of_output, of_triangle = (
        (1 - sparsity) * hidden * 4,
        (1 - sparsity) * hidden * hidden * STEPS * (STEPS + 1) // 2,
    )
    assert stored_words(numerics) == (STEPS if per_step else 1) * of_output + of_triangle
    counted = []
    original = products.stored_product
    monkeypatch.setattr(
        products,
        "stored_product",
        lambda *operands: counted.append(len(operands[0]) * operands[2]) or original(*operands),
    )
    run(numerics.model, numerics)
    assert sum(counted) == samples * (STEPS * of_output + of_triangle)
