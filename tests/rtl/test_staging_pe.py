"""The coupled PE in SystemVerilog against the kernel of kind `coupled`: cycles of every tile, and
its sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from accelsim.kernels.coupled.staging import batch_cycles
from tests.naive import coupled as naive
from tests.rtl.random_operands import operand, some_density
from tests.rtl.simulation import Outcome, Tile, simulate

pytestmark = pytest.mark.rtl

MAX_ROWS = 64
LANES = 16
RANDOM_TILES = 1000


Operands = tuple[np.ndarray, np.ndarray]
"""Moving and stationary, int (rows, 16)."""


def pair_rows(operands: Operands) -> np.ndarray:
    """The stream as the kernel has it: uint16 (rows), bit i of a row is lane i's pair."""
    moving, stationary = operands
    return (((moving != 0) & (stationary != 0)) << np.arange(LANES)).sum(axis=1).astype(np.uint16)


def tiles_of(operands: Sequence[Operands]) -> list[Tile]:
    """Tiles with what the model says of them; the kernel gets all streams of one length at once."""
    streams = [pair_rows(pair) for pair in operands]
    cycles = [0] * len(streams)
    for length in {len(stream) for stream in streams} - {0}:
        places = [place for place, stream in enumerate(streams) if len(stream) == length]
        for place, found in zip(
            places, batch_cycles(np.array([streams[place] for place in places])), strict=True
        ):
            cycles[place] = int(found)
    return [
        {
            "moving": moving.tolist(),
            "stationary": stationary.tolist(),
            "cycles": cycles[place],
            "results": [int((moving * stationary).sum())],
            "rows": streams[place].tolist(),  # for wrong models
        }
        for place, (moving, stationary) in enumerate(operands)
    ]


def corners() -> list[Operands]:
    """Every short length and the longest, of no, all, or only the last pair; single lanes, single
    rows, and one pair at each place of the buffer.
    """
    found = []
    for length in (*range(9), MAX_ROWS - 1, MAX_ROWS):
        last = np.zeros((length, LANES), int)
        last[-1:, 0] = 1
        found += [
            (bits * -128, bits * -128) for bits in (np.zeros_like(last), np.ones_like(last), last)
        ]
    for lane in range(LANES):
        busy = np.zeros((30, LANES), int)
        busy[:, lane] = 1
        found.append((busy, busy * 5))
    for every in (2, 3, 4):
        sparse = np.zeros((31, LANES), int)
        sparse[::every] = 1
        found.append((sparse, sparse))
    for place in range(3 * LANES):
        one = np.zeros((3, LANES), int)
        one[place // LANES, place % LANES] = 1
        found.append((one, one))
    return found


def random_operands(count: int) -> list[Operands]:
    """Any length; densities of the whole operands, of their lanes, or of their rows."""
    rng = np.random.default_rng(16)
    found = []
    for _ in range(count):
        length = int(rng.integers(0, MAX_ROWS + 1))
        shape = [(1, 1), (1, LANES), (length, 1)][int(rng.integers(3))]
        shares = [
            np.where(rng.random(shape) < 0.5, some_density(rng), some_density(rng))
            for _ in range(2)
        ]
        moving, stationary = (
            np.where(rng.random((length, LANES)) < share, operand(rng, (length, LANES), 1.0), 0)
            for share in shares
        )
        found.append((moving, stationary))
    return found


def driven() -> list[Tile]:
    return tiles_of(corners() + random_operands(RANDOM_TILES))


def test_cycles_and_sums_are_the_models(compared: Callable[[str, Outcome], None]) -> None:
    tiles = driven()
    outcome = simulate("staging_pe", "bench_staging", {"MAX_ROWS": MAX_ROWS}, tiles)
    assert outcome.faults == []
    assert outcome.tiles == len(tiles) > RANDOM_TILES
    assert outcome.cycles == sum(tile["cycles"] for tile in tiles) > 0
    compared("staging_pe", outcome)


@pytest.mark.parametrize("what", ["choices", "levels"])
def test_a_model_with_another_order_is_caught(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last two choices exchanged; lanes served one after the other."""
    right = tiles_of(random_operands(150))
    assert [len(naive.cycle_by_cycle(tile["rows"])) for tile in right] == [
        tile["cycles"] for tile in right
    ]
    if what == "choices":
        monkeypatch.setattr(
            naive, "CHOICES", (*naive.CHOICES[:6], naive.CHOICES[7], naive.CHOICES[6])
        )
    else:
        monkeypatch.setattr(naive, "LEVELS", tuple((lane,) for lane in range(LANES)))
    wrong = [{**tile, "cycles": len(naive.cycle_by_cycle(tile["rows"]))} for tile in right]
    differ = [
        index
        for index, (a, b) in enumerate(zip(right, wrong, strict=True))
        if a["cycles"] != b["cycles"]
    ]
    outcome = simulate(
        "staging_pe", "bench_staging", {"MAX_ROWS": MAX_ROWS}, wrong, f"sabotaged-{what}"
    )
    assert [index for index, _ in outcome.faults] == differ
    assert len(differ) > 1


def test_a_wrong_sum_is_caught() -> None:
    tiles = tiles_of(random_operands(10))
    tiles[6]["results"][0] -= 1
    outcome = simulate("staging_pe", "bench_staging", {"MAX_ROWS": MAX_ROWS}, tiles, "wrong-sum")
    assert [index for index, _ in outcome.faults] == [6]
