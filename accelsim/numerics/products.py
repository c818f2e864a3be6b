"""All multiply-accumulates of the numeric code.

Weighted layers and feedback multiply only through these functions, so that tests can count MACs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from accelsim.numerics.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SMALL_MACS = 10**6
"""MACs up to which OpenBLAS multiplies without first copying its operands; thin products are up to
twice as fast that way.
"""
LEAST_ROWS = 256
"""Minimum rows of a block for which blocking pays off."""
THIN = SMALL_MACS // LEAST_ROWS
"""Elements of a contiguous right operand up to which products are blocked."""


@lru_cache(maxsize=4096)
def _block(length: int, others: int) -> int:
    """Rows per equal block of a product with ``length`` rows of ``others`` MACs each.

    Returns ``length`` for a single block.
    """
    limit = SMALL_MACS // max(1, others)
    if length <= limit:
        return length
    return next((rows for rows in range(limit, LEAST_ROWS - 1, -1) if length % rows == 0), length)


def product(left: Array, right: Array, out: Array | None = None) -> Array:
    """Matrix product (M, K) x (K, N), with M * K * N MACs. ``out``: (M, N) array for the result, or
    None.
    """
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
    """Product (N, classes) x the transpose of a sparse (neurons, classes) matrix; N * stored MACs.

    Each row's entries are summed in the order in which they are stored.
    """
    return np.asarray((matrix @ error.T).T)


def stored_product(error: Array, matrix: Array, stored: int) -> Array:  # noqa: ARG001  # it is what tests count
    """Product (N, K) x (K, M) with a matrix of which only ``stored`` entries exist; N * stored
    MACs.

    The other entries are explicit zeros, which is faster.
    """
    return np.asarray(np.matmul(error, matrix))


def batched_product(left: Array, right: Array) -> Array:
    """Matrix products (..., M, K) x (..., K, N), with M * K * N MACs each."""
    return np.asarray(np.matmul(left, right))
