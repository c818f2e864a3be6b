"""Kernels of batch norm and ReLU.

``maps``: contiguous rows (rows, C). Sums per channel are float64, added in fixed blocks of rows.
`normalize` and `normalize_back` compute the same as numpy, in the same order of operations, without
temporary maps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from accelsim.kernels.jit import parallel_jit

Array = NDArray[np.floating[Any]]
Sums = tuple[NDArray[np.float64], NDArray[np.float64]]


@parallel_jit
def channel_moments(maps: Array) -> Sums:
    """Sum of ``maps`` and of its squares per channel: float64 (C) each."""
    rows, channels = maps.shape
    block = 512
    blocks = (rows + block - 1) // block
    partial = np.zeros((blocks, 2, channels), np.float64)
    for b in prange(blocks):
        for row in range(b * block, min(rows, (b + 1) * block)):
            for c in range(channels):
                value = np.float64(maps[row, c])
                partial[b, 0, c] += value
                partial[b, 1, c] += value * value
    total = np.zeros((2, channels), np.float64)
    for b in range(blocks):
        total += partial[b]
    return total[0], total[1]


@parallel_jit
def error_moments(errors: Array, maps: Array, scale: Array, shift: Array) -> Sums:
    """Sum of ``errors`` and of ``errors * (maps * scale - shift)`` per channel: float64 (C)
    each.
    """
    rows, channels = maps.shape
    block = 512
    blocks = (rows + block - 1) // block
    partial = np.zeros((blocks, 2, channels), np.float64)
    for b in prange(blocks):
        for row in range(b * block, min(rows, (b + 1) * block)):
            for c in range(channels):
                value = np.float64(errors[row, c])
                partial[b, 0, c] += value
                partial[b, 1, c] += value * np.float64(maps[row, c] * scale[c] - shift[c])
    total = np.zeros((2, channels), np.float64)
    for b in range(blocks):
        total += partial[b]
    return total[0], total[1]


@parallel_jit
def normalize(
    maps: Array, scale: Array, shift: Array, gain: Array, offset: Array, result: Array
) -> None:
    """result = (maps * scale - shift) * gain + offset; all but ``maps`` and ``result`` are per
    channel, (C).
    """
    rows, channels = maps.shape
    for row in prange(rows):
        for c in range(channels):
            result[row, c] = (maps[row, c] * scale[c] - shift[c]) * gain[c] + offset[c]


@parallel_jit
def normalize_back(
    errors: Array,
    maps: Array,
    scale: Array,
    shift: Array,
    slope: Array,
    mean: Array,
    gain: Array,
    result: Array,
) -> None:
    """result = ((maps * scale - shift) * slope + errors - mean) * gain.

    All but ``maps``, ``errors`` and ``result`` are per channel, (C).
    """
    rows, channels = maps.shape
    for row in prange(rows):
        for c in range(channels):
            result[row, c] = (
                (maps[row, c] * scale[c] - shift[c]) * slope[c] + errors[row, c] - mean[c]
            ) * gain[c]


@parallel_jit
def rectify_back(errors: Array, outputs: Array, result: Array) -> None:
    """result = errors where outputs > 0, else 0. One-dimensional arrays."""
    zero = errors.dtype.type(0)
    for i in prange(len(errors)):
        error = errors[i]  # read unconditionally, so that the loop vectorises
        result[i] = error if outputs[i] > 0 else zero
