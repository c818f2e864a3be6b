"""Activations, batch norm and the residual sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.tensors import channel_sums
from accelsim.network import Layer
from accelsim.reference.numerics import ActivationNumerics, Array, LayerNumerics


class Relu(ActivationNumerics):
    """max(x, 0)."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.output = np.maximum(inputs[0], 0)
        return self.output

    def derivative(self, output: Array) -> NDArray[np.bool_]:
        return output > 0


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
    """Normalisation a channel over the batch and the map, then scale and shift (Ioffe & Szegedy 2015, algorithm 1).

    Training uses the batch's own (biased) moments and moves the running ones by ``MOMENTUM``, which evaluation uses.
    """

    EPSILON = 1e-5
    MOMENTUM = 0.1

    def __init__(self, layer: Layer, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        channels = layer.out_shape[2]
        self.running_mean = np.zeros(channels)
        self.running_variance = np.ones(channels)
        self.normalized: Array = np.empty(0, dtype)
        self.deviation = np.ones(channels)

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        channels = self.layer.out_shape[2]
        return {"scale": np.ones(channels, self.dtype), "shift": np.zeros(channels, self.dtype)}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        rows = np.ascontiguousarray(inputs[0]).reshape(-1, self.layer.out_shape[2])
        if training:
            total, squares = channel_sums(rows, rows)
            mean = total / len(rows)
            variance = np.maximum(squares / len(rows) - mean * mean, 0)
            self.running_mean += self.MOMENTUM * (mean - self.running_mean)
            self.running_variance += self.MOMENTUM * (variance * len(rows) / max(1, len(rows) - 1) - self.running_variance)
        else:
            mean, variance = self.running_mean, self.running_variance
        self.deviation = np.sqrt(variance + self.EPSILON)
        self.normalized = rows * (1 / self.deviation).astype(self.dtype)
        self.normalized -= (mean / self.deviation).astype(self.dtype)
        output = self.normalized * self.parameters["scale"]
        output += self.parameters["shift"]
        return output.reshape(inputs[0].shape)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        rows = np.ascontiguousarray(error).reshape(-1, self.layer.out_shape[2])
        total, products = channel_sums(rows, self.normalized)
        self.gradients = {"scale": products.astype(self.dtype), "shift": total.astype(self.dtype)}
        if not propagate:
            return ()
        # dL/dx = scale / deviation * (e - mean(e) - normalized * mean(e * normalized)), the moments being functions of x too.
        result = self.normalized * (-products / len(rows)).astype(self.dtype)
        result += rows
        result -= (total / len(rows)).astype(self.dtype)
        result *= (self.parameters["scale"] / self.deviation).astype(self.dtype)
        return (result.reshape(error.shape),)


class Add(LayerNumerics):
    """The residual sum; its error passes to every branch unchanged."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.branches = len(inputs)
        output = inputs[0] + inputs[1]
        for branch in inputs[2:]:
            output += branch
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error,) * self.branches if propagate else ()
