"""One run of the study, from its job to its result document."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.rules.registry import parse_rule
from accelsim.studies.accuracy.plan import HEAD_SUFFIX, Job, cells
from accelsim.studies.accuracy.transformer.excerpt import Excerpt
from accelsim.training import checkpoint
from accelsim.training.data.datasets import Dataset, load_dataset
from accelsim.training.data.text_files import TextDataset
from accelsim.training.run import RunSpec, TrainingRun
from accelsim.training.tasks import Batch, Task, make_task
from accelsim.workload.loading import load_network
from accelsim.workload.network import INPUT, Layer, Network
from accelsim.workload.resize import resized

if TYPE_CHECKING:
    from accelsim.studies.accuracy.execute import Places


def make_run(places: Places, job: Job) -> dict[str, Any]:
    """Result document: the run's inputs, its scores per epoch, and the angles at its end.

    A run that diverges has ``diverged`` instead of its last scores. In tuning, that is a valid
    result.
    """
    run = (
        _head_run(places, job)
        if job.cell.setting.network.endswith(HEAD_SUFFIX)
        else _run(places, job)
    )
    path = places.checkpoint(job)
    if path.exists():
        run.resume(path)
    document: dict[str, Any] = {}
    try:
        while not run.done:
            run.epoch()
            run.save(path)
    except InputError as error:
        if "diverged" not in str(error):
            raise
        document["diverged"] = str(error)
    document |= run.record.to_json()
    last = max((row["epoch"] for row in document["angles"]), default=0)
    document["angles"] = [row for row in document["angles"] if row["epoch"] == last]
    if job.cell.setting.keep_filters:
        first = run.trainer.network.weighted[0]
        document["filters"] = _rounded(run.trainer.model.layers[first.name].parameters["weight"])
    else:
        path.unlink(missing_ok=True)
    finite: dict[str, Any] = _finite(document)
    return finite


def _spec(job: Job, angles: bool = True) -> RunSpec:
    setting = job.cell.setting
    return RunSpec(
        job.recipe,
        setting.batch,
        setting.augmented,
        job.held_out,
        score_every=setting.score_every,
        angles=angles,
    )


def _run(places: Places, job: Job) -> TrainingRun:
    setting = job.cell.setting
    network = resized(load_network(setting.network), setting.width, setting.vocabulary)
    dataset = _dataset(places.folder(setting.data), network, job.held_out)
    task = make_task(dataset, network, setting.batch, setting.augmented)
    if setting.steps:
        task = Excerpt(task, setting.steps)
    return TrainingRun(network, parse_rule(job.rule), _spec(job), task)


@lru_cache(maxsize=4)
def _dataset(folder: Path | None, network: Network, held_out: float) -> Dataset | TextDataset:
    return load_dataset(folder, network, held_out)


def _rounded(values: NDArray[Any]) -> Any:
    return np.round(values.astype(np.float64), 4).tolist()


def _finite(document: Any) -> Any:
    """The document with null for numbers that are not finite, because JSON has none."""
    if isinstance(document, dict):
        return {key: _finite(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


_SHUFFLE_STREAM = 0xF0


# Transfer: a head of fully connected layers is trained on frozen features of convolutions that
# backpropagation trained.


class FeatureTask(Task):
    """Classify feature vectors that were computed beforehand."""

    def __init__(
        self, name: str, parts: dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]], batch: int
    ) -> None:
        self.name = name
        self.parts = parts
        self.batch = batch
        self.steps_per_epoch = len(parts["training"][0]) // batch

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        features, labels = self.parts["training"]
        order = np.random.default_rng([_SHUFFLE_STREAM, seed, epoch]).permutation(len(features))
        for first in range(0, len(order) - self.batch + 1, self.batch):
            chosen = order[first : first + self.batch]
            yield features[chosen], labels[chosen]

    def batches(self, part: str) -> Iterator[Batch]:
        features, labels = self.parts[part]
        for first in range(0, len(features), 500):
            yield features[first : first + 500], labels[first : first + 500]


def _head_run(places: Places, job: Job) -> TrainingRun:
    from accelsim.studies.accuracy.execute import body_job

    trained = body_job(places, job.cell, cells())
    assert trained is not None
    body = _run(places, trained)
    checkpoint_path = places.checkpoint(trained)
    if not checkpoint_path.exists():
        while (
            not body.done
        ):  # its result is kept, but the working folder with its weights may have been deleted
            body.epoch()
        body.save(checkpoint_path)
    checkpoint.restore(checkpoint_path, body.trainer, body.record.cause)
    network = head_of(body.trainer.network)
    dataset = _dataset(places.folder(job.cell.setting.data), body.trainer.network, job.held_out)
    assert isinstance(dataset, Dataset)
    parts = _features(body.trainer.model, network, dataset, bool(job.held_out))
    task = FeatureTask(f"features of {dataset.name}", parts, job.cell.setting.batch)
    return TrainingRun(network, parse_rule(job.rule), _spec(job), task)


def head_of(network: Network) -> Network:
    """Network of the fully connected layers at the end of ``network`` and the layers between them.
    It reads the last feature map.
    """
    first = next(index for index, layer in enumerate(network.layers) if layer.kind == "fc")
    feature_map = network.layers[first].inputs[0]
    layers = tuple(_reading_input(layer, feature_map) for layer in network.layers[first:])
    return Network(f"{network.name}{HEAD_SUFFIX}", network.layers[first].in_shape, layers)


def _reading_input(layer: Layer, feature_map: str) -> Layer:
    return replace(
        layer, inputs=tuple(INPUT if name == feature_map else name for name in layer.inputs)
    )


def _features(
    model: Model, head: Network, dataset: Dataset, held_out: bool
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """The body's last map for every image, standardized by the mean and deviation over the training
    images.
    """
    parts = {
        "training": (dataset.images, dataset.labels),
        "test": (dataset.test_images, dataset.test_labels),
    }
    if held_out:
        parts["held_out"] = (dataset.held_out_images, dataset.held_out_labels)
    name = model.network.layers[len(model.network.layers) - len(head.layers)].inputs[0]
    made = {}
    with threadpool_limits(1, "blas"):
        for part, (images, labels) in parts.items():
            maps = []
            for first in range(0, len(images), 500):
                model.forward(
                    dataset.inputs(images[first : first + 500], model.network.input_shape),
                    training=False,
                )
                maps.append(model.maps[name].copy())
            made[part] = (np.concatenate(maps), labels)
    mean, deviation = made["training"][0].mean(), made["training"][0].std()
    return {
        part: (((maps - mean) / deviation).astype(np.float32), labels)
        for part, (maps, labels) in made.items()
    }
