"""Arrays of the DMA that moves a machine's transfers over its DRAM channels.

Every channel has an engine of its own, as a memory with a port per channel has. The engine walks
through the bursts of each transfer that lie in its channel. It takes turns between transfers
(`ROUND_ROBIN`), or finishes the oldest first. It offers one burst at a time: a burst stays at the
port until the controller has room for it, and the next one is offered a clock later. Bursts that
are offered and not done are at most `OUTSTANDING`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.dram.queues import NOTHING
from accelsim.kernels.dram.state import CHANNELS, Ints

OUTSTANDING, OLDEST_FIRST, BURST_BYTES, CAPACITY_BYTES, SPACING, LATENCY, RECORDED = range(7)
"""Indices into ``settings``: maximum number of bursts of a channel that are offered and not done;
whether the oldest transfer goes first; bytes of a burst and of the DRAM; least clocks between the
commands of two bursts of a channel, and from such a command to the end of its data; whether
bursts are logged.
"""
SERIAL, ORDER, SLOT, STAGE, IS_STORE, BASE, SIZE, LEFT, UNTIL, ALIASED = range(10)
LOW, HIGH = range(10, 12)
TRANSFER_LENGTH = 12
"""Columns of ``transfers``: number of the op, -1 if the entry is free; number of the part within
the op; the op's slot and stage; 1 for a store; first byte and size of the tensor; bursts whose end
is not yet known; latest end known so far; whether another transfer, or a later burst of this one,
may touch a burst that waits to be written; first burst and the burst after the last.
"""
BURST, END, OFFSET, REST, UNOFFERED, UNFINISHED, ACTS, PRES, COLUMNS = range(9)
CURSOR_LENGTH = 9
"""Columns of ``cursors``: next burst; burst after the last of the current piece; offset in the
tensor of the next piece, and bytes from there on; bursts not yet offered; bursts whose end is not
known; ACTs, PREs, and RDs or WRs issued for the transfer.
"""
(MEMBERS, TURN, LAST_SERIAL, LAST_ORDER, PORT, FREE_AT, OPEN, CLOCK, SPARE, EPOCH, MARKED) = range(
    11
)
ENGINE_LENGTH = 11
"""Columns of ``engines``: transfers with bursts to offer; place of the next one; number and part of
the transfer that offered last; request at the port, or NOTHING; first clock of the next offer;
bursts offered and not done; next clock to run; entries of ``spare``; number of times that a
transfer came or went; whether a stretch ends here (`kernels.dma.stretches`).
"""
TRANSFER, OFFERED = range(2)
"""Columns of ``carried``."""
OF_READS, OF_WRITES, OF_ANSWERS = range(3)
"""Rings of clocks at which bursts end; within a ring they increase. Answers are reads that a
waiting write answers.
"""
FIRST, COUNT = range(2)
(LOG_OFFERED, LOG_SERIAL, LOG_ORDER, LOG_BURST, LOG_WRITE, LOG_CHANNEL, LOG_ACCEPTED, LOG_DONE) = (
    range(8)
)
"""Columns of ``log``, see `Dma`."""
LOG_LENGTH = 8


class Dma(NamedTuple):
    """Transfers in flight, and the engines of all channels."""

    settings: Ints
    """int64 (7), by `OUTSTANDING` to `RECORDED`."""
    transfers: Ints
    """int64 (transfers, 12), by `SERIAL` to `HIGH`."""
    cursors: Ints
    """int64 (channels, transfers, 9), by `BURST` to `COLUMNS`: position of an engine in a
    transfer.
    """
    members: Ints
    """int64 (channels, transfers): transfers with bursts to offer, by number of the op, then of
    the part.
    """
    engines: Ints
    """int64 (channels, 11), by `MEMBERS` to `MARKED`."""
    carried: Ints
    """int64 (requests, 2): the transfer of each request of the controllers, and the clock of its
    offer. Every channel has a range of requests of its own.
    """
    spare: Ints
    """int64 (channels, requests of a channel): requests that are free."""
    ends: Ints
    """int64 (channels, 3 rings, requests of a channel): clocks at which bursts end."""
    rings: Ints
    """int64 (channels, 3, 2): first place and length of each ring."""
    finished: Ints
    """int64 (1 + transfers): number of transfers whose end became known, then these."""
    log: Ints
    """int64 (room, 8): of each burst the clock of its offer, number of its op, its part, burst
    number, whether it is written, channel, clock of the hand-over, and of its end.
    """
    logged: Ints
    """int64 (1): bursts in the log."""


def new_dma(settings: Ints, shape: Ints, transfers: int) -> Dma:
    """A DMA without transfers. ``transfers``: maximum number in flight."""
    channels, entries = int(shape[CHANNELS]), int(settings[OUTSTANDING])
    engines = np.zeros((channels, ENGINE_LENGTH), np.int64)
    engines[:, PORT] = NOTHING
    engines[:, LAST_SERIAL] = NOTHING
    engines[:, SPARE] = entries
    table = np.zeros((transfers, TRANSFER_LENGTH), np.int64)
    table[:, SERIAL] = NOTHING
    first = np.arange(channels)[:, None] * entries
    return Dma(
        settings,
        table,
        np.zeros((channels, transfers, CURSOR_LENGTH), np.int64),
        np.zeros((channels, transfers), np.int64),
        engines,
        np.zeros((channels * entries, 2), np.int64),
        first + np.arange(entries)[::-1],
        np.zeros((channels, 3, entries), np.int64),
        np.zeros((channels, 3, 2), np.int64),
        np.zeros(1 + transfers, np.int64),
        np.zeros((0, LOG_LENGTH), np.int64),
        np.zeros(1, np.int64),
    )
