"""Products of errors with feedback matrices, as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.zeros.feedback import Feedback


def carrier(b: Feedback, dtype: np.dtype[Any]) -> Callable[[Array], Array]:
    """Function that multiplies errors (N, classes) by B, in the type ``dtype``."""
    if b.classes_read is None:
        transposed = np.ascontiguousarray(b.values.T, dtype)
        return lambda error: products.product(error, transposed)
    from scipy.sparse import csr_array

    starts = np.arange(0, b.values.size + 1, b.nonzeros)
    entries = (b.values.astype(dtype).reshape(-1), b.classes_read.reshape(-1), starts)
    matrix = csr_array(entries, shape=(b.neurons, b.classes))
    return lambda error: products.sparse_product(error, matrix)
