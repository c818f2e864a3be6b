"""Softmax and cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.numerics.arrays import Array


def log_losses(logits: Array, labels: NDArray[np.integer[Any]]) -> Array:
    """Cross-entropy of softmax(logits) per row: (N,) from logits (N, classes) and labels (N,)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    totals = np.log(np.exp(shifted).sum(axis=1))
    return np.asarray(totals - shifted[np.arange(len(logits)), labels])


def softmax_loss(logits: Array, labels: NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Mean cross-entropy of softmax(logits) and its gradient with respect to the logits.

    ``logits``: (N, classes); ``labels``: (N,). The gradient is (softmax - one-hot) / N, (N,
    classes).
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(logits))
    loss = float((np.log(totals[:, 0]) - shifted[rows, labels]).mean())
    error = exponentials / totals
    error[rows, labels] -= 1
    error /= len(logits)
    return loss, error
