"""Cycles of WG lanes: one weight's gradient a lane, its stream the positions (sample, row, column)
of the output map.
"""

from __future__ import annotations

from math import gcd

import numpy as np
from numba import prange

from accelsim.kernels.bits.bitmaps import (
    Chunks,
    Counts,
    Cycles,
    Words,
    flat,
    ones,
    popcounts,
    slice_channels,
    transpose_bits,
)
from accelsim.kernels.bits.effectual import effectual_wgrad, over_batch, set_positions
from accelsim.kernels.bits.intrinsics import container
from accelsim.kernels.bits.taps import Taps
from accelsim.kernels.jit import jit, parallel_jit
from accelsim.kernels.lanes.walk import fill_chunks, walk_lanes
from accelsim.kernels.lanes.zero_skip import summarise

SKIPS = ("none", "moving", "stationary", "both")
LANES = (64, 512)
PARALLEL_POSITIONS = (
    1 << 31
)  # some ten milliseconds of one core: less is done before a second thread has woken up
"""Lanes walked abreast, fewest and most: the state of 512 fits a first-level cache."""
STREAM_BYTES = 1 << 19
"""Of the chunks of the lanes walked abreast together: they stay in a second-level cache while every
row k passes over them.
"""


def wgrad_cycles(
    x: Words,
    e: Words,
    batch: int,
    channels: int,
    outputs: int,
    row_taps: Taps,
    col_taps: Taps,
    window: int,
    skip: str,
) -> tuple[Cycles, int]:
    """Cycles of every lane of a convolution's weight gradient, and the set bits of all lanes' pair
    masks.

    x uint64 (S, H, W, Cw), e uint64 (S', P, Q, Kw), row_taps (P, R) and col_taps (Q, S) from
    `forward_taps`; samples repeat cyclically up to ``batch`` and the window runs on from one sample
    into the next. Rows k, lanes (r, s, c). skip ``both``: pairs x & e, int32 (K, R*S*C);
    ``moving``: x alone, (1, R*S*C); ``stationary``: e alone, (K, 1); ``none``: (1, 1). The set bits
    are those of all K * R*S*C lanes.
    """
    if skip not in SKIPS:
        raise ValueError(f"skip must be one of {', '.join(SKIPS)}, got {skip}")
    x, e = flat(x), flat(e)
    rows, cols = row_taps.shape[0], col_taps.shape[0]
    total = _set_pairs(x, e, batch, channels, outputs, row_taps, col_taps, skip)
    if skip == "none":
        return np.full((1, 1), batch * rows * cols, dtype=np.int32), total
    own_rows, own_cols = (
        np.arange(rows, dtype=np.int32)[:, None],
        np.arange(cols, dtype=np.int32)[:, None],
    )
    if skip == "stationary":  # the lanes are e's channels, against a dense operand
        dense = ones(rows * cols, 1).reshape(1, rows, cols, 1)
        return _cycles(e, outputs, own_rows, own_cols, dense, 1, batch, window).T.copy(), total
    if skip == "moving":
        return _cycles(
            x,
            channels,
            row_taps,
            col_taps,
            ones(rows * cols, 1).reshape(1, rows, cols, 1),
            1,
            batch,
            window,
        ), total
    return _cycles(x, channels, row_taps, col_taps, e, outputs, batch, window), total


def _cycles(
    x: Words,
    channels: int,
    row_taps: Taps,
    col_taps: Taps,
    e: Words,
    outputs: int,
    batch: int,
    window: int,
) -> Cycles:
    """Cycles int32 (outputs, R*S*C) of the pairs x & e."""
    if window == 1:  # every position takes its cycle
        return np.full(
            (outputs, row_taps.shape[1] * col_taps.shape[1] * channels),
            batch * len(row_taps) * len(col_taps),
            dtype=np.int32,
        )
    repeats, period, rest = periods(
        len(x) * len(e) // gcd(len(x), len(e)), len(row_taps) * len(col_taps), batch, window
    )
    kind = container(window)
    kernel = row_taps.shape[1] * col_taps.shape[1]
    cycles = np.empty((outputs, kernel * channels), dtype=np.int32)
    lane_bytes = -(-max(period, rest) // window) * kind.itemsize
    groups = lane_groups(kernel, channels, min(max(STREAM_BYTES // lane_bytes, LANES[0]), LANES[1]))
    period_e, rest_e = (
        row_chunks(e, outputs, window, period, kind),
        row_chunks(e, outputs, window, rest, kind),
    )
    length = max(period, rest)
    if cycles.size * length < PARALLEL_POSITIONS:
        for group in groups:
            wgrad_group(
                x,
                channels,
                row_taps,
                col_taps,
                period_e,
                rest_e,
                repeats,
                length,
                rest,
                window,
                group,
                cycles,
            )
    else:
        wgrad_lanes(
            x,
            channels,
            row_taps,
            col_taps,
            period_e,
            rest_e,
            repeats,
            length,
            rest,
            window,
            groups,
            cycles,
        )
    return cycles


def periods(samples: int, positions: int, batch: int, window: int) -> tuple[int, int, int]:
    """(repeats, period, rest): the batch's stream is ``repeats`` times a period of whole chunks and
    whole sample cycles, then ``rest`` positions.

    A stream that repeats less than twice is all rest.
    """
    cycle = samples * positions
    period = cycle * (window // gcd(window, cycle))
    repeats, rest = divmod(batch * positions, period)
    return (repeats, period, rest) if repeats > 1 else (0, 0, batch * positions)


def lane_groups(kernel: int, channels: int, lanes: int) -> Counts:
    """Lanes walked together, about ``lanes``: int64 (groups, 4) of first and end kernel position,
    first and end 64-channel word.

    Whole kernel positions where several fit, else words of one, evenly filled.
    """
    width = -(-channels // 64)
    taps = -(-kernel // -(-kernel * channels // lanes)) if channels <= lanes else 1
    words = width if channels <= lanes else -(-width // -(-channels // lanes))
    return np.array(
        [
            [tap, min(kernel, tap + taps), word, min(width, word + words)]
            for tap in range(0, kernel, taps)
            for word in range(0, width, words)
        ],
        dtype=np.int64,
    )


def row_chunks(bits: Words, channels: int, window: int, length: int, kind: Chunks) -> Chunks:
    """Chunks (C, T) of each channel's stream over (sample, row, column), zeros behind
    ``length``.
    """
    rows, cols = (np.arange(size, dtype=np.int32)[:, None] for size in bits.shape[1:3])
    chunks = np.zeros((-(-length // window), -(-channels // 64) * 64), dtype=kind.dtype)
    lane_chunks(
        bits, channels, rows, cols, np.array([0, 1, 0, bits.shape[3]]), window, length, chunks
    )
    return np.ascontiguousarray(chunks[:, :channels].T)


@jit
def lane_chunks(
    bits: Words,
    channels: int,
    row_taps: Taps,
    col_taps: Taps,
    group: Counts,
    window: int,
    length: int,
    chunks: Chunks,
) -> None:
    """Fill the chunks (T, lanes) of one group's lanes, in their order."""
    col_count = col_taps.shape[1]
    first = group[2] * 64
    width = min(channels, group[3] * 64) - first
    for tap in range(group[0], group[1]):
        for word in range(group[2], group[3]):
            lane = (tap - group[0]) * width + word * 64 - first
            lanes = min(64, channels - word * 64)
            fill_chunks(
                bits,
                row_taps,
                col_taps,
                tap // col_count,
                tap % col_count,
                word,
                lanes,
                window,
                length,
                chunks,
                lane,
            )


@jit
def wgrad_group(
    x: Words,
    channels: int,
    row_taps: Taps,
    col_taps: Taps,
    period_e: Chunks,
    rest_e: Chunks,
    repeats: int,
    length: int,
    rest: int,
    window: int,
    group: Counts,
    cycles: Cycles,
) -> None:
    """`wgrad_lanes` for the lanes of one group."""
    first = group[0] * channels + group[2] * 64
    end = min(group[1] * channels, (group[1] - 1) * channels + group[3] * 64)
    lanes = (end - first + 63) // 64 * 64
    chunks = np.zeros(((length + window - 1) // window, lanes), dtype=rest_e.dtype)
    lane_chunks(x, channels, row_taps, col_taps, group, window, length, chunks)
    state = np.empty((2, lanes), dtype=rest_e.dtype)
    scratch = np.empty((2, lanes), dtype=np.int32)
    for k in range(cycles.shape[0]):
        walk_lanes(
            period_e[k],
            rest_e[k],
            chunks,
            repeats,
            rest,
            window,
            state[0],
            state[1],
            scratch[0],
            scratch[1],
            cycles[k, first:end],
        )


@parallel_jit
def wgrad_lanes(
    x: Words,
    channels: int,
    row_taps: Taps,
    col_taps: Taps,
    period_e: Chunks,
    rest_e: Chunks,
    repeats: int,
    length: int,
    rest: int,
    window: int,
    groups: Counts,
    cycles: Cycles,
) -> None:
    """Fill cycles int32 (K, R*S*C) of the pairs x & e.

    period_e, rest_e: `row_chunks` of e for the period and the rest of `periods`; ``length`` the
    longer of both; groups from `lane_groups`.
    """
    for g in prange(groups.shape[0]):
        wgrad_group(
            x,
            channels,
            row_taps,
            col_taps,
            period_e,
            rest_e,
            repeats,
            length,
            rest,
            window,
            groups[g],
            cycles,
        )


def _set_pairs(
    x: Words,
    e: Words,
    batch: int,
    channels: int,
    outputs: int,
    row_taps: Taps,
    col_taps: Taps,
    skip: str,
) -> int:
    """Set bits of all K * R*S*C lanes' pair masks over the batch."""
    lanes: int = row_taps.shape[1] * col_taps.shape[1] * channels
    if skip == "none":
        return outputs * lanes * batch * len(row_taps) * len(col_taps)
    if skip == "moving":
        return over_batch(set_positions(x, row_taps, col_taps), batch) * outputs
    if skip == "stationary":
        return over_batch(popcounts(e).reshape(len(e), -1).sum(axis=1), batch) * lanes
    return over_batch(effectual_wgrad(x, e, row_taps, col_taps), batch)


def outer_cycles(
    x: Words,
    e: Words,
    batch: int,
    channels: int,
    outputs: int,
    segments: int,
    window: int,
    skip: str,
) -> tuple[Cycles, int]:
    """Cycles of a fully connected layer's weight gradient, and the set bits of all lanes' pair
    masks.

    x uint64 (S, Cw), e uint64 (S', Kw), samples repeating cyclically. Row k deals x[n, 0:C] in
    contiguous segments of ceil(C/segments) to ``segments`` lanes, the last may be short or empty; a
    lane's stream is its segment of every sample. The moving vector is x. int32 (K, segments) for
    skip ``both`` and ``stationary``, (1, segments) for ``moving`` and ``none``.
    """
    if skip not in SKIPS:
        raise ValueError(f"skip must be one of {', '.join(SKIPS)}, got {skip}")
    x, e = flat(x), flat(e)
    moving = x if skip in ("both", "moving") else ones(1, channels)
    stationary = e if skip in ("both", "stationary") else ones(1, 1)
    rows = outputs if skip in ("both", "stationary") else 1
    if skip == "none":
        sizes = segment_sizes(channels, segments)
        return (sizes[None, :] * batch).astype(np.int32), outputs * channels * batch
    patterns, pattern_of = np.unique(
        transpose_bits(stationary, rows), axis=0, return_inverse=True
    )  # rows of equal zeros have equal lanes
    summaries = segment_summaries(moving, channels, segments, window)
    cycles = outer_lanes(
        summaries, segment_sizes(channels, segments), patterns, len(stationary), batch, window
    )
    left, right = popcounts(moving), popcounts(stationary)
    total = sum(int(left[n % len(moving)]) * int(right[n % len(stationary)]) for n in range(batch))
    return cycles[pattern_of.reshape(-1)], total * (outputs // rows)


def segment_sizes(channels: int, segments: int) -> Counts:
    """Positions a sample gives each lane: ceil(C/segments), the last ones short or empty."""
    size = -(-channels // segments)
    return np.clip(channels - np.arange(segments) * size, 0, size)


def segment_summaries(bits: Words, channels: int, segments: int, window: int) -> Counts:
    """`summarise` of each lane's segment of each sample: int64 (4, S, segments)."""
    sizes = segment_sizes(channels, segments)
    result = np.zeros((4, len(bits), segments), dtype=np.int64)
    result[0] = -1
    for j in np.flatnonzero(sizes):
        first = int(j * sizes[0])
        result[:, :, j] = summarise(
            slice_channels(bits, first, first + int(sizes[j])), int(sizes[j]), window
        ).T
    return result


@jit
def outer_lanes(
    summary: Counts, sizes: Counts, patterns: Words, samples: int, batch: int, window: int
) -> Cycles:
    """Cycles int32 (rows, segments) from `segment_summaries` and each row's bits over the
    ``samples`` samples of e, uint64 (rows, Sw).
    """
    segments = sizes.shape[0]
    rows = patterns.shape[0]
    cycles = np.empty((rows, segments), dtype=np.int32)
    gap = np.empty(
        segments, dtype=np.int64
    )  # zeros since the last set bit, whole windows already burned
    total = np.empty(segments, dtype=np.int64)
    inverse = np.int64(
        (1 << 32) // window + 1
    )  # floor(v / W) = v * inverse >> 32 for v * W < 2**32
    for k in range(rows):
        gap[:] = 0
        total[:] = 0
        for n in range(batch):
            own = n % samples
            lead, tail, inner = (
                summary[0, n % summary.shape[1]],
                summary[1, n % summary.shape[1]],
                summary[2, n % summary.shape[1]],
            )
            if (patterns[k, own // 64] >> np.uint64(own % 64)) & np.uint64(1):
                for j in range(segments):
                    taken = lead[j] >= 0
                    zeros = gap[j] + (lead[j] if taken else sizes[j])
                    burned = (zeros * inverse) >> 32
                    total[j] += burned + (inner[j] if taken else 0)
                    gap[j] = tail[j] if taken else zeros - burned * window
            else:
                for j in range(segments):
                    zeros = gap[j] + sizes[j]
                    burned = (zeros * inverse) >> 32
                    total[j] += burned
                    gap[j] = zeros - burned * window
        for j in range(segments):
            cycles[k, j] = total[j] + (gap[j] + window - 1) // window
    return cycles
