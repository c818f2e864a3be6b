"""Training tasks: classify images, or predict the next word of a text. A task provides the batches
of an epoch, and scores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.numerics.arrays import Array
from accelsim.numerics.loss import log_losses
from accelsim.training.data.augmentation import augment
from accelsim.training.data.datasets import Dataset
from accelsim.training.data.text_files import TextDataset
from accelsim.workload.network import Network

Batch = tuple[NDArray[Any], NDArray[np.integer[Any]]]
"""(images (N, H, W, C), or tokens (T, N) or (N, T); labels with one entry per row of logits)."""

_SHUFFLE_STREAM, _AUGMENT_STREAM = 0x5AFF, 0xA06

WITH_UNKNOWN = "with_unknown_"
"""Prefix of the text scores that include the unknown word."""


@dataclass(frozen=True)
class Scores:
    """Mean cross-entropy, and fraction of correct answers."""

    loss: float
    accuracy: float

    @property
    def perplexity(self) -> float:
        """exp(loss)."""
        return exp(min(self.loss, 700.0))


class Task(ABC):
    """A data set, presented as batches for one network."""

    name: str
    batch: int
    steps_per_epoch: int

    @abstractmethod
    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Training batches of one epoch. Their order depends only on seed and epoch."""

    @abstractmethod
    def batches(self, part: str) -> Iterator[Batch]:
        """Batches of a part of the data, in order."""

    def start(self, model: Model) -> None:  # noqa: B027  # most tasks carry nothing
        """Reset state that persists between batches."""

    def keep(self, model: Model) -> None:  # noqa: B027  # as above
        """Carry state from one batch to the next."""

    def judged(
        self, logits: Array, labels: NDArray[np.integer[Any]]
    ) -> dict[str, tuple[Array, NDArray[np.integer[Any]]]]:
        """(logits, labels) of the rows that count, by the prefix of the score they
        contribute to.
        """
        return {"": (logits, labels)}

    def score(self, model: Model, part: str) -> dict[str, Scores]:
        """Scores of a part of the data, by prefix. Batch norm uses its running moments."""
        loss: dict[str, float] = {}
        right: dict[str, int] = {}
        answers: dict[str, int] = {}
        self.start(model)
        for inputs, labels in self.batches(part):
            logits = model.forward(inputs, training=False)
            self.keep(model)
            for mark, (offered, wanted) in self.judged(logits, labels).items():
                loss[mark] = loss.get(mark, 0.0) + float(
                    log_losses(offered, wanted).sum(dtype=np.float64)
                )
                right[mark] = right.get(mark, 0) + int((offered.argmax(axis=1) == wanted).sum())
                answers[mark] = answers.get(mark, 0) + len(wanted)
        self.start(model)
        return {
            mark: Scores(loss[mark] / max(1, count), right[mark] / max(1, count))
            for mark, count in answers.items()
        }


class ImageTask(Task):
    """Classify images. An epoch uses every training image once, except an incomplete last batch.

    Raises InputError if the batch is larger than the training set or below 1.
    """

    def __init__(
        self, dataset: Dataset, network: Network, batch: int, augmented: bool = False
    ) -> None:
        if not 1 <= batch <= len(dataset.images):
            raise InputError(
                f"batch must be between 1 and the {len(dataset.images)} training images, got "
                f"{batch}"
            )
        self.name = dataset.name
        self.dataset = dataset
        self.network = network
        self.batch = batch
        self.augmented = augmented
        self.steps_per_epoch = len(dataset.images) // batch

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        data, random = self.dataset, np.random.default_rng([_SHUFFLE_STREAM, seed, epoch])
        changes = np.random.default_rng([_AUGMENT_STREAM, seed, epoch])
        order = random.permutation(len(data.images))
        for first in range(0, len(order) - self.batch + 1, self.batch):
            chosen = order[first : first + self.batch]
            images = data.inputs(data.images[chosen], self.network.input_shape)
            yield (augment(images, changes) if self.augmented else images), data.labels[chosen]

    def batches(self, part: str) -> Iterator[Batch]:
        data = self.dataset
        images, labels = {
            "training": (data.images, data.labels),
            "held_out": (data.held_out_images, data.held_out_labels),
            "test": (data.test_images, data.test_labels),
        }[part]
        size = max(self.batch, 100)
        for first in range(0, len(images), size):
            yield (
                data.inputs(images[first : first + size], self.network.input_shape),
                labels[first : first + size],
            )


class TextTask(Task):
    """Predict each next word. The text runs in ``batch`` parallel streams, and the recurrent state
    is carried along them.

    Raises InputError if the streams are too short for one window.
    """

    def __init__(self, dataset: TextDataset, network: Network, batch: int) -> None:
        self.name = dataset.name
        self.dataset = dataset
        self.network = network
        self.batch = batch
        self.steps_per_epoch = sum(
            1 for _ in dataset.windows(dataset.training, batch, network.time_steps)
        )
        if not self.steps_per_epoch:
            raise InputError(
                f"batch must give each stream more than {network.time_steps} of the "
                f"{len(dataset.training)} words, got {batch}"
            )

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        return self.batches("training")

    def batches(self, part: str) -> Iterator[Batch]:
        tokens = {
            "training": self.dataset.training,
            "held_out": self.dataset.held_out,
            "test": self.dataset.test,
        }[part]
        for inputs, targets in self.dataset.windows(tokens, self.batch, self.network.time_steps):
            yield inputs, targets.reshape(-1)

    def start(self, model: Model) -> None:
        for layer in model.recurrent():
            layer.state = None

    def keep(self, model: Model) -> None:
        for layer in model.recurrent():
            layer.state = layer.final_state

    def judged(
        self, logits: Array, labels: NDArray[np.integer[Any]]
    ) -> dict[str, tuple[Array, NDArray[np.integer[Any]]]]:
        """Scores without prefix leave out the unknown word, as label and as candidate. Scores
        `WITH_UNKNOWN` treat it like any other word.
        """
        return without_unknown(self.dataset, logits, labels)


class TokenTask(Task):
    """Predict each next word of passages, all of whose words are read at once. Passages come in an
    order of their own in each epoch. An incomplete last batch is dropped.

    Raises InputError if the batch is larger than the number of passages or below 1.
    """

    def __init__(self, dataset: TextDataset, network: Network, batch: int) -> None:
        self.name = dataset.name
        self.dataset = dataset
        self.batch = batch
        self.length = network.tokens
        passages = max(0, len(dataset.training) - 1) // self.length
        if not 1 <= batch <= passages:
            raise InputError(
                f"batch must be between 1 and the {passages} passages of {self.length} words, got "
                f"{batch}"
            )
        self.steps_per_epoch = passages // batch

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        inputs, targets = self.dataset.passages(self.dataset.training, self.length)
        order = np.random.default_rng([_SHUFFLE_STREAM, seed, epoch]).permutation(len(inputs))
        for first in range(0, len(order) - self.batch + 1, self.batch):
            chosen = order[first : first + self.batch]
            yield inputs[chosen], targets[chosen].reshape(-1)

    def batches(self, part: str) -> Iterator[Batch]:
        tokens = {
            "training": self.dataset.training,
            "held_out": self.dataset.held_out,
            "test": self.dataset.test,
        }[part]
        inputs, targets = self.dataset.passages(tokens, self.length)
        for first in range(0, len(inputs), self.batch):
            yield (
                inputs[first : first + self.batch],
                targets[first : first + self.batch].reshape(-1),
            )

    def judged(
        self, logits: Array, labels: NDArray[np.integer[Any]]
    ) -> dict[str, tuple[Array, NDArray[np.integer[Any]]]]:
        """As `TextTask`; bytes have no unknown word, and one score."""
        return without_unknown(self.dataset, logits, labels)


def without_unknown(
    dataset: TextDataset, logits: Array, labels: NDArray[np.integer[Any]]
) -> dict[str, tuple[Array, NDArray[np.integer[Any]]]]:
    """(logits, labels) without the unknown word, and with it; see `TextTask.judged`."""
    if dataset.unknown is None:
        return {"": (logits, labels)}
    known = labels != dataset.unknown
    offered = logits[known]
    offered[:, dataset.unknown] = -np.inf
    return {"": (offered, labels[known]), WITH_UNKNOWN: (logits, labels)}


def make_task(
    dataset: Dataset | TextDataset, network: Network, batch: int, augmented: bool
) -> Task:
    """The task of a data set.

    Raises InputError for an unsuitable batch, and for ``augmented`` data that are not photographs.
    """
    if isinstance(dataset, TextDataset):
        if augmented:
            raise InputError("--augment must be left out for text")
        make = TokenTask if network.tokens else TextTask
        return make(dataset, network, batch)
    if augmented and not dataset.photographs:
        raise InputError(
            f"--augment must be left out for {dataset.name}, whose images are not photographs"
        )
    return ImageTask(dataset, network, batch, augmented)
