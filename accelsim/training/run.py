"""A whole training run, from its inputs to its record, epoch by epoch, with a checkpoint after each
epoch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from accelsim.errors import Fault, InputError
from accelsim.numerics.formats import StorageFormats
from accelsim.rules.spelling import AnyRule
from accelsim.rules.walk.numbers import LEFT_OUT
from accelsim.training import checkpoint
from accelsim.training.angles import feedback_angles, update_angles
from accelsim.training.capture import capture_masks
from accelsim.training.data.datasets import load_dataset
from accelsim.training.tasks import Batch, Task, make_task
from accelsim.training.tracing import trace_of
from accelsim.training.trainer import EpochScores, Progress, Recipe, Trainer
from accelsim.version import __version__
from accelsim.workload.network import Layer, Network
from accelsim.workload.plugins import network_plugins
from accelsim.zeros.trace import Trace

SCHEMA = "accelsim.training/1"


@dataclass(frozen=True)
class RunSpec:
    """Inputs of a run, besides network, rule and data.

    ``held_out``: fraction of the training set that is excluded from training and scored like the
    test set, for choosing options. ``augmented``: random crops and flips. ``score_every``: epochs
    between scores on the held-out and test parts; the last epoch is always scored. ``angles``:
    measure angles with the scores. ``trace_every``: epochs between traces of ``samples`` samples, 0
    for none.
    """

    recipe: Recipe = field(default_factory=Recipe)
    batch: int = 32
    augmented: bool = False
    held_out: float = 0.0
    formats: StorageFormats = field(default_factory=StorageFormats)
    score_every: int = 1
    angles: bool = True
    trace_every: int = 0
    samples: int = 4


@dataclass
class RunRecord:
    """Results of a run so far: one row per epoch, or per layer and epoch. Equal causes give equal
    bytes.
    """

    cause: dict[str, Any]
    epochs: list[dict[str, Any]] = field(default_factory=list)
    angles: list[dict[str, Any]] = field(default_factory=list)
    densities: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The training document as JSON data."""
        return {"schema": SCHEMA, "version": __version__, **asdict(self)}


OnTrace = Callable[[Trace, int], None]
"""Called with each trace and the number of the epoch it follows."""


class TrainingRun:
    """A run that can stop after any epoch and resume from its checkpoint, with an identical result.

    Raises InputError if the rule or its options do not suit the network, and if a part of the data
    is too small to score.
    """

    def __init__(
        self, network: Network, rule: AnyRule, spec: RunSpec, task: Task, command: str = ""
    ) -> None:
        self.spec = spec
        self.command = command
        self.trainer = Trainer(network, rule, task, spec.recipe, spec.formats)
        for part in self._scored_parts:
            if next(iter(self.trainer.task.batches(part)), None) is None:
                raise InputError(
                    f"the {part.replace('_', '-')} part of {task.name} must be large enough to "
                    f"score"
                )
        used = dict.fromkeys((*rule.plugins, *network_plugins(network)))
        plugins = [each.fields() for each in used]
        self.record = RunRecord(
            {
                "workload": network.name,
                "network_hash": network_hash(network),
                "rule": rule.text,
                "data": task.name,
                **asdict(spec.recipe),
                "batch": spec.batch,
                "augmented": spec.augmented,
                "steps_per_epoch": self.trainer.task.steps_per_epoch,
                "held_out": spec.held_out,
                "formats": spec.formats.text,
                "score_every": spec.score_every,
                "trace_every": spec.trace_every,
                "samples": spec.samples if spec.trace_every else 0,
                **({"plugins": plugins} if plugins else {}),
            }
        )

    @property
    def _scored_parts(self) -> tuple[str, ...]:
        return ("held_out", "test") if self.spec.held_out else ("test",)

    @property
    def done(self) -> bool:
        """True if all epochs are done."""
        return self.trainer.epochs_done >= self.spec.recipe.epochs

    def resume(self, path: Path) -> None:
        """Continue from the checkpoint. Raises InputError if it is missing, broken, or of another
        run.
        """
        if not path.exists():
            raise InputError(Fault(str(path), 0, 0, "checkpoint does not exist: nothing to resume"))
        saved = checkpoint.restore(path, self.trainer, self.record.cause)
        self.record.epochs, self.record.angles, self.record.densities = (
            saved["epochs"],
            saved["angles"],
            saved["densities"],
        )

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        rows = {
            "epochs": self.record.epochs,
            "angles": self.record.angles,
            "densities": self.record.densities,
        }
        checkpoint.save(path, self.trainer, self.record.cause, rows)

    def epoch(self, progress: Progress | None = None, on_trace: OnTrace | None = None) -> None:
        """Run one epoch and record its measurements. Numbers that are missing or not finite are
        None.
        """
        training = self.trainer.epoch(progress)
        number = self.trainer.epochs_done
        scored = self.done or number % self.spec.score_every == 0
        with (
            np.errstate(over="ignore", invalid="ignore"),
            threadpool_limits(1, "blas"),
        ):  # one thread, so that the order of sums is the same on every machine
            self.record.epochs.append(_finite({"epoch": number, **self._scores(training, scored)}))
            if self.spec.angles and scored:
                self._measure_angles(number)
            if self.spec.trace_every and number % self.spec.trace_every == 0:
                self._trace(number, on_trace)

    def _scores(self, training: EpochScores, scored: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "steps": training.steps,
            "training_loss": training.loss,
            "training_accuracy": training.accuracy if training.steps else None,
        }
        if not scored:
            return row
        for part in self._scored_parts:
            for mark, scores in self.trainer.task.score(self.trainer.model, part).items():
                row |= {
                    f"{part}_{mark}loss": scores.loss,
                    f"{part}_{mark}accuracy": scores.accuracy,
                }
                if self.trainer.network.vocabulary:
                    row[f"{part}_{mark}perplexity"] = scores.perplexity
        return row

    def _first_batch(self) -> Batch:
        return next(iter(self.trainer.task.epoch(self.spec.recipe.seed, 0)))

    def _measure_angles(self, number: int) -> None:
        for kind, angles in (
            ("update", update_angles(self.trainer, self._first_batch())),
            ("feedback", feedback_angles(self.trainer)),
        ):
            rows = [
                {"epoch": number, "kind": kind, "layer": layer, "degrees": degrees}
                for layer, degrees in angles.items()
            ]
            self.record.angles += [_finite(row) for row in rows]

    def _trace(self, number: int, on_trace: OnTrace | None) -> None:
        trainer, losses = self.trainer, list(self.trainer.losses)
        moments = {key: array.copy() for key, array in trainer.model.running_moments().items()}
        step = trainer.steps_done
        while trainer.numerics.begin(step) == LEFT_OUT:
            step += 1
        trainer.task.start(trainer.model)
        masks = capture_masks(
            trainer.model, trainer.gradients(self._first_batch()), self.spec.samples
        )
        trainer.task.start(trainer.model)
        for key, array in trainer.model.running_moments().items():
            array[...] = moments[key]  # a measurement must not change the run
        trace = trace_of(trainer, masks, self.spec.samples, self.command)
        trainer.losses = losses
        for name, tensor in trace.tensors.items():
            layer, _, role = name.rpartition(".")
            self.record.densities.append(
                {"epoch": number, "layer": layer, "role": role, "density": tensor.density}
            )
        if on_trace:
            on_trace(trace, number)


def published_task(network: Network, spec: RunSpec, data: Path | None) -> Task:
    """The task that a folder of published files gives the network; without a folder, the digits.

    Raises InputError if the data are missing, broken or unsuitable.
    """
    return make_task(
        load_dataset(data, network, spec.held_out), network, spec.batch, spec.augmented
    )


_OPTIONAL: dict[str, object] = {
    "kernel": (1, 1),
    "stride": (1, 1),
    "padding": (0, 0, 0, 0),
    "dilation": (1, 1),
    "groups": 1,
    "vocabulary": 0,
}
"""Fields that the hashed text has for every layer, with the value used for kinds that lack them."""


def network_hash(network: Network) -> str:
    """Hash of everything that determines a network's numbers, 16 hexadecimal digits. It
    distinguishes networks with the same name.

    The hashed text is built explicitly here, so that a change to the layer classes does not change
    the hashes in existing records and checkpoints.
    """
    layers = [_layer_text(layer) for layer in network.layers]
    parts = (
        repr(network.input_shape),
        f"({layers[0]},)" if len(layers) == 1 else f"({', '.join(layers)})",
        repr(network.time_steps),
        repr(network.vocabulary),
        repr(network.modules),
    )
    return hashlib.sha256(f"({', '.join(parts)})".encode()).hexdigest()[:16]


def _layer_text(layer: Layer) -> str:
    """A layer as part of the hashed text."""
    common = {name: getattr(layer, name) for name in ("name", "kind", "inputs")}
    shapes = {"in_shape": layer.in_shape, "out_shape": layer.out_shape}
    shared = {each.name for each in fields(Layer)}
    every = {each.name: getattr(layer, each.name) for each in fields(layer)}
    values = {**common, **shapes, **_OPTIONAL}
    values |= {name: value for name, value in every.items() if name not in shared}
    return f"Layer({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """The row, with None for numbers that are not finite."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
