"""Angles in degrees between a rule's feedback or updates and those of backpropagation."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.numerics.arrays import Array
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.walk.numbers import RuleNumerics
from accelsim.training.tasks import Batch
from accelsim.training.trainer import Trainer
from accelsim.workload.network import Layer


def angle(left: Array, right: Array) -> float:
    """Angle between two arrays as vectors, 0 to 180 degrees (Crafton et al. 2019, eq. 14). nan if
    one of them is all zeros.
    """
    a, b = left.astype(np.float64).reshape(-1), right.astype(np.float64).reshape(-1)
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(a @ b / length, -1, 1)))) if length else float("nan")


def feedback_angles(run: Trainer) -> dict[str, float]:
    """By layer: the angle between its direct feedback B and the transposed forward weights W from
    its input map to the output.

    Only the fully connected layers at the end of the network are included; W is the product of
    their weights. For the output layer this is the angle of eq. 14. {} for rules without direct
    feedback.
    """
    numerics = run.numerics.feedback_numerics
    angles: dict[str, float] = {}
    product: Array | None = None
    for layer in _head(run):
        weight = run.model.layers[layer.name].parameters["weight"].astype(np.float64)
        product = weight if product is None else product @ weight
        feedback = numerics.feedback_from_output(layer.name)
        if feedback is not None:
            angles[layer.name] = angle(feedback, product.T)
    return angles


def _head(run: Trainer) -> list[Layer]:
    """Fully connected layers at the end of the network, from the output backwards."""
    head: list[Layer] = []
    for layer in reversed(run.network.weighted):
        if not layer.flattens or (head and prod(layer.out_shape) != prod(head[-1].in_shape)):
            break
        head.append(layer)
    return head


def update_angles(run: Trainer, batch: Batch) -> dict[str, float]:
    """By weighted layer: the angle between the rule's weight gradient and backpropagation's
    gradient for one batch. The key ``all`` is the angle between the concatenated gradients.

    Afterwards the model holds the maps and gradients of this batch. No parameter is updated, and
    running moments are restored.
    """
    inputs, labels = batch
    moments = {key: array.copy() for key, array in run.model.running_moments().items()}
    run.task.start(run.model)
    _, error = softmax_loss(run.model.forward(inputs), labels)
    run.task.start(run.model)
    for key, array in run.model.running_moments().items():
        array[...] = moments[key]  # a measurement must not change the run
    by_rule = _weight_gradients(run.numerics.feedback_numerics, error, labels)
    by_backprop = _weight_gradients(Backprop(run.model), error, labels)
    shared = [name for name in by_backprop if name in by_rule]
    angles = {name: angle(by_rule[name], by_backprop[name]) for name in shared}
    whole = [
        np.concatenate([part[name].reshape(-1) for name in shared])
        for part in (by_rule, by_backprop)
    ]
    return {**angles, "all": angle(*whole)}


def _weight_gradients(
    numerics: RuleNumerics, error: Array, labels: NDArray[np.integer[Any]]
) -> dict[str, Array]:
    """Copies of the weight gradients that ``numerics`` computes, by layer."""
    numerics.propagate(error, labels)
    return {
        layer: array.copy()
        for (layer, name), array in numerics.model.gradients().items()
        if name == "weight"
    }
