"""A network with its parameters, and its forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accelsim.errors import InputError
from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.recurrent_numerics import RecurrentNumerics
from accelsim.numerics.arrays import Array
from accelsim.numerics.formats import EXACT, StorageFormats, stored
from accelsim.workload.network import INPUT, Network

_STREAM = 0x1217


class Model:
    """Numbers of every layer of a network, in ``dtype``, with initial parameters drawn from
    ``seed``.

    Maps are (N, H, W, C). Maps of a sequence network have one row per time step and sample,
    time-major: (T * N, 1, 1, C). ``formats`` are the number formats in which weights, maps and
    errors are stored between their computation and their use.
    """

    def __init__(
        self,
        network: Network,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        formats: StorageFormats = EXACT,
    ) -> None:
        if len(network.losses) > 1:
            names = ", ".join(layer.name for layer in network.losses)
            raise InputError(f"a network that is trained must have one output, got {names}")
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
                random, makes_logits=name == network.classifier.name
            )
        rounded = formats.weight != "fp32"
        self._masters = (
            {name: dict(numerics.parameters) for name, numerics in self.layers.items()}
            if rounded
            else {}
        )

    def forward(self, inputs: NDArray[Any], training: bool = True) -> Array:
        """Logits (rows, classes) of images (N, H, W, C), or of tokens (T, N) or (N, T), one row per
        position of the output map.

        Afterwards ``maps`` holds the input and the output of every layer, by name.
        """
        rows = (
            inputs.reshape(-1, *self.network.input_shape)
            if self.network.vocabulary
            else np.ascontiguousarray(inputs, self.dtype)
        )
        self.maps = {INPUT: rows}
        self._read_weights()
        for layer in self.network.layers:
            read = tuple(self.maps[name] for name in layer.inputs)
            numerics = self.layers[layer.name]
            exact = numerics.forward(read, training)
            output = (
                exact if layer is self.network.output else stored(exact, self.formats.activation)
            )
            numerics.hold(output)
            self.maps[layer.name] = output
        last = self.network.output
        return self.maps[last.name].reshape(-1, last.out_shape[2])

    def _read_weights(self) -> None:
        """Give the layers their weights, rounded to the stored format."""
        for name, master in self._masters.items():
            read = {
                key: stored(array, self.formats.weight) if key == "weight" else array
                for key, array in master.items()
            }
            self.layers[name].parameters = read

    def stored_error(self, error: Array) -> Array:
        """``error`` rounded to the stored format of errors."""
        return stored(error, self.formats.error)

    def parameters(self) -> dict[tuple[str, str], Array]:
        """Every parameter array by (layer, parameter). Writing to an array changes the model."""
        held = self._masters or {
            name: numerics.parameters for name, numerics in self.layers.items()
        }
        return {
            (name, key): array
            for name, parameters in held.items()
            for key, array in parameters.items()
        }

    def running_moments(self) -> dict[tuple[str, str], NDArray[Any]]:
        """State that training gathers besides parameters, by (layer, name): running moments, and
        numbers of draws. Writing to an array changes the model.
        """
        return {
            (name, moment): array
            for name, numerics in self.layers.items()
            for moment, array in numerics.moments().items()
        }

    def recurrent(self) -> list[RecurrentNumerics]:
        """The recurrent layers, whose state persists between steps."""
        return [
            numerics for numerics in self.layers.values() if isinstance(numerics, RecurrentNumerics)
        ]

    def gradients(self) -> dict[tuple[str, str], Array]:
        """Gradients of the last backward pass by (layer, parameter). Layers that received no error
        are absent.
        """
        return {
            (name, key): array
            for name, numerics in self.layers.items()
            for key, array in numerics.gradients.items()
        }
