"""Training with any learning rule that has numbers, by steps and epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi

import numpy as np
from threadpoolctl import threadpool_limits

from accelsim.config.names import RateSchedule
from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.numerics.arrays import Array
from accelsim.numerics.formats import EXACT, StorageFormats
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.registry import rule_numerics
from accelsim.rules.spelling import AnyRule
from accelsim.rules.walk.numbers import LEFT_OUT
from accelsim.training.optimizers import optimizer
from accelsim.training.tasks import Batch, Task
from accelsim.workload.network import Network

MEAN_OVER = 10
"""Number of steps at each end of a run whose mean loss a trace records."""

DIVERGED, EXPLODED = 1.25, 10.0
"""Divergence thresholds, relative to the first loss: mean of the last steps, any single step.

The loss of a rule that has not begun to learn varies by a few percent.
"""


@dataclass(frozen=True)
class Recipe:
    """How to train. ``schedule``: a constant learning rate, or half a cosine over ``epochs``
    (Loshchilov & Hutter 2017, without restarts).

    Raises InputError for a negative number of epochs or an unknown schedule.
    """

    epochs: int = 1
    learning_rate: float = 0.003
    schedule: str = "constant"
    optimizer: str = "momentum"
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        faults = []
        if self.epochs < 0:
            faults.append(f"epochs must be >= 0, got {self.epochs}")
        if self.schedule not in tuple(RateSchedule):
            faults.append(f"schedule must be one of {', '.join(RateSchedule)}, got {self.schedule}")
        if faults:
            raise InputError(*faults)


Progress = Callable[[int, int, float, float], None]
"""Called after every training step with (steps done, steps of the epoch, mean loss, mean accuracy
so far).
"""


@dataclass(frozen=True)
class EpochScores:
    """Mean loss and accuracy over the training steps of an epoch, each measured before the step's
    update.
    """

    loss: float
    accuracy: float
    steps: int


class Trainer:
    """One training run: a model, its rule and optimizer, and a task. ``losses`` holds the loss of
    every step taken.
    """

    def __init__(
        self,
        network: Network,
        rule: AnyRule,
        task: Task,
        recipe: Recipe,
        formats: StorageFormats = EXACT,
    ) -> None:
        self.network = network
        self.rule = rule
        self.task = task
        self.recipe = recipe
        self.model = Model(network, recipe.seed, formats=formats)
        self.numerics = rule_numerics(rule, self.model, recipe.seed)
        self.optimizer = optimizer(
            recipe.optimizer,
            recipe.learning_rate,
            recipe.weight_decay,
            self.numerics.momentum_mix,
        )
        self.epochs_done = 0
        self.steps_done = 0
        self.losses: list[float] = []
        self.accuracy = 0.0
        """Fraction of correct answers in the last step."""

    def learning_rate(self, step: int) -> float:
        """Learning rate of step ``step``."""
        total = self.recipe.epochs * self.task.steps_per_epoch
        if self.recipe.schedule == RateSchedule.CONSTANT or not total:
            return self.recipe.learning_rate
        return self.recipe.learning_rate * 0.5 * (1 + cos(pi * min(step, total) / total))

    def gradients(self, batch: Batch) -> dict[str, Array]:
        """Forward and backward pass of a batch: sets the model's gradients and records the loss.
        Returns the errors at the weighted layers' outputs, by layer.

        Raises InputError if the loss is not finite.
        """
        inputs, labels = batch
        with (
            np.errstate(over="ignore", invalid="ignore"),
            threadpool_limits(1, "blas"),
        ):  # overflow leads to a loss that is not finite, which is refused below
            logits = self.model.forward(inputs)
            self.task.keep(self.model)
            loss, error = softmax_loss(logits, labels)
            self.losses.append(loss)
            self.accuracy = float((logits.argmax(axis=1) == labels).mean())
            if not np.isfinite(loss):
                raise self._diverged(loss)
            return self.numerics.propagate(error, labels)

    def step(self, batch: Batch) -> bool:
        """One training step. False if the rule skips it."""
        kind = self.numerics.begin(self.steps_done)
        self.steps_done += 1
        if kind == LEFT_OUT:
            return False
        self.gradients(batch)
        self.optimizer.learning_rate = self.learning_rate(self.steps_done - 1)
        with np.errstate(over="ignore", invalid="ignore"):  # as in `gradients`
            self.optimizer.step(self.model.parameters(), self.model.gradients(), kind)
        return True

    def epoch(self, progress: Progress | None = None) -> EpochScores:
        """One epoch. Raises InputError if the loss stops being finite."""
        self.task.start(self.model)
        first, right = len(self.losses), 0.0
        for index, batch in enumerate(self.task.epoch(self.recipe.seed, self.epochs_done)):
            if self.step(batch):
                right += self.accuracy
            if progress:
                taken = len(self.losses) - first
                progress(
                    index + 1,
                    self.task.steps_per_epoch,
                    float(np.mean(self.losses[first:] or [0.0])),
                    right / max(1, taken),
                )
        self.task.start(self.model)
        self.epochs_done += 1
        taken = len(self.losses) - first
        return EpochScores(
            float(np.mean(self.losses[first:])) if taken else float("nan"),
            right / max(1, taken),
            taken,
        )

    def endless_batches(self) -> Iterator[Batch]:
        """Batches of epoch after epoch, without end."""
        epoch = 0
        while True:
            self.task.start(self.model)
            yield from self.task.epoch(self.recipe.seed, epoch)
            epoch += 1

    @property
    def mean_losses(self) -> tuple[float, float]:
        """Mean loss of the first and of the last `MEAN_OVER` steps so far."""
        return float(np.mean(self.losses[:MEAN_OVER])), float(np.mean(self.losses[-MEAN_OVER:]))

    def refuse_divergence(self) -> None:
        """Raise InputError if the loss has grown, because the zeros of a diverged network are not
        representative.
        """
        end, worst = self.mean_losses[1], max(self.losses)
        if (
            worst > EXPLODED * self.losses[0]
        ):  # even if the loss fell again: with dead units it returns to that of guessing
            raise self._diverged(worst)
        if end > DIVERGED * self.losses[0]:
            raise self._diverged(end)

    def refuse_explosion(self) -> None:
        """Raise InputError if the loss ended many times above the first: finite, but diverged."""
        if self.losses and self.mean_losses[1] > EXPLODED * self.losses[0]:
            raise self._diverged(self.mean_losses[1])

    def _diverged(self, loss: float) -> InputError:
        """The error to raise, with the loss that shows the divergence."""
        change = f"loss {self.losses[0]:.4g} -> {loss:.4g}"
        return InputError(
            f"training diverged: {change}; lower --learning-rate ({self.recipe.learning_rate:g})"
        )
