"""The residual sum.

It emits no backward op: the error tensor at its output is also the error at each input. If an input
has further consumers, the op that sums the errors of that map adds this error too.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class AddSection(LayerSection):
    """Keys of a residual add."""

    kind: Literal["add"] = Field(
        description="Sum of two or more maps of one shape: `inputs` must be given."
    )

    several_inputs: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Add:
        if len(set(sources.shapes)) > 1:
            maps = zip(sources.names, sources.shapes, strict=True)
            shapes = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in maps)
            sources.fault("inputs", "layers of one shape", shapes)
        return Add(self.name, sources.names, sources.shapes, sources.shapes[0])


class Add(VectorLayer):
    """Elementwise sum of two or more maps of the same shape."""

    kind: ClassVar[str] = "add"
    sums: ClassVar[bool] = True

    def work(self) -> Work:
        return Work("add", prod(self.out_shape), len(self.inputs) - 1, Form.ELEMENTWISE)

    def backward(self, low: Lowering, error: Value) -> None:
        """Register the output's error as a contribution to every input that needs an error."""
        for name in self.inputs:
            if self in low.contributors(name):
                low.contributions[name].append(error)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> AddNumerics:
        return AddNumerics(self, dtype)


class AddNumerics(LayerNumerics):
    """y = sum of the inputs. Backward returns the same error for every input."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.branches = len(inputs)
        output = np.add(inputs[0], inputs[1], out=memory.empty(inputs[0].shape, self.dtype))
        for branch in inputs[2:]:
            output += branch
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error,) * self.branches if propagate else ()
