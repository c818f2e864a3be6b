"""What the requests of a queue want of each bank, kept up to date so that a controller need not
look at every request in every clock.
"""

from __future__ import annotations

from accelsim.kernels.dram.queues import (
    BANK,
    BEHIND,
    CHOSEN_BANKS,
    FRFCFS_ROWHIT,
    NEVER,
    OLDEST,
    READS,
    ROW,
    SCHEDULER,
    WANTED,
    WANTED_OPEN,
    WANTED_PLACE,
    WRITES,
    Queues,
)
from accelsim.kernels.dram.state import ACT, OPEN_ROW, PRE, RD, WR, Channel, Ints
from accelsim.kernels.dram.timing import allowed_from
from accelsim.kernels.jit import inlined_jit, lean_jit


@lean_jit
def add(kind: int, bank: int, finds_open: bool, demand: Ints, chosen: Ints) -> None:
    """A request for a bank joins queue ``kind``. ``finds_open``: whether its row is open."""
    if demand[kind, bank, WANTED] == 0:
        place = chosen[kind, CHOSEN_BANKS]
        chosen[kind, 1 + place] = bank
        demand[kind, bank, WANTED_PLACE] = place
        chosen[kind, CHOSEN_BANKS] = place + 1
    demand[kind, bank, WANTED] += 1
    demand[kind, bank, WANTED_OPEN] += finds_open


@lean_jit
def drop(kind: int, bank: int, finds_open: bool, demand: Ints, chosen: Ints) -> None:
    """A request for a bank leaves queue ``kind``."""
    demand[kind, bank, WANTED] -= 1
    demand[kind, bank, WANTED_OPEN] -= finds_open
    if demand[kind, bank, WANTED] == 0:
        last, place = chosen[kind, CHOSEN_BANKS], demand[kind, bank, WANTED_PLACE]
        moved = chosen[kind, last]
        chosen[kind, 1 + place] = moved
        demand[kind, moved, WANTED_PLACE] = place
        chosen[kind, CHOSEN_BANKS] = last - 1


@lean_jit
def close(bank: int, demand: Ints) -> None:
    """No request finds its row open in a bank that has been closed."""
    demand[READS, bank, WANTED_OPEN] = 0
    demand[WRITES, bank, WANTED_OPEN] = 0


@lean_jit
def reopen(bank: int, row: int, requests: Ints, line: Ints, ends: Ints, demand: Ints) -> None:
    """Count the requests for the row that a bank has opened."""
    for kind in range(READS, WRITES + 1):
        found, left, request = 0, demand[kind, bank, WANTED], ends[kind, OLDEST]
        while left > 0:
            if requests[request, BANK] == bank:
                found += requests[request, ROW] == row
                left -= 1
            request = line[request, BEHIND]
        demand[kind, bank, WANTED_OPEN] = found


@lean_jit
def oldest_finds_open(
    kind: int, bank: int, requests: Ints, line: Ints, ends: Ints, banks: Ints
) -> bool:
    """Whether the oldest request of queue ``kind`` for a bank that one of them wants finds its row
    open.
    """
    request = ends[kind, OLDEST]
    while requests[request, BANK] != bank:
        request = line[request, BEHIND]
    return requests[request, ROW] == banks[bank, OPEN_ROW]  # type: ignore[no-any-return]


@inlined_jit
def earliest_at(kind: int, bank: int, queues: Queues, channel: Channel) -> int:
    """First clock at which timing allows a command that a request of queue ``kind`` needs in a bank
    that one of them wants. Under FRFCFS_ROWHIT no PRE closes a row that an older request wants.
    """
    _, shape, ready, banks, ranks, _ = channel
    if banks[bank, OPEN_ROW] < 0:
        return allowed_from(ACT, bank, shape, ready, banks, ranks)
    clock, wanted = NEVER, queues.demand[kind, bank, WANTED_OPEN]
    if wanted > 0:
        column = WR if kind == WRITES else RD
        clock = allowed_from(column, bank, shape, ready, banks, ranks)
    if wanted < queues.demand[kind, bank, WANTED] and not (
        wanted > 0
        and queues.policy[SCHEDULER] == FRFCFS_ROWHIT
        and oldest_finds_open(kind, bank, queues.requests, queues.line, queues.ends, banks)
    ):
        clock = min(clock, allowed_from(PRE, bank, shape, ready, banks, ranks))
    return clock


@inlined_jit
def earliest(kind: int, queues: Queues, channel: Channel) -> int:
    """First clock at which timing allows a command that a request of queue ``kind`` needs.

    It is not after the first clock at which one of them is served.
    """
    chosen, clock = queues.chosen, NEVER
    for place in range(1, chosen[kind, CHOSEN_BANKS] + 1):
        clock = min(clock, earliest_at(kind, chosen[kind, place], queues, channel))
    return clock
