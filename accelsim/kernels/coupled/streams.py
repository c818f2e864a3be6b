"""Pair streams of coupled PEs, gathered from packed masks as rows of 16 positions: FF, EP and
weight gradients.

A stream is as long as its output's reduction, or as two periods of a trace whose samples repeat. It
never grows with the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import Cycles, PackedMask, Words, flat, ones
from accelsim.kernels.bits.intrinsics import container
from accelsim.kernels.bits.taps import MapTaps, Taps, alike_outputs, each_once
from accelsim.kernels.coupled.staging import AHEAD, LANES, Rows, Staging, batch_cycles, pair_cycles
from accelsim.kernels.jit import jit
from accelsim.kernels.lanes.pair_streams import append_bits
from accelsim.kernels.lanes.weight_gradient import (
    SKIPS,
    lane_chunks,
    lane_groups,
    periods,
    row_chunks,
)

GATHERED_BYTES = 1 << 22
"""Bytes of rows gathered at a time: a few thousand streams, so that each gathering and each walk is
one long loop.
"""
LEAST_ROWS = 64
"""Minimum rows per period, at least `AHEAD`. Shorter periods are repeated, because a piece of few
rows costs more to set up than to walk.
"""
ROUND = 6
"""Periods after which buffer states are compared: empty streams advance by three rows, others often
by two.
"""


def stream_cycles(moving: Words, channels: int, row_taps: Taps, col_taps: Taps) -> Cycles:
    """Cycles of every output's stream of moving bits: int32 (S, Y*X).

    ``moving``: uint64 (S, H, W, Cw). Taps: (Y, TR) and (X, TC), as in `taps`.
    """
    moving = flat(moving)
    cycles = np.empty((len(moving), len(row_taps) * len(col_taps)), dtype=np.int32)
    for places, taps, _ in alike_outputs(MapTaps(row_taps, col_taps)):
        for sample in range(len(moving)):
            for part, gathered in _gathered(moving[sample], channels, *taps):
                cycles[sample, places[part]] = batch_cycles(gathered)
    return cycles


def pair_stream_cycles(
    moving: Words,
    channels: int,
    stationary: Words,
    row_taps: Taps,
    col_taps: Taps,
    skip: str = "both",
) -> Cycles:
    """Cycles of every output's pairs for one sample: int32 (K, Y*X).

    ``moving``: uint64 (H, W, Cw). ``stationary``: uint64 (K, TR*TC, Cw), in the order of the taps.
    Taps: int32 (Y, TR) and (X, TC). ``skip`` both: pairs moving & stationary; stationary: the
    stationary operand alone, at positions that are not removed. ValueError for other values.
    """
    if skip not in ("both", "stationary"):
        raise ValueError(f"skip must be both or stationary, got {skip}")
    moving, stationary = flat(moving), flat(stationary)
    cycles = np.empty((len(stationary), len(row_taps) * len(col_taps)), dtype=np.int32)
    for places, taps, kept in alike_outputs(MapTaps(row_taps, col_taps)):
        kernel = np.empty((len(stationary), -(-len(kept) * channels // LANES)), dtype=np.uint16)
        stationary_rows(stationary, kept, channels, kernel)
        if skip == "stationary":
            cycles[:, places] = batch_cycles(kernel)[:, None]
            continue
        for part, gathered in _gathered(moving, channels, *taps):
            cycles[:, places[part]] = pair_cycles(gathered, kernel)
    return cycles


def _gathered(
    moving: Words, channels: int, row_taps: Taps, col_taps: Taps
) -> Iterator[tuple[slice, Rows]]:
    """Yield (slice of positions, their rows uint16 (positions, n)), at most `GATHERED_BYTES` at a
    time.
    """
    positions = len(row_taps) * len(col_taps)
    size = -(-row_taps.shape[1] * col_taps.shape[1] * channels // LANES)
    step = max(1, min(positions, GATHERED_BYTES // (2 * size or 1)))
    for first in range(0, positions, step):
        gathered = np.empty((min(step, positions - first), size), dtype=np.uint16)
        moving_rows(moving, channels, row_taps, col_taps, first, gathered)
        yield slice(first, first + len(gathered)), gathered


@jit
def split_rows(stream: Words, rows: Rows) -> None:
    """Split a bit string in 64-bit words into rows of 16 bits, uint16 (n)."""
    for row in range(rows.shape[0]):
        rows[row] = (stream[row // 4] >> np.uint64(row % 4 * 16)) & np.uint64(0xFFFF)


@jit
def moving_rows(
    moving: Words, channels: int, row_taps: Taps, col_taps: Taps, first: int, rows: Rows
) -> None:
    """Write the rows, uint16 (M, n), of the streams of outputs from ``first`` on.

    ``moving``: uint64 (H, W, Cw). No tap is removed.
    """
    stream = np.empty(rows.shape[1] // 4 + 3, dtype=np.uint64)
    for m in range(rows.shape[0]):
        y, x = (first + m) // col_taps.shape[0], (first + m) % col_taps.shape[0]
        stream[:] = np.uint64(0)
        offset = 0
        for i in range(row_taps.shape[1]):
            for j in range(col_taps.shape[1]):
                row, col = row_taps[y, i], col_taps[x, j]
                if row >= 0 and col >= 0:
                    append_bits(stream, offset, moving[row, col], channels)
                offset += channels
        split_rows(stream, rows[m])


@jit
def stationary_rows(stationary: Words, taps: NDArray[np.int64], channels: int, rows: Rows) -> None:
    """Write the rows, uint16 (K, n), of the stationary streams over the kept taps: uint64 (K, T,
    Cw).
    """
    stream = np.empty(rows.shape[1] // 4 + 3, dtype=np.uint64)
    for k in range(rows.shape[0]):
        stream[:] = np.uint64(0)
        for i in range(taps.shape[0]):
            append_bits(stream, i * channels, stationary[k, taps[i]], channels)
        split_rows(stream, rows[k])


def wgrad_cycles(x: PackedMask, e: PackedMask, batch: int, taps: MapTaps, skip: str) -> Cycles:
    """Cycles of every weight's gradient on coupled PEs; arguments as for
    `weight_gradient.wgrad_cycles`.

    int32 of shape (K, R*S*C) for ``skip`` both, (1, R*S*C) for moving, (K, 1) for stationary, and
    (1, 1) for none and for streams of a single row. ValueError for other values.
    """
    if skip not in SKIPS:
        raise ValueError(f"skip must be one of {', '.join(SKIPS)}, got {skip}")
    x, e = (PackedMask(flat(words), channels) for words, channels in (x, e))
    positions = batch * taps.outputs
    if skip == "none" or positions <= LANES:
        # A stream of a single row takes one cycle, whatever it holds.
        return np.full((1, 1), -(-positions // LANES), dtype=np.int32)
    if skip == "both":
        return _wgrad(x, taps, e, batch)
    rows, cols = len(taps.rows), len(taps.cols)
    dense = PackedMask(ones(rows * cols, 1).reshape(1, rows, cols, 1), 1)
    if skip == "moving":
        return _wgrad(x, taps, dense, batch)
    return np.ascontiguousarray(_wgrad(e, each_once(rows, cols), dense, batch).T)


def _wgrad(x: PackedMask, taps: MapTaps, e: PackedMask, batch: int) -> Cycles:
    """Cycles, int32 (K, R*S*C), of the pairs x & e over samples, rows and columns."""
    samples = len(x.words) * len(e.words) // gcd(len(x.words), len(e.words))
    repeats, period, rest = _periods(samples, taps.outputs, batch)
    kernel, channels = taps.kernel, x.channels
    length, kind = max(period, rest), container(LANES)
    every = np.concatenate([row_chunks(e, LANES, size, kind) for size in (period, rest)], axis=1)
    distinct, which = np.unique(
        every, axis=0, return_inverse=True
    )  # dense channels are equal, and so are dead ones
    period_e, rest_e = distinct[:, : period // LANES], _padded(distinct[:, period // LANES :])
    cycles = np.empty((len(distinct), kernel * channels), dtype=np.int32)
    for group in lane_groups(kernel, channels, max(64, GATHERED_BYTES * 8 // length)):
        first, end = (
            group[0] * channels + group[2] * 64,
            min(group[1] * channels, (group[1] - 1) * channels + group[3] * 64),
        )
        chunks = np.zeros((-(-length // LANES), -(-(end - first) // 64) * 64), dtype=np.uint16)
        lane_chunks(x, taps, group, LANES, length, chunks)
        lanes = np.ascontiguousarray(chunks[:, : end - first].T)
        state = Staging(len(distinct), end - first)
        if repeats:
            _repeat(state, lanes[:, : period // LANES], period_e, rest_e, repeats)
        state.walk(_padded(lanes)[:, : rest_e.shape[1]], rest_e)
        cycles[:, first:end] = state.cycles
    return cycles[which.reshape(-1)]


def _periods(samples: int, positions: int, batch: int) -> tuple[int, int, int]:
    """(repeats, period, rest) as in `weight_gradient.periods`, with a period of at least
    `LEAST_ROWS` rows.
    """
    repeats, period, rest = periods(samples, positions, batch, LANES)
    if repeats:
        factor = -(-LEAST_ROWS * LANES // period)
        repeats, period, rest = (
            repeats // factor,
            period * factor,
            rest + repeats % factor * period,
        )
    return (repeats, period, rest) if repeats > 1 else (0, 0, batch * positions)


def _repeat(state: Staging, moving: Rows, stationary: Rows, rest: Rows, repeats: int) -> None:
    """Walk ``repeats`` periods, uint16 (M, n) and (K, n), on all pairs of streams.

    Once the buffers end a period in the state of `ROUND` periods before, every further round costs
    the same, and the rounds are multiplied instead of walked.
    """
    around = np.concatenate([moving, moving[:, :AHEAD]], axis=1)
    again = np.concatenate([stationary, stationary[:, :AHEAD]], axis=1)
    last = np.concatenate([stationary, rest[:, :AHEAD]], axis=1)
    done = 1
    state.walk(around, again)
    while done + ROUND < repeats:
        before, (first, left) = state.cycles.copy(), state.place()
        for _ in range(ROUND):
            state.walk(around, again)
        done += ROUND
        now = state.place()
        if np.array_equal(first, now[0]) and np.array_equal(left, now[1]):
            rounds = (repeats - 1 - done) // ROUND
            state.cycles += (state.cycles - before) * np.int32(rounds)
            done += rounds * ROUND
    for _ in range(repeats - 1 - done):
        state.walk(around, again)
    state.walk(around, last)


def _padded(rows: Rows) -> Rows:
    """Append the empty rows that a walk reads ahead."""
    return np.pad(rows, ((0, 0), (0, AHEAD)))
