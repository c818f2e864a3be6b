"""Plain-Python walk of a tiled op: every iteration of every loop, the content of each memory, and
the words fetched whenever it changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.pe.mapping import Tiling
from tests.naive.bounds import Bounds


@dataclass
class Walked:
    """Words fetched, and the largest moving tiles held by the buffer and by a PE."""

    moving: int = 0
    stationary: int = 0
    carried: int = 0
    dram_moving: int = 0
    dram_stationary: int = 0
    buffer_moving: int = 0
    pad_moving: int = 0


def window(b: Bounds, ep: bool, out: int, axis: int) -> set[int]:
    """Rows or columns of the moving map from the first to the last tap of an output's window."""
    size, stride, padding = ((b.h, b.w), (b.p, b.q))[ep][axis], b.stride[axis], b.padding[axis]
    reach = ((b.r - 1) * b.dilation[0], (b.s - 1) * b.dilation[1])[axis]
    if ep:
        return {p for p in range(size) if p * stride <= out + padding <= p * stride + reach}
    return {h for h in range(size) if out * stride - padding <= h <= out * stride - padding + reach}


def read(b: Bounds, ep: bool, axis: int) -> set[int]:
    """Rows or columns of the moving map that any output reads. Strides may leave gaps."""
    stride, padding, dilation = b.stride[axis], b.padding[axis], b.dilation[axis]
    outputs, inputs, taps = (b.p, b.q)[axis], (b.h, b.w)[axis], (b.r, b.s)[axis]
    pairs = [
        (p, p * stride - padding + tap * dilation) for p in range(outputs) for tap in range(taps)
    ]
    return {p if ep else h for p, h in pairs if 0 <= h < inputs}


def between(found: set[int], used: set[int]) -> int:
    """Number of used indices from the smallest to the largest."""
    return sum(min(found) <= each <= max(found) for each in used) if found else 0


def rectangle(b: Bounds, ep: bool, positions: list[int]) -> int:
    """Elements per channel of the moving map that a run of positions spans: the columns of its
    windows if it lies in one row of outputs, else whole rows. Rows and columns that no output reads
    are left out.
    """
    used_rows, used_cols = read(b, ep, 0), read(b, ep, 1)
    height, width = (b.h, b.w) if ep else (b.p, b.q)
    by_sample: dict[int, list[tuple[int, int]]] = {}
    for position in positions:
        sample, rest = divmod(position, height * width)
        by_sample.setdefault(sample, []).append(divmod(rest, width))
    one_row = len({(sample, row) for sample, places in by_sample.items() for row, _ in places}) == 1
    total = 0
    for places in by_sample.values():
        rows = set().union(*(window(b, ep, row, 0) for row, _ in places))
        cols = set().union(*(window(b, ep, col, 1) for _, col in places))
        across = between(cols, used_cols) if one_row else len(used_cols)
        total += between(rows, used_rows) * across
    return total


def outer_tiles(t: Tiling, tiles: int, columns: int) -> list[tuple[list[int], list[int]]]:
    """(channel tiles, position tiles) staged in the global buffer, in order."""
    highs = [
        list(range(tiles))[i : i + t.buffer_channels] for i in range(0, tiles, t.buffer_channels)
    ]
    wides = [
        list(range(columns))[i : i + t.buffer_positions]
        for i in range(0, columns, t.buffer_positions)
    ]
    if t.buffer_order == "positions":
        return [(high, wide) for wide in wides for high in highs]
    return [(high, wide) for high in highs for wide in wides]


class Walk:
    """Walk of an ungrouped FF or EP whose stationary words are staged. The reduction is the same
    for every position.
    """

    def __init__(
        self,
        b: Bounds,
        ep: bool,
        t: Tiling,
        channels: int,
        positions: int,
        per_tile: int,
        reduction: int,
    ) -> None:
        self.b, self.ep, self.t = b, ep, t
        self.tiles = [
            range(first, min(first + t.channel_pes, channels))
            for first in range(0, channels, t.channel_pes)
        ]
        self.columns = [
            range(first, min(first + per_tile, positions))
            for first in range(0, positions, per_tile)
        ]
        self.chunks = [
            range(first, min(first + t.chunk, reduction)) for first in range(0, reduction, t.chunk)
        ]
        self.reduction = reduction
        self.found = Walked(carried=channels * positions * (len(self.chunks) - 1))
        self.held: tuple[int, int] | None = None
        self.kept: list[int] = []

    def run(self) -> Walked:
        tiles: list[int] = []
        columns: list[int] = []
        for high, wide in outer_tiles(self.t, len(self.tiles), len(self.columns)):
            if high != tiles:
                self.found.dram_stationary += (
                    sum(len(self.tiles[tile]) for tile in high) * self.reduction
                )
                tiles = high
            if wide != columns:
                self.found.dram_moving += self.words(wide)
                columns = wide
            self.found.buffer_moving = max(self.found.buffer_moving, self.words(wide))
            groups = [wide[i : i + self.t.together] for i in range(0, len(wide), self.t.together)]
            (self.keep_positions if self.t.order == "positions" else self.keep_channels)(
                high, wide, groups
            )
        return self.found

    def keep_positions(self, high: list[int], wide: list[int], groups: list[list[int]]) -> None:
        for group in groups:
            if group != self.kept:
                self.found.moving += self.words(group)
                self.kept = group
            self.found.pad_moving = max(self.found.pad_moving, self.words(group))
            for tile in high:
                self.reduce(tile)

    def keep_channels(self, high: list[int], wide: list[int], groups: list[list[int]]) -> None:
        for tile in high:
            self.found.moving += self.words(
                wide
            )  # each word once, because the PEs keep the rows that a kernel spans
            for _ in groups:
                self.reduce(tile)

    def reduce(self, tile: int) -> None:
        for chunk in range(len(self.chunks)):
            if self.held != (tile, chunk):
                self.found.stationary += len(self.tiles[tile]) * len(self.chunks[chunk])
                self.held = (tile, chunk)

    def words(self, indices: list[int]) -> int:
        positions = [position for index in indices for position in self.columns[index]]
        return rectangle(self.b, self.ep, positions) * (self.b.k if self.ep else self.b.c)
