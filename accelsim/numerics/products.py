"""The multiply-accumulates of the numbers, all of them: what weighted layers and feedback multiply
goes through here, where tests count it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from accelsim.numerics.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SMALL_MACS = 10**6
"""Up to here OpenBLAS multiplies without copying its operands first, which thin products are up to
twice as fast with.
"""
LEAST_ROWS = 256
"""Rows of a block from which that is worth it."""
THIN = SMALL_MACS // LEAST_ROWS
"""Elements of a right operand that is multiplied in such blocks, where it is contiguous."""


@lru_cache(maxsize=4096)
def _block(length: int, others: int) -> int:
    """Rows of the equal blocks of a product with ``length`` rows of ``others`` multiply-accumulates
    each; ``length`` for one block.
    """
    limit = SMALL_MACS // max(1, others)
    if length <= limit:
        return length
    return next((rows for rows in range(limit, LEAST_ROWS - 1, -1) if length % rows == 0), length)


def product(left: Array, right: Array, out: Array | None = None) -> Array:
    """Matrix product (M, K) x (K, N): M * K * N multiply-accumulates."""
    (m, k), n = left.shape, right.shape[1]
    if out is None:
        out = np.empty((m, n), np.result_type(left, right))
    if m >= k:
        rows = _block(m, k * n)
        if rows < m and left.flags.c_contiguous and out.flags.c_contiguous:
            np.matmul(left.reshape(-1, rows, k), right, out=out.reshape(-1, rows, n))
            return out
    else:
        rows = _block(k, m * n)
        if rows < k and left.T.flags.c_contiguous and right.flags.c_contiguous:
            return np.asarray(
                np.matmul(
                    left.T.reshape(-1, rows, m).transpose(0, 2, 1), right.reshape(-1, rows, n)
                ).sum(axis=0, out=out)
            )
    return np.asarray(np.matmul(left, right, out=out))


def sparse_product(error: Array, matrix: csr_array) -> Array:
    """(N, classes) x the transpose of a sparse (neurons, classes) matrix: N * stored entries. The
    entries of each row are summed in the order in which they are stored.
    """
    return np.asarray((matrix @ error.T).T)


def stored_product(error: Array, matrix: Array, stored: int) -> Array:  # noqa: ARG001  # it is what tests count
    """(N, K) x (K, M) where only ``stored`` entries of the matrix exist: N * stored; the others are
    written out as zeros for the sake of speed.
    """
    return np.asarray(np.matmul(error, matrix))
