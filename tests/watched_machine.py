"""A run of the machine with everything written down: each op's plan and times, and what every memory held when an op began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from accelsim.masks import MaskSource
from accelsim.network import Network
from accelsim.ops import Op, TrainingStep
from accelsim.rules import lower
from accelsim.sim import machine
from accelsim.sim.machine import Machine, Run
from accelsim.sim.memory import TensorMemory
from accelsim.sim.plan import OpPlan, Planner
from accelsim.spec import catalog
from accelsim.spec.architecture import Architecture
from accelsim.spec.dram import DramSpec
from accelsim.spec.loader import load_model
from accelsim.trace import Trace


@dataclass
class Watched:
    """A finished run, its step, and by op ``snapshots`` of the memories: (free bits of the global buffer, bits held there, free bytes a PE)."""

    run: Run
    step: TrainingStep
    memory: TensorMemory
    snapshots: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)


@contextmanager
def _watching(planners: list[Planner], snapshots: list[tuple[int, int, tuple[int, ...]]]) -> Iterator[None]:
    class Watch(Planner):
        def plan(self, step: int, op: Op) -> OpPlan:
            if self not in planners:
                planners.append(self)
            plan = super().plan(step, op)
            memory = self._memory
            snapshots.append((memory._free_bits, sum(memory._in_buffer.values()), tuple(memory.residency.free_bytes)))
            return plan

    with patch.object(machine, "Planner", Watch):
        yield


def watch(
    network: Network,
    architecture: Architecture,
    rule: str = "bp",
    batch: int = 1,
    trace: Trace | None = None,
    schedule: str = "serial",
    optimizer: str = "momentum",
) -> Watched:
    """Run one step and keep what went on. Of an unlocked schedule ``memory`` is the single step's."""
    step = lower(network, rule, batch, optimizer)
    dram = load_model(catalog.find("dram", architecture.dram.standard), DramSpec)
    planners: list[Planner] = []
    snapshots: list[tuple[int, int, tuple[int, ...]]] = []
    with _watching(planners, snapshots):
        run = Machine(architecture, dram, MaskSource(trace, network, batch)).run(step, schedule)
    return Watched(run, step, planners[0]._memory, snapshots)


def peak_dram_bytes_per_cycle(architecture: Architecture) -> float:
    """Bytes that all channels move in a cycle of the accelerator."""
    dram = load_model(catalog.find("dram", architecture.dram.standard), DramSpec)
    organisation = dram.organisation
    return architecture.dram.channels * organisation.burst / (organisation.burst_clocks * dram.timing.tck_ps) * 1e12 / architecture.clock_hz
