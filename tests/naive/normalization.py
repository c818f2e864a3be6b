"""Plain-Python twins of the batch-norm and ReLU kernels."""

from __future__ import annotations

import numpy as np


def channel_moments(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return channel_sums(maps, maps)


def error_moments(
    errors: np.ndarray, maps: np.ndarray, scale: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return channel_sums(
        errors, [[row[c] * scale[c] - shift[c] for c in range(len(row))] for row in maps]
    )


def channel_sums(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    totals, products = np.zeros(len(left[0])), np.zeros(len(left[0]))
    for a, b in zip(left, right, strict=True):
        for c in range(len(a)):
            totals[c] += float(a[c])
            products[c] += float(a[c]) * float(b[c])
    return totals, products


def normalize(maps, scale, shift, gain, offset, result) -> None:
    for i, row in enumerate(maps):
        for c in range(len(row)):
            result[i, c] = (row[c] * scale[c] - shift[c]) * gain[c] + offset[c]


def normalize_back(errors, maps, scale, shift, slope, mean, gain, result) -> None:
    for i, row in enumerate(maps):
        for c in range(len(row)):
            result[i, c] = (
                (row[c] * scale[c] - shift[c]) * slope[c] + errors[i, c] - mean[c]
            ) * gain[c]


def rectify_back(errors: np.ndarray, outputs: np.ndarray, result: np.ndarray) -> None:
    for i, output in enumerate(outputs):
        result[i] = errors[i] if output > 0 else 0
