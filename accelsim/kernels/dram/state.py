"""Arrays of a DRAM: its standard, resolved to integers, and the state of its channels.

All clocks are DRAM clocks (tCK).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import inlined_jit

ACT, PRE, RD, WR, REF = range(5)
COMMANDS = 5
SAME_BANK, SAME_GROUP, SAME_RANK, OTHER_RANK = range(4)
SCOPES = 4

(
    CHANNELS,
    RANKS,
    GROUPS,
    BANKS,
    ROWS,
    ROW_BURSTS,
    READ_DATA,
    WRITE_DATA,
    FAW,
    REFI,
    RUN_BURSTS,
    FIELD,
) = range(12)
"""Indices into ``shape``: channels; ranks per channel; groups per rank; banks per group; rows per
bank; bursts per row; clocks from RD, and from WR, to the end of the data; tFAW; tREFI (0: no
refresh); bursts of consecutive addresses that share a row; then the six address fields, lowest
first.
"""
SHAPE_LENGTH = FIELD + 6
ROW_FIELD, CHANNEL_FIELD, RANK_FIELD, BANK_FIELD, GROUP_FIELD, COLUMN_FIELD = range(6)

OPEN_ROW, MADE_WAY, RANK, GROUP_NODE, RANK_NODE = range(5)
RING_SLOT, OPEN_BANKS, ACTIVE_SINCE, ACTIVE_CLOCKS = range(4, 8)
HITS, MISSES, CONFLICTS, LAST, DUE = range(5, 10)
LONG_AGO = -(1 << 40)
"""Clock of an ACT that never happened."""

Ints = NDArray[np.int64]


class Channel(NamedTuple):
    """Standard and state of one channel."""

    delays: Ints
    """int64 (4 scopes, 5 commands, 5 commands): minimum clocks from the first command to the second
    in that scope; 0: no constraint.
    """
    shape: Ints
    """int64 (17): organisation, latencies, refresh interval and address fields, by `CHANNELS` to
    `FIELD`.
    """
    ready: Ints
    """int64 (nodes, 5 commands): first clock at which each command satisfies every constraint of
    the node. Nodes are the banks (rank-major, then group), the bank groups, and the ranks.
    """
    banks: Ints
    """int64 (banks, 5), by `OPEN_ROW` to `RANK_NODE`: open row (-1: closed); whether it was closed
    for another row and not refreshed since; its rank; the nodes of its group and of its rank.
    """
    ranks: Ints
    """int64 (ranks, 8): clocks of the last four ACTs (a ring), next slot of the ring, open banks,
    clock since which a bank is open, clocks with an open bank so far.
    """
    tally: Ints
    """int64 (10): commands issued (in command order), row hits, misses, conflicts, clock of the
    last command, clock at which the next refresh is due.
    """


class Dram(NamedTuple):
    """Standard and state of all channels: the fields of `Channel`; the last four have the channel
    as leading axis.
    """

    delays: Ints
    shape: Ints
    ready: Ints
    banks: Ints
    ranks: Ints
    tally: Ints


def new_dram(delays: Ints, shape: Ints) -> Dram:
    """A DRAM with all banks closed at clock 0, and the first refresh due at tREFI."""
    channels, rank_count, groups = (
        int(shape[CHANNELS]),
        int(shape[RANKS]),
        int(shape[RANKS] * shape[GROUPS]),
    )
    bank_count = groups * int(shape[BANKS])
    ready = np.zeros((channels, bank_count + groups + rank_count, COMMANDS), np.int64)
    banks = np.zeros((channels, bank_count, 5), np.int64)
    banks[:, :, OPEN_ROW] = -1
    number = np.arange(bank_count)
    banks[:, :, RANK] = number // (shape[GROUPS] * shape[BANKS])
    banks[:, :, GROUP_NODE] = bank_count + number // shape[BANKS]
    banks[:, :, RANK_NODE] = bank_count + groups + banks[:, :, RANK]
    ranks = np.zeros((channels, rank_count, 8), np.int64)
    ranks[:, :, :RING_SLOT] = LONG_AGO
    tally = np.zeros((channels, 10), np.int64)
    tally[:, LAST] = -1
    tally[:, DUE] = shape[REFI]
    return Dram(delays, shape, ready, banks, ranks, tally)


@inlined_jit
def channel_of(dram: Dram, number: int) -> Channel:
    """One channel, as views of the DRAM's arrays."""
    return Channel(
        dram.delays,
        dram.shape,
        dram.ready[number],
        dram.banks[number],
        dram.ranks[number],
        dram.tally[number],
    )
