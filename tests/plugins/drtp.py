"""Direct random target projection (Frenkel, Lefebvre & Bol 2021), a learning rule outside the
package.

The error at the input map of each weighted layer but the first is a fixed random matrix times the
one-hot target, so hidden layers wait for neither the output nor its error. The output layer learns
from the output error.
"""

from __future__ import annotations

from math import prod
from typing import Annotated

import numpy as np
from pydantic import Field

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import Rule, RuleSpec
from accelsim.rules.options import Scaled
from accelsim.rules.walk.backward import needed
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics
from accelsim.step.contraction import feedback_nest
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.lowering import Lowering, Value, operands
from accelsim.workload.network import INPUT, Layer, Network
from accelsim.zeros.feedback import dense_feedback, feedback_random


class TargetOptions(Scaled):
    """Options of ``drtp``."""

    binary: Annotated[bool, Field(description="Feedback weights of one bit.")] = False


DRTP = Rule(
    "drtp",
    family="drtp",
    description="Direct random target projection: fixed random matrices of the one-hot target.",
    ops="tests.plugins.drtp:target_projection",
    numbers="tests.plugins.drtp:target_numbers",
    options=TargetOptions,
)


class TargetProjection:
    """``<layer>.EP`` multiplies the one-hot targets with the layer's feedback."""

    direct = True
    carried = True

    def __init__(self, bits: int | None) -> None:
        self.bits = bits

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        if target is not None:
            (h, w, c), classes = layer.in_shape, prod(low.network.output.out_shape)
            one_hot = low.tensors("target", Role.ERROR, low.network.output.out_shape)
            name, shape = f"{layer.name}.feedback", (c, h, w, classes)
            feedback = Tensor(
                name, Role.FEEDBACK, shape, bits=self.bits, persistent=True, home_channels=c
            )
            read = operands(one_hot, Use.MOVING) + operands([feedback], Use.STATIONARY)
            low.contraction(
                f"{layer.name}.EP",
                layer.name,
                Pass.EP,
                feedback_nest(low.batch, layer.in_shape, classes),
                read + needed(low, layer),
                target,
            )
        return error


def _refuse_recurrent(network: Network, rule: RuleSpec[TargetOptions]) -> None:
    if network.vocabulary:
        raise InputError(
            f"{rule.name} must have a network without recurrent layers, got {network.name}"
        )


def target_projection(network: Network, rule: RuleSpec[TargetOptions]) -> TargetProjection:
    """InputError on networks with recurrent layers."""
    _refuse_recurrent(network, rule)
    return TargetProjection(1 if rule.options.binary else None)


class TargetNumerics(RuleNumerics):
    """``matrices``: by layer, the feedback from classes to the neurons of its input map."""

    direct = True

    def __init__(self, model: Model, seed: int, options: TargetOptions) -> None:
        super().__init__(model)
        self.classes = prod(model.network.output.out_shape)
        self.matrices: dict[str, Array] = {}
        for layer in model.network.weighted:
            if layer.inputs[0] != INPUT:
                h, w, c = layer.in_shape
                drawn = dense_feedback(
                    h * w * c,
                    self.classes,
                    h * w,
                    feedback_random(seed, layer.name),
                    options.binary,
                )
                self.matrices[layer.name] = np.ascontiguousarray(
                    options.scale * drawn.values.T, model.dtype
                )

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        numerics.learn(error)
        if not wanted:
            return ()
        # The gradient of the loss is divided by the batch, and so is what stands in for it.
        one_hot = np.eye(self.classes, dtype=error.dtype)[walk.labels] / len(walk.labels)
        projected = products.product(one_hot, self.matrices[layer.name])
        return (projected.reshape(len(error), *layer.in_shape),)

    def feedback_weights(self) -> dict[str, Array]:
        return self.matrices


def target_numbers(model: Model, seed: int, rule: RuleSpec[TargetOptions]) -> TargetNumerics:
    """InputError on networks with recurrent layers."""
    _refuse_recurrent(model.network, rule)
    return TargetNumerics(model, seed, rule.options)
