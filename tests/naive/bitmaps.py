"""Plain-Python twins of the bitmap kernels: masks as lists of rows of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[Sequence[int]]


def row_popcounts(mask: Rows) -> list[int]:
    """Set bits of each row."""
    return [sum(1 for bit in row if bit) for row in mask]


def slice_rows(mask: Rows, first: int, end: int) -> list[list[int]]:
    """Bits [first, end) of each row."""
    return [[row[i] for i in range(first, end)] for row in mask]


def transpose(mask: Rows) -> list[list[int]]:
    """Rows x channels -> channels x rows."""
    return [[row[i] for row in mask] for i in range(len(mask[0]))]


def append_bits(stream: Sequence[int], row: Sequence[int]) -> list[int]:
    """One bit string behind another."""
    return [*stream, *row]


def chunk(stream: Sequence[int], place: int, size: int) -> int:
    """``size`` bits from ``place`` on as a number, the first the lowest, zeros behind the end."""
    return sum(int(stream[place + i]) << i for i in range(size) if place + i < len(stream))
