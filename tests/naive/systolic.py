"""Plain-Python systolic arrays: registers shifted cycle by cycle, the product checked as it comes out."""

from __future__ import annotations

import numpy as np


def output_stationary(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int]:
    """a (R, K) enters the rows and b (K, C) the columns, skewed by one cycle a row or column; cycles until every PE has its K products."""
    rows, depth = a.shape
    cols = b.shape[1]
    right, down = np.zeros((rows, cols), dtype=np.int64), np.zeros((rows, cols), dtype=np.int64)
    total, done = np.zeros((rows, cols), dtype=np.int64), np.full((rows, cols), 0)
    cycle = 0
    while done.min() < depth:
        right[:, 1:], down[1:] = right[:, :-1].copy(), down[:-1].copy()
        for i in range(rows):
            right[i, 0] = a[i, cycle - i] if 0 <= cycle - i < depth else 0
        for j in range(cols):
            down[0, j] = b[cycle - j, j] if 0 <= cycle - j < depth else 0
        for i in range(rows):
            for j in range(cols):
                if 0 <= cycle - i - j < depth:
                    total[i, j] += right[i, j] * down[i, j]
                    done[i, j] += 1
        cycle += 1
    return total, cycle


def operand_stationary(stream: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, int]:
    """held (R, C) is shifted in row by row, then stream (M, R) flows right and sums flow down; cycles until the last sum leaves.

    Weight stationary with weights held and activations streamed; input stationary the other way round.
    """
    rows, cols = held.shape
    length = len(stream)
    own = np.zeros_like(held)
    cycle = 0
    for i in range(rows):
        own = np.vstack([held[rows - 1 - i], own[:-1]])
        cycle += 1
    assert np.array_equal(own, held)
    right, sums = np.zeros((rows, cols), dtype=np.int64), np.zeros((rows, cols), dtype=np.int64)
    out = np.zeros((length, cols), dtype=np.int64)
    left = length * cols
    step = 0
    while left:
        above = np.vstack([np.zeros(cols, dtype=np.int64), sums[:-1]])
        right[:, 1:] = right[:, :-1].copy()
        for i in range(rows):
            right[i, 0] = stream[step - i, i] if 0 <= step - i < length else 0
        sums = above + right * own
        for j in range(cols):
            row = step - (rows - 1) - j
            if 0 <= row < length:
                out[row, j] = sums[-1, j]
                left -= 1
        step += 1
    return out, cycle + step
