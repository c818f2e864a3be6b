"""Positions in a transfer: its bursts in one channel, one after another."""

from __future__ import annotations

from accelsim.kernels.dma.arrays import (
    BANK,
    BASE,
    BURST,
    BURST_BYTES,
    CAPACITY_BYTES,
    DIGIT,
    END,
    OF_BANKS,
    OF_BURSTS,
    OF_ROWS,
    OFFSET,
    REST,
    ROW,
    SIZE,
    VALUES,
    Engine,
)
from accelsim.kernels.dram.addresses import field_size
from accelsim.kernels.dram.state import CHANNEL_FIELD, CHANNELS, FIELD, Ints
from accelsim.kernels.jit import inlined_jit, jit


@jit
def below_channel(shape: Ints) -> int:
    """Consecutive bursts that lie in one channel: the product of the fields below the channel."""
    bursts = 1
    for position in range(6):
        if shape[FIELD + position] == CHANNEL_FIELD:
            break
        bursts *= field_size(shape[FIELD + position], shape)
    return bursts


@jit
def next_in(burst: int, channel: int, below: int, shape: Ints) -> int:
    """First burst from ``burst`` on that lies in a channel; ``below`` as in `below_channel`."""
    if shape[CHANNELS] == 1:
        return burst
    period = below * shape[CHANNELS]
    ahead = burst % period - channel * below
    if 0 <= ahead < below:
        return burst
    return burst - ahead if ahead < 0 else burst - ahead + period  # type: ignore[no-any-return]


@jit
def number_in(end: int, channel: int, below: int, shape: Ints) -> int:
    """Bursts below ``end`` that lie in a channel."""
    period = below * shape[CHANNELS]
    rest = end % period - channel * below
    return end // period * below + min(max(rest, 0), below)  # type: ignore[no-any-return]


@jit
def next_piece(cursor: Ints, transfer: Ints, settings: Ints) -> int:
    """Move a cursor to the next piece of its transfer: consecutive bytes up to the end of the
    tensor or of the DRAM. Returns the first burst of the piece.
    """
    size = transfer[SIZE]
    address = (transfer[BASE] + cursor[OFFSET]) % settings[CAPACITY_BYTES]
    nbytes = min(cursor[REST], size - cursor[OFFSET], settings[CAPACITY_BYTES] - address)
    cursor[END] = (address + nbytes - 1) // settings[BURST_BYTES] + 1
    cursor[REST] -= nbytes
    cursor[OFFSET] = (cursor[OFFSET] + nbytes) % size
    return address // settings[BURST_BYTES]  # type: ignore[no-any-return]


@jit
def seek(channel: int, transfer: int, shape: Ints, engine: Engine) -> None:
    """Move a channel's cursor to its first burst of the next piece that has one."""
    cursor, fields, below = engine.cursors[transfer], engine.fields, below_channel(shape)
    burst = cursor[END]
    while burst >= cursor[END] and cursor[REST] > 0:
        burst = next_piece(cursor, engine.transfers[transfer], engine.settings)
        burst = next_in(burst, channel, below, shape)
    cursor[BURST], cursor[BANK], cursor[ROW] = burst, 0, 0
    for position in range(len(fields)):
        digit = burst // fields[position, OF_BURSTS] % fields[position, VALUES]
        cursor[DIGIT + position] = digit
        cursor[BANK] += digit * fields[position, OF_BANKS]
        cursor[ROW] += digit * fields[position, OF_ROWS]


@inlined_jit
def step(channel: int, transfer: int, shape: Ints, engine: Engine) -> None:
    """Move a channel's cursor to its next burst. It must have one."""
    cursors, fields, by = engine.cursors, engine.fields, 0
    burst, bank, row = (
        cursors[transfer, BURST],
        cursors[transfer, BANK],
        cursors[transfer, ROW],
    )
    for position in range(len(fields)):
        digit = cursors[transfer, DIGIT + position] + 1
        if digit < fields[position, VALUES]:
            by = 1
        else:  # carry to the next field
            by, digit = 1 - fields[position, VALUES], 0
        cursors[transfer, DIGIT + position] = digit
        burst += by * fields[position, OF_BURSTS]
        bank += by * fields[position, OF_BANKS]
        row += by * fields[position, OF_ROWS]
        if by == 1:
            break
    if by != 1 or burst >= cursors[transfer, END]:
        seek(channel, transfer, shape, engine)
        return
    cursors[transfer, BURST], cursors[transfer, BANK], cursors[transfer, ROW] = burst, bank, row
