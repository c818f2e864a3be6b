"""Counts of the multiplications executed by a step's numbers, and of those in its ops."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from threading import Lock

import pytest

from accelsim.numerics import products
from accelsim.rules.walk.numbers import RuleNumerics
from accelsim.step.ops import Op


class Multiplications:
    """Counts the MACs of all product functions that the numbers call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        lock = Lock()

        def counting(original, macs):
            def product(*operands, **options):
                with lock:
                    self.count += macs(*operands)
                return original(*operands, **options)

            return product

        for name, macs in {
            "product": lambda left, right, *_: prod(left.shape) * right.shape[1],
            "batched_product": lambda left, right: prod(left.shape) * right.shape[-1],
            "sparse_product": lambda error, matrix: len(error) * matrix.nnz,
            "stored_product": lambda error, _, stored: len(error) * stored,
        }.items():
            monkeypatch.setattr(products, name, counting(getattr(products, name), macs))


def macs(ops: Iterable[Op]) -> int:
    """Dense MACs of the ops."""
    return sum(op.dense_macs for op in ops)


def stored_words(numbers: RuleNumerics) -> int:
    """Number of feedback weights that a rule's numbers store."""
    return sum(array.size for array in numbers.feedback_weights().values())
