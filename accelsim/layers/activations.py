"""Activation functions whose derivative follows from their value."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from accelsim.kernels.tensors.normalization import rectify_back
from accelsim.layers.numerics import OutputActivationNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class ActivationSection(LayerSection):
    """An activation function, element by element; relu6 is min(max(x, 0), 6)."""

    kind: Literal["relu", "relu6", "tanh", "sigmoid"] = Field(description="Activation function.")

    def layer(self, sources: Sources) -> Activation:
        return FUNCTIONS[self.kind](self.name, sources.names, sources.shapes, sources.shapes[0])


class Activation(VectorLayer):
    """An elementwise function whose derivative can be computed from the function's value."""

    forward_ops: ClassVar[int] = 1
    """Scalar operations per element of the function."""
    derivative_ops: ClassVar[int]
    """Scalar operations per element to multiply the error by the derivative."""

    def work(self) -> Work:
        return Work("activation", prod(self.out_shape), self.forward_ops, Form.ELEMENTWISE)

    def work_back(self) -> Work:
        elements = prod(self.out_shape)
        return Work("activation_derivative", elements, self.derivative_ops, Form.ELEMENTWISE)

    def reads_back(self, low: Lowering, error: Value) -> Value:
        return (*error, *low.outputs[self.name])


class Relu(Activation):
    """max(x, 0). The backward pass selects errors with the stored mask instead of the output."""

    kind: ClassVar[str] = "relu"
    rectifies: ClassVar[bool] = True
    derivative_ops: ClassVar[int] = 1

    def reads_back(self, low: Lowering, error: Value) -> Value:
        return (*error, *low.mask(self.name))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> OutputActivationNumerics:
        return ReluNumerics(self, dtype)


class Relu6(Relu):
    """min(max(x, 0), 6) (Krizhevsky 2010). The stored mask is zero at both ends: f' = 0 for x <= 0
    and for x >= 6.
    """

    kind: ClassVar[str] = "relu6"
    forward_ops: ClassVar[int] = 2

    def numerics(self, dtype: np.dtype[Any], steps: int) -> OutputActivationNumerics:
        return Relu6Numerics(self, dtype)


class Tanh(Activation):
    """tanh(x). Backward: e * (1 - y * y)."""

    kind: ClassVar[str] = "tanh"
    derivative_ops: ClassVar[int] = 3

    def numerics(self, dtype: np.dtype[Any], steps: int) -> TanhNumerics:
        return TanhNumerics(self, dtype)


class Sigmoid(Activation):
    """1 / (1 + exp(-x)). Backward: e * y * (1 - y)."""

    kind: ClassVar[str] = "sigmoid"
    derivative_ops: ClassVar[int] = 3

    def numerics(self, dtype: np.dtype[Any], steps: int) -> SigmoidNumerics:
        return SigmoidNumerics(self, dtype)


FUNCTIONS: dict[str, type[Activation]] = {
    "relu": Relu,
    "relu6": Relu6,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
}

SIX = 6.0
"""Upper end of relu6. It is exact in every storage format, whose scales are powers of two, so that
f' can be computed from the stored output.
"""


class ReluNumerics(OutputActivationNumerics):
    """y = max(x, 0), elementwise."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.output = np.maximum(inputs[0], 0, out=memory.empty(inputs[0].shape, self.dtype))
        return self.output

    def derivative(self, output: Array) -> NDArray[np.bool_]:
        return output > 0

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        error = np.ascontiguousarray(error)
        result = memory.empty(error.shape, self.dtype)
        rectify_back(
            error.reshape(-1), np.ascontiguousarray(self.output).reshape(-1), result.reshape(-1)
        )
        return (result,)


class Relu6Numerics(OutputActivationNumerics):
    """y = min(max(x, 0), 6), elementwise."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.output = np.clip(inputs[0], 0, SIX, out=memory.empty(inputs[0].shape, self.dtype))
        return self.output

    def derivative(self, output: Array) -> NDArray[np.bool_]:
        return (output > 0) & (output < SIX)

    def passes(self, output: Array) -> NDArray[np.bool_]:
        return self.derivative(output)


class TanhNumerics(OutputActivationNumerics):
    """y = tanh(x), elementwise."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.output = np.tanh(inputs[0])
        return self.output

    def derivative(self, output: Array) -> Array:
        return 1 - output * output


class SigmoidNumerics(OutputActivationNumerics):
    """y = 1 / (1 + exp(-x)), elementwise."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        # Computed from tanh, which cannot overflow.
        self.output = 0.5 * np.tanh(0.5 * inputs[0]) + 0.5
        return self.output

    def derivative(self, output: Array) -> Array:
        return output * (1 - output)
