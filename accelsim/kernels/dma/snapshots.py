"""State of a channel relative to its clock, its addresses and the order of its banks, as a vector,
and back.

Two states with equal vectors go on alike: the same commands at the same distances, for bursts that
lie equally far ahead. A stretch of a channel's run that begins in a known state need not be run
again (`kernels.dma.stretches`). Addresses are relative to the next burst of the first transfer:

- Bursts of a channel are numbered without the bursts of other channels. A block is as many of them
  as share their rows: a row in each of the banks that take turns burst by burst (a set).
- Blocks pass through all sets of banks, then through the rows. Banks are listed from the set of the
  next burst on, so a state and its copy one block later have equal vectors.
- Clocks that have passed are equal to the present one, since they no longer restrict anything.
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dma.arrays import (
    BURST,
    COUNT,
    FIRST,
    FREE_AT,
    IS_STORE,
    LAST_ORDER,
    LAST_SERIAL,
    MEMBERS,
    OF_ANSWERS,
    OFFERED,
    OPEN,
    ORDER,
    PORT,
    SERIAL,
    SPARE,
    TRANSFER,
    TURN,
)
from accelsim.kernels.dma.system import BELOW, BLOCK, Layout, System
from accelsim.kernels.dram.addresses import decode
from accelsim.kernels.dram.queues import (
    ACCEPT,
    BANK,
    CHANNEL,
    DRAINING,
    DUE,
    IS_WRITE,
    ISSUED,
    MADE,
    NOTHING,
    OUTCOME,
    OWED,
    ROW,
    WAKE,
)
from accelsim.kernels.dram.queues import BURST as NUMBER
from accelsim.kernels.dram.state import (
    CHANNELS,
    COMMANDS,
    FAW,
    GROUP_NODE,
    MADE_WAY,
    OPEN_BANKS,
    OPEN_ROW,
    RANK,
    RING_SLOT,
    Ints,
)
from accelsim.kernels.jit import jit

CLOSED = 1 << 60
"""Relative block of a closed bank."""
MOST_MEMBERS = 8
"""Transfers of a channel that a vector can describe."""
_FAR, _MOST_MADE, _AGES = 1 << 12, 1 << 8, 1 << 10
"""Bounds of a burst's distance from the next burst of its transfer, of PREs made for it, and of
its age.
"""


@jit
def number_of(burst: int, channels: int, layout: Layout) -> int:
    """Number of a burst among those of its channel."""
    below = layout.geometry[BELOW]
    return burst // (below * channels) * below + burst % below  # type: ignore[no-any-return]


@jit
def burst_of(number: int, channel: int, channels: int, layout: Layout) -> int:
    """The burst with a number among those of a channel."""
    below = layout.geometry[BELOW]
    return (number // below * channels + channel) * below + number % below  # type: ignore[no-any-return]


@jit
def can_describe(now: int, channel: int, system: System) -> bool:
    """Whether a vector can describe a channel: it has transfers with bursts to offer, no waiting
    write answers a read, and it does not wait for a refresh.
    """
    dma, control = system.dma, system.controller.control[channel]
    count = dma.engines[channel, MEMBERS]
    if not 0 < count <= MOST_MEMBERS or control[WAKE] >= control[DUE] or control[DUE] <= now:
        return False
    return dma.rings[channel, OF_ANSWERS, COUNT] == 0  # type: ignore[no-any-return]


@jit
def packed(request: int, age: int, channel: int, system: System, layout: Layout) -> int:
    """A request as one number: its transfer, the distance to that transfer's next burst, its age
    and what was done for it. -1 if the transfer has no further burst, or the number has no room.
    """
    controller, dma = system.controller, system.dma
    served, transfer = controller.served[request], dma.carried[request, TRANSFER]
    channels = system.dram.shape[CHANNELS]
    for place in range(dma.engines[channel, MEMBERS]):
        if dma.members[channel, place] == transfer:
            ahead = number_of(dma.cursors[channel, transfer, BURST], channels, layout)
            behind = ahead - number_of(controller.requests[request, NUMBER], channels, layout)
            if not 0 < behind < _FAR or served[MADE] >= _MOST_MADE or age >= _AGES:
                return -1
            done = served[OUTCOME] * _MOST_MADE + served[MADE]
            return ((place * _FAR + behind) * _AGES + age) * 8 * _MOST_MADE + done  # type: ignore[no-any-return]
    return -1


@jit
def age_of(request: int, channel: int, system: System) -> int:
    """Requests in a channel's queues that were handed over before a request."""
    controller = system.controller
    age = 0
    for kind in range(3):
        for place in range(controller.sizes[channel, kind]):
            other = controller.waiting[channel, kind, place]
            age += controller.served[other, ACCEPT] < controller.served[request, ACCEPT]
    return age


@jit
def describe_queues(now: int, channel: int, system: System, layout: Layout, vector: Ints) -> int:
    """Write transfers, port, queues and ends into the vector. Returns its length so far, or 0 if
    it cannot describe them.
    """
    controller, dma = system.controller, system.dma
    engine, control, members = (
        dma.engines[channel],
        controller.control[channel],
        dma.members[channel],
    )
    count, channels = engine[MEMBERS], system.dram.shape[CHANNELS]
    block = layout.geometry[BLOCK]
    first = number_of(dma.cursors[channel, members[0], BURST], channels, layout)
    last = -1
    at = 7
    for place in range(count):
        transfer = members[place]
        row = dma.transfers[transfer]
        if row[SERIAL] == engine[LAST_SERIAL] and row[ORDER] == engine[LAST_ORDER]:
            last = place
        number = number_of(dma.cursors[channel, transfer, BURST], channels, layout)
        vector[at] = number // block - first // block
        vector[at + 1] = 2 * (number % block) + row[IS_STORE]
        at += 2
    port = engine[PORT]
    vector[0], vector[1], vector[2] = count, engine[TURN], last
    vector[3] = -1 if port == NOTHING else packed(port, 0, channel, system, layout)
    if port != NOTHING and vector[3] < 0:
        return 0
    vector[4] = max(0, engine[FREE_AT] - now)
    vector[5] = max(0, control[WAKE] - now)
    vector[6] = 2 * control[OWED] + control[DRAINING]
    for kind in range(3):
        vector[at] = controller.sizes[channel, kind]
        at += 1
        for place in range(controller.sizes[channel, kind]):
            request = controller.waiting[channel, kind, place]
            age = age_of(request, channel, system)
            vector[at] = packed(request, age, channel, system, layout)
            if vector[at] < 0:
                return 0
            at += 1
    for ring in range(OF_ANSWERS):
        ends, span = dma.ends[channel, ring], dma.rings[channel, ring]
        vector[at] = span[COUNT]
        at += 1
        for place in range(span[COUNT]):
            vector[at] = ends[(span[FIRST] + place) % len(ends)] - now
            at += 1
    return at


@jit
def describe_banks(
    now: int, channel: int, at: int, first: int, system: System, layout: Layout, vector: Ints
) -> int:
    """Write banks, groups and ranks into the vector from ``at`` on, banks from that of block
    ``first`` on. Returns the vector's length.
    """
    dram = system.dram
    banks, ready, ranks = dram.banks[channel], dram.ready[channel], dram.ranks[channel]
    sets, width = layout.order.shape
    labels = np.full(len(ready), -1, np.int64)
    nodes = np.empty(len(ready), np.int64)
    groups = 0
    for index in range(sets * width):
        bank = layout.order[(first + index // width) % sets, index % width]
        group = banks[bank, GROUP_NODE]
        if labels[group] < 0:
            labels[group], nodes[groups] = groups, group
            groups += 1
        row = banks[bank, OPEN_ROW]
        vector[at] = CLOSED if row < 0 else row * sets + layout.sets[bank] - first
        vector[at + 1] = (labels[group] * len(ranks) + banks[bank, RANK]) * 2 + banks[
            bank, MADE_WAY
        ]
        for command in range(COMMANDS):
            vector[at + 2 + command] = max(0, ready[bank, command] - now)
        at += 2 + COMMANDS
    for group in range(groups):
        for command in range(COMMANDS):
            vector[at + command] = max(0, ready[nodes[group], command] - now)
        at += COMMANDS
    for rank in range(len(ranks)):
        node = len(ready) - len(ranks) + rank
        for command in range(COMMANDS):
            vector[at + command] = max(0, ready[node, command] - now)
        at += COMMANDS
        for place in range(4):
            clock = ranks[rank, (ranks[rank, RING_SLOT] + place) % 4]
            vector[at + place] = max(0, clock + dram.shape[FAW] - now)
        at += 4
    return at


@jit
def describe(now: int, channel: int, system: System, layout: Layout, vector: Ints) -> int:
    """Write the state of a channel before clock ``now`` into a vector, and return its length, or 0
    if a vector cannot describe it.
    """
    if not can_describe(now, channel, system):
        return 0
    at = describe_queues(now, channel, system, layout, vector)
    if at == 0:
        return 0
    dma, channels = system.dma, system.dram.shape[CHANNELS]
    burst = dma.cursors[channel, dma.members[channel, 0], BURST]
    first = number_of(burst, channels, layout) // layout.geometry[BLOCK]
    return describe_banks(now, channel, at, first, system, layout, vector)


@jit
def restored(number: int, now: int, channel: int, system: System, layout: Layout) -> int:
    """A request in flight, from its packed number. Takes a free one."""
    controller, dma = system.controller, system.dma
    engine, channels = dma.engines[channel], system.dram.shape[CHANNELS]
    done, number = number % (8 * _MOST_MADE), number // (8 * _MOST_MADE)
    age, number = number % _AGES, number // _AGES
    behind, place = number % _FAR, number // _FAR
    transfer = dma.members[channel, place]
    ahead = number_of(dma.cursors[channel, transfer, BURST], channels, layout)
    burst = burst_of(ahead - behind, channel, channels, layout)
    engine[SPARE] -= 1
    request = dma.spare[channel, engine[SPARE]]
    _, bank, row = decode(burst, system.dram.shape)
    requests, served = controller.requests[request], controller.served[request]
    requests[NUMBER], requests[IS_WRITE] = burst, dma.transfers[transfer, IS_STORE]
    requests[CHANNEL], requests[BANK], requests[ROW] = channel, bank, row
    served[:] = 0
    served[ISSUED], served[OUTCOME], served[MADE] = NOTHING, done // _MOST_MADE, done % _MOST_MADE
    served[ACCEPT] = now - _AGES + age
    dma.carried[request, TRANSFER], dma.carried[request, OFFERED] = transfer, now
    return request  # type: ignore[no-any-return]


@jit
def restore_queues(now: int, channel: int, system: System, layout: Layout, vector: Ints) -> int:
    """Set port, queues and ends from a vector. The transfers' next bursts are already set. Returns
    the number of fields read.
    """
    controller, dma = system.controller, system.dma
    engine, control, members = (
        dma.engines[channel],
        controller.control[channel],
        dma.members[channel],
    )
    engine[SPARE] = dma.spare.shape[1]
    for place in range(engine[SPARE]):
        dma.spare[channel, place] = channel * engine[SPARE] + place
    engine[TURN] = vector[1]
    if vector[2] >= 0:
        row = dma.transfers[members[vector[2]]]
        engine[LAST_SERIAL], engine[LAST_ORDER] = row[SERIAL], row[ORDER]
    engine[PORT] = NOTHING
    engine[OPEN] = 0
    if vector[3] >= 0:
        engine[PORT] = restored(vector[3], now, channel, system, layout)
        engine[OPEN] = 1
    engine[FREE_AT] = now + vector[4]
    control[WAKE] = now + vector[5]
    control[OWED], control[DRAINING] = vector[6] // 2, vector[6] % 2
    at = 7 + 2 * vector[0]
    for kind in range(3):
        size = vector[at]
        controller.sizes[channel, kind] = size
        for place in range(size):
            request = restored(vector[at + 1 + place], now, channel, system, layout)
            controller.waiting[channel, kind, place] = request
        engine[OPEN] += size
        at += 1 + size
    for ring in range(OF_ANSWERS):
        span, size = dma.rings[channel, ring], vector[at]
        span[FIRST], span[COUNT] = 0, size
        for place in range(size):
            dma.ends[channel, ring, place] = now + vector[at + 1 + place]
        engine[OPEN] += size
        at += 1 + size
    return at  # type: ignore[no-any-return]


@jit
def restore(now: int, channel: int, system: System, layout: Layout, vector: Ints) -> None:
    """Set the state of a channel before clock ``now`` from a vector. The transfers' next bursts,
    and all counts, are set by the caller.
    """
    at = restore_queues(now, channel, system, layout, vector)
    dram, dma = system.dram, system.dma
    banks, ready, ranks = dram.banks[channel], dram.ready[channel], dram.ranks[channel]
    sets, width = layout.order.shape
    burst = dma.cursors[channel, dma.members[channel, 0], BURST]
    first = number_of(burst, dram.shape[CHANNELS], layout) // layout.geometry[BLOCK]
    seen = np.zeros(len(ready), np.bool_)
    nodes = np.empty(len(ready), np.int64)
    groups = 0
    ranks[:, OPEN_BANKS] = 0
    for index in range(sets * width):
        bank = layout.order[(first + index // width) % sets, index % width]
        group = banks[bank, GROUP_NODE]
        if not seen[group]:
            seen[group], nodes[groups] = True, group
            groups += 1
        banks[bank, OPEN_ROW] = -1
        if vector[at] != CLOSED:
            banks[bank, OPEN_ROW] = (vector[at] + first) // sets
            ranks[banks[bank, RANK], OPEN_BANKS] += 1
        banks[bank, MADE_WAY] = vector[at + 1] % 2
        for command in range(COMMANDS):
            ready[bank, command] = now + vector[at + 2 + command]
        at += 2 + COMMANDS
    for group in range(groups):
        for command in range(COMMANDS):
            ready[nodes[group], command] = now + vector[at + command]
        at += COMMANDS
    for rank in range(len(ranks)):
        node = len(ready) - len(ranks) + rank
        for command in range(COMMANDS):
            ready[node, command] = now + vector[at + command]
        at += COMMANDS
        for place in range(4):
            slot = (ranks[rank, RING_SLOT] + place) % 4
            ranks[rank, slot] = now + vector[at + place] - dram.shape[FAW]
        at += 4
