"""Layer normalization, with scale and shift."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.position_norm import (
    PositionNorm,
    PositionNormNumerics,
    PositionNormSection,
)
from accelsim.numerics.arrays import Array
from accelsim.workload.lowering import Work
from accelsim.workload.section import Sources

FORWARD_OPS = 7
"""Operations per element: sum 1, centre 1, square and sum 2, normalize 1, scale and shift 2. Work
done once per position (divisions by C, the root) is not counted.
"""
BACKWARD_OPS = 13
"""Operations per element: n = normalized input again 2; gradient of the scale 2, of the shift 1;
g = scale * e 1; sums of g and of g * n 3; (g - mean(g) - n * mean(g * n)) / deviation 4.
"""


class LayerNormSection(PositionNormSection):
    """Keys of a layer normalization: over the channels of each position."""

    kind: Literal["layer_norm"] = Field(
        description="Layer normalization (with scale and shift) over the channels of each position."
    )

    def layer(self, sources: Sources) -> LayerNorm:
        return LayerNorm(
            self.name, sources.names, sources.shapes, sources.shapes[0], epsilon=self.epsilon
        )


class LayerNorm(PositionNorm):
    """Layer normalization. Scale and shift are one weight tensor of shape (C, 2); mean and
    1 / deviation of each position are kept.
    """

    kind: ClassVar[str] = "layer_norm"
    moments: ClassVar[int] = 2
    parts: ClassVar[int] = 2

    def work(self) -> Work:
        return Work("layer_norm", prod(self.out_shape), FORWARD_OPS)

    def work_back(self) -> Work:
        return Work("layer_norm_backward", prod(self.out_shape), BACKWARD_OPS)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> LayerNormNumerics:
        return LayerNormNumerics(self, dtype)


class LayerNormNumerics(PositionNormNumerics):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + shift, with the biased variance over the
    channels of a position (Ba et al. 2016).
    """

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        channels = self.layer.out_shape[2]
        return {"scale": np.ones(channels, self.dtype), "shift": np.zeros(channels, self.dtype)}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = inputs[0]
        self.centre = self.mean(self.input)
        self.inverse = self.inverse_root(self.input - self.centre)
        return self.normalized() * self.parameters["scale"] + self.parameters["shift"]

    def normalized(self) -> Array:
        return (self.input - self.centre) * self.inverse

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        normalized = self.normalized()
        self.gradients = {
            "scale": self.per_channel(error * normalized),
            "shift": self.per_channel(error),
        }
        if not propagate:
            return ()
        # Mean and deviation also depend on x.
        scaled = error * self.parameters["scale"]
        slope = self.mean(scaled * normalized)
        return ((scaled - self.mean(scaled) - normalized * slope) * self.inverse,)
