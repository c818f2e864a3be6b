"""WG and WU: weight gradients from activations and errors, and the optimizer's update."""

from __future__ import annotations

from math import prod

from accelsim.rules.walk import vector_costs
from accelsim.rules.walk.local_backward import gradient_of
from accelsim.rules.walk.lowering import Lowering, Value, Work, layer_nest, operands
from accelsim.rules.walk.recurrent import recurrent_gradient
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.network import Layer


def weight_gradient(low: Lowering, layer: Layer, error: Value) -> None:
    """``<layer>.WG``: one op for the batch, in a sequence network for the whole sequence."""
    gradient = gradient_of(low.weight(layer))
    if layer.recurrent:
        recurrent_gradient(low, layer, error, gradient)
        return
    name, samples = f"{layer.name}.WG", low.samples
    if layer.kind == "embedding":
        # Scatter-add: each position's error is added to the row of its token.
        read = operands([*low.input_of(layer), *error], Use.READ)
        low.vector(
            name,
            layer.name,
            Pass.WG,
            Work("embedding_backward", samples * prod(layer.out_shape), 1),
            read,
            [gradient],
        )
        return
    read = operands(low.input_of(layer), Use.MOVING, f"{layer.name}.input") + operands(
        error, Use.STATIONARY, f"{layer.name}.error"
    )
    low.contraction(
        name, layer.name, Pass.WG, layer_nest(layer, samples).gradient, read, [gradient]
    )


def weight_update(low: Lowering, layer: Layer, optimizer: str) -> None:
    """``<layer>.WU``: the optimizer over the layer's weights (of an embedding the rows used: a
    sparse update, momentum included).
    """
    weight = low.weight(layer)
    state = [
        Tensor(
            f"{layer.name}.{word}",
            Role.OPTIMIZER_STATE,
            weight.shape,
            weight.stored,
            persistent=True,
            home_channels=weight.home_channels,
        )
        for word in vector_costs.STATE_WORDS[optimizer]
    ]
    read = operands([gradient_of(weight), weight, *state], Use.READ)
    low.vector(
        f"{layer.name}.WU",
        layer.name,
        Pass.WU,
        Work("optimizer", weight.elements, vector_costs.OPTIMIZER[optimizer]),
        read,
        [weight, *state],
    )
