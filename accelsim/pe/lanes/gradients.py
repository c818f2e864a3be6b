"""Lanes of WG: one weight's gradient a lane, reduced over samples and output positions (DESIGN
4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import ones
from accelsim.kernels.bits.taps import forward_taps
from accelsim.pe.lanes.walks import Walks
from accelsim.step.geometry import bounds_of
from accelsim.step.ops import Bounds, Op, OpKind, Use
from accelsim.zeros.effectual import group_slices, words_or_ones
from accelsim.zeros.masks import MaskSource

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class GradientLanes:
    """``cycles`` int32 (K or 1, lanes or 1), one row or column standing for all; ``executed`` MACs
    and ``visited`` positions of all lanes.
    """

    cycles: NDArray[np.int32]
    executed: int
    visited: int


def gradient_lanes(
    op: Op,
    masks: MaskSource,
    skip: tuple[bool, bool],
    walks: Walks,
    keep_zeros: bool,
    segments: int,
) -> GradientLanes:
    """Cycles of every lane of a WG op.

    ``skip``: zeros of the moving and of the stationary operand; ``keep_zeros``: stride zeros
    between the errors of a strided convolution pass through the window instead of being removed;
    ``segments``: lanes a channel of an outer product.
    """
    b = bounds_of(op)
    dense_x, dense_e = (masks.operand(op, use) is None for use in (Use.MOVING, Use.STATIONARY))
    activation = words_or_ones(masks, op, Use.MOVING, b.h, b.w, b.c)
    error = words_or_ones(masks, op, Use.STATIONARY, b.p, b.q, b.k)
    if op.kind is OpKind.OUTER:
        mode = _mode(skip, dense_x, dense_e)
        cycles = walks.outer(
            activation.reshape(len(activation), -1),
            error.reshape(len(error), -1),
            b.n,
            b.c,
            b.k,
            segments,
            mode,
        )
        return GradientLanes(*cycles, op.dense_macs)
    # The padding of a dense activation is zero all the same, so skipping it still means looking.
    mode = _mode(skip, False, dense_e)
    strided = keep_zeros and max(b.stride) > 1
    groups = zip(
        group_slices(activation, b.c, b.groups), group_slices(error, b.k, b.groups), strict=True
    )
    parts = [
        _with_stride_zeros(x, e, b, skip, walks) if strided else _removed(x, e, b, mode, walks)
        for x, e in groups
    ]
    lanes = b.r * b.s * (b.c // b.groups)
    executed = sum(part.executed for part in parts)
    if b.groups == 1:
        return parts[0]
    rows = [np.broadcast_to(part.cycles, (b.k // b.groups, lanes)) for part in parts]
    return GradientLanes(
        np.ascontiguousarray(np.concatenate(rows)), executed, sum(part.visited for part in parts)
    )


def _mode(skip: tuple[bool, bool], moving_dense: bool, stationary_dense: bool) -> str:
    """The kernels' skip mode: looking at a dense operand changes nothing."""
    moving, stationary = skip[0] and not moving_dense, skip[1] and not stationary_dense
    return {
        (True, True): "both",
        (True, False): "moving",
        (False, True): "stationary",
        (False, False): "none",
    }[moving, stationary]


def _removed(x: Words, e: Words, b: Bounds, mode: str, walks: Walks) -> GradientLanes:
    rows = forward_taps(b.p, b.h, b.r, b.stride[0], b.padding[0], b.dilation[0], False)
    cols = forward_taps(b.q, b.w, b.s, b.stride[1], b.padding[1], b.dilation[1], False)
    cycles, executed = walks.gradients(
        x, e, b.n, b.c // b.groups, b.k // b.groups, rows, cols, mode
    )
    return GradientLanes(cycles, executed, _lanes(b) * b.n * b.p * b.q)


def _lanes(b: Bounds) -> int:
    """Weights of one group: a lane each."""
    return (b.k // b.groups) * b.r * b.s * (b.c // b.groups)


def _with_stride_zeros(
    x: Words, e: Words, b: Bounds, skip: tuple[bool, bool], walks: Walks
) -> GradientLanes:
    """The error map with its stride zeros written out, swept at stride 1; they are never MACs,
    whatever is skipped.

    Without stationary skipping the real errors count as non-zero, without moving skipping the
    activations and their padding do.
    """
    height, width = (b.p - 1) * b.stride[0] + 1, (b.q - 1) * b.stride[1] + 1
    spread = np.zeros((len(e), height, width, e.shape[3]), np.uint64)
    dense_e = ones(b.p * b.q, b.k // b.groups).reshape(1, b.p, b.q, -1)
    spread[:, :: b.stride[0], :: b.stride[1]] = e if skip[1] else dense_e
    rows = forward_taps(height, b.h, b.r, 1, b.padding[0], b.dilation[0], False)
    cols = forward_taps(width, b.w, b.s, 1, b.padding[1], b.dilation[1], False)
    channels = b.c // b.groups
    if not skip[0]:
        x = ones(b.h * b.w, channels).reshape(1, b.h, b.w, -1)
        rows, cols = np.maximum(rows, 0), np.maximum(cols, 0)
    cycles, executed = walks.gradients(
        x, spread, b.n, channels, b.k // b.groups, rows, cols, "both"
    )
    if not (skip[0] or skip[1]):
        # Nothing is skipped: every position of the stream takes its cycle, the stride zeros as
        # empty ones.
        cycles = walks.every(np.full((1, 1), b.n * height * width, np.int32))
    return GradientLanes(cycles, executed, _lanes(b) * b.n * height * width)
