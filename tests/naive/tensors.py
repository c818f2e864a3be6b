"""Plain-Python twins of the tensor kernels."""

from __future__ import annotations

import numpy as np

Pair = tuple[int, int]


def gather_patches(
    maps: np.ndarray,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    groups: int,
    patches: np.ndarray,
) -> None:
    samples, height, width, channels = maps.shape
    share = channels // groups
    for n in range(samples):
        for p in range(patches.shape[1]):
            for q in range(patches.shape[2]):
                row = []
                for g in range(groups):
                    for r in range(kernel[0]):
                        for s in range(kernel[1]):
                            h, w = (
                                p * stride[0] - pad[0] + r * dilation[0],
                                q * stride[1] - pad[1] + s * dilation[1],
                            )
                            inside = 0 <= h < height and 0 <= w < width
                            row += [
                                maps[n, h, w, g * share + c] if inside else 0.0
                                for c in range(share)
                            ]
                patches[n, p, q] = row


def sum_patches(
    patches: np.ndarray,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    groups: int,
    maps: np.ndarray,
) -> None:
    """Sum the copies of each element. Their positions are found by gathering a map of element
    numbers.
    """
    numbers = np.arange(1, maps[0].size + 1, dtype=float).reshape(1, *maps.shape[1:])
    places = np.zeros((1, *patches.shape[1:]))
    gather_patches(numbers, kernel, stride, pad, dilation, groups, places)
    for n in range(len(maps)):
        total = np.zeros(maps[n].size)
        for place, value in zip(places.reshape(-1), patches[n].reshape(-1), strict=True):
            if place:
                total[int(place) - 1] += value
        maps[n] = total.reshape(maps[n].shape)
