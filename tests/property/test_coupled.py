"""PEs with a staging buffer against the lane-by-lane twin, and against the bounds that three rows set."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels import coupled
from tests.naive import coupled as naive

densities = st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])


@st.composite
def rows(draw: st.DrawFn, streams: int = 1, most: int = 40) -> np.ndarray:
    """Rows of a stream or several: each row of its own density, so that empty, full and single rows meet."""
    length = draw(st.integers(0, most))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = np.array(draw(st.lists(st.one_of(densities, st.just(0.0)), min_size=length, max_size=length)))
    bits = generator.random((streams, length, 16)) < density.reshape(1, -1, 1)
    return (bits @ (1 << np.arange(16))).astype(np.uint16)


@given(rows())
@settings(max_examples=500)
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
def test_pairs_of_streams_are_walked_like_one_each(stationary: np.ndarray, count: int, seed: int, density: float) -> None:
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
