"""Ops as pipelines of blocks on shared links and DRAM: the object layer around
`kernels.links.pipeline`.

SimPy carries the events between ops; the kernel carries the events of blocks within ops. Both share
one order: by cycle, then in the order of scheduling. Two rules keep it:

- While the kernel's next event precedes SimPy's, the kernel runs (`Pipelines.play`).
- In a cycle with SimPy events, the kernel runs only from callbacks of SimPy events. Such an event
  lets the kernel process the block events scheduled before it. They are: ends of ops, `timeout`,
  and zero-delay timeouts that stand for block events scheduled during the cycle (`_cover`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from heapq import heappop, heappush
from math import gcd, inf

import numpy as np
import simpy
from numpy.typing import NDArray

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import COMMAND_ACTIONS, DramChannels
from accelsim.dram.rows import PICOSECONDS, DramRows
from accelsim.kernels.links import pipeline as kernel
from accelsim.kernels.links import servers as on
from accelsim.kernels.links import slots as k
from accelsim.machine.architecture import Machine
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import DramPart, OpPlan

Ints = NDArray[np.int64]
Process = Generator[simpy.Event, None, None]
Place = Callable[[str], Hashable]
"""Key of a tensor's DRAM allocation."""

STAGE_NAMES = ("load", "fill", "compute", "drain", "store")
_EVENTS = 16
"""Maximum pending events per op: one per stage, plus two ended blocks per stage that its neighbours
have not yet seen.
"""
_LOADS_AHEAD = 2
"""Approximate number of blocks that an op loads before it stores its first block."""


@dataclass(frozen=True)
class StageTimes:
    """Cycles in which a stage started and finished each block; both int64 (blocks)."""

    started: Ints
    done: Ints


Times = dict[str, StageTimes]
"""Times by stage name, in pipeline order; only the stages that the op has."""


@dataclass(frozen=True)
class Executed:
    """A finished op: the times of its stages, the DRAM commands of its transfers, and its number in
    the order of start.
    """

    times: Times
    commands: ActionCounts
    serial: int


@dataclass(frozen=True)
class Served:
    """Load of one link so far: bits carried, and cycles in which it was busy."""

    bits: int
    busy_cycles: int


class Pipelines:
    """Links of a machine, first come, first served, its DRAM, and the ops that use them.

    ``env``: the SimPy environment of the other processes. A process that waits for a time must use
    `timeout`.
    """

    def __init__(
        self, architecture: Machine, channels: DramChannels, row_bytes: int, slots: int
    ) -> None:
        """``slots``: maximum number of ops in flight."""
        self.env = simpy.Environment()
        self.rows = DramRows(channels.table.capacity_bytes, row_bytes)
        self._links = _links(architecture)
        self._memory = _memory(architecture, channels.table.tck_ps)
        self._channels = channels
        self._serial = 0
        self._events = k.Events(
            clock=np.zeros(k.REACHED + 1, np.int64),
            queue=np.zeros((slots * _EVENTS, 3), np.int64),
            todo=np.zeros(2 * k.STAGES, np.int64),
            ended=np.zeros((slots, 3), np.int64),
        )
        self._events.clock[k.NEXT] = k.NEVER
        self._slots = _new_slots(slots, len(self._links.table) - on.MESH)
        self._waiting: list[simpy.Event | None] = [None] * slots
        self._starting: deque[int] = deque()
        self._ends: list[tuple[int, int, int]] = []
        self._covered = (-1, 0)

    def cycles(self, link: int, bits: int) -> int:
        """Cycles that a link takes for ``bits`` bits without contention."""
        return int(-(-bits // self._links.table[link, on.WIDTH]))

    def served(self, link: int) -> Served:
        """Load of the link so far."""
        return Served(int(self._links.table[link, on.BITS]), int(self._links.table[link, on.BUSY]))

    def play(self) -> None:
        """Process all events of SimPy and of blocks until none are left."""
        clock = self._events.clock
        while True:
            upcoming = self.env.peek()
            cycle = k.NEVER if upcoming == inf else int(upcoming)
            if self._starting:
                slot = self._starting.popleft()
                self._advance(int(self.env.now) if self._starting else cycle, 0, slot)
                self._cover()
            elif clock[k.NEXT] < cycle or self._unsettled(cycle):
                self._advance(cycle, 0)
            elif cycle < k.NEVER:
                self.env.step()
            else:
                return

    def _unsettled(self, cycle: int) -> bool:
        """Whether a transfer may end by a cycle and the kernel does not know of it."""
        clock = self._events.clock
        return bool(clock[k.CROSSINGS] > 0 and clock[k.SETTLED] < cycle)

    def timeout(self, delay: int) -> simpy.Event:
        """An event ``delay`` cycles from now. The block events of its cycle that are already
        scheduled come before it.
        """
        return self._event(int(self.env.now) + delay, int(self._events.clock[k.NUMBER]))

    def run(self, plan: OpPlan, place: Place) -> Generator[simpy.Event, None, Executed]:
        """Take an op through its stages; a SimPy process that returns the stage times and DRAM
        commands.

        The op's tensors get their DRAM rows now. Its stages start as soon as the current SimPy
        event is over. ``place``: key of a tensor's DRAM allocation.
        """
        slot = self._waiting.index(None)
        kinds = self._fill_slot(slot, plan, place)
        end = self._waiting[slot] = self.env.event()
        self._starting.append(slot)
        yield end
        self._waiting[slot] = None
        commands = ActionCounts()
        for command, action in COMMAND_ACTIONS.items():
            if action != "refresh":
                commands.add("dram", action, int(self._slots.commands[slot, command]))
        times = self._slots.times[slot, :, : len(kinds), : plan.blocks].copy()
        by_stage = {
            STAGE_NAMES[kind]: StageTimes(times[k.STARTED, index], times[k.DONE, index])
            for index, kind in enumerate(kinds)
        }
        return Executed(by_stage, commands, int(self._slots.ops[slot, k.SERIAL]))

    def _fill_slot(self, slot: int, plan: OpPlan, place: Place) -> list[int]:
        """Write the plan into the slot's arrays. Returns the kinds of its stages."""
        parts = plan.loads + plan.stores
        self._make_room(len(parts), plan.blocks)
        uses = {
            k.LOAD: plan.brings,
            k.FILL: plan.fills,
            k.COMPUTE: True,
            k.DRAIN: plan.drains,
            k.STORE: plan.sends,
        }
        kinds = [kind for kind, used in uses.items() if used]
        slots = self._slots
        slots.ops[slot] = (
            len(kinds),
            plan.blocks,
            plan.staged_in_bits,
            plan.fill_bits,
            plan.fill_buffer_bits,
            plan.peer_bits,
            plan.drain_bits,
            plan.drain_buffer_bits,
            plan.staged_out_bits,
            plan.fill_wait,
            plan.drain_wait,
            plan.staged_in_wait,
            plan.staged_out_wait,
            len(plan.loads),
            len(parts),
            self._serial,
            plan.fill_vector,
            plan.drain_vector,
            plan.on_vector_unit,
        )
        self._serial += 1
        slots.kinds[slot, : len(kinds)] = kinds
        slots.block_cycles[slot, : plan.blocks] = plan.block_cycles
        for index, load in enumerate(plan.mesh_bits):
            slots.mesh_bits[slot, index] = 0 if load is None else load
        slots.stash_bits[slot] = (plan.stash_in_bits, plan.stash_out_bits)
        for index in placing_order(plan, self._channels.table.burst_bytes):
            part = parts[index]
            base, _ = self.rows.place(place(part.tensor), part.size_bytes)
            slots.parts[slot, index] = (base, part.size_bytes, part.nbytes)
        return kinds

    def _make_room(self, parts: int, blocks: int) -> None:
        slots = self._slots
        self._channels.make_room(len(slots.ops) * parts)
        if parts > slots.parts.shape[1]:
            slots = slots._replace(parts=_longer(slots.parts, 1, parts))
        if blocks > slots.times.shape[3]:
            slots = slots._replace(
                times=_longer(slots.times, 3, blocks),
                block_cycles=_longer(slots.block_cycles, 1, blocks),
            )
        self._slots = slots

    def _advance(self, cycle: int, number: int, starting: int = -1) -> None:
        """Let the kernel process block events up to (cycle, number), or up to the end of an op.

        ``starting``: slot of an op to start first, or -1. Ends of ops become SimPy events, whose
        callbacks wake the processes that wait for them.
        """
        count = kernel.advance(
            cycle,
            number,
            starting,
            int(self.env.now),
            self._slots,
            self._events,
            self._links,
            self._memory,
            self._channels.system,
        )
        self._channels.extend_log()
        for slot, end_cycle, end_number in self._events.ended[:count].tolist():
            heappush(self._ends, (end_cycle, end_number, slot))
            self._at(end_cycle, self._end_next)

    def _end_next(self, event: simpy.Event) -> None:
        """Wake the process that waits for the next end. The ends of a cycle are known when it
        begins, and come in the order of their numbers, whichever became known first.
        """
        cycle, number, slot = heappop(self._ends)
        self._catch_up(cycle, number)
        waiting = self._waiting[slot]
        assert waiting is not None
        assert waiting.callbacks is not None
        for wake in waiting.callbacks:
            wake(event)

    def _event(self, cycle: int, number: int) -> simpy.Event:
        """A SimPy event at ``cycle`` that first processes the block events before (cycle,
        number).
        """
        return self._at(cycle, lambda _: self._catch_up(cycle, number))

    def _at(self, cycle: int, callback: Callable[[simpy.Event], None]) -> simpy.Event:
        event = self.env.timeout(cycle - int(self.env.now))
        assert event.callbacks is not None
        event.callbacks.append(callback)
        return event

    def _catch_up(self, cycle: int, number: int) -> None:
        """Process the block events before (cycle, number)."""
        if self._events.clock[k.NEXT] <= cycle:
            self._advance(cycle, number)
            self._cover()

    def _cover(self) -> None:
        """Schedule a SimPy event for the block events of this cycle that are scheduled so far."""
        clock = self._events.clock
        covered = int(self.env.now), int(clock[k.NUMBER])
        if clock[k.NEXT] == covered[0] and covered != self._covered:
            self._covered = covered
            self._event(*covered)


def placing_order(plan: OpPlan, burst_bytes: int) -> list[int]:
    """Indices of an op's parts (loads, then stores) in the order in which their DRAM rows are
    allocated.

    Parts are sorted by the block that first moves a burst of them. Loads run `_LOADS_AHEAD` blocks
    ahead of stores.
    """

    def first_block(part: DramPart) -> int:
        return min(plan.blocks, -(-plan.blocks * burst_bytes // part.nbytes)) - 1

    turns = [max(0, first_block(part) - _LOADS_AHEAD) for part in plan.loads]
    turns += [first_block(part) for part in plan.stores]
    return sorted(range(len(turns)), key=turns.__getitem__)


def _links(architecture: Machine) -> on.Links:
    noc, buffer, mesh = architecture.noc, architecture.global_buffer, Mesh.of(architecture)
    table = np.zeros((on.MESH + (mesh.links if mesh else 0), 4), np.int64)
    table[:, on.WIDTH] = noc.width_bits
    table[on.PEER, on.WIDTH] *= noc.peer_links
    table[on.BUFFER : on.VECTOR, on.WIDTH] = buffer.banks * buffer.width_bits
    table[on.VECTOR, on.WIDTH] = 1
    return on.Links(table, on.BUFFER if buffer.ports == 1 else on.BUFFER_WRITE)


def _memory(architecture: Machine, tck_ps: int) -> k.Memory:
    common = gcd(PICOSECONDS, architecture.clock_hz)
    return k.Memory(
        tck_ps,
        ps=PICOSECONDS // common,
        cycles=architecture.clock_hz // common,
    )


def _new_slots(slots: int, mesh_links: int) -> k.Slots:
    return k.Slots(
        ops=np.zeros((slots, k.IS_VECTOR + 1), np.int64),
        kinds=np.zeros((slots, k.STAGES), np.int64),
        block_cycles=np.zeros((slots, 1), np.int64),
        mesh_bits=np.zeros((slots, 4, mesh_links), np.int64),
        stash_bits=np.zeros((slots, 2), np.int64),
        parts=np.zeros((slots, 1, 3), np.int64),
        steps=np.zeros((slots, k.STAGES, k.TICKET + 1), np.int64),
        times=np.zeros((slots, 2, k.STAGES, 1), np.int64),
        commands=np.zeros((slots, 5), np.int64),
    )


def _longer(array: Ints, axis: int, size: int) -> Ints:
    """Copy the array into one that is at least half as long again, and at least ``size``, along
    ``axis``.
    """
    shape = list(array.shape)
    shape[axis] = max(size, shape[axis] * 3 // 2)
    result = np.zeros(shape, np.int64)
    result[tuple(slice(0, extent) for extent in array.shape)] = array
    return result
