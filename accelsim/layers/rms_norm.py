"""Root-mean-square normalization, with scale."""

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

FORWARD_OPS = 4
"""Operations per element: square and sum 2, normalize 1, scale 1. Work done once per position (the
division by C, the root) is not counted.
"""
BACKWARD_OPS = 9
"""Operations per element: n = normalized input again 1; gradient of the scale 2; g = scale * e 1;
sum of g * n 2; (g - n * mean(g * n)) / root 3.
"""


class RmsNormSection(PositionNormSection):
    """Keys of a root-mean-square normalization: over the channels of each position."""

    kind: Literal["rms_norm"] = Field(
        description="Root-mean-square normalization (with scale) over the channels of each "
        "position."
    )

    def layer(self, sources: Sources) -> RmsNorm:
        return RmsNorm(
            self.name, sources.names, sources.shapes, sources.shapes[0], epsilon=self.epsilon
        )


class RmsNorm(PositionNorm):
    """Root-mean-square normalization. The scale is a weight tensor of shape (C,); 1 / root of each
    position is kept.
    """

    kind: ClassVar[str] = "rms_norm"
    moments: ClassVar[int] = 1
    parts: ClassVar[int] = 1

    def work(self) -> Work:
        return Work("rms_norm", prod(self.out_shape), FORWARD_OPS)

    def work_back(self) -> Work:
        return Work("rms_norm_backward", prod(self.out_shape), BACKWARD_OPS)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> RmsNormNumerics:
        return RmsNormNumerics(self, dtype)


class RmsNormNumerics(PositionNormNumerics):
    """y = scale * x / sqrt(mean(x * x) + epsilon), the mean over the channels of a position (Zhang
    & Sennrich 2019, without their share of the channels).
    """

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        return {"scale": np.ones(self.layer.out_shape[2], self.dtype)}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = inputs[0]
        self.inverse = self.inverse_root(self.input)
        return self.normalized() * self.parameters["scale"]

    def normalized(self) -> Array:
        return self.input * self.inverse

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        normalized = self.normalized()
        self.gradients = {"scale": self.per_channel(error * normalized)}
        if not propagate:
            return ()
        # The root also depends on x.
        scaled = error * self.parameters["scale"]
        return ((scaled - normalized * self.mean(scaled * normalized)) * self.inverse,)
