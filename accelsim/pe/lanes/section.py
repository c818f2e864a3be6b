"""Section `pe_array` of kind lanes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.config.models.section import Lanes
from accelsim.machine.pe_base import SkippingArray


class LanesArray(SkippingArray):
    """Zero-skipping lanes: each reduces one output."""

    kind: Literal["lanes"] = Field(description="Zero-skipping; each lane reduces one output.")
    lanes: Lanes = Field(default=1, description="Multiply-accumulate lanes per PE.")
    window: Annotated[int, Field(ge=1, le=64)] = Field(
        default=16,
        description="Positions of its stream that a lane examines per cycle; it takes the first "
        "effectual one.",
    )

    operand_buffer: Annotated[int, Field(ge=0, le=4096)] = Field(
        default=0,
        description="Registers of a PE, in words of the stationary operand, from which all lanes "
        "that work on a channel read: a word comes from the scratchpad once for all of them. `0`: "
        "every lane reads its own words from the scratchpad.",
    )

    verbs: ClassVar[str] = "accelsim.pe.lanes.kind:Lanes"
    setting: ClassVar[str] = "in an array of lanes"

    @property
    def outputs_per_pe(self) -> int:
        """One output per lane."""
        return self.lanes

    @property
    def staged_positions(self) -> int:
        """Size of the window."""
        return self.window

    @property
    def operand_buffer_words(self) -> int:
        """Key `operand_buffer`."""
        return self.operand_buffer
