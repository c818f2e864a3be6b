"""The residual sum.

It has no backward work: the error at its output is, the same tensor, the error of each of its
inputs. Where that meets other errors, the map's own sum adds them.
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
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class AddSection(LayerSection):
    """Residual add."""

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
    """The sum of its inputs."""

    kind: ClassVar[str] = "add"
    sums: ClassVar[bool] = True

    def work(self) -> Work:
        return Work("add", prod(self.out_shape), len(self.inputs) - 1)

    def backward(self, low: Lowering, error: Value) -> None:
        """Hand the error to each input that wants one."""
        for name in self.inputs:
            if self in low.contributors(name):
                low.contributions[name].append(error)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> AddNumerics:
        return AddNumerics(self, dtype)


class AddNumerics(LayerNumerics):
    """The residual sum; its error passes to every branch unchanged."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.branches = len(inputs)
        output = np.add(inputs[0], inputs[1], out=memory.empty(inputs[0].shape, self.dtype))
        for branch in inputs[2:]:
            output += branch
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error,) * self.branches if propagate else ()
