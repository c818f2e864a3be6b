"""The zero-skip PE in SystemVerilog against the kernels of kind `lanes`: cycles of every tile,
barrier included, and every lane's sum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from accelsim.kernels.bits import bitmaps, taps
from accelsim.kernels.lanes import pair_streams, zero_skip
from accelsim.kernels.lanes.tiles import TileShape, tile_sums
from tests.naive import zero_skip as naive
from tests.rtl.random_operands import operand, some_density
from tests.rtl.simulation import Outcome, Tile, simulate

pytestmark = pytest.mark.rtl

MAX_LENGTH = 64
SKIPS = ["moving", "stationary", "both", "none"]
DESIGNS = [(1, 4), (2, 4), (3, 1), (4, 16), (16, 16), (64, 2)]
"""Window and lanes."""
RANDOM_TILES = 200
"""Of a design: half of them lanes of any lengths, half of them outputs of a convolution."""

Lanes = tuple[list[list[int]], list[list[int]], list[int]]
"""Streams of the moving and of the stationary operand, and the model's cycles, of every lane."""


def model(
    image: np.ndarray,
    kernel: np.ndarray,
    rows: np.ndarray,
    cols: np.ndarray,
    window: int,
    skip: str,
) -> list[int]:
    """Cycles of every output (Y*X) of one channel: values image (H, W, C) and kernel (TR*TC, C),
    taps of `accelsim.kernels.bits.taps`.
    """
    moving, channels = bitmaps.from_mask(image != 0), image.shape[2]
    if skip == "none":
        return [int(length) for length in zero_skip.stream_lengths(channels, rows, cols)]
    if skip == "moving":
        return [
            int(cycles)
            for cycles in zero_skip.stream_cycles(moving[None], channels, rows, cols, window)[0][0]
        ]
    stationary = bitmaps.from_mask(kernel != 0)[None]
    return [
        int(cycles)
        for cycles in pair_streams.pair_stream_cycles(
            moving, channels, stationary, rows, cols, window, skip
        )[0][0]
    ]


def streams(
    moving: list[np.ndarray], stationary: list[np.ndarray], window: int, skip: str
) -> Lanes:
    """Lanes with streams of their own, each a vector of channels under one tap; an empty one has
    its only tap removed.
    """
    cycles = []
    for a, b in zip(moving, stationary, strict=True):
        if len(a):
            tap = np.zeros((1, 1), np.int32)
            cycles += model(a.reshape(1, 1, -1), b.reshape(1, -1), tap, tap, window, skip)
        else:
            tap = np.full((1, 1), taps.REMOVED, np.int32)
            cycles += model(np.ones((1, 1, 1), int), np.ones((1, 1), int), tap, tap, window, skip)
    return [a.tolist() for a in moving], [b.tolist() for b in stationary], cycles


def convolution(rng: np.random.Generator, lanes: int, window: int, skip: str) -> Lanes:
    """Lanes that are neighbouring outputs of FF or EP: streams over taps and channels, with
    padding, strides and dilation.
    """
    height = 2 if lanes % 2 == 0 else 1
    size, stride, dilation, before = (
        int(rng.integers(low, high)) for low, high in ((1, 7), (1, 3), (1, 3), (0, 3))
    )
    side, keep = int(rng.integers(1, 4)), bool(rng.integers(2))
    table = [taps.forward_taps, taps.transposed_taps][int(rng.integers(2))]
    rows, cols = (
        table(outputs, size, side, stride, before, dilation, keep)
        for outputs in (height, lanes // height)
    )
    positions = rows.shape[1] * cols.shape[1]
    channels = int(rng.integers(1, MAX_LENGTH // positions + 1))
    image, kernel = (
        operand(rng, (size, size, channels), some_density(rng)),
        operand(rng, (positions, channels), some_density(rng)),
    )
    outputs = [(row, col) for row in rows for col in cols]
    moving = [naive.moving_stream(image, row, col) for row, col in outputs]
    stationary = [naive.stationary_stream(kernel, row, col) for row, col in outputs]
    return moving, stationary, model(image, kernel, rows, cols, window, skip)


def corners(lanes: int, window: int, skip: str) -> list[Lanes]:
    """Lengths around the window, of no, all, or only the last effectual pair; then one lane that
    works while the others have nothing.
    """
    found = []
    for length in sorted(
        {0, 1, window - 1, window, window + 1, 2 * window - 1, 2 * window, MAX_LENGTH}
        & set(range(MAX_LENGTH + 1))
    ):
        for value, last in ((0, 0), (1, 1), (0, 1)):
            stream = np.full(length, value)
            stream[-1:] = last
            found.append(streams([stream * -128] * lanes, [stream * -128] * lanes, window, skip))
    for value in (0, 1):
        idle = [np.zeros(0, int)] * (lanes - 1)
        found.append(
            streams(
                [*idle, np.full(MAX_LENGTH, value)], [*idle, np.ones(MAX_LENGTH, int)], window, skip
            )
        )
    return found


def any_lanes(rng: np.random.Generator, lanes: int, window: int, skip: str) -> Lanes:
    """Lanes of random lengths, or all of one, each with densities of its own."""
    lengths = rng.integers(0, MAX_LENGTH + 1, lanes)
    if rng.random() < 0.5:
        lengths[:] = lengths[0]
    moving, stationary = (
        [operand(rng, int(length), some_density(rng)) for length in lengths] for _ in range(2)
    )
    return streams(moving, stationary, window, skip)


def tiles_of(lanes: int, window: int, modelled_window: int, count: int) -> list[Tile]:
    """Corners and ``count`` random tiles of a PE, with what the model says of a window of
    ``modelled_window``.
    """
    rng = np.random.default_rng([lanes, window])
    found = [(skip, corner) for skip in SKIPS for corner in corners(lanes, modelled_window, skip)]
    for index in range(count):
        skip = SKIPS[int(rng.integers(4))]
        found.append(
            (skip, (convolution if index % 2 else any_lanes)(rng, lanes, modelled_window, skip))
        )
    cycles = np.array(
        [[cycles for _, (_, _, lanes_cycles) in found for cycles in lanes_cycles]], dtype=np.int32
    )
    barrier = tile_sums(cycles, 1, cycles.size, None, TileShape(1, lanes, lanes), len(found))[0]
    return [
        {
            "moving": moving,
            "stationary": stationary,
            "skip": skip,
            "cycles": int(tile_cycles),
            "results": [
                sum(a * b for a, b in zip(*pair, strict=True))
                for pair in zip(moving, stationary, strict=True)
            ],
        }
        for (skip, (moving, stationary, _)), tile_cycles in zip(found, barrier, strict=True)
    ]


def driven(window: int, lanes: int) -> list[Tile]:
    return tiles_of(lanes, window, window, RANDOM_TILES)


@pytest.mark.parametrize(("window", "lanes"), DESIGNS)
def test_cycles_and_sums_are_the_models(
    window: int, lanes: int, compared: Callable[[str, Outcome], None]
) -> None:
    tiles = driven(window, lanes)
    outcome = simulate("zero_skip_pe", "bench_zero_skip", {"WINDOW": window, "LANES": lanes}, tiles)
    assert outcome.faults == []
    assert outcome.tiles == len(tiles) > RANDOM_TILES
    assert outcome.cycles == sum(tile["cycles"] for tile in tiles) > 0
    compared("zero_skip_pe", outcome)


def test_there_are_a_thousand_random_tiles() -> None:
    assert len(DESIGNS) * RANDOM_TILES >= 1000


def test_a_model_with_a_longer_window_is_caught() -> None:
    right, wrong = (tiles_of(4, 4, modelled, 40) for modelled in (4, 5))
    outcome = simulate(
        "zero_skip_pe", "bench_zero_skip", {"WINDOW": 4, "LANES": 4}, wrong[-40:], "sabotaged"
    )
    differ = [
        index
        for index, (a, b) in enumerate(zip(right[-40:], wrong[-40:], strict=True))
        if a["cycles"] != b["cycles"]
    ]
    assert [index for index, _ in outcome.faults] == differ
    assert len(differ) > 5
    first = differ[0]
    assert (
        outcome.faults[0][1]
        == f"cycles must be {wrong[first - 40]['cycles']}, got {right[first - 40]['cycles']}"
    )


def test_a_wrong_sum_is_caught() -> None:
    tiles = tiles_of(4, 4, 4, 20)[-20:]
    tiles[7]["results"][2] += 1
    outcome = simulate(
        "zero_skip_pe", "bench_zero_skip", {"WINDOW": 4, "LANES": 4}, tiles, "wrong-sum"
    )
    assert [index for index, _ in outcome.faults] == [7]
