"""Bitmaps and bit operations against their plain twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.kernels.bits import bitmaps, intrinsics
from accelsim.kernels.bits.intrinsics import (
    both,
    burned,
    container,
    latest,
    low_bits,
    popcount,
    top_bit,
    trailing_zeros,
)
from accelsim.kernels.lanes import pair_streams
from tests.mask_strategies import masks, seeds
from tests.naive import bitmaps as naive

sizes = st.one_of(st.integers(1, 70), st.sampled_from([63, 64, 65, 127, 128, 129, 200]))
rows_and_channels = st.tuples(st.integers(1, 70), sizes)
any_mask = rows_and_channels.flatmap(lambda shape: masks(*shape))


@given(any_mask)
def test_words_hold_the_packed_mask(mask: np.ndarray) -> None:
    packed = np.packbits(mask, axis=-1, bitorder="little")
    found = bitmaps.words(packed, mask.shape[1])
    assert found.dtype == np.uint64
    assert found.shape == (len(mask), -(-mask.shape[1] // 64))
    assert np.array_equal(bitmaps.to_mask(found, mask.shape[1]), mask)
    assert np.array_equal(bitmaps.from_mask(mask), found)


def test_bits_behind_the_last_channel_are_cleared() -> None:
    assert bitmaps.words(np.array([[0xFF]], np.uint8), 3)[0, 0] == 7
    assert bitmaps.slice_channels(np.array([[0xFF]], np.uint64), 0, 3)[0, 0] == 7
    assert bitmaps.ones(2, 65).tolist() == [[2**64 - 1, 1]] * 2


@given(any_mask)
def test_popcounts_equal_the_twin(mask: np.ndarray) -> None:
    assert bitmaps.popcounts(bitmaps.from_mask(mask)).tolist() == naive.row_popcounts(mask.tolist())


@given(st.integers(1, 130), st.integers(1, 9), st.integers(1, 140), st.data())
def test_splits_are_the_twins_slices(
    size: int, groups: int, rows: int, data: st.DataObject
) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    mask = random.random((rows, size * groups)) < 0.5
    found = bitmaps.split_channels(bitmaps.from_mask(mask), size * groups, groups)
    assert found.shape == (groups, rows, -(-size // 64))
    for group, words in enumerate(found):
        expected = naive.slice_rows(mask.tolist(), group * size, (group + 1) * size)
        assert np.array_equal(words, bitmaps.from_mask(np.array(expected, np.bool_)))


@given(any_mask, st.data())
def test_slices_equal_the_twin(mask: np.ndarray, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, mask.shape[1] - 1))
    end = data.draw(st.integers(first + 1, mask.shape[1]))
    expected = naive.slice_rows(mask.tolist(), first, end)
    assert (
        bitmaps.to_mask(
            bitmaps.slice_channels(bitmaps.from_mask(mask), first, end), end - first
        ).tolist()
        == expected
    )
    assert (
        bitmaps.to_mask(
            bitmaps.slice_rows(bitmaps.from_mask(mask), first, end), end - first
        ).tolist()
        == expected
    )


@given(any_mask)
def test_transposed_bits_equal_the_twin(mask: np.ndarray) -> None:
    found = bitmaps.transpose_bits(bitmaps.from_mask(mask), mask.shape[1])
    assert bitmaps.to_mask(found, len(mask)).tolist() == naive.transpose(mask.tolist())


@given(masks(64, 64))
def test_transposed_block_equals_the_twin(mask: np.ndarray) -> None:
    block = bitmaps.from_mask(mask).reshape(-1)
    bitmaps.transpose_64(block)
    assert bitmaps.to_mask(block.reshape(-1, 1), 64).tolist() == naive.transpose(mask.tolist())


@given(
    st.lists(sizes.flatmap(lambda size: masks(1, size)), min_size=1, max_size=5),
    st.integers(1, 64),
    st.data(),
)
def test_bit_strings_equal_the_twin(
    parts: list[np.ndarray], size: int, data: st.DataObject
) -> None:
    length = sum(part.shape[1] for part in parts)
    stream, expected = np.zeros((length + size) // 64 + 3, np.uint64), []
    for part in parts:
        pair_streams.append_bits(stream, len(expected), bitmaps.from_mask(part)[0], part.shape[1])
        expected = naive.append_bits(expected, part[0].tolist())
    assert bitmaps.to_mask(stream, length).tolist() == expected
    place = data.draw(st.integers(0, length - 1))
    keep = container(size).dtype.type(2**size - 1)
    assert int(pair_streams.chunk_at(stream, place, keep)) == naive.chunk(expected, place, size)


@given(seeds, st.sampled_from([np.uint16, np.uint64]), st.integers(0, 63))
def test_native_bit_operations_mean_what_their_plain_form_says(
    seed: int, kind: type, shift: int
) -> None:
    rng = np.random.default_rng(seed)
    width = np.dtype(kind).itemsize * 8
    words = [
        kind(
            int(rng.integers(0, 2**width, dtype=np.uint64))
            >> int(rng.integers(0, width))
            << int(rng.integers(0, 3))
            & (2**width - 1)
        )
        for _ in range(2)
    ]
    for word in (*words, kind(0), kind(2**width - 1)):
        last = words[1] or kind(1)
        case = np.array([word, last])
        expected = [
            intrinsics._popcount(word),
            intrinsics._both(word, last),
            intrinsics._burned(word, last),
            intrinsics._latest(word, last),
            intrinsics._low_bits(np.uint64(word), shift, last),
        ]
        assert operations(case, np.uint64(word), shift).tolist() == [
            int(value) for value in expected
        ]
        assert zeros(np.uint64(word)) == (
            intrinsics._trailing_zeros(np.uint64(word)),
            intrinsics._top_bit(np.uint64(word)),
        )


def operations(case: np.ndarray, wide: np.uint64, shift: int) -> np.ndarray:
    """Result of each native operation in the type of the chunks."""
    return _compiled(_operations)(case, wide, shift)


def zeros(word: np.uint64) -> tuple[int, int]:
    """(trailing zeros, top bit)."""
    return _compiled(_zeros)(word)


def _operations(case, wide, shift):  # type: ignore[no-untyped-def]
    result = np.empty(5, case.dtype)
    word, last = case[0], case[1]
    result[0], result[1], result[2] = popcount(word), both(word, last), burned(word, last)
    result[3], result[4] = latest(word, last), low_bits(wide, shift, last)
    return result


def _zeros(word):  # type: ignore[no-untyped-def]
    return trailing_zeros(word), top_bit(word)


_dispatchers: dict[str, object] = {}


def _compiled(function):  # type: ignore[no-untyped-def]
    import numba

    return _dispatchers.setdefault(function.__name__, numba.njit(function))


def test_a_window_beyond_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^window must be 1 to 64, got 65$"):
        container(65)
