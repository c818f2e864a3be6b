"""Runs with a full record: plans and times of ops, contents of memories, DRAM addresses of tensors,
and link activity.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Transfer
from accelsim.rules.registry import lower
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.observers import DramBlock, Observer
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.program import Program
from accelsim.sim.run import Run
from accelsim.step.ops import TrainingStep
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace


@dataclass(frozen=True)
class Crossing:
    """A DRAM transfer of ``nbytes`` of a tensor, requested in cycle ``at``. The tensor occupies
    bytes ``first`` to ``end``.
    """

    at: int
    tensor: Hashable
    nbytes: int
    write: bool
    first: int
    end: int


class Journal(Observer):
    """Record of a run. ``snapshots`` of the memories when each op starts: (free bits of the global
    buffer, bits held there, free bytes per PE). ``transfers`` of each op (step, name).
    """

    watches_dram = True
    memory: TensorMemory

    def __init__(self) -> None:
        self.snapshots: list[tuple[int, int, tuple[int, ...]]] = []
        self.crossings: list[Crossing] = []
        self.transfers: dict[tuple[int, str], list[Transfer]] = {}

    def begin(self, step: TrainingStep, steps: int, memory: TensorMemory) -> None:
        self.memory = memory

    def op_started(self, step: int, plan: OpPlan, cycle: int) -> None:
        self.transfers[step, plan.op.name] = [moved.transfer for moved in plan.moved]
        memory = self.memory
        held = sum(memory._in_buffer.values())
        self.snapshots.append((memory._free_bits, held, tuple(memory.residency.free_bytes)))

    def dram_moved(self, block: DramBlock) -> None:
        key = self.memory.place(block.step, block.tensor)
        rows = block.rows
        self.crossings.append(
            Crossing(block.started, key, block.nbytes, block.write, rows.start, rows.stop)
        )


@dataclass
class Watched:
    """A finished run, its step and its journal. For an unlocked schedule, memory and journal are
    those of a single step.
    """

    run: Run
    step: TrainingStep
    journal: Journal

    @property
    def memory(self) -> TensorMemory:
        return self.journal.memory

    @property
    def snapshots(self) -> list[tuple[int, int, tuple[int, ...]]]:
        return self.journal.snapshots

    @property
    def transfers(self) -> dict[tuple[int, str], list[Transfer]]:
        """Transfers of each op (step, name)."""
        return self.journal.transfers


def dram_of(architecture: Machine) -> DramSpec:
    """DRAM standard that the machine names."""
    return load_model(catalog.find("dram", architecture.dram.standard), DramSpec)


def watch(
    network: Network,
    architecture: Machine,
    rule: str = "bp",
    batch: int = 1,
    trace: Trace | None = None,
    schedule: str = "serial",
    optimizer: str = "momentum",
) -> Watched:
    """Run one step and record it."""
    step, journal = lower(network, rule, batch, optimizer), Journal()
    program = Program(step, architecture, dram_of(architecture), schedule)
    run = program.run(MaskSource(trace, network, batch), [journal])
    return Watched(run, step, journal)


def watch_steps(
    network: Network,
    architecture: Machine,
    step: TrainingStep,
    steps: int,
    trace: Trace | None = None,
) -> Watched:
    """Run two or more consecutive steps of the unlocked schedule and record them."""
    journal = Journal()
    program = Program(step, architecture, dram_of(architecture), "unlocked")
    masks = MaskSource(trace, network, step.batch)
    run = program.simulation(masks, steps).run([journal])
    return Watched(run, step, journal)


def peak_dram_bytes_per_cycle(architecture: Machine) -> float:
    """Bytes that all channels together can move per accelerator cycle."""
    dram = dram_of(architecture)
    organisation = dram.organisation
    return (
        (architecture.dram.channels or organisation.channels)
        * organisation.burst
        / (organisation.burst_clocks * dram.timing.tck_ps)
        * 1e12
        / architecture.clock_hz
    )
