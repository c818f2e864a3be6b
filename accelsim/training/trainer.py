"""Training with any learning rule that has numbers, step by step and epoch by epoch."""

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
"""Steps at either end of a run whose mean loss a trace states."""

DIVERGED, EXPLODED = 1.25, 10.0
"""Mean loss of the last steps, and of any one step, by the first step's, above which training
diverged. A rule that has not begun to learn wanders about its first loss by a few percent.
"""


@dataclass(frozen=True)
class Recipe:
    """How to train. ``schedule``: the learning rate stays, or falls as half a cosine over
    ``epochs`` (Loshchilov & Hutter 2017, no restarts).
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
"""(steps done, steps of the epoch, mean loss and accuracy so far): called after every training
step.
"""


@dataclass(frozen=True)
class EpochScores:
    """Mean loss and accuracy over the training steps of an epoch, each as it was before its
    update.
    """

    loss: float
    accuracy: float
    steps: int


class Trainer:
    """One training run: a model, its rule and optimizer, and a task. ``losses`` has the loss of
    every step made.
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
        """Fraction of the last step's answers that were right."""

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step."""
        total = self.recipe.epochs * self.task.steps_per_epoch
        if self.recipe.schedule == RateSchedule.CONSTANT or not total:
            return self.recipe.learning_rate
        return self.recipe.learning_rate * 0.5 * (1 + cos(pi * min(step, total) / total))

    def gradients(self, batch: Batch) -> dict[str, Array]:
        """Forward and backward of a batch: gradients in the model, its loss recorded; the weighted
        layers' errors.
        """
        inputs, labels = batch
        with (
            np.errstate(over="ignore", invalid="ignore"),
            threadpool_limits(1, "blas"),
        ):  # numbers that are not finite end in a loss that is refused
            logits = self.model.forward(inputs)
            self.task.keep(self.model)
            loss, error = softmax_loss(logits, labels)
            self.losses.append(loss)
            self.accuracy = float((logits.argmax(axis=1) == labels).mean())
            if not np.isfinite(loss):
                raise self._diverged(loss)
            return self.numerics.propagate(error, labels)

    def step(self, batch: Batch) -> bool:
        """One training step; False when the rule leaves it out."""
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
        """One epoch. InputError when the loss stops being finite."""
        self.task.start(self.model)
        first, right = len(self.losses), 0.0
        for index, batch in enumerate(self.task.epoch(self.recipe.seed, self.epochs_done)):
            if self.step(batch):
                right += self.accuracy
            if progress:
                made = len(self.losses) - first
                progress(
                    index + 1,
                    self.task.steps_per_epoch,
                    float(np.mean(self.losses[first:] or [0.0])),
                    right / max(1, made),
                )
        self.task.start(self.model)
        self.epochs_done += 1
        made = len(self.losses) - first
        return EpochScores(
            float(np.mean(self.losses[first:])) if made else float("nan"),
            right / max(1, made),
            made,
        )

    def endless_batches(self) -> Iterator[Batch]:
        """The batches of one epoch after the other."""
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
        """InputError when the loss has grown: the zeros of such a network are not those of
        training.
        """
        end, worst = self.mean_losses[1], max(self.losses)
        if (
            worst > EXPLODED * self.losses[0]
        ):  # whatever became of it: units that died bring the loss back to that of guessing
            raise self._diverged(worst)
        if end > DIVERGED * self.losses[0]:
            raise self._diverged(end)

    def _diverged(self, loss: float) -> InputError:
        change = f"loss {self.losses[0]:.4g} -> {loss:.4g}"
        return InputError(
            f"training diverged: {change}; lower --learning-rate ({self.recipe.learning_rate:g})"
        )
