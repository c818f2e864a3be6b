"""Patches of a map, for convolution as a matrix product in the reference training.

Arrays are contiguous, channels last. A row of the patch matrix holds the inputs of one output
position in the order (group, kernel row, kernel column, channel of the group); positions outside
the map are zero. The kernels run on one thread: callers give different samples to different
threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit
from accelsim.kernels.tensors.copying import BLOCK, HALF, copy_block, copy_half, copy_run

Array = NDArray[np.floating[Any]]
Pair = tuple[int, int]


@jit
def copy_runs(
    target: Array,
    to: int,
    target_step: int,
    source: Array,
    start: int,
    source_step: int,
    runs: int,
    length: int,
) -> None:
    """Copy ``runs`` runs of ``length`` elements, ``target_step`` and ``source_step`` apart.

    Short runs are copied in blocks; the last block overlaps the previous one.
    """
    if length < HALF or length > 8 * BLOCK:
        for i in range(runs):
            copy_run(target, to + i * target_step, source, start + i * source_step, length)
    elif length <= BLOCK:
        for i in range(runs):
            copy_half(target, to + i * target_step, source, start + i * source_step)
            copy_half(
                target,
                to + i * target_step + length - HALF,
                source,
                start + i * source_step + length - HALF,
            )
    else:
        for i in range(runs):
            for c in range(0, length - BLOCK, BLOCK):
                copy_block(target, to + i * target_step + c, source, start + i * source_step + c)
            copy_block(
                target,
                to + i * target_step + length - BLOCK,
                source,
                start + i * source_step + length - BLOCK,
            )


@jit
def gather_runs(
    maps: Array, kernel: Pair, stride: Pair, pad: Pair, dilation: int, patches: Array
) -> None:
    """`gather_patches` for one group without column dilation, so that a kernel row reads a run of
    the map.

    ``dilation``: that of the rows.
    """
    samples, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    source, target = maps.reshape(-1), patches.reshape(-1)
    run = kernel[1] * channels
    length = kernel[0] * run
    # From column `inner` up to, not including, column `outer` the whole window is inside the map.
    inner = min(columns, max(0, -(-pad[1] // stride[1])))
    outer = max(inner, min(columns, (width - kernel[1] + pad[1]) // stride[1] + 1))
    for line in range(samples * rows):
        n, p = line // rows, line % rows
        for r in range(kernel[0]):
            h = p * stride[0] - pad[0] + r * dilation
            to = line * columns * length + r * run
            above = (n * height + h) * width
            if h < 0 or h >= height:
                for q in range(columns):
                    for c in range(run):
                        target[to + q * length + c] = 0
                continue
            start = (above + inner * stride[1] - pad[1]) * channels
            copy_runs(
                target,
                to + inner * length,
                length,
                source,
                start,
                stride[1] * channels,
                outer - inner,
                run,
            )
            for i in range(columns - (outer - inner)):
                q = i if i < inner else outer + i - inner
                w = q * stride[1] - pad[1]
                first = min(max(0, -w), kernel[1])
                last = max(first, min(kernel[1], width - w))
                for c in range(first * channels):
                    target[to + q * length + c] = 0
                copy_run(
                    target,
                    to + q * length + first * channels,
                    source,
                    (above + w + first) * channels,
                    (last - first) * channels,
                )
                for c in range(last * channels, run):
                    target[to + q * length + c] = 0


@jit
def gather_patches(
    maps: Array, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair, groups: int, patches: Array
) -> None:
    """Fill ``patches`` (N, P, Q, groups * R * S * C/groups) from ``maps`` (N, H, W, C).

    ``kernel`` (R, S), ``stride``, ``pad`` (top, left) and ``dilation`` are pairs (rows, columns).
    """
    if groups == 1 and (dilation[1] == 1 or kernel[1] == 1):
        gather_runs(maps, kernel, stride, pad, dilation[0], patches)
        return
    samples, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    share = channels // groups
    for line in range(samples * rows):
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


@jit
def sum_patches(
    patches: Array, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair, groups: int, maps: Array
) -> None:
    """Transpose of `gather_patches`: every element of ``maps`` becomes the sum of its copies in
    ``patches``.
    """
    samples, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    share = channels // groups
    for line in range(samples * height):
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
