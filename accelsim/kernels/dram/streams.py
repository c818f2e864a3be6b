"""Transfers of consecutive bursts, in order on each channel with open pages, and the refreshes
between them.
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dram.addresses import bank_of, fill_digits, next_run
from accelsim.kernels.dram.state import (
    ACTIVE_CLOCKS,
    ACTIVE_SINCE,
    BANKS,
    CHANNEL_FIELD,
    COLUMN_FIELD,
    CONFLICTS,
    DUE,
    FIELD,
    GROUPS,
    HITS,
    MADE_WAY,
    MISSES,
    OPEN_BANKS,
    OPEN_ROW,
    PRE,
    RANKS,
    RD,
    READ_DATA,
    REF,
    REFI,
    ROW_FIELD,
    RUN_BURSTS,
    SAME_GROUP,
    SAME_RANK,
    WR,
    WRITE_DATA,
    Channel,
    Dram,
    Ints,
)
from accelsim.kernels.dram.timing import issue, needed, probe
from accelsim.kernels.jit import jit


@jit
def refresh(channel: Channel) -> None:
    """The refresh that is due: each rank in turn closes its open banks, one PRE at a time in bank
    order, and refreshes.
    """
    delays, shape, ready, banks, ranks, tally = channel
    due = tally[DUE]
    per_rank = shape[GROUPS] * shape[BANKS]
    for rank in range(shape[RANKS]):
        for bank in range(rank * per_rank, (rank + 1) * per_rank):
            if banks[bank, OPEN_ROW] >= 0:
                first = probe(PRE, bank, shape, ready, banks, ranks, tally)
                issue(PRE, bank, 0, max(due, first), delays, shape, ready, banks, ranks, tally)
            banks[bank, MADE_WAY] = 0
        bank = rank * per_rank
        first = probe(REF, bank, shape, ready, banks, ranks, tally)
        issue(REF, bank, 0, max(due, first), delays, shape, ready, banks, ranks, tally)
    tally[DUE] = due + shape[REFI]


@jit
def refresh_until(clock: int, channel: Channel) -> None:
    """Issue every refresh due at or before a clock. Idle intervals, with all banks closed, are
    skipped in one step.

    Only the last REF of these affects the state, since tREFI exceeds the longest refresh
    (`dram.standard` checks it).
    """
    shape, tally = channel.shape, channel.tally
    while shape[REFI] > 0 and tally[DUE] <= clock:
        intervals = (clock - tally[DUE]) // shape[REFI]
        if intervals > 0 and (channel.banks[:, OPEN_ROW] < 0).all():
            tally[REF] += intervals * shape[RANKS]
            tally[DUE] += intervals * shape[REFI]
        refresh(channel)


@jit
def stream_run(
    column: int,
    place: tuple[int, int],
    bursts: int,
    accept: int,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """Issue RD or WR (``column``) for ``bursts`` bursts of one place (bank, row), in order, after
    all earlier commands.

    Returns the clock of the last one. Arrays are those of `state.Channel`. The result equals that
    of single bursts: inside a row the commands are equally spaced, so the last one before the row's
    end or the next refresh follows by division, and its `issue` leaves the same state.
    """
    bank, row = place
    interval = shape[REFI]
    spacing = max(1, delays[SAME_GROUP, column, column], delays[SAME_RANK, column, column])
    outcome = HITS
    clock = accept + 1
    while bursts > 0:
        command = needed(column, bank, row, banks)
        first = probe(command, bank, shape, ready, banks, ranks, tally)
        clock = max(accept + 1, first)
        if interval > 0 and tally[DUE] <= clock:
            refresh_until(clock, Channel(delays, shape, ready, banks, ranks, tally))
        elif command == column:
            count = bursts
            if interval > 0:
                count = min(bursts, (tally[DUE] - 1 - clock) // spacing + 1)
            clock += (count - 1) * spacing
            issue(column, bank, row, clock, delays, shape, ready, banks, ranks, tally)
            tally[column] += count - 1
            tally[outcome] += 1
            tally[HITS] += count - 1
            bursts -= count
        else:
            issue(command, bank, row, clock, delays, shape, ready, banks, ranks, tally)
            if command == PRE:
                banks[bank, MADE_WAY] = 1
            else:
                outcome = CONFLICTS if banks[bank, MADE_WAY] else MISSES
    return clock


@jit
def stream(first: int, bursts: int, write: bool, accept: int, dram: Dram) -> int:
    """Transfer ``bursts`` consecutive bursts from burst number ``first`` on: in order on each
    channel, first come, first served, open page.

    The transfer is handed over at clock ``accept``; its first command is possible at accept + 1.
    Returns the clock at which the last data of the last channel have passed. The run time of this
    kernel depends on the number of rows, not of bursts.
    """
    delays, shape, ready, banks, ranks, tally = dram
    column = WR if write else RD
    latency = shape[WRITE_DATA] if write else shape[READ_DATA]
    done = accept
    end = first + bursts
    # The address fields advance like an odometer. A division per field and row would cost as much
    # as the row's commands.
    digits = np.empty(6, np.int64)
    fill_digits(first, shape, digits)
    lowest = 0
    if shape[RUN_BURSTS] > 1:  # fields below the column have one value
        while shape[FIELD + lowest] != COLUMN_FIELD:
            lowest += 1
        lowest += 1
    number = digits[CHANNEL_FIELD]
    channel_ready, channel_banks = ready[number], banks[number]
    channel_ranks, channel_tally = ranks[number], tally[number]
    run = min(bursts, shape[RUN_BURSTS] - first % shape[RUN_BURSTS])
    while True:
        last = stream_run(
            column,
            (bank_of(digits, shape), digits[ROW_FIELD]),
            run,
            accept,
            delays,
            shape,
            channel_ready,
            channel_banks,
            channel_ranks,
            channel_tally,
        )
        done = max(done, last + latency)
        first += run
        if first >= end:
            return done  # type: ignore[no-any-return]
        next_run(lowest, shape, digits)
        if digits[CHANNEL_FIELD] != number:
            number = digits[CHANNEL_FIELD]
            channel_ready, channel_banks = ready[number], banks[number]
            channel_ranks, channel_tally = ranks[number], tally[number]
        run = min(end - first, shape[RUN_BURSTS])


@jit
def active_clocks(clock: int, channel: Channel) -> int:
    """Clocks with an open bank up to ``clock``, summed over the ranks of one channel.

    ``clock`` must not precede the last command.
    """
    ranks = channel.ranks
    total = 0
    for rank in range(channel.shape[RANKS]):
        total += ranks[rank, ACTIVE_CLOCKS]
        if ranks[rank, OPEN_BANKS] > 0:
            total += clock - ranks[rank, ACTIVE_SINCE]
    return total
