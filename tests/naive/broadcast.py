"""Plain-Python twin of the broadcast of tokens into FIFOs, cycle by cycle, with a queue per PE
(EIE, ISCA 2016).

It also covers whole ops: every vector of every tile, with every column of every token encoded
again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.naive.machine import Counts, Lanes, Pair, Work
from tests.naive.outer_products import outer_segment, outer_segments

POINTER_BITS = 16


@dataclass
class PE:
    """A PE and its FIFO. The token in service is the head of the queue and keeps its slot until its
    last cycle ends.
    """

    costs: Sequence[int]
    queue: deque[int] = field(default_factory=deque)
    left: int = 0
    served: int = 0

    def work(self) -> bool:
        """One cycle of service; False if the FIFO is empty."""
        if not self.queue:
            return False
        if self.left == 0:
            self.left = int(self.costs[self.queue[0]])
        self.left -= 1
        if self.left == 0:
            self.queue.popleft()
            self.served += 1
        return True


def broadcast_split(costs: np.ndarray, depth: int) -> tuple[int, int, int, int, int]:
    """(cycles, busy PE cycles, empty PE cycles, imbalance PE cycles, stalled cycles) from costs
    (PEs, tokens).

    At the start of each cycle the next token enters all FIFOs if each has a free slot. Then every
    PE works for one cycle.
    """
    tokens = costs.shape[1]
    pes = [PE(row) for row in costs]
    cycle = issued = busy = empty = imbalance = stall = 0
    while any(pe.served < tokens for pe in pes):
        if issued < tokens:
            if all(len(pe.queue) < depth for pe in pes):
                for pe in pes:
                    pe.queue.append(issued)
                issued += 1
            else:
                stall += 1
        for pe in pes:
            finished = pe.served == tokens
            if pe.work():
                busy += 1
            elif finished:
                imbalance += 1
            else:
                empty += 1
        cycle += 1
    return cycle, busy, empty, imbalance, stall


def column_costs(mask: np.ndarray, pes: int, index_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(entries, padding zeros), each (columns, PEs), of a boolean mask (columns, outputs). Each
    column of each PE is encoded as in the paper.
    """
    entries = np.zeros((len(mask), pes), dtype=np.int64)
    padding = np.zeros((len(mask), pes), dtype=np.int64)
    for column, bits in enumerate(mask):
        for p in range(pes):
            values = encode([int(bit) for bit in bits[p::pes]], index_bits)
            entries[column, p] = sum(value for value, _ in values)
            padding[column, p] = sum(1 - value for value, _ in values)
    return entries, padding


def encode(column: Sequence[int], index_bits: int) -> list[tuple[int, int]]:
    """(value, zeros before it) of each stored entry of a column. A value of 0 is a padding zero.
    With 0 index bits the number of zeros is unlimited.
    """
    stored, zeros = [], 0
    for value in column:
        if value or (index_bits and zeros == 2**index_bits - 1):
            stored.append((value, zeros))
            zeros = 0
        else:
            zeros += 1
    while stored and stored[-1][0] == 0:  # padding at the end is not needed
        stored.pop()
    return stored


@dataclass
class Token:
    """A broadcast word: whether it is non-zero, and its pair with each output channel of the vector
    (None if nothing is stored).
    """

    moving: int
    pairs: list[Pair | None]


@dataclass
class Array:
    """Vectors of one op on one machine. ``actions``: tokens times PEs, entries that PEs visit, and
    active MACs.
    """

    work: Work
    machine: Lanes
    actions: Counter[str] = field(default_factory=Counter)
    columns: Counter[int] = field(default_factory=Counter)
    """Entries, or words of a dense column, that a PE reads for a token -> how often."""

    def column_bits(self, bits: int, width: int) -> int:
        """Bits of the accesses that read the entries, line by line until a column is read."""
        moved = 0
        for walked, times in self.columns.items():
            left = walked * bits
            while left > 0:
                left, moved = left - width, moved + width * times
        return moved

    @property
    def compressed(self) -> bool:
        return (
            self.machine.skip[self.work.pass_] in ("stationary", "both")
            or self.work.named is not None
        )

    @property
    def apart(self) -> bool:
        """Whether channel groups are separate vectors."""
        work, removed = self.work, self.machine.structural_zeros == "removed"
        return removed or work.pass_ == "WG" or work.apart

    def needed(self, k: int, m: int) -> bool:
        masked = self.work.needed if self.machine.skip_outputs else None
        return masked is None or masked(k, m)

    def tokens(self, members: Sequence[int], m: int, segments: int) -> list[Token]:
        """Moving words of position m in order, including zeros."""
        work = self.work
        if work.named is not None:
            moving, names = work.moving(m), [work.named(k, m) for k in members]
            return [
                Token(a, [(a, 1, True) if i in own else None for own in names])
                for i, a in enumerate(moving)
            ]
        group = work.channels // work.groups
        sharing = (
            range(members[0] // group * group, (members[0] // group + 1) * group)
            if self.apart
            else range(work.channels)
        )
        streams = {
            k: outer_segment(work, k, m, segments) if work.outer else work.stream(k, m)
            for k in sharing
        }
        length = len(streams[members[0]])
        return [
            Token(
                max(stream[i][0] for stream in streams.values()), [streams[k][i] for k in members]
            )
            for i in range(length)
        ]

    def vector(
        self, members: Sequence[int], m: int, pes: int, segments: int
    ) -> tuple[int, int, int, int]:
        """(cycles, PE cycles in service, executed MACs, effectual MACs) of one vector."""
        machine, executed, effectual = self.machine, 0, 0
        costs: list[list[int]] = [[] for _ in range(pes)]
        for token in self.tokens(members, m, segments):
            if machine.skip[self.work.pass_] in ("moving", "both") and not token.moving:
                continue
            self.actions["tokens"] += pes
            for p in range(pes):
                own = list(zip(members[p::pes], token.pairs[p::pes], strict=True))
                needed = [pair for k, pair in own if pair is not None and self.needed(k, m)]
                walked = sum(self.needed(k, m) for k, _ in own)
                if self.compressed and walked:
                    walked = len(
                        encode(
                            [0 if pair is None else pair[1] for _, pair in own], machine.index_bits
                        )
                    )
                    self.actions["walked"] += walked
                self.columns[walked] += 1
                costs[p].append(max(1, -(-walked // machine.lanes)))
                executed += sum(b if self.compressed else int(mac) for _, b, mac in needed)
                effectual += sum(token.moving & a & b for a, b, _ in needed)
        table = np.array(costs, dtype=np.int64).reshape(pes, -1)
        return broadcast_split(table, machine.fifo_depth)[0], int(table.sum()), executed, effectual

    def run(self) -> Counts:
        work, machine = self.work, self.machine
        pes = machine.rows * machine.cols
        side_by_side = min(pes, work.channels) if machine.near_memory else machine.rows
        groups_of_pes = max(1, pes // work.channels) if machine.near_memory else machine.cols
        positions = work.positions
        if work.outer:
            held = machine.accumulators
            channels = min(-(-work.channels // side_by_side), held)
            positions = outer_segments(work, groups_of_pes, machine, channels, held, 1)
        fill = (
            max(
                1,
                min(
                    machine.working_bits // 2 // (work.column_words * machine.word_bits), positions
                ),
            )
            if work.column_words
            else positions
        )
        fill = max(1, fill // groups_of_pes) * groups_of_pes
        cycles = busy = effectual = service = used = 0
        for members in self.parts(side_by_side * machine.accumulators):
            own = min(side_by_side, len(members))
            for start in range(0, positions, fill):
                wanted = [
                    m
                    for m in range(start, min(start + fill, positions))
                    if work.outer or any(self.needed(k, m) for k in members)
                ]
                for first in range(0, len(wanted), groups_of_pes):
                    tile = [
                        self.vector(members, m, own, positions)
                        for m in wanted[first : first + groups_of_pes]
                    ]
                    slowest = max(vector[0] for vector in tile)
                    cycles += slowest
                    used += slowest * own * machine.lanes * len(tile)
                    service += sum(vector[1] for vector in tile)
                    busy += sum(vector[2] for vector in tile)
                    effectual += sum(vector[3] for vector in tile)
        every = sum(
            a and b
            for k in range(work.channels)
            for m in range(work.positions)
            for a, b, _ in work.stream(k, m)
        )
        gated = busy - effectual if machine.gating else 0
        self.actions["active"] = busy - gated
        return Counts(
            dense=work.dense,
            effectual=every,
            executed=busy,
            gated=gated,
            cycles=cycles,
            busy=busy,
            window_empty=service * machine.lanes - busy,
            imbalance=used - service * machine.lanes,
            idle=cycles * pes * machine.lanes - used,
        )

    def parts(self, most: int) -> list[list[int]]:
        """Output channels of each vector: limited by the accumulators, and separated by group
        unless zeros between groups are kept.
        """
        work = self.work
        groups = work.groups if self.apart else 1
        size = work.channels // groups
        every = [list(range(group * size, (group + 1) * size)) for group in range(groups)]
        return [members[i : i + most] for members in every for i in range(0, size, most)]
