"""PEs with a staging buffer against the lane-by-lane twin, and against the bounds given by three
rows.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels.bits import bitmaps
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.coupled import staging as coupled
from accelsim.kernels.coupled import streams as coupled_streams
from accelsim.kernels.lanes import weight_gradient
from tests.examples import examples
from tests.mask_strategies import forward, masks, pruned_kernels
from tests.naive import coupled as naive

densities = st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])


@st.composite
def rows(draw: st.DrawFn, streams: int = 1, most: int = 40) -> np.ndarray:
    """Rows of one or more streams. Each row has its own density, so that empty, full and sparse
    rows are adjacent.
    """
    length = draw(st.integers(0, most))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = np.array(
        draw(st.lists(st.one_of(densities, st.just(0.0)), min_size=length, max_size=length))
    )
    bits = generator.random((streams, length, 16)) < density.reshape(1, -1, 1)
    return (bits @ (1 << np.arange(16))).astype(np.uint16)


@given(rows())
@settings(max_examples=examples(500))
def test_one_stream_is_walked_exactly(stream: np.ndarray) -> None:
    cycles = naive.cycle_by_cycle(stream[0])
    assert coupled.staging_cycles(stream[0]) == len(cycles)
    assert -(-stream.shape[1] // 3) <= len(cycles) <= stream.shape[1]


@given(rows())
def test_every_pair_is_taken_once_by_a_lane_that_may(stream: np.ndarray) -> None:
    taken = [pair for cycle in naive.cycle_by_cycle(stream[0]) for pair in cycle.values()]
    assert len(set(taken)) == len(taken) == sum(int(row).bit_count() for row in stream[0])


@given(st.integers(0, 50))
def test_a_dense_stream_takes_a_cycle_a_row_and_an_empty_one_a_third(length: int) -> None:
    assert coupled.staging_cycles(np.full(length, 0xFFFF, np.uint16)) == length
    assert coupled.staging_cycles(np.zeros(length, np.uint16)) == -(-length // 3)


@given(rows(streams=4), st.integers(1, 90), st.integers(0, 2**32 - 1), densities)
def test_pairs_of_streams_are_walked_like_one_each(
    stationary: np.ndarray, count: int, seed: int, density: float
) -> None:
    bits = np.random.default_rng(seed).random((count, stationary.shape[1], 16)) < density
    moving = (bits @ (1 << np.arange(16))).astype(np.uint16)
    expected = [[len(naive.cycle_by_cycle(a & b)) for a in moving] for b in stationary]
    assert coupled.pair_cycles(moving, stationary).tolist() == expected
    assert coupled.batch_cycles(moving).tolist() == [len(naive.cycle_by_cycle(a)) for a in moving]


@given(rows(streams=3), st.lists(st.integers(0, 12), max_size=6))
def test_a_stream_in_pieces_takes_what_it_takes_whole(moving: np.ndarray, cuts: list[int]) -> None:
    length = moving.shape[1]
    places = [0, *np.minimum(np.cumsum(cuts, dtype=int), length), length]
    padded = np.pad(moving, ((0, 0), (0, coupled.AHEAD)))
    every = np.full((1, padded.shape[1]), 0xFFFF, np.uint16)
    state = coupled.Staging(1, len(moving))
    for start, end in pairwise(places):
        state.walk(padded[:, start : end + coupled.AHEAD], every[:, start : end + coupled.AHEAD])
    assert state.cycles[0].tolist() == [len(naive.cycle_by_cycle(row)) for row in moving]


# Streams of ops


@st.composite
def layers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Moving mask (S, H, W, C), stationary mask (K, T, C), and taps of EP with structural zeros
    removed or kept.
    """
    height, width, channels = (
        draw(st.integers(1, 4)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([1, 2, 5, 16, 40, 63, 130])),
    )
    stationary, (rows, cols) = draw(pruned_kernels(height, width, channels))
    return (
        draw(masks(draw(st.integers(1, 2)), height, width, channels)),
        stationary,
        rows[:5],
        cols[:3],
    )


@given(layers(), st.integers(1, 1 << 12))
def test_streams_of_outputs_equal_the_twin(
    layer: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], gathered: int
) -> None:
    x, stationary, rows, cols = layer
    coupled_streams.GATHERED_BYTES = gathered
    words = bitmaps.from_mask(x), bitmaps.from_mask(stationary)
    cycles = coupled_streams.stream_cycles(words[0], x.shape[3], rows, cols)
    assert cycles.tolist() == [naive.stream_cycles(image, rows, cols) for image in x]
    for skip in ("both", "stationary"):
        pairs = coupled_streams.pair_stream_cycles(
            words[0][0], x.shape[3], words[1], rows, cols, skip
        )
        assert pairs.dtype == np.int32
        assert pairs.tolist() == naive.pair_stream_cycles(x[0], stationary, rows, cols, skip)


@st.composite
def gradients(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """x (S, H, W, C), e (S', P, Q, K), taps, and a batch of up to hundreds of samples, so that
    short periods repeat until the state is steady.
    """
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    rows, cols = draw(forward(height)), draw(forward(width, largest=2))
    samples = draw(st.integers(1, 3))
    x = draw(masks(samples, height, width, draw(st.integers(1, 4))))
    e = draw(
        masks(draw(st.sampled_from([1, samples])), len(rows), len(cols), draw(st.integers(1, 3)))
    )
    most = max(2, 1500 // (len(rows) * len(cols) * rows.shape[1] * cols.shape[1]))
    return x, e, rows, cols, draw(st.integers(1, most))


@given(
    gradients(),
    st.sampled_from(weight_gradient.SKIPS),
    st.sampled_from([coupled.AHEAD, 10, 64]),
    st.sampled_from([1, 1 << 22]),
)
def test_gradients_equal_the_twin(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int],
    skip: str,
    least: int,
    gathered: int,
) -> None:
    x, e, rows, cols, batch = case
    coupled_streams.LEAST_ROWS, coupled_streams.GATHERED_BYTES = least, gathered
    cycles = coupled_streams.wgrad_cycles(
        bitmaps.packed(x), bitmaps.packed(e), batch, MapTaps(rows, cols), skip
    )
    expected = naive.wgrad_cycles(x, e, batch, rows, cols, skip)
    assert cycles.dtype == np.int32
    assert np.array_equal(np.broadcast_to(cycles, expected.shape), expected)
