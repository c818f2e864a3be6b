"""Maps side by side: along channels (DenseNet, U-Net, Inception), rows or columns.

A chip does not copy them: the readers of the result read each source where it is. Backward, each
source gets its slice of the error, one op per source that needs an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.addressing import AXES, AddressingLayer, Axis
from accelsim.layers.numerics import LayerNumerics
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Operand, Pass, Use
from accelsim.workload.lowering import Work
from accelsim.workload.network import Shape
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class ConcatSection(LayerSection):
    """Keys of a concatenation of maps."""

    kind: Literal["concat"] = Field(
        description="Two or more maps side by side, in the order of `inputs`, which must be given."
    )
    axis: Axis = Field(
        "channels", description="Axis along which they are joined; they agree in the others."
    )

    several_inputs: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Concat:
        place = AXES[self.axis]
        sides = {shape[:place] + shape[place + 1 :] for shape in sources.shapes}
        if len(sides) > 1:
            maps = zip(sources.names, sources.shapes, strict=True)
            shapes = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in maps)
            sources.fault("inputs", f"layers whose maps differ in {self.axis} only", shapes)
        shape = joined(sources.shapes, place)
        return Concat(self.name, sources.names, sources.shapes, shape, place)


def joined(shapes: tuple[Shape, ...], axis: int) -> Shape:
    """Shape of maps side by side along the axis number ``axis``."""
    height, width, channels = (
        sum(shape[each] for shape in shapes) if each == axis else shapes[0][each]
        for each in range(3)
    )
    return height, width, channels


@dataclass(frozen=True)
class Concat(AddressingLayer):
    """Maps side by side along ``axis`` (0 rows, 1 columns, 2 channels)."""

    axis: int = 2

    kind: ClassVar[str] = "concat"

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Concat:
        return replace(self, in_shapes=in_shapes, out_shape=joined(in_shapes, self.axis))

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.EP.part<n>`` for every input that needs an error: its slice of the
        error.
        """
        for place, shape in enumerate(self.in_shapes):
            target = low.target(self, place)
            if target is None:
                continue
            words = low.batch * prod(shape)
            low.vector(
                f"{self.name}.EP.part{place}",
                self.name,
                Pass.EP,
                Work("slice", prod(shape), 0, Form.ADDRESSING).times(low.samples),
                [Operand(tensor, Use.READ, words=words) for tensor in error],
                target,
            )

    def numerics(self, dtype: np.dtype[Any], steps: int) -> ConcatNumerics:
        return ConcatNumerics(self, dtype)


class ConcatNumerics(LayerNumerics):
    """Maps side by side. Backward returns each source's slice of the error."""

    layer: Concat

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        output = memory.empty((len(inputs[0]), *self.layer.out_shape), self.dtype)
        return np.concatenate(inputs, axis=self.layer.axis + 1, out=output)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        axis = self.layer.axis
        ends = np.cumsum([shape[axis] for shape in self.layer.in_shapes])[:-1]
        return tuple(np.split(error, ends, axis=axis + 1))
