"""Plain-Python twin of broadcasting tokens into FIFOs: cycle after cycle, every PE with a queue of its own (EIE, ISCA 2016)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class PE:
    """A PE and its FIFO. The token in service is at the head of the queue: it holds its slot until its last cycle is over."""

    costs: Sequence[int]
    queue: deque[int] = field(default_factory=deque)
    left: int = 0
    served: int = 0

    def work(self) -> bool:
        """One cycle of service; False when the FIFO is empty."""
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
    """Costs (PEs, tokens) -> cycles, busy, empty and imbalance PE cycles, stalled cycles: at each cycle's begin the next token enters
    all FIFOs if all have a slot, then every PE works a cycle."""
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
    """Boolean mask (columns, outputs) -> entries and padding zeros (columns, PEs), by encoding each column of each PE as the paper does."""
    entries = np.zeros((len(mask), pes), dtype=np.int64)
    padding = np.zeros((len(mask), pes), dtype=np.int64)
    for column, bits in enumerate(mask):
        for p in range(pes):
            values = encode([int(bit) for bit in bits[p::pes]], index_bits)
            entries[column, p] = sum(value for value, _ in values)
            padding[column, p] = sum(1 - value for value, _ in values)
    return entries, padding


def encode(column: Sequence[int], index_bits: int) -> list[tuple[int, int]]:
    """(value, zeros before it) of each stored entry of a column; a value of 0 is a padding zero. 0 index bits: no limit on the zeros."""
    stored, zeros = [], 0
    for value in column:
        if value or (index_bits and zeros == 2**index_bits - 1):
            stored.append((value, zeros))
            zeros = 0
        else:
            zeros += 1
    while stored and stored[-1][0] == 0:  # nothing follows that it would lead to
        stored.pop()
    return stored
