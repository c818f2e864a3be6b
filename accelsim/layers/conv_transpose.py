"""Transposed convolution (deconvolution): the map that a convolution with these weights would send
its errors to. It enlarges maps in decoders and generators.

FF is the error propagation of that convolution, stride zeros included, EP is its forward pass, and
WG is its weight gradient, whose maps are those of the output error and whose errors are the input.
On a near-memory machine the weights of an output channel lie together, so that FF reads them in
place and EP transposes them, as for a convolution. WG sums the gradients of an input channel in one
place, so they pass the global buffer on their way to the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers import windows
from accelsim.layers.contraction_layer import ContractionLayer, ContractionNumerics
from accelsim.layers.convolution import Convolution, ConvolutionNumerics
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Nest
from accelsim.step.ops import Pass, Use
from accelsim.workload.lowering import gradient_of, operands
from accelsim.workload.network import Pair
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

Extra = windows.Pad | tuple[windows.Pad, windows.Pad]


class ConvTransposeSection(LayerSection):
    """Keys of a transposed convolution without bias."""

    kind: Literal["conv_transpose"] = Field(description="Transposed convolution.")
    out_channels: Extent = Field(description="Channels of the output map.")
    kernel: windows.Window = Field(description="Kernel size: a number, or [rows, columns].")
    stride: windows.Window = Field(
        1, description="Factor between input and output map: a number, or [rows, columns]."
    )
    padding: windows.Padding = Field(
        0,
        description="Rows and columns that are cut off: a number, [rows, columns], [top, bottom, "
        "left, right], `valid` (none) or `same` (output = input x stride).",
    )
    output_padding: Extra = Field(
        0, description="Rows and columns added below and right, fewer than stride or dilation."
    )
    dilation: windows.Window = Field(1, description="Distance between kernel taps.")
    groups: Extent = Field(
        1, description="Groups of channels that don't see each other; divides input and output."
    )

    def layer(self, sources: Sources) -> ConvTranspose:
        (source,) = sources.shapes
        kernel, stride, dilation = map(windows.pair, (self.kernel, self.stride, self.dilation))
        for side, channels in (("input", source[2]), ("output", self.out_channels)):
            if channels % self.groups:
                sources.fault("groups", f"a divisor of the {channels} {side} channels", self.groups)
        added = windows.pair(self.output_padding)
        most = tuple(max(each) - 1 for each in zip(stride, dilation, strict=True))
        if any(extra > limit for extra, limit in zip(added, most, strict=True)):
            rule = f"at most {most[0]}x{most[1]}, less than stride or dilation"
            sources.fault("output_padding", rule, f"{added[0]}x{added[1]}")
        extents, zeros = [], []
        for axis in (0, 1):
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            whole = (source[axis] - 1) * stride[axis] + reach
            if self.padding == "same":
                cut = max(reach - stride[axis], 0)
                extent, before, after = source[axis] * stride[axis], cut // 2, cut - cut // 2
            else:
                before, after = windows.sides(self.padding, axis)
                extent = whole - before - after + added[axis]
            if extent < 1:
                rule = f"less than the {whole} {('rows', 'columns')[axis]} of the whole output"
                sources.fault("padding", rule, f"{before}+{after}")
            extents.append(max(extent, 1))
            zeros += [before, after]
        shape = (extents[0], extents[1], self.out_channels)
        top, bottom, left, right = zeros
        return ConvTranspose(
            self.name,
            sources.names,
            sources.shapes,
            shape,
            kernel,
            stride,
            (top, bottom, left, right),
            dilation,
            self.groups,
        )


@dataclass(frozen=True)
class ConvTranspose(ContractionLayer):
    """A transposed convolution with weights of shape (K, R, S, C/groups).

    ``kernel``, ``stride`` and ``dilation`` are (rows, columns); ``padding`` is (top, bottom, left,
    right) of the convolution that it transposes.
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    kind: ClassVar[str] = "conv_transpose"
    gradients_at_weights: ClassVar[bool] = False

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.out_shape[2], *self.kernel, self.in_shape[2] // self.groups)

    @property
    def reach(self) -> tuple[Pair, Pair]:
        rows, columns = (
            -(-(dilation * (taps - 1) + 1) // stride)
            for dilation, taps, stride in zip(self.dilation, self.kernel, self.stride, strict=True)
        )
        return (rows, columns), (1, 1)

    @property
    def divisor(self) -> int:
        return self.groups

    @cached_property
    def convolution(self) -> Convolution:
        """The convolution that it transposes, from its output map to its input map."""
        shape, source = self.in_shape, (self.out_shape,)
        geometry = self.kernel, self.stride, self.padding, self.dilation, self.groups
        return Convolution(self.name, self.inputs[:1], source, shape, *geometry)

    def nest(self, samples: int) -> Nest:
        return self.convolution.nest(samples).backward_by_channel

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.WG``."""
        read = operands(error, Use.MOVING, f"{self.name}.error") + operands(
            low.input_of(self), Use.STATIONARY, f"{self.name}.input"
        )
        nest = self.convolution.nest(low.samples).gradient
        gradient = gradient_of(low.weight(self), self.gradients_at_weights)
        low.contraction(f"{self.name}.WG", self.name, Pass.WG, nest, read, [gradient])

    def numerics(self, dtype: np.dtype[Any], steps: int) -> ConvTransposeNumerics:
        return ConvTransposeNumerics(self, dtype)


class ConvTransposeNumerics(ContractionNumerics):
    """y[n, p*stride - pad + r*dilation, ..., k] is the sum of W[k,r,s,c] x[n,p,q,c] over all p, r,
    q, s that meet there, and over c. With groups, output channels of group g read the input
    channels of group g only.
    """

    layer: ConvTranspose

    def __init__(self, layer: ConvTranspose, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        self.convolution = ConvolutionNumerics(layer.convolution, dtype)

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = np.ascontiguousarray(inputs[0])
        # Only the shape of the map is read, which the errors go to.
        shape = (len(self.input), *self.layer.out_shape)
        self.convolution.input = np.broadcast_to(np.zeros(1, self.dtype), shape)
        return self.convolution.carry(self.input, self._swapped(self.parameters["weight"]))

    def learn(self, error: Array) -> None:
        self.convolution.input = np.ascontiguousarray(error)
        self.convolution.learn(self.input)
        gradient = self.convolution.gradients["weight"]
        self.gradients = {"weight": self._swapped(gradient).reshape(self.layer.weight_shape)}

    def carry(self, error: Array, weight: Array) -> Array:
        self.convolution.parameters = {"weight": self._swapped(weight)}
        return self.convolution.forward((error,), training=True)

    def _swapped(self, weight: Array) -> Array:
        """Weights (groups * A, R, S, B) of one direction as (groups * B, R, S, A) of the other."""
        outer, rows, columns, inner = weight.shape
        groups = self.layer.groups
        parts = weight.reshape(groups, outer // groups, rows, columns, inner)
        shape = (groups * inner, rows, columns, outer // groups)
        return np.ascontiguousarray(parts.transpose(0, 4, 2, 3, 1)).reshape(shape)
