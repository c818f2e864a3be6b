"""Plain-Python twin of the tile sums: every lane of every tile is listed, and the barrier is a
maximum.
"""

from __future__ import annotations

import numpy as np


def tile_sums(
    cycles: np.ndarray,
    channels: int,
    positions: int,
    needed: np.ndarray | None,
    channels_per_tile: int,
    positions_per_tile: int,
    fill_positions: int,
    blocks: int,
    nest: tuple[int, int, int, bool, bool] = (1, 1 << 40, 1 << 40, False, False),
) -> tuple[np.ndarray, int, int, int, int]:
    """(block cycles, outputs, lane cycles, used lane cycles, tiles) from cycles (K or 1, M') and
    needed mask (M', K) or None.
    """

    def cost(k: int, m: int) -> int:
        return int(cycles[k if len(cycles) > 1 else 0, m % cycles.shape[1]])

    groups: list[list[list[int]]] = []  # per indexed step a list of tiles, each of lane cycles
    for k0 in range(0, channels, channels_per_tile):
        members = range(k0, min(k0 + channels_per_tile, channels))
        if needed is None:
            for m0 in range(0, positions, positions_per_tile):
                groups.append(
                    [
                        [
                            cost(k, m)
                            for k in members
                            for m in range(m0, min(m0 + positions_per_tile, positions))
                        ]
                    ]
                )
            continue
        for start in range(0, positions, fill_positions):
            run = range(start, min(start + fill_positions, positions))
            packed = [[cost(k, m) for m in run if needed[m % len(needed), k]] for k in members]
            depth = max(-(-len(lane) // positions_per_tile) for lane in packed)
            groups.append(
                [
                    [
                        value
                        for lane in packed
                        for value in lane[g * positions_per_tile : (g + 1) * positions_per_tile]
                    ]
                    for g in range(depth)
                ]
            )
    channel_tiles = -(-channels // channels_per_tile)
    items = len(groups) // channel_tiles
    run = fill_positions // positions_per_tile if needed is not None else 1
    order = visits(
        channel_tiles, items, -(-nest[0] // run), nest[1], -(-nest[2] // run), nest[3], nest[4]
    )
    groups = [groups[tile * items + item] for tile, item in order]
    block_cycles = np.zeros(blocks, dtype=np.int64)
    outputs = lane_cycles = used = tiles = 0
    for index, group in enumerate(groups):
        for tile in group:
            block_cycles[index * blocks // len(groups)] += max(tile)
            outputs += len(tile)
            lane_cycles += sum(tile)
            used += len(tile) * max(tile)
            tiles += 1
    return block_cycles, outputs, lane_cycles, used, tiles


def largest(values: list[int], first: int, size: int) -> int:
    """Largest (at least 0) of ``size`` values from ``first``, wrapping around at the end."""
    return max([0, *(values[(first + i) % len(values)] for i in range(size))])


def column_maxima(rows: list[list[int]]) -> tuple[list[int], list[int]]:
    """(maximum, sum) of each column."""
    return [max(column) for column in zip(*rows, strict=True)], [
        sum(column) for column in zip(*rows, strict=True)
    ]


def deal(
    values: list[int], found: int, positions_per_tile: int, depth: int
) -> tuple[int, list[int], list[int]]:
    """Distribute a channel's next values over its tiles, in which ``found`` lanes are taken: (sum,
    slowest lane, number of lanes) per tile.
    """
    slowest, lanes = [0] * depth, [0] * depth
    for i, value in enumerate(values):
        tile = (found + i) // positions_per_tile
        slowest[tile] = max(slowest[tile], value)
        lanes[tile] += 1
    return sum(values), slowest, lanes


def visits(
    tiles: int,
    items: int,
    group: int,
    high: int,
    wide: int,
    positions_outer: bool,
    buffer_positions_outer: bool,
) -> list[tuple[int, int]]:
    """(channel tile, position item) in the order of the loop nest."""
    channel_parts = [list(range(tiles))[i : i + high] for i in range(0, tiles, high)]
    position_parts = [list(range(items))[i : i + wide] for i in range(0, items, wide)]
    if buffer_positions_outer:
        outer = [
            (channels, positions) for positions in position_parts for channels in channel_parts
        ]
    else:
        outer = [
            (channels, positions) for channels in channel_parts for positions in position_parts
        ]
    order = []
    for channels, positions in outer:
        groups = (
            [positions[i : i + group] for i in range(0, len(positions), group)]
            if positions_outer
            else [positions]
        )
        order += [(tile, item) for part in groups for tile in channels for item in part]
    return order
