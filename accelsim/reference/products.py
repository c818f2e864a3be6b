"""The multiply-accumulates of the numbers, all of them: what weighted layers and feedback multiply goes through here, where tests count it."""

from __future__ import annotations

import numpy as np

from accelsim.reference.numerics import Array


def product(left: Array, right: Array, out: Array | None = None) -> Array:
    """Matrix product (M, K) x (K, N): M * K * N multiply-accumulates."""
    return np.matmul(left, right, out=out) if out is not None else np.asarray(np.matmul(left, right))


def gathered_product(error: Array, classes_read: np.ndarray, values: Array) -> Array:
    """(N, neurons) from errors (N, classes), the k classes that each neuron reads (neurons, k), and values (k, neurons): N * neurons * k."""
    result = np.asarray(error[:, classes_read[:, 0]] * values[0])
    for j in range(1, len(values)):
        result += error[:, classes_read[:, j]] * values[j]
    return result
