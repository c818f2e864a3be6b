"""Fully connected layer, without bias."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.contraction_layer import ContractionLayer, ContractionNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Nest, matrix_nest
from accelsim.workload.network import Pair
from accelsim.workload.section import Extent, LayerSection, Sources


class FullyConnectedSection(LayerSection):
    """Keys of a fully connected layer without bias."""

    kind: Literal["fc"] = Field(
        description="Fully connected; flattens its input map in (row, column, channel) order."
    )
    out_features: Extent = Field(description="Outputs.")

    def layer(self, sources: Sources) -> FullyConnected:
        return FullyConnected(self.name, sources.names, sources.shapes, (1, 1, self.out_features))


class FullyConnected(ContractionLayer):
    """A fully connected layer with weights of shape (K, H*W*C)."""

    kind: ClassVar[str] = "fc"
    flattens: ClassVar[bool] = True

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.out_shape[2], prod(self.in_shape))

    @property
    def reach(self) -> tuple[Pair, Pair]:
        """Rows and columns of the whole map, which serve as kernel size and as stride."""
        rows, columns, _ = self.in_shape
        return (rows, columns), (rows, columns)

    def nest(self, samples: int) -> Nest:
        return matrix_nest(samples, self.out_shape[2], prod(self.in_shape))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> FullyConnectedNumerics:
        return FullyConnectedNumerics(self, dtype)


class FullyConnectedNumerics(ContractionNumerics):
    """y = W x, where x is the input map flattened in (H, W, C) order."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = inputs[0]
        samples = self.input.shape[0]
        return products.product(
            self.input.reshape(samples, -1), self.parameters["weight"].T
        ).reshape(samples, 1, 1, -1)

    def learn(self, error: Array) -> None:
        samples = error.shape[0]
        self.gradients = {
            "weight": products.product(
                error.reshape(samples, -1).T, self.input.reshape(samples, -1)
            )
        }

    def carry(self, error: Array, weight: Array) -> Array:
        return products.product(error.reshape(error.shape[0], -1), weight).reshape(self.input.shape)
