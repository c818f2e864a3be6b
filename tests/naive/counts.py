"""Expected counts of a training step, computed from the layer list in the simplest way, without
`accelsim.rules`.
"""

from __future__ import annotations

from accelsim.workload.network import Layer, Network

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
NORMS = ("batch_norm", "layer_norm", "rms_norm")
LEARNING = ("conv", "conv_transpose", "fc", "embedding", *NORMS, "bias", "positions", *GATES)
"""Kinds with parameters."""
MAPS = ("conv", "conv_transpose")
"""Kinds whose weights serve every position of a map."""


def untrained_maps(network: Network) -> set[str]:
    """Maps with no parameters at or before them, which need no error."""
    untrained = {"input"}
    for layer in network.layers:
        if layer.kind not in LEARNING and all(name in untrained for name in layer.inputs):
            untrained.add(layer.name)
    return untrained


def weights_of(layer: Layer) -> int:
    """Number of weights of a layer."""
    h, w, c = layer.in_shape
    k = layer.out_shape[2]
    if layer.kind in MAPS:
        return layer.kernel[0] * layer.kernel[1] * (c // layer.groups) * k
    if layer.kind == "fc":
        return h * w * c * k
    if layer.kind in GATES:
        return GATES[layer.kind] * k * (c + k)
    return 0


def contracting(network: Network) -> list[Layer]:
    """Layers with contractions."""
    return [layer for layer in network.layers if layer.kind in (*MAPS, "fc", *GATES)]


def propagating(network: Network) -> list[Layer]:
    """Weighted layers whose input map needs an error."""
    untrained = untrained_maps(network)
    return [layer for layer in contracting(network) if layer.inputs[0] not in untrained]


def forward_macs(network: Network, batch: int) -> int:
    """Dense MACs of FF."""
    total = 0
    for layer in contracting(network):
        positions = layer.out_shape[0] * layer.out_shape[1] if layer.kind in MAPS else 1
        total += weights_of(layer) * positions * batch * network.time_steps
    return total


def backprop_macs(network: Network, batch: int) -> int:
    """Dense MACs of backpropagation's EP, at input resolution."""
    total = 0
    for layer in propagating(network):
        positions = layer.in_shape[0] * layer.in_shape[1] if layer.kind in MAPS else 1
        total += weights_of(layer) * positions * batch * network.time_steps
    return total


def backprop_weights(network: Network) -> int:
    """Weights that backpropagation's EP reads."""
    return sum(weights_of(layer) for layer in propagating(network))


def target_neurons(network: Network) -> int:
    """Elements of the input maps of all layers with feedback. A map counts once per layer that
    reads it.
    """
    return sum(
        layer.in_shape[0] * layer.in_shape[1] * layer.in_shape[2] for layer in propagating(network)
    )


def output_errors(network: Network) -> int:
    h, w, c = network.layers[-1].out_shape
    return h * w * c


def feedback_macs(network: Network, batch: int, nonzeros: int = 0) -> int:
    """Dense MACs of EP in direct feedback: one word of B per neuron and output error (or
    ``nonzeros`` per neuron), at every time step.
    """
    return (
        target_neurons(network) * (nonzeros or output_errors(network)) * batch * network.time_steps
    )


def feedback_words(network: Network, nonzeros: int = 0, per_step: bool = False) -> int:
    """Words of B."""
    return (
        target_neurons(network)
        * (nonzeros or output_errors(network))
        * (network.time_steps if per_step else 1)
    )


def parameters(network: Network) -> int:
    """Weights that WU updates, without batch-norm parameters and embedding rows."""
    return sum(weights_of(layer) for layer in contracting(network))
