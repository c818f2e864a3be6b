"""Numbers of direct feedback alignment (Noekland 2016) and its sparse and low-rank forms (Crafton
et al. 2019).

The output error reaches the input map of every weighted layer through that layer's own fixed random
matrix B. From that map back to the weighted layers that produced it, errors pass through pooling,
f', batch norm and residual sums as in backpropagation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import numpy as np

from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.carriers import carrier
from accelsim.rules.direct.options import DirectOptions, SparseOptions
from accelsim.rules.direct.reach import Reach, reach
from accelsim.rules.direct.tapped_numbers import TappedFeedback
from accelsim.rules.direct.taps import refuse_options_of_taps, taps_of
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics
from accelsim.workload.network import INPUT, Layer
from accelsim.zeros.feedback import Feedback, dense_feedback, feedback_random
from accelsim.zeros.patterns import SparseDraw

Draw = Callable[[str, Reach, int], Iterator[Feedback]]
"""(layer that holds the matrix, its reach, seed) -> matrix B, per time step, as an endless
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
            name: [carrier(b, model.dtype) for b in steps] for name, steps in feedback.items()
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
        to = reach(layer.in_shape, self.model.network.output.out_shape)
        rows = error.reshape(len(carriers), -1, to.length)
        parts = [carry(part) for carry, part in zip(carriers, rows, strict=True)]
        return np.concatenate(parts).reshape(len(error), *layer.in_shape)

    def feedback_from_output(self, layer: str) -> Array | None:
        steps = self.feedback.get(layer, ())
        return steps[0].dense() if len(steps) == 1 else None

    def feedback_weights(self) -> dict[str, Array]:
        return {name: np.stack([b.values for b in steps]) for name, steps in self.feedback.items()}


def feedback_layers(model: Model) -> list[Layer]:
    """Weighted layers whose input map receives feedback: all except those that read the network's
    input.
    """
    return [layer for layer in model.network.weighted if layer.inputs[0] != INPUT]


def direct_feedback(model: Model, seed: int, draw: Draw, per_step: bool = False) -> DirectFeedback:
    """Direct feedback with matrices from ``draw``. If ``per_step``, a sequence network has one
    matrix per time step.
    """
    output = model.network.output.out_shape
    steps = model.network.time_steps if per_step else 1
    feedback = {
        layer.name: tuple(islice(draw(layer.name, reach(layer.in_shape, output), seed), steps))
        for layer in feedback_layers(model)
    }
    return DirectFeedback(model, feedback)


def dense_draw(scale: float, binary: bool) -> Draw:
    """Draw of dfa and bdfa: a dense B per layer, with entries of two values if ``binary``."""

    def draw(layer: str, to: Reach, seed: int) -> Iterator[Feedback]:
        random, (rows, columns, _) = feedback_random(seed, layer), to.neurons
        while True:
            feedback = dense_feedback(to.rows, to.length, rows * columns, random, binary)
            yield scaled(feedback, scale)

    return draw


def sparse_draw(scale: float, k: int, rank: int) -> Draw:
    """Draw of sdfa: k non-zeros per neuron, with rank ``rank`` (0: unlimited). ssdfa is k = 1."""

    def draw(layer: str, to: Reach, seed: int) -> Iterator[Feedback]:
        matrices = SparseDraw(layer, to.rows, to.length, k, rank).matrices(seed)
        return (scaled(feedback, scale) for feedback in matrices)

    return draw


def scaled(feedback: Feedback, scale: float) -> Feedback:
    """The same feedback with every value multiplied by ``scale``."""
    return (
        feedback
        if scale == 1
        else Feedback(feedback.classes, feedback.values * np.float32(scale), feedback.classes_read)
    )


def dense(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> RuleNumerics:
    """Numbers of ``dfa``."""
    return _numbers(model, seed, rule, dense_draw(rule.options.scale, binary=False))


def binary(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> RuleNumerics:
    """Numbers of ``bdfa``."""
    return _numbers(model, seed, rule, dense_draw(rule.options.scale, binary=True))


def sparse(model: Model, seed: int, rule: RuleSpec[SparseOptions]) -> RuleNumerics:
    """Numbers of ``sdfa``."""
    draw = sparse_draw(rule.options.scale, rule.options.k, rule.options.rank)
    return _numbers(model, seed, rule, draw)


def single(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> RuleNumerics:
    """Numbers of ``ssdfa``."""
    return _numbers(model, seed, rule, sparse_draw(rule.options.scale, 1, 0))


def _numbers(model: Model, seed: int, rule: RuleSpec[DirectOptions], draw: Draw) -> RuleNumerics:
    refuse_options_of_taps(rule)
    if rule.options.granularity == "layer":
        return direct_feedback(model, seed, draw, rule.options.per_step)
    taps = taps_of(model.network, rule)
    feedback = {layer: next(draw(layer, to, seed)) for layer, to in taps.matrices.items()}
    return TappedFeedback(model, taps, feedback)
