"""Direct feedback alignment (Noekland 2016) and its sparse and low-rank forms (Crafton et al. 2019).

The output error reaches every weighted layer's input map through that layer's own fixed random matrix; what lies
between that map and the weighted layers producing it (pooling, f', batch norm, residual sums) acts locally.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from accelsim.feedback import Feedback, dense_feedback, feedback_random, sparse_feedback
from accelsim.network import INPUT, Layer
from accelsim.reference import products
from accelsim.reference.model import Model
from accelsim.reference.numerics import Array
from accelsim.reference.rule import RuleNumerics, walk_back


class DirectFeedback(RuleNumerics):
    """``feedback``: by weighted layer, the matrix that carries the output error to that layer's input map.

    Layers that read the network's input have none. Several layers that read the same map add their feedback there.
    """

    def __init__(self, model: Model, feedback: dict[str, Feedback]) -> None:
        self.model = model
        self.feedback = feedback
        self.targets = {name: model.network.layer(name).inputs[0] for name in feedback}
        self.matrices = {name: np.ascontiguousarray(b.values.T, model.dtype) for name, b in feedback.items()}
        """By layer the transposed values, (k, neurons)."""

    def propagate(self, error: Array) -> dict[str, Array]:
        output = self.model.network.output
        errors = {output.name: error.reshape(len(error), *output.out_shape)}
        for name, target in self.targets.items():
            landed = self.project(name, error).reshape(len(error), *self.model.network.layer(name).in_shape)
            errors[target] = errors[target] + landed if target in errors else landed
        return walk_back(self.model, errors, through_weights=False, stops=frozenset(self.targets.values()))

    def project(self, name: str, error: Array) -> Array:
        """B e of one layer, (N, neurons), from e (N, classes)."""
        values, read = self.matrices[name], self.feedback[name].classes_read
        return products.product(error, values) if read is None else products.gathered_product(error, read, values)


def feedback_layers(model: Model) -> list[Layer]:
    """Weighted layers whose input map gets feedback: all but those that read the network's input."""
    return [layer for layer in model.network.weighted if layer.inputs[0] != INPUT]


def _direct(model: Model, seed: int, draw: Callable[[Layer, int, np.random.Generator], Feedback]) -> DirectFeedback:
    classes = prod(model.network.output.out_shape)
    return DirectFeedback(model, {layer.name: draw(layer, classes, feedback_random(seed, layer.name)) for layer in feedback_layers(model)})


def dense_direct_feedback(model: Model, seed: int) -> DirectFeedback:
    """dfa: a dense B a layer."""

    def draw(layer: Layer, classes: int, random: np.random.Generator) -> Feedback:
        return dense_feedback(prod(layer.in_shape), classes, layer.in_shape[0] * layer.in_shape[1], random)

    return _direct(model, seed, draw)


def sparse_direct_feedback(model: Model, seed: int, k: int = 1, rank: int = 0) -> DirectFeedback:
    """sdfa: k non-zeros a neuron, optionally of low rank; ssdfa is k = 1."""

    def draw(layer: Layer, classes: int, random: np.random.Generator) -> Feedback:
        return sparse_feedback(prod(layer.in_shape), classes, k, rank, random)

    return _direct(model, seed, draw)
