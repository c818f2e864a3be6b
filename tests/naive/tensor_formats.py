"""Plain twins of the compressed formats: encoders that produce every field, and decoders."""

from __future__ import annotations

from itertools import pairwise

Bits = list[int]
Entries = list[tuple[int, int]]
"""(zeros before the value, value). A value of 0 is a padding entry."""


def encode_bitmap(values: list[int]) -> tuple[Bits, list[int]]:
    return [int(value != 0) for value in values], [value for value in values if value != 0]


def decode_bitmap(bits: Bits, stored: list[int]) -> list[int]:
    left = list(stored)
    return [left.pop(0) if bit else 0 for bit in bits]


def encode_runs(values: list[int], most: int) -> Entries:
    found: Entries = []
    run = 0
    for index, value in enumerate(values):
        if value == 0 and not any(values[index:]):
            break
        if value == 0 and run < most:
            run += 1
        else:
            found.append((run, value))
            run = 0
    return found


def decode_runs(entries: Entries, length: int) -> list[int]:
    found: list[int] = []
    for run, value in entries:
        found += [0] * run + [value]
    return found + [0] * (length - len(found))


def run_entries(rows: list[list[int]], most: int) -> list[int]:
    """Number of entries of each row."""
    return [len(encode_runs(row, most)) for row in rows]


def encode_csc(matrix: list[list[int]], most: int) -> tuple[Entries, list[int]]:
    """(entries of all columns in order, pointers to the start of each column and to the end)."""
    entries: Entries = []
    pointers = [0]
    for column in range(len(matrix[0])):
        entries += encode_runs([row[column] for row in matrix], most)
        pointers.append(len(entries))
    return entries, pointers


def decode_csc(entries: Entries, pointers: list[int], rows: int) -> list[list[int]]:
    columns = [decode_runs(entries[start:end], rows) for start, end in pairwise(pointers)]
    return [[column[row] for column in columns] for row in range(rows)]
