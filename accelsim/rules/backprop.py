"""Backpropagation: each layer's error is the next one's through the transposed weights, so EP is a chain (``bp``)."""

from __future__ import annotations

from accelsim.network import Layer, Network
from accelsim.ops import Pass, TrainingStep, Use
from accelsim.rules.backward import lower_step, needed
from accelsim.rules.forward import contraction_kind
from accelsim.rules.info import RuleInfo
from accelsim.rules.lowering import Lowering, Value, layer_bounds, operands
from accelsim.rules.recurrent import recurrent_propagation
from accelsim.spec.rule import RuleSpec


class Backprop:
    """EP of a convolution is the transposed convolution at its input's resolution; through time it chains step by step."""

    direct = False

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``; see `ErrorPropagation`."""
        if layer.recurrent:
            return recurrent_propagation(low, layer, error, target)
        if target is not None:
            read = operands(error, Use.MOVING, f"{layer.name}.error") + operands([low.weight(layer)], Use.STATIONARY, f"{layer.name}.weight")
            bounds, kind = layer_bounds(layer, low.samples), contraction_kind(layer)
            low.contraction(f"{layer.name}.EP", layer.name, Pass.EP, kind, bounds, read + needed(low, layer), target)
        return error


def lower_bp(network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]) -> TrainingStep:
    """Backpropagation's training step."""
    return lower_step(network, str(rule), Backprop(), batch, optimizer, passes)


RULES = (RuleInfo("bp", "bp", "Backpropagation: EP multiplies with the transposed weights, layer after layer.", (), lower_bp),)
