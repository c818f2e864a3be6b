"""From lanes to tiles: the barrier of every tile is the largest of its lanes (DESIGN 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels import jit
from accelsim.kernels.bitmaps import Words, flat, transpose_bits


def tile_sums(
    cycles: NDArray[np.int32],
    channels: int,
    positions: int,
    needed: Words | None,
    channels_per_tile: int,
    positions_per_tile: int,
    fill_positions: int,
    blocks: int,
) -> tuple[NDArray[np.int64], int, int, int, int]:
    """(block_cycles int64 (blocks), outputs, lane_cycles, used_lane_cycles, tiles) of an op on the array.

    cycles int32 (K or 1, M'), repeating cyclically to ``positions`` M; one row stands for all K channels. Tiles are channels_per_tile
    channels x positions_per_tile positions, channel tiles outermost; each output sits in one lane and a tile lasts as long as its
    slowest. ``needed`` uint64 (M', Kw), when given and not empty, leaves outputs unscheduled: inside every run of ``fill_positions``
    positions each channel packs its needed positions densely and in order, and tile g of the run holds every channel's g-th
    positions_per_tile of them.
    outputs: scheduled; lane_cycles: sum over them; used_lane_cycles: sum over tiles of scheduled lanes x tile time. Tile i of T (with
    ``needed``: run i of T runs) adds to block i * blocks // T.
    """
    cycles = np.require(cycles, dtype=np.int32, requirements=["C", "W"])
    block_cycles = np.zeros(blocks, dtype=np.int64)
    if needed is not None and needed.size:
        if fill_positions % positions_per_tile:
            raise ValueError(f"fill_positions must be a multiple of positions_per_tile, got {fill_positions}")
        columns = transpose_bits(flat(needed), channels)
        sums = packed_tiles(cycles, columns, channels, positions, channels_per_tile, positions_per_tile, fill_positions, block_cycles)
    else:
        sums = plain_tiles(cycles, channels, positions, channels_per_tile, positions_per_tile, block_cycles)
    outputs, lane_cycles, used, tiles = (int(value) for value in sums)
    return block_cycles, outputs, lane_cycles, used, tiles


@jit
def plain_tiles(cycles, channels, positions, channels_per_tile, positions_per_tile, block_cycles):  # type: ignore[no-untyped-def]
    """Every output scheduled; adds tile times to block_cycles, returns (outputs, lane_cycles, used_lane_cycles, tiles)."""
    rows, distinct = cycles.shape
    blocks = block_cycles.shape[0]
    channel_tiles = (channels + channels_per_tile - 1) // channels_per_tile
    position_tiles = (positions + positions_per_tile - 1) // positions_per_tile
    tiles = channel_tiles * position_tiles
    slowest = np.empty(position_tiles, dtype=np.int64)
    lane_cycles = np.int64(0)
    used = np.int64(0)
    index = 0
    for tile in range(channel_tiles):
        first = tile * channels_per_tile
        members = min(channels_per_tile, channels - first)
        if rows > 1 or tile == 0:
            slowest[:] = 0
        for row in range(first, first + members) if rows > 1 else range(0, 1 if tile == 0 else 0):
            m = 0
            for g in range(position_tiles):
                top = np.int32(0)
                for _ in range(min(positions_per_tile, positions - g * positions_per_tile)):
                    value = cycles[row, m]
                    lane_cycles += value
                    top = max(top, value)
                    m += 1
                    if m == distinct:
                        m = 0
                slowest[g] = max(slowest[g], top)
        for g in range(position_tiles):
            block_cycles[index * blocks // tiles] += slowest[g]
            used += slowest[g] * members * min(positions_per_tile, positions - g * positions_per_tile)
            index += 1
    if rows == 1:
        lane_cycles *= channels
    return channels * positions, lane_cycles, used, tiles


@jit
def packed_tiles(cycles, columns, channels, positions, channels_per_tile, positions_per_tile, fill_positions, block_cycles):  # type: ignore[no-untyped-def]
    """Needed outputs alone, columns uint64 (K, ceil(M'/64)); adds tile times to block_cycles, returns what `plain_tiles` does."""
    rows, distinct = cycles.shape
    blocks = block_cycles.shape[0]
    channel_tiles = (channels + channels_per_tile - 1) // channels_per_tile
    runs = (positions + fill_positions - 1) // fill_positions
    depth = (fill_positions + positions_per_tile - 1) // positions_per_tile
    slowest = np.empty(depth, dtype=np.int64)
    lanes = np.empty(depth, dtype=np.int64)
    outputs = np.int64(0)
    lane_cycles = np.int64(0)
    used = np.int64(0)
    tiles = np.int64(0)
    for tile in range(channel_tiles):
        first = tile * channels_per_tile
        for run in range(runs):
            start = run * fill_positions
            size = min(fill_positions, positions - start)
            slowest[:] = 0
            lanes[:] = 0
            for k in range(first, min(first + channels_per_tile, channels)):
                row = k if rows > 1 else 0
                m = start % distinct
                found = 0
                for _ in range(size):
                    if (columns[k, m // 64] >> np.uint64(m % 64)) & np.uint64(1):
                        g = found // positions_per_tile
                        value = np.int64(cycles[row, m])
                        slowest[g] = max(slowest[g], value)
                        lanes[g] += 1
                        lane_cycles += value
                        found += 1
                    m += 1
                    if m == distinct:
                        m = 0
                outputs += found
            block = (tile * runs + run) * blocks // (channel_tiles * runs)
            for g in range(depth):
                if lanes[g]:
                    block_cycles[block] += slowest[g]
                    used += slowest[g] * lanes[g]
                    tiles += 1
    return outputs, lane_cycles, used, tiles
