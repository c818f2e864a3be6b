"""The sigmoid linear unit, also called swish."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.input_activation import InputActivation
from accelsim.layers.numerics import InputActivationNumerics
from accelsim.numerics.arrays import Array
from accelsim.workload.section import LayerSection, Sources

FORWARD_OPS = 2
"""Operations per element: sigmoid 1, multiply 1."""
DERIVATIVE_OPS = 6
"""Operations per element: s = sigmoid(x) 1; s * (1 + x * (1 - s)) 4; times the error 1."""


class SiluSection(LayerSection):
    """The sigmoid linear unit x * sigmoid(x), element by element."""

    kind: Literal["silu"] = Field(description="Sigmoid linear unit, x * sigmoid(x) (swish).")

    def layer(self, sources: Sources) -> Silu:
        return Silu(self.name, sources.names, sources.shapes, sources.shapes[0])


class Silu(InputActivation):
    """x * sigmoid(x) (Elfwing et al. 2018)."""

    kind: ClassVar[str] = "silu"
    forward_ops: ClassVar[int] = FORWARD_OPS
    derivative_ops: ClassVar[int] = DERIVATIVE_OPS

    def numerics(self, dtype: np.dtype[Any], steps: int) -> SiluNumerics:
        return SiluNumerics(self, dtype)


class SiluNumerics(InputActivationNumerics):
    """y = x * sigmoid(x), elementwise."""

    def value(self, maps: Array) -> Array:
        return maps * _sigmoid(maps)

    def derivative(self, maps: Array) -> Array:
        sigmoid = _sigmoid(maps)
        return sigmoid * (1 + maps * (1 - sigmoid))


def _sigmoid(maps: Array) -> Array:
    """1 / (1 + exp(-x)), from tanh, which cannot overflow."""
    result: Array = 0.5 * np.tanh(0.5 * maps) + 0.5
    return result
