"""A memory controller, request by request: queues, refresh, one command a clock and bus, and the
driver that hands requests over.

In every clock each channel first issues what it can, then at most one request is handed over, in
list order: a request handed over in clock t can see its first command in t + 1. The clocks in which
nothing can happen are skipped. Arrays are those of `kernels.dram_timing` and
`kernels.dram_scheduling`, with the channel as leading axis, and:

* ``queues`` int64[channels, 3, slots] and ``sizes`` int64[channels, 3]: waiting requests by
  `READS`, `WRITES`, `OPENED`;
* ``control`` int64[channels, 6], indexed by the names below;
* ``served`` int64[N, 4]: per request the clock of its hand-over, of its last data, of its RD or WR
  (-1: none, a waiting write answered the read or carries the write's data too), and how it found
  its row;
* ``trace`` int64[commands, 5]: clock, command, channel, bank, row of every command, as far as there
  is room; ``traced`` int64[1] counts all.

Refresh: one REF a rank and tREFI, due for all ranks at once. From then on no waiting request gets a
command; those whose row is opened get their RD or WR, then the rank gets one PREA, if it has a row
open, and the REF. Source: Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a).
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dram.scheduling import (
    ANY_COMMAND,
    ARRIVES,
    BANK,
    BURST,
    BUSES,
    CHANNEL,
    COLUMN_COMMANDS,
    FCFS,
    IS_WRITE,
    NEVER,
    NOTHING,
    OPENED,
    OUTSTANDING,
    READ_SLOTS,
    READS,
    ROW,
    ROW_COMMANDS,
    SCHEDULER,
    WRITE_SLOTS,
    WRITES,
    drains,
    pick_opened,
    pick_queued,
)
from accelsim.kernels.dram.timing import (
    ACT,
    BANKS,
    CHANNELS,
    COMMANDS,
    CONFLICTS,
    GROUPS,
    HITS,
    MADE_WAY,
    MISSES,
    OPEN_ROW,
    PRE,
    RANK,
    RANKS,
    RD,
    READ_DATA,
    REF,
    REFI,
    WR,
    WRITE_DATA,
    Ints,
    allowed_from,
    decode,
    issue,
    new_state,
)
from accelsim.kernels.jit import jit

PREA = COMMANDS
"""Code of a PRE of all banks of a rank, in ``trace`` alone: to the state it is a PRE of each open
bank.
"""
DRAINING, OWED, DUE, WAKE, PREAS, PREA_BANKS = range(6)
"""Indices into ``control``: whether writes are drained; refreshes of a rank that are owed; when the
next are due; clock at which something may happen; PREAs so far, and the rows that they closed.
"""
ACCEPT, DONE, ISSUED, OUTCOME = range(4)


def new_control(shape: Ints, policy: Ints, requests: int) -> tuple[Ints, Ints, Ints]:
    """(queues, sizes, control) of all channels: nothing waits, the first refresh is due at tREFI.
    No more can wait than there are ``requests``.
    """
    channels = int(shape[CHANNELS])
    slots = max(
        int(policy[READ_SLOTS]),
        int(policy[WRITE_SLOTS]),
        int(shape[RANKS] * shape[GROUPS] * shape[BANKS]),
    )
    control = np.zeros((channels, 6), np.int64)
    control[:, DUE] = shape[REFI] or NEVER
    return (
        np.zeros((channels, 3, min(slots, requests)), np.int64),
        np.zeros((channels, 3), np.int64),
        control,
    )


@jit
def locate(requests: Ints, shape: Ints) -> None:
    """Fill in channel, bank and row of every request from its burst number."""
    for request in range(len(requests)):
        channel, bank, row = decode(requests[request, BURST], shape)
        requests[request, CHANNEL], requests[request, BANK], requests[request, ROW] = (
            channel,
            bank,
            row,
        )


@jit
def record(
    clock: int, command: int, channel: int, bank: int, row: int, trace: Ints, traced: Ints
) -> None:
    """Note a command in the trace."""
    if traced[0] < len(trace):
        at = traced[0]
        trace[at, 0], trace[at, 1], trace[at, 2], trace[at, 3], trace[at, 4] = (
            clock,
            command,
            channel,
            bank,
            row,
        )
    traced[0] += 1


@jit
def maintain(
    now: int,
    channel: int,
    taken: int,
    requests: Ints,
    opened: Ints,
    opened_size: int,
    control: Ints,
    trace: Ints,
    traced: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """The next command, PREA or REF, of the refresh that is owed, if it may go now; returns the
    clock at which to look again.
    """
    per_rank = shape[GROUPS] * shape[BANKS]
    rank = (shape[RANKS] - control[OWED] % shape[RANKS]) % shape[RANKS]
    first = rank * per_rank
    clock, open_banks = now, 0
    for bank in range(first, first + per_rank):
        if banks[bank, OPEN_ROW] >= 0:
            open_banks += 1
            clock = max(clock, allowed_from(PRE, bank, shape, ready, banks, ranks))
    if open_banks == 0:
        clock = max(clock, allowed_from(REF, first, shape, ready, banks, ranks))
    if clock > now:
        return clock
    if open_banks == 0:
        banks[first : first + per_rank, MADE_WAY] = 0
        issue(REF, first, 0, now, delays, shape, ready, banks, ranks, tally)
        record(now, REF, channel, first, NOTHING, trace, traced)
        control[OWED] -= 1
        return now + 1
    for place in range(opened_size):
        if banks[requests[opened[place], BANK], RANK] == rank:
            return NEVER  # until that request's RD or WR has gone, whose clock is known already
    if taken != NOTHING and banks[taken, RANK] == rank:
        return now + 1
    for bank in range(first, first + per_rank):
        if banks[bank, OPEN_ROW] >= 0:
            issue(PRE, bank, 0, now, delays, shape, ready, banks, ranks, tally)
    record(now, PREA, channel, first, NOTHING, trace, traced)
    control[PREAS] += 1
    control[PREA_BANKS] += open_banks
    return now + 1


@jit
def serve(
    now: int,
    command: int,
    kind: int,
    place: int,
    requests: Ints,
    served: Ints,
    queues: Ints,
    sizes: Ints,
    trace: Ints,
    traced: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> None:
    """A request's command goes: RD and WR end its waiting, an ACT moves it to those whose row is
    opened.
    """
    request = queues[kind, place]
    bank, row = requests[request, BANK], requests[request, ROW]
    issue(command, bank, row, now, delays, shape, ready, banks, ranks, tally)
    record(
        now,
        command,
        requests[request, CHANNEL],
        bank,
        NOTHING if command == PRE else row,
        trace,
        traced,
    )
    if command == PRE:
        banks[bank, MADE_WAY] = 1
        return
    for behind in range(place + 1, sizes[kind]):
        queues[kind, behind - 1] = queues[kind, behind]
    sizes[kind] -= 1
    if command == ACT:
        served[request, OUTCOME] = CONFLICTS if banks[bank, MADE_WAY] else MISSES
        queues[OPENED, sizes[OPENED]] = request
        sizes[OPENED] += 1
        return
    served[request, ISSUED] = now
    served[request, DONE] = now + (shape[WRITE_DATA] if command == WR else shape[READ_DATA])
    tally[served[request, OUTCOME]] += 1


@jit
def tick(
    now: int,
    channel: int,
    policy: Ints,
    requests: Ints,
    served: Ints,
    queues: Ints,
    sizes: Ints,
    control: Ints,
    trace: Ints,
    traced: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """One clock of a channel; sets the clock at which it must be looked at again and returns the
    request that got its RD or WR, or NOTHING.
    """
    while control[DUE] <= now:
        control[OWED] += shape[RANKS]
        control[DUE] += shape[REFI]
    wake = control[DUE]
    finished, taken = NOTHING, NOTHING
    for bus in range(policy[BUSES]):
        carried = (
            ANY_COMMAND if policy[BUSES] == 1 else COLUMN_COMMANDS if bus == 0 else ROW_COMMANDS
        )
        kind, place, command = OPENED, NOTHING, NOTHING
        if carried != ROW_COMMANDS:
            place, clock = pick_opened(
                now, requests, queues[OPENED], sizes[OPENED], shape, ready, banks, ranks
            )
            wake = min(wake, clock)
            if place != NOTHING:
                command = WR if requests[queues[OPENED, place], IS_WRITE] else RD
        if place == NOTHING and control[OWED] > 0:
            if carried != COLUMN_COMMANDS:
                clock = maintain(
                    now,
                    channel,
                    taken,
                    requests,
                    queues[OPENED],
                    sizes[OPENED],
                    control,
                    trace,
                    traced,
                    delays,
                    shape,
                    ready,
                    banks,
                    ranks,
                    tally,
                )
                wake = min(wake, clock)
            continue
        if place == NOTHING and not (policy[SCHEDULER] == FCFS and sizes[OPENED] > 0):
            control[DRAINING] = drains(control[DRAINING] == 1, sizes[READS], sizes[WRITES], policy)
            kind = WRITES if control[DRAINING] else READS
            place, command, clock = pick_queued(
                now,
                carried,
                taken,
                policy,
                requests,
                queues[kind],
                sizes[kind],
                queues[OPENED],
                sizes[OPENED],
                shape,
                ready,
                banks,
                ranks,
            )
            wake = min(wake, clock)
        if place != NOTHING:
            request = queues[kind, place]
            serve(
                now,
                command,
                kind,
                place,
                requests,
                served,
                queues,
                sizes,
                trace,
                traced,
                delays,
                shape,
                ready,
                banks,
                ranks,
                tally,
            )
            taken = requests[request, BANK]
            wake = now + 1
            if command in (RD, WR):
                finished = request
    control[WAKE] = wake
    return finished


@jit
def waiting_write(burst: int, requests: Ints, queues: Ints, sizes: Ints) -> int:
    """The write of a burst that waits in a channel, or NOTHING: it answers reads of that burst, and
    other writes of it join it.
    """
    for kind in (WRITES, OPENED):
        for place in range(sizes[kind]):
            waiting = queues[kind, place]
            if requests[waiting, BURST] == burst and requests[waiting, IS_WRITE]:
                return waiting  # type: ignore[no-any-return]
    return NOTHING


@jit
def hand_over(
    now: int, request: int, policy: Ints, requests: Ints, served: Ints, queues: Ints, sizes: Ints
) -> bool:
    """Hand a request to its channel, if that has room. It needs none if a write of its burst waits:
    a read is answered in the next clock, a write joins that one, and its DONE is -1 - that write's
    place until `run` knows the clock.
    """
    kind = WRITES if requests[request, IS_WRITE] else READS
    waiting = waiting_write(requests[request, BURST], requests, queues, sizes)
    if waiting != NOTHING:
        served[request, DONE] = -1 - waiting if kind == WRITES else now + 1
    elif sizes[kind] < (policy[WRITE_SLOTS] if kind == WRITES else policy[READ_SLOTS]):
        queues[kind, sizes[kind]] = request
        sizes[kind] += 1
    else:
        return False
    served[request, ACCEPT] = now
    return True


@jit
def settle_joined(served: Ints) -> None:
    """A write that joined another is done when that one is."""
    for request in range(len(served)):
        if served[request, DONE] < 0:
            served[request, DONE] = served[-1 - served[request, DONE], DONE]


@jit
def run(
    policy: Ints,
    requests: Ints,
    served: Ints,
    queues: Ints,
    sizes: Ints,
    control: Ints,
    trace: Ints,
    traced: Ints,
    delays: Ints,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> int:
    """Serve all requests and go on, with refreshes alone, to the clock of the last data, which is
    returned.
    """
    served[:, ISSUED] = -1
    served[:, OUTCOME] = HITS
    ends = np.empty(
        len(requests), np.int64
    )  # of reads in service, in the order of their RDs and so of their ends
    first_end, end_count, outstanding = 0, 0, 0
    upcoming, left, last, now = 0, len(requests), 0, 0
    while left > 0 or now <= last:
        wake = NEVER
        for channel in range(shape[CHANNELS]):
            if control[channel, WAKE] <= now:
                finished = tick(
                    now,
                    channel,
                    policy,
                    requests,
                    served,
                    queues[channel],
                    sizes[channel],
                    control[channel],
                    trace,
                    traced,
                    delays,
                    shape,
                    ready[channel],
                    banks[channel],
                    ranks[channel],
                    tally[channel],
                )
                if finished != NOTHING:
                    left -= 1
                    last = max(last, served[finished, DONE])
                    if not requests[finished, IS_WRITE]:
                        ends[end_count] = served[finished, DONE]
                        end_count += 1
            wake = min(wake, control[channel, WAKE])
        while first_end < end_count and ends[first_end] <= now:
            first_end += 1
            outstanding -= 1
        if upcoming < len(requests):
            channel, is_read = requests[upcoming, CHANNEL], requests[upcoming, IS_WRITE] == 0
            if requests[upcoming, ARRIVES] > now:
                wake = min(wake, requests[upcoming, ARRIVES])
            elif is_read and outstanding >= policy[OUTSTANDING]:
                if first_end < end_count:
                    wake = min(wake, ends[first_end])
            elif hand_over(
                now, upcoming, policy, requests, served, queues[channel], sizes[channel]
            ):
                if (
                    served[upcoming, DONE] != 0
                    # a read that is over before another request can come, or a write that joined
                    # another
                ):
                    left -= 1
                    last = max(last, served[upcoming, DONE])
                else:
                    outstanding += is_read
                    control[channel, WAKE] = now + 1
                upcoming += 1
                wake = now + 1
        now = max(now + 1, wake)
    settle_joined(served)
    return last


def controller_state(shape: Ints, policy: Ints, requests: int) -> tuple[Ints, ...]:
    """(queues, sizes, control) and (ready, banks, ranks, tally) of a controller at clock 0 that
    will be handed so many requests.
    """
    return *new_control(shape, policy, requests), *new_state(shape)
