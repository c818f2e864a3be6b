"""Plain-Python twins of the bitmap kernels: masks as lists of rows of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[Sequence[int]]


def row_popcounts(mask: Rows) -> list[int]:
    """Number of set bits in each row."""
    return [sum(1 for bit in row if bit) for row in mask]


def slice_rows(mask: Rows, first: int, end: int) -> list[list[int]]:
    """Bits [first, end) of each row."""
    return [[row[i] for i in range(first, end)] for row in mask]


def transpose(mask: Rows) -> list[list[int]]:
    """Mask (rows, channels) -> (channels, rows)."""
    return [[row[i] for row in mask] for i in range(len(mask[0]))]


def append_bits(stream: Sequence[int], row: Sequence[int]) -> list[int]:
    """``row`` appended to ``stream``."""
    return [*stream, *row]


def chunk(stream: Sequence[int], place: int, size: int) -> int:
    """``size`` bits from ``place`` as a number, first bit lowest. Bits past the end are zero."""
    return sum(int(stream[place + i]) << i for i in range(size) if place + i < len(stream))
