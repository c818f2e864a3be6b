"""A memory controller, request by request: refresh, one command per clock and bus, and the
hand-over of requests.

`run` serves the request list of `accelsim dram`. `kernels.dma.channels` runs the channels of a
machine, whose bursts come from a DMA, with the same `tick`.

In every clock each channel first issues at most one command per bus, then takes at most one
request. A channel takes its requests in list order, and a request that must wait holds back only
its own channel. If several channels wait for one slot of the driver (OUTSTANDING), the request
first in the list gets it. A request handed over in clock t can get its first command in t + 1.
Clocks in which nothing can happen are skipped.

Refresh: one REF per rank and tREFI, due for all ranks at once. From then on waiting requests get no
command. Opened requests, which have had their ACT, get their RD or WR; then the rank gets a PREA,
if it has an open row, and the REF. Source: Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a).
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dram.hand_over import hand_over
from accelsim.kernels.dram.queues import (
    ARRIVES,
    BANK,
    BUSES,
    DONE,
    DRAINING,
    DUE,
    FCFS,
    IS_WRITE,
    ISSUED,
    MADE,
    NEVER,
    NOTHING,
    NUMBER,
    OPENED,
    OUTCOME,
    OUTSTANDING,
    OWED,
    PREA_BANKS,
    PREAS,
    READS,
    ROW,
    SCHEDULER,
    WAKE,
    WANTED_BANKS,
    WRITES,
    Controller,
    Queues,
    channel_order,
    queues_of,
    settle_joined,
    sort_turns,
)
from accelsim.kernels.dram.scheduling import (
    ANY_COMMAND,
    COLUMN_COMMANDS,
    ROW_COMMANDS,
    drains,
    pick_opened,
    pick_queued,
    rests_until,
)
from accelsim.kernels.dram.state import (
    ACT,
    BANKS,
    CHANNELS,
    COMMANDS,
    CONFLICTS,
    GROUPS,
    HITS,
    INDEX,
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
    Channel,
    Dram,
    Ints,
    channel_of,
)
from accelsim.kernels.dram.timing import allowed_from, issue
from accelsim.kernels.dram.waiting import close, dequeue, enqueue, reopen
from accelsim.kernels.jit import inlined_jit, jit, lean_jit

PREA = COMMANDS
"""Code of a PRE of all banks of a rank. It occurs only in ``trace``: for the state it is one PRE
per open bank.
"""


@lean_jit
def record(
    clock: int, command: int, channel: int, bank: int, row: int, trace: Ints, traced: Ints
) -> None:
    """Add a command to the trace."""
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


@lean_jit
def maintain(now: int, taken: int, queues: Queues, channel: Channel) -> int:
    """Issue the next command (PREA or REF) of an owed refresh, if it is allowed now.

    Returns the clock at which to check again.
    """
    rules, shape, ready, banks, ranks, tally = channel
    control = queues.control
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
        for bank in range(first, first + per_rank):
            banks[bank, MADE_WAY] = 0
        issue(REF, first, 0, now, rules, ready, banks, ranks, tally)
        record(now, REF, queues.channel, first, NOTHING, queues.trace, queues.traced)
        control[OWED] -= 1
        return now + 1
    for place in range(1, queues.wanted[OPENED, WANTED_BANKS] + 1):
        if banks[queues.wanted[OPENED, place], RANK] == rank:
            return NEVER  # until the RD or WR of that request, whose clock is already known
    if taken != NOTHING and banks[taken, RANK] == rank:
        return now + 1
    for bank in range(first, first + per_rank):
        if banks[bank, OPEN_ROW] >= 0:
            issue(PRE, bank, 0, now, rules, ready, banks, ranks, tally)
            close(bank, queues.waiting, queues.demand)
    record(now, PREA, queues.channel, first, NOTHING, queues.trace, queues.traced)
    control[PREAS] += 1
    control[PREA_BANKS] += open_banks
    return now + 1


@inlined_jit
def serve(
    now: int, command: int, kind: int, request: int, queues: Queues, channel: Channel
) -> None:
    """Issue a command of a request in queue ``kind``.

    RD and WR remove the request from its queue. ACT moves it to the queue of opened requests.
    """
    requests = queues.requests
    rules, shape, ready, banks, ranks, tally = channel
    bank, row = requests[request, BANK] & INDEX, requests[request, ROW]
    issue(command, bank, row, now, rules, ready, banks, ranks, tally)
    of_row = NOTHING if command == PRE else row
    record(now, command, queues.channel, bank, of_row, queues.trace, queues.traced)
    if command == PRE:
        close(bank, queues.waiting, queues.demand)
        banks[bank, MADE_WAY] = 1
        requests[request, MADE] += 1
        return
    dequeue(kind, request, command != ACT, queues)
    if command == ACT:
        reopen(bank, row, requests, queues.waiting, queues.demand)
        requests[request, OUTCOME] = CONFLICTS if banks[bank, MADE_WAY] else MISSES
        enqueue(OPENED, request, True, queues)
        return
    requests[request, ISSUED] = now
    requests[request, DONE] = now + (shape[WRITE_DATA] if command == WR else shape[READ_DATA])
    tally[requests[request, OUTCOME] & INDEX] += 1


@inlined_jit
def tick(now: int, queues: Queues, channel: Channel) -> int:
    """One clock of a channel.

    Sets the clock at which the channel must be checked again. Returns the request that got its RD
    or WR, or NOTHING.
    """
    policy, requests = queues.policy, queues.requests
    waiting, control = queues.waiting, queues.control
    while control[DUE] <= now:
        control[OWED] += channel.shape[RANKS]
        control[DUE] += channel.shape[REFI]
    wake = control[DUE]
    finished, taken, rests = NOTHING, NOTHING, NEVER
    for bus in range(policy[BUSES]):
        carried = (
            ANY_COMMAND if policy[BUSES] == 1 else COLUMN_COMMANDS if bus == 0 else ROW_COMMANDS
        )
        kind, request, command = OPENED, NOTHING, NOTHING
        if carried != ROW_COMMANDS:
            request, clock = pick_opened(now, queues, channel)
            wake = min(wake, clock)
            if request != NOTHING:
                command = WR if requests[request, IS_WRITE] else RD
        if request == NOTHING and control[OWED] > 0:
            if carried != COLUMN_COMMANDS:
                wake = min(wake, maintain(now, taken, queues, channel))
            continue
        if request == NOTHING and not (policy[SCHEDULER] == FCFS and waiting[OPENED, NUMBER] > 0):
            control[DRAINING] = drains(
                control[DRAINING] == 1, waiting[READS, NUMBER], waiting[WRITES, NUMBER], policy
            )
            kind = WRITES if control[DRAINING] else READS
            request, command, clock = pick_queued(now, carried, taken, kind, queues, channel)
            wake = min(wake, clock)
        if request != NOTHING:
            request &= INDEX
            serve(now, command, kind, request, queues, channel)
            taken = requests[request, BANK] & INDEX
            if command in (RD, WR):
                finished = request
            if kind == OPENED:
                rests = now + 1
            else:
                rests = min(rests, rests_until(now, command, kind, taken, queues, channel))
    control[WAKE] = max(now + 1, min(wake, rests))
    return finished


@jit
def run(controller: Controller, dram: Dram) -> int:
    """Serve all requests, then run refreshes up to the clock of the last data, which is
    returned.
    """
    requests, control = controller.requests, controller.control
    requests[:, ISSUED] = -1
    requests[:, OUTCOME] = HITS
    # Clocks at which reads in service end, in the order of their RDs, which is that of their ends.
    ends = np.full(len(requests) + 1, NEVER, np.int64)
    first_end, end_count, outstanding = 0, 0, 0
    channels = int(dram.shape[CHANNELS])
    upcoming, following = channel_order(requests, channels)
    turns = np.arange(channels)
    sort_turns(turns, upcoming)
    left, last, now = len(requests), 0, 0
    while left > 0 or now <= last:
        wake = NEVER
        for number in range(channels):
            if control[number, WAKE] <= now:
                finished = tick(now, queues_of(controller, number), channel_of(dram, number))
                if finished != NOTHING:
                    left -= 1
                    last = max(last, requests[finished, DONE])
                    if not requests[finished, IS_WRITE]:
                        ends[end_count] = requests[finished, DONE]
                        end_count += 1
            wake = min(wake, control[number, WAKE])
        while ends[first_end] <= now:
            first_end += 1
            outstanding -= 1
        taken = False
        for turn in range(channels):
            number = turns[turn]
            request = upcoming[number]
            if request == NEVER:
                break
            is_read = requests[request, IS_WRITE] == 0
            if requests[request, ARRIVES] > now:
                wake = min(wake, requests[request, ARRIVES])
            elif is_read and outstanding >= controller.policy[OUTSTANDING]:
                wake = min(wake, ends[first_end])
            elif hand_over(
                now, request, True, queues_of(controller, number), channel_of(dram, number)
            ):
                if requests[request, DONE] != 0:
                    # A read answered at once by a waiting write, or a write merged into one.
                    left -= 1
                    last = max(last, requests[request, DONE])
                else:
                    outstanding += is_read
                upcoming[number] = following[request]
                taken = True
        if taken:
            sort_turns(turns, upcoming)
            wake = now + 1
        now = max(now + 1, wake)
    settle_joined(requests)
    return last
