"""Sizes of compressed tensors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit


@jit
def run_entries(mask: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Entries per row of a run-length format: bool (rows, length) -> int64 (rows).

    An entry is a non-zero and the number of zeros before it, at most ``most``. Longer runs take
    padding entries: ``most`` zeros and a stored zero value each, so a run of z zeros takes z div
    (most + 1) of them. Zeros after a row's last non-zero take none, because the row's length is
    known. Source: Han et al. 2016 (EIE, arXiv:1602.01528), section III.B.
    """
    rows, length = mask.shape
    result = np.zeros(rows, np.int64)
    for row in range(rows):
        run = 0
        for place in range(length):
            if mask[row, place]:
                result[row] += 1 + run // (most + 1)
                run = 0
            else:
                run += 1
    return result


def entries_at(places: NDArray[np.int64], length: int, most: int) -> int:
    """Total entries of all rows of ``length`` elements, from the places of the non-zeros.

    ``places``: int64, ascending indices into the flat tensor.
    """
    row, place = places // length, places % length
    before = np.concatenate([[-1], np.where(row[1:] == row[:-1], place[:-1], -1)])
    return int(len(places) + ((place - before - 1) // (most + 1)).sum()) if len(places) else 0
