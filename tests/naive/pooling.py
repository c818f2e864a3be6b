"""Plain-Python twins of the max-pooling kernels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Pair = tuple[int, int]


def pool_maxima(
    maps: np.ndarray,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    outputs: np.ndarray,
    winners: np.ndarray,
) -> None:
    for at in np.ndindex(outputs.shape):
        values = [
            maps[place] if inside(place, maps.shape) else -np.inf
            for place in window(at, kernel, stride, pad, dilation)
        ]
        outputs[at], winners[at] = max(values), values.index(max(values))


def pool_errors(
    errors: np.ndarray,
    winners: np.ndarray,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    maps: np.ndarray,
) -> None:
    maps[...] = 0
    for at in np.ndindex(errors.shape):
        place = list(window(at, kernel, stride, pad, dilation))[winners[at]]
        if inside(place, maps.shape):
            maps[place] += errors[at]


def window(
    at: tuple[int, ...], kernel: Pair, stride: Pair, pad: Pair, dilation: Pair
) -> Iterator[tuple[int, int, int, int]]:
    n, p, q, c = at
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            yield (
                n,
                p * stride[0] - pad[0] + r * dilation[0],
                q * stride[1] - pad[1] + s * dilation[1],
                c,
            )


def inside(place: tuple[int, int, int, int], shape: tuple[int, ...]) -> bool:
    return 0 <= place[1] < shape[1] and 0 <= place[2] < shape[2]
