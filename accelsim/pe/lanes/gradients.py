"""Lanes of WG: each lane reduces one weight's gradient over samples and output positions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import PackedMask, ones, slice_channels, split_channels
from accelsim.kernels.bits.taps import MapTaps
from accelsim.pe.lanes.streams import alike
from accelsim.pe.lanes.walks import Walks
from accelsim.pe.skipping.setting import Skipped
from accelsim.step.contraction import Nest
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import moving_words, summed_words
from accelsim.zeros.masks import MaskSource

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class GradientLanes:
    """Lanes of a gradient op.

    ``cycles``: int32 (K or 1, lanes or 1); a single row or column holds for all. ``executed``: MACs
    of all lanes. ``visited``: stream positions of all lanes.
    """

    cycles: NDArray[np.int32]
    executed: int
    visited: int


def gradient_lanes(
    op: Contraction,
    masks: MaskSource,
    skip: Skipped,
    walks: Walks,
    keep_zeros: bool,
    segments: int,
) -> GradientLanes:
    """Cycles of every lane of a WG op.

    ``keep_zeros``: stride zeros between the errors of a strided convolution pass through the window
    instead of being removed. ``segments``: lanes per channel of an outer product.
    """
    nest = op.nest
    dense_x, dense_e = masks.moving(op) is None, masks.stationary(op) is None
    activation, error = moving_words(op, masks), summed_words(op, masks)
    if nest.outer_product:
        mode = _mode(skip, dense_x, dense_e)
        cycles = walks.outer(
            PackedMask(activation.reshape(len(activation), -1), nest.depth),
            PackedMask(error.reshape(len(error), -1), nest.channels),
            nest.samples,
            segments,
            mode,
        )
        return GradientLanes(*cycles, op.dense_macs)
    # A dense activation still has zero padding, so its mask must be examined to skip it.
    mode = _mode(skip, False, dense_e)
    strided = keep_zeros and max(nest.rows.dilation, nest.columns.dilation) > 1
    if not strided:
        return _removed(activation, error, nest, mode, walks, dense_e)
    parts = [
        _with_stride_zeros(x, e, nest, skip, walks)
        for x, e in zip(
            split_channels(activation, nest.depth, nest.groups),
            split_channels(error, nest.channels, nest.groups),
            strict=True,
        )
    ]
    if nest.groups == 1:
        return parts[0]
    shape = (nest.channels // nest.groups, nest.positions)
    rows = [np.broadcast_to(part.cycles, shape) for part in parts]
    return GradientLanes(
        np.ascontiguousarray(np.concatenate(rows)),
        sum(part.executed for part in parts),
        sum(part.visited for part in parts),
    )


def _mode(skip: Skipped, moving_dense: bool, stationary_dense: bool) -> str:
    """Skip mode of the kernels. A dense operand has no zeros to skip."""
    moving = skip.moving and not moving_dense
    stationary = skip.stationary and not stationary_dense
    return {
        (True, True): "both",
        (True, False): "moving",
        (False, True): "stationary",
        (False, False): "none",
    }[moving, stationary]


def _removed(
    x: Words, e: Words, nest: Nest, mode: str, walks: Walks, dense_e: bool
) -> GradientLanes:
    """Lanes of a convolution without its stride zeros. ``x``, ``e``: maps of all groups.
    ``dense_e``: whether ``e`` has no zeros.
    """
    errors, taps = PackedMask(e, nest.channels), nest.reads(keep_zeros=False)
    if nest.groups == 1:
        walked = walks.gradients(PackedMask(x, nest.depth), errors, nest.samples, taps, mode)
    else:
        parts = split_channels(x, nest.depth, nest.groups)
        maps = PackedMask(parts, nest.depth // nest.groups)
        if dense_e and alike(parts):
            return _like_the_first(maps, e, nest, mode, walks)
        walked = walks.grouped_gradients(maps, errors, nest.samples, taps, mode)
    return GradientLanes(*walked, nest.groups * _lanes(nest) * nest.reduction)


def _like_the_first(
    maps: PackedMask, e: Words, nest: Nest, mode: str, walks: Walks
) -> GradientLanes:
    """Lanes of a convolution all of whose groups have equal zeros, as `_removed`."""
    share, taps = nest.channels // nest.groups, nest.reads(keep_zeros=False)
    first = PackedMask(maps.words[0], maps.channels)
    errors = PackedMask(slice_channels(e, 0, share), share)
    cycles, executed = walks.gradients(first, errors, nest.samples, taps, mode)
    if len(cycles) > 1:
        cycles = np.tile(cycles, (nest.groups, 1))
    macs = nest.groups * _lanes(nest) * nest.reduction
    return GradientLanes(cycles, executed * nest.groups, macs)


def _lanes(nest: Nest) -> int:
    """Number of weights of one group, one lane each."""
    return nest.channels // nest.groups * nest.positions


def _with_stride_zeros(
    x: Words, e: Words, nest: Nest, skip: Skipped, walks: Walks
) -> GradientLanes:
    """Lanes of a strided convolution whose stride zeros stay in the error map, swept at stride 1.

    Stride zeros are never MACs, whatever is skipped. Without stationary skipping the real errors
    count as non-zero; without moving skipping the activations and their padding do.
    """
    windows = [
        replace(window.swapped, positions=window.reach + 1, stride=1)
        for window in (nest.rows, nest.columns)
    ]
    height, width = (window.positions for window in windows)
    outputs = nest.channels // nest.groups
    errors = nest.rows.taps, nest.columns.taps
    spread = np.zeros((len(e), height, width, e.shape[3]), np.uint64)
    dense_e = ones(errors[0] * errors[1], outputs).reshape(1, *errors, -1)
    spread[:, :: nest.rows.dilation, :: nest.columns.dilation] = e if skip.stationary else dense_e
    rows, cols = (window.reads(keep_zeros=False) for window in windows)
    channels = nest.depth // nest.groups
    if not skip.moving:
        size = nest.rows.size, nest.columns.size
        x = ones(size[0] * size[1], channels).reshape(1, *size, -1)
        rows, cols = np.maximum(rows, 0), np.maximum(cols, 0)
    pair = PackedMask(x, channels), PackedMask(spread, outputs)
    cycles, executed = walks.gradients(*pair, nest.samples, MapTaps(rows, cols), "both")
    positions = nest.samples * height * width
    if not any(skip):
        # With no skipping, every position takes one cycle; stride zeros are empty cycles.
        cycles = walks.every(np.full((1, 1), positions, np.int32))
    return GradientLanes(cycles, executed, _lanes(nest) * positions)
