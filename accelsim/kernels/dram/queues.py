"""Requests of a DRAM and the queues of its controllers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.dram.addresses import decode
from accelsim.kernels.dram.state import BANKS, CHANNELS, GROUPS, RANKS, REFI, Ints
from accelsim.kernels.jit import inlined_jit, jit

ARRIVES, BURST, IS_WRITE, CHANNEL, BANK, ROW = range(6)
ACCEPT, DONE, ISSUED, OUTCOME, MADE = range(6, 11)
IN_QUEUE, IN_BANK, TRANSFER = 11, 13, 15
REQUEST_LENGTH = 16
"""Columns of ``requests``: what is asked for; what became of it; its places in lists; its transfer.

`IN_QUEUE` and `IN_BANK` are the first columns of the links of either list: the next older request
of the list, or NOTHING. The next column has the next younger one.
"""
READS, WRITES, OPENED = range(3)
"""Queues of a channel."""
SCHEDULER, READ_SLOTS, WRITE_SLOTS, DRAIN_ABOVE, DRAIN_BELOW, BUSES, OUTSTANDING = range(7)
"""Indices into ``policy``: a scheduler, see below; capacities of the read and write queues; number
of writes above which a drain begins, and below which it ends; command buses (1, or 2: row commands
and column commands); maximum number of outstanding reads.
"""
POLICY_LENGTH = 7
FCFS, FRFCFS, FRFCFS_ROWHIT = range(3)
DRAINING, OWED, DUE, WAKE, PREAS, PREA_BANKS = range(6)
"""Indices into ``control``: whether writes are drained; owed refreshes of single ranks; clock at
which the next are due; clock at which something may happen; PREAs so far, and banks that they
closed.
"""
OLDEST, NEWEST, NUMBER, IN_OPEN_ROWS, PLACE = range(5)
"""Columns of ``waiting``, which has no PLACE, and of ``demand``."""
WANTED_BANKS = 0
"""Column of ``wanted`` with the number of banks."""
NEVER = 1 << 60
"""Clock of an event that never happens."""
NOTHING = -1


class Queues(NamedTuple):
    """Controller of one channel."""

    channel: int
    """Number of the channel."""
    policy: Ints
    """int64 (7), by `SCHEDULER` to `OUTSTANDING`."""
    requests: Ints
    """int64 (N, 16), by `ARRIVES` to `TRANSFER`: earliest clock of the hand-over, burst number, 1
    for a write, channel, bank within the channel, row; clock of the hand-over, of the last data,
    and of its RD or WR; state in which it found its row; PREs made for it; neighbours in its queue,
    and among the requests of that queue for its bank; the DMA's transfer that it belongs to. The RD
    or WR is -1 if a waiting write answers the read, or also carries the write's data.
    """
    waiting: Ints
    """int64 (3 queues, 4), by `OLDEST` to `IN_OPEN_ROWS`: oldest and newest of the reads, of the
    writes and of the opened requests, or `NOTHING`; their number; how many find their row open. An
    opened request has had its ACT and waits for its RD or WR; there is at most one per bank.
    """
    control: Ints
    """int64 (6), by `DRAINING` to `PREA_BANKS`."""
    demand: Ints
    """int64 (3 queues, banks, 5), by `OLDEST` to `PLACE`: the same of the requests for each bank,
    and the bank's place in ``wanted``.
    """
    wanted: Ints
    """int64 (3 queues, 1 + banks): number of banks that requests of each queue want, then these
    banks, in no order.
    """
    trace: Ints
    """int64 (commands, 5): clock, command, channel, bank and row of every command that fits."""
    traced: Ints
    """int64 (1): commands so far."""


class Controller(NamedTuple):
    """Controllers of all channels: the fields of `Queues`; those from waiting to wanted have
    the channel as leading axis.
    """

    policy: Ints
    requests: Ints
    waiting: Ints
    control: Ints
    demand: Ints
    wanted: Ints
    trace: Ints
    traced: Ints


def new_controller(policy: Ints, requests: Ints, shape: Ints, room: int) -> Controller:
    """Controllers with empty queues and the first refresh due at tREFI. ``requests``: int64 (N, 6),
    by `ARRIVES` to `ROW`. ``room``: commands that the trace holds.
    """
    table = np.zeros((len(requests), REQUEST_LENGTH), np.int64)
    table[:, : ROW + 1] = requests
    channels, banks = int(shape[CHANNELS]), int(shape[RANKS] * shape[GROUPS] * shape[BANKS])
    control = np.zeros((channels, 6), np.int64)
    control[:, DUE] = shape[REFI] or NEVER
    waiting = np.zeros((channels, 3, 4), np.int64)
    demand = np.zeros((channels, 3, banks, 5), np.int64)
    for lists in (waiting, demand):
        lists[..., [OLDEST, NEWEST]] = NOTHING
    return Controller(
        policy,
        table,
        waiting,
        control,
        demand,
        np.zeros((channels, 3, 1 + banks), np.int64),
        np.zeros((room, 5), np.int64),
        np.zeros(1, np.int64),
    )


@inlined_jit
def queues_of(controller: Controller, channel: int) -> Queues:
    """The controller of one channel."""
    return Queues(
        channel,
        controller.policy,
        controller.requests,
        controller.waiting[channel],
        controller.control[channel],
        controller.demand[channel],
        controller.wanted[channel],
        controller.trace,
        controller.traced,
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
def channel_order(requests: Ints, channels: int) -> tuple[Ints, Ints]:
    """(first request of every channel: int64 (channels); the next request of the same channel:
    int64 (N)), in the order of ``requests``; NEVER if there is none.
    """
    first = np.full(channels, NEVER, np.int64)
    following = np.full(len(requests), NEVER, np.int64)
    for request in range(len(requests) - 1, -1, -1):
        channel = requests[request, CHANNEL]
        following[request] = first[channel]
        first[channel] = request
    return first, following


@jit
def sort_turns(turns: Ints, upcoming: Ints) -> None:
    """Sort the channels in ``turns`` by the number of their upcoming request.

    An insertion sort: only the channels that took a request are out of order.
    """
    for place in range(1, len(turns)):
        number, before = turns[place], place - 1
        while before >= 0 and upcoming[turns[before]] > upcoming[number]:
            turns[before + 1] = turns[before]
            before -= 1
        turns[before + 1] = number


@jit
def settle_joined(requests: Ints) -> None:
    """Set the DONE of merged writes to that of the writes that carry them."""
    for request in range(len(requests)):
        if requests[request, DONE] < 0:
            requests[request, DONE] = requests[-1 - requests[request, DONE], DONE]
