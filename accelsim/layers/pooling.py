"""Pooling, one pass over the map for every kernel position; positions are taken in kernel row,
kernel column order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from accelsim.kernels.tensors.pooling import Pair, pool_errors, pool_maxima
from accelsim.layers.numerics import LayerNumerics
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.workload.network import Layer


def _padded(maps: Array, layer: Layer, fill: float) -> Array:
    top, bottom, left, right = layer.padding
    if not any(layer.padding):
        return maps
    return np.pad(maps, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)


def _unpadded(maps: Array, layer: Layer) -> Array:
    top, _, left, _ = layer.padding
    return maps[:, top : top + layer.in_shape[0], left : left + layer.in_shape[1]]


def _taps(layer: Layer) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the padded map that each kernel position reads, for all outputs at
    once.
    """
    (rows, columns), (down, right) = layer.out_shape[:2], layer.stride
    for r in range(layer.kernel[0]):
        for s in range(layer.kernel[1]):
            top, left = r * layer.dilation[0], s * layer.dilation[1]
            yield (
                slice(top, top + (rows - 1) * down + 1, down),
                slice(left, left + (columns - 1) * right + 1, right),
            )


class MaxPool(LayerNumerics):
    """Maximum of the window; padding never wins. The error goes to the first position that holds
    the maximum.
    """

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        maps = np.ascontiguousarray(inputs[0])
        output = memory.empty((len(maps), *self.layer.out_shape), maps.dtype)
        self.winner = np.empty(
            output.shape, np.min_scalar_type(self.layer.kernel[0] * self.layer.kernel[1] - 1)
        )
        kernel, stride, pad, dilation = self._window()
        pool_maxima(maps, kernel, stride, pad, dilation, output, self.winner)
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        result = memory.empty((len(error), *self.layer.in_shape), self.dtype)
        kernel, stride, pad, dilation = self._window()
        pool_errors(np.ascontiguousarray(error), self.winner, kernel, stride, pad, dilation, result)
        return (result,)

    def _window(self) -> tuple[Pair, Pair, Pair, Pair]:
        layer = self.layer
        return layer.kernel, layer.stride, (layer.padding[0], layer.padding[2]), layer.dilation


class AveragePool(LayerNumerics):
    """Mean of the window, padding zeros included in the count."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        padded = _padded(inputs[0], self.layer, 0.0)
        self.padded_shape = padded.shape
        output = np.zeros((len(padded), *self.layer.out_shape), self.dtype)
        for rows, columns in _taps(self.layer):
            output += padded[:, rows, columns]
        output /= self.layer.kernel[0] * self.layer.kernel[1]
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        share = error / self.dtype.type(self.layer.kernel[0] * self.layer.kernel[1])
        result = np.zeros(self.padded_shape, self.dtype)
        for rows, columns in _taps(self.layer):
            result[:, rows, columns] += share
        return (_unpadded(result, self.layer),)


class GlobalAveragePool(LayerNumerics):
    """Mean of the whole map."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        return np.asarray(inputs[0].mean(axis=(1, 2), keepdims=True))

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        height, width, _ = self.layer.in_shape
        return (
            np.broadcast_to(
                error / self.dtype.type(height * width), (len(error), *self.layer.in_shape)
            ),
        )
