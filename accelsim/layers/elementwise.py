"""Activations, batch norm and the residual sum."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.tensors.normalization import (
    channel_moments,
    error_moments,
    normalize,
    normalize_back,
    rectify_back,
)
from accelsim.layers.numerics import ActivationNumerics, LayerNumerics
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.workload.network import Layer

ROW = 128
"""Elements of a row that a kernel's inner loop is fast from."""


class Relu(ActivationNumerics):
    """max(x, 0)."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.output = np.maximum(inputs[0], 0, out=memory.empty(inputs[0].shape, self.dtype))
        return self.output

    def derivative(self, output: Array) -> NDArray[np.bool_]:
        return output > 0

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        error = np.ascontiguousarray(error)
        result = memory.empty(error.shape, self.dtype)
        rectify_back(
            error.reshape(-1), np.ascontiguousarray(self.output).reshape(-1), result.reshape(-1)
        )
        return (result,)


class Tanh(ActivationNumerics):
    """tanh(x)."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.output = np.tanh(inputs[0])
        return self.output

    def derivative(self, output: Array) -> Array:
        return 1 - output * output


class Sigmoid(ActivationNumerics):
    """1 / (1 + exp(-x))."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        # Through tanh, which never overflows.
        self.output = 0.5 * np.tanh(0.5 * inputs[0]) + 0.5
        return self.output

    def derivative(self, output: Array) -> Array:
        return output * (1 - output)


class BatchNorm(LayerNumerics):
    """Normalisation a channel over the batch and the map, then scale and shift (Ioffe & Szegedy
    2015, algorithm 1).

    Training uses the batch's own (biased) moments and moves the running ones by ``MOMENTUM``, which
    evaluation uses.
    """

    EPSILON = 1e-5
    MOMENTUM = 0.1

    def __init__(self, layer: Layer, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        channels = layer.out_shape[2]
        self.running_mean = np.zeros(channels)
        self.running_variance = np.ones(channels)
        self.input: Array = np.empty((0, channels), dtype)
        self.deviation = np.ones(channels)
        self.mean = np.zeros(channels)

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        channels = self.layer.out_shape[2]
        return {"scale": np.ones(channels, self.dtype), "shift": np.zeros(channels, self.dtype)}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        rows = self._rows(inputs[0])
        if training:
            total, squares = (self._a_channel(sums) for sums in channel_moments(rows))
            count = inputs[0].size // len(total)
            mean = total / count
            variance = np.maximum(squares / count - mean * mean, 0)
            self.running_mean += self.MOMENTUM * (mean - self.running_mean)
            self.running_variance += self.MOMENTUM * (
                variance * count / max(1, count - 1) - self.running_variance
            )
        else:
            mean, variance = self.running_mean.copy(), self.running_variance
        self.input, self.mean, self.deviation = rows, mean, np.sqrt(variance + self.EPSILON)
        result = memory.empty(rows.shape, self.dtype)
        scale, shift = self._normalization()
        gain, offset = self._tiled(self.parameters["scale"], self.parameters["shift"])
        normalize(rows, scale, shift, gain, offset, result)
        return result.reshape(inputs[0].shape)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        rows, (scale, shift) = self._rows(error), self._normalization()
        total, products = (
            self._a_channel(sums) for sums in error_moments(rows, self.input, scale, shift)
        )
        self.gradients = {"scale": products.astype(self.dtype), "shift": total.astype(self.dtype)}
        if not propagate:
            return ()
        # dL/dx = scale / deviation * (e - mean(e) - normalized * mean(e * normalized)), the moments
        # being functions of x too.
        count = error.size // len(total)
        result = memory.empty(rows.shape, self.dtype)
        slope, mean, gain = self._tiled(
            -products / count, total / count, self.parameters["scale"] / self.deviation
        )
        normalize_back(rows, self.input, scale, shift, slope, mean, gain, result)
        return (result.reshape(error.shape),)

    def _rows(self, maps: Array) -> Array:
        """A map as rows of whole positions, several where that makes rows long enough for loops
        over them to be fast.
        """
        channels = maps.shape[3]
        positions = maps.size // channels
        together = gcd(positions, 1 << max(0, (ROW - 1) // channels).bit_length())
        return np.ascontiguousarray(maps).reshape(-1, together * channels)

    def _a_channel(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(sums.reshape(-1, self.layer.out_shape[2]).sum(axis=0))

    def _normalization(self) -> tuple[Array, ...]:
        """normalized = x * the first - the second."""
        return self._tiled(1 / self.deviation, self.mean / self.deviation)

    def _tiled(self, *channels: Array) -> tuple[Array, ...]:
        """Values a channel, for every column of the rows."""
        times = self.input.shape[1] // self.layer.out_shape[2]
        return tuple(np.tile(values.astype(self.dtype), times) for values in channels)


class Add(LayerNumerics):
    """The residual sum; its error passes to every branch unchanged."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.branches = len(inputs)
        output = np.add(inputs[0], inputs[1], out=memory.empty(inputs[0].shape, self.dtype))
        for branch in inputs[2:]:
            output += branch
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error,) * self.branches if propagate else ()
