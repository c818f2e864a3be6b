"""Backpropagation: each layer's error is the next one's through the transposed weights, so EP is a
chain (``bp``).

``bp-only`` (Han et al. 2020) takes a fraction ``p`` of the training's steps, each of them
backpropagation's, and leaves out the others: what an equal number of BP steps is worth without the
feedback steps between them.
"""

from __future__ import annotations

from accelsim.rules.info import RuleInfo
from accelsim.rules.spelling import Option, RuleSpec
from accelsim.rules.walk.backward import lower_step, needed
from accelsim.rules.walk.forward import contraction_kind
from accelsim.rules.walk.lowering import Lowering, Value, layer_bounds, operands
from accelsim.rules.walk.recurrent import recurrent_propagation
from accelsim.step.ops import Operand, Pass, TrainingStep, Use
from accelsim.workload.network import Layer, Network


class Backprop:
    """EP of a convolution is the transposed convolution at its input's resolution; through time it
    chains step by step.
    """

    direct = False

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``; see `ErrorPropagation`."""
        if layer.recurrent:
            return recurrent_propagation(low, layer, error, target, self.stationary(low, layer))
        if target is not None:
            read = operands(error, Use.MOVING, f"{layer.name}.error") + self.stationary(low, layer)
            bounds, kind = layer_bounds(layer, low.samples), contraction_kind(layer)
            low.contraction(
                f"{layer.name}.EP",
                layer.name,
                Pass.EP,
                kind,
                bounds,
                read + needed(low, layer),
                target,
            )
        return error

    def stationary(self, low: Lowering, layer: Layer) -> tuple[Operand, ...]:
        """What EP of the layer multiplies with."""
        return operands([low.weight(layer)], Use.STATIONARY, f"{layer.name}.weight")


def lower_bp(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Backpropagation's training step."""
    return lower_step(network, str(rule), Backprop(), batch, optimizer, passes)


RULES = (
    RuleInfo(
        "bp",
        "bp",
        "Backpropagation: EP multiplies with the transposed weights, layer after layer.",
        (),
        lower_bp,
    ),
    RuleInfo(
        "bp-only",
        "bp",
        "Backpropagation in a fraction of the steps, the others left out; its step is bp's.",
        (
            Option(
                "p",
                float,
                0.1,
                minimum=0,
                maximum=1,
                description="Fraction of the steps that are taken; the others are left out.",
            ),
        ),
        lower_bp,
    ),
)
