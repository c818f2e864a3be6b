"""Exact counts of effectual positions, computed from popcounts instead of the pairs themselves.

A position is effectual if both operands are non-zero. Every function returns one count per stored
sample, int64 (S). `over_batch` sums them for a batch that repeats the samples. For groups, split
the channels (`bitmaps.split_channels`) and add the counts of the groups.
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import Counts, Words, flat, popcounts, transpose_bits
from accelsim.kernels.bits.taps import Taps
from accelsim.kernels.jit import jit


def over_batch(counts: Counts, batch: int) -> int:
    """Sum int64 (S) over a batch that repeats the S samples cyclically."""
    repeats, rest = divmod(batch, len(counts))
    return int(counts.sum()) * repeats + int(counts[:rest].sum())


def effectual_dense(
    moving: Words, outputs: int, row_taps: Taps, col_taps: Taps, needed: Words | None = None
) -> Counts:
    """Effectual MACs of FF or EP with a dense stationary operand: int64 (S).

    The count is the non-zeros under each output's kernel, times the outputs there. ``moving``:
    uint64 (S, H, W, Cw). ``needed``: uint64 (S', Y, X, Kw), restricts the count to its set outputs
    (y, x, k), samples repeating; the result then has lcm(S, S') counts.
    """
    covered = covered_ones(popcounts(moving), row_taps, col_taps)
    if needed is None:
        return np.asarray(covered.sum(axis=1) * outputs)
    rows = popcounts(needed).reshape(len(needed), -1)
    samples = np.arange(np.lcm(len(covered), len(needed)))
    return np.asarray((covered[samples % len(covered)] * rows[samples % len(needed)]).sum(axis=1))


def effectual_masked(
    moving: Words, channels: int, stationary: Words, row_taps: Taps, col_taps: Taps
) -> Counts:
    """Effectual MACs of FF or EP with zeros in the stationary operand, all outputs computed: int64
    (S).

    ``moving``: uint64 (S, H, W, Cw). ``stationary``: uint64 (K, TR*TC, Cw). The count is a sum over
    taps and channels:

        (positions at which the moving operand is non-zero) x (kernels that are non-zero)
    """
    kernels, taps, width = stationary.shape
    weights = popcounts(
        transpose_bits(flat(stationary).reshape(kernels, -1), taps * width * 64)
    ).reshape(taps, width * 64)[:, :channels]
    return weighted_ones(flat(moving), channels, np.ascontiguousarray(weights), row_taps, col_taps)


def effectual_wgrad(x: Words, e: Words, row_taps: Taps, col_taps: Taps) -> Counts:
    """Effectual MACs of WG: int64 (lcm(S, S')).

    ``x``: uint64 (S, H, W, Cw). ``e``: uint64 (S', P, Q, Kw). A fully connected layer has maps and
    taps of size 1.
    """
    return effectual_dense(x, 0, row_taps, col_taps, e)


def grouped_wgrad(x: Words, e: Words, row_taps: Taps, col_taps: Taps) -> Counts:
    """Effectual MACs of WG of all groups of a convolution: int64 (lcm(S, S')).

    ``x``: uint64 (G, S, H, W, Cw) and ``e``: uint64 (G, S', P, Q, Kw), the channels of each group.
    """
    groups, samples, errors = len(x), x.shape[1], e.shape[1]
    maps = popcounts(x).reshape(-1, *x.shape[2:4])
    covered = covered_ones(maps, row_taps, col_taps).reshape(groups, samples, -1)
    rows = popcounts(e).reshape(groups, errors, -1)
    return np.array(
        [
            int((covered[:, n % samples] * rows[:, n % errors]).sum())
            for n in range(np.lcm(samples, errors))
        ],
        np.int64,
    )


def set_positions(x: Words, row_taps: Taps, col_taps: Taps) -> Counts:
    """Set bits of x over all lanes (r, s, c) of WG, or over the streams of all outputs of FF: int64
    (S).
    """
    return np.asarray(covered_ones(popcounts(x), row_taps, col_taps).sum(axis=1))


@jit
def covered_ones(counts: Counts, row_taps: Taps, col_taps: Taps) -> Counts:
    """Set bits under each output's kernel: int64 (S, H, W) per source position -> int64 (S,
    Y*X).
    """
    samples = counts.shape[0]
    rows, cols = row_taps.shape[0], col_taps.shape[0]
    result = np.zeros((samples, rows * cols), dtype=np.int64)
    for n in range(samples):
        for y in range(rows):
            for x in range(cols):
                total = 0
                for i in range(row_taps.shape[1]):
                    row = row_taps[y, i]
                    if row >= 0:
                        for j in range(col_taps.shape[1]):
                            col = col_taps[x, j]
                            if col >= 0:
                                total += counts[n, row, col]
                result[n, y * cols + x] = total
    return result


@jit
def weighted_ones(
    moving: Words, channels: int, weights: Counts, row_taps: Taps, col_taps: Taps
) -> Counts:
    """Sum of weights over the set bits of the moving operand under all outputs and taps: int64 (S).

    ``moving``: uint64 (S, H, W, Cw). ``weights``: int64 (T, C), per tap and channel.
    """
    samples = moving.shape[0]
    result = np.zeros(samples, dtype=np.int64)
    col_count = col_taps.shape[1]
    for n in range(samples):
        for y in range(row_taps.shape[0]):
            for i in range(row_taps.shape[1]):
                row = row_taps[y, i]
                if row < 0:
                    continue
                for x in range(col_taps.shape[0]):
                    for j in range(col_count):
                        col = col_taps[x, j]
                        if col < 0:
                            continue
                        total = np.int64(0)
                        for c in range(channels):
                            bit = (moving[n, row, col, c // 64] >> np.uint64(c % 64)) & np.uint64(1)
                            total += np.int64(bit) * weights[i * col_count + j, c]
                        result[n] += total
    return result
