"""Softmax over the channels of each position."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

FORWARD_OPS = 5
"""Operations per element: maximum 1, subtract 1, exp 1, sum 1, divide 1."""
BACKWARD_OPS = 4
"""Operations per element: sum of e * y 2; y * (e - sum) 2."""


class SoftmaxSection(LayerSection):
    """Softmax over the channels of each position. The loss has a softmax of its own."""

    kind: Literal["softmax"] = Field(description="Softmax over the channels of each position.")

    def layer(self, sources: Sources) -> Softmax:
        return Softmax(self.name, sources.names, sources.shapes, sources.shapes[0])


class Softmax(VectorLayer):
    """exp(x) / sum(exp(x)) over the channels of each position, which are read once. The backward op
    reads the output.
    """

    kind: ClassVar[str] = "softmax"

    def work(self) -> Work:
        return Work("softmax", prod(self.out_shape), FORWARD_OPS)

    def work_back(self) -> Work:
        return Work("softmax_backward", prod(self.out_shape), BACKWARD_OPS)

    def reads_back(self, low: Lowering, error: Value) -> Value:
        return (*error, *low.outputs[self.name])

    def numerics(self, dtype: np.dtype[Any], steps: int) -> SoftmaxNumerics:
        return SoftmaxNumerics(self, dtype)


class SoftmaxNumerics(LayerNumerics):
    """y = exp(x) / sum(exp(x)) over the last axis."""

    output: Array

    def hold(self, output: Array) -> None:
        self.output = output

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        powers = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True))
        self.output = powers / powers.sum(axis=-1, keepdims=True)
        return self.output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        total = (error * self.output).sum(axis=-1, keepdims=True)
        return (self.output * (error - total),)
