"""The counts of a finished run as the parts of a result document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Architecture
from accelsim.mapping.loop_nest import loop_nest
from accelsim.pe.mapping import Mapping as OpMapping
from accelsim.results.laws import Limits
from accelsim.results.result import BYTE_KINDS, LANE_CAUSES, STALLS, OpResult, apportion
from accelsim.sim.machine import OpRecord, Run


def op_result(record: OpRecord, run: Run, table: EnergyTable, machine: Architecture) -> OpResult:
    """Cycles, work, traffic and energy of one op."""
    plan, op, timing = record.plan, record.op, record.plan.timing
    lanes = run.partition_lanes if plan.on_array else run.lanes
    lane_cycles = {"busy": 0, "window_empty": 0, "imbalance": 0, "idle": 0}
    if timing is not None:
        lane_cycles = {
            "busy": timing.busy,
            "window_empty": timing.window_empty,
            "imbalance": timing.imbalance,
            "idle": timing.idle,
        }
    computing = record.cycles - sum(record.stalls.values())
    if timing is None and plan.on_array:
        lane_cycles["busy"] = computing * lanes
    array = apportion(lane_cycles, computing)
    executed, gated = (timing.executed, timing.gated) if timing else (0, 0)
    return OpResult(
        name=op.name,
        layer=op.layer,
        pass_=str(op.pass_),
        kind=str(op.kind),
        start_cycle=record.start,
        cycles=record.cycles,
        lane_cycles={
            **lane_cycles,
            **{f"stall_{cause}": record.stalls[cause] * lanes for cause in STALLS},
        },
        array_cycles={**array, "stall": {cause: record.stalls[cause] for cause in STALLS}},
        macs={
            "dense": op.dense_macs,
            "effectual": timing.effectual if timing else 0,
            "executed": executed,
            "skipped": op.dense_macs - executed,
            "gated": gated,
        },
        vector_ops=op.vector_ops,
        words=dict(plan.words),
        bytes={kind: -(-plan.bits[kind] // 8) for kind in BYTE_KINDS},
        energy_by_component_pj=table.energy(plan.counts),
        lanes=lanes,
        mapping=None if plan.mapping is None else _mapping(plan.mapping, machine),
    )


def array_cycles(
    records: Sequence[OpRecord], ops: Sequence[OpResult], run: Run, serial: bool
) -> dict[str, Any]:
    """The whole array's cycles by cause. Where ops overlap, those that do not hold the array leave
    it waiting for a dependency.
    """
    lane_cycles = dict.fromkeys((*LANE_CAUSES, *(f"stall_{cause}" for cause in STALLS)), 0)
    for record, op in zip(records, ops, strict=True):
        if record.plan.on_array or serial:
            for cause in lane_cycles:
                lane_cycles[cause] += op.lane_cycles[cause]
    lane_cycles["stall_dependency"] += run.cycles * run.lanes - sum(lane_cycles.values())
    shares = apportion(lane_cycles, run.cycles)
    return {
        **{cause: shares[cause] for cause in LANE_CAUSES},
        "stall": {cause: shares[f"stall_{cause}"] for cause in STALLS},
    }


def action_counts(run: Run) -> dict[str, int]:
    """All counts of the run."""
    total = ActionCounts()
    for record in run.records:
        total += record.plan.counts
    total += run.background
    return {f"{component}.{action}": times for (component, action), times in total}


def energy_sources(run: Run, table: EnergyTable) -> tuple[Mapping[str, Any], ...]:
    """The prices of every action that the run counted."""
    used = {action for record in run.records for action, _ in record.plan.counts} | {
        action for action, _ in run.background
    }
    prices = [table[action] for action in sorted(used)]
    return tuple(
        {
            "component": p.component,
            "action": p.action,
            "pj": p.pj,
            "source": p.source,
            "verified": p.verified,
        }
        for p in prices
    )


def _mapping(mapping: OpMapping, machine: Architecture) -> dict[str, Any]:
    tiling = None if mapping.tiling is None else asdict(mapping.tiling)
    return {"nest": loop_nest(mapping, machine).splitlines(), "tiling": tiling}


def limits(dram: DramSpec, machine: Architecture) -> Limits:
    """The most that the machine can compute and move in one cycle."""
    array, pad, buffer, organisation = (
        machine.pe_array,
        machine.scratchpad,
        machine.global_buffer,
        dram.organisation,
    )
    pes = array.rows * array.cols
    bytes_per_ps = (
        machine.dram.channels
        * organisation.burst
        / (organisation.burst_clocks * dram.timing.tck_ps)
    )
    return Limits(
        lanes=pes * array.lanes,
        dram_bytes=bytes_per_ps * 1e12 / machine.clock_hz,
        global_buffer_bytes=buffer.banks * buffer.width_bits / 8,
        scratchpad_bytes=pes * pad.banks * pad.width_bits / 8,
        global_buffer_ports=buffer.ports,
        scratchpad_ports=pad.ports,
    )
