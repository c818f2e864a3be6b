"""Cycles of FF and EP lanes that skip zeros of the moving operand only.

Such a lane's stream is a sequence of channel vectors. Each source position is walked once and
summarised (leading zeros, trailing zeros, cycles between), and every output that covers it composes
the summaries. A gap that spans vectors is the sum of their zeros. The result is exact for every
window, because only whole gaps between set bits matter (docs/pe-lanes.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accelsim.kernels.bits.bitmaps import Cycles, Words, flat
from accelsim.kernels.bits.intrinsics import popcount, top_bit, trailing_zeros
from accelsim.kernels.bits.taps import Taps
from accelsim.kernels.jit import jit


def stream_cycles(
    moving: Words, channels: int, row_taps: Taps, col_taps: Taps, window: int
) -> tuple[Cycles, Cycles, Cycles]:
    """Cycles, set bits and length of every output's stream.

    ``moving``: uint64 (S, H, W, Cw). Taps: int32 (Y, TR) and (X, TC), as in `taps`. Order: kernel
    row, kernel column, channel. Returns cycles int32 (S, Y*X), ones int32 (S, Y*X), length int32
    (Y*X). Without skipping, the cycles equal the length.
    """
    samples, height, width, _ = moving.shape
    summary = summarise(flat(moving).reshape(samples * height * width, -1), channels, window)
    cycles, ones = compose(
        summary.reshape(samples, height, width, 4), channels, row_taps, col_taps, window
    )
    return cycles, ones, stream_lengths(channels, row_taps, col_taps)


def stream_lengths(channels: int, row_taps: Taps, col_taps: Taps) -> Cycles:
    """Positions of each output's stream without removed taps: int32 (Y*X)."""
    rows, cols = (row_taps != -2).sum(axis=1), (col_taps != -2).sum(axis=1)
    lengths: Cycles = (rows[:, None] * cols[None, :] * channels).reshape(-1).astype(np.int32)
    return lengths


@jit
def long_gaps(word: Any, low: int, high: int, window: int) -> Any:
    """Cycles burned in the gaps between the set bits ``low`` and ``high`` of a 64-bit word."""
    if high - low <= window:
        return np.int64(0)
    inside = ((np.uint64(1) << np.uint64(high)) - np.uint64(1)) & ~(
        (np.uint64(1) << np.uint64(low)) - np.uint64(1)
    )
    runs = ~word & inside
    have = 1
    while (
        have < window
    ):  # bit i stays set while the `have` bits from i upwards are zeros of the word
        step = min(have, window - have)
        runs &= runs >> np.uint64(step)
        have += step
    burned = np.int64(0)
    while runs != np.uint64(0):
        start = trailing_zeros(runs)
        length = trailing_zeros(word >> np.uint64(start))
        burned += length // window
        runs &= ~np.uint64(0) << np.uint64(start + length)
    return burned


@jit
def summarise(bits: Words, channels: int, window: int) -> Cycles:
    """Summarise each row of uint64 (rows, Cw): int32 (rows, 4).

    Columns: leading zeros (-1 without a set bit), trailing zeros, cycles from the first to the last
    set bit, set bits.
    """
    rows, width = bits.shape
    result = np.empty((rows, 4), dtype=np.int32)
    for row in range(rows):
        lead = np.int64(-1)
        gap = np.int64(0)
        burned = np.int64(0)
        ones = np.int64(0)
        for index in range(width):
            word = bits[row, index]
            size = min(64, channels - index * 64)
            if word == np.uint64(0):
                gap += size
                continue
            low, high = trailing_zeros(word), top_bit(word)
            if lead < 0:
                lead = gap + low
            else:
                burned += (gap + low) // window
            burned += long_gaps(word, low, high, window)
            ones += np.int64(popcount(word))
            gap = size - 1 - high
        result[row, 0] = lead
        result[row, 1] = gap
        result[row, 2] = ones + burned
        result[row, 3] = ones
    return result


@jit
def compose(
    summary: Cycles, channels: int, row_taps: Taps, col_taps: Taps, window: int
) -> tuple[Cycles, Cycles]:
    """Compose summaries int32 (S, H, W, 4) to cycles and set bits of the outputs, both int32 (S,
    Y*X).
    """
    samples = summary.shape[0]
    rows, row_count = row_taps.shape
    cols, col_count = col_taps.shape
    cycles = np.empty((samples, rows * cols), dtype=np.int32)
    ones = np.empty((samples, rows * cols), dtype=np.int32)
    for n in range(samples):
        for y in range(rows):
            for x in range(cols):
                gap = np.int64(0)
                total = np.int64(0)
                count = np.int64(0)
                for i in range(row_count):
                    row = row_taps[y, i]
                    if row == -2:
                        continue
                    for j in range(col_count):
                        col = col_taps[x, j]
                        if col == -2:
                            continue
                        if row < 0 or col < 0 or summary[n, row, col, 0] < 0:
                            gap += channels
                            continue
                        gap += summary[n, row, col, 0]
                        if gap >= window:  # most gaps are shorter, and a division is slow
                            total += gap // window
                        total += summary[n, row, col, 2]
                        count += summary[n, row, col, 3]
                        gap = np.int64(summary[n, row, col, 1])
                cycles[n, y * cols + x] = total + (gap + window - 1) // window
                ones[n, y * cols + x] = count
    return cycles, ones
