"""Numbers of direct feedback alignment (Noekland 2016) and its sparse and low-rank forms (Crafton
et al. 2019).

The output error reaches the input map of every weighted layer through that layer's own fixed random
matrix B. From that map back to the weighted layers that produced it, errors pass through pooling,
f', batch norm and residual sums as in backpropagation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.options import DirectOptions, SparseOptions
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics
from accelsim.workload.network import INPUT, Layer
from accelsim.zeros.feedback import Feedback, dense_feedback, feedback_random
from accelsim.zeros.patterns import SparseDraw

Draw = Callable[[Layer, int, int], Iterator[Feedback]]
"""(layer, classes, seed) -> matrix B into the layer's input map, per time step, as an endless
iterator.
"""


class DirectFeedback(RuleNumerics):
    """Direct feedback. ``feedback`` holds, by weighted layer, the matrices that carry the output
    error to that layer's input map: one matrix, or one per time step.

    Layers that read the network's input have none. If two or more layers read the same map, their
    feedback is added there.
    """

    direct = True

    def __init__(self, model: Model, feedback: Mapping[str, tuple[Feedback, ...]]) -> None:
        super().__init__(model)
        self.feedback = feedback
        self.carriers = {
            name: [_carrier(b, model.dtype) for b in steps] for name, steps in feedback.items()
        }
        """Functions (N, classes) -> (N, neurons) by layer: one for all time steps, or
        one per step.
        """

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        numerics.learn(error)
        return (self.project(layer, walk.errors[self.model.network.output.name]),) if wanted else ()

    def project(self, layer: Layer, error: Array) -> Array:
        """B e at the input map of a layer, from the output error (N, ..., classes). Rows are
        time-major if there are time steps.
        """
        carriers = self.carriers[layer.name]
        rows = error.reshape(len(carriers), -1, error.shape[-1])
        parts = [carry(part) for carry, part in zip(carriers, rows, strict=True)]
        return np.concatenate(parts).reshape(len(error), *layer.in_shape)

    def feedback_from_output(self, layer: str) -> Array | None:
        steps = self.feedback.get(layer, ())
        return steps[0].dense() if len(steps) == 1 else None

    def feedback_weights(self) -> dict[str, Array]:
        return {name: np.stack([b.values for b in steps]) for name, steps in self.feedback.items()}


def _carrier(b: Feedback, dtype: np.dtype[Any]) -> Callable[[Array], Array]:
    """Function that multiplies errors (N, classes) by B, in the type ``dtype``."""
    if b.classes_read is None:
        transposed = np.ascontiguousarray(b.values.T, dtype)
        return lambda error: products.product(error, transposed)
    from scipy.sparse import csr_array

    starts = np.arange(0, b.values.size + 1, b.nonzeros)
    entries = (b.values.astype(dtype).reshape(-1), b.classes_read.reshape(-1), starts)
    matrix = csr_array(entries, shape=(b.neurons, b.classes))
    return lambda error: products.sparse_product(error, matrix)


def feedback_layers(model: Model) -> list[Layer]:
    """Weighted layers whose input map receives feedback: all except those that read the network's
    input.
    """
    return [layer for layer in model.network.weighted if layer.inputs[0] != INPUT]


def direct_feedback(model: Model, seed: int, draw: Draw, per_step: bool = False) -> DirectFeedback:
    """Direct feedback with matrices from ``draw``. If ``per_step``, a sequence network has one
    matrix per time step.
    """
    classes = prod(model.network.output.out_shape)
    steps = model.network.time_steps if per_step else 1
    feedback = {
        layer.name: tuple(islice(draw(layer, classes, seed), steps))
        for layer in feedback_layers(model)
    }
    return DirectFeedback(model, feedback)


def dense_draw(scale: float, binary: bool) -> Draw:
    """Draw of dfa and bdfa: a dense B per layer, with entries of two values if ``binary``."""

    def draw(layer: Layer, classes: int, seed: int) -> Iterator[Feedback]:
        random, (h, w, channels) = feedback_random(seed, layer.name), layer.in_shape
        while True:
            feedback = dense_feedback(h * w * channels, classes, h * w, random, binary)
            yield scaled(feedback, scale)

    return draw


def sparse_draw(scale: float, k: int, rank: int) -> Draw:
    """Draw of sdfa: k non-zeros per neuron, with rank ``rank`` (0: unlimited). ssdfa is k = 1."""

    def draw(layer: Layer, classes: int, seed: int) -> Iterator[Feedback]:
        matrices = SparseDraw(layer.name, prod(layer.in_shape), classes, k, rank).matrices(seed)
        return (scaled(feedback, scale) for feedback in matrices)

    return draw


def scaled(feedback: Feedback, scale: float) -> Feedback:
    """The same feedback with every value multiplied by ``scale``."""
    return (
        feedback
        if scale == 1
        else Feedback(feedback.classes, feedback.values * np.float32(scale), feedback.classes_read)
    )


def dense(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> DirectFeedback:
    """Numbers of ``dfa``."""
    draw = dense_draw(rule.options.scale, binary=False)
    return direct_feedback(model, seed, draw, rule.options.per_step)


def binary(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> DirectFeedback:
    """Numbers of ``bdfa``."""
    draw = dense_draw(rule.options.scale, binary=True)
    return direct_feedback(model, seed, draw, rule.options.per_step)


def sparse(model: Model, seed: int, rule: RuleSpec[SparseOptions]) -> DirectFeedback:
    """Numbers of ``sdfa``."""
    draw = sparse_draw(rule.options.scale, rule.options.k, rule.options.rank)
    return direct_feedback(model, seed, draw, rule.options.per_step)


def single(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> DirectFeedback:
    """Numbers of ``ssdfa``."""
    draw = sparse_draw(rule.options.scale, 1, 0)
    return direct_feedback(model, seed, draw, rule.options.per_step)
