"""Named accountings of a small network, against counts by hand."""

from __future__ import annotations

from accelsim.cost.accountings import accountings
from accelsim.rules.registry import lower
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.random_networks import network_of
from tests.reference_networks import Builder

FC = (
    Builder("fc", (1, 1, 7))
    .add("fc", 6)
    .add("relu")
    .add("fc", 5)
    .add("relu")
    .add("fc", 3)
    .network()
)
CONV = Builder("conv", (4, 4, 2)).conv(4).add("relu").conv(6, stride=2).add("fc", 3).network()


def counted(
    network: Network, rule: str, batch: int = 2, **overrides: object
) -> tuple[int, int, int, int]:
    """(bytes, operations) of weights-once, (words, MACs) of neuron."""
    found = accountings(lower(network, rule, batch), network, machine(**overrides))
    once, neuron = found["weights-once"]["EP"], found["neuron"]
    return once["bytes"], once["ops"], neuron["words"], neuron["macs"]


def test_backpropagation() -> None:
    """Weights 6x7, 5x6, 3x5; EP uses the last two. Neurons 6 + 5 + 3, output errors 3."""
    weights = 5 * 6 + 3 * 5
    assert counted(FC, "bp") == (
        2 * weights,
        2 * 2 * weights,
        weights + 14 + 3,
        weights + 42 + weights,
    )


def test_direct_feedback_reads_its_feedback_instead() -> None:
    """B is 3 x 6 and 3 x 5."""
    assert counted(FC, "dfa") == (2 * 33, 2 * 2 * 33, 14 * 3, 33 + 87)
    assert counted(FC, "ssdfa") == (2 * 11, 2 * 2 * 11, 14, 11 + 87)
    assert counted(FC, "sdfa:k=2") == (2 * 22, 2 * 2 * 22, 28, 22 + 87)


def test_convolutions_count_ep_at_their_inputs_resolution() -> None:
    """conv2: 9 * 4 * 6 weights over 16 pixels of its input, fc3: 24 x 3."""
    bytes_, ops, words, macs = counted(CONV, "bp")
    weights = 216 + 72
    gradients = 16 * 9 * 2 * 4 + 4 * 216 + 72
    assert (bytes_, ops) == (2 * weights, 2 * 2 * (216 * 16 + 72))
    assert (words, macs) == (weights + (64 + 24 + 3) + 3, 216 * 16 + 72 + gradients)


def test_bytes_follow_the_machines_word_sizes() -> None:
    assert counted(FC, "bp", precision__weight=5)[0] == -(-45 * 5 // 8)
    assert counted(FC, "dfa", precision__feedback=1)[0] == -(-33 // 8)
    assert counted(FC, "dfa", precision__weight=5)[0] == 66


def test_weights_shared_over_time_count_once_and_their_operations_every_time() -> None:
    layers = [
        {"name": "e", "kind": "embedding", "dim": 4},
        {"name": "cell", "kind": "rnn", "hidden": 3},
        {"name": "out", "kind": "fc", "out_features": 9},
    ]
    network = network_of(
        {"name": "words", "input": {"sequence": 5, "vocabulary": 9}, "layers": layers}
    )
    bytes_, ops, _, _ = counted(network, "bp")
    assert bytes_ == 2 * (3 * 7 + 27)
    assert ops == 2 * 2 * 5 * (3 * 7 + 27)


def test_feedback_of_other_rules_stands_in_the_weights_place() -> None:
    """Triangular: S_fc 9 x 3 shared by 5 steps, 15 blocks 3 x 4; with BP, 3 gates' rows of 7.
    Neurons 4 + 3 + 9 and 9 errors are those of BP.
    """
    layers = [
        {"name": "e", "kind": "embedding", "dim": 4},
        {"name": "cell", "kind": "rnn", "hidden": 3},
        {"name": "out", "kind": "fc", "out_features": 9},
    ]
    network = network_of(
        {"name": "words", "input": {"sequence": 5, "vocabulary": 9}, "layers": layers}
    )
    words, gradients = 27 + 15 * 12, 5 * (21 + 27)
    assert counted(network, "triangular") == (
        2 * words,
        2 * 2 * (5 * 27 + 180),
        words + 16 + 9,
        5 * 27 + 180 + gradients,
    )
    assert counted(network, "dfa")[2] == 16 * 9
