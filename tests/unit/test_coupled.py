"""Coupled lanes as a kind of PE array: what a file may say, the mapping, bounds of whole steps,
lane cycles, memory of a large batch.
"""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import random_trace
from accelsim.kernels.bits import bitmaps
from accelsim.kernels.bits.taps import MapTaps, forward_taps
from accelsim.kernels.coupled import streams as coupled_streams
from accelsim.machine.loading import load_machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from tests.random_machines import SKIPS, machine
from tests.reference_networks import Builder


def network() -> Network:
    """Convolutions with stride, groups and dilation, and fully connected layers."""
    built = (
        Builder("coupled", (9, 8, 6))
        .add("conv", 12, kernel=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1))
        .add("relu")
    )
    built.add("conv", 16, kernel=(2, 2), dilation=(2, 1), groups=2, padding=(1, 1, 0, 1)).add(
        "relu"
    )
    return built.add("fc", 40).add("relu").add("fc", 5).network()


def run(
    skip: str, density: float = 0.3, rule: str = "bp", batch: int = 20, **overrides: object
) -> Result:
    architecture = machine(
        **{
            "pe_array__kind": "coupled",
            "pe_array__skip": dict.fromkeys(("ff", "ep", "wg"), skip),
            "pe_array__skip_outputs": False,
            **overrides,
        }
    )
    return simulate(
        network(),
        architecture,
        rule=rule,
        batch=batch,
        trace=random_trace(network(), density, 4, 0),
        trace_any_rule=True,
    )


def array_cycles(result: Result) -> dict[str, int]:
    """Cycles of each contraction without its stalls."""
    return {
        op.name: op.cycles - op.array_cycles.stall.total for op in result.ops if op.kind != "vector"
    }


# The file


def faults(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_machine(path)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]


def test_a_file_turns_lanes_into_coupled_ones_by_one_word(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("name: mine\nbase: near-memory\npe_array: {kind: coupled}\n")
    array = load_machine(path).pe_array
    assert (array.kind, array.lanes, array.outputs_per_pe, array.staged_positions, array.skips) == (
        "coupled",
        16,
        1,
        3,
        True,
    )
    assert array == load_machine("near-memory", {"pe_array.kind": "coupled"}).pe_array
    assert load_machine("tensordash", {"pe_array.kind": "lanes"}).pe_array.lanes == 1
    assert load_machine("systolic-32x32", {"pe_array.kind": "coupled"}).pe_array.skip.ff == "both"


def test_what_coupled_lanes_cannot_have_stands_where_it_is_written(tmp_path: Path) -> None:
    text = (
        "name: mine\nbase: near-memory\npe_array:\n  kind: coupled\n  lanes: 8\n  window: 16\n  "
        "dataflow: weight_stationary\n"
    )
    assert faults(tmp_path / "m.yaml", text) == [
        "m.yaml:5:3: pe_array.lanes is a key of kind lanes or broadcast, not coupled: leave it out",
        "m.yaml:6:3: pe_array.window is a key of kind lanes, not coupled: leave it out",
        "m.yaml:7:3: pe_array.dataflow is a key of kind systolic, not coupled: leave it out",
    ]


def test_working_space_holds_two_staging_buffers_of_both_operands_and_one_sum() -> None:
    """16 lanes x 2 x 3 rows x 2 operands x 16 bits, and 32 bits."""
    run("both", batch=1, scratchpad__working="388B")
    with pytest.raises(InputError) as caught:
        run("both", batch=1, scratchpad__working="387B")
    assert str(caught.value) == (
        "scratchpad.working must be >= 388B to hold the operand tile of conv0.FF (16 lanes, two "
        "windows of 3 positions each), got 387B"
    )


# The mapping


def test_a_pe_is_one_output() -> None:
    architecture = machine(pe_array__kind="coupled", pe_array__rows=4, pe_array__cols=5)
    step = lower(network(), "bp", 3)
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    shapes = {op.name: mapper.map(op) for op in step.ops if isinstance(op, Contraction)}
    tiles = {
        name: (each.channels_per_tile, each.positions_per_tile) for name, each in shapes.items()
    }
    assert tiles["conv0.FF"] == (12, 1)
    assert tiles["conv0.WG"] == (12, 1)
    assert tiles["fc6.WG"] == (5, 4)
    assert (shapes["fc6.WG"].channels, shapes["fc6.WG"].positions) == (
        5,
        40,
    )  # every output of the outer product
    streamed = machine("von_neumann", pe_array__kind="coupled", pe_array__rows=4, pe_array__cols=5)
    mapping = Mapper(streamed, allocate(step, streamed, 1)).map(step.op("conv0.FF"))
    assert (mapping.channels_per_tile, mapping.positions_per_tile) == (4, 5)


# Whole steps


@pytest.mark.parametrize(
    ("organization", "rule"),
    [
        ("near_memory", "bp"),
        ("von_neumann", "bp"),
        pytest.param("near_memory", "sdfa:k=2", marks=pytest.mark.check),
        ("von_neumann", "dfa"),
    ],
)
@pytest.mark.parametrize("skip", SKIPS[:3])
def test_every_op_is_no_slower_than_dense_and_at_most_three_times_as_fast(
    organization: str, skip: str, rule: str
) -> None:
    dense, found = (
        array_cycles(run(mode, rule=rule, organization=organization)) for mode in ("none", skip)
    )
    for name, cycles in dense.items():
        assert cycles / 3 <= found[name] <= cycles, name


def test_zeros_alone_take_a_third_of_the_rows() -> None:
    dense, found = (array_cycles(run(skip, density=0.0)) for skip in ("none", "both"))
    # FF of conv0: 54 positions, 4 rows, 2 cycles. Its WG: 20 samples of 5 x 4 positions, 25 rows, 9
    # cycles.
    assert dense["conv0.FF"] / found["conv0.FF"] == 4 / 2
    assert dense["conv0.WG"] / found["conv0.WG"] == 25 / 9


def test_an_outer_product_takes_a_cycle_an_output_up_to_sixteen_samples() -> None:
    """40 x 5 outputs on 6 PEs of which 5 have one: 40 cycles, whatever is zero; 48 dense samples
    take 3 rows.
    """
    for batch in (1, 16):
        assert array_cycles(run("both", batch=batch))["fc6.WG"] == 40
    assert array_cycles(run("none", batch=48))["fc6.WG"] == 3 * 40


@pytest.mark.parametrize("skip", SKIPS)
def test_lane_cycles_are_those_of_all_lanes_and_a_busy_one_is_a_mac(skip: str) -> None:
    for op in run(skip).ops:
        if op.kind != "vector":
            assert op.lane_cycles.busy == op.macs.executed
            assert sum(
                getattr(op.lane_cycles, cause)
                for cause in ("busy", "window_empty", "imbalance", "idle")
            ) == 6 * 16 * array_cycles_of(op)


def array_cycles_of(op: object) -> int:
    return op.cycles - op.array_cycles.stall.total  # type: ignore[attr-defined,no-any-return]


def test_outputs_that_nobody_needs_are_not_reduced() -> None:
    every, needed = (run("moving", pe_array__skip_outputs=skipped) for skipped in (False, True))
    before, after = (
        next(op for op in result.ops if op.name == "conv2.EP") for result in (every, needed)
    )
    assert after.macs.executed < 0.5 * before.macs.executed
    assert array_cycles_of(after) < array_cycles_of(before)


def test_gating_changes_what_a_position_costs_and_no_cycle() -> None:
    open_, gated = (run("none", pe_array__gating=gates) for gates in (False, True))
    assert array_cycles(open_) == array_cycles(gated)
    assert sum(op.macs.gated for op in open_.ops) == 0 < sum(op.macs.gated for op in gated.ops)
    assert (
        gated.to_json()["energy_by_component_pj"]["mac"]
        < open_.to_json()["energy_by_component_pj"]["mac"]
    )


def test_partial_sums_meet_over_fewer_channels_a_pe() -> None:
    found = array_cycles(run("none", near_memory__transpose="psum_reduce"))
    assert (
        found["fc6.EP"] == 20 * 40
    )  # 5 of 6 PEs share the one position that each reduces of an output, one output at a time


def test_a_batch_that_repeats_its_samples_needs_no_more_memory_than_a_small_one() -> None:
    """Arrays of numpy, which hold the streams: 7 x 7 positions, so that only 16 samples make whole
    rows.
    """
    random = np.random.default_rng(0)
    x, e = (
        bitmaps.packed(random.random((1, 7, 7, 64)) < 0.5),
        bitmaps.packed(random.random((1, 7, 7, 32)) < 0.5),
    )
    taps = MapTaps(*[forward_taps(7, 7, 3, 1, 1, 1, False)] * 2)

    def peak(batch: int) -> int:
        tracemalloc.start()
        coupled_streams.wgrad_cycles(x, e, batch, taps, "both")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(64)
    assert peak(20_000) < 1.1 * peak(640)


def test_a_long_batch_is_not_walked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once buffers end a round of periods as they began it, the others cost the same: the result is
    linear in them.
    """
    walked: list[int] = []
    walk = coupled_streams.Staging.walk
    monkeypatch.setattr(
        coupled_streams.Staging, "walk", lambda *args: (walked.append(1), walk(*args))[1]
    )
    random = np.random.default_rng(1)
    x, e = (
        bitmaps.packed(random.random((2, 8, 8, 5)) < 0.6),
        bitmaps.packed(random.random((2, 8, 8, 3)) < 0.5),
    )
    taps = MapTaps(*[forward_taps(8, 8, 3, 1, 1, 1, False)] * 2)
    period = 2 * 8  # samples in the 64 rows of a piece
    few, more, many = (
        coupled_streams.wgrad_cycles(x, e, period * repeats, taps, "both")
        for repeats in (40, 46, 6040)
    )
    assert np.array_equal(many - few, (more - few) * 1000)
    assert len(walked) < 200
