"""A training step compiled for a machine: many traces and seeds run one program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from accelsim.config.names import Schedule
from accelsim.cost.energy import EnergyTable
from accelsim.dram.rows import PICOSECONDS
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Architecture
from accelsim.pe.registry import pe_kind
from accelsim.sim.observers import Observer
from accelsim.sim.run import Run
from accelsim.sim.simulation import Simulation
from accelsim.step.ops import TrainingStep
from accelsim.zeros.masks import MaskSource

LEAST_STEPS, MOST_STEPS, SETTLED = 6, 64, 2
REFRESHES = 16
"""For the steady-state interval, steps are run until they cover that many DRAM refreshes, which
move the ends of single steps; from step `SETTLED` on the ends are taken as evenly spaced.
"""


@dataclass(frozen=True)
class Program:
    """What the trace cannot change: ops, machine, DRAM standard, schedule, and the prices that an
    objective of energy in choosing mappings needs.
    """

    step: TrainingStep
    architecture: Architecture
    dram: DramSpec
    schedule: Schedule = Schedule.SERIAL
    prices: EnergyTable | None = None

    def run(self, masks: MaskSource, observers: Sequence[Observer] = ()) -> Run:
        """Simulate one step on the zeros of a trace; under the unlocked schedule also enough
        further steps, which nobody observes, to see the steady-state interval.

        InputError for a pinned mapping that the machine cannot execute, and for an op that it has
        no room for; LawViolation when the run contradicts itself.
        """
        if self.schedule == Schedule.SERIAL:
            return self.simulation(masks).run(observers)
        alone = self.simulation(masks).run(observers)
        steps = self._steps_to_settle(alone.cycles)
        several = self.simulation(masks, steps).run()
        ends = [
            max(record.end for record in several.records if record.step == index)
            for index in range(steps)
        ]
        span = max(ends[-1] - ends[SETTLED], _longest_held(several))
        return replace(alone, interval_cycles=-(-span // (steps - 1 - SETTLED)))

    def simulation(self, masks: MaskSource, steps: int = 1) -> Simulation:
        """A run of so many steps back to back, ready to begin."""
        model = pe_kind(self.architecture).timing(masks)
        serial = self.schedule == Schedule.SERIAL
        return Simulation(self.step, model, self.dram, self.prices, serial, steps)

    def _steps_to_settle(self, cycles: int) -> int:
        """Steps of ``cycles`` cycles that cover enough refreshes."""
        refresh_ps = self.dram.timing.tREFI * self.dram.timing.tck_ps
        covered = REFRESHES * refresh_ps * self.architecture.clock_hz
        return min(MOST_STEPS, max(LEAST_STEPS, covered // (max(1, cycles) * PICOSECONDS)))


def _longest_held(run: Run) -> int:
    """Cycles in which the busiest partition, or the vector unit, is held by the settled steps; ops
    that any partition may run are shared by all.

    One that runs ahead of the others works on later steps before the settled one has ended, but it
    cannot do so for ever.
    """
    settled = [record for record in run.records if record.step > SETTLED]
    held: Counter[int | str | None] = Counter()
    for record in settled:
        unit = record.partition is None
        held["vector unit" if unit else run.residency.partition(record.op)] += record.cycles
    del held[None]
    array = sum(record.cycles for record in settled if record.partition is not None)
    return max([-(-array * run.partition_lanes // run.lanes), *held.values()])
