"""Parallel work on the parts of a batch; numpy's products and the serial kernels release the GIL.

Each thread gets a fixed part of the batch, so results do not depend on the number of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

import numba
import numpy as np

from accelsim.numerics.arrays import Array

T = TypeVar("T")
S = TypeVar("S")

_local = threading.local()


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Thread pool of one process. A forked child has none of its parent's threads, so it gets a new
    pool.
    """
    return ThreadPoolExecutor(threads, thread_name_prefix=f"batch-parts-{process}")


def over(parts: Sequence[S], work: Callable[[S], T]) -> list[T]:
    """Results of ``work`` for every part, in order, computed on as many threads as numba is set to
    use.
    """
    threads = min(len(parts), numba.get_num_threads())
    if threads <= 1:
        return [work(part) for part in parts]
    return list(_pool(numba.get_num_threads(), os.getpid()).map(work, parts))


def split(length: int, parts: int) -> list[slice]:
    """Split ``range(length)`` into at most ``parts`` slices of nearly equal size, none of them
    empty.
    """
    parts = max(1, min(parts, length))
    bounds = [length * i // parts for i in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


def workspace(size: int, dtype: np.dtype[Any]) -> Array:
    """``size`` elements of this thread's scratch memory.

    The next call in the same thread with the same dtype returns the same memory.
    """
    buffer: Array | None = getattr(_local, dtype.char, None)
    if buffer is None or buffer.size < size:
        buffer = np.empty(size, dtype)
        setattr(_local, dtype.char, buffer)
    return buffer[:size]
