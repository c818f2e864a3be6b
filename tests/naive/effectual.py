"""Plain-Python twins of the effectual counts, by examining every pair of every lane."""

from __future__ import annotations

import numpy as np

from tests.naive.zero_skip import moving_stream, stationary_stream


def covered_ones(counts: np.ndarray, row_taps: np.ndarray, col_taps: np.ndarray) -> np.ndarray:
    """Set bits under each output's kernel, from the number of set bits (S, H, W) at each source
    position.
    """
    ones = [
        [
            sum(int(sample[row, col]) for row in rows for col in cols if row >= 0 and col >= 0)
            for rows in row_taps
            for cols in col_taps
        ]
        for sample in counts
    ]
    return np.array(ones)


def dense(
    x: np.ndarray,
    outputs: int,
    row_taps: np.ndarray,
    col_taps: np.ndarray,
    needed: np.ndarray | None,
) -> list[int]:
    """Counts per sample in FF or EP with a dense stationary operand, from mask (S, H, W, C) and
    needed mask (S', Y, X, K) or None.
    """
    samples = len(x) if needed is None else int(np.lcm(len(x), len(needed)))
    totals = []
    for n in range(samples):
        total = 0
        for y, rows in enumerate(row_taps):
            for col, cols in enumerate(col_taps):
                for k in range(outputs):
                    if needed is None or needed[n % len(needed), y, col, k]:
                        total += sum(moving_stream(x[n % len(x)], rows, cols))
        totals.append(total)
    return totals


def masked(
    x: np.ndarray, weights: np.ndarray, row_taps: np.ndarray, col_taps: np.ndarray
) -> list[int]:
    """Counts per sample in FF or EP with weight masks (K, T, C)."""
    return [
        sum(
            a & b
            for rows in row_taps
            for cols in col_taps
            for kernel in weights
            for a, b in zip(
                moving_stream(image, rows, cols), stationary_stream(kernel, rows, cols), strict=True
            )
        )
        for image in x
    ]
