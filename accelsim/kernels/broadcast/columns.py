"""Cycles of an array that broadcasts moving elements, one per cycle, into a FIFO per PE (EIE, Han
et al. ISCA 2016; docs/pe-broadcast.md).

Token j costs PE p ``costs[p, j]`` cycles. A FIFO has ``depth`` slots, and the token in service
holds its slot:

    issue[j]   = max(issue[j-1] + 1, max_p done[p, j-depth])
    done[p, j] = max(done[p, j-1], issue[j]) + costs[p, j]

Token 0 is issued in cycle 0. Cycle numbers mark the beginning of a cycle: a PE with done = 5 has
worked in the cycles up to 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import Cycles, Words
from accelsim.kernels.bits.intrinsics import trailing_zeros
from accelsim.kernels.jit import jit

Costs = NDArray[np.int64]


def broadcast_split(costs: Costs, depth: int) -> tuple[int, int, int, int, int]:
    """Cycles until the last PE has served the last token, and their breakdown.

    ``costs``: int64 (PEs, tokens), each >= 1. ``depth``: FIFO slots, >= 1. ValueError for smaller
    values. Returns (cycles, busy, empty, imbalance, stall):

    - busy: PE cycles in service of a token.
    - empty: PE cycles with an empty FIFO before the last token is issued.
    - imbalance: PE cycles from a PE's last token until the last PE is done.
    - stall: cycles in which the next token waits for a full FIFO.

    busy + empty + imbalance = PEs * cycles. Every token costs every PE at least one cycle, so a
    FIFO is empty only while the broadcast stalls.
    """
    if depth < 1 or (costs.size and costs.min() < 1):
        raise ValueError(
            f"depth and costs must be >= 1, got depth {depth} and costs from "
            f"{costs.min() if costs.size else 1}"
        )
    pes = costs.shape[0]
    cycles, empty, imbalance, stall = broadcast_tokens(
        np.ascontiguousarray(costs.T, dtype=np.int64), depth
    )
    return (
        int(cycles),
        int(pes * cycles - empty - imbalance),
        int(empty),
        int(imbalance),
        int(stall),
    )


@jit
def broadcast_tokens(costs: Costs, depth: int) -> tuple[Any, Any, Any, Any]:
    """Cycles of a broadcast: costs int64 (tokens, PEs) -> cycles, empty PE cycles, imbalance PE
    cycles, stalled cycles.
    """
    tokens, pes = costs.shape
    done = np.zeros(pes, dtype=np.int64)
    tops = np.zeros(min(depth, max(1, tokens)), dtype=np.int64)
    issue = np.int64(-1)
    empty = np.int64(0)
    stall = np.int64(0)
    for j in range(tokens):
        start = max(issue + 1, tops[j % depth] if j >= depth else np.int64(0))
        stall += start - issue - 1
        issue = start
        top = np.int64(0)
        for p in range(pes):
            empty += max(np.int64(0), issue - done[p])
            done[p] = max(done[p], issue) + costs[j, p]
            top = max(top, done[p])
        tops[j % depth] = top
    cycles = np.int64(0)
    for p in range(pes):
        cycles = max(cycles, done[p])
    return cycles, empty, pes * cycles - done.sum(), stall


@jit
def column_costs(columns: Words, outputs: int, pes: int, index_bits: int) -> tuple[Cycles, Cycles]:
    """Stored entries and padding zeros of every column in every PE: both int32 (columns, PEs).

    ``columns``: uint64 (columns, ceil(outputs/64)), one bit per output whose entry is stored.
    Outputs are interleaved: PE p holds p, p + PEs, ... The index of an entry, ``index_bits`` bits,
    counts the zeros of its PE since the previous entry. A longer run takes a padding zero, itself
    an entry, every 2**index_bits zeros. Zeros after the last entry take none. With 0 index bits
    there is neither index nor padding.
    """
    count = columns.shape[0]
    entries = np.zeros((count, pes), dtype=np.int32)
    padding = np.zeros((count, pes), dtype=np.int32)
    last = np.empty(pes, dtype=np.int64)
    for column in range(count):
        last[:] = -1
        for index in range(columns.shape[1]):
            word = columns[column, index]
            while word != np.uint64(0):
                output = index * 64 + trailing_zeros(word)
                word &= word - np.uint64(1)
                if output >= outputs:
                    break
                row = output // pes
                p = output - row * pes
                entries[column, p] += 1
                if index_bits:
                    padding[column, p] += (row - last[p] - 1) >> index_bits
                last[p] = row
    return entries, padding
