"""Plain-Python twin of the tile sums: every lane of every tile listed, the barrier taken as a max."""

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
) -> tuple[np.ndarray, int, int, int, int]:
    """cycles (K or 1, M'), needed mask (M', K) or None -> block cycles, outputs, lane cycles, used lane cycles, tiles."""

    def cost(k: int, m: int) -> int:
        return int(cycles[k if len(cycles) > 1 else 0, m % cycles.shape[1]])

    groups: list[list[list[int]]] = []  # one list of tiles (of lane cycles) an indexed step
    for k0 in range(0, channels, channels_per_tile):
        members = range(k0, min(k0 + channels_per_tile, channels))
        if needed is None:
            for m0 in range(0, positions, positions_per_tile):
                groups.append([[cost(k, m) for k in members for m in range(m0, min(m0 + positions_per_tile, positions))]])
            continue
        for start in range(0, positions, fill_positions):
            run = range(start, min(start + fill_positions, positions))
            packed = [[cost(k, m) for m in run if needed[m % len(needed), k]] for k in members]
            depth = max(-(-len(lane) // positions_per_tile) for lane in packed)
            groups.append([[value for lane in packed for value in lane[g * positions_per_tile : (g + 1) * positions_per_tile]] for g in range(depth)])
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
    """Largest (at least 0) of ``size`` values from ``first`` on, starting over at the end."""
    return max([0, *(values[(first + i) % len(values)] for i in range(size))])


def column_maxima(rows: list[list[int]]) -> tuple[list[int], list[int]]:
    """Largest and sum of each column."""
    return [max(column) for column in zip(*rows, strict=True)], [sum(column) for column in zip(*rows, strict=True)]


def deal(values: list[int], found: int, positions_per_tile: int, depth: int) -> tuple[int, list[int], list[int]]:
    """A channel's next values into its tiles, ``found`` lanes taken: sum, slowest lane and number of lanes of each tile."""
    slowest, lanes = [0] * depth, [0] * depth
    for i, value in enumerate(values):
        tile = (found + i) // positions_per_tile
        slowest[tile] = max(slowest[tile], value)
        lanes[tile] += 1
    return sum(values), slowest, lanes


def gcd(a: int, b: int) -> int:
    """Greatest common divisor by trial."""
    return max(d for d in range(1, min(a, b) + 1) if a % d == 0 and b % d == 0)
