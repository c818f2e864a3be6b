"""Conservation laws of a run (DESIGN section 7), checked after every simulation: they cost microseconds and catch what tests did not think of."""

from __future__ import annotations

from accelsim.errors import LawViolation
from accelsim.ops import CONTRACTIONS
from accelsim.results import LANE_CAUSES, STALLS, OpResult, Result


def check_result(result: Result, lanes: int, dram_bytes_per_cycle: float) -> None:
    """LawViolation with the first law that does not hold."""
    for op in result.ops:
        _check_op(op, lanes, dram_bytes_per_cycle)
    total = sum(op.energy_pj for op in result.ops) + sum(result.unattributed_by_component_pj.values())
    if abs(total - result.energy_pj) > 1e-9 * max(1.0, total):
        raise LawViolation(f"energy {result.energy_pj} pJ is not the ops' plus the unattributed, {total} pJ")
    if result.ops and result.cycles < max(op.start_cycle + op.cycles for op in result.ops):
        raise LawViolation("an op ends after the step")


def _check_op(op: OpResult, lanes: int, dram_bytes_per_cycle: float) -> None:
    macs, array = op.macs, op.array_cycles
    if macs["dense"] != macs["executed"] + macs["skipped"]:
        raise LawViolation(f"{op.name}: dense MACs are not executed + skipped: {dict(macs)}")
    if not 0 <= macs["gated"] <= macs["executed"] or not 0 <= macs["effectual"] <= macs["dense"]:
        raise LawViolation(f"{op.name}: MACs out of order: {dict(macs)}")
    spent = sum(array[cause] for cause in LANE_CAUSES) + sum(array["stall"][cause] for cause in STALLS)
    if spent != op.cycles or min(op.lane_cycles.values(), default=0) < 0:
        raise LawViolation(f"{op.name}: array cycles {dict(array)} do not make up {op.cycles}")
    if op.kind in CONTRACTIONS and op.lane_cycles["busy"] != macs["executed"]:
        raise LawViolation(f"{op.name}: busy lane cycles {op.lane_cycles['busy']} are not the executed MACs {macs['executed']}")
    if op.cycles * lanes < macs["executed"]:
        raise LawViolation(f"{op.name}: faster than its lanes can multiply")
    dram = op.bytes["dram_read"] + op.bytes["dram_write"]
    # A transfer moves whole bursts and may find its first one already under way; beyond that the bus is the limit.
    if dram > op.cycles * dram_bytes_per_cycle * (1 + 1e-9):
        raise LawViolation(f"{op.name}: {dram} DRAM bytes in {op.cycles} cycles is more than the bus can carry")
