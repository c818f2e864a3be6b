"""Base classes of layers that add learned numbers to their map, the same for every sample.

The error at the output is the error at the input, so that the only backward op is the gradient of
the parameters.
"""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import TYPE_CHECKING, ClassVar

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.lowering import Work, gradient_of, operands

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class Shift(VectorLayer):
    """x + parameters. It keeps nothing for the backward pass."""

    @property
    def learns(self) -> bool:
        return True

    @property
    @abstractmethod
    def parameter_shape(self) -> tuple[int, ...]:
        """Shape of the parameters."""

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        name = f"{self.name}.weight"
        return (Tensor(name, Role.WEIGHT, self.parameter_shape, persistent=True),)

    def work(self) -> Work:
        return Work(self.kind, prod(self.out_shape), 1, Form.ELEMENTWISE)

    def reads(self, low: Lowering) -> Value:
        return (*super().reads(low), low.weight(self))

    def backward(self, low: Lowering, error: Value) -> None:
        """Pass the error on as it is, and emit ``<layer>.WG``."""
        if self in low.contributors(self.inputs[0]):
            low.contributions[self.inputs[0]].append(error)
        low.vector(
            f"{self.name}.WG",
            self.name,
            Pass.WG,
            self.work_back().times(low.samples),
            operands(error, Use.READ),
            [gradient_of(low.weight(self))],
        )


class ShiftNumerics(LayerNumerics):
    """y = x + parameters."""

    parameter: ClassVar[str]
    """Name of the parameters."""
    summed: ClassVar[tuple[int, ...]]
    """Axes over which their gradient sums the error."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        result: Array = inputs[0] + self.parameters[self.parameter]
        return result

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        gradient = error.sum(axis=self.summed, dtype="float64").astype(self.dtype, copy=False)
        self.gradients = {self.parameter: gradient}
        return (error,) if propagate else ()
