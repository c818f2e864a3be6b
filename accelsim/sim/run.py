"""A finished run: one record per op, and the actions that belong to no op."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accelsim.cost.counters import ActionCounts
from accelsim.mapping.residency import Residency
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.step.ops import Op


@dataclass(frozen=True)
class OpRecord:
    """One executed op.

    ``partition``: the array partition that the op held, or None for the vector unit. ``start``,
    ``end``: it held that component in the cycles [start, end). ``stalls``: cycles in which the
    array waited, by cause. ``counts``: actions, those of DRAM and of clocks included.
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
        """The op."""
        return self.plan.op

    @property
    def cycles(self) -> int:
        """Cycles for which the op held its component."""
        return self.end - self.start


@dataclass(frozen=True)
class Run:
    """A finished simulation of one or more steps.

    ``lanes``, ``partition_lanes``: lanes of the array and of one partition. ``background``: actions
    of no op (leakage, idle clocks, DRAM standby and refresh). ``stored_dense``: names of tensors
    whose role has a format but whose zeros are unknown.
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
