"""Element types and shapes of values, as this importer uses them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import TypeProto

FLOATS = frozenset({1, 10, 11, 16, 17, 18, 19, 20, 23})
"""ONNX's numbers of floating-point types."""

QUANTIZED = frozenset({2, 3, 21, 22})
"""Its numbers of the integers that quantized activations have."""

LARGEST = 1 << 40
"""Maximum number of elements of a value."""


@dataclass(frozen=True)
class Kind:
    """Element type (ONNX's number, 0 if unknown) and shape of a value, None if it is unknown."""

    element: int
    shape: tuple[int, ...] | None

    @property
    def floating(self) -> bool:
        """True for a value that can have an error: floating-point numbers."""
        return self.element in FLOATS

    @property
    def size(self) -> int:
        """Number of elements, 0 if the shape is unknown."""
        return prod(self.shape) if self.shape is not None else 0

    @property
    def absurd(self) -> bool:
        """True for a shape that no tensor can have."""
        return self.shape is not None and (min(self.shape, default=1) < 0 or self.size > LARGEST)


def kind_of(proto: TypeProto) -> Kind:
    """The kind of a type; its shape is unknown if any extent is."""
    tensor = proto.tensor_type
    if not proto.HasField("tensor_type"):
        return Kind(0, None)
    if not tensor.HasField("shape"):
        return Kind(tensor.elem_type, None)
    extents = [each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim]
    known = [each for each in extents if each is not None]
    return Kind(tensor.elem_type, tuple(known) if len(known) == len(extents) else None)
