"""Three measures of an op, each at its best near 1 or at the price of a MAC.

- Words received per word used. A PE uses a word once if one of its outputs reads it; a word that
  comes again, or in vain, raises the measure.
- Lane cycles per executed MAC: the cycles of the op times the lanes of its part of the array.
- Energy per effectual MAC, in pJ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.pe.kind import PEKind
from accelsim.results.op import OpResult
from accelsim.results.result import Result
from accelsim.sim.observers import Observer
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.run import OpRecord
from accelsim.studies.validation.worst_ops.streams import streams


@dataclass(frozen=True)
class Measures:
    """An op of a run and its measures, each 0 if the op has nothing of the kind.

    ``share``: part of the step's cycles. ``plan``: how it ran, on PEs of ``kind``. ``words_used``:
    words that its PEs must get.
    """

    network: str
    rule: str
    machine: str
    op: OpResult
    plan: OpPlan
    kind: PEKind
    share: float
    words_used: int
    cycles_per_mac: float
    pj_per_mac: float

    @property
    def received_per_used(self) -> float:
        """Words received per word used; 0 if the op uses none."""
        return self.op.words_received / self.words_used if self.words_used else 0.0

    @property
    def name(self) -> str:
        """Name of the op in its run."""
        return f"{self.network} {self.rule} on {self.machine}: {self.op.name}"


class Plans(Observer):
    """The plans of a run's ops, by name."""

    def __init__(self) -> None:
        self.plans: dict[str, OpPlan] = {}

    def op_ended(self, record: OpRecord, freed: Sequence[str]) -> None:
        self.plans[record.op.name] = record.plan


def measured(
    network: str, rule: str, kind: PEKind, result: Result, plans: dict[str, OpPlan]
) -> list[Measures]:
    """Measures of every contraction of a run."""
    rows = []
    for op in result.ops:
        plan = plans.get(op.name)
        if plan is None or plan.mapping is None or op.lane_cycles is None:
            continue
        rows.append(
            Measures(
                network,
                rule,
                result.arch,
                op,
                plan,
                kind,
                op.cycles / result.cycles,
                words_used(plan, kind),
                op.lane_cycles.total / op.macs.executed if op.macs.executed else 0.0,
                op.energy_pj / op.macs.effectual if op.macs.effectual else 0.0,
            )
        )
    return rows


def words_used(plan: OpPlan, kind: PEKind) -> int:
    """Words that the PEs must get for an op if none comes twice: for each operand that moves, the
    distinct words that each PE's outputs read, summed over the PEs; and each partial sum that PEs
    exchange.
    """
    return sum(stream.used for stream in streams(plan, kind))
