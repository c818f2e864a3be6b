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
    """The refresh that is due: each rank in turn precharges its open banks, one PRE at a time in
    bank order, and refreshes.
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
    """Every refresh due at or before a clock. Idle intervals, with all banks closed, are skipped in
    one step.

    Only the last REF of them leaves a trace in the state, since tREFI exceeds the longest refresh
    (`dram.standard` sees to that).
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
    """RD or WR (``column``) of ``bursts`` bursts of a place (bank, row), in order, after everything
    issued before; returns the clock of the last. Arrays of `state.Channel`.

    The same as issuing each burst by itself: inside a row the commands are equally spaced, so the
    last one before the row's end or the next refresh is found by division, and its `issue` leaves
    the state that all of them would.
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
            together = bursts
            if interval > 0:
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
def stream(first: int, bursts: int, write: bool, accept: int, dram: Dram) -> int:
    """Transfer of ``bursts`` consecutive bursts from burst number ``first``: in order on each
    channel, first come first served, open page.

    Handed over at clock ``accept``, first command possible at accept + 1. Returns the clock at
    which the last data of the last channel has passed. Rows, not bursts, determine the time this
    takes.
    """
    delays, shape, ready, banks, ranks, tally = dram
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
    number = digits[CHANNEL_FIELD]
    own_ready, own_banks = ready[number], banks[number]
    own_ranks, own_tally = ranks[number], tally[number]
    run = min(bursts, shape[RUN_BURSTS] - first % shape[RUN_BURSTS])
    while True:
        last = stream_run(
            column,
            (bank_of(digits, shape), digits[ROW_FIELD]),
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
        if digits[CHANNEL_FIELD] != number:
            number = digits[CHANNEL_FIELD]
            own_ready, own_banks = ready[number], banks[number]
            own_ranks, own_tally = ranks[number], tally[number]
        run = min(end - first, shape[RUN_BURSTS])


@jit
def active_clocks(clock: int, channel: Channel) -> int:
    """Clocks, summed over the ranks of one channel, in which a bank was open, up to a clock not
    before the last command.
    """
    ranks = channel.ranks
    total = 0
    for rank in range(channel.shape[RANKS]):
        total += ranks[rank, ACTIVE_CLOCKS]
        if ranks[rank, OPEN_BANKS] > 0:
            total += clock - ranks[rank, ACTIVE_SINCE]
    return total
