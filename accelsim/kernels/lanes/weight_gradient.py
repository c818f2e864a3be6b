"""Cycles of WG lanes: one weight's gradient per lane, with a stream over (sample, row, column) of
the output map.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import NamedTuple

import numpy as np
from numba import prange

from accelsim.kernels.bits.bitmaps import (
    Chunks,
    Counts,
    Cycles,
    PackedMask,
    flat,
    ones,
    popcounts,
    split_channels,
)
from accelsim.kernels.bits.effectual import grouped_wgrad, over_batch, set_positions
from accelsim.kernels.bits.intrinsics import container
from accelsim.kernels.bits.taps import MapTaps, each_once
from accelsim.kernels.jit import jit, parallel_jit
from accelsim.kernels.lanes.walk import LaneState, fill_chunks, walk_lanes

SKIPS = ("none", "moving", "stationary", "both")
LANES = (64, 512)
"""Minimum and maximum lanes walked in parallel: the state of 512 fits a first-level cache."""
PARALLEL_POSITIONS = 1 << 31
"""Positions from which threads pay off: about ten milliseconds on one core. Less work is done
before a second thread wakes up.
"""
STREAM_BYTES = 1 << 19
"""Bytes of the chunks of lanes walked in parallel: they stay in a second-level cache while every
row k passes over them.
"""


def wgrad_cycles(
    x: PackedMask, e: PackedMask, batch: int, taps: MapTaps, window: int, skip: str
) -> tuple[Cycles, int]:
    """Cycles of every lane of a convolution's weight gradient, and the set bits of all K * R*S*C
    lanes' pair masks.

    ``x``: (S, H, W, Cw), C channels. ``e``: (S', P, Q, Kw), K channels. ``taps``: (P, R) and (Q,
    S), from `forward_taps`. Samples repeat cyclically up to ``batch``, and the window runs on from
    one sample into the next. Rows are k, lanes (r, s, c). Cycles are int32:

    - ``skip`` both: pairs x & e, (K, R*S*C);
    - moving: x alone, (1, R*S*C);
    - stationary: e alone, (K, 1);
    - none: (1, 1).

    ValueError for other values.
    """
    return _wgrad(PackedMask(x.words[None], x.channels), e, batch, taps, window, skip)


def grouped_wgrad_cycles(
    x: PackedMask, e: PackedMask, batch: int, taps: MapTaps, window: int, skip: str
) -> tuple[Cycles, int]:
    """`wgrad_cycles` of a grouped convolution, all groups in one call.

    ``x``: (G, S, H, W, Cw), C channels per group. ``e``: (S', P, Q, Kw), K channels of all groups.
    Cycles are int32 (K, R*S*C) in every mode. Thousands of groups have few lanes each, so that a
    call per group would take longer than the walk.
    """
    cycles, total = _wgrad(x, e, batch, taps, window, skip)
    if skip == "moving":
        cycles = np.repeat(cycles, e.channels // len(x.words), axis=0)
    shape = (e.channels, taps.kernel * x.channels)
    return np.ascontiguousarray(np.broadcast_to(cycles, shape)), total


def _wgrad(
    x: PackedMask, e: PackedMask, batch: int, taps: MapTaps, window: int, skip: str
) -> tuple[Cycles, int]:
    """As `grouped_wgrad_cycles`, with rows and lanes as in `wgrad_cycles`: moving has one row per
    group.
    """
    if skip not in SKIPS:
        raise ValueError(f"skip must be one of {', '.join(SKIPS)}, got {skip}")
    x, e = (PackedMask(flat(words), channels) for words, channels in (x, e))
    total = _set_pairs(x, e, batch, taps, skip)
    if skip == "none":
        return np.full((1, 1), batch * taps.outputs, dtype=np.int32), total
    if skip == "both":
        return _cycles(x, taps, e, batch, window), total
    rows, cols, rows_of_e = len(taps.rows), len(taps.cols), len(x.words)
    if skip == "stationary":
        # The lanes are the channels of e, against a dense operand.
        x, taps, rows_of_e = PackedMask(e.words[None], e.channels), each_once(rows, cols), 1
    dense = PackedMask(ones(rows * cols, rows_of_e).reshape(1, rows, cols, -1), rows_of_e)
    cycles = _cycles(x, taps, dense, batch, window)
    return cycles if skip == "moving" else cycles.T.copy(), total


class RowStreams(NamedTuple):
    """Streams of the shared operand's channels (rows k): ``repeats`` periods, then a rest."""

    period: Chunks
    """(K, T): chunks of a period."""
    rest: Chunks
    """(K, T'): chunks of the rest."""
    repeats: int
    rest_length: int
    """Positions of the rest."""
    length: int
    """Positions of the longer of period and rest."""
    window: int


def _cycles(x: PackedMask, taps: MapTaps, e: PackedMask, batch: int, window: int) -> Cycles:
    """Cycles, int32 (K, R*S*C), of the pairs x & e. ``x``: (G, S, H, W, Cw)."""
    lanes = taps.kernel * x.channels
    if window == 1:  # every position takes its cycle
        return np.full((e.channels, lanes), batch * taps.outputs, dtype=np.int32)
    samples = lcm(x.words.shape[1], len(e.words))
    repeats, period, rest = periods(samples, taps.outputs, batch, window)
    kind = container(window)
    cycles = np.empty((e.channels, lanes), dtype=np.int32)
    length = max(period, rest)
    lane_bytes = -(-length // window) * kind.itemsize
    groups = lane_groups(
        taps.kernel, x.channels, min(max(STREAM_BYTES // lane_bytes, LANES[0]), LANES[1])
    )
    streams = RowStreams(
        row_chunks(e, window, period, kind),
        row_chunks(e, window, rest, kind),
        repeats,
        rest,
        length,
        window,
    )
    if cycles.size * length < PARALLEL_POSITIONS:
        wgrad_serial(x, taps, streams, groups, cycles)
    else:
        wgrad_lanes(x, taps, streams, groups, cycles)
    return cycles


def periods(samples: int, positions: int, batch: int, window: int) -> tuple[int, int, int]:
    """(repeats, period, rest): the batch's stream is ``repeats`` periods, then ``rest`` positions.

    A period is a whole number of chunks and of rounds of the samples. A stream with fewer than two
    periods is all rest.
    """
    cycle = samples * positions
    period = cycle * (window // gcd(window, cycle))
    repeats, rest = divmod(batch * positions, period)
    return (repeats, period, rest) if repeats > 1 else (0, 0, batch * positions)


def lane_groups(kernel: int, channels: int, lanes: int) -> Counts:
    """Groups of about ``lanes`` lanes to walk in parallel: int64 (groups, 4).

    Columns: first and end kernel position, first and end 64-channel word. A group has whole kernel
    positions if several fit, else words of a single one, evenly divided.
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


def row_chunks(mask: PackedMask, window: int, length: int, kind: Chunks) -> Chunks:
    """Chunks (C, T) of each channel's stream over (sample, row, column); zeros from ``length``
    on.
    """
    _, rows, cols, width = mask.words.shape
    chunks = np.zeros((-(-length // window), -(-mask.channels // 64) * 64), dtype=kind.dtype)
    group = np.array([0, 1, 0, width])
    lane_chunks(mask, each_once(rows, cols), group, window, length, chunks)
    return np.ascontiguousarray(chunks[:, : mask.channels].T)


@jit
def lane_chunks(
    mask: PackedMask, taps: MapTaps, group: Counts, window: int, length: int, chunks: Chunks
) -> None:
    """Fill ``chunks`` (T, lanes) for one group's lanes, in their order."""
    words, channels = mask
    first = group[2] * 64
    width = min(channels, group[3] * 64) - first
    for tap in range(group[0], group[1]):
        for word in range(group[2], group[3]):
            lane = (tap - group[0]) * width + word * 64 - first
            lanes = min(64, channels - word * 64)
            fill_chunks(words, taps, tap, word, lanes, window, length, chunks, lane)


@jit
def wgrad_group(
    x: PackedMask, taps: MapTaps, streams: RowStreams, group: Counts, cycles: Cycles, part: int
) -> None:
    """`wgrad_lanes` for the lanes of one group of lanes, in the convolution's group ``part``."""
    channels, window = x.channels, streams.window
    share = cycles.shape[0] // x.words.shape[0]
    own = PackedMask(x.words[part], channels)
    first = group[0] * channels + group[2] * 64
    end = min(group[1] * channels, (group[1] - 1) * channels + group[3] * 64)
    lanes = (end - first + 63) // 64 * 64
    kind = streams.rest.dtype
    chunks = np.zeros(((streams.length + window - 1) // window, lanes), dtype=kind)
    lane_chunks(own, taps, group, window, streams.length, chunks)
    state, scratch = np.empty((2, lanes), kind), np.empty((2, lanes), np.int32)
    lane_state = LaneState(state[0], state[1], scratch[0], scratch[1])
    for k in range(part * share, (part + 1) * share):
        walk_lanes(
            streams.period[k],
            streams.rest[k],
            chunks,
            streams.repeats,
            streams.rest_length,
            window,
            lane_state,
            cycles[k, first:end],
        )


@parallel_jit
def wgrad_lanes(
    x: PackedMask, taps: MapTaps, streams: RowStreams, groups: Counts, cycles: Cycles
) -> None:
    """Fill ``cycles``, int32 (K, R*S*C), of the pairs x & e.

    ``x``: (G, S, H, W, Cw). ``streams``: those of e's channels, group by group. ``groups``: from
    `lane_groups`.
    """
    count = groups.shape[0]
    for g in prange(x.words.shape[0] * count):
        wgrad_group(x, taps, streams, groups[g % count], cycles, g // count)


@jit
def wgrad_serial(
    x: PackedMask, taps: MapTaps, streams: RowStreams, groups: Counts, cycles: Cycles
) -> None:
    """`wgrad_lanes` in one thread."""
    for part in range(x.words.shape[0]):
        for g in range(groups.shape[0]):
            wgrad_group(x, taps, streams, groups[g], cycles, part)


def _set_pairs(x: PackedMask, e: PackedMask, batch: int, taps: MapTaps, skip: str) -> int:
    """Set bits of all K * R*S*C lanes' pair masks over the batch. ``x``: (G, S, H, W, Cw)."""
    lanes, groups = taps.kernel * x.channels, len(x.words)
    if skip == "none":
        return e.channels * lanes * batch * taps.outputs
    if skip == "moving":
        bits = set_positions(x.words.reshape(-1, *x.words.shape[2:]), *taps)
        return over_batch(bits.reshape(groups, -1).sum(axis=0), batch) * (e.channels // groups)
    if skip == "stationary":
        rows = popcounts(e.words).reshape(len(e.words), -1)
        return over_batch(rows.sum(axis=1), batch) * lanes
    return over_batch(
        grouped_wgrad(x.words, split_channels(e.words, e.channels, groups), *taps), batch
    )
