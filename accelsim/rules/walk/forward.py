"""FF: every layer's forward op, and what it stashes for the passes that follow."""

from __future__ import annotations

from math import prod

from accelsim.rules.walk import vector_costs
from accelsim.rules.walk.lowering import Lowering, Value, Work, layer_nest, operands
from accelsim.rules.walk.recurrent import recurrent_forward
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.network import ACTIVATION_KINDS, INPUT, Layer


def index_bits(count: int) -> int:
    """Bits that tell ``count`` things apart (at least 1)."""
    return max(1, (count - 1).bit_length())


def mask_of(low: Lowering, name: str) -> Value:
    """The mask of f' of a rectified map, at that map's resolution: the ReLU's own, or the one its
    max-pool made.
    """
    return low.tensors(
        f"{name}.mask", Role.MASK, low.network.layer(name).out_shape, bits=1, stash=True
    )


def lower_forward(low: Lowering) -> None:
    """Emit FF of every layer, in the network's order."""
    network = low.network
    if network.vocabulary:
        low.outputs[INPUT] = low.tensors(
            INPUT, Role.INDEX, (1, 1, 1), bits=index_bits(network.vocabulary)
        )
    else:
        low.outputs[INPUT] = low.tensors(INPUT, Role.ACTIVATION, network.input_shape)
    for layer in network.layers:
        if layer.recurrent:
            recurrent_forward(low, layer)
            continue
        out = low.tensors(f"{layer.name}.out", Role.ACTIVATION, layer.out_shape)
        low.outputs[layer.name] = out
        if layer.kind in ("conv", "fc"):
            _weighted(low, layer, out)
        else:
            _vector(low, layer, out)


def _weighted(low: Lowering, layer: Layer, out: Value) -> None:
    name = f"{layer.name}.FF"
    read = operands(low.input_of(layer), Use.MOVING, f"{layer.name}.input") + operands(
        [low.weight(layer)], Use.STATIONARY, f"{layer.name}.weight"
    )
    low.contraction(
        name,
        layer.name,
        Pass.FF,
        layer_nest(layer, low.samples),
        read,
        out,
    )


def _vector(low: Lowering, layer: Layer, out: Value) -> None:
    read = [tensor for name in layer.inputs for tensor in low.outputs[name]]
    stash: list[Tensor] = []
    function, ops = _work(layer)
    if layer.kind == "batch_norm":
        # The statistics need the whole map before the first element can be normalized: it is read
        # twice.
        read = [*read, *read]
    if layer.kind in ("batch_norm", "embedding"):
        read.append(low.weight(layer))
    if layer.kind == "batch_norm":
        stash += low.tensors(
            f"{layer.name}.normalized", Role.ACTIVATION, layer.out_shape, stash=True
        )
    if layer.kind == "max_pool":
        stash += low.tensors(
            f"{layer.name}.index",
            Role.INDEX,
            layer.out_shape,
            bits=index_bits(prod(layer.kernel)),
            stash=True,
        )
    if low.network.rectified(layer.name):
        stash += mask_of(low, layer.name)
    elements = prod(layer.out_shape) * low.samples
    low.vector(
        f"{layer.name}.FF",
        layer.name,
        Pass.FF,
        Work(function, elements, ops),
        operands(read, Use.READ),
        (*out, *stash),
    )


def _work(layer: Layer) -> tuple[str, int]:
    """(function, scalar operations an element of the output map)."""
    if layer.kind in ACTIVATION_KINDS:
        return "activation", vector_costs.ACTIVATION[layer.kind]
    if layer.kind == "batch_norm":
        return "batch_norm", vector_costs.BATCH_NORM
    if layer.kind == "max_pool":
        return "pool", prod(layer.kernel) - 1 or 1
    if layer.kind == "avg_pool":
        return "pool", prod(layer.kernel)
    if layer.kind == "global_avg_pool":
        return "pool", layer.in_shape[0] * layer.in_shape[1]
    if layer.kind == "add":
        return "add", len(layer.inputs) - 1
    return "embedding", 1
