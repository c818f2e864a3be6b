"""Homes of tensors in the scratchpads: rotation, copies, spilling, partitions."""

from __future__ import annotations

import pytest

from accelsim.machine.words import home_bits, value_bits, word_bits
from accelsim.mapping.residency import Residency, allocate
from accelsim.mapping.rooms import slice_bytes
from accelsim.rules.registry import lower
from accelsim.step.ops import Role, Tensor
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder, sequence_networks


def network() -> Network:
    """Weights of 5 x 4, 7 x 5 and 3 x 7 words."""
    return Builder("homes", (1, 1, 4)).add("fc", 5).add("fc", 7).add("fc", 3).network()


def residency(
    rule: str = "bp", partitions: int = 1, optimizer: str = "momentum", **overrides: object
) -> Residency:
    architecture = machine(
        pe_array__rows=2, pe_array__cols=3, scratchpad__working="300B", **overrides
    )
    return allocate(lower(network(), rule, 1, optimizer), architecture, partitions)


def pads(capacity: int) -> dict[str, object]:
    return {"scratchpad__capacity": f"{300 + capacity}B"}


def test_channels_rotate_over_the_pes_from_layer_to_layer() -> None:
    """PEs hold 8 B of fc0 in 0-4; 10 B of fc1 in 5, 0-4 and 5 again; 14 B of fc2 in 0-2: the
    fullest has 8 + 10 + 14 B.
    """
    assert residency(optimizer="sgd", **pads(32)).spilled_words() == 0
    assert residency(optimizer="sgd", **pads(32)).free_bytes == [0]
    # One byte less, and the three channels of fc2 find no room.
    assert residency(optimizer="sgd", **pads(31)).spilled_words() == 21


def test_nothing_has_a_home_without_near_memory() -> None:
    architecture = machine("von_neumann")
    assert allocate(lower(network(), "bp", 1), architecture, 1).homes == {}


def test_what_does_not_fit_spills_channel_by_channel() -> None:
    found = residency(optimizer="sgd", **pads(9))
    assert (found.homes["fc0.weight"].resident, found.homes["fc0.weight"].spilled) == (20, 0)
    assert (found.homes["fc1.weight"].resident, found.homes["fc1.weight"].spilled) == (0, 35)
    assert (found.homes["fc2.weight"].resident, found.homes["fc2.weight"].spilled) == (0, 21)


def test_spare_pes_hold_copies_as_many_as_fit() -> None:
    """Two copies of fc2 need 14 B more in PEs 3-5, of which 3 and 4 have 18 B and 5 has 20 B so
    far.
    """
    assert residency(optimizer="sgd", **pads(34)).homes["fc2.weight"].copies == 2
    assert residency(optimizer="sgd", **pads(33)).homes["fc2.weight"].copies == 1
    assert residency(optimizer="sgd", **pads(1000)).homes["fc1.weight"].copies == 1


def test_feedback_comes_after_weights_and_takes_nothing_where_it_is_regenerated() -> None:
    found = residency("dfa", optimizer="sgd", **pads(1000))
    assert found.homes["fc1.feedback"].resident == 5 * 3
    assert found.homes["fc2.feedback"].resident == 7 * 3
    assert {
        name
        for name in residency("dfa", near_memory__feedback="prng", **pads(1000)).homes
        if "feedback" in name
    } == set()
    assert residency("dfa", optimizer="sgd", **pads(34)).homes["fc1.feedback"].spilled > 0


def test_optimizer_state_takes_what_is_left() -> None:
    assert residency(**pads(1000)).homes["fc0.momentum"].spilled == 0
    adam = residency(optimizer="adam", **pads(40))
    state = [
        adam.homes[f"{layer}.{word}"]
        for layer in ("fc0", "fc1", "fc2")
        for word in ("moment1", "moment2")
    ]
    assert sum(home.spilled for home in state) > 0
    assert sum(home.spilled for name, home in adam.homes.items() if name.endswith("weight")) == 0
    assert adam.free_bytes[0] >= 0


def test_layers_go_to_the_partition_that_holds_the_fewest_bytes() -> None:
    found = residency(partitions=3, **pads(1000))
    assert {
        layer: part for layer, part in found.partition_of.items() if layer.startswith("fc")
    } == {"fc0": 0, "fc1": 1, "fc2": 2}
    assert found.pes_per_partition == 2
    assert len(found.free_bytes) == 3


def test_feedback_of_one_op_alone_lives_where_there_is_least_of_it() -> None:
    """Three layers of 3 time steps: feedback of each step goes round the partitions, whatever
    weights are there; what steps share does not.
    """
    network, architecture = sequence_networks()["words-rnn-deep"], machine(partitions=3)
    found = allocate(lower(network, "dfa:per_step=true", 1), architecture, 3).partition_of_feedback
    assert len(found) == 9
    for layer in ("fc3", "rnn2", "rnn1"):
        assert sorted(found[f"{layer}.feedback.t0{step}"] for step in range(3)) == [0, 1, 2]
    shared = allocate(lower(network, "dfa", 1), architecture, 3)
    assert shared.partition_of_feedback == {
        f"{layer}.feedback": shared.partition_of[layer] for layer in ("fc3", "rnn2", "rnn1")
    }
    assert sorted(shared.partition_of[layer] for layer in ("fc3", "rnn2", "rnn1")) == [0, 1, 2]


def test_an_op_has_a_home_where_its_weights_or_feedback_have_one() -> None:
    step = lower(network(), "dfa", 1)
    homes = [
        allocate(step, machine(partitions=3, near_memory__feedback=feedback), 3)
        for feedback in ("stored", "prng")
    ]
    for found in homes:
        assert [found.partition(step.op(f"fc{index}.FF")) for index in range(3)] == [0, 1, 2]
        assert [found.partition(step.op(f"fc{index}.WG")) for index in range(3)] == [0, 1, 2]
    assert homes[0].partition(step.op("fc2.EP")) == homes[0].partition_of_feedback["fc2.feedback"]
    assert homes[1].partition(step.op("fc2.EP")) is None
    nowhere = allocate(step, machine("von_neumann", partitions=3), 3)
    assert {nowhere.partition(op) for op in step.ops} == {None}


@pytest.mark.parametrize(
    ("channels", "words", "pes", "expected"),
    [(6, 10, 6, 20), (7, 10, 6, 40), (3, 10, 6, 10), (2, 9, 6, 6), (1, 4, 6, 2)],
)
def test_the_largest_slice_of_a_tensor(channels: int, words: int, pes: int, expected: int) -> None:
    tensor = Tensor("t", Role.GRADIENT, (channels, words), home_channels=channels)
    assert slice_bytes(tensor, pes, 16) == expected


def test_word_sizes_come_from_the_role_unless_the_tensor_fixes_its_own() -> None:
    architecture = machine(precision__error=12, precision__activation=10)
    assert word_bits(Tensor("e", Role.ERROR, (1,)), architecture) == 12
    assert word_bits(Tensor("i", Role.INDEX, (1,)), architecture) == 10
    assert word_bits(Tensor("m", Role.MASK, (1,), bits=1), architecture) == 1


def test_a_sparse_word_has_its_index_beside_it_and_a_skipped_one_its_mask_bit_at_home() -> None:
    """4 of 40 words stored, each naming one of 10 errors in 4 bits."""
    sparse = Tensor("b", Role.FEEDBACK, (4, 1, 1, 10), stored=4, index_bits=4)
    dense = Tensor("w", Role.WEIGHT, (4, 10))
    plain, skipping = machine(), machine(pe_array__skip={"ff": "none", "ep": "both", "wg": "none"})
    assert [
        value_bits(sparse, plain),
        word_bits(sparse, plain),
        home_bits(sparse, plain),
        home_bits(sparse, skipping),
    ] == [16, 20, 20, 21]
    assert [word_bits(dense, skipping), home_bits(dense, plain), home_bits(dense, skipping)] == [
        16,
        16,
        17,
    ]


@pytest.mark.parametrize(("rule", "bits"), [("dfa", 16), ("ssdfa", 16 + 2), ("sdfa:k=2", 16 + 2)])
def test_sparse_feedback_names_one_of_its_errors(rule: str, bits: int) -> None:
    """3 output errors take 2 bits to name."""
    feedback = next(
        operand.tensor
        for operand in lower(network(), rule, 1).op("fc2.EP").operands
        if operand.tensor.role is Role.FEEDBACK
    )
    assert word_bits(feedback, machine()) == bits
