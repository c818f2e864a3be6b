"""A kind of PE array that the package does not have: its section of a machine's file."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.machine.pe_base import DenseArray


class BitSerialArray(DenseArray):
    """A dense array that takes some bits of the moving word per cycle."""

    kind: Literal["bit_serial"] = Field(description="Dense, moving words enter bit by bit.")
    bits_per_cycle: Annotated[int, Field(ge=1, le=16)] = Field(
        default=2, description="Bits of a moving word that a PE takes per cycle."
    )

    setting: ClassVar[str] = "with a bit-serial array"
