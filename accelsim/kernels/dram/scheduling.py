"""Choice of the request that a channel's controller serves next: FCFS, FR-FCFS, FR-FCFS with
row-hit protection, and write drain.

Source: the controllers of Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a), with its schedulers FRFCFS
and FRFCFS-RowHit. First-ready scheduling is from Rixner et al., "Memory access scheduling", ISCA
2000.
"""

from __future__ import annotations

from accelsim.kernels.dram.demand import earliest
from accelsim.kernels.dram.queues import (
    ACCEPT,
    BANK,
    BEHIND,
    DRAIN_ABOVE,
    DRAIN_BELOW,
    FCFS,
    FRFCFS_ROWHIT,
    IS_WRITE,
    NEVER,
    NOTHING,
    OLDEST,
    OPENED,
    ROW,
    SCHEDULER,
    WRITES,
    Queues,
)
from accelsim.kernels.dram.state import OPEN_ROW, PRE, RD, WR, Channel, Ints
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
    requests, served, line = queues.requests, queues.served, queues.line
    oldest, wake, request = NOTHING, NEVER, queues.ends[OPENED, OLDEST]
    while request != NOTHING:
        command = WR if requests[request, IS_WRITE] else RD
        clock = allowed_from(command, requests[request, BANK], shape, ready, banks, ranks)
        if clock > now:
            wake = min(wake, clock)
        elif oldest == NOTHING or served[request, ACCEPT] < served[oldest, ACCEPT]:
            oldest = request
        request = line[request, BEHIND]
    return oldest, wake


@lean_jit
def keeps_row(bank: int, request: int, until: int, requests: Ints, line: Ints, banks: Ints) -> bool:
    """Whether a request wants the row that the bank has open, from ``request`` on and ahead of
    ``until`` (NOTHING: to the end of the queue).
    """
    row = banks[bank, OPEN_ROW]
    while request != until:
        if requests[request, BANK] == bank and requests[request, ROW] == row:
            return True
        request = line[request, BEHIND]
    return False


@inlined_jit
def pick_queued(
    now: int, carried: int, taken: int, kind: int, queues: Queues, channel: Channel
) -> tuple[int, int, int]:
    """(request of queue ``kind`` to serve now, or NOTHING; its command; clock at which to check
    again).

    It is the oldest request whose next command is ``carried`` by the bus and allowed now; FCFS
    considers only the oldest. No PRE closes a row that an opened request waits for, nor, under
    FRFCFS_ROWHIT, a row that an older request of the queue wants. ``taken``: bank that already had
    its command in this clock, or NOTHING.
    """
    _, shape, ready, banks, ranks, _ = channel
    requests, line, ends = queues.requests, queues.line, queues.ends
    scheduler, column = queues.policy[SCHEDULER], WR if kind == WRITES else RD
    request = ends[kind, OLDEST]
    if request != NOTHING and carried != ROW_COMMANDS:  # the usual case: it finds its row open
        bank = requests[request, BANK]
        if (
            banks[bank, OPEN_ROW] == requests[request, ROW]
            and bank != taken
            and allowed_from(column, bank, shape, ready, banks, ranks) <= now
        ):
            return request, column, NEVER
    wake = earliest(kind, queues, channel)
    if wake > now:
        return NOTHING, NOTHING, wake
    refused_bank, refused_command = NOTHING, NOTHING  # the last that timing does not allow
    wake = NEVER
    while request != NOTHING:
        bank = requests[request, BANK]
        command = needed(column, bank, requests[request, ROW], banks)
        on_bus = carried == ANY_COMMAND or (carried == COLUMN_COMMANDS) == (command == column)
        refused = bank == refused_bank and command == refused_command
        if on_bus and bank != taken and not refused:
            clock = allowed_from(command, bank, shape, ready, banks, ranks)
            if clock > now:
                wake = min(wake, clock)
                refused_bank, refused_command = bank, command
            elif command != PRE or not (
                keeps_row(bank, ends[OPENED, OLDEST], NOTHING, requests, line, banks)
                or (
                    scheduler == FRFCFS_ROWHIT
                    and keeps_row(bank, ends[kind, OLDEST], request, requests, line, banks)
                )
            ):
                return request, command, wake
        request = NOTHING if scheduler == FCFS else line[request, BEHIND]
    return NOTHING, NOTHING, wake
