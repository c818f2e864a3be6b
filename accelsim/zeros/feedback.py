"""Random feedback matrices B of direct feedback alignment, shared by the rules' ops (patterns) and
their numbers (values).

B carries the output error (``classes`` entries) to the ``neurons`` of a map: ``feedback = B e``.
One row a neuron.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError

_STREAM = 0xFEED
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Feedback:
    """B by its non-zeros: ``values`` (neurons, k), and ``classes_read`` int64 (neurons, k), the
    class each one reads.

    ``classes_read`` is None for a dense B, whose ``values`` are (neurons, classes).
    """

    classes: int
    values: NDArray[np.floating[Any]]
    classes_read: NDArray[np.int64] | None = None

    @property
    def neurons(self) -> int:
        return int(self.values.shape[0])

    @property
    def nonzeros(self) -> int:
        """Stored entries of a neuron's row."""
        return int(self.values.shape[1])

    def dense(self) -> NDArray[np.floating[Any]]:
        """B written out, (neurons, classes)."""
        if self.classes_read is None:
            return self.values
        matrix = np.zeros((self.neurons, self.classes))
        np.put_along_axis(matrix, self.classes_read, self.values, axis=1)
        return matrix


def feedback_random(seed: int, layer: str) -> np.random.Generator:
    """The random stream of one layer's B: of the seed and the layer's name alone, whatever other
    layers there are.
    """
    return np.random.default_rng([_STREAM, seed, crc32(layer.encode())])


def dense_feedback(
    neurons: int, classes: int, positions: int, random: np.random.Generator, binary: bool = False
) -> Feedback:
    """Dense B of deviation 1 / (sqrt(classes) * positions), for a map of ``positions`` = H * W
    positions (1 for vectors).

    Uniform, or one of two values when ``binary`` (Han & Yoo 2019: the sign of a random B, here
    times one scale that the hardware keeps beside the bits). The scale keeps a layer's weight
    gradient, a sum over its positions, of one size whatever its resolution; it is this project's
    own measured choice (VGG16 and ResNet-18 on CIFAR-10), no paper prints one for convolutions.
    """
    return Feedback(
        classes, random_entries((neurons, classes), 1 / (sqrt(classes) * positions), binary, random)
    )


def random_entries(
    shape: tuple[int, ...], deviation: float, binary: bool, random: np.random.Generator
) -> NDArray[np.float32]:
    """Entries of that deviation about zero: +-deviation when ``binary``, else uniform."""
    if binary:
        return np.where(
            random.integers(0, 2, shape, np.int8) == 1,
            np.float32(deviation),
            np.float32(-deviation),
        )
    drawn = random.random(shape, np.float32)
    drawn -= np.float32(0.5)
    drawn *= np.float32(sqrt(12) * deviation)
    return drawn


def like_weights(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float32]:
    """Random weights of a hidden layer's fresh deviation, sqrt(2 / fan-in), for the rule that only
    replaces the transposes.
    """
    return random.standard_normal(shape, np.float32) * np.float32(sqrt(2 / prod(shape[1:])))


def kept_entries(
    rows: int, length: int, density: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """Which entries a sparse matrix keeps: `entries_a_row` in each row, uniformly without
    replacement, ascending, (rows, kept).
    """
    return _choices(rows, length, entries_a_row(length, density), random)


def entries_a_row(length: int, density: float) -> int:
    """Entries that a row of that length keeps at a density, rounded; at least one."""
    return max(1, round(density * length))


def sparse_feedback(
    neurons: int, classes: int, k: int, rank: int, random: np.random.Generator
) -> Feedback:
    """B of Crafton et al. 2019 as their published code draws it.

    ``k`` classes a neuron, uniformly without replacement, values U[-h, h] with h = (classes *
    k)**(1/4) / sqrt(neurons). With ``rank`` > 0 there are only ``rank`` index sets, drawn so that
    together they read every class (k * rank >= classes); each neuron takes one set at random, each
    set masks its own rank-1 matrix, and the whole is scaled to the standard deviation h. ``k`` = 0
    is dense: U[-h, h] or a sum of ``rank`` outer products, h = 1 / sqrt(neurons). Raises InputError
    when the options do not fit the number of classes.
    """
    if not 0 <= k <= classes:
        raise InputError(f"sdfa.k must be from 0 to {classes}, the network's outputs, got {k}")
    if rank < 0 or (k and rank and k * rank < classes):
        raise InputError(
            f"sdfa.rank must be 0, or reach all {classes} outputs as k * rank, got {rank} with "
            f"k={k}"
        )
    h = (classes * k) ** 0.25 / sqrt(neurons) if k else 1 / sqrt(neurons)
    if not rank:
        read = _choices(neurons, classes, k, random) if k else None
        return Feedback(classes, random.uniform(-h, h, (neurons, k or classes)), read)
    if not k:
        values = random.uniform(-h, h, (neurons, rank)) @ random.uniform(-h, h, (rank, classes))
        return Feedback(classes, values * (h / values.std()))
    sets = _covering_sets(classes, k, rank, random)
    chosen = random.integers(0, rank, neurons)
    column, row = random.uniform(-h, h, (rank, neurons)), random.uniform(-h, h, (rank, classes))
    read = sets[chosen]
    values = column[chosen, np.arange(neurons)][:, None] * row[chosen[:, None], read]
    # The standard deviation is the whole matrix's, zeros included.
    share = k / classes
    deviation = sqrt(float((values**2).mean()) * share - (float(values.mean()) * share) ** 2)
    return Feedback(classes, values * (h / deviation), read)


def _choices(neurons: int, classes: int, k: int, random: np.random.Generator) -> NDArray[np.int64]:
    """k distinct classes a neuron, (neurons, k), ascending."""
    if k == 1:
        return random.integers(0, classes, (neurons, 1))
    if k == classes:
        return np.tile(np.arange(classes), (neurons, 1))
    if 4 * k * k <= classes:
        # Seldom the same class twice: draw again the rows where it happens, which leaves every set
        # of k as likely as any other.
        drawn = np.sort(random.integers(0, classes, (neurons, k)), axis=1)
        while len(again := np.flatnonzero((drawn[:, 1:] == drawn[:, :-1]).any(axis=1))):
            drawn[again] = np.sort(random.integers(0, classes, (len(again), k)), axis=1)
        return drawn
    read = np.empty((neurons, k), np.int64)
    for first in range(0, neurons, _ROWS_AT_ONCE):
        keys = random.random((min(_ROWS_AT_ONCE, neurons - first), classes))
        read[first : first + len(keys)] = np.sort(np.argpartition(keys, k, axis=1)[:, :k], axis=1)
    return read


def _covering_sets(
    classes: int, k: int, rank: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """``rank`` sets of k classes, (rank, k), drawn again until every class is read; rarely used
    classes are favoured.
    """
    fair = k * rank / classes
    while True:
        used = np.zeros(classes)
        sets = np.empty((rank, k), np.int64)
        for index in range(rank):
            favour = np.clip((fair - used) / max(1.0, k * rank - used.sum()), 1e-6, 1.0)
            sets[index] = np.sort(random.choice(classes, k, replace=False, p=favour / favour.sum()))
            used[sets[index]] += 1
        if used.all():
            return sets
