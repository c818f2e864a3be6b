"""Linear layer: one matrix for the vector at every position of a map, without bias.

For the tokens of a transformer the positions of all samples are the rows of one matrix product.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.contraction_layer import ContractionLayer, ContractionNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Nest, matrix_nest
from accelsim.workload.section import Extent, LayerSection, Sources


class LinearSection(LayerSection):
    """Keys of a linear layer without bias."""

    kind: Literal["linear"] = Field(
        description="One matrix for the channels at each position, as in transformers."
    )
    out_features: Extent = Field(description="Output channels.")

    def layer(self, sources: Sources) -> Linear:
        shape = (*sources.shapes[0][:2], self.out_features)
        return Linear(self.name, sources.names, sources.shapes, shape)


class Linear(ContractionLayer):
    """A linear layer with weights of shape (K, C)."""

    kind: ClassVar[str] = "linear"

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.out_shape[2], self.in_shape[2])

    def nest(self, samples: int) -> Nest:
        """Each position of each sample is a row, in the order of the map's words."""
        rows, columns, channels = self.in_shape
        return matrix_nest(samples * rows * columns, self.out_shape[2], channels)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> LinearNumerics:
        return LinearNumerics(self, dtype)


class LinearNumerics(ContractionNumerics):
    """y = W x at every position."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = inputs[0]
        product = products.product(self._rows(self.input), self.parameters["weight"].T)
        return product.reshape(-1, *self.layer.out_shape)

    def learn(self, error: Array) -> None:
        self.gradients = {"weight": products.product(self._rows(error).T, self._rows(self.input))}

    def carry(self, error: Array, weight: Array) -> Array:
        return products.product(self._rows(error), weight).reshape(self.input.shape)

    @staticmethod
    def _rows(maps: Array) -> Array:
        return np.ascontiguousarray(maps).reshape(-1, maps.shape[3])
