"""Vector work without a kind of its own: a layer known only by its operations.

Importers use it for operators that no other kind describes. Its numbers are not known, so a network
that contains it can be simulated but not trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NoReturn

import numpy as np
from pydantic import Field

from accelsim.errors import InputError
from accelsim.layers.vector_layer import VectorLayer
from accelsim.workload.lowering import Work
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class VectorWorkSection(LayerSection):
    """Keys of vector work that is known only by its operations. Networks with it cannot be
    trained.
    """

    kind: Literal["vector_work"] = Field(
        description="Vector work that reads one or more maps and makes one of any shape."
    )
    height: Extent = Field(1, description="Rows of the output map.")
    width: Extent = Field(1, description="Columns of the output map.")
    channels: Extent = Field(description="Channels of the output map.")
    operations: Annotated[int, Field(ge=0, le=1 << 24)] = Field(
        1,
        description="Scalar operations per element of the output, forward, and per element of the "
        "inputs, backward. 0: words are only moved.",
    )
    passes_errors: bool = Field(
        True, description="Whether it has a backward pass, which makes the errors at its inputs."
    )

    several_inputs: ClassVar[bool] = True
    least_inputs: ClassVar[int] = 1

    def layer(self, sources: Sources) -> VectorWorkLayer:
        shape = (self.height, self.width, self.channels)
        return VectorWorkLayer(
            self.name, sources.names, sources.shapes, shape, self.operations, self.passes_errors
        )


@dataclass(frozen=True)
class VectorWorkLayer(VectorLayer):
    """Vector work of ``operations`` per element. The backward op reads the error at the output and
    all input maps, and makes the errors at the inputs.
    """

    operations: int = 1
    passes_errors: bool = True

    kind: ClassVar[str] = "vector_work"

    def work(self) -> Work:
        return Work("vector_work", prod(self.out_shape), self.operations)

    def work_back(self) -> Work:
        return Work("vector_work", sum(map(prod, self.in_shapes)), self.operations)

    def reads_back(self, low: Lowering, error: Value) -> Value:
        """The error, and the inputs unless words were only moved."""
        return (*error, *(self.reads(low) if self.operations else ()))

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.EP`` unless the layer passes no errors."""
        if self.passes_errors:
            super().backward(low, error)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> NoReturn:
        raise InputError(
            f"a network with vector work of unknown numbers cannot be trained, got layer "
            f"{self.name} (kind vector_work)"
        )
