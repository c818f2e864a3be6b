"""Cycles of FF and EP lanes that also skip zeros of the stationary operand (pruned weights, sparse
feedback).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import Chunks, Cycles, PackedMask, Words, flat
from accelsim.kernels.bits.intrinsics import both, container, low_bits, popcount
from accelsim.kernels.bits.taps import MapTaps, Taps, alike_outputs
from accelsim.kernels.jit import jit
from accelsim.kernels.lanes.walk import LaneState, walk_lanes


def pair_stream_cycles(
    moving: Words,
    channels: int,
    stationary: Words,
    row_taps: Taps,
    col_taps: Taps,
    window: int,
    skip: str = "both",
) -> tuple[Cycles, Cycles]:
    """Cycles and set bits of every lane's pair mask for one sample: both int32 (K, Y*X).

    ``moving``: uint64 (H, W, Cw). ``stationary``: uint64 (K, TR*TC, Cw), in the order of the taps
    (`taps.expand_kernel`). Taps: int32 (Y, TR) and (X, TC). ``skip`` both: pairs moving &
    stationary; stationary: the stationary operand alone, at positions that are not removed.
    ValueError for other values.
    """
    if skip not in ("both", "stationary"):
        raise ValueError(f"skip must be both or stationary, got {skip}")
    moving, stationary = flat(moving), flat(stationary)
    outputs = len(stationary)
    cycles = np.empty((outputs, len(row_taps) * len(col_taps)), dtype=np.int32)
    counts = np.empty_like(cycles)
    kind = container(window)
    for places, taps, kept in alike_outputs(MapTaps(row_taps, col_taps)):
        chunks = kernel_chunks(stationary, kept, channels, window, kind)
        pair_lanes(
            PackedMask(moving, channels),
            taps,
            chunks,
            window,
            skip == "both",
            places,
            cycles,
            counts,
        )
    return cycles, counts


@jit
def append_bits(stream: Words, offset: int, row: Words, count: int) -> None:
    """OR the first ``count`` bits of ``row`` into the bit string ``stream`` at ``offset``.

    ``stream`` is zero from ``offset`` on and one word longer than needed.
    """
    for word in range((count + 63) // 64):
        place = offset + word * 64
        shift = place % 64
        stream[place // 64] |= row[word] << np.uint64(shift)
        if shift:
            stream[place // 64 + 1] |= row[word] >> np.uint64(64 - shift)


@jit
def chunk_at(stream: Words, place: int, keep: Any) -> Any:
    """Bits of a bit string from ``place`` on, as many as ``keep`` has set, in the type of
    ``keep``.
    """
    shift = place % 64
    value = stream[place // 64] >> np.uint64(shift)
    if shift:
        value |= stream[place // 64 + 1] << np.uint64(64 - shift)
    return low_bits(value, 0, keep)


@jit
def kernel_chunks(
    stationary: Words, taps: NDArray[np.int64], channels: int, window: int, kind: Chunks
) -> Chunks:
    """Chunks of the stationary streams over the kept taps: (T, K padded with zeros to a multiple of
    64).
    """
    outputs = stationary.shape[0]
    length = taps.shape[0] * channels
    keep = kind.dtype.type((~np.uint64(0)) >> np.uint64(64 - window))
    chunks = np.zeros(
        ((length + window - 1) // window, (outputs + 63) // 64 * 64), dtype=kind.dtype
    )
    stream = np.empty((length + window) // 64 + 3, dtype=np.uint64)
    for k in range(outputs):
        for i in range(stream.shape[0]):
            stream[i] = np.uint64(0)
        for i in range(taps.shape[0]):
            append_bits(stream, i * channels, stationary[k, taps[i]], channels)
        for t in range(chunks.shape[0]):
            chunks[t, k] = chunk_at(stream, t * window, keep)
    return chunks


@jit
def add_ones(e: Chunks, x: Chunks, counts: Cycles) -> None:
    """Write the set bits of the pairs e (T) & x (T, lanes) to ``counts``, int32 (at most lanes)."""
    for i in range(counts.shape[0]):
        counts[i] = 0
    for t in range(e.shape[0]):
        e0, x0 = e[t], x[t]
        if e0:
            for i in range(counts.shape[0]):
                counts[i] += np.int32(popcount(both(e0, x0[i])))


@jit
def pair_row(
    moving: PackedMask,
    taps: MapTaps,
    y: int,
    chunks: Chunks,
    window: int,
    skip_moving: bool,
    places: NDArray[np.int64],
    cycles: Cycles,
    counts: Cycles,
) -> None:
    """`pair_lanes` for the outputs of row ``y`` of the map."""
    words, channels = moving
    row_taps, col_taps = taps
    outputs = cycles.shape[0]
    row_count = row_taps.shape[1]
    cols, col_count = col_taps.shape
    length = row_count * col_count * channels
    keep = chunks.dtype.type((~np.uint64(0)) >> np.uint64(64 - window))
    lanes = chunks.shape[1]
    state, scratch = np.empty((2, lanes), chunks.dtype), np.empty((2, lanes), np.int32)
    lane_state = LaneState(state[0], state[1], scratch[0], scratch[1])
    result = np.empty(outputs, dtype=np.int32)
    stream = np.empty((length + window) // 64 + 3, dtype=np.uint64)
    pairs = np.empty(chunks.shape[0], dtype=chunks.dtype)
    for x in range(cols):
        for i in range(stream.shape[0]):
            stream[i] = np.uint64(0)
        for i in range(row_count):
            for j in range(col_count):
                row, col = row_taps[y, i], col_taps[x, j]
                if skip_moving and row >= 0 and col >= 0:
                    append_bits(stream, (i * col_count + j) * channels, words[row, col], channels)
        for t in range(pairs.shape[0]):
            pairs[t] = chunk_at(stream, t * window, keep) if skip_moving else keep
        place = places[y * cols + x]
        walk_lanes(pairs, pairs, chunks, 0, length, window, lane_state, result)
        for k in range(outputs):
            cycles[k, place] = result[k]
        add_ones(pairs, chunks, result)
        for k in range(outputs):
            counts[k, place] = result[k]


@jit
def pair_lanes(
    moving: PackedMask,
    taps: MapTaps,
    chunks: Chunks,
    window: int,
    skip_moving: bool,
    places: NDArray[np.int64],
    cycles: Cycles,
    counts: Cycles,
) -> None:
    """Fill columns ``places`` (one per output (y, x)) of cycles and counts, int32 (K, Y*X).

    ``chunks``: (T, lanes), those of the stationary channels.
    """
    for y in range(taps.rows.shape[0]):
        pair_row(moving, taps, y, chunks, window, skip_moving, places, cycles, counts)
