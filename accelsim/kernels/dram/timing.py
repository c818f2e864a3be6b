"""The bank-state model of a DRAM: which command a request needs, when it may go, and what its going
forbids.

All clocks are DRAM clocks (tCK). Arrays, of one channel unless said otherwise:

* ``delays`` int64[4 scopes, 5 commands, 5 commands]: clocks from the first command to the second in
  that scope (0: no constraint). One command bus serves the channel: no two commands in one clock;
* ``shape`` int64[17]: organisation, latencies, refresh interval and address fields, indexed by the
  names below;
* ``ready`` int64[nodes, 5]: first clock at which each command satisfies every constraint of the
  node; nodes are the banks (rank-major, then group), the bank groups, the ranks;
* ``banks`` int64[banks, 5]: open row (-1: closed), whether it was closed to make way for another
  row and not refreshed since, and where the bank is: its rank, the nodes of its group and its rank;
* ``ranks`` int64[ranks, 8]: clocks of the last four ACTs (a ring), the ring's next slot, open
  banks, clock since which a bank is open, clocks with a bank open so far;
* ``tally`` int64[10]: commands issued (in command order), row hits, misses, conflicts, clock of the
  last command, clock at which the next refresh is due.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit

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
"""Indices into ``shape``: channels; ranks of a channel; groups of a rank; banks of a group; rows of
a bank; bursts of a row; clocks from RD and from WR to the end of its data; tFAW; tREFI (0: no
refresh); bursts of consecutive addresses that share a row; then the six address fields from the
lowest up.
"""
SHAPE_LENGTH = FIELD + 6
ROW_FIELD, CHANNEL_FIELD, RANK_FIELD, BANK_FIELD, GROUP_FIELD, COLUMN_FIELD = range(6)

OPEN_ROW, MADE_WAY, RANK, GROUP_NODE, RANK_NODE = range(5)
RING_SLOT, OPEN_BANKS, ACTIVE_SINCE, ACTIVE_CLOCKS = range(4, 8)
HITS, MISSES, CONFLICTS, LAST, DUE = range(5, 10)
LONG_AGO = -(1 << 40)
"""Clock of an ACT that never was."""

Ints = NDArray[np.int64]


def new_state(shape: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """(ready, banks, ranks, tally) of all channels, the channel as leading axis: all banks closed
    at clock 0, first refresh due at tREFI.
    """
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
    return ready, banks, ranks, tally


@jit
def field_size(field: int, shape: Ints) -> int:
    """How many values an address field has."""
    if field == COLUMN_FIELD:
        return shape[ROW_BURSTS]  # type: ignore[no-any-return]
    if field == GROUP_FIELD:
        return shape[GROUPS]  # type: ignore[no-any-return]
    if field == BANK_FIELD:
        return shape[BANKS]  # type: ignore[no-any-return]
    if field == RANK_FIELD:
        return shape[RANKS]  # type: ignore[no-any-return]
    return shape[CHANNELS] if field == CHANNEL_FIELD else shape[ROWS]  # type: ignore[no-any-return]


@jit
def fill_digits(burst: int, shape: Ints, digits: Ints) -> None:
    """Address fields, int64 (6) by `ROW_FIELD` and the others, of a burst number (address / burst
    bytes); beyond the capacity they wrap.
    """
    for position in range(6):
        field = shape[FIELD + position]
        size = field_size(field, shape)
        digits[field] = burst % size
        burst //= size


@jit
def next_run(lowest: int, shape: Ints, digits: Ints) -> None:
    """The address fields of the next burst in another row: one more in the field at position
    ``lowest``, with carry; the column starts at 0.
    """
    if lowest > 0:
        digits[COLUMN_FIELD] = 0
    for position in range(lowest, 6):
        field = shape[FIELD + position]
        digits[field] += 1
        if digits[field] < field_size(field, shape):
            return
        digits[field] = 0


@jit
def decode(burst: int, shape: Ints) -> tuple[int, int, int]:
    """(channel, bank within the channel, row) of a burst number (address / burst bytes); addresses
    beyond the capacity wrap.
    """
    digits = np.empty(6, np.int64)
    fill_digits(burst, shape, digits)
    bank = (digits[RANK_FIELD] * shape[GROUPS] + digits[GROUP_FIELD]) * shape[BANKS] + digits[
        BANK_FIELD
    ]
    return digits[CHANNEL_FIELD], bank, digits[ROW_FIELD]


@jit
def needed(column: int, bank: int, row: int, banks: Ints) -> int:
    """The command that a request for a row needs next: ``column`` (RD or WR) itself, ACT of a
    closed bank, PRE of another row.
    """
    if banks[bank, OPEN_ROW] == row:
        return column
    return ACT if banks[bank, OPEN_ROW] < 0 else PRE


@jit
def allowed_from(
    command: int, bank: int, shape: Ints, ready: Ints, banks: Ints, ranks: Ints
) -> int:
    """First clock at which bank, group and rank allow a command (REF: of the bank's rank), whatever
    the command bus does.
    """
    rank = banks[bank, RANK]
    clock = max(
        ready[bank, command],
        ready[banks[bank, GROUP_NODE], command],
        ready[banks[bank, RANK_NODE], command],
    )
    if command == ACT:
        clock = max(clock, ranks[rank, ranks[rank, RING_SLOT]] + shape[FAW])
    return clock  # type: ignore[no-any-return]


@jit
def probe(
    command: int, bank: int, shape: Ints, ready: Ints, banks: Ints, ranks: Ints, tally: Ints
) -> int:
    """First clock at which timing allows a command (REF: of the bank's rank). Changes nothing; the
    row state is `needed`'s question.
    """
    return max(allowed_from(command, bank, shape, ready, banks, ranks), tally[LAST] + 1)  # type: ignore[no-any-return]


@jit
def push_back(command: int, scope: int, node: int, clock: int, delays: Ints, ready: Ints) -> None:
    """A command goes at a clock: the first clocks of all later ones of a node that shares the
    scope. Delays up to 1 are the command bus's.
    """
    for later in range(COMMANDS):
        delay = delays[scope, command, later]
        if delay > 1:
            ready[node, later] = max(ready[node, later], clock + delay)


@jit
def issue(
    command: int,
    bank: int,
    row: int,
    clock: int,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> None:
    """A command goes at a clock: row state, counts and the earliest clocks of all later commands
    change. Legality is `probe`'s question.
    """
    group_node = banks[bank, GROUP_NODE]
    rank_node = banks[bank, RANK_NODE]
    rank = banks[bank, RANK]
    push_back(command, SAME_BANK, bank, clock, delays, ready)
    push_back(command, SAME_GROUP, group_node, clock, delays, ready)
    push_back(command, SAME_RANK, rank_node, clock, delays, ready)
    for other in range(shape[RANKS]):
        if other != rank:
            push_back(command, OTHER_RANK, rank_node + other - rank, clock, delays, ready)
    if command == ACT:
        banks[bank, OPEN_ROW] = row
        slot = ranks[rank, RING_SLOT]
        ranks[rank, slot] = clock
        ranks[rank, RING_SLOT] = (slot + 1) % 4
        if ranks[rank, OPEN_BANKS] == 0:
            ranks[rank, ACTIVE_SINCE] = clock
        ranks[rank, OPEN_BANKS] += 1
    elif command == PRE:
        banks[bank, OPEN_ROW] = -1
        ranks[rank, OPEN_BANKS] -= 1
        if ranks[rank, OPEN_BANKS] == 0:
            ranks[rank, ACTIVE_CLOCKS] += clock - ranks[rank, ACTIVE_SINCE]
    tally[command] += 1
    tally[LAST] = clock


@jit
def refresh(delays: Ints, shape: Ints, ready: Ints, banks: Ints, ranks: Ints, tally: Ints) -> None:
    """The refresh that is due: each rank in turn precharges its open banks, one PRE at a time in
    bank order, and refreshes.
    """
    due = tally[DUE]
    per_rank = shape[GROUPS] * shape[BANKS]
    for rank in range(shape[RANKS]):
        for bank in range(rank * per_rank, (rank + 1) * per_rank):
            if banks[bank, OPEN_ROW] >= 0:
                issue(
                    PRE,
                    bank,
                    0,
                    max(due, probe(PRE, bank, shape, ready, banks, ranks, tally)),
                    delays,
                    shape,
                    ready,
                    banks,
                    ranks,
                    tally,
                )
            banks[bank, MADE_WAY] = 0
        bank = rank * per_rank
        issue(
            REF,
            bank,
            0,
            max(due, probe(REF, bank, shape, ready, banks, ranks, tally)),
            delays,
            shape,
            ready,
            banks,
            ranks,
            tally,
        )
    tally[DUE] = due + shape[REFI]


@jit
def refresh_until(
    clock: int, delays: Ints, shape: Ints, ready: Ints, banks: Ints, ranks: Ints, tally: Ints
) -> None:
    """Every refresh due at or before a clock. Idle intervals, with all banks closed, are skipped in
    one step.

    Only the last REF of them leaves a trace in the state, since tREFI exceeds the longest refresh
    (`spec.dram` sees to that).
    """
    while shape[REFI] > 0 and tally[DUE] <= clock:
        intervals = (clock - tally[DUE]) // shape[REFI]
        if intervals > 0 and (banks[:, OPEN_ROW] < 0).all():
            tally[REF] += intervals * shape[RANKS]
            tally[DUE] += intervals * shape[REFI]
        refresh(delays, shape, ready, banks, ranks, tally)


@jit
def stream_run(
    column: int,
    bank: int,
    row: int,
    bursts: int,
    accept: int,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """RD or WR (``column``) of ``bursts`` bursts of one row, in order, after everything issued
    before; returns the clock of the last.

    The same as issuing each burst by itself: inside a row the commands are equally spaced, so the
    last one before the row's end or the next refresh is found by division, and its `issue` leaves
    the state that all of them would.
    """
    spacing = max(1, delays[SAME_GROUP, column, column], delays[SAME_RANK, column, column])
    outcome = HITS
    clock = accept + 1
    while bursts > 0:
        command = needed(column, bank, row, banks)
        clock = max(accept + 1, probe(command, bank, shape, ready, banks, ranks, tally))
        if shape[REFI] > 0 and tally[DUE] <= clock:
            refresh_until(clock, delays, shape, ready, banks, ranks, tally)
        elif command == column:
            together = bursts
            if shape[REFI] > 0:
                together = min(bursts, (tally[DUE] - 1 - clock) // spacing + 1)
            clock += (together - 1) * spacing
            issue(column, bank, row, clock, delays, shape, ready, banks, ranks, tally)
            tally[column] += together - 1
            tally[outcome] += 1
            tally[HITS] += together - 1
            bursts -= together
        else:
            issue(command, bank, row, clock, delays, shape, ready, banks, ranks, tally)
            if command == PRE:
                banks[bank, MADE_WAY] = 1
            else:
                outcome = CONFLICTS if banks[bank, MADE_WAY] else MISSES
    return clock


@jit
def stream(
    first: int,
    bursts: int,
    write: bool,
    accept: int,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """Transfer of ``bursts`` consecutive bursts from burst number ``first``: in order on each
    channel, first come first served, open page.

    The state arrays have the channel as leading axis. Handed over at clock ``accept``, first
    command possible at accept + 1. Returns the clock at which the last data of the last channel has
    passed. Rows, not bursts, determine the time this takes.
    """
    column = WR if write else RD
    latency = shape[WRITE_DATA] if write else shape[READ_DATA]
    done = accept
    end = first + bursts
    # The address fields count like an odometer: a division for each, a row, would cost as much as
    # the row's commands.
    digits = np.empty(6, np.int64)
    fill_digits(first, shape, digits)
    lowest = 0
    if shape[RUN_BURSTS] > 1:  # fields below the column have one value
        while shape[FIELD + lowest] != COLUMN_FIELD:
            lowest += 1
        lowest += 1
    channel = digits[CHANNEL_FIELD]
    own_ready, own_banks, own_ranks, own_tally = (
        ready[channel],
        banks[channel],
        ranks[channel],
        tally[channel],
    )
    run = min(bursts, shape[RUN_BURSTS] - first % shape[RUN_BURSTS])
    while True:
        bank = (digits[RANK_FIELD] * shape[GROUPS] + digits[GROUP_FIELD]) * shape[BANKS] + digits[
            BANK_FIELD
        ]
        last = stream_run(
            column,
            bank,
            digits[ROW_FIELD],
            run,
            accept,
            delays,
            shape,
            own_ready,
            own_banks,
            own_ranks,
            own_tally,
        )
        done = max(done, last + latency)
        first += run
        if first >= end:
            return done  # type: ignore[no-any-return]
        next_run(lowest, shape, digits)
        if digits[CHANNEL_FIELD] != channel:
            channel = digits[CHANNEL_FIELD]
            own_ready, own_banks, own_ranks, own_tally = (
                ready[channel],
                banks[channel],
                ranks[channel],
                tally[channel],
            )
        run = min(end - first, shape[RUN_BURSTS])


@jit
def active_clocks(clock: int, shape: Ints, ranks: Ints) -> int:
    """Clocks, summed over the ranks of one channel, in which a bank was open, up to a clock not
    before the last command.
    """
    total = 0
    for rank in range(shape[RANKS]):
        total += ranks[rank, ACTIVE_CLOCKS]
        if ranks[rank, OPEN_BANKS] > 0:
            total += clock - ranks[rank, ACTIVE_SINCE]
    return total
