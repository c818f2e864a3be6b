"""A network with its parameters: forward over all layers, loss, and the registry of layer kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accelsim.layers.elementwise import Add, BatchNorm, Relu, Sigmoid, Tanh
from accelsim.layers.embedding import Embedding
from accelsim.layers.numerics import ActivationNumerics, LayerNumerics
from accelsim.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from accelsim.layers.recurrent import Recurrent
from accelsim.layers.weighted import Convolution, FullyConnected
from accelsim.numerics.arrays import Array
from accelsim.numerics.formats import EXACT, StorageFormats, stored
from accelsim.workload.network import INPUT, Layer, Network

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
    "embedding": Embedding,
}
"""Layer kind to its numbers; the recurrent kinds, which also need the number of time steps, are
`Recurrent`.
"""

_STREAM = 0x1217


class Model:
    """Numbers of every layer of a network, in ``dtype``, with parameters drawn from ``seed``.

    Maps of a sequence network have a row a time step and sample, time-major: (T * N, 1, 1, C).
    ``formats``: how weights, maps and errors are stored between their making and their use.
    """

    def __init__(
        self,
        network: Network,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        formats: StorageFormats = EXACT,
    ) -> None:
        self.network = network
        self.dtype = np.dtype(dtype)
        self.formats = formats
        self.layers = {layer.name: self._numerics(layer) for layer in network.layers}
        self.maps: dict[str, Array] = {}
        for index, (name, numerics) in enumerate(self.layers.items()):
            random = np.random.default_rng([_STREAM, seed, index])
            numerics.parameters = numerics.fresh_parameters(
                random, makes_logits=name == network.output.name
            )
        rounded = formats.weight != "fp32"
        self._masters = (
            {name: dict(numerics.parameters) for name, numerics in self.layers.items()}
            if rounded
            else {}
        )

    def _numerics(self, layer: Layer) -> LayerNumerics:
        if layer.recurrent:
            return Recurrent(layer, self.dtype, self.network.time_steps)
        return NUMERICS[layer.kind](layer, self.dtype)

    def forward(self, inputs: NDArray[Any], training: bool = True) -> Array:
        """Logits (rows, classes) of images (N, H, W, C) or tokens (T, N). ``maps`` then holds every
        layer's output, and the input's.
        """
        rows = (
            inputs.reshape(-1, 1, 1, 1)
            if self.network.vocabulary
            else np.ascontiguousarray(inputs, self.dtype)
        )
        self.maps = {INPUT: rows}
        self._read_weights()
        for layer in self.network.layers:
            read = tuple(self.maps[name] for name in layer.inputs)
            made = self.layers[layer.name].forward(read, training)
            kept = made if layer is self.network.output else stored(made, self.formats.activation)
            numerics = self.layers[layer.name]
            if isinstance(numerics, ActivationNumerics):
                numerics.output = kept  # f' is taken from what is stored
            self.maps[layer.name] = kept
        return self.maps[self.network.output.name].reshape(len(rows), -1)

    def _read_weights(self) -> None:
        """Put the weights in place as storage gives them back."""
        for name, master in self._masters.items():
            read = {
                key: stored(array, self.formats.weight) if key == "weight" else array
                for key, array in master.items()
            }
            self.layers[name].parameters = read

    def stored_error(self, error: Array) -> Array:
        """An error as storage gives it back."""
        return stored(error, self.formats.error)

    def parameters(self) -> dict[tuple[str, str], Array]:
        """Every parameter array by (layer, parameter); writing to one changes the model."""
        held = self._masters or {
            name: numerics.parameters for name, numerics in self.layers.items()
        }
        return {
            (name, key): array
            for name, parameters in held.items()
            for key, array in parameters.items()
        }

    def running_moments(self) -> dict[tuple[str, str], Array]:
        """What batch norm has gathered for evaluation, by (layer, moment); writing to one changes
        the model.
        """
        found: dict[tuple[str, str], Array] = {}
        for name, numerics in self.layers.items():
            if isinstance(numerics, BatchNorm):
                found |= {
                    (name, "running_mean"): numerics.running_mean,
                    (name, "running_variance"): numerics.running_variance,
                }
        return found

    def recurrent(self) -> list[Recurrent]:
        """The recurrent layers, whose state outlives a step."""
        return [numerics for numerics in self.layers.values() if isinstance(numerics, Recurrent)]

    def gradients(self) -> dict[tuple[str, str], Array]:
        """Gradients of the last backward by (layer, parameter); layers that no error reached are
        missing.
        """
        return {
            (name, key): array
            for name, numerics in self.layers.items()
            for key, array in numerics.gradients.items()
        }
