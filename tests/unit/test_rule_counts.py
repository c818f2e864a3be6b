"""A rule's ops against its numbers: the multiplications that the numeric code makes, and the
weights that it holds, are the ops' own.

Networks keep the size of their maps through convolutions where errors go back through these, so
that EP has no stride zeros: those are dense MACs of its op, but nobody's multiplications. Feedback
goes around convolutions, so that its rules take every network.
"""

from __future__ import annotations

import pytest

from accelsim.config.registries import RULES
from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.registry import lower, parse_rule, rule_numerics, step_kinds
from accelsim.rules.sequence.numbers import SequenceFeedback
from accelsim.rules.walk.numbers import RuleNumerics
from accelsim.step.ops import Pass, Role, TrainingStep
from accelsim.workload.network import INPUT, Network
from tests.multiplications import Multiplications, macs, stored_words
from tests.reference_networks import (
    CLASSES,
    SAMPLES,
    WORDS,
    Builder,
    batch_of,
    sequence_networks,
    small_networks,
)

ANYWHERE = (
    "bp",
    "bp-only:p=0.3",
    "fa",
    "dfa",
    "bdfa",
    "sdfa:k=2",
    "sdfa:k=2,rank=2",
    "sdfa:k=0",
    "ssdfa",
    "frozen",
)
ON_IMAGES = (
    "modular",
    "conv-dfa",
    "dilated",
    "revised",
    "revised:binary=true",
    "revised:groups=2",
    "revised:groups=2,order=printed",
    "revised:order=printed",
)
ON_SEQUENCES = (
    *(
        f"{rule},per_step=true" if ":" in rule else f"{rule}:per_step=true"
        for rule in ("dfa", "bdfa", "sdfa:k=2", "ssdfa")
    ),
    "triangular",
    "triangular:per_step=true",
    "revised",
    "revised:per_step=true",
    "revised:sparsity=0.5,binary=true",
    "revised:sparsity=0.98,per_step=true",
    "revised:exponent=printed",
    "revised:init=bw,binary=true",
)


def counted_network() -> Network:
    """Channels that groups of 2 divide, a shortcut of one by one, a pool, batch norm and a head of
    two layers.
    """
    builder = (
        Builder("counted")
        .conv(4)
        .add("batch_norm")
        .add("relu")
        .conv(6, groups=2)
        .add("relu")
        .add("max_pool", kernel=(2, 2), stride=(2, 2))
    )
    builder.conv(6, side=1).add("relu").conv(6, side=1, inputs=("max_pool5",)).add(
        "add", inputs=("relu7", "conv8")
    ).add("relu")
    return builder.conv(6).add("relu").add("fc", 5).add("tanh").add("fc", CLASSES).network()


def strided_network() -> Network:
    """A residual block whose shortcut is strided, another without a convolution, average pools."""
    builder = (
        Builder("strided", (8, 8, 2)).conv(4).add("relu").conv(6, stride=2).add("relu").conv(4)
    )
    builder.conv(4, side=1, stride=2, inputs=("relu1",)).add("add", inputs=("conv4", "conv5")).add(
        "relu"
    )
    builder.conv(4).add("relu").conv(4).add("add", inputs=("conv10", "relu7")).add("relu").add(
        "avg_pool", kernel=(2, 2), stride=(2, 2)
    )
    return (
        builder.conv(4, dilation=(2, 1), padding=(2, 2, 1, 1))
        .add("relu")
        .add("global_avg_pool")
        .add("fc", CLASSES)
        .network()
    )


IMAGES = {
    network.name: network
    for network in (counted_network(), strided_network(), *small_networks().values())
}
WIDE = (
    Builder("words-wide", words=WORDS)
    .add("embedding", 8)
    .add("lstm", 8)
    .add("lstm", 8)
    .add("fc", CLASSES)
    .network()
)
SEQUENCES = sequence_networks() | {WIDE.name: WIDE}


def keeps_sizes(network: Network) -> bool:
    """Whether every convolution that carries an error makes a map of the size that it reads."""
    return all(
        layer.in_shape[:2] == layer.out_shape[:2]
        for layer in network.weighted
        if layer.kind == "conv" and layer.inputs[0] != INPUT
    )


def attends(network: Network) -> bool:
    return any(layer.attends for layer in network.layers)


def enlarges(network: Network) -> bool:
    """Whether a transposed convolution has stride zeros, forward too."""
    return any(layer.kind == "conv_transpose" for layer in network.layers)


def suits(spelling: str, network: Network) -> bool:
    """Whether the rule can be counted on the network: through convolutions errors go as these say
    above; groups and powers ask for equal sides.
    """
    if spelling.startswith(("bp", "fa")):
        return keeps_sizes(network)
    if spelling in ON_IMAGES and (network.name == "gated" or attends(network)):
        return False  # a gate is beside the end of its module; attention has no modules
    if "groups" in spelling:
        return network.name in ("counted", "strided")
    if spelling.startswith("revised") and network.vocabulary:
        hidden = [layer.out_shape[2] for layer in network.weighted if layer.recurrent][-1]
        return all(layer.in_shape[2] == hidden for layer in network.weighted if layer.recurrent)
    return network.output.weighted


CASES = [
    pytest.param(network, spelling, id=f"{network.name}-{spelling}")
    for networks, spellings in (
        (IMAGES, ANYWHERE + ON_IMAGES),
        (SEQUENCES, ANYWHERE + ON_SEQUENCES),
    )
    for network in networks.values()
    for spelling in spellings
    if suits(spelling, network)
]


def made(network: Network, spelling: str) -> tuple[TrainingStep, Model, RuleNumerics]:
    """The step's ops, and model and rule with the numbers of the same."""
    rule, model = parse_rule(spelling), Model(network)
    numbers = rule_numerics(rule, model, seed=0)
    if isinstance(numbers, SequenceFeedback):
        for blocks in numbers.blocks.values():
            blocks.recurrence = (
                None  # which saves multiplications that a machine makes, since it stores the blocks
            )
    return lower(network, rule, SAMPLES), model, numbers


@pytest.mark.parametrize(
    ("network", "spelling"), [case for case in CASES if not enlarges(case.values[0])]
)
def test_ops_have_the_multiplications_of_the_numbers(monkeypatch, network, spelling):
    step, model, numbers = made(network, spelling)
    inputs, labels = batch_of(network)
    counted = Multiplications(monkeypatch)
    logits = model.forward(inputs)
    assert counted.count == macs([op for op in step.ops if op.pass_ is Pass.FF])
    counted.count = 0
    numbers.propagate(softmax_loss(logits, labels)[1], labels)
    assert counted.count == macs([op for op in step.ops if op.pass_ in (Pass.EP, Pass.WG)])


@pytest.mark.parametrize(("network", "spelling"), CASES)
def test_ops_have_the_words_of_the_numbers(network, spelling):
    step, model, numbers = made(network, spelling)
    tensors = {operand.tensor.name: operand.tensor for op in step.ops for operand in op.operands}
    words = {
        role: sum(tensor.elements for tensor in tensors.values() if tensor.role is role)
        for role in (Role.WEIGHT, Role.FEEDBACK)
    }
    read = {key: array.size for key, array in model.parameters().items()}
    for layer in network.weighted:
        if layer.kind == "embedding":  # no more rows than the step has words
            read[layer.name, "weight"] = (
                min(SAMPLES * network.time_steps, layer.vocabulary) * layer.out_shape[2]
            )
    assert words[Role.WEIGHT] == sum(read.values())
    assert words[Role.FEEDBACK] == stored_words(numbers)


@pytest.mark.parametrize("network", [IMAGES["counted"], WIDE], ids=lambda network: network.name)
@pytest.mark.parametrize("kind", ["bp", "revised"])
def test_each_kind_of_a_hybrids_steps_has_the_multiplications_and_words_of_its_numbers(
    monkeypatch, network, kind
):
    rule = parse_rule(f"hdfa:p={1 if kind == 'bp' else 0}")
    (step,) = step_kinds(rule)
    assert step.kind == kind
    ops, model = step.finish(lower(network, step.rule, SAMPLES)).ops, Model(network)
    hybrid = rule_numerics(rule, model, seed=0)
    for blocks in getattr(hybrid.other, "blocks", {}).values():
        blocks.recurrence = None
    hybrid.begin(0)
    inputs, labels = batch_of(network)
    counted = Multiplications(monkeypatch)
    error = softmax_loss(model.forward(inputs), labels)[1]
    hybrid.propagate(error, labels)
    assert counted.count == macs(list(ops))
    feedback = {
        operand.tensor.name: operand.tensor.elements
        for op in ops
        for operand in op.operands
        if operand.tensor.role is Role.FEEDBACK
    }
    assert sum(feedback.values()) == (stored_words(hybrid) if kind == "revised" else 0)


def test_every_rule_with_numbers_is_counted():
    assert {spelling.partition(":")[0] for spelling in ANYWHERE + ON_IMAGES + ON_SEQUENCES} | {
        "hdfa"
    } == set(RULES.names())
    feedback = [op for op in lower(counted_network(), "dfa", SAMPLES).ops if op.kind == "feedback"]
    assert feedback, "the networks' feedback is counted as ops of its own"
