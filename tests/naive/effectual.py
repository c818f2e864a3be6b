"""Plain-Python twins of the effectual counts: every pair of every lane looked at."""

from __future__ import annotations

import numpy as np

from tests.naive.zero_skip import moving_stream, stationary_stream


def covered_ones(counts: np.ndarray, row_taps: np.ndarray, col_taps: np.ndarray) -> np.ndarray:
    """Set bits under each output's kernel, from their number (S, H, W) at each source position."""
    found = [
        [
            sum(int(sample[row, col]) for row in rows for col in cols if row >= 0 and col >= 0)
            for rows in row_taps
            for cols in col_taps
        ]
        for sample in counts
    ]
    return np.array(found)


def dense(
    x: np.ndarray,
    outputs: int,
    row_taps: np.ndarray,
    col_taps: np.ndarray,
    needed: np.ndarray | None,
) -> list[int]:
    """FF or EP, stationary operand dense: mask (S, H, W, C), needed (S', Y, X, K) or None -> a
    count a sample.
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
    """FF or EP with weight masks (K, T, C): a count a sample."""
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
