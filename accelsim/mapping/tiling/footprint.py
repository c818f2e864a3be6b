"""Footprints: words of the moving operand that a run of output positions needs.

A memory of that size serves the run without fetching any word twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.reads import Share
from accelsim.step.contraction import Nest
from accelsim.step.window import Window

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Footprint:
    """Distinct words, with all their channels, that consecutive groups of positions need.

    ``largest``: of the largest group. ``last``: of the last group. ``total``: sum over the groups.
    """

    largest: int
    last: int
    total: int


def _footprint(words: Ints) -> Footprint:
    return Footprint(int(words.max()), int(words[-1]), int(words.sum()))


def moving_footprint(nest: Nest, group: int) -> Footprint:
    """Footprint of FF, EP and feedback to vectors.

    Positions are (sample, row, column) of the output map, ``group`` of them at a time. A group
    inside one row of the map needs the columns that its windows span; a longer group needs whole
    rows. Rows and columns that no position reads are left out.
    """
    return _footprint(_positions_covered(nest.rows, nest.columns, nest.samples, group) * nest.depth)


def sent_per_kernel_row(nest: Nest, group: int) -> int:
    """Words sent while the positions of FF or EP pass, ``group`` of them at a time, if a word stays
    for one row of outputs and one kernel row only.
    """
    rows, columns = nest.rows.reads(False), nest.columns.reads(False)
    height, width = len(rows), len(columns)
    runs = [np.arange(0, nest.positions, each, dtype=np.int64) for each in (width, group)]
    first = np.unique(np.concatenate(runs))
    last = np.append(first[1:], nest.positions) - 1
    kernel_rows = (rows >= 0).sum(axis=1)[first // width % height]
    spans, span = np.unique(first % width * width + last % width, return_inverse=True)
    read = [columns[each // width : each % width + 1] for each in spans.tolist()]
    words = np.array([np.unique(each[each >= 0]).size for each in read])
    return int((kernel_rows * words[span]).sum()) * nest.depth


def reduction_footprint(nest: Nest, chunk: int) -> Footprint:
    """Footprint of one channel of WG's moving map, in words of that channel.

    The reduction (sample, row, column of the errors) is taken ``chunk`` positions at a time.
    """
    rows, columns = nest.rows.swapped, nest.columns.swapped
    return _footprint(_positions_covered(rows, columns, nest.samples, chunk))


def gradient_channels(nest: Nest, group: int) -> Footprint:
    """Footprint of WG's positions in channels of the moving map, for one channel group.

    Positions are (kernel row, kernel column, channel), ``group`` of them at a time.
    """
    channels = nest.depth // nest.groups
    first, last = _groups(nest.positions, group)
    inside = last % channels - first % channels
    return _footprint(
        np.where(
            last - first + 1 >= channels,
            channels,
            np.where(inside >= 0, inside + 1, channels + inside + 1),
        )
    )


def channels_of_one(nest: Nest, share: Share) -> int:
    """Channels of WG's moving map that the positions of one PE need in ``share.together`` tiles;
    the most of any PE.
    """
    depth = nest.depth // nest.groups
    position = np.arange(nest.positions, dtype=np.int64)
    group = position // (share.tile * share.together)
    holder = group * share.tile + position % share.tile // share.run
    pairs = np.unique(holder * depth + position % depth)
    return int(np.unique(pairs // depth, return_counts=True)[1].max())


def _groups(positions: int, group: int) -> tuple[Ints, Ints]:
    """First and last position of each group, int64 (groups) each."""
    first = np.arange(0, positions, group, dtype=np.int64)
    return first, np.minimum(first + group, positions) - 1


def _positions_covered(rows: Window, columns: Window, samples: int, group: int) -> Ints:
    """Positions of one channel of the moving map that each group of output positions reads."""
    width = columns.positions
    plane = rows.positions * width
    group = min(group, samples * plane)
    row_span, column_span = _Spans(rows), _Spans(columns)
    across_map = int(columns.elements_read.sum())
    whole = int(rows.elements_read.sum()) * across_map
    if group % plane == 0 and rows.positions > 1:
        # Groups of whole samples are all equal, except for a shorter last one.
        full, rest = divmod(samples, group // plane)
        return np.array([whole * (group // plane)] * full + [whole * rest] * (rest > 0), np.int64)
    first, last = _groups(samples * plane, group)
    row, last_row = first % plane // width, last % plane // width
    sample, last_sample = first // plane, last // plane
    in_row = row_span(row, row) * column_span(first % width, last % width)
    in_sample = row_span(row, last_row) * across_map
    ends = row_span(row, np.full_like(row, rows.positions - 1))
    ends = ends + row_span(np.zeros_like(row), last_row)
    across = ends * across_map + (last_sample - sample - 1) * whole
    same = sample == last_sample
    return np.where(same & (row == last_row), in_row, np.where(same, in_sample, across))


class _Spans:
    """Rows (or columns) of the moving map from the first to the last that the windows of
    consecutive outputs read. Those that no output reads are left out.
    """

    def __init__(self, window: Window) -> None:
        places = np.arange(window.positions, dtype=np.int64) * window.stride - window.padding
        reach = (window.taps - 1) * window.dilation
        low = -(-(places + min(0, reach)) // window.spacing)
        high = (places + max(0, reach)) // window.spacing
        low, high = np.maximum(low, 0), np.minimum(high, window.size - 1)
        outside = low > high
        self._first = np.minimum.accumulate(np.where(outside, window.size, low)[::-1])[::-1]
        self._last = np.maximum.accumulate(np.where(outside, -1, high))
        self._read_before = np.concatenate([[0], np.cumsum(window.elements_read)])

    def __call__(self, first: Ints, last: Ints) -> Ints:
        """Number of rows that the windows of outputs ``first`` to ``last`` span."""
        end, start = self._last[last] + 1, self._first[first]
        return np.asarray(
            np.maximum(0, self._read_before[end] - self._read_before[start]), np.int64
        )
