"""Which of the waiting requests of a channel the controller serves next: FCFS, FR-FCFS, FR-FCFS
with row-hit protection, and write drain.

Clocks, ``delays``, ``shape`` and the state arrays are those of `kernels.dram_timing`, of one
channel. Further arrays:

* ``requests`` int64[N, 6]: clock at which it becomes available, burst number, 1 for a write,
  channel, bank within the channel, row;
* ``queue`` int64[slots]: places in ``requests`` of waiting requests, in the order in which they
  came. A channel has three: reads, writes, and requests for whose own sake an ACT went that still
  wait for their RD or WR (at most one a bank);
* ``policy`` int64[8], indexed by the names below.

Source: the controllers of Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a), whose FRFCFS and
FRFCFS-RowHit schedulers these are; a first-ready scheduler is Rixner et al., "Memory access
scheduling", ISCA 2000.
"""

from __future__ import annotations

from accelsim.kernels.dram.timing import OPEN_ROW, PRE, RD, WR, Ints, allowed_from, needed
from accelsim.kernels.jit import jit

ARRIVES, BURST, IS_WRITE, CHANNEL, BANK, ROW = range(6)
READS, WRITES, OPENED = range(3)
SCHEDULER, READ_SLOTS, WRITE_SLOTS, DRAIN_ABOVE, DRAIN_BELOW, BUSES, OUTSTANDING = range(7)
"""Indices into ``policy``: one of the schedulers below; most reads and writes that wait; writes
above which a drain begins, and below which it ends; command buses (1, or 2: one for row and one for
column commands); reads that may be outstanding.
"""
POLICY_LENGTH = 7
FCFS, FRFCFS, FRFCFS_ROWHIT = range(3)
ANY_COMMAND, COLUMN_COMMANDS, ROW_COMMANDS = range(3)
"""What a command bus carries."""
NEVER = 1 << 60
"""Clock of what nothing will make happen."""
NOTHING = -1


@jit
def drains(draining: bool, reads: int, writes: int, policy: Ints) -> bool:
    """Whether writes are served, and not reads: from more than DRAIN_ABOVE of them, or no read,
    down to fewer than DRAIN_BELOW, or none.
    """
    if not draining:
        return writes > policy[DRAIN_ABOVE] or reads == 0
    return reads == 0 or (writes >= policy[DRAIN_BELOW] and writes > 0)


@jit
def pick_opened(
    now: int,
    requests: Ints,
    queue: Ints,
    size: int,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
) -> tuple[int, int]:
    """(place in the queue of opened requests of the oldest whose RD or WR may go now, or NOTHING;
    clock at which the next one may go).
    """
    found, wake = NOTHING, NEVER
    for place in range(size):
        request = queue[place]
        command = WR if requests[request, IS_WRITE] else RD
        clock = allowed_from(command, requests[request, BANK], shape, ready, banks, ranks)
        if clock > now:
            wake = min(wake, clock)
        elif found == NOTHING or request < queue[found]:
            found = place
    return found, wake


@jit
def keeps_row(bank: int, requests: Ints, queue: Ints, size: int, banks: Ints) -> bool:
    """Whether one of the first ``size`` requests of a queue wants the row that a bank has open."""
    row = banks[bank, OPEN_ROW]
    for place in range(size):
        if requests[queue[place], BANK] == bank and requests[queue[place], ROW] == row:
            return True
    return False


@jit
def pick_queued(
    now: int,
    carried: int,
    taken: int,
    policy: Ints,
    requests: Ints,
    queue: Ints,
    size: int,
    opened: Ints,
    opened_size: int,
    shape: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
) -> tuple[int, int, int]:
    """(place in a queue of the request to serve now or NOTHING, its command, clock at which that
    may be another).

    The oldest of those whose next command is ``carried`` by the bus and allowed now; FCFS looks at
    the oldest alone. No PRE closes a row that an ``opened`` request waits for, nor, under
    FRFCFS_ROWHIT, one that an older request of the queue wants. ``taken``: bank that has had its
    command in this clock, or NOTHING.
    """
    wake = NEVER
    looked_at = min(size, 1) if policy[SCHEDULER] == FCFS else size
    for place in range(looked_at):
        request = queue[place]
        bank = requests[request, BANK]
        command = needed(
            WR if requests[request, IS_WRITE] else RD, bank, requests[request, ROW], banks
        )
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
            continue
        if command == PRE:
            if keeps_row(bank, requests, opened, opened_size, banks):
                continue
            if policy[SCHEDULER] == FRFCFS_ROWHIT and keeps_row(
                bank, requests, queue, place, banks
            ):
                continue
        return place, command, wake
    return NOTHING, NOTHING, wake
