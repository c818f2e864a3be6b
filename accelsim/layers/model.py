"""A network with its parameters: forward over all layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accelsim.layers.numerics import ActivationNumerics, LayerNumerics
from accelsim.layers.recurrent_numerics import RecurrentNumerics
from accelsim.numerics.arrays import Array
from accelsim.numerics.formats import EXACT, StorageFormats, stored
from accelsim.workload.network import INPUT, Network

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
        self.layers: dict[str, LayerNumerics] = {
            layer.name: layer.numerics(self.dtype, network.time_steps) for layer in network.layers
        }
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
        """What layers have gathered for evaluation, by (layer, moment); writing to one changes
        the model.
        """
        return {
            (name, moment): array
            for name, numerics in self.layers.items()
            for moment, array in numerics.moments().items()
        }

    def recurrent(self) -> list[RecurrentNumerics]:
        """The recurrent layers, whose state outlives a step."""
        return [
            numerics for numerics in self.layers.values() if isinstance(numerics, RecurrentNumerics)
        ]

    def gradients(self) -> dict[tuple[str, str], Array]:
        """Gradients of the last backward by (layer, parameter); layers that no error reached are
        missing.
        """
        return {
            (name, key): array
            for name, numerics in self.layers.items()
            for key, array in numerics.gradients.items()
        }
