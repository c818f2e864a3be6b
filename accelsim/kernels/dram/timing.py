"""Bank-state model of a DRAM channel: the command that a request needs, the clock from which it is
allowed, and its effect.

The arrays are those of `state.Channel`. These kernels run for every command, so they take the
arrays themselves: numba counts references to each array that it takes out of a named tuple. One
command bus serves the channel: at most one command per clock.
"""

from __future__ import annotations

from accelsim.kernels.dram.state import (
    ACT,
    ACTIVE_CLOCKS,
    ACTIVE_SINCE,
    BANK_NODE,
    COMMANDS,
    DELAY,
    FAW,
    GROUP_NODE,
    INDEX,
    LAST,
    LATER,
    OPEN_BANKS,
    OPEN_ROW,
    OTHER_RANK,
    PRE,
    RANK,
    RANK_NODE,
    RING_SLOT,
    RULE_LENGTH,
    RULES,
    SCOPE,
    Ints,
)
from accelsim.kernels.jit import inlined_jit, jit, lean_jit


@lean_jit
def needed(column: int, bank: int, row: int, banks: Ints) -> int:
    """Next command of a request for a row: ``column`` (RD or WR) itself, ACT if the bank is closed,
    PRE if another row is open.
    """
    open_row = banks[bank, OPEN_ROW]
    if open_row == row:
        return column
    return ACT if open_row < 0 else PRE


@lean_jit
def allowed_from(
    command: int, bank: int, shape: Ints, ready: Ints, banks: Ints, ranks: Ints
) -> int:
    """First clock at which bank, group and rank allow a command, without regard to the command bus.

    A REF applies to the bank's rank.
    """
    clock = max(
        ready[(banks[bank, BANK_NODE] + command) & INDEX],
        ready[(banks[bank, GROUP_NODE] + command) & INDEX],
        ready[(banks[bank, RANK_NODE] + command) & INDEX],
    )
    if command == ACT:
        rank = banks[bank, RANK] & INDEX
        clock = max(clock, ranks[rank, ranks[rank, RING_SLOT] & INDEX] + shape[FAW])
    return clock  # type: ignore[no-any-return]


@inlined_jit
def push_back(command: int, bank: int, clock: int, rules: Ints, ready: Ints, banks: Ints) -> None:
    """Update the first allowed clocks of commands after a command at a clock, by its rules."""
    place = 0
    for _ in range(rules[command, RULES]):
        scope, later = rules[command, place + SCOPE] & INDEX, rules[command, place + LATER]
        allowed = clock + rules[command, place + DELAY]
        place = (place + RULE_LENGTH) & INDEX
        if scope < OTHER_RANK:
            node = (banks[bank, BANK_NODE + scope] + later) & INDEX
            ready[node] = max(ready[node], allowed)
            continue
        own, rank = banks[bank, RANK_NODE], banks[bank, RANK]
        # The nodes of ranks are the last.
        for node in range(own - rank * COMMANDS, len(ready), COMMANDS):
            if node != own:
                ready[node + later] = max(ready[node + later], allowed)


@inlined_jit
def issue(
    command: int,
    bank: int,
    row: int,
    clock: int,
    rules: Ints,
    ready: Ints,
    banks: Ints,
    ranks: Ints,
    tally: Ints,
) -> None:
    """Issue a command at a clock: update row state, counts and first allowed clocks of later
    commands.

    Does not check legality (see `needed` and `allowed_from`).
    """
    command &= INDEX
    push_back(command, bank, clock, rules, ready, banks)
    rank = banks[bank, RANK] & INDEX
    if command == ACT:
        banks[bank, OPEN_ROW] = row
        slot = ranks[rank, RING_SLOT]
        ranks[rank, slot] = clock
        ranks[rank, RING_SLOT] = (slot + 1) & 3
        if ranks[rank, OPEN_BANKS] == 0:
            ranks[rank, ACTIVE_SINCE] = clock
        ranks[rank, OPEN_BANKS] += 1
    elif command == PRE:
        banks[bank, OPEN_ROW] = -1
        ranks[rank, OPEN_BANKS] -= 1
        if ranks[rank, OPEN_BANKS] == 0:
            ranks[rank, ACTIVE_CLOCKS] += clock - ranks[rank, ACTIVE_SINCE]
    tally[command] += 1
    tally[LAST] = clock


@jit
def active_clocks(clock: int, ranks: Ints) -> int:
    """Clocks with an open bank up to ``clock``, summed over the ``ranks`` of one channel.

    ``clock`` must not precede the last command.
    """
    total = 0
    for rank in range(len(ranks)):
        total += ranks[rank, ACTIVE_CLOCKS]
        if ranks[rank, OPEN_BANKS] > 0:
            total += clock - ranks[rank, ACTIVE_SINCE]
    return total
