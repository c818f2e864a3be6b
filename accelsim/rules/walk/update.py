"""WU: the optimizer's update op."""

from __future__ import annotations

from accelsim.rules.walk import vector_costs
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.lowering import Lowering, Work, gradient_of, operands
from accelsim.workload.network import Layer


def weight_update(low: Lowering, layer: Layer, optimizer: str) -> None:
    """Emit ``<layer>.WU``: the optimizer over the layer's stored parameters. For an embedding these
    are the rows used, a sparse update that includes the momentum.
    """
    weights = layer.weights(low.samples)
    states = [
        Tensor(
            f"{weight.name.removesuffix('.weight')}.{word}",
            Role.OPTIMIZER_STATE,
            weight.shape,
            weight.stored,
            persistent=True,
            home_channels=weight.home_channels,
        )
        for weight in weights
        for word in vector_costs.STATE_WORDS[optimizer]
    ]
    gradients = [gradient_of(weight, layer.gradients_at_weights) for weight in weights]
    words = sum(weight.elements for weight in weights)
    low.vector(
        f"{layer.name}.WU",
        layer.name,
        Pass.WU,
        Work("optimizer", words, vector_costs.OPTIMIZER[optimizer]),
        operands([*gradients, *weights, *states], Use.READ),
        [*weights, *states],
    )
