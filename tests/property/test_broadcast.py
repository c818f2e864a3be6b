"""The kernels of the broadcast array against their plain twins, and what must hold of any costs and any FIFO."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.kernels import broadcast
from accelsim.kernels.bitmaps import from_mask
from tests.naive import broadcast as naive


@st.composite
def costs(draw: st.DrawFn, most: int = 6) -> np.ndarray:
    shape = (draw(st.integers(1, 5)), draw(st.integers(0, 12)))
    values = draw(st.lists(st.integers(1, most), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.array(values, dtype=np.int64).reshape(shape)


@given(costs(), st.integers(1, 14))
def test_kernel_equals_the_twin_that_steps_cycles(found: np.ndarray, depth: int) -> None:
    assert broadcast.broadcast_split(found, depth) == naive.broadcast_split(found, depth)


@given(costs(), st.integers(1, 14))
def test_bounds_and_conservation(found: np.ndarray, depth: int) -> None:
    pes, tokens = found.shape
    cycles, busy, empty, imbalance, stall = broadcast.broadcast_split(found, depth)
    assert cycles == broadcast.broadcast_cycles(found, depth)
    assert busy == found.sum()
    assert busy + empty + imbalance == pes * cycles
    assert max(tokens, found.sum(axis=1).max()) <= cycles <= found.max(axis=0).sum() if tokens else cycles == 0
    assert empty == 0 or stall > 0


@given(costs(), st.integers(1, 13))
def test_a_deeper_fifo_is_never_slower_and_an_endless_one_waits_for_tokens_alone(found: np.ndarray, depth: int) -> None:
    tokens = found.shape[1]
    assert broadcast.broadcast_cycles(found, depth + 1) <= broadcast.broadcast_cycles(found, depth)
    endless = 0
    for row in found:
        done = 0
        for j, cost in enumerate(row):
            done = max(done, j) + int(cost)
        endless = max(endless, done)
    assert broadcast.broadcast_cycles(found, tokens + 1) == endless == (found.sum(axis=1).max() if tokens else 0)


@given(costs(), st.integers(1, 5))
def test_one_pe_takes_the_sum_of_its_costs(found: np.ndarray, depth: int) -> None:
    assert broadcast.broadcast_cycles(found[:1], depth) == found[0].sum()


def test_a_cost_or_a_depth_of_0_is_refused() -> None:
    with pytest.raises(ValueError, match="must be >= 1"):
        broadcast.broadcast_cycles(np.zeros((1, 1), dtype=np.int64), 1)
    with pytest.raises(ValueError, match="must be >= 1"):
        broadcast.broadcast_cycles(np.ones((1, 1), dtype=np.int64), 0)


@given(st.data(), st.integers(1, 150), st.integers(1, 5), st.integers(0, 5), st.sampled_from([0.02, 0.1, 0.5, 1.0]))
def test_column_costs_equal_the_twin_that_encodes_columns(data: st.DataObject, outputs: int, pes: int, index_bits: int, density: float) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    mask = random.random((data.draw(st.integers(0, 4)), outputs)) < density
    entries, padding = broadcast.column_costs(from_mask(mask), outputs, pes, index_bits)
    expected = naive.column_costs(mask, pes, index_bits)
    assert (entries == expected[0]).all()
    assert (padding == expected[1]).all()


def test_the_example_of_the_paper() -> None:
    """Section III-A: 18 zeros between 2 and 3 take a padding zero: v = [1, 2, 0, 3], z = [2, 0, 15, 2]."""
    column = [0, 0, 1, 1, *[0] * 18, 1]
    assert naive.encode(column, 4) == [(1, 2), (1, 0), (0, 15), (1, 2)]
    entries, padding = broadcast.column_costs(from_mask(np.array([column], dtype=bool)), len(column), 1, 4)
    assert (entries.item(), padding.item()) == (3, 1)
