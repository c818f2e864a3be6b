"""Tile times: a tile lasts as long as the slowest of its lanes (docs/pe-lanes.md)."""

from __future__ import annotations

from math import gcd
from typing import Any, NamedTuple

import numpy as np

from accelsim.kernels.bits.bitmaps import Counts, Cycles, Words, flat, transpose_bits
from accelsim.kernels.bits.intrinsics import popcount, trailing_zeros
from accelsim.kernels.jit import jit

CHANNELS_OUTERMOST: Counts = np.array([1, 1 << 62, 1 << 62, 0, 0], dtype=np.int64)
"""``nest`` of the canonical mapping: for each channel tile, all positions."""
GROUP, BUFFER_CHANNELS, BUFFER_POSITIONS, POSITIONS_OUTER, BUFFER_POSITIONS_OUTER = range(5)


class TileShape(NamedTuple):
    """Outputs that the array works on at a time."""

    channels: int
    positions: int
    fill_positions: int
    """Number of consecutive positions among which needed outputs are packed."""


def tile_sums(
    cycles: Cycles,
    channels: int,
    positions: int,
    needed: Words | None,
    tile: TileShape,
    blocks: int,
    nest: Counts = CHANNELS_OUTERMOST,
) -> tuple[Counts, int, int, int, int]:
    """Tile times of an op on the array.

    - ``cycles``: int32 (K or 1, M'), repeating cyclically to ``positions`` M; a single row applies
    to all K channels. - ``tile``: shape of a tile. Each output of a tile has one lane, and a tile
    lasts as long as its slowest lane.
    - ``needed``: uint64 (M', Kw), or None or empty if all outputs are scheduled. In every run of
      ``fill_positions`` positions each channel packs its needed positions densely and in order.
      Tile g of the run holds the g-th part of them of every channel, as many as a tile has
      positions.
    - ``blocks``: number of blocks. The i-th of T tiles (with ``needed``: of T runs) in the order of
      ``nest`` (see `visit`) adds to block i * blocks // T.

    Returns (block_cycles int64 (blocks); scheduled outputs; lane cycles, summed over these; used
    lane cycles, the sum over tiles of scheduled lanes x tile time; tiles). ValueError if
    ``fill_positions`` is not a multiple of a tile's positions.
    """
    cycles = np.require(cycles, dtype=np.int32, requirements=["C", "W"])
    block_cycles = np.zeros(blocks, dtype=np.int64)
    if needed is not None and needed.size:
        if tile.fill_positions % tile.positions:
            raise ValueError(
                f"fill_positions must be a multiple of a tile's positions, got "
                f"{tile.fill_positions} and {tile.positions}"
            )
        columns = transpose_bits(flat(needed), channels)
        nest = nest.copy()
        for extent in (GROUP, BUFFER_POSITIONS):  # a run is visited whole
            nest[extent] = -(-nest[extent] // (tile.fill_positions // tile.positions))
        sums = packed_tiles(cycles, columns, channels, positions, tile, nest, block_cycles)
    else:
        sums = plain_tiles(cycles, channels, positions, tile, nest, block_cycles)
    outputs, lane_cycles, used, tiles = sums
    return block_cycles, int(outputs), int(lane_cycles), int(used), int(tiles)


@jit
def visit(tile: int, item: int, tiles: int, items: int, nest: Counts) -> Any:
    """Rank, 0 .. tiles * items - 1, at which a channel tile and an item (tile or run of positions)
    are visited.

    ``nest``: int64 (5), a loop nest from the outside in:

    - blocks of BUFFER_CHANNELS tiles and BUFFER_POSITIONS items; positions are the outer loop if
      BUFFER_POSITIONS_OUTER, else channels;
    - inside a block, channels are the outer loop; or, if POSITIONS_OUTER, groups of GROUP items
      are, and channels come next.

    In the nest given to `tile_sums`, extents of positions are in tiles.
    """
    high, wide = nest[BUFFER_CHANNELS], nest[BUFFER_POSITIONS]
    outer_tile, inner_tile = tile // high, tile % high
    outer_item, inner_item = item // wide, item % wide
    height = min(high, tiles - outer_tile * high)
    width = min(wide, items - outer_item * wide)
    if nest[BUFFER_POSITIONS_OUTER]:
        before = outer_item * wide * tiles + outer_tile * high * width
    else:
        before = outer_tile * high * items + outer_item * wide * height
    if nest[POSITIONS_OUTER]:
        first = inner_item // nest[GROUP] * nest[GROUP]
        return (
            before
            + first * height
            + inner_tile * min(nest[GROUP], width - first)
            + inner_item
            - first
        )
    return before + inner_tile * width + inner_item


@jit
def largest(values: Cycles, first: int, size: int) -> Any:
    """Largest of ``size`` int32 values from ``first`` on, wrapping around at the end; at least
    0.
    """
    top = np.int32(0)
    while size > 0:
        part = values[first : first + size]
        for i in range(part.shape[0]):
            top = max(top, part[i])
        size -= part.shape[0]
        first = 0
    return top


@jit
def plain_tiles(
    cycles: Cycles,
    channels: int,
    positions: int,
    shape: TileShape,
    nest: Counts,
    block_cycles: Counts,
) -> tuple[Any, Any, Any, Any]:
    """Tile times with every output scheduled, added to ``block_cycles``.

    Returns (outputs, lane_cycles, used_lane_cycles, tiles).
    """
    channels_per_tile, positions_per_tile = shape.channels, shape.positions
    rows, distinct = cycles.shape
    blocks = block_cycles.shape[0]
    channel_tiles = (channels + channels_per_tile - 1) // channels_per_tile
    position_tiles = (positions + positions_per_tile - 1) // positions_per_tile
    tiles = channel_tiles * position_tiles
    slowest = np.zeros(position_tiles, dtype=np.int64)
    tops = np.empty(distinct, dtype=np.int32)
    sums = np.empty(distinct, dtype=np.int64)
    lane_cycles = np.int64(0)
    used = np.int64(0)
    for tile in range(channel_tiles):
        first = tile * channels_per_tile
        members = min(channels_per_tile, channels - first)
        if rows > 1 or tile == 0:  # with a single row every channel tile costs as much as the first
            column_maxima(cycles[first : first + members] if rows > 1 else cycles, tops, sums)
            for g in range(position_tiles):
                size = min(positions_per_tile, positions - g * positions_per_tile)
                slowest[g] = largest(tops, g * positions_per_tile % distinct, size)
            repeats = positions // distinct
            lane_cycles += sums.sum() * repeats + sums[: positions - repeats * distinct].sum()
        for g in range(position_tiles):
            block_cycles[visit(tile, g, channel_tiles, position_tiles, nest) * blocks // tiles] += (
                slowest[g]
            )
            used += (
                slowest[g] * members * min(positions_per_tile, positions - g * positions_per_tile)
            )
    if rows == 1:
        lane_cycles *= channels
    return channels * positions, lane_cycles, used, tiles


@jit
def column_maxima(cycles: Cycles, tops: Cycles, sums: Counts) -> None:
    """Maximum and sum of each column of int32 (rows, M), into ``tops``, int32 (M), and ``sums``,
    int64 (M).

    Rows are processed whole, in vectors.
    """
    tops[:] = cycles[0]
    sums[:] = cycles[0]
    for row in range(1, cycles.shape[0]):
        values = cycles[row]
        for m in range(tops.shape[0]):
            tops[m] = max(tops[m], values[m])
            sums[m] += values[m]


@jit
def pack_word(
    word: Any, values: Cycles, packed: Any, positions_per_tile: int, slowest: Counts, lanes: Counts
) -> Any:
    """Deal the values (at most 64, int32) whose bits are set in ``word`` to a channel's next lanes.

    ``packed``: lanes already taken. Returns the sum of the values.
    """
    total = np.int64(0)
    count = np.int64(popcount(word))
    g = packed // positions_per_tile
    if (packed + count - 1) // positions_per_tile == g:
        top = np.int32(0)
        for i in range(values.shape[0]):
            value = values[i] if (word >> np.uint64(i)) & np.uint64(1) else np.int32(0)
            top = max(top, value)
            total += value
        slowest[g] = max(slowest[g], np.int64(top))
        lanes[g] += count
        return total
    while word != np.uint64(0):
        value = np.int64(values[trailing_zeros(word)])
        word &= word - np.uint64(1)
        g = packed // positions_per_tile
        slowest[g] = max(slowest[g], value)
        lanes[g] += 1
        total += value
        packed += 1
    return total


@jit
def packed_run(
    values: Cycles,
    column: Words,
    start: int,
    size: int,
    positions_per_tile: int,
    slowest: Counts,
    lanes: Counts,
) -> tuple[Any, Any]:
    """Pack one channel's needed positions of a run into the run's tiles.

    ``slowest``, ``lanes``: int64 (tiles per run). Returns (outputs, lane cycles).
    """
    distinct = values.shape[0]
    packed = np.int64(0)
    total = np.int64(0)
    m = start % distinct
    while size > 0:
        offset = m % 64
        length = min(64 - offset, distinct - m, size)
        word = column[m // 64] >> np.uint64(offset)
        if length < 64:
            word &= (np.uint64(1) << np.uint64(length)) - np.uint64(1)
        if word != np.uint64(0):
            total += pack_word(
                word, values[m : m + length], packed, positions_per_tile, slowest, lanes
            )
            packed += np.int64(popcount(word))
        size -= length
        m += length
        if m == distinct:
            m = 0
    return packed, total


@jit
def packed_tiles(
    cycles: Cycles,
    columns: Words,
    channels: int,
    positions: int,
    shape: TileShape,
    nest: Counts,
    block_cycles: Counts,
) -> tuple[Any, Any, Any, Any]:
    """Tile times with only needed outputs scheduled, added to ``block_cycles``; returns the same as
    `plain_tiles`.

    ``columns``: uint64 (K, ceil(M'/64)). Because samples repeat, a run that starts where an earlier
    run started costs the same.
    """
    channels_per_tile, positions_per_tile, fill_positions = shape
    rows, distinct = cycles.shape
    blocks = block_cycles.shape[0]
    channel_tiles = (channels + channels_per_tile - 1) // channels_per_tile
    runs = (positions + fill_positions - 1) // fill_positions
    different = distinct // gcd(distinct, fill_positions)
    depth = (min(fill_positions, positions) + positions_per_tile - 1) // positions_per_tile
    slowest = np.empty(depth, dtype=np.int64)
    lanes = np.empty(depth, dtype=np.int64)
    costs = np.zeros(
        (min(different, runs), 5), dtype=np.int64
    )  # time, outputs, lane cycles, used lane cycles, tiles of a run
    sums = np.zeros(5, dtype=np.int64)
    for tile in range(channel_tiles):
        first = tile * channels_per_tile
        for run in range(runs):
            size = min(fill_positions, positions - run * fill_positions)
            if run < different or size < fill_positions:
                cost = np.zeros(5, dtype=np.int64)
                slowest[:] = 0
                lanes[:] = 0
                for k in range(first, min(first + channels_per_tile, channels)):
                    values = cycles[k if rows > 1 else 0]
                    outputs, total = packed_run(
                        values,
                        columns[k],
                        run * fill_positions,
                        size,
                        positions_per_tile,
                        slowest,
                        lanes,
                    )
                    cost[1] += outputs
                    cost[2] += total
                for g in range(depth):
                    cost[0] += slowest[g]
                    cost[3] += slowest[g] * lanes[g]
                    cost[4] += lanes[g] > 0
                if run < different:
                    costs[run] = cost
            else:
                cost = costs[run % different]
            block_cycles[
                visit(tile, run, channel_tiles, runs, nest) * blocks // (channel_tiles * runs)
            ] += cost[0]
            sums += cost
    return sums[1], sums[2], sums[3], sums[4]
