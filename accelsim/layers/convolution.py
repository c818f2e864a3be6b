"""Convolution, computed as a matrix product over patches.

Weighted layers have no bias; a bias is a layer of its own (`accelsim/layers/bias.py`). Where a
batch norm follows, its shift acts as the bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.kernels.tensors.patches import gather_patches, sum_patches
from accelsim.layers import windows
from accelsim.layers.contraction_layer import ContractionLayer, ContractionNumerics
from accelsim.numerics import batch_parts, memory, products
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Nest, convolution_nest
from accelsim.step.window import Window
from accelsim.workload.network import Pair
from accelsim.workload.section import Extent, LayerSection, Sources

PATCH_BYTES = 1 << 19
"""Size of the patch buffer in bytes. It must stay in a core's cache from the time it is filled
until the matrix product reads it.
"""
PATCH_ROWS = 512
"""Minimum number of positions per matrix product, even if they exceed ``PATCH_BYTES``. With fewer
positions, reading the weights takes longer than multiplying.
"""
MOST_PARTS = 8
"""Maximum number of batch parts processed in parallel. It is a constant so that results do not
depend on the number of threads.
"""
PART_MACS = 1 << 20
"""Minimum number of MACs per batch part."""


class ConvolutionSection(LayerSection):
    """Keys of a convolution without bias."""

    kind: Literal["conv"] = Field(description="Convolution.")
    out_channels: Extent = Field(description="Channels of the output map (K).")
    kernel: windows.Window = Field(description="Kernel size: a number, or [rows, columns] (R, S).")
    stride: windows.Window = Field(1, description="Stride: a number, or [rows, columns].")
    padding: windows.Padding = Field(0, description=windows.PADDING)
    dilation: windows.Window = Field(
        1, description="Distance between kernel taps: a number, or [rows, columns]."
    )
    groups: Extent = Field(
        1,
        description="Groups of channels that don't see each other; divides the channels of input "
        "and output.",
    )

    def layer(self, sources: Sources) -> Convolution:
        (source,) = sources.shapes
        kernel, stride, dilation = map(windows.pair, (self.kernel, self.stride, self.dilation))
        for side, channels in (("input", source[2]), ("output", self.out_channels)):
            if channels % self.groups:
                sources.fault("groups", f"a divisor of the {channels} {side} channels", self.groups)
        place = windows.geometry(source, kernel, stride, dilation, self.padding)
        if place.fault:
            sources.fault(*place.fault)
        return Convolution(
            self.name,
            sources.names,
            sources.shapes,
            place.out_shape(self.out_channels),
            kernel,
            stride,
            place.padding,
            dilation,
            self.groups,
        )


@dataclass(frozen=True)
class Convolution(ContractionLayer):
    """A convolution with weights of shape (K, R, S, C/groups).

    ``kernel``, ``stride`` and ``dilation`` are (rows, columns); ``padding`` is (top, bottom, left,
    right).
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    kind: ClassVar[str] = "conv"

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.out_shape[2], *self.kernel, self.in_shape[2] // self.groups)

    @property
    def reach(self) -> tuple[Pair, Pair]:
        rows, columns = (
            dilation * (taps - 1) + 1
            for dilation, taps in zip(self.dilation, self.kernel, strict=True)
        )
        return (rows, columns), self.stride

    @property
    def divisor(self) -> int:
        return self.groups

    def nest(self, samples: int) -> Nest:
        (h, w, c), (p, q, k), (r, s) = self.in_shape, self.out_shape, self.kernel
        top, _, left, _ = self.padding
        rows = Window(h, p, r, self.stride[0], self.dilation[0], top)
        columns = Window(w, q, s, self.stride[1], self.dilation[1], left)
        return convolution_nest(samples, k, c, rows, columns, self.groups)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> ConvolutionNumerics:
        return ConvolutionNumerics(self, dtype)


@dataclass(frozen=True)
class Patches:
    """How a convolution reads a map.

    ``kernel``, ``stride`` and ``dilation`` are (rows, columns), ``pad`` is (above, left), and
    ``positions`` are the outputs (P, Q) per sample.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    positions: tuple[int, int]

    @property
    def plain(self) -> bool:
        """True if the map is its own patch matrix (a 1x1 kernel, stride 1, no padding)."""
        return self.kernel == (1, 1) and self.stride == (1, 1) and self.pad == (0, 0)

    def shaped(self, patches: Array, samples: int) -> Array:
        """View a patch matrix as (samples, P, Q, length)."""
        return patches.reshape(samples, *self.positions, -1)

    def patches(self, maps: Array) -> Array:
        """Patch matrix (samples * P * Q, groups * R * S * C/groups) of some samples. It lies in
        this thread's workspace, except for a plain convolution, where it is a view of ``maps``.
        """
        length = self.kernel[0] * self.kernel[1] * maps.shape[3]
        if self.plain:
            return maps.reshape(-1, length)
        patches = batch_parts.workspace(
            len(maps) * prod(self.positions) * length, maps.dtype
        ).reshape(-1, length)
        gather_patches(
            maps,
            self.kernel,
            self.stride,
            self.pad,
            self.dilation,
            self.groups,
            self.shaped(patches, len(maps)),
        )
        return patches

    def sum(self, patches: Array, maps: Array) -> None:
        """Transpose of `patches`: add every patch element to its map element, and write the sums to
        ``maps``.
        """
        sum_patches(
            self.shaped(patches, len(maps)),
            self.kernel,
            self.stride,
            self.pad,
            self.dilation,
            self.groups,
            maps,
        )


class ConvolutionNumerics(ContractionNumerics):
    """y[n,p,q,k] = sum over r, s, c of W[k,r,s,c] x[n, p*stride - pad + r*dilation, ..., c]. With
    groups, output channels of group g read the input channels of group g only.
    """

    layer: Convolution

    def __init__(self, layer: Convolution, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        (height, width, channels), (rows, columns, outputs) = layer.in_shape, layer.out_shape
        (down, right), (top, left) = layer.kernel, (layer.padding[0], layer.padding[2])
        self.reduction = down * right * channels // layer.groups
        self.positions = rows * columns
        self.part_samples = max(1, PART_MACS // (self.positions * self.reduction * outputs))
        self.window = Patches(
            layer.kernel, layer.stride, (top, left), layer.dilation, layer.groups, (rows, columns)
        )
        self.mirrored: Patches | None = None
        """Patches of the output error that give the error at the input as a convolution. Set only
        for stride 1 and equal input and output sizes; else None, because the patches would contain
        zeros between positions.
        """
        if layer.stride == (1, 1) and height * width == rows * columns:
            pad = ((down - 1) * layer.dilation[0] - top, (right - 1) * layer.dilation[1] - left)
            self.mirrored = Patches(
                layer.kernel, (1, 1), pad, layer.dilation, layer.groups, (height, width)
            )

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = np.ascontiguousarray(inputs[0])
        output = memory.empty((len(self.input), *self.layer.out_shape), self.dtype)
        weights = [
            np.ascontiguousarray(w.T) if w.size <= products.THIN else w.T
            for w in self._by_group(self.parameters["weight"])
        ]
        self._convolve(self.input, self.window, weights, output)
        return output

    def learn(self, error: Array) -> None:
        error = np.ascontiguousarray(error)
        # With few positions per part, adding a gradient would take longer than computing it.
        parts = batch_parts.split(
            len(error), min(self._parts(len(error)), len(error) * self.positions // PATCH_ROWS)
        )
        gradient, *others = batch_parts.over(
            parts, lambda part: self._gradient(self.input[part], error[part])
        )
        for other in others:
            gradient += other
        self.gradients = {"weight": gradient.reshape(self.layer.weight_shape)}

    def carry(self, error: Array, weight: Array) -> Array:
        error = np.ascontiguousarray(error)
        result = memory.empty(self.input.shape, self.dtype)
        weights = self._by_group(weight)
        if self.mirrored is None:
            self._spread(error, weights, result)
        else:
            shape = (-1, *self.layer.kernel, self.layer.in_shape[2] // self.layer.groups)
            turned = [
                w.reshape(shape)[:, ::-1, ::-1].transpose(1, 2, 0, 3).reshape(-1, shape[3])
                for w in weights
            ]
            self._convolve(error, self.mirrored, turned, result)
        return result

    def _parts(self, samples: int) -> int:
        """Number of parts into which a batch of ``samples`` is split."""
        return min(MOST_PARTS, max(1, samples // self.part_samples))

    def _chunks(self, samples: int, positions: int, length: int) -> list[slice]:
        """Slices of samples whose patches fill the buffer at one time."""
        rows = max(PATCH_ROWS, PATCH_BYTES // (length * self.dtype.itemsize))
        return batch_parts.split(samples, -(-samples * positions // rows))

    def _convolve(self, maps: Array, window: Patches, weights: list[Array], output: Array) -> None:
        """Fill ``output`` with the products of the patches of ``maps`` and the weights of every
        group, each (R * S * C/groups, K/groups).
        """
        length, share = weights[0].shape

        def fill(part: slice) -> None:
            for chunk in self._chunks(
                part.stop - part.start, prod(window.positions), length * len(weights)
            ):
                samples = slice(part.start + chunk.start, part.start + chunk.stop)
                patches = window.patches(maps[samples])
                rows = output[samples].reshape(len(patches), -1)
                for g, weight in enumerate(weights):
                    products.product(
                        patches[:, g * length : (g + 1) * length],
                        weight,
                        out=rows[:, g * share : (g + 1) * share],
                    )

        batch_parts.over(batch_parts.split(len(maps), self._parts(len(maps))), fill)

    def _gradient(self, maps: Array, error: Array) -> Array:
        """Weight gradient (K, reduction) of some samples."""
        groups = self.layer.groups
        share, length = self.layer.out_shape[2] // groups, self.reduction
        gradient = np.empty((share * groups, length), self.dtype)
        for chunk in self._chunks(len(maps), self.positions, length * groups):
            patches = self.window.patches(maps[chunk])
            rows = error[chunk].reshape(len(patches), -1)
            for g in range(groups):
                channels, columns = (
                    slice(g * share, (g + 1) * share),
                    slice(g * length, (g + 1) * length),
                )
                if chunk.start == 0:
                    products.product(
                        rows[:, channels].T, patches[:, columns], out=gradient[channels]
                    )
                else:
                    gradient[channels] += products.product(rows[:, channels].T, patches[:, columns])
        return gradient

    def _spread(self, error: Array, weights: list[Array], result: Array) -> None:
        """Fill ``result`` with the error at the input: multiply errors by weights to get patches,
        then sum the patches into the map.
        """
        share, length = weights[0].shape

        def fill(part: slice) -> None:
            for chunk in self._chunks(
                part.stop - part.start, self.positions, length * len(weights)
            ):
                samples = slice(part.start + chunk.start, part.start + chunk.stop)
                rows = error[samples].reshape(-1, share * len(weights))
                patches = batch_parts.workspace(
                    len(rows) * length * len(weights), self.dtype
                ).reshape(len(rows), -1)
                for g, weight in enumerate(weights):
                    products.product(
                        rows[:, g * share : (g + 1) * share],
                        weight,
                        out=patches[:, g * length : (g + 1) * length],
                    )
                self.window.sum(patches, result[samples])

        batch_parts.over(batch_parts.split(len(error), self._parts(len(error))), fill)

    def _by_group(self, weight: Array) -> list[Array]:
        """Weights of each group, each (K/groups, reduction)."""
        return list(weight.reshape(self.layer.groups, -1, self.reduction))
