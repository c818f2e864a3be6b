"""A training step compiled for a machine. One program runs on many traces and seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from accelsim.config.names import Schedule
from accelsim.cost.energy import EnergyTable
from accelsim.dram.rows import PICOSECONDS
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.mapping.fusion.rewriting import Fused, fuse
from accelsim.pe.registry import pe_kind
from accelsim.pe.timing import TimingModel
from accelsim.sim.observers import Observer
from accelsim.sim.planning.step_search import StepMapping, StepSearch
from accelsim.sim.run import Run
from accelsim.sim.simulation import Simulation
from accelsim.step.ops import TrainingStep
from accelsim.zeros.masks import MaskSource

LEAST_STEPS, MOST_STEPS, SETTLED = 6, 64, 2
REFRESHES = 16
"""To measure the steady-state interval, steps are run until they span this many DRAM refreshes,
because a refresh shifts the end of a single step. Ends from step `SETTLED` on are taken as evenly
spaced.
"""
TRIED_CYCLES = 100_000
"""Longest step, in expected cycles, of which both orders of DRAM transfers are tried. In short
steps single row conflicts weigh, and a trial costs little.
"""


@dataclass(frozen=True)
class Program:
    """Everything that the trace cannot change: ops, machine, DRAM standard, schedule and prices.

    ``prices``: required if the machine's mapping objective is energy or edp. ``warm``: a step of
    the steady state, like the second of a run; else the first, at whose beginning nothing is on the
    chip.
    """

    step: TrainingStep
    architecture: Machine
    dram: DramSpec
    schedule: Schedule = Schedule.SERIAL
    prices: EnergyTable | None = None
    warm: bool = True

    @cached_property
    def fused(self) -> Fused:
        """The step as the machine executes it."""
        return fuse(self.step, self.architecture)

    def run(
        self, masks: MaskSource, observers: Sequence[Observer] = (), *, interval: bool = True
    ) -> Run:
        """Simulate one step on the zeros of a trace.

        With ``interval``, further steps are run under the unlocked schedule, without observers, to
        measure the steady-state interval. A first step has none.

        Raises InputError for a pinned mapping that the machine cannot execute, or an op that does
        not fit. Raises LawViolation if the run breaks a conservation law.
        """
        mapped = self.mapped(masks)
        single = replace(self.simulation(masks, mapped=mapped).run(observers), mapped=mapped)
        if not self.warm:
            return replace(single, interval_cycles=None)
        if self.schedule == Schedule.SERIAL or not interval:
            return single
        steps = self._steps_to_settle(single.cycles)
        sequence = self.simulation(masks, steps, mapped).run()
        ends = [
            max(record.end for record in sequence.records if record.step == index)
            for index in range(steps)
        ]
        span = max(ends[-1] - ends[SETTLED], _longest_held(sequence))
        return replace(single, interval_cycles=-(-span // (steps - 1 - SETTLED)))

    def mapped(self, masks: MaskSource) -> StepMapping:
        """Places and mappings of the step under the machine's objective."""
        if self.architecture.mapping.objective in (None, "canonical"):
            return StepMapping.without_search(self.architecture, masks)
        found = StepSearch(
            self.fused.step,
            self.architecture,
            self.dram,
            self.prices,
            masks,
            1 if self.schedule == Schedule.SERIAL else self.architecture.partitions,
        ).find()
        return self._tried(found) if found.chosen and found.chosen.cycles <= TRIED_CYCLES else found

    def _tried(self, found: StepMapping) -> StepMapping:
        """With the order of DRAM transfers under which the step ends first, on expected zeros."""
        if self.architecture.dram.arbitration is not None:
            return found
        orders = [replace(found, arbitration=each) for each in ("oldest_first", "round_robin")]
        return min(orders, key=lambda each: self._simulation(each.expected, 1, each).run().cycles)

    def simulation(
        self, masks: MaskSource, steps: int = 1, mapped: StepMapping | None = None
    ) -> Simulation:
        """A run of ``steps`` steps back to back, ready to start."""
        model = pe_kind(self.architecture).timing(masks)
        return self._simulation(model, steps, mapped or self.mapped(masks))

    def _simulation(self, model: TimingModel, steps: int, mapped: StepMapping) -> Simulation:
        return Simulation(
            self.fused,
            model,
            self.dram,
            self.prices,
            self.schedule == Schedule.SERIAL,
            steps,
            self.warm,
            mapped,
        )

    def _steps_to_settle(self, cycles: int) -> int:
        """Number of steps of ``cycles`` cycles each that span enough refreshes."""
        refresh_ps = self.dram.timing.tREFI * self.dram.timing.tck_ps
        covered = REFRESHES * refresh_ps * self.architecture.clock_hz
        return min(MOST_STEPS, max(LEAST_STEPS, covered // (max(1, cycles) * PICOSECONDS)))


def _longest_held(run: Run) -> int:
    """Cycles for which the settled steps hold the busiest component (a partition or the vector
    unit).

    Ops that may run on any partition are spread evenly over all. This bounds the interval from
    below: a component may run ahead into later steps for a while, but not for ever.
    """
    settled = [record for record in run.records if record.step > SETTLED]
    held: Counter[int | str | None] = Counter()
    for record in settled:
        unit = record.partition is None
        held["vector unit" if unit else run.residency.partition(record.op)] += record.cycles
    del held[None]
    array = sum(record.cycles for record in settled if record.partition is not None)
    return max([-(-array * run.partition_lanes // run.lanes), *held.values()])
