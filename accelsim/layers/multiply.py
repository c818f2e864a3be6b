"""Elementwise product of maps, such as the gate of a squeeze-and-excitation block (Hu et al. 2018,
section 3.2).

A map of one row and column, or of one channel, is repeated over the others' positions or channels.
Its error is then a sum over them.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics import memory
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Pass, Tensor, Use
from accelsim.workload.lowering import Work, operands
from accelsim.workload.network import Shape
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class MultiplySection(LayerSection):
    """Keys of an elementwise product."""

    kind: Literal["multiply"] = Field(
        description="Product of two or more maps, element by element; an extent of 1 is repeated "
        "to that of the others. `inputs` must be given."
    )

    several_inputs: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Multiply:
        shape = repeated(sources.shapes)
        pairs = [pair for own in sources.shapes for pair in zip(own, shape, strict=True)]
        if any(extent not in (1, most) for extent, most in pairs):
            maps = zip(sources.names, sources.shapes, strict=True)
            shapes = ", ".join(f"{name} {'x'.join(map(str, own))}" for name, own in maps)
            sources.fault("inputs", "layers whose extents are equal or 1", shapes)
        return Multiply(self.name, sources.names, sources.shapes, shape)


def repeated(shapes: tuple[Shape, ...]) -> Shape:
    """Shape of the product of maps of these shapes."""
    height, width, channels = (max(extents) for extents in zip(*shapes, strict=True))
    return height, width, channels


class Multiply(VectorLayer):
    """Elementwise product of two or more maps."""

    kind: ClassVar[str] = "multiply"

    def work(self) -> Work:
        return Work("multiply", prod(self.out_shape), len(self.inputs) - 1, Form.ELEMENTWISE)

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Multiply:
        return replace(self, in_shapes=in_shapes, out_shape=repeated(in_shapes))

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.EP``. The error of an input takes a product with each other input, and a
        sum if the input was repeated.
        """
        wanted: list[int] = []
        outputs: list[Tensor] = []
        for place in range(len(self.inputs)):
            target = low.target(self, place)
            if target is not None:
                wanted.append(place)
                outputs += target
        if not wanted:
            return
        others = [
            tensor
            for place, name in enumerate(self.inputs)
            if wanted != [place]
            for tensor in low.outputs[name]
        ]
        sums = sum(self.in_shapes[place] != self.out_shape for place in wanted)
        products = len(wanted) * (len(self.inputs) - 1)
        work = Work("multiply_backward", prod(self.out_shape), products + sums, Form.ELEMENTWISE)
        low.vector(
            f"{self.name}.EP",
            self.name,
            Pass.EP,
            work.times(low.samples),
            operands((*error, *others), Use.READ),
            outputs,
        )

    def numerics(self, dtype: np.dtype[Any], steps: int) -> MultiplyNumerics:
        return MultiplyNumerics(self, dtype)


class MultiplyNumerics(LayerNumerics):
    """y = product of the inputs. The error of an input is the error times the other inputs, summed
    over what repeats it.
    """

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.inputs = inputs
        output = memory.empty((len(inputs[0]), *self.layer.out_shape), self.dtype)
        np.multiply(inputs[0], inputs[1], out=output)
        for factor in inputs[2:]:
            output *= factor
        return output

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        errors = []
        for place, shape in enumerate(self.layer.in_shapes):
            own = error
            for other, factor in enumerate(self.inputs):
                if other != place:
                    own = own * factor
            axes = tuple(
                axis + 1
                for axis, extent in enumerate(shape)
                if extent != self.layer.out_shape[axis]
            )
            errors.append(own.sum(axis=axes, keepdims=True) if axes else own)
        return tuple(errors)
