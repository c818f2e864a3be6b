"""Tile sums against a list of every lane of every tile, and the laws of tile sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels.bits import bitmaps
from accelsim.kernels.lanes import tiles
from tests.examples import examples
from tests.mask_strategies import masks, seeds
from tests.naive import tiles as naive

Case = tuple[np.ndarray, int, int, np.ndarray | None, int, int, int, int]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Incomplete tiles, repeated samples, runs longer and shorter than the repetition, with and
    without a mask of needed outputs.
    """
    channels, positions = draw(st.integers(1, 12)), draw(st.integers(1, 200))
    distinct = draw(st.integers(1, positions))
    rows = draw(st.sampled_from([1, channels]))
    cycles = np.random.default_rng(draw(seeds)).integers(0, 90, (rows, distinct)).astype(np.int32)
    needed = draw(st.none() | masks(distinct, channels))
    lanes = draw(st.integers(1, 70))
    fill = lanes * draw(st.integers(1, 5))
    return (
        cycles,
        channels,
        positions,
        needed,
        tiles.TileShape(draw(st.integers(1, 14)), lanes, fill),
        draw(st.integers(1, 9)),
    )


@given(cases())
@settings(max_examples=examples(600))
def test_tile_sums_equal_the_twin(case: Case) -> None:
    cycles, channels, positions, needed, *rest = case
    found = tiles.tile_sums(
        cycles, channels, positions, None if needed is None else bitmaps.from_mask(needed), *rest
    )
    expected = naive.tile_sums(cycles, channels, positions, needed, *rest[0], *rest[1:])
    assert found[0].tolist() == expected[0].tolist()
    assert found[1:] == expected[1:]


@given(
    cases(), st.integers(1, 5), st.integers(1, 5), st.integers(1, 7), st.booleans(), st.booleans()
)
@settings(max_examples=examples(400))
def test_blocks_follow_any_loop_nest(
    case: Case, group: int, high: int, wide: int, inner: bool, outer: bool
) -> None:
    cycles, channels, positions, needed, *rest = case
    words = None if needed is None else bitmaps.from_mask(needed)
    found = tiles.tile_sums(
        cycles,
        channels,
        positions,
        words,
        *rest,
        np.array([group, high, wide, inner, outer], np.int64),
    )
    expected = naive.tile_sums(
        cycles, channels, positions, needed, *rest[0], *rest[1:], (group, high, wide, inner, outer)
    )
    assert found[0].tolist() == expected[0].tolist()
    assert (
        found[1:] == expected[1:] == tiles.tile_sums(cycles, channels, positions, words, *rest)[1:]
    )


@given(cases())
def test_no_lane_outlasts_its_tile(case: Case) -> None:
    cycles, channels, positions, needed, *rest = case
    block_cycles, outputs, lane_cycles, used, count = tiles.tile_sums(
        cycles, channels, positions, None if needed is None else bitmaps.from_mask(needed), *rest
    )
    channels_per_tile, positions_per_tile = rest[0][:2]
    assert lane_cycles <= used <= int(block_cycles.sum()) * channels_per_tile * positions_per_tile
    assert outputs <= count * channels_per_tile * positions_per_tile
    if needed is None or needed.all():
        assert outputs == channels * positions


@given(cases())
def test_one_row_stands_for_every_channel(case: Case) -> None:
    cycles, channels, positions, needed, *rest = case
    words = None if needed is None else bitmaps.from_mask(needed)
    single = tiles.tile_sums(cycles[:1], channels, positions, words, *rest)
    written_out = tiles.tile_sums(
        np.repeat(cycles[:1], channels, axis=0), channels, positions, words, *rest
    )
    assert single[0].tolist() == written_out[0].tolist()
    assert single[1:] == written_out[1:]


@given(
    st.lists(st.integers(-5, 1000), min_size=1, max_size=60),
    st.integers(0, 59),
    st.integers(0, 200),
)
def test_spans_equal_the_twin(values: list[int], first: int, size: int) -> None:
    first %= len(values)
    assert tiles.largest(np.array(values, np.int32), first, size) == naive.largest(
        values, first, size
    )


@given(st.integers(1, 64), st.integers(0, 100), st.integers(1, 40), st.data())
def test_a_word_is_dealt_as_the_twin_deals_it(
    size: int, found: int, positions_per_tile: int, data: st.DataObject
) -> None:
    mask = data.draw(masks(1, size))
    values = np.arange(1, size + 1, dtype=np.int32)
    if mask.any():
        slowest, lanes = np.zeros((2, 200), np.int64)
        total = tiles.pack_word(
            bitmaps.from_mask(mask)[0, 0], values, found, positions_per_tile, slowest, lanes
        )
        assert (total, slowest.tolist(), lanes.tolist()) == naive.deal(
            values[mask[0]].tolist(), found, positions_per_tile, 200
        )


@given(st.integers(1, 150), st.integers(0, 400), st.integers(0, 300), st.integers(1, 40), st.data())
def test_a_run_is_dealt_as_the_twin_deals_it(
    distinct: int, start: int, size: int, positions_per_tile: int, data: st.DataObject
) -> None:
    mask = data.draw(masks(1, distinct))
    values = np.arange(1, distinct + 1, dtype=np.int32)
    slowest, lanes = np.zeros((2, 301), np.int64)
    outputs, total = tiles.packed_run(
        values, bitmaps.from_mask(mask)[0], start, size, positions_per_tile, slowest, lanes
    )
    picked = [
        int(values[m % distinct]) for m in range(start, start + size) if mask[0, m % distinct]
    ]
    assert outputs == len(picked)
    assert (total, slowest.tolist(), lanes.tolist()) == naive.deal(
        picked, 0, positions_per_tile, 301
    )


def test_a_run_of_broken_tiles_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^fill_positions must be a multiple of a tile's positions, got 5 and 4$"
    ):
        tiles.tile_sums(
            np.ones((1, 8), np.int32), 2, 8, np.ones((8, 1), np.uint64), tiles.TileShape(1, 4, 5), 1
        )


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(
            st.lists(st.integers(0, 99), min_size=width, max_size=width), min_size=1, max_size=7
        )
    )
)
def test_column_maxima_equal_the_twin(rows: list[list[int]]) -> None:
    tops, sums = np.empty(len(rows[0]), np.int32), np.empty(len(rows[0]), np.int64)
    tiles.column_maxima(np.array(rows, np.int32), tops, sums)
    assert (tops.tolist(), sums.tolist()) == naive.column_maxima(rows)
