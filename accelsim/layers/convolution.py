"""Convolution, as a matrix product over patches.

Layers carry weights alone, no bias: the network description has none, so numbers and ops count the
same words. A batch norm's shift takes its place where there is one.
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
from accelsim.step.contraction import Nest, Window, convolution_nest
from accelsim.workload.network import Pair
from accelsim.workload.section import Extent, LayerSection, Sources

PATCH_BYTES = 1 << 19
"""Size of the patch buffer: small enough to stay in a core's own cache between its filling and the
matrix product.
"""
PATCH_ROWS = 512
"""Positions that a matrix product has at least, whatever the buffer's size: with fewer, reading the
weights takes longer than multiplying.
"""
MOST_PARTS = 8
"""Parts of a batch at most that are worked on at once, fixed so that results do not depend on the
threads.
"""
PART_MACS = 1 << 20
"""Multiply-accumulates that are worth a part of their own."""


class ConvolutionSection(LayerSection):
    """A convolution, without bias."""

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
    """``padding``: (top, bottom, left, right). Weights are (K, R, S, C/groups)."""

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    kind: ClassVar[str] = "conv"
    ends_networks: ClassVar[bool] = True

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
    """Where a convolution reads a map: pairs (rows, columns), ``pad`` above and left, and the
    positions (P, Q) that it makes of one sample.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    positions: tuple[int, int]

    @property
    def plain(self) -> bool:
        """The map is its own patch matrix."""
        return self.kernel == (1, 1) and self.stride == (1, 1) and self.pad == (0, 0)

    def shaped(self, patches: Array, samples: int) -> Array:
        """A patch matrix as (samples, P, Q, length)."""
        return patches.reshape(samples, *self.positions, -1)

    def patches(self, maps: Array) -> Array:
        """Patch matrix (samples * P * Q, groups * R * S * C/groups) of some samples, in this
        thread's workspace.
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
        """The transpose of `patches`: fills ``maps``."""
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
    """y[n,p,q,k] = sum over r, s, c of W[k,r,s,c] x[n, p*stride - pad + r*dilation, ..., c]; groups
    split C and K alike.
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
        """Where the error at the input reads the error at the output: of steps of one position
        alone, else it would read zeros between positions.
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
        # Of few positions a part's gradient would take longer to add than to make.
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
        return min(MOST_PARTS, max(1, samples // self.part_samples))

    def _chunks(self, samples: int, positions: int, length: int) -> list[slice]:
        """Samples whose patches are made at once."""
        rows = max(PATCH_ROWS, PATCH_BYTES // (length * self.dtype.itemsize))
        return batch_parts.split(samples, -(-samples * positions // rows))

    def _convolve(self, maps: Array, window: Patches, weights: list[Array], output: Array) -> None:
        """Fill ``output`` with the products of the patches of ``maps`` and of every group's weights
        (R * S * C/groups, K/groups).
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
        """Gradient (K, reduction) of some samples."""
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
        """Fill ``result`` with the sums of the patches that the errors make of the weights."""
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
        """Of every group its weights (K/groups, reduction)."""
        return list(weight.reshape(self.layer.groups, -1, self.reduction))
