"""Conversion of a finished run's counts to the parts of a result document."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from operator import attrgetter
from typing import Any

from accelsim.config.names import Schedule
from accelsim.cost import area
from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.standard import DramSpec
from accelsim.experiment.machine_facts import dram_bytes_per_second
from accelsim.machine.architecture import Machine
from accelsim.machine.file_form import file_form
from accelsim.mapping.loop_nest import loop_nest
from accelsim.pe.mapping import Tiling
from accelsim.pe.timing import ArrayTiming
from accelsim.results.laws import Limits
from accelsim.results.machine import AreaSource, EnergySource
from accelsim.results.op import (
    BYTE_KINDS,
    STALLS,
    ArrayCycles,
    Bytes,
    ExpectedCost,
    LaneCycles,
    Macs,
    MappingChoice,
    OpMapping,
    OpResult,
    ResidentWords,
    RunnerUp,
    Stall,
    StepSearch,
    StepTotals,
    TensorTotals,
    TilingFields,
    Words,
)
from accelsim.results.result import Result, sum_floats
from accelsim.sim.planning.chosen import Chosen
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.planning.step_search import StepMapping
from accelsim.sim.run import OpRecord, Run
from accelsim.zeros.densities import densities

COMPUTING = ("busy", "window_empty", "imbalance", "idle")
"""Causes of lane cycles while an op computes. Stalls are counted separately."""
_LANE_CYCLES = attrgetter(*LaneCycles.field_names())


def assembled(
    run: Run,
    table: EnergyTable,
    machine: Machine,
    areas: Sequence[area.Area],
    fields: dict[str, Any],
) -> Result:
    """Result of a run. ``fields`` are the result's fields that do not come from the run."""
    ops = [op_result(record, run, table, machine) for record in run.records]
    counts = all_counts(run)
    return Result.of_step(
        ops,
        table.energy(run.background),
        **fields,
        cycles=run.cycles,
        interval_cycles=run.interval_cycles,
        seconds=run.cycles / machine.clock_hz,
        area_mm2=area.total(areas) if areas else None,
        area_by_component_mm2=area.by_component(areas) if areas else None,
        machine=file_form(machine),
        peak_stash_bytes=run.peak_stash_bytes,
        spilled_words=run.residency.spilled_words(),
        resident_words=ResidentWords(**run.resident_words),
        tensors=tensors(run),
        array_cycles=array_cycles(run, ops, fields["schedule"] == Schedule.SERIAL),
        search=_search(run.mapped),
        energy_by_level_pj=table.by_level(counts),
        actions={".".join(action): times for action, times in counts},
        energy_sources=tuple(EnergySource.of(table[action]) for action, _ in counts),
        area_sources=tuple(AreaSource(**vars(each)) for each in areas),
    )


def tensors(run: Run) -> tuple[TensorTotals, ...]:
    """Every tensor that the run's ops use, with its place and its words over the DRAM bus."""
    used = {tensor.name for record in run.records for tensor in record.op.tensors}
    words: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for record in run.records:
        for part in record.plan.loads + record.plan.stores:
            words[part.tensor][part.cause] += part.words
    return tuple(
        TensorTotals(
            name=each.tensor.name,
            role=str(each.tensor.role),
            bytes=-(-each.bits // 8),
            place=str(each.place),
            copies=each.copies,
            spilled_words=each.spilled,
            words_by_cause={str(cause): n for cause, n in sorted(words[each.tensor.name].items())},
        )
        for each in run.held
        if each.tensor.name in used
    )


def step_totals(run: Run, table: EnergyTable) -> StepTotals:
    """Duration and energy of a whole run, equal to those of its result."""
    counts = (*(record.counts for record in run.records), run.background)
    energy = sum_floats([table.energy(each) for each in counts])
    return StepTotals(cycles=run.cycles, energy_pj=math.fsum(energy.values()))


def op_result(record: OpRecord, run: Run, table: EnergyTable, machine: Machine) -> OpResult:
    """Cycles, work, traffic and energy of one op."""
    plan, op, timing = record.plan, record.op, record.plan.timing
    lanes = run.partition_lanes if plan.on_array else run.lanes
    computing = record.cycles - sum(record.stalls.values())
    lane_cycles = dict.fromkeys(COMPUTING, 0)
    if timing is not None:
        lane_cycles = {cause: getattr(timing, cause) for cause in COMPUTING}
    elif plan.on_array:
        lane_cycles["busy"] = computing * lanes
    energy = table.energy(record.counts)
    return OpResult(
        name=op.name,
        layer=op.layer,
        pass_=op.pass_,
        kind=str(op.kind),
        start_cycle=record.start,
        cycles=record.cycles,
        array_cycles=ArrayCycles(**apportion(lane_cycles, computing), stall=Stall(**record.stalls)),
        lane_cycles=LaneCycles(
            **lane_cycles,
            **{f"stall_{cause}": record.stalls[cause] * lanes for cause in STALLS},
        ),
        macs=_macs(op.dense_macs, timing),
        vector_ops=plan.vector_ops + record.ridden,
        words=Words(**plan.words),
        words_received=plan.words_received,
        bytes=Bytes(**{kind: -(-plan.bits[kind] // 8) for kind in BYTE_KINDS}),
        energy_pj=math.fsum(energy.values()),
        energy_by_component_pj=energy,
        fused_into=record.fused_into,
        words_saved=record.words_saved,
        mapping=_mapping(plan, run.mapped, machine),
    )


def _macs(dense: int, timing: ArrayTiming | None) -> Macs:
    if timing is None:
        return Macs(dense=dense, skipped=dense)
    return Macs(dense, timing.effectual, timing.executed, dense - timing.executed, timing.gated)


def _mapping(plan: OpPlan, mapped: StepMapping | None, machine: Machine) -> OpMapping | None:
    if plan.mapping is None:
        return None
    choice = None
    if plan.chosen and mapped:
        known = densities(plan.mapping.op, mapped.expected.masks)
        choice = _choice(plan.chosen, known._asdict())
    nest = tuple(loop_nest(plan.mapping, machine).splitlines())
    return OpMapping(nest=nest, tiling=_tiling(plan.mapping.tiling), choice=choice)


def _tiling(tiling: Tiling | None) -> TilingFields | None:
    return None if tiling is None else TilingFields(**asdict(tiling))


def _choice(chosen: Chosen, density: dict[str, float]) -> MappingChoice:
    second = chosen.second_cost
    return MappingChoice(
        density=density,
        in_parts=chosen.in_parts,
        expected=ExpectedCost(**asdict(chosen.cost)),
        runner_up=RunnerUp(**asdict(second), tiling=_tiling(chosen.second)) if second else None,
    )


def _search(mapped: StepMapping | None) -> StepSearch | None:
    if mapped is None or mapped.canonical is None or mapped.chosen is None:
        return None
    placing = mapped.placing
    return StepSearch(
        objective=mapped.objective.name,
        order=placing.order,
        copies="auto" if placing.copies is None else placing.copies,
        stash=placing.stash,
        arbitration=mapped.arbitration,
        single=tuple(sorted(placing.single)),
        evicted=tuple(sorted(placing.evicted)),
        tries=mapped.tries,
        canonical=ExpectedCost(**asdict(mapped.canonical)),
        chosen=ExpectedCost(**asdict(mapped.chosen)),
    )


def array_cycles(run: Run, ops: Sequence[OpResult], serial: bool) -> ArrayCycles:
    """Cycles of the whole array by cause. If ops overlap, cycles in which no op holds a part of the
    array count as dependency stalls.
    """
    rows = [
        _LANE_CYCLES(op.lane_cycles)
        for record, op in zip(run.records, ops, strict=True)
        if record.plan.on_array or serial
    ]
    lane_cycles = dict.fromkeys(LaneCycles.field_names(), 0)
    lane_cycles.update(zip(lane_cycles, map(sum, zip(*rows, strict=True)), strict=False))
    lane_cycles["stall_dependency"] += run.cycles * run.lanes - sum(lane_cycles.values())
    shares = apportion(lane_cycles, run.cycles)
    return ArrayCycles(
        **{cause: shares[cause] for cause in COMPUTING},
        stall=Stall(**{cause: shares[f"stall_{cause}"] for cause in STALLS}),
    )


def apportion(parts: dict[str, int], total: int) -> dict[str, int]:
    """Integers proportional to ``parts`` that sum to ``total``, by the largest-remainder method.
    Ties are broken in the given order.
    """
    whole = sum(parts.values())
    if not whole:
        return dict.fromkeys(parts, 0)
    shares = {name: value * total // whole for name, value in parts.items()}
    left = total - sum(shares.values())
    by_remainder = sorted(parts, key=lambda name: -(parts[name] * total % whole))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares


def all_counts(run: Run) -> ActionCounts:
    """Counts of all ops, plus those that belong to no op."""
    total = ActionCounts()
    for record in run.records:
        total += record.counts
    total += run.background
    return total


def limits(dram: DramSpec, machine: Machine, run: Run) -> Limits:
    """Upper limits of computation and transfers per cycle."""
    array, pad, buffer = machine.pe_array, machine.scratchpad, machine.global_buffer
    pes = array.rows * array.cols
    return Limits(
        lanes=pes * array.lanes,
        op_lanes=run.partition_lanes,
        dram_bytes=dram_bytes_per_second(machine, dram) / machine.clock_hz,
        global_buffer_bytes=buffer.banks * buffer.width_bits / 8,
        scratchpad_bytes=pes * pad.banks * pad.width_bits / 8,
        global_buffer_ports=buffer.ports,
        scratchpad_ports=pad.ports,
    )
