"""Traces of real training: train for a number of steps, then record the masks of the next step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.rules.spelling import AnyRule
from accelsim.rules.walk.numbers import LEFT_OUT
from accelsim.training.capture import capture_masks
from accelsim.training.data.datasets import load_dataset
from accelsim.training.tasks import make_task
from accelsim.training.trainer import Recipe, Trainer
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace

Progress = Callable[[int, int, float], None]
"""Called after every training step with (steps done, steps of the run, loss of the last step)."""


@dataclass(frozen=True)
class TracedTraining:
    """A training run that ends in a trace: ``steps`` steps before the traced one, with ``batch``
    samples each. The trace keeps the first ``samples`` samples.

    Raises InputError if ``samples`` is not between 1 and the batch, or ``steps`` is negative.
    """

    steps: int
    batch: int
    samples: int
    learning_rate: float
    optimizer: str = "momentum"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= self.batch:
            raise InputError(
                f"samples must be between 1 and the batch of {self.batch}, got {self.samples}"
            )
        if self.steps < 0:
            raise InputError(f"steps must be >= 0, got {self.steps}")

    @property
    def recipe(self) -> Recipe:
        return Recipe(1, self.learning_rate, "constant", self.optimizer, 0.0, self.seed)


def train_and_trace(
    network: Network,
    rule: AnyRule,
    data_dir: Path | None,
    training: TracedTraining,
    command: str = "",
    progress: Progress | None = None,
) -> tuple[Trace, list[float]]:
    """Train, then record the masks of the next step.

    Returns the trace and the loss of every step, the traced step last. The trace's meta also holds
    batch, optimizer, learning rate, the mean loss of the first and last steps, and the command.
    Raises InputError for unsuitable inputs, and if training diverged.
    """
    task = make_task(load_dataset(data_dir, network), network, training.batch, augmented=False)
    run = Trainer(network, rule, task, training.recipe)
    batches = run.endless_batches()
    for done, chosen in enumerate(islice(batches, training.steps)):
        run.step(chosen)
        if progress:
            progress(done + 1, training.steps, run.losses[-1] if run.losses else float("nan"))
    while run.numerics.begin(run.steps_done) == LEFT_OUT:
        run.steps_done += 1
    masks = capture_masks(run.model, run.gradients(next(batches)), training.samples)
    run.refuse_divergence()
    return trace_of(run, masks, training.samples, command), run.losses


def trace_of(
    run: Trainer, masks: Mapping[str, NDArray[np.bool_]], samples: int, command: str
) -> Trace:
    """A trace of the masks of the last step, with its provenance."""
    start, end = run.mean_losses
    extra: dict[str, object] = {
        "samples": samples,
        "batch": run.task.batch,
        "optimizer": run.recipe.optimizer,
        "learning_rate": run.recipe.learning_rate,
        "loss_start": round(start, 6),
        "loss_end": round(end, 6),
        "command": command,
    }
    if run.rule.plugin:  # a reader without the plug-in's file cannot look up the family
        extra["family"] = run.rule.rule.family
    return Trace.from_masks(
        run.network.name,
        run.rule.text,
        run.task.name,
        run.steps_done,
        run.recipe.seed,
        masks,
        **extra,
    )
