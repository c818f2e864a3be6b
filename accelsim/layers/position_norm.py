"""Base classes of norms over the channels of each position. Their statistics belong to one
position, so that no position waits for another, unlike those of batch norm.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.ops import Role, Tensor
from accelsim.workload.section import LayerSection

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

EPSILON = 1e-5


class PositionNormSection(LayerSection):
    """Key of a norm over the channels of each position."""

    epsilon: Annotated[float, Field(gt=0, le=1)] = Field(
        EPSILON, description="Number that is added to the mean square before its root is taken."
    )


@dataclass(frozen=True)
class PositionNorm(VectorLayer):
    """A norm over the channels of each position, with parameters per channel.

    It reads a position's channels once and holds them until their sums are complete. FF keeps the
    ``moments`` of each position; the backward op normalizes the input map again.
    """

    epsilon: float = EPSILON

    normalizes: ClassVar[bool] = True
    moments: ClassVar[int]
    """Words per position that FF keeps."""
    parts: ClassVar[int]
    """Parameters per channel."""

    @property
    def learns(self) -> bool:
        return True

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        channels = self.out_shape[2]
        shape = (channels, self.parts) if self.parts > 1 else (channels,)
        return (Tensor(f"{self.name}.weight", Role.WEIGHT, shape, persistent=True),)

    def reads(self, low: Lowering) -> Value:
        return (*super().reads(low), low.weight(self))

    def stash(self, low: Lowering) -> Value:
        shape = (*self.out_shape[:2], self.moments)
        return low.tensors(f"{self.name}.moments", Role.ACTIVATION, shape, stash=True)

    def reads_back(self, low: Lowering, error: Value) -> Value:
        """The error, the input map, the moments and the parameters."""
        return (*error, *low.input_of(self), *self.stash(low), low.weight(self))


class PositionNormNumerics(LayerNumerics):
    """Normalization over the last axis, and its derivative."""

    layer: PositionNorm

    def __init__(self, layer: PositionNorm, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        self.input: Array = np.empty((0, *layer.in_shape), dtype)
        self.inverse: Array = np.empty((0, *layer.in_shape[:2], 1), dtype)

    @abstractmethod
    def normalized(self) -> Array:
        """The normalized map of the last forward pass, without parameters."""

    def inverse_root(self, centred: Array) -> Array:
        """1 / sqrt(mean square + epsilon) of each position, (N, H, W, 1)."""
        squares = np.mean(np.square(centred), axis=-1, keepdims=True, dtype=np.float64)
        return self.rounded(1 / np.sqrt(squares + self.layer.epsilon))

    def rounded(self, values: Array) -> Array:
        """``values`` in the type of the model."""
        return values.astype(self.dtype, copy=False)

    def mean(self, maps: Array) -> Array:
        """Mean over the channels of each position, (N, H, W, 1)."""
        return self.rounded(maps.mean(axis=-1, keepdims=True, dtype=np.float64))

    def per_channel(self, maps: Array) -> Array:
        """Sum over samples and positions, (C,)."""
        return self.rounded(maps.sum(axis=(0, 1, 2), dtype=np.float64))
