"""The coupled PE in SystemVerilog against the kernel of kind `coupled`: cycles of every tile, and its sum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from accelsim.kernels.coupled import staging_cycles
from tests.naive import coupled as naive
from tests.rtl.random_operands import operand, some_density
from tests.rtl.simulation import Outcome, Tile, simulate

pytestmark = pytest.mark.rtl

MAX_ROWS = 64
LANES = 16
RANDOM_TILES = 1000


def tile(moving: np.ndarray, stationary: np.ndarray) -> Tile:
    """Operands int (rows, 16), and what the model says of them."""
    pairs = (moving != 0) & (stationary != 0)
    rows = (pairs << np.arange(LANES)).sum(axis=1).astype(np.uint16)
    return {
        "moving": moving.tolist(),
        "stationary": stationary.tolist(),
        "cycles": staging_cycles(rows) if len(rows) else 0,
        "results": [int((moving * stationary).sum())],
        "rows": rows.tolist(),  # for wrong models
    }


def corners() -> list[Tile]:
    """Every short length and the longest, of no, all, or only the last pair; single lanes, single rows, and one pair at each place of the buffer."""
    found = []
    for length in (*range(9), MAX_ROWS - 1, MAX_ROWS):
        last = np.zeros((length, LANES), int)
        last[-1:, 0] = 1
        found += [tile(bits * -128, bits * -128) for bits in (np.zeros_like(last), np.ones_like(last), last)]
    for lane in range(LANES):
        busy = np.zeros((30, LANES), int)
        busy[:, lane] = 1
        found.append(tile(busy, busy * 5))
    for every in (2, 3, 4):
        sparse = np.zeros((31, LANES), int)
        sparse[::every] = 1
        found.append(tile(sparse, sparse))
    for place in range(3 * LANES):
        one = np.zeros((3, LANES), int)
        one[place // LANES, place % LANES] = 1
        found.append(tile(one, one))
    return found


def random_tile(rng: np.random.Generator) -> Tile:
    """Any length; densities of the whole operands, of their lanes, or of their rows."""
    length = int(rng.integers(0, MAX_ROWS + 1))
    shape = [(1, 1), (1, LANES), (length, 1)][int(rng.integers(3))]
    shares = [np.where(rng.random(shape) < 0.5, some_density(rng), some_density(rng)) for _ in range(2)]
    moving, stationary = (np.where(rng.random((length, LANES)) < share, operand(rng, (length, LANES), 1.0), 0) for share in shares)
    return tile(moving, stationary)


def random_tiles(count: int) -> list[Tile]:
    rng = np.random.default_rng(16)
    return [random_tile(rng) for _ in range(count)]


def test_cycles_and_sums_are_the_models(compared: Callable[[str, Outcome], None]) -> None:
    driven = corners() + random_tiles(RANDOM_TILES)
    outcome = simulate("staging_pe", "bench_staging", {"MAX_ROWS": MAX_ROWS}, driven)
    assert outcome.faults == []
    assert outcome.tiles == len(driven)
    assert outcome.cycles == sum(tile["cycles"] for tile in driven) > 0
    compared("staging_pe", outcome)


@pytest.mark.parametrize("what", ["choices", "levels"])
def test_a_model_with_another_order_is_caught(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last two choices exchanged; lanes served one after the other."""
    driven = random_tiles(150)
    assert [len(naive.cycle_by_cycle(tile["rows"])) for tile in driven] == [tile["cycles"] for tile in driven]
    if what == "choices":
        monkeypatch.setattr(naive, "CHOICES", (*naive.CHOICES[:6], naive.CHOICES[7], naive.CHOICES[6]))
    else:
        monkeypatch.setattr(naive, "LEVELS", tuple((lane,) for lane in range(LANES)))
    wrong = [{**tile, "cycles": len(naive.cycle_by_cycle(tile["rows"]))} for tile in driven]
    differ = [index for index, (a, b) in enumerate(zip(driven, wrong, strict=True)) if a["cycles"] != b["cycles"]]
    outcome = simulate("staging_pe", "bench_staging", {"MAX_ROWS": MAX_ROWS}, wrong, f"sabotaged-{what}")
    assert [index for index, _ in outcome.faults] == differ
    assert len(differ) > 1


def test_a_wrong_sum_is_caught() -> None:
    driven = random_tiles(10)
    driven[6]["results"][0] -= 1
    outcome = simulate("staging_pe", "bench_staging", {"MAX_ROWS": MAX_ROWS}, driven, "wrong-sum")
    assert [index for index, _ in outcome.faults] == [6]
