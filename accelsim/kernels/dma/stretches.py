"""Stretches of a channel's run that repeat earlier ones: recorded once, then applied.

A mark is the first clock after the first transfer of a channel has offered a burst before a
multiple of `MARK` bursts. A stretch is the run from one mark to the next. It depends only on the
state at its begin (`kernels.dma.snapshots`) and, if a refresh falls due within it, on the distance
of the refresh. So a table holds, for every state seen at a mark, the stretch that follows: its
length, its commands and the state at its end. A channel that comes into a known state takes these,
stretch after stretch, and its arrays are set once at the end.

A stretch is applied only if it ends before the channel must stop, and before any transfer has
offered its last burst of consecutive ones. The result is that of a run clock by clock.
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dma.arrays import (
    ACTS,
    BURST,
    COLUMNS,
    END,
    EPOCH,
    IS_STORE,
    LEFT,
    MEMBERS,
    OUTSTANDING,
    PRES,
    UNFINISHED,
    UNOFFERED,
)
from accelsim.kernels.dma.snapshots import (
    MOST_MEMBERS,
    burst_of,
    describe,
    number_of,
    restore,
)
from accelsim.kernels.dma.system import EMPTY, STATES, STRETCHES, Layout, Stretches, System
from accelsim.kernels.dram.queues import DUE, PREA_BANKS, PREAS
from accelsim.kernels.dram.state import (
    ACTIVE_CLOCKS,
    ACTIVE_SINCE,
    CHANNELS,
    CONFLICTS,
    LAST,
    Ints,
)
from accelsim.kernels.dram.timing import active_clocks
from accelsim.kernels.jit import jit

MARK = 64
"""Bursts of the first transfer between two marks."""
FROM, SINCE, DISTANCE, JOINS, ACTIVE_BEFORE, COUNTED = range(6)
"""Columns of ``begun``: state, or `EMPTY`; clock; clocks to the next refresh; epoch of the
channel's transfers; active clocks; then the counts.
"""
LENGTH, TO, WAITED, LAST_COMMAND, ACTIVE = range(5)
"""Columns of ``stretches``: clocks; state at the end; clocks by which the next refresh has moved;
clock of the last command, relative to the end; active clocks; then the counts, from `COUNTED` on.
"""
TALLIED = CONFLICTS + 1
"""Counts of a channel's tally. Those of refreshes' PREAs, and of each transfer, follow."""
OFFERED, ENDED, OPENED, CLOSED_FOR, MOVED = range(5)
"""Counts of each transfer: bursts offered, bursts whose end became known, ACTs, PREs, RDs or WRs.
The end of a transfer is later than all ends in a stretch, which leaves it a burst to offer.
"""
OF_TRANSFERS = TALLIED + 2
COUNTS = OF_TRANSFERS + 5 * MOST_MEMBERS


@jit
def hashed(values: Ints) -> int:
    """Hash of a vector, at least 0."""
    value = np.uint64(14695981039346656037)
    for number in values:
        value = (value ^ np.uint64(number)) * np.uint64(1099511628211)
        value ^= value >> np.uint64(29)
    return int(value >> np.uint64(2))


@jit
def known(vector: Ints, table: Stretches) -> int:
    """The state with a vector; added if it is new, `EMPTY` if there is no room."""
    length, states, places = len(vector), table.states, table.places
    place = hashed(vector) % len(places)
    while places[place] != EMPTY:
        state = places[place]
        if states[state, 0] == length and (states[state, 1 : 1 + length] == vector).all():
            return state  # type: ignore[no-any-return]
        place = (place + 1) % len(places)
    state = table.sizes[STATES]
    if state == len(states):
        return EMPTY
    table.sizes[STATES] += 1
    places[place] = state
    states[state, 0] = length
    states[state, 1 : 1 + length] = vector
    return state  # type: ignore[no-any-return]


@jit
def near_place(state: int, distance: int, table: Stretches) -> int:
    """Place of (state, distance) in the hash table, or the free place where it belongs."""
    near = table.near
    place = (state * 1000003 + distance * 7919) % len(near)
    while near[place, 2] != EMPTY and (near[place, 0] != state or near[place, 1] != distance):
        place = (place + 1) % len(near)
    return place


@jit
def next_stretch(state: int, distance: int, table: Stretches) -> int:
    """The stretch that follows a state ``distance`` clocks before a refresh, or `EMPTY`."""
    stretch = table.far[state]
    if stretch != EMPTY and table.stretches[stretch, LENGTH] <= distance:
        return stretch  # type: ignore[no-any-return]
    return table.near[near_place(state, distance, table), 2]  # type: ignore[no-any-return]


@jit
def counts(channel: int, system: System, layout: Layout, into: Ints) -> None:
    """Write the counts of a channel, and of its transfers, into an array."""
    dram, controller, dma = system.dram, system.controller, system.dma
    into[:TALLIED] = dram.tally[channel, :TALLIED]
    into[TALLIED] = controller.control[channel, PREAS]
    into[TALLIED + 1] = controller.control[channel, PREA_BANKS]
    for place in range(dma.engines[channel, MEMBERS]):
        transfer = dma.members[channel, place]
        cursor = dma.cursors[channel, transfer]
        of = into[OF_TRANSFERS + 5 * place : OF_TRANSFERS + 5 * place + 5]
        of[OFFERED] = number_of(cursor[BURST], dram.shape[CHANNELS], layout)
        of[ENDED] = -cursor[UNFINISHED]
        of[OPENED], of[CLOSED_FOR], of[MOVED] = cursor[ACTS], cursor[PRES], cursor[COLUMNS]


@jit
def begin(state: int, now: int, channel: int, system: System) -> None:
    """Begin to record the stretch after a state."""
    table = system.stretches
    begun = table.begun[channel]
    begun[FROM], begun[SINCE] = state, now
    begun[DISTANCE] = system.controller.control[channel, DUE] - now
    begun[JOINS] = system.dma.engines[channel, EPOCH]
    begun[ACTIVE_BEFORE] = active_clocks(now, system.dram.ranks[channel])
    counts(channel, system, table.layout, begun[COUNTED:])


@jit
def end(state: int, now: int, channel: int, system: System) -> None:
    """Add the recorded stretch to the table. It ends in ``state``."""
    table = system.stretches
    dram, dma, begun = system.dram, system.dma, table.begun[channel]
    number = table.sizes[STRETCHES]
    if begun[FROM] == EMPTY or begun[JOINS] != dma.engines[channel, EPOCH]:
        return
    place = near_place(begun[FROM], begun[DISTANCE], table)
    if number == len(table.stretches) or table.near[place, 2] != EMPTY:
        return
    stretch = table.stretches[number]
    due = system.controller.control[channel, DUE]
    stretch[LENGTH], stretch[TO] = now - begun[SINCE], state
    stretch[WAITED] = due - begun[SINCE] - begun[DISTANCE]
    stretch[LAST_COMMAND] = dram.tally[channel, LAST] - now
    stretch[ACTIVE] = active_clocks(now, dram.ranks[channel]) - begun[ACTIVE_BEFORE]
    counts(channel, system, table.layout, stretch[COUNTED:])
    stretch[COUNTED:] -= begun[COUNTED:]
    if not apart(stretch[COUNTED:], 1, channel, system):
        return
    table.sizes[STRETCHES] += 1
    if stretch[WAITED] == 0 and stretch[LENGTH] <= begun[DISTANCE]:
        if table.far[begun[FROM]] == EMPTY:
            table.far[begun[FROM]] = number
    elif 2 * number < len(table.near):
        table.near[place, 0], table.near[place, 1] = begun[FROM], begun[DISTANCE]
        table.near[place, 2] = number


@jit
def apart(counted: Ints, before: int, channel: int, system: System) -> bool:
    """Whether no transfer comes to a burst that waits to be written, in a stretch with these
    counts. ``before``: 1 if its bursts are before the next ones of the transfers, 0 if after.
    """
    dma, channels, layout = system.dma, system.dram.shape[CHANNELS], system.stretches.layout
    count, waiting = dma.engines[channel, MEMBERS], dma.settings[OUTSTANDING]
    low, high = np.empty(count, np.int64), np.empty(count, np.int64)
    for place in range(count):
        number = number_of(
            dma.cursors[channel, dma.members[channel, place], BURST], channels, layout
        )
        offered = counted[OF_TRANSFERS + 5 * place + OFFERED]
        low[place] = number - waiting - before * offered
        high[place] = number + (1 - before) * offered
        for other in range(place):
            writes = dma.transfers[dma.members[channel, place], IS_STORE]
            writes += dma.transfers[dma.members[channel, other], IS_STORE]
            if writes > 0 and low[place] < high[other] and low[other] < high[place]:
                return False
    return True


@jit
def fits(stretch: Ints, channel: int, system: System) -> bool:
    """Whether every transfer still has bursts to offer, of the same consecutive ones, after a
    stretch.
    """
    table = system.stretches
    dma, channels = system.dma, system.dram.shape[CHANNELS]
    for place in range(dma.engines[channel, MEMBERS]):
        cursor = dma.cursors[channel, dma.members[channel, place]]
        offered = stretch[COUNTED + OF_TRANSFERS + 5 * place + OFFERED]
        if cursor[UNOFFERED] <= offered:
            return False
        number = number_of(cursor[BURST], channels, table.layout) + offered
        if burst_of(number, channel, channels, table.layout) >= cursor[END]:
            return False
    return apart(stretch[COUNTED:], 0, channel, system)


@jit
def apply(stretch: Ints, now: int, channel: int, system: System) -> None:
    """Add the counts of a stretch that ends at clock ``now``, and advance the transfers."""
    table = system.stretches
    dram, dma, control = system.dram, system.dma, system.controller.control[channel]
    channels, layout = dram.shape[CHANNELS], table.layout
    dram.tally[channel, :TALLIED] += stretch[COUNTED : COUNTED + TALLIED]
    dram.tally[channel, LAST] = now + stretch[LAST_COMMAND]
    control[PREAS] += stretch[COUNTED + TALLIED]
    control[PREA_BANKS] += stretch[COUNTED + TALLIED + 1]
    control[DUE] += stretch[WAITED]
    for place in range(dma.engines[channel, MEMBERS]):
        transfer = dma.members[channel, place]
        row, cursor = dma.transfers[transfer], dma.cursors[channel, transfer]
        at = COUNTED + OF_TRANSFERS + 5 * place
        of = stretch[at : at + 5]
        number = number_of(cursor[BURST], channels, layout) + of[OFFERED]
        cursor[BURST] = burst_of(number, channel, channels, layout)
        cursor[UNOFFERED] -= of[OFFERED]
        cursor[UNFINISHED] -= of[ENDED]
        row[LEFT] -= of[ENDED]
        cursor[ACTS] += of[OPENED]
        cursor[PRES] += of[CLOSED_FOR]
        cursor[COLUMNS] += of[MOVED]


@jit
def follow(state: int, now: int, until: int, channel: int, system: System) -> tuple[int, int]:
    """Apply known stretches from a state on, as long as they end by ``until``. Returns the state
    and the clock that are reached.
    """
    table = system.stretches
    control, ranks = system.controller.control[channel], system.dram.ranks[channel]
    start = now
    active = active_clocks(now, ranks)
    while True:
        number = next_stretch(state, control[DUE] - now, table)
        if number == EMPTY:
            break
        stretch = table.stretches[number]
        if now + stretch[LENGTH] > until or not fits(stretch, channel, system):
            break
        now += stretch[LENGTH]
        state = stretch[TO]
        active += stretch[ACTIVE]
        apply(stretch, now, channel, system)
    if now > start:
        restore(now, channel, system, table.layout, table.states[state, 1:])
        ranks[:, ACTIVE_CLOCKS] = 0
        ranks[:, ACTIVE_SINCE] = now
        ranks[0, ACTIVE_CLOCKS] = active
    return state, now


@jit
def pass_mark(now: int, until: int, channel: int, system: System) -> int:
    """At a mark before clock ``now``: end the recorded stretch, apply known ones, and begin to
    record the next. Returns the clock that is reached, at most ``until``.
    """
    table = system.stretches
    length = describe(now, channel, system, table.layout, table.scratch)
    state = known(table.scratch[:length], table) if length > 0 else EMPTY
    if state != EMPTY:
        end(state, now, channel, system)
        state, now = follow(state, now, until, channel, system)
        distance = system.controller.control[channel, DUE] - now
        if next_stretch(state, distance, table) != EMPTY:
            state = EMPTY
    if state == EMPTY:
        table.begun[channel, FROM] = EMPTY
    else:
        begin(state, now, channel, system)
    return now
