"""A bias: a learned number per channel."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.shift import Shift, ShiftNumerics
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources


class BiasSection(LayerSection):
    """A learned number per channel, added at every position. It may follow the layer that ends a
    network.
    """

    kind: Literal["bias"] = Field(description="Learned number per channel, added.")

    is_bias: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Bias:
        return Bias(self.name, sources.names, sources.shapes, sources.shapes[0])


class Bias(Shift):
    """x + b, with b of shape (C,). Its gradient is the sum of the errors over samples and
    positions, which the op that makes the errors can gather, as it gathers the sums of batch norm.
    """

    kind: ClassVar[str] = "bias"
    shifts_outputs: ClassVar[bool] = True

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        return (self.out_shape[2],)

    def work_back(self) -> Work:
        return Work("bias_gradient", prod(self.out_shape), 1, Form.STATISTICS, sums=1)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> BiasNumerics:
        return BiasNumerics(self, dtype)


class BiasNumerics(ShiftNumerics):
    """y = x + ``bias``, (C,). It starts at zero."""

    parameter: ClassVar[str] = "bias"
    summed: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        return {"bias": np.zeros(self.layer.out_shape[2], self.dtype)}
