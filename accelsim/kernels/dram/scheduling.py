"""Choice of the request that a channel's controller serves next: FCFS, FR-FCFS, FR-FCFS with
row-hit protection, and write drain.

Source: the controllers of Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a), with its schedulers FRFCFS
and FRFCFS-RowHit. First-ready scheduling is from Rixner et al., "Memory access scheduling", ISCA
2000.
"""

from __future__ import annotations

from accelsim.kernels.dram.demand import may_close, oldest_in_row, oldest_off_row
from accelsim.kernels.dram.queues import (
    ACCEPT,
    BANK,
    DRAIN_ABOVE,
    DRAIN_BELOW,
    DRAINING,
    FCFS,
    IN_OPEN_ROWS,
    IS_WRITE,
    NEVER,
    NOTHING,
    NUMBER,
    OLDEST,
    OPENED,
    READS,
    ROW,
    SCHEDULER,
    WANTED_BANKS,
    WRITES,
    Queues,
)
from accelsim.kernels.dram.state import (
    ACT,
    COMMANDS,
    INDEX,
    OPEN_ROW,
    PRE,
    RANKS,
    RD,
    WR,
    Channel,
    Ints,
)
from accelsim.kernels.dram.timing import allowed_from, needed
from accelsim.kernels.jit import inlined_jit, lean_jit

ANY_COMMAND, COLUMN_COMMANDS, ROW_COMMANDS = range(3)
"""Commands that a bus carries."""


@lean_jit
def drains(draining: bool, reads: int, writes: int, policy: Ints) -> bool:
    """Whether the controller serves writes instead of reads.

    A drain begins with more than DRAIN_ABOVE writes, or no read. It ends with fewer than
    DRAIN_BELOW writes, or none, if there are reads.
    """
    if not draining:
        return writes > policy[DRAIN_ABOVE] or reads == 0
    return reads == 0 or (writes >= policy[DRAIN_BELOW] and writes > 0)


@inlined_jit
def pick_opened(now: int, queues: Queues, channel: Channel) -> tuple[int, int]:
    """(oldest opened request whose RD or WR is allowed now, or NOTHING; clock at which the next one
    is allowed).
    """
    _, shape, ready, banks, ranks, _ = channel
    requests, wanted = queues.requests, queues.wanted
    oldest, wake = NOTHING, NEVER
    for place in range(1, wanted[OPENED, WANTED_BANKS] + 1):
        bank = wanted[OPENED, place] & INDEX
        request = queues.demand[OPENED, bank, OLDEST] & INDEX
        command = WR if requests[request, IS_WRITE] else RD
        clock = allowed_from(command, bank, shape, ready, banks, ranks)
        if clock > now:
            wake = min(wake, clock)
        elif oldest == NOTHING or requests[request, ACCEPT] < requests[oldest, ACCEPT]:
            oldest = request
    return oldest, wake


@inlined_jit
def pick_queued(
    now: int, carried: int, taken: int, kind: int, queues: Queues, channel: Channel
) -> tuple[int, int, int]:
    """(request of queue ``kind`` to serve now, or NOTHING; its command; clock before which no other
    request of the queue gets a command, but for further RDs or WRs that are allowed now).

    It is the oldest request whose next command is ``carried`` by the bus and allowed now; FCFS
    considers only the oldest. `may_close` rules out some PREs. ``taken``: bank that already had its
    command in this clock, or NOTHING.
    """
    _, shape, ready, banks, ranks, _ = channel
    requests, column = queues.requests, WR if kind == WRITES else RD
    request = queues.waiting[kind, OLDEST]
    in_open_rows = queues.waiting[kind, IN_OPEN_ROWS] == queues.waiting[kind, NUMBER]
    if request == NOTHING or (in_open_rows and carried == ROW_COMMANDS):
        return NOTHING, NOTHING, NEVER
    request &= INDEX
    bank = requests[request, BANK] & INDEX
    command = needed(column, bank, requests[request, ROW], banks)
    if carried == ANY_COMMAND or (carried == COLUMN_COMMANDS) == (command == column):
        clock = allowed_from(command, bank, shape, ready, banks, ranks)
        if in_open_rows and clock <= now and bank != taken:  # the usual case
            return request, command, NEVER
        if queues.policy[SCHEDULER] == FCFS:
            if clock > now or bank == taken:
                return NOTHING, NOTHING, max(now + 1, clock)
            return request, command, clock
    elif queues.policy[SCHEDULER] == FCFS:
        return NOTHING, NOTHING, NEVER
    return pick_bank(now, carried, taken, kind, queues, channel)


@inlined_jit
def pick_bank(
    now: int, carried: int, taken: int, kind: int, queues: Queues, channel: Channel
) -> tuple[int, int, int]:
    """`pick_queued` by a look at every bank that requests of the queue want."""
    _, shape, ready, banks, ranks, _ = channel
    requests, demand, wanted = queues.requests, queues.demand, queues.wanted
    scheduler, column = queues.policy[SCHEDULER], WR if kind == WRITES else RD
    oldest, command, accepted, wake = NOTHING, NOTHING, NEVER, NEVER
    columns, rows = 0, 0  # whether a RD or WR is allowed now; banks that allow an ACT or PRE now
    for place in range(1, wanted[kind, WANTED_BANKS] + 1):
        bank = wanted[kind, place] & INDEX
        if bank == taken:
            continue
        first, row = demand[kind, bank, OLDEST] & INDEX, banks[bank, OPEN_ROW]
        if carried != ROW_COMMANDS and demand[kind, bank, IN_OPEN_ROWS] > 0:
            clock = allowed_from(column, bank, shape, ready, banks, ranks)
            if clock > now:
                wake = min(wake, clock)
            else:
                columns = 1
                if requests[first, ACCEPT] < accepted:
                    request = oldest_in_row(first, row, requests)
                    if requests[request, ACCEPT] < accepted:
                        oldest, command, accepted = request, column, requests[request, ACCEPT]
        if carried != COLUMN_COMMANDS and (
            row < 0 or may_close(kind, bank, row, scheduler, requests, demand)
        ):
            of_rows = ACT if row < 0 else PRE
            clock = allowed_from(of_rows, bank, shape, ready, banks, ranks)
            if clock > now:
                wake = min(wake, clock)
            else:
                rows += 1
                if requests[first, ACCEPT] < accepted:
                    request = oldest_off_row(first, row, requests)
                    if requests[request, ACCEPT] < accepted:
                        oldest, command, accepted = request, of_rows, requests[request, ACCEPT]
    # How many of these lose to the oldest. RDs and WRs that lose to another one wait for longer.
    passed_over = rows if command == column else rows + columns - 1
    return oldest, command, now if passed_over > 0 else wake


@inlined_jit
def rests_until(
    now: int, command: int, kind: int, bank: int, queues: Queues, channel: Channel
) -> int:
    """Clock up to which a channel may sleep after a command of a request of queue ``kind`` for a
    bank, as far as this bank and further RDs or WRs go. The commands that `pick_queued` found to be
    due later are left to its caller.
    """
    _, shape, ready, banks, ranks, _ = channel
    draining, waiting, demand = queues.control[DRAINING] == 1, queues.waiting, queues.demand
    if (
        queues.policy[SCHEDULER] == FCFS
        or draining != (kind == WRITES)
        or draining
        != drains(draining, waiting[READS, NUMBER], waiting[WRITES, NUMBER], queues.policy)
    ):
        return now + 1
    column = WR if kind == WRITES else RD
    if command != column:
        following = ACT if command == PRE else column
        return max(now + 1, allowed_from(following, bank, shape, ready, banks, ranks))
    if demand[kind, bank, IN_OPEN_ROWS] < demand[kind, bank, NUMBER]:
        return now + 1
    place = len(ready) - COMMANDS + column  # of the last rank
    clock = ready[place]
    for _ in range(1, shape[RANKS]):
        place -= COMMANDS
        clock = min(clock, ready[place])
    return max(now + 1, clock)  # type: ignore[no-any-return]
