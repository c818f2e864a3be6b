"""Packed masks: rows of bits in 64-bit words.

Bit c of a row is bit c % 64 of word c // 64. Bits after the last channel are zero.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.intrinsics import popcount
from accelsim.kernels.jit import jit

Words = NDArray[np.uint64]
Chunks = NDArray[Any]
"""An array of one of the types of `intrinsics.container`."""
Cycles = NDArray[np.int32]
Counts = NDArray[np.int64]


class PackedMask(NamedTuple):
    """Words of a packed mask, and the number of channels per row."""

    words: Words
    """uint64 (..., ceil(channels / 64))."""
    channels: int


def words(packed: NDArray[np.uint8], channels: int) -> Words:
    """Convert rows packed by ``np.packbits(bitorder="little")`` to 64-bit words.

    ``packed``: uint8 (rows, ceil(C/8)). Returns uint64 (rows, ceil(C/64)); bits beyond C are
    cleared.
    """
    rows, width = packed.shape[0], -(-channels // 64)
    padded = np.zeros((rows, width * 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed[:, : width * 8]
    result = padded.view("<u8").astype(np.uint64, copy=False)
    if channels % 64:
        result[:, -1] &= np.uint64((1 << (channels % 64)) - 1)
    return result


def from_mask(mask: NDArray[np.bool_]) -> Words:
    """Pack a boolean mask (..., C) as uint64 (..., ceil(C/64))."""
    channels = mask.shape[-1]
    packed = np.packbits(mask.reshape(-1, channels), axis=-1, bitorder="little")
    return words(packed, channels).reshape(*mask.shape[:-1], -(-channels // 64))


def packed(mask: NDArray[np.bool_]) -> PackedMask:
    """Pack a boolean mask (..., C), and keep its number of channels."""
    return PackedMask(from_mask(mask), mask.shape[-1])


def to_mask(bits: Words, channels: int) -> NDArray[np.bool_]:
    """Unpack uint64 (..., ceil(C/64)) to a boolean mask (..., C)."""
    rows = np.ascontiguousarray(bits, dtype="<u8").reshape(-1, bits.shape[-1]).view(np.uint8)
    return (
        np.unpackbits(rows, axis=-1, count=channels, bitorder="little")
        .astype(np.bool_)
        .reshape(*bits.shape[:-1], channels)
    )


def ones(rows: int, channels: int) -> Words:
    """The mask of a dense operand: uint64 (rows, ceil(C/64)) with every channel set."""
    result = np.full((rows, -(-channels // 64)), np.iinfo(np.uint64).max, dtype=np.uint64)
    if channels % 64:
        result[:, -1] = np.uint64((1 << (channels % 64)) - 1)
    return result


def flat(bits: Words) -> Words:
    """The words as a contiguous, writeable uint64 array.

    Kernels take only this layout: a read-only array would compile another specialisation.
    """
    return np.require(bits, dtype=np.uint64, requirements=["C", "W"])


def popcounts(bits: Words) -> NDArray[np.int64]:
    """Set bits per row: uint64 (..., Cw) -> int64 (...)."""
    return row_popcounts(flat(bits).reshape(-1, bits.shape[-1])).reshape(bits.shape[:-1])


def slice_channels(bits: Words, first: int, end: int) -> Words:
    """Channels [first, end) of each row, moved to bit 0.

    uint64 (..., Cw) -> uint64 (..., ceil((end-first)/64)).
    """
    if first % 64 == 0:
        result = bits[..., first // 64 : -(-end // 64)].copy()
        if end % 64:
            result[..., -1] &= np.uint64((1 << (end % 64)) - 1)
        return result
    return slice_rows(flat(bits).reshape(-1, bits.shape[-1]), first, end).reshape(
        *bits.shape[:-1], -1
    )


def split_channels(bits: Words, channels: int, groups: int) -> Words:
    """Each group's channels, moved to bit 0: uint64 (..., ceil(C/64)) -> uint64 (G, ...,
    ceil(C/G/64)).
    """
    if groups == 1:
        return bits[None]
    size = channels // groups
    rows = split_rows(flat(bits).reshape(-1, bits.shape[-1]), size, groups)
    return rows.reshape(groups, *bits.shape[:-1], -1)


def transpose_bits(bits: Words, channels: int) -> Words:
    """Transpose rows x channels to channels x rows: uint64 (rows, ceil(C/64)) -> uint64 (C,
    ceil(rows/64)).
    """
    return transpose_rows(flat(bits), channels)


@jit
def row_popcounts(bits: Words) -> NDArray[np.int64]:
    """Set bits per row: uint64 (rows, width) -> int64 (rows)."""
    rows, width = bits.shape
    result = np.empty(rows, dtype=np.int64)
    for row in range(rows):
        count = np.uint64(0)
        for word in range(width):
            count += popcount(bits[row, word])
        result[row] = count
    return result


@jit
def split_rows(bits: Words, size: int, groups: int) -> Words:
    """`slice_rows` of every run of ``size`` bits: uint64 (rows, width) -> uint64 (groups, rows,
    ceil(size/64)).
    """
    rows = bits.shape[0]
    result = np.empty((groups, rows, (size + 63) // 64), dtype=np.uint64)
    if size > 64:
        for group in range(groups):
            result[group] = slice_rows(bits, group * size, (group + 1) * size)
        return result
    keep = ~np.uint64(0) >> np.uint64(64 - size)
    for first in range(0, rows, 64):  # the words of 64 rows stay in a first-level cache
        for group in range(groups):
            word, offset = group * size // 64, group * size % 64
            over = max(0, offset + size - 64)
            for row in range(first, min(first + 64, rows)):
                value = bits[row, word] >> np.uint64(offset)
                if over:
                    value |= bits[row, word + 1] << np.uint64(64 - offset)
                result[group, row, 0] = value & keep
    return result


@jit
def slice_rows(bits: Words, first: int, end: int) -> Words:
    """Bits [first, end) of each row: uint64 (rows, width) -> uint64 (rows,
    ceil((end-first)/64)).
    """
    rows, width = bits.shape
    result_width = (end - first + 63) // 64
    result = np.empty((rows, result_width), dtype=np.uint64)
    offset, start = first % 64, first // 64
    last = (end - first) % 64
    keep = ~np.uint64(0) if last == 0 else (np.uint64(1) << np.uint64(last)) - np.uint64(1)
    for row in range(rows):
        for word in range(result_width):
            value = bits[row, start + word] >> np.uint64(offset)
            if offset and start + word + 1 < width:
                value |= bits[row, start + word + 1] << np.uint64(64 - offset)
            result[row, word] = value
        result[row, result_width - 1] &= keep
    return result


@jit
def transpose_64(block: Words) -> None:
    """Transpose a 64 x 64 bit matrix, uint64 (64), in place: bit j of word i becomes bit i of word
    j.
    """
    mask = np.uint64(0x00000000FFFFFFFF)
    step = 32
    while step:
        shift = np.uint64(step)
        for group in range(0, 64, 2 * step):
            upper = block[group : group + step]
            lower = block[group + step : group + 2 * step]
            for i in range(step):
                swap = ((upper[i] >> shift) ^ lower[i]) & mask
                upper[i] ^= swap << shift
                lower[i] ^= swap
        step //= 2
        mask ^= mask << np.uint64(step)


@jit
def transpose_rows(bits: Words, channels: int) -> Words:
    """Transpose rows to columns: uint64 (rows, ceil(C/64)) -> uint64 (C, ceil(rows/64))."""
    rows, width = bits.shape
    result_width = (rows + 63) // 64
    result = np.empty((channels, result_width), dtype=np.uint64)
    block = np.empty(64, dtype=np.uint64)
    for word in range(width):
        for group in range(result_width):
            base = group * 64
            for i in range(64):
                block[i] = bits[base + i, word] if base + i < rows else np.uint64(0)
            transpose_64(block)
            for i in range(min(64, channels - word * 64)):
                result[word * 64 + i, group] = block[i]
    return result
