"""The backward work that needs no weights of other layers: loss, activation derivative, pooling,
batch norm, residual add.

All of it belongs to EP. A residual add has no backward work of its own: its error is the error of
each of its inputs, the same tensor; where that meets other errors, the map's sum adds them.
"""

from __future__ import annotations

from math import ceil, prod

from accelsim.rules.walk import vector_costs
from accelsim.rules.walk.forward import index_bits, mask_of
from accelsim.rules.walk.lowering import Lowering, Value, Work, operands
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.network import ACTIVATION_KINDS, Layer


def lower_loss(low: Lowering) -> None:
    """``loss.EP``: softmax and cross-entropy, from the network's output to the error there."""
    layer = low.network.output
    labels = low.tensors("labels", Role.INDEX, (1, 1, 1), bits=index_bits(layer.out_shape[2]))
    error = low.tensors(f"{layer.name}.error", Role.ERROR, layer.out_shape)
    elements = low.samples * prod(layer.out_shape)
    read = operands([*low.outputs[layer.name], *labels], Use.READ)
    low.vector(
        "loss.EP",
        "loss",
        Pass.EP,
        Work("softmax_loss", elements, vector_costs.SOFTMAX_LOSS),
        read,
        error,
    )
    low.contributions[layer.name].append(error)


def vector_backward(low: Lowering, layer: Layer, error: Value) -> None:
    """Carry the error at a weightless layer's output back to the maps it reads, where one is
    wanted.
    """
    if layer.kind == "add":
        for name in layer.inputs:
            if layer in low.contributors(name):
                low.contributions[name].append(error)
        return
    target = low.target(layer) or ()
    outputs: list[Tensor] = list(target)
    read = list(error)
    if layer.kind == "batch_norm":
        # The parameters' gradients are sums that the error at the input needs anyway, so one op
        # makes both; the sums come first, then the maps again.
        read += low.tensors(
            f"{layer.name}.normalized", Role.ACTIVATION, layer.out_shape, stash=True
        )
        read += [*read, low.weight(layer)]
        outputs.append(gradient_of(low.weight(layer)))
        function, elements, ops = (
            "batch_norm_backward",
            prod(layer.out_shape),
            vector_costs.BATCH_NORM_BACKWARD,
        )
    elif layer.kind in ACTIVATION_KINDS:
        read += mask_of(low, layer.name) if layer.kind == "relu" else low.outputs[layer.name]
        function, elements, ops = (
            "activation_derivative",
            prod(layer.out_shape),
            vector_costs.DERIVATIVE[layer.kind],
        )
    else:
        if layer.kind == "max_pool":
            read += low.tensors(
                f"{layer.name}.index",
                Role.INDEX,
                layer.out_shape,
                bits=index_bits(prod(layer.kernel)),
                stash=True,
            )
        # An input element collects from every window over it.
        function, elements = "pool_backward", prod(layer.in_shape)
        ops = (
            1
            if layer.kind == "global_avg_pool"
            else ceil(layer.kernel[0] / layer.stride[0]) * ceil(layer.kernel[1] / layer.stride[1])
        )
    if outputs:
        low.vector(
            f"{layer.name}.EP",
            layer.name,
            Pass.EP,
            Work(function, elements * low.samples, ops),
            operands(read, Use.READ),
            outputs,
        )


def gradient_of(weight: Tensor) -> Tensor:
    """The gradient of a weight tensor, as WG leaves it for WU."""
    name = f"{weight.name.removesuffix('.weight')}.gradient"
    return Tensor(
        name, Role.GRADIENT, weight.shape, stored=weight.stored, home_channels=weight.home_channels
    )
