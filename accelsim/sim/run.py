"""A finished run: one record per op, and the actions that belong to no op."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from accelsim.cost.counters import ActionCounts
from accelsim.mapping.residency import Residency
from accelsim.results.spans import length, merged, overlap
from accelsim.sim.memory.held import Held
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.planning.step_search import StepMapping
from accelsim.step.ops import Op

IDLE_CLOCK = ("control", "idle_clock")


@dataclass(frozen=True)
class OpRecord:
    """One executed op.

    ``partition``: the array partition that the op held, or None for the vector unit. ``start``,
    ``end``: it held that component in the cycles [start, end). ``stalls``: cycles in which the
    array waited, by cause. ``counts``: actions, those of DRAM and of clocks included. ``ridden``:
    operations of the op that other ops did, those of ``fused_into``; they are in ``counts``.
    ``words_saved``: words that for this reason did not move.
    """

    plan: OpPlan
    step: int
    partition: int | None
    start: int
    end: int
    stalls: Mapping[str, int]
    counts: ActionCounts
    ridden: int = 0
    fused_into: tuple[str, ...] = ()
    words_saved: int = 0

    @property
    def op(self) -> Op:
        """The op."""
        return self.plan.op

    @property
    def cycles(self) -> int:
        """Cycles for which the op held its component."""
        return self.end - self.start


@dataclass(frozen=True)
class Run:
    """A finished simulation of one or more steps.

    ``interval_cycles``: cycles between consecutive steps in steady state, None if not measured.
    ``lanes``, ``partition_lanes``: lanes of the array and of one partition. ``background``: actions
    of no op (leakage, idle clocks, DRAM standby and refresh). ``stored_dense``: names of tensors
    whose role has a format but whose zeros are unknown. ``resident_words``: words by memory that
    stay on the chip from step to step (`TensorMemory.resident_words`). ``held``: the tensors of the
    step with their places. ``peak_stash_in_pads``: largest total of the stash in scratchpads, in
    bytes. ``mapped``: the places and mappings that were searched.
    """

    records: tuple[OpRecord, ...]
    cycles: int
    interval_cycles: int | None
    peak_stash_bytes: int
    residency: Residency
    lanes: int
    partition_lanes: int
    background: ActionCounts
    peak_dram_bytes: int
    dram_overcommitted: bool
    stored_dense: tuple[str, ...] = ()
    resident_words: Mapping[str, int] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    peak_stash_in_pads: int = 0
    mapped: StepMapping | None = None

    def part(self, ops: Set[str]) -> Run:
        """The share of some ops in a run of one step, by name.

        ``cycles``: cycles in which at least one of these ops runs. ``background``: actions of no op
        in those cycles. The idle clocks are those of lanes that no op holds, of this part or of
        another. All other actions (leakage, DRAM standby, refresh) are spread evenly over the run:
        cycles [a, b) of a run of N cycles get floor(n b / N) - floor(n a / N) of n actions. Parts
        that do not overlap and together take all cycles therefore add up to the run. Memory is that
        of the whole run, and there is no interval.
        """
        records = tuple(record for record in self.records if record.op.name in ops)
        spans = merged((record.start, record.end) for record in records)
        cycles = length(spans)
        held = self.partition_lanes * sum(
            overlap((record.start, record.end), spans)
            for record in self.records
            if record.plan.on_array
        )
        background = ActionCounts()
        for (component, action), times in self.background:
            share = sum(
                times * end // self.cycles - times * start // self.cycles for start, end in spans
            )
            idle = (component, action) == IDLE_CLOCK
            background.add(component, action, self.lanes * cycles - held if idle else share)
        return replace(
            self, records=records, cycles=cycles, interval_cycles=None, background=background
        )
