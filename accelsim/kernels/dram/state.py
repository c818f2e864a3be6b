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

OPEN_ROW, MADE_WAY, RANK, BANK_NODE, GROUP_NODE, RANK_NODE = range(6)
"""Columns of ``banks``. The last three are in the order of the scopes."""
RULES = 0
SCOPE, LATER, DELAY = range(1, 4)
RULE_LENGTH = 3
"""Columns of ``rules``: number of rules; columns of the first rule, which the others follow."""
RING_SLOT, OPEN_BANKS, ACTIVE_SINCE, ACTIVE_CLOCKS = range(4, 8)
HITS, MISSES, CONFLICTS, LAST, DUE = range(5, 10)
LONG_AGO = -(1 << 40)
"""Clock of an ACT that never happened."""

Ints = NDArray[np.int64]

INDEX = (1 << 32) - 1
"""Mask for a number that indexes arrays. It changes none, but tells the compiler that the number is
not negative; else every access would check whether it counts from the end.
"""


class Channel(NamedTuple):
    """Standard and state of one channel."""

    rules: Ints
    """int64 (5 commands, 1 + 3 rules): of each command the number of its rules, then these: the
    minimum clocks to a later command in a scope, by `SCOPE` to `DELAY`. The command bus enforces
    delays of 0 and 1.
    """
    shape: Ints
    """int64 (17): organisation, latencies, refresh interval and address fields, by `CHANNELS` to
    `FIELD`.
    """
    ready: Ints
    """int64 (5 nodes): first clock at which each of the 5 commands satisfies every constraint of a
    node. Nodes are the banks (rank-major, then group), the bank groups, and the ranks.
    """
    banks: Ints
    """int64 (banks, 6), by `OPEN_ROW` to `RANK_NODE`: open row (-1: closed); whether it was closed
    for another row and not refreshed since; its rank; places in ``ready`` of the bank, its group
    and its rank.
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

    rules: Ints
    shape: Ints
    ready: Ints
    banks: Ints
    ranks: Ints
    tally: Ints


def rules_of(delays: Ints, ranks: int, groups: int) -> Ints:
    """``rules`` of a `Channel` with ``groups`` bank groups per rank. ``delays``: int64 (4 scopes, 5
    commands, 5 commands), the minimum clocks from the first command to the second in that scope.

    A rule is left out if that of a wider scope asks for as much.
    """
    needed = delays.copy()
    if groups == 1:  # then the group is the rank
        needed[SAME_RANK] = np.maximum(delays[SAME_RANK], delays[SAME_GROUP])
    needed[SAME_GROUP][needed[SAME_GROUP] <= needed[SAME_RANK]] = 0
    needed[SAME_BANK][needed[SAME_BANK] <= np.maximum(needed[SAME_GROUP], needed[SAME_RANK])] = 0
    scopes = SCOPES if ranks > 1 else OTHER_RANK
    rules = np.zeros((COMMANDS, 1 + RULE_LENGTH * scopes * COMMANDS), np.int64)
    for command in range(COMMANDS):
        found = [
            number
            for scope in range(scopes)
            for later in range(COMMANDS)
            if needed[scope, command, later] > 1
            for number in (scope, later, needed[scope, command, later])
        ]
        rules[command, RULES] = len(found) // RULE_LENGTH
        rules[command, SCOPE : SCOPE + len(found)] = found
    return rules


def new_dram(delays: Ints, shape: Ints) -> Dram:
    """A DRAM with all banks closed at clock 0, and the first refresh due at tREFI. ``delays`` as in
    `rules_of`.
    """
    channels, rank_count, groups = (
        int(shape[CHANNELS]),
        int(shape[RANKS]),
        int(shape[RANKS] * shape[GROUPS]),
    )
    bank_count = groups * int(shape[BANKS])
    ready = np.zeros((channels, (bank_count + groups + rank_count) * COMMANDS), np.int64)
    banks = np.zeros((channels, bank_count, 6), np.int64)
    banks[:, :, OPEN_ROW] = -1
    number = np.arange(bank_count)
    banks[:, :, RANK] = number // (shape[GROUPS] * shape[BANKS])
    banks[:, :, BANK_NODE] = number * COMMANDS
    banks[:, :, GROUP_NODE] = (bank_count + number // shape[BANKS]) * COMMANDS
    banks[:, :, RANK_NODE] = (bank_count + groups + banks[:, :, RANK]) * COMMANDS
    ranks = np.zeros((channels, rank_count, 8), np.int64)
    ranks[:, :, :RING_SLOT] = LONG_AGO
    tally = np.zeros((channels, 10), np.int64)
    tally[:, LAST] = -1
    tally[:, DUE] = shape[REFI]
    return Dram(rules_of(delays, rank_count, int(shape[GROUPS])), shape, ready, banks, ranks, tally)


@inlined_jit
def channel_of(dram: Dram, number: int) -> Channel:
    """One channel, as views of the DRAM's arrays."""
    return Channel(
        dram.rules,
        dram.shape,
        dram.ready[number],
        dram.banks[number],
        dram.ranks[number],
        dram.tally[number],
    )
