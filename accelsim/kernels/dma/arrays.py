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

from accelsim.kernels.dram.addresses import field_size
from accelsim.kernels.dram.queues import NOTHING
from accelsim.kernels.dram.state import (
    BANK_FIELD,
    BANKS,
    CHANNEL_FIELD,
    CHANNELS,
    FIELD,
    GROUP_FIELD,
    GROUPS,
    RANK_FIELD,
    ROW_FIELD,
    Ints,
)
from accelsim.kernels.jit import inlined_jit

OUTSTANDING, OLDEST_FIRST, BURST_BYTES, CAPACITY_BYTES, SPACING, LATENCY, RECORDED = range(7)
"""Indices into ``settings``: maximum number of bursts of a channel that are offered and not done;
whether the oldest transfer goes first; bytes of a burst and of the DRAM; least clocks between the
commands of two bursts of a channel, and from such a command to the end of its data; whether
bursts are logged.
"""
SERIAL, ORDER, SLOT, STAGE, IS_STORE, BASE, SIZE, LEFT, UNTIL, ALIASED, LOW, HIGH = range(12)
TRANSFER_LENGTH = 12
"""Columns of ``transfers``: number of the op, -1 if the entry is free; number of the part within
the op; the op's slot and stage; 1 for a store; first byte and size of the tensor; bursts whose end
is not yet known; latest end known so far; whether another transfer, or a later burst of this one,
may touch a burst that waits to be written; first burst and the burst after the last.
"""
BURST, END, OFFSET, REST, UNOFFERED, UNFINISHED, ACTS, PRES, COLUMNS, BANK, ROW, DIGIT = range(12)
CURSOR_LENGTH = DIGIT + 6
"""Columns of ``cursors``: next burst; burst after the last of the current piece; offset in the
tensor of the next piece, and bytes from there on; bursts not yet offered; bursts whose end is not
known; ACTs, PREs, and RDs or WRs issued for the transfer; bank, row and six address fields, lowest
first, of the next burst.
"""
VALUES, OF_BURSTS, OF_BANKS, OF_ROWS = range(4)
"""Columns of ``fields``."""
MEMBERS, TURN, LAST_SERIAL, LAST_ORDER, PORT, FREE_AT, OPEN, CLOCK, SPARE = range(9)
ENGINE_LENGTH = 9
"""Columns of ``engines``: transfers with bursts to offer; place of the next one; number and part of
the transfer that offered last; request at the port, or NOTHING; first clock of the next offer;
bursts offered, and not done when last looked at; next clock to run; entries of ``spare``.
"""
OF_READS, OF_WRITES, OF_ANSWERS = range(3)
"""Rings of clocks at which bursts end; within a ring they increase. Answers are reads that a
waiting write answers.
"""
FIRST, COUNT = range(2)
"""Columns of ``rings``: place of the first clock; number of clocks."""
(LOG_OFFERED, LOG_SERIAL, LOG_ORDER, LOG_BURST, LOG_WRITE, LOG_CHANNEL, LOG_ACCEPTED, LOG_DONE) = (
    range(8)
)
"""Columns of ``log``, see `Dma`."""
LOG_LENGTH = 8


class Engine(NamedTuple):
    """The engine of one channel, and what all engines share."""

    settings: Ints
    """int64 (7), by `OUTSTANDING` to `RECORDED`."""
    fields: Ints
    """int64 (fields, 4): of each address field, lowest first, its number of values, and how many
    bursts, banks and rows of a channel lie between two of them. Fields of one value are left out,
    and so is the channel's: a channel walks through addresses of its own.
    """
    transfers: Ints
    """int64 (transfers, 12), by `SERIAL` to `HIGH`: transfers in flight."""
    cursors: Ints
    """int64 (transfers, 18), by `BURST` to `DIGIT` and on: position of the engine in a transfer."""
    members: Ints
    """int64 (transfers): transfers with bursts to offer, by number of the op, then of the part."""
    state: Ints
    """int64 (9), by `MEMBERS` to `SPARE`."""
    spare: Ints
    """int64 (requests of a channel): requests of the controllers that are free. Every channel has a
    range of its own.
    """
    ends: Ints
    """int64 (3 rings, requests of a channel): clocks at which bursts end."""
    rings: Ints
    """int64 (3, 2), by `FIRST` and `COUNT`."""
    finished: Ints
    """int64 (1 + transfers): number of transfers whose end became known, then these."""
    log: Ints
    """int64 (room, 8): of each burst the clock of its offer, number of its op, its part, burst
    number, whether it is written, channel, clock of the hand-over, and of its end.
    """
    logged: Ints
    """int64 (1): bursts in the log."""


class Dma(NamedTuple):
    """The engines of all channels: the fields of `Engine`; cursors, members, engines (its state),
    spare, ends and rings have the channel as leading axis.
    """

    settings: Ints
    fields: Ints
    transfers: Ints
    cursors: Ints
    members: Ints
    engines: Ints
    spare: Ints
    ends: Ints
    rings: Ints
    finished: Ints
    log: Ints
    logged: Ints


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
        address_fields(shape),
        table,
        np.zeros((channels, transfers, CURSOR_LENGTH), np.int64),
        np.zeros((channels, transfers), np.int64),
        engines,
        first + np.arange(entries)[::-1],
        np.zeros((channels, 3, entries), np.int64),
        np.zeros((channels, 3, 2), np.int64),
        np.zeros(1 + transfers, np.int64),
        np.zeros((0, LOG_LENGTH), np.int64),
        np.zeros(1, np.int64),
    )


def address_fields(shape: Ints) -> Ints:
    """``fields`` of a `Dma`."""
    banks = {BANK_FIELD: 1, GROUP_FIELD: shape[BANKS], RANK_FIELD: shape[BANKS] * shape[GROUPS]}
    fields, bursts = [], 1
    for position in range(6):
        field = int(shape[FIELD + position])
        values = int(field_size(field, shape))
        if values > 1 and field != CHANNEL_FIELD:
            fields.append((values, bursts, banks.get(field, 0), field == ROW_FIELD))
        bursts *= values
    return np.array(fields, np.int64).reshape(-1, 4)


@inlined_jit
def engine_of(dma: Dma, channel: int) -> Engine:
    """The engine of one channel, as views of the DMA's arrays."""
    return Engine(
        dma.settings,
        dma.fields,
        dma.transfers,
        dma.cursors[channel],
        dma.members[channel],
        dma.engines[channel],
        dma.spare[channel],
        dma.ends[channel],
        dma.rings[channel],
        dma.finished,
        dma.log,
        dma.logged,
    )
