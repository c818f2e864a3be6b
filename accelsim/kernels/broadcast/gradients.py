"""Weight gradients through the FIFOs of `broadcast`.

A vector is the batch of one weight; its tokens are positions of the errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accelsim.kernels.bits.bitmaps import Counts, Cycles, PackedMask
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.broadcast.vectors import CYCLES, Columns, count_all, serve_all
from accelsim.kernels.jit import jit


@jit
def state_of(done: Counts, tops: Counts, slot: int, issue: Any, state: Counts) -> None:
    """State that determines the future of the FIFOs, relative to the last issue, into int64 (PEs +
    depth).

    Slots that are free in any case have equal values, so that equal states compare equal.
    """
    depth, pes = tops.shape[0], done.shape[0]
    for p in range(pes):
        state[p] = max(done[p] - issue, np.int64(1))
    for i in range(depth):
        state[pes + i] = max(tops[(slot + i) % depth] - issue, np.int64(1))


@jit
def batch_sums(
    tokens: Cycles,
    ends: Counts,
    totals: Counts,
    costs: Cycles,
    batch: int,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of one WG vector over a batch that repeats the samples: into int64 (7), initially zero.

    Sample n's tokens end at ``ends[n]``, int64 (L). Samples follow each other without a barrier.
    Once a round of the samples leaves the FIFOs in the state of the previous round, all further
    rounds cost the same and are skipped.
    """
    samples = ends.shape[0]
    for n in range(samples):
        times = batch // samples + (1 if n < batch % samples else 0)
        count_all(tokens[0 if n == 0 else ends[n - 1] : ends[n]], totals, times, sums)
    if costs.shape[0] == 0:
        return
    done, tops = np.zeros(costs.shape[1], np.int64), np.zeros(depth, np.int64)
    state, before = (
        np.zeros(done.shape[0] + depth, np.int64),
        np.zeros(done.shape[0] + depth, np.int64),
    )
    slot, issue, passed, skipped = 0, np.int64(-1), np.int64(-1), np.int64(0)
    n = 0
    while n < batch:
        index = n % samples
        slot, issue = serve_all(
            tokens[0 if index == 0 else ends[index - 1] : ends[index]],
            costs,
            done,
            tops,
            slot,
            issue,
        )
        n += 1
        if n % samples == 0:
            state_of(done, tops, slot, issue, state)
            if (state == before).all():
                rounds = (batch - n) // samples
                skipped += rounds * (issue - passed)
                n += rounds * samples
            before[:] = state
            passed = issue
    sums[CYCLES] = done.max() + skipped


@jit
def gradient_sums(
    x: PackedMask,
    skip_moving: bool,
    taps: MapTaps,
    columns: Columns,
    batch: int,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of all WG vectors of a convolution: into int64 (R*S*C, 7), initially zero.

    ``x``: (S', H, W, Cw). ``taps``: (P, R) and (Q, S). Vector (r, s, c) has one activation per
    sample and error position (p, q); its token is column (sample, p, q) of S'' * P * Q.
    """
    words, channels = x
    row_taps, col_taps = taps
    totals, costs = columns.totals, columns.costs
    rows, cols = row_taps.shape[0], col_taps.shape[0]
    errors = totals.shape[0] // (rows * cols)
    samples = min(batch, max(errors, words.shape[0]))
    buffer, ends = np.empty(samples * rows * cols, np.int32), np.empty(samples, np.int64)
    for vector in range(sums.shape[0]):
        tap, c = vector // channels, vector % channels
        r, s = tap // col_taps.shape[1], tap % col_taps.shape[1]
        count = 0
        for n in range(samples):
            image, base = words[n % words.shape[0]], n % errors * rows * cols
            for p in range(rows):
                for q in range(cols):
                    row, col = row_taps[p, r], col_taps[q, s]
                    if (
                        row >= 0
                        and col >= 0
                        and (image[row, col, c // 64] >> np.uint64(c % 64)) & np.uint64(1)
                    ):
                        buffer[count] = base + p * cols + q
                        count += 1
                    elif not skip_moving:
                        buffer[count] = ~(base + p * cols + q)
                        count += 1
            ends[n] = count
        batch_sums(buffer[:count], ends, totals, costs, batch, depth, sums[vector])


@jit
def outer_sums(
    x: PackedMask,
    skip_moving: bool,
    segment: int,
    columns: Columns,
    batch: int,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of an outer product whose moving vector is cut into segments: into int64 (segments, 7),
    initially zero.

    ``x``: (S', Cw). ``segment``: channels per segment. Sample by sample, each word of a segment is
    a token of column (sample) of S''.
    """
    words, channels = x
    totals, costs = columns.totals, columns.costs
    errors = totals.shape[0]
    samples = min(batch, max(errors, words.shape[0]))
    buffer, ends = np.empty(samples * segment, np.int32), np.empty(samples, np.int64)
    for vector in range(sums.shape[0]):
        count = 0
        for n in range(samples):
            for c in range(vector * segment, min((vector + 1) * segment, channels)):
                if (words[n % words.shape[0], c // 64] >> np.uint64(c % 64)) & np.uint64(1):
                    buffer[count] = n % errors
                    count += 1
                elif not skip_moving:
                    buffer[count] = ~(n % errors)
                    count += 1
            ends[n] = count
        batch_sums(buffer[:count], ends, totals, costs, batch, depth, sums[vector])
