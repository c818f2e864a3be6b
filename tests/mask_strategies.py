"""Random masks, tap tables and windows for the property tests of the kernels."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from accelsim.kernels.bits.bitmaps import from_mask, to_mask
from accelsim.kernels.bits.taps import MapTaps, expand_kernel, forward_taps, transposed_taps

windows = st.integers(1, 64)
densities = st.sampled_from([0.0, 0.02, 0.2, 0.5, 0.9, 1.0])
seeds = st.integers(0, 2**32 - 1)


@st.composite
def masks(draw: st.DrawFn, *shape: int) -> np.ndarray:
    """A boolean mask of this shape, with densities from 0 to 1. At 0.02 and 0.2, gaps are longer
    than any window.
    """
    return np.random.default_rng(draw(seeds)).random(shape) < draw(densities)


@st.composite
def forward(draw: st.DrawFn, size: int, keep_zeros: bool = False, largest: int = 3) -> np.ndarray:
    """FF taps of one axis over ``size`` inputs, with any stride and dilation, and different padding
    before and after.
    """
    kernel, stride, dilation, before, behind = (
        draw(st.integers(low, high)) for low, high in ((1, largest), (1, 3), (1, 3), (0, 3), (0, 3))
    )
    outputs = max(1, (size + before + behind - dilation * (kernel - 1) - 1) // stride + 1)
    return forward_taps(outputs, size, kernel, stride, before, dilation, keep_zeros)


@st.composite
def backward(
    draw: st.DrawFn, size: int, keep_zeros: bool = False, largest: int = 3
) -> tuple[np.ndarray, int]:
    """(EP taps of one axis over ``size`` errors, dilation)."""
    kernel, stride, dilation, before, extra = (
        draw(st.integers(low, high)) for low, high in ((1, largest), (1, 3), (1, 3), (0, 3), (0, 2))
    )
    outputs = max(1, (size - 1) * stride + dilation * (kernel - 1) + 1 - 2 * before + extra)
    return transposed_taps(outputs, size, kernel, stride, before, dilation, keep_zeros), dilation


@st.composite
def pruned_kernels(
    draw: st.DrawFn, height: int, width: int, channels: int
) -> tuple[np.ndarray, MapTaps]:
    """(stationary mask (K, T, C), taps of EP), with structural zeros removed or kept."""
    keep = draw(st.booleans())
    rows, row_dilation = draw(backward(height, keep))
    cols, col_dilation = draw(backward(width, keep))
    kernel = [
        (table.shape[1] - 1) // dilation + 1 if keep else table.shape[1]
        for table, dilation in ((rows, row_dilation), (cols, col_dilation))
    ]
    weights = draw(masks(draw(st.integers(1, 3)), *kernel, channels))
    expanded = expand_kernel(from_mask(weights), (row_dilation, col_dilation), keep)
    return to_mask(expanded, channels), MapTaps(rows, cols)
