"""FF and EP lanes against the cycle-by-cycle walk, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels.bits import bitmaps, effectual, taps
from accelsim.kernels.bits.intrinsics import container
from accelsim.kernels.lanes import pair_streams, walk, zero_skip
from tests.examples import examples
from tests.mask_strategies import backward, forward, masks, pruned_kernels, windows
from tests.naive import bitmaps as naive_bits
from tests.naive import effectual as naive_effectual
from tests.naive import zero_skip as naive

streams = st.integers(1, 300).flatmap(lambda size: masks(1, size))
channel_counts = st.one_of(st.integers(1, 9), st.sampled_from([63, 64, 65, 130]))


def row(*bits: int) -> np.ndarray:
    return np.array([bits], dtype=bool)


@given(streams, windows)
@settings(max_examples=examples(500))
def test_walk_is_its_closed_form(mask: np.ndarray, window: int) -> None:
    """popcount + floor(gap/W) over leading and inner gaps + ceil(tail/W)."""
    assert naive.walk(mask[0], window) == naive.closed_form(mask[0], window)


@given(streams, windows)
@settings(max_examples=examples(500))
def test_one_vector_is_walked_exactly(mask: np.ndarray, window: int) -> None:
    tap = np.zeros((1, 1), np.int32)
    cycles, ones, length = zero_skip.stream_cycles(
        bitmaps.from_mask(mask)[None, None], mask.shape[1], tap, tap, window
    )
    assert (cycles[0, 0], ones[0, 0], length[0]) == (
        naive.walk(mask[0], window),
        mask.sum(),
        mask.shape[1],
    )


@given(streams, windows)
def test_summaries_equal_the_twin(mask: np.ndarray, window: int) -> None:
    assert zero_skip.summarise(bitmaps.from_mask(mask), mask.shape[1], window).tolist() == [
        naive.summary(mask[0], window)
    ]


@given(masks(1, 64), windows)
def test_gaps_within_a_word_equal_the_twin(mask: np.ndarray, window: int) -> None:
    places = np.flatnonzero(mask[0])
    if len(places):
        low, high = int(places[0]), int(places[-1])
        inner = mask[0, low : high + 1]
        assert (
            zero_skip.long_gaps(bitmaps.from_mask(mask)[0, 0], low, high, window)
            == naive.walk(inner, window) - inner.sum()
        )


@st.composite
def layers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Moving mask (S, H, W, C), taps of FF or EP, window."""
    height, width, channels = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(channel_counts)
    keep = draw(st.booleans())
    x = draw(masks(draw(st.integers(1, 3)), height, width, channels))
    if draw(st.booleans()):
        return x, draw(forward(height, keep)), draw(forward(width, keep)), draw(windows)
    return x, draw(backward(height, keep))[0][:9], draw(backward(width, keep))[0][:5], draw(windows)


@given(layers())
@settings(max_examples=examples(400))
def test_streams_equal_the_twin(layer: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
    x, rows, cols, window = layer
    found = zero_skip.stream_cycles(bitmaps.from_mask(x), x.shape[3], rows, cols, window)
    for array, expected in zip(found, naive.stream_cycles(x, rows, cols, window), strict=True):
        assert array.dtype == np.int32
        assert np.array_equal(array, expected)


@st.composite
def pruned_layers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Moving mask (H, W, C), stationary mask (K, T, C), taps, window."""
    height, width, channels = (
        draw(st.integers(1, 4)),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([1, 2, 3, 5, 8, 63, 65])),
    )
    stationary, (rows, cols) = draw(pruned_kernels(height, width, channels))
    return (
        draw(masks(height, width, channels)),
        stationary,
        rows[:5],
        cols[:2],
        draw(windows),
    )


@given(pruned_layers(), st.sampled_from(["both", "stationary"]))
@settings(max_examples=examples(150))
def test_pairs_of_masks_equal_the_twin(
    layer: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int], skip: str
) -> None:
    image, stationary, rows, cols, window = layer
    words = bitmaps.from_mask(image), bitmaps.from_mask(stationary)
    found = pair_streams.pair_stream_cycles(
        words[0], image.shape[2], words[1], rows, cols, window, skip
    )
    for array, expected in zip(
        found, naive.pair_stream_cycles(image, stationary, rows, cols, window, skip), strict=True
    ):
        assert np.array_equal(array, expected)


@given(pruned_layers())
def test_a_dense_kernel_costs_what_the_moving_operand_alone_costs(
    layer: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int],
) -> None:
    image, stationary, rows, cols, window = layer
    dense = bitmaps.from_mask(np.ones_like(stationary))
    cycles, ones = pair_streams.pair_stream_cycles(
        bitmaps.from_mask(image), image.shape[2], dense, rows, cols, window
    )
    alone = zero_skip.stream_cycles(
        bitmaps.from_mask(image[None]), image.shape[2], rows, cols, window
    )
    assert (cycles == alone[0]).all()
    assert (ones == alone[1]).all()


@given(pruned_layers())
def test_effectual_counts_of_ff_and_ep_equal_the_twin(
    layer: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int],
) -> None:
    image, stationary, rows, cols, _ = layer
    x, w = bitmaps.from_mask(image[None]), bitmaps.from_mask(stationary)
    assert effectual.effectual_masked(
        x, image.shape[2], w, rows, cols
    ).tolist() == naive_effectual.masked(image[None], stationary, rows, cols)


@given(layers(), st.data())
def test_effectual_counts_with_a_dense_kernel_equal_the_twin(
    layer: tuple[np.ndarray, np.ndarray, np.ndarray, int], data: st.DataObject
) -> None:
    x, rows, cols, _ = layer
    needed = data.draw(st.none() | masks(data.draw(st.integers(1, 2)), len(rows), len(cols), 3))
    found = effectual.effectual_dense(
        bitmaps.from_mask(x), 3, rows, cols, None if needed is None else bitmaps.from_mask(needed)
    )
    expected = naive_effectual.dense(x, 3, rows, cols, needed)
    assert found.tolist() == expected
    batch = data.draw(st.integers(1, 7))
    assert effectual.over_batch(found, batch) == sum(
        expected[n % len(expected)] for n in range(batch)
    )
    counts = x.sum(axis=3, dtype=np.int64)
    assert np.array_equal(
        effectual.covered_ones(counts, rows, cols), naive_effectual.covered_ones(counts, rows, cols)
    )


@given(st.integers(1, 40), st.integers(1, 200), st.integers(0, 6), windows, st.data())
@settings(max_examples=examples(300))
def test_lanes_abreast_equal_the_twin(
    lanes: int, period: int, repeats: int, window: int, data: st.DataObject
) -> None:
    """The walk of parallel lanes, with state carried over repetitions of whole chunks and a
    remainder.
    """
    period = -(-period // window) * window if repeats else period
    rest = data.draw(st.integers(0 if repeats else 1, period))
    shared, own = data.draw(masks(1, period)), data.draw(masks(lanes, period))
    kind = container(window)

    def cut(mask: np.ndarray, length: int) -> np.ndarray:
        rows = [
            [
                naive_bits.chunk(bits[:length].tolist(), t * window, window)
                for t in range(-(-length // window))
            ]
            for bits in mask
        ]
        return np.array(rows, dtype=kind.dtype).reshape(len(mask), -1)

    state, scratch, found = (
        np.empty((2, lanes), kind.dtype),
        np.empty((2, lanes), np.int32),
        np.empty(lanes, np.int32),
    )
    x = np.ascontiguousarray(cut(own, period).T)
    walk.walk_lanes(
        cut(shared, period)[0],
        cut(shared, rest)[0],
        x,
        repeats,
        rest,
        window,
        walk.LaneState(*state, *scratch),
        found,
    )
    pairs = own & shared
    assert found.tolist() == [
        naive.walk([*np.tile(bits, repeats), *bits[:rest]], window) for bits in pairs
    ]


def test_a_long_stream_outgrows_no_counter() -> None:
    """Dense and empty streams with more positions than a 16-bit counter can count."""
    for density, expected in ((1, 70000), (0, 4375)):
        bits = np.full((70000, 1), density, bool)
        words = bitmaps.from_mask(bits).reshape(1, 1, 70000, 1)
        tap = np.arange(70000, dtype=np.int32).reshape(1, -1)
        cycles, _ = pair_streams.pair_stream_cycles(
            words[0], 1, np.ones((1, 70000, 1), np.uint64), np.zeros((1, 1), np.int32), tap, 16
        )
        assert cycles.tolist() == [[expected]]


def test_window_of_one_takes_every_position() -> None:
    mask = row(0, 1, 0, 0, 1, 0)
    tap = np.zeros((1, 1), np.int32)
    assert zero_skip.stream_cycles(bitmaps.from_mask(mask)[None, None], 6, tap, tap, 1)[
        0
    ].tolist() == [[6]]


def test_stride_zeros_in_the_window_cost_more_than_removed_ones() -> None:
    """Stride-2 EP of dense errors: if zeros are removed, exactly a quarter of the positions remain
    on average; in a window of 16 the speedup is 3.4, not 4 (docs/pe-lanes.md).
    """
    errors = bitmaps.ones(16 * 16, 64).reshape(1, 16, 16, -1)
    cycles = {}
    for keep in (False, True):
        table = taps.transposed_taps(32, 16, 3, 2, 1, 1, keep)
        cycles[keep] = zero_skip.stream_cycles(errors, 64, table, table, 16)[0].sum()
    dense = 32 * 32 * 9 * 64
    assert dense / cycles[False] == pytest.approx(4, rel=0.07)
    assert dense / cycles[True] == pytest.approx(3.4, rel=0.07)


def test_an_unknown_skip_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^skip must be both or stationary, got moving$"):
        pair_streams.pair_stream_cycles(
            np.zeros((1, 1, 1), np.uint64),
            1,
            np.zeros((1, 1, 1), np.uint64),
            *[np.zeros((1, 1), np.int32)] * 2,
            16,
            "moving",
        )
