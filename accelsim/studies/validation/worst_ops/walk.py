"""A walk through an op's positions that notes which elements of the moving map each PE reads, and
in which turns of its loops. It shares no formula with the mapping whose counts it explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.reads import Share
from accelsim.step.contraction import Nest

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Walk:
    """Elements that the groups of PEs read, of one channel (in a weight gradient, of all channels
    of a channel group).

    - ``once``: each counted once per group of PEs that reads it.
    - ``per_tile``: counted again for each position tile.
    - ``per_row``, ``per_tap``: counted again for each kernel row, or tap, under which it is read.
    - ``most``: distinct elements that one group of PEs reads; the most of any.
    - ``columns``: columns of the map that one group of PEs reads; the most of any.
    """

    once: int
    per_tile: int
    per_row: int
    per_tap: int
    most: int
    columns: int


@lru_cache(maxsize=4096)
def walk(nest: Nest, share: Share, segment: int) -> Walk:
    """Walk through all positions. ``segment`` consecutive ones are one turn of a lane, and ``run``
    turns of a tile belong to one group of PEs.
    """
    samples = np.arange(nest.samples).reshape(-1, 1, 1, 1, 1, 1)
    channels = nest.depth // nest.groups if nest.sums_samples else 1
    channel = np.arange(channels).reshape(1, 1, 1, -1, 1, 1)
    # Axes: sample, row, column and channel of the position; kernel row and column.
    row_reads, column_reads = (
        each.reads(False).astype(np.int64) for each in (nest.rows, nest.columns)
    )
    (rows, row_taps), (columns, column_taps) = row_reads.shape, column_reads.shape
    row = row_reads.reshape(1, rows, 1, 1, row_taps, 1)
    column = column_reads.reshape(1, 1, columns, 1, 1, column_taps)
    place = np.arange(rows).reshape(1, -1, 1, 1, 1, 1) * columns
    place = place + np.arange(columns).reshape(1, 1, -1, 1, 1, 1)
    position = place * channels + channel
    if not nest.sums_samples:
        position = position + samples * rows * columns
    tile, pe = np.divmod(position // segment, share.tile)
    pe //= share.run
    width = nest.columns.size
    element = ((samples * nest.rows.size + row) * width + column) * channels + channel
    tap_row = np.arange(row_taps).reshape(1, 1, 1, 1, -1, 1)
    tap_column = np.arange(column_taps).reshape(1, 1, 1, 1, 1, -1)
    if nest.sums_samples:  # its kernel is that of the positions, and its taps are the errors
        tap_row, tap_column = place // columns, place % columns
    every = np.broadcast_arrays(
        pe, tile, element, column, tap_row, tap_column, (row >= 0) & (column >= 0)
    )
    read = every[-1].astype(bool)
    pe, tile, element, column, tap_row, tap_column = (each[read] for each in every[:-1])
    elements = int(element.max()) + 1
    own = pe * elements + element
    by_row = own * (rows + row_taps) + tap_row
    by_tap = by_row * (columns + column_taps) + tap_column
    distinct = np.unique(own)
    return Walk(
        len(distinct),
        len(np.unique(own * (int(tile.max()) + 1) + tile)),
        len(np.unique(by_row)),
        len(np.unique(by_tap)),
        int(np.bincount(distinct // elements).max()),
        int(np.bincount(np.unique(pe * width + column) // width).max()),
    )
