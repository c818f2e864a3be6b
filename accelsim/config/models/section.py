"""Parts shared by all sections of a machine file: strict mappings, and bounds of numbers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from accelsim.config.models.units import Bytes

Positive = Annotated[int, Field(ge=1, le=1 << 16)]
"""A count. Upper bounds here and below refuse typing errors that would cause hours of simulation or
use all memory.
"""
Whole = Annotated[int, Field(ge=1, le=1 << 40)]
Side = Annotated[int, Field(ge=1, le=4096)]
Lanes = Annotated[int, Field(ge=1, le=1024)]
Channels = Annotated[int, Field(ge=1, le=256)]
Ports = Annotated[int, Field(ge=1, le=2)]
Bits = Annotated[int, Field(ge=1, le=64)]
Capacity = Annotated[Bytes, Field(ge=1, le=1 << 40)]


class Section(BaseModel):
    """A mapping in YAML: fixed keys, no type conversion, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def __dir__(self) -> list[str]:
        """Public names, without pydantic's own."""
        inherited = set(dir(BaseModel))
        return [
            name
            for name in super().__dir__()
            if name not in inherited and not name.startswith("_") and not name.endswith("_")
        ]

    def __setattr__(self, name: str, _value: Any) -> None:
        raise AttributeError(
            f"{name} cannot be set; Machine.replace makes a machine with other values"
        )
