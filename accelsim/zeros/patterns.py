"""Patterns of sparse feedback: the entries that each row of a matrix stores.

One generator serves the numbers and the ops of a rule, so the simulated pattern equals the trained
one. A draw yields the matrices of one layer in time order, from the layer's own random stream
(`feedback_random`). It draws values too, because patterns and values share the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.step.zero_sources import Draw, Rows
from accelsim.zeros.feedback import (
    Feedback,
    feedback_random,
    kept_entries,
    random_entries,
    sparse_feedback,
)

Values = NDArray[np.floating[Any]]

RADIUS = 0.5
"""Spectral radius of a random partial backward weight. Its powers decay within a few time steps,
like the derivatives of a trained cell.
"""


@dataclass(frozen=True)
class SparseDraw:
    """Draw of B for sparse direct feedback with ``stored`` entries per neuron; see
    `sparse_feedback`.
    """

    layer: str
    neurons: int
    classes: int
    stored: int
    rank: int = 0

    def matrices(self, seed: int) -> Iterator[Feedback]:
        """B of each time step, as an endless iterator. Raises InputError like `sparse_feedback`."""
        random = feedback_random(seed, self.layer)
        while True:
            yield sparse_feedback(self.neurons, self.classes, self.stored, self.rank, random)

    def rows(self, seed: int) -> Iterator[Rows]:
        """Stored classes of each time step's B, int64 (neurons, stored). Raises ValueError if
        ``stored`` is 0.
        """
        # map, because a loop would keep the values of the last matrix in memory.
        return map(_classes_read, self.matrices(seed))


@dataclass(frozen=True)
class MaskedDraw:
    """Draw of S_fc for the recurrent revised rule: a matrix (neurons, classes), stored at
    ``density``.

    ``random_values``: its values also come from the random stream, not from the forward weights.
    """

    layer: str
    neurons: int
    classes: int
    density: float
    random_values: bool = True

    def matrices(self, seed: int) -> Iterator[tuple[Rows | None, Values | None]]:
        """(stored entries, values) of each time step, as an endless iterator. Entries are None at
        density 1. Values (neurons, classes) are None if they are not random.
        """
        random = feedback_random(seed, self.layer)
        shape = self.neurons, self.classes
        while True:
            entries = None if self.density == 1 else kept_entries(*shape, self.density, random)
            values = (
                random_entries(shape, 1 / sqrt(self.classes), False, random)
                if self.random_values
                else None
            )
            yield entries, values

    def rows(self, seed: int) -> Iterator[Rows]:
        """Stored classes of each time step's S_fc. Raises ValueError at density 1."""
        return map(_entries, self.matrices(seed))


@dataclass(frozen=True)
class BlocksDraw:
    """Draw of the blocks S_ij of the recurrent revised rule, each (neurons, hidden). All blocks of
    step j store the same entries.

    ``random_values``: the partial backward weight also comes from the random stream, before the
    entries, not from the forward weights.
    """

    layer: str
    neurons: int
    hidden: int
    density: float
    random_values: bool = True

    def partial(self, seed: int) -> NDArray[np.float64]:
        """Random partial backward weight D (hidden, hidden)."""
        return self._partial(feedback_random(seed, self.layer))

    def _partial(self, random: np.random.Generator) -> NDArray[np.float64]:
        entries = random_entries((self.hidden, self.hidden), 1 / sqrt(self.hidden), False, random)
        return RADIUS * entries.astype(np.float64)

    def rows(self, seed: int) -> Iterator[Rows]:
        """Stored entries of each time step's blocks, int64 (neurons, stored)."""
        random = feedback_random(seed, self.layer)
        if self.random_values:
            self._partial(random)
        while True:
            yield kept_entries(self.neurons, self.hidden, self.density, random)


@dataclass(frozen=True)
class StepRows:
    """Pattern of the matrix of one time step. All of its stored entries are non-zeros. A trace may
    give the pattern instead, as its tensor ``key``.
    """

    draw: Draw
    step: int = 0
    key: str = ""

    def rows(self, rows_at: Callable[[int], Rows]) -> Rows:
        return rows_at(self.step)

    def nonzero(self, rows: Rows) -> None:
        return None


@dataclass(frozen=True)
class BlockRows:
    """Pattern of the blocks S_ij side by side, for i = ``step`` and j from ``step`` to ``steps`` -
    1. Each block has ``width`` columns. With ``identity``, the block for j = i is the identity: its
    stored entries are zero, except those on the diagonal.
    """

    draw: Draw
    width: int
    step: int
    steps: int
    identity: bool = False
    key: str = ""

    def rows(self, rows_at: Callable[[int], Rows]) -> Rows:
        later = range(self.step, self.steps)
        shifted = [rows_at(j) + (j - self.step) * self.width for j in later]
        return np.concatenate(shifted, axis=1)

    def nonzero(self, rows: Rows) -> NDArray[np.bool_] | None:
        if not self.identity:
            return None
        entries = rows.shape[1] // (self.steps - self.step)
        mask = np.ones(rows.shape, np.bool_)
        mask[:, :entries] = rows[:, :entries] == np.arange(len(rows))[:, None]
        return mask


class DrawnRows:
    """Rows of one layer's matrices by time step, drawn on demand."""

    def __init__(self, draw: Draw, seed: int) -> None:
        self._undrawn = draw.rows(seed)
        self._drawn: list[Rows] = []

    def at(self, step: int) -> Rows:
        """Rows of time step ``step``: int64 (rows, stored)."""
        while len(self._drawn) <= step:
            self._drawn.append(next(self._undrawn))
        return self._drawn[step]


def _classes_read(feedback: Feedback) -> Rows:
    if feedback.classes_read is None:
        raise ValueError("a dense matrix has no pattern")
    return feedback.classes_read


def _entries(matrix: tuple[Rows | None, Values | None]) -> Rows:
    if matrix[0] is None:
        raise ValueError("a dense matrix has no pattern")
    return matrix[0]
