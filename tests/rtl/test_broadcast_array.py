"""The broadcast array in SystemVerilog against the kernels of kind `broadcast`: cycles of every
tile, and every output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from accelsim.kernels.bits import bitmaps
from accelsim.kernels.broadcast.columns import broadcast_split, column_costs
from tests.naive import broadcast as naive
from tests.rtl.random_operands import operand, some_density
from tests.rtl.simulation import Outcome, Tile, simulate

pytestmark = pytest.mark.rtl

COLUMNS = 16
ROWS = 16
ENTRIES = ROWS * COLUMNS
DESIGNS = [(1, 1, 4), (4, 1, 2), (4, 2, 4), (3, 3, 1), (8, 8, 2), (2, 20, 3)]
"""PEs, depth of the FIFOs, bits of the relative index. The deepest holds every token."""
RANDOM_TILES = 200
"""Of a design, two for each matrix."""


def costs_of(
    weights: np.ndarray, vector: np.ndarray, index_bits: int, least: int = 1
) -> np.ndarray:
    """What each token costs each PE, int64 (PEs, tokens): weights (columns, rows, PEs), interleaved
    outputs as the kernel has them.
    """
    columns, rows, pes = weights.shape
    entries, padding = column_costs(
        bitmaps.from_mask(weights.reshape(columns, -1) != 0), rows * pes, pes, index_bits
    )
    return np.maximum(entries + padding, least).T[:, vector != 0].astype(np.int64)


def stored(weights: np.ndarray, index_bits: int) -> dict[str, list]:
    """The memories of every PE, encoded as EIE does: column pointers, and entries (weight, zeros
    before it).
    """
    pointers, entries = [], []
    for p in range(weights.shape[2]):
        firsts, memory = [0], []
        for column in weights[:, :, p]:
            memory += naive.encode(column.tolist(), index_bits)
            firsts.append(len(memory))
        pointers.append(firsts)
        entries.append(memory)
    return {"pointers": pointers, "entries": entries}


def matrix_tiles(
    weights: np.ndarray, vectors: list[np.ndarray], depth: int, index_bits: int
) -> Iterator[Tile]:
    """Tiles of one matrix; the first one carries it."""
    for index, vector in enumerate(vectors):
        costs = costs_of(weights, vector, index_bits)
        tile = {
            "vector": vector.tolist(),
            "cycles": broadcast_split(costs, depth)[0],
            "results": np.einsum("crp,c->rp", weights, vector).reshape(-1).tolist(),
            "costs": costs.tolist(),  # this and what follows is for wrong models
            "free-columns": costs_of(weights, vector, index_bits, least=0).tolist(),
            "unpadded": costs_of(weights, vector, 0).tolist(),
        }
        if index == 0:
            tile["matrix"] = stored(weights, index_bits)
        yield tile


def corner_matrices(pes: int) -> Iterator[np.ndarray]:
    """Nothing; everything; only the last row, behind as many zeros as there can be; one busy PE; a
    busy column for every idle one.
    """
    empty = np.zeros((COLUMNS, ROWS, pes), int)
    yield empty
    yield empty - 128
    last, busy, alternate = empty.copy(), empty.copy(), empty.copy()
    last[:, -1] = 3
    busy[:, :, 0] = 1
    alternate[::2] = 2
    yield from (last, busy, alternate, alternate[::-1])


def corner_vectors() -> list[np.ndarray]:
    """No token, all, only the first, only the last, every other one."""
    vectors = np.zeros((5, COLUMNS), int)
    vectors[1], vectors[2, 0], vectors[3, -1], vectors[4, ::2] = -128, 1, 1, 1
    return list(vectors)


def random_matrix(rng: np.random.Generator, pes: int) -> np.ndarray:
    """One density for all, for each PE, or for each column of each PE."""
    shape = [(1, 1, 1), (1, 1, pes), (COLUMNS, 1, pes)][int(rng.integers(3))]
    share = np.array([some_density(rng) for _ in range(int(np.prod(shape)))]).reshape(shape)
    size = (COLUMNS, ROWS, pes)
    return np.where(rng.random(size) < share, operand(rng, size, 1.0), 0)


def random_tiles(pes: int, depth: int, index_bits: int, count: int) -> list[Tile]:
    rng = np.random.default_rng([pes, depth, index_bits])
    found: list[Tile] = []
    while len(found) < count:
        vectors = [operand(rng, COLUMNS, some_density(rng)) for _ in range(2)]
        found += matrix_tiles(random_matrix(rng, pes), vectors, depth, index_bits)
    return found


def run(tiles: list[Tile], pes: int, depth: int, index_bits: int, name: str = "") -> Outcome:
    parameters = {
        "PES": pes,
        "DEPTH": depth,
        "COLUMNS": COLUMNS,
        "ROWS": ROWS,
        "ENTRIES": ENTRIES,
        "INDEX_BITS": index_bits,
    }
    return simulate("broadcast_array", "bench_broadcast", parameters, tiles, name)


def driven(pes: int, depth: int, index_bits: int) -> list[Tile]:
    corners = [
        tile
        for weights in corner_matrices(pes)
        for tile in matrix_tiles(weights, corner_vectors(), depth, index_bits)
    ]
    return corners + random_tiles(pes, depth, index_bits, RANDOM_TILES)


@pytest.mark.parametrize(("pes", "depth", "index_bits"), DESIGNS)
def test_cycles_and_sums_are_the_models(
    pes: int, depth: int, index_bits: int, compared: Callable[[str, Outcome], None]
) -> None:
    tiles = driven(pes, depth, index_bits)
    outcome = run(tiles, pes, depth, index_bits)
    assert outcome.faults == []
    assert outcome.tiles == len(tiles) > RANDOM_TILES
    assert outcome.cycles == sum(tile["cycles"] for tile in tiles) > 0
    compared("broadcast_array", outcome)


def test_there_are_a_thousand_random_tiles() -> None:
    assert len(DESIGNS) * RANDOM_TILES >= 1000


def recurrence(costs: list[list[int]], depth: int) -> int:
    """The two equations of `kernels.broadcast.columns`, word for word, over costs [PE][token]."""
    issue: list[int] = []
    done: list[list[int]] = [[] for _ in costs]
    for j in range(len(costs[0])):
        slot = max(row[j - depth] for row in done) if j >= depth else 0
        issue.append(max(issue[-1] + 1 if issue else 0, slot))
        for row, cost in zip(done, costs, strict=True):
            row.append(max(row[-1] if row else 0, issue[j]) + cost[j])
    return max((row[-1] for row in done if row), default=0)


@pytest.mark.parametrize("what", ["deeper", "free-columns", "unpadded"])
def test_a_wrong_model_is_caught(what: str) -> None:
    """FIFOs one deeper; columns without entries that cost nothing; padding zeros that cost
    nothing.
    """
    pes, depth, index_bits = 4, 2, 2
    right = random_tiles(pes, depth, index_bits, 60)
    assert [recurrence(tile["costs"], depth) for tile in right] == [
        tile["cycles"] for tile in right
    ]
    if what == "deeper":
        wrong = [{**tile, "cycles": recurrence(tile["costs"], depth + 1)} for tile in right]
    else:
        wrong = [{**tile, "cycles": recurrence(tile[what], depth)} for tile in right]
    differ = [
        index
        for index, (a, b) in enumerate(zip(right, wrong, strict=True))
        if a["cycles"] != b["cycles"]
    ]
    outcome = run(wrong, pes, depth, index_bits, f"sabotaged-{what}")
    assert [index for index, _ in outcome.faults] == differ
    assert len(differ) > 2


def test_a_wrong_sum_is_caught() -> None:
    tiles = random_tiles(4, 2, 4, 10)
    tiles[4]["results"][-1] += 1
    assert [index for index, _ in run(tiles, 4, 2, 4, "wrong-sum").faults] == [4]
