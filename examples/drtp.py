"""Direct random target projection (Frenkel, Lefebvre & Bol 2021), a learning rule as a plug-in.

The error at a weighted layer's input map is the row ``label`` of a fixed random matrix.
"""

from __future__ import annotations

from math import prod

from accelsim import plugin
from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import Rule, RuleSpec
from accelsim.rules.options import Scaled
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.workload.lowering import Lowering, Value, Work, operands
from accelsim.workload.network import INPUT, Layer
from accelsim.zeros.feedback import dense_feedback, feedback_random


class TargetOps:
    """``<layer>.EP`` copies a row of the layer's matrix for each sample; it multiplies nothing."""

    direct = True  # errors reach a map by feedback alone, not through other layers
    carried = True  # every weighted layer hands an error to the map that it reads

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        if target is not None:
            name, classes = f"{layer.name}.feedback", prod(low.network.output.out_shape)
            shape, moved = (classes, *layer.in_shape), low.samples * prod(layer.in_shape)
            matrix = Tensor(name, Role.FEEDBACK, shape, persistent=True, home_channels=shape[-1])
            rows = Operand(matrix, Use.READ, words=moved)  # one row per sample
            read, work = (*operands(low.labels(), Use.READ), rows), Work("gather", moved, 1)
            low.vector(f"{layer.name}.EP", layer.name, Pass.EP, work, read, target)
        return layer.local_errors(low, error)  # what the layer's weight gradient reads


class TargetNumbers(RuleNumerics):
    """``matrices``: by layer, (classes, neurons of its input map)."""

    direct = True

    def __init__(self, model: Model, seed: int, rule: RuleSpec[Scaled]) -> None:
        super().__init__(model)
        classes = prod(model.network.output.out_shape)
        self.matrices: dict[str, Array] = {}
        for layer in model.network.weighted:
            if layer.inputs[0] != INPUT:
                (h, w, c), random = layer.in_shape, feedback_random(seed, layer.name)
                drawn = dense_feedback(h * w * c, classes, h * w, random).values.T
                self.matrices[layer.name] = (rule.options.scale * drawn).astype(model.dtype)

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        numerics.learn(error)  # sets the layer's weight gradient
        if not wanted:
            return ()
        return (self.matrices[layer.name][walk.labels].reshape(-1, *layer.in_shape) / len(error),)

    def feedback_weights(self) -> dict[str, Array]:
        return self.matrices


DRTP = Rule(
    "drtp",
    family="drtp",
    description="Direct random target projection: errors are rows of fixed random matrices.",
    ops=lambda *_: TargetOps(),
    numbers=TargetNumbers,
    options=Scaled,
)
plugin.rule(DRTP)
