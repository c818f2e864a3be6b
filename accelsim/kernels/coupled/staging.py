"""Cycles of PEs whose 16 lanes reduce one output cooperatively over a staging buffer of 3 rows
(TensorDash, MICRO 2020; docs/pe-coupled.md).

Position 16 * row + lane of a pair stream is bit ``lane`` of uint16 row ``row``. A lane whose own
position in the buffer's first row holds a pair takes that pair. The first row is therefore always
empty afterwards, and the buffer advances by one to three rows. The other lanes choose among seven
pairs of the second and third row, in six levels. Lanes of one level never want the same pair, so a
level is a few logic operations on whole rows, for four streams in one 64-bit word. Positions in a
row wrap around: lanes mod 16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import Counts, Cycles, Words
from accelsim.kernels.jit import jit, parallel_jit

LANES = 16
AHEAD = 5
"""Rows after a piece of stream that a walk over the piece may read: the buffer advances by up to
three and holds three.
"""
ABREAST = 32
"""Streams that one thread walks at a time; their rows fill a few vector registers."""
BLOCK = 256
"""Streams per iteration of the parallel loop."""

Rows = NDArray[np.uint16]


def staging_cycles(rows: Rows) -> int:
    """Cycles of one stream, uint16 (n): bit i of rows[r] is lane i's pair in row r.

    The result is between n / 3 and n.
    """
    return int(pair_cycles(rows[None, :], np.full((1, len(rows)), 0xFFFF, np.uint16))[0, 0])


def batch_cycles(rows: Rows) -> Cycles:
    """`staging_cycles` of many streams of equal length: uint16 (M, n) -> int32 (M)."""
    cycles: Cycles = pair_cycles(rows, np.full((1, rows.shape[1]), 0xFFFF, np.uint16))[0]
    return cycles


def pair_cycles(moving: Rows, stationary: Rows) -> Cycles:
    """Cycles of every pair of streams: uint16 (M, n) and (K, n) -> int32 (K, M).

    The stream of (k, m) is stationary[k] & moving[m].
    """
    state = Staging(len(stationary), len(moving))
    state.walk(*(np.pad(rows, ((0, 0), (0, AHEAD))) for rows in (moving, stationary)))
    return state.cycles


class Staging:
    """Staging buffers of K x M streams.

    Streams are walked piece by piece, so that none need be held whole.
    """

    def __init__(self, outputs: int, streams: int) -> None:
        self.cycles: Cycles = np.zeros((outputs, streams), np.int32)
        """Cycles so far: int32 (K, M)."""
        self._first: Cycles = np.zeros((outputs, streams), np.int32)
        self._left: NDArray[np.uint16] = np.zeros((outputs, streams, 2), np.uint16)
        self._begun = False

    def place(self) -> tuple[Cycles, Rows]:
        """State of the buffers: (rows past the end of the last piece, int32 (K, M); their first two
        rows, uint16 (K, M, 2)).
        """
        return self._first.copy(), self._left.copy()

    def walk(self, moving: Rows, stationary: Rows) -> None:
        """Walk the next n rows: uint16 (M, n + AHEAD) and (K, n + AHEAD), zeros after the end of
        the streams.

        The last AHEAD rows are read but not walked. The next call passes them again as its first
        rows.
        """
        size = moving.shape[1] - AHEAD
        walk_streams(
            np.ascontiguousarray(moving),
            np.ascontiguousarray(stationary),
            size,
            not self._begun,
            self._first,
            self._left,
            self.cycles,
        )
        self._begun = True


@jit
def serve(free: Any, second: Any, third: Any, lanes: Any) -> tuple[Any, Any]:
    """Rows two and three after the free lanes of one level have chosen.

    ``free``: lanes without a pair of their own. ``lanes``: lanes of the level. All are uint64, four
    streams of 16 bits each.
    """
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    m = free & lanes
    # For each choice: lanes whose pair is missing stay in m; pairs whose lane is in m are taken.
    second, m = second & ~m, m & ~second
    third, m = third & ~m, m & ~third
    second, m = second & ~turned_right(m, one), m & ~turned_left(second, one)
    second, m = second & ~turned_left(m, one), m & ~turned_right(second, one)
    third, m = third & ~turned_right(m, two), m & ~turned_left(third, two)
    third, m = third & ~turned_left(m, two), m & ~turned_right(third, two)
    second = second & ~turned_right(m, three)
    return second, third


@jit
def turned_left(word: Any, step: Any) -> Any:
    """Rotate each 16-bit field of a uint64: bit i comes from bit i - step."""
    wrapped = np.uint64(0x0001000100010001) * ((np.uint64(1) << step) - np.uint64(1))
    return ((word << step) & ~wrapped) | ((word >> (np.uint64(16) - step)) & wrapped)


@jit
def turned_right(word: Any, step: Any) -> Any:
    """Rotate each 16-bit field of a uint64: bit i comes from bit i + step."""
    kept = np.uint64(0x0001000100010001) * ((np.uint64(1) << (np.uint64(16) - step)) - np.uint64(1))
    return ((word >> step) & kept) | ((word << (np.uint64(16) - step)) & ~kept)


@jit
def schedule(first: Words, second: Words, third: Words) -> None:
    """One cycle of all streams: take pairs out of rows two and three, uint64 (any), four streams
    per word.
    """
    for i in range(first.shape[0]):
        free = ~first[i]
        u, v = second[i], third[i]
        u, v = serve(free, u, v, np.uint64(0x0421042104210421))  # lanes 0, 5, 10
        u, v = serve(free, u, v, np.uint64(0x0842084208420842))
        u, v = serve(free, u, v, np.uint64(0x1084108410841084))
        u, v = serve(free, u, v, np.uint64(0x2108210821082108))
        u, v = serve(free, u, v, np.uint64(0x4210421042104210))
        u, v = serve(free, u, v, np.uint64(0x8000800080008000))
        second[i], third[i] = u, v


@jit
def refill(
    moving: Rows,
    stationary: Rows,
    size: int,
    start: bool,
    first: Cycles,
    left: Rows,
    after: int,
    slots: Counts,
    rows: Rows,
) -> Any:
    """Load the next streams, from ``after`` on, into slots without a stream. Returns the next
    stream that is not loaded.

    ``slots``: int64 (3, ABREAST): stream (-1 for none), rows before the buffer's first row, cycles.
    ``rows``: uint16 (3, ABREAST), the buffers.
    """
    for slot in range(slots.shape[1]):
        while slots[0, slot] < 0 and after < moving.shape[0]:
            m = after
            after += 1
            if start:
                first[m] = 0
                left[m, 0] = moving[m, 0] & stationary[0]
                left[m, 1] = moving[m, 1] & stationary[1]
            p = np.int64(first[m])
            if p >= size:  # the buffer is already past this piece
                first[m] = p - size
                continue
            slots[0, slot], slots[1, slot], slots[2, slot] = m, p, 0
            rows[0, slot], rows[1, slot] = left[m, 0], left[m, 1]
            rows[2, slot] = moving[m, p + 2] & stationary[p + 2]
        if slots[0, slot] < 0:
            rows[0, slot], rows[1, slot], rows[2, slot] = 0, 0, 0
    return after


@jit
def advance_buffers(
    moving: Rows,
    stationary: Rows,
    size: int,
    first: Cycles,
    left: Rows,
    cycles: Cycles,
    slots: Counts,
    rows: Rows,
) -> Any:
    """Advance each buffer by its leading empty rows and load the rows after them.

    Returns the number of streams that reached the end of the piece.
    """
    finished = 0
    for slot in range(slots.shape[1]):
        m = slots[0, slot]
        if m < 0:
            continue
        slots[2, slot] += 1
        stream = moving[m]
        u, v = rows[1, slot], rows[2, slot]
        second = np.int64(u == 0)
        third = second & np.int64(v == 0)
        p = slots[1, slot] + 1 + second + third
        x, y = stream[p] & stationary[p], stream[p + 1] & stationary[p + 1]
        # Rows already in the buffer have lost pairs since they were loaded. Loading all three rows
        # saves the processor two branch mispredictions.
        u = x if third else v if second else u
        v = y if second else v
        slots[1, slot] = p
        rows[0, slot], rows[1, slot], rows[2, slot] = u, v, stream[p + 2] & stationary[p + 2]
        if p >= size:
            first[m] = p - size
            left[m, 0], left[m, 1] = u, v
            cycles[m] += slots[2, slot]
            slots[0, slot] = -1
            finished += 1
    return finished


@jit
def walk_block(
    moving: Rows,
    stationary: Rows,
    size: int,
    start: bool,
    first: Cycles,
    left: Rows,
    cycles: Cycles,
) -> None:
    """`walk_streams` for one stationary stream, uint16 (n), and some moving streams, uint16 (M,
    n).
    """
    rows = np.zeros((3, ABREAST), dtype=np.uint16)
    packed = rows.view(np.uint64)
    slots = np.full((3, ABREAST), -1, dtype=np.int64)
    after = refill(moving, stationary, size, start, first, left, 0, slots, rows)
    while slots[0].max() >= 0:
        finished = 0
        while finished == 0:
            schedule(packed[0], packed[1], packed[2])
            finished = advance_buffers(moving, stationary, size, first, left, cycles, slots, rows)
        after = refill(moving, stationary, size, start, first, left, after, slots, rows)


@parallel_jit
def walk_streams(
    moving: Rows,
    stationary: Rows,
    size: int,
    start: bool,
    first: Cycles,
    left: Rows,
    cycles: Cycles,
) -> None:
    """Walk ``size`` rows of all pairs of streams, adding to ``cycles``, int32 (K, M).

    ``moving``: uint16 (M, size + AHEAD). ``stationary``: uint16 (K, size + AHEAD). In and out,
    ignored on input if ``start``:

    - ``first``: int32 (K, M), rows before the buffer's first row, counted from the start of this
      piece (on return: of the next).
    - ``left``: uint16 (K, M, 2), remaining pairs of the buffer's first two rows.
    """
    blocks = (moving.shape[0] + BLOCK - 1) // BLOCK
    for turn in prange(stationary.shape[0] * blocks):
        k = turn // blocks
        low = turn % blocks * BLOCK
        high = min(low + BLOCK, moving.shape[0])
        walk_block(
            moving[low:high],
            stationary[k],
            size,
            start,
            first[k, low:high],
            left[k, low:high],
            cycles[k, low:high],
        )
