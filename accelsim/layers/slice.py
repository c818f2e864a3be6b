"""A part of a map: consecutive, or every nth, rows, columns or channels. A split is one slice per
part.

It is addressing, in both directions: the readers of the part read it in the whole map, and the
errors of the parts of a map, side by side, are the error of the map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.errors import InputError
from accelsim.layers.addressing import AXES, AddressingLayer, Axis
from accelsim.layers.numerics import LayerNumerics
from accelsim.numerics.arrays import Array
from accelsim.step.ops import Operand, Use
from accelsim.workload.network import Shape
from accelsim.workload.parts import Part
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

Start = Extent | Literal[0]


class SliceSection(LayerSection):
    """Keys of a slice of a map."""

    kind: Literal["slice"] = Field(description="Part of a map; a split is one slice per part.")
    axis: Axis = Field("channels", description="Axis of which a part is taken.")
    start: Start = Field(0, description="First row, column or channel, counted from 0.")
    stop: Extent | None = Field(None, description="The one behind the last; null: up to the end.")
    step: Extent = Field(1, description="Every how many are taken.")

    def layer(self, sources: Sources) -> Slice:
        (source,), axis = sources.shapes, AXES[self.axis]
        stop = source[axis] if self.stop is None else self.stop
        if stop > source[axis]:
            sources.fault("stop", f"at most the {source[axis]} {self.axis} of the map", stop)
        elif self.start >= stop:
            sources.fault("start", f"below stop, {stop}", self.start)
        places = range(self.start, max(stop, self.start + 1), self.step)
        shape = part_shape(source, axis, places)
        ends = places.start, places.stop, places.step
        return Slice(self.name, sources.names, sources.shapes, shape, axis, *ends)


def part_shape(shape: Shape, axis: int, places: range) -> Shape:
    """Shape of the part of a map at ``places`` of the axis number ``axis``."""
    height, width, channels = (
        len(places) if each == axis else extent for each, extent in enumerate(shape)
    )
    return height, width, channels


@dataclass(frozen=True)
class Slice(AddressingLayer):
    """Every ``step``-th place from ``start`` up to ``stop`` of the axis number ``axis`` (0 rows,
    1 columns, 2 channels).
    """

    axis: int = 2
    start: int = 0
    stop: int = 1
    step: int = 1

    kind: ClassVar[str] = "slice"

    @property
    def places(self) -> range:
        """Places of the axis that are taken."""
        return range(self.start, self.stop, self.step)

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Slice:
        """The same share of the new map. InputError if it is empty, or a step no longer fits."""
        before, after = self.in_shape[self.axis], in_shapes[0][self.axis]
        start, stop = (round(end * after / before) for end in (self.places.start, self.places.stop))
        if start >= stop or (self.places.step > 1 and after != before):
            raise InputError(
                f"width must leave {self.name} a part of its {before} channels, got {after}"
            )
        shape = part_shape(in_shapes[0], self.axis, range(start, stop, self.step))
        return replace(self, in_shapes=in_shapes, out_shape=shape, start=start, stop=stop)

    def operands(self, low: Lowering) -> tuple[Operand, ...]:
        words = low.batch * prod(self.out_shape)
        return tuple(Operand(tensor, Use.READ, words=words) for tensor in self.reads(low))

    def backward(self, low: Lowering, error: Value) -> None:
        """Register the error as a part of the error of the whole map."""
        if self in low.contributors(self.inputs[0]):
            low.parts[self.inputs[0]].append(Part(error, self.axis, self.places))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> SliceNumerics:
        return SliceNumerics(self, dtype)


class SliceNumerics(LayerNumerics):
    """Part of the map. Backward, the error of all other elements is zero."""

    layer: Slice

    @property
    def _index(self) -> tuple[slice, ...]:
        layer, index = self.layer, [slice(None)] * 4
        index[layer.axis + 1] = slice(layer.start, layer.stop, layer.step)
        return tuple(index)

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        return inputs[0][self._index]

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        result = np.zeros((len(error), *self.layer.in_shape), self.dtype)
        result[self._index] = error
        return (result,)
