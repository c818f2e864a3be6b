"""Convolution and fully connected layers, as matrix products over patches.

Layers carry weights alone, no bias: the network description has none, so numbers and ops count the same words. A batch norm's
shift takes its place where there is one.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np

from accelsim.kernels.tensors import gather_patches, sum_patches
from accelsim.network import Layer
from accelsim.reference import products
from accelsim.reference.numerics import Array, LayerNumerics

PATCH_BYTES = 4 << 20
"""Size of the patch buffer: small enough to stay in the last-level cache between its filling and the matrix product."""


class Weighted(LayerNumerics):
    """A layer with one weight tensor of ``layer.weight_shape``."""

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        """Normal with variance 2 / fan-in (He et al. 2015, eq. 10), and 1 / fan-in**2 for the logits (Yang & Hu 2021, maximal update).

        Logits of order 1 would make the first errors point to a few classes, which feedback alignment without batch norm
        does not survive: its updates then all point one way.
        """
        shape = self.layer.weight_shape
        fan_in = prod(shape[1:])
        deviation = 1 / fan_in if makes_logits else sqrt(2 / fan_in)
        return {"weight": (random.standard_normal(shape) * deviation).astype(self.dtype)}


class FullyConnected(Weighted):
    """y = W x, with x the flattened input map in (H, W, C) order."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = inputs[0]
        samples = self.input.shape[0]
        return products.product(self.input.reshape(samples, -1), self.parameters["weight"].T).reshape(samples, 1, 1, -1)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        samples = error.shape[0]
        rows = error.reshape(samples, -1)
        self.gradients = {"weight": products.product(rows.T, self.input.reshape(samples, -1))}
        return (products.product(rows, self.parameters["weight"]).reshape(self.input.shape),) if propagate else ()


class Convolution(Weighted):
    """y[n,p,q,k] = sum over r, s, c of W[k,r,s,c] x[n, p*stride - pad + r*dilation, ..., c]; groups split C and K alike."""

    def __init__(self, layer: Layer, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        self.reduction = layer.kernel[0] * layer.kernel[1] * layer.in_shape[2] // layer.groups
        self.patch_length = self.reduction * layer.groups
        self.positions = layer.out_shape[0] * layer.out_shape[1]
        self.chunk = max(1, PATCH_BYTES // (self.positions * self.patch_length * dtype.itemsize))
        self.plain = layer.kernel == (1, 1) and layer.stride == (1, 1) and not any(layer.padding)
        """The input map is its own patch matrix."""
        self.buffer: Array = np.empty(0, dtype)

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = np.ascontiguousarray(inputs[0])
        samples = self.input.shape[0]
        output = np.empty((samples, *self.layer.out_shape), self.dtype)
        for first in range(0, samples, self.chunk):
            patches = self._patches(self.input[first : first + self.chunk])
            rows = output[first : first + self.chunk].reshape(len(patches), -1)
            for columns, channels, weight in self._groups():
                products.product(patches[:, columns], weight.T, out=rows[:, channels])
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        error = np.ascontiguousarray(error)
        self.gradients = {"weight": self._weight_gradient(error)}
        return (self._input_error(error),) if propagate else ()

    def _weight_gradient(self, error: Array) -> Array:
        gradient = np.zeros((self.layer.out_shape[2], self.reduction), self.dtype)
        for first in range(0, len(error), self.chunk):
            patches = self._patches(self.input[first : first + self.chunk])
            rows = error[first : first + self.chunk].reshape(len(patches), -1)
            for columns, channels, _ in self._groups():
                gradient[channels] += products.product(rows[:, channels].T, patches[:, columns])
        return gradient.reshape(self.layer.weight_shape)

    def _input_error(self, error: Array) -> Array:
        layer = self.layer
        result = np.empty(self.input.shape, self.dtype)
        for first in range(0, len(error), self.chunk):
            chunk = error[first : first + self.chunk]
            target = result[first : first + self.chunk]
            rows = chunk.reshape(len(chunk) * self.positions, -1)
            patches = target.reshape(len(rows), -1) if self.plain else self._workspace(len(chunk))
            for columns, channels, weight in self._groups():
                products.product(rows[:, channels], weight, out=patches[:, columns])
            if not self.plain:
                shaped = patches.reshape(len(chunk), *layer.out_shape[:2], -1)
                sum_patches(shaped, layer.kernel, layer.stride, (layer.padding[0], layer.padding[2]), layer.dilation, layer.groups, target)
        return result

    def _groups(self) -> list[tuple[slice, slice, Array]]:
        """Of every group: its columns of the patch matrix, its output channels, its weights (K/groups, reduction)."""
        weight = self.parameters["weight"].reshape(-1, self.reduction)
        share = len(weight) // self.layer.groups
        channels = [slice(g * share, (g + 1) * share) for g in range(self.layer.groups)]
        return [(slice(g * self.reduction, (g + 1) * self.reduction), part, weight[part]) for g, part in enumerate(channels)]

    def _patches(self, maps: Array) -> Array:
        """Patch matrix (samples * P * Q, groups * R * S * C/groups) of some samples."""
        layer = self.layer
        if self.plain:
            return maps.reshape(-1, self.patch_length)
        patches = self._workspace(len(maps))
        shaped = patches.reshape(len(maps), *layer.out_shape[:2], -1)
        gather_patches(maps, layer.kernel, layer.stride, (layer.padding[0], layer.padding[2]), layer.dilation, layer.groups, shaped)
        return patches

    def _workspace(self, samples: int) -> Array:
        size = samples * self.positions * self.patch_length
        if self.buffer.size < size:
            self.buffer = np.empty(size, self.dtype)
        return self.buffer[:size].reshape(-1, self.patch_length)
