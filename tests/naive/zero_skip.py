"""Plain-Python twins of the zero-skipping kernels: one lane, one cycle at a time
(docs/pe-lanes.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def walk(stream: Sequence[int], window: int) -> int:
    """Cycles of one lane for its pair mask: look at p..p+W-1 and take the first set position, or
    spend the cycle without one.
    """
    position, cycles = 0, 0
    while position < len(stream):
        cycles += 1
        for ahead in range(position, min(position + window, len(stream))):
            if stream[ahead]:
                position = ahead + 1
                break
        else:
            position += window
    return cycles


def closed_form(stream: Sequence[int], window: int) -> int:
    """popcount + floor(gap/W) over leading and inner gaps + ceil(tail/W)."""
    cycles, gap = 0, 0
    for bit in stream:
        if bit:
            cycles += 1 + gap // window
            gap = 0
        else:
            gap += 1
    return cycles + -(-gap // window)


def summary(stream: Sequence[int], window: int) -> list[int]:
    """[leading zeros (-1 without a set bit), trailing zeros, cycles from the first to the last set
    bit, set bits].
    """
    places = [i for i, bit in enumerate(stream) if bit]
    if not places:
        return [-1, len(stream), 0, 0]
    return [
        places[0],
        len(stream) - 1 - places[-1],
        walk(stream[places[0] : places[-1] + 1], window),
        len(places),
    ]


def tap_list(row_taps: Sequence[int], col_taps: Sequence[int]) -> list[tuple[int, int, int]]:
    """(tap index, source row, source column) of the taps in the stream, by kernel row, then kernel
    column.
    """
    taps = []
    for i, row in enumerate(row_taps):
        for j, col in enumerate(col_taps):
            if row != -2 and col != -2:
                taps.append((i * len(col_taps) + j, int(row), int(col)))
    return taps


def moving_stream(image: np.ndarray, row_taps: Sequence[int], col_taps: Sequence[int]) -> list[int]:
    """Bits of the moving operand for one output, from a mask (H, W, C), in stream order."""
    stream: list[int] = []
    for _, row, col in tap_list(row_taps, col_taps):
        for c in range(image.shape[2]):
            stream.append(int(image[row, col, c]) if row >= 0 and col >= 0 else 0)
    return stream


def stationary_stream(
    kernel: np.ndarray, row_taps: Sequence[int], col_taps: Sequence[int]
) -> list[int]:
    """Bits of the stationary operand for one output channel, from a mask (T, C), in
    stream order.
    """
    stream: list[int] = []
    for tap, _, _ in tap_list(row_taps, col_taps):
        stream.extend(int(bit) for bit in kernel[tap])
    return stream


def stream_cycles(
    x: np.ndarray, row_taps: np.ndarray, col_taps: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cycles (S, Y*X), ones (S, Y*X), lengths (Y*X)) for a mask (S, H, W, C)."""
    outputs = [(rows, cols) for rows in row_taps for cols in col_taps]
    streams = [[moving_stream(image, rows, cols) for rows, cols in outputs] for image in x]
    cycles = np.array([[walk(stream, window) for stream in sample] for sample in streams])
    ones = np.array([[sum(stream) for stream in sample] for sample in streams])
    return cycles, ones, np.array([len(stream) for stream in streams[0]])


def pair_stream_cycles(
    image: np.ndarray,
    stationary: np.ndarray,
    row_taps: np.ndarray,
    col_taps: np.ndarray,
    window: int,
    skip: str,
) -> tuple[np.ndarray, np.ndarray]:
    """(cycles (K, Y*X), ones (K, Y*X)) for masks (H, W, C) and (K, T, C)."""
    cycles, ones = [], []
    for kernel in stationary:
        for rows in row_taps:
            for cols in col_taps:
                a, b = moving_stream(image, rows, cols), stationary_stream(kernel, rows, cols)
                stream = [i & j for i, j in zip(a, b, strict=True)] if skip == "both" else b
                cycles.append(walk(stream, window))
                ones.append(sum(stream))
    shape = (len(stationary), len(row_taps) * len(col_taps))
    return np.array(cycles).reshape(shape), np.array(ones).reshape(shape)


def wgrad_cycles(
    x: np.ndarray,
    e: np.ndarray,
    batch: int,
    row_taps: np.ndarray,
    col_taps: np.ndarray,
    window: int,
    skip: str,
) -> tuple[np.ndarray, int]:
    """(cycles (K, R*S*C) of every lane, set pairs of all lanes) for masks x (S, H, W, C) and e (S,
    P, Q, K).
    """
    channels, outputs = x.shape[3], e.shape[3]
    taps = [
        (r, s, c)
        for r in range(row_taps.shape[1])
        for s in range(col_taps.shape[1])
        for c in range(channels)
    ]
    cycles = np.zeros((outputs, len(taps)), dtype=np.int64)
    ones = 0
    for k in range(outputs):
        for lane, (r, s, c) in enumerate(taps):
            stream = []
            for n in range(batch):
                for p in range(len(row_taps)):
                    for q in range(len(col_taps)):
                        row, col = row_taps[p, r], col_taps[q, s]
                        a = int(x[n % len(x), row, col, c]) if row >= 0 and col >= 0 else 0
                        b = int(e[n % len(e), p, q, k])
                        stream.append(
                            {"both": a & b, "moving": a, "stationary": b, "none": 1}[skip]
                        )
            cycles[k, lane] = walk(stream, window)
            ones += sum(stream)
    return cycles, ones


def outer_cycles(
    x: np.ndarray, e: np.ndarray, batch: int, segments: int, window: int, skip: str
) -> tuple[np.ndarray, int]:
    """(cycles (K, segments), set pairs of all lanes) for masks x (S, C) and e (S, K)."""
    channels, outputs = x.shape[1], e.shape[1]
    size = -(-channels // segments)
    cycles = np.zeros((outputs, segments), dtype=np.int64)
    ones = 0
    for k in range(outputs):
        for j in range(segments):
            stream = []
            for n in range(batch):
                for c in range(j * size, min((j + 1) * size, channels)):
                    a, b = int(x[n % len(x), c]), int(e[n % len(e), k])
                    stream.append({"both": a & b, "moving": a, "stationary": b, "none": 1}[skip])
            cycles[k, j] = walk(stream, window)
            ones += sum(stream)
    return cycles, ones
