"""simulate() and compare(): arguments, refusals and what decides a result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accelsim.errors import InputError, LawViolation
from accelsim.experiment.compare import compare
from accelsim.experiment.simulate import simulate
from accelsim.results.laws import Limits, check
from accelsim.results.result import Result
from accelsim.step.ops import Pass
from tests.random_machines import machine
from tests.reference_networks import Builder

NETWORK = (
    Builder("experiment", (4, 4, 3)).conv(4).add("relu").conv(4).add("relu").add("fc", 3).network()
)


def refusal(**arguments: Any) -> list[str]:
    with pytest.raises(InputError) as raised:
        simulate(NETWORK, machine(), **{"trace": "dense", **arguments})
    return [str(fault) for fault in raised.value.faults]


def test_every_faulty_setting_is_named_at_once() -> None:
    assert refusal(batch=0, seed=-1, schedule="eager") == [
        "batch must be a whole number between 1 and 1048576, got 0",
        "schedule must be one of serial, unlocked, got eager",
        "seed must be a whole number >= 0, got -1",
    ]
    assert refusal(optimizer="rmsprop") == [
        "optimizer must be one of sgd, momentum, adam, adamw, lion, got rmsprop"
    ]


def test_machines_and_rules_of_a_comparison_must_differ() -> None:
    with pytest.raises(
        InputError, match=r"^machines and rules to compare must differ, got bp, bp$"
    ):
        compare(NETWORK, [machine()], ["bp", "bp"], trace="dense")
    labels = compare(NETWORK, [machine(), machine("systolic")], ["bp", "dfa"], trace="dense").labels
    assert labels == (
        "near-memory/bp",
        "near-memory/dfa",
        "systolic-32x32/bp",
        "systolic-32x32/dfa",
    )


def test_the_batch_is_the_workloads_own_unless_given() -> None:
    network = replace(NETWORK, batch=3)
    assert simulate(network, machine(), trace="dense").batch == 3
    assert simulate(network, machine(), trace="dense", batch=2).batch == 2


@pytest.mark.parametrize("passes", [["FF"], ["FF", "EP"], ["WG"], ["EP", "WU"], list(Pass)])
def test_passes_that_are_left_out_have_no_ops(passes: list[str]) -> None:
    found = simulate(NETWORK, machine(), trace="dense", passes=passes)
    assert {op.pass_ for op in found.ops} == set(passes)
    whole = {op.name: op.macs for op in simulate(NETWORK, machine(), trace="dense").ops}
    assert all(op.macs == whole[op.name] for op in found.ops)


def test_progress_counts_to_the_end() -> None:
    calls: list[tuple[int, int, str]] = []
    result = simulate(
        NETWORK,
        machine(),
        trace="dense",
        progress=lambda done, of, what: calls.append((done, of, what)),
    )
    total = len(result.ops)
    assert calls == [(done, total, "near-memory bp") for done in range(1, total + 1)]


def test_skipping_saves_cycles_and_gating_only_energy() -> None:
    skipping = machine(pe_array__skip={"ff": "both", "ep": "both", "wg": "both"})
    gating = machine(
        pe_array__skip={"ff": "none", "ep": "none", "wg": "none"}, pe_array__skip_outputs=False
    )
    neither = machine(
        pe_array__skip={"ff": "none", "ep": "none", "wg": "none"},
        pe_array__skip_outputs=False,
        pe_array__gating=False,
    )
    results = [simulate(NETWORK, each, trace="random:0.3") for each in (skipping, gating, neither)]
    assert results[0].cycles < results[1].cycles == results[2].cycles
    mac = [each.energy_by_component_pj["mac"] for each in results]
    assert mac[0] < mac[1] < mac[2]


# The laws catch what they are there to catch.

LIMITS = Limits(
    lanes=12, op_lanes=12, dram_bytes=16.0, global_buffer_bytes=128.0, scratchpad_bytes=192.0
)
"""Of 2 x 3 PEs of 2 lanes: LPDDR4-3200 moves 64 B in 8 clocks of 625 ps, 16 B a cycle; 16 x 64 bits
of buffer; 6 x 16 x 16 bits of scratchpads.
"""


OTHERS: dict[str, Any] = {
    **dict.fromkeys(("config_hash", "workload", "arch", "rule", "trace", "schedule"), ""),
    **dict.fromkeys(("seed", "batch", "cycles", "interval_cycles", "peak_stash_bytes"), 0),
    "seconds": 0.0,
}


def tampered(change: dict[str, dict[str, int]]) -> Result:
    """A result whose first op has other counts, which its sums follow."""
    result = simulate(NETWORK, machine(), trace="random:0.5")
    first = result.ops[0]
    changes = {group: replace(getattr(first, group), **counts) for group, counts in change.items()}
    ops = (replace(first, **changes), *result.ops[1:])
    assert result.unattributed_by_component_pj is not None
    sums = Result.of_step(ops, result.unattributed_by_component_pj, **OTHERS)
    return replace(
        result, ops_=ops, macs=sums.macs, words=sums.words, bytes=sums.bytes, passes=sums.passes
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"macs": {"skipped": 10**6}}, r"^macs: dense = executed \+ skipped: "),
        ({"macs": {"gated": 10**9}}, r"^macs: gated is part of executed: "),
        ({"macs": {"effectual": -(10**9)}}, r"^macs: no count is negative: "),
        ({"lane_cycles": {"idle": -1}}, r"^ops\.conv0\.FF: no count is negative: "),
        ({"words": {"local": -(10**9)}}, r"^words: no count is negative: "),
        ({"macs": {"effectual": 10**9}}, r"^macs: effectual is part of dense: "),
        ({"array_cycles": {"busy": 10**9}}, r"^ops\.conv0\.FF: array_cycles add up to cycles: "),
        (
            {"lane_cycles": {"busy": 1}},
            r"^ops\.conv0\.FF: lane_cycles are those of a whole number of lanes",
        ),
        (
            {"lane_cycles": {"stall_noc": 10**9}},
            r"^ops\.conv0\.FF: lane_cycles .*, the same for all: .* is not 12$",
        ),
        (
            {"bytes": {"dram_read": 10**9}},
            r"^ops\.conv0\.FF: \d+ dram bytes in \d+ cycles is more than its ports can carry$",
        ),
        (
            {"bytes": {"global_buffer_write": 10**9}},
            r"\d+ global_buffer bytes in \d+ cycles is more",
        ),
        ({"bytes": {"scratchpad_read": 10**9}}, r"\d+ scratchpad bytes in \d+ cycles is more"),
    ],
)
def test_a_broken_law_is_found(change: dict[str, dict[str, int]], message: str) -> None:
    check(tampered({}), LIMITS)
    with pytest.raises(LawViolation, match=message):
        check(tampered(change), LIMITS)


def test_ops_must_have_the_lanes_of_the_machine() -> None:
    result = simulate(NETWORK, machine(), trace="dense")
    check(result)
    with pytest.raises(LawViolation, match=r"whole number of lanes, .*: 12 is not 6$"):
        check(result, replace(LIMITS, op_lanes=6))


def test_a_step_shorter_than_its_ops_is_found() -> None:
    result = simulate(NETWORK, machine(), trace="dense")
    array = result.array_cycles
    assert array is not None
    shorter = replace(
        result, cycles=result.cycles - 1, array_cycles=replace(array, busy=array.busy - 1)
    )
    with pytest.raises(LawViolation, match=r"ends in cycle \d+, after the step's \d+$"):
        check(shorter, LIMITS)


def test_array_cycles_that_do_not_make_up_the_step_are_found() -> None:
    result = simulate(NETWORK, machine(), trace="dense")
    assert result.array_cycles is not None
    array = replace(result.array_cycles, idle=result.array_cycles.idle + 1)
    with pytest.raises(LawViolation, match=r"^array_cycles add up to cycles: \d+ is not \d+$"):
        check(replace(result, array_cycles=array), LIMITS)


def test_fewer_lanes_than_macs_in_a_cycle_are_found() -> None:
    with pytest.raises(LawViolation, match=r"faster than its lanes can multiply"):
        check(simulate(NETWORK, machine(), trace="dense"), replace(LIMITS, lanes=1))
