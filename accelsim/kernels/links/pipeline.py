"""Blocks of ops on their way through the machine: the events between the start and the end of an
op's pipeline.

The stages of an op are load (DRAM to global buffer), fill, compute, drain and store, without those
that it does not need. Each stage takes the op's blocks in order. A stage may start block b once the
previous stage has finished b and the next stage has finished b - 2 (a double buffer between
stages). An op of one block goes through its stages one after another. The transfers of a stage
queue for links and DRAM when the block starts.

Events are ordered by cycle, then by the number under which they were scheduled. The end of an op is
an event of the caller. It has a number of its own: that of the start of its last block.
"""

from __future__ import annotations

from accelsim.kernels.dma import arrays as dma_columns
from accelsim.kernels.dma.channels import full, run_channels
from accelsim.kernels.dma.system import System
from accelsim.kernels.dram.queues import NOTHING
from accelsim.kernels.dram.state import ACT, PRE, RD, WR
from accelsim.kernels.jit import inlined_jit, jit
from accelsim.kernels.links.servers import Links
from accelsim.kernels.links.slots import (
    AWAITED,
    AWAITED_BLOCK,
    BLOCK,
    BLOCKS,
    CODE,
    CROSSING,
    CROSSINGS,
    CYCLE,
    DONE,
    END_CYCLE,
    END_NUMBER,
    ENDS,
    FINISHED,
    NEVER,
    NEXT,
    NOW,
    NUMBER,
    ORDER,
    POINT,
    QUEUED,
    REACHED,
    SETTLED,
    SINCE,
    SLOT,
    STAGE_COUNT,
    STAGES,
    STAMP,
    STARTED,
    TICKET,
    TODO,
    UNTIL,
    Events,
    Ints,
    Memory,
    Slots,
)
from accelsim.kernels.links.stages import cycle_of, dram_clock, work

_WAKE, _DONE = range(2)


@jit
def earlier(cycle: int, number: int, other_cycle: int, other_number: int) -> bool:
    """Whether an event precedes another."""
    return cycle < other_cycle or (cycle == other_cycle and number < other_number)


@jit
def push(cycle: int, number: int, code: int, clock: Ints, queue: Ints) -> None:
    """Put an event into the queue of `Events`, under a number that `take_number` gave."""
    event = clock[QUEUED]
    queue[event, CYCLE], queue[event, ORDER], queue[event, CODE] = cycle, number, code
    clock[QUEUED] += 1


@jit
def take_number(clock: Ints) -> int:
    """The number of the next event to schedule."""
    clock[NUMBER] += 1
    return clock[NUMBER] - 1  # type: ignore[no-any-return]


@jit
def await_block(steps: Ints, stage: int, other: int, block: int, clock: Ints) -> bool:
    """Whether a block of another stage is unfinished; if so, the stage is marked as waiting for it.

    ``steps``: int64 (5, 6), the stages of one op.
    """
    if steps[other, FINISHED] > block:
        return False
    steps[stage, AWAITED], steps[stage, AWAITED_BLOCK] = other, block
    steps[stage, SINCE] = clock[STAMP]
    clock[STAMP] += 1
    return True


@jit
def wake(slot: int, stage: int, steps: Ints, clock: Ints, todo: Ints) -> None:
    """Make the end of a stage's block visible, and put the neighbours that wait for it on the list.

    The one that has waited longest runs first.
    """
    block = steps[stage, FINISHED]
    steps[stage, FINISHED] += 1
    behind = (
        stage + 1 < STAGES
        and steps[stage + 1, AWAITED] == stage
        and steps[stage + 1, AWAITED_BLOCK] == block
    )
    ahead = (
        stage > 0
        and steps[stage - 1, AWAITED] == stage
        and steps[stage - 1, AWAITED_BLOCK] == block
    )
    code = slot * STAGES + stage
    # The last stage put on the list is taken first.
    if behind and ahead and steps[stage - 1, SINCE] > steps[stage + 1, SINCE]:
        todo[clock[TODO]], todo[clock[TODO] + 1] = code - 1, code + 1
        clock[TODO] += 2
        return
    if behind:
        todo[clock[TODO]] = code + 1
        clock[TODO] += 1
    if ahead:
        todo[clock[TODO]] = code - 1
        clock[TODO] += 1


@jit
def end_op(slot: int, cycle: int, number: int, events: Events) -> None:
    """Report the end of an op to the caller, and its number as an event."""
    clock = events.clock
    end = events.ended[clock[ENDS]]
    end[SLOT], end[END_CYCLE], end[END_NUMBER] = slot, cycle, number
    clock[ENDS] += 1


@inlined_jit
def resume(
    slot: int,
    stage: int,
    slots: Slots,
    events: Events,
    links: Links,
    memory: Memory,
    system: System,
) -> None:
    """Continue a stage until it must wait or has done its last block."""
    clock, queue = events.clock, events.queue
    op, steps, times = slots.ops[slot], slots.steps[slot], slots.times[slot]
    step = steps[stage]
    step[AWAITED] = -1
    blocks, now = op[BLOCKS], clock[NOW]
    last = stage + 1 == op[STAGE_COUNT]
    code = slot * STAGES + stage
    while step[BLOCK] < blocks:
        block = step[BLOCK]
        if step[POINT] == 0:
            step[POINT] = 1
            if stage > 0 and await_block(steps, stage, stage - 1, block, clock):
                return
        if step[POINT] == 1:
            step[POINT] = 2
            if not last and block >= 2 and await_block(steps, stage, stage + 1, block - 2, clock):
                return
        if step[POINT] == 2:
            step[CROSSING] = 0
            done = work(stage, block, slot, now, slots, links, memory, system)
            times[STARTED, stage, block] = now
            step[POINT] = 3
            if step[CROSSING] > 0:
                step[UNTIL] = done
                step[TICKET] = clock[NUMBER]
                clock[NUMBER] += 1
                clock[CROSSINGS] += step[CROSSING]
                return
            if blocks == 1 and last:
                times[DONE, stage, block] = done
                end_op(slot, done, take_number(clock), events)
                return
            if done > now:
                push(done, take_number(clock), code * 2 + _WAKE, clock, queue)
                return
        times[DONE, stage, block] = now
        step[POINT] = 0
        step[BLOCK] += 1
        if blocks > 1:
            push(now, take_number(clock), code * 2 + _DONE, clock, queue)
    if blocks > 1:
        if last:
            end_op(slot, now, take_number(clock), events)
    else:
        step[FINISHED] = 1
        events.todo[clock[TODO]] = code + 1
        clock[TODO] += 1


@jit
def next_event(clock: Ints, queue: Ints) -> int:
    """Place of the next event in the queue of `Events`, or -1 if there is none."""
    first = -1
    clock[NEXT] = NEVER
    for event in range(clock[QUEUED]):
        if first < 0 or earlier(
            queue[event, CYCLE], queue[event, ORDER], clock[NEXT], queue[first, ORDER]
        ):
            first = event
            clock[NEXT] = queue[event, CYCLE]
    return first


@jit
def begin(slot: int, now: int, slots: Slots, events: Events) -> None:
    """Start an op: put all of its stages on the list, or only the first if it has one block."""
    clock, steps = events.clock, slots.steps[slot]
    steps[:] = 0
    steps[:, AWAITED] = -1
    slots.commands[slot] = 0
    clock[NOW] = now
    stages = 1 if slots.ops[slot, BLOCKS] == 1 else slots.ops[slot, STAGE_COUNT]
    for stage in range(stages):  # the last stage put on the list is taken first
        events.todo[stage] = slot * STAGES + stages - 1 - stage
    clock[TODO] = stages


@jit
def crossed(transfer: int, slots: Slots, events: Events, memory: Memory, system: System) -> None:
    """Note the end of a transfer. The last one of a stage's block schedules the end of the block.

    The event has the number that it got when the block started, so equal cycles are ordered by the
    starts of the blocks, whichever end became known first.
    """
    row, clock = system.dma.transfers[transfer], events.clock
    slot, stage = row[dma_columns.SLOT], row[dma_columns.STAGE]
    commands, step, op = slots.commands[slot], slots.steps[slot, stage], slots.ops[slot]
    for channel in range(len(system.dma.cursors)):
        cursor = system.dma.cursors[channel, transfer]
        commands[ACT] += cursor[dma_columns.ACTS]
        commands[PRE] += cursor[dma_columns.PRES]
        commands[WR if row[dma_columns.IS_STORE] else RD] += cursor[dma_columns.COLUMNS]
    row[dma_columns.SERIAL] = NOTHING
    clock[CROSSINGS] -= 1
    step[CROSSING] -= 1
    step[UNTIL] = max(step[UNTIL], cycle_of(row[dma_columns.UNTIL], memory))
    if step[CROSSING] > 0:
        return
    if op[BLOCKS] == 1 and stage + 1 == op[STAGE_COUNT]:
        slots.times[slot, DONE, stage, 0] = step[UNTIL]
        end_op(slot, step[UNTIL], step[TICKET], events)
    else:
        code = (slot * STAGES + stage) * 2 + _WAKE
        push(step[UNTIL], step[TICKET], code, clock, events.queue)


@jit
def settle(cycle: int, slots: Slots, events: Events, memory: Memory, system: System) -> bool:
    """Run the DRAM towards a cycle, until the ends of transfers become known.

    Returns True once it has run up to the cycle, so that all ends up to there are known.
    """
    clock, finished = events.clock, system.dma.finished
    until = NEVER if cycle >= NEVER else dram_clock(cycle, memory)
    if clock[CROSSINGS] > 0 and clock[REACHED] < until:
        clock[REACHED] = run_channels(clock[REACHED], until, system)
        for index in range(finished[0]):
            crossed(finished[1 + index], slots, events, memory, system)
        finished[0] = 0
        return False
    if cycle < NEVER:
        clock[REACHED] = max(clock[REACHED], until)
        clock[SETTLED] = max(clock[SETTLED], cycle)
    return True


@jit
def advance(
    cycle: int,
    number: int,
    slot: int,
    now: int,
    slots: Slots,
    events: Events,
    links: Links,
    memory: Memory,
    system: System,
) -> int:
    """Process the events before the caller's event (cycle, number), and before the end of any op.

    First the op in ``slot`` starts at ``now``, unless ``slot`` is -1. Returns the number of ops
    that end (see `Events.ended`).

    The events of a cycle may start transfers. So the DRAM first runs up to that cycle, and no
    command is decided later than the next time at which a burst can be offered.
    """
    clock, queue, todo, ended = events
    clock[ENDS] = 0
    if slot >= 0:
        begin(slot, now, slots, events)
    while True:
        while clock[TODO] > 0:
            clock[TODO] -= 1
            code = todo[clock[TODO]]
            resume(code // STAGES, code % STAGES, slots, events, links, memory, system)
        first = next_event(clock, queue)
        for end in range(clock[ENDS]):
            other, other_number = ended[end, END_CYCLE], ended[end, END_NUMBER]
            if earlier(other, other_number, cycle, number):
                cycle, number = other, other_number
        if not settle(min(clock[NEXT], cycle), slots, events, memory, system):
            if full(system.dma):
                return clock[ENDS]  # type: ignore[no-any-return]
            continue
        if first < 0 or not earlier(queue[first, CYCLE], queue[first, ORDER], cycle, number):
            return clock[ENDS]  # type: ignore[no-any-return]
        clock[NOW] = queue[first, CYCLE]
        code = queue[first, CODE]
        clock[QUEUED] -= 1
        queue[first] = queue[clock[QUEUED]]
        if code % 2 == _WAKE:
            todo[0] = code // 2
            clock[TODO] = 1
        else:
            op, stage = code // 2 // STAGES, code // 2 % STAGES
            wake(op, stage, slots.steps[op], clock, todo)
