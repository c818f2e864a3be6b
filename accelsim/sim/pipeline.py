"""Ops as pipelines of blocks, on the links and the DRAM that all ops share: the objects around
`kernels.links.pipeline`.

SimPy carries the events between ops, the kernel those of their blocks. Both kinds have one order:
by cycle, then in the order in which they were scheduled. It is kept in this way:

* while SimPy has nothing to do before it, the kernel processes its next event (`Pipelines.play`);
* in a cycle in which SimPy has events, the kernel runs only inside some of them, each of which
  lets it process the block events that were scheduled before it: the ends of ops, `timeout`, and
  timeouts of no delay that stand for block events scheduled in the course of the cycle (`_cover`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
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
from accelsim.machine.architecture import Architecture
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import DramPart, OpPlan

Ints = NDArray[np.int64]
Process = Generator[simpy.Event, None, None]
Place = Callable[[str], Hashable]
"""Key of a tensor's DRAM allocation."""

STAGE_NAMES = ("load", "fill", "compute", "drain", "store")
_EVENTS = 16
"""Events to come of one op: a stage has at most one of its own and two ended blocks that its
neighbours have not seen.
"""
_LOADS_AHEAD = 2
"""Blocks that an op loads before its first block is stored, about."""


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


class Pipelines:
    """The links and the DRAM of a machine, first come first served, and the ops that use them;
    ``env`` is where other processes run. Processes that wait for a time use `timeout`.
    """

    def __init__(
        self, architecture: Architecture, channels: DramChannels, row_bytes: int, slots: int
    ) -> None:
        """``slots``: ops that can run at once."""
        self.env = simpy.Environment()
        self.rows = DramRows(channels.table.capacity_bytes, row_bytes)
        self._links = _links(architecture)
        self._memory = _memory(architecture, channels)
        self._dram = channels.state
        self._events = k.Events(
            clock=np.zeros(k.NEXT + 1, np.int64),
            queue=np.zeros((slots * _EVENTS, 3), np.int64),
            todo=np.zeros(2 * k.STAGES, np.int64),
            ended=np.zeros((slots, 3), np.int64),
        )
        self._events.clock[k.NEXT] = k.NEVER
        self._slots = _new_slots(slots, len(self._links.table) - on.MESH)
        self._waiting: list[simpy.Event | None] = [None] * slots
        self._starting: deque[int] = deque()
        self._covered = (-1, 0)

    def cycles(self, link: int, bits: int) -> int:
        """How long a link takes for that many bits alone."""
        return int(-(-bits // self._links.table[link, on.WIDTH]))

    def served(self, link: int) -> Served:
        """What the link has carried so far."""
        return Served(int(self._links.table[link, on.BITS]), int(self._links.table[link, on.BUSY]))

    def play(self) -> None:
        """Process all events, of SimPy and of blocks, until there are none."""
        clock = self._events.clock
        while True:
            upcoming = self.env.peek()
            cycle = k.NEVER if upcoming == inf else int(upcoming)
            if self._starting:
                slot = self._starting.popleft()
                self._advance(int(self.env.now) if self._starting else cycle, 0, slot)
                self._cover()
            elif clock[k.NEXT] < cycle:
                self._advance(cycle, 0)
            elif cycle < k.NEVER:
                self.env.step()
            else:
                return

    def timeout(self, delay: int) -> simpy.Event:
        """An event ``delay`` cycles from now, before which come the block events of its cycle that
        have been scheduled by now.
        """
        return self._event(int(self.env.now) + delay, int(self._events.clock[k.NUMBER]))

    def run(self, plan: OpPlan, place: Place) -> Generator[simpy.Event, None, Executed]:
        """Take an op through its stages.

        Its tensors get their rows of the DRAM now, its stages start as soon as SimPy's event in
        work is over.
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
        return Executed(by_stage, commands)

    def _fill_slot(self, slot: int, plan: OpPlan, place: Place) -> list[int]:
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
        )
        slots.kinds[slot, : len(kinds)] = kinds
        slots.block_cycles[slot, : plan.blocks] = plan.block_cycles
        for index, load in enumerate((plan.mesh_fill, plan.mesh_drain)):
            slots.mesh_bits[slot, index] = 0 if load is None else load
        for index in placing_order(plan):
            part = parts[index]
            base, _ = self.rows.place(place(part.tensor), part.size_bytes)
            slots.parts[slot, index] = (base, part.size_bytes, part.nbytes)
        return kinds

    def _make_room(self, parts: int, blocks: int) -> None:
        slots = self._slots
        if parts > slots.parts.shape[1]:
            slots = slots._replace(parts=_longer(slots.parts, 1, parts))
        if blocks > slots.times.shape[3]:
            slots = slots._replace(
                times=_longer(slots.times, 3, blocks),
                block_cycles=_longer(slots.block_cycles, 1, blocks),
            )
        self._slots = slots

    def _advance(self, cycle: int, number: int, starting: int = -1) -> None:
        """Start the op in a slot, if one is given; process the block events before that cycle and
        number, and before the end of an op.

        Ends are scheduled; those who wait for one are called by its event.
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
            self._dram,
        )
        for slot, end_cycle, end_number in self._events.ended[:count].tolist():
            event, waiting = self._event(end_cycle, end_number), self._waiting[slot]
            assert event.callbacks is not None
            assert waiting is not None
            assert waiting.callbacks is not None
            event.callbacks.extend(waiting.callbacks)

    def _event(self, cycle: int, number: int) -> simpy.Event:
        """An event that has its place among the block events."""

        def catch_up(_: simpy.Event) -> None:
            if self._events.clock[k.NEXT] <= cycle:
                self._advance(cycle, number)
                self._cover()

        event = self.env.timeout(cycle - int(self.env.now))
        assert event.callbacks is not None
        event.callbacks.append(catch_up)
        return event

    def _cover(self) -> None:
        """Give the block events of this cycle that have been scheduled by now their place among
        SimPy's.
        """
        clock = self._events.clock
        covered = int(self.env.now), int(clock[k.NUMBER])
        if clock[k.NEXT] == covered[0] and covered != self._covered:
            self._covered = covered
            self._event(*covered)


def placing_order(plan: OpPlan) -> list[int]:
    """Numbers of an op's parts, loads before stores, in the order in which they get their rows:
    that of the blocks that first move a byte of them, loads `_LOADS_AHEAD` blocks ahead.
    """

    def first_block(part: DramPart) -> int:
        return -(-plan.blocks // part.nbytes) - 1

    turns = [max(0, first_block(part) - _LOADS_AHEAD) for part in plan.loads]
    turns += [first_block(part) for part in plan.stores]
    return sorted(range(len(turns)), key=turns.__getitem__)


def _links(architecture: Architecture) -> on.Links:
    noc, buffer, mesh = architecture.noc, architecture.global_buffer, Mesh.of(architecture)
    table = np.zeros((on.MESH + (mesh.links if mesh else 0), 4), np.int64)
    table[:, on.WIDTH] = noc.width_bits
    table[on.PEER, on.WIDTH] *= noc.peer_links
    table[on.BUFFER : on.MESH, on.WIDTH] = buffer.banks * buffer.width_bits
    return on.Links(table, on.BUFFER if buffer.ports == 1 else on.BUFFER_WRITE)


def _memory(architecture: Architecture, channels: DramChannels) -> k.Memory:
    table, common = channels.table, gcd(PICOSECONDS, architecture.clock_hz)
    return k.Memory(
        table.tck_ps,
        table.burst_bytes,
        table.capacity_bytes,
        ps=PICOSECONDS // common,
        cycles=architecture.clock_hz // common,
    )


def _new_slots(slots: int, mesh_links: int) -> k.Slots:
    return k.Slots(
        ops=np.zeros((slots, k.PARTS + 1), np.int64),
        kinds=np.zeros((slots, k.STAGES), np.int64),
        block_cycles=np.zeros((slots, 1), np.int64),
        mesh_bits=np.zeros((slots, 2, mesh_links), np.int64),
        parts=np.zeros((slots, 1, 3), np.int64),
        steps=np.zeros((slots, k.STAGES, 6), np.int64),
        times=np.zeros((slots, 2, k.STAGES, 1), np.int64),
        commands=np.zeros((slots, 5), np.int64),
    )


def _longer(array: Ints, axis: int, size: int) -> Ints:
    """The array, longer by half or more along an axis, its content kept."""
    shape = list(array.shape)
    shape[axis] = max(size, shape[axis] * 3 // 2)
    result = np.zeros(shape, np.int64)
    result[tuple(slice(0, extent) for extent in array.shape)] = array
    return result
