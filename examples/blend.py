"""A weighted sum of two maps, channel by channel: a layer kind as a plug-in, with two inputs, two
weight tensors and neither a kernel nor a product.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim import plugin
from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.ops import Role, Tensor
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

PARTS = ("first", "second")


@plugin.layer
class BlendSection(LayerSection):
    """Weighted sum of two maps of one shape, with a trainable word per channel of each."""

    kind: Literal["blend"] = Field(description="Weighted sum of two maps, channel by channel.")

    several_inputs: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Blend:
        if len(sources.names) != len(PARTS) or len(set(sources.shapes)) > 1:
            sources.fault("inputs", "two layers of one shape", ", ".join(sources.names))
        return Blend(self.name, sources.names, sources.shapes, sources.shapes[0])


class Blend(VectorLayer):
    """y = a * x1 + b * x2."""

    kind: ClassVar[str] = "blend"

    @property
    def learns(self) -> bool:
        return True

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        shape = (self.out_shape[2],)
        return tuple(
            Tensor(f"{self.name}.{part}", Role.WEIGHT, shape, persistent=True) for part in PARTS
        )

    def work(self) -> Work:
        """Two products and a sum."""
        return Work("blend", prod(self.out_shape), 3)

    def work_back(self) -> Work:
        """The error times each weight, and the sum of its products with each map."""
        return Work("blend_backward", prod(self.out_shape), 6)

    def reads(self, low: Lowering) -> Value:
        return (*super().reads(low), *self.weights(low.samples))

    def reads_back(self, low: Lowering, error: Value) -> Value:
        return (*error, *self.reads(low))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> BlendNumerics:
        return BlendNumerics(self, dtype)


class BlendNumerics(LayerNumerics):
    """``first`` and ``second``: (C,), half each in a fresh network."""

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        return {part: np.full(self.layer.out_shape[2], 0.5, self.dtype) for part in PARTS}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.inputs = inputs
        first, second = (self.parameters[part] for part in PARTS)
        return first * inputs[0] + second * inputs[1]

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        self.gradients = {
            part: (error * maps).sum(axis=(0, 1, 2))
            for part, maps in zip(PARTS, self.inputs, strict=True)
        }
        return tuple(error * self.parameters[part] for part in PARTS) if propagate else ()
