"""The tensor kernels against their plain twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.kernels import tensors
from tests.naive import tensors as naive

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw):
    """A map, the geometry of a convolution over it, and an empty patch matrix."""
    groups = draw(st.integers(1, 3))
    height, width, share = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    pad = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    maps = random.standard_normal((draw(st.integers(1, 2)), height, width, share * groups)).astype(dtype)
    patches = np.full((len(maps), rows, columns, kernel[0] * kernel[1] * share * groups), np.nan, dtype)
    return maps, (kernel, stride, pad, dilation, groups), patches


@given(convolutions())
def test_gathered_patches_equal_the_twin(case):
    maps, geometry, patches = case
    expected = patches.copy()
    tensors.gather_patches(maps, *geometry, patches)
    naive.gather_patches(maps, *geometry, expected)
    assert np.array_equal(patches, expected)


@given(convolutions(), st.integers(0, 2**32 - 1))
def test_summed_patches_equal_the_twin(case, seed):
    """Whole numbers, so that the order of the sum does not matter."""
    maps, geometry, patches = case
    patches[...] = np.random.default_rng(seed).integers(-9, 10, patches.shape)
    expected, found = np.full_like(maps, np.nan), np.full_like(maps, np.nan)
    tensors.sum_patches(patches, *geometry, found)
    naive.sum_patches(patches, *geometry, expected)
    assert np.array_equal(found, expected)


@given(st.integers(1, 1200), st.integers(1, 5), st.sampled_from([np.float32, np.float64]))
def test_channel_sums_equal_the_twin(rows, channels, dtype):
    random = np.random.default_rng(rows)
    left, right = random.standard_normal((2, rows, channels)).astype(dtype)
    for found, expected in zip(tensors.channel_sums(left, right), naive.channel_sums(left, right), strict=True):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-10)
