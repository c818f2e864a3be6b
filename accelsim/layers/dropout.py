"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Role
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

FORWARD_OPS = 3
"""Operations per element: draw a number 1, compare it with the rate 1, multiply by 1 / (1 - rate)
or by 0 1.
"""
BACKWARD_OPS = 1
"""Operations per element: multiply by 1 / (1 - rate) or by 0."""


class DropoutSection(LayerSection):
    """Keys of dropout."""

    kind: Literal["dropout"] = Field(
        description="Sets elements to zero at random in training, and scales the others by "
        "1 / (1 - rate)."
    )
    rate: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="Share of the elements that are set to zero."
    )

    def layer(self, sources: Sources) -> Dropout:
        return Dropout(self.name, sources.names, sources.shapes, sources.shapes[0], rate=self.rate)


@dataclass(frozen=True)
class Dropout(VectorLayer):
    """x / (1 - rate) at random elements, 0 at the others (Srivastava et al. 2014, scaled in
    training). FF keeps one bit per element.

    A zero of its output may come from its input or from itself, and it scales the values: its
    output is not `rectified`, even if its input is.
    """

    rate: float = 0.5

    kind: ClassVar[str] = "dropout"

    def work(self) -> Work:
        return Work("dropout", prod(self.out_shape), FORWARD_OPS, Form.ELEMENTWISE)

    def work_back(self) -> Work:
        return Work("dropout_backward", prod(self.out_shape), BACKWARD_OPS, Form.ELEMENTWISE)

    def stash(self, low: Lowering) -> Value:
        """Which elements are kept."""
        return low.tensors(f"{self.name}.kept", Role.MASK, self.out_shape, bits=1, stash=True)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> DropoutNumerics:
        return DropoutNumerics(self, dtype)


class DropoutNumerics(LayerNumerics):
    """y = x / (1 - rate) where ``kept``, else 0, in training; y = x in evaluation.

    The elements of the n-th forward pass in training follow from the model's seed, the layer's
    place and n, the number of draws before, which is saved with a run.
    """

    layer: Dropout

    def __init__(self, layer: Dropout, dtype: np.dtype[Any]) -> None:
        super().__init__(layer, dtype)
        self.draws = np.zeros(1, np.int64)
        self.key = 0
        self.kept: NDArray[np.bool_] | None = None

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        self.key = int(random.integers(1 << 62))
        return {}

    def moments(self) -> dict[str, NDArray[Any]]:
        return {"draws": self.draws}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.kept = None
        if training:
            random = np.random.default_rng([self.key, int(self.draws[0])])
            self.draws += 1
            self.kept = random.random(inputs[0].shape, np.float32) >= self.layer.rate
        return self._scaled(inputs[0])

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (self._scaled(error),) if propagate else ()

    def _scaled(self, maps: Array) -> Array:
        if self.kept is None:
            return maps
        return np.where(self.kept, maps * self.dtype.type(1 / (1 - self.layer.rate)), 0)
