"""Hand-over of a request to the controller of its channel."""

from __future__ import annotations

from accelsim.kernels.dram.demand import earliest_at
from accelsim.kernels.dram.queues import (
    ACCEPT,
    BANK,
    BURST,
    DONE,
    DRAINING,
    FCFS,
    IN_BANK,
    IN_OPEN_ROWS,
    IS_WRITE,
    NOTHING,
    NUMBER,
    OLDEST,
    OPENED,
    OWED,
    READ_SLOTS,
    READS,
    ROW,
    SCHEDULER,
    WAKE,
    WRITE_SLOTS,
    WRITES,
    Queues,
)
from accelsim.kernels.dram.scheduling import drains
from accelsim.kernels.dram.state import INDEX, OPEN_ROW, Channel, Ints
from accelsim.kernels.dram.waiting import enqueue
from accelsim.kernels.jit import inlined_jit, lean_jit


@lean_jit
def waiting_write(burst: int, bank: int, requests: Ints, demand: Ints) -> int:
    """The write of a burst that waits in a channel, or NOTHING.

    It answers reads of that burst, and further writes of the burst merge into it.
    """
    for kind in (WRITES, OPENED):
        request = demand[kind, bank, OLDEST]
        while request != NOTHING:
            request &= INDEX
            if requests[request, BURST] == burst and requests[request, IS_WRITE]:
                return request  # type: ignore[no-any-return]
            request = requests[request, IN_BANK + 1]
    return NOTHING


@inlined_jit
def awaken(
    now: int, kind: int, bank: int, finds_open: bool, queues: Queues, channel: Channel
) -> None:
    """Bring forward the clock at which the channel is checked again, if a request that joined queue
    ``kind`` may be served earlier, or lets the controller turn from reads to writes or back.
    ``finds_open``: whether its row is open.
    """
    control, waiting, policy = queues.control, queues.waiting, queues.policy
    # While a refresh is owed, no waiting request gets a command.
    if control[WAKE] <= now + 1 or control[OWED] > 0:
        return
    draining = control[DRAINING] == 1
    if policy[SCHEDULER] == FCFS or draining != drains(
        draining, waiting[READS, NUMBER], waiting[WRITES, NUMBER], policy
    ):
        control[WAKE] = now + 1
    elif draining == (kind == WRITES) and not (
        # Then an older request waits for the same command.
        finds_open and queues.demand[kind, bank, IN_OPEN_ROWS] > 1
    ):
        clock = earliest_at(kind, bank, queues, channel)
        control[WAKE] = min(control[WAKE], max(now + 1, clock))


@inlined_jit
def hand_over(now: int, request: int, joins: bool, queues: Queues, channel: Channel) -> bool:
    """Hand a request to its channel. Returns False if its queue is full.

    If a write of its burst waits, the request needs no slot. A read is then answered in the next
    clock. A write merges into the waiting one: its DONE is -1 - (that write's index) until the
    caller knows the clock. ``joins``: whether a write of its burst may wait.
    """
    requests, policy = queues.requests, queues.policy
    kind, bank = WRITES if requests[request, IS_WRITE] else READS, requests[request, BANK] & INDEX
    write = NOTHING
    if joins:
        burst = requests[request, BURST]
        write = waiting_write(burst, bank, requests, queues.demand)
    if write != NOTHING:
        requests[request, DONE] = -1 - write if kind == WRITES else now + 1
    elif queues.waiting[kind, NUMBER] < policy[WRITE_SLOTS if kind == WRITES else READ_SLOTS]:
        finds_open = channel.banks[bank, OPEN_ROW] == requests[request, ROW]
        enqueue(kind, request, finds_open, queues)
        awaken(now, kind, bank, finds_open, queues, channel)
    else:
        return False
    requests[request, ACCEPT] = now
    return True
