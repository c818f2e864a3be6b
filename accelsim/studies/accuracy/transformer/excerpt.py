"""A task whose epochs are shorter than its data, for networks that are slow to train."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.layers.model import Model
from accelsim.numerics.arrays import Array
from accelsim.training.tasks import Batch, Task

SCORED = 64
"""Number of batches of a part of the data that are scored, from its beginning."""


class Excerpt(Task):
    """The first ``steps`` batches of each epoch of another task. An epoch shuffles all of the data,
    so each has other batches. Parts are scored on their first `SCORED` batches.
    """

    def __init__(self, whole: Task, steps: int) -> None:
        self.whole = whole
        self.name = f"{whole.name}, {steps} batches per epoch, {SCORED} scored"
        self.batch = whole.batch
        self.steps_per_epoch = min(steps, whole.steps_per_epoch)

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        return islice(self.whole.epoch(seed, epoch), self.steps_per_epoch)

    def batches(self, part: str) -> Iterator[Batch]:
        return islice(self.whole.batches(part), SCORED)

    def start(self, model: Model) -> None:
        self.whole.start(model)

    def keep(self, model: Model) -> None:
        self.whole.keep(model)

    def judged(
        self, logits: Array, labels: NDArray[np.integer[Any]]
    ) -> dict[str, tuple[Array, NDArray[np.integer[Any]]]]:
        return self.whole.judged(logits, labels)
