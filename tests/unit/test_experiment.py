"""simulate() and compare(): arguments, refusals and what decides a result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accelsim.errors import InputError, LawViolation
from accelsim.experiment.simulate import compare, simulate
from accelsim.results.laws import Limits, check_result
from accelsim.results.result import OpResult, Result
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
        "schedule must be one of serial, unlocked, got eager",
        "batch must be >= 1, got 0",
        "seed must be >= 0, got -1",
    ]
    assert refusal(optimizer="lion") == ["optimizer must be one of sgd, momentum, adam, got lion"]


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
    assert simulate(network, machine(), trace="dense").cause["batch"] == 3
    assert simulate(network, machine(), trace="dense", batch=2).cause["batch"] == 2


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

LIMITS = Limits(lanes=12, dram_bytes=16.0, global_buffer_bytes=128.0, scratchpad_bytes=192.0)
"""Of 2 x 3 PEs of 2 lanes: LPDDR4-3200 moves 64 B in 8 clocks of 625 ps, 16 B a cycle; 16 x 64 bits
of buffer; 6 x 16 x 16 bits of scratchpads.
"""


def tampered(change: dict[str, Any]) -> Result:
    result = simulate(NETWORK, machine(), trace="random:0.5")
    first: OpResult = result.ops[0]
    return replace(
        result,
        ops=(
            replace(
                first, **{key: {**getattr(first, key), **value} for key, value in change.items()}
            ),
            *result.ops[1:],
        ),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"macs": {"skipped": 10**6}}, "dense MACs are not executed"),
        ({"macs": {"gated": 10**9}}, "MACs out of order"),
        ({"macs": {"effectual": -1}}, "MACs out of order"),
        ({"array_cycles": {"busy": 10**9}}, "array cycles"),
        ({"lane_cycles": {"idle": -1}}, "array cycles"),
        ({"lane_cycles": {"busy": 1}}, "busy lane cycles"),
        ({"lane_cycles": {"stall_noc": 10**9}}, "do not make up .* cycles of 12 lanes"),
        (
            {"bytes": {"dram_read": 10**9}},
            r"\d+ dram bytes in \d+ cycles is more than its ports can carry",
        ),
        (
            {"bytes": {"global_buffer_write": 10**9}},
            r"\d+ global_buffer bytes in \d+ cycles is more",
        ),
        ({"bytes": {"scratchpad_read": 10**9}}, r"\d+ scratchpad bytes in \d+ cycles is more"),
    ],
)
def test_a_broken_law_is_found(change: dict[str, Any], message: str) -> None:
    check_result(tampered({}), LIMITS)
    with pytest.raises(LawViolation, match=message):
        check_result(tampered(change), LIMITS)


def test_a_step_shorter_than_its_ops_is_found() -> None:
    result = simulate(NETWORK, machine(), trace="dense")
    with pytest.raises(LawViolation, match=r"an op ends after the step"):
        check_result(replace(result, cycles=result.cycles - 1), LIMITS)


def test_array_cycles_that_do_not_make_up_the_step_are_found() -> None:
    result = simulate(NETWORK, machine(), trace="dense")
    with pytest.raises(LawViolation, match=r"^the array's cycles .* do not make up \d+$"):
        check_result(
            replace(
                result,
                array_cycles={**result.array_cycles, "idle": result.array_cycles["idle"] + 1},
            ),
            LIMITS,
        )


def test_fewer_lanes_than_macs_in_a_cycle_are_found() -> None:
    with pytest.raises(LawViolation, match=r"faster than its lanes can multiply"):
        check_result(simulate(NETWORK, machine(), trace="dense"), replace(LIMITS, lanes=1))
