"""Walk of many lanes in parallel through the window: the inner loop of weight gradients and of
pairs of masks.

A stream is cut into chunks of W bits (W: window), each in the narrowest unsigned integer that holds
it. Let y be a lane's pair mask in one chunk, and x its last non-zero chunk. The gap that ends in y
has

    (W - 1 - top(x)) + W * (zero chunks between) + low(y)

zeros. It burns one cycle for every zero chunk, and one more if low(y) > top(x). So a cycle is
burned at y exactly if y == 0 or lowest_bit(y) > x, compared as numbers. A lane starts as if a set
bit preceded its first position (x = 1 << (W-1)). Its tail burns as many cycles as a gap of tail + W
- 1 zeros, so a virtual set bit W - 1 places after the end accounts for it. This takes five vector
operations per chunk, for any number of lanes and every window from 1 to 64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.bits.bitmaps import Chunks, Cycles, Words, transpose_64
from accelsim.kernels.bits.intrinsics import both, burned, latest, low_bits, popcount
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.jit import jit


class LaneState(NamedTuple):
    """State of the lanes that are walked in parallel."""

    last: Chunks
    """(lanes): last non-zero pair."""
    counted: Chunks
    """(lanes): cycles not yet added to ``cycles``."""
    cycles: Cycles
    """int32 (lanes): cycles."""
    extra: Cycles
    """int32 (lanes): extra cycles of each further period, from `seam`."""


@jit
def fill_chunks(
    bits: Words,
    taps: MapTaps,
    tap: int,
    word: int,
    lanes: int,
    window: int,
    length: int,
    chunks: Chunks,
    lane: int,
) -> None:
    """Write the chunks of the streams over (sample, row, column) of ``lanes`` channels, from
    channel word * 64 on.

    ``bits``: uint64 (S, H, W, Cw), samples repeating cyclically. The source of output (p, q) is
    (rows[p, r], cols[q, s]) of the taps, where ``tap`` is r * S + s. Positions from ``length`` on
    are zero. ``chunks``: (T, >= lane + lanes), of one of the types of `intrinsics.container`;
    columns from ``lane`` on are written.
    """
    samples = bits.shape[0]
    row_taps, col_taps = taps
    r, s = tap // col_taps.shape[1], tap % col_taps.shape[1]
    rows, cols = row_taps.shape[0], col_taps.shape[0]
    keep = chunks.dtype.type((~np.uint64(0)) >> np.uint64(64 - window))
    abreast = 64 // window
    block = np.empty(64, dtype=np.uint64)
    n = 0
    p = 0
    q = 0
    for group in range((chunks.shape[0] + abreast - 1) // abreast):
        size = max(0, min(abreast * window, length - group * abreast * window))
        for i in range(size):
            row, col = row_taps[p, r], col_taps[q, s]
            block[i] = bits[n, row, col, word] if row >= 0 and col >= 0 else np.uint64(0)
            q += 1
            if q == cols:
                q = 0
                p += 1
                if p == rows:
                    p = 0
                    n += 1
                    if n == samples:
                        n = 0
        for i in range(size, 64):
            block[i] = np.uint64(0)
        transpose_64(block)
        for j in range(min(abreast, chunks.shape[0] - group * abreast)):
            target = chunks[group * abreast + j]
            for i in range(lanes):
                target[lane + i] = low_bits(block[i], j * window, keep)


@jit
def advance(e: Chunks, x: Chunks, first: int, end: int, last: Chunks, count: Chunks) -> int:
    """Walk all lanes over chunks ``first`` to ``end`` of the pairs e (T) & x (T, lanes).

    In and out, (lanes) of the chunks' type: ``last``, the last non-zero pair; ``count``, set bits
    plus burned cycles, which the caller must empty within `chunk_limit` chunks. Returns the burned
    cycles that all lanes share, which ``count`` leaves out. Four chunks per iteration, so that a
    lane's state is loaded and stored once for four.
    """
    lanes = last.shape[0]
    empty = 0
    t = first
    while t + 4 <= end:
        e0, e1, e2, e3 = e[t], e[t + 1], e[t + 2], e[t + 3]
        if e0 | e1 | e2 | e3:
            x0, x1, x2, x3 = x[t], x[t + 1], x[t + 2], x[t + 3]
            for i in range(lanes):
                before = last[i]
                y0 = both(e0, x0[i])
                after0 = latest(y0, before)
                y1 = both(e1, x1[i])
                after1 = latest(y1, after0)
                y2 = both(e2, x2[i])
                after2 = latest(y2, after1)
                y3 = both(e3, x3[i])
                burns = (
                    burned(y0, before)
                    + burned(y1, after0)
                    + burned(y2, after1)
                    + burned(y3, after2)
                )
                count[i] += popcount(y0) + popcount(y1) + popcount(y2) + popcount(y3) + burns
                last[i] = latest(y3, after2)
        else:
            empty += 4
        t += 4
    while t < end:
        e0, x0 = e[t], x[t]
        if e0:
            for i in range(lanes):
                before = last[i]
                y0 = both(e0, x0[i])
                count[i] += popcount(y0) + burned(y0, before)
                last[i] = latest(y0, before)
        else:
            empty += 1
        t += 1
    return empty


@jit
def chunk_limit(window: int, bits: int) -> int:
    """Number of chunks of ``window`` positions that a counter of ``bits`` bits can count: a
    multiple of 4.
    """
    return ((1 << min(bits, 30)) - 1) // window // 4 * 4


@jit
def accumulate(e: Chunks, x: Chunks, last: Chunks, count: Chunks, cycles: Cycles) -> None:
    """`advance` over all of ``e``, of any length, adding to ``cycles``, int32 (lanes)."""
    limit = chunk_limit(x.itemsize * 8, x.itemsize * 8)
    for first in range(0, e.shape[0], limit):
        count[:] = 0
        empty = np.int32(advance(e, x, first, min(first + limit, e.shape[0]), last, count))
        for i in range(cycles.shape[0]):
            cycles[i] += np.int32(count[i]) + empty


@jit
def seam(e: Chunks, x: Chunks, last: Chunks, first: Chunks, extra: Cycles) -> None:
    """Extra cycle of a stream of whole chunks when it is walked again after itself: 0 or 1 into
    ``extra``, int32 (lanes).

    It is 1 if the lowest bit of the first non-zero pair lies above the last non-zero pair.
    ``first`` (lanes) is scratch.
    """
    lanes = last.shape[0]
    first[:] = 0
    for t in range(e.shape[0]):
        missing = 0
        e0, x0 = e[t], x[t]
        for i in range(lanes):
            first[i] = latest(first[i], both(e0, x0[i]))
            missing += first[i] == 0
        if missing == 0:
            break
    for i in range(lanes):
        extra[i] = np.int32(burned(first[i], last[i])) if first[i] != 0 else np.int32(0)


@jit
def walk_lanes(
    period_e: Chunks,
    rest_e: Chunks,
    x: Chunks,
    repeats: int,
    rest: int,
    window: int,
    state: LaneState,
    result: Cycles,
) -> None:
    """Cycles of streams of ``repeats`` periods (of whole chunks) and then ``rest`` positions of a
    period.

    ``period_e`` (T_period), ``rest_e`` (ceil(rest/W)): chunks of the shared operand. ``x`` (T,
    lanes): chunks of the lanes. ``result``: int32 (at most lanes). ``state`` is scratch.
    """
    last, count, cycles, extra = state
    one = x.dtype.type(1)
    end = x.dtype.type(one << x.dtype.type((rest + window - 1) % window))
    used = result.shape[0]
    if repeats == 0 and rest == 0:
        result[:] = 0
        return
    if repeats == 0 and rest <= window:
        e0, x0 = rest_e[0], x[0]
        for i in range(used):
            y0 = both(e0, x0[i])
            result[i] = np.int32(popcount(y0)) + np.int32(end > y0)
        return
    last[:] = one << x.dtype.type(window - 1)
    if repeats == 0 and rest_e.shape[0] <= chunk_limit(window, x.itemsize * 8):
        count[:] = 0
        empty = np.int32(advance(rest_e, x, 0, rest_e.shape[0], last, count))
        for i in range(used):
            result[i] = np.int32(count[i]) + np.int32(end > last[i]) + empty
        return
    cycles[:] = 0
    if repeats > 0:
        accumulate(period_e, x, last, count, cycles)
        seam(period_e, x, last, count, extra)
        for i in range(used):
            cycles[i] = cycles[i] * repeats + extra[i] * (repeats - 1)
    accumulate(rest_e, x, last, count, cycles)
    for i in range(used):
        result[i] = cycles[i] + np.int32(end > last[i])
