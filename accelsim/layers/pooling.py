"""Pooling over windows and over the whole map.

Average pooling makes one pass over the map per kernel position. Kernel positions are visited by
row, then by column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.kernels.tensors.pooling import pool_errors, pool_maxima
from accelsim.layers import windows
from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Role
from accelsim.workload.lowering import Work, index_bits
from accelsim.workload.network import Pair
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class PoolSection(LayerSection):
    """Keys of a pooling over windows."""

    kind: Literal["max_pool", "avg_pool"] = Field(
        description="Maximum or mean over each window; the mean counts padding zeros."
    )
    kernel: windows.Window = Field(description="Window size: a number, or [rows, columns].")
    stride: windows.Window | None = Field(
        None, description="Stride: a number, or [rows, columns]; the window's size when not given."
    )
    padding: windows.Padding = Field(0, description=f"{windows.PADDING} Smaller than the window.")

    def layer(self, sources: Sources) -> Pool:
        (source,), kernel = sources.shapes, windows.pair(self.kernel)
        stride = kernel if self.stride is None else windows.pair(self.stride)
        place = windows.geometry(source, kernel, stride, (1, 1), self.padding)
        top, bottom, left, right = place.padding
        if max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
            sizes = f"{top}x{left} for {kernel[0]}x{kernel[1]}"
            sources.fault("padding", "smaller than the kernel", sizes)
        elif place.fault:
            sources.fault(*place.fault)
        pool = MaxPool if self.kind == "max_pool" else AveragePool
        shape = place.out_shape(source[2])
        return pool(self.name, sources.names, sources.shapes, shape, kernel, stride, place.padding)


class GlobalPoolSection(LayerSection):
    """Keys of a mean over the whole map."""

    kind: Literal["global_avg_pool"] = Field(
        description="Mean over the whole map, channel by channel."
    )

    def layer(self, sources: Sources) -> GlobalAveragePool:
        rows, columns, channels = sources.shapes[0]
        whole, shape = (rows, columns), (1, 1, channels)
        return GlobalAveragePool(self.name, sources.names, sources.shapes, shape, whole, whole)


@dataclass(frozen=True)
class Pool(VectorLayer):
    """Base of the pooling layers. ``kernel`` and ``stride`` are (rows, columns); ``padding`` is
    (top, bottom, left, right).
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def reach(self) -> tuple[Pair, Pair]:
        return self.kernel, self.stride

    def work_back(self) -> Work:
        """Each input element sums the errors of every window that covers it."""
        (down, right), (rows, columns) = self.stride, self.kernel
        windows = ceil(rows / down) * ceil(columns / right)
        form = Form.EXPANSION if windows == 1 else Form.OTHER
        return Work("pool_backward", prod(self.in_shape), windows, form)

    def windows(self, ops_per_window: int) -> Work:
        """Forward work. All rows of a window but its last wait for that one."""
        row = self.in_shape[1] * self.in_shape[2]
        windows = [self._rows(place) for place in range(self.out_shape[0])]
        return Work(
            "pool",
            prod(self.out_shape),
            ops_per_window,
            Form.WINDOWS,
            row_bound=row * max((len(rows) - 1 for rows in windows), default=0),
            kept=row * len({each for rows in windows for each in rows[:-1]}),
            taken=row * sum(len(rows) - 1 for rows in windows),
        )

    def _rows(self, place: int) -> range:
        """Rows of the map in the windows of an output row; padding is not stored."""
        first = place * self.stride[0] - self.padding[0]
        rows = range(max(0, first), min(self.in_shape[0], first + self.kernel[0]))
        return rows or range(1)


class MaxPool(Pool):
    """Maximum of each window. It stashes the winning position of each window."""

    kind: ClassVar[str] = "max_pool"
    keeps_rectified: ClassVar[bool] = True

    def work(self) -> Work:
        return self.windows(prod(self.kernel) - 1 or 1)

    def stash(self, low: Lowering) -> Value:
        bits = index_bits(prod(self.kernel))
        return low.tensors(f"{self.name}.index", Role.INDEX, self.out_shape, bits, stash=True)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> MaxPoolNumerics:
        return MaxPoolNumerics(self, dtype)


class AveragePool(Pool):
    """Mean of each window."""

    kind: ClassVar[str] = "avg_pool"

    def work(self) -> Work:
        return self.windows(prod(self.kernel))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> AveragePoolNumerics:
        return AveragePoolNumerics(self, dtype)


class GlobalAveragePool(Pool):
    """Mean of each channel over one window that is the whole map."""

    kind: ClassVar[str] = "global_avg_pool"

    def work(self) -> Work:
        # Sums of the channels take no line buffer.
        window = self.in_shape[0] * self.in_shape[1]
        return Work("pool", prod(self.out_shape), window, Form.WINDOWS)

    def work_back(self) -> Work:
        return Work("pool_backward", prod(self.in_shape), 1, Form.EXPANSION)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> GlobalAveragePoolNumerics:
        return GlobalAveragePoolNumerics(self, dtype)


def _padded(maps: Array, layer: Pool, fill: float) -> Array:
    """Maps with the layer's padding, filled with ``fill``."""
    top, bottom, left, right = layer.padding
    if not any(layer.padding):
        return maps
    return np.pad(maps, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)


def _unpadded(maps: Array, layer: Pool) -> Array:
    """Inverse of `_padded`."""
    top, _, left, _ = layer.padding
    return maps[:, top : top + layer.in_shape[0], left : left + layer.in_shape[1]]


def _taps(layer: Pool) -> Iterator[tuple[slice, slice]]:
    """Per kernel position: the rows and columns of the padded map that it reads for all outputs."""
    (rows, columns), (down, right) = layer.out_shape[:2], layer.stride
    for r in range(layer.kernel[0]):
        for s in range(layer.kernel[1]):
            yield (
                slice(r, r + (rows - 1) * down + 1, down),
                slice(s, s + (columns - 1) * right + 1, right),
            )


class MaxPoolNumerics(LayerNumerics):
    """Maximum of the window. Padding never wins. The error goes to the first position that holds
    the maximum.
    """

    layer: MaxPool

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
        return layer.kernel, layer.stride, (layer.padding[0], layer.padding[2]), (1, 1)


class AveragePoolNumerics(LayerNumerics):
    """Mean of the window. Padding zeros count as elements."""

    layer: AveragePool

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


class GlobalAveragePoolNumerics(LayerNumerics):
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
