"""Reusable memory for maps: a buffer is reused once no array refers to it.

Fresh pages would cost a training step more time than its batch norms.
"""

from __future__ import annotations

import sys
import threading
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from accelsim.numerics.arrays import Array

LEAST_BYTES = 1 << 17
"""Smaller arrays come from the allocator's own free lists."""
_LINE = 64
"""Alignment in bytes: a cache line, and the longest vector register."""

_local = threading.local()


def _idle(buffers: list[np.ndarray]) -> np.ndarray | None:
    """A buffer without views, or None. Every view of an array holds a reference to the array that
    owns the memory.
    """
    return next((buffer for buffer in buffers if sys.getrefcount(buffer) <= _HELD_ONCE), None)


def _references() -> int:
    """Reference count of a buffer without views, as `_idle` sees it."""
    buffers = [np.empty(1, np.uint8)]
    return next(sys.getrefcount(buffer) for buffer in buffers)


_HELD_ONCE = _references()


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """`numpy.empty`, in the memory of an earlier array of this thread if one of that size is
    free.
    """
    kind = np.dtype(dtype)
    size = prod(shape) * kind.itemsize
    if size < LEAST_BYTES:
        return np.empty(shape, kind)
    buffers: list[np.ndarray] = _local.__dict__.setdefault("buffers", {}).setdefault(size, [])
    buffer = _idle(buffers)
    if buffer is None:
        buffer = np.empty(size + _LINE, np.uint8)
        buffers.append(buffer)
    first = -buffer.__array_interface__["data"][0] % _LINE
    result: Array = buffer[first : first + size].view(kind).reshape(shape)
    return result
