"""The channels of a machine's DRAM, run from clock to clock: offers of the DMA, the controller, and
the ends of bursts.

In every clock a channel first issues commands (`controller.tick`). Then its engine offers a burst,
if its port is free, and the controller takes the burst at the port if it has room for it. That is
the hand-over of `accelsim dram`, with the clock of the offer as the request's cycle. Clocks in
which nothing can happen are skipped.

These kernels run for every burst, so they are inlined into `run_channel`.
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
    MEMBERS,
    OF_ANSWERS,
    OF_READS,
    OF_WRITES,
    OPEN,
    ORDER,
    OUTSTANDING,
    PORT,
    PRES,
    RECORDED,
    SERIAL,
    SPACING,
    SPARE,
    UNFINISHED,
    UNTIL,
    Dma,
    Engine,
    engine_of,
)
from accelsim.kernels.dma.arrays import BANK as NEXT_BANK
from accelsim.kernels.dma.arrays import BURST as NEXT_BURST
from accelsim.kernels.dma.arrays import ROW as NEXT_ROW
from accelsim.kernels.dma.system import System
from accelsim.kernels.dma.transfers import pass_turn, turn
from accelsim.kernels.dram.controller import tick
from accelsim.kernels.dram.hand_over import hand_over
from accelsim.kernels.dram.queues import (
    ACCEPT,
    ARRIVES,
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
    NUMBER,
    OUTCOME,
    OWED,
    ROW,
    TRANSFER,
    WAKE,
    Queues,
    queues_of,
)
from accelsim.kernels.dram.state import (
    HITS,
    INDEX,
    OPEN_ROW,
    RANKS,
    REF,
    REFI,
    Channel,
    Ints,
    channel_of,
)
from accelsim.kernels.jit import inlined_jit, lean_jit


@lean_jit
def retire(now: int, engine: Engine) -> int:
    """Take the bursts that have ended out of the rings. Returns the clock of the next end.

    It is called only when the engine may offer no more, and the clocks wait until then.
    """
    ends, rings, earliest = engine.ends, engine.rings, NEVER
    size = ends.shape[1]
    for ring in range(3):
        first, count = rings[ring, FIRST], rings[ring, COUNT]
        while count > 0 and ends[ring, first] <= now:
            first = first + 1 if first + 1 < size else 0
            count -= 1
        engine.state[OPEN] -= rings[ring, COUNT] - count
        rings[ring, FIRST], rings[ring, COUNT] = first, count
        if count > 0:
            earliest = min(earliest, ends[ring, first])
    return earliest


@lean_jit
def log_burst(request: int, transfer: int, done: int, queues: Queues, engine: Engine) -> None:
    """Log a burst that ends at clock ``done``."""
    row = engine.transfers[transfer]
    entry = engine.log[engine.logged[0]]
    engine.logged[0] += 1
    entry[LOG_OFFERED] = queues.requests[request, ARRIVES]
    entry[LOG_SERIAL], entry[LOG_ORDER] = row[SERIAL], row[ORDER]
    entry[LOG_BURST], entry[LOG_WRITE] = queues.requests[request, BURST], row[IS_STORE]
    entry[LOG_CHANNEL], entry[LOG_DONE] = queues.channel, done
    entry[LOG_ACCEPTED] = queues.requests[request, ACCEPT]


@inlined_jit
def settle(request: int, done: int, ring: int, queues: Queues, engine: Engine) -> None:
    """Note that a burst ends at clock ``done``, and free its request."""
    requests, cursors, transfers = queues.requests, engine.cursors, engine.transfers
    transfer, state = requests[request, TRANSFER] & INDEX, engine.state
    place, size = engine.rings[ring, FIRST] + engine.rings[ring, COUNT], engine.ends.shape[1]
    place &= INDEX
    engine.ends[ring, place if place < size else place - size] = done
    engine.rings[ring, COUNT] += 1
    if requests[request, ISSUED] >= 0:
        cursors[transfer, COLUMNS] += 1
        cursors[transfer, ACTS] += requests[request, OUTCOME] != HITS
    cursors[transfer, PRES] += requests[request, MADE]
    cursors[transfer, UNFINISHED] -= 1
    transfers[transfer, LEFT] -= 1
    transfers[transfer, UNTIL] = max(transfers[transfer, UNTIL], done)
    if transfers[transfer, LEFT] == 0:
        engine.finished[0] += 1
        engine.finished[engine.finished[0]] = transfer
    engine.spare[state[SPARE] & INDEX] = request
    state[SPARE] += 1
    if engine.settings[RECORDED]:
        log_burst(request, transfer, done, queues, engine)


@lean_jit
def settle_joined(write: int, done: int, queues: Queues, engine: Engine) -> None:
    """Settle the writes that joined a write, which ends at clock ``done``."""
    requests, entries = queues.requests, engine.ends.shape[1]
    for other in range(queues.channel * entries, (queues.channel + 1) * entries):
        if requests[other, DONE] == -1 - write:
            requests[other, DONE] = done
            settle(other, done, OF_WRITES, queues, engine)


@lean_jit
def settle_answered(request: int, done: int, queues: Queues, engine: Engine) -> None:
    """Settle a read that a waiting write answers at clock ``done``."""
    settle(request, done, OF_ANSWERS, queues, engine)


@inlined_jit
def finish(request: int, queues: Queues, engine: Engine) -> None:
    """Settle a request that got its RD or WR, and the writes that joined it."""
    requests = queues.requests
    done, write = requests[request, DONE], requests[request, IS_WRITE]
    settle(request, done, OF_WRITES if write else OF_READS, queues, engine)
    if write and engine.transfers[requests[request, TRANSFER] & INDEX, ALIASED]:
        settle_joined(request, done, queues, engine)


@inlined_jit
def offer(now: int, shape: Ints, queues: Queues, engine: Engine) -> int:
    """Put the next burst at the port of a channel. Returns its request."""
    state, cursors, requests = engine.state, engine.cursors, queues.requests
    transfer = turn(engine)
    state[SPARE] -= 1
    request = engine.spare[state[SPARE] & INDEX] & INDEX
    requests[request, ARRIVES] = now
    requests[request, BURST] = cursors[transfer, NEXT_BURST]
    requests[request, IS_WRITE] = engine.transfers[transfer, IS_STORE]
    requests[request, CHANNEL] = queues.channel
    requests[request, BANK] = cursors[transfer, NEXT_BANK]
    requests[request, ROW] = cursors[transfer, NEXT_ROW]
    requests[request, DONE], requests[request, ISSUED] = 0, NOTHING
    requests[request, OUTCOME], requests[request, MADE] = HITS, 0
    requests[request, TRANSFER] = transfer
    state[OPEN] += 1
    pass_turn(queues.channel, transfer, shape, engine)
    return request  # type: ignore[no-any-return]


@inlined_jit
def accept(now: int, request: int, queues: Queues, channel: Channel, engine: Engine) -> bool:
    """Hand the burst at the port to the controller. Returns False if it has no room."""
    joins = engine.transfers[queues.requests[request, TRANSFER] & INDEX, ALIASED] == 1
    if not hand_over(now, request, joins, queues, channel):
        return False
    done = queues.requests[request, DONE]
    if done > 0:
        settle_answered(request, done, queues, engine)
    return True


@inlined_jit
def full(dma: Dma | Engine) -> bool:
    """Whether bursts are logged, and the log may not hold those of one more clock."""
    settings = dma.settings
    return settings[RECORDED] != 0 and dma.logged[0] + settings[OUTSTANDING] > len(dma.log)  # type: ignore[no-any-return]


@lean_jit
def skip_refreshes(end: int, queues: Queues, channel: Channel) -> None:
    """Count the refreshes due until shortly before clock ``end``, if the channel is idle and all
    banks are closed, instead of stepping through them.

    Only the last one affects the state, since tREFI exceeds the longest refresh (`dram.standard`
    checks it), and that one is left to `tick`.
    """
    control, interval = queues.control, channel.shape[REFI]
    if control[OWED] > 0 or queues.waiting[:, NUMBER].sum() > 0:
        return
    for bank in range(len(channel.banks)):
        if channel.banks[bank, OPEN_ROW] >= 0:
            return
    skipped = (end - control[DUE]) // interval - 1
    if skipped > 0:
        channel.tally[REF] += skipped * channel.shape[RANKS]
        control[DUE] += skipped * interval
        control[WAKE] = control[DUE]


@lean_jit
def run_channel(channel: int, until: int, system: System) -> None:
    """Run a channel through the clocks before ``until``, or through the first clock in which the
    end of a transfer becomes known, or in which the log has no room for another clock.
    """
    queues, state = queues_of(system.controller, channel), channel_of(system.dram, channel)
    engine = engine_of(system.dma, channel)
    control, port = queues.control, engine.state
    now, limit = port[CLOCK], engine.settings[OUTSTANDING]
    offered, free_at = port[PORT], port[FREE_AT]
    while now < until and engine.finished[0] == 0:
        if full(engine):
            break
        if control[DUE] <= now and offered == NOTHING:
            end = until if port[MEMBERS] == 0 else min(until, free_at)
            skip_refreshes(end, queues, state)
        if control[WAKE] <= now:
            request = tick(now, queues, state)
            if request != NOTHING:
                finish(request & INDEX, queues, engine)
        wake = NEVER
        if offered == NOTHING and port[MEMBERS] > 0:
            if free_at <= now and port[OPEN] >= limit:
                wake = retire(now, engine)
            if free_at > now:
                wake = free_at
            elif port[OPEN] < limit:
                offered = offer(now, state.shape, queues, engine)
        if offered != NOTHING and accept(now, offered & INDEX, queues, state, engine):
            offered, free_at, wake = NOTHING, now + 1, now + 1
        # The end of a transfer, now known, may be before the clock at which a command is due.
        now = now + 1 if engine.finished[0] > 0 else max(now + 1, min(wake, control[WAKE]))
    port[PORT], port[FREE_AT], port[CLOCK] = offered, free_at, min(now, until)


@lean_jit
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


@lean_jit
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
