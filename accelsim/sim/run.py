"""A finished run: one record per op, and what belongs to no op."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accelsim.cost.counters import ActionCounts
from accelsim.mapping.residency import Residency
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.step.ops import Op


@dataclass(frozen=True)
class OpRecord:
    """What one op did: its plan, the cycles [start, end) in which it held its component, the
    array's waiting by cause, and the actions counted, those of DRAM and of clocks included.

    ``partition``: the component, a partition of the array or, None, the vector unit.
    """

    plan: OpPlan
    step: int
    partition: int | None
    start: int
    end: int
    stalls: Mapping[str, int]
    counts: ActionCounts

    @property
    def op(self) -> Op:
        return self.plan.op

    @property
    def cycles(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Run:
    """A finished simulation of one or more steps. ``background``: actions of no op (leakage, idle
    clocks, DRAM standby and refresh).

    ``stored_dense``: tensors that the machine has a format for, but whose zeros nobody knows.
    """

    records: tuple[OpRecord, ...]
    cycles: int
    interval_cycles: int
    peak_stash_bytes: int
    residency: Residency
    lanes: int
    partition_lanes: int
    background: ActionCounts
    peak_dram_bytes: int
    dram_overcommitted: bool
    stored_dense: tuple[str, ...] = ()
