"""Training with any learning rule that has numbers, and the trace of one step of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.network import Network
from accelsim.reference.capture import capture_masks
from accelsim.reference.datasets import Dataset, load_dataset
from accelsim.reference.learning_rules import rule_numerics
from accelsim.reference.model import Model, check_trainable, softmax_loss
from accelsim.reference.numerics import Array
from accelsim.reference.optimizers import Optimizer, optimizer
from accelsim.spec.rule import RuleSpec
from accelsim.trace import Trace

MEAN_OVER = 10
"""Steps at either end of a run whose mean loss a trace states."""

DIVERGED, EXPLODED = 1.25, 10.0
"""Mean loss of the last steps, and of any one step, by the first step's, above which training diverged. A rule that has not begun to learn wanders
about its first loss by a few percent."""

_SHUFFLE_STREAM = 0x5AFF


Progress = Callable[[int, int, float], None]
"""(steps done, steps of the run, loss of the last one): called after every training step."""


@dataclass
class Trainer:
    """One training run: a model, its rule and optimizer, and a shuffled data set. ``losses`` has every step's mean loss."""

    network: Network
    rule: RuleSpec
    dataset: Dataset
    batch: int
    optimizer: Optimizer
    seed: int
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= len(self.dataset.images):
            raise InputError(f"batch must be between 1 and the {len(self.dataset.images)} training images, got {self.batch}")
        self.model = Model(self.network, self.seed)
        self.numerics = rule_numerics(self.rule, self.model, self.seed)
        self._batches = self._endless_batches()

    def _endless_batches(self) -> Iterator[NDArray[np.int64]]:
        """Indices of one batch after the other; every epoch in a new order, a ragged rest dropped."""
        random = np.random.default_rng([_SHUFFLE_STREAM, self.seed])
        while True:
            order = random.permutation(len(self.dataset.images))
            for first in range(0, len(order) - self.batch + 1, self.batch):
                yield order[first : first + self.batch]

    def gradients(self) -> dict[str, Array]:
        """Forward and backward of the next batch: gradients in the model, its loss recorded; the weighted layers' errors."""
        chosen = next(self._batches)
        images = self.dataset.standardized(self.dataset.images[chosen], self.network.input_shape)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that are not finite end in a loss that is refused
            loss, error = softmax_loss(self.model.forward(images), self.dataset.labels[chosen])
            self.losses.append(loss)
            if not np.isfinite(loss):
                raise self._diverged(loss)
            return self.numerics.propagate(error)

    def step(self) -> float:
        """One training step; its loss before the update."""
        self.gradients()
        with np.errstate(over="ignore", invalid="ignore"):  # as in `gradients`
            self.optimizer.step(self.model.parameters(), self.model.gradients())
        return self.losses[-1]

    def run(self, steps: int, progress: Progress | None = None) -> None:
        """Several steps. InputError when ``steps`` is negative or the loss stops being finite."""
        if steps < 0:
            raise InputError(f"steps must be >= 0, got {steps}")
        for step in range(steps):
            loss = self.step()
            if progress:
                progress(step + 1, steps, loss)

    @property
    def mean_losses(self) -> tuple[float, float]:
        """Mean loss of the first and of the last `MEAN_OVER` steps so far."""
        return float(np.mean(self.losses[:MEAN_OVER])), float(np.mean(self.losses[-MEAN_OVER:]))

    def refuse_divergence(self) -> None:
        """InputError when the loss has grown: the zeros of such a network are not those of training."""
        end, worst = self.mean_losses[1], max(self.losses)
        if worst > EXPLODED * self.losses[0]:  # whatever became of it: units that died bring the loss back to that of guessing
            raise self._diverged(worst)
        if end > DIVERGED * self.losses[0]:
            raise self._diverged(end)

    def _diverged(self, loss: float) -> InputError:
        change = f"loss {self.losses[0]:.4g} -> {loss:.4g}"
        return InputError(f"training diverged: {change}; lower --learning-rate ({self.optimizer.learning_rate:g})")

    def test_accuracy(self) -> float:
        """Fraction of the test images that are classified right, batch norm with its running moments."""
        right = 0
        for first in range(0, len(self.dataset.test_images), self.batch):
            part = slice(first, first + self.batch)
            logits = self.model.forward(self.dataset.standardized(self.dataset.test_images[part], self.network.input_shape), training=False)
            right += int((logits.argmax(axis=1) == self.dataset.test_labels[part]).sum())
        return right / len(self.dataset.test_images)


def start_training(
    network: Network, rule: RuleSpec, data_dir: Path | None, batch: int, learning_rate: float, seed: int, optimizer_name: str = "momentum"
) -> Trainer:
    """A run that has not made a step yet. InputError for data, rule or options that do not fit."""
    check_trainable(network)  # before the data, which a recurrent network could not be fed with
    return Trainer(network, rule, load_dataset(data_dir, network), batch, optimizer(optimizer_name, learning_rate), seed)


def train(
    network: Network,
    rule: RuleSpec,
    data_dir: Path | None,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int = 0,
    optimizer_name: str = "momentum",
    progress: Progress | None = None,
) -> tuple[list[float], float]:
    """Train for ``steps`` steps: the loss of every step, and the accuracy on all test images. InputError for anything that does not fit."""
    run = start_training(network, rule, data_dir, batch, learning_rate, seed, optimizer_name)
    run.run(steps, progress)
    return run.losses, run.test_accuracy()


def train_and_trace(
    network: Network,
    rule: RuleSpec,
    data_dir: Path | None,
    *,
    steps: int,
    batch: int,
    samples: int,
    learning_rate: float,
    seed: int = 0,
    optimizer_name: str = "momentum",
    command: str = "",
    progress: Progress | None = None,
) -> tuple[Trace, list[float]]:
    """Train for ``steps`` steps, then take the masks of the first ``samples`` samples of the next one.

    Returns the trace and the loss of every step, the traced one last. The trace's meta also has batch, optimizer, learning
    rate, the mean loss of the first and last steps, and the command. InputError for anything that does not fit, and for training that diverged.
    """
    if not 1 <= samples <= batch:
        raise InputError(f"samples must be between 1 and the batch of {batch}, got {samples}")
    run = start_training(network, rule, data_dir, batch, learning_rate, seed, optimizer_name)
    run.run(steps, progress)
    masks = capture_masks(run.model, run.gradients(), samples)
    run.refuse_divergence()
    start, end = run.mean_losses
    extra: dict[str, object] = {
        "samples": samples,
        "batch": batch,
        "optimizer": optimizer_name,
        "learning_rate": learning_rate,
        "loss_start": round(start, 6),
        "loss_end": round(end, 6),
        "command": command,
    }
    return Trace.from_masks(network.name, rule.text, run.dataset.name, steps, seed, masks, **extra), run.losses
