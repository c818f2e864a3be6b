"""The tensor kernels against their plain twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.kernels.tensors import normalization, pooling
from accelsim.kernels.tensors import patches as tensors
from tests.naive import normalization as naive_normalization
from tests.naive import pooling as naive_pooling
from tests.naive import tensors as naive

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw):
    """(a map, the geometry of a convolution over it, an empty patch matrix)."""
    groups = draw(st.integers(1, 3))
    height, width, share = (
        draw(st.integers(1, 6)),
        draw(st.integers(1, 6)),
        draw(st.sampled_from([1, 2, 3, 17, 50])),
    )
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    pad = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    maps = random.standard_normal((draw(st.integers(1, 2)), height, width, share * groups)).astype(
        dtype
    )
    patches = np.full(
        (len(maps), rows, columns, kernel[0] * kernel[1] * share * groups), np.nan, dtype
    )
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
    """Integers, so that the order of the sum has no effect."""
    maps, geometry, patches = case
    patches[...] = np.random.default_rng(seed).integers(-9, 10, patches.shape)
    expected, found = np.full_like(maps, np.nan), np.full_like(maps, np.nan)
    tensors.sum_patches(patches, *geometry, found)
    naive.sum_patches(patches, *geometry, expected)
    assert np.array_equal(found, expected)


@given(convolutions(), st.integers(0, 2**32 - 1))
def test_pooled_maxima_and_their_errors_equal_the_twin(case, seed):
    """A few small integers, so that windows have equal maxima, of which the first wins."""
    maps, (*geometry, _), patches = case
    random = np.random.default_rng(seed)
    maps[...] = random.integers(-2, 3, maps.shape)
    outputs = np.full((*patches.shape[:3], maps.shape[3]), np.nan, maps.dtype)
    winners = np.full(outputs.shape, 99, np.uint8)
    expected, expected_winners = outputs.copy(), winners.copy()
    pooling.pool_maxima(maps, *geometry, outputs, winners)
    naive_pooling.pool_maxima(maps, *geometry, expected, expected_winners)
    assert np.array_equal(outputs, expected)
    assert np.array_equal(winners, expected_winners)
    errors = random.integers(-9, 10, outputs.shape).astype(maps.dtype)
    found, wanted = np.full_like(maps, np.nan), np.full_like(maps, np.nan)
    pooling.pool_errors(errors, winners, *geometry, found)
    naive_pooling.pool_errors(errors, winners, *geometry, wanted)
    assert np.array_equal(found, wanted)


@st.composite
def normalizations(draw):
    """(errors, maps (rows, C), five vectors with one value per channel)."""
    rows, channels = draw(st.integers(1, 1200)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    errors, maps = random.standard_normal((2, rows, channels)).astype(dtype)
    return errors, maps, random.standard_normal((5, channels)).astype(dtype)


@given(normalizations())
def test_moments_equal_the_twin(case):
    errors, maps, (scale, shift, *_) = case
    for found, expected in zip(
        normalization.channel_moments(maps), naive_normalization.channel_moments(maps), strict=True
    ):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-10)
    found = normalization.error_moments(errors, maps, scale, shift)
    for sums, expected in zip(
        found, naive_normalization.error_moments(errors, maps, scale, shift), strict=True
    ):
        assert sums == pytest.approx(expected, rel=1e-12, abs=1e-10)


@given(normalizations())
def test_normalized_maps_and_their_errors_equal_the_twin(case):
    errors, maps, vectors = case
    found, expected = np.full_like(maps, np.nan), np.full_like(maps, np.nan)
    normalization.normalize(maps, *vectors[:4], found)
    naive_normalization.normalize(maps, *vectors[:4], expected)
    assert np.array_equal(found, expected)
    normalization.normalize_back(errors, maps, *vectors, found)
    naive_normalization.normalize_back(errors, maps, *vectors, expected)
    assert np.array_equal(found, expected)


@given(normalizations())
def test_rectified_errors_equal_the_twin(case):
    errors, maps, _ = case
    errors, maps = errors.reshape(-1), np.maximum(maps.reshape(-1), 0)
    found, expected = np.full_like(maps, np.nan), np.full_like(maps, np.nan)
    normalization.rectify_back(errors, maps, found)
    naive_normalization.rectify_back(errors, maps, expected)
    assert np.array_equal(found, expected)
