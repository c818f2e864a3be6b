"""Max-pooling and its error.

Maps are (N, H, W, C), contiguous. Kernel positions are numbered by kernel row, then kernel column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from accelsim.kernels.jit import parallel_jit

Array = NDArray[np.floating[Any]]
Winners = NDArray[np.unsignedinteger[Any]]
Pair = tuple[int, int]


@parallel_jit
def pool_maxima(
    maps: Array,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    outputs: Array,
    winners: Winners,
) -> None:
    """Maximum of every window, and the number of the first position that holds it.

    Positions outside the map count as -inf.
    """
    samples, height, width, channels = maps.shape
    rows, columns = outputs.shape[1], outputs.shape[2]
    for line in prange(samples * rows):
        n, p = line // rows, line % rows
        for q in range(columns):
            top, left = p * stride[0] - pad[0], q * stride[1] - pad[1]
            if 0 <= top < height and 0 <= left < width:
                for c in range(channels):
                    outputs[n, p, q, c] = maps[n, top, left, c]
                    winners[n, p, q, c] = 0
            else:
                for c in range(channels):
                    outputs[n, p, q, c] = -np.inf
                    winners[n, p, q, c] = 0
            for index in range(1, kernel[0] * kernel[1]):
                h, w = (
                    top + index // kernel[1] * dilation[0],
                    left + index % kernel[1] * dilation[1],
                )
                if 0 <= h < height and 0 <= w < width:
                    for c in range(channels):
                        candidate, best, winner = (
                            maps[n, h, w, c],
                            outputs[n, p, q, c],
                            winners[n, p, q, c],
                        )
                        outputs[n, p, q, c] = candidate if candidate > best else best  # noqa: FURB136 - max() is slower in numba
                        winners[n, p, q, c] = index if candidate > best else winner


@parallel_jit
def pool_errors(
    errors: Array,
    winners: Winners,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    maps: Array,
) -> None:
    """Every element of ``maps`` becomes the sum of the errors of the windows whose maximum it was.

    Errors are added in the order of the kernel positions.
    """
    samples, height, width, channels = maps.shape
    rows, columns = errors.shape[1], errors.shape[2]
    zero = errors.dtype.type(0)
    for n in prange(samples):
        maps[n] = 0
        for index in range(kernel[0] * kernel[1]):
            down, right = (
                index // kernel[1] * dilation[0] - pad[0],
                index % kernel[1] * dilation[1] - pad[1],
            )
            for p in range(rows):
                h = p * stride[0] + down
                if h < 0 or h >= height:
                    continue
                for q in range(columns):
                    w = q * stride[1] + right
                    if 0 <= w < width:
                        for c in range(channels):
                            error = errors[n, p, q, c]
                            maps[n, h, w, c] += error if winners[n, p, q, c] == index else zero
