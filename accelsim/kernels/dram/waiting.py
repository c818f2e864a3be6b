"""Requests that join and leave the queues of a channel, and the rows that they find open.

Each queue is a list of requests by age, and so are its requests for each bank.
"""

from __future__ import annotations

from accelsim.kernels.dram.queues import (
    BANK,
    IN_BANK,
    IN_OPEN_ROWS,
    IN_QUEUE,
    NEWEST,
    NOTHING,
    NUMBER,
    OLDEST,
    PLACE,
    READS,
    ROW,
    WANTED_BANKS,
    WRITES,
    Queues,
)
from accelsim.kernels.dram.state import INDEX, Ints
from accelsim.kernels.jit import inlined_jit, lean_jit


@lean_jit
def append(request: int, finds_open: bool, link: int, requests: Ints, ends: Ints) -> None:
    """Put a request at the end of a list: a row of ``waiting`` or of ``demand``, with its ``link``.
    ``finds_open``: whether its row is open.
    """
    newest = ends[NEWEST]
    requests[request, link], requests[request, link + 1] = newest, NOTHING
    if newest == NOTHING:
        ends[OLDEST] = request
    else:
        requests[newest & INDEX, link + 1] = request
    ends[NEWEST] = request
    ends[NUMBER] += 1
    ends[IN_OPEN_ROWS] += finds_open


@lean_jit
def remove(request: int, finds_open: bool, link: int, requests: Ints, ends: Ints) -> None:
    """Take a request out of a list, see `append`."""
    older, younger = requests[request, link], requests[request, link + 1]
    if older == NOTHING:
        ends[OLDEST] = younger
    else:
        requests[older & INDEX, link + 1] = younger
    if younger == NOTHING:
        ends[NEWEST] = older
    else:
        requests[younger & INDEX, link] = older
    ends[NUMBER] -= 1
    ends[IN_OPEN_ROWS] -= finds_open


@inlined_jit
def enqueue(kind: int, request: int, finds_open: bool, queues: Queues) -> None:
    """A request joins a queue. ``finds_open``: whether its row is open."""
    requests, wanted = queues.requests, queues.wanted
    bank = requests[request, BANK] & INDEX
    append(request, finds_open, IN_QUEUE, requests, queues.waiting[kind])
    append(request, finds_open, IN_BANK, requests, queues.demand[kind, bank])
    if queues.demand[kind, bank, NUMBER] == 1:
        last = (wanted[kind, WANTED_BANKS] & INDEX) + 1
        wanted[kind, WANTED_BANKS], wanted[kind, last] = last, bank
        queues.demand[kind, bank, PLACE] = last


@inlined_jit
def dequeue(kind: int, request: int, finds_open: bool, queues: Queues) -> None:
    """A request leaves a queue. ``finds_open``: whether its row was open when the channel chose
    it.
    """
    requests, wanted = queues.requests, queues.wanted
    bank = requests[request, BANK] & INDEX
    remove(request, finds_open, IN_QUEUE, requests, queues.waiting[kind])
    remove(request, finds_open, IN_BANK, requests, queues.demand[kind, bank])
    if queues.demand[kind, bank, NUMBER] == 0:
        last, place = wanted[kind, WANTED_BANKS] & INDEX, queues.demand[kind, bank, PLACE] & INDEX
        moved = wanted[kind, last] & INDEX
        wanted[kind, place] = moved
        queues.demand[kind, moved, PLACE] = place
        wanted[kind, WANTED_BANKS] = last - 1


@lean_jit
def close(bank: int, waiting: Ints, demand: Ints) -> None:
    """No request finds its row open in a bank that has been closed."""
    for kind in range(READS, WRITES + 1):
        waiting[kind, IN_OPEN_ROWS] -= demand[kind, bank, IN_OPEN_ROWS]
        demand[kind, bank, IN_OPEN_ROWS] = 0


@lean_jit
def reopen(bank: int, row: int, requests: Ints, waiting: Ints, demand: Ints) -> None:
    """Count the requests for the row that a bank, which was closed, has opened."""
    for kind in range(READS, WRITES + 1):
        found, request = 0, demand[kind, bank, OLDEST]
        while request != NOTHING:
            found += requests[request & INDEX, ROW] == row
            request = requests[request & INDEX, IN_BANK + 1]
        demand[kind, bank, IN_OPEN_ROWS] = found
        waiting[kind, IN_OPEN_ROWS] += found
