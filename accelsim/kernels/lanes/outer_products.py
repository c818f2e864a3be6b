"""Cycles of WG lanes of a fully connected layer, whose gradient is an outer product.

A lane's stream is its segment of every sample.
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import (
    Counts,
    Cycles,
    Words,
    flat,
    ones,
    popcounts,
    slice_channels,
    transpose_bits,
)
from accelsim.kernels.jit import jit
from accelsim.kernels.lanes.weight_gradient import SKIPS
from accelsim.kernels.lanes.zero_skip import summarise


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

    ``x``, the moving vector: uint64 (S, Cw). ``e``: uint64 (S', Kw). Samples repeat cyclically up
    to ``batch``. Row k deals x[n, 0:C] to ``segments`` lanes, in contiguous segments of
    ceil(C/segments); the last may be short or empty. Cycles are int32 (K, segments) for ``skip``
    both and stationary, (1, segments) for moving and none. ValueError for other values.
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
    )  # rows with equal zeros have equal lanes
    summaries = segment_summaries(moving, channels, segments, window)
    cycles = outer_lanes(
        summaries, segment_sizes(channels, segments), patterns, len(stationary), batch, window
    )
    left, right = popcounts(moving), popcounts(stationary)
    total = sum(int(left[n % len(moving)]) * int(right[n % len(stationary)]) for n in range(batch))
    return cycles[pattern_of.reshape(-1)], total * (outputs // rows)


def segment_sizes(channels: int, segments: int) -> Counts:
    """Positions per sample of each lane, int64 (segments): ceil(C/segments), the last ones short or
    empty.
    """
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
    """Cycles, int32 (rows, segments), of the lanes of an outer product.

    ``summary``: from `segment_summaries`. ``patterns``: each row's bits over the ``samples``
    samples of e, uint64 (rows, Sw).
    """
    segments = sizes.shape[0]
    rows = patterns.shape[0]
    cycles = np.empty((rows, segments), dtype=np.int32)
    gap = np.empty(
        segments, dtype=np.int64
    )  # zeros since the last set bit, without whole windows already burned
    total = np.empty(segments, dtype=np.int64)
    inverse = np.int64(
        (1 << 32) // window + 1
    )  # floor(v / W) = v * inverse >> 32 for v * W < 2**32
    for k in range(rows):
        gap[:] = 0
        total[:] = 0
        for n in range(batch):
            sample = n % samples
            lead, tail, inner = (
                summary[0, n % summary.shape[1]],
                summary[1, n % summary.shape[1]],
                summary[2, n % summary.shape[1]],
            )
            if (patterns[k, sample // 64] >> np.uint64(sample % 64)) & np.uint64(1):
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
