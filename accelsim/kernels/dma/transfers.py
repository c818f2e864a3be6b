"""Transfers of a DMA: their bursts in each channel, and the order in which they are offered."""

from __future__ import annotations

from accelsim.kernels.dma.arrays import (
    ACTS,
    ALIASED,
    BASE,
    BURST,
    BURST_BYTES,
    CAPACITY_BYTES,
    END,
    EPOCH,
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
)
from accelsim.kernels.dma.cursors import below_channel, next_piece, number_in, seek
from accelsim.kernels.dram.queues import NOTHING
from accelsim.kernels.dram.state import CHANNELS, Ints
from accelsim.kernels.jit import jit


@jit
def join(channel: int, transfer: int, dma: Dma) -> None:
    """Add a transfer to those of a channel that have bursts to offer."""
    engine, members, table = dma.engines[channel], dma.members[channel], dma.transfers
    serial, order = table[transfer, SERIAL], table[transfer, ORDER]
    place = engine[MEMBERS]
    while place > 0:
        before = members[place - 1]
        if (table[before, SERIAL], table[before, ORDER]) < (serial, order):
            break
        members[place] = before
        place -= 1
    members[place] = transfer
    engine[MEMBERS] += 1
    engine[EPOCH] += 1
    if (serial, order) <= (engine[LAST_SERIAL], engine[LAST_ORDER]):
        engine[TURN] += 1


@jit
def take_turn(channel: int, shape: Ints, dma: Dma) -> tuple[int, int]:
    """(transfer that offers next on a channel, the burst that it offers)."""
    engine, members = dma.engines[channel], dma.members[channel]
    place = engine[TURN]
    if place >= engine[MEMBERS] or dma.settings[OLDEST_FIRST]:
        place = 0
    transfer = members[place]
    cursor = dma.cursors[channel, transfer]
    burst = cursor[BURST]
    engine[LAST_SERIAL], engine[LAST_ORDER] = (
        dma.transfers[transfer, SERIAL],
        dma.transfers[transfer, ORDER],
    )
    engine[TURN] = place + 1
    cursor[UNOFFERED] -= 1
    if cursor[UNOFFERED] > 0:
        seek(burst + 1, channel, transfer, shape, dma)
    else:
        engine[MEMBERS] -= 1
        engine[EPOCH] += 1
        engine[TURN] = place
        for behind in range(place, engine[MEMBERS]):
            members[behind] = members[behind + 1]
    return transfer, burst


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
        cursor = dma.cursors[channel, transfer]
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
            seek(0, channel, transfer, shape, dma)
            join(channel, transfer, dma)
            dma.engines[channel, FREE_AT] = max(dma.engines[channel, FREE_AT], clock)
