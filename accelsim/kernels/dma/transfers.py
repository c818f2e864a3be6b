"""Transfers of a DMA: their bursts in each channel, and the order in which they are offered."""

from __future__ import annotations

from accelsim.kernels.dma.arrays import (
    ACTS,
    ALIASED,
    BASE,
    BURST_BYTES,
    CAPACITY_BYTES,
    END,
    FREE_AT,
    HIGH,
    IS_STORE,
    LAST_ORDER,
    LAST_SERIAL,
    LEFT,
    LOW,
    MEMBERS,
    OFFSET,
    OLDEST_FIRST,
    ORDER,
    REST,
    SERIAL,
    SIZE,
    TURN,
    UNFINISHED,
    UNOFFERED,
    Dma,
    Engine,
    engine_of,
)
from accelsim.kernels.dma.cursors import below_channel, next_piece, number_in, seek, step
from accelsim.kernels.dram.queues import NOTHING
from accelsim.kernels.dram.state import CHANNELS, INDEX, Ints
from accelsim.kernels.jit import inlined_jit, jit


@jit
def join(transfer: int, engine: Engine) -> None:
    """Add a transfer to those of a channel that have bursts to offer."""
    state, members, table = engine.state, engine.members, engine.transfers
    serial, order = table[transfer, SERIAL], table[transfer, ORDER]
    place = state[MEMBERS]
    while place > 0:
        before = members[place - 1]
        if (table[before, SERIAL], table[before, ORDER]) < (serial, order):
            break
        members[place] = before
        place -= 1
    members[place] = transfer
    state[MEMBERS] += 1
    if (serial, order) <= (state[LAST_SERIAL], state[LAST_ORDER]):
        state[TURN] += 1


@inlined_jit
def turn(engine: Engine) -> int:
    """The transfer that offers next on a channel."""
    state = engine.state
    if state[TURN] >= state[MEMBERS] or engine.settings[OLDEST_FIRST]:
        state[TURN] = 0
    return engine.members[state[TURN] & INDEX] & INDEX  # type: ignore[no-any-return]


@inlined_jit
def pass_turn(channel: int, transfer: int, shape: Ints, engine: Engine) -> None:
    """Move on, to the next burst of the transfer whose turn it is, and to the next transfer."""
    state, members, table = engine.state, engine.members, engine.transfers
    state[LAST_SERIAL], state[LAST_ORDER] = table[transfer, SERIAL], table[transfer, ORDER]
    engine.cursors[transfer, UNOFFERED] -= 1
    if engine.cursors[transfer, UNOFFERED] > 0:
        step(channel, transfer, shape, engine)
        state[TURN] += 1
        return
    state[MEMBERS] -= 1
    for behind in range(state[TURN], state[MEMBERS]):
        members[behind] = members[behind + 1]


@jit
def mark_aliases(transfer: int, offset: int, nbytes: int, dma: Dma) -> None:
    """Set the range of bursts of a new transfer, and mark the transfers that may touch a burst
    while another one waits to write it. A transfer in pieces has the whole DRAM for a range.
    """
    table, settings = dma.transfers, dma.settings
    row = table[transfer]
    first, capacity = row[BASE] + offset % row[SIZE], settings[CAPACITY_BYTES]
    row[LOW], row[HIGH] = 0, capacity // settings[BURST_BYTES]
    if offset % row[SIZE] + nbytes <= row[SIZE] and first % capacity + nbytes <= capacity:
        row[LOW] = first % capacity // settings[BURST_BYTES]
        row[HIGH] = (first % capacity + nbytes - 1) // settings[BURST_BYTES] + 1
    elif row[IS_STORE]:
        row[ALIASED] = 1
    for other in range(len(table)):
        if (
            other != transfer
            and table[other, SERIAL] != NOTHING
            and table[other, IS_STORE] + row[IS_STORE] > 0
            and table[other, LOW] < row[HIGH]
            and row[LOW] < table[other, HIGH]
        ):
            row[ALIASED], table[other, ALIASED] = 1, 1


@jit
def start(transfer: int, offset: int, nbytes: int, clock: int, shape: Ints, dma: Dma) -> None:
    """Hand a transfer to the engines: ``nbytes`` (>= 1) bytes of its tensor from ``offset`` on,
    offered from ``clock`` on. Re-reads wrap around the tensor.

    The columns up to `SIZE` of the transfer are set. Bursts are moved whole.
    """
    settings, row = dma.settings, dma.transfers[transfer]
    row[LEFT:] = 0
    mark_aliases(transfer, offset, nbytes, dma)
    below = below_channel(shape)
    for channel in range(shape[CHANNELS]):
        engine = engine_of(dma, channel)
        cursor = engine.cursors[transfer]
        cursor[OFFSET], cursor[REST], cursor[UNOFFERED] = offset % row[SIZE], nbytes, 0
        cursor[ACTS:] = 0
        while cursor[REST] > 0:
            first = next_piece(cursor, row, settings)
            cursor[UNOFFERED] += number_in(cursor[END], channel, below, shape) - number_in(
                first, channel, below, shape
            )
        cursor[UNFINISHED] = cursor[UNOFFERED]
        row[LEFT] += cursor[UNOFFERED]
        if cursor[UNOFFERED] > 0:
            cursor[OFFSET], cursor[REST], cursor[END] = offset % row[SIZE], nbytes, NOTHING
            seek(channel, transfer, shape, engine)
            join(transfer, engine)
            engine.state[FREE_AT] = max(engine.state[FREE_AT], clock)
