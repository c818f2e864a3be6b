"""Random crops and flips of photographs, as is common when training CIFAR networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PADDING = 4
"""Largest shift in pixels, in each direction."""


def augment(images: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Each image of (N, H, W, C) shifted by up to `PADDING` pixels and mirrored with probability
    1/2. Zeros (the mean of standardized images) fill the border.
    """
    samples, height, width, _ = images.shape
    down, right = random.integers(0, 2 * PADDING + 1, (2, samples))
    mirrored: NDArray[np.bool_] = np.asarray(random.random(samples) < 0.5)
    padded = np.pad(images, ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    changed = np.empty_like(images)
    for index in range(samples):
        part = padded[
            index, down[index] : down[index] + height, right[index] : right[index] + width
        ]
        changed[index] = part[:, ::-1] if mirrored[index] else part
    return changed
