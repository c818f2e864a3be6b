"""Tensor kernels of the reference training: patches of a map for convolution by matrix product, and sums a channel.

Arrays are contiguous, channels last. A patch matrix row holds, for one output position, its inputs in the order (group,
kernel row, kernel column, channel of the group); positions outside the map are zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from accelsim.kernels import parallel_jit

Array = NDArray[np.floating[Any]]
Pair = tuple[int, int]


@parallel_jit
def gather_patches(maps: Array, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair, groups: int, patches: Array) -> None:
    """Fill ``patches`` (N, P, Q, groups * R * S * C/groups) from ``maps`` (N, H, W, C).

    ``kernel`` (R, S), ``stride``, ``pad`` (top, left) and ``dilation`` are pairs (rows, columns).
    """
    samples, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    share = channels // groups
    for line in prange(samples * rows):
        n, p = line // rows, line % rows
        for q in range(columns):
            at = 0
            for g in range(groups):
                first = g * share
                for r in range(kernel[0]):
                    h = p * stride[0] - pad[0] + r * dilation[0]
                    for s in range(kernel[1]):
                        w = q * stride[1] - pad[1] + s * dilation[1]
                        if 0 <= h < height and 0 <= w < width:
                            for c in range(share):
                                patches[n, p, q, at + c] = maps[n, h, w, first + c]
                        else:
                            for c in range(share):
                                patches[n, p, q, at + c] = 0
                        at += share


@parallel_jit
def sum_patches(patches: Array, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair, groups: int, maps: Array) -> None:
    """The transpose of `gather_patches`: every element of ``maps`` becomes the sum of its copies in ``patches``."""
    samples, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    share = channels // groups
    for line in prange(samples * height):
        n, h = line // height, line % height
        maps[n, h] = 0
        for r in range(kernel[0]):
            above = h + pad[0] - r * dilation[0]
            p = above // stride[0]
            if above < 0 or above % stride[0] != 0 or p >= rows:
                continue
            for s in range(kernel[1]):
                for q in range(columns):
                    w = q * stride[1] - pad[1] + s * dilation[1]
                    if w < 0 or w >= width:
                        continue
                    for g in range(groups):
                        at = ((g * kernel[0] + r) * kernel[1] + s) * share
                        first = g * share
                        for c in range(share):
                            maps[n, h, w, first + c] += patches[n, p, q, at + c]


@parallel_jit
def channel_sums(left: Array, right: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of ``left`` and of ``left * right`` a channel, both (rows, C), accumulated in float64 in blocks of rows."""
    rows, channels = left.shape
    block = 512
    blocks = (rows + block - 1) // block
    partial = np.zeros((blocks, 2, channels), np.float64)
    for b in prange(blocks):
        for row in range(b * block, min(rows, (b + 1) * block)):
            for c in range(channels):
                value = np.float64(left[row, c])
                partial[b, 0, c] += value
                partial[b, 1, c] += value * np.float64(right[row, c])
    total = np.zeros((2, channels), np.float64)
    for b in range(blocks):
        total += partial[b]
    return total[0], total[1]
