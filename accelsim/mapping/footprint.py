"""Words that a run of output positions needs of an op's moving operand: what a memory must hold to
work on them without fetching any twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.step.geometry import bounds_of, moving_extents
from accelsim.step.ops import Bounds, Op, OpKind, Pass

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Footprint:
    """Distinct words, whole channels, of consecutive groups of positions: of the ``largest`` group,
    of the ``last``, and of all in ``total``.
    """

    largest: int
    last: int
    total: int


def _footprint(words: Ints) -> Footprint:
    return Footprint(int(words.max()), int(words[-1]), int(words.sum()))


def moving_footprint(op: Op, group: int) -> Footprint:
    """Of FF, EP and feedback ops; positions are (sample, row, column) of the output map, ``group``
    of them at a time.

    A group inside one row of the map needs the columns that its windows span, a longer one whole
    rows; gaps that stride or dilation leave are fetched with the rest. Samples of a feedback op
    come innermost, each with all its errors.
    """
    b = bounds_of(op)
    if op.kind is OpKind.FEEDBACK:
        groups = -(-b.n // group)
        return Footprint(min(b.n, group) * b.c, (b.n - (groups - 1) * group) * b.c, b.n * b.c)
    height, width = (b.h, b.w) if op.pass_ is Pass.EP else (b.p, b.q)
    return _footprint(_positions_covered(op, b.n, height, width, group) * moving_extents(op)[2])


def reduction_footprint(op: Op, chunk: int) -> Footprint:
    """Of one channel of WG's moving map, the reduction (sample, row, column of the errors) taken
    ``chunk`` positions at a time.
    """
    b = bounds_of(op)
    return _footprint(_positions_covered(op, b.n, b.p, b.q, chunk))


def gradient_channels(op: Op, group: int) -> Footprint:
    """Channels of the moving map that consecutive groups of WG's positions (kernel row, kernel
    column, channel) read, of one group of channels.
    """
    b = bounds_of(op)
    channels = b.c // b.groups
    first, last = _groups(b.r * b.s * channels, group)
    inside = last % channels - first % channels
    return _footprint(
        np.where(
            last - first + 1 >= channels,
            channels,
            np.where(inside >= 0, inside + 1, channels + inside + 1),
        )
    )


def _groups(positions: int, group: int) -> tuple[Ints, Ints]:
    """First and last position of each group."""
    first = np.arange(0, positions, group, dtype=np.int64)
    return first, np.minimum(first + group, positions) - 1


def _positions_covered(op: Op, samples: int, height: int, width: int, group: int) -> Ints:
    """Positions of one channel of the moving map that each group of output positions reads."""
    map_cols = moving_extents(op)[1]
    plane = height * width
    group = min(group, samples * plane)
    rows, cols = _Spans(op, 0, height), _Spans(op, 1, width)
    whole = int(rows(np.zeros(1, np.int64), np.full(1, height - 1))[0]) * map_cols
    if group % plane == 0 and height > 1:
        # Groups of whole samples are all alike but for a shorter last one.
        full, rest = divmod(samples, group // plane)
        return np.array([whole * (group // plane)] * full + [whole * rest] * (rest > 0), np.int64)
    first, last = _groups(samples * plane, group)
    row, last_row = first % plane // width, last % plane // width
    sample, last_sample = first // plane, last // plane
    in_row = rows(row, row) * cols(first % width, last % width)
    in_sample = rows(row, last_row) * map_cols
    ends = rows(row, np.full_like(row, height - 1)) + rows(np.zeros_like(row), last_row)
    across = ends * map_cols + (last_sample - sample - 1) * whole
    same = sample == last_sample
    return np.where(same & (row == last_row), in_row, np.where(same, in_sample, across))


class _Spans:
    """Rows (axis 0) or columns (1) of the moving map from the first to the last that windows of
    consecutive outputs read.
    """

    def __init__(self, op: Op, axis: int, outputs: int) -> None:
        b = bounds_of(op)
        size, stride, padding, reach = (
            moving_extents(op)[axis],
            b.stride[axis],
            b.padding[axis],
            _reach(b, axis),
        )
        out = np.arange(outputs, dtype=np.int64)
        if op.pass_ is Pass.EP:
            low, high = -(-(out + padding - reach) // stride), (out + padding) // stride
        else:
            low, high = out * stride - padding, out * stride - padding + reach
        low, high = np.maximum(low, 0), np.minimum(high, size - 1)
        nothing = low > high
        self._first = np.minimum.accumulate(np.where(nothing, size, low)[::-1])[::-1]
        self._last = np.maximum.accumulate(np.where(nothing, -1, high))

    def __call__(self, first: Ints, last: Ints) -> Ints:
        """How many, of the windows of outputs first..last."""
        return np.asarray(np.maximum(0, self._last[last] - self._first[first] + 1), np.int64)


def _reach(b: Bounds, axis: int) -> int:
    """Distance of a kernel's first tap to its last."""
    return ((b.r - 1) * b.dilation[0], (b.s - 1) * b.dilation[1])[axis]
