"""The canonical mapping (docs/mapping.md): who computes what, op by op."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.pe.broadcast.kind import Broadcast
from accelsim.pe.mapping import Mapping, Route
from accelsim.pe.registry import pe_kind
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Operand, Role, Tensor, Use
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder


def network() -> Network:
    return (
        Builder("mapped", (5, 4, 3))
        .add("conv", 8, kernel=(3, 2), stride=(2, 1), padding=(1, 1, 0, 1))
        .add("relu")
        .add("fc", 2)
        .network()
    )


def mappings(architecture: Machine, rule: str = "bp", batch: int = 3) -> dict[str, Mapping]:
    step = lower(network(), rule, batch)
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    return {op.name: mapper.map(op) for op in step.ops if isinstance(op, Contraction)}


def test_outputs_and_reductions_by_pass() -> None:
    """Output channels are C in EP; in WG rows are K and lanes (R, S, C)."""
    found = {
        op.name: op.nest for op in lower(network(), "bp", 3).ops if isinstance(op, Contraction)
    }
    assert {
        name: (each.channels, each.positions, each.reduction) for name, each in found.items()
    } == {
        "conv0.FF": (8, 3 * 3 * 4, 3 * 2 * 3),
        "conv0.WG": (8, 3 * 2 * 3, 3 * 3 * 4),
        "fc2.FF": (2, 3, 96),
        "fc2.EP": (96, 3, 2),
        "fc2.WG": (2, 96, 3),
    }
    feedback = lower(network(), "sdfa:k=1", 3).op("fc2.EP").nest
    assert (feedback.channels, feedback.positions, feedback.reduction) == (8, 3 * 12, 1)


def test_near_memory_gives_each_channel_a_pe_and_spare_pes_further_positions() -> None:
    found = mappings(machine(pe_array__rows=4, pe_array__cols=5, pe_array__lanes=3))
    shapes = {
        name: (each.channels_per_tile, each.positions_per_tile, each.copies)
        for name, each in found.items()
    }
    assert shapes == {
        "conv0.FF": (8, 6, 2),  # 20 PEs hold 8 channels twice
        "conv0.WG": (8, 6, 2),
        "fc2.FF": (2, 30, 10),
        "fc2.EP": (20, 3, 1),  # 96 outputs on 20 PEs
        "fc2.WG": (2, 30, 10),
    }
    assert found["fc2.EP"].channel_tiles == 5
    assert found["conv0.FF"].position_tiles == 6


def test_without_room_for_copies_spare_pes_idle() -> None:
    """The 36 B of a channel of conv0 fit once beside those of fc2, not twice."""
    tight = machine(
        pe_array__rows=4,
        pe_array__cols=5,
        pe_array__lanes=3,
        scratchpad__capacity="1035B",
        scratchpad__working="1000B",
    )
    assert mappings(tight)["conv0.FF"].copies == 1
    assert mappings(tight)["conv0.FF"].positions_per_tile == 3


def test_von_neumann_rows_are_channels_and_columns_positions() -> None:
    found = mappings(machine("von_neumann", pe_array__rows=4, pe_array__cols=5, pe_array__lanes=3))
    assert {(each.channels_per_tile, each.positions_per_tile) for each in found.values()} == {
        (4, 15)
    }


def test_outputs_are_packed_inside_what_half_the_working_space_holds() -> None:
    """16-bit words of one position's channels, as many positions as 300 B hold, in whole tiles."""
    found = mappings(machine(pe_array__lanes=2, scratchpad__working="600B"), batch=40)
    assert found["conv0.FF"].fill_positions == 50 // 2 * 2  # 3 channels
    assert found["fc2.EP"].fill_positions == 40  # 2 channels, 40 positions in all
    feedback = mappings(machine(pe_array__lanes=2, scratchpad__working="600B"), "dfa", batch=40)[
        "fc2.EP"
    ]
    assert (
        feedback.fill_positions == 75 // 2 * 2
    )  # a position brings the 2 output errors of its sample


def test_an_operand_tile_that_does_not_fit_alone_is_refused() -> None:
    with pytest.raises(InputError) as refusal:
        simulate(network(), machine(scratchpad__working="100B"), trace="dense")
    # 2 lanes x (2 windows of 16 positions of two 16-bit operands + a 32-bit sum) = 264 B
    assert str(refusal.value) == (
        "scratchpad.working must be >= 264B to hold the operand tile of conv0.FF (2 lanes, two "
        "windows of 16 positions each), got 100B"
    )
    assert simulate(network(), machine(scratchpad__working="264B"), trace="dense").cycles > 0


def moved(mapping: Mapping) -> dict[tuple[str, str, bool], int]:
    """Words by what the tensor is, route and direction."""
    found: dict[tuple[str, str, bool], int] = {}
    for each in mapping.transfers:
        key = (str(each.tensor.role), str(each.route), each.inbound)
        found[key] = found.get(key, 0) + each.words
    return found


def dense_product(
    inputs: int, outputs: int, batch: int, architecture: Machine, rule: str = "bp"
) -> dict[str, Mapping]:
    """Mappings of a classifier of ``inputs`` x ``outputs`` words, behind one that makes its
    inputs.
    """
    step = lower(
        Builder("product", (1, 1, 2)).add("fc", inputs).add("relu").add("fc", outputs).network(),
        rule,
        batch,
    )
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    return {op.name: mapper.map(op) for op in step.ops if isinstance(op, Contraction)}


def test_staged_weights_come_again_where_partial_sums_have_no_room() -> None:
    """24 positions are 4 tiles of 3 columns x 2 lanes. 20 words of 16 bits do not fit half of 64 B,
    so they come in 3 chunks of 128 bits,

    beside which a PE has room for the 32-bit sums of two tiles of its 2 lanes: weights come twice,
    and sums wait between chunks.
    """
    staging = machine("von_neumann", scratchpad__working="64B", pe_array__window=1)
    found = moved(dense_product(20, 4, 24, staging)["fc2.FF"])
    assert found["weight", "multicast", True] == 2 * 20 * 4
    assert (
        found["activation", "home", False] == found["activation", "home", True] == 24 * 4 * (3 - 1)
    )
    # Half of 80 B holds a channel's weights: they stay.
    roomy = moved(
        dense_product(
            20, 4, 24, machine("von_neumann", scratchpad__working="80B", pe_array__window=1)
        )["fc2.FF"]
    )
    assert roomy["weight", "multicast", True] == 20 * 4
    assert ("activation", "home", True) not in roomy


@pytest.mark.parametrize(
    ("dataflow", "inputs", "weights", "sums"),
    [
        # 2 column folds of the 3 outputs, 2 row folds of the 5 positions
        ("output_stationary", 2 * 5 * 10, 2 * 30, 0),
        # 10 inputs fold 3 times onto 4 rows: 2 rounds of sums for each of 5 x 3 outputs
        ("weight_stationary", 2 * 5 * 10, 30, 2 * 15),
        # 5 positions fold 3 times onto 2 columns
        ("input_stationary", 5 * 10, 3 * 30, 2 * 15),
    ],
)
def test_systolic_traffic_follows_the_dataflow(
    dataflow: str, inputs: int, weights: int, sums: int
) -> None:
    array = machine("systolic", pe_array__rows=4, pe_array__cols=2, pe_array__dataflow=dataflow)
    found = dense_product(10, 3, 5, array)["fc2.FF"]
    counted = moved(found)
    assert counted["weight", "scatter", True] == weights
    assert counted["activation", "scatter", True] == inputs + sums
    assert counted["activation", "collect", False] == 15 + sums
    assert sum(each.words for each in found.transfers if each.bits == 32) == 2 * sums
    assert sum(each.dram_words for each in found.transfers if each.bits == 32) == 0


def test_the_mask_of_needed_outputs_goes_to_their_pes() -> None:
    found = dense_product(6, 2, 3, machine())["fc2.EP"]
    (needed,) = (each for each in found.transfers if each.tensor.name == "relu1.mask")
    assert (needed.words, needed.bits, needed.deliveries, needed.dram_words, needed.inbound) == (
        6 * 3,
        1,
        6 * 3,
        6 * 3,
        True,
    )
    every = dense_product(6, 2, 3, machine(pe_array__skip_outputs=False))["fc2.EP"]
    assert [each for each in every.transfers if each.tensor.name == "relu1.mask"] == []


def test_words_whose_zeros_are_skipped_are_masked_where_they_are_kept() -> None:
    skip = {"ff": "stationary", "ep": "moving", "wg": "both"}
    found = dense_product(6, 2, 3, machine("von_neumann", pe_array__skip=skip))
    masked = {
        name: {str(each.tensor.role) for each in mapping.transfers if each.masked}
        for name, mapping in found.items()
        if name[:3] == "fc2"
    }
    assert masked == {"fc2.FF": {"weight"}, "fc2.EP": {"error"}, "fc2.WG": {"activation", "error"}}


def test_neurons_of_a_sparse_feedback_are_sent_the_errors_that_they_name() -> None:
    """3 neurons name one error each, where there are 8; 12 neurons would be sent more than all of
    them.
    """
    few, many = (dense_product(hidden, 8, 2, machine(), "ssdfa")["fc2.EP"] for hidden in (3, 12))
    assert moved(few)["error", "scatter", True] == 2 * 3
    assert moved(many)["error", "multicast", True] == 2 * 8
    assert ("error", "scatter", True) not in moved(many)


def test_words_of_a_sequence_are_shared_by_its_time_steps() -> None:
    """Three steps of 4, 1 and 3 words: of 10 words sent they have 5, 1 (as 50 of 80 are 6) and 4;
    of 25 taken 12, 3 and 10; of 16 from DRAM 8, 2 and 6.
    """
    sizes = (4, 1, 3)
    tensors = [Tensor(f"x.t{step}", Role.ACTIVATION, (size,)) for step, size in enumerate(sizes)]
    step = lower(network(), "bp", 1)
    op = step.op("fc2.FF")
    assert isinstance(op, Contraction)
    operands = tuple(Operand(tensor, Use.MOVING) for tensor in tensors)
    kind = pe_kind(machine())
    found = kind.spread(replace(op, operands=operands), Use.MOVING, Route.MULTICAST, 10, 25, 16)
    assert [(t.tensor.name, t.words, t.deliveries, t.dram_words) for t in found] == [
        ("x.t0", 5, 12, 8),
        ("x.t1", 1, 3, 2),
        ("x.t2", 4, 10, 6),
    ]
    assert all(t.inbound and t.route is Route.MULTICAST for t in found)


def errors_of(mapping: Mapping) -> tuple[int, int]:
    """Words of the errors that are sent, and that PEs take."""
    sent = [t for t in mapping.transfers if t.inbound and t.tensor.role is Role.ERROR]
    return sum(t.words for t in sent), sum(t.deliveries for t in sent)


def test_errors_that_do_not_fit_come_again_for_each_tile_of_a_map() -> None:
    """Dense feedback of 2 samples to 8 channels of 8 x 8 pixels on 4 PEs of 2 lanes: two channel
    tiles, and 64 tiles of two pixels of one sample. 12 errors of 16 bits fit 24 bytes, 13 do not.
    """
    for errors, expected in ((12, (2 * 12 * 2, 2 * 12 * 2 * 4)), (13, (64 * 13 * 2, 64 * 13 * 8))):
        small = machine(pe_array__cols=2, pe_array__window=1, scratchpad__working="24B")
        layers = Builder("map", (8, 8, 1)).conv(8).add("relu").add("fc", errors).network()
        step = lower(layers, "dfa", 2)
        op = step.op("fc2.EP")
        assert isinstance(op, Contraction)
        mapping = Mapper(small, allocate(step, small, 1)).map(op)
        assert (mapping.channel_tiles, mapping.position_tiles) == (2, 64)
        assert errors_of(mapping) == expected


def test_pes_that_share_a_reduction_keep_the_errors_of_their_own_channels() -> None:
    """EP of 3 errors to 5 channels on 3 PEs of one lane: a PE takes an error of each sample. 16
    bytes hold those of 8 samples; with 9 they come again for each of 5 channels.
    """
    small = machine(
        pe_array__rows=1,
        pe_array__lanes=1,
        pe_array__window=1,
        near_memory__transpose="psum_reduce",
        scratchpad__working="16B",
    )
    assert errors_of(dense_product(5, 3, 8, small)["fc2.EP"]) == (8 * 3, 8 * 3)
    assert errors_of(dense_product(5, 3, 9, small)["fc2.EP"]) == (5 * 9 * 3, 5 * 9 * 3)


def test_spilled_weights_of_a_shared_reduction_are_taken_as_often_as_they_are_sent() -> None:
    """5 errors of 16 bits are more than half of 16 bytes, so weights come in 2 chunks of 32 bits;
    beside one of them a PE has room for the sum of one position: 4 samples, 4 sendings.
    """
    small = machine(
        pe_array__rows=1,
        pe_array__lanes=1,
        pe_array__window=1,
        near_memory__transpose="psum_reduce",
        scratchpad__working="16B",
        scratchpad__capacity="17B",
    )
    found = dense_product(2, 5, 4, small)["fc2.EP"]
    (weights,) = (t for t in found.transfers if t.spilled)
    assert (weights.words, weights.deliveries) == (4 * 10, 4 * 10)


def test_an_objective_that_nobody_states_is_edp() -> None:
    stated = load_machine("von-neumann", {"mapping.objective": "canonical"})
    for on, given, used in (
        ("von-neumann", None, "edp"),
        (stated, None, "canonical"),
        (stated, "cycles", "cycles"),
    ):
        found = simulate("mnist-fc", on, rule="bp", trace="dense", objective=given).machine
        assert found is not None
        assert found["mapping"]["objective"] == used


def test_an_objective_for_one_run_wins_over_that_of_the_machine() -> None:
    canonical, best = (
        simulate("cifar10-conv", "von-neumann", rule="bp", batch=4, trace="dense", objective=each)
        for each in ("canonical", "cycles")
    )
    assert canonical.machine is not None
    assert best.machine is not None
    assert canonical.machine["mapping"]["objective"] == "canonical"
    assert best.machine["mapping"]["objective"] == "cycles"
    assert best.cycles < canonical.cycles
    assert best.arch == canonical.arch


def test_an_objective_is_accepted_where_there_is_nothing_to_choose() -> None:
    canonical, best = (
        simulate("mnist-fc", "systolic-32x32", rule="bp", trace="dense", objective=each)
        for each in ("canonical", "edp")
    )
    assert best.cycles <= canonical.cycles


@pytest.mark.parametrize(("staging", "dram_words"), [("2304B", 2 * 1152), ("2303B", 11968)])
def test_a_map_visited_tile_by_tile_comes_from_dram_once_if_a_sample_is_staged(
    staging: str, dram_words: int
) -> None:
    """A sample has 12 x 12 x 8 words of 16 bits: 2304 bytes."""
    network = Builder("tiles", (12, 12, 8)).add("conv", 12, kernel=(3, 3), padding=(1, 1, 1, 1))
    step = lower(network.add("fc", 2).network(), "bp", 2)
    small = machine(
        scratchpad__working="512B",
        scratchpad__capacity="64KiB",
        global_buffer__capacity="256KiB",
        global_buffer__staging=staging,
    )
    op = step.op("conv0.FF")
    assert isinstance(op, Contraction)
    mapping = Mapper(small, allocate(step, small, 1)).map(op)
    assert mapping.positions_outermost
    (moved,) = (t for t in mapping.transfers if t.tensor.name == "input")
    assert (moved.words, moved.dram_words) == (11968, dram_words)


def test_zeros_between_groups_join_groups_except_in_weight_gradients() -> None:
    network = Builder("groups", (4, 4, 4)).add("conv", 4, kernel=(3, 3), groups=2).add("fc", 2)
    step = lower(network.network(), "bp", 1)
    array = machine(pe_array__kind="broadcast", pe_array__structural_zeros="window")
    kind = pe_kind(array)
    assert isinstance(kind, Broadcast)
    found = {}
    for name in ("conv0.FF", "conv0.WG"):
        op = step.op(name)
        assert isinstance(op, Contraction)
        found[name] = kind.moving_groups(op)
    assert found == {"conv0.FF": 1, "conv0.WG": 2}
