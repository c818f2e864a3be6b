"""Rotary positions: pairs of channels are rotated by angles that grow with the position."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.positions import several_positions
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.ops import Role, Tensor
from accelsim.workload.lowering import Work
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

Pairs = Literal["halves", "interleaved"]

OPS = 3
"""Operations per element, forward and backward: one of x1 * cos - x2 * sin and x2 * cos + x1 * sin.
Backward the angle is the opposite.
"""
BASE = 10000.0


class RotarySection(LayerSection):
    """Keys of rotary positions."""

    kind: Literal["rotary"] = Field(
        description="Rotates pairs of channels of each head by angles that grow with the position "
        "(row by row)."
    )
    heads: Extent = Field(
        description="Heads, side by side in the channels; each has an even number of them."
    )
    base: Annotated[float, Field(gt=1, le=1e12)] = Field(
        BASE,
        description="Pair i of a head of d channels turns by base^(-2i / d) per position.",
    )
    pairs: Pairs = Field(
        "halves",
        description="Channels of pair i of a head: `halves` i and i + d / 2, `interleaved` 2i and "
        "2i + 1.",
    )

    def layer(self, sources: Sources) -> Rotary:
        several_positions(sources)
        channels = sources.shapes[0][2]
        if channels % (2 * self.heads):
            rule = f"a number of heads with an even share of the {channels} channels each"
            sources.fault("heads", rule, self.heads)
        return Rotary(
            self.name,
            sources.names,
            sources.shapes,
            sources.shapes[0],
            heads=self.heads,
            base=self.base,
            pairs=self.pairs,
        )


@dataclass(frozen=True)
class Rotary(VectorLayer):
    """Rotation of pairs of channels (Su et al. 2021). Both ops read a table that is there before
    training begins: cosine and sine per position and pair, the same for every head. Nothing is
    kept.
    """

    heads: int = 1
    base: float = BASE
    pairs: Pairs = "halves"

    kind: ClassVar[str] = "rotary"

    @property
    def divisor(self) -> int:
        return 2 * self.heads

    @property
    def head_channels(self) -> int:
        """Channels per head."""
        return self.out_shape[2] // self.heads

    def table(self) -> Tensor:
        """Cosines and sines, (positions, channels per head)."""
        shape = (prod(self.out_shape[:2]), self.head_channels)
        return Tensor(f"{self.name}.table", Role.ACTIVATION, shape, persistent=True)

    def work(self) -> Work:
        return Work("rotary", prod(self.out_shape), OPS)

    def reads(self, low: Lowering) -> Value:
        return (*super().reads(low), self.table())

    def reads_back(self, low: Lowering, error: Value) -> Value:
        return (*error, self.table())

    def numerics(self, dtype: np.dtype[Any], steps: int) -> RotaryNumerics:
        return RotaryNumerics(self, dtype)


class RotaryNumerics(LayerNumerics):
    """(y1, y2) = (x1 cos - x2 sin, x2 cos + x1 sin) of each pair, with the angle p * base^(-2i / d)
    at position p.
    """

    layer: Rotary

    def __init__(self, layer: Rotary, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        height, width, _ = layer.out_shape
        size = layer.head_channels
        turns = layer.base ** (-np.arange(0, size, 2) / size)
        angles = np.outer(np.arange(height * width), turns).reshape(height, width, 1, size // 2)
        self.cosines: Array = np.cos(angles).astype(dtype)
        self.sines: Array = np.sin(angles).astype(dtype)

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        return self._rotated(inputs[0], self.sines)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (self._rotated(error, -self.sines),) if propagate else ()

    def _rotated(self, maps: Array, sines: Array) -> Array:
        """``maps`` (N, H, W, C) with each pair rotated."""
        axis = -2 if self.layer.pairs == "halves" else -1
        pair = (2, -1) if axis == -2 else (-1, 2)
        heads = maps.reshape(*maps.shape[:3], self.layer.heads, *pair)
        first, second = (np.take(heads, place, axis) for place in (0, 1))
        rotated = (
            first * self.cosines - second * sines,
            second * self.cosines + first * sines,
        )
        return np.stack(rotated, axis).reshape(maps.shape)
