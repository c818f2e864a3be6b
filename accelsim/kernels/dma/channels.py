"""The channels of a machine's DRAM, run from clock to clock: offers of the DMA, the controller, and
the ends of bursts.

In every clock a channel first issues commands (`controller.tick`). Then its engine offers a burst,
if its port is free, and the controller takes the burst at the port if it has room for it. That is
the hand-over of `accelsim dram`, with the clock of the offer as the request's cycle.
"""

from __future__ import annotations

from accelsim.kernels.dma.arrays import (
    ACTS,
    ALIASED,
    CLOCK,
    COLUMNS,
    COUNT,
    FIRST,
    FREE_AT,
    IS_STORE,
    LATENCY,
    LEFT,
    LOG_ACCEPTED,
    LOG_BURST,
    LOG_CHANNEL,
    LOG_DONE,
    LOG_OFFERED,
    LOG_ORDER,
    LOG_SERIAL,
    LOG_WRITE,
    MARKED,
    MEMBERS,
    OF_ANSWERS,
    OF_READS,
    OF_WRITES,
    OFFERED,
    OPEN,
    ORDER,
    OUTSTANDING,
    PORT,
    PRES,
    RECORDED,
    SERIAL,
    SPACING,
    SPARE,
    TRANSFER,
    UNFINISHED,
    UNTIL,
    Dma,
)
from accelsim.kernels.dma.arrays import BURST as NEXT_BURST
from accelsim.kernels.dma.snapshots import number_of
from accelsim.kernels.dma.stretches import MARK, pass_mark
from accelsim.kernels.dma.system import System
from accelsim.kernels.dma.transfers import take_turn
from accelsim.kernels.dram.addresses import decode
from accelsim.kernels.dram.controller import tick
from accelsim.kernels.dram.queues import (
    ACCEPT,
    BANK,
    BURST,
    CHANNEL,
    DONE,
    DUE,
    IS_WRITE,
    ISSUED,
    MADE,
    NEVER,
    NOTHING,
    OUTCOME,
    OWED,
    ROW,
    WAKE,
    Controller,
    Queues,
    hand_over,
    queues_of,
)
from accelsim.kernels.dram.state import (
    CHANNELS,
    HITS,
    OPEN_ROW,
    RANKS,
    REF,
    REFI,
    Channel,
    channel_of,
)
from accelsim.kernels.jit import jit


@jit
def retire(now: int, channel: int, dma: Dma) -> int:
    """Take the bursts that have ended out of the rings. Returns the clock of the next end."""
    engine, earliest = dma.engines[channel], NEVER
    for ring in range(3):
        ends, at = dma.ends[channel, ring], dma.rings[channel, ring]
        while at[COUNT] > 0 and ends[at[FIRST]] <= now:
            at[FIRST] = (at[FIRST] + 1) % len(ends)
            at[COUNT] -= 1
            engine[OPEN] -= 1
        if at[COUNT] > 0:
            earliest = min(earliest, ends[at[FIRST]])
    return earliest


@jit
def settle(
    request: int, done: int, ring: int, channel: int, controller: Controller, dma: Dma
) -> None:
    """Note that a burst ends at clock ``done``, and free its request."""
    served, transfer = controller.served[request], dma.carried[request, TRANSFER]
    row, engine = dma.transfers[transfer], dma.engines[channel]
    cursor = dma.cursors[channel, transfer]
    ends, at = dma.ends[channel, ring], dma.rings[channel, ring]
    ends[(at[FIRST] + at[COUNT]) % len(ends)] = done
    at[COUNT] += 1
    if served[ISSUED] >= 0:
        cursor[COLUMNS] += 1
        cursor[ACTS] += served[OUTCOME] != HITS
    cursor[PRES] += served[MADE]
    row[LEFT] -= 1
    row[UNTIL] = max(row[UNTIL], done)
    cursor[UNFINISHED] -= 1
    if row[LEFT] == 0:
        dma.finished[0] += 1
        dma.finished[dma.finished[0]] = transfer
    dma.spare[channel, engine[SPARE]] = request
    engine[SPARE] += 1
    if dma.settings[RECORDED]:
        entry = dma.log[dma.logged[0]]
        dma.logged[0] += 1
        entry[LOG_OFFERED] = dma.carried[request, OFFERED]
        entry[LOG_SERIAL], entry[LOG_ORDER] = row[SERIAL], row[ORDER]
        entry[LOG_BURST], entry[LOG_WRITE] = controller.requests[request, BURST], row[IS_STORE]
        entry[LOG_CHANNEL], entry[LOG_ACCEPTED], entry[LOG_DONE] = channel, served[ACCEPT], done


@jit
def finish(request: int, channel: int, controller: Controller, dma: Dma) -> None:
    """Settle a request that got its RD or WR, and the writes that joined it."""
    served, write = controller.served, controller.requests[request, IS_WRITE] == 1
    done = served[request, DONE]
    settle(request, done, OF_WRITES if write else OF_READS, channel, controller, dma)
    if write and dma.transfers[dma.carried[request, TRANSFER], ALIASED]:
        first = channel * dma.ends.shape[2]
        for other in range(first, first + dma.ends.shape[2]):
            if served[other, DONE] == -1 - request:
                served[other, DONE] = done
                settle(other, done, OF_WRITES, channel, controller, dma)


@jit
def offer(now: int, channel: int, system: System) -> None:
    """Put the next burst at the port of a channel."""
    dram, controller, dma, stretches = system
    engine, requests = dma.engines[channel], controller.requests
    transfer, burst = take_turn(channel, dram.shape, dma)
    if engine[MEMBERS] > 0 and transfer == dma.members[channel, 0]:
        following = dma.cursors[channel, transfer, NEXT_BURST]
        number = number_of(following, dram.shape[CHANNELS], stretches.layout)
        engine[MARKED] = number % MARK == 0
    engine[SPARE] -= 1
    request = dma.spare[channel, engine[SPARE]]
    _, bank, row = decode(burst, dram.shape)
    requests[request, BURST], requests[request, IS_WRITE] = burst, dma.transfers[transfer, IS_STORE]
    requests[request, CHANNEL], requests[request, BANK], requests[request, ROW] = channel, bank, row
    served = controller.served[request]
    served[:] = 0
    served[ISSUED], served[OUTCOME] = NOTHING, HITS
    dma.carried[request, TRANSFER], dma.carried[request, OFFERED] = transfer, now
    engine[PORT] = request
    engine[OPEN] += 1


@jit
def accept(now: int, channel: int, controller: Controller, dma: Dma) -> bool:
    """Hand the burst at the port to the controller. Returns False if it has no room."""
    engine = dma.engines[channel]
    request = engine[PORT]
    if not hand_over(now, request, queues_of(controller, channel)):
        return False
    engine[PORT] = NOTHING
    engine[FREE_AT] = now + 1
    done = controller.served[request, DONE]
    if done > 0:  # a waiting write answers the read
        settle(request, done, OF_ANSWERS, channel, controller, dma)
    elif done == 0:
        controller.control[channel, WAKE] = now + 1
    return True


@jit
def full(dma: Dma) -> bool:
    """Whether bursts are logged, and the log may not hold those of one more clock."""
    if dma.settings[RECORDED] == 0:
        return False
    return dma.logged[0] + dma.settings[OUTSTANDING] > len(dma.log)  # type: ignore[no-any-return]


@jit
def skip_refreshes(end: int, queues: Queues, channel: Channel) -> None:
    """Count the refreshes due until shortly before clock ``end``, if the channel is idle and all
    banks are closed, instead of stepping through them.

    Only the last one affects the state, since tREFI exceeds the longest refresh (`dram.standard`
    checks it), and that one is left to `tick`.
    """
    control, interval = queues.control, channel.shape[REFI]
    if control[OWED] > 0 or queues.sizes.sum() > 0 or (channel.banks[:, OPEN_ROW] >= 0).any():
        return
    skipped = (end - control[DUE]) // interval - 1
    if skipped > 0:
        channel.tally[REF] += skipped * channel.shape[RANKS]
        control[DUE] += skipped * interval
        control[WAKE] = control[DUE]


@jit
def run_channel(channel: int, until: int, system: System) -> None:
    """Run a channel through the clocks before ``until``, or through the first clock in which the
    end of a transfer becomes known, or in which the log has no room for another clock.
    """
    dram, controller, dma, stretches = system
    engine, control = dma.engines[channel], controller.control[channel]
    skips = dma.settings[RECORDED] == 0 and len(stretches.states) > 0
    now, limit = engine[CLOCK], dma.settings[OUTSTANDING]
    queues, state = queues_of(controller, channel), channel_of(dram, channel)
    while now < until and dma.finished[0] == 0:
        if full(dma):
            break
        if control[DUE] <= now and engine[PORT] == NOTHING:
            end = until if engine[MEMBERS] == 0 else min(until, engine[FREE_AT])
            skip_refreshes(end, queues, state)
        if engine[MARKED]:
            engine[MARKED] = 0
            if skips:
                now = pass_mark(now, until, channel, system)
                if now >= until:
                    break
        if control[WAKE] <= now:
            request = tick(now, queues, state)
            if request != NOTHING:
                finish(request, channel, controller, dma)
        next_end = retire(now, channel, dma)
        wake = NEVER
        if engine[PORT] == NOTHING and engine[MEMBERS] > 0:
            if engine[FREE_AT] > now:
                wake = engine[FREE_AT]
            elif engine[OPEN] >= limit:
                wake = next_end
            else:
                offer(now, channel, system)
        if engine[PORT] != NOTHING and accept(now, channel, controller, dma):
            wake = now + 1
        now = max(now + 1, min(wake, control[WAKE]))
    engine[CLOCK] = min(now, until)


@jit
def horizon(reached: int, until: int, dma: Dma) -> int:
    """Clock before which no transfer ends whose end is not yet known, at most ``until``.

    All channels have run up to clock ``reached`` at least.
    """
    spacing, latency = dma.settings[SPACING], dma.settings[LATENCY]
    for transfer in range(len(dma.transfers)):
        row = dma.transfers[transfer]
        if row[SERIAL] == NOTHING or row[LEFT] == 0:
            continue
        clock = reached
        for channel in range(len(dma.engines)):
            now = max(reached, dma.engines[channel, CLOCK])
            left = dma.cursors[channel, transfer, UNFINISHED]
            if row[ALIASED]:  # a waiting write may answer a burst in every clock
                clock = max(clock, now + max(1, left - dma.settings[OUTSTANDING]))
            elif left > 0:
                clock = max(clock, now + (left - 1) * spacing + latency)
        until = min(until, clock)
    return until


@jit
def run_channels(reached: int, until: int, system: System) -> int:
    """Run all channels from clock ``reached`` towards ``until``, as far as the end of no transfer
    can be missed. Returns the clock before which all have run.

    Ends that become known are in ``Dma.finished``; none is before the returned clock. The caller
    takes them, and then calls again.
    """
    dma = system.dma
    channels = len(dma.engines)
    if channels > 1:
        until = horizon(reached, until, dma)
    for channel in range(channels):
        if dma.engines[channel, CLOCK] < until:
            run_channel(channel, until, system)
            if dma.engines[channel, CLOCK] < until:
                return reached if channels > 1 else int(dma.engines[0, CLOCK])
    return until
