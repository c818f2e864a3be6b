"""Batch normalization, with scale and shift."""

from __future__ import annotations

from math import gcd, prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from accelsim.kernels.tensors.normalization import (
    channel_moments,
    error_moments,
    normalize,
    normalize_back,
)
from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Role, Tensor
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

ROW = 128
"""Minimum row length, in elements, for fast inner loops in the kernels."""

FORWARD_SUMS, FORWARD_OPS = 3, 7
"""Operations per element of the sums, and in all: sum 1, sum of squares 2; centre 1, normalize 1,
scale and shift 2. Work done once per channel is not counted.
"""
REMAKE_OPS = 2
"""Operations per element that normalize the map again: centre 1, normalize 1."""
BACKWARD_SUMS, BACKWARD_OPS = 3, 7
"""Operations per element of the sums, and in all: gradient of the scale 2, gradient of the shift 1;
scale * (e - mean(e) - normalized * mean(e * normalized)) 4.
"""


class BatchNormSection(LayerSection):
    """Keys of a batch normalization: per channel, over the batch and the map."""

    kind: Literal["batch_norm"] = Field(description="Batch normalization (with scale and shift).")

    def layer(self, sources: Sources) -> BatchNorm:
        return BatchNorm(self.name, sources.names, sources.shapes, sources.shapes[0])


class BatchNorm(VectorLayer):
    """Batch normalization. Its parameters, scale and shift, are one weight tensor of
    shape (C, 2).
    """

    kind: ClassVar[str] = "batch_norm"
    normalizes: ClassVar[bool] = True

    @property
    def learns(self) -> bool:
        return True

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        shape = (self.out_shape[2], 2)
        return (Tensor(f"{self.name}.weight", Role.WEIGHT, shape, persistent=True),)

    def work(self) -> Work:
        return Work(
            "batch_norm",
            prod(self.out_shape),
            FORWARD_OPS,
            Form.STATISTICS,
            FORWARD_SUMS,
            REMAKE_OPS,
        )

    def work_back(self) -> Work:
        return Work(
            "batch_norm_backward",
            prod(self.out_shape),
            BACKWARD_OPS,
            Form.STATISTICS,
            BACKWARD_SUMS,
        )

    def reads(self, low: Lowering) -> Value:
        """The input map, read twice because the statistics must be complete before the first
        element can be normalized, then the parameters.
        """
        source = super().reads(low)
        return (*source, *source, low.weight(self))

    def stash(self, low: Lowering) -> Value:
        """The normalized map, which the backward op needs."""
        return low.tensors(f"{self.name}.normalized", Role.ACTIVATION, self.out_shape, stash=True)

    def reads_back(self, low: Lowering, error: Value) -> Value:
        """The error and the stash, each read twice, then the parameters. The first reading computes
        the parameters' gradients, which are sums over the batch; the second uses these sums to
        compute the error at the input.
        """
        maps = super().reads_back(low, error)
        return (*maps, *maps, low.weight(self))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> BatchNormNumerics:
        return BatchNormNumerics(self, dtype)


class BatchNormNumerics(LayerNumerics):
    """Normalization per channel over the batch and the map, then scale and shift (Ioffe & Szegedy
    2015, algorithm 1).

    Training normalizes with the batch's own biased moments and moves the running moments towards
    them by ``MOMENTUM``. Evaluation uses the running moments.
    """

    EPSILON = 1e-5
    MOMENTUM = 0.1

    def __init__(self, layer: BatchNorm, dtype: np.dtype[Any]) -> None:
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
        # dL/dx = scale / deviation * (e - mean(e) - normalized * mean(e * normalized)), because the
        # moments also depend on x.
        count = error.size // len(total)
        result = memory.empty(rows.shape, self.dtype)
        slope, mean, gain = self._tiled(
            -products / count, total / count, self.parameters["scale"] / self.deviation
        )
        normalize_back(rows, self.input, scale, shift, slope, mean, gain, result)
        return (result.reshape(error.shape),)

    def moments(self) -> dict[str, Array]:
        return {"running_mean": self.running_mean, "running_variance": self.running_variance}

    def _rows(self, maps: Array) -> Array:
        """Reshape maps (N, H, W, C) to rows of whole positions. Positions are joined until a row
        has about ``ROW`` elements, as far as their number divides evenly.
        """
        channels = maps.shape[3]
        positions = maps.size // channels
        joined = gcd(positions, 1 << max(0, (ROW - 1) // channels).bit_length())
        return np.ascontiguousarray(maps).reshape(-1, joined * channels)

    def _a_channel(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums per channel (C,), from sums per column of the rows."""
        return np.asarray(sums.reshape(-1, self.layer.out_shape[2]).sum(axis=0))

    def _normalization(self) -> tuple[Array, ...]:
        """(scale, shift) per column of the rows, such that normalized = x * scale - shift."""
        return self._tiled(1 / self.deviation, self.mean / self.deviation)

    def _tiled(self, *channels: Array) -> tuple[Array, ...]:
        """Repeat values per channel (C,) for every column of the rows."""
        times = self.input.shape[1] // self.layer.out_shape[2]
        return tuple(np.tile(values.astype(self.dtype), times) for values in channels)
