"""FF: every layer's forward op, and the tensors it stashes for later passes."""

from __future__ import annotations

from accelsim.step.ops import Role
from accelsim.workload.lowering import Lowering, index_bits
from accelsim.workload.network import INPUT


def lower_forward(low: Lowering) -> None:
    """Emit FF of every layer, in the network's order."""
    network = low.network
    if network.vocabulary:
        low.outputs[INPUT] = low.tensors(
            INPUT, Role.INDEX, network.input_shape, bits=index_bits(network.vocabulary)
        )
    else:
        low.outputs[INPUT] = low.tensors(INPUT, Role.ACTIVATION, network.input_shape)
    for layer in network.layers:
        layer.forward(low)
