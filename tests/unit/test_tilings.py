"""Pinned mappings, what is refused of them and why, and how a mapping is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.mapping.loop_nest import loop_nest
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.mapping.tiling.arrays import Tilings
from accelsim.mapping.tiling.choices import choices
from accelsim.mapping.tiling.demand import footprints, words_again
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Tiling
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder


def network() -> Network:
    """8 x 8 positions of 8 channels from 4, 3 x 3 taps; then 10 classes."""
    return (
        Builder("tiled", (8, 8, 4))
        .add("conv", 8, kernel=(3, 3), padding=(1, 1, 1, 1))
        .add("relu")
        .add("fc", 10)
        .network()
    )


def small(**overrides: Any) -> Machine:
    """Four PEs of one lane."""
    return machine(
        "von_neumann",
        pe_array__rows=2,
        pe_array__cols=2,
        pe_array__lanes=1,
        pe_array__window=2,
        **overrides,
    )


def tiler(op: str, architecture: Machine, partitions: int = 1) -> Tiler:
    step = lower(network(), "bp", 2)
    return Tiler(Mapper(architecture, allocate(step, architecture, partitions)), step.op(op))


WHOLE = Tiling(2, "positions", 8, 36, "channels", 4, 64)
"""Of conv0.FF: two PEs on channels, two on positions; all of the map in the buffer."""


def test_a_group_that_is_alone_in_the_last_outer_tile_stays() -> None:
    """64 position tiles come as 56 and 8. The last 8 are one group, which stays in the PEs from one
    outer tile of channels to the next; the seven groups before are fetched again.
    """
    found = tiler("conv0.FF", small(scratchpad__capacity="64KiB", scratchpad__working="64KiB"))
    tiling = replace(WHOLE, buffer_order="positions", buffer_channels=1, buffer_positions=56)
    smaller = replace(tiling, together=4)  # two groups in the last outer tile
    tilings = Tilings.of([tiling, smaller])
    groups = footprints(found.tiled, tilings.together * 2)
    again = words_again(tilings, 64, groups)
    assert again.tolist() == [groups.total[0] - groups.last[0], groups.total[1]]


def test_demands_of_many_tilings_are_those_of_each() -> None:
    found = tiler("conv0.FF", small(scratchpad__capacity="64KiB", scratchpad__working="64KiB"))
    needs = {tiling: need for tiling, need in choices(found).items() if tiling is not None}
    assert len(needs) > 1
    assert needs == {tiling: found.demand(tiling) for tiling in needs}


@pytest.mark.parametrize("transpose", ["remote_read", "psum_reduce", "transposable"])
def test_streamed_weights_need_no_transpose(transpose: str) -> None:
    found = tiler("fc2.EP", small(near_memory__transpose=transpose)).canonical
    assert found.reduction_pes == 1
    assert found.transfers == tiler("fc2.EP", small()).canonical.transfers


def test_words_and_room_worked_out_by_hand() -> None:
    """128 positions in 64 tiles of 2, 8 tiles together are two rows of 8: four rows of the map of 8
    x 4 words, at the edges three.
    """
    demand = tiler(
        "conv0.FF", small(scratchpad__capacity="64KiB", scratchpad__working="64KiB")
    ).demand(WHOLE)
    groups = [3, 4, 4, 3]  # rows of one sample's groups
    assert demand.moving == 2 * sum(groups) * 8 * 4
    assert demand.stationary == 8 * 36 * 8  # all weights for each of the 8 groups
    assert demand.carried == 0
    assert demand.dram_moving == 2 * 8 * 8 * 4
    assert demand.dram_stationary == 8 * 36
    # two groups of moving words, a channel's weights, one sum of 32 bits
    assert demand.scratchpad_bits == 16 * 2 * 4 * 8 * 4 + 16 * 36 + 32
    assert demand.buffer_bits == 16 * (2 * 8 * 8 * 4 + 8 * 36)


def test_columns_are_sent_again_for_each_row_of_outputs_in_a_tile_of_the_buffer() -> None:
    """6 tiles are 12 positions, a row and a half: runs of 8 read 8 columns, halves of a row 5 each.
    Kernel rows inside the map: 2 for the first and last row, else 3. Per sample, rows in one piece
    times kernel rows are 14 and 16, rows in two pieces 8 and 6.
    """
    tight = small(scratchpad__capacity="64KiB", scratchpad__working="125B")
    whole = tiler("conv0.FF", tight).demand(Tiling(2, "channels", 1, 36, "channels", 4, 64))
    split = tiler("conv0.FF", tight).demand(Tiling(2, "channels", 1, 36, "channels", 4, 6))
    assert whole.moving == 4 * 4 * 2 * (2 + 3 * 6 + 2) * 8
    assert split.moving == 4 * 4 * ((14 + 16) * 8 + (8 + 6) * 10)
    # three columns of 4 channels, a channel's weights, a sum
    assert split.scratchpad_bits == 16 * 3 * 4 + 16 * 36 + 32


def test_room_of_a_gradient_worked_out_by_hand() -> None:
    """36 weights of (r, s, c) in tiles of two PEs: a PE has every second one, hence 2 of the 4
    channels, however many tiles come together. A chunk of 64 errors is a sample.
    """
    found = tiler("conv0.WG", small())
    for together, chunk, channels, sums in ((1, 64, 1, 1), (4, 64, 2, 4), (4, 128, 2, 1)):
        demand = found.demand(Tiling(2, "channels", together, chunk, "channels", 4, 18))
        assert demand.scratchpad_bits == 16 * chunk * (1 + channels) + 32 * sums
        # a row of errors, and the three rows of the map that it meets
        assert demand.buffer_bits == 16 * (8 * 8 + 3 * 8 * 4)


def test_a_gradient_of_one_chunk_may_keep_maps_for_several_tiles() -> None:
    """Kept for 18 tiles, the maps of 4 channels come once for each of 4 channel tiles; else again
    for each tile, which has 2 channels.
    """
    roomy = small(scratchpad__capacity="64KiB", scratchpad__working="64KiB")
    found = tiler("conv0.WG", roomy)
    (best,) = (t for t in choices(found) if t is not None and t.channel_pes == 2)
    assert (best.chunk, best.together) == (128, 18)
    assert found.demand(best).moving == 4 * 4 * 128
    assert found.demand(replace(best, together=1)).moving == 4 * 18 * 2 * 128


def test_outputs_are_packed_inside_the_positions_that_a_tiling_delivers() -> None:
    """Half of 256 bytes holds 16 positions' 4 words: 8 tiles, unless the buffer stages fewer."""
    found = tiler("conv0.FF", small(scratchpad__capacity="64KiB", scratchpad__working="256B"))
    fills = {
        ("channels", 1, 64): 16,
        ("channels", 4, 64): 16,
        ("channels", 1, 5): 10,
        ("positions", 4, 64): 8,
        ("positions", 1, 1): 2,
    }
    for (order, together, wide), fill in fills.items():
        mapping = found.mapping(Tiling(2, order, together, 36, "channels", 4, wide))
        assert mapping.fill_positions == fill
        assert (mapping.positions_per_tile, mapping.channels_per_tile, mapping.copies) == (2, 2, 2)
    # One PE on channels leaves four for positions; eight positions fit.
    assert found.mapping(Tiling(1, "channels", 1, 36, "channels", 8, 32)).copies == 4


def test_feedback_is_tiled_if_it_is_dense_and_its_target_is_a_vector() -> None:
    """A mask of needed outputs does not matter."""
    layers = (
        Builder("targets", (4, 4, 1))
        .conv(2)
        .add("relu")
        .add("fc", 6)
        .add("relu")
        .add("fc", 3)
        .network()
    )
    expected = {("dfa", "fc2.EP"): False, ("dfa", "fc4.EP"): True, ("ssdfa", "fc4.EP"): False}
    for (rule, name), tileable in expected.items():
        step = lower(layers, rule, 2)
        op = step.op(name)
        assert isinstance(op, Contraction)
        assert op.needed is not None
        assert Tiler(Mapper(small(), allocate(step, small(), 1)), op).tileable == tileable


def test_lanes_of_one_pe_that_are_output_channels_have_one_mapping() -> None:
    """A partition of one PE shares no reduction under `psum_reduce`, and is not tiled either."""
    alone = machine(
        pe_array__rows=2,
        pe_array__cols=2,
        pe_array__lanes=2,
        partitions=4,
        near_memory__transpose="psum_reduce",
    )
    found = tiler("fc2.EP", alone, partitions=4)
    assert (found.canonical.reduction_pes, found.canonical.positions_per_tile) == (1, 1)
    assert list(choices(found)) == [None]
    simulate(network(), alone, rule="bp", batch=1, trace="random:0.5", schedule="unlocked")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"channel_pes": 3}, "channel_pes must be 1, 2 or 4, got 3"),
        ({"together": 65}, "together must be 1 to 64, got 65"),
        ({"chunk": 37}, "chunk must be 1 to 36, got 37"),
        ({"buffer_channels": 5}, "buffer_channels must be 1 to 4, got 5"),
        (
            {"buffer_positions": 12},
            "buffer_positions must be a multiple of together (8) or all tiles, got 12",
        ),
        (
            {},
            (
                "the tile of a PE must be at most scratchpad.working, 4096 bits, got 4704: a "
                "smaller "
                "chunk, or a smaller together, may fit"
            ),
        ),
        (
            {"together": 1},
            (
                "the tile of the global buffer must be at most global_buffer.staging, 8192 bits, "
                "got 12800: "
                "smaller buffer_channels or buffer_positions may fit"
            ),
        ),
    ],
)
def test_an_illegal_pin_is_refused_with_the_reason(change: dict[str, Any], fault: str) -> None:
    pin = {
        "op": "conv0.FF",
        "channel_pes": 2,
        "order": "positions",
        "together": 8,
        "chunk": 36,
        "buffer_order": "channels",
    }
    pin |= {"buffer_channels": 4, "buffer_positions": 64} | change
    machines = small(
        scratchpad__capacity="512B",
        scratchpad__working="512B",
        global_buffer__staging="1KiB" if change == {"together": 1} else "4KiB",
        mapping__pins=[pin],
    )
    with pytest.raises(InputError) as caught:
        simulate(network(), machines, batch=2, trace="dense")
    assert str(caught.value) == f"mapping.pins of conv0.FF: {fault}"


def test_a_pin_holds_under_any_objective_and_leaves_the_rest_to_it() -> None:
    kept: dict[str, Any] = {
        "scratchpad__capacity": "2KiB",
        "scratchpad__working": "2KiB",
        "global_buffer__staging": "4KiB",
    }
    pins = [{"op": "conv*.FF", "order": "positions", "together": 4}]
    for objective in ("canonical", "cycles", "energy", "edp"):
        result = simulate(
            network(),
            small(mapping__objective=objective, mapping__pins=pins, **kept),
            batch=2,
            trace="dense",
        )
        assert isinstance(result, Result)
        found = {op.name: op.mapping.tiling for op in result.ops if op.mapping}
        assert found["conv0.FF"].order == "positions"
        assert found["conv0.FF"].together == 4
        if objective == "canonical":
            assert all(tiling is None for name, tiling in found.items() if name != "conv0.FF")


def test_a_pin_of_no_op_is_said() -> None:
    result = simulate(
        network(),
        small(mapping__pins=[{"op": "conv7.FF", "order": "positions"}]),
        batch=2,
        trace="dense",
    )
    assert isinstance(result, Result)
    assert "mapping.pins: no contraction of this step is named conv7.FF" in result.notes


def test_what_has_no_loops_to_tile_cannot_be_pinned() -> None:
    with pytest.raises(
        InputError,
        match=r"mapping.pins: op must be one whose loops can be tiled, got fc2.WG, which has only "
        r"its canonical mapping",
    ):
        simulate(
            network(),
            small(mapping__pins=[{"op": "fc2.WG", "order": "channels"}]),
            batch=2,
            trace="dense",
        )


def test_a_systolic_array_accepts_an_objective_and_has_nothing_to_choose() -> None:
    chosen = machine("systolic", mapping__objective="edp")
    with pytest.raises(InputError, match=r"mapping\.pins must be empty with a systolic array"):
        machine("systolic", mapping__pins=[{"op": "conv*"}])
    assert chosen.mapping.objective == "edp"


PRODUCT = (
    "out[n, p, q, k] += activation[n, p + r - 1, q + s - 1, c] * weight[k, r, s, c]",
    "n in 2, p in 8, q in 8, k in 8, r in 3, s in 3, c in 4; map of 8 x 8; words of 16 and 16 bits",
)


def test_a_tiling_is_shown_as_the_loops_that_it_is() -> None:
    architecture = small(scratchpad__capacity="64KiB", scratchpad__working="64KiB")
    chosen = tiler("conv0.FF", architecture).mapping(
        Tiling(2, "positions", 8, 12, "positions", 2, 32)
    )
    assert loop_nest(chosen, architecture).splitlines() == [
        "conv0.FF: 8 channels x 128 positions, reduction of 36 (chosen)",
        f"  {PRODUCT[0]}",
        f"  {PRODUCT[1]}",
        "  for (n, p, q) in 2 x 32 position tiles                     # global buffer",
        "    for k in 2 x 2 channel tiles                             # global buffer",
        "      for (n, p, q) in 4 x 8 position tiles                  # scratchpad",
        "        for k in 2 x 1 channel tile                          # scratchpad",
        "          for (r, s, c) in 3 x 12 words                      # scratchpad",
        "            for (n, p, q) in 8 x 1 position tile             # scratchpad",
        "              parallel k over 2 PEs                          # PE array",
        "                parallel (n, p, q) over 2 groups of PEs      # PE array",
        "                  for (r, s, c) in 12: multiply, accumulate  # lanes",
    ]


def nest_of(op: str, architecture: Machine) -> list[str]:
    """Lines of an op's nest, without indentation and levels."""
    result = simulate(network(), architecture, batch=2, trace="dense")
    assert isinstance(result, Result)
    (found,) = (each.mapping.nest for each in result.ops if each.name == op and each.mapping)
    return [found[0], *(line.split("#")[0].strip() for line in found[1:])]


def test_an_outer_product_is_shown_with_the_segment_of_each_lane() -> None:
    """512 inputs by 10 classes on 4 PEs of 1 lane, two of them on positions."""
    assert nest_of("fc2.WG", small()) == [
        "fc2.WG: 10 channels x 512 positions, reduction of 2 (canonical)",
        "out[k, c] += activation[n, c] * error[n, k]",
        "c in 512, k in 10, n in 2; words of 16 and 16 bits",
        "for k in 5 x 1 channel tile",
        "parallel k over 2 PEs",
        "parallel (r, s, c) over 2 groups of PEs",
        "for (n, p, q) in 2",
        "for (r, s, c) in 256: multiply, accumulate in 256 sums of the scratchpad",
    ]


@pytest.mark.parametrize(
    ("dataflow", "loops"),
    [
        (
            "output_stationary",
            [
                "for M in 64 x 2",
                "for N in 3 x 3",
                "parallel M over 2 rows, N over 3 columns of PEs",
                "for K in 36",
            ],
        ),
        (
            "weight_stationary",
            [
                "for K in 18 x 2",
                "for N in 3 x 3",
                "parallel K over 2 rows, N over 3 columns of PEs",
                "for M in 128",
            ],
        ),
        (
            "input_stationary",
            [
                "for K in 18 x 2",
                "for M in 43 x 3",
                "parallel K over 2 rows, M over 3 columns of PEs",
                "for N in 8",
            ],
        ),
    ],
)
def test_a_systolic_array_is_shown_by_its_folds(dataflow: str, loops: list[str]) -> None:
    found = nest_of("conv0.FF", machine("systolic", pe_array__dataflow=dataflow))
    assert found == [
        "conv0.FF: 8 channels x 128 positions, reduction of 36 (canonical)",
        *PRODUCT,
        *loops[:-1],
        f"{loops[-1]}: multiply, accumulate",
    ]
