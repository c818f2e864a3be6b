"""Plain-Python twin of the coupled kernels: one PE, one cycle, one lane at a time (TensorDash, MICRO 2020; DESIGN 4, `coupled`)."""

from __future__ import annotations

from collections.abc import Sequence

CHOICES = ((0, 0), (1, 0), (2, 0), (1, -1), (1, 1), (2, -2), (2, 2), (1, -3))
"""(row of the buffer, lane beside its own) of the eight pairs that a lane may take, the best first."""
LEVELS = ((0, 5, 10), (1, 6, 11), (2, 7, 12), (3, 8, 13), (4, 9, 14), (15,))


def cycle_by_cycle(rows: Sequence[int]) -> list[dict[int, tuple[int, int]]]:
    """What each lane takes in each cycle, {lane: (row of the stream, lane of the pair)}, until the stream ends."""
    left = [int(row) for row in rows] + [0, 0, 0]
    first, cycles = 0, []
    while first < len(rows):
        taken = {}
        for level in LEVELS:
            for lane in level:
                for ahead, beside in CHOICES:
                    row, other = first + ahead, (lane + beside) % 16
                    if left[row] >> other & 1:
                        left[row] &= ~(1 << other)
                        taken[lane] = (row, other)
                        break
        cycles.append(taken)
        advance = 0
        while advance < 3 and left[first + advance] == 0:
            advance += 1
        first += advance
    return cycles


def rows_of(stream: Sequence[int]) -> list[int]:
    """A stream of 0 and 1 as rows of 16 positions, lane i's in bit i."""
    return [sum(int(bit) << i for i, bit in enumerate(stream[start : start + 16])) for start in range(0, len(stream), 16)]


def walk(stream: Sequence[int]) -> int:
    """Cycles of one PE over its pair mask."""
    return len(cycle_by_cycle(rows_of(stream)))
