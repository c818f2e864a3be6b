"""Random feedback matrices B of direct feedback alignment. The rules' ops use their zero patterns,
and training uses their values.

B maps the output error (``classes`` entries) to the ``neurons`` of a layer: ``feedback = B e``. It
has one row per neuron.
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
    """A matrix B, stored as its non-zeros.

    ``values``: (neurons, k). ``classes_read``: int64 (neurons, k), the class of each value. For a
    dense B, ``classes_read`` is None and ``values`` is (neurons, classes).
    """

    classes: int
    values: NDArray[np.floating[Any]]
    classes_read: NDArray[np.int64] | None = None

    @property
    def neurons(self) -> int:
        return int(self.values.shape[0])

    @property
    def nonzeros(self) -> int:
        """Stored entries per row."""
        return int(self.values.shape[1])

    def dense(self) -> NDArray[np.floating[Any]]:
        """B as a full matrix, (neurons, classes)."""
        if self.classes_read is None:
            return self.values
        matrix = np.zeros((self.neurons, self.classes))
        np.put_along_axis(matrix, self.classes_read, self.values, axis=1)
        return matrix


def feedback_random(seed: int, layer: str) -> np.random.Generator:
    """The random stream for one layer's B. It depends on the seed and the layer's name alone, so
    other layers do not change it.
    """
    return np.random.default_rng([_STREAM, seed, crc32(layer.encode())])


def dense_feedback(
    neurons: int, classes: int, positions: int, random: np.random.Generator, binary: bool = False
) -> Feedback:
    """A dense B of standard deviation 1 / (sqrt(classes) * positions), float32, for a map of
    ``positions`` = H * W positions (1 for vectors).

    Entries are uniform. With ``binary`` they take two values, +-deviation: the sign of a random B,
    as in Han & Yoo 2019, times one scale that the hardware keeps beside the bits. A layer's weight
    gradient is a sum over its positions; the division by ``positions`` keeps its size the same at
    any resolution. This scale is the project's own choice, measured on VGG16 and ResNet-18 with
    CIFAR-10; no paper states one for convolutions.
    """
    return Feedback(
        classes, random_entries((neurons, classes), 1 / (sqrt(classes) * positions), binary, random)
    )


def random_entries(
    shape: tuple[int, ...], deviation: float, binary: bool, random: np.random.Generator
) -> NDArray[np.float32]:
    """Random float32 entries of mean zero and the given standard deviation: +-deviation when
    ``binary``, else uniform.
    """
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
    """Random float32 weights, normal with the standard deviation of a hidden layer's initial
    weights, sqrt(2 / fan-in). ``shape``: (outputs, ...); the fan-in is the product of the other
    dimensions.
    """
    return random.standard_normal(shape, np.float32) * np.float32(sqrt(2 / prod(shape[1:])))


def kept_entries(
    rows: int, length: int, density: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """Indices of the entries that a sparse matrix keeps, int64 (rows, kept), ascending per row.
    Each row has `entries_a_row` of them, drawn uniformly without replacement.
    """
    return _choices(rows, length, entries_a_row(length, density), random)


def entries_a_row(length: int, density: float) -> int:
    """Entries that a row of ``length`` keeps at a density: ``density * length``, rounded, at least
    1.
    """
    return max(1, round(density * length))


def sparse_feedback(
    neurons: int, classes: int, k: int, rank: int, random: np.random.Generator
) -> Feedback:
    """B of Crafton et al. 2019, drawn as in their published code.

    * ``k`` > 0, ``rank`` = 0: each neuron reads k classes, drawn uniformly without replacement.
      Values are U[-h, h] with h = (classes * k)**(1/4) / sqrt(neurons).
    * ``k`` > 0, ``rank`` > 0: there are only ``rank`` sets of k classes, which together contain
      every class (k * rank >= classes). Each neuron takes one set at random. Each set masks its own
      rank-1 matrix. The whole B is scaled to the standard deviation h.
    * ``k`` = 0: B is dense with h = 1 / sqrt(neurons): U[-h, h], or, with ``rank`` > 0, a sum of
      ``rank`` outer products scaled to the standard deviation h.

    InputError when ``k`` or ``rank`` does not fit the number of classes.
    """
    if not 0 <= k <= classes:
        raise InputError(f"sdfa.k must be from 0 to {classes}, the network's outputs, got {k}")
    if rank < 0 or (k and rank and k * rank < classes):
        raise InputError(
            f"sdfa.rank must be 0, or k * rank at least the {classes} outputs, got {rank} with "
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
    # The standard deviation is that of the whole matrix, zeros included.
    share = k / classes
    deviation = sqrt(float((values**2).mean()) * share - (float(values.mean()) * share) ** 2)
    return Feedback(classes, values * (h / deviation), read)


def _choices(neurons: int, classes: int, k: int, random: np.random.Generator) -> NDArray[np.int64]:
    """k distinct classes per neuron, int64 (neurons, k), ascending."""
    if k == 1:
        return random.integers(0, classes, (neurons, 1))
    if k == classes:
        return np.tile(np.arange(classes), (neurons, 1))
    if 4 * k * k <= classes:
        # Rows that contain a class twice, which are rare, are drawn again. Every set of k classes
        # stays equally likely.
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
    """``rank`` sets of k classes, int64 (rank, k). They are drawn again until every class is in a
    set; rarely used classes are more likely.
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
