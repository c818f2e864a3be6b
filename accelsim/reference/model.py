"""A network with its parameters: forward over all layers, loss, and the registry of layer kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accelsim.errors import InputError
from accelsim.network import INPUT, Layer, Network
from accelsim.reference.elementwise import Add, BatchNorm, Relu, Sigmoid, Tanh
from accelsim.reference.numerics import Array, LayerNumerics
from accelsim.reference.pooling import AveragePool, GlobalAveragePool, MaxPool
from accelsim.reference.weighted import Convolution, FullyConnected

NUMERICS: dict[str, Callable[[Layer, np.dtype[Any]], LayerNumerics]] = {
    "conv": Convolution,
    "fc": FullyConnected,
    "batch_norm": BatchNorm,
    "relu": Relu,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "max_pool": MaxPool,
    "avg_pool": AveragePool,
    "global_avg_pool": GlobalAveragePool,
    "add": Add,
}
"""Layer kind to its numbers. Recurrent kinds and embeddings have none yet: a network with one is refused."""

_STREAM = 0x1217


def check_trainable(network: Network) -> None:
    """InputError naming every layer of a kind that has no numbers."""
    unknown = [layer for layer in network.layers if layer.kind not in NUMERICS]
    if unknown:
        rule = f"one that can be trained ({', '.join(NUMERICS)})"
        raise InputError(*(f"{network.name}: kind of layer {layer.name} must be {rule}, got {layer.kind}" for layer in unknown))


class Model:
    """Numbers of every layer of a feed-forward network, in ``dtype``, with parameters drawn from ``seed``.

    InputError for networks with a layer kind that has no numbers.
    """

    def __init__(self, network: Network, seed: int = 0, dtype: DTypeLike = np.float32) -> None:
        check_trainable(network)
        self.network = network
        self.dtype = np.dtype(dtype)
        self.layers = {layer.name: NUMERICS[layer.kind](layer, self.dtype) for layer in network.layers}
        self.maps: dict[str, Array] = {}
        for index, (name, numerics) in enumerate(self.layers.items()):
            random = np.random.default_rng([_STREAM, seed, index])
            numerics.parameters = numerics.fresh_parameters(random, makes_logits=name == network.output.name)

    def forward(self, images: Array, training: bool = True) -> Array:
        """Logits (N, classes) of images (N, H, W, C). ``maps`` then holds every layer's output, and the input's."""
        self.maps = {INPUT: np.ascontiguousarray(images, self.dtype)}
        for layer in self.network.layers:
            inputs = tuple(self.maps[name] for name in layer.inputs)
            self.maps[layer.name] = self.layers[layer.name].forward(inputs, training)
        return self.maps[self.network.output.name].reshape(len(images), -1)

    def parameters(self) -> dict[tuple[str, str], Array]:
        """Every parameter array by (layer, parameter); writing to one changes the model."""
        return {(name, key): array for name, numerics in self.layers.items() for key, array in numerics.parameters.items()}

    def gradients(self) -> dict[tuple[str, str], Array]:
        """Gradients of the last backward by (layer, parameter); layers that no error reached are missing."""
        return {(name, key): array for name, numerics in self.layers.items() for key, array in numerics.gradients.items()}


def softmax_loss(logits: Array, labels: NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Mean cross-entropy of softmax(logits) (N, classes), and its gradient at the logits, (softmax - one-hot) / N."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(logits))
    loss = float((np.log(totals[:, 0]) - shifted[rows, labels]).mean())
    error = exponentials / totals
    error[rows, labels] -= 1
    error /= len(logits)
    return loss, error
