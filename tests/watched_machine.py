"""Runs with everything written down: plans and times of ops, what memories held, where tensors
stood in DRAM, what links served.

Blocks go through the plain twin of the pipelines, which `tests/property/test_pipelines.py` holds
against the kernel.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Architecture
from accelsim.pe.mapping import Transfer
from accelsim.pe.registry import pe_kind
from accelsim.rules.registry import lower
from accelsim.sim import machine
from accelsim.sim.machine import Machine, Run, _Simulation
from accelsim.sim.memory import TensorMemory
from accelsim.sim.op_plan import OpPlan
from accelsim.sim.plan import Planner
from accelsim.step.ops import Op, TrainingStep
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace
from tests.naive.pipeline import Dram, Pipelines, Server


@dataclass(frozen=True)
class Crossing:
    """Bytes of a tensor over the DRAM bus, asked for in cycle ``at``; the tensor stands in bytes
    ``first`` to ``end``.
    """

    at: int
    tensor: Hashable
    nbytes: int
    write: bool
    first: int
    end: int


@dataclass
class Journal:
    """What the components of a run saw. By op ``snapshots`` of the memories: (free bits of the
    global buffer, bits held there, free bytes a PE).
    """

    planners: list[Planner] = field(default_factory=list)
    snapshots: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    transfers: dict[tuple[int, str], list[Transfer]] = field(default_factory=dict)


@dataclass
class Watched:
    """A finished run, its step and its journal; of an unlocked schedule ``memory`` and journal are
    the single step's.
    """

    run: Run
    step: TrainingStep
    memory: TensorMemory
    journal: Journal

    @property
    def snapshots(self) -> list[tuple[int, int, tuple[int, ...]]]:
        return self.journal.snapshots

    @property
    def transfers(self) -> dict[tuple[int, str], list[Transfer]]:
        """What each op (step, name) moves."""
        return self.journal.transfers


@contextmanager
def _watching(journal: Journal) -> Iterator[None]:
    class WatchedPlanner(Planner):
        def _add(self, plan: OpPlan, step: int, t: Transfer) -> None:
            if not journal.planners or self is journal.planners[0]:
                journal.transfers.setdefault((step, plan.op.name), []).append(t)
            super()._add(plan, step, t)

        def plan(self, step: int, op: Op, partition: int | None = 0) -> OpPlan:
            if self not in journal.planners:
                journal.planners.append(self)
            plan = super().plan(step, op, partition)
            if self is journal.planners[0]:
                memory = self._memory
                journal.snapshots.append(
                    (
                        memory._free_bits,
                        sum(memory._in_buffer.values()),
                        tuple(memory.residency.free_bytes),
                    )
                )
            return plan

    class WatchedDram(Dram):
        def transfer(
            self,
            tensor: Hashable,
            size_bytes: int,
            offset_bytes: int,
            nbytes: int,
            write: bool,
            counts: ActionCounts,
        ) -> int:
            done = super().transfer(tensor, size_bytes, offset_bytes, nbytes, write, counts)
            if len(journal.planners) == 1:
                journal.crossings.append(
                    Crossing(
                        int(self._env.now),
                        tensor,
                        nbytes,
                        write,
                        *self.rows.place(tensor, size_bytes),
                    )
                )
            return done

    class WatchedServer(Server):
        def reserve(self, bits: int, wait: int = 0) -> int:
            if self not in journal.servers:
                journal.servers.append(self)
            return super().reserve(bits, wait)

    class WatchedPipelines(Pipelines):
        def _dram(self, channels: DramChannels, clock_hz: int) -> Dram:
            return WatchedDram(self.env, channels, clock_hz, self.rows)

        def _server(self, width: int) -> Server:
            return WatchedServer(self.env, width)

    with (
        patch.object(machine, "Planner", WatchedPlanner),
        patch.object(machine, "Pipelines", WatchedPipelines),
    ):
        yield


def dram_of(architecture: Architecture) -> DramSpec:
    """The DRAM standard that the machine names."""
    return load_model(catalog.find("dram", architecture.dram.standard), DramSpec)


def watch(
    network: Network,
    architecture: Architecture,
    rule: str = "bp",
    batch: int = 1,
    trace: Trace | None = None,
    schedule: str = "serial",
    optimizer: str = "momentum",
) -> Watched:
    """Run one step and keep what went on."""
    step = lower(network, rule, batch, optimizer)
    journal = Journal()
    with _watching(journal):
        run = Machine(architecture, dram_of(architecture), MaskSource(trace, network, batch)).run(
            step, schedule
        )
    return Watched(run, step, journal.planners[0]._memory, journal)


def watch_steps(
    network: Network,
    architecture: Architecture,
    step: TrainingStep,
    steps: int,
    trace: Trace | None = None,
) -> Watched:
    """Several steps of the unlocked schedule, back to back, in one run."""
    journal = Journal()
    with _watching(journal):
        model = pe_kind(architecture).timing(MaskSource(trace, network, step.batch))
        run = _Simulation(
            architecture, dram_of(architecture), model, None, step, False, steps, None
        ).run()
    return Watched(run, step, journal.planners[0]._memory, journal)


def peak_dram_bytes_per_cycle(architecture: Architecture) -> float:
    """Bytes that all channels move in a cycle of the accelerator."""
    dram = dram_of(architecture)
    organisation = dram.organisation
    return (
        architecture.dram.channels
        * organisation.burst
        / (organisation.burst_clocks * dram.timing.tck_ps)
        * 1e12
        / architecture.clock_hz
    )
