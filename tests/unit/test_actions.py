"""Every action of two tiny ops counted by hand, and what all actions of a step add up to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.sim.simulation import OpRecord
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import Watched, dram_of, watch

MASKS = {
    "fc0.input": np.array([[1, 0, 1]], np.bool_),
    "fc2.error": np.array([[1, 0]], np.bool_),
    "fc2.mask": np.array([[1, 0, 0, 1, 1, 0]], np.bool_),
}
LANES = 12


def network() -> Network:
    """Weights of 6 x 3 and 2 x 6 words."""
    return Builder("tiny", (1, 1, 3)).add("fc", 6).add("relu").add("fc", 2).network()


def row_of_pes(**overrides: Any) -> Machine:
    """Six PEs in a row, on average (6 - 1/6) / 3 = 35/18 sides apart. The links of their tree take
    1.5, 0.75 and 0.375 sides: 2.625 to one PE, 2, 3 and 6 of them, 7.5 sides, to all. Lanes look
    one position ahead.
    """
    return machine(pe_array__rows=1, pe_array__cols=6, pe_array__window=1, **overrides)


def tiny(rule: str = "bp", **overrides: Any) -> Watched:
    return watch(
        network(),
        row_of_pes(**overrides),
        rule,
        trace=Trace.from_masks("tiny", rule, "random", 0, 0, MASKS),
    )


def record(seen: Watched, name: str) -> OpRecord:
    return next(each for each in seen.run.records if each.op.name == name)


def test_every_action_of_a_forward_op() -> None:
    """6 channels of the stream 1 0 1: two MACs and an empty window each."""
    found = record(tiny(), "fc0.FF")
    assert {".".join(action): times for action, times in found.counts} == {
        "mac.multiply_add": 6 * 2,
        "control.registers": 6 * 2,
        "control.window_select": 6 * 3,
        "control.mask_read": 6 * 16,  # three mask bits in an access of 16
        "control.clock": 6 * 3,
        "control.idle_clock": LANES * found.cycles - 6 * 3,
        "scratchpad.read_bits": 12 * (16 + 16),  # both words of a MAC
        # Each PE takes 3 words, and an access for their mask bits.
        "scratchpad.write_bits": 6 * (3 * 16 + 16),
        # Inputs to all PEs, an output from each.
        "noc.bit_hops": int(3 * 16 * 7.5 + 6 * 16 * 2.625),
        "global_buffer.read_bits": 3 * 16,
        "global_buffer.write_bits": 3 * 16 + 6 * 16,  # inputs from DRAM, outputs
        "dram.activate": 1,
        "dram.read_burst": 1,  # 6 of its 64 bytes are wanted
    }
    assert found.plan.words == {
        "local": 12 + 12 + 18,
        "remote": 0,
        "global_buffer": 3 + 3 + 6,
        "dram": 3,
    }


def test_every_action_of_an_error_propagation() -> None:
    """3 of 6 outputs are needed, each reduces the stream 1 0: a MAC and an empty window; 12 weights
    come from other PEs.
    """
    found = record(tiny(), "fc2.EP")
    assert {".".join(action): times for action, times in found.counts} == {
        "mac.multiply_add": 3,
        "control.registers": 3,
        "control.window_select": 3 * 2,
        "control.mask_read": 3 * 16,
        "control.clock": 3 * 2,
        "control.idle_clock": LANES * found.cycles - 3 * 2,
        "scratchpad.read_bits": 3 * (16 + 16) + 12 * 16,  # words of a MAC, weights leaving home
        # Each PE takes 2 errors and an access for their mask bits, 2 weights, and an access that
        # says whether its output is needed.
        "scratchpad.write_bits": 6 * (2 * 16 + 16) + 6 * 2 * 16 + 6 * 16,
        # Errors, weights (373.3), needed bits (15.75), outputs.
        "noc.bit_hops": int(2 * 16 * 7.5) + 373 + 16 + int(6 * 16 * 2.625),
        "global_buffer.read_bits": 2 * 16 + 6,
        "global_buffer.write_bits": 6 * 16,
    }
    assert found.plan.words == {
        "local": 3 + 3 + 12 + 12 + 12 + 6,
        "remote": 12,
        "global_buffer": 2 + 6 + 6,
        "dram": 0,
    }


def test_outputs_that_nobody_masks_need_no_mask() -> None:
    found = record(tiny(pe_array__skip_outputs=False), "fc2.EP")
    assert found.counts["mac", "multiply_add"] == 6
    assert found.counts["global_buffer", "read_bits"] == 2 * 16


def test_words_whose_zeros_are_not_skipped_bring_no_mask_bits() -> None:
    found = record(tiny(pe_array__skip={"ff": "none", "ep": "none", "wg": "none"}), "fc0.FF")
    assert found.counts["scratchpad", "write_bits"] == 3 * 6 * 16
    assert found.counts["control", "mask_read"] == 0
    assert (found.counts["mac", "multiply_add"], found.counts["mac", "gated"]) == (12, 6)


def test_lanes_wait_for_the_ports_of_their_scratchpads() -> None:
    """690 bits pass the ports of six scratchpads, a bit each in a cycle: 115 cycles, where lanes
    need 3.
    """
    found = record(tiny(scratchpad__banks=1, scratchpad__width=1), "fc0.FF")
    moved = 12 * (16 + 16) + 3 * 6 * (16 + 1)
    assert moved == 690
    assert found.plan.port_wait == 115 - 3
    assert int(found.plan.block_cycles.sum()) == 115
    assert found.stalls["bank"] == 115 - 3
    wide = record(tiny(), "fc0.FF")
    assert wide.plan.port_wait == wide.stalls["bank"] == 0
    assert found.counts["control", "clock"] == wide.counts["control", "clock"]


def test_a_sparse_feedback_word_names_its_error() -> None:
    """One error of two is named in a bit beside each 16-bit word of B: 17 bits, two accesses of 16.
    A PE holds such a word of its one channel.
    """
    seen = tiny("ssdfa")
    found = record(seen, "fc2.EP")
    assert found.counts["scratchpad", "read_bits"] == found.counts["mac", "multiply_add"] * (
        16 + 2 * 16
    )
    assert found.plan.bits["scratchpad_read"] == found.counts["mac", "multiply_add"] * (16 + 17)
    free = [tiny(rule).run.residency.free_bytes[0] for rule in ("bp", "ssdfa")]
    assert free[0] - free[1] == 3  # 17 bits


@pytest.mark.parametrize(
    ("schedule", "partitions"), [("serial", 1), ("unlocked", 1), ("unlocked", 3)]
)
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_every_lane_is_clocked_or_idles_in_every_cycle(
    schedule: str, partitions: int, rule: str
) -> None:
    result = simulate(
        network(),
        machine(partitions=partitions),
        rule=rule,
        trace="random:0.5",
        schedule=schedule,
        batch=3,
    )
    assert (
        result.actions["control.clock"] + result.actions["control.idle_clock"]
        == LANES * result.cycles
    )
    worked = sum(op.lane_cycles.busy + op.lane_cycles.window_empty for op in result.ops)
    assert result.actions["control.clock"] == worked


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_array_cycles_of_an_unlocked_step_make_up_its_cycles(partitions: int, rule: str) -> None:
    result = simulate(
        network(),
        machine(partitions=partitions),
        rule=rule,
        trace="random:0.5",
        schedule="unlocked",
        batch=3,
    )
    array = result.array_cycles
    assert array is not None
    assert sum(array.by_cause().values()) == result.cycles
    busy = sum(op.lane_cycles.busy for op in result.ops)
    assert abs(array.busy * LANES - busy) < LANES


@pytest.mark.parametrize("organization", ["near_memory", "von_neumann"])
def test_refreshes_belong_to_time_and_not_to_ops(organization: str) -> None:
    """One a channel every tREFI clocks, all of them unattributed."""
    chain = (
        Builder("long", (8, 8, 4)).conv(8).add("relu").conv(8).add("relu").add("fc", 4).network()
    )
    architecture = machine(organization, dram__channels=2)
    run = watch(chain, architecture, batch=4).run
    assert all(each.counts["dram", "refresh"] == 0 for each in run.records)
    timing = dram_of(architecture).timing
    clocks = run.cycles * 10**12 // (architecture.clock_hz * timing.tck_ps)
    assert clocks // timing.tREFI >= 2
    assert run.background["dram", "refresh"] == 2 * (clocks // timing.tREFI)
