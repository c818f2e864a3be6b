"""Blocks of ops on their way through the machine: the events between the start and the end of an
op's pipeline.

An op's stages are load (DRAM to global buffer), fill, compute, drain and store, as many of them as
it needs; each takes the op's blocks in order. A stage may start block b once the stage before has
finished b and the stage behind has finished b - 2 (a double buffer between two); an op of one block
goes through its stages one after the other. A stage's transfers take their turns on links and DRAM
when the block starts.

Events are ordered as SimPy orders them, by cycle, priority (a stage's first step before all else)
and the number under which they were scheduled; the number is shared with the caller's own events,
so that both kinds keep one total order. Arrays:

* ``state`` int64[15]: the indices below; ``links``: those of `kernels.links`;
* ``queue`` int64[events, 3]: cycle, order, code of the events to come, in no order; ``todo``
  int64[4]: codes of stages that the event in work still has to wake;
* of each running op (slot): ``ops`` int64[slots, 15], ``loads`` int64[slots, 2, mesh] (bits that
  fill and drain move over each link of a mesh), ``parts`` int64[slots, parts, 3] (of load, then of
  store: first byte in DRAM or -1, bytes of the tensor, bytes to move), ``kinds`` int64[slots, 5] of
  its stages, ``steps`` int64[slots, 5, 6] where each stage is, ``block_cycles`` int64[slots,
  blocks], ``times`` int64[slots, 2, 5, blocks] (started, done), ``commands`` int64[slots, 5] of the
  DRAM.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.dram.timing import COMMANDS, stream
from accelsim.kernels.jit import jit
from accelsim.kernels.links.servers import (
    BUFFER,
    DOWN,
    PEER,
    UP,
    before,
    reserve,
    reserve_mesh,
    scaled,
    share,
)

Ints = NDArray[np.int64]

(
    NOW,
    SERIAL,
    QUEUED,
    TODO,
    STAMP,
    KEY_CYCLE,
    KEY_ORDER,
    SLOT,
    STAGE,
    TCK_PS,
    BURST_BYTES,
    CAPACITY_BYTES,
    PS,
    CYCLES,
    WRITES,
) = range(15)
"""Indices into ``state``. ``KEY_*``: the event in work; ``SLOT``, ``STAGE``: what a return is
about; ``PS`` picoseconds are ``CYCLES`` cycles; ``WRITES``: the link for writes of the global
buffer.
"""
LOAD, FILL, COMPUTE, DRAIN, STORE = range(5)
(
    STAGES,
    BLOCKS,
    STAGED_IN,
    FILL_BITS,
    FILL_BUFFER,
    PEER_BITS,
    DRAIN_BITS,
    DRAIN_BUFFER,
    STAGED_OUT,
    LOADS,
    PARTS,
) = range(11)
FILL_WAIT, DRAIN_WAIT, STAGED_IN_WAIT, STAGED_OUT_WAIT = range(11, 15)
"""Of an op: number of stages and blocks, bits that each link moves for it, parts that are loads,
and all parts; cycles of bank conflicts.
"""
BASE, SIZE, NBYTES = range(3)
BLOCK, POINT, FINISHED, AWAITED, AWAITED_BLOCK, SINCE = range(6)
"""Of a stage: block in work, point in the block, blocks whose end others have seen, stage and block
that it waits for, and since when.
"""
CYCLE, ORDER, CODE = range(3)
NORMAL = 1 << 60
"""Added to the number of an event that has no priority over others of its cycle."""
REACHED, ENDED, PLACE = range(3)
"""Why `advance` returns: the caller's event is next; the op in ``SLOT`` has ended; its ``STAGE``
moves tensors that have no place in DRAM yet.
"""
_WAKE, _DONE = range(2)


@jit
def cross_dram(
    slot: int,
    index: int,
    parts: Ints,
    block: int,
    blocks: int,
    write: bool,
    state: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """One block's share of one part crosses the DRAM bus; the cycle in which its last data has
    passed. Re-reads wrap around the tensor.
    """
    offset = before(parts[slot, index, NBYTES], block, blocks)
    nbytes = before(parts[slot, index, NBYTES], block + 1, blocks) - offset
    if nbytes == 0:
        return 0
    now_ps = scaled(state[NOW], state[PS], state[CYCLES])
    accept = (now_ps + state[TCK_PS] - 1) // state[TCK_PS]
    done = now_ps
    offset %= parts[slot, index, SIZE]
    while nbytes > 0:
        address = (parts[slot, index, BASE] + offset) % state[CAPACITY_BYTES]
        size = min(nbytes, parts[slot, index, SIZE] - offset, state[CAPACITY_BYTES] - address)
        first = address // state[BURST_BYTES]
        bursts = (address + size - 1) // state[BURST_BYTES] - first + 1
        done = max(
            done,
            stream(first, bursts, write, accept, delays, shape, ready, banks, ranks, tally)
            * state[TCK_PS],
        )
        nbytes -= size
        offset = (offset + size) % parts[slot, index, SIZE]
    return scaled(done, state[CYCLES], state[PS])


@jit
def count(times: int, slot: int, tally: Ints, commands: Ints) -> None:
    """Add the commands of all channels so far, ``times`` times, to the slot's."""
    for channel in range(tally.shape[0]):
        for command in range(COMMANDS):
            commands[slot, command] += times * tally[channel, command]


@jit
def homeless(slot: int, first: int, end: int, block: int, blocks: int, parts: Ints) -> int:
    """How many of these parts move something in the block and have no place in DRAM yet."""
    found = 0
    for index in range(first, end):
        if parts[slot, index, BASE] < 0 and share(parts[slot, index, NBYTES], block, blocks) > 0:
            found += 1
    return found


@jit
def work(
    kind: int,
    block: int,
    slot: int,
    ops: Ints,
    loads: Ints,
    parts: Ints,
    block_cycles: Ints,
    commands: Ints,
    state: Ints,
    links: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """Start a stage's transfers of one block; returns the cycle in which the block is done, -1
    (nothing started) if a tensor has no place yet.
    """
    now, blocks = state[NOW], ops[slot, BLOCKS]
    if kind == COMPUTE:
        return now + block_cycles[slot, block]  # type: ignore[no-any-return]
    if kind == FILL:
        done = reserve(DOWN, share(ops[slot, FILL_BITS], block, blocks), 0, now, links)
        wait = share(ops[slot, FILL_WAIT], block, blocks)
        done = max(
            done, reserve(BUFFER, share(ops[slot, FILL_BUFFER], block, blocks), wait, now, links)
        )
        done = max(done, reserve(PEER, share(ops[slot, PEER_BITS], block, blocks), 0, now, links))
        return max(done, reserve_mesh(loads[slot, 0], block, blocks, now, links))
    if kind == DRAIN:
        done = reserve(UP, share(ops[slot, DRAIN_BITS], block, blocks), 0, now, links)
        wait = share(ops[slot, DRAIN_WAIT], block, blocks)
        done = max(
            done,
            reserve(state[WRITES], share(ops[slot, DRAIN_BUFFER], block, blocks), wait, now, links),
        )
        return max(done, reserve_mesh(loads[slot, 1], block, blocks, now, links))
    write = kind == STORE
    first, end = (ops[slot, LOADS], ops[slot, PARTS]) if write else (0, ops[slot, LOADS])
    if homeless(slot, first, end, block, blocks, parts) > 0:
        return -1
    if write:
        wait = share(ops[slot, STAGED_OUT_WAIT], block, blocks)
        done = reserve(BUFFER, share(ops[slot, STAGED_OUT], block, blocks), wait, now, links)
    else:
        wait = share(ops[slot, STAGED_IN_WAIT], block, blocks)
        done = reserve(state[WRITES], share(ops[slot, STAGED_IN], block, blocks), wait, now, links)
    count(-1, slot, tally, commands)
    for index in range(first, end):
        done = max(
            done,
            cross_dram(
                slot,
                index,
                parts,
                block,
                blocks,
                write,
                state,
                delays,
                shape,
                ready,
                banks,
                ranks,
                tally,
            ),
        )
    count(1, slot, tally, commands)
    return done


@jit
def earlier(cycle: int, order: int, other_cycle: int, other_order: int) -> bool:
    """Whether one event comes before another."""
    return cycle < other_cycle or (cycle == other_cycle and order < other_order)


@jit
def push(cycle: int, order: int, code: int, state: Ints, queue: Ints) -> None:
    """Schedule an event."""
    event = state[QUEUED]
    queue[event, CYCLE], queue[event, ORDER], queue[event, CODE] = cycle, order, code
    state[QUEUED] += 1


@jit
def await_block(slot: int, stage: int, other: int, block: int, steps: Ints, state: Ints) -> bool:
    """Whether a block of another stage has yet to end; then the stage waits for it."""
    if steps[slot, other, FINISHED] > block:
        return False
    steps[slot, stage, AWAITED], steps[slot, stage, AWAITED_BLOCK], steps[slot, stage, SINCE] = (
        other,
        block,
        state[STAMP],
    )
    state[STAMP] += 1
    return True


@jit
def wake(slot: int, stage: int, steps: Ints, state: Ints, todo: Ints) -> None:
    """The end of a stage's block is seen: its neighbours that wait for it go on, who has waited
    longest first.
    """
    block = steps[slot, stage, FINISHED]
    steps[slot, stage, FINISHED] += 1
    behind = (
        stage + 1 < steps.shape[1]
        and steps[slot, stage + 1, AWAITED] == stage
        and steps[slot, stage + 1, AWAITED_BLOCK] == block
    )
    ahead = (
        stage > 0
        and steps[slot, stage - 1, AWAITED] == stage
        and steps[slot, stage - 1, AWAITED_BLOCK] == block
    )
    # The last to be put on the list is the first to be taken.
    if behind and ahead and steps[slot, stage - 1, SINCE] > steps[slot, stage + 1, SINCE]:
        todo[state[TODO]], todo[state[TODO] + 1] = slot * 5 + stage - 1, slot * 5 + stage + 1
        state[TODO] += 2
        return
    if behind:
        todo[state[TODO]] = slot * 5 + stage + 1
        state[TODO] += 1
    if ahead:
        todo[state[TODO]] = slot * 5 + stage - 1
        state[TODO] += 1


@jit
def resume(
    slot: int,
    stage: int,
    ops: Ints,
    loads: Ints,
    parts: Ints,
    kinds: Ints,
    steps: Ints,
    block_cycles: Ints,
    times: Ints,
    commands: Ints,
    state: Ints,
    links: Ints,
    queue: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """A stage goes on until it waits (`REACHED`), has to be told a place (`PLACE`), or has done its
    last block (`ENDED`).
    """
    steps[slot, stage, AWAITED] = -1
    blocks, stages = ops[slot, BLOCKS], ops[slot, STAGES]
    while steps[slot, stage, BLOCK] < blocks:
        block = steps[slot, stage, BLOCK]
        if steps[slot, stage, POINT] == 0:
            steps[slot, stage, POINT] = 1
            if stage > 0 and await_block(slot, stage, stage - 1, block, steps, state):
                return REACHED
        if steps[slot, stage, POINT] == 1:
            steps[slot, stage, POINT] = 2
            if (
                stage + 1 < stages
                and block >= 2
                and await_block(slot, stage, stage + 1, block - 2, steps, state)
            ):
                return REACHED
        if steps[slot, stage, POINT] == 2:
            done = work(
                kinds[slot, stage],
                block,
                slot,
                ops,
                loads,
                parts,
                block_cycles,
                commands,
                state,
                links,
                delays,
                shape,
                ready,
                banks,
                ranks,
                tally,
            )
            if done < 0:
                return PLACE
            times[slot, 0, stage, block] = state[NOW]
            steps[slot, stage, POINT] = 3
            if done > state[NOW]:
                push(done, NORMAL + state[SERIAL], (slot * 5 + stage) * 2 + _WAKE, state, queue)
                state[SERIAL] += 1
                return REACHED
        times[slot, 1, stage, block] = state[NOW]
        steps[slot, stage, POINT] = 0
        steps[slot, stage, BLOCK] += 1
        if blocks > 1:
            push(state[NOW], NORMAL + state[SERIAL], (slot * 5 + stage) * 2 + _DONE, state, queue)
            state[SERIAL] += 1
    return ENDED


@jit
def begin(
    slot: int,
    now: int,
    ops: Ints,
    steps: Ints,
    commands: Ints,
    state: Ints,
    queue: Ints,
    todo: Ints,
) -> None:
    """An op starts: all its stages take their first step before anything else in this cycle; with
    one block only the first, at once.
    """
    steps[slot] = 0
    steps[slot, :, AWAITED] = -1
    commands[slot] = 0
    state[NOW] = now
    if ops[slot, BLOCKS] == 1:
        todo[0] = slot * 5
        state[TODO] = 1
        return
    for stage in range(ops[slot, STAGES]):
        push(now, state[SERIAL], (slot * 5 + stage) * 2 + _WAKE, state, queue)
        state[SERIAL] += 1


@jit
def advance(
    cycle: int,
    order: int,
    state: Ints,
    links: Ints,
    queue: Ints,
    todo: Ints,
    ops: Ints,
    loads: Ints,
    parts: Ints,
    kinds: Ints,
    steps: Ints,
    block_cycles: Ints,
    times: Ints,
    commands: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """Process the events before the caller's, which comes at (``cycle``, ``order``); see `REACHED`,
    `ENDED` and `PLACE`.

    When an op has ended, (``KEY_CYCLE``, ``KEY_ORDER``) is where its end stands among the events:
    it is for the caller to process.
    """
    while True:
        while state[TODO] > 0:
            state[TODO] -= 1
            code = todo[state[TODO]]
            slot, stage = code // 5, code % 5
            found = resume(
                slot,
                stage,
                ops,
                loads,
                parts,
                kinds,
                steps,
                block_cycles,
                times,
                commands,
                state,
                links,
                queue,
                delays,
                shape,
                ready,
                banks,
                ranks,
                tally,
            )
            state[SLOT], state[STAGE] = slot, stage
            if found == PLACE:
                state[TODO] += 1
                return PLACE
            if found == ENDED:
                if stage + 1 == ops[slot, STAGES]:
                    if ops[slot, BLOCKS] > 1:
                        state[KEY_CYCLE], state[KEY_ORDER] = state[NOW], NORMAL + state[SERIAL]
                        state[SERIAL] += 1
                    return ENDED
                if ops[slot, BLOCKS] == 1:
                    steps[slot, stage, FINISHED] = 1
                    todo[state[TODO]] = code + 1
                    state[TODO] += 1
        if state[QUEUED] == 0:
            return REACHED
        first = 0
        for index in range(1, state[QUEUED]):
            if earlier(
                queue[index, CYCLE], queue[index, ORDER], queue[first, CYCLE], queue[first, ORDER]
            ):
                first = index
        if earlier(cycle, order, queue[first, CYCLE], queue[first, ORDER]):
            return REACHED
        state[KEY_CYCLE], state[KEY_ORDER] = queue[first, CYCLE], queue[first, ORDER]
        state[NOW] = queue[first, CYCLE]
        code = queue[first, CODE]
        state[QUEUED] -= 1
        queue[first] = queue[state[QUEUED]]
        slot, stage = code // 2 // 5, code // 2 % 5
        if code % 2 == _WAKE:
            todo[0] = slot * 5 + stage
            state[TODO] = 1
        else:
            wake(slot, stage, steps, state, todo)
