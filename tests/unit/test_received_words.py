"""Words that PEs receive, counted by hand: each PE gets the words that its own outputs read."""

from __future__ import annotations

from typing import Any

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.results.op import OpResult
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Use
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder

KINDS: dict[str, dict[str, Any]] = {
    "lanes": {"pe_array__lanes": 2},
    "coupled": {"pe_array__kind": "coupled"},
    "broadcast": {"pe_array__kind": "broadcast", "pe_array__lanes": 2},
}
ROOMY = {"scratchpad__capacity": "64KiB", "scratchpad__working": "32KiB"}


def grouped(groups: int, channels: int = 4, kernel: int = 3) -> Network:
    """Two convolutions of ``channels`` on a 4 x 4 map; the second has groups."""
    pad = (kernel // 2,) * 4
    return (
        Builder("grouped", (4, 4, channels))
        .add("conv", channels, kernel=(1, 1))
        .add("relu")
        .add("conv", channels, kernel=(kernel, kernel), padding=pad, groups=groups)
        .network()
    )


def taken(network: Network, op: str, architecture: Machine, use: Use = Use.MOVING) -> int:
    """Words of an operand that PEs take under the canonical mapping."""
    step = lower(network, "bp", 1)
    found = step.op(op)
    assert isinstance(found, Contraction)
    mapping = Mapper(architecture, allocate(step, architecture, 1)).map(found)
    tensors = {operand.tensor for operand in found.operands_of(use)}
    return sum(t.deliveries for t in mapping.transfers if t.inbound and t.tensor in tensors)


def received(network: Network, op: str, architecture: Machine) -> OpResult:
    result = simulate(network, architecture, trace="dense")
    assert isinstance(result, Result)
    (found,) = (each for each in result.ops if each.name == op)
    return found


@pytest.mark.parametrize("pass_", ["FF", "EP", "WG"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("organization", ["near_memory", "von_neumann"])
def test_a_channel_group_goes_to_the_pes_of_its_own_outputs(
    organization: str, kind: str, groups: int, pass_: str
) -> None:
    """Four PEs have one channel each. Each of the 4 x 4 x 4 moving words goes to the 4 / groups PEs
    of its group: 256, 128 and 64 words for 1, 2 and 4 groups.
    """
    four = {"pe_array__rows": 4, "pe_array__cols": 1}
    architecture = machine(organization, **four, **KINDS[kind], **ROOMY)
    assert taken(grouped(groups), f"conv2.{pass_}", architecture) == 64 * 4 // groups


def test_a_tile_of_many_groups_gives_each_pe_its_own_channels() -> None:
    """Depthwise: four PEs, a channel each. Two PEs, two channels each: every word goes to one PE,
    whether a PE has room for both of its channels or gets one after the other.
    """
    for rows in (4, 2):
        for working in ("32KiB", "264B"):
            architecture = machine(
                pe_array__rows=rows,
                pe_array__cols=1,
                scratchpad__capacity="64KiB",
                scratchpad__working=working,
            )
            assert taken(grouped(4), "conv2.FF", architecture) == 64


def test_a_pe_holds_the_rows_of_its_group_only() -> None:
    """With 16-bit words, three rows of 4 words have 96 bytes per 4 channels. 264 B hold 2 groups of
    8 channels (192 B) but not 16 channels (384 B), of which a window of 3 columns (96 B) stays:
    words are sent again per kernel row, 4 + 4 + 4 - 2 = 10 rows instead of 4.
    """
    small = machine(
        pe_array__rows=4, pe_array__cols=4, scratchpad__capacity="64KiB", scratchpad__working="264B"
    )
    assert taken(grouped(2, 16), "conv2.FF", small) == 4 * 4 * 16 * 8
    assert taken(grouped(1, 16), "conv2.FF", small) == 10 * 4 * 16 * 16


def test_receivers_are_pes_not_taps() -> None:
    """Two channels on eight PEs of one lane: position m is in group m mod 4, i.e. column m mod 4 of
    the map. A word of an inner column is read by three columns of outputs, one at the edge by two:
    2 + 3 + 3 + 2 = 10 per row, 40 per channel of the map, in the PEs of two channels.

    With a 1 x 1 kernel each word is read by one position: one PE of each channel.
    """
    eight = machine(pe_array__rows=4, pe_array__cols=2, pe_array__lanes=1, **ROOMY)
    assert taken(grouped(1, 2), "conv2.FF", eight) == 40 * 2 * 2
    assert taken(grouped(1, 2, 1), "conv2.FF", eight) == 16 * 2 * 2
    assert taken(grouped(2, 2), "conv2.FF", eight) == 40 * 2


@pytest.mark.parametrize(
    ("working", "kernel", "words"),
    [
        ("256B", 3, 128),
        ("192B", 3, 128),
        ("191B", 3, 128 * 5),
        ("191B", 1, 128),
        ("47B", 1, 128),
        ("15B", 1, 256),
    ],
)
def test_channel_tiles_take_turns_within_a_position_tile(
    working: str, kernel: int, words: int
) -> None:
    """Near memory, 8 channels to 8 channels on 4 PEs of one lane, map of 4 x 4: two channel tiles.

    All 128 words take 256 B. Of a 3x3 kernel, three rows take 192 B: each word comes once, while
    both tiles pass for each position. Without them, it comes once per tile and kernel row, in 2 x
    10 / 4 of all. Of a 1x1 kernel, the row takes 64 B and the 8 words of a position 16 B: once too.
    Without these, once per tile.
    """
    architecture = machine(
        "near_memory",
        pe_array__rows=4,
        pe_array__cols=1,
        pe_array__lanes=1,
        pe_array__window=1,
        scratchpad__capacity="64KiB",
        scratchpad__working=working,
    )
    assert taken(grouped(1, 8, kernel), "conv2.FF", architecture) == words * 4


def test_channels_of_a_ragged_tile_count_once() -> None:
    """Six channels on four PEs: with room for the map, or for rows, each word goes to four PEs.
    Without, it is sent for four channels, then for two, each time per kernel row: 22 for 8 rows.
    """
    roomy, small = (
        machine(
            pe_array__rows=4,
            pe_array__cols=1,
            scratchpad__capacity="64KiB",
            scratchpad__working=working,
        )
        for working in ("32KiB", "264B")
    )
    network = (
        Builder("ragged", (8, 8, 2))
        .add("conv", 6, kernel=(3, 3), padding=(1, 1, 1, 1))
        .add("relu")
        .add("fc", 2)
        .network()
    )
    # 128 words of 16 bits are 256 B; three rows of 16 words are 96 B.
    assert taken(network, "conv0.FF", roomy) == 128 * 4
    tight = machine(
        pe_array__rows=4,
        pe_array__cols=1,
        pe_array__lanes=1,
        pe_array__window=1,
        scratchpad__capacity="64KiB",
        scratchpad__working="95B",
    )
    assert taken(network, "conv0.FF", small) == 128 * 4
    assert taken(network, "conv0.FF", tight) == 128 * 6 * 22 // 8


def test_rows_and_columns_that_a_stride_skips_are_not_sent() -> None:
    """A 1 x 1 kernel with stride 2 reads 2 x 2 of 4 x 4 pixels: 4 pixels x 3 channels to 4 PEs."""
    network = Builder("strided", (4, 4, 3)).add("conv", 4, kernel=(1, 1), stride=(2, 2)).network()
    four = machine(pe_array__rows=4, pe_array__cols=1, **ROOMY)
    assert taken(network, "conv0.FF", four) == 4 * 3 * 4


def test_words_received_are_those_of_all_transfers_into_pes() -> None:
    """EP of the second convolution, four PEs with a channel each, in two groups.

    - 64 errors, each to the 2 PEs of its group.
    - 4 x 2 x 9 weights, each from its home to the PE of its input channel.
    - 64 bits of the mask of needed outputs, each to the PE of its output.

    In FF each of 64 inputs goes to 2 PEs; weights are at home. In WG errors follow, one PE each.
    """
    four = machine(pe_array__rows=4, pe_array__cols=1, **ROOMY)
    network = grouped(2)
    assert received(network, "conv2.FF", four).words_received == 64 * 2
    assert received(network, "conv2.EP", four).words_received == 64 * 2 + 72 + 64
    assert received(network, "conv2.WG", four).words_received == 64 * 2 + 64
    assert received(network, "conv2.EP", four).words.remote == 72


def test_words_from_the_vector_unit_are_received_at_home() -> None:
    """Update of 4 x 2 x 9 weights outside the PEs: gradients and weights leave their homes, weights
    come back.
    """
    apart = machine(pe_array__rows=4, pe_array__cols=1, vector_unit__update_in_pe=False, **ROOMY)
    result = simulate(grouped(2), apart, trace="dense", optimizer="sgd")
    assert isinstance(result, Result)
    (update,) = (each for each in result.ops if each.name == "conv2.WU")
    assert update.words_received == 72
    assert update.words.remote == 3 * 72


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_systolic_arrays_stream_each_group_to_its_own_columns(groups: int) -> None:
    """Each group is a product of its own: 16 positions by 4 / groups outputs. On a single column
    the taps (100 inside the map per channel) stream once per output of the group.
    """
    column = machine("systolic", pe_array__rows=4, pe_array__cols=1)
    assert taken(grouped(groups), "conv2.FF", column) == 100 * 4 * (4 // groups)
