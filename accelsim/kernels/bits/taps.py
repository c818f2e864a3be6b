"""Taps: the source row of each kernel row of each output row. Geometry of FF, EP and WG, one axis
at a time.

A tap is one of:

- a source index;
- PADDING: a zero that is in the stream;
- REMOVED: a position that the address generator never visits.

Rows and columns are independent. A position is removed if either axis removes it, else a zero if
either axis has padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PADDING = -1
REMOVED = -2

Taps = NDArray[np.int32]


class MapTaps(NamedTuple):
    """Taps of a map's rows and columns."""

    rows: Taps
    """int32 (Y, TR)."""
    cols: Taps
    """int32 (X, TC)."""

    @property
    def outputs(self) -> int:
        """Number of outputs, Y * X."""
        return len(self.rows) * len(self.cols)

    @property
    def kernel(self) -> int:
        """Number of taps, TR * TC."""
        return int(self.rows.shape[1] * self.cols.shape[1])


def each_once(rows: int, cols: int) -> MapTaps:
    """Taps of a 1 x 1 kernel that visits every position of a map once."""
    return MapTaps(
        np.arange(rows, dtype=np.int32)[:, None], np.arange(cols, dtype=np.int32)[:, None]
    )


class AlikeOutputs(NamedTuple):
    """Outputs with the same removed taps."""

    places: NDArray[np.int64]
    """Output numbers y * X + x."""
    taps: MapTaps
    """Their remaining taps."""
    kept: NDArray[np.int64]
    """Numbers i * TC + j of the remaining taps."""


def alike_outputs(taps: MapTaps) -> Iterator[AlikeOutputs]:
    """Group the outputs of a map by the taps removed from their streams."""
    row_patterns, row_of = np.unique(taps.rows == REMOVED, axis=0, return_inverse=True)
    col_patterns, col_of = np.unique(taps.cols == REMOVED, axis=0, return_inverse=True)
    for i, removed_rows in enumerate(row_patterns):
        for j, removed_cols in enumerate(col_patterns):
            ys = np.flatnonzero(row_of.reshape(-1) == i)
            xs = np.flatnonzero(col_of.reshape(-1) == j)
            rows, cols = np.flatnonzero(~removed_rows), np.flatnonzero(~removed_cols)
            yield AlikeOutputs(
                (ys[:, None] * len(taps.cols) + xs[None, :]).reshape(-1),
                MapTaps(
                    np.ascontiguousarray(taps.rows[np.ix_(ys, rows)]),
                    np.ascontiguousarray(taps.cols[np.ix_(xs, cols)]),
                ),
                (rows[:, None] * taps.cols.shape[1] + cols[None, :]).reshape(-1),
            )


def kept_taps(kernel: int, dilation: int) -> NDArray[np.int64]:
    """Kernel index of each of the (kernel-1)*dilation+1 taps of a dilated kernel; -1 for a dilation
    zero.
    """
    taps = np.full((kernel - 1) * dilation + 1, -1, dtype=np.int64)
    taps[::dilation] = np.arange(kernel)
    return taps


def forward_taps(
    outputs: int,
    size_in: int,
    kernel: int,
    stride: int,
    pad_before: int,
    dilation: int,
    keep_zeros: bool,
) -> Taps:
    """Taps of FF and WG: int32 (outputs, T).

    Output p at kernel row r reads source p * stride - pad_before + r * dilation. T is ``kernel``,
    or (kernel-1)*dilation+1 with ``keep_zeros``, where structural zeros pass through the window.
    """
    source = (
        np.arange(outputs)[:, None] * stride - pad_before + np.arange(kernel)[None, :] * dilation
    )
    return _with_dilation(
        np.where((source >= 0) & (source < size_in), source, PADDING), kernel, dilation, keep_zeros
    )


def transposed_taps(
    outputs: int,
    size_in: int,
    kernel: int,
    stride: int,
    pad_before: int,
    dilation: int,
    keep_zeros: bool,
) -> Taps:
    """Taps of EP: int32 (outputs, T).

    Input row h at kernel row r reads the error at (h + pad_before - r * dilation) / stride. A
    source that is not an integer is a stride zero: REMOVED, or PADDING with ``keep_zeros``. A
    source outside the error map is PADDING.
    """
    offset = np.arange(outputs)[:, None] + pad_before - np.arange(kernel)[None, :] * dilation
    source = offset // stride
    taps = np.where((source >= 0) & (source < size_in), source, PADDING)
    taps = np.where(offset % stride == 0, taps, PADDING if keep_zeros else REMOVED)
    return _with_dilation(taps, kernel, dilation, keep_zeros)


def _with_dilation(taps: NDArray[np.int64], kernel: int, dilation: int, keep_zeros: bool) -> Taps:
    if keep_zeros and dilation > 1:
        spread = np.full((len(taps), (kernel - 1) * dilation + 1), PADDING, dtype=np.int64)
        spread[:, ::dilation] = taps
        taps = spread
    return np.ascontiguousarray(taps, dtype=np.int32)


def expand_kernel(
    weights: NDArray[np.uint64], dilation: tuple[int, int], keep_zeros: bool
) -> NDArray[np.uint64]:
    """Stationary masks uint64 (K, R, S, Cw) as uint64 (K, T, Cw), in the order of the taps.

    With ``keep_zeros``, dilation zeros are taps whose bits are clear.
    """
    if keep_zeros and max(dilation) > 1:
        rows, cols = (
            kept_taps(weights.shape[1], dilation[0]),
            kept_taps(weights.shape[2], dilation[1]),
        )
        spread = np.zeros(
            (weights.shape[0], len(rows), len(cols), weights.shape[3]), dtype=np.uint64
        )
        spread[:, :: dilation[0], :: dilation[1]] = weights
        weights = spread
    return np.ascontiguousarray(weights.reshape(weights.shape[0], -1, weights.shape[3]))
