"""Elements of a map that processors read, each counted once per processor that reads it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelsim.kernels.bits.bitmaps import Counts
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.jit import jit


class Share(NamedTuple):
    """Positions of each processor.

    Tile i holds positions [i * tile, (i + 1) * tile); processor q has ``run`` of them, from
    i * tile + q * run on. A processor keeps an element during ``together`` consecutive tiles.
    """

    run: int
    tile: int
    together: int


@jit
def distinct_reads(
    taps: MapTaps, kernel: Counts, samples: int, share: Share, begin: int = 0
) -> Any:
    """(total, largest) number of elements that processors take, each once per processor and group
    of tiles: over all processors and groups, and of one processor in one group.

    ``taps``: elements that the positions of one sample read; negative values are zeros. ``kernel``:
    int64 (T, 2), (row, column) of the taps that count. Positions run over (sample, row, column);
    those before ``begin``, the first of a group of tiles, are left out.
    """
    rows, cols = taps
    height, width = 0, 0
    for tap in rows.flat:
        height = max(height, int(tap) + 1)
    for tap in cols.flat:
        width = max(width, int(tap) + 1)
    # A processor takes all elements of a sample before those of the next one.
    seen = np.zeros(height * width, dtype=np.int64)
    across = cols.shape[0]
    plane = rows.shape[0] * across
    positions = samples * plane
    group = share.tile * share.together
    total, most, holder = 0, 0, 0
    for start in range(begin, positions, group):
        end = min(start + group, positions)
        for offset in range(0, share.tile, share.run):
            holder += 1
            before = total
            for first in range(start + offset, end, share.tile):
                for position in range(first, min(first + share.run, end)):
                    sample, rest = position // plane, position % plane
                    y, x = rest // across, rest % across
                    for k in range(kernel.shape[0]):
                        row, col = rows[y, kernel[k, 0]], cols[x, kernel[k, 1]]
                        if row >= 0 and col >= 0:
                            element = row * width + col
                            if seen[element] != holder * samples + sample:
                                seen[element] = holder * samples + sample
                                total += 1
            most = max(most, total - before)
    return total, most
