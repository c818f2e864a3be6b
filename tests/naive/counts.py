"""Expected counts of a training step, computed from the layer list in the simplest way, without
`accelsim.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable

from accelsim.workload.network import Layer, Network

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
SHIFTS = ("bias", "positions")
NORMS = ("batch_norm", "layer_norm", "rms_norm")
LEARNING = ("conv", "conv_transpose", "fc", "linear", "embedding", *NORMS, *SHIFTS, *GATES)
"""Kinds with parameters."""
MAPS = ("conv", "conv_transpose", "linear")
"""Kinds whose weights serve every position of a map."""


def untrained_maps(network: Network) -> set[str]:
    """Maps with no parameters at or before them, which need no error."""
    untrained = {"input"}
    for layer in network.layers:
        if layer.kind not in LEARNING and untrained.issuperset(layer.inputs):
            untrained.add(layer.name)
    return untrained


def fed(network: Network, names: Iterable[str]) -> list[str]:
    """The maps that layers with weights read."""
    return [name for name in names if any(each.weighted for each in network.consumers[name])]


def weights_of(layer: Layer) -> int:
    """Number of weights of a layer."""
    h, w, c = layer.in_shape
    k = layer.out_shape[2]
    if layer.kind == "linear":
        return c * k
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


def attention_macs(network: Network, batch: int) -> int:
    """Dense MACs of FF in attention: queries times keys, and probabilities times values."""
    total = 0
    for layer in network.layers:
        if layer.kind == "attention":
            (h, w, c), (y, x, _), _ = layer.in_shapes
            total += batch * h * w * y * x * (c + layer.out_shape[2])
    return total


def attention_macs_back(network: Network, batch: int, direct: bool) -> int:
    """Dense MACs of EP in attention. ``direct``: a map that layers with weights read gets its error
    from their feedback alone.
    """
    untrained, total = untrained_maps(network), 0
    for layer in network.layers:
        if layer.kind != "attention":
            continue
        query, key, value = (
            name not in untrained and not (direct and fed(network, [name])) for name in layer.inputs
        )
        (h, w, c), (y, x, _), _ = layer.in_shapes
        words = layer.out_shape[2] * (value + (query or key)) + c * (query + key)
        total += batch * h * w * y * x * words
    return total


def forward_macs(network: Network, batch: int) -> int:
    """Dense MACs of FF."""
    total = attention_macs(network, batch)
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


def same_positions(layer: Layer, network: Network) -> bool:
    """Whether errors at a position of the output reach that position of the layer's input map
    alone, all through one matrix.
    """
    return layer.in_shape[:2] == network.output.out_shape[:2] != (1, 1)


def feedback_matrices(network: Network) -> list[tuple[int, int, int]]:
    """(rows, columns, vectors of errors per sample) of B into each layer's input map."""
    found = []
    for layer in propagating(network):
        (h, w, c), (y, x, k) = layer.in_shape, network.output.out_shape
        same = same_positions(layer, network)
        found.append((c, k, h * w) if same else (h * w * c, y * x * k, 1))
    return found


def feedback_macs(network: Network, batch: int, nonzeros: int = 0) -> int:
    """Dense MACs of EP in direct feedback: one word of B per neuron and output error (or
    ``nonzeros`` per neuron), at every time step.
    """
    every = batch * network.time_steps
    return sum(
        rows * (nonzeros or columns) * vectors * every
        for rows, columns, vectors in feedback_matrices(network)
    )


def feedback_words(network: Network, nonzeros: int = 0, per_step: bool = False) -> int:
    """Words of B."""
    words = sum(rows * (nonzeros or columns) for rows, columns, _ in feedback_matrices(network))
    return words * (network.time_steps if per_step else 1)


def parameters(network: Network) -> int:
    """Weights that WU updates, without batch-norm parameters and embedding rows."""
    return sum(weights_of(layer) for layer in contracting(network))
