"""Plain-Python twin of the coupled kernels: one PE, one cycle, one lane at a time (TensorDash,
MICRO 2020; docs/pe-coupled.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.naive.zero_skip import moving_stream, stationary_stream

CHOICES = ((0, 0), (1, 0), (2, 0), (1, -1), (1, 1), (2, -2), (2, 2), (1, -3))
"""(row of the buffer, lane offset) of the eight pairs that a lane may take, in order
of preference.
"""
LEVELS = ((0, 5, 10), (1, 6, 11), (2, 7, 12), (3, 8, 13), (4, 9, 14), (15,))


def cycle_by_cycle(rows: Sequence[int]) -> list[dict[int, tuple[int, int]]]:
    """Per cycle, the pair that each lane takes, {lane: (row of the stream, lane of the pair)},
    until the stream ends.
    """
    left = [int(row) for row in rows] + [0, 0, 0]
    first, cycles = 0, []
    while first < len(rows):
        taken = {}
        for level in LEVELS:
            for lane in level:
                for ahead, beside in CHOICES:
                    row, other = first + ahead, (lane + beside) % 16
                    if left[row] >> other & 1:
                        left[row] &= ~(1 << other)
                        taken[lane] = (row, other)
                        break
        cycles.append(taken)
        advance = 0
        while advance < 3 and left[first + advance] == 0:
            advance += 1
        first += advance
    return cycles


def rows_of(stream: Sequence[int]) -> list[int]:
    """A stream of 0 and 1 as rows of 16 positions, where lane i is bit i."""
    return [
        sum(int(bit) << i for i, bit in enumerate(stream[start : start + 16]))
        for start in range(0, len(stream), 16)
    ]


def walk(stream: Sequence[int]) -> int:
    """Cycles of one PE for its pair mask."""
    return len(cycle_by_cycle(rows_of(stream)))


def stream_cycles(image: np.ndarray, row_taps: np.ndarray, col_taps: np.ndarray) -> list[int]:
    """Cycles of every output's stream, for a mask (H, W, C)."""
    return [walk(moving_stream(image, rows, cols)) for rows in row_taps for cols in col_taps]


def pair_stream_cycles(
    image: np.ndarray, stationary: np.ndarray, row_taps: np.ndarray, col_taps: np.ndarray, skip: str
) -> list[list[int]]:
    """Cycles of every output's pairs, one list per output channel, for masks (H, W, C) and (K, T,
    C).
    """
    cycles: list[list[int]] = []
    for kernel in stationary:
        cycles.append([])
        for rows in row_taps:
            for cols in col_taps:
                a, b = moving_stream(image, rows, cols), stationary_stream(kernel, rows, cols)
                cycles[-1].append(
                    walk([i & j for i, j in zip(a, b, strict=True)] if skip == "both" else b)
                )
    return cycles


def wgrad_cycles(
    x: np.ndarray, e: np.ndarray, batch: int, row_taps: np.ndarray, col_taps: np.ndarray, skip: str
) -> np.ndarray:
    """Cycles (K, R*S*C) of every weight's gradient, for masks x (S, H, W, C) and e
    (S', P, Q, K).
    """
    weights = [
        (r, s, c)
        for r in range(row_taps.shape[1])
        for s in range(col_taps.shape[1])
        for c in range(x.shape[3])
    ]
    cycles = np.zeros((e.shape[3], len(weights)), dtype=np.int64)
    for k in range(e.shape[3]):
        for place, (r, s, c) in enumerate(weights):
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
            cycles[k, place] = walk(stream)
    return cycles
