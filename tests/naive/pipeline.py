"""Plain twin of the pipelines of ops, using only SimPy: one process per stage, one event per stage
and block, one object per link.

The cycles in which blocks of loads and stores end are given. The twin lists the transfers that they
ask for, so that a test can work out these cycles from the list.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

import numpy as np
import simpy

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.dram.rows import DramRows
from accelsim.machine.architecture import Machine
from accelsim.sim.pipeline import Executed, Place, Process, Served, StageTimes, Times
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import DramPart, OpPlan

Work = Callable[[int], int]
"""Starts a stage's transfers for one block and returns the cycle in which the block is done."""


class Server:
    """A link, port or buffer that moves ``bits_per_cycle``, first come, first served.
    ``busy_cycles``: cycles spent serving.
    """

    def __init__(self, env: simpy.Environment, bits_per_cycle: int) -> None:
        self._env = env
        self._bits_per_cycle = bits_per_cycle
        self._free_at = 0
        self.busy_cycles = 0
        self.bits = 0

    def cycles(self, bits: int) -> int:
        """Cycles to move ``bits`` without waiting."""
        return -(-bits // self._bits_per_cycle)

    def reserve(self, bits: int, wait: int = 0) -> int:
        """Queue a transfer of ``bits``. Returns the cycle in which it ends. An empty transfer does
        not wait.
        """
        if not bits and not wait:
            return int(self._env.now)
        cycles = self.cycles(bits) + wait
        self._free_at = max(self._free_at, int(self._env.now)) + cycles
        self.busy_cycles += cycles
        self.bits += bits
        return self._free_at


@dataclass(frozen=True)
class Asked:
    """A transfer that a stage asks for: ``nbytes`` from ``offset`` on of a tensor of ``size`` bytes
    at ``base``. ``key``: number of the op in the order of start, and of the tensor within it.
    ``block``: (number of the op, stage, block). ``port``: cycle in which the port of the global
    buffer is done with the block.
    """

    cycle: int
    key: tuple[int, int]
    block: tuple[int, str, int]
    base: int
    size: int
    offset: int
    nbytes: int
    write: bool
    port: int


@dataclass
class Stage:
    """``name``: load, fill, compute, drain or store. ``done``: the cycle in which each block left
    the stage.
    """

    name: str
    work: Work
    done: list[int] = field(default_factory=list)
    started: list[int] = field(default_factory=list)


def run_stages(env: simpy.Environment, stages: list[Stage], blocks: int) -> Process:
    """Run all blocks through all stages. The process ends with the last stage of the last block, in
    a separate event.
    """
    if blocks == 1:
        for stage in stages:
            stage.started.append(int(env.now))
            done = stage.work(0)
            if stage is stages[-1]:
                yield env.timeout(done - env.now)
            else:
                yield from _wait(env, done)
            stage.done.append(int(env.now))
        return
    events = [[env.event() for _ in range(blocks)] for _ in stages]
    processes = [
        env.process(run_stage(env, stages, events, index, blocks)) for index in range(len(stages))
    ]
    yield processes[-1]


def run_stage(
    env: simpy.Environment,
    stages: list[Stage],
    events: list[list[simpy.Event]],
    index: int,
    blocks: int,
) -> Process:
    stage = stages[index]
    for block in range(blocks):
        if index:
            yield events[index - 1][block]
        if index + 1 < len(stages) and block >= 2:
            yield events[index + 1][block - 2]
        stage.started.append(int(env.now))
        yield from _wait(env, stage.work(block))
        stage.done.append(int(env.now))
        events[index][block].succeed()


def _wait(env: simpy.Environment, cycle: int) -> Process:
    if cycle > env.now:
        yield env.timeout(cycle - env.now)


def times_of(stages: list[Stage]) -> Times:
    """Stage times in the form that `stalls` reads."""
    return {
        stage.name: StageTimes(np.array(stage.started, np.int64), np.array(stage.done, np.int64))
        for stage in stages
    }


class Pipelines:
    """Twin of `accelsim.sim.pipeline.Pipelines`, event by event in SimPy."""

    def __init__(
        self, architecture: Machine, channels: DramChannels, row_bytes: int, slots: int
    ) -> None:
        noc, buffer = architecture.noc, architecture.global_buffer
        self.env = simpy.Environment()
        self.rows = DramRows(channels.table.capacity_bytes, row_bytes)
        self.ends: Mapping[tuple[int, str, int], int] = {}
        self.asked: list[Asked] = []
        self._serial = 0
        port = buffer.banks * buffer.width_bits
        mesh = Mesh.of(architecture)
        widths = (noc.width_bits, noc.width_bits, noc.width_bits * noc.peer_links, port, port, 1)
        self.servers = [
            self._server(width)
            for width in (*widths, *[noc.width_bits] * (mesh.links if mesh else 0))
        ]
        self._ports = buffer.ports
        self._slots = slots
        self._burst = channels.table.burst_bytes
        self._running = 0

    def _server(self, width: int) -> Server:
        return Server(self.env, width)

    def cycles(self, link: int, bits: int) -> int:
        return self.servers[link].cycles(bits)

    def served(self, link: int) -> Served:
        return Served(self.servers[link].bits, self.servers[link].busy_cycles)

    def run(self, plan: OpPlan, place: Place) -> Generator[simpy.Event, None, Executed]:
        self._running += 1
        assert self._running <= self._slots
        serial = self._serial
        self._serial += 1
        stages = self.stages(plan, place, serial)
        self._place(plan, place)
        yield from run_stages(self.env, stages, plan.blocks)
        self._running -= 1
        return Executed(times_of(stages), ActionCounts(), serial)

    def play(self) -> None:
        self.env.run()

    def timeout(self, delay: int) -> simpy.Event:
        return self.env.timeout(delay)

    def _place(self, plan: OpPlan, place: Place) -> None:
        """Allocate DRAM rows for all tensors that the op moves. Tensors are placed in order of the
        block that first moves them; a load's tensor is placed two blocks earlier, ahead of the
        tensors of stores.
        """
        for block in range(plan.blocks):
            loading = range(block + 3) if block == 0 else range(block + 2, block + 3)
            for parts, blocks in ((plan.loads, loading), (plan.stores, range(block, block + 1))):
                for part in parts:
                    if first_block(part, plan.blocks, self._burst) in blocks:
                        self.rows.place(place(part.tensor), part.size_bytes)

    def stages(self, plan: OpPlan, place: Place, serial: int) -> list[Stage]:
        blocks = plan.blocks
        down, up, peer, reads, writes, vector = self.servers[:6]
        if self._ports == 1:
            writes = reads

        def reserved(block: int, mesh: list[int], *wanted: tuple[Server, int, int]) -> int:
            ends = [
                server.reserve(share(bits, block, blocks), share(wait, block, blocks))
                for server, bits, wait in wanted
            ]
            ends += [
                self.servers[6 + link].reserve(share(bits, block, blocks))
                for link, bits in enumerate(mesh)
            ]
            return max(ends)

        def crossed(
            block: int,
            parts: tuple[DramPart, ...],
            staged: list[tuple[Server, int, int]],
            mesh: list[int],
            write: bool,
        ) -> int:
            done = reserved(block, mesh, *staged)
            key, crosses = (serial, "store" if write else "load", block), False
            for order, part in enumerate(parts, len(plan.loads) if write else 0):
                bytes_moved = crossing(part.nbytes, block, blocks, self._burst)
                if bytes_moved:
                    crosses = True
                    base, _ = self.rows.place(place(part.tensor), part.size_bytes)
                    where = base, part.size_bytes, bytes_moved[0], len(bytes_moved), write
                    asked = Asked(int(self.env.now), (serial, order), key, *where, done)
                    self.asked.append(asked)
            return self.ends[key] if crosses else done

        fills, drains, fetched, stowed = (
            [] if load is None else [int(bits) for bits in load]
            for load in (plan.mesh_fill, plan.mesh_drain, plan.mesh_load, plan.mesh_store)
        )

        def computed(block: int) -> int:
            cycles = int(plan.block_cycles[block])
            return vector.reserve(cycles) if plan.on_vector_unit else int(self.env.now) + cycles

        stages = [Stage("compute", computed)]
        if (
            plan.fill_bits
            or plan.fill_buffer_bits
            or plan.peer_bits
            or plan.fill_vector
            or any(fills)
        ):
            filled = (
                (down, plan.fill_bits, 0),
                (reads, plan.fill_buffer_bits, plan.fill_wait),
                (peer, plan.peer_bits, 0),
                (vector, plan.fill_vector, 0),
            )
            stages.insert(0, Stage("fill", lambda block: reserved(block, fills, *filled)))
        if plan.loads or plan.stash_in_bits or any(fetched):
            into = [(writes, plan.staged_in_bits, plan.staged_in_wait), (up, plan.stash_in_bits, 0)]
            loaded = plan.loads, into, fetched
            stages.insert(0, Stage("load", lambda block: crossed(block, *loaded, False)))
        if plan.drain_bits or plan.drain_buffer_bits or plan.drain_vector or any(drains):
            drained = (
                (up, plan.drain_bits, 0),
                (writes, plan.drain_buffer_bits, plan.drain_wait),
                (vector, plan.drain_vector, 0),
            )
            stages.append(Stage("drain", lambda block: reserved(block, drains, *drained)))
        if plan.stores or plan.stash_out_bits or any(stowed):
            out = [
                (reads, plan.staged_out_bits, plan.staged_out_wait),
                (down, plan.stash_out_bits, 0),
            ]
            stored = plan.stores, out, stowed
            stages.append(Stage("store", lambda block: crossed(block, *stored, True)))
        return stages


def crossing(nbytes: int, block: int, blocks: int, burst: int) -> range:
    """Bytes that a block moves over the DRAM bus. The byte at which the next block begins is moved
    down to the start of a burst.
    """
    first, end = (
        edge if number == blocks else edge - edge % burst
        for number, edge in ((number, nbytes * number // blocks) for number in (block, block + 1))
    )
    return range(first, end)


def first_block(part: DramPart, blocks: int, burst: int) -> int:
    """First block that moves a byte of the part."""
    return next(block for block in range(blocks) if crossing(part.nbytes, block, blocks, burst))


def share(total: int, block: int, blocks: int) -> int:
    """Share of ``total`` for one block. The shares add up to the total."""
    return total * (block + 1) // blocks - total * block // blocks
