"""Positions in a transfer: its bursts in one channel, one after another."""

from __future__ import annotations

from accelsim.kernels.dma.arrays import (
    BASE,
    BURST,
    BURST_BYTES,
    CAPACITY_BYTES,
    END,
    OFFSET,
    REST,
    SIZE,
    Dma,
)
from accelsim.kernels.dram.addresses import field_size
from accelsim.kernels.dram.state import CHANNEL_FIELD, CHANNELS, FIELD, Ints
from accelsim.kernels.jit import jit


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
def seek(burst: int, channel: int, transfer: int, shape: Ints, dma: Dma) -> None:
    """Move a channel's cursor to its first burst at or after ``burst`` of the current piece, or in
    a later piece.
    """
    cursor, below = dma.cursors[channel, transfer], below_channel(shape)
    burst = next_in(burst, channel, below, shape)
    while burst >= cursor[END] and cursor[REST] > 0:
        burst = next_piece(cursor, dma.transfers[transfer], dma.settings)
        burst = next_in(burst, channel, below, shape)
    cursor[BURST] = burst
