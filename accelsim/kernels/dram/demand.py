"""Commands that the requests of a queue want of a bank."""

from __future__ import annotations

from accelsim.kernels.dram.queues import (
    FRFCFS,
    IN_BANK,
    IN_OPEN_ROWS,
    NEVER,
    NUMBER,
    OLDEST,
    OPENED,
    ROW,
    SCHEDULER,
    WRITES,
    Queues,
)
from accelsim.kernels.dram.state import ACT, INDEX, OPEN_ROW, PRE, RD, WR, Channel, Ints
from accelsim.kernels.dram.timing import allowed_from
from accelsim.kernels.jit import inlined_jit, lean_jit


@lean_jit
def oldest_in_row(request: int, row: int, requests: Ints) -> int:
    """The oldest request for a row, from ``request`` on among those for a bank. There is one."""
    while requests[request, ROW] != row:
        request = requests[request, IN_BANK + 1] & INDEX
    return request


@lean_jit
def oldest_off_row(request: int, row: int, requests: Ints) -> int:
    """The oldest request for another row, from ``request`` on among those for a bank. There is
    one.
    """
    while requests[request, ROW] == row:
        request = requests[request, IN_BANK + 1] & INDEX
    return request


@lean_jit
def may_close(
    kind: int, bank: int, open_row: int, scheduler: int, requests: Ints, demand: Ints
) -> bool:
    """Whether a request of queue ``kind`` may close the row that is open in a bank.

    No PRE closes a row that an opened request waits for. Only FRFCFS closes one that an older
    request for the bank wants.
    """
    if demand[OPENED, bank, NUMBER] > 0:
        return False
    if requests[demand[kind, bank, OLDEST] & INDEX, ROW] != open_row:
        return True
    return scheduler == FRFCFS and demand[kind, bank, IN_OPEN_ROWS] < demand[kind, bank, NUMBER]


@inlined_jit
def earliest_at(kind: int, bank: int, queues: Queues, channel: Channel) -> int:
    """First clock at which timing allows a command that a request of queue ``kind`` needs in a bank
    that one of them wants.
    """
    _, shape, ready, banks, ranks, _ = channel
    open_row, demand = banks[bank, OPEN_ROW], queues.demand
    if open_row < 0:
        return allowed_from(ACT, bank, shape, ready, banks, ranks)
    clock = NEVER
    if demand[kind, bank, IN_OPEN_ROWS] > 0:
        column = WR if kind == WRITES else RD
        clock = allowed_from(column, bank, shape, ready, banks, ranks)
    if may_close(kind, bank, open_row, queues.policy[SCHEDULER], queues.requests, demand):
        clock = min(clock, allowed_from(PRE, bank, shape, ready, banks, ranks))
    return clock
