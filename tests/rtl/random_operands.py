"""Random operands of tiles: 8-bit integers, of which a given share is not zero."""

from __future__ import annotations

import numpy as np

DENSITIES = [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]


def operand(rng: np.random.Generator, shape: int | tuple[int, ...], density: float) -> np.ndarray:
    """int64 of -128..127, non-zero with that probability."""
    values = rng.integers(-128, 127, shape)
    values[values >= 0] += 1
    return np.where(rng.random(shape) < density, values, 0)


def some_density(rng: np.random.Generator) -> float:
    return float(rng.choice(DENSITIES))
