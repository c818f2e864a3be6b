"""The same words as a map of another shape, and with axes in another order. Both are addressing.

The channel shuffle of ShuffleNet is a reshape, a transpose and a reshape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.errors import InputError
from accelsim.layers.addressing import AXES, AddressingLayer, Axis
from accelsim.layers.numerics import LayerNumerics
from accelsim.numerics.arrays import Array
from accelsim.workload.network import Shape
from accelsim.workload.section import Extent, LayerSection, Sources

PLAIN: tuple[Axis, Axis, Axis] = ("rows", "columns", "channels")


class ReshapeSection(LayerSection):
    """Keys of a map of another shape."""

    kind: Literal["reshape"] = Field(
        description="The words of a map, in the order of (rows, columns, channels), as a map of "
        "another shape."
    )
    height: Extent | None = Field(None, description="Rows. One of the three may be left out.")
    width: Extent | None = Field(None, description="Columns.")
    channels: Extent | None = Field(None, description="Channels.")

    def layer(self, sources: Sources) -> Reshape:
        (source,), given = sources.shapes, (self.height, self.width, self.channels)
        known = prod(each for each in given if each is not None)
        words = "x".join(map(str, source))
        if given.count(None) > 1:
            sources.fault("kind", "given two of height, width and channels", given.count(None))
        elif prod(source) % known or (None not in given and prod(source) != known):
            shape = "x".join("?" if each is None else str(each) for each in given)
            sources.fault("kind", f"a shape of the {prod(source)} words of {words}", shape)
        height, width, channels = (each or max(1, prod(source) // known) for each in given)
        return Reshape(self.name, sources.names, sources.shapes, (height, width, channels))


class TransposeSection(LayerSection):
    """Keys of a map with its axes in another order."""

    kind: Literal["transpose"] = Field(description="A map with its axes in another order.")
    axes: tuple[Axis, Axis, Axis] = Field(
        description="Axes of the source that become rows, columns and channels."
    )

    def layer(self, sources: Sources) -> Transpose:
        if len(set(self.axes)) < len(self.axes):
            sources.fault("axes", f"{', '.join(PLAIN)} in any order", ", ".join(self.axes))
        first, second, third = (AXES[axis] for axis in self.axes)
        order, source = (first, second, third), sources.shapes[0]
        shape = (source[first], source[second], source[third])
        return Transpose(self.name, sources.names, sources.shapes, shape, order)


class Reshape(AddressingLayer):
    """The words of a map as a map of another shape."""

    kind: ClassVar[str] = "reshape"

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Reshape:
        """The same rows and columns. InputError if they do not divide the words."""
        words, (height, width, _) = prod(in_shapes[0]), self.out_shape
        if words % (height * width):
            raise InputError(
                f"width must give {self.name} words that {height} rows of {width} columns share, "
                f"got {words}"
            )
        shape = (height, width, words // (height * width))
        return replace(self, in_shapes=in_shapes, out_shape=shape)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> ReshapeNumerics:
        return ReshapeNumerics(self, dtype)


@dataclass(frozen=True)
class Transpose(AddressingLayer):
    """A map whose axis number i is the source's axis ``order[i]``."""

    order: tuple[int, int, int] = (0, 1, 2)

    kind: ClassVar[str] = "transpose"

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Transpose:
        height, width, deep = (in_shapes[0][axis] for axis in self.order)
        return replace(self, in_shapes=in_shapes, out_shape=(height, width, deep))

    def numerics(self, dtype: np.dtype[Any], steps: int) -> TransposeNumerics:
        return TransposeNumerics(self, dtype)


class ReshapeNumerics(LayerNumerics):
    """The same words; backward too."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        return inputs[0].reshape(-1, *self.layer.out_shape)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error.reshape(-1, *self.layer.in_shape),) if propagate else ()


class TransposeNumerics(LayerNumerics):
    """Axes in another order; backward in the first one."""

    layer: Transpose

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        order = (0, *(axis + 1 for axis in self.layer.order))
        return np.ascontiguousarray(inputs[0].transpose(order))

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        order = (0, *(int(axis) + 1 for axis in np.argsort(self.layer.order)))
        return (np.ascontiguousarray(error.transpose(order)),)
