"""Conservation laws of a run (DESIGN section 7), checked after every simulation: they cost
microseconds and catch what tests did not think of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accelsim.errors import LawViolation
from accelsim.results.result import LANE_CAUSES, STALLS, HybridResult, OpResult, Result


@dataclass(frozen=True)
class Limits:
    """What the machine can do at most in a cycle: ``lanes`` MACs, and bytes over the DRAM bus and
    one port of each bank of the other memories.

    With 1 port reads and writes take turns, with 2 each kind has one.
    """

    lanes: int
    dram_bytes: float
    global_buffer_bytes: float
    scratchpad_bytes: float
    global_buffer_ports: int = 1
    scratchpad_ports: int = 1


def check_result(result: Result, limits: Limits) -> None:
    """LawViolation with the first law that does not hold."""
    for op in result.ops:
        _check_op(op, limits)
    total = sum(op.energy_pj for op in result.ops) + sum(
        result.unattributed_by_component_pj.values()
    )
    if abs(total - result.energy_pj) > 1e-9 * max(1.0, total):
        raise LawViolation(
            f"energy {result.energy_pj} pJ is not the ops' plus the unattributed, {total} pJ"
        )
    if result.ops and result.cycles < max(op.start_cycle + op.cycles for op in result.ops):
        raise LawViolation("an op ends after the step")
    if sum_causes(result.array_cycles) != result.cycles:
        raise LawViolation(
            f"the array's cycles {dict(result.array_cycles)} do not make up {result.cycles}"
        )


def check_hybrid(result: HybridResult) -> None:
    """LawViolation with the first law that the means of a hybrid rule break; each kind of step has
    been checked by itself.
    """
    document = result.to_json()
    array, energy = document["array_cycles"], document["energy_pj"]
    of_passes = math.fsum(part["energy_pj"] for part in document["passes"].values())
    sums = (
        ("weights of steps", math.fsum(step.weight for step in result.steps), 1.0),
        ("energy by component", math.fsum(document["energy_by_component_pj"].values()), energy),
        ("energy of passes", of_passes + document["unattributed_pj"], energy),
        (
            "MACs executed and skipped",
            document["macs"]["executed"] + document["macs"]["skipped"],
            document["macs"]["dense"],
        ),
        (
            "array cycles",
            math.fsum([*(array[cause] for cause in LANE_CAUSES), *array["stall"].values()]),
            document["cycles"],
        ),
    )
    for what, found, whole in sums:
        if not math.isclose(found, whole, rel_tol=1e-9, abs_tol=1e-6):
            raise LawViolation(f"{what} of a hybrid step make up {found}, not {whole}")


def sum_causes(array: Mapping[str, Any]) -> int:
    """All of an array's cycles, whatever the cause."""
    return int(
        sum(array[cause] for cause in LANE_CAUSES) + sum(array["stall"][cause] for cause in STALLS)
    )


def _check_op(op: OpResult, limits: Limits) -> None:
    macs, array = op.macs, op.array_cycles
    if macs["dense"] != macs["executed"] + macs["skipped"] or macs["skipped"] < 0:
        raise LawViolation(f"{op.name}: dense MACs are not executed + skipped: {dict(macs)}")
    if not 0 <= macs["gated"] <= macs["executed"] or not 0 <= macs["effectual"] <= macs["dense"]:
        raise LawViolation(f"{op.name}: MACs out of order: {dict(macs)}")
    if sum_causes(array) != op.cycles or min(op.lane_cycles.values(), default=0) < 0:
        raise LawViolation(f"{op.name}: array cycles {dict(array)} do not make up {op.cycles}")
    if op.kind != "vector":
        if op.lane_cycles["busy"] != macs["executed"]:
            raise LawViolation(
                f"{op.name}: busy lane cycles {op.lane_cycles['busy']} are not the executed MACs "
                f"{macs['executed']}"
            )
        if sum(op.lane_cycles.values()) != op.cycles * op.lanes:
            raise LawViolation(
                f"{op.name}: lane cycles {dict(op.lane_cycles)} do not make up {op.cycles} cycles "
                f"of {op.lanes} lanes"
            )
    if op.cycles * limits.lanes < macs["executed"]:
        raise LawViolation(f"{op.name}: faster than its lanes can multiply")
    for memory, most, ports in (
        ("dram", limits.dram_bytes, 1),
        ("global_buffer", limits.global_buffer_bytes, limits.global_buffer_ports),
        ("scratchpad", limits.scratchpad_bytes, limits.scratchpad_ports),
    ):
        read, written = op.bytes[f"{memory}_read"], op.bytes[f"{memory}_write"]
        moved = read + written if ports == 1 else max(read, written)
        # Bytes are rounded up, reads and writes each.
        if moved - 2 > op.cycles * most * (1 + 1e-9):
            raise LawViolation(
                f"{op.name}: {moved} {memory} bytes in {op.cycles} cycles is more than its ports "
                f"can carry"
            )
