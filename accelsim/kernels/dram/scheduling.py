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
    DRAIN_ABOVE,
    DRAIN_BELOW,
    FCFS,
    FRFCFS_ROWHIT,
    IS_WRITE,
    NEVER,
    NOTHING,
    OPENED,
    ROW,
    SCHEDULER,
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
    """(place of the oldest opened request whose RD or WR is allowed now, or NOTHING; clock at which
    the next one is allowed).
    """
    _, shape, ready, banks, ranks, _ = channel
    requests, served, opened = queues.requests, queues.served, queues.waiting[OPENED]
    oldest, wake = NOTHING, NEVER
    for place in range(queues.sizes[OPENED]):
        request = opened[place]
        command = WR if requests[request, IS_WRITE] else RD
        clock = allowed_from(command, requests[request, BANK], shape, ready, banks, ranks)
        if clock > now:
            wake = min(wake, clock)
        elif oldest == NOTHING or served[request, ACCEPT] < served[opened[oldest], ACCEPT]:
            oldest = place
    return oldest, wake


@lean_jit
def keeps_row(bank: int, kind: int, size: int, requests: Ints, waiting: Ints, banks: Ints) -> bool:
    """Whether one of the first ``size`` requests of a queue wants the row that the bank has
    open.
    """
    row = banks[bank, OPEN_ROW]
    for place in range(size):
        request = waiting[kind, place]
        if requests[request, BANK] == bank and requests[request, ROW] == row:
            return True
    return False


@inlined_jit
def pick_queued(
    now: int, carried: int, taken: int, kind: int, queues: Queues, channel: Channel
) -> tuple[int, int, int]:
    """(place in queue ``kind`` of the request to serve now, or NOTHING; its command; clock at which
    to check again).

    It is the oldest request whose next command is ``carried`` by the bus and allowed now; FCFS
    considers only the oldest. No PRE closes a row that an opened request waits for, nor, under
    FRFCFS_ROWHIT, a row that an older request of the queue wants. ``taken``: bank that already had
    its command in this clock, or NOTHING.
    """
    _, shape, ready, banks, ranks, _ = channel
    wake = earliest(kind, queues.demand, queues.chosen, shape, ready, banks, ranks)
    if wake > now:
        return NOTHING, NOTHING, wake
    requests, scheduler, size = queues.requests, queues.policy[SCHEDULER], queues.sizes[kind]
    waiting, wake = queues.waiting, NEVER
    refused_bank, refused_command = NOTHING, NOTHING  # the last that timing does not allow
    candidates = min(size, 1) if scheduler == FCFS else size
    for place in range(candidates):
        request = waiting[kind, place]
        bank = requests[request, BANK]
        column = WR if requests[request, IS_WRITE] else RD
        command = needed(column, bank, requests[request, ROW], banks)
        if bank == refused_bank and command == refused_command:
            continue
        is_column = command in (RD, WR)
        if (
            bank == taken
            or (carried == COLUMN_COMMANDS and not is_column)
            or (carried == ROW_COMMANDS and is_column)
        ):
            continue
        clock = allowed_from(command, bank, shape, ready, banks, ranks)
        if clock > now:
            wake = min(wake, clock)
            refused_bank, refused_command = bank, command
            continue
        if command == PRE:
            if keeps_row(bank, OPENED, queues.sizes[OPENED], requests, waiting, banks):
                continue
            if scheduler == FRFCFS_ROWHIT and keeps_row(
                bank, kind, place, requests, waiting, banks
            ):
                continue
        return place, command, wake
    return NOTHING, NOTHING, wake
