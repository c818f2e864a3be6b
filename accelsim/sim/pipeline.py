"""Ops as pipelines of blocks, on the links and the DRAM that all ops share: the objects around
`kernels.pipeline`.

SimPy carries what happens between ops; the events of their blocks run in the kernel, in one order
with SimPy's: `Pipelines.env` lets the kernel go on to the next of its own events whenever it steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from heapq import heappush

import numpy as np
import simpy
from numpy.typing import NDArray
from simpy.core import SimTime
from simpy.events import NORMAL, EventPriority

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import COMMAND_ACTIONS, DramChannels
from accelsim.dram.rows import PICOSECONDS, DramRows
from accelsim.kernels.links import pipeline as k
from accelsim.kernels.links import servers as on
from accelsim.machine.architecture import Architecture
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import DramPart, OpPlan

Ints = NDArray[np.int64]
Process = Generator[simpy.Event, None, None]
Place = Callable[[str], Hashable]
"""What stands for a tensor in DRAM."""

STAGE_NAMES = ("load", "fill", "compute", "drain", "store")
_EVENTS = 16
"""Events to come of one op: a stage has at most one of its own and two ended blocks that its
neighbours have not seen.
"""


@dataclass(frozen=True)
class StageTimes:
    """The cycles, int64 (blocks), in which a stage started and finished each block."""

    started: Ints
    done: Ints


Times = dict[str, StageTimes]
"""By the name of the stage, those that the op has, in their order."""


@dataclass(frozen=True)
class Executed:
    """An op that has ended: the times of its stages, and the DRAM commands of its transfers."""

    times: Times
    commands: ActionCounts


@dataclass(frozen=True)
class Served:
    """What a link has carried: bits, and the cycles that it took."""

    bits: int
    busy_cycles: int


class _End(simpy.Event):
    """The end of an op, which has its place among the events from the kernel."""

    def trigger_later(self) -> None:
        """It has a value, which nobody reads, and is not scheduled."""
        self._ok, self._value = True, None


class _Clock(simpy.Environment):
    """SimPy's environment, before each of whose events the kernel processes its own that come
    earlier; one count numbers both.
    """

    def __init__(self, catch_up: Callable[[], None], state: Ints) -> None:
        super().__init__()
        self._catch_up = catch_up
        self._state = state

    def schedule(
        self, event: simpy.Event, priority: EventPriority = NORMAL, delay: SimTime = 0
    ) -> None:
        heappush(self._queue, (self._now + delay, priority, int(self._state[k.SERIAL]), event))
        self._state[k.SERIAL] += 1

    def next_key(self) -> tuple[int, int]:
        """(cycle, order) of SimPy's next event, as the kernel counts them; of none, far off."""
        if not self._queue:
            return np.iinfo(np.int64).max, 0
        cycle, priority, serial, _ = self._queue[0]
        return int(cycle), int(priority) * k.NORMAL + serial

    def insert(self, end: _End, cycle: int, order: int) -> None:
        """An event that has its number already."""
        end.trigger_later()
        heappush(self._queue, (cycle, NORMAL, order - k.NORMAL, end))

    def step(self) -> None:
        self._catch_up()
        super().step()


class Pipelines:
    """The links and the DRAM of a machine, first come first served, and the ops that use them;
    ``env`` is where other processes run.
    """

    def __init__(
        self, architecture: Architecture, channels: DramChannels, row_bytes: int, slots: int
    ) -> None:
        """``slots``: ops that can run at once."""
        noc, buffer, table = architecture.noc, architecture.global_buffer, channels.table
        self._state = np.zeros(15, np.int64)
        ps, cycles = _reduced(PICOSECONDS, architecture.clock_hz)
        for index, value in (
            (k.TCK_PS, table.tck_ps),
            (k.BURST_BYTES, table.burst_bytes),
            (k.CAPACITY_BYTES, table.capacity_bytes),
        ):
            self._state[index] = value
        self._state[k.PS], self._state[k.CYCLES] = ps, cycles
        self._state[k.WRITES] = on.BUFFER if buffer.ports == 1 else on.BUFFER_WRITE
        mesh = Mesh.of(architecture)
        self._links = np.zeros((on.MESH + (mesh.links if mesh else 0), 4), np.int64)
        self._links[:, on.WIDTH] = noc.width_bits
        self._links[on.PEER, on.WIDTH] = noc.width_bits * noc.peer_links
        self._links[on.BUFFER : on.MESH, on.WIDTH] = buffer.banks * buffer.width_bits
        self._channels = channels
        self._table = table
        self.env = _Clock(self._catch_up, self._state)
        self.rows = DramRows(table.capacity_bytes, row_bytes)
        self._queue = np.zeros((slots * _EVENTS, 3), np.int64)
        self._todo = np.zeros(4, np.int64)
        self._ops = np.zeros((slots, 15), np.int64)
        self._loads = np.zeros((slots, 2, len(self._links) - on.MESH), np.int64)
        self._parts = np.zeros((slots, 1, 3), np.int64)
        self._kinds = np.zeros((slots, 5), np.int64)
        self._steps = np.zeros((slots, 5, 6), np.int64)
        self._block_cycles = np.zeros((slots, 1), np.int64)
        self._times = np.zeros((slots, 2, 5, 1), np.int64)
        self._commands = np.zeros((slots, 5), np.int64)
        self._running: list[_Running | None] = [None] * slots

    def cycles(self, link: int, bits: int) -> int:
        """How long a link takes for that many bits alone."""
        return int(-(-bits // self._links[link, on.WIDTH]))

    def served(self, link: int) -> Served:
        """What the link has carried so far."""
        return Served(int(self._links[link, on.BITS]), int(self._links[link, on.BUSY]))

    def run(self, plan: OpPlan, place: Place) -> Generator[simpy.Event, None, Executed]:
        """Take an op through its stages, from now."""
        slot = self._running.index(None)
        running = self._running[slot] = _Running(plan, place, _End(self.env))
        kinds = self._fill_slot(slot, plan)
        k.begin(
            slot,
            int(self.env.now),
            self._ops,
            self._steps,
            self._commands,
            self._state,
            self._queue,
            self._todo,
        )
        if plan.blocks == 1:
            self._advance((-1, 0), slot)
        if not running.ended:
            yield running.end
        self._running[slot] = None
        commands = ActionCounts()
        for command, action in COMMAND_ACTIONS.items():
            if action != "refresh":
                commands.add("dram", action, int(self._commands[slot, command]))
        times = self._times[slot, :, : len(kinds), : plan.blocks].copy()
        by_stage = {
            STAGE_NAMES[kind]: StageTimes(times[0, index], times[1, index])
            for index, kind in enumerate(kinds)
        }
        return Executed(by_stage, commands)

    def _fill_slot(self, slot: int, plan: OpPlan) -> list[int]:
        """Write the plan into the slot's arrays; returns the kinds of its stages."""
        parts = plan.loads + plan.stores
        self._make_room(len(parts), plan.blocks)
        uses = {
            k.LOAD: bool(plan.loads),
            k.FILL: plan.fills,
            k.COMPUTE: True,
            k.DRAIN: plan.drains,
            k.STORE: bool(plan.stores),
        }
        kinds = [kind for kind, used in uses.items() if used]
        self._ops[slot] = (
            len(kinds),
            plan.blocks,
            plan.staged_in_bits,
            plan.fill_bits,
            plan.fill_buffer_bits,
            plan.peer_bits,
            plan.drain_bits,
            plan.drain_buffer_bits,
            plan.staged_out_bits,
            len(plan.loads),
            len(parts),
            plan.fill_wait,
            plan.drain_wait,
            plan.staged_in_wait,
            plan.staged_out_wait,
        )
        for index, load in enumerate((plan.mesh_fill, plan.mesh_drain)):
            self._loads[slot, index] = 0 if load is None else load
        self._kinds[slot, : len(kinds)] = kinds
        self._block_cycles[slot, : plan.blocks] = plan.block_cycles
        for index, part in enumerate(parts):
            self._parts[slot, index] = (-1, part.size_bytes, part.nbytes)
        return kinds

    def _make_room(self, parts: int, blocks: int) -> None:
        if parts > self._parts.shape[1]:
            self._parts = _longer(self._parts, 1, parts)
        if blocks > self._times.shape[3]:
            self._times, self._block_cycles = (
                _longer(self._times, 3, blocks),
                _longer(self._block_cycles, 1, blocks),
            )

    def _catch_up(self) -> None:
        """Process the kernel's events that come before SimPy's next."""
        while self._state[k.QUEUED] or self._state[k.TODO]:
            if not self._advance(self.env.next_key()):
                return

    def _advance(self, until: tuple[int, int], starting: int | None = None) -> bool:
        """Run the kernel up to a key; False when it has got there. ``starting``: the slot of an op
        that is about to start, and need not be woken.
        """
        table = self._table
        while True:
            found = k.advance(
                *until,
                self._state,
                self._links,
                self._queue,
                self._todo,
                self._ops,
                self._loads,
                self._parts,
                self._kinds,
                self._steps,
                self._block_cycles,
                self._times,
                self._commands,
                table.delays,
                table.shape,
                *self._channels.state,
            )
            slot, stage = int(self._state[k.SLOT]), int(self._state[k.STAGE])
            if found == k.REACHED:
                return False
            running = self._running[slot]
            assert running is not None
            if found == k.ENDED:
                running.ended = True
                if slot != starting:
                    self.env.insert(
                        running.end, int(self._state[k.KEY_CYCLE]), int(self._state[k.KEY_ORDER])
                    )
                return True
            self._place(slot, stage, running)

    def _place(self, slot: int, stage: int, running: _Running) -> None:
        """Find rows for the tensors that the stage's block moves first."""
        plan, block = running.plan, int(self._steps[slot, stage, k.BLOCK])
        loads = self._kinds[slot, stage] == k.LOAD
        parts: tuple[DramPart, ...] = plan.loads if loads else plan.stores
        for index, part in enumerate(parts, start=0 if loads else len(plan.loads)):
            moved = part.nbytes * (block + 1) // plan.blocks - part.nbytes * block // plan.blocks
            if moved and self._parts[slot, index, k.BASE] < 0:
                self._parts[slot, index, k.BASE] = self.rows.place(
                    running.place(part.tensor), part.size_bytes
                )[0]


@dataclass
class _Running:
    plan: OpPlan
    place: Place
    end: _End
    ended: bool = False


def _reduced(by: int, over: int) -> tuple[int, int]:
    common = int(np.gcd(by, over))
    return by // common, over // common


def _longer(array: Ints, axis: int, size: int) -> Ints:
    """The array, longer by half or more along an axis, its content kept."""
    shape = list(array.shape)
    shape[axis] = max(size, shape[axis] * 3 // 2)
    result = np.zeros(shape, np.int64)
    result[tuple(slice(0, extent) for extent in array.shape)] = array
    return result
