"""Products of two activations, head by head: what attention multiplies, without its softmax.

Both products are contractions of a grouped 1 x 1 convolution, like those of attention: a group is a
head of a sample, its positions are the rows of the first map, and the stationary operand is the
second map instead of weights. The two products of the backward pass belong to EP, because the layer
has no parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Nest, convolution_nest
from accelsim.step.ops import Pass, Role, Use
from accelsim.step.window import POINT, Window
from accelsim.workload.lowering import operands
from accelsim.workload.network import Layer
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering


class MatmulSection(LayerSection):
    """Keys of a product of two maps. ``inputs``: the maps, in this order."""

    kind: Literal["matmul"] = Field(
        description="Product of two maps per head: positions of the first are rows. The second has "
        "as many positions as the first has channels per head."
    )
    heads: Extent = Field(1, description="Heads, which divide the channels of both maps.")
    transposed: bool = Field(
        False,
        description="Whether the second map is transposed, as keys are: its channels per head are "
        "then as many as the first's.",
    )

    several_inputs: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Matmul:
        heads = self.heads
        if len(sources.names) != 2:
            sources.fault("inputs", "two maps", ", ".join(sources.names))
            sources = Sources(
                sources.names[:1] * 2, sources.shapes[:1] * 2, sources.vocabulary, sources.fault
            )
        first, second = sources.shapes
        for name, shape in zip(sources.names, sources.shapes, strict=True):
            if shape[2] % heads:
                sources.fault("heads", f"a divisor of the {shape[2]} channels of {name}", heads)
        reduced = first[2] // heads
        rows = second[0] * second[1]
        inner = second[2] // heads if self.transposed else rows
        if reduced != inner:
            what = "channels per head" if self.transposed else "positions"
            sources.fault("inputs", f"a second map of {reduced} {what}", f"{inner}")
        width = rows if self.transposed else second[2] // heads
        shape = (first[0], first[1], heads * max(1, width))
        return Matmul(self.name, sources.names, sources.shapes, shape, heads, self.transposed)


@dataclass(frozen=True)
class Matmul(Layer):
    """A product of two maps with ``heads`` heads each."""

    heads: int = 1
    transposed: bool = False

    kind: ClassVar[str] = "matmul"

    def product(self, samples: int) -> Nest:
        """Loop nest of the forward product."""
        rows, groups = self.out_shape[0] * self.out_shape[1], samples * self.heads
        channels, depth = samples * self.out_shape[2], samples * self.in_shape[2]
        return convolution_nest(1, channels, depth, Window(rows, rows), POINT, groups)

    def forward(self, low: Lowering) -> None:
        """Emit ``<layer>.FF``."""
        first, second = (low.outputs[name] for name in self.inputs)
        out = low.tensors(f"{self.name}.out", Role.ACTIVATION, self.out_shape)
        low.outputs[self.name] = out
        read = (*operands(first, Use.MOVING), *operands(second, Use.STATIONARY))
        nest = self.product(low.samples)
        low.contraction(f"{self.name}.FF", self.name, Pass.FF, nest, read, out)

    def backward(self, low: Lowering, error: tuple[Any, ...]) -> None:
        """Emit ``<layer>.EP.first`` and ``<layer>.EP.second``, the errors of the inputs that need
        one.
        """
        first, second = (low.outputs[name] for name in self.inputs)
        nest = self.product(low.samples)
        to_first, to_second = (low.target(self, place) for place in range(2))
        name = self.name
        if to_first is not None:
            read = (*operands(error, Use.MOVING), *operands(second, Use.STATIONARY))
            low.contraction(f"{name}.EP.first", name, Pass.EP, nest.backward, read, to_first)
        if to_second is not None:
            read = (*operands(first, Use.MOVING), *operands(error, Use.STATIONARY))
            low.contraction(f"{name}.EP.second", name, Pass.EP, nest.gradient, read, to_second)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> MatmulNumerics:
        return MatmulNumerics(self, dtype)


class MatmulNumerics(LayerNumerics):
    """y = a b, or a b^T if ``transposed``, of each sample and head."""

    layer: Matmul

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.first, second = map(self._by_head, inputs)
        self.second = second.swapaxes(2, 3) if self.layer.transposed else second
        return self._map(products.batched_product(self.first, self.second), self.layer.out_shape)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        at_output = self._by_head(error)
        first = products.batched_product(at_output, self.second.swapaxes(2, 3))
        second = products.batched_product(self.first.swapaxes(2, 3), at_output)
        if self.layer.transposed:
            second = second.swapaxes(2, 3)
        shapes = self.layer.in_shapes
        return self._map(first, shapes[0]), self._map(second, shapes[1])

    def _by_head(self, maps: Array) -> Array:
        """(N, H, W, heads * C) as (N, heads, H * W, C)."""
        samples, rows, columns, _ = maps.shape
        split = maps.reshape(samples, rows * columns, self.layer.heads, -1)
        return np.ascontiguousarray(split.transpose(0, 2, 1, 3))

    def _map(self, heads: Array, shape: tuple[int, int, int]) -> Array:
        """The inverse of `_by_head`."""
        return np.ascontiguousarray(heads.transpose(0, 2, 1, 3)).reshape(len(heads), *shape)
